//! How far something is and how long it will take, from what the host tells now and then.

use crate::model::time::{SECOND, Ts};
use crate::model::vm::state::VmJob;

/// Over how long a rate is averaged, µs.
const MEMORY: i64 = 10 * SECOND;

/// How far an operation is.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct VmProgress {
    /// What is being done, in words.
    pub doing: String,
    /// Bytes (or parts of it) done.
    pub done: u64,
    /// In all; 0 while that is not known.
    pub total: u64,
    /// Bytes a second.
    pub rate: Option<u64>,
    /// Seconds that are left at that rate.
    pub left_s: Option<u64>,
    /// Passes over the memory of a machine that moves.
    pub iteration: Option<u64>,
    /// For how long it stands still, expected or measured, ms.
    pub downtime_ms: Option<u64>,
}

impl VmProgress {
    /// Permille done; `None` while the whole is not known.
    #[must_use]
    pub fn permille(&self) -> Option<u16> {
        let part = u128::from(self.done.min(self.total)) * 1000;
        part.checked_div(u128::from(self.total)).and_then(|p| u16::try_from(p).ok())
    }
}

/// Folds what is told into rates.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Pace {
    last: Option<(Ts, u64)>,
    rate: Option<f64>,
}

impl Pace {
    /// `done` of `total` bytes at that moment.
    pub fn at(&mut self, doing: &str, at: Ts, done: u64, total: u64) -> VmProgress {
        if let Some((before, was)) = self.last {
            let gone = at.since(before);
            if gone > 0 && done >= was {
                let now = (done - was) as f64 * SECOND as f64 / gone as f64;
                // The longer since the last look, the more the new one counts.
                let weight = (gone as f64 / MEMORY as f64).min(1.0);
                self.rate = Some(self.rate.map_or(now, |rate| rate + (now - rate) * weight.max(0.1)));
            } else if done < was {
                // Another part has begun.
                self.rate = None;
            }
        }
        if self.last.is_none_or(|(before, _)| at.since(before) > 0) {
            self.last = Some((at, done));
        }
        let rate = self.rate.filter(|rate| *rate >= 1.0);
        let left_s = rate.map(|rate| (total.saturating_sub(done) as f64 / rate).ceil() as u64).filter(|_| total > 0);
        VmProgress {
            doing: doing.to_owned(),
            done,
            total,
            rate: self.rate.map(|rate| rate as u64),
            left_s,
            ..VmProgress::default()
        }
    }

    /// The same from a job that the host tells of.
    pub fn job(&mut self, at: Ts, job: &VmJob) -> VmProgress {
        let mut progress = self.at(&job.operation, at, job.done, job.total);
        progress.rate = job.rate.or(progress.rate);
        progress.iteration = job.iteration;
        progress.downtime_ms = job.downtime_ms;
        progress
    }
}

/// The last percentage that a `qemu-img … -p` has written, in hundredths of a percent: it writes
/// `    (12.34/100%)` and a carriage return, over and over.
#[must_use]
pub fn percent(output: &str) -> Option<u32> {
    let end = output.rfind("/100%)")?;
    let number = output.get(..end)?;
    let number = number.get(number.rfind('(')? + 1..)?.trim();
    let (whole, part) = number.split_once('.').unwrap_or((number, "0"));
    let whole: u32 = whole.parse().ok().filter(|whole| *whole <= 100)?;
    let part: u32 = match part.len() {
        1 => part.parse::<u32>().ok()? * 10,
        _ => part.get(..2)?.parse().ok()?,
    };
    Some((whole * 100 + part).min(10_000))
}
