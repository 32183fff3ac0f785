//! Commands whose plan asks the controller: a preset, an appliance's configuration, virtual machines.

use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

use super::progress::Teller;
use super::{code, print_outcome, print_plan, reached, wanted};
use crate::cli::Start;
use crate::cli::args::RunArgs;
use crate::cli::exit::{Code, Failure};
use crate::cli::fresh::{poll, say};
use crate::cli::live::{Live, Role};
use crate::cli::machines::{hosts, hosts_of};
use crate::commands::spec::{CommandSpec, Mutates};
use crate::config::Loaded;
use crate::model::command::{Intent, Outcome, Plan, Targets};
use crate::workers::{appliance, asks, vms};

/// Commands that change nothing and are run all the same: their plan is not all there is to them.
const RUN: [&str; 3] = ["buffer.poll", "vm.poll", "vm.orphans"];

/// Runs a change: the plan asks the server, and so does what comes after it.
pub(super) fn run(
    start: &Start,
    mut loaded: Loaded,
    spec: &'static CommandSpec,
    mut intent: Intent,
    args: &RunArgs,
) -> Result<Code, Failure> {
    let _log = start.log(&mut loaded)?;
    // Whoever runs it may do so in another folder.
    if let Some(file) = intent.args.get_mut("file")
        && let Ok(whole) = std::path::absolute(&*file)
    {
        *file = whole.display().to_string();
    }
    let mut live = Live::start(&loaded, Role::Once)?;
    // What changes nothing needs no yes: its plan is all there is to it.
    let runs = RUN.contains(&spec.id);
    let only_looks = spec.mutates == Mutates::Nothing && !runs;
    let args = &RunArgs { dry_run: args.dry_run || only_looks, yes: args.yes || runs, ..args.clone() };
    let result = if args.dry_run {
        run_on(&live, &loaded, spec, intent, args)
    } else {
        reached(&mut live, &loaded, Role::Once, spec, &intent).and_then(|()| run_on(&live, &loaded, spec, intent, args))
    };
    live.stop();
    result
}

fn run_on(
    live: &Live,
    loaded: &Loaded,
    spec: &'static CommandSpec,
    mut intent: Intent,
    args: &RunArgs,
) -> Result<Code, Failure> {
    let machines = vms::is(spec.id);
    let (sources, what) = match &intent.targets {
        Targets::Names(_, names) if machines => (hosts_of(loaded, &live.store, names), "a host"),
        _ if machines => (hosts_of(loaded, &live.store, &[]), "a host"),
        targets => (wanted(targets), "an appliance"),
    };
    if appliance::is(spec.id) || machines {
        // What it works on has to be in the cache, and is to be as it is now.
        match poll(live, &sources, &intent.actor) {
            Code::Done => {}
            Code::Unreachable => {
                return Err(Failure::new(Code::Unreachable, format!("nothing was done: {what} could not be reached")));
            }
            code => return Err(Failure::new(code, "nothing was done")),
        }
    }
    let mut plan: Plan = live
        .runtime
        .block_on(asks::plan(&live.store, &live.sources, &intent))
        .map_err(|why| Failure::new(Code::Failed, why))?;
    if let Some(args) = plan.args.take() {
        intent.args = args;
    }
    if args.dry_run {
        print_plan(&plan, args.json)?;
        if loaded.profile.read_only && spec.mutates != Mutates::Nothing {
            say(&format!("profile `{}` is read-only: it would be refused", loaded.profile_name));
        }
        return Ok(Code::Done);
    }
    if !args.yes {
        print_plan(&plan, args.json)?;
        return Err(Failure::usage(format!("nothing was done: {} asks first; add --yes to run it", spec.id)));
    }
    if plan.total == 0 {
        let summary = plan.skipped.first().map(|(why, _)| format!("nothing to do: {why}")).unwrap_or_default();
        let outcome = Outcome { command: spec.id.into(), summary, ..Outcome::default() };
        print_outcome(&outcome, args.json)?;
        return Ok(code(&plan, &outcome));
    }
    // A machine that moves is somewhere else afterwards.
    let to = intent.args.get("to").filter(|to| hosts(loaded).any(|(name, _)| name == to.as_str())).cloned();
    let actor = intent.actor.clone();
    let stop = CancellationToken::new();
    let teller = machines.then(|| Teller::new(spec.title, plan.total));
    let progress = |done, total| {
        if let Some(teller) = &teller {
            teller.told(done, total);
        }
    };
    let outcome = live.runtime.block_on(async {
        let mut work = std::pin::pin!(live.hands.run(intent, &stop, &progress));
        tokio::select! {
            outcome = &mut work => outcome,
            () = interrupted() => {
                // What has begun is ended in order: a service is not left stopped, no half backup is kept.
                stop.cancel();
                if let Some(teller) = &teller {
                    teller.say("cancelled: what has begun is brought to an end in order");
                }
                work.await
            }
        }
    });
    drop(teller);
    if machines && outcome.done > 0 && spec.mutates != Mutates::Nothing {
        // Whoever reads the cache next finds what was done; the outcome does not depend on it.
        let _ = poll(live, &sources.into_iter().chain(to).collect::<Vec<_>>(), &actor);
    }
    print_outcome(&outcome, args.json)?;
    Ok(code(&plan, &outcome))
}

/// Waits until somebody wants the end: Ctrl-C, or the system.
async fn interrupted() {
    let terminated = async {
        match signal(SignalKind::terminate()) {
            Ok(mut signals) => drop(signals.recv().await),
            Err(_) => std::future::pending().await,
        }
    };
    tokio::select! {
        _ = tokio::signal::ctrl_c() => {}
        () = terminated => {}
    }
}
