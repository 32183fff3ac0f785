//! The client: every route of the interface (facts: genieacs-api §3), each with a time limit fit
//! for it, nothing sent that [`super::validate`] refuses.
//!
//! Reading calls are repeated when the server's worker died under them: 2 to 25 s later it is back.
//! Changing calls are never repeated blindly: a task whose answer was lost is looked up by its key.

mod read;
mod rows;
mod send;
mod write;

use std::borrow::Cow;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use crate::config::schema::{Genieacs, HttpAuth, Tls};
use crate::controllers::failed::Call;
use crate::controllers::http::{Limits, Server};
use crate::model::ids::SourceName;

use super::error::{Error, Failure};
pub use read::About;
pub use rows::Rows;
pub use write::Upload;

/// Connections that may idle: a job has some dozens of calls in flight.
const SPARE: usize = 64;

/// How long each kind of call may take.
#[derive(Debug, Clone)]
pub struct Patience {
    /// Until a connection stands.
    pub connect: Duration,
    /// Until a list begins: the server counts first, without an index (its own limit is 120 s).
    pub first_byte: Duration,
    /// Between two pieces of a list.
    pub piece: Duration,
    /// A change that no CPE takes part in.
    pub change: Duration,
    /// A connection request alone.
    pub poke: Duration,
    /// A task with a connection request: the server waits up to 155 s.
    pub task: Duration,
    /// Between two pieces of a file that is sent.
    pub upload: Duration,
    /// After which an unused connection is not used again; the server closes it after 5 s.
    pub idle: Duration,
    /// The pauses before a reading call is repeated when a worker of the server died under it.
    pub restart: Vec<Duration>,
}

impl Patience {
    /// The usual limits, with the configuration's for tasks.
    #[must_use]
    pub fn of(config: &Genieacs) -> Self {
        let s = Duration::from_secs;
        Self {
            connect: s(5),
            first_byte: s(125),
            piece: s(60),
            change: s(60),
            poke: s(60),
            task: s(config.timeout_s),
            upload: s(120),
            idle: s(4),
            restart: [2, 4, 8, 11].map(s).to_vec(),
        }
    }
}

/// Size and SHA-256 of what a reader gives. Blocks.
///
/// # Errors
/// Those of the reader.
pub fn checksum(mut from: impl std::io::Read) -> std::io::Result<Upload> {
    let mut sum = write::Checksum::default();
    let mut piece = vec![0; 64 << 10];
    loop {
        match from.read(&mut piece)? {
            0 => return Ok(sum.finish()),
            n => sum.add(piece.get(..n).unwrap_or_default()),
        }
    }
}

/// A client of one GenieACS. Cheap to clone; clones share connections.
#[derive(Debug, Clone)]
pub struct Client {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    source: SourceName,
    nbi: Server,
    fs: Option<Server>,
    patience: Patience,
    /// The last call ended without an answer: what is refused now is a worker on its way back.
    silent: AtomicBool,
}

impl Client {
    /// A client for these settings. Reads certificates and secrets (a command may run for seconds:
    /// call it on a blocking thread), connects at the first call.
    ///
    /// # Errors
    /// When addresses, TLS settings or secrets cannot be used.
    pub fn new(source: &SourceName, config: &Genieacs) -> Result<Self, Error> {
        Self::with_patience(source, config, Patience::of(config))
    }

    /// The same with other time limits.
    ///
    /// # Errors
    /// As [`Client::new`].
    pub fn with_patience(source: &SourceName, config: &Genieacs, patience: Patience) -> Result<Self, Error> {
        let limits = Limits { connect: patience.connect, idle: patience.idle, spare: SPARE };
        let bad = |why: String| {
            let call = Call::new(source, "NBI");
            call.error(Failure::Config(why))
        };
        let nbi = Server::new(&config.nbi, &config.tls, &config.auth, limits).map_err(bad)?;
        let fs = match &config.fs {
            // The file server is often plain where the NBI's proxy is not.
            Some(url) if url.starts_with("http://") => {
                Some(Server::new(url, &Tls::default(), &HttpAuth::default(), limits).map_err(bad)?)
            }
            Some(url) => Some(Server::new(url, &config.tls, &config.auth, limits).map_err(bad)?),
            None => None,
        };
        let inner = Inner { source: source.clone(), nbi, fs, patience, silent: AtomicBool::new(false) };
        Ok(Self { inner: Arc::new(inner) })
    }

    /// The source.
    #[must_use]
    pub fn source(&self) -> &SourceName {
        &self.inner.source
    }

    /// Where it is.
    #[must_use]
    pub fn endpoint(&self) -> &str {
        self.inner.nbi.base()
    }

    /// Whether the last call ended without an answer, as when a worker of the server died: reading
    /// calls wait for its return.
    #[must_use]
    pub fn restarting(&self) -> bool {
        self.inner.silent.load(std::sync::atomic::Ordering::Relaxed)
    }

    fn call(&self, name: impl Into<Cow<'static, str>>) -> Call {
        Call::new(&self.inner.source, name)
    }
}
