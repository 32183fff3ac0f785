//! The poller of one source: lists, compares, and watches what the event stream does not tell
//! (reasons and flows send no event; facts: voltha-run §6.11).

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

use crate::app::message::Msg;
use crate::controllers::resilience::reconnect_pauses;
use crate::controllers::voltha::client::methods;
use crate::controllers::voltha::error::{Error, ErrorKind};
use crate::controllers::voltha::map::{self, ADAPTER_DEAD, DRIFT, FLOWS_LOST, STREAM_GAP};
use crate::controllers::voltha::proto::common::Id;
use crate::model::observation::{GoneCause, Observation, Resync};
use crate::model::resource::{NodeKind, Resource};
use crate::model::topology::{NodePatch, OperStatus};

use super::cache::Known;
use super::shared::{Actor, Shared, now};
use super::watch::{Adapters, FlowNews, Flows, Turn};

/// How many full lists are fetched, compared and journalled at once.
static LISTS: Semaphore = Semaphore::const_new(4);
/// How long a poll waits for its turn.
const TURN: Duration = Duration::from_secs(5);
/// Pause before a list that misses devices is asked again to make sure.
const CONFIRM: Duration = Duration::from_secs(2);
/// Pause between looks at ports and UNIs, which seldom change. Flows are counted at every poll:
/// nothing else tells that they are lost.
const UNIS: Duration = Duration::from_secs(300);
/// Least pause between polls that follow changes of state: a network that never rests is not
/// polled for each of them.
const SETTLED: Duration = Duration::from_secs(10);
/// What an ONU says when its service flows are pushed.
const PUSHED: &str = "omci-flows-pushed";

/// An OLT as the last list had it.
#[derive(Debug, Clone)]
struct Olt {
    id: String,
    serial: String,
    logical: String,
    /// ONUs whose flows are pushed.
    pushed: u32,
}

/// A comparison after a gap that is not finished yet.
#[derive(Debug, Default)]
struct Compared {
    added: u32,
    changed: u32,
    removed: u32,
    /// There was nothing to compare with: the first list of an empty cache is no rebuilt one.
    first: bool,
}

pub(super) struct Poller {
    shared: Arc<Shared>,
    adapters: Adapters,
    flows: HashMap<String, Flows>,
    version_known: bool,
    /// A comparison after a gap: at the start, after a loss of contact, after missed messages.
    resync: Option<Compared>,
    /// The alarm of missed messages ends with that comparison. At first one of an earlier run may
    /// stand.
    gap_stands: bool,
    unis_at: Instant,
    /// When states were last polled because they had come to rest.
    settled_at: Option<Instant>,
}

impl Poller {
    pub(super) fn new(shared: Arc<Shared>) -> Self {
        let began = Instant::now();
        Self {
            shared,
            adapters: Adapters::default(),
            flows: HashMap::new(),
            version_known: false,
            resync: Some(Compared::default()),
            gap_stands: true,
            unis_at: began,
            settled_at: None,
        }
    }

    /// Runs until told to stop.
    pub(super) async fn run(mut self, stop: CancellationToken) {
        tokio::select! {
            () = stop.cancelled() => {}
            () = self.work() => {}
        }
    }

    async fn work(&mut self) {
        self.shared.load().await;
        let every = Duration::from_secs(self.shared.config.poll_s.max(1));
        let mut poll_at = Instant::now();
        let mut adapters_at = poll_at + every;
        let mut pauses = None;
        loop {
            self.wait_while_paused().await;
            if let Some(soon) = self.shared.wishes().soon.take() {
                poll_at = poll_at.min(soon);
            }
            let present = Instant::now();
            if self.settled().is_some_and(|at| at <= present) {
                self.shared.wishes().settled = None;
                self.settled_at = Some(present);
                poll_at = present;
            }
            if poll_at <= present {
                let outcome = self.poll().await;
                let waiting = std::mem::take(&mut self.shared.wishes().waiting);
                if !waiting.is_empty() {
                    // Who waits looks at the source's row next.
                    let _ = self.shared.report_now().await;
                }
                for one in waiting {
                    let _ = one.send(outcome.as_ref().map(|_| ()).map_err(ToString::to_string));
                }
                let pause = match outcome {
                    Ok(true) => {
                        pauses = None;
                        jittered(every)
                    }
                    Ok(false) => CONFIRM,
                    Err(_) => pauses.get_or_insert_with(|| Box::new(reconnect_pauses())).next().unwrap_or(every),
                };
                poll_at = Instant::now() + pause;
                if pauses.is_none() {
                    adapters_at = Instant::now() + self.adapters.pause(Instant::now());
                }
            } else if adapters_at <= present {
                if let Err(e) = self.look_at_adapters().await {
                    // It counts like a failed poll, and a poll tells when it is over.
                    self.failed(&e);
                    let pause = pauses.get_or_insert_with(|| Box::new(reconnect_pauses())).next().unwrap_or(every);
                    poll_at = poll_at.min(Instant::now() + pause);
                }
                adapters_at = Instant::now() + self.adapters.pause(Instant::now());
            }
            self.shared.report();
            let next = if pauses.is_some() { poll_at } else { poll_at.min(adapters_at) };
            let next = self.settled().map_or(next, |at| at.min(next));
            tokio::select! {
                () = tokio::time::sleep_until(next.into()) => {}
                () = self.shared.wake.notified() => {}
            }
        }
    }

    /// When to poll because states came to rest.
    fn settled(&self) -> Option<Instant> {
        let at = self.shared.wishes().settled?;
        Some(self.settled_at.map_or(at, |last| at.max(last + SETTLED)))
    }

    async fn wait_while_paused(&mut self) {
        if !self.shared.is_paused() {
            return;
        }
        self.shared.report();
        let mut paused = self.shared.paused.subscribe();
        let _ = paused.wait_for(|paused| !paused).await;
        // Whatever happened in the meantime was not seen.
        self.resync = Some(Compared::default());
        self.shared.poll_within(Duration::ZERO);
    }

    /// One poll, logged and reported. `Ok(false)`: it has to be confirmed in a moment.
    async fn poll(&mut self) -> Result<bool, Error> {
        if std::mem::take(&mut self.shared.wishes().gap) && self.resync.is_none() {
            self.resync = Some(Compared::default());
        }
        self.gap_stands |= std::mem::take(&mut self.shared.wishes().gap_stands);
        let began = Instant::now();
        let outcome = self.compare().await;
        let took = began.elapsed();
        match &outcome {
            Ok((_, bytes)) => {
                let recovered = self.shared.status().polled(Ok(took));
                if recovered {
                    self.shared.stream_wake.notify_waiters();
                    self.shared.log_recovery(took, *bytes);
                }
            }
            Err(e) => self.failed(e),
        }
        outcome.map(|(settled, _)| settled)
    }

    /// Notes that the source does not answer: what happens until it does is not seen by polling.
    fn failed(&mut self, error: &Error) {
        self.shared.status().polled(Err(error));
        self.resync.get_or_insert_default();
        self.version_known = false;
        self.adapters.unheard();
    }

    /// Lists and compares. Whether the outcome is settled, and the list's size.
    async fn compare(&mut self) -> Result<(bool, u64), Error> {
        if !self.version_known {
            self.ask_version().await?;
        }
        self.look_at_adapters().await?;
        // At the start of a region fifty lists of megabytes would lie in memory at once. A source that
        // hangs keeps its turn for a while only: the others go on without.
        let turn = tokio::time::timeout(TURN, LISTS.acquire()).await;
        let asked = Instant::now();
        let list = self.shared.call(&Actor::Poll, &methods::LIST_DEVICES, "", (), None).await?;
        let (news, olts, inactive, learned) = {
            let mut known = self.shared.known();
            let known = &mut *known;
            let before = map::anonymous_learned(&mut known.directory, &list.value);
            let patches = map::devices(&list.value, &mut known.directory);
            let (olts, inactive) = (olts(&patches), inactive(&patches));
            if known.image.is_empty()
                && let Some(compared) = &mut self.resync
            {
                compared.first = true;
            }
            let news = known.image.compare(patches, asked);
            (news, olts, inactive, before)
        };
        self.shared.set_listed();
        drop(list.value);
        let mut what: Vec<_> = learned
            .into_iter()
            .map(|id| Observation::NodeGone(Resource::new(NodeKind::Device, id), GoneCause::Resync))
            .collect();
        let (added, changed, missing) = (news.added, news.changed, news.missing);
        let mut removed = 0;
        if news.anything_gone() {
            let known = self.known().await.unwrap_or_default();
            let gone: Vec<_> = news.gone(&known).into_iter().cloned().collect();
            removed = u32::try_from(gone.len()).unwrap_or(u32::MAX);
            let mut shared = self.shared.known();
            for resource in gone {
                shared.image.forget(&resource);
                what.push(Observation::NodeGone(resource, GoneCause::Resync));
            }
        }
        what.extend(news.patches.into_iter().map(Observation::Node));
        let settled = missing == removed;
        self.note(added, changed, removed, settled, &mut what);
        let devices = self.shared.known().image.devices();
        self.shared.status().devices(devices);
        if let Some(done) = self.shared.journal(what) {
            // The next poll must not run ahead of the disk.
            let _ = done.await;
        }
        drop(turn);
        self.look_at_olts(&olts, &inactive, added > 0).await?;
        Ok((settled, list.bytes))
    }

    /// Notes what a comparison found; after a gap it is told when it is settled.
    fn note(&mut self, added: u32, changed: u32, removed: u32, settled: bool, what: &mut Vec<Observation>) {
        if let Some(compared) = &mut self.resync {
            compared.added += added;
            compared.changed += changed;
            compared.removed += removed;
            if !settled {
                return;
            }
            let Compared { added, changed, removed, first } = std::mem::take(compared);
            self.resync = None;
            if std::mem::take(&mut self.gap_stands) {
                let source = Resource::new(NodeKind::Source, &*self.shared.name);
                self.shared.journal_turn(&STREAM_GAP, source, &Turn::Clear);
            }
            what.push(Observation::Resync(Resync { added, removed, changed, after_gap: true }));
            if added + removed > 0 && !first {
                self.shared.tell(Msg::Rebuilt { source: self.shared.name.clone(), added, removed });
            }
        } else if removed > 0 {
            what.push(Observation::Resync(Resync { added, removed, changed, after_gap: false }));
        }
    }

    async fn ask_version(&mut self) -> Result<(), Error> {
        let answer = self.shared.call(&Actor::Poll, &methods::GET_VOLTHA, "", (), None).await?;
        self.shared.status().version(version(&answer.value.version));
        self.version_known = true;
        Ok(())
    }

    async fn look_at_adapters(&mut self) -> Result<(), Error> {
        let deadline = Duration::from_secs(self.shared.config.timeout_s.clamp(1, 5));
        let answer = self.shared.call(&Actor::Poll, &methods::LIST_ADAPTERS, "", (), Some(deadline)).await?;
        let list: Vec<_> = answer.value.items.into_iter().map(|a| (a.id, a.last_communication)).collect();
        let source_now = self.shared.status().source_now_s(now());
        for (id, turn) in self.adapters.look(&list, source_now, Instant::now()) {
            self.shared.journal_turn(&ADAPTER_DEAD, Resource::new(NodeKind::Adapter, map::name(&id)), &turn);
        }
        Ok(())
    }

    /// Ports, UNIs and flows of the OLTs, each as often as it is worth it.
    async fn look_at_olts(&mut self, olts: &[Olt], inactive: &HashSet<String>, grown: bool) -> Result<(), Error> {
        let present = Instant::now();
        // While states still change UNIs are listed, and will be once more when they rest.
        let rest = self.shared.wishes().settled.is_none();
        let any = {
            let mut known = self.shared.known();
            known.unis_due.retain(|serial| serial.is_empty() || olts.iter().any(|o| o.serial == *serial));
            if rest { known.unis_due.remove("") } else { known.unis_due.contains("") }
        };
        let unis = grown || self.unis_at <= present || any;
        self.flows.retain(|serial, _| olts.iter().any(|o| o.serial == *serial));
        for olt in olts {
            if let Err(e) = self.look_at_olt(olt, inactive, unis, rest).await {
                if any {
                    self.shared.known().unis_due.insert(String::new());
                }
                return Err(e);
            }
        }
        if unis {
            self.unis_at = present + UNIS;
        }
        Ok(())
    }

    /// What is due is forgotten before the call, so that what becomes due meanwhile is not, and due
    /// again when the call failed.
    async fn look_at_olt(
        &mut self,
        olt: &Olt,
        inactive: &HashSet<String>,
        unis: bool,
        rest: bool,
    ) -> Result<(), Error> {
        let due = self.shared.known().ports_due.remove(&olt.id);
        if (due || unis)
            && let Err(e) = self.list_ports(olt).await
        {
            self.shared.known().ports_due.insert(olt.id.clone());
            return Err(e);
        }
        if olt.logical.is_empty() {
            return Ok(());
        }
        let due = {
            let mut known = self.shared.known();
            if rest { known.unis_due.remove(&olt.serial) } else { known.unis_due.contains(&olt.serial) }
        };
        if (due || unis)
            && let Err(e) = self.list_unis(olt, inactive).await
        {
            self.shared.known().unis_due.insert(olt.serial.clone());
            return Err(e);
        }
        self.count_flows(olt).await
    }

    async fn list_ports(&self, olt: &Olt) -> Result<(), Error> {
        let request = Id { id: olt.id.clone() };
        let Some(ports) =
            may_be_gone(self.shared.call(&Actor::Poll, &methods::LIST_DEVICE_PORTS, &olt.serial, request, None).await)?
        else {
            return Ok(());
        };
        self.journal_ports(map::olt_ports(&olt.serial, &ports.value));
        Ok(())
    }

    async fn list_unis(&self, olt: &Olt, inactive: &HashSet<String>) -> Result<(), Error> {
        let request = Id { id: olt.logical.clone() };
        let call = self.shared.call(&Actor::Poll, &methods::LIST_LOGICAL_DEVICE_PORTS, &olt.serial, request, None);
        let Some(ports) = may_be_gone(call.await)? else { return Ok(()) };
        self.journal_ports(map::unis(&ports.value, inactive));
        Ok(())
    }

    fn journal_ports(&self, list: Vec<NodePatch>) {
        let news = self.shared.known().image.ports(list);
        drop(self.shared.journal(news.into_iter().map(Observation::Node).collect()));
    }

    async fn count_flows(&mut self, olt: &Olt) -> Result<(), Error> {
        let request = Id { id: olt.logical.clone() };
        let call = self.shared.call(&Actor::Poll, &methods::COUNT_LOGICAL_DEVICE_FLOWS, &olt.serial, request, None);
        let Some(answer) = may_be_gone(call.await)? else { return Ok(()) };
        let count = u32::try_from(answer.value.items.len()).unwrap_or(u32::MAX);
        let flows = self.flows.entry(olt.serial.clone()).or_default();
        let before = flows.count();
        let resource = Resource::new(NodeKind::Olt, olt.serial.as_str());
        let mut what = Vec::new();
        for news in flows.look(count, olt.pushed) {
            let (own, turn) = match &news {
                FlowNews::Drift(turn) => (&DRIFT, turn),
                FlowNews::Lost(turn) => (&FLOWS_LOST, turn),
            };
            self.shared.journal_turn(own, resource.clone(), turn);
        }
        if before != Some(count) {
            let mut patch = NodePatch::new(resource);
            patch.flows = Some(count);
            what.push(Observation::Node(patch));
        }
        drop(self.shared.journal(what));
        Ok(())
    }

    /// The nodes of the cache; read on a blocking thread.
    async fn known(&self) -> Result<Vec<Known>, String> {
        let shared = Arc::clone(&self.shared);
        let read = crate::workers::blocking(move || shared.cache.known(&shared.name));
        read.await?
    }
}

/// An OLT may go between the list and the call about it; that is no failure of the poll. Nor is a
/// call that this version lacks.
fn may_be_gone<T>(outcome: Result<T, Error>) -> Result<Option<T>, Error> {
    match outcome {
        Ok(answer) => Ok(Some(answer)),
        Err(e) if matches!(e.kind, ErrorKind::NotFound | ErrorKind::NotThere | ErrorKind::Refused) => Ok(None),
        Err(e) => Err(e),
    }
}

/// The OLTs of a list, with how many of their ONUs have their flows pushed.
fn olts(patches: &[NodePatch]) -> Vec<Olt> {
    let mut pushed: HashMap<&str, u32> = HashMap::new();
    for patch in patches.iter().filter(|p| p.reason.as_deref() == Some(PUSHED)) {
        if let Some(parent) = &patch.parent {
            *pushed.entry(&parent.name).or_default() += 1;
        }
    }
    patches
        .iter()
        .filter(|p| p.resource.kind == NodeKind::Olt)
        .map(|p| Olt {
            id: p.device_id.clone().unwrap_or_default(),
            serial: p.resource.name.clone(),
            logical: p.logical_id.clone().unwrap_or_default(),
            pushed: pushed.get(p.resource.name.as_str()).copied().unwrap_or(0),
        })
        .collect()
}

/// The serial numbers of ONUs that are not active.
fn inactive(patches: &[NodePatch]) -> HashSet<String> {
    let still = |p: &&NodePatch| p.resource.kind == NodeKind::Onu && p.oper_status != Some(OperStatus::Active);
    patches.iter().filter(still).map(|p| p.resource.name.clone()).collect()
}

/// The version out of the JSON text that `GetVoltha` answers with; the text itself when it is none.
pub(super) fn version(text: &str) -> String {
    let json: Option<serde_json::Value> = serde_json::from_str(text).ok();
    let version = json.as_ref().and_then(|j| j.get("version")).and_then(serde_json::Value::as_str);
    map::name(version.unwrap_or(text))
}

/// A pause with a tenth of jitter, so that fifty sources do not poll in step.
fn jittered(pause: Duration) -> Duration {
    pause.mul_f64(fastrand::f64().mul_add(0.2, 0.9))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_version_is_read_out_of_its_json() {
        assert_eq!(version("{\"version\":\"3.7.13\",\"os\":\"linux\"}"), "3.7.13");
        assert_eq!(version("2.12\u{1b}[31m"), "2.12");
    }

    #[test]
    fn pauses_vary_by_a_tenth() {
        let pause = Duration::from_secs(30);
        for _ in 0..1000 {
            let p = jittered(pause);
            assert!(p >= pause.mul_f64(0.9) && p <= pause.mul_f64(1.1));
        }
    }
}
