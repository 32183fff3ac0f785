//! The modes of the terminal, and that they are always undone: on return, on an error, when the
//! user interface panics, on SIGTERM, around `$EDITOR` and around a stop by Ctrl-Z.
//!
//! What has been entered is remembered in one static place, because the panic hook
//! ([`super::panic`]) has to undo it without having the guard in hand. It does so only for a
//! panic of the thread that entered: a worker that panics is restarted by its supervisor and must
//! leave the screen alone.

use std::io;
use std::path::Path;
use std::process::{Command, ExitStatus};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread::ThreadId;

use rustix::process::Signal;

use super::caps::Caps;
use super::output;
use super::stderr::Redirect;

/// What is entered now.
struct OnScreen {
    thread: ThreadId,
    leave: String,
    stderr: Option<Redirect>,
}

static ON_SCREEN: Mutex<Option<OnScreen>> = Mutex::new(None);

fn on_screen() -> MutexGuard<'static, Option<OnScreen>> {
    ON_SCREEN.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Whether a guard holds the screen, and whether the calling thread entered it.
pub(super) fn held() -> (bool, bool) {
    on_screen().as_ref().map_or((false, false), |s| (true, s.thread == std::thread::current().id()))
}

/// Undoes everything, once; later calls do nothing.
pub(super) fn restore() -> io::Result<()> {
    let Some(entered) = on_screen().take() else { return Ok(()) };
    // Each step is tried whatever became of the one before.
    let written = output::switch(false, entered.leave.as_bytes());
    let raw = crossterm::terminal::disable_raw_mode();
    let stderr = entered.stderr.map_or(Ok(()), |r| r.back());
    written.and(raw).and(stderr)
}

/// Holds the terminal in the modes of the dashboard; dropping it restores the terminal.
#[derive(Debug)]
pub struct Guard {
    enter: String,
    leave: String,
    hung_up: bool,
    /// Kept here while the terminal is given away.
    stderr: Option<Redirect>,
}

impl Guard {
    /// Enters raw mode and the alternate screen, hides the cursor, and turns on the mouse, pastes
    /// and focus reports where the terminal has them. Call it on the thread that draws.
    ///
    /// # Errors
    /// There is no terminal, or it refuses; what was entered is undone.
    pub fn enter(caps: &Caps) -> io::Result<Self> {
        let (enter, leave) = sequences(caps);
        let mut guard = Self { enter, leave, hung_up: false, stderr: None };
        guard.resume()?;
        Ok(guard)
    }

    /// Leads standard error into a log file while the screen is up.
    ///
    /// # Errors
    /// The file cannot be opened.
    pub fn redirect_stderr(&mut self, log: &Path) -> io::Result<()> {
        let redirect = Redirect::start(log)?;
        if let Some(entered) = on_screen().as_mut() {
            entered.stderr = Some(redirect);
        }
        Ok(())
    }

    /// Adds what has to be sent before everything else when the terminal is left or given away.
    #[cfg(feature = "graphics")]
    pub fn leave_with(&mut self, first: &str) {
        self.leave.insert_str(0, first);
        if let Some(entered) = on_screen().as_mut() {
            entered.leave.clone_from(&self.leave);
        }
    }

    /// Gives the terminal away, in the modes it was found in.
    ///
    /// # Errors
    /// The terminal does not answer. It is given away as far as it goes.
    pub fn suspend(&mut self) -> io::Result<()> {
        self.stderr = match on_screen().as_mut() {
            Some(entered) => entered.stderr.take(),
            None => return Ok(()),
        };
        let back = self.stderr.as_ref().map_or(Ok(()), Redirect::back);
        restore().and(back)
    }

    /// Takes the terminal back, also after a stop that we were not asked about (SIGSTOP): the
    /// modes are set anew whatever they are. Then the screen has to be drawn whole
    /// ([`super::Screen::redraw`]).
    ///
    /// # Errors
    /// The terminal refuses; what was entered is undone.
    pub fn resume(&mut self) -> io::Result<()> {
        let stderr = match on_screen().take() {
            Some(entered) => entered.stderr,
            None => self.stderr.take(),
        };
        if let Some(redirect) = &stderr {
            redirect.away()?;
        }
        // crossterm remembers that it is in raw mode and would do nothing.
        crossterm::terminal::disable_raw_mode()?;
        crossterm::terminal::enable_raw_mode()?;
        *on_screen() = Some(OnScreen { thread: std::thread::current().id(), leave: self.leave.clone(), stderr });
        output::switch(true, self.enter.as_bytes()).inspect_err(|_| drop(restore()))
    }

    /// Stops the process as Ctrl-Z in a cooked terminal would, with all of its pipeline, and comes
    /// back when it is continued. Without a shell to come back to (an orphaned process group) the
    /// system ignores the stop, and this returns at once. Call it on the main thread: it is the
    /// one the signal is delivered to before the call returns.
    ///
    /// # Errors
    /// The terminal refuses.
    pub fn stop(&mut self) -> io::Result<()> {
        self.suspend()?;
        let stopped = rustix::process::kill_current_process_group(Signal::TSTP);
        self.resume()?;
        Ok(stopped?)
    }

    /// Runs a command (`$EDITOR`, a pager) in the foreground with the terminal, and takes the
    /// terminal back when it ends. Pause the [`super::Input`] first, or the two share the keys.
    ///
    /// # Errors
    /// The command cannot be started, or the terminal cannot be taken back.
    pub fn run(&mut self, command: &mut Command) -> io::Result<ExitStatus> {
        self.suspend()?;
        let status = command.status();
        self.resume()?;
        status
    }

    /// The terminal is gone (SIGHUP): nothing is written to it any more.
    pub fn hung_up(&mut self) {
        self.hung_up = true;
        drop(on_screen().take());
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        if !self.hung_up {
            // There is nobody left to tell.
            drop(restore());
        }
    }
}

/// What is written on entering and on leaving.
fn sequences(caps: &Caps) -> (String, String) {
    let mut enter = String::new();
    let mut leave = String::new();
    if caps.synchronized {
        leave.push_str("\x1b[?2026l");
    }
    leave.push_str("\x1b[0m");
    if caps.alternate_screen {
        enter.push_str("\x1b[?1049h");
    }
    if caps.reports {
        enter.push_str("\x1b[?2004h\x1b[?1004h");
        leave.push_str("\x1b[?1004l\x1b[?2004l");
    }
    if caps.mouse {
        // Buttons and dragging. Not every movement (1003): each would wake us up.
        enter.push_str("\x1b[?1000h\x1b[?1002h\x1b[?1006h");
        leave.push_str("\x1b[?1006l\x1b[?1002l\x1b[?1000l");
    }
    if let Some((ours, theirs)) = caps.blank {
        enter = format!("{enter}\x1b[9;{ours}]");
        leave = format!("{leave}\x1b[9;{theirs}]");
    }
    enter.push_str("\x1b[0m\x1b[2J\x1b[?25l");
    // Without another screen to go back to, this one is left empty for the prompt.
    leave.push_str(if caps.alternate_screen { "\x1b[?25h\x1b[?1049l" } else { "\x1b[2J\x1b[H\x1b[?25h" });
    (enter, leave)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::schema::Ui;

    fn sequences_of(term: &str, mouse: bool) -> (String, String) {
        let env = |name: &str| (name == "TERM").then(|| term.to_owned());
        sequences(&Caps::detect(&env, true, &Ui { mouse, ..Ui::default() }))
    }

    #[test]
    fn everything_entered_is_left() {
        for (term, mouse) in [("xterm", true), ("xterm", false), ("linux", true)] {
            let (enter, leave) = sequences_of(term, mouse);
            for mode in enter.split('\x1b').filter_map(|s| s.strip_suffix('h')) {
                assert!(leave.contains(&format!("{mode}l")), "{term}: {mode} stays on");
            }
            assert!(enter.ends_with("\x1b[?25l") && leave.contains("\x1b[?25h"), "{term}: cursor");
        }
    }

    #[test]
    fn the_linux_console_gets_nothing_it_does_not_know() {
        let (enter, leave) = sequences_of("linux", true);
        assert_eq!(enter, "\x1b[0m\x1b[2J\x1b[?25l");
        assert_eq!(leave, "\x1b[0m\x1b[2J\x1b[H\x1b[?25h");
    }

    #[test]
    fn without_a_guard_there_is_nothing_to_restore() {
        assert!(restore().is_ok());
        assert_eq!(held(), (false, false));
    }
}
