//! The sets of characters of a VT220 that matter on a serial line: the lines that menus and installers are
//! drawn with are letters in another set.

/// A set of characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Charset {
    #[default]
    Ascii,
    /// British: a pound for the number sign.
    British,
    /// DEC's special graphics: lines.
    Graphics,
}

impl Charset {
    /// The set that the last byte of `ESC (` names.
    pub(super) const fn of(last: u8) -> Self {
        match last {
            b'0' | b'2' => Self::Graphics,
            b'A' => Self::British,
            _ => Self::Ascii,
        }
    }

    /// What a byte means in it.
    pub(super) fn char(self, byte: u8) -> char {
        /// From 0x5f on.
        const GRAPHICS: [char; 32] = [
            ' ', '◆', '▒', '␉', '␌', '␍', '␊', '°', '±', '␤', '␋', '┘', '┐', '┌', '└', '┼', '⎺', '⎻', '─', '⎼', '⎽',
            '├', '┤', '┴', '┬', '│', '≤', '≥', 'π', '≠', '£', '·',
        ];
        match self {
            Self::Graphics if byte >= 0x5f => GRAPHICS.get(usize::from(byte - 0x5f)).copied().unwrap_or(byte as char),
            Self::British if byte == b'#' => '£',
            _ => byte as char,
        }
    }
}
