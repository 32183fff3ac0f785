//! What the fuzz targets do with their input: shared with a test, so that what a fuzzer runs for
//! hours is run for seconds with every build.

use std::sync::{Arc, LazyLock};

use noctule::config::schema::Mapping;
use noctule::config::{alarm_types, check_text, inventory};
use noctule::controllers::diag::{dns, icmp};
use noctule::controllers::genieacs::device::DeviceDoc;
use noctule::controllers::genieacs::profile::Profiles;
use noctule::controllers::genieacs::wire::Collection;
use noctule::controllers::genieacs::{map, validate};
use noctule::controllers::libvirt::events::Event;
use noctule::controllers::libvirt::frame::Frame;
use noctule::controllers::libvirt::wire::{
    Checkpoint, Domain, DomainInfo, GuestInterface, NodeInfo, Params, RemoteError, Snapshot, StatsRecord,
};
use noctule::controllers::libvirt::{error, xdr};
use noctule::controllers::prometheus::error::refusal;
use noctule::controllers::prometheus::map::{Mapper, expression};
use noctule::controllers::prometheus::wire::{AmAlert, PromAlert, QueryResult};
use noctule::controllers::raven::map as raven;
use noctule::controllers::raven::metrics::{self, text};
use noctule::controllers::stream::Documents;
use noctule::controllers::voltha::map::{Directory, TypeIndex, message};
use noctule::model::diag::{DnsName, DnsType};
use noctule::model::field::{Record, Value};
use noctule::model::observation::Observation;
use noctule::model::page::Table;
use noctule::model::query::{Query, complete};
use noctule::model::time::Ts;

static TYPES: LazyLock<TypeIndex> =
    LazyLock::new(|| TypeIndex::new(&alarm_types::load(None).expect("the shipped alarm types")));

/// Answers of an appliance and of its collectors: no bytes panic, what cannot be read is told in words
/// that can be shown, and so is what can; instants are plausible, counters add up to counters.
pub fn appliance(bytes: &[u8]) {
    const AT: Ts = Ts(1_795_187_413_000_000);
    let shown = |text: &str| assert!(!text.chars().any(char::is_control) && text.len() < 4096, "{text:?}");
    let plausible = |ts: Ts| assert!(!ts.is_set() || (0..=AT.0 + 86_400_000_000).contains(&ts.0), "{ts:?}");
    match raven::stats(bytes, AT) {
        Ok(told) => {
            [told.oldest, told.newest].into_iter().for_each(plausible);
            shown(&told.overflow_action);
            told.by_service.iter().for_each(|(name, _)| shown(name));
        }
        Err(why) => shown(&why),
    }
    match raven::status(bytes, AT) {
        Ok(told) => {
            for service in &told.services {
                [service.oldest, service.newest].into_iter().for_each(plausible);
                shown(&service.service);
            }
            plausible(told.uplink.last_check);
            shown(&told.uplink.last_error);
        }
        Err(why) => shown(&why),
    }
    let _ = raven::service(bytes, "vector", AT).map(|told| [told.oldest, told.newest].into_iter().for_each(plausible));
    let _ = raven::uplink(bytes, AT).map(|told| shown(&told.last_error));
    let _ = raven::system(bytes).map(|told| told.processes.iter().for_each(|p| shown(&p.service)));
    let _ = raven::metrics(bytes).map(|told| assert!(told.host.is_some()));
    let _ = raven::telemetry(bytes);
    let _ = raven::services(bytes).map(|told| told.services.iter().for_each(|s| shown(s)));
    let _ = raven::appliance_config(bytes).map(|told| told.ports().iter().for_each(|p| assert_ne!(p.port, 0)));
    for page in ["flows", "windows"] {
        let _ = raven::estimates(bytes, page).map(|all| all.iter().for_each(|e| (shown(&e.name), shown(&e.value)).0));
    }
    let _ = raven::buffer_config(bytes).map(|told| raven::configured(&told));
    let _ = raven::done(bytes).map(|words| shown(&words));
    let _ = raven::health(bytes, AT).map(|told| plausible(told.clock));
    for service in ["fluent-bit", "goflow2", "telegraf", "vector"] {
        match metrics::prometheus(service, bytes) {
            Ok(meters) => meters.iter().for_each(|m| assert!(m.value >= 0.0 && m.value.is_finite())),
            Err(why) => shown(&why),
        }
    }
    let _ = metrics::fluent_bit(bytes).map(|meters| meters.iter().for_each(|m| assert!(m.value >= 0.0)));
    if let Ok(words) = std::str::from_utf8(bytes) {
        let _ =
            text::samples(words).map(|all| all.iter().for_each(|s| assert!(s.labels().all(|(n, _)| !n.is_empty()))));
    }
}

/// Packets of a libvirt: no bytes panic, a packet survives being written again, what is read holds no
/// more than the bytes can, and words of errors can be shown.
pub fn libvirt(bytes: &[u8]) {
    let mut rest = bytes::BytesMut::from(bytes);
    while let Ok(Some(frame)) = Frame::parse(&mut rest) {
        let mut again = bytes::BytesMut::new();
        frame.write(&mut again);
        assert_eq!(Frame::parse(&mut again), Ok(Some(frame.clone())));
        body(&frame.payload);
        let _ = Event::read(&frame);
    }
    body(bytes);
}

fn body(bytes: &[u8]) {
    fn same<T: xdr::Wire + PartialEq + std::fmt::Debug>(bytes: &[u8]) {
        if let Ok(value) = xdr::decode::<T>(bytes) {
            let written = xdr::encode(&value);
            // A text that is no UTF-8 is written as its replacement, of three bytes for one.
            assert!(written.len() <= 3 * bytes.len() + 16);
            let again = xdr::encode(&xdr::decode::<T>(&written).expect("what was written is read"));
            assert_eq!(again, written);
        }
    }
    same::<Vec<StatsRecord>>(bytes);
    same::<(Vec<Domain>, u32)>(bytes);
    same::<(Vec<Snapshot>, i32)>(bytes);
    same::<(Vec<Checkpoint>, i32)>(bytes);
    same::<(i32, Params)>(bytes);
    same::<Vec<GuestInterface>>(bytes);
    same::<NodeInfo>(bytes);
    same::<DomainInfo>(bytes);
    same::<(xdr::Opaque, Option<String>)>(bytes);
    if let Ok(told) = xdr::decode::<RemoteError>(bytes) {
        let words = error::Remote::of(&told).to_string();
        assert!(!words.chars().any(char::is_control) && words.len() < 4096, "{words:?}");
    }
}

/// Files an operator writes: no text panics, every problem has a place inside the text, and what
/// is no configuration is never taken for one.
pub fn config(text: &str) {
    let lines = text.split('\n').count() as u32;
    if let Err(e) = check_text("fuzz.toml", text) {
        assert!(!e.problems.is_empty());
        assert!(e.problems.iter().filter_map(|p| p.place).all(|p| p.line >= 1 && p.line <= lines));
    }
    let _ = alarm_types::parse(Some(("fuzz.toml", text)));
    let _ = inventory::parse_csv(text);
    let _ = inventory::parse_toml(text);
}

/// VOLTHA's event stream: no bytes panic, a message always says something, no text in it can act
/// on a terminal, and what it says survives the journal's encoding.
pub fn events(bytes: &[u8]) {
    let mut directory = Directory::default();
    let decoded = message(Some(bytes), &TYPES, &mut directory);
    assert!(!decoded.what.is_empty());
    for what in decoded.what {
        if let Observation::Alarm(alarm) = &what {
            assert!(!alarm.text.chars().any(char::is_control), "{:?}", alarm.text);
            assert!(!alarm.resource.name.chars().any(char::is_control), "{:?}", alarm.resource);
        }
        let stored = minicbor::to_vec(&what).expect("an observation has a disk form");
        assert_eq!(minicbor::decode::<Observation>(&stored).expect("and is read back"), what);
    }
}

/// Alerts of an Alertmanager and of a Prometheus: no bytes panic, where the pieces end changes nothing,
/// a list cut short is never taken for a whole one, and what becomes of an alert can be shown.
pub fn alerts(bytes: &[u8]) {
    let mapper = Mapper::new(&Mapping::default(), Arc::default()).expect("the usual mapping");
    let (head, tail) = bytes.split_at(bytes.len() / 2);
    let mut whole = Documents::<AmAlert>::elements(1 << 16);
    let ended = whole.feed(bytes).and_then(|()| whole.finish());
    let all: Vec<AmAlert> = std::iter::from_fn(|| whole.take()).collect();
    let mut cut = Documents::<AmAlert>::elements(1 << 16);
    let again = cut.feed(head).and_then(|()| cut.feed(tail)).and_then(|()| cut.finish());
    assert_eq!(ended.is_ok(), again.is_ok());
    if ended.is_ok() {
        assert_eq!(all, std::iter::from_fn(|| cut.take()).collect::<Vec<_>>());
    }
    for alert in &all {
        let seen = mapper.alertmanager(alert, &std::collections::BTreeMap::new(), Ts(0));
        let event = &seen.event;
        let texts = [&event.text, &event.resource.name, &event.type_id, &event.qualifier, &seen.by];
        assert!(texts.iter().all(|t| !t.chars().any(char::is_control)), "{event:?}");
        assert!(event.context.iter().all(|(k, v)| !k.chars().chain(v.chars()).any(char::is_control)), "{event:?}");
        let _ = expression(&alert.generator_url);
    }
    let mut inside = Documents::<PromAlert>::inside(1 << 16);
    let _ = inside.feed(bytes).and_then(|()| inside.finish());
    while let Some(alert) = inside.take() {
        let _ = mapper.prometheus(&alert, true);
    }
    let _ = refusal(400, "Bad Request", bytes);
    let _ = serde_json::from_slice::<QueryResult>(bytes);
}

static PROFILES: LazyLock<Profiles> = LazyLock::new(|| Profiles::load(None).expect("the shipped profiles"));

/// Lists of a GenieACS: no bytes panic, where the pieces end changes nothing, a list cut short is
/// never taken for a whole one, and what is read of a device can be shown.
pub fn genieacs(bytes: &[u8]) {
    let read = |pieces: &[&[u8]]| {
        let mut documents = Documents::<DeviceDoc>::with_limit(1 << 16);
        let fed = pieces.iter().try_for_each(|piece| documents.feed(piece));
        let ended = fed.and_then(|()| documents.finish());
        (std::iter::from_fn(|| documents.take()).collect::<Vec<_>>(), ended)
    };
    let whole = read(&[bytes]);
    let (head, tail) = bytes.split_at(bytes.len() / 3);
    assert_eq!(whole, read(&[head, tail]));
    assert!(whole.1.is_err() || bytes.trim_ascii().ends_with(b"]"));
    for doc in &whole.0 {
        let row = map::cpe(doc, &PROFILES);
        assert!(!row.firmware.chars().chain(row.ssid.chars()).any(char::is_control), "{row:?}");
        let _ = map::leaves(doc, PROFILES.of_doc(doc));
    }
    let Ok(json) = serde_json::from_slice::<serde_json::Value>(bytes) else { return };
    for collection in [Collection::Devices, Collection::Tasks] {
        let _ = validate::query(collection, &json);
    }
    if let Ok(task) = validate::task_of(&json) {
        assert_eq!(validate::task_of(&task.json()).as_ref(), Ok(&task));
    }
    if let Ok(fault) = serde_json::from_value::<map::FaultDoc>(json.clone()) {
        assert!(!fault.summary().chars().any(char::is_control));
    }
    let _ = serde_json::from_value::<map::OperationDoc>(json).map(|o| o.tasks());
}

/// A row whose every field holds the same text.
struct Same<'a>(&'a str);

impl Record for Same<'_> {
    fn get(&self, _: &str) -> Value<'_> {
        Value::text(self.0)
    }
}

/// The filter language: no text panics, an error lies inside the text, and what parses prints to
/// a text that parses to the same tree.
pub fn filter(text: &str) {
    let chars = text.chars().count();
    for table in [Table::Alarms, Table::Nodes, Table::Sources, Table::Log, Table::Cpes, Table::Jobs] {
        match Query::parse(text, table) {
            Ok(query) => {
                let printed = query.expr.to_string();
                // Printing adds quotes; only the longest texts may outgrow the limit by that.
                if printed.chars().count() < 8192 {
                    assert_eq!(Query::parse(&printed, table).expect(&printed).expr, query.expr);
                }
                let _ = query.matches(&Same(text), Ts(1));
            }
            Err(e) => assert!(e.at <= chars && e.len > 0 && (e.at == chars || e.at + e.len <= chars), "{e:?}"),
        }
        let _ = complete(text, chars / 2, table);
    }
}

/// Packets of anybody: no bytes panic, what is read of an echo lies inside it, and no text of a name
/// server can act on a terminal.
pub fn packets(bytes: &[u8]) {
    for v6 in [false, true] {
        if let Some(echo) = icmp::read(v6, bytes) {
            assert_eq!(echo.payload.len() + 8, bytes.len());
        }
    }
    if let Some((_, rest)) = icmp::behind_ipv4(bytes) {
        assert!(rest.len() + 20 <= bytes.len());
    }
    let _ = dns::servers_of(bytes);
    let about = DnsName::parse("www.example.net").expect("a name");
    let id = bytes.first().zip(bytes.get(1)).map_or(0, |(a, b)| u16::from_be_bytes([*a, *b]));
    for kind in DnsType::ALL {
        if let dns::wire::Read::Answer(answer) = dns::wire::read(bytes, id, &about, kind) {
            for record in &answer.records {
                let text = [&record.owner, &record.kind, &record.value];
                assert!(!text.iter().any(|t| t.chars().any(char::is_control)), "{record:?}");
            }
        }
    }
}

/// Output of a guest, with changes of size and looks in between: whatever comes, a screen has as many
/// cells as it should, the cursor is on it, nothing in it acts on a terminal, and how the bytes were cut
/// makes no difference.
pub fn console(bytes: &[u8]) {
    use noctule::engine::emulator::cast::{Header, Recorder};
    use noctule::engine::emulator::{Emulator, Limits, View};
    use noctule::model::text::is_invisible;

    let limits = Limits { rows: 6, columns: 20, lines: 40, bytes: 16 << 10 };
    let (mut whole, mut parts, mut view) = (Emulator::new(limits), Emulator::new(limits), View::default());
    let header = Header { columns: 20, rows: 6, ..Header::default() };
    let (mut recorder, mut file) = Recorder::begin(header, None);
    for (n, piece) in bytes.chunks(37).enumerate() {
        let (a, b) = piece.split_at(piece.len() / 3);
        let mut answers = parts.feed(a);
        answers.extend(parts.feed(b));
        assert_eq!(whole.feed(piece), answers);
        recorder.output(std::time::Duration::from_millis(n as u64), piece, &mut file);
        view.scroll(&whole, i64::from(piece[0] % 5) - 2);
        let screen = view.changed(&whole).unwrap_or_else(|| view.last().cloned().expect("a look"));
        assert_eq!(screen.cells.len(), usize::from(screen.rows) * usize::from(screen.columns));
        assert!(screen.cursor.is_none_or(|at| at.row < screen.rows && at.column < screen.columns));
        assert!(screen.cells.iter().all(|c| !c.ch.is_control() && !is_invisible(c.ch)));
        assert_eq!(*screen, parts.screen(screen.scrolled));
        if piece[0] % 7 == 0 {
            let (rows, columns) = (u16::from(piece[0] % 13), u16::from(piece[piece.len() - 1] % 40));
            whole.resize(rows, columns);
            parts.resize(rows, columns);
        }
    }
    assert_eq!(whole.contents(), parts.contents());
    recorder.settle(std::time::Duration::from_secs(86_400), &mut file);
    let events = file.lines().skip(1).map(|line| serde_json::from_str(line).expect("an event"));
    let output: String = events.map(|(_, _, text): (f64, String, String)| text).collect();
    assert_eq!(output, String::from_utf8_lossy(bytes));
}
