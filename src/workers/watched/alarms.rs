//! Alarms of what noctule's own trackers find.

use crate::controllers::voltha::map::TypeIndex;
use crate::model::observation::{AlarmEvent, ClearReason, Observation};
use crate::model::resource::Resource;
use crate::model::severity::Severity;
use crate::model::text::clean;
use crate::model::time::Ts;

/// An alarm that was raised, changed or cleared (`raise`: severity and one line). The severity is the tracker's:
/// it follows how bad things are; title and hold-down come from the inventory of alarm types.
pub(in crate::workers) fn tracked(
    types: &TypeIndex,
    resource: Resource,
    (type_id, qualifier): (&str, &str),
    raise: Option<&(Severity, String)>,
    at: Ts,
) -> Observation {
    let severity = raise.map(|(severity, _)| *severity);
    let profile = types.own(type_id, severity.unwrap_or(Severity::Warning), type_id);
    let text = match raise {
        Some((_, words)) if !words.is_empty() => clean(words).into_owned(),
        _ => profile.title,
    };
    Observation::Alarm(AlarmEvent {
        resource,
        type_id: profile.type_id,
        qualifier: qualifier.to_owned(),
        raise: severity,
        source_time: at,
        text,
        clear_reason: if severity.is_some() { ClearReason::Source } else { ClearReason::Watch },
        event: type_id.to_owned(),
        context: Vec::new(),
        own_query: false,
        will_clear: true,
        cleared_by_active: false,
        hold_down_s: profile.hold_down_s,
    })
}
