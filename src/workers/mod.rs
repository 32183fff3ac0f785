//! What runs beside the screen: supervisor, pollers, streams, the executor of commands.

mod acs;
pub mod actions;
pub mod appliance;
pub mod asks;
pub mod bridge;
mod cache;
mod console;
pub mod cpe_verb;
pub mod diag;
pub mod export;
#[cfg(test)]
mod fixture;
pub mod inventory;
pub mod job_verb;
pub mod jobs;
pub mod plan;
pub mod pm;
mod prometheus;
mod raven;
pub mod relay;
pub mod report;
pub mod resolve;
pub mod restart;
pub mod rows;
pub mod silences;
pub mod source;
pub mod stored;
pub mod supervisor;
pub mod targets;
pub mod timers;
pub mod verb;
pub mod vms;
mod watched;

use crate::model::time::Ts;

/// A lock that a panic elsewhere does not take away: what it guards is replaced piece by piece and
/// every piece stands for itself.
pub(crate) fn lock<T>(mutex: &std::sync::Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}

/// The present, our clock. The clock is read out here, at the edge: model and engine have none.
#[must_use]
pub fn now() -> Ts {
    Ts(chrono::Utc::now().timestamp_micros())
}
