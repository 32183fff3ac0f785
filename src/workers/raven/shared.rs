//! What the tasks of one appliance share beside what every polled source has: settings, clients, the
//! tracker, who restarts services.

use std::collections::BTreeSet;
use std::ops::Deref;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use tokio::sync::OnceCell;

use crate::config::schema::{Control, Raven};
use crate::controllers::raven::client::Client;
use crate::controllers::resilience::BreakerPolicy;
use crate::controllers::route::Route;
use crate::controllers::supervisor::Supervisor;
use crate::controllers::systemd::Systemd;
use crate::controllers::voltha::map::TypeIndex;
use crate::engine::buffer::{Happening, Tracker};
use crate::model::appliance::poll::Socket;
use crate::model::ids::SourceName;
use crate::model::time::Ts;
use crate::workers::source::Cache;
use crate::workers::watched::{self, Watched};
use crate::workers::{lock, restart};

use super::alarms;
use super::settings::settings;

/// Polls are seconds apart: a few that fail are enough, and a look every half minute finds it back.
const POLICY: BreakerPolicy =
    BreakerPolicy { failures: 3, cool_down: Duration::from_secs(5), cool_down_max: Duration::from_secs(30) };

/// One appliance: a [`Watched`] source with its client and its tracker.
pub(super) struct Shared {
    watched: Watched,
    pub(super) config: Raven,
    made: OnceCell<Made>,
    tracker: Mutex<Tracker>,
    /// Sockets that listen on the appliance, as last seen; `None`: nobody can see.
    pub(super) sockets: Mutex<Option<Vec<Socket>>>,
    /// Services that are being restarted.
    pub(super) restarting: Mutex<BTreeSet<String>>,
    control: OnceCell<restart::Control>,
    /// Keeps restarts of one service apart.
    pub(super) desk: restart::Desk,
    /// Something was changed: all is to be read anew at the next poll.
    pub(super) changed: AtomicBool,
    /// One change at a time: two restarts, or two edits of one object, would undo each other.
    pub(super) changing: tokio::sync::Mutex<()>,
}

/// What is made at the first use, since secrets and certificates are read from disk.
#[derive(Debug, Clone)]
pub(super) struct Made {
    pub(super) client: Client,
}

impl std::fmt::Debug for Shared {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.watched.fmt(f)
    }
}

impl Deref for Shared {
    type Target = Watched;

    fn deref(&self) -> &Watched {
        &self.watched
    }
}

impl Shared {
    pub(super) fn new(name: SourceName, config: Raven, cache: Arc<dyn Cache>, types: Arc<TypeIndex>) -> Self {
        let watched = Watched::new(name, ("raven", &config.buffer), config.paused, POLICY, cache, types);
        let tracker = Mutex::new(Tracker::new(settings(&config)));
        Self {
            watched,
            config,
            made: OnceCell::new(),
            tracker,
            sockets: Mutex::default(),
            restarting: Mutex::default(),
            control: OnceCell::new(),
            desk: restart::Desk::default(),
            changed: AtomicBool::new(false),
            changing: tokio::sync::Mutex::default(),
        }
    }

    /// The tracker. Never held over an await.
    pub(super) fn tracker(&self) -> MutexGuard<'_, Tracker> {
        lock(&self.tracker)
    }

    /// Something was changed: the next poll comes at once and reads all anew.
    pub(super) fn look_anew(&self) {
        self.changed.store(true, Ordering::Relaxed);
        self.wake.notify_one();
    }

    /// A line of the log about the appliance or one of its services.
    pub(super) fn note(&self, happened: &Happening, at: Ts) {
        drop(self.journal(vec![alarms::notice(&self.name, happened, at)]));
    }

    /// The clients; made at first use.
    pub(super) async fn made(&self) -> Result<&Made, String> {
        let make = || {
            let (name, config) = (self.name.clone(), self.config.clone());
            watched::make(move || Ok(Made { client: Client::new(&name, &config).map_err(|e| e.to_string())? }))
        };
        self.made.get_or_try_init(make).await
    }

    /// Who restarts its services; made at first use.
    pub(super) async fn control(&self) -> Result<&restart::Control, String> {
        let make = || async {
            let route = Route::of(self.config.ssh.as_ref());
            match self.config.control.clone() {
                Control::Api if self.config.config.is_none() => Err(format!(
                    "{}: nobody restarts its services: set config, or control in its [[source]]",
                    self.name
                )),
                Control::Api => Ok(restart::Control::Api),
                Control::Supervisor(settings) => {
                    // The password may come from a command.
                    let made = crate::workers::blocking(move || Supervisor::new(&settings, route));
                    let made = made.await?;
                    made.map(restart::Control::Supervisor).map_err(|e| e.to_string())
                }
                Control::Systemd(settings) => Ok(restart::Control::Systemd(Arc::new(Systemd::new(settings, route)))),
                Control::None => {
                    Err(format!("{}: its configuration says that nobody restarts its services", self.name))
                }
            }
        };
        self.control.get_or_try_init(make).await
    }

    /// The name that supervisor or systemd has for a service.
    pub(super) fn unit(&self, service: &str) -> String {
        let own = self.config.services.get(service).and_then(|s| s.unit.clone());
        own.unwrap_or_else(|| match self.config.control {
            Control::Systemd(_) => format!("{service}.service"),
            _ => service.to_owned(),
        })
    }
}
