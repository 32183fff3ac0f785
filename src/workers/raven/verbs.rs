//! What operators ask of an appliance, and how it is proven: an answer of 200 is no proof here.

use std::time::{Duration, Instant};

use tokio_util::sync::CancellationToken;

use crate::model::appliance::state::{ReplayState, UplinkState};
use crate::model::appliance::{ApplianceState, Poll};
use crate::model::text::grouped;
use crate::workers::appliance::{ApplianceVerb, Preview};
use crate::workers::now;

use super::shared::Shared;
use super::{POLL_NOW, configure, ports, restart};

/// How long a replay may take to show in the counters: two polls of the appliance and a freeze.
const MOVES: Duration = Duration::from_secs(20);
/// Between two looks.
const LOOK: Duration = Duration::from_secs(2);

/// What a verb would do.
pub(super) async fn preview(shared: &Shared, verb: &ApplianceVerb, service: Option<&str>) -> Result<Preview, String> {
    match (verb, service) {
        (ApplianceVerb::CleanUp, _) => Ok(clean_up_preview(shared)),
        (ApplianceVerb::Forward, _) => Ok(forward_preview(shared)),
        (ApplianceVerb::Configure(edits), _) => configure::preview(shared, edits).await,
        (ApplianceVerb::MovePorts(moves) | ApplianceVerb::PlanPorts(moves), _) => ports::preview(shared, moves).await,
        (ApplianceVerb::Poll, _) => Ok(Preview::default()),
        (ApplianceVerb::Restart { force }, Some(service)) => restart::preview(shared, service, *force).await,
        (ApplianceVerb::Restart { .. }, None) => Err("a restart is for a service".to_owned()),
    }
}

/// Does it. One change at a time for each appliance.
pub(super) async fn carry_out(
    shared: &Shared,
    verb: &ApplianceVerb,
    service: Option<&str>,
    actor: &str,
    stop: &CancellationToken,
) -> Result<String, String> {
    match verb {
        // What only looks waits for nobody.
        ApplianceVerb::Poll => return shared.poll_now(POLL_NOW).await.map(|()| String::new()),
        ApplianceVerb::PlanPorts(moves) => {
            return ports::preview(shared, moves).await.map(|plan| plan.notes.join("; "));
        }
        _ => {}
    }
    let _alone = shared.changing.lock().await;
    match (verb, service) {
        (ApplianceVerb::Poll | ApplianceVerb::PlanPorts(_), _) => Ok(String::new()),
        (ApplianceVerb::CleanUp, _) => clean_up(shared, actor).await,
        (ApplianceVerb::Forward, _) => forward(shared, actor, stop).await,
        (ApplianceVerb::Configure(edits), _) => configure::carry_out(shared, edits, actor).await,
        (ApplianceVerb::MovePorts(moves), _) => ports::carry_out(shared, moves, actor, stop).await,
        (ApplianceVerb::Restart { force }, Some(service)) => {
            restart::carry_out(shared, service, *force, actor, stop).await
        }
        (ApplianceVerb::Restart { .. }, None) => Err("a restart is for a service".to_owned()),
    }
}

/// What is known of the appliance.
fn known(shared: &Shared) -> ApplianceState {
    let mut state = shared.tracker().state().clone();
    restart::overlay(shared, &mut state);
    state
}

fn clean_up_preview(shared: &Shared) -> Preview {
    let state = known(shared);
    let mut notes = vec![
        "Deletes the records whose time is over; the appliance does so by itself now and then, and does not tell how many.".to_owned(),
    ];
    if let Some(pending) = state.pending.filter(|n| *n > 0) {
        notes.push(format!(
            "{} records are not yet forwarded: those among them whose time is over are lost for good.",
            grouped(pending)
        ));
    }
    Preview {
        calls: vec![format!("POST {}/api/buffer/cleanup", shared.config.buffer)],
        diff: Vec::new(),
        irreversible: vec!["What is deleted is gone, forwarded or not.".to_owned()],
        notes,
    }
}

async fn clean_up(shared: &Shared, actor: &str) -> Result<String, String> {
    let client = &shared.made().await?.client;
    let before = client.stats(now()).await.map_err(|e| e.to_string())?.records;
    let began = Instant::now();
    // The tracker is told first: records that go now are no loss.
    shared.tracker().cleanup_ordered(now());
    let done = client.clean_up().await.map_err(|e| e.to_string());
    shared.log(actor, "POST cleanup", &shared.name, began, done.as_ref().map(|()| "OK").map_err(String::as_str));
    done?;
    let after = client.stats(now()).await.map_err(|e| format!("cleaned up, but not seen: {e}"))?.records;
    shared.wake.notify_one();
    Ok(match before.saturating_sub(after) {
        0 => "cleaned up; no record was past its time".to_owned(),
        n => format!("cleaned up: at least {} records gone, {} left", grouped(n), grouped(after)),
    })
}

fn forward_preview(shared: &Shared) -> Preview {
    let state = known(shared);
    let mut notes = vec![
        "Sends at most 1 000 of the oldest records a call, in the background, even where forwarding is switched off.".to_owned(),
        "Records stored with gzip are sent as they are stored: the receiver gets compressed bytes, and they count as forwarded all the same.".to_owned(),
        "The first buffered flow record stored with gzip stops the replay for good; noctule watches the counters and raises an alarm when it is stuck.".to_owned(),
    ];
    match state.uplink.state {
        UplinkState::Down => notes.insert(0, "Its uplink is down: it will refuse.".to_owned()),
        UplinkState::NotChecked => notes.insert(0, "It has not probed its uplink yet: it may refuse.".to_owned()),
        UplinkState::Up | UplinkState::Unknown => {}
    }
    if state.replay.state == ReplayState::Stuck {
        notes.insert(0, "The last replay is stuck; the same record is first again.".to_owned());
    }
    if let Some(pending) = state.pending {
        notes.push(format!("{} records wait.", grouped(pending)));
    }
    Preview {
        calls: vec![format!("POST {}/api/buffer/forward", shared.config.buffer)],
        diff: Vec::new(),
        irreversible: vec!["What is sent counts as forwarded, whether the receiver could read it or not.".to_owned()],
        notes,
    }
}

async fn forward(shared: &Shared, actor: &str, stop: &CancellationToken) -> Result<String, String> {
    let client = &shared.made().await?.client;
    let sum = |services: &[crate::model::appliance::poll::ServiceStats]| {
        services.iter().fold((0_u64, 0_u64), |(f, p), s| (f.saturating_add(s.forwarded), p.saturating_add(s.pending)))
    };
    let services = |poll: &Poll| poll.services.said().map(|s| sum(s));
    let before = client.poll_whole(now()).await;
    let Some((forwarded, pending)) = services(&before) else {
        let why = before.services.trouble().unwrap_or("it does not tell its services").to_owned();
        return Err(format!("nothing was sent: {why}"));
    };
    if pending == 0 {
        return Ok("nothing waits to be forwarded".to_owned());
    }
    let began = Instant::now();
    let done = client.forward().await.map_err(|e| e.to_string());
    shared.log(actor, "POST forward", &shared.name, began, done.as_ref().map(|()| "OK").map_err(String::as_str));
    done?;
    shared.tracker().forward_ordered(now());
    shared.wake.notify_one();
    // "Started" says nothing: what counts is that the counter moves.
    while began.elapsed() < MOVES {
        tokio::select! {
            () = stop.cancelled() => return Ok("started; whether it moves was not awaited".to_owned()),
            () = tokio::time::sleep(LOOK) => {}
        }
        if let Some((now_forwarded, left)) = services(&client.poll_whole(now()).await)
            && now_forwarded > forwarded
        {
            let sent = grouped(now_forwarded - forwarded);
            return Ok(format!("forwarding: {sent} records sent so far, {} wait", grouped(left)));
        }
    }
    Err(format!(
        "it said that forwarding has started, and nothing has moved in {} s: the replay is stuck, most likely at a flow record stored with gzip",
        MOVES.as_secs()
    ))
}
