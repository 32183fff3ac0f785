//! What the tasks of one host share beside what every polled source has: its settings.

use std::ops::Deref;
use std::sync::Arc;

use crate::config::schema::Libvirt;
use crate::controllers::resilience::BreakerPolicy;
use crate::controllers::voltha::map::TypeIndex;
use crate::model::ids::SourceName;
use crate::workers::source::Cache;
use crate::workers::watched::Watched;

/// A host.
pub(in crate::workers) struct Shared {
    watched: Watched,
    pub(super) config: Libvirt,
}

impl std::fmt::Debug for Shared {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.watched.fmt(f)
    }
}

impl Deref for Shared {
    type Target = Watched;

    fn deref(&self) -> &Watched {
        &self.watched
    }
}

impl Shared {
    pub(super) fn new(name: SourceName, config: Libvirt, cache: Arc<dyn Cache>, types: Arc<TypeIndex>) -> Self {
        let endpoint = config.endpoint();
        let kind = ("libvirt", endpoint.as_str());
        let watched = Watched::new(name, kind, config.paused, BreakerPolicy::default(), cache, types);
        Self { watched, config }
    }
}
