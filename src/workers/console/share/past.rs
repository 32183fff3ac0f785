//! What a console printed, for who comes later: the newest output as it came, behind a drawing of the
//! screen as it was before, so that a terminal that reads both shows what ours shows.

use crate::engine::emulator::Emulator;

/// Bytes of output after which a new drawing is made; twice as much is kept at most.
const STRETCH: usize = 128 << 10;

/// Output since a drawing.
#[derive(Debug, Default)]
struct Stretch {
    drawn: Vec<u8>,
    output: Vec<u8>,
}

/// The newest output.
#[derive(Debug)]
pub(in crate::workers::console) struct Past {
    old: Option<Stretch>,
    new: Stretch,
    most: usize,
}

impl Past {
    /// From what a terminal shows now; of a blank one that is nothing.
    pub(in crate::workers::console) fn new(emulator: &Emulator) -> Self {
        Self::with(emulator, STRETCH)
    }

    fn with(emulator: &Emulator, most: usize) -> Self {
        let new = Stretch { drawn: emulator.redraw().unwrap_or_default(), ..Stretch::default() };
        Self { old: None, new, most }
    }

    /// Output that `emulator` has read just now.
    pub(super) fn output(&mut self, bytes: &[u8], emulator: &Emulator) {
        self.new.output.extend_from_slice(bytes);
        // Twice the stretch without an end of a sequence is no output that anybody reads.
        let cut = (self.new.output.len() > self.most).then(|| emulator.redraw());
        match cut {
            Some(Some(drawn)) => {
                let new = Stretch { drawn, ..Stretch::default() };
                self.old = Some(std::mem::replace(&mut self.new, new));
            }
            Some(None) if self.new.output.len() > self.most * 2 => {
                self.old = None;
                self.new = Stretch::default();
            }
            _ => {}
        }
    }

    /// The terminal has another size: what was printed for the old one is not shown on it again.
    pub(super) fn resized(&mut self, emulator: &Emulator) {
        *self = Self::with(emulator, self.most);
    }

    /// All of it, in pieces.
    pub(super) fn pieces(&self) -> impl Iterator<Item = &[u8]> {
        let drawn = self.old.as_ref().unwrap_or(&self.new);
        let output = self.old.iter().chain([&self.new]).map(|stretch| stretch.output.as_slice());
        std::iter::once(drawn.drawn.as_slice()).chain(output)
    }

    #[cfg(test)]
    fn len(&self) -> usize {
        self.pieces().map(<[u8]>::len).sum()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::engine::emulator::Limits;

    fn small() -> Emulator {
        Emulator::new(Limits { rows: 4, columns: 12, ..Limits::default() })
    }

    proptest! {
        #[test]
        fn who_comes_later_sees_the_same(
            pieces in prop::collection::vec("([ -~]|\r\n|\x1b\\[[0-9]{0,2}m|\x1b\\[2J|\x1b\\[H|é){0,12}", 0..40),
            most in 8_usize..200,
        ) {
            let mut ours = small();
            let mut past = Past::with(&ours, most);
            for piece in pieces {
                let bytes = piece.into_bytes();
                let _ = ours.feed(&bytes);
                past.output(&bytes, &ours);
                prop_assert!(past.len() < most * 3 + 4096, "it is bounded: {}", past.len());
            }
            let mut theirs = small();
            past.pieces().for_each(|piece| drop(theirs.feed(piece)));
            prop_assert_eq!(theirs.screen(0).text(), ours.screen(0).text());
            prop_assert_eq!(theirs.screen(0).cells, ours.screen(0).cells);
        }

        #[test]
        fn it_is_bounded_whatever_comes(pieces in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..60), 0..60)) {
            let mut ours = small();
            let mut past = Past::with(&ours, 100);
            for piece in pieces {
                let _ = ours.feed(&piece);
                past.output(&piece, &ours);
                prop_assert!(past.new.output.len() <= 260 && past.old.as_ref().is_none_or(|old| old.output.len() <= 260));
            }
        }
    }
}
