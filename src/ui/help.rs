//! Everything that can be done here, with its keys, and why something cannot be done now.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::paint::{Paint, wide, wrap};
use super::text_input::TextInput;
use crate::theme::Token;

/// A command in the help.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Entry {
    /// Its keys.
    pub keys: Vec<String>,
    /// What it does.
    pub title: String,
    /// One or two sentences.
    pub doc: String,
    /// Why it cannot run now.
    pub disabled: Option<String>,
}

/// The commands of one context.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Section {
    /// Title.
    pub title: String,
    /// Its commands.
    pub entries: Vec<Entry>,
}

/// The help.
#[derive(Debug, Clone, Copy)]
pub struct Help<'a> {
    /// The sections; [`matching`] leaves those that match.
    pub sections: &'a [Section],
    /// What is typed: words, or a key.
    pub text: &'a str,
    /// Cursor in it, in characters.
    pub cursor: usize,
    /// The command under the cursor, counted over all sections.
    pub selected: usize,
}

/// The sections with only the entries that match `text`: all its words somewhere in title,
/// sentence or reason, or the text itself as one of the keys. Sections left empty are dropped.
#[must_use]
pub fn matching(sections: &[Section], text: &str) -> Vec<Section> {
    let words: Vec<String> = text.split_whitespace().map(str::to_lowercase).collect();
    let key = text.trim();
    let fits = |entry: &&Entry| {
        let all =
            format!("{} {} {}", entry.title, entry.doc, entry.disabled.as_deref().unwrap_or_default()).to_lowercase();
        entry.keys.iter().any(|k| k == key) || words.iter().all(|w| all.contains(w.as_str()))
    };
    let narrowed = |section: &Section| Section {
        title: section.title.clone(),
        entries: section.entries.iter().filter(fits).cloned().collect(),
    };
    sections.iter().map(narrowed).filter(|s| !s.entries.is_empty()).collect()
}

impl Help<'_> {
    /// Draws the help over the screen; returns the cell of the text cursor.
    pub fn render(&self, buf: &mut Buffer, screen: Rect, paint: &Paint<'_>) -> Option<(u16, u16)> {
        let area = super::paint::popup(screen, 110, screen.height);
        let inner = paint.boxed(buf, area, "Help", Token::Dialog, Token::BorderFocus);
        let field = Rect { height: 1.min(inner.height), ..inner };
        let ghost = if self.text.is_empty() { "type words or a key; enter runs, esc leaves" } else { "" };
        let cursor = TextInput { text: self.text, cursor: Some(self.cursor), ghost, ..TextInput::default() }
            .render(buf, field, paint);
        let list = Rect { y: inner.y + 1, height: inner.height.saturating_sub(1), ..inner };
        if self.sections.is_empty() {
            paint.put(buf, (list.x, list.y), list.width, "nothing matches", Token::Dim);
            return cursor;
        }
        let lines = self.lines(list.width.saturating_sub(19));
        let at = lines.iter().position(|l| matches!(l, Line::Entry(n, _) if *n == self.selected)).unwrap_or(0);
        // Below the selected one stands its sentence.
        let said = lines.iter().filter(|l| matches!(l, Line::Doc(..))).count();
        let first = super::palette::first_row(at + said, usize::from(list.height));
        for (y, line) in (list.y..list.bottom()).zip(lines.iter().skip(first)) {
            self.line(buf, Rect { y, height: 1, ..list }, paint, line);
        }
        cursor
    }

    fn lines(&self, width: u16) -> Vec<Line<'_>> {
        let mut lines = Vec::new();
        let mut n = 0;
        for section in self.sections {
            lines.push(Line::Title(&section.title));
            for entry in &section.entries {
                lines.push(Line::Entry(n, entry));
                if n == self.selected {
                    let why = entry.disabled.as_ref().map(|reason| format!("not now: {reason}"));
                    lines.extend(why.iter().flat_map(|why| wrap(why, width)).map(|l| Line::Doc(l, Token::Off)));
                    lines.extend(wrap(&entry.doc, width).into_iter().map(|l| Line::Doc(l, Token::Dim)));
                }
                n += 1;
            }
        }
        lines
    }

    fn line(&self, buf: &mut Buffer, row: Rect, paint: &Paint<'_>, line: &Line<'_>) {
        let base = paint.style(Token::Dialog);
        match line {
            Line::Title(title) => {
                paint.put_styled(buf, (row.x, row.y), row.width, title, base.patch(paint.style(Token::Title)));
            }
            Line::Doc(doc, token) => {
                let width = row.width.saturating_sub(19);
                paint.put_styled(buf, (row.x + 18, row.y), width, doc, base.patch(paint.style(*token)));
            }
            Line::Entry(n, entry) => {
                let selected = *n == self.selected;
                if selected {
                    paint.fill(buf, row, Token::Cursor);
                }
                let base = if selected { paint.style(Token::Cursor) } else { base };
                paint.put_styled(buf, (row.x, row.y), 1, if selected { paint.glyphs.cursor } else { " " }, base);
                let keys = entry.keys.join("  ");
                paint.put_styled(buf, (row.x + 2, row.y), 15, &keys, base.patch(paint.style(Token::Key)));
                let token = if entry.disabled.is_some() { Token::Dim } else { Token::KeyText };
                let width = row.width.saturating_sub(19);
                let used =
                    paint.put_styled(buf, (row.x + 18, row.y), width, &entry.title, base.patch(paint.style(token)));
                if let Some(reason) = &entry.disabled
                    && wide(reason) + used + 4 < width
                {
                    let words = format!("  ({reason})");
                    paint.put_styled(
                        buf,
                        (row.x + 18 + used, row.y),
                        width - used,
                        &words,
                        base.patch(paint.style(Token::Off)),
                    );
                }
            }
        }
    }
}

enum Line<'a> {
    Title(&'a str),
    Entry(usize, &'a Entry),
    Doc(String, Token),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn help_is_found_by_words_and_by_key() {
        let entry = |key: &str, title: &str| Entry { keys: vec![key.into()], title: title.into(), ..Entry::default() };
        let sections = [
            Section { title: "Alarms".into(), entries: vec![entry("a", "Acknowledge"), entry("z", "Shelve")] },
            Section { title: "List".into(), entries: vec![entry("/", "Filter")] },
        ];
        let found = |text: &str| -> Vec<String> {
            matching(&sections, text).into_iter().flat_map(|s| s.entries).map(|e| e.title).collect()
        };
        assert_eq!(found("shelve"), ["Shelve"]);
        assert_eq!(found("/"), ["Filter"]);
        assert_eq!(found("z"), ["Shelve"]);
        assert_eq!(found("").len(), 3);
        assert!(found("reboot").is_empty());
    }
}
