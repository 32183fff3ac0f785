//! Finds the line of a key in a request, so that an error about its meaning names its place as well
//! as one about its form does. Looked up only when there is an error to tell.

/// How a request is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// TOML.
    Toml,
    /// JSON.
    Json,
}

/// The line (from 1) of the value at `path`, or of the deepest part of it that exists.
#[must_use]
pub(super) fn line_of(text: &str, format: Format, path: &[&str]) -> usize {
    let offset = match format {
        Format::Toml => toml_offset(text, path),
        Format::Json => Scanner { text: text.as_bytes(), at: 0 }.find(path),
    };
    line_at(text, offset.unwrap_or(0))
}

/// The line (from 1) of a byte.
#[must_use]
pub(super) fn line_at(text: &str, offset: usize) -> usize {
    text.bytes().take(offset).filter(|b| *b == b'\n').count() + 1
}

fn toml_offset(text: &str, path: &[&str]) -> Option<usize> {
    let root = toml::de::DeTable::parse(text).ok()?;
    let mut found = None;
    let mut table = root.get_ref();
    for name in path {
        let (key, value) = table.iter().find(|(key, _)| key.get_ref() == name)?;
        found = Some(key.span().start);
        match value.get_ref() {
            toml::de::DeValue::Table(inner) => table = inner,
            _ => break,
        }
    }
    found
}

/// Walks JSON that is known to be well formed.
struct Scanner<'a> {
    text: &'a [u8],
    at: usize,
}

impl Scanner<'_> {
    fn find(&mut self, path: &[&str]) -> Option<usize> {
        let (head, rest) = path.split_first()?;
        self.space();
        if self.peek() != Some(b'{') {
            return None;
        }
        self.at += 1;
        loop {
            self.space();
            let begin = self.at;
            let key = self.string()?;
            self.space();
            if self.peek() != Some(b':') {
                return None;
            }
            self.at += 1;
            if key == *head {
                return if rest.is_empty() { Some(begin) } else { self.find(rest).or(Some(begin)) };
            }
            self.skip()?;
            self.space();
            if self.peek() != Some(b',') {
                return None;
            }
            self.at += 1;
        }
    }

    fn peek(&self) -> Option<u8> {
        self.text.get(self.at).copied()
    }

    fn space(&mut self) {
        while self.peek().is_some_and(|b| b.is_ascii_whitespace()) {
            self.at += 1;
        }
    }

    fn string(&mut self) -> Option<String> {
        let begin = self.at;
        if self.peek()? != b'"' {
            return None;
        }
        self.at += 1;
        loop {
            match self.peek()? {
                b'\\' => self.at += 2,
                b'"' => break,
                _ => self.at += 1,
            }
        }
        self.at += 1;
        serde_json::from_slice(self.text.get(begin..self.at)?).ok()
    }

    /// Steps over one value.
    fn skip(&mut self) -> Option<()> {
        let mut depth = 0_u32;
        loop {
            self.space();
            match self.peek()? {
                b'"' => drop(self.string()?),
                b'{' | b'[' => {
                    depth += 1;
                    self.at += 1;
                }
                b'}' | b']' | b',' | b':' if depth == 0 => return Some(()),
                b'}' | b']' => {
                    depth -= 1;
                    self.at += 1;
                }
                b',' | b':' => self.at += 1,
                _ => {
                    while self.peek().is_some_and(|b| !b.is_ascii_whitespace() && !b"{}[],:\"".contains(&b)) {
                        self.at += 1;
                    }
                }
            }
            if depth == 0 {
                return Some(());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn keys_are_found_in_both_forms() {
        let json = "{\n \"a\": [1, {\"wifi\": 2}],\n \"wifi\": {\n  \"x\\\"y\": \"}\",\n  \"ssid\": 5 }\n}";
        assert_eq!(line_of(json, Format::Json, &["wifi", "ssid"]), 5);
        assert_eq!(line_of(json, Format::Json, &["wifi", "none"]), 3);
        let toml = "a = 1\n[wifi]\n\nssid = 5\n";
        assert_eq!(line_of(toml, Format::Toml, &["wifi", "ssid"]), 4);
        assert_eq!(line_of("[a.b]\nc = 1\n", Format::Toml, &["a", "b", "c"]), 2);
    }

    proptest! {
        #[test]
        fn no_text_panics_or_hangs(text in "[{}\\[\\]\",:a1\\\\\n ]{0,40}") {
            for format in [Format::Json, Format::Toml] {
                prop_assert!(line_of(&text, format, &["a", "b"]) >= 1);
            }
        }
    }
}
