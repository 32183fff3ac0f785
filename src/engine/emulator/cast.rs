//! Recordings of a console in the format asciicast v2: a header, then one line for each piece of
//! output with its time. What was typed is not in it; what a guest echoes is. Its header says whether
//! something was hidden.

use std::fmt::Write as _;
use std::time::Duration;

use serde_json::{Map, Value, json};

use super::redact::Redactor;

/// How long a line may be held back for redaction before it is let go incomplete.
const LONGEST_HELD: Duration = Duration::from_secs(10);

/// What the header of a recording says.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Header {
    /// Columns.
    pub columns: u16,
    /// Rows.
    pub rows: u16,
    /// When it was begun, in seconds since 1970.
    pub began: i64,
    /// What was recorded: host and machine.
    pub title: String,
    /// How many patterns hid something, `None` where redaction was off.
    pub redaction: Option<usize>,
}

impl Header {
    fn line(&self) -> String {
        let redaction = match self.redaction {
            Some(patterns) => json!({ "redaction": "on", "patterns": patterns }),
            None => json!({ "redaction": "off" }),
        };
        let mut header = Map::new();
        header.insert("version".into(), json!(2));
        header.insert("width".into(), json!(self.columns));
        header.insert("height".into(), json!(self.rows));
        header.insert("timestamp".into(), json!(self.began));
        if !self.title.is_empty() {
            header.insert("title".into(), json!(self.title));
        }
        header.insert("env".into(), json!({ "TERM": "xterm-256color" }));
        header.insert("noctule".into(), redaction);
        format!("{}\n", Value::Object(header))
    }
}

/// Writes a recording. Times are those since it was begun; one that lies before the last counts as it.
#[derive(Debug)]
pub struct Recorder {
    redactor: Option<Redactor>,
    partial: Vec<u8>,
    last: Duration,
}

impl Recorder {
    /// Begins; the second value is the first line of the file. Without a redactor nothing is hidden, and
    /// the header says so.
    #[must_use]
    pub fn begin(mut header: Header, redactor: Option<Redactor>) -> (Self, String) {
        header.redaction = redactor.as_ref().map(Redactor::patterns);
        let line = header.line();
        (Self { redactor, partial: Vec::new(), last: Duration::ZERO }, line)
    }

    /// Takes output and adds the lines of the file that are due. A character that is cut at the end
    /// waits for its rest; bytes that are no UTF-8 become U+FFFD, as the format is JSON.
    pub fn output(&mut self, at: Duration, bytes: &[u8], out: &mut String) {
        self.last = self.last.max(at);
        let at = self.last;
        let held = std::mem::take(&mut self.partial);
        let joined;
        let bytes = if held.is_empty() {
            bytes
        } else {
            joined = [held.as_slice(), bytes].concat();
            &joined
        };
        let mut text = String::with_capacity(bytes.len());
        let mut chunks = bytes.utf8_chunks().peekable();
        while let Some(chunk) = chunks.next() {
            text.push_str(chunk.valid());
            let bad = chunk.invalid();
            let cut = std::str::from_utf8(bad).is_err_and(|why| why.error_len().is_none());
            if chunks.peek().is_none() && cut {
                self.partial = bad.to_vec();
            } else if !bad.is_empty() {
                text.push('\u{fffd}');
            }
        }
        self.text(at, &text, out);
    }

    fn text(&mut self, at: Duration, text: &str, out: &mut String) {
        let mut write = |at: Duration, text: &str| event(at, 'o', text, out);
        match &mut self.redactor {
            None => write(at, text),
            Some(redactor) => {
                if redactor.held_since().is_some_and(|since| at.saturating_sub(since) > LONGEST_HELD) {
                    redactor.flush(&mut write);
                }
                redactor.push(at, text, &mut write);
            }
        }
    }

    /// Another size.
    pub fn resized(&mut self, at: Duration, rows: u16, columns: u16, out: &mut String) {
        self.settle(at, out);
        event(self.last, 'r', &format!("{columns}x{rows}"), out);
    }

    /// Adds what is held back, at the end or when nothing has come for a while.
    pub fn settle(&mut self, at: Duration, out: &mut String) {
        self.last = self.last.max(at);
        if !std::mem::take(&mut self.partial).is_empty() {
            self.text(self.last, "\u{fffd}", out);
        }
        if let Some(redactor) = &mut self.redactor {
            redactor.flush(&mut |at, text| event(at, 'o', text, out));
        }
    }
}

fn event(at: Duration, kind: char, text: &str, out: &mut String) {
    if text.is_empty() && kind == 'o' {
        return;
    }
    let text = Value::from(text);
    // A String takes everything.
    let _ = writeln!(out, "[{}.{:06}, \"{kind}\", {text}]", at.as_secs(), at.subsec_micros());
}

#[cfg(test)]
mod tests {
    #![allow(clippy::indexing_slicing, reason = "a test may fail loudly")]

    use proptest::prelude::*;

    use super::*;

    /// The events of a recording: seconds, kind and text.
    fn events(file: &str) -> Vec<(f64, String, String)> {
        file.lines().skip(1).map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    /// All of its output, one after the other.
    fn output(file: &str) -> String {
        events(file).into_iter().filter(|(_, kind, _)| kind == "o").map(|(_, _, text)| text).collect()
    }

    fn header() -> Header {
        Header { columns: 80, rows: 24, began: 1_795_187_413, title: "hv1/web".into(), redaction: None }
    }

    fn at(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    #[test]
    fn a_recording_has_all_of_it_and_says_that_nothing_was_hidden() {
        let (mut recorder, mut file) = Recorder::begin(header(), None);
        recorder.output(at(100), b"a\xc3", &mut file);
        recorder.output(at(250), b"\xbc\x1b[31m\r\n\xff\"", &mut file);
        recorder.resized(at(300), 50, 132, &mut file);
        recorder.output(at(200), b"late\xe2\x82", &mut file);
        recorder.settle(at(400), &mut file);
        let lines: Vec<&str> = file.lines().collect();
        assert!(lines[0].contains(r#""redaction":"off""#), "{}", lines[0]);
        assert_eq!(lines[1], r#"[0.100000, "o", "a"]"#);
        assert_eq!(lines[2], r#"[0.250000, "o", "ü\u001b[31m\r\n�\""]"#);
        let first: Value = serde_json::from_str(lines[0]).unwrap();
        let told = ["version", "width", "height", "timestamp", "title"].map(|key| first[key].to_string());
        assert_eq!(told, ["2", "80", "24", "1795187413", "\"hv1/web\""]);
        assert_eq!(output(&file), "aü\x1b[31m\r\n\u{fffd}\"late\u{fffd}");
        let events = events(&file);
        assert!(events.is_sorted_by(|a, b| a.0 <= b.0), "time does not run backwards");
        assert!(events.contains(&(0.3, "r".into(), "132x50".into())), "{events:?}");
    }

    #[test]
    fn redaction_is_marked_and_spans_pieces() {
        let redactor = Redactor::new(&["s3cret"]).unwrap();
        let (mut recorder, mut file) = Recorder::begin(header(), Some(redactor));
        recorder.output(at(1), b"it is s3c", &mut file);
        recorder.output(at(2), b"ret!\r\n$ ", &mut file);
        recorder.settle(at(3), &mut file);
        let first: Value = serde_json::from_str(file.lines().next().unwrap()).unwrap();
        assert_eq!(first["noctule"], json!({ "redaction": "on", "patterns": 1 }));
        assert_eq!(output(&file), "it is ******!\r\n$ ");
        assert_eq!(events(&file).iter().map(|e| e.0).collect::<Vec<_>>(), [0.001, 0.002, 0.002]);
    }

    #[test]
    fn a_line_does_not_wait_for_ever() {
        let (mut recorder, mut file) = Recorder::begin(header(), Some(Redactor::new(&["x1"]).unwrap()));
        recorder.output(at(0), b"login: ", &mut file);
        recorder.output(at(60_000), b"r", &mut file);
        assert_eq!(output(&file), "login: ");
    }

    proptest! {
        #[test]
        fn output_comes_back_however_it_was_cut(
            pieces in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..20), 0..12),
            hides in any::<bool>(),
        ) {
            let redactor = hides.then(|| Redactor::new(&["\u{10ffff}{9}"]).unwrap());
            let (mut recorder, mut file) = Recorder::begin(header(), redactor);
            for (n, piece) in pieces.iter().enumerate() {
                recorder.output(at(n as u64), piece, &mut file);
            }
            recorder.settle(at(99), &mut file);
            let all = pieces.concat();
            prop_assert_eq!(output(&file), String::from_utf8_lossy(&all).into_owned());
        }
    }
}
