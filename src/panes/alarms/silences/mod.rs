//! The silences of all Alertmanagers, inside the alarms pane: a list read from the servers, what each
//! holds back, the way to those alarms and back, and the form that makes and changes one.
//!
//! A server that cannot be asked keeps its rows as it told them last, with their age.

pub(crate) mod commands;
mod form;
mod held;
#[cfg(test)]
mod tests;
mod view;

use crate::app::ctx::Ctx;
use crate::app::effect::{Effect, Level};
use crate::app::message::Msg;
use crate::app::pane::PaneId;
use crate::commands::spec::{Context, Situation};
use crate::model::command::{Args, Targets};
use crate::model::ids::SourceName;
use crate::model::order;
use crate::model::page::RequestId;
use crate::model::silence::{SilenceList, SilenceRow, SilenceState};
use crate::model::time::{SECOND, Ts};
use crate::panes::detail::DetailState;
use crate::panes::list::commands::toast;
use crate::panes::pick::{Mouse, Pick};
use crate::panes::verbs::{ask, choose, intent};

use form::Form;
use held::Held;

/// How old the list may be until news of the cache have it read again, µs.
const FRESH: i64 = 20 * SECOND;

/// Which silence is meant: those that share a cluster keep the same ids.
type Key = (SourceName, String);

fn key(row: &SilenceRow) -> Key {
    (row.source.clone(), row.id.clone())
}

/// Whether something is longer ago than a span, also after the clock was put back.
fn past(at: Ts, span: i64, now: Ts) -> bool {
    !(0..=span).contains(&now.since(at))
}

/// What a server told last.
#[derive(Debug)]
struct Told {
    source: SourceName,
    rows: Vec<SilenceRow>,
    at: Ts,
    /// Why it tells nothing now.
    failed: Option<String>,
}

/// A kind of silences.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum Tab {
    #[default]
    InForce,
    Over,
    All,
}

impl Tab {
    const ALL: [Self; 3] = [Self::InForce, Self::Over, Self::All];

    const fn title(self) -> &'static str {
        match self {
            Self::InForce => "In force or to come",
            Self::Over => "Over",
            Self::All => "All",
        }
    }

    const fn holds(self, state: SilenceState) -> bool {
        match self {
            Self::InForce => !matches!(state, SilenceState::Expired),
            Self::Over => matches!(state, SilenceState::Expired),
            Self::All => true,
        }
    }
}

/// What the list is sorted by.
const FIELDS: [(&str, &str); 7] = [
    ("state", "active, pending, expired; the next to end first"),
    ("ends", "when it ends"),
    ("alarms", "how many alarms it holds back, the most first"),
    ("matchers", "what it is on"),
    ("by", "who made it"),
    ("comment", "why"),
    ("source", "its Alertmanager"),
];

/// The view.
#[derive(Debug)]
pub(super) struct Silences {
    /// It is shown in place of the alarms.
    pub(super) open: bool,
    told: Vec<Told>,
    asked: Option<RequestId>,
    tab: Tab,
    search: String,
    sort: (&'static str, bool),
    pick: Pick,
    detail: DetailState,
    held: Held,
    form: Option<Form>,
    /// The silence that the cursor stays on when the list changes.
    stay: Option<Key>,
    /// When the servers answered last, well or badly: they are not asked again at once.
    read_at: Ts,
}

impl Default for Silences {
    fn default() -> Self {
        Self {
            open: false,
            told: Vec::new(),
            asked: None,
            tab: Tab::default(),
            search: String::new(),
            sort: ("state", false),
            pick: Pick::default(),
            detail: DetailState::default(),
            held: Held::default(),
            form: None,
            stay: None,
            read_at: Ts::NEVER,
        }
    }
}

impl Silences {
    fn all(&self) -> impl Iterator<Item = &SilenceRow> {
        self.told.iter().flat_map(|told| &told.rows)
    }

    /// The rows shown, in order.
    fn rows(&self) -> Vec<&SilenceRow> {
        let needle = self.search.to_lowercase();
        let holds = |row: &&SilenceRow| {
            let texts = [&row.matchers, &row.comment, &row.created_by, &row.id];
            needle.is_empty()
                || row.source.to_lowercase().contains(&needle)
                || texts.iter().any(|text| text.to_lowercase().contains(&needle))
        };
        let mut rows: Vec<&SilenceRow> = self.all().filter(|row| self.tab.holds(row.state)).filter(holds).collect();
        let (field, turned) = self.sort;
        order::by(&mut rows, |a, b| {
            let by_field = match field {
                "state" => a.state.cmp(&b.state),
                "alarms" => self.held.number(b).cmp(&self.held.number(a)),
                "matchers" => a.matchers.cmp(&b.matchers),
                "by" => a.created_by.cmp(&b.created_by),
                "comment" => a.comment.cmp(&b.comment),
                "source" => a.source.cmp(&b.source),
                _ => a.ends.cmp(&b.ends),
            };
            let by_field = if turned { by_field.reverse() } else { by_field };
            let next = (a.ends, &a.id).cmp(&(b.ends, &b.id));
            by_field.then(if a.state == SilenceState::Expired { next.reverse() } else { next })
        });
        rows
    }

    /// The silence under the cursor.
    pub(super) fn current(&self) -> Option<&SilenceRow> {
        let rows = self.rows();
        self.pick.at(rows.len()).and_then(|at| rows.get(at).copied())
    }

    /// The filter of the alarms that the silence under the cursor holds back, and words for them.
    pub(super) fn filter(&self) -> Option<(String, String)> {
        let row = self.current()?;
        let why = if row.comment.is_empty() { &row.id } else { &row.comment };
        Some((held::filter(&row.source, &row.id), format!("held back by silence: {why}")))
    }

    /// Puts the cursor where it was, or on the silence that was asked for.
    fn settle(&mut self) {
        let Some((source, id)) = &self.stay else { return };
        if let Some(at) = self.rows().iter().position(|row| (&row.source, &row.id) == (source, id)) {
            self.pick.go(at);
        }
    }

    fn note_cursor(&mut self) {
        self.stay = self.current().map(key);
    }

    /// Shows it, reading and counting everything anew: what was asked before may never be answered.
    pub(super) fn show(&mut self, cx: &Ctx) -> Vec<Effect> {
        let opens = !std::mem::replace(&mut self.open, true);
        self.detail.roomy = true;
        let mut effects = self.held.restart();
        // Where it is open it is only drawn anew, as for each step of a resize.
        effects.extend(if opens { self.read(cx) } else { self.refresh(cx) });
        effects.extend(self.count(cx));
        effects
    }

    /// Reads the list unless it is being read.
    fn refresh(&mut self, cx: &Ctx) -> Vec<Effect> {
        if self.asked.is_some() { Vec::new() } else { self.read(cx) }
    }

    /// Reads the list; what an earlier question is answered no longer counts.
    fn read(&mut self, cx: &Ctx) -> Vec<Effect> {
        let id = cx.request_id();
        self.asked = Some(id);
        vec![Effect::Silences(id)]
    }

    /// Counts what the silences in force hold back, one question at a time, while somebody looks.
    fn count(&mut self, cx: &Ctx) -> Vec<Effect> {
        if !self.open || cx.active != PaneId::Alarms {
            return Vec::new();
        }
        let active = self.told.iter().flat_map(|told| &told.rows).filter(|row| row.state == SilenceState::Active);
        self.held.ask(active, cx)
    }

    fn heard(&mut self, lists: &[SilenceList], now: Ts) {
        self.told.retain(|told| lists.iter().any(|(source, _)| *source == told.source));
        for (source, list) in lists {
            let at = self.told.iter().position(|told| told.source == *source);
            match (list, at.and_then(|at| self.told.get_mut(at))) {
                (Ok(rows), Some(told)) => {
                    (told.rows, told.at, told.failed) = (rows.clone(), now, None);
                }
                (Ok(rows), None) => {
                    let rows = rows.clone();
                    self.told.push(Told { source: source.clone(), rows, at: now, failed: None });
                }
                (Err(why), Some(told)) => told.failed = Some(why.clone()),
                (Err(why), None) => {
                    let failed = Some(why.clone());
                    self.told.push(Told { source: source.clone(), rows: Vec::new(), at: Ts::NEVER, failed });
                }
            }
        }
    }

    /// Takes news in.
    pub(super) fn update(&mut self, msg: &Msg, cx: &Ctx) -> Vec<Effect> {
        if let Some(form) = &mut self.form
            && let Some((source, id)) = form.update(msg)
        {
            self.form = None;
            if !id.is_empty() {
                self.stay = Some((source, id));
            }
        }
        match msg {
            Msg::Silences(id, lists) if self.asked == Some(*id) => {
                (self.asked, self.read_at) = (None, cx.now);
                self.heard(lists, cx.now);
                self.settle();
                self.note_cursor();
                self.count(cx)
            }
            Msg::Data(id, data) if self.held.takes(*id, data) => {
                self.settle();
                self.count(cx)
            }
            // A reading under way may have passed the change by: it is asked for once more.
            Msg::Done(_, outcome) if outcome.command.starts_with("silence.") && self.open => self.read(cx),
            // Whatever else changed, the list on the screen does not grow old by itself.
            Msg::Changed(_) if self.open && cx.active == PaneId::Alarms => {
                let grown_old = past(self.read_at, FRESH, cx.now);
                let mut effects = if grown_old { self.refresh(cx) } else { Vec::new() };
                effects.extend(self.count(cx));
                effects
            }
            _ => Vec::new(),
        }
    }

    /// Runs a command of the view, of its form, or of lists; `None` when it has nothing to do with it.
    pub(super) fn command(&mut self, id: &'static str, args: &Args, cx: &Ctx) -> Option<Vec<Effect>> {
        if let Some(form) = &mut self.form {
            if id == "form.leave" || id == "list.escape" {
                self.form = None;
                return Some(Vec::new());
            }
            return form.command(id, args, cx);
        }
        let len = self.rows().len();
        let effects = match id {
            "silence.read" => {
                let mut effects = self.held.restart();
                effects.extend(self.read(cx));
                effects
            }
            "silence.tab" => self.turn(1),
            "silence.tab-back" => self.turn(Tab::ALL.len() - 1),
            "silence.find" => self.find(args),
            "silence.sort" | "list.sort" => self.sort_by(args),
            "list.sort-reverse" => {
                self.sort.1 = !self.sort.1;
                self.settle();
                Vec::new()
            }
            "silence.new" => self.fill(None, cx),
            "silence.edit" => {
                let row = self.current().cloned();
                self.fill(row.as_ref(), cx)
            }
            "silence.end" => self.end(cx),
            "silence.leave" | "list.clear-filter" if !self.search.is_empty() => {
                self.search.clear();
                self.settle();
                Vec::new()
            }
            "silence.leave" => {
                self.open = false;
                Vec::new()
            }
            "list.detail" => {
                self.detail.enter(cx.size);
                Vec::new()
            }
            "list.copy" | "list.copy-row" => self.copy(id == "list.copy-row"),
            "detail.next" | "detail.previous" => {
                self.pick.command(if id == "detail.next" { "list.down" } else { "list.up" }, len);
                self.detail.scroll = 0;
                self.note_cursor();
                Vec::new()
            }
            _ if self.detail.command(id, cx.size) => Vec::new(),
            _ if self.pick.command(id, len) => {
                self.detail.scroll = 0;
                self.note_cursor();
                Vec::new()
            }
            _ if id.starts_with("list.") => {
                vec![toast(Level::Info, "this list has no such thing: l and h change the kind, / searches, s sorts")]
            }
            _ => return None,
        };
        Some(effects)
    }

    fn turn(&mut self, by: usize) -> Vec<Effect> {
        let at = Tab::ALL.iter().position(|t| *t == self.tab).unwrap_or(0);
        self.tab = Tab::ALL.get((at + by) % Tab::ALL.len()).copied().unwrap_or_default();
        self.pick.go(0);
        self.detail.scroll = 0;
        self.settle();
        Vec::new()
    }

    fn find(&mut self, args: &Args) -> Vec<Effect> {
        let Some(text) = args.get("text") else {
            let mut asked = ask("Only what holds (empty for all)".to_owned(), "silence.find", "text", Args::new());
            if let Some(Effect::Prompt(prompt)) = asked.first_mut() {
                prompt.initial.clone_from(&self.search);
            }
            return asked;
        };
        text.trim().clone_into(&mut self.search);
        self.pick.go(0);
        self.settle();
        Vec::new()
    }

    fn sort_by(&mut self, args: &Args) -> Vec<Effect> {
        let Some(wanted) = args.get("field") else {
            return choose("Sort by".to_owned(), &FIELDS, "silence.sort", "field", Args::new());
        };
        let Some((field, _)) = FIELDS.iter().find(|(field, _)| field == wanted) else {
            let known: Vec<&str> = FIELDS.iter().map(|(field, _)| *field).collect();
            return vec![toast(Level::Warn, format!("silences are sorted by {}", known.join(", ")))];
        };
        self.sort = (field, self.sort.0 == *field && !self.sort.1);
        self.settle();
        Vec::new()
    }

    /// Opens the form: for a new one, for a change, or for another one like one that is over.
    fn fill(&mut self, of: Option<&SilenceRow>, cx: &Ctx) -> Vec<Effect> {
        if cx.read_only {
            let words = format!("profile `{}` is read-only: no silence is made or changed", cx.profile);
            return vec![toast(Level::Warn, words)];
        }
        let servers: Vec<SourceName> = self.told.iter().map(|told| told.source.clone()).collect();
        if !self.read_at.is_set() {
            return vec![toast(Level::Info, "the Alertmanagers are still being asked: try again in a moment")];
        }
        if servers.is_empty() {
            return vec![toast(Level::Warn, "no Alertmanager is configured: a source of the kind `alertmanager`")];
        }
        self.form = Some(Form::new(&servers, of, cx.now));
        Vec::new()
    }

    fn end(&self, cx: &Ctx) -> Vec<Effect> {
        let Some(row) = self.current() else { return Vec::new() };
        if row.state == SilenceState::Expired {
            return vec![toast(Level::Info, "it is over already: e makes another one like it")];
        }
        let args = [("id", row.id.clone()), ("source", row.source.to_string())];
        let args = args.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
        intent("silence.expire", Targets::None, args, cx)
    }

    fn copy(&self, whole: bool) -> Vec<Effect> {
        let Some(row) = self.current() else { return Vec::new() };
        let (text, what) =
            if whole { (row.matchers.clone(), "its matchers") } else { (row.id.clone(), "the id of the silence") };
        vec![Effect::Copy { text, what: what.to_owned() }]
    }

    /// A click or the wheel.
    pub(super) fn mouse(&mut self, at: (u16, u16), lines: i16, double: bool, cx: &Ctx) -> Vec<Effect> {
        if let Some(form) = &mut self.form {
            form.click(at, lines);
            return Vec::new();
        }
        let len = self.rows().len();
        let areas = view::areas(self, cx.size);
        let mouse = Mouse { at, lines, double };
        self.pick.mouse(&mut self.detail, (areas, view::HEAD), len, mouse, cx.size);
        self.note_cursor();
        Vec::new()
    }

    /// What the commands are told.
    pub(super) fn situation(&self) -> Situation {
        if self.form.is_some() {
            return Situation { has_cursor: true, node_kind: Some("silence"), ..Situation::default() };
        }
        Situation { has_cursor: self.current().is_some(), filtered: !self.search.is_empty(), ..Situation::default() }
    }

    /// Key contexts, the innermost first.
    pub(super) fn contexts(&self) -> Vec<Context> {
        if self.form.is_some() {
            return vec![Context::Form, Context::List];
        }
        let mut out = if self.detail.focus { vec![Context::Detail] } else { Vec::new() };
        out.extend([Context::Silences, Context::List]);
        out
    }

    /// Words for the breadcrumb.
    pub(super) fn crumbs(&self) -> Vec<String> {
        let mut crumbs = vec!["silences".to_owned()];
        if let Some(form) = &self.form {
            crumbs.push(form.title());
        } else if !self.search.is_empty() {
            crumbs.push(format!("/{}", self.search));
        }
        crumbs
    }
}
