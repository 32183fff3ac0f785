//! Silences at Alertmanagers: what a command about them means, its plan, and its run.
//!
//! They are in no cache, so plans ask the server: the conditions of a silence are the labels of the
//! very alerts behind the alarms. What was made is read back before it counts as done.

mod change;

use std::collections::BTreeMap;
use std::ops::ControlFlow;

use tokio_util::sync::CancellationToken;

use crate::controllers::prometheus::map::{identity_hash, silence_row, silence_words};
use crate::controllers::prometheus::wire::NewSilence;
use crate::model::alarm::AlarmRow;
use crate::model::command::{Args, Intent, Outcome, Plan, Targets};
use crate::model::labels::{Labels, Matcher, matchers_text};
use crate::model::silence::{LONGEST, SilenceList, check_matchers};
use crate::model::text::{clean, counted};
use crate::model::time::{Ts, brief_duration};
use crate::store::Store;

use super::actions::{Progress, Run, failed};
use super::now;
use super::source::{SourceHandle, Sources};
use super::targets::{Tally, alarm_label};
use super::verb::{VerbError, span};

pub use change::Change;

/// The most silences that one command makes or ends: more want conditions of their own.
const MOST: usize = 50;
/// Lines of a plan.
const LINES: usize = 10;

/// A verb with its arguments.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SilenceVerb {
    /// Make one for each alert behind the alarms, or one of these conditions.
    Create {
        /// Until when.
        until: Ts,
        /// How long, µs.
        length: i64,
        /// Why.
        comment: String,
        /// Conditions instead of the labels of alarms; empty for those.
        matchers: Vec<Matcher>,
    },
    /// Give one another end, another comment, other conditions.
    Change(Change),
    /// End these, or those that suppress the alarms.
    Expire(Vec<String>),
}

/// Whether a command is about silences.
#[must_use]
pub fn is(command: &str) -> bool {
    matches!(command, "silence.create" | "silence.change" | "silence.expire")
}

/// Whether its arguments say all, so that it needs no alarms.
#[must_use]
pub fn stands_alone(command: &str, args: &Args) -> bool {
    let given = |name: &str| args.get(name).is_some_and(|v| !v.trim().is_empty());
    match command {
        "silence.create" => given("matchers"),
        "silence.change" | "silence.expire" => given("id"),
        _ => false,
    }
}

/// What every Alertmanager keeps, asked now.
pub async fn lists(sources: &Sources) -> Vec<SilenceList> {
    let servers = sources.iter().filter(|s| s.is_alertmanager());
    let asked = servers.map(|s| async move {
        let list = s.silences().await;
        (s.name().clone(), list.map(|all| all.iter().map(|one| silence_row(s.name(), one, now())).collect()))
    });
    futures_util::future::join_all(asked).await
}

impl SilenceVerb {
    /// Reads a command and its arguments; `None` when it is none of these.
    ///
    /// # Errors
    /// When an argument is missing or wrong.
    pub fn parse(command: &'static str, args: &Args, now: Ts) -> Result<Option<Self>, VerbError> {
        let get = |name: &str| args.get(name).map_or("", |v| v.trim());
        let need = |arg: &'static str, what: &'static str| match get(arg) {
            "" => Err(VerbError::Missing { command, arg, what }),
            value => Ok(value),
        };
        Ok(match command {
            "silence.create" => {
                let length = need("duration", "how long it lasts, at most 30d: it ends by itself")?;
                let length = span("duration", length, LONGEST, "30d")?;
                let comment = need("comment", "why, for whoever finds it")?.to_owned();
                let matchers = match get("matchers") {
                    "" => Vec::new(),
                    text => check_matchers(text).map_err(|why| VerbError::Wrong { command, why })?,
                };
                Some(Self::Create { until: now.plus(length), length, comment, matchers })
            }
            "silence.change" => Some(Self::Change(Change::parse(command, args)?)),
            "silence.expire" => {
                let ids = get("id").split([',', ' ']).filter(|id| !id.is_empty());
                Some(Self::Expire(ids.map(str::to_owned).collect()))
            }
            _ => None,
        })
    }
}

/// A silence to be made or ended, with the way to its server.
struct One {
    server: SourceHandle,
    /// Conditions of a new one.
    matchers: Vec<Matcher>,
    /// Id of one that is.
    id: String,
    /// In words.
    label: String,
    /// What a change is to make of it.
    new: Option<NewSilence>,
}

impl One {
    /// A new one.
    fn fresh(server: SourceHandle, matchers: Vec<Matcher>, label: String) -> Self {
        Self { server, matchers, id: String::new(), label, new: None }
    }

    /// One that is.
    const fn kept(server: SourceHandle, id: String, label: String) -> Self {
        Self { server, matchers: Vec::new(), id, label, new: None }
    }
}

/// An alert: which alarm it is, its labels, the ids of its silences.
type Behind = (u64, Labels, Vec<String>);

/// What an intent means now.
struct Wish {
    verb: SilenceVerb,
    ones: Vec<One>,
    tally: Tally,
}

/// The alarms that targets mean, at most one more than may be.
async fn rows(store: &Store, targets: &Targets) -> Result<Vec<AlarmRow>, String> {
    let (store, targets) = (store.clone(), targets.clone());
    let read = crate::workers::blocking(move || {
        let mut rows = Vec::new();
        store.reader()?.each_alarm(&targets, &mut |row| {
            rows.push(row.clone());
            if rows.len() > MOST { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        })?;
        Ok::<_, crate::store::Error>(rows)
    });
    let rows = read.await?.map_err(|e| e.to_string())?;
    if rows.len() > MOST {
        return Err(format!(
            "more than {MOST} alarms: give conditions that hold for all of them, matchers='olt=\"olt-001\"'"
        ));
    }
    Ok(rows)
}

/// The Alertmanager of that name; the only one when none is named.
fn server(sources: &Sources, wanted: &str) -> Result<SourceHandle, String> {
    let all: Vec<&SourceHandle> = sources.iter().filter(|s| s.is_alertmanager()).collect();
    if !wanted.is_empty() {
        let found = all.iter().find(|s| &**s.name() == wanted);
        return found
            .map(|s| (*s).clone())
            .ok_or_else(|| format!("no Alertmanager source is called `{}`", clean(wanted)));
    }
    match all.as_slice() {
        [only] => Ok((*only).clone()),
        [] => Err("no Alertmanager source is configured".to_owned()),
        many => {
            let names: Vec<&str> = many.iter().map(|s| &**s.name()).collect();
            Err(format!("there are several Alertmanagers ({}): say which with source=NAME", names.join(", ")))
        }
    }
}

fn is_id(text: &str) -> bool {
    uuid::Uuid::try_parse(text).is_ok()
}

impl Wish {
    async fn of(store: &Store, sources: &Sources, intent: &Intent) -> Result<Self, String> {
        let verb = SilenceVerb::parse(intent.command, &intent.args, now()).map_err(|e| e.to_string())?;
        let verb = verb.ok_or_else(|| format!("`{}` is no such command", intent.command))?;
        let named = intent.args.get("source").map_or("", |s| s.trim());
        let mut wish = Self { verb: verb.clone(), ones: Vec::new(), tally: Tally::default() };
        match &verb {
            SilenceVerb::Create { matchers, .. } if !matchers.is_empty() => {
                wish.add(One::fresh(server(sources, named)?, matchers.clone(), matchers_text(matchers)));
            }
            SilenceVerb::Create { .. } => wish.of_alarms(store, sources, &intent.targets).await?,
            SilenceVerb::Change(change) => {
                let server = server(sources, named)?;
                if let Some(one) = change.one(server, &intent.actor).await? {
                    wish.add(one);
                } else {
                    wish.tally.skip("is so already");
                }
            }
            SilenceVerb::Expire(ids) => {
                let by_name = match &intent.targets {
                    Targets::Names(_, names) if names.iter().any(|n| is_id(n)) => names.as_slice(),
                    _ => &[],
                };
                let ids: Vec<&String> = ids.iter().chain(by_name).collect();
                if ids.is_empty() {
                    wish.of_alarms(store, sources, &intent.targets).await?;
                } else {
                    wish.of_ids(server(sources, named)?, &ids).await?;
                }
            }
        }
        Ok(wish)
    }

    fn add(&mut self, one: One) {
        let known = self
            .ones
            .iter()
            .any(|o| o.server.name() == one.server.name() && o.matchers == one.matchers && o.id == one.id);
        if !known {
            let label = clean(&one.label).into_owned();
            self.tally.take(|| label);
            self.ones.push(one);
        }
    }

    async fn of_ids(&mut self, server: SourceHandle, ids: &[&String]) -> Result<(), String> {
        let alerts = server.alerts().ok_or_else(|| format!("{} keeps no silences", server.name()))?;
        for id in ids {
            if !is_id(id) {
                return Err(format!("`{}` is no id of a silence: see `noctule silences`", clean(id)));
            }
            let silence = alerts.one_silence(id).await?;
            if silence.status.state == "expired" {
                self.tally.skip("over already");
                continue;
            }
            let label = silence_words(&silence);
            self.add(One::kept(server.clone(), silence.id, label));
        }
        Ok(())
    }

    /// From alarms: the alerts behind them as their servers have them now.
    async fn of_alarms(&mut self, store: &Store, sources: &Sources, targets: &Targets) -> Result<(), String> {
        if *targets == Targets::None {
            return Err("it needs alarms to work on, conditions (matchers=), or ids (id=)".to_owned());
        }
        let mut types: BTreeMap<(String, String), Vec<Behind>> = BTreeMap::new();
        for row in rows(store, targets).await? {
            let Some(server) = sources.get(&row.source).filter(|s| s.is_alertmanager()) else {
                self.tally.skip("not from an Alertmanager");
                continue;
            };
            if row.cleared {
                self.tally.skip("over already");
                continue;
            }
            let Some(alerts) = server.alerts() else { continue };
            let key = (row.source.to_string(), row.type_id.clone());
            if !types.contains_key(&key) {
                let found = alerts.of_type(&row.type_id).await?;
                types.insert(key.clone(), found);
            }
            let id = identity_hash(&row.resource, &row.type_id, &row.qualifier);
            let behind: Vec<_> = types.get(&key).into_iter().flatten().filter(|(of, ..)| *of == id).collect();
            if behind.is_empty() {
                self.tally.skip("its Alertmanager no longer has it");
            }
            for (_, labels, silenced) in behind {
                if matches!(self.verb, SilenceVerb::Create { .. }) {
                    let label = alarm_label(&row);
                    let matchers = labels.iter().map(|(name, value)| Matcher::is(name, value)).collect();
                    self.add(One::fresh(server.clone(), matchers, label));
                    continue;
                }
                if silenced.is_empty() {
                    self.tally.skip("not silenced");
                }
                let ids: Vec<&String> = silenced.iter().collect();
                self.of_ids(server.clone(), &ids).await?;
            }
        }
        Ok(())
    }
}

/// What a command would do, as the servers are now.
///
/// # Errors
/// Why it cannot be done, in words.
pub async fn plan(store: &Store, sources: &Sources, intent: &Intent) -> Result<Plan, String> {
    let wish = Wish::of(store, sources, intent).await?;
    let total = wish.tally.total;
    let mut plan = Plan {
        total,
        first: wish.tally.first.clone(),
        skipped: wish.tally.skipped.into_iter().collect(),
        phrase: total.to_string(),
        ..Plan::default()
    };
    match &wish.verb {
        SilenceVerb::Create { until, length, comment, .. } => {
            plan.title = format!("Silence {} for {}", counted(total, "alert", "alerts"), brief_duration(*length));
            if let [only] = wish.ones.as_slice() {
                plan.title = format!("Silence {} for {}", clean(&only.label), brief_duration(*length));
            }
            for one in wish.ones.iter().take(LINES) {
                let Some(alerts) = one.server.alerts() else { continue };
                let (_, hit) = alerts.matching(&one.matchers, 0).await?;
                let text = matchers_text(&one.matchers);
                plan.calls.push(clean(&format!("{}: POST /api/v2/silences {text}", one.server.name())).into_owned());
                plan.notes.push(format!("{} true of {} now.", clean(&text), counted(hit, "alert", "alerts")));
            }
            plan.notes.push(format!("It ends by itself at {}; silence.expire ends it before.", until.to_rfc3339()));
            plan.notes.push(format!("Made by {}: {}.", clean(&intent.actor), clean(comment)));
            plan.notes.push("Nobody is notified of what it silences, wherever the Alertmanager sends to.".into());
        }
        SilenceVerb::Change(_) => {
            plan.title = format!("Change {}", counted(total, "silence", "silences"));
            for one in &wish.ones {
                change::plan(&mut plan, one).await?;
            }
        }
        SilenceVerb::Expire(_) => {
            plan.title = format!("End {}", counted(total, "silence", "silences"));
            for one in wish.ones.iter().take(LINES) {
                plan.calls.push(format!("{}: DELETE /api/v2/silence/{}", one.server.name(), one.id));
            }
            plan.notes.push("What it silenced is notified of again.".into());
            plan.irreversible.push("An ended silence does not come back; a new one can be made.".into());
        }
    }
    Ok(plan)
}

/// Runs a command; with what it was about.
pub(super) async fn run(
    store: &Store,
    sources: &Sources,
    intent: &Intent,
    stop: &CancellationToken,
    progress: &dyn Progress,
) -> (Vec<String>, Outcome) {
    let wish = match Wish::of(store, sources, intent).await {
        Ok(wish) => wish,
        Err(why) => return (Vec::new(), Outcome { total: 1, ..failed(intent.command, why) }),
    };
    let mut run = Run::new(intent.command, &wish.tally);
    let mut targets = Vec::new();
    let mut made = Vec::new();
    for one in wish.ones {
        if stop.is_cancelled() {
            run.stopped = true;
            break;
        }
        let target = if one.id.is_empty() { matchers_text(&one.matchers) } else { one.id.clone() };
        targets.push(clean(&target).into_owned());
        let Some(alerts) = one.server.alerts() else { continue };
        let result = match &wish.verb {
            SilenceVerb::Create { length, comment, .. } => {
                let from = now();
                let new = NewSilence {
                    id: None,
                    matchers: one.matchers.iter().map(Into::into).collect(),
                    starts_at: from.to_rfc3339(),
                    ends_at: from.plus(*length).to_rfc3339(),
                    created_by: intent.actor.clone(),
                    comment: comment.clone(),
                };
                alerts.silence(&new, &target, &intent.actor).await.map(|kept| made.push(kept.id))
            }
            SilenceVerb::Change(_) => match &one.new {
                Some(new) => alerts.silence(new, &target, &intent.actor).await.map(|kept| made.push(kept.id)),
                None => continue,
            },
            SilenceVerb::Expire(_) => alerts.expire(&one.id, &intent.actor).await,
        };
        match result {
            Ok(()) => run.outcome.done += 1,
            Err(why) => run.error(clean(&target).into_owned(), &why),
        }
        progress(run.outcome.done, run.outcome.total);
    }
    let past = match wish.verb {
        SilenceVerb::Create { .. } => "made",
        SilenceVerb::Change(_) => "changed",
        SilenceVerb::Expire(_) => "ended",
    };
    let mut outcome = run.end(past, "silence", "silences");
    if let [only] = made.as_slice() {
        outcome.summary = match targets.as_slice() {
            // Other conditions make another silence of it.
            [old] if matches!(wish.verb, SilenceVerb::Change(_)) && old != only => {
                format!("ended silence {old}, made {} in its place", clean(only))
            }
            _ => format!("{past} silence {}", clean(only)),
        };
    }
    (targets, outcome)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::time::HOUR;

    fn parse(command: &'static str, pairs: &[(&str, &str)]) -> Result<Option<SilenceVerb>, VerbError> {
        let args = pairs.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
        SilenceVerb::parse(command, &args, Ts(0))
    }

    #[test]
    fn a_silence_has_an_end_and_a_reason_and_does_not_silence_everything() {
        let told = |pairs: &[(&str, &str)]| parse("silence.create", pairs).unwrap_err().to_string();
        assert!(told(&[("comment", "x")]).contains("duration"));
        assert!(told(&[("duration", "2h")]).contains("comment"));
        assert!(told(&[("duration", "40d"), ("comment", "x")]).contains("30d"));
        assert!(told(&[("duration", "2h"), ("comment", "x"), ("matchers", "olt")]).contains("comparison"));
        assert!(told(&[("duration", "2h"), ("comment", "x"), ("matchers", "olt=~\".*\"")]).contains("everything"));
        let good = parse("silence.create", &[("duration", "2h"), ("comment", "x"), ("matchers", "olt=\"a\"")]);
        let wanted = SilenceVerb::Create {
            until: Ts(2 * HOUR),
            length: 2 * HOUR,
            comment: "x".into(),
            matchers: vec![Matcher::is("olt", "a")],
        };
        assert_eq!(good, Ok(Some(wanted)));
        assert_eq!(
            parse("silence.expire", &[("id", "a, b")]),
            Ok(Some(SilenceVerb::Expire(vec!["a".into(), "b".into()])))
        );
        assert_eq!(parse("alarm.ack", &[]), Ok(None));
    }
}
