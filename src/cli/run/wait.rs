//! Waiting for a job: `--wait`, and `noctule run job.wait JOB`. Progress goes to standard error, a
//! line a change; with `--watch` the row of the job goes to standard output, an object a change.
//!
//! Ctrl-C leaves the job with whoever runs it. When that is this very process, the job is paused
//! first: nobody should find it half done without a word.

use std::io::{self, Write as _};
use std::time::{Duration, Instant};

use serde_json::Value as Json;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::watch::Receiver;

use super::super::args::RunArgs;
use super::super::exit::{Code, Failure};
use super::super::fresh::say;
use super::super::live::{Live, Role};
use super::super::{Start, jobs};
use super::ask_owner;
use crate::app::message::{Msg, OwnerNews};
use crate::config::Loaded;
use crate::model::command::{Args, Intent, Targets};
use crate::model::job::{Class, JobId, JobRow, Phase};
use crate::model::page::Table;
use crate::model::source::Health;
use crate::model::tables;
use crate::model::text::clean;
use crate::store::{self, Snapshot, Store};
use crate::workers::now;
use crate::workers::relay::Hands;
use crate::workers::resolve::sources;
use crate::workers::rows::object;

/// The command that only waits.
pub(super) const WAIT: &str = "job.wait";
/// Least time between two looks, and the longest without one.
const PACE: (Duration, Duration) = (Duration::from_millis(250), Duration::from_secs(2));
/// How long the server may be away before nobody waits for it any more.
const AWAY: Duration = Duration::from_secs(30);

/// How to wait.
#[derive(Debug, Clone, Copy)]
pub(super) struct How<'a> {
    /// Print the row of the job whenever it changes.
    pub(super) watch: bool,
    /// Who waits.
    pub(super) actor: &'a str,
    /// Nothing is changed by it: nothing needs to be paused.
    pub(super) dry_run: bool,
}

/// `noctule run job.wait JOB`.
pub(super) fn run(start: &Start, args: &RunArgs) -> Result<Code, Failure> {
    let [name] = args.targets.as_slice() else {
        return Err(Failure::usage(format!("`{WAIT}` needs one job: its id, the beginning of it, or its name")));
    };
    let mut loaded = start.load()?;
    // Known before anything is started: waiting for nothing would take the cache over for it.
    let (cache, _) = Store::open(&super::store_options(&loaded, true))?;
    let job = jobs::named(&mut cache.reader()?, name)?;
    drop(cache);
    if loaded.profile.read_only && store::owner(&loaded.cache_path())?.is_none() {
        let profile = &loaded.profile_name;
        return Err(Failure::usage(format!("nobody runs jobs on this cache, and profile `{profile}` is read-only")));
    }
    let _log = start.log(&mut loaded)?;
    let actor = loaded.operator(&start.vars);
    let mut live = Live::start(&loaded, Role::Run)?;
    let waited = until_over(&mut live, &loaded, job, How { watch: args.watch, actor: &actor, dry_run: false })
        .and_then(|code| finish(&live, job, args).map(|()| code));
    live.stop();
    waited
}

/// With `--json` the job as it stands at the end.
pub(super) fn finish(live: &Live, job: JobId, args: &RunArgs) -> Result<(), Failure> {
    if !args.json || args.watch {
        return Ok(());
    }
    let mut reader = live.store.reader()?;
    let row = jobs::row_of(&mut reader, job)?;
    let detail = jobs::detail_of(&mut reader, row)?;
    writeln!(io::stdout(), "{}", Json::Object(jobs::detail::json(&detail)))?;
    Ok(())
}

/// What ended a pause between two looks.
enum Next {
    Look,
    Interrupted,
    OwnerGone,
}

/// What asks for an end. Listened to from the beginning to the end of the waiting: a signal that comes
/// while nobody listens is lost.
struct Asked {
    interrupt: Signal,
    terminate: Signal,
}

/// Waits until a job is over, or stops by itself, or its server is away for long.
pub(super) fn until_over(live: &mut Live, loaded: &Loaded, job: JobId, how: How<'_>) -> Result<Code, Failure> {
    let mut asked = live.runtime.block_on(async {
        let (interrupt, terminate) = (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
        Ok::<_, io::Error>(Asked { interrupt, terminate })
    })?;
    let mut reader = live.store.reader()?;
    let row_id = jobs::row_of(&mut reader, job)?;
    let mut snapshots = live.store.snapshots();
    let mut told = String::new();
    let mut away: Option<Instant> = None;
    loop {
        snapshots.mark_unchanged();
        let row = jobs::detail_of(&mut reader, row_id)?.row;
        let words = words(&row);
        if words != told {
            say(&words);
            if how.watch {
                print_row(&row)?;
            }
            told = words;
        }
        if let Some(code) = verdict(&row) {
            return Ok(code);
        }
        let silent = sources(&mut reader, now())?
            .into_iter()
            .find(|s| (row.source.is_empty() || *s.name == *row.source) && s.report.health == Health::Down);
        match (silent, away) {
            (None, _) => away = None,
            (Some(_), None) => away = Some(Instant::now()),
            (Some(source), Some(since)) if since.elapsed() >= AWAY && row.phase == Phase::Running => {
                say(&format!("{} cannot be reached: {}", source.name, source.report.last_error));
                leave(live, &row, how);
                return Ok(Code::Unreachable);
            }
            _ => {}
        }
        match pause(live, &mut asked, &mut snapshots) {
            Next::Look => {}
            Next::Interrupted => {
                leave(live, &row, how);
                return Ok(Code::Failed);
            }
            Next::OwnerGone => {
                drop(reader);
                live.renew(loaded, Role::Run)?;
                if live.opened.owner {
                    say("the noctule that ran it has ended: it is run here now");
                }
                (reader, snapshots) = (live.store.reader()?, live.store.snapshots());
            }
        }
    }
}

fn pause(live: &mut Live, asked: &mut Asked, snapshots: &mut Receiver<Snapshot>) -> Next {
    let Live { runtime, news, .. } = live;
    runtime.block_on(async {
        let change = async {
            // Changes of this span are looked at in one go. The look after the longer one is for what
            // makes no change: how long a source has been away.
            tokio::time::sleep(PACE.0).await;
            let _ = tokio::time::timeout(PACE.1, snapshots.changed()).await;
        };
        let mut change = std::pin::pin!(change);
        loop {
            tokio::select! {
                _ = asked.interrupt.recv() => return Next::Interrupted,
                _ = asked.terminate.recv() => return Next::Interrupted,
                msg = news.recv() => match msg {
                    Some(Msg::Owner(OwnerNews::Gone)) => return Next::OwnerGone,
                    Some(Msg::Owner(OwnerNews::Silent(why))) => say(&why),
                    Some(Msg::WorkerDown { name, reason, .. }) => say(&format!("worker {name} died: {reason}")),
                    Some(_) => {}
                    None => return Next::Interrupted,
                },
                () = &mut change => return Next::Look,
            }
        }
    })
}

/// How a job is left that is not over: with its owner, or paused.
fn leave(live: &Live, row: &JobRow, how: How<'_>) {
    let job = row.job;
    match &live.hands {
        Hands::Theirs(_) => {
            let who = live.opened.owner_pid.map_or_else(|| "its owner".to_owned(), |pid| format!("process {pid}"));
            say(&format!(
                "job {job} goes on under {who}: `noctule run job.wait {job}` waits again, \
                 `noctule run job.pause {job}` stops it"
            ));
        }
        Hands::Own(_) if how.dry_run => say(&format!("job {job} is not through; it changes nothing")),
        Hands::Own(_) => {
            let targets = Targets::Names(Table::Jobs, vec![job.to_string()]);
            let wish = Intent { command: "job.pause", targets, args: Args::new(), actor: how.actor.to_owned() };
            let outcome = ask_owner(live, wish);
            if outcome.done > 0 {
                say(&format!("job {job} is paused: `noctule run job.resume {job} --wait` goes on with it"));
            } else {
                say(&format!(
                    "job {job} was not paused ({}); it goes on with the next agent or dashboard",
                    outcome.summary
                ));
            }
        }
    }
}

/// The exit code of a job that needs no more waiting.
fn verdict(row: &JobRow) -> Option<Code> {
    match row.phase {
        Phase::Refused | Phase::Held | Phase::Cancelled => Some(Code::Failed),
        Phase::Ended if row.counts.failed() > 0 || row.counts.of(Class::OfflineQueued) > 0 => Some(Code::Partly),
        Phase::Ended => Some(Code::Done),
        _ => None,
    }
}

/// `Guest WiFi: running, 40 of 200 devices through: 38 changed, 2 faulted`.
fn words(row: &JobRow) -> String {
    let mut text = format!("{}: {}", row.name, row.phase.word());
    let devices = jobs::detail::devices(row);
    if !devices.is_empty() {
        text = format!("{text}, {devices}");
    }
    if row.phase == Phase::Waiting && row.due_at.is_set() {
        text = format!("{text} for {}", row.due_at.to_rfc3339());
    }
    if !row.why.is_empty() {
        text = format!("{text} ({})", row.why);
    }
    clean(&text).into_owned()
}

fn print_row(row: &JobRow) -> Result<(), Failure> {
    let fields: Vec<_> = tables::JOBS.fields.iter().collect();
    let mut out = io::stdout().lock();
    writeln!(out, "{}", Json::Object(object(&fields, row)))?;
    out.flush()?;
    Ok(())
}
