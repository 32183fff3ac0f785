//! From an intent to what it will do to which rows, asking the cache.

use std::ops::ControlFlow;

use crate::model::action::Verb;
use crate::model::command::{Args, Intent, Plan, SECRET, Targets};
use crate::model::fault::FaultRow;
use crate::model::ids::RowId;
use crate::model::job::read::read;
use crate::model::job::write::format_of;
use crate::model::job::{JobRequest, JobRow};
use crate::model::page::{Data, DataRequest, PageRequest, Rows, Scope, Table};
use crate::model::source::SourceRow;
use crate::model::time::Ts;
use crate::model::topology::NodeRow;
use crate::store::{self, Reader};

use super::cpe_verb::CpeVerb;
use super::job_verb::{JobVerb, Wish};
use super::jobs::Typed;
use super::jobs::list::{List, list};
use super::plan::{self, Below};
use super::targets::{AlarmTargets, CpeTargets, JobTargets, NO_JOB, NOT_CACHED, NodeTargets, SourceTargets, Tally};
use super::verb::{DeviceVerb, SourceVerb, VerbError, Work, table_of};

/// How many devices one command may call for: with four calls at a time of up to ten seconds each,
/// more would run for days.
pub const MAX_DEVICES: usize = 10_000;

/// Why an intent cannot be planned or run.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ResolveError {
    /// The command or its arguments are wrong.
    #[error(transparent)]
    Verb(#[from] VerbError),
    /// The cache could not be read.
    #[error("the targets cannot be looked up: {0}")]
    Store(#[from] store::Error),
    /// Too many devices for one command.
    #[error("more than {MAX_DEVICES} devices: narrow the filter")]
    TooMany,
    /// A request of a job that cannot be read, or gives no list of devices.
    #[error("{0}")]
    Request(String),
    /// A name that several jobs go by.
    #[error("several jobs are called {name}: {ids}; give the id of one")]
    Ambiguous {
        /// The name.
        name: String,
        /// The ids of some of them.
        ids: String,
    },
    /// It is not about rows of the cache.
    #[error("`{0}` asks its server and not the cache")]
    Asks(&'static str),
    /// The intent names nothing.
    #[error("`{0}` needs something to work on: a row, a name or a filter")]
    NoTargets(&'static str),
}

/// What will be done to which rows.
#[derive(Debug, Clone)]
pub enum Resolved {
    /// An action on alarms.
    Alarms(Verb, AlarmTargets),
    /// Calls to controllers.
    Nodes(DeviceVerb, NodeTargets),
    /// Calls to the servers of CPEs.
    Cpes(CpeVerb, CpeTargets),
    /// Words to source workers.
    Sources(SourceVerb, SourceTargets),
    /// A job to be made.
    NewJob(Box<NewJob>),
    /// Something done to jobs.
    Jobs(JobVerb, JobTargets),
}

/// A job to be made, as its request was read.
#[derive(Debug, Clone)]
pub struct NewJob {
    /// The request.
    pub request: JobRequest,
    /// Secrets that stood in it.
    pub typed: Typed,
    /// What its filter gives now, or why it gives nothing.
    pub list: Result<List, String>,
    /// The devices, counted.
    pub tally: Tally,
    /// What was read of it, where it is a file.
    pub read: Option<String>,
}

impl Resolved {
    /// The counts.
    #[must_use]
    pub const fn tally(&self) -> &Tally {
        match self {
            Self::Alarms(_, t) => &t.tally,
            Self::Nodes(_, t) => &t.tally,
            Self::Cpes(_, t) => &t.tally,
            Self::Sources(_, t) => &t.tally,
            Self::NewJob(new) => &new.tally,
            Self::Jobs(_, t) => &t.tally,
        }
    }
}

/// Looks up what an intent means now.
///
/// # Errors
/// [`ResolveError`].
pub fn resolve(reader: &mut Reader, intent: &Intent, now: Ts) -> Result<Resolved, ResolveError> {
    let work = Work::of(intent, now)?;
    if intent.targets == Targets::None && !matches!(work, Work::Job(JobVerb::Create(_)) | Work::Silence(_)) {
        return Err(ResolveError::NoTargets(intent.command));
    }
    match work {
        Work::Alarm(verb) => {
            let targets = alarms(reader, &intent.targets, &verb)?;
            Ok(Resolved::Alarms(verb, targets))
        }
        Work::Device(verb) => {
            let targets = nodes(reader, &intent.targets, &verb)?;
            Ok(Resolved::Nodes(verb, targets))
        }
        Work::Cpe(verb) => {
            let (verb, meant) = of_faults(reader, &intent.targets, verb)?;
            let targets = cpes(reader, &meant, &verb)?;
            Ok(Resolved::Cpes(verb, targets))
        }
        Work::Stored(_) | Work::Appliance(_) | Work::Silence(_) | Work::Vm(_) => {
            Err(ResolveError::Asks(intent.command))
        }
        Work::Source(verb) => {
            let all = sources(reader, now)?;
            Ok(Resolved::Sources(verb, SourceTargets::pick(verb, &intent.targets, &all)))
        }
        Work::Job(JobVerb::Create(wish)) => {
            new_job(reader, &wish, intent, now).map(|new| Resolved::NewJob(Box::new(new)))
        }
        Work::Job(verb) => {
            let targets = jobs(reader, &intent.targets, &verb)?;
            Ok(Resolved::Jobs(verb, targets))
        }
    }
}

/// The plan of an intent.
///
/// # Errors
/// [`ResolveError`].
pub fn plan(reader: &mut Reader, intent: &Intent, now: Ts) -> Result<Plan, ResolveError> {
    Ok(match resolve(reader, intent, now)? {
        Resolved::Alarms(verb, targets) => plan::of_alarms(&verb, &targets, now),
        Resolved::Nodes(verb, targets) => {
            let rows = matches!(intent.targets, Targets::Filter { .. }).then(|| targets.ids());
            let below = if verb.interrupts() { below(reader, &targets)? } else { Below::default() };
            Plan { rows, ..plan::of_devices(&verb, &targets, below) }
        }
        Resolved::Cpes(verb, targets) => plan::of_cpes(&verb, &targets),
        Resolved::Sources(verb, targets) => plan::of_sources(verb, &targets),
        Resolved::NewJob(new) => Plan { args: as_read(intent, new.read.as_deref()), ..plan::jobs::of_new(&new, now) },
        Resolved::Jobs(verb, targets) => plan::jobs::of_jobs(&verb, &targets),
    })
}

/// The arguments with what a file held in its place: it is not read again.
fn as_read(intent: &Intent, text: Option<&str>) -> Option<Args> {
    let mut args = intent.args.clone();
    args.insert("request".to_owned(), text?.to_owned());
    args.remove("file");
    Some(args)
}

fn below(reader: &mut Reader, targets: &NodeTargets) -> Result<Below, store::Error> {
    let blast = reader.blast(&targets.ids())?;
    Ok(Below { onus: blast.onus, subscribers: blast.subscribers })
}

fn alarms(reader: &mut Reader, targets: &Targets, verb: &Verb) -> Result<AlarmTargets, store::Error> {
    let mut out = AlarmTargets::default();
    reader.each_alarm(targets, &mut |row| {
        out.add(verb, row);
        ControlFlow::Continue(())
    })?;
    let found = out.tally.total + out.tally.left_out();
    out.tally.skip_many(NOT_CACHED, missing(targets, found));
    Ok(out)
}

fn nodes(reader: &mut Reader, targets: &Targets, verb: &DeviceVerb) -> Result<NodeTargets, ResolveError> {
    let rows = reader.nodes(targets, MAX_DEVICES + 1)?;
    if rows.len() > MAX_DEVICES {
        return Err(ResolveError::TooMany);
    }
    let found = rows.len() as u64;
    let mut out = NodeTargets::default();
    let mut failed = None;
    out.add(verb, rows, |name| {
        find(reader, name).unwrap_or_else(|error| {
            failed = Some(error);
            None
        })
    });
    if let Some(error) = failed {
        return Err(error.into());
    }
    out.tally.skip_many(NOT_CACHED, missing(targets, found));
    Ok(out)
}

/// Faults as targets: their devices, and the verb on just these faults.
fn of_faults(reader: &mut Reader, targets: &Targets, verb: CpeVerb) -> Result<(CpeVerb, Targets), ResolveError> {
    if table_of(targets) != Some(Table::Faults) {
        return Ok((verb, targets.clone()));
    }
    let faults = reader.faults(targets, MAX_DEVICES + 1)?;
    if faults.len() > MAX_DEVICES {
        return Err(ResolveError::TooMany);
    }
    let keys: Vec<String> = faults.iter().map(FaultRow::key).collect();
    let mut devices: Vec<RowId> = faults.iter().filter_map(|f| f.cpe).collect();
    devices.sort_unstable();
    devices.dedup();
    let verb = match verb {
        // No key would mean all faults of a device.
        _ if keys.is_empty() => return Err(ResolveError::Request("these faults are gone already".to_owned())),
        CpeVerb::RetryFault(_) => CpeVerb::RetryFault(keys),
        _ => CpeVerb::DeleteFault(keys),
    };
    Ok((verb, Targets::Rows(Table::Cpes, devices)))
}

fn cpes(reader: &mut Reader, targets: &Targets, verb: &CpeVerb) -> Result<CpeTargets, ResolveError> {
    let rows = reader.cpes(targets, MAX_DEVICES + 1)?;
    if rows.len() > MAX_DEVICES {
        return Err(ResolveError::TooMany);
    }
    let found = rows.len() as u64;
    let mut out = CpeTargets::default();
    out.add(verb, rows);
    out.tally.skip_many(NOT_CACHED, missing(targets, found));
    Ok(out)
}

fn new_job(reader: &mut Reader, wish: &Wish, intent: &Intent, now: Ts) -> Result<NewJob, ResolveError> {
    let (text, place, is_file) = match wish {
        Wish::Text(text) => (text.clone(), String::new(), false),
        Wish::File(path) => {
            let shown = crate::model::text::clean(path).into_owned();
            let text = super::text_of(std::path::Path::new(path)).map_err(ResolveError::Request)?;
            (text, format!("{shown}, "), true)
        }
    };
    let mut parsed = read(&text, format_of(&text)).map_err(|e| ResolveError::Request(format!("{place}{e}")))?;
    if intent.command == "cpe.job.try" || intent.args.get("dry-run").is_some_and(|v| v == "yes") {
        // What is only tried is tried now, whenever it is to be done.
        (parsed.request.dry_run, parsed.request.schedule) = (true, None);
    }
    for setting in parsed.to_ask() {
        match intent.args.get(&format!("{SECRET}{}", setting.name())) {
            Some(secret) => parsed.typed.push((setting, secret.clone().into())),
            // A dry run compares nothing with a secret, so it needs none.
            None if parsed.request.dry_run => {}
            None => {
                let name = crate::model::text::clean(setting.name()).into_owned();
                let why = format!(
                    "{place}{name}: `ask` is answered on the screen; write env:NAME, file:PATH or cmd:COMMAND here"
                );
                return Err(ResolveError::Request(why));
            }
        }
    }
    let servers: Vec<String> =
        sources(reader, now)?.iter().filter(|s| &*s.report.kind == "genieacs").map(|s| s.name.to_string()).collect();
    let list = list(reader, &parsed.request, &servers, now);
    let mut tally = Tally::default();
    for found in list.iter().flat_map(|l| &l.found) {
        tally.take(|| match found.serial.as_str() {
            "" => format!("CPE {}", crate::model::text::clean(&found.device)),
            serial => format!("CPE {} {serial}", found.model).replace("  ", " "),
        });
    }
    Ok(NewJob { request: parsed.request, typed: parsed.typed, list, tally, read: is_file.then_some(text) })
}

fn jobs(reader: &mut Reader, targets: &Targets, verb: &JobVerb) -> Result<JobTargets, ResolveError> {
    let rows = reader.jobs(targets)?;
    let mut out = JobTargets::default();
    if let Targets::Names(_, names) = targets {
        for name in names {
            let called: Vec<&JobRow> = rows.iter().filter(|row| row.is_called(name)).collect();
            if called.is_empty() {
                out.tally.skip(NO_JOB);
            } else if called.len() > 1 {
                let ids: Vec<String> = called.iter().take(5).map(|row| row.job.to_string()).collect();
                let name = crate::model::text::clean(name).into_owned();
                return Err(ResolveError::Ambiguous { name, ids: ids.join(", ") });
            }
        }
    } else {
        out.tally.skip_many(NO_JOB, missing(targets, rows.len() as u64));
    }
    out.add(verb, rows);
    Ok(out)
}

/// Named or marked targets that the cache no longer has.
fn missing(targets: &Targets, found: u64) -> u64 {
    let asked = match targets {
        Targets::Rows(_, ids) => ids.len(),
        Targets::Names(_, names) => names.len(),
        Targets::None | Targets::Filter { .. } => 0,
    };
    (asked as u64).saturating_sub(found)
}

fn find(reader: &mut Reader, canonical: &str) -> Result<Option<NodeRow>, store::Error> {
    let targets = Targets::Names(Table::Nodes, vec![canonical.to_owned()]);
    Ok(reader.nodes(&targets, 1)?.into_iter().next())
}

/// All sources the cache knows.
///
/// # Errors
/// When the cache cannot be read.
pub fn sources(reader: &mut Reader, now: Ts) -> Result<Vec<SourceRow>, store::Error> {
    let request = PageRequest::all(Table::Sources, Scope::All, None, now);
    match reader.data(&DataRequest::Page(request))? {
        Data::Page(page) => match page.rows {
            Rows::Sources(rows) => Ok(rows),
            _ => Ok(Vec::new()),
        },
        _ => Ok(Vec::new()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::Store;
    use crate::workers::fixture::{NOW, options};

    #[test]
    fn the_plan_of_a_request_is_of_what_its_file_held() {
        let folder = tempfile::tempdir().unwrap();
        let (store, _) = Store::open(&options(folder.path())).unwrap();
        let file = folder.path().join("job.toml");
        let text = "name = \"x\"\nfilter = \"online=online\"\n[wifi]\nssid = \"Guests\"\n";
        let args = [("file", file.to_str().unwrap()), ("dry-run", "yes")];
        let intent = Intent {
            command: "cpe.job.create",
            targets: Targets::None,
            args: args.map(|(name, value)| (name.to_owned(), value.to_owned())).into(),
            actor: "anna".into(),
        };
        let planned = || plan(&mut store.reader().unwrap(), &intent, NOW);
        assert!(planned().unwrap_err().to_string().contains("job.toml"));
        std::fs::write(&file, text).unwrap();
        let args = planned().unwrap().args.expect("the arguments are fixed");
        let expected = [("dry-run", "yes"), ("request", text)];
        assert_eq!(args, expected.map(|(name, value)| (name.to_owned(), value.to_owned())).into());
        std::fs::write(&file, text.replace("Guests", "Nobody")).unwrap();
        let again = Intent { args, ..intent.clone() };
        let plan = plan(&mut store.reader().unwrap(), &again, NOW).unwrap();
        assert!(plan.calls.iter().any(|call| call.contains("Guests")), "{:?}", plan.calls);
        assert_eq!(plan.args, None, "there is nothing to fix");
    }
}
