//! Changing: tasks, tags, what the server stores. Everything is checked before it is sent.

use std::fmt::Write as _;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use futures_util::stream;
use http::header::{CONTENT_LENGTH, CONTENT_TYPE, HeaderName, HeaderValue};
use http::{Method, StatusCode};
use http_body_util::{BodyExt as _, StreamBody};
use hyper::body::Frame;
use serde_json::Value as Json;
use tokio::io::{AsyncRead, AsyncReadExt as _};

use super::Client;
use super::send::{Head2, Sent};
use crate::controllers::failed::Call;
use crate::controllers::genieacs::device::instant;
use crate::controllers::genieacs::error::{Error, Failure};
use crate::controllers::genieacs::map::{FaultDoc, FileDoc, TaskDoc};
use crate::controllers::genieacs::task::{ConnectionRequest, Outcome, Task, TaskAnswer};
use crate::controllers::genieacs::validate::{self, Refusal};
use crate::controllers::genieacs::wire::{Collection, DeviceId, FileMeta, Filter, Find, Projection, TaskId};
use crate::controllers::http::{Body, empty, json_type, segment, whole};
use crate::model::time::Ts;

/// A piece of a file that is sent, bytes.
const PIECE: usize = 64 << 10;
/// The slowest upload that is waited for, bytes a second.
const SLOWEST: u64 = 256 << 10;

/// A file that went over the wire.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Upload {
    /// Its size.
    pub bytes: u64,
    /// SHA-256 of it, in hexadecimal digits: the server keeps none.
    pub sha256: String,
}

impl Client {
    /// Posts a task. What becomes of it is told by the status, the reason phrase, and, where a proxy
    /// swallowed that, by looking. When the answer is lost, the task is looked up by its key: found,
    /// it is [`Outcome::Queued`].
    ///
    /// # Errors
    /// See [`Failure`]. With `perhaps_done` it may have been carried out: look before repeating.
    pub async fn post_task(
        &self,
        device: &DeviceId,
        task: &Task,
        request: ConnectionRequest,
    ) -> Result<TaskAnswer, Error> {
        let call = self.call(format!("POST task {} {device}", task.kind.name()));
        check(&call, validate::device_id(device).and_then(|()| validate::task(task)))?;
        let limit = match request {
            ConnectionRequest::No => self.inner.patience.change,
            ConnectionRequest::Yes => self.inner.patience.task,
            // The server waits so long before its other limits begin.
            ConnectionRequest::Within(ms) => self.inner.patience.task + Duration::from_millis(ms.into()),
        };
        let target = format!("/devices/{}/tasks{}", segment(device.as_str()), question(request));
        let sent = Sent {
            method: Method::POST,
            target,
            headers: vec![json_type()],
            body: whole(task.json().to_string()),
            limit,
            call: &call,
        };
        match self.answered(&call, sent, limit).await {
            Ok((head, body)) => {
                let body = serde_json::from_slice::<Json>(&body).ok();
                let field = |name| body.as_ref().and_then(|b| b.get(name)).and_then(Json::as_str);
                let at = field("timestamp").map_or(Ts::NEVER, instant);
                let answer = self.outcome(device, &head, field("_id").and_then(TaskId::parse), request).await?;
                Ok(TaskAnswer { at, ..answer })
            }
            Err(error) if !error.certainly_not_done() => match &task.unique_key {
                Some(key) => self.found_again(device, key, error).await,
                None => Err(error),
            },
            Err(error) => Err(error),
        }
    }

    /// What an answer to a task means (facts §5).
    async fn outcome(
        &self,
        device: &DeviceId,
        head: &Head2,
        task_id: Option<TaskId>,
        request: ConnectionRequest,
    ) -> Result<TaskAnswer, Error> {
        let reason = head.reason.as_str();
        let outcome = match (head.status, reason) {
            (StatusCode::OK, _) => Outcome::Done,
            (_, "Task faulted") => Outcome::Faulted,
            (_, "Device is offline") => Outcome::Offline(reason.to_owned()),
            (_, "Task queued but not processed") => Outcome::Queued(reason.to_owned()),
            (_, "Accepted" | "") if request == ConnectionRequest::No => Outcome::Queued("Accepted".to_owned()),
            // A proxy has replaced the reason: what is in the lists tells it.
            (_, "Accepted" | "") => match &task_id {
                Some(id) => self.looked_up(device, id).await?,
                None => Outcome::Queued("Accepted".to_owned()),
            },
            (_, other) => Outcome::Error(other.to_owned()),
        };
        Ok(TaskAnswer { outcome, task_id, at: Ts::NEVER })
    }

    async fn looked_up(&self, device: &DeviceId, id: &TaskId) -> Result<Outcome, Error> {
        let fault = Find::new(Filter::id(&format!("{device}:task_{id}"))).only(Projection::of(["code"]));
        if self.one::<FaultDoc>(Collection::Faults, &fault).await?.is_some() {
            return Ok(Outcome::Faulted);
        }
        let waiting = self.task(id).await?.is_some();
        Ok(if waiting { Outcome::Queued("it waits; the reason was lost on the way".to_owned()) } else { Outcome::Done })
    }

    async fn found_again(&self, device: &DeviceId, key: &str, lost: Error) -> Result<TaskAnswer, Error> {
        match self.task_by_key(device, key).await {
            Ok(Some(task)) => {
                let why = "the answer was lost; the task is in the queue".to_owned();
                Ok(TaskAnswer { outcome: Outcome::Queued(why), task_id: task.id(), at: task.timestamp })
            }
            // Gone: done, or never arrived. Nobody can tell from here.
            Ok(None) => Err(lost),
            Err(error) => {
                tracing::warn!(source = %self.source(), %error, "a task whose answer was lost could not be looked up");
                Err(lost)
            }
        }
    }

    /// Calls a CPE, without a task. Its session is not waited for.
    ///
    /// # Errors
    /// [`Failure::Poke`] with the reason when it cannot be called; see [`Failure`].
    pub async fn poke(&self, device: &DeviceId) -> Result<(), Error> {
        let call = self.call(format!("POST connection request {device}"));
        check(&call, validate::device_id(device))?;
        let target = format!("/devices/{}/tasks?connection_request", segment(device.as_str()));
        let limit = self.inner.patience.poke;
        let sent = Sent { method: Method::POST, target, headers: Vec::new(), body: empty(), limit, call: &call };
        match self.answered(&call, sent, limit).await {
            Ok(_) => Ok(()),
            Err(Error { what: Failure::Status { code: 504, words }, .. }) => {
                let reason = if words.is_empty() { "no reason was given".to_owned() } else { words };
                Err(call.error(Failure::Poke(reason)))
            }
            Err(error) => Err(error),
        }
    }

    /// Removes a device with its tasks, faults and operations. It comes back with its next inform.
    ///
    /// # Errors
    /// See [`Failure`].
    pub async fn delete_device(&self, device: &DeviceId) -> Result<(), Error> {
        let call = self.call(format!("DELETE device {device}"));
        check(&call, validate::device_id(device))?;
        self.change(&call, Method::DELETE, format!("/devices/{}", segment(device.as_str())), Vec::new(), empty()).await
    }

    /// Adds a tag.
    ///
    /// # Errors
    /// See [`Failure`].
    pub async fn tag(&self, device: &DeviceId, tag: &str) -> Result<(), Error> {
        self.tagging(Method::POST, device, tag).await
    }

    /// Removes a tag.
    ///
    /// # Errors
    /// See [`Failure`].
    pub async fn untag(&self, device: &DeviceId, tag: &str) -> Result<(), Error> {
        self.tagging(Method::DELETE, device, tag).await
    }

    async fn tagging(&self, method: Method, device: &DeviceId, tag: &str) -> Result<(), Error> {
        let call = self.call(format!("{method} tag {tag} {device}"));
        check(&call, validate::device_id(device).and_then(|()| validate::tag(tag)))?;
        let target = format!("/devices/{}/tags/{}", segment(device.as_str()), segment(tag));
        self.change(&call, method, target, Vec::new(), empty()).await
    }

    /// Removes a waiting task and its fault.
    ///
    /// # Errors
    /// [`Failure::NotFound`] when it is not there any more; see [`Failure`].
    pub async fn delete_task(&self, id: &TaskId) -> Result<(), Error> {
        let call = self.call(format!("DELETE task {id}"));
        self.change(&call, Method::DELETE, format!("/tasks/{id}"), Vec::new(), empty()).await
    }

    /// Removes a task's fault, so that it runs at the next session; a connection request may follow.
    /// Looks the task up first: a worker dies of one that is gone, and that of a failed download is.
    ///
    /// # Errors
    /// [`Failure::NotFound`] when it is not there any more: delete the fault and post the task anew.
    pub async fn retry_task(&self, id: &TaskId) -> Result<(), Error> {
        let call = self.call(format!("POST retry of task {id}"));
        if self.task(id).await?.is_none() {
            let what = "the task (a failed download takes it along: delete its fault and post it anew)";
            return Err(call.error(Failure::NotFound(what.to_owned())));
        }
        self.change(&call, Method::POST, format!("/tasks/{id}/retry"), Vec::new(), empty()).await
    }

    /// Removes a fault; the task of its channel goes as well.
    ///
    /// # Errors
    /// See [`Failure`].
    pub async fn delete_fault(&self, id: &str) -> Result<(), Error> {
        let call = self.call(format!("DELETE fault {id}"));
        check(&call, validate::fault_id(id))?;
        self.change(&call, Method::DELETE, format!("/faults/{}", segment(id)), Vec::new(), empty()).await
    }

    /// Stores a preset (JSON), whose shape is checked here: the server takes anything.
    ///
    /// # Errors
    /// See [`Failure`].
    pub async fn put_preset(&self, name: &str, text: &str) -> Result<(), Error> {
        let call = self.call(format!("PUT preset {name}"));
        check(&call, validate::name("preset's name", name))?;
        let json = check(&call, validate::preset(text))?;
        self.put(&call, format!("/presets/{}", segment(name)), true, json.to_string()).await
    }

    /// Stores an object (JSON).
    ///
    /// # Errors
    /// See [`Failure`].
    pub async fn put_object(&self, name: &str, text: &str) -> Result<(), Error> {
        let call = self.call(format!("PUT object {name}"));
        check(&call, validate::name("object's name", name))?;
        let json = check(&call, validate::object("object", text))?;
        self.put(&call, format!("/objects/{}", segment(name)), true, json.to_string()).await
    }

    /// Stores a provision (JavaScript); the server checks its syntax.
    ///
    /// # Errors
    /// See [`Failure`].
    pub async fn put_provision(&self, name: &str, script: &str) -> Result<(), Error> {
        let call = self.call(format!("PUT provision {name}"));
        check(&call, validate::name("provision's name", name).and_then(|()| validate::script(script)))?;
        self.put(&call, format!("/provisions/{}", segment(name)), false, script.to_owned()).await
    }

    /// Stores a virtual parameter (JavaScript); the server checks its syntax.
    ///
    /// # Errors
    /// See [`Failure`].
    pub async fn put_virtual_parameter(&self, name: &str, script: &str) -> Result<(), Error> {
        let call = self.call(format!("PUT virtual parameter {name}"));
        check(&call, validate::virtual_parameter(name).and_then(|()| validate::script(script)))?;
        self.put(&call, format!("/virtual_parameters/{}", segment(name)), false, script.to_owned()).await
    }

    /// Removes a preset. That it did not exist is no error to the server.
    ///
    /// # Errors
    /// See [`Failure`].
    pub async fn delete_preset(&self, name: &str) -> Result<(), Error> {
        self.delete_stored(Collection::Presets, "preset", name).await
    }

    /// Removes an object; see [`Client::delete_preset`].
    ///
    /// # Errors
    /// See [`Failure`].
    pub async fn delete_object(&self, name: &str) -> Result<(), Error> {
        self.delete_stored(Collection::Objects, "object", name).await
    }

    /// Removes a provision; see [`Client::delete_preset`].
    ///
    /// # Errors
    /// See [`Failure`].
    pub async fn delete_provision(&self, name: &str) -> Result<(), Error> {
        self.delete_stored(Collection::Provisions, "provision", name).await
    }

    /// Removes a virtual parameter; see [`Client::delete_preset`].
    ///
    /// # Errors
    /// See [`Failure`].
    pub async fn delete_virtual_parameter(&self, name: &str) -> Result<(), Error> {
        self.delete_stored(Collection::VirtualParameters, "virtual parameter", name).await
    }

    async fn delete_stored(&self, collection: Collection, what: &str, name: &str) -> Result<(), Error> {
        let call = self.call(format!("DELETE {what} {name}"));
        check(&call, validate::name("name", name))?;
        let target = format!("/{}/{}", collection.word(), segment(name));
        self.change(&call, Method::DELETE, target, Vec::new(), empty()).await
    }

    /// Uploads a file, over an older one of that name. It is read as it is sent.
    ///
    /// # Errors
    /// [`Failure::Input`] when it cannot be read, or is not as long as told; see [`Failure`].
    pub async fn put_file(
        &self,
        meta: &FileMeta,
        file: impl AsyncRead + Send + Unpin + 'static,
        length: u64,
    ) -> Result<Upload, Error> {
        let call = self.call(format!("PUT file {}", meta.name));
        check(&call, validate::file(meta))?;
        if length == 0 {
            return Err(call.error(Failure::Invalid(Refusal("the file is empty".to_owned()))));
        }
        let sum = Arc::new(Mutex::new(Checksum::default()));
        let headers = check(&call, headers(meta, length))?;
        let limit = self.inner.patience.upload + Duration::from_secs(length / SLOWEST);
        let sent = Sent {
            method: Method::PUT,
            target: format!("/files/{}", segment(&meta.name)),
            headers,
            body: reading(file, Arc::clone(&sum), length),
            limit,
            call: &call,
        };
        self.answered(&call, sent, self.inner.patience.change).await?;
        let sum = std::mem::take(&mut *sum.lock().unwrap_or_else(PoisonError::into_inner));
        Ok(sum.finish())
    }

    /// Removes a file. Looks it up first: a worker dies of one that does not exist.
    ///
    /// # Errors
    /// [`Failure::NotFound`] when there is none of that name; see [`Failure`].
    pub async fn delete_file(&self, name: &str) -> Result<(), Error> {
        let call = self.call(format!("DELETE file {name}"));
        check(&call, validate::name("file name", name))?;
        if self.one::<FileDoc>(Collection::Files, &Find::new(Filter::id(name))).await?.is_none() {
            return Err(call.error(Failure::NotFound(format!("the file {name}"))));
        }
        self.change(&call, Method::DELETE, format!("/files/{}", segment(name)), Vec::new(), empty()).await
    }

    /// The waiting tasks of a job on these devices, by their key.
    ///
    /// # Errors
    /// See [`Failure`].
    pub async fn tasks_of_key(&self, key: &str) -> Result<Vec<TaskDoc>, Error> {
        self.tasks(&Filter::equal("uniqueKey", key)).await
    }

    async fn put(&self, call: &Call, target: String, json: bool, text: String) -> Result<(), Error> {
        let plain = (CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
        self.change(call, Method::PUT, target, vec![if json { json_type() } else { plain }], whole(text)).await
    }

    async fn change(
        &self,
        call: &Call,
        method: Method,
        target: String,
        headers: Vec<(HeaderName, HeaderValue)>,
        body: Body,
    ) -> Result<(), Error> {
        let limit = self.inner.patience.change;
        self.answered(call, Sent { method, target, headers, body, limit, call }, limit).await.map(drop)
    }

    async fn answered(&self, call: &Call, sent: Sent<'_>, rest: Duration) -> Result<(Head2, Vec<u8>), Error> {
        let head = self.once(&self.inner.nbi, sent).await?;
        self.body(call, head, rest).await
    }
}

fn check<T>(call: &Call, checked: Result<T, Refusal>) -> Result<T, Error> {
    checked.map_err(|refusal| call.error(Failure::Invalid(refusal)))
}

fn question(request: ConnectionRequest) -> String {
    match request {
        ConnectionRequest::No => String::new(),
        ConnectionRequest::Yes => "?connection_request".to_owned(),
        ConnectionRequest::Within(ms) => format!("?connection_request&timeout={ms}"),
    }
}

fn headers(meta: &FileMeta, length: u64) -> Result<Vec<(HeaderName, HeaderValue)>, Refusal> {
    let mut headers = vec![
        (CONTENT_LENGTH, HeaderValue::from(length)),
        (CONTENT_TYPE, HeaderValue::from_static("application/octet-stream")),
    ];
    for (name, value) in [
        ("filetype", &meta.file_type),
        ("oui", &meta.oui),
        ("productclass", &meta.product_class),
        ("version", &meta.version),
    ] {
        if !value.is_empty() {
            let value = HeaderValue::from_str(value).map_err(|_| Refusal(format!("{name} fits no header")))?;
            headers.push((HeaderName::from_static(name), value));
        }
    }
    Ok(headers)
}

/// A body that is read as it is sent, and summed on the way. A file that is longer or shorter than
/// told fails instead of arriving in part.
fn reading(file: impl AsyncRead + Send + Unpin + 'static, sum: Arc<Mutex<Checksum>>, length: u64) -> Body {
    let pieces = stream::unfold((file, 0_u64), move |(mut file, sent)| {
        let sum = Arc::clone(&sum);
        async move {
            let mut piece = vec![0; PIECE];
            let frame = match file.read(&mut piece).await {
                Ok(0) if sent == length => return None,
                Ok(0) => Err(std::io::Error::other(format!("it has {sent} bytes, not {length}: it changed meanwhile"))),
                Ok(n) if sent.saturating_add(n as u64) > length => {
                    Err(std::io::Error::other(format!("it has more than {length} bytes: it changed meanwhile")))
                }
                Ok(n) => {
                    piece.truncate(n);
                    sum.lock().unwrap_or_else(PoisonError::into_inner).add(&piece);
                    return Some((Ok(Frame::data(Bytes::from(piece))), (file, sent + n as u64)));
                }
                Err(e) => Err(e),
            };
            Some((frame, (file, sent)))
        }
    });
    StreamBody::new(pieces).boxed_unsync()
}

/// SHA-256 and size, piece by piece.
pub(super) struct Checksum {
    digest: ring::digest::Context,
    bytes: u64,
}

impl Default for Checksum {
    fn default() -> Self {
        Self { digest: ring::digest::Context::new(&ring::digest::SHA256), bytes: 0 }
    }
}

impl Checksum {
    pub(super) fn add(&mut self, piece: &[u8]) {
        self.digest.update(piece);
        self.bytes = self.bytes.saturating_add(piece.len() as u64);
    }

    pub(super) fn finish(self) -> Upload {
        let digest = self.digest.finish();
        let sha256 = digest.as_ref().iter().fold(String::new(), |mut hex, byte| {
            let _ = write!(hex, "{byte:02x}");
            hex
        });
        Upload { bytes: self.bytes, sha256 }
    }
}
