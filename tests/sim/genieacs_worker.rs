//! The one worker of the NBI: what kills it, what the callers see, and that it comes back.

use std::io::ErrorKind;
use std::time::Duration;

use noctule::sim::genieacs::{Acs, AcsOptions, RunningAcs};
use tokio::net::TcpStream;

use super::http::{ask, ask_for, encode};
use super::until;

async fn acs(speed: f64) -> RunningAcs {
    Acs::start(AcsOptions { speed, life: false, ..AcsOptions::default() }).await.expect("an ACS")
}

#[tokio::test]
async fn a_dying_worker_answers_nobody_refuses_and_returns() {
    let acs = acs(20.0).await;
    let base = acs.nbi_url();
    let host = base.strip_prefix("http://").expect("an address").to_owned();
    let idle = TcpStream::connect(&host).await.expect("a connection");
    let id = encode(&acs.control().ids()[0]);
    // The caller holds on: it is cut off when the worker is ended (20 s, scaled).
    let (base_of, target) = (base.clone(), format!("/devices/{id}/tasks"));
    let caller =
        tokio::spawn(
            async move { ask(&base_of, "POST", &target, &[], b"{\"name\":\"bogus\"}").await.map(|a| a.line()) },
        );
    let refused = until("the port is closed", || async { TcpStream::connect(&host).await.err() }).await;
    assert_eq!(refused.kind(), ErrorKind::ConnectionRefused);
    let mut byte = [0];
    idle.readable().await.expect("readable");
    assert_eq!(idle.try_read(&mut byte).expect("its end"), 0, "an idle connection is closed");
    assert!(caller.await.expect("joined").is_err(), "the caller got an answer");
    let back = until("it serves again", || async { ask(&base, "HEAD", "/devices", &[], b"").await.ok() }).await;
    assert_eq!((back.status, back.total()), (200, 40));
}

#[tokio::test]
async fn each_request_that_kills_is_known() {
    let acs = Acs::start(AcsOptions::still()).await.expect("an ACS");
    let base = acs.nbi_url();
    let id = encode(&acs.control().ids()[3]);
    let tasks = format!("/devices/{id}/tasks");
    let query = |collection: &str, json: &str| format!("/{collection}?query={}", encode(json));
    let gone = "5403908ef28ea3a25c138adc";
    let deadly: Vec<(&str, String, &str)> = vec![
        ("POST", tasks.clone(), r#"{"name":"setParameterValues","parameterValues":[]}"#),
        ("POST", tasks.clone(), r#"{"name":"getParameterValues"}"#),
        ("POST", tasks.clone(), r#"{"name":"refreshObject"}"#),
        ("POST", tasks.clone(), r#"{"name":"download","fileType":"1 Firmware Upgrade Image"}"#),
        ("POST", tasks.clone(), r#"{"name":"provisions","provisions":[["a",{}]]}"#),
        ("POST", format!("{tasks}?connection_request"), r#"["reboot"]"#),
        ("DELETE", "/tasks/x".into(), ""),
        ("POST", "/tasks/x/retry".into(), ""),
        ("POST", format!("/tasks/{gone}/retry"), ""),
        ("DELETE", "/files/nosuch.bin".into(), ""),
        ("GET", query("tasks", r#"{"_id":{"$regex":"a"}}"#), ""),
        ("GET", query("faults", r#"{"retries":{"$mod":[2,0]}}"#), ""),
        ("GET", query("devices", r#"{"a":{"$ne":1,"$gt":0}}"#), ""),
        ("GET", query("devices", r#"{"$where":"1"}"#), ""),
        ("GET", query("devices", r#"{"a":"/(/"}"#), ""),
        ("DELETE", "/devices/%zz".into(), ""),
    ];
    for (method, target, body) in deadly {
        let answer = ask_for(Duration::from_millis(40), &base, method, &target, body.as_bytes()).await;
        assert!(answer.is_err(), "{method} {target} {body}: {answer:?}");
        until("it serves again", || async { ask(&base, "HEAD", "/devices", &[], b"").await.ok() }).await;
    }
}

#[tokio::test]
async fn a_frozen_acs_answers_when_it_thaws() {
    let acs = Acs::start(AcsOptions::still()).await.expect("an ACS");
    let (base, control) = (acs.nbi_url(), acs.control());
    control.freeze(true);
    assert!(ask_for(Duration::from_millis(100), &base, "HEAD", "/devices", b"").await.is_err());
    let later = tokio::spawn(async move { ask(&base, "HEAD", "/devices", &[], b"").await });
    control.freeze(false);
    assert_eq!(later.await.expect("joined").expect("an answer").total(), 40);
}

#[tokio::test]
async fn garbage_on_the_wire_harms_nobody() {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let acs = Acs::start(AcsOptions::still()).await.expect("an ACS");
    let base = acs.nbi_url();
    let host = base.strip_prefix("http://").expect("an address");
    for garbage in [&b"\x00\xff\x16\x03\x01\r\n\r\n"[..], b"GET\r\n\r\n", b"GET / HTTP/9.9\r\n\r\n", b""] {
        let mut stream = TcpStream::connect(host).await.expect("a connection");
        stream.write_all(garbage).await.expect("sent");
        stream.shutdown().await.expect("closed");
        let mut out = Vec::new();
        let _ = stream.read_to_end(&mut out).await;
    }
    assert_eq!(ask(&base, "GET", "/", &[], b"").await.expect("an answer").line(), "404 Not Found");
}
