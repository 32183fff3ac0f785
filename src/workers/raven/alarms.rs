//! What the tracker finds, as observations of the journal.

use crate::controllers::voltha::map::TypeIndex;
use crate::engine::buffer::{AlarmChange, Happening};
use crate::model::ids::SourceName;
use crate::model::observation::{AlarmEvent, ClearReason, Notice, Observation};
use crate::model::resource::{NodeKind, Resource};
use crate::model::severity::Severity;
use crate::model::text::clean;
use crate::model::time::Ts;

/// What an alarm or a notice is about: the appliance, or one of its services.
fn resource(source: &SourceName, collector: Option<&str>) -> Resource {
    match collector {
        Some(name) => Resource::new(NodeKind::Collector, clean(name)),
        None => Resource::new(NodeKind::Source, &**source),
    }
}

/// An alarm that was raised, changed or cleared. The severity is the tracker's: it follows how bad
/// things are; title and hold-down come from the inventory of alarm types.
pub(super) fn alarm(types: &TypeIndex, source: &SourceName, change: &AlarmChange, at: Ts) -> Observation {
    let severity = change.raise.as_ref().map(|(severity, _)| *severity);
    let profile = types.own(change.type_id, severity.unwrap_or(Severity::Warning), change.type_id);
    let text = match &change.raise {
        Some((_, words)) if !words.is_empty() => clean(words).into_owned(),
        _ => profile.title,
    };
    Observation::Alarm(AlarmEvent {
        resource: resource(source, change.collector.as_deref()),
        type_id: profile.type_id,
        qualifier: change.qualifier.clone(),
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

/// Something that happened and has no state.
pub(super) fn notice(source: &SourceName, happened: &Happening, at: Ts) -> Observation {
    Observation::Notice(Notice {
        resource: Some(resource(source, happened.collector.as_deref())),
        event: happened.event.to_owned(),
        text: clean(&happened.text).into_owned(),
        source_time: at,
        failure: happened.failure,
        context: Vec::new(),
    })
}
