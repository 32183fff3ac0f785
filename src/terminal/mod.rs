//! The terminal: what it can do ([`caps`]), the guard that restores it ([`guard`]), one write a
//! frame ([`frame_writer`]), input, the clipboard, and plain lines where there is no screen
//! ([`linear`]).

pub mod caps;
pub mod clipboard;
mod encoder;
pub mod frame_writer;
#[cfg(feature = "graphics")]
pub mod graphics;
pub mod guard;
pub mod input;
pub mod linear;
mod output;
pub mod panic;
mod slow;
mod stderr;
#[cfg(test)]
mod tests;

use std::io;

use ratatui::layout::Size;
use ratatui::{Frame, Terminal};

pub use caps::{Caps, Multiplexer, Refusal};
use encoder::Encoder;
pub use frame_writer::{FrameWriter, Sink, Stats};
pub use guard::Guard;
pub use input::Input;
pub use linear::Linear;

use crate::model::sight::Sight;

/// What became of a frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Drawn {
    /// It went to the terminal in one write of so many bytes.
    Written(usize),
    /// It was equal to the one before: nothing was written.
    Unchanged,
    /// The terminal has not taken the one before yet; nothing was drawn. Draw again after
    /// [`Screen::writable`].
    Busy,
}

/// The screen frames are drawn on.
pub struct Screen {
    terminal: Terminal<Encoder>,
    idle: Option<output::Idle>,
    /// Bytes of a frame that are sent at a time.
    piece: usize,
    #[cfg(feature = "graphics")]
    pictures: graphics::Pictures,
}

/// Bytes that a line of this many bytes a second takes in a sixth of a second: whoever presses a key
/// then never waits longer for what was sent before it.
const fn piece(bytes_per_s: u32) -> usize {
    let bytes = bytes_per_s as usize / 6;
    if bytes < 32 { 32 } else { bytes }
}

impl std::fmt::Debug for Screen {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Screen").field("stats", &self.stats()).finish_non_exhaustive()
    }
}

impl Screen {
    /// The screen of the terminal on standard output, at its present size. Frames reach it while
    /// a [`Guard`] is alive.
    ///
    /// # Errors
    /// The thread that writes cannot be started.
    pub fn new(caps: &Caps) -> io::Result<Self> {
        let sink = output::TtySink::start(caps.pace)?;
        let idle = Some(sink.idle());
        let mut screen = Self::into_sink(caps, size(), Box::new(sink))?;
        screen.idle = idle;
        #[cfg(feature = "graphics")]
        {
            screen.pictures = graphics::Pictures::new(caps, cell_pixels());
        }
        Ok(screen)
    }

    /// A screen of columns and rows that writes somewhere else: for tests and benchmarks.
    ///
    /// # Errors
    /// None of its own; the sink's.
    pub fn into_sink(caps: &Caps, size: (u16, u16), sink: Box<dyn Sink>) -> io::Result<Self> {
        let writer = FrameWriter::new(sink, caps.synchronized);
        let size = Size { width: size.0, height: size.1 };
        let encoder = if caps.frugal { Encoder::frugal(writer, size) } else { Encoder::new(writer, size, caps.utf8) };
        Ok(Self {
            terminal: Terminal::new(encoder)?,
            idle: None,
            piece: caps.pace.map_or(usize::MAX, piece),
            #[cfg(feature = "graphics")]
            pictures: graphics::Pictures::new(caps, None),
        })
    }

    /// Columns and rows.
    #[must_use]
    pub fn size(&self) -> (u16, u16) {
        use ratatui::backend::Backend as _;
        self.terminal.backend().size().map_or((0, 0), |s| (s.width, s.height))
    }

    /// The terminal has another size now. The next frame is drawn whole.
    pub fn resize(&mut self, columns: u16, rows: u16) {
        self.terminal.backend_mut().resize(Size { width: columns, height: rows });
        #[cfg(feature = "graphics")]
        {
            self.pictures.forget();
            if self.idle.is_some() {
                self.pictures.measured(cell_pixels());
            }
        }
    }

    /// Somebody else has written on the terminal: the next frame is drawn whole.
    ///
    /// # Errors
    /// None that a terminal could cause; ratatui's signature has one.
    pub fn redraw(&mut self) -> io::Result<()> {
        self.terminal.backend_mut().forget();
        #[cfg(feature = "graphics")]
        self.pictures.forget();
        self.terminal.clear()
    }

    /// Draws a frame, unless the terminal is still taking the one before.
    ///
    /// # Errors
    /// The terminal is gone.
    pub fn draw(&mut self, view: impl FnOnce(&mut Frame<'_>)) -> io::Result<Drawn> {
        self.draw_with(|frame| {
            view(frame);
            None
        })
    }

    /// The same for a frame with a picture in it, which a terminal that can shows pixel by pixel.
    ///
    /// # Errors
    /// The terminal is gone.
    pub fn draw_with(&mut self, view: impl FnOnce(&mut Frame<'_>) -> Option<Sight>) -> io::Result<Drawn> {
        if !self.ready() {
            self.terminal.backend_mut().writer_mut().skip();
            return Ok(Drawn::Busy);
        }
        #[cfg(feature = "graphics")]
        {
            let (pictures, took) = (&mut self.pictures, self.terminal.backend().writer().took());
            self.terminal.draw(|frame| {
                let sight = view(frame);
                pictures.plan(sight.as_ref(), frame.buffer_mut(), std::time::Instant::now(), took);
            })?;
        }
        #[cfg(not(feature = "graphics"))]
        self.terminal.draw(|frame| drop(view(frame)))?;
        self.terminal.backend_mut().emit(self.piece);
        #[cfg(feature = "graphics")]
        match self.pictures.take() {
            picture if picture.is_empty() => {}
            picture => self.terminal.backend_mut().writer_mut().push(&picture),
        }
        Ok(match self.terminal.backend_mut().writer_mut().end()? {
            0 => Drawn::Unchanged,
            bytes => Drawn::Written(bytes),
        })
    }

    /// Sends a sequence that draws nothing, such as [`clipboard::osc52`]. It leaves at once, or
    /// after the next frame when the terminal is still taking the one before.
    ///
    /// # Errors
    /// The terminal is gone.
    pub fn send(&mut self, bytes: &[u8]) -> io::Result<()> {
        let writer = self.terminal.backend_mut().writer_mut();
        writer.push_beside(bytes);
        if writer.ready() {
            writer.end()?;
        }
        Ok(())
    }

    /// Whether a frame can be drawn now.
    #[must_use]
    pub fn ready(&self) -> bool {
        self.terminal.backend().writer().ready()
    }

    /// Whether a slow line shows only a part of the last frame: draw again when it is
    /// [`Screen::writable`]; what it is drawn from may have changed by then.
    #[must_use]
    pub fn behind(&self) -> bool {
        self.terminal.backend().behind()
    }

    /// Whether a sequence of [`Screen::send`] still waits for a frame to follow.
    #[must_use]
    pub fn pending(&self) -> bool {
        self.terminal.backend().writer().has_beside()
    }

    /// Waits until the terminal has taken the frame before. Cancel-safe.
    pub async fn writable(&self) {
        if let Some(idle) = &self.idle {
            idle.wait().await;
        }
    }

    /// What it shows pictures with.
    #[cfg(feature = "graphics")]
    #[must_use]
    pub const fn pictures(&self) -> &graphics::Pictures {
        &self.pictures
    }

    /// The same, to tell it what the terminal has answered.
    #[cfg(feature = "graphics")]
    pub const fn pictures_mut(&mut self) -> &mut graphics::Pictures {
        &mut self.pictures
    }

    /// Counters.
    #[must_use]
    pub fn stats(&self) -> Stats {
        self.terminal.backend().writer().stats()
    }
}

/// Bytes a second that the serial device on standard output is set to; `None` where it is none.
#[must_use]
pub fn line_pace() -> Option<u32> {
    let device = std::fs::read_link("/proc/self/fd/1").ok()?;
    let name = device.file_name()?.to_str()?;
    let serial = ["ttyS", "ttyUSB", "ttyACM", "ttyAMA", "ttyO", "ttymxc"].iter().any(|kind| name.starts_with(kind));
    let set = serial.then(|| rustix::termios::tcgetattr(rustix::stdio::stdout()).ok()).flatten()?;
    bytes_a_second(set.output_speed())
}

/// Bytes that a line of bits a second takes: a start bit, eight of data, a stop bit.
#[must_use]
pub const fn bytes_a_second(baud: u32) -> Option<u32> {
    if baud == 0 { None } else { Some(baud / 10) }
}

/// Pixels of a cell of the terminal on standard output, where the system knows them.
#[cfg(feature = "graphics")]
fn cell_pixels() -> Option<(u16, u16)> {
    let size = rustix::termios::tcgetwinsize(rustix::stdio::stdout()).ok()?;
    let side = |pixels: u16, cells: u16| pixels.checked_div(cells).filter(|n| *n > 0);
    side(size.ws_xpixel, size.ws_col).zip(side(size.ws_ypixel, size.ws_row))
}

/// Columns and rows of the terminal on standard output. A serial line does not know them: then
/// COLUMNS and LINES, or 80x24.
#[must_use]
pub fn size() -> (u16, u16) {
    let asked = rustix::termios::tcgetwinsize(rustix::stdio::stdout());
    let (columns, rows) = asked.map_or((0, 0), |s| (s.ws_col, s.ws_row));
    let said = |name: &str| std::env::var(name).ok().and_then(|v| v.parse().ok()).filter(|n| *n > 0);
    let or = |asked: u16, name: &str, usual: u16| if asked > 0 { asked } else { said(name).unwrap_or(usual) };
    (or(columns, "COLUMNS", 80), or(rows, "LINES", 24))
}
