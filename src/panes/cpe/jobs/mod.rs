//! Jobs inside the CPE pane: their list with its detail, one level deeper the devices of one of
//! them, and making new ones. It stands in the place of the fleet and remembers where it was.

mod columns;
pub(crate) mod commands;
mod devices;
mod making;
mod verbs;
mod view;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use serde_json::json;

use crate::app::ctx::{Ctx, ViewCtx};
use crate::app::effect::{Effect, Level, Location};
use crate::app::message::Msg;
use crate::app::pane::PaneId;
use crate::commands::spec::{Context, JobFacts, Situation};
use crate::model::command::Args;
use crate::model::ids::RowId;
use crate::model::job::{Class, JobDetail, JobDeviceDetail, JobDeviceRow, JobRow};
use crate::model::page::{Data, DataRequest, RequestId};

use super::super::detail::{Fetched, pane_rows};
use super::super::list::Landing;
use super::super::list::commands::toast;
use super::super::split::Split;
use super::super::verbs::Held;
pub(super) use columns::state_token;
pub(super) use making::Kind;
use making::Making;

/// The jobs of the pane.
pub(super) struct Jobs {
    /// They are shown in the place of the fleet.
    pub(super) shown: bool,
    list: Split<JobRow>,
    devices: Split<JobDeviceRow>,
    /// The job whose devices are shown.
    of: Option<RowId>,
    job: Watched,
    device: Fetched<JobDeviceRow, JobDeviceDetail>,
    held: Held,
    pub(super) making: Making,
    /// The device whose ONU is to be shown is asked about.
    leaving: Option<RequestId>,
    /// A job was made lately: whoever looks at the jobs next wants to see it.
    made: bool,
}

/// What the cache said about a job, and what it was asked at.
#[derive(Default)]
struct Watched {
    detail: Option<JobDetail>,
    /// The job and the generation of the jobs that were last asked about.
    at: Option<(RowId, u64)>,
    pending: Option<RequestId>,
}

impl Watched {
    /// Asks, unless that is known or an answer is on its way: it shows whether to ask again.
    fn ask(&mut self, job: RowId, cx: &Ctx) -> Vec<Effect> {
        let at = (job, cx.generations.jobs);
        if self.pending.is_some() || self.at == Some(at) {
            return Vec::new();
        }
        let id = cx.request_id();
        (self.pending, self.at) = (Some(id), Some(at));
        vec![Effect::Query(id, DataRequest::Job(job))]
    }
}

impl Default for Jobs {
    fn default() -> Self {
        let mut jobs = Self {
            shown: false,
            list: Split::new(PaneId::Cpe, columns::COLUMNS).second(),
            devices: Split::new(PaneId::Cpe, devices::COLUMNS).second(),
            of: None,
            job: Watched::default(),
            device: Fetched::default(),
            held: Held::default(),
            making: Making::default(),
            leaving: None,
            made: false,
        };
        jobs.list.detail.roomy = true;
        jobs.rest();
        jobs
    }
}

impl Jobs {
    /// Only the list that is shown asks for rows.
    fn rest(&mut self) {
        self.list.list.resting = !self.shown || self.of.is_some();
        self.devices.list.resting = !self.shown || self.of.is_none();
    }

    /// Shows the jobs, or the fleet again.
    pub(super) fn show(&mut self, shown: bool, cx: &Ctx) -> Vec<Effect> {
        self.shown = shown;
        let mut effects = Vec::new();
        if shown && std::mem::take(&mut self.made) {
            self.of = None;
            self.rest();
            effects = self.list.list.reset(Landing::First, cx);
        }
        self.rest();
        if shown {
            effects.extend(self.on_screen(pane_rows(cx.size), cx));
        }
        effects
    }

    /// The pane is shown on an area `rows` high, with the jobs in it.
    pub(super) fn on_screen(&mut self, rows: u16, cx: &Ctx) -> Vec<Effect> {
        let mut effects = match self.of {
            None => self.list.shown(rows, cx),
            Some(_) => self.devices.shown(rows, cx),
        };
        effects.extend(self.follow(cx));
        effects
    }

    /// Asks for what the detail view on the screen needs.
    fn follow(&mut self, cx: &Ctx) -> Vec<Effect> {
        if !self.shown || cx.active != PaneId::Cpe {
            return Vec::new();
        }
        let Some(of) = self.of else {
            return match self.list.watched(PaneId::Cpe, cx).map(|row| row.id) {
                Some(job) => self.job.ask(job, cx),
                None => Vec::new(),
            };
        };
        let mut effects = self.job.ask(of, cx);
        if let Some(row) = self.devices.watched(PaneId::Cpe, cx) {
            effects.extend(self.device.ask(row, DataRequest::JobDevice(row.id), cx));
        }
        effects
    }

    /// Takes news in.
    pub(super) fn update(&mut self, msg: &Msg, cx: &Ctx) -> Vec<Effect> {
        let mut effects = self.list.list.update(msg, cx);
        effects.extend(self.devices.list.update(msg, cx));
        match msg {
            Msg::Data(id, Data::Job(detail)) if self.job.pending == Some(*id) => {
                self.job.pending = None;
                self.job.detail = detail.as_deref().cloned();
            }
            Msg::Data(id, data) if self.leaving == Some(*id) => {
                self.leaving = None;
                let onu = if let Data::JobDevice(Some(detail)) = data { detail.onu.as_str() } else { "" };
                effects.push(Self::left(onu));
            }
            Msg::Data(id, Data::JobDevice(Some(detail))) if self.device.answers(*id) => {
                self.device.keep((**detail).clone());
            }
            // What the cache could not answer is asked again with the next change.
            Msg::Data(id, _) if self.job.pending == Some(*id) => self.job.pending = None,
            Msg::Data(id, _) => _ = self.device.answers(*id),
            Msg::Done(_, outcome) => {
                self.made |= outcome.job.is_some();
                if outcome.command.starts_with("job.") && outcome.done > 0 {
                    effects.extend(self.list.list.unmark());
                }
            }
            _ => {}
        }
        effects.extend(self.making.update(msg, cx));
        effects.extend(self.follow(cx));
        effects
    }

    /// The job that the verbs are for: the one whose devices are shown, or the one under the cursor.
    fn current(&self) -> Option<&JobRow> {
        match self.of {
            Some(of) => self.job.detail.as_ref().map(|d| &d.row).filter(|row| row.id == of),
            None => self.list.list.current(),
        }
    }

    /// Runs a command while the jobs are shown; `None` when it is none for them.
    pub(super) fn command(&mut self, id: &'static str, args: &Args, cx: &Ctx) -> Option<Vec<Effect>> {
        let mut effects = match self.own(id, args, cx) {
            Some(effects) => effects,
            None if self.of.is_some() => self.devices.command(id, args, cx)?,
            None => self.list.command(id, args, cx)?,
        };
        effects.extend(self.follow(cx));
        Some(effects)
    }

    fn own(&mut self, id: &'static str, args: &Args, cx: &Ctx) -> Option<Vec<Effect>> {
        Some(match id {
            "job.devices" | "job.enter" => self.enter(cx),
            "job.up" => self.up(cx),
            "job.failures" => {
                let filter = devices::failures();
                let text = if self.devices.list.filter_text() == filter { String::new() } else { filter };
                let args = Args::from([("text".to_owned(), text)]);
                self.devices.command("list.filter", &args, cx).unwrap_or_default()
            }
            "job.device-cpe" => self.devices.list.current().map_or_else(Vec::new, |row| super::behind(&row.serial)),
            "job.device-onu" => self.find_onu(cx),
            _ => return self.verb(id, args, cx),
        })
    }

    /// One level deeper: the devices of the job under the cursor.
    fn enter(&mut self, cx: &Ctx) -> Vec<Effect> {
        let Some(id) = self.current().map(|row| row.id) else { return Vec::new() };
        self.list.detail.focus = false;
        let mut effects = Vec::new();
        if self.devices.list.within != Some(id) {
            self.devices.list.within = Some(id);
            self.devices.list.set_filter("");
            effects.extend(self.devices.list.unmark());
            self.devices.detail.focus = false;
            self.of = Some(id);
            self.rest();
            effects.extend(self.devices.list.reset(Landing::First, cx));
        }
        self.of = Some(id);
        self.rest();
        effects.extend(self.on_screen(pane_rows(cx.size), cx));
        effects
    }

    /// Takes marks and filter away, and then goes back up to the jobs.
    fn up(&mut self, cx: &Ctx) -> Vec<Effect> {
        let list = &self.devices.list;
        if !list.marks.is_empty() || list.filtered() || !list.filter_text().is_empty() {
            return self.devices.command("list.escape", &Args::new(), cx).unwrap_or_default();
        }
        self.of = None;
        self.rest();
        self.on_screen(pane_rows(cx.size), cx)
    }

    /// Goes to the ONU of the device under the cursor, once the cache has told which that is.
    fn find_onu(&mut self, cx: &Ctx) -> Vec<Effect> {
        let Some(row) = self.devices.list.current() else { return Vec::new() };
        let id = cx.request_id();
        self.leaving = Some(id);
        vec![Effect::Query(id, DataRequest::JobDevice(row.id))]
    }

    fn left(onu: &str) -> Effect {
        if onu.is_empty() {
            return toast(Level::Info, "no ONU has its serial number");
        }
        let canonical = Some(onu.to_owned());
        Effect::Goto(Location { pane: PaneId::Pon, row: None, canonical, filter: None, below: None })
    }

    /// A click or the wheel.
    pub(super) fn mouse(&mut self, at: (u16, u16), lines: i16, double: bool, cx: &Ctx) -> Vec<Effect> {
        let mut effects = match self.of {
            None => self.list.mouse(at, lines, double, cx),
            Some(_) => self.devices.mouse(at, lines, double, cx),
        };
        effects.extend(self.follow(cx));
        effects
    }

    /// What the commands need to know.
    pub(super) fn situation(&self) -> Situation {
        let facts = |row: &JobRow| JobFacts {
            phase: row.phase,
            failed: row.counts.failed(),
            queued: row.counts.of(Class::OfflineQueued),
            changed: row.counts.of(Class::Changed),
            dry_run: row.dry_run,
            sets: matches!(row.work.as_str(), "configure" | "roll-back"),
        };
        let situation = if self.of.is_some() { self.devices.situation() } else { self.list.situation() };
        let marks = self.of.is_none() && situation.marked > 0;
        Situation { job: self.current().filter(|_| !marks).map(facts), ..situation }
    }

    /// Key contexts, the innermost first.
    pub(super) fn contexts(&self) -> Vec<Context> {
        match (self.of.is_some(), self.list.detail.focus, self.devices.detail.focus) {
            (false, false, _) => vec![Context::Jobs, Context::List],
            (false, true, _) => vec![Context::Job, Context::Detail, Context::Jobs, Context::List],
            (true, _, false) => vec![Context::JobDevices, Context::Jobs, Context::List],
            (true, _, true) => vec![Context::Detail, Context::JobDevices, Context::Jobs, Context::List],
        }
    }

    /// Draws the level that is shown.
    pub(super) fn draw(&self, buf: &mut Buffer, area: Rect, cx: &ViewCtx<'_>) {
        if self.of.is_none() {
            let empty = view::empty(self.list.list.filtered());
            self.list.draw(buf, area, cx, &empty, |row| {
                let detail = self.job.detail.as_ref().filter(|d| d.row.id == row.id);
                (row.name.clone(), view::blocks(row, detail, cx))
            });
            return;
        }
        let empty = devices::empty(self.devices.list.filtered());
        let dry_run = self.current().is_some_and(|row| row.dry_run);
        self.devices.draw(buf, area, cx, &empty, |row| {
            let detail = self.device.get().filter(|d| d.row.id == row.id);
            (row.serial.clone(), devices::blocks(row, detail, dry_run, cx))
        });
    }

    /// Words for the breadcrumb: the way here, and how far the job is.
    pub(super) fn crumbs(&self) -> Vec<String> {
        let mut crumbs = vec!["jobs".to_owned()];
        if self.of.is_none() {
            crumbs.extend(self.list.list.crumbs());
            return crumbs;
        }
        if let Some(row) = self.current() {
            crumbs.push(row.name.clone());
            let failed = row.counts.failed();
            let failed = if failed > 0 { format!(", {failed} failed") } else { String::new() };
            crumbs.push(format!("{} {}{failed}", row.phase.word(), columns::through(row)));
        }
        crumbs.extend(self.devices.list.crumbs());
        crumbs
    }

    /// What the next start restores.
    pub(super) fn session(&self) -> serde_json::Value {
        json!({ "shown": self.shown, "jobs": self.list.session(), "devices": self.devices.session() })
    }

    /// Restores it.
    pub(super) fn restore(&mut self, state: &serde_json::Value) {
        if let Some(jobs) = state.get("jobs") {
            self.list.restore(jobs);
        }
        if let Some(devices) = state.get("devices") {
            self.devices.restore(devices);
            // The filter was for the devices of a job that is not open any more.
            self.devices.list.set_filter("");
        }
        self.shown = state.get("shown").and_then(serde_json::Value::as_bool).unwrap_or(false);
        self.rest();
    }
}
