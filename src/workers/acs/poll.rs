//! Keeps the fleet current: all devices at first and after a while, those that informed between.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::controllers::genieacs::device::DeviceDoc;
use crate::controllers::genieacs::error::Error;
use crate::controllers::genieacs::map;
use crate::controllers::genieacs::wire::{Filter, Find};
use crate::model::cpe::{Informs, OnlineRule, id_hash};
use crate::model::observation::{GoneCause, Observation};
use crate::model::time::{SECOND, Ts};
use crate::workers::watched::{Polling, Watched, Writing};
use futures_util::StreamExt as _;

use super::shared::Shared;
use super::{patch, quiet};

/// Devices a page of the full read. They are streamed, so a page costs no memory; each makes the server
/// count what is left.
const PAGE: u32 = 10_000;
/// Observations journalled in one go.
const BATCH: usize = 1_000;
/// Inform times in one record.
const INFORMS: usize = 4_000;
/// Pause between looks at whether the server answers at all.
const TELL: Duration = Duration::from_secs(1);
/// How far an incremental look reaches back before the newest inform seen. The server writes a
/// device at the end of its session, under the time at which the session began: what informed
/// before the newest may come to light after it.
const OVERLAP: i64 = 15 * SECOND;
/// The longest session that is reckoned with; the server itself awaits no longer one.
const SESSION: Duration = Duration::from_secs(120);
/// How often a look reaches back over the longest session, for CPEs that are slow.
const FAR: Duration = Duration::from_secs(120);

/// What is remembered of a device between polls.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Known {
    patch_hash: u64,
    last_inform: Ts,
    /// Hash of its tags.
    pub(super) tags: u64,
}

/// The poller of one server.
pub(super) struct Poller {
    shared: Arc<Shared>,
    pub(super) known: HashMap<u64, Known>,
    /// Hash of each fault by device and channel.
    faults: HashMap<(String, String), u64>,
    /// The latest inform seen.
    pub(super) newest: Ts,
    full_at: Option<Instant>,
    /// When a look last reached back over the longest session.
    far_at: Option<Instant>,
    quiet_at: Instant,
    /// Somebody waits for this poll.
    asked: bool,
    loaded: bool,
}

/// Observations on their way to the journal.
#[derive(Default)]
pub(super) struct Out {
    records: Vec<Observation>,
    seen: Vec<(u64, i64)>,
    base: Ts,
    writing: Writing,
}

impl Poller {
    pub(super) fn new(shared: Arc<Shared>) -> Self {
        Self {
            shared,
            known: HashMap::new(),
            faults: HashMap::new(),
            newest: Ts::NEVER,
            full_at: None,
            far_at: None,
            quiet_at: Instant::now(),
            asked: false,
            loaded: false,
        }
    }
}

impl Polling for Poller {
    fn watched(&self) -> &Watched {
        &self.shared
    }

    async fn poll(&mut self, asked: bool) -> Result<(), String> {
        self.asked = asked;
        let began = Instant::now();
        let shared = Arc::clone(&self.shared);
        let outcome = {
            let mut look = std::pin::pin!(self.look());
            loop {
                tokio::select! {
                    outcome = &mut look => break outcome,
                    // The client waits half a minute for a server that died; that is told before.
                    () = tokio::time::sleep(TELL) => shared.tell_restart(),
                }
            }
        };
        self.shared.polled(began.elapsed(), &outcome);
        if outcome.is_ok() {
            self.shared.status().report.devices = u32::try_from(self.known.len()).unwrap_or(u32::MAX);
        }
        if let Some(done) = self.shared.report(false) {
            done.await?;
        }
        outcome
    }

    fn pause(&self, _took: Duration) -> Duration {
        Duration::from_secs(self.shared.config.poll_s.max(1))
    }
}

impl Poller {
    async fn look(&mut self) -> Result<(), String> {
        self.load().await?;
        self.shared.admit()?;
        let full_s = Duration::from_secs(self.shared.config.full_s);
        let full = self.full_at.is_none_or(|at| at.elapsed() >= full_s);
        let began = Instant::now();
        let back = reach(self.far_at.map(|at| at.elapsed()));
        let outcome = self.devices(full, back).await;
        if let Err(Stop::Call(error)) = &outcome {
            self.shared.judge(Err(error));
            self.shared.log("poll", &error.call, "", began, Err(&error.what.words()));
        }
        outcome.map_err(Stop::words)?;
        self.shared.judge(Ok(()));
        if full {
            self.full_at = Some(began);
        }
        if full || back > OVERLAP {
            self.far_at = Some(began);
        }
        Ok(())
    }

    /// Reads what the cache holds, once.
    async fn load(&mut self) -> Result<(), String> {
        if self.loaded {
            return Ok(());
        }
        let shared = Arc::clone(&self.shared);
        let read = crate::workers::blocking(move || {
            let mut known = HashMap::new();
            shared.cache.each_cpe(&shared.name, &mut |cpe| {
                let (patch_hash, last_inform) = (cpe.patch_hash, cpe.last_inform);
                let tags = quiet::tags_hash(&cpe.tags);
                known.insert(id_hash(&cpe.id), Known { patch_hash, last_inform, tags });
            })?;
            let faults = shared.cache.faults(&shared.name)?;
            Ok::<_, String>((known, faults))
        });
        let (known, faults) = read.await??;
        self.known = known;
        self.faults = faults.into_iter().map(|f| ((f.device.clone(), f.channel.clone()), hash(&f))).collect();
        // The thresholds may have changed since the last start.
        let told = Informs { base: Ts::NEVER, seen: Vec::new(), rule: self.rule() };
        if let Some(done) = self.shared.journal(vec![Observation::Informs(told)]) {
            done.await?;
        }
        self.loaded = true;
        Ok(())
    }

    fn rule(&self) -> OnlineRule {
        let seconds = |s: u64| u32::try_from(s).unwrap_or(u32::MAX);
        OnlineRule { online_s: seconds(self.shared.config.online_s), offline_s: seconds(self.shared.config.offline_s) }
    }

    async fn devices(&mut self, full: bool, back: i64) -> Result<(), Stop> {
        let client = self.shared.client().await.map_err(Stop::Words)?;
        let profiles = self.shared.profiles().await.map_err(Stop::Words)?;
        if full {
            let about = client.about().await?;
            let mut status = self.shared.status();
            status.report.version = about.version;
            status.report.skew_us = about.skew_us.unwrap_or_default();
        }
        let projection = map::projection(&profiles);
        let mut mapper = patch::Mapper::new(&profiles);
        let mut seen = HashSet::new();
        let mut out = Out { base: self.newest, ..Out::default() };
        let since = self.newest.plus(-back);
        let mut docs: std::pin::Pin<Box<dyn futures_util::Stream<Item = Result<DeviceDoc, Error>> + Send>> =
            if full || !self.newest.is_set() {
                Box::pin(client.devices_by_key(Filter::all(), projection, PAGE))
            } else {
                Box::pin(client.devices(&Find::new(Filter::informed_after(since)).only(projection)))
            };
        while let Some(doc) = docs.next().await {
            let patch = mapper.of_device(&doc?);
            let id = id_hash(&patch.id);
            if full {
                seen.insert(id);
            }
            self.take(id, patch, &mut out);
            if out.records.len() >= BATCH || out.seen.len() >= INFORMS {
                self.flush(&mut out).await.map_err(Stop::Words)?;
            }
        }
        drop(docs);
        if full {
            self.gone(&seen, &mut out).await.map_err(Stop::Words)?;
        } else if self.asked || self.quiet_at.elapsed() >= quiet::EVERY {
            self.quiet(&client, &profiles, self.asked, &mut out).await?;
            self.quiet_at = Instant::now();
        }
        self.take_faults(&client.faults(&Filter::all()).await?, &mut out);
        self.finish(&mut out).await.map_err(Stop::Words)?;
        Ok(())
    }

    /// Sorts one device in: changed, informed only, or as it was.
    pub(super) fn take(&mut self, id: u64, patch: crate::model::cpe::CpePatch, out: &mut Out) {
        let last_inform = patch.last_inform.unwrap_or_default();
        let tags = quiet::tags_hash(&patch.tags.as_ref().map(|tags| tags.join(", ")).unwrap_or_default());
        let now = Known { patch_hash: crate::store::cpe_hash(&patch), last_inform, tags };
        let before = self.known.insert(id, now);
        self.newest = self.newest.max(last_inform);
        if before.is_none_or(|b| b.patch_hash != now.patch_hash) {
            out.records.push(Observation::Cpe(patch));
        } else if before.is_some_and(|b| b.last_inform < last_inform) {
            if out.seen.is_empty() {
                out.base = last_inform;
            }
            out.seen.push((id, last_inform.since(out.base) / 1_000));
        }
    }

    pub(super) async fn flush(&self, out: &mut Out) -> Result<(), String> {
        let mut records = std::mem::take(&mut out.records);
        if !out.seen.is_empty() {
            let seen = std::mem::take(&mut out.seen);
            records.push(Observation::Informs(Informs { base: out.base, seen, rule: self.rule() }));
        }
        out.writing.add(&self.shared, records).await
    }

    /// Writes what is left, and waits until all of it is.
    async fn finish(&self, out: &mut Out) -> Result<(), String> {
        self.flush(out).await?;
        out.writing.end().await
    }

    /// What a full list no longer held.
    pub(super) async fn gone(&mut self, seen: &HashSet<u64>, out: &mut Out) -> Result<(), String> {
        if self.known.keys().all(|id| seen.contains(id)) {
            return Ok(());
        }
        self.finish(out).await?;
        let shared = Arc::clone(&self.shared);
        let read = crate::workers::blocking(move || {
            let mut ids = Vec::new();
            shared.cache.each_cpe(&shared.name, &mut |cpe| ids.push(cpe.id))?;
            Ok::<_, String>(ids)
        });
        for id in read.await?? {
            if !seen.contains(&id_hash(&id)) {
                self.faults.retain(|(device, _), _| *device != id);
                out.records.push(Observation::CpeGone(id, GoneCause::Resync));
            }
        }
        self.known.retain(|id, _| seen.contains(id));
        Ok(())
    }

    fn take_faults(&mut self, docs: &[map::FaultDoc], out: &mut Out) {
        let mut now = HashMap::with_capacity(docs.len());
        for doc in docs {
            let fault = patch::of_fault(doc);
            let (key, hash) = ((fault.device.clone(), fault.channel.clone()), hash(&fault));
            if self.faults.get(&key) != Some(&hash) {
                out.records.push(Observation::CpeFault(fault));
            }
            now.insert(key, hash);
        }
        for (device, channel) in self.faults.keys().filter(|key| !now.contains_key(key)) {
            out.records.push(Observation::CpeFaultGone(device.clone(), channel.clone()));
        }
        self.faults = now;
    }
}

/// How far a look reaches back before the newest inform, µs, when the last one that reached over the
/// longest session is so long ago.
fn reach(far: Option<Duration>) -> i64 {
    match far {
        Some(ago) if ago < FAR => OVERLAP,
        // A session that had not ended by that look had begun at most the longest one before it.
        Some(ago) => i64::try_from((ago + SESSION).as_micros()).unwrap_or(i64::MAX),
        None => OVERLAP,
    }
}

fn hash(fault: &crate::model::cpe::CpeFault) -> u64 {
    xxhash_rust::xxh3::xxh3_64(&minicbor::to_vec(fault).unwrap_or_default())
}

/// Why a poll ended early.
pub(super) enum Stop {
    Call(Error),
    Words(String),
}

impl Stop {
    fn words(self) -> String {
        match self {
            Self::Call(error) => error.to_string(),
            Self::Words(words) => words,
        }
    }
}

impl From<Error> for Stop {
    fn from(error: Error) -> Self {
        Self::Call(error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slow_sessions_are_not_overlooked() {
        let s = Duration::from_secs;
        assert_eq!(reach(Some(s(30))), OVERLAP);
        // However late the next far look is, it reaches over all that passed and a whole session.
        for ago in [FAR, s(121), s(700)] {
            assert_eq!(reach(Some(ago)), i64::try_from((ago + SESSION).as_micros()).expect("short"));
        }
    }
}
