//! The hours before the start: what happened then is in the topic's log, and some of it still stands.

use super::alarm::OnuAlarm;
use super::{OnuAct, SECOND, World};

/// Virtual time before 0 that is played at the start.
pub(super) const LENGTH: i64 = 6 * 3_600 * SECOND;

/// Alarms that stand at the start, by how often they are met.
const STANDING: [(OnuAlarm, u8); 9] = [
    (OnuAlarm::SignalDegrade, 5),
    (OnuAlarm::LowRxOptical, 4),
    (OnuAlarm::DriftOfWindow, 2),
    (OnuAlarm::TempYellow, 2),
    (OnuAlarm::EthernetUni, 4),
    (OnuAlarm::LaserBiasCurrent, 1),
    (OnuAlarm::SignalsFail, 1),
    (OnuAlarm::StartupFail, 1),
    (OnuAlarm::RemoteDefect, 1),
];

impl World {
    /// Plans the past; called while the clock stands at its beginning.
    pub(super) fn plan_history(&mut self) {
        for stack in 0..self.stacks.len() {
            let onus: Vec<usize> = self.stacks.get(stack).map_or_else(Vec::new, |s| {
                s.onus.iter().enumerate().filter(|(_, o)| o.exists).map(|(at, _)| at).collect()
            });
            let some = |share: usize, least: usize| (onus.len() / share).max(least);
            // Switched off by their subscribers, for hours or minutes.
            for _ in 0..some(400, 2) {
                let Some(onu) = self.rng.choice(&onus).copied() else { continue };
                let at = self.rng.i64(600 * SECOND..LENGTH - 60 * SECOND);
                self.past_power_off(at, stack, onu);
            }
            for _ in 0..some(250, 3) {
                let Some(onu) = self.rng.choice(&onus).copied() else { continue };
                let at = self.rng.i64(0..LENGTH - 30 * SECOND);
                let alarm = self.standing();
                self.onu_after(at, stack, onu, OnuAct::Raise(alarm));
            }
            // What came and went.
            for _ in 0..some(200, 6) {
                let Some(onu) = self.rng.choice(&onus).copied() else { continue };
                let alarm = self.standing();
                let (at, lasted) = (self.rng.i64(0..LENGTH - 900 * SECOND), self.rng.i64(20 * SECOND..800 * SECOND));
                self.onu_after(at, stack, onu, OnuAct::Raise(alarm));
                self.onu_after(at + lasted, stack, onu, OnuAct::Clear(alarm));
            }
        }
    }

    fn past_power_off(&mut self, at: i64, stack: usize, onu: usize) {
        use super::state::{Reason, State};
        for (n, act) in [
            OnuAct::Raise(OnuAlarm::DyingGasp),
            OnuAct::Raise(OnuAlarm::LossOfSignal),
            OnuAct::Raise(OnuAlarm::EthernetUni),
            OnuAct::State(State::LOST),
            OnuAct::Reason(Reason::Stopping),
        ]
        .into_iter()
        .enumerate()
        {
            self.onu_after(at + n as i64 * super::MS, stack, onu, act);
        }
    }

    fn standing(&mut self) -> OnuAlarm {
        let total: u8 = STANDING.iter().map(|(_, weight)| weight).sum();
        let mut dice = self.rng.u8(0..total);
        for (alarm, weight) in STANDING {
            if dice < weight {
                return alarm;
            }
            dice -= weight;
        }
        OnuAlarm::SignalDegrade
    }
}
