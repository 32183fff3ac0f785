//! The plan of a command for appliances, as they are now.

use futures_util::stream::{self, StreamExt as _};

use crate::model::command::{Intent, Plan};
use crate::model::text::clean;
use crate::store::Store;
use crate::workers::plan::{base, title};
use crate::workers::source::Sources;

use super::{ApplianceVerb, Preview, Wish};

/// Appliances that a plan asks; the calls for the others are of the same kind.
const ASKED: usize = 10;
/// Appliances asked at a time.
const AT_ONCE: usize = 4;

/// Puts what one target's preview says into the plan of several: `label` before its difference, and what
/// all say alike only once.
pub(in crate::workers) fn add(plan: &mut Plan, preview: Preview, label: Option<&str>, head: impl Fn(String) -> String) {
    plan.calls.extend(preview.calls.into_iter().map(head));
    if let Some(label) = label.filter(|_| !preview.diff.is_empty()) {
        plan.diff.push(format!("# {label}"));
    }
    plan.diff.extend(preview.diff);
    for (lines, new) in [(&mut plan.irreversible, preview.irreversible), (&mut plan.notes, preview.notes)] {
        for line in new {
            if !lines.contains(&line) {
                lines.push(line);
            }
        }
    }
}

/// What a command would do, as the appliances are now.
///
/// # Errors
/// Why it cannot be done, in words.
pub async fn plan(store: &Store, sources: &Sources, intent: &Intent) -> Result<Plan, String> {
    let wish = Wish::of(store, sources, intent).await?;
    let services = matches!(*wish.verb, ApplianceVerb::Restart { .. });
    let (one, many) = if services { ("service", "services") } else { ("appliance", "appliances") };
    let mut plan = base(&wish.tally);
    plan.title = title(wish.verb.words().0, &wish.tally, one, many);
    plan.phrase = match wish.targets.as_slice() {
        [(only, _)] => clean(only.service().unwrap_or(only.source())).into_owned(),
        all => all.len().to_string(),
    };
    plan.type_name = matches!(*wish.verb, ApplianceVerb::Restart { force: true });
    let total = wish.targets.len();
    let several = total > 1;
    let verb = wish.verb;
    let asked = stream::iter(wish.targets.into_iter().take(ASKED)).map(|(target, source)| {
        let verb = std::sync::Arc::clone(&verb);
        async move {
            let preview = source.preview(&verb, target.service()).await;
            (target, preview)
        }
    });
    let mut asked = std::pin::pin!(asked.buffered(AT_ONCE));
    while let Some((target, preview)) = asked.next().await {
        let head = |line: String| if several { format!("{}: {line}", target.label()) } else { line };
        match preview {
            Ok(preview) => add(&mut plan, preview, several.then(|| target.label()).as_deref(), head),
            // One that cannot be asked would be asked again by the run, and told then.
            Err(why) if several => plan.notes.push(format!("{}: {}", target.label(), clean(&why))),
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
    Ok(plan)
}
