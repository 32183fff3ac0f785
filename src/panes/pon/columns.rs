//! Columns of the PON tree and of its flat form under a filter.

use std::borrow::Cow;

use crate::app::ctx::Ctx;
use crate::model::ids::RowId;
use crate::model::page::{Rows, Table};
use crate::model::resource::NodeKind;
use crate::model::topology::{AdminState, ConnectStatus, NodeRow, OperStatus};
use crate::panes::health::silent;
use crate::panes::list::columns::{age, severity_counts};
use crate::panes::list::{CellCx, ColumnDef, Row};
use crate::theme::Token;
use crate::ui::Piece;
use crate::ui::tree::{Twig, prefix};

impl Row for NodeRow {
    const TABLE: Table = Table::Nodes;

    fn rows(rows: &Rows) -> &[Self] {
        if let Rows::Nodes(rows) = rows { rows } else { &[] }
    }

    fn id(&self) -> RowId {
        self.id
    }

    fn stale(&self, cx: &Ctx) -> bool {
        silent(cx, &self.source)
    }
}

/// The columns, in their order.
pub(super) static COLUMNS: &[ColumnDef<NodeRow>] = &[
    ColumnDef::left("id", "Name", (24, 40), 0, label),
    ColumnDef::left("parent", "On", (17, 26), 3, |row, _| vec![Piece::plain(place_words(&row.parent_name))]),
    ColumnDef::left("oper_status", "State", (14, 20), 1, state),
    ColumnDef::left("worst", "Alarms", (10, 18), 2, |row, _| severity_counts(row.alarms)),
    ColumnDef::right("onus", "ONUs up", (8, 11), 3, onus),
    ColumnDef::left("name", "Inventory name", (14, 26), 4, |row, _| vec![Piece::plain(inventory_name(row))]),
    ColumnDef::left("reason", "Reason", (18, 32), 5, |row, _| vec![Piece::dim(row.reason.as_str())]),
    ColumnDef::<NodeRow>::left("serial", "Serial", (12, 18), 7, |row, _| vec![Piece::plain(serial(row))]).hidden(),
    ColumnDef::right("rx_dbm", "Rx dBm", (7, 7), 6, |row, _| dbm(row.rx_centi_dbm)),
    ColumnDef::right("tx_dbm", "Tx dBm", (7, 7), 8, |row, _| dbm(row.tx_centi_dbm)),
    ColumnDef::left("source", "Source", (8, 14), 8, |row, _| vec![Piece::dim(&*row.source)]),
    ColumnDef::right("flows", "Flows", (5, 7), 7, |row, _| count(row.flows)),
    ColumnDef::right("subscribers", "Subs", (5, 9), 8, |row, _| count(row.subscribers)),
    ColumnDef::right("changed_at", "Changed", (7, 8), 9, |row, cx| vec![Piece::plain(age(row.changed_at, cx.now))]),
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
        NodeKind::Adapter
        | NodeKind::Source
        | NodeKind::Device
        | NodeKind::Collector
        | NodeKind::Object
        | NodeKind::Vm => {
            format!("{} {}", r.kind.word(), r.name)
        }
    }
}

/// The kind of a device as it stands before its name; ports and sites are told by theirs.
const fn kind_sign(kind: NodeKind) -> &'static str {
    match kind {
        NodeKind::Olt => "OLT ",
        NodeKind::Onu => "ONU ",
        _ => "",
    }
}

/// A node by its kind and its own name: `ONU BBSM00000003`, `PON 3`.
pub(super) fn kind_and_name(row: &NodeRow) -> String {
    let kind = if row.kind() == NodeKind::Site { "site " } else { kind_sign(row.kind()) };
    format!("{kind}{}", own_name(row))
}

/// A canonical name as the tree would say it: `BBSIM_OLT_0 PON 3` for `voltha-1/olt/BBSIM_OLT_0/pon/3`.
/// What does not look like one stays as it is.
pub(super) fn place_words(canonical: &str) -> Cow<'_, str> {
    let parts: Vec<&str> = canonical.split('/').collect();
    match parts.as_slice() {
        ["site", name] | [_, "olt" | "onu", name] => Cow::Borrowed(name),
        [_, "olt" | "onu", name, port, index] => Cow::Owned(format!("{name} {} {index}", port.to_uppercase())),
        _ => Cow::Borrowed(canonical),
    }
}

fn label<'a>(row: &'a NodeRow, cx: &CellCx<'a>) -> Vec<Piece<'a>> {
    let twig = Twig { depth: row.depth, branch: row.is_branch(), unfolded: row.expanded };
    let token = if matches!(row.kind(), NodeKind::Site | NodeKind::Olt) { Token::Strong } else { Token::Text };
    let mut pieces = vec![Piece::dim(kind_sign(row.kind())), Piece::new(own_name(row), token)];
    if cx.tree {
        pieces.insert(0, prefix(twig, cx.glyphs));
    }
    pieces
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
    let mut pieces = vec![Piece::new(format!("{sign} "), token), Piece::new(word, token)];
    if silent(cx.view.ctx, &row.source) {
        pieces.push(Piece::new(" stale", Token::Stale));
    }
    pieces
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
