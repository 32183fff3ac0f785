//! The way out, as the appliance's own probe sees it. "Connected" means that the forwarding target
//! answered its health call; before the first probe, and for ever without a monitor, nothing is known.

use crate::model::appliance::poll::{Answer, UplinkStatus};
use crate::model::appliance::state::{Uplink, UplinkState};
use crate::model::text::clean;
use crate::model::time::{MINUTE, Ts};

/// A state that was told longer ago than this is no longer known.
const STALE: i64 = 5 * MINUTE;

/// The uplink over time.
#[derive(Debug, Clone, Default)]
pub(super) struct Way {
    pub(super) state: Uplink,
    told: Option<i64>,
}

impl Way {
    /// Goes on after a restart of noctule.
    pub(super) fn resume(&mut self, last: &Uplink, then: i64) {
        self.state = last.clone();
        self.told = Some(then);
    }

    /// Takes what is told. Says whether the service that probes has started anew: it had probed, and
    /// now has not.
    pub(super) fn take(&mut self, told: &Answer<UplinkStatus>, at: Ts, now: i64) -> bool {
        let Some(u) = told.said() else {
            if self.told.is_some_and(|then| now.saturating_sub(then) > STALE) {
                self.go(UplinkState::Unknown, Ts::NEVER);
            }
            return false;
        };
        self.told = Some(now);
        let state = if u.not_checked {
            UplinkState::NotChecked
        } else if u.connected {
            UplinkState::Up
        } else {
            UplinkState::Down
        };
        let anew = state == UplinkState::NotChecked && matches!(self.state.state, UplinkState::Up | UplinkState::Down);
        self.go(state, at);
        self.state.latency_ms = u.latency_ms;
        self.state.failures = u.failures;
        self.state.last_check = u.last_check;
        self.state.last_error = clean(&u.last_error).into_owned();
        self.state.forwarding = u.forwarding.or(self.state.forwarding);
        anew
    }

    fn go(&mut self, state: UplinkState, at: Ts) {
        if self.state.state != state {
            self.state.state = state;
            self.state.since = at;
        }
    }

    /// Records may have been sent on meanwhile: it is up, or nobody knows. Where forwarding is switched
    /// off nothing goes by itself, and an order of ours is known: what vanishes then is lost.
    pub(super) fn may_send(&self) -> bool {
        matches!(self.state.state, UplinkState::Up | UplinkState::Unknown) && self.state.forwarding != Some(false)
    }

    /// Records are sent on at once and never stored.
    pub(super) fn direct(&self) -> bool {
        self.state.state == UplinkState::Up && self.state.forwarding == Some(true)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_sent_by_itself_where_forwarding_is_switched_off() {
        let mut way = Way::default();
        let up = |forwarding| Answer::Said(UplinkStatus { connected: true, forwarding, ..UplinkStatus::default() });
        way.take(&up(None), Ts(1), 1);
        assert!(way.may_send(), "nobody knows");
        way.take(&up(Some(true)), Ts(2), 2);
        assert!(way.may_send());
        way.take(&up(Some(false)), Ts(3), 3);
        assert!(!way.may_send());
    }

    #[test]
    fn not_checked_is_not_down_and_a_restart_is_seen() {
        let mut way = Way::default();
        let unchecked = Answer::Said(UplinkStatus { not_checked: true, ..UplinkStatus::default() });
        let down = Answer::Said(UplinkStatus { failures: 3, last_error: "refused".into(), ..UplinkStatus::default() });
        assert!(!way.take(&unchecked, Ts(1), 1));
        assert_eq!(way.state.state, UplinkState::NotChecked);
        assert!(!way.take(&down, Ts(2), 2));
        assert_eq!((way.state.state, way.state.since), (UplinkState::Down, Ts(2)));
        assert!(way.take(&unchecked, Ts(3), 3), "the service was restarted");
        way.take(&Answer::Silent("frozen".into()), Ts(4), 4);
        assert_eq!(way.state.state, UplinkState::NotChecked, "a frozen call takes nothing away");
        way.take(&Answer::Silent("frozen".into()), Ts(4), 6 * MINUTE);
        assert_eq!(way.state.state, UplinkState::Unknown);
    }
}
