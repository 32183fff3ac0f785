//! Documents of the server to what the console speaks of. Pure: no connection, no clock.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde::{Deserialize, Deserializer};
use serde_json::Value as Json;

use crate::model::text;
use crate::model::time::{SECOND, Ts};

use super::device::{DeviceDoc, Root, instant};
use super::profile::{Profile, Profiles, Purpose};
use super::version;
use super::wire::{DeviceId, Projection, Scalar, TaskId};

/// The longest text that is kept of one parameter.
const TEXT: usize = 256;

/// A CPE as the fleet shows it. Texts are safe to show.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Cpe {
    /// Its id, as documents hold it.
    pub id: String,
    /// Maker.
    pub manufacturer: String,
    /// The maker's number.
    pub oui: String,
    /// Product class.
    pub product_class: String,
    /// Serial number.
    pub serial: String,
    /// Name of the model; the product class where it tells none.
    pub model: String,
    /// Firmware version.
    pub firmware: String,
    /// Hardware version.
    pub hardware: String,
    /// When it last informed.
    pub last_inform: Ts,
    /// When it last started.
    pub last_boot: Ts,
    /// When it was first seen.
    pub registered: Ts,
    /// Tags, sorted.
    pub tags: Vec<String>,
    /// Received optical power, hundredths of a dBm.
    pub rx_centi_dbm: Option<i32>,
    /// Launched optical power, hundredths of a dBm.
    pub tx_centi_dbm: Option<i32>,
    /// When the received power was read.
    pub rx_at: Ts,
    /// Address on the WAN side.
    pub ip: String,
    /// Name of the 2.4 GHz network.
    pub ssid: String,
    /// PPPoE user name.
    pub pppoe_user: String,
    /// Seconds since its start, when that was read.
    pub uptime_s: Option<i64>,
    /// When the uptime was read.
    pub uptime_at: Ts,
    /// Data model.
    pub root: Option<Root>,
    /// Name of its profile.
    pub profile: String,
}

impl Cpe {
    /// When it started, told by what it said last: its own uptime, or the event of its start.
    #[must_use]
    pub fn up_since(&self) -> Ts {
        match self.uptime_s {
            Some(s) if self.uptime_at.is_set() && self.uptime_at >= self.last_boot => {
                self.uptime_at.plus(s.saturating_mul(SECOND).saturating_neg())
            }
            _ => self.last_boot,
        }
    }
}

/// The purposes that [`cpe`] reads.
const READ: &[Purpose] = &[
    Purpose::ModelName,
    Purpose::SoftwareVersion,
    Purpose::HardwareVersion,
    Purpose::RxPower,
    Purpose::TxPower,
    Purpose::Ip,
    Purpose::Ssid,
    Purpose::PppoeUser,
    Purpose::Uptime,
];

/// What [`cpe`] needs of each document, and what the profiles keep besides: some 15 leaves instead
/// of hundreds.
#[must_use]
pub fn projection(profiles: &Profiles) -> Projection {
    let own = ["_id", "_deviceId", "_registered", "_lastInform", "_lastBoot", "_tags"];
    let mut paths: Vec<String> = own.map(str::to_owned).to_vec();
    let kept = profiles.iter().flat_map(Profile::keep);
    for path in READ.iter().flat_map(|p| profiles.paths(*p)).chain(kept) {
        // A projection knows no stars: all that hangs below comes along.
        let path = path.split(".*").next().unwrap_or(path);
        if !paths.iter().any(|p| p == path) {
            paths.push(path.to_owned());
        }
    }
    // One that stands below another is a conflict to MongoDB.
    let below = |path: &str, over: &str| path.strip_prefix(over).is_some_and(|rest| rest.starts_with('.'));
    let kept = paths.iter().filter(|p| !paths.iter().any(|over| below(p, over))).cloned().collect();
    Projection(kept)
}

/// A device's document as the fleet shows it.
#[must_use]
pub fn cpe(doc: &DeviceDoc, profiles: &Profiles) -> Cpe {
    cpe_with(doc, profiles.of_doc(doc))
}

/// The same with the device's profile at hand.
#[must_use]
pub fn cpe_with(doc: &DeviceDoc, profile: &Profile) -> Cpe {
    let words = |purpose| {
        let found = profile.find(purpose, doc).filter(|(_, place, _)| !place.secret);
        found.and_then(|(_, _, node)| node.value.as_ref()).map(|v| safe(&v.to_string())).unwrap_or_default()
    };
    let power = |purpose| {
        let (_, place, node) = profile.find(purpose, doc)?;
        Some((place.unit.centi_dbm(node.value.as_ref()?)?, node.timestamp))
    };
    let (rx, tx) = (power(Purpose::RxPower), power(Purpose::TxPower));
    let uptime = profile.find(Purpose::Uptime, doc).map(|(_, _, node)| node);
    let model = words(Purpose::ModelName);
    let product_class = safe(&doc.product_class);
    Cpe {
        id: safe(doc.id().as_str()),
        manufacturer: safe(&doc.manufacturer),
        oui: safe(&doc.oui),
        model: if model.is_empty() { product_class.clone() } else { model },
        product_class,
        serial: safe(&doc.serial),
        firmware: words(Purpose::SoftwareVersion),
        hardware: words(Purpose::HardwareVersion),
        last_inform: doc.last_inform,
        last_boot: doc.last_boot,
        registered: doc.registered,
        tags: tags(doc),
        rx_centi_dbm: rx.map(|(power, _)| power),
        tx_centi_dbm: tx.map(|(power, _)| power),
        rx_at: rx.map_or(Ts::NEVER, |(_, at)| at),
        ip: words(Purpose::Ip),
        ssid: words(Purpose::Ssid),
        pppoe_user: words(Purpose::PppoeUser),
        uptime_s: uptime.and_then(|n| n.value.as_ref()?.number()).filter(|s| *s >= 0.0).map(|s| s as i64),
        uptime_at: uptime.map_or(Ts::NEVER, |n| n.timestamp),
        root: doc.root(),
        profile: profile.name.clone(),
    }
}

/// A device's tags, sorted.
#[must_use]
pub fn tags(doc: &DeviceDoc) -> Vec<String> {
    let mut tags: Vec<String> = doc.tags.iter().map(|t| safe(t)).collect();
    tags.sort();
    tags
}

fn safe(words: &str) -> String {
    text::clip(&text::clean(words), TEXT, "…").into_owned()
}

/// A parameter of a device.
#[derive(Clone, PartialEq)]
pub struct Leaf {
    /// Where.
    pub path: String,
    /// Its value as it came; none when it was never read.
    pub value: Option<Scalar>,
    /// `xsd:…`.
    pub xsd: String,
    /// When the value was read.
    pub read_at: Ts,
    /// Whether it can be set; not known to the server for some.
    pub writable: Option<bool>,
    /// Whether nobody may see its value.
    pub secret: bool,
}

impl std::fmt::Debug for Leaf {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let value: &dyn std::fmt::Debug = if self.secret { &"…" } else { &self.value };
        f.debug_struct("Leaf").field("path", &self.path).field("value", value).finish_non_exhaustive()
    }
}

/// All parameters of a device, in the order of people.
#[must_use]
pub fn leaves(doc: &DeviceDoc, profile: &Profile) -> Vec<Leaf> {
    let leaf = |(path, node): (String, &super::device::Node)| Leaf {
        secret: profile.is_secret(&path),
        path,
        value: node.value.clone(),
        xsd: node.xsd.as_deref().unwrap_or_default().to_owned(),
        read_at: node.timestamp,
        writable: node.writable,
    };
    doc.leaves().into_iter().map(leaf).collect()
}

fn when<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Ts, D::Error> {
    Ok(Json::deserialize(deserializer)?.as_str().map_or(Ts::NEVER, instant))
}

/// JSON inside a text, as operations and faults hold it; what is none stays a text.
fn inner<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Json, D::Error> {
    let value = Json::deserialize(deserializer)?;
    Ok(match value.as_str().map(serde_json::from_str::<Json>) {
        Some(Ok(inside)) => inside,
        _ => value,
    })
}

fn words<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    Ok(match Json::deserialize(deserializer)? {
        Json::String(words) => words,
        Json::Null => String::new(),
        other => other.to_string(),
    })
}

/// A waiting task.
#[derive(Debug, Clone, PartialEq, Deserialize, Default)]
#[serde(default)]
pub struct TaskDoc {
    #[serde(rename = "_id", deserialize_with = "words")]
    id: String,
    /// What it does.
    #[serde(deserialize_with = "words")]
    pub name: String,
    /// To whom.
    #[serde(deserialize_with = "words")]
    pub device: String,
    /// Not before this instant; usually when it was posted.
    #[serde(deserialize_with = "when")]
    pub timestamp: Ts,
    /// When it is dropped.
    #[serde(deserialize_with = "when")]
    pub expiry: Ts,
    /// The key that it is found by.
    #[serde(rename = "uniqueKey")]
    pub unique_key: Option<String>,
}

impl TaskDoc {
    /// Its id; nothing when the server tells none.
    #[must_use]
    pub fn id(&self) -> Option<TaskId> {
        TaskId::parse(&self.id)
    }
}

/// A fault: what went wrong on a channel of a device.
#[derive(Debug, Clone, PartialEq, Deserialize, Default)]
#[serde(default)]
pub struct FaultDoc {
    /// `<device>:<channel>`.
    #[serde(rename = "_id", deserialize_with = "words")]
    pub id: String,
    /// Whose.
    #[serde(deserialize_with = "words")]
    pub device: String,
    /// `task_<id>`, the channel of a preset, `default`.
    #[serde(deserialize_with = "words")]
    pub channel: String,
    /// When.
    #[serde(deserialize_with = "when")]
    pub timestamp: Ts,
    /// `cwmp.9003`, `script.…`, `timeout`.
    #[serde(deserialize_with = "words")]
    pub code: String,
    /// Words.
    #[serde(deserialize_with = "words")]
    pub message: String,
    /// How often it was tried again.
    pub retries: u32,
    detail: Json,
    /// What was tried: `[["value", path, value]]`.
    #[serde(deserialize_with = "inner")]
    pub provisions: Json,
}

/// What a CPE said of one parameter that it did not take.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ParameterFault {
    /// Which.
    pub path: String,
    /// `9007`.
    pub code: String,
    /// Words.
    pub words: String,
}

impl FaultDoc {
    /// The task it belongs to.
    #[must_use]
    pub fn task(&self) -> Option<TaskId> {
        self.channel.strip_prefix("task_").and_then(TaskId::parse)
    }

    /// The parameters that failed, each with its own reason.
    #[must_use]
    pub fn parameters(&self) -> Vec<ParameterFault> {
        let part = |one: &Json, key: &str| one.get(key).and_then(Scalar::of).map(|v| safe(&v.to_string()));
        let all = self.detail.get("setParameterValuesFault").and_then(Json::as_array).into_iter().flatten();
        all.filter_map(|one| {
            Some(ParameterFault {
                path: part(one, "parameterName")?,
                code: part(one, "faultCode").unwrap_or_default(),
                words: part(one, "faultString").unwrap_or_default(),
            })
        })
        .collect()
    }

    /// One line: code, words, and the parameters that failed.
    #[must_use]
    pub fn summary(&self) -> String {
        let mut line = safe(&format!("{} {}", self.code, self.message));
        for fault in self.parameters() {
            let _ = write!(line, "; {}: {} {}", fault.path, fault.code, fault.words);
        }
        line
    }

    /// When it is tried again by itself: at a session after this instant.
    #[must_use]
    pub fn next_try(&self) -> Ts {
        let pause = 300_i64.saturating_mul(1_i64.checked_shl(self.retries).filter(|p| *p > 0).unwrap_or(i64::MAX));
        self.timestamp.plus(pause.saturating_mul(SECOND))
    }
}

/// A download that a CPE accepted and has not finished.
#[derive(Debug, Clone, PartialEq, Deserialize, Default)]
#[serde(default)]
pub struct OperationDoc {
    /// `<device>:<command key>`.
    #[serde(rename = "_id", deserialize_with = "words")]
    pub id: String,
    /// `Download`.
    #[serde(deserialize_with = "words")]
    pub name: String,
    /// When it was accepted.
    #[serde(deserialize_with = "when")]
    pub timestamp: Ts,
    #[serde(deserialize_with = "inner")]
    channels: Json,
    #[serde(deserialize_with = "inner")]
    args: Json,
}

impl OperationDoc {
    /// Whose it is.
    #[must_use]
    pub fn device(&self) -> Option<DeviceId> {
        self.id.rsplit_once(':').map(|(device, _)| DeviceId::new(device))
    }

    /// The tasks it came from.
    #[must_use]
    pub fn tasks(&self) -> Vec<TaskId> {
        let channels = self.channels.as_object().into_iter().flatten();
        channels.filter_map(|(name, _)| name.strip_prefix("task_").and_then(TaskId::parse)).collect()
    }

    /// What is fetched.
    #[must_use]
    pub fn file_name(&self) -> &str {
        self.args.get("fileName").and_then(Json::as_str).unwrap_or_default()
    }

    /// The instance below `Downloads` that tells how it ended.
    #[must_use]
    pub fn instance(&self) -> &str {
        self.args.get("instance").and_then(Json::as_str).unwrap_or_default()
    }
}

/// A file of the server.
#[derive(Debug, Clone, PartialEq, Deserialize, Default)]
#[serde(default)]
pub struct FileDoc {
    /// Its name.
    #[serde(rename = "_id", deserialize_with = "words")]
    pub name: String,
    /// Bytes.
    pub length: u64,
    /// When it was uploaded.
    #[serde(rename = "uploadDate", deserialize_with = "when")]
    pub uploaded: Ts,
    metadata: BTreeMap<String, Json>,
}

impl FileDoc {
    fn meta(&self, key: &str) -> &str {
        self.metadata.get(key).and_then(Json::as_str).unwrap_or_default()
    }

    /// `1 Firmware Upgrade Image`.
    #[must_use]
    pub fn file_type(&self) -> &str {
        self.meta("fileType")
    }

    /// The maker it is for.
    #[must_use]
    pub fn oui(&self) -> &str {
        self.meta("oui")
    }

    /// The model it is for.
    #[must_use]
    pub fn product_class(&self) -> &str {
        self.meta("productClass")
    }

    /// The version it brings.
    #[must_use]
    pub fn version(&self) -> &str {
        self.meta("version")
    }
}

/// How far the download of a file to a device is (facts §9). "Accepted" by the server's 200 is no
/// more than the second of these.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Stage {
    /// The task waits.
    Queued,
    /// The CPE said yes; nothing is known of the transfer.
    Accepted {
        /// When.
        at: Ts,
    },
    /// It said that the transfer is done.
    Transferred {
        /// When.
        at: Ts,
    },
    /// It started again since.
    Rebooted {
        /// When.
        at: Ts,
    },
    /// It runs the version that the file brings, and said so after the transfer.
    Verified {
        /// When it said so.
        at: Ts,
    },
    /// It started again and runs another version.
    WrongVersion {
        /// Which.
        found: String,
    },
    /// It refused, or the transfer failed.
    Fault(String),
    /// Nothing is known of it.
    Unknown,
}

/// What is known about one download.
#[derive(Debug, Clone, Copy)]
pub struct Evidence<'a> {
    /// The device, with `Downloads`, `_lastBoot` and the firmware version.
    pub doc: &'a DeviceDoc,
    /// Its profile.
    pub profile: &'a Profile,
    /// The file.
    pub file_name: &'a str,
    /// The version that it brings; empty when nobody told.
    pub version: &'a str,
    /// When the task was posted.
    pub since: Ts,
    /// Whether the task still waits.
    pub task_waits: bool,
    /// The fault of its channel.
    pub fault: Option<&'a FaultDoc>,
    /// Its operation.
    pub operation: Option<&'a OperationDoc>,
}

/// How far a download is, from the last thing that is proven.
#[must_use]
pub fn stage(e: &Evidence<'_>) -> Stage {
    if let Some(fault) = e.fault {
        return Stage::Fault(fault.summary());
    }
    if let Some(operation) = e.operation {
        return Stage::Accepted { at: operation.timestamp };
    }
    if e.task_waits {
        return Stage::Queued;
    }
    let Some((started, transferred)) = transferred(e) else { return Stage::Unknown };
    let booted = e.doc.last_boot;
    let version = e.profile.find(Purpose::SoftwareVersion, e.doc);
    let told = version.as_ref().and_then(|(_, _, n)| Some((n.value.as_ref()?.to_string(), n.timestamp)));
    match told {
        Some((found, at)) if at >= transferred && !e.version.is_empty() => {
            if version::same(&found, e.version) {
                return Stage::Verified { at };
            }
            if booted > started && at >= booted {
                return Stage::WrongVersion { found: safe(&found) };
            }
        }
        _ => {}
    }
    // The end of the transfer is often told in the very session that begins with the start.
    if booted > started {
        return Stage::Rebooted { at: booted };
    }
    Stage::Transferred { at: transferred }
}

/// When the download of this file was accepted, and when the server heard that it is done:
/// `LastDownload` names the start of the one that was completed last. Both are of the server's clock;
/// `StartTime` and `CompleteTime` are of the CPE's.
fn transferred(e: &Evidence<'_>) -> Option<(Ts, Ts)> {
    let downloads = e.doc.at("Downloads")?;
    let text = |node: &super::device::Node, name: &str| Some(node.child(name)?.value.as_ref()?.to_string());
    let instances = downloads.children().filter(|(name, _)| name.bytes().all(|b| b.is_ascii_digit()));
    instances
        .filter_map(|(_, one)| {
            let started = instant(&text(one, "Download")?);
            let last = instant(&text(one, "LastDownload")?);
            let same = text(one, "LastFileName")? == e.file_name;
            let done = same && last.is_set() && last == started && started >= e.since;
            done.then(|| (started, one.child("LastDownload").map_or(last, |n| n.timestamp.max(last))))
        })
        .max()
}

#[cfg(test)]
mod tests;
