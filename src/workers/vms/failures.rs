//! Operations that failed: kept beside the journal until somebody has dealt with them, and what the
//! configured policy does about them.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Instant;

use crate::config::schema::OnFailure;
use crate::engine::vm::policy::{Due, Policy, due};
use crate::model::text::clean;
use crate::model::time::Ts;
use crate::model::vm::HostState;
use crate::model::vm::failure::{Failure, Leftover, Made, Row};
use crate::model::vm::state::Power;
use crate::workers::now;

use super::ops;
use super::shared::Shared;

/// Who it is that acts by policy.
const ACTOR: &str = "policy";

/// By UUID of the machine.
pub(super) type Failures = BTreeMap<String, Failure>;

/// The name under which those of a host are kept.
pub(super) fn key(source: &str) -> String {
    format!("vm.failures {source}")
}

/// Reads what was kept; what cannot be read is told and given up.
pub(super) fn read(source: &str, text: &str) -> Failures {
    serde_json::from_str(text).unwrap_or_else(|why| {
        tracing::warn!(%source, %why, "what was known of failed operations cannot be read");
        Failures::default()
    })
}

impl Shared {
    /// What the configuration says about machines whose operation failed.
    pub(super) const fn policy(&self) -> Policy {
        match &self.config.on_failure {
            OnFailure::Log => Policy::LogOnly,
            OnFailure::Stop => Policy::Stop,
            OnFailure::Delete(after) => Policy::Delete { after_days: after.days },
        }
    }

    /// An operation failed. What an earlier one left stays known.
    pub(super) fn failed(&self, uuid: &str, failure: Failure) {
        self.edit(uuid, |before| {
            let mut failure = failure;
            let known = before.take().map(|before| before.made).unwrap_or_default();
            failure.made.extend(known.into_iter().filter(|left| !failure.made.contains(left)).collect::<Vec<_>>());
            *before = Some(failure);
        });
    }

    /// An operation has succeeded: one of the same kind that failed before has been dealt with. Only an
    /// unfinished backup is still there; a file of the same name may be another by now.
    pub(super) fn succeeded(&self, uuid: &str, operation: &str) {
        self.edit(uuid, |before| {
            let Some(failure) = before.as_mut().filter(|failure| failure.operation == operation) else { return };
            failure.made.retain(|left| !matches!(left.what, Made::File(_)));
            failure.settled = true;
            if failure.made.is_empty() || !matches!(self.policy(), Policy::Delete { .. }) {
                *before = None;
            }
        });
    }

    /// The operator has dealt with it; what it was, if there was anything.
    pub(super) fn dismiss(&self, uuid: &str) -> Option<Failure> {
        let mut was = None;
        self.edit(uuid, |before| was = before.take());
        was
    }

    /// What is known of a failed operation on a machine.
    pub(super) fn failure(&self, uuid: &str) -> Option<Failure> {
        crate::workers::lock(&self.failures).get(uuid).cloned()
    }

    /// What is kept of a failed operation on a machine, whichever process keeps it: for a plan, which is
    /// made where it is asked for.
    pub(super) async fn kept_failure(self: &Arc<Self>, uuid: &str) -> Option<Failure> {
        let shared = Arc::clone(self);
        let kept = crate::workers::blocking(move || shared.cache.noted(&key(&shared.name))).await.ok().flatten()?;
        read(&self.name, &kept).remove(uuid)
    }

    /// Changes what is known, and keeps it where it differs.
    fn edit(&self, uuid: &str, change: impl FnOnce(&mut Option<Failure>)) {
        let mut all = crate::workers::lock(&self.failures);
        let before = all.remove(uuid);
        let mut after = before.clone();
        change(&mut after);
        let same = before == after;
        if let Some(after) = after {
            all.insert(uuid.to_owned(), after);
        }
        if same {
            return;
        }
        // Noted in the order of the changes.
        match serde_json::to_string(&*all) {
            Ok(text) => self.cache.note(&key(&self.name), &text),
            Err(why) => tracing::warn!(source = %self.name, %why, "failed operations cannot be kept"),
        }
        drop(all);
        self.changed(uuid);
    }

    fn wrote(&self, uuid: &str, row: Row) {
        self.edit(uuid, |known| {
            if let Some(known) = known {
                known.rows.push(row);
            }
        });
    }

    /// Does what the policy wants done now, as the machines are; in a task of its own, one at a time.
    pub(super) fn follow_policy(self: &Arc<Self>, state: &HostState) {
        let power = |uuid: &str| state.vms.iter().find(|vm| vm.uuid == uuid).map(|vm| vm.power);
        let all = crate::workers::lock(&self.failures).clone();
        let at = now();
        let wanted: Vec<(String, Option<Power>)> = all
            .iter()
            .map(|(uuid, failure)| (uuid, failure, power(uuid)))
            .filter(|(_, failure, power)| due(self.policy(), &self.name, failure, *power, at).is_some())
            .map(|(uuid, _, power)| (uuid.clone(), power))
            .collect();
        if wanted.is_empty() {
            return;
        }
        let shared = Arc::clone(self);
        tokio::spawn(async move {
            let Ok(_one) = shared.acting.try_lock() else { return };
            for (uuid, power) in wanted {
                if let Err(why) = shared.act(&uuid, power).await {
                    tracing::warn!(source = %shared.name, %why, "what policy wants is not done: its row is not written");
                }
            }
        });
    }

    /// Does all that is due for one machine. Who calls it holds [`Shared::acting`]: what is due is looked
    /// up, done and only then noted, so two at once would do it twice.
    ///
    /// # Errors
    /// A row is not in the journal: what it announces is not done.
    pub(super) async fn act(&self, uuid: &str, power: Option<Power>) -> Result<Vec<String>, String> {
        let mut said = Vec::new();
        while let Some(failure) = self.failure(uuid) {
            let Some(what) = due(self.policy(), &self.name, &failure, power, now()) else { break };
            let target = format!("{}/vm/{}", self.name, failure.vm);
            let began = Instant::now();
            match what {
                Due::Write(row, words) => {
                    self.logged(ACTOR, "on_failure", &target, began, Ok(&words)).await?;
                    self.wrote(uuid, row);
                    said.push(words);
                }
                Due::Stop => {
                    let told = ops::ask_to_stop(&self.host(), uuid).await;
                    let outcome = told.as_ref().map(|()| "asked to shut down").map_err(String::as_str);
                    self.logged(ACTOR, "on_failure stop", &target, began, outcome).await?;
                    self.wrote(uuid, Row::Stopped);
                }
                Due::Delete => self.delete(uuid, &failure, &target).await?,
            }
        }
        Ok(said)
    }

    /// Deletes what a failed operation made; what cannot be deleted is tried again later.
    async fn delete(&self, uuid: &str, failure: &Failure, target: &str) -> Result<(), String> {
        let host = self.host();
        let mut kept: Vec<Leftover> = Vec::new();
        for left in &failure.made {
            let began = Instant::now();
            let told = ops::discard(&host, uuid, &left.what, Ts(failure.at)).await;
            let outcome = told.as_ref().map(String::as_str).map_err(String::as_str);
            self.logged(ACTOR, "on_failure delete", target, began, outcome).await?;
            if told.is_err() {
                kept.push(left.clone());
            }
        }
        self.edit(uuid, |known| {
            let Some(now_known) = known else { return };
            now_known.made.retain(|left| kept.contains(left) || !failure.made.contains(left));
            now_known.tried = now().0;
            if now_known.made.is_empty() && now_known.settled {
                *known = None;
            }
        });
        Ok(())
    }
}

/// A failed operation, to be remembered; what it left on other hosts, by their names.
pub(super) fn of_report(vm: &str, operation: String, words: &str, made: Vec<Leftover>) -> (Failure, Vec<Leftover>) {
    let (here, there) = made.into_iter().partition(|left: &Leftover| left.host.is_empty());
    let failure = Failure {
        vm: vm.to_owned(),
        operation,
        at: now().0,
        words: clean(words).into_owned(),
        made: here,
        ..Failure::default()
    };
    (failure, there)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_kept_is_read_again_and_what_cannot_be_is_no_end() {
        let made = vec![
            Leftover::here(Made::Backup { folder: "/b/tiny".into(), path: "/b/tiny/x.partial".into() }),
            Leftover::here(Made::Checkpoint("noctule-x".into())),
            Leftover { host: "B".into(), what: Made::File("/d/tiny.qcow2".into()) },
        ];
        let (failure, there) = of_report("tiny", "move".into(), "it \u{1b}[31mfailed", made);
        assert_eq!((failure.made.len(), there.len(), failure.words.as_str()), (2, 1, "it failed"));
        let mut failure = Failure { rows: vec![Row::Failed, Row::Deleting], ..failure };
        failure.made.extend(there);
        let all: Failures = [("u".to_owned(), failure)].into();
        assert_eq!(read("A", &serde_json::to_string(&all).unwrap()), all);
        // Fields that a later version adds or drops lose nothing else.
        let known = read("A", r#"{"u": {"vm": "tiny", "words": "it failed", "colour": 3}}"#);
        assert_eq!(known["u"].words, "it failed");
        assert_eq!(read("A", "{nothing"), Failures::default());
    }
}
