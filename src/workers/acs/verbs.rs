//! Verbs on one CPE: checked against its document first, sent once, and proven where a proof
//! exists. The server says 200 to a value that was never sent, so a set is read back from the
//! device (facts: genieacs-api §5, traps 1 to 3).

use std::sync::Arc;
use std::time::Instant;

use crate::controllers::genieacs::client::Client;
use crate::controllers::genieacs::device::{DeviceDoc, Node};
use crate::controllers::genieacs::error::{Error, Failure, poke_advice};
use crate::controllers::genieacs::map::FaultDoc;
use crate::controllers::genieacs::task::{ConnectionRequest, DownloadFile, Outcome, Setting, Task, TaskKind};
use crate::controllers::genieacs::wire::{DeviceId, Filter, Projection, Scalar, TaskId};
use crate::model::cpe::CpeRow;
use crate::model::observation::{GoneCause, Observation};
use crate::model::secret::looks_secret;
use crate::workers::cpe_verb::CpeVerb;

use super::patch;
use super::shared::Shared;

/// Does it; logs it under the operator's name.
pub(super) async fn run(shared: &Arc<Shared>, verb: &CpeVerb, row: &CpeRow, actor: &str) -> Result<(), String> {
    let began = Instant::now();
    let outcome = match shared.admit() {
        Ok(()) => act(shared, verb, row).await,
        Err(held) => Err(Why::Words(held)),
    };
    if let Err(Why::Call(error)) = &outcome {
        shared.judge(Err(error));
    }
    let outcome = outcome.map_err(Why::words);
    let on = verb.on();
    let target = if on.is_empty() { row.canonical.clone() } else { format!("{} {on}", row.canonical) };
    shared.log(actor, verb.title(), &target, began, outcome.as_ref().map(|()| "OK").map_err(String::as_str));
    // What the cache shows follows at once, not at the next poll.
    if !matches!(verb, CpeVerb::Delete) {
        again(shared, row).await;
    }
    outcome
}

/// Why it was not done.
pub(super) enum Why {
    Call(Error),
    Words(String),
}

impl Why {
    pub(super) fn words(self) -> String {
        match self {
            Self::Call(error) => error.to_string(),
            Self::Words(words) => words,
        }
    }
}

impl From<Error> for Why {
    fn from(error: Error) -> Self {
        Self::Call(error)
    }
}

impl From<String> for Why {
    fn from(words: String) -> Self {
        Self::Words(words)
    }
}

async fn act(shared: &Arc<Shared>, verb: &CpeVerb, row: &CpeRow) -> Result<(), Why> {
    let client = shared.client().await?;
    let id = DeviceId::new(&*row.device_id);
    match verb {
        CpeVerb::Refresh(object) => refresh(&client, &id, object).await,
        CpeVerb::Get(names) => get(&client, &id, names).await,
        CpeVerb::Set(all) => set(&client, &id, all).await,
        CpeVerb::AddInstance(object) => add(&client, &id, object).await,
        CpeVerb::DeleteInstance(object) => remove(&client, &id, object).await,
        CpeVerb::Reboot => Ok(post(&client, &id, TaskKind::Reboot).await?),
        CpeVerb::FactoryReset => Ok(post(&client, &id, TaskKind::FactoryReset).await?),
        CpeVerb::Push(file) => push(&client, &id, file, row).await,
        CpeVerb::Tag(tag) => Ok(client.tag(&id, tag).await?),
        CpeVerb::Untag(tag) => Ok(client.untag(&id, tag).await?),
        CpeVerb::Connect => Ok(client.poke(&id).await?),
        CpeVerb::Delete => {
            client.delete_device(&id).await?;
            let gone = Observation::CpeGone(row.device_id.clone(), GoneCause::Deleted);
            if let Some(done) = shared.journal(vec![gone]) {
                done.await?;
            }
            Ok(())
        }
        CpeVerb::DeleteFault(which) => {
            for fault in wanted(faults(&client, &id).await?, which)? {
                client.delete_fault(&fault.id).await?;
                gone(shared, &fault);
            }
            Ok(())
        }
        CpeVerb::RetryFault(which) => retry(shared, &client, &id, which).await,
    }
}

/// The faults that are meant: by channel or by their whole id; all when none is named.
fn wanted(faults: Vec<FaultDoc>, which: &[String]) -> Result<Vec<FaultDoc>, Why> {
    let meant = |f: &FaultDoc| which.is_empty() || which.iter().any(|w| *w == f.channel || *w == f.id);
    let wanted: Vec<FaultDoc> = faults.into_iter().filter(meant).collect();
    if wanted.is_empty() {
        return Err(Why::Words("the server holds no such fault any more".to_owned()));
    }
    Ok(wanted)
}

fn gone(shared: &Arc<Shared>, fault: &FaultDoc) {
    drop(shared.journal(vec![Observation::CpeFaultGone(fault.device.clone(), fault.channel.clone())]));
}

/// Lets what failed run again at once: the fault keeps it from running until its time has come. The
/// task of a failed download is gone, and a worker of the server dies of asking for it.
async fn retry(shared: &Arc<Shared>, client: &Client, id: &DeviceId, which: &[String]) -> Result<(), Why> {
    for fault in wanted(faults(client, id).await?, which)? {
        match fault.channel.strip_prefix("task_").map(TaskId::parse) {
            Some(Some(task)) => match client.retry_task(&task).await {
                Ok(()) => {}
                Err(Error { what: Failure::NotFound(_), .. }) => {
                    return Err(Why::Words(
                        "its task is gone with the failed download: remove the fault (x e) and push the file again (x p)"
                            .to_owned(),
                    ));
                }
                Err(error) => return Err(error.into()),
            },
            // A preset's channel: without its fault it runs at the next session.
            _ => client.delete_fault(&fault.id).await?,
        }
        gone(shared, &fault);
    }
    Ok(client.poke(id).await?)
}

/// Posts a task and calls the device; what the answer means.
async fn post(client: &Client, id: &DeviceId, kind: TaskKind) -> Result<(), Why> {
    let key = key(&kind);
    // The server replaces the task of this key, but would leave its fault behind for ever.
    if let Some(old) = client.task_by_key(id, &key).await?.and_then(|task| task.id()) {
        match client.delete_task(&old).await {
            // In a session it may be at work just now: the new one comes after it.
            Ok(()) | Err(Error { what: Failure::NotFound(_) | Failure::InSession, .. }) => {}
            Err(error) => return Err(error.into()),
        }
    }
    let answer = client.post_task(id, &Task::new(kind).keyed(key), ConnectionRequest::Yes).await?;
    let waits = "the task waits for its next inform";
    Err(Why::Words(match answer.outcome {
        Outcome::Done => return Ok(()),
        Outcome::Faulted => {
            let channel = answer.task_id.map(|task| format!("task_{}", task.as_str()));
            let faults = faults(client, id).await?;
            let fault = faults.iter().find(|f| channel.as_ref().is_none_or(|c| f.channel == *c));
            match fault {
                Some(fault) => format!("the device refused it: {}", fault.summary()),
                None => "the device refused it".to_owned(),
            }
        }
        Outcome::Queued(why) => format!("{why}: {waits}"),
        Outcome::Offline(why) | Outcome::Error(why) => format!("{why}; {}; {waits}", poke_advice(&why)),
    }))
}

/// The key of a task. Doing the same to a device that is not to be reached replaces what waits for
/// it already, so that three tries are not three restarts once it is back; only instances may be
/// meant to be added twice. Values, which may be secrets, have no part in it.
fn key(kind: &TaskKind) -> String {
    let on = match kind {
        TaskKind::AddObject { .. } => return format!("noctule-{}", uuid::Uuid::now_v7()),
        TaskKind::Provisions(all) => format!("{all:?}"),
        TaskKind::GetParameterValues(names) => names.join(" "),
        TaskKind::SetParameterValues(all) => all.iter().map(|s| s.path.as_str()).collect::<Vec<_>>().join(" "),
        TaskKind::RefreshObject(object) | TaskKind::DeleteObject(object) => object.clone(),
        TaskKind::Download { file, target } => format!("{file:?} {target:?}"),
        TaskKind::Reboot | TaskKind::FactoryReset => String::new(),
    };
    format!("noctule-{}-{:016x}", kind.name(), xxhash_rust::xxh3::xxh3_64(on.as_bytes()))
}

async fn faults(client: &Client, id: &DeviceId) -> Result<Vec<FaultDoc>, Error> {
    client.faults(&Filter::equal("device", id.as_str())).await
}

async fn document(client: &Client, id: &DeviceId, paths: &[String]) -> Result<DeviceDoc, Why> {
    let projection = Projection::of(std::iter::once("_id".to_owned()).chain(paths.iter().cloned()));
    let doc = client.device(id, projection).await?;
    doc.ok_or_else(|| Why::Words("the server does not know the device any more".to_owned()))
}

/// Reads an object. The server says 200 to one that no device has.
async fn refresh(client: &Client, id: &DeviceId, object: &str) -> Result<(), Why> {
    post(client, id, TaskKind::RefreshObject(object.to_owned())).await?;
    if object.is_empty() || document(client, id, &[object.to_owned()]).await?.at(object).is_some() {
        return Ok(());
    }
    Err(Why::Words(format!("{object}: the device has no such object")))
}

/// Reads parameters, each of which has to be there afterwards.
async fn get(client: &Client, id: &DeviceId, names: &[String]) -> Result<(), Why> {
    post(client, id, TaskKind::read_now(names.to_owned())).await?;
    let doc = document(client, id, names).await?;
    let why = names.iter().find_map(|name| match doc.at(name) {
        None => Some(format!("{name}: the device has no such parameter")),
        Some(node) if node.object => Some(format!("{name}: that is an object: refresh it instead")),
        Some(node) if node.value.is_none() => Some(format!("{name}: the device told no value")),
        Some(_) => None,
    });
    why.map_or(Ok(()), |why| Err(Why::Words(why)))
}

/// Adds an instance, which has to be there afterwards.
async fn add(client: &Client, id: &DeviceId, object: &str) -> Result<(), Why> {
    let path = [object.to_owned()];
    let before = document(client, id, &path).await?;
    let Some(node) = before.at(object).filter(|n| n.object) else {
        return Err(Why::Words(format!("{object}: the device has no such object (as far as the server knows)")));
    };
    if node.writable == Some(false) {
        return Err(Why::Words(format!("{object}: the device lets nobody add instances to it")));
    }
    let old = instances(node);
    let kind = TaskKind::AddObject { object: object.to_owned(), values: Vec::new() };
    post(client, id, kind).await?;
    let after = document(client, id, &path).await?;
    if after.at(object).is_some_and(|n| instances(n).iter().any(|one| !old.contains(one))) {
        return Ok(());
    }
    Err(Why::Words(format!("{object}: no instance was added")))
}

/// Removes an instance, which has to be gone afterwards.
async fn remove(client: &Client, id: &DeviceId, object: &str) -> Result<(), Why> {
    let path = [object.to_owned()];
    match document(client, id, &path).await?.at(object) {
        None => {
            let why = format!("{object}: the device has no such instance (as far as the server knows)");
            return Err(Why::Words(why));
        }
        Some(node) if node.writable == Some(false) => {
            return Err(Why::Words(format!("{object}: the device lets nobody remove it")));
        }
        Some(_) => {}
    }
    post(client, id, TaskKind::DeleteObject(object.to_owned())).await?;
    if document(client, id, &path).await?.at(object).is_none() {
        return Ok(());
    }
    Err(Why::Words(format!("{object}: it is still there")))
}

/// The instances of an object, by number.
fn instances(object: &Node) -> Vec<String> {
    let numbers = object.children().map(|(name, _)| name).filter(|n| n.bytes().all(|b| b.is_ascii_digit()));
    numbers.map(str::to_owned).collect()
}

/// Sets, then reads back from the device.
async fn set(client: &Client, id: &DeviceId, all: &[(String, String)]) -> Result<(), Why> {
    let paths: Vec<String> = all.iter().map(|(path, _)| path.clone()).collect();
    let doc = document(client, id, &paths).await?;
    let mut settings = Vec::with_capacity(all.len());
    for (path, value) in all {
        let node = doc.at(path).filter(|n| !n.object);
        let Some(node) = node else {
            return Err(Why::Words(format!("{path}: the device has no such parameter (as far as the server knows)")));
        };
        if node.writable == Some(false) {
            return Err(Why::Words(format!("{path}: it is read-only on this device")));
        }
        let typed = typed(value, node.xsd.as_deref().unwrap_or_default()).map_err(|why| format!("{path}: {why}"))?;
        settings.push(Setting::new(path.clone(), typed));
    }
    post(client, id, TaskKind::SetParameterValues(settings.clone())).await?;
    // The server's document now says what was sent; only the device can say what it has.
    post(client, id, TaskKind::read_now(paths.clone()))
        .await
        .map_err(|why| Why::Words(format!("set, but not proven, since reading it back failed: {}", why.words())))?;
    let doc = document(client, id, &paths).await?;
    for wanted in &settings {
        let told = doc.value(&wanted.path).map(ToString::to_string).unwrap_or_default();
        if same(&told, &wanted.value.to_string()) {
            continue;
        }
        // Many devices tell an empty text instead of a password: neither proof nor refusal.
        if looks_secret(&wanted.path) {
            if told.is_empty() {
                continue;
            }
            return Err(Why::Words(format!("{}: not changed: the device tells another value", wanted.path)));
        }
        return Err(Why::Words(format!("{}: not changed: the device still tells `{told}`", wanted.path)));
    }
    Ok(())
}

/// The value as its type wants it.
fn typed(value: &str, xsd: &str) -> Result<Scalar, String> {
    let number = || format!("`{value}` is no whole number, and the parameter is one ({xsd})");
    match xsd.rsplit(':').next().unwrap_or_default() {
        "boolean" => match value.trim().to_ascii_lowercase().as_str() {
            "true" | "1" | "yes" => Ok(Scalar::Bool(true)),
            "false" | "0" | "no" => Ok(Scalar::Bool(false)),
            _ => Err(format!("`{value}` is neither true nor false")),
        },
        "int" | "long" => value.trim().parse().map(Scalar::Int).map_err(|_| number()),
        "unsignedInt" | "unsignedLong" => {
            let n: i64 = value.trim().parse().map_err(|_| number())?;
            if n < 0 { Err(format!("{n} is negative, and the parameter never is ({xsd})")) } else { Ok(Scalar::Int(n)) }
        }
        _ => Ok(Scalar::Text(value.to_owned())),
    }
}

fn same(told: &str, wanted: &str) -> bool {
    told == wanted
        || matches!((told.trim().parse::<f64>(), wanted.trim().parse::<f64>()), (Ok(a), Ok(b)) if a.total_cmp(&b).is_eq())
}

/// Lets the device fetch a file, when there is such a file for such a device.
async fn push(client: &Client, id: &DeviceId, file: &str, row: &CpeRow) -> Result<(), Why> {
    let files = client.files(&Filter::id(file)).await?;
    let Some(found) = files.first() else {
        return Err(Why::Words(format!("the server has no file `{file}`: upload it first")));
    };
    for (what, wanted, has) in
        [("product class", found.product_class(), &row.product_class), ("OUI", found.oui(), &row.oui)]
    {
        if !wanted.is_empty() && wanted != has {
            return Err(Why::Words(format!("`{file}` is for the {what} {wanted}, the device has {has}")));
        }
    }
    let kind = TaskKind::Download { file: DownloadFile::Id(file.to_owned()), target: None };
    post(client, id, kind).await
}

/// Reads the device's row again. That it fails is no failure of the verb: the next poll will do.
async fn again(shared: &Arc<Shared>, row: &CpeRow) {
    let read = async {
        let (client, profiles) = (shared.client().await?, shared.profiles().await?);
        let id = DeviceId::new(&*row.device_id);
        let projection = crate::controllers::genieacs::map::projection(&profiles);
        let doc = client.device(&id, projection).await.map_err(|e| e.to_string())?;
        let faults = faults(&client, &id).await.map_err(|e| e.to_string())?;
        let mut what: Vec<Observation> =
            doc.iter().map(|doc| Observation::Cpe(patch::Mapper::new(&profiles).of_device(doc))).collect();
        what.extend(faults.iter().map(|fault| Observation::CpeFault(patch::of_fault(fault))));
        match shared.journal(what) {
            Some(done) => done.await,
            None => Ok(()),
        }
    };
    let read: Result<(), String> = read.await;
    if let Err(why) = read {
        tracing::debug!(source = %shared.name, %why, "a device could not be read again");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_done_again_replaces_what_waits() {
        let set = |value: &str| {
            TaskKind::SetParameterValues(vec![Setting::new("Device.PPP.Password", Scalar::Text(value.to_owned()))])
        };
        assert_eq!(key(&set("a")), key(&set("b")));
        assert_eq!(key(&TaskKind::Reboot), key(&TaskKind::Reboot));
        assert_ne!(key(&TaskKind::Reboot), key(&TaskKind::FactoryReset));
        let get = |name: &str| key(&TaskKind::GetParameterValues(vec![name.to_owned()]));
        assert_ne!(get("Device.A"), get("Device.B"));
        let add = || key(&TaskKind::AddObject { object: "Device.A".to_owned(), values: Vec::new() });
        assert_ne!(add(), add());
    }

    #[test]
    fn values_take_the_type_of_the_parameter() {
        assert_eq!(typed("yes", "xsd:boolean"), Ok(Scalar::Bool(true)));
        assert_eq!(typed("11", "xsd:unsignedInt"), Ok(Scalar::Int(11)));
        assert_eq!(typed("007", "xsd:string"), Ok(Scalar::Text("007".to_owned())));
        assert!(typed("x", "xsd:int").is_err() && typed("-1", "xsd:unsignedInt").is_err());
    }

    #[test]
    fn a_number_is_the_same_however_it_is_written() {
        assert!(same("11", "11.0") && same("true", "true") && !same("11", "12") && !same("", "0"));
    }
}
