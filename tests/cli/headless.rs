//! The lists, `run` and `doctor` on the real binary, against a simulated network.

use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use serde_json::Value as Json;

use super::noctule;

/// A simulated network in a process of its own, and a home that is configured for it.
pub(super) struct World {
    home: tempfile::TempDir,
    network: Child,
}

impl Drop for World {
    fn drop(&mut self) {
        let _ = self.network.kill();
        let _ = self.network.wait();
    }
}

impl World {
    /// Starts `noctule demo --headless` and takes its configuration over; its profile may change
    /// things, `look` may not.
    pub(super) fn start() -> Self {
        let home = tempfile::tempdir().unwrap();
        let mut network = Command::new(assert_cmd::cargo::cargo_bin!("noctule"))
            .args(["demo", "--headless", "--seed", "7"])
            .env_clear()
            .env("HOME", home.path())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut config = String::new();
        let mut lines = BufReader::new(network.stdout.take().unwrap()).lines();
        // The configuration ends with the file server of the last source.
        for line in &mut lines {
            let line = line.unwrap();
            config.push_str(&line);
            config.push('\n');
            if line.trim_start().starts_with("fs =") {
                break;
            }
        }
        // Whatever is printed later must not block the network.
        std::thread::spawn(move || lines.for_each(drop));
        config.push_str("\n[profile.look]\nread_only = true\n");
        let file = home.path().join(".config/noctule/noctule.toml");
        std::fs::create_dir_all(file.parent().unwrap()).unwrap();
        std::fs::write(file, config).unwrap();
        Self { home, network }
    }

    pub(super) fn home(&self) -> &Path {
        self.home.path()
    }

    /// Runs and gives code, standard output, standard error.
    pub(super) fn run(&self, args: &[&str]) -> (i32, String, String) {
        let output = noctule(self.home()).args(args).output().unwrap();
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        (output.status.code().unwrap(), text(output.stdout), text(output.stderr))
    }

    pub(super) fn json(&self, args: &[&str]) -> Json {
        let (code, out, err) = self.run(args);
        assert_eq!(code, 0, "{args:?}: {err}");
        serde_json::from_str(&out).unwrap_or_else(|e| panic!("{args:?}: {e}: {out}"))
    }
}

#[test]
fn lists_run_and_doctor_work_without_a_screen() {
    let world = World::start();

    // Nothing is there yet, and it says what to do.
    let (code, out, err) = world.run(&["alarms"]);
    assert_eq!((code, out.as_str()), (1, ""));
    assert!(err.contains("no cache"), "{err}");

    // --fresh polls, and the tree is there, whole.
    let onus = world.json(&["pon", "--fresh", "--json", "--filter", "kind=onu"]);
    let onus = onus.as_array().unwrap();
    assert!(onus.len() >= 60, "{}", onus.len());
    let wanted = "id kind parent serial name admin_state oper_status connect_status reason source as_of";
    for field in wanted.split(' ') {
        assert!(onus[0].get(field).is_some(), "{field}");
    }
    assert!(onus[0]["as_of"].as_str().unwrap().ends_with('Z'));

    // The stream is read to its end, too: the alarms of the past are there.
    let alarms = world.json(&["alarms", "--fresh", "--json"]);
    let alarms = alarms.as_array().unwrap();
    assert!(!alarms.is_empty());
    let wanted = "key source resource type severity cleared op_state visibility raised_at received_at last_changed \
                  occurrences text owner shelf_until";
    for field in wanted.split_whitespace() {
        assert!(alarms[0].get(field).is_some(), "{field}");
    }

    // From the cache: no waiting, and its age on standard error.
    let (code, out, err) = world.run(&["pon", "--ndjson", "--filter", "kind=olt", "--columns", "id,serial,onus"]);
    assert_eq!(code, 0, "{err}");
    assert_eq!(out.lines().count(), 2, "{out}");
    assert!(err.contains("data as of") && err.contains("old"), "{err}");
    let olt: Json = serde_json::from_str(out.lines().next().unwrap()).unwrap();
    assert_eq!(olt.as_object().unwrap().keys().collect::<Vec<_>>(), ["id", "serial", "onus"]);

    let (_, csv, _) = world.run(&["sources", "--csv", "--columns", "name,health"]);
    assert!(csv.starts_with("name,health\n"), "{csv}");
    let (_, table, _) = world.run(&["pon", "--limit", "3", "--sort", "serial"]);
    assert_eq!(table.lines().count(), 4, "{table}");
    assert!(table.starts_with("Id"), "{table}");

    plans_and_refusals(&world, olt["id"].as_str().unwrap());
    commands(&world);
    partly(&world);
    watching(&world);
    watching_text(&world);
    doctor(&world);
}

fn plans_and_refusals(world: &World, olt: &str) {
    let (code, out, err) = world.run(&["run", "pon.reboot", olt, "--dry-run"]);
    assert_eq!(code, 0, "{err}");
    assert!(out.contains("Reboot OLT") && out.contains("/voltha.VolthaService/RebootDevice"), "{out}");
    assert!(out.contains("Out of service: ") && out.contains("new device id"), "{out}");
    let (code, _, err) = world.run(&["-p", "look", "run", "pon.reboot", olt, "--yes"]);
    assert_eq!(code, 2);
    assert!(err.contains("read-only"), "{err}");
    let (code, out, err) = world.run(&["run", "pon.reboot", olt]);
    assert_eq!(code, 2, "{err}");
    assert!(out.contains("Reboot OLT") && err.contains("--yes"), "{out} {err}");
    for (args, words) in [
        (&["run", "alarm.akc", "x"][..], "no command"),
        (&["run", "alarm.shelve", "x", "--arg", "reason=works"], "needs `for`"),
        (&["alarms", "--filter", "sevrity=major"], "severity"),
        (&["alarms", "--sort", "text"], "cannot be sorted"),
        (&["pon", "--columns", "oper_state"], "oper_status"),
    ] {
        let (code, _, err) = world.run(args);
        assert_eq!(code, 2, "{args:?}: {err}");
        assert!(err.contains(words), "{args:?}: {err}");
    }
}

fn commands(world: &World) {
    let onus = world.json(&["pon", "--json", "--filter", "kind=onu oper=active", "--limit", "1"]);
    let onu = onus[0]["id"].as_str().unwrap();
    let outcome = world.json(&["run", "pon.disable", onu, "--yes", "--json"]);
    assert_eq!((outcome["done"].as_u64(), outcome["total"].as_u64()), (Some(1), Some(1)), "{outcome}");
    let log = world.json(&["log", "--json", "--filter", "kind=command what=pon.disable"]);
    assert_eq!((&log[0]["actor"], &log[0]["failed"]), (&"operator".into(), &false.into()), "{log}");

    let source = onus[0]["source"].as_str().unwrap();
    let (code, out, _) = world.run(&["run", "pon.disable", &format!("{source}/onu/NOSUCH00000001"), "--yes"]);
    assert_eq!(code, 1, "{out}");
    assert!(out.contains("not in the cache"), "{out}");
}

/// What went well for some targets and not for others ends with code 3.
fn partly(world: &World) {
    let one = |kind: &str| {
        let rows = world.json(&["pon", "--json", "--filter", &format!("kind={kind} oper=active"), "--limit", "1"]);
        rows[0]["id"].as_str().unwrap().to_owned()
    };
    let (onu, olt) = (one("onu"), one("olt"));
    // An OLT measures without groups: for it this is refused.
    let args = ["run", "pon.pm-config", &onu, &olt, "-a", "group=PON_Optical", "-a", "set=1m", "--yes"];
    let (code, out, err) = world.run(&args);
    assert_eq!(code, 3, "{out} {err}");
    assert!(out.contains("1 of 2 devices") && out.contains("no group `PON_Optical`"), "{out} {err}");
    let (code, out, err) = world.run(&args[..3].iter().chain(&args[4..]).copied().collect::<Vec<_>>());
    assert_eq!(code, 0, "what is so already counts as done: {out} {err}");
}

/// A child that is ended with the test, whatever happens.
pub(super) struct Ended(pub(super) Child);

impl Drop for Ended {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// As text, a row that comes begins with `+`, one that goes with `-` and its key.
fn watching_text(world: &World) {
    let onus = world.json(&["pon", "--json", "--filter", "kind=onu oper=active admin=enabled", "--limit", "1"]);
    let onu = onus[0]["id"].as_str().unwrap();
    let filter = format!("id=\"{onu}\" admin=enabled");
    let watch = Command::new(assert_cmd::cargo::cargo_bin!("noctule"))
        .args(["pon", "--watch", "--filter", &filter, "--columns", "id,admin_state"])
        .env_clear()
        .env("HOME", world.home())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut watch = Ended(watch);
    let mut lines = BufReader::new(watch.0.stdout.take().unwrap()).lines();
    // After the heading: the sign behind the time of day, and the rest of the line.
    let mut next = || loop {
        let line = lines.next().unwrap().unwrap();
        let mut words = line.split_whitespace();
        let time = words.next().unwrap_or_default();
        if time.len() == 8 && time.as_bytes()[2] == b':' {
            return words.map(str::to_owned).collect::<Vec<_>>();
        }
    };
    assert_eq!(next(), ["+", onu, "enabled"]);
    // The cache is in use: another home has its own, and the same network.
    let other = tempfile::tempdir().unwrap();
    let config = world.home().join(".config/noctule/noctule.toml");
    for (verb, line) in [("pon.disable", vec!["-", onu]), ("pon.enable", vec!["+", onu, "enabled"])] {
        let mut command = noctule(other.path());
        let done = command.arg("--config").arg(&config).args(["run", verb, onu, "--yes"]).output().unwrap();
        assert_eq!(done.status.code(), Some(0), "{verb}: {done:?}");
        assert_eq!(next(), line);
    }
    let pid = rustix::process::Pid::from_child(&watch.0);
    rustix::process::kill_process(pid, rustix::process::Signal::TERM).unwrap();
    assert_eq!(watch.0.wait().unwrap().code(), Some(0));
}

fn watching(world: &World) {
    let mut watch = Command::new(assert_cmd::cargo::cargo_bin!("noctule"))
        .args(["pon", "--watch", "--ndjson", "--filter", "kind=olt", "--columns", "id,oper_status"])
        .env_clear()
        .env("HOME", world.home())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(watch.stdout.take().unwrap()).lines();
    for _ in 0..2 {
        let row: Json = serde_json::from_str(&lines.next().unwrap().unwrap()).unwrap();
        assert_eq!(row["op"], "upsert", "{row}");
        assert!(row["id"].as_str().unwrap().contains("/olt/"), "{row}");
    }
    let pid = rustix::process::Pid::from_child(&watch);
    rustix::process::kill_process(pid, rustix::process::Signal::INT).unwrap();
    assert_eq!(watch.wait().unwrap().code(), Some(0));
}

fn doctor(world: &World) {
    let (code, out, err) = world.run(&["doctor", "--json"]);
    assert_eq!(code, 0, "{out} {err}");
    let report: Json = serde_json::from_str(&out).unwrap();
    let names: Vec<&str> = report["checks"].as_array().unwrap().iter().filter_map(|c| c["check"].as_str()).collect();
    for name in ["TERM", "files", "integrity", "journal", "grpc tcp", "grpc answer", "adapters", "kafka topic"] {
        assert!(names.contains(&name), "{name}: {out}");
    }
}

#[test]
fn a_source_that_is_down_is_told_by_code_4() {
    let home = tempfile::tempdir().unwrap();
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let config: PathBuf = home.path().join("noctule.toml");
    let text = format!("[[source]]\nname = \"away\"\nkind = \"voltha\"\ngrpc = \"http://127.0.0.1:{port}\"\n");
    std::fs::write(&config, text).unwrap();
    let run = |args: &[&str]| noctule(home.path()).arg("--config").arg(&config).args(args).output().unwrap();
    let fresh = run(&["pon", "--fresh", "--json"]);
    assert_eq!(fresh.status.code(), Some(4), "{fresh:?}");
    assert_eq!(String::from_utf8(fresh.stdout).unwrap(), "[]\n", "what there is, is printed");
    let doctor = run(&["doctor"]);
    assert_eq!(doctor.status.code(), Some(4), "{doctor:?}");
    let text = String::from_utf8(doctor.stdout).unwrap();
    assert!(text.contains("grpc tcp") && text.contains("> check address"), "{text}");
}
