//! A verb over several CPEs as requests of jobs. Pure.

use std::collections::BTreeMap;

use secrecy::SecretString;

use crate::model::cpe::CpeRow;
use crate::model::job::{
    Change, CpeVerb as Done, Firmware, JobRequest, JobTargets, NewValue, ParamValue, Priority, SecretSource, Setting,
    StopRule, Waves, Work,
};
use crate::model::text::counted;
use crate::workers::cpe_verb::CpeVerb;

use super::Typed;

/// The requests that do it, one a server; nothing for verbs that are done device by device.
#[must_use]
pub fn requests(verb: &CpeVerb, rows: &[CpeRow]) -> Vec<(JobRequest, Typed)> {
    let mut typed = Typed::new();
    let Some(work) = work(verb, &mut typed) else { return Vec::new() };
    let mut by_source: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for row in rows {
        by_source.entry(&row.source).or_default().push(row.device_id.clone());
    }
    let harmless =
        matches!(work, Work::Verb(Done::Refresh(_) | Done::Connect | Done::Tag(_) | Done::Untag(_) | Done::Delete));
    let one = |(source, devices): (&str, Vec<String>)| {
        let count = counted(devices.len() as u64, "CPE", "CPEs");
        let request = JobRequest {
            name: format!("{} {count}", verb.title()),
            description: verb.on(),
            source: source.to_owned(),
            targets: JobTargets::Devices(devices),
            expected_count: None,
            work: work.clone(),
            max_concurrent: None,
            waves: Waves::default(),
            stop: if harmless { StopRule { percent: 100, after: 0 } } else { StopRule::default() },
            schedule: None,
            priority: Priority::default(),
            dry_run: false,
            // What was marked is meant, however long ago it was read; it is read back anyhow.
            stale_s: 0,
            rolls_back: None,
        };
        (request, typed.clone())
    };
    by_source.into_iter().map(one).collect()
}

fn work(verb: &CpeVerb, typed: &mut Typed) -> Option<Work> {
    Some(Work::Verb(match verb {
        CpeVerb::Set(all) => {
            let change = |(path, value): &(String, String)| {
                let setting = Setting::Path(path.clone());
                let value = if setting.is_secret() || crate::model::secret::looks_secret(path) {
                    typed.push((setting.clone(), SecretString::from(value.clone())));
                    NewValue::Secret(SecretSource::Typed)
                } else {
                    NewValue::Plain(ParamValue::Text(value.clone()))
                };
                Change { setting, value }
            };
            return Some(Work::Set(all.iter().map(change).collect()));
        }
        CpeVerb::Refresh(object) => Done::Refresh(object.clone()),
        CpeVerb::AddInstance(object) => Done::AddObject(object.clone()),
        CpeVerb::DeleteInstance(object) => Done::DeleteObject(object.clone()),
        CpeVerb::Reboot => Done::Reboot,
        CpeVerb::FactoryReset => Done::FactoryReset,
        CpeVerb::Push(file) => Done::Push(Firmware {
            file: file.clone(),
            // The server knows of which type its file is.
            file_type: String::new(),
            target_file_name: String::new(),
            version: None,
        }),
        CpeVerb::Tag(tag) => Done::Tag(tag.clone()),
        CpeVerb::Untag(tag) => Done::Untag(tag.clone()),
        CpeVerb::Delete => Done::Delete,
        CpeVerb::Connect => Done::Connect,
        CpeVerb::Get(_) | CpeVerb::DeleteFault(_) | CpeVerb::RetryFault(_) => return None,
    }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::workers::fixture::cpe;

    #[test]
    fn one_job_a_server_and_no_secret_in_it() {
        let other = CpeRow { source: "acs-2".into(), ..cpe("S3") };
        let rows = [cpe("S1"), cpe("S2"), other];
        let set = CpeVerb::Set(vec![
            ("Device.WiFi.SSID.1.SSID".into(), "Guest".into()),
            ("Device.PPP.Interface.1.Password".into(), "hunter22".into()),
        ]);
        let made = requests(&set, &rows);
        assert_eq!(made.len(), 2);
        assert!(!format!("{made:?}").contains("hunter22"));
        assert_eq!(made[0].1.len(), 1);
        assert!(requests(&CpeVerb::Get(vec!["Device.A".into()]), &rows).is_empty());
    }
}
