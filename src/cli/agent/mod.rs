//! `noctule agent`: the background workers without a screen. Sources are polled, clocks of alarms
//! served and jobs run until it is told to end; one line on standard error for each notable event.
//!
//! It never works beside another owner of the cache: it waits until that one ends, and takes over.

mod metrics;
mod news;
mod notify;
mod status;

use tokio::runtime::Runtime;
use tokio::signal::unix::{Signal, SignalKind, signal};

use super::Start;
use super::args::AgentArgs;
use super::exit::{Code, Failure};
use super::live::{Live, Role};
use crate::config::Loaded;
use crate::model::text::counted;
use crate::store;
use crate::workers::now;
use crate::workers::relay::Client;
use news::{Journal, Level, News};
use notify::Notify;

/// Runs the agent, or tells of the one that runs.
pub(super) fn run(start: &Start, args: &AgentArgs) -> Result<Code, Failure> {
    let mut loaded = start.load()?;
    if args.status {
        return status::run(&loaded, args.json);
    }
    if loaded.sources().next().is_none() {
        return Err(Failure::usage(
            "there is nothing to do: no source is configured (noctule config example shows one)",
        ));
    }
    let _log = start.log(&mut loaded)?;
    let lines = Journal::of(&start.vars);
    lines.notes(&loaded.notes);
    let manager = Notify::of(&start.vars);
    loop {
        if !wait(&loaded, &lines, &manager)? {
            return Ok(Code::Done);
        }
        let mut live = match Live::start(&loaded, Role::Agent) {
            Ok(live) => live,
            // Another one was faster and is still making the cache.
            Err(_) if store::owner(&loaded.cache_path())?.is_some() => continue,
            Err(failure) => return Err(failure),
        };
        if !live.opened.owner {
            live.stop();
            continue;
        }
        let worked = serve_metrics(args, &live, &lines).and_then(|()| work(&loaded, &mut live, &lines, &manager));
        manager.tell("STOPPING=1");
        live.stop();
        lines.line(Level::Notice, "ended");
        return worked.map(|()| Code::Done);
    }
}

/// Begins to serve metrics, when that was asked for.
fn serve_metrics(args: &AgentArgs, live: &Live, lines: &Journal) -> Result<(), Failure> {
    let Some(address) = args.metrics else { return Ok(()) };
    let listener = live.runtime.block_on(metrics::listen(address))?;
    let told = listener.local_addr().unwrap_or(address);
    lines.line(Level::Notice, &format!("metrics at http://{told}/metrics"));
    live.runtime.spawn(metrics::serve(listener, live.store.clone(), now(), live.supervisor.stopping()));
    Ok(())
}

/// Waits until nobody owns the cache. Whether to go on: not when told to end meanwhile.
fn wait(loaded: &Loaded, lines: &Journal, manager: &Notify) -> Result<bool, Failure> {
    let Some(owner) = store::owner(&loaded.cache_path())? else { return Ok(true) };
    let who = owner.map_or_else(|| "another noctule".to_owned(), |pid| format!("process {pid}"));
    let text = format!("{who} owns this cache and does the work: waiting until it ends");
    lines.line(Level::Notice, &text);
    manager.tell(&format!("READY=1\nSTATUS={text}"));
    let runtime = quiet()?;
    runtime.block_on(async {
        let mut end = End::listen()?;
        let client = Client::new(&loaded.cache_path());
        tokio::select! {
            () = client.gone() => Ok(true),
            () = end.told() => Ok(false),
        }
    })
}

/// A runtime for waiting.
fn quiet() -> Result<Runtime, Failure> {
    Ok(tokio::runtime::Builder::new_current_thread().enable_all().build()?)
}

/// Works until told to end.
fn work(loaded: &Loaded, live: &mut Live, lines: &Journal, manager: &Notify) -> Result<(), Failure> {
    lines.notes(&live.notes());
    let sources = counted(live.sources.len() as u64, "source", "sources");
    let text = format!("process {} works on {sources}, cache {}", std::process::id(), loaded.cache_path().display());
    lines.line(Level::Notice, &text);
    manager.tell(&format!("READY=1\nSTATUS={text}"));
    let mut news = News::new(live.store.reader()?);
    let mut snapshots = live.store.snapshots();
    let Live { runtime, news: msgs, .. } = live;
    runtime.block_on(async {
        let mut end = End::listen()?;
        loop {
            let snapshot = snapshots.borrow_and_update().clone();
            for (level, text) in news.of_snapshot(&snapshot) {
                lines.line(level, &text);
            }
            if let Some(status) = news.status(&snapshot) {
                manager.tell(&format!("STATUS={status}"));
            }
            let next = async {
                // What changes within this span is told in one go, then the next change is waited for.
                tokio::time::sleep(news::PACE).await;
                snapshots.changed().await
            };
            let mut next = std::pin::pin!(next);
            loop {
                tokio::select! {
                    () = end.told() => return Ok(()),
                    msg = msgs.recv() => match msg.as_ref().and_then(news::of_message) {
                        Some((level, text)) => lines.line(level, &text),
                        None if msg.is_none() => return Ok(()),
                        None => {}
                    },
                    changed = &mut next => match changed {
                        Ok(()) => break,
                        Err(_) => return Ok(()),
                    },
                }
            }
        }
    })
}

/// The signals that end it.
struct End {
    terminate: Signal,
    interrupt: Signal,
    hang_up: Signal,
}

impl End {
    fn listen() -> std::io::Result<Self> {
        Ok(Self {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
            hang_up: signal(SignalKind::hangup())?,
        })
    }

    async fn told(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
            _ = self.hang_up.recv() => {}
        }
    }
}
