//! Cells cut out of a picture: two colours and a shape, or something that no text console shows.

use super::font::{Font, Meaning, Shape};
use super::render::Mode;
use crate::model::console::Picture;

/// How a picture is divided into cells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Grid {
    pub(super) mode: Mode,
    pub(super) columns: u16,
    pub(super) rows: u16,
}

/// Columns and rows that a VGA card has in text modes.
const COLUMNS: [u32; 3] = [80, 40, 132];
const ROWS: std::ops::RangeInclusive<u32> = 25..=60;

impl Grid {
    /// The ways in which a picture of this size may be text, the likeliest first.
    pub(super) fn of(width: u32, height: u32) -> impl Iterator<Item = Self> {
        let grid = move |mode: Mode| {
            let (wide, high) = mode.cell();
            let (columns, rows) = (width / wide, height / high);
            let card = width.is_multiple_of(wide)
                && height.is_multiple_of(high)
                && COLUMNS.contains(&columns)
                && ROWS.contains(&rows);
            let fits = match mode {
                Mode::Nine => card,
                Mode::Flat => card && rows == 50,
                // A frame buffer: what is left at the right and at the foot is not used.
                Mode::Eight => columns >= 40 && rows >= 12,
            };
            let side = |n: u32| u16::try_from(n).ok().filter(|n| *n <= 1024);
            Some(Self { mode, columns: side(columns)?, rows: side(rows)? }).filter(|_| fits)
        };
        [Mode::Nine, Mode::Flat, Mode::Eight].into_iter().filter_map(grid)
    }

    /// Whether this is a size that only text modes have: an empty screen is text then, too.
    pub(super) fn is_card(self) -> bool {
        self.mode != Mode::Eight || (self.columns, self.rows) == (80, 25)
    }

    pub(super) fn font(self) -> &'static Font {
        if self.mode == Mode::Flat { Font::flat() } else { Font::tall() }
    }

    pub(super) fn cells(self) -> usize {
        usize::from(self.columns) * usize::from(self.rows)
    }

    /// The bytes of a picture that a row of cells is made of.
    pub(super) fn band(self, row: u16, picture: &Picture) -> std::ops::Range<usize> {
        let band = picture.width as usize * 3 * self.mode.cell().1 as usize;
        usize::from(row) * band..(usize::from(row) + 1) * band
    }
}

/// A colour: red, green, blue.
pub(super) type Rgb = [u8; 3];

/// A cell as it looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Cut {
    /// The colour of its first pixel.
    pub(super) first: Rgb,
    /// The other one; the same where there is none.
    pub(super) other: Rgb,
    /// Where the other one is, of the first eight columns.
    pub(super) shape: Shape,
    /// Where it is in the ninth, the top row in the highest of 16 bits.
    pub(super) ninth: u16,
}

impl Cut {
    /// Cuts a cell; `None` where it has more than two colours.
    pub(super) fn of(grid: Grid, picture: &Picture, column: u16, row: u16) -> Option<Self> {
        let (wide, high) = grid.mode.cell();
        let stride = picture.width as usize * 3;
        let start = usize::from(row) * high as usize * stride + usize::from(column) * wide as usize * 3;
        let first: Rgb = picture.rgb.get(start..start + 3)?.try_into().ok()?;
        let mut ground = [0; 24];
        for pixel in ground.chunks_exact_mut(3) {
            pixel.copy_from_slice(&first);
        }
        let (mut other, mut shape, mut ninth) = (first, 0, 0);
        for y in 0..high {
            let at = start + y as usize * stride;
            let (eight, rest) = picture.rgb.get(at..at + wide as usize * 3)?.split_at_checked(24)?;
            shape <<= 8;
            ninth <<= 1;
            if eight != ground {
                for (place, pixel) in (0..8_u32).rev().zip(eight.chunks_exact(3)) {
                    if pixel != first {
                        if other == first {
                            other = pixel.try_into().ok()?;
                        } else if pixel != other {
                            return None;
                        }
                        shape |= 1 << place;
                    }
                }
            }
            if !rest.is_empty() && rest != first {
                if other == first {
                    other = rest.try_into().ok()?;
                } else if rest != other {
                    return None;
                }
                ninth |= 1;
            }
        }
        let (shape, ninth) = if high == 8 { (shape << 64, ninth << 8) } else { (shape, ninth) };
        Some(Self { first, other, shape, ninth })
    }

    /// Whether it is one colour all over.
    pub(super) fn is_flat(self) -> bool {
        self.first == self.other
    }

    /// The eighth column, the top row in the highest bit.
    fn eighth(self) -> u16 {
        (0..16).fold(0, |out, row| out << 1 | (self.shape >> (120 - row * 8) & 1) as u16)
    }

    /// Rows whose nine pixels are all of the other colour.
    pub(super) fn full(self, grid: Grid) -> Shape {
        (0..16_u32).fold(0, |out, row| {
            let place = 120 - row * 8;
            let all = self.shape >> place & 0xff == 0xff;
            let end = grid.mode == Mode::Eight || self.ninth >> (15 - row) & 1 == 1;
            if all && end { out | 0xff << place } else { out }
        })
    }

    /// The ninth column without rows that are covered.
    fn ninth_outside(self, covered: Shape) -> u16 {
        (0..16_u32)
            .fold(self.ninth, |out, row| if covered >> (120 - row * 8) & 1 == 1 { out & !(0x8000 >> row) } else { out })
    }

    /// The character that a meaning gives this cell, and its colours: text, ground. `sure` is whether
    /// the ninth column is as it has to be.
    pub(super) fn told(self, grid: Grid, meaning: Meaning, covered: Shape, ground: Rgb) -> Option<Told> {
        let nine = grid.mode != Mode::Eight;
        let ninth = self.ninth_outside(covered);
        let eighth = self.eighth();
        let rows = if grid.mode == Mode::Flat { 0xff00 } else { u16::MAX };
        // It is ground, or of a line goes on with what the eighth has.
        let fits = |ch: char, ground: u16| !nine || ninth == ground || ninth == eighth && meets(ch);
        let (fg, bg) = (self.other, self.first);
        let plain = meaning.plain.map(|ch| Told { ch, fg, bg, sure: fits(ch, 0) });
        let (fg, bg) = (bg, fg);
        let negative = meaning.negative.map(|ch| Told { ch, fg, bg, sure: fits(ch, rows) });
        match (plain, negative) {
            (Some(plain), Some(negative)) => Some(match (plain.sure, negative.sure) {
                (true, false) => plain,
                (false, true) => negative,
                _ if negative.bg == ground => negative,
                _ => plain,
            }),
            (plain, negative) => plain.or(negative),
        }
    }
}

/// Lines and blocks, which meet those of the next cell.
const fn meets(ch: char) -> bool {
    matches!(ch, '\u{2500}'..='\u{259f}')
}

/// A cell that was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Told {
    pub(super) ch: char,
    pub(super) fg: Rgb,
    pub(super) bg: Rgb,
    pub(super) sure: bool,
}
