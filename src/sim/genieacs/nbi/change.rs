//! What changes something and is no task: tags, deletions, presets, scripts, files.

use std::sync::Arc;

use http::{Request, StatusCode};
use hyper::body::Incoming;
use serde_json::{Value as Json, json};

use super::answer::{Answer, bad_json, empty, in_session, text};
use super::server::whole_body;
use super::{Nbi, script};
use crate::sim::genieacs::fleet::Cpe;
use crate::sim::genieacs::query::{Crash, object_id};
use crate::sim::genieacs::world::World;
use crate::sim::genieacs::world::store::{File, Shelf, put as put_document};
use crate::sim::genieacs::world::task::channel;

/// The request headers that are kept with a file.
const METADATA: [&str; 4] = ["fileType", "oui", "productClass", "version"];

fn busy(world: &World, at: u32) -> bool {
    world.fleet.get(at).is_some_and(Cpe::in_session)
}

/// `DELETE /devices/<id>`: 200 even when there is none.
pub(crate) fn delete_device(nbi: &Nbi, id: &str) -> Answer {
    let mut world = nbi.live.world();
    if let Some(at) = world.fleet.find(id) {
        if busy(&world, at) {
            return in_session();
        }
        world.delete_device(at);
    }
    empty(StatusCode::OK)
}

/// Adds or removes a tag.
pub(crate) fn tag(nbi: &Nbi, id: &str, tag: &str, on: bool) -> Answer {
    let mut world = nbi.live.world();
    match world.fleet.find(id) {
        Some(at) => {
            world.tag(at, tag, on);
            empty(StatusCode::OK)
        }
        None => text(StatusCode::NOT_FOUND, "No such device"),
    }
}

/// `DELETE /tasks/<id>`: its fault goes with it.
pub(crate) fn delete_task(nbi: &Nbi, id: &str) -> Result<Answer, Crash> {
    let id = object_id(id).ok_or(Crash("a task id that is not 24 hexadecimal digits"))?;
    let mut world = nbi.live.world();
    let Some(device) = world.tasks.get(&id).map(|t| t.device) else {
        return Ok(text(StatusCode::NOT_FOUND, "Task not found"));
    };
    if busy(&world, device) {
        return Ok(in_session());
    }
    world.tasks.remove(&id);
    world.faults.remove(&(device, channel(&id)));
    Ok(empty(StatusCode::OK))
}

/// `POST /tasks/<id>/retry` only removes the fault; without such a task the worker dies.
pub(crate) fn retry_task(nbi: &Nbi, id: &str) -> Result<Answer, Crash> {
    let id = object_id(id).ok_or(Crash("a task id that is not 24 hexadecimal digits"))?;
    let mut world = nbi.live.world();
    let device = world.tasks.get(&id).map(|t| t.device).ok_or(Crash("a retry of a task that does not exist"))?;
    if busy(&world, device) {
        return Ok(in_session());
    }
    world.faults.remove(&(device, channel(&id)));
    Ok(empty(StatusCode::OK))
}

/// `DELETE /faults/<device:channel>`: a task of that channel goes too.
pub(crate) fn delete_fault(nbi: &Nbi, id: &str) -> Answer {
    let mut world = nbi.live.world();
    let Some((device, channel)) = id.split_once(':') else { return empty(StatusCode::OK) };
    let Some(at) = world.fleet.find(device) else { return empty(StatusCode::OK) };
    if busy(&world, at) {
        return in_session();
    }
    world.faults.remove(&(at, channel.to_owned()));
    if let Some(id) = channel.strip_prefix("task_").and_then(object_id) {
        world.tasks.remove(&id);
    }
    empty(StatusCode::OK)
}

fn shelf<'a>(world: &'a mut World, name: &str) -> &'a mut Shelf {
    match name {
        "presets" => &mut world.store.presets,
        "objects" => &mut world.store.objects,
        "provisions" => &mut world.store.provisions,
        _ => &mut world.store.virtuals,
    }
}

/// Stores a preset, an object, a provision or a virtual parameter. JSON is only parsed, whatever its
/// shape; of a script only the syntax is looked at.
pub(crate) async fn put(nbi: &Nbi, kind: &str, name: &str, body: Incoming) -> Answer {
    let Some(body) = whole_body(body).await else { return empty(StatusCode::BAD_REQUEST) };
    let given = String::from_utf8_lossy(&body);
    let fields = if matches!(kind, "presets" | "objects") {
        match serde_json::from_str::<Json>(&given) {
            Ok(json) => json,
            Err(e) => return bad_json(&given, &e),
        }
    } else {
        if let Err(error) = script::check(&given) {
            return text(StatusCode::BAD_REQUEST, format!("SyntaxError: {error}"));
        }
        json!({ "script": given })
    };
    let mut world = nbi.live.world();
    put_document(shelf(&mut world, kind), name, &fields);
    empty(StatusCode::OK)
}

/// Removes one; 200 even when there is none.
pub(crate) fn delete(nbi: &Nbi, kind: &str, name: &str) -> Answer {
    shelf(&mut nbi.live.world(), kind).remove(name);
    empty(StatusCode::OK)
}

/// `PUT /files/<name>`: 201, whatever the documentation says.
pub(crate) async fn put_file(nbi: &Arc<Nbi>, name: &str, request: Request<Incoming>) -> Answer {
    let header = |field: &'static str| {
        let value = request.headers().get(field)?.to_str().ok()?;
        Some((field, value.to_owned()))
    };
    let metadata = METADATA.into_iter().filter_map(header).collect();
    let Some(bytes) = whole_body(request.into_body()).await else { return empty(StatusCode::BAD_REQUEST) };
    let mut world = nbi.live.world();
    let uploaded = world.wall();
    world.store.files.insert(name.to_owned(), File { bytes, uploaded, metadata });
    empty(StatusCode::CREATED)
}

/// `DELETE /files/<name>`: a missing one kills the worker.
pub(crate) fn delete_file(nbi: &Nbi, name: &str) -> Result<Answer, Crash> {
    match nbi.live.world().store.files.remove(name) {
        Some(_) => Ok(empty(StatusCode::OK)),
        None => Err(Crash("a file that does not exist is deleted")),
    }
}

/// `GET /ping/<host>`: what the program of that name would print. Nothing is sent anywhere.
pub(crate) fn ping(nbi: &Nbi, host: &str) -> Answer {
    if !nbi.can_ping {
        return text(StatusCode::INTERNAL_SERVER_ERROR, "Error: spawn ping ENOENT");
    }
    if host.parse::<std::net::IpAddr>().is_err() && host != "localhost" {
        return text(StatusCode::NOT_FOUND, format!("ping: {host}: Name or service not known"));
    }
    let up = {
        let world = nbi.live.world();
        !host.starts_with("100.") || world.fleet.each().any(|(_, v)| v.cpe.address() == host && v.cpe.reachable())
    };
    let got = if up { 3 } else { 0 };
    let mut lines = vec![format!("PING {host} ({host}) 56(84) bytes of data.")];
    lines.extend((1..=got).map(|n| format!("64 bytes from {host}: icmp_seq={n} ttl=62 time=3.1{n} ms")));
    lines.push(String::new());
    lines.push(format!("--- {host} ping statistics ---"));
    let lost = if up { 0 } else { 100 };
    lines.push(format!("3 packets transmitted, {got} received, {lost}% packet loss, time 2003ms"));
    if up {
        lines.push("rtt min/avg/max/mdev = 3.110/3.120/3.130/0.008 ms".into());
    }
    lines.push(String::new());
    text(StatusCode::OK, lines.join("\n"))
}
