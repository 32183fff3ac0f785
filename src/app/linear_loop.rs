//! The loop of `--linear`: lines out for what changes, typed lines in as commands and answers. The
//! same kernel, panes and registry; only the frame is missing.

use std::io;

use crossterm::event::{Event, KeyCode, KeyEvent, KeyModifiers};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::mpsc::UnboundedReceiver;

use crate::commands::parse;
use crate::model::command::Args;
use crate::terminal::Linear;
use crate::terminal::linear::{Typed, typed_lines};

use super::event_loop::{Exit, now};
use super::message::Msg;
use super::state::{App, TerminalAct};

/// Lines out and in.
#[derive(Debug)]
pub struct Lines {
    out: Linear<io::Stdout>,
    typed: tokio::sync::mpsc::Receiver<Typed>,
    greeted: bool,
}

impl Lines {
    /// Those of the process.
    ///
    /// # Errors
    /// When nothing can be read.
    pub fn open() -> io::Result<Self> {
        Ok(Self { out: Linear::stdout(), typed: typed_lines()?, greeted: false })
    }
}

/// Runs until the operator leaves, input ends, or the system wants the end.
///
/// # Errors
/// When the reader of the lines is gone.
pub async fn run(app: &mut App, lines: &mut Lines, msgs: &mut UnboundedReceiver<Msg>) -> io::Result<Exit> {
    let Lines { out, typed, greeted } = lines;
    let mut term = signal(SignalKind::terminate())?;
    let mut hangup = signal(SignalKind::hangup())?;
    app.show_active();
    if !std::mem::replace(greeted, true) {
        // Told in the order in which things change.
        app.run("alarm.feed", Args::new());
        out.line("noctule: type a command, ? lists them, quit leaves")?;
    }
    loop {
        tokio::select! {
            biased;
            _ = term.recv() => return Ok(Exit::Terminated),
            _ = hangup.recv() => return Ok(Exit::Hangup),
            msg = msgs.recv() => {
                let Some(msg) = msg else { return Ok(Exit::Quit) };
                app.on(&msg, now());
            }
            line = typed.recv() => match line {
                None => return Ok(Exit::Quit),
                Some(line) => take_line(app, line, out)?,
            },
        }
        out.lines(app.take_lines())?;
        for act in app.take_acts() {
            match act {
                TerminalAct::Quit => return Ok(Exit::Quit),
                TerminalAct::TakeOver => return Ok(Exit::Orphaned),
                TerminalAct::Copy { text, .. } => out.line(&text)?,
                TerminalAct::Editor(prompt) => {
                    out.line(&format!("type it as one line: {} {}=...", prompt.command, prompt.arg))?;
                }
                TerminalAct::EditFile(edit) => out.line(&format!("write it into a file: {} file=...", edit.command))?,
                TerminalAct::Redraw | TerminalAct::Suspend => {}
            }
        }
    }
}

fn take_line<W: io::Write>(app: &mut App, line: Typed, out: &mut Linear<W>) -> io::Result<()> {
    if app.has_layer() {
        let text = match line {
            Typed::Nothing => {
                press(app, KeyCode::Esc);
                return Ok(());
            }
            Typed::Number(n) => n.to_string(),
            Typed::Help(text) | Typed::Line(text) => text,
        };
        for c in text.chars() {
            press(app, KeyCode::Char(c));
        }
        // A y or a digit may have answered already.
        if app.has_layer() {
            press(app, KeyCode::Enter);
        }
        return Ok(());
    }
    match line {
        Typed::Nothing => {}
        Typed::Help(about) => {
            let known = super::registry().all().filter(|s| {
                about.is_empty() || s.id.contains(&about) || s.title.to_lowercase().contains(&about.to_lowercase())
            });
            out.list(known.map(|s| (s.id, s.doc)))?;
        }
        Typed::Number(n) => out.line(&format!("{n} answers no question"))?,
        Typed::Line(text) => match parse::parse(&text, super::registry(), &app.contexts()) {
            Ok(parsed) => app.run(parsed.spec.id, parsed.args),
            Err(error) => out.line(&error.to_string())?,
        },
    }
    Ok(())
}

fn press(app: &mut App, code: KeyCode) {
    app.on(&Msg::Input(Event::Key(KeyEvent::new(code, KeyModifiers::NONE))), now());
}
