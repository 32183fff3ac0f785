//! Keys, mouse, pastes and sizes from the terminal.
//!
//! One thread reads for the life of the process. It waits for the terminal itself and calls
//! crossterm only when there are bytes, for three reasons. crossterm finishes a sequence that has
//! begun with a blocking read (Alt-[ alone begins one), which must not happen on the thread that
//! draws. On a terminal that has been hung up it reads for ever, at full speed. And a paused
//! [`crossterm::event::EventStream`] still has a reader waiting, which would take the first key
//! typed into `$EDITOR`; this thread waits for the word to go on and reads nothing.

use std::io;
use std::os::fd::{AsRawFd as _, OwnedFd};
use std::sync::{Arc, mpsc as orders};
use std::time::Duration;

use crossterm::event::{Event, KeyEventKind};
use mio::unix::SourceFd;
use mio::{Events, Interest, Poll, Token, Waker};
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::{mpsc, oneshot};

/// Events that may wait for the loop; a person and a paste never come near it.
const QUEUE: usize = 1024;

/// How long a pause waits for the reader, which may be within a sequence that never ends.
const PAUSE_PATIENCE: Duration = Duration::from_millis(300);

const TTY: Token = Token(0);
const ORDER: Token = Token(1);

enum Order {
    Pause(oneshot::Sender<()>),
    Resume,
}

/// The terminal's events.
#[derive(Debug)]
pub struct Input {
    events: mpsc::Receiver<Event>,
    orders: orders::Sender<Order>,
    waker: Arc<Waker>,
    resized: Signal,
}

impl Input {
    /// Starts reading; needs a tokio runtime. Raw mode has to be on ([`super::Guard`]).
    ///
    /// # Errors
    /// There is no terminal on standard input nor a controlling one, or the reader cannot start.
    pub fn start() -> io::Result<Self> {
        let resized = signal(SignalKind::window_change())?;
        let (to, events) = mpsc::channel(QUEUE);
        let (orders, theirs) = orders::channel();
        let (reader, waker) = Reader::new(terminal()?, to, theirs)?;
        std::thread::Builder::new().name("tty-read".into()).spawn(move || {
            if let Err(error) = reader.run() {
                tracing::warn!(%error, "the terminal can no longer be read");
            }
        })?;
        Ok(Self { events, orders, waker, resized })
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
        self.order(Order::Pause(done));
        // Late or not at all: the reader is within a sequence, or gone. Both can be lived with.
        drop(tokio::time::timeout(PAUSE_PATIENCE, paused).await);
    }

    /// Reads again.
    pub fn resume(&mut self) {
        self.order(Order::Resume);
    }

    fn order(&self, order: Order) {
        // A reader that is gone has ended the events as well: that is where it is noticed.
        if self.orders.send(order).is_ok() {
            drop(self.waker.wake());
        }
    }
}

impl Drop for Input {
    fn drop(&mut self) {
        // The reader sees that nobody listens and ends.
        self.events.close();
        drop(self.waker.wake());
    }
}

/// The terminal keys come from: standard input, or the controlling one.
pub(super) fn terminal() -> io::Result<OwnedFd> {
    use std::io::IsTerminal as _;
    if io::stdin().is_terminal() {
        Ok(rustix::io::fcntl_dupfd_cloexec(rustix::stdio::stdin(), 3)?)
    } else {
        Ok(std::fs::File::open("/dev/tty")?.into())
    }
}

/// The reading thread.
struct Reader {
    tty: OwnedFd,
    poll: Poll,
    events: mpsc::Sender<Event>,
    orders: orders::Receiver<Order>,
    /// Lives as long as the reader: closed before the reader has been woken by it, it would wake
    /// nobody, and the reader would take one more key, from whoever reads the terminal by then.
    _waker: Arc<Waker>,
}

impl Reader {
    fn new(
        tty: OwnedFd,
        events: mpsc::Sender<Event>,
        orders: orders::Receiver<Order>,
    ) -> io::Result<(Self, Arc<Waker>)> {
        let poll = Poll::new()?;
        poll.registry().register(&mut SourceFd(&tty.as_raw_fd()), TTY, Interest::READABLE)?;
        let waker = Arc::new(Waker::new(poll.registry(), ORDER)?);
        Ok((Self { tty, poll, events, orders, _waker: Arc::clone(&waker) }, waker))
    }

    /// Reads until the terminal or the listener is gone.
    fn run(mut self) -> io::Result<()> {
        let mut ready = Events::with_capacity(4);
        while !self.events.is_closed() {
            match self.poll.poll(&mut ready, None) {
                Err(e) if e.kind() == io::ErrorKind::Interrupted => continue,
                other => other?,
            }
            self.obey();
            let hung_up = ready.iter().any(|e| e.token() == TTY && e.is_read_closed());
            if hung_up || !self.forward()? {
                break;
            }
        }
        Ok(())
    }

    /// Follows the orders that have come, and stays here while the last one is to pause.
    fn obey(&self) {
        let mut order = self.orders.try_recv().ok();
        while let Some(now) = order {
            order = match now {
                Order::Pause(done) => {
                    // The asker may have stopped waiting.
                    let _ = done.send(());
                    // No asker left: nobody listens either.
                    self.orders.recv().ok()
                }
                Order::Resume => self.orders.try_recv().ok(),
            };
        }
    }

    /// Forwards what can be read now; `false` when the terminal or the listener is gone.
    fn forward(&self) -> io::Result<bool> {
        // The bytes that made the terminal readable may have been another program's.
        match rustix::io::ioctl_fionread(&self.tty) {
            Ok(0) => return Ok(true),
            Ok(_) => {}
            Err(_) => return Ok(false),
        }
        for again in [true, false] {
            while crossterm::event::poll(Duration::ZERO)? {
                let event = crossterm::event::read()?;
                if wanted(&event) && self.events.blocking_send(event).is_err() {
                    return Ok(false);
                }
            }
            if !again || !rustix::io::ioctl_fionread(&self.tty).is_ok_and(|n| n > 0) {
                break;
            }
            self.wake_again()?;
        }
        Ok(true)
    }

    /// crossterm is woken by an edge, and looks for a change of size first: when both are there it
    /// tells the size and forgets that keys wait, until the next one. Setting the modes of a terminal,
    /// to what they are, makes a new edge.
    fn wake_again(&self) -> io::Result<()> {
        let modes = rustix::termios::tcgetattr(&self.tty)?;
        Ok(rustix::termios::tcsetattr(&self.tty, rustix::termios::OptionalActions::Now, &modes)?)
    }
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

    /// A pseudo terminal: what is written to the first is read from the second.
    fn pty() -> (Box<dyn portable_pty::MasterPty + Send>, OwnedFd) {
        use portable_pty::{PtySize, native_pty_system};
        let pair = native_pty_system().openpty(PtySize::default()).unwrap();
        let path = pair.master.tty_name().unwrap();
        let slave = std::fs::OpenOptions::new().read(true).write(true).open(path).unwrap();
        (pair.master, slave.into())
    }

    /// A reader that pauses, has paused, and can be told more.
    fn paused(orders: &orders::Sender<Order>, waker: &Waker) {
        let (done, paused) = oneshot::channel();
        orders.send(Order::Pause(done)).unwrap();
        waker.wake().unwrap();
        paused.blocking_recv().unwrap();
    }

    #[test]
    fn a_reader_nobody_listens_to_ends_without_another_key() {
        let (_master, slave) = pty();
        let (to, mut events) = mpsc::channel(8);
        let (orders, theirs) = orders::channel();
        let (reader, waker) = Reader::new(slave, to, theirs).unwrap();
        let thread = std::thread::spawn(move || reader.run());
        paused(&orders, &waker);
        orders.send(Order::Resume).unwrap();
        events.close();
        waker.wake().unwrap();
        // The listener's end of the waker goes, perhaps before the reader has looked.
        drop(waker);
        thread.join().unwrap().unwrap();
    }

    #[test]
    fn the_reader_pauses_goes_on_and_ends_when_the_terminal_is_hung_up() {
        let (master, slave) = pty();
        let (to, mut events) = mpsc::channel(8);
        let (orders, theirs) = orders::channel();
        let (reader, waker) = Reader::new(slave, to, theirs).unwrap();
        let thread = std::thread::spawn(move || reader.run());

        paused(&orders, &waker);
        let (done, again) = oneshot::channel();
        orders.send(Order::Pause(done)).unwrap();
        again.blocking_recv().unwrap();
        orders.send(Order::Resume).unwrap();

        drop(master);
        thread.join().unwrap().unwrap();
        assert_eq!(events.blocking_recv(), None, "the listener learns it");
    }

    #[test]
    fn the_reader_ends_with_its_listener() {
        let (_master, slave) = pty();
        let (to, events) = mpsc::channel(8);
        let (_orders, theirs) = orders::channel();
        let (reader, waker) = Reader::new(slave, to, theirs).unwrap();
        let thread = std::thread::spawn(move || reader.run());
        drop(events);
        waker.wake().unwrap();
        thread.join().unwrap().unwrap();
    }
}
