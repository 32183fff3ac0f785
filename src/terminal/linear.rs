//! `--linear`: the dashboard as lines. No alternate screen, no cursor movement, no lines drawn
//! around anything; one line for each change, questions with numbered answers, commands typed as
//! lines. For screen readers, dumb terminals, serial lines and logs.
//!
//! What the lines say comes from the panes; here they are made safe and written, and what is
//! typed is read.

use std::io::{self, BufRead as _, Read as _, Write};

use tokio::sync::mpsc;

use crate::model::text;

/// A typed line longer than this is cut.
const MAX_LINE: u64 = 16 * 1024;

/// What was typed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Typed {
    /// Nothing but Enter.
    Nothing,
    /// `?`: list the commands; with text after it those that match.
    Help(String),
    /// A number: the answer to a question with numbered answers.
    Number(usize),
    /// Anything else: a command, or the answer to a question for text. A `:` at the beginning is
    /// taken off.
    Line(String),
}

impl Typed {
    /// Reads a line.
    #[must_use]
    pub fn parse(line: &str) -> Self {
        let line = line.trim();
        if line.is_empty() {
            Self::Nothing
        } else if let Some(about) = line.strip_prefix('?') {
            Self::Help(text::clean(about.trim()).into_owned())
        } else if let Ok(number) = line.parse() {
            Self::Number(number)
        } else {
            Self::Line(text::clean(line.strip_prefix(':').unwrap_or(line).trim()).into_owned())
        }
    }
}

/// Writes lines.
#[derive(Debug)]
pub struct Linear<W: Write> {
    out: W,
}

impl Linear<io::Stdout> {
    /// On standard output.
    #[must_use]
    pub fn stdout() -> Self {
        Self::new(io::stdout())
    }
}

impl<W: Write> Linear<W> {
    /// Into a writer.
    pub const fn new(out: W) -> Self {
        Self { out }
    }

    /// Writes lines, each whole, in one piece.
    ///
    /// # Errors
    /// The reader is gone.
    pub fn lines<S: AsRef<str>>(&mut self, lines: impl IntoIterator<Item = S>) -> io::Result<()> {
        let mut all = String::new();
        for line in lines {
            all.push_str(&text::clean(line.as_ref()));
            all.push('\n');
        }
        if all.is_empty() {
            return Ok(());
        }
        self.out.write_all(all.as_bytes())?;
        self.out.flush()
    }

    /// Writes a line.
    ///
    /// # Errors
    /// The reader is gone.
    pub fn line(&mut self, line: &str) -> io::Result<()> {
        self.lines([line])
    }

    /// Asks: the question, the answers with their numbers from 1, and how to answer.
    ///
    /// # Errors
    /// The reader is gone.
    pub fn ask<S: AsRef<str>>(&mut self, question: &str, answers: &[S]) -> io::Result<()> {
        let numbered = answers.iter().enumerate().map(|(i, a)| format!("{}. {}", i + 1, a.as_ref()));
        let how = match answers.len() {
            0 => "Type the answer, or only Enter to leave it.".to_owned(),
            1 => "Type 1, or only Enter to leave it.".to_owned(),
            n => format!("Type a number from 1 to {n}, or only Enter to leave it."),
        };
        self.lines(std::iter::once(question.to_owned()).chain(numbered).chain([how]))
    }

    /// Lists commands: name and what it does, one a line.
    ///
    /// # Errors
    /// The reader is gone.
    pub fn list<'a>(&mut self, commands: impl IntoIterator<Item = (&'a str, &'a str)>) -> io::Result<()> {
        self.lines(commands.into_iter().map(|(name, does)| format!("{name}: {does}")))
    }
}

/// The lines typed on standard input, from now on.
///
/// A thread of its own reads them: tokio's standard input would keep the process from ending
/// until one more line is typed.
///
/// # Errors
/// The thread cannot be started.
pub fn typed_lines() -> io::Result<mpsc::Receiver<Typed>> {
    let (to, lines) = mpsc::channel(64);
    std::thread::Builder::new().name("line-read".into()).spawn(move || {
        let mut input = io::BufReader::new(io::stdin());
        while let Some(line) = read_line(&mut input) {
            if to.blocking_send(Typed::parse(&line)).is_err() {
                return;
            }
        }
    })?;
    Ok(lines)
}

/// A line of at most [`MAX_LINE`] bytes; the rest of a longer one is dropped. `None` at the end.
fn read_line(input: &mut impl io::BufRead) -> Option<String> {
    let mut bytes = Vec::new();
    let read = input.by_ref().take(MAX_LINE).read_until(b'\n', &mut bytes).ok()?;
    if read as u64 == MAX_LINE && !bytes.ends_with(b"\n") {
        input.skip_until(b'\n').ok()?;
    }
    (read > 0).then(|| String::from_utf8_lossy(&bytes).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(f: impl FnOnce(&mut Linear<&mut Vec<u8>>)) -> String {
        let mut out = Vec::new();
        f(&mut Linear::new(&mut out));
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn typed_lines_are_understood() {
        assert_eq!(Typed::parse("  \n"), Typed::Nothing);
        assert_eq!(Typed::parse("?"), Typed::Help(String::new()));
        assert_eq!(Typed::parse("? ack"), Typed::Help("ack".into()));
        assert_eq!(Typed::parse("12\n"), Typed::Number(12));
        assert_eq!(Typed::parse(":alarm.ack note=x y"), Typed::Line("alarm.ack note=x y".into()));
        assert_eq!(Typed::parse("filter olt\x1b[2J-1"), Typed::Line("filter olt-1".into()));
    }

    #[test]
    fn lines_carry_nothing_that_moves_the_cursor() {
        let text = written(|l| l.lines(["14:02:11 CRITICAL olt-12\x1b[2J LOS\nraised", "b"]).unwrap());
        assert_eq!(text.lines().count(), 2, "{text:?}");
        assert!(!text.contains('\x1b'));
        assert_eq!(written(|l| l.lines(Vec::<String>::new()).unwrap()), "");
    }

    #[test]
    fn questions_have_numbered_answers() {
        let text = written(|l| l.ask("Shelve for?", &["1 hour", "1 day"]).unwrap());
        assert_eq!(text, "Shelve for?\n1. 1 hour\n2. 1 day\nType a number from 1 to 2, or only Enter to leave it.\n");
        let open = written(|l| l.ask("Note?", &[] as &[&str]).unwrap());
        assert!(open.ends_with("Type the answer, or only Enter to leave it.\n"));
        assert_eq!(written(|l| l.list([("quit", "Ends")]).unwrap()), "quit: Ends\n");
    }

    #[test]
    fn endless_lines_are_cut_and_the_next_one_is_whole() {
        let long = format!("{}\nnext\n", "x".repeat(100_000));
        let mut input = io::Cursor::new(long.into_bytes());
        assert_eq!(read_line(&mut input).unwrap().len() as u64, MAX_LINE);
        assert_eq!(read_line(&mut input).unwrap(), "next\n");
        assert_eq!(read_line(&mut input), None);
    }
}
