//! What the tasks of one GenieACS share beside what every polled source has: settings, client,
//! profiles.

use std::ops::Deref;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::OnceCell;

use crate::config::schema::Genieacs;
use crate::controllers::genieacs::client::Client;
use crate::controllers::genieacs::error::{Error, Failure};
use crate::controllers::genieacs::profile::Profiles;
use crate::controllers::resilience::BreakerPolicy;
use crate::controllers::voltha::map::TypeIndex;
use crate::model::ids::SourceName;
use crate::workers::source::Cache;
use crate::workers::watched::{self, Watched};

/// A call that failed was repeated for half a minute before: a few of them are enough.
const POLICY: BreakerPolicy =
    BreakerPolicy { failures: 3, cool_down: Duration::from_secs(5), cool_down_max: Duration::from_secs(15) };

/// One GenieACS: a [`Watched`] source with its client.
pub(super) struct Shared {
    watched: Watched,
    pub(super) config: Genieacs,
    client: OnceCell<(Client, Arc<Profiles>)>,
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
    pub(super) fn new(name: SourceName, config: Genieacs, cache: Arc<dyn Cache>, types: Arc<TypeIndex>) -> Self {
        let watched = Watched::new(name, ("genieacs", &config.nbi), config.paused, POLICY, cache, types);
        Self { watched, config, client: OnceCell::new() }
    }

    /// The client and the device profiles; made at first use, because secrets, certificates and
    /// profiles are read from disk.
    async fn made(&self) -> Result<&(Client, Arc<Profiles>), String> {
        let make = || {
            let (name, config) = (self.name.clone(), self.config.clone());
            watched::make(move || {
                let client = Client::new(&name, &config).map_err(|e| e.to_string())?;
                let profiles = Profiles::load(config.profiles.as_deref().map(std::path::Path::new))
                    .map_err(|e| format!("{name}: the device profiles cannot be used: {e}"))?;
                Ok((client, Arc::new(profiles)))
            })
        };
        self.client.get_or_try_init(make).await
    }

    pub(super) async fn client(&self) -> Result<Client, String> {
        Ok(self.made().await?.0.clone())
    }

    pub(super) async fn profiles(&self) -> Result<Arc<Profiles>, String> {
        Ok(Arc::clone(&self.made().await?.1))
    }

    /// Tells the breaker how a call went: that the server refused something is an answer, too.
    pub(super) fn judge(&self, outcome: Result<(), &Error>) {
        let silent = matches!(
            outcome,
            Err(Error {
                what: Failure::Transport(..) | Failure::WorkerRestarting { .. } | Failure::Deadline { .. },
                ..
            })
        );
        self.answered(!silent);
    }

    /// Tells when a call waits for a server that died.
    pub(super) fn tell_restart(&self) {
        if !self.client.get().is_some_and(|(client, _)| client.restarting()) {
            return;
        }
        {
            let mut status = self.status();
            if status.degraded {
                return;
            }
            status.degraded = true;
            status.report.last_error = "worker restarting".to_owned();
        }
        drop(self.report(false));
    }
}
