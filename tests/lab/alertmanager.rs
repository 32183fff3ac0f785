//! The real Prometheus and Alertmanager of Debian, started as plain processes on loopback: rules that
//! fire are alarms, silences are made and ended by noctule's own command, what resolves clears, and a
//! server that is killed clears nothing.

use std::net::TcpListener;
use std::path::Path;
use std::process::Stdio;
use std::sync::Arc;
use std::time::{Duration, Instant};

use noctule::config::alarm_types;
use noctule::config::schema::{Alertmanager, Config, Prometheus, Source, SourceKind};
use noctule::controllers::prometheus::AmClient;
use noctule::model::alarm::{AlarmRow, Visibility};
use noctule::model::command::{Args, Intent, LiveRequest, Targets};
use noctule::model::page::{Scope, Table};
use noctule::store::{OpenOptions, Store};
use noctule::workers::actions::Executor;
use noctule::workers::jobs::Jobs;
use noctule::workers::source::Sources;
use noctule::workers::supervisor::Supervisor;
use tokio::process::{Child, Command};
use tokio_util::sync::CancellationToken;

/// Everything has this long; it takes a fraction of it.
const PATIENCE: Duration = Duration::from_secs(90);

fn free_port() -> u16 {
    TcpListener::bind(("127.0.0.1", 0)).expect("a port").local_addr().expect("its address").port()
}

fn spawn(program: &str, args: &[String], folder: &Path) -> Child {
    Command::new(program)
        .args(args)
        .current_dir(folder)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .unwrap_or_else(|e| panic!("{program} is installed (Debian packages prometheus, prometheus-alertmanager): {e}"))
}

struct Lab {
    folder: tempfile::TempDir,
    alertmanager_port: u16,
    prometheus_port: u16,
    alertmanager: Child,
    _prometheus: Child,
}

impl Lab {
    /// One rule that always fires, one that fires while a file says so.
    async fn start() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let (alertmanager_port, prometheus_port) = (free_port(), free_port());
        let write = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).expect("written");
        write(
            "am.yml",
            "route:\n  receiver: noc\n  group_by: [alertname]\n  group_wait: 1s\n  group_interval: 2s\n  repeat_interval: 1h\nreceivers:\n- name: noc\n",
        );
        write(
            "prom.yml",
            &format!(
                "global: {{scrape_interval: 1s, evaluation_interval: 1s}}\nalerting:\n  alertmanagers: [{{static_configs: [{{targets: ['127.0.0.1:{alertmanager_port}']}}]}}]\nrule_files: [rules.yml]\n"
            ),
        );
        Self::rules(folder.path(), true);
        let alertmanager = Self::alertmanager(folder.path(), alertmanager_port);
        let prometheus = spawn(
            "prometheus",
            &[
                "--config.file=prom.yml".to_owned(),
                "--storage.tsdb.path=tsdb".to_owned(),
                format!("--web.listen-address=127.0.0.1:{prometheus_port}"),
                "--web.enable-lifecycle".to_owned(),
                "--rules.alert.resend-delay=1s".to_owned(),
            ],
            folder.path(),
        );
        Self { folder, alertmanager_port, prometheus_port, alertmanager, _prometheus: prometheus }
    }

    fn rules(folder: &Path, down: bool) {
        let expr = if down { "vector(1)" } else { "vector(1) < 0" };
        let text = format!(
            "groups:\n- name: noc\n  rules:\n  - alert: OLTDown\n    expr: {expr}\n    labels: {{severity: critical, olt: olt-001}}\n    annotations: {{summary: \"OLT olt-001 unreachable\"}}\n  - alert: PonLos\n    expr: vector(7)\n    labels: {{severity: major, olt: olt-001, pon: \"1/1/3\"}}\n"
        );
        std::fs::write(folder.join("rules.yml"), text).expect("written");
    }

    fn alertmanager(folder: &Path, port: u16) -> Child {
        let args = [
            "--config.file=am.yml".to_owned(),
            "--storage.path=am".to_owned(),
            format!("--web.listen-address=127.0.0.1:{port}"),
            "--cluster.listen-address=".to_owned(),
        ];
        spawn("prometheus-alertmanager", &args, folder)
    }

    fn settings(&self) -> Alertmanager {
        Alertmanager {
            prometheus: Some(format!("http://127.0.0.1:{}", self.prometheus_port)),
            poll_s: 1,
            restart_grace_s: 10,
            ..Alertmanager::new(format!("http://127.0.0.1:{}", self.alertmanager_port))
        }
    }

    /// Makes the Prometheus read its rules again.
    async fn reload(&self) {
        let mut stream = tokio::net::TcpStream::connect(("127.0.0.1", self.prometheus_port)).await.expect("connected");
        let request = "POST /-/reload HTTP/1.1\r\nHost: lab\r\nConnection: close\r\nContent-Length: 0\r\n\r\n";
        tokio::io::AsyncWriteExt::write_all(&mut stream, request.as_bytes()).await.expect("asked");
        let mut answer = String::new();
        tokio::io::AsyncReadExt::read_to_string(&mut stream, &mut answer).await.expect("answered");
        assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    }
}

struct Console {
    store: Store,
    sources: Sources,
    jobs: Jobs,
    supervisor: Supervisor,
}

impl Console {
    fn start(lab: &Lab) -> Self {
        let options = OpenOptions {
            path: lab.folder.path().join("lab.db"),
            tenant: String::new(),
            keep_us: i64::MAX / 4,
            max_bytes: u64::MAX / 4,
            purge_after_us: i64::MAX / 4,
            read_only: false,
        };
        let (store, _) = Store::open(&options).expect("a store");
        let (msgs, mut news) = tokio::sync::mpsc::unbounded_channel();
        tokio::spawn(async move { while news.recv().await.is_some() {} });
        let supervisor = Supervisor::new(tokio::runtime::Handle::current(), msgs.clone());
        let prometheus = Prometheus {
            poll_s: 1,
            restart_grace_s: 5,
            ..Prometheus::new(format!("http://127.0.0.1:{}", lab.prometheus_port))
        };
        let config = Config {
            sources: vec![
                Source { name: "am".into(), kind: SourceKind::Alertmanager(Box::new(lab.settings())) },
                Source { name: "prom".into(), kind: SourceKind::Prometheus(Box::new(prometheus)) },
            ],
            ..Config::default()
        };
        let types = Arc::new(alarm_types::load(None).expect("the shipped types"));
        let sources = Sources::start(&config, store.clone(), types, &supervisor, &msgs);
        let jobs = Jobs::start(&store, &sources, "lab/1".to_owned(), &supervisor);
        Self { store, sources, jobs, supervisor }
    }

    fn alarms(&self) -> Vec<AlarmRow> {
        let mut rows = Vec::new();
        let all =
            Targets::Filter { table: Table::Alarms, scope: Scope::All, filter: None, below: None, except: [].into() };
        let mut reader = self.store.reader().expect("a reader");
        reader
            .each_alarm(&all, &mut |row| {
                rows.push(row.clone());
                std::ops::ControlFlow::Continue(())
            })
            .expect("alarms");
        rows
    }

    async fn until(&self, what: &str, source: &str, type_id: &str, holds: impl Fn(&AlarmRow) -> bool) -> AlarmRow {
        let began = Instant::now();
        loop {
            let rows = self.alarms();
            let found = rows.iter().find(|r| &*r.source == source && r.type_id == type_id && holds(r));
            if let Some(row) = found {
                return row.clone();
            }
            assert!(began.elapsed() < PATIENCE, "not seen: {what}; {rows:#?}");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    async fn run(&self, command: &'static str, row: &AlarmRow, args: &[(&str, &str)]) {
        let args: Args = args.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
        let targets = Targets::Rows(Table::Alarms, vec![row.id]);
        let intent = Intent { command, targets, args, actor: "anna".into() };
        let executor = Executor::new(self.store.clone(), self.sources.clone(), self.jobs.clone());
        let outcome = executor.run(intent, &CancellationToken::new(), &|_, _| ()).await;
        assert_eq!((outcome.done, outcome.total), (1, 1), "{outcome:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn alerts_silences_and_outages_of_the_real_ones() {
    let mut lab = Lab::start().await;
    let console = Console::start(&lab);

    // A rule that fires is seen through the Alertmanager and at the Prometheus itself.
    let down = console.until("the firing rule", "am", "OLTDown", |r| !r.cleared).await;
    assert_eq!((down.severity.word(), down.text.as_str()), ("critical", "OLT olt-001 unreachable"));
    assert_eq!(down.canonical, "am/object/olt-001");
    let own = console.until("the same at the Prometheus", "prom", "OLTDown", |r| !r.cleared).await;
    assert_eq!(own.text, down.text);
    let ask = LiveRequest::Alarm {
        node: down.canonical.clone(),
        type_id: down.type_id.clone(),
        qualifier: down.qualifier.clone(),
    };
    let live = console.sources.get("am").expect("the source").live(ask).await.expect("an answer");
    assert!(live.iter().any(|s| s.title == "Rule" && s.rows.iter().any(|r| r[1] == "vector(1)")), "{live:?}");
    assert!(live.iter().any(|s| s.title == "Values now" && s.rows.iter().any(|r| r[1] == "1")), "{live:?}");

    // A silence made and ended by our own command, looked at with another client.
    console.run("silence.create", &down, &[("duration", "1h"), ("comment", "MW-42 splice")]).await;
    let client = AmClient::new(&"other".into(), &lab.settings()).expect("a client");
    let kept = client.silences().await.expect("silences");
    assert_eq!(kept.len(), 1);
    assert_eq!((kept[0].created_by.as_str(), kept[0].comment.as_str()), ("anna", "MW-42 splice"));
    let hidden = console.until("it is suppressed", "am", "OLTDown", |r| r.visibility == Visibility::Suppressed).await;
    assert!(!hidden.cleared);
    // Another end keeps the silence; other conditions end it, and another takes its place.
    let id = kept[0].id.as_str();
    console.run("silence.change", &down, &[("id", id), ("duration", "5h"), ("comment", "MW-42, longer")]).await;
    let longer = client.silence(id).await.expect("the silence");
    assert_eq!((longer.comment.as_str(), longer.starts_at.as_str()), ("MW-42, longer", kept[0].starts_at.as_str()));
    assert!(longer.ends_at > kept[0].ends_at, "{longer:?}");
    assert_eq!(client.silences().await.expect("silences").len(), 1);
    console.run("silence.change", &down, &[("id", id), ("matchers", "alertname=\"OLTDown\"")]).await;
    assert_eq!(client.silence(id).await.expect("the silence").status.state, "expired");
    let active = |all: Vec<noctule::controllers::prometheus::wire::Silence>| {
        all.into_iter().filter(|s| s.status.state == "active").collect::<Vec<_>>()
    };
    let kept = active(client.silences().await.expect("silences"));
    assert_eq!((kept.len(), kept[0].comment.as_str()), (1, "MW-42, longer"));
    let by = format!("silence {}", kept[0].id);
    console.until("the new one holds it back", "am", "OLTDown", |r| r.suppressed_by.starts_with(&by)).await;
    console.run("silence.expire", &down, &[]).await;
    assert_eq!(client.silence(&kept[0].id).await.expect("the silence").status.state, "expired");
    console.until("it is open again", "am", "OLTDown", |r| r.visibility == Visibility::Visible).await;
    assert!(client.expire("11111111-2222-4333-8444-555555555555").await.is_err());
    let refused = console.sources.get("prom").expect("the source").query("up(", None).await.unwrap_err();
    assert!(refused.contains("bad_data"), "{refused}");

    // Killed: nothing clears, and that it is not there is an alarm.
    lab.alertmanager.kill().await.expect("killed");
    console.until("the outage", "am", "source.unreachable", |r| !r.cleared).await;
    assert!(!console.until("still there", "am", "PonLos", |_| true).await.cleared);
    lab.alertmanager = Lab::alertmanager(lab.folder.path(), lab.alertmanager_port);
    console.until("the end of the outage", "am", "source.unreachable", |r| r.cleared).await;
    for type_id in ["OLTDown", "PonLos"] {
        let row = console.until("through the outage", "am", type_id, |_| true).await;
        assert_eq!((row.cleared, row.occurrences), (false, 1), "{row:?}");
    }

    // Resolved: clears at both.
    Lab::rules(lab.folder.path(), false);
    lab.reload().await;
    console.until("the clear", "am", "OLTDown", |r| r.cleared).await;
    console.until("the clear at the Prometheus", "prom", "OLTDown", |r| r.cleared).await;
    assert!(!console.until("the other one", "am", "PonLos", |_| true).await.cleared);
    assert!(console.supervisor.stop(Duration::from_secs(10)).await);
}
