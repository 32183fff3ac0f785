//! What the tasks of a job tell the runner.

use std::collections::BTreeMap;

use tokio::sync::oneshot;

use crate::model::job::{DeviceEvent, JobEvent, JobId};

use super::context::{Context, Stop};

/// Something was found out or done.
pub(super) enum News {
    /// A job can go on, or cannot.
    Ready(JobId, Result<Box<Context>, Stop>),
    /// The list of a job: what to journal.
    Frozen(JobId, Result<Vec<JobEvent>, Stop>),
    /// Of one device.
    Device(Told),
    /// Of many devices; those in the second list are nobody's any more.
    Many(JobId, Vec<(u32, DeviceEvent)>, Vec<u32>),
    /// A look at what waits at the controller is over.
    Polled(JobId),
    /// Verbs whose proof takes its time are looked at from time to time, from now on.
    Watch(JobId, u32),
    /// A job has to stop until an operator helps.
    Hold(JobId, String),
    /// A controller does not answer.
    Down(String, String),
    /// It does again.
    Up(String),
}

/// Events of one device.
pub(super) struct Told {
    pub(super) job: JobId,
    pub(super) index: u32,
    pub(super) events: Vec<DeviceEvent>,
    /// Told when they are on disk.
    pub(super) kept: Option<oneshot::Sender<Result<(), String>>>,
    /// The task that worked on the device is through with it.
    pub(super) through: bool,
}

/// Devices that some task works on, each with the number of tasks.
#[derive(Debug, Default)]
pub(super) struct Hands(BTreeMap<u32, u32>);

impl Hands {
    pub(super) fn take(&mut self, index: u32) {
        *self.0.entry(index).or_default() += 1;
    }

    pub(super) fn free(&mut self, index: u32) {
        if let Some(n) = self.0.get_mut(&index) {
            *n -= 1;
            if *n == 0 {
                self.0.remove(&index);
            }
        }
    }

    pub(super) fn hold(&self, index: u32) -> bool {
        self.0.contains_key(&index)
    }

    pub(super) fn all(&self) -> impl Iterator<Item = &u32> {
        self.0.keys()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}
