//! Pure translation of what VOLTHA says into [`Observation`]s. Nothing here waits, reads a clock
//! or can fail: bytes that are no event become [`Observation::Unreadable`].
//!
//! Identity is by serial number, because an OLT reboot gives every ONU a new id (facts:
//! voltha-run §6.4). Each emitter (core, openolt, openonu) names ids differently in the events'
//! context; `subject` is the one place that knows.

mod device_event;
mod directory;
mod kpi;
mod list;
mod subject;
mod types;

use prost::Message;

use crate::model::observation::{AlarmEvent, ClearReason, Notice, Observation, Unreadable};
use crate::model::resource::{NodeKind, Resource};
use crate::model::severity::Severity;
use crate::model::text;
use crate::model::time::Ts;

use super::proto::event::{Event, EventHeader, RpcEvent, event::EventType as Body};

pub use directory::Directory;
use list::pon_index;
pub(crate) use list::{anonymous_learned, devices, olt_ports, unis};
pub(crate) use subject::unnamed_uni;
pub use types::TypeIndex;

/// The longest name or state word that is kept, characters.
const WORD: usize = 128;
/// The longest context value that is kept, bytes; `device-rules` of a failed flow is some 2 kB.
const VALUE: usize = 4096;
/// Most context entries that are kept.
const ENTRIES: usize = 64;
/// How much of an unreadable message is kept, bytes.
const HEAD: usize = 512;

/// RPC events of this name tell that somebody's change-event stream ended. After the first such
/// end the core repeats it for every change (facts: voltha-run §6.3): it says nothing about us.
const CHANGE_STREAM_RPC: &str = "ReceiveChangeEvents";

/// What one message of the stream said.
#[derive(Debug, Default, PartialEq)]
pub struct Decoded {
    /// What it said, in order; never empty.
    pub what: Vec<Observation>,
    /// For a deletion: the id of the device that was deleted, which may be an older incarnation.
    pub gone_id: Option<String>,
    /// When the source says it sent the message; unset when it does not say.
    pub reported: Ts,
    /// The OLT (device id) whose ports may have changed with this event.
    pub ports_of: Option<String>,
    /// What makes two failures of a call the same (its flow's cookie).
    pub same_as: Option<String>,
}

/// Reads one message. `None` is a tombstone.
#[must_use]
pub fn message(value: Option<&[u8]>, types: &TypeIndex, directory: &mut Directory) -> Decoded {
    let Some(bytes) = value else { return Decoded::of(Observation::Skipped) };
    let event = match Event::decode(bytes) {
        Ok(event) => event,
        Err(e) => return Decoded::of(unreadable(&e.to_string(), bytes)),
    };
    let header = event.header.unwrap_or_default();
    let mut decoded = match event.event_type {
        Some(Body::DeviceEvent(body)) => device_event::map(&header, body, types, directory),
        Some(Body::RpcEvent(body)) => rpc(&header, body, directory),
        Some(Body::KpiEvent2(body)) => kpi::map(body.ts, body.slice_data.into_iter().map(kpi::Slice::from), directory),
        Some(Body::KpiEvent3(body)) => kpi::map(body.ts, body.slice_data.into_iter().map(kpi::Slice::from), directory),
        Some(Body::KpiEvent(_) | Body::ConfigEvent(_)) => Decoded::of(Observation::Skipped),
        None => Decoded::of(unreadable("no event of a known kind inside", bytes)),
    };
    decoded.reported = instant(header.reported_ts.as_ref());
    if decoded.what.is_empty() {
        decoded.what.push(Observation::Skipped);
    }
    decoded
}

impl Decoded {
    fn of(what: Observation) -> Self {
        Self { what: vec![what], ..Self::default() }
    }
}

/// A message that could not be read, with its first bytes.
pub(crate) fn unreadable(reason: &str, bytes: &[u8]) -> Observation {
    Observation::Unreadable(Unreadable {
        reason: word(reason),
        head: bytes.iter().take(HEAD).copied().collect(),
        len: u32::try_from(bytes.len()).unwrap_or(u32::MAX),
    })
}

/// A failed call of somebody: the only way in which the core tells that flows were refused.
fn rpc(header: &EventHeader, body: RpcEvent, directory: &Directory) -> Decoded {
    if body.rpc == CHANGE_STREAM_RPC {
        return Decoded::of(Observation::Skipped);
    }
    let same_as = body.context.get("flow-cookie").map(|cookie| format!("{}:{cookie}", body.rpc));
    let resource = (!body.resource_id.is_empty()).then(|| match directory.serial(&body.resource_id) {
        Some(serial) => Resource::new(NodeKind::Olt, serial),
        None => Resource::new(NodeKind::Device, word(&body.resource_id)),
    });
    let mut context = context(body.context);
    if !body.operation_id.is_empty() {
        context.push(("operation-id".to_owned(), word(&body.operation_id)));
    }
    let notice = Notice {
        resource,
        event: format!("RPC {}", word(&body.rpc)),
        text: line(&body.description),
        source_time: instant(header.raised_ts.as_ref()),
        failure: true,
        context,
    };
    Decoded { same_as, ..Decoded::of(Observation::Notice(notice)) }
}

/// A protobuf instant; unset when it is not there.
fn instant(ts: Option<&prost_types::Timestamp>) -> Ts {
    ts.map_or(Ts::NEVER, |t| Ts::from_parts(t.seconds, t.nanos))
}

/// A name or state word from outside: cleaned, and cut to a sane length.
fn word(raw: &str) -> String {
    clip(raw.trim(), WORD)
}

/// A name from outside, as it is used in identities.
pub(crate) fn name(raw: &str) -> String {
    word(raw)
}

/// A line of text from outside: cleaned, and cut to a sane length.
fn line(raw: &str) -> String {
    clip(raw.trim(), 4 * WORD)
}

fn clip(raw: &str, limit: usize) -> String {
    match raw.char_indices().nth(limit) {
        None => text::clean(raw).into_owned(),
        Some((end, _)) => text::clean(raw.get(..end).unwrap_or_default()).into_owned(),
    }
}

/// An event's context as sent (raw: whoever shows it cleans it), sorted by key, within bounds.
fn context(map: std::collections::HashMap<String, String>) -> Vec<(String, String)> {
    let mut pairs: Vec<_> = map.into_iter().collect();
    pairs.sort();
    pairs.truncate(ENTRIES);
    for (key, value) in &mut pairs {
        cut(key, WORD);
        cut(value, VALUE);
    }
    pairs
}

fn cut(text: &mut String, limit: usize) {
    if text.len() > limit {
        let end = (0..=limit).rev().find(|i| text.is_char_boundary(*i)).unwrap_or(0);
        text.truncate(end);
    }
}

/// A condition that noctule watches itself, as an alarm: the inventory may overrule severity and
/// title. `raise` holds the words, `None` clears.
#[must_use]
pub fn own_alarm(types: &TypeIndex, own: &OwnAlarm, resource: Resource, raise: Option<&str>, now: Ts) -> AlarmEvent {
    let profile = types.own(own.type_id, own.severity, own.title);
    let text = match raise {
        Some(words) if !words.is_empty() => format!("{}: {}", profile.title, line(words)),
        _ => profile.title,
    };
    AlarmEvent {
        resource,
        type_id: profile.type_id,
        qualifier: String::new(),
        raise: raise.is_some().then_some(profile.severity),
        source_time: now,
        text,
        clear_reason: if raise.is_some() { ClearReason::Source } else { ClearReason::Watch },
        event: own.type_id.to_owned(),
        context: Vec::new(),
        own_query: false,
        will_clear: true,
        cleared_by_active: false,
        hold_down_s: profile.hold_down_s,
    }
}

/// An uplink without signal: it has the event of a PON without signal, and is another fault.
pub(crate) const NNI_LOS: OwnAlarm =
    OwnAlarm { type_id: "pon.nni.los", severity: Severity::Critical, title: "No signal on the uplink" };

/// A condition that noctule watches itself, or tells apart where the source does not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OwnAlarm {
    /// Entry of the inventory.
    pub type_id: &'static str,
    /// Severity when the inventory has no such entry.
    pub severity: Severity,
    /// Title when the inventory has no such entry.
    pub title: &'static str,
}

/// Nothing of a source answers.
pub const SOURCE_UNREACHABLE: OwnAlarm =
    OwnAlarm { type_id: "source.unreachable", severity: Severity::Critical, title: "source cannot be reached" };
/// An adapter process is not heard any more; its devices show no sign of it.
pub const ADAPTER_DEAD: OwnAlarm =
    OwnAlarm { type_id: "voltha.adapter.dead", severity: Severity::Critical, title: "adapter is dead" };
/// Some flows of an OLT are gone while its ONUs stayed.
pub const FLOWS_LOST: OwnAlarm =
    OwnAlarm { type_id: "voltha.flows.lost", severity: Severity::Major, title: "service flows are lost" };
/// All flows of an OLT are gone while its ONUs say that theirs are pushed: so it is after a restart
/// of the core.
pub const DRIFT: OwnAlarm =
    OwnAlarm { type_id: "voltha.drift", severity: Severity::Major, title: "controller and devices disagree" };
/// Messages of the event stream were missed.
pub const STREAM_GAP: OwnAlarm =
    OwnAlarm { type_id: "source.stream_gap", severity: Severity::Minor, title: "events are missing" };
