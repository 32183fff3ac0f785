//! Statistics over measured times. Exact: every sample is kept, none is estimated.

/// What a row of times says, all in µs.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Stats {
    /// How many.
    pub count: u64,
    /// Shortest.
    pub min_us: u64,
    /// Mean.
    pub avg_us: f64,
    /// Longest.
    pub max_us: u64,
    /// Standard deviation of all of them (not of a sample of them).
    pub stddev_us: f64,
    /// Mean difference between one and the next, in the order they came.
    pub jitter_us: f64,
    /// Half of them are at most this long.
    pub p50_us: u64,
    /// 90 % of them are at most this long.
    pub p90_us: u64,
    /// 95 % of them are at most this long.
    pub p95_us: u64,
    /// 99 % of them are at most this long.
    pub p99_us: u64,
}

impl Stats {
    /// Of times in the order they came; `None` when there are none.
    #[must_use]
    pub fn of(times_us: &[u64]) -> Option<Self> {
        let mut sorted = times_us.to_vec();
        sorted.sort_unstable();
        let (min, max) = (*sorted.first()?, *sorted.last()?);
        let n = sorted.len() as f64;
        let avg = sorted.iter().map(|t| *t as f64).sum::<f64>() / n;
        let variance = sorted.iter().map(|t| (*t as f64 - avg).powi(2)).sum::<f64>() / n;
        let steps = times_us.iter().zip(times_us.iter().skip(1)).map(|(a, b)| a.abs_diff(*b) as f64);
        let pairs = times_us.len() - 1;
        Some(Self {
            count: sorted.len() as u64,
            min_us: min,
            avg_us: avg.clamp(min as f64, max as f64),
            max_us: max,
            stddev_us: variance.sqrt(),
            jitter_us: if pairs == 0 { 0.0 } else { steps.sum::<f64>() / pairs as f64 },
            p50_us: percentile(&sorted, 50),
            p90_us: percentile(&sorted, 90),
            p95_us: percentile(&sorted, 95),
            p99_us: percentile(&sorted, 99),
        })
    }
}

/// The smallest value that at least `percent` of all are not above (nearest rank); 0 of none.
pub(super) fn percentile(sorted: &[u64], percent: usize) -> u64 {
    let rank = (sorted.len() * percent).div_ceil(100).max(1);
    sorted.get(rank - 1).copied().unwrap_or_default()
}

/// Lost of sent, in percent; 0 when nothing was sent.
#[must_use]
pub(super) fn loss_percent(sent: u64, received: u64) -> f64 {
    if sent == 0 { 0.0 } else { sent.saturating_sub(received) as f64 * 100.0 / sent as f64 }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn known_times_give_known_figures() {
        let s = Stats::of(&[2, 4, 4, 4, 5, 5, 7, 9]).unwrap();
        assert_eq!((s.count, s.min_us, s.max_us, s.p50_us, s.p90_us, s.p99_us), (8, 2, 9, 4, 9, 9));
        assert!((s.avg_us - 5.0).abs() < 1e-9 && (s.stddev_us - 2.0).abs() < 1e-9, "{s:?}");
        assert!((s.jitter_us - 1.0).abs() < 1e-9, "{s:?}");
        assert_eq!(Stats::of(&[]), None);
        let hundred: Vec<u64> = (1..=100).rev().collect();
        let s = Stats::of(&hundred).unwrap();
        assert_eq!((s.p50_us, s.p90_us, s.p95_us, s.p99_us), (50, 90, 95, 99));
        assert!((loss_percent(8, 6) - 25.0).abs() < 1e-9);
        assert!(loss_percent(0, 0).abs() < 1e-9);
    }

    proptest! {
        #[test]
        fn figures_keep_their_order(times in proptest::collection::vec(0_u64..1 << 40, 1..200)) {
            let s = Stats::of(&times).unwrap();
            let ladder = [s.min_us, s.p50_us, s.p90_us, s.p95_us, s.p99_us, s.max_us];
            prop_assert!(ladder.is_sorted(), "{:?}", ladder);
            prop_assert!(s.min_us as f64 <= s.avg_us && s.avg_us <= s.max_us as f64);
            let width = (s.max_us - s.min_us) as f64;
            // Half the width is the most that a deviation can be (Popoviciu).
            prop_assert!(s.stddev_us >= 0.0 && s.stddev_us <= width / 2.0 + 1.0, "{:?}", s);
            prop_assert!(s.jitter_us >= 0.0 && s.jitter_us <= width);
            for (percent, value) in [(50, s.p50_us), (90, s.p90_us), (95, s.p95_us), (99, s.p99_us)] {
                prop_assert!(times.contains(&value));
                let below = times.iter().filter(|t| **t <= value).count();
                prop_assert!(below * 100 >= times.len() * percent);
                let under = times.iter().filter(|t| **t < value).count();
                prop_assert!(under * 100 < times.len() * percent);
            }
        }
    }
}
