//! Where in a text file something is wrong, and what was probably meant. Every file an operator
//! writes (configuration, theme, keymap, inventory) reports its errors this way.

use std::fmt;

/// A place in a text file, counted as editors count: from 1, columns in characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Place {
    /// Line.
    pub line: u32,
    /// Column.
    pub column: u32,
}

impl Place {
    /// The beginning of a file.
    pub const START: Self = Self { line: 1, column: 1 };

    /// The place of a byte offset in `text`; an offset beyond the end is the end.
    #[must_use]
    pub fn at(text: &str, offset: usize) -> Self {
        let mut place = Self::START;
        for (_, c) in text.char_indices().take_while(|(i, _)| *i < offset) {
            if c == '\n' {
                place.line += 1;
                place.column = 1;
            } else {
                place.column += 1;
            }
        }
        place
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.line, self.column)
    }
}

/// The known name nearest to `name`, when one is near enough to have been meant.
#[must_use]
pub fn nearest<'a>(name: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let name = name.to_lowercase();
    known
        .into_iter()
        .map(|k| (strsim::damerau_levenshtein(&name, &k.to_lowercase()), k))
        .filter(|(distance, k)| *distance <= (k.chars().count().max(3) / 3).max(1))
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, k)| k)
}

/// `" (did you mean `x`?)"`, or nothing: the tail of an error about an unknown name.
#[must_use]
pub fn did_you_mean<'a>(name: &str, known: impl IntoIterator<Item = &'a str>) -> String {
    nearest(name, known).map_or_else(String::new, |k| format!(" (did you mean `{k}`?)"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_count_as_editors_do() {
        let text = "äb\ncd\n";
        assert_eq!(Place::at(text, 0), Place::START);
        assert_eq!(Place::at(text, 2), Place { line: 1, column: 2 }, "ä is two bytes, one column");
        assert_eq!(Place::at(text, 4), Place { line: 2, column: 1 });
        assert_eq!(Place::at(text, 999), Place { line: 3, column: 1 });
        assert_eq!(Place::at(text, 4).to_string(), "2:1");
    }

    #[test]
    fn near_names_are_offered_far_ones_are_not() {
        let known = ["alarm.ack", "alarm.unack", "quit"];
        assert_eq!(nearest("alarm.akc", known), Some("alarm.ack"));
        assert_eq!(nearest("Quit", known), Some("quit"));
        assert_eq!(nearest("reboot", known), None);
        assert_eq!(did_you_mean("qiut", known), " (did you mean `quit`?)");
    }
}
