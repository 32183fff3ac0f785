//! Draws the form: each field with its value, unit, whether the appliance heeds it and what a change
//! needs; below, the field under the cursor in words. And the changes, old and new.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::app::ctx::ViewCtx;
use crate::model::appliance::config::{FieldKind, Honoured};
use crate::model::text::counted;
use crate::panes::list::columns::instant;
use crate::theme::Token;
use crate::ui::paint::wrap;
use crate::ui::sections::{Block, Sections};
use crate::ui::table::{Align, Column, Extent, Look, Source, Table};
use crate::ui::{Paint, Piece};

use super::Form;
use super::fields::{Field, typed};

/// Rows above the first field.
pub(super) const HEAD: u16 = 2;

const COLUMNS: &[Column<'static>] = &[
    Column { header: "Field", min: 26, max: 40, priority: 0, align: Align::Left, sorted: None },
    Column { header: "Value", min: 14, max: 60, priority: 0, align: Align::Left, sorted: None },
    Column { header: "Unit", min: 7, max: 8, priority: 2, align: Align::Left, sorted: None },
    Column { header: "Heeded", min: 16, max: 16, priority: 1, align: Align::Left, sorted: None },
    Column { header: "Effect", min: 7, max: 8, priority: 3, align: Align::Left, sorted: None },
];

/// Between the old and the new.
const fn arrow(cx: &ViewCtx<'_>) -> &'static str {
    if cx.glyphs.ascii { "->" } else { "→" }
}

struct Rows<'a> {
    form: &'a Form,
    cx: &'a ViewCtx<'a>,
}

impl Source for Rows<'_> {
    fn look(&self, row: usize) -> Look {
        let marked = self.form.fields.get(row).is_some_and(|f| self.form.change(&f.path).is_some());
        Look { cursor: self.form.pick.at(self.form.fields.len()) == Some(row), marked, stale: false }
    }

    fn cell(&self, row: usize, column: usize) -> Vec<Piece<'_>> {
        let Some(field) = self.form.fields.get(row) else { return Vec::new() };
        let spec = field.spec;
        match column {
            0 => vec![Piece::plain(field.path.strip_prefix("services.").unwrap_or(&field.path))],
            1 => self.form.value(field, self.cx),
            2 => vec![Piece::dim(spec.map_or("", |s| s.unit))],
            3 => vec![
                spec.map_or_else(|| Piece::dim("not known"), |s| Piece::new(s.honoured.word(), heeded(s.honoured))),
            ],
            _ if spec.is_some_and(|s| s.needs_restart) => vec![Piece::new("restart", Token::Busy)],
            _ if spec.is_none_or(|s| s.honoured == Honoured::No || s.honoured == Honoured::ShownOnly) => Vec::new(),
            _ => vec![Piece::dim("at once")],
        }
    }
}

const fn heeded(honoured: Honoured) -> Token {
    match honoured {
        Honoured::Yes => Token::Good,
        Honoured::Partly => Token::Busy,
        Honoured::No | Honoured::ShownOnly => Token::Off,
    }
}

impl Form {
    /// What was told, and what it is to be.
    fn value(&self, field: &Field, cx: &ViewCtx<'_>) -> Vec<Piece<'static>> {
        let mut pieces = match &field.value {
            Some(value) => vec![Piece::plain(typed(value))],
            None => vec![Piece::new("missing", Token::Bad)],
        };
        if let Some(new) = self.change(&field.path) {
            let token = if self.fault(&field.path).is_some() { Token::InputError } else { Token::New };
            pieces.push(Piece::dim(format!(" {} ", arrow(cx))));
            pieces.push(Piece::new(new.to_owned(), token));
        }
        if self.fault(&field.path).is_some() {
            pieces.push(Piece::new(format!(" {}", cx.glyphs.bad), Token::Bad));
        }
        pieces
    }

    /// Draws the form.
    pub(in crate::panes::buffers) fn draw(&self, buf: &mut Buffer, area: Rect, cx: &ViewCtx<'_>) {
        let paint = Paint::new(cx.theme, cx.glyphs);
        paint.fill(buf, Rect { height: area.height.min(1), ..area }, Token::Text);
        paint.line(buf, (area.x + 1, area.y), area.width.saturating_sub(2), &self.head(cx));
        let body = Rect { y: area.y + 1, height: area.height.saturating_sub(1), ..area };
        if self.diff {
            let blocks = self.differences(cx);
            Sections { title: "Changes", blocks: &blocks, scroll: 0, focused: cx.focused }.render(buf, body, &paint);
            return;
        }
        let below = self.below(area.width.saturating_sub(2));
        let under = u16::try_from(below.len()).unwrap_or(u16::MAX).min(area.height / 2);
        let list = Rect { height: body.height.saturating_sub(under), ..body };
        let top = self.pick.top(self.fields.len(), usize::from(list.height.saturating_sub(1)));
        let empty = self.empty();
        Table {
            columns: COLUMNS,
            source: &Rows { form: self, cx },
            top,
            len: self.fields.len(),
            extent: Some(Extent { first: top as u64, total: self.fields.len() as u64 }),
            empty: &empty,
            focused: cx.focused,
        }
        .render(buf, list, &paint);
        for (y, (line, token)) in (list.bottom()..area.bottom()).zip(below) {
            paint.put(buf, (area.x + 1, y), area.width.saturating_sub(2), &line, token);
        }
    }

    fn head(&self, cx: &ViewCtx<'_>) -> Vec<Piece<'static>> {
        let mut line = vec![Piece::new(format!("Configuration of {}", self.source), Token::Title)];
        let changes = self.changes().len() as u64;
        if changes > 0 {
            let words = counted(changes, "change", "changes");
            let sent = if self.asked.is_some() { "" } else { ", not sent" };
            line.push(Piece::plain("   "));
            line.push(Piece::new(format!("{words}{sent}"), Token::Warning));
        }
        if self.asked.is_some() {
            line.push(Piece::new("   asking the appliance", Token::Busy));
        } else if let Some((_, at)) = &self.told {
            let at = instant(*at, cx.ctx.now, cx.ctx.utc_offset_s);
            line.push(Piece::dim(format!("   as it told at {at}")));
        }
        if let Some(why) = &self.failed {
            line.push(Piece::new(format!("   {why}"), Token::Bad));
        }
        line
    }

    fn empty(&self) -> Vec<String> {
        if self.asked.is_some() {
            vec!["asking the appliance".to_owned()]
        } else {
            vec!["The appliance did not tell its configuration; r asks again.".to_owned()]
        }
    }

    /// The field under the cursor, in words.
    fn below(&self, room: u16) -> Vec<(String, Token)> {
        let Some(field) = self.current() else { return Vec::new() };
        let mut lines = vec![(field.path.clone(), Token::Strong)];
        let say = |words: &str, token: Token| wrap(words, room).into_iter().map(move |line| (line, token));
        match field.spec {
            Some(spec) => {
                lines.extend(say(spec.doc, Token::Text));
                let fits = match spec.kind {
                    FieldKind::Switch => "true or false".to_owned(),
                    FieldKind::Number { least, most } => format!("{least} to {most} {}", spec.unit),
                    FieldKind::Address => "an http:// or https:// address".to_owned(),
                    FieldKind::Word(words) => words.join(", "),
                };
                lines.extend(say(&fits, Token::Dim));
            }
            None => lines.extend(say("Not known here: it is sent back as it was told.", Token::Dim)),
        }
        if let Some(why) = self.fault(&field.path) {
            lines.extend(say(why, Token::Bad));
        }
        let elsewhere = self.faults.iter().filter(|(path, _)| *path != field.path);
        lines.extend(elsewhere.flat_map(|(_, why)| say(why, Token::Bad)));
        lines
    }

    /// All changes, old and new, with what they need.
    fn differences<'a>(&'a self, cx: &ViewCtx<'a>) -> Vec<Block<'a>> {
        let mut blocks = Vec::new();
        for (path, new) in self.changes() {
            let field = self.fields.iter().find(|f| f.path == *path);
            let old = field.and_then(|f| f.value.as_ref()).map_or_else(|| "missing".to_owned(), typed);
            let spec = field.and_then(|f| f.spec);
            let unit = spec.map_or("", |s| s.unit);
            blocks.push(Block::Line(vec![Piece::new(path.as_str(), Token::Strong)]));
            blocks.push(Block::Line(vec![
                Piece::plain("  "),
                Piece::dim(old),
                Piece::dim(format!(" {} ", arrow(cx))),
                Piece::new(new.as_str(), if self.fault(path).is_some() { Token::InputError } else { Token::New }),
                Piece::dim(format!(" {unit}")),
            ]));
            if let Some(spec) = spec {
                if spec.honoured != Honoured::Yes {
                    blocks.push(Block::Line(vec![Piece::new(format!("  {}", spec.honoured.word()), Token::Warning)]));
                    blocks.push(Block::Words(spec.doc.into(), Token::Dim));
                }
                if spec.needs_restart {
                    let words = "  takes effect only when the buffer service starts anew";
                    blocks.push(Block::Line(vec![Piece::new(words, Token::Busy)]));
                }
            }
            if let Some(why) = self.fault(path) {
                blocks.push(Block::Words(why.into(), Token::Bad));
            }
            blocks.push(Block::Gap);
        }
        if blocks.is_empty() {
            blocks.push(Block::Words("Nothing is changed.".into(), Token::Text));
        }
        blocks.push(Block::Words(
            "x s sends the whole configuration with these changes, and reads it back. d goes back.".into(),
            Token::Dim,
        ));
        blocks
    }
}
