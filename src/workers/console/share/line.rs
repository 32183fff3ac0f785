//! What is shared of a serial line: what it printed and prints, byte by byte.

use bytes::Bytes;

use crate::engine::emulator::{Emulator, MOST_COLUMNS, MOST_ROWS};

use super::hub::{Hub, Outbox, Subject};
use super::past::Past;
use super::wire::{MOST_BYTES, Say, Tell, frames};

/// What is done to a line.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::workers::console) enum Typed {
    /// Bytes for the guest.
    Bytes(Bytes),
    /// The terminal gets so many rows and columns.
    Size(u16, u16),
}

impl Subject for Past {
    type Now = Emulator;
    type Input = Typed;

    fn show(&self, out: &Outbox, emulator: &Emulator, knows: bool) -> bool {
        let (rows, columns) = emulator.size();
        let screen = if knows { emulator.redraw() } else { None };
        let pieces: Vec<&[u8]> = screen.as_ref().map_or_else(|| self.pieces().collect(), |s| vec![s.as_slice()]);
        // Whatever sequence the peer's terminal is in the middle of is given up.
        let pieces = std::iter::once(&b"\x18"[..]).chain(pieces);
        out.say(&Tell::Size { rows, columns })
            && pieces.flat_map(|piece| frames(piece, Tell::Past)).all(|frame| out.push(frame))
    }

    fn heard(say: Say) -> Option<Typed> {
        match say {
            Say::Input(bytes) if bytes.len() <= MOST_BYTES => Some(Typed::Bytes(bytes.into())),
            Say::Size { rows, columns } => Some(Typed::Size(rows.clamp(1, MOST_ROWS), columns.clamp(1, MOST_COLUMNS))),
            _ => None,
        }
    }

    fn said(input: Typed) -> Vec<Say> {
        match input {
            Typed::Bytes(bytes) => bytes.chunks(MOST_BYTES).map(|part| Say::Input(part.to_vec())).collect(),
            Typed::Size(rows, columns) => vec![Say::Size { rows, columns }],
        }
    }
}

impl Hub<Past> {
    /// Output of the guest that `emulator` has read just now.
    pub(in crate::workers::console) fn output(&mut self, bytes: &[u8], emulator: &Emulator) {
        self.subject.output(bytes, emulator);
        if self.peers.values().any(|peer| !peer.behind) {
            for frame in frames(bytes, Tell::Output) {
                for peer in self.peers.values_mut().filter(|peer| !peer.behind) {
                    peer.behind = !peer.out.push(frame.clone());
                }
            }
        }
        // What these see of the emulator has this output in it.
        self.catch_up(emulator);
    }

    /// The terminal has another size.
    pub(in crate::workers::console) fn resized(&mut self, emulator: &Emulator) {
        self.subject.resized(emulator);
        let (rows, columns) = emulator.size();
        for peer in self.peers.values_mut().filter(|peer| !peer.behind) {
            peer.behind = !peer.out.say(&Tell::Size { rows, columns });
        }
    }
}
