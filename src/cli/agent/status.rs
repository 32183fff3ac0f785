//! `noctule agent --status`: who owns the cache, and what it does.

use std::io::Write as _;

use serde_json::{Value as Json, json};

use super::super::exit::{Code, Failure};
use super::super::fresh::say;
use super::quiet;
use crate::config::Loaded;
use crate::model::text::clean;
use crate::store;
use crate::workers::relay::Client;
use crate::workers::relay::wire::Status;

/// Prints it. [`Code::Failed`] when nobody is there, [`Code::Unreachable`] when somebody is and does
/// not answer.
pub(super) fn run(loaded: &Loaded, json: bool) -> Result<Code, Failure> {
    let path = loaded.cache_path();
    let mut out = std::io::stdout().lock();
    let Some(pid) = store::owner(&path)? else {
        if json {
            writeln!(out, "{}", json!({"running": false}))?;
        } else {
            writeln!(out, "no noctule works on {}", path.display())?;
        }
        return Ok(Code::Failed);
    };
    match quiet()?.block_on(Client::new(&path).status()) {
        Ok(status) if json => writeln!(out, "{}", object(&status))?,
        Ok(status) => {
            for line in lines(&status) {
                writeln!(out, "{}", clean(&line))?;
            }
        }
        Err(error) => {
            if json {
                writeln!(out, "{}", json!({"running": true, "pid": pid, "error": error.to_string()}))?;
            } else {
                let who = pid.map_or_else(|| "a noctule".to_owned(), |pid| format!("process {pid}"));
                say(&format!("{who} owns {}: {error}", path.display()));
            }
            return Ok(Code::Unreachable);
        }
    }
    Ok(Code::Done)
}

fn object(status: &Status) -> Json {
    let about = &status.about;
    json!({
        "running": true,
        "role": clean(&about.role),
        "pid": about.pid,
        "since": about.since.to_rfc3339(),
        "profile": clean(&about.profile),
        "version": clean(&about.version),
        "sources": status.sources.iter().map(|s| clean(s)).collect::<Vec<_>>(),
        "jobs": status.jobs.iter().map(|job| json!({
            "id": clean(&job.id),
            "name": clean(&job.name),
            "phase": clean(&job.phase),
            "through": job.through,
            "total": job.total,
        })).collect::<Vec<_>>(),
    })
}

fn lines(status: &Status) -> Vec<String> {
    let about = &status.about;
    let mut out = vec![
        format!("{}: process {} since {}", about.role, about.pid, about.since.to_rfc3339()),
        format!("profile {}, noctule {}", about.profile, about.version),
        format!("sources: {}", status.sources.join(", ")),
    ];
    if status.jobs.is_empty() {
        out.push("no jobs".to_owned());
    }
    for job in &status.jobs {
        out.push(format!("job {}  {}  {}  {} of {} through", job.id, job.name, job.phase, job.through, job.total));
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::time::Ts;
    use crate::workers::relay::wire::{About, JobLine, PROTOCOL};

    #[test]
    fn it_tells_who_and_what() {
        let about = About {
            protocol: PROTOCOL,
            version: "0.1".into(),
            pid: 42,
            since: Ts(1_795_186_238_000_000),
            role: "agent".into(),
            profile: "noc".into(),
        };
        let job = JobLine { id: "0193".into(), name: "wifi".into(), phase: "running".into(), through: 2, total: 9 };
        let status = Status { about, sources: vec!["acs-1".into()], jobs: vec![job] };
        let text = lines(&status).join("\n");
        assert!(
            text.contains("agent: process 42 since 2026-11-20T") && text.contains("wifi  running  2 of 9"),
            "{text}"
        );
        let value = object(&status);
        assert_eq!((&value["pid"], &value["jobs"][0]["total"]), (&json!(42), &json!(9)));
    }
}
