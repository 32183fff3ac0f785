//! What comes in: input, answers, and news.

use std::sync::Arc;

use crossterm::event::Event;

use crate::model::alarm::Counts;
use crate::model::command::{LiveSection, Outcome, Plan};
use crate::model::console::{ConsoleId, ConsoleNews};
use crate::model::diag::{DiagEvent, DiagResult};
use crate::model::ids::SourceName;
use crate::model::page::{Data, Generations, RequestId};
use crate::model::silence::SilenceList;
use crate::model::source::SourceRow;
use crate::model::stored::StoredList;
use crate::model::time::Ts;

use super::effect::{SavedView, Toast};

/// A message.
#[derive(Debug, Clone)]
pub enum Msg {
    /// A key, the mouse, a paste, a resize, focus.
    Input(Event),
    /// An answer of the cache.
    Data(RequestId, Data),
    /// Tables changed.
    Changed(Generations),
    /// Counters changed.
    Counts(Counts),
    /// Sources changed.
    Sources(Arc<[SourceRow]>),
    /// What keeps the cache from being written, or that nothing does any longer. Until then what
    /// happens waits in memory and the lists stand still.
    Unsaved(Option<Arc<str>>),
    /// A plan is ready (or why there is none).
    Planned(RequestId, Result<Plan, String>),
    /// An intent was not run, or nobody will tell what became of it. The kernel's own news: it knows
    /// every way that ends so.
    NotRun {
        /// Its command.
        command: String,
        /// Why; `None`: whoever was asked did not want it.
        why: Option<String>,
    },
    /// A command moves on: done, total.
    Progress(RequestId, u64, u64),
    /// A command ended.
    Done(RequestId, Outcome),
    /// An answer of a controller, or why there is none.
    Live(RequestId, Result<Vec<LiveSection>, String>),
    /// What auto-configuration servers keep beside devices.
    Stored(RequestId, Vec<StoredList>),
    /// What every Alertmanager answered to [`super::port::Request::Silences`].
    Silences(RequestId, Vec<SilenceList>),
    /// The machine's own name and addresses changed.
    Host(Arc<HostFacts>),
    /// News of a console that is open.
    Console(ConsoleId, ConsoleNews),
    /// News of a diagnostic that runs; ended ones send no more.
    Diag(RequestId, DiagNews),
    /// A source compared its full list with the cache after a gap.
    Rebuilt {
        /// Source.
        source: SourceName,
        /// New devices.
        added: u32,
        /// Devices gone.
        removed: u32,
    },
    /// A worker died and comes back after a pause (`None`: it stays down).
    WorkerDown {
        /// Worker.
        name: String,
        /// Why.
        reason: String,
        /// Pause, ms.
        restart_ms: Option<u64>,
    },
    /// Something to tell.
    Toast(Toast),
    /// What became of the process that owns the cache, where it is another one.
    Owner(OwnerNews),
    /// Something in the folder of the user's themes changed.
    ThemeFiles,
    /// Saved views of the profile.
    Views(Vec<SavedView>),
    /// A timer armed by the kernel ran out, at this instant.
    Tick(Ts),
    /// The system wants us to end: SIGTERM (false) or SIGHUP (true: the terminal is gone).
    Terminate {
        /// The terminal is gone.
        hangup: bool,
    },
    /// We run again after a stop.
    Resumed,
}

/// The machine this runs on.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct HostFacts {
    /// Its name.
    pub name: String,
    /// Its addresses, without loopback and link-local ones, the first that leads out first.
    pub addresses: Vec<String>,
    /// The gateway of its default route.
    pub gateway: Option<String>,
}

/// News of a diagnostic.
#[derive(Debug, Clone, PartialEq)]
pub enum DiagNews {
    /// Something happened.
    Event(DiagEvent),
    /// It is over: its result, or in words why there is none. A result of one that was cancelled
    /// says so itself.
    Ended(Result<Arc<DiagResult>, String>),
}

/// News of the noctule that owns the cache, for those that are attached to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum OwnerNews {
    /// It takes what we want changed; its process id.
    Answers(u32),
    /// It is there and cannot be spoken to, and why.
    Silent(Arc<str>),
    /// It has ended: nobody owns the cache.
    Gone,
}
