//! Appliances from the wire to rows, alarms and verbs: a simulated NoC Raven with its faults, the real
//! client, worker, tracker and store.

use noctule::config::schema::{Config, SourceKind};
use noctule::model::appliance::ApplianceRow;
use noctule::model::appliance::state::{Contact, ProcessState};
use noctule::model::command::{Intent, Outcome, Targets};
use noctule::model::log::LogRow;
use noctule::model::page::{Anchor, Data, DataRequest, Page, PageRequest, Rows, Scope, Table};
use noctule::sim::raven::{RavenControl, RavenOptions, RavenSim, RunningRaven};
use noctule::workers::{asks, now};

use crate::rig::{Console, folder, until};

pub(crate) struct Rig {
    _sim: RunningRaven,
    pub(crate) control: RavenControl,
    pub(crate) console: Console,
    _folder: tempfile::TempDir,
}

pub(crate) async fn rig() -> Rig {
    let options = RavenOptions { name: "hall-1".to_owned(), ports: true, ..RavenOptions::default() };
    let sim = RavenSim::start(options).await.expect("a simulator");
    let control = sim.control();
    control.store("fluent-bit", 5_000, 200);
    control.store("telegraf", 1_000, 180);
    let mut source = sim.config();
    let SourceKind::Raven(raven) = &mut source.kind else { panic!("{source:?}") };
    raven.poll_s = 1;
    let (folder, path) = folder();
    let console = Console::start(&Config { sources: vec![source], ..Config::default() }, &path);
    Rig { _sim: sim, control, console, _folder: folder }
}

impl Rig {
    fn row(&self) -> Option<ApplianceRow> {
        let targets = Targets::Names(Table::Appliances, vec!["hall-1".to_owned()]);
        self.console.store.reader().unwrap().appliances(&targets, 1).unwrap().into_iter().next()
    }

    pub(crate) async fn until(&self, what: &str, is: impl Fn(&ApplianceRow) -> bool) -> ApplianceRow {
        until(what, || self.row().filter(&is)).await
    }

    /// The newest rows of the log.
    pub(crate) fn log(&self) -> Vec<LogRow> {
        let request = PageRequest {
            table: Table::Log,
            scope: Scope::All,
            filter: None,
            below: None,
            sort: Vec::new(),
            anchor: Anchor::Start,
            limit: 500,
            new_since: None,
            now: now(),
        };
        match self.console.store.reader().unwrap().data(&DataRequest::Page(request)).unwrap() {
            Data::Page(Page { rows: Rows::Log(rows), .. }) => rows,
            other => panic!("{other:?}"),
        }
    }

    pub(crate) fn intent(command: &'static str, on: Targets, args: &[(&str, &str)]) -> Intent {
        let args = args.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
        Intent { command, targets: on, args, actor: "anna".into() }
    }

    pub(crate) async fn run(&self, command: &'static str, on: Targets, args: &[(&str, &str)]) -> Outcome {
        self.console.run(Self::intent(command, on, args)).await
    }
}

pub(crate) fn hall() -> Targets {
    Targets::Names(Table::Appliances, vec!["hall-1".to_owned()])
}

fn service(name: &str) -> Targets {
    Targets::Names(Table::Collectors, vec![format!("hall-1/collector/{name}")])
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_it_holds_is_a_row_and_its_silence_an_alarm_that_clears_nothing() {
    let rig = rig().await;
    let row = rig.until("an answer", |r| r.state.records == Some(6_000) && r.state.collectors.len() >= 4).await;
    assert_eq!(row.state.contact, Contact::Answering);
    let syslog = row.state.collector("fluent-bit").unwrap();
    assert_eq!((syslog.records, syslog.process), (Some(5_000), ProcessState::Running));
    assert!(syslog.ports.iter().all(|p| p.public_state == noctule::model::appliance::state::PortCheck::Listening));
    rig.control.answer_nothing(true);
    let row = rig.until("an answer that cannot be read", |r| r.state.contact == Contact::Unreadable).await;
    assert_eq!(row.state.records, Some(6_000), "what was known stays");
    rig.control.answer_nothing(false);
    rig.control.buffer_down(true);
    let row = rig.until("silence", |r| r.state.contact == Contact::Silent).await;
    assert_eq!(row.state.records, Some(6_000));
    rig.console.until_alarms("type=source.unreachable cleared=no", 1).await;
    rig.control.buffer_down(false);
    rig.until("an answer again", |r| r.state.contact == Contact::Answering).await;
    rig.console.until_alarms("type=source.unreachable cleared=no", 0).await;
    rig.console.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_configuration_is_changed_whole_and_never_into_one_that_kills() {
    let rig = rig().await;
    rig.until("its configuration", |r| r.state.enabled.is_some()).await;
    let set = [("set", "max_buffer_size_mb=2000\nservices.vector.retention_hours=24")];
    let wish = Rig::intent("buffer.config", hall(), &set);
    let plan = asks::plan(&rig.console.store, &rig.console.sources, &wish).await.unwrap();
    assert!(plan.diff.iter().any(|l| l == "+max_buffer_size_mb: 2000"), "{:?}", plan.diff);
    assert!(plan.diff.iter().any(|l| l.starts_with("-services.vector.retention_hours: 336")), "{:?}", plan.diff);
    let outcome = rig.run("buffer.config", hall(), &set).await;
    assert_eq!((outcome.done, outcome.total), (1, 1), "{outcome:?}");
    assert!(outcome.summary.contains("read back"), "{}", outcome.summary);
    rig.until("the new limit", |r| r.state.limit_bytes == Some(2_000 << 20)).await;
    for harm in ["max_buffer_size_mb=0", "cleanup_interval_minutes=0", "overflow_action=explode", "no_such_key=1"] {
        let outcome = rig.run("buffer.config", hall(), &[("set", harm)]).await;
        assert_eq!(outcome.done, 0, "{harm}: {outcome:?}");
    }
    // What the service has is whole, and it lives through its next start.
    assert!(rig.control.restart_buffer(), "it starts again");
    rig.until("the same limit", |r| r.state.limit_bytes == Some(2_000 << 20)).await;
    rig.console.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_dead_collector_behind_its_relay_is_told_and_restarted() {
    let rig = rig().await;
    rig.control.load("fluent-bit", 50.0, 200);
    rig.until("data", |r| r.state.collector("fluent-bit").is_some_and(|c| c.in_milli.is_some_and(|n| n > 0))).await;
    rig.control.collector("fluent-bit", false);
    let dead = |r: &ApplianceRow| {
        let c = r.state.collector("fluent-bit");
        c.is_some_and(|c| c.process == ProcessState::Stopped && c.ports.iter().any(|p| p.relay_without_collector()))
    };
    rig.until("a relay without its collector", dead).await;
    rig.console.until_alarms("type=service.down cleared=no", 1).await;
    rig.control.fail_restarts(true);
    let failed = rig.run("service.restart", service("fluent-bit"), &[]).await;
    assert_eq!(failed.done, 0, "{failed:?}");
    assert!(!rig.control.lives("fluent-bit"));
    rig.control.fail_restarts(false);
    let done = rig.run("service.restart", service("fluent-bit"), &[("force", "yes")]).await;
    assert_eq!(done.done, 1, "{done:?}");
    assert!(rig.control.lives("fluent-bit"));
    rig.console.until_alarms("type=service.down cleared=no", 0).await;
    rig.console.stop().await;
}
