//! The gRPC client: one lazy channel a source that comes back by itself after every loss, with a
//! deadline on each call and a size limit fit for big lists (2,048 ONUs are 4.3 MB; gRPC's usual
//! 4 MiB are too few; facts: voltha-run §4).

mod codec;
pub mod methods;

use std::time::{Duration, Instant};

use prost::Message;
use tonic::Request;
use tonic::client::Grpc;
use tonic::codegen::http::uri::PathAndQuery;
use tonic::transport::{Channel, Endpoint};

use crate::config::schema::Voltha;
use crate::model::ids::SourceName;

use super::error::{Call, Error, ErrorKind};
use crate::controllers::tls;
use codec::{Sized, SizedCodec};
pub use methods::Method;

/// How long a connection may take to come up.
const CONNECT: Duration = Duration::from_secs(5);
/// Flow-control windows that let a big list come in one go.
const STREAM_WINDOW: u32 = 4 << 20;
const CONNECTION_WINDOW: u32 = 8 << 20;

/// Whether the peer has a call at all. Old cores lack new calls, and even new ones answer
/// "unimplemented" to some: that is a fact about them, not an error.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Support<T> {
    /// It has, and this is the answer.
    Here(T),
    /// It has not.
    NotThere,
}

/// An answer with its cost.
#[derive(Debug, Clone, PartialEq)]
pub struct Answer<T> {
    /// The answer.
    pub value: T,
    /// Its size on the wire, bytes.
    pub bytes: u64,
    /// How long the call took.
    pub took: Duration,
}

/// A client of one `rw_core`. Cheap to clone; clones share one connection.
#[derive(Debug, Clone)]
pub struct Client {
    source: SourceName,
    channel: Channel,
    timeout: Duration,
    limit: usize,
}

impl Client {
    /// A client for these settings. Connects at the first call.
    ///
    /// # Errors
    /// When address or TLS settings cannot be used.
    pub fn new(source: SourceName, config: &Voltha) -> Result<Self, Error> {
        let bad = |words: String| {
            let call = Call { source: &source, name: "gRPC", target: config.grpc.as_str() };
            call.error(ErrorKind::Config, "-", words)
        };
        let secure = config.grpc.starts_with("https://");
        if !secure && !config.grpc.starts_with("http://") {
            return Err(bad("grpc has to begin with http:// or https://".to_owned()));
        }
        let mut endpoint = Endpoint::from_shared(config.grpc.clone())
            .map_err(|e| bad(e.to_string()))?
            .connect_timeout(CONNECT)
            .tcp_nodelay(true)
            .http2_keep_alive_interval(Duration::from_secs(20))
            .keep_alive_timeout(Duration::from_secs(10))
            .initial_stream_window_size(STREAM_WINDOW)
            .initial_connection_window_size(CONNECTION_WINDOW)
            .user_agent(concat!("noctule/", env!("CARGO_PKG_VERSION")))
            .map_err(|e| bad(e.to_string()))?;
        if secure {
            let tls = tls::for_grpc(&config.tls).map_err(&bad)?;
            endpoint = endpoint.tls_config(tls).map_err(|e| bad(full_words(&e)))?;
        } else if config.tls.ca.is_some() || config.tls.cert.is_some() || config.tls.key.is_some() {
            return Err(bad("tls is set, but grpc begins with http://".to_owned()));
        }
        Ok(Self {
            channel: endpoint.connect_lazy(),
            timeout: Duration::from_secs(config.timeout_s.max(1)),
            limit: config.max_message_mib.max(1).saturating_mul(1 << 20),
            source,
        })
    }

    /// Makes a call with the configured deadline. `target` says on what, for errors.
    ///
    /// # Errors
    /// See [`ErrorKind`].
    pub async fn call<Q, A>(&self, method: &Method<Q, A>, target: &str, request: Q) -> Result<Answer<A>, Error>
    where
        Q: Message + 'static,
        A: Message + Default + 'static,
    {
        self.call_within(method, target, request, None).await
    }

    /// Makes a call with its own deadline, or the configured one.
    ///
    /// # Errors
    /// See [`ErrorKind`].
    pub async fn call_within<Q, A>(
        &self,
        method: &Method<Q, A>,
        target: &str,
        request: Q,
        deadline: Option<Duration>,
    ) -> Result<Answer<A>, Error>
    where
        Q: Message + 'static,
        A: Message + Default + 'static,
    {
        let call = Call { source: &self.source, name: method.name(), target };
        let (began, deadline) = (Instant::now(), deadline.unwrap_or(self.timeout));
        let mut request = Request::new(request);
        request.set_timeout(deadline);
        let mut grpc = Grpc::new(self.channel.clone()).max_decoding_message_size(self.limit);
        let answer = async {
            grpc.ready().await.map_err(|e| call.chain(&e))?;
            let path = PathAndQuery::from_static(method.path);
            grpc.unary(request, path, SizedCodec::default()).await.map_err(|s| call.status(&s))
        };
        let Ok(answer) = tokio::time::timeout(deadline, answer).await else {
            let words = format!("waited {} s", deadline.as_secs());
            return Err(call.error(ErrorKind::Deadline, "DEADLINE_EXCEEDED", words));
        };
        let Sized { value, bytes } = answer?.into_inner();
        Ok(Answer { value, bytes, took: began.elapsed() })
    }
}

/// Turns "the peer does not have this call" into data.
///
/// # Errors
/// Every other error.
pub fn support<T>(answer: Result<Answer<T>, Error>) -> Result<Support<Answer<T>>, Error> {
    match answer {
        Ok(answer) => Ok(Support::Here(answer)),
        Err(e) if e.kind == ErrorKind::NotThere => Ok(Support::NotThere),
        Err(e) => Err(e),
    }
}

/// An error with all its causes in one line.
fn full_words(error: &dyn std::error::Error) -> String {
    let mut words = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        words.push_str(": ");
        words.push_str(&cause.to_string());
        next = cause.source();
    }
    words
}
