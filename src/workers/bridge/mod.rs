//! Between the kernel of the screen and everything slow: requests in, messages out.
//!
//! [`Bridge::send`] only queues. Two threads read the cache (one for windows, one for details,
//! counts and plans, so that neither waits for the other), each export has a thread of its own,
//! and whatever talks to controllers or waits for the journal is a task of the runtime.

mod news;
mod queue;
mod reading;
mod views;

use std::collections::HashMap;
use std::future::Future;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::sync::mpsc::UnboundedSender;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::app::effect::{DiagExport, ExportRequest, ReportRequest};
use crate::app::message::Msg;
use crate::app::port::{Backend, Request};
use crate::model::command::{LiveRequest, LiveSection, Outcome};
use crate::model::diag::DiagRequest;
use crate::model::page::{DataRequest, RequestId};
use crate::model::record::{CommandRecord, Record};
use crate::model::text;
use crate::store::Store;

use super::console::Consoles;
use super::relay::Hands;
use super::source::Sources;
use super::{asks, diag, export, report, silences};
use queue::{Job, Queue};
use views::Views;
pub use views::{recall, ui_key};

/// What the bridge has to know besides the data.
#[derive(Debug, Clone)]
pub struct Options {
    /// Name of the profile: values of the user interface are kept per profile.
    pub profile: String,
    /// Name written into the actions of an undo.
    pub operator: String,
    /// Whether the profile allows to show secrets.
    pub reveal_secrets: bool,
    /// The runtime that tasks run on.
    pub runtime: Handle,
}

/// The [`Backend`] of the screen. Ends its threads when dropped.
pub struct Bridge {
    store: Store,
    sources: Sources,
    msgs: UnboundedSender<Msg>,
    options: Options,
    windows: Arc<Queue>,
    details: Arc<Queue>,
    hands: Hands,
    views: Arc<Views>,
    running: Running,
    diagnostics: diag::Slots,
    consoles: Consoles,
    stop: CancellationToken,
    tasks: TaskTracker,
}

/// What can be cancelled by the id of its request.
type Running = Arc<Mutex<HashMap<RequestId, CancellationToken>>>;

impl Bridge {
    /// Starts the threads and the stream of news.
    #[must_use]
    pub fn start(store: Store, sources: Sources, hands: Hands, msgs: UnboundedSender<Msg>, options: Options) -> Self {
        let (windows, details) = (Arc::<Queue>::default(), Arc::<Queue>::default());
        reading::start("windows", store.clone(), Arc::clone(&windows), msgs.clone());
        reading::start("details", store.clone(), Arc::clone(&details), msgs.clone());
        let (stop, tasks) = (CancellationToken::new(), TaskTracker::new());
        tasks.spawn_on(news::forward(store.snapshots(), msgs.clone(), stop.clone()), &options.runtime);
        let views = Arc::new(Views::load(&store, &options.profile));
        let _ = msgs.send(Msg::Views(views.all()));
        let (running, diagnostics) = (Running::default(), diag::Slots::default());
        let ways = (options.runtime.clone(), stop.clone(), tasks.clone());
        let consoles = Consoles::new(sources.clone(), options.operator.clone(), msgs.clone(), ways);
        Self {
            store,
            sources,
            msgs,
            options,
            windows,
            details,
            hands,
            views,
            running,
            diagnostics,
            consoles,
            stop,
            tasks,
        }
    }

    /// Ends what runs: bulks stop after the chunk at hand, and everything that was promised is on
    /// disk. Whether all ended within `grace`.
    pub async fn stop(self, grace: Duration) -> bool {
        self.stop.cancel();
        self.tasks.close();
        tokio::time::timeout(grace, self.tasks.wait()).await.is_ok()
    }

    /// Runs a task that [`Request::Cancel`] can end.
    fn spawn<F, Fut>(&self, id: RequestId, make: F) -> JoinHandle<()>
    where
        F: FnOnce(CancellationToken, UnboundedSender<Msg>) -> Fut,
        Fut: Future<Output = ()> + Send + 'static,
    {
        let (token, forget) = self.register(id);
        let work = make(token, self.msgs.clone());
        let task = async move {
            let _forget = forget;
            work.await;
        };
        self.tasks.spawn_on(task, &self.options.runtime)
    }

    fn register(&self, id: RequestId) -> (CancellationToken, Forget) {
        let token = self.stop.child_token();
        self.running.lock().unwrap_or_else(PoisonError::into_inner).insert(id, token.clone());
        (token, Forget { running: Arc::clone(&self.running), id })
    }

    fn cancel(&self, id: RequestId) {
        self.windows.cancel(id);
        self.details.cancel(id);
        if let Some(token) = self.running.lock().unwrap_or_else(PoisonError::into_inner).get(&id) {
            token.cancel();
        }
    }

    fn live(&self, id: RequestId, request: LiveRequest) {
        // The pane asks the profile, too; this is what holds.
        if matches!(request, LiveRequest::Secret { .. }) && !self.options.reveal_secrets {
            let why = format!("profile `{}` shows no secrets", self.options.profile);
            let _ = self.msgs.send(Msg::Live(id, Err(why)));
            return;
        }
        let sources = self.sources.clone();
        self.spawn(id, |stop, msgs| async move {
            tokio::select! {
                () = stop.cancelled() => {}
                answer = ask(&sources, request) => {
                    let _ = msgs.send(Msg::Live(id, answer));
                }
            }
        });
    }

    /// Only who owns the cache writes its journal; the others have their log.
    fn journal(&self, record: CommandRecord) {
        let words = record.errors.join("; ");
        if record.done < record.total {
            tracing::warn!(command = record.command, actor = record.actor, words, "console");
        } else {
            tracing::info!(command = record.command, actor = record.actor, words, "console");
        }
        if matches!(self.hands, Hands::Own(_)) {
            drop(self.store.journal().append(vec![Record::Command(record)]));
        }
    }

    fn stored(&self, id: RequestId) {
        let sources = self.sources.clone();
        self.spawn(id, |stop, msgs| async move {
            let servers = sources.iter().filter(|s| s.is_acs());
            let asked = servers.map(|s| async move { (s.name().clone(), s.stored().await) });
            tokio::select! {
                () = stop.cancelled() => {}
                lists = futures_util::future::join_all(asked) => {
                    let _ = msgs.send(Msg::Stored(id, lists));
                }
            }
        });
    }

    fn silences(&self, id: RequestId) {
        let sources = self.sources.clone();
        self.spawn(id, |stop, msgs| async move {
            tokio::select! {
                () = stop.cancelled() => {}
                lists = silences::lists(&sources) => {
                    let _ = msgs.send(Msg::Silences(id, lists));
                }
            }
        });
    }

    fn diag(&self, id: RequestId, request: DiagRequest) {
        let slots = self.diagnostics.clone();
        self.spawn(id, |stop, msgs| async move {
            let tell = |news| {
                let _ = msgs.send(Msg::Diag(id, news));
            };
            slots.run(request, stop, &tell).await;
        });
    }

    fn export_diag(&self, id: RequestId, request: DiagExport) {
        let msgs = self.msgs.clone();
        let work = move || {
            let _ = msgs.send(Msg::Done(id, diag::export(&request)));
        };
        let ended = self.tasks.spawn_blocking_on(work, &self.options.runtime);
        self.mourn(id, "export", ended);
    }

    fn export(&self, id: RequestId, request: ExportRequest) {
        let (stop, forget) = self.register(id);
        let (store, msgs) = (self.store.clone(), self.msgs.clone());
        let work = move || {
            let _forget = forget;
            let progress = |done, total| {
                let _ = msgs.send(Msg::Progress(id, done, total));
            };
            let result = store
                .reader()
                .map_err(export::ExportError::Read)
                .and_then(|mut reader| export::export(&mut reader, &request, &stop, &progress));
            let _ = msgs.send(Msg::Done(id, export::outcome(&request, result)));
        };
        let ended = self.tasks.spawn_blocking_on(work, &self.options.runtime);
        self.mourn(id, "export", ended);
    }

    fn report(&self, id: RequestId, request: ReportRequest) {
        let (_, forget) = self.register(id);
        let (store, msgs) = (self.store.clone(), self.msgs.clone());
        let work = move || {
            let _forget = forget;
            let result = store
                .reader()
                .map_err(report::ReportError::Read)
                .and_then(|mut reader| report::to_file(&mut reader, &request));
            let _ = msgs.send(Msg::Done(id, report::outcome(&request, result)));
        };
        let ended = self.tasks.spawn_blocking_on(work, &self.options.runtime);
        self.mourn(id, "job.export", ended);
    }

    /// Tells that a command died, so that nobody waits for its outcome for ever.
    fn mourn(&self, id: RequestId, command: &'static str, ended: JoinHandle<()>) {
        let msgs = self.msgs.clone();
        let watch = async move {
            if ended.await.is_err_and(|e| e.is_panic()) {
                tracing::error!(command, "command died");
                let summary = format!("{command} died; what it had done by then stays done, see the log");
                let errors = vec![(command.to_owned(), summary.clone())];
                let outcome = Outcome { command: command.to_owned(), summary, errors, ..Outcome::default() };
                let _ = msgs.send(Msg::Done(id, outcome));
            }
        };
        self.tasks.spawn_on(watch, &self.options.runtime);
    }

    fn execute(&self, id: RequestId, request: Request) {
        let (hands, operator) = (self.hands.clone(), self.options.operator.clone());
        let command = if let Request::Execute(_, intent) = &request { intent.command } else { "undo" };
        let ended = self.spawn(id, |stop, msgs| async move {
            let news = msgs.clone();
            let progress = move |done, total| {
                let _ = news.send(Msg::Progress(id, done, total));
            };
            let outcome = match request {
                Request::Execute(_, intent) => hands.run(intent, &stop, &progress).await,
                Request::Undo(_, batch) => hands.undo(batch, &operator, &stop, &progress).await,
                _ => return,
            };
            let _ = msgs.send(Msg::Done(id, outcome));
        });
        self.mourn(id, command, ended);
    }
}

impl Backend for Bridge {
    fn send(&mut self, request: Request) {
        match request {
            Request::Data(id, data) => match &data {
                DataRequest::Page(_) | DataRequest::Tree(_) => self.windows.push(id, Job::Data(data)),
                _ => self.details.push(id, Job::Data(data)),
            },
            Request::Plan(id, intent) if asks::is(intent.command) => {
                let (store, sources) = (self.store.clone(), self.sources.clone());
                self.spawn(id, |stop, msgs| async move {
                    tokio::select! {
                        () = stop.cancelled() => {}
                        plan = asks::plan(&store, &sources, &intent) => {
                            let _ = msgs.send(Msg::Planned(id, plan));
                        }
                    }
                });
            }
            Request::Stored(id) => self.stored(id),
            Request::Silences(id) => self.silences(id),
            Request::Journal(record) => self.journal(record),
            Request::Plan(id, intent) => self.details.push(id, Job::Plan(intent)),
            Request::Cancel(id) => self.cancel(id),
            Request::Execute(id, _) | Request::Undo(id, _) => self.execute(id, request),
            Request::Live(id, live) => self.live(id, live),
            Request::Diag(id, request) => self.diag(id, request),
            Request::Console(id, request) => self.consoles.send(id, request),
            Request::DiagExport(id, request) => self.export_diag(id, request),
            Request::Export(id, export) => self.export(id, export),
            Request::Report(id, report) => self.report(id, report),
            Request::Remember { key, value } => self.store.remember(&ui_key(&self.options.profile, &key), &value),
            Request::SaveView(view) => {
                let _ = self.msgs.send(Msg::Views(self.views.save(&self.store, view)));
            }
            Request::DropView(view) => {
                let _ = self.msgs.send(Msg::Views(self.views.drop_view(&self.store, &view)));
            }
        }
    }
}

impl Drop for Bridge {
    fn drop(&mut self) {
        self.stop.cancel();
        self.windows.close();
        self.details.close();
    }
}

/// Takes a request out of the table of what runs, however it ends.
struct Forget {
    running: Running,
    id: RequestId,
}

impl Drop for Forget {
    fn drop(&mut self) {
        self.running.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.id);
    }
}

/// Asks the source of a node.
async fn ask(sources: &Sources, request: LiveRequest) -> Result<Vec<LiveSection>, String> {
    match sources.of(request.about()) {
        Some(source) => source.live(request).await,
        None => Err(format!("{} belongs to no source of this configuration", text::clean(request.about()))),
    }
}
