//! The daemon of a host on the wire: packets in, packets out, on the codec of the client.

mod console;
mod domains;
mod hosts;
mod moments;
mod storage;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use tokio::io::AsyncWriteExt as _;
use tokio::net::unix::OwnedWriteHalf;
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::{Mutex, broadcast, mpsc};
use tokio_util::sync::CancellationToken;

use super::live::{Live, Told};
use super::world::{Happened, Refusal, origin};
use crate::controllers::libvirt::flags::open::READ_ONLY;
use crate::controllers::libvirt::frame::{Frame, FrameReader, Header, Kind, Status};
use crate::controllers::libvirt::procs::{self, EventKind, Proc};
use crate::controllers::libvirt::wire::{
    BlockJobMsg, DomainMsg, GraphicsMsg, IterationMsg, JobCompletedMsg, LifecycleMsg, RemoteError, ScreenAddress,
};
use crate::controllers::libvirt::xdr::{Reader, Wire, encode};

/// What a call comes to.
pub(super) enum Act {
    /// An answer, encoded.
    Answer(Vec<u8>),
    /// An answer, and a stream: what it carries, or a line to talk to.
    Stream(Vec<u8>, console::Source),
    /// The answer to a migration, when it is over.
    Later(u64),
}

/// What a group of calls says to a packet: nothing when it is none of theirs.
type Said = Option<Result<Act, Refusal>>;

/// The answer to a call of a procedure.
fn answer<A: Wire, R: Wire>(_: &Proc<A, R>, value: &R) -> Act {
    Act::Answer(encode(value))
}

fn undecodable<E>(_: E) -> Refusal {
    Refusal::new(39, origin::RPC, "Unable to decode message payload".to_owned())
}

/// Calls of a table: the first whose procedure it is answers.
macro_rules! calls {
    ($frame:expr, $($proc:expr, $args:pat => $body:expr;)*) => {{
        let frame: &Frame = $frame;
        $(if $proc.is(&frame.header) {
            return Some((|| -> Result<Act, Refusal> {
                let $args = $proc.args(frame).map_err(super::undecodable)?;
                let value = $body?;
                Ok(super::answer(&$proc, &value))
            })());
        })*
    }};
}
use calls;

/// A connection.
pub(super) struct Session {
    pub(super) live: Arc<Live>,
    pub(super) host: usize,
    opened: bool,
    pub(super) read_only: bool,
    /// Events that are asked for, by the number of the registration.
    callbacks: BTreeMap<i32, (i32, Option<[u8; 16]>)>,
    next_callback: i32,
    /// Streams that are open, by the number of their call.
    streams: BTreeMap<u32, mpsc::Sender<(Status, Bytes)>>,
}

/// Where packets are written; streams and answers share it.
pub(super) type Writer = Arc<Mutex<OwnedWriteHalf>>;

pub(super) async fn send(writer: &Writer, frame: &Frame) -> std::io::Result<()> {
    let mut bytes = BytesMut::with_capacity(64 + frame.payload.len());
    frame.write(&mut bytes);
    writer.lock().await.write_all(&bytes).await
}

/// The words of an error on the wire.
pub(super) fn error(refusal: &Refusal) -> RemoteError {
    RemoteError {
        code: refusal.code,
        domain: refusal.domain,
        message: Some(refusal.message.clone()),
        level: 2,
        str1: Some("%s".to_owned()),
        str2: Some(refusal.message.clone()),
        int1: -1,
        int2: -1,
        ..RemoteError::default()
    }
}

/// Serves everybody who connects to a host.
pub(super) async fn serve(listener: UnixListener, live: Arc<Live>, host: usize, stop: CancellationToken) {
    loop {
        let stream = tokio::select! {
            () = stop.cancelled() => return,
            accepted = listener.accept() => accepted,
        };
        let Ok((stream, _)) = stream else {
            // Out of descriptors: later there may be some again.
            tokio::time::sleep(Duration::from_millis(50)).await;
            continue;
        };
        let Some(switches) = live.switches.get(host) else { return };
        if switches.faults.refuses() {
            continue;
        }
        let cut = switches.faults.token();
        let (live, stop) = (Arc::clone(&live), stop.clone());
        tokio::spawn(async move {
            tokio::select! {
                () = stop.cancelled() => {}
                () = cut.cancelled() => {}
                () = connection(stream, live, host) => {}
            }
        });
    }
}

async fn connection(stream: UnixStream, live: Arc<Live>, host: usize) {
    let (read, write) = stream.into_split();
    let writer: Writer = Arc::new(Mutex::new(write));
    let mut frames = FrameReader::new(read);
    let mut events = live.events.subscribe();
    // Streams and answers that are given later end with the connection.
    let mut tasks = tokio::task::JoinSet::new();
    let mut session = Session {
        live,
        host,
        opened: false,
        read_only: false,
        callbacks: BTreeMap::new(),
        next_callback: 0,
        streams: BTreeMap::new(),
    };
    loop {
        let went_on = tokio::select! {
            frame = frames.next() => match frame {
                Ok(Some(frame)) => session.frame(frame, &writer, &mut tasks).await,
                _ => return,
            },
            told = events.recv() => match told {
                Ok(told) => session.told(&told, &writer).await,
                // Too slow: what was missed is missed, as at a real one.
                Err(broadcast::error::RecvError::Lagged(_)) => Ok(()),
                Err(broadcast::error::RecvError::Closed) => return,
            },
            Some(_) = tasks.join_next() => Ok(()),
        };
        if went_on.is_err() {
            return;
        }
    }
}

impl Session {
    async fn frame(
        &mut self,
        frame: Frame,
        writer: &Writer,
        tasks: &mut tokio::task::JoinSet<()>,
    ) -> std::io::Result<()> {
        if frame.header.kind == Kind::Stream {
            let serial = frame.header.serial;
            if let Some(stream) = self.streams.get(&serial) {
                // A stream that is over takes nothing; what is sent to it then is not heard.
                let _ = stream.send((frame.header.status, frame.payload)).await;
            }
            if frame.header.status != Status::Continue {
                self.streams.remove(&serial);
            }
            return Ok(());
        }
        if frame.header.kind != Kind::Call {
            return Ok(());
        }
        let live = Arc::clone(&self.live);
        let Some(switches) = live.switches.get(self.host) else { return Ok(()) };
        switches.faults.answering().await;
        if switches.garbage.load(Ordering::SeqCst) {
            let wrong: Vec<u8> = (0..=255_u8).rev().collect();
            return writer.lock().await.write_all(&wrong).await;
        }
        let head = frame.header.with(Kind::Reply, Status::Ok);
        match self.call(&frame) {
            Err(refusal) => {
                let head = frame.header.with(Kind::Reply, Status::Error);
                send(writer, &Frame::new(head, &error(&refusal))).await
            }
            Ok(Act::Answer(payload)) => send(writer, &Frame { header: head, payload: payload.into() }).await,
            Ok(Act::Stream(payload, source)) => {
                send(writer, &Frame { header: head, payload: payload.into() }).await?;
                let (input, typed) = mpsc::channel(16);
                self.streams.insert(frame.header.serial, input);
                tasks.spawn(console::stream(frame.header, source, typed, Arc::clone(writer)));
                Ok(())
            }
            Ok(Act::Later(number)) => {
                tasks.spawn(later(live.clone(), frame.header, number, Arc::clone(writer)));
                Ok(())
            }
        }
    }

    /// What a call comes to.
    fn call(&mut self, frame: &Frame) -> Result<Act, Refusal> {
        let header = &frame.header;
        if header.program != procs::REMOTE && header.program != procs::QEMU || header.version != procs::VERSION {
            let words = format!("Cannot find program {} version {}", header.program, header.version);
            return Err(Refusal::new(39, origin::RPC, words));
        }
        if let Some(said) = self.login(frame) {
            return said;
        }
        if !self.opened {
            let words = "internal error: hypervisor connection not open".to_owned();
            return Err(Refusal::new(1, origin::RPC, words));
        }
        if let Some(said) = self.event_calls(frame) {
            return said;
        }
        let groups = [
            hosts::calls,
            domains::calls,
            domains::power,
            domains::monitor,
            moments::calls,
            moments::jobs,
            storage::calls,
        ];
        for group in groups {
            if let Some(said) = group(self, frame) {
                return said;
            }
        }
        Err(Refusal::new(39, origin::RPC, format!("unknown procedure: {}", header.procedure)))
    }

    fn login(&mut self, frame: &Frame) -> Said {
        let offered = || {
            let switches = self.live.switches.get(self.host);
            switches
                .map(|s| s.auth.lock().unwrap_or_else(std::sync::PoisonError::into_inner).clone())
                .unwrap_or_default()
        };
        if procs::AUTH_LIST.is(&frame.header) {
            return Some(Ok(answer(&procs::AUTH_LIST, &offered())));
        }
        if procs::AUTH_POLKIT.is(&frame.header) {
            let refused = "authentication failed: access denied by policy".to_owned();
            return Some(Err(Refusal::new(45, origin::RPC, refused)));
        }
        if procs::CONNECT_SUPPORTS_FEATURE.is(&frame.header) {
            return Some(Self::feature(frame));
        }
        if !procs::CONNECT_OPEN.is(&frame.header) {
            return None;
        }
        if !offered().contains(&procs::AUTH_NONE) {
            let words = "authentication failed: authentication required".to_owned();
            return Some(Err(Refusal::new(45, origin::RPC, words)));
        }
        Some(procs::CONNECT_OPEN.args(frame).map_err(undecodable).and_then(|(uri, flags)| {
            if self.opened {
                return Err(Refusal::new(1, origin::RPC, "internal error: connection already open".to_owned()));
            }
            let uri = uri.unwrap_or_default();
            if !matches!(uri.as_str(), "" | "qemu:///system" | "qemu:///session") {
                return Err(Refusal::new(5, 0, format!("no connection driver available for {uri}")));
            }
            self.opened = true;
            self.read_only = flags & READ_ONLY != 0;
            Ok(answer(&procs::CONNECT_OPEN, &()))
        }))
    }

    /// Features as libvirt 9.0 has them, measured; what ends a connection that is dead it has only once the
    /// client has asked for it, so nobody is asked for a sign of life here.
    fn feature(frame: &Frame) -> Result<Act, Refusal> {
        let feature = procs::CONNECT_SUPPORTS_FEATURE.args(frame).map_err(undecodable)?;
        Ok(answer(&procs::CONNECT_SUPPORTS_FEATURE, &(matches!(feature, 3 | 4 | 6 | 8..=16))))
    }

    fn event_calls(&mut self, frame: &Frame) -> Said {
        if procs::CONNECT_DOMAIN_EVENT_CALLBACK_REGISTER_ANY.is(&frame.header) {
            let proc = procs::CONNECT_DOMAIN_EVENT_CALLBACK_REGISTER_ANY;
            return Some(proc.args(frame).map_err(undecodable).and_then(|(event, machine)| {
                if !(0..=25).contains(&event) {
                    let words = format!("internal error: unsupported event ID {event}");
                    return Err(Refusal::new(1, origin::RPC, words));
                }
                let number = self.next_callback;
                self.next_callback += 1;
                self.callbacks.insert(number, (event, machine.map(|m| m.uuid)));
                Ok(answer(&proc, &number))
            }));
        }
        if procs::CONNECT_DOMAIN_EVENT_CALLBACK_DEREGISTER_ANY.is(&frame.header) {
            let proc = procs::CONNECT_DOMAIN_EVENT_CALLBACK_DEREGISTER_ANY;
            return Some(proc.args(frame).map_err(undecodable).and_then(|number| {
                if self.callbacks.remove(&number).is_none() {
                    let words = format!("internal error: domain event callback {number} not registered");
                    return Err(Refusal::new(1, origin::RPC, words));
                }
                Ok(answer(&proc, &()))
            }));
        }
        None
    }

    /// Passes on what happened, to whom asked for it.
    async fn told(&self, told: &Told, writer: &Writer) -> std::io::Result<()> {
        if told.host != self.host {
            return Ok(());
        }
        for (callback, (event, machine)) in &self.callbacks {
            if machine.is_some_and(|uuid| uuid != told.machine.uuid) {
                continue;
            }
            if let Some(frame) = event_frame(*callback, *event, told) {
                send(writer, &frame).await?;
            }
        }
        Ok(())
    }

    /// Refuses what a connection that may only read must not do.
    pub(super) fn may_write(&self, call: &str) -> Result<(), Refusal> {
        if self.read_only {
            let words = format!("operation forbidden: read only access prevents {call}");
            return Err(Refusal::new(29, origin::DOMAIN, words));
        }
        Ok(())
    }
}

/// What happened, for one who asked for an event of this number.
fn event_frame(callback: i32, event: i32, told: &Told) -> Option<Frame> {
    /// Jobs on disks, told by the path of the image.
    const BLOCK_JOB_BY_PATH: (i32, u32) = (8, 326);
    let machine = told.machine.clone();
    let kind = |kind: EventKind| (event == kind.id()).then(|| kind.procedure());
    match &told.what {
        Happened::Lifecycle { event, detail } => {
            let body = LifecycleMsg { callback, domain: machine, event: *event, detail: *detail };
            Some(procs::message(kind(EventKind::Lifecycle)?, &body))
        }
        Happened::Reboot => Some(procs::message(kind(EventKind::Reboot)?, &DomainMsg { callback, domain: machine })),
        Happened::Graphics { phase, socket, auth } => {
            let family = if socket.is_empty() { 0 } else { 2 };
            let at = |node: &str| ScreenAddress { family, node: node.to_owned(), service: String::new() };
            let body = GraphicsMsg {
                callback,
                domain: machine,
                phase: *phase,
                local: at(socket),
                remote: at(if family == 0 { "127.0.0.1" } else { "" }),
                auth: (*auth).to_owned(),
                subject: Vec::new(),
            };
            Some(procs::message(kind(EventKind::Graphics)?, &body))
        }
        Happened::Iteration(iteration) => {
            let body = IterationMsg { callback, domain: machine, iteration: *iteration };
            Some(procs::message(kind(EventKind::MigrationIteration)?, &body))
        }
        Happened::JobCompleted(numbers) => {
            let body = JobCompletedMsg { callback, domain: machine, params: numbers.clone() };
            Some(procs::message(kind(EventKind::JobCompleted)?, &body))
        }
        Happened::BlockJob { path, target, kind: job, status } => {
            let (procedure, disk) = if event == BLOCK_JOB_BY_PATH.0 {
                (BLOCK_JOB_BY_PATH.1, path)
            } else {
                (kind(EventKind::BlockJob)?, target)
            };
            let body = BlockJobMsg { callback, domain: machine, disk: disk.clone(), kind: *job, status: *status };
            Some(procs::message(procedure, &body))
        }
    }
}

/// Answers a migration when it is over.
async fn later(live: Arc<Live>, head: Header, number: u64, writer: Writer) {
    let mut changes = live.changes();
    let result = loop {
        {
            let mut world = live.world();
            if let Some(at) = world.ended.iter().position(|(n, _)| *n == number) {
                break world.ended.remove(at).map_or(Ok(()), |(_, result)| result);
            }
        }
        if changes.changed().await.is_err() {
            return;
        }
    };
    // Whoever asked may be gone.
    let _ = match result {
        Ok(()) => send(&writer, &Frame::new(head.with(Kind::Reply, Status::Ok), &Vec::<u32>::new())).await,
        Err(refusal) => send(&writer, &Frame::new(head.with(Kind::Reply, Status::Error), &error(&refusal))).await,
    };
}

/// A value at the head of what a call carries, for calls that are not in the table of the client.
pub(super) fn first<T: Wire>(frame: &Frame) -> Result<T, Refusal> {
    T::get(&mut Reader::new(&frame.payload)).map_err(undecodable)
}
