//! What is worth an alarm about a machine, as an observation of the journal.

use crate::controllers::voltha::map::TypeIndex;
use crate::engine::vm::track::VmAlarm;
use crate::model::observation::{AlarmEvent, ClearReason, Observation};
use crate::model::resource::{NodeKind, Resource};
use crate::model::severity::Severity;
use crate::model::text::clean;
use crate::model::time::Ts;

/// An alarm that was raised, changed or cleared.
pub(super) fn alarm(types: &TypeIndex, change: &VmAlarm, at: Ts) -> Observation {
    let severity = change.raise.as_ref().map(|(severity, _)| *severity);
    let profile = types.own(change.type_id, severity.unwrap_or(Severity::Warning), change.type_id);
    let text = match &change.raise {
        Some((_, words)) if !words.is_empty() => clean(words).into_owned(),
        _ => profile.title,
    };
    Observation::Alarm(AlarmEvent {
        resource: Resource::new(NodeKind::Vm, clean(&change.vm)),
        type_id: profile.type_id,
        qualifier: String::new(),
        raise: severity,
        source_time: at,
        text,
        clear_reason: if severity.is_some() { ClearReason::Source } else { ClearReason::Watch },
        event: change.type_id.to_owned(),
        context: Vec::new(),
        own_query: false,
        will_clear: true,
        cleared_by_active: false,
        hold_down_s: profile.hold_down_s,
    })
}
