//! What is worth a line: a source that comes or goes, a job that begins, stops or ends, a worker that
//! dies, what others had done here. Nothing that happens every minute.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::Write as _;
use std::time::Duration;

use crate::app::effect;
use crate::app::message::Msg;
use crate::config::Vars;
use crate::engine::job::Header;
use crate::model::job::{JobId, Phase};
use crate::model::source::{Health, SourceRow};
use crate::model::text::{clean, counted};
use crate::store::{Reader, Snapshot};
use crate::workers::now;

/// Least time between two looks at what has changed.
pub(super) const PACE: Duration = Duration::from_millis(500);

/// Levels of syslog(3), as the journal takes them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Level {
    Error = 3,
    Warning = 4,
    Notice = 5,
    Info = 6,
}

/// Lines on standard error: with the level for the journal (sd-daemon(3)), else with the time.
pub(super) struct Journal {
    levels: bool,
}

impl Journal {
    pub(super) fn of(vars: &Vars) -> Self {
        Self { levels: vars.get("JOURNAL_STREAM").is_some() }
    }

    pub(super) fn notes(&self, notes: &[String]) {
        for note in notes {
            self.line(Level::Warning, note);
        }
    }

    pub(super) fn line(&self, level: Level, text: &str) {
        let text = clean(text);
        let text = text.replace(['\n', '\r'], " ");
        let line = if self.levels {
            format!("<{}>{text}\n", level as u8)
        } else {
            format!("{} {text}\n", now().to_utc().map_or_else(String::new, |t| t.format("%FT%TZ").to_string()))
        };
        // Nobody may read it: that ends nothing.
        let _ = std::io::stderr().write_all(line.as_bytes());
    }
}

/// What a message of the workers is worth.
pub(super) fn of_message(msg: &Msg) -> Option<(Level, String)> {
    match msg {
        Msg::Toast(toast) => {
            let level = match toast.level {
                effect::Level::Error => Level::Error,
                effect::Level::Warn => Level::Warning,
                effect::Level::Good | effect::Level::Info => Level::Info,
            };
            Some((level, toast.text.clone()))
        }
        Msg::Rebuilt { source, added, removed } => {
            Some((Level::Info, format!("{source}: list rebuilt +{added} -{removed}")))
        }
        Msg::WorkerDown { name, reason, restart_ms } => {
            let after = if restart_ms.is_some() { "it starts again" } else { "it stays down" };
            Some((Level::Error, format!("worker {name} died: {reason}; {after}")))
        }
        _ => None,
    }
}

/// What was told last.
pub(super) struct News {
    reader: Reader,
    sources: BTreeMap<String, Health>,
    jobs: BTreeMap<JobId, (Phase, String)>,
    generation: Option<u64>,
    trouble: Option<String>,
    status: String,
    running: usize,
}

impl News {
    pub(super) fn new(reader: Reader) -> Self {
        Self {
            reader,
            sources: BTreeMap::new(),
            jobs: BTreeMap::new(),
            generation: None,
            trouble: None,
            status: String::new(),
            running: 0,
        }
    }

    /// What has changed.
    pub(super) fn of_snapshot(&mut self, snapshot: &Snapshot) -> Vec<(Level, String)> {
        let mut out = Vec::new();
        for row in snapshot.sources.iter() {
            let health = row.report.health;
            if self.sources.insert(row.name.to_string(), health) != Some(health) && health != Health::Starting {
                out.push(of_source(row));
            }
        }
        if self.generation.replace(snapshot.generations.jobs) != Some(snapshot.generations.jobs) {
            self.of_jobs(&mut out);
        }
        let trouble = snapshot.trouble.as_deref().map(str::to_owned);
        if trouble != self.trouble {
            out.push(match &trouble {
                Some(why) => (Level::Error, why.clone()),
                None => (Level::Notice, "the cache is written again".into()),
            });
            self.trouble = trouble;
        }
        out
    }

    fn of_jobs(&mut self, out: &mut Vec<(Level, String)>) {
        let open = match self.reader.open_jobs() {
            Ok(open) => open,
            Err(error) => return out.push((Level::Warning, format!("the jobs cannot be read: {error}"))),
        };
        self.running = open.iter().filter(|(_, header)| header.phase == Phase::Running).count();
        let first = self.generation.is_none();
        let gone: Vec<JobId> = self.jobs.keys().filter(|id| !open.iter().any(|(o, _)| o == *id)).copied().collect();
        let mut ended = Vec::new();
        for id in gone {
            self.jobs.remove(&id);
            ended.extend(self.reader.jobs_called(&id.to_string()).unwrap_or_default());
        }
        for (id, header) in ended {
            out.push(of_job(id, &header));
        }
        for (id, header) in open {
            let now = (header.phase, header.why.clone());
            let before = self.jobs.insert(id, now.clone());
            if before.as_ref() != Some(&now) && !(first && header.phase == Phase::Ended) {
                out.push(of_job(id, &header));
            }
        }
    }

    /// One line for the service manager, when it has changed.
    pub(super) fn status(&mut self, snapshot: &Snapshot) -> Option<String> {
        let up = snapshot.sources.iter().filter(|s| s.report.health == Health::Up).count();
        let sources = counted(snapshot.sources.len() as u64, "source", "sources");
        let text = format!("{up} of {sources} up, {} running", counted(self.running as u64, "job", "jobs"));
        let changed = text != self.status;
        self.status.clone_from(&text);
        changed.then_some(text)
    }
}

fn of_source(row: &SourceRow) -> (Level, String) {
    let health = row.report.health;
    let level = match health {
        Health::Up | Health::Starting => Level::Notice,
        Health::Paused | Health::Degraded | Health::Down => Level::Warning,
    };
    let why = match row.report.last_error.as_str() {
        "" => String::new(),
        _ if health == Health::Up => String::new(),
        why => format!(": {why}"),
    };
    (level, format!("source {} is {}{why}", row.name, health.word()))
}

fn of_job(id: JobId, header: &Header) -> (Level, String) {
    let name = header.request.as_ref().map_or("", |r| r.name.as_str());
    let counts = &header.counts;
    let level = match header.phase {
        Phase::Held | Phase::Refused => Level::Warning,
        Phase::Ended if counts.failed() > 0 => Level::Warning,
        _ => Level::Notice,
    };
    let mut text = format!("job {name} ({id}) is {}", header.phase.word());
    if counts.total > 0 {
        let _ = write!(text, ", {} of {} through", counts.through(), counted(counts.total.into(), "device", "devices"));
        if counts.failed() > 0 {
            let _ = write!(text, ", {} failed", counts.failed());
        }
    }
    if !header.why.is_empty() {
        let _ = write!(text, ": {}", header.why);
    }
    (level, text)
}
