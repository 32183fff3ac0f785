//! Draws a list: one line about it, the header, the rows.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::app::ctx::ViewCtx;
use crate::model::page::Total;
use crate::theme::Token;
use crate::ui::paint::columns as piece_columns;
use crate::ui::table::{Look, Source, Table, place};
use crate::ui::{Paint, Piece};

use super::columns::{CellCx, Chosen};
use super::commands::total_words;
use super::{ListState, Row};

/// Rows above the first row of the body: the line about the list, and the header.
pub(crate) const HEAD: u16 = 2;

/// Rows of a list that fit an area.
pub(crate) const fn body_rows(height: u16) -> usize {
    height.saturating_sub(HEAD) as usize
}

/// The rows of a list as the table widget reads them.
struct Rows<'a, R: Row> {
    list: &'a ListState<R>,
    columns: &'a [Chosen<R>],
    view: &'a ViewCtx<'a>,
}

impl<R: Row> Source for Rows<'_, R> {
    fn look(&self, row: usize) -> Look {
        let Some(data) = self.list.rows().get(row) else { return Look::default() };
        Look {
            cursor: row == self.list.window.cursor(),
            marked: self.list.marks.has(data.id(), data.arrived()) && !self.list.marks.is_empty(),
            stale: data.stale(self.view.ctx),
        }
    }

    fn cell(&self, row: usize, column: usize) -> Vec<Piece<'_>> {
        match (self.list.rows().get(row), self.columns.get(column)) {
            (Some(row), Some(column)) => {
                let nested = self.list.is_tree() || self.list.nested();
                column.cell(row, &CellCx::new(self.view, nested))
            }
            _ => Vec::new(),
        }
    }
}

impl<R: Row> ListState<R> {
    /// Draws the list; `empty` is shown when it has no row.
    pub(crate) fn draw(&self, buf: &mut Buffer, area: Rect, view: &ViewCtx<'_>, empty: &[String]) {
        let paint = Paint::new(view.theme, view.glyphs);
        self.about(buf, Rect { height: area.height.min(1), ..area }, &paint);
        let chosen = self.chosen();
        let columns = self.table_columns(&chosen);
        let rows = Rows { list: self, columns: &chosen, view };
        let waiting = ["reading the cache".to_owned()];
        let failed: Vec<String> = self.failed.iter().map(|why| format!("the cache could not answer: {why}")).collect();
        let nothing: &[String] = match (failed.is_empty(), self.window.page()) {
            (false, _) => &failed,
            (true, None) => &waiting,
            (true, Some(_)) => empty,
        };
        Table {
            columns: &columns,
            source: &rows,
            top: self.window.top(),
            len: self.window.len(),
            extent: self.window.extent(),
            empty: nothing,
            focused: view.focused,
        }
        .render(buf, Rect { y: area.y + 1, height: area.height.saturating_sub(1), ..area }, &paint);
    }

    fn table_columns(&self, chosen: &[Chosen<R>]) -> Vec<crate::ui::table::Column<'static>> {
        let order = if self.is_tree() { Vec::new() } else { self.order() };
        let sorted = |name: &str| order.first().filter(|s| s.field == name).map(|s| s.desc);
        chosen.iter().map(|c| c.column(sorted(c.field.name))).collect()
    }

    /// The field whose header lies at a column of a list `width` wide.
    pub(crate) fn header_at(&self, x: u16, width: u16) -> Option<&'static str> {
        let chosen = self.chosen();
        let columns = self.table_columns(&chosen);
        let hit = place(&columns, width).into_iter().find(|p| (p.x..=p.x + p.width).contains(&x))?;
        chosen.get(hit.index).map(|c| c.field.name)
    }

    /// Rows that have arrived above the screen since its first row was last seen.
    pub(crate) fn new_rows(&self) -> u64 {
        let Some(page) = self.window.page() else { return 0 };
        let since = self.window.seen().1;
        let held = self.rows().iter().take(self.window.top());
        u64::from(page.new_above) + held.filter(|r| since.is_set() && r.arrived() > since).count() as u64
    }

    fn about(&self, buf: &mut Buffer, area: Rect, paint: &Paint<'_>) {
        paint.fill(buf, area, Token::Text);
        let mut left = Vec::new();
        let new = self.new_rows();
        if new > 0 {
            left.push(Piece::new(format!(" {} {} new ", paint.glyphs.up, total_words(Total::Exact(new))), Token::New));
            left.push(Piece::plain(" "));
        }
        if let Some(fault) = &self.fault {
            left.push(Piece::new(fault.to_string(), Token::InputError));
            left.push(Piece::plain("  "));
        }
        if self.range.is_some() {
            left.push(Piece::new("range ", Token::Strong));
        }
        if !self.marks.is_empty() {
            left.push(Piece::new(format!("{} marked", total_words(self.marked())), Token::Mark));
            left.push(Piece::plain("  "));
        }
        if self.follow {
            left.push(Piece::new("following", Token::Strong));
        }
        let right = self.numbers(paint);
        let wide = piece_columns(&right);
        paint.line_right(buf, (area.x, area.y), area.width.saturating_sub(1), &right);
        paint.line(buf, (area.x + 1, area.y), area.width.saturating_sub(wide + 3), &left);
    }

    fn numbers(&self, paint: &Paint<'_>) -> Vec<Piece<'_>> {
        let mut right = Vec::new();
        if let Some(first) = self.order().first().filter(|_| !self.is_tree()) {
            let arrow = if first.desc { paint.glyphs.down } else { paint.glyphs.up };
            // The journal's numbers are no column: they only are the order of time.
            right.push(Piece::dim(match (first.field, first.desc) {
                ("seq", true) => "newest first  ".into(),
                ("seq", false) => "oldest first  ".into(),
                (field, _) => format!("by {field} {arrow}  "),
            }));
        }
        let total = total_words(self.window.total());
        let words = match self.window.place() {
            Some(place) => format!("{} of {total}", total_words(Total::Exact(place))),
            None if self.window.total() == Total::Exact(1) => "1 row".into(),
            None => format!("{total} rows"),
        };
        right.push(Piece::dim(words));
        right
    }
}
