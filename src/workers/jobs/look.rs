//! After a lost answer or a crash: whether a write arrived. And taking tasks back.

use crate::controllers::genieacs::device::DeviceDoc;
use crate::controllers::genieacs::map::{FaultDoc, TaskDoc};
use crate::controllers::genieacs::wire::DeviceId;
use crate::engine::job::proof::{Trace, recover};
use crate::engine::job::{Device, State};
use crate::model::job::{CpeVerb, DeviceEvent, Step, Work};
use crate::model::time::Ts;

use super::device::{Line, remove, within};
use super::{bulk, evidence, judge, prove};

/// Finds out whether a write without an answer arrived.
pub(super) async fn look(line: Line, index: u32, device: String, state: Device) {
    let context = &line.context;
    let id = DeviceId::new(device.as_str());
    let key = context.job.unique_key(Step::Write);
    // In this order: what runs between two questions leaves the queue and shows in the document.
    let read = async {
        let task = context.client.task_by_key(&id, &key).await?;
        let faults = bulk::faults(&context.client, &[device.as_str()]).await?.remove(&device).unwrap_or_default();
        let operations = match context.request.work {
            Work::Firmware(_) => context.client.operations(&crate::controllers::genieacs::wire::Filter::all()).await?,
            _ => Vec::new(),
        };
        let doc = context.client.device(&id, context.projection.clone()).await?;
        Ok((task, faults, operations, doc))
    };
    let Some((task, faults, operations, doc)) = within(&line, read).await else { return line.release(index) };
    let since = prove::since(&line, &state);
    let fault = fault_of(&faults, task.as_ref(), since);
    let taken = task.as_ref().map(|t| t.timestamp).filter(|at| at.is_set());
    let done = doc.as_ref().and_then(|doc| done(&line, doc, &operations, &state, since));
    let trace = Trace {
        task: task.as_ref().and_then(TaskDoc::id).map(|id| id.as_str().to_owned()),
        fault,
        done,
        excluded: excluded(&context.request.work, doc.is_some()),
    };
    let event = recover(context.request.work.once_only(), trace);
    let events = taken.map(DeviceEvent::Taken).into_iter().chain([event]).collect();
    line.tell(index, events, true);
}

type Fault = (String, String, Vec<crate::model::job::ParamFault>);

/// The fault of our task: of the one that waits, or of one that took its task along.
fn fault_of(faults: &[FaultDoc], task: Option<&TaskDoc>, since: Ts) -> Option<Fault> {
    let id = task.and_then(TaskDoc::id);
    let ours = faults.iter().find(|f| match &id {
        Some(id) => f.task().as_ref() == Some(id),
        None => f.task().is_some() && f.timestamp >= since,
    })?;
    match evidence::faulted(ours) {
        DeviceEvent::Faulted { code, message, params, .. } => Some((code, message, params)),
        _ => None,
    }
}

/// What shows that it was done.
fn done(
    line: &Line,
    doc: &DeviceDoc,
    operations: &[crate::controllers::genieacs::map::OperationDoc],
    state: &Device,
    since: Ts,
) -> Option<String> {
    let context = &line.context;
    match &context.request.work {
        Work::Set(_) | Work::RollBack => {
            let wants = judge::wants(context, doc).ok()?;
            let mut written = state.before.iter().filter_map(|b| wants.iter().find(|w| w.path == b.path)).peekable();
            written.peek()?;
            // The server's document holds what it sent: only a session brings it there.
            let shows = |want: &crate::engine::job::dry_run::Want| {
                evidence::leaf(doc, &want.path).is_some_and(|leaf| {
                    let same = match (&want.new, &leaf.value) {
                        (crate::model::job::NewValue::Plain(new), Some(found)) => new.same(found),
                        (crate::model::job::NewValue::Secret(_), _) => true,
                        _ => false,
                    };
                    same && leaf.at >= since
                })
            };
            written.all(shows).then(|| "its values are as wanted, read since".to_owned())
        }
        Work::Firmware(file) | Work::Verb(CpeVerb::Push(file)) => {
            let profile = context.profiles.of_doc(doc);
            let seen = evidence::transfer(doc, profile, operations, None, &file.file, None, since);
            (seen.operation || seen.ordered >= since && seen.ordered.is_set())
                .then(|| "the download was ordered".to_owned())
        }
        Work::Verb(CpeVerb::Tag(tag)) => doc.tags.contains(tag).then(|| "it has the tag".to_owned()),
        Work::Verb(CpeVerb::Untag(tag)) => (!doc.tags.contains(tag)).then(|| "it has not the tag".to_owned()),
        Work::Verb(CpeVerb::Reboot | CpeVerb::FactoryReset) => {
            let ordered = prove::ordered(doc, &context.request.work);
            (ordered.is_set() && ordered >= since).then(|| "it was ordered".to_owned())
        }
        Work::Verb(CpeVerb::DeleteObject(path)) => doc.at(path).is_none().then(|| "the instance is gone".to_owned()),
        Work::Verb(_) => None,
    }
}

/// Whether it would show if it had been done.
const fn excluded(work: &Work, known: bool) -> bool {
    known && matches!(work, Work::Firmware(_) | Work::Verb(CpeVerb::Reboot | CpeVerb::FactoryReset | CpeVerb::Push(_)))
}

/// Takes a task from the queue.
pub(super) async fn withdraw(line: Line, index: u32, device: String, state: Device) {
    let Some(task) = &state.task else { return line.release(index) };
    let event = match remove(&line, &device, task).await {
        Ok(false) if state.state == State::Queued => DeviceEvent::TaskGone,
        Ok(_) => DeviceEvent::Withdrawn { removed: true, why: String::new() },
        Err(why) => DeviceEvent::Withdrawn { removed: false, why },
    };
    line.tell(index, vec![event], true);
}
