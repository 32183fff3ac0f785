//! Keeping what is known of a host up to date: one call for the figures of all its machines a poll, what
//! changes seldom when something happened, and events that wake the poller.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::TryRecvError;
use tokio_util::sync::{CancellationToken, DropGuard};

use crate::controllers::libvirt::client::Connection;
use crate::controllers::libvirt::error::Error;
use crate::controllers::libvirt::events::Event;
use crate::controllers::libvirt::flags::{all_stats, stats};
use crate::controllers::libvirt::procs::EventKind;
use crate::controllers::libvirt::wire::Domain;
use crate::controllers::libvirt::{map, xml};
use crate::engine::vm::track::{Track, VmAlarm};
use crate::model::observation::Observation;
use crate::model::resource::{NodeKind, Resource};
use crate::model::text::clean;
use crate::model::vm::state::HostContact;
use crate::model::vm::{HostPoll, HostState, VmPoll};
use crate::workers::now;
use crate::workers::watched::{Polling, Watched, tracked};

use super::look::Look;
use super::shared::Shared;

/// Which figures of machines are read.
const FIGURES: u32 = stats::STATE | stats::CPU_TOTAL | stats::BALLOON | stats::VCPU | stats::INTERFACE | stats::BLOCK;
/// Events of the life of machines, by their numbers (`virDomainEventType`).
const STARTED: i32 = 2;
/// Where a viewer of a Unix socket is.
const ON_THE_HOST: &str = "on the host";
/// Time between polls while a job runs.
const WORKING: Duration = Duration::from_secs(1);
/// Least time between two polls that events ask for: a host that starts all its machines is not asked a
/// hundred times a second.
const CALM: Duration = Duration::from_millis(300);

/// What is known of the host itself, once a connection.
#[derive(Debug, Clone, Default)]
struct Facts {
    hostname: String,
    uuid: String,
    libvirt: u64,
    hypervisor: u64,
    cpus: u32,
    memory_kib: u64,
}

/// The poller of one host.
pub(super) struct Poller {
    shared: Arc<Shared>,
    track: Track,
    look: Look,
    facts: Facts,
    /// The connection whose host and events these are.
    met: Option<Connection>,
    events: Option<Receiver<Event>>,
    /// Ends the task that wakes us, with the connection.
    waker: Option<DropGuard>,
    /// Remote ends of screens, by UUID.
    viewers: BTreeMap<String, Vec<String>>,
    resumed: bool,
    turn: Duration,
    last: Option<Instant>,
}

impl Poller {
    pub(super) fn new(shared: Arc<Shared>, turn: Duration) -> Self {
        Self {
            shared,
            track: Track::default(),
            look: Look::default(),
            facts: Facts::default(),
            met: None,
            events: None,
            waker: None,
            viewers: BTreeMap::new(),
            resumed: false,
            turn,
            last: None,
        }
    }
}

impl Polling for Poller {
    fn watched(&self) -> &Watched {
        &self.shared
    }

    async fn poll(&mut self, asked: bool) -> Result<(), String> {
        self.resume().await;
        if let Some(last) = self.last.filter(|_| !asked) {
            tokio::time::sleep(CALM.saturating_sub(last.elapsed())).await;
        }
        self.last = Some(Instant::now());
        let began = Instant::now();
        let poll = match self.shared.admit() {
            Ok(()) => self.ask().await,
            Err(held) => {
                let why = if self.track.state().trouble.is_empty() { held } else { self.track.state().trouble.clone() };
                let contact = match self.track.state().contact {
                    HostContact::Refused => HostContact::Refused,
                    _ => HostContact::Down,
                };
                HostPoll { contact, trouble: why, ..HostPoll::default() }
            }
        };
        let outcome = match poll.contact {
            HostContact::Up => Ok(()),
            _ => Err(format!("{}: {}", self.shared.name, poll.trouble)),
        };
        let took = began.elapsed();
        let poll = HostPoll { at: now(), response_us: micros(took), ..poll };
        self.take(poll, took, &outcome);
        // Who asked reads the cache next: what was measured is in it before the answer.
        match self.shared.report(asked) {
            Some(done) if asked => done.await?,
            _ => {}
        }
        outcome
    }

    fn pause(&self, took: Duration) -> Duration {
        // Who watches a job wants to see it move.
        let working = self.track.state().vms.iter().any(|vm| vm.job.is_some()) || !self.shared.busy().is_empty();
        let pace = Duration::from_secs(self.shared.config.poll_s);
        let pace = if working { pace.min(WORKING) } else { pace };
        pace.saturating_sub(took).max(CALM)
    }

    fn turn(&self) -> Duration {
        self.turn
    }
}

fn micros(span: Duration) -> i64 {
    i64::try_from(span.as_micros()).unwrap_or(i64::MAX)
}

impl Poller {
    /// Takes up what the cache knows, once.
    async fn resume(&mut self) {
        if self.resumed {
            return;
        }
        self.resumed = true;
        let shared = Arc::clone(&self.shared);
        let read = crate::workers::blocking(move || shared.cache.known_host(&shared.name)).await;
        match read {
            Ok(Ok(Some(state))) => self.track.resume(state),
            Ok(Ok(None)) | Err(_) => {}
            Ok(Err(why)) => tracing::warn!(source = %self.shared.name, %why, "what was known of it cannot be read"),
        }
    }

    async fn ask(&mut self) -> HostPoll {
        let told = self.read().await;
        // One that hangs has not answered, whatever it said before.
        self.shared.answered(told.as_ref().err().is_none_or(|error| error.remote().is_some()));
        match told {
            Ok(poll) => poll,
            Err(error) => {
                self.shared.hang_up().await;
                self.met = None;
                let contact = if error.refused() { HostContact::Refused } else { HostContact::Down };
                HostPoll { contact, trouble: error.to_string(), ..HostPoll::default() }
            }
        }
    }

    async fn read(&mut self) -> Result<HostPoll, Error> {
        let connection = self.shared.connection().await?;
        // Whoever asked first has made it: what it is, and its events, are asked for here.
        if !self.met.as_ref().is_some_and(|met| met.is(&connection)) {
            self.met = None;
            self.meet(&connection).await?;
            self.met = Some(connection.clone());
        }
        self.take_events();
        let due = self.shared.take_due();
        let (records, memory, cpu) = tokio::join!(
            connection.all_stats(&[], FIGURES, all_stats::NOWAIT | all_stats::BACKING),
            connection.node_memory_stats(),
            connection.node_cpu_stats(),
        );
        let vms: Vec<(Domain, VmPoll)> = records?.iter().map(|r| (r.domain.clone(), map::machine(r))).collect();
        self.look.refresh(&connection, self.shared.target(), &vms, &due).await;
        for uuid in self.shared.busy() {
            self.look.busy(&uuid);
        }
        let mut jobs = self.look.jobs(&connection, &vms).await;
        let vms = vms.into_iter().map(|(_, mut vm)| {
            self.look.put(&mut vm);
            vm.job = jobs.remove(&vm.uuid);
            vm.trouble = self.shared.trouble(&vm.uuid);
            vm.last_backup = vm.last_backup.max(self.shared.last_backup(&vm.uuid));
            vm.in_use = self.shared.users(&vm.uuid);
            // Those who look from here come from the host itself, and are known by name.
            let ours = vm.in_use.iter().filter(|words| words.starts_with("vnc")).count();
            let near = |who: &&String| matches!(who.as_str(), "127.0.0.1" | "::1" | ON_THE_HOST);
            let viewers: Vec<&String> = self.viewers.get(&vm.uuid).into_iter().flatten().collect();
            let unknown = viewers.iter().copied().filter(near).skip(ours);
            let far = viewers.iter().copied().filter(|who| !near(who));
            vm.in_use.extend(far.chain(unknown).map(|who| format!("vnc {who}")));
            vm
        });
        let facts = &self.facts;
        Ok(HostPoll {
            contact: HostContact::Up,
            hostname: facts.hostname.clone(),
            uuid: facts.uuid.clone(),
            libvirt: facts.libvirt,
            hypervisor: facts.hypervisor,
            cpus: facts.cpus,
            memory_kib: facts.memory_kib,
            free_kib: memory.ok().and_then(|stats| map::free_kib(&stats)),
            cpu_ns: cpu.ok().and_then(|stats| map::cpu_ns(&stats)),
            vms: vms.collect(),
            ..HostPoll::default()
        })
    }

    /// A new connection: what the host is, and its events.
    async fn meet(&mut self, connection: &Connection) -> Result<(), Error> {
        let (hostname, libvirt, hypervisor, node, capabilities) = tokio::join!(
            connection.hostname(),
            connection.lib_version(),
            connection.version(),
            connection.node_info(),
            connection.capabilities(),
        );
        let node = node?;
        let uuid = capabilities.ok().and_then(|text| xml::capabilities(&text).ok()).map(|c| c.uuid);
        self.facts = Facts {
            hostname: hostname.unwrap_or_default(),
            uuid: uuid.unwrap_or_default(),
            libvirt: libvirt.unwrap_or(0),
            // A host without a hypervisor's version still has machines.
            hypervisor: hypervisor.unwrap_or(0),
            cpus: u32::try_from(node.cpus).unwrap_or(0),
            memory_kib: node.memory_kib,
        };
        self.look.forget();
        self.viewers.clear();
        let events = connection.events();
        self.follow(connection.events());
        for kind in [
            EventKind::Lifecycle,
            EventKind::Reboot,
            EventKind::Graphics,
            EventKind::IoError,
            EventKind::BlockJob,
            EventKind::MigrationIteration,
            EventKind::JobCompleted,
        ] {
            match connection.watch(kind, None).await {
                Ok(_) => {}
                // What it does not tell is found by polling.
                Err(error) if error.unsupported() => {
                    tracing::debug!(source = %self.shared.name, kind = kind.word(), "events it does not know");
                }
                Err(error) => return Err(error),
            }
        }
        self.events = Some(events);
        Ok(())
    }

    /// Wakes the poller when something happens, for as long as the connection stands.
    fn follow(&mut self, mut events: Receiver<Event>) {
        let stop = CancellationToken::new();
        self.waker = Some(stop.clone().drop_guard());
        let shared = Arc::clone(&self.shared);
        tokio::spawn(async move {
            loop {
                let event = tokio::select! {
                    () = stop.cancelled() => return,
                    event = events.recv() => event,
                };
                match event {
                    Err(tokio::sync::broadcast::error::RecvError::Closed) => return,
                    Ok(_) | Err(_) => shared.wake.notify_one(),
                }
            }
        });
    }

    /// What happened since the last poll.
    fn take_events(&mut self) {
        let Some(events) = &mut self.events else { return };
        loop {
            match events.try_recv() {
                Ok(event) => {
                    let Some(uuid) = event.domain().map(Domain::uuid_text) else { continue };
                    match &event {
                        Event::Lifecycle(m) if m.event == STARTED => self.look.started(&uuid, m.domain.id, now()),
                        Event::BlockJob(_) | Event::JobCompleted(_) | Event::MigrationIteration(_) => {
                            self.look.busy(&uuid);
                        }
                        Event::Graphics(m) => {
                            let who = if m.remote.node.is_empty() { ON_THE_HOST } else { &m.remote.node };
                            seen(self.viewers.entry(uuid.clone()).or_default(), who, m.phase);
                        }
                        _ => {}
                    }
                    self.shared.changed(&uuid);
                }
                Err(TryRecvError::Lagged(_)) => self.look.forget(),
                Err(TryRecvError::Empty | TryRecvError::Closed) => return,
            }
        }
    }

    /// Gives a poll to the tracker and writes down what it made of it.
    fn take(&mut self, poll: HostPoll, took: Duration, outcome: &Result<(), String>) {
        let shared = &self.shared;
        let (state, found) = self.track.step(poll, shared.config.poll_s * 1000);
        let alarm = |a: &VmAlarm| {
            let vm = Resource::new(NodeKind::Vm, clean(&a.vm));
            tracked(&shared.types, vm, (a.type_id, ""), a.raise.as_ref(), state.at)
        };
        let found: Vec<Observation> = found.iter().map(alarm).collect();
        drop(shared.journal(found));
        self.shared.polled(took, outcome);
        let mut status = self.shared.status();
        status.report.devices = u32::try_from(state.vms.len()).unwrap_or(u32::MAX);
        status.report.version = crate::model::tables::libvirt_version(state.libvirt);
        drop(status);
        if state.contact == HostContact::Up {
            shared.follow_policy(&state);
        }
        let state: Arc<HostState> = Arc::new(state);
        self.shared.cache.measured_host(&self.shared.name, &state);
    }
}

/// Somebody came to a screen (0: connected, 1: logged in) or left it (2).
fn seen(viewers: &mut Vec<String>, who: &str, phase: i32) {
    match phase {
        1 => viewers.push(who.to_owned()),
        2 => {
            if let Some(at) = viewers.iter().position(|v| v == who) {
                viewers.remove(at);
            }
        }
        _ => {}
    }
}
