//! `noctule run`: any mutating command of the registry without the screen, through the same gate.
//!
//! `--dry-run` prints the plan and does nothing. What would be asked about on the screen is not
//! run without `--yes`: the plan is printed instead, with exit code 2. Sources of device commands
//! are polled first, so that a device that meanwhile has another id is called by that; one that
//! cannot be reached ends the run with code 4 before anything is done.

mod asks;
mod job;
mod progress;
mod report;
mod wait;

use std::collections::HashSet;
use std::io::{self, Write as _};

use serde_json::{Value as Json, json};
use tokio_util::sync::CancellationToken;

use super::Start;
use super::args::RunArgs;
use super::exit::{Code, Failure};
use super::fresh::{poll, say};
use super::live::{Live, Role, store_options};
use super::query::ask::filter;
use crate::app;
use crate::commands::gate::{Decision, Rights, decide};
use crate::commands::parse::check;
use crate::commands::spec::{CommandSpec, Context, Mutates};
use crate::config::Loaded;
use crate::model::command::{Args, Intent, Outcome, Plan, Targets};
use crate::model::page::{Scope, Table};
use crate::model::text;
use crate::store::Store;
use crate::workers::plan::lines;
use crate::workers::resolve::{self, ResolveError};
use crate::workers::targets::{NO_JOB, NO_SOURCE, NOT_CACHED};
use crate::workers::verb::{VerbError, Work};
use crate::workers::{self, now};

/// Runs a command.
pub(super) fn run(start: &Start, args: &RunArgs) -> Result<Code, Failure> {
    if args.command == wait::WAIT {
        return wait::run(start, args);
    }
    if args.command == report::EXPORT {
        return report::run(start, args);
    }
    let mut loaded = start.load()?;
    let spec = find(&args.command)?;
    let actor = loaded.operator(&start.vars);
    let made = spec.id == job::CREATE;
    let intent = if made { job::intent(spec, args, actor)? } else { intent(spec, args, actor)? };
    if workers::asks::is(spec.id) {
        return asks::run(start, loaded, spec, intent, args);
    }
    if args.dry_run && (!made || loaded.profile.read_only) {
        return dry_run(&loaded, &intent, args.json);
    }
    if args.dry_run {
        let _log = start.log(&mut loaded)?;
        return on(&loaded, spec, &intent.clone(), |live| job::dry_run(start, args, live, &loaded, intent));
    }
    let rights = Rights { profile: &loaded.profile_name, read_only: loaded.profile.read_only, ..Rights::default() };
    match decide(spec, &intent.targets, rights) {
        Decision::Refuse(why) => return Err(Failure::usage(why)),
        Decision::Ask(_) if !args.yes => {
            print_plan(&plan(&loaded, &intent)?, args.json)?;
            return Err(Failure::usage(format!("nothing was done: {} asks first; add --yes to run it", spec.id)));
        }
        Decision::AskPin => return Err(Failure::usage("the PIN of a console is asked for on its screen only")),
        Decision::Ask(_) | Decision::Run => {}
    }
    let _log = start.log(&mut loaded)?;
    on(&loaded, spec, &intent.clone(), |live| execute(live, &loaded, spec, intent, args))
}

/// The command of an id.
fn find_any(id: &str) -> Result<&'static CommandSpec, Failure> {
    app::registry().get(id).ok_or_else(|| Failure::usage(format!("no command is called `{id}`")))
}

/// The command called `name`, which has to be one that works without a screen.
fn find(name: &str) -> Result<&'static CommandSpec, Failure> {
    let registry = app::registry();
    let Some(spec) = registry.named(name, &Context::ALL) else {
        let hint = registry.nearest(name).map_or_else(String::new, |n| format!("; did you mean `{n}`?"));
        return Err(Failure::usage(format!("no command is called `{}`{hint}", text::clean(name))));
    };
    let known =
        workers::asks::is(spec.id) || !matches!(Work::parse(spec.id, &Args::new(), now()), Err(VerbError::Unknown(_)));
    if spec.headless && known {
        return Ok(spec);
    }
    Err(Failure::usage(format!("`{}` needs the screen: `noctule keys` lists the commands that do not", spec.id)))
}

fn intent(spec: &'static CommandSpec, args: &RunArgs, actor: String) -> Result<Intent, Failure> {
    let given: Args = args.args.iter().cloned().collect();
    check(spec, &given).map_err(Failure::usage)?;
    let work = Work::parse(spec.id, &given, now()).map_err(|e| Failure::usage(e.to_string()))?;
    let table = work.table();
    let targets = match &args.filter {
        Some(text) => Targets::Filter {
            table,
            scope: if spec.id == "alarm.unshelve" { Scope::Hidden } else { Scope::Open },
            filter: filter(text, table)?,
            below: None,
            except: HashSet::new(),
        },
        None if args.targets.is_empty() && workers::silences::stands_alone(spec.id, &given) => Targets::None,
        None if args.targets.is_empty() => {
            let what = what(table);
            return Err(Failure::usage(format!("`{}` needs {what} to work on, or --filter", spec.id)));
        }
        None => Targets::Names(table, args.targets.clone()),
    };
    Ok(Intent { command: spec.id, targets, args: given, actor })
}

const fn what(table: Table) -> &'static str {
    match table {
        Table::Alarms => "alarm keys (see `noctule alarms --columns key,resource,type`)",
        Table::Nodes => "canonical names (see `noctule pon --columns id`)",
        Table::Cpes => "canonical names (see `noctule cpe --columns id`)",
        Table::Sources => "source names",
        Table::Jobs => "job ids (see `noctule jobs --columns id,name`)",
        Table::Stored => "a name (see `noctule objects`)",
        Table::Appliances => "names of appliances (see `noctule buffers --columns name`)",
        Table::Vms => "machines: canonical names, or names that only one host has (see `noctule vms --columns id`)",
        Table::Collectors => "canonical names (see `noctule services --columns id`)",
        Table::Log | Table::JobDevices | Table::Faults => "rows",
    }
}

fn dry_run(loaded: &Loaded, intent: &Intent, json: bool) -> Result<Code, Failure> {
    let plan = plan(loaded, intent)?;
    print_plan(&plan, json)?;
    if loaded.profile.read_only {
        say(&format!("profile `{}` is read-only: it would be refused", loaded.profile_name));
    }
    Ok(Code::Done)
}

fn plan(loaded: &Loaded, intent: &Intent) -> Result<Plan, Failure> {
    let (store, _) = Store::open(&store_options(loaded, true))?;
    Ok(resolve::plan(&mut store.reader()?, intent, now())?)
}

/// Refuses what an intent of one target would be refused for, before there is anything to do: by
/// the gate, or because there is no such target.
pub(super) fn allowed(loaded: &Loaded, start: &Start, command: &str, target: &str, args: Args) -> Result<(), Failure> {
    let (spec, intent) = single(loaded, start, command, target, args)?;
    let rights = Rights { profile: &loaded.profile_name, read_only: loaded.profile.read_only, ..Rights::default() };
    if let Decision::Refuse(why) = decide(spec, &intent.targets, rights) {
        return Err(Failure::usage(why));
    }
    let plan = plan(loaded, &intent)?;
    match (plan.total, plan.skipped.first()) {
        (0, Some((why, _))) => Err(Failure::new(Code::Failed, format!("{}: {why}", text::clean(target)))),
        (0, None) => Err(Failure::new(Code::Failed, format!("{}: {NOT_CACHED}", text::clean(target)))),
        _ => Ok(()),
    }
}

/// Runs an intent of one target for another command, through the same gate.
pub(super) fn in_passing(
    loaded: &Loaded,
    start: &Start,
    command: &str,
    target: &str,
    args: Args,
) -> Result<Outcome, Failure> {
    let (spec, intent) = single(loaded, start, command, target, args)?;
    let mut live = Live::start(loaded, Role::Once)?;
    let result = reached(&mut live, loaded, Role::Once, spec, &intent).map(|()| ask_owner(&live, intent));
    live.stop();
    result
}

fn single(
    loaded: &Loaded,
    start: &Start,
    command: &str,
    target: &str,
    args: Args,
) -> Result<(&'static CommandSpec, Intent), Failure> {
    let spec = find(command)?;
    let targets = Targets::Names(Table::Alarms, vec![target.to_owned()]);
    Ok((spec, Intent { command: spec.id, targets, args, actor: loaded.operator(&start.vars) }))
}

/// Starts what a command needs, lets `work` do it where that is possible, and ends it.
fn on(
    loaded: &Loaded,
    spec: &CommandSpec,
    intent: &Intent,
    work: impl FnOnce(&mut Live) -> Result<Code, Failure>,
) -> Result<Code, Failure> {
    // Jobs are run by a process that was started for them, not in passing.
    let role = if of_jobs(spec) { Role::Run } else { Role::Once };
    let mut live = Live::start(loaded, role)?;
    let result = reached(&mut live, loaded, role, spec, intent).and_then(|()| work(&mut live));
    live.stop();
    result
}

/// Whether jobs may come of a command.
fn of_jobs(spec: &CommandSpec) -> bool {
    spec.id.starts_with("job.") || spec.id.starts_with("cpe.")
}

/// The gate with what is known now: whether the changes have anywhere to go.
pub(super) fn reached(
    live: &mut Live,
    loaded: &Loaded,
    role: Role,
    spec: &CommandSpec,
    intent: &Intent,
) -> Result<(), Failure> {
    let reached = live.reach(loaded, role).map_err(|e| e.message);
    let cut_off = reached.as_ref().err().map(String::as_str);
    let rights =
        Rights { profile: &loaded.profile_name, read_only: loaded.profile.read_only, cut_off, ..Rights::default() };
    match decide(spec, &intent.targets, rights) {
        Decision::Refuse(why) => Err(Failure::new(if cut_off.is_some() { Code::Failed } else { Code::Usage }, why)),
        Decision::AskPin => Err(Failure::usage("the PIN of a console is asked for on its screen only")),
        Decision::Ask(_) | Decision::Run => Ok(()),
    }
}

fn execute(
    live: &mut Live,
    loaded: &Loaded,
    spec: &'static CommandSpec,
    intent: Intent,
    args: &RunArgs,
) -> Result<Code, Failure> {
    if spec.id == job::CREATE {
        job::ready(live, loaded, &intent)?;
    } else if spec.mutates == Mutates::Device && !spec.id.starts_with("job.") {
        match poll(live, &wanted(&intent.targets), &intent.actor) {
            Code::Done => {}
            Code::Unreachable => {
                return Err(Failure::new(Code::Unreachable, "nothing was done: a source could not be reached"));
            }
            code => return Err(Failure::new(code, "nothing was done")),
        }
    }
    let plan = resolve::plan(&mut live.store.reader()?, &intent, now())?;
    let actor = intent.actor.clone();
    let outcome = ask_owner(live, intent);
    let code = code(&plan, &outcome);
    let Some(job) = outcome.job.filter(|_| outcome.done > 0) else {
        print_outcome(&outcome, args.json)?;
        return Ok(code);
    };
    let waits = args.wait || args.watch;
    match (args.json, spec.id == job::CREATE) {
        (false, true) if !args.watch => job::print_made(&outcome, job)?,
        (true, _) if waits => {}
        _ if args.watch => say(&outcome.summary),
        (json, _) => print_outcome(&outcome, json)?,
    }
    if !waits {
        if spec.id != "job.pause" && spec.id != "job.cancel" {
            job::who_runs(live, job)?;
        }
        return Ok(code);
    }
    let waited = wait::until_over(live, loaded, job, wait::How { watch: args.watch, actor: &actor, dry_run: false })?;
    wait::finish(live, job, args)?;
    Ok(if code == Code::Done { waited } else { code })
}

/// Has an intent run, here or at the owner, until it is through or Ctrl-C.
fn ask_owner(live: &Live, intent: Intent) -> Outcome {
    live.runtime.block_on(async {
        let stop = CancellationToken::new();
        let on_signal = stop.clone();
        let signal = tokio::spawn(async move {
            if tokio::signal::ctrl_c().await.is_ok() {
                on_signal.cancel();
            }
        });
        let outcome = live.hands.run(intent, &stop, &|_, _| ()).await;
        signal.abort();
        outcome
    })
}

/// The sources that have to be asked first; empty for all of them.
fn wanted(targets: &Targets) -> Vec<String> {
    match targets {
        Targets::Names(_, names) => names.iter().filter_map(|n| n.split('/').next()).map(str::to_owned).collect(),
        _ => Vec::new(),
    }
}

/// Targets that were in the wanted state already count as done; targets that do not exist do not.
fn code(plan: &Plan, outcome: &Outcome) -> Code {
    let missing = plan.skipped.iter().any(|(reason, _)| [NOT_CACHED, NO_SOURCE, NO_JOB].contains(&reason.as_str()));
    match (outcome.done, outcome.total) {
        (_, 0) if missing || !outcome.errors.is_empty() => Code::Failed,
        (0, 0) => Code::Done,
        (0, _) => Code::Failed,
        (done, total) if done < total || missing => Code::Partly,
        _ => Code::Done,
    }
}

pub(super) fn print_plan(plan: &Plan, json: bool) -> Result<(), Failure> {
    if json {
        return print_json(&json!({
            "title": plan.title,
            "total": plan.total,
            "first": plan.first,
            "skipped": plan.skipped.iter().map(|(r, n)| json!({"reason": r, "count": n})).collect::<Vec<_>>(),
            "onus": plan.onus,
            "subscribers": plan.subscribers,
            "calls": plan.calls,
            "irreversible": plan.irreversible,
            "notes": plan.notes,
            "diff": plan.diff,
        }));
    }
    let mut out = io::stdout().lock();
    for line in lines(plan) {
        writeln!(out, "{line}")?;
    }
    Ok(())
}

pub(super) fn print_outcome(outcome: &Outcome, json: bool) -> Result<(), Failure> {
    if json {
        return print_json(&json!({
            "command": outcome.command,
            "summary": text::clean(&outcome.summary),
            "total": outcome.total,
            "done": outcome.done,
            "errors": outcome.errors.iter().map(|(t, why)| json!({"target": t, "reason": why})).collect::<Vec<_>>(),
            "batch": outcome.undo.map(|id| id.to_string()),
            "job": outcome.job.map(|id| id.to_string()),
        }));
    }
    writeln!(io::stdout(), "{}", text::clean(&outcome.summary))?;
    for (target, why) in &outcome.errors {
        // Some causes begin with what they are about.
        let why = why.strip_prefix(target.as_str()).and_then(|w| w.strip_prefix(": ")).unwrap_or(why);
        say(&format!("{target}: {why}"));
    }
    Ok(())
}

fn print_json(value: &Json) -> Result<(), Failure> {
    writeln!(io::stdout(), "{value}")?;
    Ok(())
}

impl From<ResolveError> for Failure {
    fn from(error: ResolveError) -> Self {
        match error {
            ResolveError::Store(error) => error.into(),
            other => Self::usage(other.to_string()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outcome(done: u64, total: u64) -> Outcome {
        Outcome { total, done, ..Outcome::default() }
    }

    #[test]
    fn exit_codes_tell_all_some_and_none() {
        let plan = Plan::default();
        assert_eq!(code(&plan, &outcome(3, 3)), Code::Done);
        assert_eq!(code(&plan, &outcome(2, 3)), Code::Partly);
        assert_eq!(code(&plan, &outcome(0, 3)), Code::Failed);
        let done_already = Plan { skipped: vec![("already acknowledged".into(), 2)], ..Plan::default() };
        assert_eq!(code(&done_already, &outcome(0, 0)), Code::Done);
        let missing = Plan { skipped: vec![(NOT_CACHED.into(), 1)], ..Plan::default() };
        assert_eq!(code(&missing, &outcome(0, 0)), Code::Failed);
        assert_eq!(code(&missing, &outcome(2, 2)), Code::Partly);
    }

    #[test]
    fn an_unknown_command_names_the_nearest() {
        let error = find("alarm.akc").unwrap_err();
        assert_eq!(error.code, Code::Usage);
        assert!(error.message.contains("alarm.akc"), "{}", error.message);
        assert!(find("app.quit").unwrap_err().message.contains("screen"));
    }
}
