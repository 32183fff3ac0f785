//! Sixel, as the VT340 had it: colours of a palette in percent, and pixels in rows of six, a character a
//! column, once for every colour in the row.

use std::io::Write as _;

use super::palette::{Paletted, paletted};
use super::raster::Raster;

/// Rows of pixels that a row of characters has.
const ROWS: usize = 6;

/// Shows a picture where the cursor stands, in so many colours at most.
pub(super) fn show(out: &mut Vec<u8>, raster: &Raster, colours: u16) {
    let Paletted { colours, pixels } = paletted(&raster.rgb, colours);
    // Square pixels of a picture of this size; what is not painted stays as it is.
    let _ = write!(out, "\x1bP0;1;0q\"1;1;{};{}", raster.width, raster.height);
    for (number, colour) in colours.iter().enumerate() {
        let [r, g, b] = colour.map(|part| (u32::from(part) * 100 + 127) / 255);
        let _ = write!(out, "#{number};2;{r};{g};{b}");
    }
    let width = raster.width as usize;
    let mut strip = Strip { width, of: vec![None; colours.len()], runs: Vec::new(), bits: Vec::new() };
    for (n, rows) in pixels.chunks(width * ROWS).enumerate() {
        if n > 0 {
            out.push(b'-');
        }
        strip.read(rows);
        strip.write(out);
    }
    out.extend_from_slice(b"\x1b\\");
}

/// A row of characters, for every colour that is in it.
struct Strip {
    width: usize,
    /// Where the bits of a colour are.
    of: Vec<Option<usize>>,
    /// The colours in the strip, with the first and the last column of each.
    runs: Vec<(u8, usize, usize)>,
    bits: Vec<u8>,
}

impl Strip {
    fn read(&mut self, rows: &[u8]) {
        self.of.fill(None);
        self.runs.clear();
        self.bits.clear();
        for (y, row) in rows.chunks(self.width).enumerate() {
            for (x, number) in row.iter().enumerate() {
                let Some(of) = self.of.get_mut(usize::from(*number)) else { continue };
                let slot = *of.get_or_insert_with(|| {
                    self.runs.push((*number, x, x));
                    self.bits.resize(self.runs.len() * self.width, 0);
                    self.runs.len() - 1
                });
                if let Some((_, first, last)) = self.runs.get_mut(slot) {
                    *first = x.min(*first);
                    *last = x.max(*last);
                }
                if let Some(bits) = self.bits.get_mut(slot * self.width + x) {
                    *bits |= 1 << y;
                }
            }
        }
    }

    fn write(&self, out: &mut Vec<u8>) {
        for (slot, (number, first, last)) in self.runs.iter().enumerate() {
            let _ = write!(out, "{}#{number}", if slot > 0 { "$" } else { "" });
            repeated(out, 0, *first);
            let from = slot * self.width;
            let bits = self.bits.get(from + first..=from + last).unwrap_or_default();
            for same in bits.chunk_by(|a, b| a == b) {
                repeated(out, same.first().copied().unwrap_or(0), same.len());
            }
        }
    }
}

/// The same six pixels in so many columns.
fn repeated(out: &mut Vec<u8>, bits: u8, columns: usize) {
    let sign = b'?' + (bits & 0x3f);
    if columns > 3 {
        let _ = write!(out, "!{columns}");
        out.push(sign);
    } else {
        out.extend(std::iter::repeat_n(sign, columns));
    }
}
