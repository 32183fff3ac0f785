//! Columns of the appliances: on a narrow screen what a tired person needs first.

use crate::app::ctx::Ctx;
use crate::model::appliance::ApplianceRow;
use crate::model::appliance::state::{Contact, ReplayState, UplinkState};
use crate::model::ids::RowId;
use crate::model::page::{Rows, Table};
use crate::panes::list::{CellCx, ColumnDef, Row};
use crate::theme::Token;
use crate::ui::Piece;
use crate::ui::gauge::bar;
use crate::ui::spark::spark;

use super::words::{
    UNKNOWN, ago, compact, contact_token, coverage, fill_token, forecast, maybe, maybe_rate, mute, old_words, percent,
    replay_token, took, uplink_token, verdict,
};

/// Columns of the bar in a row.
const BAR: u16 = 6;
/// Columns of the little curve: five minutes each.
pub(super) const CURVE: u16 = 12;

impl Row for ApplianceRow {
    const TABLE: Table = Table::Appliances;
    const MEASURED: bool = true;

    fn rows(rows: &Rows) -> &[Self] {
        if let Rows::Appliances(rows) = rows { rows } else { &[] }
    }

    fn id(&self) -> RowId {
        self.id
    }

    fn stale(&self, cx: &Ctx) -> bool {
        old_words(&self.state, &self.source, cx).is_some()
    }
}

fn unknown<'a>() -> Vec<Piece<'a>> {
    vec![Piece::new(UNKNOWN, Token::Off)]
}

fn number<'a>(words: String) -> Vec<Piece<'a>> {
    if words == UNKNOWN { unknown() } else { vec![Piece::plain(words)] }
}

/// The columns, in their order.
pub(super) static COLUMNS: &[ColumnDef<ApplianceRow>] = &[
    ColumnDef::left("verdict", "V", (2, 2), 0, |row, _| {
        let (sign, token) = verdict(row.state.verdict);
        vec![Piece::new(sign, token)]
    }),
    ColumnDef::left("name", "Appliance", (16, 24), 0, |row, _| vec![Piece::new(&*row.source, Token::Strong)]),
    ColumnDef::left("fill_pct", "Fill", (12, 12), 0, fill),
    ColumnDef::left("fill_hour", "Last hour", (CURVE, CURVE), 3, curve),
    ColumnDef::right("full_in_s", "Full in", (7, 7), 1, |row, _| vec![forecast(&row.state.full)]),
    ColumnDef::right("loss_in_s", "Loss in", (7, 7), 4, |row, _| vec![forecast(&row.state.first_loss)]),
    ColumnDef::left("coverage_s", "Covers", (10, 10), 1, |row, _| number(coverage(&row.state))),
    ColumnDef::left("uplink", "Uplink", (11, 11), 1, uplink),
    ColumnDef::right("answered", "Age", (4, 5), 2, age),
    ColumnDef::right("alarms", "Alm", (3, 4), 3, |row, _| match row.alarms {
        0 => Vec::new(),
        n => vec![Piece::new(n.to_string(), Token::Bad)],
    }),
    ColumnDef::right("in_per_s", "In/s", (5, 6), 4, |row, _| number(maybe_rate(row.state.in_milli))),
    ColumnDef::right("out_per_s", "Out/s", (5, 6), 4, |row, _| number(maybe_rate(row.state.out_milli))),
    ColumnDef::right("pending", "Pending", (7, 7), 4, |row, _| number(maybe(row.state.pending))),
    ColumnDef::right("lost_day", "Lost 24h", (8, 8), 5, lost),
    ColumnDef::left("replay", "Replay", (7, 8), 5, |row, _| match row.state.replay.state {
        ReplayState::Unknown => unknown(),
        state => vec![Piece::new(state.word(), replay_token(state))],
    }),
    ColumnDef::right("response_ms", "Resp", (5, 6), 6, response),
    ColumnDef::left("contact", "Answers", (9, 13), 7, |row, _| {
        vec![Piece::new(row.state.contact.word(), contact_token(row.state.contact))]
    }),
    ColumnDef::<ApplianceRow>::left("why", "Why", (20, 60), 8, |row, _| {
        vec![Piece::plain(row.state.reasons.first().map_or("", String::as_str))]
    }),
];

/// A bar with its per cent; words where there is no fill.
fn fill<'a>(row: &'a ApplianceRow, cx: &CellCx<'a>) -> Vec<Piece<'a>> {
    let state = &row.state;
    if state.contact == Contact::LimitZero {
        return vec![Piece::new("limit is 0", Token::Bad)];
    }
    let Some(permille) = state.fill_permille else {
        return match state.contact {
            Contact::Answering | Contact::Slow => unknown(),
            contact => vec![Piece::new(contact.word(), contact_token(contact))],
        };
    };
    // An old fill has the look of its row.
    let token = if mute(state.contact) { Token::Text } else { fill_token(permille) };
    vec![
        Piece::new(bar(BAR, permille, 1000, cx.glyphs), token),
        Piece::new(format!("{:>5}", percent(permille)), if token == Token::Good { Token::Text } else { token }),
    ]
}

fn curve<'a>(row: &'a ApplianceRow, cx: &CellCx<'a>) -> Vec<Piece<'a>> {
    let values: Vec<Option<u64>> = row.fill_hour.iter().map(|v| v.map(u64::from)).collect();
    vec![Piece::dim(spark(&values, 1000, CURVE, cx.glyphs))]
}

fn uplink<'a>(row: &'a ApplianceRow, cx: &CellCx<'a>) -> Vec<Piece<'a>> {
    let uplink = &row.state.uplink;
    // What is old has the look of its row.
    let token = if mute(row.state.contact) { Token::Text } else { uplink_token(uplink.state) };
    match uplink.state {
        UplinkState::Unknown => unknown(),
        UplinkState::NotChecked => vec![Piece::new("not checked", token)],
        UplinkState::Up => vec![Piece::new("up", token)],
        UplinkState::Down if uplink.since.is_set() => {
            vec![Piece::new("down", token), Piece::plain(format!(" {}", ago(uplink.since, cx.now)))]
        }
        UplinkState::Down => vec![Piece::new("down", token)],
    }
}

fn age<'a>(row: &'a ApplianceRow, cx: &CellCx<'a>) -> Vec<Piece<'a>> {
    if !row.state.answered.is_set() {
        return unknown();
    }
    let token = if row.stale(cx.view.ctx) { Token::Stale } else { Token::Dim };
    vec![Piece::new(ago(row.state.answered, cx.now), token)]
}

fn lost<'a>(row: &'a ApplianceRow, _: &CellCx<'a>) -> Vec<Piece<'a>> {
    match row.state.lost_day {
        _ if !row.state.answered.is_set() => unknown(),
        0 => vec![Piece::dim("none")],
        n => vec![Piece::new(format!(">={}", compact(n)), Token::Bad)],
    }
}

fn response<'a>(row: &'a ApplianceRow, _: &CellCx<'a>) -> Vec<Piece<'a>> {
    match row.state.contact {
        Contact::Answering => vec![Piece::plain(took(row.state.response_us))],
        Contact::Slow => vec![Piece::new(took(row.state.response_us), Token::Busy)],
        _ => unknown(),
    }
}
