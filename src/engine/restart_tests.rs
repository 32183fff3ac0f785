//! Restarts against plain courses of events, and against any.

use proptest::prelude::*;

use super::*;

fn policy() -> Policy {
    Policy::default()
}

const fn at(s: i64) -> Ts {
    Ts(1_000_000_000 + s * SECOND)
}

fn seen(seen: Seen, pid: u32) -> Input {
    Input::Process { seen, pid }
}

fn outcome(command: Option<Command>) -> Outcome {
    match command {
        Some(Command::Done(outcome)) => outcome,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_good_service_stops_starts_settles_and_flows() {
    let mut restart = Restart::new(policy(), Way::Steps, 10);
    assert_eq!(restart.begin(at(0), true), Some(Command::Stop));
    assert_eq!(restart.on(at(1), &seen(Seen::Changing, 10)), None);
    assert_eq!(restart.on(at(2), &seen(Seen::Stopped, 0)), Some(Command::Start));
    assert_eq!(restart.on(at(3), &Input::Data(at(1))), None, "data from before it was started");
    assert_eq!(restart.on(at(3), &seen(Seen::Running, 11)), None);
    assert_eq!(restart.on(at(4), &Input::Data(at(4))), None, "it has to run on first");
    let told = outcome(restart.on(at(5), &seen(Seen::Running, 11)));
    assert_eq!((told.verdict.clone(), told.killed, told.took_us()), (Verdict::Done, false, 5 * SECOND));
    let words: Vec<&str> = told.steps.iter().map(|s| s.what.as_str()).collect();
    assert_eq!(
        words,
        ["asked to stop", "stopped; started", "running", "runs on; data is waited for", "data flows again"]
    );
    assert_eq!(restart.on(at(6), &Input::Cancel), None, "it is over");
}

#[test]
fn what_ignores_signals_is_killed() {
    let mut restart = Restart::new(policy(), Way::Steps, 10);
    restart.begin(at(0), true);
    assert_eq!(restart.on(at(9), &seen(Seen::Running, 10)), None);
    assert_eq!(restart.on(at(10), &seen(Seen::Running, 10)), Some(Command::Term));
    assert_eq!(restart.on(at(20), &Input::Tick), Some(Command::Kill));
    assert_eq!(restart.on(at(21), &seen(Seen::Stopped, 0)), Some(Command::Start));
    let mut stuck = Restart::new(policy(), Way::Steps, 10);
    stuck.begin(at(0), true);
    for s in [10, 20] {
        stuck.on(at(s), &Input::Tick);
    }
    assert!(matches!(outcome(stuck.on(at(25), &Input::Tick)).verdict, Verdict::Failed(_)));
}

#[test]
fn what_cannot_start_or_stays_silent_is_told() {
    let mut restart = Restart::new(policy(), Way::Steps, 0);
    assert_eq!(restart.begin(at(0), false), Some(Command::Start));
    let told = outcome(restart.on(at(3), &seen(Seen::Failed, 0)));
    assert!(matches!(told.verdict, Verdict::Failed(why) if why.contains("log")));

    let mut restart = Restart::new(policy(), Way::Steps, 0);
    restart.begin(at(0), false);
    assert_eq!(restart.on(at(1), &seen(Seen::Running, 5)), None);
    assert_eq!(restart.on(at(2), &seen(Seen::Changing, 0)), None, "it ended again");
    assert_eq!(restart.on(at(29), &seen(Seen::Changing, 0)), None);
    assert!(matches!(outcome(restart.on(at(30), &Input::Tick)).verdict, Verdict::Failed(_)));

    let mut restart = Restart::new(policy(), Way::OneCall, 0);
    assert_eq!(restart.begin(at(0), true), Some(Command::ApiRestart));
    assert_eq!(restart.on(at(1), &Input::CallDone), None);
    assert_eq!(restart.on(at(2), &seen(Seen::Running, 0)), None);
    assert_eq!(restart.on(at(4), &Input::Tick), None);
    assert_eq!(outcome(restart.on(at(64), &Input::Tick)).verdict, Verdict::Silent);
}

#[test]
fn who_may_not_stop_it_is_told_at_once() {
    let mut restart = Restart::new(policy(), Way::Steps, 10);
    restart.begin(at(0), true);
    assert_eq!(restart.on(at(0), &Input::Refused("busy".into())), None, "the sterner ways are left");
    let told = outcome(restart.on(at(0), &Input::Denied("not allowed".into())));
    assert_eq!((told.verdict, told.killed), (Verdict::Failed("not allowed".into()), false));
}

#[test]
fn how_a_run_ended_is_told_with_what_came_of_it() {
    let mut restart = Restart::new(policy(), Way::Steps, 10);
    restart.begin(at(0), true);
    assert_eq!(restart.on(at(1), &Input::Ended("it took too long".into())), None);
    assert_eq!(restart.on(at(1), &seen(Seen::Failed, 0)), Some(Command::Start));
    assert_eq!(restart.steps()[1].what, "stopped (it took too long); started");
    restart.on(at(2), &Input::Ended("status 3".into()));
    let told = outcome(restart.on(at(2), &seen(Seen::Failed, 0)));
    assert_eq!(told.verdict, Verdict::Failed("it ends as soon as it is started (status 3): see its log".into()));

    let mut restart = Restart::new(policy(), Way::Steps, 0);
    restart.begin(at(0), false);
    restart.on(at(29), &Input::Ended("status 4".into()));
    restart.on(at(29), &seen(Seen::Changing, 0));
    let told = outcome(restart.on(at(30), &Input::Tick));
    assert_eq!(told.verdict, Verdict::Failed("it did not run in time (status 4): see its log".into()));
}

#[test]
fn what_dies_between_the_looks_does_not_run() {
    let mut restart = Restart::new(policy(), Way::Steps, 1);
    restart.begin(at(0), true);
    assert_eq!(restart.on(at(1), &seen(Seen::Stopped, 0)), Some(Command::Start));
    let mut told = None;
    for s in 2.. {
        if s == 5 {
            restart.on(at(s), &Input::Ended("status 4".into()));
        }
        // Always another process.
        told = restart.on(at(s), &seen(Seen::Running, u32::try_from(s).unwrap()));
        if told.is_some() {
            break;
        }
        restart.on(at(s), &Input::Ended(String::new()));
        restart.on(at(s), &Input::Data(at(s)));
    }
    let told = outcome(told);
    assert_eq!(told.verdict, Verdict::Failed("it did not run in time (status 4): see its log".into()));
    assert!((30..33).contains(&(told.took_us() / SECOND)), "{told:?}");
}

#[test]
fn pauses_grow_and_are_forgotten() {
    let (policy, mut restarts) = (policy(), Restarts::default());
    let mut now = 0;
    for pause in [0, 10, 30, 60, 120, 120] {
        if pause > 0 {
            let told = restarts.begin("goflow2", &policy, at(now + pause - 1)).unwrap_err();
            assert!(matches!(&told, NotNow::CoolDown { wait_us: SECOND, .. }), "{told:?}");
            assert!(told.to_string().ends_with("in 1 s"), "{told}");
        }
        now += pause;
        restarts.begin("goflow2", &policy, at(now)).unwrap();
        assert_eq!(restarts.begin("goflow2", &policy, at(now)), Err(NotNow::Running("goflow2".into())));
        restarts.begin("vector", &policy, at(now + 100_000)).ok();
        restarts.ended("vector", at(now + 100_000));
        restarts.ended("goflow2", at(now));
        if pause == 0 {
            // The pause after the first restart is the first of the list.
            restarts.begin("goflow2", &policy, at(now)).unwrap();
            restarts.ended("goflow2", at(now));
        }
    }
    restarts.begin("goflow2", &policy, at(now + 600)).unwrap();
    restarts.ended("goflow2", at(now + 600));
    restarts.begin("goflow2", &policy, at(now + 600)).unwrap();
}

fn input() -> impl Strategy<Value = Input> {
    let state = prop_oneof![
        Just(Seen::Running),
        Just(Seen::Stopped),
        Just(Seen::Changing),
        Just(Seen::Failed),
        Just(Seen::Unknown)
    ];
    prop_oneof![
        3 => Just(Input::Tick),
        6 => (state, 0u32..4).prop_map(|(seen, pid)| Input::Process { seen, pid }),
        2 => (0i64..200).prop_map(|s| Input::Data(at(s))),
        1 => Just(Input::Refused("no".into())),
        1 => Just(Input::Denied("never".into())),
        1 => Just(Input::CallDone),
        1 => Just(Input::Ended("by signal 9".into())),
    ]
}

proptest! {
    /// Whatever is seen, in whatever order: it ends, by the clock at the latest; it ends once; KILL
    /// comes only after TERM, TERM after Stop, and Start only when it was seen stopped; the steps are
    /// in the order of time.
    #[test]
    fn every_course_ends(
        course in prop::collection::vec((0i64..8, input()), 0..60),
        running in any::<bool>(),
        one_call in any::<bool>(),
        pid in 0u32..3,
    ) {
        let way = if one_call { Way::OneCall } else { Way::Steps };
        let mut restart = Restart::new(policy(), way, pid);
        let mut now = 0;
        let mut commands: Vec<Command> = restart.begin(at(0), running).into_iter().collect();
        let mut stopped = !running;
        for (step, input) in course {
            now += step;
            stopped |= matches!(input, Input::Process { seen: Seen::Stopped | Seen::Failed, .. });
            let command = restart.on(at(now), &input);
            if command == Some(Command::Start) {
                prop_assert!(stopped, "started while it ran");
            }
            commands.extend(command);
        }
        // Nothing more is seen; the clock goes on.
        for _ in 0..400 {
            now += 1;
            commands.extend(restart.on(at(now), &Input::Tick));
        }
        prop_assert!(restart.is_over());
        let ends = commands.iter().filter(|c| matches!(c, Command::Done(_))).count();
        prop_assert_eq!(ends, 1);
        let place = |wanted: &Command| commands.iter().position(|c| c == wanted);
        if let Some(kill) = place(&Command::Kill) {
            prop_assert!(place(&Command::Term).is_some_and(|term| term < kill));
        }
        if let Some(term) = place(&Command::Term) {
            prop_assert!(place(&Command::Stop).is_some_and(|stop| stop < term));
        }
        prop_assert!(!one_call || commands.iter().all(|c| matches!(c, Command::ApiRestart | Command::Done(_))));
        let Some(Command::Done(outcome)) = commands.last() else { panic!("the end comes last") };
        prop_assert!(outcome.steps.windows(2).all(|w| w[0].at <= w[1].at));
        prop_assert_eq!(outcome.killed, place(&Command::Kill).is_some());
    }

    #[test]
    fn a_cancelled_restart_does_nothing_more(course in prop::collection::vec((0i64..8, input()), 0..20), after in prop::collection::vec(input(), 1..20)) {
        let mut restart = Restart::new(policy(), Way::Steps, 1);
        restart.begin(at(0), true);
        let mut now = 0;
        for (step, input) in course {
            now += step;
            restart.on(at(now), &input);
        }
        let over = restart.is_over();
        let command = restart.on(at(now), &Input::Cancel);
        prop_assert_eq!(command.is_none(), over);
        for input in after {
            prop_assert_eq!(restart.on(at(now + 1000), &input), None);
        }
    }

    /// Two restarts of one service never run at once, and never sooner than the pause.
    #[test]
    fn pauses_are_kept(tries in prop::collection::vec((0i64..50, 0i64..5), 1..40)) {
        let (policy, mut restarts) = (policy(), Restarts::default());
        let mut now = 0;
        let mut last: Option<i64> = None;
        let mut count = 0usize;
        for (wait, length) in tries {
            now += wait;
            let since = last.map(|l| now - l);
            if since.is_some_and(|s| s >= 600) { count = 0; }
            let pause = if count == 0 { 0 } else { [0, 10, 30, 60, 120][(count - 1).min(4)] };
            let allowed = since.is_none_or(|s| s >= pause);
            let told = restarts.begin("a", &policy, at(now));
            prop_assert_eq!(told.is_ok(), allowed, "{:?} at {} after {:?}", told, now, since);
            if allowed {
                count += 1;
                prop_assert!(restarts.begin("a", &policy, at(now)).is_err());
                now += length;
                restarts.ended("a", at(now));
                last = Some(now);
            }
        }
    }
}
