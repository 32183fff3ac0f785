//! What of a device's document a job needs: only that is asked for. Pure.

use crate::controllers::genieacs::profile::{Profiles, Purpose};
use crate::controllers::genieacs::wire::Projection;
use crate::model::job::{CpeVerb, Setting, Work};

use super::request::purpose;

const OWN: [&str; 7] = ["_id", "_deviceId", "_lastInform", "_lastBoot", "_lastBootstrap", "_tags", "_registered"];

/// The paths of some work; `raw` are further ones.
pub(super) fn projection(work: &Work, profiles: &Profiles, raw: impl Iterator<Item = String>) -> Projection {
    let mut paths: Vec<String> = OWN.map(str::to_owned).to_vec();
    paths.extend(raw);
    // Also tells which data model it is.
    let mut purposes = vec![Purpose::SoftwareVersion];
    match work {
        Work::Set(changes) => {
            for change in changes {
                match &change.setting {
                    Setting::Path(path) => paths.push(path.clone()),
                    named => purposes.extend(purpose(named)),
                }
                if change.setting == Setting::WifiChannel {
                    purposes.push(Purpose::WifiAutoChannel);
                }
            }
        }
        Work::Firmware(_) | Work::Verb(CpeVerb::Push(_)) => paths.push("Downloads".to_owned()),
        Work::Verb(CpeVerb::Reboot) => paths.push("Reboot".to_owned()),
        Work::Verb(CpeVerb::FactoryReset) => paths.push("FactoryReset".to_owned()),
        Work::Verb(CpeVerb::AddObject(path) | CpeVerb::DeleteObject(path)) => paths.push(path.clone()),
        // More than that would be most of the document.
        Work::Verb(CpeVerb::Refresh(path)) if path.matches('.').count() >= 2 => paths.push(path.clone()),
        Work::Verb(_) | Work::RollBack => {}
    }
    for path in purposes.into_iter().flat_map(|p| profiles.paths(p)) {
        // A projection knows no stars: all that hangs below comes along.
        paths.push(path.split(".*").next().unwrap_or(path).to_owned());
    }
    paths.sort();
    paths.dedup();
    // One that stands below another is a conflict to MongoDB.
    let below = |path: &str, over: &str| path.strip_prefix(over).is_some_and(|rest| rest.starts_with('.'));
    let kept = paths.iter().filter(|p| !paths.iter().any(|over| below(p, over))).cloned().collect();
    Projection(kept)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::job::read::{Format, read};

    #[test]
    fn only_what_the_job_touches_is_asked_for() {
        let profiles = Profiles::load(None).unwrap();
        let text = "name = 'x'\nfilter = '*'\n[wifi]\nssid = 'a'\n[custom_parameters]\n'Device.Time.NTPServer1' = 'n'";
        let work = read(text, Format::Toml).unwrap().request.work;
        let Projection(paths) = projection(&work, &profiles, std::iter::empty());
        assert!(paths.iter().any(|p| p == "Device.Time.NTPServer1") && paths.iter().any(|p| p == "_id"));
        assert!(paths.iter().any(|p| p.ends_with("SoftwareVersion")), "{paths:?}");
        assert!(!paths.iter().any(|p| p.contains('*') || p == "Downloads"), "{paths:?}");
    }
}
