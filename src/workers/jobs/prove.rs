//! Proof of what a device ran: values are read back from the device itself, verbs are looked for in
//! its document.

use crate::controllers::genieacs::device::{DeviceDoc, Node, instant};
use crate::controllers::genieacs::task::{ConnectionRequest, Outcome};
use crate::controllers::genieacs::wire::DeviceId;
use crate::engine::job::{Device, Kind, proof};
use crate::model::job::{Class, CpeVerb, DeviceEvent, Work};
use crate::model::time::{MINUTE, SECOND, Ts};

use super::device::{Line, remove, within};
use super::news::News;
use super::{evidence, judge, request};

/// How much older than the question an answer may be: the clocks of the server's processes.
const TOLERANCE: i64 = SECOND / 4;
/// How long a device may take to come back.
const BACK: i64 = 10 * MINUTE;
/// How long after it informed again it may still tell of a restart.
const TELLS: i64 = 3 * MINUTE;

/// Proves one device.
pub(super) async fn prove(line: Line, index: u32, device: String, state: Device) {
    if line.context.kind == Kind::Values {
        return values(&line, index, &device, &state).await;
    }
    match &line.context.request.work {
        // These come about in minutes: many are looked at together.
        Work::Verb(CpeVerb::Reboot | CpeVerb::FactoryReset | CpeVerb::Push(_)) => {
            let _ = line.news.send(News::Watch(line.job(), index));
            line.release(index);
        }
        Work::Verb(verb) => {
            let Some(doc) = document(&line, &device).await else { return line.release(index) };
            let (class, why) = verb_done(verb, doc.as_ref(), since(&line, &state));
            line.tell(index, vec![DeviceEvent::Ended { class, why }], true);
        }
        _ => line.release(index),
    }
}

async fn document(line: &Line, device: &str) -> Option<Option<DeviceDoc>> {
    let context = &line.context;
    within(line, context.client.device(&DeviceId::new(device), context.projection.clone())).await
}

/// Since when something counts as done by this write, the controller's clock.
pub(super) fn since(line: &Line, state: &Device) -> Ts {
    if state.there.is_set() {
        return state.there.plus(-TOLERANCE);
    }
    // What it told of the time of day is exact to a second.
    state.sent_at.plus(line.context.skew() - 2 * SECOND)
}

async fn values(line: &Line, index: u32, device: &str, state: &Device) {
    let context = &line.context;
    let paths: Vec<String> = state.before.iter().map(|b| b.path.clone()).collect();
    let id = DeviceId::new(device);
    let mut why = String::new();
    let pauses = context.options.read_again.into_iter().map(Some).chain([None]);
    for pause in pauses {
        let task = request::read_task(context.job, paths.clone());
        let answer = match context.client.post_task(&id, &task, ConnectionRequest::Yes).await {
            Ok(answer) => answer,
            Err(error) if error.what.counts_against_source() => {
                line.blame(&error);
                return line.release(index);
            }
            Err(error) => {
                let why = format!("it ran without a fault, but cannot be read back: {}", error.what.words());
                return line.tell(index, vec![DeviceEvent::Ended { class: Class::Unknown, why }], true);
            }
        };
        if answer.outcome == Outcome::Done {
            let asked = if answer.at.is_set() { answer.at.plus(-TOLERANCE) } else { since(line, state) };
            let Some(doc) = document(line, device).await else { return line.release(index) };
            let events = compared(line, device, state, doc.as_ref(), asked);
            return line.tell(index, events, true);
        }
        if let Some(task) = &answer.task_id {
            // Nobody is there to hear the answer later.
            let _ = remove(line, device, task.as_str()).await;
        }
        why = match answer.outcome {
            Outcome::Done | Outcome::Faulted => "the device refuses to tell".to_owned(),
            Outcome::Offline(why) | Outcome::Queued(why) | Outcome::Error(why) => why,
        };
        match pause {
            Some(pause) => tokio::time::sleep(pause).await,
            None => break,
        }
    }
    let why = format!("it ran without a fault, but cannot be read back: {why}");
    line.tell(index, vec![DeviceEvent::Ended { class: Class::Unknown, why }], true);
}

fn compared(line: &Line, device: &str, state: &Device, doc: Option<&DeviceDoc>, asked: Ts) -> Vec<DeviceEvent> {
    let Some(doc) = doc else {
        let why = "the server does not know the device any more".to_owned();
        return vec![DeviceEvent::Ended { class: Class::Unknown, why }];
    };
    let context = &line.context;
    let wants = judge::wants(context, doc).unwrap_or_default();
    let read = state
        .before
        .iter()
        .filter_map(|before| wants.iter().find(|w| w.path == before.path))
        .map(|want| {
            let secret = judge::secret(context, device, &wants, &want.path);
            let leaf = evidence::leaf(doc, &want.path);
            proof::compare(&want.path, &want.new, judge::exposed(secret.as_ref()), leaf.as_ref(), asked)
        })
        .collect();
    vec![DeviceEvent::ReadBack(read)]
}

/// Whether a verb shows in the document.
fn verb_done(verb: &CpeVerb, doc: Option<&DeviceDoc>, since: Ts) -> (Class, String) {
    let Some(doc) = doc else {
        return match verb {
            CpeVerb::Delete => (Class::Changed, "the server does not know it any more".to_owned()),
            _ => (Class::Unknown, "the server does not know the device any more".to_owned()),
        };
    };
    let judged = |good: bool, done: String, not: &str| {
        if good { (Class::Changed, done) } else { (Class::Unchanged, not.to_owned()) }
    };
    match verb {
        CpeVerb::Tag(tag) => judged(doc.tags.contains(tag), format!("has the tag {tag}"), "the tag is not there"),
        CpeVerb::Untag(tag) => {
            judged(!doc.tags.contains(tag), format!("the tag {tag} is gone"), "the tag is still there")
        }
        CpeVerb::Delete if doc.registered > since => (Class::Changed, "deleted; it informed again since".to_owned()),
        CpeVerb::Delete => (Class::Unchanged, "the server still has it".to_owned()),
        CpeVerb::DeleteObject(path) => {
            judged(doc.at(path).is_none(), format!("{path} is gone"), "the instance is still there")
        }
        CpeVerb::AddObject(path) => match newest(doc.at(path), since) {
            Some(instance) => (Class::Changed, format!("{path}.{instance} is new")),
            None => (Class::Unknown, "ran without a fault, but no new instance shows".to_owned()),
        },
        CpeVerb::Connect => (Class::Changed, "took the connection request".to_owned()),
        CpeVerb::Refresh(path) if path.matches('.').count() >= 2 && doc.at(path).is_none() => {
            (Class::Unchanged, format!("the device has no object {path}"))
        }
        CpeVerb::Refresh(_) if doc.last_inform >= since => {
            (Class::Changed, format!("read in the session of {}", doc.last_inform.to_rfc3339()))
        }
        CpeVerb::Refresh(_) => (Class::Unknown, "ran without a fault, but no session shows".to_owned()),
        CpeVerb::Reboot | CpeVerb::FactoryReset | CpeVerb::Push(_) => {
            (Class::Unknown, "its proof was not looked for".to_owned())
        }
    }
}

/// An instance that appeared since.
fn newest(object: Option<&Node>, since: Ts) -> Option<u32> {
    let instances = object?.children().filter(|(_, node)| node.timestamp >= since);
    instances.filter_map(|(name, _)| name.parse().ok()).max()
}

/// How far a verb is whose proof takes its time; nothing while it may still come about.
pub(super) fn watched(
    line: &Line,
    state: &Device,
    doc: Option<&DeviceDoc>,
    fault: Option<DeviceEvent>,
    now: Ts,
) -> Option<DeviceEvent> {
    if let Some(fault) = fault {
        return Some(fault);
    }
    let ended = |class, why: String| Some(DeviceEvent::Ended { class, why });
    let Some(doc) = doc else {
        return ended(Class::Unknown, "the server does not know the device any more".to_owned());
    };
    let since = since(line, state);
    let waited = now.since(state.changed_at);
    let (back, what) = match &line.context.request.work {
        Work::Verb(CpeVerb::Reboot) => (doc.last_boot, "boot"),
        Work::Verb(CpeVerb::FactoryReset) => (doc.last_bootstrap, "bootstrap"),
        Work::Verb(CpeVerb::Push(file)) => return fetched(line, state, doc, &file.file, waited),
        _ => return None,
    };
    if back >= since {
        return ended(Class::Changed, format!("last {what} {}", back.to_rfc3339()));
    }
    let ordered = ordered(doc, &line.context.request.work);
    if ordered >= since && doc.last_inform > ordered.plus(SECOND) && waited > TELLS {
        let informed = doc.last_inform.to_rfc3339();
        return ended(
            Class::Unknown,
            format!("it took the order and informs again ({informed}), but told of no {what}"),
        );
    }
    (waited > BACK).then(|| DeviceEvent::Ended {
        class: Class::TimedOut,
        why: format!("ordered, and not back after {}", crate::model::time::brief_duration(waited)),
    })
}

/// When the controller last ordered a verb.
pub(super) fn ordered(doc: &DeviceDoc, work: &Work) -> Ts {
    let path = match work {
        Work::Verb(CpeVerb::Reboot) => "Reboot",
        Work::Verb(CpeVerb::FactoryReset) => "FactoryReset",
        _ => return Ts::NEVER,
    };
    doc.value(path).map_or(Ts::NEVER, |value| instant(&value.to_string()))
}

fn fetched(line: &Line, state: &Device, doc: &DeviceDoc, file: &str, waited: i64) -> Option<DeviceEvent> {
    let profile = line.context.profiles.of_doc(doc);
    let seen = evidence::transfer(doc, profile, &[], None, file, None, since(line, state));
    if seen.last_done.is_set() && seen.last_done >= since(line, state) {
        let why = format!("transfer complete, LastDownload {}", seen.last_done.to_rfc3339());
        return Some(DeviceEvent::Ended { class: Class::Changed, why });
    }
    let limit = proof::Patience::default().transfer;
    (waited > limit).then(|| DeviceEvent::Ended {
        class: Class::TimedOut,
        why: format!("not fetched after {}", crate::model::time::brief_duration(waited)),
    })
}
