//! From an alert to an alarm: what it is about, how bad it is, what tells it apart, who suppresses
//! it (facts: alarms §2.4). Pure.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

use super::wire::{AmAlert, PromAlert, Silence};
use crate::config::schema::Mapping;
use crate::controllers::voltha::map::TypeIndex;
use crate::model::ids::SourceName;
use crate::model::labels::{Labels, Template, matchers_text};
use crate::model::observation::{AlarmEvent, ClearReason};
use crate::model::resource::{NodeKind, Resource};
use crate::model::severity::Severity;
use crate::model::silence::{SilenceRow, SilenceState};
use crate::model::text;
use crate::model::time::Ts;

/// The longest name of a thing, of a type, and of a qualifier, bytes.
const NAME: usize = 200;
/// The longest line.
const LINE: usize = 400;
/// The most silences of an alert that are known by their ids.
const SILENCES: usize = 100;
/// Causes that are told in words.
const CAUSES: usize = 5;
/// The longest value of a label or an annotation that is kept.
const VALUE: usize = 2_000;
/// Labels and annotations that are kept of an alert.
const PAIRS: usize = 80;
/// What stands before the id of a silence.
const SILENCE: &str = "silence ";
/// What an alert without any of the labels of the templates is about.
const NAMELESS: &str = "unlabelled";
/// What an alert without a name is called.
const UNNAMED: &str = "unnamed";

/// Turns alerts into alarms. Shared by all that reads one source.
#[derive(Debug)]
pub struct Mapper {
    templates: Vec<Template>,
    severity_label: String,
    severities: HashMap<String, Severity>,
    default_severity: Severity,
    replicas: HashSet<String>,
    types: Arc<TypeIndex>,
}

/// What an alert is about and what it is: what makes it one alarm.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// The thing.
    pub resource: Resource,
    /// The alert's name.
    pub type_id: String,
    /// Its other labels: what tells two alerts of one name on one thing apart.
    pub qualifier: String,
}

impl Identity {
    /// Stands for it in what is remembered between polls.
    #[must_use]
    pub fn hash(&self) -> u64 {
        identity_hash(&self.resource, &self.type_id, &self.qualifier)
    }
}

/// [`Identity::hash`] of its parts, as a row of the cache has them.
#[must_use]
pub fn identity_hash(resource: &Resource, type_id: &str, qualifier: &str) -> u64 {
    let mut hash = xxhash_rust::xxh3::Xxh3::new();
    for part in [resource.name.as_str(), type_id, qualifier] {
        hash.update(part.as_bytes());
        hash.update(&[0]);
    }
    hash.digest()
}

/// Stands for what of an alarm is shown.
#[must_use]
pub fn content_hash(severity: Severity, line: &str) -> u32 {
    let seed = u64::from(severity.rank());
    xxhash_rust::xxh3::xxh3_64_with_seed(line.as_bytes(), seed) as u32
}

/// An alert as an alarm.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seen {
    /// [`Identity::hash`].
    pub id: u64,
    /// Tells apart alerts that are one alarm: they differ in how bad they are, or in who told them.
    pub teller: u32,
    /// [`content_hash`].
    pub content: u32,
    /// Stands for who suppresses it; 0 for nobody.
    pub hidden: u32,
    /// It is over by the source's own words.
    pub over: bool,
    /// The raise.
    pub event: AlarmEvent,
    /// Who suppresses it, in words; empty for nobody.
    pub by: String,
}

impl Mapper {
    /// A mapper of these settings.
    ///
    /// # Errors
    /// A template that is none, in words.
    pub fn new(mapping: &Mapping, types: Arc<TypeIndex>) -> Result<Self, String> {
        let templates = mapping.resource.iter().map(|t| Template::parse(t)).collect::<Result<Vec<_>, _>>()?;
        let mut severities: HashMap<String, Severity> =
            WORDS.iter().flat_map(|(severity, words)| words.iter().map(|w| ((*w).to_owned(), *severity))).collect();
        severities.extend(mapping.severities.iter().map(|(w, s)| (w.to_ascii_lowercase(), *s)));
        Ok(Self {
            templates,
            severity_label: mapping.severity_label.clone(),
            severities,
            default_severity: mapping.default_severity,
            replicas: mapping.replica_labels.iter().cloned().collect(),
            types,
        })
    }

    /// What alert it is.
    #[must_use]
    pub fn identity(&self, labels: &Labels) -> Identity {
        let named = self.templates.iter().find_map(|t| Some((t, t.render(labels)?)));
        let (used, name): (Vec<&str>, String) = match named {
            Some((template, name)) => (template.labels().collect(), name),
            None => (Vec::new(), NAMELESS.to_owned()),
        };
        let told = |label: &str| {
            label == "alertname"
                || label == self.severity_label
                || used.contains(&label)
                || self.replicas.contains(label)
        };
        let rest: Vec<String> =
            labels.iter().filter(|(k, v)| !told(k) && !v.is_empty()).map(|(k, v)| format!("{k}={v}")).collect();
        let name = bounded(&name, NAME);
        let type_id = bounded(labels.get("alertname").map_or("", String::as_str), NAME);
        Identity {
            resource: Resource::new(NodeKind::Object, if name.is_empty() { NAMELESS.to_owned() } else { name }),
            type_id: if type_id.is_empty() { UNNAMED.to_owned() } else { type_id },
            qualifier: bounded(&rest.join(","), NAME),
        }
    }

    /// Whether no template names what it is about.
    #[must_use]
    pub fn is_nameless(&self, labels: &Labels) -> bool {
        self.templates.iter().all(|t| t.render(labels).is_none())
    }

    fn event(&self, labels: &Labels, annotations: &Labels, starts: &str) -> AlarmEvent {
        let Identity { resource, type_id, qualifier } = self.identity(labels);
        let profile = self.types.own(&type_id, self.default_severity, "");
        let severity = labels
            .get(&self.severity_label)
            .and_then(|word| self.severities.get(&word.to_ascii_lowercase()))
            .copied()
            .unwrap_or(profile.severity);
        let line = ["summary", "description", "message", "title"]
            .iter()
            .filter_map(|name| annotations.get(*name))
            .map(|text| bounded(text.trim(), LINE))
            .find(|text| !text.is_empty());
        let known = Some(profile.title).filter(|t| !t.is_empty());
        let text = line.or(known).unwrap_or_else(|| spaced(&type_id));
        let mut context = Vec::new();
        pairs(&mut context, "labels", labels);
        pairs(&mut context, "annotations", annotations);
        AlarmEvent {
            resource,
            event: type_id.clone(),
            type_id,
            qualifier,
            raise: Some(severity),
            source_time: moment(starts).unwrap_or(Ts::NEVER),
            text,
            clear_reason: ClearReason::Source,
            context,
            own_query: false,
            will_clear: profile.will_clear,
            cleared_by_active: false,
            hold_down_s: profile.hold_down_s,
        }
    }

    /// An alert of an Alertmanager, at `now` by its own clock. `silences` are the words for the
    /// silences that there are.
    #[must_use]
    pub fn alertmanager(&self, alert: &AmAlert, silences: &BTreeMap<String, String>, now: Ts) -> Seen {
        let mut event = self.event(&alert.labels, &alert.annotations, &alert.starts_at);
        for (name, value) in [("fingerprint", &alert.fingerprint), ("generatorURL", &alert.generator_url)] {
            if !value.is_empty() {
                event.context.push((name.to_owned(), bounded(value, VALUE)));
            }
        }
        event.context.sort();
        let by = suppressed_by(alert, silences);
        let teller = u64::from_str_radix(&alert.fingerprint, 16).unwrap_or_else(|_| labels_hash(&alert.labels)) as u32;
        // A firing alert in a notification ends in the year 1.
        let over = moment(&alert.ends_at).is_some_and(|end| end <= now);
        seen(event, teller, by, over)
    }

    /// An alert of a Prometheus; nothing for one that waits for its time, unless these are wanted.
    #[must_use]
    pub fn prometheus(&self, alert: &PromAlert, pending: bool) -> Option<Seen> {
        let waits = match alert.state.as_str() {
            "firing" => false,
            "pending" if pending => true,
            _ => return None,
        };
        let mut event = self.event(&alert.labels, &alert.annotations, &alert.active_at);
        if waits {
            event.text = bounded(&format!("pending: {}", event.text), LINE);
            event.raise = Some(Severity::Indeterminate);
        }
        if !alert.value.is_empty() {
            event.context.push(("value".to_owned(), bounded(&alert.value, VALUE)));
            event.context.sort();
        }
        Some(seen(event, labels_hash(&alert.labels) as u32, String::new(), false))
    }
}

fn seen(event: AlarmEvent, teller: u32, by: String, over: bool) -> Seen {
    let severity = event.raise.unwrap_or_default();
    Seen {
        id: identity_hash(&event.resource, &event.type_id, &event.qualifier),
        teller,
        content: content_hash(severity, &event.text),
        hidden: if by.is_empty() { 0 } else { (xxhash_rust::xxh3::xxh3_64(by.as_bytes()) as u32).max(1) },
        over,
        event,
        by,
    }
}

/// The clear of an alarm that is over since then.
#[must_use]
pub fn clear(identity: Identity, since: Ts, reason: ClearReason) -> AlarmEvent {
    AlarmEvent {
        event: identity.type_id.clone(),
        resource: identity.resource,
        type_id: identity.type_id,
        qualifier: identity.qualifier,
        raise: None,
        source_time: since,
        text: String::new(),
        clear_reason: reason,
        context: Vec::new(),
        own_query: false,
        will_clear: true,
        cleared_by_active: false,
        hold_down_s: 0,
    }
}

/// What the usual words for severities mean.
const WORDS: &[(Severity, &[&str])] = &[
    (Severity::Critical, &["critical", "crit", "page", "fatal", "emergency", "alert", "disaster", "p1"]),
    (Severity::Major, &["major", "error", "err", "high", "severe", "p2"]),
    (Severity::Minor, &["minor", "average", "medium", "moderate", "p3"]),
    (Severity::Warning, &["warning", "warn", "low", "ticket", "p4"]),
    (Severity::Indeterminate, &["indeterminate", "info", "informational", "notice", "none", "debug", "unknown", "p5"]),
];

fn suppressed_by(alert: &AmAlert, silences: &BTreeMap<String, String>) -> String {
    let status = &alert.status;
    if status.state != "suppressed" {
        return String::new();
    }
    // Whoever asks what a silence holds back looks for its id: with several of them no id may be cut off
    // by the words about another one.
    let several = status.silenced_by.len() > 1;
    let name = |id: &String| format!("{SILENCE}{}", bounded(id, NAME));
    let ids: Vec<String> = status.silenced_by.iter().filter(|_| several).take(SILENCES).map(name).collect();
    let silenced = status.silenced_by.iter().filter_map(|id| match silences.get(id) {
        Some(words) if several => words.strip_prefix(SILENCE).map(str::to_owned),
        Some(words) => Some(words.clone()),
        None => (!several).then(|| name(id)),
    });
    let inhibited = status.inhibited_by.iter().map(|f| format!("inhibited by alert {}", bounded(f, NAME)));
    let muted = status.muted_by.iter().map(|name| format!("muted by interval {}", bounded(name, NAME)));
    let causes: Vec<String> = silenced.chain(inhibited).chain(muted).take(CAUSES).collect();
    let words = [ids.join(", "), bounded(&causes.join("; "), LINE)];
    let told: Vec<&str> = words.iter().map(String::as_str).filter(|w| !w.is_empty()).collect();
    if told.is_empty() { "its Alertmanager".to_owned() } else { told.join("; ") }
}

/// A silence in words, as it stands behind "suppressed by".
#[must_use]
pub fn silence_words(silence: &Silence) -> String {
    let comment = match bounded(silence.comment.trim(), NAME) {
        text if text.is_empty() => String::new(),
        text => format!(": {text}"),
    };
    let until = moment(&silence.ends_at).map_or_else(String::new, |t| format!(" until {}", t.to_rfc3339()));
    format!("{SILENCE}{} by {}{until}{comment}", bounded(&silence.id, NAME), bounded(&silence.created_by, NAME))
}

/// A silence as lists show it.
#[must_use]
pub fn silence_row(source: &SourceName, silence: &Silence, now: Ts) -> SilenceRow {
    let when = |text: &str| moment(text).unwrap_or(Ts::NEVER);
    let (starts, ends) = (when(&silence.starts_at), when(&silence.ends_at));
    SilenceRow {
        source: source.clone(),
        id: bounded(&silence.id, NAME),
        state: SilenceState::of(&silence.status.state, starts, ends, now),
        starts,
        ends,
        updated: when(&silence.updated_at),
        created_by: bounded(&silence.created_by, NAME),
        comment: bounded(silence.comment.trim(), LINE),
        matchers: silence_matchers(silence),
    }
}

/// The matchers of a silence as they are written.
#[must_use]
pub fn silence_matchers(silence: &Silence) -> String {
    let matchers: Vec<_> = silence.matchers.iter().map(Into::into).collect();
    text::clean(&matchers_text(&matchers)).into_owned()
}

/// The expression in the address of a graph at Prometheus, the only place where an Alertmanager has
/// it. The host in it is never asked.
#[must_use]
pub fn expression(generator_url: &str) -> Option<String> {
    let (_, query) = generator_url.split_once('?')?;
    let raw = query.split('&').find_map(|pair| pair.strip_prefix("g0.expr="))?;
    let mut out = Vec::with_capacity(raw.len());
    let mut bytes = raw.bytes();
    while let Some(byte) = bytes.next() {
        match byte {
            b'+' => out.push(b' '),
            b'%' => {
                let mut digit = || char::from(bytes.next()?).to_digit(16);
                out.push((digit()? << 4 | digit()?) as u8);
            }
            byte => out.push(byte),
        }
    }
    String::from_utf8(out).ok().filter(|t| !t.is_empty())
}

/// A time of a source; the year 1 is its "none".
#[must_use]
pub fn moment(text: &str) -> Option<Ts> {
    Ts::parse_rfc3339(text).filter(|t| t.0 > 0)
}

fn labels_hash(labels: &Labels) -> u64 {
    let mut hash = xxhash_rust::xxh3::Xxh3::new();
    for (name, value) in labels {
        hash.update(name.as_bytes());
        hash.update(&[0]);
        hash.update(value.as_bytes());
        hash.update(&[0]);
    }
    hash.digest()
}

fn pairs(out: &mut Vec<(String, String)>, of: &str, labels: &Labels) {
    let all = labels.iter().take(PAIRS);
    out.extend(all.map(|(k, v)| (format!("{of}.{}", bounded(k, NAME)), bounded(v, VALUE))));
}

/// Text of a source, safe and not endless. What is cut off is stood for by its hash, so that two
/// long texts do not become one.
fn bounded(raw: &str, limit: usize) -> String {
    let clean = text::clean(raw);
    if clean.len() <= limit {
        return clean.into_owned();
    }
    let end = (0..=limit.saturating_sub(12)).rev().find(|i| clean.is_char_boundary(*i)).unwrap_or(0);
    let hash = xxhash_rust::xxh3::xxh3_64(raw.as_bytes()) as u32;
    format!("{}…{hash:08x}", clean.get(..end).unwrap_or_default())
}

/// `OltUplinkDown` in words: `Olt uplink down`. Runs of capitals stay as they are.
fn spaced(name: &str) -> String {
    let chars: Vec<char> = name.chars().collect();
    let mut out = String::with_capacity(name.len() + 8);
    for (i, c) in chars.iter().enumerate() {
        let before = i.checked_sub(1).and_then(|j| chars.get(j)).copied();
        let after_lower = chars.get(i + 1).is_some_and(|n| n.is_lowercase());
        let begins = c.is_uppercase()
            && before.is_some_and(|b| b.is_lowercase() || b.is_ascii_digit() || (b.is_uppercase() && after_lower));
        if matches!(c, '_' | '-') {
            out.push(' ');
        } else if begins {
            out.push(' ');
            if after_lower { out.extend(c.to_lowercase()) } else { out.push(*c) }
        } else {
            out.push(*c);
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mapper() -> Mapper {
        Mapper::new(&Mapping::default(), Arc::default()).unwrap()
    }

    fn labels(pairs: &[(&str, &str)]) -> Labels {
        pairs.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect()
    }

    fn sample(name: &str) -> Vec<u8> {
        std::fs::read(format!("{}/tests/fixtures/prometheus/{name}", env!("CARGO_MANIFEST_DIR"))).unwrap()
    }

    #[test]
    fn the_alerts_of_a_real_alertmanager_become_alarms() {
        let alerts: Vec<AmAlert> = serde_json::from_slice(&sample("am-alerts-silenced.json")).unwrap();
        let silences: Vec<Silence> = serde_json::from_slice(&sample("am-silences.json")).unwrap();
        let words: BTreeMap<_, _> = silences.iter().map(|s| (s.id.clone(), silence_words(s))).collect();
        let now = Ts::parse_rfc3339("2026-11-20T14:05:00Z").unwrap();
        let seen: Vec<Seen> = alerts.iter().map(|a| mapper().alertmanager(a, &words, now)).collect();
        let names: Vec<&str> = seen.iter().map(|s| s.event.resource.name.as_str()).collect();
        assert_eq!(names, ["olt-001/1/1/3/ALCL12345678", "olt-001", "olt-001/1/1/3"]);
        assert_eq!(seen[1].event.qualifier, "instance=127.0.0.1:19999,job=olt");
        assert_eq!(
            (seen[1].event.raise, seen[1].event.text.as_str()),
            (Some(Severity::Critical), "OLT olt-001 unreachable")
        );
        assert_eq!(seen[1].event.source_time, Ts::parse_rfc3339("2026-11-20T14:01:04.474Z").unwrap());
        assert!(seen.iter().all(|s| !s.over && s.hidden != 0));
        assert_eq!(
            seen[0].by,
            "silence 0a325f34-6531-4534-83f7-848253e38eee by op1 until 2026-11-20T14:34:33.000Z: MW-42 splice; \
             inhibited by alert 22f0da0749473b4c"
        );
        assert!(seen[0].event.context.contains(&("fingerprint".into(), "033e3a5f56af9bee".into())));
        let later = Ts::parse_rfc3339("2026-11-20T14:10:00Z").unwrap();
        assert!(mapper().alertmanager(&alerts[0], &words, later).over);
        assert_eq!(expression(&alerts[1].generator_url).as_deref(), Some("up{job=\"olt\"} == 0"));
    }

    #[test]
    fn every_silence_of_an_alert_is_named_however_long_the_words_about_them_are() {
        let mut alerts: Vec<AmAlert> = serde_json::from_slice(&sample("am-alerts-silenced.json")).unwrap();
        let mut alert = alerts.remove(0);
        let ids: Vec<String> = (0..12).map(|n| format!("0a325f34-6531-4534-83f7-8482{n:08}")).collect();
        let about = |id: &String| (id.clone(), format!("silence {id} by op1: {}", "x".repeat(NAME)));
        let words: BTreeMap<_, _> = ids.iter().take(11).map(about).collect();
        alert.status.silenced_by.clone_from(&ids);
        let told = suppressed_by(&alert, &words);
        assert!(ids.iter().all(|id| told.contains(&format!("silence {id}"))), "{told}");
        assert!(told.contains(&format!("; {} by op1: x", ids[0])), "{told}");
        assert!(told.len() < 12 * 50 + LINE, "{}", told.len());
        alert.status.silenced_by.truncate(1);
        assert!(suppressed_by(&alert, &words).starts_with(&format!("silence {} by op1", ids[0])));
        // Nothing but its id is known.
        alert.status.silenced_by = vec![ids[11].clone()];
        alert.status.inhibited_by.clear();
        assert_eq!(suppressed_by(&alert, &words), format!("silence {}", ids[11]));
    }

    #[test]
    fn what_waits_for_its_time_is_told_only_when_wanted() {
        let answer: super::super::wire::Envelope<serde_json::Value> =
            serde_json::from_slice(&sample("prom-alerts.json")).unwrap();
        let alerts: Vec<PromAlert> = serde_json::from_value(answer.data["alerts"].clone()).unwrap();
        let told = |pending| alerts.iter().filter_map(|a| mapper().prometheus(a, pending)).collect::<Vec<_>>();
        assert_eq!(told(false).len(), 2);
        let all = told(true);
        assert_eq!(all.len(), 3);
        assert_eq!(
            (all[2].event.raise, all[2].event.text.as_str()),
            (Some(Severity::Indeterminate), "pending: Pending")
        );
        assert_eq!(all[0].id, mapper().identity(&alerts[0].labels).hash());
    }

    #[test]
    fn severity_value_and_teller_do_not_make_another_alarm_and_other_labels_do() {
        let id = |more: &[(&str, &str)]| {
            let mut all = labels(&[("alertname", "A"), ("instance", "h:1")]);
            all.extend(labels(more));
            mapper().identity(&all)
        };
        assert_eq!(id(&[("severity", "major")]), id(&[("severity", "critical"), ("prometheus", "b")]));
        assert_ne!(id(&[("disk", "sda")]).hash(), id(&[("disk", "sdb")]).hash());
        assert_eq!(id(&[]).qualifier, "");
    }

    #[test]
    fn hostile_texts_stay_texts() {
        let long = "x".repeat(5_000);
        let nasty = labels(&[("alertname", "A\u{1b}[2J"), ("instance", &long), ("b", "\u{202e}y")]);
        let id = mapper().identity(&nasty);
        assert!(!id.type_id.contains('\u{1b}') && id.resource.name.len() <= NAME && !id.qualifier.contains('\u{202e}'));
        let other = labels(&[("alertname", "A"), ("instance", &format!("{long}z"))]);
        assert_ne!(mapper().identity(&other).resource, id.resource, "what is cut off still counts");
        let bare = mapper().identity(&Labels::new());
        assert_eq!((bare.resource.name.as_str(), bare.type_id.as_str()), (NAMELESS, UNNAMED));
        for bad in ["", "?g0.expr=", "?g0.expr=%zz", "?g0.expr=%f", "http://h/graph"] {
            assert_eq!(expression(bad), None, "{bad}");
        }
    }

    #[test]
    fn names_become_words_and_words_severities() {
        assert_eq!(spaced("OltUplinkDown"), "Olt uplink down");
        assert_eq!(spaced("OLTDown"), "OLT down");
        assert_eq!(spaced("node_disk-full"), "node disk full");
        let of = |word: &str| {
            let all = labels(&[("alertname", "A"), ("severity", word)]);
            mapper().event(&all, &Labels::new(), "").raise
        };
        assert_eq!(of("PAGE"), Some(Severity::Critical));
        assert_eq!(of("strange"), Some(Severity::Indeterminate));
    }
}
