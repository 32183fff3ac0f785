//! `noctule diag`: network diagnostics without the screen. Lines as they come, or JSON; Ctrl-C ends
//! it with what is known.

pub mod args;

use std::io::{self, Write as _};

use serde_json::{Value as Json, json};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::exit::{Code, Failure};
use super::fresh::say;
use super::{Start, run};
use crate::config::Loaded;
use crate::controllers::diag::{self, DiagError};
use crate::model::command::Args;
use crate::model::diag::{DiagEvent, DiagRequest, DiagResult, Verdict};
use crate::model::text::clean;
use args::{DiagCommand, Output};

/// The command that attaches a note.
const NOTE: &str = "alarm.note";

/// Runs a diagnostic.
pub(super) fn run(start: &Start, command: &DiagCommand) -> Result<Code, Failure> {
    let request = command.request().map_err(|e| Failure::usage(e.to_string()))?;
    let output = command.output();
    // What cannot be attached is told before anything is measured.
    let attach = match &output.attach {
        Some(alarm) => {
            let loaded = start.load()?;
            run::allowed(&loaded, start, NOTE, alarm, note("diagnostic".to_owned()))?;
            Some((loaded, alarm))
        }
        None => None,
    };
    let (kind, target) = (request.kind(), clean(&request.target()).into_owned());
    let ended = measure(request, output)?;
    let (code, text) = match &ended {
        Ok(result) => {
            print_result(result, output)?;
            (code(result.verdict()), result.note())
        }
        Err(error) => {
            let verdict = error.verdict().unwrap_or(Verdict::Failed);
            if output.json || output.ndjson {
                let mut line = json!({"test": kind, "target": target, "verdict": verdict.word(), "error": clean(&error.to_string())});
                if output.ndjson {
                    line = tagged(line);
                }
                print_line(&line.to_string())?;
            }
            (code(verdict), format!("{kind} {target}: {error}"))
        }
    };
    if let Some((loaded, alarm)) = attach {
        attach_note(start, loaded, alarm, text)?;
    }
    match ended {
        Ok(_) => Ok(code),
        Err(DiagError::Wrong(e)) => Err(Failure::usage(e.to_string())),
        Err(error) => Err(Failure::new(code, error.to_string())),
    }
}

const fn code(verdict: Verdict) -> Code {
    match verdict {
        Verdict::Reached => Code::Done,
        Verdict::Partly => Code::Partly,
        Verdict::Failed => Code::Failed,
        Verdict::Unreachable => Code::Unreachable,
    }
}

/// Runs it, and prints what happens. The outer error is one of ours: nobody reads what is printed.
fn measure(request: DiagRequest, output: &Output) -> Result<Result<DiagResult, DiagError>, Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|e| Failure::new(Code::Failed, format!("cannot start the runtime: {e}")))?;
    let ended = runtime.block_on(async {
        // From here on, before anything is sent or printed: whoever sees a line may interrupt.
        let mut interrupts = signal(SignalKind::interrupt())?;
        let (events, mut news) = mpsc::unbounded_channel();
        let cancel = CancellationToken::new();
        let work = diag::run(request, events, cancel.clone());
        let print = async {
            while let Some(event) = news.recv().await {
                if let Err(e) = print_event(&event, output) {
                    cancel.cancel();
                    return Err(e);
                }
            }
            Ok(())
        };
        let interrupted = async {
            interrupts.recv().await;
            cancel.cancel();
            std::future::pending::<()>().await;
        };
        tokio::select! {
            (ended, printed) = async { tokio::join!(work, print) } => printed.map(|()| ended),
            () = interrupted => Ok(Err(DiagError::Cancelled)),
        }
    });
    // A resolver of the system that hangs must not hold up the end.
    runtime.shutdown_background();
    Ok(ended?)
}

fn print_line(line: &str) -> io::Result<()> {
    let mut out = io::stdout().lock();
    writeln!(out, "{line}")?;
    out.flush()
}

fn print_event(event: &DiagEvent, output: &Output) -> io::Result<()> {
    match (output.json, output.ndjson) {
        (true, _) => Ok(()),
        (_, true) => print_line(&event.json().to_string()),
        _ => print_line(&event.line()),
    }
}

fn print_result(result: &DiagResult, output: &Output) -> io::Result<()> {
    if output.json {
        return print_line(&result.json().to_string());
    }
    if output.ndjson {
        return print_line(&tagged(result.json()).to_string());
    }
    result.closing().iter().try_for_each(|line| print_line(line))
}

/// The last line of a stream of events.
fn tagged(mut result: Json) -> Json {
    let mut out = serde_json::Map::new();
    out.insert("event".to_owned(), "result".into());
    if let Some(fields) = result.as_object_mut() {
        out.append(fields);
    }
    Json::Object(out)
}

fn note(text: String) -> Args {
    [("text".to_owned(), text)].into()
}

/// Attaches what came of it to an alarm, as `noctule run alarm.note` does.
fn attach_note(start: &Start, mut loaded: Loaded, alarm: &str, text: String) -> Result<(), Failure> {
    let _log = start.log(&mut loaded)?;
    let outcome = run::in_passing(&loaded, start, NOTE, alarm, note(text))?;
    if outcome.done == 0 {
        let why = outcome.errors.first().map_or_else(|| outcome.summary.clone(), |(_, why)| why.clone());
        return Err(Failure::new(Code::Failed, format!("the note was not attached: {why}")));
    }
    say(&outcome.summary);
    Ok(())
}
