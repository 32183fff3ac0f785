//! Commands whose plan asks the controller, because what they change is in no cache.

use crate::model::command::{Intent, Plan};
use crate::store::Store;

use super::source::Sources;
use super::{appliance, silences, stored, vms};

/// Whether a command is one of these.
#[must_use]
pub fn is(command: &str) -> bool {
    stored::is(command) || appliance::is(command) || silences::is(command) || vms::is(command)
}

/// What a command would do, as its controllers are now.
///
/// # Errors
/// Why it cannot be done, in words.
pub async fn plan(store: &Store, sources: &Sources, intent: &Intent) -> Result<Plan, String> {
    if silences::is(intent.command) {
        return silences::plan(store, sources, intent).await;
    }
    if vms::is(intent.command) {
        return vms::plan(store, sources, intent).await;
    }
    if appliance::is(intent.command) {
        return appliance::plan(store, sources, intent).await;
    }
    stored::plan(sources, intent).await
}
