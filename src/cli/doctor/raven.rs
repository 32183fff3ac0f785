//! One telemetry appliance: the way to it, its two services, their answers, and what in its
//! configuration would kill it.

use std::time::{Duration, Instant};

use tokio::time::timeout;
use tonic::codegen::http::Uri;

use super::report::Check;
use super::source::{Place, reach};
use crate::config::schema::Raven;
use crate::controllers::http::host;
use crate::controllers::raven::client::Client;
use crate::controllers::raven::error::{Error, Failure};
use crate::controllers::route::Route;
use crate::model::appliance::config::DangerKind;
use crate::model::ids::SourceName;
use crate::model::text::{clean, grouped};
use crate::workers::now;

/// How long an answer may take: an appliance that probes its uplink freezes for five seconds.
const ANSWER: Duration = Duration::from_secs(15);
/// A heartbeat slower than this is a sign of too many records, or of a slow disk.
const SLOW: Duration = Duration::from_millis(800);

/// All checks of one appliance.
pub(super) async fn checks(source: &SourceName, config: &Raven) -> Vec<Check> {
    let mut out = Vec::new();
    if !way(config, &mut out).await {
        return out;
    }
    let (name, settings) = (source.clone(), config.clone());
    let client = match tokio::task::spawn_blocking(move || Client::new(&name, &settings)).await {
        Ok(Ok(client)) => client,
        Ok(Err(e)) => {
            out.push(failed("buffer", &e));
            return out;
        }
        Err(e) => {
            out.push(Check::fail("buffer", e.to_string(), ""));
            return out;
        }
    };
    buffer(&client, &mut out).await;
    configuration(&client, &mut out).await;
    match &config.config {
        Some(_) => services(&client, &mut out).await,
        None => out.push(Check::warn(
            "config service",
            "not configured",
            "without it there are no processes, no ports and no restarts through it",
        )),
    }
    out
}

/// The way there: through SSH in one step, else name, TCP and TLS of both services.
async fn way(config: &Raven, out: &mut Vec<Check>) -> bool {
    if let Some(ssh) = &config.ssh {
        let began = Instant::now();
        let route = Route::of(Some(ssh));
        let (host, port) = (host(&config.buffer).to_owned(), port(&config.buffer));
        return match timeout(ANSWER, route.connect(&host, port)).await {
            Ok(Ok(_)) => {
                out.push(Check::ok("ssh", format!("{} reaches {host}:{port}", route.word())).took(began.elapsed()));
                true
            }
            Ok(Err(e)) => {
                let advice = format!("try it by hand: ssh {}", clean(&ssh.host));
                out.push(Check::fail("ssh", e.to_string(), &advice).unreachable());
                false
            }
            Err(_) => {
                let found = format!("no connection in {} s", ANSWER.as_secs());
                out.push(Check::fail("ssh", found, "check the SSH host").unreachable());
                false
            }
        };
    }
    let mut all = true;
    for (name, url) in [("buffer", Some(&config.buffer)), ("config service", config.config.as_ref())] {
        let Some(url) = url else { continue };
        let (host, port) = (host(url).to_owned(), port(url));
        let tls = url.starts_with("https://").then_some(&config.tls);
        all &= reach(&Place { name, host: &host, port, tls }, out).await;
    }
    all
}

fn port(url: &str) -> u16 {
    let usual = if url.starts_with("https://") { 443 } else { 80 };
    url.parse::<Uri>().ok().and_then(|uri| uri.port_u16()).unwrap_or(usual)
}

async fn buffer(client: &Client, out: &mut Vec<Check>) {
    let began = Instant::now();
    match timeout(ANSWER, client.stats(now())).await {
        Ok(Ok(stats)) => {
            let took = began.elapsed();
            let found = format!("{} records", grouped(stats.records));
            out.push(if stats.limit_is_zero() {
                Check::fail("buffer answer", "its limit is zero", "set max_buffer_size_mb: noctule run buffer.config")
            } else if took > SLOW {
                let advice = "it scans all its records for each answer: clean up, or keep less";
                Check::warn("buffer answer", format!("{found}, slowly"), advice).took(took)
            } else {
                Check::ok("buffer answer", found).took(took)
            });
        }
        Ok(Err(e)) => out.push(failed("buffer answer", &e)),
        Err(_) => out.push(silent("buffer answer")),
    }
}

async fn configuration(client: &Client, out: &mut Vec<Check>) {
    match timeout(ANSWER, client.buffer_config()).await {
        Ok(Ok(config)) => {
            let dangers = config.validate();
            let bad = |kind| dangers.iter().find(|d| d.kind == kind);
            let words =
                |d: &crate::model::appliance::config::Danger| format!("{}: {}", clean(&d.path), clean(&d.words));
            out.push(match (bad(DangerKind::Kills), bad(DangerKind::Loses)) {
                (Some(d), _) => Check::fail(
                    "buffer configuration",
                    words(d),
                    "mend it before the service restarts: noctule run buffer.config",
                ),
                (None, Some(d)) => {
                    Check::warn("buffer configuration", words(d), "noctule run buffer.config changes it")
                }
                (None, None) => {
                    Check::ok("buffer configuration", "nothing in it would kill the service or lose records")
                }
            });
        }
        Ok(Err(e)) => out.push(failed("buffer configuration", &e)),
        Err(_) => out.push(silent("buffer configuration")),
    }
}

async fn services(client: &Client, out: &mut Vec<Check>) {
    let began = Instant::now();
    match timeout(ANSWER, client.services()).await {
        Ok(Ok(_)) => out.push(Check::ok("config answer", "it tells its services").took(began.elapsed())),
        Ok(Err(e)) => out.push(failed("config answer", &e)),
        Err(_) => out.push(silent("config answer")),
    }
}

fn silent(name: &str) -> Check {
    Check::fail(name, format!("no answer in {} s", ANSWER.as_secs()), "check the service on the appliance")
        .unreachable()
}

fn failed(name: &str, error: &Error) -> Check {
    let check = Check::fail(name, error.what.words(), error.what.advice());
    // Whoever answers has been reached, whatever it says.
    if matches!(error.what, Failure::Transport { .. } | Failure::Deadline { .. }) { check.unreachable() } else { check }
}
