//! Draws the alarm list and everything that is known about one alarm.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::app::ctx::{Ctx, ViewCtx};
use crate::model::alarm::{AlarmDetail, AlarmRow, OpChange, OpState, RawEvent, Shown, StatusChange};
use crate::model::page::Scope;
use crate::model::severity::Severity;
use crate::model::source::Health;
use crate::model::text::counted;
use crate::panes::health::stale_words;
use crate::panes::list::columns::{instant, moment};
use crate::theme::{Glyphs, Token};
use crate::ui::Piece;
use crate::ui::sections::Block;

use super::AlarmsPane;
use super::columns::{state_token, title};
use super::live::Live;

impl AlarmsPane {
    /// Draws the pane.
    pub(super) fn draw<'a>(&'a self, buf: &mut Buffer, area: Rect, cx: &ViewCtx<'a>) {
        self.split.draw(buf, area, cx, &self.empty(cx.ctx), |row| {
            // The row is newer than the rest: the list is asked for first.
            let detail = self.fetched.get().filter(|d| d.row.id == row.id);
            let live = self.live.as_ref().filter(|(of, _)| *of == row.id).map(|(_, live)| live);
            (title(row, cx.ctx).to_owned(), blocks(row, detail, live, cx))
        });
    }

    /// Why the list is empty and what to do about it.
    fn empty(&self, cx: &Ctx) -> Vec<String> {
        if let Some(why) = &cx.unsaved {
            return vec!["What happens now cannot be saved, so it is not shown:".into(), why.to_string()];
        }
        let silent = cx.sources.iter().filter(|s| !matches!(s.report.health, Health::Up | Health::Paused)).count();
        let lines: &[&str] = if self.split.list.filtered() {
            &["No alarm matches.", "\\ clears the filter, h shows hidden alarms."]
        } else if self.split.list.scope() == Scope::Hidden {
            &["Nothing is shelved, suppressed or out of service.", "h goes on to all alarms."]
        } else if cx.sources.is_empty() {
            &[
                "No source is configured, so no alarm can come.",
                "`noctule config example` prints a configuration; `noctule demo` shows a living network.",
            ]
        } else if silent > 0 {
            return vec![
                "No open alarms are known.".into(),
                format!(
                    "{} not up, so there may be some: 6 shows why.",
                    counted(silent as u64, "source is", "sources are")
                ),
            ];
        } else {
            &[
                "No open alarms.",
                "h shows hidden alarms and those that are over; f the live feed; 6 how the sources are.",
            ]
        };
        lines.iter().map(|l| (*l).to_owned()).collect()
    }
}

fn blocks<'a>(
    row: &'a AlarmRow,
    detail: Option<&'a AlarmDetail>,
    live: Option<&'a Live>,
    cx: &ViewCtx<'a>,
) -> Vec<Block<'a>> {
    let mut blocks = facts(row, cx);
    if !row.suppressed_by.is_empty() {
        let words = format!("at its source {} by {}", row.source, row.suppressed_by);
        blocks.insert(2.min(blocks.len()), Block::fact("suppressed", words));
    }
    if let Some(live) = live {
        live.blocks(&mut blocks, cx.ctx);
    }
    advice(&mut blocks, row, cx.ctx);
    let Some(detail) = detail else {
        blocks.push(Block::Gap);
        blocks.push(Block::Words("reading the history".into(), Token::Dim));
        return blocks;
    };
    operators(&mut blocks, &detail.op_history, cx.ctx);
    history(&mut blocks, &detail.history, detail.history_dropped, cx);
    raw(&mut blocks, &detail.raw, cx.ctx);
    blocks
}

fn facts<'a>(row: &'a AlarmRow, cx: &ViewCtx<'a>) -> Vec<Block<'a>> {
    let at = |t| moment(t, cx.ctx.now, cx.ctx.utc_offset_s);
    let mut blocks = vec![Block::Fact("severity".into(), severity(row, cx.glyphs))];
    let mut words = format!("  {}", state_words(row.shown()));
    if row.cleared {
        words = format!("{words}, cleared: {}", row.clear_reason.word());
    } else if !row.will_clear {
        words = format!("{words}, its source never clears it");
    }
    let state = vec![Piece::new(row.shown().word(), state_token(row.shown())), Piece::dim(words)];
    blocks.push(Block::Fact("state".into(), state));
    for (name, value) in [
        ("on", row.canonical.as_str()),
        ("name", row.name.as_str()),
        ("where", row.location.as_str()),
        ("text", row.text.as_str()),
    ] {
        if !value.is_empty() {
            blocks.push(Block::fact(name, value));
        }
    }
    if row.subscribers > 0 {
        blocks.push(Block::fact("subscribers", row.subscribers.to_string()));
    }
    blocks.push(Block::fact("raised", format!("{}, source's clock", at(row.raised_at))));
    blocks.push(Block::fact("received", at(row.received_at)));
    blocks.push(Block::fact("changed", at(row.last_changed)));
    if row.cleared_at.is_set() {
        blocks.push(Block::fact("cleared", at(row.cleared_at)));
    }
    blocks.push(Block::fact("seen", seen(row, &at(row.first_seen))));
    if !row.owner.is_empty() {
        blocks.push(Block::fact("owner", row.owner.as_str()));
    }
    if !row.op_user.is_empty() {
        let words = match row.op_state {
            OpState::None => format!("by {}, {}", row.op_user, at(row.op_time)),
            state => format!("{} by {}, {}", state.word(), row.op_user, at(row.op_time)),
        };
        blocks.push(Block::fact("last action", words));
    }
    if !row.op_text.is_empty() {
        blocks.push(Block::fact("note", row.op_text.as_str()));
    }
    for (name, until) in [("acknowledged until", row.ack_until), ("shelved until", row.shelf_until)] {
        if until.is_set() {
            blocks.push(Block::fact(name, at(until)));
        }
    }
    let mut source = vec![Piece::plain(&*row.source)];
    if let Some(words) = stale_words(cx.ctx, &row.source) {
        source.push(Piece::new(format!("  {words}"), Token::Stale));
    }
    blocks.push(Block::Fact("source".into(), source));
    if row.own_query {
        blocks.push(Block::fact("cause", "a query of noctule's own made the device report this"));
    }
    for (name, value) in [("type", row.type_id.as_str()), ("qualifier", row.qualifier.as_str())] {
        if !value.is_empty() {
            blocks.push(Block::fact(name, value));
        }
    }
    blocks.push(Block::fact("key", row.key.to_string()));
    blocks
}

/// What ISA-18.2's short names mean.
const fn state_words(shown: Shown) -> &'static str {
    match shown {
        Shown::Unack => "standing, nobody has acknowledged it",
        Shown::Acked => "standing, acknowledged",
        Shown::Disputed => "closed by an operator, but still standing",
        Shown::Rtnun => "over, nobody has acknowledged it",
        Shown::Normal => "over and dealt with",
        Shown::Shelved => "shelved for a time",
        Shown::Suppressed => "suppressed at its source or by design",
        Shown::OutOfService => "its object is out of service",
    }
}

fn seen(row: &AlarmRow, since: &str) -> String {
    let repeats = match row.dup_count {
        0 => String::new(),
        1 => ", told once more in this spell".into(),
        n => format!(", told {n} times more in this spell"),
    };
    if row.occurrences == 1 {
        format!("once, {since}{repeats}")
    } else {
        format!("{} times since {since}{repeats}", row.occurrences)
    }
}

fn severity<'a>(row: &AlarmRow, glyphs: &'a Glyphs) -> Vec<Piece<'a>> {
    let token = if row.cleared { Token::Cleared } else { Token::severity(row.severity) };
    let mut pieces = vec![Piece::new(format!("{} {}", row.severity.letter(), row.severity.word()), token)];
    match row.trend {
        1.. => pieces.push(Piece::plain(format!(" {} risen", glyphs.up))),
        0 => {}
        _ => pieces.push(Piece::plain(format!(" {} fallen", glyphs.down))),
    }
    pieces
}

fn advice<'a>(blocks: &mut Vec<Block<'a>>, row: &AlarmRow, cx: &'a Ctx) {
    let Some(kind) = cx.alarm_types.get(&row.type_id) else { return };
    blocks.push(Block::Gap);
    blocks.push(Block::Title("What to do".into()));
    blocks.push(Block::fact("event type", kind.event_type.word()));
    if !kind.probable_cause.is_empty() {
        blocks.push(Block::fact("probable cause", kind.probable_cause.as_str()));
    }
    if !kind.repair.is_empty() {
        blocks.push(Block::Words(kind.repair.as_str().into(), Token::Text));
    }
}

fn operators(blocks: &mut Vec<Block<'_>>, changes: &[OpChange], cx: &Ctx) {
    blocks.push(Block::Gap);
    blocks.push(Block::Title("Operators".into()));
    if changes.is_empty() {
        blocks.push(Block::Words("nobody has done anything yet".into(), Token::Dim));
        return;
    }
    let row = |c: &OpChange| {
        let verb = if c.withdrawn { format!("{} (withdrawn)", c.verb) } else { c.verb.clone() };
        vec![instant(c.at, cx.now, cx.utc_offset_s), c.actor.clone(), verb, c.text.clone()]
    };
    let headers = ["When", "Who", "Did", "Words"].map(str::to_owned).to_vec();
    blocks.push(Block::Table(headers, changes.iter().map(row).collect()));
}

fn history<'a>(blocks: &mut Vec<Block<'a>>, changes: &[StatusChange], dropped: u32, cx: &ViewCtx<'a>) {
    blocks.push(Block::Gap);
    blocks.push(Block::Title("Status changes".into()));
    for change in changes {
        let (word, token) =
            if change.cleared { ("cleared", Token::Cleared) } else { ("raised", severity_token(change)) };
        blocks.push(Block::Line(vec![
            Piece::plain(format!("{:<13}", instant(change.at, cx.ctx.now, cx.ctx.utc_offset_s))),
            Piece::new(format!("{} {}", change.severity.letter(), word), token),
            Piece::dim(format!("  journal {}", change.seq.0)),
        ]));
    }
    if dropped > 0 {
        blocks.push(Block::Words(format!("and {dropped} older ones, no longer kept").into(), Token::Dim));
    }
}

const fn severity_token(change: &StatusChange) -> Token {
    let severity: Severity = change.severity;
    Token::severity(severity)
}

fn raw<'a>(blocks: &mut Vec<Block<'a>>, events: &'a [RawEvent], cx: &Ctx) {
    if events.is_empty() {
        return;
    }
    blocks.push(Block::Gap);
    blocks.push(Block::Title("Events as they came".into()));
    for event in events {
        let origin = event.origin.map_or_else(String::new, |(p, o)| format!("partition {p} offset {o}, "));
        blocks.push(Block::Line(vec![
            Piece::plain(format!("{:<13}", instant(event.at, cx.now, cx.utc_offset_s))),
            Piece::new(event.event.as_str(), Token::Strong),
        ]));
        blocks.push(Block::Line(vec![Piece::dim(format!("{:>13}{origin}journal {}", "", event.seq.0))]));
        for (name, value) in &event.context {
            blocks.push(Block::Line(vec![Piece::dim(format!("{:>13}{name} ", "")), Piece::plain(value.as_str())]));
        }
    }
}
