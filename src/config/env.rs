//! The layer of `NOCTULE_…` variables: `NOCTULE_UI_THEME` is `ui.theme`, and so on for every
//! setting that is one value. Their names come from the schema.

use serde_json::Value as Json;
use toml::{Table, Value};

use super::check::{self, check, schema};
use super::schema::Profile;
use super::{Error, Problem, Vars};
use crate::model::place::nearest;

/// Variables that are no settings of the file, with what they do.
pub(super) const OTHERS: [(&str, &str); 6] = [
    ("NOCTULE_CONFIG", "the configuration file to read, instead of the user's and the system's"),
    ("NOCTULE_DATA_DIR", "folder of the cache, the log and crash files"),
    ("NOCTULE_LOG", "what is logged: error, warn, info, debug, trace, or tracing directives"),
    ("NOCTULE_PROFILE", "the profile"),
    ("NOCTULE_READ_ONLY", "whether changes are refused: yes or no"),
    ("NOCTULE_OPERATOR", "name written into actions"),
];

/// What the variables say.
#[derive(Default)]
pub(super) struct Read {
    pub(super) table: Table,
    pub(super) problems: Vec<Problem>,
    pub(super) notes: Vec<String>,
}

/// Settings by the name of their variable.
fn settings() -> Vec<(String, Vec<String>, &'static Json)> {
    let mut out = Vec::new();
    for (key, sub) in check::properties(schema()) {
        if check::is_scalar(sub) {
            out.push((format!("NOCTULE_{}", key.to_uppercase()), vec![key.clone()], sub));
        }
        for (inner, sub) in check::properties(sub).filter(|(_, s)| check::is_scalar(s)) {
            let name = format!("NOCTULE_{}_{}", key.to_uppercase(), inner.to_uppercase());
            out.push((name, vec![key.clone(), inner.clone()], sub));
        }
    }
    out
}

/// Reads the variables. A name that is no setting is not an error, for secrets may be called so
/// too; when it looks like a slip it is noted.
pub(super) fn read(vars: &Vars) -> Read {
    let settings = settings();
    let mut out = Read::default();
    for (name, value) in vars.with_prefix("NOCTULE_").filter(|(_, v)| !v.is_empty()) {
        if let Some((_, path, sub)) = settings.iter().find(|(n, ..)| n == name) {
            let mut table = single(path, typed(value, sub));
            let problems = check(name, &table.to_string()).problems;
            if problems.is_empty() {
                let here = std::env::current_dir().unwrap_or_default();
                check::each_path(&mut table, &|written| here.join(written).display().to_string());
                super::load::merge(&mut out.table, table);
            }
            out.problems.extend(problems.into_iter().map(|p| Problem { place: None, ..p }));
        } else if !OTHERS.iter().any(|(n, _)| *n == name) {
            let known = settings.iter().map(|(n, ..)| n.as_str()).chain(OTHERS.iter().map(|(n, _)| *n));
            if let Some(near) = nearest(name, known).filter(|near| strsim::damerau_levenshtein(name, near) <= 2) {
                out.notes.push(format!("the variable {name} means nothing; did you mean {near}?"));
            }
        }
    }
    out
}

/// Applies the variables that speak of the profile.
pub(super) fn apply(vars: &Vars, profile: &mut Profile) -> Result<(), Error> {
    match vars.get("NOCTULE_READ_ONLY").map(str::to_ascii_lowercase).as_deref() {
        None => {}
        Some("1" | "yes" | "true" | "on") => profile.read_only = true,
        Some("0" | "no" | "false" | "off") => profile.read_only = false,
        Some(_) => return Err(Error::one("NOCTULE_READ_ONLY", "takes yes or no")),
    }
    if let Some(name) = vars.get("NOCTULE_OPERATOR") {
        profile.operator = Some(name.to_owned());
    }
    Ok(())
}

/// The text of a variable as the type that the setting has; a text that does not fit stays a
/// text, for the check to complain about.
fn typed(text: &str, schema: &'static Json) -> Value {
    match check::scalar_type(schema) {
        "boolean" => match text.to_ascii_lowercase().as_str() {
            "1" | "yes" | "true" | "on" => Value::Boolean(true),
            "0" | "no" | "false" | "off" => Value::Boolean(false),
            _ => Value::String(text.to_owned()),
        },
        "integer" => text.parse().map_or_else(|_| Value::String(text.to_owned()), Value::Integer),
        _ => Value::String(text.to_owned()),
    }
}

fn single(path: &[String], value: Value) -> Table {
    let mut value = value;
    for key in path.iter().rev() {
        value = Value::Table(Table::from_iter([(key.clone(), value)]));
    }
    match value {
        Value::Table(table) => table,
        _ => Table::new(),
    }
}

/// All variables with what they set, for the manual.
#[must_use]
pub fn documented() -> Vec<(String, String)> {
    let settings = settings().into_iter().map(|(name, path, _)| (name, format!("sets {}", path.join("."))));
    OTHERS.iter().map(|(n, d)| ((*n).to_owned(), (*d).to_owned())).chain(settings).collect()
}
