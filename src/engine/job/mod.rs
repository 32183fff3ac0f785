//! Jobs as pure state machines: what a journal of [`crate::model::job::JobRecord`]s means, and what
//! to do next.
//!
//! [`Device`] and [`Header`] are folds over the records, used by the worker that runs a job and by
//! the cache alike, so the two cannot disagree. [`next`] looks at a job and says what is due; whoever
//! runs it does that, journals what came of it, and asks again. Ended by a crash at any point, it
//! asks again with what the journal holds: a write is journalled before it is sent, and one without
//! an answer is looked for before it is sent again.

mod device;
pub mod dry_run;
mod header;
mod next;
pub mod progress;
pub mod proof;
pub mod schedule;
mod state;
#[cfg(test)]
mod tests;
pub mod waves;

pub use device::{Device, Evidence, Kind, Standing, State, stage_word};
pub use header::{Header, LEASE, WaveCount};
pub use next::{Act, Limits, SETTLE, next, unproven};
pub use state::Job;
