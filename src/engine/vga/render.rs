//! Draws text as a VGA card does. Simulated guests show their screens with it, and tests know with it
//! what a picture has to be read as.

use super::font::{self, Shape};
use super::palette;
use crate::model::console::{Attrs, Picture, Screen};

/// How a card shows text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Mode {
    /// Cells of 9x16 pixels: 80x25 is 720x400, what a PC starts with.
    #[default]
    Nine,
    /// Cells of 8x16: 80x25 is 640x400; 80x30 is 640x480; a console on a frame buffer.
    Eight,
    /// Cells of 9x8: 80x50 is 720x400.
    Flat,
}

impl Mode {
    /// Pixels of a cell: width, height.
    #[must_use]
    pub const fn cell(self) -> (u32, u32) {
        match self {
            Self::Nine => (9, 16),
            Self::Eight => (8, 16),
            Self::Flat => (9, 8),
        }
    }
}

/// How a card draws its cursor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CursorShape {
    /// A line at the foot of the cell.
    Underline,
    /// The whole cell, its character hidden.
    Block,
}

/// The colours of a cell that leaves them to the terminal.
const TEXT: [u8; 3] = [0xa8, 0xa8, 0xa8];
const GROUND: [u8; 3] = [0, 0, 0];

/// The screen as a picture. Characters that the card has not are drawn as `?`.
#[must_use]
pub fn render(screen: &Screen, mode: Mode, shape: CursorShape) -> Picture {
    let (wide, high) = mode.cell();
    let mut picture = Picture::new(u32::from(screen.columns) * wide, u32::from(screen.rows) * high);
    let stride = picture.width as usize * 3;
    for row in 0..screen.rows {
        for (column, cell) in (0_u16..).zip(screen.row(row)) {
            let code = font::code(cell.ch).unwrap_or(b'?');
            let bits = if high == 8 { font::shape_8(code) } else { font::shape_16(code) };
            let (mut fg, mut bg) = (palette::rgb(cell.fg, TEXT), palette::rgb(cell.bg, GROUND));
            if cell.attrs.has(Attrs::INVERSE) {
                std::mem::swap(&mut fg, &mut bg);
            }
            let here = screen.cursor.is_some_and(|c| (c.row, c.column) == (row, column));
            let covered = |y: u32| here && (shape == CursorShape::Block || y + 3 >= high && y + 1 < high);
            for y in 0..high {
                let from = (u32::from(row) * high + y) as usize * stride + (u32::from(column) * wide) as usize * 3;
                let Some(line) = picture.rgb.get_mut(from..from + wide as usize * 3) else { continue };
                let bits = row_of(bits, y, wide, code);
                for (x, pixel) in line.chunks_exact_mut(3).enumerate() {
                    let set = covered(y) || bits << x & 0x100 != 0;
                    pixel.copy_from_slice(if set { &fg } else { &bg });
                }
            }
        }
    }
    picture
}

/// Nine pixels of a row; the ninth repeats the eighth where lines have to meet.
fn row_of(bits: Shape, y: u32, wide: u32, code: u8) -> u16 {
    let eight = (bits >> (120 - y * 8) & 0xff) as u16;
    let meets = wide == 9 && (0xb0..=0xdf).contains(&code);
    eight << 1 | if meets { eight & 1 } else { 0 }
}
