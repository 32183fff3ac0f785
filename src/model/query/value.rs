//! The right side of a comparison: reads a word as the type of its field wants it.

use chrono::{NaiveDate, NaiveDateTime};

use super::{Literal, Op};
use crate::model::field::{FieldKind, FieldSpec};
use crate::model::place::nearest;
use crate::model::severity::Severity;
use crate::model::time::{DAY, Ts, parse_duration};

/// A value, or a whole day that stands for its two ends.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Read {
    One(Literal),
    /// `raised=2026-11-20`: any instant of that day.
    Day(Ts),
}

/// Reads `text` as a value of `field`.
///
/// # Errors
/// What would be right, in words.
pub(super) fn read(field: &FieldSpec, op: Op, text: &str) -> Result<Read, String> {
    if text.is_empty() && matches!(op, Op::Eq | Op::Ne) {
        return match field.kind {
            FieldKind::Bool => Err(format!("{} takes yes or no", field.name)),
            _ => Ok(Read::One(Literal::Empty)),
        };
    }
    let literal = match field.kind {
        FieldKind::Text => Literal::Text(text.to_owned()),
        FieldKind::Word(_) if op == Op::Has => Literal::Text(text.to_owned()),
        FieldKind::Word(words) => Literal::Text(word(field, words, text)?.to_owned()),
        FieldKind::Severity => Literal::Severity(severity(text)?),
        FieldKind::Bool => Literal::Bool(boolean(field, text)?),
        FieldKind::Int => match number(field, text)? {
            x if x.fract() == 0.0 && x.abs() < 9e15 => Literal::Int(x as i64),
            x => Literal::Float(x),
        },
        FieldKind::Float => Literal::Float(number(field, text)?),
        FieldKind::Time => return time(field, op, text),
    };
    Ok(Read::One(literal))
}

fn word(field: &FieldSpec, words: &'static [&'static str], text: &str) -> Result<&'static str, String> {
    if let Some(w) = words.iter().find(|w| w.eq_ignore_ascii_case(text)) {
        return Ok(w);
    }
    let lower = text.to_ascii_lowercase();
    let mut hits = words.iter().filter(|w| w.to_ascii_lowercase().starts_with(&lower));
    match (hits.next(), hits.next()) {
        (Some(w), None) if !text.is_empty() => Ok(w),
        _ => Err(format!("{} is one of {}{}", field.name, words.join(", "), hint(text, words))),
    }
}

fn severity(text: &str) -> Result<Severity, String> {
    Severity::parse(text).ok_or_else(|| {
        let words: Vec<_> = Severity::WORST_FIRST.iter().map(|s| s.word()).collect();
        format!("a severity is one of {}{}", words.join(", "), hint(text, &words))
    })
}

fn boolean(field: &FieldSpec, text: &str) -> Result<bool, String> {
    match text.to_ascii_lowercase().as_str() {
        "yes" | "true" | "on" | "1" | "y" => Ok(true),
        "no" | "false" | "off" | "0" | "n" => Ok(false),
        _ => Err(format!("{} takes yes or no", field.name)),
    }
}

fn number(field: &FieldSpec, text: &str) -> Result<f64, String> {
    let (digits, factor) = match text.chars().last() {
        Some('k' | 'K') => (text.trim_end_matches(['k', 'K']), 1e3),
        Some('M') => (text.trim_end_matches('M'), 1e6),
        Some('G') => (text.trim_end_matches('G'), 1e9),
        _ => (text, 1.0),
    };
    let plain = digits.chars().all(|c| c.is_ascii_digit() || matches!(c, '.' | '-' | '+' | 'e' | 'E'));
    digits
        .parse::<f64>()
        .ok()
        .filter(|x| plain && x.is_finite())
        .map(|x| x * factor)
        .filter(|x| x.is_finite())
        .ok_or_else(|| format!("{} takes a number, such as 12, -27.5, 10k or 2M", field.name))
}

fn time(field: &FieldSpec, op: Op, text: &str) -> Result<Read, String> {
    let one = |t| Ok(Read::One(t));
    if text.eq_ignore_ascii_case("now") {
        return one(Literal::Ago(0));
    }
    if let Some(ago) = text.strip_prefix('-').and_then(parse_duration) {
        return one(Literal::Ago(ago));
    }
    if let Some(ahead) = text.strip_prefix('+').and_then(parse_duration) {
        return one(Literal::Ago(-ahead));
    }
    if let Some(t) = Ts::parse_rfc3339(text) {
        return one(Literal::Time(t));
    }
    let upper = text.to_ascii_uppercase();
    for form in ["%Y-%m-%dT%H:%M:%S", "%Y-%m-%dT%H:%M"] {
        if let Ok(t) = NaiveDateTime::parse_from_str(&upper, form) {
            return one(Literal::Time(Ts(t.and_utc().timestamp_micros())));
        }
    }
    if let Some(day) = NaiveDate::parse_from_str(text, "%Y-%m-%d").ok().and_then(|d| d.and_hms_opt(0, 0, 0)) {
        let start = Ts(day.and_utc().timestamp_micros());
        return match op {
            Op::Eq | Op::Ne | Op::Has => Ok(Read::Day(start)),
            // "Up to that day" includes it; "since that day" begins with it, with `>` as with `>=`.
            Op::Le => one(Literal::Time(start.plus(DAY - 1))),
            Op::Lt | Op::Gt | Op::Ge => one(Literal::Time(start)),
        };
    }
    let sign = if parse_duration(text).is_some() { format!(" (-{text} for {text} ago)") } else { String::new() };
    Err(format!("{} takes a time{sign}: -2h, now, 2026-11-20 or 2026-11-20T14:00:00Z (UTC)", field.name))
}

/// `; did you mean "x"?` when one of `words` is near.
pub(super) fn hint(text: &str, words: &[&'static str]) -> String {
    nearest(text, words.iter().copied()).map_or_else(String::new, |w| format!("; did you mean {w}?"))
}
