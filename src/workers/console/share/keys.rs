//! Keys as they travel: numbers that stay what they are, whatever becomes of the types that keys have
//! inside of a noctule.

use minicbor::{Decode, Encode};

use crate::model::console::{ConsoleKey, Stroke};

/// Keys that have a name, by their number: append, never move.
const NAMED: [ConsoleKey; 18] = [
    ConsoleKey::Enter,
    ConsoleKey::Esc,
    ConsoleKey::Tab,
    ConsoleKey::Backspace,
    ConsoleKey::Delete,
    ConsoleKey::Insert,
    ConsoleKey::Home,
    ConsoleKey::End,
    ConsoleKey::PageUp,
    ConsoleKey::PageDown,
    ConsoleKey::Up,
    ConsoleKey::Down,
    ConsoleKey::Left,
    ConsoleKey::Right,
    ConsoleKey::Print,
    ConsoleKey::Pause,
    ConsoleKey::Menu,
    ConsoleKey::Begin,
];

/// What is held with a key, as bits.
const SHIFT: u8 = 1;
const ALT: u8 = 2;
const CTRL: u8 = 4;
const LOGO: u8 = 8;

/// A key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
pub(in crate::workers::console) enum Key {
    /// By its character.
    #[n(0)]
    Char(#[n(0)] char),
    /// F1 and so on.
    #[n(1)]
    F(#[n(0)] u8),
    /// By its number in [`NAMED`].
    #[n(2)]
    Named(#[n(0)] u8),
}

impl Key {
    /// Of a key; what has no number here arrives as none.
    pub(super) fn of(key: ConsoleKey) -> Self {
        match key {
            ConsoleKey::Char(c) => Self::Char(c),
            ConsoleKey::F(n) => Self::F(n),
            named => {
                let at = NAMED.iter().position(|key| *key == named).and_then(|at| u8::try_from(at).ok());
                Self::Named(at.unwrap_or(u8::MAX))
            }
        }
    }

    /// The key with what is held; `None` where it is none.
    pub(super) fn stroke(self, held: u8) -> Option<Stroke> {
        let key = match self {
            Self::Char(c) if c.is_control() => return None,
            Self::Char(c) => ConsoleKey::Char(c),
            Self::F(n @ 1..=24) => ConsoleKey::F(n),
            Self::F(_) => return None,
            Self::Named(n) => *NAMED.get(usize::from(n))?,
        };
        let has = |bit: u8| held & bit != 0;
        Some(Stroke { key, shift: has(SHIFT), alt: has(ALT), ctrl: has(CTRL), logo: has(LOGO) })
    }
}

/// What is held with a key.
pub(super) fn held(stroke: Stroke) -> u8 {
    [(stroke.shift, SHIFT), (stroke.alt, ALT), (stroke.ctrl, CTRL), (stroke.logo, LOGO)]
        .into_iter()
        .fold(0, |held, (on, bit)| if on { held | bit } else { held })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_key_arrives_as_itself() {
        let keys = NAMED.into_iter().chain((1..=24).map(ConsoleKey::F)).chain(['a', 'É', '~'].map(ConsoleKey::Char));
        for (key, bits) in keys.zip((0..16).cycle()) {
            let stroke = Key::of(key).stroke(bits).unwrap();
            assert_eq!((stroke.key, held(stroke)), (key, bits));
        }
        for none in [Key::Named(18), Key::F(0), Key::F(25), Key::Char('\x1b')] {
            assert_eq!(none.stroke(0), None);
        }
    }
}
