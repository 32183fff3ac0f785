//! Changing a silence: another end, another comment, other conditions. What is not told stays.
//!
//! An Alertmanager keeps the id as long as the conditions stay; with others it ends the silence and
//! makes a new one in its place.

use crate::controllers::prometheus::map::{moment, silence_matchers, silence_words};
use crate::controllers::prometheus::wire::{NewSilence, Silence, SilenceMatcher};
use crate::model::command::{Args, Plan};
use crate::model::labels::{Matcher, matchers_text};
use crate::model::silence::{LONGEST, check_matchers};
use crate::model::text::{clean, counted};
use crate::model::time::Ts;
use crate::workers::now;
use crate::workers::source::SourceHandle;
use crate::workers::verb::{VerbError, span};

use super::{One, is_id};

/// What is to be changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// Which silence.
    pub id: String,
    /// How long it lasts from now on, µs.
    pub length: Option<i64>,
    /// Why.
    pub comment: Option<String>,
    /// Its conditions.
    pub matchers: Option<Vec<Matcher>>,
}

impl Change {
    /// Reads the arguments of `silence.change`.
    ///
    /// # Errors
    /// When one is missing or wrong.
    pub fn parse(command: &'static str, args: &Args) -> Result<Self, VerbError> {
        let get = |name: &str| args.get(name).map(|v| v.trim()).filter(|v| !v.is_empty());
        let id = get("id").ok_or(VerbError::Missing {
            command,
            arg: "id",
            what: "which silence: see `noctule silences`",
        })?;
        let length = get("duration").map(|text| span("duration", text, LONGEST, "30d")).transpose()?;
        let matchers = get("matchers").map(check_matchers).transpose();
        let matchers = matchers.map_err(|why| VerbError::Wrong { command, why })?;
        let comment = get("comment").map(str::to_owned);
        if length.is_none() && matchers.is_none() && comment.is_none() {
            let what = "how long it lasts from now on; or comment=, matchers=";
            return Err(VerbError::Missing { command, arg: "duration", what });
        }
        Ok(Self { id: id.to_owned(), length, comment, matchers })
    }

    /// The silence with the change in it; nothing when it is so already.
    pub(super) async fn one(&self, server: SourceHandle, actor: &str) -> Result<Option<One>, String> {
        if !is_id(&self.id) {
            return Err(format!("`{}` is no id of a silence: see `noctule silences`", clean(&self.id)));
        }
        let alerts = server.alerts().ok_or_else(|| format!("{} keeps no silences", server.name()))?;
        let old = alerts.one_silence(&self.id).await?;
        if old.status.state == "expired" {
            return Err("the silence is over: make a new one with its conditions (silence.create)".to_owned());
        }
        let Some(new) = self.apply(&old, actor, now()) else { return Ok(None) };
        let label = silence_words(&old);
        let matchers = new.matchers.iter().map(Into::into).collect();
        Ok(Some(One { server, matchers, id: old.id, label, new: Some(new) }))
    }

    fn apply(&self, old: &Silence, actor: &str, now: Ts) -> Option<NewSilence> {
        let given = self.matchers.as_ref().map(|all| all.iter().map(SilenceMatcher::from).collect::<Vec<_>>());
        let matchers = given.unwrap_or_else(|| old.matchers.clone());
        // One that has not begun lasts from its beginning on.
        let from = moment(&old.starts_at).map_or(now, |start| start.max(now));
        let ends_at = self.length.map_or_else(|| old.ends_at.clone(), |length| from.plus(length).to_rfc3339());
        let comment = self.comment.clone().unwrap_or_else(|| old.comment.clone());
        if (&matchers, &ends_at, &comment) == (&old.matchers, &old.ends_at, &old.comment) {
            return None;
        }
        let created_by = actor.to_owned();
        Some(NewSilence {
            id: Some(old.id.clone()),
            matchers,
            starts_at: old.starts_at.clone(),
            ends_at,
            created_by,
            comment,
        })
    }
}

/// What a change does to a silence, as its server has it now.
pub(super) async fn plan(plan: &mut Plan, one: &One) -> Result<(), String> {
    let (Some(new), Some(alerts)) = (&one.new, one.server.alerts()) else { return Ok(()) };
    let old = alerts.one_silence(&one.id).await?;
    let text = matchers_text(&one.matchers);
    plan.title = clean(&format!("Change silence {} at {}", one.id, one.server.name())).into_owned();
    plan.calls.push(format!("{}: POST /api/v2/silences with its id", one.server.name()));
    let mut changed = |what: &str, before: &str, after: &str| {
        if before != after {
            plan.notes.push(clean(&format!("{what}: {before} -> {after}")).into_owned());
        }
    };
    let when = |text: &str| moment(text).map_or_else(|| text.to_owned(), Ts::to_rfc3339);
    changed("Ends", &when(&old.ends_at), &when(&new.ends_at));
    changed("Comment", &old.comment, &new.comment);
    changed("By", &old.created_by, &new.created_by);
    changed("Conditions", &silence_matchers(&old), &text);
    let (_, hit) = alerts.matching(&one.matchers, 0).await?;
    plan.notes.push(format!("{} true of {} now.", clean(&text), counted(hit, "alert", "alerts")));
    if new.matchers != old.matchers {
        plan.irreversible.push("With other conditions the server ends it and makes another, with another id.".into());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::controllers::prometheus::wire::SilenceStatus;
    use crate::model::time::{HOUR, MINUTE};

    fn old(starts: Ts) -> Silence {
        Silence {
            id: "0a325f34-6531-4534-83f7-848253e38eee".into(),
            status: SilenceStatus { state: "active".into() },
            matchers: vec![(&Matcher::is("olt", "a")).into()],
            starts_at: starts.to_rfc3339(),
            ends_at: Ts(HOUR).to_rfc3339(),
            updated_at: String::new(),
            created_by: "op1".into(),
            comment: "splice".into(),
        }
    }

    fn change(pairs: &[(&str, &str)]) -> Result<Change, VerbError> {
        let id = ("id", "0a325f34-6531-4534-83f7-848253e38eee");
        let all = std::iter::once(&id).chain(pairs);
        Change::parse("silence.change", &all.map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect())
    }

    #[test]
    fn what_is_not_told_stays() {
        let (start, now) = (Ts(0), Ts(10 * MINUTE));
        let new = change(&[("duration", "2h")]).unwrap().apply(&old(start), "anna", now).unwrap();
        assert_eq!((new.comment.as_str(), new.created_by.as_str()), ("splice", "anna"));
        assert_eq!((new.starts_at.as_str(), &new.matchers), (start.to_rfc3339().as_str(), &old(start).matchers));
        assert_eq!(Ts::parse_rfc3339(&new.ends_at), Some(now.plus(2 * HOUR)));
        assert_eq!(change(&[("comment", "splice")]).unwrap().apply(&old(start), "anna", now), None);
        // One that begins later lasts from then on.
        let later = Ts(30 * MINUTE);
        let new = change(&[("duration", "2h")]).unwrap().apply(&old(later), "anna", now).unwrap();
        assert_eq!(Ts::parse_rfc3339(&new.ends_at), Some(later.plus(2 * HOUR)));
    }

    #[test]
    fn a_change_that_changes_nothing_or_too_much_is_refused() {
        let told = |pairs: &[(&str, &str)]| change(pairs).unwrap_err().to_string();
        assert!(told(&[]).contains("duration"));
        assert!(told(&[("duration", "40d")]).contains("30d"));
        assert!(told(&[("matchers", "olt=~\".*\"")]).contains("everything"));
        assert!(Change::parse("silence.change", &Args::new()).unwrap_err().to_string().contains("id"));
    }
}
