//! Draws the parameters of a CPE: path, value, age, mark and type, staged edits as old and new, and
//! the whole of what is under the cursor below.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::app::ctx::ViewCtx;
use crate::model::cpe::CpeRow;
use crate::model::secret::{MASK, looks_secret};
use crate::model::text::{grouped, width};
use crate::model::time::{Ts, brief_duration};
use crate::panes::list::columns::instant;
use crate::theme::Token;
use crate::ui::paint::wrap;
use crate::ui::table::{Align, Column, Extent, Look, Source, Table, place};
use crate::ui::{Paint, Piece};

use super::{Params, cell};

/// Rows above the first parameter.
pub(super) const HEAD: u16 = 2;
/// Staged edits shown below.
const STAGED: usize = 6;

const COLUMNS: &[Column<'static>] = &[
    Column { header: "Path", min: 24, max: 110, priority: 0, align: Align::Left, sorted: None },
    Column { header: "Value", min: 14, max: 80, priority: 1, align: Align::Left, sorted: None },
    Column { header: "Age", min: 5, max: 7, priority: 2, align: Align::Right, sorted: None },
    Column { header: "W", min: 1, max: 1, priority: 3, align: Align::Left, sorted: None },
    Column { header: "Type", min: 6, max: 14, priority: 5, align: Align::Left, sorted: None },
];

/// What stands for a secret, in the signs of the screen.
fn dots(cx: &ViewCtx<'_>) -> &'static str {
    if cx.glyphs.vertical.is_ascii() { "******" } else { MASK }
}

/// Between the old and the new.
pub(in crate::panes::cpe) fn arrow(cx: &ViewCtx<'_>) -> &'static str {
    if cx.glyphs.vertical.is_ascii() { "->" } else { "→" }
}

/// A path that ends as it does: its beginning is what all of them have in common.
fn tail(path: &str, room: u16, ellipsis: &str) -> String {
    let room = usize::from(room);
    if width(path) <= room {
        return path.to_owned();
    }
    let keep = room.saturating_sub(width(ellipsis));
    let mut from = path.len();
    for (at, _) in path.char_indices().rev() {
        if width(path.get(at..).unwrap_or_default()) > keep {
            break;
        }
        from = at;
    }
    format!("{ellipsis}{}", path.get(from..).unwrap_or_default())
}

struct Rows<'a> {
    shown: &'a [&'a [String]],
    at: Option<usize>,
    staged: &'a [(String, String)],
    revealed: Option<&'a (String, String)>,
    path: u16,
    cx: &'a ViewCtx<'a>,
}

impl Rows<'_> {
    fn value(&self, row: &[String]) -> Vec<Piece<'_>> {
        let (path, value) = (cell(row, 0), cell(row, 1));
        let mut pieces = match self.revealed.filter(|(shown, _)| shown == path) {
            Some((_, value)) if value.is_empty() => vec![Piece::new("the server knows no value", Token::Warning)],
            Some((_, value)) => vec![Piece::new(value.clone(), Token::Warning)],
            None if value == MASK => vec![Piece::dim(dots(self.cx))],
            None => vec![Piece::plain(value.to_owned())],
        };
        if let Some((_, new)) = self.staged.iter().find(|(p, _)| p == path) {
            let new = if looks_secret(path) { dots(self.cx) } else { new };
            pieces.push(Piece::dim(format!(" {} ", arrow(self.cx))));
            pieces.push(Piece::new(new.to_owned(), Token::New));
        }
        pieces
    }
}

impl Source for Rows<'_> {
    fn look(&self, row: usize) -> Look {
        Look { cursor: self.at == Some(row), ..Look::default() }
    }

    fn cell(&self, row: usize, column: usize) -> Vec<Piece<'_>> {
        let Some(row) = self.shown.get(row) else { return Vec::new() };
        match column {
            0 => vec![Piece::plain(tail(cell(row, 0), self.path, self.cx.glyphs.ellipsis))],
            1 => self.value(row),
            2 => vec![Piece::dim(age(row, self.cx.ctx.now))],
            3 => vec![Piece::dim(cell(row, 3).to_owned())],
            _ => vec![Piece::dim(kind(row).to_owned())],
        }
    }
}

fn age(row: &[String], now: Ts) -> String {
    Ts::parse_rfc3339(cell(row, 2)).map_or_else(String::new, |t| brief_duration(now.since(t).max(0)))
}

fn kind(row: &[String]) -> &str {
    let kind = cell(row, 4);
    kind.strip_prefix("xsd:").unwrap_or(kind)
}

impl Params {
    /// Draws the browser of a device.
    pub(in crate::panes::cpe) fn draw(&self, buf: &mut Buffer, area: Rect, of: Option<&CpeRow>, cx: &ViewCtx<'_>) {
        let paint = Paint::new(cx.theme, cx.glyphs);
        let Some(device) = of else { return };
        let rows = if self.live(device.id).is_some() { self.rows() } else { Vec::new() };
        let staged = self.staged(device.id);
        let below = self.below(device, &rows, cx, area.width.saturating_sub(2));
        let under = u16::try_from(below.len()).unwrap_or(u16::MAX).min(area.height / 2);
        paint.fill(buf, Rect { height: area.height.min(1), ..area }, Token::Text);
        let head = self.head(device, rows.len(), cx);
        paint.line(buf, (area.x + 1, area.y), area.width.saturating_sub(2), &head);
        let body = Rect { y: area.y + 1, height: area.height.saturating_sub(1 + under), ..area };
        let top = self.pick.top(rows.len(), usize::from(body.height.saturating_sub(1)));
        let path = place(COLUMNS, area.width).first().map_or(0, |p| p.width);
        let source =
            Rows { shown: &rows, at: self.pick.at(rows.len()), staged, revealed: self.revealed.as_ref(), path, cx };
        let empty = self.empty(device);
        Table {
            columns: COLUMNS,
            source: &source,
            top,
            len: rows.len(),
            extent: Some(Extent { first: top as u64, total: rows.len() as u64 }),
            empty: &empty,
            focused: cx.focused,
        }
        .render(buf, body, &paint);
        for (y, (line, token)) in (body.bottom()..area.bottom()).zip(below) {
            paint.put(buf, (area.x + 1, y), area.width.saturating_sub(2), &line, token);
        }
    }

    fn head(&self, device: &CpeRow, shown: usize, cx: &ViewCtx<'_>) -> Vec<Piece<'static>> {
        let mut line = vec![Piece::new(device.label(), Token::Title), Piece::plain("   ")];
        if let Some(live) = self.live(device.id) {
            let all = live.parameters().len();
            if self.search.is_empty() {
                line.push(Piece::plain(format!("{} parameters", grouped(all as u64))));
            } else {
                let words = format!("{} of {} parameters", grouped(shown as u64), grouped(all as u64));
                line.push(Piece::plain(words));
                line.push(Piece::new(format!("  /{}", self.search), Token::Match));
            }
            if live.at.is_set() {
                let at = instant(live.at, cx.ctx.now, cx.ctx.utc_offset_s);
                line.push(Piece::dim(format!("   as the server has them, asked at {at}")));
            }
            if live.asking {
                line.push(Piece::new("   asking the server", Token::Busy));
            }
            if let Some(why) = &live.failed {
                line.push(Piece::new(format!("   no answer: {why}"), Token::Bad));
            }
        }
        line
    }

    fn empty(&self, device: &CpeRow) -> Vec<String> {
        match self.live(device.id) {
            Some(live) if live.asking => vec!["asking the server".to_owned()],
            Some(live) if live.failed.is_some() => vec!["The server did not answer; r asks again.".to_owned()],
            Some(_) if !self.search.is_empty() => vec!["No parameter holds that; esc shows all.".to_owned()],
            Some(_) => vec!["The server knows no parameter of it; x f lets it read all.".to_owned()],
            None => vec!["r asks the server for the parameters of this device.".to_owned()],
        }
    }

    /// What stands below the list: the parameter under the cursor, whole, and the staged edits.
    fn below(&self, device: &CpeRow, rows: &[&[String]], cx: &ViewCtx<'_>, room: u16) -> Vec<(String, Token)> {
        let mut lines = Vec::new();
        if let Some(row) = self.pick.at(rows.len()).and_then(|at| rows.get(at)) {
            lines.extend(wrap(cell(row, 0), room).into_iter().map(|line| (line, Token::Strong)));
            let writable = match cell(row, 3) {
                "w" => "writable",
                "?" => "perhaps writable",
                _ => "read-only",
            };
            let read = match age(row, cx.ctx.now) {
                age if age.is_empty() => "never read".to_owned(),
                age => format!("read {age} ago"),
            };
            let told = cell(row, 1).replace(MASK, dots(cx));
            let value = format!("{told}   ({}, {read}, {writable})", kind(row));
            lines.extend(wrap(&value, room).into_iter().take(2).map(|line| (line, Token::Text)));
        }
        let staged = self.staged(device.id);
        if !staged.is_empty() {
            lines.push((format!("{} staged: x s sends them as one, U forgets them", staged.len()), Token::Warning));
            let told = |path: &str| {
                let live = self.live(device.id)?.parameters().iter().find(|row| cell(row, 0) == path)?;
                Some(cell(live, 1).to_owned())
            };
            lines.extend(staged.iter().take(STAGED).map(|(path, new)| {
                let new = if looks_secret(path) { dots(cx) } else { new };
                let old = told(path).unwrap_or_else(|| "?".to_owned()).replace(MASK, dots(cx));
                (format!("  {path}: {old} {} {new}", arrow(cx)), Token::New)
            }));
        }
        lines
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_a_long_path_the_end_is_shown() {
        assert_eq!(tail("Device.WiFi.SSID.1.SSID", 30, "…"), "Device.WiFi.SSID.1.SSID");
        assert_eq!(tail("Device.WiFi.SSID.1.SSID", 8, "…"), "….1.SSID");
        assert_eq!(tail("Device", 0, "…"), "…");
    }
}
