//! The documents of a list, as they come.

use std::marker::PhantomData;
use std::time::Duration;

use futures_util::stream::{self, Stream};
use http_body_util::BodyExt as _;
use hyper::body::Incoming;
use serde::de::DeserializeOwned;
use tokio::time::timeout;

use super::Client;
use crate::controllers::failed::Call;
use crate::controllers::genieacs::error::{Error, Failure};
use crate::controllers::stream::Documents;

/// A list that is being read. Memory holds a piece of the connection and the documents in it.
#[derive(Debug)]
pub struct Rows<T> {
    client: Client,
    name: String,
    /// How many documents match, `limit` and `skip` aside.
    pub total: Option<u64>,
    body: Option<Incoming>,
    documents: Documents<T>,
    /// What ends the list early, told once the documents before it are taken.
    fault: Option<Error>,
    bytes: u64,
    kind: PhantomData<T>,
}

impl<T: DeserializeOwned> Rows<T> {
    pub(super) fn new(client: Client, name: String, total: Option<u64>, body: Incoming) -> Self {
        let documents = Documents::default();
        Self { client, name, total, body: Some(body), documents, fault: None, bytes: 0, kind: PhantomData }
    }

    /// The next document; nothing at the end of the list.
    ///
    /// # Errors
    /// When the list cannot be read to its end. Nothing comes afterwards.
    pub async fn next(&mut self) -> Option<Result<T, Error>> {
        loop {
            if let Some(document) = self.documents.take() {
                return Some(Ok(document));
            }
            if let Some(fault) = self.fault.take() {
                self.body = None;
                return Some(Err(fault));
            }
            let body = self.body.as_mut()?;
            let limit = self.client.inner.patience.piece;
            match piece(body, limit).await {
                Ok(Some(bytes)) => {
                    self.bytes = self.bytes.saturating_add(bytes.len() as u64);
                    if let Err(fault) = self.documents.feed(&bytes) {
                        self.fault = Some(self.error(Failure::List(fault)));
                    }
                }
                Ok(None) => {
                    self.body = None;
                    if let Err(fault) = self.documents.finish() {
                        self.fault = Some(self.error(Failure::List(fault)));
                    }
                }
                Err(what) => self.fault = Some(self.fell_silent(&what)),
            }
        }
    }

    /// How many bytes were read so far.
    #[must_use]
    pub const fn bytes(&self) -> u64 {
        self.bytes
    }

    /// As a stream.
    pub fn into_stream(self) -> impl Stream<Item = Result<T, Error>> + Send + use<T>
    where
        T: Send,
    {
        stream::unfold(self, |mut rows| async move { rows.next().await.map(|one| (one, rows)) })
    }

    /// All of it. Only for lists that are known to be short.
    ///
    /// # Errors
    /// As [`Rows::next`].
    pub async fn all(mut self) -> Result<Vec<T>, Error> {
        let mut out = Vec::new();
        while let Some(one) = self.next().await {
            out.push(one?);
        }
        Ok(out)
    }

    fn error(&self, what: Failure) -> Error {
        Call::new(self.client.source(), self.name.clone()).error(what)
    }

    /// A connection that breaks in a list is a list cut short: how far it came is told.
    fn fell_silent(&self, why: &Silence) -> Error {
        match why {
            Silence::Deadline(limit) => self.error(Failure::Deadline { seconds: limit.as_secs(), perhaps_done: false }),
            Silence::Broken => {
                let documents = self.documents.read();
                self.error(Failure::List(crate::controllers::stream::Fault::Truncated { documents }))
            }
        }
    }
}

enum Silence {
    Deadline(Duration),
    Broken,
}

/// The next piece of data; nothing at the end.
async fn piece(body: &mut Incoming, limit: Duration) -> Result<Option<bytes::Bytes>, Silence> {
    loop {
        match timeout(limit, body.frame()).await {
            Err(_) => return Err(Silence::Deadline(limit)),
            Ok(None) => return Ok(None),
            Ok(Some(Err(_))) => return Err(Silence::Broken),
            Ok(Some(Ok(frame))) => {
                if let Ok(data) = frame.into_data() {
                    return Ok(Some(data));
                }
            }
        }
    }
}
