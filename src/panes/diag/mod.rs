//! Network diagnostics from this machine: ping, trace, names, bandwidth and ports, live; their
//! results go to a file, or to the history of the alarm they are about.

pub(crate) mod commands;
mod tools;

use std::sync::Arc;

use ratatui::Frame;
use ratatui::layout::Rect;

use crate::app::ctx::{Ctx, ViewCtx};
use crate::app::effect::{DiagExport, DiagFormat, Effect, Level, Location, Prompt};
use crate::app::message::{DiagNews, Msg};
use crate::app::pane::{Pane, PaneId};
use crate::commands::spec::{CommandSpec, Context, Situation};
use crate::model::command::{Args, Targets};
use crate::model::diag::{DiagResult, Verdict};
use crate::model::ids::RowId;
use crate::model::page::{RequestId, Table};
use crate::model::time::{SECOND, Ts};
use crate::theme::Token;
use crate::ui::Paint;

use super::detail::pane_rows;
use super::list::commands::toast;
use super::verbs::{given, intent};
use tools::{Kind, Tool};

/// Lines of a result that are kept.
const LINES: usize = 2_000;
/// Rows of the tests and what is around them.
const ABOVE: u16 = 8;

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
    running: Option<(RequestId, Kind, Ts)>,
    lines: Vec<String>,
    /// Lines scrolled up from the newest.
    up: usize,
    result: Option<Arc<DiagResult>>,
    about: Option<About>,
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
            running: None,
            lines: Vec::new(),
            up: 0,
            result: None,
            about: None,
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
                host.clone_into(&mut tool.target);
            }
        }
    }

    /// Opened, perhaps about a host and an alarm.
    fn opened(&mut self, args: &Args) -> Vec<Effect> {
        if let Some(host) = args.get("host").filter(|h| !h.trim().is_empty()) {
            self.aim(host.trim());
            self.touched = true;
        }
        if let Some(row) = args.get("alarm").and_then(|a| a.parse().ok()) {
            let label = args.get("label").cloned().unwrap_or_default();
            self.about = Some(About { row: RowId(row), label });
        }
        Vec::new()
    }

    fn run(&mut self, cx: &Ctx) -> Vec<Effect> {
        let Some(tool) = self.tool() else { return Vec::new() };
        if tool.target.is_empty() {
            return self.ask_target();
        }
        match tool.request() {
            Ok(request) => {
                let id = cx.request_id();
                let line = format!("{} {}", tool.kind.title(), tool.target);
                self.running = Some((id, tool.kind, cx.now));
                (self.lines, self.up, self.result, self.touched) = (vec![line], 0, None, true);
                vec![Effect::Diag(id, request)]
            }
            Err(why) => vec![toast(Level::Error, why.to_string())],
        }
    }

    fn ask_target(&self) -> Vec<Effect> {
        let Some(tool) = self.tool() else { return Vec::new() };
        let title = format!("{}: {}", tool.kind.title(), tool.kind.asks());
        let initial = tool.target.clone();
        vec![Effect::Prompt(Prompt { title, initial, command: "diag.target", arg: "to", args: Args::new() })]
    }

    fn target(&mut self, args: &Args) -> Vec<Effect> {
        if !given(args, "to") {
            return self.ask_target();
        }
        let to = args.get("to").map_or("", |t| t.trim());
        let Some(tool) = self.tools.get_mut(self.selected) else { return Vec::new() };
        let before = std::mem::replace(&mut tool.target, to.to_owned());
        match tool.request() {
            Ok(_) => {
                self.touched = true;
                Vec::new()
            }
            Err(why) => {
                tool.target = before;
                vec![toast(Level::Error, why.to_string())]
            }
        }
    }

    fn options(&mut self, args: &Args) -> Vec<Effect> {
        let Some(tool) = self.tools.get_mut(self.selected) else { return Vec::new() };
        let Some(line) = args.get("set") else {
            let title = format!("{}: options", tool.kind.title());
            let initial = tool.options.clone();
            return vec![Effect::Prompt(Prompt {
                title,
                initial,
                command: "diag.options",
                arg: "set",
                args: Args::new(),
            })];
        };
        match tool.set(line) {
            Ok(()) => Vec::new(),
            Err(why) => vec![toast(Level::Error, why.to_string())],
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

    fn attach(&self, cx: &Ctx) -> Vec<Effect> {
        let (Some(result), Some(about)) = (&self.result, &self.about) else {
            let words = "it is about no alarm: open it from one (T in the alarms) and run it again";
            return vec![toast(Level::Info, words)];
        };
        let text = format!("{}: {}", result.request.kind(), result.summary());
        let args = Args::from([("text".to_owned(), text)]);
        intent("alarm.note", Targets::Rows(Table::Alarms, vec![about.row]), args, cx)
    }

    fn tell(&mut self, line: String) {
        self.lines.push(line);
        // Whoever has scrolled up goes on seeing the same lines.
        self.up += usize::from(self.up > 0);
        if self.lines.len() > LINES {
            self.lines.remove(1);
        }
    }

    fn news(&mut self, news: &DiagNews, cx: &Ctx) {
        match news {
            DiagNews::Event(event) => self.tell(event.line()),
            DiagNews::Ended(ended) => {
                self.running = None;
                match ended {
                    Ok(result) => {
                        result.closing().into_iter().for_each(|line| self.tell(line));
                        self.result = Some(Arc::clone(result));
                    }
                    Err(why) => self.tell(format!("it could not be run: {why}")),
                }
                let _ = cx;
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
            && let Some(tool) = self.tools.first_mut().filter(|tool| tool.target.is_empty())
        {
            gateway.clone_into(&mut tool.target);
        }
        if let Msg::Sources(sources) = msg
            && let Some(host) =
                sources.iter().find(|s| &*s.report.kind == "raven").and_then(|s| host_of(&s.report.endpoint))
            && let Some(tool) = self.tools.last_mut().filter(|tool| tool.target.is_empty())
        {
            tool.target = host;
            "ports=5005,5004,8080 protocol=tcp timeout=3s".clone_into(&mut tool.options);
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
        Vec::new()
    }

    fn shown(&mut self, _: u16, _: &Ctx) -> Vec<Effect> {
        Vec::new()
    }

    fn command(&mut self, id: &'static str, args: &Args, cx: &Ctx) -> Vec<Effect> {
        let n = self.tools.len().max(1);
        match id {
            "diag.open" => return self.opened(args),
            "diag.up" => self.selected = (self.selected + n - 1) % n,
            "diag.down" => self.selected = (self.selected + 1) % n,
            "diag.run" => return self.run(cx),
            "diag.stop" => return self.running.map(|(id, ..)| Effect::Cancel(id)).into_iter().collect(),
            "diag.target" => return self.target(args),
            "diag.options" => return self.options(args),
            "diag.export" => return self.export(args, cx),
            "diag.attach" => return self.attach(cx),
            "diag.scroll-up" => {
                let rows = usize::from(pane_rows(cx.size).saturating_sub(ABOVE)).max(1);
                self.up = (self.up + rows / 2).min(self.lines.len().saturating_sub(rows));
            }
            "diag.scroll-down" => {
                let rows = usize::from(pane_rows(cx.size).saturating_sub(ABOVE)).max(1);
                self.up = self.up.saturating_sub(rows / 2);
            }
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
                let row = usize::from(at.1).saturating_sub(1);
                if at.1 > 0 && row < self.tools.len() {
                    self.selected = row;
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
        let buf = frame.buffer_mut();
        let paint = Paint::new(cx.theme, cx.glyphs);
        paint.fill(buf, area, Token::Text);
        let wide = area.width.saturating_sub(2);
        let mut y = area.y + 1;
        for (i, tool) in self.tools.iter().enumerate() {
            let selected = i == self.selected;
            if selected {
                paint.put(buf, (area.x, y), 1, ">", Token::Strong);
            }
            let token = if selected && cx.focused { Token::Cursor } else { Token::Strong };
            paint.put(buf, (area.x + 2, y), 10, tool.kind.title(), token);
            let (target, token) = if tool.target.is_empty() {
                ("(t sets the target)", Token::Dim)
            } else {
                (tool.target.as_str(), Token::Text)
            };
            paint.put(buf, (area.x + 13, y), 28.min(wide.saturating_sub(13)), target, token);
            paint.put(buf, (area.x + 42, y), wide.saturating_sub(41), &tool.options, Token::Dim);
            y += 1;
        }
        y += 1;
        let (words, token) = match (&self.running, &self.result, self.lines.is_empty()) {
            (Some((_, kind, since)), ..) => (
                format!("{} runs since {} s: Esc ends it", kind.title(), cx.ctx.now.since(*since) / SECOND),
                Token::Busy,
            ),
            (None, Some(result), _) => {
                let verdict = result.verdict();
                let token = match verdict {
                    Verdict::Reached => Token::Good,
                    Verdict::Partly => Token::Busy,
                    Verdict::Failed | Verdict::Unreachable => Token::Bad,
                };
                (format!("{}: {}", result.request.kind(), verdict.word()), token)
            }
            (None, None, true) => {
                ("Up and Down choose a test, Enter runs it, t sets its target, o its options.".into(), Token::Dim)
            }
            (None, None, false) => ("it was not run".into(), Token::Bad),
        };
        let used = paint.put(buf, (area.x + 2, y), wide, &words, token);
        if let Some(about) = self.about.as_ref().filter(|_| self.result.is_some()) {
            let words = format!("   a attaches it to {}", about.label);
            paint.put(buf, (area.x + 2 + used, y), wide.saturating_sub(used), &words, Token::Dim);
        }
        y += 1;
        let rows = usize::from(area.bottom().saturating_sub(y));
        let last = self.lines.len().saturating_sub(self.up);
        for line in self.lines.iter().take(last).skip(last.saturating_sub(rows)) {
            paint.put(buf, (area.x + 2, y), wide, line, Token::Text);
            y += 1;
        }
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
