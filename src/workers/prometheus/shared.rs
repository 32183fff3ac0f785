//! What the tasks of one source of alerts share beside what every polled source has: settings,
//! clients, the mapper.

use std::ops::Deref;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::OnceCell;

use crate::config::schema::{Alertmanager, Mapping, Prometheus};
use crate::controllers::prometheus::map::Mapper;
use crate::controllers::prometheus::{AmClient, PromClient};
use crate::controllers::resilience::BreakerPolicy;
use crate::controllers::voltha::map::TypeIndex;
use crate::model::ids::SourceName;
use crate::workers::source::Cache;
use crate::workers::watched::{self, Watched};

/// A call that failed was repeated before: a few of them are enough.
const POLICY: BreakerPolicy =
    BreakerPolicy { failures: 3, cool_down: Duration::from_secs(5), cool_down_max: Duration::from_secs(30) };

/// Which of the two it is.
#[derive(Debug, Clone)]
pub(super) enum Kind {
    Prometheus(Box<Prometheus>),
    Alertmanager(Box<Alertmanager>),
}

impl Kind {
    fn words(&self) -> (&'static str, &str) {
        match self {
            Self::Prometheus(p) => ("prometheus", &p.url),
            Self::Alertmanager(a) => ("alertmanager", &a.url),
        }
    }

    const fn paused(&self) -> bool {
        match self {
            Self::Prometheus(p) => p.paused,
            Self::Alertmanager(a) => a.paused,
        }
    }

    const fn mapping(&self) -> &Mapping {
        match self {
            Self::Prometheus(p) => &p.mapping,
            Self::Alertmanager(a) => &a.mapping,
        }
    }

    pub(super) fn poll(&self) -> Duration {
        let seconds = match self {
            Self::Prometheus(p) => p.poll_s,
            Self::Alertmanager(a) => a.poll_s,
        };
        Duration::from_secs(seconds.max(1))
    }

    /// Seconds after a start of the server in which absence means nothing.
    pub(super) const fn grace_s(&self) -> u64 {
        match self {
            Self::Prometheus(p) => p.restart_grace_s,
            Self::Alertmanager(a) => a.restart_grace_s,
        }
    }
}

/// One source: a [`Watched`] one with its clients.
pub(super) struct Shared {
    watched: Watched,
    pub(super) kind: Kind,
    made: OnceCell<Made>,
}

/// What is made at the first use, since secrets and certificates are read from disk.
#[derive(Debug)]
pub(super) enum Made {
    Alertmanager {
        client: AmClient,
        /// The Prometheus that evaluates its rules, when it is configured.
        beside: Option<PromClient>,
        mapper: Mapper,
    },
    Prometheus {
        client: PromClient,
        mapper: Mapper,
        /// Whether alerts that wait for their time are wanted.
        pending: bool,
    },
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
    pub(super) fn new(name: SourceName, kind: Kind, cache: Arc<dyn Cache>, types: Arc<TypeIndex>) -> Self {
        let watched = Watched::new(name, kind.words(), kind.paused(), POLICY, cache, types);
        Self { watched, kind, made: OnceCell::new() }
    }

    /// The clients; made at first use.
    pub(super) async fn made(&self) -> Result<&Made, String> {
        let make = || {
            let (name, kind, types) = (self.name.clone(), self.kind.clone(), Arc::clone(&self.types));
            watched::make(move || {
                let mapper = Mapper::new(kind.mapping(), types).map_err(|why| format!("{name}: {why}"))?;
                Ok(match &kind {
                    Kind::Prometheus(config) => Made::Prometheus {
                        client: PromClient::new(&name, config).map_err(|e| e.to_string())?,
                        mapper,
                        pending: config.pending,
                    },
                    Kind::Alertmanager(config) => Made::Alertmanager {
                        client: AmClient::new(&name, config).map_err(|e| e.to_string())?,
                        beside: PromClient::beside(&name, config).map_err(|e| e.to_string())?,
                        mapper,
                    },
                })
            })
        };
        self.made.get_or_try_init(make).await
    }
}
