//! The screen of a VGA card: its font and colours, and the text that a picture of it shows.
pub mod font;
pub mod palette;
pub mod render;
