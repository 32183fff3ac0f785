//! What happens by itself: a quiet life with small things all the time and a large one now and then.
//!
//! The first minutes are set, so that whoever watches sees each kind of event; after that chance
//! (of the seed) decides.

use super::state::State;
use super::{OltAct, OnuAct, SECOND, Step, World};

/// A scene of the script; most plan their own repetition.
#[derive(Debug, Clone)]
pub(crate) enum Scene {
    /// An ONU drops off for some seconds; comes again.
    Flap,
    /// Optical measurements of the next few ONUs.
    Measure,
    /// Statistics of the next OLT.
    Count,
    /// An ONU's signal fades.
    Fade,
    /// A new ONU is plugged in and provisioned.
    Provision,
    /// A feeder fibre is cut and repaired after this time.
    FibreCut { repair: i64 },
    /// A street loses its mains for this time.
    StreetPower { back: i64 },
    /// An OLT is rebooted.
    OltReboot,
    /// The OLT adapter of a stack dies for this time.
    AdapterDeath { gone: i64 },
    /// The core of a stack restarts; the controller notices after this time.
    CoreRestart { drift: i64 },
    /// One of the large ones, by chance; comes again.
    Large,
    /// The fibre of a PON is spliced.
    Repair { stack: usize, olt: usize, pon: usize },
    /// Mains are back.
    PowerBack { stack: usize, onus: Vec<usize> },
    /// Alarms without meaning at a rate, for load.
    Storm { every: i64, until: i64 },
}

/// Where the script is.
#[derive(Debug, Default)]
pub(super) struct Script {
    measured: usize,
    counted: usize,
}

impl World {
    fn scene_after(&mut self, seconds: i64, scene: Scene) {
        self.after(seconds * SECOND, Step::Scene(scene));
    }

    /// Plans the first minutes; called while the clock may stand in the past.
    pub(super) fn plan_script(&mut self) {
        let start = -self.now() / SECOND;
        for (at, scene) in [
            (2, Scene::Measure),
            (3, Scene::Flap),
            (5, Scene::Count),
            (8, Scene::Fade),
            (24, Scene::Provision),
            (42, Scene::FibreCut { repair: 100 }),
            (180, Scene::StreetPower { back: 75 }),
            (330, Scene::OltReboot),
            (480, Scene::AdapterDeath { gone: 45 }),
            (640, Scene::CoreRestart { drift: 90 }),
            (800, Scene::Large),
        ] {
            self.scene_after(start + at, scene);
        }
    }

    /// Alarms at one every `every` µs, for `length` µs.
    pub(crate) fn storm(&mut self, every: i64, length: i64) {
        let until = self.now() + length;
        self.after(0, Step::Scene(Scene::Storm { every: every.max(1), until }));
    }

    fn any_onu(&mut self) -> (usize, usize) {
        let stack = self.rng.usize(0..self.stacks.len().max(1));
        let onus = self.stacks.get(stack).map_or(1, |s| s.onus.len().max(1));
        (stack, self.rng.usize(0..onus))
    }

    fn any_up(&mut self) -> Option<(usize, usize)> {
        (0..40).find_map(|_| {
            let (stack, onu) = self.any_onu();
            let up = self.stacks.get(stack)?.onus.get(onu).is_some_and(|o| o.exists && o.state == State::UP);
            up.then_some((stack, onu))
        })
    }

    fn any_pon(&mut self) -> (usize, usize, usize) {
        let (stack, onu) = self.any_up().unwrap_or((0, 0));
        let at = self.stacks.get(stack).and_then(|s| s.onus.get(onu));
        at.map_or((stack, 0, 0), |o| (stack, usize::from(o.olt), usize::from(o.pon)))
    }

    pub(super) fn scene(&mut self, scene: Scene) {
        match scene {
            Scene::Flap => {
                if let Some((stack, onu)) = self.any_up() {
                    let gone = self.rng.i64(5 * SECOND..25 * SECOND);
                    self.flap(stack, onu, gone);
                }
                // Larger networks have more of them, but not in proportion.
                let often = self.plan.stacks as i64 * 2;
                let next = self.rng.i64(12 * SECOND..40 * SECOND) / (1 + often.min(12) / 3);
                self.after(next, Step::Scene(Scene::Flap));
            }
            Scene::Measure => self.measure(),
            Scene::Count => {
                let olts: usize = self.stacks.iter().map(|s| s.olts.len()).sum();
                let mut n = self.script.counted % olts.max(1);
                self.script.counted += 1;
                for stack in 0..self.stacks.len() {
                    let here = self.stacks.get(stack).map_or(0, |s| s.olts.len());
                    if n < here {
                        self.olt_after(0, stack, n, OltAct::Stats);
                        break;
                    }
                    n -= here;
                }
                self.after(150 * SECOND / olts.max(1) as i64, Step::Scene(Scene::Count));
            }
            Scene::Fade => {
                if let Some((stack, onu)) = self.any_up() {
                    self.optical_fade(stack, onu);
                }
                let next = self.rng.i64(90..200);
                self.scene_after(next, Scene::Fade);
            }
            Scene::Provision => {
                self.provision();
                let next = self.rng.i64(150..320);
                self.scene_after(next, Scene::Provision);
            }
            Scene::FibreCut { repair } => {
                let (stack, olt, pon) = self.any_pon();
                self.cut_fibre(stack, olt, pon);
                self.scene_after(repair, Scene::Repair { stack, olt, pon });
            }
            Scene::Repair { stack, olt, pon } => self.repair_fibre(stack, olt, pon),
            Scene::StreetPower { back } => {
                if let Some((stack, onu)) = self.any_up() {
                    let onus = self.stacks.get(stack).map_or_else(Vec::new, |s| s.neighbours(onu));
                    self.power_off(stack, &onus);
                    self.scene_after(back, Scene::PowerBack { stack, onus });
                }
            }
            Scene::PowerBack { stack, onus } => self.power_on(stack, &onus),
            Scene::OltReboot => {
                let (stack, olt, _) = self.any_pon();
                self.reboot_olt(stack, olt);
            }
            Scene::AdapterDeath { gone } => {
                let (stack, _) = self.any_onu();
                self.adapter_dies(stack, 0, gone * SECOND);
            }
            Scene::CoreRestart { drift } => {
                let (stack, _) = self.any_onu();
                self.core_restart(stack, drift * SECOND);
            }
            Scene::Large => {
                let scene = match self.rng.u8(0..10) {
                    0..=2 => Scene::FibreCut { repair: 120 },
                    3..=6 => Scene::StreetPower { back: 90 },
                    7 => Scene::OltReboot,
                    8 => Scene::AdapterDeath { gone: 40 },
                    _ => Scene::CoreRestart { drift: 120 },
                };
                self.scene(scene);
                let next = self.rng.i64(240..420);
                self.scene_after(next, Scene::Large);
            }
            Scene::Storm { every, until } => self.storm_step(every, until),
        }
    }

    /// Each ONU is measured every five minutes, but no more than eight a second in all.
    fn measure(&mut self) {
        let all: usize = self.stacks.iter().map(|s| s.onus.len()).sum();
        let pause = (300 * SECOND / all.max(1) as i64).max(SECOND / 8);
        let mut n = self.script.measured % all.max(1);
        // A stride that is prime to the count spreads them over the network.
        self.script.measured = self.script.measured.wrapping_add(7_919);
        for stack in 0..self.stacks.len() {
            let here = self.stacks.get(stack).map_or(0, |s| s.onus.len());
            if n < here {
                let drift = self.rng.i16(-12..=12);
                self.onu_after(0, stack, n, OnuAct::Drift(drift));
                self.onu_after(0, stack, n, OnuAct::Optics);
                break;
            }
            n -= here;
        }
        self.after(pause, Step::Scene(Scene::Measure));
    }

    fn provision(&mut self) {
        let start = self.any_onu();
        let free = |w: &Self, stack: usize, from: usize| {
            let onus = &w.stacks.get(stack)?.onus;
            (0..onus.len()).map(|n| (from + n) % onus.len()).find(|i| onus.get(*i).is_some_and(|o| !o.exists))
        };
        let Some(onu) = free(self, start.0, start.1) else { return };
        self.plug_in(start.0, onu);
        // Now and then the first try of the controller fails.
        if self.rng.u8(0..4) == 0 {
            let olt = self.stacks.get(start.0).and_then(|s| s.onus.get(onu)).map_or(0, |o| usize::from(o.olt));
            self.olt_after(3 * SECOND, start.0, olt, OltAct::FlowFailure { onu });
        }
    }

    fn storm_step(&mut self, every: i64, until: i64) {
        use super::alarm::OnuAlarm;
        // Several a step, so that the queue is not what limits the rate.
        for n in 0..16 {
            let (stack, onu) = self.any_onu();
            let alarm = *self.rng.choice(&OnuAlarm::ALL).unwrap_or(&OnuAlarm::SignalDegrade);
            let act = if self.rng.u8(0..3) < 2 { OnuAct::Raise(alarm) } else { OnuAct::Clear(alarm) };
            self.onu_after(n * every, stack, onu, act);
        }
        if self.now() + 16 * every < until {
            self.after(16 * every, Step::Scene(Scene::Storm { every, until }));
        }
    }
}
