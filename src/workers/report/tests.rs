//! Reports of a job that went through the journal.

use super::*;
use crate::model::job::read::{Format, read};
use crate::model::job::{
    Answer, Before, DeviceEvent, Frozen, JobEvent, JobRecord, Old, ParamValue, Proof, ReadBack, SkipReason,
};
use crate::model::record::Record;
use crate::store::Store;
use crate::workers::fixture::{NOW, options};

const ID: JobId = JobId([9; 16]);
const KEY: &str = "D.KeyPassphrase";

fn store() -> (tempfile::TempDir, Store) {
    let dir = tempfile::tempdir().unwrap();
    let (store, _) = Store::open(&options(dir.path())).unwrap();
    (dir, store)
}

fn record(what: JobEvent) -> Record {
    Record::Job(JobRecord { job: ID, at: NOW, actor: "ada".to_owned(), what })
}

fn device(index: u32, what: DeviceEvent) -> Record {
    record(JobEvent::Device { index, what })
}

/// Three devices: one did it, one refused, one was left out.
fn told(store: &Store) {
    let text = "name = 'Guest | <b>WiFi</b>'\ndescription = 'for the [north](http://x)'\nfilter = 'tag=north'\n\
        expected_count = 3\nwaves = { canary = 1 }\n[wifi]\nssid = 'Guest'\npassword = 'hunter2222'\n";
    let frozen = |i: u32| Frozen {
        device: format!("A-B-S{i}"),
        serial: if i == 1 { "=S1\u{1b}[2J".to_owned() } else { format!("S{i}") },
        model: "HG8245H".to_owned(),
        wave: u8::from(i > 0),
    };
    let before = |path: &str, old| Before { path: path.to_owned(), old, new: Some("Guest".to_owned()) };
    let old = |text: &str| Old::Known(ParamValue::Text(text.to_owned()));
    let fault = DeviceEvent::Faulted {
        code: "cwmp.9003".to_owned(),
        message: "Invalid arguments".to_owned(),
        params: Vec::new(),
        task: None,
    };
    let skipped = DeviceEvent::Skipped { reason: SkipReason::AlreadyEqual, detail: String::new() };
    let records = vec![
        record(JobEvent::Created(read(text, Format::Toml).unwrap().request)),
        record(JobEvent::Frozen((0..3).map(frozen).collect())),
        record(JobEvent::FrozenAll),
        device(0, DeviceEvent::Before(vec![before("D.Ssid", old("Home")), before(KEY, old("hunter1111"))])),
        device(0, DeviceEvent::Intent),
        device(0, DeviceEvent::Answered { answer: Answer::Done, task: None }),
        device(0, DeviceEvent::ReadBack(vec![ReadBack { path: "D.Ssid".to_owned(), proof: Proof::Same }])),
        record(JobEvent::Wave(1)),
        device(1, DeviceEvent::Before(vec![before(KEY, Old::Lost)])),
        device(1, DeviceEvent::Intent),
        device(1, fault),
        device(2, skipped),
        record(JobEvent::Ended),
    ];
    store.journal().append(records).wait().unwrap();
}

fn report(format: ReportFormat) -> String {
    let (_dir, store) = store();
    told(&store);
    let mut out = Vec::new();
    assert_eq!(write(&mut store.reader().unwrap(), ID, format, 3_600, &mut out).unwrap(), 3);
    String::from_utf8(out).unwrap()
}

#[test]
fn no_report_holds_a_secret_or_what_a_terminal_runs() {
    for format in [ReportFormat::Markdown, ReportFormat::Csv, ReportFormat::Json] {
        let text = report(format);
        assert!(!text.contains("hunter"), "{format:?}: {text}");
        assert!(!text.contains('\u{1b}'), "{format:?}: {text}");
    }
}

#[test]
fn people_read_what_when_who_and_why_not() {
    let text = report(ReportFormat::Markdown);
    for wanted in [
        "# Guest \\| &lt;b&gt;WiFi&lt;/b&gt;",
        "for the \\[north\\](http://x)",
        "| Asked for by | ada, ",
        "| `wifi.ssid = Guest` |",
        "| Devices | `tag=north` |",
        "3 of 3 devices are through, 1 failed.",
        "| changed | 1 | 33.3 % |",
        "| 2 | 2 | 2 | 1 |",
        "| cwmp.9003 | 1 | =S1",
        "## Devices that failed",
        "already equal",
        "cannot be put back",
        "| `D.KeyPassphrase` | 1 |",
        "setParameterValues",
    ] {
        assert!(text.contains(wanted), "{wanted}:\n{text}");
    }
}

#[test]
fn spreadsheets_get_a_line_a_device_and_no_formula() {
    let text = report(ReportFormat::Csv);
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines.len(), 4, "{text}");
    assert!(lines[1].contains("D.Ssid: Home -> Guest"), "{text}");
    assert!(lines[2].starts_with("'=S1"), "{text}");
}

#[test]
fn programs_get_all_of_it() {
    let whole: serde_json::Value = serde_json::from_str(&report(ReportFormat::Json)).unwrap();
    assert_eq!(whole["classes"]["faulted"], 1);
    assert_eq!(whole["devices"][0]["values"][0]["old"], "Home");
    assert_eq!(whole["devices"][1]["values"][0]["can_be_put_back"], false);
    assert_eq!(whole["job"]["phase"], "ended");
}

#[test]
fn a_file_is_new_and_private_and_none_is_left_of_a_job_that_is_not_there() {
    use std::os::unix::fs::PermissionsExt as _;
    let (dir, store) = store();
    told(&store);
    let mut reader = store.reader().unwrap();
    let path = dir.path().join("r.md");
    let request = ReportRequest {
        job: ID,
        format: ReportFormat::Markdown,
        path: path.to_string_lossy().into_owned(),
        utc_offset_s: 0,
    };
    to_file(&mut reader, &request).unwrap();
    assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    let error = to_file(&mut reader, &request).unwrap_err().to_string();
    assert!(error.contains("exists already"), "{error}");
    let gone =
        ReportRequest { job: JobId([1; 16]), path: dir.path().join("x.md").to_string_lossy().into_owned(), ..request };
    assert!(to_file(&mut reader, &gone).unwrap_err().to_string().contains("there is no job"));
    assert!(!dir.path().join("x.md").exists());
}
