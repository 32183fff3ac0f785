//! Draws all that is known about one appliance.

use crate::app::ctx::ViewCtx;
use crate::model::appliance::state::{Contact, Forecast, ReplayState, UplinkState};
use crate::model::appliance::{ApplianceRow, ApplianceState};
use crate::model::text::{counted, grouped, iec};
use crate::model::time::ahead;
use crate::panes::list::columns::moment;
use crate::theme::Token;
use crate::ui::Piece;
use crate::ui::gauge::bar;
use crate::ui::sections::Block;

use super::parts;
use super::past::Past;
use super::words::{
    brief, contact_token, coverage, fill_token, forecast, maybe_rate, old_words, percent, replay_token, took,
    uplink_token, verdict,
};

/// Columns of the bar.
const BAR: u16 = 20;

/// Why the list is empty and what to do about it.
pub(super) fn empty(filtered: bool) -> Vec<String> {
    let lines: &[&str] = if filtered {
        &["No appliance matches.", "\\ clears the filter."]
    } else {
        &[
            "No appliance is configured: there is nothing to watch here.",
            "Appliances are sources of the kind `raven`; 6 shows how those do,",
            "`noctule config example` how one is configured, `noctule demo` how it looks.",
        ]
    };
    lines.iter().map(|l| (*l).to_owned()).collect()
}

/// Everything about an appliance. `room`: columns of the view, lines of the chart.
pub(super) fn blocks<'a>(row: &'a ApplianceRow, past: &Past, room: (u16, u16), cx: &ViewCtx<'a>) -> Vec<Block<'a>> {
    let state = &*row.state;
    let mut blocks = judged(row);
    // Where it does not answer well, that comes before what it said.
    let well = state.contact == Contact::Answering;
    if !well {
        blocks.extend(contact(row, cx));
    }
    blocks.push(fill(state, cx));
    blocks.extend(outlook(state));
    blocks.extend(past.blocks(&row.source, None, room, cx));
    blocks.extend(amount(state));
    if well {
        blocks.extend(contact(row, cx));
    }
    blocks.extend(parts::losses(state, cx));
    blocks.extend(uplink(state, cx));
    blocks.extend(parts::collectors(state, cx));
    blocks.extend(parts::configuration(state));
    blocks.extend(parts::system(state));
    blocks.extend(parts::estimates(state));
    blocks.extend([
        Block::Gap,
        Block::Words(
            "c its services, H health, E configuration, a alarms, o its source, x what can be done.".into(),
            Token::Dim,
        ),
    ]);
    blocks
}

/// Verdict and reasons.
fn judged(row: &ApplianceRow) -> Vec<Block<'_>> {
    let state = &*row.state;
    let (sign, token) = verdict(state.verdict);
    let word = state.verdict.word();
    let mut line = vec![Piece::new(sign, token)];
    if sign != word {
        line.push(Piece::plain(format!(" {word}")));
    }
    if row.alarms > 0 {
        line.push(Piece::dim(format!("   {}", counted(row.alarms.into(), "active alarm", "active alarms"))));
    }
    let mut blocks = vec![Block::Fact("verdict".into(), line)];
    for (i, reason) in state.reasons.iter().enumerate() {
        blocks.push(Block::fact(if i == 0 { "because" } else { "" }, reason.as_str()));
    }
    blocks
}

/// How it answers, and how old what it said is.
pub(super) fn answers<'a>(state: &'a ApplianceState, source: &str, cx: &ViewCtx<'a>) -> Vec<Piece<'a>> {
    let words = match state.contact {
        Contact::Answering => format!("in {}", took(state.response_us)),
        Contact::Slow => format!("slow: {}", took(state.response_us)),
        Contact::NotAsked => "not asked yet".to_owned(),
        Contact::Unreadable => "it answers, and what it says cannot be read".to_owned(),
        Contact::LimitZero => "its limit is 0: it cannot tell a fill, and its status answers are empty".to_owned(),
        Contact::Refusing => "it refuses".to_owned(),
        Contact::Silent => "not at all".to_owned(),
    };
    let mut line = vec![Piece::new(words, contact_token(state.contact))];
    if let Some(old) = old_words(state, source, cx.ctx) {
        line.push(Piece::new(format!("   {old}"), Token::Stale));
    }
    if state.poll_ms > 0 && state.contact != Contact::NotAsked {
        let seconds = state.poll_ms as f64 / 1000.0;
        line.push(Piece::dim(format!("   asked every {seconds:.0} s")));
    }
    line
}

/// How full it is and how that moves.
fn fill<'a>(state: &'a ApplianceState, cx: &ViewCtx<'a>) -> Block<'a> {
    let mut fill = match state.fill_permille {
        Some(permille) => vec![
            Piece::new(bar(BAR, permille, 1000, cx.glyphs), fill_token(permille)),
            Piece::new(format!(" {}", percent(permille)), Token::Strong),
        ],
        None => vec![Piece::new("not known", Token::Off)],
    };
    let sizes = match (state.used_bytes, state.limit_bytes) {
        (Some(used), Some(limit)) => format!("   {} of {}", iec(used), iec(limit)),
        (Some(used), None) => format!("   {}, no limit told", iec(used)),
        (None, _) => String::new(),
    };
    fill.push(Piece::plain(sizes));
    if let Some(growth) = state.growth {
        let sign = if growth < 0 { "-" } else { "+" };
        fill.push(Piece::dim(format!("   {sign}{}/s", iec(growth.unsigned_abs()))));
    }
    Block::Fact("fill".into(), fill)
}

/// How it answers, and what is wrong with that.
fn contact<'a>(row: &'a ApplianceRow, cx: &ViewCtx<'a>) -> Vec<Block<'a>> {
    let mut blocks = vec![Block::Fact("answers".into(), answers(&row.state, &row.source, cx))];
    if !row.state.trouble.is_empty() {
        blocks.push(Block::Fact("trouble".into(), vec![Piece::new(row.state.trouble.as_str(), Token::Bad)]));
    }
    blocks
}

/// Records in it.
fn amount(state: &ApplianceState) -> Vec<Block<'_>> {
    let mut blocks = vec![Block::Gap];
    if let Some(records) = state.records {
        let count = |n: Option<u64>| n.map_or_else(|| "?".to_owned(), grouped);
        let words = format!(
            "{}, of them {} wait and {} were forwarded",
            grouped(records),
            count(state.pending),
            count(state.forwarded)
        );
        let note = "   calls of ingest, not messages";
        blocks.push(Block::Fact("records".into(), vec![Piece::plain(words), Piece::dim(note)]));
    }
    blocks
}

/// What is going to happen.
fn outlook(state: &ApplianceState) -> Vec<Block<'_>> {
    let mut blocks = vec![
        Block::Fact("full in".into(), predicted(&state.full)),
        Block::Fact("first loss in".into(), predicted(&state.first_loss)),
    ];
    let mut covers = vec![Piece::plain(coverage(state))];
    if let Some(full) = state.coverage_full_us {
        covers.push(Piece::dim(format!("   {} when full, at this rate", ahead(full, brief))));
    }
    blocks.push(Block::Fact("reaches back".into(), covers));
    let rates = format!("in {}/s   out {}/s", maybe_rate(state.in_milli), maybe_rate(state.out_milli));
    blocks.push(Block::fact("rates", rates));
    blocks
}

/// A forecast with its confidence and how it was made.
fn predicted(f: &Forecast) -> Vec<Piece<'_>> {
    let mut words = String::new();
    if f.in_us.is_some() {
        words = format!("   {} confidence", f.confidence.word());
    }
    if !f.method.is_empty() {
        words.push_str(if words.is_empty() { "   " } else { ": " });
        words.push_str(&f.method);
    }
    vec![forecast(f), Piece::plain(words)]
}

/// The way out, and what is sent on.
fn uplink<'a>(state: &'a ApplianceState, cx: &ViewCtx<'a>) -> Vec<Block<'a>> {
    let uplink = &state.uplink;
    let at = |t| moment(t, cx.ctx.now, cx.ctx.utc_offset_s);
    let mut blocks = vec![Block::Gap, Block::Title("Uplink and replay".into())];
    let words = match uplink.state {
        UplinkState::Unknown => "not told",
        UplinkState::NotChecked => "not checked yet by the appliance",
        UplinkState::Up => "up",
        UplinkState::Down => "down",
    };
    let mut line = vec![Piece::new(words, uplink_token(uplink.state))];
    if uplink.since.is_set() {
        line.push(Piece::plain(format!("   since {}", at(uplink.since))));
    }
    if uplink.state == UplinkState::Up {
        line.push(Piece::dim(format!("   {} ms", uplink.latency_ms)));
    }
    if uplink.failures > 0 {
        let failed = match uplink.failures {
            1 => "the probe failed".to_owned(),
            n => format!("{} probes in a row failed", grouped(n)),
        };
        line.push(Piece::plain(format!("   {failed}")));
    }
    blocks.push(Block::Fact("uplink".into(), line));
    if !uplink.last_error.is_empty() {
        blocks.push(Block::Fact("last error".into(), vec![Piece::new(uplink.last_error.as_str(), Token::Bad)]));
    }
    if uplink.last_check.is_set() {
        blocks.push(Block::fact("probed", at(uplink.last_check)));
    }
    blocks.push(Block::Words(
        "Up means only that the forwarding target answers the appliance's call; it tells nothing of a tunnel.".into(),
        Token::Dim,
    ));
    if let Some(forwarding) = uplink.forwarding {
        let words = if forwarding { "on: what comes in while the uplink is up is sent at once" } else { "off" };
        blocks.push(Block::fact("forwarding", words));
    }
    let replay = &state.replay;
    let words = match replay.state {
        ReplayState::Unknown => "not known",
        ReplayState::Stuck => "stuck: records wait, and none is sent on",
        state => state.word(),
    };
    let mut line = vec![Piece::new(words, replay_token(replay.state))];
    if replay.since.is_set() {
        line.push(Piece::plain(format!("   since {}", at(replay.since))));
    }
    if replay.sent > 0 {
        line.push(Piece::plain(format!("   {} sent", grouped(replay.sent))));
    }
    if let Some(left) = replay.done_in_us {
        line.push(Piece::dim(format!("   done in {}", ahead(left, brief))));
    }
    blocks.push(Block::Fact("replay".into(), line));
    blocks
}
