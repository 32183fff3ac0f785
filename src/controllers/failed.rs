//! A failed call to a source that is spoken to over HTTP: which source, which call, what happened and
//! what to do. What can happen is particular to a system, and stands with it.

use std::borrow::Cow;
use std::error::Error as StdError;

use super::voltha::error::{ErrorKind as Transport, bounded, chain_kind, deepest};
use crate::model::ids::SourceName;
use crate::model::text::clean;

/// A failed call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failed<F> {
    /// The source.
    pub source: SourceName,
    /// The call (`GET devices`, `POST restart vector`), with what it is about.
    pub call: String,
    /// What happened.
    pub what: F,
}

/// Something that happened to a call.
pub trait Cause {
    /// What, and what to do about it.
    fn told(&self) -> (String, &'static str);
}

impl<F: Cause> std::fmt::Display for Failed<F> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (words, advice) = self.what.told();
        write!(f, "{}: {}: {words}; {advice}", self.source, self.call)
    }
}

impl<F: Cause + std::fmt::Debug> StdError for Failed<F> {}

/// Makes the [`Failed`] of one call.
#[derive(Debug, Clone)]
pub(super) struct Call {
    pub(super) source: SourceName,
    pub(super) name: Cow<'static, str>,
}

impl Call {
    pub(super) fn new(source: &SourceName, name: impl Into<Cow<'static, str>>) -> Self {
        Self { source: source.clone(), name: name.into() }
    }

    pub(super) fn error<F>(&self, what: F) -> Failed<F> {
        Failed { source: self.source.clone(), call: clean(&self.name).into_owned(), what }
    }
}

/// Kind and words of a connection that failed, told by its chain of causes.
pub(super) fn connection(error: &(dyn StdError + 'static)) -> (Transport, String) {
    let kind = chain_kind(error).unwrap_or(Transport::Unreachable);
    (kind, bounded(&deepest(error).unwrap_or_else(|| error.to_string())))
}
