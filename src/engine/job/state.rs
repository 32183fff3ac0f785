//! A job with its devices in memory, for whoever runs it.

use std::collections::BTreeSet;

use super::device::{Device, Standing, State};
use super::header::Header;
use crate::model::job::{Frozen, JobEvent, JobId, JobRecord};

/// A job.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Job {
    /// Identity.
    pub id: JobId,
    /// Everything but its devices.
    pub header: Header,
    /// The frozen list.
    pub list: Vec<Frozen>,
    /// The states of its devices, in the order of the list.
    pub devices: Vec<Device>,
    /// Devices not begun, by portion.
    pub(super) waiting: BTreeSet<(u8, u32)>,
    /// Devices that take a place.
    pub(super) active: BTreeSet<u32>,
    /// Devices with something left at the controller: queued, or a task of a try that is over.
    pub(super) left: BTreeSet<u32>,
}

impl Job {
    /// A job nothing is known of yet.
    #[must_use]
    pub fn new(id: JobId) -> Self {
        Self { id, ..Self::default() }
    }

    /// From what the cache holds.
    #[must_use]
    pub fn restore(id: JobId, header: Header, devices: Vec<(Frozen, Device)>) -> Self {
        let (list, devices): (Vec<_>, Vec<_>) = devices.into_iter().unzip();
        let mut job = Self { id, header, list, devices, ..Self::default() };
        (0..job.devices.len() as u32).for_each(|i| job.index(i));
        job
    }

    /// Folds a record of this job; whether it meant anything.
    pub fn apply(&mut self, record: &JobRecord) -> bool {
        debug_assert_eq!(record.job, self.id);
        match &record.what {
            JobEvent::Device { index, what } => {
                let i = *index as usize;
                let (Some(device), Some(frozen)) = (self.devices.get_mut(i), self.list.get(i)) else { return false };
                let from = device.state.standing();
                if !device.apply(self.header.kind(), record.at, what) {
                    return false;
                }
                self.header.moved(record.at, frozen.wave, from, device);
                self.index(*index);
                true
            }
            event => {
                let fits = self.header.apply(&record.actor, record.at, event);
                if let (true, JobEvent::Frozen(list)) = (fits, event) {
                    for frozen in list {
                        self.list.push(frozen.clone());
                        self.devices.push(Device::default());
                        self.index(self.devices.len() as u32 - 1);
                    }
                }
                fits
            }
        }
    }

    fn index(&mut self, index: u32) {
        let i = index as usize;
        let (Some(device), Some(frozen)) = (self.devices.get(i), self.list.get(i)) else { return };
        let standing = device.state.standing();
        let key = (frozen.wave, index);
        set(&mut self.waiting, key, standing == Standing::Waiting);
        set(&mut self.active, index, standing == Standing::Active);
        let over = !matches!(device.state, State::Sending | State::Written | State::Stage(_));
        let left = device.state == State::Queued || (over && device.task.is_some() && !device.stuck);
        set(&mut self.left, index, left);
    }

    /// Devices whose progress shows only by asking: queued ones and downloads.
    pub fn to_poll(&self) -> impl Iterator<Item = u32> + '_ {
        let polled = |i: &&u32| {
            self.devices.get(**i as usize).is_some_and(|d| matches!(d.state, State::Queued | State::Stage(_)))
        };
        self.active.union(&self.left).filter(polled).copied()
    }

    /// Whether the job has this device in hand: begun and not through, or with a task at the controller.
    #[must_use]
    pub fn holds(&self, device: &str) -> bool {
        self.active.union(&self.left).any(|i| self.list.get(*i as usize).is_some_and(|frozen| frozen.device == device))
    }

    /// The devices it has in hand, and whether only a task of it waits for them.
    pub fn held(&self) -> impl Iterator<Item = (&str, bool)> {
        let waits = |i: &u32| !self.active.contains(i);
        self.active
            .union(&self.left)
            .filter_map(move |i| self.list.get(*i as usize).map(|f| (f.device.as_str(), waits(i))))
    }

    /// Places of the devices that failed.
    pub fn failed(&self) -> impl Iterator<Item = u32> + '_ {
        let failed = |d: &Device| matches!(d.state, State::Ended(class) if class.failed());
        (0..).zip(&self.devices).filter(move |(_, d)| failed(d)).map(|(i, _)| i)
    }
}

fn set<T: Ord>(all: &mut BTreeSet<T>, item: T, wanted: bool) {
    if wanted {
        all.insert(item);
    } else {
        all.remove(&item);
    }
}
