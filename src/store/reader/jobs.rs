//! Jobs and their devices: hundreds of jobs and thousands of devices each, filtered and sorted in
//! memory.

use rusqlite::{Connection, OptionalExtension, params};

use super::slice::Slice;
use super::sources::compare;
use super::{cpes, rows};
use crate::engine::job::{Device, Evidence, Header, Job, progress, schedule, stage_word};
use crate::model::command::Targets;
use crate::model::cpe::CpeJob;
use crate::model::field::Record;
use crate::model::ids::RowId;
use crate::model::job::{
    Before, CauseRow, Control, Frozen, JobDetail, JobDeviceDetail, JobDeviceRow, JobEvent, JobId, JobRecord, JobRow,
    Old, Phase, Setting, StageRow, ValueChange, WaveBar, Work,
};
use crate::model::log::LogRow;
use crate::model::page::{Page, PageRequest, Rows, Table, Total};
use crate::model::time::Ts;
use crate::store::fold::jobs::device_id;
use crate::store::fold::read_counts;
use crate::store::fold::sql::CACHE;
use crate::store::names::Names;

/// Jobs told of in the detail of a device.
const JOBS_OF_DEVICE: u32 = 30;

fn headers(conn: &Connection, each: &mut dyn FnMut(i64, JobId, Header)) -> rusqlite::Result<()> {
    let mut stmt = conn.prepare_cached("SELECT id, job, header FROM c_jobs ORDER BY id")?;
    let mut rows = stmt.query([])?;
    while let Some(row) = rows.next()? {
        let header = minicbor::decode(row.get_ref(2)?.as_blob()?).unwrap_or_default();
        each(row.get(0)?, JobId(row.get(1)?), header);
    }
    Ok(())
}

fn row_of(id: i64, job: JobId, header: &Header, now: Ts) -> JobRow {
    let request = header.request.as_ref();
    JobRow {
        id: RowId(id),
        job,
        name: request.map(|r| r.name.clone()).unwrap_or_default(),
        source: request.map(|r| r.source.clone()).unwrap_or_default(),
        work: request.map(|r| r.work.word().to_owned()).unwrap_or_default(),
        phase: header.phase,
        why: header.why.clone(),
        counts: header.counts,
        wave: header.wave,
        waves: header.waves.iter().filter(|w| w.total > 0).count() as u8,
        rate_deci: if header.phase == Phase::Running { (header.rate_per_minute(now) * 10.0) as u32 } else { 0 },
        left_us: progress::left(header, now),
        actor: header.actor.clone(),
        priority: header.priority(),
        dry_run: request.is_some_and(|r| r.dry_run),
        created_at: header.created_at,
        started_at: header.started_at,
        ended_at: header.ended_at,
        due_at: header.due_at,
        owner: header.owner.clone(),
        lease_until: header.lease_until,
        last_error: header.last_error.clone(),
        rolls_back: request.and_then(|r| r.rolls_back),
    }
}

/// Filters and sorts rows as a request says.
pub(super) fn arrange<R: Record>(found: &mut Vec<R>, request: &PageRequest) {
    if let Some(query) = &request.filter {
        found.retain(|row| query.matches(row, request.now));
    }
    let spec = crate::model::tables::spec(request.table);
    found.sort_by(|a, b| {
        let given = request.sort.iter().map(|s| (s.field, s.desc));
        let usual = spec.default_sort.iter().copied().filter(|_| request.sort.is_empty());
        for (field, desc) in given.chain(usual) {
            let order = compare(&a.get(field), &b.get(field));
            let order = if desc { order.reverse() } else { order };
            if order.is_ne() {
                return order;
            }
        }
        a.row_id().cmp(&b.row_id())
    });
}

/// All jobs of a request, in its order.
pub(super) fn all(rows: &rows::Rows<'_>, request: &PageRequest) -> rusqlite::Result<Vec<JobRow>> {
    let mut found = Vec::new();
    headers(rows.conn, &mut |id, job, header| found.push(row_of(id, job, &header, request.now)))?;
    arrange(&mut found, request);
    Ok(found)
}

fn each_device(conn: &Connection, job: i64, each: &mut dyn FnMut(i64, Frozen, Device)) -> rusqlite::Result<()> {
    each_between(conn, (device_id(job, 0), device_id(job + 1, 0)), each)
}

fn each_between(
    conn: &Connection,
    (from, to): (i64, i64),
    each: &mut dyn FnMut(i64, Frozen, Device),
) -> rusqlite::Result<()> {
    let mut stmt =
        conn.prepare_cached("SELECT id, frozen, state FROM c_job_devices WHERE id >= ?1 AND id < ?2 ORDER BY id")?;
    let mut rows = stmt.query([from, to])?;
    while let Some(row) = rows.next()? {
        let frozen = minicbor::decode(row.get_ref(1)?.as_blob()?);
        let device = minicbor::decode(row.get_ref(2)?.as_blob()?);
        if let (Ok(frozen), Ok(device)) = (frozen, device) {
            each(row.get(0)?, frozen, device);
        }
    }
    Ok(())
}

fn device_row(job: JobId, id: RowId, index: u32, frozen: Frozen, device: Device) -> JobDeviceRow {
    let (restorable, lost) = device.restorable();
    JobDeviceRow {
        id,
        job,
        index,
        device: frozen.device,
        serial: frozen.serial,
        model: frozen.model,
        wave: frozen.wave,
        state: device.state.word(),
        why: device.told(),
        attempt: device.retries + u32::from(device.sent_at.is_set()),
        task: device.task.unwrap_or_default(),
        sent_at: device.sent_at,
        changed_at: device.changed_at,
        restorable,
        lost,
    }
}

/// All devices of a request, in its order; of one job when it says which.
pub(super) fn devices(rows: &rows::Rows<'_>, request: &PageRequest) -> rusqlite::Result<Vec<JobDeviceRow>> {
    let mut jobs = Vec::new();
    headers(rows.conn, &mut |id, job, _| {
        if request.below.is_none_or(|wanted| wanted.0 == id) {
            jobs.push((id, job));
        }
    })?;
    let mut found = Vec::new();
    for (id, job) in jobs {
        each_device(rows.conn, id, &mut |row, frozen, device| {
            found.push(device_row(job, RowId(row), (row & 0xffff_ffff) as u32, frozen, device));
        })?;
    }
    arrange(&mut found, request);
    Ok(found)
}

/// Answers a request for jobs or their devices.
pub(super) fn page(rows: &rows::Rows<'_>, request: &PageRequest) -> rusqlite::Result<Page> {
    let limit = usize::from(request.limit).max(1);
    let (rows_found, at_start, at_end, first, total) = if request.table == Table::Jobs {
        let found = all(rows, request)?;
        let total = found.len();
        let s = Slice::of_all(found, request.anchor, limit, |row, id| row.id.0 == id);
        (Rows::Jobs(s.rows), s.at_start, s.at_end, s.first, total)
    } else {
        let found = devices(rows, request)?;
        let total = found.len();
        let s = Slice::of_all(found, request.anchor, limit, |row, id| row.id.0 == id);
        (Rows::JobDevices(s.rows), s.at_start, s.at_end, s.first, total)
    };
    let seq = read_counts(rows.conn, CACHE)?.seq;
    Ok(Page { rows: rows_found, at_start, at_end, first, total: Total::Exact(total as u64), new_above: 0, seq })
}

/// A job with its progress.
pub(super) fn detail(rows: &rows::Rows<'_>, id: RowId, now: Ts) -> rusqlite::Result<Option<Box<JobDetail>>> {
    let found: Option<(JobId, Vec<u8>)> = rows
        .conn
        .prepare_cached("SELECT job, header FROM c_jobs WHERE id = ?1")?
        .query_row([id.0], |row| Ok((JobId(row.get(0)?), row.get(1)?)))
        .optional()?;
    let Some((job, header)) = found else { return Ok(None) };
    let header: Header = minicbor::decode(&header).unwrap_or_default();
    let mut devices = Vec::new();
    each_device(rows.conn, id.0, &mut |_, frozen, device| devices.push((frozen.serial, device)))?;
    let causes = progress::causes((0..).zip(devices.iter().map(|(_, d)| d)))
        .into_iter()
        .map(|c| {
            let example = devices.get(c.example as usize).map(|(serial, _)| serial.clone()).unwrap_or_default();
            CauseRow { cause: c.cause, devices: c.devices, example }
        })
        .collect();
    let request = header.request.as_ref();
    let next = if header.due_at.is_set() { header.due_at } else { header.started_at };
    let schedule = request
        .and_then(|r| r.schedule.as_ref())
        .and_then(|s| schedule::parse(s).ok())
        .map(|plan| plan.explain(next, now))
        .unwrap_or_default();
    let (mut rolls_back, mut rolled_back_by) = (String::new(), None);
    headers(rows.conn, &mut |_, other, header| {
        let Some(r) = &header.request else { return };
        if request.and_then(|r| r.rolls_back) == Some(other) {
            rolls_back.clone_from(&r.name);
        }
        if r.rolls_back == Some(job) && !r.dry_run {
            rolled_back_by = Some((other, r.name.clone()));
        }
    })?;
    let bar = |w: &crate::engine::job::WaveCount| WaveBar { total: w.total, through: w.through, failed: w.failed };
    Ok(Some(Box::new(JobDetail {
        row: row_of(id.0, job, &header, now),
        waves: header.waves.iter().map(bar).collect(),
        rate_per_minute: header.rate_per_minute(now),
        left_us: progress::left(&header, now),
        causes,
        schedule,
        words: request.map(|r| words(&r.work)).unwrap_or_default(),
        request: header.request.clone(),
        rolls_back,
        rolled_back_by,
    })))
}

/// Everything about a device of a job.
pub(super) fn device(
    rows: &rows::Rows<'_>,
    names: &Names,
    id: RowId,
) -> rusqlite::Result<Option<Box<JobDeviceDetail>>> {
    let (job, index) = (id.0 >> 32, (id.0 & 0xffff_ffff) as u32);
    let of: Option<(JobId, Vec<u8>)> = rows
        .conn
        .prepare_cached("SELECT job, header FROM c_jobs WHERE id = ?1")?
        .query_row([job], |row| Ok((JobId(row.get(0)?), row.get(1)?)))
        .optional()?;
    let mut found = None;
    if let Some((of, header)) = of {
        let header: Header = minicbor::decode(&header).unwrap_or_default();
        each_between(rows.conn, (id.0, id.0 + 1), &mut |_, frozen, device| found = Some((frozen, device)))?;
        if let Some((frozen, device)) = found {
            let source = header.request.map(|r| r.source).unwrap_or_default();
            let cpe = cpes::of_device(rows.conn, names, &source, &frozen.device)?;
            let onu = match cpe {
                Some(cpe) => cpes::row(rows, cpe, Ts::NEVER)?.map(|row| row.onu).unwrap_or_default(),
                None => String::new(),
            };
            return Ok(Some(Box::new(device_detail(of, id, index, frozen, device, (cpe.map(RowId), onu)))));
        }
    }
    Ok(None)
}

fn device_detail(
    job: JobId,
    id: RowId,
    index: u32,
    frozen: Frozen,
    device: Device,
    (cpe, onu): (Option<RowId>, String),
) -> JobDeviceDetail {
    let value = |b: &Before| {
        let hidden = Setting::Path(b.path.clone()).is_secret();
        let old = match &b.old {
            Old::Known(value) if !hidden => value.to_string(),
            Old::Known(_) | Old::SecretHeld => "••••••".to_owned(),
            Old::Lost => String::new(),
        };
        ValueChange {
            path: b.path.clone(),
            old,
            new: b.new.clone().unwrap_or_default(),
            lost: matches!(b.old, Old::Lost),
        }
    };
    let stage = |e: &Evidence| StageRow { at: e.at, stage: stage_word(e.stage), text: e.text.clone() };
    JobDeviceDetail {
        values: device.before.iter().map(value).collect(),
        evidence: device.evidence.iter().map(stage).collect(),
        cause: device.cause.clone(),
        stuck: device.stuck,
        row: device_row(job, id, index, frozen, device),
        cpe,
        onu,
    }
}

/// The jobs that have or had a device, newest first.
pub(super) fn of_device(conn: &Connection, source: &str, device: &str) -> rusqlite::Result<Vec<CpeJob>> {
    // The id stands in the blob as it is: cheaper to look for than to decode them all.
    let mut stmt = conn.prepare_cached(
        "SELECT d.id, d.frozen, d.state, j.header FROM c_job_devices d JOIN c_jobs j ON j.id = d.id >> 32 \
         WHERE instr(d.frozen, CAST(?1 AS BLOB)) > 0 ORDER BY d.id DESC LIMIT ?2",
    )?;
    let mut rows = stmt.query(params![device, JOBS_OF_DEVICE])?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        let frozen = minicbor::decode::<Frozen>(row.get_ref(1)?.as_blob()?);
        let state = minicbor::decode::<Device>(row.get_ref(2)?.as_blob()?);
        let header = minicbor::decode::<Header>(row.get_ref(3)?.as_blob()?).unwrap_or_default();
        let (Ok(frozen), Ok(state), Some(request)) = (frozen, state, header.request) else { continue };
        if frozen.device != device || !(request.source.is_empty() || request.source == source) {
            continue;
        }
        found.push(CpeJob {
            id: RowId(row.get::<_, i64>(0)? >> 32),
            work: request.work.word().to_owned(),
            name: request.name,
            dry_run: request.dry_run,
            state: state.state.word(),
            why: state.told(),
            at: if state.changed_at.is_set() { state.changed_at } else { header.created_at },
        });
    }
    Ok(found)
}

fn words(work: &Work) -> Vec<String> {
    match work {
        Work::Set(changes) => changes.iter().map(|c| format!("{} = {}", c.setting.name(), c.value.shown())).collect(),
        Work::Firmware(fw) => match &fw.version {
            Some(version) => vec![format!("{} (version {version})", fw.file)],
            None => vec![fw.file.clone()],
        },
        Work::Verb(verb) => vec![verb.word().to_owned()],
        Work::RollBack => vec!["put back what the job changed".to_owned()],
    }
}

/// A job with its devices.
pub(super) fn whole(conn: &Connection, job: JobId) -> rusqlite::Result<Option<Job>> {
    let found: Option<(i64, Vec<u8>)> = conn
        .prepare_cached("SELECT id, header FROM c_jobs WHERE job = ?1")?
        .query_row(params![job.0], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?;
    let Some((id, header)) = found else { return Ok(None) };
    let header = minicbor::decode(&header).unwrap_or_default();
    let mut devices = Vec::new();
    each_device(conn, id, &mut |_, frozen, device| devices.push((frozen, device)))?;
    Ok(Some(Job::restore(job, header, devices)))
}

/// Jobs with something left to do.
pub(super) fn open(conn: &Connection) -> rusqlite::Result<Vec<(JobId, Header)>> {
    let mut found = Vec::new();
    headers(conn, &mut |_, job, header| {
        let queued = header.counts.of(crate::model::job::Class::OfflineQueued) > 0;
        if !header.phase.is_over() || (header.phase == Phase::Ended && queued) {
            found.push((job, header));
        }
    })?;
    Ok(found)
}

/// Jobs that were over before an instant.
pub(super) fn over_before(conn: &Connection, before: Ts) -> rusqlite::Result<Vec<JobId>> {
    let mut found = Vec::new();
    headers(conn, &mut |_, job, header| {
        let queued = header.counts.of(crate::model::job::Class::OfflineQueued) > 0;
        if header.phase.is_over() && !queued && header.ended_at.is_set() && header.ended_at < before {
            found.push(job);
        }
    })?;
    Ok(found)
}

/// Jobs by the beginning of their id, or by name.
pub(super) fn called(conn: &Connection, text: &str) -> rusqlite::Result<Vec<(JobId, Header)>> {
    let mut found = Vec::new();
    headers(conn, &mut |_, job, header| {
        let named = header.request.as_ref().is_some_and(|r| r.name == text);
        if named || (!text.is_empty() && job.to_string().starts_with(&text.to_ascii_lowercase())) {
            found.push((job, header));
        }
    })?;
    Ok(found)
}

/// The jobs that targets mean.
pub(super) fn meant(rows: &rows::Rows<'_>, targets: &Targets, now: Ts) -> rusqlite::Result<Vec<JobRow>> {
    let mut found = Vec::new();
    headers(rows.conn, &mut |id, job, header| found.push(row_of(id, job, &header, now)))?;
    match targets {
        Targets::Rows(Table::Jobs, ids) => found.retain(|row| ids.contains(&row.id)),
        Targets::Names(Table::Jobs, names) => found.retain(|row| names.iter().any(|name| row.is_called(name))),
        Targets::Filter { table: Table::Jobs, filter, except, .. } => {
            found.retain(|row| !except.contains(&row.id) && filter.as_ref().is_none_or(|q| q.matches(row, now)));
        }
        _ => found.clear(),
    }
    Ok(found)
}

/// A record of a job as a row of the log.
pub(super) fn logged(conn: &Connection, record: JobRecord, row: &mut LogRow) -> rusqlite::Result<()> {
    row.at = record.at;
    row.target = match called(conn, &record.job.to_string())?.pop() {
        Some((_, Header { request: Some(request), .. })) => request.name,
        _ => record.job.to_string(),
    };
    "OK".clone_into(&mut row.status);
    let what = match record.what {
        JobEvent::Created(request) => {
            row.text = format!("{} ({})", request.name, request.work.word());
            "job.create"
        }
        JobEvent::Refused(why) => {
            row.failed = true;
            "refused".clone_into(&mut row.status);
            row.text = why;
            "job"
        }
        JobEvent::Held(why) => {
            row.failed = true;
            "held".clone_into(&mut row.status);
            row.text = why;
            "job"
        }
        JobEvent::Ended => {
            "ended".clone_into(&mut row.status);
            "job"
        }
        JobEvent::Control(control) => match control {
            Control::Start => "job.start",
            Control::Pause => "job.pause",
            Control::Resume => "job.resume",
            Control::Cancel => "job.cancel",
            Control::Retry => "job.retry",
            Control::Priority(_) => "job.priority",
        },
        _ => "job",
    };
    what.clone_into(&mut row.what);
    row.actor = record.actor;
    Ok(())
}
