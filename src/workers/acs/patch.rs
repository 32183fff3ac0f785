//! Documents of the server as observations. Pure.

use std::collections::HashMap;

use crate::controllers::genieacs::device::DeviceDoc;
use crate::controllers::genieacs::map::{self, FaultDoc};
use crate::controllers::genieacs::profile::{Profile, Profiles};
use crate::controllers::genieacs::wire::Scalar;
use crate::model::cpe::{CpeFault, CpePatch, Leaf, LeafKind};
use crate::model::text;

/// The longest value that is kept.
const VALUE: usize = 256;
/// Parameters kept of one device at most.
const LEAVES: usize = 64;
/// Models, and parameters of one, that are remembered at most: ids come from outside.
const MODELS: usize = 1_000;
const SECRETS: usize = 5_000;

/// Reads one document after another: which profile a model has and which of its parameters are
/// secrets is found out once.
pub(super) struct Mapper<'a> {
    profiles: &'a Profiles,
    models: HashMap<u128, Model<'a>>,
}

struct Model<'a> {
    profile: &'a Profile,
    secret: HashMap<String, bool>,
}

impl<'a> Mapper<'a> {
    pub(super) fn new(profiles: &'a Profiles) -> Self {
        Self { profiles, models: HashMap::new() }
    }

    /// What a poll tells of a device.
    pub(super) fn of_device(&mut self, doc: &DeviceDoc) -> CpePatch {
        // A device that has both roots, or none, is rare, but its profile is another one.
        let key = format!("{}\0{}\0{:?}", doc.manufacturer, doc.product_class, doc.root());
        let key = xxhash_rust::xxh3::xxh3_128(key.as_bytes());
        if self.models.len() >= MODELS {
            self.models.clear();
        }
        let profiles = self.profiles;
        let model =
            self.models.entry(key).or_insert_with(|| Model { profile: profiles.of_doc(doc), secret: HashMap::new() });
        of_device(doc, model)
    }
}

impl Model<'_> {
    fn is_secret(&mut self, path: &str) -> bool {
        if let Some(known) = self.secret.get(path) {
            return *known;
        }
        if self.secret.len() >= SECRETS {
            self.secret.clear();
        }
        let secret = self.profile.is_secret(path);
        self.secret.insert(path.to_owned(), secret);
        secret
    }
}

/// What a poll tells of a device.
fn of_device(doc: &DeviceDoc, model: &mut Model<'_>) -> CpePatch {
    let cpe = map::cpe_with(doc, model.profile);
    CpePatch {
        // The id as the server has it: it is what requests and other documents name.
        id: doc.id().as_str().to_owned(),
        serial: Some(cpe.serial),
        manufacturer: Some(cpe.manufacturer),
        oui: Some(cpe.oui),
        product_class: Some(cpe.product_class),
        model: Some(cpe.model),
        firmware: Some(cpe.firmware),
        hardware: Some(cpe.hardware),
        last_inform: Some(cpe.last_inform),
        last_boot: Some(cpe.last_boot),
        registered: Some(cpe.registered),
        tags: Some(cpe.tags),
        rx_centi_dbm: cpe.rx_centi_dbm,
        tx_centi_dbm: cpe.tx_centi_dbm,
        ip: Some(cpe.ip),
        ssid: Some(cpe.ssid),
        pppoe_user: Some(cpe.pppoe_user),
        uptime_s: cpe.uptime_s.and_then(|s| u64::try_from(s).ok()),
        leaves: Some(kept(doc, model)),
        polled: true,
    }
}

/// The parameters that the profile names or keeps and the document has, without secrets.
fn kept(doc: &DeviceDoc, model: &mut Model<'_>) -> Vec<Leaf> {
    let profile = model.profile;
    let named = profile.all().filter_map(|(purpose, _)| profile.find(purpose, doc)).map(|(path, _, node)| (path, node));
    let mut leaves: Vec<Leaf> = named
        .chain(profile.keep().filter_map(|path| doc.find(path)))
        .filter(|(path, node)| !node.object && node.value.is_some() && !model.is_secret(path))
        .map(|(path, node)| Leaf {
            path,
            value: node.value.as_ref().map(plain).unwrap_or_default(),
            kind: kind(node.value.as_ref(), node.xsd.as_deref().unwrap_or_default()),
            at: node.timestamp,
            writable: node.writable.unwrap_or(false),
        })
        .collect();
    leaves.sort_by(|a, b| a.path.cmp(&b.path));
    leaves.dedup_by(|a, b| a.path == b.path);
    leaves.truncate(LEAVES);
    leaves
}

/// A value that is safe to show and to keep.
pub(super) fn plain(value: &Scalar) -> String {
    text::clip(&text::clean(&value.to_string()), VALUE, "…").into_owned()
}

fn kind(value: Option<&Scalar>, xsd: &str) -> LeafKind {
    match value {
        Some(Scalar::Int(_) | Scalar::Float(_)) => LeafKind::Number,
        Some(Scalar::Bool(_)) => LeafKind::Bool,
        _ if xsd.ends_with("dateTime") => LeafKind::Time,
        _ => LeafKind::Text,
    }
}

/// A fault as the cache keeps it; `is_secret` decides what is left out of what was tried.
pub(super) fn of_fault(doc: &FaultDoc) -> CpeFault {
    CpeFault {
        device: doc.device.clone(),
        channel: safe(&doc.channel),
        code: safe(&doc.code),
        message: safe(&doc.message),
        at: doc.timestamp,
        retries: doc.retries,
        parameters: doc.parameters().into_iter().map(|p| (p.path, p.code, p.words)).collect(),
        tried: tried(&doc.provisions),
    }
}

/// What was tried, in words; values are left out: they may be secrets.
fn tried(provisions: &serde_json::Value) -> String {
    let all = provisions.as_array().into_iter().flatten();
    let words: Vec<String> = all
        .filter_map(|one| {
            let parts = one.as_array()?;
            let name = parts.first()?.as_str()?;
            let on = parts.get(1).and_then(|p| p.as_str()).unwrap_or_default();
            Some(safe(&format!("{name} {on}")).trim().to_owned())
        })
        .take(3)
        .collect();
    words.join(", ")
}

fn safe(words: &str) -> String {
    text::clip(&text::clean(words), VALUE, "…").into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::controllers::genieacs::profile::Purpose;

    fn device(name: &str) -> DeviceDoc {
        let path = format!("{}/tests/fixtures/genieacs/{name}", env!("CARGO_MANIFEST_DIR"));
        let text = std::fs::read_to_string(path).expect("fixture");
        let docs: Vec<DeviceDoc> = serde_json::from_str(&text).expect("documents");
        docs.into_iter().next().expect("one")
    }

    #[test]
    fn a_document_becomes_a_row_with_its_parameters() {
        let profiles = Profiles::load(None).expect("profiles");
        let doc = device("device-tr098.json");
        let patch = Mapper::new(&profiles).of_device(&doc);
        assert_eq!(patch.id, doc.id().as_str());
        assert!(patch.serial.as_ref().is_some_and(|s| !s.is_empty()));
        let leaves = patch.leaves.expect("leaves");
        let path = profiles.of_doc(&doc).find(Purpose::SoftwareVersion, &doc).expect("version").0;
        let version = leaves.iter().find(|l| l.path == path).expect("kept");
        assert_eq!(Some(version.value.as_str()), patch.firmware.as_deref());
        assert!(leaves.iter().all(|l| !l.path.contains("Password") && !l.path.contains("KeyPassphrase")), "{leaves:?}");
    }

    #[test]
    fn what_a_profile_keeps_is_asked_for_and_kept() {
        let channel = "InternetGatewayDevice.LANDevice.1.WLANConfiguration.1.Channel";
        let secret = "InternetGatewayDevice.ManagementServer.ConnectionRequestPassword";
        let mine = format!("name = \"tr-098\"\nkeep = [\"wifi_channel\", \"{secret}\"]\n");
        let profiles = Profiles::parse(&[("mine", &mine)]).expect("profiles");
        let paths = map::projection(&profiles).0;
        assert!(paths.iter().any(|p| p == channel), "{paths:?}");
        let leaves = Mapper::new(&profiles).of_device(&device("device-tr098.json")).leaves.expect("leaves");
        assert!(leaves.iter().any(|l| l.path == channel), "{leaves:?}");
        assert!(leaves.iter().all(|l| l.path != secret), "{leaves:?}");
    }

    #[test]
    fn a_fault_names_the_parameter_and_not_the_value() {
        let path = format!("{}/tests/fixtures/genieacs/fault-spv.json", env!("CARGO_MANIFEST_DIR"));
        let text = std::fs::read_to_string(path).expect("fixture");
        let docs: Vec<FaultDoc> = serde_json::from_str(&text)
            .or_else(|_| serde_json::from_str(&text).map(|one: FaultDoc| vec![one]))
            .expect("fault");
        let fault = of_fault(docs.first().expect("one"));
        assert!(fault.channel.starts_with("task_") && fault.code.starts_with("cwmp."), "{fault:?}");
        assert!(!fault.parameters.is_empty(), "{fault:?}");
        assert!(fault.tried.starts_with("value "), "{fault:?}");
    }
}
