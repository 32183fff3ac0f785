//! One device of a job, from its document to the answer: judged once more, its old values and the
//! intent on disk, then sent.

use std::collections::HashMap;
use std::sync::Arc;

use futures_util::stream::{FuturesUnordered, StreamExt as _};
use tokio::sync::{mpsc, oneshot};

use crate::controllers::genieacs::device::DeviceDoc;
use crate::controllers::genieacs::error::Error;
use crate::controllers::genieacs::map::FaultDoc;
use crate::controllers::genieacs::task::{ConnectionRequest, Task};
use crate::controllers::genieacs::wire::{DeviceId, Filter, TaskId};
use crate::engine::job::dry_run::{Diff, Verdict, Want};
use crate::model::job::{Answer, CpeVerb, DeviceEvent, JobId, Work};
use crate::workers::now;

use super::context::Context;
use super::news::{News, Told};
use super::{bulk, evidence, judge, request};

/// A device whose turn it is.
#[derive(Debug, Clone)]
pub(super) struct Turn {
    /// Its place in the list.
    pub(super) index: u32,
    /// Its id.
    pub(super) device: String,
    /// Another job that has a task waiting for it.
    pub(super) busy: Option<String>,
}

/// How the tasks of devices talk to the runner.
#[derive(Clone)]
pub(super) struct Line {
    pub(super) context: Arc<Context>,
    pub(super) news: mpsc::UnboundedSender<News>,
}

impl Line {
    pub(super) fn job(&self) -> JobId {
        self.context.job
    }

    /// Tells events; nobody waits for them to be on disk.
    pub(super) fn tell(&self, index: u32, events: Vec<DeviceEvent>, through: bool) {
        let told = Told { job: self.job(), index, events, kept: None, through };
        let _ = self.news.send(News::Device(told));
    }

    /// Tells events and waits until they are on disk; whether they are.
    async fn keep(&self, index: u32, events: Vec<DeviceEvent>) -> bool {
        let (tell, told) = oneshot::channel();
        let news = Told { job: self.job(), index, events, kept: Some(tell), through: false };
        self.news.send(News::Device(news)).is_ok() && matches!(told.await, Ok(Ok(())))
    }

    /// Hands a device back as it is.
    pub(super) fn release(&self, index: u32) {
        self.tell(index, Vec::new(), true);
    }

    /// Tells that the controller is at fault, when it is.
    pub(super) fn blame(&self, error: &Error) {
        self.context.acs.judge(Err(error));
        if error.what.counts_against_source() {
            let _ = self.news.send(News::Down(self.context.acs.name().to_string(), error.what.words()));
        }
    }
}

/// Lets devices have their turn: one question for all their documents, then each by itself.
pub(super) async fn begin(line: Line, turns: Vec<Turn>) {
    let context = Arc::clone(&line.context);
    let ids: Vec<&str> = turns.iter().map(|t| t.device.as_str()).collect();
    let mut docs = HashMap::new();
    let mut faults = HashMap::new();
    for chunk in bulk::chunks(&ids) {
        let read = async {
            let docs = bulk::documents(&context.client, &chunk, &context.projection).await?;
            Ok::<_, Error>((docs, bulk::faults(&context.client, &chunk).await?))
        };
        match within(&line, read).await {
            Some((d, f)) => {
                docs.extend(d);
                faults.extend(f);
            }
            None => return turns.iter().for_each(|turn| line.release(turn.index)),
        }
    }
    let mut each: FuturesUnordered<_> = turns
        .into_iter()
        .map(|turn| {
            let (doc, faults) = (docs.remove(&turn.device), faults.remove(&turn.device).unwrap_or_default());
            one(&line, turn, doc, faults)
        })
        .collect();
    while each.next().await.is_some() {}
}

/// What a short question gives; nothing when it failed or took too long, which is told.
pub(super) async fn within<T>(line: &Line, call: impl Future<Output = Result<T, Error>>) -> Option<T> {
    match tokio::time::timeout(line.context.options.question, call).await {
        Ok(Ok(answer)) => Some(answer),
        Ok(Err(error)) => {
            // Whatever it is: asking again at once would end the same way.
            line.context.acs.judge(Err(&error));
            let _ = line.news.send(News::Down(line.context.acs.name().to_string(), error.what.words()));
            None
        }
        Err(_) => {
            let why = format!("no answer in {} s", line.context.options.question.as_secs());
            let _ = line.news.send(News::Down(line.context.acs.name().to_string(), why));
            None
        }
    }
}

async fn one(line: &Line, turn: Turn, doc: Option<DeviceDoc>, faults: Vec<FaultDoc>) {
    let context = &*line.context;
    let (verdict, wants) =
        judge::judge(context, &turn.device, doc.as_ref(), &faults, turn.busy.as_deref(), now().plus(context.skew()));
    let (diffs, first) = match verdict {
        Verdict::Skip(reason, detail) => {
            return line.tell(turn.index, vec![DeviceEvent::Skipped { reason, detail }], true);
        }
        Verdict::Write(diffs, before) => {
            if let Some(doc) = &doc {
                judge::remember(context, &turn.device, doc, &before);
            }
            (diffs, Some(DeviceEvent::Before(before)))
        }
        Verdict::Go(_) => (Vec::new(), None),
    };
    let Some(write) = write(context, &turn.device, &diffs, &wants) else {
        let hold = format!("needs its secret again: {} has none at hand", context.request.name);
        let _ = line.news.send(News::Hold(line.job(), hold));
        return line.release(turn.index);
    };
    // What it held and that it is about to be written: on disk before anything leaves.
    let intent = first.into_iter().chain([DeviceEvent::Intent]).collect();
    if !line.keep(turn.index, intent).await {
        return line.release(turn.index);
    }
    let events = send(line, &turn.device, write).await;
    line.tell(turn.index, events, true);
}

/// What is sent.
enum Write {
    Task(Task),
    /// The controller does it by itself.
    Own(CpeVerb),
}

fn write(context: &Context, device: &str, diffs: &[Diff], wants: &[Want]) -> Option<Write> {
    Some(match &context.request.work {
        Work::Set(_) | Work::RollBack => {
            let secret = |path: &str| judge::secret(context, device, wants, path);
            Write::Task(request::set_task(context.job, diffs, &secret).ok()?)
        }
        Work::Firmware(file) => Write::Task(request::download_task(context.job, file)),
        Work::Verb(verb) => match request::verb_task(context.job, verb) {
            Some(task) => Write::Task(task),
            None => Write::Own(verb.clone()),
        },
    })
}

async fn send(line: &Line, device: &str, write: Write) -> Vec<DeviceEvent> {
    let client = &line.context.client;
    let id = DeviceId::new(device);
    let outcome = match write {
        Write::Task(task) => {
            let answer = client.post_task(&id, &task, ConnectionRequest::Yes).await;
            match &answer {
                Ok(_) => line.context.acs.judge(Ok(())),
                Err(error) => line.blame(error),
            }
            let mut events = request::answered(answer);
            if let Some(DeviceEvent::Answered { answer: Answer::Faulted, task: Some(task) }) = events.last() {
                let task = task.clone();
                events.extend(fault_of(line, device, &task).await);
            }
            return events;
        }
        Write::Own(CpeVerb::Tag(tag)) => client.tag(&id, &tag).await,
        Write::Own(CpeVerb::Untag(tag)) => client.untag(&id, &tag).await,
        Write::Own(CpeVerb::Delete) => client.delete_device(&id).await,
        Write::Own(_) => client.poke(&id).await,
    };
    let answer = match outcome {
        Ok(()) => Answer::Done,
        Err(error) => {
            line.blame(&error);
            if !error.certainly_not_done() {
                Answer::NoAnswer(error.what.words())
            } else if error.what.counts_against_source() {
                return vec![DeviceEvent::NotSent(error.what.words())];
            } else {
                Answer::Refused(error.what.words())
            }
        }
    };
    vec![DeviceEvent::Answered { answer, task: None }]
}

/// What the device said to a task that it refused.
pub(super) async fn fault_of(line: &Line, device: &str, task: &str) -> Option<DeviceEvent> {
    let filter = Filter::id(&format!("{device}:task_{task}"));
    let found = within(line, line.context.client.faults(&filter)).await?;
    found.first().map(evidence::faulted)
}

/// Removes a task with its fault; whether something was there.
pub(super) async fn remove(line: &Line, device: &str, task: &str) -> Result<bool, String> {
    use crate::controllers::genieacs::error::Failure;
    let client = &line.context.client;
    let Some(id) = TaskId::parse(task) else { return Err("its id cannot be read".to_owned()) };
    let mut pauses = line.context.options.in_session.into_iter();
    loop {
        match client.delete_task(&id).await {
            Ok(()) => return Ok(true),
            Err(Error { what: Failure::NotFound(_), .. }) => break,
            Err(Error { what: what @ Failure::InSession, .. }) => match pauses.next() {
                Some(pause) => tokio::time::sleep(pause).await,
                None => return Err(what.words()),
            },
            Err(error) => {
                line.blame(&error);
                return Err(error.what.words());
            }
        }
    }
    // A download that failed took its task along and left its fault.
    let fault = format!("{device}:task_{task}");
    let found = client.faults(&Filter::id(&fault)).await.map_err(|e| e.what.words())?;
    if found.is_empty() {
        return Ok(false);
    }
    client.delete_fault(&fault).await.map(|()| true).map_err(|e| e.what.words())
}
