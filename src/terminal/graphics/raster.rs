//! The pixels of a band as they are sent: cut out of the picture and brought to a size. What lies beside
//! the picture is black. Made smaller, a pixel is the average of those it stands for; made larger it
//! stays as sharp as it was, because most of what is shown is text.

use std::ops::Range;

use crate::model::console::Picture;

/// Pixels to encode, three bytes each.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Raster {
    pub(super) width: u32,
    pub(super) height: u32,
    pub(super) rgb: Vec<u8>,
}

impl Raster {
    /// Columns and lines of a picture, also lines that it does not have, as so many pixels.
    pub(super) fn of(picture: &Picture, columns: Range<u32>, lines: Range<i64>, size: (u32, u32)) -> Self {
        let (width, height) = (size.0.max(1), size.1.max(1));
        let mut out = Self { width, height, rgb: Vec::with_capacity(width as usize * height as usize * 3) };
        let columns = spans(i64::from(columns.start)..i64::from(columns.end), width);
        let row = width as usize * 3;
        let mut last = None;
        for span in spans(lines, height) {
            if last.as_ref() == Some(&span) {
                // Made larger: the same line once more.
                out.rgb.extend_from_within(out.rgb.len() - row..);
                continue;
            }
            average(picture, &columns, &span, &mut out.rgb);
            last = Some(span);
        }
        out
    }
}

/// What each of so many pixels stands for.
fn spans(of: Range<i64>, pixels: u32) -> Vec<Range<i64>> {
    let length = (of.end - of.start).max(0);
    let at = |n: u32| of.start + i64::from(n) * length / i64::from(pixels);
    (0..pixels).map(|n| at(n)..at(n + 1).max(at(n) + 1)).collect()
}

/// Adds a row of averages.
fn average(picture: &Picture, columns: &[Range<i64>], lines: &Range<i64>, out: &mut Vec<u8>) {
    let stride = picture.width as usize * 3;
    let line = |y: i64| {
        let from = usize::try_from(y).ok()?.checked_mul(stride)?;
        picture.rgb.get(from..from + stride)
    };
    let pixel = |line: &[u8], x: i64| {
        let from = usize::try_from(x).ok()? * 3;
        line.get(from..from + 3).and_then(|rgb| <[u8; 3]>::try_from(rgb).ok())
    };
    if lines.end - lines.start == 1 && columns.iter().all(|column| column.end - column.start == 1) {
        let line = line(lines.start).unwrap_or_default();
        // As large as it was: no pixel has to be looked at.
        let span = columns.first().zip(columns.last()).map(|(first, last)| (first.start, last.end));
        if let Some((first, end)) = span.filter(|(first, end)| end - first == columns.len() as i64)
            && let (Ok(first), Ok(end)) = (usize::try_from(first), usize::try_from(end))
            && let Some(same) = line.get(first * 3..end * 3)
        {
            return out.extend_from_slice(same);
        }
        for column in columns {
            out.extend_from_slice(&pixel(line, column.start).unwrap_or_default());
        }
        return;
    }
    let mut sums = vec![[0_u32; 3]; columns.len()];
    for line in lines.clone().filter_map(line) {
        for (sum, column) in sums.iter_mut().zip(columns) {
            for [r, g, b] in column.clone().filter_map(|x| pixel(line, x)) {
                let [red, green, blue] = sum;
                *red += u32::from(r);
                *green += u32::from(g);
                *blue += u32::from(b);
            }
        }
    }
    for (sum, column) in sums.iter().zip(columns) {
        let all = u32::try_from((lines.end - lines.start) * (column.end - column.start)).unwrap_or(1).max(1);
        out.extend(sum.map(|sum| (sum / all) as u8));
    }
}
