//! A server that hangs or dies in the middle: devices stay where they are, the job says why it waits
//! and goes on by itself.

use noctule::model::job::{Class, Control, Phase};

use super::rig::{Lab, ended};

const SET: &str = "name='s'\nfilter='*'\nmax_concurrent=4\n[wifi]\nssid='Guest'";

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_hangs_is_waited_for() {
    let lab = Lab::new(16).await;
    let noctule = lab.noctule().await;
    let id = noctule.create(SET).await;
    noctule.until(id, "some are through", |job| job.header.counts.through() >= 3).await;
    lab.control.freeze(true);
    let job = noctule.until(id, "it says so", |job| job.header.why.contains("does not answer since")).await;
    assert_eq!(job.header.phase, Phase::Running, "{:?}", job.header);
    lab.control.freeze(false);
    let job = noctule.until_over(id).await;
    assert_eq!((job.header.phase, job.header.why.as_str()), (Phase::Ended, ""));
    assert_eq!(ended(&job, Class::Changed), 16, "{:?}", job.header.counts);
    assert_eq!(lab.changes(), [1; 16]);
    noctule.kill().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_dies_comes_back_and_nobody_is_written_twice() {
    let lab = Lab::new(16).await;
    let noctule = lab.noctule().await;
    let id = noctule.create(SET).await;
    noctule.until(id, "some are through", |job| job.header.counts.through() >= 3).await;
    lab.control.crash_worker();
    for _ in 0..400 {
        if noctule.job(id).header.phase.is_over() && noctule.job(id).to_poll().next().is_none() {
            break;
        }
        // What was queued as the worker died runs at the next inform.
        lab.control.advance(20.0);
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    let job = noctule.job(id);
    assert_eq!(job.header.phase, Phase::Ended, "{:?}", job.header);
    assert!(lab.changes().iter().all(|n| *n == 1), "{:?}", lab.changes());
    assert_eq!(job.header.counts.failed(), 0, "a server that dies is no failure of a device: {:?}", job.header);
    noctule.kill().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_secret_that_is_gone_holds_the_job() {
    let lab = Lab::new(3).await;
    let noctule = lab.noctule().await;
    let away: Vec<&str> = lab.ids.iter().map(String::as_str).collect();
    let request = "name='pw'\nfilter='*'\nscheduled_at='2099-01-01T00:00'\n[wifi]\nssid='G'\npassword='hunter2222'";
    let id = noctule.create(request).await;
    noctule.kill().await;
    let noctule = lab.noctule().await;
    noctule.steer(id, Control::Start).await;
    let job = noctule.until_phase(id, Phase::Held).await;
    assert!(job.header.why.contains("needs its secret again"), "{}", job.header.why);
    assert_eq!(lab.changes(), vec![0; away.len()]);
    noctule.jobs.secret(id, "another-one".to_owned().into());
    noctule.steer(id, Control::Resume).await;
    let job = noctule.until_over(id).await;
    assert_eq!(ended(&job, Class::Changed), 3, "{:#?}", job.devices[0]);
    noctule.kill().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_recurring_job_spawns_its_turns() {
    let lab = Lab::new(2).await;
    let noctule = lab.noctule().await;
    let id = noctule
        .create("name='n'\nfilter='*'\nscheduled_at='2026-01-01T02:00'\nrepeat='every day'\nverb='refresh'")
        .await;
    let job = noctule.until(id, "its time is known", |job| job.header.due_at.is_set()).await;
    assert!(job.header.due_at > noctule::workers::now(), "the next turn, not the first");
    noctule.steer(id, Control::Start).await;
    let job = noctule.until(id, "a turn", |job| job.header.last_run.is_some()).await;
    assert_eq!(job.header.phase, Phase::Waiting);
    let turn = noctule.until_over(job.header.last_run.unwrap()).await;
    assert_eq!(ended(&turn, Class::Changed), 2, "{:?}", turn.header);
    assert!(!noctule.job(id).header.started_by_hand, "one start is one turn");
    noctule.kill().await;
}
