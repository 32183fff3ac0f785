//! What follows from what: the sequences of steps that a real stack was seen to go through.
//!
//! Delays are those measured on rw_core 3.7 with openolt 4.6 and openonu 2.13.

use super::alarm::OnuAlarm;
use super::state::{Reason, State};
use super::{MS, OltAct, OnuAct, SECOND, Step, World};

/// ONUs of a PON do the same thing this far apart.
const APART: i64 = 200 * MS / 64;

impl World {
    /// Runs `acts` on an ONU, each at its delay from `from` on.
    fn onu_chain(&mut self, from: i64, stack: usize, onu: usize, acts: &[(i64, OnuAct)]) {
        for (delay, act) in acts {
            self.onu_after(from + delay, stack, onu, *act);
        }
    }

    fn has(&self, stack: usize, onu: usize, test: impl Fn(&super::layout::Onu) -> bool) -> bool {
        self.stacks.get(stack).and_then(|s| s.onus.get(onu)).is_some_and(test)
    }

    /// What the controller above does with an ONU that is back: pushes its flows, if it has a service.
    fn push_flows(&mut self, from: i64, stack: usize, onu: usize) {
        if self.has(stack, onu, |o| o.service) {
            self.onu_after(from, stack, onu, OnuAct::Reason(Reason::TechProfile));
            self.onu_after(from + 200 * MS, stack, onu, OnuAct::Flows(true));
            self.onu_after(from + 200 * MS, stack, onu, OnuAct::Reason(Reason::FlowsPushed));
        }
    }

    /// From `ENABLED/ACTIVATING` up, with the flicker that every activation shows for 20 ms.
    fn come_up(&mut self, from: i64, stack: usize, onu: usize) {
        self.onu_chain(
            from,
            stack,
            onu,
            &[
                (0, OnuAct::State(State::ACTIVATING)),
                (0, OnuAct::Reason(Reason::Starting)),
                (10 * MS, OnuAct::Reason(Reason::MibSync)),
                (19 * MS, OnuAct::State(State::ENABLING)),
                (20 * MS, OnuAct::State(State::UP)),
                (20 * MS, OnuAct::Reason(Reason::MibDownloaded)),
                (30 * MS, OnuAct::Activated),
            ],
        );
    }

    /// A device just created is activated and, a moment later, provisioned.
    pub(super) fn activate_new(&mut self, stack: usize, onu: usize) {
        self.onu_chain(
            0,
            stack,
            onu,
            &[
                (MS, OnuAct::State(State::ENABLING)),
                (MS + 200, OnuAct::Discovered),
                (3 * MS, OnuAct::State(State::SEEN)),
                (3 * MS, OnuAct::Reason(Reason::Activating)),
            ],
        );
        self.come_up(8 * MS, stack, onu);
        self.push_flows(4 * SECOND, stack, onu);
    }

    /// An ONU that VOLTHA knows is back on its PON: loss of signal clears, gasp and UNI never do.
    fn return_up(&mut self, from: i64, stack: usize, onu: usize) {
        self.onu_after(from + 400 * MS, stack, onu, OnuAct::State(State::SEEN));
        self.come_up(from + 402 * MS, stack, onu);
        if self.has(stack, onu, |o| o.flows) {
            self.onu_after(from + 1_200 * MS, stack, onu, OnuAct::Reason(Reason::FlowsPushed));
        }
    }

    fn lost(&mut self, from: i64, stack: usize, onu: usize) {
        self.onu_after(from, stack, onu, OnuAct::State(State::LOST));
        self.onu_after(from, stack, onu, OnuAct::Reason(Reason::Stopping));
    }

    /// Mains gone: gasp, loss of signal and UNI within milliseconds, in an order that says nothing.
    pub(crate) fn power_off(&mut self, stack: usize, onus: &[usize]) {
        for (n, onu) in onus.iter().enumerate() {
            if !self.has(stack, *onu, |o| o.exists && o.state == State::UP) {
                continue;
            }
            let from = n as i64 * 350;
            let mut alarms = [OnuAlarm::LossOfSignal, OnuAlarm::DyingGasp, OnuAlarm::EthernetUni];
            self.rng.shuffle(&mut alarms);
            for (k, alarm) in alarms.into_iter().enumerate() {
                self.onu_after(from + k as i64 * MS, stack, *onu, OnuAct::Raise(alarm));
            }
            self.lost(from * 20 + 7 * MS, stack, *onu);
        }
    }

    /// Mains back.
    pub(crate) fn power_on(&mut self, stack: usize, onus: &[usize]) {
        for (n, onu) in onus.iter().enumerate() {
            if !self.has(stack, *onu, |o| o.exists && o.state == State::LOST) {
                continue;
            }
            self.onu_after(MS, stack, *onu, OnuAct::Clear(OnuAlarm::LossOfSignal));
            self.return_up(n as i64 * 200 * MS, stack, *onu);
            // The adapter forgets these without a word.
            self.onu_after(SECOND, stack, *onu, OnuAct::Forget(OnuAlarm::DyingGasp));
            self.onu_after(SECOND, stack, *onu, OnuAct::Forget(OnuAlarm::EthernetUni));
        }
    }

    fn up_on_pon(&self, stack: usize, olt: usize, pon: usize) -> Vec<usize> {
        let Some(s) = self.stacks.get(stack) else { return Vec::new() };
        s.pon_onus(olt, pon).filter(|i| s.onus.get(*i).is_some_and(|o| o.exists && o.state == State::UP)).collect()
    }

    /// Loss of signal of a PON port as the adapter tells it: its ONUs first, then the port. Device
    /// states do not change, and the end clears the port alone.
    pub(crate) fn pon_los(&mut self, stack: usize, olt: usize, pon: usize, raise: bool) {
        let onus = self.up_on_pon(stack, olt, pon);
        if raise {
            for (n, onu) in onus.iter().enumerate() {
                self.onu_after(2 * MS + n as i64 * 60, stack, *onu, OnuAct::Raise(OnuAlarm::LossOfSignal));
            }
        }
        let after = if raise { 5 * MS + onus.len() as i64 * 60 } else { MS };
        self.olt_after(after, stack, olt, OltAct::Los { pon, raise });
    }

    /// A digger finds the feeder fibre of a PON: loss of signal, then the devices are lost.
    pub(crate) fn cut_fibre(&mut self, stack: usize, olt: usize, pon: usize) {
        let onus = self.up_on_pon(stack, olt, pon);
        self.pon_los(stack, olt, pon, true);
        for (n, onu) in onus.iter().enumerate() {
            self.lost(120 * MS + n as i64 * 6 * MS, stack, *onu);
        }
    }

    /// The fibre is spliced: the port clears, the ONUs come back one by one, and nobody clears their
    /// loss of signal.
    pub(crate) fn repair_fibre(&mut self, stack: usize, olt: usize, pon: usize) {
        self.pon_los(stack, olt, pon, false);
        let Some(s) = self.stacks.get(stack) else { return };
        let lost: Vec<usize> =
            s.pon_onus(olt, pon).filter(|i| s.onus.get(*i).is_some_and(|o| o.state == State::LOST)).collect();
        for (n, onu) in lost.iter().enumerate() {
            self.return_up(200 * MS + n as i64 * 200 * MS, stack, *onu);
            self.onu_after(SECOND, stack, *onu, OnuAct::Forget(OnuAlarm::LossOfSignal));
        }
    }

    /// An ONU drops off and returns after `gone`.
    pub(crate) fn flap(&mut self, stack: usize, onu: usize, gone: i64) {
        if !self.has(stack, onu, |o| o.exists && o.state == State::UP) {
            return;
        }
        self.onu_after(0, stack, onu, OnuAct::Raise(OnuAlarm::LossOfSignal));
        self.lost(6 * MS, stack, onu);
        self.onu_after(gone, stack, onu, OnuAct::Clear(OnuAlarm::LossOfSignal));
        self.return_up(gone, stack, onu);
    }

    /// `RebootDevice` of an ONU.
    pub(crate) fn reboot_onu(&mut self, stack: usize, onu: usize) {
        self.onu_chain(
            0,
            stack,
            onu,
            &[
                (3 * MS, OnuAct::Raise(OnuAlarm::LossOfSignal)),
                (3 * MS, OnuAct::Raise(OnuAlarm::DyingGasp)),
                (4 * MS, OnuAct::Raise(OnuAlarm::EthernetUni)),
                (5 * MS, OnuAct::Reason(Reason::Rebooting)),
                (6 * MS, OnuAct::State(State::SEEN)),
                (9 * MS, OnuAct::State(State::LOST)),
                (10_003 * MS, OnuAct::Clear(OnuAlarm::LossOfSignal)),
                (11_000 * MS, OnuAct::Forget(OnuAlarm::DyingGasp)),
                (11_000 * MS, OnuAct::Forget(OnuAlarm::EthernetUni)),
            ],
        );
        self.return_up(10_203 * MS, stack, onu);
    }

    /// `DisableDevice` of an ONU.
    pub(crate) fn disable_onu(&mut self, stack: usize, onu: usize) {
        self.onu_chain(
            0,
            stack,
            onu,
            &[
                (MS, OnuAct::State(State::DISABLED)),
                (2 * MS, OnuAct::Reason(Reason::AdminLock)),
                (4 * MS, OnuAct::Raise(OnuAlarm::EthernetUni)),
            ],
        );
    }

    /// `EnableDevice` of an ONU.
    pub(crate) fn enable_onu(&mut self, stack: usize, onu: usize) {
        self.onu_chain(
            0,
            stack,
            onu,
            &[
                (2 * MS, OnuAct::State(State::ACTIVATING)),
                (4 * MS, OnuAct::Clear(OnuAlarm::EthernetUni)),
                (4 * MS, OnuAct::State(State::UP)),
                (4 * MS, OnuAct::Reason(Reason::Reenabled)),
            ],
        );
    }

    /// `DeleteDevice` of an ONU; it is still plugged in, so it is found again. Returns when the call
    /// is answered.
    pub(crate) fn delete_onu_device(&mut self, stack: usize, onu: usize, force: bool) -> i64 {
        let answered = if force { 20 * MS } else { 5 * SECOND };
        self.onu_after(answered, stack, onu, OnuAct::Delete);
        self.onu_after(answered + 5_800 * MS, stack, onu, OnuAct::Create);
        answered
    }

    fn olt_onus(&self, stack: usize, olt: usize) -> Vec<usize> {
        let Some(s) = self.stacks.get(stack) else { return Vec::new() };
        s.olt_onus(olt).filter(|i| s.onus.get(*i).is_some_and(|o| o.exists)).collect()
    }

    /// Where an ONU is in the order in which its PON's ONUs do something.
    fn turn(&self, stack: usize, onu: usize) -> i64 {
        self.stacks.get(stack).and_then(|s| s.onus.get(onu)).map_or(0, |o| i64::from(o.number) * APART * 8)
    }

    /// `RebootDevice` of an OLT: every ONU is deleted and returns under a new id, flows are gone.
    pub(crate) fn reboot_olt(&mut self, stack: usize, olt: usize) {
        let onus = self.olt_onus(stack, olt);
        let up_again = 15_452 * MS;
        for (n, onu) in onus.iter().enumerate() {
            let n = n as i64;
            self.onu_after(5 * MS + n * 30, stack, *onu, OnuAct::Raise(OnuAlarm::EthernetUni));
            self.lost(16 * MS + n * 3 * MS, stack, *onu);
            self.onu_after(9_230 * MS + n * 2 * MS, stack, *onu, OnuAct::Delete);
            self.onu_after(up_again + 10 * MS + self.turn(stack, *onu), stack, *onu, OnuAct::Create);
        }
        for (delay, act) in [
            (9_221 * MS, OltAct::State(State::REBOOTED)),
            (9_372 * MS, OltAct::CommunicationFailure { raise: true }),
            (9_408 * MS, OltAct::State(State::CUT_OFF)),
            (up_again, OltAct::State(State::UP)),
            (up_again + 3 * MS, OltAct::Down { raise: false }),
            (up_again + 3 * MS, OltAct::CommunicationFailure { raise: false }),
        ] {
            self.olt_after(delay, stack, olt, act);
        }
    }

    /// The management connection of an OLT breaks: its ONUs keep showing ACTIVE.
    pub(crate) fn olt_contact(&mut self, stack: usize, olt: usize, lost: bool) {
        if lost {
            self.olt_after(379 * MS, stack, olt, OltAct::State(State::CUT_OFF));
            self.olt_after(380 * MS, stack, olt, OltAct::CommunicationFailure { raise: true });
        } else {
            self.olt_after(10_103 * MS, stack, olt, OltAct::State(State::UP));
            self.olt_after(10_104 * MS, stack, olt, OltAct::Down { raise: false });
            self.olt_after(10_104 * MS, stack, olt, OltAct::CommunicationFailure { raise: false });
        }
    }

    fn pons(&self, stack: usize, olt: usize) -> usize {
        self.stacks.get(stack).and_then(|s| s.olts.get(olt)).map_or(0, |o| o.pons.len())
    }

    /// `DisableDevice` of an OLT; returns when the last ONU is lost.
    pub(crate) fn disable_olt(&mut self, stack: usize, olt: usize) -> i64 {
        self.olt_after(MS, stack, olt, OltAct::State(State::DISABLED));
        for _ in 0..self.pons(stack, olt) {
            self.olt_after(5 * MS, stack, olt, OltAct::PonDown { raise: true });
        }
        let onus = self.olt_onus(stack, olt);
        for (n, onu) in onus.iter().enumerate() {
            self.lost(29 * MS + n as i64 * 5 * MS, stack, *onu);
        }
        let done = 32 * MS + onus.len() as i64 * 5 * MS;
        self.olt_after(done, stack, olt, OltAct::Down { raise: true });
        done
    }

    fn olt_up(&mut self, from: i64, stack: usize, olt: usize) {
        self.olt_after(from, stack, olt, OltAct::State(State::UP));
        self.olt_after(from + 3 * MS, stack, olt, OltAct::Down { raise: false });
        self.olt_after(from + 3 * MS, stack, olt, OltAct::CommunicationFailure { raise: false });
        for _ in 0..self.pons(stack, olt) {
            self.olt_after(from + 6 * MS, stack, olt, OltAct::PonDown { raise: false });
        }
    }

    /// `EnableDevice` of an OLT that was disabled, or created again with its ONUs still plugged in.
    pub(crate) fn enable_olt(&mut self, stack: usize, olt: usize, created: bool) {
        if created {
            self.olt_after(2 * MS, stack, olt, OltAct::State(State::ENABLING));
            if self.pons(stack, olt) == 0 {
                // Nobody answers at that address: it stays like this.
                return;
            }
            self.olt_after(3 * MS, stack, olt, OltAct::LogicalFlows(true));
            self.olt_up(6_050 * MS, stack, olt);
            let all = self.stacks.get(stack).map_or(0..0, |s| s.olt_onus(olt));
            for onu in all {
                if self.has(stack, onu, |o| o.plugged) {
                    let turn = self.turn(stack, onu);
                    self.onu_after(6_069 * MS + turn, stack, onu, OnuAct::Create);
                }
            }
            return;
        }
        self.olt_after(MS, stack, olt, OltAct::State(State::ACTIVATING));
        self.olt_up(5 * MS, stack, olt);
        for onu in self.olt_onus(stack, olt) {
            let turn = self.turn(stack, onu);
            self.come_up(13 * MS + turn, stack, onu);
            if self.has(stack, onu, |o| o.flows) {
                self.onu_after(1_200 * MS + turn, stack, onu, OnuAct::Reason(Reason::FlowsPushed));
            }
        }
    }

    /// `DeleteDevice` of an OLT; returns when the call is answered.
    pub(crate) fn delete_olt_device(&mut self, stack: usize, olt: usize, force: bool) -> i64 {
        let from = if force { 20 * MS } else { 2_024 * MS };
        let onus = self.olt_onus(stack, olt);
        for (n, onu) in onus.iter().enumerate() {
            self.onu_after(from + n as i64 * 2 * MS, stack, *onu, OnuAct::Delete);
        }
        let done = from + onus.len() as i64 * 2 * MS + 5 * MS;
        self.olt_after(done, stack, olt, OltAct::Delete);
        done
    }

    /// `DisablePort`/`EnablePort` of a PON: the first raises nothing, the second clears.
    pub(crate) fn pon_port(&mut self, stack: usize, olt: usize, pon: usize, on: bool) {
        self.olt_after(0, stack, olt, OltAct::PonEnabled { pon, on });
        let Some(s) = self.stacks.get(stack) else { return };
        let onus: Vec<usize> = s.pon_onus(olt, pon).filter(|i| s.onus.get(*i).is_some_and(|o| o.exists)).collect();
        if on {
            self.olt_after(3 * MS, stack, olt, OltAct::PonDown { raise: false });
        }
        for (n, onu) in onus.iter().enumerate() {
            let n = n as i64;
            if on {
                self.come_up(5 * MS + n * 10 * MS, stack, *onu);
            } else {
                self.lost(8 * MS + n * 5 * MS, stack, *onu);
            }
        }
    }

    /// A subscriber plugs in a new ONU at a free place.
    pub(crate) fn plug_in(&mut self, stack: usize, onu: usize) {
        self.onu_after(0, stack, onu, OnuAct::Create);
    }

    /// An adapter's process dies for `gone`.
    pub(crate) fn adapter_dies(&mut self, stack: usize, adapter: usize, gone: i64) {
        self.after(0, Step::Adapter { stack, adapter, alive: false });
        self.after(gone, Step::Adapter { stack, adapter, alive: true });
    }

    /// The core restarts: devices stay, the flows of the logical switches are forgotten until the
    /// controller notices, after `drift`.
    pub(crate) fn core_restart(&mut self, stack: usize, drift: i64) {
        let olts = self.stacks.get(stack).map_or(0, |s| s.olts.len());
        for olt in 0..olts {
            self.olt_after(0, stack, olt, OltAct::LogicalFlows(false));
            self.olt_after(drift, stack, olt, OltAct::LogicalFlows(true));
        }
    }

    /// The received power of an ONU sinks until it complains, and recovers.
    pub(crate) fn optical_fade(&mut self, stack: usize, onu: usize) {
        for n in 0..6 {
            self.onu_after(n * 8 * SECOND, stack, onu, OnuAct::Drift(-130));
            self.onu_after(n * 8 * SECOND + MS, stack, onu, OnuAct::Optics);
        }
        self.onu_after(30 * SECOND, stack, onu, OnuAct::Raise(OnuAlarm::SignalDegrade));
        self.onu_after(45 * SECOND, stack, onu, OnuAct::Raise(OnuAlarm::LowRxOptical));
        self.onu_after(240 * SECOND, stack, onu, OnuAct::Drift(780));
        self.onu_after(240 * SECOND, stack, onu, OnuAct::Optics);
        self.onu_after(241 * SECOND, stack, onu, OnuAct::Clear(OnuAlarm::LowRxOptical));
        self.onu_after(242 * SECOND, stack, onu, OnuAct::Clear(OnuAlarm::SignalDegrade));
    }
}
