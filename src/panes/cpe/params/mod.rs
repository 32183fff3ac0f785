//! The browser of a CPE's parameters: all that its server tells of it, searched, with a cursor; and
//! the edits that are staged for it.
//!
//! Values of secrets never come here but on request ([`Params::reveal`]), one at a time, and are
//! forgotten with the next move of the cursor.

pub(crate) mod commands;
mod view;

pub(super) use view::arrow;

use crate::app::ctx::Ctx;
use crate::app::effect::{Effect, Level, Prompt};
use crate::app::message::Msg;
use crate::commands::spec::{Context, Situation};
use crate::model::command::{Args, LiveRequest, LiveSection};
use crate::model::cpe::CpeRow;
use crate::model::ids::RowId;
use crate::model::page::RequestId;
use crate::model::secret::looks_secret;
use crate::model::time::Ts;
use crate::panes::list::commands::toast;

use crate::panes::pick::Pick;

/// Title of the live section with all parameters.
const PARAMETERS: &str = "Parameters";

/// What the server said about a device when asked.
#[derive(Debug, Default)]
pub(super) struct Live {
    pub(super) sections: Vec<LiveSection>,
    pub(super) at: Ts,
    pub(super) asking: bool,
    pub(super) failed: Option<String>,
}

impl Live {
    /// The sections that are no parameters: faults, tasks, downloads, files.
    pub(super) fn others(&self) -> impl Iterator<Item = &LiveSection> {
        self.sections.iter().filter(|s| s.title != PARAMETERS)
    }

    /// The parameters: path, value, when it was read, writable, type.
    pub(super) fn parameters(&self) -> &[Vec<String>] {
        self.sections.iter().find(|s| s.title == PARAMETERS).map_or(&[], |s| &s.rows)
    }
}

/// A cell of a row of parameters.
fn cell(row: &[String], i: usize) -> &str {
    row.get(i).map_or("", String::as_str)
}

/// The browser, and what belongs to it.
#[derive(Default)]
pub(super) struct Params {
    /// It is shown in place of the fleet.
    pub(super) open: bool,
    live: Option<(RowId, Live)>,
    asked: Option<RequestId>,
    /// Edits of one device that were not sent yet.
    staged: Option<(RowId, Vec<(String, String)>)>,
    /// Only parameters whose path or value holds this; kept from device to device.
    search: String,
    pick: Pick,
    reveal_asked: Option<(RequestId, String)>,
    /// A secret shown on request: path and value.
    revealed: Option<(String, String)>,
}

impl Params {
    /// What was read of a device.
    pub(super) fn live(&self, id: RowId) -> Option<&Live> {
        self.live.as_ref().filter(|(of, _)| *of == id).map(|(_, live)| live)
    }

    /// The staged edits of a device.
    pub(super) fn staged(&self, id: RowId) -> &[(String, String)] {
        self.staged.as_ref().filter(|(of, _)| *of == id).map_or(&[][..], |(_, staged)| staged)
    }

    /// The device that has staged edits, and these as lines.
    pub(super) fn to_send(&self) -> Option<(RowId, String)> {
        let (id, staged) = self.staged.as_ref()?;
        let lines: Vec<String> = staged.iter().map(|(path, value)| format!("{path}={value}")).collect();
        Some((*id, lines.join("\n")))
    }

    /// The edits were sent.
    pub(super) fn sent(&mut self) {
        self.staged = None;
    }

    /// Asks the server about a device.
    pub(super) fn read(&mut self, row: &CpeRow, cx: &Ctx) -> Vec<Effect> {
        if self.live.as_ref().is_none_or(|(of, _)| *of != row.id) {
            self.live = Some((row.id, Live::default()));
            self.pick.go(0);
        }
        if let Some((_, live)) = &mut self.live {
            live.asking = true;
            live.failed = None;
        }
        self.revealed = None;
        let request = cx.request_id();
        self.asked = Some(request);
        vec![Effect::Live(request, LiveRequest::Detail(row.canonical.clone()))]
    }

    /// Takes news in.
    pub(super) fn update(&mut self, msg: &Msg, cx: &Ctx) -> Vec<Effect> {
        let Msg::Live(id, answer) = msg else { return Vec::new() };
        if let Some((asked, path)) = self.reveal_asked.take_if(|(asked, _)| asked == id) {
            let _ = asked;
            return self.shown(path, answer);
        }
        if self.asked != Some(*id) {
            return Vec::new();
        }
        self.asked = None;
        let Some((_, live)) = &mut self.live else { return Vec::new() };
        live.asking = false;
        match answer {
            Ok(sections) => {
                live.at = cx.now;
                live.sections.clone_from(sections);
            }
            Err(why) => live.failed = Some(why.clone()),
        }
        Vec::new()
    }

    fn shown(&mut self, path: String, answer: &Result<Vec<LiveSection>, String>) -> Vec<Effect> {
        match answer {
            Ok(sections) => {
                let value = sections.first().and_then(|s| s.rows.first()).map_or("", |row| cell(row, 1)).to_owned();
                self.revealed = Some((path, value));
                Vec::new()
            }
            Err(why) => vec![toast(Level::Warn, why.clone())],
        }
    }

    /// The rows shown.
    fn rows(&self) -> Vec<&[String]> {
        let Some((_, live)) = &self.live else { return Vec::new() };
        let needle = self.search.to_lowercase();
        let holds = |row: &&Vec<String>| {
            needle.is_empty() || row.iter().take(2).any(|cell| cell.to_lowercase().contains(&needle))
        };
        live.parameters().iter().filter(holds).map(Vec::as_slice).collect()
    }

    /// Path, value and mark of the parameter under the cursor.
    fn current(&self) -> Option<(String, String, String)> {
        let rows = self.rows();
        let row = self.pick.at(rows.len()).and_then(|at| rows.get(at))?;
        Some((cell(row, 0).to_owned(), cell(row, 1).to_owned(), cell(row, 3).to_owned()))
    }

    /// The path under the cursor, when the browser is shown.
    pub(super) fn path(&self) -> Option<String> {
        self.open.then(|| self.current().map(|(path, ..)| path)).flatten()
    }

    /// Runs a command of the browser, or of lists while it is shown; `None` when it has nothing to
    /// do with it. `row` is the device under the cursor of the fleet.
    pub(super) fn command(
        &mut self,
        id: &'static str,
        args: &Args,
        row: Option<&CpeRow>,
        cx: &Ctx,
    ) -> Option<Vec<Effect>> {
        let moved = self.rows().len();
        Some(match id {
            "cpe.browse" if self.open => {
                self.open = false;
                Vec::new()
            }
            "cpe.browse" => self.show(row, cx),
            "cpe.params" if self.open => row.map_or_else(Vec::new, |row| self.read(row, cx)),
            "cpe.search" => self.find(args, row, cx),
            "cpe.stage" => self.stage(args, row),
            "cpe.unstage" => {
                self.staged = None;
                Vec::new()
            }
            "cpe.reveal" => self.reveal(args, row, cx),
            _ if !self.open => return None,
            "cpe.leave" => {
                self.revealed = None;
                if self.search.is_empty() {
                    self.open = false;
                } else {
                    self.search.clear();
                }
                Vec::new()
            }
            "list.copy" | "list.copy-row" => self.copy(id == "list.copy-row"),
            "list.detail" => return self.command("cpe.stage", args, row, cx),
            _ if self.pick.command(id, moved) => {
                self.revealed = None;
                Vec::new()
            }
            _ if id.starts_with("list.") => vec![toast(Level::Info, "the browser of parameters has no such thing")],
            _ => return None,
        })
    }

    fn show(&mut self, row: Option<&CpeRow>, cx: &Ctx) -> Vec<Effect> {
        let Some(row) = row else { return vec![toast(Level::Info, "there is no device under the cursor")] };
        self.open = true;
        if self.live(row.id).is_some_and(|live| live.asking || live.at.is_set()) {
            return Vec::new();
        }
        self.read(row, cx)
    }

    fn find(&mut self, args: &Args, row: Option<&CpeRow>, cx: &Ctx) -> Vec<Effect> {
        let Some(text) = args.get("text") else {
            return vec![Effect::Prompt(Prompt {
                title: "Parameters with (empty for all)".to_owned(),
                initial: self.search.clone(),
                command: "cpe.search",
                arg: "text",
                args: Args::new(),
            })];
        };
        text.trim().clone_into(&mut self.search);
        self.pick.go(0);
        if self.open { Vec::new() } else { self.show(row, cx) }
    }

    fn copy(&self, value: bool) -> Vec<Effect> {
        let Some((path, told, _)) = self.current() else { return Vec::new() };
        if value && looks_secret(&path) {
            return vec![toast(Level::Warn, "secrets are not copied")];
        }
        let (text, what) = if value { (told, format!("the value of {path}")) } else { (path, "the path".to_owned()) };
        vec![Effect::Copy { text, what }]
    }

    /// Notes a new value: of the parameter under the cursor, or of one that is typed.
    fn stage(&mut self, args: &Args, row: Option<&CpeRow>) -> Vec<Effect> {
        let Some(row) = row else { return vec![toast(Level::Info, "there is no device under the cursor")] };
        let (path, value) = match (args.get("path"), args.get("value"), args.get("edit").map(|e| e.trim())) {
            (Some(path), Some(value), _) => (path.clone(), value.clone()),
            (_, _, Some(edit)) if !edit.is_empty() => match edit.split_once('=') {
                Some((path, value)) => (path.trim().to_owned(), value.to_owned()),
                None => return new_value("cpe.stage", edit, String::new(), Args::new()),
            },
            _ if self.open => {
                let Some((path, value, mark)) = self.current() else { return Vec::new() };
                if mark.is_empty() {
                    return vec![toast(Level::Warn, format!("{path} is read-only on this device"))];
                }
                let staged = self.staged(row.id).iter().find(|(p, _)| *p == path).map(|(_, v)| v.clone());
                let initial = if looks_secret(&path) { String::new() } else { staged.unwrap_or(value) };
                return new_value("cpe.stage", &path, initial, Args::new());
            }
            _ => {
                return vec![Effect::Prompt(Prompt {
                    title: "Which parameter? (path, or path=value; p browses them)".to_owned(),
                    initial: String::new(),
                    command: "cpe.stage",
                    arg: "edit",
                    args: Args::new(),
                })];
            }
        };
        if !path.contains('.') {
            return vec![toast(Level::Warn, "write the full path of the parameter")];
        }
        let id = row.id;
        let staged = match &mut self.staged {
            Some((of, staged)) if *of == id => staged,
            other => &mut other.insert((id, Vec::new())).1,
        };
        staged.retain(|(p, _)| *p != path);
        staged.push((path, value));
        Vec::new()
    }

    /// Shows one secret, where the profile allows it.
    fn reveal(&mut self, args: &Args, row: Option<&CpeRow>, cx: &Ctx) -> Vec<Effect> {
        let path = args.get("path").map(|p| p.trim().to_owned()).or_else(|| self.path());
        let (Some(row), Some(path)) = (row, path) else {
            return vec![toast(Level::Info, "p browses the parameters: put the cursor on the secret first")];
        };
        if !cx.reveal_secrets {
            let why = format!(
                "profile `{}` shows no secrets: set reveal_secrets = true in [profile.{}]",
                cx.profile, cx.profile
            );
            return vec![toast(Level::Warn, why)];
        }
        let request = cx.request_id();
        self.reveal_asked = Some((request, path.clone()));
        let actor = cx.operator.to_string();
        vec![Effect::Live(request, LiveRequest::Secret { node: row.canonical.clone(), path, actor })]
    }

    /// The wheel, or a click on a row.
    pub(super) fn mouse(&mut self, at: (u16, u16), lines: i16) {
        let len = self.rows().len();
        self.revealed = None;
        if lines != 0 {
            self.pick.wheel(lines, len);
        } else if let Some(row) = at.1.checked_sub(view::HEAD) {
            self.pick.click(usize::from(row), len);
        }
    }

    /// What the commands are told.
    pub(super) fn situation(&self) -> Situation {
        Situation { has_cursor: true, filtered: !self.search.is_empty(), ..Situation::default() }
    }

    /// Key contexts, the innermost first: the verbs of the device work here, too.
    pub(super) fn contexts() -> Vec<Context> {
        vec![Context::Params, Context::Inner, Context::Cpe, Context::List]
    }

    /// Words for the breadcrumb.
    pub(super) fn crumbs(&self) -> Vec<String> {
        let mut crumbs = vec!["parameters".to_owned()];
        if !self.search.is_empty() {
            crumbs.push(format!("/{}", self.search));
        }
        crumbs
    }
}

/// Asks for the value of a parameter; a secret is not seen while it is typed.
pub(super) fn new_value(command: &'static str, path: &str, initial: String, args: Args) -> Vec<Effect> {
    let mut args = args;
    args.insert("path".to_owned(), path.to_owned());
    let prompt = Prompt { title: format!("New value of {path}"), initial, command, arg: "value", args };
    vec![if looks_secret(path) { Effect::Secret(prompt) } else { Effect::Prompt(prompt) }]
}
