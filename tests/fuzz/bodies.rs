//! What the fuzz targets do with their input: shared with a test, so that what a fuzzer runs for
//! hours is run for seconds with every build.

use std::sync::LazyLock;

use noctule::config::{alarm_types, check_text, inventory};
use noctule::controllers::diag::{dns, icmp};
use noctule::controllers::genieacs::device::DeviceDoc;
use noctule::controllers::genieacs::profile::Profiles;
use noctule::controllers::genieacs::stream::Documents;
use noctule::controllers::genieacs::wire::Collection;
use noctule::controllers::genieacs::{map, validate};
use noctule::controllers::voltha::map::{Directory, TypeIndex, message};
use noctule::model::diag::{DnsName, DnsType};
use noctule::model::field::{Record, Value};
use noctule::model::observation::Observation;
use noctule::model::page::Table;
use noctule::model::query::{Query, complete};
use noctule::model::time::Ts;

static TYPES: LazyLock<TypeIndex> =
    LazyLock::new(|| TypeIndex::new(&alarm_types::load(None).expect("the shipped alarm types")));

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
