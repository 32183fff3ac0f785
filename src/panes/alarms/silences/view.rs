//! Draws the list of silences, and everything about the one under the cursor.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::app::ctx::{Ctx, ViewCtx};
use crate::model::labels::{Matcher, matchers_text};
use crate::model::page::Total;
use crate::model::silence::{SilenceRow, SilenceState};
use crate::model::text::{counted, grouped};
use crate::model::time::brief_duration;
use crate::panes::detail::{Areas, pane_rows};
use crate::panes::list::columns::{age, instant, moment};
use crate::theme::Token;
use crate::ui::paint::wrap;
use crate::ui::sections::Block;
use crate::ui::table::{Align, Column, Extent, Look, Source, Table};
use crate::ui::{Paint, Piece};

use super::{Silences, Tab, Told};

/// Rows above the first row of the list: the kinds, and the header.
pub(super) const HEAD: u16 = 2;

/// Header, sort field, least and most columns, priority.
const COLUMNS: [(&str, &str, (u16, u16), u8); 7] = [
    ("State", "state", (7, 7), 0),
    ("Ends", "ends", (9, 10), 1),
    ("Alarms", "alarms", (6, 7), 3),
    ("Matchers", "matchers", (20, 70), 2),
    ("By", "by", (8, 14), 5),
    ("Comment", "comment", (10, 60), 4),
    ("Source", "source", (6, 14), 6),
];

const fn state_token(state: SilenceState) -> Token {
    match state {
        SilenceState::Active => Token::Good,
        SilenceState::Pending => Token::Busy,
        SilenceState::Expired => Token::Off,
    }
}

/// When it ends, or how long it has been over.
fn ends(row: &SilenceRow, cx: &Ctx) -> String {
    if !row.ends.is_set() {
        return "not told".to_owned();
    }
    let left = row.ends.since(cx.now);
    match row.state {
        SilenceState::Expired => format!("{} ago", brief_duration((-left).max(0))),
        SilenceState::Active | SilenceState::Pending => format!("in {}", brief_duration(left.max(0))),
    }
}

/// Matchers without the braces around them.
pub(super) fn bare(matchers: &str) -> &str {
    matchers.strip_prefix('{').and_then(|m| m.strip_suffix('}')).unwrap_or(matchers)
}

fn number(total: Option<Total>) -> String {
    match total {
        None => String::new(),
        Some(Total::Exact(n)) => grouped(n),
        Some(Total::AtLeast(n)) => format!("{}+", grouped(n)),
    }
}

struct Rows<'a> {
    view: &'a Silences,
    shown: &'a [&'a SilenceRow],
    cx: &'a ViewCtx<'a>,
}

impl Source for Rows<'_> {
    fn look(&self, row: usize) -> Look {
        let stale = self.shown.get(row).is_some_and(|row| self.view.failed(row).is_some());
        Look { cursor: self.view.pick.at(self.shown.len()) == Some(row), marked: false, stale }
    }

    fn cell(&self, row: usize, column: usize) -> Vec<Piece<'_>> {
        let Some(row) = self.shown.get(row) else { return Vec::new() };
        vec![match column {
            0 => Piece::new(row.state.word(), state_token(row.state)),
            1 => Piece::plain(ends(row, self.cx.ctx)),
            2 => match (row.state, self.view.held.of(row)) {
                (SilenceState::Active, Some(Total::Exact(0))) => Piece::dim("0"),
                (SilenceState::Active, total) => Piece::new(number(total), Token::Strong),
                _ => Piece::dim("-"),
            },
            3 => Piece::new(bare(&row.matchers), Token::Strong),
            4 => Piece::plain(row.created_by.as_str()),
            5 => Piece::plain(row.comment.as_str()),
            _ => Piece::dim(&*row.source),
        }]
    }
}

/// The parts of the pane's area.
pub(super) fn areas(view: &Silences, size: (u16, u16)) -> Areas {
    let area = Rect { x: 0, y: 0, width: size.0, height: pane_rows(size) };
    view.detail.areas(area, size)
}

impl Silences {
    /// Why its server does not tell, and since when: what is shown is what it told then.
    fn failed(&self, row: &SilenceRow) -> Option<&Told> {
        self.told.iter().find(|told| told.source == row.source && told.failed.is_some())
    }

    /// Draws the view.
    pub(in crate::panes::alarms) fn draw(&self, buf: &mut Buffer, area: Rect, cx: &ViewCtx<'_>) {
        if let Some(form) = &self.form {
            return form.draw(buf, area, cx);
        }
        let areas = self.detail.areas(area, cx.ctx.size);
        if !areas.list.is_empty() {
            self.draw_list(buf, areas.list, cx);
        }
        let Some(at) = areas.detail else { return };
        if let Some(row) = self.current() {
            let title = format!("Silence {}", row.id);
            self.detail.draw(buf, at, &title, &self.facts(row, cx.ctx), cx);
        } else {
            let nothing = [Block::Words("no silence under the cursor".into(), Token::Dim)];
            self.detail.draw(buf, at, "Silence", &nothing, cx);
        }
    }

    fn draw_list(&self, buf: &mut Buffer, area: Rect, cx: &ViewCtx<'_>) {
        let paint = Paint::new(cx.theme, cx.glyphs);
        let room = area.width.saturating_sub(2);
        paint.fill(buf, Rect { height: area.height.min(1), ..area }, Token::Text);
        paint.line(buf, (area.x + 1, area.y), room, &self.tabs(cx.ctx));
        let rows = self.rows();
        // Below the list: which servers do not tell, whole, whatever the list is cut to.
        let troubles: Vec<String> = self.troubles(cx.ctx).iter().flat_map(|words| wrap(words, room)).collect();
        let under =
            if rows.is_empty() { 0 } else { u16::try_from(troubles.len()).unwrap_or(u16::MAX).min(area.height / 3) };
        let body = Rect { y: area.y + 1, height: area.height.saturating_sub(1 + under), ..area };
        let top = self.pick.top(rows.len(), usize::from(body.height.saturating_sub(1)));
        let columns = COLUMNS.map(|(header, field, (min, max), priority)| Column {
            header,
            min,
            max,
            priority,
            align: if field == "alarms" { Align::Right } else { Align::Left },
            sorted: (self.sort.0 == field).then_some(self.sort.1 != (field == "alarms")),
        });
        let empty: Vec<String> =
            self.empty(cx.ctx).iter().flat_map(|words| wrap(words, room.saturating_sub(2))).collect();
        Table {
            columns: &columns,
            source: &Rows { view: self, shown: &rows, cx },
            top,
            len: rows.len(),
            extent: Some(Extent { first: top as u64, total: rows.len() as u64 }),
            empty: &empty,
            focused: cx.focused && !self.detail.focus,
        }
        .render(buf, body, &paint);
        let below = Rect { y: body.bottom(), height: under, ..area };
        paint.fill(buf, below, Token::Text);
        for (y, line) in (below.y..below.bottom()).zip(&troubles) {
            paint.put(buf, (area.x + 1, y), room, line, Token::Bad);
        }
    }

    fn tabs(&self, cx: &Ctx) -> Vec<Piece<'_>> {
        let mut line = Vec::new();
        for tab in Tab::ALL {
            let n = self.all().filter(|row| tab.holds(row.state)).count();
            let token = if tab == self.tab { Token::Title } else { Token::Dim };
            line.push(Piece::new(format!("{} {n}", tab.title()), token));
            line.push(Piece::plain("   "));
        }
        let oldest = self.told.iter().map(|told| told.at).min().filter(|at| at.is_set());
        if self.asked.is_some() && oldest.is_none() {
            line.push(Piece::new("asking the servers", Token::Busy));
        } else if let Some(at) = oldest {
            line.push(Piece::dim(format!("read at {}", instant(at, cx.now, cx.utc_offset_s))));
        }
        line
    }

    /// Which servers do not tell.
    fn troubles(&self, cx: &Ctx) -> Vec<String> {
        let words = |told: &Told| {
            let why = told.failed.as_ref()?;
            let kept = if told.at.is_set() {
                format!("what it told {} ago stays", age(told.at, cx.now))
            } else {
                "it has told nothing yet".to_owned()
            };
            Some(format!("{} does not tell ({kept}): {why}", told.source))
        };
        self.told.iter().filter_map(words).collect()
    }

    fn empty(&self, cx: &Ctx) -> Vec<String> {
        let mut lines = self.troubles(cx);
        if self.told.is_empty() && self.asked.is_some() {
            lines.push("asking the servers".to_owned());
        } else if self.told.is_empty() {
            lines.push("No source of the kind `alertmanager` is configured.".to_owned());
        } else if !self.search.is_empty() {
            lines.push("Nothing holds what is searched; esc shows all.".to_owned());
        } else if lines.is_empty() {
            let words = match self.tab {
                Tab::InForce => "No silence is in force or to come. a makes one; l shows those that are over.",
                Tab::Over => "No silence that is over is kept any more. a makes a new one.",
                Tab::All => "There is no silence yet. a makes one.",
            };
            lines.push(words.to_owned());
        }
        lines
    }

    fn facts<'a>(&'a self, row: &'a SilenceRow, cx: &Ctx) -> Vec<Block<'a>> {
        let at = |t| moment(t, cx.now, cx.utc_offset_s);
        let words = match row.state {
            SilenceState::Active => "  it holds alerts back",
            SilenceState::Pending => "  it has not begun",
            SilenceState::Expired => "  it is over",
        };
        let state = vec![Piece::new(row.state.word(), state_token(row.state)), Piece::dim(words)];
        let mut blocks = vec![Block::Fact("state".into(), state)];
        let conditions = Matcher::parse_all(&row.matchers).unwrap_or_default();
        if conditions.len() > 1 {
            let words = |one| bare(&matchers_text(std::slice::from_ref(one))).to_owned();
            blocks.extend(conditions.iter().map(|one| Block::fact("matcher", words(one))));
        } else {
            blocks.push(Block::fact("matcher", bare(&row.matchers)));
        }
        blocks.push(Block::fact("comment", row.comment.as_str()));
        blocks.push(Block::fact("by", row.created_by.as_str()));
        blocks.push(Block::fact("begins", at(row.starts)));
        blocks.push(Block::fact("ends", at(row.ends)));
        if row.updated.is_set() {
            blocks.push(Block::fact("changed", at(row.updated)));
        }
        if row.state == SilenceState::Active {
            let words = match self.held.of(row) {
                None => "being counted".to_owned(),
                Some(Total::Exact(0)) => "no open alarm".to_owned(),
                Some(Total::Exact(n)) => format!("{}: o shows", counted(n, "open alarm", "open alarms")),
                Some(Total::AtLeast(n)) => format!("more than {} open alarms: o shows them", grouped(n)),
            };
            blocks.push(Block::fact("holds back", words));
        }
        blocks.push(Block::fact("source", &*row.source));
        blocks.push(Block::fact("id", row.id.as_str()));
        if let Some(told) = self.failed(row) {
            let words = format!("as it was {} ago: its server does not tell", age(told.at, cx.now));
            blocks.push(Block::Words(words.into(), Token::Stale));
        }
        blocks.push(Block::Gap);
        let words = match row.state {
            SilenceState::Expired => "e makes another one like it.",
            _ => "e changes it, d ends it before its time, o shows the alarms that it holds back.",
        };
        blocks.push(Block::Words(words.into(), Token::Dim));
        blocks
    }
}
