//! Network diagnostics from this machine: ping, trace, names, bandwidth and ports, each set up in a
//! form and seen live; their results go to a file, or to the history of an alarm.

mod attach;
pub(crate) mod commands;
mod tools;
mod view;

use std::sync::Arc;

use ratatui::Frame;
use ratatui::layout::Rect;

use crate::app::ctx::{Ctx, ViewCtx};
use crate::app::effect::{DiagExport, DiagFormat, Effect, Level, Location, Prompt};
use crate::app::message::{DiagNews, Msg};
use crate::app::pane::{Pane, PaneId};
use crate::commands::spec::{CommandSpec, Context, Situation};
use crate::model::command::Args;
use crate::model::diag::DiagResult;
use crate::model::ids::RowId;
use crate::model::page::RequestId;
use crate::model::time::{SECOND, Ts};

use super::alarm_pick::AlarmPick;
use super::detail::pane_rows;
use super::fields::pane_area;
use super::list::commands::toast;
use super::verbs::given;
use tools::{Kind, Tool};

/// Lines of a result that are kept.
const LINES: usize = 2_000;
/// Rows of the form and what is around it.
const ABOVE: u16 = 9;

/// The alarm that a test is about.
#[derive(Debug, Clone)]
struct About {
    row: RowId,
    label: String,
}

/// The pane.
pub struct DiagPane {
    tools: Vec<Tool>,
    selected: usize,
    /// The cursor is in the fields, not on the line of the tests.
    in_fields: bool,
    running: Option<(RequestId, Kind, Ts)>,
    lines: Vec<String>,
    /// Lines scrolled up from the newest.
    up: usize,
    result: Option<Arc<DiagResult>>,
    about: Option<About>,
    /// The open alarms were asked for, to pick one.
    picking: AlarmPick,
    /// A test was run or a target set: defaults no longer come in.
    touched: bool,
}

impl Default for DiagPane {
    fn default() -> Self {
        Self::new()
    }
}

impl DiagPane {
    /// The pane with nothing run yet.
    #[must_use]
    pub fn new() -> Self {
        Self {
            tools: Kind::ALL.into_iter().map(Tool::new).collect(),
            selected: 0,
            in_fields: false,
            running: None,
            lines: Vec::new(),
            up: 0,
            result: None,
            about: None,
            picking: AlarmPick::default(),
            touched: false,
        }
    }

    fn tool(&self) -> Option<&Tool> {
        self.tools.get(self.selected)
    }

    /// Aims the tests of hosts at one.
    fn aim(&mut self, host: &str) {
        for tool in &mut self.tools {
            if matches!(tool.kind, Kind::Ping | Kind::Trace | Kind::Port) {
                tool.aim(host);
            }
        }
    }

    /// Opened, perhaps about a host and an alarm.
    fn opened(&mut self, args: &Args) -> Vec<Effect> {
        if let Some(host) = args.get("host").filter(|h| !h.trim().is_empty()) {
            self.aim(host.trim());
            self.touched = true;
            // Another host is not what the alarm of before was about.
            self.about = None;
        }
        if let Some(row) = args.get("alarm").and_then(|a| a.parse().ok()) {
            let label = args.get("label").cloned().unwrap_or_default();
            self.about = Some(About { row: RowId(row), label });
        }
        Vec::new()
    }

    fn run(&mut self, cx: &Ctx) -> Vec<Effect> {
        let Some(tool) = self.tools.get_mut(self.selected) else { return Vec::new() };
        tool.check();
        if tool.target().is_empty() {
            return self.ask_target(cx);
        }
        match tool.request() {
            Ok(request) => {
                let id = cx.request_id();
                let line = format!("{} {}", tool.kind.title(), tool.target());
                self.running = Some((id, tool.kind, cx.now));
                (self.lines, self.up, self.result, self.touched) = (vec![line], 0, None, true);
                vec![Effect::Diag(id, request)]
            }
            Err(why) => {
                // The cursor goes to what is wrong.
                tool.fields.find(why.field);
                self.in_fields = true;
                vec![toast(Level::Error, format!("not run: {}", why.why))]
            }
        }
    }

    /// Changes the target in its place.
    fn ask_target(&mut self, cx: &Ctx) -> Vec<Effect> {
        let at = view::fields(pane_area(cx.size));
        let Some(tool) = self.tools.get_mut(self.selected) else { return Vec::new() };
        self.in_fields = true;
        tool.fields.go(0);
        tool.fields.change("diag.change", at)
    }

    /// Changes the field under the cursor, notes what was typed, or runs the test.
    fn change(&mut self, args: &Args, cx: &Ctx) -> Vec<Effect> {
        let at = view::fields(pane_area(cx.size));
        let Some(tool) = self.tools.get_mut(self.selected) else { return Vec::new() };
        if let (Some(field), Some(value)) = (args.get("field"), args.get("value")) {
            tool.fields.set(field, value);
            tool.check();
            self.touched = true;
            return Vec::new();
        }
        if !self.in_fields {
            return self.run(cx);
        }
        let asked = tool.fields.change("diag.change", at);
        if asked.is_empty() {
            tool.check();
        }
        asked
    }

    fn target(&mut self, args: &Args, cx: &Ctx) -> Vec<Effect> {
        if !given(args, "to") {
            return self.ask_target(cx);
        }
        let to = args.get("to").map_or("", |t| t.trim());
        let Some(tool) = self.tools.get_mut(self.selected) else { return Vec::new() };
        tool.aim(to);
        tool.fields.go(0);
        tool.check();
        self.touched = true;
        tool.fields.fault().map(|(_, why)| toast(Level::Error, why.to_owned())).into_iter().collect()
    }

    /// Moves the cursor: the line of the tests lies above the fields.
    fn step(&mut self, down: bool) {
        let Some(tool) = self.tools.get_mut(self.selected) else { return };
        match (self.in_fields, down) {
            (false, true) => {
                self.in_fields = true;
                tool.fields.go(0);
            }
            (true, true) => tool.fields.go(tool.fields.at() + 1),
            (true, false) if tool.fields.at() > 0 => tool.fields.go(tool.fields.at() - 1),
            (_, false) => self.in_fields = false,
        }
    }

    fn turn(&mut self, by: usize) {
        let at = self.tool().map_or(0, |tool| tool.fields.at());
        self.selected = (self.selected + by) % self.tools.len().max(1);
        if let Some(tool) = self.tools.get_mut(self.selected) {
            tool.fields.go(at);
        }
    }

    fn export(&self, args: &Args, cx: &Ctx) -> Vec<Effect> {
        let Some(result) = &self.result else { return Vec::new() };
        let Some(path) = args.get("path").map(|p| p.trim()).filter(|p| !p.is_empty()) else {
            let initial = format!("noctule-{}-{}.txt", result.request.kind(), cx.now.0 / SECOND);
            let title = "Write the result to which new file? (.json for JSON)".to_owned();
            return vec![Effect::Prompt(Prompt {
                title,
                initial,
                command: "diag.export",
                arg: "path",
                args: Args::new(),
            })];
        };
        let json = path.rsplit_once('.').is_some_and(|(_, end)| end.eq_ignore_ascii_case("json"));
        let format = if json { DiagFormat::Json } else { DiagFormat::Text };
        vec![Effect::DiagExport(DiagExport { result: Arc::clone(result), format, path: path.to_owned() })]
    }

    fn tell(&mut self, line: String, cx: &Ctx) {
        self.lines.push(line);
        if self.lines.len() > LINES {
            self.lines.remove(1);
        }
        // Whoever has scrolled up goes on seeing the same lines, as long as they are kept.
        if self.up > 0 {
            self.up = (self.up + 1).min(self.highest(cx));
        }
    }

    /// Rows for the result.
    fn rows(cx: &Ctx) -> usize {
        usize::from(pane_rows(cx.size).saturating_sub(ABOVE)).max(1)
    }

    /// How far up can be scrolled.
    fn highest(&self, cx: &Ctx) -> usize {
        self.lines.len().saturating_sub(Self::rows(cx))
    }

    fn news(&mut self, news: &DiagNews, cx: &Ctx) {
        match news {
            DiagNews::Event(event) => self.tell(event.line(), cx),
            DiagNews::Ended(ended) => {
                self.running = None;
                match ended {
                    Ok(result) => {
                        result.closing().into_iter().for_each(|line| self.tell(line, cx));
                        self.result = Some(Arc::clone(result));
                    }
                    Err(why) => self.tell(format!("it could not be run: {why}"), cx),
                }
            }
        }
    }

    /// Where tests go that nobody has aimed yet: the gateway, and the appliance's own address.
    fn defaults(&mut self, msg: &Msg) {
        if self.touched || self.running.is_some() {
            return;
        }
        if let Msg::Host(host) = msg
            && let Some(gateway) = &host.gateway
            && let Some(tool) = self.tools.first_mut().filter(|tool| tool.target().is_empty())
        {
            tool.aim(gateway);
        }
        if let Msg::Sources(sources) = msg
            && let Some(host) =
                sources.iter().find(|s| &*s.report.kind == "raven").and_then(|s| host_of(&s.report.endpoint))
            && let Some(tool) = self.tools.last_mut().filter(|tool| tool.target().is_empty())
        {
            tool.aim(&host);
            tool.fields.set("ports", "5005,5004,8080");
        }
    }
}

/// The host of an endpoint: `http://host:5005/x` and `host:50057` give `host`.
pub(crate) fn host_of(endpoint: &str) -> Option<String> {
    let rest = endpoint.split_once("://").map_or(endpoint, |(_, rest)| rest);
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let host = match authority.strip_prefix('[') {
        Some(v6) => v6.split(']').next().unwrap_or_default(),
        None => authority.rsplit_once(':').map_or(authority, |(host, _)| host),
    };
    (!host.is_empty()).then(|| host.to_owned())
}

impl Pane for DiagPane {
    fn id(&self) -> PaneId {
        PaneId::Diag
    }

    fn update(&mut self, msg: &Msg, cx: &Ctx) -> Vec<Effect> {
        if let Msg::Diag(id, news) = msg
            && self.running.is_some_and(|(running, ..)| running == *id)
        {
            self.news(news, cx);
        }
        self.defaults(msg);
        self.picked(msg)
    }

    fn shown(&mut self, _: u16, _: &Ctx) -> Vec<Effect> {
        Vec::new()
    }

    fn command(&mut self, id: &'static str, args: &Args, cx: &Ctx) -> Vec<Effect> {
        match id {
            "diag.open" => return self.opened(args),
            "diag.up" => self.step(false),
            "diag.down" => self.step(true),
            "diag.next" => self.turn(1),
            "diag.previous" => self.turn(self.tools.len().saturating_sub(1)),
            "diag.change" => return self.change(args, cx),
            "diag.reset" => {
                if let Some(tool) = self.tools.get_mut(self.selected).filter(|_| self.in_fields) {
                    tool.fields.reset();
                    tool.check();
                }
            }
            "diag.run" => return self.run(cx),
            "diag.stop" => return self.running.map(|(id, ..)| Effect::Cancel(id)).into_iter().collect(),
            "diag.target" => return self.target(args, cx),
            "diag.export" => return self.export(args, cx),
            "diag.attach" => return self.attach(cx),
            "diag.attach-to" => return self.attach_to(args, cx),
            "diag.scroll-up" => self.up = (self.up + Self::rows(cx) / 2).min(self.highest(cx)),
            "diag.scroll-down" => self.up = self.up.saturating_sub(Self::rows(cx) / 2),
            _ => {}
        }
        Vec::new()
    }

    fn goto(&mut self, _: &Location, _: &Ctx) -> Vec<Effect> {
        Vec::new()
    }

    fn mouse(&mut self, at: (u16, u16), lines: i16, _: bool, cx: &Ctx) -> Vec<Effect> {
        match lines {
            0 => {
                let first = view::fields(Rect { y: 0, ..pane_area(cx.size) }).y;
                self.in_fields = at.1 >= first;
                if let Some(tool) = self.tools.get_mut(self.selected).filter(|_| at.1 >= first) {
                    tool.fields.go(usize::from(at.1 - first));
                } else if let Some(kind) = view::test_at(at.0).filter(|_| at.1 + 1 >= first.saturating_sub(1)) {
                    self.selected = kind;
                }
                Vec::new()
            }
            n => self.command(if n > 0 { "diag.scroll-down" } else { "diag.scroll-up" }, &Args::new(), cx),
        }
    }

    fn situation(&self, _: &Ctx) -> Situation {
        Situation { busy: self.running.is_some(), has_cursor: self.result.is_some(), ..Situation::default() }
    }

    fn contexts(&self) -> Vec<Context> {
        vec![Context::Diag]
    }

    fn view(&self, frame: &mut Frame<'_>, area: Rect, cx: &ViewCtx<'_>) {
        self.draw(frame.buffer_mut(), area, cx);
    }

    fn crumbs(&self) -> Vec<String> {
        self.about.as_ref().map(|about| about.label.clone()).into_iter().collect()
    }

    fn commands(&self) -> &'static [CommandSpec] {
        commands::DIAG
    }

    fn linear(&mut self, msg: &Msg, _: &Ctx) -> Vec<String> {
        match msg {
            Msg::Diag(_, DiagNews::Event(event)) => vec![event.line()],
            Msg::Diag(_, DiagNews::Ended(Ok(result))) => result.closing(),
            Msg::Diag(_, DiagNews::Ended(Err(why))) => vec![format!("it could not be run: {why}")],
            _ => Vec::new(),
        }
    }

    fn session(&self) -> serde_json::Value {
        serde_json::Value::Null
    }

    fn restore(&mut self, _: &serde_json::Value) {}
}
