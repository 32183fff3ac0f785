//! Alertmanager's API v2.

use http::{Method, StatusCode};
use serde_json::{Value as Json, json};

use super::Live;
use super::answer::{Answer, Asked, invalid, json as answer_json, text};
use super::state::{Alert, SimSilence, State, fingerprint, now};
use crate::model::labels::{Labels, Matcher};
use crate::model::time::Ts;

pub(super) fn answer(live: &Live, asked: &Asked) -> Answer {
    let path: Vec<&str> = asked.path.iter().map(String::as_str).collect();
    let get = asked.method == Method::GET;
    if asked.method == Method::POST && !asked.json {
        let message = "unsupported media type \"text/plain\", only [application/json] are allowed";
        return invalid(StatusCode::UNSUPPORTED_MEDIA_TYPE, 415, message);
    }
    match path.as_slice() {
        ["-", "healthy" | "ready"] => text(StatusCode::OK, "OK"),
        ["api", "v2", "status"] if get => status(live),
        ["api", "v2", "receivers"] if get => answer_json(StatusCode::OK, &json!([{ "name": "noc" }])),
        ["api", "v2", "alerts"] if get => alerts(live, asked),
        ["api", "v2", "alerts"] if asked.method == Method::POST => post_alerts(live, asked),
        ["api", "v2", "silences"] if get => silences(live),
        ["api", "v2", "silences"] if asked.method == Method::POST => post_silence(live, asked),
        ["api", "v2", "silence", id] => silence(live, &asked.method, id),
        _ => text(StatusCode::NOT_FOUND, "404 page not found\n"),
    }
}

fn words(status: StatusCode, words: &str) -> Answer {
    answer_json(status, &Json::from(words))
}

fn status(live: &Live) -> Answer {
    let started = live.state().started.to_rfc3339();
    let version = json!({
        "branch": "sim", "buildDate": "20230409-09:50:43", "buildUser": "sim", "goVersion": "go1.19.8",
        "revision": "0.25.0", "version": "0.25.0",
    });
    let cluster = json!({ "peers": [], "status": "disabled" });
    answer_json(StatusCode::OK, &json!({ "cluster": cluster, "uptime": started, "versionInfo": version }))
}

fn alerts(live: &Live, asked: &Asked) -> Answer {
    let mut matchers = Vec::new();
    for filter in asked.all("filter") {
        match Matcher::parse(filter) {
            Ok(matcher) => matchers.push(matcher),
            Err(_) => return words(StatusCode::BAD_REQUEST, &format!("bad matcher format: {filter}")),
        }
    }
    let Ok(compiled) = matchers.iter().map(Matcher::compiled).collect::<Result<Vec<_>, _>>() else {
        return words(StatusCode::BAD_REQUEST, "bad matcher format");
    };
    let wanted = |name: &str| asked.get(name) != Some("false");
    let (state, at) = (live.state(), now());
    let all = state.alerts(at);
    let mut list: Vec<(String, Json)> = all
        .iter()
        .filter(|a| !a.pending && compiled.iter().all(|m| m.holds(&a.labels)))
        .map(|a| (fingerprint(&a.labels), written(&state, a, &all, at)))
        .filter(|(_, json)| {
            let some = |key: &str| json["status"][key].as_array().is_some_and(|l| !l.is_empty());
            (wanted("silenced") || !some("silencedBy"))
                && (wanted("inhibited") || !some("inhibitedBy"))
                && (wanted("active") || json["status"]["state"] != "active")
        })
        .collect();
    list.sort_by(|a, b| a.0.cmp(&b.0));
    answer_json(StatusCode::OK, &Json::Array(list.into_iter().map(|(_, json)| json).collect()))
}

/// In the order of the real one's fields.
fn written(state: &State, alert: &Alert, all: &[Alert], at: Ts) -> Json {
    let (silenced, inhibited) = (state.silenced_by(&alert.labels, at), state.inhibited_by(&alert.labels, all));
    let word = if silenced.is_empty() && inhibited.is_empty() { "active" } else { "suppressed" };
    let mut json = json!({
        "annotations": alert.annotations,
        "endsAt": State::ends(at).to_rfc3339(),
        "fingerprint": fingerprint(&alert.labels),
        "receivers": [{ "name": "noc" }],
        "startsAt": alert.starts.to_rfc3339(),
        "status": { "inhibitedBy": inhibited, "silencedBy": silenced, "state": word },
        "updatedAt": at.to_rfc3339(),
    });
    if let Some(map) = json.as_object_mut() {
        if !alert.generator.is_empty() {
            map.insert("generatorURL".into(), Json::from(alert.generator.as_str()));
        }
        map.insert("labels".into(), json!(alert.labels));
    }
    json
}

fn post_alerts(live: &Live, asked: &Asked) -> Answer {
    let Ok(Json::Array(list)) = serde_json::from_slice(&asked.body) else {
        return invalid(StatusCode::BAD_REQUEST, 400, "parsing alerts body from \"\" failed");
    };
    for alert in list {
        let read = |key: &str| serde_json::from_value::<Labels>(alert[key].clone()).unwrap_or_default();
        let labels = read("labels");
        if labels.is_empty() {
            return words(StatusCode::BAD_REQUEST, "at least one label pair required");
        }
        let over = alert["endsAt"].as_str().and_then(Ts::parse_rfc3339).is_some_and(|end| end <= now());
        let mut state = live.state();
        if over { state.resolve(&labels) } else { state.fire(labels, read("annotations")) }
    }
    super::answer::reply(StatusCode::OK, "application/json", "")
}

fn written_silence(silence: &SimSilence, at: Ts) -> Json {
    let matchers: Vec<Json> = silence
        .matchers
        .iter()
        .map(|m| json!({ "isEqual": m.equal, "isRegex": m.regex, "name": m.name, "value": m.value }))
        .collect();
    json!({
        "id": silence.id,
        "status": { "state": silence.state(at) },
        "updatedAt": silence.updated.to_rfc3339(),
        "comment": silence.comment,
        "createdBy": silence.created_by,
        "endsAt": silence.ends.to_rfc3339(),
        "matchers": matchers,
        "startsAt": silence.starts.to_rfc3339(),
    })
}

fn silences(live: &Live) -> Answer {
    let at = now();
    let list = live.state().silences.iter().map(|s| written_silence(s, at)).collect();
    answer_json(StatusCode::OK, &Json::Array(list))
}

fn post_silence(live: &Live, asked: &Asked) -> Answer {
    let Ok(body) = serde_json::from_slice::<Json>(&asked.body) else {
        return invalid(StatusCode::BAD_REQUEST, 400, "parsing silence body from \"\" failed");
    };
    let text = |key: &str| body[key].as_str().unwrap_or_default().to_owned();
    for key in ["comment", "createdBy", "endsAt", "startsAt"] {
        if body[key].is_null() {
            return invalid(StatusCode::UNPROCESSABLE_ENTITY, 602, &format!("{key} in body is required"));
        }
    }
    let given = body["matchers"].as_array().cloned().unwrap_or_default();
    if given.is_empty() {
        let message = "matchers in body should have at least 1 items";
        return invalid(StatusCode::UNPROCESSABLE_ENTITY, 612, message);
    }
    let matchers: Vec<Matcher> = given
        .iter()
        .map(|m| Matcher {
            name: m["name"].as_str().unwrap_or_default().to_owned(),
            value: m["value"].as_str().unwrap_or_default().to_owned(),
            regex: m["isRegex"] == true,
            equal: m["isEqual"] != false,
        })
        .collect();
    if matchers.iter().all(Matcher::takes_empty) {
        let why = "silence invalid: at least one matcher must not match the empty string";
        return words(StatusCode::BAD_REQUEST, why);
    }
    let (Some(starts), Some(ends)) = (Ts::parse_rfc3339(&text("startsAt")), Ts::parse_rfc3339(&text("endsAt"))) else {
        let message = "parsing silence body from \"\" failed, because parsing time cannot parse";
        return invalid(StatusCode::BAD_REQUEST, 400, message);
    };
    if ends <= starts.max(now()) {
        return words(StatusCode::BAD_REQUEST, "Failed to create silence: start time must be before end time");
    }
    let (created_by, comment, at) = (text("createdBy"), text("comment"), now());
    let (mut state, known) = (live.state(), text("id"));
    if !known.is_empty() {
        let Some(old) = state.silences.iter_mut().find(|s| s.id == known) else {
            return words(StatusCode::NOT_FOUND, "silence not found");
        };
        // With the same conditions it stays what it is; else it is ended and another takes its place.
        if old.state(at) != "expired" && old.matchers == matchers {
            (old.ends, old.updated, old.created_by, old.comment) = (ends, at, created_by, comment);
            return answer_json(StatusCode::OK, &json!({ "silenceID": known }));
        }
        (old.ends, old.updated) = (old.ends.min(at), at);
    }
    let id = uuid::Uuid::new_v4().to_string();
    let starts = starts.max(at);
    state.silences.push(SimSilence { id: id.clone(), matchers, starts, ends, updated: at, created_by, comment });
    answer_json(StatusCode::OK, &json!({ "silenceID": id }))
}

fn silence(live: &Live, method: &Method, id: &str) -> Answer {
    if uuid::Uuid::try_parse(id).is_err() {
        let message = "silenceID in path must be of type uuid";
        return invalid(StatusCode::UNPROCESSABLE_ENTITY, 601, message);
    }
    let (mut state, at) = (live.state(), now());
    let found = state.silences.iter_mut().find(|s| s.id == id);
    match (found, method) {
        (Some(silence), &Method::GET) => answer_json(StatusCode::OK, &written_silence(silence, at)),
        (Some(silence), &Method::DELETE) => {
            (silence.ends, silence.updated) = (silence.ends.min(at), at);
            super::answer::reply(StatusCode::OK, "application/json", "")
        }
        (None, &Method::DELETE) => words(StatusCode::INTERNAL_SERVER_ERROR, "silence not found"),
        _ => text(StatusCode::NOT_FOUND, ""),
    }
}
