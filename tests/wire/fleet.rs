//! The fleet of a simulated GenieACS: how it comes into the cache, stays current, and stays when the
//! server is silent.

use std::collections::BTreeSet;
use std::path::Path;
use std::time::Duration;

use noctule::config::schema::{Config, Genieacs, SourceKind};
use noctule::controllers::genieacs::client::Client;
use noctule::controllers::genieacs::task::{ConnectionRequest, Setting, Task, TaskKind};
use noctule::controllers::genieacs::wire::{DeviceId, Scalar};
use noctule::model::cpe::{CpeRow, Online};
use noctule::model::page::Table;
use noctule::model::source::{Breaker, Health, SourceReport};
use noctule::sim::genieacs::{Acs, AcsControl, AcsOptions, RunningAcs};

use super::rig::{Console, folder, targets, until};

/// An ACS of forty CPEs in which nothing happens by itself.
struct Rig {
    acs: RunningAcs,
    control: AcsControl,
    client: Client,
    config: Config,
    _folder: tempfile::TempDir,
    path: std::path::PathBuf,
}

impl Rig {
    async fn start(change: impl FnOnce(&mut AcsOptions)) -> Self {
        let mut options = AcsOptions::still();
        change(&mut options);
        let acs = Acs::start(options).await.expect("an ACS");
        let source = acs.config();
        let SourceKind::Genieacs(settings) = &source.kind else { panic!("{source:?}") };
        let client = Client::new(&"other".into(), settings).expect("a client");
        let config = Config { sources: vec![source.clone()], ..Config::default() };
        let (folder, path) = folder();
        Self { control: acs.control(), acs, client, config, _folder: folder, path }
    }

    /// Polls only when it is told to.
    fn console(&self) -> Console {
        self.console_with(|acs| acs.poll_s = 86_400)
    }

    fn console_with(&self, change: impl FnOnce(&mut Genieacs)) -> Console {
        let mut config = self.config.clone();
        let SourceKind::Genieacs(settings) = &mut config.sources[0].kind else { panic!("another kind") };
        change(settings);
        Console::start(&config, Path::new(&self.path))
    }

    fn id(&self, n: usize) -> String {
        self.control.ids()[n].clone()
    }
}

fn cpes(console: &Console, filter: &str) -> Vec<CpeRow> {
    let mut reader = console.store.reader().expect("a reader");
    reader.cpes(&targets(Table::Cpes, filter), usize::MAX).expect("CPEs")
}

async fn until_cpes(console: &Console, filter: &str, n: usize) -> Vec<CpeRow> {
    until(&format!("{n} CPEs with {filter}"), || Some(cpes(console, filter)).filter(|rows| rows.len() == n)).await
}

fn cpe(console: &Console, id: &str) -> CpeRow {
    cpes(console, "").into_iter().find(|row| row.device_id == id).expect("the CPE")
}

async fn poll(console: &Console) -> Result<(), String> {
    console.sources.get("acs").expect("the source").poll_now().await
}

async fn until_report(console: &Console, what: &str, holds: impl Fn(&SourceReport) -> bool) -> SourceReport {
    let snapshots = console.store.snapshots();
    until(what, || {
        let sources = std::sync::Arc::clone(&snapshots.borrow().sources);
        sources.iter().map(|row| row.report.clone()).find(&holds)
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn all_of_it_comes_with_every_field() {
    let rig = Rig::start(|_| {}).await;
    let console = rig.console();
    let rows = until_cpes(&console, "", 40).await;
    let ids: BTreeSet<String> = rows.iter().map(|r| r.device_id.clone()).collect();
    assert_eq!(ids, rig.control.ids().into_iter().collect());
    for row in &rows {
        for text in [&row.serial, &row.manufacturer, &row.firmware, &row.hardware, &row.ip, &row.ssid] {
            assert!(!text.is_empty(), "{row:?}");
        }
        assert!(row.last_inform.is_set() && !row.leaves.is_empty(), "{row:?}");
    }
    let report = until_report(&console, "health", |r| r.health == Health::Up).await;
    assert_eq!((report.devices, report.version.starts_with("1.2.16")), (40, true), "{report:?}");
    console.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn informs_faults_and_values_arrive_with_the_next_look() {
    let rig = Rig::start(|_| {}).await;
    let id = rig.control.plug_in("HG8245H", "HWTC0BADCAFE").expect("a model");
    let console = rig.console();
    until_cpes(&console, "", 41).await;
    poll(&console).await.expect("a poll");
    let before = cpe(&console, &id);

    rig.control.advance(60.0);
    rig.control.session_now(&id);
    rig.control.advance(1.0);
    poll(&console).await.expect("a poll");
    let after = cpe(&console, &id);
    assert!(after.last_inform > before.last_inform, "{:?} {:?}", after.last_inform, before.last_inform);

    let ssid = "InternetGatewayDevice.LANDevice.1.WLANConfiguration.1.SSID";
    let device = DeviceId::new(id.as_str());
    let set = |name: &str| {
        let setting = Setting::new(ssid, Scalar::Text(name.to_owned()));
        Task::new(TaskKind::SetParameterValues(vec![setting]))
    };
    rig.client.post_task(&device, &set("Elsewhere"), ConnectionRequest::Yes).await.expect("an answer");
    poll(&console).await.expect("a poll");
    assert_eq!(cpe(&console, &id).ssid, "Elsewhere");

    rig.control.refuse_parameter(ssid, 9_007);
    rig.client.post_task(&device, &set("Refused"), ConnectionRequest::Yes).await.expect("an answer");
    poll(&console).await.expect("a poll");
    let faulted = cpe(&console, &id);
    assert_eq!((faulted.faults, faulted.ssid.as_str()), (1, "Elsewhere"));
    for fault in rig.client.faults(&noctule::controllers::genieacs::wire::Filter::all()).await.expect("faults") {
        rig.client.delete_fault(&fault.id).await.expect("deleted");
    }
    poll(&console).await.expect("a poll");
    assert_eq!(cpe(&console, &id).faults, 0);
    console.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn tags_set_elsewhere_are_seen_although_nobody_informs() {
    let rig = Rig::start(|_| {}).await;
    let console = rig.console();
    until_cpes(&console, "", 40).await;
    let id = DeviceId::new(rig.id(7));
    rig.client.tag(&id, "moved-in").await.expect("tagged");
    poll(&console).await.expect("a poll");
    assert_eq!(cpes(&console, "tags:moved-in").len(), 1);
    rig.client.untag(&id, "moved-in").await.expect("untagged");
    poll(&console).await.expect("a poll");
    assert!(cpes(&console, "tags:moved-in").is_empty());
    console.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_was_deleted_goes_and_who_is_new_comes() {
    let rig = Rig::start(|_| {}).await;
    let console = rig.console();
    until_cpes(&console, "", 40).await;
    let gone = rig.id(3);
    rig.client.delete_device(&DeviceId::new(gone.as_str())).await.expect("deleted");
    let new = rig.control.plug_in("EX3301-T0", "ZYXE00000001").expect("a model");
    poll(&console).await.expect("a poll");
    let ids: Vec<String> = cpes(&console, "").into_iter().map(|row| row.device_id).collect();
    assert!(!ids.contains(&gone) && ids.contains(&new) && ids.len() == 40, "{ids:?}");
    console.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_did_not_change_is_not_journalled_again() {
    let rig = Rig::start(|_| {}).await;
    let console = rig.console_with(|acs| (acs.poll_s, acs.full_s) = (86_400, 0));
    until_cpes(&console, "", 40).await;
    poll(&console).await.expect("a poll");
    let before = console.store.journal().last();
    poll(&console).await.expect("a full poll");
    // What is journalled is that the source is well, and no device.
    let entries = console.store.journal().read(before, 1_000).expect("the journal");
    let kinds: Vec<String> = entries.iter().map(|e| format!("{:?}", e.record)).collect();
    assert!(kinds.iter().all(|k| !k.contains("Cpe(")), "{kinds:?}");
    console.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dying_worker_costs_a_pause_and_no_row() {
    let rig = Rig::start(|options| (options.stepped, options.speed) = (false, 100.0)).await;
    let console = rig.console();
    until_cpes(&console, "", 40).await;
    let id = rig.id(0);
    rig.control.crash_worker();
    // The client waits for the worker's return by itself.
    poll(&console).await.expect("a poll after the restart");
    rig.control.session_now(&id);
    poll(&console).await.expect("a poll");
    assert_eq!(cpes(&console, "").len(), 40);
    until_report(&console, "health", |r| r.health == Health::Up).await;
    console.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_restarts_is_told_of_and_awaited() {
    let rig = Rig::start(|_| {}).await;
    let console = rig.console_with(|acs| acs.poll_s = 1);
    until_cpes(&console, "", 40).await;
    until_report(&console, "health", |r| r.health == Health::Up).await;
    rig.control.refuse_connections(true);
    let waiting = until_report(&console, "a restart", |r| r.health == Health::Degraded).await;
    assert_eq!(waiting.last_error, "worker restarting");
    assert_eq!(cpes(&console, "").len(), 40, "a silent server clears nothing");
    rig.control.refuse_connections(false);
    let up = until_report(&console, "health", |r| r.health == Health::Up).await;
    assert_eq!((up.devices, up.last_error.as_str()), (40, ""));
    console.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_is_gone_clears_nothing_and_opens_the_breaker() {
    let rig = Rig::start(|_| {}).await;
    let console = rig.console_with(|acs| acs.poll_s = 1);
    let rows = until_cpes(&console, "", 40).await;
    until_report(&console, "health", |r| r.health == Health::Up).await;
    let online = rows.iter().filter(|r| r.online == Online::Online).count();
    assert!(online > 20, "{online}");
    rig.acs.stop();
    let down = until_report(&console, "the breaker open", |r| r.breaker == Breaker::Open).await;
    assert_eq!(down.health, Health::Down);
    assert!(!down.last_error.is_empty(), "{down:?}");
    assert_eq!(cpes(&console, "").len(), 40, "a silent server clears nothing");
    console.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_frozen_server_is_no_reason_to_hang() {
    let rig = Rig::start(|_| {}).await;
    let console = rig.console();
    until_cpes(&console, "", 40).await;
    rig.control.freeze(true);
    let handle = console.sources.get("acs").expect("the source").clone();
    let mut waiting = tokio::spawn(async move { handle.poll_now().await });
    let early = tokio::time::timeout(Duration::from_millis(300), &mut waiting).await;
    assert!(early.is_err(), "{early:?}");
    // Meanwhile everything there is can be read.
    assert_eq!(cpes(&console, "").len(), 40);
    rig.control.freeze(false);
    waiting.await.expect("joined").expect("a poll");
    console.stop().await;
    rig.acs.stop();
}
