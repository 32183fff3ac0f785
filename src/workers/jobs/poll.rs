//! What shows only by asking: queued tasks, downloads, restarts. A few questions for all devices of a
//! job together.

use std::collections::{HashMap, HashSet};

use crate::controllers::genieacs::error::Error;
use crate::controllers::genieacs::map::{FaultDoc, OperationDoc};
use crate::controllers::genieacs::wire::Filter;
use crate::engine::job::{Device, State, proof};
use crate::model::job::{DeviceEvent, Step, Work};
use crate::model::time::Ts;
use crate::workers::now;

use super::device::{Line, within};
use super::news::News;
use super::{bulk, evidence, prove};

/// Devices from which on all faults are asked for rather than those of each.
const MANY: usize = 600;

/// A device to look at.
#[derive(Debug, Clone)]
pub(super) struct Seen {
    pub(super) index: u32,
    pub(super) device: String,
    pub(super) state: Device,
}

/// What the controller holds of them.
struct World {
    /// Devices with a task of this job.
    tasks: HashSet<String>,
    faults: HashMap<String, Vec<FaultDoc>>,
    operations: Vec<OperationDoc>,
    docs: HashMap<String, crate::controllers::genieacs::device::DeviceDoc>,
}

/// Looks once. All of the devices are handed back.
pub(super) async fn look(line: Line, devices: Vec<Seen>) {
    let mut events = Vec::new();
    if let Some(world) = within(&line, ask(&line, &devices)).await {
        let now = now();
        for seen in &devices {
            let mut state = seen.state.clone();
            // A download may have reached several stages since.
            while let Some(event) = next(&line, seen, &state, &world, now) {
                if !state.apply(line.context.kind, now, &event) {
                    break;
                }
                events.push((seen.index, event));
            }
        }
    }
    let through = devices.iter().map(|seen| seen.index).collect();
    let _ = line.news.send(News::Many(line.job(), events, through));
    let _ = line.news.send(News::Polled(line.job()));
}

async fn ask(line: &Line, devices: &[Seen]) -> Result<World, Error> {
    let client = &line.context.client;
    let ids: Vec<&str> = devices.iter().map(|s| s.device.as_str()).collect();
    let staged: Vec<&str> =
        devices.iter().filter(|s| s.state.state != State::Queued).map(|s| s.device.as_str()).collect();
    // Tasks first: one that leaves the queue meanwhile has left its traces by the next question.
    let queued = devices.iter().any(|s| s.state.state == State::Queued);
    let tasks = if queued {
        let key = line.job().unique_key(Step::Write);
        let waiting = client.tasks(&Filter::equal("uniqueKey", key)).await?;
        waiting.into_iter().map(|t| t.device).collect()
    } else {
        HashSet::new()
    };
    let operations = if staged.is_empty() { Vec::new() } else { client.operations(&Filter::all()).await? };
    let mut faults = HashMap::new();
    if ids.len() > MANY {
        faults = bulk::by_device(client.faults(&Filter::all()).await?);
    } else {
        for chunk in bulk::chunks(&ids) {
            faults.extend(bulk::faults(client, &chunk).await?);
        }
    }
    let mut docs = HashMap::new();
    for chunk in bulk::chunks(&staged) {
        docs.extend(bulk::documents(client, &chunk, &line.context.projection).await?);
    }
    line.context.acs.judge(Ok(()));
    Ok(World { tasks, faults, operations, docs })
}

fn next(line: &Line, seen: &Seen, state: &Device, world: &World, now: Ts) -> Option<DeviceEvent> {
    let since = prove::since(line, state);
    let faults = world.faults.get(&seen.device).map_or(&[][..], Vec::as_slice);
    let ours = faults.iter().find(|f| match (&state.task, f.task()) {
        (Some(task), Some(of)) => task == of.as_str(),
        // A download has no task any more: its fault is the one that is younger than the order.
        (None, Some(_)) => f.timestamp >= since,
        (_, None) => false,
    });
    match state.state {
        State::Queued => match ours {
            Some(fault) => Some(evidence::faulted(fault)),
            None if !world.tasks.contains(&seen.device) => Some(DeviceEvent::TaskGone),
            None => None,
        },
        State::Stage(_) => {
            let Work::Firmware(file) = &line.context.request.work else { return None };
            if let Some(fault) = ours {
                // With its task: that is gone, but by it the fault is found and removed before a retry.
                return Some(evidence::faulted(fault));
            }
            let doc = world.docs.get(&seen.device)?;
            let wanted = line.context.version();
            let profile = line.context.profiles.of_doc(doc);
            let trace = evidence::transfer(doc, profile, &world.operations, None, &file.file, wanted, since);
            proof::transfer(state, &trace, since, wanted, None, now, proof::Patience::default())
        }
        // One that has just left the queue is proven like the others.
        State::Written if seen.state.state == State::Written => {
            let fault = ours.map(evidence::faulted);
            prove::watched(line, state, world.docs.get(&seen.device), fault, now)
        }
        State::Waiting | State::Sending | State::Written | State::Ended(_) => None,
    }
}
