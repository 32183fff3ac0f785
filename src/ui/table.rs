//! A table that is given only the rows of its window: columns that give way by priority as the
//! screen narrows, a header with sort arrows, the cursor row, marks, the sign of new rows above,
//! and a scroll bar.
//!
//! Drawing costs the rows on the screen, whatever the table holds (facts: terminal-ui §5.1).

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

use super::paint::{Paint, Piece, columns as piece_columns};
use crate::model::order;
use crate::theme::Token;

/// Columns before the cells: cursor sign and mark sign.
pub const GUTTER: u16 = 2;

/// Columns up to this priority are essential.
const ESSENTIAL: u8 = 4;
/// Columns from this priority on come after the essential ones have their comfort.
const EXTRA: u8 = 7;
/// Screen columns beyond its least that make an essential column comfortable.
const COMFORT: u16 = 8;

/// Alignment of a column.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Align {
    /// Text.
    #[default]
    Left,
    /// Numbers.
    Right,
}

/// A column.
#[derive(Debug, Clone, Copy)]
pub struct Column<'a> {
    /// Header.
    pub header: &'a str,
    /// Fewest columns it makes sense with.
    pub min: u16,
    /// Most columns it can use.
    pub max: u16,
    /// 0 is shown first and cut last.
    pub priority: u8,
    /// Alignment.
    pub align: Align,
    /// Sorted by it: largest first or not.
    pub sorted: Option<bool>,
}

/// A column that has found its place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Placed {
    /// Index of the column.
    pub index: usize,
    /// First screen column, from the left of the table.
    pub x: u16,
    /// Width.
    pub width: u16,
}

/// Gives the columns their places in `width`: the essential ones first, in their own order, and
/// what is left to those that can use it.
#[must_use]
pub fn place(columns: &[Column<'_>], width: u16) -> Vec<Placed> {
    let room = width.saturating_sub(GUTTER + 1);
    let mut order: Vec<usize> = (0..columns.len()).collect();
    order::by_key(&mut order, |i| columns.get(*i).map_or(u8::MAX, |c| c.priority));
    let mut widths: Vec<Option<u16>> = vec![None; columns.len()];
    let (mut used, mut comfort) = (0_u16, 0_u16);
    for i in &order {
        let Some(column) = columns.get(*i) else { continue };
        let gap = u16::from(used > 0);
        let first = used == 0;
        let wanted = if first { column.min.min(room) } else { column.min };
        // What is merely good to know leaves the essential columns room to show all they have.
        let reserved = if column.priority >= EXTRA { comfort } else { 0 };
        if used + gap + wanted + reserved > room || wanted == 0 {
            continue;
        }
        used += gap + wanted;
        if column.priority <= ESSENTIAL {
            comfort += (column.max - column.min.min(column.max)).min(COMFORT);
        }
        if let Some(slot) = widths.get_mut(*i) {
            *slot = Some(wanted);
        }
    }
    // What is left is shared by how much more each could use, twice as much to an essential one, and
    // the crumbs in their order.
    let left = u32::from(room - used);
    let weight = |i: &usize| if columns.get(*i).is_some_and(|c| c.priority <= ESSENTIAL) { 2 } else { 1 };
    let lacks = |i: &usize, width: u16| columns.get(*i).map_or(0, |c| u32::from(c.max.saturating_sub(width)));
    let lack = |widths: &[Option<u16>], i: &usize| widths.get(*i).copied().flatten().map_or(0, |w| lacks(i, w));
    let all: u32 = order.iter().map(|i| lack(&widths, i)).sum();
    let weights: u32 = order.iter().map(|i| weight(i) * lack(&widths, i)).sum();
    let share = |i: &usize| (left * weight(i) * lack(&widths, i)).checked_div(weights).unwrap_or(0);
    let mut crumbs = left.min(all);
    let shares: Vec<u32> = order.iter().map(share).collect();
    for (i, share) in order.iter().zip(shares) {
        let share = share.min(lack(&widths, i));
        crumbs -= share;
        if let Some(Some(width)) = widths.get_mut(*i) {
            *width += u16::try_from(share).unwrap_or(0);
        }
    }
    for i in &order {
        let more = lack(&widths, i).min(crumbs);
        crumbs -= more;
        if let Some(Some(width)) = widths.get_mut(*i) {
            *width += u16::try_from(more).unwrap_or(0);
        }
    }
    let mut x = GUTTER;
    let mut placed = Vec::new();
    for (index, width) in widths.into_iter().enumerate() {
        if let Some(width) = width {
            placed.push(Placed { index, x, width });
            x += width + 1;
        }
    }
    placed
}

/// How a row is to be seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Look {
    /// Under the cursor.
    pub cursor: bool,
    /// Marked.
    pub marked: bool,
    /// Its source is silent: what it says may be old.
    pub stale: bool,
}

/// Where the rows drawn lie among all, for the scroll bar.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Extent {
    /// Place of the first row drawn.
    pub first: u64,
    /// Rows in all.
    pub total: u64,
}

/// How the rows of a window look and what their cells hold.
pub trait Source {
    /// The look of a row.
    fn look(&self, row: usize) -> Look;
    /// The runs of text in a cell.
    fn cell(&self, row: usize, column: usize) -> Vec<Piece<'_>>;
}

/// The table.
#[derive(Clone, Copy)]
pub struct Table<'a> {
    /// Columns.
    pub columns: &'a [Column<'a>],
    /// The rows.
    pub source: &'a dyn Source,
    /// Index of the first row drawn.
    pub top: usize,
    /// Rows the source has.
    pub len: usize,
    /// Where they lie among all.
    pub extent: Option<Extent>,
    /// Lines shown when there is no row: why, and what to do.
    pub empty: &'a [String],
    /// Whether the table has the keyboard.
    pub focused: bool,
}

impl Table<'_> {
    /// Rows the header takes.
    pub const HEADER: u16 = 1;

    /// Draws the table.
    pub fn render(&self, buf: &mut Buffer, area: Rect, paint: &Paint<'_>) {
        if area.is_empty() {
            return;
        }
        let placed = place(self.columns, area.width);
        self.header(buf, area, paint, &placed);
        let body = Rect { y: area.y + Self::HEADER, height: area.height - Self::HEADER, ..area };
        if self.len == 0 {
            for (y, line) in (body.y + body.height.min(1)..body.bottom()).zip(self.empty) {
                paint.put(buf, (body.x + GUTTER, y), body.width.saturating_sub(GUTTER), line, Token::Dim);
            }
            return;
        }
        for (y, row) in (body.y..body.bottom()).zip(self.top..self.len) {
            self.row(buf, Rect { y, height: 1, ..body }, paint, &placed, row);
        }
        self.scroll_bar(buf, body, paint);
    }

    fn header(&self, buf: &mut Buffer, area: Rect, paint: &Paint<'_>, placed: &[Placed]) {
        paint.fill(buf, Rect { height: 1, ..area }, Token::Header);
        for place in placed {
            let Some(column) = self.columns.get(place.index) else { continue };
            let arrow = match column.sorted {
                Some(true) => paint.glyphs.down,
                Some(false) => paint.glyphs.up,
                None => "",
            };
            // The arrow may use the gap: a column one wide has no other room for it.
            let room = place.width + u16::from(!arrow.is_empty());
            let header = paint.clip(column.header, place.width);
            let pieces = [Piece::new(header, Token::Header), Piece::new(arrow, Token::Header)];
            let at = (area.x + place.x, area.y);
            match column.align {
                Align::Left => paint.line(buf, at, room, &pieces),
                Align::Right if arrow.is_empty() => paint.line_right(buf, at, place.width, &pieces),
                Align::Right => paint.line_right(buf, at, room, &pieces),
            };
        }
    }

    fn row(&self, buf: &mut Buffer, area: Rect, paint: &Paint<'_>, placed: &[Placed], row: usize) {
        let look = self.source.look(row);
        let base = self.base(paint, look);
        if look.cursor || look.marked {
            buf.set_style(area.intersection(buf.area), base);
        }
        let cursor = if look.cursor { paint.glyphs.cursor } else { " " };
        paint.put_styled(buf, (area.x, area.y), 1, cursor, base);
        if look.marked {
            paint.put_styled(buf, (area.x + 1, area.y), 1, paint.glyphs.mark, base.patch(paint.style(Token::Mark)));
        }
        for place in placed {
            let pieces = self.source.cell(row, place.index);
            let align = self.columns.get(place.index).map_or(Align::Left, |c| c.align);
            let shift = match align {
                Align::Left => 0,
                Align::Right => place.width.saturating_sub(piece_columns(&pieces)),
            };
            let mut x = area.x + place.x + shift;
            let mut left = place.width - shift;
            for piece in &pieces {
                let used = paint.put_styled(buf, (x, area.y), left, &piece.text, style(paint, base, look, piece.token));
                x += used;
                left = left.saturating_sub(used);
            }
        }
    }

    fn base(&self, paint: &Paint<'_>, look: Look) -> Style {
        if look.cursor && self.focused {
            paint.style(Token::Cursor)
        } else if look.marked {
            paint.style(Token::Mark)
        } else if look.stale {
            paint.style(Token::Stale)
        } else {
            paint.style(Token::Text)
        }
    }

    fn scroll_bar(&self, buf: &mut Buffer, body: Rect, paint: &Paint<'_>) {
        let Some(extent) = self.extent else { return };
        let height = u64::from(body.height);
        if extent.total <= height {
            return;
        }
        let thumb = (height * height / extent.total).clamp(1, height);
        let last = extent.total - height;
        let start = (extent.first.min(last) * (height - thumb) + last / 2) / last.max(1);
        for (i, y) in (0_u64..).zip(body.y..body.bottom()) {
            let on = (start..start + thumb).contains(&i);
            let sign = if on { paint.glyphs.bar } else { paint.glyphs.vertical };
            paint.put(buf, (body.right() - 1, y), 1, sign, if on { Token::Scroll } else { Token::Border });
        }
    }
}

/// The style of a run in a row: plain words take the look of the row, words with a meaning of
/// their own keep it.
fn style(paint: &Paint<'_>, base: Style, look: Look, token: Token) -> Style {
    let plain = matches!(token, Token::Text | Token::Dim | Token::Strong);
    if plain && (look.cursor || look.marked || look.stale) { base } else { base.patch(paint.style(token)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn column(min: u16, max: u16, priority: u8) -> Column<'static> {
        Column { header: "h", min, max, priority, align: Align::Left, sorted: None }
    }

    #[test]
    fn essential_columns_stay_and_keep_their_order() {
        let columns = [column(1, 1, 0), column(20, 40, 5), column(10, 30, 1), column(8, 8, 2)];
        let wide: Vec<usize> = place(&columns, 100).iter().map(|p| p.index).collect();
        assert_eq!(wide, [0, 1, 2, 3]);
        let narrow: Vec<usize> = place(&columns, 26).iter().map(|p| p.index).collect();
        assert_eq!(narrow, [0, 2, 3]);
        assert!(place(&columns, 0).is_empty());
    }

    proptest::proptest! {
        #[test]
        fn no_column_of_the_screen_is_wasted_that_one_could_use(
            widths in proptest::collection::vec((1_u16..30, 0_u16..60, 0_u8..5), 1..9),
            width in 0_u16..300,
        ) {
            let columns: Vec<Column<'_>> =
                widths.iter().map(|(min, more, priority)| column(*min, min + more, *priority)).collect();
            let placed = place(&columns, width);
            let used: u16 = placed.iter().map(|p| p.width + 1).sum::<u16>().saturating_sub(1);
            let full = placed.iter().all(|p| columns.get(p.index).is_some_and(|c| c.max == p.width));
            proptest::prop_assert!(placed.is_empty() || full || used == width - GUTTER - 1);
        }

        #[test]
        fn columns_never_overlap_or_leave_the_table(
            widths in proptest::collection::vec((1_u16..30, 0_u16..60, 0_u8..9), 0..20),
            width in 0_u16..300,
        ) {
            let columns: Vec<Column<'_>> =
                widths.iter().map(|(min, more, priority)| column(*min, min + more, *priority)).collect();
            let mut end = GUTTER;
            for p in place(&columns, width) {
                proptest::prop_assert!(p.x >= end && p.width > 0);
                end = p.x + p.width;
                proptest::prop_assert!(end < width.max(1));
            }
        }
    }
}
