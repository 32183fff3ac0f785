//! CPEs as an auto-configuration server knows them: what a poll tells, and the rows of the fleet.
//!
//! The parameters a device profile projects are kept beside the row as [`Leaf`]s, so that filters
//! and the detail view reach them by their raw paths. Values of secret parameters are never part
//! of any type here.

use minicbor::{Decode, Encode};

use super::ids::{RowId, SourceName};
use super::time::{SECOND, Ts};

/// Whether a device informs as it should: a function of its last inform, the source's two
/// thresholds and now. Never stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Online {
    /// Informed within the first threshold.
    Online,
    /// Informed within the second.
    Late,
    /// Did not, or never did.
    Offline,
}

impl Online {
    /// All of them, best first.
    pub const ALL: [Self; 3] = [Self::Online, Self::Late, Self::Offline];
    /// Their words.
    pub const WORDS: &'static [&'static str] = &["online", "late", "offline"];

    /// The state as a word.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Online => "online",
            Self::Late => "late",
            Self::Offline => "offline",
        }
    }

    /// The state at `now`.
    #[must_use]
    pub const fn at(last_inform: Ts, rule: OnlineRule, now: Ts) -> Self {
        if !last_inform.is_set() {
            return Self::Offline;
        }
        let age = now.0.saturating_sub(last_inform.0);
        if age <= rule.online_s as i64 * SECOND {
            Self::Online
        } else if age <= rule.offline_s as i64 * SECOND {
            Self::Late
        } else {
            Self::Offline
        }
    }
}

/// The thresholds of a source.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Encode, Decode)]
pub struct OnlineRule {
    /// Informed within this many seconds: online.
    #[n(0)]
    pub online_s: u32,
    /// Informed within this many seconds: late; else offline.
    #[n(1)]
    pub offline_s: u32,
}

impl Default for OnlineRule {
    fn default() -> Self {
        Self { online_s: 300, offline_s: 86_400 }
    }
}

/// Type of a parameter's value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Encode, Decode)]
#[cbor(index_only)]
pub enum LeafKind {
    /// Text.
    #[n(0)]
    #[default]
    Text,
    /// A number, in decimal digits.
    #[n(1)]
    Number,
    /// `true` or `false`.
    #[n(2)]
    Bool,
    /// An instant, RFC 3339.
    #[n(3)]
    Time,
}

/// A parameter with the value it was last read with.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Encode, Decode)]
pub struct Leaf {
    /// Full path (`InternetGatewayDevice.DeviceInfo.UpTime`).
    #[n(0)]
    pub path: String,
    /// The value in plain text; empty when it is known to exist and was never read.
    #[n(1)]
    pub value: String,
    /// Its type.
    #[n(2)]
    pub kind: LeafKind,
    /// When the device told it, whole seconds count.
    #[n(3)]
    pub at: Ts,
    /// Whether it can be set.
    #[n(4)]
    pub writable: bool,
}

/// What is known to have changed of a device; `None` = not told. The fold creates the device when
/// it does not exist.
#[derive(Debug, Clone, PartialEq, Eq, Default, Encode, Decode)]
pub struct CpePatch {
    /// The server's id of the device, as in its `_id`.
    #[n(0)]
    pub id: String,
    /// Serial number.
    #[n(1)]
    pub serial: Option<String>,
    /// Maker.
    #[n(2)]
    pub manufacturer: Option<String>,
    /// The maker's OUI.
    #[n(3)]
    pub oui: Option<String>,
    /// Product class.
    #[n(4)]
    pub product_class: Option<String>,
    /// Model name.
    #[n(5)]
    pub model: Option<String>,
    /// Firmware version.
    #[n(6)]
    pub firmware: Option<String>,
    /// Hardware version.
    #[n(7)]
    pub hardware: Option<String>,
    /// Last inform, the server's clock. Not part of what a poll compares: see `Informs`.
    #[n(8)]
    pub last_inform: Option<Ts>,
    /// Last boot.
    #[n(9)]
    pub last_boot: Option<Ts>,
    /// First seen by the server.
    #[n(10)]
    pub registered: Option<Ts>,
    /// Tags, sorted.
    #[n(11)]
    pub tags: Option<Vec<String>>,
    /// Received optical power, hundredths of a dBm.
    #[n(12)]
    pub rx_centi_dbm: Option<i32>,
    /// Launched optical power, hundredths of a dBm.
    #[n(13)]
    pub tx_centi_dbm: Option<i32>,
    /// WAN address.
    #[n(14)]
    pub ip: Option<String>,
    /// Name of the first radio network.
    #[n(15)]
    pub ssid: Option<String>,
    /// PPPoE user name.
    #[n(16)]
    pub pppoe_user: Option<String>,
    /// Uptime when it last told it, s.
    #[n(17)]
    pub uptime_s: Option<u64>,
    /// The parameters its profile keeps, all of them, by path.
    #[n(18)]
    pub leaves: Option<Vec<Leaf>>,
    /// Whether it came from a poll.
    #[n(19)]
    pub polled: bool,
}

/// Inform times of a poll round, for devices of which nothing else changed, and the thresholds
/// they are judged by.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct Informs {
    /// What the offsets count from.
    #[n(0)]
    pub base: Ts,
    /// xxh3 of the device id, and ms from the base.
    #[n(1)]
    pub seen: Vec<(u64, i64)>,
    /// Thresholds of the source.
    #[n(2)]
    pub rule: OnlineRule,
}

/// A fault the server holds for a device.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Encode, Decode)]
pub struct CpeFault {
    /// The device's id.
    #[n(0)]
    pub device: String,
    /// What failed: `task_<id>`, a preset's channel, `default`.
    #[n(1)]
    pub channel: String,
    /// `cwmp.9003`, `timeout` …
    #[n(2)]
    pub code: String,
    /// The server's text.
    #[n(3)]
    pub message: String,
    /// When, the server's clock.
    #[n(4)]
    pub at: Ts,
    /// How often it was tried again.
    #[n(5)]
    pub retries: u32,
    /// The parameters that failed: path, code, text.
    #[n(6)]
    pub parameters: Vec<(String, String, String)>,
    /// What was tried, in words (`reboot`, `download fw.bin`).
    #[n(7)]
    pub tried: String,
}

/// Stands for a device id in [`Informs`].
#[must_use]
pub fn id_hash(id: &str) -> u64 {
    xxhash_rust::xxh3::xxh3_64(id.as_bytes())
}

/// The name of a device among all sources.
#[must_use]
pub fn canonical(source: &str, id: &str) -> String {
    format!("{source}/cpe/{id}")
}

/// The id in a canonical name of a device of that source.
#[must_use]
pub fn id_of(canonical: &str) -> Option<(&str, &str)> {
    canonical.split_once("/cpe/")
}

/// The two ways a GPON serial number is written: four letters and eight digits
/// (`HWTC1234ABCD`), and sixteen hexadecimal digits (`485754431234ABCD`); upper case. For other
/// serial numbers both are the number itself.
#[must_use]
pub fn serial_forms(serial: &str) -> (String, String) {
    let upper = serial.trim().to_ascii_uppercase();
    let is_hex = |s: &str| s.bytes().all(|b| b.is_ascii_hexdigit());
    if upper.len() == 16 && is_hex(&upper) {
        let vendor: Option<String> = (0..8)
            .step_by(2)
            .map(|i| {
                let byte = u8::from_str_radix(upper.get(i..i + 2)?, 16).ok()?;
                byte.is_ascii_alphanumeric().then(|| char::from(byte).to_ascii_uppercase())
            })
            .collect();
        if let (Some(vendor), Some(rest)) = (vendor, upper.get(8..)) {
            return (format!("{vendor}{rest}"), upper);
        }
    }
    if upper.len() == 12
        && let (Some(vendor), Some(rest)) = (upper.get(..4), upper.get(4..))
        && vendor.bytes().all(|b| b.is_ascii_alphanumeric())
        && is_hex(rest)
    {
        use std::fmt::Write as _;
        let mut hex = String::with_capacity(16);
        for byte in vendor.bytes() {
            let _ = write!(hex, "{byte:02X}");
        }
        return (upper.clone(), hex + rest);
    }
    (upper.clone(), upper)
}

/// A row of the fleet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CpeRow {
    /// Identity.
    pub id: RowId,
    /// `source/cpe/device id`.
    pub canonical: String,
    /// Source.
    pub source: SourceName,
    /// The server's id of the device.
    pub device_id: String,
    /// Serial number.
    pub serial: String,
    /// Maker.
    pub manufacturer: String,
    /// The maker's OUI.
    pub oui: String,
    /// Product class.
    pub product_class: String,
    /// Model name.
    pub model: String,
    /// Firmware version.
    pub firmware: String,
    /// Hardware version.
    pub hardware: String,
    /// Last inform.
    pub last_inform: Ts,
    /// Last boot.
    pub last_boot: Ts,
    /// First seen by the server.
    pub registered: Ts,
    /// Tags, joined with `, `.
    pub tags: String,
    /// Received optical power, hundredths of a dBm.
    pub rx_centi_dbm: Option<i32>,
    /// Launched optical power, hundredths of a dBm.
    pub tx_centi_dbm: Option<i32>,
    /// WAN address.
    pub ip: String,
    /// Name of the first radio network.
    pub ssid: String,
    /// PPPoE user name.
    pub pppoe_user: String,
    /// Uptime when it last told it, s.
    pub uptime_s: Option<u64>,
    /// Faults the server holds for it.
    pub faults: u32,
    /// The ONU of the same serial number.
    pub onu: String,
    /// Name of that ONU in the inventory.
    pub subscriber: String,
    /// Subscribers behind it, from the inventory.
    pub subscribers: u32,
    /// When its source last confirmed it.
    pub as_of: Ts,
    /// Thresholds of its source.
    pub rule: OnlineRule,
    /// State when the row was read; see [`CpeRow::online_at`].
    pub online: Online,
    /// The parameters that are kept of it, by path.
    pub leaves: Vec<Leaf>,
}

impl CpeRow {
    /// Whether it informs as it should, at `now`.
    #[must_use]
    pub const fn online_at(&self, now: Ts) -> Online {
        Online::at(self.last_inform, self.rule, now)
    }

    /// What to call it on a screen: model and serial number.
    #[must_use]
    pub fn label(&self) -> String {
        let model = if self.model.is_empty() { &self.product_class } else { &self.model };
        if model.is_empty() { self.serial.clone() } else { format!("{model} {}", self.serial) }
    }
}

/// What the cache has about a device beyond its row.
#[derive(Debug, Clone, PartialEq)]
pub struct CpeDetail {
    /// The row.
    pub row: CpeRow,
    /// Its faults, newest first.
    pub faults: Vec<CpeFault>,
    /// The ONU of the same serial number.
    pub onu: Option<super::topology::NodeRow>,
    /// Open alarms of that ONU and above it, worst first.
    pub alarms: Vec<super::alarm::AlarmRow>,
    /// What noctule did to it, newest first: when, who, what, how it ended.
    pub history: Vec<CpeDeed>,
    /// Jobs that have or had it, newest first.
    pub jobs: Vec<CpeJob>,
}

/// What a job did to a device.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CpeJob {
    /// The job's row.
    pub id: RowId,
    /// Its name.
    pub name: String,
    /// `configure`, `firmware`, `reboot` …
    pub work: String,
    /// Only a dry run.
    pub dry_run: bool,
    /// Where the device stands in it.
    pub state: &'static str,
    /// Why, in words.
    pub why: String,
    /// Since when.
    pub at: Ts,
}

/// Something noctule did to a device.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CpeDeed {
    /// When, our clock.
    pub at: Ts,
    /// Who asked for it.
    pub actor: String,
    /// Command id.
    pub command: String,
    /// Why it failed; empty when it went well.
    pub error: String,
}

/// The fleet in numbers, for the bars.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct FleetStats {
    /// Devices in all.
    pub total: u64,
    /// Online, late, offline.
    pub online: [u64; 3],
    /// Devices with a fault.
    pub faulted: u64,
    /// Firmware versions with their number of devices, most frequent first, at most 12:
    /// model, version, count.
    pub firmware: Vec<(String, String, u64)>,
    /// Devices with other versions.
    pub other: u64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_gpon_serial_is_the_same_in_letters_and_in_hex() {
        let letters = serial_forms("hwtc1234abcd");
        assert_eq!(letters, ("HWTC1234ABCD".to_owned(), "485754431234ABCD".to_owned()));
        assert_eq!(serial_forms("485754431234abcd"), letters);
        assert_eq!(serial_forms("ALCL-0001"), ("ALCL-0001".to_owned(), "ALCL-0001".to_owned()));
        assert_eq!(serial_forms("0000000000000000").0, "0000000000000000", "no vendor in it");
    }

    #[test]
    fn the_thresholds_are_inclusive_and_never_is_offline() {
        let rule = OnlineRule { online_s: 10, offline_s: 20 };
        let at = |s: i64| Online::at(Ts(1_000 * SECOND), rule, Ts((1_000 + s) * SECOND));
        assert_eq!(
            [at(-5), at(10), at(11), at(20), at(21)].map(Online::word),
            ["online", "online", "late", "late", "offline"]
        );
        assert_eq!(Online::at(Ts::NEVER, rule, Ts(5)), Online::Offline);
    }
}
