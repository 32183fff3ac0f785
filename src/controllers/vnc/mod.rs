//! The screen of a machine over VNC: an RFB session on any stream of bytes (TCP, a Unix socket, a
//! tunnel), that keeps the picture, says what changed, and sends keys and the pointer.
//!
//! The protocol is `vnc-rs`'s. It runs in tasks of its own: what goes wrong there, a panic included,
//! ends the session with an [`Error`] and nothing else.

mod error;
mod frame;
pub mod keys;
mod session;
mod tap;

use std::time::Duration;

pub use error::{Error, Refused};
pub use frame::{Area, Frame, Pointer};
pub use keys::KeyEvent;
pub use session::{News, Session, connect};

use secrecy::SecretString;

use crate::model::console::Stroke;

/// How a session is opened.
#[derive(Debug)]
pub struct Options {
    /// Password, where the server asks for one.
    pub password: Option<SecretString>,
    /// Whether other viewers may stay.
    pub shared: bool,
    /// Whether no input is ever sent.
    pub view_only: bool,
    /// Whether bytes cost nothing (this machine): pictures are not compressed then.
    pub near: bool,
    /// Least time between two frames.
    pub frame: Duration,
    /// How long the server may take to let us in.
    pub patience: Duration,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            password: None,
            shared: true,
            view_only: false,
            near: false,
            frame: Duration::from_millis(33),
            patience: Duration::from_secs(10),
        }
    }
}

/// Buttons of a pointer, as bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Buttons(pub u8);

impl Buttons {
    /// Left.
    pub const LEFT: u8 = 1;
    /// Middle.
    pub const MIDDLE: u8 = 2;
    /// Right.
    pub const RIGHT: u8 = 4;
    /// Wheel up; wheels are pressed and let go.
    pub const WHEEL_UP: u8 = 8;
    /// Wheel down.
    pub const WHEEL_DOWN: u8 = 16;
    /// Wheel left.
    pub const WHEEL_LEFT: u8 = 32;
    /// Wheel right.
    pub const WHEEL_RIGHT: u8 = 64;
}

/// What is sent to the machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Input {
    /// A key, with what is held.
    Stroke(Stroke),
    /// A combination by its name (`ctrl-alt-delete`); see [`crate::model::combination`].
    Combination(String),
    /// A key that stays down or goes up, by its keysym.
    Key(KeyEvent),
    /// Text, key by key, no faster than a machine takes it.
    Type(String),
    /// The pointer, in pixels of the picture.
    Pointer {
        /// From the left.
        x: u16,
        /// From the top.
        y: u16,
        /// Held.
        buttons: Buttons,
    },
    /// Text for the machine's clipboard. Characters beyond Latin-1 arrive as `?`.
    Clipboard(String),
    /// Somebody else goes on: what waits to be typed is dropped, and what is held down is let go of.
    LetGo,
    /// Another size of the desktop; the machine may decline.
    Size {
        /// Pixels.
        width: u16,
        /// Pixels.
        height: u16,
    },
}
