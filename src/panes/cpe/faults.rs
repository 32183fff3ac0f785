//! Faults of the whole fleet: a list with filter, order, marks and export as all lists have them,
//! what failed in the detail view, and the way to the device.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::app::ctx::{Ctx, ViewCtx};
use crate::app::effect::{Effect, Level, Location};
use crate::app::message::Msg;
use crate::app::pane::PaneId;
use crate::commands::spec::{CommandSpec, Context, Situation};
use crate::model::command::{Args, Targets};
use crate::model::fault::FaultRow;
use crate::model::ids::RowId;
use crate::model::page::{Rows, Table};
use crate::panes::detail::pane_rows;
use crate::panes::health::stale_words;
use crate::panes::list::columns::{age, moment};
use crate::panes::list::commands::toast;
use crate::panes::list::{ColumnDef, Row};
use crate::panes::split::Split;
use crate::panes::verbs::intent;
use crate::theme::Token;
use crate::ui::Piece;
use crate::ui::sections::Block;

/// The commands of the list.
pub(crate) static FAULTS: &[CommandSpec] = &[CommandSpec {
    keys: &["o"],
    hint: true,
    ..CommandSpec::view("cpe.fault-device", "Its device", "Goes to the device of the fault.", Context::Faults)
}];

impl Row for FaultRow {
    const TABLE: Table = Table::Faults;

    fn rows(rows: &Rows) -> &[Self] {
        if let Rows::Faults(rows) = rows { rows } else { &[] }
    }

    fn id(&self) -> RowId {
        self.id
    }

    fn stale(&self, cx: &Ctx) -> bool {
        stale_words(cx, &self.source).is_some()
    }
}

static COLUMNS: &[ColumnDef<FaultRow>] = &[
    ColumnDef::right("at", "Age", (5, 7), 2, |row, cx| vec![Piece::plain(age(row.fault.at, cx.now))]),
    ColumnDef::left("code", "Code", (9, 18), 0, |row, _| vec![Piece::new(row.fault.code.as_str(), Token::Bad)]),
    ColumnDef::left("message", "Message", (12, 40), 3, |row, _| vec![Piece::plain(row.fault.message.as_str())]),
    ColumnDef::left("parameter", "Parameter", (14, 70), 4, |row, _| {
        vec![Piece::plain(row.fault.parameters.first().map_or("", |(path, ..)| path.as_str()))]
    }),
    ColumnDef::left("serial", "Serial", (12, 18), 1, |row, _| vec![Piece::new(row.serial.as_str(), Token::Strong)]),
    ColumnDef::left("model", "Model", (8, 16), 5, |row, _| vec![Piece::plain(row.model.as_str())]),
    ColumnDef::right("retries", "Tries", (5, 5), 4, |row, _| {
        vec![Piece::plain(row.fault.retries.saturating_add(1).to_string())]
    }),
    ColumnDef::left("tried", "Tried", (10, 34), 6, |row, _| vec![Piece::dim(row.fault.tried.as_str())]),
    ColumnDef::left("channel", "Channel", (8, 30), 7, |row, _| vec![Piece::dim(row.fault.channel.as_str())]),
];

/// The list.
pub(super) struct Faults {
    /// It is shown in place of the fleet.
    pub(super) open: bool,
    pub(super) split: Split<FaultRow>,
}

impl Default for Faults {
    fn default() -> Self {
        let mut split = Split::new(PaneId::Cpe, COLUMNS);
        split.detail.roomy = true;
        Self { open: false, split }
    }
}

impl Faults {
    /// Takes news in: while it is hidden, it asks for nothing.
    pub(super) fn update(&mut self, msg: &Msg, cx: &Ctx) -> Vec<Effect> {
        if matches!(msg, Msg::Changed(_)) && !self.open {
            return Vec::new();
        }
        let mut effects = self.split.list.update(msg, cx);
        if let Msg::Done(_, outcome) = msg
            && outcome.command.starts_with("cpe.fault-")
            && outcome.done > 0
        {
            effects.extend(self.split.list.unmark());
        }
        effects
    }

    /// Runs a command of the list; `None` when it has nothing to do with it.
    pub(super) fn command(&mut self, id: &'static str, args: &Args, cx: &Ctx) -> Option<Vec<Effect>> {
        match id {
            "cpe.faults" => {
                self.open = !self.open;
                let shown = self.open.then(|| {
                    let mut effects = self.split.shown(pane_rows(cx.size), cx);
                    effects.extend(self.split.list.ask(true, cx));
                    effects
                });
                return Some(shown.unwrap_or_default());
            }
            _ if !self.open => return None,
            "cpe.leave" => {
                let busy = self.split.list.filtered() || !self.split.list.marks.is_empty();
                if busy {
                    return self.split.command("list.escape", args, cx);
                }
                self.open = false;
                return Some(Vec::new());
            }
            "cpe.fault-device" => return Some(self.device()),
            "cpe.fault-delete" | "cpe.fault-retry" => {
                let mut args = args.clone();
                args.remove("channel");
                let targets = self.split.list.targets();
                if targets == Targets::None {
                    return Some(vec![toast(Level::Info, "there is no fault under the cursor")]);
                }
                return Some(intent(id, targets, args, cx));
            }
            _ => {}
        }
        self.split.command(id, args, cx).or_else(|| {
            let other = !id.starts_with("cpe.job") && id.starts_with("cpe.");
            other.then(|| vec![toast(Level::Info, "o goes to the device of the fault first")])
        })
    }

    fn device(&mut self) -> Vec<Effect> {
        let Some(row) = self.split.list.current() else { return Vec::new() };
        if row.cpe.is_none() {
            return vec![toast(Level::Info, "the cache does not have the device")];
        }
        let to =
            Location { pane: PaneId::Cpe, row: row.cpe, canonical: None, filter: Some(String::new()), below: None };
        vec![Effect::Goto(to)]
    }

    /// What the commands are told.
    pub(super) fn situation(&self) -> Situation {
        self.split.situation()
    }

    /// Key contexts, the innermost first.
    pub(super) fn contexts(&self) -> Vec<Context> {
        let mut out = if self.split.detail.focus { vec![Context::Detail] } else { Vec::new() };
        out.extend([Context::Faults, Context::Inner, Context::List, Context::Cpe]);
        out
    }

    /// Draws the list and the fault under the cursor.
    pub(super) fn draw(&self, buf: &mut Buffer, area: Rect, cx: &ViewCtx<'_>) {
        let words =
            if self.split.list.filtered() { "No fault matches; esc shows all." } else { "No server holds a fault." };
        self.split.draw(buf, area, cx, &[words.to_owned()], |row| {
            let fault = &row.fault;
            let at = |t| moment(t, cx.ctx.now, cx.ctx.utc_offset_s);
            let mut blocks = vec![
                Block::Fact("code".into(), vec![Piece::new(fault.code.as_str(), Token::Bad)]),
                Block::fact("message", fault.message.as_str()),
            ];
            for (path, code, words) in &fault.parameters {
                blocks.push(Block::fact("parameter", path.as_str()));
                blocks.push(Block::Fact("why".into(), vec![Piece::new(format!("{code} {words}"), Token::Bad)]));
            }
            blocks.extend([
                Block::fact("tried", fault.tried.as_str()),
                Block::fact("tries", fault.retries.saturating_add(1).to_string()),
                Block::fact("since", at(fault.at)),
                Block::fact("channel", fault.channel.as_str()),
                Block::fact("device", row.canonical.as_str()),
                Block::Gap,
                Block::Words("x e removes it, x E tries it again now, o goes to its device.".into(), Token::Dim),
            ]);
            (format!("{} {}", row.model, row.serial), blocks)
        });
    }

    /// Words for the breadcrumb.
    pub(super) fn crumbs(&self) -> Vec<String> {
        let mut crumbs = vec!["faults".to_owned()];
        crumbs.extend(self.split.list.crumbs());
        crumbs
    }
}
