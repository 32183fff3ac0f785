//! Several real processes on one cache: the agent, commands that are handed to it, another agent
//! that waits and takes over when the first one is killed.

use std::io::{BufRead as _, BufReader};
use std::process::{Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use serde_json::Value as Json;

use super::headless::{Ended, World};

/// How long a process may take on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

/// A running agent and what it says.
pub(super) struct Agent {
    child: Ended,
    lines: Receiver<String>,
    heard: Vec<String>,
}

impl Agent {
    pub(super) fn start(world: &World) -> Self {
        let mut child = Command::new(assert_cmd::cargo::cargo_bin!("noctule"))
            .arg("agent")
            .env_clear()
            .env("HOME", world.home())
            .env("JOURNAL_STREAM", "8:1")
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let (to, lines) = channel();
        let stderr = BufReader::new(child.stderr.take().unwrap());
        std::thread::spawn(move || stderr.lines().map_while(Result::ok).try_for_each(|line| to.send(line)));
        Self { child: Ended(child), lines, heard: Vec::new() }
    }

    pub(super) fn pid(&self) -> u32 {
        self.child.0.id()
    }

    /// Waits for a line.
    pub(super) fn says(&mut self, words: &str) -> String {
        let until = Instant::now() + PATIENCE;
        loop {
            let left = until.saturating_duration_since(Instant::now());
            let Ok(line) = self.lines.recv_timeout(left) else {
                panic!("the agent does not say `{words}`: {:#?}", self.heard)
            };
            self.heard.push(line.clone());
            if line.contains(words) {
                return line;
            }
        }
    }

    /// Ends it without a word, and buries it: a dead process that nobody has asked after still counts.
    pub(super) fn kill(&mut self) {
        self.child.0.kill().unwrap();
        self.child.0.wait().unwrap();
    }

    pub(super) fn signal(&self, signal: rustix::process::Signal) {
        rustix::process::kill_process(rustix::process::Pid::from_child(&self.child.0), signal).unwrap();
    }
}

fn status(world: &World) -> (i32, Json) {
    let (code, out, _) = world.run(&["agent", "--status", "--json"]);
    (code, serde_json::from_str(&out).unwrap())
}

#[test]
fn one_owns_the_cache_the_others_hand_over_and_take_over() {
    let world = World::start();
    let (code, told) = status(&world);
    assert_eq!((code, &told["running"]), (1, &Json::Bool(false)));

    let mut first = Agent::start(&world);
    let line = first.says("works on 2 sources");
    assert!(line.starts_with("<5>"), "the level of the journal: {line}");
    first.says("is up");
    let (code, told) = status(&world);
    assert_eq!((code, told["role"].as_str(), told["pid"].as_u64()), (0, Some("agent"), Some(first.pid().into())));
    assert_eq!(told["sources"].as_array().unwrap().len(), 2, "{told}");

    // Attached processes do what the owner can: poll, acknowledge, command devices.
    let onus = world.json(&["pon", "--fresh", "--json", "--filter", "kind=onu oper=active admin=enabled"]);
    let onu = onus[0]["id"].as_str().unwrap();
    let outcome = world.json(&["run", "pon.disable", onu, "--yes", "--json"]);
    assert_eq!((outcome["done"].as_u64(), outcome["total"].as_u64()), (Some(1), Some(1)), "{outcome}");
    first.says("disabled 1 device");
    let log = world.json(&["log", "--json", "--filter", "kind=command what=pon.disable"]);
    assert_eq!(log[0]["failed"], Json::Bool(false), "the owner journals it: {log}");
    acknowledge(&world);
    // The gate is that of the process at which it was asked.
    let (code, _, err) = world.run(&["-p", "look", "run", "pon.enable", onu, "--yes"]);
    assert_eq!(code, 2);
    assert!(err.contains("read-only"), "{err}");

    let mut second = Agent::start(&world);
    second.says(&format!("process {} owns this cache and does the work: waiting until it ends", first.pid()));
    first.signal(rustix::process::Signal::KILL);
    second.says("works on 2 sources");
    let (code, told) = status(&world);
    assert_eq!((code, told["pid"].as_u64()), (0, Some(second.pid().into())), "{told}");
    let outcome = world.json(&["run", "pon.enable", onu, "--yes", "--json"]);
    assert_eq!(outcome["done"].as_u64(), Some(1), "{outcome}");

    second.signal(rustix::process::Signal::TERM);
    second.says("ended");
    assert_eq!(second.child.0.wait().unwrap().code(), Some(0));
    assert_eq!(status(&world).0, 1);
    let socket = world.home().join(".local/share/noctule/noctule-demo.db.run/control");
    assert!(!socket.exists() && socket.parent().unwrap().is_dir(), "the socket goes with the agent");
}

fn acknowledge(world: &World) {
    let until = Instant::now() + PATIENCE;
    let key = loop {
        let alarms = world.json(&["alarms", "--json", "--filter", "op=none"]);
        if let Some(key) = alarms[0]["key"].as_str() {
            break key.to_owned();
        }
        assert!(Instant::now() < until, "no alarm came");
    };
    let outcome = world.json(&["run", "alarm.ack", &key, "--arg", "note=seen", "--json"]);
    assert_eq!(outcome["done"].as_u64(), Some(1), "{outcome}");
    let alarm = world.json(&["alarms", "--json", "--scope", "all", "--filter", &format!("key={key}")]);
    assert_eq!(alarm[0]["op_state"], "ack", "{alarm}");
}

/// An owner that hangs: it is there, and nothing can be changed.
#[test]
fn an_owner_that_hangs_is_told_and_nothing_is_changed() {
    let world = World::start();
    let mut agent = Agent::start(&world);
    agent.says("is up");
    agent.signal(rustix::process::Signal::STOP);
    let (code, told) = status(&world);
    assert_eq!(code, 4, "{told}");
    assert!(told["error"].as_str().unwrap().contains("does not answer"), "{told}");
    let (code, out, err) = world.run(&["run", "alarm.ack", "x"]);
    assert_eq!(code, 1, "{out} {err}");
    assert!(err.contains("not possible here and now") && err.contains("does not answer"), "{err}");
    agent.signal(rustix::process::Signal::CONT);
    let until = Instant::now() + PATIENCE;
    while status(&world).0 != 0 {
        assert!(Instant::now() < until, "it does not come back");
    }
}

#[test]
fn there_has_to_be_something_to_do() {
    let home = tempfile::tempdir().unwrap();
    let out = super::noctule(home.path()).arg("agent").output().unwrap();
    assert_eq!(out.status.code(), Some(2), "{out:?}");
    assert!(String::from_utf8(out.stderr).unwrap().contains("no source is configured"));
}
