//! A world whose clock runs, and who listens to it.
//!
//! Nothing ticks: the clock is read when somebody asks, one task sleeps until the next thing that is
//! planned, and consoles wait for their next line or for a change.

use std::collections::BTreeMap;
use std::ops::{Deref, DerefMut};
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{Notify, broadcast, watch};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::guest::Request;
use super::world::{Happened, Refusal, World};
use crate::controllers::libvirt::wire::Domain;
use crate::sim::net::Faults;

/// Events that a slow listener may be behind.
const BEHIND: usize = 512;
/// The least between two looks at what is planned.
const LOT: Duration = Duration::from_millis(5);

/// What happened to a machine of a host.
#[derive(Debug, Clone)]
pub(super) struct Told {
    pub(super) host: usize,
    pub(super) machine: Domain,
    pub(super) what: Happened,
}

/// What can be wrong with the daemon of a host, as switches.
#[derive(Debug)]
pub(super) struct Switches {
    /// What any network has.
    pub(super) faults: Faults,
    /// Answers are no packets.
    pub(super) garbage: AtomicBool,
    /// Ways to log in that it offers.
    pub(super) auth: Mutex<Vec<u32>>,
}

impl Switches {
    fn new() -> Self {
        let auth = Mutex::new(vec![crate::controllers::libvirt::procs::AUTH_NONE]);
        Self { faults: Faults::default(), garbage: AtomicBool::new(false), auth }
    }
}

/// Who has a serial line.
type Lines = BTreeMap<(usize, [u8; 16], usize), (u64, CancellationToken)>;

/// The world, its clock, and those who wait for it.
#[derive(Debug)]
pub(crate) struct Live {
    world: Mutex<World>,
    started: Instant,
    speed: f64,
    /// What every host calls itself, instead of its own name.
    pub(super) hostname: Option<String>,
    /// Time moves only when it is moved.
    stepped: Option<AtomicI64>,
    pub(super) poke: Notify,
    pub(super) events: broadcast::Sender<Told>,
    changed: watch::Sender<u64>,
    pub(super) switches: Vec<Switches>,
    lines: Mutex<Lines>,
    next_line: AtomicU64,
    pub(super) screens: super::screens::Screens,
    pub(super) runtime: tokio::runtime::Handle,
}

impl Live {
    pub(super) fn new(world: World, speed: f64, stepped: bool, hostname: Option<String>) -> Self {
        let switches = world.hosts.iter().map(|_| Switches::new()).collect();
        Self {
            world: Mutex::new(world),
            started: Instant::now(),
            hostname,
            speed,
            stepped: stepped.then(AtomicI64::default),
            poke: Notify::new(),
            events: broadcast::Sender::new(BEHIND),
            changed: watch::Sender::new(0),
            switches,
            lines: Mutex::default(),
            next_line: AtomicU64::new(1),
            screens: super::screens::Screens::default(),
            runtime: tokio::runtime::Handle::current(),
        }
    }

    fn now(&self) -> i64 {
        match &self.stepped {
            Some(at) => at.load(Ordering::SeqCst),
            None => (self.started.elapsed().as_micros() as f64 * self.speed) as i64,
        }
    }

    /// The world as of now. What happens while it is held is told when it is let go.
    pub(crate) fn world(self: &Arc<Self>) -> Held<'_> {
        let mut world = self.world.lock().unwrap_or_else(PoisonError::into_inner);
        world.settle(self.now());
        Held { live: self, world }
    }

    /// Moves time on, when it does not move by itself; step by step, as things are planned.
    pub(super) fn advance(self: &Arc<Self>, us: i64) {
        if let Some(at) = &self.stepped {
            at.fetch_add(us, Ordering::SeqCst);
            drop(self.world());
            self.changed.send_modify(|n| *n += 1);
        }
    }

    /// Real duration of a virtual one; for ever where time does not move by itself.
    pub(super) fn real(&self, us: i64) -> Duration {
        if self.stepped.is_some() {
            return Duration::from_secs(86_400);
        }
        Duration::from_micros((us.max(0) as f64 / self.speed) as u64)
    }

    /// Rises with everything that happens.
    pub(super) fn changes(&self) -> watch::Receiver<u64> {
        self.changed.subscribe()
    }

    /// Takes a serial line.
    ///
    /// # Errors
    /// Somebody has it.
    pub(super) fn take_line(
        self: &Arc<Self>,
        host: usize,
        uuid: [u8; 16],
        line: usize,
        force: bool,
    ) -> Result<Line, Refusal> {
        let mut lines = self.lines.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, token)) = lines.get(&(host, uuid, line)) {
            if !force {
                return Err(Refusal::failed("Active console session exists for this domain"));
            }
            token.cancel();
        }
        let (number, taken) = (self.next_line.fetch_add(1, Ordering::Relaxed), CancellationToken::new());
        lines.insert((host, uuid, line), (number, taken.clone()));
        Ok(Line { live: Arc::clone(self), host, uuid, nth: line, number, taken })
    }

    /// Serial lines that somebody has.
    pub(super) fn taken(&self) -> usize {
        self.lines.lock().unwrap_or_else(PoisonError::into_inner).len()
    }

    /// Types at a screen or a serial line.
    pub(super) fn type_in(self: &Arc<Self>, host: usize, uuid: &[u8; 16], line: usize, bytes: &[u8]) {
        let mut world = self.world();
        // The machine may be off since.
        let Ok((tty, machine)) = world.tty(host, uuid, line) else { return };
        if let Some(request) = tty.input(&machine, bytes) {
            world.requested(host, uuid, request);
        }
        world.touched = true;
    }

    /// Control-Alt-Delete.
    pub(super) fn restart_keys(self: &Arc<Self>, host: usize, uuid: &[u8; 16]) {
        let mut world = self.world();
        world.requested(host, uuid, Request::Reboot);
        world.touched = true;
    }
}

/// A serial line that somebody has. It is free when this is dropped, however the connection ended and
/// whether or not anything was ever read from it.
#[derive(Debug)]
pub(super) struct Line {
    pub(super) live: Arc<Live>,
    pub(super) host: usize,
    pub(super) uuid: [u8; 16],
    /// Which of the machine's, from 1.
    pub(super) nth: usize,
    number: u64,
    /// Ends when somebody else takes it by force.
    pub(super) taken: CancellationToken,
}

impl Drop for Line {
    fn drop(&mut self) {
        let key = (self.host, self.uuid, self.nth);
        let mut lines = self.live.lines.lock().unwrap_or_else(PoisonError::into_inner);
        if lines.get(&key).is_some_and(|(number, _)| *number == self.number) {
            lines.remove(&key);
        }
    }
}

/// The world, held.
#[derive(Debug)]
pub(crate) struct Held<'a> {
    live: &'a Arc<Live>,
    world: MutexGuard<'a, World>,
}

impl Deref for Held<'_> {
    type Target = World;

    fn deref(&self) -> &World {
        &self.world
    }
}

impl DerefMut for Held<'_> {
    fn deref_mut(&mut self) -> &mut World {
        &mut self.world
    }
}

impl Drop for Held<'_> {
    /// Nobody who is woken here needs the world before it is let go, which is next.
    fn drop(&mut self) {
        let happened = self.world.take_happened();
        let touched = std::mem::take(&mut self.world.touched);
        if happened.iter().any(|(_, _, what)| matches!(what, Happened::Lifecycle { .. })) {
            // The screens of machines come and go with them, before anybody is told.
            self.live.screens.follow(self.live, &mut self.world);
        }
        if happened.is_empty() && !touched {
            return;
        }
        for (host, machine, what) in happened {
            // Nobody may be listening.
            let _ = self.live.events.send(Told { host, machine, what });
        }
        self.live.changed.send_modify(|n| *n += 1);
        self.live.poke.notify_one();
    }
}

/// Lets happen what is planned, when it is due.
pub(super) async fn drive(live: Arc<Live>, stop: CancellationToken) {
    loop {
        let next = live.world().until_next();
        let wait = async {
            match next {
                Some(us) => tokio::time::sleep(live.real(us).max(LOT)).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            () = stop.cancelled() => return,
            () = live.poke.notified() => {}
            () = wait => {}
        }
    }
}
