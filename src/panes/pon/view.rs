//! Draws the tree and all that is known about one node.

use crate::app::ctx::{Ctx, ViewCtx};
use crate::model::command::LiveSection;
use crate::model::page::NodeDetail;
use crate::model::resource::NodeKind;
use crate::model::text::grouped;
use crate::model::time::Ts;
use crate::model::topology::NodeRow;
use crate::panes::health::stale_words;
use crate::panes::list::columns::{instant, moment, severity_counts};
use crate::theme::Token;
use crate::ui::Piece;
use crate::ui::gauge::bar;
use crate::ui::sections::Block;

use super::columns::{kind_and_name, own_name, place_words, state_word};

/// What a controller said about a node when asked.
#[derive(Debug, Default)]
pub(super) struct Live {
    /// Sections, in the order they came.
    pub sections: Vec<LiveSection>,
    /// When the newest came.
    pub at: Ts,
    /// A question is under way.
    pub asking: bool,
    /// Why there is no answer.
    pub failed: Option<String>,
}

/// Why the tree is empty and what to do about it.
pub(super) fn empty(filtered: bool, cx: &Ctx) -> Vec<String> {
    let lines: &[&str] = if filtered {
        &["No device or port matches.", "\\ clears the filter and shows the tree again."]
    } else if cx.sources.is_empty() {
        &["No source is configured, so no device is known.", "`noctule demo` shows a living network."]
    } else {
        &["No device is known yet.", "They appear after the first poll of a source; 6 shows how that goes."]
    };
    lines.iter().map(|l| (*l).to_owned()).collect()
}

/// Title of the detail view.
pub(super) fn title(row: &NodeRow) -> String {
    kind_and_name(row)
}

/// Everything about a node.
pub(super) fn blocks<'a>(
    row: &'a NodeRow,
    detail: Option<&'a NodeDetail>,
    live: Option<&'a Live>,
    cx: &ViewCtx<'a>,
) -> Vec<Block<'a>> {
    let mut blocks = Vec::new();
    // What was just asked for stands first: it must not arrive below the edge of the screen.
    if let Some(live) = live {
        live_blocks(&mut blocks, live, cx.ctx);
        blocks.push(Block::Title("As the cache knows it".into()));
    }
    blocks.extend(facts(row, cx));
    if let Some(detail) = detail {
        place(&mut blocks, detail);
        alarms(&mut blocks, detail, cx.ctx);
        measurements(&mut blocks, detail, cx.ctx);
    }
    if live.is_none() && matches!(row.kind().word(), "olt" | "onu") {
        blocks.extend([
            Block::Gap,
            Block::Words("r reads ports, flows, meters and PM from the controller; V one value.".into(), Token::Dim),
        ]);
    }
    blocks
}

fn facts<'a>(row: &'a NodeRow, cx: &ViewCtx<'a>) -> Vec<Block<'a>> {
    let at = |t| moment(t, cx.ctx.now, cx.ctx.utc_offset_s);
    let mut blocks = Vec::new();
    if let Some((word, token)) = state_word(row) {
        let mut state = vec![Piece::new(word, token)];
        if let Some(words) = stale_words(cx.ctx, &row.source) {
            state.push(Piece::new(format!("  {words}"), Token::Stale));
        }
        blocks.push(Block::Fact("state".into(), state));
        let states = [("admin", row.admin_word()), ("oper", row.oper_word()), ("connect", row.connect_word())];
        let states: Vec<_> =
            states.iter().filter(|(_, word)| !word.is_empty()).map(|(name, word)| format!("{name} {word}")).collect();
        blocks.push(Block::Fact("".into(), vec![Piece::dim(states.join(", "))]));
    }
    for (name, value) in [
        ("id", &row.canonical),
        ("name", &row.name),
        ("serial", &row.serial),
        ("reason", &row.reason),
        ("vendor", &row.vendor),
        ("model", &row.model),
        ("firmware", &row.firmware),
        ("address", &row.address),
        ("device id", &row.device_id),
        ("logical device", &row.logical_id),
    ] {
        if !value.is_empty() {
            blocks.push(Block::fact(name, value.as_str()));
        }
    }
    // Of an ONU the state above says it.
    if row.onus > 0 && !matches!(row.kind(), NodeKind::Onu | NodeKind::Uni) {
        let words = format!(
            "{} {} of {} up",
            bar(10, row.onus_active.into(), row.onus.into(), cx.glyphs),
            grouped(row.onus_active.into()),
            grouped(row.onus.into())
        );
        blocks.push(Block::fact("ONUs", words));
    }
    for (name, n) in [("subscribers", row.subscribers), ("flows", row.flows)] {
        if n > 0 {
            blocks.push(Block::fact(name, grouped(n.into())));
        }
    }
    for (name, centi) in [("received", row.rx_centi_dbm), ("launched", row.tx_centi_dbm)] {
        if let Some(centi) = centi {
            blocks.push(Block::fact(name, format!("{:.2} dBm", f64::from(centi) / 100.0)));
        }
    }
    if row.worst().is_some() {
        blocks.push(Block::Fact("alarms".into(), severity_counts(row.alarms)));
    }
    blocks.push(Block::fact("changed", at(row.changed_at)));
    if row.as_of.is_set() {
        blocks.push(Block::fact("confirmed", at(row.as_of)));
    }
    blocks
}

fn place<'a>(blocks: &mut Vec<Block<'a>>, detail: &'a NodeDetail) {
    if !detail.ancestors.is_empty() {
        let names: Vec<_> = detail.ancestors.iter().map(own_name).collect();
        blocks.push(Block::fact("on", names.join(" / ")));
    }
    if !detail.former_ids.is_empty() {
        blocks.push(Block::fact("former ids", detail.former_ids.join(", ")));
    }
}

fn alarms<'a>(blocks: &mut Vec<Block<'a>>, detail: &'a NodeDetail, cx: &'a Ctx) {
    if detail.alarms.is_empty() {
        return;
    }
    blocks.extend([Block::Gap, Block::Title("Alarms of it and above it".into())]);
    for alarm in &detail.alarms {
        let title = cx.alarm_types.get(&alarm.type_id).map_or(alarm.type_id.as_str(), |t| t.title.as_str());
        blocks.push(Block::Line(vec![
            Piece::new(format!("{} ", alarm.severity.letter()), Token::severity(alarm.severity)),
            Piece::plain(title),
            Piece::dim(format!("  {}  ", alarm.shown().word())),
            Piece::dim(place_words(&alarm.canonical)),
        ]));
    }
}

fn measurements<'a>(blocks: &mut Vec<Block<'a>>, detail: &'a NodeDetail, cx: &Ctx) {
    for sample in &detail.kpis {
        let at = instant(sample.source_time, cx.now, cx.utc_offset_s);
        blocks.extend([Block::Gap, Block::Title(format!("{} at {at}", sample.group).into())]);
        for (name, value) in &sample.metrics {
            blocks.push(Block::fact(name.as_str(), format!("{value}")));
        }
    }
}

fn live_blocks<'a>(blocks: &mut Vec<Block<'a>>, live: &'a Live, cx: &Ctx) {
    if live.asking {
        blocks.extend([Block::Words("asking the controller".into(), Token::Busy), Block::Gap]);
    }
    if let Some(why) = &live.failed {
        let words = format!("the controller did not answer: {why}");
        blocks.extend([Block::Words(words.into(), Token::Bad), Block::Gap]);
    }
    for section in &live.sections {
        let at = instant(live.at, cx.now, cx.utc_offset_s);
        blocks.push(Block::Title(format!("{} (read at {at})", section.title).into()));
        if !section.note.is_empty() {
            blocks.push(Block::Words(section.note.as_str().into(), Token::Dim));
        }
        if !section.rows.is_empty() {
            blocks.push(Block::Table(section.headers.clone(), section.rows.clone()));
        }
        blocks.push(Block::Gap);
    }
}
