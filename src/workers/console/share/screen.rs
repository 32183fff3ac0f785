//! What is shared of a machine's screen: the picture as it is now, and what its holder of control does
//! with keys and the pointer.

use std::sync::Arc;

use crate::controllers::vnc::{Area, Buttons, Input};
use crate::model::console::Picture;
use crate::model::text::clean;

use super::hub::{Hub, Outbox, Subject};
use super::keys::{Key, held};
use super::wire::{MOST_WORDS, Say, Tell};

/// Bytes of a text that is typed into a guest at most: every character is a key.
pub(in crate::workers::console) const MOST_TYPED: usize = 4096;
/// Bytes of what a guest has on its clipboard that are passed on at most.
const MOST_CLIPBOARD: usize = 64 << 10;

/// What a screen shows.
#[derive(Debug)]
pub(in crate::workers::console) struct Shown {
    title: String,
    picture: Option<Arc<Picture>>,
}

impl Shown {
    /// Nothing yet; `title` is what the server calls it.
    pub(in crate::workers::console) fn new(title: &str) -> Self {
        Self { title: clean(title).chars().take(MOST_WORDS).collect(), picture: None }
    }
}

impl Subject for Shown {
    type Now = ();
    type Input = Input;

    fn show(&self, out: &Outbox, (): &(), _knows: bool) -> bool {
        if let Some(picture) = &self.picture {
            out.picture.whole(picture);
        }
        out.say(&Tell::Title(self.title.clone()))
    }

    fn heard(say: Say) -> Option<Input> {
        Some(match say {
            Say::Stroke { key, held } => Input::Stroke(key.stroke(held)?),
            Say::Combination(name) if name.len() <= MOST_WORDS => Input::Combination(name),
            Say::Text(text) if text.len() <= MOST_TYPED => Input::Type(text),
            Say::Pointer { x, y, buttons } => Input::Pointer { x, y, buttons: Buttons(buttons) },
            Say::Desktop { width, height } => Input::Size { width: width.max(1), height: height.max(1) },
            _ => return None,
        })
    }

    fn said(input: Input) -> Vec<Say> {
        vec![match input {
            Input::Stroke(stroke) => Say::Stroke { key: Key::of(stroke.key), held: held(stroke) },
            Input::Combination(name) => Say::Combination(name),
            Input::Type(text) => Say::Text(text),
            Input::Pointer { x, y, buttons } => Say::Pointer { x, y, buttons: buttons.0 },
            Input::Size { width, height } => Say::Desktop { width, height },
            // None of these is an operator's.
            Input::Key(_) | Input::Clipboard(_) | Input::LetGo => return Vec::new(),
        }]
    }
}

impl Hub<Shown> {
    /// The machine has drawn.
    pub(in crate::workers::console) fn drawn(&mut self, picture: &Arc<Picture>, damage: &[Area]) {
        for peer in self.peers.values() {
            peer.out.picture.drawn(picture, damage);
        }
        self.subject.picture = Some(Arc::clone(picture));
    }

    /// The machine rang; whether it is for us to hear.
    pub(in crate::workers::console) fn rang(&self) -> bool {
        self.aside(&Tell::Bell)
    }

    /// The machine put a text on its clipboard; whether it is for us.
    pub(in crate::workers::console) fn copied(&self, text: &str) -> bool {
        if text.len() > MOST_CLIPBOARD {
            let kib = MOST_CLIPBOARD >> 10;
            return self.aside(&Tell::Note(format!("its clipboard holds more than {kib} KiB, which is not passed on")));
        }
        self.aside(&Tell::Clipboard(text.to_owned()))
    }

    /// Something to tell to who has control; whether that is us.
    pub(in crate::workers::console) fn told(&self, words: &str) -> bool {
        self.aside(&Tell::Note(words.to_owned()))
    }
}
