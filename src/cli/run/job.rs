//! `noctule run cpe.job.create FILE`: a request read here, checked here, and made a job by whoever
//! owns the cache; with `--dry-run` only to learn what it would do to each device.

use std::io::{self, Read as _, Write as _};

use super::super::args::RunArgs;
use super::super::exit::{Code, Failure};
use super::super::fresh::say;
use super::super::live::Live;
use super::super::query::{self, ask};
use super::super::{Start, jobs};
use super::{ask_owner, wait};
use crate::commands::parse::check;
use crate::commands::spec::CommandSpec;
use crate::config::Loaded;
use crate::config::schema::SourceKind;
use crate::model::command::{Args, Intent, Outcome, Targets};
use crate::model::job::JobId;
use crate::model::job::read::{Format, read};
use crate::model::job::write::format_of;
use crate::model::page::Table;
use crate::model::source::Health;
use crate::model::text::clean;
use crate::workers::now;
use crate::workers::relay::Hands;
use crate::workers::resolve::{self, Resolved, sources};

/// The command that makes a job.
pub(super) const CREATE: &str = "cpe.job.create";
/// The longest request, bytes.
const LONGEST: u64 = 2 << 20;

/// The intent: the request as text, whichever way it was given.
pub(super) fn intent(spec: &'static CommandSpec, args: &RunArgs, actor: String) -> Result<Intent, Failure> {
    let mut given: Args = args.args.iter().cloned().collect();
    check(spec, &given).map_err(Failure::usage)?;
    if args.filter.is_some() {
        return Err(Failure::usage("--filter: the request itself says on which devices (filter, query or devices)"));
    }
    let file = match (args.targets.as_slice(), given.remove("file"), given.get("request")) {
        ([file], None, None) => Some(file.clone()),
        ([], Some(file), None) => Some(file),
        ([], None, Some(_)) => None,
        ([], None, None) => {
            return Err(Failure::usage(format!(
                "`{CREATE}` needs the file of a request, TOML or JSON; - for standard input"
            )));
        }
        _ => return Err(Failure::usage(format!("`{CREATE}` takes one request: a file, or --arg request="))),
    };
    let (text, place) = match &file {
        Some(file) => (text_of(file)?, format!("{}, ", clean(file))),
        None => (given.remove("request").unwrap_or_default(), String::new()),
    };
    read(&text, format_of(&text)).map_err(|e| Failure::usage(format!("{place}{e}")))?;
    let text = if args.dry_run { as_dry_run(&text)? } else { text };
    given.insert("request".to_owned(), text);
    Ok(Intent { command: spec.id, targets: Targets::None, args: given, actor })
}

fn text_of(file: &str) -> Result<String, Failure> {
    let wrong = |e: io::Error| Failure::usage(format!("{}: {e}", clean(file)));
    let mut text = String::new();
    let long = if file == "-" {
        io::stdin().lock().take(LONGEST + 1).read_to_string(&mut text).map_err(wrong)?
    } else {
        std::fs::File::open(file).and_then(|f| f.take(LONGEST + 1).read_to_string(&mut text)).map_err(wrong)?
    };
    if long as u64 > LONGEST {
        return Err(wrong(io::Error::other(format!("longer than {} MiB", LONGEST >> 20))));
    }
    Ok(text)
}

/// The same request, only to find out.
fn as_dry_run(text: &str) -> Result<String, Failure> {
    let text = text.trim_start_matches('\u{feff}');
    let wrong = |e: String| Failure::usage(clean(&e).into_owned());
    match format_of(text) {
        Format::Json => {
            let mut value: serde_json::Value = serde_json::from_str(text).map_err(|e| wrong(e.to_string()))?;
            if let Some(object) = value.as_object_mut() {
                object.insert("dry_run".into(), true.into());
                // It is to be found out now, not when it would run.
                object.remove("schedule");
            }
            Ok(value.to_string())
        }
        Format::Toml => {
            let mut document: toml_edit::DocumentMut =
                text.parse().map_err(|e: toml_edit::TomlError| wrong(e.message().into()))?;
            document.insert("dry_run", toml_edit::value(true));
            document.remove("schedule");
            Ok(document.to_string())
        }
    }
}

/// Whether the server of a request can be asked; what is wrong with the request given what is known.
pub(super) fn ready(live: &Live, loaded: &Loaded, intent: &Intent) -> Result<(), Failure> {
    let Resolved::NewJob(first) = resolve::resolve(&mut live.store.reader()?, intent, now())? else { return Ok(()) };
    let named = first.request.source.clone();
    let servers: Vec<String> = loaded
        .sources()
        .filter(|s| matches!(s.kind, SourceKind::Genieacs(_)) && (named.is_empty() || s.name == named))
        .map(|s| s.name.clone())
        .collect();
    reachable(live, &servers, &intent.actor)?;
    let Resolved::NewJob(new) = resolve::resolve(&mut live.store.reader()?, intent, now())? else { return Ok(()) };
    match &new.list {
        // What its filter gives when its time comes is another matter.
        Err(why) if new.request.schedule.is_none() => {
            Err(Failure::new(Code::Failed, format!("refused, no job was made: {}", clean(why))))
        }
        _ => Ok(()),
    }
}

/// An owner has heard of its servers a moment ago; we ask them now.
fn reachable(live: &Live, servers: &[String], actor: &str) -> Result<(), Failure> {
    let code = match &live.hands {
        Hands::Own(_) if servers.is_empty() => Code::Done,
        Hands::Own(_) => super::poll(live, servers, actor),
        Hands::Theirs(_) => {
            let rows = sources(&mut live.store.reader()?, now())?;
            let down = rows.iter().find(|s| servers.contains(&s.name.to_string()) && s.report.health == Health::Down);
            if let Some(source) = down {
                say(&format!("{}: {}", source.name, source.report.last_error));
                Code::Unreachable
            } else {
                Code::Done
            }
        }
    };
    match code {
        Code::Done => Ok(()),
        code => Err(Failure::new(code, "no job was made: its server could not be reached")),
    }
}

/// Finds out what the request would do to each device, and prints that.
pub(super) fn dry_run(
    start: &Start,
    args: &RunArgs,
    live: &mut Live,
    loaded: &Loaded,
    intent: Intent,
) -> Result<Code, Failure> {
    ready(live, loaded, &intent)?;
    let actor = intent.actor.clone();
    let outcome = ask_owner(live, intent);
    let Some(job) = outcome.job else { return Err(Failure::new(Code::Failed, clean(&outcome.summary))) };
    let code = wait::until_over(live, loaded, job, wait::How { watch: false, actor: &actor, dry_run: true })?;
    let mut reader = live.store.reader()?;
    let row = jobs::row_of(&mut reader, job)?;
    let mut ask = ask::ask(Table::JobDevices, &query::plain(args.format()), now())?;
    ask.request.below = Some(row);
    query::print(start, &mut reader, &ask)?;
    io::stdout().flush()?;
    say(&format!("nothing was changed; job {job} keeps what was found"));
    Ok(code)
}

/// Says who runs a job that was made or set going, as nobody waits for it here.
pub(super) fn who_runs(live: &Live, job: JobId) -> Result<(), Failure> {
    let mut reader = live.store.reader()?;
    let row = jobs::row_of(&mut reader, job)?;
    let phase = jobs::detail_of(&mut reader, row)?.row.phase;
    if phase.is_over() {
        return Ok(());
    }
    match (&live.hands, live.opened.owner_pid) {
        (Hands::Own(_), _) => say(&format!(
            "job {job} is kept, and nobody runs it when this ends: start `noctule agent` or the dashboard, \
             or run it here with `noctule run job.wait {job}`"
        )),
        (Hands::Theirs(_), pid) => {
            let who = pid.map_or_else(|| "the noctule that owns the cache".to_owned(), |pid| format!("process {pid}"));
            say(&format!(
                "{who} runs it: `noctule jobs {job}` shows how far it is, `noctule run job.wait {job}` waits"
            ));
        }
    }
    Ok(())
}

/// Prints what a script wants of a job that was made: its id.
pub(super) fn print_made(outcome: &Outcome, job: JobId) -> Result<(), Failure> {
    writeln!(io::stdout(), "{job}")?;
    say(&outcome.summary);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dry_run_is_the_same_request_without_its_time() {
        let toml = "# wifi\nname = 'x'\nfilter = '*'\ndry_run = false\n[wifi]\nssid = 'a' # b\n[schedule]\nat = '2030-01-01T02:00'\nzone = 'UTC'\n";
        let dry = as_dry_run(toml).unwrap();
        let parsed = read(&dry, Format::Toml).unwrap().request;
        assert!(parsed.dry_run && parsed.schedule.is_none(), "{dry}");
        assert!(dry.contains("ssid = 'a' # b"), "what a person wrote stays as it is: {dry}");
        let json = as_dry_run(r#"{"name":"x","filter":"*","verb":"reboot"}"#).unwrap();
        assert!(read(&json, Format::Json).unwrap().request.dry_run);
    }
}
