//! Firmware by stages, and what stops it.

use noctule::model::job::{Class, Control, Phase};

use super::rig::{Lab, ended};
use noctule::engine::job::Job;

async fn upload(lab: &Lab, product: &str) {
    use noctule::config::schema::SourceKind;
    use noctule::controllers::genieacs::client::Client;
    use noctule::controllers::genieacs::wire::FileMeta;
    let source = lab.acs.config();
    let SourceKind::Genieacs(settings) = &source.kind else { panic!("{source:?}") };
    let client = Client::new(&source.name.as_str().into(), settings).expect("a client");
    let meta = FileMeta {
        name: "v9.bin".into(),
        file_type: "1 Firmware Upgrade Image".into(),
        oui: String::new(),
        product_class: product.into(),
        version: "V9.0.1".into(),
    };
    client.put_file(&meta, &b"firmware"[..], 8).await.expect("uploaded");
}

/// Lets time pass until the job is over.
async fn follow(noctule: &super::rig::Noctule, lab: &Lab, id: noctule::model::job::JobId) -> Job {
    for _ in 0..600 {
        let job = noctule.job(id);
        if job.header.phase.is_over() || job.header.phase == Phase::Held && job.header.counts.active == 0 {
            return job;
        }
        lab.control.advance(5.0);
        tokio::time::sleep(std::time::Duration::from_millis(15)).await;
    }
    panic!("it does not end: {:?} {:#?}", noctule.job(id).header, noctule.job(id).devices);
}

const UPGRADE: &str = "name='fw'\nfilter='*'\nfirmware_file='v9.bin'\nmax_concurrent=4";

#[tokio::test(flavor = "multi_thread")]
async fn an_upgrade_is_done_when_the_version_runs() {
    let lab = Lab::new(9).await;
    let noctule = lab.noctule().await;
    upload(&lab, "HG8245H").await;
    let id = noctule.create(&format!("{UPGRADE}\nwaves = {{ canary = 2, percent = 30 }}")).await;
    let job = follow(&noctule, &lab, id).await;
    assert_eq!(ended(&job, Class::Changed), 9, "{:?} {:#?}", job.header, job.devices[0]);
    let stages: Vec<_> = job.devices[0].evidence.iter().map(|e| e.stage).collect();
    assert_eq!(stages.len(), 5, "each stage has its evidence: {:#?}", job.devices[0].evidence);
    assert_eq!(job.header.waves.iter().map(|w| w.total).collect::<Vec<_>>(), [2, 3, 4]);
    assert_eq!(lab.changes(), [1; 9]);

    let again = noctule.run(UPGRADE).await;
    assert_eq!(ended(&again, Class::Skipped), 9, "they run it already");
    noctule.kill().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn botched_upgrades_stop_the_job() {
    let lab = Lab::new(12).await;
    let noctule = lab.noctule().await;
    upload(&lab, "").await;
    lab.control.botch_upgrades(1.0);
    let id =
        noctule.create(&format!("{UPGRADE}\nwaves = {{ canary = 3 }}\nstop = {{ percent = 30, after = 2 }}")).await;
    let job = follow(&noctule, &lab, id).await;
    assert_eq!(job.header.phase, Phase::Held, "{:?}", job.header);
    assert!(job.header.why.contains("failed") && job.header.counts.waiting >= 9, "{:?}", job.header);
    assert!(ended(&job, Class::WrongVersion) >= 2, "{:#?}", job.devices[0]);
    noctule.steer(id, Control::Cancel).await;
    let job = noctule.until_phase(id, Phase::Cancelled).await;
    assert!(ended(&job, Class::Cancelled) >= 9);
    noctule.kill().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn failed_downloads_are_tried_again() {
    let lab = Lab::new(4).await;
    let noctule = lab.noctule().await;
    upload(&lab, "").await;
    lab.control.fail_downloads(1.0);
    let id = noctule.create(&format!("{UPGRADE}\nstop = {{ percent = 100 }}\nwaves = {{}}")).await;
    let job = follow(&noctule, &lab, id).await;
    assert_eq!(ended(&job, Class::Faulted), 4, "{:#?}", job.devices[0]);
    assert!(job.devices[0].cause.starts_with("cwmp.90"), "{:?}", job.devices[0]);
    lab.control.fail_downloads(0.0);
    noctule.steer(id, Control::Retry).await;
    let job = follow(&noctule, &lab, id).await;
    assert_eq!(ended(&job, Class::Changed), 4, "{:#?}", job.devices[0]);
    noctule.kill().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_for_another_model_is_refused() {
    let lab = Lab::new(2).await;
    let noctule = lab.noctule().await;
    upload(&lab, "F660").await;
    let job = noctule.run(UPGRADE).await;
    assert_eq!(job.header.phase, Phase::Refused);
    assert!(job.header.why.contains("is for F660"), "{}", job.header.why);
    let job = noctule.run(&format!("{UPGRADE}\nfile_type='3 Vendor Configuration File'")).await;
    assert!(job.header.why.contains("not a `3 Vendor"), "{}", job.header.why);
    noctule.kill().await;
}
