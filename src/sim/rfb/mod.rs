//! A VNC server: the screens of simulated guests, and what the tests of the client run against.
//!
//! RFB 3.8, security None and VNC authentication, Raw rectangles of what changed, the size of the
//! desktop both ways, clipboard. The guest behind it is whatever implements [`Guest`].

mod des;
mod viewer;

use std::sync::{Arc, Mutex, PoisonError};

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::watch;

use crate::model::console::Picture;

/// What happens at the other end of a screen. Called with no lock of the screen held.
pub trait Guest: Send + Sync + 'static {
    /// A key went down or up; `keysym` as X11 numbers them.
    fn key(&self, screen: &Display, keysym: u32, down: bool);

    /// The pointer is at `x`, `y` with these buttons: bit 0 left, 1 middle, 2 right, 3 to 6 wheel up,
    /// down, left, right.
    fn pointer(&self, screen: &Display, x: u16, y: u16, buttons: u8) {
        let _ = (screen, x, y, buttons);
    }

    /// A viewer put text into the clipboard.
    fn cut_text(&self, screen: &Display, text: &str) {
        let _ = (screen, text);
    }

    /// A viewer asks for another size; whether it is granted. A guest that grants it shows a picture
    /// of that size.
    fn resize(&self, screen: &Display, width: u16, height: u16) -> bool {
        let _ = (screen, width, height);
        false
    }
}

/// How viewers are let in.
#[derive(Debug, Clone)]
pub struct RfbOptions {
    /// Name of the desktop.
    pub name: String,
    /// Password; `None` lets everybody in.
    pub password: Option<String>,
    /// Security types that are offered in place of what the password asks for: for servers that want
    /// what a client does not have.
    pub offered: Option<Vec<u8>>,
}

impl Default for RfbOptions {
    fn default() -> Self {
        Self { name: "guest".to_owned(), password: None, offered: None }
    }
}

struct Shared {
    picture: Mutex<Arc<Picture>>,
    /// Counts pictures.
    shown: watch::Sender<u64>,
    /// What the guest has in its clipboard, and its count.
    clip: watch::Sender<(u64, Arc<str>)>,
    bells: watch::Sender<u64>,
}

/// The screen of a guest: every viewer sees the same. A clone is the same screen.
#[derive(Clone)]
pub struct Display(Arc<Shared>);

impl std::fmt::Debug for Display {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Display").field("shown", &*self.0.shown.borrow()).finish()
    }
}

impl Display {
    /// A screen that shows a picture.
    #[must_use]
    pub fn new(picture: Picture) -> Self {
        Self(Arc::new(Shared {
            picture: Mutex::new(Arc::new(picture)),
            shown: watch::Sender::new(0),
            clip: watch::Sender::new((0, Arc::from(""))),
            bells: watch::Sender::new(0),
        }))
    }

    /// Shows another picture; viewers get what changed, when they ask next.
    pub fn show(&self, picture: Picture) {
        *self.0.picture.lock().unwrap_or_else(PoisonError::into_inner) = Arc::new(picture);
        self.0.shown.send_modify(|n| *n += 1);
    }

    /// What is shown.
    #[must_use]
    pub fn picture(&self) -> Arc<Picture> {
        self.0.picture.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Tells viewers what the guest put into its clipboard.
    pub fn copy(&self, text: &str) {
        self.0.clip.send_modify(|clip| *clip = (clip.0 + 1, Arc::from(text)));
    }

    /// Rings at every viewer.
    pub fn bell(&self) {
        self.0.bells.send_modify(|n| *n += 1);
    }
}

/// Serves one viewer until it leaves.
///
/// # Errors
/// When the connection breaks or the viewer says what RFB does not have.
pub async fn serve<S>(stream: S, options: &RfbOptions, display: &Display, guest: &dyn Guest) -> std::io::Result<()>
where
    S: AsyncRead + AsyncWrite + Unpin + Send,
{
    viewer::serve(stream, options, display, guest).await
}
