//! What libvirt tells by itself.

use super::frame::Frame;
use super::procs::EventKind;
use super::wire::{
    AgentMsg, BlockJobMsg, Domain, DomainMsg, GraphicsMsg, IoErrorMsg, IterationMsg, JobCompletedMsg, LifecycleMsg,
};
use super::xdr::Fault;

/// An event.
#[derive(Debug, Clone, PartialEq)]
pub enum Event {
    /// Started, stopped, paused …
    Lifecycle(LifecycleMsg),
    /// The guest booted again.
    Reboot(DomainMsg),
    /// Somebody came to a screen, or left it.
    Graphics(GraphicsMsg),
    /// A disk failed.
    IoError(IoErrorMsg),
    /// A job on a disk ended or is ready.
    BlockJob(BlockJobMsg),
    /// The guest's agent came or went.
    Agent(AgentMsg),
    /// A migration's next pass.
    MigrationIteration(IterationMsg),
    /// A job ended.
    JobCompleted(JobCompletedMsg),
}

impl Event {
    /// The event of a message; `None` for one that is not known.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn read(frame: &Frame) -> Result<Option<Self>, Fault> {
        let Some(kind) = EventKind::of_procedure(frame.header.procedure) else { return Ok(None) };
        Ok(Some(match kind {
            EventKind::Lifecycle => Self::Lifecycle(frame.value()?),
            EventKind::Reboot => Self::Reboot(frame.value()?),
            EventKind::Graphics => Self::Graphics(frame.value()?),
            EventKind::IoError => Self::IoError(frame.value()?),
            EventKind::BlockJob => Self::BlockJob(frame.value()?),
            EventKind::Agent => Self::Agent(frame.value()?),
            EventKind::MigrationIteration => Self::MigrationIteration(frame.value()?),
            EventKind::JobCompleted => Self::JobCompleted(frame.value()?),
        }))
    }

    /// The machine it is about.
    #[must_use]
    pub const fn domain(&self) -> Option<&Domain> {
        Some(match self {
            Self::Lifecycle(m) => &m.domain,
            Self::Reboot(m) => &m.domain,
            Self::Graphics(m) => &m.domain,
            Self::IoError(m) => &m.domain,
            Self::BlockJob(m) => &m.domain,
            Self::Agent(m) => &m.domain,
            Self::MigrationIteration(m) => &m.domain,
            Self::JobCompleted(m) => &m.domain,
        })
    }
}
