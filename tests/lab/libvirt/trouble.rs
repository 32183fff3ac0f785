//! Hosts that are not there, come back, or are reached through ssh: what noctule's client says of it.

use std::time::Duration;

use noctule::controllers::libvirt::client::Hypervisor;
use noctule::controllers::libvirt::connect::Target;
use noctule::controllers::libvirt::error::Failure;
use noctule::controllers::ssh;

use crate::virt::{Guest, Lab, PATIENCE, Serial};

const LIMIT: Duration = Duration::from_secs(10);

#[tokio::test]
async fn a_host_without_its_daemon_is_down_and_found_again_with_its_machines() {
    let Some(lab) = Lab::start().await else { return };
    let a = lab.host_a();
    let _vm = lab.vm("again").await;
    let here = a.connect().await;
    let before = here.domain("again").await.unwrap();
    let line = Serial::open(&here, "again", 0).await.unwrap();
    let target = Target::Local(Some(a.socket()));
    for (crash, word) in [(true, "refused"), (false, "No such file")] {
        let here = a.connect().await;
        if crash {
            a.kill_libvirtd().await;
        } else {
            a.stop_libvirtd().await;
        }
        let why = tokio::time::timeout(PATIENCE, here.ended()).await.expect("told");
        assert!(!why.is_empty());
        let error = here.hostname().await.unwrap_err();
        assert!(error.connection_lost() && !error.uncertain(), "{error}");
        let error = target.connect(&Hypervisor::default(), LIMIT).await.unwrap_err();
        assert!(matches!(&error.what, Failure::NotReached(words) if words.contains(word)), "{error}");
        assert!(error.to_string().contains("is libvirtd, or virtqemud, running?"), "{error}");
        a.start_libvirtd().await;
        let here = a.connect().await;
        let after = here.domain("again").await.unwrap();
        assert_eq!((after.id, here.state(&after).await.unwrap().0), (before.id, 1));
    }
    let ended = tokio::time::timeout(PATIENCE, line.end()).await.expect("told").unwrap_err();
    assert!(ended.to_string().contains("open the console of again"), "{ended}");
    // A console works again.
    let here = a.connect().await;
    Serial::open(&here, "again", 0).await.unwrap().log_in("again").await;
}

#[tokio::test]
async fn through_ssh_all_is_as_beside_it() {
    let Some(lab) = Lab::shared().await else { return };
    let a = lab.host_a();
    let sshd = a.sshd().await;
    let _vm = lab.vm("far").await;
    let off = lab.guest(Guest::named("far-off").off()).await;
    let master = ssh::master(&sshd.ssh());
    for target in
        [Target::Ssh(master.clone(), None), Target::Ssh(master.clone(), Some("/run/libvirt/libvirt-sock".into()))]
    {
        let there = target.connect(&Hypervisor::default(), LIMIT).await.unwrap();
        assert_eq!((there.hostname().await.unwrap(), there.place()), (a.name(), "libvirt on ssh lab"));
        let names: Vec<String> = there.domains(0).await.unwrap().into_iter().map(|d| d.name).collect();
        assert!(names.contains(&"far".into()) && names.contains(&off.name().into()));
        assert!(there.all_stats(&[], 0, 0).await.unwrap().len() >= 2);
        let mut line = Serial::open(&there, "far", 0).await.unwrap();
        line.log_in("far").await;
        assert_eq!(line.run("hostname").await, "far");
        line.keys("exit\r").await;
        line.until("far login: ").await;
        drop(line);
        there.close().await;
    }
    // Only looking is kept to on the way, too.
    let look = Hypervisor { read_only: true, ..Hypervisor::default() };
    let there = Target::Ssh(master.clone(), None).connect(&look, LIMIT).await.unwrap();
    let domain = there.domain("far-off").await.unwrap();
    assert!(there.start_domain(&domain, 0).await.is_err());
    assert_eq!(a.state("far-off").await, "shut off");
    assert_eq!(master.connections().await, 1, "one login for all");
    master.close().await;
}

#[tokio::test]
async fn a_host_key_that_is_not_the_known_one_keeps_us_out() {
    let Some(lab) = Lab::shared().await else { return };
    let mut sshd = lab.host_b().sshd().await;
    sshd.change_key().await;
    let master = ssh::master(&sshd.ssh());
    let error = Target::Ssh(master, None).connect(&Hypervisor::default(), LIMIT).await.unwrap_err();
    let Failure::Ssh(why) = &error.what else { panic!("{error}") };
    assert!(matches!(&why.why, ssh::Failure::HostKeyChanged { fingerprint, .. } if *fingerprint == sshd.fingerprint()));
    assert!(error.connection_lost(), "{error}");
}
