//! Any series of polls at all: resets, gaps, bursts, clocks that jump.

use proptest::prelude::*;

use super::*;

fn sane(f: &Forecast) -> bool {
    f.in_us.is_none_or(|us| us >= 0)
        && !(f.never && f.in_us.is_some())
        && !f.method.is_empty()
        && (f.in_us.is_none() || f.confidence > Confidence::None)
}

fn check(s: &ApplianceState) -> Result<(), TestCaseError> {
    prop_assert!(sane(&s.full) && sane(&s.first_loss), "{:?} {:?}", s.full, s.first_loss);
    prop_assert!(s.coverage_us.is_none_or(|us| us >= 0) && s.coverage_full_us.is_none_or(|us| us >= 0));
    prop_assert!(s.replay.done_in_us.is_none_or(|us| us >= 0));
    prop_assert!(s.losses.len() <= 8 && s.collectors.len() <= 32);
    prop_assert!(s.losses.iter().all(|l| l.pending.is_none_or(|p| p <= l.records)));
    for c in &s.collectors {
        prop_assert!(sane(&c.quota_full), "{:?}", c.quota_full);
    }
    Ok(())
}

/// One thing that may happen between two polls.
#[derive(Debug, Clone)]
enum Event {
    Grow(u64),
    Reset,
    Drop(u64),
    Forward(u64),
    Repeat,
    Gap(i64),
    Jump(i64),
    Silent,
    Odd(u64, i64, i64),
    Order,
    Up(bool),
}

fn any_event() -> impl Strategy<Value = Event> {
    prop_oneof![
        8 => (0_u64..5000).prop_map(Event::Grow),
        1 => Just(Event::Reset),
        2 => (0_u64..3000).prop_map(Event::Drop),
        2 => (0_u64..3000).prop_map(Event::Forward),
        1 => Just(Event::Repeat),
        1 => (0..3 * DAY).prop_map(Event::Gap),
        1 => (-3 * DAY..3 * DAY).prop_map(Event::Jump),
        1 => Just(Event::Silent),
        1 => (any::<u64>(), any::<i64>(), any::<i64>()).prop_map(|(n, o, l)| Event::Odd(n, o, l)),
        1 => Just(Event::Order),
        1 => any::<bool>().prop_map(Event::Up),
    ]
}

/// Plays events; hands every poll's step to `look`.
fn play(
    tracker: &mut Tracker,
    events: &[Event],
    mut look: impl FnMut(&Step) -> Result<(), TestCaseError>,
) -> Result<(), TestCaseError> {
    let (mut buffer, mut now, mut up) = (Buffer::default(), START, false);
    for event in events {
        let mut passed = 5 * SECOND;
        let mut silent = false;
        match *event {
            Event::Grow(n) => buffer.take(Ts(now), n, 300),
            Event::Reset => buffer = Buffer::default(),
            Event::Drop(n) => {
                let n = n.min(buffer.records);
                buffer.records -= n;
                buffer.bytes = buffer.records.saturating_mul(300);
                buffer.forwarded = buffer.forwarded.min(buffer.records);
                buffer.oldest = Ts(now - SECOND);
            }
            Event::Forward(n) => buffer.forwarded = (buffer.forwarded.saturating_add(n)).min(buffer.records),
            Event::Repeat => passed = 0,
            Event::Gap(us) | Event::Jump(us) => passed = us,
            Event::Silent => silent = true,
            Event::Odd(n, oldest, limit) => {
                buffer.records = n / 2;
                buffer.bytes = n / 2;
                buffer.forwarded = buffer.forwarded.min(buffer.records);
                buffer.oldest = Ts(oldest);
                buffer.limit = limit;
            }
            Event::Order => tracker.forward_ordered(Ts(now)),
            Event::Up(yes) => up = yes,
        }
        now = now.saturating_add(passed);
        let mut poll = buffer.poll(Ts(now));
        if up {
            poll.uplink = Answer::Said(UplinkStatus { connected: true, ..UplinkStatus::default() });
        }
        if silent {
            poll = Poll { at: Ts(now), stats: Answer::Silent("time-out".into()), ..Poll::default() };
        }
        let step = tracker.step(&poll);
        look(&step)?;
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 120, ..ProptestConfig::default() })]

    #[test]
    fn any_series_of_polls_gives_sane_numbers(events in prop::collection::vec(any_event(), 1..120)) {
        let mut tracker = Tracker::new(Settings::default());
        play(&mut tracker, &events, |step| check(&step.state))?;
        prop_assert!(tracker.memory() < 64 * 1024, "{} bytes", tracker.memory());
    }

    /// Whatever else happens, a rate is never above what the fastest stretch of the series really had.
    #[test]
    fn a_rate_is_never_above_what_came_in(
        events in prop::collection::vec(
            prop_oneof![
                6 => (0_u64..2000).prop_map(Event::Grow),
                1 => Just(Event::Reset),
                1 => Just(Event::Silent),
                1 => Just(Event::Repeat),
                1 => (-HOUR..HOUR).prop_map(Event::Jump),
            ],
            1..150,
        ),
    ) {
        let mut tracker = Tracker::new(Settings::default());
        // Never more than 2000 records in five seconds.
        let most = 2000 * 1000 / 5;
        play(&mut tracker, &events, |step| {
            if let Some(rate) = step.state.in_milli {
                prop_assert!(rate <= most, "{rate} of at most {most}");
            }
            Ok(())
        })?;
    }

    /// Alarms come in pairs, a clear only after a raise, and never twice the same; and what stands is
    /// what was told.
    #[test]
    fn raises_and_clears_are_sound(events in prop::collection::vec(any_event(), 1..150)) {
        let mut tracker = Tracker::new(Settings::default());
        let mut standing = std::collections::BTreeMap::new();
        let mut changed: std::collections::BTreeMap<_, (usize, usize)> = std::collections::BTreeMap::new();
        let mut poll = 0;
        play(&mut tracker, &events, |step| {
            poll += 1;
            for a in &step.alarms {
                let key = (a.type_id, a.collector.clone(), a.qualifier.clone());
                match &a.raise {
                    Some((severity, text)) => {
                        prop_assert!(!text.is_empty());
                        let before = standing.insert(key.clone(), *severity);
                        prop_assert_ne!(before, Some(*severity), "told twice: {:?}", key);
                    }
                    None => prop_assert!(standing.remove(&key).is_some(), "cleared and never raised: {:?}", key),
                }
                // No way back before the type's own number of polls is over.
                let wait = TYPES.iter().find(|(id, ..)| *id == a.type_id).map_or(1, |(_, up, down)| {
                    usize::from(if a.raise.is_some() { *up } else { *down })
                });
                if let Some((then, _)) = changed.insert(key.clone(), (poll, 0)) {
                    prop_assert!(poll - then >= wait, "{:?} flaps", key);
                }
            }
            let told = &step.state.standing;
            prop_assert_eq!(told.len(), standing.len());
            Ok(())
        })?;
        prop_assert_eq!(tracker.standing().len(), standing.len());
    }

    /// A restart of noctule in the middle of a steady series changes little of what is said after it.
    #[test]
    fn a_restart_of_noctule_is_hardly_seen(
        rate in 5_u64..400,
        size in 100_u64..2000,
        before in 30_i64..400,
        away in 1_i64..20,
        after in 4_i64..100,
    ) {
        let (mut whole, mut first) = (Tracker::new(Settings::default()), Tracker::new(Settings::default()));
        let mut buffer = Buffer::default();
        let mut past: Vec<Point> = Vec::new();
        let mut last = ApplianceState::default();
        let grow = |buffer: &mut Buffer, i: i64| {
            buffer.take(at(i * 5), rate * 5, size);
            buffer.poll(at(i * 5))
        };
        for i in 0..before {
            let poll = grow(&mut buffer, i);
            whole.step(&poll);
            last = first.step(&poll).state;
            if i % 3 == 2 {
                past.push(Point {
                    at: at(i * 5 - 10),
                    step_us: 15 * SECOND,
                    polls: 3,
                    answered: 3,
                    records: last.records,
                    bytes: last.used_bytes,
                    ..Point::default()
                });
            }
        }
        // Nothing of the first process is left.
        let mut second = Tracker::new(Settings::default());
        second.resume(&last, &past);
        prop_assert_eq!(second.standing().len(), first.standing().len());
        for i in before..before + away {
            let poll = grow(&mut buffer, i);
            whole.step(&poll);
        }
        let mut states = (ApplianceState::default(), ApplianceState::default());
        for i in before + away..before + away + after {
            let poll = grow(&mut buffer, i);
            states = (whole.step(&poll).state, second.step(&poll).state);
        }
        let (a, b) = states;
        let near = |a: Option<u64>, b: Option<u64>| match (a, b) {
            (Some(a), Some(b)) => a.abs_diff(b) <= a / 10 + 100,
            (a, b) => a == b,
        };
        prop_assert!(near(a.in_milli, b.in_milli), "{:?} {:?}", a.in_milli, b.in_milli);
        let us = |f: &Forecast| f.in_us.and_then(|us| u64::try_from(us).ok());
        prop_assert!(near(us(&a.full), us(&b.full)), "{:?} {:?}", a.full, b.full);
        prop_assert_eq!(a.contact, b.contact);
        prop_assert_eq!(a.collector("fluent-bit").map(|c| c.flow), b.collector("fluent-bit").map(|c| c.flow));
        prop_assert_eq!(a.losses.len(), b.losses.len());
    }
}
