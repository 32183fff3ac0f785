//! The owner's end: takes what other processes want done, one thing at a time for each of them.
//!
//! A peer that is slow, silent or gone costs its own connection and nothing else: what it asked for
//! runs in a task of its own, progress is only ever the newest, and every write has a deadline. A
//! peer that goes away in the middle ends what it asked for, as if it had done it itself.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;
use futures_util::{SinkExt as _, StreamExt as _};
use tokio::net::UnixStream;
use tokio::sync::mpsc::UnboundedSender;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};
use tokio_util::codec::{Framed, LengthDelimitedCodec};
use tokio_util::sync::CancellationToken;

use crate::app::effect::{Level, Toast};
use crate::app::message::Msg;
use crate::model::command::{Intent, Outcome};
use crate::model::ids::ActionId;
use crate::model::text;
use crate::store::Store;
use crate::workers::actions::{Executor, Progress};
use crate::workers::source::Sources;
use crate::workers::supervisor::Supervisor;

use super::socket::{Error, Listening, ours};
use super::wire::{About, Ask, JobLine, PROTOCOL, Status, Tell, codec, pack, unpack};

/// Processes served at a time.
const MOST: usize = 64;
/// How long a peer has for its first frame, and to take one of ours.
const PATIENCE: Duration = Duration::from_secs(5);
/// Least time between two words about progress.
const PACE: Duration = Duration::from_millis(100);
/// A sign of life is given at least so often while something runs.
pub(super) const ALIVE: Duration = Duration::from_secs(5);
/// Pause after the system gave no connection (too many open files).
const PAUSE: Duration = Duration::from_millis(500);

/// What the owner does for others.
pub trait Work: Send + Sync + 'static {
    /// The static name of a command.
    fn known(&self, command: &str) -> Option<&'static str>;
    /// Runs an intent.
    fn run(&self, intent: Intent, stop: CancellationToken, progress: Arc<dyn Progress>) -> BoxFuture<'static, Outcome>;
    /// Takes a batch back.
    fn undo(
        &self,
        batch: ActionId,
        actor: String,
        stop: CancellationToken,
        progress: Arc<dyn Progress>,
    ) -> BoxFuture<'static, Outcome>;
    /// Names of the sources, and jobs that are not over. May block.
    fn doing(&self) -> (Vec<String>, Vec<JobLine>);
}

/// The owner of a cache.
#[derive(Debug, Clone)]
pub struct Owner {
    /// The cache.
    pub store: Store,
    /// Its sources.
    pub sources: Sources,
    /// What runs intents.
    pub executor: Executor,
    /// Finds a command by its id.
    pub known: fn(&str) -> Option<&'static str>,
}

impl Work for Owner {
    fn known(&self, command: &str) -> Option<&'static str> {
        (self.known)(command)
    }

    fn run(&self, intent: Intent, stop: CancellationToken, progress: Arc<dyn Progress>) -> BoxFuture<'static, Outcome> {
        let executor = self.executor.clone();
        Box::pin(async move { executor.run(intent, &stop, &|done, total| progress(done, total)).await })
    }

    fn undo(
        &self,
        batch: ActionId,
        actor: String,
        stop: CancellationToken,
        progress: Arc<dyn Progress>,
    ) -> BoxFuture<'static, Outcome> {
        let executor = self.executor.clone();
        Box::pin(async move { executor.undo(batch, &actor, &stop, &|done, total| progress(done, total)).await })
    }

    fn doing(&self) -> (Vec<String>, Vec<JobLine>) {
        let sources = self.sources.iter().map(|s| s.name().to_string()).collect();
        let jobs = self.store.reader().and_then(|mut r| r.open_jobs()).unwrap_or_else(|error| {
            tracing::warn!(%error, "the jobs cannot be told");
            Vec::new()
        });
        let line = |(id, header): (crate::model::job::JobId, crate::engine::job::Header)| JobLine {
            id: id.to_string(),
            name: header.request.as_ref().map(|r| r.name.clone()).unwrap_or_default(),
            phase: header.phase.word().to_owned(),
            through: header.counts.through(),
            total: header.counts.total,
        };
        (sources, jobs.into_iter().map(line).collect())
    }
}

/// Listens beside `cache`; only its owner may. Ends with `supervisor`.
///
/// # Errors
/// When there can be no socket.
pub fn start(
    supervisor: &Supervisor,
    cache: &Path,
    about: About,
    work: Arc<dyn Work>,
    msgs: &UnboundedSender<Msg>,
) -> Result<(), Error> {
    let listening = Arc::new(Listening::start(cache)?);
    let post = Post { about, work, msgs: msgs.clone() };
    let stop = supervisor.stopping();
    supervisor.spawn("relay", move || listen(Arc::clone(&listening), post.clone(), stop.clone()));
    Ok(())
}

/// What every connection needs.
#[derive(Clone)]
struct Post {
    about: About,
    work: Arc<dyn Work>,
    msgs: UnboundedSender<Msg>,
}

async fn listen(listening: Arc<Listening>, post: Post, stop: CancellationToken) {
    let mut peers = JoinSet::new();
    loop {
        tokio::select! {
            () = stop.cancelled() => break,
            Some(_) = peers.join_next() => {}
            taken = listening.listener.accept() => match taken {
                Ok((stream, _)) if peers.len() < MOST => {
                    peers.spawn(greet(stream, post.clone(), stop.clone()));
                }
                Ok(_) => tracing::warn!("a process was turned away: {MOST} are connected already"),
                Err(error) => {
                    tracing::warn!(%error, "no connection could be taken");
                    sleep(PAUSE).await;
                }
            },
        }
    }
    // Each tells its peer how far it came.
    while peers.join_next().await.is_some() {}
}

type Wire = Framed<UnixStream, LengthDelimitedCodec>;

async fn greet(stream: UnixStream, post: Post, stop: CancellationToken) {
    if let Err(error) = ours(&stream, Path::new("the control socket")) {
        tracing::warn!(%error, "a connection was refused");
        return;
    }
    let mut wire = Framed::new(stream, codec());
    let Ok(Some(first)) = timeout(PATIENCE, hear(&mut wire)).await else { return };
    let Ask::Hello { protocol, pid } = first else { return };
    // Said even to another version: this frame is the same in all of them.
    if !say(&mut wire, &Tell::Hello(post.about.clone())).await || protocol != PROTOCOL {
        return;
    }
    Peer { pid, wire, post, stop }.serve().await;
}

/// The next message; `None` when the peer is gone or says what is none.
async fn hear(wire: &mut Wire) -> Option<Ask> {
    let frame = wire.next().await?.ok()?;
    let ask = unpack(&frame);
    if ask.is_none() {
        tracing::warn!(bytes = frame.len(), "a process said what is no message");
    }
    ask
}

/// Says something. Whether the peer took it in time.
async fn say(wire: &mut Wire, what: &Tell) -> bool {
    let Some(frame) = pack(what) else { return false };
    matches!(timeout(PATIENCE, wire.send(frame)).await, Ok(Ok(())))
}

/// Another process.
struct Peer {
    pid: u32,
    wire: Wire,
    post: Post,
    stop: CancellationToken,
}

impl Peer {
    async fn serve(mut self) {
        loop {
            let ask = tokio::select! {
                () = self.stop.cancelled() => return,
                ask = hear(&mut self.wire) => ask,
            };
            let goes_on = match ask {
                None | Some(Ask::Hello { .. }) => false,
                Some(Ask::Status) => self.status().await,
                // It has ended before the word came.
                Some(Ask::Cancel) => true,
                Some(Ask::Run(wish)) => {
                    tracing::info!(pid = self.pid, ?wish, "asked by another process");
                    let who = wish.actor().to_owned();
                    let work = Arc::clone(&self.post.work);
                    match wish.intent(|command| work.known(command)) {
                        Ok(intent) => self.work(who, |stop, told| work.run(intent, stop, told)).await,
                        Err(why) => say(&mut self.wire, &Tell::Refused(why)).await,
                    }
                }
                Some(Ask::Undo { batch, actor }) => {
                    let work = Arc::clone(&self.post.work);
                    self.work(actor.clone(), |stop, told| work.undo(batch, actor, stop, told)).await
                }
            };
            if !goes_on {
                return;
            }
        }
    }

    async fn status(&mut self) -> bool {
        let work = Arc::clone(&self.post.work);
        let (sources, jobs) = crate::workers::blocking(move || work.doing()).await.unwrap_or_default();
        say(&mut self.wire, &Tell::Status(Status { about: self.post.about.clone(), sources, jobs })).await
    }

    /// Runs something for the peer, telling how far it is. Whether the peer is still there.
    async fn work(
        &mut self,
        who: String,
        begin: impl FnOnce(CancellationToken, Arc<dyn Progress>) -> BoxFuture<'static, Outcome>,
    ) -> bool {
        if !say(&mut self.wire, &Tell::Taken).await {
            return false;
        }
        let stop = self.stop.child_token();
        let (progress, mut told) = watch::channel((0, 0));
        let tell = move |done: u64, total: u64| {
            progress.send_replace((done, total));
        };
        let mut task = tokio::spawn(begin(stop.clone(), Arc::new(tell)));
        let mut there = true;
        let outcome = loop {
            let news = async {
                tokio::select! {
                    changed = told.changed() => if changed.is_err() { sleep(ALIVE).await },
                    () = sleep(ALIVE) => {}
                }
                sleep(PACE).await;
            };
            tokio::select! {
                ended = &mut task => break ended,
                heard = hear(&mut self.wire), if there => {
                    there = heard == Some(Ask::Cancel);
                    stop.cancel();
                }
                () = news, if there => {
                    let (done, total) = *told.borrow();
                    if !say(&mut self.wire, &Tell::Progress { done, total }).await {
                        there = false;
                        stop.cancel();
                    }
                }
            }
        };
        let Ok(outcome) = outcome else {
            tracing::error!(pid = self.pid, "what another process asked for died");
            let why = "it died; what it had done by then stays done, see the log".to_owned();
            let outcome = Outcome { summary: why.clone(), errors: vec![(String::new(), why)], ..Outcome::default() };
            return there && say(&mut self.wire, &Tell::Outcome(outcome.into())).await;
        };
        self.announce(&who, &outcome);
        there && say(&mut self.wire, &Tell::Outcome(outcome.into())).await
    }

    /// Tells the owner's own operator what others did here.
    fn announce(&self, who: &str, outcome: &Outcome) {
        let level = if outcome.errors.is_empty() { Level::Info } else { Level::Warn };
        let text = format!("{} (process {}): {}", text::clean(who), self.pid, text::clean(&outcome.summary));
        let _ = self.post.msgs.send(Msg::Toast(Toast::new(level, text)));
    }
}
