//! The inventory of alarm types: the shipped `assets/alarm-types.toml` and the user's own file
//! over it, key by key, so that a line or two change a severity.

use std::path::Path;

use serde::Deserialize;
use toml::de::{DeTable, ValueDeserializer};

use super::{Error, Problem};
use crate::model::alarm_type::{AlarmType, AlarmTypes, EventType};
use crate::model::place::Place;
use crate::model::severity::Severity;

/// The shipped inventory.
const SHIPPED: &str = include_str!("../../assets/alarm-types.toml");

/// The shipped inventory with the user's file over it.
///
/// # Errors
/// When the user's file cannot be read or does not fit, with the places.
pub fn load(user: Option<&Path>) -> Result<AlarmTypes, Error> {
    let overlay = match user {
        Some(path) => {
            let origin = super::file_name(path);
            let text = std::fs::read_to_string(path).map_err(|e| Error::one(&*origin, e.to_string()))?;
            Some((origin, text))
        }
        None => None,
    };
    parse(overlay.as_ref().map(|(origin, text)| (origin.as_str(), text.as_str())))
}

/// As [`load`], from `(name, text)`.
///
/// # Errors
/// When the text does not fit, with all the places.
pub fn parse(user: Option<(&str, &str)>) -> Result<AlarmTypes, Error> {
    let mut types = AlarmTypes::default();
    lay_over(&mut types, "alarm-types.toml", SHIPPED)?;
    if let Some((origin, text)) = user {
        lay_over(&mut types, origin, text)?;
    }
    Ok(types)
}

/// An entry as written: what is not said stays as it was.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Change {
    severity: Option<Severity>,
    event_type: Option<EventType>,
    will_clear: Option<bool>,
    cleared_by_active: Option<bool>,
    title: Option<String>,
    probable_cause: Option<String>,
    repair: Option<String>,
    events: Option<Vec<String>>,
    hold_down_s: Option<u32>,
}

impl Change {
    /// The changed entry; a new one needs at least a severity and a title.
    fn apply(self, old: Option<AlarmType>) -> Option<AlarmType> {
        let mut entry = match old {
            Some(old) => old,
            None => AlarmType {
                severity: self.severity?,
                event_type: EventType::default(),
                will_clear: true,
                title: self.title.clone()?,
                probable_cause: String::new(),
                repair: String::new(),
                cleared_by_active: false,
                events: Vec::new(),
                hold_down_s: 30,
            },
        };
        set(&mut entry.severity, self.severity);
        set(&mut entry.event_type, self.event_type);
        set(&mut entry.will_clear, self.will_clear);
        set(&mut entry.cleared_by_active, self.cleared_by_active);
        set(&mut entry.title, self.title);
        set(&mut entry.probable_cause, self.probable_cause);
        set(&mut entry.repair, self.repair);
        set(&mut entry.events, self.events);
        set(&mut entry.hold_down_s, self.hold_down_s);
        Some(entry)
    }
}

fn set<T>(place: &mut T, value: Option<T>) {
    if let Some(value) = value {
        *place = value;
    }
}

fn lay_over(types: &mut AlarmTypes, origin: &str, text: &str) -> Result<(), Error> {
    let mut problems = Vec::new();
    let mut problem = |span: Option<std::ops::Range<usize>>, message: String| {
        let place = span.map(|s| Place::at(text, s.start));
        problems.push(Problem { origin: origin.to_owned(), place, message });
    };
    let (root, errors) = DeTable::parse_recoverable(text);
    for e in &errors {
        problem(e.span(), e.message().to_owned());
    }
    for (id, entry) in root.into_inner() {
        let (place, id) = (id.span(), id.into_inner().into_owned());
        match Change::deserialize(ValueDeserializer::from(entry)) {
            Err(e) => problem(e.span().or(Some(place)), format!("alarm type {id}: {}", e.message())),
            Ok(change) => match change.apply(types.by_id.remove(&id)) {
                Some(entry) => drop(types.by_id.insert(id, entry)),
                None => problem(Some(place), format!("alarm type {id} is a new one: it needs severity and title")),
            },
        }
    }
    if problems.is_empty() { Ok(()) } else { Err(Error { problems }) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::severity::Severity;

    /// Base names of the device events that openolt, openonu and the core send, old and new
    /// (voltha-api §4.3). What is no alarm (discovery, activation, state feed, deletion,
    /// enable/disable) is not among them.
    const EVENTS: &[&str] = &[
        // openolt
        "OLT_LOSS_OF_SIGNAL",
        "OLT_COMMUNICATION_FAILURE",
        "OLT_DOWN_INDICATION",
        "OLT_PON_INTERFACE_DOWN",
        "OLT_REBOOT_FAILED",
        "ONU_LOSS_OF_SIGNAL",
        "ONU_LOSS_OF_BURST",
        "ONU_LOPC_MISS",
        "ONU_LOPC_MIC_ERROR",
        "ONU_LOSS_OF_FRAME",
        "ONU_LOSS_OF_PLOAM",
        "ONU_DYING_GASP",
        "ONU_SIGNALS_FAIL",
        "ONU_SIGNAL_DEGRADE",
        "ONU_DRIFT_OF_WINDOW",
        "ONU_STARTUP_FAIL",
        "ONU_LOSS_OF_OMCI_CHANNEL",
        "ONU_LOSS_OF_KEY_SYNC",
        "ONU_DEACTIVATION_FAILURE",
        "ONU_PHYSICAL_EQUIPMENT_ERROR",
        "ONU_LOSS_OF_ACKNOWLEDGEMENT",
        "ONU_LOSS_OF_GEM_CHANNEL_DELINEATION",
        "ONU_DIFFERENTIAL_REACH_EXCEEDED",
        "ONU_REMOTE_DEFECT",
        "OLT_DEVICE_STATE_UPDATE_FAILED",
        "OLT_DEVICE_DB_UPDATE_FAILURE",
        "ONU_UPDATE_COMMUNICATION_FAILED",
        "ONU_ACTIVATION_FAIL",
        // openonu, OMCI alarms
        "ONU_EQUIPMENT",
        "ONU_SELF_TEST_FAIL",
        "ONU_LASER_EOL",
        "ONU_TEMP_YELLOW",
        "ONU_TEMP_RED",
        "ONU_Ethernet_UNI",
        "ONU_VOLTAGE_YELLOW",
        "ONU_VOLTAGE_RED",
        "ONU_LOW_RX_OPTICAL",
        "ONU_HIGH_RX_OPTICAL",
        "ONU_BIT_ERROR_BASED_SIGNAL_FAIL",
        "ONU_BIT_ERROR_BASED_SIGNAL_DEGRADE",
        "ONU_LOW_TX_OPTICAL",
        "ONU_HIGH_TX_OPTICAL",
        "ONU_LASER_BIAS_CURRENT",
        // openonu, others
        "ONU_INITIALIZATION_FAILED",
        "ONU_DEVICE_UPDATE_FAILED",
        "ONU_DEVICE_DB_UPDATE_FAILURE",
        "ONU_MIB_AUDIT_FAILURE_MDS",
        "ONU_OMCI_COMMUNICATION_FAILURE_CONFIG",
        "ONU_OMCI_COMMUNICATION_FAILURE_SW_UPGRADE",
        "ONU_CONFIG_FAILURE_RESPONSE_ERROR",
        "ONU_CONFIG_FAILURE_TIMEOUT",
        "ONU_CONFIG_FAILURE_MISSING_TCONT",
        "ONU_CONFIG_FAILURE_MISSING_US_PRIORITY_QUEUE",
        "ONU_CONFIG_FAILED",
        "ONU_RECONCILE_FAILED",
    ];

    const OWN: &[&str] = &[
        "pon.nni.los",
        "voltha.adapter.dead",
        "voltha.flows.lost",
        "voltha.drift",
        "source.unreachable",
        "source.stream_gap",
        // Virtual machines (engine::vm::track).
        "vm.crashed",
        "vm.io_error",
        "vm.operation",
        "vm.unknown",
        // Telemetry appliances (engine::buffer).
        "buffer.config_kills",
        "buffer.coverage",
        "buffer.dead_listener",
        "buffer.emptied",
        "buffer.fill",
        "buffer.limit_zero",
        "buffer.loss",
        "buffer.no_data",
        "buffer.quota",
        "buffer.replay_stuck",
        "buffer.slow",
        "buffer.time_to_full",
        "buffer.unreadable",
        "buffer.uplink_down",
        "host.disk",
        "service.down",
    ];

    #[test]
    fn every_event_has_one_type() {
        let types = parse(None).unwrap();
        for event in EVENTS {
            let hits: Vec<_> = types.by_id.iter().filter(|(_, t)| t.events.iter().any(|e| e == event)).collect();
            assert_eq!(hits.len(), 1, "{event}");
        }
        for id in OWN {
            assert!(types.get(id).is_some_and(|t| t.will_clear && t.events.is_empty()), "{id}");
        }
    }

    #[test]
    fn every_type_tells_what_to_do() {
        for (id, entry) in parse(None).unwrap().by_id {
            assert!(!entry.title.is_empty() && entry.title.len() <= 60, "{id}: a title is short");
            assert!(!entry.probable_cause.is_empty() && entry.repair.len() > 40, "{id}");
            assert!(entry.severity != Severity::Indeterminate, "{id}");
            assert!(!entry.events.is_empty() || OWN.contains(&id.as_str()), "{id} is never raised");
            let good = |c: char| c.is_ascii_lowercase() || c == '.' || c == '_';
            assert!(id.chars().all(good), "{id}");
        }
    }

    #[test]
    fn every_alarm_of_the_engine_is_in_the_inventory() {
        let types = parse(None).unwrap();
        let machines = crate::engine::vm::track::TYPES.iter().copied();
        for id in crate::engine::buffer::TYPES.iter().map(|(id, ..)| *id).chain(machines) {
            assert!(types.get(id).is_some() && OWN.contains(&id), "{id}");
        }
    }

    #[test]
    fn what_never_clears_is_cleared_by_the_device_or_closed_by_hand() {
        let types = parse(None).unwrap();
        for id in ["pon.onu.dying_gasp", "pon.onu.uni_los", "pon.onu.los"] {
            assert!(types.get(id).unwrap().cleared_by_active, "{id}");
        }
        assert!(!types.get("pon.onu.dying_gasp").unwrap().will_clear);
        assert!(!types.get("pon.port.los").unwrap().cleared_by_active, "a port does not become active");
    }

    #[test]
    fn a_users_line_changes_one_thing() {
        let own = "[\"pon.onu.uni_los\"]\nseverity = \"minor\"\n\n[\"site.door\"]\nseverity = \"warning\"\ntitle = \"Door\"\n";
        let types = parse(Some(("mine.toml", own))).unwrap();
        let shipped = parse(None).unwrap();
        let (mine, theirs) = (types.get("pon.onu.uni_los").unwrap(), shipped.get("pon.onu.uni_los").unwrap());
        assert_eq!(mine.severity, Severity::Minor);
        assert_eq!(mine.repair, theirs.repair);
        assert_eq!(types.get("site.door").unwrap().title, "Door");
    }

    #[test]
    fn mistakes_are_told_by_place() {
        let wrong = parse(Some(("mine.toml", "# mine\n[\"pon.onu.los\"]\nseverity = \"worst\"\n"))).unwrap_err();
        assert_eq!(wrong.problems[0].place, Some(Place { line: 3, column: 12 }), "{wrong}");
        let wrong = parse(Some(("mine.toml", "[\"pon.onu.los\"]\nsevrity = \"major\"\n"))).unwrap_err();
        assert_eq!(wrong.problems[0].place.map(|p| p.line), Some(2), "{wrong}");
        let wrong = parse(Some(("mine.toml", "[\"x.y\"]\nseverity = \"major\"\n"))).unwrap_err();
        assert!(wrong.to_string().contains("title"), "{wrong}");
    }
}
