//! systemd's D-Bus interface on a real dbus-daemon, the manager behind it ours: a few units with the
//! names, types and signals of org.freedesktop.systemd1. It needs no rights, so these tests run everywhere,
//! and it tells what a real one does not tell on request: another job's end at the worst moment, a refusal
//! to root, a bus without systemd.

use std::collections::{HashMap, HashSet};
use std::process::Command;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use noctule::config::schema::SystemdControl;
use noctule::controllers::route::Route;
use noctule::controllers::systemd::{Failure, Systemd, Verb};
use noctule::engine::restart::Verdict;
use noctule::workers::restart::Control;
use zbus::object_server::SignalEmitter;
use zbus::{OwnedObjectPath, fdo, interface};

use crate::process::{Program, until};
use crate::restarts::{Told, quick, restart, words};
use crate::sshd::Sshd;

/// Long enough for everything here.
const LIMIT: Duration = Duration::from_secs(10);

#[derive(Debug, Clone, Default)]
struct Unit {
    active: &'static str,
    sub: &'static str,
    pid: u32,
    restarts: u32,
    started: u64,
    ignores_term: bool,
    breaks: bool,
    kills: Vec<i32>,
}

type Units = Arc<Mutex<HashMap<String, Unit>>>;

struct Manager {
    units: Units,
    jobs: u32,
    /// Who is told of the ends of jobs; nobody before `Subscribe`.
    told: Option<SignalEmitter<'static>>,
    /// Connections that have subscribed: each may but once.
    subscribers: HashSet<String>,
}

/// Errors of systemd's own.
#[derive(Debug, zbus::DBusError)]
#[zbus(prefix = "org.freedesktop.systemd1")]
enum Refusal {
    #[zbus(error)]
    ZBus(zbus::Error),
    AlreadySubscribed(String),
}

fn unit_path(name: &str) -> OwnedObjectPath {
    let safe: String = name
        .bytes()
        .map(|b| if b.is_ascii_alphanumeric() { char::from(b).to_string() } else { format!("_{b:02x}") })
        .collect();
    OwnedObjectPath::try_from(format!("/org/freedesktop/systemd1/unit/{safe}")).expect("a path")
}

impl Manager {
    async fn job(
        &mut self,
        name: &str,
        mode: &str,
        change: impl FnOnce(&mut Unit) -> &'static str,
    ) -> fdo::Result<OwnedObjectPath> {
        assert_eq!(mode, "replace");
        self.jobs += 1;
        let id = self.jobs;
        let path = OwnedObjectPath::try_from(format!("/org/freedesktop/systemd1/job/{id}")).expect("a path");
        let result = {
            let mut units = self.units.lock().unwrap();
            change(units.get_mut(name).ok_or_else(|| fdo::Error::Failed(format!("Unit {name} not found.")))?)
        };
        if let Some(emitter) = &self.told {
            // Another job's end comes first: it must not be taken for ours.
            let other = OwnedObjectPath::try_from("/org/freedesktop/systemd1/job/999").expect("a path");
            emitter.job_removed(999, other, "other.service".into(), "failed".into()).await?;
            emitter.job_removed(id, path.clone(), name.to_owned(), result.to_owned()).await?;
        }
        Ok(path)
    }
}

fn begin(unit: &mut Unit) -> &'static str {
    if unit.breaks {
        (unit.active, unit.sub, unit.pid) = ("failed", "failed", 0);
        return "failed";
    }
    (unit.active, unit.sub) = ("active", "running");
    unit.pid += 1000;
    unit.started += 1_000_000;
    "done"
}

fn end(unit: &mut Unit) -> &'static str {
    if unit.ignores_term {
        (unit.active, unit.sub) = ("deactivating", "stop-sigterm");
    } else {
        (unit.active, unit.sub, unit.pid) = ("inactive", "dead", 0);
    }
    "done"
}

#[interface(name = "org.freedesktop.systemd1.Manager")]
impl Manager {
    fn subscribe(
        &mut self,
        #[zbus(header)] header: zbus::message::Header<'_>,
        #[zbus(signal_emitter)] emitter: SignalEmitter<'_>,
    ) -> Result<(), Refusal> {
        self.told = Some(emitter.to_owned());
        let who = header.sender().map(ToString::to_string).unwrap_or_default();
        let first = self.subscribers.insert(who);
        first.then_some(()).ok_or_else(|| Refusal::AlreadySubscribed("Client is already subscribed.".into()))
    }

    async fn load_unit(
        &self,
        name: String,
        #[zbus(object_server)] server: &zbus::ObjectServer,
    ) -> fdo::Result<OwnedObjectPath> {
        let path = unit_path(&name);
        server.at(&path, UnitFace { name: name.clone(), units: Arc::clone(&self.units) }).await?;
        server.at(&path, ServiceFace { name, units: Arc::clone(&self.units) }).await?;
        Ok(path)
    }

    async fn start_unit(&mut self, name: String, mode: String) -> fdo::Result<OwnedObjectPath> {
        self.job(&name, &mode, begin).await
    }

    async fn stop_unit(&mut self, name: String, mode: String) -> fdo::Result<OwnedObjectPath> {
        self.job(&name, &mode, end).await
    }

    async fn restart_unit(&mut self, name: String, mode: String) -> fdo::Result<OwnedObjectPath> {
        self.job(&name, &mode, begin).await
    }

    fn kill_unit(&self, name: String, whom: String, signal: i32) -> fdo::Result<()> {
        assert_eq!(whom, "all");
        if name == "forbidden.service" {
            return Err(fdo::Error::InteractiveAuthorizationRequired("Interactive authentication required.".into()));
        }
        let mut units = self.units.lock().unwrap();
        let unit = units.get_mut(&name).ok_or_else(|| fdo::Error::Failed("no".into()))?;
        unit.kills.push(signal);
        if signal == 9 {
            (unit.active, unit.sub, unit.pid) = ("failed", "failed", 0);
        }
        Ok(())
    }

    #[zbus(signal)]
    async fn job_removed(
        emitter: &SignalEmitter<'_>,
        id: u32,
        job: OwnedObjectPath,
        unit: String,
        result: String,
    ) -> zbus::Result<()>;
}

struct UnitFace {
    name: String,
    units: Units,
}

impl UnitFace {
    fn get(&self) -> Option<Unit> {
        self.units.lock().unwrap().get(&self.name).cloned()
    }
}

#[interface(name = "org.freedesktop.systemd1.Unit")]
impl UnitFace {
    #[zbus(property)]
    fn load_state(&self) -> String {
        if self.get().is_some() { "loaded" } else { "not-found" }.into()
    }

    #[zbus(property)]
    fn active_state(&self) -> String {
        self.get().map_or("inactive", |u| u.active).into()
    }

    #[zbus(property)]
    fn sub_state(&self) -> String {
        self.get().map_or("dead", |u| u.sub).into()
    }
}

struct ServiceFace {
    name: String,
    units: Units,
}

impl ServiceFace {
    fn get(&self) -> Unit {
        self.units.lock().unwrap().get(&self.name).cloned().unwrap_or_default()
    }
}

#[interface(name = "org.freedesktop.systemd1.Service")]
impl ServiceFace {
    #[zbus(property, name = "MainPID")]
    fn main_pid(&self) -> u32 {
        self.get().pid
    }

    #[zbus(property, name = "NRestarts")]
    fn n_restarts(&self) -> u32 {
        self.get().restarts
    }

    #[zbus(property)]
    fn exec_main_start_timestamp(&self) -> u64 {
        self.get().started
    }

    #[zbus(property)]
    fn result(&self) -> String {
        "success".into()
    }
}

struct Bus {
    folder: tempfile::TempDir,
    _daemon: Program,
    _manager: Option<zbus::Connection>,
    units: Units,
}

impl Bus {
    async fn start(with_systemd: bool) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let socket = folder.path().join("bus");
        let mut command = Command::new("dbus-daemon");
        command.args(["--session", "--nofork", "--nopidfile"]).arg(format!("--address=unix:path={}", socket.display()));
        let daemon = Program::start(&mut command, &folder.path().join("dbus.log"));
        until("the bus listens", || async { std::os::unix::net::UnixStream::connect(&socket).is_ok() }).await;
        let good = Unit {
            active: "active",
            sub: "running",
            pid: 42,
            restarts: 3,
            started: 1_795_000_000_000_000,
            ..Unit::default()
        };
        let units: Units = Arc::new(Mutex::new(HashMap::from([
            ("vector.service".to_owned(), good.clone()),
            ("stubborn.service".to_owned(), Unit { ignores_term: true, ..good.clone() }),
            ("broken.service".to_owned(), Unit { breaks: true, ..good }),
        ])));
        let mut manager = None;
        if with_systemd {
            let face = Manager { units: Arc::clone(&units), jobs: 0, told: None, subscribers: HashSet::new() };
            let stream = std::os::unix::net::UnixStream::connect(&socket).expect("a bus");
            let builder = zbus::connection::Builder::unix_stream(stream);
            let builder = builder.name("org.freedesktop.systemd1").serve_at("/org/freedesktop/systemd1", face);
            manager = Some(builder.build().await.expect("a manager"));
        }
        Self { folder, _daemon: daemon, _manager: manager, units }
    }

    fn client(&self, route: Route) -> Systemd {
        let socket = self.folder.path().join("bus").display().to_string();
        Systemd::new(SystemdControl { user: false, socket: Some(socket) }, route)
    }
}

#[tokio::test]
async fn units_are_read_and_jobs_waited_for_here_and_through_ssh() {
    let bus = Bus::start(true).await;
    let sshd = Sshd::start("").await;
    for route in [Route::Direct, Route::of(Some(&sshd.ssh()))] {
        let systemd = bus.client(route);
        let before = systemd.unit("vector").await.unwrap();
        assert_eq!(
            (before.active.as_str(), before.sub.as_str(), before.load.as_str()),
            ("active", "running", "loaded")
        );
        assert_eq!(before.restarts, Some(3));
        systemd.act(Verb::Restart, "vector", LIMIT).await.unwrap();
        let after = systemd.unit("vector.service").await.unwrap();
        assert!(after.pid > before.pid && after.since > before.since, "{after:?}");
        let error = systemd.act(Verb::Start, "broken", LIMIT).await.unwrap_err();
        assert_eq!(error.what, Failure::Job("broken.service".into(), "failed".into(), String::new()));
        assert!(matches!(systemd.signal("forbidden", 15).await.unwrap_err().what, Failure::Denied(_)));
        assert_eq!(systemd.unit("no/such").await.unwrap_err().what, Failure::Name);
        assert_eq!(systemd.unit("nobody").await.unwrap().load, "not-found");
    }
}

#[tokio::test]
async fn units_are_restarted_step_by_step() {
    let bus = Bus::start(true).await;
    let control = Control::Systemd(Arc::new(bus.client(Route::Direct)));
    let good = restart(&control, &Told::default(), "vector", quick()).await;
    assert_eq!((good.verdict.clone(), good.killed), (Verdict::Done, false), "{good:?}");
    let stubborn = restart(&control, &Told::default(), "stubborn", quick()).await;
    assert_eq!((stubborn.verdict.clone(), stubborn.killed), (Verdict::Done, true), "{stubborn:?}");
    assert_eq!(bus.units.lock().unwrap()["stubborn.service"].kills, [15, 9]);
    let broken = restart(&control, &Told::default(), "broken", quick()).await;
    assert!(matches!(&broken.verdict, Verdict::Failed(why) if why.contains("ended with")), "{:?}", words(&broken));
    let nobody = restart(&control, &Told::default(), "nobody", quick()).await;
    assert!(matches!(&nobody.verdict, Verdict::Failed(why) if why.contains("no unit")), "{nobody:?}");
}

#[tokio::test]
async fn a_bus_without_systemd_and_no_bus_at_all_are_told_apart() {
    let bus = Bus::start(false).await;
    assert_eq!(bus.client(Route::Direct).unit("vector").await.unwrap_err().what, Failure::NoSystemd);
    let sshd = Sshd::start("").await;
    let nowhere = SystemdControl { user: false, socket: Some("/nonexistent/bus".into()) };
    for route in [Route::Direct, Route::of(Some(&sshd.ssh()))] {
        let error = Systemd::new(nowhere.clone(), route).unit("vector").await.unwrap_err();
        assert!(matches!(error.what, Failure::NotReached(_)), "{error}");
    }
    // A bus that was started anew is found again.
    let systemd = bus.client(Route::Direct);
    let _ = systemd.unit("vector").await;
    let folder = bus.folder.path().to_owned();
    drop(bus);
    assert!(systemd.unit("vector").await.is_err());
    drop(folder);
}
