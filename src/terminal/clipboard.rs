//! The clipboard, by OSC 52: the terminal at the operator's end takes the text, also over SSH and
//! through tmux, and no window system is needed where noctule runs.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::caps::Multiplexer;
use crate::model::text;

/// Most bytes of text that are sent: 99,992 of base64, which is what fits into terminals that limit
/// the sequence to 100,000 bytes.
pub const MAX_BYTES: usize = 74_994;

/// GNU screen passes strings of at most 768 bytes on; the introducer and the end take some.
const SCREEN_CHUNK: usize = 512;

/// What to write to the terminal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Copy {
    /// The sequence; see [`super::Screen::send`].
    pub bytes: Vec<u8>,
    /// The text was longer than [`MAX_BYTES`] and its end is missing.
    pub truncated: bool,
}

/// The sequence that puts `text` on the clipboard. Control characters other than line breaks are
/// taken out: what is pasted into a shell later must not act there.
#[must_use]
pub fn osc52(text: &str, through: Multiplexer) -> Copy {
    let clean = text.lines().map(text::clean).collect::<Vec<_>>().join("\n");
    let cut = floor_char_boundary(&clean, MAX_BYTES);
    let payload = STANDARD.encode(clean.as_bytes().get(..cut).unwrap_or_default());
    let bytes = match through {
        Multiplexer::None => format!("\x1b]52;c;{payload}\x1b\\").into_bytes(),
        // With `set-clipboard on` tmux takes the plain sequence, keeps the text in a buffer of its own
        // and hands it on; with `allow-passthrough on` it hands on what it finds in its own string,
        // with every escape doubled. Where both are on it is copied twice, which does no harm.
        Multiplexer::Tmux => {
            format!("\x1b]52;c;{payload}\x1b\\\x1bPtmux;\x1b\x1b]52;c;{payload}\x1b\x1b\\\x1b\\").into_bytes()
        }
        Multiplexer::Screen => screen_strings(&format!("\x1b]52;c;{payload}\x07")),
    };
    Copy { bytes, truncated: cut < clean.len() }
}

/// Cuts a sequence into device control strings short enough for GNU screen. It must not hold the
/// string terminator itself, hence the BEL at the end of the sequence.
fn screen_strings(sequence: &str) -> Vec<u8> {
    let mut out = Vec::with_capacity(sequence.len() + sequence.len() / 64);
    for chunk in sequence.as_bytes().chunks(SCREEN_CHUNK) {
        out.extend_from_slice(b"\x1bP");
        out.extend_from_slice(chunk);
        out.extend_from_slice(b"\x1b\\");
    }
    out
}

fn floor_char_boundary(text: &str, limit: usize) -> usize {
    if text.len() <= limit {
        return text.len();
    }
    (0..=limit).rev().find(|i| text.is_char_boundary(*i)).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decoded(copy: &Copy) -> String {
        let text = String::from_utf8(copy.bytes.clone()).unwrap();
        let text = text.replace("\x1b\\\x1bP", "");
        let (_, rest) = text.split_once("52;c;").unwrap();
        let payload: String = rest.chars().take_while(|c| !c.is_control()).collect();
        String::from_utf8(STANDARD.decode(payload).unwrap()).unwrap()
    }

    #[test]
    fn the_plain_sequence_ends_with_a_string_terminator() {
        let copy = osc52("olt-1/pon-3", Multiplexer::None);
        assert_eq!(copy.bytes, b"\x1b]52;c;b2x0LTEvcG9uLTM=\x1b\\");
        assert!(!copy.truncated);
    }

    #[test]
    fn tmux_and_screen_are_asked_to_pass_it_on() {
        let copy = osc52("x", Multiplexer::Tmux);
        assert_eq!(copy.bytes, b"\x1b]52;c;eA==\x1b\\\x1bPtmux;\x1b\x1b]52;c;eA==\x1b\x1b\\\x1b\\");
        let long = "serial ".repeat(300);
        let copy = osc52(&long, Multiplexer::Screen);
        assert_eq!(decoded(&copy), long);
        for string in copy.bytes.split(|b| *b == b'P').skip(1) {
            assert!(string.len() <= 768 + 4);
        }
        assert!(copy.bytes.starts_with(b"\x1bP\x1b]52;c;") && copy.bytes.ends_with(b"\x07\x1b\\"));
    }

    #[test]
    fn long_texts_are_cut_between_characters() {
        let copy = osc52(&"ä".repeat(60_000), Multiplexer::None);
        assert!(copy.truncated);
        assert_eq!(decoded(&copy).len(), MAX_BYTES);
        assert_eq!(copy.bytes.len(), 7 + 99_992 + 2);
        let odd = osc52(&format!("x{}", "ä".repeat(60_000)), Multiplexer::None);
        assert_eq!(decoded(&odd).len(), MAX_BYTES - 1, "not through the middle of an ä");
    }

    #[test]
    fn nothing_that_acts_is_copied() {
        let copy = osc52("a\x1b]0;x\x07b\nrm -rf\u{202e}\u{7}", Multiplexer::None);
        let text = decoded(&copy);
        assert!(text.starts_with("ab\nrm -rf"), "{text:?}");
        assert!(!text.contains('\x1b') && !text.contains('\u{7}') && !text.contains('\u{202e}'));
    }
}
