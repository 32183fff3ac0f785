//! The end of who looks at a console that another noctule has.

use std::sync::Arc;
use std::time::Duration;

use futures_util::{SinkExt as _, StreamExt as _};
use tokio::io::{AsyncRead, AsyncWrite, ReadHalf, WriteHalf, split};
use tokio::time::timeout;
use tokio_util::codec::{FramedRead, FramedWrite, LengthDelimitedCodec};

use crate::controllers::vnc::Area;
use crate::model::console::{Picture, Presence};
use crate::workers::relay::wire::{pack, unpack};

use super::picture::Seen;
use super::wire::{PROTOCOL, Say, Tell, codec, words};

/// How long the other end has to take something.
const PATIENCE: Duration = Duration::from_secs(5);

/// What is at the other end.
pub(in crate::workers::console) trait Pipe:
    AsyncRead + AsyncWrite + Send + Unpin + 'static
{
}

impl<T: AsyncRead + AsyncWrite + Send + Unpin + 'static> Pipe for T {}

/// Why there is no more.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::workers::console) enum End {
    /// Whoever had the console is gone: it can be taken over.
    Gone,
    /// The console ended, or we are not wanted; in words.
    Ended(String),
}

/// What comes.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::workers::console) enum Told {
    /// Output from before.
    Past(Vec<u8>),
    /// Output.
    Output(Vec<u8>),
    /// The terminal has so many rows and columns.
    Size(u16, u16),
    /// Who looks and who types.
    Presence(Presence),
    /// Words.
    Note(String),
    /// The screen shows this.
    Picture(Arc<Picture>),
    /// It is called so.
    Title(String),
    /// The machine rang.
    Bell,
    /// The machine put a text on its clipboard.
    Clipboard(String),
}

/// A console that another noctule has.
pub(in crate::workers::console) struct Link {
    read: FramedRead<ReadHalf<Box<dyn Pipe>>, LengthDelimitedCodec>,
    write: FramedWrite<WriteHalf<Box<dyn Pipe>>, LengthDelimitedCodec>,
    seen: Seen,
}

/// Who comes, and to what.
#[derive(Debug, Clone)]
pub(in crate::workers::console) struct Guest {
    /// What it calls itself.
    pub(in crate::workers::console) name: String,
    /// The console.
    pub(in crate::workers::console) console: String,
    /// It never types.
    pub(in crate::workers::console) looks_only: bool,
    /// It has shown the console before.
    pub(in crate::workers::console) knows: bool,
}

impl Link {
    /// Comes in; as long as the other end takes to open the console.
    pub(in crate::workers::console) async fn join(pipe: impl Pipe, guest: Guest) -> Result<Self, End> {
        let (read, write) = split(Box::new(pipe) as Box<dyn Pipe>);
        let (read, write) = (FramedRead::new(read, codec()), FramedWrite::new(write, codec()));
        let mut link = Self { read, write, seen: Seen::default() };
        let Guest { name, console, looks_only, knows } = guest;
        link.say(&Say::Hello { protocol: PROTOCOL, name, console, looks_only, knows }).await?;
        match link.hear().await? {
            Tell::Welcome { protocol: PROTOCOL } => Ok(link),
            Tell::Welcome { protocol } => Err(End::Ended(format!(
                "the noctule that has this console is of another version (it speaks {protocol}, we {PROTOCOL}): end one of them"
            ))),
            Tell::Refused(why) => Err(End::Ended(words(&why))),
            _ => Err(garbled()),
        }
    }

    async fn hear(&mut self) -> Result<Tell, End> {
        match self.read.next().await {
            Some(Ok(frame)) => unpack(&frame).ok_or_else(garbled),
            Some(Err(_)) | None => Err(End::Gone),
        }
    }

    /// Says something: the other end sees to it that only who has control is heard.
    pub(in crate::workers::console) async fn say(&mut self, what: &Say) -> Result<(), End> {
        let Some(frame) = pack(what) else { return Ok(()) };
        match timeout(PATIENCE, self.write.send(frame)).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(_)) | Err(_) => Err(End::Gone),
        }
    }

    /// The next that comes. May be cancelled: nothing is lost.
    pub(in crate::workers::console) async fn next(&mut self) -> Result<Told, End> {
        loop {
            return Ok(match self.hear().await? {
                Tell::Past(bytes) => Told::Past(bytes),
                Tell::Output(bytes) => Told::Output(bytes),
                Tell::Size { rows, columns } => Told::Size(rows, columns),
                Tell::Presence(here) => Told::Presence(here.into()),
                Tell::Note(note) => Told::Note(words(&note)),
                Tell::Title(title) => Told::Title(words(&title)),
                Tell::Bell => Told::Bell,
                Tell::Clipboard(text) => Told::Clipboard(text),
                Tell::Picture { width, height } => {
                    self.seen.resize(width, height).ok_or_else(garbled)?;
                    continue;
                }
                Tell::Part { x, y, width, height, zlib } => {
                    let area = Area { x: x.into(), y: y.into(), width: width.into(), height: height.into() };
                    self.seen.draw(area, &zlib).ok_or_else(garbled)?;
                    continue;
                }
                Tell::Shown => Told::Picture(self.seen.shown().ok_or_else(garbled)?),
                Tell::Ended(why) | Tell::Refused(why) => return Err(End::Ended(words(&why))),
                Tell::Welcome { .. } => return Err(garbled()),
            });
        }
    }

    /// Asks for control, or gives it back.
    pub(in crate::workers::console) async fn control(&mut self, wanted: bool) -> Result<(), End> {
        self.say(&Say::Control(wanted)).await
    }

    /// Hands control over.
    pub(in crate::workers::console) async fn hand_over(&mut self) -> Result<(), End> {
        self.say(&Say::HandOver).await
    }
}

/// Nonsense from the other end. It is not gone: what it has is not taken over because of it.
pub(in crate::workers::console) fn garbled() -> End {
    End::Ended("the noctule that has this console says what is no message: end it, or share nothing".to_owned())
}
