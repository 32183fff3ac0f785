//! One line of text being typed, with the editing keys people know from shells, and its history.

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use tui_input::{Input, InputRequest};

/// A line with its cursor.
#[derive(Debug, Clone, Default)]
pub struct Line {
    input: Input,
}

impl Line {
    /// A line that begins with a text, the cursor behind it.
    #[must_use]
    pub fn new(text: &str) -> Self {
        Self { input: Input::new(text.to_owned()) }
    }

    /// The text.
    #[must_use]
    pub fn text(&self) -> &str {
        self.input.value()
    }

    /// The cursor, in characters.
    #[must_use]
    pub fn cursor(&self) -> usize {
        self.input.cursor()
    }

    /// Replaces the text; the cursor goes behind it.
    pub fn set(&mut self, text: &str) {
        self.input = Input::new(text.to_owned());
    }

    /// Puts text in at the cursor, as a paste does: line ends become spaces, controls are dropped.
    pub fn insert(&mut self, text: &str) {
        for c in text.chars() {
            let c = if matches!(c, '\n' | '\r' | '\t') { ' ' } else { c };
            if !c.is_control() {
                self.input.handle(InputRequest::InsertChar(c));
            }
        }
    }

    /// Takes a key. `None`: no editing key. `Some(changed)`: taken.
    pub fn key(&mut self, key: KeyEvent) -> Option<bool> {
        let ctrl = key.modifiers.contains(KeyModifiers::CONTROL);
        let alt = key.modifiers.contains(KeyModifiers::ALT);
        let request = match key.code {
            KeyCode::Char(c) if !ctrl && !alt => InputRequest::InsertChar(c),
            KeyCode::Backspace if ctrl || alt => InputRequest::DeletePrevWord,
            KeyCode::Backspace => InputRequest::DeletePrevChar,
            KeyCode::Delete => InputRequest::DeleteNextChar,
            KeyCode::Left if ctrl || alt => InputRequest::GoToPrevWord,
            KeyCode::Right if ctrl || alt => InputRequest::GoToNextWord,
            KeyCode::Left => InputRequest::GoToPrevChar,
            KeyCode::Right => InputRequest::GoToNextChar,
            KeyCode::Home => InputRequest::GoToStart,
            KeyCode::End => InputRequest::GoToEnd,
            KeyCode::Char(c) if ctrl => match c {
                'a' => InputRequest::GoToStart,
                'e' => InputRequest::GoToEnd,
                'b' => InputRequest::GoToPrevChar,
                'f' => InputRequest::GoToNextChar,
                'h' => InputRequest::DeletePrevChar,
                'd' => InputRequest::DeleteNextChar,
                'w' => InputRequest::DeletePrevWord,
                'u' => InputRequest::DeleteLine,
                'k' => InputRequest::DeleteTillEnd,
                _ => return None,
            },
            KeyCode::Char('b') => InputRequest::GoToPrevWord,
            KeyCode::Char('f') => InputRequest::GoToNextWord,
            _ => return None,
        };
        Some(self.input.handle(request).is_some_and(|change| change.value))
    }
}

/// Lines typed before, newest last, without repeats.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(transparent)]
pub struct History {
    lines: Vec<String>,
    #[serde(skip)]
    at: Option<usize>,
}

impl History {
    /// How many lines are kept.
    pub const CAP: usize = 200;

    /// Adds a line and forgets the place.
    pub fn push(&mut self, line: &str) {
        self.at = None;
        if line.trim().is_empty() {
            return;
        }
        self.lines.retain(|l| l != line);
        self.lines.push(line.to_owned());
        if self.lines.len() > Self::CAP {
            self.lines.remove(0);
        }
    }

    /// The line before the present place; `None` at the oldest.
    pub fn older(&mut self) -> Option<&str> {
        let at = self.at.unwrap_or(self.lines.len()).checked_sub(1)?;
        self.at = Some(at);
        self.lines.get(at).map(String::as_str)
    }

    /// The line after the present place; an empty one after the newest.
    pub fn newer(&mut self) -> &str {
        let at = self.at.map_or(self.lines.len(), |at| at + 1);
        self.at = (at < self.lines.len()).then_some(at);
        self.at.and_then(|at| self.lines.get(at)).map_or("", String::as_str)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn press(line: &mut Line, code: KeyCode, modifiers: KeyModifiers) {
        line.key(KeyEvent::new(code, modifiers));
    }

    #[test]
    fn editing_keys_do_what_shells_do() {
        let mut line = Line::new("severity>=major");
        press(&mut line, KeyCode::Char('w'), KeyModifiers::CONTROL);
        press(&mut line, KeyCode::Char('x'), KeyModifiers::NONE);
        press(&mut line, KeyCode::Char('a'), KeyModifiers::CONTROL);
        line.insert("two\nlines\u{1b}[31m");
        assert!(line.text().starts_with("two lines[31m"), "{}", line.text());
        assert!(line.text().ends_with('x'));
        press(&mut line, KeyCode::Char('u'), KeyModifiers::CONTROL);
        assert!(!line.text().contains("two"), "{}", line.text());
    }

    #[test]
    fn history_walks_both_ways_without_repeats() {
        let mut h = History::default();
        for l in ["a", "b", "a", " "] {
            h.push(l);
        }
        assert_eq!(h.older(), Some("a"));
        assert_eq!(h.older(), Some("b"));
        assert_eq!(h.older(), None);
        assert_eq!(h.newer(), "a");
        assert_eq!(h.newer(), "");
    }
}
