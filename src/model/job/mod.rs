//! Jobs: one change for many CPEs, as it was asked for and as the journal tells of it.
//!
//! A job is a [`JobRequest`], the devices its filter gave once, and what happened to each of them
//! since: a row of [`JobRecord`]s. The state of a job and of its devices is a fold of those records
//! ([`crate::model`] only holds the types; the rules are the engine's), so that a job survives
//! whatever ends the process that runs it. No record holds a secret.

mod locate;
mod raw;
pub mod read;
mod record;
pub mod repeat;
mod request;
mod row;
mod setting;
pub mod write;

use std::fmt;

use minicbor::{Decode, Encode};

pub use record::{
    Answer, Before, Class, Control, Counts, DeviceEvent, Frozen, JobEvent, JobRecord, Old, ParamFault, Phase, Proof,
    ReadBack, SkipReason, Stage, Step,
};
pub use request::{
    CpeVerb, FIRMWARE_IMAGE, Firmware, JobRequest, JobTargets, Priority, Schedule, StopRule, Waves, Window, Work,
};
pub use row::{CauseRow, JobDetail, JobDeviceDetail, JobDeviceRow, JobRow, StageRow, ValueChange, WaveBar};
pub use setting::{Change, NewValue, ParamValue, SecretSource, Setting};

/// The identity of a job (UUIDv7: sorts by time).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Encode, Decode)]
#[cbor(transparent)]
pub struct JobId(#[cbor(n(0), with = "minicbor::bytes")] pub [u8; 16]);

impl JobId {
    /// Parses what [`fmt::Display`] prints.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        uuid::Uuid::try_parse(text.trim()).ok().map(|id| Self(id.into_bytes()))
    }

    /// The key under which a controller knows the task of one step on one device. A task posted
    /// again under it replaces the older one, and it is looked for before anything is sent again.
    #[must_use]
    pub fn unique_key(self, step: Step) -> String {
        format!("noctule/{self}/{}", step.word())
    }
}

impl fmt::Display for JobId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        uuid::Uuid::from_bytes(self.0).fmt(f)
    }
}

impl fmt::Debug for JobId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "JobId({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_read_as_they_are_printed() {
        let id = JobId([7; 16]);
        assert_eq!(JobId::parse(&id.to_string()), Some(id));
        assert_eq!(JobId::parse("job 7"), None);
        assert_ne!(id.unique_key(Step::Write), id.unique_key(Step::Read));
    }
}
