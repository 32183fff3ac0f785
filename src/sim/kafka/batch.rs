//! Record batches, format 2: the only one that brokers since 0.11 store.
//!
//! Layout: base offset i64, length i32, leader epoch i32, magic i8 (2), CRC-32C u32 over all that
//! follows, attributes i16, last offset delta i32, first and max timestamp i64, producer id i64,
//! producer epoch i16, base sequence i32, record count i32, records.

use bytes::{BufMut, Bytes, BytesMut};

use super::wire::{Reader, WireError, Writer};

/// Bytes before the records.
const HEADER: usize = 61;
/// Bytes before the part that the length field counts.
const LENGTH_PREFIX: usize = 12;
/// Where the checksummed part begins.
const CRC_FROM: usize = 21;

/// One message to be written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// Key; VOLTHA writes empty keys, not null ones.
    pub key: Option<Bytes>,
    /// Value.
    pub value: Bytes,
    /// Producer's clock, milliseconds since 1970.
    pub timestamp_ms: i64,
}

/// A stored batch, as it goes over the wire.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Batch {
    /// Offset of its first record.
    pub(crate) base: i64,
    /// Offsets it covers.
    pub(crate) count: i64,
    /// Latest timestamp in it, milliseconds.
    pub(crate) max_timestamp: i64,
    /// The whole batch.
    pub(crate) bytes: Bytes,
}

/// Why a produced batch is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum BatchError {
    #[error(transparent)]
    Wire(#[from] WireError),
    #[error("the batch is not of format 2")]
    Magic,
    #[error("the checksum of the batch is wrong")]
    Checksum,
}

/// Builds one uncompressed batch; `messages` must not be empty.
pub(crate) fn encode(base: i64, messages: &[Message]) -> Batch {
    let first = messages.first().map_or(0, |m| m.timestamp_ms);
    let max = messages.iter().map(|m| m.timestamp_ms).max().unwrap_or(first);
    let mut records = Writer::default();
    for (delta, message) in messages.iter().enumerate() {
        let body = record(delta as i64, message.timestamp_ms - first, message);
        records.varint(body.len() as i64).raw(&body);
    }
    let records = records.finish();
    let mut tail = Writer::default();
    tail.i16(0).i32(messages.len() as i32 - 1).i64(first).i64(max);
    tail.i64(-1).i16(-1).i32(-1).i32(messages.len() as i32).raw(&records);
    let tail = tail.finish();
    let mut out = BytesMut::with_capacity(CRC_FROM + tail.len());
    out.put_i64(base);
    out.put_i32((CRC_FROM - LENGTH_PREFIX + tail.len()) as i32);
    out.put_i32(0);
    out.put_i8(2);
    out.put_u32(crc32c::crc32c(&tail));
    out.put_slice(&tail);
    Batch { base, count: messages.len() as i64, max_timestamp: max, bytes: out.freeze() }
}

fn record(offset_delta: i64, time_delta: i64, message: &Message) -> Bytes {
    let mut w = Writer::default();
    w.i8(0).varint(time_delta).varint(offset_delta);
    match &message.key {
        Some(key) => w.varint(key.len() as i64).raw(key),
        None => w.varint(-1),
    };
    w.varint(message.value.len() as i64).raw(&message.value).varint(0);
    w.finish()
}

/// Splits what a producer sent into batches, checks each and gives it its offsets from `base` on.
pub(crate) fn accept(mut data: Bytes, mut base: i64) -> Result<Vec<Batch>, BatchError> {
    let mut batches = Vec::new();
    while !data.is_empty() {
        let mut r = Reader::new(data.clone());
        r.i64()?;
        let length = usize::try_from(r.i32()?).map_err(|_| WireError::BadLength)?;
        if length < HEADER - LENGTH_PREFIX {
            return Err(WireError::BadLength.into());
        }
        r.i32()?;
        if r.i8()? != 2 {
            return Err(BatchError::Magic);
        }
        let crc = r.u32()?;
        r.i16()?;
        let last_delta = r.i32()?;
        r.i64()?;
        let max_timestamp = r.i64()?;
        let total = LENGTH_PREFIX + length;
        if last_delta < 0 || total > data.len() {
            return Err(WireError::BadLength.into());
        }
        let bytes = data.split_to(total);
        if crc32c::crc32c(bytes.get(CRC_FROM..).unwrap_or_default()) != crc {
            return Err(BatchError::Checksum);
        }
        let mut owned = BytesMut::from(bytes.as_ref());
        if let Some(head) = owned.get_mut(..8) {
            head.copy_from_slice(&base.to_be_bytes());
        }
        let count = i64::from(last_delta) + 1;
        batches.push(Batch { base, count, max_timestamp, bytes: owned.freeze() });
        base += count;
    }
    Ok(batches)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn message(value: &'static str) -> Message {
        Message { key: Some(Bytes::new()), value: Bytes::from_static(value.as_bytes()), timestamp_ms: 1_000 }
    }

    #[test]
    fn a_batch_is_accepted_as_it_was_built_and_renumbered() {
        let built = encode(0, &[message("a"), message("b")]);
        let taken = accept(built.bytes.clone(), 40).unwrap();
        assert_eq!(taken.len(), 1);
        assert_eq!((taken[0].base, taken[0].count, taken[0].max_timestamp), (40, 2, 1_000));
        assert_eq!(taken[0].bytes[8..], built.bytes[8..], "only the base offset differs");
    }

    #[test]
    fn a_flipped_bit_is_noticed() {
        let built = encode(0, &[message("hello")]);
        let mut bytes = BytesMut::from(built.bytes.as_ref());
        let last = bytes.len() - 1;
        bytes[last] ^= 1;
        assert_eq!(accept(bytes.freeze(), 0), Err(BatchError::Checksum));
    }

    proptest! {
        #[test]
        fn garbage_never_panics(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            let _ = accept(Bytes::from(bytes), 0);
        }

        #[test]
        fn a_damaged_batch_never_panics(at in 0_usize..80, with in any::<u8>()) {
            let mut bytes = BytesMut::from(encode(0, &[message("hello"), message("world")]).bytes.as_ref());
            let at = at % bytes.len();
            bytes[at] = with;
            let _ = accept(bytes.freeze(), 7);
        }
    }
}
