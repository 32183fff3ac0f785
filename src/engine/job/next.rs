//! What a job needs next. Pure: asked again after every record, it says what is due and not yet
//! under way.

use super::device::{Device, Standing, State};
use super::state::Job;
use super::waves;
use crate::model::job::{Class, DeviceEvent, JobEvent, Phase};
use crate::model::time::{SECOND, Ts};

/// How long a request without an answer is left alone before it is looked for: one that reached the
/// controller is in its queue by then.
pub const SETTLE: i64 = 5 * SECOND;

/// Something to do.
#[derive(Debug, Clone, PartialEq)]
#[allow(clippy::large_enum_variant, reason = "a handful exist at a time")]
pub enum Act {
    /// Resolve the filter and freeze the list.
    Freeze,
    /// Check the device, save what it holds, journal the intent, send.
    Begin(u32),
    /// Find out whether a write without an answer arrived.
    Look(u32),
    /// Read back.
    Prove(u32),
    /// Take its task from the queue. Where it is not there any more, the device ran it meanwhile:
    /// that is [`DeviceEvent::TaskGone`], not a withdrawal.
    Withdraw(u32),
    /// Journal this.
    Record(JobEvent),
}

/// What the world allows.
pub struct Limits<'a> {
    /// Now.
    pub now: Ts,
    /// Devices at a time.
    pub places: usize,
    /// How long a request without an answer is left alone before it is looked for ([`SETTLE`]).
    pub settle: i64,
    /// When its window ends.
    pub window_end: Option<Ts>,
    /// Whether the process works on this device of the job right now.
    pub in_hand: &'a dyn Fn(u32) -> bool,
    /// Whether another job has this device in hand.
    pub elsewhere: &'a dyn Fn(&str) -> bool,
}

/// What is due.
#[must_use]
pub fn next(job: &Job, limits: &Limits<'_>) -> Vec<Act> {
    let header = &job.header;
    let Some(request) = &header.request else { return Vec::new() };
    let mut acts = Vec::new();
    match header.phase {
        Phase::Refused => return acts,
        Phase::Waiting | Phase::Freezing => {
            let due = header.started_by_hand || request.schedule.is_none() || header.due_at.is_set();
            if due && (header.started_by_hand || header.due_at <= limits.now) {
                acts.push(Act::Freeze);
            }
            return acts;
        }
        Phase::Running if request.dry_run => {
            if header.counts.waiting == 0 {
                acts.push(Act::Record(JobEvent::Ended));
            }
            acts.extend(job.waiting.iter().filter(|(_, i)| !(limits.in_hand)(*i)).map(|(_, i)| Act::Begin(*i)));
            return acts;
        }
        Phase::Running => run(job, limits, &mut acts),
        Phase::Cancelling => cancel(job, limits, &mut acts),
        Phase::Paused | Phase::Held | Phase::Cancelled | Phase::Ended => {}
    }
    for i in &job.active {
        let Some(device) = free(job, limits, *i) else { continue };
        match device.state {
            State::Sending if limits.now.since(device.changed_at) >= limits.settle => acts.push(Act::Look(*i)),
            State::Written => acts.push(Act::Prove(*i)),
            _ => {}
        }
    }
    // Tasks of tries that are over must not run later; queued ones go only with the whole job.
    for i in &job.left {
        let Some(device) = free(job, limits, *i) else { continue };
        let queued = device.state == State::Queued;
        if !queued || (header.phase == Phase::Cancelling && device.task.is_some()) {
            acts.push(Act::Withdraw(*i));
        }
    }
    acts
}

fn free<'a>(job: &'a Job, limits: &Limits<'_>, i: u32) -> Option<&'a Device> {
    job.devices.get(i as usize).filter(|_| !(limits.in_hand)(i))
}

fn run(job: &Job, limits: &Limits<'_>, acts: &mut Vec<Act>) {
    let header = &job.header;
    let stop = header.request.as_ref().map(|r| r.stop).unwrap_or_default();
    if header.counts.waiting == 0 && header.counts.active == 0 {
        acts.push(Act::Record(JobEvent::Ended));
        return;
    }
    let tripped = header.waves.get(usize::from(header.wave)).and_then(|wave| waves::stops(stop, wave));
    if let (Some(why), true) = (tripped, header.counts.waiting > 0) {
        acts.push(Act::Record(JobEvent::Held(why)));
        return;
    }
    if limits.window_end.is_some_and(|end| end <= limits.now) && header.counts.waiting > 0 {
        let left = header.counts.waiting;
        acts.push(Act::Record(JobEvent::Held(format!("its window is over; {left} devices have not begun"))));
        return;
    }
    let up_to = job.waiting.range(..=(header.wave, u32::MAX));
    let places = limits.places.saturating_sub(job.active.len());
    let mut begun = 0;
    let mut none = true;
    for (_, i) in up_to {
        none = false;
        if begun == places {
            break;
        }
        let (Some(device), Some(frozen)) = (free(job, limits, *i), job.list.get(*i as usize)) else { continue };
        // What an earlier try left in the queue goes first: `next` asks for that below.
        let clear = device.task.is_none() || device.stuck;
        if clear && !(limits.elsewhere)(&frozen.device) {
            acts.push(Act::Begin(*i));
            begun += 1;
        }
    }
    let done_so_far = header.waves.iter().take(usize::from(header.wave) + 1).all(|w| w.left() == 0);
    if none
        && done_so_far
        && !unproven(job)
        && let Some((wave, _)) = job.waiting.first()
    {
        acts.push(Act::Record(JobEvent::Wave(*wave)));
    }
}

/// Whether the portion at work has shown nothing yet: no device of it is judged, and some of them only
/// have a task waiting for them. The next portion would go without what this one is there to tell.
#[must_use]
pub fn unproven(job: &Job) -> bool {
    let header = &job.header;
    let judged = header.waves.get(usize::from(header.wave)).is_none_or(|wave| wave.judged > 0);
    let of_it = |i: &u32| job.list.get(*i as usize).is_some_and(|f| f.wave == header.wave);
    let queued = |i: &u32| job.devices.get(*i as usize).is_some_and(|d| d.state == State::Queued);
    !judged && job.left.iter().any(|i| of_it(i) && queued(i))
}

fn cancel(job: &Job, limits: &Limits<'_>, acts: &mut Vec<Act>) {
    let end = |index: u32, class: Class, why: &str| {
        let what = DeviceEvent::Ended { class, why: why.to_owned() };
        Act::Record(JobEvent::Device { index, what })
    };
    for (_, i) in &job.waiting {
        if free(job, limits, *i).is_some() {
            acts.push(end(*i, Class::Cancelled, "cancelled before it began"));
        }
    }
    for i in &job.active {
        if free(job, limits, *i).is_some_and(|d| matches!(d.state, State::Stage(_))) {
            let why = "cancelled while the download was under way: the device has the order and may still load it";
            acts.push(end(*i, Class::Unknown, why));
        }
    }
    for i in &job.left {
        let queued = free(job, limits, *i).is_some_and(|d| d.state == State::Queued && d.task.is_none());
        if queued {
            acts.push(end(*i, Class::Unknown, "cancelled; its task at the controller is not known"));
        }
    }
    let standing = |d: &Device| d.state.standing();
    let quiet = job.waiting.is_empty() && job.active.is_empty();
    let queued = job
        .left
        .iter()
        .any(|i| job.devices.get(*i as usize).is_some_and(|d| standing(d) == Standing::Through(Class::OfflineQueued)));
    if quiet && !queued {
        acts.push(Act::Record(JobEvent::Ended));
    }
}
