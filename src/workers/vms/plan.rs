//! The plan of a command for machines, as they are now; and which machines a command means.

use std::collections::HashSet;

use futures_util::stream::{self, StreamExt as _};

use crate::engine::vm::verbs;
use crate::model::command::{Args, Intent, Plan, Targets};
use crate::model::page::{Scope, Table};
use crate::model::text::clean;
use crate::model::vm::{VmRow, named};
use crate::store::{Reader, Store};
use crate::workers::appliance::add_preview;
use crate::workers::plan::{base, title};
use crate::workers::source::{SourceHandle, Sources};
use crate::workers::targets::{NOT_CACHED, Tally};
use crate::workers::verb::table_of;

use super::verb::VmVerb;

/// Machines that a plan asks about; the calls for the others are of the same kind.
const ASKED: usize = 10;
/// Machines asked about at a time.
const AT_ONCE: usize = 4;
/// Most targets of one command.
const MANY: usize = 1_000;

/// What a command will be done to.
pub(super) struct Wish {
    pub(super) verb: VmVerb,
    pub(super) targets: Vec<(VmRow, SourceHandle)>,
    pub(super) tally: Tally,
}

impl Wish {
    /// Looks the targets up. Blocks on the cache.
    pub(super) async fn of(store: &Store, sources: &Sources, intent: &Intent) -> Result<Self, String> {
        let verb = VmVerb::parse(intent.command, &intent.args).map_err(|e| e.to_string())?;
        let verb = verb.ok_or_else(|| format!("`{}` is no command for virtual machines", intent.command))?;
        let targets = targets(intent, &verb)?;
        let (store, wanted) = (store.clone(), targets.clone());
        let read = crate::workers::blocking(move || {
            let mut reader = store.reader().map_err(|e| e.to_string())?;
            let found = reader.vms(&wanted, MANY + 1).map_err(|e| e.to_string())?;
            let several = match &wanted {
                Targets::Names(_, names) if found.len() < names.len() => several(&mut reader, names)?,
                _ => Vec::new(),
            };
            Ok::<_, String>((found, several))
        });
        let (found, several) = read.await??;
        if found.len() > MANY {
            return Err(format!("more than {MANY} targets: narrow the filter"));
        }
        let mut wish = Self { verb, targets: Vec::new(), tally: Tally::default() };
        let asked = match &targets {
            Targets::Rows(_, ids) => ids.len(),
            Targets::Names(_, names) => names.len(),
            Targets::None | Targets::Filter { .. } => 0,
        };
        wish.tally.skip_many(NOT_CACHED, asked.saturating_sub(found.len() + several.len()) as u64);
        for why in several {
            wish.tally.skip(&why);
        }
        for row in found {
            let Some(source) = sources.get(&row.source).filter(|s| s.is_host()) else {
                wish.tally.skip("not in this configuration");
                continue;
            };
            match (row.vm(), wish.verb.state_verb()) {
                (None, _) if !wish.verb.takes_hosts() => wish.tally.skip("a host, not a machine"),
                (Some(vm), Some(state)) => match verbs::possible(state, vm) {
                    Ok(()) => wish.take(row, source),
                    Err(why) => wish.tally.skip(&clean(&why)),
                },
                _ => wish.take(row, source),
            }
        }
        Ok(wish)
    }

    fn take(&mut self, row: VmRow, source: &SourceHandle) {
        self.tally.take(|| label(&row));
        self.targets.push((row, source.clone()));
    }
}

/// Why names mean no machine that several could be meant by.
fn several(reader: &mut Reader, names: &[String]) -> Result<Vec<String>, String> {
    let all =
        Targets::Filter { table: Table::Vms, scope: Scope::All, filter: None, below: None, except: HashSet::new() };
    let rows = reader.vms(&all, usize::MAX).map_err(|e| e.to_string())?;
    Ok(names.iter().filter_map(|name| named(&rows, name).err()).collect())
}

/// A machine as it is called in plans and outcomes.
pub(super) fn label(row: &VmRow) -> String {
    let name = match row.vm() {
        Some(vm) => format!("{} on {}", vm.name, row.source),
        None => row.source.to_string(),
    };
    clean(&name).into_owned()
}

/// The targets, of the table of machines. Sources stand for their hosts.
fn targets(intent: &Intent, verb: &VmVerb) -> Result<Targets, String> {
    match (&intent.targets, table_of(&intent.targets)) {
        (Targets::None, _) => {
            Err(format!("`{}` needs something to work on: a row, a name or a filter", intent.command))
        }
        (Targets::Names(_, names), Some(Table::Sources)) if verb.takes_hosts() => {
            Ok(Targets::Names(Table::Vms, names.clone()))
        }
        (targets, Some(Table::Vms)) => Ok(targets.clone()),
        _ => Err(format!("`{}` works on virtual machines", intent.command)),
    }
}

/// What of a command would be something else by the time it runs: the arguments that fix it.
fn fix(verb: &mut VmVerb, args: &Args) -> Option<Args> {
    let (arg, value) = match verb {
        VmVerb::Define(text) => ("xml", text.clone()),
        VmVerb::Snapshot { name, .. } if name.is_empty() => {
            *name = super::change::snapshot_name();
            ("name", name.clone())
        }
        _ => return None,
    };
    let mut args = args.clone();
    args.remove("file");
    args.insert(arg.to_owned(), value);
    Some(args)
}

/// What a command would do, as the machines are now.
///
/// # Errors
/// Why it cannot be done, in words.
pub async fn plan(store: &Store, sources: &Sources, intent: &Intent) -> Result<Plan, String> {
    let mut wish = Wish::of(store, sources, intent).await?;
    let fixed = fix(&mut wish.verb, &intent.args);
    let mut plan = base(&wish.tally);
    plan.title = title(wish.verb.words().0, &wish.tally, "machine", "machines");
    plan.phrase = match wish.targets.as_slice() {
        [(only, _)] => clean(only.name()).into_owned(),
        all => all.len().to_string(),
    };
    let total = wish.targets.len();
    let several = total > 1;
    let verb = &wish.verb;
    plan.args = fixed;
    let asked = stream::iter(wish.targets.into_iter().take(ASKED)).map(|(row, source)| async move {
        let preview = source.preview_vm(verb, &row, sources).await;
        (row, preview)
    });
    let mut asked = std::pin::pin!(asked.buffered(AT_ONCE));
    while let Some((row, preview)) = asked.next().await {
        let head = |line: String| if several { format!("{}: {line}", label(&row)) } else { line };
        match preview {
            Ok(preview) => add_preview(&mut plan, preview, several.then(|| label(&row)).as_deref(), head),
            // One that cannot be asked would be asked again by the run, and told then.
            Err(why) if several => plan.notes.push(format!("{}: {}", label(&row), clean(&why))),
            Err(why) => return Err(why),
        }
    }
    if total > ASKED {
        plan.notes.push(format!("And {} more of the same kind; each is asked before it is touched.", total - ASKED));
    }
    for lines in [&mut plan.calls, &mut plan.diff, &mut plan.notes, &mut plan.irreversible] {
        for line in lines {
            *line = clean(line).into_owned();
        }
    }
    // What cannot be undone is confirmed by more than a reflex.
    plan.type_name = !plan.irreversible.is_empty();
    Ok(plan)
}
