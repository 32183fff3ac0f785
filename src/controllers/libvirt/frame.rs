//! Packets of libvirt's RPC: a length, a header of six words, and what the call, its answer, an event
//! or a stream carries. Both directions, with a reader that may be cancelled between any two bytes.

use bytes::{Buf as _, Bytes, BytesMut};
use tokio::io::{AsyncRead, AsyncReadExt as _};

use super::procs::{Proc, VERSION};
use super::xdr::{self, Fault, Wire};

/// Bytes of the length and the header.
pub const HEAD: usize = 28;

/// The longest packet, bytes, its length word included: libvirt's own limit.
pub const MOST: usize = 32 << 20;

/// The most bytes of a stream in one packet: what older servers take.
pub const MOST_DATA: usize = 262_120;

/// What a packet is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// A call.
    Call,
    /// Its answer.
    Reply,
    /// Something nobody asked for: an event, or a sign of life.
    Message,
    /// A piece of a stream.
    Stream,
    /// A call with file descriptors beside it: never over a byte stream.
    CallWithFds,
    /// An answer with file descriptors beside it.
    ReplyWithFds,
    /// Zeros left out of a stream.
    Hole,
}

/// How it went.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Status {
    /// Well; of a stream: it is finished.
    Ok,
    /// It carries an error; of a stream: it is broken off.
    Error,
    /// Of a stream: more data.
    Continue,
}

const KINDS: [Kind; 7] =
    [Kind::Call, Kind::Reply, Kind::Message, Kind::Stream, Kind::CallWithFds, Kind::ReplyWithFds, Kind::Hole];
const STATES: [Status; 3] = [Status::Ok, Status::Error, Status::Continue];

impl Wire for Kind {
    fn put(&self, out: &mut Vec<u8>) {
        (*self as u32).put(out);
    }

    fn get(from: &mut xdr::Reader<'_>) -> Result<Self, Fault> {
        let value = u32::get(from)?;
        KINDS.get(value as usize).copied().ok_or(Fault::Unknown { what: "kind of packet", value })
    }
}

impl Wire for Status {
    fn put(&self, out: &mut Vec<u8>) {
        (*self as u32).put(out);
    }

    fn get(from: &mut xdr::Reader<'_>) -> Result<Self, Fault> {
        let value = u32::get(from)?;
        STATES.get(value as usize).copied().ok_or(Fault::Unknown { what: "status", value })
    }
}

/// The header of a packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Header {
    /// The program ([`super::procs::REMOTE`] …).
    pub program: u32,
    /// Its version.
    pub version: u32,
    /// The procedure: of a call, of its answer and of its stream the same.
    pub procedure: u32,
    /// What it is.
    pub kind: Kind,
    /// The number of the call; 0 for events.
    pub serial: u32,
    /// How it went.
    pub status: Status,
}

impl Wire for Header {
    fn put(&self, out: &mut Vec<u8>) {
        (self.program, self.version, self.procedure).put(out);
        self.kind.put(out);
        self.serial.put(out);
        self.status.put(out);
    }

    fn get(from: &mut xdr::Reader<'_>) -> Result<Self, Fault> {
        Ok(Self {
            program: Wire::get(from)?,
            version: Wire::get(from)?,
            procedure: Wire::get(from)?,
            kind: Wire::get(from)?,
            serial: Wire::get(from)?,
            status: Wire::get(from)?,
        })
    }
}

impl Header {
    /// Of a packet of a procedure.
    #[must_use]
    pub const fn of<A, R>(procedure: &Proc<A, R>, kind: Kind, serial: u32, status: Status) -> Self {
        Self { program: procedure.program, version: VERSION, procedure: procedure.number, kind, serial, status }
    }

    /// The same procedure and serial with another kind and status: the answer to it, a piece of its
    /// stream.
    #[must_use]
    pub const fn with(self, kind: Kind, status: Status) -> Self {
        Self { kind, status, ..self }
    }
}

/// A packet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Frame {
    /// Its header.
    pub header: Header,
    /// What it carries.
    pub payload: Bytes,
}

impl Frame {
    /// A packet that carries a value.
    #[must_use]
    pub fn new(header: Header, value: &impl Wire) -> Self {
        Self { header, payload: xdr::encode(value).into() }
    }

    /// A piece of a stream; an empty one with [`Status::Continue`] is its end.
    #[must_use]
    pub const fn piece(call: Header, status: Status, payload: Bytes) -> Self {
        Self { header: call.with(Kind::Stream, status), payload }
    }

    /// The value that it carries.
    ///
    /// # Errors
    /// When it carries another.
    pub fn value<T: Wire>(&self) -> Result<T, Fault> {
        xdr::decode(&self.payload)
    }

    /// Appends its bytes.
    pub fn write(&self, out: &mut BytesMut) {
        let mut head = Vec::with_capacity(HEAD);
        ((HEAD + self.payload.len()) as u32).put(&mut head);
        self.header.put(&mut head);
        out.extend_from_slice(&head);
        out.extend_from_slice(&self.payload);
    }

    /// Takes the first packet off the bytes, when all of it is there.
    ///
    /// # Errors
    /// When they are no packet; nothing of use comes afterwards.
    pub fn parse(bytes: &mut BytesMut) -> Result<Option<Self>, Fault> {
        let Some(length) = bytes.first_chunk().map(|word| u32::from_be_bytes(*word)) else { return Ok(None) };
        if !(HEAD..=MOST).contains(&(length as usize)) {
            return Err(Fault::Unknown { what: "length of a packet", value: length });
        }
        // Room is made as bytes come: a length alone makes none.
        if bytes.len() < length as usize {
            return Ok(None);
        }
        let mut packet = bytes.split_to(length as usize);
        packet.advance(4);
        let header = xdr::decode(&packet.split_to(HEAD - 4))?;
        Ok(Some(Self { header, payload: packet.freeze() }))
    }
}

/// Why no packet came.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// The connection broke, or ended inside of a packet.
    #[error(transparent)]
    Io(#[from] std::io::Error),
    /// Its bytes are no packet.
    #[error("no packet of libvirt's protocol: {0}")]
    Fault(#[from] Fault),
}

/// Reads packets off a byte stream.
#[derive(Debug)]
pub struct FrameReader<R> {
    io: R,
    bytes: BytesMut,
}

impl<R: AsyncRead + Unpin> FrameReader<R> {
    /// From its beginning.
    pub fn new(io: R) -> Self {
        Self { io, bytes: BytesMut::new() }
    }

    /// The next packet; `None` at the end of the connection. May be cancelled: nothing is lost.
    ///
    /// # Errors
    /// The connection broke, or its bytes are no packets.
    pub async fn next(&mut self) -> Result<Option<Frame>, ReadError> {
        loop {
            if let Some(frame) = Frame::parse(&mut self.bytes)? {
                return Ok(Some(frame));
            }
            self.bytes.reserve(16 << 10);
            if self.io.read_buf(&mut self.bytes).await? == 0 {
                return match self.bytes.len() {
                    0 => Ok(None),
                    _ => Err(std::io::Error::from(std::io::ErrorKind::UnexpectedEof).into()),
                };
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::procs;
    use super::*;

    fn frames() -> impl Strategy<Value = Frame> {
        let header =
            (any::<[u32; 3]>(), 0..KINDS.len(), any::<u32>(), 0..STATES.len()).prop_map(|(n, k, serial, s)| {
                let [program, version, procedure] = n;
                Header { program, version, procedure, kind: KINDS[k], serial, status: STATES[s] }
            });
        (header, prop::collection::vec(any::<u8>(), 0..60))
            .prop_map(|(header, payload)| Frame { header, payload: payload.into() })
    }

    #[test]
    fn a_call_looks_as_libvirt_writes_it() {
        let mut out = BytesMut::new();
        let header = Header::of(&procs::CONNECT_OPEN, Kind::Call, 5, Status::Ok);
        Frame::new(header, &(Some("a".to_owned()), 1)).write(&mut out);
        let words: Vec<u32> = out.chunks(4).map(|w| u32::from_be_bytes(w.try_into().unwrap())).collect();
        assert_eq!(words, [44, 0x2000_8086, 1, 1, 0, 5, 0, 1, 1, 0x6100_0000, 1]);
    }

    #[test]
    fn lengths_that_cannot_be_are_faults() {
        for length in [0_u32, 27, MOST as u32 + 1, u32::MAX] {
            let mut bytes = BytesMut::from(&length.to_be_bytes()[..]);
            assert!(Frame::parse(&mut bytes).is_err(), "{length}");
        }
    }

    proptest! {
        #[test]
        fn packets_are_read_wherever_the_pieces_end(list in prop::collection::vec(frames(), 0..5), cut in 1_usize..40) {
            let mut bytes = BytesMut::new();
            for frame in &list {
                frame.write(&mut bytes);
            }
            let mut read = Vec::new();
            let mut kept = BytesMut::new();
            for piece in bytes.chunks(cut) {
                kept.extend_from_slice(piece);
                while let Some(frame) = Frame::parse(&mut kept).unwrap() {
                    read.push(frame);
                }
            }
            prop_assert_eq!(read, list);
            prop_assert!(kept.is_empty());
        }

        #[test]
        fn any_bytes_are_packets_or_a_fault(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let mut bytes = BytesMut::from(&bytes[..]);
            while let Ok(Some(_)) = Frame::parse(&mut bytes) {}
        }
    }
}
