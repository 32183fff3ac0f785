//! The PON pane: site, OLT, PON port, ONU, UNI as a tree; under a filter as a flat list.
//!
//! The tree is flattened by the cache: the pane sends which nodes are unfolded and gets the rows
//! of its window, so a million ONUs cost what a screen costs.

mod columns;
pub(crate) mod commands;
mod fold;
mod view;

use ratatui::Frame;
use ratatui::layout::Rect;
use serde_json::json;

use crate::app::ctx::{Ctx, ViewCtx};
use crate::app::effect::{Effect, Level, Location};
use crate::app::message::Msg;
use crate::app::pane::{Pane, PaneId};
use crate::commands::spec::{CommandSpec, Context, Situation};
use crate::model::command::{Args, LiveRequest, Targets};
use crate::model::ids::RowId;
use crate::model::page::{Data, DataRequest, NodeDetail, RequestId};
use crate::model::resource::NodeKind;
use crate::model::topology::NodeRow;

use super::detail::Fetched;
use super::list::Landing;
use super::list::commands::toast;
use super::split::Split;
use super::verbs::{Held, choose, given, intent};
use fold::Folds;
use view::Live;

/// The pane.
pub struct PonPane {
    split: Split<NodeRow>,
    folds: Folds,
    fetched: Fetched<NodeRow, NodeDetail>,
    /// What a controller said about a node.
    live: Option<(RowId, Live)>,
    live_asked: Option<RequestId>,
    /// The node asked for is to be shown in the tree.
    reveal: Option<RequestId>,
    /// Targets of the question that is open.
    held: Held,
}

impl Default for PonPane {
    fn default() -> Self {
        Self::new()
    }
}

impl PonPane {
    /// The pane with nothing in it.
    #[must_use]
    pub fn new() -> Self {
        let folds = Folds::default();
        let mut split = Split::new(PaneId::Pon, columns::COLUMNS);
        split.list.tree = Some(folds.unfolded());
        Self {
            split,
            folds,
            fetched: Fetched::default(),
            live: None,
            live_asked: None,
            reveal: None,
            held: Held::default(),
        }
    }

    fn current(&self) -> Option<&NodeRow> {
        self.split.list.current()
    }

    /// Runs one of the pane's own commands; `None` when it is none.
    fn own(&mut self, id: &'static str, args: &Args, cx: &Ctx) -> Option<Vec<Effect>> {
        Some(match id {
            "pon.unfold" => self.unfold(cx),
            "pon.fold" => self.fold(cx),
            "pon.parent" => self.parent(cx),
            "pon.unfold-level" => {
                self.folds.deeper();
                self.refold(cx)
            }
            "pon.fold-all" => {
                self.folds = Folds::closed();
                self.refold(cx)
            }
            "pon.alarms" => self.alarms(),
            "pon.cpe" => match self.current() {
                Some(row) => super::cpe::behind(&row.serial),
                None => Vec::new(),
            },
            "pon.live" => self.read(None, cx),
            "pon.value" => self.value(args, cx),
            "pon.pm-config" => self.pm_config(args, cx),
            // In the tree "all" would be the whole network, also what is folded away.
            "list.mark-all" if self.split.list.is_tree() => {
                vec![toast(Level::Info, "set a filter first: in the tree, all would be the whole network")]
            }
            _ if commands::PON.iter().any(|c| c.id == id) => intent(id, self.split.list.targets(), args.clone(), cx),
            _ => return None,
        })
    }

    /// Asks for what is not said: which measurements, and how often.
    fn pm_config(&mut self, args: &Args, cx: &Ctx) -> Vec<Effect> {
        let (targets, mut args) = self.held.take(self.split.list.targets(), args);
        let command = "pon.pm-config";
        if given(&args, "set") {
            return intent(command, targets, args, cx);
        }
        if !args.contains_key("group") {
            // An OLT has one period and no groups to switch. Of several rows that is not known here.
            let alone = |row: &NodeRow| matches!(&targets, Targets::Rows(_, ids) if *ids == [row.id]);
            if !self.current().is_some_and(|row| row.kind() == NodeKind::Olt && alone(row)) {
                let args = self.held.hold(targets, &args);
                return choose("Which measurements?".into(), commands::PM_GROUPS, command, "group", args);
            }
            args.insert("group".to_owned(), String::new());
        }
        let settings = commands::pm_settings(args.get("group").map_or("", |group| group.trim()));
        choose("How often?".into(), &settings, command, "set", self.held.hold(targets, &args))
    }

    fn refold(&mut self, cx: &Ctx) -> Vec<Effect> {
        self.split.list.tree = Some(self.folds.unfolded());
        self.split.list.ask(true, cx)
    }

    fn unfold(&mut self, cx: &Ctx) -> Vec<Effect> {
        if !self.split.list.is_tree() {
            return self.show_in_tree(cx);
        }
        match self.current().map(|row| (row.id, row.depth, row.is_branch(), row.expanded)) {
            Some((id, depth, true, false)) => {
                self.folds.set(id, depth, true);
                self.refold(cx)
            }
            Some((_, _, true, true)) => self.split.list.step(1, false, cx),
            _ => Vec::new(),
        }
    }

    fn fold(&mut self, cx: &Ctx) -> Vec<Effect> {
        if !self.split.list.is_tree() {
            return self.parent(cx);
        }
        match self.current().map(|row| (row.id, row.depth, row.is_branch() && row.expanded)) {
            Some((id, depth, true)) => {
                self.folds.set(id, depth, false);
                self.refold(cx)
            }
            _ => self.parent(cx),
        }
    }

    fn parent(&mut self, cx: &Ctx) -> Vec<Effect> {
        let Some(parent) = self.current().and_then(|row| row.parent) else { return Vec::new() };
        if self.split.list.window.put_id(parent) {
            return Vec::new();
        }
        self.split.list.window.land(Landing::Row(parent));
        self.split.list.ask(true, cx)
    }

    /// From the flat list to the same row in the tree.
    fn show_in_tree(&mut self, cx: &Ctx) -> Vec<Effect> {
        let Some(id) = self.split.list.window.cursor_id() else { return Vec::new() };
        self.find(DataRequest::Node(id), cx)
    }

    fn find(&mut self, request: DataRequest, cx: &Ctx) -> Vec<Effect> {
        let id = cx.request_id();
        self.reveal = Some(id);
        vec![Effect::Query(id, request)]
    }

    /// Unfolds the way to a node and puts the cursor on it.
    fn revealed(&mut self, detail: &NodeDetail, cx: &Ctx) -> Vec<Effect> {
        for node in &detail.ancestors {
            self.folds.set(node.id, node.depth, true);
        }
        self.split.list.set_filter("");
        self.split.list.below = None;
        self.split.list.tree = Some(self.folds.unfolded());
        self.split.list.reset(Landing::Row(detail.row.id), cx)
    }

    fn alarms(&self) -> Vec<Effect> {
        let Some(row) = self.current() else { return Vec::new() };
        vec![Effect::Goto(Location {
            pane: PaneId::Alarms,
            row: None,
            canonical: None,
            filter: Some(String::new()),
            below: Some((row.id, row.canonical.clone())),
        })]
    }

    fn value(&mut self, args: &Args, cx: &Ctx) -> Vec<Effect> {
        if let Some(value) = args.get("value") {
            return self.read(Some(value.clone()), cx);
        }
        let Some(row) = self.current() else { return Vec::new() };
        let values = commands::values(row.kind().word());
        if values.is_empty() {
            return vec![toast(Level::Info, "nothing can be read of this device on demand")];
        }
        choose("Read which value?".into(), values, "pon.value", "value", Args::new())
    }

    /// Asks the controller: for everything, or for one value.
    fn read(&mut self, value: Option<String>, cx: &Ctx) -> Vec<Effect> {
        let Some((id, node)) = self.current().map(|row| (row.id, row.canonical.clone())) else { return Vec::new() };
        if self.live.as_ref().is_none_or(|(of, _)| *of != id) {
            self.live = Some((id, Live::default()));
        }
        if let Some((_, live)) = &mut self.live {
            live.asking = true;
            live.failed = None;
        }
        self.split.detail.focus = true;
        self.split.detail.scroll = 0;
        let request = cx.request_id();
        self.live_asked = Some(request);
        let what = match value {
            Some(value) => LiveRequest::Value { node, value },
            None => LiveRequest::Detail(node),
        };
        let mut effects = vec![Effect::Live(request, what)];
        effects.extend(self.split.shown(super::detail::pane_rows(cx.size), cx));
        effects
    }

    fn heard(&mut self, answer: &Result<Vec<crate::model::command::LiveSection>, String>, cx: &Ctx) {
        self.live_asked = None;
        let Some((_, live)) = &mut self.live else { return };
        live.asking = false;
        match answer {
            Ok(sections) => {
                live.at = cx.now;
                // A section read again takes the place of the one before.
                live.sections.retain(|old| !sections.iter().any(|new| new.title == old.title));
                live.sections.splice(0..0, sections.iter().cloned());
            }
            Err(why) => live.failed = Some(why.clone()),
        }
    }

    fn follow_cursor(&mut self, cx: &Ctx) -> Vec<Effect> {
        let Some(row) = self.split.watched(PaneId::Pon, cx) else { return Vec::new() };
        self.fetched.ask(row, DataRequest::Node(row.id), cx)
    }
}

impl Pane for PonPane {
    fn id(&self) -> PaneId {
        PaneId::Pon
    }

    fn update(&mut self, msg: &Msg, cx: &Ctx) -> Vec<Effect> {
        let mut effects = self.split.list.update(msg, cx);
        if let Msg::Data(id, data) = msg
            && self.fetched.answers(*id)
            && let Data::Node(Some(detail)) = data
        {
            self.fetched.keep((**detail).clone());
        }
        match msg {
            Msg::Data(id, Data::Node(detail)) if self.reveal == Some(*id) => {
                self.reveal = None;
                match detail {
                    Some(detail) => effects.extend(self.revealed(detail, cx)),
                    None => effects.push(toast(Level::Info, "the tree does not know this object (yet)")),
                }
            }
            Msg::Data(id, Data::Failed(why)) if self.reveal == Some(*id) => {
                self.reveal = None;
                effects.push(toast(Level::Warn, format!("the cache could not answer: {why}")));
            }
            Msg::Live(id, answer) if self.live_asked == Some(*id) => self.heard(answer, cx),
            Msg::Done(_, outcome) if outcome.command.starts_with("pon.") && outcome.done > 0 => {
                effects.extend(self.split.list.unmark());
            }
            _ => {}
        }
        if matches!(msg, Msg::Data(..)) {
            effects.extend(self.follow_cursor(cx));
        }
        effects
    }

    fn shown(&mut self, rows: u16, cx: &Ctx) -> Vec<Effect> {
        let mut effects = self.split.shown(rows, cx);
        effects.extend(self.follow_cursor(cx));
        effects
    }

    fn command(&mut self, id: &'static str, args: &Args, cx: &Ctx) -> Vec<Effect> {
        let mut effects = match self.own(id, args, cx) {
            Some(effects) => effects,
            None => self.split.command(id, args, cx).unwrap_or_default(),
        };
        effects.extend(self.follow_cursor(cx));
        effects
    }

    fn goto(&mut self, to: &Location, cx: &Ctx) -> Vec<Effect> {
        if let Some(filter) = &to.filter {
            self.split.list.set_filter(filter);
            self.split.list.below.clone_from(&to.below);
            return self.split.list.reset(Landing::First, cx);
        }
        match (to.row, &to.canonical) {
            (Some(row), _) => self.find(DataRequest::Node(row), cx),
            (None, Some(canonical)) => self.find(DataRequest::FindNode(canonical.clone()), cx),
            (None, None) => Vec::new(),
        }
    }

    fn mouse(&mut self, at: (u16, u16), lines: i16, double: bool, cx: &Ctx) -> Vec<Effect> {
        let mut effects = self.split.mouse(at, lines, double, cx);
        // A click on the folding sign of the row folds it.
        let sign = self.current().map(|row| crate::ui::table::GUTTER + crate::ui::tree::sign_column(row.depth));
        if lines == 0 && !double && self.split.list.is_tree() && sign == Some(at.0) && at.1 >= super::list::view::HEAD {
            let unfolded = self.current().is_some_and(|row| row.expanded);
            effects.extend(if unfolded { self.fold(cx) } else { self.unfold(cx) });
        }
        effects.extend(self.follow_cursor(cx));
        effects
    }

    fn situation(&self, _: &Ctx) -> Situation {
        let row = self.current();
        Situation {
            node_kind: row.map(|r| r.kind().word()),
            admin_state: row.map(|r| r.admin_state.word().into_owned()),
            ..self.split.situation()
        }
    }

    fn contexts(&self) -> Vec<Context> {
        self.split.contexts(Context::Pon)
    }

    fn view(&self, frame: &mut Frame<'_>, area: Rect, cx: &ViewCtx<'_>) {
        let empty = view::empty(self.split.list.filtered(), cx.ctx);
        self.split.draw(frame.buffer_mut(), area, cx, &empty, |row| {
            let detail = self.fetched.get().filter(|d| d.row.id == row.id);
            let live = self.live.as_ref().filter(|(of, _)| *of == row.id).map(|(_, live)| live);
            (view::title(row), view::blocks(row, detail, live, cx))
        });
    }

    fn crumbs(&self) -> Vec<String> {
        self.split.list.crumbs()
    }

    fn commands(&self) -> &'static [CommandSpec] {
        commands::PON
    }

    fn linear(&mut self, msg: &Msg, _: &Ctx) -> Vec<String> {
        match msg {
            Msg::Rebuilt { source, added, removed } => {
                vec![format!("{source}: list of devices rebuilt, {added} new, {removed} gone")]
            }
            _ => Vec::new(),
        }
    }

    fn session(&self) -> serde_json::Value {
        let mut state = self.split.session();
        if let Some(fields) = state.as_object_mut() {
            fields.insert("folds".into(), json!(self.folds.session()));
        }
        state
    }

    fn restore(&mut self, state: &serde_json::Value) {
        if let Some(folds) = state.get("folds").and_then(|f| serde_json::from_value(f.clone()).ok()) {
            self.folds = Folds::restored(folds);
            self.split.list.tree = Some(self.folds.unfolded());
        }
        self.split.restore(state);
    }
}
