//! Alerts, silences, inhibitions: what both servers know at an instant.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::rules::SimRule;
use super::{AlertsOptions, Planned};
use crate::model::labels::{Labels, Matcher};
use crate::model::time::{MINUTE, SECOND, Ts};

/// How long an alert is believed without being told again.
const RESOLVE: i64 = 5 * MINUTE;

#[derive(Debug, Clone)]
pub(super) struct Alert {
    pub(super) labels: Labels,
    pub(super) annotations: Labels,
    pub(super) starts: Ts,
    pub(super) generator: String,
    pub(super) value: String,
    /// Waits for its time: only the Prometheus knows it.
    pub(super) pending: bool,
}

#[derive(Debug, Clone)]
pub(super) struct SimSilence {
    pub(super) id: String,
    pub(super) matchers: Vec<Matcher>,
    pub(super) starts: Ts,
    pub(super) ends: Ts,
    pub(super) updated: Ts,
    pub(super) created_by: String,
    pub(super) comment: String,
}

impl SimSilence {
    pub(super) fn state(&self, now: Ts) -> &'static str {
        if now >= self.ends {
            "expired"
        } else if now < self.starts {
            "pending"
        } else {
            "active"
        }
    }
}

#[derive(Debug)]
struct Inhibition {
    by: String,
    names: Vec<String>,
    equal: String,
}

#[derive(Debug)]
pub(super) struct State {
    rules: Vec<SimRule>,
    speed: f64,
    born: Ts,
    pub(super) started: Ts,
    fired: BTreeMap<Labels, (Labels, Ts)>,
    pub(super) silences: Vec<SimSilence>,
    inhibitions: Vec<Inhibition>,
}

pub(super) fn now() -> Ts {
    Ts(chrono::Utc::now().timestamp_micros())
}

/// As the real one: FNV-1a over names and values with 0xff behind each.
pub(super) fn fingerprint(labels: &Labels) -> String {
    let mut hash = 0xcbf2_9ce4_8422_2325_u64;
    let mut add = |bytes: &[u8]| {
        for byte in bytes.iter().chain(&[0xff]) {
            hash = (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
        }
    };
    for (name, value) in labels {
        add(name.as_bytes());
        add(value.as_bytes());
    }
    format!("{hash:016x}")
}

/// A silence of the start. Its id is the same in every run.
fn standing(n: u128, silence: Planned, start: Ts) -> SimSilence {
    let Planned { matchers, created_by, comment, span_s: (from, until) } = silence;
    let (starts, ends) = (start.plus(from * SECOND), start.plus(until * SECOND));
    let id = uuid::Uuid::from_u128(0x5b1e_7c1e_0000_4000_8000_0000_0000_0000 + n).to_string();
    SimSilence { id, matchers, starts, ends, updated: starts.min(start), created_by, comment }
}

impl State {
    pub(super) fn new(options: AlertsOptions) -> Self {
        let speed = if options.speed > 0.0 { options.speed } else { 1.0 };
        Self {
            rules: options.rules,
            speed,
            born: now(),
            // Long enough ago that what is missing is believed to be over.
            started: now().plus(-60 * MINUTE),
            fired: BTreeMap::new(),
            silences: (0_u128..).zip(options.silences).map(|(n, silence)| standing(n, silence, now())).collect(),
            inhibitions: Vec::new(),
        }
    }

    pub(super) fn fire(&mut self, labels: Labels, annotations: Labels) {
        let since = self.fired.get(&labels).map_or_else(now, |(_, since)| *since);
        self.fired.insert(labels, (annotations, since));
    }

    pub(super) fn resolve(&mut self, labels: &Labels) {
        self.fired.remove(labels);
    }

    pub(super) fn inhibit(&mut self, by: &str, names: &[&str], equal: &str) {
        let names = names.iter().map(|n| (*n).to_owned()).collect();
        self.inhibitions.push(Inhibition { by: by.to_owned(), names, equal: equal.to_owned() });
    }

    pub(super) fn restart(&mut self) {
        self.fired.clear();
        self.started = now();
    }

    pub(super) fn silences_in_force(&self) -> Vec<String> {
        let now = now();
        self.silences.iter().filter(|s| s.state(now) != "expired").map(|s| s.id.clone()).collect()
    }

    pub(super) fn rules(&self) -> &[SimRule] {
        &self.rules
    }

    /// All alerts at an instant, those that wait included.
    pub(super) fn alerts(&self, at: Ts) -> Vec<Alert> {
        let mut all: Vec<Alert> = self.rules.iter().filter_map(|rule| self.of_rule(rule, at)).collect();
        all.extend(self.fired.iter().map(|(labels, (annotations, starts))| Alert {
            labels: labels.clone(),
            annotations: annotations.clone(),
            starts: *starts,
            generator: String::new(),
            value: "1e+00".into(),
            pending: false,
        }));
        all
    }

    fn of_rule(&self, rule: &SimRule, at: Ts) -> Option<Alert> {
        let passed = (at.since(self.born) as f64 * self.speed) as i64 + i64::from(rule.since_s) * SECOND;
        let (period, on) = (i64::from(rule.period_s) * SECOND, i64::from(rule.on_s) * SECOND);
        let into = if period == 0 { passed } else { passed.rem_euclid(period) };
        if period != 0 && into >= on {
            return None;
        }
        let mut labels = rule.labels.clone();
        labels.insert("alertname".into(), rule.name.clone());
        let escaped: String = rule.expr.bytes().fold(String::new(), |mut out, b| {
            if b.is_ascii_alphanumeric() || b"-_.~".contains(&b) {
                out.push(char::from(b));
            } else if b == b' ' {
                out.push('+');
            } else {
                let _ = write!(out, "%{b:02X}");
            }
            out
        });
        Some(Alert {
            labels,
            annotations: rule.annotations.clone(),
            starts: at.plus(-((into as f64 / self.speed) as i64)),
            generator: format!("http://prometheus/graph?g0.expr={escaped}&g0.tab=1"),
            value: rule.value.clone(),
            pending: into < i64::from(rule.wait_s) * SECOND,
        })
    }

    /// Until when an alert is believed.
    pub(super) fn ends(at: Ts) -> Ts {
        at.plus(RESOLVE)
    }

    /// What silences an alert.
    pub(super) fn silenced_by(&self, labels: &Labels, at: Ts) -> Vec<String> {
        let holds = |m: &Matcher| m.compiled().is_ok_and(|c| c.holds(labels));
        let hit = |s: &&SimSilence| s.state(at) == "active" && s.matchers.iter().all(holds);
        self.silences.iter().filter(hit).map(|s| s.id.clone()).collect()
    }

    /// What inhibits an alert.
    pub(super) fn inhibited_by(&self, labels: &Labels, all: &[Alert]) -> Vec<String> {
        let name = |labels: &Labels| labels.get("alertname").cloned().unwrap_or_default();
        let own = name(labels);
        let mut out = Vec::new();
        for rule in self.inhibitions.iter().filter(|r| r.names.contains(&own)) {
            let by = all.iter().filter(|a| {
                !a.pending && name(&a.labels) == rule.by && a.labels.get(&rule.equal) == labels.get(&rule.equal)
            });
            out.extend(by.map(|a| fingerprint(&a.labels)));
        }
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fingerprints_are_those_of_the_real_one() {
        let of = |pairs: &[(&str, &str)]| {
            fingerprint(&pairs.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect())
        };
        let los = [
            ("alertname", "OnuLos"),
            ("olt", "olt-001"),
            ("onu", "ALCL12345678"),
            ("pon", "1/1/3"),
            ("severity", "major"),
        ];
        assert_eq!(of(&los), "033e3a5f56af9bee");
    }

    #[test]
    fn scripted_alerts_come_and_go_and_wait_for_their_time() {
        let rule = SimRule { name: "A".into(), wait_s: 10, period_s: 100, on_s: 50, ..SimRule::default() };
        let state = State::new(AlertsOptions { rules: vec![rule], speed: 1.0, ..AlertsOptions::default() });
        let at = |s: i64| state.alerts(state.born.plus(s * SECOND));
        assert!(at(5)[0].pending && !at(15)[0].pending && at(60).is_empty() && !at(115).is_empty());
        assert_eq!(at(15)[0].starts, state.born);
    }
}
