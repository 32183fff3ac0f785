//! The end of who has a console: serves it to the others that come to the socket.
//!
//! What a console prints is put into a queue a peer and never waited for. A peer that falls behind gets
//! no more of it until it has caught up, and then the screen as it is; one that takes nothing any more
//! is dropped. What a peer types is let through here or not at all, whatever its own end thinks.

mod peer;
#[cfg(test)]
mod pictures;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, sleep_until, timeout};

use crate::model::console::Presence;

use super::control::{Control, Done, Member};
use super::place::Seat;
use super::wire::{Here, PROTOCOL, Say, Tell, name};

pub(in crate::workers::console) use peer::Outbox;

/// Between two looks at peers that have fallen behind.
const AGAIN: Duration = Duration::from_millis(100);
/// Things that peers said and nobody has looked at yet.
const WAITING: usize = 64;
/// How long the last words may take.
const LAST: Duration = Duration::from_secs(1);

/// Ourselves.
const US: Member = 0;

/// What is shared: how it is shown, and what may be done to it.
pub(in crate::workers::console) trait Subject: Send + 'static {
    /// What it is seen by at the end that has it.
    type Now;
    /// What is done to the machine.
    type Input: Send;

    /// Shows it to a peer, one that `knows` it without what was before; whether there was room.
    fn show(&self, out: &Outbox, now: &Self::Now, knows: bool) -> bool;

    /// What a peer does by saying so; `None`: nothing.
    fn heard(say: Say) -> Option<Self::Input>;

    /// The same the other way round.
    fn said(input: Self::Input) -> Vec<Say>;
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
pub(in crate::workers::console) enum Asked<I> {
    /// This is done to the machine by who may.
    Input(Member, I),
    /// Others look, or somebody else types.
    Presence(Presence),
}

/// Somebody else who looks.
#[derive(Debug)]
pub(super) struct Peer {
    pub(super) out: Outbox,
    /// It has missed output, and gets the screen once it has caught up.
    pub(super) behind: bool,
    /// It has been told that it may not type.
    told: bool,
}

/// Is told what happens among those who share.
pub(in crate::workers::console) type Audit = Box<dyn Fn(&Done) + Send + Sync>;

/// A console as it is shared.
pub(in crate::workers::console) struct Hub<S> {
    pub(super) subject: S,
    control: Control,
    pub(super) peers: BTreeMap<Member, Peer>,
    /// Somebody else has control than when this was last asked.
    moved: bool,
    heard: mpsc::Receiver<Event>,
    audit: Audit,
    /// Who serves the socket and the peers; ends with this.
    tasks: JoinSet<()>,
}

impl<S: Subject> Hub<S> {
    /// Serves a console. Must be called in the runtime.
    pub(in crate::workers::console) fn start(
        seat: Seat,
        (us, looks_only): (&str, bool),
        idle: Duration,
        subject: S,
        audit: Audit,
    ) -> Self {
        let (events, heard) = mpsc::channel(WAITING);
        let mut hub = Self::quiet((us, looks_only), idle, subject, audit, heard);
        hub.tasks.spawn(peer::listen(seat, events));
        hub
    }

    pub(super) fn quiet(
        (us, looks_only): (&str, bool),
        idle: Duration,
        subject: S,
        audit: Audit,
        heard: mpsc::Receiver<Event>,
    ) -> Self {
        let now = Instant::now();
        let mut control = Control::new(idle, now);
        // That we opened it and type is no news.
        let _ = control.join(US, name(us), looks_only);
        let _ = control.request(US, now);
        Self { subject, control, peers: BTreeMap::new(), moved: false, heard, audit, tasks: JoinSet::new() }
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
    pub(in crate::workers::console) fn look(&mut self, event: Event, seen: &S::Now) -> Option<Asked<S::Input>> {
        let now = Instant::now();
        match event.0 {
            Heard::Came { id, name, looks_only, knows, out } => {
                let peer = Peer { out, behind: false, told: false };
                peer.out.say(&Tell::Welcome { protocol: PROTOCOL });
                self.subject.show(&peer.out, seen, knows);
                self.peers.insert(id, peer);
                let done = self.control.join(id, name, looks_only);
                self.news(&done).map(Asked::Presence)
            }
            Heard::Gone(id) => {
                self.peers.remove(&id)?;
                let done = self.control.leave(id, now);
                self.news(&done).map(Asked::Presence)
            }
            Heard::Said(id, say) => {
                self.peers.get(&id)?;
                self.said(id, say, now)
            }
            Heard::Time => {
                self.catch_up(seen);
                let done = self.control.expire(now);
                self.news(&done).map(Asked::Presence)
            }
        }
    }

    fn said(&mut self, id: Member, say: Say, now: Instant) -> Option<Asked<S::Input>> {
        let done = match say {
            // A peer that introduces itself twice is none.
            Say::Hello { .. } => {
                self.peers.remove(&id);
                self.control.leave(id, now)
            }
            Say::Control(true) => self.control.request(id, now).unwrap_or_else(|why| self.refuse(id, why)),
            Say::Control(false) => self.control.release(id, now),
            Say::HandOver => self.control.hand_over(id, now).unwrap_or_else(|why| self.refuse(id, why)),
            other => {
                let input = S::heard(other)?;
                match self.control.types(id, now) {
                    Ok(_) => return Some(Asked::Input(id, input)),
                    Err(why) => {
                        if let Some(peer) = self.peers.get_mut(&id).filter(|peer| !peer.told) {
                            peer.told = true;
                            peer.out.say(&Tell::Note(why));
                        }
                        Vec::new()
                    }
                }
            }
        };
        self.news(&done).map(Asked::Presence)
    }

    fn refuse(&self, id: Member, why: &str) -> Vec<Done> {
        self.note(id, why);
        Vec::new()
    }

    /// Tells a peer why nothing came of what it did.
    pub(in crate::workers::console) fn note(&self, to: Member, why: &str) {
        if let Some(peer) = self.peers.get(&to) {
            peer.out.say(&Tell::Note(why.to_owned()));
        }
    }

    /// Tells everybody who looks and who types, and the log what was done.
    fn news(&mut self, done: &[Done]) -> Option<Presence> {
        if done.is_empty() {
            return None;
        }
        for done in done {
            (self.audit)(done);
        }
        self.moved |= done.iter().any(|done| matches!(done, Done::Took(_) | Done::Freed(_)));
        for (id, peer) in &mut self.peers {
            peer.told = false;
            let here = here(&self.control, *id);
            peer.out.say(&Tell::Presence(here));
        }
        Some(self.presence())
    }

    /// Peers that had fallen behind and have taken everything since see the console as it is now.
    pub(super) fn catch_up(&mut self, seen: &S::Now) {
        for (id, peer) in self.peers.iter_mut().filter(|(_, peer)| peer.behind && peer.out.is_empty()) {
            peer.behind = !self.subject.show(&peer.out, seen, true);
            // What was said meanwhile may have had no room.
            peer.out.say(&Tell::Presence(here(&self.control, *id)));
        }
    }

    /// Something that only who has control is told; whether that is us. Who is alone need not have it.
    pub(in crate::workers::console) fn aside(&self, what: &Tell) -> bool {
        match self.control.holder() {
            Some(US) => true,
            Some(id) => {
                if let Some(peer) = self.peers.get(&id) {
                    peer.out.say(what);
                }
                false
            }
            None => self.peers.is_empty(),
        }
    }

    /// Whether somebody has control.
    pub(in crate::workers::console) const fn is_held(&self) -> bool {
        self.control.holder().is_some()
    }

    /// Whether control has moved since this was last asked.
    pub(in crate::workers::console) const fn moved(&mut self) -> bool {
        std::mem::replace(&mut self.moved, false)
    }

    /// We type: whether we may.
    ///
    /// # Errors
    /// Why not.
    pub(in crate::workers::console) fn types(&mut self) -> Result<Option<Presence>, String> {
        let done = self.control.types(US, Instant::now())?;
        Ok(self.news(&done))
    }

    /// We ask for control, or give it back.
    ///
    /// # Errors
    /// Why not.
    pub(in crate::workers::console) fn control(&mut self, wanted: bool) -> Result<Option<Presence>, String> {
        let now = Instant::now();
        let done = if wanted { self.control.request(US, now)? } else { self.control.release(US, now) };
        Ok(self.news(&done))
    }

    /// We hand control over.
    ///
    /// # Errors
    /// Why not.
    pub(in crate::workers::console) fn hand_over(&mut self) -> Result<Option<Presence>, String> {
        let done = self.control.hand_over(US, Instant::now())?;
        Ok(self.news(&done))
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
