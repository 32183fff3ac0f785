//! Configuration: layered TOML, secrets by reference, the inventory file, alarm types.
//!
//! Layers, each over the one before: defaults, `/etc/noctule/noctule.toml`, the user's
//! `noctule.toml` (or only the file named with `--config` or `NOCTULE_CONFIG`), the profile,
//! `NOCTULE_…` variables, flags. Whatever is wrong is told with file, line and column, all at
//! once; nothing is ever silently ignored.

pub mod alarm_types;
mod check;
pub mod dirs;
pub mod edit;
mod env;
pub mod formats;
pub mod inventory;
mod load;
pub mod schema;
pub mod secret;

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;

use crate::model::place::Place;
pub use dirs::Dirs;
pub use env::documented as variables;
pub use load::{Flags, Loaded, check_text, load};

/// Environment variables, taken once so that tests can bring their own.
#[derive(Debug, Clone, Default)]
pub struct Vars(BTreeMap<String, String>);

impl Vars {
    /// Those of the process; names and values that are no text are left out.
    #[must_use]
    pub fn process() -> Self {
        Self(std::env::vars_os().filter_map(|(k, v)| Some((k.into_string().ok()?, v.into_string().ok()?))).collect())
    }

    /// The value of a variable; an empty one counts as not set.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str).filter(|v| !v.is_empty())
    }

    /// Names and values that begin with `prefix`.
    pub fn with_prefix<'a>(&'a self, prefix: &'a str) -> impl Iterator<Item = (&'a str, &'a str)> + 'a {
        self.0.iter().filter(move |(k, _)| k.starts_with(prefix)).map(|(k, v)| (k.as_str(), v.as_str()))
    }
}

impl<K: Into<String>, V: Into<String>> FromIterator<(K, V)> for Vars {
    fn from_iter<T: IntoIterator<Item = (K, V)>>(pairs: T) -> Self {
        Self(pairs.into_iter().map(|(k, v)| (k.into(), v.into())).collect())
    }
}

/// One thing that is wrong with the configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// The file, or the name of a variable or flag.
    pub origin: String,
    /// Line and column; none for variables, flags and what concerns a whole file.
    pub place: Option<Place>,
    /// What is wrong and what would be right.
    pub message: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.place {
            Some(place) => write!(f, "{}:{place}: {}", self.origin, self.message),
            None => write!(f, "{}: {}", self.origin, self.message),
        }
    }
}

/// Everything that is wrong with the configuration, at least one thing; prints one a line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Error {
    /// The problems, in the order of the files.
    pub problems: Vec<Problem>,
}

impl Error {
    fn one(origin: impl Into<String>, message: impl Into<String>) -> Self {
        Self { problems: vec![Problem { origin: origin.into(), place: None, message: message.into() }] }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, problem) in self.problems.iter().enumerate() {
            if i > 0 {
                writeln!(f)?;
            }
            problem.fmt(f)?;
        }
        Ok(())
    }
}

impl std::error::Error for Error {}

/// The name that a person would call a file by, for messages.
fn file_name(path: &std::path::Path) -> String {
    path.display().to_string()
}

/// A path that may be relative to nothing: the current folder.
fn folder_of(path: &std::path::Path) -> PathBuf {
    path.parent().map_or_else(PathBuf::new, std::path::Path::to_path_buf)
}

/// The JSON schema of a configuration file, as `noctule config schema` prints it.
#[must_use]
pub fn schema_json() -> String {
    let mut text = serde_json::to_string_pretty(check::schema()).unwrap_or_default();
    text.push('\n');
    text
}
