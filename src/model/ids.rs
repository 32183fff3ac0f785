//! Identities: of sources, rows, alarms, operator actions and journal records.

use std::fmt;
use std::sync::Arc;

use minicbor::{Decode, Encode};

/// The name a source has in the configuration (`voltha-1`).
pub type SourceName = Arc<str>;

/// A position in the journal; strictly rising, never used twice. Zero stands before the first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Encode, Decode)]
#[cbor(transparent)]
pub struct Seq(#[n(0)] pub i64);

/// The identity of a row inside its table, stable for the life of the cache.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Encode, Decode)]
#[cbor(transparent)]
pub struct RowId(#[n(0)] pub i64);

/// The identity of an alarm: a hash of tenant, resource, alarm type and qualifier (RFC 8632's key).
/// Severity, text and times are never part of it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Encode, Decode)]
#[cbor(transparent)]
pub struct AlarmKey(#[cbor(n(0), with = "minicbor::bytes")] pub [u8; 16]);

impl AlarmKey {
    /// The key of one alarm type on one resource. `resource` is [`super::resource::Resource::canonical`].
    #[must_use]
    pub fn new(tenant: &str, resource: &str, type_id: &str, qualifier: &str) -> Self {
        let mut hasher = xxhash_rust::xxh3::Xxh3::new();
        for (i, part) in [tenant, resource, type_id, qualifier].into_iter().enumerate() {
            if i > 0 {
                hasher.update(&[0]);
            }
            hasher.update(part.as_bytes());
        }
        Self(hasher.digest128().to_be_bytes())
    }

    /// Parses the 32 hexadecimal digits that [`fmt::Display`] prints.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        if text.len() != 32 || !text.is_ascii() {
            return None;
        }
        u128::from_str_radix(text, 16).ok().map(|n| Self(n.to_be_bytes()))
    }
}

impl fmt::Display for AlarmKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", u128::from_be_bytes(self.0))
    }
}

impl fmt::Debug for AlarmKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "AlarmKey({self})")
    }
}

/// The identity of one operator action (UUIDv7: sorts by time).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Encode, Decode)]
#[cbor(transparent)]
pub struct ActionId(#[cbor(n(0), with = "minicbor::bytes")] pub [u8; 16]);

impl fmt::Display for ActionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        uuid::Uuid::from_bytes(self.0).fmt(f)
    }
}

/// CBOR form of a [`SourceName`]: text.
pub mod cbor_name {
    use minicbor::decode::{Decoder, Error as DecodeError};
    use minicbor::encode::{Encoder, Error as EncodeError, Write};

    use super::SourceName;

    /// Writes the name as text.
    ///
    /// # Errors
    /// Those of the writer.
    pub fn encode<C, W: Write>(name: &SourceName, e: &mut Encoder<W>, _: &mut C) -> Result<(), EncodeError<W::Error>> {
        e.str(name)?.ok()
    }

    /// Reads the name from text.
    ///
    /// # Errors
    /// When it is no text.
    pub fn decode<C>(d: &mut Decoder<'_>, _: &mut C) -> Result<SourceName, DecodeError> {
        d.str().map(SourceName::from)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_of_a_key_do_not_run_together() {
        assert_ne!(AlarmKey::new("", "ab", "c", ""), AlarmKey::new("", "a", "bc", ""));
        let key = AlarmKey::new("t", "r", "type", "");
        assert_eq!(AlarmKey::parse(&key.to_string()), Some(key));
        assert_eq!(AlarmKey::parse("xyz"), None);
    }
}
