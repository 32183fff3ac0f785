//! Columns of lists: what a pane draws in its own way, and a plain column for every other field of
//! the table, so that each field can be chosen.

use std::borrow::Cow;

use crate::app::ctx::ViewCtx;
use crate::model::field::{FieldKind, FieldSpec, Value};
use crate::model::severity::Severity;
use crate::model::time::{DAY, Ts, brief_duration};
use crate::theme::{Glyphs, Token};
use crate::ui::Piece;
use crate::ui::table::Align;

use super::Row;

/// What a cell is drawn with.
#[derive(Debug, Clone, Copy)]
pub(crate) struct CellCx<'a> {
    /// The present.
    pub now: Ts,
    /// Seconds east of UTC.
    pub utc_offset_s: i32,
    /// Signs.
    pub glyphs: &'a Glyphs,
    /// The rows are shown as a tree.
    pub tree: bool,
    /// What the rest of the program knows.
    pub view: &'a ViewCtx<'a>,
}

impl<'a> CellCx<'a> {
    /// For the cells of a list.
    pub(crate) const fn new(view: &'a ViewCtx<'a>, tree: bool) -> Self {
        Self { now: view.ctx.now, utc_offset_s: view.ctx.utc_offset_s, glyphs: view.glyphs, tree, view }
    }
}

/// Draws the cell of a row.
pub(crate) type CellFn<R> = for<'a> fn(&'a R, &CellCx<'a>) -> Vec<Piece<'a>>;

/// A column a pane draws in its own way.
pub(crate) struct ColumnDef<R> {
    /// Field of the table.
    pub field: &'static str,
    /// Header, where it differs from the field's.
    pub header: &'static str,
    /// Fewest and most columns of the screen.
    pub width: (u16, u16),
    /// 0 is shown first and cut last.
    pub priority: u8,
    /// Alignment.
    pub align: Align,
    /// Shown unless the operator chooses otherwise.
    pub shown: bool,
    /// The cell.
    pub cell: CellFn<R>,
}

impl<R> ColumnDef<R> {
    /// A column of text.
    pub(crate) const fn left(
        field: &'static str,
        header: &'static str,
        width: (u16, u16),
        priority: u8,
        cell: CellFn<R>,
    ) -> Self {
        Self { field, header, width, priority, align: Align::Left, shown: true, cell }
    }

    /// A column of numbers.
    pub(crate) const fn right(
        field: &'static str,
        header: &'static str,
        width: (u16, u16),
        priority: u8,
        cell: CellFn<R>,
    ) -> Self {
        Self { align: Align::Right, ..Self::left(field, header, width, priority, cell) }
    }

    /// The same, shown only where the operator chooses it.
    pub(crate) const fn hidden(self) -> Self {
        Self { shown: false, ..self }
    }
}

/// A column ready to be drawn: the pane's own or the plain one of a field.
pub(crate) struct Chosen<R: Row> {
    /// Field.
    pub field: &'static FieldSpec,
    /// The pane's own column.
    pub own: Option<&'static ColumnDef<R>>,
}

impl<R: Row> Clone for Chosen<R> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<R: Row> Copy for Chosen<R> {}

impl<R: Row> Chosen<R> {
    /// Header.
    pub(crate) fn header(&self) -> &'static str {
        self.own.map(|c| c.header).filter(|h| !h.is_empty()).unwrap_or(self.field.header)
    }

    /// As the table widget takes it.
    pub(crate) fn column(&self, sorted: Option<bool>) -> crate::ui::table::Column<'static> {
        let (width, priority, align) = match self.own {
            Some(own) => (own.width, own.priority, own.align),
            None => plain_shape(self.field),
        };
        crate::ui::table::Column { header: self.header(), min: width.0, max: width.1, priority, align, sorted }
    }

    /// The cell of a row.
    pub(crate) fn cell<'a>(&self, row: &'a R, cx: &CellCx<'a>) -> Vec<Piece<'a>> {
        match self.own {
            Some(own) => (own.cell)(row, cx),
            None => vec![Piece::plain(plain(row.get(self.field.name), cx))],
        }
    }
}

/// Widths, priority and alignment of a field no pane draws in its own way.
fn plain_shape(field: &FieldSpec) -> ((u16, u16), u8, Align) {
    let header = crate::ui::paint::wide(field.header);
    match field.kind {
        FieldKind::Text => ((header.max(8), 30), 8, Align::Left),
        FieldKind::Word(_) | FieldKind::Severity => ((header.max(6), 14), 8, Align::Left),
        FieldKind::Int | FieldKind::Float => ((header.max(5), 10), 8, Align::Right),
        FieldKind::Bool => ((header.max(3), 3.max(header)), 8, Align::Left),
        FieldKind::Time => ((header.max(8), 14), 8, Align::Left),
    }
}

/// A value in words.
pub(crate) fn plain<'a>(value: Value<'a>, cx: &CellCx<'_>) -> Cow<'a, str> {
    match value {
        Value::Text(text) => text,
        Value::Int(n) => n.to_string().into(),
        Value::Float(x) => format!("{x:.1}").into(),
        Value::Bool(true) => "yes".into(),
        Value::Bool(false) | Value::None => "".into(),
        Value::Time(t) => instant(t, cx.now, cx.utc_offset_s).into(),
    }
}

/// Local time of day, with the date where it is not of the last day; empty when unset.
pub(crate) fn instant(t: Ts, now: Ts, utc_offset_s: i32) -> String {
    let Some(utc) = t.to_utc() else { return String::new() };
    let local = utc + chrono::Duration::seconds(i64::from(utc_offset_s));
    let form = if now.since(t).abs() < DAY { "%H:%M:%S" } else { "%m-%d %H:%M" };
    local.format(form).to_string()
}

/// Local date and time to the second, and how long ago (or ahead) that is.
pub(crate) fn moment(t: Ts, now: Ts, utc_offset_s: i32) -> String {
    let Some(utc) = t.to_utc() else { return String::new() };
    let local = utc + chrono::Duration::seconds(i64::from(utc_offset_s));
    let away = now.since(t);
    let words =
        if away >= 0 { format!("{} ago", brief_duration(away)) } else { format!("in {}", brief_duration(-away)) };
    format!("{} ({words})", local.format("%Y-%m-%d %H:%M:%S"))
}

/// How long ago; empty when unset.
pub(crate) fn age(t: Ts, now: Ts) -> String {
    if t.is_set() { brief_duration(now.since(t).max(0)) } else { String::new() }
}

/// Alarm counters of a row, the worst first, only those that are not zero: `C2 m7`.
pub(crate) fn severity_counts(counts: [u32; 5]) -> Vec<Piece<'static>> {
    let mut pieces = Vec::new();
    for severity in Severity::WORST_FIRST {
        let n = counts.get(usize::from(severity.rank())).copied().unwrap_or(0);
        if n == 0 {
            continue;
        }
        if !pieces.is_empty() {
            pieces.push(Piece::plain(" "));
        }
        pieces.push(Piece::new(format!("{}{n}", severity.letter()), Token::severity(severity)));
    }
    pieces
}
