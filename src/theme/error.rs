//! What can be wrong with a theme.

use std::path::PathBuf;

use crate::model::place::Place;

/// Why a theme could not be loaded. Each says where and what to do.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// There is no theme of this name.
    #[error("no theme `{name}`{hint}: known are {known}, and the `.toml` files in {folder}")]
    Unknown {
        /// What was asked for.
        name: String,
        /// The nearest known name, in words; or empty.
        hint: String,
        /// Names of the shipped themes.
        known: String,
        /// Where user themes are looked for.
        folder: String,
    },
    /// The file is there and cannot be read.
    #[error("cannot read the theme {}: {reason}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the system said.
        reason: String,
    },
    /// The file says something that cannot be.
    #[error("{file}:{place}: {message}")]
    Invalid {
        /// The file, or the name of a shipped theme.
        file: String,
        /// Line and column.
        place: Place,
        /// What is wrong, and what was probably meant.
        message: String,
    },
    /// The folder cannot be watched for changes.
    #[error("themes in {} are not reloaded when they change: {reason}", path.display())]
    Unwatchable {
        /// The folder.
        path: PathBuf,
        /// What the system said.
        reason: String,
    },
}

impl Error {
    pub(crate) fn invalid(file: &str, text: &str, offset: usize, message: impl Into<String>) -> Self {
        Self::Invalid { file: file.into(), place: Place::at(text, offset), message: message.into() }
    }
}
