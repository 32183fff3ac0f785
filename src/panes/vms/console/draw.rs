//! Draws consoles: which are open, how the one with the cursor stands, and what it shows; or all of them
//! side by side.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::app::ctx::{Ctx, ViewCtx};
use crate::model::console::{ConsolePhase, Image, Picture, Screen};
use crate::model::text::clean;
use crate::panes::detail::pane_rows;
use crate::theme::{Depth, Token};
use crate::ui::console::{ConsoleView, Pan, thumbnail};
use crate::ui::paint::{popup, wrap};
use crate::ui::pixels::{Pixels, Placement, View};
use crate::ui::{Paint, Piece};

use super::{Consoles, Drawn, Shown, Tab};

/// Rows above a console: what is open, and how it stands.
const HEAD: u16 = 2;
/// Columns and rows of a thumbnail at least.
const LEAST: (u16, u16) = (26, 8);
/// Rows and columns that a step moves the part of a screen that is shown.
const STEP: (i32, i32) = (4, 8);

/// Rows above a console; one that has the whole screen says in one how it stands.
const fn head(cx: &Ctx) -> u16 {
    if cx.solo { 1 } else { HEAD }
}

/// Rows that a console has.
pub(super) const fn rows(cx: &Ctx) -> u16 {
    let rows = if cx.solo { cx.size.1 } else { pane_rows(cx.size) };
    rows.saturating_sub(head(cx))
}

impl Consoles {
    /// Draws what is shown of them.
    pub(in crate::panes::vms) fn draw(&self, buf: &mut Buffer, area: Rect, cx: &ViewCtx<'_>) {
        let paint = Paint::new(cx.theme, cx.glyphs);
        paint.fill(buf, area, Token::Text);
        *self.drawn.borrow_mut() = Drawn { origin: (area.x, area.y), ..Drawn::default() };
        match self.shown {
            Shown::Wall => self.draw_wall(buf, area, &paint),
            Shown::One => self.draw_one(buf, area, &paint, cx),
            Shown::Nothing => {}
        }
    }

    fn draw_one(&self, buf: &mut Buffer, area: Rect, paint: &Paint<'_>, cx: &ViewCtx<'_>) {
        let Some(tab) = self.tab() else { return };
        let head = head(cx.ctx);
        let body = Rect { y: area.y + head, height: area.height.saturating_sub(head), ..area };
        let (part, picture) = tab.draw(buf, body, paint, cx.focused);
        if let (Some(placed), Some(Image::Picture(picture))) = (&picture, &tab.image)
            && tab.phase == ConsolePhase::Open
            && self.question.is_none()
            && cx.theme.depth() != Depth::Mono
        {
            cx.ctx.canvas.show(placed.sight(picture));
        }
        self.drawn.borrow_mut().picture = picture;
        let standing = tab.standing(part.as_deref());
        if cx.ctx.solo {
            draw_head(buf, Rect { height: 1, ..area }, paint, &tab.name(), standing);
        } else {
            self.draw_tabs(buf, Rect { height: 1, ..area }, paint);
            paint.line(buf, (area.x + 1, area.y + 1), area.width.saturating_sub(2), &standing);
        }
        if let Some(question) = &self.question {
            dialog(buf, body, paint, question.title, &question.words);
            return;
        }
        match &tab.phase {
            ConsolePhase::Open => {}
            ConsolePhase::Opening => {
                dialog(
                    buf,
                    body,
                    paint,
                    "Opening",
                    &[format!("{} is being opened.", tab.name()), "esc leaves it.".into()],
                );
            }
            ConsolePhase::Held(words) => {
                let lines = [
                    format!("{} is in use by somebody else.", tab.name()),
                    clean(words).into_owned(),
                    "t takes it over: whoever has it loses it. esc leaves it.".to_owned(),
                ];
                dialog(buf, body, paint, "In use", &lines);
            }
            ConsolePhase::Ended(why) => {
                let lines = [clean(why).into_owned(), "enter opens it again, esc closes it.".to_owned()];
                dialog(buf, body, paint, "Ended", &lines);
            }
        }
    }

    /// One line: the open consoles, and how their commands are reached.
    fn draw_tabs(&self, buf: &mut Buffer, area: Rect, paint: &Paint<'_>) {
        let wide = draw_bar(buf, area, paint);
        let mut pieces = Vec::new();
        for (i, tab) in self.tabs.iter().enumerate() {
            let token = if i == self.at { Token::BarActive } else { Token::Status };
            let bell = if tab.rang { "!" } else { "" };
            pieces.push(Piece::new(format!(" {} {}{bell} ", i + 1, tab.name()), token));
        }
        paint.line(buf, (area.x, area.y), area.width.saturating_sub(wide + 1), &pieces);
    }

    fn draw_wall(&self, buf: &mut Buffer, area: Rect, paint: &Paint<'_>) {
        let cells = grid(area, self.tabs.len());
        self.drawn.borrow_mut().cells.clone_from(&cells);
        for (i, (tab, cell)) in self.tabs.iter().zip(cells).enumerate() {
            let border = if i == self.at { Token::BorderFocus } else { Token::Border };
            let inner = paint.boxed(buf, cell, &tab.name(), Token::Text, border);
            match (&tab.phase, &tab.image) {
                (ConsolePhase::Open, Some(Image::Screen(screen))) => thumbnail(screen, paint, inner, buf),
                (ConsolePhase::Open, Some(Image::Picture(picture))) => {
                    draw_picture(buf, inner, paint, picture, View::default());
                }
                (ConsolePhase::Open, None) => lines(buf, inner, paint, "nothing was printed yet"),
                (ConsolePhase::Opening, _) => lines(buf, inner, paint, "being opened"),
                (ConsolePhase::Held(_), _) => lines(buf, inner, paint, "in use by somebody else"),
                (ConsolePhase::Ended(why), _) => lines(buf, inner, paint, why),
            }
        }
    }
}

/// The ground of a line above a console, and how its commands are reached; the columns of that.
fn draw_bar(buf: &mut Buffer, area: Rect, paint: &Paint<'_>) -> u16 {
    let hint = [Piece::new("ctrl-]", Token::Key), Piece::new(" commands ", Token::KeyText)];
    paint.fill(buf, area, Token::Status);
    paint.line_right(buf, (area.x, area.y), area.width, &hint);
    crate::ui::paint::columns(&hint)
}

/// The one line above a console that has the whole screen.
fn draw_head(buf: &mut Buffer, area: Rect, paint: &Paint<'_>, name: &str, standing: Vec<Piece<'_>>) {
    let wide = draw_bar(buf, area, paint);
    let mut pieces = vec![Piece::new(format!(" {name} "), Token::BarActive), Piece::new(" ", Token::Status)];
    pieces.extend(standing);
    paint.line(buf, (area.x, area.y), area.width.saturating_sub(wide + 1), &pieces);
}

/// Cells for so many thumbnails: as many columns as fit, rows of the same height.
fn grid(area: Rect, n: usize) -> Vec<Rect> {
    let n = u16::try_from(n).unwrap_or(u16::MAX).max(1);
    let most = (area.width / LEAST.0).max(1);
    let mut columns = 1;
    while columns < most && columns * (area.height / LEAST.1).max(1) < n {
        columns += 1;
    }
    // Two are nicer beside each other where there is room.
    columns = columns.max(most.min(n).min(2));
    let rows = n.div_ceil(columns);
    let (width, height) = (area.width / columns, (area.height / rows).max(3));
    (0..n)
        .map(|i| Rect { x: area.x + (i % columns) * width, y: area.y + (i / columns) * height, width, height })
        .map(|cell| cell.intersection(area))
        .collect()
}

fn lines(buf: &mut Buffer, area: Rect, paint: &Paint<'_>, words: &str) {
    for (y, line) in (area.y..area.bottom()).zip(wrap(words, area.width)) {
        paint.put(buf, (area.x, y), area.width, &line, Token::Dim);
    }
}

/// The first column and row of the part with the cursor, in so many columns and rows.
fn corner(screen: &Screen, room: (u16, u16)) -> (u16, u16) {
    let at = screen.cursor.map_or((0, 0), |at| (at.column, at.row));
    (at.0.saturating_add(1).saturating_sub(room.0), at.1.saturating_add(1).saturating_sub(room.1))
}

/// Steps to the right and down that the part of a screen is moved by: no more than there is to move.
pub(super) fn panned(screen: &Screen, room: (u16, u16), steps: (i32, i32)) -> (i32, i32) {
    let held = |steps: i32, from: u16, most: u16, step: i32| {
        let up = |cells: u16| (i32::from(cells) + step - 1) / step;
        steps.clamp(-up(from), up(most.saturating_sub(from)))
    };
    let (column, row) = corner(screen, room);
    let most = (screen.columns.saturating_sub(room.0), screen.rows.saturating_sub(room.1));
    (held(steps.0, column, most.0, STEP.1), held(steps.1, row, most.1, STEP.0))
}

/// A picture, or a part of it.
fn draw_picture(buf: &mut Buffer, area: Rect, paint: &Paint<'_>, picture: &Picture, view: View) -> Option<Placement> {
    let (depth, ascii, base) = (paint.theme.depth(), paint.glyphs.ascii, paint.style(Token::Text));
    Pixels { picture, view, depth, ascii, base }.render(area, buf)
}

/// A box with words in the middle of an area.
fn dialog(buf: &mut Buffer, area: Rect, paint: &Paint<'_>, title: &str, words: &[String]) {
    let width = area.width.min(70);
    let wrapped: Vec<String> = words.iter().flat_map(|line| wrap(line, width.saturating_sub(4))).collect();
    let height = u16::try_from(wrapped.len()).unwrap_or(u16::MAX).saturating_add(2);
    let at = popup(area, width, height);
    let inner = paint.boxed(buf, at, title, Token::Dialog, Token::BorderFocus);
    for (y, line) in (inner.y..inner.bottom()).zip(&wrapped) {
        paint.put(buf, (inner.x + 1, y), inner.width.saturating_sub(2), line, Token::Dialog);
    }
}

impl Tab {
    /// Draws what it shows: which part of it, in words, and where a picture lies.
    fn draw(
        &self,
        buf: &mut Buffer,
        area: Rect,
        paint: &Paint<'_>,
        focused: bool,
    ) -> (Option<String>, Option<Placement>) {
        match &self.image {
            Some(Image::Screen(screen)) => {
                let view = ConsoleView {
                    found: &self.hits,
                    current: self.found,
                    selection: self.selection(),
                    focused,
                    pan: self.part(screen, area),
                    ..ConsoleView::new(screen)
                };
                (view.render(paint, area, buf).part(), None)
            }
            Some(Image::Picture(picture)) => {
                let placed = draw_picture(buf, area, paint, picture, self.view);
                (Some(format!("{}x{} pixels", picture.width, picture.height)), placed)
            }
            None if self.phase == ConsolePhase::Open => {
                lines(buf, area, paint, "Nothing was printed yet. A key makes most guests answer: try enter.");
                (None, None)
            }
            None => (None, None),
        }
    }

    /// The part of a screen that was moved to; `None`: the one with the cursor.
    fn part(&self, screen: &Screen, area: Rect) -> Option<Pan> {
        if self.pan == (0, 0) {
            return None;
        }
        let from = |base: u16, steps: i32, step: i32| {
            u16::try_from((i32::from(base) + steps * step).max(0)).unwrap_or(u16::MAX)
        };
        let (column, row) = corner(screen, (area.width, area.height));
        Some(Pan { row: from(row, self.pan.1, STEP.0), column: from(column, self.pan.0, STEP.1) })
    }

    /// How it stands, in one line.
    fn standing(&self, part: Option<&str>) -> Vec<Piece<'_>> {
        let mut pieces = Vec::new();
        let mut say = |words: String, token: Token| {
            if !pieces.is_empty() {
                pieces.push(Piece::dim("   "));
            }
            pieces.push(Piece::new(words, token));
        };
        if self.view_only {
            say("LOOK ONLY".into(), Token::ReadOnly);
        }
        if self.recording.is_some() {
            say("RECORDED".into(), Token::Danger);
        }
        if self.mark.is_some() {
            say("marked: ctrl-] y copies from there".into(), Token::Busy);
        }
        if self.scrolled {
            say("scrolled: a key or ctrl-] G goes to the end".into(), Token::Busy);
        }
        if self.presence.viewers.len() > 1 {
            let others = clean(&self.presence.viewers.join(", ")).into_owned();
            let who = match &self.presence.control {
                Some(_) if self.presence.ours => "you type".to_owned(),
                Some(who) => format!("{} types", clean(who)),
                None => "nobody types".to_owned(),
            };
            say(format!("{others}: {who}"), Token::Strong);
        }
        if let Some(part) = part {
            say(part.to_owned(), Token::Dim);
        }
        say(format!("{} on {}", clean(&self.target.name), self.target.source), Token::Dim);
        if !self.title.is_empty() {
            say(self.title.clone(), Token::Dim);
        }
        pieces
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_screen_is_moved_no_further_than_its_edges() {
        let screen = Screen { rows: 24, columns: 80, ..Screen::default() };
        assert_eq!(panned(&screen, (80, 24), (5, -5)), (0, 0), "all of it is shown");
        assert_eq!(panned(&screen, (60, 14), (99, 99)), (3, 3), "20 columns by 8, 10 rows by 4");
        assert_eq!(panned(&screen, (60, 14), (-1, -1)), (0, 0));
        let cursor = Some(crate::model::console::Cursor { row: 23, column: 0 });
        assert_eq!(panned(&Screen { cursor, ..screen }, (80, 14), (0, -99)), (0, -3));
    }

    #[test]
    fn thumbnails_fill_the_wall_without_overlapping() {
        for (width, height) in [(80, 22), (200, 48), (26, 8), (10, 4)] {
            let area = Rect { x: 0, y: 1, width, height };
            for n in 1..=12 {
                let cells = grid(area, n);
                assert_eq!(cells.len(), n);
                for (i, a) in cells.iter().enumerate() {
                    assert!(area.union(*a) == area || a.is_empty(), "{a:?} in {area:?}");
                    assert!(cells.iter().skip(i + 1).all(|b| a.intersection(*b).is_empty()), "{n} on {area:?}");
                }
            }
        }
    }
}
