//! What can follow at the cursor of a filter prompt.

use super::lexer::{Kind, Lexer, Mode};
use super::parse::operators;
use crate::model::field::{FieldKind, FieldSpec, TableSpec};
use crate::model::page::Table;
use crate::model::severity::Severity;
use crate::model::tables;

/// A proposal: replace the characters `start..end` by `text`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Completion {
    /// First character replaced (not byte).
    pub start: usize,
    /// One past the last character replaced.
    pub end: usize,
    /// What to put there.
    pub text: String,
    /// What it means.
    pub doc: String,
}

/// Where the cursor stands.
enum Place {
    /// At a term, of which this much is written.
    Term(String),
    /// Behind a complete field name.
    Operator(&'static FieldSpec),
    /// At a value of a field.
    Value(&'static FieldSpec, String),
    /// Inside a quotation or a regular expression.
    Nowhere,
}

/// Proposals for the character position `cursor` of `text`; positions beyond the end mean the end.
#[must_use]
pub fn complete(text: &str, cursor: usize, table: Table) -> Vec<Completion> {
    let before: String = text.chars().take(cursor).collect();
    let end = before.chars().count();
    let spec = tables::spec(table);
    let proposal = |written: &str, text: &str, doc: &str| Completion {
        start: end - written.chars().count(),
        end,
        text: text.to_owned(),
        doc: doc.to_owned(),
    };
    match place(&before, spec) {
        Place::Nowhere => Vec::new(),
        Place::Operator(field) => {
            let list = operators(field).split(' ').filter(|op| op.chars().all(|c| "=!<>:~".contains(c)));
            list.map(|op| proposal("", op, describe(op))).collect()
        }
        Place::Value(field, written) => values(field)
            .into_iter()
            .filter(|(value, _)| begins(value, &written))
            .map(|(value, doc)| proposal(&written, value, doc))
            .collect(),
        Place::Term(written) => {
            let mut found: Vec<_> = fields(spec, &written).map(|f| proposal(&written, f.name, f.doc)).collect();
            let keywords = [("not", "the contrary of what follows"), ("and", "both"), ("or", "either")];
            found.extend(
                keywords
                    .iter()
                    .filter(|(k, _)| !written.is_empty() && begins(k, &written))
                    .map(|(k, doc)| proposal(&written, k, doc)),
            );
            found
        }
    }
}

/// Fields whose name or alias begins with what is written, then those that contain it.
fn fields<'a>(spec: &'static TableSpec, written: &'a str) -> impl Iterator<Item = &'static FieldSpec> + 'a {
    let first = move |f: &&'static FieldSpec| begins(f.name, written) || f.aliases.iter().any(|a| begins(a, written));
    let lower = written.to_ascii_lowercase();
    spec.fields
        .iter()
        .filter(first)
        .chain(spec.fields.iter().filter(move |f| !first(f) && !lower.is_empty() && f.name.contains(&lower)))
}

fn begins(whole: &str, written: &str) -> bool {
    whole.to_ascii_lowercase().starts_with(&written.to_ascii_lowercase())
}

fn place(before: &str, spec: &'static TableSpec) -> Place {
    let mut lexer = Lexer::new(before);
    let mut in_list: Option<&'static FieldSpec> = None;
    let mut last_field: Option<&'static FieldSpec> = None;
    loop {
        let mode = if in_list.is_some() { Mode::Item } else { Mode::Term };
        let Ok(token) = lexer.next(mode) else { return Place::Nowhere };
        let at_end = lexer.at == lexer.len();
        match token.kind {
            Kind::End => return in_list.map_or_else(|| Place::Term(String::new()), |f| Place::Value(f, String::new())),
            Kind::Close => in_list = None,
            Kind::Quoted(_) | Kind::Regex(_) if at_end => return Place::Nowhere,
            Kind::Word(word) => {
                if let Some(field) = in_list {
                    if at_end {
                        return Place::Value(field, word);
                    }
                    continue;
                }
                if word.eq_ignore_ascii_case("in") && lexer.look(Mode::Item).is_some_and(|t| t.kind == Kind::Open) {
                    let _ = lexer.next(Mode::Item);
                    in_list = last_field;
                    continue;
                }
                let field = spec.field(&word);
                if at_end {
                    return field.filter(|f| f.name == word).map_or(Place::Term(word), Place::Operator);
                }
                if !word.eq_ignore_ascii_case("not") {
                    last_field = field;
                }
                if let Some(place) = behind_operator(&mut lexer, field) {
                    return place;
                }
            }
            _ => {}
        }
    }
}

/// Reads the value behind an operator; says the place when the cursor is in it.
fn behind_operator(lexer: &mut Lexer, field: Option<&'static FieldSpec>) -> Option<Place> {
    let back = lexer.at;
    lexer.blanks();
    if lexer.sign().is_none() {
        lexer.at = back;
        return None;
    }
    let Ok(value) = lexer.next(Mode::Value) else { return Some(Place::Nowhere) };
    let at_end = lexer.at == lexer.len();
    let written = match value.kind {
        Kind::End => String::new(),
        Kind::Word(word) if at_end => word,
        Kind::Quoted(_) | Kind::Regex(_) if at_end => return Some(Place::Nowhere),
        _ => return None,
    };
    Some(field.map_or(Place::Nowhere, |f| Place::Value(f, written)))
}

fn values(field: &FieldSpec) -> Vec<(&'static str, &'static str)> {
    match field.kind {
        FieldKind::Word(words) => words.iter().map(|w| (*w, "")).collect(),
        FieldKind::Severity => Severity::WORST_FIRST.iter().map(|s| (s.word(), "")).collect(),
        FieldKind::Bool => vec![("yes", ""), ("no", "")],
        FieldKind::Time => vec![
            ("-15m", "a quarter of an hour ago"),
            ("-2h", "two hours ago"),
            ("-1d", "a day ago"),
            ("now", "the present"),
            ("+1h", "in an hour"),
        ],
        FieldKind::Text | FieldKind::Int | FieldKind::Float => Vec::new(),
    }
}

fn describe(op: &str) -> &'static str {
    match op {
        "=" => "equal (nothing behind it: not set)",
        "!=" => "not equal (nothing behind it: set)",
        ":" => "contains",
        "~" => "matches the regular expression",
        "<" => "less, earlier",
        "<=" => "at most, not later",
        ">" => "more, later",
        _ => "at least, not earlier",
    }
}
