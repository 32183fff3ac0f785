//! Columns of the source list.

use crate::model::ids::RowId;
use crate::model::page::{Rows, Table};
use crate::model::source::{Breaker, Health, SourceRow};
use crate::panes::health::token;
use crate::panes::list::columns::age;
use crate::panes::list::{CellCx, ColumnDef, Row};
use crate::theme::Token;
use crate::ui::Piece;

impl Row for SourceRow {
    const TABLE: Table = Table::Sources;

    fn rows(rows: &Rows) -> &[Self] {
        if let Rows::Sources(rows) = rows { rows } else { &[] }
    }

    fn id(&self) -> RowId {
        self.id
    }
}

/// The columns, in their order.
pub(super) static COLUMNS: &[ColumnDef<SourceRow>] = &[
    ColumnDef::left("name", "Source", (10, 18), 0, |row, _| vec![Piece::new(&*row.name, Token::Strong)]),
    ColumnDef::left("health", "Health", (8, 8), 1, |row, _| {
        vec![Piece::new(row.report.health.word(), token(row.report.health))]
    }),
    ColumnDef::left("breaker", "Breaker", (9, 9), 4, |row, _| {
        vec![Piece::new(row.report.breaker.word(), breaker_token(row.report.breaker))]
    }),
    ColumnDef::right("last_ok", "Data age", (8, 8), 2, |row, cx| vec![data_age(row, cx)]),
    ColumnDef::right("latency_ms", "ms", (5, 7), 5, |row, _| vec![Piece::plain(millis(row.report.latency_us))]),
    ColumnDef::right("rate", "Ev/s", (5, 8), 5, |row, _| vec![Piece::plain(rate(row.report.rate_milli))]),
    ColumnDef::right("queue", "Queue", (5, 8), 7, |row, _| vec![Piece::plain(row.report.queue.to_string())]),
    ColumnDef::right("devices", "Devices", (7, 9), 7, |row, _| vec![Piece::plain(row.report.devices.to_string())]),
    ColumnDef::right("alarms", "Alarms", (6, 8), 7, |row, _| vec![Piece::plain(row.alarms.to_string())]),
    ColumnDef::left("last_error", "Error", (24, 90), 3, |row, _| {
        vec![Piece::new(row.report.last_error.as_str(), Token::Bad)]
    }),
    ColumnDef::left("stream", "Stream", (20, 40), 8, |row, _| vec![Piece::dim(row.report.stream.as_str())]),
    ColumnDef::left("endpoint", "Endpoint", (14, 34), 8, |row, _| vec![Piece::dim(row.report.endpoint.as_str())]),
    ColumnDef::<SourceRow>::right("skew_ms", "Skew ms", (7, 9), 8, |row, _| {
        vec![Piece::plain(millis(row.report.skew_us))]
    })
    .hidden(),
];

/// Milliseconds, with a decimal below ten.
pub(super) fn millis(us: i64) -> String {
    let ms = us as f64 / 1000.0;
    if ms.abs() < 10.0 && us != 0 { format!("{ms:.1}") } else { format!("{ms:.0}") }
}

/// Events a second.
pub(super) fn rate(milli: u64) -> String {
    let n = milli as f64 / 1000.0;
    if n < 10.0 && milli != 0 { format!("{n:.1}") } else { format!("{n:.0}") }
}

/// The token of a breaker's state.
pub(super) const fn breaker_token(breaker: Breaker) -> Token {
    match breaker {
        Breaker::Closed => Token::Good,
        Breaker::HalfOpen => Token::Busy,
        Breaker::Open => Token::Bad,
    }
}

fn data_age<'a>(row: &SourceRow, cx: &CellCx<'a>) -> Piece<'a> {
    let stale = matches!(row.report.health, Health::Down | Health::Paused);
    Piece::new(age(row.report.last_ok, cx.now), if stale { Token::Stale } else { Token::Text })
}
