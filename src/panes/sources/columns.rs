//! Columns of the source list.

use crate::app::ctx::Ctx;
use crate::model::ids::RowId;
use crate::model::page::{Rows, Table};
use crate::model::source::{Breaker, Health, SourceRow};
use crate::model::time::Ts;
use crate::panes::health::token;
use crate::panes::list::columns::{CellFn, age};
use crate::panes::list::{CellCx, ColumnDef, Row};
use crate::theme::Token;
use crate::ui::Piece;
use crate::ui::table::Align;

impl Row for SourceRow {
    const TABLE: Table = Table::Sources;
    const ARRIVAL: Option<&'static str> = None;

    fn rows(rows: &Rows) -> &[Self] {
        if let Rows::Sources(rows) = rows { rows } else { &[] }
    }

    fn id(&self) -> RowId {
        self.id
    }

    fn arrived(&self) -> Ts {
        Ts::NEVER
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
    cell: CellFn<SourceRow>,
) -> ColumnDef<SourceRow> {
    ColumnDef { field, header, width, priority, align: Align::Left, shown: true, cell }
}

const fn right(
    field: &'static str,
    header: &'static str,
    width: (u16, u16),
    priority: u8,
    cell: CellFn<SourceRow>,
) -> ColumnDef<SourceRow> {
    ColumnDef { align: Align::Right, ..left(field, header, width, priority, cell) }
}

/// The columns, in their order.
pub(super) static COLUMNS: &[ColumnDef<SourceRow>] = &[
    left("name", "Source", (10, 24), 0, |row, _| vec![Piece::new(&*row.name, Token::Strong)]),
    left("health", "Health", (8, 8), 1, |row, _| vec![Piece::new(row.report.health.word(), token(row.report.health))]),
    left("breaker", "Breaker", (9, 9), 4, |row, _| {
        vec![Piece::new(row.report.breaker.word(), breaker_token(row.report.breaker))]
    }),
    right("last_ok", "Data", (6, 6), 2, |row, cx| vec![data_age(row, cx)]),
    right("latency_ms", "ms", (5, 7), 5, |row, _| vec![Piece::plain(millis(row.report.latency_us))]),
    right("rate", "Ev/s", (5, 8), 5, |row, _| vec![Piece::plain(rate(row.report.rate_milli))]),
    right("queue", "Queue", (5, 8), 7, |row, _| vec![Piece::plain(row.report.queue.to_string())]),
    right("devices", "Devices", (7, 9), 7, |row, _| vec![Piece::plain(row.report.devices.to_string())]),
    right("alarms", "Alarms", (6, 8), 7, |row, _| vec![Piece::plain(row.alarms.to_string())]),
    left("last_error", "Error", (24, 90), 3, |row, _| vec![Piece::new(row.report.last_error.as_str(), Token::Bad)]),
    left("stream", "Stream", (20, 40), 8, |row, _| vec![Piece::dim(row.report.stream.as_str())]),
    left("endpoint", "Endpoint", (14, 34), 8, |row, _| vec![Piece::dim(row.report.endpoint.as_str())]),
    ColumnDef {
        shown: false,
        ..right("skew_ms", "Skew ms", (7, 9), 8, |row, _| vec![Piece::plain(millis(row.report.skew_us))])
    },
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
