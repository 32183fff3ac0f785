//! The client of GenieACS against a server that behaves as the recorded one did (facts:
//! genieacs-api §5, §6), reason phrases, traps and deaths included.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use futures_util::{StreamExt, TryStreamExt};
use noctule::controllers::genieacs::client::Client;
use noctule::controllers::genieacs::error::{Error, Failure};
use noctule::controllers::genieacs::task::{ConnectionRequest, DownloadFile, Outcome, Setting, Task, TaskKind};
use noctule::controllers::genieacs::wire::{Collection, DeviceId, FileMeta, Filter, Find, Projection, Scalar, TaskId};
use noctule::controllers::stream::{Fault, Spot};
use noctule::controllers::voltha::error::ErrorKind;
use serde_json::{Value as Json, json};

use crate::acs_rig::{Asked, Does, Rig, chunked, head, list, quick, says};

const ID: &str = "F8345A-G%2D1425G%2DA-ALCL00000003";
const TASK: &str = "6b005847cdf9841db800a597";

fn device() -> DeviceId {
    DeviceId::new(ID)
}

fn reboot() -> Task {
    Task::new(TaskKind::Reboot).keyed("job-1")
}

fn sample(name: &str) -> Vec<Json> {
    let path = format!("{}/tests/fixtures/genieacs/{name}.json", env!("CARGO_MANIFEST_DIR"));
    serde_json::from_str(&std::fs::read_to_string(path).expect("a sample")).expect("JSON")
}

fn posted(reason: &str) -> Does {
    says(
        reason,
        &format!(r#"{{"name":"reboot","device":"{ID}","timestamp":"2026-11-20T14:25:16.969Z","_id":"{TASK}"}}"#),
    )
}

#[tokio::test]
async fn the_version_is_the_health_check() {
    let rig = Rig::start(|_| says("404 Not Found", "404 Not Found")).await;
    assert_eq!(rig.client().version().await.expect("a version"), "1.2.16+x");
    let stranger = Rig::start(|_| Does::Says(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n".to_vec())).await;
    let told = stranger.client().version().await.expect_err("no GenieACS").to_string();
    assert!(told.contains("no GenieACS-Version"), "{told}");
    let guarded = Rig::start(|_| Does::Says(b"HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n".to_vec())).await;
    assert_eq!(guarded.client().version().await.expect_err("a login").what, Failure::Login(401));
}

#[tokio::test]
async fn lists_are_read_wherever_chunks_end() {
    for chunk in [1, 7, 4096] {
        let rig = Rig::start(move |_| list(&[sample("device-tr098"), sample("device-tr181")].concat(), chunk)).await;
        let devices: Vec<_> = rig.client().devices(&Find::default()).try_collect().await.expect("a list");
        assert_eq!(devices.len(), 2);
        assert_eq!(devices[1].id(), device());
        assert_eq!(devices[0].serial, "HWTC00000001");
    }
    let empty = Rig::start(|_| list(&[], 100)).await;
    assert!(empty.client().tasks(&Filter::all()).await.expect("a list").is_empty());
}

#[tokio::test]
async fn questions_are_asked_as_the_server_reads_them() {
    let rig = Rig::start(|_| list(&[], 100)).await;
    let client = rig.client();
    let find = Find::new(Filter::id(ID)).only(Projection::of(["_id", "_tags"]));
    let _: Vec<_> = client.devices(&find).collect().await;
    assert_eq!(rig.asked()[0].target.matches("%252D").count(), 2, "ids stand raw in queries");
    client.count(Collection::Faults, &Filter::equal("code", "cwmp.9000")).await.expect("a total");
    let sorted = Find { sort: vec![("_lastInform".into(), true)], limit: 5, skip: 10, ..Find::default() };
    let _: Vec<_> = client.devices(&sorted).collect().await;
    client.task_by_key(&device(), "job-1").await.expect("an answer");
    assert_eq!(
        rig.lines(),
        [
            format!(r#"GET /devices?query={{"_id":"{ID}"}}&projection=_id,_tags"#),
            r#"HEAD /faults?query={"code":"cwmp.9000"}"#.to_owned(),
            r#"GET /devices?sort={"_lastInform":-1}&skip=10&limit=5"#.to_owned(),
            format!(r#"GET /tasks?query={{"$and":[{{"device":"{ID}"}},{{"uniqueKey":"job-1"}}]}}&limit=1"#),
        ]
    );
}

#[tokio::test]
async fn a_long_list_is_read_as_it_comes() {
    const MIB: usize = 24;
    let line = format!("{},\n", json!({"_id": "x", "Device": {"A": {"_value": "y".repeat(2000)}}}));
    let lines = MIB * (1 << 20) / line.len();
    let rig = Rig::start(move |_| {
        let mut pieces = vec![head(lines), chunked(b"[\n")];
        pieces.extend((0..lines).map(|_| chunked(line.as_bytes())));
        pieces.push([chunked(b"{\"_id\":\"last\"}\n]"), b"0\r\n\r\n".to_vec()].concat());
        Does::Breaks(pieces)
    })
    .await;
    let mut rows = rig
        .client()
        .find::<noctule::controllers::genieacs::device::DeviceDoc>(Collection::Devices, &Find::default())
        .await
        .expect("a list");
    assert_eq!(rows.total, Some(lines as u64));
    let mut count = 0;
    while let Some(one) = rows.next().await {
        one.expect("a device");
        count += 1;
    }
    assert_eq!(count, lines + 1);
    assert!(rows.bytes() >= (MIB << 20) as u64 - 5000);
}

#[tokio::test]
async fn lists_that_break_say_so_after_what_was_whole() {
    let cut = || Does::Breaks(vec![head(3), chunked(b"[\n{\"_id\":\"a\"},\n{\"_id\":\"b\"},\n{\"_i")]);
    let rig = Rig::start(move |_| cut()).await;
    let found: Vec<_> = rig.client().devices(&Find::default()).collect().await;
    assert_eq!(found.len(), 3);
    assert!(found[0].is_ok() && found[1].is_ok());
    let fault = found[2].as_ref().expect_err("cut short");
    assert_eq!(fault.what, Failure::List(Fault::Truncated { documents: 2 }));

    let broken = Rig::start(|_| Does::Breaks(vec![head(2), chunked(b"[\n{\"_id\":\"a\"},\n{nonsense}\n]")])).await;
    let found: Vec<_> = broken.client().devices(&Find::default()).collect().await;
    assert!(
        matches!(&found[1], Err(Error { what: Failure::List(Fault::Broken { at: Spot::Line(3), .. }), .. })),
        "{found:?}"
    );
}

#[tokio::test]
async fn pages_go_by_key_and_go_on_where_they_broke() {
    let broken = AtomicUsize::new(0);
    let rig = Rig::start(move |asked: &Asked| {
        let line = crate::acs_rig::decoded(&asked.target);
        let after =
            line.split("\"$gt\":\"d").nth(1).and_then(|t| t.split('"').next()).map_or(0, |n| n.parse().expect("n"));
        let ids: Vec<Json> = (after + 1..=5).take(2).map(|n| json!({"_id": format!("d{n}")})).collect();
        // The second page ends after its first device.
        if after == 2 && broken.fetch_add(1, Ordering::SeqCst) == 0 {
            return Does::Breaks(vec![head(2), chunked(b"[\n{\"_id\":\"d3\"},\n")]);
        }
        list(&ids, 50)
    })
    .await;
    let stream = rig.client().devices_by_key(Filter::all(), Projection::ids(), 2);
    let ids: Vec<String> = stream.map_ok(|d| d.id().to_string()).try_collect().await.expect("all of them");
    assert_eq!(ids, ["d1", "d2", "d3", "d4", "d5"]);
    assert_eq!(rig.lines()[0], r#"GET /devices?projection=_id&sort={"_id":1}&limit=2"#);
    assert_eq!(rig.lines()[2], r#"GET /devices?query={"_id":{"$gt":"d3"}}&projection=_id&sort={"_id":1}&limit=2"#);
}

#[tokio::test]
async fn reason_phrases_tell_what_became_of_a_task() {
    let offline = || Outcome::Offline("Device is offline".into());
    let waits = || Outcome::Queued("Task queued but not processed".into());
    let error = |words: &str| Outcome::Error(words.to_owned());
    let credentials = "Connection request error: Incorrect connection request credentials";
    for (status, outcome) in [
        ("200 OK", Outcome::Done),
        ("202 Task faulted", Outcome::Faulted),
        ("202 Device is offline", offline()),
        ("202 Task queued but not processed", waits()),
        (&*format!("202 {credentials}"), error(credentials)),
        ("202 Invalid connection request URL", error("Invalid connection request URL")),
        ("202 Unrecognized auth method", error("Unrecognized auth method")),
    ] {
        let reason = status.to_owned();
        let rig = Rig::start(move |_| posted(&reason)).await;
        let answer = rig.client().post_task(&device(), &reboot(), ConnectionRequest::Within(3000)).await.expect(status);
        assert_eq!(answer.outcome, outcome, "{status}");
        assert_eq!(answer.task_id, TaskId::parse(TASK));
        let asked = &rig.asked()[0];
        assert_eq!(
            asked.line(),
            "POST /devices/F8345A-G%252D1425G%252DA-ALCL00000003/tasks?connection_request&timeout=3000"
        );
        assert_eq!(asked.json(), json!({"name": "reboot", "uniqueKey": "job-1"}));
        assert!(asked.has_header("content-type: application/json"));
    }
    let rig = Rig::start(|_| posted("202 Accepted")).await;
    let queued = rig.client().post_task(&device(), &reboot(), ConnectionRequest::No).await.expect("queued");
    assert_eq!(queued.outcome, Outcome::Queued("Accepted".into()));
    assert!(rig.asked()[0].target.ends_with("/tasks"));
}

#[tokio::test]
async fn a_reason_that_a_proxy_swallowed_is_found_out() {
    for (fault, waits, outcome) in [
        (true, true, Outcome::Faulted),
        (false, true, Outcome::Queued("it waits; the reason was lost on the way".into())),
        (false, false, Outcome::Done),
    ] {
        let rig = Rig::start(move |asked: &Asked| match asked.line().as_str() {
            line if line.starts_with("POST") => posted("202 Accepted"),
            line if line.starts_with("GET /faults") && fault => list(&sample("fault-spv"), 100),
            line if line.starts_with("GET /tasks") && waits => list(&sample("tasks-pending"), 100),
            _ => list(&[], 100),
        })
        .await;
        let answer = rig.client().post_task(&device(), &reboot(), ConnectionRequest::Yes).await.expect("an answer");
        assert_eq!(answer.outcome, outcome);
    }
}

fn posts(rig: &Rig) -> usize {
    rig.asked().iter().filter(|a| a.method == "POST").count()
}

#[tokio::test]
async fn a_lost_answer_is_looked_up_and_never_posted_again() {
    for (waits, keyed) in [(true, true), (false, true), (true, false)] {
        let rig = Rig::start(move |asked: &Asked| match asked.method.as_str() {
            "POST" => Does::Dies,
            _ if waits => list(&sample("tasks-pending"), 100),
            _ => list(&[], 100),
        })
        .await;
        let task = Task { unique_key: keyed.then(|| "job-1".to_owned()), ..reboot() };
        let answer = rig.client().post_task(&device(), &task, ConnectionRequest::Yes).await;
        assert_eq!(posts(&rig), 1, "{answer:?}");
        if waits && keyed {
            let answer = answer.expect("found");
            assert_eq!(answer.task_id, TaskId::parse(TASK));
            assert!(matches!(answer.outcome, Outcome::Queued(_)));
        } else {
            let error = answer.expect_err("nobody knows");
            assert_eq!(error.what, Failure::WorkerRestarting { perhaps_done: true });
            assert!(!error.certainly_not_done());
        }
    }
}

#[tokio::test]
async fn a_worker_that_restarts_costs_reading_calls_a_pause_only() {
    let died = AtomicUsize::new(0);
    let mut rig = Rig::start(move |_| match died.fetch_add(1, Ordering::SeqCst) {
        0 => Does::Dies,
        _ => says("404 Not Found", ""),
    })
    .await;
    assert!(rig.client().version().await.is_ok(), "no answer, then one");

    let client = rig.client_with(|p| p.restart = vec![Duration::from_millis(20); 1000]);
    client.version().await.expect("alive");
    rig.stop();
    let asking = tokio::spawn({
        let client = client.clone();
        async move { client.version().await }
    });
    tokio::time::sleep(Duration::from_millis(50)).await;
    rig.again().await;
    // Without a call that died nobody can know that a worker is on its way back.
    let first = asking.await.expect("no panic");
    assert!(
        matches!(&first, Ok(_) | Err(Error { what: Failure::Transport(ErrorKind::Unreachable, _), .. })),
        "{first:?}"
    );
}

#[tokio::test]
async fn no_answer_and_then_refused_is_a_worker_restarting() {
    let mut rig = Rig::start(|_| Does::Dies).await;
    let client = rig.client_with(|p| p.restart = Vec::new());
    let first = client.count(Collection::Devices, &Filter::all()).await.expect_err("it died");
    assert_eq!(first.what, Failure::WorkerRestarting { perhaps_done: false });
    rig.stop();
    // The port closes with the task that held it.
    let told = loop {
        let error = client.post_task(&device(), &reboot(), ConnectionRequest::No).await.expect_err("refused");
        if error.certainly_not_done() {
            break error;
        }
    };
    assert_eq!(told.what, Failure::WorkerRestarting { perhaps_done: false });
    assert!(told.to_string().contains("worker restarting; it is back within half a minute"), "{told}");
}

#[tokio::test]
async fn a_server_that_was_never_there_is_unreachable() {
    let mut rig = Rig::start(|_| Does::Dies).await;
    let client = rig.client();
    rig.stop();
    let error = loop {
        match client.count(Collection::Devices, &Filter::all()).await.expect_err("nobody").what {
            Failure::WorkerRestarting { .. } => tokio::task::yield_now().await,
            other => break other,
        }
    };
    assert!(matches!(error, Failure::Transport(ErrorKind::Unreachable, _)), "{error:?}");
}

#[tokio::test]
async fn limits_are_kept() {
    let rig = Rig::start(|_| Does::Hangs).await;
    let brief = Duration::from_millis(50);
    let client = rig.client_with(|p| (p.first_byte, p.change, p.connect, p.restart) = (brief, brief, brief, vec![]));
    let read = client.count(Collection::Devices, &Filter::all()).await.expect_err("silence");
    assert_eq!(read.what, Failure::Deadline { seconds: 0, perhaps_done: false });
    let written = client.delete_device(&device()).await.expect_err("silence");
    assert!(!written.certainly_not_done());
    let usual = quick(&rig.config());
    assert!(usual.task >= Duration::from_secs(180) && usual.idle < Duration::from_secs(5));
}

#[tokio::test]
async fn what_kills_a_worker_never_leaves() {
    let rig = Rig::start(|_| says("200 OK", "")).await;
    let client = rig.client();
    let task = |kind| Task::new(kind);
    let mut refused = Vec::new();
    for kind in [
        TaskKind::GetParameterValues(vec![]),
        TaskKind::SetParameterValues(vec![]),
        TaskKind::SetParameterValues(vec![Setting::new("A..B", Scalar::Int(1))]),
        TaskKind::DeleteObject("A.B".into()),
        TaskKind::Download { file: DownloadFile::Id(String::new()), target: None },
        TaskKind::Provisions(vec![]),
    ] {
        refused.push(client.post_task(&device(), &task(kind), ConnectionRequest::Yes).await.map(drop));
    }
    refused.push(client.post_task(&DeviceId::new(""), &reboot(), ConnectionRequest::No).await.map(drop));
    let typed = Filter::from_json(json!({"_id": {"$regex": "a"}}));
    refused.push(client.tasks(&typed).await.map(drop));
    refused.push(client.count(Collection::Tasks, &typed).await.map(drop));
    refused.push(
        client.count(Collection::Devices, &Filter::from_json(json!({"a": {"$ne": 1, "$gt": 0}}))).await.map(drop),
    );
    let open = Filter::from_json(json!({"$where": "sleep(1)"}));
    refused.push(client.devices(&Find::new(open)).try_collect::<Vec<_>>().await.map(drop));
    refused.push(client.delete_fault("x").await);
    refused.push(client.put_preset("p", "{\"hello\":1}").await);
    refused.push(client.put_provision("p", " ").await);
    refused.push(client.put_virtual_parameter("a.b", "return 1").await);
    refused.push(client.put_object("o", "[]").await);
    refused.push(client.ping("-f").await.map(drop));
    let many: Vec<DeviceId> = (0..1000).map(|n| DeviceId::new(format!("202BC1-BM632w-{n:06}"))).collect();
    refused.push(client.tasks(&Filter::devices(&many)).await.map(drop));
    for (i, result) in refused.into_iter().enumerate() {
        let error = result.expect_err("refused");
        assert!(matches!(error.what, Failure::Invalid(_)), "{i}: {error}");
        assert!(error.to_string().contains("not sent: "), "{i}: {error}");
    }
    assert!(rig.asked().is_empty(), "{:?}", rig.lines());
}

#[tokio::test]
async fn what_is_gone_is_looked_up_before_a_worker_dies_of_it() {
    let rig = Rig::start(|_| list(&[], 10)).await;
    let client = rig.client();
    let id = TaskId::parse(TASK).expect("an id");
    let retried = client.retry_task(&id).await.expect_err("gone");
    assert!(retried.to_string().contains("delete its fault and post it anew"), "{retried}");
    let deleted = client.delete_file("nosuch.bin").await.expect_err("gone");
    assert!(matches!(deleted.what, Failure::NotFound(_)), "{deleted}");
    assert!(rig.asked().iter().all(|a| a.method == "GET"), "{:?}", rig.lines());

    let there = Rig::start(|asked: &Asked| match asked.method.as_str() {
        "GET" => list(&[json!({"_id": TASK})], 10),
        _ => says("200 OK", ""),
    })
    .await;
    there.client().retry_task(&id).await.expect("retried");
    there.client().delete_file("HG8245H_V3.0.10.bin").await.expect("deleted");
    let lines: Vec<String> = there.asked().iter().filter(|a| a.method != "GET").map(Asked::line).collect();
    assert_eq!(lines, [format!("POST /tasks/{TASK}/retry"), "DELETE /files/HG8245H_V3%2E0%2E10%2Ebin".to_owned()]);
}

#[tokio::test]
async fn every_other_route_is_there() {
    let rig = Rig::start(
        |asked: &Asked| if asked.method == "GET" { says("200 OK", "PING 1 ok") } else { says("200 OK", "") },
    )
    .await;
    let client = rig.client();
    client.poke(&device()).await.expect("poked");
    client.delete_device(&device()).await.expect("deleted");
    client.tag(&device(), "area a/é").await.expect("tagged");
    client.untag(&device(), "x").await.expect("untagged");
    client.delete_task(&TaskId::parse(TASK).expect("an id")).await.expect("deleted");
    client.delete_fault("a%2D1:task_x").await.expect("deleted");
    client.put_preset("p 1", r#"{"weight":0,"configurations":[{"type":"provision","name":"x"}]}"#).await.expect("put");
    client.delete_preset("p 1").await.expect("deleted");
    client.put_provision("x", "log(1)").await.expect("put");
    client.delete_provision("x").await.expect("deleted");
    client.put_virtual_parameter("v", "return 1").await.expect("put");
    client.delete_virtual_parameter("v").await.expect("deleted");
    client.put_object("o", "{}").await.expect("put");
    client.delete_object("o").await.expect("deleted");
    assert_eq!(client.ping("127.0.0.1").await.expect("pinged"), "PING 1 ok");
    let id = "F8345A-G%252D1425G%252DA-ALCL00000003";
    let lines: Vec<String> = rig.asked().iter().map(Asked::line).collect();
    assert_eq!(
        lines,
        [
            format!("POST /devices/{id}/tasks?connection_request"),
            format!("DELETE /devices/{id}"),
            format!("POST /devices/{id}/tags/area%20a%2F%C3%A9"),
            format!("DELETE /devices/{id}/tags/x"),
            format!("DELETE /tasks/{TASK}"),
            "DELETE /faults/a%252D1%3Atask_x".to_owned(),
            "PUT /presets/p%201".to_owned(),
            "DELETE /presets/p%201".to_owned(),
            "PUT /provisions/x".to_owned(),
            "DELETE /provisions/x".to_owned(),
            "PUT /virtual_parameters/v".to_owned(),
            "DELETE /virtual_parameters/v".to_owned(),
            "PUT /objects/o".to_owned(),
            "DELETE /objects/o".to_owned(),
            "GET /ping/127.0.0.1".to_owned(),
        ]
    );
}

async fn refused_with(
    status: &'static str,
    body: &'static str,
    call: impl AsyncFnOnce(Client) -> Result<(), Error>,
) -> Failure {
    let rig = Rig::start(move |_| says(status, body)).await;
    call(rig.client()).await.expect_err("refused").what
}

#[tokio::test]
async fn refusals_have_their_meaning() {
    let offline = refused_with("504 Device is offline", "Device is offline", async |c| c.poke(&device()).await).await;
    assert_eq!(offline, Failure::Poke("Device is offline".into()));
    let session =
        refused_with("503 Service Unavailable", "Device is in session", async |c| c.delete_device(&device()).await);
    assert_eq!(session.await, Failure::InSession);
    let nobody = refused_with("404 Not Found", "No such device", async |c| c.tag(&device(), "x").await).await;
    assert_eq!(nobody, Failure::NotFound("the device".into()));
    let id = TaskId::parse(TASK).expect("an id");
    let gone = refused_with("404 Not Found", "Task not found", async move |c| c.delete_task(&id).await).await;
    assert_eq!(gone, Failure::NotFound("the task".into()));
    let syntax = "SyntaxError: Unexpected token ';'";
    let script = refused_with("400 Bad Request", syntax, async |c| c.put_provision("x", "const x = ;").await).await;
    assert_eq!(script, Failure::Status { code: 400, words: syntax.into() });
    let ping =
        refused_with("500 Internal Server Error", "Error: spawn ping ENOENT", async |c| c.ping("a").await.map(drop));
    assert!(matches!(ping.await, Failure::Status { code: 500, words } if words.contains("ENOENT")));
}

#[tokio::test]
async fn files_are_sent_as_they_are_read_and_summed() {
    let rig = Rig::start(|_| says("201 Created", "")).await;
    let meta = FileMeta {
        name: "HG8245H_V3.0.10.bin".into(),
        file_type: "1 Firmware Upgrade Image".into(),
        oui: "202BC1".into(),
        product_class: "BM632w".into(),
        version: "V3.0.10".into(),
    };
    let bytes: Vec<u8> = (0..300_000_u32).map(|n| n as u8).collect();
    let sent = rig.client().put_file(&meta, std::io::Cursor::new(bytes.clone()), 300_000).await.expect("sent");
    let digest = ring::digest::digest(&ring::digest::SHA256, &bytes);
    let hex: String = digest.as_ref().iter().map(|b| format!("{b:02x}")).collect();
    assert_eq!((sent.bytes, sent.sha256), (300_000, hex));
    let asked = &rig.asked()[0];
    assert_eq!((asked.line().as_str(), &asked.body), ("PUT /files/HG8245H_V3%2E0%2E10%2Ebin", &bytes));
    for header in ["filetype: 1 Firmware Upgrade Image", "oui: 202BC1", "productclass: BM632w", "version: V3.0.10"] {
        assert!(asked.has_header(header), "{}", asked.head);
    }
    for told in [299_999, 300_001] {
        let error =
            rig.client().put_file(&meta, std::io::Cursor::new(bytes.clone()), told).await.expect_err("another length");
        assert!(matches!(&error.what, Failure::Input(why) if why.contains("changed meanwhile")), "{error}");
    }
}

#[tokio::test]
async fn files_are_read_back_from_the_file_server() {
    let rig = Rig::start(|_| says("200 OK", "firmware")).await;
    let mut config = rig.config();
    let mut out = Vec::new();
    let none = Client::new(&"a".into(), &config).expect("a client").read_file("x.bin", &mut out).await;
    assert!(none.expect_err("no file server").to_string().contains("fs is not set"));
    config.fs = Some(config.nbi.clone());
    let read = Client::new(&"a".into(), &config).expect("a client").read_file("x.bin", &mut out).await.expect("read");
    assert_eq!((out.as_slice(), read.bytes), (b"firmware".as_slice(), 8));
    assert_eq!(rig.asked()[0].line(), "GET /x%2Ebin");
}

#[tokio::test]
async fn connections_that_idled_are_not_used_again() {
    let rig = Rig::start(|_| says("404 Not Found", "")).await;
    let client = rig.client_with(|p| p.idle = Duration::from_millis(20));
    client.version().await.expect("an answer");
    tokio::time::sleep(Duration::from_millis(60)).await;
    client.version().await.expect("an answer");
    let connections: Vec<usize> = rig.asked().iter().map(|a| a.connection).collect();
    assert_eq!(connections, [0, 1]);
}
