//! The ACS and its CPEs as one world with a virtual clock, in which things happen in steps.
//!
//! Intervals (informs, boots, back-off) are virtual, so a speed shortens them; the dates that the
//! documents show are real, as an operator compares them with his own clock.

mod apply;
mod life;
mod line;
mod poke;
mod session;
pub(crate) mod store;
pub(crate) mod task;
mod transfer;

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap, HashMap};

use super::data::{ObjectId, Value};
use super::fleet::{Cpe, Fleet, Phase};
pub(crate) use poke::Poked;
use store::Store;
use task::Tasks;
pub(crate) use transfer::Operation;

/// A second of virtual time, ms.
pub(crate) const SECOND: i64 = 1_000;
/// Sessions that one CWMP worker accepts at a time (`MAX_CONCURRENT_REQUESTS`).
const SESSIONS: u32 = 20;

/// What makes a world.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Rules {
    pub(crate) seed: u64,
    /// Virtual seconds a real second.
    pub(crate) speed: f64,
    /// Real time of virtual 0, ms since 1970.
    pub(crate) anchor: i64,
    /// CWMP workers.
    pub(crate) workers: u32,
    /// Whether things happen by themselves.
    pub(crate) life: bool,
    /// Seconds between two informs of a CPE that nobody told otherwise.
    pub(crate) inform_s: u32,
}

/// What a test makes go wrong.
#[derive(Debug, Clone, Default)]
pub(crate) struct Faulty {
    /// Share of downloads that fail.
    pub(crate) downloads: f64,
    /// Share of upgrades after which the old version runs on.
    pub(crate) upgrades: f64,
    /// Share of settings that a CPE refuses with 9002.
    pub(crate) sets: f64,
    /// Parameters that are refused, and with which code.
    pub(crate) parameters: Vec<(String, u32)>,
}

/// Something that happens.
#[derive(Debug)]
pub(crate) enum Step {
    /// A periodic inform, unless there was a session since.
    Periodic {
        cpe: u32,
        sessions: u32,
    },
    Begin(u32),
    End(u32),
    Boot(u32),
    /// A file has been fetched, or could not be.
    Fetched {
        cpe: u32,
        key: String,
    },
    /// A CPE that was deleted informs again.
    Return(Box<Cpe>),
    /// Power or fibre is back.
    Back(u32),
    Life,
}

type Timed = crate::sim::timed::Timed<Step>;

/// A fault of a device on a channel.
#[derive(Debug, Clone)]
pub(crate) struct Fault {
    /// The document.
    pub(crate) timestamp: i64,
    pub(crate) code: String,
    pub(crate) message: String,
    pub(crate) detail: Value,
    pub(crate) retries: u32,
    pub(crate) expiry: Option<i64>,
    pub(crate) provisions: String,
    /// Virtual time from which on it is tried again.
    pub(crate) retry_at: i64,
}

/// The whole of it.
#[derive(Debug)]
pub(crate) struct World {
    pub(crate) fleet: Fleet,
    pub(crate) tasks: Tasks,
    pub(crate) faults: BTreeMap<(u32, String), Fault>,
    pub(crate) operations: BTreeMap<(u32, String), Operation>,
    pub(crate) store: Store,
    pub(crate) faulty: Faulty,
    /// How many tasks that change something each CPE was given.
    pub(crate) changes: HashMap<u32, u32>,
    rules: Rules,
    rng: fastrand::Rng,
    now: i64,
    order: u64,
    queue: BinaryHeap<Reverse<Timed>>,
    /// Sessions that run.
    active: u32,
    ids: u32,
}

impl World {
    pub(crate) fn new(rules: Rules, fleet: Fleet, store: Store) -> Self {
        let mut world = Self {
            fleet,
            tasks: Tasks::default(),
            faults: BTreeMap::new(),
            operations: BTreeMap::new(),
            store,
            faulty: Faulty::default(),
            changes: HashMap::new(),
            rules,
            rng: fastrand::Rng::with_seed(rules.seed),
            now: 0,
            order: 0,
            queue: BinaryHeap::new(),
            active: 0,
            ids: (rules.seed as u32).wrapping_mul(0x9e37) & 0x00ff_ffff,
        };
        for cpe in 0..world.fleet.places() {
            world.first_inform(cpe);
        }
        if rules.life {
            world.begin_life();
        }
        world
    }

    fn first_inform(&mut self, at: u32) {
        let wall = self.wall();
        let Some(cpe) = self.fleet.get(at).filter(|c| c.phase == Phase::Up) else { return };
        let (next, sessions) = (cpe.last_inform + i64::from(cpe.interval_s) * SECOND - wall, cpe.sessions);
        self.after(next, Step::Periodic { cpe: at, sessions });
    }

    /// A CPE informs for the first time.
    pub(crate) fn plug_in(&mut self, cpe: Cpe) -> u32 {
        let at = self.fleet.insert(cpe);
        self.first_inform(at);
        at
    }

    /// Virtual time now, ms.
    pub(crate) const fn now(&self) -> i64 {
        self.now
    }

    /// Real time now, ms since 1970.
    pub(crate) fn wall(&self) -> i64 {
        self.rules.anchor + (self.now as f64 / self.rules.speed) as i64
    }

    /// Lets a step happen `delay` ms from now.
    pub(crate) fn after(&mut self, delay: i64, step: Step) {
        self.order += 1;
        self.queue.push(Reverse(Timed { at: self.now + delay.max(0), order: self.order, step }));
    }

    /// Lets time pass until `to`.
    pub(crate) fn advance(&mut self, to: i64) {
        while self.queue.peek().is_some_and(|Reverse(t)| t.at <= to) {
            if let Some(Reverse(timed)) = self.queue.pop() {
                self.now = self.now.max(timed.at);
                self.perform(timed.step);
            }
        }
        self.now = self.now.max(to);
    }

    fn perform(&mut self, step: Step) {
        match step {
            Step::Periodic { cpe, sessions } => {
                if self.fleet.get(cpe).is_some_and(|c| c.sessions == sessions) {
                    self.begin(cpe);
                }
            }
            Step::Begin(cpe) => self.begin(cpe),
            Step::End(cpe) => self.end(cpe),
            Step::Boot(cpe) => self.boot(cpe),
            Step::Fetched { cpe, key } => self.fetched(cpe, key),
            Step::Return(cpe) => self.come_back(*cpe),
            Step::Back(cpe) => self.set_offline(cpe, false),
            Step::Life => self.live(),
        }
    }

    /// A new key, later than all before.
    pub(crate) fn object_id(&mut self) -> ObjectId {
        self.ids = self.ids.wrapping_add(1);
        let seconds = (self.wall() / 1_000) as u32;
        let [_, a, b, c] = self.ids.to_be_bytes();
        let [s0, s1, s2, s3] = seconds.to_be_bytes();
        let [p0, p1, p2, p3, p4, ..] = self.rules.seed.wrapping_mul(0x9e37_79b9_7f4a_7c15).to_be_bytes();
        [s0, s1, s2, s3, p0, p1, p2, p3, p4, a, b, c]
    }

    /// Whether a worker takes another session.
    const fn has_room(&self) -> bool {
        self.active < SESSIONS * self.rules.workers
    }

    /// Removes a device with its tasks, faults and operations. A CPE that is on comes back with its
    /// next inform.
    pub(crate) fn delete_device(&mut self, at: u32) {
        let Some(cpe) = self.fleet.remove(at) else { return };
        self.tasks.remove_device(at);
        self.faults.retain(|(device, _), _| *device != at);
        self.operations.retain(|(device, _), _| *device != at);
        if cpe.phase != Phase::Off {
            let next = i64::from(cpe.interval_s) * SECOND;
            self.after(next, Step::Return(Box::new(cpe)));
        }
    }

    fn come_back(&mut self, cpe: Cpe) {
        let wall = self.wall();
        if self.fleet.find(&cpe.id()).is_some() {
            return;
        }
        let own = cpe.extra.map(|e| (e.own, e.version));
        let mut fresh = super::fleet::anew(usize::from(cpe.model), cpe.number, &cpe.serial, wall);
        fresh.last_boot = 0;
        fresh.last_bootstrap = 0;
        fresh.up_since = cpe.up_since;
        fresh.version = cpe.version;
        fresh.poke = cpe.poke;
        fresh.rx = cpe.rx;
        fresh.rx_seen = cpe.rx;
        fresh.interval_s = cpe.interval_s;
        if let Some((own, version)) = own.filter(|(own, version)| !own.is_empty() || version.is_some()) {
            let extra = fresh.extra();
            for (leaf, value) in &own {
                extra.seen.insert(*leaf, super::fleet::cpe::Seen { value: value.clone(), at: wall });
            }
            extra.own = own;
            extra.version = version;
        }
        self.plug_in(fresh);
    }
}
