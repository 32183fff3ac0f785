//! A peer from its first word to its end: what waits for it, and the tasks that take it in and serve it.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bytes::Bytes;
use futures_util::{SinkExt as _, StreamExt as _};
use tokio::io::{AsyncWrite, split};
use tokio::sync::mpsc::{self, UnboundedReceiver, UnboundedSender};
use tokio::task::{JoinSet, yield_now};
use tokio::time::{Instant, sleep, timeout};
use tokio_util::codec::{FramedRead, FramedWrite, LengthDelimitedCodec};

use crate::workers::relay::socket::us;
use crate::workers::relay::wire::{pack, unpack};

use super::super::control::Member;
use super::super::link::Pipe;
use super::super::picture::Latest;
use super::super::place::{Seat, user_name};
use super::super::wire::{PROTOCOL, Say, Tell, codec, name};
use super::{Event, Heard, US};

/// Peers served at a time.
const MOST: usize = 32;
/// And so many more that are told why they are not.
const REFUSED: usize = 8;
/// How long a peer has for its first frame, and to take one of ours.
const PATIENCE: Duration = Duration::from_secs(5);
/// Bytes that wait for a peer at most.
pub(super) const MOST_QUEUED: usize = 4 << 20;
/// What a frame takes beside its bytes, about.
const FRAME: usize = 64;
/// Pause after the system gave no connection.
const PAUSE: Duration = Duration::from_millis(500);

/// Frames on their way to a peer.
#[derive(Debug)]
pub(in crate::workers::console) struct Outbox {
    frames: UnboundedSender<Bytes>,
    queued: Arc<AtomicUsize>,
    /// The picture, which is not queued: what the peer takes next is what it shows then.
    pub(in crate::workers::console) picture: Arc<Latest>,
}

impl Outbox {
    /// Queues a frame; whether there was room.
    pub(in crate::workers::console) fn push(&self, frame: Bytes) -> bool {
        let size = frame.len() + FRAME;
        if self.queued.load(Ordering::Relaxed) + size > MOST_QUEUED {
            return false;
        }
        self.queued.fetch_add(size, Ordering::Relaxed);
        // A peer that is gone says so by itself.
        let _ = self.frames.send(frame);
        true
    }

    /// Queues a message; whether there was room.
    pub(in crate::workers::console) fn say(&self, what: &Tell) -> bool {
        pack(what).is_some_and(|frame| self.push(frame))
    }

    /// Whether the peer has taken everything.
    pub(super) fn is_empty(&self) -> bool {
        self.queued.load(Ordering::Relaxed) == 0
    }
}

/// Takes connections until nobody listens to `events` any more, and then waits for the peers' last words.
pub(super) async fn listen(seat: Seat, events: mpsc::Sender<Event>) {
    let mut peers = JoinSet::new();
    let mut last = US;
    loop {
        tokio::select! {
            () = events.closed() => break,
            Some(_) = peers.join_next() => {}
            taken = seat.listening.listener.accept() => match taken {
                Ok((stream, _)) => {
                    let Ok(uid) = stream.peer_cred().map(|cred| cred.uid()) else { continue };
                    let why = if !seat.group && uid != us() {
                        "it belongs to another user, who shares it with nobody else".to_owned()
                    } else if peers.len() >= MOST {
                        format!("{MOST} look at it already")
                    } else {
                        String::new()
                    };
                    if !why.is_empty() {
                        tracing::warn!(uid, %why, "a look at a shared console was refused");
                        if peers.len() < MOST + REFUSED {
                            peers.spawn(refuse(stream, why));
                        }
                        continue;
                    }
                    last += 1;
                    peers.spawn(serve(stream, last, uid, seat.console.clone(), events.clone()));
                }
                Err(error) => {
                    tracing::warn!(%error, "no connection could be taken");
                    sleep(PAUSE).await;
                }
            },
        }
    }
    // Nobody who comes now is served: the name goes first.
    drop(seat);
    while peers.join_next().await.is_some() {}
}

/// Says why it is of no use to come again.
async fn refuse(pipe: impl Pipe, why: String) {
    let (read, write) = split(pipe);
    let (mut read, mut write) = (FramedRead::new(read, codec()), FramedWrite::new(write, codec()));
    let Some(frame) = pack(&Tell::Refused(why)) else { return };
    let said = async {
        // Its first word is waited for: one that is hung up on while it speaks hears nothing.
        drop(read.next().await);
        write.send(frame).await
    };
    let _ = timeout(PATIENCE, said).await;
}

/// One peer, from its first word to its end.
pub(super) async fn serve(pipe: impl Pipe, id: Member, uid: u32, console: String, events: mpsc::Sender<Event>) {
    let (read, write) = split(pipe);
    let (mut read, mut write) = (FramedRead::new(read, codec()), FramedWrite::new(write, codec()));
    let Ok(Some(Ok(first))) = timeout(PATIENCE, read.next()).await else { return };
    let Some(Say::Hello { protocol, name: called, console: wanted, looks_only, knows }) = unpack(&first) else {
        return;
    };
    let no = if protocol != PROTOCOL {
        Some(Tell::Welcome { protocol: PROTOCOL })
    } else if wanted != console {
        Some(Tell::Refused("it is another console that is shared here".to_owned()))
    } else {
        None
    };
    if let Some(frame) = no.and_then(|no| pack(&no)) {
        let _ = timeout(PATIENCE, write.send(frame)).await;
        return;
    }
    let (frames, mut queue) = mpsc::unbounded_channel();
    let queued = Arc::new(AtomicUsize::new(0));
    let picture = Arc::new(Latest::default());
    let out = Outbox { frames, queued: Arc::clone(&queued), picture: Arc::clone(&picture) };
    let came = Heard::Came { id, name: shown(&called, &user_name(uid)), looks_only, knows, out };
    if events.send(Event(came)).await.is_err() {
        return;
    }
    let reading = async {
        while let Some(Ok(frame)) = read.next().await {
            let Some(say) = unpack(&frame) else {
                tracing::warn!(bytes = frame.len(), "a look at a shared console said what is no message");
                break;
            };
            if events.send(Event(Heard::Said(id, say))).await.is_err() {
                // The console ends: what is left to say is said.
                std::future::pending::<()>().await;
            }
        }
    };
    tokio::select! {
        () = reading => {}
        () = writing(&mut queue, &queued, &picture, &mut write) => {}
    }
    let _ = events.send(Event(Heard::Gone(id))).await;
}

/// Sends what is queued and the picture as it changes, until the queue has no other end or the peer
/// takes no more.
async fn writing<W: AsyncWrite + Unpin>(
    queue: &mut UnboundedReceiver<Bytes>,
    queued: &AtomicUsize,
    picture: &Latest,
    write: &mut FramedWrite<W, LengthDelimitedCodec>,
) {
    let mut last = None;
    loop {
        tokio::select! {
            biased;
            frame = queue.recv() => {
                let Some(frame) = frame else { return };
                let size = frame.len() + FRAME;
                if !matches!(timeout(PATIENCE, write.send(frame)).await, Ok(Ok(()))) {
                    return;
                }
                queued.fetch_sub(size, Ordering::Relaxed);
            }
            update = picture.next(last) => {
                for frame in update.frames() {
                    if !matches!(timeout(PATIENCE, write.send(frame)).await, Ok(Ok(()))) {
                        return;
                    }
                    // Each took its time to be compressed.
                    yield_now().await;
                }
                last = Some(Instant::now());
            }
        }
    }
}

/// A name for people: who the kernel says it is, and what it calls itself where that is something else.
pub(super) fn shown(called: &str, user: &str) -> String {
    let called = name(called).replace(['(', ')'], "");
    if called.is_empty() || called == user { name(user) } else { format!("{called} ({})", name(user)) }
}
