//! Columns of the PON tree and of its flat form under a filter.

use crate::app::ctx::Ctx;
use crate::model::ids::RowId;
use crate::model::page::{Rows, Table};
use crate::model::resource::NodeKind;
use crate::model::time::Ts;
use crate::model::topology::{AdminState, ConnectStatus, NodeRow, OperStatus};
use crate::panes::alarms::short_name;
use crate::panes::health::{silent, stale_piece};
use crate::panes::list::columns::{CellFn, age, severity_counts};
use crate::panes::list::{CellCx, ColumnDef, Row};
use crate::theme::Token;
use crate::ui::Piece;
use crate::ui::table::Align;
use crate::ui::tree::{Twig, prefix};

impl Row for NodeRow {
    const TABLE: Table = Table::Nodes;
    const ARRIVAL: Option<&'static str> = None;

    fn rows(rows: &Rows) -> &[Self] {
        if let Rows::Nodes(rows) = rows { rows } else { &[] }
    }

    fn id(&self) -> RowId {
        self.id
    }

    fn arrived(&self) -> Ts {
        Ts::NEVER
    }

    fn stale(&self, cx: &Ctx) -> bool {
        silent(cx, &self.source)
    }
}

const fn left(
    field: &'static str,
    header: &'static str,
    width: (u16, u16),
    priority: u8,
    cell: CellFn<NodeRow>,
) -> ColumnDef<NodeRow> {
    ColumnDef { field, header, width, priority, align: Align::Left, shown: true, cell }
}

const fn right(
    field: &'static str,
    header: &'static str,
    width: (u16, u16),
    priority: u8,
    cell: CellFn<NodeRow>,
) -> ColumnDef<NodeRow> {
    ColumnDef { align: Align::Right, ..left(field, header, width, priority, cell) }
}

/// The columns, in their order.
pub(super) static COLUMNS: &[ColumnDef<NodeRow>] = &[
    left("id", "Name", (24, 46), 0, label),
    left("parent", "On", (16, 36), 3, |row, cx| vec![Piece::plain(short_name(&row.parent_name, cx.view.ctx))]),
    left("oper_status", "State", (13, 26), 1, state),
    left("worst", "Alarms", (10, 24), 2, |row, _| severity_counts(row.alarms)),
    right("onus", "ONUs up", (8, 15), 3, onus),
    left("name", "Inventory name", (14, 26), 4, |row, _| vec![Piece::plain(inventory_name(row))]),
    left("reason", "Reason", (18, 32), 5, |row, _| vec![Piece::dim(row.reason.as_str())]),
    ColumnDef { shown: false, ..left("serial", "Serial", (12, 18), 7, |row, _| vec![Piece::plain(serial(row))]) },
    right("rx_dbm", "Rx dBm", (7, 7), 6, |row, _| dbm(row.rx_centi_dbm)),
    right("tx_dbm", "Tx dBm", (7, 7), 8, |row, _| dbm(row.tx_centi_dbm)),
    right("flows", "Flows", (5, 7), 7, |row, _| count(row.flows)),
    right("subscribers", "Subs", (5, 9), 8, |row, _| count(row.subscribers)),
    right("changed_at", "Changed", (7, 8), 9, |row, cx| vec![Piece::plain(age(row.changed_at, cx.now))]),
];

/// What a node is called in the tree: its own part of the name.
pub(super) fn own_name(row: &NodeRow) -> String {
    let r = &row.resource;
    match r.kind {
        NodeKind::PonPort => format!("PON {}", r.index),
        NodeKind::NniPort => format!("NNI {}", r.index),
        NodeKind::Uni => format!("UNI {}", r.index),
        NodeKind::Site => r.name.clone(),
        NodeKind::Olt | NodeKind::Onu => {
            if row.serial.is_empty() {
                r.name.clone()
            } else {
                row.serial.clone()
            }
        }
        NodeKind::Adapter | NodeKind::Source | NodeKind::Device => format!("{} {}", r.kind.word(), r.name),
    }
}

fn label<'a>(row: &'a NodeRow, cx: &CellCx<'a>) -> Vec<Piece<'a>> {
    if !cx.tree {
        return vec![Piece::plain(short_name(&row.canonical, cx.view.ctx))];
    }
    let twig = Twig { depth: row.depth, branch: row.is_branch(), unfolded: row.expanded };
    let token = if matches!(row.kind(), NodeKind::Site | NodeKind::Olt) { Token::Strong } else { Token::Text };
    let kind = match row.kind() {
        NodeKind::Olt => "OLT ",
        NodeKind::Onu => "ONU ",
        _ => "",
    };
    vec![prefix(twig, cx.glyphs), Piece::dim(kind), Piece::new(own_name(row), token)]
}

fn inventory_name(row: &NodeRow) -> &str {
    if row.kind() == NodeKind::Site { "" } else { &row.name }
}

/// Ports carry their device's serial: it would only repeat what the tree shows.
fn serial(row: &NodeRow) -> &str {
    if matches!(row.kind(), NodeKind::Olt | NodeKind::Onu | NodeKind::Device) { &row.serial } else { "" }
}

/// The three states of a node as one word with its sign, and what that means: out of service
/// before unreachable before the operational state.
pub(super) fn state_word(row: &NodeRow) -> Option<(String, Token)> {
    if matches!(row.kind(), NodeKind::Site) {
        return None;
    }
    if row.admin_state == AdminState::Disabled {
        return Some(("disabled".into(), Token::Off));
    }
    if row.connect_status == ConnectStatus::Unreachable {
        return Some(("unreachable".into(), Token::Bad));
    }
    let token = match row.oper_status {
        OperStatus::Active => Token::Good,
        OperStatus::Failed | OperStatus::ReconcilingFailed => Token::Bad,
        OperStatus::Unknown => Token::Dim,
        _ => Token::Busy,
    };
    Some((row.oper_status.word().into_owned(), token))
}

fn state<'a>(row: &'a NodeRow, cx: &CellCx<'a>) -> Vec<Piece<'a>> {
    let Some((word, token)) = state_word(row) else { return Vec::new() };
    let sign = match token {
        Token::Good => cx.glyphs.good,
        Token::Bad => cx.glyphs.bad,
        _ => cx.glyphs.bullet,
    };
    // Of a silent source the age of what it said matters more than the word; the sign stays.
    let words = stale_piece(cx.view.ctx, &row.source).unwrap_or_else(|| Piece::new(word, token));
    vec![Piece::new(format!("{sign} "), token), words]
}

fn onus<'a>(row: &'a NodeRow, _: &CellCx<'a>) -> Vec<Piece<'a>> {
    if row.onus == 0 || matches!(row.kind(), NodeKind::Onu | NodeKind::Uni) {
        return Vec::new();
    }
    let token = if row.onus_active < row.onus { Token::Busy } else { Token::Good };
    vec![Piece::new(row.onus_active.to_string(), token), Piece::dim(format!("/{}", row.onus))]
}

fn dbm<'a>(centi: Option<i32>) -> Vec<Piece<'a>> {
    centi.map(|c| Piece::plain(format!("{:.2}", f64::from(c) / 100.0))).into_iter().collect()
}

fn count<'a>(n: u32) -> Vec<Piece<'a>> {
    if n == 0 { Vec::new() } else { vec![Piece::plain(n.to_string())] }
}
