//! Drives restarts: `engine::restart` decides, this carries out, through the config service of an
//! appliance, a supervisor or systemd, and looks at what comes of it.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures_util::future::BoxFuture;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::{lock, now};
use crate::controllers::supervisor::error::FaultKind;
use crate::controllers::supervisor::{State, Supervisor};
use crate::controllers::systemd::{Failure, Systemd, Verb};
use crate::engine::restart::{Command, Input, NotNow, Outcome, Policy, Restart, Restarts, Seen, Step, Verdict, Way};
use crate::model::time::Ts;

/// How often a service is looked at while it is restarted.
const LOOK: Duration = Duration::from_millis(250);

/// How long systemd's own job of a start may take.
const START: Duration = Duration::from_secs(30);

/// What the appliance itself does and tells: its config service restarts, its buffer tells of data.
pub trait Appliance: Send + Sync {
    /// Restarts a service by one call; returns when the appliance says that it is done.
    ///
    /// # Errors
    /// Why not, in words.
    fn restart<'a>(&'a self, service: &'a str) -> BoxFuture<'a, Result<(), String>>;

    /// Whether a service runs; `None`: not known just now.
    fn runs<'a>(&'a self, service: &'a str) -> BoxFuture<'a, Option<bool>>;

    /// When the last data of a service came in, our clock; `None`: not known.
    fn last_data<'a>(&'a self, service: &'a str) -> BoxFuture<'a, Option<Ts>>;
}

/// Who restarts.
#[derive(Clone)]
pub enum Control {
    /// The appliance's config service.
    Api,
    /// A supervisor.
    Supervisor(Supervisor),
    /// systemd.
    Systemd(Arc<Systemd>),
}

/// What is restarted, and how.
#[derive(Debug, Clone)]
pub struct Job {
    /// Service, as the appliance names it.
    pub service: String,
    /// Its name with the supervisor or systemd.
    pub unit: String,
    /// Spans; `data_us` of `None` for services that need not have data.
    pub policy: Policy,
}

/// Keeps restarts of one service apart, over all sources.
#[derive(Debug, Clone, Default)]
pub struct Desk {
    sources: Arc<Mutex<BTreeMap<String, Restarts>>>,
}

/// The right to restart one service; given back when dropped.
#[derive(Debug)]
pub struct Permit {
    desk: Desk,
    source: String,
    service: String,
}

impl Desk {
    /// Asks to restart a service of a source.
    ///
    /// # Errors
    /// One runs already, or the last one was too short a time ago: then how long still.
    pub fn admit(&self, source: &str, service: &str, policy: &Policy) -> Result<Permit, NotNow> {
        lock(&self.sources).entry(source.to_owned()).or_default().begin(service, policy, now())?;
        Ok(Permit { desk: self.clone(), source: source.to_owned(), service: service.to_owned() })
    }

    /// Whether a restart could begin now, without beginning one.
    ///
    /// # Errors
    /// See [`Desk::admit`].
    pub fn may(&self, source: &str, service: &str, policy: &Policy) -> Result<(), NotNow> {
        lock(&self.sources).get(source).map_or(Ok(()), |r| r.may(service, policy, now()))
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        if let Some(restarts) = lock(&self.desk.sources).get_mut(&self.source) {
            restarts.ended(&self.service, now());
        }
    }
}

/// Restarts a service. Each step goes into `progress` when it is taken; the outcome holds all of them.
/// Cancelling stops what would come next; a call that is under way is not taken back.
pub async fn run(
    permit: Permit,
    control: &Control,
    appliance: &dyn Appliance,
    job: &Job,
    progress: &mpsc::Sender<Step>,
    cancel: &CancellationToken,
) -> Outcome {
    let way = if matches!(control, Control::Api) { Way::OneCall } else { Way::Steps };
    let Look { seen: first, pid, .. } = match look(control, appliance, job).await {
        Ok(seen) => seen,
        // What cannot be looked at is not stopped blindly.
        Err(why) => {
            let step = Step { at: now(), what: format!("not begun: {why}") };
            let _ = progress.try_send(step.clone());
            return Outcome { verdict: Verdict::Failed(why), steps: vec![step], killed: false };
        }
    };
    let mut restart = Restart::new(job.policy.clone(), way, pid);
    let mut command = restart.begin(now(), !matches!(first, Seen::Stopped | Seen::Failed));
    let mut told = 0;
    loop {
        while let Some(next) = command.take() {
            tell(&restart, &mut told, progress);
            if let Command::Done(outcome) = next {
                drop(permit);
                return outcome;
            }
            let input = tokio::select! {
                done = carry_out(&next, control, appliance, job) => match done {
                    Ok(()) if next == Command::ApiRestart => Input::CallDone,
                    Ok(()) => Input::Tick,
                    Err(input) => input,
                },
                () = cancel.cancelled() => Input::Cancel,
            };
            command = restart.on(now(), &input);
        }
        tell(&restart, &mut told, progress);
        tokio::select! {
            () = tokio::time::sleep(LOOK) => {}
            () = cancel.cancelled() => {
                command = restart.on(now(), &Input::Cancel);
                continue;
            }
        }
        let unknown = Look { seen: Seen::Unknown, pid: 0, ended: String::new() };
        let Look { seen, pid, ended } = look(control, appliance, job).await.unwrap_or(unknown);
        restart.on(now(), &Input::Ended(ended));
        command = restart.on(now(), &Input::Process { seen, pid });
        if command.is_none()
            && let Some(at) = appliance.last_data(&job.service).await
        {
            command = restart.on(now(), &Input::Data(at));
        }
    }
}

/// Tells of the steps that have not been told yet. A reader that is slow or gone misses some; all
/// are in the outcome.
fn tell(restart: &Restart, told: &mut usize, progress: &mpsc::Sender<Step>) {
    for step in restart.steps().iter().skip(*told) {
        let _ = progress.try_send(step.clone());
    }
    *told = restart.steps().len();
}

/// A service, as whoever controls it tells of it.
struct Look {
    seen: Seen,
    /// Its process; 0: none, or not told.
    pid: u32,
    /// How its last run ended, in words; empty: well, or not told.
    ended: String,
}

async fn look(control: &Control, appliance: &dyn Appliance, job: &Job) -> Result<Look, String> {
    match control {
        Control::Api => {
            let seen = match appliance.runs(&job.service).await {
                Some(true) => Seen::Running,
                Some(false) => Seen::Stopped,
                None => Seen::Unknown,
            };
            Ok(Look { seen, pid: 0, ended: String::new() })
        }
        Control::Supervisor(supervisor) => {
            let process = supervisor.process(&job.unit).await.map_err(|e| e.to_string())?;
            let seen = match process.state {
                State::Running => Seen::Running,
                State::Stopped | State::Exited => Seen::Stopped,
                State::Starting | State::Backoff | State::Stopping => Seen::Changing,
                State::Fatal => Seen::Failed,
                State::Unknown => Seen::Unknown,
            };
            Ok(Look { seen, pid: process.pid, ended: String::new() })
        }
        Control::Systemd(systemd) => {
            let unit = systemd.unit(&job.unit).await.map_err(|e| e.to_string())?;
            if unit.load == "not-found" {
                return Err(format!("systemd on {}: there is no unit {}", systemd.place(), unit.name));
            }
            // It may run all the same, and would never be started again.
            if matches!(unit.load.as_str(), "masked" | "bad-setting" | "error") {
                return Err(format!(
                    "systemd on {}: {} cannot be started: it is {:?}",
                    systemd.place(),
                    unit.name,
                    unit.load
                ));
            }
            let seen = match unit.active.as_str() {
                "active" => Seen::Running,
                "inactive" => Seen::Stopped,
                "failed" => Seen::Failed,
                "activating" | "deactivating" | "reloading" | "refreshing" | "maintenance" => Seen::Changing,
                _ => Seen::Unknown,
            };
            Ok(Look { seen, pid: unit.pid, ended: unit.cause })
        }
    }
}

/// Does it; what came of it instead is what the restart has to hear.
async fn carry_out(command: &Command, control: &Control, appliance: &dyn Appliance, job: &Job) -> Result<(), Input> {
    let unit = job.unit.as_str();
    match (control, command) {
        (_, Command::Done(_)) => Ok(()),
        (Control::Api, Command::ApiRestart) => appliance.restart(&job.service).await.map_err(Input::Refused),
        (Control::Api, _) | (_, Command::ApiRestart) => {
            Err(Input::Refused("this way of control cannot do that".to_owned()))
        }
        (Control::Supervisor(supervisor), command) => {
            let done = match command {
                Command::Stop => supervisor.stop(unit).await,
                Command::Term => supervisor.signal(unit, "TERM").await,
                Command::Kill => supervisor.signal(unit, "KILL").await,
                _ => supervisor.start(unit).await,
            };
            match done {
                Ok(()) => Ok(()),
                // What was asked for is so already.
                Err(e) if e.fault() == Some(FaultKind::NotRunning) && *command != Command::Start => Ok(()),
                Err(e) if e.fault() == Some(FaultKind::AlreadyStarted) && *command == Command::Start => Ok(()),
                Err(e) => Err(Input::Refused(e.to_string())),
            }
        }
        (Control::Systemd(systemd), command) => {
            let done = match command {
                Command::Stop => systemd.queue(Verb::Stop, unit).await,
                Command::Term => systemd.signal(unit, 15).await,
                Command::Kill => systemd.signal(unit, 9).await,
                // Waited for: until the job has run, the unit still shows how it ended before.
                _ => systemd.act(Verb::Start, unit, START).await,
            };
            done.map_err(|e| match e.what {
                Failure::Denied(_) => Input::Denied(e.to_string()),
                _ => Input::Refused(e.to_string()),
            })
        }
    }
}
