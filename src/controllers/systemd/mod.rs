//! systemd, over D-Bus: the state of a unit, and starting, stopping, restarting and signalling it, with
//! the result of the job that does so. The bus of the machine, that of the user, any socket, and each
//! of them on the other side of SSH: the bus socket is forwarded, and we log in there as who the SSH
//! session is (EXTERNAL with the remote user's id, which the bus checks against `sshd`'s own process).
//!
//! zbus without its default features: no runtime of its own, no object server; ten small crates, pure
//! Rust, no libdbus.

mod error;

use std::collections::HashMap;
use std::fmt::Display;
use std::time::Duration;

use futures_util::StreamExt as _;
use tokio::sync::Mutex;
use zbus::connection::Builder;
use zbus::message::Type;
use zbus::{Connection, MatchRule, Message, MessageStream, OwnedObjectPath, OwnedVariant};

pub use self::error::{Error, Failure};
use super::route::Route;
use super::ssh::Tunnel;
use super::voltha::error::bounded;
use crate::config::schema::SystemdControl;
use crate::model::appliance::poll::ProcessStatus;
use crate::model::text::clean;
use crate::model::time::Ts;

const MANAGER: &str = "org.freedesktop.systemd1";
const PATH: &str = "/org/freedesktop/systemd1";
const MANAGER_FACE: &str = "org.freedesktop.systemd1.Manager";

/// How long a call that only asks may take, and connecting.
const LIMIT: Duration = Duration::from_secs(10);

/// A systemd manager.
#[derive(Debug)]
pub struct Systemd {
    control: SystemdControl,
    route: Route,
    connection: Mutex<Option<Connection>>,
}

/// What is done with a unit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verb {
    /// Start it.
    Start,
    /// Stop it.
    Stop,
    /// Stop and start it.
    Restart,
}

impl Verb {
    const fn method(self) -> &'static str {
        match self {
            Self::Start => "StartUnit",
            Self::Stop => "StopUnit",
            Self::Restart => "RestartUnit",
        }
    }
}

/// A unit, as its manager tells of it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Unit {
    /// Full name (`vector.service`).
    pub name: String,
    /// `loaded`, `not-found`, `masked` …
    pub load: String,
    /// `active`, `inactive`, `failed`, `activating`, `deactivating` …
    pub active: String,
    /// The finer state (`running`, `dead`, `auto-restart`).
    pub sub: String,
    /// Main process; 0: none.
    pub pid: u32,
    /// Restarts by systemd itself, since it was last started by somebody.
    pub restarts: Option<u32>,
    /// When the main process was started, the host's clock.
    pub since: Ts,
    /// How its last run ended, in words; empty: well, or not told.
    pub cause: String,
}

impl Unit {
    /// The unit as appliances tell of their processes.
    #[must_use]
    pub fn status(&self) -> ProcessStatus {
        ProcessStatus {
            service: self.name.trim_end_matches(".service").to_owned(),
            running: (self.load != "not-found").then_some(self.active == "active"),
            critical: None,
            word: format!("{} ({})", self.active, self.sub),
            since: self.since,
            pid: self.pid,
            restarts: self.restarts,
        }
    }
}

/// The full name of a unit; `None`: it cannot be one.
#[must_use]
pub fn unit_name(text: &str) -> Option<String> {
    let good = |c: char| c.is_ascii_alphanumeric() || ":-_.\\@".contains(c);
    if text.is_empty() || text.len() > 240 || text.starts_with('.') || !text.chars().all(good) {
        return None;
    }
    let kinds = [".service", ".socket", ".target", ".timer", ".path", ".mount", ".slice", ".scope"];
    Some(if kinds.iter().any(|k| text.ends_with(k)) { text.to_owned() } else { format!("{text}.service") })
}

/// How a run ended, out of systemd's result and the code (as `waitid` has it) and status of the main process.
fn cause(result: &str, code: i32, status: i32) -> String {
    /// `CLD_EXITED`; the codes after it are ends by signals.
    const EXITED: i32 = 1;
    match (result, code) {
        ("" | "success", _) => String::new(),
        // From 200 on a status is systemd's own: what failed before the program ran.
        ("exit-code", EXITED) => match status {
            200 => "its working directory cannot be entered".to_owned(),
            203 => "its program cannot be executed".to_owned(),
            216 => "its group is unknown".to_owned(),
            217 => "its user is unknown".to_owned(),
            226 => "its namespaces cannot be set up".to_owned(),
            status => format!("its process ended with status {status}"),
        },
        ("signal" | "core-dump", 2..) => format!("its process was ended by signal {status}"),
        ("timeout", _) => "it took longer than systemd allows".to_owned(),
        ("start-limit-hit", _) => "it was started too often in too short a time".to_owned(),
        ("watchdog", _) => "its watchdog was not served".to_owned(),
        ("oom-kill", _) => "memory ran out".to_owned(),
        (other, _) => format!("its result is {other}"),
    }
}

impl Systemd {
    /// The manager of a configuration, reached that way; connects at the first call.
    #[must_use]
    pub fn new(control: SystemdControl, route: Route) -> Self {
        Self { control, route, connection: Mutex::default() }
    }

    /// Where it is, in words.
    #[must_use]
    pub fn place(&self) -> String {
        let bus = match (&self.control.socket, self.control.user) {
            (Some(socket), _) => socket.clone(),
            (None, true) => "the user's bus".to_owned(),
            (None, false) => "the system bus".to_owned(),
        };
        format!("{bus} of {}", self.route.word())
    }

    fn error(&self, call: &str, what: Failure) -> Error {
        Error { place: self.place(), call: call.to_owned(), what }
    }

    /// A unit's state.
    ///
    /// # Errors
    /// See [`Failure`].
    pub async fn unit(&self, name: &str) -> Result<Unit, Error> {
        let call = format!("look at {}", clean(name));
        let told = tokio::time::timeout(LIMIT, self.look(name)).await;
        told.unwrap_or(Err(Failure::TimedOut(LIMIT))).map_err(|what| self.error(&call, what))
    }

    async fn look(&self, name: &str) -> Result<Unit, Failure> {
        let name = unit_name(name).ok_or(Failure::Name)?;
        let connection = self.connected().await?;
        let path: OwnedObjectPath = body(&manager(&connection, "LoadUnit", &(name.as_str(),)).await?)?;
        let mut told = read(&connection, &path, &name).await?;
        // What ended between the two calls of a reading looks as if it ran and had ended at once.
        for _ in 0..2 {
            if told.active != "active" || told.cause.is_empty() {
                break;
            }
            told = read(&connection, &path, &name).await?;
        }
        Ok(told)
    }

    /// Starts, stops or restarts a unit, and waits for the result of the job, at most so long.
    ///
    /// # Errors
    /// See [`Failure`]: also when the job fails, is cancelled or runs out of systemd's own time.
    pub async fn act(&self, verb: Verb, name: &str, limit: Duration) -> Result<(), Error> {
        let call = format!("{} {}", verb.method(), clean(name));
        let told = tokio::time::timeout(limit, self.job(verb, name, true)).await;
        told.unwrap_or(Err(Failure::TimedOut(limit))).map_err(|what| self.error(&call, what))
    }

    /// Starts, stops or restarts a unit, and does not wait for the job.
    ///
    /// # Errors
    /// See [`Failure`].
    pub async fn queue(&self, verb: Verb, name: &str) -> Result<(), Error> {
        let call = format!("{} {}", verb.method(), clean(name));
        let told = tokio::time::timeout(LIMIT, self.job(verb, name, false)).await;
        told.unwrap_or(Err(Failure::TimedOut(LIMIT))).map_err(|what| self.error(&call, what))
    }

    async fn job(&self, verb: Verb, name: &str, wait: bool) -> Result<(), Failure> {
        let name = unit_name(name).ok_or(Failure::Name)?;
        let connection = self.connected().await?;
        // Heard from before the job exists: it may be done before its path is known.
        let mut signals = None;
        if wait {
            subscribe(&connection).await?;
            let rule = MatchRule::builder()
                .msg_type(Type::Signal)
                .sender(MANAGER)
                .path(PATH)
                .interface(MANAGER_FACE)
                .member("JobRemoved")
                .build()?;
            signals = Some(MessageStream::for_match_rule(rule, &connection, None).await?);
        }
        let job: OwnedObjectPath = body(&manager(&connection, verb.method(), &(name.as_str(), "replace")).await?)?;
        let Some(mut signals) = signals else { return Ok(()) };
        while let Some(message) = signals.next().await {
            let message = message?;
            let told = message.body();
            let Ok((_, path, unit, result)) = told.deserialize::<(u32, OwnedObjectPath, &str, &str)>() else {
                continue;
            };
            if path == job {
                return match result {
                    // `skipped`: it is already as it should be.
                    "done" | "skipped" => Ok(()),
                    result => {
                        let cause = self.look(unit).await.map(|u| u.cause).unwrap_or_default();
                        Err(Failure::Job(clean(unit).into_owned(), clean(result).into_owned(), cause))
                    }
                };
            }
        }
        Err(Failure::Lost("the bus closed the connection".to_owned()))
    }

    /// Sends a signal to all processes of a unit.
    ///
    /// # Errors
    /// See [`Failure`].
    pub async fn signal(&self, name: &str, signal: i32) -> Result<(), Error> {
        let call = format!("KillUnit {} {signal}", clean(name));
        let work = async {
            let name = unit_name(name).ok_or(Failure::Name)?;
            let connection = self.connected().await?;
            manager(&connection, "KillUnit", &(name.as_str(), "all", signal)).await.map(drop)
        };
        let told = tokio::time::timeout(LIMIT, work).await;
        told.unwrap_or(Err(Failure::TimedOut(LIMIT))).map_err(|what| self.error(&call, what))
    }

    async fn connected(&self) -> Result<Connection, Failure> {
        let mut slot = self.connection.lock().await;
        if let Some(connection) = slot.as_ref().filter(|c| !c.is_closed()) {
            return Ok(connection.clone());
        }
        *slot = None;
        let told = tokio::time::timeout(LIMIT, self.connect()).await;
        let connection = told.unwrap_or(Err(Failure::TimedOut(LIMIT)))?;
        *slot = Some(connection.clone());
        Ok(connection)
    }

    async fn connect(&self) -> Result<Connection, Failure> {
        let Route::Ssh(master) = &self.route else {
            let builder = match (&self.control.socket, self.control.user) {
                (Some(socket), _) => {
                    let stream = std::os::unix::net::UnixStream::connect(socket)
                        .map_err(|e| Failure::NotReached(bounded(&format!("{socket}: {e}"))))?;
                    return Builder::unix_stream(stream).build().await.map_err(|e| login(&e));
                }
                (None, true) => Builder::session(),
                (None, false) => Builder::system(),
            };
            return builder.build().await.map_err(|e| not_reached(&e));
        };
        let far = |e: std::io::Error| not_reached(&e);
        let told = master.run(&["id", "-u"], LIMIT).await.map_err(|e| not_reached(&e))?;
        let id = String::from_utf8_lossy(&told.stdout).trim().parse::<u32>();
        let id = id.map_err(|_| Failure::NotReached("`id -u` on the host gives no number".to_owned()))?;
        let socket = match (&self.control.socket, self.control.user) {
            (Some(socket), _) => socket.clone(),
            (None, true) => format!("/run/user/{id}/bus"),
            (None, false) => "/run/dbus/system_bus_socket".to_owned(),
        };
        let tunnel: Tunnel = master.connect_unix(&socket).await.map_err(far)?;
        let (stream, words) = tunnel.into_stream();
        let stream = stream.into_std().map_err(far)?;
        match Builder::unix_stream(stream).user_id(id).build().await {
            Ok(connection) => Ok(connection),
            Err(e) => Err(match words.why().await {
                Some(why) => not_reached(&why),
                None => login(&e),
            }),
        }
    }
}

/// No connection, in the words of whoever says so: those may be the peer's own.
fn not_reached(error: &impl Display) -> Failure {
    Failure::NotReached(bounded(&error.to_string()))
}

/// A bus that does not let us in, in its own words.
fn login(error: &impl Display) -> Failure {
    Failure::Login(bounded(&error.to_string()))
}

/// Asks for the manager's signals. It counts connections, and refuses one that has asked before.
async fn subscribe(connection: &Connection) -> Result<(), Failure> {
    match connection.call_method(Some(MANAGER), PATH, Some(MANAGER_FACE), "Subscribe", &()).await {
        Err(zbus::Error::MethodError(name, ..)) if name == "org.freedesktop.systemd1.AlreadySubscribed" => Ok(()),
        told => Ok(told.map(drop)?),
    }
}

async fn manager<B>(connection: &Connection, method: &str, body: &B) -> Result<Message, Failure>
where
    B: serde::Serialize + zbus::DynamicType,
{
    Ok(connection.call_method(Some(MANAGER), PATH, Some(MANAGER_FACE), method, body).await?)
}

async fn read(connection: &Connection, path: &OwnedObjectPath, name: &str) -> Result<Unit, Failure> {
    let unit = properties(connection, path, "org.freedesktop.systemd1.Unit").await?;
    let text = |all: &HashMap<String, OwnedVariant>, key: &str| {
        let told = all.get(key).and_then(|v| <&str>::try_from(v).ok()).unwrap_or_default();
        clean(told).into_owned()
    };
    let mut told = Unit {
        load: text(&unit, "LoadState"),
        active: text(&unit, "ActiveState"),
        sub: text(&unit, "SubState"),
        name: name.to_owned(),
        ..Unit::default()
    };
    // Sockets and timers have no process.
    if name.ends_with(".service") {
        let service = properties(connection, path, "org.freedesktop.systemd1.Service").await?;
        let number = |key: &str| service.get(key).and_then(|v| u32::try_from(v).ok());
        told.pid = number("MainPID").unwrap_or(0);
        told.restarts = number("NRestarts");
        let since = service.get("ExecMainStartTimestamp").and_then(|v| u64::try_from(v).ok()).unwrap_or(0);
        told.since = Ts(i64::try_from(since).unwrap_or(0));
        let code = |key: &str| service.get(key).and_then(|v| i32::try_from(v).ok()).unwrap_or(0);
        told.cause = cause(&text(&service, "Result"), code("ExecMainCode"), code("ExecMainStatus"));
    }
    Ok(told)
}

async fn properties(
    connection: &Connection,
    path: &OwnedObjectPath,
    face: &str,
) -> Result<HashMap<String, OwnedVariant>, Failure> {
    let all = Some("org.freedesktop.DBus.Properties");
    body(&connection.call_method(Some(MANAGER), path.as_str(), all, "GetAll", &(face,)).await?)
}

fn body<T: serde::de::DeserializeOwned + zbus::Type>(message: &Message) -> Result<T, Failure> {
    message.body().deserialize::<T>().map_err(|e| Failure::Answer(bounded(&e.to_string())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_units_are_checked_and_completed() {
        assert_eq!(unit_name("vector").as_deref(), Some("vector.service"));
        assert_eq!(unit_name("getty@tty1").as_deref(), Some("getty@tty1.service"));
        assert_eq!(unit_name("node.exporter").as_deref(), Some("node.exporter.service"));
        assert_eq!(unit_name("dbus.socket").as_deref(), Some("dbus.socket"));
        for bad in ["", "a b", "a/b", ".hidden", "a\n", "ä"] {
            assert_eq!(unit_name(bad), None, "{bad:?}");
        }
    }

    #[test]
    fn ends_of_runs_are_told_in_words() {
        for (result, code, status, words) in [
            ("success", 1, 0, ""),
            ("", 0, 0, ""),
            ("exit-code", 1, 203, "its program cannot be executed"),
            ("exit-code", 1, 3, "its process ended with status 3"),
            ("signal", 2, 9, "its process was ended by signal 9"),
            ("core-dump", 3, 11, "its process was ended by signal 11"),
            ("timeout", 2, 9, "it took longer than systemd allows"),
            // A step before the main process failed.
            ("exit-code", 0, 0, "its result is exit-code"),
            ("resources", 0, 0, "its result is resources"),
        ] {
            assert_eq!(cause(result, code, status), words, "{result} {code} {status}");
        }
        let told = |cause: &str| Failure::Job("a.service".into(), "failed".into(), cause.into()).to_string();
        assert!(told("memory ran out").contains("ended with \"failed\", memory ran out: see"));
        assert!(told("").contains("ended with \"failed\": see"));
    }
}
