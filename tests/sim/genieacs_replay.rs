//! The recorded dialogue with a real GenieACS 1.2.16, once more with the simulated one: the same
//! requests give the same statuses, reasons and headers, and bodies of the same shape.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use noctule::sim::genieacs::{Acs, AcsControl, AcsOptions};
use serde_json::{Value as Json, json};

use super::http::{Answer, ask, ask_for, encode};
use super::until;

const TRANSCRIPT: &str = include_str!("../fixtures/genieacs/transcript.md");

/// The headers that were recorded.
const HEADERS: [&str; 5] = ["genieacs-version", "content-type", "total", "allow", "transfer-encoding"];

/// One recorded request and its answer.
#[derive(Debug, Default)]
struct Entry {
    part: String,
    title: String,
    method: String,
    target: String,
    headers: Vec<(String, String)>,
    body: String,
    /// `200 OK`, or how the connection failed.
    line: String,
    answered: BTreeMap<String, String>,
    answer: String,
}

fn entries() -> Vec<Entry> {
    let mut all = Vec::new();
    let mut part = String::new();
    let mut title = String::new();
    let mut lines = TRANSCRIPT.lines();
    while let Some(line) = lines.next() {
        if let Some(t) = line.strip_prefix("### ") {
            title = t.to_owned();
        } else if let Some(p) = line.strip_prefix("# ") {
            part = p.to_owned();
        } else if line == "```" {
            let block: Vec<&str> = lines.by_ref().take_while(|l| *l != "```").collect();
            all.push(entry(&part, &title, &block));
        }
    }
    all
}

fn entry(part: &str, title: &str, block: &[&str]) -> Entry {
    let (method, target) = block[0].split_once(' ').expect("a request line");
    let mut e = Entry {
        part: part.into(),
        title: title.into(),
        method: method.into(),
        target: target.into(),
        ..Entry::default()
    };
    let mut told = 0;
    for line in &block[1..] {
        if let Some(rest) = line.strip_prefix("> headers ") {
            let fields: BTreeMap<String, String> = serde_json::from_str(rest).expect("headers");
            e.headers = fields.into_iter().collect();
        } else if let Some(rest) = line.strip_prefix("> ") {
            e.body = rest.to_owned();
        } else if let Some(rest) = line.strip_prefix("< ") {
            told += 1;
            if told == 1 {
                e.line = rest.rsplit_once("   (").map_or(rest, |(l, _)| l).to_owned();
            } else {
                let fields: BTreeMap<String, String> = serde_json::from_str(rest).expect("headers");
                e.answered = fields.into_iter().map(|(k, v)| (k.to_ascii_lowercase(), v)).collect();
            }
        } else if told == 0 {
            e.body.push('\n');
            e.body.push_str(line);
        } else {
            e.answer.push_str(line);
            e.answer.push('\n');
        }
    }
    e
}

impl Entry {
    /// The request as it was sent; the transcript shows it decoded.
    fn sent(&self, ids: &BTreeMap<String, String>) -> String {
        let mut target = self.target.clone();
        for (old, new) in ids {
            target = target.replace(old, new);
        }
        let (path, query) = target.split_once('?').map_or((target.as_str(), None), |(p, q)| (p, Some(q)));
        let mut parts: Vec<&str> = path.split('/').collect();
        let tag;
        if parts.get(3) == Some(&"tags") {
            tag = parts.split_off(4).join("/");
            parts.push(&tag);
        }
        let path = parts.iter().map(|p| encode(p)).collect::<Vec<_>>().join("/");
        let pairs = |q: &str| {
            let one = |pair: &str| pair.split_once('=').map_or(pair.into(), |(k, v)| format!("{k}={}", encode(v)));
            q.split('&').map(one).collect::<Vec<_>>().join("&")
        };
        query.map_or(path.clone(), |q| format!("{path}?{}", pairs(q)))
    }

    /// Its body; one that the transcript cuts off is put together from the task that was answered.
    fn payload(&self) -> Vec<u8> {
        if self.body == "(binary body)" {
            return vec![7; 300_000];
        }
        if self.body.len() >= 290
            && let Ok(Json::Object(mut task)) = serde_json::from_str(&self.answer)
        {
            for field in ["device", "timestamp", "_id"] {
                task.remove(field);
            }
            return Json::Object(task).to_string().into_bytes();
        }
        self.body.clone().into_bytes()
    }

    fn recorded(&self) -> Option<Json> {
        serde_json::from_str(&self.answer).ok()
    }
}

/// Whether a body has the recorded keys and types. What the real ACS had not discovered yet may be
/// known here.
fn same_shape(at: &str, recorded: &Json, here: &Json, wrong: &mut Vec<String>) {
    match (recorded, here) {
        (Json::Object(a), Json::Object(b)) => {
            let keys = |o: &serde_json::Map<String, Json>| o.keys().cloned().collect::<BTreeSet<_>>();
            for key in keys(a).symmetric_difference(&keys(b)) {
                let discovered = !a.contains_key(key) && ["_writable", "_timestamp"].contains(&key.as_str());
                if !discovered {
                    wrong.push(format!("{at}: {key} {}", if a.contains_key(key) { "is missing" } else { "is new" }));
                }
            }
            for (key, value) in a {
                if let Some(other) = b.get(key) {
                    same_shape(&format!("{at}.{key}"), value, other, wrong);
                }
            }
        }
        (Json::Array(a), Json::Array(b)) => {
            if a.is_empty() != b.is_empty() {
                wrong.push(format!("{at}: {} items, not {}", b.len(), a.len()));
            }
            for (n, (a, b)) in a.iter().zip(b).enumerate() {
                same_shape(&format!("{at}[{n}]"), a, b, wrong);
            }
        }
        (Json::String(a), Json::String(b)) => {
            let date = |t: &str| t.len() == 24 && t.ends_with('Z') && t.as_bytes()[10] == b'T';
            if date(a) != date(b) {
                wrong.push(format!("{at}: {b:?} where {a:?} was recorded"));
            }
        }
        (a, b) if std::mem::discriminant(a) == std::mem::discriminant(b) => {}
        (a, b) => wrong.push(format!("{at}: {b} where {a} was recorded")),
    }
}

fn compare(entry: &Entry, answer: &Answer) -> Vec<String> {
    let mut wrong = Vec::new();
    if answer.line() != entry.line {
        wrong.push(format!("{} where {} was recorded", answer.line(), entry.line));
    }
    let exact = entry.part.is_empty();
    for name in HEADERS {
        let (a, b) = (entry.answered.get(name), answer.headers.get(name));
        let same = if name == "total" && !exact { a.is_some() == b.is_some() } else { a == b };
        if !same {
            wrong.push(format!("header {name}: {b:?} where {a:?} was recorded"));
        }
    }
    match entry.recorded() {
        Some(recorded) => match serde_json::from_slice(&answer.body) {
            Ok(here) => same_shape("", &recorded, &here, &mut wrong),
            Err(e) => wrong.push(format!("{e} in {}", answer.text())),
        },
        // Texts are the same word for word.
        None if !entry.answer.starts_with('[') && answer.text().trim() != entry.answer.trim() => {
            wrong.push(format!("{:?} where {:?} was recorded", answer.text(), entry.answer));
        }
        None => {}
    }
    wrong
}

async fn set_up(part: &str, base: &str, control: &AcsControl) {
    let plug = |product, serial| control.plug_in(product, serial).expect("a model");
    if part.starts_with("Swarm") {
        plug("HG8245H", "HWTC00000001");
        plug("G-1425G-A", "ALCL00000003");
    } else if part.starts_with("Larger fleet") {
        plug("HG8245H", "BULK00050001");
        plug("HG8245H", "BULK00050002");
        let path = "InternetGatewayDevice.LANDevice.1.WLANConfiguration.1.SSID";
        let task = json!({"name": "setParameterValues", "parameterValues": [[path, "AreaA-Fiber-5G"]], "expiry": 600, "uniqueKey": "mass-1"});
        for serial in ["BULK00050001", "BULK00050002", "HWTC00000001"] {
            let target = format!("/devices/00259E-HG8245H-{serial}/tasks");
            ask(base, "POST", &target, &[], task.to_string().as_bytes()).await.expect("queued");
        }
    }
}

#[tokio::test]
async fn the_recorded_dialogue_goes_the_same_way() {
    let options = AcsOptions { bare: true, ..AcsOptions::still() };
    let acs = Acs::start(options).await.expect("an ACS");
    let (base, control) = (acs.nbi_url(), acs.control());
    for serial in ["000000", "000001"] {
        control.plug_in("BM632w", serial).expect("the model");
    }
    let all = entries();
    assert!(all.len() > 110, "{} entries read", all.len());
    let mut ids = BTreeMap::new();
    let mut part = String::new();
    let mut wrong = Vec::new();
    let mut same = 0;
    for entry in &all {
        if entry.part != part {
            part.clone_from(&entry.part);
            set_up(&part, &base, &control).await;
        }
        let (target, body) = (entry.sent(&ids), entry.payload());
        if entry.line.starts_with("(connection error: ConnectionRefused") {
            // Asked again later in the transcript; that the port is closed has a test of its own.
            continue;
        }
        if entry.line.starts_with("(connection error") {
            let patience = Duration::from_millis(if entry.line.contains("RemoteDisconnected") { 10_000 } else { 50 });
            let answer = ask_for(patience, &base, &entry.method, &target, &body).await;
            assert!(answer.is_err(), "{}: {answer:?}", entry.title);
            until("the worker is back", || async { ask(&base, "HEAD", "/devices", &[], b"").await.ok() }).await;
            same += 1;
            continue;
        }
        // A connection request for its own sake came after some time in the recording.
        if entry.title.starts_with("POST /devices/202BC1") && entry.target.ends_with("?connection_request") {
            control.advance(70.0);
        }
        let headers: Vec<(&str, &str)> = entry.headers.iter().map(|(k, v)| (k.as_str(), v.as_str())).collect();
        let mut answer = ask(&base, &entry.method, &target, &headers, &body).await.expect("an answer");
        // Nobody waits for the session that a mere connection request brings about.
        if entry.target.ends_with("?connection_request") && entry.body.is_empty() {
            control.advance(1.0);
        }
        // Where the recording had waited until something was over, so does this.
        let ends_empty = entry.recorded() == Some(json!([]));
        let mut left = 60;
        while ends_empty && entry.method == "GET" && answer.json() != json!([]) && left > 0 {
            control.advance(2.0);
            answer = ask(&base, "GET", &target, &[], b"").await.expect("an answer");
            left -= 1;
        }
        if let (Some(recorded), Ok(here)) = (entry.recorded(), serde_json::from_slice::<Json>(&answer.body))
            && let (Some(old), Some(new)) = (recorded["_id"].as_str(), here["_id"].as_str())
        {
            ids.insert(old.to_owned(), new.to_owned());
        }
        let found = compare(entry, &answer);
        same += usize::from(found.is_empty());
        wrong.extend(found.into_iter().map(|w| format!("{} / {} {}: {w}", entry.title, entry.method, entry.target)));
    }
    assert!(wrong.is_empty(), "{same} of {} are the same; these are not:\n{}", all.len(), wrong.join("\n"));
}
