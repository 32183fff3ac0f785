//! Sessions: a CPE informs, the ACS works off what waits for it.

use super::task::channel;
use super::{Fault, SECOND, Step, World};
use crate::sim::genieacs::data::{ObjectId, Value};
use crate::sim::genieacs::fleet::cpe::Seen;
use crate::sim::genieacs::fleet::source::Reading;
use crate::sim::genieacs::fleet::{Cpe, Line, Phase};

/// A CPE that was answered 503 tries again after a minute.
const RETRY_AFTER: i64 = 60 * SECOND;
/// First back-off of a fault; it doubles with each retry.
const RETRY_DELAY: i64 = 300 * SECOND;

/// What a CPE does when the session is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Afterwards {
    Nothing,
    Reboot,
    Reset,
}

/// How a task ended.
#[derive(Debug)]
pub(super) enum Outcome {
    Done,
    Then(Afterwards),
    Fault(Refusal),
}

/// A fault that a CPE answers.
#[derive(Debug, Clone)]
pub(crate) struct Refusal {
    pub(super) code: u32,
    pub(super) message: String,
    /// Per parameter: name, code, text.
    pub(super) parameters: Option<Vec<(String, u32, &'static str)>>,
}

impl Refusal {
    pub(super) fn new(code: u32, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), parameters: None }
    }

    pub(super) fn detail(&self) -> Value {
        let one = |(name, code, text): &(String, u32, &'static str)| {
            Value::doc([
                ("parameterName", Value::text(name.as_str())),
                ("faultCode", Value::Text(code.to_string())),
                ("faultString", Value::text(*text)),
            ])
        };
        let parameters = self.parameters.as_ref().map(|list| Value::List(list.iter().map(one).collect()));
        Value::doc([
            ("faultCode", Value::Text(self.code.to_string())),
            ("faultString", Value::text(self.message.as_str())),
            ("setParameterValuesFault", parameters.unwrap_or(Value::Null)),
        ])
    }
}

impl World {
    /// A CPE informs.
    pub(super) fn begin(&mut self, at: u32) {
        let (room, wall) = (self.has_room(), self.wall());
        let Some((cpe, template)) = self.fleet.both(at) else { return };
        match cpe.phase {
            _ if cpe.line != Line::There => {}
            Phase::InSession => cpe.again = true,
            Phase::Boots | Phase::Off => {}
            Phase::Up if !room => self.after(RETRY_AFTER, Step::Begin(at)),
            Phase::Up => {
                cpe.phase = Phase::InSession;
                cpe.sessions = cpe.sessions.wrapping_add(1);
                if cpe.bootstrapped {
                    cpe.last_bootstrap = wall;
                    forget(cpe);
                    cpe.read_at = wall + 2;
                    cpe.names_at = wall;
                    cpe.rx_seen = cpe.rx;
                }
                if cpe.booted && !cpe.model().plain {
                    cpe.last_boot = wall;
                }
                cpe.booted = false;
                cpe.bootstrapped = false;
                cpe.last_inform = wall;
                inform(cpe, template, wall);
                let lasts = 30 + i64::from(cpe.number.wrapping_mul(2_654_435_761) % 150);
                self.active += 1;
                self.after(lasts, Step::End(at));
            }
        }
    }

    /// The ACS has done what it could in a session.
    pub(super) fn end(&mut self, at: u32) {
        if !self.fleet.get(at).is_some_and(Cpe::in_session) {
            return;
        }
        self.active = self.active.saturating_sub(1);
        self.told(at);
        let mut then = Afterwards::Nothing;
        for id in self.tasks.of_device(at) {
            then = then.max(self.attempt(at, id));
        }
        let (wall, usual) = (self.wall(), self.rules.inform_s);
        let Some(cpe) = self.fleet.get_mut(at) else { return };
        cpe.ended = cpe.ended.wrapping_add(1);
        cpe.phase = Phase::Up;
        let again = std::mem::take(&mut cpe.again);
        let (interval, sessions) = (i64::from(cpe.interval_s) * SECOND, cpe.sessions);
        match then {
            Afterwards::Nothing if again => self.after(10, Step::Begin(at)),
            Afterwards::Nothing => {
                let jitter = self.rng.i64(-interval / 20..=interval / 20);
                self.after(interval + jitter, Step::Periodic { cpe: at, sessions });
            }
            Afterwards::Reboot => {
                cpe.extra().reboot = Some(wall);
                self.go_down(at);
            }
            Afterwards::Reset => {
                cpe.extra().factory_reset = Some(wall);
                if let Some(extra) = &mut cpe.extra {
                    extra.own.clear();
                }
                cpe.interval_s = usual;
                cpe.bootstrapped = true;
                self.go_down(at);
            }
        }
    }

    /// A CPE reboots.
    pub(super) fn go_down(&mut self, at: u32) {
        let Some(cpe) = self.fleet.get_mut(at) else { return };
        cpe.phase = Phase::Boots;
        let lasts = 40 * SECOND + i64::from(cpe.number % 30) * SECOND;
        self.after(lasts, Step::Boot(at));
    }

    /// It is up again.
    pub(super) fn boot(&mut self, at: u32) {
        let wall = self.wall();
        let Some(cpe) = self.fleet.get_mut(at).filter(|c| c.phase == Phase::Boots) else { return };
        cpe.phase = Phase::Up;
        cpe.booted = true;
        cpe.up_since = wall;
        self.install(at);
        self.begin(at);
    }

    /// Runs a task, unless its fault holds it back.
    fn attempt(&mut self, at: u32, id: ObjectId) -> Afterwards {
        let (wall, now) = (self.wall(), self.now);
        let Some(task) = self.tasks.get(&id).cloned() else { return Afterwards::Nothing };
        if task.timestamp > wall {
            return Afterwards::Nothing;
        }
        let key = (at, channel(&id));
        if task.expiry.is_some_and(|e| e < wall) {
            self.tasks.remove(&id);
            self.faults.remove(&key);
            return Afterwards::Nothing;
        }
        let mut retries = 0;
        if let Some(fault) = self.faults.get(&key) {
            // The test is the wrong way round in this release: a fault that has not expired yet is
            // dropped, and the task runs at every session.
            if fault.expiry.is_some_and(|e| e >= wall) {
                self.faults.remove(&key);
            } else if fault.retry_at > now {
                return Afterwards::Nothing;
            } else {
                retries = fault.retries + 1;
            }
        }
        if task.kind.changes() {
            *self.changes.entry(at).or_default() += 1;
        }
        match self.apply(at, id, &task.kind) {
            Outcome::Fault(refusal) => {
                let fault = Fault {
                    timestamp: wall,
                    code: format!("cwmp.{}", refusal.code),
                    message: refusal.message.clone(),
                    detail: refusal.detail(),
                    retries,
                    expiry: task.expiry,
                    provisions: task.kind.provisions(),
                    retry_at: now + (RETRY_DELAY << retries.min(16)),
                };
                self.faults.insert(key, fault);
                Afterwards::Nothing
            }
            Outcome::Done => {
                self.finished(at, &id);
                Afterwards::Nothing
            }
            Outcome::Then(then) => {
                self.finished(at, &id);
                then
            }
        }
    }

    fn finished(&mut self, at: u32, id: &ObjectId) {
        self.tasks.remove(id);
        self.faults.remove(&(at, channel(id)));
    }
}

/// What comes with every inform is known anew.
fn inform(cpe: &mut Cpe, template: &super::super::fleet::template::Template, wall: i64) {
    if cpe.extra.is_none() {
        return;
    }
    let leaves: Vec<u16> = cpe.extra.iter().flat_map(|e| e.seen.keys().copied()).collect();
    let reading = Reading { at: wall, rx: cpe.rx };
    for at in leaves {
        let Some(leaf) = template.leaves.get(usize::from(at)).filter(|l| l.informed) else { continue };
        let own = cpe.extra.as_ref().and_then(|e| e.own.get(&at)).cloned();
        let value = own.unwrap_or_else(|| leaf.source.value(cpe, reading));
        cpe.extra().seen.insert(at, Seen { value, at: wall });
    }
}

/// After a bootstrap the ACS knows nothing of old.
fn forget(cpe: &mut Cpe) {
    if let Some(extra) = cpe.extra.as_deref_mut() {
        extra.seen.clear();
        extra.refreshed.clear();
        extra.added.clear();
        extra.gone.clear();
        extra.virtuals.clear();
    }
    cpe.shallow = true;
}
