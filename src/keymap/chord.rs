//! One key press with its modifiers, and how it is written: `a`, `G`, `ctrl-p`, `alt-x`,
//! `shift-tab`, `space`, `f1`, `<`.
//!
//! There is one way to print a chord (modifiers in the order ctrl, alt, shift; then the key) and
//! parsing accepts what is printed. A character carries its own shift (`G`, not `shift-g`), and
//! some combinations are the same byte on every terminal and therefore the same chord:
//! `ctrl-i` is `tab`, `ctrl-m` is `enter`, `ctrl-[` is `esc`; so are `ctrl-4` to `ctrl-7` and ``ctrl-\``,
//! `ctrl-]`, `ctrl-^`, `ctrl-_`.

use std::fmt;
use std::str::FromStr;

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

/// A key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Key {
    /// A character; letters in the case they appear in.
    Char(char),
    /// F1 to F24.
    F(u8),
    /// A key with a name.
    Named(Named),
    /// A key noctule has no name for; no binding matches it.
    Unknown,
}

macro_rules! named {
    ($($(#[$doc:meta])* $variant:ident = $name:literal, $code:path;)*) => {
        /// Keys that are written by name.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum Named { $($(#[$doc])* $variant,)* }

        impl Named {
            /// All of them.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// As written.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)* }
            }

            fn from_code(code: KeyCode) -> Option<Self> {
                match code { $($code => Some(Self::$variant),)* _ => None }
            }
        }
    };
}

named! {
    /// Enter.
    Enter = "enter", KeyCode::Enter;
    /// Escape.
    Esc = "esc", KeyCode::Esc;
    /// Tab.
    Tab = "tab", KeyCode::Tab;
    /// Backspace.
    Backspace = "backspace", KeyCode::Backspace;
    /// Delete.
    Delete = "delete", KeyCode::Delete;
    /// Insert.
    Insert = "insert", KeyCode::Insert;
    /// Home.
    Home = "home", KeyCode::Home;
    /// End.
    End = "end", KeyCode::End;
    /// Page up.
    PageUp = "pageup", KeyCode::PageUp;
    /// Page down.
    PageDown = "pagedown", KeyCode::PageDown;
    /// Up.
    Up = "up", KeyCode::Up;
    /// Down.
    Down = "down", KeyCode::Down;
    /// Left.
    Left = "left", KeyCode::Left;
    /// Right.
    Right = "right", KeyCode::Right;
}

/// A key with its modifiers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Chord {
    key: Key,
    ctrl: bool,
    alt: bool,
    shift: bool,
}

/// Names of modifiers, in the order they are printed.
const MODIFIERS: [&str; 3] = ["ctrl", "alt", "shift"];

impl Chord {
    /// A chord, brought into its one form.
    #[must_use]
    pub fn new(key: Key, ctrl: bool, alt: bool, shift: bool) -> Self {
        let mut chord = Self { key, ctrl, alt, shift };
        match key {
            Key::Char(c) => chord.fold_char(c),
            Key::Unknown => chord = Self { key, ctrl: false, alt: false, shift: false },
            Key::F(_) | Key::Named(_) => {}
        }
        chord
    }

    /// Shift is in the character; control makes no difference between cases, and three control
    /// characters have keys of their own.
    fn fold_char(&mut self, c: char) {
        let c = if self.shift { upper(c) } else { c };
        self.shift = false;
        self.key = Key::Char(c);
        if self.ctrl {
            let named = match c.to_ascii_lowercase() {
                'i' => Some(Named::Tab),
                'm' => Some(Named::Enter),
                '[' => Some(Named::Esc),
                _ => None,
            };
            self.ctrl = named.is_none();
            // The digit and the sign are one byte, and the byte is read as the digit.
            let c = match c {
                '4' => '\\',
                '5' => ']',
                '6' => '^',
                '7' => '_',
                c => c.to_ascii_lowercase(),
            };
            self.key = named.map_or(Key::Char(c), Key::Named);
        }
    }

    /// The key.
    #[must_use]
    pub const fn key(self) -> Key {
        self.key
    }

    /// A character without control or alt: what typing into a field gives.
    #[must_use]
    pub const fn plain_char(self) -> Option<char> {
        match self {
            Self { key: Key::Char(c), ctrl: false, alt: false, .. } => Some(c),
            _ => None,
        }
    }
}

/// The upper case of a letter that has exactly one.
fn upper(c: char) -> char {
    let mut upper = c.to_uppercase();
    match (upper.next(), upper.next()) {
        (Some(one), None) => one,
        _ => c,
    }
}

impl From<KeyEvent> for Chord {
    fn from(event: KeyEvent) -> Self {
        let has = |m| event.modifiers.contains(m);
        let (ctrl, alt, shift) = (has(KeyModifiers::CONTROL), has(KeyModifiers::ALT), has(KeyModifiers::SHIFT));
        match event.code {
            // The character is already the shifted one: `:` with shift is `:`.
            KeyCode::Char(c) => Self::new(Key::Char(c), ctrl, alt, false),
            KeyCode::BackTab => Self::new(Key::Named(Named::Tab), ctrl, alt, true),
            KeyCode::F(n) => Self::new(Key::F(n), ctrl, alt, shift),
            other => Self::new(Named::from_code(other).map_or(Key::Unknown, Key::Named), ctrl, alt, shift),
        }
    }
}

impl From<&KeyEvent> for Chord {
    fn from(event: &KeyEvent) -> Self {
        Self::from(*event)
    }
}

impl fmt::Display for Chord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (set, name) in [self.ctrl, self.alt, self.shift].into_iter().zip(MODIFIERS) {
            if set {
                write!(f, "{name}-")?;
            }
        }
        match self.key {
            Key::Char(' ') => f.write_str("space"),
            Key::Char(c) => write!(f, "{c}"),
            Key::F(n) => write!(f, "f{n}"),
            Key::Named(named) => f.write_str(named.name()),
            Key::Unknown => f.write_str("unknown"),
        }
    }
}

/// Why a text is not a chord.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is no key{hint}")]
pub struct BadChord {
    text: String,
    hint: String,
}

impl FromStr for Chord {
    type Err = BadChord;

    fn from_str(text: &str) -> Result<Self, BadChord> {
        let mut rest = text;
        let mut set = [false; 3];
        while let Some((slot, after)) = strip_modifier(rest, set) {
            if let Some(flag) = set.get_mut(slot) {
                *flag = true;
            }
            rest = after;
        }
        let [ctrl, alt, shift] = set;
        parse_key(rest).map(|key| Self::new(key, ctrl, alt, shift)).ok_or_else(|| bad(text, rest))
    }
}

/// Takes one modifier that is not set yet off the front.
fn strip_modifier(text: &str, set: [bool; 3]) -> Option<(usize, &str)> {
    let (word, rest) = text.split_once('-')?;
    let slot = MODIFIERS.iter().position(|m| m.eq_ignore_ascii_case(word))?;
    (!rest.is_empty() && set.get(slot) == Some(&false)).then_some((slot, rest))
}

fn parse_key(text: &str) -> Option<Key> {
    let mut chars = text.chars();
    if let (Some(c), None) = (chars.next(), chars.next()) {
        return (!c.is_control() && !c.is_whitespace()).then_some(Key::Char(c));
    }
    let lower = text.to_ascii_lowercase();
    if lower == "space" {
        return Some(Key::Char(' '));
    }
    if let Some(named) = Named::ALL.iter().find(|n| n.name() == lower) {
        return Some(Key::Named(*named));
    }
    let number: u8 = lower.strip_prefix('f').filter(|n| !n.starts_with(['0', '+'])).and_then(|n| n.parse().ok())?;
    (1..=24).contains(&number).then_some(Key::F(number))
}

fn bad(text: &str, rest: &str) -> BadChord {
    let names = Named::ALL.iter().map(|n| n.name()).chain(["space", "ctrl-", "alt-", "shift-"]);
    let mut hint = crate::model::place::did_you_mean(rest, names);
    if hint.is_empty() {
        hint = "; a key is one character, f1 to f24 or a name such as enter, with ctrl-, alt-, shift- before it; \
                several keys in a row are written with spaces between: `g g`"
            .into();
    }
    BadChord { text: text.to_owned(), hint }
}

/// Reads a sequence of chords: `g g`.
///
/// # Errors
/// The text is empty or one of its words is no chord.
pub fn parse_sequence(text: &str) -> Result<Vec<Chord>, BadChord> {
    let chords = text.split_whitespace().map(str::parse).collect::<Result<Vec<_>, _>>()?;
    if chords.is_empty() { Err(bad(text, text)) } else { Ok(chords) }
}

/// Prints a sequence of chords, so that [`parse_sequence`] reads it.
#[must_use]
pub fn print_sequence(chords: &[Chord]) -> String {
    chords.iter().map(Chord::to_string).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn chord(text: &str) -> Chord {
        text.parse().unwrap_or_else(|e| panic!("{e}"))
    }

    #[test]
    fn forms_are_one() {
        for (text, canonical) in [
            ("a", "a"),
            ("G", "G"),
            ("shift-g", "G"),
            ("CTRL-P", "ctrl-p"),
            ("ctrl-P", "ctrl-p"),
            ("alt-ctrl-x", "ctrl-alt-x"),
            ("space", "space"),
            ("ctrl-space", "ctrl-space"),
            ("F1", "f1"),
            ("Shift-Tab", "shift-tab"),
            ("<", "<"),
            ("-", "-"),
            ("ctrl--", "ctrl--"),
            ("alt-X", "alt-X"),
            ("ctrl-i", "tab"),
            ("ctrl-[", "esc"),
            ("PageDown", "pagedown"),
            ("ä", "ä"),
        ] {
            assert_eq!(chord(text).to_string(), canonical, "{text}");
        }
    }

    #[test]
    fn mistakes_are_named() {
        for text in ["", "ctrl-", "gg", "f0", "f25", "f+1", "ctrl-ctrl-a", "meta-x", "\t"] {
            assert!(text.parse::<Chord>().is_err(), "{text:?}");
        }
        assert_eq!("entre".parse::<Chord>().unwrap_err().to_string(), "`entre` is no key (did you mean `enter`?)");
        assert!("gg".parse::<Chord>().unwrap_err().to_string().contains("`g g`"));
        assert!(parse_sequence("  ").is_err());
    }

    #[test]
    fn events_of_the_terminal_become_chords() {
        let event = |code, modifiers| Chord::from(KeyEvent::new(code, modifiers)).to_string();
        assert_eq!(event(KeyCode::Char('G'), KeyModifiers::SHIFT), "G");
        assert_eq!(event(KeyCode::Char(':'), KeyModifiers::SHIFT), ":");
        assert_eq!(event(KeyCode::Char('p'), KeyModifiers::CONTROL), "ctrl-p");
        assert_eq!(event(KeyCode::BackTab, KeyModifiers::SHIFT), "shift-tab");
        assert_eq!(event(KeyCode::Char(' '), KeyModifiers::NONE), "space");
        assert_eq!(event(KeyCode::F(5), KeyModifiers::NONE), "f5");
        assert_eq!(event(KeyCode::CapsLock, KeyModifiers::NONE), "unknown");
        assert_eq!(chord("x").plain_char(), Some('x'));
        assert_eq!(chord("ctrl-x").plain_char(), None);
    }

    pub(crate) fn any_chord() -> impl Strategy<Value = Chord> {
        let key = prop_oneof![
            any::<char>().prop_filter("printable", |c| !c.is_control() && !c.is_whitespace()).prop_map(Key::Char),
            Just(Key::Char(' ')),
            (1_u8..=24).prop_map(Key::F),
            proptest::sample::select(Named::ALL).prop_map(Key::Named),
        ];
        (key, any::<bool>(), any::<bool>(), any::<bool>()).prop_map(|(k, c, a, s)| Chord::new(k, c, a, s))
    }

    proptest! {
        #[test]
        fn printing_and_parsing_are_inverse(chords in proptest::collection::vec(any_chord(), 1..5)) {
            let text = print_sequence(&chords);
            prop_assert_eq!(parse_sequence(&text).unwrap(), chords, "{}", text);
        }

        #[test]
        fn no_text_makes_it_fall_over(text in "\\PC{0,20}") {
            if let Ok(chord) = text.parse::<Chord>() {
                prop_assert_eq!(chord.to_string().parse::<Chord>().unwrap(), chord);
            }
        }
    }
}
