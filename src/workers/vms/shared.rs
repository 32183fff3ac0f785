//! What the tasks of one host share beside what every polled source has: its settings, the connection
//! that polls and quick verbs use, who uses its consoles.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Deref;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use crate::config::schema::Libvirt;
use crate::controllers::libvirt::client::{Connection, Hypervisor};
use crate::controllers::libvirt::connect::Target;
use crate::controllers::libvirt::error::Error;
use crate::controllers::resilience::BreakerPolicy;
use crate::controllers::voltha::map::TypeIndex;
use crate::model::ids::SourceName;
use crate::model::time::Ts;
use crate::workers::source::Cache;
use crate::workers::watched::Watched;
use crate::workers::{lock, now};

use super::failures::{self, Failures};

/// A host that is away is tried again soon: somebody may be waiting for it to come back.
const POLICY: BreakerPolicy =
    BreakerPolicy { failures: 3, cool_down: Duration::from_secs(5), cool_down_max: Duration::from_secs(60) };

/// A host.
pub(in crate::workers) struct Shared {
    watched: Watched,
    pub(in crate::workers) config: Libvirt,
    target: Target,
    link: tokio::sync::Mutex<Option<Connection>>,
    /// Machines that are looked at anew with the next poll, by UUID.
    due: Mutex<BTreeSet<String>>,
    /// Operations that failed, by the machine's UUID.
    pub(super) failures: Mutex<Failures>,
    /// Held by who does what policy wants.
    pub(super) acting: tokio::sync::Mutex<()>,
    /// Operations of ours that run, by the UUID of their machine.
    busy: Mutex<BTreeMap<String, &'static str>>,
    /// When machines were backed up from here, by UUID.
    backed_up: Mutex<BTreeMap<String, Ts>>,
    /// Who uses consoles of its machines from here, by UUID.
    users: Mutex<BTreeMap<String, Vec<String>>>,
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
    pub(super) fn new(name: SourceName, config: Libvirt, cache: Arc<dyn Cache>, types: Arc<TypeIndex>) -> Self {
        let endpoint = config.endpoint();
        let kind = ("libvirt", endpoint.as_str());
        let watched = Watched::new(name, kind, config.paused, POLICY, cache, types);
        let target = Target::of(&config);
        // They outlive this program: it reads what the last run knew.
        let noted = watched.cache.noted(&failures::key(&watched.name));
        let failures = noted.map(|text| failures::read(&watched.name, &text)).unwrap_or_default();
        Self {
            watched,
            config,
            target,
            link: tokio::sync::Mutex::default(),
            due: Mutex::default(),
            failures: Mutex::new(failures),
            acting: tokio::sync::Mutex::default(),
            busy: Mutex::default(),
            backed_up: Mutex::default(),
            users: Mutex::default(),
        }
    }

    /// The way to it.
    pub(in crate::workers) const fn target(&self) -> &Target {
        &self.target
    }

    /// How long a call that reads may take.
    pub(in crate::workers) const fn limit(&self) -> Duration {
        Duration::from_secs(self.config.timeout_s)
    }

    /// A connection of its own: for what takes long, or holds a stream open.
    pub(in crate::workers) async fn connect(&self) -> Result<Connection, Error> {
        let what = Hypervisor { uri: self.config.uri.clone(), read_only: false };
        self.target.connect(&what, self.limit()).await
    }

    /// The connection that all quick calls share.
    pub(in crate::workers) async fn connection(&self) -> Result<Connection, Error> {
        let mut link = self.link.lock().await;
        if let Some(connection) = link.as_ref().filter(|c| c.why_ended().is_none()) {
            return Ok(connection.clone());
        }
        let connection = self.connect().await?;
        *link = Some(connection.clone());
        Ok(connection)
    }

    /// Gives the shared connection up: an answer that does not come may mean that none will.
    pub(super) async fn hang_up(&self) {
        *self.link.lock().await = None;
    }

    /// A machine has changed: it is looked at anew, soon.
    pub(in crate::workers) fn changed(&self, uuid: &str) {
        lock(&self.due).insert(uuid.to_owned());
        self.wake.notify_one();
    }

    /// Machines that have to be looked at anew.
    pub(super) fn take_due(&self) -> BTreeSet<String> {
        std::mem::take(&mut *lock(&self.due))
    }

    /// An operation of ours runs in a machine until what this gives is dropped: its progress is followed. Not
    /// every one is a job that the host knows of, so no second one is begun here.
    pub(super) fn works(self: &Arc<Self>, uuid: &str, operation: &'static str) -> Result<Works, String> {
        match lock(&self.busy).entry(uuid.to_owned()) {
            Entry::Occupied(other) => return Err(beside(other.get())),
            Entry::Vacant(free) => _ = free.insert(operation),
        }
        self.changed(uuid);
        Ok(Works { shared: Arc::clone(self), uuid: uuid.to_owned() })
    }

    /// Refuses what cannot be done beside an operation of ours.
    pub(super) fn idle(&self, uuid: &str) -> Result<(), String> {
        lock(&self.busy).get(uuid).map_or(Ok(()), |operation| Err(beside(operation)))
    }

    /// Machines in which an operation of ours runs.
    pub(super) fn busy(&self) -> BTreeSet<String> {
        lock(&self.busy).keys().cloned().collect()
    }

    /// A machine was backed up just now.
    pub(super) fn backed_up(&self, uuid: &str) {
        lock(&self.backed_up).insert(uuid.to_owned(), now());
    }

    /// When a machine was backed up from here.
    pub(super) fn last_backup(&self, uuid: &str) -> Option<Ts> {
        lock(&self.backed_up).get(uuid).copied()
    }

    /// What is left to do at a machine whose operation failed.
    pub(super) fn trouble(&self, uuid: &str) -> String {
        let all = lock(&self.failures);
        all.get(uuid).filter(|failure| !failure.settled).map(|failure| failure.words.clone()).unwrap_or_default()
    }

    /// Somebody opened a console from here, in words (`serial by anna`), or left it.
    pub(in crate::workers) fn uses(&self, uuid: &str, words: &str, open: bool) {
        let mut users = lock(&self.users);
        let of = users.entry(uuid.to_owned()).or_default();
        if open {
            of.push(words.to_owned());
        } else if let Some(at) = of.iter().position(|w| w == words) {
            of.remove(at);
        }
        if of.is_empty() {
            users.remove(uuid);
        }
        drop(users);
        self.wake.notify_one();
    }

    /// Who uses consoles of a machine from here.
    pub(super) fn users(&self, uuid: &str) -> Vec<String> {
        lock(&self.users).get(uuid).cloned().unwrap_or_default()
    }
}

fn beside(operation: &str) -> String {
    format!("a {operation} of it runs here already: wait for it or cancel it")
}

/// An operation that runs.
#[derive(Debug)]
pub(super) struct Works {
    shared: Arc<Shared>,
    uuid: String,
}

impl Drop for Works {
    fn drop(&mut self) {
        lock(&self.shared.busy).remove(&self.uuid);
        self.shared.changed(&self.uuid);
    }
}
