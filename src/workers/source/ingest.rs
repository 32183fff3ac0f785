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
use crate::controllers::voltha::map::{TypeIndex, message, unnamed_uni};
use crate::model::observation::Observation;
use crate::model::resource::{NodeKind, Resource};
use crate::model::time::Ts;
use crate::model::topology::OperStatus;

use super::cache;
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
    /// The state of some device changed.
    pub(super) moved: bool,
}

/// The state of one partition.
#[derive(Debug, Default)]
pub(super) struct Ingest {
    held: Debounce,
    /// Failures of calls that were told already.
    told: HashMap<String, Instant>,
    /// Whether what comes now is told as it happens; else it is read from a backlog.
    live: bool,
}

impl Ingest {
    /// Says whether the messages that follow are told as they happen. Then states happened when we
    /// read them, and the source's time of them is left out: its clock may be off by more than what
    /// tells the past from the present.
    pub(super) const fn set_live(&mut self, live: bool) {
        self.live = live;
    }

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
                placed.moved |= matches!(&what, Observation::Node(patch) if patch.oper_status.is_some());
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
            Observation::Node(mut patch) => {
                if self.live {
                    patch.source_time = None;
                }
                let new = known.image.event(&patch, now);
                if patch.resource.kind == NodeKind::Onu && (new || patch.oper_status == Some(OperStatus::Active)) {
                    // Its UNIs come (back) without an event.
                    let olt = patch.parent.as_ref().map_or_else(String::new, |port| port.name.clone());
                    known.unis_due.insert(olt);
                }
                out.extend(self.held.hold(patch, offset, now).map(placed));
            }
            Observation::NodeGone(resource, cause) => {
                let by_id = gone_id.filter(|_| resource.kind != NodeKind::Device);
                let by_id = by_id.map(|id| Observation::NodeGone(Resource::new(NodeKind::Device, id), cause));
                if known.image.deleted(&resource, gone_id, now) {
                    // What was held back of it, and of what hangs below it, belongs before its end.
                    out.extend(self.held.all().into_iter().map(placed));
                    out.push((Some(offset), Observation::NodeGone(resource, cause)));
                } else {
                    // Its present id has to be known before its older one goes.
                    self.release(&resource, out);
                    out.push((Some(offset), Observation::Skipped));
                }
                // Alarms that came without a serial number are about the id: they end with it.
                out.extend(by_id.map(|gone| (Some(offset), gone)));
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

/// Whether some alarm is about a UNI of an ONU that is named by its device id alone.
pub(super) fn any_unnamed(what: &[Out]) -> bool {
    what.iter().any(|(_, what)| matches!(what, Observation::Alarm(alarm) if unnamed_uni(alarm).is_some()))
}

/// Gives such alarms their UNI, where the cache knows the ONU behind the id. Else they stay with
/// the ONU, whose id the store may know from earlier.
pub(super) fn name_unis(what: &mut [Out], known: &[cache::Known]) {
    for (_, what) in what {
        let Observation::Alarm(alarm) = what else { continue };
        let Some(uni) = unnamed_uni(alarm) else { continue };
        let onu = known.iter().find(|k| k.resource.kind == NodeKind::Onu && k.device_id == alarm.resource.name);
        if let Some(onu) = onu {
            alarm.resource = Resource::port(NodeKind::Uni, onu.resource.name.clone(), uni);
        }
    }
}

/// Whether a query of ours to this ONU may have provoked an alarm.
fn own_query(known: &mut Known, serial: &str, now: Instant) -> bool {
    known.own_queries.retain(|_, until| *until > now);
    known.own_queries.contains_key(serial)
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use prost::Message as _;

    use super::*;
    use crate::controllers::voltha::proto::event::{DeviceEvent, Event, EventHeader, RpcEvent, event::EventType};
    use crate::model::time::SECOND;

    fn map(pairs: &[(&str, &str)]) -> HashMap<String, String> {
        pairs.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect()
    }

    fn event(offset: i64, name: &str, context: &[(&str, &str)]) -> Message {
        let body = DeviceEvent { device_event_name: name.into(), context: map(context), ..DeviceEvent::default() };
        wire(offset, EventType::DeviceEvent(body))
    }

    fn wire(offset: i64, body: EventType) -> Message {
        let event = Event { header: None, event_type: Some(body) };
        Message { offset, value: Some(event.encode_to_vec()) }
    }

    fn state(offset: i64, id: &str, oper: &str) -> Message {
        let context = [("id", id), ("serial-number", "S1"), ("is-root", "false"), ("oper-state", oper)];
        event(offset, "DEVICE_STATE_CHANGE_RAISE_EVENT", &context)
    }

    struct Bench {
        ingest: Ingest,
        known: Known,
        types: TypeIndex,
        now: Instant,
    }

    impl Bench {
        fn new() -> Self {
            let types = TypeIndex::default();
            Self { ingest: Ingest::default(), known: Known::default(), types, now: Instant::now() }
        }

        fn take(&mut self, messages: &[Message]) -> Vec<String> {
            let out = self.ingest.take(messages, &self.types, &mut self.known, self.now).what;
            out.iter().map(short).collect()
        }

        fn wait(&mut self, ms: u64) -> Vec<String> {
            self.now += Duration::from_millis(ms);
            self.ingest.due(self.now).iter().map(short).collect()
        }
    }

    fn short((offset, what): &Out) -> String {
        let offset = offset.map_or_else(String::new, |o| o.to_string());
        match what {
            Observation::Node(p) => format!(
                "{offset} node {}",
                p.oper_status.map(crate::model::topology::OperStatus::word).unwrap_or_default()
            ),
            Observation::NodeGone(r, _) => format!("{offset} gone {r}"),
            Observation::Alarm(a) => format!("{offset} {}", if a.raise.is_some() { "raise" } else { "clear" }),
            Observation::Notice(_) => format!("{offset} notice"),
            Observation::Skipped => format!("{offset} skipped"),
            other => format!("{offset} {other:?}"),
        }
    }

    #[test]
    fn a_flicker_is_one_state() {
        let mut bench = Bench::new();
        let flicker = [state(1, "a", "ACTIVATING"), state(2, "a", "ACTIVATING"), state(3, "a", "ACTIVE")];
        assert!(bench.take(&flicker).is_empty());
        assert!(bench.wait(249).is_empty());
        assert_eq!(bench.wait(2), ["3 node active"]);
    }

    #[test]
    fn an_alarm_never_overtakes_the_state_before_it() {
        let mut bench = Bench::new();
        let gasp = event(2, "ONU_DYING_GASP_RAISE_EVENT", &[("serial-number", "S1"), ("onu-id", "1")]);
        let out = bench.take(&[state(1, "a", "ACTIVE"), gasp, state(3, "a", "DISCOVERED")]);
        // The other way round the return to ACTIVE would clear the gasp that came after it.
        assert_eq!(out, ["1 node active", "2 raise"]);
        assert_eq!(bench.wait(300), ["3 node discovered"]);
    }

    #[test]
    fn the_end_of_an_older_incarnation_takes_nothing_away() {
        let mut bench = Bench::new();
        let deleted = |offset, id| event(offset, "ONU_DELETED_RAISE_EVENT", &[("serial-number", "S1"), ("id", id)]);
        bench.take(&[state(1, "old", "ACTIVE"), state(2, "new", "DISCOVERED")]);
        let out = bench.take(&[deleted(3, "old")]);
        assert_eq!(out, ["2 node discovered", "3 skipped", "3 gone device/old", "3 notice"]);
        assert_eq!(bench.take(&[deleted(4, "new")]), ["4 gone onu/S1", "4 gone device/new", "4 notice"]);
    }

    #[test]
    fn a_refusal_told_twice_is_journalled_once() {
        let mut bench = Bench::new();
        let refusal = |offset, cookie| {
            let context = map(&[("flow-cookie", cookie)]);
            let rpc = "UpdateLogicalDeviceFlowTable".to_owned();
            wire(offset, EventType::RpcEvent(RpcEvent { rpc, context, ..RpcEvent::default() }))
        };
        assert_eq!(bench.take(&[refusal(1, "7"), refusal(2, "8")]), ["1 notice", "2 notice"]);
        bench.wait(14_700);
        assert_eq!(bench.take(&[refusal(3, "7")]), ["3 skipped"]);
        bench.wait(61_000);
        assert_eq!(bench.take(&[refusal(4, "7")]), ["4 notice"], "a new refusal");
    }

    #[test]
    fn an_olt_without_a_serial_number_gets_its_name_when_it_tells_it() {
        let mut bench = Bench::new();
        let olt = |offset, serial| {
            let context = [("id", "uuid"), ("serial-number", serial), ("is-root", "true"), ("oper-state", "ACTIVE")];
            event(offset, "DEVICE_STATE_CHANGE_RAISE_EVENT", &context)
        };
        bench.known.directory.listed_without_serial("uuid");
        assert_eq!(bench.take(&[olt(1, "")]), ["1 skipped"]);
        assert_eq!(bench.take(&[olt(2, "OLT1")]), ["2 gone device/uuid"]);
        assert_eq!(bench.wait(300), ["2 node active"]);
        let los = [("intf-id", "2"), ("port-label", "pon-536870914")];
        let mut message = event(3, "OLT_LOSS_OF_SIGNAL_RAISE_EVENT", &los);
        let mut decoded = Event::decode(message.value.as_deref().unwrap_or_default()).expect("ours");
        if let Some(EventType::DeviceEvent(body)) = &mut decoded.event_type {
            body.resource_id = "uuid".into();
        }
        message.value = Some(decoded.encode_to_vec());
        let out = bench.ingest.take(&[message], &bench.types, &mut bench.known, bench.now).what;
        let Some((_, Observation::Alarm(alarm))) = out.first() else { panic!("{out:?}") };
        assert_eq!((alarm.resource.kind, alarm.resource.to_string().as_str()), (NodeKind::PonPort, "olt/OLT1/pon/2"));
    }

    #[test]
    fn an_alarm_of_a_uni_without_a_serial_number_finds_its_uni() {
        let mut bench = Bench::new();
        let context = [("onu-id", "550291eb"), ("onu-intf-id", "131328"), ("onu-serial-number", "")];
        let messages = [event(1, "ONU_Ethernet_UNI_RAISE_EVENT", &context)];
        let mut out = bench.ingest.take(&messages, &bench.types, &mut bench.known, bench.now).what;
        let about = |out: &[Out]| match out {
            [(_, Observation::Alarm(alarm))] => alarm.resource.to_string(),
            other => panic!("{other:?}"),
        };
        assert!(any_unnamed(&out));
        name_unis(&mut out, &[]);
        assert_eq!(about(&out), "device/550291eb");
        let onu = cache::Known {
            resource: Resource::new(NodeKind::Onu, "BBSM1"),
            device_id: "550291eb".into(),
            patch_hash: 0,
        };
        name_unis(&mut out, &[onu]);
        assert_eq!(about(&out), "onu/BBSM1/uni/0");
        assert!(!any_unnamed(&out));
    }

    #[test]
    fn onus_that_come_by_event_make_their_unis_due() {
        let mut bench = Bench::new();
        let out = bench.ingest.take(&[state(1, "a", "DISCOVERED")], &bench.types, &mut bench.known, bench.now);
        assert!(out.moved && bench.known.unis_due.contains(""), "which OLT is not known here");
        bench.known.unis_due.clear();
        bench.take(&[state(2, "a", "ACTIVATING")]);
        assert!(bench.known.unis_due.is_empty());
        bench.take(&[state(3, "a", "ACTIVE")]);
        assert_eq!(bench.known.unis_due.len(), 1);
    }

    #[test]
    fn the_clock_of_the_source_counts_for_what_is_read_late_only() {
        let mut bench = Bench::new();
        let told = |offset, id| {
            let mut message = state(offset, id, "ACTIVE");
            let mut decoded = Event::decode(message.value.as_deref().unwrap_or_default()).expect("ours");
            let raised_ts = Some(prost_types::Timestamp { seconds: 1_700_000_000, nanos: 0 });
            decoded.header = Some(EventHeader { raised_ts, ..EventHeader::default() });
            message.value = Some(decoded.encode_to_vec());
            message
        };
        bench.take(&[told(1, "a")]);
        bench.ingest.set_live(true);
        let mut out = bench.ingest.take(&[told(2, "b")], &bench.types, &mut bench.known, bench.now).what;
        out.extend(bench.ingest.all());
        let times: Vec<_> = out
            .iter()
            .map(|(offset, what)| match what {
                Observation::Node(patch) => (*offset, patch.source_time),
                other => panic!("{other:?}"),
            })
            .collect();
        assert_eq!(times, [(Some(1), Some(Ts(1_700_000_000 * SECOND))), (Some(2), None)]);
    }

    #[test]
    fn a_lone_clear_is_passed_on_and_times_do_not_reorder() {
        let mut bench = Bench::new();
        let clear = |offset| event(offset, "OLT_COMMUNICATION_FAILURE_CLEAR_EVENT", &[("serial-number", "OLT1")]);
        assert_eq!(bench.take(&[clear(5), clear(6)]), ["5 clear", "6 clear"]);
    }
}
