//! A simulated Alertmanager and its Prometheus: how their alerts come into the cache as alarms, what
//! clears them and what does not, silences made and ended by noctule's own commands.

use std::path::PathBuf;
use std::sync::Arc;

use noctule::config::schema::{Config, SourceKind};
use noctule::model::alarm::{AlarmRow, Visibility};
use noctule::model::command::{Args, Intent, LiveRequest, Targets};
use noctule::model::observation::ClearReason;
use noctule::model::page::{Anchor, Data, DataRequest, PageRequest, Scope, Table, Total};
use noctule::model::query::Query;
use noctule::model::severity::Severity;
use noctule::model::silence::{SilenceList, SilenceState};
use noctule::model::source::Health;
use noctule::model::time::{HOUR, Ts};
use noctule::sim::prometheus::{AlertsOptions, AlertsSim, RunningAlerts, SimRule};
use noctule::workers::actions::Executor;
use noctule::workers::{asks, silences};
use tokio_util::sync::CancellationToken;

use super::rig::{Console, folder, until};

const DOWN: &[(&str, &str)] =
    &[("alertname", "OLTDown"), ("instance", "10.0.0.1:9100"), ("olt", "olt-001"), ("severity", "critical")];
const LOS: &[(&str, &str)] = &[("alertname", "PonLos"), ("olt", "olt-001"), ("pon", "1/1/3"), ("severity", "major")];

struct Rig {
    sim: RunningAlerts,
    config: Config,
    _folder: tempfile::TempDir,
    path: PathBuf,
}

impl Rig {
    async fn start() -> Self {
        Self::of(Vec::new()).await
    }

    /// Polls only when it is told to.
    async fn of(rules: Vec<SimRule>) -> Self {
        let sim =
            AlertsSim::start(AlertsOptions { rules, speed: 1.0, ..AlertsOptions::default() }).await.expect("servers");
        let mut source = sim.config();
        let SourceKind::Alertmanager(settings) = &mut source.kind else { panic!("another kind") };
        settings.poll_s = 86_400;
        let (folder, path) = folder();
        Self { sim, config: Config { sources: vec![source], ..Config::default() }, _folder: folder, path }
    }

    fn console(&self) -> Console {
        Console::start(&self.config, &self.path)
    }
}

async fn poll(console: &Console) {
    console.sources.get("alerts").expect("the source").poll_now().await.expect("a poll");
}

fn alarms(console: &Console) -> Vec<AlarmRow> {
    let mut rows = Vec::new();
    let all = Targets::Filter { table: Table::Alarms, scope: Scope::All, filter: None, below: None, except: [].into() };
    let mut reader = console.store.reader().expect("a reader");
    reader
        .each_alarm(&all, &mut |row| {
            rows.push(row.clone());
            std::ops::ControlFlow::Continue(())
        })
        .expect("alarms");
    rows
}

fn alarm(console: &Console, type_id: &str) -> AlarmRow {
    let found = alarms(console).into_iter().find(|row| row.type_id == type_id);
    found.unwrap_or_else(|| panic!("no alarm {type_id}"))
}

fn intent(command: &'static str, targets: Targets, args: &[(&str, &str)]) -> Intent {
    let args: Args = args.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
    Intent { command, targets, args, actor: "anna".into() }
}

async fn run(console: &Console, intent: Intent) -> noctule::model::command::Outcome {
    let executor = Executor::new(console.store.clone(), console.sources.clone(), console.jobs.clone());
    executor.run(intent, &CancellationToken::new(), &|_, _| ()).await
}

#[tokio::test(flavor = "multi_thread")]
async fn alerts_become_alarms_and_clear_after_two_polls_without_them() {
    let rig = Rig::start().await;
    rig.sim.fire(DOWN, &[("summary", "OLT olt-001 unreachable")]);
    rig.sim.fire(LOS, &[]);
    let console = rig.console();
    poll(&console).await;
    let down = alarm(&console, "OLTDown");
    assert_eq!((down.severity, down.text.as_str()), (Severity::Critical, "OLT olt-001 unreachable"));
    assert_eq!((down.canonical.as_str(), down.qualifier.as_str()), ("alerts/object/olt-001", "instance=10.0.0.1:9100"));
    assert!(down.raised_at.is_set() && !down.cleared);
    assert_eq!(alarm(&console, "PonLos").text, "Pon los");

    // Nothing changed: nothing is journalled.
    let before = alarm(&console, "OLTDown");
    poll(&console).await;
    assert_eq!(alarm(&console, "OLTDown").dup_count, before.dup_count);

    rig.sim.resolve(DOWN);
    poll(&console).await;
    assert!(!alarm(&console, "OLTDown").cleared, "one poll without it is not enough");
    poll(&console).await;
    let over = alarm(&console, "OLTDown");
    assert_eq!((over.cleared, over.clear_reason), (true, ClearReason::Source));
    assert!(!alarm(&console, "PonLos").cleared);

    rig.sim.fire(DOWN, &[("summary", "again")]);
    poll(&console).await;
    let again = alarm(&console, "OLTDown");
    assert_eq!((again.cleared, again.occurrences, again.text.as_str()), (false, 2, "again"));
    console.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_silent_or_restarted_server_clears_nothing() {
    let rig = Rig::start().await;
    rig.sim.fire(DOWN, &[]);
    let console = rig.console();
    poll(&console).await;

    rig.sim.down(true);
    for _ in 0..3 {
        let failed = console.sources.get("alerts").expect("the source").poll_now().await;
        assert!(failed.is_err());
    }
    assert!(!alarm(&console, "OLTDown").cleared);
    let sources = console.store.snapshots();
    until("the source is down", || {
        let rows = std::sync::Arc::clone(&sources.borrow().sources);
        rows.iter().any(|r| r.report.health == Health::Down).then_some(())
    })
    .await;

    rig.sim.down(false);
    rig.sim.restart();
    console.sources.get("alerts").expect("the source").reset_breaker().await.expect("reset");
    for _ in 0..3 {
        poll(&console).await;
    }
    assert!(!alarm(&console, "OLTDown").cleared, "what it has not gathered again is not over");
    rig.sim.started(Ts(0));
    poll(&console).await;
    poll(&console).await;
    assert!(alarm(&console, "OLTDown").cleared, "after its grace it is");
    console.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_gone_while_nobody_looked_clears_after_a_restart_of_the_console() {
    let rig = Rig::start().await;
    rig.sim.fire(DOWN, &[]);
    rig.sim.fire(LOS, &[]);
    let console = rig.console();
    poll(&console).await;
    let dups = alarm(&console, "PonLos").dup_count;
    console.stop().await;
    rig.sim.resolve(DOWN);
    let console = rig.console();
    poll(&console).await;
    poll(&console).await;
    assert!(alarm(&console, "OLTDown").cleared);
    let los = alarm(&console, "PonLos");
    assert_eq!((los.cleared, los.dup_count), (false, dups), "what stayed is not told again");
    console.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_inhibited_is_suppressed_and_explained() {
    let rig = Rig::start().await;
    rig.sim.inhibit("OLTDown", &["PonLos"], "olt");
    rig.sim.fire(LOS, &[]);
    let console = rig.console();
    poll(&console).await;
    assert_eq!(alarm(&console, "PonLos").visibility, Visibility::Visible);
    rig.sim.fire(DOWN, &[]);
    poll(&console).await;
    let los = alarm(&console, "PonLos");
    assert_eq!((los.visibility, los.cleared), (Visibility::Suppressed, false));
    let detail = detail(&console, &los);
    assert!(detail.row.suppressed_by.starts_with("inhibited by alert "), "{}", detail.row.suppressed_by);
    rig.sim.resolve(DOWN);
    poll(&console).await;
    assert_eq!(alarm(&console, "PonLos").visibility, Visibility::Visible);
    console.stop().await;
}

fn detail(console: &Console, row: &AlarmRow) -> noctule::model::alarm::AlarmDetail {
    use noctule::model::page::{Data, DataRequest};
    let data = console.store.reader().expect("a reader").data(&DataRequest::Alarm(row.id)).expect("a detail");
    let Data::Alarm(Some(detail)) = data else { panic!("no detail") };
    *detail
}

#[tokio::test(flavor = "multi_thread")]
async fn a_silence_is_made_seen_and_ended() {
    let rig = Rig::start().await;
    rig.sim.fire(DOWN, &[]);
    let console = rig.console();
    poll(&console).await;
    let row = alarm(&console, "OLTDown");
    let on = || Targets::Rows(Table::Alarms, vec![row.id]);
    let make = intent("silence.create", on(), &[("duration", "2h"), ("comment", "MW-42 splice")]);
    let plan = asks::plan(&console.store, &console.sources, &make).await.expect("a plan");
    assert_eq!(plan.total, 1);
    assert!(plan.calls[0].contains("olt=\"olt-001\""), "{:?}", plan.calls);
    assert!(plan.notes.iter().any(|n| n.contains("1 alert now")), "{:?}", plan.notes);

    let outcome = run(&console, make).await;
    assert_eq!((outcome.done, outcome.total), (1, 1), "{outcome:?}");
    let ids = rig.sim.silences();
    assert_eq!(ids.len(), 1);
    poll(&console).await;
    let row = alarm(&console, "OLTDown");
    assert_eq!(row.visibility, Visibility::Suppressed);
    let words = row.suppressed_by.clone();
    assert!(words.contains(&ids[0]) && words.contains("anna") && words.contains("MW-42 splice"), "{words}");

    let ask = LiveRequest::Alarm {
        node: row.canonical.clone(),
        type_id: row.type_id.clone(),
        qualifier: row.qualifier.clone(),
    };
    let live = console.sources.get("alerts").expect("the source").live(ask).await.expect("an answer");
    assert!(live.iter().any(|s| s.title == "Silences" && s.rows[0][0] == ids[0]), "{live:?}");

    let outcome = run(&console, intent("silence.expire", on(), &[])).await;
    assert_eq!((outcome.done, outcome.total), (1, 1), "{outcome:?}");
    assert!(rig.sim.silences().is_empty());
    poll(&console).await;
    assert_eq!(alarm(&console, "OLTDown").visibility, Visibility::Visible);

    // Conditions of one's own, and an id as the target.
    let own = [("duration", "30m"), ("comment", "x"), ("matchers", "olt=~\"olt-.*\"")];
    let outcome = run(&console, intent("silence.create", Targets::None, &own)).await;
    assert_eq!(outcome.done, 1, "{outcome:?}");
    let ids = rig.sim.silences();
    let names = Targets::Names(Table::Alarms, ids);
    assert_eq!(run(&console, intent("silence.expire", names, &[])).await.done, 1);
    let refused = run(&console, intent("silence.create", Targets::None, &own[..2])).await;
    assert_eq!(refused.done, 0);
    assert!(silences::is("silence.create"));
    console.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_silence_is_listed_changed_and_leads_to_its_alarms() {
    let rig = Rig::start().await;
    rig.sim.fire(DOWN, &[]);
    rig.sim.fire(LOS, &[]);
    let console = rig.console();
    let own = [("duration", "30m"), ("comment", "MW-42"), ("matchers", "alertname=\"OLTDown\"")];
    assert_eq!(run(&console, intent("silence.create", Targets::None, &own)).await.done, 1);
    poll(&console).await;
    let list = |all: Vec<SilenceList>| all.into_iter().next().expect("a server").1.expect("a list");
    let made = list(silences::lists(&console.sources).await).remove(0);
    assert_eq!((made.state, made.comment.as_str(), made.created_by.as_str()), (SilenceState::Active, "MW-42", "anna"));
    assert_eq!(made.matchers, "{alertname=\"OLTDown\"}");

    // The cache finds what it holds back by its id, and nothing by another.
    let held = |id: &str| {
        let filter = format!("cleared=no suppressed_by:\"silence {id}\"");
        let query = Query::parse(&filter, Table::Alarms).expect("a filter");
        let request = PageRequest {
            table: Table::Alarms,
            scope: Scope::Hidden,
            filter: Some(Arc::new(query)),
            below: None,
            sort: Vec::new(),
            anchor: Anchor::Start,
            limit: 1,
            new_since: None,
            now: made.starts,
        };
        let answer = console.store.reader().expect("a reader").data(&DataRequest::Count(request, 10)).expect("a count");
        matches!(answer, Data::Count(Total::Exact(1)))
    };
    assert!(held(&made.id) && !held("0a325f34-6531-4534-83f7-848253e38eee"));

    // Another end and another reason: the same silence.
    let change = |args: &[(&str, &str)]| {
        let all: Vec<(&str, &str)> = std::iter::once(("id", made.id.as_str())).chain(args.iter().copied()).collect();
        intent("silence.change", Targets::None, &all)
    };
    let longer = change(&[("duration", "4h"), ("comment", "MW-42, longer")]);
    let plan = asks::plan(&console.store, &console.sources, &longer).await.expect("a plan");
    assert!(plan.notes.iter().any(|n| n.contains("MW-42 -> MW-42, longer")), "{:?}", plan.notes);
    assert!(plan.irreversible.is_empty(), "{plan:?}");
    let outcome = run(&console, longer.clone()).await;
    assert_eq!((outcome.done, outcome.summary), (1, format!("changed silence {}", made.id)));
    let now = list(silences::lists(&console.sources).await);
    assert_eq!((now.len(), now[0].comment.as_str(), now[0].starts), (1, "MW-42, longer", made.starts));
    assert!(now[0].ends.since(made.ends) > 3 * HOUR);
    // Nothing to change, and an id that is none.
    assert_eq!(run(&console, change(&[("comment", "MW-42, longer")])).await.total, 0);
    let nobody = intent("silence.change", Targets::None, &[("id", "x"), ("duration", "1h")]);
    assert!(asks::plan(&console.store, &console.sources, &nobody).await.unwrap_err().contains("no id"));

    // Other conditions make another silence of it, and that is told before.
    let other = change(&[("matchers", "alertname=\"PonLos\"")]);
    let plan = asks::plan(&console.store, &console.sources, &other).await.expect("a plan");
    assert!(plan.irreversible.iter().any(|n| n.contains("another id")), "{plan:?}");
    let outcome = run(&console, other).await;
    assert!(outcome.done == 1 && outcome.summary.starts_with("ended silence"), "{outcome:?}");
    let now = list(silences::lists(&console.sources).await);
    let states: Vec<SilenceState> = now.iter().map(|row| row.state).collect();
    assert_eq!(states, [SilenceState::Expired, SilenceState::Active]);
    // One that is over is not changed.
    let over = asks::plan(&console.store, &console.sources, &change(&[("duration", "1h")])).await;
    assert!(over.unwrap_err().contains("over"));

    rig.sim.down(true);
    let all = silences::lists(&console.sources).await;
    assert!(all[0].1.is_err(), "{all:?}");
    console.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn rules_and_values_are_asked_of_the_prometheus_beside() {
    let rule = SimRule {
        name: "DnsSlow".into(),
        expr: "dns_latency > 0.2".into(),
        labels: [("instance".to_owned(), "resolver-a".to_owned())].into(),
        value: "0.31".into(),
        since_s: 60,
        ..SimRule::default()
    };
    let rig = Rig::of(vec![rule]).await;
    let console = rig.console();
    poll(&console).await;
    let row = alarm(&console, "DnsSlow");
    let ask = LiveRequest::Alarm { node: row.canonical, type_id: row.type_id, qualifier: row.qualifier };
    let source = console.sources.get("alerts").expect("the source");
    let live = source.live(ask).await.expect("an answer");
    let section = |title: &str| live.iter().find(|s| s.title == title).unwrap_or_else(|| panic!("{title}: {live:?}"));
    assert_eq!(section("Rule").rows[0][1], "dns_latency > 0.2");
    assert_eq!(section("Values now").rows[0][1], "0.31");
    assert!(source.test().await.expect("an answer").contains("Alertmanager 0.25.0"));
    let refused = source.query("up(", None).await.unwrap_err();
    assert!(refused.contains("bad_data") && refused.contains("unclosed left parenthesis"), "{refused}");
    console.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_prometheus_is_a_source_of_its_own() {
    let rule = |name: &str, wait_s| SimRule {
        name: name.into(),
        expr: "x".into(),
        wait_s,
        labels: [("instance".to_owned(), "a".to_owned()), ("severity".to_owned(), "page".to_owned())].into(),
        value: "1".into(),
        since_s: 60,
        ..SimRule::default()
    };
    let rig = Rig::of(vec![rule("Fires", 0), rule("Waits", 100_000)]).await;
    for pending in [false, true] {
        let mut source = rig.sim.prometheus_config();
        let SourceKind::Prometheus(settings) = &mut source.kind else { panic!("another kind") };
        (settings.pending, settings.poll_s) = (pending, 86_400);
        let (_folder, path) = folder();
        let console = Console::start(&Config { sources: vec![source], ..Config::default() }, &path);
        console.sources.get("prometheus").expect("the source").poll_now().await.expect("a poll");
        let mut seen: Vec<_> = alarms(&console).into_iter().map(|r| (r.type_id, r.severity)).collect();
        seen.sort();
        let mut wanted = vec![("Fires".to_owned(), Severity::Critical)];
        wanted.extend(pending.then(|| ("Waits".to_owned(), Severity::Indeterminate)));
        assert_eq!(seen, wanted);
        console.stop().await;
    }
}
