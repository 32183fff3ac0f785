//! How far a command is, on standard error: one line that is written anew on a terminal, else a line a
//! second at most, so that a log stays readable. What is printed on standard output is the result alone.

use std::fmt::Write as _;
use std::io::{self, IsTerminal as _, Write as _};
use std::sync::Mutex;
use std::time::{Duration, Instant};

use crate::cli::fresh::say;
use crate::engine::vm::pace::{Pace, VmProgress};
use crate::model::text::{iec, width};
use crate::model::time::{SECOND, brief_duration};
use crate::workers::{lock, now};

/// The least time between two lines of a log, and between two looks of a line on a terminal.
const LOG: Duration = Duration::from_secs(1);
const TERMINAL: Duration = Duration::from_millis(100);

/// Tells it.
#[derive(Debug)]
pub(super) struct Teller {
    title: &'static str,
    /// Targets of the command. What is told of a single one are bytes, of several how many are done.
    targets: u64,
    terminal: bool,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    pace: Pace,
    told: Option<Instant>,
    /// Columns of the line that stands on the terminal.
    columns: usize,
}

impl Teller {
    /// For a command with so many targets.
    pub(super) fn new(title: &'static str, targets: u64) -> Self {
        Self { title, targets, terminal: io::stderr().is_terminal(), state: Mutex::default() }
    }

    /// So much is done.
    pub(super) fn told(&self, done: u64, total: u64) {
        // That a single one is done, the outcome says.
        if self.targets <= 1 && total <= 1 {
            return;
        }
        let mut state = lock(&self.state);
        let progress = state.pace.at(self.title, now(), done, total);
        let least = if self.terminal { TERMINAL } else { LOG };
        if state.told.is_some_and(|told| told.elapsed() < least) {
            return;
        }
        state.told = Some(Instant::now());
        let line = if self.targets > 1 { counting(&progress) } else { moving(&progress) };
        if self.terminal {
            state.rewrite(&line);
        } else {
            say(&line);
        }
    }

    /// A line that stays.
    pub(super) fn say(&self, words: &str) {
        lock(&self.state).rewrite("");
        say(words);
    }
}

impl Drop for Teller {
    /// The line on the terminal goes: the outcome is told in its place.
    fn drop(&mut self) {
        lock(&self.state).rewrite("");
    }
}

impl State {
    /// Puts a line where the last one stands; there is none before the first.
    fn rewrite(&mut self, line: &str) {
        if line.is_empty() && self.columns == 0 {
            return;
        }
        let blank = " ".repeat(self.columns.saturating_sub(width(line)));
        let mut err = io::stderr().lock();
        let back = if line.is_empty() { "\r" } else { "" };
        let _ = write!(err, "\r{line}{blank}{back}").and_then(|()| err.flush());
        self.columns = width(line);
    }
}

/// Bytes of one machine: percent, rate, and how long it will take.
fn moving(progress: &VmProgress) -> String {
    let mut line = format!("{}: ", progress.doing);
    match progress.permille() {
        Some(permille) => {
            let _ = write!(line, "{}.{} % of {}", permille / 10, permille % 10, iec(progress.total));
        }
        None => line.push_str(&iec(progress.done)),
    }
    if let Some(rate) = progress.rate.filter(|rate| *rate > 0) {
        let _ = write!(line, ", {}/s", iec(rate));
    }
    if let Some(left) = progress.left_s.filter(|_| progress.done < progress.total) {
        let left = i64::try_from(left).unwrap_or(i64::MAX).saturating_mul(SECOND);
        let _ = write!(line, ", {} left", brief_duration(left));
    }
    line
}

/// How many machines are done.
fn counting(progress: &VmProgress) -> String {
    format!("{}: {} of {}", progress.doing, progress.done, progress.total)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::time::Ts;

    #[test]
    fn a_line_tells_percent_rate_and_what_is_left_as_far_as_they_are_known() {
        let mut pace = Pace::default();
        let at = |s: i64| Ts(s * SECOND);
        assert_eq!(moving(&pace.at("Back up", at(0), 0, 4 << 30)), "Back up: 0.0 % of 4.0 GiB");
        assert_eq!(
            moving(&pace.at("Back up", at(10), 1 << 30, 4 << 30)),
            "Back up: 25.0 % of 4.0 GiB, 102 MiB/s, 30s left"
        );
        assert_eq!(moving(&pace.at("Back up", at(40), 4 << 30, 4 << 30)), "Back up: 100.0 % of 4.0 GiB, 102 MiB/s");
        assert_eq!(moving(&Pace::default().at("Move", at(0), 5 << 20, 0)), "Move: 5.0 MiB");
        assert_eq!(counting(&Pace::default().at("Start", at(0), 3, 10)), "Start: 3 of 10");
    }
}
