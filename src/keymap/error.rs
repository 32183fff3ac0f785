//! What can be wrong with a keymap.

use crate::model::place::Place;

/// A mistake in a keymap, at its place in the file.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{file}:{line}:{column}: {message}")]
pub struct Error {
    /// The file; `built-in keys` for the defaults.
    pub file: String,
    /// Line, from 1.
    pub line: u32,
    /// Column, from 1, in characters.
    pub column: u32,
    /// What is wrong and what to do.
    pub message: String,
}

impl Error {
    pub(crate) fn at(file: &str, place: Place, message: impl Into<String>) -> Self {
        Self { file: file.to_owned(), line: place.line, column: place.column, message: message.into() }
    }
}
