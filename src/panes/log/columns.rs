//! Columns of the log.

use crate::app::ctx::Ctx;
use crate::model::ids::RowId;
use crate::model::log::{LogKind, LogRow};
use crate::model::page::{Rows, Table};
use crate::model::time::Ts;
use crate::panes::list::columns::{CellFn, instant};
use crate::panes::list::{CellCx, ColumnDef, Row};
use crate::theme::Token;
use crate::ui::Piece;
use crate::ui::table::Align;

impl Row for LogRow {
    const TABLE: Table = Table::Log;
    const ARRIVAL: Option<&'static str> = None;

    fn rows(rows: &Rows) -> &[Self] {
        if let Rows::Log(rows) = rows { rows } else { &[] }
    }

    fn id(&self) -> RowId {
        self.id
    }

    fn arrived(&self) -> Ts {
        self.at
    }

    fn stale(&self, _: &Ctx) -> bool {
        false
    }
}

const fn left(
    field: &'static str,
    header: &'static str,
    width: (u16, u16),
    priority: u8,
    cell: CellFn<LogRow>,
) -> ColumnDef<LogRow> {
    ColumnDef { field, header, width, priority, align: Align::Left, shown: true, cell }
}

/// The columns, in their order.
pub(super) static COLUMNS: &[ColumnDef<LogRow>] = &[
    left("at", "Time", (8, 11), 0, |row, cx| vec![Piece::plain(instant(row.at, cx.now, cx.utc_offset_s))]),
    left("kind", "Kind", (10, 10), 3, |row, _| vec![Piece::new(row.kind.word(), kind_token(row.kind))]),
    left("source", "Source", (8, 18), 4, |row, _| vec![Piece::plain(row.source.as_str())]),
    left("what", "What", (14, 40), 1, |row, _| vec![Piece::new(row.what.as_str(), Token::Strong)]),
    left("target", "Target", (14, 36), 5, |row, _| vec![Piece::plain(row.target.as_str())]),
    left("status", "Status", (11, 20), 2, |row, _| vec![Piece::new(row.status.as_str(), status_token(row))]),
    ColumnDef { align: Align::Right, ..left("duration_ms", "ms", (6, 8), 6, duration) },
    ColumnDef { align: Align::Right, ..left("tries", "Try", (3, 4), 8, tries) },
    left("actor", "Who", (6, 14), 7, |row, _| vec![Piece::plain(row.actor.as_str())]),
    left("text", "Text", (20, 90), 6, |row, _| vec![Piece::dim(row.text.as_str())]),
];

/// The token of how a row ended.
pub(super) const fn status_token(row: &LogRow) -> Token {
    if row.failed { Token::Bad } else { Token::Good }
}

const fn kind_token(kind: LogKind) -> Token {
    match kind {
        LogKind::Unreadable => Token::Bad,
        LogKind::Action | LogKind::Command => Token::Strong,
        LogKind::Call | LogKind::Notice | LogKind::Source => Token::Dim,
    }
}

fn duration<'a>(row: &'a LogRow, _: &CellCx<'a>) -> Vec<Piece<'a>> {
    if row.duration_us == 0 {
        Vec::new()
    } else {
        vec![Piece::plain(format!("{:.1}", row.duration_us as f64 / 1000.0))]
    }
}

fn tries<'a>(row: &'a LogRow, _: &CellCx<'a>) -> Vec<Piece<'a>> {
    if row.tries < 2 { Vec::new() } else { vec![Piece::plain(row.tries.to_string())] }
}
