//! Moving ports of collectors: conflicts found before anything is sent, the whole configuration sent,
//! read back, what changed restarted (the appliance does not do that), the new ports seen listening;
//! and everything put back when that fails.

use std::fmt::Write as _;
use std::time::{Duration, Instant};

use serde_json::Value;
use tokio_util::sync::CancellationToken;

use crate::controllers::raven::appliance::ApplianceConfig;
use crate::controllers::raven::client::Client;
use crate::engine::ports::{Around, Change, Plan, at, plan};
use crate::engine::restart::Verdict;
use crate::model::appliance::poll::{PortSetting, Socket};
use crate::model::text::clean;
use crate::workers::appliance::Preview;
use crate::workers::{lock, now};

use super::restart::Manner;
use super::shared::Shared;
use super::{host, restart};

/// How long the new ports may take to listen after a restart.
const LISTENS: Duration = Duration::from_secs(20);
/// Between two looks.
const LOOK: Duration = Duration::from_secs(2);

struct Worked {
    plan: Plan,
    settings: Vec<PortSetting>,
}

/// The plan, as the appliance is now.
async fn work_out(shared: &Shared, client: &Client, moves: &[(String, u16)]) -> Result<Worked, String> {
    let config = client.appliance_config().await.map_err(|e| e.to_string())?;
    let settings = config.ports();
    let listening = sockets(shared).await;
    let whole = Value::Object(config.whole().clone());
    let changes: Vec<Change> =
        moves.iter().map(|(path, port)| Change { path: path.clone(), port: (*port).into() }).collect();
    let around = Around { config: &whole, settings: &settings, listening: listening.as_deref(), privileged: None };
    Ok(Worked { plan: plan(&changes, around), settings })
}

/// The sockets that listen now, where they can be seen.
async fn sockets(shared: &Shared) -> Option<Vec<Socket>> {
    if let Some(answer) = host::system(shared).await
        && let Some(status) = answer.said()
    {
        lock(&shared.sockets).clone_from(&status.listening);
        return status.listening.clone();
    }
    lock(&shared.sockets).clone()
}

/// What moving would do.
pub(super) async fn preview(shared: &Shared, moves: &[(String, u16)]) -> Result<Preview, String> {
    let client = &shared.made().await?.client;
    let Worked { plan, .. } = work_out(shared, client, moves).await?;
    let mut calls = Vec::new();
    let base = shared.config.config.as_deref().unwrap_or_default();
    if plan.is_possible() {
        calls.push(format!("POST {base}/api/config (the whole object)"));
        calls.extend(plan.restarts.iter().map(|service| format!("restart {service}")));
    }
    let diff = plan.edits.iter().flat_map(|e| {
        let from = e.from.map_or_else(|| "not set".to_owned(), |p| p.to_string());
        [format!("-{}: {from}", e.path), format!("+{}: {}", e.path, e.to)]
    });
    let diff = diff.collect();
    let mut notes = plan.lines.clone();
    if plan.is_possible() {
        notes.push("When a restart fails or a new port does not listen, the old configuration is put back.".to_owned());
    }
    Ok(Preview { calls, diff, irreversible: Vec::new(), notes })
}

/// Moves them.
pub(super) async fn carry_out(
    shared: &Shared,
    moves: &[(String, u16)],
    actor: &str,
    stop: &CancellationToken,
) -> Result<String, String> {
    let client = &shared.made().await?.client;
    let Worked { plan, settings } = work_out(shared, client, moves).await?;
    if plan.edits.is_empty() && plan.conflicts.is_empty() {
        return Ok("the ports are so already".to_owned());
    }
    if !plan.is_possible() {
        let why: Vec<&str> = plan.conflicts.iter().filter(|c| c.fatal).map(|c| c.words.as_str()).collect();
        return Err(format!("{}: nothing was changed: {}", shared.name, clean(&why.join("; "))));
    }
    post(shared, client, &plan.config, &plan, actor).await?;
    let mut restarted = Vec::new();
    for service in &plan.restarts {
        // A person who stops here must not leave half a change behind.
        let done = if stop.is_cancelled() {
            Err("cancelled".to_owned())
        } else {
            restart::perform(shared, service, Manner::Moved, actor, &CancellationToken::new()).await
        };
        restarted.push(service.as_str());
        let why = match done {
            // That its data does not flow yet is no failure: devices still send to the old port.
            Ok((Verdict::Done | Verdict::Silent, _)) => continue,
            Ok((_, why)) | Err(why) => why,
        };
        return Err(roll_back(shared, client, &plan, &restarted, actor, &format!("{service}: {why}")).await);
    }
    match listens(shared, &plan, &settings).await {
        Some(Err(why)) => Err(roll_back(shared, client, &plan, &restarted, actor, &why).await),
        Some(Ok(())) => Ok(format!("{}; the new ports listen", moved(&plan))),
        None => Ok(format!("{}; whether they listen cannot be seen from here", moved(&plan))),
    }
}

fn moved(plan: &Plan) -> String {
    let mut words = String::from("moved");
    for (n, edit) in plan.edits.iter().enumerate() {
        let from = edit.from.map_or_else(|| "nothing".to_owned(), |p| p.to_string());
        let _ = write!(words, "{} {} from {from} to {}", if n > 0 { "," } else { "" }, clean(&edit.path), edit.to);
    }
    words
}

/// Sends a configuration and reads it back.
async fn post(shared: &Shared, client: &Client, config: &Value, plan: &Plan, actor: &str) -> Result<(), String> {
    let Value::Object(whole) = config else { return Err("the configuration is no object".to_owned()) };
    let began = Instant::now();
    let sent = client.set_appliance_config(&ApplianceConfig::new(whole.clone())).await.map_err(|e| e.to_string());
    shared.log(
        actor,
        "POST appliance config",
        &shared.name,
        began,
        sent.as_ref().map(|()| "OK").map_err(String::as_str),
    );
    sent?;
    shared.look_anew();
    let back = client.appliance_config().await.map_err(|e| format!("it was sent, and cannot be read back: {e}"))?;
    let back = Value::Object(back.whole().clone());
    match plan.edits.iter().find(|e| at(&back, &e.path) != at(config, &e.path)) {
        Some(edit) => {
            Err(format!("{}: it answered that it is saved, but has another {}", shared.name, clean(&edit.path)))
        }
        None => Ok(()),
    }
}

/// Whether every moved port is listened on; `None`: nobody can see.
async fn listens(shared: &Shared, plan: &Plan, settings: &[PortSetting]) -> Option<Result<(), String>> {
    let began = Instant::now();
    loop {
        let seen = sockets(shared).await?;
        let tcp = |path: &str| settings.iter().find(|s| s.path == path).is_some_and(|s| s.tcp);
        let missing = plan.edits.iter().find(|e| !seen.iter().any(|s| s.port == e.to && s.tcp == tcp(&e.path)));
        let Some(edit) = missing else { return Some(Ok(())) };
        if began.elapsed() > LISTENS {
            let why = format!("nobody listens on {} after {} s", edit.to, LISTENS.as_secs());
            return Some(Err(why));
        }
        tokio::time::sleep(LOOK).await;
    }
}

/// Puts the old configuration back and restarts what took up the new one. What came of both, in words.
async fn roll_back(
    shared: &Shared,
    client: &Client,
    plan: &Plan,
    restarted: &[&str],
    actor: &str,
    why: &str,
) -> String {
    let mut words = format!("{}: {}", shared.name, clean(why));
    if let Err(failed) = post(shared, client, &plan.roll_back, plan, actor).await {
        let _ = write!(words, "; the old configuration could NOT be put back: {}", clean(&failed));
        return words;
    }
    words.push_str("; the old configuration is back");
    for service in restarted {
        match restart::perform(shared, service, Manner::Moved, actor, &CancellationToken::new()).await {
            Ok((Verdict::Done | Verdict::Silent, _)) => _ = write!(words, ", {service} runs with it"),
            Ok((_, failed)) | Err(failed) => _ = write!(words, ", but {service} does not: {}", clean(&failed)),
        }
    }
    let _ = write!(words, " ({})", now().to_rfc3339());
    words
}
