//! The cell that shows where a row hangs in a tree.

use super::paint::Piece;
use crate::theme::{Glyphs, Token};

/// Place of a row in a tree.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Twig {
    /// Distance from the top.
    pub depth: u8,
    /// Whether it has children.
    pub branch: bool,
    /// Whether they are shown.
    pub unfolded: bool,
}

/// Indentation and folding sign, to be put before the label.
#[must_use]
pub fn prefix(twig: Twig, glyphs: &Glyphs) -> Piece<'static> {
    let indent = "  ".repeat(usize::from(twig.depth));
    let sign = match (twig.branch, twig.unfolded) {
        (true, true) => glyphs.unfolded,
        (true, false) => glyphs.folded,
        (false, _) => " ",
    };
    Piece::new(format!("{indent}{sign} "), Token::Dim)
}

/// Column of the folding sign inside the cell.
#[must_use]
pub fn sign_column(depth: u8) -> u16 {
    u16::from(depth) * 2
}
