//! Echo requests and answers as bytes (RFC 792, RFC 4443). What is read here was sent by anybody.

/// An echo message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Echo<'a> {
    /// Whether it is an answer; a request otherwise.
    pub reply: bool,
    /// Identifier.
    pub id: u16,
    /// Sequence number.
    pub seq: u16,
    /// What is behind the header.
    pub payload: &'a [u8],
}

const HEADER: usize = 8;

/// An echo request. The checksum of ICMPv6 is left to the kernel, which alone knows both addresses.
#[must_use]
pub fn request(v6: bool, id: u16, seq: u16, payload: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(HEADER + payload.len());
    out.extend([if v6 { 128 } else { 8 }, 0, 0, 0]);
    out.extend(id.to_be_bytes());
    out.extend(seq.to_be_bytes());
    out.extend(payload);
    if !v6 {
        let sum = checksum(&out).to_be_bytes();
        if let Some(field) = out.get_mut(2..4) {
            field.copy_from_slice(&sum);
        }
    }
    out
}

/// Reads an echo message; `None` for everything else.
#[must_use]
pub fn read(v6: bool, bytes: &[u8]) -> Option<Echo<'_>> {
    let (head, payload) = bytes.split_at_checked(HEADER)?;
    let &[kind, code, _, _, id_high, id_low, seq_high, seq_low] = head else { return None };
    let reply = match (v6, kind, code) {
        (false, 0, 0) | (true, 129, 0) => true,
        (false, 8, 0) | (true, 128, 0) => false,
        _ => return None,
    };
    let (id, seq) = (u16::from_be_bytes([id_high, id_low]), u16::from_be_bytes([seq_high, seq_low]));
    Some(Echo { reply, id, seq, payload })
}

/// What is behind the header of an IPv4 packet, as raw sockets give it, with the hop limit in it.
#[must_use]
pub fn behind_ipv4(packet: &[u8]) -> Option<(u8, &[u8])> {
    let (version, header) = packet.first().map(|b| (b >> 4, usize::from(b & 15) * 4))?;
    if version != 4 || header < 20 {
        return None;
    }
    Some((*packet.get(8)?, packet.get(header..)?))
}

/// The Internet checksum (RFC 1071).
#[must_use]
pub fn checksum(bytes: &[u8]) -> u16 {
    let word = |pair: &[u8]| {
        u64::from(u16::from_be_bytes([pair.first().copied().unwrap_or(0), pair.get(1).copied().unwrap_or(0)]))
    };
    let mut sum: u64 = bytes.chunks(2).map(word).sum();
    while sum > 0xffff {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    !(sum as u16)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_known_request_has_its_known_checksum() {
        let bytes = request(false, 0x1234, 1, b"abcdefgh");
        assert_eq!(bytes[..8], [8, 0, 0x54, 0x35, 0x12, 0x34, 0, 1]);
        assert_eq!(checksum(&bytes), 0, "a message with its checksum sums to nothing");
        assert_eq!(request(true, 1, 2, b"")[..4], [128, 0, 0, 0]);
    }

    proptest! {
        #[test]
        fn requests_are_read_back(v6: bool, id: u16, seq: u16, payload in proptest::collection::vec(any::<u8>(), 0..200)) {
            let bytes = request(v6, id, seq, &payload);
            prop_assert_eq!(read(v6, &bytes), Some(Echo { reply: false, id, seq, payload: &payload }));
            prop_assert!(read(!v6, &bytes).is_none());
            if !v6 {
                prop_assert_eq!(checksum(&bytes), 0);
            }
        }

        #[test]
        fn no_bytes_panic(v6: bool, bytes in proptest::collection::vec(any::<u8>(), 0..64)) {
            if let Some(echo) = read(v6, &bytes) {
                prop_assert_eq!(echo.payload.len() + HEADER, bytes.len());
            }
            if let Some((_, rest)) = behind_ipv4(&bytes) {
                prop_assert!(rest.len() + 20 <= bytes.len());
            }
        }
    }
}
