//! The query language of the ACS: Mongo's, widened for devices, with the typed fields of tasks and
//! faults. What makes the real worker throw is a [`Crash`] here.

mod eval;
mod parse;
mod sort;
mod widen;

#[cfg(test)]
mod tests;

pub(crate) use parse::{Flavour, object_id, parse};
pub(crate) use sort::Sort;

use regex::Regex;

use super::data::Value;

/// The worker throws and dies; why.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Crash(pub(crate) &'static str);

/// A condition on a document.
#[derive(Debug, Clone)]
pub(crate) enum Query {
    /// All of them; none = everything.
    All(Vec<Self>),
    /// One of them.
    Any(Vec<Self>),
    /// What is at a path passes a test.
    Field(String, Test),
    /// The opposite.
    Not(Box<Self>),
}

/// A condition on what is at a path.
#[derive(Debug, Clone)]
pub(crate) enum Test {
    Equal(Value),
    Less(Value),
    LessOrEqual(Value),
    Greater(Value),
    GreaterOrEqual(Value),
    Matches(Regex),
    Exists(bool),
    Type(String),
    Size(f64),
    Mod(f64, f64),
    /// One element passes.
    Element(Box<Query>),
    All(Vec<Self>),
    Any(Vec<Self>),
    Not(Box<Self>),
}
