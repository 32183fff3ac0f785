//! The first run: the demo, or a first source, tested before it is saved.

use std::sync::Arc;
use std::time::Duration;

use crossterm::event::Event;
use tokio::sync::mpsc;

use super::Start;
use super::args::DemoArgs;
use super::exit::{Code, Failure};
use crate::app::first_run::{Draft, DraftKind, FirstRun, Step};
use crate::app::tty::{Next, Tty};
use crate::config::schema::{Config, Source, SourceKind};
use crate::config::{self, Loaded, edit};
use crate::model::observation::Origin;
use crate::model::record::Record;
use crate::model::topology::NodeRow;
use crate::terminal::Caps;
use crate::workers::source::{Cache, Durable, Known, Sources};
use crate::workers::supervisor::Supervisor;

/// How the first screen ended.
enum Choice {
    Demo,
    Saved,
    Quit,
}

/// Shows the first screen and goes where it leads.
pub(super) fn run(start: &Start, loaded: &Loaded) -> Result<Code, Failure> {
    let caps = Caps::of_process(&loaded.config.ui);
    if start.global.screen.linear || !caps.full_screen {
        return Err(Failure::usage(format!(
            "there is no configuration yet: `noctule demo` shows a simulated network; `noctule config example > {}` \
             begins a file",
            loaded.dirs.config_file().display()
        )));
    }
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .map_err(|e| Failure::new(Code::Failed, format!("cannot start the runtime: {e}")))?;
    crossterm::style::force_color_output(true);
    let choice = runtime.block_on(screen(loaded, &caps))?;
    drop(runtime);
    match choice {
        Choice::Quit => Ok(Code::Done),
        Choice::Demo => super::demo::run(start, &DemoArgs::default()),
        Choice::Saved => super::dashboard::show(start, start.load()?, super::dashboard::First::Panes),
    }
}

async fn screen(loaded: &Loaded, caps: &Caps) -> Result<Choice, Failure> {
    let theme = super::dashboard::theme_of(loaded, caps)?;
    let mut tty = Tty::take(caps, std::path::Path::new("/dev/null"))?;
    let mut first = FirstRun::default();
    let (tests, mut results) = mpsc::unbounded_channel();
    loop {
        tty.draw(|frame| first.draw(frame, &theme, caps.glyphs()))?;
        tokio::select! {
            Some((draft, result)) = results.recv() => first.tested(draft, result),
            next = tty.next(false) => {
                let step = match next {
                    Next::Event(Event::Key(key)) => first.key(key),
                    Next::Event(Event::Paste(text)) => {
                        first.paste(&text);
                        Step::Stay
                    }
                    Next::Event(Event::Resize(columns, rows)) => {
                        tty.resize(columns, rows);
                        Step::Stay
                    }
                    Next::Event(_) | Next::Writable => Step::Stay,
                    Next::Gone => return Ok(Choice::Quit),
                };
                match step {
                    Step::Stay => {}
                    Step::Quit => return Ok(Choice::Quit),
                    Step::Demo => return Ok(Choice::Demo),
                    Step::Test(draft) => {
                        let tests = tests.clone();
                        tokio::spawn(async move {
                            let result = match source(&draft) {
                                Ok(source) => probe(source).await,
                                Err(why) => Err(why),
                            };
                            let _ = tests.send((draft, result));
                        });
                    }
                    Step::Save(draft) => match source(&draft).and_then(|s| save(loaded, &s)) {
                        Ok(()) => return Ok(Choice::Saved),
                        Err(why) => first.tested(draft, Err(why)),
                    },
                }
            }
        }
    }
}

fn save(loaded: &Loaded, source: &Source) -> Result<(), String> {
    edit::add_source(&loaded.dirs.config_file(), source).map_err(|e| e.to_string())
}

/// The source that a draft describes, held to the rules of the file it will be written to.
fn source(draft: &Draft) -> Result<Source, String> {
    let mut table = toml::Table::new();
    let mut put = |key: &str, value: toml::Value| table.insert(key.to_owned(), value);
    put("name", draft.name.as_str().into());
    match draft.kind {
        DraftKind::Voltha => {
            put("kind", "voltha".into());
            put("grpc", draft.address.as_str().into());
        }
        DraftKind::Genieacs => {
            put("kind", "genieacs".into());
            put("nbi", draft.address.as_str().into());
            if !draft.fs.is_empty() {
                put("fs", draft.fs.as_str().into());
            }
        }
        DraftKind::Raven => {
            put("kind", "raven".into());
            put("buffer", draft.address.as_str().into());
            if !draft.config.is_empty() {
                put("config", draft.config.as_str().into());
            }
            if !draft.ssh.is_empty() {
                put("ssh", toml::Table::from_iter([("host".to_owned(), draft.ssh.as_str().into())]).into());
            }
        }
        DraftKind::Prometheus => {
            put("kind", "prometheus".into());
            put("url", draft.address.as_str().into());
        }
        DraftKind::Alertmanager => {
            put("kind", "alertmanager".into());
            put("url", draft.address.as_str().into());
            if !draft.prometheus.is_empty() {
                put("prometheus", draft.prometheus.as_str().into());
            }
        }
    }
    if !draft.ca.is_empty() {
        put("tls", toml::Table::from_iter([("ca".to_owned(), draft.ca.as_str().into())]).into());
    }
    let brokers: Vec<toml::Value> =
        draft.kafka.split(',').map(str::trim).filter(|b| !b.is_empty()).map(Into::into).collect();
    if !brokers.is_empty() {
        let mut kafka = toml::Table::from_iter([("brokers".to_owned(), brokers.into())]);
        if !draft.topic.is_empty() {
            kafka.insert("topic".to_owned(), draft.topic.as_str().into());
        }
        put("kafka", kafka.into());
    }
    let text =
        toml::to_string(&toml::Table::from_iter([("source".to_owned(), toml::Value::Array(vec![table.into()]))]));
    let config = config::check_text("form", &text.map_err(|e| e.to_string())?).map_err(|e| e.to_string())?;
    config.sources.into_iter().next().ok_or_else(|| "the form is empty".to_owned())
}

/// Tries to reach a source with the very worker that would watch it, over a cache that keeps
/// nothing.
async fn probe(mut source: Source) -> Result<String, String> {
    match &mut source.kind {
        SourceKind::Voltha(voltha) => voltha.paused = true,
        SourceKind::Genieacs(acs) => acs.paused = true,
        SourceKind::Raven(raven) => raven.paused = true,
        SourceKind::Prometheus(p) => p.paused = true,
        SourceKind::Alertmanager(a) => a.paused = true,
        SourceKind::Libvirt(host) => host.paused = true,
    }
    let name = source.name.clone();
    let (msgs, _news) = mpsc::unbounded_channel();
    let supervisor = Supervisor::new(tokio::runtime::Handle::current(), msgs.clone());
    let config = Config { sources: vec![source], ..Config::default() };
    let sources = Sources::start(&config, Nowhere, Arc::default(), &supervisor, &msgs);
    let result = match sources.get(&name) {
        Some(handle) => handle.test().await,
        None => Err(format!("{name}: no worker was started")),
    };
    supervisor.stop(Duration::from_secs(1)).await;
    result
}

/// A cache that keeps nothing.
#[derive(Debug)]
struct Nowhere;

impl Cache for Nowhere {
    fn append(&self, _: Vec<Record>) -> Durable {
        Box::pin(std::future::ready(Ok(())))
    }

    fn offsets(&self, _: &str) -> Result<Vec<Origin>, String> {
        Ok(Vec::new())
    }

    fn known(&self, _: &str) -> Result<Vec<Known>, String> {
        Ok(Vec::new())
    }

    fn node(&self, _: &str) -> Result<Option<NodeRow>, String> {
        Ok(None)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_draft_of_each_kind_becomes_a_source() {
        let acs = Draft {
            kind: DraftKind::Genieacs,
            name: "acs-1".into(),
            address: "http://127.0.0.1:7557".into(),
            fs: "http://127.0.0.1:7567".into(),
            ..Draft::default()
        };
        let SourceKind::Genieacs(config) = source(&acs).expect("a source").kind else { panic!("another kind") };
        assert_eq!(
            (config.nbi.as_str(), config.fs.as_deref()),
            ("http://127.0.0.1:7557", Some("http://127.0.0.1:7567"))
        );
        let voltha = Draft { name: "v".into(), address: "http://127.0.0.1:50057".into(), ..Draft::default() };
        assert!(matches!(source(&voltha).expect("a source").kind, SourceKind::Voltha(_)));
    }
}
