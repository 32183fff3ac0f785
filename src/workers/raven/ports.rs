//! Moving ports of collectors: conflicts found before anything is sent, the whole configuration sent,
//! read back, what changed restarted (the appliance does not do that), the new ports seen listening;
//! and everything put back when that fails.

use std::fmt::Write as _;
use std::time::{Duration, Instant};

use serde_json::{Map, Value};
use tokio_util::sync::CancellationToken;

use crate::config::schema::Probe;
use crate::controllers::raven::appliance::ApplianceConfig;
use crate::controllers::raven::client::Client;
use crate::controllers::raven::error::{Error, Failure};
use crate::engine::buffer::Happening;
use crate::engine::ports::{Around, Change, Edit, Plan, at, plan, service_of};
use crate::engine::restart::Verdict;
use crate::model::appliance::config::differences;
use crate::model::appliance::poll::Socket;
use crate::model::text::clean;
use crate::workers::appliance::Preview;
use crate::workers::{lock, now};

use super::restart::Manner;
use super::shared::Shared;
use super::{host, restart};

/// How long ports may take to listen after a restart.
const LISTENS: Duration = Duration::from_secs(20);
/// Between two looks, or two tries.
const LOOK: Duration = Duration::from_secs(2);
/// How often the old configuration is sent before a person has to help: a line that fails for a moment
/// must not leave half a change behind.
const TRIES: u32 = 3;

struct Worked {
    plan: Plan,
    /// The sockets that listened before, where they can be seen.
    listening: Option<Vec<Socket>>,
}

/// Where a change stopped.
enum Stopped {
    /// The appliance has its old configuration.
    Before(String),
    /// It has the new one, or nobody knows.
    Halfway(String),
}

/// The plan, as the appliance is now.
async fn work_out(shared: &Shared, client: &Client, moves: &[(String, u16)]) -> Result<Worked, String> {
    let config = client.appliance_config().await.map_err(|e| e.to_string())?;
    if !config.collects() {
        return Err(format!(
            "{}: nothing was changed: its configuration says nothing of collectors, or its file is missing; then no move could be put back: save it once in its web panel",
            shared.name
        ));
    }
    let settings = config.ports();
    let listening = look(shared).await.or_else(|| lock(&shared.sockets).clone());
    let whole = Value::Object(config.whole().clone());
    let changes: Vec<Change> =
        moves.iter().map(|(path, port)| Change { path: path.clone(), port: (*port).into() }).collect();
    let around = Around { config: &whole, settings: &settings, listening: listening.as_deref(), privileged: None };
    Ok(Worked { plan: plan(&changes, around), listening })
}

/// The sockets that listen now; `None`: they cannot be seen just now.
async fn look(shared: &Shared) -> Option<Vec<Socket>> {
    let status = host::system(shared).await?;
    let listening = status.said()?.listening.clone();
    lock(&shared.sockets).clone_from(&listening);
    listening
}

/// What moving would do.
pub(super) async fn preview(shared: &Shared, moves: &[(String, u16)]) -> Result<Preview, String> {
    let client = &shared.made().await?.client;
    let Worked { plan, .. } = work_out(shared, client, moves).await?;
    let mut calls = Vec::new();
    let base = shared.config.config.as_deref().unwrap_or_default();
    if plan.is_possible() {
        calls.push(format!("POST {base}/api/config (the whole object)"));
        calls.extend(plan.restarts.iter().map(|service| format!("restart {service}")));
    }
    let diff = plan.edits.iter().flat_map(|e| {
        let from = e.from.map_or_else(|| "not set".to_owned(), |p| p.to_string());
        [format!("-{}: {from}", e.path), format!("+{}: {}", e.path, e.to)]
    });
    let diff = diff.collect();
    let mut notes = plan.lines.clone();
    if plan.is_possible() {
        notes.push("When a restart fails or a new port does not listen, the old configuration is put back.".to_owned());
    }
    for service in plan.edits.iter().filter_map(|e| service_of(&e.path)) {
        if shared.config.services.get(service).is_some_and(|own| own.ports.is_some()) {
            notes.push(format!(
                "The ports of {service} are fixed in its [[source]], too: noctule looks at those until they are changed there."
            ));
        }
    }
    Ok(Preview { calls, diff, irreversible: Vec::new(), notes })
}

/// Moves them.
pub(super) async fn carry_out(
    shared: &Shared,
    moves: &[(String, u16)],
    actor: &str,
    stop: &CancellationToken,
) -> Result<String, String> {
    let client = &shared.made().await?.client;
    let worked = work_out(shared, client, moves).await?;
    let plan = &worked.plan;
    if plan.edits.is_empty() && plan.conflicts.is_empty() {
        return Ok("the ports are so already".to_owned());
    }
    if !plan.is_possible() {
        let why: Vec<&str> = plan.conflicts.iter().filter(|c| c.fatal).map(|c| c.words.as_str()).collect();
        return Err(format!("{}: nothing was changed: {}", shared.name, clean(&why.join("; "))));
    }
    let mut restarted = Vec::new();
    let (text, failure) = match apply(shared, client, plan, actor, stop, &mut restarted).await {
        Ok(words) => (words, false),
        Err(Stopped::Before(why)) => (format!("nothing was changed: {}", clean(&why)), true),
        Err(Stopped::Halfway(why)) => {
            (format!("{}{}", clean(&why), roll_back(shared, client, &worked, &restarted, actor).await), true)
        }
    };
    let told = Happening { collector: None, event: "PORT_MOVE", text, failure };
    shared.note(&told, now());
    shared.wake.notify_one();
    if failure { Err(format!("{}: {}", shared.name, told.text)) } else { Ok(told.text) }
}

/// Sends the new configuration, restarts what has to take it up, and looks whether the ports listen.
async fn apply<'a>(
    shared: &Shared,
    client: &Client,
    plan: &'a Plan,
    actor: &str,
    stop: &CancellationToken,
    restarted: &mut Vec<&'a str>,
) -> Result<String, Stopped> {
    let (old, new) =
        (object(&plan.roll_back).map_err(Stopped::Before)?, object(&plan.config).map_err(Stopped::Before)?);
    if stop.is_cancelled() {
        return Err(Stopped::Before("cancelled".to_owned()));
    }
    let answer = send(shared, client, new, actor).await;
    // Unless nothing can have come of it, what counts is what the appliance has now, whatever the answer was.
    match client.appliance_config().await {
        Ok(back) => {
            let has = Value::Object(back.whole().clone());
            if let Some(edit) = plan.edits.iter().find(|e| at(&has, &e.path) != at(&plan.config, &e.path)) {
                let why = match answer {
                    // What is other than before was saved by somebody else: putting ours back would undo that.
                    Err((why, false)) => return Err(Stopped::Before(why)),
                    Err((why, true)) => why,
                    Ok(()) => format!("it answered that it is saved, but has another {}", edit.path),
                };
                let untouched = differences(old, back.whole()).is_empty();
                return Err(if untouched { Stopped::Before(why) } else { Stopped::Halfway(why) });
            }
        }
        Err(error) => {
            return Err(match answer {
                Err((why, false)) => Stopped::Before(why),
                Err((why, true)) => Stopped::Halfway(why),
                Ok(()) => Stopped::Halfway(format!("the new configuration was sent, and cannot be read back: {error}")),
            });
        }
    }
    for service in &plan.restarts {
        // A person who stops here must not leave half a change behind.
        if stop.is_cancelled() {
            return Err(Stopped::Halfway(format!("cancelled before {service} was restarted")));
        }
        restarted.push(service);
        take_up(shared, service, actor).await.map_err(|why| Stopped::Halfway(format!("{service}: {why}")))?;
    }
    let ports: Vec<_> = plan.edits.iter().map(|e| (e.to, e.tcp)).collect();
    match listens(shared, &ports).await {
        Some(Err(why)) => Err(Stopped::Halfway(why)),
        Some(Ok(())) => Ok(format!("{}; the new ports listen", moved(plan))),
        None => Ok(format!("{}; whether they listen cannot be seen from here", moved(plan))),
    }
}

fn object(value: &Value) -> Result<&Map<String, Value>, String> {
    value.as_object().ok_or_else(|| "the configuration is no object".to_owned())
}

fn moved(plan: &Plan) -> String {
    let mut words = String::from("moved");
    for (n, edit) in plan.edits.iter().enumerate() {
        let _ =
            write!(words, "{} {} from {} to {}", if n > 0 { "," } else { "" }, clean(&edit.path), from(edit), edit.to);
    }
    words
}

fn from(edit: &Edit) -> String {
    edit.from.map_or_else(|| "nothing".to_owned(), |p| p.to_string())
}

/// Sends a configuration. When that fails: why, and whether the appliance's own may be another by now.
async fn send(shared: &Shared, client: &Client, whole: &Map<String, Value>, actor: &str) -> Result<(), (String, bool)> {
    let began = Instant::now();
    let sent = client.set_appliance_config(&ApplianceConfig::new(whole.clone())).await;
    // A service that fails while it writes may leave something else than it had.
    let perhaps = |e: &Error| !e.certainly_not_done() || matches!(e.what, Failure::Status { code: 500.., .. });
    let sent = sent.map_err(|e| (e.to_string(), perhaps(&e)));
    let told = sent.as_ref().map(|()| "OK").map_err(|(why, _)| why.as_str());
    shared.log(actor, "POST appliance config", &shared.name, began, told);
    shared.look_anew();
    sent
}

/// Restarts a service, so that it takes up what is configured.
async fn take_up(shared: &Shared, service: &str, actor: &str) -> Result<(), String> {
    match restart::perform(shared, service, Manner::Moved, actor, &CancellationToken::new()).await? {
        (Verdict::Done, _) => Ok(()),
        (_, why) => Err(why),
    }
}

/// Whether every port (TCP or not) is listened on, as soon as it is so; `None`: nobody can see.
async fn listens(shared: &Shared, ports: &[(u16, bool)]) -> Option<Result<(), String>> {
    if shared.config.probe == Probe::None {
        return None;
    }
    let began = Instant::now();
    // Only what is seen after the restart counts: an older look would have the old ports.
    let mut missing = None;
    loop {
        if let Some(seen) = look(shared).await {
            missing = ports.iter().find(|(port, tcp)| !seen.iter().any(|s| s.port == *port && s.tcp == *tcp));
            if missing.is_none() {
                return Some(Ok(()));
            }
        }
        if began.elapsed() > LISTENS {
            return missing.map(|(port, tcp)| {
                let proto = if *tcp { "TCP" } else { "UDP" };
                Err(format!("nobody listens on {proto} {port} after {} s", LISTENS.as_secs()))
            });
        }
        // The system tells nobody when a socket opens.
        tokio::time::sleep(LOOK).await;
    }
}

/// Puts the old configuration back, restarts what took up the new one, and looks at what comes of it.
/// What that is, in words that go on from why it was needed.
async fn roll_back(shared: &Shared, client: &Client, worked: &Worked, restarted: &[&str], actor: &str) -> String {
    let plan = &worked.plan;
    if let Err(failed) = put_back(shared, client, plan, actor).await {
        let mut words =
            format!("; the old configuration could NOT be put back in {TRIES} tries: {}; by hand: set", clean(&failed));
        for (n, edit) in plan.edits.iter().enumerate() {
            let _ = write!(words, "{} {} to {}", if n > 0 { "," } else { "" }, clean(&edit.path), from(edit));
        }
        if !restarted.is_empty() {
            let _ = write!(words, " and restart {}", restarted.join(", "));
        }
        return words;
    }
    let mut words = String::from("; the old configuration is back, and was read back");
    for service in restarted {
        let _ = match take_up(shared, service, actor).await {
            Ok(()) => write!(words, "; {service} runs with it"),
            Err(failed) => write!(words, "; but {service} does NOT run with it: {}", clean(&failed)),
        };
    }
    // Only what listened before can be expected to listen again.
    let before = worked.listening.as_deref().unwrap_or_default();
    let old = |edit: &Edit| {
        let port = u16::try_from(edit.from?).ok()?;
        before.iter().any(|s| s.port == port && s.tcp == edit.tcp).then_some((port, edit.tcp))
    };
    let old: Vec<_> = plan.edits.iter().filter_map(old).collect();
    if !old.is_empty() && !restarted.is_empty() {
        match listens(shared, &old).await {
            Some(Ok(())) => words.push_str("; the old ports listen"),
            Some(Err(why)) => _ = write!(words, "; but {why}"),
            None => {}
        }
    }
    words
}

/// Sends the old configuration until it is seen to be there, whole.
async fn put_back(shared: &Shared, client: &Client, plan: &Plan, actor: &str) -> Result<(), String> {
    let old = object(&plan.roll_back)?;
    let mut failed = String::new();
    for n in 0..TRIES {
        if n > 0 {
            // The service tells nobody when it takes calls again.
            tokio::time::sleep(LOOK).await;
        }
        let answer = send(shared, client, old, actor).await;
        failed = match client.appliance_config().await {
            Ok(back) => {
                let other = differences(old, back.whole());
                if other.is_empty() {
                    return Ok(());
                }
                let paths: Vec<_> = other.iter().take(5).map(|(path, ..)| path.as_str()).collect();
                answer.map_or_else(|(why, _)| why, |()| format!("it has another {}", paths.join(", ")))
            }
            Err(error) => answer.map_or_else(|(why, _)| why, |()| format!("it cannot be read back: {error}")),
        };
    }
    Err(failed)
}
