//! Steering jobs: pause, cancel in the middle, retry, roll back, priority, verbs over many devices.

use noctule::engine::job::State;
use noctule::model::command::{Args, Intent};
use noctule::model::job::{Class, Control, Phase, Priority};
use tokio_util::sync::CancellationToken;

use super::rig::{Lab, SSID, ended, named};
use crate::rig::until;

const GUEST: &str = "filter = '*'\n[wifi]\nssid = 'Guest'";

#[tokio::test(flavor = "multi_thread")]
async fn a_cancelled_job_takes_back_what_waits() {
    let lab = Lab::new(20).await;
    let noctule = lab.noctule().await;
    let away: Vec<&str> = lab.ids.iter().take(6).map(String::as_str).collect();
    lab.control.offline(&away, true);
    let id = noctule.create(&format!("name='c'\nmax_concurrent=2\n{GUEST}")).await;
    noctule.until(id, "some are queued", |job| job.header.counts.of(Class::OfflineQueued) >= 3).await;
    let words = noctule.steer(id, Control::Cancel).await;
    assert!(words.contains("cancelling"), "{words}");
    let job = noctule.until_phase(id, Phase::Cancelled).await;
    assert_eq!(lab.control.waiting(), 0, "nothing of it waits at the server");
    let (done, cancelled) = (ended(&job, Class::Changed), ended(&job, Class::Cancelled));
    assert_eq!(done + cancelled, 20, "{:?}", job.header.counts);
    assert!(cancelled >= 3 && lab.changes().iter().sum::<u32>() as usize == done);
    lab.control.offline(&away, false);
    lab.control.advance(600.0);
    assert_eq!(lab.changes().iter().sum::<u32>() as usize, done, "what was taken back does not run later");
    noctule.kill().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_device_that_was_away_does_it_at_its_next_inform() {
    let lab = Lab::new(5).await;
    let noctule = lab.noctule().await;
    lab.control.offline(&[&lab.ids[1], &lab.ids[4]], true);
    let id = noctule.create(&format!("name='q'\n{GUEST}")).await;
    let job = noctule.until_phase(id, Phase::Ended).await;
    assert_eq!((ended(&job, Class::Changed), job.header.counts.of(Class::OfflineQueued)), (3, 2));
    lab.control.offline(&[&lab.ids[1], &lab.ids[4]], false);
    lab.control.advance(120.0);
    let job = noctule.until(id, "all are through", |job| ended(job, Class::Changed) == 5).await;
    assert_eq!(lab.changes(), [1; 5], "{:?}", job.header);
    noctule.kill().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_paused_job_begins_nobody_and_goes_on() {
    let lab = Lab::new(30).await;
    let noctule = lab.noctule().await;
    let id = noctule.create(&format!("name='p'\nmax_concurrent=1\n{GUEST}")).await;
    noctule.until(id, "it runs", |job| job.header.counts.through() >= 2).await;
    noctule.steer(id, Control::Pause).await;
    let job = noctule.until(id, "nobody is on the way", |job| job.header.counts.active == 0).await;
    assert!(job.header.phase == Phase::Paused && job.header.counts.waiting > 0, "{:?}", job.header);
    let before = job.header.counts;
    lab.control.advance(30.0);
    assert_eq!(noctule.job(id).header.counts, before);
    assert!(noctule.jobs.control(id, Control::Pause, "anna").await.is_err(), "it is paused already");
    noctule.steer(id, Control::Priority(Priority::High)).await;
    noctule.steer(id, Control::Resume).await;
    let job = noctule.until_over(id).await;
    assert_eq!((ended(&job, Class::Changed), lab.changes()), (30, vec![1; 30]));
    noctule.kill().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_failed_is_tried_again_and_what_was_done_is_put_back() {
    let lab = Lab::new(10).await;
    let noctule = lab.noctule().await;
    let old: Vec<String> = {
        let mut all = Vec::new();
        for id in &lab.ids {
            all.push(lab.value(id, SSID).await);
        }
        all
    };
    lab.control.fail_sets(1.0);
    let request = format!("name='r'\nstop = {{ percent = 100 }}\n{GUEST}");
    let first = noctule.run(&request).await;
    assert_eq!(ended(&first, Class::Faulted), 10);
    lab.control.fail_sets(0.0);
    let words = noctule.steer(first.id, Control::Retry).await;
    assert!(words.contains("10 devices"), "{words}");
    let job = noctule.until(first.id, "all changed", |job| ended(job, Class::Changed) == 10).await;
    assert!(job.devices.iter().all(|d| d.retries == 1));
    assert_eq!(lab.control.waiting(), 0);

    let dry = noctule.jobs.roll_back(first.id, true, "anna").await.expect("a dry run");
    let dry = noctule.until_over(dry).await;
    assert_eq!(ended(&dry, Class::WouldChange), 10, "{:#?}", dry.devices[0]);
    let back = noctule.jobs.roll_back(first.id, false, "anna").await.expect("a roll-back");
    let back = noctule.until_over(back).await;
    assert_eq!(ended(&back, Class::Changed), 10, "{:#?}", back.devices[0]);
    for (id, old) in lab.ids.iter().zip(&old) {
        assert_eq!(&lab.value(id, SSID).await, old);
    }
    let marked = noctule.job(first.id);
    assert_eq!(ended(&marked, Class::RolledBack), 10, "{:#?}", marked.devices[0]);
    assert!(noctule.jobs.roll_back(first.id, false, "anna").await.is_err(), "there is nothing left to put back");
    noctule.kill().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_verb_over_several_devices_is_a_job() {
    let lab = Lab::new(4).await;
    let noctule = lab.noctule().await;
    let executor = noctule.executor();
    let run = async |command: &'static str, pairs: &[(&str, &str)], n: usize| {
        let args: Args = pairs.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
        let intent = Intent { command, targets: named(&lab, n), args, actor: "anna".into() };
        executor.run(intent, &CancellationToken::new(), &|_, _| ()).await
    };
    for (command, args) in [
        ("cpe.tag", &[("tag", "night")][..]),
        ("cpe.refresh", &[]),
        ("cpe.connect", &[]),
        ("cpe.set", &[("values", "InternetGatewayDevice.LANDevice.1.WLANConfiguration.1.Channel=11")]),
        ("cpe.untag", &[("tag", "night")]),
        ("cpe.delete", &[]),
    ] {
        until("the fleet is known", || {
            let mut reader = noctule.store.reader().ok()?;
            let known = reader.cpes(&named(&lab, 3), 9).ok()?;
            let tagged = known.iter().filter(|c| c.tags.contains("night")).count();
            let wanted = if command == "cpe.untag" { 3 } else { tagged };
            (known.len() == 3 && tagged == wanted).then_some(())
        })
        .await;
        let outcome = run(command, args, 3).await;
        let id = outcome.job.unwrap_or_else(|| panic!("{command}: {outcome:?}"));
        let job = noctule.until_over(id).await;
        assert_eq!(ended(&job, Class::Changed), 3, "{command}: {:#?}", job.devices[0]);
    }
    noctule.kill().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reboot_is_proven_by_the_device_coming_back() {
    let lab = Lab::new(3).await;
    let noctule = lab.noctule().await;
    let id = noctule.create("name='b'\nfilter='*'\nverb='reboot'").await;
    noctule.until(id, "they boot", |job| job.devices.iter().filter(|d| d.state == State::Written).count() == 3).await;
    lab.control.advance(120.0);
    let job = noctule.until_over(id).await;
    assert_eq!(ended(&job, Class::Changed), 3, "{:#?}", job.devices[0]);
    assert!(job.devices[0].why.contains("last boot"), "{:?}", job.devices[0]);
    assert_eq!(lab.changes(), [1; 3]);
    noctule.kill().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_jobs_share_the_devices_one_at_a_time() {
    let lab = Lab::new(8).await;
    let noctule = lab.noctule().await;
    let one = noctule.create(&format!("name='one'\nmax_concurrent=4\n{GUEST}")).await;
    let text = "name='two'\nfilter='*'\npriority='high'\nmax_concurrent=4\n[wifi]\nchannel=6";
    let two = noctule.create(text).await;
    let (one, two) = (noctule.until_over(one).await, noctule.until_over(two).await);
    assert_eq!(ended(&one, Class::Changed), 8, "{:#?}", one.header);
    assert_eq!(ended(&two, Class::Changed), 8, "{:#?}", two.header);
    assert_eq!(lab.changes(), [2; 8]);
    noctule.kill().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_roll_back_leaves_what_somebody_else_changed() {
    let lab = Lab::new(3).await;
    let noctule = lab.noctule().await;
    let first = noctule.run(&format!("name='mine'\n{GUEST}")).await;
    let theirs = format!("name='theirs'\ndevices=['{}']\n[wifi]\nssid='Theirs'", lab.ids[1]);
    let other = noctule.run(&theirs).await;
    assert_eq!(ended(&other, Class::Changed), 1, "{:?}", other.header);
    let back = noctule.jobs.roll_back(first.id, false, "anna").await.expect("a roll-back");
    let back = noctule.until_over(back).await;
    assert_eq!((ended(&back, Class::Changed), ended(&back, Class::Skipped)), (2, 1), "{:#?}", back.devices[1]);
    assert!(back.devices[1].why.contains("somebody changed it"), "{:?}", back.devices[1]);
    assert_eq!(lab.value(&lab.ids[1], SSID).await, "Theirs");
    noctule.kill().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_whose_secret_is_gone_can_still_be_cancelled() {
    let lab = Lab::new(3).await;
    let noctule = lab.noctule().await;
    let away: Vec<&str> = lab.ids.iter().map(String::as_str).collect();
    lab.control.offline(&away, true);
    let id = noctule.create("name='pw'\nfilter='*'\n[wifi]\nssid='G'\npassword='hunter2222'").await;
    noctule.until(id, "all are queued", |job| job.header.counts.of(Class::OfflineQueued) == 3).await;
    noctule.kill().await;
    let noctule = lab.noctule().await;
    noctule.steer(id, Control::Cancel).await;
    let job = noctule.until_phase(id, Phase::Cancelled).await;
    assert_eq!((ended(&job, Class::Cancelled), lab.control.waiting()), (3, 0), "{:?}", job.header);
    noctule.kill().await;
}
