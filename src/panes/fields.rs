//! Fields that are changed in their places inside a pane, each with what is wrong with it: what the
//! forms of panes share.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::app::effect::{Effect, Prompt};
use crate::model::command::Args;
use crate::theme::Token;
use crate::ui::Paint;
use crate::ui::form::{Field, Lines};
use crate::ui::paint::wrap;

/// The cells of the screen that a pane has on one of a size.
pub(crate) fn pane_area(size: (u16, u16)) -> Rect {
    let height = super::detail::pane_rows(size);
    Rect { x: 0, y: size.1.saturating_sub(height + 1), width: size.0, height }
}

/// A field.
#[derive(Debug, Clone, Default)]
pub(crate) struct Entry {
    /// Name, as commands and requests have it.
    pub name: &'static str,
    /// Label.
    pub label: &'static str,
    /// The value, as it was typed.
    pub value: String,
    /// The value at first.
    pub first: String,
    /// The values that there are; empty for any text.
    pub words: Vec<String>,
    /// Stands in its place while it is empty.
    pub hint: &'static str,
    /// What it is and what fits, in a line.
    pub doc: &'static str,
    /// What is wrong with it.
    pub fault: Option<String>,
}

impl Entry {
    /// A field of any text.
    pub(crate) fn text(name: &'static str, label: &'static str, value: &str, doc: &'static str) -> Self {
        Self { name, label, value: value.to_owned(), first: value.to_owned(), doc, ..Self::default() }
    }

    /// A field of one of several words, the first of them at first.
    pub(crate) fn word(name: &'static str, label: &'static str, words: &[&str], doc: &'static str) -> Self {
        let words: Vec<String> = words.iter().map(|w| (*w).to_owned()).collect();
        let first = words.first().cloned().unwrap_or_default();
        Self { words, ..Self::text(name, label, &first, doc) }
    }

    /// With words for its emptiness.
    pub(crate) fn hint(self, hint: &'static str) -> Self {
        Self { hint, ..self }
    }
}

/// The fields of a form with a cursor.
#[derive(Debug, Clone, Default)]
pub(crate) struct Fields {
    pub(crate) entries: Vec<Entry>,
    at: usize,
}

impl Fields {
    /// The fields, the cursor on the first.
    pub(crate) const fn new(entries: Vec<Entry>) -> Self {
        Self { entries, at: 0 }
    }

    /// The field under the cursor.
    pub(crate) fn current(&self) -> Option<&Entry> {
        self.entries.get(self.at)
    }

    /// Its number.
    pub(crate) const fn at(&self) -> usize {
        self.at
    }

    /// Goes to a field.
    pub(crate) fn go(&mut self, at: usize) {
        self.at = at.min(self.entries.len().saturating_sub(1));
    }

    /// Goes to a field by its name.
    pub(crate) fn find(&mut self, name: &str) {
        if let Some(at) = self.entries.iter().position(|e| e.name == name) {
            self.at = at;
        }
    }

    /// The value of a field.
    pub(crate) fn value(&self, name: &str) -> &str {
        self.entries.iter().find(|e| e.name == name).map_or("", |e| e.value.as_str())
    }

    /// Gives a field a value.
    pub(crate) fn set(&mut self, name: &str, value: &str) {
        if let Some(entry) = self.entries.iter_mut().find(|e| e.name == name) {
            value.trim().clone_into(&mut entry.value);
        }
    }

    /// Gives the field under the cursor its first value again.
    pub(crate) fn reset(&mut self) {
        if let Some(entry) = self.entries.get_mut(self.at) {
            entry.value.clone_from(&entry.first);
        }
    }

    /// The first field that something is wrong with.
    pub(crate) fn fault(&self) -> Option<(&'static str, &str)> {
        self.entries.iter().find_map(|e| e.fault.as_deref().map(|why| (e.name, why)))
    }

    /// Nothing is wrong any more.
    pub(crate) fn absolve(&mut self) {
        self.entries.iter_mut().for_each(|e| e.fault = None);
    }

    /// Says what is wrong with a field; whether there is one of that name.
    pub(crate) fn blame(&mut self, name: &str, why: &str) -> bool {
        let entry = self.entries.iter_mut().find(|e| e.name == name);
        let found = entry.is_some();
        if let Some(entry) = entry {
            entry.fault = Some(why.to_owned());
        }
        found
    }

    /// Changes the field under the cursor: takes its next word at once (the answer is empty then), or
    /// asks for its text in its place in `area`, the cells of the fields. The answer comes as
    /// `command` with the arguments `field` and `value`.
    pub(crate) fn change(&mut self, command: &'static str, area: Rect) -> Vec<Effect> {
        let at = self.at;
        if let Some(entry) = self.entries.get_mut(at).filter(|e| !e.words.is_empty()) {
            let next = entry.words.iter().position(|w| *w == entry.value).map_or(0, |i| (i + 1) % entry.words.len());
            entry.value = entry.words.get(next).cloned().unwrap_or_default();
            return Vec::new();
        }
        let Some(entry) = self.entries.get(at) else { return Vec::new() };
        let place = self.drawn(|lines| lines.place(at, area.width));
        let place = Rect { x: area.x + place.x, y: area.y.saturating_add(place.y), ..place };
        let prompt = Prompt {
            title: entry.label.to_owned(),
            initial: entry.value.clone(),
            command,
            arg: "value",
            args: Args::from([("field".to_owned(), entry.name.to_owned())]),
        };
        vec![Effect::Inline(prompt, place)]
    }

    fn drawn<T>(&self, with: impl FnOnce(&Lines<'_>) -> T) -> T {
        let fields: Vec<Field<'_>> = self
            .entries
            .iter()
            .map(|e| Field { label: e.label, text: &e.value, hint: e.hint, wrong: e.fault.is_some(), secret: false })
            .collect();
        with(&Lines { fields: &fields, focus: None, focused: false })
    }

    /// Draws the fields; `cursor` when it is in them, `focused` when they have the keyboard.
    pub(crate) fn draw(&self, buf: &mut Buffer, area: Rect, paint: &Paint<'_>, (cursor, focused): (bool, bool)) {
        let focus = cursor.then_some(self.at);
        self.drawn(|lines| Lines { focus, focused, ..*lines }.render(buf, area, paint));
    }

    /// What is wrong with the field under the cursor, or what it is; then what is wrong elsewhere.
    pub(crate) fn words(&self, room: u16) -> Vec<(String, Token)> {
        let mut lines = Vec::new();
        let mut say = |words: &str, token: Token| lines.extend(wrap(words, room).into_iter().map(|line| (line, token)));
        match self.current().and_then(|e| e.fault.as_deref()) {
            Some(why) => say(why, Token::Bad),
            None => say(self.current().map_or("", |e| e.doc), Token::Dim),
        }
        for (_, entry) in self.entries.iter().enumerate().filter(|(i, _)| *i != self.at) {
            if let Some(why) = &entry.fault {
                say(&format!("{}: {why}", entry.label), Token::Bad);
            }
        }
        lines
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_turn_in_place_and_texts_are_typed_where_they_stand() {
        let mut fields = Fields::new(vec![
            Entry::word("protocol", "Protocol", &["tcp", "udp"], ""),
            Entry::text("host", "Host", "10.0.0.1", "a name or an address"),
        ]);
        let area = Rect { x: 1, y: 3, width: 70, height: 2 };
        assert_eq!(fields.change("diag.set", area), Vec::new());
        assert_eq!(fields.value("protocol"), "udp");
        fields.change("diag.set", area);
        assert_eq!(fields.value("protocol"), "tcp", "the last word leads to the first");
        fields.go(7);
        let asked = fields.change("diag.set", area);
        let [Effect::Inline(prompt, at)] = asked.as_slice() else { panic!("{asked:?}") };
        assert_eq!((prompt.initial.as_str(), *at), ("10.0.0.1", Rect { x: 13, y: 4, width: 58, height: 1 }));
        fields.set("host", " b ");
        assert_eq!(fields.value("host"), "b");
        fields.reset();
        assert_eq!(fields.value("host"), "10.0.0.1");
    }

    #[test]
    fn what_is_wrong_is_told_under_the_field_and_from_elsewhere_with_its_label() {
        let mut fields = Fields::new(vec![Entry::text("a", "A", "", "fits"), Entry::text("b", "B", "", "")]);
        assert!(fields.blame("b", "too long") && !fields.blame("c", "x"));
        let words: Vec<String> = fields.words(40).into_iter().map(|(line, _)| line).collect();
        assert_eq!(words, ["fits", "B: too long"]);
        assert_eq!(fields.fault(), Some(("b", "too long")));
        fields.absolve();
        assert_eq!(fields.fault(), None);
    }
}
