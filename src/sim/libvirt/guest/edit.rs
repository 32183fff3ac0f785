//! A line that is being typed: characters, keys that move and delete, lines from before.

/// What a byte of input came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Typed {
    /// Something to print.
    Echo(String),
    /// The line is complete.
    Line(String),
    /// Control-C.
    Interrupt,
    /// Control-D on an empty line.
    End,
    /// Control-L.
    Clear,
}

/// How many lines from before are kept.
const KEPT: usize = 50;
/// The longest line.
const LONGEST: usize = 500;

/// The keyboard's side of a line: takes bytes apart into characters and keys.
#[derive(Debug, Default)]
pub(super) struct Editor {
    line: Vec<char>,
    at: usize,
    history: Vec<String>,
    /// Which line from before is shown.
    shown: Option<usize>,
    /// A control sequence that has begun.
    sequence: Option<Vec<u8>>,
    /// A character of several bytes that has begun.
    part: Vec<u8>,
    /// The last byte was a carriage return: a line feed after it belongs to it.
    returned: bool,
}

impl Editor {
    /// Forgets what was typed and not sent.
    pub(super) fn clear(&mut self) {
        self.line.clear();
        self.at = 0;
        self.shown = None;
        self.sequence = None;
        self.part.clear();
    }

    /// The line as far as it is typed.
    pub(super) fn text(&self) -> String {
        self.line.iter().collect()
    }

    /// Lines from before, the oldest first.
    pub(super) fn history(&self) -> &[String] {
        &self.history
    }

    /// Takes a byte. `echo`: what is typed is shown.
    pub(super) fn byte(&mut self, byte: u8, echo: bool) -> Option<Typed> {
        let returned = std::mem::replace(&mut self.returned, byte == b'\r');
        if let Some(mut sequence) = self.sequence.take() {
            sequence.push(byte);
            let first = sequence.first().copied();
            let done = match first {
                Some(b'[' | b'O') => sequence.len() > 1 && (0x40..0x7f).contains(&byte),
                _ => true,
            };
            if !done && sequence.len() < 16 {
                self.sequence = Some(sequence);
                return None;
            }
            return self.key(&sequence, echo);
        }
        match byte {
            0x1b => {
                self.sequence = Some(Vec::new());
                None
            }
            b'\n' if returned => None,
            b'\r' | b'\n' => {
                let line = self.text();
                self.clear();
                self.returned = byte == b'\r';
                if echo && !line.trim().is_empty() && self.history.last() != Some(&line) {
                    self.history.push(line.clone());
                    if self.history.len() > KEPT {
                        self.history.remove(0);
                    }
                }
                Some(Typed::Line(line))
            }
            0x03 => {
                self.clear();
                Some(Typed::Interrupt)
            }
            0x04 if self.line.is_empty() => Some(Typed::End),
            0x0c => Some(Typed::Clear),
            0x01 => self.to(0, echo),
            0x05 => self.to(self.line.len(), echo),
            0x15 => self.replace(Vec::new(), echo),
            0x17 => {
                let head = self.text();
                let head = head.trim_end().rsplit_once(' ').map_or(String::new(), |(head, _)| format!("{head} "));
                self.replace(head.chars().collect(), echo)
            }
            0x08 | 0x7f => self.backspace(echo),
            0x20..=0x7e => self.insert(byte as char, echo),
            0x80.. => {
                self.part.push(byte);
                if let Ok(Some(c)) = std::str::from_utf8(&self.part).map(|t| t.chars().next()) {
                    self.part.clear();
                    return self.insert(c, echo);
                }
                if self.part.len() > 3 {
                    self.part.clear();
                }
                None
            }
            _ => None,
        }
    }

    fn key(&mut self, sequence: &[u8], echo: bool) -> Option<Typed> {
        match sequence {
            [b'[' | b'O', b'A'] => self.before(true, echo),
            [b'[' | b'O', b'B'] => self.before(false, echo),
            [b'[' | b'O', b'C'] => self.to((self.at + 1).min(self.line.len()), echo),
            [b'[' | b'O', b'D'] => self.to(self.at.saturating_sub(1), echo),
            [b'[' | b'O', b'H'] | [b'[', b'1', b'~'] => self.to(0, echo),
            [b'[' | b'O', b'F'] | [b'[', b'4', b'~'] => self.to(self.line.len(), echo),
            [b'[', b'3', b'~'] if self.at < self.line.len() => {
                let mut line = self.line.clone();
                line.remove(self.at);
                let at = self.at;
                let shown = self.replace(line, echo);
                let back = self.to(at, echo);
                join(shown, back)
            }
            // Answers of the terminal (where the cursor is) and keys that mean nothing here.
            _ => None,
        }
    }

    fn before(&mut self, up: bool, echo: bool) -> Option<Typed> {
        if !echo || self.history.is_empty() {
            return None;
        }
        let last = self.history.len() - 1;
        let next = match (self.shown, up) {
            (None, true) => Some(last),
            (Some(at), true) => Some(at.saturating_sub(1)),
            (Some(at), false) if at < last => Some(at + 1),
            _ => None,
        };
        let line = next.and_then(|at| self.history.get(at)).map(|l| l.chars().collect()).unwrap_or_default();
        let echoed = self.replace(line, echo);
        self.shown = next;
        echoed
    }

    fn to(&mut self, at: usize, echo: bool) -> Option<Typed> {
        let from = std::mem::replace(&mut self.at, at);
        let text = match at.cmp(&from) {
            std::cmp::Ordering::Less => format!("\x1b[{}D", from - at),
            std::cmp::Ordering::Greater => format!("\x1b[{}C", at - from),
            std::cmp::Ordering::Equal => return None,
        };
        echo.then_some(Typed::Echo(text))
    }

    fn replace(&mut self, line: Vec<char>, echo: bool) -> Option<Typed> {
        let back = if self.at > 0 { format!("\x1b[{}D", self.at) } else { String::new() };
        let text: String = line.iter().collect();
        self.at = line.len();
        self.line = line;
        echo.then(|| Typed::Echo(format!("{back}\x1b[K{text}")))
    }

    fn backspace(&mut self, echo: bool) -> Option<Typed> {
        if self.at == 0 {
            return None;
        }
        self.at -= 1;
        self.line.remove(self.at);
        let rest: String = self.line.iter().skip(self.at).collect();
        let back = self.line.len() - self.at;
        let back = if back > 0 { format!("\x1b[{back}D") } else { String::new() };
        echo.then(|| Typed::Echo(format!("\x08\x1b[K{rest}{back}")))
    }

    fn insert(&mut self, c: char, echo: bool) -> Option<Typed> {
        if self.line.len() >= LONGEST {
            return None;
        }
        self.line.insert(self.at, c);
        self.at += 1;
        let rest: String = self.line.iter().skip(self.at).collect();
        let back = self.line.len() - self.at;
        let back = if back > 0 { format!("\x1b[{back}D") } else { String::new() };
        echo.then(|| Typed::Echo(format!("{c}{rest}{back}")))
    }
}

fn join(a: Option<Typed>, b: Option<Typed>) -> Option<Typed> {
    match (a, b) {
        (Some(Typed::Echo(a)), Some(Typed::Echo(b))) => Some(Typed::Echo(a + &b)),
        (a, None) => a,
        (_, b) => b,
    }
}
