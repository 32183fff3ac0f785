//! What `pon.pm-config` changes: how often a device measures, and whether it does.
//!
//! Both adapters take periods in seconds, whatever the protocol's comment says; an ONU measures in
//! groups, an OLT has one period for all (facts: voltha-api §1.1, §4.4). The whole configuration is
//! read, changed and sent back, because the call replaces it.

use crate::controllers::voltha::proto::device::PmConfigs;
use crate::model::command::Args;
use crate::model::text;
use crate::model::time::{DAY, SECOND, parse_duration};

/// Periods of groups are multiples of this; the ONU adapter refuses others. An OLT has no groups
/// and takes any.
const STEP_S: i64 = 5;
/// How the names of groups end that the ONU itself counts by quarter hours: their period is fixed.
const FIXED: &str = "_history";

/// A change of the PM configuration of a device.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct PmChange {
    /// Group of measurements; empty for the period of everything that has none of its own.
    pub group: String,
    /// What about it.
    pub set: PmSet,
}

/// What is changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum PmSet {
    /// Measure.
    On,
    /// Do not.
    Off,
    /// Every so many seconds.
    Every(u32),
}

impl PmChange {
    /// Reads the arguments `group` and `set`.
    ///
    /// # Errors
    /// What is wrong with them, in words.
    pub fn parse(args: &Args) -> Result<Self, String> {
        let get = |name: &str| args.get(name).map_or("", |v| v.trim());
        let (group, set) = (get("group").to_owned(), get("set"));
        let set = match set {
            "on" => PmSet::On,
            "off" => PmSet::Off,
            _ if group.to_ascii_lowercase().ends_with(FIXED) => {
                return Err(format!(
                    "{} is measured by quarter hours: it can only be set on or off",
                    text::clean(&group)
                ));
            }
            value => PmSet::Every(seconds(value, if group.is_empty() { 1 } else { STEP_S })?),
        };
        if group.is_empty() && !matches!(set, PmSet::Every(_)) {
            return Err("only a group can be set on or off: name it with group=".to_owned());
        }
        Ok(Self { group, set })
    }

    /// In words, at the head of a plan: `PON_Optical every 60 s`.
    #[must_use]
    pub fn words(&self) -> String {
        let group = if self.group.is_empty() { "default".into() } else { text::clean(&self.group) };
        match self.set {
            PmSet::On => format!("{group} on"),
            PmSet::Off => format!("{group} off"),
            PmSet::Every(s) => format!("{group} every {s} s"),
        }
    }

    /// The part of the call's body that differs, as JSON.
    #[must_use]
    pub fn body(&self) -> String {
        let group = text::clean(&self.group).replace('"', "");
        match (self.set, self.group.is_empty()) {
            (PmSet::Every(s), true) => format!("\"default_freq\": {s}"),
            (PmSet::Every(s), false) => {
                format!("\"groups\": [{{\"group_name\": \"{group}\", \"group_freq\": {s}}}]")
            }
            (set, _) => {
                format!("\"groups\": [{{\"group_name\": \"{group}\", \"enabled\": {}}}]", set == PmSet::On)
            }
        }
    }

    /// Changes a configuration; whether it was not so already.
    ///
    /// # Errors
    /// When the device has no such group (it is told which there are).
    pub fn apply(&self, pm: &mut PmConfigs) -> Result<bool, String> {
        let before = pm.clone();
        match (self.set, self.group.as_str()) {
            (PmSet::Every(s), "") => pm.default_freq = s,
            (set, name) => {
                let Some(group) = pm.groups.iter_mut().find(|g| g.group_name.eq_ignore_ascii_case(name)) else {
                    return Err(no_group(name, pm));
                };
                match set {
                    PmSet::On => group.enabled = true,
                    PmSet::Off => group.enabled = false,
                    PmSet::Every(s) => group.group_freq = s,
                }
            }
        }
        Ok(*pm != before)
    }
}

fn no_group(name: &str, pm: &PmConfigs) -> String {
    let known: Vec<_> = pm.groups.iter().map(|g| text::clean(&g.group_name)).collect();
    let name = text::clean(name);
    if known.is_empty() {
        format!("it has no group `{name}`, only a default period: leave group out")
    } else {
        format!("it has no group `{name}`; there are: {}", known.join(", "))
    }
}

fn seconds(value: &str, step: i64) -> Result<u32, String> {
    let plain = value.parse::<i64>().ok();
    let s = plain.or_else(|| parse_duration(value).map(|us| us / SECOND));
    let good = s.filter(|s| (step..=DAY / SECOND).contains(s) && s % step == 0);
    good.and_then(|s| u32::try_from(s).ok()).ok_or_else(|| {
        let steps = if step == 1 { String::new() } else { format!(" in steps of {step} s") };
        format!("`{value}` is no setting: on, off, or a period of {step} s to 24 h{steps}, like 60s or 15m")
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::controllers::voltha::proto::device::PmGroupConfig;

    fn change(group: &str, set: &str) -> Result<PmChange, String> {
        PmChange::parse(&Args::from([("group".to_owned(), group.to_owned()), ("set".to_owned(), set.to_owned())]))
    }

    fn onu() -> PmConfigs {
        let group = |name: &str| PmGroupConfig {
            group_name: name.into(),
            group_freq: 300,
            enabled: true,
            ..PmGroupConfig::default()
        };
        let groups = vec![group("PON_Optical"), group("UNI_Status")];
        PmConfigs { default_freq: 900, grouped: true, groups, ..PmConfigs::default() }
    }

    #[test]
    fn settings_are_read_and_mistakes_named() {
        assert_eq!(change("PON_Optical", "1m").unwrap().set, PmSet::Every(60));
        assert_eq!(change("", "300").unwrap().words(), "default every 300 s");
        assert_eq!(change("PON_Optical", "off").unwrap().words(), "PON_Optical off");
        for bad in ["", "61", "2s", "25h", "soon"] {
            assert!(change("PON_Optical", bad).unwrap_err().contains("steps of 5 s"), "{bad}");
        }
        assert!(change("", "off").unwrap_err().contains("group="));
        assert_eq!(change("", "61").unwrap().set, PmSet::Every(61), "an OLT takes any");
        assert!(change("FEC_History", "60s").unwrap_err().contains("quarter hours"));
        assert_eq!(change("FEC_History", "off").unwrap().set, PmSet::Off);
    }

    #[test]
    fn only_what_is_meant_is_changed() {
        let mut pm = onu();
        change("pon_optical", "60s").unwrap().apply(&mut pm).unwrap();
        change("UNI_Status", "off").unwrap().apply(&mut pm).unwrap();
        let told: Vec<_> = pm.groups.iter().map(|g| (g.group_name.as_str(), g.group_freq, g.enabled)).collect();
        assert_eq!(told, [("PON_Optical", 60, true), ("UNI_Status", 300, false)]);
        assert!(!change("UNI_Status", "off").unwrap().apply(&mut pm).unwrap(), "it is so already");
        assert!(change("FEC", "on").unwrap().apply(&mut pm).unwrap_err().contains("PON_Optical, UNI_Status"));
        change("", "600").unwrap().apply(&mut pm).unwrap();
        assert_eq!(pm.default_freq, 600);
        assert!(change("PON_Optical", "off").unwrap().apply(&mut PmConfigs::default()).unwrap_err().contains("leave"));
    }
}
