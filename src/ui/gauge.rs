//! Bars.

use std::fmt::Write as _;

use crate::theme::Glyphs;

/// A bar of `width` columns, filled to `part` of `whole`; empty of nothing.
#[must_use]
pub fn bar(width: u16, part: u64, whole: u64, glyphs: &Glyphs) -> String {
    let width = usize::from(width);
    let filled = if whole == 0 { 0 } else { (part.min(whole) as f64 / whole as f64 * width as f64).round() as usize };
    let mut out = String::new();
    for i in 0..width {
        out.push_str(if i < filled { glyphs.bar } else { glyphs.bar_empty });
    }
    out
}

/// A whole number with thin groups of three: `1 234 567`.
#[must_use]
pub fn grouped(n: u64) -> String {
    let digits = n.to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (i, c) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            out.push(' ');
        }
        let _ = out.write_char(c);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bars_and_numbers() {
        assert_eq!(bar(4, 1, 2, &Glyphs::ASCII), "##..");
        assert_eq!(bar(4, 9, 2, &Glyphs::ASCII), "####");
        assert_eq!(bar(3, 1, 0, &Glyphs::ASCII), "...");
        assert_eq!(grouped(1_234_567), "1 234 567");
        assert_eq!(grouped(999), "999");
    }
}
