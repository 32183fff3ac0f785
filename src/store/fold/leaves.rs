//! Kept parameters of a device as stored: a flat CBOR sequence of path number, kind, time, value.

use minicbor::{Decoder, Encoder};

use crate::model::cpe::{Leaf, LeafKind};
use crate::model::time::{SECOND, Ts};

/// Set in the kind of a parameter that can be set.
const WRITABLE: u8 = 0x80;

/// Packs parameters; each with the number of its path.
pub(crate) fn pack<'a>(leaves: impl Iterator<Item = (u32, &'a Leaf)>) -> Vec<u8> {
    let mut out = Encoder::new(Vec::new());
    for (path, leaf) in leaves {
        let flags = leaf.kind as u8 | if leaf.writable { WRITABLE } else { 0 };
        // Writing to a vector cannot fail.
        let _ = out
            .u32(path)
            .and_then(|e| e.u8(flags))
            .and_then(|e| e.i64(leaf.at.0.div_euclid(SECOND)))
            .and_then(|e| e.str(&leaf.value));
    }
    out.into_writer()
}

/// One parameter of the packed form.
pub(crate) struct Packed<'a> {
    /// Number of its path.
    pub path: u32,
    flags: u8,
    at: i64,
    /// Its value.
    pub value: &'a str,
}

impl Packed<'_> {
    /// The parameter under its path.
    pub(crate) fn leaf(&self, path: String) -> Leaf {
        let kind = match self.flags & !WRITABLE {
            1 => LeafKind::Number,
            2 => LeafKind::Bool,
            3 => LeafKind::Time,
            _ => LeafKind::Text,
        };
        let writable = self.flags & WRITABLE != 0;
        Leaf { path, value: self.value.to_owned(), kind, at: Ts(self.at * SECOND), writable }
    }
}

/// The parameters, one by one, until the bytes end or cannot be read.
pub(crate) fn unpack(bytes: &[u8]) -> impl Iterator<Item = Packed<'_>> {
    let mut decoder = Decoder::new(bytes);
    std::iter::from_fn(move || {
        Some(Packed {
            path: decoder.u32().ok()?,
            flags: decoder.u8().ok()?,
            at: decoder.i64().ok()?,
            value: decoder.str().ok()?,
        })
    })
}

/// The value under a path number.
pub(crate) fn find(bytes: &[u8], path: u32) -> Option<&str> {
    unpack(bytes).find(|l| l.path == path).map(|l| l.value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_packed_comes_back() {
        let leaf = |value: &str, kind, writable| Leaf {
            path: "P".to_owned(),
            value: value.to_owned(),
            kind,
            at: Ts(7 * SECOND),
            writable,
        };
        let all =
            [leaf("a", LeafKind::Text, true), leaf("-3", LeafKind::Number, false), leaf("", LeafKind::Time, true)];
        let bytes = pack((1..).zip(&all));
        let back: Vec<Leaf> = unpack(&bytes).map(|l| l.leaf("P".to_owned())).collect();
        assert_eq!(back, all);
        assert_eq!((find(&bytes, 2), find(&bytes, 9)), (Some("-3"), None));
        assert_eq!(unpack(&[0xff, 0x00]).count(), 0, "damage ends the list");
    }
}
