//! The terminal as the event loop holds it: guard, screen and input together, and giving them away
//! for a while (Ctrl-Z, `$EDITOR`).

use std::collections::VecDeque;
use std::io;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use crossterm::event::Event;
use ratatui::Frame;

use crate::model::sight::Sight;
#[cfg(feature = "graphics")]
use crate::terminal::graphics::probe;
use crate::terminal::{Caps, Drawn, Guard, Input, Multiplexer, Screen};

/// The terminal in our hands.
#[derive(Debug)]
pub struct Tty {
    guard: Guard,
    screen: Screen,
    input: Input,
    multiplexer: Multiplexer,
    /// What was typed while the terminal was asked something.
    typed: VecDeque<Event>,
    #[cfg(feature = "graphics")]
    late: probe::Late,
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
        #[cfg(feature = "graphics")]
        guard.leave_with(&screen.pictures().leave());
        Ok(Self {
            guard,
            screen,
            input,
            multiplexer: caps.multiplexer,
            typed: VecDeque::new(),
            #[cfg(feature = "graphics")]
            late: probe::Late::default(),
        })
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
        if let Some(event) = self.typed.pop_front() {
            return Next::Event(event);
        }
        loop {
            return tokio::select! {
                biased;
                event = self.input.next() => match event {
                    Some(event) if self.is_answer(&event) => continue,
                    event => event.map_or(Next::Gone, Next::Event),
                },
                () = self.screen.writable(), if blocked => Next::Writable,
            };
        }
    }

    /// An event that waits already.
    pub fn ready_event(&mut self) -> Option<Event> {
        if let Some(event) = self.typed.pop_front() {
            return Some(event);
        }
        loop {
            let event = self.input.try_next()?;
            if !self.is_answer(&event) {
                return Some(event);
            }
        }
    }

    /// Whether an event is no key but a part of an answer that nobody waits for any more.
    #[cfg(feature = "graphics")]
    fn is_answer(&mut self, event: &Event) -> bool {
        self.late.is_part(event, Instant::now())
    }

    #[cfg(not(feature = "graphics"))]
    #[allow(clippy::unused_self, reason = "nothing is asked in this build")]
    const fn is_answer(&self, _: &Event) -> bool {
        false
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
        self.draw_with(|frame| {
            view(frame);
            None
        })
    }

    /// The same for a frame that may have a picture in it.
    ///
    /// # Errors
    /// The terminal is gone.
    pub fn draw_with(&mut self, view: impl FnOnce(&mut Frame<'_>) -> Option<Sight>) -> io::Result<bool> {
        Ok(self.screen.draw_with(view)? != Drawn::Busy && !self.screen.behind())
    }

    /// When a picture may be shown that is newer than the one on the screen.
    #[must_use]
    pub const fn picture_due(&self) -> Option<Instant> {
        #[cfg(feature = "graphics")]
        return self.screen.pictures().due();
        #[cfg(not(feature = "graphics"))]
        None
    }

    /// Asks the terminal how it shows pictures, where one was to be shown and that is not known; whether
    /// it has been asked. A terminal that answers takes as long as a key and its echo; one that does not
    /// is waited for less than half a second, once.
    #[cfg(feature = "graphics")]
    pub async fn ask_for_pictures(&mut self) -> bool {
        if !self.screen.pictures().curious() {
            return false;
        }
        // A terminal that takes no frame is asked with a later one.
        if tokio::time::timeout(probe::PATIENCE, self.screen.writable()).await.is_err() {
            return false;
        }
        self.input.pause().await;
        let wanted = self.screen.pictures().wanted();
        let asked = probe::ask_terminal(wanted);
        self.input.resume();
        let (answers, late) = asked.unwrap_or_default();
        if late {
            self.late.expect(Instant::now());
        }
        let pictures = self.screen.pictures_mut();
        let ability = answers.ability(wanted, pictures.cell());
        tracing::info!(?ability, cell = ?answers.cell, late, "asked the terminal how it shows pictures");
        pictures.learned(ability, answers.cell);
        self.guard.leave_with(&pictures.leave());
        self.typed.extend(answers.typed());
        true
    }

    /// Nothing is asked in this build.
    #[cfg(not(feature = "graphics"))]
    #[allow(clippy::unused_async, reason = "the loop is the same in both builds")]
    pub async fn ask_for_pictures(&mut self) -> bool {
        false
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
