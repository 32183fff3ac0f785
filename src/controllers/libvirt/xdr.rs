//! XDR as libvirt's RPC uses it: values to bytes and back, the same types in both directions, so that
//! the client and the simulator cannot disagree.
//!
//! Big-endian, everything a multiple of four bytes. Reading is strict and bounded: a length never
//! makes room for more than the bytes that are there can hold, and bytes that are left over at the
//! end are a fault. Any bytes give a value or a [`Fault`].

/// The most items of one list: four times the longest that libvirt itself allows.
const MOST_ITEMS: usize = 65_536;

/// Why bytes are no value.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// They end too early.
    #[error("it ends after {have} bytes where {need} more are needed")]
    Short {
        /// How many more were wanted.
        need: usize,
        /// How many were left.
        have: usize,
    },
    /// A list that is too long, or longer than the bytes behind it.
    #[error("it announces {count} items, which it cannot hold")]
    Count {
        /// The announced number.
        count: usize,
    },
    /// A number that stands for nothing.
    #[error("{what} {value} is not known")]
    Unknown {
        /// What it was read as.
        what: &'static str,
        /// The number.
        value: u32,
    },
    /// Bytes behind the end.
    #[error("{0} bytes are left over")]
    Trailing(usize),
}

/// A value that has a form on the wire.
pub trait Wire: Sized {
    /// Appends it.
    fn put(&self, out: &mut Vec<u8>);

    /// Reads it.
    ///
    /// # Errors
    /// When the bytes are none.
    fn get(from: &mut Reader<'_>) -> Result<Self, Fault>;
}

/// The bytes of a value.
#[must_use]
pub fn encode(value: &impl Wire) -> Vec<u8> {
    let mut out = Vec::new();
    value.put(&mut out);
    out
}

/// The value of bytes, of all of them.
///
/// # Errors
/// When they are none.
pub fn decode<T: Wire>(bytes: &[u8]) -> Result<T, Fault> {
    let mut reader = Reader::new(bytes);
    let value = T::get(&mut reader)?;
    match reader.left() {
        0 => Ok(value),
        left => Err(Fault::Trailing(left)),
    }
}

/// Bytes that are being read.
#[derive(Debug)]
pub struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    /// From their beginning.
    #[must_use]
    pub const fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }

    /// How many are left.
    #[must_use]
    pub const fn left(&self) -> usize {
        self.rest.len()
    }

    /// The next `count` bytes.
    fn take(&mut self, count: usize) -> Result<&'a [u8], Fault> {
        let (head, tail) =
            self.rest.split_at_checked(count).ok_or(Fault::Short { need: count, have: self.rest.len() })?;
        self.rest = tail;
        Ok(head)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], Fault> {
        let have = self.rest.len();
        let (head, tail) = self.rest.split_first_chunk().ok_or(Fault::Short { need: N, have })?;
        self.rest = tail;
        Ok(*head)
    }

    /// Bytes with their length before and zeros behind, up to a multiple of four.
    fn opaque(&mut self) -> Result<&'a [u8], Fault> {
        let length = u32::get(self)? as usize;
        let bytes = self.take(length)?;
        self.take(padding(length))?;
        Ok(bytes)
    }
}

const fn padding(length: usize) -> usize {
    (4 - length % 4) % 4
}

fn put_opaque(bytes: &[u8], out: &mut Vec<u8>) {
    // What is put has been made here: no text of 4 GiB.
    (bytes.len() as u32).put(out);
    out.extend_from_slice(bytes);
    out.resize(out.len() + padding(bytes.len()), 0);
}

macro_rules! numbers {
    ($($kind:ty),*) => {$(
        impl Wire for $kind {
            fn put(&self, out: &mut Vec<u8>) {
                out.extend_from_slice(&self.to_be_bytes());
            }

            fn get(from: &mut Reader<'_>) -> Result<Self, Fault> {
                from.array().map(Self::from_be_bytes)
            }
        }
    )*};
}
numbers!(i32, u32, i64, u64, f64);

impl Wire for bool {
    fn put(&self, out: &mut Vec<u8>) {
        u32::from(*self).put(out);
    }

    fn get(from: &mut Reader<'_>) -> Result<Self, Fault> {
        Ok(u32::get(from)? != 0)
    }
}

impl Wire for String {
    fn put(&self, out: &mut Vec<u8>) {
        put_opaque(self.as_bytes(), out);
    }

    /// What is no UTF-8 is replaced: names in libvirt come out of XML and are.
    fn get(from: &mut Reader<'_>) -> Result<Self, Fault> {
        from.opaque().map(|bytes| Self::from_utf8_lossy(bytes).into_owned())
    }
}

/// Bytes of any length (cookies).
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Opaque(pub Vec<u8>);

impl Wire for Opaque {
    fn put(&self, out: &mut Vec<u8>) {
        put_opaque(&self.0, out);
    }

    fn get(from: &mut Reader<'_>) -> Result<Self, Fault> {
        from.opaque().map(|bytes| Self(bytes.to_vec()))
    }
}

/// A text in a field of a fixed number of characters, each of which takes four bytes.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Chars<const N: usize>(pub String);

impl<const N: usize> Wire for Chars<N> {
    fn put(&self, out: &mut Vec<u8>) {
        let mut bytes = self.0.bytes();
        for _ in 0..N {
            u32::from(bytes.next().unwrap_or(0)).put(out);
        }
    }

    fn get(from: &mut Reader<'_>) -> Result<Self, Fault> {
        let mut bytes = Vec::with_capacity(N);
        for _ in 0..N {
            // The upper bytes only repeat the sign.
            bytes.push(u32::get(from)?.to_be_bytes()[3]);
        }
        let end = bytes.iter().position(|b| *b == 0).unwrap_or(N);
        bytes.truncate(end);
        Ok(Self(String::from_utf8_lossy(&bytes).into_owned()))
    }
}

impl Wire for [u8; 16] {
    fn put(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(self);
    }

    fn get(from: &mut Reader<'_>) -> Result<Self, Fault> {
        from.array()
    }
}

impl<T: Wire> Wire for Option<T> {
    fn put(&self, out: &mut Vec<u8>) {
        self.is_some().put(out);
        if let Some(value) = self {
            value.put(out);
        }
    }

    fn get(from: &mut Reader<'_>) -> Result<Self, Fault> {
        match u32::get(from)? {
            0 => Ok(None),
            1 => T::get(from).map(Some),
            value => Err(Fault::Unknown { what: "presence", value }),
        }
    }
}

impl<T: Wire> Wire for Vec<T> {
    fn put(&self, out: &mut Vec<u8>) {
        (self.len() as u32).put(out);
        for item in self {
            item.put(out);
        }
    }

    fn get(from: &mut Reader<'_>) -> Result<Self, Fault> {
        let count = u32::get(from)? as usize;
        // Nothing that stands in a list is shorter than four bytes.
        if count > MOST_ITEMS || count > from.left() / 4 {
            return Err(Fault::Count { count });
        }
        let mut out = Self::new();
        for _ in 0..count {
            out.push(T::get(from)?);
        }
        Ok(out)
    }
}

impl Wire for () {
    fn put(&self, _: &mut Vec<u8>) {}

    fn get(_: &mut Reader<'_>) -> Result<Self, Fault> {
        Ok(())
    }
}

macro_rules! tuples {
    ($(($($name:ident $at:tt),+);)*) => {$(
        impl<$($name: Wire),+> Wire for ($($name,)+) {
            fn put(&self, out: &mut Vec<u8>) {
                $(self.$at.put(out);)+
            }

            fn get(from: &mut Reader<'_>) -> Result<Self, Fault> {
                Ok(($($name::get(from)?,)+))
            }
        }
    )*};
}
tuples! {
    (A 0);
    (A 0, B 1);
    (A 0, B 1, C 2);
    (A 0, B 1, C 2, D 3);
    (A 0, B 1, C 2, D 3, E 4);
    (A 0, B 1, C 2, D 3, E 4, F 5);
}

/// Structures whose fields stand one behind the other.
macro_rules! wire {
    ($($(#[$meta:meta])* pub struct $name:ident { $($(#[$about:meta])* $field:ident: $kind:ty),* $(,)? })*) => {$(
        $(#[$meta])*
        #[derive(Debug, Clone, PartialEq, Default)]
        pub struct $name {
            $($(#[$about])* pub $field: $kind,)*
        }

        impl $crate::controllers::libvirt::xdr::Wire for $name {
            fn put(&self, out: &mut Vec<u8>) {
                $(self.$field.put(out);)*
            }

            fn get(
                from: &mut $crate::controllers::libvirt::xdr::Reader<'_>,
            ) -> Result<Self, $crate::controllers::libvirt::xdr::Fault> {
                Ok(Self { $($field: $crate::controllers::libvirt::xdr::Wire::get(from)?,)* })
            }
        }
    )*};
}
pub(super) use wire;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn values_look_as_libvirt_writes_them() {
        assert_eq!(encode(&1_i32), [0, 0, 0, 1]);
        assert_eq!(encode(&-1_i32), [255; 4]);
        assert_eq!(encode(&true), [0, 0, 0, 1]);
        assert_eq!(encode(&0x1_0000_0000_u64), [0, 0, 0, 1, 0, 0, 0, 0]);
        assert_eq!(encode(&"abcde".to_owned()), [0, 0, 0, 5, b'a', b'b', b'c', b'd', b'e', 0, 0, 0]);
        assert_eq!(encode(&Some(7_u32)), [0, 0, 0, 1, 0, 0, 0, 7]);
        assert_eq!(encode(&None::<u32>), [0, 0, 0, 0]);
        assert_eq!(encode(&vec![1_u32, 2]), [0, 0, 0, 2, 0, 0, 0, 1, 0, 0, 0, 2]);
        assert_eq!(encode(&Chars::<3>("ab".into())), [0, 0, 0, b'a', 0, 0, 0, b'b', 0, 0, 0, 0]);
    }

    #[test]
    fn what_cannot_be_is_a_fault() {
        assert_eq!(decode::<u32>(&[0, 0, 0]), Err(Fault::Short { need: 4, have: 3 }));
        assert_eq!(decode::<u32>(&[0; 5]), Err(Fault::Trailing(1)));
        assert_eq!(decode::<String>(&[255; 8]), Err(Fault::Short { need: u32::MAX as usize, have: 4 }));
        assert_eq!(decode::<Vec<u32>>(&[0, 255, 255, 255]), Err(Fault::Count { count: 0x00ff_ffff }));
        assert_eq!(decode::<Option<u32>>(&[0, 0, 0, 2]), Err(Fault::Unknown { what: "presence", value: 2 }));
        assert_eq!(decode::<String>(&[0, 0, 0, 1, b'a']), Err(Fault::Short { need: 3, have: 0 }), "padding is there");
    }

    type Mixed = (Vec<(String, Option<i64>)>, u32, Opaque, bool, [u8; 16], Chars<8>);

    proptest! {
        #[test]
        fn what_is_written_is_read_back(
            list in prop::collection::vec((".{0,9}", any::<Option<i64>>()), 0..5),
            n in any::<u32>(),
            bytes in prop::collection::vec(any::<u8>(), 0..20),
            flag in any::<bool>(),
            uuid in any::<[u8; 16]>(),
            name in "[a-z]{0,8}",
        ) {
            let value: Mixed = (list, n, Opaque(bytes), flag, uuid, Chars(name));
            let written = encode(&value);
            prop_assert_eq!(written.len() % 4, 0);
            prop_assert_eq!(decode::<Mixed>(&written), Ok(value));
        }

        #[test]
        fn any_bytes_are_a_value_or_a_fault(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            if let Ok(value) = decode::<Mixed>(&bytes) {
                prop_assert!(encode(&value).len() <= bytes.len() + 2 * bytes.len());
            }
            let _ = decode::<Vec<Vec<String>>>(&bytes);
            let _ = decode::<Vec<Vec<u64>>>(&bytes);
        }
    }
}
