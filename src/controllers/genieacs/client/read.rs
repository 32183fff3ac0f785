//! Reading: lists, counters, single documents, files.

use futures_util::stream::{self, Stream, StreamExt as _, TryStreamExt as _};
use http::Method;
use http_body_util::BodyExt as _;
use serde::de::DeserializeOwned;
use serde_json::Value as Json;
use tokio::io::{AsyncWrite, AsyncWriteExt as _};
use tokio::time::timeout;

use super::rows::Rows;
use super::send::{Head, Sent};
use super::write::Checksum;
use super::{Client, Upload};
use crate::controllers::failed::Call;
use crate::controllers::genieacs::device::DeviceDoc;
use crate::controllers::genieacs::error::{Error, Failure};
use crate::controllers::genieacs::map::{FaultDoc, FileDoc, OperationDoc, TaskDoc};
use crate::controllers::genieacs::validate;
use crate::controllers::genieacs::wire::{Collection, DeviceId, Filter, Find, Projection, TaskId};
use crate::controllers::http::{date, empty, segment, skew};
use crate::controllers::stream::Fault;
use crate::model::time::Ts;

/// The header with the server's version, in every answer of its own.
const VERSION: &str = "genieacs-version";

/// What a server says of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct About {
    /// Its version.
    pub version: String,
    /// Its clock minus ours, µs. It tells whole seconds: what is less than that counts as none.
    /// Nothing when it tells no time.
    pub skew_us: Option<i64>,
}

impl Client {
    /// The server's version; see [`Client::about`].
    ///
    /// # Errors
    /// As [`Client::about`].
    pub async fn version(&self) -> Result<String, Error> {
        Ok(self.about().await?.version)
    }

    /// The server's version and clock, which also tells that it is there: there is no route for
    /// health, but even "not found" carries them.
    ///
    /// # Errors
    /// When there is no answer, or it is somebody else's.
    pub async fn about(&self) -> Result<About, Error> {
        let call = self.call("ask for the version");
        self.retried(|| async {
            let asked = now();
            let head = self.get(&call, Method::GET, "/".to_owned()).await?;
            let skew_us = date(head.response.headers()).map(|told| skew(told, asked, now()));
            match head.response.headers().get(VERSION).and_then(|v| v.to_str().ok()) {
                Some(version) => Ok(About { version: crate::model::text::clean(version).into_owned(), skew_us }),
                None if matches!(head.status.as_u16(), 404 | 405) || head.status.is_success() => {
                    Err(call.error(Failure::Answer("it carries no GenieACS-Version".to_owned())))
                }
                None => Err(self.refused(&call, head).await),
            }
        })
        .await
    }

    /// How many documents pass.
    ///
    /// # Errors
    /// See [`Failure`].
    pub async fn count(&self, collection: Collection, filter: &Filter) -> Result<u64, Error> {
        let call = self.call(format!("HEAD {}", collection.word()));
        validate::query(collection, filter.json()).map_err(|r| call.error(Failure::Invalid(r)))?;
        let target = target(collection, &Find::new(filter.clone()));
        self.retried(|| async {
            let head = self.get(&call, Method::HEAD, target.clone()).await?;
            if !head.status.is_success() {
                return Err(call.error(Failure::status(head.status.as_u16(), &head.reason)));
            }
            total(&head).ok_or_else(|| call.error(Failure::Answer("it carries no total".to_owned())))
        })
        .await
    }

    /// The documents of a collection, as they come.
    ///
    /// # Errors
    /// When the list does not even begin.
    pub async fn find<T: DeserializeOwned>(&self, collection: Collection, find: &Find) -> Result<Rows<T>, Error> {
        let name = format!("GET {}", collection.word());
        let call = self.call(name.clone());
        validate::find(collection, find).map_err(|r| call.error(Failure::Invalid(r)))?;
        let target = target(collection, find);
        self.retried(|| async {
            let head = self.get(&call, Method::GET, target.clone()).await?;
            if !head.status.is_success() {
                return Err(self.refused(&call, head).await);
            }
            let total = total(&head);
            Ok(Rows::new(self.clone(), name.clone(), total, head.response.into_body()))
        })
        .await
    }

    /// Devices, line by line. A projection is due: whole documents are 120 to 500 KB each.
    pub fn devices(&self, query: &Find) -> impl Stream<Item = Result<DeviceDoc, Error>> + Send + use<> {
        let (client, query) = (self.clone(), query.clone());
        stream::once(async move { client.find::<DeviceDoc>(Collection::Devices, &query).await })
            .map_ok(Rows::into_stream)
            .try_flatten()
    }

    /// All devices that pass, page by page in the order of their ids. A page that is cut short goes
    /// on behind its last device, so that a dying worker costs a pause and not the whole list.
    pub fn devices_by_key(
        &self,
        filter: Filter,
        projection: Projection,
        page: u32,
    ) -> impl Stream<Item = Result<DeviceDoc, Error>> + Send + use<> {
        let pages = Pages {
            client: self.clone(),
            find: Find::new(filter).only(projection),
            page: page.max(1),
            last: None,
            rows: None,
            taken: 0,
            broken: 0,
            over: false,
        };
        stream::unfold(pages, |mut pages| async move { pages.next().await.map(|one| (one, pages)) }).boxed()
    }

    /// One device; nothing when there is none.
    ///
    /// # Errors
    /// See [`Failure`].
    pub async fn device(&self, id: &DeviceId, projection: Projection) -> Result<Option<DeviceDoc>, Error> {
        self.one(Collection::Devices, &Find::new(Filter::id(id.as_str())).only(projection)).await
    }

    /// The first document that passes.
    pub(super) async fn one<T: DeserializeOwned>(
        &self,
        collection: Collection,
        find: &Find,
    ) -> Result<Option<T>, Error> {
        let find = Find { limit: 1, ..find.clone() };
        self.retried(|| async {
            let mut rows = self.find::<T>(collection, &find).await?;
            rows.next().await.transpose()
        })
        .await
    }

    /// All documents that pass, of a collection that is never long.
    ///
    /// # Errors
    /// See [`Failure`].
    pub async fn all<T: DeserializeOwned>(&self, collection: Collection, filter: &Filter) -> Result<Vec<T>, Error> {
        let find = Find::new(filter.clone());
        self.retried(|| async { self.find::<T>(collection, &find).await?.all().await }).await
    }

    /// What waits to be done.
    ///
    /// # Errors
    /// See [`Failure`].
    pub async fn tasks(&self, filter: &Filter) -> Result<Vec<TaskDoc>, Error> {
        self.all(Collection::Tasks, filter).await
    }

    /// A waiting task; nothing when it was done, or never was.
    ///
    /// # Errors
    /// See [`Failure`].
    pub async fn task(&self, id: &TaskId) -> Result<Option<TaskDoc>, Error> {
        self.one(Collection::Tasks, &Find::new(Filter::id(id.as_str()))).await
    }

    /// The waiting task of a device with this key: how a task is found again whose answer was lost.
    ///
    /// # Errors
    /// See [`Failure`].
    pub async fn task_by_key(&self, device: &DeviceId, key: &str) -> Result<Option<TaskDoc>, Error> {
        let filter = Filter::equal("device", device.as_str()).and(Filter::equal("uniqueKey", key));
        self.one(Collection::Tasks, &Find::new(filter)).await
    }

    /// What went wrong.
    ///
    /// # Errors
    /// See [`Failure`].
    pub async fn faults(&self, filter: &Filter) -> Result<Vec<FaultDoc>, Error> {
        self.all(Collection::Faults, filter).await
    }

    /// Downloads under way.
    ///
    /// # Errors
    /// See [`Failure`].
    pub async fn operations(&self, filter: &Filter) -> Result<Vec<OperationDoc>, Error> {
        self.all(Collection::Operations, filter).await
    }

    /// Files.
    ///
    /// # Errors
    /// See [`Failure`].
    pub async fn files(&self, filter: &Filter) -> Result<Vec<FileDoc>, Error> {
        self.all(Collection::Files, filter).await
    }

    /// Presets, as they are stored.
    ///
    /// # Errors
    /// See [`Failure`].
    pub async fn presets(&self) -> Result<Vec<Json>, Error> {
        self.all(Collection::Presets, &Filter::all()).await
    }

    /// Provisions: `_id` and `script`.
    ///
    /// # Errors
    /// See [`Failure`].
    pub async fn provisions(&self) -> Result<Vec<Json>, Error> {
        self.all(Collection::Provisions, &Filter::all()).await
    }

    /// Virtual parameters: `_id` and `script`.
    ///
    /// # Errors
    /// See [`Failure`].
    pub async fn virtual_parameters(&self) -> Result<Vec<Json>, Error> {
        self.all(Collection::VirtualParameters, &Filter::all()).await
    }

    /// Objects, as they are stored.
    ///
    /// # Errors
    /// See [`Failure`].
    pub async fn objects(&self) -> Result<Vec<Json>, Error> {
        self.all(Collection::Objects, &Filter::all()).await
    }

    /// Settings: `_id` and `value`. They can only be read.
    ///
    /// # Errors
    /// See [`Failure`].
    pub async fn settings(&self) -> Result<Vec<Json>, Error> {
        self.all(Collection::Config, &Filter::all()).await
    }

    /// Pings a host from the server, and says what its `ping` printed.
    ///
    /// # Errors
    /// See [`Failure`]; [`Failure::Status`] 500 where the server has no such program.
    pub async fn ping(&self, host: &str) -> Result<String, Error> {
        let call = self.call(format!("GET ping {host}"));
        validate::ping_host(host).map_err(|r| call.error(Failure::Invalid(r)))?;
        let head = self.get(&call, Method::GET, format!("/ping/{host}")).await?;
        if head.status.as_u16() == 404 {
            return Err(call.error(Failure::NotFound(format!("the host {host}"))));
        }
        let (_, text) = self.body(&call, head, self.inner.patience.change).await?;
        Ok(crate::model::text::clean(&String::from_utf8_lossy(&text)).into_owned())
    }

    /// Reads a file back, from the file server: the northbound interface cannot. Written as it comes.
    ///
    /// # Errors
    /// See [`Failure`]; [`Failure::Config`] when no file server is configured.
    pub async fn read_file(&self, name: &str, out: &mut (impl AsyncWrite + Unpin)) -> Result<Upload, Error> {
        let call = self.call(format!("GET file {name}"));
        validate::name("file name", name).map_err(|r| call.error(Failure::Invalid(r)))?;
        let Some(fs) = &self.inner.fs else {
            return Err(call.error(Failure::Config("fs is not set: it is where files are read".to_owned())));
        };
        let sent = Sent {
            method: Method::GET,
            target: format!("/{}", segment(name)),
            headers: Vec::new(),
            body: empty(),
            limit: self.inner.patience.change,
            call: &call,
        };
        let head = self.once(fs, sent).await?;
        if !head.status.is_success() {
            return Err(self.refused(&call, head).await);
        }
        let promised = head.response.headers().get(http::header::CONTENT_LENGTH).cloned();
        let promised = promised.and_then(|v| v.to_str().ok()?.parse::<u64>().ok());
        let mut body = head.response.into_body();
        let mut sum = Checksum::default();
        loop {
            let frame = match timeout(self.inner.patience.piece, body.frame()).await {
                Err(_) => {
                    let seconds = self.inner.patience.piece.as_secs();
                    return Err(call.error(Failure::Deadline { seconds, perhaps_done: false }));
                }
                Ok(None) => break,
                Ok(Some(Err(e))) => return Err(call.error(Failure::Answer(format!("the file is cut short: {e}")))),
                Ok(Some(Ok(frame))) => frame,
            };
            if let Ok(data) = frame.into_data() {
                sum.add(&data);
                out.write_all(&data).await.map_err(|e| call.error(Failure::Input(e.to_string())))?;
            }
        }
        let read = sum.finish();
        if promised.is_some_and(|p| p != read.bytes) {
            return Err(call.error(Failure::Answer("the file is cut short".to_owned())));
        }
        Ok(read)
    }

    async fn get(&self, call: &Call, method: Method, target: String) -> Result<Head, Error> {
        let limit = self.inner.patience.first_byte;
        let sent = Sent { method, target, headers: Vec::new(), body: empty(), limit, call };
        self.once(&self.inner.nbi, sent).await
    }
}

/// Devices page by page.
struct Pages {
    client: Client,
    find: Find,
    page: u32,
    last: Option<String>,
    rows: Option<Rows<DeviceDoc>>,
    /// Devices of this page so far.
    taken: u32,
    /// Pages in a row that brought nothing but a fault.
    broken: usize,
    over: bool,
}

impl Pages {
    async fn next(&mut self) -> Option<Result<DeviceDoc, Error>> {
        while !self.over {
            let Some(rows) = &mut self.rows else {
                let find = self.find.clone().after(self.last.as_deref(), self.page);
                match self.client.find(Collection::Devices, &find).await {
                    Ok(rows) => {
                        self.rows = Some(rows);
                        self.taken = 0;
                    }
                    Err(error) => return Some(Err(self.end(error))),
                }
                continue;
            };
            match rows.next().await {
                Some(Ok(device)) => {
                    self.last = Some(device.id().as_str().to_owned());
                    self.taken += 1;
                    self.broken = 0;
                    return Some(Ok(device));
                }
                None => {
                    self.over = self.taken < self.page;
                    self.rows = None;
                }
                Some(Err(error)) => {
                    let cut = matches!(error.what, Failure::List(Fault::Truncated { .. }));
                    let pauses = &self.client.inner.patience.restart;
                    let Some(pause) = pauses.get(self.broken).copied().filter(|_| cut) else {
                        return Some(Err(self.end(error)));
                    };
                    self.broken += 1;
                    self.rows = None;
                    tokio::time::sleep(pause).await;
                }
            }
        }
        None
    }

    fn end(&mut self, error: Error) -> Error {
        self.over = true;
        error
    }
}

/// The present, our clock.
fn now() -> Ts {
    Ts(chrono::Utc::now().timestamp_micros())
}

fn total(head: &Head) -> Option<u64> {
    head.response.headers().get("total")?.to_str().ok()?.trim().parse().ok()
}

/// Path and query of a question.
fn target(collection: Collection, find: &Find) -> String {
    let mut parts = Vec::new();
    if !find.filter.is_all() {
        parts.push(format!("query={}", escape(&find.filter.json().to_string())));
    }
    if !find.projection.0.is_empty() {
        parts.push(format!("projection={}", escape(&find.projection.0.join(","))));
    }
    if !find.sort.is_empty() {
        let order = |(field, falling): &(String, bool)| (field.clone(), Json::from(if *falling { -1 } else { 1 }));
        let sort: serde_json::Map<String, Json> = find.sort.iter().map(order).collect();
        parts.push(format!("sort={}", escape(&Json::Object(sort).to_string())));
    }
    for (name, n) in [("skip", find.skip), ("limit", find.limit)] {
        if n > 0 {
            parts.push(format!("{name}={n}"));
        }
    }
    let question = if parts.is_empty() { "" } else { "?" };
    format!("/{}{question}{}", collection.word(), parts.join("&"))
}

/// A value of a query string.
fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len() * 2);
    for c in text.chars() {
        if c.is_ascii_alphanumeric() || "-_.~,:".contains(c) {
            out.push(c);
        } else {
            out.push_str(&segment(c.encode_utf8(&mut [0; 4])));
        }
    }
    out
}
