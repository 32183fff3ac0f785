//! Consoles that are open: one task each. It holds the connection, feeds the emulator (or the picture),
//! and tells the screen what is to be seen, at most once a frame: however much a guest prints, the
//! screen only ever draws the newest state.

mod record;
mod screen;
mod serial;
mod share;
mod upstream;

use std::collections::HashMap;
use std::sync::Arc;

use tokio::runtime::Handle;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::app::effect::ConsoleRequest;
use crate::app::message::Msg;
use crate::controllers::libvirt::client::Connection;
use crate::controllers::libvirt::wire::Domain;
use crate::model::console::{ConsoleId, ConsoleKind, ConsoleNews, ConsolePhase, ConsoleTarget};

use super::source::Sources;
use super::vms::Shared;

/// Tells what happens to one console.
#[derive(Debug, Clone)]
pub(super) struct News {
    id: ConsoleId,
    msgs: UnboundedSender<Msg>,
}

impl News {
    /// Tells; nobody listens any more once the program ends.
    pub(super) fn tell(&self, news: ConsoleNews) {
        let _ = self.msgs.send(Msg::Console(self.id, news));
    }

    /// It stands otherwise.
    pub(super) fn phase(&self, phase: ConsolePhase) {
        self.tell(ConsoleNews::Phase(phase));
    }

    /// It has ended.
    pub(super) fn ended(&self, why: impl Into<String>) {
        self.phase(ConsolePhase::Ended(why.into()));
    }
}

/// What the task of a console is given.
pub(super) struct Session {
    pub(super) target: ConsoleTarget,
    pub(super) view_only: bool,
    pub(super) operator: String,
    pub(super) sources: Sources,
    pub(super) requests: UnboundedReceiver<ConsoleRequest>,
    pub(super) news: News,
}

impl Session {
    /// The host that the machine is on.
    fn host(&self) -> Result<&Arc<Shared>, String> {
        let source = self.sources.get(&self.target.source);
        let source = source.ok_or_else(|| format!("{} is not in this configuration", self.target.source))?;
        Ok(source.host()?.shared())
    }
}

/// The machine of a console on a connection.
async fn domain_of(connection: &Connection, target: &ConsoleTarget) -> Result<Domain, String> {
    let uuid: uuid::Uuid = target.uuid.parse().map_err(|_| format!("{}: its UUID cannot be read", target.name))?;
    connection.domain_by_uuid(*uuid.as_bytes()).await.map_err(|e| e.to_string())
}

/// Tells others on this host who uses a console, for as long as it lives.
struct Used {
    shared: Arc<Shared>,
    uuid: String,
    words: String,
}

impl Used {
    fn new(shared: Arc<Shared>, target: &ConsoleTarget, operator: &str) -> Self {
        let words = format!("{} by {operator}", target.kind.word());
        shared.uses(&target.uuid, &words, true);
        Self { shared, uuid: target.uuid.clone(), words }
    }
}

impl Drop for Used {
    fn drop(&mut self) {
        self.shared.uses(&self.uuid, &self.words, false);
    }
}

/// All consoles of this program.
#[derive(Debug)]
pub(super) struct Consoles {
    sources: Sources,
    operator: String,
    msgs: UnboundedSender<Msg>,
    runtime: Handle,
    stop: CancellationToken,
    tasks: TaskTracker,
    open: HashMap<ConsoleId, UnboundedSender<ConsoleRequest>>,
}

impl Consoles {
    /// None open yet; their tasks run until `stop` and are counted by `tasks`.
    pub(super) fn new(
        sources: Sources,
        operator: String,
        msgs: UnboundedSender<Msg>,
        (runtime, stop, tasks): (Handle, CancellationToken, TaskTracker),
    ) -> Self {
        Self { sources, operator, msgs, runtime, stop, tasks, open: HashMap::new() }
    }

    /// Hands a request to the console that it is for; opening one starts its task.
    pub(super) fn send(&mut self, id: ConsoleId, request: ConsoleRequest) {
        match request {
            ConsoleRequest::Open { target, view_only } => self.start(id, target, view_only),
            ConsoleRequest::Close => drop(self.open.remove(&id)),
            request => {
                if self.open.get(&id).is_none_or(|task| task.send(request).is_err()) {
                    self.open.remove(&id);
                    // Why it ended has been told and stays; this is only about what was asked now.
                    let words = "nothing was done: this console has ended; enter opens it again".to_owned();
                    News { id, msgs: self.msgs.clone() }.tell(ConsoleNews::Note(words));
                }
            }
        }
    }

    fn start(&mut self, id: ConsoleId, target: ConsoleTarget, view_only: bool) {
        let (sender, requests) = unbounded_channel();
        self.open.insert(id, sender);
        let news = News { id, msgs: self.msgs.clone() };
        let session = Session {
            target,
            view_only,
            operator: self.operator.clone(),
            sources: self.sources.clone(),
            requests,
            news: news.clone(),
        };
        let stop = self.stop.clone();
        let work = async move {
            let run = async {
                match session.target.kind {
                    ConsoleKind::Serial => serial::run(session).await,
                    ConsoleKind::Vnc => screen::run(session).await,
                }
            };
            tokio::select! {
                () = stop.cancelled() => {}
                ended = run => if let Err(why) = ended {
                    news.ended(why);
                }
            }
        };
        self.tasks.spawn_on(work, &self.runtime);
    }
}
