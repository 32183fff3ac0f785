//! Keeping what is known of an appliance up to date: a heartbeat every few seconds, the dearer calls
//! in their own time, the tracker after each, and what it finds into journal and measurements.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use crate::controllers::raven::client::Client;
use crate::controllers::raven::rhythm::{Rhythm, What};
use crate::model::appliance::poll::Answer;
use crate::model::appliance::state::Contact;
use crate::model::appliance::{ApplianceState, Poll};
use crate::model::observation::Observation;
use crate::model::time::Ts;
use crate::workers::now;
use crate::workers::watched::{Polling, Watched};

use super::shared::Shared;
use super::{alarms, host, restart};

/// The poller of one appliance.
pub(super) struct Poller {
    shared: Arc<Shared>,
    rhythm: Rhythm,
    host: host::Pace,
    response_us: i64,
    resumed: bool,
    /// How long its first poll waits for its turn.
    turn: Duration,
    /// Why it did not answer when it was asked last and did not.
    why: String,
    /// Limit, retention and overflow, as the heartbeat told them last.
    told: Option<(i64, i64, String)>,
}

impl Poller {
    pub(super) fn new(shared: Arc<Shared>, turn: Duration) -> Self {
        Self {
            shared,
            rhythm: Rhythm::default(),
            host: host::Pace::default(),
            response_us: 0,
            resumed: false,
            turn,
            why: String::new(),
            told: None,
        }
    }
}

impl Polling for Poller {
    fn watched(&self) -> &Watched {
        &self.shared
    }

    async fn poll(&mut self, asked: bool) -> Result<(), String> {
        self.resume().await;
        let poll = match self.shared.admit() {
            Ok(()) => self.ask(asked).await,
            Err(held) => Poll { at: now(), stats: Answer::Silent(self.held(&held)), ..Poll::default() },
        };
        match &poll.stats {
            Answer::Silent(_) => self.rhythm.reset(),
            _ => self.response_us = poll.response_us,
        }
        // What it cannot tell stands in its row; only one that is silent could not be reached.
        let outcome = match &poll.stats {
            Answer::Silent(why) => Err(format!("{}: {why}", self.shared.name)),
            _ => Ok(()),
        };
        let state = self.take(&poll);
        self.tell(&state, &outcome);
        // Who asked reads the cache next: what was measured is in it before the answer.
        match self.shared.report(asked) {
            Some(done) if asked => done.await?,
            _ => {}
        }
        outcome
    }

    /// As the tracker wants it, from beginning to beginning.
    fn pause(&self, took: Duration) -> Duration {
        self.shared.tracker().next_poll().saturating_sub(took).max(Duration::from_millis(100))
    }

    fn turn(&self) -> Duration {
        self.turn
    }
}

impl Poller {
    /// Why nothing is known while nothing is asked: what failed before, and that it is not asked now.
    fn held(&self, held: &str) -> String {
        let held = held.strip_prefix(&*self.shared.name).and_then(|h| h.strip_prefix(": ")).unwrap_or(held);
        if self.why.is_empty() { held.to_owned() } else { format!("{}; {held}", self.why) }
    }

    /// Takes up what the cache knows, once.
    async fn resume(&mut self) {
        if self.resumed {
            return;
        }
        self.resumed = true;
        let shared = Arc::clone(&self.shared);
        let read = crate::workers::blocking(move || shared.cache.known_appliance(&shared.name)).await;
        match read {
            Ok(Ok(Some((state, past)))) => {
                self.shared.tracker().resume(&state, &past);
            }
            Ok(Ok(None)) | Err(_) => {}
            Ok(Err(why)) => tracing::warn!(source = %self.shared.name, %why, "what was known of it cannot be read"),
        }
    }

    async fn ask(&mut self, everything: bool) -> Poll {
        let at = now();
        let made = match self.shared.made().await {
            Ok(made) => made,
            Err(why) => return Poll { at, stats: Answer::Silent(why), ..Poll::default() },
        };
        if self.shared.changed.swap(false, Ordering::Relaxed) {
            // What was changed a moment ago is not told as it was before.
            self.rhythm.reset();
        }
        let what = self.rhythm.next(at, self.response_us);
        let (mut poll, seen) = tokio::join!(
            beat(&made.client, what, at, everything),
            host::look(&self.shared, &mut self.host, at, everything)
        );
        seen.into_poll(&mut self.host, &mut poll);
        self.shared.answered(!matches!(poll.stats, Answer::Silent(_)));
        if let Answer::Silent(why) = &poll.stats {
            self.why.clone_from(why);
        }
        if let Some(stats) = poll.stats.said() {
            // The heartbeat tells some of the configuration. When that is another, somebody has changed
            // it: the rest of it, which may kill the service at its next start, is read with the next poll.
            // That is not hurried: figures that never stand still would set off poll after poll.
            let told = (stats.limit_bytes, stats.retention_days, stats.overflow_action.clone());
            if self.told.as_ref().is_some_and(|before| *before != told) && poll.config.said().is_none() {
                self.rhythm.config_due();
            }
            self.told = Some(told);
        }
        poll
    }

    /// Gives a poll to the tracker and writes down what it made of it.
    fn take(&self, poll: &Poll) -> ApplianceState {
        let shared = &self.shared;
        let (step, next) = {
            let mut tracker = shared.tracker();
            let step = tracker.step(poll);
            (step, tracker.next_poll())
        };
        let alarms = step.alarms.iter().map(|a| alarms::alarm(&shared.types, &shared.name, a, poll.at));
        let notices = step.notices.iter().map(|n| alarms::notice(&shared.name, n, poll.at));
        let found: Vec<Observation> = alarms.chain(notices).collect();
        drop(shared.journal(found));
        let poll_ms = u64::try_from(next.as_millis()).unwrap_or(u64::MAX);
        let mut state = ApplianceState { poll_ms, ..step.state };
        restart::overlay(shared, &mut state);
        shared.cache.measured(&shared.name, &state);
        state
    }

    /// Health of the source, as every pane knows it.
    fn tell(&self, state: &ApplianceState, outcome: &Result<(), String>) {
        let mut status = self.shared.status();
        status.ok = Some(outcome.is_ok());
        status.degraded = matches!(state.contact, Contact::Unreadable | Contact::LimitZero | Contact::Refusing);
        status.report.latency_us = state.response_us;
        status.report.devices = u32::try_from(state.collectors.len()).unwrap_or(u32::MAX);
        status.report.version = state.version.word().to_owned();
        match outcome {
            Ok(()) => status.report.last_error = state.trouble.clone(),
            Err(why) => status.report.last_error.clone_from(why),
        }
    }
}

/// A poll; whoever waits for it gets all of it, the calls that freeze included.
async fn beat(client: &Client, what: What, at: Ts, everything: bool) -> Poll {
    if everything { client.poll_whole(at).await } else { client.poll(what, at).await }
}
