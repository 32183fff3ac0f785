//! Draws all that is known about one service of an appliance.

use crate::app::ctx::ViewCtx;
use crate::model::appliance::CollectorRow;
use crate::model::appliance::state::PortState;
use crate::model::text::{grouped, iec};
use crate::panes::health::stale_words;
use crate::panes::list::columns::moment;
use crate::theme::Token;
use crate::ui::Piece;
use crate::ui::sections::Block;

use super::super::past::Past;
use super::super::words::{ago, flow_token, forecast, maybe_rate, mute, percent, process_token};

/// Why the list is empty and what to do about it.
pub(super) fn empty(filtered: bool, one: Option<&str>) -> Vec<String> {
    match (filtered, one) {
        (true, _) => vec!["No service matches; esc shows all.".to_owned()],
        (_, Some(name)) => {
            vec![format!("Nothing is known of the services of {name}."), "A shows those of all appliances.".to_owned()]
        }
        _ => vec!["No appliance has told of a service yet.".to_owned()],
    }
}

/// Everything about a service.
pub(super) fn blocks<'a>(row: &'a CollectorRow, past: &Past, room: (u16, u16), cx: &ViewCtx<'a>) -> Vec<Block<'a>> {
    let mut blocks = Vec::new();
    for port in row.state.ports.iter().filter(|p| p.relay_without_collector()) {
        blocks.push(Block::Words(
            format!(
                "DEAD RELAY: port {} accepts, and nobody listens on {} behind it. All that is sent there is lost.",
                port.public,
                port.inner.unwrap_or_default()
            )
            .into(),
            Token::Critical,
        ));
    }
    blocks.extend(facts(row, cx));
    blocks.push(Block::Gap);
    blocks.extend(past.blocks(&row.source, Some(&row.state.name), room, cx));
    blocks.extend(stored(row, cx));
    blocks.extend([
        Block::Gap,
        Block::Words("x r restarts it, A shows all appliances, esc goes back.".into(), Token::Dim),
    ]);
    blocks
}

fn facts<'a>(row: &'a CollectorRow, cx: &ViewCtx<'a>) -> Vec<Block<'a>> {
    let s = &row.state;
    let at = |t| moment(t, cx.ctx.now, cx.ctx.utc_offset_s);
    let mut process = vec![Piece::new(s.process.word(), process_token(s.process))];
    if s.disabled {
        process.push(Piece::plain("   switched off on purpose"));
    }
    if s.critical {
        process.push(Piece::plain("   the appliance is in trouble without it"));
    }
    let mut blocks = vec![Block::fact("appliance", &*row.source)];
    if mute(row.contact) || stale_words(cx.ctx, &row.source).is_some() {
        let words = format!("it is {}: what stands here is {} old", row.contact.word(), ago(row.at, cx.ctx.now));
        blocks.push(Block::Fact("stale".into(), vec![Piece::new(words, Token::Stale)]));
    }
    if !s.collects.is_empty() {
        blocks.push(Block::fact("collects", s.collects.as_str()));
    }
    blocks.push(Block::Fact("process".into(), process));
    if s.process_since.is_set() {
        blocks.push(Block::fact("since", at(s.process_since)));
    }
    if let Some(n) = s.restarts {
        blocks.push(Block::fact("restarts", n.to_string()));
    }
    for port in &s.ports {
        blocks.push(Block::Fact("port".into(), port_line(port)));
    }
    blocks.push(Block::Fact("data".into(), vec![Piece::new(s.flow.word(), flow_token(s.flow))]));
    if s.last_data.is_set() {
        blocks.push(Block::fact("last data", at(s.last_data)));
    }
    let rates = format!("in {}/s   out {}/s", maybe_rate(s.in_milli), maybe_rate(s.out_milli));
    blocks.push(Block::fact("rates", rates));
    for (kind, milli) in &s.meters {
        let name = match kind {
            crate::model::appliance::poll::MeterKind::Received => "it received",
            crate::model::appliance::poll::MeterKind::Sent => "it sent",
            crate::model::appliance::poll::MeterKind::Dropped => "it dropped",
            crate::model::appliance::poll::MeterKind::Errors => "its errors",
        };
        blocks.push(Block::fact(name, format!("{}/s, by its own counters", maybe_rate(Some(*milli)))));
    }
    blocks
}

fn port_line(port: &PortState) -> Vec<Piece<'_>> {
    let token = |check| match check {
        crate::model::appliance::state::PortCheck::Listening => Token::Good,
        crate::model::appliance::state::PortCheck::Closed => Token::Bad,
        crate::model::appliance::state::PortCheck::NotChecked => Token::Off,
    };
    let protocol = if port.tcp { "tcp" } else { "udp" };
    let mut line = vec![
        Piece::plain(format!("{protocol} {} ", port.public)),
        Piece::new(port.public_state.word(), token(port.public_state)),
    ];
    if !port.holder.is_empty() {
        line.push(Piece::dim(format!(" ({})", port.holder)));
    }
    if let Some(inner) = port.inner {
        line.push(Piece::plain(format!(", behind it {inner} ")));
        line.push(Piece::new(port.inner_state.word(), token(port.inner_state)));
    }
    line
}

/// Its part of the buffer.
fn stored<'a>(row: &'a CollectorRow, cx: &ViewCtx<'a>) -> Vec<Block<'a>> {
    let s = &row.state;
    let at = |t| moment(t, cx.ctx.now, cx.ctx.utc_offset_s);
    let count = |n: Option<u64>| n.map_or_else(|| "not told".to_owned(), grouped);
    let mut blocks = vec![Block::Gap, Block::Title("In the buffer".into())];
    blocks.push(Block::fact("records", count(s.records)));
    blocks.push(Block::fact("size", s.bytes.map_or_else(|| "not told".to_owned(), iec)));
    blocks.push(Block::fact("waiting", count(s.pending)));
    blocks.push(Block::fact("forwarded", count(s.forwarded)));
    for (name, t) in [("oldest", s.oldest), ("newest", s.newest)] {
        if t.is_set() {
            blocks.push(Block::fact(name, at(t)));
        }
    }
    if let Some(quota) = s.quota_records {
        let used = s.quota_permille.map_or_else(String::new, |p| format!(", {} used", percent(p)));
        let reached = forecast(&s.quota_full).text;
        let words = format!("{} records{used}, reached in {reached}", grouped(quota));
        blocks.push(Block::fact("quota", words));
        blocks.push(Block::Fact("".into(), vec![Piece::new("not enforced by the appliance", Token::Warning)]));
    }
    if let Some(hours) = s.retention_hours {
        blocks.push(Block::fact("kept for", format!("{hours} h")));
    }
    if !s.compression.is_empty() {
        blocks.push(Block::fact("compression", s.compression.as_str()));
    }
    if s.lost_day > 0 {
        let words = format!("at least {} records in 24 h", grouped(s.lost_day));
        blocks.push(Block::Fact("lost".into(), vec![Piece::new(words, Token::Bad)]));
    }
    if s.absurd_time {
        blocks.push(Block::Words("Some of its time-stamps are absurd; they were clamped.".into(), Token::Warning));
    }
    blocks
}
