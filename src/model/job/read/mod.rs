//! Reads a request from TOML or JSON. Every error names its line and its key.

use std::net::{Ipv4Addr, Ipv6Addr};

use secrecy::SecretString;

pub use super::locate::Format;
use super::locate::{line_at, line_of};
use super::raw::{RawJob, RawLan, RawWan, RawWifi};
use super::repeat::Repeat;
use super::request::{
    CpeVerb, FIRMWARE_IMAGE, Firmware, JobRequest, JobTargets, Priority, Schedule, StopRule, Waves, Window, Work,
};
use super::setting::{Change, NewValue, ParamValue, SecretSource, Setting};
use super::write::ASK;
use crate::model::place::did_you_mean;
use crate::model::text::clean;
use crate::model::time::{DAY, SECOND, parse_duration};

/// Why a request is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {}{message}", if key.is_empty() { String::new() } else { format!("{key}: ") })]
pub struct RequestError {
    /// Line, from 1.
    pub line: usize,
    /// Key, with dots; empty when the text as a whole is meant.
    pub key: String,
    /// What is wrong and what would be right. Never holds a value that may be a secret.
    pub message: String,
}

/// A request that was read.
#[derive(Debug)]
pub struct Parsed {
    /// The request, without secrets.
    pub request: JobRequest,
    /// Secrets that stand in the text itself: to be kept in memory only.
    pub typed: Vec<(Setting, SecretString)>,
}

impl Parsed {
    /// The settings whose secret is to be asked for: [`ASK`] stands in its place.
    #[must_use]
    pub fn to_ask(&self) -> Vec<Setting> {
        let Work::Set(changes) = &self.request.work else { return Vec::new() };
        let asked = |c: &&Change| {
            c.value == NewValue::Secret(SecretSource::Typed) && !self.typed.iter().any(|(s, _)| *s == c.setting)
        };
        changes.iter().filter(asked).map(|c| c.setting.clone()).collect()
    }
}

/// Most devices a job may touch at a time.
pub const MOST_CONCURRENT: i64 = 100;
const VERBS: [&str; 10] =
    ["refresh", "reboot", "factory-reset", "connect", "tag", "untag", "push", "delete", "add", "del-instance"];
const SECURITY: [&str; 9] = [
    "None",
    "WPA-PSK",
    "WPA2-PSK",
    "WPA-WPA2-PSK",
    "WPA2-Personal",
    "WPA3-Personal",
    "WPA3-SAE",
    "WPA3-Personal-Transition",
    "WPA2-Enterprise",
];
const WAN_TYPES: [&str; 5] = ["DHCP", "PPPoE", "Static", "DHCPv6", "PPPoEv6"];

/// Line and column do not belong into a message that names its place already.
fn without_place(message: &str) -> String {
    let cut = message.find(" at line ").unwrap_or(message.len());
    clean(message.get(..cut).unwrap_or(message)).trim().replace('\n', " ")
}

/// Reads a request.
///
/// # Errors
/// The first thing that is wrong with it, with its place.
pub fn read(text: &str, format: Format) -> Result<Parsed, RequestError> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let whole = |line, message: &str| RequestError { line, key: String::new(), message: without_place(message) };
    let raw: RawJob = match format {
        Format::Toml => {
            toml::from_str(text).map_err(|e| whole(e.span().map_or(1, |s| line_at(text, s.start)), e.message()))?
        }
        Format::Json => serde_json::from_str(text).map_err(|e| whole(e.line().max(1), &e.to_string()))?,
    };
    check(&raw).map_err(|(key, message)| RequestError {
        line: line_of(text, format, &[&[key.0][..], key.1.as_deref().as_slice()].concat()),
        key: key.1.as_ref().map_or_else(|| key.0.to_owned(), |part| format!("{}.{}", key.0, clean(part))),
        message,
    })
}

/// A key, or a key inside a table.
type Key = (&'static str, Option<String>);
type Wrong = (Key, String);

fn wrong<T>(key: &'static str, message: impl Into<String>) -> Result<T, Wrong> {
    Err(((key, None), message.into()))
}

fn wrong_in<T>(table: &'static str, key: &str, message: impl Into<String>) -> Result<T, Wrong> {
    Err(((table, Some(key.to_owned())), message.into()))
}

fn check(raw: &RawJob) -> Result<Parsed, Wrong> {
    if raw.name.trim().is_empty() || raw.name.len() > 200 {
        return wrong("name", "a name of 1 to 200 characters is needed");
    }
    let (targets, expected_count) = targets(raw)?;
    let max_concurrent = match raw.max_concurrent {
        None => None,
        Some(n @ 1..=MOST_CONCURRENT) => u16::try_from(n).ok(),
        Some(n) => {
            return wrong("max_concurrent", format!("{n} devices at a time; 1 to {MOST_CONCURRENT} are possible"));
        }
    };
    let priority = match &raw.priority {
        None => Priority::default(),
        Some(word) => match Priority::parse(word) {
            Some(priority) => priority,
            None => return wrong("priority", format!("no priority {}; {}", clean(word), Priority::WORDS.join(", "))),
        },
    };
    let stale_s = match raw.stale.as_deref().map(parse_duration) {
        None => (DAY / SECOND) as u32,
        Some(Some(us)) => u32::try_from(us / SECOND).unwrap_or(u32::MAX),
        Some(None) => return wrong("stale", "a duration such as 24h or 7d is needed; 0s takes any age"),
    };
    let mut typed = Vec::new();
    let work = work(raw, &mut typed)?;
    let firmware = matches!(work, Work::Firmware(_));
    let waves = match &raw.waves {
        None if firmware => Waves::CAREFUL,
        None => Waves::default(),
        Some(w) if w.percent > 100 => return wrong_in("waves", "percent", "a share is 0 to 100 per cent"),
        Some(w) => Waves { canary: w.canary, percent: w.percent },
    };
    let stop = match &raw.stop {
        None => StopRule::default(),
        Some(s) if s.percent.is_some_and(|p| p > 100) => {
            return wrong_in("stop", "percent", "a share is 0 to 100 per cent; 100 never stops");
        }
        Some(s) => StopRule {
            percent: s.percent.unwrap_or(StopRule::default().percent),
            after: s.after.unwrap_or(StopRule::default().after),
        },
    };
    let schedule = schedule(raw)?;
    let request = JobRequest {
        name: clean(raw.name.trim()).into_owned(),
        description: clean(raw.description.trim()).into_owned(),
        source: clean(&raw.source).into_owned(),
        targets,
        expected_count,
        work,
        max_concurrent,
        waves,
        stop,
        schedule,
        priority,
        dry_run: raw.dry_run,
        stale_s,
        rolls_back: None,
    };
    Ok(Parsed { request, typed })
}

fn targets(raw: &RawJob) -> Result<(JobTargets, Option<u64>), Wrong> {
    let given = [raw.device_filter.is_some(), raw.filter.is_some(), raw.devices.is_some()];
    if given.iter().filter(|g| **g).count() != 1 {
        return wrong(
            if given[1] { "filter" } else { "name" },
            "say which devices, in one way: device_filter = { query = {…} }, filter = \"…\" or devices = [\"id\", …]",
        );
    }
    if let Some(devices) = &raw.devices {
        if devices.is_empty() || devices.iter().any(|d| d.trim().is_empty()) {
            return wrong("devices", "a list of device ids is needed, none of them empty");
        }
        let mut seen = std::collections::HashSet::new();
        if let Some(twice) = devices.iter().find(|d| !seen.insert(d.as_str())) {
            return wrong("devices", format!("{} stands there twice", clean(twice)));
        }
        return Ok((JobTargets::Devices(devices.clone()), raw.expected_count));
    }
    if let Some(filter) = &raw.filter {
        if filter.trim().is_empty() {
            return wrong("filter", "an empty filter means every device; write `*` if that is meant");
        }
        return Ok((JobTargets::Filter(filter.trim().to_owned()), raw.expected_count));
    }
    match &raw.device_filter {
        Some(serde_json::Value::String(filter)) if !filter.trim().is_empty() => {
            Ok((JobTargets::Filter(filter.trim().to_owned()), raw.expected_count))
        }
        Some(serde_json::Value::Object(table)) => {
            let Some(query) = table.get("query") else {
                let all = serde_json::Value::Object(table.clone()).to_string();
                return Ok((JobTargets::Query(all), raw.expected_count));
            };
            if let Some(other) = table.keys().find(|k| !["query", "expected_count"].contains(&k.as_str())) {
                let hint = did_you_mean(other, ["query", "expected_count"]);
                return wrong_in("device_filter", other, format!("no such key{hint}"));
            }
            let count = match table.get("expected_count") {
                None | Some(serde_json::Value::Null) => raw.expected_count,
                Some(n) => match n.as_u64() {
                    Some(n) => Some(n),
                    None => return wrong_in("device_filter", "expected_count", "a whole number is needed"),
                },
            };
            match query {
                serde_json::Value::Object(_) => Ok((JobTargets::Query(query.to_string()), count)),
                serde_json::Value::String(filter) if !filter.trim().is_empty() => {
                    Ok((JobTargets::Filter(filter.trim().to_owned()), count))
                }
                _ => wrong_in("device_filter", "query", "a table of fields and values, or a filter as text, is needed"),
            }
        }
        _ => wrong("device_filter", "a table with query (and expected_count) is needed"),
    }
}

fn work(raw: &RawJob, typed: &mut Vec<(Setting, SecretString)>) -> Result<Work, Wrong> {
    let set = raw.wifi.is_some() || raw.lan.is_some() || raw.wan.is_some() || raw.custom_parameters.is_some();
    let kinds = [set, raw.firmware_file.is_some(), raw.verb.is_some()];
    if kinds.iter().filter(|k| **k).count() != 1 {
        return wrong(
            if raw.verb.is_some() { "verb" } else { "name" },
            "say what to do, in one way: wifi, lan, wan or custom_parameters; firmware_file; or verb",
        );
    }
    if let Some(file) = &raw.firmware_file {
        return Ok(Work::Firmware(firmware("firmware_file", file, raw)?));
    }
    if let Some(verb) = &raw.verb {
        return Ok(Work::Verb(cpe_verb(verb, raw)?));
    }
    let mut changes = Changes { list: Vec::new(), typed };
    if let Some(wifi) = &raw.wifi {
        changes.wifi(wifi)?;
    }
    if let Some(lan) = &raw.lan {
        changes.lan(lan)?;
    }
    if let Some(wan) = &raw.wan {
        changes.wan(wan)?;
    }
    for (path, value) in raw.custom_parameters.iter().flatten() {
        let Some(value) = ParamValue::from_json(value) else {
            return wrong_in("custom_parameters", path, "a text, a number, true or false is needed");
        };
        if let Err(why) = parameter_path(path) {
            return wrong_in("custom_parameters", path, why);
        }
        let setting = Setting::Path(path.clone());
        if setting.is_secret() {
            changes.secret(setting, &value.to_string());
        } else {
            changes.plain(setting, value);
        }
    }
    if changes.list.is_empty() {
        return wrong("name", "nothing is set: wifi, lan, wan and custom_parameters are all empty");
    }
    Ok(Work::Set(changes.list))
}

/// Whether a text can be the path of a parameter.
fn parameter_path(path: &str) -> Result<(), &'static str> {
    if !path.contains('.') || path.ends_with('.') || path.split('.').any(str::is_empty) {
        return Err("the whole path of a parameter is needed, such as Device.WiFi.SSID.1.SSID");
    }
    if !path.bytes().all(|b| b.is_ascii_graphic() && !b"\"'\\*{}[]()".contains(&b)) {
        return Err("a path holds letters, digits, dots, - and _ only; instances are written as numbers");
    }
    Ok(())
}

fn firmware(key: &'static str, file: &str, raw: &RawJob) -> Result<Firmware, Wrong> {
    if file.trim().is_empty() || file.contains('/') || file.chars().any(char::is_control) {
        return wrong(key, "the name of a file on the controller is needed");
    }
    let file_type = raw.file_type.clone().unwrap_or_else(|| FIRMWARE_IMAGE.to_owned());
    if !file_type.starts_with(|c: char| c.is_ascii_digit()) && !file_type.starts_with("X ") {
        return wrong("file_type", format!("a TR-069 file type is needed, such as `{FIRMWARE_IMAGE}`"));
    }
    Ok(Firmware {
        file: file.to_owned(),
        file_type,
        target_file_name: raw.target_file_name.clone().unwrap_or_default(),
        version: raw.version.clone().filter(|v| !v.trim().is_empty()),
    })
}

fn cpe_verb(word: &str, raw: &RawJob) -> Result<CpeVerb, Wrong> {
    let path = raw.path.clone().unwrap_or_default();
    let object = || match path.as_str() {
        "" => wrong("verb", "it needs path, the object"),
        path => match parameter_path(path) {
            Ok(()) => Ok(path.to_owned()),
            Err(why) => wrong("path", why),
        },
    };
    let tag = || match raw.tag.as_deref().map(str::trim) {
        Some(tag) if !tag.is_empty() => Ok(tag.to_owned()),
        _ => wrong("verb", "it needs tag"),
    };
    Ok(match word.trim().to_ascii_lowercase().replace('_', "-").as_str() {
        "refresh" => CpeVerb::Refresh(path),
        "reboot" => CpeVerb::Reboot,
        "factory-reset" => CpeVerb::FactoryReset,
        "connect" => CpeVerb::Connect,
        "tag" => CpeVerb::Tag(tag()?),
        "untag" => CpeVerb::Untag(tag()?),
        "push" => match &raw.file {
            Some(file) if raw.file_type.is_some() => CpeVerb::Push(firmware("file", file, raw)?),
            _ => return wrong("verb", "it needs file and file_type"),
        },
        "delete" => CpeVerb::Delete,
        "add" => CpeVerb::AddObject(object()?),
        "del-instance" => CpeVerb::DeleteObject(object()?),
        other => {
            let hint = did_you_mean(other, VERBS);
            return wrong("verb", format!("no verb {}{hint}; there are {}", clean(word), VERBS.join(", ")));
        }
    })
}

fn schedule(raw: &RawJob) -> Result<Option<Schedule>, Wrong> {
    let Some(at) = &raw.scheduled_at else {
        for (key, given) in [("timezone", &raw.timezone), ("window", &raw.window), ("repeat", &raw.repeat)] {
            if given.is_some() {
                return wrong(key, "it means nothing without scheduled_at");
            }
        }
        return Ok(None);
    };
    let window = match raw.window.as_deref() {
        None => Window::Open,
        Some(text) => match window(text) {
            Some(window) => window,
            None => return wrong("window", "a duration such as 3h, or `until 05:00`, is needed (at most 24h)"),
        },
    };
    let repeat = match Repeat::parse(raw.repeat.as_deref().unwrap_or_default()) {
        Ok(repeat) => repeat,
        Err(why) => return wrong("repeat", why.to_string()),
    };
    let zone = raw.timezone.clone().unwrap_or_else(|| "UTC".to_owned());
    Ok(Some(Schedule { at: at.trim().to_owned(), zone: zone.trim().to_owned(), window, repeat }))
}

fn window(text: &str) -> Option<Window> {
    let text = text.trim();
    if let Some(until) = text.strip_prefix("until ") {
        let (hour, minute) = until.trim().split_once(':')?;
        let (hour, minute) = (hour.parse().ok()?, minute.parse().ok()?);
        return (hour < 24 && minute < 60).then_some(Window::Until { hour, minute });
    }
    let us = parse_duration(text).filter(|us| (SECOND..=DAY).contains(us))?;
    Some(Window::For(u32::try_from(us / SECOND).ok()?))
}

/// Collects what is to be set.
struct Changes<'a> {
    list: Vec<Change>,
    typed: &'a mut Vec<(Setting, SecretString)>,
}

impl Changes<'_> {
    fn plain(&mut self, setting: Setting, value: ParamValue) {
        self.list.push(Change { setting, value: NewValue::Plain(value) });
    }

    fn secret(&mut self, setting: Setting, text: &str) {
        let source = if ["env:", "file:", "cmd:"].iter().any(|prefix| text.starts_with(prefix)) {
            SecretSource::Reference(text.to_owned())
        } else if text == ASK {
            // Whoever sends the request brings the value along.
            SecretSource::Typed
        } else {
            self.typed.push((setting.clone(), SecretString::from(text.to_owned())));
            SecretSource::Typed
        };
        self.list.push(Change { setting, value: NewValue::Secret(source) });
    }

    fn text(&mut self, setting: Setting, value: Option<&String>) {
        if let Some(value) = value {
            self.plain(setting, ParamValue::Text(value.clone()));
        }
    }

    fn flag(&mut self, setting: Setting, value: Option<bool>) {
        if let Some(value) = value {
            self.plain(setting, ParamValue::Bool(value));
        }
    }

    fn wifi(&mut self, wifi: &RawWifi) -> Result<(), Wrong> {
        if wifi.ssid.as_ref().is_some_and(|s| !(1..=32).contains(&s.len())) {
            return wrong_in("wifi", "ssid", "an SSID has 1 to 32 bytes");
        }
        self.text(Setting::WifiSsid, wifi.ssid.as_ref());
        if let Some(password) = &wifi.password {
            let reference = ["env:", "file:", "cmd:"].iter().any(|p| password.starts_with(p));
            if !reference
                && password != ASK
                && let Err(why) = passphrase(password)
            {
                return wrong_in("wifi", "password", why);
            }
            self.secret(Setting::WifiPassword, password);
        }
        one_of("wifi", "security_mode", wifi.security_mode.as_deref(), &SECURITY)?;
        self.text(Setting::WifiSecurity, wifi.security_mode.as_ref());
        if let Some(channel) = wifi.channel {
            if !(0..=13).contains(&channel) && !(36..=177).contains(&channel) {
                return wrong_in("wifi", "channel", "1 to 13 (2.4 GHz), 36 to 177 (5 GHz), or 0 for automatic");
            }
            self.plain(Setting::WifiChannel, ParamValue::Int(channel));
        }
        self.flag(Setting::WifiEnabled, wifi.enabled);
        Ok(())
    }

    fn lan(&mut self, lan: &RawLan) -> Result<(), Wrong> {
        if lan.ipv4_address.is_some() && lan.ip_address.is_some() {
            return wrong_in("lan", "ip_address", "it is the old name of ipv4_address: give one of them");
        }
        let address = lan.ipv4_address.as_ref().or(lan.ip_address.as_ref());
        let own = ipv4("lan", "ipv4_address", address)?;
        let mask = netmask("lan", "subnet_mask", lan.subnet_mask.as_ref())?;
        let start = ipv4("lan", "dhcp_start", lan.dhcp_start.as_ref())?;
        let end = ipv4("lan", "dhcp_end", lan.dhcp_end.as_ref())?;
        if let (Some(start), Some(end)) = (start, end)
            && start > end
        {
            return wrong_in("lan", "dhcp_end", "it is before dhcp_start");
        }
        if let (Some(own), Some(mask)) = (own, mask) {
            for (key, other) in [("dhcp_start", start), ("dhcp_end", end)] {
                if other.is_some_and(|o| o.to_bits() & mask.to_bits() != own.to_bits() & mask.to_bits()) {
                    return wrong_in("lan", key, format!("it is not in the network of {own} with mask {mask}"));
                }
            }
        }
        ipv6("lan", "ipv6_address", lan.ipv6_address.as_ref())?;
        if lan.ipv6_prefix_length.is_some_and(|n| !(1..=128).contains(&n)) {
            return wrong_in("lan", "ipv6_prefix_length", "1 to 128");
        }
        self.text(Setting::LanAddress, address);
        self.text(Setting::LanMask, lan.subnet_mask.as_ref());
        self.text(Setting::LanIpv6Address, lan.ipv6_address.as_ref());
        if let Some(n) = lan.ipv6_prefix_length {
            self.plain(Setting::LanIpv6PrefixLength, ParamValue::Int(n));
        }
        self.flag(Setting::DhcpEnabled, lan.dhcp_enabled);
        self.text(Setting::DhcpStart, lan.dhcp_start.as_ref());
        self.text(Setting::DhcpEnd, lan.dhcp_end.as_ref());
        self.flag(Setting::Dhcpv6Enabled, lan.dhcpv6_enabled);
        Ok(())
    }

    fn wan(&mut self, wan: &RawWan) -> Result<(), Wrong> {
        one_of("wan", "connection_type", wan.connection_type.as_deref(), &WAN_TYPES)?;
        ipv4("wan", "static_ipv4_address", wan.static_ipv4_address.as_ref())?;
        netmask("wan", "static_ipv4_netmask", wan.static_ipv4_netmask.as_ref())?;
        ipv4("wan", "static_ipv4_gateway", wan.static_ipv4_gateway.as_ref())?;
        ipv6("wan", "static_ipv6_address", wan.static_ipv6_address.as_ref())?;
        self.text(Setting::WanType, wan.connection_type.as_ref());
        self.text(Setting::WanUsername, wan.username.as_ref());
        if let Some(password) = &wan.password {
            if password.is_empty() {
                return wrong_in("wan", "password", "it is empty");
            }
            self.secret(Setting::WanPassword, password);
        }
        if let Some(vlan) = wan.vlan_id {
            if !(1..=4094).contains(&vlan) {
                return wrong_in("wan", "vlan_id", "a VLAN is 1 to 4094");
            }
            self.plain(Setting::WanVlan, ParamValue::Int(vlan));
        }
        self.text(Setting::WanStaticAddress, wan.static_ipv4_address.as_ref());
        self.text(Setting::WanStaticMask, wan.static_ipv4_netmask.as_ref());
        self.text(Setting::WanStaticGateway, wan.static_ipv4_gateway.as_ref());
        self.text(Setting::WanStaticIpv6, wan.static_ipv6_address.as_ref());
        self.flag(Setting::WanIpv6Pd, wan.ipv6_pd_enabled);
        self.text(Setting::WanDelegatedPrefix, wan.delegated_ipv6_prefix.as_ref());
        Ok(())
    }
}

/// WPA: 8 to 63 printable characters, or 64 hexadecimal digits.
///
/// # Errors
/// What is needed, in words.
pub fn passphrase(text: &str) -> Result<(), &'static str> {
    let hex = text.len() == 64 && text.bytes().all(|b| b.is_ascii_hexdigit());
    if hex || ((8..=63).contains(&text.len()) && text.bytes().all(|b| (b' '..=b'~').contains(&b))) {
        return Ok(());
    }
    Err("a WiFi password has 8 to 63 printable characters, or 64 hexadecimal digits; or a reference: env:, file:, cmd:")
}

fn one_of(table: &'static str, key: &str, word: Option<&str>, known: &[&'static str]) -> Result<(), Wrong> {
    match word {
        Some(word) if !known.contains(&word) => {
            let hint = did_you_mean(word, known.iter().copied());
            wrong_in(table, key, format!("no value {}{hint}; there are {}", clean(word), known.join(", ")))
        }
        _ => Ok(()),
    }
}

fn ipv4(table: &'static str, key: &str, text: Option<&String>) -> Result<Option<Ipv4Addr>, Wrong> {
    match text.map(|t| t.parse::<Ipv4Addr>()) {
        None => Ok(None),
        Some(Ok(address)) => Ok(Some(address)),
        Some(Err(_)) => wrong_in(table, key, "an IPv4 address such as 192.168.1.1 is needed"),
    }
}

fn ipv6(table: &'static str, key: &str, text: Option<&String>) -> Result<(), Wrong> {
    match text.map(|t| t.parse::<Ipv6Addr>()) {
        Some(Err(_)) => wrong_in(table, key, "an IPv6 address such as 2001:db8::1 is needed"),
        _ => Ok(()),
    }
}

fn netmask(table: &'static str, key: &str, text: Option<&String>) -> Result<Option<Ipv4Addr>, Wrong> {
    let mask = ipv4(table, key, text)?;
    let holes = |m: Ipv4Addr| m.to_bits().count_ones() != m.to_bits().leading_ones();
    if mask.is_some_and(|m| holes(m) || m.to_bits() == 0) {
        return wrong_in(table, key, "a netmask is ones, then noughts, such as 255.255.255.0");
    }
    Ok(mask)
}

#[cfg(test)]
mod tests;
