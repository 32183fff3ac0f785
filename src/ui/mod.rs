//! Widgets that know no domain. Each is a plain struct of data with a `render`: it draws with the
//! theme's tokens and the terminal's glyphs, keeps no state, and passes every text through
//! [`crate::model::text`], so that nothing from outside can reach the terminal as it came.
#![deny(clippy::indexing_slicing)]

pub mod chart;
pub mod choose;
pub mod confirm;
pub mod console;
pub mod console_keys;
pub mod density;
pub mod filter_bar;
pub mod form;
pub mod fuzzy;
pub mod gauge;
pub mod help;
pub mod letters;
pub mod paint;
pub mod palette;
pub mod pixels;
pub mod prompt;
pub mod sections;
pub mod spark;
pub mod status_bar;
pub mod table;
pub mod text_input;
pub mod toast;
pub mod top_bar;
pub mod tree;
pub mod which_key;

pub use paint::{Paint, Piece};
