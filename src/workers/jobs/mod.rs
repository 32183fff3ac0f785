//! Jobs: one change for many CPEs, run here.
//!
//! [`Jobs`] is the way in. Behind it one task, the `runner`, owns the jobs in memory, asks
//! [`crate::engine::job::next`] what is due, lets other tasks do it, and journals what comes of it:
//! it is the only one that writes records of jobs, so that memory and journal tell one story.

mod book;
mod bulk;
mod context;
mod control;
mod device;
mod drive;
mod dry;
mod due;
pub mod evidence;
mod freeze;
mod judge;
pub mod list;
mod look;
mod mongo;
mod news;
mod paths;
mod poll;
mod prove;
pub mod request;
mod runner;
pub mod verb;

use std::sync::Arc;

use secrecy::SecretString;
use tokio::sync::{mpsc, oneshot};

use crate::model::job::{Control, JobId, JobRequest, Setting};
use crate::store::Store;

use super::source::Sources;
use super::supervisor::Supervisor;
pub use runner::Options;
use runner::Shared;

/// Secrets that came with a request: kept in memory, for the running job only.
pub type Typed = Vec<(Setting, SecretString)>;

/// The way to the jobs. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Jobs {
    way: Way,
}

#[derive(Debug, Clone)]
enum Way {
    Here(mpsc::UnboundedSender<Ask>),
    Nowhere(Arc<str>),
}

/// What is asked of the runner.
pub(super) enum Ask {
    Create(Box<JobRequest>, Typed, String, oneshot::Sender<Result<JobId, String>>),
    Control(JobId, Control, String, oneshot::Sender<Result<String, String>>),
    RollBack(JobId, bool, String, oneshot::Sender<Result<JobId, String>>),
    Secret(JobId, SecretString),
}

/// Names the process that runs jobs: host, process, start.
#[must_use]
pub fn me() -> String {
    let host = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    let host = crate::model::text::clean(host.trim()).into_owned();
    let host = if host.is_empty() { "localhost".to_owned() } else { host };
    format!("{host}/{}/{}", std::process::id(), super::now().0 / crate::model::time::SECOND)
}

impl Jobs {
    /// Starts the runner. Only in the process that owns the store. `me` names it in leases.
    #[must_use]
    pub fn start(store: &Store, sources: &Sources, me: String, supervisor: &Supervisor) -> Self {
        Self::start_with(store, sources, me, supervisor, Options::default())
    }

    /// The same with another patience.
    #[must_use]
    pub fn start_with(store: &Store, sources: &Sources, me: String, supervisor: &Supervisor, options: Options) -> Self {
        let (sender, asks) = mpsc::unbounded_channel();
        let shared = Arc::new(Shared::new(store.clone(), sources.clone(), me, options, asks));
        let stop = supervisor.stopping();
        supervisor.spawn("jobs", move || runner::run(Arc::clone(&shared), stop.clone()));
        Self { way: Way::Here(sender) }
    }

    /// No runner: every request is answered with `why`.
    #[must_use]
    pub fn nowhere(why: &str) -> Self {
        Self { way: Way::Nowhere(why.into()) }
    }

    async fn ask<T>(&self, make: impl FnOnce(oneshot::Sender<Result<T, String>>) -> Ask) -> Result<T, String> {
        let sender = match &self.way {
            Way::Here(sender) => sender,
            Way::Nowhere(why) => return Err(why.to_string()),
        };
        let (tell, told) = oneshot::channel();
        sender.send(make(tell)).map_err(|_| "the job runner has ended".to_owned())?;
        told.await.unwrap_or_else(|_| Err("the job runner died: see the log, then look at the job".to_owned()))
    }

    /// Makes a job; it is on disk when this returns.
    ///
    /// # Errors
    /// Why there is none, in words: a schedule that cannot be kept, a journal that does not take it.
    pub async fn create(&self, request: JobRequest, secrets: Typed, actor: &str) -> Result<JobId, String> {
        self.ask(|tell| Ask::Create(Box::new(request), secrets, actor.to_owned(), tell)).await
    }

    /// Steers a job. What came of it, in words.
    ///
    /// # Errors
    /// Why it cannot be done, in words.
    pub async fn control(&self, job: JobId, control: Control, actor: &str) -> Result<String, String> {
        self.ask(|tell| Ask::Control(job, control, actor.to_owned(), tell)).await
    }

    /// Makes the job that puts back what another one changed.
    ///
    /// # Errors
    /// Why there is nothing to put back, in words.
    pub async fn roll_back(&self, job: JobId, dry_run: bool, actor: &str) -> Result<JobId, String> {
        self.ask(|tell| Ask::RollBack(job, dry_run, actor.to_owned(), tell)).await
    }

    /// Gives a job the secret it lost, for each setting that was typed; follow with
    /// [`Control::Resume`].
    pub fn secret(&self, job: JobId, secret: SecretString) {
        if let Way::Here(sender) = &self.way {
            let _ = sender.send(Ask::Secret(job, secret));
        }
    }
}
