//! One Prometheus or Alertmanager: resolution, TCP, TLS, the answer: version, clock, how many alerts,
//! whether the labels of its alerts say what they are about.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::time::timeout;
use tonic::codegen::http::Uri;

use super::report::Check;
use super::source::{Place, reach};
use crate::config::schema::{Alertmanager, Mapping, Prometheus, Ssh, Tls};
use crate::controllers::prometheus::alertmanager::About;
use crate::controllers::prometheus::error::{Error, Failure};
use crate::controllers::prometheus::map::Mapper;
use crate::controllers::prometheus::{AmClient, PromClient};
use crate::model::ids::SourceName;
use crate::model::labels::Labels;
use crate::model::text::counted;
use crate::model::time::SECOND;

/// A clock so many seconds off is worth a word.
const SKEW_S: i64 = 2;
/// How long an answer may take.
const ANSWER: Duration = Duration::from_secs(30);

/// All checks of one Alertmanager.
pub(super) async fn alertmanager(source: &SourceName, config: &Alertmanager) -> Vec<Check> {
    let mut out = Vec::new();
    if !there("alertmanager", &config.url, &config.tls, config.ssh.as_ref(), &mut out).await {
        return out;
    }
    let (name, settings) = (source.clone(), config.clone());
    let made = tokio::task::spawn_blocking(move || {
        Ok::<_, Error>((AmClient::new(&name, &settings)?, PromClient::beside(&name, &settings)?))
    });
    let (client, beside) = match made.await {
        Ok(Ok(made)) => made,
        Ok(Err(e)) => return failed_with(out, "alertmanager", &e),
        Err(e) => return with(out, Check::fail("alertmanager", e.to_string(), "")),
    };
    if !answers("alertmanager answer", "Alertmanager", client.about(), &mut out).await {
        return out;
    }
    let began = Instant::now();
    let read = timeout(ANSWER, async {
        let mut list = client.alerts(&[]).await?;
        let mut tally = Tally::new(&config.mapping);
        while let Some(alert) = list.next().await {
            tally.add(&alert?.labels);
        }
        Ok::<_, Error>(tally)
    });
    told(read.await, began, &mut out);
    match beside {
        Some(prometheus) => {
            answers("prometheus answer", "Prometheus", prometheus.about(), &mut out).await;
        }
        None => out.push(Check::ok("prometheus", "not configured: rules and values behind alerts are not shown")),
    }
    out
}

/// All checks of one Prometheus.
pub(super) async fn prometheus(source: &SourceName, config: &Prometheus) -> Vec<Check> {
    let mut out = Vec::new();
    if !there("prometheus", &config.url, &config.tls, config.ssh.as_ref(), &mut out).await {
        return out;
    }
    let (name, settings) = (source.clone(), config.clone());
    let client = match tokio::task::spawn_blocking(move || PromClient::new(&name, &settings)).await {
        Ok(Ok(client)) => client,
        Ok(Err(e)) => return failed_with(out, "prometheus", &e),
        Err(e) => return with(out, Check::fail("prometheus", e.to_string(), "")),
    };
    if !answers("prometheus answer", "Prometheus", client.about(), &mut out).await {
        return out;
    }
    let began = Instant::now();
    let read = timeout(ANSWER, async {
        let mut list = client.alerts().await?;
        let mut tally = Tally::new(&config.mapping);
        while let Some(alert) = list.next().await {
            tally.add(&alert?.labels);
        }
        Ok::<_, Error>(tally)
    });
    told(read.await, began, &mut out);
    out
}

/// Name, port, TLS. What an SSH host reaches is only asked through it.
async fn there(name: &'static str, url: &str, tls: &Tls, ssh: Option<&Ssh>, out: &mut Vec<Check>) -> bool {
    let Ok(uri) = url.parse::<Uri>() else {
        out.push(Check::fail(name, format!("{url} is no URL"), "write it like http://host:9093"));
        return false;
    };
    if ssh.is_some() {
        return true;
    }
    let secure = uri.scheme_str() == Some("https");
    let host = crate::controllers::http::host(url).to_owned();
    let port = uri.port_u16().unwrap_or(if secure { 443 } else { 80 });
    reach(&Place { name, host: &host, port, tls: secure.then_some(tls) }, out).await
}

async fn answers(
    name: &'static str,
    what: &str,
    about: impl Future<Output = Result<About, Error>>,
    out: &mut Vec<Check>,
) -> bool {
    let began = Instant::now();
    match timeout(ANSWER, about).await {
        Ok(Ok(about)) => {
            out.push(Check::ok(name, format!("{what} {}", about.version)).took(began.elapsed()));
            out.push(clock(about.skew_us));
            true
        }
        Ok(Err(e)) => {
            out.push(failed(name, &e));
            false
        }
        Err(_) => {
            let found = format!("no answer in {} s", ANSWER.as_secs());
            out.push(Check::fail(name, found, "check the load of the server").unreachable());
            false
        }
    }
}

/// By its clock alerts are over.
fn clock(skew: Option<i64>) -> Check {
    match skew.map(|us| us / SECOND) {
        None => Check::ok("clock", "not known: a proxy before it tells no time"),
        Some(s) if s.abs() > SKEW_S => {
            let way = if s > 0 { "ahead of" } else { "behind" };
            let found =
                format!("its clock is {} s {way} ours: since when alarms stand is shown wrong by as much", s.abs());
            Check::warn("clock", found, "let both sides take the time from the same place (NTP)")
        }
        Some(_) => Check::ok("clock", "agrees with ours"),
    }
}

/// Alerts, and those that no template of the mapping names.
struct Tally {
    mapper: Option<Mapper>,
    alerts: u64,
    nameless: u64,
}

impl Tally {
    fn new(mapping: &Mapping) -> Self {
        Self { mapper: Mapper::new(mapping, Arc::default()).ok(), alerts: 0, nameless: 0 }
    }

    fn add(&mut self, labels: &Labels) {
        self.alerts += 1;
        self.nameless += u64::from(self.mapper.as_ref().is_some_and(|m| m.is_nameless(labels)));
    }
}

fn told(read: Result<Result<Tally, Error>, tokio::time::error::Elapsed>, began: Instant, out: &mut Vec<Check>) {
    match read {
        Ok(Ok(tally)) => {
            out.push(Check::ok("alerts", counted(tally.alerts, "alert", "alerts")).took(began.elapsed()));
            if tally.nameless > 0 {
                let found = format!("{} of them have no label that says what they are about", tally.nameless);
                out.push(Check::warn("mapping", found, "add a template of their labels to mapping.resource"));
            }
        }
        Ok(Err(e)) => out.push(failed("alerts", &e)),
        Err(_) => out.push(Check::warn("alerts", "not read in 30 s", "check the load of the server, or set filter")),
    }
}

fn with(mut out: Vec<Check>, check: Check) -> Vec<Check> {
    out.push(check);
    out
}

fn failed_with(out: Vec<Check>, name: &'static str, error: &Error) -> Vec<Check> {
    with(out, failed(name, error))
}

fn failed(name: &str, error: &Error) -> Check {
    let check = Check::fail(name, error.what.words(), error.what.advice());
    if matches!(error.what, Failure::Config(_) | Failure::Invalid(_)) { check } else { check.unreachable() }
}
