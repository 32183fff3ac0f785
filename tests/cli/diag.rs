//! `noctule diag` on the real binary over loopback: lines, JSON, events, exit codes, Ctrl-C, and
//! results attached to alarms.

use std::io::{BufRead as _, BufReader, Read as _};
use std::net::{TcpListener, UdpSocket};
use std::process::{Command, Stdio};

use serde_json::Value as Json;

use super::headless::World;
use super::noctule;

fn run(args: &[&str]) -> (i32, String, String) {
    let home = tempfile::tempdir().unwrap();
    let out = noctule(home.path()).arg("diag").args(args).output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (out.status.code().unwrap(), text(out.stdout), text(out.stderr))
}

#[test]
fn codes_tell_open_closed_and_partly() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let open = listener.local_addr().unwrap().port().to_string();
    let closed = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port().to_string();
    let (code, out, err) = run(&["port", "127.0.0.1", &open]);
    assert_eq!((code, err.as_str()), (0, ""));
    assert!(out.contains(&format!("127.0.0.1: tcp port {open} is open in ")), "{out}");
    let (code, out, _) = run(&["port", "127.0.0.1", &closed]);
    assert_eq!(code, 1);
    assert!(out.contains("closed: the host is there and nothing listens"), "{out}");
    let (code, out, _) = run(&["port", "127.0.0.1", &format!("{closed},{open}"), "--json"]);
    let result: Json = serde_json::from_str(&out).unwrap();
    assert_eq!((code, &result["verdict"]), (3, &"partly".into()));
    let (code, _, err) = run(&["dns", "a.test", "-S", &format!("127.0.0.1:{closed}"), "-t", "200ms"]);
    assert_eq!((code, err.as_str()), (4, ""));
}

#[test]
fn events_come_one_a_line_and_the_result_last() {
    let (code, out, err) = run(&["trace", "127.0.0.1", "--no-names", "--ndjson"]);
    assert_eq!(code, 0, "{err}");
    let lines: Vec<Json> = out.lines().map(|l| serde_json::from_str(l).unwrap()).collect();
    let kinds: Vec<_> = lines.iter().map(|l| l["event"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["started", "hop", "result"]);
    assert_eq!(lines[2]["data"]["hops"][0]["probes"][0]["from"], "127.0.0.1");
}

#[test]
fn wrong_usage_is_told_before_anything_is_sent() {
    let cases: &[(&[&str], &str)] = &[
        (&[], "Usage"),
        (&["ping"], "HOST"),
        (&["ping", "a b"], "letters, digits"),
        (&["ping", "--", "-f"], "dash"),
        (&["ping", "127.0.0.1", "-n", "0"], "count: 0 is not from 1 to 10000"),
        (&["ping", "127.0.0.1", "-i", "1ms"], "interval"),
        (&["ping", "127.0.0.1", "-s", "65508"], "size"),
        (&["ping", "127.0.0.1", "-4", "-6"], "cannot be used"),
        (&["dns", "a", "-T", "AXFR"], "is one of A, AAAA"),
        (&["port", "127.0.0.1", "0"], "no port"),
        (&["bandwidth", "ftp://a"], "http://"),
        (&["bandwidth", "http://user:secret@a/"], "no user"),
        (&["trace", "127.0.0.1", "--json", "--ndjson"], "cannot be used"),
    ];
    for (args, words) in cases {
        let (code, out, err) = run(args);
        assert_eq!((code, out.as_str()), (2, ""), "{args:?}: {err}");
        assert!(err.contains(words), "{args:?}: {err}");
    }
}

#[test]
fn ctrl_c_prints_what_is_known() {
    let quiet = UdpSocket::bind("127.0.0.1:0").unwrap();
    let open = quiet.local_addr().unwrap().port();
    let closed = UdpSocket::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let home = tempfile::tempdir().unwrap();
    let mut child = Command::new(assert_cmd::cargo::cargo_bin!("noctule"))
        .args(["diag", "port", "127.0.0.1", &format!("{open},{closed}"), "--udp", "-t", "60s", "--ndjson"])
        .env_clear()
        .env("HOME", home.path())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut out = BufReader::new(child.stdout.take().unwrap());
    let mut line = String::new();
    // The closed one is told at once; the other one would take a minute.
    while !line.contains("\"port\"") {
        line.clear();
        assert!(out.read_line(&mut line).unwrap() > 0);
    }
    let pid = rustix::process::Pid::from_child(&child);
    rustix::process::kill_process(pid, rustix::process::Signal::INT).unwrap();
    let mut rest = String::new();
    out.read_to_string(&mut rest).unwrap();
    let result: Json = serde_json::from_str(rest.lines().last().unwrap()).unwrap();
    assert_eq!((&result["event"], &result["cancelled"]), (&"result".into(), &true.into()));
    assert_eq!(result["data"]["ports"].as_array().unwrap().len(), 1);
    assert_eq!(child.wait().unwrap().code(), Some(3));
}

#[test]
fn a_result_becomes_the_note_of_an_alarm() {
    let world = World::start();
    let alarms = world.json(&["alarms", "--fresh", "--json", "--columns", "key"]);
    let key = alarms[0]["key"].as_str().unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port().to_string();
    let (code, out, err) = world.run(&["diag", "port", "127.0.0.1", &port, "--attach", key, "--json"]);
    assert_eq!(code, 0, "{err}");
    assert_eq!(serde_json::from_str::<Json>(&out).unwrap()["verdict"], "reached", "only the result is on stdout");
    assert!(err.contains("noted on"), "{err}");
    let log = world.json(&["log", "--json", "--filter", "kind=action what=note"]);
    let text = log[0]["text"].as_str().unwrap();
    assert!(text.starts_with("port 20") && text.contains(&format!("tcp port {port} is open")), "{text}");

    // A profile that only looks is refused before anything is sent, and so is what is no alarm.
    let (code, out, err) = world.run(&["-p", "look", "diag", "port", "127.0.0.1", &port, "--attach", key]);
    assert_eq!((code, out.as_str()), (2, ""), "{err}");
    assert!(err.contains("read-only"), "{err}");
    let (code, out, err) = world.run(&["diag", "port", "127.0.0.1", &port, "--attach", "no-such-alarm"]);
    assert_eq!((code, out.as_str()), (1, ""), "{err}");
    assert!(err.contains("no-such-alarm"), "{err}");
}
