//! The task that owns a connection's byte stream: numbers calls and finds their answers, hands pieces
//! of streams and events to who waits for them, answers signs of life.
//!
//! **Nothing grows without bound.** Orders wait while bytes to send pile up. A stream whose reader
//! stalls stops the reading of the whole connection: libvirt has no flow control a stream, and what is
//! not read here waits in the daemon, which then reads no more from the guest. That is why a console
//! has a connection of its own. Events never wait: a slow reader of them loses the oldest.

use std::collections::HashMap;

use bytes::{Bytes, BytesMut};
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt as _, ReadHalf, WriteHalf};
use tokio::sync::{broadcast, mpsc, oneshot, watch};

use super::error::{Failure, Remote, bounded};
use super::events::Event;
use super::frame::{Frame, FrameReader, Header, Kind, ReadError, Status};
use super::procs::{KEEPALIVE, PING, PONG, REMOTE, VERSION};
use super::wire::RemoteError;

/// Bytes that wait to be sent before no more orders are taken.
const MOST_WAITING: usize = 512 << 10;

/// Calls that were given up and are still not answered before the connection is: libvirt works on
/// five of a connection at once, so that no other call would get through.
const MOST_GIVEN_UP: usize = 5;

/// An answer: the header that its stream goes by, and what it carries.
pub(super) type Answer = Result<(Header, Bytes), Failure>;

/// What the task is told to do.
#[derive(Debug)]
pub(super) enum Order {
    /// Call a procedure.
    Call {
        program: u32,
        procedure: u32,
        payload: Bytes,
        answer: oneshot::Sender<Answer>,
        /// Where the pieces of the stream go that it opens.
        stream: Option<mpsc::Sender<Piece>>,
    },
    /// Send a piece of a stream.
    Piece(Header, Status, Bytes),
}

/// What the task is told besides, and never waits for room.
#[derive(Debug)]
pub(super) enum Control {
    /// Nobody holds this stream any more.
    Forget(Header),
    /// End.
    End,
}

/// What comes of a stream.
#[derive(Debug)]
pub(super) enum Piece {
    /// Bytes.
    Data(Bytes),
    /// The other side has no more; it has been told that we know.
    End,
    /// Both sides have finished.
    Finished,
    /// The other side broke it off.
    Failed(Remote),
}

#[derive(Debug)]
struct Pending {
    header: Header,
    answer: oneshot::Sender<Answer>,
    stream: Option<mpsc::Sender<Piece>>,
}

/// The task of a connection.
#[derive(Debug)]
pub(super) struct Task<S> {
    reader: FrameReader<ReadHalf<S>>,
    writer: WriteHalf<S>,
    out: BytesMut,
    orders: mpsc::Receiver<Order>,
    control: mpsc::UnboundedReceiver<Control>,
    events: broadcast::Sender<Event>,
    end: watch::Sender<Option<String>>,
    pending: HashMap<u32, Pending>,
    streams: HashMap<u32, mpsc::Sender<Piece>>,
    /// A piece that its reader has no room for yet.
    stalled: Option<(mpsc::Sender<Piece>, Piece)>,
    serial: u32,
}

impl<S: AsyncRead + AsyncWrite + Send + 'static> Task<S> {
    pub(super) fn new(
        io: S,
        orders: mpsc::Receiver<Order>,
        control: mpsc::UnboundedReceiver<Control>,
        events: broadcast::Sender<Event>,
        end: watch::Sender<Option<String>>,
    ) -> Self {
        let (reader, writer) = tokio::io::split(io);
        Self {
            reader: FrameReader::new(reader),
            writer,
            out: BytesMut::new(),
            orders,
            control,
            events,
            end,
            pending: HashMap::new(),
            streams: HashMap::new(),
            stalled: None,
            serial: 0,
        }
    }

    /// Works until the connection ends; then tells why, and lets go of all that waits.
    pub(super) async fn run(mut self) {
        let why = self.work().await;
        tracing::debug!(%why, calls = self.pending.len(), streams = self.streams.len(), "libvirt connection ended");
        // Before what waits is let go of: it looks here for the reason.
        self.end.send_replace(Some(why));
        let _ = self.writer.shutdown().await;
    }

    async fn work(&mut self) -> String {
        loop {
            tokio::select! {
                order = self.orders.recv(), if self.out.len() < MOST_WAITING => match order {
                    None => return "it was closed".to_owned(),
                    Some(order) => {
                        if let Err(why) = self.carry_out(order) {
                            return why;
                        }
                    }
                },
                told = self.control.recv() => match told {
                    Some(Control::Forget(call)) => self.forget(call),
                    Some(Control::End) | None => return "it was closed".to_owned(),
                },
                sent = self.writer.write_buf(&mut self.out), if !self.out.is_empty() => match sent {
                    Ok(0) => return "it takes no more bytes".to_owned(),
                    Ok(_) => {}
                    Err(e) => return words(&e),
                },
                frame = self.reader.next(), if self.stalled.is_none() => match frame {
                    Ok(Some(frame)) => {
                        if let Err(why) = self.take(frame) {
                            return why;
                        }
                    }
                    Ok(None) => return "libvirt closed it".to_owned(),
                    Err(ReadError::Io(e)) => return words(&e),
                    Err(ReadError::Fault(fault)) => return format!("what came is no libvirt: {fault}"),
                },
                room = room(self.stalled.as_ref()), if self.stalled.is_some() => {
                    if let (Some(room), Some((_, piece))) = (room, self.stalled.take()) {
                        room.send(piece);
                    }
                }
            }
        }
    }

    fn carry_out(&mut self, order: Order) -> Result<(), String> {
        match order {
            Order::Call { program, procedure, payload, answer, stream } => {
                let given_up = self.pending.values().filter(|p| p.answer.is_closed()).count();
                if given_up >= MOST_GIVEN_UP {
                    return Err(format!("{given_up} calls were not answered in time"));
                }
                self.serial = self.serial.wrapping_add(1).max(1);
                let header = Header {
                    program,
                    version: VERSION,
                    procedure,
                    kind: Kind::Call,
                    serial: self.serial,
                    status: Status::Ok,
                };
                Frame { header, payload }.write(&mut self.out);
                self.pending.insert(self.serial, Pending { header, answer, stream });
            }
            // A stream that is over takes nothing; its reader is told why.
            Order::Piece(call, status, payload) => {
                if self.streams.contains_key(&call.serial) {
                    Frame::piece(call, status, payload).write(&mut self.out);
                }
            }
        }
        Ok(())
    }

    /// A stream that nobody holds any more is broken off.
    fn forget(&mut self, call: Header) {
        if let Some(sender) = self.streams.remove(&call.serial) {
            if self.stalled.as_ref().is_some_and(|(to, _)| to.same_channel(&sender)) {
                self.stalled = None;
            }
            Frame::piece(call, Status::Error, Bytes::new()).write(&mut self.out);
        }
    }

    fn take(&mut self, frame: Frame) -> Result<(), String> {
        match (frame.header.program, frame.header.kind) {
            (KEEPALIVE, Kind::Message) => {
                if frame.header.procedure == PING {
                    Frame { header: Header { procedure: PONG, ..frame.header }, payload: Bytes::new() }
                        .write(&mut self.out);
                }
                Ok(())
            }
            (_, Kind::Reply) => self.answer(frame),
            (_, Kind::Stream) => self.piece(&frame),
            (REMOTE, Kind::Message) => {
                match Event::read(&frame) {
                    Ok(Some(event)) => drop(self.events.send(event)),
                    Ok(None) => {}
                    Err(fault) => {
                        tracing::warn!(procedure = frame.header.procedure, %fault, "libvirt event cannot be read");
                    }
                }
                Ok(())
            }
            // Zeros of a sparse stream, which is never asked for, and programs of others.
            (_, Kind::Hole | Kind::Message) => Ok(()),
            (_, kind) => Err(format!("it sent a {kind:?}, which only a client sends")),
        }
    }

    fn answer(&mut self, frame: Frame) -> Result<(), String> {
        let header = frame.header;
        let Some(pending) = self.pending.remove(&header.serial) else {
            return Err(format!("it answered call {}, which was not made", header.serial));
        };
        if (pending.header.program, pending.header.procedure) != (header.program, header.procedure) {
            return Err(format!("it answered call {} as another procedure", header.serial));
        }
        let answer = match header.status {
            Status::Ok => Ok((pending.header, frame.payload)),
            Status::Error => Err(refused(&frame)),
            Status::Continue => Err(Failure::Answer("it is one half of an answer".to_owned())),
        };
        let opened = answer.is_ok();
        let heard = pending.answer.send(answer).is_ok();
        if let Some(stream) = pending.stream
            && opened
        {
            if heard {
                self.streams.insert(header.serial, stream);
            } else {
                Frame::piece(pending.header, Status::Error, Bytes::new()).write(&mut self.out);
            }
        }
        Ok(())
    }

    fn piece(&mut self, frame: &Frame) -> Result<(), String> {
        let header = frame.header;
        // libvirt sends a stream from another thread than the answer that opens it: its first pieces may
        // come before. Of one that was given up more may be on the way.
        let early = || self.pending.get(&header.serial).and_then(|pending| pending.stream.clone());
        let Some(stream) = self.streams.get(&header.serial).cloned().or_else(early) else { return Ok(()) };
        let piece = match header.status {
            Status::Continue if frame.payload.is_empty() => {
                Frame::piece(header, Status::Ok, Bytes::new()).write(&mut self.out);
                Piece::End
            }
            Status::Continue => Piece::Data(frame.payload.clone()),
            Status::Ok => Piece::Finished,
            Status::Error => match refused(frame) {
                Failure::Remote(remote) => Piece::Failed(remote),
                other => return Err(other.to_string()),
            },
        };
        // Whatever comes of it later (the answer to our own end) is nobody's.
        if !matches!(piece, Piece::Data(_)) {
            self.streams.remove(&header.serial);
            if let Some(pending) = self.pending.get_mut(&header.serial) {
                pending.stream = None;
            }
        }
        match stream.try_send(piece) {
            Ok(()) | Err(mpsc::error::TrySendError::Closed(_)) => {}
            Err(mpsc::error::TrySendError::Full(piece)) => self.stalled = Some((stream, piece)),
        }
        Ok(())
    }
}

/// Waits for room for a stalled piece; `None`: nobody wants it any more.
async fn room(stalled: Option<&(mpsc::Sender<Piece>, Piece)>) -> Option<mpsc::OwnedPermit<Piece>> {
    stalled?.0.clone().reserve_owned().await.ok()
}

fn refused(frame: &Frame) -> Failure {
    match frame.value::<RemoteError>() {
        Ok(error) => Failure::Remote(Remote::of(&error)),
        Err(fault) => Failure::Answer(format!("an error that cannot be read: {fault}")),
    }
}

/// An error of the byte stream in words: those of `ssh` inside of it say more than its own.
fn words(error: &std::io::Error) -> String {
    bounded(&error.to_string())
}
