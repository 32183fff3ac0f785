//! The end of who has a console: serves it to the others that come to the socket.
//!
//! Output is put into a queue a peer and never waited for. A peer that falls behind gets no more of it
//! until it has caught up, and then the screen as it is; one that takes nothing any more is dropped.
//! What a peer types is let through here or not at all, whatever its own end thinks.

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bytes::Bytes;
use futures_util::{SinkExt as _, StreamExt as _};
use tokio::io::split;
use tokio::sync::mpsc::{self, UnboundedReceiver, UnboundedSender};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, sleep_until, timeout};
use tokio_util::codec::{FramedRead, FramedWrite};

use crate::engine::emulator::{Emulator, MOST_COLUMNS, MOST_ROWS};
use crate::model::console::Presence;
use crate::workers::relay::socket::us;
use crate::workers::relay::wire::{pack, unpack};

use super::control::{Control, Done, Member};
use super::link::Pipe;
use super::past::Past;
use super::place::{Seat, user_name};
use super::wire::{Here, MOST_BYTES, PROTOCOL, Say, Tell, codec, frames, name};

/// Peers served at a time.
const MOST: usize = 32;
/// How long a peer has for its first frame, and to take one of ours.
const PATIENCE: Duration = Duration::from_secs(5);
/// Bytes that wait for a peer at most.
const MOST_QUEUED: usize = 4 << 20;
/// What a frame takes beside its bytes, about.
const FRAME: usize = 64;
/// Between two looks at peers that have fallen behind.
const AGAIN: Duration = Duration::from_millis(100);
/// Pause after the system gave no connection.
const PAUSE: Duration = Duration::from_millis(500);
/// Things that peers said and nobody has looked at yet.
const WAITING: usize = 64;
/// How long the last words may take.
const LAST: Duration = Duration::from_secs(1);

/// Ourselves.
const US: Member = 0;

/// Frames on their way to a peer.
#[derive(Debug)]
struct Outbox {
    frames: UnboundedSender<Bytes>,
    queued: Arc<AtomicUsize>,
}

impl Outbox {
    /// Queues a frame; whether there was room.
    fn push(&self, frame: Bytes) -> bool {
        let size = frame.len() + FRAME;
        if self.queued.load(Ordering::Relaxed) + size > MOST_QUEUED {
            return false;
        }
        self.queued.fetch_add(size, Ordering::Relaxed);
        // A peer that is gone says so by itself.
        let _ = self.frames.send(frame);
        true
    }

    fn say(&self, what: &Tell) -> bool {
        pack(what).is_some_and(|frame| self.push(frame))
    }
}

/// What a peer's task tells.
#[derive(Debug)]
pub(in crate::workers::console) struct Event(Heard);

#[derive(Debug)]
enum Heard {
    Came {
        id: Member,
        name: String,
        looks_only: bool,
        knows: bool,
        out: Outbox,
    },
    Said(Member, Say),
    Gone(Member),
    /// Time has passed.
    Time,
}

/// What has to be done at the console because of one.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::workers::console) enum Asked {
    /// This was typed by who may.
    Input(Bytes),
    /// The terminal gets so many rows and columns.
    Size(u16, u16),
    /// Others look, or somebody else types.
    Presence(Presence),
}

/// Somebody else who looks.
#[derive(Debug)]
struct Peer {
    out: Outbox,
    /// It has missed output, and gets the screen once it has caught up.
    behind: bool,
    /// It has been told that it may not type.
    told: bool,
}

/// Is told what happens among those who share.
pub(in crate::workers::console) type Audit = Box<dyn Fn(&Done) + Send + Sync>;

/// A console as it is shared.
pub(in crate::workers::console) struct Hub {
    control: Control,
    past: Past,
    peers: BTreeMap<Member, Peer>,
    heard: mpsc::Receiver<Event>,
    audit: Audit,
    /// Who serves the socket and the peers; ends with this.
    tasks: JoinSet<()>,
}

impl Hub {
    /// Serves a console that `emulator` shows. Must be called in the runtime.
    pub(in crate::workers::console) fn start(
        seat: Seat,
        (us, looks_only): (&str, bool),
        idle: Duration,
        emulator: &Emulator,
        audit: Audit,
    ) -> Self {
        let (events, heard) = mpsc::channel(WAITING);
        let mut hub = Self::quiet((us, looks_only), idle, emulator, audit, heard);
        hub.tasks.spawn(listen(seat, events));
        hub
    }

    fn quiet(
        (us, looks_only): (&str, bool),
        idle: Duration,
        emulator: &Emulator,
        audit: Audit,
        heard: mpsc::Receiver<Event>,
    ) -> Self {
        let now = Instant::now();
        let mut control = Control::new(idle, now);
        // That we opened it and type is no news.
        let _ = control.join(US, name(us), looks_only);
        let _ = control.request(US, now);
        let past = Past::new(emulator);
        Self { control, past, peers: BTreeMap::new(), heard, audit, tasks: JoinSet::new() }
    }

    /// The next that has to be looked at. May be cancelled: nothing is lost.
    pub(in crate::workers::console) async fn next(&mut self) -> Event {
        let behind = self.peers.values().any(|peer| peer.behind);
        let due = self.control.due();
        tokio::select! {
            Some(event) = self.heard.recv() => event,
            () = sleep(AGAIN), if behind => Event(Heard::Time),
            () = sleep_until(due.unwrap_or_else(Instant::now)), if due.is_some() => Event(Heard::Time),
            else => std::future::pending().await,
        }
    }

    /// Looks at it.
    pub(in crate::workers::console) fn look(&mut self, event: Event, emulator: &Emulator) -> Option<Asked> {
        let now = Instant::now();
        match event.0 {
            Heard::Came { id, name, looks_only, knows, out } => {
                let peer = Peer { out, behind: false, told: false };
                peer.out.say(&Tell::Welcome { protocol: PROTOCOL });
                self.show(&peer, emulator, !knows);
                self.peers.insert(id, peer);
                let done = self.control.join(id, name, looks_only);
                self.news(&done)
            }
            Heard::Gone(id) => {
                self.peers.remove(&id)?;
                let done = self.control.leave(id, now);
                self.news(&done)
            }
            Heard::Said(id, say) => {
                self.peers.get(&id)?;
                self.said(id, say, now)
            }
            Heard::Time => {
                self.catch_up(emulator);
                let done = self.control.expire(now);
                self.news(&done)
            }
        }
    }

    fn said(&mut self, id: Member, say: Say, now: Instant) -> Option<Asked> {
        let done = match say {
            // A peer that introduces itself twice is none.
            Say::Hello { .. } => {
                self.peers.remove(&id);
                self.control.leave(id, now)
            }
            Say::Control(true) => self.control.request(id, now).unwrap_or_else(|why| self.refuse(id, why)),
            Say::Control(false) => self.control.release(id, now),
            Say::HandOver => self.control.hand_over(id, now).unwrap_or_else(|why| self.refuse(id, why)),
            Say::Input(bytes) if bytes.len() > MOST_BYTES => Vec::new(),
            Say::Input(bytes) => match self.control.types(id, now) {
                Ok(_) => return Some(Asked::Input(bytes.into())),
                Err(why) => {
                    if let Some(peer) = self.peers.get_mut(&id).filter(|peer| !peer.told) {
                        peer.told = true;
                        peer.out.say(&Tell::Note(why));
                    }
                    Vec::new()
                }
            },
            Say::Size { rows, columns } => match self.control.types(id, now) {
                Ok(_) => return Some(Asked::Size(rows.clamp(1, MOST_ROWS), columns.clamp(1, MOST_COLUMNS))),
                Err(why) => self.refuse(id, &why),
            },
        };
        self.news(&done)
    }

    fn refuse(&self, id: Member, why: &str) -> Vec<Done> {
        if let Some(peer) = self.peers.get(&id) {
            peer.out.say(&Tell::Note(why.to_owned()));
        }
        Vec::new()
    }

    /// Tells everybody who looks and who types, and the log what was done.
    fn news(&mut self, done: &[Done]) -> Option<Asked> {
        if done.is_empty() {
            return None;
        }
        for done in done {
            (self.audit)(done);
        }
        for (id, peer) in &mut self.peers {
            peer.told = false;
            let here = here(&self.control, *id);
            peer.out.say(&Tell::Presence(here));
        }
        Some(Asked::Presence(here(&self.control, US).into()))
    }

    /// Shows the console to a peer: all that is remembered, or the screen alone.
    fn show(&self, peer: &Peer, emulator: &Emulator, all: bool) -> bool {
        let (rows, columns) = emulator.size();
        let screen = if all { None } else { emulator.redraw() };
        let pieces: Vec<&[u8]> = screen.as_ref().map_or_else(|| self.past.pieces().collect(), |s| vec![s.as_slice()]);
        // Whatever sequence the peer's terminal is in the middle of is given up.
        let pieces = std::iter::once(&b"\x18"[..]).chain(pieces);
        peer.out.say(&Tell::Size { rows, columns })
            && pieces.flat_map(|piece| frames(piece, Tell::Past)).all(|frame| peer.out.push(frame))
    }

    /// Output of the guest that `emulator` has read just now.
    pub(in crate::workers::console) fn output(&mut self, bytes: &[u8], emulator: &Emulator) {
        self.past.output(bytes, emulator);
        self.catch_up(emulator);
        if self.peers.values().all(|peer| peer.behind) {
            return;
        }
        for frame in frames(bytes, Tell::Output) {
            for peer in self.peers.values_mut().filter(|peer| !peer.behind) {
                peer.behind = !peer.out.push(frame.clone());
            }
        }
    }

    /// Peers that had fallen behind and have taken everything since see the screen as it is now.
    fn catch_up(&mut self, emulator: &Emulator) {
        let ready = |peer: &Peer| peer.behind && peer.out.queued.load(Ordering::Relaxed) == 0;
        let ids: Vec<Member> = self.peers.iter().filter(|(_, peer)| ready(peer)).map(|(id, _)| *id).collect();
        for id in ids {
            let Some(mut peer) = self.peers.remove(&id) else { continue };
            peer.behind = !self.show(&peer, emulator, false);
            // What was said meanwhile may have had no room.
            peer.out.say(&Tell::Presence(here(&self.control, id)));
            self.peers.insert(id, peer);
        }
    }

    /// The terminal has another size.
    pub(in crate::workers::console) fn resized(&mut self, emulator: &Emulator) {
        self.past.resized(emulator);
        let (rows, columns) = emulator.size();
        for peer in self.peers.values_mut().filter(|peer| !peer.behind) {
            peer.behind = !peer.out.say(&Tell::Size { rows, columns });
        }
    }

    /// We type: whether we may.
    ///
    /// # Errors
    /// Why not.
    pub(in crate::workers::console) fn types(&mut self) -> Result<Option<Presence>, String> {
        let done = self.control.types(US, Instant::now())?;
        Ok(self.told(&done))
    }

    /// We ask for control, or give it back.
    ///
    /// # Errors
    /// Why not.
    pub(in crate::workers::console) fn control(&mut self, wanted: bool) -> Result<Option<Presence>, String> {
        let now = Instant::now();
        let done = if wanted { self.control.request(US, now)? } else { self.control.release(US, now) };
        Ok(self.told(&done))
    }

    /// We hand control over.
    ///
    /// # Errors
    /// Why not.
    pub(in crate::workers::console) fn hand_over(&mut self) -> Result<Option<Presence>, String> {
        let done = self.control.hand_over(US, Instant::now())?;
        Ok(self.told(&done))
    }

    fn told(&mut self, done: &[Done]) -> Option<Presence> {
        match self.news(done) {
            Some(Asked::Presence(presence)) => Some(presence),
            _ => None,
        }
    }

    /// Whether nobody else looks.
    pub(in crate::workers::console) fn is_alone(&self) -> bool {
        self.peers.is_empty()
    }

    /// Who looks and who types.
    pub(in crate::workers::console) fn presence(&self) -> Presence {
        here(&self.control, US).into()
    }

    /// The console has ended: everybody is told, and comes no more.
    pub(in crate::workers::console) async fn end(mut self, why: &str) {
        for peer in self.peers.values() {
            peer.out.say(&Tell::Ended(why.to_owned()));
        }
        // Without their queues the peers' tasks end when they have said what is in them.
        self.peers.clear();
        self.heard.close();
        let _ = timeout(LAST, async { while self.tasks.join_next().await.is_some() {} }).await;
    }
}

fn here(control: &Control, to: Member) -> Here {
    Here {
        viewers: control.names().map(str::to_owned).collect(),
        control: control.holder_name(),
        yours: control.holder() == Some(to),
        wants: control.wants(),
    }
}

/// Takes connections until nobody listens to `events` any more, and then waits for the peers' last words.
async fn listen(seat: Seat, events: mpsc::Sender<Event>) {
    let mut peers = JoinSet::new();
    let mut last = US;
    loop {
        tokio::select! {
            () = events.closed() => break,
            Some(_) = peers.join_next() => {}
            taken = seat.listening.listener.accept() => match taken {
                Ok((stream, _)) => {
                    let Ok(uid) = stream.peer_cred().map(|cred| cred.uid()) else { continue };
                    if (!seat.group && uid != us()) || peers.len() >= MOST {
                        tracing::warn!(uid, "a look at a shared console was refused");
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

/// One peer, from its first word to its end.
async fn serve(pipe: impl Pipe, id: Member, uid: u32, console: String, events: mpsc::Sender<Event>) {
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
    let out = Outbox { frames, queued: Arc::clone(&queued) };
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
        () = writing(&mut queue, &queued, &mut write) => {}
    }
    let _ = events.send(Event(Heard::Gone(id))).await;
}

/// Sends what is queued, until the queue has no other end or the peer takes no more.
async fn writing<W: tokio::io::AsyncWrite + Unpin>(
    queue: &mut UnboundedReceiver<Bytes>,
    queued: &AtomicUsize,
    write: &mut FramedWrite<W, tokio_util::codec::LengthDelimitedCodec>,
) {
    while let Some(frame) = queue.recv().await {
        let size = frame.len() + FRAME;
        if !matches!(timeout(PATIENCE, write.send(frame)).await, Ok(Ok(()))) {
            return;
        }
        queued.fetch_sub(size, Ordering::Relaxed);
    }
}

/// A name for people: who the kernel says it is, and what it calls itself where that is something else.
fn shown(called: &str, user: &str) -> String {
    let called = name(called).replace(['(', ')'], "");
    if called.is_empty() || called == user { name(user) } else { format!("{called} ({})", name(user)) }
}
