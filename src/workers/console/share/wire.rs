//! What travels between the noctule that has a console and those that look at it: CBOR in frames with
//! their length in front, as between processes on one cache. Field numbers are the protocol: append,
//! never renumber. At the other end is another user: whatever comes is bounded, and nobody's word.

use std::fmt;

use bytes::Bytes;
use minicbor::{Decode, Encode};
use tokio_util::codec::LengthDelimitedCodec;

use crate::model::console::Presence;
use crate::model::text;
use crate::workers::relay::wire::pack;

use super::keys::Key;

/// The version of what is said here. Both ends have to speak the same. What was appended for screens is
/// said over screens only, which older ones do not share: they still meet over lines.
pub(super) const PROTOCOL: u16 = 1;
/// The longest frame, bytes.
pub(super) const MAX_FRAME: usize = 256 << 10;
/// Bytes of output in a frame at most, and of what is typed at once.
pub(super) const MOST_BYTES: usize = 64 << 10;
/// Characters of a name that are shown.
const MOST_NAME: usize = 40;
/// Characters of other words.
pub(super) const MOST_WORDS: usize = 300;

/// Said to the noctule that has the console.
#[derive(Clone, PartialEq, Eq, Encode, Decode)]
pub(in crate::workers::console) enum Say {
    /// The first frame.
    #[n(0)]
    Hello {
        /// [`PROTOCOL`] of who comes.
        #[n(0)]
        protocol: u16,
        /// What it calls itself; who it is, is asked of the kernel.
        #[n(1)]
        name: String,
        /// The console that it wants: the socket's name is only short for it.
        #[n(2)]
        console: String,
        /// It never types.
        #[n(3)]
        looks_only: bool,
        /// It has shown the console before: what is on the screen is enough.
        #[n(4)]
        knows: bool,
    },
    /// It asks for control, or gives it back.
    #[n(1)]
    Control(#[n(0)] bool),
    /// Control goes to whoever asks for it.
    #[n(2)]
    HandOver,
    /// Bytes for the guest.
    #[n(3)]
    Input(
        #[n(0)]
        #[cbor(with = "minicbor::bytes")]
        Vec<u8>,
    ),
    /// The terminal has another size from now on.
    #[n(4)]
    Size {
        /// Rows.
        #[n(0)]
        rows: u16,
        /// Columns.
        #[n(1)]
        columns: u16,
    },
    /// A key.
    #[n(5)]
    Stroke {
        /// Which.
        #[n(0)]
        key: Key,
        /// What is held with it, as bits.
        #[n(1)]
        held: u8,
    },
    /// A combination of keys, by its name.
    #[n(6)]
    Combination(#[n(0)] String),
    /// A text, key by key.
    #[n(7)]
    Text(#[n(0)] String),
    /// The pointer, in pixels of the picture.
    #[n(8)]
    Pointer {
        /// From the left.
        #[n(0)]
        x: u16,
        /// From the top.
        #[n(1)]
        y: u16,
        /// Held, as bits.
        #[n(2)]
        buttons: u8,
    },
    /// The desktop gets another size.
    #[n(9)]
    Desktop {
        /// Pixels.
        #[n(0)]
        width: u16,
        /// Pixels.
        #[n(1)]
        height: u16,
    },
}

impl fmt::Debug for Say {
    /// What is typed may be a password.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Hello { protocol, name, looks_only, .. } => {
                write!(f, "Hello({protocol}, {name:?}, looks only: {looks_only})")
            }
            Self::Control(on) => write!(f, "Control({on})"),
            Self::HandOver => f.write_str("HandOver"),
            Self::Input(bytes) => write!(f, "Input({} bytes)", bytes.len()),
            Self::Size { rows, columns } => write!(f, "Size({rows}, {columns})"),
            Self::Stroke { .. } => f.write_str("Stroke"),
            Self::Combination(name) => write!(f, "Combination({} bytes)", name.len()),
            Self::Text(text) => write!(f, "Text({} bytes)", text.len()),
            Self::Pointer { x, y, .. } => write!(f, "Pointer({x}, {y})"),
            Self::Desktop { width, height } => write!(f, "Desktop({width}, {height})"),
        }
    }
}

/// Said by the noctule that has the console.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub(in crate::workers::console) enum Tell {
    /// The answer to [`Say::Hello`], in all versions the same.
    #[n(0)]
    Welcome {
        /// [`PROTOCOL`] of who answers.
        #[n(0)]
        protocol: u16,
    },
    /// Nothing comes of it, and why.
    #[n(1)]
    Refused(#[n(0)] String),
    /// Output from before: it rings no bells.
    #[n(2)]
    Past(
        #[n(0)]
        #[cbor(with = "minicbor::bytes")]
        Vec<u8>,
    ),
    /// Output as it comes.
    #[n(3)]
    Output(
        #[n(0)]
        #[cbor(with = "minicbor::bytes")]
        Vec<u8>,
    ),
    /// What follows is for a terminal of this size.
    #[n(4)]
    Size {
        /// Rows.
        #[n(0)]
        rows: u16,
        /// Columns.
        #[n(1)]
        columns: u16,
    },
    /// Who looks and who types.
    #[n(5)]
    Presence(#[n(0)] Here),
    /// Words for who gets this.
    #[n(6)]
    Note(#[n(0)] String),
    /// The console itself has ended: nothing is there to be taken over.
    #[n(7)]
    Ended(#[n(0)] String),
    /// A picture of this size begins, black.
    #[n(8)]
    Picture {
        /// Pixels.
        #[n(0)]
        width: u16,
        /// Pixels.
        #[n(1)]
        height: u16,
    },
    /// A part of the picture.
    #[n(9)]
    Part {
        /// From the left.
        #[n(0)]
        x: u16,
        /// From the top.
        #[n(1)]
        y: u16,
        /// Pixels.
        #[n(2)]
        width: u16,
        /// Pixels.
        #[n(3)]
        height: u16,
        /// Three bytes a pixel, row by row, compressed.
        #[n(4)]
        #[cbor(with = "minicbor::bytes")]
        zlib: Vec<u8>,
    },
    /// All that changed has come: this is what is shown.
    #[n(10)]
    Shown,
    /// What the screen is called.
    #[n(11)]
    Title(#[n(0)] String),
    /// The machine rang; for who has control.
    #[n(12)]
    Bell,
    /// A text that the machine has on its clipboard; for who has control.
    #[n(13)]
    Clipboard(#[n(0)] String),
}

/// Who looks and who types, for one of them.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub(in crate::workers::console) struct Here {
    /// Names, in the order they came.
    #[n(0)]
    pub(super) viewers: Vec<String>,
    /// Who types.
    #[n(1)]
    pub(super) control: Option<String>,
    /// Whether that is who gets this.
    #[n(2)]
    pub(super) yours: bool,
    /// Who asks for control.
    #[n(3)]
    pub(super) wants: Option<String>,
}

impl From<Here> for Presence {
    fn from(here: Here) -> Self {
        Self {
            viewers: here.viewers.iter().map(|n| name(n)).collect(),
            control: here.control.map(|n| name(&n)),
            ours: here.yours,
            wants: here.wants.map(|n| name(&n)),
        }
    }
}

/// A name from outside, as it may be shown.
pub(super) fn name(from: &str) -> String {
    let name: String = text::clean(from).chars().take(MOST_NAME).collect();
    name.trim().to_owned()
}

/// Other words from outside, as they may be shown.
pub(super) fn words(from: &str) -> String {
    text::clean(from).chars().take(MOST_WORDS).collect()
}

/// Frames of bounded length.
pub(super) fn codec() -> LengthDelimitedCodec {
    LengthDelimitedCodec::builder().max_frame_length(MAX_FRAME).new_codec()
}

/// Bytes as frames, each made by `of`.
pub(super) fn frames(bytes: &[u8], of: fn(Vec<u8>) -> Tell) -> impl Iterator<Item = Bytes> {
    bytes.chunks(MOST_BYTES).filter_map(move |chunk| pack(&of(chunk.to_vec())))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::workers::relay::wire::unpack;

    fn bytes() -> impl Strategy<Value = Vec<u8>> {
        prop::collection::vec(any::<u8>(), 0..200)
    }

    fn key() -> impl Strategy<Value = Key> {
        prop_oneof![any::<char>().prop_map(Key::Char), any::<u8>().prop_map(Key::F), any::<u8>().prop_map(Key::Named)]
    }

    fn say() -> impl Strategy<Value = Say> {
        prop_oneof![
            (any::<u16>(), ".{0,50}", ".{0,50}", any::<bool>(), any::<bool>()).prop_map(
                |(protocol, name, console, looks_only, knows)| Say::Hello {
                    protocol,
                    name,
                    console,
                    looks_only,
                    knows
                }
            ),
            any::<bool>().prop_map(Say::Control),
            Just(Say::HandOver),
            bytes().prop_map(Say::Input),
            (any::<u16>(), any::<u16>()).prop_map(|(rows, columns)| Say::Size { rows, columns }),
            (key(), any::<u8>()).prop_map(|(key, held)| Say::Stroke { key, held }),
            ".{0,50}".prop_map(Say::Combination),
            ".{0,50}".prop_map(Say::Text),
            (any::<u16>(), any::<u16>(), any::<u8>()).prop_map(|(x, y, buttons)| Say::Pointer { x, y, buttons }),
            (any::<u16>(), any::<u16>()).prop_map(|(width, height)| Say::Desktop { width, height }),
        ]
    }

    fn tell() -> impl Strategy<Value = Tell> {
        let names = prop::collection::vec(".{0,20}", 0..5);
        let name = || prop::option::of(".{0,20}");
        prop_oneof![
            any::<u16>().prop_map(|protocol| Tell::Welcome { protocol }),
            ".{0,50}".prop_map(Tell::Refused),
            bytes().prop_map(Tell::Past),
            bytes().prop_map(Tell::Output),
            (any::<u16>(), any::<u16>()).prop_map(|(rows, columns)| Tell::Size { rows, columns }),
            (names, name(), any::<bool>(), name()).prop_map(|(viewers, control, yours, wants)| {
                Tell::Presence(Here { viewers, control, yours, wants })
            }),
            ".{0,50}".prop_map(Tell::Note),
            ".{0,50}".prop_map(Tell::Ended),
            (any::<u16>(), any::<u16>()).prop_map(|(width, height)| Tell::Picture { width, height }),
            (any::<[u16; 4]>(), bytes()).prop_map(|([x, y, width, height], zlib)| Tell::Part {
                x,
                y,
                width,
                height,
                zlib
            }),
            Just(Tell::Shown),
            ".{0,50}".prop_map(Tell::Title),
            Just(Tell::Bell),
            ".{0,50}".prop_map(Tell::Clipboard),
        ]
    }

    proptest! {
        #[test]
        fn what_is_said_arrives(say in say(), tell in tell()) {
            prop_assert_eq!(unpack::<Say>(&pack(&say).unwrap()), Some(say));
            prop_assert_eq!(unpack::<Tell>(&pack(&tell).unwrap()), Some(tell));
        }

        #[test]
        fn hostile_bytes_are_no_message_and_no_panic(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
            let _: (Option<Say>, Option<Tell>) = (unpack(&bytes), unpack(&bytes));
        }

        #[test]
        fn a_damaged_message_is_another_one_or_none(tell in tell(), at in any::<prop::sample::Index>(), bit in 0..8) {
            let mut frame = pack(&tell).unwrap().to_vec();
            let at = at.index(frame.len());
            frame[at] ^= 1_u8 << bit;
            let read: Option<Tell> = unpack(&frame);
            if let Some(Tell::Presence(here)) = read {
                let shown = Presence::from(here);
                let names = shown.viewers.iter().chain(&shown.control).chain(&shown.wants);
                prop_assert!(names.flat_map(|n| n.chars()).all(|c| !c.is_control()));
            }
        }

        #[test]
        fn output_is_cut_into_frames_that_fit(bytes in prop::collection::vec(any::<u8>(), 0..200_000)) {
            let mut all = Vec::new();
            for frame in frames(&bytes, Tell::Output) {
                prop_assert!(frame.len() <= MAX_FRAME);
                let Some(Tell::Output(part)) = unpack(&frame) else { panic!("no output") };
                all.extend(part);
            }
            prop_assert_eq!(all, bytes);
        }
    }

    #[test]
    fn what_is_typed_is_not_shown() {
        let shown = format!("{:?}", Say::Input(b"s3cret".to_vec()));
        assert_eq!(shown, "Input(6 bytes)");
        let stroke = Say::Stroke { key: Key::Char('s'), held: 0 };
        assert_eq!(format!("{:?} {stroke:?}", Say::Text("s3cret".into())), "Text(6 bytes) Stroke");
    }
}
