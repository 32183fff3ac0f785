//! Draws the sources and all that is known about one.

use crate::app::ctx::ViewCtx;
use crate::model::source::{Breaker, Health, SourceRow};
use crate::model::text::grouped;
use crate::panes::health::token;
use crate::panes::list::columns::moment;
use crate::theme::Token;
use crate::ui::Piece;
use crate::ui::sections::Block;

use super::columns::{breaker_token, millis, rate};

/// Why the list is empty and what to do about it.
pub(super) fn empty(filtered: bool) -> Vec<String> {
    let lines: &[&str] = if filtered {
        &["No source matches.", "\\ clears the filter."]
    } else {
        &[
            "No source is configured.",
            "`noctule config example` prints a configuration to start from; `noctule doctor` tests it;",
            "`noctule demo` shows a living network without one.",
        ]
    };
    lines.iter().map(|l| (*l).to_owned()).collect()
}

/// Everything about a source.
pub(super) fn blocks<'a>(row: &'a SourceRow, cx: &ViewCtx<'a>) -> Vec<Block<'a>> {
    let r = &row.report;
    let at = |t| moment(t, cx.ctx.now, cx.ctx.utc_offset_s);
    let mut health = vec![Piece::new(r.health.word(), token(r.health))];
    health.push(Piece::dim(format!("  {}", meaning(r.health))));
    let breaker =
        vec![Piece::new(r.breaker.word(), breaker_token(r.breaker)), Piece::dim(format!("  {}", calls(r.breaker)))];
    let mut blocks = vec![Block::Fact("health".into(), health), Block::Fact("breaker".into(), breaker)];
    if !r.last_error.is_empty() {
        blocks.push(Block::Fact("error".into(), vec![Piece::new(r.last_error.as_str(), Token::Bad)]));
    }
    blocks.extend([
        Block::fact("what to do", advice(row)),
        Block::fact("kind", r.kind.as_str()),
        Block::fact("endpoint", r.endpoint.as_str()),
        Block::fact("version", if r.version.is_empty() { "not told" } else { r.version.as_str() }),
        Block::fact("last answer", if r.last_ok.is_set() { at(r.last_ok) } else { "never".into() }),
        Block::fact("last poll took", format!("{} ms", millis(r.latency_us))),
        Block::fact("clock", if r.last_ok.is_set() { skew(r.skew_us) } else { "not heard yet".into() }),
        Block::fact("devices", grouped(r.devices.into())),
        Block::fact("active alarms", grouped(row.alarms.into())),
        Block::Gap,
        Block::Title("Event stream".into()),
        Block::fact("state", if r.stream.is_empty() { "none configured" } else { r.stream.as_str() }),
        Block::fact("rate", format!("{} events/s", rate(r.rate_milli))),
        Block::fact("not journalled", grouped(r.queue.into())),
        Block::fact("as of", at(row.as_of)),
    ]);
    blocks
}

const fn meaning(health: Health) -> &'static str {
    match health {
        Health::Starting => "nothing has been tried yet",
        Health::Up => "calls and events work",
        Health::Degraded => "calls or events work, not both",
        Health::Down => "nothing works; what it told last is shown as stale",
        Health::Paused => "paused by an operator",
    }
}

const fn calls(breaker: Breaker) -> &'static str {
    match breaker {
        Breaker::Closed => "calls pass",
        Breaker::Open => "calls are refused until the pause is over",
        Breaker::HalfOpen => "one call is let through to see",
    }
}

fn skew(us: i64) -> String {
    if us.abs() < 1_000_000 {
        return "agrees with ours to a second".into();
    }
    let side = if us > 0 { "ahead of" } else { "behind" };
    format!("{:.1} s {side} ours: its times are shown as it tells them", us.unsigned_abs() as f64 / 1e6)
}

const fn advice(row: &SourceRow) -> &'static str {
    match row.report.health {
        Health::Paused => "r resumes it.",
        Health::Down | Health::Degraded => {
            "t tests it, b resets the breaker, l shows the calls; `noctule doctor` tests name, TCP, TLS and login one by one."
        }
        Health::Starting | Health::Up => "P polls it now, a shows its alarms, l the calls made to it.",
    }
}
