//! Columns of the alarm list.

use crate::app::ctx::Ctx;
use crate::model::alarm::{AlarmRow, Shown};
use crate::model::ids::RowId;
use crate::model::page::{Rows, Table};
use crate::model::resource::{NodeKind, Resource};
use crate::model::time::Ts;
use crate::panes::health::{silent, stale_piece};
use crate::panes::list::columns::{age, instant};
use crate::panes::list::{CellCx, ColumnDef, Row};
use crate::theme::Token;
use crate::ui::Piece;
use crate::ui::table::Align;

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

const fn column(
    field: &'static str,
    header: &'static str,
    width: (u16, u16),
    priority: u8,
    cell: crate::panes::list::columns::CellFn<AlarmRow>,
) -> ColumnDef<AlarmRow> {
    ColumnDef { field, header, width, priority, align: Align::Left, shown: true, cell }
}

/// The columns, in their order.
pub(super) static COLUMNS: &[ColumnDef<AlarmRow>] = &[
    column("severity", "S", (2, 2), 0, severity),
    column("state", "State", (5, 8), 1, state),
    ColumnDef { align: Align::Right, ..column("raised_at", "Age", (6, 6), 2, raised) },
    column("resource", "Resource", (18, 28), 3, resource),
    column("location", "Where", (24, 36), 8, |row, _| vec![Piece::plain(row.location.as_str())]),
    column("name", "Name", (14, 24), 7, |row, _| vec![Piece::plain(row.name.as_str())]),
    column("type", "Alarm", (22, 34), 4, title_cell),
    column("text", "Text", (24, 80), 6, |row, cx| vec![Piece::dim(detail(row, title(row, cx.view.ctx)))]),
    column("owner", "Owner", (6, 12), 5, |row, _| vec![Piece::plain(row.owner.as_str())]),
    ColumnDef { align: Align::Right, ..column("occurrences", "N", (3, 6), 6, occurrences) },
    ColumnDef { align: Align::Right, ..column("subscribers", "Subs", (5, 7), 9, subscribers) },
    column("source", "Source", (8, 14), 9, |row, _| vec![Piece::dim(&*row.source)]),
    ColumnDef { shown: false, ..column("last_changed", "Changed", (8, 14), 1, |row, cx| when(row.last_changed, cx)) },
    ColumnDef { shown: false, ..column("received_at", "Received", (8, 14), 4, |row, cx| when(row.received_at, cx)) },
    ColumnDef { shown: false, ..column("first_seen", "First", (8, 14), 6, |row, cx| when(row.first_seen, cx)) },
    ColumnDef { shown: false, ..column("last_seen", "Last", (8, 14), 6, |row, cx| when(row.last_seen, cx)) },
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

/// A canonical name, without the source while there is only one.
pub(crate) fn short_name<'a>(canonical: &'a str, cx: &Ctx) -> &'a str {
    match (cx.sources.len(), canonical.split_once('/')) {
        (0 | 1, Some((source, rest))) if source != "site" && !rest.is_empty() => rest,
        _ => canonical,
    }
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
    let mut pieces: Vec<Piece<'a>> = stale_piece(cx.view.ctx, &row.source).into_iter().collect();
    pieces.push(Piece::plain(title(row, cx.view.ctx)));
    if !row.qualifier.is_empty() {
        pieces.push(Piece::dim(format!(" {}", row.qualifier)));
    }
    if row.own_query {
        pieces.push(Piece::dim(" (own query)"));
    }
    pieces
}

fn occurrences<'a>(row: &'a AlarmRow, _: &CellCx<'a>) -> Vec<Piece<'a>> {
    vec![Piece::plain(row.occurrences.to_string())]
}

fn subscribers<'a>(row: &'a AlarmRow, _: &CellCx<'a>) -> Vec<Piece<'a>> {
    if row.subscribers == 0 { Vec::new() } else { vec![Piece::plain(row.subscribers.to_string())] }
}
