//! The lower sections of an appliance's detail view: what was lost, its collectors, its
//! configuration, the system below it, and what it makes up.

use crate::app::ctx::ViewCtx;
use crate::model::appliance::ApplianceState;
use crate::model::text::{counted, grouped, iec};
use crate::panes::list::columns::instant;
use crate::theme::Token;
use crate::ui::Piece;
use crate::ui::sections::Block;

use super::words::{UNKNOWN, ago, maybe, maybe_rate, percent};

/// What was lost, when and why.
pub(super) fn losses<'a>(state: &'a ApplianceState, cx: &ViewCtx<'a>) -> Vec<Block<'a>> {
    let mut blocks = vec![Block::Gap, Block::Title("Lost".into())];
    if state.lost_day > 0 {
        let words = format!("at least {} in 24 h", counted(state.lost_day, "record", "records"));
        blocks.push(Block::Words(words.into(), Token::Bad));
    } else if state.answered.is_set() {
        blocks.push(Block::Words("no loss was seen in 24 h".into(), Token::Text));
    } else {
        blocks.push(Block::Words("not known".into(), Token::Off));
    }
    let at: Vec<String> = state.losses.iter().map(|l| instant(l.at, cx.ctx.now, cx.ctx.utc_offset_s)).collect();
    let at_width = at.iter().map(|t| t.chars().count()).max().unwrap_or_default();
    let service_width = state.losses.iter().map(|l| l.collector.chars().count()).max().unwrap_or_default();
    let mut cause = "";
    for (loss, at) in state.losses.iter().zip(at) {
        // An overflow hits several services at once: the cause stands once above them.
        if loss.cause != cause {
            cause = &loss.cause;
            blocks.push(Block::Words(cause.into(), Token::Text));
        }
        let mut line = vec![
            Piece::dim(format!("  {at:<at_width$}  ")),
            Piece::new(format!("{:>9}", grouped(loss.records)), Token::Bad),
            Piece::plain(format!("  {:<service_width$}", loss.collector)),
        ];
        if let Some(pending) = loss.pending {
            line.push(Piece::plain(format!("  {} not forwarded", grouped(pending))));
        }
        blocks.push(Block::Line(line));
    }
    blocks
}

/// Each collector's part of the buffer.
pub(super) fn collectors<'a>(state: &'a ApplianceState, cx: &ViewCtx<'a>) -> Vec<Block<'a>> {
    if state.collectors.is_empty() {
        return Vec::new();
    }
    let mut blocks = vec![Block::Gap, Block::Title("Services".into())];
    for c in &state.collectors {
        for port in c.ports.iter().filter(|p| p.relay_without_collector()) {
            let words = format!(
                "{}: the relay on port {} accepts for a collector that is not there: all sent to it is lost",
                c.name, port.public
            );
            blocks.push(Block::Words(words.into(), Token::Critical));
        }
    }
    let headers = ["Service", "Process", "Data", "Last", "In/s", "Waiting", "Quota*", "Keep h", "Lost 24h"];
    let cells = state.collectors.iter().map(|c| {
        vec![
            c.name.clone(),
            if c.disabled { "switched off".to_owned() } else { c.process.word().to_owned() },
            c.flow.word().to_owned(),
            ago(c.last_data, cx.ctx.now),
            maybe_rate(c.in_milli),
            maybe(c.pending),
            c.quota_permille.map_or_else(|| UNKNOWN.to_owned(), percent),
            c.retention_hours.map_or_else(|| UNKNOWN.to_owned(), |h| h.to_string()),
            if c.lost_day > 0 { maybe(Some(c.lost_day)) } else { "none".to_owned() },
        ]
    });
    blocks.push(Block::Table(headers.map(str::to_owned).to_vec(), cells.collect()));
    blocks.push(Block::Words("* as configured; the appliance does not enforce it.".into(), Token::Dim));
    blocks
}

fn on_off(value: Option<bool>) -> &'static str {
    match value {
        Some(true) => "on",
        Some(false) => "off",
        None => "not told",
    }
}

/// Its configuration, and what in it is dangerous.
pub(super) fn configuration(state: &ApplianceState) -> Vec<Block<'_>> {
    let mut blocks = vec![Block::Gap, Block::Title("Configuration".into())];
    for danger in &state.dangers {
        blocks.push(Block::Fact("danger".into(), vec![Piece::new(danger.as_str(), Token::Bad)]));
    }
    let buffer = format!("{}   compression {}", on_off(state.enabled), on_off(state.compression));
    blocks.push(Block::fact("buffer", buffer));
    if let Some(days) = state.retention_days {
        blocks.push(Block::fact("keeps", format!("{days} days, where a service has no time of its own")));
    }
    if !state.overflow_action.is_empty() {
        blocks.push(Block::fact("when full", state.overflow_action.as_str()));
    }
    blocks.push(Block::fact("software", format!("{} version", state.version.word())));
    blocks
}

/// The system below it.
pub(super) fn system(state: &ApplianceState) -> Vec<Block<'_>> {
    let mut blocks = Vec::new();
    for disk in &state.disks {
        let free = disk.free_bytes.map_or_else(String::new, |n| format!(", {} free", iec(n)));
        let size = disk.size_bytes.map_or_else(String::new, |n| format!(" of {}", iec(n)));
        // The mount point may be long: it is no label, which all others would be widened to.
        let line = format!("{}  {} % used{free}{size}", disk.mount, disk.used_pct);
        let token = if disk.used_pct >= 90 { Token::Bad } else { Token::Text };
        blocks.push(Block::Fact("disk".into(), vec![Piece::new(line, token)]));
    }
    if state.database_bytes.is_some() || state.wal_bytes.is_some() {
        let told = |n: Option<u64>| n.map_or_else(|| UNKNOWN.to_owned(), iec);
        let words = format!("{}, write-ahead log {}", told(state.database_bytes), told(state.wal_bytes));
        blocks.push(Block::fact("database", words));
    }
    if let Some([one, five, fifteen]) = state.load_milli {
        let load = |n: u64| format!("{:.2}", n as f64 / 1000.0);
        let cpus = state.cpus.map_or_else(String::new, |n| format!("   {}", counted(n.into(), "CPU", "CPUs")));
        blocks.push(Block::fact("load", format!("{} {} {}{cpus}", load(one), load(five), load(fifteen))));
    }
    if let Some(pct) = state.memory_pct {
        blocks.push(Block::fact("memory", format!("{pct} % used")));
    }
    if let Some(up) = state.uptime_s {
        let us = i64::try_from(up).unwrap_or(i64::MAX).saturating_mul(crate::model::time::SECOND);
        blocks.push(Block::fact("up for", super::words::brief(us)));
    }
    if blocks.is_empty() {
        return blocks;
    }
    let title = if state.host_told_by.is_empty() {
        "System".to_owned()
    } else {
        format!("System, as told by {}", state.host_told_by)
    };
    [Block::Gap, Block::Title(title.into())].into_iter().chain(blocks).collect()
}

/// What the appliance makes up.
pub(super) fn estimates(state: &ApplianceState) -> Vec<Block<'_>> {
    if state.estimates.is_empty() {
        return Vec::new();
    }
    let mut blocks = vec![Block::Gap, Block::Title("Made up by the appliance: used for nothing here".into())];
    for e in &state.estimates {
        let mark = if e.stub { "STUB" } else { "EST " };
        blocks.push(Block::Line(vec![
            Piece::new(mark, Token::Warning),
            Piece::plain(format!("  {}  ", e.name)),
            Piece::dim(e.value.as_str()),
        ]));
    }
    if state.absurd_time {
        blocks.push(Block::Words("Some of its time-stamps are absurd; they were clamped.".into(), Token::Warning));
    }
    blocks
}
