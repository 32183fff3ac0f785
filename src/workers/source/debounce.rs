//! A re-activated device passes through two or three states within 20 ms (facts: voltha-run
//! §6.12). Only the last of a quarter second is journalled. Order stays as it was: whatever else
//! is said about a device first lets out what is held back of it.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use crate::model::resource::{NodeKind, Resource};
use crate::model::time::SECOND;
use crate::model::topology::NodePatch;

/// How long a state is held back.
pub(super) const WINDOW: Duration = Duration::from_millis(250);

/// A patch that is held back, with the offset of the last message in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Held {
    pub(super) patch: NodePatch,
    pub(super) offset: i64,
    due: Instant,
    order: u64,
}

/// The patches of one partition that are held back.
#[derive(Debug, Default)]
pub(super) struct Debounce {
    held: HashMap<Resource, Held>,
    order: u64,
}

impl Debounce {
    /// Holds a patch back, or merges it into the one that is: what it tells replaces what was. In
    /// a backlog, states of minutes come within milliseconds: one that is older by the source's own
    /// time is no flicker, and comes out.
    #[must_use]
    pub(super) fn hold(&mut self, patch: NodePatch, offset: i64, now: Instant) -> Option<Held> {
        let over = match self.held.get_mut(&patch.resource) {
            Some(held) if !apart(&held.patch, &patch) => {
                merge(&mut held.patch, patch);
                held.offset = offset;
                return None;
            }
            Some(_) => self.held.remove(&patch.resource),
            None => None,
        };
        self.order += 1;
        let held = Held { due: now + WINDOW, order: self.order, offset, patch };
        self.held.insert(held.patch.resource.clone(), held);
        over
    }

    /// What is held back of the device that `resource` is or belongs to.
    pub(super) fn release(&mut self, resource: &Resource) -> Option<Held> {
        if self.held.is_empty() {
            return None;
        }
        let device = match resource.kind {
            NodeKind::Uni => Resource::new(NodeKind::Onu, resource.name.clone()),
            NodeKind::PonPort | NodeKind::NniPort => Resource::new(NodeKind::Olt, resource.name.clone()),
            _ => return self.held.remove(resource),
        };
        self.held.remove(&device)
    }

    /// Everything whose time has come, in the order in which it began.
    pub(super) fn due(&mut self, now: Instant) -> Vec<Held> {
        self.take(|held| held.due <= now)
    }

    /// Everything, in order.
    pub(super) fn all(&mut self) -> Vec<Held> {
        self.take(|_| true)
    }

    fn take(&mut self, which: impl Fn(&Held) -> bool) -> Vec<Held> {
        let mut out: Vec<_> = self.held.extract_if(|_, held| which(held)).map(|(_, held)| held).collect();
        out.sort_unstable_by_key(|held| held.order);
        out
    }

    /// When the next one is due.
    pub(super) fn next_due(&self) -> Option<Instant> {
        self.held.values().map(|held| held.due).min()
    }
}

/// Whether they happened so far apart that neither is a flicker of the other. Times are whole
/// seconds there, so one of difference is none. What has a time was read from a backlog; what has
/// none is told as it happens.
fn apart(older: &NodePatch, newer: &NodePatch) -> bool {
    match (older.source_time, newer.source_time) {
        (Some(older), Some(newer)) => newer.since(older) >= 2 * SECOND,
        (older, newer) => older.is_some() != newer.is_some(),
    }
}

/// Lays `newer` over `older`.
fn merge(older: &mut NodePatch, newer: NodePatch) {
    macro_rules! over {
        ($($field:ident),*) => { $(if newer.$field.is_some() { older.$field = newer.$field; })* };
    }
    over!(
        parent,
        device_id,
        admin_state,
        oper_status,
        connect_status,
        reason,
        vendor,
        model,
        firmware,
        address,
        number,
        logical_id,
        flows,
        rx_centi_dbm,
        tx_centi_dbm,
        source_time
    );
}

#[cfg(test)]
mod tests {
    use crate::model::topology::{ConnectStatus, OperStatus};

    use super::*;

    fn state(serial: &str, oper: OperStatus, connect: ConnectStatus) -> NodePatch {
        let mut patch = NodePatch::new(Resource::new(NodeKind::Onu, serial));
        patch.oper_status = Some(oper);
        patch.connect_status = Some(connect);
        patch
    }

    #[test]
    fn of_a_flicker_only_the_last_state_comes_out() {
        let (mut d, t) = (Debounce::default(), Instant::now());
        let ms = Duration::from_millis;
        let _ = d.hold(state("A", OperStatus::Activating, ConnectStatus::Reachable), 1, t);
        let _ = d.hold(state("B", OperStatus::Discovered, ConnectStatus::Unreachable), 2, t + ms(1));
        let _ = d.hold(state("A", OperStatus::Activating, ConnectStatus::Unknown), 3, t + ms(8));
        let _ = d.hold(state("A", OperStatus::Active, ConnectStatus::Reachable), 4, t + ms(20));
        assert_eq!(d.next_due(), Some(t + WINDOW));
        assert!(d.due(t + ms(249)).is_empty());
        let out = d.due(t + ms(251));
        let out: Vec<_> = out.iter().map(|h| (h.patch.resource.name.as_str(), h.patch.oper_status, h.offset)).collect();
        assert_eq!(out, [("A", Some(OperStatus::Active), 4), ("B", Some(OperStatus::Discovered), 2)]);
        assert_eq!(d.next_due(), None);
    }

    #[test]
    fn states_of_a_backlog_are_told_apart_by_their_own_times() {
        let (mut d, t) = (Debounce::default(), Instant::now());
        let at = |oper, s| NodePatch {
            source_time: Some(crate::model::time::Ts(s * SECOND)),
            ..state("A", oper, ConnectStatus::Reachable)
        };
        assert_eq!(d.hold(at(OperStatus::Discovered, 100), 1, t), None);
        let out = d.hold(at(OperStatus::Activating, 160), 2, t).expect("a minute is no flicker");
        assert_eq!((out.patch.oper_status, out.offset), (Some(OperStatus::Discovered), 1));
        assert_eq!(d.hold(at(OperStatus::Active, 161), 3, t), None);
        assert_eq!(d.all().first().and_then(|h| h.patch.oper_status), Some(OperStatus::Active));
    }

    #[test]
    fn news_of_a_device_or_its_ports_let_its_state_out_first() {
        let (mut d, t) = (Debounce::default(), Instant::now());
        let _ = d.hold(state("A", OperStatus::Active, ConnectStatus::Reachable), 1, t);
        assert!(d.release(&Resource::new(NodeKind::Onu, "B")).is_none());
        assert!(d.release(&Resource::port(NodeKind::Uni, "A", 0)).is_some());
        assert!(d.release(&Resource::new(NodeKind::Onu, "A")).is_none(), "it is out");
    }

    #[test]
    fn what_one_message_does_not_tell_is_kept_from_the_one_before() {
        let (mut d, t) = (Debounce::default(), Instant::now());
        let mut first = state("A", OperStatus::Activating, ConnectStatus::Reachable);
        first.vendor = Some("BBSM".into());
        let _ = d.hold(first, 1, t);
        let _ = d.hold(state("A", OperStatus::Active, ConnectStatus::Reachable), 2, t);
        let out = d.all();
        assert_eq!(out.first().and_then(|h| h.patch.vendor.as_deref()), Some("BBSM"));
    }
}
