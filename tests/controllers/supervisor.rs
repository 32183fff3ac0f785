//! The supervisor's client against the simulator, and restarts through it.

use std::time::Duration;

use noctule::config::schema::SupervisorControl;
use noctule::controllers::route::Route;
use noctule::controllers::supervisor::error::{Failure, FaultKind};
use noctule::controllers::supervisor::{State, Supervisor};
use noctule::engine::restart::Verdict;
use noctule::sim::supervisor::{Manners, SupervisorOptions, SupervisorSim};
use noctule::workers::restart::{Control, Desk, Job, run};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use crate::restarts::{Told, quick, restart, words};

fn client(sim: &SupervisorSim) -> Supervisor {
    let control = SupervisorControl { url: Some(sim.url()), ..SupervisorControl::default() };
    Supervisor::new(&control, Route::Direct).unwrap()
}

#[tokio::test]
async fn processes_are_told_and_refusals_are_words() {
    let sim = SupervisorSim::start(SupervisorOptions::default()).await.unwrap();
    let supervisor = client(&sim);
    assert_eq!(supervisor.version().await.unwrap(), "4.2.5");
    assert_eq!(supervisor.state().await.unwrap(), "RUNNING");
    let all = supervisor.processes().await.unwrap();
    assert_eq!(all.len(), 5);
    assert!(all.iter().all(|p| p.state == State::Running && p.pid > 0 && p.start.is_set()), "{all:?}");
    let status = all[0].status();
    assert_eq!((status.running, status.word.as_str()), (Some(true), "RUNNING"));
    assert_eq!(supervisor.tail_stdout("vector", 100).await.unwrap(), "vector ready\n");
    let error = supervisor.stop("nobody").await.unwrap_err();
    assert_eq!(error.fault(), Some(FaultKind::BadName));
    assert!(error.to_string().contains("no process of that name"), "{error}");
    assert_eq!(supervisor.start("vector").await.unwrap_err().fault(), Some(FaultKind::AlreadyStarted));
    assert_eq!(supervisor.signal("vector", "NOSUCH").await.unwrap_err().fault(), Some(FaultKind::BadSignal));
    let url = sim.url();
    drop(sim);
    let gone = SupervisorControl { url: Some(url), ..SupervisorControl::default() };
    let error = Supervisor::new(&gone, Route::Direct).unwrap().version().await.unwrap_err();
    assert!(matches!(error.what, Failure::NotReached(_)), "{error}");
}

#[tokio::test]
async fn the_login_is_shown_and_its_refusal_told() {
    let options = SupervisorOptions { login: Some(("admin".into(), "s3cret".into())), ..SupervisorOptions::default() };
    let sim = SupervisorSim::start(options).await.unwrap();
    let error = client(&sim).version().await.unwrap_err();
    assert_eq!(error.what, Failure::Login);
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("password");
    std::fs::write(&file, "s3cret\n").unwrap();
    std::fs::set_permissions(&file, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
    let control = SupervisorControl {
        url: Some(sim.url()),
        username: Some("admin".into()),
        password: Some(format!("file:{}", file.display()).parse().unwrap()),
        ..SupervisorControl::default()
    };
    let supervisor = Supervisor::new(&control, Route::Direct).unwrap();
    assert_eq!(supervisor.version().await.unwrap(), "4.2.5");
    assert!(!format!("{supervisor:?}").contains("s3cret"));
    let half = SupervisorControl { password: None, ..control };
    assert!(matches!(Supervisor::new(&half, Route::Direct).unwrap_err().what, Failure::Config(_)));
}

#[tokio::test]
async fn good_stubborn_and_broken_programs_are_restarted_each_in_its_way() {
    let manners = |ignores_term, dies_at_start| Manners { ignores_term, dies_at_start, ..Manners::default() };
    let sim = SupervisorSim::start(SupervisorOptions::default()).await.unwrap();
    sim.set("telegraf", manners(true, false));
    let control = Control::Supervisor(client(&sim));
    let before = client(&sim).process("vector").await.unwrap().pid;
    let good = restart(&control, &Told::default(), "vector", quick()).await;
    assert_eq!((good.verdict.clone(), good.killed), (Verdict::Done, false), "{good:?}");
    assert_ne!(client(&sim).process("vector").await.unwrap().pid, before);
    assert_eq!(words(&good).last(), Some(&"data flows again"));

    let stubborn = restart(&control, &Told::default(), "telegraf", quick()).await;
    assert_eq!((stubborn.verdict.clone(), stubborn.killed), (Verdict::Done, true), "{stubborn:?}");
    let calls: Vec<_> = sim.calls().into_iter().filter(|c| c.contains("telegraf")).collect();
    assert_eq!(
        calls,
        ["stopProcess telegraf", "signalProcess telegraf", "signalProcess telegraf", "startProcess telegraf"]
    );

    let slow = Manners { stop: Duration::from_millis(300), ..Manners::default() };
    sim.set("nginx", slow);
    let slow = restart(&control, &Told { silent: true, ..Told::default() }, "nginx", {
        let mut p = quick();
        p.data_us = Some(300_000);
        p
    })
    .await;
    assert_eq!((slow.verdict.clone(), slow.killed), (Verdict::Silent, false), "{slow:?}");

    let outcome = async {
        let told = Told::default();
        let work = restart(&control, &told, "goflow2", quick());
        tokio::pin!(work);
        loop {
            tokio::select! {
                outcome = &mut work => return outcome,
                () = tokio::time::sleep(Duration::from_millis(5)) => {
                    if sim.calls().iter().any(|c| c == "stopProcess goflow2") {
                        sim.set("goflow2", manners(false, true));
                    }
                }
            }
        }
    };
    let broken = outcome.await;
    assert!(matches!(&broken.verdict, Verdict::Failed(why) if why.contains("log")), "{broken:?}");
}

#[tokio::test]
async fn a_restart_is_cancelled_between_two_steps_and_a_second_one_waits() {
    let stubborn = Manners { ignores_term: true, ..Manners::default() };
    let options = SupervisorOptions { programs: vec![("a".into(), stubborn)], ..SupervisorOptions::default() };
    let sim = SupervisorSim::start(options).await.unwrap();
    let control = Control::Supervisor(client(&sim));
    let (desk, cancel) = (Desk::default(), CancellationToken::new());
    let policy = noctule::engine::restart::Policy::default();
    let (progress, mut steps) = mpsc::channel(8);
    let job = Job { service: "a".into(), unit: "a".into(), policy: policy.clone() };
    let permit = desk.admit("x", "a", &policy).unwrap();
    let told = Told::default();
    let work = run(permit, &control, &told, &job, &progress, &cancel);
    let cancelling = async {
        assert_eq!(steps.recv().await.unwrap().what, "asked to stop");
        assert!(desk.admit("x", "a", &policy).is_err());
        desk.admit("y", "a", &policy).expect("another appliance's service of that name");
        cancel.cancel();
    };
    let (outcome, ()) = tokio::join!(work, cancelling);
    assert_eq!(outcome.verdict, Verdict::Cancelled);
    assert_eq!(sim.calls(), ["stopProcess a"], "nothing came after it");
    drop(desk.admit("x", "a", &policy).expect("the first pause is none"));
    let told = desk.admit("x", "a", &policy).unwrap_err().to_string();
    assert_eq!(told, "a was restarted 2 times lately; the next restart is possible in 10 s");
}

#[tokio::test]
async fn the_appliance_restarts_by_one_call() {
    let told = Told::default();
    let outcome = restart(&Control::Api, &told, "fluent-bit", quick()).await;
    assert_eq!(outcome.verdict, Verdict::Done, "{outcome:?}");
    assert_eq!(*told.calls.lock().unwrap(), ["fluent-bit"]);
    let told = Told { refuses: true, ..Told::default() };
    let outcome = restart(&Control::Api, &told, "fluent-bit", quick()).await;
    assert!(matches!(&outcome.verdict, Verdict::Failed(why) if why.contains("not found")), "{outcome:?}");
}
