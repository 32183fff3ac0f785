//! Hides what must not be in a recording. Output comes in pieces, a secret may lie across several of
//! them, with colours in between: so the pieces of a line are held back until it is complete, matched
//! together as they are read, and let go with the times they came at. Every hidden character becomes
//! one `*`, so that the picture keeps its shape.

use std::time::Duration;

use regex::Regex;

/// Bytes of a line that are held back, at most; a longer one is matched in parts.
const MOST_HELD: usize = 16 << 10;

/// What looks like a secret: the value of what is called one, the credentials of a request and of an
/// address, the hash of a password, a line of a key.
const USUAL: [&str; 5] = [
    r#"(?i)(?:password|passwd|passphrase|pwd|secret|token|api[ _-]?key|private[ _-]?key)["']?\s*[:=]\s*["']?([^\s"',;]+)"#,
    r"(?i)authorization:\s*(\S.*)",
    r"://[^/\s:@]*:([^/\s@]+)@",
    r"(\$(?:1|2[abxy]|5|6|7|y|argon2[a-z]*)\$[^\s:]+)",
    r"^\s*([A-Za-z0-9+/]{60,}={0,2})\s*$",
];

/// Patterns that hide.
#[derive(Debug, Clone)]
pub struct Redactor {
    patterns: Vec<Regex>,
    held: Vec<(Duration, String)>,
    bytes: usize,
}

/// Why a pattern cannot be used.
#[derive(Debug, thiserror::Error)]
#[error(
    "redaction pattern `{pattern}` cannot be used: {why}; patterns are regular expressions, of which the first group is hidden, or all where there is none"
)]
pub struct BadPattern {
    pattern: String,
    why: String,
}

impl Redactor {
    /// Of regular expressions: what their first group matches is hidden, everything where there is none.
    ///
    /// # Errors
    /// A pattern is no regular expression, or matches the empty text.
    pub fn new<S: AsRef<str>>(patterns: &[S]) -> Result<Self, BadPattern> {
        let compile = |pattern: &S| {
            let pattern = pattern.as_ref();
            let bad = |why: String| BadPattern { pattern: pattern.to_owned(), why };
            let regex = Regex::new(pattern).map_err(|e| bad(e.to_string().lines().last().unwrap_or("").to_owned()))?;
            if regex.is_match("") { Err(bad("it matches nothing at all".to_owned())) } else { Ok(regex) }
        };
        let patterns = patterns.iter().map(compile).collect::<Result<_, _>>()?;
        Ok(Self { patterns, held: Vec::new(), bytes: 0 })
    }

    /// Of patterns for what looks like a secret on most systems. It is a net with holes: what is called by
    /// no name that they know stays.
    ///
    /// # Errors
    /// A pattern is no regular expression: none of them is not.
    pub fn usual() -> Result<Self, BadPattern> {
        Self::new(&USUAL)
    }

    /// How many patterns there are.
    #[must_use]
    pub const fn patterns(&self) -> usize {
        self.patterns.len()
    }

    /// When the last piece that is held back came.
    #[must_use]
    pub fn held_since(&self) -> Option<Duration> {
        self.held.last().map(|(at, _)| *at)
    }

    /// Takes a piece; `out` gets what can be let go.
    pub fn push(&mut self, at: Duration, text: &str, out: &mut impl FnMut(Duration, &str)) {
        let mut rest = text;
        while let Some((line, after)) = rest.split_once('\n') {
            self.hold(at, line, true);
            self.flush(out);
            rest = after;
        }
        if !rest.is_empty() {
            self.hold(at, rest, false);
        }
        if self.bytes > MOST_HELD {
            self.flush(out);
        }
    }

    fn hold(&mut self, at: Duration, text: &str, ends: bool) {
        self.bytes += text.len() + usize::from(ends);
        let end = if ends { "\n" } else { "" };
        match self.held.last_mut().filter(|(last, _)| *last == at) {
            Some((_, held)) => {
                held.push_str(text);
                held.push_str(end);
            }
            None => self.held.push((at, format!("{text}{end}"))),
        }
    }

    /// Lets go what is held back, complete or not.
    pub fn flush(&mut self, out: &mut impl FnMut(Duration, &str)) {
        let raw: String = self.held.iter().map(|(_, text)| text.as_str()).collect();
        let hidden = self.hidden(&raw);
        let mut at = 0;
        for (time, text) in self.held.drain(..) {
            let end = at + text.len();
            if hidden.iter().any(|h| (at..end).contains(h)) {
                let safe: String = text
                    .char_indices()
                    .map(|(i, c)| if hidden.binary_search(&(at + i)).is_ok() { '*' } else { c })
                    .collect();
                out(time, &safe);
            } else {
                out(time, &text);
            }
            at = end;
        }
        self.bytes = 0;
    }

    /// Where the characters are that have to be hidden: bytes of the text, in order.
    fn hidden(&self, raw: &str) -> Vec<usize> {
        let (text, places) = readable(raw);
        let mut hidden = Vec::new();
        for pattern in &self.patterns {
            for found in pattern.captures_iter(&text) {
                let Some(range) = found.get(1).or_else(|| found.get(0)).map(|m| m.range()) else { continue };
                let from = places.partition_point(|(at, _)| *at < range.start);
                let inside = places.iter().skip(from).take_while(|(at, _)| *at < range.end);
                hidden.extend(inside.map(|(_, raw)| *raw));
            }
        }
        hidden.sort_unstable();
        hidden.dedup();
        hidden
    }
}

/// A text without its escape sequences and controls, and for each of its characters where it is in
/// both.
fn readable(raw: &str) -> (String, Vec<(usize, usize)>) {
    let mut text = String::with_capacity(raw.len());
    let mut places = Vec::with_capacity(raw.len());
    let mut chars = raw.char_indices().peekable();
    while let Some((at, c)) = chars.next() {
        match c {
            '\u{1b}' => match chars.next() {
                Some((_, '[')) => {
                    while chars.next_if(|(_, c)| (' '..='?').contains(c)).is_some() {}
                    chars.next_if(|(_, c)| ('@'..='~').contains(c));
                }
                Some((_, ']' | 'P' | 'X' | '^' | '_')) => {
                    while chars.next_if(|(_, c)| !matches!(c, '\u{7}' | '\u{1b}')).is_some() {}
                    if let Some((_, '\u{1b}')) = chars.next() {
                        chars.next_if(|(_, c)| *c == '\\');
                    }
                }
                Some((_, ' '..='/')) => {
                    chars.next();
                }
                _ => {}
            },
            '\t' => {
                places.push((text.len(), at));
                text.push(' ');
            }
            c if c.is_control() => {}
            c => {
                places.push((text.len(), at));
                text.push(c);
            }
        }
    }
    (text, places)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::indexing_slicing, reason = "a test may fail loudly")]

    use proptest::prelude::*;

    use super::*;

    fn run(patterns: &[&str], pieces: &[&str]) -> Vec<(u64, String)> {
        let mut redactor = Redactor::new(patterns).unwrap();
        let mut out = Vec::new();
        let mut add = |at: Duration, text: &str| out.push((at.as_secs(), text.to_owned()));
        for (n, piece) in pieces.iter().enumerate() {
            redactor.push(Duration::from_secs(n as u64), piece, &mut add);
        }
        redactor.flush(&mut add);
        out
    }

    #[test]
    fn a_secret_across_pieces_and_colours_is_hidden() {
        let pieces = ["login\r\npass", "word: hun", "ter2", " ok\r\nnext"];
        let out = run(&[r"password: (\S+)"], &pieces);
        let expected = [(0, "login\r\n"), (0, "pass"), (1, "word: ***"), (2, "****"), (3, " ok\r\n"), (3, "next")];
        assert_eq!(out, expected.map(|(at, text)| (at, text.to_owned())));
        let out = run(&["hunter2"], &["a \x1b[31mhun\x1b[1;32mter2\x1b[m b"]);
        assert_eq!(out, [(0, "a \x1b[31m***\x1b[1;32m****\x1b[m b".to_owned())], "colours stay");
    }

    #[test]
    fn what_looks_like_a_secret_is_hidden_and_nothing_else() {
        let mut redactor = Redactor::usual().unwrap();
        let mut hidden = |line: &str| {
            let mut out = String::new();
            let mut add = |_: Duration, text: &str| out.push_str(text);
            redactor.push(Duration::ZERO, &format!("{line}\n"), &mut add);
            redactor.flush(&mut add);
            out.trim_end().to_owned()
        };
        for (line, safe) in [
            ("db_password = \"hunter2\"", "db_password = \"*******\""),
            ("API-KEY: abc123", "API-KEY: ******"),
            ("Authorization: Bearer ey.x", "Authorization: ***********"),
            ("git clone https://anna:t0p@host/x", "git clone https://anna:***@host/x"),
            ("root:$6$abc$def:19000:0", "root:**********:19000:0"),
        ] {
            assert_eq!(hidden(line), safe);
        }
        let key = "A".repeat(64);
        assert_eq!(hidden(&key), "*".repeat(64));
        for line in ["Password: ", "login: root", "new password is too short", "[  4.2] eth0: link is up"] {
            assert_eq!(hidden(line), line.trim_end());
        }
    }

    #[test]
    fn a_bad_pattern_is_told() {
        for bad in ["(", "x*"] {
            let why = Redactor::new(&[bad]).unwrap_err().to_string();
            assert!(why.contains(&format!("`{bad}`")), "{why}");
        }
    }

    proptest! {
        #[test]
        fn without_a_match_nothing_changes(text in "\\PC{0,40}", cut in 0_usize..40) {
            let cut = (0..=cut.min(text.len())).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
            let (a, b) = text.split_at(cut);
            let out = run(&["\u{10ffff}never"], &[a, b]);
            prop_assert_eq!(out.iter().map(|(_, t)| t.as_str()).collect::<String>(), text);
        }

        #[test]
        fn wherever_it_is_cut_a_secret_is_hidden(cuts in proptest::collection::vec(0_usize..30, 0..6)) {
            let text = "key=abc123def; and \x1b[1mkey=zz9\x1b[m end\n";
            let mut cuts = cuts;
            cuts.extend([0, text.len()]);
            cuts.sort_unstable();
            let pieces: Vec<&str> = cuts.windows(2).map(|w| text.get(w[0]..w[1]).unwrap()).collect();
            let out: String = run(&[r"key=(\w+)"], &pieces).into_iter().map(|(_, t)| t).collect();
            prop_assert_eq!(out, "key=*********; and \x1b[1mkey=***\x1b[m end\n");
        }
    }
}
