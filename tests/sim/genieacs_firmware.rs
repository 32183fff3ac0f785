//! Firmware through a simulated GenieACS: every stage shows the evidence that the real one showed.

use noctule::sim::genieacs::{Acs, AcsControl, AcsOptions, RunningAcs};
use serde_json::{Value as Json, json};

use super::http::{Answer, ask, encode};

const ID: &str = "00259E-HG8245H-HWTC00000001";
const FILE: &str = "HG8245H_V3.0.10.bin";

struct Rig {
    acs: RunningAcs,
    control: AcsControl,
}

impl Rig {
    async fn new() -> Self {
        let acs = Acs::start(AcsOptions { bare: true, ..AcsOptions::still() }).await.expect("an ACS");
        let control = acs.control();
        control.plug_in("HG8245H", "HWTC00000001").expect("a model");
        Self { acs, control }
    }

    async fn upload(&self, headers: &[(&str, &str)]) -> Answer {
        ask(&self.acs.nbi_url(), "PUT", &format!("/files/{FILE}"), headers, b"0123456789").await.expect("an answer")
    }

    async fn list(&self, target: &str) -> Json {
        ask(&self.acs.nbi_url(), "GET", target, &[], b"").await.expect("an answer").json()
    }

    async fn device(&self) -> Json {
        self.list("/devices").await[0].clone()
    }

    async fn version(&self) -> Json {
        self.device().await["InternetGatewayDevice"]["DeviceInfo"]["SoftwareVersion"]["_value"].clone()
    }

    async fn download(&self) -> Answer {
        let target = format!("/devices/{}/tasks?connection_request", encode(ID));
        let task = json!({"name": "download", "file": FILE}).to_string();
        ask(&self.acs.nbi_url(), "POST", &target, &[], task.as_bytes()).await.expect("an answer")
    }
}

#[tokio::test]
async fn an_upgrade_goes_through_its_stages() {
    let rig = Rig::new().await;
    let metadata = [
        ("fileType", "1 Firmware Upgrade Image"),
        ("oui", "00259E"),
        ("productClass", "HG8245H"),
        ("version", "V3.0.10"),
    ];
    assert_eq!(rig.upload(&metadata).await.line(), "201 Created");
    let file = &rig.list("/files").await[0];
    assert_eq!((&file["length"], &file["metadata"]["version"]), (&json!(10), &json!("V3.0.10")));
    let booted = rig.device().await["_lastBoot"].clone();

    assert_eq!(rig.download().await.line(), "200 OK");
    assert_eq!(rig.list("/tasks").await, json!([]), "accepted: the task is gone already");
    let operation = rig.list("/operations").await[0].clone();
    let args: Json = serde_json::from_str(operation["args"].as_str().expect("a string")).expect("JSON in it");
    assert_eq!(args["fileName"], FILE);
    let started = rig.device().await["Downloads"]["1"].clone();
    assert_eq!(started["LastDownload"]["_value"], "1970-01-01T00:00:00.000Z");

    rig.control.advance(60.0);
    assert_ne!(rig.version().await, "V3.0.10", "fetched, but it boots");
    rig.control.advance(80.0);
    assert_eq!(rig.list("/operations").await, json!([]));
    assert_eq!(rig.list("/faults").await, json!([]));
    let done = rig.device().await;
    assert_eq!(done["Downloads"]["1"]["LastDownload"]["_value"], done["Downloads"]["1"]["Download"]["_value"]);
    assert_eq!(done["Downloads"]["1"]["LastFileName"]["_value"], FILE);
    assert!(done["_lastBoot"].as_str() > booted.as_str());
    let version = &done["InternetGatewayDevice"]["DeviceInfo"]["SoftwareVersion"];
    assert_eq!(version["_value"], "V3.0.10");
    assert!(version["_timestamp"].as_str() > done["Downloads"]["1"]["CompleteTime"]["_value"].as_str());
}

#[tokio::test]
async fn a_failed_transfer_leaves_a_fault_without_a_task() {
    let rig = Rig::new().await;
    rig.upload(&[]).await;
    rig.control.fail_downloads(1.0);
    rig.download().await;
    rig.control.advance(65.0);
    let fault = rig.list("/faults").await[0].clone();
    assert!(["cwmp.9010", "cwmp.9015", "cwmp.9018"].contains(&fault["code"].as_str().expect("a code")));
    assert!(fault["channel"].as_str().expect("a channel").starts_with("task_"));
    assert_eq!((rig.list("/tasks").await, rig.list("/operations").await), (json!([]), json!([])));
}

#[tokio::test]
async fn a_file_for_another_model_is_refused_by_the_cpe() {
    let rig = Rig::new().await;
    rig.upload(&[("productClass", "F660"), ("version", "V3.0.10")]).await;
    assert_eq!(rig.download().await.line(), "200 OK", "the ACS itself does not mind");
    rig.control.advance(65.0);
    assert_eq!(rig.list("/faults").await[0]["code"], "cwmp.9018");
}

#[tokio::test]
async fn a_complete_transfer_may_leave_the_old_version() {
    let rig = Rig::new().await;
    rig.upload(&[("version", "V3.0.10")]).await;
    let (before, booted) = (rig.version().await, rig.device().await["_lastBoot"].clone());
    rig.control.botch_upgrades(1.0);
    rig.download().await;
    rig.control.advance(200.0);
    assert_eq!((rig.list("/faults").await, rig.list("/operations").await), (json!([]), json!([])));
    assert!(rig.device().await["_lastBoot"].as_str() > booted.as_str());
    assert_eq!(rig.version().await, before);
}

#[tokio::test]
async fn a_cpe_that_dies_in_a_transfer_times_out_at_its_next_session() {
    let rig = Rig::new().await;
    rig.upload(&[]).await;
    rig.download().await;
    rig.control.offline(&[ID], true);
    rig.control.advance(4_000.0);
    assert_eq!(rig.list("/operations").await.as_array().map(Vec::len), Some(1), "nobody tells");
    assert_eq!(rig.list("/faults").await, json!([]));
    rig.control.offline(&[ID], false);
    rig.control.advance(60.0);
    assert_eq!(rig.list("/operations").await, json!([]));
    assert_eq!(rig.list("/faults").await[0]["code"], "timeout");
}

#[tokio::test]
async fn the_file_server_gives_files_back() {
    let rig = Rig::new().await;
    rig.upload(&[]).await;
    let (base, target) = (rig.acs.fs_url(), format!("/{FILE}"));
    let whole = ask(&base, "GET", &target, &[], b"").await.expect("an answer");
    assert_eq!((whole.status, whole.body.as_slice()), (200, &b"0123456789"[..]));
    let part = ask(&base, "GET", &target, &[("Range", "bytes=2-4")], b"").await.expect("an answer");
    assert_eq!((part.status, part.text().as_str()), (206, "234"));
    assert_eq!(part.headers["content-range"], "bytes 2-4/10");
    let tag = [("If-None-Match", whole.headers["etag"].as_str())];
    assert_eq!(ask(&base, "GET", &target, &tag, b"").await.expect("an answer").status, 304);
    assert_eq!(ask(&base, "GET", "/none", &[], b"").await.expect("an answer").status, 404);
    assert_eq!(ask(&rig.acs.nbi_url(), "GET", &format!("/files/{FILE}"), &[], b"").await.expect("one").status, 405);
    ask(&rig.acs.nbi_url(), "DELETE", &format!("/files/{FILE}"), &[], b"").await.expect("an answer");
    assert_eq!(ask(&base, "GET", &target, &[], b"").await.expect("an answer").status, 404);
}
