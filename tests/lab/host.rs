//! The system of an appliance, looked at here and through a real sshd, with real collectors on it:
//! rsyslog, snmptrapd and nfcapd, and a relay whose collector is dead.

use std::process::Command;

use noctule::config::schema::Protocol;
use noctule::controllers::host::{Look, Place, Reach, check_port, probe};
use noctule::controllers::ssh;
use noctule::engine::ports::{Around, Change, plan};
use noctule::model::appliance::poll::{HostStatus, PortSetting, Socket};
use serde_json::json;

use super::process::{Program, free_udp, until};
use super::sshd::Sshd;

fn holder(host: &HostStatus, tcp: bool, port: u16) -> Option<&Socket> {
    host.listening.as_ref().expect("they can be seen").iter().find(|s| s.tcp == tcp && s.port == port)
}

#[tokio::test]
async fn both_ways_see_the_same_collectors_and_what_is_behind_a_relay() {
    let sshd = Sshd::start("").await;
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    let [syslog, traps, flows, relay, inner] = std::array::from_fn(|_| free_udp());
    std::fs::create_dir(at.join("flows")).unwrap();
    let rsyslog = format!(
        "global(workDirectory=\"{0}\")\nmodule(load=\"imudp\")\ninput(type=\"imudp\" address=\"127.0.0.1\" port=\"{syslog}\")\n*.* action(type=\"omfile\" file=\"{0}/syslog.log\")\n",
        at.display()
    );
    std::fs::write(at.join("rsyslog.conf"), rsyslog).unwrap();
    std::fs::write(at.join("traps.conf"), "disableAuthorization yes\n").unwrap();
    let mut programs = Vec::new();
    let mut start = |name: &str, args: &[String]| {
        let mut command = Command::new(name);
        command.args(args).env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin");
        programs.push(Program::start(&mut command, &at.join(format!("{name}.out"))));
    };
    let path = |name: &str| at.join(name).display().to_string();
    start("rsyslogd", &["-n".into(), "-f".into(), path("rsyslog.conf"), "-i".into(), path("rsyslog.pid")]);
    start(
        "snmptrapd",
        &[
            "-f".into(),
            "-C".into(),
            "-c".into(),
            path("traps.conf"),
            "-Lf".into(),
            path("traps.log"),
            "-p".into(),
            path("traps.pid"),
            format!("udp:127.0.0.1:{traps}"),
        ],
    );
    // Which option names the folder has changed between versions of nfdump.
    let help = Command::new("nfcapd")
        .arg("-h")
        .output()
        .map(|o| String::from_utf8_lossy(&[o.stdout, o.stderr].concat()).into_owned())
        .unwrap();
    let folder_option = if help.contains("-w ") { "-w" } else { "-l" };
    start(
        "nfcapd",
        &[folder_option.into(), path("flows"), "-b".into(), "127.0.0.1".into(), "-p".into(), flows.to_string()],
    );
    start("socat", &[format!("UDP4-LISTEN:{relay},bind=127.0.0.1,fork"), format!("UDP4:127.0.0.1:{inner}")]);

    let database = at.join("buffer/db");
    std::fs::create_dir_all(&database).unwrap();
    std::fs::write(database.join("telemetry.db"), vec![0; 12_345]).unwrap();
    std::fs::write(database.join("telemetry.db-wal"), vec![0; 678]).unwrap();
    let look = Look::at(&at.display().to_string());
    let master = ssh::master(&sshd.ssh());
    let (here, there) = (Place::Local, Place::Ssh(std::sync::Arc::clone(&master)));
    let ports = [(syslog, "rsyslog"), (traps, "snmptrapd"), (flows, "nfcapd"), (relay, "socat")];
    until("all collectors listen", || async {
        let seen = probe(&here, &look).await.unwrap();
        ports.iter().all(|(port, _)| holder(&seen, false, *port).is_some())
    })
    .await;

    let (local, remote) = (probe(&here, &look).await.unwrap(), probe(&there, &look).await.unwrap());
    for seen in [&local, &remote] {
        for (port, name) in ports {
            let socket = holder(seen, false, port).unwrap_or_else(|| panic!("{port} {name}"));
            assert!(socket.process.starts_with(name) && socket.pid > 0, "{socket:?}");
        }
        assert!(holder(seen, true, sshd.port).is_some_and(|s| s.process == "sshd"));
        // The relay answers for a collector that is not there.
        assert!(holder(seen, false, inner).is_none());
        assert_eq!((seen.database_bytes, seen.wal_bytes), (Some(12_345), Some(678)));
    }
    assert_eq!((&*local.told_by, &*remote.told_by), ("this machine", "ssh lab"));
    assert_eq!(local.cpus, remote.cpus);
    assert!(local.cpus.is_some() && local.load_milli.is_some() && remote.load_milli.is_some());
    assert!(local.uptime_s.unwrap().abs_diff(remote.uptime_s.unwrap()) < 30);
    assert!(local.memory_pct.unwrap().abs_diff(remote.memory_pct.unwrap()) < 20);
    assert_eq!(local.disks.len(), 2);
    for (a, b) in local.disks.iter().zip(&remote.disks) {
        assert_eq!((&a.mount, a.size_bytes), (&b.mount, b.size_bytes));
        assert!(a.used_pct.abs_diff(b.used_pct) <= 2, "{a:?} {b:?}");
    }
    // Other tests open and close ports meanwhile; ours are the same on both.
    let ours = |host: &HostStatus| -> Vec<Socket> {
        let mine = [syslog, traps, flows, relay, sshd.port];
        host.listening.clone().unwrap().into_iter().filter(|s| mine.contains(&s.port)).collect()
    };
    assert_eq!(ours(&local), ours(&remote));

    for (port, _) in ports {
        let reach = check_port(Protocol::Udp, "127.0.0.1", port).await;
        assert!(matches!(reach, Reach::Silent | Reach::Open), "{port}: {reach:?}");
    }
    assert_eq!(check_port(Protocol::Udp, "127.0.0.1", inner).await, Reach::Closed);
    assert_eq!(check_port(Protocol::Tcp, "127.0.0.1", sshd.port).await, Reach::Open);

    // A plan onto a port that another collector holds is refused, and tells which one.
    let config = json!({"collection": {"syslog": {"port": 1514}}});
    let settings = [PortSetting {
        service: "fluent-bit".into(),
        path: "collection.syslog.port".into(),
        port: 1514,
        tcp: false,
        enabled: true,
    }];
    let changes = [Change { path: "collection.syslog.port".into(), port: traps.into() }];
    let around =
        Around { config: &config, settings: &settings, listening: remote.listening.as_deref(), privileged: None };
    let told = plan(&changes, around);
    assert!(!told.is_possible() && told.lines.iter().any(|l| l.contains("held by snmptrapd")), "{:?}", told.lines);
    let begun = std::time::Instant::now();
    probe(&there, &look).await.unwrap();
    eprintln!("host probe through ssh: {:?}", begun.elapsed());
    master.close().await;
}

#[tokio::test]
async fn a_host_without_a_shell_is_told() {
    let sshd = Sshd::start("ForceCommand echo no shell here").await;
    let place = Place::Ssh(ssh::master(&sshd.ssh()));
    let error = probe(&place, &Look::at("/data")).await.unwrap_err().to_string();
    assert!(error.contains("no shell here") && error.contains("POSIX shell"), "{error}");
}
