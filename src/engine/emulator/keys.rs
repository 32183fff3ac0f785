//! What keys and pastes send to a guest on a serial line: the sequences of xterm, which are those of a
//! VT220 where both have the key.

use super::Modes;
use crate::model::console::{ConsoleKey, Stroke};
use crate::model::text;

/// The bytes of a key; none where it has no meaning on a serial line.
#[must_use]
pub fn encode(stroke: Stroke, modes: Modes) -> Vec<u8> {
    let mut out = Vec::new();
    let modifiers = 1 + u8::from(stroke.shift) + 2 * u8::from(stroke.alt) + 4 * u8::from(stroke.ctrl);
    match stroke.key {
        ConsoleKey::Char(c) => {
            escape(stroke, &mut out);
            match control(c).filter(|_| stroke.ctrl) {
                Some(byte) => out.push(byte),
                None => out.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes()),
            }
        }
        ConsoleKey::Enter => {
            escape(stroke, &mut out);
            out.extend_from_slice(if modes.newline { b"\r\n" } else { b"\r" });
        }
        ConsoleKey::Esc => {
            escape(stroke, &mut out);
            out.push(0x1b);
        }
        ConsoleKey::Tab if stroke.shift => {
            escape(stroke, &mut out);
            out.extend_from_slice(b"\x1b[Z");
        }
        ConsoleKey::Tab => {
            escape(stroke, &mut out);
            out.push(b'\t');
        }
        ConsoleKey::Backspace => {
            escape(stroke, &mut out);
            out.push(if stroke.ctrl { 0x08 } else { 0x7f });
        }
        ConsoleKey::Up => lettered(b'A', modifiers, modes.application_cursor, &mut out),
        ConsoleKey::Down => lettered(b'B', modifiers, modes.application_cursor, &mut out),
        ConsoleKey::Right => lettered(b'C', modifiers, modes.application_cursor, &mut out),
        ConsoleKey::Left => lettered(b'D', modifiers, modes.application_cursor, &mut out),
        ConsoleKey::Begin => lettered(b'E', modifiers, modes.application_cursor, &mut out),
        ConsoleKey::End => lettered(b'F', modifiers, modes.application_cursor, &mut out),
        ConsoleKey::Home => lettered(b'H', modifiers, modes.application_cursor, &mut out),
        ConsoleKey::Insert => numbered(2, modifiers, &mut out),
        ConsoleKey::Delete => numbered(3, modifiers, &mut out),
        ConsoleKey::PageUp => numbered(5, modifiers, &mut out),
        ConsoleKey::PageDown => numbered(6, modifiers, &mut out),
        ConsoleKey::Menu => numbered(29, modifiers, &mut out),
        ConsoleKey::F(n @ 1..=4) => lettered(b'P' + (n - 1), modifiers, true, &mut out),
        ConsoleKey::F(n) => {
            /// From F5 on; DEC left numbers out.
            const NUMBERS: [u8; 20] = [15, 17, 18, 19, 20, 21, 23, 24, 25, 26, 28, 29, 31, 32, 33, 34, 42, 43, 44, 45];
            if let Some(number) = usize::from(n).checked_sub(5).and_then(|at| NUMBERS.get(at)) {
                numbered(*number, modifiers, &mut out);
            }
        }
        ConsoleKey::Print | ConsoleKey::Pause => {}
    }
    out
}

fn escape(stroke: Stroke, out: &mut Vec<u8>) {
    if stroke.alt {
        out.push(0x1b);
    }
}

/// The control character of a character; terminals without a way to tell them apart report the last
/// five as digits.
const fn control(c: char) -> Option<u8> {
    Some(match c {
        'a'..='z' => c as u8 - b'a' + 1,
        'A'..='Z' => c as u8 - b'A' + 1,
        ' ' | '@' | '2' => 0,
        '[' | '3' => 0x1b,
        '\\' | '4' => 0x1c,
        ']' | '5' => 0x1d,
        '^' | '~' | '6' => 0x1e,
        '_' | '/' | '-' | '7' => 0x1f,
        '?' | '8' => 0x7f,
        _ => return None,
    })
}

fn lettered(letter: u8, modifiers: u8, single: bool, out: &mut Vec<u8>) {
    if modifiers > 1 {
        out.extend_from_slice(format!("\x1b[1;{modifiers}").as_bytes());
    } else {
        out.extend_from_slice(if single { b"\x1bO" } else { b"\x1b[" });
    }
    out.push(letter);
}

fn numbered(number: u8, modifiers: u8, out: &mut Vec<u8>) {
    let text = if modifiers > 1 { format!("\x1b[{number};{modifiers}~") } else { format!("\x1b[{number}~") };
    out.extend_from_slice(text.as_bytes());
}

/// The bytes of a paste: line ends as Enter sends them, and no other control character but the tab, so
/// that no text can end the marks around it or press keys.
#[must_use]
pub fn paste(text: &str, modes: Modes) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len() + 12);
    if modes.bracketed_paste {
        out.extend_from_slice(b"\x1b[200~");
    }
    out.extend_from_slice(text::typed(text).replace('\n', "\r").as_bytes());
    if modes.bracketed_paste {
        out.extend_from_slice(b"\x1b[201~");
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bytes(key: ConsoleKey, modifiers: &str) -> String {
        with(key, modifiers, Modes::default())
    }

    fn with(key: ConsoleKey, modifiers: &str, modes: Modes) -> String {
        let has = |c| modifiers.contains(c);
        let stroke = Stroke { key, shift: has('s'), alt: has('a'), ctrl: has('c'), logo: false };
        String::from_utf8(encode(stroke, modes)).unwrap()
    }

    #[test]
    fn characters_and_controls() {
        let cases = [
            ('x', "", "x"),
            ('X', "s", "X"),
            ('ü', "", "ü"),
            ('c', "c", "\x03"),
            ('C', "cs", "\x03"),
            (' ', "c", "\0"),
            ('4', "c", "\x1c"),
            (']', "c", "\x1d"),
            ('/', "c", "\x1f"),
            ('?', "c", "\x7f"),
            ('x', "a", "\x1bx"),
            ('x', "ac", "\x1b\x18"),
            ('ü', "c", "ü"),
        ];
        for (c, modifiers, expected) in cases {
            assert_eq!(bytes(ConsoleKey::Char(c), modifiers), expected, "{modifiers}-{c}");
        }
    }

    #[test]
    fn keys_with_names() {
        let cases = [
            (ConsoleKey::Enter, "", "\r"),
            (ConsoleKey::Enter, "a", "\x1b\r"),
            (ConsoleKey::Esc, "", "\x1b"),
            (ConsoleKey::Tab, "", "\t"),
            (ConsoleKey::Tab, "s", "\x1b[Z"),
            (ConsoleKey::Backspace, "", "\x7f"),
            (ConsoleKey::Backspace, "c", "\x08"),
            (ConsoleKey::Backspace, "a", "\x1b\x7f"),
            (ConsoleKey::Up, "", "\x1b[A"),
            (ConsoleKey::Up, "s", "\x1b[1;2A"),
            (ConsoleKey::Left, "sac", "\x1b[1;8D"),
            (ConsoleKey::Home, "", "\x1b[H"),
            (ConsoleKey::End, "c", "\x1b[1;5F"),
            (ConsoleKey::Delete, "", "\x1b[3~"),
            (ConsoleKey::PageUp, "s", "\x1b[5;2~"),
            (ConsoleKey::F(1), "", "\x1bOP"),
            (ConsoleKey::F(4), "c", "\x1b[1;5S"),
            (ConsoleKey::F(5), "", "\x1b[15~"),
            (ConsoleKey::F(6), "", "\x1b[17~"),
            (ConsoleKey::F(12), "s", "\x1b[24;2~"),
            (ConsoleKey::F(20), "", "\x1b[34~"),
            (ConsoleKey::F(99), "", ""),
            (ConsoleKey::Pause, "", ""),
        ];
        for (key, modifiers, expected) in cases {
            assert_eq!(bytes(key, modifiers), expected, "{modifiers}-{key:?}");
        }
    }

    #[test]
    fn modes_change_what_keys_send() {
        let application = Modes { application_cursor: true, newline: true, ..Modes::default() };
        assert_eq!(with(ConsoleKey::Up, "", application), "\x1bOA");
        assert_eq!(with(ConsoleKey::Home, "", application), "\x1bOH");
        assert_eq!(with(ConsoleKey::Up, "c", application), "\x1b[1;5A", "with modifiers there is one form only");
        assert_eq!(with(ConsoleKey::Enter, "", application), "\r\n");
    }

    #[test]
    fn pastes_press_no_keys() {
        let marked = Modes { bracketed_paste: true, ..Modes::default() };
        assert_eq!(paste("a\r\nb\nc\td", Modes::default()), b"a\rb\rc\td");
        assert_eq!(paste("rm\x1b[201~ -rf\x03", marked), b"\x1b[200~rm[201~ -rf\x1b[201~");
    }
}
