//! Fuzzy search over short lists: the palette, pickers and help share it.

use nucleo_matcher::pattern::{CaseMatching, Normalization, Pattern};
use nucleo_matcher::{Config, Matcher, Utf32Str};

/// An entry that matches.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hit {
    /// Place in the list searched.
    pub index: usize,
    /// How well it matches.
    pub score: u32,
    /// Characters matched, ascending.
    pub matched: Vec<u32>,
}

/// The entries that contain the letters of `needle` in order, the best first; all of them, in
/// their own order, when it is empty.
pub fn rank<'a>(needle: &str, entries: impl IntoIterator<Item = &'a str>) -> Vec<Hit> {
    let pattern = Pattern::parse(needle, CaseMatching::Ignore, Normalization::Smart);
    let mut matcher = Matcher::new(Config::DEFAULT);
    let mut buffer = Vec::new();
    let mut hits: Vec<Hit> = entries
        .into_iter()
        .enumerate()
        .filter_map(|(index, entry)| {
            let mut matched = Vec::new();
            let score = pattern.indices(Utf32Str::new(entry, &mut buffer), &mut matcher, &mut matched)?;
            matched.sort_unstable();
            matched.dedup();
            Some(Hit { index, score, matched })
        })
        .collect();
    hits.sort_by_key(|hit| std::cmp::Reverse(hit.score));
    hits
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn letters_in_order_match_and_the_best_comes_first() {
        let list = ["Acknowledge with note", "Unacknowledge", "Acknowledge", "Shelve"];
        let hits = rank("ackn", list);
        assert_eq!(hits.len(), 3);
        assert_eq!(hits.first().map(|h| &h.matched[..]), Some(&[0, 1, 2, 3][..]));
        assert!(rank("zzz", list).is_empty());
        assert_eq!(rank("", list).iter().map(|h| h.index).collect::<Vec<_>>(), [0, 1, 2, 3]);
    }
}
