//! stand-in until merged
use crate::model::console::Stroke;
pub fn stroke(_: crossterm::event::KeyEvent) -> Option<Stroke> { None }
