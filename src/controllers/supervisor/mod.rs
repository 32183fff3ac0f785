//! supervisord, by its XML-RPC interface: over HTTP or its Unix socket, straight or through an SSH
//! host. Starting and stopping return at once (`wait` is false); whoever drives a restart watches the
//! states, so that a process that ignores signals is seen and not waited for blindly.

pub mod error;
pub mod xmlrpc;

use std::sync::Arc;
use std::time::Duration;

use http::header::{CONTENT_TYPE, HeaderValue};
use http::{Method, StatusCode};
use http_body_util::{BodyExt as _, Limited};

use self::error::{Error, Failure, Fault};
use self::xmlrpc::{Answer, Value};
use super::http::{Limits, NoAnswer, Server, reason, whole};
use super::route::Route;
use super::voltha::error::{bounded, deepest};
use crate::config::schema::{BasicAuth, HttpAuth, SupervisorControl, Tls};
use crate::model::appliance::poll::ProcessStatus;
use crate::model::text::clean;
use crate::model::time::Ts;

/// The longest answer: all processes, or a piece of a log.
const MOST_BODY: usize = 8 << 20;

/// How long a call may take. A supervisor answers from memory.
const LIMIT: Duration = Duration::from_secs(10);

/// A supervisor.
#[derive(Debug, Clone)]
pub struct Supervisor {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    server: Server,
    place: String,
}

/// The states of a process, as supervisors name them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// 0: stopped on purpose, or never started.
    Stopped,
    /// 10: started, not yet long enough to count as running.
    Starting,
    /// 20: it runs.
    Running,
    /// 30: it ended too early and is started again.
    Backoff,
    /// 40: it was told to end.
    Stopping,
    /// 100: it ended by itself.
    Exited,
    /// 200: it could not be started, and is not tried again.
    Fatal,
    /// Any other.
    Unknown,
}

impl State {
    const fn of(code: i64) -> Self {
        match code {
            0 => Self::Stopped,
            10 => Self::Starting,
            20 => Self::Running,
            30 => Self::Backoff,
            40 => Self::Stopping,
            100 => Self::Exited,
            200 => Self::Fatal,
            _ => Self::Unknown,
        }
    }

    /// The supervisor's word.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Stopped => "STOPPED",
            Self::Starting => "STARTING",
            Self::Running => "RUNNING",
            Self::Backoff => "BACKOFF",
            Self::Stopping => "STOPPING",
            Self::Exited => "EXITED",
            Self::Fatal => "FATAL",
            Self::Unknown => "UNKNOWN",
        }
    }
}

/// A process, as its supervisor tells of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Process {
    /// Its group; mostly its own name.
    pub group: String,
    /// Its name.
    pub name: String,
    /// Its state.
    pub state: State,
    /// Its process id; 0: none.
    pub pid: u32,
    /// When it was last started, the supervisor's clock.
    pub start: Ts,
    /// When it last ended; unset: never.
    pub stop: Ts,
    /// Why it could not be started; empty when it could.
    pub spawn_error: String,
    /// Exit status of its last run.
    pub exit_status: i64,
    /// What the supervisor says of it (`pid 5, uptime 0:00:10`).
    pub description: String,
}

impl Process {
    /// The name that calls take: `group:name`, or the name where both are equal.
    #[must_use]
    pub fn full_name(&self) -> String {
        if self.group == self.name { self.name.clone() } else { format!("{}:{}", self.group, self.name) }
    }

    /// The process as appliances tell of theirs.
    #[must_use]
    pub fn status(&self) -> ProcessStatus {
        let running = matches!(self.state, State::Running);
        ProcessStatus {
            service: self.name.clone(),
            running: (self.state != State::Unknown).then_some(running),
            critical: None,
            word: self.state.word().to_owned(),
            since: if running { self.start } else { self.stop },
            pid: self.pid,
            restarts: None,
        }
    }
}

impl Supervisor {
    /// The supervisor of a configuration, reached that way. Reads the password; does not connect.
    ///
    /// # Errors
    /// What of the configuration cannot be used.
    pub fn new(control: &SupervisorControl, route: Route) -> Result<Self, Error> {
        let place = match (&control.url, &control.socket) {
            (Some(url), None) => url.clone(),
            (None, Some(socket)) => socket.clone(),
            _ => String::new(),
        };
        let place = match &route {
            Route::Direct => place,
            Route::Ssh(_) => format!("{place} on {}", route.word()),
        };
        let wrong = |why: String| Error { place: place.clone(), call: "setup".into(), what: Failure::Config(why) };
        let auth = match (&control.username, &control.password) {
            (Some(username), Some(password)) => HttpAuth {
                basic: Some(BasicAuth { username: username.clone(), password: password.clone() }),
                ..HttpAuth::default()
            },
            (None, None) => HttpAuth::default(),
            _ => return Err(wrong("username and password belong together".into())),
        };
        // A supervisor closes idle connections; each call is cheap.
        let limits = Limits { connect: LIMIT, idle: Duration::from_secs(2), spare: 1 };
        let server = match (&control.url, &control.socket) {
            (Some(url), None) => Server::through(url, &Tls::default(), &auth, limits, route),
            (None, Some(socket)) => Server::at_socket(socket, &auth, limits, route),
            _ => Err("exactly one of url and socket is set".to_owned()),
        };
        let server = server.map_err(&wrong)?;
        Ok(Self { inner: Arc::new(Inner { server, place }) })
    }

    /// Where it is, in words.
    #[must_use]
    pub fn place(&self) -> &str {
        &self.inner.place
    }

    async fn call(&self, method: &str, params: &[Value]) -> Result<Value, Error> {
        let about = params.first().and_then(Value::text).unwrap_or_default();
        let error = |what| Error {
            place: self.inner.place.clone(),
            call: format!("{method} {}", clean(about)).trim_end().to_owned(),
            what,
        };
        let told = tokio::time::timeout(LIMIT, self.exchange(method, params)).await;
        told.unwrap_or(Err(Failure::TimedOut(LIMIT))).map_err(error)
    }

    async fn exchange(&self, method: &str, params: &[Value]) -> Result<Value, Failure> {
        let body = whole(xmlrpc::call(&format!("supervisor.{method}"), params));
        let headers = vec![(CONTENT_TYPE, HeaderValue::from_static("text/xml"))];
        let response = self.inner.server.send(Method::POST, "/RPC2", headers, body).await.map_err(|e| match e {
            NoAnswer::Unsendable(why) => Failure::Config(why),
            NoAnswer::NotConnected(e) => Failure::NotReached(deepest(&e).unwrap_or_else(|| e.to_string())),
            NoAnswer::Closed(e) => Failure::Broken(deepest(&e).unwrap_or_else(|| e.to_string())),
        })?;
        match response.status() {
            StatusCode::OK => {}
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => return Err(Failure::Login),
            status => return Err(Failure::Status(status.as_u16(), reason(&response))),
        }
        let body = Limited::new(response.into_body(), MOST_BODY).collect().await;
        let body = body.map_err(|e| Failure::Broken(bounded(&e.to_string())))?.to_bytes();
        match xmlrpc::read_answer(&String::from_utf8_lossy(&body)) {
            Ok(Answer::Value(value)) => Ok(value),
            Ok(Answer::Fault(code, words)) => Err(Failure::Fault(Fault::of(code, &words))),
            Err(why) => Err(Failure::Answer(bounded(&why))),
        }
    }

    fn unreadable(&self, call: &str, why: &str) -> Error {
        Error { place: self.inner.place.clone(), call: call.to_owned(), what: Failure::Answer(why.to_owned()) }
    }

    /// Its version (`4.2.5`).
    ///
    /// # Errors
    /// See [`Failure`].
    pub async fn version(&self) -> Result<String, Error> {
        let value = self.call("getSupervisorVersion", &[]).await?;
        let text = value.text().ok_or_else(|| self.unreadable("getSupervisorVersion", "no text"))?;
        Ok(bounded(text))
    }

    /// Its own state (`RUNNING`, `RESTARTING`, `SHUTDOWN`).
    ///
    /// # Errors
    /// See [`Failure`].
    pub async fn state(&self) -> Result<String, Error> {
        let value = self.call("getState", &[]).await?;
        let name = value.get("statename").and_then(Value::text);
        name.map(bounded).ok_or_else(|| self.unreadable("getState", "no statename"))
    }

    /// All its processes.
    ///
    /// # Errors
    /// See [`Failure`].
    pub async fn processes(&self) -> Result<Vec<Process>, Error> {
        let Value::Array(items) = self.call("getAllProcessInfo", &[]).await? else {
            return Err(self.unreadable("getAllProcessInfo", "no list"));
        };
        let read = items.iter().map(process).collect::<Option<Vec<_>>>();
        read.ok_or_else(|| self.unreadable("getAllProcessInfo", "a process without name or state"))
    }

    /// One process.
    ///
    /// # Errors
    /// See [`Failure`].
    pub async fn process(&self, name: &str) -> Result<Process, Error> {
        let value = self.call("getProcessInfo", &[Value::Str(name.to_owned())]).await?;
        process(&value).ok_or_else(|| self.unreadable("getProcessInfo", "no name or state"))
    }

    /// Starts a process and does not wait for it.
    ///
    /// # Errors
    /// See [`Failure`].
    pub async fn start(&self, name: &str) -> Result<(), Error> {
        self.call("startProcess", &[Value::Str(name.to_owned()), Value::Bool(false)]).await.map(drop)
    }

    /// Tells a process to end, and does not wait for it. The supervisor kills it after its own
    /// `stopwaitsecs`.
    ///
    /// # Errors
    /// See [`Failure`].
    pub async fn stop(&self, name: &str) -> Result<(), Error> {
        self.call("stopProcess", &[Value::Str(name.to_owned()), Value::Bool(false)]).await.map(drop)
    }

    /// Sends a signal by its name (`TERM`, `KILL`).
    ///
    /// # Errors
    /// See [`Failure`].
    pub async fn signal(&self, name: &str, signal: &str) -> Result<(), Error> {
        let params = [Value::Str(name.to_owned()), Value::Str(signal.to_owned())];
        self.call("signalProcess", &params).await.map(drop)
    }

    /// A piece of what a process wrote, `length` bytes from `offset`; a negative offset counts from
    /// the end and then `length` has to be 0. Cleaned for the screen, lines kept.
    ///
    /// # Errors
    /// See [`Failure`].
    pub async fn read_stdout(&self, name: &str, offset: i32, length: u32) -> Result<String, Error> {
        let params = [Value::Str(name.to_owned()), Value::Int(offset.into()), Value::Int(length.into())];
        let value = self.call("readProcessStdoutLog", &params).await?;
        let text = value.text().ok_or_else(|| self.unreadable("readProcessStdoutLog", "no text"))?;
        Ok(text.lines().map(|line| clean(line).into_owned() + "\n").collect())
    }

    /// The last `bytes` of what a process wrote.
    ///
    /// # Errors
    /// See [`Failure`].
    pub async fn tail_stdout(&self, name: &str, bytes: u32) -> Result<String, Error> {
        let offset = i32::try_from(bytes).unwrap_or(i32::MAX);
        self.read_stdout(name, -offset, 0).await
    }
}

fn process(value: &Value) -> Option<Process> {
    let text = |name: &str| value.get(name).and_then(Value::text).map(bounded).unwrap_or_default();
    let int = |name: &str| value.get(name).and_then(Value::int);
    let time = |name: &str| Ts(int(name).unwrap_or(0).clamp(0, 253_402_300_799).saturating_mul(1_000_000));
    Some(Process {
        group: text("group"),
        name: value.get("name").and_then(Value::text).map(bounded)?,
        state: State::of(int("state")?),
        pid: int("pid").and_then(|p| u32::try_from(p).ok()).unwrap_or(0),
        start: time("start"),
        stop: time("stop"),
        spawn_error: text("spawnerr"),
        exit_status: int("exitstatus").unwrap_or(0),
        description: text("description"),
    })
}
