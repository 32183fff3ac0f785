//! The plans of jobs: what a request would do to how many devices in which portions, and what
//! steering a job means.

use crate::engine::job::{schedule, waves};
use crate::model::command::Plan;
use crate::model::job::{CpeVerb, JobRequest, JobTargets as Meant, Waves, Work};
use crate::model::text::{clean, counted};
use crate::model::time::Ts;
use crate::workers::job_verb::JobVerb;
use crate::workers::resolve::NewJob;
use crate::workers::targets::JobTargets;

use super::{MANY, base, title};

/// The plan of a job to be made.
#[must_use]
pub fn of_new(new: &NewJob, now: Ts) -> Plan {
    let request = &new.request;
    let total = new.tally.total;
    let devices = counted(total, "CPE", "CPEs");
    let mut plan = base(&new.tally);
    let dry = if request.dry_run { "Dry run: " } else { "" };
    plan.title = format!("{dry}{} {devices}: job {}", head(&request.work), clean(&request.name));
    plan.phrase = total.to_string();
    plan.type_name = !request.dry_run && (total > MANY || forever(&request.work).is_some());
    plan.calls = words(&request.work);
    plan.irreversible = forever(&request.work).filter(|_| !request.dry_run).map(str::to_owned).into_iter().collect();
    match &new.list {
        Err(why) => plan.notes.push(format!("It would be refused: {why}.")),
        Ok(list) => {
            if interrupts(&request.work) {
                plan.subscribers = list.subscribers;
            }
            if let Some(expected) = request.expected_count {
                plan.notes.push(format!("Expected {expected}, found {total}."));
            }
            if list.not_online > 0 {
                let away = counted(list.not_online, "is", "are");
                plan.notes.push(format!("{away} not online: what waits for them is done at their next inform."));
            }
            if list.unknown > 0 {
                let unknown = counted(list.unknown, "is", "are");
                plan.notes.push(format!("{unknown} not in the cache: the server is asked when their turn comes."));
            }
        }
    }
    plan.notes.extend(portions(request.waves, total));
    plan.notes.extend(rules(request, now));
    plan
}

fn head(work: &Work) -> &'static str {
    match work {
        Work::Set(_) => "Configure",
        Work::Firmware(_) => "Load firmware on",
        Work::RollBack => "Put back what was changed on",
        Work::Verb(verb) => match verb {
            CpeVerb::Refresh(_) => "Refresh",
            CpeVerb::Reboot => "Reboot",
            CpeVerb::FactoryReset => "Reset to factory settings",
            CpeVerb::Connect => "Call",
            CpeVerb::Tag(_) => "Tag",
            CpeVerb::Untag(_) => "Untag",
            CpeVerb::Push(_) => "Push a file to",
            CpeVerb::Delete => "Delete",
            CpeVerb::AddObject(_) => "Add an instance to",
            CpeVerb::DeleteObject(_) => "Remove an instance from",
        },
    }
}

fn words(work: &Work) -> Vec<String> {
    let lines: Vec<String> = match work {
        Work::Set(changes) => changes.iter().map(|c| format!("{} = {}", c.setting.name(), c.value.shown())).collect(),
        Work::Firmware(file) | Work::Verb(CpeVerb::Push(file)) => {
            let version = file.version.as_ref().map(|v| format!(", version {v}")).unwrap_or_default();
            vec![format!("download {} ({}{version})", file.file, file.file_type)]
        }
        Work::Verb(verb) => {
            let on = match verb {
                CpeVerb::Refresh(on)
                | CpeVerb::Tag(on)
                | CpeVerb::Untag(on)
                | CpeVerb::AddObject(on)
                | CpeVerb::DeleteObject(on) => on.as_str(),
                _ => "",
            };
            vec![format!("{} {on}", verb.word()).trim_end().to_owned()]
        }
        Work::RollBack => Vec::new(),
    };
    lines.iter().map(|line| clean(line).into_owned()).collect()
}

const fn forever(work: &Work) -> Option<&'static str> {
    match work {
        Work::Firmware(_) => Some("A device that has installed a firmware does not go back by itself."),
        Work::Verb(CpeVerb::FactoryReset) => {
            Some("Everything set on the devices is lost: WiFi names and passwords, PPPoE login, port forwards.")
        }
        Work::Verb(CpeVerb::Delete) => {
            Some("What the server knows of the devices is gone: parameters, tags, tasks, faults.")
        }
        Work::Verb(CpeVerb::DeleteObject(_)) => Some("The instances and what was set in them are gone."),
        _ => None,
    }
}

const fn interrupts(work: &Work) -> bool {
    matches!(work, Work::Set(_) | Work::RollBack | Work::Firmware(_))
        || matches!(work, Work::Verb(CpeVerb::Reboot | CpeVerb::FactoryReset))
}

/// `In portions: 5, 38, then 338.`
fn portions(rule: Waves, total: u64) -> Option<String> {
    let total = u32::try_from(total).unwrap_or(u32::MAX);
    let mut sizes = Vec::new();
    let mut from = 0;
    for wave in 0..3 {
        // Portions follow one another, so each ends where the next begins.
        let ends = partition(from, total, |i| waves::of(rule, total, i) <= wave);
        if ends > from {
            sizes.push((ends - from).to_string());
        }
        from = ends;
    }
    (sizes.len() > 1).then(|| format!("In portions, each when the one before is through: {}.", sizes.join(", ")))
}

fn partition(from: u32, to: u32, inside: impl Fn(u32) -> bool) -> u32 {
    let (mut low, mut high) = (from, to);
    while low < high {
        let middle = low + (high - low) / 2;
        if inside(middle) { low = middle + 1 } else { high = middle }
    }
    low
}

fn rules(request: &JobRequest, now: Ts) -> Vec<String> {
    let mut notes = Vec::new();
    match request.max_concurrent {
        Some(n) => notes.push(format!("{} at a time.", counted(u64::from(n), "device", "devices"))),
        None => notes.push("As many devices at a time as the source allows.".to_owned()),
    }
    if request.stop.percent < 100 {
        notes.push(format!(
            "Stops when more than {} % of a portion failed, once {} of it are through.",
            request.stop.percent, request.stop.after
        ));
    }
    if let Some(plan) = &request.schedule {
        notes.push(match schedule::parse(plan).and_then(|p| p.first(now).map(|at| p.explain(at, now))) {
            Ok(words) => format!("Runs {words}."),
            Err(why) => format!("It would be refused: {why}."),
        });
    }
    match &request.work {
        Work::Set(_) => notes.push("Old values are saved first; each new one is read back as proof.".to_owned()),
        Work::Firmware(_) => notes.push("Done is what runs the version afterwards, not what accepted the file.".into()),
        _ => {}
    }
    if let Meant::Query(query) = &request.targets {
        notes.push(format!("Query: {}", clean(query)));
    }
    notes
}

/// The plan of something done to jobs.
#[must_use]
pub fn of_jobs(verb: &JobVerb, targets: &JobTargets) -> Plan {
    let mut plan = base(&targets.tally);
    plan.title = title(verb.words().0, &targets.tally, "job", "jobs");
    let devices: u64 = targets.rows.iter().map(|row| touched(verb, row)).sum();
    plan.phrase = devices.to_string();
    let note = match verb {
        JobVerb::RollBack { .. } => {
            plan.type_name = devices > MANY;
            plan.notes.push(format!("Puts back at most {}.", counted(devices, "device", "devices")));
            "A job of its own, with its own proof: it leaves out what somebody else changed meanwhile and what was not saved."
        }
        JobVerb::Control(crate::model::job::Control::Cancel) => {
            "No more devices begin; tasks that wait at the server are taken back, and what could not be is told. \
             What was done stays done."
        }
        JobVerb::Control(crate::model::job::Control::Retry) => "Faults of earlier tries are removed first.",
        _ => return plan,
    };
    plan.notes.push(note.to_owned());
    plan
}

fn touched(verb: &JobVerb, row: &crate::model::job::JobRow) -> u64 {
    use crate::model::job::Class;
    let c = &row.counts;
    u64::from(match verb {
        JobVerb::RollBack { .. } => {
            c.of(Class::Changed) + c.of(Class::Unchanged) + c.of(Class::Faulted) + c.of(Class::Unknown)
        }
        JobVerb::Control(crate::model::job::Control::Retry) => c.failed(),
        _ => c.total - c.through(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::job::read::{Format, read};
    use crate::workers::fixture::NOW;
    use crate::workers::jobs::list::{Found, List};
    use crate::workers::targets::Tally;

    fn new(text: &str, n: u32) -> NewJob {
        let parsed = read(text, Format::Toml).unwrap();
        let found = |i| Found { device: format!("d{i}"), serial: format!("S{i}"), model: "HG".into() };
        let list = List { source: "acs".into(), found: (0..n).map(found).collect(), ..List::default() };
        let tally = Tally { total: n.into(), ..Tally::default() };
        NewJob { request: parsed.request, typed: parsed.typed, list: Ok(list), tally, read: None }
    }

    #[test]
    fn a_job_over_fifty_devices_asks_for_their_number() {
        let text = "name = 'Guest'\nfilter = '*'\nwaves = { canary = 5, percent = 10 }\n[wifi]\nssid = 'Guest'";
        let plan = of_new(&new(text, 381), NOW);
        assert_eq!((plan.type_name, plan.phrase.as_str()), (true, "381"));
        assert!(plan.notes.iter().any(|n| n.contains("5, 39, 337")), "{:?}", plan.notes);
        assert_eq!(plan.calls, ["wifi.ssid = Guest"]);
        assert!(!of_new(&new(text, 50), NOW).type_name);
    }

    #[test]
    fn what_would_be_refused_is_said_beforehand() {
        let mut new = new("name = 'x'\nfilter = '*'\nverb = 'reboot'", 0);
        new.list = Err("expected 4 devices, the filter gives 3 devices".into());
        assert!(of_new(&new, NOW).notes[0].contains("refused: expected 4"));
    }

    #[test]
    fn secrets_are_not_in_a_plan() {
        let plan = of_new(&new("name = 'x'\nfilter = '*'\n[wifi]\npassword = 'hunter22'", 3), NOW);
        assert!(!format!("{plan:?}").contains("hunter22"));
    }
}
