//! Presets. The server stores any JSON as one, and its sessions fail on it later.

use serde_json::Value as Json;

use super::{Refusal, object, refuse, shown};

/// The kinds of configuration, and what each needs.
const KINDS: &[(&str, &[&str])] = &[
    ("value", &["name", "value"]),
    ("age", &["name", "age"]),
    ("add_tag", &["tag"]),
    ("delete_tag", &["tag"]),
    ("add_object", &["name", "object"]),
    ("delete_object", &["name", "object"]),
    ("provision", &["name"]),
];

/// A preset, as text.
///
/// # Errors
/// What its shape lacks.
pub fn preset(text: &str) -> Result<Json, Refusal> {
    let preset = object("preset", text)?;
    for (key, value) in preset.as_object().into_iter().flatten() {
        let good = match key.as_str() {
            "_id" | "channel" | "precondition" | "schedule" => value.is_string(),
            "weight" => value.is_number(),
            "events" => value.as_object().is_some_and(|e| e.values().all(Json::is_boolean)),
            "configurations" => value.is_array(),
            other => return refuse(format!("a preset has no {:?}", shown(other))),
        };
        if !good {
            return refuse(format!("{key} of a preset is {}", wanted(key)));
        }
    }
    let Some(all) = preset.get("configurations").and_then(Json::as_array) else {
        return refuse("a preset has configurations: what it does");
    };
    for (i, one) in all.iter().enumerate() {
        configuration(one).or_else(|why| refuse(format!("configurations[{i}]: {why}")))?;
    }
    if let Some(schedule) = preset.get("schedule").and_then(Json::as_str) {
        let mut words = schedule.split_whitespace();
        let window = words.next().is_some_and(|w| w.parse::<u32>().is_ok());
        let good = window && matches!(words.count(), 5 | 6);
        if !good && !schedule.is_empty() {
            return refuse("schedule is written SECONDS and a cron expression: 3600 0 2 * * *");
        }
    }
    Ok(preset)
}

fn configuration(one: &Json) -> Result<(), String> {
    let kind = one.get("type").and_then(Json::as_str).unwrap_or_default();
    let Some((_, needs)) = KINDS.iter().find(|(k, _)| *k == kind) else {
        let kinds: Vec<_> = KINDS.iter().map(|(k, _)| *k).collect();
        return Err(format!("type is one of {}", kinds.join(", ")));
    };
    for need in *needs {
        let good = match one.get(*need) {
            None | Some(Json::Null) => false,
            Some(_) if *need == "value" || *need == "age" => true,
            Some(value) => value.as_str().is_some_and(|t| !t.is_empty()),
        };
        if !good {
            return Err(format!("{kind} needs {need}"));
        }
    }
    match one.get("args") {
        None | Some(Json::Null | Json::Array(_)) => Ok(()),
        Some(_) => Err("args is a list".to_owned()),
    }
}

fn wanted(key: &str) -> &'static str {
    match key {
        "weight" => "a number",
        "events" => "an object of true and false",
        "configurations" => "a list",
        _ => "a text",
    }
}
