//! What can be done with jobs: read from a command and its arguments, checked against the job's
//! phase before it is asked for. Pure.

use crate::config::secret::SecretRef;
use crate::model::command::Args;
use crate::model::job::{Control, JobRow, Phase, Priority};
use crate::model::text;

use super::verb::VerbError;

/// A verb with its arguments.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum JobVerb {
    /// Make one.
    Create(Wish),
    /// Steer it.
    Control(Control),
    /// Go on; with a reference to the secret that it lost, or none.
    Resume(String),
    /// Put back what it changed.
    RollBack {
        /// Only find out what would be put back.
        dry_run: bool,
    },
}

/// A request of a job, not read yet.
#[derive(Clone, PartialEq, Eq)]
pub enum Wish {
    /// A file.
    File(String),
    /// The text itself.
    Text(String),
}

/// The text may hold a password.
impl std::fmt::Debug for Wish {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::File(path) => f.debug_tuple("File").field(path).finish(),
            Self::Text(_) => f.write_str("Text(…)"),
        }
    }
}

impl JobVerb {
    /// Reads a command and its arguments; `None` when it is none of these.
    ///
    /// # Errors
    /// When an argument is missing or wrong.
    pub fn parse(command: &'static str, args: &Args) -> Result<Option<Self>, VerbError> {
        let get = |name: &str| args.get(name).map_or("", |v| v.trim());
        let wrong = |why: String| VerbError::Wrong { command, why };
        Ok(Some(match command {
            "cpe.job.create" | "cpe.job.try" => match (get("file"), get("request")) {
                ("", "") => {
                    return Err(VerbError::Missing {
                        command,
                        arg: "file",
                        what: "the path of a request, TOML or JSON",
                    });
                }
                (file, "") => Self::Create(Wish::File(file.to_owned())),
                ("", request) => Self::Create(Wish::Text(request.to_owned())),
                _ => return Err(wrong("give file or request, not both".to_owned())),
            },
            "job.start" => Self::Control(Control::Start),
            "job.pause" => Self::Control(Control::Pause),
            "job.resume" => {
                let secret = get("secret");
                if !secret.is_empty() && secret.parse::<SecretRef>().is_err() {
                    return Err(wrong(
                        "secret: write env:NAME, file:PATH or cmd:COMMAND, never the secret itself".into(),
                    ));
                }
                Self::Resume(secret.to_owned())
            }
            "job.cancel" => Self::Control(Control::Cancel),
            "job.retry" => Self::Control(Control::Retry),
            "job.rollback" => Self::RollBack { dry_run: get("dry-run").eq_ignore_ascii_case("yes") },
            "job.priority" => match Priority::parse(get("priority")) {
                Some(priority) => Self::Control(Control::Priority(priority)),
                None if get("priority").is_empty() => {
                    return Err(VerbError::Missing { command, arg: "priority", what: "low, normal or high" });
                }
                None => {
                    let given = text::clean(get("priority")).into_owned();
                    return Err(wrong(format!("no priority {given}; {}", Priority::WORDS.join(", "))));
                }
            },
            _ => return Ok(None),
        }))
    }

    /// The verb at the head of a title, and in the past.
    #[must_use]
    pub const fn words(&self) -> (&'static str, &'static str) {
        match self {
            Self::Create(_) => ("Make", "made"),
            Self::Control(Control::Start) => ("Start", "started"),
            Self::Control(Control::Pause) => ("Pause", "paused"),
            Self::Control(Control::Resume) | Self::Resume(_) => ("Resume", "resumed"),
            Self::Control(Control::Cancel) => ("Cancel", "cancelled"),
            Self::Control(Control::Retry) => ("Retry what failed of", "retried"),
            Self::Control(Control::Priority(_)) => ("Change the priority of", "priority changed of"),
            Self::RollBack { .. } => ("Roll back", "rolled back"),
        }
    }

    /// Whether it can be done to a job; else why not.
    ///
    /// # Errors
    /// The reason, in words that fit after `3 skipped:`.
    pub fn check(&self, row: &JobRow) -> Result<(), &'static str> {
        let open = matches!(row.phase, Phase::Ended | Phase::Held | Phase::Paused | Phase::Running);
        let queued = row.counts.of(crate::model::job::Class::OfflineQueued) > 0;
        match self {
            Self::Control(Control::Start) if row.phase != Phase::Waiting => Err("does not wait for its time"),
            Self::Control(Control::Pause) if row.phase == Phase::Paused => Err("already paused"),
            Self::Control(Control::Pause) if row.phase != Phase::Running => Err("not running"),
            Self::Control(Control::Resume) | Self::Resume(_) if !matches!(row.phase, Phase::Paused | Phase::Held) => {
                Err("neither paused nor held")
            }
            Self::Control(Control::Cancel) if row.phase == Phase::Cancelling => Err("being cancelled already"),
            Self::Control(Control::Cancel) if row.phase == Phase::Ended && !queued => Err("over"),
            Self::Control(Control::Cancel) if matches!(row.phase, Phase::Cancelled | Phase::Refused) => Err("over"),
            Self::Control(Control::Retry) if !open => Err("not begun, or cancelled"),
            Self::Control(Control::Retry) if row.counts.failed() == 0 => Err("nothing failed"),
            Self::Control(Control::Priority(_)) if row.phase.is_over() => Err("over"),
            Self::Control(Control::Priority(p)) if *p == row.priority => Err("has that priority"),
            Self::RollBack { .. } if row.dry_run => Err("was a dry run"),
            Self::RollBack { .. } if !matches!(row.work.as_str(), "configure" | "roll-back") => {
                Err("saved no values: only a job that sets parameters can be rolled back")
            }
            Self::RollBack { .. } if matches!(row.phase, Phase::Running | Phase::Cancelling) => {
                Err("still running: cancel or pause it first")
            }
            Self::RollBack { .. } if row.started_at == crate::model::time::Ts::NEVER => Err("not begun"),
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(command: &'static str, pairs: &[(&str, &str)]) -> Result<Option<JobVerb>, VerbError> {
        JobVerb::parse(command, &pairs.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect())
    }

    #[test]
    fn a_request_comes_from_a_file_or_as_text() {
        let verb = parse("cpe.job.create", &[("request", "name = 'x'\n[wifi]\npassword = 'hunter22'")]);
        assert!(!format!("{verb:?}").contains("hunter22"));
        assert!(matches!(parse("cpe.job.create", &[]), Err(VerbError::Missing { arg: "file", .. })));
        assert!(parse("cpe.job.create", &[("file", "a"), ("request", "b")]).is_err());
        assert_eq!(parse("cpe.reboot", &[]), Ok(None));
    }

    #[test]
    fn a_secret_is_only_taken_by_reference() {
        let error = parse("job.resume", &[("secret", "hunter22")]).unwrap_err().to_string();
        assert!(!error.contains("hunter22"), "{error}");
        assert_eq!(parse("job.resume", &[("secret", "env:WIFI")]), Ok(Some(JobVerb::Resume("env:WIFI".into()))));
    }

    #[test]
    fn priorities_are_words() {
        let high = parse("job.priority", &[("priority", "High")]);
        assert_eq!(high, Ok(Some(JobVerb::Control(Control::Priority(Priority::High)))));
        assert!(
            parse("job.priority", &[("priority", "urgent")]).unwrap_err().to_string().contains("low, normal, high")
        );
    }
}
