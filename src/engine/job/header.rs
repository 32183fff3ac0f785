//! The state of a job without its devices: small, read and written whole.

use minicbor::{Decode, Encode};

use super::device::{Device, Kind, Standing};
use crate::model::job::{Class, Control, Counts, JobEvent, JobId, JobRequest, Phase, Priority};
use crate::model::time::{MINUTE, SECOND, Ts};

/// How long a lease holds without being renewed.
pub const LEASE: i64 = 30 * SECOND;
/// The span over which the rate is measured.
const RATE_SPAN: i64 = 5 * MINUTE;
/// Slices of that span.
const SLICES: usize = 10;

/// How a portion stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Encode, Decode)]
pub struct WaveCount {
    /// Devices.
    #[n(0)]
    pub total: u32,
    /// Through, whichever way.
    #[n(1)]
    pub through: u32,
    /// Through with a judgement that the stop rule counts (not skipped, cancelled or queued).
    #[n(2)]
    pub judged: u32,
    /// Failed.
    #[n(3)]
    pub failed: u32,
    /// Judged when an operator last resumed it: not counted again.
    #[n(4)]
    pub excused_judged: u32,
    /// Failed when an operator last resumed it.
    #[n(5)]
    pub excused_failed: u32,
}

impl WaveCount {
    /// Devices that are not through.
    #[must_use]
    pub const fn left(&self) -> u32 {
        self.total.saturating_sub(self.through)
    }
}

/// A job without its devices.
#[derive(Debug, Clone, PartialEq, Default, Encode, Decode)]
pub struct Header {
    /// What was asked for; `None` only where the record of it is missing.
    #[n(0)]
    pub request: Option<JobRequest>,
    /// Where it stands.
    #[n(1)]
    pub phase: Phase,
    /// Why, in words.
    #[n(2)]
    pub why: String,
    /// Its devices by kind.
    #[n(3)]
    pub counts: Counts,
    /// The portion that may run.
    #[n(4)]
    pub wave: u8,
    /// Its portions.
    #[n(5)]
    pub waves: Vec<WaveCount>,
    /// Who asked.
    #[n(6)]
    pub actor: String,
    /// When it was asked for.
    #[n(7)]
    pub created_at: Ts,
    /// When its first device began.
    #[n(8)]
    pub started_at: Ts,
    /// When it was through.
    #[n(9)]
    pub ended_at: Ts,
    /// When it runs next.
    #[n(10)]
    pub due_at: Ts,
    /// The process that runs it.
    #[n(11)]
    pub owner: String,
    /// Until when.
    #[n(12)]
    pub lease_until: Ts,
    /// The list of devices is whole.
    #[n(13)]
    pub frozen: bool,
    /// The newest failure.
    #[n(14)]
    pub last_error: String,
    /// An operator wants it begun before its time.
    #[n(15)]
    pub started_by_hand: bool,
    /// Its place among the jobs, when an operator changed it.
    #[n(16)]
    pub priority: Option<Priority>,
    /// Devices through in slices of time (slice number, how many): the rate.
    #[n(17)]
    pub pace: Vec<(i64, u32)>,
    /// The job of its last turn, where it recurs.
    #[n(18)]
    pub last_run: Option<JobId>,
}

impl Header {
    /// What its devices' states depend on.
    #[must_use]
    pub fn kind(&self) -> Kind {
        self.request.as_ref().map_or(Kind::Verb, |r| Kind::of(&r.work))
    }

    /// Its place among the jobs.
    #[must_use]
    pub fn priority(&self) -> Priority {
        self.priority.or(self.request.as_ref().map(|r| r.priority)).unwrap_or_default()
    }

    /// Whether `me` may run it at `now`: nobody else holds a lease that has not run out.
    #[must_use]
    pub fn free_for(&self, me: &str, now: Ts) -> bool {
        self.owner == me || self.owner.is_empty() || self.lease_until <= now
    }

    /// Folds an event that is not about a single device; whether it meant anything.
    pub fn apply(&mut self, actor: &str, at: Ts, event: &JobEvent) -> bool {
        match event {
            JobEvent::Created(request) => {
                if self.request.is_some() {
                    return false;
                }
                self.request = Some(request.clone());
                actor.clone_into(&mut self.actor);
                self.created_at = at;
            }
            JobEvent::Frozen(list) => {
                if self.frozen || !matches!(self.phase, Phase::Waiting | Phase::Freezing) {
                    return false;
                }
                self.phase = Phase::Freezing;
                for device in list {
                    self.counts.total += 1;
                    self.counts.waiting += 1;
                    self.wave_mut(device.wave).total += 1;
                }
            }
            JobEvent::FrozenAll => {
                if self.frozen || !matches!(self.phase, Phase::Waiting | Phase::Freezing) {
                    return false;
                }
                self.frozen = true;
                self.started_at = at;
                self.enter(Phase::Running, "");
                self.wave = self.waves.iter().position(|w| w.total > 0).unwrap_or(0) as u8;
            }
            JobEvent::Refused(why) if matches!(self.phase, Phase::Waiting | Phase::Freezing) => {
                self.ended_at = at;
                self.enter(Phase::Refused, why);
            }
            JobEvent::Control(control) => return self.control(at, *control),
            JobEvent::Lease { owner, until } => {
                if !self.free_for(owner, at) {
                    return false;
                }
                self.lease_until = *until;
                if until.is_set() { owner.clone_into(&mut self.owner) } else { self.owner.clear() }
            }
            JobEvent::Held(why) if self.phase == Phase::Running => self.enter(Phase::Held, why),
            JobEvent::Wave(wave) if *wave > self.wave => self.wave = *wave,
            JobEvent::Ended if self.phase == Phase::Cancelling => {
                self.ended_at = at;
                self.enter(Phase::Cancelled, "");
            }
            JobEvent::Ended if self.phase == Phase::Running => {
                self.ended_at = at;
                self.enter(Phase::Ended, "");
            }
            JobEvent::Due(at) if self.phase == Phase::Waiting => {
                self.due_at = *at;
                self.started_by_hand = false;
            }
            JobEvent::Waits(why) if matches!(self.phase, Phase::Waiting | Phase::Running | Phase::Cancelling) => {
                why.clone_into(&mut self.why);
            }
            JobEvent::On(source) if self.phase == Phase::Waiting => match &mut self.request {
                Some(request) => source.clone_into(&mut request.source),
                None => return false,
            },
            JobEvent::Purged if self.phase.is_over() => {}
            JobEvent::Spawned(job) => self.last_run = Some(*job),
            _ => return false,
        }
        true
    }

    fn control(&mut self, at: Ts, control: Control) -> bool {
        match (control, self.phase) {
            (Control::Start, Phase::Waiting) => self.started_by_hand = true,
            (Control::Pause, Phase::Running) => self.enter(Phase::Paused, "paused by an operator"),
            (Control::Resume, Phase::Paused | Phase::Held) => {
                for wave in &mut self.waves {
                    (wave.excused_judged, wave.excused_failed) = (wave.judged, wave.failed);
                }
                self.enter(Phase::Running, "");
            }
            (Control::Cancel, Phase::Waiting | Phase::Freezing) if !self.frozen => {
                self.ended_at = at;
                self.enter(Phase::Cancelled, "cancelled before it began");
            }
            // A job that is through may still have tasks waiting for their devices.
            (Control::Cancel, Phase::Running | Phase::Paused | Phase::Held | Phase::Ended) => {
                self.enter(Phase::Cancelling, "");
            }
            (Control::Retry, Phase::Ended | Phase::Held | Phase::Paused | Phase::Running) => {
                for wave in &mut self.waves {
                    (wave.excused_judged, wave.excused_failed) = (0, 0);
                }
                self.ended_at = Ts::NEVER;
                self.enter(Phase::Running, "");
            }
            (Control::Priority(priority), phase) if !phase.is_over() => self.priority = Some(priority),
            _ => return false,
        }
        true
    }

    /// Counts a device of portion `wave` that moved.
    pub fn moved(&mut self, at: Ts, wave: u8, from: Standing, device: &Device) {
        let to = device.state.standing();
        if from == to {
            return;
        }
        self.count(wave, from, -1);
        self.count(wave, to, 1);
        if let Standing::Through(class) = to {
            if class.failed() {
                let detail = if device.why.is_empty() { &device.cause } else { &device.why };
                detail.clone_into(&mut self.last_error);
            }
            if !matches!(class, Class::Skipped | Class::Cancelled | Class::RolledBack) {
                self.paced(at);
            }
        }
    }

    fn count(&mut self, wave: u8, standing: Standing, by: i32) {
        let add = |n: &mut u32| *n = n.saturating_add_signed(by);
        match standing {
            Standing::Waiting => add(&mut self.counts.waiting),
            Standing::Active => add(&mut self.counts.active),
            Standing::Through(class) => {
                if let Some(n) = self.counts.ended.get_mut(class as usize) {
                    add(n);
                }
                let wave = self.wave_mut(wave);
                add(&mut wave.through);
                let counted = class.failed() || class == Class::Changed;
                if counted {
                    add(&mut wave.judged);
                }
                if class.failed() {
                    add(&mut wave.failed);
                }
            }
        }
    }

    fn wave_mut(&mut self, wave: u8) -> &mut WaveCount {
        let wave = usize::from(wave);
        if self.waves.len() <= wave {
            self.waves.resize(wave + 1, WaveCount::default());
        }
        &mut self.waves[wave]
    }

    fn paced(&mut self, at: Ts) {
        let slice = at.0 / (RATE_SPAN / SLICES as i64);
        if let Some((_, n)) = self.pace.iter_mut().find(|(s, _)| *s == slice) {
            *n += 1;
        } else {
            self.pace.push((slice, 1));
            self.pace.retain(|(s, _)| *s > slice - SLICES as i64);
        }
    }

    /// Devices a minute over the last five minutes (or since it began, when that is less).
    #[must_use]
    pub fn rate_per_minute(&self, now: Ts) -> f64 {
        let width = RATE_SPAN / SLICES as i64;
        let oldest = now.0 / width - SLICES as i64;
        let n: u32 = self.pace.iter().filter(|(s, _)| *s > oldest).map(|(_, n)| n).sum();
        let begun = if self.started_at.is_set() { now.since(self.started_at) } else { 0 };
        let span = begun.clamp(SECOND, RATE_SPAN);
        f64::from(n) * MINUTE as f64 / span as f64
    }

    fn enter(&mut self, phase: Phase, why: &str) {
        self.phase = phase;
        why.clone_into(&mut self.why);
    }
}
