//! What the tracker finds, as observations of the journal.

use crate::controllers::voltha::map::TypeIndex;
use crate::engine::buffer::{AlarmChange, Happening};
use crate::model::ids::SourceName;
use crate::model::observation::{Notice, Observation};
use crate::model::resource::{NodeKind, Resource};
use crate::model::text::clean;
use crate::model::time::Ts;
use crate::workers::watched::tracked;

/// What an alarm or a notice is about: the appliance, or one of its services.
fn resource(source: &SourceName, collector: Option<&str>) -> Resource {
    match collector {
        Some(name) => Resource::new(NodeKind::Collector, clean(name)),
        None => Resource::new(NodeKind::Source, &**source),
    }
}

/// An alarm that was raised, changed or cleared.
pub(super) fn alarm(types: &TypeIndex, source: &SourceName, change: &AlarmChange, at: Ts) -> Observation {
    let resource = resource(source, change.collector.as_deref());
    tracked(types, resource, (change.type_id, &change.qualifier), change.raise.as_ref(), at)
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
