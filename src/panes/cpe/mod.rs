//! The CPE pane: the fleet as a list, a device with its parameters, faults, tasks and history,
//! staged edits, and the ways to its ONU and that one's alarms.

mod columns;
pub(crate) mod commands;
pub(crate) mod faults;
pub(crate) mod jobs;
pub(crate) mod objects;
pub(crate) mod params;
mod view;

use ratatui::Frame;
use ratatui::layout::Rect;

use crate::app::ctx::{Ctx, ViewCtx};
use crate::app::effect::{Effect, Level, Location};
use crate::app::message::Msg;
use crate::app::pane::{Pane, PaneId};
use crate::commands::spec::{CommandSpec, Context, Situation};
use crate::model::command::{Args, Targets};
use crate::model::cpe::{CpeDetail, CpeRow, FleetStats};
use crate::model::page::{Data, DataRequest, RequestId};

use super::detail::Fetched;
use super::list::Landing;
use super::list::commands::toast;
use super::split::Split;
use super::verbs::{Held, ask, given, intent};
use faults::Faults;
use jobs::{Jobs, Kind};
use objects::Objects;
use params::{Params, new_value};

/// The pane.
pub struct CpePane {
    split: Split<CpeRow>,
    fetched: Fetched<CpeRow, CpeDetail>,
    params: Params,
    held: Held,
    fleet: Option<FleetStats>,
    fleet_asked: Option<RequestId>,
    bars: bool,
    objects: Objects,
    faults: Faults,
    jobs: Jobs,
}

/// What the pane shows.
#[derive(Clone, Copy)]
enum Front {
    Fleet,
    Jobs,
    Objects,
    Faults,
    Params,
}

/// The way to the CPE with the serial number of an ONU, however that is written.
pub(super) fn behind(serial: &str) -> Vec<Effect> {
    if serial.is_empty() {
        return vec![toast(Level::Info, "it has no serial number")];
    }
    let (letters, hex) = crate::model::cpe::serial_forms(serial);
    let quoted = |s: &str| s.replace(['"', '\\'], "");
    let filter = if letters == hex {
        format!("serial=\"{}\"", quoted(&letters))
    } else {
        format!("serial=\"{}\" or serial=\"{}\"", quoted(&letters), quoted(&hex))
    };
    vec![Effect::Goto(Location { pane: PaneId::Cpe, row: None, canonical: None, filter: Some(filter), below: None })]
}

impl Default for CpePane {
    fn default() -> Self {
        Self::new()
    }
}

impl CpePane {
    /// The pane with nothing in it.
    #[must_use]
    pub fn new() -> Self {
        Self {
            split: Split::new(PaneId::Cpe, columns::COLUMNS),
            fetched: Fetched::default(),
            params: Params::default(),
            held: Held::default(),
            fleet: None,
            fleet_asked: None,
            bars: false,
            objects: Objects::default(),
            jobs: Jobs::default(),
            faults: Faults::default(),
        }
    }

    fn current(&self) -> Option<&CpeRow> {
        self.split.list.current()
    }

    /// Runs one of the pane's own commands; `None` when it is none.
    fn own(&mut self, id: &'static str, args: &Args, cx: &Ctx) -> Option<Vec<Effect>> {
        Some(match id {
            "cpe.params" => self.read(cx),
            "cpe.fleet" if self.current().is_none() => {
                vec![toast(Level::Info, "there is no CPE in this list to be counted")]
            }
            "cpe.fleet" => {
                self.bars = !self.bars;
                self.split.detail.open = Some(true);
                self.split.detail.scroll = 0;
                let mut effects = self.count(cx);
                effects.extend(self.split.shown(super::detail::pane_rows(cx.size), cx));
                effects
            }
            "cpe.jobs" | "job.fleet" => self.show_jobs(!self.jobs.shown, cx),
            "cpe.job.create" | "cpe.job.try" => self.make(id, args, cx),
            "cpe.job.firmware" => self.jobs.making.begin(Kind::Firmware, &self.split.list, cx),
            "cpe.job.edit" => self.jobs.making.edit(args),
            "cpe.job.drop" => self.jobs.making.forget(),
            "job.new" => self.new_job(args, cx),
            "cpe.onu" => self.onu(PaneId::Pon),
            "cpe.leave" => Vec::new(),
            "cpe.alarms" => self.onu(PaneId::Alarms),
            _ if commands::CPE.iter().any(|c| c.id == id) => self.verb(id, args, cx),
            _ => return None,
        })
    }

    /// What is shown.
    const fn front(&self) -> Front {
        match (self.objects.open, self.faults.open, self.params.open, self.jobs.shown) {
            (true, ..) => Front::Objects,
            (_, true, ..) => Front::Faults,
            (_, _, true, _) => Front::Params,
            (.., true) => Front::Jobs,
            _ => Front::Fleet,
        }
    }

    /// Shows the jobs in the place of the fleet, or the fleet again.
    fn show_jobs(&mut self, shown: bool, cx: &Ctx) -> Vec<Effect> {
        self.objects.open = false;
        self.params.open = false;
        self.faults.open = false;
        let mut effects = self.jobs.show(shown, cx);
        self.split.list.resting = shown;
        if !shown {
            effects.extend(self.split.shown(super::detail::pane_rows(cx.size), cx));
        }
        effects
    }

    fn make(&mut self, id: &'static str, args: &Args, cx: &Ctx) -> Vec<Effect> {
        match args.get("request") {
            Some(text) => self.jobs.making.send(id, text, args, cx),
            None if given(args, "file") => intent(id, Targets::None, args.clone(), cx),
            None => self.jobs.making.begin(Kind::Settings, &self.split.list, cx),
        }
    }

    fn new_job(&mut self, args: &Args, cx: &Ctx) -> Vec<Effect> {
        match args.get("kind").map(String::as_str) {
            Some("settings") => self.jobs.making.begin(Kind::Settings, &self.split.list, cx),
            Some("firmware") => self.jobs.making.begin(Kind::Firmware, &self.split.list, cx),
            Some("file") => ask("Request in the file".to_owned(), "cpe.job.create", "file", Args::new()),
            _ => super::verbs::choose(
                "A new job".to_owned(),
                &[
                    ("settings", "values of parameters, for the devices of the fleet's list or the marked ones"),
                    ("firmware", "firmware for them, in waves, now or at a time"),
                    ("file", "a request in a file, TOML or JSON"),
                ],
                "job.new",
                "kind",
                Args::new(),
            ),
        }
    }

    /// Asks for what a verb lacks, else wishes it.
    fn verb(&mut self, id: &'static str, args: &Args, cx: &Ctx) -> Vec<Effect> {
        let (targets, mut args) = self.held.take(self.split.list.targets(), args);
        if id == "cpe.set" {
            if let (Some(path), Some(value)) = (args.remove("path"), args.remove("value")) {
                args.insert("values".to_owned(), format!("{path}={value}"));
            }
            if !given(&args, "values")
                && let Some((row, staged)) = self.params.to_send()
            {
                // Staged edits are for their device, whatever is marked.
                args.insert("values".to_owned(), staged);
                return intent(id, Targets::Rows(crate::model::page::Table::Cpes, vec![row]), args, cx);
            }
            // A path alone: its value is asked for, unseen where it is a secret.
            let alone = args.get("values").map(|v| v.trim().to_owned());
            if let Some(path) = alone.filter(|v| v.contains('.') && !v.contains(['=', '\n', ' '])) {
                args.remove("values");
                let args = self.held.hold(targets, &args);
                return new_value(id, &path, String::new(), args);
            }
        }
        if id == "cpe.get"
            && !given(&args, "names")
            && let Some(path) = self.params.path()
        {
            args.insert("names".to_owned(), path);
        }
        match commands::needed(id) {
            Some((arg, title)) if !given(&args, arg) => {
                let args = self.held.hold(targets, &args);
                ask(title.to_owned(), id, arg, args)
            }
            _ => intent(id, targets, args, cx),
        }
    }

    fn onu(&self, pane: PaneId) -> Vec<Effect> {
        let Some(row) = self.current() else { return Vec::new() };
        if row.onu.is_empty() {
            return vec![toast(Level::Info, "no ONU has its serial number")];
        }
        let (canonical, filter) = match pane {
            PaneId::Alarms => (None, Some(format!("resource=\"{}\"", row.onu))),
            _ => (Some(row.onu.clone()), None),
        };
        vec![Effect::Goto(Location { pane, row: None, canonical, filter, below: None })]
    }

    /// Asks the server about the device; what it says is read in the detail view.
    fn read(&mut self, cx: &Ctx) -> Vec<Effect> {
        let Some(row) = self.split.list.current() else { return Vec::new() };
        self.split.detail.focus = true;
        self.split.detail.scroll = 0;
        let mut effects = self.params.read(row, cx);
        effects.extend(self.split.shown(super::detail::pane_rows(cx.size), cx));
        effects
    }

    /// Asks for the fleet in numbers, one question at a time, while the bars are shown.
    fn count(&mut self, cx: &Ctx) -> Vec<Effect> {
        if !self.bars || self.fleet_asked.is_some() || cx.active != PaneId::Cpe {
            return Vec::new();
        }
        let id = cx.request_id();
        self.fleet_asked = Some(id);
        vec![Effect::Query(id, DataRequest::Fleet(self.split.list.page_request(cx.now)))]
    }

    fn follow_cursor(&mut self, cx: &Ctx) -> Vec<Effect> {
        let Some(row) = self.split.watched(PaneId::Cpe, cx).filter(|_| !self.jobs.shown) else { return Vec::new() };
        self.fetched.ask(row, DataRequest::Cpe(row.id), cx)
    }
}

impl Pane for CpePane {
    fn id(&self) -> PaneId {
        PaneId::Cpe
    }

    fn update(&mut self, msg: &Msg, cx: &Ctx) -> Vec<Effect> {
        let mut effects = self.split.list.update(msg, cx);
        effects.extend(self.objects.update(msg, cx));
        effects.extend(self.jobs.update(msg, cx));
        effects.extend(self.params.update(msg, cx));
        effects.extend(self.faults.update(msg, cx));
        match msg {
            Msg::Data(id, data) if self.fleet_asked == Some(*id) => {
                self.fleet_asked = None;
                if let Data::Fleet(stats) = data {
                    self.fleet = Some((**stats).clone());
                }
            }
            Msg::Data(id, data) => {
                if self.fetched.answers(*id)
                    && let Data::Cpe(Some(detail)) = data
                {
                    self.fetched.keep((**detail).clone());
                }
                effects.extend(self.follow_cursor(cx));
            }
            Msg::Changed(_) => effects.extend(self.count(cx)),
            Msg::Done(_, outcome)
                if outcome.command.starts_with("cpe.") && !objects::is_change(&outcome.command) && outcome.done > 0 =>
            {
                if outcome.command == "cpe.set" {
                    self.params.sent();
                }
                effects.extend(self.split.list.unmark());
            }
            _ => {}
        }
        effects
    }

    fn shown(&mut self, rows: u16, cx: &Ctx) -> Vec<Effect> {
        if self.jobs.shown {
            return self.jobs.on_screen(rows, cx);
        }
        let mut effects = self.split.shown(rows, cx);
        if self.faults.open {
            effects.extend(self.faults.split.shown(rows, cx));
        }
        effects.extend(self.follow_cursor(cx));
        effects.extend(self.count(cx));
        effects
    }

    fn command(&mut self, id: &'static str, args: &Args, cx: &Ctx) -> Vec<Effect> {
        if let Some(effects) = self.objects.command(id, args, cx) {
            return effects;
        }
        if let Some(effects) = self.faults.command(id, args, cx) {
            return effects;
        }
        if let Some(effects) = self.params.command(id, args, self.split.list.current(), cx) {
            return effects;
        }
        let mut effects = match self.own(id, args, cx) {
            Some(effects) => effects,
            None if self.jobs.shown => self.jobs.command(id, args, cx).unwrap_or_default(),
            None => self.split.command(id, args, cx).unwrap_or_default(),
        };
        effects.extend(self.follow_cursor(cx));
        effects
    }

    fn goto(&mut self, to: &Location, cx: &Ctx) -> Vec<Effect> {
        self.objects.open = false;
        self.params.open = false;
        self.faults.open = false;
        let mut effects = if self.jobs.shown { self.show_jobs(false, cx) } else { Vec::new() };
        if let Some(filter) = &to.filter {
            self.split.list.set_filter(filter);
        }
        effects.extend(self.split.list.reset(to.row.map_or(Landing::First, Landing::Row), cx));
        effects
    }

    fn mouse(&mut self, at: (u16, u16), lines: i16, double: bool, cx: &Ctx) -> Vec<Effect> {
        if self.objects.open {
            return self.objects.mouse(at, lines, double, cx);
        }
        if self.faults.open {
            return self.faults.split.mouse(at, lines, double, cx);
        }
        if self.params.open {
            self.params.mouse(at, lines);
            return Vec::new();
        }
        if self.jobs.shown {
            return self.jobs.mouse(at, lines, double, cx);
        }
        let mut effects = self.split.mouse(at, lines, double, cx);
        effects.extend(self.follow_cursor(cx));
        effects
    }

    fn situation(&self, _: &Ctx) -> Situation {
        match self.front() {
            Front::Objects => self.objects.situation(),
            Front::Faults => self.faults.situation(),
            Front::Params => self.params.situation(),
            Front::Jobs => self.jobs.situation(),
            Front::Fleet => self.split.situation(),
        }
    }

    fn contexts(&self) -> Vec<Context> {
        match self.front() {
            Front::Objects => self.objects.contexts(),
            Front::Faults => self.faults.contexts(),
            Front::Params => Params::contexts(),
            Front::Jobs => self.jobs.contexts(),
            Front::Fleet => self.split.contexts(Context::Cpe),
        }
    }

    fn view(&self, frame: &mut Frame<'_>, area: Rect, cx: &ViewCtx<'_>) {
        if self.objects.open {
            return self.objects.draw(frame.buffer_mut(), area, cx);
        }
        if self.faults.open {
            return self.faults.draw(frame.buffer_mut(), area, cx);
        }
        if self.params.open {
            return self.params.draw(frame.buffer_mut(), area, self.current(), cx);
        }
        if self.jobs.shown {
            return self.jobs.draw(frame.buffer_mut(), area, cx);
        }
        let empty = view::empty(self.split.list.filtered());
        self.split.draw(frame.buffer_mut(), area, cx, &empty, |row| {
            let detail = self.fetched.get().filter(|d| d.row.id == row.id);
            let live = self.params.live(row.id);
            let staged = self.params.staged(row.id);
            let mut blocks = match self.fleet.as_ref().filter(|_| self.bars) {
                Some(stats) => view::fleet(stats, cx),
                None => Vec::new(),
            };
            blocks.extend(view::blocks(row, detail, live, staged, cx));
            (row.label(), blocks)
        });
    }

    fn crumbs(&self) -> Vec<String> {
        match self.front() {
            Front::Objects => self.objects.crumbs(),
            Front::Faults => self.faults.crumbs(),
            Front::Params => self.params.crumbs(),
            Front::Jobs => self.jobs.crumbs(),
            Front::Fleet => self.split.list.crumbs(),
        }
    }

    fn commands(&self) -> &'static [CommandSpec] {
        commands::CPE
    }

    fn linear(&mut self, _: &Msg, _: &Ctx) -> Vec<String> {
        Vec::new()
    }

    fn session(&self) -> serde_json::Value {
        let mut session = self.split.session();
        if let Some(session) = session.as_object_mut() {
            session.insert("jobs".to_owned(), self.jobs.session());
        }
        session
    }

    fn restore(&mut self, state: &serde_json::Value) {
        self.split.restore(state);
        if let Some(jobs) = state.get("jobs") {
            self.jobs.restore(jobs);
            self.split.list.resting = self.jobs.shown;
        }
    }
}
