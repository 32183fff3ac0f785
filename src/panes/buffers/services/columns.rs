//! Columns of the services, and their ports in signs.

use crate::app::ctx::Ctx;
use crate::model::appliance::CollectorRow;
use crate::model::appliance::state::{Flow, PortCheck, PortState, ProcessState};
use crate::model::ids::RowId;
use crate::model::order;
use crate::model::page::{Rows, Table};
use crate::panes::health::stale_words;
use crate::panes::list::{CellCx, ColumnDef, Row};
use crate::theme::{Glyphs, Token};
use crate::ui::Piece;
use crate::ui::spark::spark;

use super::super::columns::CURVE;
use super::super::words::{UNKNOWN, ago, compact, flow, flow_token, maybe, maybe_rate, mute, percent, process_token};

impl Row for CollectorRow {
    const TABLE: Table = Table::Collectors;
    const MEASURED: bool = true;

    fn rows(rows: &Rows) -> &[Self] {
        if let Rows::Collectors(rows) = rows { rows } else { &[] }
    }

    fn id(&self) -> RowId {
        self.id
    }

    fn stale(&self, cx: &Ctx) -> bool {
        mute(self.contact) || stale_words(cx, &self.source).is_some()
    }
}

fn number<'a>(words: String) -> Vec<Piece<'a>> {
    let token = if words == UNKNOWN { Token::Off } else { Token::Text };
    vec![Piece::new(words, token)]
}

/// The columns, in their order.
pub(in super::super) static COLUMNS: &[ColumnDef<CollectorRow>] = &[
    ColumnDef::left("appliance", "Appliance", (10, 18), 2, |row, _| vec![Piece::plain(&*row.source)]),
    ColumnDef::left("name", "Service", (10, 16), 0, |row, _| vec![Piece::new(row.state.name.as_str(), Token::Strong)]),
    ColumnDef::left("process", "Process", (8, 8), 0, |row, _| {
        if row.state.disabled {
            return vec![Piece::new("off", Token::Off)];
        }
        if row.state.process == ProcessState::Unknown {
            return number(UNKNOWN.to_owned());
        }
        vec![Piece::new(row.state.process.word(), process_token(row.state.process))]
    }),
    ColumnDef::left("ports", "Ports", (17, 36), 1, |row, cx| ports(&row.state.ports, cx.glyphs)),
    ColumnDef::left("flow", "Data", (8, 8), 0, |row, _| {
        vec![Piece::new(flow(row.state.flow), flow_token(row.state.flow))]
    }),
    ColumnDef::right("last_data", "Last", (4, 5), 3, last),
    ColumnDef::right("in_per_s", "In/s", (5, 6), 1, |row, _| number(maybe_rate(row.state.in_milli))),
    ColumnDef::left("in_hour", "Last hour", (CURVE, CURVE), 3, curve),
    ColumnDef::right("out_per_s", "Out/s", (5, 6), 5, |row, _| number(maybe_rate(row.state.out_milli))),
    ColumnDef::right("pending", "Waiting", (7, 7), 4, |row, _| number(maybe(row.state.pending))),
    ColumnDef::right("quota_pct", "Quota*", (6, 6), 6, |row, _| {
        number(row.state.quota_permille.map_or_else(|| UNKNOWN.to_owned(), percent))
    }),
    ColumnDef::right("lost_day", "Lost 24h", (8, 8), 5, |row, _| match row.state.lost_day {
        0 => vec![Piece::dim("none")],
        n => vec![Piece::new(format!(">={}", compact(n)), Token::Bad)],
    }),
    ColumnDef::right("restarts", "Rst", (3, 4), 6, |row, _| {
        number(row.state.restarts.map_or_else(|| UNKNOWN.to_owned(), |n| n.to_string()))
    }),
    ColumnDef::right("process_since", "For", (4, 5), 7, |row, cx| number(ago(row.state.process_since, cx.now))),
    ColumnDef::left("collects", "Collects", (8, 16), 8, |row, _| vec![Piece::dim(row.state.collects.as_str())]),
];

fn last<'a>(row: &'a CollectorRow, cx: &CellCx<'a>) -> Vec<Piece<'a>> {
    let token = if row.state.flow == Flow::Silent { Token::Bad } else { Token::Text };
    match ago(row.state.last_data, cx.now) {
        words if words == UNKNOWN => number(words),
        words => vec![Piece::new(words, token)],
    }
}

fn curve<'a>(row: &'a CollectorRow, cx: &CellCx<'a>) -> Vec<Piece<'a>> {
    let most = row.in_hour.iter().flatten().copied().max().unwrap_or(0);
    vec![Piece::dim(spark(&row.in_hour, most, CURVE, cx.glyphs))]
}

/// A check in a sign: listening, closed, nobody could look.
const fn sign(check: PortCheck, glyphs: &Glyphs) -> (&'static str, Token) {
    match check {
        PortCheck::Listening => (glyphs.good, Token::Good),
        PortCheck::Closed => (glyphs.bad, Token::Bad),
        PortCheck::NotChecked => ("?", Token::Off),
    }
}

/// Ports on one line, the dead relays first and loud: `1514✓ 2055✗`.
pub(in super::super) fn ports<'a>(ports: &[PortState], glyphs: &Glyphs) -> Vec<Piece<'a>> {
    if ports.is_empty() {
        return vec![Piece::new(UNKNOWN, Token::Off)];
    }
    let mut pieces = Vec::new();
    let (dead, mut alive): (Vec<&PortState>, Vec<&PortState>) = ports.iter().partition(|p| p.relay_without_collector());
    // What is cut at the edge is what is well.
    order::by_key(&mut alive, |p| match p.public_state {
        PortCheck::Closed => 0,
        PortCheck::NotChecked => 1,
        PortCheck::Listening => 2,
    });
    if !dead.is_empty() {
        let numbers: Vec<String> = dead.iter().map(|p| p.public.to_string()).collect();
        pieces.push(Piece::new(format!("DEAD RELAY {}", numbers.join(" ")), Token::Critical));
    }
    for port in alive {
        let (sign, token) = sign(port.public_state, glyphs);
        if !pieces.is_empty() {
            pieces.push(Piece::plain(" "));
        }
        pieces.push(Piece::plain(port.public.to_string()));
        pieces.push(Piece::new(if glyphs.ascii && sign != "?" { format!(" {sign}") } else { sign.to_owned() }, token));
    }
    pieces
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dead_relay_is_shouted_first() {
        let port = |public, public_state, inner_state| PortState {
            public,
            public_state,
            inner: Some(public + 10_000),
            inner_state,
            ..PortState::default()
        };
        let all = [
            port(2055, PortCheck::Listening, PortCheck::Listening),
            port(4739, PortCheck::Listening, PortCheck::Closed),
            port(6343, PortCheck::NotChecked, PortCheck::NotChecked),
        ];
        let words = |g| ports(&all, g).iter().map(|p| p.text.to_string()).collect::<String>();
        assert_eq!(words(&Glyphs::UNICODE), "DEAD RELAY 4739 6343? 2055✓");
        assert_eq!(words(&Glyphs::ASCII), "DEAD RELAY 4739 6343? 2055 ok");
        assert_eq!(ports(&all, &Glyphs::ASCII).first().map(|p| p.token), Some(Token::Critical));
    }
}
