//! Mass configuration: dry run, proof, and what is refused before anything begins.

use noctule::engine::job::State;
use noctule::model::job::{Class, Phase};

use super::rig::{Lab, SSID, ended};

const GUEST: &str = "name = 'Guest'\nfilter = '*'\n[wifi]\nssid = 'Guest'";

#[tokio::test(flavor = "multi_thread")]
async fn a_mass_set_is_proven_on_every_device() {
    let lab = Lab::new(30).await;
    let noctule = lab.noctule().await;
    let job = noctule.run(&format!("max_concurrent = 8\n{GUEST}")).await;
    assert_eq!(ended(&job, Class::Changed), 30, "{:?} {:#?}", job.header, job.devices[0]);
    assert_eq!(lab.changes(), [1; 30]);
    assert_eq!(lab.value(&lab.ids[7], SSID).await, "Guest");
    assert!(job.devices.iter().all(|d| d.restorable() == (1, 0)), "the old values are saved");
    assert_eq!(job.header.request.as_ref().unwrap().source, "acs");

    // What has it already is left out, and nothing is sent.
    let again = noctule.run(GUEST).await;
    assert_eq!(ended(&again, Class::Skipped), 30);
    assert!(again.devices.iter().all(|d| d.cause == "already equal"));
    assert_eq!(lab.changes(), [1; 30]);
    noctule.kill().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dry_run_tells_old_and_new_and_touches_nothing() {
    let lab = Lab::new(12).await;
    let noctule = lab.noctule().await;
    let job = noctule.run(&format!("dry_run = true\n{GUEST}")).await;
    assert_eq!(ended(&job, Class::WouldChange), 12, "{:#?}", job.devices[0]);
    assert!(job.devices[0].why.contains(&format!("{SSID}: ")) && job.devices[0].why.ends_with("→ Guest"));
    assert_eq!((lab.changes(), lab.control.waiting()), (vec![0; 12], 0));
    noctule.kill().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_meant_is_refused_with_the_reason() {
    let lab = Lab::new(5).await;
    let noctule = lab.noctule().await;
    for (request, why) in [
        ("name='a'\nfilter='*'\nexpected_count=4\nverb='reboot'", "expected 4 devices, the filter gives 5 devices"),
        ("name='b'\nfilter='serial=none'\nverb='reboot'", "gives no device"),
        ("name='c'\nfilter='serial~HWTC'\nverb='reboot'", "every device of acs (5)"),
        ("name='d'\nfilter='*'\nsource='acs-9'\nverb='reboot'", "no GenieACS source acs-9"),
        ("name='e'\nfilter='*'\nfirmware_file='none.bin'", "no file none.bin"),
    ] {
        let job = noctule.run(request).await;
        assert_eq!(job.header.phase, Phase::Refused, "{request}");
        assert!(job.header.why.contains(why), "{request}: {}", job.header.why);
    }
    let past = "name='f'\nfilter='*'\nverb='reboot'\nscheduled_at='2020-01-01T00:00'";
    let parsed = noctule::model::job::read::read(past, noctule::model::job::read::Format::Toml).unwrap();
    let error = noctule.jobs.create(parsed.request, parsed.typed, "anna").await.unwrap_err();
    assert!(error.contains("ago"), "{error}");
    assert_eq!(lab.changes(), [0; 5]);
    noctule.kill().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_device_that_refuses_says_which_parameter() {
    let lab = Lab::new(4).await;
    let noctule = lab.noctule().await;
    lab.control.refuse_parameter(SSID, 9007);
    let job = noctule.run(&format!("stop = {{ percent = 100 }}\n{GUEST}")).await;
    assert_eq!(ended(&job, Class::Faulted), 4, "{:#?}", job.devices[0]);
    assert!(job.devices[0].cause.starts_with("cwmp."), "{:?}", job.devices[0]);
    assert!(job.devices[0].why.contains(SSID) && job.devices[0].why.contains("9007"), "{:?}", job.devices[0]);
    // A task of a try that is over does not run later.
    noctule.until(job.id, "its tasks are gone", |_| lab.control.waiting() == 0).await;
    noctule.kill().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_query_of_the_source_documents_picks_devices() {
    let lab = Lab::new(6).await;
    let noctule = lab.noctule().await;
    let request = "name='q'\nexpected_count=1\n[device_filter.query]\nserial='HWTC00000003'\nmodel='HG8245H'\n\
        software_version={'$ne'='nothing'}\n[wifi]\nssid='Q'";
    let job = noctule.run(request).await;
    assert_eq!((job.list.len(), job.list[0].device.as_str()), (1, lab.ids[2].as_str()), "{:?}", job.header);
    assert_eq!(job.devices[0].state, State::Ended(Class::Changed));
    noctule.kill().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_secret_is_set_and_is_nowhere_to_be_found() {
    let lab = Lab::new(3).await;
    let noctule = lab.noctule().await;
    let job = noctule.run("name='pw'\nfilter='*'\n[wifi]\nssid='G'\npassword='hunter2222'").await;
    assert!(job.header.phase == Phase::Ended && ended(&job, Class::Changed) == 3, "{:#?}", job.devices);
    assert!(!format!("{job:?}").contains("hunter2222"));
    let journal = noctule.store.journal().read(noctule::model::ids::Seq(0), 10_000).expect("records");
    assert!(!format!("{journal:?}").contains("hunter2222"));
    noctule.kill().await;
}
