//! Jobs from the command line, on real processes over a simulated server: found out about, made,
//! waited for, interrupted, and taken over from an agent that was killed.

use std::io::{BufRead as _, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value as Json;

use super::agent::Agent;
use super::headless::{Ended, World};
use super::noctule;

const PATIENCE: Duration = Duration::from_secs(120);

fn file(world: &World, name: &str, text: &str) -> String {
    let path: PathBuf = world.home().join(name);
    std::fs::write(&path, text).unwrap();
    path.to_str().unwrap().to_owned()
}

/// A request for everything that is online.
fn request(name: &str, more: &str, ssid: &str) -> String {
    format!("name = \"{name}\"\nfilter = \"online=online\"\nstale = \"0s\"\n{more}\n[wifi]\nssid = \"{ssid}\"\n")
}

/// The exit code of a job that is over: one whose every device is through has gone well, one with
/// devices that failed, or whose tasks wait for their next inform, only partly.
fn well(job: &Json) -> i32 {
    let n = |field: &str| job[field].as_u64().unwrap();
    if n("failed") + n("queued") > 0 { 3 } else { 0 }
}

fn phase(world: &World, job: &str) -> String {
    world.json(&["jobs", job, "--json"])["phase"].as_str().unwrap().to_owned()
}

/// A command that waits for a job, and what it says.
struct Waiting {
    child: Ended,
    out: Receiver<String>,
    err: Receiver<String>,
    heard: Vec<String>,
}

fn lines(from: impl std::io::Read + Send + 'static) -> Receiver<String> {
    let (to, lines) = channel();
    std::thread::spawn(move || BufReader::new(from).lines().map_while(Result::ok).try_for_each(|line| to.send(line)));
    lines
}

impl Waiting {
    fn start(world: &World, args: &[&str]) -> Self {
        let mut child: Child = Command::new(assert_cmd::cargo::cargo_bin!("noctule"))
            .args(args)
            .env_clear()
            .env("HOME", world.home())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let (out, err) = (lines(child.stdout.take().unwrap()), lines(child.stderr.take().unwrap()));
        Self { child: Ended(child), out, err, heard: Vec::new() }
    }

    fn says(&mut self, words: &str) -> String {
        let until = Instant::now() + PATIENCE;
        loop {
            let Ok(line) = self.err.recv_timeout(until.saturating_duration_since(Instant::now())) else {
                panic!("`{words}` is not said: {:#?}", self.heard)
            };
            self.heard.push(line.clone());
            if line.contains(words) {
                return line;
            }
        }
    }

    fn end(mut self) -> (i32, Vec<String>, Vec<String>) {
        let code = self.child.0.wait().unwrap().code().unwrap();
        self.heard.extend(self.err.iter());
        (code, self.out.iter().collect(), self.heard)
    }

    fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child.0), signal).unwrap();
    }
}

#[test]
fn a_job_is_found_out_about_made_and_waited_for() {
    let world = World::start();
    let fleet = world.json(&["cpe", "--fresh", "--json", "--filter", "online=online"]).as_array().unwrap().len();
    assert!(fleet >= 10, "{fleet}");
    bad_requests(&world);

    // Nobody owns the cache: the server is asked from here, and nothing is changed.
    let wifi = file(&world, "wifi.toml", &request("guest wifi", "", "Guest"));
    let (code, csv, err) = world.run(&["run", "cpe.job.create", &wifi, "--dry-run", "--csv"]);
    assert_eq!(code, 0, "{err}");
    assert!(csv.starts_with("index,job,device,serial,") && csv.lines().count() == fleet + 1, "{csv}");
    assert!(csv.contains("→ Guest"), "old and new: {csv}");
    assert!(err.contains("nothing was changed"), "{err}");
    let (code, table, err) = world.run(&["run", "cpe.job.create", &wifi, "--dry-run"]);
    assert_eq!((code, table.lines().count()), (0, fleet + 1), "the same again, so nothing was written: {table} {err}");
    assert!(table.contains("→ Guest"), "{table}");

    let (code, plan, err) = world.run(&["run", "cpe.job.create", &wifi]);
    assert_eq!(code, 2, "{err}");
    assert!(plan.contains("guest wifi") && err.contains("--yes"), "{plan} {err}");
    let (code, out, err) = world.run(&["-p", "look", "run", "cpe.job.create", &wifi, "--yes"]);
    assert!(code == 2 && out.is_empty() && err.contains("read-only"), "{code} {out} {err}");

    // Made and run here, to its end.
    let (code, out, err) = world.run(&["run", "cpe.job.create", &wifi, "--yes", "--wait", "--json"]);
    let job: Json = serde_json::from_str(&out).unwrap();
    assert_eq!(code, well(&job), "{out} {err}");
    assert_eq!((job["phase"].as_str(), job["through"].as_u64()), (Some("ended"), Some(fleet as u64)), "{job}");
    assert!(job["waves"].as_array().is_some() && job["does"][0].as_str().unwrap().contains("ssid"), "{job}");
    lists(&world, job["id"].as_str().unwrap(), fleet);
    with_an_agent(&world);
}

fn bad_requests(world: &World) {
    let run = |args: &[&str]| world.run(&[&["run", "cpe.job.create"][..], args].concat());
    let wrong = file(world, "wrong.toml", "name = \"x\"\nfilter = \"*\"\nmax_concurrent = 4000\nverb = \"reboot\"\n");
    for (args, words) in [
        (&[][..], "needs the file"),
        (&["/no/such/file.toml"], "/no/such/file.toml"),
        (&[&wrong, "--yes"], "line 3: max_concurrent"),
        (&[&wrong, &wrong], "takes one request"),
        (&["--filter", "online=online"], "the request itself says"),
    ] {
        let (code, _, err) = run(args);
        assert_eq!(code, 2, "{args:?}: {err}");
        assert!(err.contains(words), "{args:?}: {err}");
    }
    let nobody = file(world, "nobody.toml", "name = \"x\"\nfilter = \"serial=NONE\"\nverb = \"reboot\"\n");
    let (code, out, err) = run(&[&nobody, "--yes"]);
    assert!(code == 1 && out.is_empty() && err.contains("gives no device"), "{code} {out} {err}");
    // From standard input, and of standard input.
    let out = noctule(world.home())
        .args(["run", "cpe.job.create", "-"])
        .write_stdin("{\"name\": \"x\", \"filter\": \"*\", \"verb\": \"rebot\"}")
        .output()
        .unwrap();
    assert_eq!(out.status.code(), Some(2));
    assert!(String::from_utf8(out.stderr).unwrap().contains("-, line 1: verb"));
    let (code, _, err) = world.run(&["jobs", "nonsense"]);
    assert!(code == 2 && err.contains("no job is called `nonsense`"), "{code} {err}");
    let (code, _, err) = world.run(&["run", "job.wait", "nonsense"]);
    assert!(code == 2 && err.contains("no job is called"), "{code} {err}");
}

fn lists(world: &World, job: &str, fleet: usize) {
    let all = world.json(&["jobs", "--json"]);
    assert_eq!(all.as_array().unwrap().len(), 3, "two dry runs and the job: {all}");
    let (code, text, _) = world.run(&["jobs", job]);
    assert_eq!(code, 0);
    for words in ["guest wifi", job, "wifi.ssid = Guest", "ended", "wave 1", &format!("of {fleet} devices through")] {
        assert!(text.contains(words), "{words}: {text}");
    }
    let (_, devices, _) =
        world.run(&["jobs", job.get(..30).unwrap(), "--devices", "--ndjson", "--filter", "state=changed"]);
    assert!(devices.lines().count() >= fleet / 2, "{devices}");
    let (code, _, err) = world.run(&["jobs", "guest wifi"]);
    assert!(code == 2 && err.contains("3 jobs are called"), "{err}");
    let (code, _, err) = world.run(&["jobs", "--devices"]);
    assert!(code == 2 && err.contains("needs a job"), "{err}");
}

/// An agent runs what others make; they may wait for it or not.
fn with_an_agent(world: &World) {
    let mut agent = Agent::start(world);
    agent.says("works on 2 sources");
    let wifi = file(world, "more.toml", &request("more wifi", "", "More"));
    let (code, id, err) = world.run(&["run", "cpe.job.create", &wifi, "--yes"]);
    assert_eq!(code, 0, "{err}");
    assert!(err.contains(&format!("process {} runs it", agent.pid())), "{err}");
    let (code, out, err) = world.run(&["run", "job.wait", id.trim()]);
    assert!(out.is_empty() && err.contains("more wifi: ended"), "{code} {out} {err}");
    assert_eq!(code, well(&world.json(&["jobs", id.trim(), "--json"])), "{err}");
    agent.says("job more wifi");
    let watch = ["run", "cpe.job.create", &file(world, "last.toml", &request("last", "", "Last")), "--yes", "--watch"];
    let (code, rows, err) = world.run(&watch);
    let rows: Vec<Json> = rows.lines().map(|l| serde_json::from_str(l).unwrap()).collect();
    assert_eq!(rows.last().unwrap()["phase"], "ended", "{rows:?}");
    assert_eq!(code, well(rows.last().unwrap()), "{err}");
    let (code, _, err) = world.run(&["run", "job.pause", id.trim()]);
    assert_eq!(code, 0, "{err}");
    agent.signal(Signal::TERM);
    agent.says("ended");
}

#[test]
fn interrupted_a_job_of_our_own_is_paused_and_goes_on_where_it_was() {
    let world = World::start();
    world.json(&["cpe", "--fresh", "--json"]);
    let slow = file(&world, "slow.toml", &request("slow", "max_concurrent = 1", "Slow"));
    let mut wait = Waiting::start(&world, &["run", "cpe.job.create", &slow, "--yes", "--wait"]);
    wait.says("slow: running");
    wait.signal(Signal::INT);
    let (code, out, err) = wait.end();
    let job = out[0].clone();
    assert_eq!(code, 1, "{err:#?}");
    assert!(err.iter().any(|l| l.contains("is paused") && l.contains("job.resume")), "{err:#?}");
    assert_eq!(phase(&world, &job), "paused");

    // An agent goes on with it and is killed; whoever waits takes over.
    let mut agent = Agent::start(&world);
    agent.says("works on 2 sources");
    let (code, _, err) = world.run(&["run", "job.resume", &job]);
    assert_eq!(code, 0, "{err}");
    let mut wait = Waiting::start(&world, &["run", "job.wait", &job, "--json"]);
    wait.says("slow: running");
    agent.kill();
    wait.says("it is run here now");
    let (code, out, err) = wait.end();
    let told: Json = serde_json::from_str(&out.join("\n")).unwrap();
    assert_eq!(code, well(&told), "{err:#?}");
    assert_eq!((&told["phase"], &told["through"]), (&"ended".into(), &told["total"]), "{told}");
    let devices = world.json(&["jobs", &job, "--devices", "--json"]);
    let twice = devices.as_array().unwrap().iter().filter(|d| d["attempt"].as_u64() > Some(1)).count();
    assert_eq!(twice, 0, "no device was written twice: {devices}");
}
