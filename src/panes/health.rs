//! How fresh a row is: its source's health in words.

use crate::app::ctx::Ctx;
use crate::model::source::{Health, SourceRow};
use crate::model::time::brief_duration;
use crate::theme::Token;

/// The row of a source.
fn source<'a>(cx: &'a Ctx, name: &str) -> Option<&'a SourceRow> {
    cx.sources.iter().find(|s| &*s.name == name)
}

/// Whether a source is silent, so that what it said may be old.
pub(crate) fn silent(cx: &Ctx, name: &str) -> bool {
    source(cx, name).is_some_and(|s| matches!(s.report.health, Health::Down | Health::Paused))
}

/// `stale 43s` when a source is silent.
pub(crate) fn stale_words(cx: &Ctx, name: &str) -> Option<String> {
    let row = source(cx, name).filter(|_| silent(cx, name))?;
    let last = if row.report.last_ok.is_set() { row.report.last_ok } else { row.as_of };
    let age = if last.is_set() { format!(" {}", brief_duration(cx.now.since(last).max(0))) } else { String::new() };
    Some(format!("stale{age}"))
}

/// The token of a health.
pub(crate) const fn token(health: Health) -> Token {
    match health {
        Health::Starting => Token::Busy,
        Health::Up => Token::Good,
        Health::Degraded => Token::Warning,
        Health::Down => Token::Bad,
        Health::Paused => Token::Off,
    }
}
