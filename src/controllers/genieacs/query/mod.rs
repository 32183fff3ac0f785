//! The console's filters as queries of the server.
//!
//! The server can answer a part of a filter, and some of it only roughly: it compares versions as
//! text, it knows no units, it has one query for texts, numbers and dates. So every filter is
//! translated into two queries: one that lets through at least what the filter does (`over`), and
//! one that lets through nothing that the filter does not (`under`). The first is sent; where both
//! are the same the answer is exact, otherwise the console filters what comes back. The second is
//! what makes "not" work: at least what does not pass is everything but what passes for certain.

mod bounds;
mod row;

use crate::model::query::Expr;
use crate::model::time::Ts;

use super::profile::Profiles;
use super::wire::Filter;
use bounds::Bounds;
pub use row::{Document, foreign, matches};

/// The longest query that is sent, characters before encoding; a longer one is filtered here.
const LONGEST: usize = 4000;

/// What translating needs to know.
#[derive(Debug, Clone, Copy)]
pub struct Context<'a> {
    /// Name of the source.
    pub source: &'a str,
    /// Where things stand.
    pub profiles: &'a Profiles,
    /// The present, for relative times and states.
    pub now: Ts,
    /// Seconds since the last inform within which a CPE is online.
    pub online_s: u64,
    /// Seconds within which it is late; after them it is offline.
    pub offline_s: u64,
}

/// A filter, divided.
#[derive(Debug, Clone, PartialEq)]
pub struct Translated {
    /// What the server is asked: it lets through at least what the filter does.
    pub nbi: Filter,
    /// What is left to be done with what comes back ([`matches()`]); nothing when that is exact.
    pub rest: Option<Expr>,
}

/// Translates a filter over CPEs: fleet fields by their names, parameters by their paths.
#[must_use]
pub fn translate(expr: &Expr, context: &Context<'_>) -> Translated {
    let Bounds { over, under } = bounds::bounds(expr, context);
    let exact = over == under;
    let query = over.json();
    // Characters that have to be encoded take three in the address.
    if query.to_string().len() > LONGEST {
        return Translated { nbi: Filter::all(), rest: Some(expr.clone()) };
    }
    Translated { nbi: Filter::from_json(query), rest: (!exact).then(|| expr.clone()) }
}

/// Whether a field's name is the path of a parameter.
#[must_use]
pub fn is_path(name: &str) -> bool {
    ["InternetGatewayDevice.", "Device.", "VirtualParameters."].iter().any(|root| name.starts_with(root))
}

#[cfg(test)]
mod tests;
