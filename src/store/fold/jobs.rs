//! Jobs in the fold: the engine's own state machines, kept as it made them.

use rusqlite::{Connection, OptionalExtension, params};

use super::Fold;
use crate::engine::job::{Device, Header};
use crate::model::job::{Frozen, JobEvent, JobId, JobRecord};

/// Jobs kept in memory between batches.
const KEEP: usize = 64;

/// A job that records were about lately.
#[derive(Debug)]
pub(crate) struct Kept {
    id: i64,
    header: Header,
    dirty: bool,
}

/// The row of a device of a job.
pub(crate) const fn device_id(job: i64, index: u32) -> i64 {
    job << 32 | index as i64
}

impl Fold {
    pub(super) fn job(&mut self, conn: &Connection, record: &JobRecord) -> rusqlite::Result<()> {
        self.load_job(conn, record)?;
        let Some(kept) = self.jobs.get_mut(&record.job) else { return Ok(()) };
        if let JobEvent::Device { index, what } = &record.what {
            let row = device_id(kept.id, *index);
            let found = conn
                .prepare_cached(&self.sql.job_device)?
                .query_row([row], |row| Ok((row.get::<_, Vec<u8>>(0)?, row.get::<_, Vec<u8>>(1)?)))
                .optional()?;
            let Some((frozen, state)) = found else { return Ok(()) };
            let (Ok(frozen), Ok(mut device)) =
                (minicbor::decode::<Frozen>(&frozen), minicbor::decode::<Device>(&state))
            else {
                return Ok(());
            };
            let from = device.state.standing();
            if device.apply(kept.header.kind(), record.at, what) {
                kept.header.moved(record.at, frozen.wave, from, &device);
                kept.dirty = true;
                self.touched.jobs = true;
                let state = minicbor::to_vec(&device).unwrap_or_default();
                conn.prepare_cached(&self.sql.set_job_device)?.execute(params![row, state])?;
            }
            return Ok(());
        }
        if !kept.header.apply(&record.actor, record.at, &record.what) {
            return Ok(());
        }
        self.touched.jobs = true;
        if record.what == JobEvent::Purged {
            let range = (device_id(kept.id, 0), device_id(kept.id + 1, 0));
            conn.prepare_cached(&self.sql.delete_job_devices)?.execute(range)?;
            conn.prepare_cached(&self.sql.delete_job)?.execute([kept.id])?;
            self.jobs.remove(&record.job);
            return Ok(());
        }
        kept.dirty = true;
        if let JobEvent::Frozen(list) = &record.what {
            let range = (device_id(kept.id, 0), device_id(kept.id + 1, 0));
            let from: u32 = conn.prepare_cached(&self.sql.count_job_devices)?.query_row(range, |row| row.get(0))?;
            let fresh = minicbor::to_vec(Device::default()).unwrap_or_default();
            let mut put = conn.prepare_cached(&self.sql.put_job_device)?;
            for (index, frozen) in (from..).zip(list) {
                let frozen = minicbor::to_vec(frozen).unwrap_or_default();
                put.execute(params![device_id(kept.id, index), frozen, fresh])?;
            }
        }
        Ok(())
    }

    fn load_job(&mut self, conn: &Connection, record: &JobRecord) -> rusqlite::Result<()> {
        if self.jobs.contains_key(&record.job) {
            return Ok(());
        }
        let found: Option<(i64, Vec<u8>)> = conn
            .prepare_cached(&self.sql.job)?
            .query_row([record.job.0.as_slice()], |row| Ok((row.get(0)?, row.get(1)?)))
            .optional()?;
        let kept = match found {
            Some((id, header)) => Kept { id, header: minicbor::decode(&header).unwrap_or_default(), dirty: false },
            // What is told of a job whose beginning is not known means nothing.
            None if !matches!(record.what, JobEvent::Created(_)) => return Ok(()),
            None => {
                let header = minicbor::to_vec(Header::default()).unwrap_or_default();
                conn.prepare_cached(&self.sql.put_job)?.execute(params![None::<i64>, record.job.0, header])?;
                Kept { id: conn.last_insert_rowid(), header: Header::default(), dirty: true }
            }
        };
        self.jobs.insert(record.job, kept);
        Ok(())
    }

    pub(super) fn flush_jobs(&mut self, conn: &Connection) -> rusqlite::Result<()> {
        let mut put = conn.prepare_cached(&self.sql.put_job)?;
        for (JobId(job), kept) in &mut self.jobs {
            if std::mem::take(&mut kept.dirty) {
                let header = minicbor::to_vec(&kept.header).unwrap_or_default();
                put.execute(params![kept.id, job, header])?;
            }
        }
        drop(put);
        if self.jobs.len() > KEEP {
            self.jobs.clear();
        }
        Ok(())
    }
}
