//! Portions of a job: first a few, then a share, then the rest; and when the harm done so far stops it.

use crate::model::job::{StopRule, Waves};

use super::header::WaveCount;

/// The portion of the i-th of `total` devices.
#[must_use]
pub fn of(waves: Waves, total: u32, i: u32) -> u8 {
    let canary = waves.canary.min(total);
    if i < canary {
        return 0;
    }
    let first = u8::from(canary > 0);
    let share = (u64::from(total) * u64::from(waves.percent)).div_ceil(100) as u32;
    first + u8::from(share > 0 && i - canary >= share)
}

/// Whether the rule stops a job whose running portion stands so, in words.
#[must_use]
pub fn stops(rule: StopRule, wave: &WaveCount) -> Option<String> {
    let through = wave.judged.saturating_sub(wave.excused_judged);
    let failed = wave.failed.saturating_sub(wave.excused_failed);
    let enough = through >= rule.after.max(1) || (through > 0 && wave.left() == 0);
    let over = u64::from(failed) * 100 > u64::from(through) * u64::from(rule.percent);
    (rule.percent < 100 && enough && over).then(|| {
        let share = u64::from(failed) * 100 / u64::from(through.max(1));
        format!("{failed} of {through} failed ({share} %); the stop rule allows {} %", rule.percent)
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn sizes(waves: Waves, total: u32) -> Vec<u32> {
        let mut sizes = vec![0; 3];
        (0..total).for_each(|i| sizes[usize::from(of(waves, total, i))] += 1);
        sizes
    }

    #[test]
    fn portions_are_as_asked() {
        assert_eq!(sizes(Waves { canary: 5, percent: 10 }, 200), [5, 20, 175]);
        assert_eq!(sizes(Waves { canary: 0, percent: 0 }, 200), [200, 0, 0]);
        assert_eq!(sizes(Waves { canary: 5, percent: 0 }, 7), [5, 2, 0]);
        assert_eq!(sizes(Waves { canary: 0, percent: 10 }, 30), [3, 27, 0]);
        assert_eq!(sizes(Waves { canary: 50, percent: 10 }, 7), [7, 0, 0]);
    }

    #[test]
    fn harm_stops_it_but_not_before_there_is_enough_to_judge_by() {
        let rule = StopRule { percent: 20, after: 5 };
        let wave = |total, judged, failed| WaveCount { total, judged, failed, through: judged, ..WaveCount::default() };
        assert_eq!(stops(rule, &wave(100, 4, 4)), None);
        assert!(stops(rule, &wave(100, 5, 2)).unwrap().contains("2 of 5 failed (40 %)"));
        assert_eq!(stops(rule, &wave(100, 10, 2)), None, "20 % are allowed");
        assert!(stops(rule, &wave(3, 3, 1)).is_some(), "a whole small portion counts");
        assert_eq!(stops(StopRule { percent: 100, after: 0 }, &wave(9, 9, 9)), None);
        let excused = WaveCount { excused_judged: 5, excused_failed: 2, ..wave(100, 6, 2) };
        assert_eq!(stops(rule, &excused), None, "what an operator resumed over is not counted again");
    }

    proptest! {
        #[test]
        fn portions_rise_and_hold_everyone(canary in 0..300_u32, percent in 0..=100_u8, total in 0..300_u32) {
            let waves = Waves { canary, percent };
            let all: Vec<u8> = (0..total).map(|i| of(waves, total, i)).collect();
            prop_assert!(all.is_sorted());
            prop_assert!(all.iter().all(|w| *w <= 2));
        }
    }
}
