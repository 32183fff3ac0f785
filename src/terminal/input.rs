//! Keys, mouse, pastes and sizes from the terminal.
//!
//! One thread reads for the life of the process. It waits for the terminal itself and calls
//! crossterm only when there are bytes, for three reasons. crossterm finishes a sequence that has
//! begun with a blocking read (Alt-[ alone begins one), which must not happen on the thread that
//! draws. On a terminal that has been hung up it reads for ever, at full speed. And a paused
//! [`crossterm::event::EventStream`] still has a reader waiting, which would take the first key
//! typed into `$EDITOR`; this thread waits for the word to go on and reads nothing.

use std::io;
use std::os::fd::OwnedFd;
use std::time::Duration;

use crossterm::event::{Event, KeyEventKind};
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::{mpsc, oneshot};

/// Events that may wait for the loop; a person and a paste never come near it.
const QUEUE: usize = 1024;

/// How long a pause waits for the reader, which may be within a sequence that never ends.
const PAUSE_PATIENCE: Duration = Duration::from_millis(300);

enum Control {
    Pause(oneshot::Sender<()>),
    Resume,
}

/// The terminal's events.
#[derive(Debug)]
pub struct Input {
    events: mpsc::Receiver<Event>,
    control: mpsc::UnboundedSender<Control>,
    resized: Signal,
}

impl Input {
    /// Starts reading; needs a tokio runtime. Raw mode has to be on ([`super::Guard`]).
    ///
    /// # Errors
    /// There is no terminal on standard input nor a controlling one, or the reader cannot start.
    pub fn start() -> io::Result<Self> {
        let resized = signal(SignalKind::window_change())?;
        let tty = terminal()?;
        let (to, events) = mpsc::channel(QUEUE);
        let (control, orders) = mpsc::unbounded_channel();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build()?;
        std::thread::Builder::new().name("tty-read".into()).spawn(move || {
            if let Err(error) = runtime.block_on(read_loop(tty, to, orders)) {
                tracing::warn!(%error, "the terminal can no longer be read");
            }
        })?;
        Ok(Self { events, control, resized })
    }

    /// The next event; `None` when the terminal is gone. A burst of size changes is one event
    /// with the size that holds now. Cancel-safe.
    pub async fn next(&mut self) -> Option<Event> {
        tokio::select! {
            biased;
            Some(()) = self.resized.recv() => {
                let (columns, rows) = super::size();
                Some(Event::Resize(columns, rows))
            }
            event = self.events.recv() => event,
        }
    }

    /// An event that is there already.
    pub fn try_next(&mut self) -> Option<Event> {
        self.events.try_recv().ok()
    }

    /// Stops reading, so that another program can: every key from now on is its. Returns when
    /// the reader has stopped.
    pub async fn pause(&mut self) {
        let (done, paused) = oneshot::channel();
        if self.control.send(Control::Pause(done)).is_ok() {
            // Late or not at all: the reader is within a sequence, or gone. Both can be lived with.
            drop(tokio::time::timeout(PAUSE_PATIENCE, paused).await);
        }
    }

    /// Reads again.
    pub fn resume(&mut self) {
        // A reader that is gone has ended the events as well.
        drop(self.control.send(Control::Resume));
    }
}

/// The terminal keys come from: standard input, or the controlling one.
fn terminal() -> io::Result<OwnedFd> {
    use std::io::IsTerminal as _;
    if io::stdin().is_terminal() {
        Ok(rustix::io::fcntl_dupfd_cloexec(rustix::stdio::stdin(), 3)?)
    } else {
        Ok(std::fs::File::open("/dev/tty")?.into())
    }
}

async fn read_loop(
    tty: OwnedFd,
    events: mpsc::Sender<Event>,
    mut orders: mpsc::UnboundedReceiver<Control>,
) -> io::Result<()> {
    let tty = AsyncFd::with_interest(tty, Interest::READABLE)?;
    loop {
        let mut ready = tokio::select! {
            biased;
            order = orders.recv() => match order {
                Some(Control::Pause(done)) => {
                    // The asker may have stopped waiting.
                    let _ = done.send(());
                    if !resumed(&mut orders).await {
                        return Ok(());
                    }
                    continue;
                }
                Some(Control::Resume) => continue,
                None => return Ok(()),
            },
            ready = tty.readable() => ready?,
        };
        if ready.ready().is_read_closed() || !forward(&tty, &events).await? {
            return Ok(());
        }
        ready.clear_ready();
    }
}

/// Waits for the word to go on; `false` when nobody is left to say it.
async fn resumed(orders: &mut mpsc::UnboundedReceiver<Control>) -> bool {
    loop {
        match orders.recv().await {
            Some(Control::Resume) => return true,
            Some(Control::Pause(done)) => {
                let _ = done.send(());
            }
            None => return false,
        }
    }
}

/// Forwards what can be read now; `false` when the terminal or the listener is gone.
async fn forward(tty: &AsyncFd<OwnedFd>, events: &mpsc::Sender<Event>) -> io::Result<bool> {
    // The bytes that made the terminal readable may have been another program's.
    match rustix::io::ioctl_fionread(tty.get_ref()) {
        Ok(0) => return Ok(true),
        Ok(_) => {}
        Err(_) => return Ok(false),
    }
    while crossterm::event::poll(Duration::ZERO)? {
        let event = crossterm::event::read()?;
        if wanted(&event) && events.send(event).await.is_err() {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Sizes come by signal, and a key that is let go means nothing to us.
fn wanted(event: &Event) -> bool {
    match event {
        Event::Resize(..) => false,
        Event::Key(key) => key.kind != KeyEventKind::Release,
        _ => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

    #[test]
    fn only_presses_and_repeats_are_keys() {
        let key = |kind| Event::Key(KeyEvent::new_with_kind(KeyCode::Char('a'), KeyModifiers::NONE, kind));
        assert!(wanted(&key(KeyEventKind::Press)) && wanted(&key(KeyEventKind::Repeat)));
        assert!(!wanted(&key(KeyEventKind::Release)));
        assert!(!wanted(&Event::Resize(80, 24)), "the signal brings it");
        assert!(wanted(&Event::Paste("x".into())));
    }

    #[tokio::test]
    async fn a_pause_lasts_until_the_word_to_go_on() {
        let (control, mut orders) = mpsc::unbounded_channel();
        let (done, paused) = oneshot::channel();
        control.send(Control::Pause(done)).ok().unwrap();
        control.send(Control::Resume).ok().unwrap();
        assert!(resumed(&mut orders).await);
        assert!(paused.await.is_ok(), "a second pause is answered too");
        drop(control);
        assert!(!resumed(&mut orders).await, "nobody left");
    }
}
