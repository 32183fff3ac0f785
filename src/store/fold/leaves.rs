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

/// The value under a path number: what filters look for in every device of a fleet, so the others
/// are stepped over without being looked at.
pub(crate) fn find(bytes: &[u8], path: u32) -> Option<&str> {
    let mut rest = bytes;
    loop {
        let (number, _flags, _at) = (head(&mut rest)?.1, head(&mut rest)?, head(&mut rest)?);
        let (TEXT, length) = head(&mut rest)? else { return None };
        let (value, behind) = rest.split_at_checked(usize::try_from(length).ok()?)?;
        if number == u64::from(path) {
            return std::str::from_utf8(value).ok();
        }
        rest = behind;
    }
}

/// CBOR's major type of text.
const TEXT: u8 = 3;

/// The head of a CBOR item, taken off: major type, and number or length.
fn head(rest: &mut &[u8]) -> Option<(u8, u64)> {
    let (first, mut behind) = rest.split_first()?;
    let short = first & 0x1f;
    let number = match short {
        0..=23 => u64::from(short),
        24..=27 => {
            let (bytes, after) = behind.split_at_checked(1 << (short - 24))?;
            behind = after;
            bytes.iter().fold(0, |n, byte| n << 8 | u64::from(*byte))
        }
        _ => return None,
    };
    *rest = behind;
    Some((first >> 5, number))
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
        assert_eq!(find(&[0xff, 0x00], 0), None);
    }

    #[test]
    fn what_is_found_is_what_is_unpacked() {
        let mut random = fastrand::Rng::with_seed(11);
        for _ in 0..500 {
            let leaf = |random: &mut fastrand::Rng| Leaf {
                path: "P".to_owned(),
                value: "ä".repeat(random.usize(0..300)),
                kind: LeafKind::Text,
                at: Ts(random.i64(-SECOND * 100_000..i64::MAX / 2)),
                writable: random.bool(),
            };
            let all: Vec<Leaf> = (0..random.usize(0..9)).map(|_| leaf(&mut random)).collect();
            let numbers: Vec<u32> = all.iter().map(|_| random.u32(..) >> random.u32(0..32)).collect();
            let mut bytes = pack(numbers.iter().copied().zip(&all));
            for path in numbers.iter().copied().chain([7]) {
                let first = unpack(&bytes).find(|l| l.path == path).map(|l| l.value);
                assert_eq!(find(&bytes, path), first);
            }
            // Whatever is damaged, it ends.
            for _ in 0..20 {
                if let Some(byte) = random.choice(bytes.iter_mut()) {
                    *byte = random.u8(..);
                }
                let _ = find(&bytes, 7);
            }
        }
    }
}
