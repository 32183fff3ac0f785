//! The loop: messages before input, everything that waits before a frame, a frame only when
//! something changed. It sleeps until the next message, key or timer; there is no tick.

use std::io;
use std::time::Duration;

use chrono::{Local, Offset as _, Utc};
use crossterm::event::Event;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::mpsc::UnboundedReceiver;
use tokio::time::Instant;

use crate::model::time::Ts;
use crate::terminal::caps::Multiplexer;
use crate::terminal::clipboard;

use super::effect::{Effect, Level, Toast};
use super::message::Msg;
use super::state::{App, TerminalAct};
use super::tty::{Next, Tty};

/// The least time between two frames that no key asked for.
const FRAME: Duration = Duration::from_millis(16);
/// How many messages are taken before a key gets its turn.
const BURST: usize = 512;

/// How the loop ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// The operator left.
    Quit,
    /// SIGTERM.
    Terminated,
    /// The terminal is gone: nothing may be written to it.
    Hangup,
    /// Nobody owns the cache any more; the loop goes on with other workers.
    Orphaned,
}

/// Present time, as the kernel counts it.
#[must_use]
pub fn now() -> Ts {
    Ts(Utc::now().timestamp_micros())
}

/// Seconds that local time is east of UTC, now.
#[must_use]
pub fn utc_offset_s() -> i32 {
    Local::now().offset().fix().local_minus_utc()
}

/// Runs until the operator leaves or the system wants the end.
///
/// # Errors
/// When the terminal cannot be written to or signals cannot be listened for.
pub async fn run(app: &mut App, tty: &mut Tty, msgs: &mut UnboundedReceiver<Msg>) -> io::Result<Exit> {
    let mut term = signal(SignalKind::terminate())?;
    let mut hangup = signal(SignalKind::hangup())?;
    let mut cont = signal(SignalKind::from_raw(rustix::process::Signal::CONT.as_raw()))?;
    let mut last_frame = Instant::now();
    // The terminal still takes the frame before: the next one waits for it, not for the clock.
    let mut blocked = false;
    app.show_active();
    draw(app, tty)?;
    loop {
        let early = (app.is_dirty() && !blocked).then(|| last_frame + FRAME);
        let picture = tty.picture_due().filter(|_| !blocked).map(|at| Instant::from_std(at).max(last_frame + FRAME));
        let wake = [early, picture, app.next_tick().map(instant_of)].into_iter().flatten().min();
        let mut urgent = false;
        tokio::select! {
            biased;
            _ = term.recv() => return Ok(Exit::Terminated),
            _ = hangup.recv() => {
                tty.hung_up();
                return Ok(Exit::Hangup);
            }
            // Somebody stopped us (kill -STOP) and the screen may hold anything.
            _ = cont.recv() => {
                tty.retake()?;
                app.on(&Msg::Resumed, now());
            }
            msg = msgs.recv() => {
                let Some(msg) = msg else { return Ok(Exit::Quit) };
                app.on(&msg, now());
                for _ in 0..BURST {
                    let Ok(msg) = msgs.try_recv() else { break };
                    app.on(&msg, now());
                }
            }
            next = tty.next(blocked) => {
                urgent = true;
                match next {
                    Next::Event(event) => take_input(app, tty, event),
                    Next::Writable => {}
                    Next::Gone => {
                        tty.hung_up();
                        return Ok(Exit::Hangup);
                    }
                }
            }
            () = sleep_until(wake) => app.on(&Msg::Tick(now()), now()),
        }
        if let Some(exit) = terminal_acts(app, tty).await? {
            return Ok(exit);
        }
        let picture = tty.picture_due().is_some_and(|at| at <= std::time::Instant::now());
        if (app.is_dirty() || picture) && (urgent || last_frame.elapsed() >= FRAME) {
            blocked = !draw(app, tty)?;
            last_frame = Instant::now();
            if tty.ask_for_pictures().await {
                app.dirty = true;
            }
        }
    }
}

async fn sleep_until(at: Option<Instant>) {
    match at {
        Some(at) => tokio::time::sleep_until(at).await,
        None => std::future::pending().await,
    }
}

/// The runtime's instant of an instant of the clock.
fn instant_of(at: Ts) -> Instant {
    Instant::now() + Duration::from_micros(u64::try_from(at.since(now())).unwrap_or(0))
}

/// Takes an event and all that have come since: a held key makes one frame, not thirty.
fn take_input(app: &mut App, tty: &mut Tty, first: Event) {
    let mut next = Some(first);
    while let Some(event) = next {
        if let Event::Resize(columns, rows) = event {
            tty.resize(columns, rows);
        }
        app.on(&Msg::Input(event), now());
        next = tty.ready_event();
    }
}

/// Draws a frame; `false` when the terminal still takes the one before.
fn draw(app: &mut App, tty: &mut Tty) -> io::Result<bool> {
    let taken = tty.draw_with(|frame| {
        app.draw(frame);
        app.take_sight()
    })?;
    if taken {
        app.drawn();
    }
    Ok(taken)
}

/// Does what only the owner of the terminal can do.
async fn terminal_acts(app: &mut App, tty: &mut Tty) -> io::Result<Option<Exit>> {
    for act in app.take_acts() {
        match act {
            TerminalAct::Quit => return Ok(Some(Exit::Quit)),
            TerminalAct::TakeOver => return Ok(Some(Exit::Orphaned)),
            TerminalAct::Redraw => {
                tty.clear()?;
                app.show_active();
            }
            TerminalAct::Suspend => {
                tty.stop().await?;
                app.on(&Msg::Input(Event::Resize(tty.size().0, tty.size().1)), now());
            }
            TerminalAct::Copy { text, what } => {
                let copy = clipboard::osc52(&text, tty.multiplexer());
                tty.send(&copy.bytes)?;
                let cut = if copy.truncated { ", cut to what a terminal takes" } else { "" };
                let tmux = if tty.multiplexer() == Multiplexer::Tmux {
                    " (tmux: needs set-clipboard or allow-passthrough)"
                } else {
                    ""
                };
                app.toast(Toast::new(Level::Good, format!("copied {what}{cut}{tmux}")));
            }
            // An editor is a way to a shell, past the PIN.
            TerminalAct::EditFile(_) | TerminalAct::Editor(_) if app.is_console() => {
                app.toast(Toast::new(Level::Warn, "no editor is started from the console of an appliance"));
            }
            TerminalAct::EditFile(edit) => match tty.edit_file(&edit.initial, &edit.file, &app.settings.drafts).await {
                Ok(None) => app.toast(Toast::new(Level::Info, "nothing was changed")),
                Ok(Some((text, file))) => {
                    let mut args = edit.args;
                    args.insert(edit.arg.to_owned(), text);
                    args.insert(edit.draft.to_owned(), file.display().to_string());
                    app.run(edit.command, args);
                }
                Err(error) => app.toast(Toast::new(Level::Error, format!("no text from the editor: {error}"))),
            },
            TerminalAct::Editor(prompt) => match tty.edit(&prompt.initial).await {
                Ok(text) => {
                    let mut args = prompt.args;
                    args.insert(prompt.arg.to_owned(), text);
                    app.run(prompt.command, args);
                }
                // What was typed so far stays in the question.
                Err(error) => {
                    app.toast(Toast::new(Level::Error, format!("no text from the editor: {error}")));
                    if !prompt.initial.contains('\n') {
                        app.apply(vec![Effect::Prompt(prompt)]);
                    }
                }
            },
        }
    }
    Ok(None)
}
