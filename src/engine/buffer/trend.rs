//! A counter's past in a few dozen points at several horizons, and a line through them that a few odd
//! points do not bend.

use std::collections::VecDeque;

use crate::model::time::{HOUR, MINUTE, SECOND};

/// Horizons of a buffer's bytes, the shortest first: time between points, most points.
pub(super) const BYTES: &[(i64, usize)] = &[(15 * SECOND, 40), (4 * MINUTE, 45), (30 * MINUTE, 48)];
/// Horizons of a collector's records.
pub(super) const RECORDS: &[(i64, usize)] = &[(30 * SECOND, 20), (HOUR, 24)];

/// Fewest points of a line.
const LEAST: usize = 4;

/// A line through the points of one horizon.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Line {
    /// Rise a second.
    pub(super) slope: f64,
    /// Time from the first to the last point, µs.
    pub(super) span: i64,
    /// Points.
    pub(super) points: usize,
    /// Half of the points are at most so far from the line, as a part of the rise over the span.
    pub(super) scatter: f64,
    /// The newest points have left the line: it tells of the past, not of now.
    pub(super) left: bool,
    /// Most of the rise came in one step: what happened once need not go on.
    pub(super) step: bool,
    /// Which horizon, 0 the shortest.
    pub(super) horizon: usize,
}

#[derive(Debug, Clone)]
struct Horizon {
    points: VecDeque<(i64, u64)>,
    /// Slope a µs, value at the first point, median distance; of the points as they are.
    fit: Option<(f64, f64, f64)>,
}

impl Horizon {
    /// Whether half of the rise over the span came between two neighbours, in a time that would
    /// have seen a third of that at most had it risen evenly: a gap between points is no step.
    fn steps(&self, rise: f64, span: i64, grain: f64) -> bool {
        self.points.iter().zip(self.points.iter().skip(1)).any(|(&(t1, v1), &(t2, v2))| {
            let (up, passed) = (v2.saturating_sub(v1) as f64, t2.saturating_sub(t1) as f64);
            up > 3.0 * grain && up > 0.5 * rise && up * span as f64 > 3.0 * rise * passed
        })
    }
}

/// The past of one counter.
#[derive(Debug, Clone)]
pub(super) struct Trend {
    shape: &'static [(i64, usize)],
    horizons: Vec<Horizon>,
}

impl Trend {
    /// Without a past.
    pub(super) fn new(shape: &'static [(i64, usize)]) -> Self {
        let horizons = shape.iter().map(|_| Horizon { points: VecDeque::new(), fit: None }).collect();
        Self { shape, horizons }
    }

    /// Takes a value. Values that come faster than a horizon's step are passed over there.
    pub(super) fn add(&mut self, now: i64, value: u64) {
        for (horizon, &(step, most)) in self.horizons.iter_mut().zip(self.shape) {
            let due = horizon.points.back().is_none_or(|(last, _)| now.saturating_sub(*last) >= step);
            if !due {
                continue;
            }
            let reach = step.saturating_mul(most as i64);
            while horizon.points.front().is_some_and(|(t, _)| now.saturating_sub(*t) >= reach)
                || horizon.points.len() >= most
            {
                horizon.points.pop_front();
            }
            horizon.points.push_back((now, value));
            horizon.fit = fit(&horizon.points);
        }
    }

    /// The counter fell: the shortest horizon starts anew, the others see falls as part of the way
    /// things go. After a `deep` fall nothing of before is worth anything.
    pub(super) fn fell(&mut self, deep: bool) {
        for horizon in self.horizons.iter_mut().take(if deep { usize::MAX } else { 1 }) {
            horizon.points.clear();
            horizon.fit = None;
        }
    }

    /// The line of the longest horizon that fits and that the newest points have not left; when they
    /// have left all, the shortest. `grain`: what cannot be seen of a value (1 MiB where the
    /// appliance rounds). `None`: too few points.
    pub(super) fn line(&self, now: i64, value: u64, grain: f64) -> Option<Line> {
        let lines = self.horizons.iter().enumerate().filter_map(|(i, h)| self.of(i, h, now, value, grain));
        let lines: Vec<Line> = lines.collect();
        lines.iter().rev().find(|l| !l.left).or_else(|| lines.first()).copied()
    }

    fn of(&self, horizon: usize, h: &Horizon, now: i64, value: u64, grain: f64) -> Option<Line> {
        let (per_us, start, distance) = h.fit?;
        let (first, last) = (h.points.front()?.0, h.points.back()?.0);
        let span = last.saturating_sub(first);
        let (step, most) = *self.shape.get(horizon)?;
        // A longer horizon speaks when it has seen a good part of what it is there for.
        let enough = if horizon == 0 { 2 * step } else { step.saturating_mul(most as i64) / 6 };
        if span < enough {
            return None;
        }
        let rise = (per_us * span as f64).abs();
        let off = |t: i64, v: u64| v as f64 - start - per_us * t.saturating_sub(first) as f64;
        let mut newest: Vec<f64> =
            h.points.iter().rev().take(2).map(|&(t, v)| off(t, v)).chain([off(now, value)]).collect();
        newest.sort_by(f64::total_cmp);
        let newest = newest.get(1).copied().unwrap_or_default().abs();
        let allowed = (2.0 * grain).max(3.0 * distance).max(0.1 * rise);
        let scatter = if rise > grain { distance / rise } else { f64::from(u8::from(distance > grain)) };
        let left = newest > allowed;
        let step = h.steps(rise, span, grain);
        Some(Line { slope: per_us * SECOND as f64, span, points: h.points.len(), scatter, left, step, horizon })
    }

    /// Bytes on the heap.
    pub(super) fn heap(&self) -> usize {
        self.horizons.iter().map(|h| size_of::<Horizon>() + h.points.capacity() * size_of::<(i64, u64)>()).sum()
    }
}

/// Theil and Sen's line: the median of the slopes of all pairs, through the median of the points. A
/// third of the points may be anything.
fn fit(points: &VecDeque<(i64, u64)>) -> Option<(f64, f64, f64)> {
    if points.len() < LEAST {
        return None;
    }
    let first = points.front()?.0;
    let xy: Vec<(f64, f64)> = points.iter().map(|&(t, v)| (t.saturating_sub(first) as f64, v as f64)).collect();
    let mut slopes = Vec::with_capacity(xy.len() * xy.len() / 2);
    for (i, (x1, y1)) in xy.iter().enumerate() {
        slopes.extend(xy.iter().skip(i + 1).filter(|(x2, _)| x2 > x1).map(|(x2, y2)| (y2 - y1) / (x2 - x1)));
    }
    let slope = median(&mut slopes)?;
    let mut starts: Vec<f64> = xy.iter().map(|(x, y)| y - slope * x).collect();
    let start = median(&mut starts)?;
    let mut distances: Vec<f64> = xy.iter().map(|(x, y)| (y - start - slope * x).abs()).collect();
    Some((slope, start, median(&mut distances)?))
}

fn median(values: &mut [f64]) -> Option<f64> {
    let middle = values.len() / 2;
    if values.is_empty() {
        return None;
    }
    let (_, value, _) = values.select_nth_unstable_by(middle, f64::total_cmp);
    value.is_finite().then_some(*value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_not_bent_by_odd_points() {
        let mut t = Trend::new(BYTES);
        for i in 0..200_i64 {
            let odd = if i % 7 == 3 { 900_000 } else { 0 };
            t.add(i * 5 * SECOND, (1_000_000 + i * 5 * 100 + odd).unsigned_abs());
        }
        let line = t.line(199 * 5 * SECOND, 1_000_000 + 99_500, 1.0).unwrap();
        assert!((line.slope - 100.0).abs() < 3.0, "{line:?}");
    }

    #[test]
    fn a_change_is_seen_within_minutes() {
        let mut t = Trend::new(BYTES);
        let mut now = 0;
        for _ in 0..2000 {
            now += 5 * SECOND;
            t.add(now, 50_000_000);
        }
        assert!(t.line(now, 50_000_000, 1.0).unwrap().slope.abs() < 0.01);
        let mut bytes = 50_000_000;
        for _ in 0..36 {
            now += 5 * SECOND;
            bytes += 50_000;
            t.add(now, bytes);
        }
        let line = t.line(now, bytes, 1.0).unwrap();
        assert_eq!(line.horizon, 0, "{line:?}");
    }

    #[test]
    fn a_step_is_told_from_a_rise_and_a_gap_is_no_step() {
        let run = |value: fn(i64) -> i64, at: fn(i64) -> i64| {
            let mut t = Trend::new(BYTES);
            for i in 0..40 {
                t.add(at(i) * SECOND, value(i).unsigned_abs());
            }
            t.line(at(39) * SECOND, value(39).unsigned_abs(), 1.0).unwrap()
        };
        let even = |i: i64| i * 15;
        assert!(run(|i| if i < 20 { 1_000_000 } else { 9_000_000 }, even).step);
        assert!(!run(|i| 1_000_000 + i * 50_000, even).step);
        // Nothing was seen for half of the time.
        assert!(
            !run(
                |i| 1_000_000 + i * 50_000 + if i < 20 { 0 } else { 1_000_000 },
                |i| { i * 15 + if i < 20 { 0 } else { 300 } }
            )
            .step
        );
    }

    #[test]
    fn too_few_points_make_no_line() {
        let mut t = Trend::new(BYTES);
        for i in 0..3 {
            t.add(i * 15 * SECOND, 5);
        }
        assert_eq!(t.line(30 * SECOND, 5, 1.0), None);
    }
}
