//! Operations on virtual machines as pure state machines: what to do next, given what came of what was
//! done before.
//!
//! [`migrate`], [`backup`], [`restore`] and [`cleanup`] each hand out one act at a time and are told
//! its outcome. An outcome is what the host said, or that it said nothing ([`Fault::Lost`]): then the
//! act may have been done or not, and the machine looks before it goes on. However an operation ends,
//! what it made is gone again, is what was asked for, or is named in its [`Report`].
//!
//! [`checks`] says beforehand what will fail; [`verbs`] what can be done in which state; [`snapshot`]
//! what a tree of snapshots means and which files nothing uses; [`policy`] what happens to machines
//! whose operation failed and to what it left.

pub mod backup;
pub mod checks;
pub mod cleanup;
pub mod migrate;
pub mod pace;
pub mod policy;
pub mod restore;
pub mod retention;
pub mod sets;
pub mod snapshot;
pub mod track;
pub mod verbs;

#[cfg(test)]
mod tests;

use crate::model::vm::failure::Leftover;

/// Why an act did not do what it was to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fault {
    /// It was refused or failed, and the host said so: it has made nothing.
    Failed(String),
    /// No answer came: it may have been done or not.
    Lost(String),
}

impl Fault {
    /// What was said, or why nothing was.
    #[must_use]
    pub fn why(&self) -> &str {
        match self {
            Self::Failed(why) | Self::Lost(why) => why,
        }
    }
}

/// What an operation wants now.
#[derive(Debug, Clone, PartialEq)]
pub enum Turn<A> {
    /// This is to be done, and its outcome to be told.
    Do(A),
    /// It is over.
    Over(Report),
}

/// How an operation ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum End {
    /// As it was asked for.
    Done,
    /// It was cancelled, and everything is as it was before.
    Cancelled,
    /// It failed; what is so now is known.
    Failed,
    /// What is so now is not known: it has to be looked at again.
    #[default]
    Unknown,
}

impl End {
    /// As a word.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Cancelled => "cancelled",
            Self::Failed => "failed",
            Self::Unknown => "unknown",
        }
    }
}

/// What came of an operation, in words for people.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Report {
    /// How it ended.
    pub end: End,
    /// What is so now, and why.
    pub said: String,
    /// What else is worth knowing.
    pub notes: Vec<String>,
    /// What was made on a host and is still there, by path or name, with what to do about it.
    pub left: Vec<String>,
    /// Those of them that it made itself and nothing uses: they may be deleted.
    pub made: Vec<Leftover>,
}
