//! Columns of the alarm list.

use crate::app::ctx::Ctx;
use crate::model::alarm::{AlarmRow, Shown};
use crate::model::ids::RowId;
use crate::model::page::{Rows, Table};
use crate::model::resource::{NodeKind, Resource};
use crate::model::time::Ts;
use crate::panes::health::silent;
use crate::panes::list::columns::{age, instant};
use crate::panes::list::{CellCx, ColumnDef, Row};
use crate::theme::Token;
use crate::ui::Piece;

impl Row for AlarmRow {
    const TABLE: Table = Table::Alarms;
    const ARRIVAL: Option<&'static str> = Some("received_at");

    fn rows(rows: &Rows) -> &[Self] {
        if let Rows::Alarms(rows) = rows { rows } else { &[] }
    }

    fn id(&self) -> RowId {
        self.id
    }

    fn arrived(&self) -> Ts {
        self.received_at
    }

    fn stale(&self, cx: &Ctx) -> bool {
        // That its source is silent is just what such an alarm tells; it is as fresh as can be.
        self.resource.kind != NodeKind::Source && (self.stale_source || silent(cx, &self.source))
    }
}

/// The columns, in their order.
pub(super) static COLUMNS: &[ColumnDef<AlarmRow>] = &[
    ColumnDef::left("severity", "S", (2, 2), 0, severity),
    ColumnDef::left("state", "State", (5, 8), 1, state),
    ColumnDef::right("raised_at", "Age", (6, 6), 2, raised),
    ColumnDef::left("resource", "Resource", (17, 24), 3, resource),
    ColumnDef::left("location", "Where", (24, 36), 8, |row, _| vec![Piece::plain(row.location.as_str())]),
    ColumnDef::left("name", "Name", (14, 24), 7, |row, _| vec![Piece::plain(row.name.as_str())]),
    ColumnDef::left("type", "Alarm", (22, 34), 4, title_cell),
    ColumnDef::left("text", "Text", (24, 80), 6, words),
    ColumnDef::left("owner", "Owner", (6, 10), 5, |row, _| vec![Piece::plain(row.owner.as_str())]),
    ColumnDef::right("occurrences", "Seen", (4, 6), 6, occurrences),
    ColumnDef::right("subscribers", "Subs", (5, 7), 9, subscribers),
    ColumnDef::left("source", "Source", (8, 14), 9, |row, _| vec![Piece::dim(&*row.source)]),
    ColumnDef::<AlarmRow>::left("last_changed", "Changed", (8, 11), 1, |row, cx| when(row.last_changed, cx)).hidden(),
    ColumnDef::<AlarmRow>::left("received_at", "Received", (8, 11), 4, |row, cx| when(row.received_at, cx)).hidden(),
    ColumnDef::<AlarmRow>::left("first_seen", "First", (8, 11), 6, |row, cx| when(row.first_seen, cx)).hidden(),
    ColumnDef::<AlarmRow>::left("last_seen", "Last", (8, 11), 6, |row, cx| when(row.last_seen, cx)).hidden(),
];

fn when<'a>(at: Ts, cx: &CellCx<'a>) -> Vec<Piece<'a>> {
    vec![Piece::plain(instant(at, cx.now, cx.utc_offset_s))]
}

/// Letter and last move of the severity.
fn severity<'a>(row: &'a AlarmRow, cx: &CellCx<'a>) -> Vec<Piece<'a>> {
    let token = if row.cleared { Token::Cleared } else { Token::severity(row.severity) };
    let trend = match row.trend {
        1.. => cx.glyphs.up,
        0 => "",
        _ => cx.glyphs.down,
    };
    vec![Piece::new(row.severity.letter().to_string(), token), Piece::new(trend, token)]
}

fn state<'a>(row: &'a AlarmRow, _: &CellCx<'a>) -> Vec<Piece<'a>> {
    vec![Piece::new(row.shown().word(), state_token(row.shown()))]
}

/// The token of a state.
pub(super) const fn state_token(shown: Shown) -> Token {
    match shown {
        Shown::Unack => Token::Unack,
        Shown::Acked => Token::Busy,
        Shown::Disputed => Token::Bad,
        Shown::Rtnun | Shown::Normal => Token::Cleared,
        Shown::Shelved | Shown::Suppressed | Shown::OutOfService => Token::Off,
    }
}

fn raised<'a>(row: &'a AlarmRow, cx: &CellCx<'a>) -> Vec<Piece<'a>> {
    vec![Piece::plain(age(row.raised_at, cx.now))]
}

/// What the alarm is on, short enough for narrow screens; its source has a column of its own.
fn resource<'a>(row: &'a AlarmRow, _: &CellCx<'a>) -> Vec<Piece<'a>> {
    let Resource { kind, name, index } = &row.resource;
    let ported = matches!(kind, NodeKind::PonPort | NodeKind::NniPort | NodeKind::Uni);
    let place = if ported { format!("{name}/{index}") } else { name.clone() };
    vec![Piece::dim(format!("{} ", kind.word().to_uppercase())), Piece::plain(place)]
}

/// What the alarm type inventory calls it, else the type itself.
pub(super) fn title<'a>(row: &'a AlarmRow, cx: &'a Ctx) -> &'a str {
    cx.alarm_types.get(&row.type_id).map_or(row.type_id.as_str(), |t| t.title.as_str())
}

/// What the source said beyond what the alarm is called: nothing where it said nothing.
fn detail<'a>(row: &'a AlarmRow, title: &str) -> &'a str {
    match row.text.strip_prefix(title) {
        Some(rest) => rest.trim_start_matches(':').trim_start(),
        None => &row.text,
    }
}

fn title_cell<'a>(row: &'a AlarmRow, cx: &CellCx<'a>) -> Vec<Piece<'a>> {
    let mut pieces = vec![Piece::plain(title(row, cx.view.ctx))];
    // What the alarm is comes first: on a narrow screen the rest is cut, and the look of the row
    // tells it too. How old it is stands in the detail view.
    if row.stale(cx.view.ctx) {
        pieces.push(Piece::new(" stale", Token::Stale));
    }
    if !row.qualifier.is_empty() {
        pieces.push(Piece::dim(format!(" {}", row.qualifier)));
    }
    if row.own_query {
        pieces.push(Piece::dim(" (own query)"));
    }
    pieces
}

/// What the source said beyond the title; where that is nothing, whose it is and where.
fn words<'a>(row: &'a AlarmRow, cx: &CellCx<'a>) -> Vec<Piece<'a>> {
    let said = detail(row, title(row, cx.view.ctx));
    if !said.is_empty() {
        return vec![Piece::dim(said)];
    }
    let gap = if row.name.is_empty() || row.location.is_empty() { "" } else { ", " };
    vec![Piece::dim(row.name.as_str()), Piece::dim(gap), Piece::dim(row.location.as_str())]
}

fn occurrences<'a>(row: &'a AlarmRow, _: &CellCx<'a>) -> Vec<Piece<'a>> {
    vec![Piece::plain(row.occurrences.to_string())]
}

fn subscribers<'a>(row: &'a AlarmRow, _: &CellCx<'a>) -> Vec<Piece<'a>> {
    if row.subscribers == 0 { Vec::new() } else { vec![Piece::plain(row.subscribers.to_string())] }
}
