//! Carrying a command out, machine by machine.

use tokio_util::sync::CancellationToken;

use crate::model::command::{Intent, Outcome};
use crate::model::vm::VmRow;
use crate::store::Store;
use crate::workers::actions::{Progress, Run, failed};
use crate::workers::source::{SourceHandle, Sources};

use super::plan::{Wish, label};

/// Machines worked on at a time.
const AT_ONCE: usize = 4;

/// Runs a command: the canonical names it was for, and what came of it.
pub async fn run(
    store: &Store,
    sources: &Sources,
    intent: &Intent,
    stop: &CancellationToken,
    progress: &dyn Progress,
) -> (Vec<String>, Outcome) {
    let wish = match Wish::of(store, sources, intent).await {
        Ok(wish) => wish,
        Err(why) => return (Vec::new(), failed(intent.command, why)),
    };
    let names: Vec<String> = wish.targets.iter().map(|(row, _)| row.canonical()).collect();
    let mut run = Run::new(intent.command, &wish.tally);
    let verb = &wish.verb;
    // How far a single machine is says more than that none of one is done.
    let single = wish.targets.len() == 1;
    let inner = move |done: u64, total: u64| {
        if single {
            progress(done, total);
        }
    };
    let inner: &(dyn Fn(u64, u64) + Sync) = &inner;
    let work = |(row, source): (VmRow, SourceHandle)| async move {
        (label(&row), source.carry_out_vm(verb, &row, &intent.actor, sources, stop, inner).await)
    };
    run.carry(wish.targets, AT_ONCE, stop, progress, work).await;
    (names, run.end(verb.words().1, "machine", "machines"))
}
