//! What happens by itself in a fleet: reboots, weak light, settings changed at home, scripts that
//! fail, mains that go.

use serde_json::json;

use super::{Fault, SECOND, Step, World};
use crate::sim::genieacs::data::Value;
use crate::sim::genieacs::fleet::cpe::Seen;
use crate::sim::genieacs::fleet::source::{Scalar, Source};
use crate::sim::genieacs::fleet::template::{Leaf, Template};
use crate::sim::genieacs::fleet::view::View;
use crate::sim::genieacs::fleet::{Cpe, Phase};

/// Each CPE meets something about twice a day, the fleet at least something a minute.
const ONE_CPE: i64 = 43_200 * SECOND;
const AT_LEAST: i64 = 60 * SECOND;

impl World {
    /// The faults that stand when the console connects, and the first event.
    pub(super) fn begin_life(&mut self) {
        let some = self.fleet.places().div_ceil(50);
        for _ in 0..some {
            let at = self.rng.u32(0..self.fleet.places().max(1));
            self.script_fails(at);
        }
        self.next_event();
    }

    fn next_event(&mut self) {
        let mean = (ONE_CPE / i64::from(self.fleet.places().max(1))).min(AT_LEAST);
        let wait = self.rng.i64(1..=2 * mean.max(1));
        self.after(wait, Step::Life);
    }

    pub(super) fn live(&mut self) {
        let at = self.rng.u32(0..self.fleet.places().max(1));
        let dice = self.rng.u8(0..100);
        match dice {
            0..=34 => {
                if self.fleet.get(at).is_some_and(|c| c.phase == Phase::Up) {
                    self.go_down(at);
                }
            }
            35..=64 => self.light_drifts(at),
            65..=79 => self.settings_drift(at),
            80..=89 => self.script_fails(at),
            _ => {
                if self.fleet.get(at).is_some_and(|c| c.phase == Phase::Up) {
                    self.set_offline(at, true);
                    let lasts = self.rng.i64(600..7_200) * SECOND;
                    self.after(lasts, Step::Back(at));
                }
            }
        }
        self.next_event();
    }

    fn light_drifts(&mut self, at: u32) {
        let by = self.rng.i16(-150..=120);
        if let Some(cpe) = self.fleet.get_mut(at) {
            cpe.rx = (cpe.rx + by).clamp(-2_800, -1_500);
        }
    }

    /// Somebody changes the name of the WLAN at the device; the ACS does not notice.
    fn settings_drift(&mut self, at: u32) {
        let n = self.rng.u16(100..999);
        let Some((cpe, template)) = self.fleet.both(at) else { return };
        let ssid = template.leaves.iter().enumerate().find(|(_, l)| l.source == Source::Ssid);
        if let Some((leaf, ssid)) = ssid {
            change(cpe, template, leaf as u16, ssid, Scalar::Text(format!("Fritz-{n}").into()));
        }
    }

    /// Somebody changes a parameter at the device; whether it has one at that path.
    pub(crate) fn change_at_device(&mut self, id: &str, path: &str, value: &serde_json::Value) -> bool {
        let Some((cpe, template)) = self.fleet.find(id).and_then(|at| self.fleet.both(at)) else { return false };
        let Some((n, leaf)) = template.leaf(path) else { return false };
        let Some(value) = leaf.kind.read(value) else { return false };
        change(cpe, template, n, leaf, value);
        true
    }

    fn script_fails(&mut self, at: u32) {
        let (wall, now) = (self.wall(), self.now());
        if !self.fleet.get(at).is_some_and(Cpe::reachable) {
            return;
        }
        let refused = self.rng.bool();
        let (code, message, detail) = if refused {
            let detail = Value::from(&json!({
                "faultCode": "9005", "faultString": "Invalid parameter name", "setParameterValuesFault": null
            }));
            ("cwmp.9005", "Invalid parameter name", detail)
        } else {
            let detail = Value::from(&json!({
                "name": "TypeError", "message": "value is not iterable", "stack": "TypeError: value is not iterable\n    at default:12:9"
            }));
            ("script.TypeError", "value is not iterable", detail)
        };
        let fault = Fault {
            timestamp: wall,
            code: code.into(),
            message: message.into(),
            detail,
            retries: u32::from(self.rng.u8(0..4)),
            expiry: None,
            provisions: "[[\"default\"]]".into(),
            retry_at: now + 300 * SECOND,
        };
        self.faults.insert((at, "default".into()), fault);
    }
}

/// The CPE holds another value; until it is read again, the ACS believes what it saw.
fn change(cpe: &mut Cpe, template: &Template, n: u16, leaf: &Leaf, value: Scalar) {
    let known = View { cpe, template }.seen(n, leaf);
    let extra = cpe.extra();
    if let Some((value, at)) = known {
        extra.seen.insert(n, Seen { value, at });
    }
    extra.own.insert(n, value);
}
