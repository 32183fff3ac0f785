//! The bodies of the fuzz targets over a bounded run: recorded and written samples, the same with
//! bytes changed, cut, doubled and swapped, and texts made of the words of each language. The
//! seeds are fixed, so that a failure is found again.
#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::pedantic,
    clippy::unwrap_used,
    unreachable_pub,
    reason = "tests may fail loudly and share helpers"
)]

mod bodies;

use std::path::Path;

use proptest::prelude::*;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};

/// Runs a body over what a strategy makes, always the same.
fn run<T: std::fmt::Debug>(cases: u32, strategy: impl Strategy<Value = T>, body: impl Fn(T)) {
    let config = Config { cases, failure_persistence: None, ..Config::default() };
    let mut runner = TestRunner::new_with_rng(config, TestRng::from_seed(RngAlgorithm::ChaCha, &[7; 32]));
    runner
        .run(&strategy, |input| {
            body(input);
            Ok(())
        })
        .unwrap();
}

/// One change to a sample.
#[derive(Debug, Clone)]
enum Change {
    Set(usize, u8),
    Flip(usize, u8),
    Cut(usize),
    Remove(usize, usize),
    Double(usize, usize),
    Insert(usize, Vec<u8>),
}

fn changes() -> impl Strategy<Value = Vec<Change>> {
    let at = 0_usize..4096;
    let change = prop_oneof![
        (at.clone(), any::<u8>()).prop_map(|(i, b)| Change::Set(i, b)),
        (at.clone(), 0_u8..8).prop_map(|(i, b)| Change::Flip(i, b)),
        at.clone().prop_map(Change::Cut),
        (at.clone(), 1_usize..40).prop_map(|(i, n)| Change::Remove(i, n)),
        (at.clone(), 1_usize..40).prop_map(|(i, n)| Change::Double(i, n)),
        (at, proptest::collection::vec(any::<u8>(), 1..12)).prop_map(|(i, b)| Change::Insert(i, b)),
    ];
    proptest::collection::vec(change, 0..6)
}

fn changed(sample: &[u8], changes: &[Change]) -> Vec<u8> {
    let mut bytes = sample.to_vec();
    for change in changes {
        let len = bytes.len().max(1);
        match change {
            Change::Set(i, b) => bytes.iter_mut().skip(i % len).take(1).for_each(|byte| *byte = *b),
            Change::Flip(i, b) => bytes.iter_mut().skip(i % len).take(1).for_each(|byte| *byte ^= 1 << b),
            Change::Cut(i) => bytes.truncate(i % len),
            Change::Remove(i, n) => {
                let from = (i % len).min(bytes.len());
                bytes.drain(from..(from + n).min(bytes.len()));
            }
            Change::Double(i, n) => {
                let from = (i % len).min(bytes.len());
                let part = bytes[from..(from + n).min(bytes.len())].to_vec();
                bytes.splice(from..from, part);
            }
            Change::Insert(i, new) => {
                let from = (i % len).min(bytes.len());
                bytes.splice(from..from, new.iter().copied());
            }
        }
    }
    bytes
}

/// A sample with changes.
fn mutated(samples: Vec<Vec<u8>>) -> impl Strategy<Value = Vec<u8>> {
    assert!(!samples.is_empty());
    (proptest::sample::select(samples), changes()).prop_map(|(sample, changes)| changed(&sample, &changes))
}

fn files(folder: &str) -> Vec<Vec<u8>> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
    let entries = std::fs::read_dir(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    let paths = entries.map(|e| e.unwrap().path()).filter(|p| p.is_file());
    paths.map(|p| std::fs::read(p).unwrap()).collect()
}

/// The recorded messages of a real broker.
fn recorded() -> Vec<Vec<u8>> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/voltha/events.jsonl");
    let text = std::fs::read_to_string(path).unwrap();
    let rows = text.lines().map(|l| serde_json::from_str::<serde_json::Value>(l).unwrap());
    rows.filter_map(|row| decoded(&row)).collect()
}

fn decoded(row: &serde_json::Value) -> Option<Vec<u8>> {
    use base64::Engine as _;
    base64::engine::general_purpose::STANDARD.decode(row.get("value_b64")?.as_str()?).ok()
}

/// Words of a language in any order, with gaps, signs and strange letters between them.
fn sentences(words: &'static [&'static str]) -> impl Strategy<Value = String> {
    let word = prop_oneof![
        8 => proptest::sample::select(words).prop_map(str::to_owned),
        2 => "[ \t\n\"'\\\\()\\[\\]{}=<>~!/,.:#-]{1,3}",
        1 => "\\PC{1,4}",
        1 => any::<char>().prop_map(|c| c.to_string()),
    ];
    proptest::collection::vec(word, 0..24).prop_map(|words| words.concat())
}

#[test]
fn events_of_any_bytes() {
    let samples = recorded();
    samples.iter().for_each(|bytes| bodies::events(bytes));
    run(3000, mutated(samples), |bytes| bodies::events(&bytes));
    run(1000, proptest::collection::vec(any::<u8>(), 0..300), |bytes| bodies::events(&bytes));
}

/// Answers of a name server to the question of [`bodies::packets`], and an echo.
fn packets() -> Vec<Vec<u8>> {
    use domain::base::iana::{Rcode, Rtype};
    use domain::base::{Message, MessageBuilder, Name};
    let name: Name<Vec<u8>> = "www.example.net".parse().unwrap();
    let answer = |kind: Rtype| {
        let mut question = MessageBuilder::new_vec().question();
        question.push((&name, kind)).unwrap();
        let question = Message::from_octets(question.finish()).unwrap();
        let mut answer = MessageBuilder::new_vec().start_answer(&question, Rcode::NOERROR).unwrap();
        answer.push((&name, 60, domain::rdata::A::from_octets(192, 0, 2, 1))).unwrap();
        answer.push((&name, 60, domain::rdata::Mx::new(1, &name))).unwrap();
        answer.push((&name, 60, domain::rdata::Txt::<Vec<u8>>::build_from_slice(b"\x1b[2J\x9b").unwrap())).unwrap();
        answer.finish()
    };
    let echo = noctule::controllers::diag::icmp::request(false, 7, 1, b"payload of an echo");
    let packet = [&[0x45, 0, 0, 46, 0, 0, 0, 0, 64, 1, 0, 0, 127, 0, 0, 1, 127, 0, 0, 1][..], &echo].concat();
    vec![answer(Rtype::A), answer(Rtype::MX), answer(Rtype::TXT), echo, packet, b"nameserver fe80::1%1\n".to_vec()]
}

#[test]
fn packets_of_any_bytes() {
    let samples = packets();
    let about = noctule::model::diag::DnsName::parse("www.example.net").unwrap();
    let read = noctule::controllers::diag::dns::wire::read(&samples[0], 0, &about, noctule::model::diag::DnsType::A);
    assert!(
        matches!(read, noctule::controllers::diag::dns::wire::Read::Answer(a) if a.records.len() == 3),
        "the samples get past the header"
    );
    samples.iter().for_each(|bytes| bodies::packets(bytes));
    run(3000, mutated(samples), |bytes| bodies::packets(&bytes));
    run(1000, proptest::collection::vec(any::<u8>(), 0..300), |bytes| bodies::packets(&bytes));
}

/// Packets of a libvirt: a list of machines with figures, an error, an event, and a piece of a console.
fn libvirt_packets() -> Vec<Vec<u8>> {
    use noctule::controllers::libvirt::frame::{Frame, Header, Kind, Status};
    use noctule::controllers::libvirt::procs::{self, EventKind};
    use noctule::controllers::libvirt::wire::{
        Domain, GraphicsMsg, LifecycleMsg, Param, RemoteError, StatsRecord, Value,
    };
    let domain = Domain { name: "web-1".into(), uuid: [7; 16], id: 3 };
    let values = [
        Value::Int(-1),
        Value::Uint(1),
        Value::Long(-2),
        Value::Ulong(2),
        Value::Double(0.5),
        Value::Bool(true),
        Value::Text("\u{1b}[2J".into()),
    ];
    let params: Vec<Param> = values.into_iter().map(|value| Param::new("state.state", value)).collect();
    let record = StatsRecord { domain: domain.clone(), params: params.clone() };
    let call = Header::of(&procs::DOMAIN_OPEN_CONSOLE, Kind::Call, 9, Status::Ok);
    let error = RemoteError {
        code: 42,
        message: Some("\u{9b}31mno domain\u{202e}".into()),
        dom: Some(domain.clone()),
        ..RemoteError::default()
    };
    let frames = [
        procs::CONNECT_GET_ALL_DOMAIN_STATS.reply(1, &vec![record.clone(), record]),
        procs::CONNECT_LIST_ALL_DOMAINS.reply(2, &(vec![domain.clone(); 3], 3)),
        procs::DOMAIN_GET_JOB_STATS.reply(3, &(2, params)),
        procs::refusal(call, &error),
        procs::message(
            EventKind::Lifecycle.procedure(),
            &LifecycleMsg { callback: 0, domain: domain.clone(), event: 2, detail: 0 },
        ),
        procs::message(EventKind::Graphics.procedure(), &GraphicsMsg { domain, ..GraphicsMsg::default() }),
        Frame::piece(call, Status::Continue, "login: ".into()),
    ];
    let written = frames.iter().map(|frame| {
        let mut out = bytes::BytesMut::new();
        frame.write(&mut out);
        out.to_vec()
    });
    let payloads = frames.iter().map(|frame| frame.payload.to_vec());
    written.chain(payloads).collect()
}

#[test]
fn libvirt_of_any_bytes() {
    let samples = libvirt_packets();
    samples.iter().for_each(|bytes| bodies::libvirt(bytes));
    run(3000, mutated(samples), |bytes| bodies::libvirt(&bytes));
    run(1000, proptest::collection::vec(any::<u8>(), 0..300), |bytes| bodies::libvirt(&bytes));
}

#[test]
fn lists_of_any_bytes() {
    let mut samples = files("tests/fixtures/genieacs");
    samples.push(br#"{"name":"setParameterValues","parameterValues":[["Device.WiFi.SSID.1.SSID","x"]]}"#.to_vec());
    samples.push(br#"{"$or":[{"_id":"x"},{"_tags":{"$in":["a"]}},{"A.B":{"$regex":"^a"}}]}"#.to_vec());
    samples.iter().for_each(|bytes| bodies::genieacs(bytes));
    run(1500, mutated(samples), |bytes| bodies::genieacs(&bytes));
    run(1000, proptest::collection::vec(any::<u8>(), 0..300), |bytes| bodies::genieacs(&bytes));
}

#[test]
fn answers_of_any_bytes() {
    let recorded = files("tests/fixtures/raven").into_iter().map(|bytes| {
        let whole: serde_json::Value = serde_json::from_slice(&bytes).unwrap();
        match whole.get("response").map(|r| &r["body"]) {
            None => bytes,
            Some(serde_json::Value::String(text)) => text.clone().into_bytes(),
            Some(json) => serde_json::to_vec(json).unwrap(),
        }
    });
    let mut samples: Vec<_> = recorded.collect();
    samples.push(b"# TYPE a counter\nflow_traffic_packets_total{a=\"\\\"}\",b=\"\",} 1e3 5\nup NaN\n".to_vec());
    samples.push(br#"{"input":{"a":{"records":1}},"output":{"b":{"proc_records":"2","errors":null}}}"#.to_vec());
    samples.iter().for_each(|bytes| bodies::appliance(bytes));
    run(2000, mutated(samples), |bytes| bodies::appliance(&bytes));
    run(1000, proptest::collection::vec(any::<u8>(), 0..300), |bytes| bodies::appliance(&bytes));
}

#[test]
fn alerts_of_any_bytes() {
    let samples = files("tests/fixtures/prometheus");
    samples.iter().for_each(|bytes| bodies::alerts(bytes));
    run(1500, mutated(samples), |bytes| bodies::alerts(&bytes));
    run(1000, proptest::collection::vec(any::<u8>(), 0..300), |bytes| bodies::alerts(&bytes));
}

#[test]
fn files_of_any_text() {
    let mut samples = files("tests/fixtures/config/valid");
    samples.extend(files("tests/fixtures/config/invalid"));
    samples.extend(files("config"));
    samples.extend([
        b"serial,site,name,subscribers\nX1,North,\"Mill, 1\",1\n".to_vec(),
        b"[[item]]\nserial = \"X1\"\nsubscribers = 12\n".to_vec(),
        include_bytes!("../../assets/alarm-types.toml").to_vec(),
    ]);
    let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
    samples.iter().for_each(|bytes| bodies::config(&text(bytes.clone())));
    run(500, mutated(samples).prop_map(text), |text| bodies::config(&text));
    let words: &[&str] = &[
        "[ui]\n",
        "theme",
        " = ",
        "\"default\"",
        "\n",
        "[[source]]\n",
        "kind",
        "\"voltha\"",
        "grpc",
        "poll_s",
        "5",
        "true",
        "[profile.a]\n",
        "sources",
        "[",
        "]",
        "\"",
        "'''",
        "#",
        "file = ",
        "serial",
        ",",
        ";",
        "name",
        "\r\n",
        "\u{feff}",
    ];
    run(700, sentences(words), |text| bodies::config(&text));
}

#[test]
fn filters_of_any_text() {
    let samples: Vec<Vec<u8>> = [
        "severity>=major raised>-2h \"fiber cut\"",
        "not (state=UNACK or owner=anna) and text~/los.*[0-9]+/i",
        "kind=onu rx_dbm<-27.5 name:mill",
        "failed=true source=\"voltha-1\" at>2026-11-20T14:00",
    ]
    .map(|s| s.as_bytes().to_vec())
    .to_vec();
    run(3000, mutated(samples).prop_map(|b| String::from_utf8_lossy(&b).into_owned()), |text| bodies::filter(&text));
    let words: &[&str] = &[
        "severity",
        "state",
        "raised",
        "text",
        "kind",
        "rx_dbm",
        "failed",
        "source",
        "owner",
        ">=",
        "<=",
        "=",
        "!=",
        ">",
        "<",
        "~",
        ":",
        " and ",
        " or ",
        " not ",
        "(",
        ")",
        "critical",
        "onu",
        "-2h",
        "-27.5",
        "true",
        "/a+/",
        "\"",
        " ",
        "2026-11-20",
        "none",
        "*",
    ];
    run(4000, sentences(words), |text| bodies::filter(&text));
}

#[test]
fn consoles_of_any_bytes() {
    let samples = files("tests/fixtures/console");
    samples.iter().for_each(|bytes| bodies::console(bytes));
    run(300, mutated(samples), |bytes| bodies::console(&bytes));
    run(2000, proptest::collection::vec(any::<u8>(), 0..400), |bytes| bodies::console(&bytes));
}
