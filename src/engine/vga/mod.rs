//! The text that a picture of a VGA console shows. A machine without a graphical driver shows
//! characters, and a picture of them is of little use in a terminal: its cells are matched with the
//! fonts that such consoles have, and what comes out is text with colours that can be read, searched
//! and copied.
//!
//! A cell that matches no shape exactly is a character under a cursor, or a few pixels off, or is shown
//! as `�`; a picture with many such cells is none of text.

mod cut;
pub mod font;
pub mod palette;
mod read;
pub mod render;
pub mod shot;
#[cfg(test)]
mod tests;

use std::sync::Arc;

pub use read::Reader;

use crate::model::console::{Picture, Screen};

/// Text that a picture shows.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Recovered {
    /// The text.
    pub screen: Screen,
    /// What kind of cells it is made of.
    pub mode: render::Mode,
    /// Cells, blank ones aside, that are exactly a character of a font.
    pub exact: u32,
    /// Cells that nearly are.
    pub near: u32,
    /// Cells that could not be read.
    pub unknown: u32,
}

/// The text of one picture; `None` where it shows no text console. For pictures that follow one
/// another: [`Reader`].
#[must_use]
pub fn recover(picture: &Picture) -> Option<Recovered> {
    Reader::new().feed(&Arc::new(picture.clone()))
}
