//! One poll: the heartbeat at once, everything else beside it.
//!
//! Four calls of the buffer service freeze for up to 5 s while it probes its uplink, the heartbeat
//! never does. So every other call runs in a task of its own: what is there when the heartbeat has
//! answered (and as long again) is part of the poll, the rest comes with a later one. A call that is
//! still in flight is not made again, whatever is due.

use std::future::Future;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::Notify;

use super::read::answer;
use super::{Calls, Client};
use crate::controllers::raven::error::{Error, Failure};
use crate::controllers::raven::map::{System, Totals};
use crate::controllers::raven::rhythm::What;
use crate::model::appliance::poll::{Answer, Estimate, HostStatus, Poll};
use crate::model::time::Ts;

/// The calls beside a heartbeat.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// Status, services, uplink: what may freeze.
    Parts,
    Config,
    System,
    Ports,
    Totals,
    Metrics,
    Meters,
    Estimates,
    Version,
}

impl Kind {
    const fn bit(self) -> u16 {
        1 << self as u16
    }
}

/// What came in beside, and what is in flight.
#[derive(Debug, Default)]
pub(super) struct Board {
    state: Mutex<State>,
    changed: Notify,
}

#[derive(Debug, Default)]
struct State {
    flying: u16,
    /// Something came in since it was last taken.
    fresh: bool,
    arrived: Poll,
}

impl Board {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns when none of these is in flight.
    async fn landed(&self, mask: u16) {
        loop {
            let changed = self.changed.notified();
            tokio::pin!(changed);
            changed.as_mut().enable();
            if self.lock().flying & mask == 0 {
                return;
            }
            changed.await;
        }
    }

    /// What came in.
    fn take(&self) -> Option<Poll> {
        let mut state = self.lock();
        if !std::mem::take(&mut state.fresh) {
            return None;
        }
        Some(std::mem::take(&mut state.arrived))
    }
}

/// A call in flight. Its end clears the way for the next, however it ends.
struct Flight {
    board: Arc<Board>,
    kind: Kind,
}

impl Flight {
    fn land(self, put: impl FnOnce(&mut State)) {
        let mut state = self.board.lock();
        put(&mut state);
        state.fresh = true;
    }
}

impl Drop for Flight {
    fn drop(&mut self) {
        self.board.lock().flying &= !self.kind.bit();
        self.board.changed.notify_waiters();
    }
}

impl Client {
    /// Polls: the heartbeat, and what is due beside it. Returns soon after the heartbeat has answered
    /// or failed; answers that take longer are part of the next poll, or of [`Client::late`]. `at` is
    /// the present; the poll is stamped with when it ended.
    pub async fn poll(&self, what: What, at: Ts) -> Poll {
        let calls = &self.inner.calls;
        let asked = Instant::now();
        self.launch(what, at);
        let stats = answer(calls.stats(at).await);
        let took = asked.elapsed();
        if matches!(stats, Answer::Silent(_)) {
            // Whoever comes back may be another version.
            let mut memory = calls.memory();
            memory.version = None;
            memory.old_totals = false;
        } else {
            let grace = (took + Duration::from_millis(20)).min(calls.patience.beside);
            // Whether all landed does not matter: the rest comes later.
            let _ = tokio::time::timeout(grace, self.inner.board.landed(u16::MAX)).await;
        }
        let late = self.inner.board.take().unwrap_or_default();
        let version = calls.memory().version;
        Poll {
            at: at.plus(micros(asked)),
            response_us: i64::try_from(took.as_micros()).unwrap_or(i64::MAX),
            stats,
            version,
            ..late
        }
    }

    /// What came in since the last poll, as soon as something does: a poll without a heartbeat
    /// (`stats` is [`Answer::NotAsked`]). Nothing at once when nothing is in flight. May be dropped at
    /// any time: what came in is kept for the next poll.
    pub async fn late(&self, at: Ts) -> Option<Poll> {
        let asked = Instant::now();
        let board = &self.inner.board;
        loop {
            let changed = board.changed.notified();
            tokio::pin!(changed);
            changed.as_mut().enable();
            if let Some(poll) = board.take() {
                let version = self.inner.calls.memory().version;
                return Some(Poll { at: at.plus(micros(asked)), version, ..poll });
            }
            if board.lock().flying == 0 {
                return None;
            }
            changed.await;
        }
    }

    /// Polls everything and waits for all of it: what `--fresh` asks for. Takes up to 13 s from an
    /// appliance that probes its uplink.
    pub async fn poll_whole(&self, at: Ts) -> Poll {
        let asked = Instant::now();
        let first = self.poll(What::ALL, at).await;
        self.inner.board.landed(u16::MAX).await;
        let Some(rest) = self.inner.board.take() else { return first };
        let version = self.inner.calls.memory().version;
        Poll { at: at.plus(micros(asked)), version, ..merged(first, rest) }
    }

    /// Starts what is due and not in flight.
    fn launch(&self, what: What, at: Ts) {
        let calls = &self.inner.calls;
        let has_config = calls.config.is_some();
        let parts = what.services || what.uplink;
        self.start(Kind::Parts, parts, |calls, flight| async move {
            let (services, uplink) =
                if what.services { calls.parts(at).await } else { (Answer::NotAsked, answer(calls.uplink(at).await)) };
            flight.land(|state| {
                if what.services {
                    state.arrived.services = services;
                }
                state.arrived.uplink = uplink;
            });
        });
        self.start(Kind::Config, what.config, |calls, flight| async move {
            let config = answer(calls.buffer_config().await);
            flight.land(|state| state.arrived.config = config);
        });
        self.start(Kind::Version, calls.memory().version.is_none(), |calls, flight| async move {
            // Found out or not, there is nothing to hand over but the version, which is remembered.
            match calls.about().await {
                Ok(_) => flight.land(|_| ()),
                Err(error) => tracing::debug!(source = %calls.source, %error, "the version is not known yet"),
            }
        });
        self.start(Kind::Meters, what.meters && !calls.metrics.is_empty(), |calls, flight| async move {
            let (meters, errors) = calls.meters().await;
            for error in &errors {
                tracing::debug!(source = %calls.source, %error, "a metric endpoint");
            }
            flight.land(|state| state.arrived.meters = meters);
        });
        self.start(Kind::System, what.processes && has_config, |calls, flight| async move {
            let told =
                calls.config("GET system status", "/api/system/status", crate::controllers::raven::map::system).await;
            flight.land(|state| match told {
                Ok(System { processes, host, estimates }) => {
                    state.arrived.processes = Answer::Said(processes);
                    state.arrived.host = Answer::Said(calls.remember(host));
                    Estimate::renew(&mut state.arrived.estimates, estimates);
                }
                Err(error) => {
                    state.arrived.host = error.answer();
                    state.arrived.processes = error.answer();
                }
            });
        });
        self.start(Kind::Ports, what.ports && has_config, |calls, flight| async move {
            let ports = answer(calls.appliance_config().await.map(|config| config.ports()));
            flight.land(|state| state.arrived.port_plan = ports);
        });
        self.start(Kind::Totals, what.totals && has_config && !calls.memory().old_totals, |calls, flight| async move {
            let told = calls.telemetry().await;
            if matches!(&told, Err(Error { what: Failure::Status { code: 404, .. }, .. })) {
                // The older software has its totals in the metrics alone.
                calls.memory().old_totals = true;
                return;
            }
            flight.land(|state| match told {
                Ok(Totals { totals, estimates, .. }) => {
                    state.arrived.totals = Answer::Said(totals);
                    Estimate::renew(&mut state.arrived.estimates, estimates);
                }
                Err(error) => state.arrived.totals = error.answer(),
            });
        });
        self.start(Kind::Metrics, what.host && has_config, |calls, flight| async move {
            let told = calls.metrics_page().await;
            let old = calls.memory().old_totals;
            flight.land(|state| match told {
                Ok(Totals { totals, host, estimates }) => {
                    if old {
                        state.arrived.totals = Answer::Said(totals);
                    }
                    if let Some(host) = host {
                        state.arrived.host = Answer::Said(calls.remember(host));
                    }
                    Estimate::renew(&mut state.arrived.estimates, estimates);
                }
                Err(error) => state.arrived.host = error.answer(),
            });
        });
        self.start(Kind::Estimates, what.estimates && has_config, |calls, flight| async move {
            match calls.estimates().await {
                Ok(all) => flight.land(|state| Estimate::renew(&mut state.arrived.estimates, all)),
                Err(error) => tracing::debug!(source = %calls.source, %error, "the made-up numbers"),
            }
        });
    }

    fn start<F>(&self, kind: Kind, due: bool, task: impl FnOnce(Arc<Calls>, Flight) -> F)
    where
        F: Future<Output = ()> + Send + 'static,
    {
        if !due {
            return;
        }
        let board = &self.inner.board;
        {
            let mut state = board.lock();
            if state.flying & kind.bit() != 0 {
                return;
            }
            state.flying |= kind.bit();
        }
        let flight = Flight { board: Arc::clone(board), kind };
        let mut tasks = self.inner.tasks.lock().unwrap_or_else(PoisonError::into_inner);
        while tasks.try_join_next().is_some() {}
        tasks.spawn(task(Arc::clone(&self.inner.calls), flight));
    }
}

impl Calls {
    /// What two calls tell of the system, together: the one has the load, the other is asked often.
    fn remember(&self, new: HostStatus) -> HostStatus {
        let mut memory = self.memory();
        let host = &mut memory.host;
        for mut disk in new.disks {
            match host.disks.iter_mut().find(|d| d.mount == disk.mount) {
                Some(known) => {
                    disk.free_bytes = disk.free_bytes.or(known.free_bytes);
                    disk.size_bytes = disk.size_bytes.or(known.size_bytes);
                    *known = disk;
                }
                None => host.disks.push(disk),
            }
        }
        host.load_milli = new.load_milli.or(host.load_milli);
        host.memory_pct = new.memory_pct.or(host.memory_pct);
        host.uptime_s = new.uptime_s.or(host.uptime_s);
        host.told_by = new.told_by;
        host.clone()
    }
}

/// A poll and what came after it.
fn merged(first: Poll, rest: Poll) -> Poll {
    fn later<T>(first: Answer<T>, rest: Answer<T>) -> Answer<T> {
        if matches!(rest, Answer::NotAsked) { first } else { rest }
    }
    let mut estimates = first.estimates;
    Estimate::renew(&mut estimates, rest.estimates);
    Poll {
        services: later(first.services, rest.services),
        uplink: later(first.uplink, rest.uplink),
        config: later(first.config, rest.config),
        processes: later(first.processes, rest.processes),
        port_plan: later(first.port_plan, rest.port_plan),
        meters: if rest.meters.is_empty() { first.meters } else { rest.meters },
        host: later(first.host, rest.host),
        totals: later(first.totals, rest.totals),
        estimates,
        ..first
    }
}

fn micros(since: Instant) -> i64 {
    i64::try_from(since.elapsed().as_micros()).unwrap_or(i64::MAX)
}
