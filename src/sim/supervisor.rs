//! A supervisord in this process: its XML-RPC interface on loopback, over programs whose manners can
//! be set: one that ignores TERM, one that dies at once, one that takes its time to stop.
//!
//! It answers as supervisor 4.2 was seen to answer; spans are shorter, so that tests need not wait.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use base64::Engine as _;
use bytes::Bytes;
use http::{Request, Response, StatusCode};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;
use tokio_util::sync::{CancellationToken, DropGuard};

use super::Error;
use crate::controllers::supervisor::xmlrpc::{self, Answer, Value};

/// The longest call.
const MOST_BODY: usize = 64 << 10;

/// How a program behaves.
#[derive(Debug, Clone)]
pub struct Manners {
    /// It does not end by TERM.
    pub ignores_term: bool,
    /// It ends as soon as it is started.
    pub dies_at_start: bool,
    /// How long it takes to end by TERM.
    pub stop: Duration,
}

impl Default for Manners {
    fn default() -> Self {
        Self { ignores_term: false, dies_at_start: false, stop: Duration::from_millis(20) }
    }
}

/// What is simulated.
#[derive(Debug, Clone)]
pub struct SupervisorOptions {
    /// Programs; each is a group of its own, and runs.
    pub programs: Vec<(String, Manners)>,
    /// User and password that have to be shown.
    pub login: Option<(String, String)>,
    /// How long a program has to run to count as running (`startsecs`).
    pub start: Duration,
    /// After which time a program that does not end is killed (`stopwaitsecs`).
    pub stop_wait: Duration,
}

impl Default for SupervisorOptions {
    fn default() -> Self {
        let names = ["goflow2", "fluent-bit", "vector", "telegraf", "nginx"];
        Self {
            programs: names.map(|n| (n.to_owned(), Manners::default())).to_vec(),
            login: None,
            start: Duration::from_millis(100),
            stop_wait: Duration::from_secs(10),
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Stopped,
    Started,
    Stopping,
}

#[derive(Debug)]
struct Program {
    manners: Manners,
    state: State,
    /// When the state began.
    since: Instant,
    /// The time by the clock then.
    start: SystemTime,
    stop: Option<SystemTime>,
    pid: u32,
    log: String,
}

#[derive(Debug)]
struct World {
    programs: BTreeMap<String, Program>,
    login: Option<String>,
    start: Duration,
    stop_wait: Duration,
    next_pid: u32,
    calls: Vec<String>,
}

/// A supervisor that runs until it is dropped.
#[derive(Debug)]
pub struct SupervisorSim {
    address: SocketAddr,
    world: Arc<Mutex<World>>,
    _stop: DropGuard,
}

impl SupervisorSim {
    /// Starts it on a free port of loopback.
    ///
    /// # Errors
    /// When it cannot listen.
    pub async fn start(options: SupervisorOptions) -> Result<Self, Error> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let address = listener.local_addr()?;
        let mut world = World {
            programs: BTreeMap::new(),
            login: options.login.map(|(user, password)| {
                format!("Basic {}", base64::engine::general_purpose::STANDARD.encode(format!("{user}:{password}")))
            }),
            start: options.start,
            stop_wait: options.stop_wait,
            next_pid: 100,
            calls: Vec::new(),
        };
        for (name, manners) in options.programs {
            let long_ago = Instant::now().checked_sub(Duration::from_secs(60)).unwrap_or_else(Instant::now);
            let pid = world.pid();
            let (state, log) = (State::Started, format!("{name} ready\n"));
            let start = SystemTime::now();
            world.programs.insert(name, Program { manners, state, since: long_ago, start, stop: None, pid, log });
        }
        let world = Arc::new(Mutex::new(world));
        let stop = CancellationToken::new();
        tokio::spawn(serve(listener, Arc::clone(&world), stop.clone()));
        Ok(Self { address, world, _stop: stop.drop_guard() })
    }

    /// Its base URL.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Sets how a program behaves from now on.
    pub fn set(&self, program: &str, manners: Manners) {
        if let Some(program) = guard(&self.world).programs.get_mut(program) {
            program.manners = manners;
        }
    }

    /// Calls so far, with the program they were about (`stopProcess goflow2`); those that only ask are
    /// not in it.
    #[must_use]
    pub fn calls(&self) -> Vec<String> {
        guard(&self.world).calls.clone()
    }
}

fn guard(world: &Mutex<World>) -> MutexGuard<'_, World> {
    world.lock().unwrap_or_else(PoisonError::into_inner)
}

async fn serve(listener: TcpListener, world: Arc<Mutex<World>>, stop: CancellationToken) {
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = stop.cancelled() => return,
        };
        let Ok((stream, _)) = accepted else { continue };
        let (world, stop) = (Arc::clone(&world), stop.clone());
        tokio::spawn(async move {
            let service = service_fn(move |request| {
                let world = Arc::clone(&world);
                async move { Ok::<_, Infallible>(respond(request, &world).await) }
            });
            let connection = hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service);
            tokio::select! {
                _ = connection => {}
                () = stop.cancelled() => {}
            }
        });
    }
}

async fn respond(request: Request<Incoming>, world: &Mutex<World>) -> Response<Full<Bytes>> {
    let plain = |status: StatusCode, body: String| {
        let mut response = Response::new(Full::new(Bytes::from(body)));
        *response.status_mut() = status;
        response
    };
    let shown = request.headers().get("authorization").and_then(|v| v.to_str().ok()).map(str::to_owned);
    let wanted = guard(world).login.clone();
    if wanted.is_some() && shown != wanted {
        return plain(StatusCode::UNAUTHORIZED, "<h1>Unauthorized</h1>".to_owned());
    }
    if request.uri().path() != "/RPC2" {
        return plain(StatusCode::NOT_FOUND, "not found".to_owned());
    }
    let Ok(body) = Limited::new(request.into_body(), MOST_BODY).collect().await else {
        return plain(StatusCode::BAD_REQUEST, String::new());
    };
    let Ok((method, params)) = xmlrpc::read_call(&String::from_utf8_lossy(&body.to_bytes())) else {
        return plain(StatusCode::INTERNAL_SERVER_ERROR, String::new());
    };
    let answer = guard(world).call(&method, &params);
    let mut response = plain(StatusCode::OK, xmlrpc::answer(&answer));
    response.headers_mut().insert("content-type", http::HeaderValue::from_static("text/xml"));
    response
}

impl World {
    const fn pid(&mut self) -> u32 {
        self.next_pid += 1;
        self.next_pid
    }

    fn call(&mut self, method: &str, params: &[Value]) -> Answer {
        let Some(method) = method.strip_prefix("supervisor.") else {
            return Answer::Fault(1, "UNKNOWN_METHOD".to_owned());
        };
        let name = params.first().and_then(Value::text).unwrap_or_default().to_owned();
        if !method.starts_with("get") && !method.starts_with("read") {
            self.calls.push(format!("{method} {name}"));
        }
        match method {
            "getSupervisorVersion" => Answer::Value(Value::Str("4.2.5".to_owned())),
            "getState" => Answer::Value(Value::Struct(vec![
                ("statecode".to_owned(), Value::Int(1)),
                ("statename".to_owned(), Value::Str("RUNNING".to_owned())),
            ])),
            "getAllProcessInfo" => {
                let all = self.programs.keys().filter_map(|name| self.info(name)).collect();
                Answer::Value(Value::Array(all))
            }
            "getProcessInfo" => self.info(&name).map_or_else(|| fault(10, "BAD_NAME", &name), Answer::Value),
            "startProcess" | "stopProcess" | "signalProcess" | "readProcessStdoutLog" => {
                if !self.programs.contains_key(&name) {
                    return fault(10, "BAD_NAME", &name);
                }
                match method {
                    "startProcess" => self.begin(&name),
                    "stopProcess" => self.end(&name),
                    "signalProcess" => self.signal(&name, params.get(1).and_then(Value::text).unwrap_or_default()),
                    _ => Answer::Value(Value::Str(self.programs.get(&name).map(|p| p.log.clone()).unwrap_or_default())),
                }
            }
            _ => Answer::Fault(1, "UNKNOWN_METHOD".to_owned()),
        }
    }

    /// Code and name of a program's state now.
    fn state(&self, program: &Program) -> (i64, &'static str) {
        let age = program.since.elapsed();
        match program.state {
            State::Stopped => (0, "STOPPED"),
            State::Stopping if age >= self.stop_wait => (0, "STOPPED"),
            State::Stopping if !program.manners.ignores_term && age >= program.manners.stop => (0, "STOPPED"),
            State::Stopping => (40, "STOPPING"),
            // Three tries, then it is given up.
            State::Started if program.manners.dies_at_start => {
                if age < self.start / 4 {
                    (10, "STARTING")
                } else if age < self.start * 4 {
                    (30, "BACKOFF")
                } else {
                    (200, "FATAL")
                }
            }
            State::Started if age < self.start => (10, "STARTING"),
            State::Started => (20, "RUNNING"),
        }
    }

    fn info(&self, name: &str) -> Option<Value> {
        let program = self.programs.get(name)?;
        let (code, word) = self.state(program);
        let unix = |t: SystemTime| t.duration_since(UNIX_EPOCH).map_or(0, |d| d.as_secs() as i64);
        let alive = matches!(code, 10 | 20 | 40);
        let text = |s: &str| Value::Str(s.to_owned());
        let members = [
            ("name", text(name)),
            ("group", text(name)),
            ("start", Value::Int(unix(program.start))),
            ("stop", Value::Int(program.stop.map_or(0, unix))),
            ("now", Value::Int(unix(SystemTime::now()))),
            ("state", Value::Int(code)),
            ("statename", text(word)),
            ("spawnerr", text(if code == 200 { "Exited too quickly (process log may have details)" } else { "" })),
            ("exitstatus", Value::Int(i64::from(code == 200))),
            ("logfile", text("")),
            ("stdout_logfile", text("")),
            ("stderr_logfile", text("")),
            ("pid", Value::Int(if alive { program.pid.into() } else { 0 })),
            ("description", text(if alive { "pid, uptime 0:00:10" } else { "Not started" })),
        ];
        Some(Value::Struct(members.map(|(name, value)| (name.to_owned(), value)).to_vec()))
    }

    fn begin(&mut self, name: &str) -> Answer {
        let running = self.programs.get(name).is_some_and(|p| matches!(self.state(p).0, 10 | 20 | 40));
        if running {
            return fault(60, "ALREADY_STARTED", name);
        }
        let pid = self.pid();
        if let Some(program) = self.programs.get_mut(name) {
            program.launch(pid);
        }
        Answer::Value(Value::Bool(true))
    }

    fn end(&mut self, name: &str) -> Answer {
        let Some(code) = self.programs.get(name).map(|p| self.state(p).0) else { return fault(10, "BAD_NAME", name) };
        if !matches!(code, 10 | 20 | 30) {
            return fault(70, "NOT_RUNNING", name);
        }
        if let Some(program) = self.programs.get_mut(name) {
            program.state = if code == 30 { State::Stopped } else { State::Stopping };
            program.since = Instant::now();
            program.stop = Some(SystemTime::now());
        }
        Answer::Value(Value::Bool(true))
    }

    fn signal(&mut self, name: &str, signal: &str) -> Answer {
        let Some(code) = self.programs.get(name).map(|p| self.state(p).0) else { return fault(10, "BAD_NAME", name) };
        if !matches!(signal, "TERM" | "KILL" | "HUP" | "INT" | "9" | "15") {
            return fault(11, "BAD_SIGNAL", signal);
        }
        if !matches!(code, 10 | 20 | 40) {
            return fault(70, "NOT_RUNNING", name);
        }
        let pid = self.pid();
        if let Some(program) = self.programs.get_mut(name) {
            let ends =
                matches!(signal, "KILL" | "9") || (matches!(signal, "TERM" | "15") && !program.manners.ignores_term);
            match (ends, code) {
                (true, 40) => program.state = State::Stopped,
                // Not asked to stop: it is started again.
                (true, _) => program.launch(pid),
                (false, _) => {}
            }
        }
        Answer::Value(Value::Bool(true))
    }
}

impl Program {
    fn launch(&mut self, pid: u32) {
        self.state = State::Started;
        self.since = Instant::now();
        self.start = SystemTime::now();
        self.pid = pid;
        self.log.push_str("started\n");
    }
}

fn fault(code: i64, name: &str, about: &str) -> Answer {
    Answer::Fault(code, format!("{name}: {about}"))
}
