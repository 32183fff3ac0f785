//! Jobs in the cache: the fold of their records is what the engine makes of them, whatever the
//! batches, and a job that is read back goes on where it stood.

use super::{T0, at, observed, open, options, put};
use crate::engine::job::{Device, Job, State};
use crate::model::cpe::CpePatch;
use crate::model::ids::RowId;
use crate::model::job::read::{Format, read};
use crate::model::job::{
    Answer, Before, Class, Control, DeviceEvent, Frozen, JobEvent, JobId, JobRecord, Old, ParamValue, Phase, Proof,
    ReadBack,
};
use crate::model::observation::Observation;
use crate::model::page::{Anchor, Data, DataRequest, PageRequest, Rows, Scope, Sort, Table};
use crate::model::query::Query;
use crate::model::record::Record;
use crate::store::Reader;

const ID: JobId = JobId([9; 16]);

fn record(seconds: i64, what: JobEvent) -> Record {
    Record::Job(JobRecord { job: ID, at: at(seconds), actor: "ada".to_owned(), what })
}

fn device(seconds: i64, index: u32, what: DeviceEvent) -> Record {
    record(seconds, JobEvent::Device { index, what })
}

fn story() -> Vec<Record> {
    let text = "name = 'Guest'\nfilter = '*'\nwaves = { canary = 1 }\n[wifi]\nssid = 'Guest'\n";
    let frozen = |i: u32| Frozen {
        device: format!("A-B-S{i}"),
        serial: format!("S{i}"),
        model: "HG8245H".to_owned(),
        wave: u8::from(i > 0),
    };
    let done = || DeviceEvent::Answered { answer: Answer::Done, task: None };
    let same = || DeviceEvent::ReadBack(vec![ReadBack { path: "D.X".to_owned(), proof: Proof::Same }]);
    let fault = DeviceEvent::Faulted {
        code: "cwmp.9003".to_owned(),
        message: "Invalid arguments".to_owned(),
        params: Vec::new(),
        task: Some("5f".to_owned()),
    };
    vec![
        record(0, JobEvent::Created(read(text, Format::Toml).unwrap().request)),
        record(1, JobEvent::Frozen((0..2).map(frozen).collect())),
        record(1, JobEvent::Frozen((2..4).map(frozen).collect())),
        record(1, JobEvent::FrozenAll),
        record(2, JobEvent::Lease { owner: "host/1".to_owned(), until: at(32) }),
        device(2, 0, DeviceEvent::Intent),
        device(3, 0, done()),
        device(4, 0, same()),
        record(4, JobEvent::Wave(1)),
        device(5, 1, DeviceEvent::Intent),
        device(6, 1, fault),
        device(7, 2, DeviceEvent::Intent),
        record(8, JobEvent::Control(Control::Pause)),
        device(9, 7, DeviceEvent::Intent),
    ]
}

fn replayed() -> Job {
    let mut job = Job::new(ID);
    for record in story() {
        let Record::Job(record) = record else { unreachable!() };
        job.apply(&record);
    }
    job
}

fn request(table: Table, filter: &str) -> PageRequest {
    PageRequest {
        table,
        scope: Scope::Open,
        filter: (!filter.is_empty()).then(|| std::sync::Arc::new(Query::parse(filter, table).unwrap())),
        below: None,
        sort: Vec::new(),
        anchor: Anchor::Start,
        limit: 50,
        new_since: None,
        now: at(10),
    }
}

fn rows(reader: &mut Reader, request: PageRequest) -> Rows {
    match reader.data(&DataRequest::Page(request)).unwrap() {
        Data::Page(page) => page.rows,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_job_read_back_is_the_job_that_was_told_whatever_the_batches() {
    for batch in [1, 3, 100] {
        let dir = tempfile::tempdir().unwrap();
        let (store, _) = open(dir.path());
        for records in story().chunks(batch) {
            put(&store, records.to_vec());
        }
        let mut reader = store.reader().unwrap();
        assert_eq!(reader.job(ID).unwrap().unwrap(), replayed());
        assert_eq!(reader.job(JobId([1; 16])).unwrap(), None);
        assert_eq!(reader.open_jobs().unwrap().len(), 1);
        assert_eq!(reader.jobs_called("Guest").unwrap().len(), 1);
        assert_eq!(reader.jobs_called("0909").unwrap()[0].0, ID);
        store.close();
    }
}

#[test]
fn a_job_survives_its_tables() {
    let dir = tempfile::tempdir().unwrap();
    let (store, _) = open(dir.path());
    put(&store, story());
    store.close();
    let conn = rusqlite::Connection::open(options(dir.path()).path).unwrap();
    conn.execute_batch("DROP TABLE c_job_devices; DROP TABLE c_jobs").unwrap();
    drop(conn);
    let (store, _) = open(dir.path());
    assert_eq!(store.reader().unwrap().job(ID).unwrap(), Some(replayed()));
}

#[test]
fn jobs_and_their_devices_are_lists_like_all_others() {
    let dir = tempfile::tempdir().unwrap();
    let (store, _) = open(dir.path());
    put(&store, story());
    let mut reader = store.reader().unwrap();
    let Rows::Jobs(jobs) = rows(&mut reader, request(Table::Jobs, "phase = paused and failed > 0")) else { panic!() };
    let job = &jobs[0];
    assert_eq!((job.name.as_str(), job.phase, job.actor.as_str()), ("Guest", Phase::Paused, "ada"));
    assert_eq!((job.counts.total, job.counts.waiting, job.counts.active), (4, 1, 1));
    assert_eq!((job.counts.of(Class::Changed), job.counts.of(Class::Faulted)), (1, 1));
    assert_eq!(job.last_error, "Invalid arguments");
    let of_job = PageRequest { below: Some(job.id), ..request(Table::JobDevices, "state = faulted") };
    let Rows::JobDevices(devices) = rows(&mut reader, of_job) else { panic!() };
    assert_eq!(devices.len(), 1);
    assert_eq!((devices[0].serial.as_str(), devices[0].task.as_str(), devices[0].attempt), ("S1", "5f", 1));
    let sort = vec![Sort { field: "serial", desc: true }];
    let all = PageRequest { below: Some(job.id), sort, ..request(Table::JobDevices, "") };
    let Rows::JobDevices(devices) = rows(&mut reader, all) else { panic!() };
    assert_eq!(devices.iter().map(|d| d.serial.as_str()).collect::<Vec<_>>(), ["S3", "S2", "S1", "S0"]);
    let other = PageRequest { below: Some(RowId(77)), ..request(Table::JobDevices, "") };
    assert!(rows(&mut reader, other).is_empty());
}

#[test]
fn the_detail_tells_portions_and_causes() {
    let dir = tempfile::tempdir().unwrap();
    let (store, _) = open(dir.path());
    put(&store, story());
    let mut reader = store.reader().unwrap();
    let Data::Job(Some(detail)) = reader.data(&DataRequest::Job(RowId(1))).unwrap() else { panic!() };
    assert_eq!(detail.waves.iter().map(|w| (w.total, w.through, w.failed)).collect::<Vec<_>>(), [(1, 1, 0), (3, 1, 1)]);
    assert_eq!((detail.causes[0].cause.as_str(), detail.causes[0].example.as_str()), ("cwmp.9003", "S1"));
    assert_eq!(detail.words, ["wifi.ssid = Guest"]);
    assert_eq!(detail.left_us, None, "a paused job has no time left to tell");
    let Rows::Log(log) = rows(&mut reader, request(Table::Log, "")) else { panic!() };
    let told: Vec<_> = log.iter().map(|l| (l.what.as_str(), l.target.as_str(), l.actor.as_str())).collect();
    assert_eq!(told, [("job.pause", "Guest", "ada"), ("job.create", "Guest", "ada")]);
}

#[test]
fn a_device_that_never_began_is_small() {
    let bytes = minicbor::to_vec(Device::default()).unwrap();
    assert!(bytes.len() < 32, "{} bytes a device", bytes.len());
    assert_eq!(minicbor::decode::<Device>(&bytes).unwrap().state, State::Waiting);
    assert!(T0.is_set());
}

#[test]
fn a_device_is_told_with_its_values_and_its_stages_and_a_cpe_with_its_jobs() {
    let dir = tempfile::tempdir().unwrap();
    let (store, _) = open(dir.path());
    let old = Old::Known(ParamValue::Text("Home".to_owned()));
    let before = |path: &str, old| Before { path: path.to_owned(), old, new: Some("Guest".to_owned()) };
    let mut all = story();
    let saved = vec![before("D.Ssid", old.clone()), before("D.KeyPassphrase", old), before("D.Lost", Old::Lost)];
    all.push(device(10, 3, DeviceEvent::Before(saved)));
    put(&store, all);
    let mut reader = store.reader().unwrap();
    let id = RowId(1 << 32 | 3);
    let Data::JobDevice(Some(found)) = reader.data(&DataRequest::JobDevice(id)).unwrap() else { panic!() };
    assert_eq!((found.row.serial.as_str(), found.row.id), ("S3", id));
    let old: Vec<&str> = found.values.iter().map(|v| v.old.as_str()).collect();
    assert_eq!(old, ["Home", "••••••", ""], "a secret is never shown, even where a record holds it");
    assert!(found.values[2].lost && found.values[0].new == "Guest");
    for (id, told) in [("A-B-S1", &[("Guest", "faulted")][..]), ("A-B-S", &[])] {
        let patch = CpePatch { id: id.to_owned(), serial: Some("S".to_owned()), ..CpePatch::default() };
        put(&store, vec![observed("acs-1", at(11), Observation::Cpe(patch))]);
        let Rows::Cpes(cpes) = rows(&mut reader, request(Table::Cpes, &format!("id = acs-1/cpe/{id}"))) else {
            panic!()
        };
        let Data::Cpe(Some(cpe)) = reader.data(&DataRequest::Cpe(cpes[0].id)).unwrap() else { panic!() };
        assert_eq!(cpe.jobs.iter().map(|j| (j.name.as_str(), j.state)).collect::<Vec<_>>(), told, "{id}");
    }
}
