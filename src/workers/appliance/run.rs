//! Carrying a command out, appliance by appliance.

use tokio_util::sync::CancellationToken;

use crate::model::command::{Intent, Outcome};
use crate::store::Store;
use crate::workers::actions::{Progress, Run, failed};
use crate::workers::source::{SourceHandle, Sources};

use super::{ApplianceVerb, Target, Wish};

/// Appliances worked on at a time.
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
    let names: Vec<String> = wish.targets.iter().map(|(target, _)| target.canonical().to_owned()).collect();
    let mut run = Run::new(intent.command, &wish.tally);
    let verb = std::sync::Arc::clone(&wish.verb);
    let work = |(target, source): (Target, SourceHandle)| {
        let (verb, actor, stop) = (std::sync::Arc::clone(&verb), intent.actor.clone(), stop.clone());
        async move { (target.label(), source.carry_out(&verb, target.service(), &actor, &stop).await) }
    };
    run.carry(wish.targets, AT_ONCE, stop, progress, work).await;
    let services = matches!(*verb, ApplianceVerb::Restart { .. });
    let (one, many) = if services { ("service", "services") } else { ("appliance", "appliances") };
    (names, run.end(verb.words().1, one, many))
}
