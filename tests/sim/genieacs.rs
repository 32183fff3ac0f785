//! A simulated GenieACS over HTTP: each trap of the real one, proven.

use noctule::sim::Scale;
use noctule::sim::genieacs::{Acs, AcsControl, AcsOptions, Answers, RunningAcs};
use serde_json::{Value as Json, json};

use super::http::{Answer, ask, encode};

const SSID: &str = "InternetGatewayDevice.LANDevice.1.WLANConfiguration.1.SSID";
const CHANNEL: &str = "InternetGatewayDevice.LANDevice.1.WLANConfiguration.1.Channel";
const VERSION: &str = "InternetGatewayDevice.DeviceInfo.SoftwareVersion";

struct Rig {
    acs: RunningAcs,
    control: AcsControl,
    id: String,
}

impl Rig {
    /// An ACS with one CPE.
    async fn with(product: &str, serial: &str) -> Self {
        let acs = Acs::start(AcsOptions { bare: true, ..AcsOptions::still() }).await.expect("an ACS");
        let control = acs.control();
        let id = control.plug_in(product, serial).expect("a model");
        Self { acs, control, id }
    }

    async fn ask(&self, method: &str, target: &str, body: &str) -> Answer {
        ask(&self.acs.nbi_url(), method, target, &[], body.as_bytes()).await.expect("an answer")
    }

    async fn run(&self, task: Json) -> Answer {
        self.post("tasks?connection_request", &task).await
    }

    async fn post(&self, what: &str, task: &Json) -> Answer {
        let body = if task.is_null() { String::new() } else { task.to_string() };
        self.ask("POST", &format!("/devices/{}/{what}", encode(&self.id)), &body).await
    }

    async fn list(&self, collection: &str, query: Json) -> Vec<Json> {
        let target = format!("/{collection}?query={}", encode(&query.to_string()));
        let Json::Array(rows) = self.ask("GET", &target, "").await.json() else { panic!("no list") };
        rows
    }

    async fn doc(&self) -> Json {
        self.list("devices", json!({"_id": self.id})).await.remove(0)
    }

    /// A node of the device's document.
    async fn node(&self, path: &str) -> Json {
        let pointer = format!("/{}", path.replace('.', "/"));
        self.doc().await.pointer(&pointer).cloned().unwrap_or(Json::Null)
    }

    async fn value(&self, path: &str) -> Json {
        self.node(path).await["_value"].clone()
    }

    async fn set(&self, values: Json) -> Answer {
        self.run(json!({"name": "setParameterValues", "parameterValues": values})).await
    }

    async fn get(&self, path: &str) -> Json {
        self.run(json!({"name": "getParameterValues", "parameterNames": [path]})).await;
        self.value(path).await
    }

    async fn faults(&self) -> Vec<Json> {
        self.list("faults", json!({"device": self.id})).await
    }

    async fn tasks(&self) -> Vec<Json> {
        self.list("tasks", json!({"device": self.id})).await
    }
}

#[tokio::test]
async fn two_hundred_does_not_mean_that_a_value_changed() {
    let rig = Rig::with("HG8245H", "HWTC00000001").await;
    let before = rig.value(VERSION).await;
    let mixed = json!([[SSID, "X1", "xsd:string"], [format!("{SSID}Nope"), "x"], [VERSION, "HACK"]]);
    assert_eq!(rig.set(mixed).await.line(), "200 OK");
    assert!(rig.faults().await.is_empty() && rig.tasks().await.is_empty());
    assert_eq!(rig.value(SSID).await, "X1", "the good one is applied");
    assert_eq!(rig.value(VERSION).await, before, "a read-only one is passed over");
    assert_eq!(rig.node(&format!("{SSID}Nope")).await, Json::Null);
}

#[tokio::test]
async fn the_type_of_a_request_plays_no_part() {
    let rig = Rig::with("HG8245H", "HWTC00000001").await;
    rig.set(json!([[CHANNEL, "11", "xsd:string"]])).await;
    let node = rig.node(CHANNEL).await;
    assert_eq!((&node["_value"], &node["_type"]), (&json!(11), &json!("xsd:unsignedInt")));
}

#[tokio::test]
async fn what_the_cache_says_already_is_not_sent() {
    let rig = Rig::with("HG8245H", "HWTC00000001").await;
    rig.set(json!([[SSID, "Wanted"]])).await;
    assert!(rig.control.change_at_device(&rig.id, SSID, &json!("Drifted")));
    assert_eq!(rig.value(SSID).await, "Wanted", "the ACS does not notice");
    assert_eq!(rig.set(json!([[SSID, "Wanted"]])).await.line(), "200 OK");
    assert_eq!(rig.get(SSID).await, "Drifted", "nothing was sent");
    rig.set(json!([[SSID, "Wanted"]])).await;
    assert_eq!(rig.get(SSID).await, "Wanted");
}

#[tokio::test]
async fn a_refused_parameter_is_named_and_nothing_of_its_list_is_applied() {
    let rig = Rig::with("HG8245H", "HWTC00000001").await;
    let before = rig.value(SSID).await;
    assert_eq!(rig.set(json!([[SSID, "New"], [CHANNEL, 999]])).await.line(), "202 Task faulted");
    let fault = &rig.faults().await[0];
    assert_eq!(fault["code"], "cwmp.9003");
    assert_eq!(fault["detail"]["setParameterValuesFault"][0]["parameterName"], CHANNEL);
    assert_eq!(fault["detail"]["setParameterValuesFault"][0]["faultCode"], "9007");
    assert_eq!(rig.get(SSID).await, before);
    assert_eq!(rig.tasks().await.len(), 1, "the faulted task stays and blocked nothing");
    rig.control.refuse_parameter(SSID, 9_001);
    assert_eq!(rig.set(json!([[SSID, "Other"]])).await.reason, "Task faulted");
    rig.control.fail_sets(1.0);
    assert_eq!(rig.set(json!([[CHANNEL, 1]])).await.reason, "Task faulted");
    assert!(rig.faults().await.iter().any(|f| f["code"] == "cwmp.9002"));
}

#[tokio::test]
async fn a_fault_is_tried_again_after_its_back_off_or_at_once_without_it() {
    let rig = Rig::with("BM632w", "000000").await;
    let task = rig.run(json!({"name": "reboot"})).await.json();
    rig.post("tasks?connection_request", &Json::Null).await;
    assert_eq!(rig.faults().await[0]["retries"], 0);
    // The next informs after five minutes try again, then it doubles.
    rig.control.advance(600.0);
    assert_eq!(rig.faults().await[0]["retries"], 1);
    let id = task["_id"].as_str().expect("an id");
    assert_eq!(rig.ask("POST", &format!("/tasks/{id}/retry"), "").await.line(), "200 OK");
    assert!(rig.faults().await.is_empty());
    assert_eq!(rig.tasks().await.len(), 1, "only the fault went");
    rig.control.session_now(&rig.id);
    rig.control.advance(1.0);
    let fault = rig.faults().await.remove(0);
    let target = format!("/faults/{}", encode(fault["_id"].as_str().expect("an id")));
    assert_eq!(rig.ask("DELETE", &target, "").await.line(), "200 OK");
    assert!(rig.tasks().await.is_empty(), "its task went with it");
}

#[tokio::test]
async fn an_expiry_switches_the_back_off_off() {
    let rig = Rig::with("BM632w", "000000").await;
    rig.run(json!({"name": "reboot", "expiry": 60})).await;
    let mut stamps = vec![rig.faults().await[0]["timestamp"].clone()];
    for _ in 0..2 {
        rig.control.advance(2.0);
        rig.control.session_now(&rig.id);
        rig.control.advance(1.0);
        let fault = rig.faults().await.remove(0);
        assert_eq!(fault["retries"], 0);
        assert!(!stamps.contains(&fault["timestamp"]), "it was not run again");
        stamps.push(fault["timestamp"].clone());
    }
    rig.control.advance(60.0);
    rig.control.session_now(&rig.id);
    rig.control.advance(1.0);
    assert!(rig.faults().await.is_empty() && rig.tasks().await.is_empty(), "expired: both are gone");
}

#[tokio::test]
async fn tasks_wait_for_their_time_and_replace_each_other_by_key() {
    let rig = Rig::with("HG8245H", "HWTC00000001").await;
    let at = "2126-01-01T00:00:00Z";
    let queued = rig.post("tasks", &json!({"name": "reboot", "uniqueKey": "k", "timestamp": at})).await;
    assert_eq!(queued.line(), "202 Accepted");
    assert_eq!(queued.json()["timestamp"], "2126-01-01T00:00:00.000Z");
    rig.control.session_now(&rig.id);
    rig.control.advance(1.0);
    assert_eq!(rig.tasks().await.len(), 1, "not yet");
    let set = json!({"name": "setParameterValues", "parameterValues": [[SSID, "Keyed"]], "uniqueKey": "k"});
    rig.post("tasks", &set).await;
    let left = rig.tasks().await;
    assert_eq!((left.len(), &left[0]["name"]), (1, &json!("setParameterValues")));
    assert_eq!(rig.list("tasks", json!({"uniqueKey": "k"})).await.len(), 1);
    rig.control.advance(300.0);
    assert!(rig.tasks().await.is_empty(), "the next periodic inform ran it");
    assert_eq!(rig.value(SSID).await, "Keyed");
}

#[tokio::test]
async fn a_task_replaced_by_key_leaves_its_fault_behind() {
    let rig = Rig::with("HG8245H", "HWTC00000001").await;
    let channel = "InternetGatewayDevice.LANDevice.1.WLANConfiguration.1.Channel";
    let set = |n: u32| json!({"name": "setParameterValues", "parameterValues": [[channel, n]], "uniqueKey": "k"});
    for n in [300, 301] {
        assert_eq!(rig.run(set(n)).await.reason, "Task faulted");
    }
    assert_eq!((rig.tasks().await.len(), rig.faults().await.len()), (1, 2));
    assert_eq!(rig.run(set(9)).await.status, 200);
    assert_eq!((rig.tasks().await.len(), rig.faults().await.len()), (0, 2), "nobody takes them away");
}

#[tokio::test]
async fn what_was_set_within_a_second_is_not_read_unless_asked_to_the_millisecond() {
    let rig = Rig::with("HG8245H", "HWTC00000001").await;
    let get = json!({"name": "getParameterValues", "parameterNames": [SSID]});
    let now = json!({"name": "provisions", "provisions": [["refresh", SSID, 0.001]]});
    let mut passed_over = 0;
    for n in 0..6 {
        let set = json!({"name": "setParameterValues", "parameterValues": [[SSID, format!("Set-{n}")]]});
        assert_eq!(rig.run(set).await.status, 200);
        assert!(rig.control.change_at_device(&rig.id, SSID, &json!("Own")), "it does as it likes");
        assert_eq!(rig.run(get.clone()).await.status, 200);
        passed_over += usize::from(rig.value(SSID).await != "Own");
        assert_eq!(rig.run(now.clone()).await.status, 200);
        assert_eq!(rig.value(SSID).await, "Own");
        rig.control.advance(0.3);
    }
    assert!((1..6).contains(&passed_over), "{passed_over} of 6: half a second passes between");
}

#[tokio::test]
async fn the_reason_tells_why_a_cpe_did_not_come() {
    let rig = Rig::with("HG8245H", "HWTC00000001").await;
    let task = json!({"name": "refreshObject", "objectName": "InternetGatewayDevice.DeviceInfo"});
    for (how, reason) in [
        (Answers::Refuses, "Device is offline"),
        (Answers::Silent, "Device is offline"),
        (Answers::WrongPassword, "Connection request error: Incorrect connection request credentials"),
        (Answers::Ignores, "Task queued but not processed"),
    ] {
        rig.control.answers(&rig.id, how);
        let answer = rig.run(task.clone()).await;
        assert_eq!((answer.status, answer.reason.as_str()), (202, reason));
        assert_eq!(answer.json()["name"], "refreshObject", "the task is the body all the same");
    }
    rig.control.answers(&rig.id, Answers::Refuses);
    let poke = rig.ask("POST", &format!("/devices/{}/tasks?connection_request", rig.id), "").await;
    assert_eq!((poke.line().as_str(), poke.text().as_str()), ("504 Device is offline", "Device is offline"));
    assert_eq!(rig.tasks().await.len(), 4);
    rig.control.answers(&rig.id, Answers::Comes);
    assert_eq!(rig.run(task).await.line(), "200 OK");
    assert!(rig.tasks().await.is_empty());
    rig.control.offline(&[&rig.id], true);
    rig.control.advance(900.0);
    let seen = rig.doc().await["_lastInform"].clone();
    rig.control.advance(900.0);
    assert_eq!(rig.doc().await["_lastInform"], seen, "without mains it does not inform");
    rig.control.offline(&[&rig.id], false);
    rig.control.advance(60.0);
    assert_ne!(rig.doc().await["_lastInform"], seen);
}

#[tokio::test]
async fn a_session_locks_its_device_and_a_worker_takes_twenty() {
    let acs = Acs::start(AcsOptions::still()).await.expect("an ACS");
    let (base, control) = (acs.nbi_url(), acs.control());
    for id in control.ids() {
        control.answers(&id, Answers::Comes);
        control.session_now(&id);
    }
    let locks = ask(&base, "GET", "/locks", &[], b"").await.expect("an answer");
    assert_eq!(locks.total(), 20, "the rest was told to come back in a minute");
    let held = locks.json()[0]["_id"].as_str().expect("an id").replace("cwmp_session_", "");
    let busy = ask(&base, "DELETE", &format!("/devices/{}", encode(&held)), &[], b"").await.expect("an answer");
    assert_eq!((busy.status, busy.text().as_str()), (503, "Device is in session"));
    // It is waited for where a task comes with a connection request.
    let target = format!("/devices/{}/tasks?connection_request", encode(&held));
    let task =
        ask(&base, "POST", &target, &[], br#"{"name":"refreshObject","objectName":""}"#).await.expect("an answer");
    assert_eq!(task.line(), "200 OK");
}

#[tokio::test]
async fn objects_come_and_go() {
    let rig = Rig::with("G-1425G-A", "ALCL00000003").await;
    assert!(rig.id.contains("%2D"));
    let object = "Device.NAT.PortMapping";
    let add = json!({"name": "addObject", "objectName": object, "parameterValues": [["ExternalPort", 8080]]});
    assert_eq!(rig.run(add.clone()).await.line(), "200 OK");
    assert_eq!(rig.value("Device.NAT.PortMapping.1.ExternalPort").await, 8080);
    assert_eq!(rig.value("Device.NAT.PortMapping.1.Protocol").await, Json::Null, "not read yet");
    rig.run(json!({"name": "refreshObject", "objectName": object})).await;
    assert_eq!(rig.value("Device.NAT.PortMapping.1.Protocol").await, "TCP");
    rig.set(json!([["Device.NAT.PortMapping.1.Enable", true]])).await;
    assert_eq!(rig.get("Device.NAT.PortMapping.1.Enable").await, true);
    rig.run(add).await;
    rig.run(json!({"name": "deleteObject", "objectName": "Device.NAT.PortMapping.1"})).await;
    assert_eq!(rig.node("Device.NAT.PortMapping.1").await, Json::Null);
    assert_eq!(rig.value("Device.NAT.PortMapping.2.ExternalPort").await, 8080);
    let none = rig.list("devices", json!({"Device.NAT.PortMapping.1._object": true})).await;
    assert!(none.is_empty(), "a query does not see it either");
    rig.run(json!({"name": "addObject", "objectName": "Device.WiFi.SSID"})).await;
    assert_eq!(rig.node("Device.WiFi.SSID.3").await, Json::Null, "the CPE does not take more of these");
}

#[tokio::test]
async fn secrets_read_back_empty_and_a_reset_forgets_all() {
    let rig = Rig::with("HG8245H", "HWTC00000001").await;
    let secret = "InternetGatewayDevice.LANDevice.1.WLANConfiguration.1.KeyPassphrase";
    let factory = rig.value(SSID).await;
    rig.set(json!([[secret, "correct horse"], [SSID, "Mine"]])).await;
    // Within a second the server would show what it wrote itself.
    rig.control.advance(2.0);
    assert_eq!(rig.get(secret).await, "");
    let before = rig.doc().await;
    assert_eq!(rig.run(json!({"name": "factoryReset"})).await.line(), "200 OK");
    assert_eq!(rig.run(json!({"name": "reboot"})).await.reason, "Device is offline");
    rig.control.advance(120.0);
    let after = rig.doc().await;
    assert_eq!(rig.value(SSID).await, factory);
    assert!(after["_lastBootstrap"].as_str() > before["_lastBootstrap"].as_str());
    assert!(after["FactoryReset"]["_value"].as_str() < after["_lastBootstrap"].as_str());
}

#[tokio::test]
async fn tags_and_provisions() {
    let rig = Rig::with("HG8245H", "HWTC00000001").await;
    let path = |tag: &str| format!("/devices/{}/tags/{}", rig.id, encode(tag));
    rig.ask("POST", &path("a/b é"), "").await;
    rig.ask("POST", &path("a/b é"), "").await;
    assert_eq!(rig.doc().await["_tags"], json!(["a/b é"]));
    let built_in = json!([["tag", "done", true], ["value", SSID, "ByProvision"], ["nosuch"]]);
    assert_eq!(rig.run(json!({"name": "provisions", "provisions": built_in})).await.line(), "200 OK");
    assert_eq!(rig.doc().await["_tags"], json!(["a/b é", "done"]));
    assert_eq!(rig.value(SSID).await, "ByProvision");
    rig.ask("DELETE", &path("a/b é"), "").await;
    assert_eq!(rig.list("devices", json!({"_tags": "done"})).await.len(), 1);
}

#[tokio::test]
async fn a_deleted_device_comes_back_as_a_new_one() {
    let rig = Rig::with("HG8245H", "HWTC00000001").await;
    rig.post("tasks", &json!({"name": "reboot", "timestamp": "2126-01-01T00:00:00Z"})).await;
    let registered = rig.doc().await["_registered"].clone();
    assert_eq!(rig.ask("DELETE", &format!("/devices/{}", rig.id), "").await.line(), "200 OK");
    assert!(rig.list("devices", json!({})).await.is_empty() && rig.list("tasks", json!({})).await.is_empty());
    assert_eq!(rig.post("tasks", &json!({"name": "reboot"})).await.text(), "No such device");
    rig.control.advance(300.0);
    assert!(rig.doc().await["_registered"].as_str() > registered.as_str());
}

#[tokio::test]
async fn a_region_is_listed_line_by_line_and_paged_by_key() {
    let options = AcsOptions { scale: Scale::City, ..AcsOptions::still() };
    let acs = Acs::start(options).await.expect("an ACS");
    let base = acs.nbi_url();
    let all = ask(&base, "GET", "/devices?projection=_lastInform", &[], b"").await.expect("an answer");
    assert!(all.chunks.len() > 5, "it is streamed");
    let text = all.text();
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!((lines[0], lines[lines.len() - 1], lines.len(), all.total()), ("[", "]", 5_002, 5_000));
    let ids: std::collections::BTreeSet<String> = lines[1..5_001]
        .iter()
        .map(|l| serde_json::from_str::<Json>(l.trim_end_matches(',')).expect("a document")["_id"].to_string())
        .collect();
    assert_eq!(ids.len(), 5_000);
    let (mut last, mut seen, mut pages) = (String::new(), 0, 0);
    loop {
        let query = encode(&json!({"_id": {"$gt": last}}).to_string());
        let sort = encode(r#"{"_id":1}"#);
        let target = format!("/devices?query={query}&sort={sort}&projection=_id&limit=700");
        let page = ask(&base, "GET", &target, &[], b"").await.expect("an answer");
        assert_eq!(page.total(), 5_000 - seen, "each page counts what is left");
        let Json::Array(rows) = page.json() else { panic!("no list") };
        let Some(end) = rows.last() else { break };
        last = end["_id"].as_str().expect("an id").to_owned();
        (seen, pages) = (seen + rows.len(), pages + 1);
    }
    assert_eq!((seen, pages), (5_000, 8));
}

#[tokio::test]
async fn the_same_seed_gives_the_same_life() {
    let lived = async |seed| {
        let options = AcsOptions { seed, life: true, anchor_ms: Some(1_795_185_000_000), ..AcsOptions::still() };
        let acs = Acs::start(options).await.expect("an ACS");
        acs.control().advance(20_000.0);
        let mut all = String::new();
        for list in ["/devices", "/faults", "/tasks", "/operations"] {
            all.push_str(&ask(&acs.nbi_url(), "GET", list, &[], b"").await.expect("an answer").text());
        }
        all
    };
    let one = lived(5).await;
    assert_eq!(one, lived(5).await);
    assert_ne!(one, lived(6).await);
    assert!(one.contains("Fritz-") || one.contains("\"channel\":\"default\""), "things happened");
}

#[tokio::test]
async fn the_cpes_of_a_network_are_behind_its_onus() {
    use noctule::config::schema::SourceKind;
    use noctule::sim::{Network, SimOptions};
    let network = Network::start(SimOptions { acs: true, ..SimOptions::still() }).await.expect("a network");
    let config = network.config();
    let SourceKind::Genieacs(acs) = &config.sources[1].kind else { panic!("{config:?}") };
    let rows = ask(&acs.nbi, "GET", "/devices?projection=_deviceId", &[], b"").await.expect("an answer").json();
    let inventory: std::collections::BTreeSet<String> = network.inventory().into_iter().map(|i| i.serial).collect();
    let rows = rows.as_array().expect("a list");
    assert_eq!(rows.len(), 40);
    assert!(rows.iter().all(|r| inventory.contains(r["_deviceId"]["_SerialNumber"].as_str().expect("a serial"))));
    assert_eq!(network.acs().expect("its control").ids().len(), 40);
}
