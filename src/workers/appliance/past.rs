//! A past that somebody else knows, put into the cache: a demo begins with days of history, as an
//! appliance that has been watched for days would.

use std::collections::BTreeMap;

use crate::config::schema::{Config, SourceKind};
use crate::engine::buffer::Tracker;
use crate::model::appliance::{ApplianceState, Poll};
use crate::store::Store;
use crate::workers::raven;

/// Polls between two waits for the disk.
const LOT: usize = 400;

/// Plays polls of the past, each source's in the order of time, into the measurements. No alarm comes
/// of it: what still stands is raised by the first poll of the present.
///
/// # Errors
/// When the cache cannot be written, in words.
pub fn remember(store: &Store, config: &Config, past: impl IntoIterator<Item = (String, Poll)>) -> Result<(), String> {
    let mut trackers: BTreeMap<String, Tracker> = BTreeMap::new();
    for source in &config.sources {
        if let SourceKind::Raven(raven) = &source.kind {
            trackers.insert(source.name.clone(), Tracker::new(raven::settings(raven)));
        }
    }
    for (n, (source, poll)) in past.into_iter().enumerate() {
        let Some(tracker) = trackers.get_mut(&source) else { continue };
        let state = tracker.step(&poll).state;
        store.measured(source.as_str().into(), ApplianceState { standing: Vec::new(), ..state });
        if n % LOT == LOT - 1 {
            settle(store)?;
        }
    }
    settle(store)
}

/// Waits until what was measured so far is on disk.
fn settle(store: &Store) -> Result<(), String> {
    store.journal().append(Vec::new()).wait().map(drop).map_err(|e| e.to_string())
}
