//! The primitives of the Kafka protocol: a reader that can be given any bytes and a writer.
//!
//! Everything is big-endian; lengths come from the peer, so the reader checks them against what is
//! really there before it takes or allocates anything.

use bytes::{BufMut, Bytes, BytesMut};

/// Why a request could not be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum WireError {
    /// The bytes end inside a field.
    #[error("the request ends inside a field")]
    Truncated,
    /// A length or a variable-length number that cannot be.
    #[error("a length in the request is impossible")]
    BadLength,
    /// A text that is not UTF-8.
    #[error("a text in the request is not UTF-8")]
    NotText,
}

/// Reads primitives off a request.
#[derive(Debug, Clone)]
pub(crate) struct Reader {
    rest: Bytes,
}

impl Reader {
    /// Starts at the first byte.
    pub(crate) const fn new(bytes: Bytes) -> Self {
        Self { rest: bytes }
    }

    /// Bytes not read yet.
    pub(crate) const fn left(&self) -> usize {
        self.rest.len()
    }

    /// Takes `n` bytes without copying them.
    pub(crate) fn take(&mut self, n: usize) -> Result<Bytes, WireError> {
        if n > self.rest.len() {
            return Err(WireError::Truncated);
        }
        Ok(self.rest.split_to(n))
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], WireError> {
        let bytes = self.take(N)?;
        <[u8; N]>::try_from(bytes.as_ref()).map_err(|_| WireError::Truncated)
    }

    pub(crate) fn i8(&mut self) -> Result<i8, WireError> {
        Ok(i8::from_be_bytes(self.array()?))
    }

    pub(crate) fn i16(&mut self) -> Result<i16, WireError> {
        Ok(i16::from_be_bytes(self.array()?))
    }

    pub(crate) fn i32(&mut self) -> Result<i32, WireError> {
        Ok(i32::from_be_bytes(self.array()?))
    }

    pub(crate) fn u32(&mut self) -> Result<u32, WireError> {
        Ok(u32::from_be_bytes(self.array()?))
    }

    pub(crate) fn i64(&mut self) -> Result<i64, WireError> {
        Ok(i64::from_be_bytes(self.array()?))
    }

    pub(crate) fn bool(&mut self) -> Result<bool, WireError> {
        Ok(self.i8()? != 0)
    }

    fn text(bytes: &Bytes) -> Result<String, WireError> {
        std::str::from_utf8(bytes).map(str::to_owned).map_err(|_| WireError::NotText)
    }

    /// `NULLABLE_STRING`: length -1 is null.
    pub(crate) fn nullable_string(&mut self) -> Result<Option<String>, WireError> {
        match self.i16()? {
            -1 => Ok(None),
            n => {
                let n = usize::try_from(n).map_err(|_| WireError::BadLength)?;
                Self::text(&self.take(n)?).map(Some)
            }
        }
    }

    /// `STRING`.
    pub(crate) fn string(&mut self) -> Result<String, WireError> {
        self.nullable_string()?.ok_or(WireError::BadLength)
    }

    /// `NULLABLE_BYTES`: length -1 is null.
    pub(crate) fn nullable_bytes(&mut self) -> Result<Option<Bytes>, WireError> {
        match self.i32()? {
            -1 => Ok(None),
            n => self.take(usize::try_from(n).map_err(|_| WireError::BadLength)?).map(Some),
        }
    }

    /// `ARRAY`: null and empty are the same to us. Each item takes at least one byte, so a count
    /// beyond the bytes left is refused before anything is reserved.
    pub(crate) fn items<T>(
        &mut self,
        mut item: impl FnMut(&mut Self) -> Result<T, WireError>,
    ) -> Result<Option<Vec<T>>, WireError> {
        let count = self.i32()?;
        if count == -1 {
            return Ok(None);
        }
        let count = usize::try_from(count).map_err(|_| WireError::BadLength)?;
        if count > self.left() {
            return Err(WireError::BadLength);
        }
        let mut items = Vec::new();
        for _ in 0..count {
            items.push(item(self)?);
        }
        Ok(Some(items))
    }
}

/// Writes primitives of an answer.
#[derive(Debug, Default)]
pub(crate) struct Writer {
    buf: BytesMut,
}

impl Writer {
    pub(crate) fn i8(&mut self, v: i8) -> &mut Self {
        self.buf.put_i8(v);
        self
    }

    pub(crate) fn i16(&mut self, v: i16) -> &mut Self {
        self.buf.put_i16(v);
        self
    }

    pub(crate) fn i32(&mut self, v: i32) -> &mut Self {
        self.buf.put_i32(v);
        self
    }

    pub(crate) fn i64(&mut self, v: i64) -> &mut Self {
        self.buf.put_i64(v);
        self
    }

    pub(crate) fn bool(&mut self, v: bool) -> &mut Self {
        self.i8(i8::from(v))
    }

    /// `STRING`; what does not fit 32,767 bytes is cut (our own texts never come near).
    pub(crate) fn string(&mut self, v: &str) -> &mut Self {
        let n = v.len().min(i16::MAX as usize);
        self.i16(n as i16);
        self.buf.put_slice(v.as_bytes().get(..n).unwrap_or_default());
        self
    }

    pub(crate) fn null_string(&mut self) -> &mut Self {
        self.i16(-1)
    }

    /// `BYTES` made of several pieces.
    pub(crate) fn pieces(&mut self, pieces: &[Bytes]) -> &mut Self {
        let n: usize = pieces.iter().map(Bytes::len).sum();
        self.i32(i32::try_from(n).unwrap_or(i32::MAX));
        self.buf.reserve(n);
        for piece in pieces {
            self.buf.put_slice(piece);
        }
        self
    }

    pub(crate) fn raw(&mut self, v: &[u8]) -> &mut Self {
        self.buf.put_slice(v);
        self
    }

    /// `ARRAY` of what `item` writes.
    pub(crate) fn items<T>(&mut self, items: &[T], mut item: impl FnMut(&mut Self, &T)) -> &mut Self {
        self.i32(i32::try_from(items.len()).unwrap_or(i32::MAX));
        for i in items {
            item(self, i);
        }
        self
    }

    /// `UNSIGNED_VARINT`; only answers have them here.
    pub(crate) fn uvarint(&mut self, mut v: u64) -> &mut Self {
        while v >= 0x80 {
            self.buf.put_u8((v & 0x7f) as u8 | 0x80);
            v >>= 7;
        }
        self.buf.put_u8(v as u8);
        self
    }

    /// `VARINT`/`VARLONG`: zig-zag.
    pub(crate) fn varint(&mut self, v: i64) -> &mut Self {
        self.uvarint(((v << 1) ^ (v >> 63)) as u64)
    }

    pub(crate) fn finish(self) -> Bytes {
        self.buf.freeze()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn counts_beyond_the_bytes_are_refused_before_allocating() {
        let mut r = Reader::new(Bytes::from_static(&[0x7f, 0xff, 0xff, 0xff, 1, 2]));
        assert_eq!(r.items(Reader::i8), Err(WireError::BadLength));
    }

    #[test]
    fn null_is_not_empty() {
        let mut r = Reader::new(Bytes::from_static(&[0xff, 0xff, 0, 0]));
        assert_eq!(r.nullable_string(), Ok(None));
        assert_eq!(r.nullable_string(), Ok(Some(String::new())));
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(a in any::<i64>(), b in any::<i32>(), s in ".{0,40}") {
            let mut w = Writer::default();
            w.i64(a).i32(b).string(&s).bool(true);
            let mut r = Reader::new(w.finish());
            prop_assert_eq!(r.i64(), Ok(a));
            prop_assert_eq!(r.i32(), Ok(b));
            prop_assert_eq!(r.string(), Ok(s));
            prop_assert_eq!(r.bool(), Ok(true));
            prop_assert_eq!(r.left(), 0);
        }

        #[test]
        fn any_bytes_are_survived(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let mut r = Reader::new(Bytes::from(bytes));
            let _ = r.items(|r| r.items(Reader::nullable_bytes));
            let _ = r.nullable_string();
        }
    }
}
