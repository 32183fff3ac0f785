//! One GenieACS: resolution, TCP, TLS, the answer of its northbound interface: version, clock, how
//! many CPEs, whether it stands open to strangers.

use std::net::IpAddr;
use std::time::{Duration, Instant};

use tokio::time::timeout;
use tonic::codegen::http::Uri;

use super::report::Check;
use super::source::{Place, reach};
use crate::config::schema::Genieacs;
use crate::controllers::genieacs::client::Client;
use crate::controllers::genieacs::error::{Error, Failure};
use crate::controllers::genieacs::exposure;
use crate::controllers::genieacs::profile::Profiles;
use crate::controllers::genieacs::wire::{Collection, Filter};
use crate::model::ids::SourceName;
use crate::model::time::SECOND;

/// How long a name may take.
const PATIENCE: Duration = Duration::from_secs(5);
/// A clock so many seconds off is worth a word.
const SKEW_S: i64 = 2;
/// How long an answer may take: the doctor does not wait out a restarting worker.
const ANSWER: Duration = Duration::from_secs(20);

/// All checks of one server.
pub(super) async fn checks(source: &SourceName, config: &Genieacs) -> Vec<Check> {
    let mut out = Vec::new();
    if let Some(folder) = &config.profiles {
        out.push(match Profiles::load(Some(std::path::Path::new(folder))) {
            Ok(profiles) => Check::ok("profiles", format!("{} of models", profiles.iter().count())),
            Err(e) => Check::fail("profiles", e.to_string(), "mend the files, or leave profiles out"),
        });
    }
    let advice = "write it like http://host:7557";
    let Ok(uri) = config.nbi.parse::<Uri>() else {
        out.push(Check::fail("nbi", format!("{} is no URL", config.nbi), advice));
        return out;
    };
    let secure = uri.scheme_str() == Some("https");
    let host = crate::controllers::http::host(&config.nbi).to_owned();
    let port = uri.port_u16().unwrap_or(if secure { 443 } else { 80 });
    let place = Place { name: "nbi", host: &host, port, tls: secure.then_some(&config.tls) };
    if !reach(&place, &mut out).await {
        return out;
    }
    let addresses = match timeout(PATIENCE, tokio::net::lookup_host((host.as_str(), port))).await {
        Ok(Ok(found)) => found.map(|a| a.ip()).collect::<Vec<IpAddr>>(),
        _ => Vec::new(),
    };
    out.push(match exposure::warning(config, &addresses) {
        Some(warning) => Check::warn("nbi exposure", warning, "let only the console and a proxy with a login reach it"),
        None => Check::ok("nbi exposure", "private address, or behind a login"),
    });
    let (name, settings) = (source.clone(), config.clone());
    match tokio::task::spawn_blocking(move || Client::new(&name, &settings)).await {
        Ok(Ok(client)) => answers(&client, &mut out).await,
        Ok(Err(e)) => out.push(failed("nbi", &e)),
        Err(e) => out.push(Check::fail("nbi", e.to_string(), "")),
    }
    out
}

/// By the server's clock devices informed: where it is wrong, so is who is online.
fn clock(skew: Option<i64>) -> Check {
    let apart = |seconds: i64, way: &str| {
        let found = format!("its clock is {seconds} s {way} ours: who is online is reckoned wrong by as much");
        Check::warn("clock", found, "let both sides take the time from the same place (NTP)")
    };
    match skew.map(|us| us / SECOND) {
        None => Check::ok("clock", "not known: a proxy before it tells no time"),
        Some(s) if s > SKEW_S => apart(s, "ahead of"),
        Some(s) if s < -SKEW_S => apart(-s, "behind"),
        Some(_) => Check::ok("clock", "agrees with ours"),
    }
}

async fn answers(client: &Client, out: &mut Vec<Check>) {
    let began = Instant::now();
    match timeout(ANSWER, client.about()).await {
        Ok(Ok(about)) => {
            out.push(Check::ok("nbi answer", format!("GenieACS {}", about.version)).took(began.elapsed()));
            out.push(clock(about.skew_us));
        }
        Ok(Err(e)) => return out.push(failed("nbi answer", &e)),
        Err(_) => {
            let found = format!("no answer in {} s", ANSWER.as_secs());
            return out.push(Check::fail("nbi answer", found, "check the load of the server").unreachable());
        }
    }
    let began = Instant::now();
    match timeout(ANSWER, client.count(Collection::Devices, &Filter::all())).await {
        Ok(Ok(n)) => out.push(Check::ok("devices", n.to_string()).took(began.elapsed())),
        Ok(Err(e)) => out.push(failed("devices", &e)),
        Err(_) => out.push(Check::warn("devices", "not counted in 20 s", "check the load of its database")),
    }
}

fn failed(name: &str, error: &Error) -> Check {
    let check = Check::fail(name, error.what.words(), error.what.advice());
    if matches!(error.what, Failure::Config(_) | Failure::Invalid(_)) { check } else { check.unreachable() }
}
