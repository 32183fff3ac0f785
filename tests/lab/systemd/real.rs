//! noctule against a real systemd: what it tells of units and jobs, restarts step by step, and what a user
//! without rights may do through a real sshd.

use std::sync::Arc;
use std::time::Duration;

use noctule::config::schema::{Ssh, SystemdControl};
use noctule::controllers::route::Route;
use noctule::controllers::systemd::{Failure, Systemd, Verb};
use noctule::engine::restart::{Outcome, Policy, Verdict};
use noctule::model::time::SECOND;
use noctule::workers::restart::Control;

use super::machine::{Machine, OPERATOR, processes_in};
use crate::process::until;
use crate::restarts::{Told, quick, restart, words};
use crate::sshd::Sshd;

/// Long enough for everything here.
const LIMIT: Duration = Duration::from_secs(10);

/// Counts as started when it is the program, not when systemd has forked.
const GOOD: &str =
    "Type=exec\nExecStart=/bin/sleep 10011\nRestart=always\nRestartSec=100ms\n[Unit]\nStartLimitIntervalSec=0";
/// Started when it has become deaf to TERM.
const DEAF: &str = "Type=notify\nNotifyAccess=all\n\
     ExecStart=/bin/sh -c 'trap \"\" TERM; systemd-notify --ready; while :; do sleep 0.2; done'";

fn why(outcome: &Outcome) -> &str {
    match &outcome.verdict {
        Verdict::Failed(why) => why,
        other => panic!("{other:?}: {:?}", words(outcome)),
    }
}

#[tokio::test]
async fn a_real_systemd_tells_of_units_and_jobs() {
    let services = [
        ("good", GOOD),
        ("broken", "Type=notify\nExecStart=/bin/sh -c 'exit 3'"),
        ("mute", "Type=notify\nExecStart=/bin/sleep 10012\nTimeoutStartSec=1"),
        ("late", "Type=notify\nExecStart=/bin/sleep 10014\n[Unit]\nJobRunningTimeoutSec=1"),
        ("needy", "ExecStart=/bin/sleep 10013\n[Unit]\nRequires=broken.service\nAfter=broken.service"),
    ];
    let Some(machine) = Machine::start(&services, &[]).await else { return };
    let systemd = machine.systemd(Route::Direct);
    let idle = systemd.unit("good").await.unwrap();
    assert_eq!(
        (idle.load.as_str(), idle.active.as_str(), idle.sub.as_str(), idle.pid, idle.restarts),
        ("loaded", "inactive", "dead", 0, Some(0))
    );
    systemd.act(Verb::Start, "good", LIMIT).await.unwrap();
    let up = systemd.unit("good").await.unwrap();
    assert_eq!((up.active.as_str(), up.sub.as_str(), up.cause.as_str()), ("active", "running", ""));
    assert_eq!(machine.process(up.pid).as_deref(), Some("/bin/sleep 10011"));
    let age = noctule::workers::now().0 - up.since.0;
    assert!((0..10 * SECOND).contains(&age), "started {age} µs ago");

    // systemd starts it again by itself, and counts that.
    systemd.signal("good", 9).await.unwrap();
    until("it was started again", || async {
        systemd.unit("good").await.is_ok_and(|u| u.restarts == Some(1) && u.active == "active")
    })
    .await;
    let again = systemd.unit("good").await.unwrap();
    assert!(again.pid != up.pid && again.since > up.since, "{again:?}");
    assert_eq!((machine.process(up.pid), again.status().restarts), (None, Some(1)));
    systemd.act(Verb::Restart, "good", LIMIT).await.unwrap();
    assert_ne!(systemd.unit("good").await.unwrap().pid, again.pid);

    for (unit, result, cause) in [
        ("broken", "failed", "its process ended with status 3"),
        ("mute", "failed", "it took longer than systemd allows"),
        ("late", "timeout", ""),
        ("needy", "dependency", ""),
    ] {
        // Jobs of others end meanwhile, and well.
        let (failed, other) = tokio::join!(systemd.act(Verb::Start, unit, LIMIT), async {
            machine.systemd(Route::Direct).act(Verb::Restart, "good", LIMIT).await
        });
        assert_eq!(failed.unwrap_err().what, Failure::Job(format!("{unit}.service"), result.into(), cause.into()));
        other.unwrap();
    }
    assert_eq!(
        systemd.act(Verb::Stop, "mute", Duration::ZERO).await.unwrap_err().what,
        Failure::TimedOut(Duration::ZERO)
    );
    assert_eq!(systemd.unit("nobody").await.unwrap().load, "not-found");
    assert_eq!(systemd.act(Verb::Start, "nobody", LIMIT).await.unwrap_err().what, Failure::NoUnit);
    assert_eq!(systemd.signal("nobody", 15).await.unwrap_err().what, Failure::NoUnit);
    systemd.act(Verb::Stop, "good", LIMIT).await.unwrap();
    assert_eq!(systemd.unit("good").await.unwrap().active, "inactive");
}

#[tokio::test]
async fn services_of_a_real_systemd_are_restarted() {
    let deaf = format!("{DEAF}\nTimeoutStopSec=infinity");
    let slow = format!("{DEAF}\nTimeoutStopSec=1");
    let services = [
        ("good", GOOD),
        ("deaf", deaf.as_str()),
        ("slow", slow.as_str()),
        ("broken", "Type=notify\nExecStart=/bin/sh -c 'exit 3'"),
        ("missing", "ExecStart=/nonexistent/program"),
        ("loop", "ExecStart=/bin/sh -c 'exit 4'\nRestart=always\nRestartSec=100ms\n[Unit]\nStartLimitIntervalSec=0"),
        ("often", "ExecStart=/bin/sh -c 'exit 5'\nRestart=always\nRestartSec=100ms"),
        ("garbled", "Type=simple"),
    ];
    let Some(machine) = Machine::start(&services, &[]).await else { return };
    let systemd = Arc::new(machine.systemd(Route::Direct));
    let control = Control::Systemd(Arc::clone(&systemd));
    for (name, killed, patience_us, steps) in [
        // TERM is enough; noctule sends KILL; systemd does, before noctule would.
        ("good", false, SECOND * 5, "stopped; started"),
        ("deaf", true, SECOND / 2, "stopped (its process was ended by signal 9); started"),
        ("slow", false, SECOND * 5, "stopped (it took longer than systemd allows); started"),
    ] {
        systemd.act(Verb::Start, name, LIMIT).await.unwrap();
        let before = systemd.unit(name).await.unwrap().pid;
        let told = restart(&control, &Told::default(), name, Policy { stop_us: patience_us, ..quick() }).await;
        eprintln!("restart of {name}: {} ms, {:?}", told.took_us() / 1000, words(&told));
        assert_eq!((told.verdict.clone(), told.killed), (Verdict::Done, killed), "{told:?}");
        assert!(words(&told).contains(&steps), "{:?}", words(&told));
        assert_eq!(words(&told).contains(&"still running: KILL"), killed);
        let after = systemd.unit(name).await.unwrap();
        assert!(after.active == "active" && after.pid != before, "{after:?}");
        assert_eq!(machine.process(before), None, "it is gone");
        assert!(machine.process(after.pid).is_some());
    }
    for (name, cause) in [
        ("broken", "\"failed\", its process ended with status 3"),
        ("missing", "its program cannot be executed"),
        ("loop", "its process ended with status 4"),
        ("often", "it ends as soon as it is started (its process ended with status 5)"),
        ("nobody", "there is no unit nobody.service"),
        ("masked", "masked.service cannot be started: it is \"masked\""),
        ("garbled", "garbled.service cannot be started: it is \"bad-setting\""),
    ] {
        let policy = Policy { start_us: 2 * SECOND, ..quick() };
        let told = restart(&control, &Told::default(), name, policy).await;
        eprintln!("restart of {name}: {} ms, {:?}", told.took_us() / 1000, words(&told));
        assert!(why(&told).contains(cause), "{told:?}");
    }
    let namespace = machine.namespace();
    assert!(processes_in(&namespace) > 5);
    drop(machine);
    until("all of its processes ended", || async { processes_in(&namespace) == 0 }).await;
    let error = systemd.unit("good").await.unwrap_err();
    assert!(matches!(error.what, Failure::NotReached(_) | Failure::Lost(_)), "{error}");
}

#[tokio::test]
async fn another_user_on_the_far_side_changes_only_its_own() {
    let Some(machine) = Machine::start(&[("good", GOOD)], &[("mine", GOOD)]).await else { return };
    let root = machine.systemd(Route::Direct);
    root.act(Verb::Start, "good", LIMIT).await.unwrap();
    let before = root.unit("good").await.unwrap();
    let sshd = Sshd::start_beside(Some(machine.init), "").await;
    for (path, mode) in [(sshd.folder.path().to_owned(), 0o755), (sshd.path("authorized"), 0o644)] {
        std::fs::set_permissions(path, std::os::unix::fs::PermissionsExt::from_mode(mode)).expect("open to all");
    }
    let route = Route::of(Some(&Ssh { host: format!("{OPERATOR}@lab"), ..sshd.ssh() }));

    // The system's manager, at the usual place, tells and does nothing.
    let system = Arc::new(Systemd::new(SystemdControl::default(), route.clone()));
    assert_eq!(system.unit("good").await.unwrap(), before);
    for verb in [Verb::Start, Verb::Stop, Verb::Restart] {
        let error = system.act(verb, "good", LIMIT).await.unwrap_err();
        assert!(matches!(error.what, Failure::Denied(_)), "{error}");
    }
    assert!(matches!(system.signal("good", 9).await.unwrap_err().what, Failure::Denied(_)));
    let told = restart(&Control::Systemd(system), &Told::default(), "good", quick()).await;
    assert!(why(&told).contains("polkit"), "{told:?}");
    assert_eq!((words(&told).len(), told.killed), (2, false), "nothing sterner was tried: {told:?}");
    assert_eq!(root.unit("good").await.unwrap(), before, "it ran on");

    // Its own manager, at the usual place, does.
    let own = Arc::new(Systemd::new(SystemdControl { user: true, socket: None }, route));
    until("the user's manager is on its bus", || async { own.unit("mine").await.is_ok() }).await;
    own.act(Verb::Start, "mine", LIMIT).await.unwrap();
    let before = own.unit("mine").await.unwrap();
    let told = restart(&Control::Systemd(Arc::clone(&own)), &Told::default(), "mine", quick()).await;
    assert_eq!((told.verdict.clone(), told.killed), (Verdict::Done, false), "{told:?}");
    assert_eq!(machine.process(before.pid), None);
    assert_eq!(root.unit("mine").await.unwrap().load, "not-found");

    // A user's bus is for that user alone.
    let socket = Some(machine.operators_bus().display().to_string());
    let error = Systemd::new(SystemdControl { user: true, socket }, Route::Direct).unit("mine").await.unwrap_err();
    assert!(matches!(error.what, Failure::Login(_)), "{error}");
}
