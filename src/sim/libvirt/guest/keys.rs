//! Keys as a keyboard has them, turned into the bytes that a console reads: X11 symbols from VNC, Linux
//! key codes from libvirt.

/// X11 symbols of the keys that hold others.
const SHIFTS: [u32; 2] = [0xffe1, 0xffe2];
const CONTROLS: [u32; 2] = [0xffe3, 0xffe4];
const ALTS: [u32; 4] = [0xffe7, 0xffe8, 0xffe9, 0xffea];

/// The keys that are held down at a screen.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Held {
    control: bool,
    alt: bool,
}

/// What a key at a screen comes to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Key {
    Bytes(Vec<u8>),
    /// Control-Alt-Delete.
    Restart,
}

/// A key goes down or up (X11 symbol).
pub(crate) fn keysym(held: &mut Held, symbol: u32, down: bool) -> Option<Key> {
    if SHIFTS.contains(&symbol) {
        return None;
    }
    if CONTROLS.contains(&symbol) {
        held.control = down;
        return None;
    }
    if ALTS.contains(&symbol) {
        held.alt = down;
        return None;
    }
    if !down {
        return None;
    }
    let bytes: &[u8] = match symbol {
        0xff08 => b"\x7f",
        0xff09 => b"\t",
        0xff0d | 0xff8d => b"\r",
        0xff1b => b"\x1b",
        0xffff if held.control && held.alt => return Some(Key::Restart),
        0xffff => b"\x1b[3~",
        0xff50 => b"\x1b[1~",
        0xff51 => b"\x1b[D",
        0xff52 => b"\x1b[A",
        0xff53 => b"\x1b[C",
        0xff54 => b"\x1b[B",
        0xff57 => b"\x1b[4~",
        0x20..=0x7e => {
            let byte = symbol as u8;
            let byte = if held.control { byte & 0x1f } else { byte };
            return Some(Key::Bytes(vec![byte]));
        }
        0xa0..=0xff => return char::from_u32(symbol).map(|c| Key::Bytes(c.to_string().into_bytes())),
        _ => return None,
    };
    Some(Key::Bytes(bytes.to_vec()))
}

/// Rows of a keyboard by their Linux codes, without and with shift.
const ROWS: [(u32, &[u8], &[u8]); 4] = [
    (2, b"1234567890-=", b"!@#$%^&*()_+"),
    (16, b"qwertyuiop[]", b"QWERTYUIOP{}"),
    (30, b"asdfghjkl;'`", b"ASDFGHJKL:\"~"),
    (43, b"\\zxcvbnm,./", b"|ZXCVBNM<>?"),
];

/// Keys that are pressed at once (Linux codes).
pub(crate) fn keycodes(codes: &[u32]) -> Option<Key> {
    let on = |any: &[u32]| codes.iter().any(|code| any.contains(code));
    let (control, alt, shift) = (on(&[29, 97]), on(&[56, 100]), on(&[42, 54]));
    if control && alt && on(&[111]) {
        return Some(Key::Restart);
    }
    let key = codes.iter().find(|code| ![29, 97, 56, 100, 42, 54].contains(*code))?;
    let bytes: &[u8] = match key {
        1 => b"\x1b",
        14 => b"\x7f",
        15 => b"\t",
        28 | 96 => b"\r",
        57 => b" ",
        103 => b"\x1b[A",
        105 => b"\x1b[D",
        106 => b"\x1b[C",
        108 => b"\x1b[B",
        111 => b"\x1b[3~",
        _ => {
            let (from, plain, shifted) = ROWS.iter().rev().find(|(from, ..)| key >= from)?;
            let row = if shift { shifted } else { plain };
            let byte = *row.get((key - from) as usize)?;
            let byte = if control { byte & 0x1f } else { byte };
            return Some(Key::Bytes(vec![byte]));
        }
    };
    Some(Key::Bytes(bytes.to_vec()))
}
