//! Bars.

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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bars_fill_in_proportion() {
        assert_eq!(bar(4, 1, 2, &Glyphs::ASCII), "##..");
        assert_eq!(bar(4, 9, 2, &Glyphs::ASCII), "####");
        assert_eq!(bar(3, 1, 0, &Glyphs::ASCII), "...");
    }
}
