//! The verbs of jobs: what they ask for before they are wished.

use crate::app::ctx::Ctx;
use crate::app::effect::{Effect, Level, Prompt, ReportFormat, ReportRequest};
use crate::model::command::{Args, Targets};
use crate::model::job::{JobRequest, JobRow, Phase};
use crate::model::page::Table;
use crate::panes::list::commands::toast;
use crate::panes::verbs::{ask, choose, given, intent};

use super::Jobs;

impl Jobs {
    /// What a verb is for: the job whose devices are shown, the marked jobs, or the one under the
    /// cursor.
    fn targets(&self) -> Targets {
        match self.of {
            Some(of) => Targets::Rows(Table::Jobs, vec![of]),
            None => self.list.list.targets(),
        }
    }

    /// Runs a verb of jobs; `None` when it is none.
    pub(super) fn verb(&mut self, id: &'static str, args: &Args, cx: &Ctx) -> Option<Vec<Effect>> {
        Some(match id {
            "job.start" | "job.pause" | "job.cancel" | "job.retry" => self.wish(id, args, cx),
            "job.resume" => self.resume(args, cx),
            "job.rollback" => self.asking(id, args, "dry-run", "Put back what it changed", &ROLL_BACK, cx),
            "job.priority" => self.asking(id, args, "priority", "Which place among the jobs?", &PRIORITIES, cx),
            "job.export" => self.report(args, cx),
            "job.again" => match self.request() {
                Ok((row, request)) => {
                    let request =
                        JobRequest { dry_run: false, expected_count: expected(&row, request), ..request.clone() };
                    self.making.again(&request)
                }
                Err(effects) => effects,
            },
            "job.for-real" => match self.request() {
                Ok((row, request)) => {
                    let request =
                        JobRequest { dry_run: false, expected_count: expected(&row, request), ..request.clone() };
                    self.making.for_real(row.job, &request, cx)
                }
                Err(effects) => effects,
            },
            _ => return None,
        })
    }

    fn wish(&mut self, id: &'static str, args: &Args, cx: &Ctx) -> Vec<Effect> {
        let (targets, args) = self.held.take(self.targets(), args);
        intent(id, targets, args, cx)
    }

    /// Asks for an argument among a few, and holds the targets meanwhile.
    fn asking(
        &mut self,
        id: &'static str,
        args: &Args,
        arg: &'static str,
        title: &str,
        items: &[(&str, &str)],
        cx: &Ctx,
    ) -> Vec<Effect> {
        if given(args, arg) {
            return self.wish(id, args, cx);
        }
        let args = self.held.hold(self.targets(), args);
        choose(title.to_owned(), items, id, arg, args)
    }

    /// A job that was held for its secret is asked where that is now.
    fn resume(&mut self, args: &Args, cx: &Ctx) -> Vec<Effect> {
        let lost = self.current().is_some_and(|row| row.phase == Phase::Held && row.why.contains("secret"));
        if lost && !args.contains_key("secret") {
            let args = self.held.hold(self.targets(), args);
            return ask("Its secret: env:NAME, file:PATH or cmd:COMMAND".to_owned(), "job.resume", "secret", args);
        }
        self.wish("job.resume", args, cx)
    }

    fn report(&self, args: &Args, cx: &Ctx) -> Vec<Effect> {
        let Some(row) = self.current() else { return Vec::new() };
        let Some(word) = args.get("format").map(String::as_str) else {
            return choose("Report of the job as".to_owned(), &FORMATS, "job.export", "format", args.clone());
        };
        let Some(format) = ReportFormat::parse(word) else {
            return vec![toast(Level::Warn, format!("`{word}` is no form of a report: md, csv, json"))];
        };
        if !given(args, "file") {
            let stamp = cx.now.to_utc().map_or_else(String::new, |t| t.format("%Y%m%d-%H%M%S").to_string());
            return vec![Effect::Prompt(Prompt {
                title: "Report to the file".to_owned(),
                initial: format!("{}-{stamp}.{}", file_name(&row.name), format.word()),
                command: "job.export",
                arg: "file",
                args: args.clone(),
            })];
        }
        let path = args.get("file").map(|p| p.trim().to_owned()).unwrap_or_default();
        vec![Effect::Report(ReportRequest { job: row.job, format, path, utc_offset_s: cx.utc_offset_s })]
    }

    /// The request of the job in question.
    fn request(&self) -> Result<(JobRow, &JobRequest), Vec<Effect>> {
        let Some(row) = self.current() else { return Err(Vec::new()) };
        let known = self.job.detail.as_ref().filter(|d| d.row.id == row.id).and_then(|d| d.request.as_ref());
        known
            .map(|request| (row.clone(), request))
            .ok_or_else(|| vec![toast(Level::Info, "open its detail first (enter): its request is read with it")])
    }
}

/// As many devices as a dry run found; else what was asked for.
fn expected(row: &JobRow, request: &JobRequest) -> Option<u64> {
    if row.dry_run && row.counts.total > 0 { Some(row.counts.total.into()) } else { request.expected_count }
}

/// The name of a job as the beginning of a file name.
fn file_name(name: &str) -> String {
    let mut out = String::from("job");
    for word in name.split(|c: char| !c.is_ascii_alphanumeric()).filter(|w| !w.is_empty()).take(6) {
        out.push('-');
        out.push_str(&word.to_ascii_lowercase());
    }
    out
}

const ROLL_BACK: [(&str, &str); 2] =
    [("yes", "dry run first: find out what would be put back, and what cannot be"), ("no", "put it back")];
const PRIORITIES: [(&str, &str); 3] =
    [("high", "before all others"), ("normal", "as they come"), ("low", "after all others")];
const FORMATS: [(&str, &str); 3] =
    [("md", "Markdown, for people"), ("csv", "a line a device, for spreadsheets"), ("json", "all of it")];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_name_gives_a_file_name() {
        assert_eq!(file_name("Guest WiFi: north/ring"), "job-guest-wifi-north-ring");
        assert_eq!(file_name("../\u{1b}[2J"), "job-2j");
    }
}
