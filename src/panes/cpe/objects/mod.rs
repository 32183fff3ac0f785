//! What servers keep beside devices, inside the CPE pane: presets, provisions, virtual parameters
//! and files as a list by kind, whole texts with a search, editing in `$EDITOR`, and what makes and
//! deletes them.

pub(crate) mod commands;
mod view;

use crate::app::ctx::Ctx;
use crate::app::effect::{EditFile, Effect, Level};
use crate::app::message::Msg;
use crate::commands::spec::{Context, Situation};
use crate::model::command::{Args, Targets};
use crate::model::ids::SourceName;
use crate::model::order;
use crate::model::page::{RequestId, Table};
use crate::model::stored::{Stored, StoredKind, StoredList};
use crate::model::time::Ts;
use crate::panes::detail::DetailState;
use crate::panes::list::commands::toast;
use crate::panes::verbs::{ask, given, intent};

use crate::panes::pick::{Mouse, Pick};

/// A text that was edited and not stored: what it is about, the text, and the file that keeps it.
type Draft = ((SourceName, StoredKind, String), String, String);

/// The view.
#[derive(Default)]
pub(super) struct Objects {
    /// It is shown in place of the fleet.
    pub(super) open: bool,
    kind: usize,
    lists: Vec<StoredList>,
    read_at: Ts,
    asked: Option<RequestId>,
    pick: Pick,
    detail: DetailState,
    /// Only what holds this; in a text, the lines that are looked for.
    search: String,
    drafts: Vec<Draft>,
}

impl Objects {
    fn kind(&self) -> StoredKind {
        StoredKind::ALL.get(self.kind).copied().unwrap_or(StoredKind::Preset)
    }

    fn all(&self) -> impl Iterator<Item = &Stored> {
        self.lists.iter().filter_map(|(_, list)| list.as_ref().ok()).flatten()
    }

    /// The rows of a kind, by name, that hold what is searched.
    fn rows(&self, kind: StoredKind) -> Vec<&Stored> {
        let needle = self.search.to_lowercase();
        let holds = |s: &&Stored| {
            needle.is_empty() || s.name.to_lowercase().contains(&needle) || s.text.to_lowercase().contains(&needle)
        };
        let mut rows: Vec<&Stored> = self.all().filter(|s| s.kind == kind).filter(holds).collect();
        order::by(&mut rows, |a, b| (&a.name, &a.source).cmp(&(&b.name, &b.source)));
        rows
    }

    fn current(&self) -> Option<&Stored> {
        let rows = self.rows(self.kind());
        self.pick.at(rows.len()).and_then(|at| rows.get(at).copied())
    }

    fn draft(&self, of: &Stored) -> Option<&Draft> {
        self.drafts.iter().find(|((source, kind, name), ..)| (source, kind, name) == (&of.source, &of.kind, &of.name))
    }

    /// Shows it, reading everything anew.
    pub(super) fn show(&mut self, cx: &Ctx) -> Vec<Effect> {
        self.open = true;
        self.detail.roomy = true;
        self.read(cx)
    }

    fn read(&mut self, cx: &Ctx) -> Vec<Effect> {
        if self.asked.is_some() {
            return Vec::new();
        }
        let id = cx.request_id();
        self.asked = Some(id);
        vec![Effect::Stored(id)]
    }

    /// Takes news in.
    pub(super) fn update(&mut self, msg: &Msg, cx: &Ctx) -> Vec<Effect> {
        match msg {
            Msg::Stored(id, lists) if self.asked == Some(*id) => {
                self.asked = None;
                self.read_at = cx.now;
                self.lists.clone_from(lists);
                Vec::new()
            }
            // What was changed is read again, and a text that was stored needs no keeping.
            Msg::Done(_, outcome) if is_change(&outcome.command) => {
                if outcome.done > 0 && puts(&outcome.command) {
                    let stored = |(_, kind, name): &(SourceName, StoredKind, String)| {
                        outcome.command == commands::of(*kind).0
                            && outcome.summary.starts_with(&format!("{} {name} ", kind.noun()))
                    };
                    self.drafts.retain(|(of, ..)| !stored(of));
                }
                if self.open { self.read(cx) } else { Vec::new() }
            }
            _ => Vec::new(),
        }
    }

    /// Runs a command of this view or of lists; `None` when it has nothing to do with it.
    pub(super) fn command(&mut self, id: &'static str, args: &Args, cx: &Ctx) -> Option<Vec<Effect>> {
        let len = self.rows(self.kind()).len();
        Some(match id {
            "cpe.objects" if !self.open => self.show(cx),
            "cpe.objects" => {
                self.open = false;
                Vec::new()
            }
            _ if is_change(id) => self.change(id, args, cx),
            _ if !self.open => return None,
            "cpe.leave" => {
                if self.search.is_empty() {
                    self.open = false;
                } else {
                    self.search.clear();
                }
                Vec::new()
            }
            "cpe.object-tab" => self.tab(1),
            "cpe.object-tab-back" => self.tab(StoredKind::ALL.len() - 1),
            "cpe.object-read" => self.read(cx),
            "cpe.object-find" => self.find(args),
            "cpe.object-next" => self.next_match(),
            "cpe.object-edit" => self.edit(cx),
            "cpe.object-new" => self.create(args, cx),
            "cpe.object-delete" => {
                let (_, delete) = commands::of(self.kind());
                return Some(self.change(delete, &Args::new(), cx));
            }
            "list.detail" => {
                self.detail.enter(cx.size);
                Vec::new()
            }
            "list.copy" | "list.copy-row" => self.copy(id == "list.copy-row"),
            "detail.next" | "detail.previous" => {
                self.pick.command(if id == "detail.next" { "list.down" } else { "list.up" }, len);
                self.detail.scroll = 0;
                Vec::new()
            }
            _ if self.detail.command(id, cx.size) => Vec::new(),
            _ if self.pick.command(id, len) => {
                self.detail.scroll = 0;
                Vec::new()
            }
            _ if id.starts_with("list.") => {
                vec![toast(Level::Info, "this list has no such thing: l and h change the kind")]
            }
            _ => return None,
        })
    }

    fn tab(&mut self, by: usize) -> Vec<Effect> {
        self.kind = (self.kind + by) % StoredKind::ALL.len();
        self.pick.go(0);
        self.detail.scroll = 0;
        Vec::new()
    }

    fn find(&mut self, args: &Args) -> Vec<Effect> {
        let Some(text) = args.get("text") else {
            let title = if self.detail.focus { "Lines with" } else { "Only what holds (empty for all)" };
            let mut asked = ask(title.to_owned(), "cpe.object-find", "text", Args::new());
            if let Some(Effect::Prompt(prompt)) = asked.first_mut() {
                prompt.initial.clone_from(&self.search);
            }
            return asked;
        };
        text.trim().clone_into(&mut self.search);
        self.pick.go(0);
        if self.detail.focus { self.next_match() } else { Vec::new() }
    }

    /// Scrolls to the next line that holds what is searched, from the beginning after the last one.
    fn next_match(&mut self) -> Vec<Effect> {
        if self.search.is_empty() {
            return vec![toast(Level::Info, "/ searches first")];
        }
        let needle = self.search.to_lowercase();
        let Some(stored) = self.current() else { return Vec::new() };
        let facts = view::facts_of(stored, self, None).len();
        let hits: Vec<usize> = stored
            .text
            .lines()
            .enumerate()
            .filter(|(_, line)| line.to_lowercase().contains(&needle))
            .map(|(i, _)| i + facts)
            .collect();
        let now = usize::from(self.detail.scroll);
        match hits.iter().find(|line| **line > now).or_else(|| hits.first()) {
            Some(line) => {
                self.detail.scroll = u16::try_from(*line).unwrap_or(u16::MAX);
                Vec::new()
            }
            None => vec![toast(Level::Info, format!("no line holds `{}`", self.search))],
        }
    }

    fn copy(&self, whole: bool) -> Vec<Effect> {
        let Some(stored) = self.current() else { return Vec::new() };
        let (text, what) = match (whole, stored.file.as_ref()) {
            (false, _) => (stored.name.clone(), "the name".to_owned()),
            (true, Some(file)) => (file.sha256.clone(), "the checksum".to_owned()),
            (true, None) => (stored.text.clone(), format!("the text of {}", stored.name)),
        };
        if text.is_empty() {
            return vec![toast(Level::Info, "there is nothing to copy")];
        }
        vec![Effect::Copy { text, what }]
    }

    fn edit(&self, cx: &Ctx) -> Vec<Effect> {
        let Some(stored) = self.current() else { return Vec::new() };
        if stored.kind == StoredKind::File {
            return vec![toast(Level::Info, "files are uploaded anew: U")];
        }
        let draft = self.draft(stored).map(|(_, text, _)| text.clone());
        let initial = draft.unwrap_or_else(|| stored.text.clone());
        editor(&stored.source, (stored.kind, &stored.name), initial, stored.hash, cx)
    }

    /// Asks for the name of a new one, then opens the editor with what it begins with.
    fn create(&mut self, args: &Args, cx: &Ctx) -> Vec<Effect> {
        let kind = self.kind();
        if kind == StoredKind::File {
            return self.change("cpe.file.upload", args, cx);
        }
        if !given(args, "name") {
            return ask(format!("Name of the new {}", kind.noun()), "cpe.object-new", "name", Args::new());
        }
        let name = args.get("name").map_or("", |n| n.trim());
        let source = self.current().map(|s| &s.source).or_else(|| self.lists.first().map(|(source, _)| source));
        let Some(source) = source.cloned() else { return vec![toast(Level::Warn, "no server told what it has yet")] };
        if self.all().any(|s| s.kind == kind && s.name == name && s.source == source) {
            return vec![toast(Level::Warn, format!("there is a {} of that name: e edits it", kind.noun()))];
        }
        let initial = match kind {
            StoredKind::Preset => NEW_PRESET,
            StoredKind::Provision => NEW_PROVISION,
            _ => NEW_PARAMETER,
        };
        editor(&source, (kind, name), initial.to_owned(), 0, cx)
    }

    /// Wishes a change, asking for what it lacks.
    fn change(&mut self, id: &'static str, args: &Args, cx: &Ctx) -> Vec<Effect> {
        let mut args = args.clone();
        let here = self.current().filter(|s| commands::of(s.kind).0 == id || commands::of(s.kind).1 == id);
        let deletes = id.rsplit('.').next() == Some("delete");
        if !given(&args, "name") {
            if let (Some(stored), true) = (here, deletes) {
                args.insert("name".to_owned(), stored.name.clone());
                args.insert("source".to_owned(), stored.source.to_string());
            } else if id == "cpe.file.upload" && given(&args, "file") {
                let file = args.get("file").map_or("", |f| f.trim());
                let name = file.rsplit('/').next().unwrap_or(file).to_owned();
                args.insert("name".to_owned(), name);
            } else if id != "cpe.file.upload" {
                return ask("Its name".to_owned(), id, "name", args);
            }
        }
        if id == "cpe.file.upload"
            && let Some(asked) = self.upload(&args)
        {
            return asked;
        }
        if puts(id) && !args.contains_key("text") && !given(&args, "file") {
            return ask("File with the new text (path)".to_owned(), id, "file", args);
        }
        if !given(&args, "source")
            && let [(only, _)] = self.lists.as_slice()
        {
            args.insert("source".to_owned(), only.to_string());
        }
        self.keep(id, &args);
        let name = args.remove("name").unwrap_or_default();
        intent(id, Targets::Names(Table::Stored, vec![name.trim().to_owned()]), args, cx)
    }

    /// Remembers an edited text until it was stored.
    fn keep(&mut self, id: &str, args: &Args) {
        let Some(kind) = StoredKind::ALL.into_iter().find(|k| commands::of(*k).0 == id) else { return };
        let get = |name: &str| args.get(name).cloned().unwrap_or_default();
        if !args.contains_key("draft") {
            return;
        }
        let of = (SourceName::from(get("source").as_str()), kind, get("name"));
        self.drafts.retain(|(other, ..)| *other != of);
        self.drafts.push((of, get("text"), get("draft")));
    }

    /// The next question about a file to upload; `None` when all is answered.
    fn upload(&self, args: &Args) -> Option<Vec<Effect>> {
        let like = self.current().and_then(|s| s.file.as_ref());
        let of = |pick: fn(&crate::model::stored::FileFacts) -> &str| like.map_or("", pick).to_owned();
        let questions = [
            ("file", "Upload which file? (path)", String::new()),
            ("type", "Type of the file", "1 Firmware Upgrade Image".to_owned()),
            ("oui", "OUI it is for (empty for any)", of(|f| &f.oui)),
            ("class", "Product class it is for (empty for any)", of(|f| &f.product_class)),
            ("version", "Version it brings", String::new()),
        ];
        let (arg, title, initial) = questions.into_iter().find(|(arg, ..)| !args.contains_key(*arg))?;
        let mut asked = ask(title.to_owned(), "cpe.file.upload", arg, args.clone());
        if let Some(Effect::Prompt(prompt)) = asked.first_mut() {
            prompt.initial = initial;
        }
        Some(asked)
    }

    /// A click or the wheel.
    pub(super) fn mouse(&mut self, at: (u16, u16), lines: i16, double: bool, cx: &Ctx) -> Vec<Effect> {
        let len = self.rows(self.kind()).len();
        let areas = view::areas(self, cx.size);
        let mouse = Mouse { at, lines, double };
        self.pick.mouse(&mut self.detail, (areas, view::HEAD), len, mouse, cx.size);
        Vec::new()
    }

    /// What the commands are told.
    pub(super) fn situation(&self) -> Situation {
        Situation { has_cursor: self.current().is_some(), filtered: !self.search.is_empty(), ..Situation::default() }
    }

    /// Key contexts, the innermost first.
    pub(super) fn contexts(&self) -> Vec<Context> {
        let mut out = if self.detail.focus { vec![Context::Detail] } else { Vec::new() };
        out.extend([Context::Objects, Context::Inner, Context::List]);
        out
    }

    /// Words for the breadcrumb.
    pub(super) fn crumbs(&self) -> Vec<String> {
        let mut crumbs = vec![self.kind().title().to_owned()];
        if !self.search.is_empty() {
            crumbs.push(format!("/{}", self.search));
        }
        crumbs
    }
}

const NEW_PRESET: &str = r#"{
  "weight": 0,
  "channel": "default",
  "events": {
    "1 BOOT": true
  },
  "precondition": "",
  "configurations": [
    {
      "type": "provision",
      "name": "",
      "args": null
    }
  ]
}"#;
const NEW_PROVISION: &str = "const hourly = Date.now(3600000);\ndeclare(\"InternetGatewayDevice.DeviceInfo.*\", {path: hourly, value: hourly});\n";
const NEW_PARAMETER: &str = "let value = \"\";\n\nreturn {writable: false, value: [value, \"xsd:string\"]};\n";

/// Whether a command changes what servers keep.
pub(super) fn is_change(id: &str) -> bool {
    commands::OBJECTS.iter().any(|c| c.id == id && c.mutates != crate::commands::spec::Mutates::Nothing)
}

/// Whether a command writes a text.
fn puts(id: &str) -> bool {
    id.rsplit('.').next() == Some("put")
}

/// Opens the editor, where the profile allows to send what comes out of it.
fn editor(source: &SourceName, (kind, name): (StoredKind, &str), initial: String, base: u64, cx: &Ctx) -> Vec<Effect> {
    if cx.read_only {
        return vec![toast(Level::Warn, format!("profile `{}` is read-only: nothing is edited", cx.profile))];
    }
    let args = [("name", name.to_owned()), ("source", source.to_string()), ("base", format!("{base:x}"))];
    vec![Effect::EditFile(EditFile {
        initial,
        file: format!("{source}-{}-{name}.{}", kind.word(), kind.ending()),
        command: commands::of(kind).0,
        arg: "text",
        draft: "draft",
        args: args.into_iter().map(|(k, v)| (k.to_owned(), v)).collect(),
    })]
}
