//! `POST /devices/<id>/tasks`: queue a task, ask for a session, wait for it, and say how it went in
//! the reason phrase.

use std::sync::Arc;

use http::StatusCode;
use hyper::body::Incoming;
use serde_json::Value as Json;

use super::Nbi;
use super::answer::{Answer, bad_json, because, empty, json, text};
use super::route::Parameters;
use super::server::whole_body;
use crate::sim::genieacs::data::{ObjectId, Value, json as write};
use crate::sim::genieacs::query::Crash;
use crate::sim::genieacs::world::Poked;
use crate::sim::genieacs::world::task::{Task, channel};

/// The ACS looks twice a second whether a session is over.
const LOOK: i64 = 500;
/// A connection request that nobody answers.
const POKE_TIMEOUT: i64 = 2_000;
/// How long it waits for a device that a session holds.
const LOCK: i64 = 30_000;
/// Until the CPE must have informed, unless the request says otherwise.
const INFORM: i64 = 4_000;
/// A session may take this long.
const SESSION: i64 = 120_000;

const QUEUED: &str = "Task queued but not processed";

/// Answers the request.
pub(crate) async fn post(
    nbi: &Arc<Nbi>,
    device: &str,
    parameters: &Parameters,
    body: Incoming,
) -> Result<Answer, Crash> {
    let Some(body) = whole_body(body).await else { return Ok(empty(StatusCode::BAD_REQUEST)) };
    let given = String::from_utf8_lossy(&body);
    let poke = parameters.get("connection_request").is_some();
    let task = match given.trim() {
        "" => None,
        some => match serde_json::from_str::<Json>(some) {
            Ok(task) => Some(task),
            Err(e) => return Ok(bad_json(some, &e)),
        },
    };
    if task.is_none() && !poke {
        return Ok(empty(StatusCode::BAD_REQUEST));
    }
    let Some(at) = nbi.live.world().fleet.find(device) else {
        return Ok(text(StatusCode::NOT_FOUND, "No such device"));
    };
    let Some(task) = task else { return Ok(poke_only(nbi, at).await) };
    if !poke {
        let (_, doc) = queue(nbi, at, device, &task)?;
        return Ok(answer(StatusCode::ACCEPTED, &doc));
    }
    // What cannot be run throws before anything waits.
    Task::parse(&task, at, device, ObjectId::default(), 0)?;
    let free = unlocked(nbi, at).await;
    let (id, doc) = queue(nbi, at, device, &task)?;
    if !free {
        return Ok(because(answer(StatusCode::ACCEPTED, &doc), QUEUED));
    }
    let timeout = parameters.get("timeout").and_then(|t| t.trim().parse().ok()).unwrap_or(INFORM);
    let before = counters(nbi, at);
    if let Err(reason) = poked(nbi, at).await {
        return Ok(because(answer(StatusCode::ACCEPTED, &doc), reason));
    }
    let ran = session(nbi, at, before, timeout).await;
    let world = nbi.live.world();
    if !ran {
        return Ok(because(answer(StatusCode::ACCEPTED, &doc), QUEUED));
    }
    if world.faults.contains_key(&(at, channel(&id))) {
        return Ok(because(answer(StatusCode::ACCEPTED, &doc), "Task faulted"));
    }
    if world.tasks.get(&id).is_some() {
        return Ok(because(answer(StatusCode::ACCEPTED, &doc), QUEUED));
    }
    Ok(answer(StatusCode::OK, &doc))
}

fn answer(status: StatusCode, doc: &Value) -> Answer {
    let mut out = Vec::new();
    write(&mut out, doc);
    json(status, out)
}

/// Queues a task; one with the same unique key goes first, and leaves its fault behind, as it does
/// on a real server.
fn queue(nbi: &Nbi, at: u32, device: &str, body: &Json) -> Result<(ObjectId, Value), Crash> {
    let mut world = nbi.live.world();
    let (id, wall) = (world.object_id(), world.wall());
    let task = Task::parse(body, at, device, id, wall)?;
    if let Some(key) = &task.unique_key {
        let old = world.tasks.of_device(at).into_iter();
        let old: Vec<ObjectId> =
            old.filter(|i| world.tasks.get(i).and_then(|t| t.unique_key.as_ref()) == Some(key)).collect();
        for id in old {
            world.tasks.remove(&id);
        }
    }
    let doc = task.doc.clone();
    world.tasks.insert(id, task);
    Ok((id, doc))
}

async fn poke_only(nbi: &Nbi, at: u32) -> Answer {
    match poked(nbi, at).await {
        Ok(()) => {
            nbi.live.pass(10).await;
            empty(StatusCode::OK)
        }
        Err(reason) => because(text(StatusCode::GATEWAY_TIMEOUT, reason), reason),
    }
}

async fn poked(nbi: &Nbi, at: u32) -> Result<(), &'static str> {
    let how = nbi.live.world().poke(at);
    match how {
        Poked::Accepted => Ok(()),
        Poked::Failed(reason) => Err(reason),
        Poked::Silent => {
            nbi.live.pass(POKE_TIMEOUT).await;
            Err("Device is offline")
        }
    }
}

/// Sessions begun and ended.
fn counters(nbi: &Nbi, at: u32) -> (u32, u32) {
    nbi.live.world().fleet.get(at).map_or((0, 0), |c| (c.sessions, c.ended))
}

/// Waits until no session holds the device; whether that came.
async fn unlocked(nbi: &Nbi, at: u32) -> bool {
    let until = nbi.live.world().now() + LOCK;
    loop {
        {
            let world = nbi.live.world();
            if !world.fleet.get(at).is_some_and(crate::sim::genieacs::fleet::Cpe::in_session) {
                return true;
            }
            if world.now() >= until {
                return false;
            }
        }
        nbi.live.pass(LOOK / 10).await;
    }
}

/// Waits for a session that began after the counters were taken, and for its end.
async fn session(nbi: &Nbi, at: u32, before: (u32, u32), timeout: i64) -> bool {
    let from = nbi.live.world().now();
    loop {
        nbi.live.pass(LOOK).await;
        let now = nbi.live.world().now();
        let (begun, ended) = counters(nbi, at);
        let begun = begun != before.0;
        if begun && ended != before.1 {
            return true;
        }
        if now - from >= if begun { timeout + SESSION } else { timeout } {
            return false;
        }
    }
}
