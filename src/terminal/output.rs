//! The way to the terminal. One thread writes frames, so that a terminal that takes nothing
//! blocks that thread and nobody else; the guard writes past it, when it has stopped it.

use std::io;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, TryLockError};
use std::time::{Duration, Instant};

use tokio::sync::Notify;

use super::frame_writer::Sink;

/// How long the guard waits for a frame that is being written before it gives the terminal up.
const PATIENCE: Duration = Duration::from_secs(1);

/// Held while somebody writes. The value says whether frames may be written: not before the guard
/// has entered the screen, nor after it has left it.
static GATE: Mutex<bool> = Mutex::new(false);

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // What is locked here is never left half changed.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Writes all of it to standard output: one `write(2)`, unless the terminal takes less at a time.
fn write_stdout(mut bytes: &[u8]) -> io::Result<()> {
    while !bytes.is_empty() {
        match rustix::io::write(rustix::stdio::stdout(), bytes) {
            Ok(n) => bytes = bytes.get(n..).unwrap_or_default(),
            Err(rustix::io::Errno::INTR) => {}
            // Somebody who shares the terminal has set it to non-blocking.
            Err(rustix::io::Errno::AGAIN) => std::thread::sleep(Duration::from_millis(5)),
            Err(e) => return Err(e.into()),
        }
    }
    Ok(())
}

/// Opens or closes the way for frames and writes `bytes`. A terminal that takes nothing for a
/// second is given up: the way is closed then, but nothing is written.
pub(super) fn switch(open: bool, bytes: &[u8]) -> io::Result<()> {
    let start = Instant::now();
    let mut gate = loop {
        match GATE.try_lock() {
            Ok(gate) => break gate,
            Err(TryLockError::Poisoned(gate)) => break gate.into_inner(),
            Err(TryLockError::WouldBlock) if start.elapsed() < PATIENCE => {
                std::thread::sleep(Duration::from_millis(2));
            }
            Err(TryLockError::WouldBlock) => return Err(io::ErrorKind::TimedOut.into()),
        }
    };
    *gate = open;
    let result = write_bounded(bytes);
    drop(gate);
    result
}

/// Writes something that belongs to no frame, while the way is open and nobody else writes.
#[cfg(feature = "graphics")]
pub(super) fn say(bytes: &[u8]) -> io::Result<()> {
    match GATE.try_lock() {
        Ok(gate) if *gate => write_bounded(bytes),
        _ => Err(io::ErrorKind::WouldBlock.into()),
    }
}

/// Writes on a thread of its own and waits a second at most, so that leaving a blocked terminal
/// does not block.
fn write_bounded(bytes: &[u8]) -> io::Result<()> {
    let (done, wait) = std::sync::mpsc::sync_channel(1);
    let writer = std::thread::Builder::new().name("tty-switch".into()).spawn({
        let bytes = bytes.to_vec();
        move || drop(done.send(write_stdout(&bytes)))
    });
    match writer {
        Ok(_) => wait.recv_timeout(PATIENCE).unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into())),
        Err(_) => write_stdout(bytes),
    }
}

#[derive(Default)]
struct Slot {
    frame: Option<Vec<u8>>,
    busy: bool,
    closed: bool,
    error: Option<io::Error>,
    took: Duration,
}

#[derive(Default)]
struct Shared {
    slot: Mutex<Slot>,
    filled: Condvar,
    idle: Notify,
}

/// Writes frames to standard output, one at a time.
pub(super) struct TtySink {
    shared: Arc<Shared>,
}

/// Tells when the terminal has taken a frame.
#[derive(Clone)]
pub(super) struct Idle(Arc<Shared>);

impl Idle {
    /// Waits until the terminal has taken the frame before.
    pub(super) async fn wait(&self) {
        loop {
            let idle = self.0.idle.notified();
            if !lock(&self.0.slot).busy {
                return;
            }
            idle.await;
        }
    }
}

impl TtySink {
    /// Starts the writing thread; `pace` is what the line takes in bytes a second, where that is
    /// known: the system takes more than it can send at once, and what lies there cannot be taken
    /// back for something newer.
    pub(super) fn start(pace: Option<u32>) -> io::Result<Self> {
        let shared = Arc::new(Shared::default());
        let theirs = Arc::clone(&shared);
        std::thread::Builder::new().name("tty-write".into()).spawn(move || write_loop(&theirs, pace))?;
        Ok(Self { shared })
    }

    pub(super) fn idle(&self) -> Idle {
        Idle(Arc::clone(&self.shared))
    }
}

fn write_loop(shared: &Shared, pace: Option<u32>) {
    loop {
        let Some(frame) = next_frame(shared) else { return };
        let began = Instant::now();
        let result = {
            let gate = lock(&GATE);
            // A frame that comes too late for the screen would land on the shell's.
            if *gate { write_stdout(&frame) } else { Ok(()) }
        };
        if let Some(bytes_per_s) = pace.filter(|_| result.is_ok()) {
            let takes = Duration::from_secs_f64(frame.len() as f64 / f64::from(bytes_per_s.max(1)));
            std::thread::sleep(takes.saturating_sub(began.elapsed()));
        }
        let mut slot = lock(&shared.slot);
        slot.busy = false;
        slot.took = began.elapsed();
        slot.error = result.err();
        drop(slot);
        shared.idle.notify_waiters();
    }
}

fn next_frame(shared: &Shared) -> Option<Vec<u8>> {
    let mut slot = lock(&shared.slot);
    loop {
        if let Some(frame) = slot.frame.take() {
            return Some(frame);
        }
        if slot.closed {
            return None;
        }
        slot = shared.filled.wait(slot).unwrap_or_else(PoisonError::into_inner);
    }
}

impl Sink for TtySink {
    fn ready(&self) -> bool {
        !lock(&self.shared.slot).busy
    }

    fn put(&mut self, frame: Vec<u8>) -> io::Result<()> {
        let mut slot = lock(&self.shared.slot);
        if let Some(error) = slot.error.take() {
            return Err(error);
        }
        slot.frame = Some(frame);
        slot.busy = true;
        drop(slot);
        self.shared.filled.notify_one();
        Ok(())
    }

    fn took(&self) -> Duration {
        lock(&self.shared.slot).took
    }
}

impl Drop for TtySink {
    fn drop(&mut self) {
        lock(&self.shared.slot).closed = true;
        self.shared.filled.notify_one();
    }
}
