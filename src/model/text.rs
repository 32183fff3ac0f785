//! Text from outside is hostile: this is the one place that makes it safe to draw, log or export.
//!
//! A device's serial number may hold an escape sequence that repaints the terminal, a
//! bidirectional override that makes one name look like another, or a line break that fakes a
//! log line. [`clean`] leaves only what can be seen.

use std::borrow::Cow;

use unicode_segmentation::UnicodeSegmentation;
use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

/// Stands for a control character that was taken out.
const REPLACEMENT: char = '\u{fffd}';

/// Most combining marks kept on one base character ("zalgo" text paints over its neighbours).
pub const MAX_MARKS: usize = 4;

/// The text without anything that acts on a terminal, or looks like something it is not:
/// * escape sequences (CSI, OSC, DCS and the like, also in their 8-bit form) vanish whole,
/// * line breaks and tabs become one blank,
/// * other control characters become `U+FFFD`,
/// * bidirectional controls, zero-width characters and other invisible format characters vanish
///   (a zero-width joiner stays between two emoji, where it is part of the sign),
/// * of a pile of combining marks the first four stay.
///
/// Borrowed when there is nothing to do, which is almost always.
#[must_use]
pub fn clean(text: &str) -> Cow<'_, str> {
    if text.bytes().all(|b| (0x20..0x7f).contains(&b)) {
        return Cow::Borrowed(text);
    }
    if !text.chars().any(suspicious) {
        return Cow::Borrowed(text);
    }
    Cow::Owned(scrub(text))
}

/// Whether a character alone is a reason to look closer.
fn suspicious(c: char) -> bool {
    c.is_control() || is_invisible(c) || is_mark(c)
}

fn scrub(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut chars = text.chars().peekable();
    let mut marks = 0;
    let mut pending_joiner = false;
    while let Some(c) = chars.next() {
        match c {
            '\u{1b}' => {
                skip_sequence(&mut chars);
                continue;
            }
            '\u{9b}' => {
                skip_csi(&mut chars);
                continue;
            }
            '\u{90}' | '\u{98}' | '\u{9d}' | '\u{9e}' | '\u{9f}' => {
                skip_string(&mut chars);
                continue;
            }
            '\r' if chars.peek() == Some(&'\n') => continue,
            '\n' | '\r' | '\t' | '\u{b}' | '\u{c}' | '\u{85}' | '\u{2028}' | '\u{2029}' => out.push(' '),
            c if c.is_control() => out.push(REPLACEMENT),
            '\u{200d}' => {
                pending_joiner = out.chars().next_back().is_some_and(is_pictographic);
                continue;
            }
            c if is_invisible(c) => continue,
            c if is_mark(c) => {
                marks += 1;
                if marks <= MAX_MARKS && !out.is_empty() {
                    out.push(c);
                }
                continue;
            }
            c => {
                if pending_joiner && is_pictographic(c) {
                    out.push('\u{200d}');
                }
                out.push(c);
            }
        }
        marks = 0;
        pending_joiner = false;
    }
    out
}

type Chars<'a> = std::iter::Peekable<std::str::Chars<'a>>;

/// Passes over what follows an ESC.
fn skip_sequence(chars: &mut Chars<'_>) {
    match chars.peek() {
        Some('[') => {
            chars.next();
            skip_csi(chars);
        }
        Some(']' | 'P' | 'X' | '^' | '_') => {
            chars.next();
            skip_string(chars);
        }
        // nF and two-character sequences: intermediates, then one final character.
        Some(' '..='~') => {
            while chars.next_if(|c| (' '..='/').contains(c)).is_some() {}
            chars.next_if(|c| ('0'..='~').contains(c));
        }
        _ => {}
    }
}

/// Passes over parameters, intermediates and the final character of a CSI sequence. Stops at
/// anything else, so that a broken sequence cannot swallow the text behind it.
fn skip_csi(chars: &mut Chars<'_>) {
    while chars.next_if(|c| ('0'..='?').contains(c)).is_some() {}
    while chars.next_if(|c| (' '..='/').contains(c)).is_some() {}
    chars.next_if(|c| ('@'..='~').contains(c));
}

/// Passes over a control string up to BEL or ST; without one, over all that is left, as a
/// terminal would.
fn skip_string(chars: &mut Chars<'_>) {
    while let Some(c) = chars.next() {
        match c {
            '\u{7}' | '\u{9c}' => return,
            '\u{1b}' => {
                chars.next_if(|c| *c == '\\');
                return;
            }
            _ => {}
        }
    }
}

/// Characters without a shape that change how others look or are compared: bidirectional controls,
/// zero-width characters and the like.
#[must_use]
pub const fn is_invisible(c: char) -> bool {
    matches!(c,
        '\u{ad}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}' | '\u{180b}'..='\u{180f}'
        | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{3164}'
        | '\u{feff}' | '\u{ffa0}' | '\u{fff0}'..='\u{fffb}' | '\u{1bca0}'..='\u{1bca3}'
        | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{e0fff}')
}

/// Characters of no width that sit on the one before them.
#[must_use]
pub fn is_mark(c: char) -> bool {
    c >= '\u{300}' && !c.is_control() && !is_invisible(c) && c.width() == Some(0)
}

/// Roughly the emoji, and the selector that follows many of them.
const fn is_pictographic(c: char) -> bool {
    matches!(c, '\u{2190}'..='\u{2bff}' | '\u{fe0f}' | '\u{1f000}'..='\u{1faff}')
}

/// Columns that a text takes on a terminal.
#[must_use]
pub fn width(text: &str) -> usize {
    if text.is_ascii() {
        return text.bytes().filter(|b| !b.is_ascii_control()).count();
    }
    UnicodeWidthStr::width(text)
}

/// The beginning of a text that fits into `columns`, with `ellipsis` as its last sign when
/// something was cut off. Never cuts within a grapheme, so the result may be narrower.
#[must_use]
pub fn clip<'a>(text: &'a str, columns: usize, ellipsis: &str) -> Cow<'a, str> {
    // No text of fewer bytes than columns can be wider than them.
    if (text.len() <= columns && text.is_ascii()) || width(text) <= columns {
        return Cow::Borrowed(text);
    }
    let ellipsis = if width(ellipsis) <= columns { ellipsis } else { "" };
    let room = columns - width(ellipsis);
    let mut out = String::with_capacity(columns + ellipsis.len());
    let mut used = 0;
    for grapheme in text.graphemes(true) {
        let w = width(grapheme);
        if used + w > room {
            break;
        }
        used += w;
        out.push_str(grapheme);
    }
    out.push_str(ellipsis);
    Cow::Owned(out)
}

/// On which side blanks go.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Align {
    /// Blanks behind.
    Left,
    /// Blanks before.
    Right,
}

/// A text of exactly `columns`: clipped, or filled with blanks.
#[must_use]
pub fn pad(text: &str, columns: usize, align: Align, ellipsis: &str) -> String {
    let text = clip(text, columns, ellipsis);
    let blanks = " ".repeat(columns.saturating_sub(width(&text)));
    match align {
        Align::Left => format!("{text}{blanks}"),
        Align::Right => format!("{blanks}{text}"),
    }
}

/// A whole number with its digits in groups of three: `1 234 567`.
#[must_use]
pub fn grouped(n: u64) -> String {
    let digits = n.to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (i, c) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            out.push(' ');
        }
        out.push(c);
    }
    out
}

/// A count with its noun: `1 alarm`, `12 345 alarms`.
#[must_use]
pub fn counted(n: u64, one: &str, many: &str) -> String {
    format!("{} {}", grouped(n), if n == 1 { one } else { many })
}

/// A text as it is typed into a guest: line ends are line feeds whatever they were (a terminal sends CR
/// for those of a paste), tabs stay, and of other control characters there is nothing, so that no text
/// presses keys.
#[must_use]
pub fn typed(text: &str) -> String {
    let lines = text.replace("\r\n", "\n").replace('\r', "\n");
    lines.chars().filter(|c| matches!(c, '\n' | '\t') || !c.is_control()).collect()
}

/// Bytes with an IEC unit, in at most three digits: `900 B`, `1.5 KiB`, `18.0 MiB`, `250 MiB`.
#[must_use]
pub fn iec(bytes: u64) -> String {
    const UNITS: [&str; 5] = ["B", "KiB", "MiB", "GiB", "TiB"];
    let (mut value, mut unit) = (bytes as f64, 0);
    // From 999.5 on three digits would read 1000: the next unit tells it.
    while value >= 999.5 && unit + 1 < UNITS.len() {
        value /= 1024.0;
        unit += 1;
    }
    let word = UNITS.get(unit).copied().unwrap_or("B");
    if unit == 0 || value >= 99.95 { format!("{value:.0} {word}") } else { format!("{value:.1} {word}") }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn bytes_have_iec_units() {
        assert_eq!(iec(900), "900 B");
        assert_eq!(iec(1536), "1.5 KiB");
        assert_eq!(iec(18 << 20), "18.0 MiB");
        assert_eq!(iec(250 << 20), "250 MiB");
        assert_eq!(iec(1023), "1.0 KiB");
        assert_eq!(iec(1 << 30), "1.0 GiB");
    }

    #[test]
    fn what_is_typed_has_line_ends_of_one_kind_and_presses_no_keys() {
        assert_eq!(typed("a\r\nb\nc\rd\te"), "a\nb\nc\nd\te");
        assert_eq!(typed("rm\u{1b}[201~ -rf\u{3}\u{9b}x"), "rm[201~ -rfx");
    }

    #[test]
    fn good_text_is_borrowed() {
        for text in ["", "BBSM00000001", "Gr\u{fc}n\u{e4}ugl", "\u{65e5}\u{672c}\u{8a9e}", "\u{1f468}"] {
            assert!(matches!(clean(text), Cow::Borrowed(t) if t == text), "{text:?}");
        }
    }

    #[test]
    fn what_acts_is_taken_out() {
        let cases = [
            ("BBSM\u{1b}[2J\u{1b}[31;1mX", "BBSMX"),
            ("\u{1b}]0;title\u{7}a\u{1b}]8;;http://x\u{1b}\\b", "ab"),
            ("a\u{9b}31mb\u{9d}0;t\u{9c}c", "abc"),
            ("a\u{1b}P1$r\u{1b}\\b", "ab"),
            ("a\u{1b}(0b\u{1b}cc\u{1b}", "abc"),
            ("never ends \u{1b}]52;c;AAAA", "never ends "),
            ("\u{1b}[\u{fc}", "\u{fc}"),
            ("one\r\ntwo\nthree\tfour", "one two three four"),
            ("a\u{0}b\u{7f}c", "a\u{fffd}b\u{fffd}c"),
            ("abc\u{202e}cba\u{2066}x\u{2069}", "abccbax"),
            ("a\u{200b}b\u{feff}c\u{ad}d\u{2060}", "abcd"),
            ("x\u{200d}y", "xy"),
            ("\u{1f468}\u{200d}\u{1f469}", "\u{1f468}\u{200d}\u{1f469}"),
            ("a\u{e0041}b", "ab"),
            ("e\u{301}", "e\u{301}"),
        ];
        for (bad, good) in cases {
            assert_eq!(clean(bad), good, "{bad:?}");
        }
        let zalgo = format!("a{}b", "\u{301}".repeat(50));
        assert_eq!(clean(&zalgo).chars().count(), 2 + MAX_MARKS);
    }

    #[test]
    fn clipping_keeps_graphemes_whole() {
        assert_eq!(clip("BBSM00000001", 8, "\u{2026}"), "BBSM000\u{2026}");
        assert_eq!(clip("\u{65e5}\u{672c}\u{8a9e}", 4, "\u{2026}"), "\u{65e5}\u{2026}", "a wide sign is not halved");
        assert_eq!(clip("abc", 0, "\u{2026}"), "");
        assert_eq!(clip("abc", 2, "..."), "ab", "an ellipsis wider than the room is left out");
        assert_eq!(pad("7", 3, Align::Right, "~"), "  7");
        assert_eq!(pad("long text", 5, Align::Left, "~"), "long~");
    }

    /// Controls, sequences, directions, joiners, wide signs, marks: all mixed.
    fn hostile() -> impl Strategy<Value = String> {
        let pieces = vec![
            "\u{1b}",
            "[",
            "]",
            "31m",
            ";",
            "\u{7}",
            "\u{9b}",
            "\u{9c}",
            "\\",
            "\n",
            "\r",
            "\t",
            "\u{0}",
            "\u{202e}",
            "\u{200d}",
            "\u{200b}",
            "\u{feff}",
            "\u{301}",
            "\u{1f468}",
            "\u{65e5}",
            "a",
            "B1",
            " ",
            "\u{fe0f}",
            "P",
            "\u{e0041}",
            "\u{2028}",
            "\u{85}",
        ];
        prop_oneof![
            proptest::collection::vec(proptest::sample::select(pieces), 0..24).prop_map(|p| p.concat()),
            any::<String>(),
        ]
    }

    proptest! {
        #[test]
        fn nothing_that_acts_survives(text in hostile()) {
            let safe = clean(&text);
            prop_assert!(!safe.chars().any(char::is_control), "{:?}", safe);
            prop_assert!(!safe.chars().any(|c| is_invisible(c) && c != '\u{200d}'), "{:?}", safe);
            prop_assert_eq!(clean(&safe).into_owned(), safe.clone(), "cleaning twice changes nothing");
        }

        #[test]
        fn clips_fit(text in hostile(), columns in 0_usize..30, wide in any::<bool>()) {
            let safe = clean(&text);
            let ellipsis = if wide { "\u{2026}" } else { "~" };
            let clipped = clip(&safe, columns, ellipsis);
            prop_assert!(width(&clipped) <= columns, "{:?}", clipped);
            prop_assert_eq!(width(&pad(&safe, columns, Align::Left, ellipsis)), columns);
            let kept = clipped.strip_suffix(ellipsis).unwrap_or(&clipped);
            prop_assert!(safe.starts_with(kept));
            prop_assert!(safe.grapheme_indices(true).any(|(i, _)| i == kept.len()) || kept.len() == safe.len());
        }
    }

    #[test]
    fn numbers_are_read_in_groups() {
        assert_eq!(grouped(999), "999");
        assert_eq!(grouped(1_234_567), "1 234 567");
        assert_eq!(counted(1, "row", "rows"), "1 row");
        assert_eq!(counted(12_345, "row", "rows"), "12 345 rows");
    }
}
