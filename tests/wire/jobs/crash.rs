//! Death at any point: what was begun is taken up, nothing is written twice, nobody is forgotten.

use std::time::Duration;

use noctule::model::job::{Class, Phase};

use super::rig::{Lab, ended};

const SET: &str = "name='s'\nfilter='*'\nmax_concurrent=6\nstop={percent=100}\n[wifi]\nssid='Guest'";
const REBOOT: &str = "name='r'\nfilter='*'\nmax_concurrent=6\nstop={percent=100}\nverb='reboot'";

/// Kills the runner again and again at different points of a job.
async fn killed_on_the_way(request: &str, cpes: u32) -> (Lab, noctule::engine::job::Job) {
    let lab = Lab::new(cpes).await;
    let mut noctule = lab.noctule().await;
    let id = noctule.create(request).await;
    for round in 0_u64..7 {
        let begun = u32::try_from(round).unwrap() * cpes / 8;
        noctule
            .until(id, "more devices have begun", |job| {
                // Time stands still but for those who wait: devices that boot come back.
                lab.control.advance(1.0);
                job.header.counts.through() + job.header.counts.active >= begun
            })
            .await;
        // Not to wait for something, but to die at other points each time.
        tokio::time::sleep(Duration::from_micros(700 * round * round)).await;
        noctule.kill().await;
        noctule = lab.noctule().await;
        lab.control.advance(30.0);
    }
    let mut ended = false;
    for _ in 0..400 {
        let job = noctule.job(id);
        if job.header.phase.is_over() && job.to_poll().next().is_none() {
            ended = true;
            break;
        }
        // Devices inform: what waits for them runs.
        lab.control.advance(20.0);
        tokio::time::sleep(Duration::from_millis(25)).await;
    }
    let job = noctule.job(id);
    assert!(
        ended,
        "it does not end: {:?} {:#?}",
        job.header,
        job.devices.iter().find(|d| d.state.standing() != noctule::engine::job::Standing::Through(Class::Changed))
    );
    noctule.kill().await;
    (lab, job)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mass_set_survives_any_number_of_deaths() {
    let (lab, job) = killed_on_the_way(SET, 24).await;
    assert_eq!(job.header.phase, Phase::Ended);
    assert!(lab.changes().iter().all(|n| *n == 1), "each is written once: {:?}", lab.changes());
    // One whose write was found done by a look is proven like the others; none is unaccounted for.
    let told = ended(&job, Class::Changed) + ended(&job, Class::Skipped) + ended(&job, Class::Unknown);
    assert_eq!(told, 24, "{:?}", job.header.counts);
    assert!(ended(&job, Class::Changed) >= 22, "{:?}", job.header.counts);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reboot_is_never_sent_twice() {
    let (lab, job) = killed_on_the_way(REBOOT, 16).await;
    assert!(lab.changes().iter().all(|n| *n <= 1), "restarted twice: {:?}", lab.changes());
    assert_eq!(job.header.counts.through(), 16);
    for (device, changes) in job.devices.iter().zip(lab.changes()) {
        let changed = device.state == noctule::engine::job::State::Ended(Class::Changed);
        assert!(changed == (changes == 1) || !changed, "{device:?} {changes}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_lease_of_another_process_is_respected_until_it_runs_out() {
    use noctule::model::job::{JobEvent, JobRecord};
    use noctule::model::record::Record;
    let lab = Lab::new(2).await;
    let first = lab.noctule_called("one/1").await;
    let parsed = noctule::model::job::read::read(SET, noctule::model::job::read::Format::Toml).unwrap();
    let id = noctule::model::job::JobId([7; 16]);
    let now = noctule::workers::now();
    let record = |what| Record::Job(JobRecord { job: id, at: now, actor: "x".into(), what });
    let until = now.plus(2_500_000);
    let lease = JobEvent::Lease { owner: "two/1".into(), until };
    let told = first.store.journal().append(vec![record(JobEvent::Created(parsed.request)), record(lease)]);
    told.durable().await.expect("journalled");
    first.kill().await;
    let second = lab.noctule_called("three/1").await;
    let taken = second.until(id, "it is taken over", |job| job.header.owner == "three/1").await;
    assert!(taken.header.lease_until > until && noctule::workers::now() >= until, "not before it ran out");
    let job = second.until_over(id).await;
    assert_eq!(ended(&job, Class::Changed), 2, "{:?}", job.header);
    second.kill().await;
}
