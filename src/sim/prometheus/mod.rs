//! An Alertmanager (0.25) with the Prometheus (2.42) behind it in this process: their APIs on loopback,
//! over a small set of scripted rules.
//!
//! They answer as the real ones were seen to answer, refusals included (facts: samples of alarms).
//! Alerts are a function of time, so nothing runs between two questions.

mod alertmanager;
mod answer;
mod api;
mod rules;
mod state;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use super::Error;
use super::net::Faults;
use crate::config::schema::{Alertmanager, Prometheus, Source, SourceKind};
use crate::model::labels::{Labels, Matcher};
use crate::model::time::Ts;

pub use rules::SimRule;
use state::State;

/// What the source is called.
const NAME: &str = "alerts";
/// Seconds between the console's polls of the demo.
const POLL_S: u64 = 5;

/// What is simulated.
#[derive(Debug, Clone, Default)]
pub struct AlertsOptions {
    /// Rules; those of the demo with [`AlertsOptions::demo`], none by default.
    pub rules: Vec<SimRule>,
    /// Virtual seconds a real second.
    pub speed: f64,
    /// Silences that there are at the start; those of the demo with [`AlertsOptions::demo`].
    pub silences: Vec<Planned>,
}

/// A silence that there is at the start.
#[derive(Debug, Clone)]
pub struct Planned {
    /// Its conditions.
    pub matchers: Vec<Matcher>,
    /// Who made it.
    pub created_by: String,
    /// Why.
    pub comment: String,
    /// From when until when, seconds from the start of the servers.
    pub span_s: (i64, i64),
}

impl AlertsOptions {
    /// What happens around the demo's network: transport, power, name service.
    #[must_use]
    pub fn demo(speed: f64) -> Self {
        Self { rules: rules::demo(), speed, silences: rules::demo_silences() }
    }
}

/// Both servers.
#[derive(Debug, Clone, Copy)]
pub struct AlertsSim;

/// The servers that run; they stop when this is dropped.
#[derive(Debug)]
pub struct RunningAlerts {
    live: Arc<Live>,
    alertmanager_port: u16,
    prometheus_port: u16,
    stop: CancellationToken,
}

/// What the servers share.
#[derive(Debug)]
pub(super) struct Live {
    state: Mutex<State>,
    faults: Arc<Faults>,
}

impl Live {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl AlertsSim {
    /// Binds two loopback ports and serves. Needs a tokio runtime.
    ///
    /// # Errors
    /// No loopback port.
    pub async fn start(options: AlertsOptions) -> Result<RunningAlerts, Error> {
        let live = Arc::new(Live { state: Mutex::new(State::new(options)), faults: Arc::default() });
        let stop = CancellationToken::new();
        let mut ports = [0; 2];
        for (port, is_prometheus) in ports.iter_mut().zip([false, true]) {
            let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
            *port = listener.local_addr()?.port();
            tokio::spawn(answer::serve(listener, Arc::clone(&live), is_prometheus, stop.clone()));
        }
        let [alertmanager_port, prometheus_port] = ports;
        Ok(RunningAlerts { live, alertmanager_port, prometheus_port, stop })
    }
}

impl RunningAlerts {
    /// Base URL of the Alertmanager.
    #[must_use]
    pub fn alertmanager_url(&self) -> String {
        format!("http://127.0.0.1:{}", self.alertmanager_port)
    }

    /// Base URL of the Prometheus.
    #[must_use]
    pub fn prometheus_url(&self) -> String {
        format!("http://127.0.0.1:{}", self.prometheus_port)
    }

    /// The source that watches the Alertmanager.
    #[must_use]
    pub fn config(&self) -> Source {
        let alertmanager = Alertmanager {
            prometheus: Some(self.prometheus_url()),
            poll_s: POLL_S,
            ..Alertmanager::new(self.alertmanager_url())
        };
        Source { name: NAME.into(), kind: SourceKind::Alertmanager(Box::new(alertmanager)) }
    }

    /// The source that watches the Prometheus.
    #[must_use]
    pub fn prometheus_config(&self) -> Source {
        let prometheus = Prometheus { poll_s: POLL_S, ..Prometheus::new(self.prometheus_url()) };
        Source { name: "prometheus".into(), kind: SourceKind::Prometheus(Box::new(prometheus)) }
    }

    /// Fires an alert, or changes the annotations of one that fires.
    pub fn fire(&self, labels: &[(&str, &str)], annotations: &[(&str, &str)]) {
        self.live.state().fire(pairs(labels), pairs(annotations));
    }

    /// Resolves the alert of exactly these labels.
    pub fn resolve(&self, labels: &[(&str, &str)]) {
        self.live.state().resolve(&pairs(labels));
    }

    /// Alerts of this name suppress, on the same value of a label, those of the other names.
    pub fn inhibit(&self, by: &str, names: &[&str], equal: &str) {
        self.live.state().inhibit(by, names, equal);
    }

    /// Both servers are started anew: alerts are gone until they are fired again, silences stay.
    pub fn restart(&self) {
        self.live.state().restart();
    }

    /// Says that the servers were started then.
    pub fn started(&self, at: Ts) {
        self.live.state().started = at;
    }

    /// Ids of the silences that are not over.
    #[must_use]
    pub fn silences(&self) -> Vec<String> {
        self.live.state().silences_in_force()
    }

    /// Cuts all connections and refuses new ones, or no longer does.
    pub fn down(&self, on: bool) {
        self.live.faults.set_refuse(on);
        self.live.faults.drop_connections();
    }

    /// Stops the servers; connections are closed.
    pub fn stop(self) {}
}

impl Drop for RunningAlerts {
    fn drop(&mut self) {
        self.stop.cancel();
        self.live.faults.drop_connections();
    }
}

fn pairs(all: &[(&str, &str)]) -> Labels {
    all.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect()
}
