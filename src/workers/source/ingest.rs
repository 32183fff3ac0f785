//! From messages of one partition to observations in the order in which they have to be
//! journalled. No I/O: the traps of the stream are sprung here, in tests.
//!
//! * Order is by offset; times of the source are data (they went back by milliseconds 37 times in
//!   913 events; facts: voltha-run §5).
//! * States that flicker are held back a quarter second ([`super::debounce`]).
//! * A deletion that means an older incarnation of a device is told, and changes nothing.
//! * A refusal of a flow that is told twice is journalled once (facts: voltha-run §6.18).
//! * Alarms that a query of ours provoked are marked.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use crate::controllers::voltha::events::Message;
use crate::controllers::voltha::map::{TypeIndex, message};
use crate::model::observation::Observation;
use crate::model::resource::Resource;
use crate::model::time::Ts;

use super::debounce::{Debounce, Held};
use super::shared::Known;

/// How long a told failure is remembered; repeats came 15 s later.
const REMEMBER: Duration = Duration::from_secs(60);
/// Most failures that are remembered.
const FAILURES: usize = 4096;
/// What an ONU raises (and never clears) when an on-demand read of ours takes too long (facts:
/// voltha-run §6.14).
const PROVOKED: &str = "ONU_OMCI_COMMUNICATION_FAILURE_CONFIG";

/// An observation with its offset.
pub(super) type Out = (Option<i64>, Observation);

/// What came of a batch.
#[derive(Debug, Default)]
pub(super) struct Placed {
    /// To be journalled, in order.
    pub(super) what: Vec<Out>,
    /// When the source says it sent the last message.
    pub(super) reported: Option<Ts>,
    /// Ports of some OLT have to be listed again.
    pub(super) ports: bool,
}

/// The state of one partition.
#[derive(Debug, Default)]
pub(super) struct Ingest {
    held: Debounce,
    /// Failures of calls that were told already.
    told: HashMap<String, Instant>,
}

impl Ingest {
    /// Takes messages in.
    pub(super) fn take(&mut self, messages: &[Message], types: &TypeIndex, known: &mut Known, now: Instant) -> Placed {
        let mut placed = Placed::default();
        for Message { offset, value } in messages {
            let decoded = message(value.as_deref(), types, &mut known.directory);
            if decoded.reported.is_set() {
                placed.reported = Some(decoded.reported);
            }
            if let Some(olt) = decoded.ports_of {
                placed.ports |= known.ports_due.insert(olt);
            }
            if decoded.same_as.is_some_and(|same| self.told_before(same, now)) {
                placed.what.push((Some(*offset), Observation::Skipped));
                continue;
            }
            for what in decoded.what {
                self.place(*offset, what, decoded.gone_id.as_deref(), known, now, &mut placed.what);
            }
        }
        placed
    }

    fn place(
        &mut self,
        offset: i64,
        what: Observation,
        gone_id: Option<&str>,
        known: &mut Known,
        now: Instant,
        out: &mut Vec<Out>,
    ) {
        match what {
            Observation::Node(patch) => {
                known.image.event(&patch, now);
                self.held.hold(patch, offset, now);
            }
            Observation::NodeGone(resource, cause) => {
                if known.image.deleted(&resource, gone_id, now) {
                    // What was held back of it, and of what hangs below it, belongs before its end.
                    out.extend(self.held.all().into_iter().map(placed));
                    out.push((Some(offset), Observation::NodeGone(resource, cause)));
                } else {
                    out.push((Some(offset), Observation::Skipped));
                }
            }
            Observation::Alarm(mut alarm) => {
                self.release(&alarm.resource, out);
                alarm.own_query = alarm.event.starts_with(PROVOKED) && own_query(known, &alarm.resource.name, now);
                out.push((Some(offset), Observation::Alarm(alarm)));
            }
            other => out.push((Some(offset), other)),
        }
    }

    fn release(&mut self, resource: &Resource, out: &mut Vec<Out>) {
        out.extend(self.held.release(resource).map(placed));
    }

    /// Whether this failure was told a short while ago.
    fn told_before(&mut self, same: String, now: Instant) -> bool {
        if self.told.len() >= FAILURES {
            self.told.retain(|_, at| now.saturating_duration_since(*at) < REMEMBER);
        }
        if self.told.len() >= FAILURES {
            self.told.clear();
        }
        let before = self.told.insert(same, now);
        before.is_some_and(|at| now.saturating_duration_since(at) < REMEMBER)
    }

    /// States whose time has come.
    pub(super) fn due(&mut self, now: Instant) -> Vec<Out> {
        self.held.due(now).into_iter().map(placed).collect()
    }

    /// All states that are held back.
    pub(super) fn all(&mut self) -> Vec<Out> {
        self.held.all().into_iter().map(placed).collect()
    }

    /// When the next state comes out.
    pub(super) fn next_due(&self) -> Option<Instant> {
        self.held.next_due()
    }
}

fn placed(held: Held) -> Out {
    (Some(held.offset), Observation::Node(held.patch))
}

/// Whether a query of ours to this ONU may have provoked an alarm.
fn own_query(known: &mut Known, serial: &str, now: Instant) -> bool {
    known.own_queries.retain(|_, until| *until > now);
    known.own_queries.contains_key(serial)
}
