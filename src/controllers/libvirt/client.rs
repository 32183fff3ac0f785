//! A connection to a libvirt: calls that may be answered in any order, each with its time limit, and
//! what comes by itself (events). It works over any byte stream; one task owns that stream, handles are
//! cheap to clone, and the connection ends with the last of them.
//!
//! libvirt answers five calls of a connection at once and lets the others wait. Hence: what takes long
//! (a migration, a console, a copy of a volume) gets a connection of its own.

use std::fmt::Display;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::{broadcast, mpsc, oneshot, watch};

use super::error::{Error, Failure, Remote, bounded, login_words};
use super::events::Event;
use super::flags::open::READ_ONLY;
use super::frame::Header;
use super::procs::{self, EventKind, Proc};
use super::stream::{PIECES, Stream};
use super::task::{Control, Order, Piece, Task};
use super::wire::Domain;
use super::xdr::{self, Wire};

/// How long a call may take that only reads.
pub const READ: Duration = Duration::from_secs(10);

/// How long a call may take that changes something.
pub const CHANGE: Duration = Duration::from_secs(60);

/// How long a call may take that writes or reads a machine's memory or disks.
pub const LONG: Duration = Duration::from_secs(1800);

/// How long the end of a connection may take.
const CLOSE: Duration = Duration::from_secs(2);

/// Events that wait for a slow reader; then the oldest are lost, and it is told.
const EVENTS: usize = 1024;

/// Orders that wait for the task: streams that are written wait with them.
const ORDERS: usize = 8;

/// A connection to a libvirt.
#[derive(Debug, Clone)]
pub struct Connection {
    inner: Arc<Inner>,
    /// How long a call may take that only reads.
    pub(super) read: Duration,
}

#[derive(Debug)]
struct Inner {
    place: String,
    orders: mpsc::Sender<Order>,
    /// What is never waited for. It is closed with the last handle.
    control: mpsc::UnboundedSender<Control>,
    events: broadcast::Sender<Event>,
    ended: watch::Receiver<Option<String>>,
}

/// A call in words: what is done (`start`), and to what (a machine's name; may be empty).
#[derive(Debug, Clone, Copy)]
pub struct What<'a>(pub &'a str, pub &'a str);

impl Display for What<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.0)?;
        if self.1.is_empty() { Ok(()) } else { write!(f, " {}", self.1) }
    }
}

/// What is opened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hypervisor {
    /// Its URI.
    pub uri: String,
    /// Only look.
    pub read_only: bool,
}

impl Default for Hypervisor {
    fn default() -> Self {
        Self { uri: "qemu:///system".to_owned(), read_only: false }
    }
}

impl Connection {
    /// Speaks libvirt's protocol over a byte stream: logs in, and opens the hypervisor.
    ///
    /// # Errors
    /// It wants a login that is not spoken, refuses, or is no libvirt.
    pub async fn open<S>(io: S, place: &str, what: &Hypervisor, limit: Duration) -> Result<Self, Error>
    where
        S: AsyncRead + AsyncWrite + Send + 'static,
    {
        let connection = Self::start(io, place, limit);
        connection.log_in().await.map_err(|error| match error.what {
            Failure::Broken(why) | Failure::Closed(why) => connection.error("connect", Failure::NotReached(why)),
            Failure::TimedOut(limit) => {
                let why = format!("it does not answer within {} s", limit.as_secs_f32());
                connection.error("connect", Failure::NotReached(why))
            }
            _ => error,
        })?;
        let args = (Some(what.uri.clone()), if what.read_only { READ_ONLY } else { 0 });
        connection.call(&procs::CONNECT_OPEN, &args, What("open", &what.uri), CHANGE.max(limit)).await?;
        Ok(connection)
    }

    fn start<S>(io: S, place: &str, read: Duration) -> Self
    where
        S: AsyncRead + AsyncWrite + Send + 'static,
    {
        let (orders, ordered) = mpsc::channel(ORDERS);
        let (control, controlled) = mpsc::unbounded_channel();
        let (events, _) = broadcast::channel(EVENTS);
        let (end, ended) = watch::channel(None);
        let task = Task::new(io, ordered, controlled, events.clone(), end);
        tokio::spawn(task.run());
        let inner = Inner { place: place.to_owned(), orders, control, events, ended };
        Self { inner: Arc::new(inner), read }
    }

    async fn log_in(&self) -> Result<(), Error> {
        let ways = self.call(&procs::AUTH_LIST, &(), What("log in", ""), self.read).await?;
        if ways.is_empty() || ways.contains(&procs::AUTH_NONE) {
            return Ok(());
        }
        let fail = |what| Err(self.error("log in", what));
        if !ways.contains(&procs::AUTH_POLKIT_TYPE) {
            return fail(Failure::Login(login_words(&ways)));
        }
        match self.call(&procs::AUTH_POLKIT, &(), What("log in", ""), self.read).await {
            Ok(true) => Ok(()),
            Ok(false) => fail(Failure::Denied("polkit did not decide".to_owned())),
            Err(Error { what: Failure::Remote(remote), .. }) => fail(Failure::Denied(remote.words)),
            Err(other) => Err(other),
        }
    }

    /// The same connection with another time limit for calls that only read.
    #[must_use]
    pub fn with_limit(&self, read: Duration) -> Self {
        Self { inner: Arc::clone(&self.inner), read }
    }

    /// Which libvirt, in words.
    #[must_use]
    pub fn place(&self) -> &str {
        &self.inner.place
    }

    /// Whether both are handles of one connection.
    #[must_use]
    pub fn is(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.inner, &other.inner)
    }

    /// Why it ended; `None` while it stands.
    #[must_use]
    pub fn why_ended(&self) -> Option<String> {
        self.inner.ended.borrow().clone()
    }

    /// Waits for its end: why.
    pub async fn ended(&self) -> String {
        let mut ended = self.inner.ended.clone();
        let why = ended.wait_for(Option::is_some).await.ok().and_then(|why| why.clone());
        why.unwrap_or_default()
    }

    /// What comes by itself, from now on. A reader that is too slow is told how many it missed.
    #[must_use]
    pub fn events(&self) -> broadcast::Receiver<Event> {
        self.inner.events.subscribe()
    }

    /// Asks for events, of one machine or of all; the number to end it with. They come through
    /// [`Connection::events`].
    ///
    /// # Errors
    /// An old libvirt does not know all of them ([`Error::unsupported`]).
    pub async fn watch(&self, kind: EventKind, domain: Option<&Domain>) -> Result<i32, Error> {
        let args = (kind.id(), domain.cloned());
        let procedure = &procs::CONNECT_DOMAIN_EVENT_CALLBACK_REGISTER_ANY;
        self.call(procedure, &args, What("watch", kind.word()), self.read).await
    }

    /// Ends the connection for all that use it, after telling libvirt so.
    pub async fn close(&self) {
        let _ = self.call(&procs::CONNECT_CLOSE, &(), What("close", ""), CLOSE).await;
        if self.inner.control.send(Control::End).is_ok() {
            self.ended().await;
        }
    }

    /// Calls a procedure, and waits for its answer. Dropping the call does not take it back.
    ///
    /// # Errors
    /// See [`Failure`].
    pub async fn call<A: Wire, R: Wire>(
        &self,
        procedure: &Proc<A, R>,
        args: &A,
        what: What<'_>,
        limit: Duration,
    ) -> Result<R, Error> {
        self.exchange(procedure, args, what, limit, None).await.map(|(answer, _)| answer)
    }

    /// Calls a procedure that opens a stream: its answer, and the stream.
    ///
    /// # Errors
    /// See [`Failure`].
    pub async fn open_stream<A: Wire, R: Wire>(
        &self,
        procedure: &Proc<A, R>,
        args: &A,
        what: What<'_>,
        limit: Duration,
    ) -> Result<(R, Stream), Error> {
        let (pieces, received) = mpsc::channel(PIECES);
        let (answer, call) = self.exchange(procedure, args, what, limit, Some(pieces)).await?;
        Ok((answer, Stream::new(self.clone(), call, what.to_string(), received)))
    }

    async fn exchange<A: Wire, R: Wire>(
        &self,
        procedure: &Proc<A, R>,
        args: &A,
        what: What<'_>,
        limit: Duration,
        stream: Option<mpsc::Sender<Piece>>,
    ) -> Result<(R, Header), Error> {
        let (answer, answered) = oneshot::channel();
        let payload = Bytes::from(xdr::encode(args));
        let order = Order::Call { program: procedure.program, procedure: procedure.number, payload, answer, stream };
        let work = async {
            self.inner.orders.send(order).await.map_err(|_| Failure::Closed(self.why()))?;
            let told = answered.await.map_err(|_| Failure::Broken(self.why()))?;
            let (call, payload) = told?;
            let value = xdr::decode(&payload).map_err(|fault| Failure::Answer(fault.to_string()))?;
            Ok((value, call))
        };
        let told = tokio::time::timeout(limit, work).await.unwrap_or(Err(Failure::TimedOut(limit)));
        told.map_err(|failure| self.error(what, failure))
    }

    fn why(&self) -> String {
        self.why_ended().unwrap_or_else(|| "it was closed".to_owned())
    }

    /// Why a stream gets no more.
    pub(super) fn ended_early(&self) -> Failure {
        Failure::Stream(self.why())
    }

    pub(super) fn error(&self, what: impl Display, failure: Failure) -> Error {
        Error { place: self.inner.place.clone(), call: bounded(&what.to_string()), what: failure }
    }

    pub(super) fn refusal(&self, what: impl Display, remote: Remote) -> Error {
        self.error(what, Failure::Remote(remote))
    }

    pub(super) async fn order(&self, order: Order) -> Result<(), Failure> {
        self.inner.orders.send(order).await.map_err(|_| self.ended_early())
    }

    /// Has the task forget a stream; never waits.
    pub(super) fn give_up(&self, call: Header) {
        let _ = self.inner.control.send(Control::Forget(call));
    }
}
