//! Collects what a frame writes and hands it on as one piece: one `write(2)` a frame, inside a
//! synchronized update (DEC private mode 2026), and none when nothing changed.
//!
//! **A slow terminal.** Over a bad line a write can block for seconds, and under Ctrl-S for ever.
//! The loop must go on regardless, and a frame that was encoded as a difference to the one before
//! must neither be lost nor be queued behind others. So a [`Sink`] holds at most one frame, and
//! while it is busy no frame is drawn at all: the next one that is drawn, after the terminal has
//! taken the last, is the difference to what the terminal really shows.

use std::io;
use std::time::Duration;

const BEGIN_UPDATE: &[u8] = b"\x1b[?2026h";
const END_UPDATE: &[u8] = b"\x1b[?2026l";

/// Takes finished frames.
pub trait Sink: Send {
    /// Whether the frame before has been written whole.
    fn ready(&self) -> bool;

    /// Takes a frame without waiting. Only called when [`Sink::ready`].
    ///
    /// # Errors
    /// An earlier frame could not be written: the terminal is gone.
    fn put(&mut self, frame: Vec<u8>) -> io::Result<()>;

    /// How long the terminal took for the last one, where that is known.
    fn took(&self) -> Duration {
        Duration::ZERO
    }
}

/// What was written so far.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Stats {
    /// Frames written.
    pub frames: u64,
    /// Bytes written, frames and everything between them.
    pub bytes: u64,
    /// Frames drawn that changed nothing, so nothing was written.
    pub unchanged: u64,
    /// Frames not drawn because the terminal had not taken the one before.
    pub skipped: u64,
}

/// Collects a frame.
pub struct FrameWriter {
    sink: Box<dyn Sink>,
    frame: Vec<u8>,
    /// Sequences that belong to no frame (clipboard, title), written after the next one.
    beside: Vec<u8>,
    synchronized: bool,
    stats: Stats,
}

impl std::fmt::Debug for FrameWriter {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("FrameWriter").field("stats", &self.stats).finish_non_exhaustive()
    }
}

impl FrameWriter {
    /// A writer into a sink.
    #[must_use]
    pub fn new(sink: Box<dyn Sink>, synchronized: bool) -> Self {
        Self { sink, frame: Vec::new(), beside: Vec::new(), synchronized, stats: Stats::default() }
    }

    /// Whether a frame may be drawn now.
    #[must_use]
    pub fn ready(&self) -> bool {
        self.sink.ready()
    }

    /// How long the terminal took for the last frame.
    #[cfg(feature = "graphics")]
    pub(crate) fn took(&self) -> Duration {
        self.sink.took()
    }

    /// Counts a frame that was not drawn because the terminal was not [`FrameWriter::ready`].
    pub fn skip(&mut self) {
        self.stats.skipped += 1;
    }

    /// Adds to the frame.
    pub(crate) fn push(&mut self, bytes: &[u8]) {
        if self.frame.is_empty() && self.synchronized {
            self.frame.extend_from_slice(BEGIN_UPDATE);
        }
        self.frame.extend_from_slice(bytes);
    }

    /// Adds a sequence that is written after the next frame, or by the next [`FrameWriter::end`]
    /// when there is none.
    pub(crate) fn push_beside(&mut self, bytes: &[u8]) {
        self.beside.extend_from_slice(bytes);
    }

    /// Whether there is something to write.
    #[must_use]
    pub(crate) fn has_beside(&self) -> bool {
        !self.beside.is_empty()
    }

    /// Hands the frame on. Returns the number of bytes; 0 when nothing had changed.
    ///
    /// # Errors
    /// The terminal is gone.
    pub(crate) fn end(&mut self) -> io::Result<usize> {
        let drawn = !self.frame.is_empty();
        if drawn && self.synchronized {
            self.frame.extend_from_slice(END_UPDATE);
        }
        self.frame.append(&mut self.beside);
        if self.frame.is_empty() {
            self.stats.unchanged += 1;
            return Ok(0);
        }
        // The next frame is probably about as long.
        let room = self.frame.len().min(16 * 1024);
        let frame = std::mem::replace(&mut self.frame, Vec::with_capacity(room));
        let bytes = frame.len();
        self.stats.frames += u64::from(drawn);
        self.stats.bytes += bytes as u64;
        self.sink.put(frame)?;
        Ok(bytes)
    }

    /// What was written so far.
    #[must_use]
    pub const fn stats(&self) -> Stats {
        self.stats
    }
}
