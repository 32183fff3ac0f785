//! Columns of the fleet.

use crate::app::ctx::Ctx;
use crate::model::cpe::{CpeRow, Online};
use crate::model::ids::RowId;
use crate::model::page::{Rows, Table};
use crate::panes::health::stale_words;
use crate::panes::list::columns::age;
use crate::panes::list::{ColumnDef, Row};
use crate::theme::Token;
use crate::ui::Piece;

impl Row for CpeRow {
    const TABLE: Table = Table::Cpes;

    fn rows(rows: &Rows) -> &[Self] {
        if let Rows::Cpes(rows) = rows { rows } else { &[] }
    }

    fn id(&self) -> RowId {
        self.id
    }

    fn stale(&self, cx: &Ctx) -> bool {
        stale_words(cx, &self.source).is_some()
    }
}

/// The colour of a state.
pub(super) const fn online_token(online: Online) -> Token {
    match online {
        Online::Online => Token::Good,
        Online::Late => Token::Warning,
        Online::Offline => Token::Bad,
    }
}

/// The columns, in their order.
pub(super) static COLUMNS: &[ColumnDef<CpeRow>] = &[
    ColumnDef::left("online", "Online", (7, 7), 1, |row, cx| {
        let online = row.online_at(cx.now);
        vec![Piece::new(online.word(), online_token(online))]
    }),
    ColumnDef::left("serial", "Serial", (12, 18), 0, |row, _| vec![Piece::new(row.serial.as_str(), Token::Strong)]),
    ColumnDef::left("model", "Model", (8, 16), 2, |row, _| vec![Piece::plain(row.model.as_str())]),
    ColumnDef::left("firmware", "Firmware", (10, 18), 3, |row, _| vec![Piece::plain(row.firmware.as_str())]),
    ColumnDef::right("last_inform", "Inform", (6, 8), 2, |row, cx| vec![Piece::plain(age(row.last_inform, cx.now))]),
    ColumnDef::right("rx_dbm", "Rx dBm", (6, 7), 4, |row, _| {
        vec![Piece::plain(row.rx_centi_dbm.map(|c| format!("{:.1}", f64::from(c) / 100.0)).unwrap_or_default())]
    }),
    ColumnDef::right("faults", "Flt", (3, 5), 3, |row, _| match row.faults {
        0 => Vec::new(),
        n => vec![Piece::new(n.to_string(), Token::Bad)],
    }),
    ColumnDef::left("subscriber", "Subscriber", (12, 28), 4, |row, _| vec![Piece::plain(row.subscriber.as_str())]),
    ColumnDef::left("tags", "Tags", (8, 20), 6, |row, _| vec![Piece::dim(row.tags.as_str())]),
    ColumnDef::left("ip", "IP", (10, 16), 7, |row, _| vec![Piece::dim(row.ip.as_str())]),
    ColumnDef::left("ssid", "SSID", (8, 20), 8, |row, _| vec![Piece::dim(row.ssid.as_str())]),
];
