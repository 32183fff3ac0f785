//! One step: the smallest thing that happens, a change of one device and the event that tells it.

use super::World;
use super::alarm::OnuAlarm;
use super::contact::Contact;
use super::events::{self, Context, Measured, Subject};
use super::layout::{DeviceRef, uuid};
use super::script::Scene;
use super::state::{Reason, State};
use crate::controllers::voltha::proto::event::event_sub_category::Types as Sub;

/// What can happen.
#[derive(Debug, Clone)]
pub(crate) enum Step {
    /// To an ONU; skipped when it has been re-created since (another generation).
    Onu { stack: usize, onu: usize, generation: u16, act: OnuAct },
    /// To an OLT.
    Olt { stack: usize, olt: usize, act: OltAct },
    /// An adapter dies (0 openolt, 1 openonu) or returns.
    Adapter { stack: usize, adapter: usize, alive: bool },
    /// The script goes on.
    Scene(Scene),
}

/// What happens to an ONU.
#[derive(Debug, Clone, Copy)]
pub(crate) enum OnuAct {
    State(State),
    Reason(Reason),
    Raise(OnuAlarm),
    Clear(OnuAlarm),
    /// The alarm is over and nobody says so.
    Forget(OnuAlarm),
    Discovered,
    Activated,
    OmciFailure,
    /// Re-appears under a new id.
    Create,
    Delete,
    Flows(bool),
    Uni(bool),
    /// Received power moves by hundredths of a dB.
    Drift(i16),
    Optics,
}

/// What happens to an OLT.
#[derive(Debug, Clone, Copy)]
pub(crate) enum OltAct {
    State(State),
    Los {
        pon: usize,
        raise: bool,
    },
    CommunicationFailure {
        raise: bool,
    },
    Down {
        raise: bool,
    },
    /// Says nothing of which PON.
    PonDown {
        raise: bool,
    },
    PonEnabled {
        pon: usize,
        on: bool,
    },
    Create,
    Delete,
    LogicalFlows(bool),
    Stats,
    FlowFailure {
        onu: usize,
    },
}

impl World {
    /// Schedules an act on an ONU of today's generation.
    pub(crate) fn onu_after(&mut self, delay: i64, stack: usize, onu: usize, act: OnuAct) {
        if let Some(o) = self.stacks.get(stack).and_then(|s| s.onus.get(onu)) {
            let generation = o.generation;
            self.after(delay, Step::Onu { stack, onu, generation, act });
        }
    }

    /// Schedules an act on an OLT.
    pub(crate) fn olt_after(&mut self, delay: i64, stack: usize, olt: usize, act: OltAct) {
        self.after(delay, Step::Olt { stack, olt, act });
    }

    pub(super) fn perform(&mut self, step: Step) {
        match step {
            Step::Onu { stack, onu, generation, act } => {
                let there = self.stacks.get(stack).and_then(|s| s.onus.get(onu));
                if there.is_some_and(|o| o.generation == generation) {
                    self.onu(stack, onu, act);
                }
            }
            Step::Olt { stack, olt, act } => self.olt(stack, olt, act),
            Step::Adapter { stack, adapter, alive } => self.adapter(stack, adapter, alive),
            Step::Scene(scene) => self.scene(scene),
        }
    }

    fn onu(&mut self, stack: usize, at: usize, act: OnuAct) {
        let when = self.stamp();
        let Some(s) = self.stacks.get_mut(stack) else { return };
        let Some(onu) = s.onus.get_mut(at) else { return };
        if !onu.exists && !matches!(act, OnuAct::Create) {
            return;
        }
        let made = match act {
            OnuAct::State(to) => return self.onu_state(stack, at, to),
            OnuAct::Create => return self.create_onu(stack, at),
            OnuAct::Delete => return self.delete_onu(stack, at),
            OnuAct::Raise(alarm) => {
                // The OLT adapter tells a loss of signal once.
                let known = onu.raised & alarm.bit() != 0;
                onu.raised |= alarm.bit();
                if known && alarm == OnuAlarm::LossOfSignal {
                    return;
                }
                events::onu_alarm(s, at, alarm, true, when)
            }
            OnuAct::Clear(alarm) => {
                onu.raised &= !alarm.bit();
                events::onu_alarm(s, at, alarm, false, when)
            }
            OnuAct::Forget(alarm) => {
                onu.raised &= !alarm.bit();
                return;
            }
            OnuAct::Reason(reason) => {
                onu.reason = reason;
                return;
            }
            OnuAct::Flows(on) => {
                onu.flows = on;
                return;
            }
            OnuAct::Uni(on) => {
                onu.uni_enabled = on;
                return;
            }
            OnuAct::Drift(by) => {
                onu.rx = onu.rx.saturating_add(by).clamp(-3_600, -800);
                return;
            }
            OnuAct::Discovered => events::discovery(s, at, when),
            OnuAct::Activated => events::activated(s, at, when),
            OnuAct::OmciFailure => events::omci_failure(s, at, when),
            OnuAct::Optics => return self.optics(stack, at),
        };
        self.emit_made(stack, made);
    }

    fn onu_state(&mut self, stack: usize, at: usize, to: State) {
        let when = self.stamp();
        let Some(s) = self.stacks.get_mut(stack) else { return };
        let serial = s.serial(at);
        let Some(onu) = s.onus.get_mut(at) else { return };
        let from = onu.state;
        if from == to {
            return;
        }
        onu.state = to;
        let (id, olt, pon) = (onu.id, usize::from(onu.olt), onu.pon);
        let parent = s.olts.get(olt).map_or_else(String::new, |o| uuid(o.id));
        let subject = Subject { id, parent, serial, root: false, port: (2 << 28) + u32::from(pon) };
        self.emit(stack, String::new(), events::state_change(&subject, from, to, when));
        self.contact(stack, at, from, to);
    }

    fn create_onu(&mut self, stack: usize, at: usize) {
        let Some(s) = self.stacks.get_mut(stack) else { return };
        let Some(onu) = s.onus.get_mut(at) else { return };
        if onu.exists {
            return;
        }
        onu.exists = true;
        let first = !std::mem::replace(&mut onu.plugged, true);
        onu.state = State::NONE;
        onu.reason = Reason::None;
        onu.flows = false;
        onu.uni_enabled = true;
        onu.raised = 0;
        let generation = onu.generation.wrapping_add(1);
        s.renew_onu(at, generation);
        if first {
            self.tell(stack, at, Contact::New);
        }
        self.onu_state(stack, at, State::CREATED);
        self.activate_new(stack, at);
    }

    fn delete_onu(&mut self, stack: usize, at: usize) {
        let when = self.stamp();
        let Some(s) = self.stacks.get_mut(stack) else { return };
        let serial = s.serial(at);
        let Some(onu) = s.onus.get_mut(at) else { return };
        let was_up = onu.state == State::UP;
        onu.exists = false;
        onu.raised = 0;
        onu.flows = false;
        let (id, pon, number, olt) = (onu.id, onu.pon, onu.number, usize::from(onu.olt));
        s.by_id.remove(&id);
        let context: Context = vec![
            ("pon-id", pon.to_string()),
            ("onu-id", number.to_string()),
            ("serial-number", serial),
            ("parent-id", s.olts.get(olt).map_or_else(String::new, |o| uuid(o.id))),
            ("id", uuid(id)),
        ];
        self.emit(stack, String::new(), events::deleted("ONU_DELETED", Sub::Onu, id, context, when));
        if was_up {
            self.tell(stack, at, Contact::Lost { mains: false });
        }
    }

    fn optics(&mut self, stack: usize, at: usize) {
        let when = self.stamp();
        let Some(s) = self.stacks.get(stack) else { return };
        let Some(onu) = s.onus.get(at).filter(|o| o.state == State::UP) else { return };
        let mut of = Measured {
            title: "PON_Optical",
            sub: Sub::Onu,
            device: onu.id,
            serial: s.serial(at),
            context: vec![
                ("onuID", onu.number.to_string()),
                ("intfID", onu.pon.to_string()),
                ("devicetype", "brcm_openomci_onu".into()),
            ],
        };
        let (rx, port) = (f32::from(onu.rx) / 100.0, super::layout::Stack::uni_port(onu) as f32);
        let optical =
            [("receive_power_dBm", rx), ("transmit_power_dBm", transmit(at)), ("ani_g_instance_id", 32_769.0)];
        let (key, event) = events::kpi(&of, &[&optical], when);
        of.title = "UNI_Status";
        let common = [("uni_port_no", port), ("uni_admin_state", 0.0), ("entity_id", 257.0), ("me_class_id", 264.0)];
        let lan = [
            ("uni_port_no", port),
            ("uni_admin_state", 0.0),
            ("entity_id", 257.0),
            ("me_class_id", 11.0),
            ("configuration_ind", 3.0),
            ("oper_status", 0.0),
        ];
        let (uni_key, uni) = events::kpi(&of, &[&common, &lan], when);
        self.emit(stack, key, event);
        self.emit(stack, uni_key, uni);
    }

    fn olt(&mut self, stack: usize, at: usize, act: OltAct) {
        let when = self.stamp();
        let Some(olt) = self.stacks.get_mut(stack).and_then(|s| s.olts.get_mut(at)) else { return };
        if !olt.exists && !matches!(act, OltAct::Create) {
            return;
        }
        let event = match act {
            OltAct::State(to) => return self.olt_state(stack, at, to),
            OltAct::Delete => return self.delete_olt(stack, at),
            OltAct::Stats => return self.olt_stats(stack, at),
            OltAct::FlowFailure { onu } => return self.flow_failure(stack, at, onu),
            OltAct::Create => {
                olt.exists = true;
                olt.state = State::NONE;
                let generation = olt.generation.wrapping_add(1);
                if let Some(s) = self.stacks.get_mut(stack) {
                    s.renew_olt(at, generation);
                }
                return self.olt_state(stack, at, State::CREATED);
            }
            OltAct::LogicalFlows(on) => {
                olt.logical_flows = on;
                return;
            }
            OltAct::PonEnabled { pon, on } => {
                if let Some(p) = olt.pons.get_mut(pon) {
                    p.enabled = on;
                }
                return;
            }
            OltAct::Los { pon, raise } => {
                if let Some(p) = olt.pons.get_mut(pon) {
                    p.los = raise;
                }
                let context =
                    vec![("intf-id", pon.to_string()), ("port-label", format!("pon-{}", (2_usize << 28) + pon))];
                events::olt_alarm(olt, "OLT_LOSS_OF_SIGNAL", Sub::Pon, raise, context, when)
            }
            OltAct::CommunicationFailure { raise } => {
                let [admin, oper, connect] = olt.state.names();
                let context = vec![
                    ("oper-state", oper.into()),
                    ("admin-state", admin.into()),
                    ("connect-state", connect.into()),
                    ("vendor", events::OLT_KIND[0].into()),
                    ("type", "openolt".into()),
                    ("parent-id", uuid(olt.logical)),
                    ("parent-port-no", "0".into()),
                    ("id", uuid(olt.id)),
                    ("firmware-version", String::new()),
                    ("hardware-version", String::new()),
                    ("serial-number", olt.serial.clone()),
                    ("mac-address", mac(olt.number)),
                ];
                events::olt_alarm(olt, "OLT_COMMUNICATION_FAILURE", Sub::Olt, raise, context, when)
            }
            OltAct::Down { raise } => {
                let context = vec![("oper-state", if raise { "down" } else { "up" }.to_owned())];
                events::olt_alarm(olt, "OLT_DOWN_INDICATION", Sub::Olt, raise, context, when)
            }
            OltAct::PonDown { raise } => {
                let context = vec![("oper-state", if raise { "down" } else { "up" }.to_owned())];
                events::olt_alarm(olt, "OLT_PON_INTERFACE_DOWN", Sub::Olt, raise, context, when)
            }
        };
        self.emit(stack, String::new(), event);
    }

    fn olt_state(&mut self, stack: usize, at: usize, to: State) {
        let when = self.stamp();
        let Some(olt) = self.stacks.get_mut(stack).and_then(|s| s.olts.get_mut(at)) else { return };
        let from = olt.state;
        if from == to {
            return;
        }
        olt.state = to;
        let subject = Subject {
            id: olt.id,
            parent: if to == State::CREATED { String::new() } else { uuid(olt.logical) },
            serial: if to == State::CREATED { String::new() } else { olt.serial.clone() },
            root: true,
            port: 0,
        };
        self.emit(stack, String::new(), events::state_change(&subject, from, to, when));
    }

    fn delete_olt(&mut self, stack: usize, at: usize) {
        let when = self.stamp();
        let Some(s) = self.stacks.get_mut(stack) else { return };
        let Some(olt) = s.olts.get_mut(at) else { return };
        olt.exists = false;
        let (id, serial) = (olt.id, olt.serial.clone());
        s.by_id.remove(&id);
        let context: Context = vec![("serial-number", serial), ("id", uuid(id))];
        self.emit(stack, String::new(), events::deleted("OLT_DELETED", Sub::Olt, id, context, when));
    }

    /// NNI statistics arrive with no metrics (measured), PON statistics with all.
    fn olt_stats(&mut self, stack: usize, at: usize) {
        let when = self.stamp();
        let Some(olt) = self.stacks.get(stack).and_then(|s| s.olts.get(at)) else { return };
        if olt.state != State::UP {
            return;
        }
        let about = |title, sub, label: String| Measured {
            title,
            sub,
            device: olt.id,
            serial: String::new(),
            context: vec![("oltid", uuid(olt.id)), ("devicetype", "openolt".into()), ("portlabel", label)],
        };
        let mut made = vec![events::kpi(&about("NNIStats", Sub::Nni, "nni-0".into()), &[&[]], when)];
        for pon in 0..olt.pons.len() {
            let seconds = (self.now().max(0) / super::SECOND) as f32;
            let packets = (seconds + 3_600.0) * (pon as f32).mul_add(13.0, 420.0);
            let metrics = [
                ("RxBytes", packets * 310.0),
                ("RxPackets", packets),
                ("RxUcastPackets", packets * 0.98),
                ("RxMcastPackets", packets * 0.01),
                ("RxBcastPackets", packets * 0.01),
                ("RxErrorPackets", 0.0),
                ("RxPacketsDropped", 0.0),
                ("TxBytes", packets * 1_900.0),
                ("TxPackets", packets * 2.0),
                ("TxMcastPackets", packets * 0.02),
                ("TxBcastPackets", packets * 0.01),
                ("TxErrorPackets", 0.0),
                ("TxDroppedTotal", 0.0),
            ];
            made.push(events::kpi(&about("PONStats", Sub::Pon, format!("pon-{pon}")), &[&metrics], when));
        }
        for (key, event) in made {
            self.emit(stack, key, event);
        }
    }

    fn flow_failure(&mut self, stack: usize, at: usize, onu: usize) {
        let when = self.stamp();
        let Some(olt) = self.stacks.get(stack).and_then(|s| s.olts.get(at)) else { return };
        let logical = uuid(olt.logical);
        let rules = format!("DeviceId:{}\nFlow:\nid:  {}\npriority:  1000\n", uuid(olt.id), when);
        let context: Context = vec![
            ("rpc", "UpdateLogicalDeviceFlowTable".into()),
            ("flow-id", when.unsigned_abs().to_string()),
            ("flow-cookie", (onu * 4 + 1).to_string()),
            ("logical-device-id", logical.clone()),
            ("device-rules", rules),
        ];
        let event = events::rpc_failure("UpdateLogicalDeviceFlowTable", logical, "failed-to-add-flow", context, when);
        self.emit(stack, String::new(), event);
    }

    fn adapter(&mut self, stack: usize, adapter: usize, alive: bool) {
        let now = self.now();
        let Some(s) = self.stacks.get_mut(stack) else { return };
        let Some(a) = s.adapters.get_mut(adapter) else { return };
        let was_dead = a.dead_since.is_some();
        a.dead_since = if alive { None } else { Some(a.dead_since.unwrap_or(now)) };
        if alive && was_dead && adapter == 0 {
            let olts = s.olts.len();
            for olt in 0..olts {
                self.olt_after(2 * super::SECOND, stack, olt, OltAct::State(State::RECONCILING));
                self.olt_after(9 * super::SECOND, stack, olt, OltAct::State(State::UP));
            }
        }
    }

    /// The device an id names.
    pub(crate) fn find(&self, stack: usize, id: &str) -> Option<DeviceRef> {
        let id = uuid::Uuid::parse_str(id).ok()?.as_u128();
        self.stacks.get(stack)?.by_id.get(&id).copied()
    }
}

/// Launched power of an ONU, dBm.
pub(crate) fn transmit(at: usize) -> f32 {
    5.0 + (at % 17) as f32 / 10.0
}

/// MAC address of an OLT.
pub(crate) fn mac(number: u32) -> String {
    let [_, a, b, c] = number.to_be_bytes();
    format!("0c:19:04:{a:02x}:{b:02x}:{c:02x}")
}
