//! From the JSON of a request to a [`Query`], with the rules of each collection.

use serde_json::{Map, Value as Json};

use super::{Crash, Query, Test, widen};
use crate::sim::genieacs::data::{ObjectId, Value, stamp};

/// Whose rules apply.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Flavour {
    /// Parameter names and strings are widened.
    Devices,
    /// `_id`, `timestamp` and `retries` have types.
    Tasks,
    /// `timestamp` and `retries` have types.
    Faults,
    /// Nothing is converted.
    Plain,
}

/// The operators that may be used on a field with a type.
const TYPED: [&str; 10] = ["$in", "$nin", "$eq", "$gt", "$gte", "$lt", "$lte", "$ne", "$exists", "$type"];

/// Reads the query of a request.
pub(crate) fn parse(json: &Json, flavour: Flavour) -> Result<Query, Crash> {
    match json {
        Json::Null => Ok(Query::all()),
        Json::Object(fields) => object(fields, flavour),
        _ => Err(Crash("a query that is no object")),
    }
}

fn object(fields: &Map<String, Json>, flavour: Flavour) -> Result<Query, Crash> {
    let mut all = Vec::with_capacity(fields.len());
    for (key, value) in fields {
        if !key.starts_with('$') {
            all.push(field(key, value, flavour)?);
            continue;
        }
        let Json::Array(parts) = value else {
            return Err(Crash("an operator whose value is no list"));
        };
        let parts = parts.iter().map(|p| parse(p, flavour)).collect::<Result<Vec<_>, _>>()?;
        all.push(match key.as_str() {
            _ if parts.is_empty() => return Err(Crash("an operator with an empty list")),
            "$and" => Query::All(parts),
            "$or" => Query::Any(parts),
            "$nor" => Query::Not(Box::new(Query::Any(parts))),
            _ => return Err(Crash("an operator that the database does not know")),
        });
    }
    Ok(Query::All(all))
}

/// The full name of a device field: a parameter means its value.
pub(super) fn widened(key: &str) -> String {
    let last = key.rsplit('.').next().unwrap_or(key);
    if last.starts_with('_') { key.to_owned() } else { format!("{key}._value") }
}

fn field(key: &str, value: &Json, flavour: Flavour) -> Result<Query, Crash> {
    let kind = match (flavour, key) {
        (Flavour::Tasks, "_id") => Kind::Id,
        (Flavour::Tasks | Flavour::Faults, "timestamp") => Kind::Date,
        (Flavour::Tasks | Flavour::Faults, "retries") => Kind::Number,
        (Flavour::Devices, _) => Kind::Wide,
        _ => Kind::Plain,
    };
    let path = if flavour == Flavour::Devices { widened(key) } else { key.to_owned() };
    Ok(Query::Field(path, tests(value, kind)?))
}

/// How the values of a field are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Wide,
    Id,
    Date,
    Number,
    Plain,
}

fn tests(value: &Json, kind: Kind) -> Result<Test, Crash> {
    let Json::Object(ops) = value else { return equal(value, kind) };
    if !ops.keys().any(|k| k.starts_with('$')) {
        if kind == Kind::Plain || kind == Kind::Wide {
            return Ok(Test::Equal(Value::from(value)));
        }
        return Err(Crash("a document for a field with a type"));
    }
    if kind == Kind::Wide && ops.len() > 1 && ops.keys().any(|k| k == "$ne" || k == "$not") {
        return Err(Crash("$ne or $not beside another operator"));
    }
    let options = ops.get("$options").and_then(Json::as_str).unwrap_or_default();
    let mut all = Vec::with_capacity(ops.len());
    for (op, operand) in ops {
        if !matches!(kind, Kind::Wide | Kind::Plain) && !TYPED.contains(&op.as_str()) {
            return Err(Crash("an operator that a field with a type does not take"));
        }
        if op == "$options" {
            if !ops.contains_key("$regex") {
                return Err(Crash("$options without $regex"));
            }
            continue;
        }
        all.push(operator(op, operand, kind, options)?);
    }
    Ok(one(all, Test::All))
}

fn one(mut tests: Vec<Test>, join: fn(Vec<Test>) -> Test) -> Test {
    match tests.pop() {
        Some(only) if tests.is_empty() => only,
        Some(last) => {
            tests.push(last);
            join(tests)
        }
        None => join(tests),
    }
}

fn operator(op: &str, operand: &Json, kind: Kind, options: &str) -> Result<Test, Crash> {
    let each = |make: fn(Value) -> Test| -> Result<Test, Crash> {
        Ok(one(readings(operand, kind)?.into_iter().map(make).collect(), Test::Any))
    };
    let not = |test| Test::Not(Box::new(test));
    Ok(match op {
        "$eq" => equal(operand, kind)?,
        "$ne" => not(equal(operand, kind)?),
        "$gt" => each(Test::Greater)?,
        "$gte" => each(Test::GreaterOrEqual)?,
        "$lt" => each(Test::Less)?,
        "$lte" => each(Test::LessOrEqual)?,
        "$in" => among(operand, kind)?,
        "$nin" => not(among(operand, kind)?),
        "$exists" => Test::Exists(truthy(operand)),
        "$type" => types(operand)?,
        "$regex" => {
            let Json::String(pattern) = operand else { return Err(Crash("$regex of no string")) };
            Test::Matches(widen::build(pattern, options)?)
        }
        "$not" => not(match operand {
            Json::Object(_) => tests(operand, Kind::Plain)?,
            _ => return Err(Crash("$not of no operators")),
        }),
        "$size" => Test::Size(operand.as_f64().ok_or(Crash("$size of no number"))?),
        "$all" => {
            let Json::Array(items) = operand else { return Err(Crash("$all of no list")) };
            Test::All(items.iter().map(|i| equal(i, Kind::Plain)).collect::<Result<_, _>>()?)
        }
        "$mod" => match operand.as_array().map(Vec::as_slice) {
            Some([by, rest]) => {
                let by = by.as_f64().filter(|b| b.trunc() != 0.0).ok_or(Crash("$mod by nothing"))?;
                Test::Mod(by, rest.as_f64().unwrap_or(0.0))
            }
            _ => return Err(Crash("$mod without two numbers")),
        },
        "$elemMatch" => Test::Element(Box::new(parse(operand, Flavour::Plain)?)),
        _ => return Err(Crash("an operator that the database does not know")),
    })
}

fn among(operand: &Json, kind: Kind) -> Result<Test, Crash> {
    let Json::Array(items) = operand else { return Err(Crash("$in of no list")) };
    let tests = items.iter().map(|i| equal(i, kind)).collect::<Result<Vec<_>, _>>()?;
    Ok(Test::Any(tests))
}

fn equal(value: &Json, kind: Kind) -> Result<Test, Crash> {
    match (kind, value) {
        (Kind::Wide, Json::String(text)) => Ok(one(widen::equal(text)?, Test::Any)),
        _ => Ok(one(readings(value, kind)?.into_iter().map(Test::Equal).collect(), Test::Any)),
    }
}

/// The values that an operand may stand for.
fn readings(value: &Json, kind: Kind) -> Result<Vec<Value>, Crash> {
    Ok(match kind {
        Kind::Plain => vec![Value::from(value)],
        Kind::Wide => match value {
            Json::String(text) => widen::values(text),
            _ => vec![Value::from(value)],
        },
        Kind::Id => vec![Value::Id(
            value.as_str().and_then(object_id).ok_or(Crash("a task id that is not 24 hexadecimal digits"))?,
        )],
        // A date that cannot be read is an invalid date: it equals nothing.
        Kind::Date => vec![match value {
            Json::String(text) => stamp::parse(text).map_or(Value::Number(f64::NAN), Value::Date),
            Json::Number(n) => Value::Date(n.as_f64().unwrap_or(0.0) as i64),
            _ => Value::Number(f64::NAN),
        }],
        Kind::Number => vec![Value::Number(match value {
            Json::Number(n) => n.as_f64().unwrap_or(f64::NAN),
            Json::String(text) => text.trim().parse().unwrap_or(f64::NAN),
            _ => f64::NAN,
        })],
    })
}

fn types(operand: &Json) -> Result<Test, Crash> {
    let one_type = |t: &Json| match t {
        Json::String(name) => Ok(Test::Type(name.clone())),
        Json::Number(n) => Ok(Test::Type(n.to_string())),
        _ => Err(Crash("$type of no type")),
    };
    match operand {
        Json::Array(many) => Ok(Test::Any(many.iter().map(one_type).collect::<Result<_, _>>()?)),
        single => one_type(single),
    }
}

fn truthy(value: &Json) -> bool {
    match value {
        Json::Null => false,
        Json::Bool(b) => *b,
        Json::Number(n) => n.as_f64().is_some_and(|n| n != 0.0),
        _ => true,
    }
}

/// A task id, when it is one.
pub(crate) fn object_id(text: &str) -> Option<ObjectId> {
    if text.len() != 24 || !text.is_ascii() {
        return None;
    }
    let mut id = ObjectId::default();
    for (place, pair) in id.iter_mut().zip(text.as_bytes().chunks(2)) {
        let digit = |b: Option<&u8>| b.and_then(|b| (*b as char).to_digit(16));
        *place = (digit(pair.first())? << 4 | digit(pair.get(1))?) as u8;
    }
    Some(id)
}
