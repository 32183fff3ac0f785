//! Colours and attributes: `CSI … m`, with the forms of colour that differ between terminals.

use super::super::cell::{Paint, Pen};
use super::super::parser::Csi;
use super::Terminal;
use crate::model::console::Attrs;

impl Terminal {
    /// `CSI … m`.
    pub(super) fn colours(&mut self, csi: &Csi) {
        if csi.values().is_empty() {
            self.pen = Pen::PLAIN;
            return;
        }
        let values = csi.values();
        let mut at = 0;
        while let Some(value) = values.get(at) {
            let pen = &mut self.pen;
            match value {
                0 => *pen = Pen::PLAIN,
                1 => pen.attrs |= Attrs::BOLD,
                2 => pen.attrs |= Attrs::DIM,
                3 => pen.attrs |= Attrs::ITALIC,
                // `4:0` is none, `4:3` a curly one.
                4 if csi.is_joined(at + 1) && values.get(at + 1) == Some(&0) => pen.attrs &= !Attrs::UNDERLINE,
                4 | 21 => pen.attrs |= Attrs::UNDERLINE,
                7 => pen.attrs |= Attrs::INVERSE,
                22 => pen.attrs &= !(Attrs::BOLD | Attrs::DIM),
                23 => pen.attrs &= !Attrs::ITALIC,
                24 => pen.attrs &= !Attrs::UNDERLINE,
                27 => pen.attrs &= !Attrs::INVERSE,
                30..=37 => pen.fg = Paint::index((value - 30) as u8),
                39 => pen.fg = Paint::DEFAULT,
                40..=47 => pen.bg = Paint::index((value - 40) as u8),
                49 => pen.bg = Paint::DEFAULT,
                90..=97 => pen.fg = Paint::index((value - 82) as u8),
                100..=107 => pen.bg = Paint::index((value - 92) as u8),
                38 | 48 | 58 => {
                    let (paint, taken) = extended(csi, at);
                    match (value, paint) {
                        (38, Some(paint)) => pen.fg = paint,
                        (48, Some(paint)) => pen.bg = paint,
                        _ => {}
                    }
                    at += taken;
                }
                _ => {}
            }
            at += 1;
            while csi.is_joined(at) {
                at += 1;
            }
        }
    }
}

/// The colour of `38`, `48` or `58` at parameter `at`, and how many more parameters belong to it.
fn extended(csi: &Csi, at: usize) -> (Option<Paint>, usize) {
    let value = |n: usize| csi.values().get(at + n).copied();
    let byte = |n: usize| value(n).and_then(|v| u8::try_from(v).ok());
    let joined = csi.is_joined(at + 1);
    let group = (1..csi.values().len()).take_while(|n| csi.is_joined(at + n)).count();
    match value(1) {
        Some(5) => (byte(2).map(Paint::index), if joined { group } else { 2 }),
        Some(2) => {
            // With colons there may be a number of a colour space before the channels.
            let first = if joined && group >= 5 { 3 } else { 2 };
            let paint = match (byte(first), byte(first + 1), byte(first + 2)) {
                (Some(r), Some(g), Some(b)) => Some(Paint::rgb(r, g, b)),
                _ => None,
            };
            (paint, if joined { group } else { 4 })
        }
        _ => (None, group),
    }
}
