//! Restarting a service of an appliance: by its config service, a supervisor or systemd, with every
//! step in the log while it happens, and proven by its process and its data.

use std::fmt::Write as _;

use futures_util::future::BoxFuture;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use crate::engine::buffer::Happening;
use crate::engine::restart::{Policy, Step, Verdict};
use crate::model::appliance::poll::ProcessStatus;
use crate::model::appliance::state::{Flow, ProcessState};
use crate::model::text::clean;
use crate::model::time::{SECOND, Ts};
use crate::workers::appliance::Preview;
use crate::workers::restart::{self as desk, Appliance, Control, Job};
use crate::workers::{lock, now};

use super::shared::Shared;

/// Steps that may wait to be journalled.
const STEPS: usize = 64;

/// How a restart is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Manner {
    /// With a cool-down between two.
    Careful,
    /// Whatever speaks against it.
    Force,
    /// Because its port was moved: devices still send to the old one, so that no data is waited for.
    Moved,
}

/// How a service is restarted: data is only waited for where some came in before.
fn policy(shared: &Shared, service: &str, manner: Manner) -> Policy {
    let expects = manner != Manner::Moved
        && shared.tracker().state().collector(service).is_some_and(|c| matches!(c.flow, Flow::Flowing | Flow::Silent));
    let mut policy = Policy { data_us: if expects { Policy::default().data_us } else { None }, ..Policy::default() };
    if manner != Manner::Careful {
        policy.cool_down_us = Vec::new();
    }
    policy
}

const fn manner(force: bool) -> Manner {
    if force { Manner::Force } else { Manner::Careful }
}

/// What a restart would do.
pub(super) async fn preview(shared: &Shared, service: &str, force: bool) -> Result<Preview, String> {
    let control = shared.control().await?;
    let policy = policy(shared, service, manner(force));
    let unit = shared.unit(service);
    let mut notes = Vec::new();
    if let Err(why) = shared.desk.may(&shared.name, service, &policy) {
        notes.push(format!("It would be refused now: {why}."));
    }
    let calls = match control {
        Control::Api => {
            notes.push("The config service restarts it in one go and answers when it is done; it cannot be cancelled half-way.".to_owned());
            vec![format!("POST {}/api/services/{service}/restart", shared.config.config.as_deref().unwrap_or_default())]
        }
        Control::Supervisor(supervisor) => {
            notes.push(steps(&policy));
            ["stopProcess", "startProcess"]
                .map(|call| format!("{} supervisor.{call}({unit})", supervisor.place()))
                .to_vec()
        }
        Control::Systemd(systemd) => {
            notes.push(steps(&policy));
            ["StopUnit", "StartUnit"].map(|call| format!("systemd on {}: {call}({unit})", systemd.place())).to_vec()
        }
    };
    notes.push(match policy.data_us {
        Some(us) => format!("It counts as done when it runs and its data flows again within {} s.", us / SECOND),
        None => "It counts as done when it runs; no data is expected of it just now.".to_owned(),
    });
    if shared.tracker().state().collector(service).is_some_and(|c| c.critical) {
        notes.insert(0, "It is critical: nothing is collected by it until it runs again.".to_owned());
    }
    let irreversible = vec!["What devices send while it is down is lost: UDP is not sent again.".to_owned()];
    Ok(Preview { calls, diff: Vec::new(), irreversible, notes })
}

fn steps(policy: &Policy) -> String {
    format!(
        "Stopped gracefully; TERM after {} s, KILL {} s after that.",
        policy.stop_us / SECOND,
        policy.term_us / SECOND
    )
}

/// Restarts it; how it went, in words. A service that runs again without data is a failure: that is
/// what a restart is for.
pub(super) async fn carry_out(
    shared: &Shared,
    service: &str,
    force: bool,
    actor: &str,
    stop: &CancellationToken,
) -> Result<String, String> {
    match perform(shared, service, manner(force), actor, stop).await? {
        (Verdict::Done, words) => Ok(words),
        (_, words) => Err(words),
    }
}

/// Restarts it: how it ended, and that in words.
///
/// # Errors
/// Why it was not begun.
pub(super) async fn perform(
    shared: &Shared,
    service: &str,
    manner: Manner,
    actor: &str,
    stop: &CancellationToken,
) -> Result<(Verdict, String), String> {
    let policy = policy(shared, service, manner);
    let control = shared.control().await?;
    let permit = shared.desk.admit(&shared.name, service, &policy).map_err(|e| e.to_string())?;
    note(
        shared,
        service,
        now(),
        &format!("restart ordered by {actor}{}", if manner == Manner::Force { ", by force" } else { "" }),
        false,
    );
    let client = shared.made().await?.client.clone();
    let appliance = Told { client, seen: std::sync::Mutex::default() };
    let job = Job { service: service.to_owned(), unit: shared.unit(service), policy };
    let (progress, mut steps) = mpsc::channel::<Step>(STEPS);
    lock(&shared.restarting).insert(service.to_owned());
    let told = async {
        while let Some(step) = steps.recv().await {
            note(shared, service, step.at, &step.what, false);
            shared.wake.notify_one();
        }
    };
    let work = async {
        let progress = progress;
        desk::run(permit, control, &appliance, &job, &progress, stop).await
    };
    let (outcome, ()) = tokio::join!(work, told);
    lock(&shared.restarting).remove(service);
    shared.look_anew();
    let took = outcome.took_us() / SECOND;
    let mut words = match &outcome.verdict {
        Verdict::Done if job.policy.data_us.is_some() => format!("runs again after {took} s, and its data flows"),
        Verdict::Done => format!("runs again after {took} s"),
        Verdict::Silent => format!("runs again, but no data came in {took} s: check what sends to it, and its ports"),
        Verdict::Failed(why) => format!("restart failed: {}", clean(why)),
        Verdict::Cancelled => "restart cancelled".to_owned(),
    };
    if outcome.killed {
        words.push_str("; it had to be killed");
    }
    let good = matches!(outcome.verdict, Verdict::Done);
    note(shared, service, now(), &words, !good);
    if !good {
        for step in outcome.steps.iter().rev().take(3).rev() {
            let what = clean(&step.what);
            // The last step is the failure itself, more often than not.
            if !words.contains(&*what) {
                let _ = write!(words, "; {what}");
            }
        }
    }
    Ok((outcome.verdict, words))
}

/// A line of the log about a restart.
fn note(shared: &Shared, service: &str, at: Ts, text: &str, failure: bool) {
    let (collector, text) = (Some(service.to_owned()), text.to_owned());
    shared.note(&Happening { collector, event: "SERVICE_RESTART", text, failure }, at);
}

/// Records of a service when it was first looked at, and when more had come.
type Growth = (u64, Option<Ts>);

/// What the appliance itself does and tells during a restart.
struct Told {
    client: crate::controllers::raven::client::Client,
    /// Records of the service when it was first looked at, and when they last grew.
    seen: std::sync::Mutex<Option<Growth>>,
}

impl Appliance for Told {
    fn restart<'a>(&'a self, service: &'a str) -> BoxFuture<'a, Result<(), String>> {
        Box::pin(async move { self.client.restart(service).await.map(drop).map_err(|e| e.to_string()) })
    }

    fn runs<'a>(&'a self, service: &'a str) -> BoxFuture<'a, Option<bool>> {
        Box::pin(async move {
            let system = self.client.system().await.ok()?;
            system.processes.iter().find(|p: &&ProcessStatus| p.service == service)?.running
        })
    }

    fn last_data<'a>(&'a self, service: &'a str) -> BoxFuture<'a, Option<Ts>> {
        Box::pin(async move {
            let at = now();
            let stats = self.client.service_stats(service, at).await.ok()?;
            let mut seen = lock(&self.seen);
            let (before, grew) = (*seen).unwrap_or((stats.records, None));
            let grew = if stats.records > before { Some(at) } else { grew };
            *seen = Some((stats.records, grew));
            grew
        })
    }
}

/// What a service does while it is restarted, whatever an older poll says.
pub(super) fn overlay(shared: &Shared, state: &mut crate::model::appliance::ApplianceState) {
    let restarting = lock(&shared.restarting);
    for collector in state.collectors.iter_mut().filter(|c| restarting.contains(&c.name)) {
        if collector.process != ProcessState::Running {
            collector.process = ProcessState::Changing;
        }
    }
}
