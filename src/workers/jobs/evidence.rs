//! From the controller's documents to what the engine judges by: parameters with their ages, faults,
//! the trace of a download (facts: genieacs-api §8, §9). Instants are the controller's own clock.

use crate::controllers::genieacs::device::{DeviceDoc, Node, instant};
use crate::controllers::genieacs::map::{FaultDoc, OperationDoc};
use crate::controllers::genieacs::profile::{Profile, Purpose};
use crate::controllers::genieacs::version;
use crate::controllers::genieacs::wire::Scalar;
use crate::engine::job::dry_run::Leaf;
use crate::engine::job::proof::Transfer;
use crate::model::job::{DeviceEvent, ParamFault, ParamValue};
use crate::model::text::clean;
use crate::model::time::Ts;

/// A parameter of a device; `None` for what it does not have, and for objects.
#[must_use]
pub fn leaf(doc: &DeviceDoc, path: &str) -> Option<Leaf> {
    let node = doc.at(path).filter(|node| !node.object && node.children().next().is_none())?;
    let value = node.value.as_ref().map(|value| match value {
        Scalar::Text(t) => ParamValue::Text(t.clone()),
        Scalar::Int(n) => ParamValue::Int(*n),
        Scalar::Float(x) => ParamValue::Float(*x),
        Scalar::Bool(b) => ParamValue::Bool(*b),
    });
    Some(Leaf { value, writable: node.writable == Some(true), at: node.timestamp })
}

/// The version a device runs, and when that was read.
#[must_use]
pub fn running(doc: &DeviceDoc, profile: &Profile) -> Option<(String, Ts)> {
    let (_, _, node) = profile.find(Purpose::SoftwareVersion, doc)?;
    Some((node.value.as_ref()?.to_string(), node.timestamp))
}

/// A fault as an event.
#[must_use]
pub fn faulted(fault: &FaultDoc) -> DeviceEvent {
    let params =
        fault.parameters().into_iter().map(|p| ParamFault { path: p.path, code: p.code, message: p.words }).collect();
    DeviceEvent::Faulted {
        code: clean(&fault.code).into_owned(),
        message: clean(&fault.message).into_owned(),
        params,
        task: fault.task().map(|id| id.as_str().to_owned()),
    }
}

/// The trace of the download of `file`, ordered at `since` or later, that brings `wanted`.
#[must_use]
pub fn transfer(
    doc: &DeviceDoc,
    profile: &Profile,
    operations: &[OperationDoc],
    fault: Option<&FaultDoc>,
    file: &str,
    wanted: Option<&str>,
    since: Ts,
) -> Transfer {
    let text = |node: &Node, name: &str| Some(node.child(name)?.value.as_ref()?.to_string());
    let when = |node: &Node, name: &str| text(node, name).map_or(Ts::NEVER, |t| instant(&t));
    let device = doc.id();
    let pending = operations
        .iter()
        .any(|o| o.file_name() == file && o.timestamp >= since && o.device().is_some_and(|d| d == device));
    let ours = doc.at("Downloads").and_then(|all| {
        all.children()
            .filter(|(name, _)| name.bytes().all(|b| b.is_ascii_digit()))
            .map(|(_, one)| one)
            .filter(|one| text(one, "FileName").as_deref() == Some(file))
            .max_by_key(|one| when(one, "Download"))
    });
    let ordered = ours.map_or(Ts::NEVER, |one| when(one, "Download"));
    // `LastDownload` names the order that was completed last: only the same order counts.
    let last_done = ours.map(|one| when(one, "LastDownload")).filter(|done| *done == ordered).unwrap_or_default();
    let version = running(doc, profile).map(|(found, at)| match wanted {
        // Versions are compared as such: `v3.0.10` is `V3.0.10`.
        Some(wanted) if version::same(&found, wanted) => (wanted.to_owned(), at),
        _ => (clean(&found).into_owned(), at),
    });
    let fault = fault.map(|f| (clean(&f.code).into_owned(), clean(&f.message).into_owned()));
    Transfer { operation: pending, ordered, last_done, last_boot: doc.last_boot, version, fault }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::controllers::genieacs::profile::Profiles;
    use crate::engine::job::proof::{self, Patience};
    use crate::engine::job::{Device, Kind, State};
    use crate::model::job::{Answer, Class, Stage};
    use crate::model::time::SECOND;

    const FILE: &str = "HG8245H_V3.0.10.bin";

    fn first<T: serde::de::DeserializeOwned>(text: &str) -> T {
        serde_json::from_str::<Vec<T>>(text).unwrap().remove(0)
    }

    fn sent(at: Ts) -> Device {
        let mut device = Device::default();
        device.apply(Kind::Transfer, at, &DeviceEvent::Intent);
        device.apply(Kind::Transfer, at, &DeviceEvent::Answered { answer: Answer::Done, task: None });
        device
    }

    /// Follows a download as far as what was recorded of a real controller carries it.
    fn follow(device: &mut Device, doc: &DeviceDoc, operations: &[OperationDoc], since: Ts) {
        let profiles = Profiles::load(None).unwrap();
        let seen = transfer(doc, profiles.of_doc(doc), operations, None, FILE, Some("v3.0.10"), since);
        let now = since.plus(60 * SECOND);
        let next = |d: &Device| proof::transfer(d, &seen, since, Some("v3.0.10"), None, now, Patience::default());
        while let Some(event) = next(device) {
            assert!(device.apply(Kind::Transfer, now, &event), "{event:?}");
        }
    }

    #[test]
    fn a_recorded_upgrade_is_verified_and_a_pending_one_is_under_way() {
        let doc: DeviceDoc = first(include_str!("../../../tests/fixtures/genieacs/downloads-after-upgrade.json"));
        let since = instant("2026-11-20T14:31:21.000Z");
        let mut device = sent(since);
        follow(&mut device, &doc, &[], since);
        assert_eq!(device.state, State::Ended(Class::Changed), "{device:?}");
        let mut later = sent(since.plus(10 * SECOND));
        follow(&mut later, &doc, &[], since.plus(10 * SECOND));
        assert_eq!(later.state, State::Stage(Stage::Accepted), "an earlier upgrade proves nothing of this one");

        let doc: DeviceDoc = first(include_str!("../../../tests/fixtures/genieacs/downloads-subtree.json"));
        let operation: OperationDoc = first(include_str!("../../../tests/fixtures/genieacs/operations.json"));
        let since = instant("2026-11-20T14:26:21.000Z");
        let mut device = sent(since);
        follow(&mut device, &doc, std::slice::from_ref(&operation), since);
        assert_eq!(device.state, State::Stage(Stage::Transferring));
        let doc: DeviceDoc = first(include_str!("../../../tests/fixtures/genieacs/downloads-complete.json"));
        follow(&mut device, &doc, &[], since);
        assert_eq!(device.state, State::Stage(Stage::Transferred), "not restarted");
    }

    #[test]
    fn a_recorded_fault_names_its_parameter_and_its_task() {
        let fault: FaultDoc = first(include_str!("../../../tests/fixtures/genieacs/fault-spv.json"));
        let DeviceEvent::Faulted { code, params, task, .. } = faulted(&fault) else { panic!() };
        assert_eq!((code.as_str(), params[0].code.as_str()), ("cwmp.9003", "9007"));
        assert!(params[0].path.ends_with("WLANConfiguration.1.Channel"));
        assert_eq!(task.as_deref(), Some("6b0059b3e9ee7e3b09943170"));
    }

    #[test]
    fn parameters_come_with_age_and_right() {
        let doc: DeviceDoc = first(include_str!("../../../tests/fixtures/genieacs/downloads-after-upgrade.json"));
        let version = leaf(&doc, "InternetGatewayDevice.DeviceInfo.SoftwareVersion").unwrap();
        assert!(!version.writable && version.at == instant("2026-11-20T14:31:26.680Z"));
        assert_eq!(leaf(&doc, "InternetGatewayDevice.DeviceInfo"), None, "an object is no parameter");
        assert_eq!(leaf(&doc, "InternetGatewayDevice.None"), None);
    }
}
