//! What the appliance's own system tells beside its services: sockets, processes, disks, load. In
//! its own time, and never in the way of a heartbeat.

use crate::model::appliance::Poll;
use crate::model::time::Ts;

use super::shared::Shared;

/// When the system was last looked at.
#[derive(Debug, Default)]
pub(super) struct Pace {
    at: Ts,
}

/// What was seen.
#[derive(Debug, Default)]
pub(super) struct Seen;

impl Seen {
    pub(super) fn into_poll(self, _poll: &mut Poll) {}
}

/// Looks, when it is time.
pub(super) async fn look(_shared: &Shared, pace: &mut Pace, at: Ts, _everything: bool) -> Seen {
    pace.at = at;
    Seen
}
