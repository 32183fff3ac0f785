//! The log pane: every call made, every action, every message that could not be read.

mod columns;
pub(crate) mod commands;

use ratatui::Frame;
use ratatui::layout::Rect;

use crate::app::ctx::{Ctx, ViewCtx};
use crate::app::effect::{Effect, Level, Location};
use crate::app::message::Msg;
use crate::app::pane::{Pane, PaneId};
use crate::commands::spec::{CommandSpec, Context, Situation};
use crate::model::command::Args;
use crate::model::log::LogRow;
use crate::theme::Token;
use crate::ui::Piece;
use crate::ui::sections::Block;

use super::list::Landing;
use super::list::columns::moment;
use super::list::commands::toast;
use super::split::Split;
use super::verbs::choose;

/// The pane. It follows the newest row until the operator goes down.
pub struct LogPane {
    split: Split<LogRow>,
}

impl Default for LogPane {
    fn default() -> Self {
        Self::new()
    }
}

impl LogPane {
    /// The pane with nothing in it.
    #[must_use]
    pub fn new() -> Self {
        let mut split = Split::new(PaneId::Log, columns::COLUMNS);
        split.list.follow = true;
        Self { split }
    }

    /// Adds a condition to the filter, or takes it out when it is there.
    fn toggle_condition(&mut self, condition: &str, cx: &Ctx) -> Vec<Effect> {
        let text = self.split.list.filter_text();
        let parts: Vec<&str> = text.split(" and ").map(str::trim).filter(|p| !p.is_empty()).collect();
        let filter = if parts.contains(&condition) {
            parts.into_iter().filter(|p| *p != condition).collect::<Vec<_>>().join(" and ")
        } else {
            let field = condition.split('=').next().unwrap_or(condition);
            let others = parts.into_iter().filter(|p| p.split('=').next() != Some(field));
            others.chain([condition]).collect::<Vec<_>>().join(" and ")
        };
        self.split.list.set_filter(&filter);
        self.split.list.reset(Landing::First, cx)
    }

    fn kind(&mut self, args: &Args, cx: &Ctx) -> Vec<Effect> {
        match args.get("kind") {
            Some(kind) => self.toggle_condition(&format!("kind={kind}"), cx),
            None => choose(
                "Show only".into(),
                &[
                    ("call", "calls to controllers"),
                    ("action", "actions of operators on alarms"),
                    ("command", "commands to devices"),
                    ("notice", "notices of controllers"),
                    ("source", "changes of a source's health"),
                    ("unreadable", "messages that could not be read"),
                ],
                "log.kind",
                "kind",
                Args::new(),
            ),
        }
    }

    fn this_source(&mut self, cx: &Ctx) -> Vec<Effect> {
        match self.split.list.current().map(|r| r.source.clone()) {
            Some(source) if !source.is_empty() => self.toggle_condition(&format!("source=\"{source}\""), cx),
            _ => vec![toast(Level::Info, "the row under the cursor is of no source")],
        }
    }
}

impl Pane for LogPane {
    fn id(&self) -> PaneId {
        PaneId::Log
    }

    fn update(&mut self, msg: &Msg, cx: &Ctx) -> Vec<Effect> {
        self.split.list.update(msg, cx)
    }

    fn shown(&mut self, rows: u16, cx: &Ctx) -> Vec<Effect> {
        self.split.shown(rows, cx)
    }

    fn command(&mut self, id: &'static str, args: &Args, cx: &Ctx) -> Vec<Effect> {
        match id {
            "log.follow" => {
                self.split.list.follow = !self.split.list.follow;
                if self.split.list.follow { self.split.list.reset(Landing::First, cx) } else { Vec::new() }
            }
            "log.failed" => self.toggle_condition("failed=true", cx),
            "log.kind" => self.kind(args, cx),
            "log.source" => self.this_source(cx),
            _ => self.split.command(id, args, cx).unwrap_or_default(),
        }
    }

    fn goto(&mut self, to: &Location, cx: &Ctx) -> Vec<Effect> {
        if let Some(filter) = &to.filter {
            self.split.list.set_filter(filter);
        }
        self.split.list.follow = to.row.is_none();
        self.split.list.reset(to.row.map_or(Landing::First, Landing::Row), cx)
    }

    fn mouse(&mut self, at: (u16, u16), lines: i16, double: bool, cx: &Ctx) -> Vec<Effect> {
        self.split.mouse(at, lines, double, cx)
    }

    fn situation(&self, _: &Ctx) -> Situation {
        self.split.situation()
    }

    fn contexts(&self) -> Vec<Context> {
        self.split.contexts(Context::Log)
    }

    fn view(&self, frame: &mut Frame<'_>, area: Rect, cx: &ViewCtx<'_>) {
        let lines: &[&str] = if self.split.list.filtered() {
            &["No row matches.", "\\ clears the filter."]
        } else {
            &["Nothing has been logged yet.", "Calls, actions and failures appear here as they happen."]
        };
        let empty: Vec<String> = lines.iter().map(|l| (*l).to_owned()).collect();
        self.split.draw(frame.buffer_mut(), area, cx, &empty, |row| (row.what.clone(), blocks(row, cx)));
    }

    fn crumbs(&self) -> Vec<String> {
        self.split.list.crumbs()
    }

    fn commands(&self) -> &'static [CommandSpec] {
        commands::LOG
    }

    fn linear(&mut self, _: &Msg, _: &Ctx) -> Vec<String> {
        Vec::new()
    }

    fn session(&self) -> serde_json::Value {
        self.split.session()
    }

    fn restore(&mut self, state: &serde_json::Value) {
        self.split.restore(state);
        // The newest row is what matters at a start, not the one last looked at.
        self.split.list.window.land(Landing::First);
    }
}

fn blocks<'a>(row: &'a LogRow, cx: &ViewCtx<'a>) -> Vec<Block<'a>> {
    let mut blocks = vec![
        Block::fact("when", moment(row.at, cx.ctx.now, cx.ctx.utc_offset_s)),
        Block::fact("kind", row.kind.word()),
        Block::Fact("status".into(), vec![Piece::new(row.status.as_str(), columns::status_token(row))]),
    ];
    for (name, value) in [("source", &row.source), ("target", &row.target), ("who", &row.actor)] {
        if !value.is_empty() {
            blocks.push(Block::fact(name, value.as_str()));
        }
    }
    if row.duration_us > 0 {
        blocks.push(Block::fact("took", format!("{:.1} ms", row.duration_us as f64 / 1000.0)));
    }
    if row.tries > 0 {
        blocks.push(Block::fact("tries", row.tries.to_string()));
    }
    blocks.push(Block::fact("journal", row.id.0.to_string()));
    if !row.text.is_empty() {
        let token = if row.failed { Token::Bad } else { Token::Text };
        blocks.extend([Block::Gap, Block::Words(row.text.as_str().into(), token)]);
    }
    blocks
}
