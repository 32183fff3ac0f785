//! What a guest has asked its terminal to do differently: what keys send, how a paste is marked. There is
//! no mouse on a serial line here, and no keypad that could be told from the digits: a guest that asks for
//! them is told that they are not known.

/// Modes of the terminal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Modes {
    /// Arrow keys send `ESC O A` instead of `ESC [ A`.
    pub application_cursor: bool,
    /// A paste is put between `ESC [ 200 ~` and `ESC [ 201 ~`.
    pub bracketed_paste: bool,
    /// The cursor is not shown.
    pub cursor_hidden: bool,
    /// The screen without scrollback, of editors and pagers.
    pub alternate: bool,
    /// Foreground and background of the whole screen change places.
    pub reverse: bool,
    /// Enter sends CR and LF.
    pub newline: bool,
    /// Written characters push what stands there to the right.
    pub(super) insert: bool,
    /// Rows are counted from the top of the region.
    pub(super) origin: bool,
    /// Text that is too long goes on in the next row.
    pub(super) wraps: bool,
}

impl Default for Modes {
    fn default() -> Self {
        Self {
            application_cursor: false,
            bracketed_paste: false,
            cursor_hidden: false,
            alternate: false,
            reverse: false,
            newline: false,
            insert: false,
            origin: false,
            wraps: true,
        }
    }
}

impl Modes {
    /// The answer to a guest that asks for a mode: 1 set, 2 not set, 0 not known.
    pub(super) fn asked(self, private: bool, number: u16) -> u8 {
        let on = match (private, number) {
            (true, 1) => self.application_cursor,
            (true, 5) => self.reverse,
            (true, 6) => self.origin,
            (true, 7) => self.wraps,
            (true, 25) => !self.cursor_hidden,
            (true, 47 | 1047 | 1049) => self.alternate,
            (true, 2004) => self.bracketed_paste,
            (false, 4) => self.insert,
            (false, 20) => self.newline,
            _ => return 0,
        };
        if on { 1 } else { 2 }
    }
}
