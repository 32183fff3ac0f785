//! What a string in a device query may also mean: a number, a date, a pattern.

use regex::{Regex, RegexBuilder};

use super::{Crash, Test};
use crate::sim::genieacs::data::{Value, stamp};

/// Shortest string that is tried as a date.
const SHORTEST_DATE: usize = 8;
/// 1983-12-31: older dates are taken for numbers that look like one.
const FIRST_DATE: i64 = 441_763_200_000;

/// The values that a string may stand for; itself first.
pub(super) fn values(text: &str) -> Vec<Value> {
    let mut all = vec![Value::text(text)];
    if let Some(n) = numeric(text) {
        all.push(Value::Number(n));
    }
    if text.len() >= SHORTEST_DATE
        && let Some(ms) = stamp::parse(text).filter(|ms| *ms > FIRST_DATE)
    {
        all.push(Value::Date(ms));
    }
    all
}

/// The patterns that a string may stand for: `/re/flags`, `*`.
pub(super) fn patterns(text: &str) -> Result<Vec<Regex>, Crash> {
    let mut all = Vec::new();
    if let Some(regex) = slashed(text) {
        all.push(regex?);
    }
    if let Some(pattern) = wildcard(text) {
        all.push(build(&pattern, "")?);
    }
    Ok(all)
}

/// All that a string may mean where equality is asked for.
pub(super) fn equal(text: &str) -> Result<Vec<Test>, Crash> {
    let values = values(text).into_iter().map(Test::Equal);
    Ok(values.chain(patterns(text)?.into_iter().map(Test::Matches)).collect())
}

fn numeric(text: &str) -> Option<f64> {
    let trimmed = text.trim();
    if trimmed.is_empty() || trimmed.chars().any(|c| c.is_ascii_alphabetic() && !"eE".contains(c)) {
        return None;
    }
    trimmed.parse::<f64>().ok().filter(|n| n.is_finite())
}

fn slashed(text: &str) -> Option<Result<Regex, Crash>> {
    let (pattern, flags) = text.strip_prefix('/')?.rsplit_once('/')?;
    flags.chars().all(|c| "gimy".contains(c)).then(|| build(pattern, flags))
}

pub(super) fn build(pattern: &str, flags: &str) -> Result<Regex, Crash> {
    RegexBuilder::new(pattern)
        .case_insensitive(flags.contains('i'))
        .multi_line(flags.contains('m'))
        .dot_matches_new_line(flags.contains('s'))
        .size_limit(1 << 20)
        .build()
        .map_err(|_| Crash("a regular expression that cannot be read"))
}

/// A string with stars as a pattern. Only the first special character is taken literally and only
/// the first star inside stands for anything, as in the real one.
fn wildcard(text: &str) -> Option<String> {
    if !text.contains('*') {
        return None;
    }
    let mut pattern = String::from(text);
    if let Some(at) = pattern.find(|c| r"[]\^$.|?+()".contains(c)) {
        pattern.insert(at, '\\');
    }
    let open_start = pattern.starts_with('*');
    let open_end = pattern.ends_with('*');
    let inner = pattern.trim_matches('*').replacen('*', ".*", 1);
    Some(format!("{}{inner}{}", if open_start { "" } else { "^" }, if open_end { "" } else { "$" }))
}
