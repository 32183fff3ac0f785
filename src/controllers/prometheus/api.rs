//! Prometheus' HTTP API v1: alerts, rules, targets, queries.

use bytes::Bytes;
use http::Method;
use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::alertmanager::About;
use super::call::{Alerts, Answered2, Ask, Peer};
use super::error::{Error, Failure};
use super::wire::{Envelope, PromAlert, QueryResult, RuleGroup, Rules, Target, Targets};
use crate::config::schema::{Alertmanager, Prometheus};
use crate::controllers::http::segment;
use crate::controllers::stream::Documents;
use crate::model::ids::SourceName;
use crate::model::time::{SECOND, Ts};

/// The longest alert that is read, bytes.
const MAX_ALERT: usize = 4 << 20;
/// Points a series that the server gives at most.
pub const MAX_POINTS: i64 = 11_000;

/// The way to one Prometheus. Cheap to clone.
#[derive(Debug, Clone)]
pub struct PromClient {
    peer: Peer,
}

#[derive(Deserialize)]
struct BuildInfo {
    #[serde(default)]
    version: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RuntimeInfo {
    #[serde(default)]
    start_time: String,
}

/// Over which time a range query looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Span {
    /// From.
    pub start: Ts,
    /// To.
    pub end: Ts,
    /// Distance of the points, µs.
    pub step: i64,
}

impl PromClient {
    /// A client for this source. Reads certificates and secrets.
    ///
    /// # Errors
    /// What of the configuration cannot be used.
    pub fn new(source: &SourceName, config: &Prometheus) -> Result<Self, Error> {
        let ways = (&config.tls, &config.auth, config.ssh.as_ref());
        Ok(Self { peer: Peer::new(source, &config.url, ways, config.timeout_s)? })
    }

    /// The Prometheus that an Alertmanager's source names, when it does.
    ///
    /// # Errors
    /// What of the configuration cannot be used.
    pub fn beside(source: &SourceName, config: &Alertmanager) -> Result<Option<Self>, Error> {
        let Some(url) = &config.prometheus else { return Ok(None) };
        let ways = (&config.tls, &config.auth, config.ssh.as_ref());
        Ok(Some(Self { peer: Peer::new(source, url, ways, config.timeout_s)? }))
    }

    /// Its base URL.
    #[must_use]
    pub fn base(&self) -> &str {
        self.peer.base()
    }

    async fn data<T: DeserializeOwned>(&self, name: &'static str, ask: &Ask) -> Result<(T, Answered2), Error> {
        let call = self.peer.call(name);
        let (envelope, other): (Envelope<T>, _) = self.peer.json(&call, ask).await?;
        for warning in &envelope.warnings {
            tracing::debug!(source = %self.peer.source(), warning = %crate::model::text::clean(warning), "warned");
        }
        Ok((envelope.data, other))
    }

    /// Version, start, clock.
    ///
    /// # Errors
    /// When it does not tell.
    pub async fn about(&self) -> Result<About, Error> {
        let (build, Answered2 { date, skew_us }): (BuildInfo, _) =
            self.data("GET buildinfo", &Ask::get("/api/v1/status/buildinfo")).await?;
        let runtime = self.data::<RuntimeInfo>("GET runtimeinfo", &Ask::get("/api/v1/status/runtimeinfo")).await;
        let started = match runtime {
            Ok((info, _)) => Ts::parse_rfc3339(&info.start_time),
            // Those that only speak its API (a query front end) have none.
            Err(Error { what: Failure::NotFound(_), .. }) => None,
            Err(error) => return Err(error),
        };
        let version = crate::model::text::clean(&build.version).into_owned();
        Ok(About { version, started, now: date, skew_us, cluster: String::new() })
    }

    /// All alerts, firing and pending, as they come.
    ///
    /// # Errors
    /// When the list does not begin.
    pub async fn alerts(&self) -> Result<Alerts<PromAlert>, Error> {
        let call = self.peer.call("GET alerts");
        let answered = self.peer.send(&call, &Ask::get("/api/v1/alerts")).await?;
        Ok(Alerts::new(call, answered, Documents::inside(MAX_ALERT), self.peer.limit()))
    }

    /// The alerting rules, those of one name when it is given.
    ///
    /// # Errors
    /// When it does not tell.
    pub async fn rules(&self, name: Option<&str>) -> Result<Vec<RuleGroup>, Error> {
        let only = name.map(|n| format!("&rule_name[]={}", segment(n))).unwrap_or_default();
        let only = only.replace('[', "%5B").replace(']', "%5D");
        let (rules, _): (Rules, _) =
            self.data("GET rules", &Ask::get(format!("/api/v1/rules?type=alert{only}"))).await?;
        let mut groups = rules.groups;
        // Older servers do not know the name in the question.
        if let Some(name) = name {
            for group in &mut groups {
                group.rules.retain(|r| r.name == name);
            }
            groups.retain(|g| !g.rules.is_empty());
        }
        Ok(groups)
    }

    /// What it scrapes.
    ///
    /// # Errors
    /// When it does not tell.
    pub async fn targets(&self) -> Result<Vec<Target>, Error> {
        let (targets, _): (Targets, _) = self.data("GET targets", &Ask::get("/api/v1/targets?state=active")).await?;
        Ok(targets.active_targets)
    }

    /// The value of an expression at one time; now when none is given.
    ///
    /// # Errors
    /// What it refuses, by its kind of error and in its words.
    pub async fn query(&self, expr: &str, at: Option<Ts>) -> Result<QueryResult, Error> {
        let mut pairs = vec![("query", expr.to_owned())];
        if let Some(at) = at {
            pairs.push(("time", seconds(at)));
        }
        Ok(self.data("POST query", &form("/api/v1/query", &pairs)).await?.0)
    }

    /// The values of an expression over a time.
    ///
    /// # Errors
    /// When that would be more than [`MAX_POINTS`] points, and what it refuses.
    pub async fn query_range(&self, expr: &str, span: Span) -> Result<QueryResult, Error> {
        let call = self.peer.call("POST query_range");
        if span.step <= 0 || span.end < span.start {
            return Err(call.error(Failure::Invalid("the step is longer than nothing, the end after the start".into())));
        }
        let points = span.end.since(span.start) / span.step;
        if points > MAX_POINTS {
            let why =
                format!("{points} points a series are more than the {MAX_POINTS} that it gives: take a longer step");
            return Err(call.error(Failure::Invalid(why)));
        }
        let step = format!("{:.3}", span.step as f64 / SECOND as f64);
        let pairs =
            [("query", expr.to_owned()), ("start", seconds(span.start)), ("end", seconds(span.end)), ("step", step)];
        Ok(self.data("POST query_range", &form("/api/v1/query_range", &pairs)).await?.0)
    }
}

/// Seconds with their thousandths.
fn seconds(at: Ts) -> String {
    format!("{}.{:03}", at.0.div_euclid(SECOND), at.0.rem_euclid(SECOND) / 1_000)
}

/// A question that may be longer than an address can be.
fn form(target: &str, pairs: &[(&str, String)]) -> Ask {
    let body: Vec<String> = pairs.iter().map(|(k, v)| format!("{k}={}", segment(v))).collect();
    Ask { method: Method::POST, target: target.to_owned(), body: Some(Bytes::from(body.join("&"))), form: true }
}
