//! Queries: which operators a collection survives.

use regex::RegexBuilder;
use serde_json::{Map, Value as Json};

use super::{Refusal, field, refuse, shown};
use crate::controllers::genieacs::device::instant;
use crate::controllers::genieacs::wire::{Collection, TaskId};

/// Operators that the server compares with.
const COMPARE: &[&str] = &["$eq", "$gt", "$gte", "$lt", "$lte", "$ne"];
/// How deep a query nests.
const DEPTH: usize = 20;

/// What a field is converted to before it is compared; others are taken as they are.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Typed {
    ObjectId,
    Date,
    Number,
}

fn typed(collection: Collection, name: &str) -> Option<Typed> {
    match (collection, name) {
        (Collection::Tasks, "_id") => Some(Typed::ObjectId),
        (Collection::Tasks | Collection::Faults, "timestamp") => Some(Typed::Date),
        (Collection::Tasks | Collection::Faults, "retries") => Some(Typed::Number),
        _ => None,
    }
}

/// A query of a collection.
///
/// # Errors
/// What a worker would die of, and what the server would misunderstand.
pub fn query(collection: Collection, query: &Json) -> Result<(), Refusal> {
    walk(collection, query, 0)
}

fn walk(collection: Collection, query: &Json, depth: usize) -> Result<(), Refusal> {
    let Json::Object(map) = query else {
        return refuse("a query is a JSON object");
    };
    if depth > DEPTH {
        return refuse(format!("a query nests at most {DEPTH} deep"));
    }
    for (key, value) in map {
        match key.as_str() {
            "$and" | "$or" | "$nor" => match value {
                Json::Array(parts) if !parts.is_empty() => {
                    parts.iter().try_for_each(|p| walk(collection, p, depth + 1))?;
                }
                _ => return refuse(format!("{key} takes a list of queries")),
            },
            dollar if dollar.starts_with('$') => {
                return refuse(format!("{} cannot stand where a field belongs", shown(dollar)));
            }
            name => {
                field(name)?;
                condition(collection, name, value)?;
            }
        }
    }
    Ok(())
}

fn condition(collection: Collection, name: &str, value: &Json) -> Result<(), Refusal> {
    match value {
        Json::Object(operators) => operations(collection, name, operators),
        Json::Array(_) => refuse(format!("{name}: a list cannot be compared; use $in")),
        other => operand(collection, name, other),
    }
}

fn operations(collection: Collection, name: &str, operators: &Map<String, Json>) -> Result<(), Refusal> {
    if operators.is_empty() {
        return refuse(format!("{name}: there is no operator"));
    }
    let negative = operators.keys().find(|k| matches!(k.as_str(), "$ne" | "$not"));
    if let (Some(key), true) = (negative, operators.len() > 1) {
        return refuse(format!("{name}: {key} cannot stand beside another operator: put each into $and"));
    }
    for (key, value) in operators {
        match key.as_str() {
            op if COMPARE.contains(&op) => operand(collection, name, value)?,
            "$in" | "$nin" => match value {
                Json::Array(all) => all.iter().try_for_each(|v| operand(collection, name, v))?,
                _ => return refuse(format!("{name}: {key} takes a list")),
            },
            "$exists" if value.is_boolean() => {}
            "$exists" => return refuse(format!("{name}: $exists takes true or false")),
            "$type" => kind(name, value)?,
            other if typed(collection, name).is_some() => {
                return refuse(format!("{name} of {} cannot be asked with {}", collection.word(), shown(other)));
            }
            "$not" => match value {
                Json::Object(inner) if !inner.contains_key("$not") => operations(collection, name, inner)?,
                _ => return refuse(format!("{name}: $not takes an operator")),
            },
            "$regex" => match value {
                Json::String(pattern) => regex(name, pattern)?,
                _ => return refuse(format!("{name}: $regex takes a text")),
            },
            "$options" => match (value, operators.contains_key("$regex")) {
                (Json::String(flags), true) if flags.chars().all(|c| "imsx".contains(c)) => {}
                _ => return refuse(format!("{name}: $options stands beside $regex and takes i, m, s, x")),
            },
            other => return refuse(format!("{name}: the operator {} is not known to be harmless", shown(other))),
        }
    }
    Ok(())
}

fn kind(name: &str, value: &Json) -> Result<(), Refusal> {
    const KINDS: &[&str] =
        &["double", "string", "object", "array", "objectId", "bool", "date", "null", "int", "long", "number"];
    let good = |v: &Json| v.as_str().is_some_and(|k| KINDS.contains(&k));
    let all = match value {
        Json::Array(all) => !all.is_empty() && all.iter().all(good),
        one => good(one),
    };
    if all { Ok(()) } else { refuse(format!("{name}: $type takes {}", KINDS.join(", "))) }
}

/// A value that is compared with.
fn operand(collection: Collection, name: &str, value: &Json) -> Result<(), Refusal> {
    match (typed(collection, name), value) {
        (_, Json::Null) => refuse(format!("{name}: null cannot be compared; use $exists")),
        (_, Json::Array(_) | Json::Object(_)) => refuse(format!("{name} is compared with a single value")),
        (Some(Typed::ObjectId), value) => match value.as_str().and_then(TaskId::parse) {
            Some(_) => Ok(()),
            None => refuse(format!("{name}: a task id has 24 hexadecimal digits")),
        },
        (Some(Typed::Date), value) => match value.as_str().map(instant) {
            Some(at) if at.is_set() => Ok(()),
            _ => refuse(format!("{name}: an instant is written 2026-11-20T14:00:00.000Z")),
        },
        (Some(Typed::Number), value) if value.is_number() => Ok(()),
        (Some(Typed::Number), _) => refuse(format!("{name} is a number")),
        (None, Json::String(text)) if collection == Collection::Devices => widened(name, text),
        (None, _) => Ok(()),
    }
}

/// Texts in queries of devices are widened: `/re/flags` and `*` become regular expressions, and a
/// bad one kills a worker.
fn widened(name: &str, text: &str) -> Result<(), Refusal> {
    if let Some((pattern, flags)) = text.strip_prefix('/').and_then(|t| t.rsplit_once('/')) {
        if !flags.chars().all(|c| "gims".contains(c)) || has_twice(flags) {
            return refuse(format!("{name}: after /…/ come the letters g, i, m, s, each once"));
        }
        return regex(name, pattern);
    }
    if text.contains('*') {
        let special = text.chars().filter(|c| r".+?^${}()|[]\".contains(*c)).count();
        let inner = text.trim_matches('*').matches('*').count();
        if special > 1 || inner > 1 {
            return refuse(format!(
                "{name}: beside * the server understands one more special character at most; write /…/"
            ));
        }
    }
    Ok(())
}

fn has_twice(flags: &str) -> bool {
    flags.chars().enumerate().any(|(i, c)| flags.chars().skip(i + 1).any(|d| d == c))
}

/// A regular expression that means the same to us and to the server, and is one to both.
fn regex(name: &str, pattern: &str) -> Result<(), Refusal> {
    if pattern.len() > 1000 {
        return refuse(format!("{name}: a regular expression has at most 1000 bytes"));
    }
    match RegexBuilder::new(pattern).size_limit(1 << 20).build() {
        Ok(_) => Ok(()),
        Err(e) => {
            let why = e.to_string();
            let last = why.lines().last().unwrap_or_default();
            refuse(format!("{name}: /{}/ is no regular expression: {last}", shown(pattern)))
        }
    }
}
