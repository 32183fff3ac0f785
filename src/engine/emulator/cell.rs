//! The cells that the emulator works on: sixteen bytes, copied and compared as a whole. They become
//! [`model::console::Cell`](crate::model::console::Cell) only for a snapshot.

use std::collections::HashMap;

use crate::model::console::{Attrs, Cell, Ink, Width};

/// Foreground, background and attributes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Pen {
    /// Foreground.
    pub(super) fg: Paint,
    /// Background.
    pub(super) bg: Paint,
    /// Attributes, bits of [`Attrs`].
    pub(super) attrs: u8,
}

/// A colour in four bytes: 0 the terminal's own, 1 and a number of the palette, 2 and three channels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Paint(pub(super) u32);

impl Paint {
    /// That of the terminal.
    pub(super) const DEFAULT: Self = Self(0);

    /// A number of the palette.
    pub(super) const fn index(n: u8) -> Self {
        Self(1 << 24 | n as u32)
    }

    /// Red, green, blue.
    pub(super) const fn rgb(r: u8, g: u8, b: u8) -> Self {
        Self(2 << 24 | (r as u32) << 16 | (g as u32) << 8 | b as u32)
    }

    const fn ink(self) -> Ink {
        let [kind, r, g, b] = self.0.to_be_bytes();
        match kind {
            0 => Ink::Default,
            1 => Ink::Index(b),
            _ => Ink::Rgb(r, g, b),
        }
    }
}

impl Pen {
    /// As the terminal starts.
    pub(super) const PLAIN: Self = Self { fg: Paint::DEFAULT, bg: Paint::DEFAULT, attrs: 0 };

    /// What erasing leaves behind: the background, nothing else.
    pub(super) const fn erased(self) -> Self {
        Self { fg: Paint::DEFAULT, bg: self.bg, attrs: 0 }
    }
}

/// One cell. A cell of width two is always followed by its second half, and a second half always
/// follows one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Slot {
    /// The character; a blank is `' '`.
    pub(super) ch: char,
    /// Foreground.
    pub(super) fg: Paint,
    /// Background.
    pub(super) bg: Paint,
    /// Attributes.
    pub(super) attrs: u8,
    /// Columns: 1, 2, or 0 for the second half.
    pub(super) width: u8,
    /// Number of its combining marks in [`Marks`]; 0 for none.
    pub(super) marks: u16,
}

impl Slot {
    /// A blank of the terminal's own colours.
    pub(super) const BLANK: Self = Self::new(' ', Pen::PLAIN);

    /// A character of one column.
    pub(super) const fn new(ch: char, pen: Pen) -> Self {
        Self { ch, fg: pen.fg, bg: pen.bg, attrs: pen.attrs, width: 1, marks: 0 }
    }

    /// How it is drawn.
    pub(super) const fn pen(self) -> Pen {
        Pen { fg: self.fg, bg: self.bg, attrs: self.attrs }
    }

    /// For a snapshot, with its marks.
    pub(super) fn cell(self, marks: Option<Box<str>>) -> Cell {
        Cell {
            ch: self.ch,
            marks,
            fg: self.fg.ink(),
            bg: self.bg.ink(),
            attrs: Attrs(self.attrs),
            width: match self.width {
                0 => Width::Rest,
                2 => Width::Two,
                _ => Width::One,
            },
        }
    }
}

/// Most different piles of combining marks that are remembered. What a language needs is a few dozen;
/// beyond this a guest is playing, and its marks are left out.
const MOST_PILES: usize = 4096;

/// Piles of combining marks, each once.
#[derive(Debug, Clone, Default)]
pub(super) struct Marks {
    piles: Vec<Box<str>>,
    numbers: HashMap<Box<str>, u16>,
}

impl Marks {
    /// The marks of a number.
    pub(super) fn get(&self, number: u16) -> Option<&str> {
        usize::from(number).checked_sub(1).and_then(|at| self.piles.get(at)).map(AsRef::as_ref)
    }

    /// The number of the pile `number` with one more mark on it; the same number where it is full.
    pub(super) fn with(&mut self, number: u16, mark: char) -> u16 {
        let mut pile = self.get(number).unwrap_or("").to_owned();
        if pile.chars().count() >= crate::model::text::MAX_MARKS {
            return number;
        }
        pile.push(mark);
        if let Some(known) = self.numbers.get(pile.as_str()) {
            return *known;
        }
        let Some(next) = u16::try_from(self.piles.len() + 1).ok().filter(|n| usize::from(*n) <= MOST_PILES) else {
            return number;
        };
        self.numbers.insert(pile.as_str().into(), next);
        self.piles.push(pile.into());
        next
    }
}
