//! Virtual machines and their hosts: what libvirt tells of them, their definitions, the jobs that run
//! in them.
//!
//! Three layers. [`poll`] is what a host answered. [`definition`] is what the XML of a machine says, as
//! far as noctule acts on it. [`state`] is what is known of a host and its machines after a poll: it goes
//! beside the journal like every measurement, one value a host, so that the list is there before a host
//! answers.

pub mod backup;
pub mod definition;
pub mod failure;
pub mod host;
mod named;
pub mod poll;
pub mod snapshot;
pub mod state;

pub use backup::{BackupKind, BackupSet, Manifest};
pub use definition::Definition;
pub use named::named;
pub use poll::{HostPoll, VmPoll};
pub use snapshot::{Checkpoint, Snapshot};
pub use state::{HostState, VmRow, VmState};
