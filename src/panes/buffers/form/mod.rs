//! The configuration of an appliance's buffer as a form. Changes are staged, told apart, checked
//! field by field, and sent as one: the appliance takes only the whole.

pub(crate) mod commands;
mod fields;
mod view;

use std::collections::HashMap;

use serde_json::{Map, Value};

use crate::app::ctx::Ctx;
use crate::app::effect::{Choose, Effect, Level, Prompt};
use crate::app::message::Msg;
use crate::commands::spec::Situation;
use crate::model::appliance::BufferConfig;
use crate::model::appliance::config::{Edit, FieldKind, Refusal};
use crate::model::command::{Args, CONFIGURATION, LiveRequest, LiveSection, Targets};
use crate::model::page::{RequestId, Table};
use crate::model::text::counted;
use crate::model::time::Ts;
use crate::panes::list::commands::toast;
use crate::panes::pick::Pick;
use crate::panes::verbs::intent;
use fields::{Field, typed};

/// A change: path, and the value as it was typed.
type Change = (String, String);

/// The form.
#[derive(Default)]
pub(super) struct Form {
    /// It is shown in place of the list.
    pub(super) open: bool,
    source: String,
    asked: Option<RequestId>,
    /// What the appliance told, and when.
    told: Option<(BufferConfig, Ts)>,
    /// Why it told nothing.
    failed: Option<String>,
    fields: Vec<Field>,
    /// Changes that were not sent, by appliance.
    changes: HashMap<String, Vec<Change>>,
    /// What is wrong with a field: path, and why.
    faults: Vec<(String, String)>,
    pick: Pick,
    /// The changes are shown instead of the fields.
    diff: bool,
    /// They are on their way.
    sent: bool,
}

impl Form {
    /// Shows the form of an appliance, as it tells its configuration now.
    pub(super) fn show(&mut self, source: &str, cx: &Ctx) -> Vec<Effect> {
        self.open = true;
        self.diff = false;
        if self.source != source {
            source.clone_into(&mut self.source);
            self.told = None;
            self.fields.clear();
            self.faults.clear();
            self.pick.go(0);
        }
        self.read(cx)
    }

    fn read(&mut self, cx: &Ctx) -> Vec<Effect> {
        self.failed = None;
        let id = cx.request_id();
        self.asked = Some(id);
        vec![Effect::Live(id, LiveRequest::BufferConfig { source: self.source.clone() })]
    }

    fn changes(&self) -> &[Change] {
        self.changes.get(&self.source).map_or(&[], Vec::as_slice)
    }

    fn change(&self, path: &str) -> Option<&str> {
        self.changes().iter().find(|(p, _)| p == path).map(|(_, value)| value.as_str())
    }

    fn fault(&self, path: &str) -> Option<&str> {
        self.faults.iter().find(|(p, _)| p == path).map(|(_, why)| why.as_str())
    }

    fn current(&self) -> Option<&Field> {
        self.pick.at(self.fields.len()).and_then(|at| self.fields.get(at))
    }

    /// Takes news in.
    pub(super) fn update(&mut self, msg: &Msg, cx: &Ctx) -> Vec<Effect> {
        match msg {
            Msg::Live(id, answer) if self.asked == Some(*id) => {
                self.asked = None;
                match answer.as_ref().map_err(Clone::clone).and_then(|sections| parse(sections)) {
                    Ok(config) => {
                        self.fields = fields::of(&config);
                        self.told = Some((config, cx.now));
                        self.settle();
                    }
                    Err(why) => self.failed = Some(why),
                }
                Vec::new()
            }
            Msg::NotRun { command, why } if self.sent && command == "buffer.config" => {
                self.sent = false;
                if let Some(why) = why {
                    self.blame(why);
                }
                Vec::new()
            }
            Msg::Done(_, outcome) if self.sent && outcome.command == "buffer.config" => {
                self.sent = false;
                for (_, why) in &outcome.errors {
                    self.blame(why);
                }
                // What the appliance has by now is no change any more: it is asked.
                self.diff = false;
                if outcome.done > 0 { self.read(cx) } else { Vec::new() }
            }
            _ => Vec::new(),
        }
    }

    /// Drops changes that the appliance has by now, and checks the others.
    fn settle(&mut self) {
        let same = |field: &Field, value: &str| field.value.as_ref().is_some_and(|v| typed(v) == value);
        let fields = &self.fields;
        if let Some(changes) = self.changes.get_mut(&self.source) {
            changes.retain(|(path, value)| !fields.iter().any(|f| f.path == *path && same(f, value)));
        }
        self.check();
    }

    /// Finds out what is wrong with the changes, field by field, then with all of them together.
    fn check(&mut self) {
        self.faults.clear();
        let mut edits = Vec::new();
        let mut faults = Vec::new();
        for (path, value) in self.changes() {
            match Edit::parse(&format!("{path}={value}")) {
                Ok(edit) => edits.push(edit),
                Err(why) => faults.push((path.clone(), why.to_string())),
            }
        }
        if let (Some((config, _)), true) = (&self.told, faults.is_empty())
            && let Err(why) = config.apply(&edits)
        {
            faults.push((place(&why), why.to_string()));
        }
        self.faults = faults;
    }

    /// Puts what was refused elsewhere at the field that it names, else above all fields.
    fn blame(&mut self, why: &str) {
        let field = self.fields.iter().filter(|f| why.contains(&f.path)).max_by_key(|f| f.path.len());
        match field {
            Some(field) => self.faults.push((field.path.clone(), why.to_owned())),
            None => self.failed = Some(why.to_owned()),
        }
    }

    /// Runs a command while the form is shown; `None` when it has nothing to do with it.
    pub(super) fn command(&mut self, id: &'static str, args: &Args, cx: &Ctx) -> Option<Vec<Effect>> {
        let len = self.fields.len();
        Some(match id {
            "form.leave" if self.diff => {
                self.diff = false;
                Vec::new()
            }
            "form.leave" | "list.escape" => {
                self.open = false;
                let kept = self.changes().len() as u64;
                if kept == 0 {
                    return Some(Vec::new());
                }
                let words = counted(kept, "change is", "changes are");
                vec![toast(Level::Info, format!("{words} kept for {} and not sent", self.source))]
            }
            "form.diff" => {
                self.diff = !self.diff;
                Vec::new()
            }
            "form.read" => self.read(cx),
            "form.set" => self.set(args),
            "form.unset" => {
                if let Some(path) = self.current().map(|f| f.path.clone()) {
                    self.stage(&path, None);
                }
                Vec::new()
            }
            "form.drop" => {
                self.changes.remove(&self.source);
                self.check();
                self.diff = false;
                Vec::new()
            }
            "form.send" => self.send(cx),
            _ if self.pick.command(id, len) => Vec::new(),
            _ if id.starts_with("list.") || id.starts_with("detail.") => {
                vec![toast(Level::Info, "the form has no such thing; esc goes back")]
            }
            _ => return None,
        })
    }

    /// Asks for the value of a field, or notes it.
    fn set(&mut self, args: &Args) -> Vec<Effect> {
        if let (Some(path), Some(value)) = (args.get("path"), args.get("value")) {
            let value = value.trim().to_owned();
            self.stage(path, Some(value));
            return Vec::new();
        }
        let Some(field) = self.current() else { return Vec::new() };
        let Some(spec) = field.spec else {
            return vec![toast(Level::Info, format!("{} is not known: it is sent back as it is", field.path))];
        };
        let now = self.change(&field.path).map(str::to_owned).or_else(|| field.value.as_ref().map(typed));
        let now = now.unwrap_or_default();
        let unit = if spec.unit.is_empty() { String::new() } else { format!(", {}", spec.unit) };
        let mut args = Args::new();
        args.insert("path".to_owned(), field.path.clone());
        let words: &[&str] = match spec.kind {
            FieldKind::Switch => &["true", "false"],
            FieldKind::Word(words) => words,
            FieldKind::Number { .. } | FieldKind::Address => {
                let title = format!("{}{unit}", field.path);
                return vec![Effect::Prompt(Prompt { title, initial: now, command: "form.set", arg: "value", args })];
            }
        };
        vec![Effect::Choose(Choose {
            title: field.path.clone(),
            items: words.iter().map(|w| ((*w).to_owned(), String::new())).collect(),
            selected: words.iter().position(|w| *w == now).unwrap_or(0),
            command: "form.set",
            arg: "value",
            args,
        })]
    }

    /// Notes a change, or takes one back.
    fn stage(&mut self, path: &str, value: Option<String>) {
        let changes = self.changes.entry(self.source.clone()).or_default();
        changes.retain(|(p, _)| p != path);
        if let Some(value) = value {
            changes.push((path.to_owned(), value));
        }
        self.settle();
    }

    fn send(&mut self, cx: &Ctx) -> Vec<Effect> {
        if self.told.is_none() {
            return vec![toast(Level::Info, "the appliance has not told its configuration yet")];
        }
        if self.changes().is_empty() {
            return vec![toast(Level::Info, "nothing is changed")];
        }
        if let Some((path, why)) = self.faults.first() {
            let words = format!("not sent: {why}");
            if let Some(at) = self.fields.iter().position(|f| f.path == *path) {
                self.diff = false;
                self.pick.go(at);
            }
            return vec![toast(Level::Warn, words)];
        }
        let lines: Vec<String> = self.changes().iter().map(|(path, value)| format!("{path}={value}")).collect();
        let args = Args::from([("set".to_owned(), lines.join("\n"))]);
        self.sent = true;
        intent("buffer.config", Targets::Names(Table::Appliances, vec![self.source.clone()]), args, cx)
    }

    /// The wheel, or a click on a field.
    pub(super) fn mouse(&mut self, at: (u16, u16), lines: i16) -> Vec<Effect> {
        let len = self.fields.len();
        if lines != 0 {
            self.pick.wheel(lines, len);
        } else if let Some(row) = at.1.checked_sub(view::HEAD) {
            self.pick.click(usize::from(row), len);
        }
        Vec::new()
    }

    /// What commands are told.
    pub(super) fn situation() -> Situation {
        Situation { has_cursor: true, ..Situation::default() }
    }

    /// Words for the breadcrumb.
    pub(super) fn crumbs(&self) -> Vec<String> {
        let mut crumbs = vec!["configuration".to_owned(), self.source.clone()];
        if self.diff {
            crumbs.push("changes".to_owned());
        }
        crumbs
    }
}

/// The configuration that an answer holds. One that is not whole is shown, too: what is missing is
/// told at its field.
fn parse(sections: &[LiveSection]) -> Result<BufferConfig, String> {
    let section = sections.iter().find(|s| s.title == CONFIGURATION);
    let text = section.and_then(|s| s.rows.first()).and_then(|row| row.first());
    let text = text.ok_or_else(|| "the answer holds no configuration".to_owned())?;
    let whole: Map<String, Value> =
        serde_json::from_str(text).map_err(|error| format!("what it told is no configuration: {error}"))?;
    Ok(BufferConfig::new(whole))
}

/// The field that a refusal is about.
fn place(refusal: &Refusal) -> String {
    match refusal {
        Refusal::Partial { missing } => missing.first().cloned().unwrap_or_default(),
        Refusal::NoKey { path } | Refusal::Misfit { path, .. } | Refusal::Harms { path, .. } => path.clone(),
        Refusal::NoService { service } => format!("services.{service}"),
        Refusal::Unreadable(_) => String::new(),
    }
}
