//! Keeps the alerts current: the whole list at every poll, of which only what changed is journalled.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::controllers::prometheus::alertmanager::About;
use crate::controllers::prometheus::error::Error;
use crate::controllers::prometheus::map::{Identity, Seen, clear, content_hash, identity_hash, silence_words};
use crate::engine::alerts::{Alerts, Change, Look};
use crate::model::observation::{AlarmEvent, ClearReason, Observation, Resync, Suppression};
use crate::model::resource::NodeKind;
use crate::model::time::{SECOND, Ts};
use crate::workers::now;
use crate::workers::watched::{Polling, Watched, Writing};

use super::shared::{Made, Shared};

/// Observations journalled in one go.
const BATCH: usize = 1_000;
/// A stand-in for "suppressed by somebody": what it is by is not read back from the cache.
const SOMEBODY: u32 = u32::MAX;

/// What is told of an alert.
#[derive(Debug)]
struct Told {
    event: AlarmEvent,
    by: String,
}

/// The poller of one source.
pub(super) struct Poller {
    shared: Arc<Shared>,
    alerts: Alerts<Told>,
    loaded: bool,
    /// The next full list is the first after a start or an outage.
    gap: bool,
    /// When the last list was read.
    before: Ts,
}

/// Observations on their way to the journal.
#[derive(Default)]
struct Out {
    records: Vec<Observation>,
    writing: Writing,
}

/// Why a poll ended early.
enum Stop {
    Call(Error),
    /// Refused by the breaker.
    Held(String),
    Words(String),
}

impl From<Error> for Stop {
    fn from(error: Error) -> Self {
        Self::Call(error)
    }
}

impl From<String> for Stop {
    fn from(words: String) -> Self {
        Self::Words(words)
    }
}

impl Poller {
    pub(super) fn new(shared: Arc<Shared>) -> Self {
        Self { shared, alerts: Alerts::default(), loaded: false, gap: true, before: Ts::NEVER }
    }
}

impl Polling for Poller {
    fn watched(&self) -> &Watched {
        &self.shared
    }

    async fn poll(&mut self, _asked: bool) -> Result<(), String> {
        let began = Instant::now();
        let outcome = match self.look().await {
            Ok(()) => Ok(()),
            Err(Stop::Held(words)) => Err(words),
            Err(Stop::Words(words)) => {
                // What was to be written may not be: what stands is read again.
                (self.alerts, self.loaded) = (Alerts::default(), false);
                Err(words)
            }
            Err(Stop::Call(error)) => {
                self.shared.answered(!error.what.counts_against_source());
                self.shared.log("poll", &error.call, "", began, Err(&error.what.words()));
                Err(error.to_string())
            }
        };
        if outcome.is_err() {
            self.gap = true;
        }
        self.shared.polled(began.elapsed(), &outcome);
        if let Some(done) = self.shared.report(false) {
            done.await?;
        }
        outcome
    }

    fn pause(&self, _took: Duration) -> Duration {
        self.shared.kind.poll()
    }
}

impl Poller {
    async fn look(&mut self) -> Result<(), Stop> {
        self.load().await?;
        self.shared.admit().map_err(Stop::Held)?;
        let shared = Arc::clone(&self.shared);
        let made = shared.made().await?;
        let about = match made {
            Made::Alertmanager { client, .. } => client.about().await?,
            Made::Prometheus { client, .. } => client.about().await?,
        };
        let counts = self.heard(&about);
        self.alerts.begin();
        let mut out = Out::default();
        let read = self.read(made, about.now, &mut out).await;
        if read.is_err() {
            // What was seen before it broke off is no less true.
            self.finish(&mut out).await?;
            return read;
        }
        self.shared.answered(true);
        self.ended(counts, &mut out).await?;
        Ok(())
    }

    /// Reads the list.
    async fn read(&mut self, made: &Made, told: Option<Ts>, out: &mut Out) -> Result<(), Stop> {
        match made {
            Made::Alertmanager { client, mapper, .. } => {
                let silences: BTreeMap<String, String> = client
                    .silences()
                    .await?
                    .iter()
                    .filter(|s| s.status.state == "active")
                    .map(|s| (s.id.clone(), silence_words(s)))
                    .collect();
                let mut list = client.alerts(&[]).await?;
                let source_now = list.date.or(told).unwrap_or_else(now);
                while let Some(alert) = list.next().await {
                    self.take(mapper.alertmanager(&alert?, &silences, source_now), out);
                    self.pour(out).await?;
                }
            }
            Made::Prometheus { client, mapper, pending } => {
                let mut list = client.alerts().await?;
                while let Some(alert) = list.next().await {
                    if let Some(seen) = mapper.prometheus(&alert?, *pending) {
                        self.take(seen, out);
                        self.pour(out).await?;
                    }
                }
            }
        }
        Ok(())
    }

    /// Notes what the server tells of itself; whether what is missing from its list is over.
    fn heard(&mut self, about: &About) -> bool {
        {
            let mut status = self.shared.status();
            status.report.version.clone_from(&about.version);
            status.report.skew_us = about.skew_us.unwrap_or_default();
        }
        let source_now = about.now.unwrap_or_else(now);
        let grace = i64::try_from(self.shared.kind.grace_s()).unwrap_or(i64::MAX / SECOND) * SECOND;
        about.started.is_none_or(|started| source_now.since(started) >= grace)
    }

    fn take(&mut self, seen: Seen, out: &mut Out) {
        let Seen { id, teller, content, hidden, over, event, by } = seen;
        if over {
            if self.alerts.over(id) {
                let AlarmEvent { resource, type_id, qualifier, .. } = event;
                let identity = Identity { resource, type_id, qualifier };
                out.records.push(Observation::Alarm(clear(identity, Ts::NEVER, ClearReason::Source)));
            }
            return;
        }
        let rank = event.raise.unwrap_or_default().rank();
        if let Some((change, told)) = self.alerts.see(Look { id, teller, rank, content, hidden }, Told { event, by }) {
            out.tell(change, told);
        }
    }

    /// Writes a full batch.
    async fn pour(&self, out: &mut Out) -> Result<(), String> {
        if out.records.len() < BATCH {
            return Ok(());
        }
        self.flush(out).await
    }

    async fn flush(&self, out: &mut Out) -> Result<(), String> {
        let records = std::mem::take(&mut out.records);
        out.writing.add(&self.shared, records).await
    }

    /// Writes what is left, and waits until all of it is.
    async fn finish(&self, out: &mut Out) -> Result<(), String> {
        self.flush(out).await?;
        out.writing.end().await
    }

    /// The list was read to its end: what it no longer holds, and how it differed.
    async fn ended(&mut self, counts: bool, out: &mut Out) -> Result<(), String> {
        let ended = self.alerts.end(counts);
        for (change, told) in ended.told {
            out.tell(change, told);
        }
        let removed = u32::try_from(ended.gone.len()).unwrap_or(u32::MAX);
        if removed > 0 {
            // What was raised by this very poll is written first: the cache is asked what is gone.
            self.finish(out).await?;
            self.gone(&ended.gone, out).await?;
        }
        let after_gap = std::mem::take(&mut self.gap);
        if after_gap || removed > 0 {
            let resync = Resync { added: ended.added, removed, changed: ended.changed, after_gap };
            out.records.push(Observation::Resync(resync));
        }
        self.before = now();
        self.finish(out).await?;
        for id in ended.gone {
            self.alerts.forget(id);
        }
        Ok(())
    }

    /// Clears what is gone. Only hashes are remembered of it; the cache knows what it was.
    async fn gone(&self, gone: &[u64], out: &mut Out) -> Result<(), String> {
        let wanted: HashSet<u64> = gone.iter().copied().collect();
        let shared = Arc::clone(&self.shared);
        let read = crate::workers::blocking(move || {
            let mut found = Vec::new();
            shared.cache.each_standing_alarm(&shared.name, &mut |alarm| {
                let id = identity_hash(&alarm.resource, &alarm.type_id, &alarm.qualifier);
                if alarm.resource.kind == NodeKind::Object && wanted.contains(&id) {
                    let (resource, type_id, qualifier) = (alarm.resource, alarm.type_id, alarm.qualifier);
                    found.push(Identity { resource, type_id, qualifier });
                }
            })?;
            Ok::<_, String>(found)
        });
        // It was missing at the poll before for the first time.
        let (since, reason) =
            if self.gap { (Ts::NEVER, ClearReason::Resync) } else { (self.before, ClearReason::Source) };
        for identity in read.await?? {
            out.records.push(Observation::Alarm(clear(identity, since, reason)));
            self.pour(out).await?;
        }
        Ok(())
    }

    /// Reads what stands by the cache, once.
    async fn load(&mut self) -> Result<(), String> {
        if self.loaded {
            return Ok(());
        }
        let shared = Arc::clone(&self.shared);
        let read = crate::workers::blocking(move || {
            let mut looks = Vec::new();
            shared.cache.each_standing_alarm(&shared.name, &mut |alarm| {
                if alarm.resource.kind == NodeKind::Object {
                    looks.push(Look {
                        id: identity_hash(&alarm.resource, &alarm.type_id, &alarm.qualifier),
                        teller: 0,
                        rank: alarm.severity.rank(),
                        content: content_hash(alarm.severity, &alarm.text),
                        hidden: if alarm.visible { 0 } else { SOMEBODY },
                    });
                }
            })?;
            Ok::<_, String>(looks)
        });
        for look in read.await?? {
            self.alerts.load(look);
        }
        self.loaded = true;
        Ok(())
    }
}

impl Out {
    fn tell(&mut self, change: Change, told: Told) {
        let Told { event, by } = told;
        let hide = change.hide.then(|| {
            Observation::Suppressed(Suppression {
                resource: event.resource.clone(),
                type_id: event.type_id.clone(),
                qualifier: event.qualifier.clone(),
                by,
            })
        });
        if change.raise {
            self.records.push(Observation::Alarm(event));
        }
        self.records.extend(hide);
    }
}
