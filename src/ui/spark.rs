//! Little curves of one line: a column a value. What is not known is a blank, never a zero: a zero
//! has a sign of its own.

use crate::theme::Glyphs;

/// Eighths of a cell, from the bottom.
pub(super) const EIGHTHS: [&str; 8] = ["▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"];
/// The same where there is only ASCII: a zero, then darker and darker.
const RAMP: [&str; 9] = ["_", ".", ":", "-", "=", "+", "*", "#", "@"];

/// A curve of `width` columns of values up to `most`, flush with the right end. Where there are
/// more values than columns, the greatest of those that share one is drawn: a peak is never lost.
#[must_use]
pub fn spark(values: &[Option<u64>], most: u64, width: u16, glyphs: &Glyphs) -> String {
    let cells = columns(values, usize::from(width));
    let blank = usize::from(width).saturating_sub(cells.len());
    let mut out = " ".repeat(blank);
    for cell in cells {
        out.push_str(cell.map_or(" ", |value| sign(value, most, glyphs)));
    }
    out
}

/// The values, at most `width` of them: of those that share a column, the greatest.
pub(super) fn columns<T: Copy + PartialOrd>(values: &[Option<T>], width: usize) -> Vec<Option<T>> {
    let len = values.len();
    if len <= width {
        return values.to_vec();
    }
    let greatest = |found: &[Option<T>]| {
        found.iter().flatten().copied().fold(None, |most: Option<T>, v| match most {
            Some(m) if m >= v => Some(m),
            _ => Some(v),
        })
    };
    let at = |column: usize| column * len / width;
    (0..width).map(|c| values.get(at(c)..at(c + 1)).and_then(greatest)).collect()
}

fn sign(value: u64, most: u64, glyphs: &Glyphs) -> &'static str {
    let value = value.min(most);
    let place = |steps: u64| usize::try_from((value * steps).checked_div(most).unwrap_or(0)).unwrap_or(0);
    if glyphs.ascii {
        let at = if value == 0 { 0 } else { place(8).max(1) };
        RAMP.get(at).copied().unwrap_or("@")
    } else {
        EIGHTHS.get(place(8).min(7)).copied().unwrap_or("█")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_gap_is_a_blank_and_a_zero_is_not() {
        let values = [Some(0), None, Some(4), Some(8)];
        assert_eq!(spark(&values, 8, 4, &Glyphs::UNICODE), "▁ ▅█");
        assert_eq!(spark(&values, 8, 4, &Glyphs::ASCII), "_ =@");
        assert_eq!(spark(&values, 8, 6, &Glyphs::ASCII), "  _ =@", "flush with the right end");
        assert_eq!(spark(&[Some(0), Some(0)], 0, 2, &Glyphs::UNICODE), "▁▁", "nothing of nothing");
    }

    #[test]
    fn a_peak_among_many_values_is_drawn() {
        let values: Vec<Option<u64>> = (0..100).map(|i| Some(if i == 41 { 90 } else { 1 })).collect();
        let drawn = spark(&values, 90, 10, &Glyphs::ASCII);
        assert_eq!(drawn, "....@.....");
        assert_eq!(columns(&[None, None, Some(1), None], 2), [None, Some(1)]);
    }

    proptest::proptest! {
        #[test]
        fn curves_are_as_wide_as_asked(
            values in proptest::collection::vec(proptest::option::of(0_u64..u64::MAX / 8), 0..200),
            most in 0_u64..u64::MAX / 8,
            width in 0_u16..80,
        ) {
            for glyphs in [Glyphs::UNICODE, Glyphs::ASCII] {
                proptest::prop_assert_eq!(spark(&values, most, width, &glyphs).chars().count(), usize::from(width));
            }
        }
    }
}
