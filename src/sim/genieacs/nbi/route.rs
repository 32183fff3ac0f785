//! Which request means what.

use std::sync::Arc;

use http::{Method, Request};
use hyper::body::Incoming;

use super::answer::{Answer, not_allowed, not_found};
use super::{Nbi, change, list, tasks};
use crate::sim::genieacs::query::Crash;

/// The parameters of a request; a name may have no value.
#[derive(Debug, Default)]
pub(crate) struct Parameters(Vec<(String, String)>);

impl Parameters {
    fn parse(query: &str) -> Self {
        let pairs = query.split('&').filter(|p| !p.is_empty()).map(|pair| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            let read = |text: &str| {
                let plus = text.replace('+', " ");
                decode(&plus).unwrap_or(plus)
            };
            (read(name), read(value))
        });
        Self(pairs.collect())
    }

    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(n, _)| n == name).map(|(_, v)| v.as_str())
    }
}

/// Percent decoding; `None` when it is malformed or gives no UTF-8.
fn decode(text: &str) -> Option<String> {
    let mut out = Vec::with_capacity(text.len());
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        if byte != b'%' {
            out.push(byte);
            continue;
        }
        let mut digit = || (bytes.next()? as char).to_digit(16);
        out.push((digit()? << 4 | digit()?) as u8);
    }
    String::from_utf8(out).ok()
}

fn is_part(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_%.~!*'()".contains(&b))
}

/// Answers a request, or dies of it.
pub(crate) async fn answer(nbi: &Arc<Nbi>, request: Request<Incoming>) -> Result<Answer, Crash> {
    let method = request.method().clone();
    let path = request.uri().path().trim_end_matches('/').to_owned();
    let parameters = Parameters::parse(request.uri().query().unwrap_or_default());
    let raw: Vec<&str> = path.split('/').skip(1).collect();
    if raw.is_empty() || !raw.iter().all(|p| is_part(p)) {
        return Ok(not_found());
    }
    let part = |n: usize| decode(raw.get(n).copied().unwrap_or_default()).ok_or(Crash("malformed % in the path"));
    let reads = method == Method::GET || method == Method::HEAD;
    Ok(match raw.as_slice() {
        [name] => match list::Collection::parse(name) {
            Some(collection) if reads => list::answer(nbi, collection, &parameters, method == Method::HEAD)?,
            Some(_) => not_allowed("GET, HEAD"),
            None => not_found(),
        },
        ["devices", _] if method == Method::DELETE => change::delete_device(nbi, &part(1)?),
        ["devices" | "faults" | "tasks", _] if method != Method::DELETE => not_allowed("DELETE"),
        ["devices", _, "tasks"] if method == Method::POST => {
            tasks::post(nbi, &part(1)?, &parameters, request.into_body()).await?
        }
        ["devices", _, "tasks"] | ["tasks", _, "retry"] if method != Method::POST => not_allowed("POST"),
        ["devices", _, "tags", _] => match method {
            Method::POST => change::tag(nbi, &part(1)?, &part(3)?, true),
            Method::DELETE => change::tag(nbi, &part(1)?, &part(3)?, false),
            _ => not_allowed("POST, DELETE"),
        },
        ["tasks", _] => change::delete_task(nbi, &part(1)?)?,
        ["tasks", _, "retry"] => change::retry_task(nbi, &part(1)?)?,
        ["faults", _] => change::delete_fault(nbi, &part(1)?),
        ["files", _] => match method {
            Method::PUT => change::put_file(nbi, &part(1)?, request).await,
            Method::DELETE => change::delete_file(nbi, &part(1)?)?,
            _ => not_allowed("PUT, DELETE"),
        },
        ["ping", _] if method == Method::GET => change::ping(nbi, &part(1)?),
        ["ping", _] => not_allowed("GET"),
        [shelf @ ("presets" | "objects" | "provisions" | "virtual_parameters" | "virtualParameters"), _] => {
            match method {
                Method::PUT => change::put(nbi, shelf, &part(1)?, request.into_body()).await,
                Method::DELETE => change::delete(nbi, shelf, &part(1)?),
                _ => not_allowed("PUT, DELETE"),
            }
        }
        _ => not_found(),
    })
}
