//! The alarms pane: what is wrong now, what an operator has to do with, and the verbs of triage.

mod columns;
pub(crate) mod commands;
mod live;
pub(crate) mod silences;
mod view;

use ratatui::Frame;
use ratatui::layout::Rect;
use serde_json::json;

use crate::app::ctx::{Ctx, ViewCtx};
use crate::app::effect::{Effect, Level, Location};
use crate::app::message::Msg;
use crate::app::pane::{Pane, PaneId};
use crate::commands::spec::{CommandSpec, Context, Situation};
use crate::model::alarm::{AlarmDetail, AlarmRow, OpState, Visibility};
use crate::model::command::{Args, Targets};
use crate::model::ids::RowId;
use crate::model::order;
use crate::model::page::{Data, DataRequest, RequestId, Scope, Sort};
use crate::model::text;
use crate::model::time::Ts;

use live::Live;
use silences::Silences;

use super::detail::Fetched;
use super::list::{Landing, columns::instant};
use super::split::Split;
use super::verbs::Held;

/// The pane.
pub struct AlarmsPane {
    split: Split<AlarmRow>,
    fetched: Fetched<AlarmRow, AlarmDetail>,
    held: Held,
    /// The list as it was before the live feed.
    before_feed: Option<Box<serde_json::Value>>,
    /// What the source of one alarm told when it was asked.
    live: Option<(RowId, Live)>,
    live_asked: Option<RequestId>,
    silences: Silences,
    before_silence: Option<BeforeSilence>,
    /// Newest change told by [`Pane::linear`].
    told: Ts,
}

/// The list as it was before it showed the alarms of a silence.
struct BeforeSilence {
    list: Box<serde_json::Value>,
    /// The node that it was below.
    below: Option<(RowId, String)>,
    /// Words for the alarms of the silence.
    words: String,
}

impl Default for AlarmsPane {
    fn default() -> Self {
        Self::new()
    }
}

impl AlarmsPane {
    /// The pane with nothing in it.
    #[must_use]
    pub fn new() -> Self {
        Self {
            split: Split::new(PaneId::Alarms, columns::COLUMNS),
            fetched: Fetched::default(),
            held: Held::default(),
            before_feed: None,
            live: None,
            live_asked: None,
            silences: Silences::default(),
            before_silence: None,
            told: Ts::NEVER,
        }
    }

    /// What a verb works on, for the title of its question.
    fn words(&self, targets: &Targets) -> String {
        match targets {
            Targets::Rows(_, rows) => match (rows.as_slice(), self.split.list.current()) {
                ([id], Some(row)) if *id == row.id => text::clean(&row.canonical).into_owned(),
                (rows, _) => format!("{} alarms", rows.len()),
            },
            Targets::Filter { .. } => {
                format!("{} alarms", super::list::commands::total_words(self.split.list.marked()))
            }
            Targets::Names(..) | Targets::None => String::new(),
        }
    }

    /// The live feed: everything, the newest change first, the screen following it.
    fn feed(&mut self, cx: &Ctx) -> Vec<Effect> {
        if let Some(before) = self.before_feed.take() {
            self.split.list.follow = false;
            self.split.list.restore(&before);
            return self.split.list.reset(Landing::First, cx);
        }
        let mut before = self.split.list.session();
        let mut feed = before.clone();
        if let Some(fields) = before.as_object_mut() {
            fields.remove("row");
        }
        self.before_feed = Some(Box::new(before));
        if let Some(fields) = feed.as_object_mut() {
            fields.remove("row");
            fields.insert("scope".into(), json!(super::list::commands::scope_word(Scope::All)));
            if let Some(columns) = fields.get_mut("columns").and_then(|c| c.as_array_mut()) {
                columns.retain(|c| c != "last_changed");
                columns.insert(0, json!("last_changed"));
            }
        }
        self.split.list.restore(&feed);
        self.split.list.follow = true;
        self.split.list.reorder(vec![Sort { field: "last_changed", desc: true }], Landing::First, cx)
    }

    /// Shows the silences in the place of the alarms, or the alarms again.
    fn show_silences(&mut self, shown: bool, cx: &Ctx) -> Vec<Effect> {
        self.split.list.resting = shown;
        if shown {
            return self.silences.show(cx);
        }
        self.silences.open = false;
        self.split.shown(super::detail::pane_rows(cx.size), cx)
    }

    /// Shows the alarms that the silence under the cursor holds back.
    fn of_silence(&mut self, cx: &Ctx) -> Vec<Effect> {
        let Some((filter, words)) = self.silences.filter() else { return Vec::new() };
        let list = self.before_feed.take().unwrap_or_else(|| Box::new(self.split.list.session()));
        let mut shown = (*list).clone();
        if let Some(fields) = shown.as_object_mut() {
            fields.remove("row");
            fields.insert("filter".into(), json!(filter));
            fields.insert("scope".into(), json!(super::list::commands::scope_word(Scope::Hidden)));
        }
        self.before_silence = Some(BeforeSilence { list, below: self.split.list.below.take(), words });
        self.split.list.follow = false;
        self.split.list.restore(&shown);
        let mut effects = self.show_silences(false, cx);
        effects.extend(self.split.list.reset(Landing::First, cx));
        effects
    }

    /// From the alarms of a silence back to it, the list as it was before; nothing elsewhere.
    fn back_to_silence(&mut self, cx: &Ctx) -> Vec<Effect> {
        // It rests before it is another list: what it would ask for is not asked now.
        self.split.list.resting = true;
        if let Some(landing) = self.unfilter_silence() {
            self.split.list.reset(landing, cx);
        }
        self.show_silences(true, cx)
    }

    /// Makes the list what it was before it showed the alarms of a silence, and tells where it stood;
    /// nothing where it shows others.
    fn unfilter_silence(&mut self) -> Option<Landing> {
        let before = self.before_silence.take()?;
        self.split.list.restore(&before.list);
        self.split.list.below = before.below;
        let row = before.list.get("row").and_then(serde_json::Value::as_i64);
        Some(row.map_or(Landing::First, |row| Landing::Row(RowId(row))))
    }

    /// Commands about silences; `None` when it is none of these.
    fn about_silences(&mut self, id: &'static str, args: &Args, cx: &Ctx) -> Option<Vec<Effect>> {
        let unmarked = self.split.list.marks.is_empty() && !self.split.detail.focus;
        Some(match id {
            "list.escape" if self.before_silence.is_some() && unmarked && !self.silences.open => {
                self.back_to_silence(cx)
            }
            "silence.change" if args.contains_key("id") => {
                super::verbs::intent("silence.change", Targets::None, args.clone(), cx)
            }
            "silence.list" | "silence.change" => self.back_to_silence(cx),
            _ if !self.silences.open && silences::commands::SILENCES.iter().any(|c| c.id == id) => {
                self.back_to_silence(cx)
            }
            _ if !self.silences.open => return None,
            "silence.alarms" => self.of_silence(cx),
            _ => {
                let effects = self.silences.command(id, args, cx);
                if !self.silences.open {
                    return Some(self.show_silences(false, cx));
                }
                // The alarms under the list are not what a verb means now.
                let other = id.starts_with("alarm.") || id.starts_with("silence.");
                effects.or_else(|| other.then(|| vec![toast_silences()]))?
            }
        })
    }

    /// Asks for the detail of the row under the cursor, when it is shown and not known as it is.
    fn follow_cursor(&mut self, cx: &Ctx) -> Vec<Effect> {
        let Some(row) = self.split.watched(PaneId::Alarms, cx) else { return Vec::new() };
        self.fetched.ask(row, DataRequest::Alarm(row.id), cx)
    }
}

impl Pane for AlarmsPane {
    fn id(&self) -> PaneId {
        PaneId::Alarms
    }

    fn update(&mut self, msg: &Msg, cx: &Ctx) -> Vec<Effect> {
        let mut effects = self.split.list.update(msg, cx);
        effects.extend(self.silences.update(msg, cx));
        if let Msg::Data(id, data) = msg
            && self.fetched.answers(*id)
            && let Data::Alarm(Some(detail)) = data
        {
            // An alarm that is gone leaves what was known; the list has moved on already.
            self.fetched.keep((**detail).clone());
        }
        if let Msg::Live(id, answer) = msg
            && self.live_asked == Some(*id)
        {
            self.live_asked = None;
            if let Some((_, live)) = &mut self.live {
                live.heard(answer, cx.now);
            }
        }
        if let Msg::Done(_, outcome) = msg
            && (outcome.command.starts_with("alarm.") || outcome.command.starts_with("silence."))
            && outcome.done > 0
        {
            effects.extend(self.split.list.unmark());
        }
        if matches!(msg, Msg::Data(..)) {
            effects.extend(self.follow_cursor(cx));
        }
        effects
    }

    fn shown(&mut self, rows: u16, cx: &Ctx) -> Vec<Effect> {
        if self.silences.open {
            return self.silences.show(cx);
        }
        let mut effects = self.split.shown(rows, cx);
        effects.extend(self.follow_cursor(cx));
        effects
    }

    fn command(&mut self, id: &'static str, args: &Args, cx: &Ctx) -> Vec<Effect> {
        if let Some(effects) = self.about_silences(id, args, cx) {
            return effects;
        }
        let mut effects = match self.verb(id, args, cx) {
            Some(effects) => effects,
            None => self.split.command(id, args, cx).unwrap_or_default(),
        };
        effects.extend(self.follow_cursor(cx));
        effects
    }

    fn goto(&mut self, to: &Location, cx: &Ctx) -> Vec<Effect> {
        if self.silences.open {
            self.show_silences(false, cx);
        }
        self.unfilter_silence();
        if let Some(filter) = &to.filter {
            self.split.list.set_filter(filter);
        }
        self.split.list.below.clone_from(&to.below);
        self.split.list.reset(to.row.map_or(Landing::First, Landing::Row), cx)
    }

    fn mouse(&mut self, at: (u16, u16), lines: i16, double: bool, cx: &Ctx) -> Vec<Effect> {
        if self.silences.open {
            return self.silences.mouse(at, lines, double, cx);
        }
        let mut effects = self.split.mouse(at, lines, double, cx);
        effects.extend(self.follow_cursor(cx));
        effects
    }

    fn situation(&self, _: &Ctx) -> Situation {
        if self.silences.open {
            return self.silences.situation();
        }
        let row = self.split.list.current();
        Situation {
            node_kind: row.map(|r| r.resource.kind.word()),
            acked: row.is_some_and(|r| r.op_state == OpState::Ack),
            shelved: row.is_some_and(|r| r.visibility == Visibility::Shelved),
            closed: row.is_some_and(|r| r.op_state == OpState::Closed),
            cleared: row.is_some_and(|r| r.cleared),
            ..self.split.situation()
        }
    }

    fn contexts(&self) -> Vec<Context> {
        if self.silences.open { self.silences.contexts() } else { self.split.contexts(Context::Alarms) }
    }

    fn view(&self, frame: &mut Frame<'_>, area: Rect, cx: &ViewCtx<'_>) {
        if self.silences.open {
            return self.silences.draw(frame.buffer_mut(), area, cx);
        }
        self.draw(frame.buffer_mut(), area, cx);
    }

    fn crumbs(&self) -> Vec<String> {
        if self.silences.open {
            return self.silences.crumbs();
        }
        let mut crumbs = self.split.list.crumbs();
        if let Some(before) = &self.before_silence {
            return vec![before.words.clone()];
        }
        if self.before_feed.is_some() {
            crumbs.insert(0, "live feed".into());
        }
        crumbs
    }

    fn commands(&self) -> &'static [CommandSpec] {
        commands::ALARMS
    }

    fn linear(&mut self, msg: &Msg, cx: &Ctx) -> Vec<String> {
        let Msg::Data(_, Data::Page(_)) = msg else { return Vec::new() };
        let mut news: Vec<&AlarmRow> = self.split.list.rows().iter().filter(|r| r.last_changed > self.told).collect();
        order::by_key(&mut news, |r| r.last_changed);
        let lines = news.iter().map(|row| linear_line(row, cx)).collect();
        self.told = news.last().map_or(self.told, |r| r.last_changed);
        lines
    }

    fn session(&self) -> serde_json::Value {
        let mut state = self.split.session();
        if let (Some(before), Some(fields)) = (&self.before_silence, state.as_object_mut()) {
            fields.insert("list".into(), (*before.list).clone());
        }
        if let (Some(before), Some(fields)) = (self.before_feed.as_deref(), state.as_object_mut()) {
            fields.insert("list".into(), before.clone());
        }
        state
    }

    fn restore(&mut self, state: &serde_json::Value) {
        self.split.restore(state);
    }
}

fn toast_silences() -> Effect {
    super::list::commands::toast(
        Level::Info,
        "silences are shown: o shows the alarms of one, esc goes back to all alarms",
    )
}

/// `14:02:11 CRITICAL onu/BBSM00000001 ONU loss of signal raised`
fn linear_line(row: &AlarmRow, cx: &Ctx) -> String {
    let what = if row.cleared { "cleared" } else { "raised" };
    let state = row.shown().word();
    let name = text::clean(&row.canonical);
    let title = text::clean(columns::title(row, cx)).into_owned();
    format!(
        "{} {} {name} {title} {what} {state}",
        instant(row.last_changed, cx.now, cx.utc_offset_s),
        row.severity.word().to_uppercase(),
    )
}
