//! The terminal as the event loop holds it: guard, screen and input together, and giving them away
//! for a while (Ctrl-Z, `$EDITOR`).

use std::io;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::process::Command;

use crossterm::event::Event;
use ratatui::Frame;

use crate::terminal::{Caps, Drawn, Guard, Input, Multiplexer, Screen};

/// The terminal in our hands.
#[derive(Debug)]
pub struct Tty {
    guard: Guard,
    screen: Screen,
    input: Input,
    multiplexer: Multiplexer,
}

/// What the terminal has to tell.
#[derive(Debug)]
pub enum Next {
    /// Somebody typed, clicked, pasted, or changed the size.
    Event(Event),
    /// A frame can be drawn again.
    Writable,
    /// The terminal is gone.
    Gone,
}

impl Tty {
    /// Takes the terminal; what is written to standard error goes to `log` from now on.
    ///
    /// # Errors
    /// There is no terminal, or it refuses.
    pub fn take(caps: &Caps, log: &Path) -> io::Result<Self> {
        let mut guard = Guard::enter(caps)?;
        if let Err(error) = guard.redirect_stderr(log) {
            tracing::warn!(%error, log = %log.display(), "standard error stays on the screen");
        }
        let input = Input::start()?;
        let screen = Screen::new(caps)?;
        Ok(Self { guard, screen, input, multiplexer: caps.multiplexer })
    }

    /// Columns and rows.
    #[must_use]
    pub fn size(&self) -> (u16, u16) {
        self.screen.size()
    }

    /// What lies between us and the terminal.
    #[must_use]
    pub const fn multiplexer(&self) -> Multiplexer {
        self.multiplexer
    }

    /// The next event. While the terminal is `blocked` by the frame before, also when it has
    /// taken that. Cancel-safe.
    pub async fn next(&mut self, blocked: bool) -> Next {
        tokio::select! {
            biased;
            event = self.input.next() => event.map_or(Next::Gone, Next::Event),
            () = self.screen.writable(), if blocked => Next::Writable,
        }
    }

    /// An event that waits already.
    pub fn ready_event(&mut self) -> Option<Event> {
        self.input.try_next()
    }

    /// The terminal has another size.
    pub fn resize(&mut self, columns: u16, rows: u16) {
        self.screen.resize(columns, rows);
    }

    /// Draws a frame; `false` when the terminal still takes the one before, or only a part of this
    /// one yet.
    ///
    /// # Errors
    /// The terminal is gone.
    pub fn draw(&mut self, view: impl FnOnce(&mut Frame<'_>)) -> io::Result<bool> {
        Ok(self.screen.draw(view)? != Drawn::Busy && !self.screen.behind())
    }

    /// Draws the next frame whole.
    ///
    /// # Errors
    /// The terminal is gone.
    pub fn clear(&mut self) -> io::Result<()> {
        self.screen.redraw()
    }

    /// Sends a sequence that draws nothing.
    ///
    /// # Errors
    /// The terminal is gone.
    pub fn send(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.screen.send(bytes)
    }

    /// Sets every mode anew, after a stop nobody asked us about.
    ///
    /// # Errors
    /// The terminal refuses.
    pub fn retake(&mut self) -> io::Result<()> {
        self.guard.resume()?;
        let (columns, rows) = crate::terminal::size();
        self.screen.resize(columns, rows);
        self.screen.redraw()
    }

    /// Stops the process as Ctrl-Z does, and takes the terminal back when it goes on.
    ///
    /// # Errors
    /// The terminal refuses.
    pub async fn stop(&mut self) -> io::Result<()> {
        self.input.pause().await;
        let stopped = self.guard.stop();
        self.input.resume();
        let (columns, rows) = crate::terminal::size();
        self.screen.resize(columns, rows);
        self.screen.redraw()?;
        stopped
    }

    /// Lets the operator edit a text of many lines; `None` when it stays as it was. The new text
    /// stays in the file that is named beside it until whoever stores it removes that.
    ///
    /// # Errors
    /// As [`Tty::edit`].
    pub async fn edit_file(
        &mut self,
        initial: &str,
        name: &str,
        folder: &Path,
    ) -> io::Result<Option<(String, PathBuf)>> {
        std::fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
        let name: String =
            name.chars().map(|c| if c.is_ascii_alphanumeric() || "-_.".contains(c) { c } else { '_' }).collect();
        let path = folder.join(format!("{}-{name}", &uuid::Uuid::new_v4().simple()));
        self.edited(initial, &path).await?;
        let Ok(text) = std::fs::read(&path).map(String::from_utf8)? else {
            return Err(io::Error::other(format!("{} is no UTF-8", path.display())));
        };
        // Editors end a text with a line end that was not there before.
        let text = match text.strip_suffix('\n') {
            Some(rest) if !initial.ends_with('\n') => rest.to_owned(),
            _ => text,
        };
        if text == initial {
            let _ = std::fs::remove_file(&path);
            return Ok(None);
        }
        Ok(Some((text, path)))
    }

    /// Writes a text into a new file and lets the operator edit that.
    async fn edited(&mut self, initial: &str, path: &Path) -> io::Result<()> {
        let editor = std::env::var("VISUAL").or_else(|_| std::env::var("EDITOR")).unwrap_or_else(|_| "vi".into());
        // Words of the variable are arguments, as in `code --wait`; no shell reads it.
        let mut words = editor.split_whitespace();
        let program = words.next().ok_or_else(|| io::Error::other("EDITOR is empty"))?;
        let mut file = std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
        io::Write::write_all(&mut file, initial.as_bytes())?;
        drop(file);
        self.input.pause().await;
        let ran = self.guard.run(Command::new(program).args(words).arg(path));
        self.input.resume();
        self.screen.redraw()?;
        let status = ran.map_err(|e| io::Error::new(e.kind(), format!("{program}: {e}")))?;
        if status.success() { Ok(()) } else { Err(io::Error::other(format!("{program} ended with {status}"))) }
    }

    /// Lets the operator edit a text in `$VISUAL` or `$EDITOR`.
    ///
    /// # Errors
    /// No editor is set, it cannot be started, or it ended badly; the terminal is ours again.
    pub async fn edit(&mut self, initial: &str) -> io::Result<String> {
        let path = std::env::temp_dir().join(format!("noctule-{}.txt", uuid::Uuid::new_v4()));
        let ran = self.edited(initial, &path).await;
        let text = std::fs::read_to_string(&path);
        let _ = std::fs::remove_file(&path);
        ran?;
        Ok(text?.trim_end().to_owned())
    }

    /// The terminal is gone: nothing is written to it any more.
    pub fn hung_up(&mut self) {
        self.guard.hung_up();
    }
}
