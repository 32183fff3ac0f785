//! Writes requests as text: commented templates to begin with, and a job's own request to begin
//! another one from. What is written here [`super::read`] reads; a secret is never written, only
//! where it comes from.

use std::fmt::Write as _;

use serde_json::Value;

use super::read::Format;
use super::request::{CpeVerb, FIRMWARE_IMAGE, Firmware, JobRequest, JobTargets, Schedule, Window, Work};
use super::setting::{Change, NewValue, ParamValue, SecretSource, Setting};

/// What asks for a secret with a masked prompt when the request is sent.
pub const ASK: &str = "ask";

/// What a template is filled with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Prefill {
    /// The controller; empty for the only one.
    pub source: String,
    /// Which devices.
    pub targets: JobTargets,
    /// How many they are.
    pub count: u64,
    /// A date for the example of a schedule.
    pub tomorrow: String,
}

/// The form of a text.
#[must_use]
pub fn format_of(text: &str) -> Format {
    // Some editors write a mark of the byte order first.
    if text.trim_start_matches('\u{feff}').trim_start().starts_with('{') { Format::Json } else { Format::Toml }
}

const HEAD: &str = "\
# {what} Lines that begin with # are not read.
# Save and leave the editor: the plan is shown before anything happens.
# Left as it is, or empty, it makes no job.

";

const PACE: &str = "\
max_concurrent = 10                      # devices at a time
waves = { canary = 5, percent = 10 }     # first 5, then 10 %, then the rest
stop = { percent = 20, after = 5 }       # stop by itself at so many failures
# priority = \"high\"                      # low, normal, high
# stale = \"24h\"                          # values read longer ago are not trusted; 0s takes any
# dry_run = true                         # only find out what would be done
{when}
";

const SETTINGS: &str = "\
[wifi]
# ssid = \"Guest\"
# password = \"ask\"                       # asked for on a masked line; or env:NAME, file:PATH, cmd:COMMAND
# security_mode = \"WPA2-PSK\"
# channel = 0                            # 1-13, 36-177, 0 for automatic
# enabled = true

[lan]
# ipv4_address = \"192.168.1.1\"
# subnet_mask = \"255.255.255.0\"
# dhcp_enabled = true
# dhcp_start = \"192.168.1.10\"
# dhcp_end = \"192.168.1.200\"

[wan]
# connection_type = \"PPPoE\"
# username = \"user@isp.example\"
# password = \"ask\"
# vlan_id = 100

[custom_parameters]
# \"InternetGatewayDevice.ManagementServer.PeriodicInformInterval\" = 300
";

const LATER: &str = "\
# scheduled_at = \"{day}T02:00\"
# timezone = \"Africa/Lagos\"
# window = \"until 05:00\"                 # or 3h: how long it may begin devices
# repeat = \"every Sunday\"";

/// A request of a mass configuration with nothing set yet.
#[must_use]
pub fn settings_template(prefill: &Prefill) -> String {
    let what = format!("Settings for {} CPEs.", prefill.count);
    let pace = PACE.replace("{when}", LATER).replace("{day}", &prefill.tomorrow);
    format!("{}{}{pace}\n{SETTINGS}", HEAD.replace("{what}", &what), head(prefill, "Settings"))
}

/// A request of a firmware schedule without a file.
#[must_use]
pub fn firmware_template(prefill: &Prefill) -> String {
    let what = format!("Firmware for {} CPEs.", prefill.count);
    let pace = PACE.replace("{when}", LATER).replace("{day}", &prefill.tomorrow);
    format!(
        "{}{}firmware_file = \"\"                       # name of a file that the ACS has\n\
         # version = \"V3R015C20\"                  # what they run then; without it that of the file\n\
         # file_type = \"{FIRMWARE_IMAGE}\"\n{pace}",
        HEAD.replace("{what}", &what),
        head(prefill, "Firmware"),
    )
}

fn head(prefill: &Prefill, name: &str) -> String {
    let mut out = String::new();
    line(&mut out, "name", &Value::from(format!("{name} for {} CPEs", prefill.count)));
    out.push_str("# description = \"\"\n");
    if !prefill.source.is_empty() {
        line(&mut out, "source", &Value::from(prefill.source.as_str()));
    }
    targets(&mut out, &prefill.targets);
    line(&mut out, "expected_count", &Value::from(prefill.count));
    out
}

/// A request as TOML. `None` for what is made by another command: a roll-back.
#[must_use]
pub fn to_toml(request: &JobRequest) -> Option<String> {
    let mut out = String::new();
    let mut put = |key: &str, value: Value| line(&mut out, key, &value);
    put("name", request.name.as_str().into());
    if !request.description.is_empty() {
        put("description", request.description.as_str().into());
    }
    if !request.source.is_empty() {
        put("source", request.source.as_str().into());
    }
    targets(&mut out, &request.targets);
    let mut put = |key: &str, value: Value| line(&mut out, key, &value);
    if let Some(n) = request.expected_count {
        put("expected_count", n.into());
    }
    if let Some(n) = request.max_concurrent {
        put("max_concurrent", n.into());
    }
    put("waves", serde_json::json!({ "canary": request.waves.canary, "percent": request.waves.percent }));
    put("stop", serde_json::json!({ "percent": request.stop.percent, "after": request.stop.after }));
    put("priority", request.priority.word().into());
    put("stale", format!("{}s", request.stale_s).into());
    if request.dry_run {
        put("dry_run", true.into());
    }
    if let Some(schedule) = &request.schedule {
        when(&mut out, schedule);
    }
    match &request.work {
        Work::Set(changes) => set(&mut out, changes),
        Work::Firmware(file) => firmware(&mut out, "firmware_file", file),
        Work::Verb(verb) => verb_lines(&mut out, verb),
        Work::RollBack => return None,
    }
    Some(out)
}

fn line(out: &mut String, key: &str, value: &Value) {
    let _ = writeln!(out, "{key} = {}", toml_of(value));
}

/// A value as TOML writes it in one line.
fn toml_of(value: &Value) -> String {
    match value {
        Value::Object(table) => {
            let cells: Vec<String> =
                table.iter().map(|(k, v)| format!("{} = {}", toml_of(&Value::from(k.as_str())), toml_of(v))).collect();
            format!("{{ {} }}", cells.join(", "))
        }
        Value::Array(list) => format!("[{}]", list.iter().map(toml_of).collect::<Vec<_>>().join(", ")),
        Value::String(text) => toml::Value::String(text.clone()).to_string(),
        // TOML has no null; a query that holds one is written as text of its own below.
        other => other.to_string(),
    }
}

fn targets(out: &mut String, targets: &JobTargets) {
    match targets {
        JobTargets::Filter(filter) => line(out, "filter", &Value::from(filter.as_str())),
        JobTargets::Query(query) => {
            let query = serde_json::from_str(query).unwrap_or(Value::Null);
            line(out, "device_filter", &serde_json::json!({ "query": query }));
        }
        JobTargets::Devices(ids) => {
            out.push_str("devices = [\n");
            for id in ids {
                let _ = writeln!(out, "  {},", toml_of(&Value::from(id.as_str())));
            }
            out.push_str("]\n");
        }
    }
}

fn when(out: &mut String, schedule: &Schedule) {
    line(out, "scheduled_at", &Value::from(schedule.at.as_str()));
    line(out, "timezone", &Value::from(schedule.zone.as_str()));
    match schedule.window {
        Window::Open => {}
        Window::For(seconds) => line(out, "window", &Value::from(format!("{seconds}s"))),
        Window::Until { hour, minute } => line(out, "window", &Value::from(format!("until {hour:02}:{minute:02}"))),
    }
    let repeat = schedule.repeat.to_string();
    if repeat != "once" {
        line(out, "repeat", &Value::from(repeat));
    }
}

fn firmware(out: &mut String, key: &str, file: &Firmware) {
    line(out, key, &Value::from(file.file.as_str()));
    line(out, "file_type", &Value::from(file.file_type.as_str()));
    if !file.target_file_name.is_empty() {
        line(out, "target_file_name", &Value::from(file.target_file_name.as_str()));
    }
    if let Some(version) = &file.version {
        line(out, "version", &Value::from(version.as_str()));
    }
}

fn verb_lines(out: &mut String, verb: &CpeVerb) {
    line(out, "verb", &Value::from(verb.word()));
    match verb {
        CpeVerb::Refresh(path) if path.is_empty() => {}
        CpeVerb::Refresh(path) | CpeVerb::AddObject(path) | CpeVerb::DeleteObject(path) => {
            line(out, "path", &Value::from(path.as_str()));
        }
        CpeVerb::Tag(tag) | CpeVerb::Untag(tag) => line(out, "tag", &Value::from(tag.as_str())),
        CpeVerb::Push(file) => firmware(out, "file", file),
        CpeVerb::Reboot | CpeVerb::FactoryReset | CpeVerb::Connect | CpeVerb::Delete => {}
    }
}

/// Settings by their tables, then raw parameters.
fn set(out: &mut String, changes: &[Change]) {
    for table in ["wifi", "lan", "wan"] {
        let mut headed = false;
        for change in changes {
            if let Some((of, key)) = change.setting.name().split_once('.')
                && of == table
                && !matches!(change.setting, Setting::Path(_))
            {
                if !std::mem::replace(&mut headed, true) {
                    let _ = writeln!(out, "\n[{table}]");
                }
                line(out, key, &value(&change.value));
            }
        }
    }
    let mut headed = false;
    for change in changes {
        if let Setting::Path(path) = &change.setting {
            if !std::mem::replace(&mut headed, true) {
                out.push_str("\n[custom_parameters]\n");
            }
            line(out, &toml_of(&Value::from(path.as_str())), &value(&change.value));
        }
    }
}

fn value(new: &NewValue) -> Value {
    match new {
        NewValue::Plain(ParamValue::Float(x)) => Value::from(*x),
        NewValue::Plain(value) => value.to_json(),
        NewValue::Secret(SecretSource::Reference(reference)) => Value::from(reference.as_str()),
        NewValue::Secret(SecretSource::Typed | SecretSource::Lost) => Value::from(ASK),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::job::read::read;

    fn prefill() -> Prefill {
        Prefill {
            source: "acs-1".to_owned(),
            targets: JobTargets::Filter("model=\"HG8245H\" tag=north".to_owned()),
            count: 400,
            tomorrow: "2026-11-21".to_owned(),
        }
    }

    #[test]
    fn a_template_becomes_a_request_by_taking_signs_away() {
        let text = settings_template(&prefill());
        assert!(read(&text, Format::Toml).unwrap_err().message.contains("nothing is set"), "{text}");
        // Everything that is offered is something that can be read.
        let all: String = text
            .lines()
            .map(|l| l.strip_prefix("# ").filter(|l| l.contains(" = ")).unwrap_or(l).to_owned() + "\n")
            .collect();
        let parsed = read(&all, Format::Toml).unwrap();
        assert_eq!((parsed.request.expected_count, parsed.request.source.as_str()), (Some(400), "acs-1"));
        assert!(parsed.typed.is_empty(), "`ask` is no password");
        let text = firmware_template(&prefill());
        assert_eq!(read(&text, Format::Toml).unwrap_err().key, "firmware_file");
        let text = text.replace("firmware_file = \"\"", "firmware_file = \"f.bin\"");
        assert!(matches!(read(&text, Format::Toml).unwrap().request.work, Work::Firmware(_)));
    }

    #[test]
    fn what_is_written_is_read_again() {
        for text in [
            "name = 'a \"b\" \\\\ c'\nfilter = '*'\n[wifi]\nssid = 'Gäste'\npassword = 'env:X'\nchannel = 6\nenabled = true\n[lan]\ndhcp_enabled = false\n[custom_parameters]\n'D.X.1.Y' = 'z'\n'D.Z' = 3\n'D.F' = 1.5\n",
            "name = 'f'\ndescription = 'd'\nsource = 's'\nfilter = 'model=A'\nfirmware_file = 'f.bin'\nversion = 'V2'\nscheduled_at = '2026-11-21T02:00'\ntimezone = 'Africa/Lagos'\nwindow = '3h'\npriority = 'high'\ndry_run = true\n",
            "name = 'q'\ndevice_filter = { query = { tags = 'x', n = { '$gt' = 3 } }, expected_count = 4 }\nverb = 'tag'\ntag = 't'\nmax_concurrent = 5\nstale = '0s'\n",
            "name = 'd'\ndevices = ['A-B-1', 'A-%2DB-2']\nverb = 'refresh'\npath = 'Device.WiFi'\nwaves = { canary = 2 }\nstop = { percent = 100 }\n",
            "name = 'p'\nfilter = '*'\nverb = 'push'\nfile = 'c.cfg'\nfile_type = '3 Vendor Configuration File'\nscheduled_at = '2026-11-21T02:00'\nwindow = 'until 05:00'\n",
        ] {
            let request = read(text, Format::Toml).unwrap().request;
            let written = to_toml(&request).unwrap();
            let again = read(&written, Format::Toml).unwrap_or_else(|e| panic!("{e}\n{written}"));
            assert_eq!(again.request, request, "{written}");
        }
    }

    #[test]
    fn a_secret_is_asked_for_again_and_never_written() {
        let parsed = read("name='x'\nfilter='*'\n[wifi]\npassword='hunter2222'\n", Format::Toml).unwrap();
        let text = to_toml(&parsed.request).unwrap();
        assert!(text.contains("password = \"ask\"") && !text.contains("hunter"), "{text}");
        assert!(read(&text, Format::Toml).unwrap().typed.is_empty());
    }
}
