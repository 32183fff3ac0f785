//! One VOLTHA source, from the name on: resolution, TCP, TLS, the answer of the core, its clock.
//! Each step that fails says what to do, and those after it are not tried.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use tokio::net::TcpStream;
use tokio::time::timeout;
use tonic::codegen::http::Uri;

use super::report::Check;
use super::tls;
use crate::config::schema::{Tls, Voltha};
use crate::controllers::tls::for_stream;
use crate::controllers::voltha::client::{Client, methods};
use crate::controllers::voltha::error::{Error, ErrorKind};
use crate::model::ids::SourceName;
use crate::model::text;
use crate::model::time::{SECOND, Ts};
use crate::workers::now;

/// How long a name or a connection may take.
const PATIENCE: Duration = Duration::from_secs(5);
/// An adapter heard less recently than this is taken for dead (facts: voltha-run §6.2).
const SILENT: i64 = 15 * SECOND;
/// A clock this far ahead of ours is worth a word, µs.
const SKEW: i64 = 2 * SECOND;

/// Where a connection goes.
pub(super) struct Place<'a> {
    /// What the checks are called (`grpc`, `kafka broker:9092`).
    pub(super) name: &'a str,
    pub(super) host: &'a str,
    pub(super) port: u16,
    /// TLS settings, when it is spoken there.
    pub(super) tls: Option<&'a Tls>,
}

/// The gRPC side. `skew` is how far the events that were read tell the source's clock to be ahead
/// of ours, µs.
pub(super) async fn grpc(source: &SourceName, config: &Voltha, skew: Option<i64>) -> Vec<Check> {
    let uri = match config.grpc.parse::<Uri>() {
        Ok(uri) => uri,
        Err(e) => return vec![Check::fail("grpc", format!("{}: {e}", config.grpc), "write it like http://host:50057")],
    };
    let Some(host) = uri.host() else {
        return vec![Check::fail("grpc", format!("{} names no host", config.grpc), "write it like http://host:50057")];
    };
    let secure = uri.scheme_str() == Some("https");
    let port = uri.port_u16().unwrap_or(if secure { 443 } else { 80 });
    let host = host.trim_start_matches('[').trim_end_matches(']');
    let place = Place { name: "grpc", host, port, tls: secure.then_some(&config.tls) };
    let mut out = Vec::new();
    if !reach(&place, &mut out).await {
        return out;
    }
    match Client::new(source.clone(), config) {
        Ok(client) => {
            if version(&client, &mut out).await {
                adapters(&client, skew, &mut out).await;
            }
        }
        Err(e) => out.push(failed("grpc", &e)),
    }
    out
}

/// Name, TCP and TLS of a place; whether all went well.
pub(super) async fn reach(place: &Place<'_>, out: &mut Vec<Check>) -> bool {
    let Some(addresses) = resolve(place, out).await else { return false };
    let Some(tcp) = connect(place, &addresses, out).await else { return false };
    let Some(settings) = place.tls else { return true };
    let name = format!("{} tls", place.name);
    let (owned, host) = (settings.clone(), settings.server_name.as_deref().unwrap_or(place.host).to_owned());
    let config = match tokio::task::spawn_blocking(move || for_stream(&owned)).await {
        Ok(Ok(config)) => config,
        Ok(Err(why)) => {
            out.push(Check::fail(&name, why, "correct the tls settings of the source"));
            return false;
        }
        Err(_) => return false,
    };
    let check = match timeout(PATIENCE, tls::check(&name, tcp, config, &host, now())).await {
        Ok(check) => check,
        Err(_) => Check::fail(&name, "no handshake in 5 s", "check that TLS is spoken on that port").unreachable(),
    };
    let good = !check.unreachable;
    out.push(check);
    good
}

async fn resolve(place: &Place<'_>, out: &mut Vec<Check>) -> Option<Vec<SocketAddr>> {
    let name = format!("{} name", place.name);
    let advice = "check the host name, and the resolver of this machine";
    let began = Instant::now();
    let found = timeout(PATIENCE, tokio::net::lookup_host((place.host, place.port))).await;
    let addresses: Vec<SocketAddr> = match found {
        Err(_) => {
            out.push(Check::fail(&name, format!("{}: no answer in 5 s", place.host), advice).unreachable());
            return None;
        }
        Ok(Err(e)) => {
            out.push(Check::fail(&name, format!("{}: {e}", place.host), advice).unreachable());
            return None;
        }
        Ok(Ok(addresses)) => addresses.collect(),
    };
    let shown: Vec<String> = addresses.iter().map(|a| a.ip().to_string()).collect();
    out.push(Check::ok(&name, format!("{}: {}", place.host, shown.join(", "))).took(began.elapsed()));
    Some(addresses)
}

async fn connect(place: &Place<'_>, addresses: &[SocketAddr], out: &mut Vec<Check>) -> Option<TcpStream> {
    let name = format!("{} tcp", place.name);
    let mut why = "the name has no address".to_owned();
    for address in addresses {
        let began = Instant::now();
        match timeout(PATIENCE, TcpStream::connect(address)).await {
            Ok(Ok(tcp)) => {
                out.push(Check::ok(&name, address.to_string()).took(began.elapsed()));
                return Some(tcp);
            }
            Ok(Err(e)) => why = format!("{address}: {e}"),
            Err(_) => why = format!("{address}: no answer in 5 s"),
        }
    }
    out.push(Check::fail(&name, why, "check address, port and firewall, and that the process runs").unreachable());
    None
}

/// A failed call as a check.
pub(super) fn failed(name: &str, error: &Error) -> Check {
    let found = if error.words.is_empty() {
        error.kind.word().to_owned()
    } else {
        format!("{} ({})", error.kind.word(), error.words)
    };
    let check = Check::fail(name, found, error.kind.advice());
    let of_us = matches!(error.kind, ErrorKind::Config | ErrorKind::TooLarge | ErrorKind::NotThere);
    if of_us { check } else { check.unreachable() }
}

/// Whether the core answers, and what it says it is. Its `version` is a JSON text of build facts.
async fn version(client: &Client, out: &mut Vec<Check>) -> bool {
    match client.call(&methods::GET_VOLTHA, "", ()).await {
        Err(e) => {
            out.push(failed("grpc answer", &e));
            false
        }
        Ok(answer) => {
            let told = answer.value.version;
            let version = serde_json::from_str::<serde_json::Value>(&told)
                .ok()
                .and_then(|v| v.get("version").and_then(|v| v.as_str()).map(str::to_owned))
                .unwrap_or(told);
            let version = text::clip(&version, 60, "…").into_owned();
            out.push(Check::ok("grpc answer", format!("VOLTHA {version}")).took(answer.took));
            true
        }
    }
}

/// Adapters: how long ago each was heard. What they stamp tells about the source's clock, too.
async fn adapters(client: &Client, skew: Option<i64>, out: &mut Vec<Check>) {
    let answer = match client.call(&methods::LIST_ADAPTERS, "", ()).await {
        Ok(answer) => answer.value.items,
        Err(e) => return out.push(failed("adapters", &e)),
    };
    let now = now();
    let heard: Vec<(String, i64)> =
        answer.iter().map(|a| (a.id.clone(), now.since(Ts(a.last_communication.saturating_mul(SECOND))))).collect();
    let silent: Vec<String> = heard
        .iter()
        .filter(|(_, age)| *age > SILENT)
        .map(|(id, age)| format!("{id} was last heard {} s ago", age / SECOND))
        .collect();
    out.push(if heard.is_empty() {
        Check::warn("adapters", "none registered", "start the adapters: without them no device can be enabled")
    } else if silent.is_empty() {
        let names: Vec<&str> = heard.iter().map(|(id, _)| id.as_str()).collect();
        Check::ok("adapters", names.join(", "))
    } else {
        let advice = "restart the adapter: its devices look healthy while it is dead; or compare the clocks";
        Check::warn("adapters", silent.join(", "), advice)
    });
    out.push(clock(heard.iter().map(|(_, age)| *age).min(), skew));
}

/// The newest stamp of an adapter is never newer than the source's present, and only events tell
/// how far the clocks really are apart.
fn clock(age: Option<i64>, skew: Option<i64>) -> Check {
    let apart = |found: String| Check::warn("clock", found, "let both sides take the time from the same place (NTP)");
    match (age, skew) {
        (Some(age), _) if age < -SKEW => apart(format!("its clock is at least {} s ahead of ours", -age / SECOND)),
        (_, Some(skew)) if skew > SKEW => apart(format!("its clock is {} s ahead of ours", skew / SECOND)),
        (_, Some(skew)) if skew < -SKEW => apart(format!("its clock is {} s behind ours", -skew / SECOND)),
        (_, Some(_)) => Check::ok("clock", "agrees with ours, by the last events"),
        (Some(age), None) if age <= SILENT => {
            Check::ok("clock", "not known: no event was read lately; it is not ahead of ours")
        }
        (_, None) => Check::ok("clock", "not known: no event was read lately, no adapter heard"),
    }
}

#[cfg(test)]
mod tests {
    use super::super::report::Verdict;
    use super::*;

    #[test]
    fn a_clock_that_runs_ahead_is_told() {
        let ahead = clock(Some(-90 * SECOND), None);
        assert!(ahead.verdict == Verdict::Warn && ahead.found.contains("90 s ahead"), "{ahead:?}");
        let behind = clock(Some(3600 * SECOND), Some(-90 * SECOND));
        assert!(behind.verdict == Verdict::Warn && behind.found.contains("90 s behind"), "{behind:?}");
        assert!(clock(Some(2 * SECOND), Some(1)).found.contains("agrees"));
        for age in [None, Some(2 * SECOND), Some(3600 * SECOND)] {
            let unknown = clock(age, None);
            assert!(unknown.verdict == Verdict::Ok && unknown.found.contains("not known"), "{unknown:?}");
        }
    }

    #[tokio::test]
    async fn a_closed_port_is_unreachable_and_a_bad_name_too() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        drop(listener);
        let config = Voltha::new(format!("http://127.0.0.1:{port}"));
        let checks = grpc(&"a".into(), &config, None).await;
        assert!(checks.last().unwrap().unreachable, "{checks:?}");
        let checks = grpc(&"a".into(), &Voltha::new("http://no-such-host.invalid:1"), None).await;
        assert!(checks[0].unreachable && checks.len() == 1, "{checks:?}");
    }
}
