//! Making a job: a commented request in the operator's editor, filled with the devices of the
//! fleet's list, read when the editor closes, and kept until there is a job of it or it is dropped.

use std::sync::Arc;

use crate::app::ctx::Ctx;
use crate::app::effect::{Choose, Effect, Level, Prompt};
use crate::app::message::Msg;
use crate::model::command::{ANSWER, Args, Intent, SECRET, Targets};
use crate::model::cpe::CpeRow;
use crate::model::job::read::{passphrase, read};
use crate::model::job::write::{Prefill, firmware_template, format_of, settings_template, to_toml};
use crate::model::job::{JobId, JobRequest, JobTargets, Setting};
use crate::model::page::{Data, DataRequest, PageRequest, RequestId, Table, Total};
use crate::model::query::Query;
use crate::model::time::DAY;
use crate::panes::list::commands::toast;
use crate::panes::list::{ListState, Marks};
use crate::panes::verbs::{choose, given};

/// Most marked devices that are written into a request one by one.
const LISTED: usize = 10_000;
/// Where counting the devices of a filter ends.
const COUNTED: u64 = 10_000_000;
/// The argument that says whose secret an answer is.
const ASKS: &str = "asks";

/// What a new request is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::panes::cpe) enum Kind {
    /// Values of parameters.
    Settings,
    /// Firmware.
    Firmware,
}

/// A request on its way to be a job.
#[derive(Default)]
pub(in crate::panes::cpe) struct Making {
    /// The request as it was last left in the editor.
    text: Option<String>,
    /// What the editor began with: unchanged it means "no".
    template: String,
    /// The question about the devices, and what for.
    asked: Option<(RequestId, Kind, Prefill)>,
    /// It was sent, and is planned, asked about or done.
    sent: bool,
    /// The request that the last dry run was made of, with the schedule that a dry run does not keep.
    tried: Option<(JobId, String)>,
}

impl Making {
    /// Begins a request for the devices of the list, or the marked ones.
    pub(in crate::panes::cpe) fn begin(&mut self, kind: Kind, fleet: &ListState<CpeRow>, cx: &Ctx) -> Vec<Effect> {
        if self.text.is_some() {
            return choose(
                "A request was not made into a job yet".to_owned(),
                &[("edit", "go on with it"), ("drop", "drop it, to begin another")],
                "cpe.job.edit",
                "do",
                Args::new(),
            );
        }
        let acs: Vec<&str> =
            cx.sources.iter().filter(|s| &*s.report.kind == "genieacs").map(|s| s.name.as_ref()).collect();
        let source = match (acs.as_slice(), fleet.current()) {
            ([only], _) => (*only).to_owned(),
            (_, Some(row)) => row.source.to_string(),
            _ => String::new(),
        };
        let several = acs.len() > 1;
        let tomorrow = cx.now.plus(DAY + i64::from(cx.utc_offset_s) * 1_000_000).to_utc();
        let tomorrow = tomorrow.map(|t| t.format("%Y-%m-%d").to_string()).unwrap_or_default();
        let id = cx.request_id();
        let listed = match &fleet.marks {
            Marks::Rows(rows) => !rows.is_empty(),
            Marks::AllBut { rows, .. } => !rows.is_empty(),
        };
        if listed {
            let prefill = Prefill { source, targets: JobTargets::Devices(Vec::new()), count: 0, tomorrow };
            self.asked = Some((id, kind, prefill));
            return vec![Effect::Query(id, DataRequest::CpeIds(fleet.targets(), LISTED + 1))];
        }
        let own = fleet.filter_text().trim();
        let filter = match (own, several) {
            ("", false) => "*".to_owned(),
            ("", true) => format!("source=\"{source}\""),
            (own, false) => own.to_owned(),
            (own, true) => format!("({own}) source=\"{source}\""),
        };
        let query = if filter == "*" { None } else { Query::parse(&filter, Table::Cpes).ok().map(Arc::new) };
        let rows = PageRequest { filter: query, ..fleet.page_request(cx.now) };
        self.asked = Some((id, kind, Prefill { source, targets: JobTargets::Filter(filter), count: 0, tomorrow }));
        vec![Effect::Query(id, DataRequest::Count(rows, COUNTED))]
    }

    /// Takes news in.
    pub(super) fn update(&mut self, msg: &Msg, _: &Ctx) -> Vec<Effect> {
        match msg {
            Msg::Data(id, data) if self.asked.as_ref().is_some_and(|(asked, ..)| asked == id) => {
                let Some((_, kind, prefill)) = self.asked.take() else { return Vec::new() };
                self.open(kind, prefill, data)
            }
            Msg::NotRun { command, why } if self.sent && makes(command) => {
                self.sent = false;
                why.as_ref().map(|why| self.failed(why)).unwrap_or_default()
            }
            Msg::Done(_, outcome) if makes(&outcome.command) => {
                self.sent = false;
                if outcome.done > 0 {
                    let text = self.text.take();
                    if outcome.command == "cpe.job.try" {
                        self.tried = outcome.job.zip(text);
                    }
                    return Vec::new();
                }
                if self.text.is_some() { self.failed(&outcome.summary) } else { Vec::new() }
            }
            _ => Vec::new(),
        }
    }

    fn open(&mut self, kind: Kind, mut prefill: Prefill, data: &Data) -> Vec<Effect> {
        match data {
            Data::Count(Total::Exact(n) | Total::AtLeast(n)) => prefill.count = *n,
            Data::CpeIds(found) => {
                if found.len() > LISTED {
                    let words = format!("more than {LISTED} devices are marked: use a filter instead");
                    return vec![toast(Level::Warn, words)];
                }
                if let Some((source, _)) = found.first() {
                    if found.iter().any(|(other, _)| other != source) {
                        let words = "the marked devices belong to several servers, and a job is for one";
                        return vec![toast(Level::Warn, words)];
                    }
                    prefill.source = source.to_string();
                }
                prefill.count = found.len() as u64;
                prefill.targets = JobTargets::Devices(found.iter().map(|(_, id)| id.clone()).collect());
            }
            Data::Failed(why) => {
                return vec![toast(Level::Error, format!("the devices cannot be counted: {why}"))];
            }
            _ => return Vec::new(),
        }
        if prefill.count == 0 {
            return vec![toast(Level::Info, "the list has no device: a job would have nothing to do")];
        }
        self.template = match kind {
            Kind::Settings => settings_template(&prefill),
            Kind::Firmware => firmware_template(&prefill),
        };
        vec![editor(self.template.clone())]
    }

    /// Opens the editor with a job's own request.
    pub(super) fn again(&mut self, request: &JobRequest) -> Vec<Effect> {
        match to_toml(request) {
            Some(text) => {
                self.template.clear();
                self.text = Some(text.clone());
                vec![editor(text)]
            }
            None => vec![toast(Level::Info, "a roll-back is made from the job it rolls back")],
        }
    }

    /// Sends the request of a dry run on its way, to be done.
    pub(super) fn for_real(&mut self, job: JobId, request: &JobRequest, cx: &Ctx) -> Vec<Effect> {
        let tried = self.tried.as_ref().filter(|(of, _)| *of == job).map(|(_, text)| text.clone());
        match tried.or_else(|| to_toml(request)) {
            Some(text) => {
                self.template.clear();
                self.send("cpe.job.create", &text, &Args::new(), cx)
            }
            None => vec![toast(Level::Info, "the dry run of a roll-back is done for real from the job it rolls back")],
        }
    }

    /// Opens the editor again, or drops the request.
    pub(in crate::panes::cpe) fn edit(&mut self, args: &Args) -> Vec<Effect> {
        if args.get("do").is_some_and(|what| what == "drop") {
            return self.forget();
        }
        match args.get("request").or(self.text.as_ref()) {
            Some(text) => {
                self.template.clear();
                vec![editor(text.clone())]
            }
            None => vec![toast(Level::Info, "no request was left: x j begins one")],
        }
    }

    /// Drops the request.
    pub(in crate::panes::cpe) fn forget(&mut self) -> Vec<Effect> {
        let words = if self.text.take().is_some() { "the request is dropped" } else { "there is no request" };
        vec![toast(Level::Info, words)]
    }

    /// A request came from the editor, or an answer to one of its secrets.
    pub(in crate::panes::cpe) fn send(
        &mut self,
        command: &'static str,
        text: &str,
        args: &Args,
        cx: &Ctx,
    ) -> Vec<Effect> {
        if text.trim().is_empty() || text.trim() == self.template.trim() {
            self.text = None;
            return vec![toast(Level::Info, "nothing was asked for: no job is made")];
        }
        self.text = Some(text.to_owned());
        let parsed = match read(text, format_of(text)) {
            Ok(parsed) => parsed,
            Err(error) => return self.failed(&error.to_string()),
        };
        let mut args = args.clone();
        let answer = (args.remove(ASKS), args.remove(ANSWER));
        if let (Some(of), Some(answer)) = answer {
            let wifi = Setting::named(&of) == Some(Setting::WifiPassword);
            if answer.is_empty() || (wifi && passphrase(&answer).is_err()) {
                let why = passphrase(&answer).err().filter(|_| wifi).unwrap_or("it is empty");
                let mut effects = vec![toast(Level::Warn, format!("{of}: {why}"))];
                effects.extend(ask_secret(command, &of, text, &args));
                return effects;
            }
            args.insert(format!("{SECRET}{of}"), answer);
        }
        args.insert("request".to_owned(), text.to_owned());
        if command == "cpe.job.create" && !parsed.request.dry_run {
            let missing = parsed.to_ask().into_iter().find(|s| !given(&args, &format!("{SECRET}{}", s.name())));
            if let Some(setting) = missing {
                return ask_secret(command, setting.name(), text, &args);
            }
        }
        self.sent = true;
        vec![Effect::Intent(Intent { command, targets: Targets::None, args, actor: cx.operator.to_string() })]
    }

    /// Shows what is wrong and offers the editor again.
    fn failed(&self, why: &str) -> Vec<Effect> {
        let mut effects = vec![toast(Level::Error, why)];
        if self.text.is_some() {
            effects.push(Effect::Choose(Choose {
                title: why.to_owned(),
                items: [("edit", "edit it again"), ("drop", "drop it")]
                    .map(|(value, words)| (value.to_owned(), words.to_owned()))
                    .to_vec(),
                selected: 0,
                command: "cpe.job.edit",
                arg: "do",
                args: Args::new(),
            }));
        }
        effects
    }
}

/// Whether a command makes a job of a request.
fn makes(command: &str) -> bool {
    matches!(command, "cpe.job.create" | "cpe.job.try")
}

fn editor(initial: String) -> Effect {
    Effect::Edit(Prompt {
        title: "Request of a job".to_owned(),
        initial,
        command: "cpe.job.create",
        arg: "request",
        args: Args::new(),
    })
}

fn ask_secret(command: &'static str, of: &str, text: &str, args: &Args) -> Vec<Effect> {
    let mut args = args.clone();
    args.insert("request".to_owned(), text.to_owned());
    args.insert(ASKS.to_owned(), of.to_owned());
    vec![Effect::Secret(Prompt { title: format!("Value of {of}"), initial: String::new(), command, arg: ANSWER, args })]
}
