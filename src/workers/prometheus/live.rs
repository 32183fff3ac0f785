//! What a server says of an alarm when it is asked: the alert as it is, what suppresses it, the rule
//! behind it and the value of its expression now; of an object its alerts, of itself its silences.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::controllers::prometheus::error::Error;
use crate::controllers::prometheus::map::{Mapper, expression, identity_hash, moment, silence_matchers};
use crate::controllers::prometheus::wire::{AmAlert, PromAlert, QueryResult, Silence, series};
use crate::controllers::prometheus::{AmClient, PromClient};
use crate::model::command::{LiveRequest, LiveSection};
use crate::model::labels::{Labels, Matcher};
use crate::model::order;
use crate::model::resource::{NodeKind, Resource};
use crate::model::text;

use super::shared::{Made, Shared};

/// Series of an expression that are shown.
const SERIES: usize = 20;
/// Alerts of an object that are shown.
const ALERTS: usize = 50;

/// The alarm that is asked about.
pub(super) struct Wanted {
    id: u64,
    type_id: String,
}

impl Wanted {
    /// From its parts, as a row has them.
    ///
    /// # Errors
    /// When it is not about an object of such a source.
    pub(super) fn of(canonical: &str, type_id: &str, qualifier: &str) -> Result<Self, String> {
        let resource = Resource::new(NodeKind::Object, object(canonical)?);
        Ok(Self { id: identity_hash(&resource, type_id, qualifier), type_id: type_id.to_owned() })
    }
}

fn object(canonical: &str) -> Result<&str, String> {
    let found = canonical.split_once("/object/").map(|(_, name)| name);
    found.ok_or_else(|| format!("{}: nothing that alerts are about", text::clean(canonical)))
}

/// The conditions that pick alerts of a type; none for a name that was changed to be shown.
pub(super) fn of_type(type_id: &str) -> Vec<Matcher> {
    let plain = type_id.chars().all(|c| c.is_ascii_graphic()) && !type_id.is_empty();
    if plain { vec![Matcher::is("alertname", type_id)] } else { Vec::new() }
}

async fn alerts(client: &AmClient, mapper: &Mapper, wanted: &Wanted) -> Result<Vec<AmAlert>, Error> {
    let mut list = client.alerts(&of_type(&wanted.type_id)).await?;
    let mut out = Vec::new();
    while let Some(alert) = list.next().await {
        let alert = alert?;
        if mapper.identity(&alert.labels).hash() == wanted.id && out.len() < ALERTS {
            out.push(alert);
        }
    }
    Ok(out)
}

/// Answers.
pub(super) async fn answer(shared: &Arc<Shared>, request: LiveRequest) -> Result<Vec<LiveSection>, String> {
    shared.admit()?;
    let made = shared.made().await?;
    let sections = match &request {
        LiveRequest::Alarm { node, type_id, qualifier } => {
            let wanted = Wanted::of(node, type_id, qualifier)?;
            match made {
                Made::Alertmanager { client, beside, mapper } => {
                    of_alert(client, beside.as_ref(), mapper, &wanted).await
                }
                Made::Prometheus { client, mapper, .. } => of_prometheus(client, mapper, &wanted).await,
            }
        }
        LiveRequest::Detail(node) if node.contains("/object/") => on_object(made, object(node)?).await,
        LiveRequest::Detail(_) => of_server(made).await,
        LiveRequest::Value { .. } | LiveRequest::Secret { .. } | LiveRequest::BufferConfig { .. } => {
            return Err(format!("{} has no such values", shared.name));
        }
    };
    sections.map_err(|error| {
        shared.answered(!error.what.counts_against_source());
        error.to_string()
    })
}

async fn of_alert(
    client: &AmClient,
    beside: Option<&PromClient>,
    mapper: &Mapper,
    wanted: &Wanted,
) -> Result<Vec<LiveSection>, Error> {
    let found = alerts(client, mapper, wanted).await?;
    let Some(first) = found.first() else {
        let note = "the server does not have it any more".to_owned();
        return Ok(vec![LiveSection { title: "Alert".into(), note, ..LiveSection::default() }]);
    };
    let mut sections: Vec<LiveSection> = found.iter().map(alert_section).collect();
    let ids: Vec<&String> = found.iter().flat_map(|a| &a.status.silenced_by).collect();
    if !ids.is_empty() {
        let mut silences = client.silences().await?;
        silences.retain(|s| ids.contains(&&s.id));
        sections.push(silence_section("Silences", &silences));
    }
    let inhibitors: Vec<&String> = found.iter().flat_map(|a| &a.status.inhibited_by).collect();
    if !inhibitors.is_empty() {
        sections.push(inhibited(client, &inhibitors).await?);
    }
    let expr = expression(&first.generator_url);
    match beside {
        Some(prometheus) => sections.extend(rule(prometheus, name_of(&first.labels), expr).await),
        None => sections.push(LiveSection {
            title: "Rule".into(),
            headers: headers(&["Expression"]),
            rows: expr.map(|e| vec![text::clean(&e).into_owned()]).into_iter().collect(),
            note: "name its Prometheus (prometheus = \"http://…\") to see values".into(),
        }),
    }
    Ok(sections)
}

async fn of_prometheus(client: &PromClient, mapper: &Mapper, wanted: &Wanted) -> Result<Vec<LiveSection>, Error> {
    let mut list = client.alerts().await?;
    let mut found: Vec<PromAlert> = Vec::new();
    while let Some(alert) = list.next().await {
        let alert = alert?;
        if mapper.identity(&alert.labels).hash() == wanted.id && found.len() < ALERTS {
            found.push(alert);
        }
    }
    let Some(first) = found.first() else {
        let note = "the server does not have it any more".to_owned();
        return Ok(vec![LiveSection { title: "Alert".into(), note, ..LiveSection::default() }]);
    };
    let mut sections: Vec<LiveSection> = found
        .iter()
        .map(|alert| {
            let facts = [("state", &alert.state), ("since", &alert.active_at), ("value", &alert.value)];
            facts_section(&facts, &alert.labels, &alert.annotations)
        })
        .collect();
    sections.extend(rule(client, name_of(&first.labels), None).await);
    Ok(sections)
}

fn name_of(labels: &Labels) -> &str {
    labels.get("alertname").map_or("", String::as_str)
}

/// The rule of that name and the value of its expression; what cannot be read is said in its place.
async fn rule(client: &PromClient, name: &str, known: Option<String>) -> Vec<LiveSection> {
    let (rows, expr, note) = match client.rules(Some(name)).await {
        Ok(groups) => {
            let all = groups.iter().flat_map(|g| g.rules.iter().map(move |r| (g, r)));
            let rows: Vec<Vec<String>> = all
                .clone()
                .map(|(g, r)| vec![clean(&g.name), clean(&r.query), format!("{} s", r.duration), clean(&r.health)])
                .collect();
            // Of several rules of a name, the address in the alert tells which.
            let expr = known.or_else(|| all.map(|(_, r)| r.query.clone()).next());
            let note = if rows.is_empty() { "no rule of this name there".to_owned() } else { String::new() };
            (rows, expr, note)
        }
        Err(error) => (Vec::new(), known, error.to_string()),
    };
    let mut sections = vec![LiveSection {
        title: "Rule".into(),
        headers: headers(&["Group", "Expression", "For", "Health"]),
        rows,
        note,
    }];
    if let Some(expr) = expr {
        sections.push(match client.query(&expr, None).await {
            Ok(result) => values(&expr, &result),
            Err(error) => LiveSection { title: "Values now".into(), note: error.to_string(), ..LiveSection::default() },
        });
    }
    sections
}

fn values(expr: &str, result: &QueryResult) -> LiveSection {
    let mut rows: Vec<Vec<String>> = match result {
        QueryResult::Vector(all) => all
            .iter()
            .map(|one| vec![series(&one.metric), one.value.as_ref().map_or_else(String::new, |v| clean(&v.1))])
            .collect(),
        QueryResult::Matrix(all) => all
            .iter()
            .map(|one| vec![series(&one.metric), one.values.last().map_or_else(String::new, |v| clean(&v.1))])
            .collect(),
        QueryResult::Scalar(sample) | QueryResult::String(sample) => vec![vec![clean(expr), clean(&sample.1)]],
    };
    let more = rows.len().saturating_sub(SERIES);
    rows.truncate(SERIES);
    let note = match (rows.is_empty(), more) {
        (true, _) => "the expression gives nothing now".to_owned(),
        (_, 0) => String::new(),
        (_, n) => format!("and {n} more series"),
    };
    LiveSection { title: "Values now".into(), headers: headers(&["Series", "Value"]), rows, note }
}

fn alert_section(alert: &AmAlert) -> LiveSection {
    let facts = [
        ("state", &alert.status.state),
        ("since", &alert.starts_at),
        ("until", &alert.ends_at),
        ("told", &alert.updated_at),
        ("fingerprint", &alert.fingerprint),
        ("generator", &alert.generator_url),
    ];
    facts_section(&facts, &alert.labels, &alert.annotations)
}

fn facts_section(facts: &[(&str, &String)], labels: &Labels, annotations: &Labels) -> LiveSection {
    let facts = facts.iter().filter(|(_, v)| !v.is_empty()).map(|(k, v)| vec![(*k).to_owned(), clean(v)]);
    let pairs = |of: &'static str, all: &Labels| {
        all.iter().map(|(k, v)| vec![format!("{of}.{}", clean(k)), clean(v)]).collect::<Vec<_>>()
    };
    let rows = facts.chain(pairs("labels", labels)).chain(pairs("annotations", annotations)).collect();
    LiveSection { title: "Alert".into(), headers: headers(&["Name", "Value"]), rows, note: String::new() }
}

fn silence_section(title: &str, silences: &[Silence]) -> LiveSection {
    let when = |text: &str| moment(text).map_or_else(|| clean(text), crate::model::time::Ts::to_rfc3339);
    let rows = silences
        .iter()
        .map(|s| {
            vec![
                clean(&s.id),
                clean(&s.status.state),
                clean(&s.created_by),
                when(&s.ends_at),
                silence_matchers(s),
                clean(&s.comment),
            ]
        })
        .collect();
    let note = if silences.is_empty() { "there is none".to_owned() } else { String::new() };
    LiveSection {
        title: title.into(),
        headers: headers(&["Id", "State", "By", "Until", "Conditions", "Comment"]),
        rows,
        note,
    }
}

/// Which alerts inhibit, by name: the server only tells their fingerprints.
async fn inhibited(client: &AmClient, fingerprints: &[&String]) -> Result<LiveSection, Error> {
    let mut list = client.alerts(&[]).await?;
    let mut rows = Vec::new();
    while let Some(alert) = list.next().await {
        let alert = alert?;
        if fingerprints.contains(&&alert.fingerprint) && rows.len() < ALERTS {
            rows.push(vec![clean(&alert.fingerprint), series(&alert.labels)]);
        }
    }
    let note = if rows.is_empty() { "they are gone meanwhile".to_owned() } else { String::new() };
    Ok(LiveSection { title: "Inhibited by".into(), headers: headers(&["Fingerprint", "Alert"]), rows, note })
}

/// The alerts about one object.
async fn on_object(made: &Made, name: &str) -> Result<Vec<LiveSection>, Error> {
    let mut rows = Vec::new();
    let mut add = |mapper: &Mapper, labels: &Labels, state: &str, since: &str, words: &Labels| {
        let identity = mapper.identity(labels);
        if identity.resource.name == name && rows.len() < ALERTS {
            let summary = words.get("summary").map_or("", String::as_str);
            rows.push(vec![identity.type_id, clean(state), clean(since), clean(summary)]);
        }
    };
    match made {
        Made::Alertmanager { client, mapper, .. } => {
            let mut list = client.alerts(&[]).await?;
            while let Some(alert) = list.next().await {
                let a = alert?;
                add(mapper, &a.labels, &a.status.state, &a.starts_at, &a.annotations);
            }
        }
        Made::Prometheus { client, mapper, .. } => {
            let mut list = client.alerts().await?;
            while let Some(alert) = list.next().await {
                let a = alert?;
                add(mapper, &a.labels, &a.state, &a.active_at, &a.annotations);
            }
        }
    }
    let note = if rows.is_empty() { "no alert is about it now".to_owned() } else { String::new() };
    let headers = headers(&["Alert", "State", "Since", "Summary"]);
    Ok(vec![LiveSection { title: "Alerts".into(), headers, rows, note }])
}

/// The server itself: its silences, or what it scrapes and cannot reach.
async fn of_server(made: &Made) -> Result<Vec<LiveSection>, Error> {
    match made {
        Made::Alertmanager { client, .. } => {
            let mut silences = client.silences().await?;
            silences.retain(|s| s.status.state != "expired");
            order::by(&mut silences, |a, b| a.ends_at.cmp(&b.ends_at));
            Ok(vec![silence_section("Silences", &silences)])
        }
        Made::Prometheus { client, .. } => {
            let targets = client.targets().await?;
            let mut count: BTreeMap<String, u64> = BTreeMap::new();
            for target in &targets {
                *count.entry(clean(&target.health)).or_default() += 1;
            }
            let rows = targets
                .iter()
                .filter(|t| t.health != "up")
                .take(ALERTS)
                .map(|t| vec![series(&t.labels), clean(&t.health), clean(&t.last_error)])
                .collect();
            let note = count.iter().map(|(health, n)| format!("{n} {health}")).collect::<Vec<_>>().join(", ");
            Ok(vec![LiveSection {
                title: "Targets".into(),
                headers: headers(&["Target", "Health", "Error"]),
                rows,
                note,
            }])
        }
    }
}

fn clean(raw: &str) -> String {
    text::clean(raw).into_owned()
}

fn headers(all: &[&str]) -> Vec<String> {
    all.iter().map(|h| (*h).to_owned()).collect()
}
