//! Checks one TOML text against the schema that is generated from the types in `schema.rs`:
//! unknown keys, missing keys, wrong types, values out of range, all of them at once and each
//! with its line and column. What passes here is then read by serde without surprises.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::OnceLock;

use serde_json::Value as Json;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::Problem;
use super::formats;
use crate::model::order;
use crate::model::place::{Place, nearest};

/// The schema of the configuration, generated once.
pub(super) fn schema() -> &'static Json {
    static SCHEMA: OnceLock<Json> = OnceLock::new();
    SCHEMA.get_or_init(|| {
        let generator = schemars::generate::SchemaSettings::draft2020_12().into_generator();
        generator.into_root_schema_for::<super::schema::Config>().to_value()
    })
}

/// Where a value stands, for problems found after the layers have been merged.
pub(super) type Places = BTreeMap<String, Place>;

/// What was found in one text.
pub(super) struct Checked {
    pub(super) problems: Vec<Problem>,
    /// Whether it is TOML at all.
    pub(super) readable: bool,
    /// Dotted path (`source[0].name`) to line and column.
    pub(super) places: Places,
}

/// Checks a text.
pub(super) fn check(origin: &str, text: &str) -> Checked {
    let mut walk = Walk { origin, text, problems: Vec::new(), places: Places::new() };
    let (root, errors) = DeTable::parse_recoverable(text);
    for e in &errors {
        walk.problem(e.span().unwrap_or_default(), e.message().to_owned());
    }
    // One slip of the pen makes several errors on its line; the first says enough.
    walk.problems.dedup_by_key(|p| p.place.map(|p| p.line));
    if errors.is_empty() {
        walk.table(root.get_ref(), root.span(), &Shape::of(schema(), None), "");
    }
    order::by_key(&mut walk.problems, |p| p.place);
    Checked { problems: walk.problems, readable: errors.is_empty(), places: walk.places }
}

/// Marks a table in the schema whose keys are names of others' making.
const FOREIGN: &str = "x-foreign-keys";

/// The keys that a table may have, gathered from all that its schema refers to.
#[derive(Default)]
struct Shape {
    properties: BTreeMap<String, &'static Json>,
    required: Vec<&'static str>,
    /// Schema of keys that are not listed (named profiles).
    others: Option<&'static Json>,
    /// The values of the keys that decide between variants.
    choices: BTreeMap<String, Vec<&'static str>>,
    /// Its keys are names of others' making (machines on a host), not ours.
    foreign: bool,
    /// Which variant is meant cannot be told: what else stands in the table is not judged.
    undecided: bool,
}

impl Shape {
    /// The shape of an object; `table` decides between variants by their constant keys.
    fn of(schema: &'static Json, table: Option<&DeTable<'_>>) -> Self {
        let mut shape = Self::default();
        shape.gather(schema, table);
        shape
    }

    fn gather(&mut self, schema: &'static Json, table: Option<&DeTable<'_>>) {
        if let Some(target) = schema.get("$ref") {
            self.gather(follow(target), table);
        }
        self.foreign |= schema.get(FOREIGN).is_some();
        for (key, sub) in schema.get("properties").and_then(Json::as_object).into_iter().flatten() {
            self.properties.insert(key.clone(), sub);
        }
        self.required.extend(strings(schema.get("required")));
        if let Some(others) = schema.get("additionalProperties").filter(|o| o.is_object()) {
            self.others = Some(others);
        }
        self.undecided |= variants(schema).next().is_some() && !variants(schema).any(|v| chosen(v, table));
        for variant in variants(schema) {
            for (key, sub) in constants(variant) {
                self.choices.entry(key.clone()).or_default().extend(sub.get("const").and_then(Json::as_str));
            }
            if chosen(variant, table) {
                self.gather(variant, table);
            } else {
                // The key that decides is known even when its value is not.
                for (key, sub) in constants(variant) {
                    self.properties.entry(key.clone()).or_insert(sub);
                    self.required.push(key);
                }
            }
        }
    }

    /// Gathers the keys of all variants.
    fn gather_all(&mut self, schema: &'static Json) {
        self.gather(schema, None);
        for variant in variants(schema) {
            self.gather(variant, None);
        }
    }
}

/// The variants of a schema.
fn variants(schema: &'static Json) -> impl Iterator<Item = &'static Json> {
    schema.get("oneOf").or_else(|| schema.get("anyOf")).and_then(Json::as_array).into_iter().flatten()
}

/// The keys of a variant that have one fixed value.
fn constants(variant: &'static Json) -> impl Iterator<Item = (&'static String, &'static Json)> {
    let properties = variant.get("properties").and_then(Json::as_object).into_iter().flatten();
    properties.filter(|(_, sub)| sub.get("const").is_some())
}

fn chosen(variant: &'static Json, table: Option<&DeTable<'_>>) -> bool {
    constants(variant).all(|(key, sub)| {
        let value = table.and_then(|t| t.get(key.as_str()));
        value.is_some_and(|v| v.get_ref().as_str() == sub.get("const").and_then(Json::as_str))
    })
}

fn follow(target: &Json) -> &'static Json {
    let name = target.as_str().and_then(|t| t.strip_prefix("#/$defs/")).unwrap_or_default();
    schema().get("$defs").and_then(|d| d.get(name)).unwrap_or(&Json::Null)
}

fn strings(list: Option<&'static Json>) -> impl Iterator<Item = &'static str> {
    list.and_then(Json::as_array).into_iter().flatten().filter_map(Json::as_str)
}

struct Walk<'a> {
    origin: &'a str,
    text: &'a str,
    problems: Vec<Problem>,
    places: Places,
}

impl Walk<'_> {
    fn problem(&mut self, span: Range<usize>, message: String) {
        let place = Some(Place::at(self.text, span.start));
        self.problems.push(Problem { origin: self.origin.to_owned(), place, message });
    }

    fn table(&mut self, table: &DeTable<'_>, span: Range<usize>, shape: &Shape, path: &str) {
        for (key, value) in table {
            let name = key.get_ref().as_ref();
            let path = if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") };
            if let (true, Some(words), DeValue::String(text)) =
                (shape.undecided, shape.choices.get(name), value.get_ref())
            {
                self.places.insert(path, Place::at(self.text, value.span().start));
                if let Err(message) = one_of(name, text, words) {
                    self.problem(value.span(), message);
                }
            } else if let Some(sub) = shape.properties.get(name) {
                self.value(value, sub, &path);
            } else if let Some(sub) = shape.others {
                if let (false, Err(message)) = (shape.foreign, formats::name(name)) {
                    self.problem(key.span(), message);
                }
                self.value(value, sub, &path);
            } else if !shape.undecided {
                self.problem(key.span(), unknown(name, shape));
            }
        }
        let mut missing: Vec<_> = shape.required.iter().filter(|r| !table.contains_key(**r)).collect();
        missing.dedup();
        for key in missing {
            let what = if path.is_empty() { String::new() } else { format!(" in {path}") };
            self.problem(span.clone(), format!("the key {key} is missing{what}"));
        }
    }

    fn value(&mut self, value: &Spanned<DeValue<'_>>, schema: &'static Json, path: &str) {
        self.places.insert(path.to_owned(), Place::at(self.text, value.span().start));
        let schema = unwrap(schema);
        match value.get_ref() {
            DeValue::Table(table) if is(schema, "object") => {
                self.table(table, value.span(), &Shape::of(schema, Some(table)), path);
            }
            DeValue::Array(items) if is(schema, "array") => {
                let item = schema.get("items").unwrap_or(&Json::Null);
                for (i, value) in items.iter().enumerate() {
                    self.value(value, item, &format!("{path}[{i}]"));
                }
                if items.is_empty() && schema.get("minItems").is_some() {
                    self.problem(value.span(), format!("{path} has to name at least one"));
                }
            }
            _ => {
                if let Err(message) = scalar(value.get_ref(), schema, path) {
                    self.problem(value.span(), message);
                }
            }
        }
    }
}

/// Follows references and drops "or null" around a schema.
fn unwrap(schema: &'static Json) -> &'static Json {
    if let Some(variants) = schema.get("anyOf").and_then(Json::as_array) {
        let real = variants.iter().find(|v| v.get("type").and_then(Json::as_str) != Some("null"));
        return real.map_or(schema, unwrap);
    }
    match schema.get("$ref") {
        // A description beside the reference changes nothing, properties beside it do.
        Some(target) if schema.get("properties").is_none() => unwrap(follow(target)),
        _ => schema,
    }
}

fn is(schema: &Json, name: &str) -> bool {
    match schema.get("type") {
        Some(Json::String(t)) => t == name,
        Some(Json::Array(all)) => all.iter().any(|t| t == name),
        _ => false,
    }
}

fn scalar(value: &DeValue<'_>, schema: &'static Json, path: &str) -> Result<(), String> {
    let key = path.rsplit('.').next().unwrap_or(path);
    let words = words(schema);
    match value {
        DeValue::String(text) if !words.is_empty() => one_of(key, text, &words),
        DeValue::String(text) if is(schema, "string") => {
            let format = schema.get("format").and_then(Json::as_str).unwrap_or_default();
            formats::check(format, text).map_err(|message| format!("{key}: {message}"))
        }
        DeValue::Integer(n) if is(schema, "integer") => {
            let bound = |name: &str| schema.get(name).and_then(Json::as_f64);
            let (least, most) = (bound("minimum").unwrap_or(f64::MIN), bound("maximum").unwrap_or(f64::MAX));
            match i64::from_str_radix(n.as_str(), n.radix()) {
                Ok(n) if (least..=most).contains(&(n as f64)) => Ok(()),
                _ if most < f64::MAX => Err(format!("{key} lies between {least} and {most}")),
                _ => Err(format!("{key} is at least {least}")),
            }
        }
        DeValue::Boolean(_) if is(schema, "boolean") => Ok(()),
        found => Err(format!("{key} takes {}, not {}", wanted(schema, &words), kind(found))),
    }
}

fn one_of(key: &str, text: &str, words: &[&'static str]) -> Result<(), String> {
    if words.contains(&text) {
        return Ok(());
    }
    let near = nearest(text, words.iter().copied()).map_or_else(String::new, |n| format!("; did you mean {n}?"));
    Err(format!("{key} is one of {}{near}", words.join(", ")))
}

/// The words of an enumeration.
fn words(schema: &'static Json) -> Vec<&'static str> {
    if let Some(word) = schema.get("const").and_then(Json::as_str) {
        return vec![word];
    }
    let listed = strings(schema.get("enum"));
    let variants = schema.get("oneOf").and_then(Json::as_array).into_iter().flatten();
    let described = variants.flat_map(|v| strings(v.get("enum")).chain(v.get("const").and_then(Json::as_str)));
    listed.chain(described).collect()
}

fn unknown(name: &str, shape: &Shape) -> String {
    let names = || shape.properties.keys().map(String::as_str);
    let advice = nearest(name, names()).map_or_else(
        || format!("there are {}", names().collect::<Vec<_>>().join(", ")),
        |n| format!("did you mean {n}?"),
    );
    format!("unknown key {}; {advice}", crate::model::text::clean(name))
}

fn wanted(schema: &Json, words: &[&str]) -> String {
    if !words.is_empty() {
        return format!("one of {}", words.join(", "));
    }
    let names = [
        ("object", "a table"),
        ("array", "a list"),
        ("string", "a text in quotes"),
        ("integer", "a whole number"),
        ("boolean", "true or false"),
    ];
    names.iter().find(|(t, _)| is(schema, t)).map_or("another value", |(_, w)| w).to_owned()
}

const fn kind(value: &DeValue<'_>) -> &'static str {
    match value {
        DeValue::String(_) => "a text",
        DeValue::Integer(_) => "a whole number",
        DeValue::Float(_) => "a number with decimals",
        DeValue::Boolean(_) => "true or false",
        DeValue::Datetime(_) => "a date",
        DeValue::Array(_) => "a list",
        DeValue::Table(_) => "a table",
    }
}

/// The keys of an object's schema with theirs.
pub(super) fn properties(schema: &'static Json) -> impl Iterator<Item = (&'static String, &'static Json)> {
    unwrap(schema).get("properties").and_then(Json::as_object).into_iter().flatten()
}

/// Whether a setting is one value.
pub(super) fn is_scalar(schema: &'static Json) -> bool {
    matches!(scalar_type(schema), "string" | "integer" | "boolean")
}

/// `string`, `integer`, `boolean`, or nothing for what is no single value.
pub(super) fn scalar_type(schema: &'static Json) -> &'static str {
    let schema = unwrap(schema);
    if !words(schema).is_empty() {
        return "string";
    }
    ["string", "integer", "boolean"].into_iter().find(|t| is(schema, t)).unwrap_or_default()
}

/// Runs `place` over every path in a table that has passed [`check`].
pub(super) fn each_path(table: &mut toml::Table, place: &dyn Fn(&str) -> String) {
    paths_of_table(table, schema(), place);
}

fn paths_of_table(table: &mut toml::Table, schema: &'static Json, place: &dyn Fn(&str) -> String) {
    // Which variant is meant does not matter here: no key is a path in one and not in another.
    let mut shape = Shape::default();
    shape.gather_all(schema);
    for (key, value) in table {
        if let Some(sub) = shape.properties.get(key.as_str()).copied().or(shape.others) {
            paths_of_value(value, sub, place);
        }
    }
}

fn paths_of_value(value: &mut toml::Value, schema: &'static Json, place: &dyn Fn(&str) -> String) {
    let schema = unwrap(schema);
    match (value, schema.get("format").and_then(Json::as_str)) {
        (toml::Value::String(text), Some("path")) => *text = place(text),
        (toml::Value::String(text), Some("secret-reference" | "pin-reference")) => {
            if let Some(path) = text.strip_prefix("file:") {
                *text = format!("file:{}", place(path));
            }
        }
        (toml::Value::Table(table), _) => paths_of_table(table, schema, place),
        (toml::Value::Array(items), _) => {
            if let Some(sub) = schema.get("items") {
                for item in items {
                    paths_of_value(item, sub, place);
                }
            }
        }
        _ => {}
    }
}
