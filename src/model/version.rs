//! Firmware versions in their own order: `V3.0.9` comes before `V3.0.10`, although as text it does
//! not (and the server's `$lt` compares text).
//!
//! A version is cut into runs of digits and runs of letters; everything else only separates. Runs
//! of digits are compared as numbers of any length, runs of letters without regard to case. A `v`
//! before the first number means nothing. What ends earlier comes first, except that `alpha`,
//! `beta` and `rc` come before the end: `1.2-rc1`, `1.2`, `1.2.1`.

use std::cmp::Ordering;
use std::fmt;

/// A version. Two that differ only in case, separators, leading zeros or a leading `v` are equal.
#[derive(Debug, Clone)]
pub struct Version {
    text: String,
    parts: Vec<Part>,
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Part {
    /// `alpha`, `beta`, `rc`: before the final one.
    Before(u8),
    /// Nothing more.
    End,
    /// Letters, in lower case.
    Word(String),
    /// Digits, without leading zeros: how many, and which.
    Number(usize, String),
}

impl Version {
    /// Reads a version. Every text is one; the empty text comes first of all final ones.
    #[must_use]
    pub fn new(text: &str) -> Self {
        let mut parts: Vec<Part> = Vec::new();
        let mut rest = text.trim();
        while let Some(first) = rest.chars().next() {
            let kind = Kind::of(first);
            let end = rest.find(|c| Kind::of(c) != kind).unwrap_or(rest.len());
            let (run, after) = rest.split_at_checked(end).unwrap_or((rest, ""));
            rest = after;
            match kind {
                Kind::Separator => {}
                Kind::Digit => {
                    let digits = run.trim_start_matches('0');
                    parts.push(Part::Number(digits.len(), digits.to_owned()));
                }
                Kind::Letter => parts.push(word(run)),
            }
        }
        let leading_v = matches!(parts.as_slice(), [Part::Word(w), Part::Number(..), ..] if w == "v");
        if leading_v {
            parts.remove(0);
        }
        Self { text: text.to_owned(), parts }
    }

    /// As it was written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }
}

#[derive(PartialEq, Eq, Clone, Copy)]
enum Kind {
    Digit,
    Letter,
    Separator,
}

impl Kind {
    fn of(c: char) -> Self {
        if c.is_ascii_digit() {
            Self::Digit
        } else if c.is_alphanumeric() {
            Self::Letter
        } else {
            Self::Separator
        }
    }
}

fn word(run: &str) -> Part {
    let lower = run.to_lowercase();
    match lower.as_str() {
        "alpha" => Part::Before(0),
        "beta" => Part::Before(1),
        "rc" => Part::Before(2),
        _ => Part::Word(lower),
    }
}

impl Ord for Version {
    fn cmp(&self, other: &Self) -> Ordering {
        let longest = self.parts.len().max(other.parts.len());
        let part = |parts: &[Part], i: usize| parts.get(i).cloned().unwrap_or(Part::End);
        (0..longest)
            .map(|i| part(&self.parts, i).cmp(&part(&other.parts, i)))
            .find(|o| o.is_ne())
            .unwrap_or(Ordering::Equal)
    }
}

impl PartialOrd for Version {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Version {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Version {}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// How two versions stand to each other.
#[must_use]
pub fn compare(a: &str, b: &str) -> Ordering {
    Version::new(a).cmp(&Version::new(b))
}

/// Whether two texts name the same version.
#[must_use]
pub fn same(a: &str, b: &str) -> bool {
    compare(a, b).is_eq()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn versions_as_makers_write_them() {
        let rising: &[&[&str]] = &[
            &["V3.0.9", "V3.0.10", "V3.1", "V10.0"],
            &["V100R001C56", "V100R001C56B017", "V100R001C56SPC100", "V100R001C57", "V100R002C00", "V300R001C00"],
            &["V3R013C10S115", "V3R013C10S116", "V3R013C11S100", "V3R016C00S001"],
            &["3FE49568IJLJ04", "3FE49568IJLJ10", "3FE49568IJLK01"],
            &["RP2610", "RP2629", "RP2631"],
            &["1.2-alpha2", "1.2-beta1", "1.2-rc1", "1.2-rc10", "1.2", "1.2.1"],
            &["", "1"],
            &["99999999999999999998", "99999999999999999999", "100000000000000000000"],
        ];
        for list in rising {
            for (i, a) in list.iter().enumerate() {
                for (j, b) in list.iter().enumerate() {
                    assert_eq!(compare(a, b), i.cmp(&j), "{a} and {b}");
                }
            }
        }
        for (a, b) in [("V3.0.10", "3.0.10"), ("v1.02", "V1.2"), (" 1_2 ", "1.2"), ("R1-C2", "r1c2")] {
            assert!(same(a, b), "{a} and {b}");
        }
        assert!(!same("V3", "X3"));
    }

    fn text() -> impl Strategy<Value = String> {
        prop_oneof!["[vVrRcC]?[0-9]{1,4}([.rRcC_-][0-9]{1,4}){0,4}", "[a-z0-9. -]{0,12}", any::<String>()]
    }

    proptest! {
        #[test]
        fn the_order_is_total(a in text(), b in text(), c in text()) {
            let (x, y, z) = (Version::new(&a), Version::new(&b), Version::new(&c));
            prop_assert_eq!(x.cmp(&x), Ordering::Equal);
            prop_assert_eq!(x.cmp(&y), y.cmp(&x).reverse());
            if x <= y && y <= z {
                prop_assert!(x <= z);
            }
            if x == y {
                prop_assert_eq!(x.cmp(&z), y.cmp(&z));
            }
        }

        #[test]
        fn numbers_count_as_numbers(head in "[vV]?[0-9]{1,3}\\.", a in 0_u64.., b in 0_u64.., tail in "(\\.[0-9]{1,3})?") {
            prop_assume!(a != b);
            let of = |n: u64| format!("{head}{n}{tail}");
            prop_assert_eq!(compare(&of(a), &of(b)), a.cmp(&b));
        }

        #[test]
        fn more_comes_after_less(a in "V[0-9]{1,3}(\\.[0-9]{1,3}){0,3}", n in 0_u32..) {
            prop_assert_eq!(compare(&a, &format!("{a}.{n}")), Ordering::Less);
        }
    }
}
