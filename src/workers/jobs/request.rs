//! From a job to requests: settings on the paths of a device's profile, work as tasks, answers as
//! the engine's events.

use secrecy::{ExposeSecret as _, SecretString};

use crate::controllers::genieacs::device::{DeviceDoc, Root};
use crate::controllers::genieacs::error::Error;
use crate::controllers::genieacs::profile::{Profile, Purpose};
use crate::controllers::genieacs::task::{DownloadFile, Outcome, Setting as TaskSetting, Task, TaskAnswer, TaskKind};
use crate::controllers::genieacs::wire::Scalar;
use crate::engine::job::dry_run::{Diff, Want};
use crate::model::job::{Answer, Change, CpeVerb, DeviceEvent, Firmware, JobId, NewValue, ParamValue, Setting, Step};

/// What a setting is called in profiles; `None` for what no profile knows.
pub(super) const fn purpose(setting: &Setting) -> Option<Purpose> {
    Some(match setting {
        Setting::WifiSsid => Purpose::Ssid,
        Setting::WifiPassword => Purpose::WifiPassword,
        Setting::WifiSecurity => Purpose::WifiSecurity,
        Setting::WifiChannel => Purpose::WifiChannel,
        Setting::WifiEnabled => Purpose::SsidEnable,
        Setting::LanAddress => Purpose::LanIp,
        Setting::LanMask => Purpose::LanMask,
        Setting::DhcpEnabled => Purpose::DhcpEnable,
        Setting::DhcpStart => Purpose::DhcpMin,
        Setting::DhcpEnd => Purpose::DhcpMax,
        Setting::WanType => Purpose::WanType,
        Setting::WanUsername => Purpose::PppoeUser,
        Setting::WanPassword => Purpose::PppoePassword,
        Setting::WanVlan => Purpose::WanVlan,
        _ => return None,
    })
}

/// A security mode as a data model writes it; `None` where it has none such.
fn security(mode: &str, root: Root) -> Option<&str> {
    Some(match (mode, root) {
        ("None", _) => "None",
        ("WPA-PSK", Root::Tr098) => "WPA",
        ("WPA2-PSK" | "WPA2-Personal", Root::Tr098) => "11i",
        ("WPA-WPA2-PSK", Root::Tr098) => "WPAand11i",
        // The standard model has nothing newer: only fields of makers, by their paths.
        (_, Root::Tr098) => return None,
        ("WPA-PSK", Root::Tr181) => "WPA-Personal",
        ("WPA2-PSK", Root::Tr181) => "WPA2-Personal",
        ("WPA-WPA2-PSK", Root::Tr181) => "WPA-WPA2-Personal",
        ("WPA3-SAE", Root::Tr181) => "WPA3-Personal",
        (other, Root::Tr181) => other,
    })
}

/// All settings on the paths of a device.
///
/// # Errors
/// The setting that its profile has no path for, or its data model no such value.
pub fn wants<'a>(changes: &'a [Change], profile: &Profile, doc: &DeviceDoc) -> Result<Vec<Want>, &'a Setting> {
    let place = |purpose| profile.find(purpose, doc).map(|(path, _, _)| path).or_else(|| known(profile, purpose));
    let mut wants = Vec::with_capacity(changes.len());
    for change in changes {
        let setting = &change.setting;
        if let Setting::Path(path) = setting {
            wants.push(Want { setting: setting.clone(), path: path.clone(), new: change.value.clone() });
            continue;
        }
        let mut new = change.value.clone();
        if let (Setting::WifiSecurity, NewValue::Plain(ParamValue::Text(mode))) = (setting, &change.value) {
            let mode = security(mode, profile.root).ok_or(setting)?;
            new = NewValue::Plain(ParamValue::Text(mode.to_owned()));
        }
        if let (Setting::WifiChannel, NewValue::Plain(ParamValue::Int(channel))) = (setting, &change.value) {
            let automatic = *channel == 0;
            if let Some(path) = place(Purpose::WifiAutoChannel) {
                let value = NewValue::Plain(ParamValue::Bool(automatic));
                wants.push(Want { setting: setting.clone(), path, new: value });
            } else if automatic {
                return Err(setting);
            }
            if automatic {
                continue;
            }
        }
        let path = purpose(setting).and_then(place).ok_or(setting)?;
        wants.push(Want { setting: setting.clone(), path, new });
    }
    Ok(wants)
}

/// The path of a profile where the document does not have it: so that "path missing" can say which.
fn known(profile: &Profile, purpose: Purpose) -> Option<String> {
    profile.path(purpose).filter(|path| !path.contains('*')).map(str::to_owned)
}

/// The task of a set. `secret` gives the value of a secret; `None` from it names the setting whose
/// value is not at hand.
///
/// # Errors
/// The path whose secret is not at hand.
pub fn set_task(job: JobId, diffs: &[Diff], secret: &dyn Fn(&str) -> Option<SecretString>) -> Result<Task, String> {
    let mut values = Vec::with_capacity(diffs.len());
    for diff in diffs {
        let value = match &diff.new {
            NewValue::Plain(value) => scalar(value),
            NewValue::Secret(_) => match secret(&diff.path) {
                Some(secret) => Scalar::Text(secret.expose_secret().to_owned()),
                None => return Err(diff.path.clone()),
            },
        };
        values.push(TaskSetting::new(diff.path.clone(), value));
    }
    Ok(Task::new(TaskKind::SetParameterValues(values)).keyed(job.unique_key(Step::Write)))
}

/// The task that reads back what was written, from the device and not from what the server wrote.
#[must_use]
pub fn read_task(job: JobId, paths: Vec<String>) -> Task {
    Task::new(TaskKind::read_now(paths)).keyed(job.unique_key(Step::Read))
}

/// The task of a download.
#[must_use]
pub fn download_task(job: JobId, firmware: &Firmware) -> Task {
    let file = if firmware.file_type.is_empty() {
        DownloadFile::Id(firmware.file.clone())
    } else {
        DownloadFile::Named { file_type: firmware.file_type.clone(), file_name: firmware.file.clone() }
    };
    let target = Some(firmware.target_file_name.clone()).filter(|name| !name.is_empty());
    Task::new(TaskKind::Download { file, target }).keyed(job.unique_key(Step::Write))
}

/// The task of a verb; `None` for what the controller does by itself.
#[must_use]
pub fn verb_task(job: JobId, verb: &CpeVerb) -> Option<Task> {
    let kind = match verb {
        CpeVerb::Refresh(path) => TaskKind::RefreshObject(path.clone()),
        CpeVerb::Reboot => TaskKind::Reboot,
        CpeVerb::FactoryReset => TaskKind::FactoryReset,
        CpeVerb::AddObject(object) => TaskKind::AddObject { object: object.clone(), values: Vec::new() },
        CpeVerb::DeleteObject(object) => TaskKind::DeleteObject(object.clone()),
        CpeVerb::Push(file) => return Some(download_task(job, file)),
        CpeVerb::Connect | CpeVerb::Tag(_) | CpeVerb::Untag(_) | CpeVerb::Delete => return None,
    };
    Some(Task::new(kind).keyed(job.unique_key(Step::Write)))
}

fn scalar(value: &ParamValue) -> Scalar {
    match value {
        ParamValue::Text(t) => Scalar::Text(t.clone()),
        ParamValue::Int(n) => Scalar::Int(*n),
        ParamValue::Float(x) => Scalar::Float(*x),
        ParamValue::Bool(b) => Scalar::Bool(*b),
    }
}

/// What an answer to a posted write is to the engine.
#[must_use]
pub fn answered(answer: Result<TaskAnswer, Error>) -> Vec<DeviceEvent> {
    let (answer, task) = match answer {
        Ok(TaskAnswer { outcome, task_id, at }) => {
            let answer = match outcome {
                Outcome::Done => Answer::Done,
                Outcome::Faulted => Answer::Faulted,
                Outcome::Offline(why) => Answer::Offline(why),
                // Wrong credentials of a connection request: the task waits all the same.
                Outcome::Queued(why) | Outcome::Error(why) => Answer::Queued(why),
            };
            let task = task_id.map(|id| id.as_str().to_owned());
            let taken = at.is_set().then_some(DeviceEvent::Taken(at));
            return taken.into_iter().chain([DeviceEvent::Answered { answer, task }]).collect();
        }
        // The controller is to blame and the device is not: it stays where it is.
        Err(error) if error.certainly_not_done() && error.what.counts_against_source() => {
            return vec![DeviceEvent::NotSent(error.what.words())];
        }
        Err(error) if error.certainly_not_done() => (Answer::Refused(error.what.words()), None),
        Err(error) => (Answer::NoAnswer(error.what.words()), None),
    };
    vec![DeviceEvent::Answered { answer, task }]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::controllers::genieacs::error::Failure;
    use crate::controllers::genieacs::profile::Profiles;
    use crate::model::job::read::{Format, read};
    use crate::model::job::{SecretSource, Work};
    use crate::model::time::Ts;

    fn document(text: &str) -> DeviceDoc {
        serde_json::from_str::<Vec<DeviceDoc>>(text).unwrap().remove(0)
    }

    fn tr098() -> DeviceDoc {
        document(include_str!("../../../tests/fixtures/genieacs/device-tr098.json"))
    }

    fn tr181() -> DeviceDoc {
        document(include_str!("../../../tests/fixtures/genieacs/device-tr181.json"))
    }

    fn changes(text: &str) -> Vec<Change> {
        let text = format!("name = 'x'\nfilter = '*'\n{text}\n");
        let Work::Set(changes) = read(&text, Format::Toml).unwrap().request.work else { panic!() };
        changes
    }

    fn on(doc: &DeviceDoc, text: &str) -> Result<Vec<(String, String)>, String> {
        let profiles = Profiles::load(None).unwrap();
        let changes = changes(text);
        let wants = wants(&changes, profiles.of_doc(doc), doc).map_err(|s| s.name().to_owned())?;
        Ok(wants.into_iter().map(|w| (w.path, w.new.shown())).collect())
    }

    #[test]
    fn settings_land_on_the_paths_of_each_data_model() {
        let text = "[wifi]\nssid = 'Guest'\npassword = 'env:X'\nsecurity_mode = 'WPA2-PSK'\nenabled = true";
        let old = on(&tr098(), text).unwrap();
        assert!(old[0].0.starts_with("InternetGatewayDevice.LANDevice.1.WLANConfiguration.1."), "{old:?}");
        assert!(old.iter().any(|(path, value)| path.ends_with("BeaconType") && value == "11i"), "{old:?}");
        let new = on(&tr181(), text).unwrap();
        assert!(new[0].0.starts_with("Device.WiFi.SSID.1."), "{new:?}");
        assert!(new.iter().any(|(path, value)| path.ends_with("ModeEnabled") && value == "WPA2-Personal"), "{new:?}");
    }

    #[test]
    fn what_a_model_does_not_have_is_named() {
        let wpa3 = "[wifi]\nsecurity_mode = 'WPA3-SAE'";
        assert_eq!(on(&tr098(), wpa3), Err("wifi.security_mode".to_owned()));
        assert!(on(&tr181(), wpa3).unwrap()[0].1 == "WPA3-Personal");
        assert_eq!(on(&tr098(), "[lan]\nipv6_address = '2001:db8::1'"), Err("lan.ipv6_address".to_owned()));
    }

    #[test]
    fn a_fixed_channel_switches_the_automatic_off() {
        let fixed = on(&tr098(), "[wifi]\nchannel = 6").unwrap();
        assert_eq!(fixed.iter().map(|(_, v)| v.as_str()).collect::<Vec<_>>(), ["false", "6"], "{fixed:?}");
        let automatic = on(&tr098(), "[wifi]\nchannel = 0").unwrap();
        assert_eq!(automatic.iter().map(|(_, v)| v.as_str()).collect::<Vec<_>>(), ["true"]);
    }

    #[test]
    fn a_task_has_its_key_and_needs_its_secrets() {
        let diff = |path: &str, new| Diff { path: path.to_owned(), old: String::new(), new };
        let diffs = [
            diff("D.Ssid", NewValue::Plain(ParamValue::Text("Guest".to_owned()))),
            diff("D.KeyPassphrase", NewValue::Secret(SecretSource::Typed)),
        ];
        let job = JobId([3; 16]);
        assert_eq!(set_task(job, &diffs, &|_| None).unwrap_err(), "D.KeyPassphrase");
        let task = set_task(job, &diffs, &|_| Some(SecretString::from("hunter22"))).unwrap();
        assert_eq!(task.json()["uniqueKey"], job.unique_key(Step::Write));
        assert_eq!(task.json()["parameterValues"][1][1], "hunter22");
        assert!(!format!("{task:?}").contains("hunter22"));
        assert_eq!(task.expiry_s, None, "an expiry would run it again at every session");
        assert!(verb_task(job, &CpeVerb::Reboot).is_some() && verb_task(job, &CpeVerb::Delete).is_none());
    }

    #[test]
    fn an_answer_that_may_have_been_lost_is_not_taken_for_a_refusal() {
        let error = |what| Error { source: "acs-1".into(), call: "POST".to_owned(), what };
        let lost = answered(Err(error(Failure::Deadline { seconds: 180, perhaps_done: true })));
        assert!(matches!(lost[..], [DeviceEvent::Answered { answer: Answer::NoAnswer(_), .. }]), "{lost:?}");
        let refused = answered(Err(error(Failure::NotFound("device".to_owned()))));
        assert!(matches!(refused[..], [DeviceEvent::Answered { answer: Answer::Refused(_), .. }]), "{refused:?}");
        let down = answered(Err(error(Failure::WorkerRestarting { perhaps_done: false })));
        assert!(matches!(down[..], [DeviceEvent::NotSent(_)]), "a server that is down refuses nothing: {down:?}");
        let outcome = Outcome::Error("Unrecognized auth method".to_owned());
        let waits = answered(Ok(TaskAnswer { outcome, task_id: None, at: Ts(7) }));
        let [DeviceEvent::Taken(Ts(7)), DeviceEvent::Answered { answer: Answer::Queued(_), .. }] = waits[..] else {
            panic!("{waits:?}")
        };
    }
}
