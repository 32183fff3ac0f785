//! A small world of devices behind a controller that loses requests and answers, a runner that
//! crashes anywhere, and what must hold whatever happens.

use std::collections::BTreeSet;

use proptest::prelude::*;

use super::proof::{Trace, recover};
use super::*;
use crate::model::job::*;
use crate::model::time::{SECOND, Ts};

/// One device and its place in the controller.
#[derive(Debug, Clone, Default)]
struct Cpe {
    online: bool,
    refuses: bool,
    /// The change has been made.
    changed: bool,
    /// How often a task of ours ran and did something.
    writes: u32,
    /// Our task in the controller's queue, and whether it has a fault.
    task: Option<bool>,
}

impl Cpe {
    /// A session: what is queued runs.
    fn session(&mut self) -> Answer {
        if self.refuses {
            self.task = Some(true);
            return Answer::Faulted;
        }
        self.task = None;
        self.writes += 1;
        self.changed = true;
        Answer::Done
    }

    fn post(&mut self) -> (Answer, Option<String>) {
        // The same key replaces the older task.
        self.task = Some(false);
        let answer = if self.online { self.session() } else { Answer::Offline("Device is offline".to_owned()) };
        (answer, self.task.map(|_| "task".to_owned()))
    }
}

/// What the runner has under way.
#[derive(Debug, Clone)]
enum Flying {
    /// The intent is journalled, the request is on the wire.
    Request(u32),
    /// The answer is on its way back.
    Answer(u32, Answer, Option<String>),
}

struct World {
    cpes: Vec<Cpe>,
    journal: Vec<JobRecord>,
    job: Job,
    flying: Vec<Flying>,
    now: Ts,
    /// Whether a done task shows on the device even when the answer was lost.
    shows: bool,
    most_sending: usize,
}

const PLACES: usize = 3;

impl World {
    fn new(request: JobRequest, cpes: Vec<Cpe>, shows: bool) -> Self {
        let job = Job::new(JobId([1; 16]));
        let now = Ts(1_000_000 * SECOND);
        let mut world = Self { cpes, journal: Vec::new(), job, flying: Vec::new(), now, shows, most_sending: 0 };
        world.tell(JobEvent::Created(request));
        world
    }

    fn tell(&mut self, what: JobEvent) {
        let record = JobRecord { job: self.job.id, at: self.now, actor: "test".to_owned(), what };
        let bytes = minicbor::to_vec(&record).unwrap();
        let record: JobRecord = minicbor::decode(&bytes).unwrap();
        self.job.apply(&record);
        self.journal.push(record);
        let sending = self.job.devices.iter().filter(|d| d.state == State::Sending).count();
        self.most_sending = self.most_sending.max(sending);
    }

    fn device(&mut self, index: u32, what: DeviceEvent) {
        self.tell(JobEvent::Device { index, what });
    }

    fn acts(&self) -> Vec<Act> {
        let hand: BTreeSet<u32> = self
            .flying
            .iter()
            .map(|f| match f {
                Flying::Request(i) | Flying::Answer(i, ..) => *i,
            })
            .collect();
        let limits = Limits {
            now: self.now,
            places: PLACES,
            settle: SETTLE,
            window_end: None,
            in_hand: &|i| hand.contains(&i),
            elsewhere: &|_| false,
        };
        next(&self.job, &limits)
    }

    fn once_only(&self) -> bool {
        self.job.header.request.as_ref().unwrap().work.once_only()
    }

    fn act(&mut self, act: Act) {
        match act {
            Act::Freeze => {
                let waves = self.job.header.request.as_ref().unwrap().waves;
                let total = self.cpes.len() as u32;
                let one = |i| Frozen { device: format!("d{i}"), wave: waves::of(waves, total, i), ..Frozen::blank() };
                self.tell(JobEvent::Frozen((0..total).map(one).collect()));
                self.tell(JobEvent::FrozenAll);
            }
            Act::Begin(i) => {
                if self.cpes[i as usize].changed {
                    let reason = SkipReason::AlreadyEqual;
                    return self.device(i, DeviceEvent::Skipped { reason, detail: String::new() });
                }
                let old = Old::Known(ParamValue::Bool(false));
                self.device(i, DeviceEvent::Before(vec![Before { path: "D.X".to_owned(), old, new: None }]));
                self.device(i, DeviceEvent::Intent);
                self.flying.push(Flying::Request(i));
            }
            Act::Look(i) => {
                let cpe = &self.cpes[i as usize];
                let fault = (cpe.task == Some(true)).then(|| ("cwmp.9002".to_owned(), String::new(), Vec::new()));
                let done = (cpe.changed && self.shows).then(|| "seen".to_owned());
                let trace = Trace { task: cpe.task.map(|_| "task".to_owned()), fault, done, excluded: self.shows };
                let event = recover(self.once_only(), trace);
                self.device(i, event);
            }
            Act::Prove(i) => {
                let proof = if self.cpes[i as usize].changed { Proof::Same } else { Proof::Differs("old".to_owned()) };
                self.device(i, DeviceEvent::ReadBack(vec![ReadBack { path: "D.X".to_owned(), proof }]));
            }
            Act::Withdraw(i) => {
                let there = self.cpes[i as usize].task.take().is_some();
                if !there && self.job.devices[i as usize].state == State::Queued {
                    return self.device(i, DeviceEvent::TaskGone);
                }
                self.device(i, DeviceEvent::Withdrawn { removed: true, why: String::new() });
            }
            Act::Record(event) => self.tell(event),
        }
    }

    /// Something comes back or arrives: the n-th of what is under way.
    fn land(&mut self, n: usize, request_lost: bool, answer_lost: bool) {
        if self.flying.is_empty() {
            return;
        }
        match self.flying.remove(n % self.flying.len()) {
            Flying::Request(i) if request_lost => {
                self.flying.push(Flying::Answer(i, Answer::NoAnswer("reset".to_owned()), None));
            }
            Flying::Request(i) => {
                let (answer, task) = self.cpes[i as usize].post();
                let lost = (Answer::NoAnswer("reset".to_owned()), None);
                let (answer, task) = if answer_lost { lost } else { (answer, task) };
                self.flying.push(Flying::Answer(i, answer, task));
            }
            Flying::Answer(i, answer, task) => self.device(i, DeviceEvent::Answered { answer, task }),
        }
    }

    fn poll(&mut self) {
        for i in self.job.to_poll().collect::<Vec<_>>() {
            match self.cpes[i as usize].task {
                None => self.device(i, DeviceEvent::TaskGone),
                Some(true) => {
                    let (code, message) = ("cwmp.9002".to_owned(), "refused".to_owned());
                    self.device(
                        i,
                        DeviceEvent::Faulted { code, message, params: Vec::new(), task: Some("task".to_owned()) },
                    );
                }
                Some(false) => {}
            }
        }
    }

    /// The process is gone; requests on the wire may still arrive. Another takes up the journal.
    fn crash(&mut self, arrives: bool) {
        for flying in std::mem::take(&mut self.flying) {
            if let (Flying::Request(i), true) = (flying, arrives) {
                self.cpes[i as usize].post();
            }
        }
        self.job = self.replayed();
    }

    fn replayed(&self) -> Job {
        let mut job = Job::new(self.job.id);
        for record in &self.journal {
            job.apply(record);
        }
        job
    }

    fn toss(&mut self, choice: u16) {
        self.now = self.now.plus(SECOND);
        let n = usize::from(choice / 16);
        match choice % 16 {
            0..=5 => {
                let mut acts = self.acts();
                if !acts.is_empty() {
                    let act = acts.swap_remove(n % acts.len());
                    self.act(act);
                }
            }
            6..=8 => self.land(n, n % 7 == 3, n % 7 == 5),
            9 => self.poll(),
            10 => self.crash(n % 2 == 0),
            11 => {
                let i = n % self.cpes.len();
                let cpe = &mut self.cpes[i];
                cpe.online = !cpe.online;
                if cpe.online && cpe.task == Some(false) {
                    cpe.session();
                }
            }
            12 => self.now = self.now.plus(SETTLE),
            13 if n % 3 == 0 => self.tell(JobEvent::Control(Control::Pause)),
            13 => self.tell(JobEvent::Control(Control::Resume)),
            14 if n % 40 == 0 => self.tell(JobEvent::Control(Control::Cancel)),
            15 if n % 8 == 0 => self.retry(),
            _ => {}
        }
    }

    fn retry(&mut self) {
        self.tell(JobEvent::Control(Control::Retry));
        if self.job.header.phase == Phase::Running {
            for i in self.job.failed().collect::<Vec<_>>() {
                self.device(i, DeviceEvent::Retried);
            }
        }
    }

    /// No more accidents: everything comes to its end.
    fn settle(&mut self) {
        for round in 0..2_000 {
            self.now = self.now.plus(SETTLE);
            if matches!(self.job.header.phase, Phase::Paused | Phase::Held) {
                self.tell(JobEvent::Control(Control::Resume));
            }
            for i in 0..self.cpes.len() {
                self.cpes[i].online = true;
                if self.cpes[i].task == Some(false) {
                    self.cpes[i].session();
                }
            }
            while !self.flying.is_empty() {
                self.land(round, false, false);
            }
            self.poll();
            let acts = self.acts();
            if acts.is_empty() && self.job.header.phase.is_over() && self.job.to_poll().next().is_none() {
                return;
            }
            for act in acts {
                self.act(act);
            }
        }
        panic!("it never ends: {:?} {:?}", self.job.header, self.job.devices);
    }
}

impl Frozen {
    fn blank() -> Self {
        Self { device: String::new(), serial: String::new(), model: String::new(), wave: 0 }
    }
}

fn request(work: &str, waves: &str) -> JobRequest {
    let text = format!("name = 'x'\nfilter = '*'\nstop = {{ percent = 60 }}\n{waves}\n{work}\n");
    read::read(&text, read::Format::Toml).unwrap().request
}

const SET: &str = "[custom_parameters]\n'D.X' = true";
const REBOOT: &str = "verb = 'reboot'";

fn check(world: &World) -> Result<(), TestCaseError> {
    let job = &world.job;
    prop_assert_eq!(&world.replayed(), job, "the journal tells the same story");
    let rows = job.list.iter().cloned().zip(job.devices.iter().cloned()).collect();
    prop_assert_eq!(&Job::restore(job.id, job.header.clone(), rows), job, "the cache tells it too");
    prop_assert!(world.most_sending <= PLACES, "{} at a time", world.most_sending);
    let counts = job.header.counts;
    prop_assert_eq!((counts.waiting, counts.active), (0, 0));
    prop_assert_eq!(counts.through(), counts.total);
    for (device, cpe) in job.devices.iter().zip(&world.cpes) {
        let State::Ended(class) = device.state else { panic!("{device:?}") };
        prop_assert!(cpe.writes <= 1 + device.retries, "written {} times: {:?}", cpe.writes, device);
        prop_assert!(cpe.task.is_none(), "left in the queue: {:?}", device);
        prop_assert_ne!(class, Class::OfflineQueued);
        if class == Class::Changed {
            prop_assert!(cpe.changed, "{:?}", device);
        }
        if device.retries == 0 && matches!(class, Class::Cancelled | Class::Unchanged | Class::Faulted) {
            prop_assert_eq!(cpe.writes, 0, "{:?}", device);
        }
        if class == Class::Unknown {
            prop_assert!(!world.shows, "nothing is unknown where it shows: {:?}", device);
        }
    }
    Ok(())
}

fn cpe() -> impl Strategy<Value = Cpe> {
    (any::<bool>(), prop::bool::weighted(0.2), prop::bool::weighted(0.1)).prop_map(|(online, refuses, changed)| Cpe {
        online,
        refuses,
        changed,
        ..Cpe::default()
    })
}

proptest! {
    #[test]
    fn no_device_is_written_twice_and_none_forgotten(
        cpes in prop::collection::vec(cpe(), 1..9),
        tape in prop::collection::vec(any::<u16>(), 0..200),
        waves in prop_oneof![Just(""), Just("waves = { canary = 1, percent = 30 }")],
        once in any::<bool>(),
        shows in any::<bool>(),
    ) {
        // Values always show: they are read back.
        let shows = shows || !once;
        let mut world = World::new(request(if once { REBOOT } else { SET }, waves), cpes, shows);
        for choice in tape {
            world.toss(choice);
        }
        world.settle();
        check(&world)?;
    }

    #[test]
    fn events_in_any_order_never_break_the_counts(
        events in prop::collection::vec((0..3_u32, 0..12_u8), 0..80),
    ) {
        let mut world = World::new(request(SET, ""), vec![Cpe::default(); 3], true);
        world.act(Act::Freeze);
        for (i, n) in events {
            let why = String::new;
            world.device(i, match n {
                0 => DeviceEvent::Skipped { reason: SkipReason::Stale, detail: why() },
                1 => DeviceEvent::Intent,
                2 => DeviceEvent::Answered { answer: Answer::Done, task: None },
                3 => DeviceEvent::Answered { answer: Answer::Offline(why()), task: Some("t".to_owned()) },
                4 => DeviceEvent::NotSent(why()),
                5 => DeviceEvent::ReadBack(vec![ReadBack { path: why(), proof: Proof::Same }]),
                6 => DeviceEvent::Faulted { code: why(), message: why(), params: Vec::new(), task: None },
                7 => DeviceEvent::TaskGone,
                8 => DeviceEvent::Ended { class: Class::RolledBack, why: why() },
                9 => DeviceEvent::Ended { class: Class::Unknown, why: why() },
                10 => DeviceEvent::Retried,
                _ => DeviceEvent::Withdrawn { removed: n == 11, why: why() },
            });
            let c = world.job.header.counts;
            prop_assert_eq!(c.waiting + c.active + c.through(), c.total);
            let wave = world.job.header.waves[0];
            prop_assert!(wave.failed <= wave.judged && wave.judged <= wave.through && wave.through <= wave.total);
        }
        prop_assert_eq!(world.replayed(), world.job);
    }
}

#[test]
fn a_wave_begins_when_the_one_before_is_through_and_harm_stops_it() {
    let mut cpes = vec![Cpe { online: true, ..Cpe::default() }; 10];
    cpes[0].refuses = true;
    let mut world = World::new(request(SET, "waves = { canary = 1, percent = 0 }"), cpes, true);
    for _ in 0..40 {
        world.now = world.now.plus(SECOND);
        world.acts().into_iter().for_each(|act| world.act(act));
        while !world.flying.is_empty() {
            world.land(0, false, false);
        }
    }
    assert_eq!(world.job.header.phase, Phase::Held);
    assert!(world.job.header.why.contains("1 of 1 failed (100 %)"), "{}", world.job.header.why);
    assert_eq!(world.job.header.counts.waiting, 9, "the rest was not touched");
    world.settle();
    assert_eq!(world.job.header.phase, Phase::Ended);
    assert_eq!(world.job.header.counts.of(Class::Changed), 9);
}

#[test]
fn a_canary_that_only_waits_lets_nobody_follow() {
    let mut cpes = vec![Cpe { online: true, ..Cpe::default() }; 6];
    cpes[0].online = false;
    let mut world = World::new(request(SET, "waves = { canary = 1, percent = 0 }"), cpes, true);
    for _ in 0..20 {
        world.now = world.now.plus(SECOND);
        world.acts().into_iter().for_each(|act| world.act(act));
        while !world.flying.is_empty() {
            world.land(0, false, false);
        }
    }
    let counts = &world.job.header.counts;
    assert_eq!((counts.of(Class::OfflineQueued), counts.waiting), (1, 5), "its task waits, and so does the rest");
    assert_eq!(world.job.header.phase, Phase::Running);
    assert!(unproven(&world.job));
}

#[test]
fn a_cancelled_job_leaves_nothing_in_the_queue() {
    let mut world = World::new(request(SET, ""), vec![Cpe::default(); 5], true);
    for _ in 0..6 {
        world.now = world.now.plus(SECOND);
        world.acts().into_iter().for_each(|act| world.act(act));
        while !world.flying.is_empty() {
            world.land(0, false, false);
        }
    }
    assert_eq!(world.job.header.phase, Phase::Ended, "only queued tasks are left");
    assert_eq!(world.job.header.counts.of(Class::OfflineQueued), 5);
    world.tell(JobEvent::Control(Control::Cancel));
    while !world.job.header.phase.is_over() {
        let acts = world.acts();
        assert!(!acts.is_empty(), "it hangs: {:?}", world.job.devices);
        for act in acts {
            world.act(act);
        }
    }
    assert_eq!(world.job.header.phase, Phase::Cancelled);
    assert_eq!(world.job.header.counts.of(Class::Cancelled), 5);
    assert!(world.cpes.iter().all(|c| c.writes == 0 && c.task.is_none()));
}

#[test]
fn a_lease_has_one_owner_until_it_runs_out() {
    let mut header = Header::default();
    let lease = |owner: &str, until: i64| JobEvent::Lease { owner: owner.to_owned(), until: Ts(until) };
    assert!(header.apply("a", Ts(1), &lease("a", 1 + LEASE)));
    assert!(!header.apply("b", Ts(2), &lease("b", 2 + LEASE)), "held by another");
    assert!(header.apply("a", Ts(2), &lease("a", 2 + LEASE)), "renewed");
    assert!(header.apply("b", Ts(2 + LEASE), &lease("b", 9 + LEASE)) && header.owner == "b", "run out");
    assert!(header.apply("b", Ts(5 + LEASE), &lease("b", 0)) && header.free_for("a", Ts(6)), "given back");
}

#[test]
fn a_busy_device_waits_and_is_not_forgotten() {
    let mut world = World::new(request(SET, ""), vec![Cpe::default(); 2], true);
    world.act(Act::Freeze);
    let limits = Limits {
        now: world.now,
        places: 9,
        settle: SETTLE,
        window_end: Some(world.now.plus(SECOND)),
        in_hand: &|_| false,
        elsewhere: &|d| d == "d0",
    };
    assert_eq!(next(&world.job, &limits), [Act::Begin(1)]);
    let over = Limits { now: world.now.plus(SECOND), ..limits };
    let [Act::Record(JobEvent::Held(why))] = &next(&world.job, &over)[..] else { panic!() };
    assert!(why.contains("2 devices have not begun"), "{why}");
}
