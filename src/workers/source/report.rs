//! The health of one source, and when it is worth a record: at once when something changed that an
//! operator would act on, else at most every ten seconds.

use std::time::{Duration, Instant};

use crate::controllers::resilience::RateMeter;
use crate::controllers::voltha::error::{Error, ErrorKind};
use crate::model::source::{Breaker, Health, SourceReport};
use crate::model::time::Ts;

/// Pause between reports of mere figures.
const FIGURES: Duration = Duration::from_secs(10);
/// Window over which the event rate is measured.
const WINDOW: Duration = Duration::from_secs(10);

/// What is known about a source's health.
#[derive(Debug)]
pub(super) struct Status {
    report: SourceReport,
    told: Option<(SourceReport, Instant)>,
    rate: RateMeter,
    paused: bool,
    poll_ok: Option<bool>,
    /// `None` when no stream is configured or it was not tried yet.
    stream_ok: Option<bool>,
    poll_error: String,
    stream_error: String,
}

impl Status {
    pub(super) fn new(endpoint: String, paused: bool, now: Instant) -> Self {
        Self {
            report: SourceReport { kind: "voltha".into(), endpoint, ..SourceReport::default() },
            told: None,
            rate: RateMeter::new(WINDOW, now),
            paused,
            poll_ok: None,
            stream_ok: None,
            poll_error: String::new(),
            stream_error: String::new(),
        }
    }

    pub(super) const fn poll_ok(&self) -> Option<bool> {
        self.poll_ok
    }

    pub(super) const fn stream_ok(&self) -> Option<bool> {
        self.stream_ok
    }

    /// The error that stands, in words.
    pub(super) fn error(&self) -> String {
        match (self.poll_error.is_empty(), self.stream_error.is_empty()) {
            (false, false) => format!("{} | {}", self.poll_error, self.stream_error),
            (false, true) => self.poll_error.clone(),
            _ => self.stream_error.clone(),
        }
    }

    /// A call went well.
    pub(super) fn called(&mut self, now: Ts) {
        self.report.last_ok = now;
    }

    /// A poll (or a look between polls) ended. Whether it is the first good one after a bad one.
    /// That the breaker held a call back says nothing about the cause, and its countdown would make
    /// every report differ: the error that opened it stays.
    pub(super) fn polled(&mut self, outcome: Result<Duration, &Error>) -> bool {
        let recovered = self.poll_ok == Some(false) && outcome.is_ok();
        self.poll_ok = Some(outcome.is_ok());
        match outcome {
            Ok(took) => {
                self.report.latency_us = i64::try_from(took.as_micros()).unwrap_or(i64::MAX);
                self.poll_error.clear();
            }
            Err(e) if e.kind != ErrorKind::BreakerOpen => self.poll_error = e.to_string(),
            Err(e) if self.poll_error.is_empty() => self.poll_error = e.without_words(),
            Err(_) => {}
        }
        recovered
    }

    /// The stream works (with words about it), or does not.
    pub(super) fn streamed(&mut self, outcome: Result<String, String>, now: Instant) {
        self.stream_ok = Some(outcome.is_ok());
        match outcome {
            Ok(words) => {
                self.report.stream = words;
                self.stream_error.clear();
            }
            Err(words) => {
                // Nothing comes and nothing waits: the last figures would tell of a stream that lives.
                self.rate = RateMeter::new(WINDOW, now);
                self.report.queue = 0;
                "down".clone_into(&mut self.report.stream);
                self.stream_error = words;
            }
        }
    }

    /// How far the stream was read. It is a figure: told with the others.
    pub(super) fn placed(&mut self, offsets: &str) {
        if self.stream_ok == Some(true) && !offsets.is_empty() {
            self.report.stream = format!("{}, offset {offsets}", partitions(&self.report.stream));
        }
    }

    /// Events came (perhaps none), and so many of those before wait for the disk.
    pub(super) fn counted(&mut self, events: u64, queue: u32, now: Instant) {
        self.rate.add(events, now);
        self.report.queue = queue;
    }

    pub(super) const fn skewed(&mut self, skew_us: i64) {
        self.report.skew_us = skew_us;
    }

    /// The present on the source's clock, epoch seconds; `None` while no event has told it.
    pub(super) fn source_now_s(&self, now: Ts) -> Option<i64> {
        (self.report.skew_us != 0).then(|| now.plus(self.report.skew_us).0 / crate::model::time::SECOND)
    }

    pub(super) fn version(&mut self, version: String) {
        self.report.version = version;
    }

    pub(super) const fn devices(&mut self, devices: u32) {
        self.report.devices = devices;
    }

    pub(super) const fn pause(&mut self, paused: bool) {
        self.paused = paused;
    }

    /// The report, whether or not it is worth a record.
    pub(super) fn take_now(&mut self, breaker: Breaker, now: Instant) -> SourceReport {
        self.refresh(breaker, now);
        self.told = Some((self.report.clone(), now));
        self.report.clone()
    }

    fn refresh(&mut self, breaker: Breaker, now: Instant) {
        self.report.breaker = breaker;
        self.report.health = self.health();
        self.report.last_error = self.error();
        self.report.rate_milli = self.rate.milli(now);
    }

    /// The report, when it is worth a record.
    pub(super) fn take(&mut self, breaker: Breaker, now: Instant) -> Option<SourceReport> {
        self.refresh(breaker, now);
        let due = match &self.told {
            None => true,
            Some((told, at)) => {
                let state = |r: &SourceReport| {
                    (r.health, r.breaker, r.last_error.clone(), r.version.clone(), r.devices, partitions(&r.stream))
                };
                state(told) != state(&self.report)
                    || (*told != self.report && now.saturating_duration_since(*at) >= FIGURES)
            }
        };
        if !due {
            return None;
        }
        self.told = Some((self.report.clone(), now));
        Some(self.report.clone())
    }

    fn health(&self) -> Health {
        if self.paused {
            return Health::Paused;
        }
        match (self.poll_ok, self.stream_ok) {
            (None, None | Some(true)) => Health::Starting,
            (Some(true), None | Some(true)) => Health::Up,
            (Some(false), Some(true)) | (Some(true), Some(false)) => Health::Degraded,
            (Some(false), _) | (None, Some(false)) => Health::Down,
        }
    }
}

/// The part of the stream's words that is no figure: `3 partitions` of `3 partitions, offset 1820`.
fn partitions(stream: &str) -> String {
    stream.split(',').next().unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(kind: ErrorKind, words: &str) -> Error {
        let source = "v".into();
        crate::controllers::voltha::error::Call { source: &source, name: "ListAdapters", target: "" }
            .error(kind, "-", words)
    }

    #[test]
    fn the_cause_stays_while_the_breaker_holds_calls_back() {
        let mut status = Status::new(String::new(), false, Instant::now());
        status.polled(Err(&error(ErrorKind::BreakerOpen, "open for another 9 s")));
        assert!(!status.error().contains('9'), "{}", status.error());
        status.polled(Err(&error(ErrorKind::Unavailable, "system is not ready")));
        let told = status.error();
        assert!(told.contains("system is not ready"), "{told}");
        status.polled(Err(&error(ErrorKind::BreakerOpen, "open for another 4 s")));
        assert_eq!((status.error(), status.health()), (told, Health::Down));
    }

    #[test]
    fn the_place_in_the_stream_is_kept_current() {
        let mut status = Status::new(String::new(), false, Instant::now());
        status.placed("7");
        assert_eq!(status.report.stream, "");
        status.streamed(Ok("1 partition".into()), Instant::now());
        status.placed("7");
        status.placed("9");
        assert_eq!(status.report.stream, "1 partition, offset 9");
    }

    #[test]
    fn changes_are_told_at_once_and_figures_seldom() {
        let t = Instant::now();
        let mut status = Status::new("http://x".into(), false, t);
        let take = |status: &mut Status, s| status.take(Breaker::Closed, t + Duration::from_secs(s));
        assert_eq!(take(&mut status, 0).map(|r| r.health), Some(Health::Starting));
        status.polled(Ok(Duration::from_millis(5)));
        assert_eq!(take(&mut status, 1).map(|r| r.health), Some(Health::Up));
        status.polled(Ok(Duration::from_millis(6)));
        status.called(Ts(9));
        assert_eq!(take(&mut status, 2), None, "figures wait");
        assert_eq!(take(&mut status, 11).map(|r| r.latency_us), Some(6000));
        assert_eq!(take(&mut status, 30), None, "nothing new");
        let no = error(ErrorKind::Unavailable, "no");
        status.polled(Err(&no));
        assert_eq!(take(&mut status, 31).map(|r| (r.health, r.last_error)), Some((Health::Down, no.to_string())));
    }

    #[test]
    fn a_stream_that_is_down_brings_nothing() {
        let t = Instant::now();
        let mut status = Status::new(String::new(), false, t);
        status.streamed(Ok("1 partition".into()), t);
        status.counted(500, 40, t);
        let t = t + WINDOW;
        let before = status.take_now(Breaker::Closed, t);
        assert!(before.rate_milli > 0 && before.queue == 40, "{before:?}");
        status.streamed(Err("broker gone".into()), t);
        let after = status.take_now(Breaker::Closed, t);
        assert_eq!((after.rate_milli, after.queue, after.stream.as_str()), (0, 0, "down"));
    }

    #[test]
    fn one_of_poll_and_stream_is_degraded() {
        let t = Instant::now();
        let mut status = Status::new(String::new(), false, t);
        status.polled(Ok(Duration::ZERO));
        status.streamed(Ok("1 partition, offset 7".into()), t);
        assert_eq!(status.health(), Health::Up);
        status.streamed(Err("broker gone".into()), t);
        assert_eq!((status.health(), status.error()), (Health::Degraded, "broker gone".into()));
        let gone = error(ErrorKind::Unreachable, "core gone");
        assert!(!status.polled(Err(&gone)));
        assert_eq!((status.health(), status.error()), (Health::Down, format!("{gone} | broker gone")));
        assert!(status.polled(Ok(Duration::ZERO)), "recovered");
        status.pause(true);
        assert_eq!(status.health(), Health::Paused);
    }
}
