//! A stream that remembers how a conversation began. The library tells in its errors neither what
//! login a server asks for nor, later, the server's name; both stand in the first bytes. Towards the
//! server it puts clipboards into the encoding that RFB asks for, which the library does not.

use std::collections::VecDeque;
use std::io;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// Bytes of the beginning that are remembered: lists of security types, and a name of 4 kB.
const MOST: usize = 8192;
/// The message that carries a clipboard, and where its text begins.
const CUT_TEXT: u8 = 6;
const CUT_TEXT_HEAD: usize = 8;

/// What was read so far, while somebody listens.
#[derive(Debug, Default)]
pub(super) struct Heard {
    bytes: Mutex<Vec<u8>>,
    /// The handshake is over: what is written are messages.
    open: AtomicBool,
}

impl Heard {
    /// The first bytes that the server said.
    pub(super) fn bytes(&self) -> Vec<u8> {
        self.bytes.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// From now on messages are written, and nothing is remembered.
    pub(super) fn open(&self) {
        self.open.store(true, Ordering::Release);
    }
}

/// The stream.
#[derive(Debug)]
pub(super) struct Tap<S> {
    inner: S,
    heard: Arc<Heard>,
    /// Read before the library was there.
    first: VecDeque<u8>,
    /// Taken from the library and not written yet.
    rest: VecDeque<u8>,
    /// Nothing more can be written.
    broken: bool,
}

impl<S> Tap<S> {
    /// A stream whose first bytes were read already.
    pub(super) fn new(inner: S, first: &[u8]) -> (Self, Arc<Heard>) {
        let heard = Arc::new(Heard { bytes: Mutex::new(first.to_vec()), open: AtomicBool::new(false) });
        (
            Self { inner, heard: heard.clone(), first: first.to_vec().into(), rest: VecDeque::new(), broken: false },
            heard,
        )
    }
}

impl<S: AsyncWrite + Unpin> Tap<S> {
    fn poll_rest(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        while !self.rest.is_empty() {
            let written = ready!(Pin::new(&mut self.inner).poll_write(cx, self.rest.as_slices().0))?;
            if written == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
            self.rest.drain(..written);
        }
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncRead for Tap<S> {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        // The library never flushes; while it waits to read, what it wrote goes out.
        // That it does not is the next write's to tell: what the server said before it left is worth more.
        if let Poll::Ready(Err(_)) = this.poll_rest(cx) {
            this.broken = true;
            this.rest.clear();
        }
        if !this.first.is_empty() {
            let n = buf.remaining().min(this.first.len());
            for byte in this.first.drain(..n) {
                buf.put_slice(&[byte]);
            }
            return Poll::Ready(Ok(()));
        }
        let before = buf.filled().len();
        ready!(Pin::new(&mut this.inner).poll_read(cx, buf))?;
        if !this.heard.open.load(Ordering::Acquire) {
            let mut bytes = this.heard.bytes.lock().unwrap_or_else(PoisonError::into_inner);
            let room = MOST.saturating_sub(bytes.len());
            bytes.extend(buf.filled().iter().skip(before).take(room));
        }
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Tap<S> {
    /// The library writes a message at a time; it is taken as a whole.
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let open = this.heard.open.load(Ordering::Acquire);
        if this.broken && open {
            return Poll::Ready(Err(io::ErrorKind::BrokenPipe.into()));
        }
        ready!(this.poll_rest(cx))?;
        match latin1(buf).filter(|_| open) {
            Some(message) => this.rest.extend(message),
            None => this.rest.extend(buf),
        }
        match this.poll_rest(cx) {
            Poll::Ready(Err(e)) if open => Poll::Ready(Err(e)),
            Poll::Ready(Err(_)) => {
                this.broken = true;
                this.rest.clear();
                Poll::Ready(Ok(buf.len()))
            }
            _ => Poll::Ready(Ok(buf.len())),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        ready!(this.poll_rest(cx))?;
        Pin::new(&mut this.inner).poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        ready!(this.poll_rest(cx))?;
        Pin::new(&mut this.inner).poll_shutdown(cx)
    }
}

/// A clipboard message with its text in Latin-1 instead of UTF-8; `None` for other messages.
fn latin1(message: &[u8]) -> Option<Vec<u8>> {
    let (head, text) = message.split_at_checked(CUT_TEXT_HEAD)?;
    let (&[kind, ..], [.., a, b, c, d]) = (head, head) else { return None };
    if kind != CUT_TEXT || u32::from_be_bytes([*a, *b, *c, *d]) as usize != text.len() {
        return None;
    }
    let text: Vec<u8> =
        std::str::from_utf8(text).ok()?.chars().map(|c| u8::try_from(u32::from(c)).unwrap_or(b'?')).collect();
    let mut out = vec![CUT_TEXT, 0, 0, 0];
    out.extend(u32::try_from(text.len()).ok()?.to_be_bytes());
    out.extend(text);
    Some(out)
}

/// How a server began.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Beginning {
    /// Security types that it offers.
    pub(super) security: Vec<u8>,
    /// Name of the desktop, once it was told.
    pub(super) name: Option<String>,
}

impl Beginning {
    /// Reads the first bytes of a server, as far as they go.
    pub(super) fn of(heard: &[u8]) -> Self {
        let mut out = Self::default();
        let old = heard.get(4..11).is_none_or(|version| version < b"003.007".as_slice());
        let newest = heard.get(4..11) == Some(b"003.008".as_slice());
        let mut at = 12;
        if old {
            out.security.extend(heard.get(at + 3).copied());
            at += 4;
        } else if let Some(count) = heard.get(at).copied().map(usize::from) {
            out.security.extend(heard.get(at + 1..).unwrap_or(&[]).iter().take(count));
            at += 1 + count;
        }
        // No login is taken wherever it is offered.
        let password = !out.security.contains(&1);
        at += if password { 16 } else { 0 };
        at += if password || newest { 4 } else { 0 };
        // Width, height and format come before the name.
        at += 20;
        out.name = heard.get(at..at + 4).and_then(|length| length.try_into().ok()).and_then(|length| {
            let length = u32::from_be_bytes(length) as usize;
            heard.get(at + 4..(at + 4).checked_add(length)?).map(|name| String::from_utf8_lossy(name).into_owned())
        });
        out
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_beginning_tells_logins_and_name() {
        let mut heard = b"RFB 003.008\n\x02\x13\x14".to_vec();
        assert_eq!(Beginning::of(&heard), Beginning { security: vec![19, 20], name: None });
        heard = b"RFB 003.008\n\x01\x01\0\0\0\0".to_vec();
        heard.extend([0; 20]);
        heard.extend(b"\0\0\0\x04QEMU");
        assert_eq!(Beginning::of(&heard).name.as_deref(), Some("QEMU"));
        heard = b"RFB 003.003\n\0\0\0\x01".to_vec();
        heard.extend([0; 20]);
        heard.extend(b"\0\0\0\x02vm");
        assert_eq!(Beginning::of(&heard), Beginning { security: vec![1], name: Some("vm".into()) });
    }

    #[test]
    fn clipboards_go_out_as_latin_1() {
        let text = "é€x";
        let mut message = vec![6, 0, 0, 0, 0, 0, 0, text.len() as u8];
        message.extend(text.as_bytes());
        assert_eq!(latin1(&message).unwrap(), [6, 0, 0, 0, 0, 0, 0, 3, 0xe9, b'?', b'x']);
        assert_eq!(latin1(&[4, 1, 0, 0, 0, 0, 0, 65]), None);
        assert_eq!(latin1(&[6, 0, 0, 0, 0, 0, 0, 9, 65]), None);
    }

    proptest! {
        #[test]
        fn any_beginning_is_read(heard in proptest::collection::vec(any::<u8>(), 0..200)) {
            let beginning = Beginning::of(&heard);
            prop_assert!(beginning.security.len() <= 255);
        }
    }
}
