//! The probe of the uplink: a call of the forwarding target's health every so often, during which half
//! of the service stands still.

use chrono::{DateTime, SecondsFormat, Utc};

use crate::model::appliance::poll::UplinkStatus;
use crate::model::time::Ts;
use crate::sim::raven::http::go;

const MS: i64 = 1_000;
/// The probe gives up after this, µs.
const GIVES_UP: i64 = 5_000 * MS;

/// What the forwarding target does when it is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Target {
    /// It answers well, after so many milliseconds.
    Answers(u32),
    /// It answers with this status (from 400).
    Status(u16),
    /// It refuses connections.
    Refuses,
    /// It never answers: what a tunnel does that has gone.
    Hangs,
}

/// The monitor and what it last found. Times are µs since 1970.
#[derive(Debug)]
pub(crate) struct Monitor {
    every: Option<i64>,
    next: i64,
    /// When the probe under way ends.
    probing: Option<i64>,
    pub(crate) target: Target,
    host: String,
    pub(crate) connected: bool,
    last_check: i64,
    latency_ms: i64,
    failures: u64,
    error: Option<String>,
}

impl Monitor {
    /// A monitor as the service starts it.
    pub(crate) fn new(now: i64, target: Target, url: &str, every_s: Option<i64>) -> Self {
        let every = every_s.map(|s| s.max(1) * 1_000 * MS);
        Self {
            every,
            next: now + every.unwrap_or_default(),
            probing: None,
            target,
            host: url.replace("/api/ingest", "/health"),
            connected: false,
            last_check: now,
            latency_ms: 0,
            failures: 0,
            error: None,
        }
    }

    /// Until when the lock is held that half of the calls need.
    pub(crate) const fn frozen_until(&self) -> Option<i64> {
        self.probing
    }

    /// Brings it up to date.
    pub(crate) fn advance(&mut self, now: i64) {
        let Some(every) = self.every else { return };
        // Long pasts are of interest for their last probe only.
        let behind = (now - self.next) / every - 3;
        if self.probing.is_none() && behind > 0 {
            self.next += behind * every;
            if !self.connected && !matches!(self.target, Target::Answers(_)) {
                self.failures += behind.unsigned_abs();
            }
        }
        loop {
            if let Some(end) = self.probing {
                if end > now {
                    return;
                }
                self.probing = None;
                self.found(end);
                self.next = (self.next + every).max(end);
            }
            if self.next > now {
                return;
            }
            let takes = match self.target {
                Target::Answers(ms) => (i64::from(ms) * MS).min(GIVES_UP),
                Target::Hangs => GIVES_UP,
                Target::Status(_) | Target::Refuses => 0,
            };
            self.probing = Some(self.next + takes);
        }
    }

    fn found(&mut self, at: i64) {
        self.last_check = at;
        let failed = match self.target {
            Target::Answers(ms) if i64::from(ms) * MS < GIVES_UP => None,
            Target::Status(code) if code < 400 => None,
            Target::Status(code) => Some(format!("HTTP {code}")),
            Target::Refuses => {
                let port = if self.host.starts_with("http://") { 80 } else { 443 };
                Some(format!("Get \"{}\": dial tcp 127.0.0.1:{port}: connect: connection refused", self.host))
            }
            Target::Hangs | Target::Answers(_) => Some(format!(
                "Get \"{}\": context deadline exceeded (Client.Timeout exceeded while awaiting headers)",
                self.host
            )),
        };
        self.connected = failed.is_none();
        self.latency_ms = match self.target {
            Target::Answers(ms) if self.connected => i64::from(ms.max(1)),
            _ => i64::from(self.connected),
        };
        self.failures = if self.connected { 0 } else { self.failures + 1 };
        self.error = failed;
    }

    /// As a poll would have told it.
    pub(crate) fn status(&self) -> UplinkStatus {
        UplinkStatus {
            connected: self.connected,
            not_checked: !self.connected && self.failures == 0,
            latency_ms: self.latency_ms.unsigned_abs(),
            failures: self.failures,
            last_check: Ts(self.last_check),
            last_error: self.error.clone().unwrap_or_default(),
            forwarding: None,
        }
    }

    /// As it is told.
    pub(crate) fn json(&self) -> String {
        let at = DateTime::<Utc>::from_timestamp_micros(self.last_check).unwrap_or_default();
        let at = at.to_rfc3339_opts(SecondsFormat::Nanos, true);
        let error = self.error.as_ref().map_or_else(String::new, |e| format!(",\"last_error\":{}", go::string(e)));
        format!(
            "{{\"connected\":{},\"last_check\":\"{at}\",\"latency_ms\":{},\"failure_count\":{}{error}}}",
            self.connected, self.latency_ms, self.failures
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const S: i64 = 1_000 * MS;

    fn told(target: Target, seconds: i64) -> (bool, i64, u64, Option<String>, Option<i64>) {
        let mut monitor = Monitor::new(0, target, "https://a/api/ingest", Some(30));
        monitor.advance(seconds * S);
        (monitor.connected, monitor.latency_ms, monitor.failures, monitor.error.clone(), monitor.probing)
    }

    #[test]
    fn what_each_target_leads_to() {
        assert_eq!(told(Target::Refuses, 29), (false, 0, 0, None, None));
        let (connected, latency, failures, error, _) = told(Target::Refuses, 61);
        assert!(!connected && latency == 0 && failures == 2);
        assert_eq!(error.unwrap(), "Get \"https://a/health\": dial tcp 127.0.0.1:443: connect: connection refused");
        assert_eq!(told(Target::Status(404), 31).3.unwrap(), "HTTP 404");
        assert_eq!(told(Target::Answers(1), 31), (true, 1, 0, None, None));
        assert_eq!(told(Target::Hangs, 32).4, Some(35 * S));
        assert_eq!(told(Target::Hangs, 36).2, 1);
        assert_eq!(told(Target::Answers(3001), 34).1, 3001);
        assert_eq!(told(Target::Refuses, 86_400).2, 2880);
    }
}
