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

    /// A mark, such as a step of a job.
    pub fn mark(&mut self, at: Duration, text: &str, out: &mut String) {
        self.settle(at, out);
        event(self.last, 'm', text, out);
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

/// A recording that was read.
#[derive(Debug, Clone, PartialEq)]
pub struct Cast {
    /// Header.
    pub header: Header,
    /// What happened, in order.
    pub events: Vec<Event>,
}

/// A line of a recording.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// Since it was begun.
    pub at: Duration,
    /// What.
    pub what: What,
}

/// What happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum What {
    /// Output.
    Output(String),
    /// Another size: rows and columns.
    Resized(u16, u16),
    /// A mark.
    Mark(String),
    /// Something of another program, which is passed over.
    Other(String),
}

/// Why a recording cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadCast {
    /// The first line.
    #[error("line 1 is no header of an asciicast v2 recording: {0}")]
    Header(String),
    /// A later line.
    #[error("line {line} of the recording is no event: {why}; what stands before it can be read")]
    Event {
        /// From 1.
        line: usize,
        /// What is wrong.
        why: String,
    },
}

impl Cast {
    /// Reads a recording. The last line may be cut off, as it is after a crash.
    ///
    /// # Errors
    /// The header is missing or of another version, or a line is no event.
    pub fn read(text: &str) -> Result<Self, BadCast> {
        let mut lines = text.lines().enumerate();
        let first = lines.next().map_or("", |(_, line)| line);
        let header = header(first).map_err(BadCast::Header)?;
        let mut events = Vec::new();
        let count = text.lines().count();
        for (n, line) in lines.filter(|(_, line)| !line.trim().is_empty()) {
            match read_event(line) {
                Ok(event) => events.push(event),
                Err(_) if n + 1 == count && !text.ends_with('\n') => break,
                Err(why) => return Err(BadCast::Event { line: n + 1, why }),
            }
        }
        Ok(Self { header, events })
    }

    /// All output, one after the other.
    #[must_use]
    pub fn output(&self) -> String {
        let mut out = String::new();
        for event in &self.events {
            if let What::Output(text) = &event.what {
                out.push_str(text);
            }
        }
        out
    }

    /// Plays it into a terminal up to a time.
    #[must_use]
    pub fn play(&self, until: Duration) -> super::Emulator {
        let limits = super::Limits { rows: self.header.rows, columns: self.header.columns, ..super::Limits::default() };
        let mut emulator = super::Emulator::new(limits);
        for event in self.events.iter().take_while(|e| e.at <= until) {
            match &event.what {
                // Nobody waits for the answers of a recording.
                What::Output(text) => drop(emulator.feed(text.as_bytes())),
                What::Resized(rows, columns) => emulator.resize(*rows, *columns),
                What::Mark(_) | What::Other(_) => {}
            }
        }
        emulator
    }
}

fn header(line: &str) -> Result<Header, String> {
    let value: Value = serde_json::from_str(line).map_err(|e| e.to_string())?;
    let number = |key: &str| value.get(key).and_then(Value::as_u64);
    if number("version") != Some(2) {
        return Err("its version is not 2".to_owned());
    }
    let size = |key: &str| {
        number(key).and_then(|n| u16::try_from(n).ok()).filter(|n| *n > 0).ok_or_else(|| format!("it has no {key}"))
    };
    let ours = value.get("noctule");
    let on = ours.and_then(|o| o.get("redaction")).and_then(Value::as_str) == Some("on");
    let patterns = ours.and_then(|o| o.get("patterns")).and_then(Value::as_u64).unwrap_or(0);
    Ok(Header {
        columns: size("width")?,
        rows: size("height")?,
        began: value.get("timestamp").and_then(Value::as_i64).unwrap_or(0),
        title: value.get("title").and_then(Value::as_str).unwrap_or("").to_owned(),
        redaction: on.then(|| usize::try_from(patterns).unwrap_or(0)),
    })
}

fn read_event(line: &str) -> Result<Event, String> {
    let (at, kind, data): (f64, String, String) = serde_json::from_str(line).map_err(|e| e.to_string())?;
    let at = Duration::try_from_secs_f64(at).map_err(|e| e.to_string())?;
    let what = match kind.as_str() {
        "o" => What::Output(data),
        "r" => {
            let size = data.split_once('x').and_then(|(c, r)| Some((r.parse().ok()?, c.parse().ok()?)));
            let (rows, columns) = size.ok_or_else(|| format!("`{data}` is no size"))?;
            What::Resized(rows, columns)
        }
        "m" => What::Mark(data),
        _ => What::Other(kind),
    };
    Ok(Event { at, what })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::indexing_slicing, reason = "a test may fail loudly")]

    use proptest::prelude::*;

    use super::*;

    fn header() -> Header {
        Header { columns: 80, rows: 24, began: 1_795_187_413, title: "hv1/web".into(), redaction: None }
    }

    fn at(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    #[test]
    fn a_recording_is_read_back_and_says_that_nothing_was_hidden() {
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
        let cast = Cast::read(&file).unwrap();
        assert_eq!(cast.header, header());
        assert_eq!(cast.output(), "aü\x1b[31m\r\n\u{fffd}\"late\u{fffd}");
        assert!(cast.events.is_sorted_by_key(|e| e.at), "time does not run backwards");
        assert_eq!(cast.play(at(260)).size(), (24, 80));
        assert_eq!(cast.play(at(400)).size(), (50, 132));
        assert!(cast.play(at(400)).contents().starts_with("aü\n"));
    }

    #[test]
    fn redaction_is_marked_and_spans_pieces() {
        let redactor = Redactor::new(&["s3cret"]).unwrap();
        let (mut recorder, mut file) = Recorder::begin(header(), Some(redactor));
        recorder.output(at(1), b"it is s3c", &mut file);
        recorder.output(at(2), b"ret!\r\n$ ", &mut file);
        recorder.settle(at(3), &mut file);
        let cast = Cast::read(&file).unwrap();
        assert_eq!(cast.header.redaction, Some(1));
        assert_eq!(cast.output(), "it is ******!\r\n$ ");
        assert_eq!(cast.events.iter().map(|e| e.at).collect::<Vec<_>>(), [at(1), at(2), at(2)]);
    }

    #[test]
    fn a_line_does_not_wait_for_ever() {
        let (mut recorder, mut file) = Recorder::begin(header(), Some(Redactor::new(&["x1"]).unwrap()));
        recorder.output(at(0), b"login: ", &mut file);
        recorder.output(at(60_000), b"r", &mut file);
        assert_eq!(Cast::read(&file).unwrap().output(), "login: ");
    }

    #[test]
    fn what_is_no_recording_is_told() {
        let bad = |text: &str| Cast::read(text).unwrap_err().to_string();
        assert!(bad("").contains("line 1"));
        assert!(bad("{\"version\":1}").contains("version"));
        let head = "{\"version\":2,\"width\":80,\"height\":24}\n";
        assert!(bad(&format!("{head}[1,\"o\"\n[2,\"o\",\"x\"]\n")).contains("line 2"));
        let cut = Cast::read(&format!("{head}[1,\"o\",\"x\"]\n[2,\"o\",\"y")).unwrap();
        assert_eq!(cut.output(), "x", "the last line was cut off in a crash");
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
            prop_assert_eq!(Cast::read(&file).unwrap().output(), String::from_utf8_lossy(&all).into_owned());
        }
    }
}
