//! Columns of the log.

use crate::model::ids::RowId;
use crate::model::log::{LogKind, LogRow};
use crate::model::page::{Rows, Table};
use crate::model::time::Ts;
use crate::panes::list::columns::instant;
use crate::panes::list::{CellCx, ColumnDef, Row};
use crate::theme::Token;
use crate::ui::Piece;

impl Row for LogRow {
    const TABLE: Table = Table::Log;

    fn rows(rows: &Rows) -> &[Self] {
        if let Rows::Log(rows) = rows { rows } else { &[] }
    }

    fn id(&self) -> RowId {
        self.id
    }

    fn arrived(&self) -> Ts {
        self.at
    }
}

/// The columns, in their order.
pub(super) static COLUMNS: &[ColumnDef<LogRow>] = &[
    ColumnDef::left("at", "Time", (8, 11), 0, |row, cx| vec![Piece::plain(instant(row.at, cx.now, cx.utc_offset_s))]),
    ColumnDef::left("kind", "Kind", (10, 10), 3, |row, _| vec![Piece::new(row.kind.word(), kind_token(row.kind))]),
    ColumnDef::left("source", "Source", (8, 12), 4, |row, _| vec![Piece::plain(row.source.as_str())]),
    ColumnDef::left("what", "What", (14, 26), 1, |row, _| vec![Piece::new(row.what.as_str(), Token::Strong)]),
    ColumnDef::left("target", "Target", (16, 26), 5, |row, _| vec![Piece::plain(target(row))]),
    ColumnDef::left("status", "Status", (11, 17), 2, |row, _| vec![Piece::new(row.status.as_str(), status_token(row))]),
    ColumnDef::right("duration_ms", "ms", (6, 8), 6, duration),
    ColumnDef::right("tries", "Try", (3, 4), 8, tries),
    ColumnDef::left("actor", "Who", (6, 14), 7, |row, _| vec![Piece::plain(row.actor.as_str())]),
    ColumnDef::left("text", "Text", (20, 90), 6, |row, _| vec![Piece::dim(row.text.as_str())]),
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

/// What a call was about. The source has a column of its own; repeated here it would push out what
/// tells one target from the next.
fn target(row: &LogRow) -> &str {
    row.target.strip_prefix(row.source.as_str()).and_then(|t| t.strip_prefix('/')).unwrap_or(&row.target)
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
