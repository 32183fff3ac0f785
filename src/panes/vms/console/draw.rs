//! Draws consoles.

/// Rows above a console: what is open, and how it stands.
pub(super) const HEAD: u16 = 2;
