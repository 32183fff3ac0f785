//! Protobuf framing that also tells how big an answer was, for the log.

use std::marker::PhantomData;

use prost::Message;
use prost::bytes::Buf;
use tonic::Status;
use tonic::codec::{Codec, DecodeBuf, Decoder, EncodeBuf, Encoder};

/// A message with its size on the wire.
#[derive(Debug)]
pub(super) struct Sized<T> {
    pub(super) value: T,
    pub(super) bytes: u64,
}

/// The codec of requests `Q` and answers `A`.
#[derive(Debug)]
pub(super) struct SizedCodec<Q, A>(PhantomData<(Q, A)>);

impl<Q, A> Default for SizedCodec<Q, A> {
    fn default() -> Self {
        Self(PhantomData)
    }
}

impl<Q, A> Codec for SizedCodec<Q, A>
where
    Q: Message + 'static,
    A: Message + Default + 'static,
{
    type Encode = Q;
    type Decode = Sized<A>;
    type Encoder = Writer<Q>;
    type Decoder = Reader<A>;

    fn encoder(&mut self) -> Writer<Q> {
        Writer(PhantomData)
    }

    fn decoder(&mut self) -> Reader<A> {
        Reader(PhantomData)
    }
}

#[derive(Debug)]
pub(super) struct Writer<Q>(PhantomData<Q>);

impl<Q: Message> Encoder for Writer<Q> {
    type Item = Q;
    type Error = Status;

    fn encode(&mut self, item: Q, out: &mut EncodeBuf<'_>) -> Result<(), Status> {
        item.encode(out).map_err(|e| Status::internal(format!("failed to encode: {e}")))
    }
}

#[derive(Debug)]
pub(super) struct Reader<A>(PhantomData<A>);

impl<A: Message + Default> Decoder for Reader<A> {
    type Item = Sized<A>;
    type Error = Status;

    fn decode(&mut self, bytes: &mut DecodeBuf<'_>) -> Result<Option<Sized<A>>, Status> {
        let size = bytes.remaining() as u64;
        let value = A::decode(bytes).map_err(|e| Status::internal(format!("failed to decode: {e}")))?;
        Ok(Some(Sized { value, bytes: size }))
    }
}
