//! The menu of an appliance's console: every page by its number with how things stand beside it, the
//! ports, help, and the view for the wall. Everything else on the console is a pane of the dashboard.

pub(crate) mod commands;
mod help;
mod lines;
mod ports;
mod wall;

use std::sync::Arc;

use ratatui::Frame;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::app::ctx::{Ctx, ViewCtx};
use crate::app::effect::{Effect, Location};
use crate::app::message::{HostFacts, Msg};
use crate::app::pane::{Pane, PaneId};
use crate::commands::spec::{CommandSpec, Context, Situation};
use crate::model::appliance::ApplianceRow;
use crate::model::appliance::state::Verdict;
use crate::model::command::Args;
use crate::model::page::{Data, DataRequest, RequestId};
use crate::theme::Token;
use crate::ui::paint::wrap;
use crate::ui::sections::Block;
use crate::ui::{Paint, Piece};

use super::detail::DetailState;

/// What is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Page {
    Menu,
    Status,
    Ports,
    Help,
}

/// An entry of the menu: its key, its title, the command that opens it.
const ENTRIES: [(char, &str, &str); 8] = [
    ('1', "Status", "menu.status"),
    ('2', "Buffers", "menu.buffers"),
    ('3', "Services", "menu.services"),
    ('4', "Ports", "menu.ports"),
    ('5', "Network", "menu.network"),
    ('6', "Logs", "menu.logs"),
    ('7', "Help", "menu.help"),
    ('8', "Leave", "menu.leave"),
];

/// The pane.
pub struct MenuPane {
    appliance: String,
    /// Whether there is something to leave to.
    leave: bool,
    row: Option<Box<ApplianceRow>>,
    pending: Option<RequestId>,
    /// The generation of the appliances that was asked about last.
    seen: Option<u64>,
    host: Arc<HostFacts>,
    page: Page,
    selected: usize,
    port: usize,
    scroll: DetailState,
}

impl MenuPane {
    /// The menu of an appliance, by the name of its source; `leave`: whether there is something
    /// behind the console to go back to.
    #[must_use]
    pub fn new(appliance: impl Into<String>, leave: bool, host: HostFacts) -> Self {
        Self {
            appliance: appliance.into(),
            leave,
            row: None,
            pending: None,
            seen: None,
            host: Arc::new(host),
            page: Page::Menu,
            selected: 0,
            port: 0,
            scroll: DetailState::default(),
        }
    }

    fn entries(&self) -> usize {
        if self.leave { ENTRIES.len() } else { ENTRIES.len() - 1 }
    }

    /// Asks about the appliance unless nothing has changed or a question is under way. By its id, so
    /// that the question is none of the list's.
    fn ask(&mut self, cx: &Ctx) -> Vec<Effect> {
        let generation = cx.generations.appliances;
        if self.pending.is_some() || (self.row.is_some() && self.seen == Some(generation)) {
            return Vec::new();
        }
        let Some(source) = cx.sources.iter().find(|s| *s.name == *self.appliance && s.id.0 >= 0) else {
            return Vec::new();
        };
        let id = cx.request_id();
        self.pending = Some(id);
        self.seen = Some(generation);
        vec![Effect::Query(id, DataRequest::Appliance(source.id))]
    }

    fn open(&mut self, page: Page) {
        self.page = page;
        self.scroll = DetailState::default();
        self.scroll.focus = true;
    }

    fn step(&mut self, down: bool, cx: &Ctx) {
        match self.page {
            Page::Menu => {
                let n = self.entries();
                self.selected = if down { (self.selected + 1) % n } else { (self.selected + n - 1) % n };
            }
            Page::Ports => {
                let n = ports::rows(self.row.as_deref()).len().max(1);
                self.port = if down { (self.port + 1).min(n - 1) } else { self.port.saturating_sub(1) };
            }
            Page::Help | Page::Status => {
                self.scroll.command(if down { "detail.page-down" } else { "detail.page-up" }, cx.size);
            }
        }
    }

    fn draw_menu(&self, buf: &mut Buffer, area: Rect, cx: &ViewCtx<'_>) {
        let paint = Paint::new(cx.theme, cx.glyphs);
        paint.fill(buf, area, Token::Text);
        // A blank line between entries where there is room for it.
        let step = if usize::from(area.height) >= self.entries() * 2 + 5 { 2 } else { 1 };
        let left = area.x + 2;
        let room = area.width.saturating_sub(18);
        let mut y = area.y + 1;
        for (i, (key, title, _)) in ENTRIES.iter().take(self.entries()).enumerate() {
            if y >= area.bottom() {
                return;
            }
            let selected = i == self.selected && cx.focused;
            if selected {
                paint.put(buf, (area.x, y), 1, ">", Token::Strong);
            }
            paint.put(buf, (left, y), 1, &key.to_string(), Token::Key);
            paint.put(buf, (left + 2, y), 12, title, if selected { Token::Cursor } else { Token::Strong });
            let pieces = lines::state(*key, self.row.as_deref(), cx.ctx);
            paint.line(buf, (left + 14, y), room, &pieces);
            y += step;
        }
        let (verdict, reasons) = lines::standing(self.row.as_deref(), cx.ctx.now);
        if verdict == Verdict::Ok || reasons.len() < 2 {
            return;
        }
        // The first reason stands beside the status already.
        for reason in reasons.iter().skip(1) {
            for line in wrap(reason, room) {
                if y >= area.bottom() {
                    return;
                }
                paint.put(buf, (left + 14, y), room, &line, Token::Text);
                y += 1;
            }
        }
    }
}

impl Pane for MenuPane {
    fn id(&self) -> PaneId {
        PaneId::Menu
    }

    fn update(&mut self, msg: &Msg, cx: &Ctx) -> Vec<Effect> {
        match msg {
            Msg::Data(id, data) if self.pending == Some(*id) => {
                self.pending = None;
                if let Data::Appliance(row) = data {
                    self.row.clone_from(row);
                }
                self.ask(cx)
            }
            Msg::Host(host) => {
                self.host = Arc::clone(host);
                Vec::new()
            }
            Msg::Changed(_) | Msg::Sources(_) => self.ask(cx),
            _ => Vec::new(),
        }
    }

    fn shown(&mut self, _: u16, cx: &Ctx) -> Vec<Effect> {
        self.ask(cx)
    }

    fn command(&mut self, id: &'static str, args: &Args, cx: &Ctx) -> Vec<Effect> {
        match id {
            "menu.up" | "menu.page-up" => self.step(false, cx),
            "menu.down" | "menu.page-down" => self.step(true, cx),
            "menu.open" => {
                if let Some((_, _, command)) = ENTRIES.get(self.selected) {
                    return vec![Effect::Run(command, Args::new())];
                }
            }
            "menu.port-check" | "menu.port-move" | "menu.port-restart" => {
                return ports::act(id, args, self.row.as_deref(), self.port, cx);
            }
            _ => {}
        }
        Vec::new()
    }

    fn goto(&mut self, to: &Location, cx: &Ctx) -> Vec<Effect> {
        self.open(match to.canonical.as_deref() {
            Some("status") => Page::Status,
            Some("ports") => Page::Ports,
            Some("help") => Page::Help,
            _ => Page::Menu,
        });
        self.ask(cx)
    }

    fn mouse(&mut self, _: (u16, u16), _: i16, _: bool, _: &Ctx) -> Vec<Effect> {
        Vec::new()
    }

    fn situation(&self, _: &Ctx) -> Situation {
        let has_cursor = self.page == Page::Ports && !ports::rows(self.row.as_deref()).is_empty();
        Situation { has_cursor, ..Situation::default() }
    }

    fn contexts(&self) -> Vec<Context> {
        vec![if self.page == Page::Menu { Context::Menu } else { Context::MenuPage }]
    }

    fn view(&self, frame: &mut Frame<'_>, area: Rect, cx: &ViewCtx<'_>) {
        let buf = frame.buffer_mut();
        match self.page {
            Page::Menu => self.draw_menu(buf, area, cx),
            Page::Ports => ports::draw(buf, area, self.row.as_deref(), self.port, cx),
            Page::Help => self.scroll.draw(buf, area, "Help", &help::blocks(), cx),
            Page::Status => {
                let (title, blocks) = match self.row.as_deref() {
                    Some(row) => (format!("Health of {}", row.source), crate::panes::buffers::health::blocks(row, cx)),
                    None => ("Health".into(), vec![Block::Words(lines::HEARD_NOTHING.into(), Token::Text)]),
                };
                self.scroll.draw(buf, area, &title, &blocks, cx);
            }
        }
    }

    fn wall(&self, frame: &mut Frame<'_>, area: Rect, cx: &ViewCtx<'_>) {
        wall::draw(frame.buffer_mut(), area, &self.appliance, self.row.as_deref(), cx);
    }

    fn badge(&self, now: crate::model::time::Ts) -> Option<Piece<'static>> {
        let (verdict, _) = lines::standing(self.row.as_deref(), now);
        Some(Piece::new(format!("[{}]", verdict.word().to_uppercase()), lines::token(verdict)))
    }

    fn host(&self) -> Option<&HostFacts> {
        Some(&self.host)
    }

    fn crumbs(&self) -> Vec<String> {
        match self.page {
            Page::Menu => Vec::new(),
            Page::Status => vec!["Status".into()],
            Page::Ports => vec!["Ports".into()],
            Page::Help => vec!["Help".into()],
        }
    }

    fn commands(&self) -> &'static [CommandSpec] {
        commands::MENU
    }

    fn linear(&mut self, _: &Msg, _: &Ctx) -> Vec<String> {
        Vec::new()
    }

    fn session(&self) -> serde_json::Value {
        serde_json::Value::Null
    }

    fn restore(&mut self, _: &serde_json::Value) {}
}
