//! What keeps one bad source from harming the rest: a circuit breaker, a limit on the rate of
//! calls, and the pauses between tries. All of it is pure (the present is an argument), so that
//! tests need no sleeping and a state can be shown as it stands.

use std::time::{Duration, Instant};

use backon::{BackoffBuilder, ExponentialBuilder};

use crate::model::source::Breaker;

/// When a breaker opens, and for how long.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BreakerPolicy {
    /// Failures in a row that open it.
    pub failures: u32,
    /// First pause; doubles while the probes fail.
    pub cool_down: Duration,
    /// Longest pause.
    pub cool_down_max: Duration,
}

impl Default for BreakerPolicy {
    fn default() -> Self {
        Self { failures: 5, cool_down: Duration::from_secs(5), cool_down_max: Duration::from_secs(15) }
    }
}

/// A circuit breaker: after some failures in a row calls are refused for a while, then one call is
/// let through to see.
#[derive(Debug, Clone)]
pub struct CircuitBreaker {
    policy: BreakerPolicy,
    failures: u32,
    cool_down: Duration,
    /// When the pause began, or the running probe was let through.
    since: Option<Instant>,
    state: Breaker,
}

impl CircuitBreaker {
    /// A closed breaker.
    #[must_use]
    pub const fn new(policy: BreakerPolicy) -> Self {
        Self { policy, failures: 0, cool_down: policy.cool_down, since: None, state: Breaker::Closed }
    }

    /// Asks to make a call.
    ///
    /// # Errors
    /// The time to wait, when it is refused. While a probe runs, others wait for its outcome; a
    /// probe that never reports (its caller went away) frees its place after one pause.
    pub fn admit(&mut self, now: Instant) -> Result<(), Duration> {
        if self.state == Breaker::Closed {
            return Ok(());
        }
        let waited = self.since.map_or(self.cool_down, |since| now.saturating_duration_since(since));
        if waited < self.cool_down {
            return Err(self.cool_down.saturating_sub(waited));
        }
        self.state = Breaker::HalfOpen;
        self.since = Some(now);
        Ok(())
    }

    /// A call went well: the source answers.
    pub const fn success(&mut self) {
        self.failures = 0;
        self.cool_down = self.policy.cool_down;
        self.since = None;
        self.state = Breaker::Closed;
    }

    /// A call failed because the source could not be reached or did not answer in time.
    pub fn failure(&mut self, now: Instant) {
        self.failures = self.failures.saturating_add(1);
        match self.state {
            Breaker::HalfOpen => {
                self.cool_down = self.cool_down.saturating_mul(2).min(self.policy.cool_down_max);
                self.open(now);
            }
            Breaker::Closed if self.failures >= self.policy.failures => self.open(now),
            Breaker::Closed | Breaker::Open => {}
        }
    }

    /// Something else says that the source is back: the next call is let through to see.
    pub const fn hint(&mut self) {
        if matches!(self.state, Breaker::Open) {
            self.cool_down = self.policy.cool_down;
            self.since = None;
        }
    }

    const fn open(&mut self, now: Instant) {
        self.state = Breaker::Open;
        self.since = Some(now);
    }

    /// Closes it at an operator's wish.
    pub const fn reset(&mut self) {
        self.success();
    }

    /// Its state.
    #[must_use]
    pub const fn state(&self) -> Breaker {
        self.state
    }
}

/// A limit on the rate of calls: a bucket of tokens that refills steadily.
#[derive(Debug, Clone)]
pub struct TokenBucket {
    capacity: f64,
    per_second: f64,
    tokens: f64,
    filled: Instant,
}

impl TokenBucket {
    /// A full bucket of `burst` calls that refills with `per_second` calls a second.
    #[must_use]
    pub fn new(burst: u32, per_second: u32, now: Instant) -> Self {
        let capacity = f64::from(burst.max(1));
        Self { capacity, per_second: f64::from(per_second.max(1)), tokens: capacity, filled: now }
    }

    /// Takes a token; the time to wait before the call may be made (zero for at once). Callers
    /// that wait have their token already, so they come out in order.
    pub fn take(&mut self, now: Instant) -> Duration {
        let passed = now.saturating_duration_since(self.filled).as_secs_f64();
        self.filled = now.max(self.filled);
        self.tokens = passed.mul_add(self.per_second, self.tokens).min(self.capacity) - 1.0;
        if self.tokens >= 0.0 { Duration::ZERO } else { Duration::from_secs_f64(-self.tokens / self.per_second) }
    }
}

/// Events a second over a sliding pair of windows, in thousandths.
#[derive(Debug, Clone)]
pub struct RateMeter {
    window: Duration,
    began: Instant,
    count: u64,
    last_milli: u64,
}

impl RateMeter {
    /// A meter with windows of this length.
    #[must_use]
    pub const fn new(window: Duration, now: Instant) -> Self {
        Self { window, began: now, count: 0, last_milli: 0 }
    }

    /// Counts.
    pub fn add(&mut self, n: u64, now: Instant) {
        self.roll(now);
        self.count = self.count.saturating_add(n);
    }

    /// The rate of the last whole window.
    pub fn milli(&mut self, now: Instant) -> u64 {
        self.roll(now);
        self.last_milli
    }

    fn roll(&mut self, now: Instant) {
        let passed = now.saturating_duration_since(self.began);
        if passed < self.window {
            return;
        }
        let millis = u64::try_from(passed.as_millis()).unwrap_or(u64::MAX).max(1);
        self.last_milli = self.count.saturating_mul(1_000_000) / millis;
        self.count = 0;
        self.began = now;
    }
}

/// The pauses before the next tries of one call: two retries, 200 ms to 2 s, with jitter. Only for
/// calls that may be repeated without harm.
pub fn call_pauses() -> impl Iterator<Item = Duration> + Send {
    ExponentialBuilder::default()
        .with_min_delay(Duration::from_millis(200))
        .with_max_delay(Duration::from_secs(2))
        .with_max_times(2)
        .with_jitter()
        .build()
}

/// The pauses between attempts to reach a source again: 1 s, growing to 8 s, each with up to as
/// much again of jitter, without end. Short, because an operator waits for the end of the outage.
pub fn reconnect_pauses() -> impl Iterator<Item = Duration> + Send {
    ExponentialBuilder::default()
        .with_min_delay(Duration::from_secs(1))
        .with_max_delay(Duration::from_secs(8))
        .without_max_times()
        .with_jitter()
        .build()
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn breaker() -> CircuitBreaker {
        CircuitBreaker::new(BreakerPolicy { failures: 3, cool_down: 4 * SECOND, cool_down_max: 10 * SECOND })
    }

    #[test]
    fn opens_after_failures_in_a_row_only() {
        let (mut b, t) = (breaker(), Instant::now());
        b.failure(t);
        b.failure(t);
        b.success();
        b.failure(t);
        b.failure(t);
        assert_eq!(b.state(), Breaker::Closed);
        b.failure(t);
        assert_eq!(b.state(), Breaker::Open);
        assert_eq!(b.admit(t + SECOND), Err(3 * SECOND));
    }

    #[test]
    fn one_probe_decides_and_the_pause_grows_to_its_limit() {
        let (mut b, mut t) = (breaker(), Instant::now());
        for _ in 0..3 {
            b.failure(t);
        }
        for pause in [4, 8, 10, 10] {
            assert!(b.admit(t + pause * SECOND - Duration::from_millis(1)).is_err());
            t += pause * SECOND;
            assert_eq!(b.admit(t), Ok(()));
            assert_eq!(b.state(), Breaker::HalfOpen);
            assert!(b.admit(t).is_err(), "one probe at a time");
            b.failure(t);
            assert_eq!(b.state(), Breaker::Open);
        }
        t += 10 * SECOND;
        assert_eq!(b.admit(t), Ok(()));
        b.success();
        assert_eq!(b.state(), Breaker::Closed);
        for _ in 0..3 {
            b.failure(t);
        }
        assert_eq!(b.admit(t), Err(4 * SECOND), "the pause begins anew");
    }

    #[test]
    fn a_probe_that_never_reports_frees_its_place() {
        let (mut b, t) = (breaker(), Instant::now());
        for _ in 0..3 {
            b.failure(t);
        }
        assert_eq!(b.admit(t + 4 * SECOND), Ok(()));
        assert!(b.admit(t + 5 * SECOND).is_err());
        assert_eq!(b.admit(t + 8 * SECOND), Ok(()));
    }

    #[test]
    fn a_hint_lets_one_call_through_before_its_time() {
        let (mut b, t) = (breaker(), Instant::now());
        b.hint();
        for _ in 0..3 {
            b.failure(t);
        }
        assert!(b.admit(t + SECOND).is_err());
        b.hint();
        assert_eq!((b.state(), b.admit(t + SECOND)), (Breaker::Open, Ok(())));
        b.hint();
        assert!(b.admit(t + SECOND).is_err(), "one probe at a time");
    }

    #[test]
    fn an_operator_closes_it() {
        let (mut b, t) = (breaker(), Instant::now());
        for _ in 0..3 {
            b.failure(t);
        }
        b.reset();
        assert_eq!(b.admit(t), Ok(()));
        assert_eq!(b.state(), Breaker::Closed);
    }

    #[test]
    fn the_bucket_lets_a_burst_pass_and_then_the_rate() {
        let t = Instant::now();
        let mut bucket = TokenBucket::new(3, 10, t);
        assert_eq!([(); 3].map(|()| bucket.take(t)), [Duration::ZERO; 3]);
        assert_eq!(bucket.take(t), Duration::from_millis(100));
        assert_eq!(bucket.take(t), Duration::from_millis(200));
        assert_eq!(bucket.take(t + SECOND), Duration::ZERO);
    }

    #[test]
    fn the_meter_tells_the_last_whole_window() {
        let t = Instant::now();
        let mut meter = RateMeter::new(10 * SECOND, t);
        meter.add(50, t + SECOND);
        assert_eq!(meter.milli(t + 2 * SECOND), 0);
        assert_eq!(meter.milli(t + 10 * SECOND), 5_000);
        assert_eq!(meter.milli(t + 20 * SECOND), 0);
    }

    #[test]
    fn pauses_are_bounded() {
        assert_eq!(call_pauses().count(), 2);
        assert!(reconnect_pauses().take(50).all(|p| p >= SECOND && p <= 16 * SECOND));
    }
}
