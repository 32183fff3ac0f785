//! Draws what servers keep: the kinds, the list of one, and the whole of what is under the cursor.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::app::ctx::ViewCtx;
use crate::model::stored::{Stored, StoredKind};
use crate::model::text::grouped;
use crate::panes::detail::{Areas, pane_rows};
use crate::panes::list::columns::{instant, moment};
use crate::theme::Token;
use crate::ui::sections::Block;
use crate::ui::table::{Align, Column, Extent, Look, Source, Table};
use crate::ui::{Paint, Piece};

use super::Objects;

/// Rows above the first row of the list: the kinds, and the header.
pub(super) const HEAD: u16 = 2;

const fn column(header: &'static str, (min, max): (u16, u16), priority: u8) -> Column<'static> {
    Column { header, min, max, priority, align: Align::Left, sorted: None }
}

const fn number(header: &'static str, (min, max): (u16, u16), priority: u8) -> Column<'static> {
    Column { align: Align::Right, ..column(header, (min, max), priority) }
}

const PRESETS: &[Column<'static>] = &[
    column("Name", (14, 34), 0),
    number("Weight", (6, 6), 3),
    column("Channel", (8, 16), 4),
    column("When", (14, 44), 2),
    column("What it does", (18, 90), 1),
    column("Source", (6, 12), 5),
];
const SCRIPTS: &[Column<'static>] = &[
    column("Name", (14, 34), 0),
    number("Bytes", (6, 9), 2),
    column("First line", (24, 110), 1),
    column("Source", (6, 12), 5),
];
const FILES: &[Column<'static>] = &[
    column("Name", (16, 40), 0),
    column("Version", (8, 18), 1),
    column("Class", (8, 16), 2),
    column("OUI", (6, 8), 3),
    number("Bytes", (10, 13), 2),
    column("Uploaded", (8, 16), 4),
    column("Type", (12, 26), 5),
    column("SHA-256", (12, 64), 6),
    column("Source", (6, 12), 7),
];

struct Rows<'a> {
    kind: StoredKind,
    shown: &'a [&'a Stored],
    at: Option<usize>,
    cx: &'a ViewCtx<'a>,
}

impl Source for Rows<'_> {
    fn look(&self, row: usize) -> Look {
        Look { cursor: self.at == Some(row), ..Look::default() }
    }

    fn cell(&self, row: usize, column: usize) -> Vec<Piece<'_>> {
        let Some(stored) = self.shown.get(row) else { return Vec::new() };
        let json = |key: &str| match stored.json().get(key) {
            Some(serde_json::Value::String(t)) => t.clone(),
            Some(other) => other.to_string(),
            None => String::new(),
        };
        let bytes = || grouped(stored.text.len() as u64);
        let file = stored.file.as_ref();
        let of_file = |pick: fn(&crate::model::stored::FileFacts) -> &str| {
            Piece::plain(file.map_or_else(String::new, |f| pick(f).to_owned()))
        };
        let source = || Piece::dim(&*stored.source);
        vec![match (self.kind, column) {
            (_, 0) => Piece::new(stored.name.as_str(), Token::Strong),
            (StoredKind::Preset, 1) => Piece::plain(json("weight")),
            (StoredKind::Preset, 2) => Piece::dim(json("channel")),
            (StoredKind::Preset, 3) => Piece::plain(stored.when()),
            (StoredKind::Preset, 4) | (StoredKind::Provision | StoredKind::VirtualParameter, 2) => {
                Piece::plain(stored.what())
            }
            (StoredKind::Provision | StoredKind::VirtualParameter, 1) => Piece::plain(bytes()),
            (StoredKind::File, 1) => of_file(|f| &f.version),
            (StoredKind::File, 2) => of_file(|f| &f.product_class),
            (StoredKind::File, 3) => of_file(|f| &f.oui),
            (StoredKind::File, 4) => Piece::plain(file.map_or_else(String::new, |f| grouped(f.length))),
            (StoredKind::File, 5) => {
                let ctx = self.cx.ctx;
                Piece::dim(file.map_or_else(String::new, |f| instant(f.uploaded, ctx.now, ctx.utc_offset_s)))
            }
            (StoredKind::File, 6) => of_file(|f| &f.file_type),
            (StoredKind::File, 7) => match file.map(|f| f.sha256.as_str()) {
                Some("") | None => Piece::dim("not known"),
                Some(sum) => Piece::plain(sum),
            },
            _ => source(),
        }]
    }
}

/// The parts of the pane's area.
pub(super) fn areas(objects: &Objects, size: (u16, u16)) -> Areas {
    let area = Rect { x: 0, y: 0, width: size.0, height: pane_rows(size) };
    objects.detail.areas(area, size)
}

impl Objects {
    /// Draws the view.
    pub(in crate::panes::cpe) fn draw(&self, buf: &mut Buffer, area: Rect, cx: &ViewCtx<'_>) {
        let areas = self.detail.areas(area, cx.ctx.size);
        if !areas.list.is_empty() {
            self.draw_list(buf, areas.list, cx);
        }
        let Some(at) = areas.detail else { return };
        if let Some(stored) = self.current() {
            let mut blocks = facts_of(stored, self, Some(cx));
            let needle = self.search.to_lowercase();
            blocks.extend(stored.text.lines().map(|line| {
                let hit = !needle.is_empty() && line.to_lowercase().contains(&needle);
                Block::Code(line.into(), if hit { Token::Match } else { Token::Text })
            }));
            let title = format!("{} {}", stored.kind.noun(), stored.name);
            self.detail.draw(buf, at, &title, &blocks, cx);
        } else {
            let nothing = [Block::Words("nothing under the cursor".into(), Token::Dim)];
            self.detail.draw(buf, at, "Text", &nothing, cx);
        }
    }

    fn draw_list(&self, buf: &mut Buffer, area: Rect, cx: &ViewCtx<'_>) {
        let paint = Paint::new(cx.theme, cx.glyphs);
        let head = Rect { height: area.height.min(1), ..area };
        paint.fill(buf, head, Token::Text);
        paint.line(buf, (area.x + 1, area.y), area.width.saturating_sub(2), &self.tabs(cx));
        let rows = self.rows(self.kind());
        let body = Rect { y: area.y + 1, height: area.height.saturating_sub(1), ..area };
        let top = self.pick.top(rows.len(), usize::from(body.height.saturating_sub(1)));
        let source = Rows { kind: self.kind(), shown: &rows, at: self.pick.at(rows.len()), cx };
        let columns = match self.kind() {
            StoredKind::Preset => PRESETS,
            StoredKind::Provision | StoredKind::VirtualParameter => SCRIPTS,
            StoredKind::File => FILES,
        };
        let empty = self.empty();
        Table {
            columns,
            source: &source,
            top,
            len: rows.len(),
            extent: Some(Extent { first: top as u64, total: rows.len() as u64 }),
            empty: &empty,
            focused: cx.focused && !self.detail.focus,
        }
        .render(buf, body, &paint);
    }

    fn tabs(&self, cx: &ViewCtx<'_>) -> Vec<Piece<'_>> {
        let mut line = Vec::new();
        for kind in StoredKind::ALL {
            let n = self.all().filter(|s| s.kind == kind).count();
            let here = kind == self.kind();
            line.push(Piece::new(format!("{} {n}", kind.title()), if here { Token::Title } else { Token::Dim }));
            line.push(Piece::plain("   "));
        }
        if self.asked.is_some() {
            line.push(Piece::new("asking the servers", Token::Busy));
        } else if self.read_at.is_set() {
            line.push(Piece::dim(format!("read at {}", instant(self.read_at, cx.ctx.now, cx.ctx.utc_offset_s))));
        }
        line
    }

    fn empty(&self) -> Vec<String> {
        let mut lines: Vec<String> = self
            .lists
            .iter()
            .filter_map(|(source, list)| list.as_ref().err().map(|why| format!("{source} does not tell: {why}")))
            .collect();
        if self.asked.is_some() {
            lines.push("asking the servers".to_owned());
        } else if self.lists.is_empty() {
            lines.push("No source of the kind `genieacs` is configured.".to_owned());
        } else if !self.search.is_empty() {
            lines.push("Nothing holds what is searched; esc shows all.".to_owned());
        } else if lines.is_empty() {
            let how = if self.kind() == StoredKind::File { "U uploads one." } else { "a makes one." };
            lines.push(format!("There is none. {how}"));
        }
        lines
    }
}

/// What is told above the text.
pub(super) fn facts_of<'a>(stored: &'a Stored, objects: &'a Objects, cx: Option<&ViewCtx<'a>>) -> Vec<Block<'a>> {
    let mut blocks = Vec::new();
    if let Some((_, _, file)) = objects.draft(stored) {
        blocks.push(Block::Line(vec![Piece::new(
            format!("an edited text was not stored; e goes on with it; kept in {file}"),
            Token::Warning,
        )]));
    }
    blocks.push(Block::fact("source", &*stored.source));
    if let Some(file) = &stored.file {
        let any = |t: &'a str| if t.is_empty() { "any" } else { t };
        blocks.extend([
            Block::fact("type", file.file_type.as_str()),
            Block::fact("version", if file.version.is_empty() { "not told" } else { file.version.as_str() }),
            Block::fact("class", any(&file.product_class)),
            Block::fact("OUI", any(&file.oui)),
            Block::fact("bytes", grouped(file.length)),
            Block::fact(
                "SHA-256",
                if file.sha256.is_empty() { "not known: noctule did not upload it" } else { file.sha256.as_str() },
            ),
        ]);
        if let Some(cx) = cx {
            blocks.push(Block::fact("uploaded", moment(file.uploaded, cx.ctx.now, cx.ctx.utc_offset_s)));
        }
    }
    if stored.kind == StoredKind::Preset {
        let when = stored.when();
        blocks
            .push(Block::fact("when", if when.is_empty() { "every session of every device".to_owned() } else { when }));
        blocks.push(Block::fact("does", stored.what()));
    } else {
        let users: Vec<String> = objects
            .all()
            .filter(|s| s.source == stored.source && s.uses(stored.kind, &stored.name))
            .filter(|s| (s.kind, &s.name) != (stored.kind, &stored.name))
            .map(|s| format!("{} {}", s.kind.noun(), s.name))
            .collect();
        blocks
            .push(Block::fact("used by", if users.is_empty() { "nothing here".to_owned() } else { users.join(", ") }));
    }
    blocks.push(Block::Gap);
    blocks
}
