//! The parser: recursive descent over `or`, `and`, `not`, terms.

use std::sync::Arc;

use regex::{Regex, RegexBuilder};

use super::lexer::{Kind, Lexer, Mode, Sign, Token};
use super::value::{self, Read};
use super::{Expr, LeafTest, Literal, Op, Query, QueryError};
use crate::model::field::{FieldKind, FieldSpec, TableSpec};
use crate::model::page::Table;
use crate::model::place::nearest;
use crate::model::tables;
use crate::model::time::DAY;

/// Longest filter, in characters.
const MAX_CHARS: usize = 8192;
/// Deepest nesting of parentheses and negations; keeps the recursion bounded.
const MAX_DEPTH: usize = 64;

impl Query {
    /// Parses a filter for a table. An empty text is a filter that everything passes.
    ///
    /// # Errors
    /// A [`QueryError`] that points at the characters meant.
    pub fn parse(text: &str, table: Table) -> Result<Self, QueryError> {
        let mut parser = Parser { lexer: Lexer::new(text), table: tables::spec(table), depth: 0 };
        if parser.lexer.len() > MAX_CHARS {
            return Err(error(MAX_CHARS, 1, format!("a filter has at most {MAX_CHARS} characters")));
        }
        let expr = parser.whole()?;
        Ok(Self { text: text.to_owned(), table, expr })
    }
}

/// Builds the case-insensitive expression all of noctule uses for a pattern, so that equal
/// patterns are equal: `\/` is only an escape of the notation and is dropped.
///
/// # Errors
/// Why the pattern is not a regular expression, in one line.
pub(super) fn regex(pattern: &str) -> Result<Arc<Regex>, String> {
    let mut plain = String::with_capacity(pattern.len());
    let mut chars = pattern.chars();
    while let Some(c) = chars.next() {
        if c != '\\' {
            plain.push(c);
            continue;
        }
        match chars.next() {
            Some('/') => plain.push('/'),
            Some(e) => plain.extend(['\\', e]),
            None => plain.push('\\'),
        }
    }
    RegexBuilder::new(&plain).case_insensitive(true).size_limit(1 << 20).build().map(Arc::new).map_err(|e| {
        let text = e.to_string();
        let why = text.lines().last().unwrap_or_default().trim().trim_start_matches("error: ").to_owned();
        format!("not a regular expression: {why}")
    })
}

fn error(at: usize, len: usize, message: impl Into<String>) -> QueryError {
    QueryError { at, len: len.max(1), message: message.into() }
}

fn fail<T>(token: &Token, message: impl Into<String>) -> Result<T, QueryError> {
    Err(error(token.at, token.len, message))
}

struct Parser {
    lexer: Lexer,
    table: &'static TableSpec,
    depth: usize,
}

impl Parser {
    fn whole(&mut self) -> Result<Expr, QueryError> {
        if self.lexer.next(Mode::Term)?.kind == Kind::End {
            return Ok(Expr::All);
        }
        self.lexer.at = 0;
        let expr = self.any_of()?;
        let rest = self.lexer.next(Mode::Term)?;
        match rest.kind {
            Kind::End => Ok(expr),
            Kind::Close => fail(&rest, "there is no ( for this )"),
            _ => fail(&rest, "this does not belong here"),
        }
    }

    fn any_of(&mut self) -> Result<Expr, QueryError> {
        let mut parts = vec![self.all_of()?];
        while self.take_keyword("or") {
            parts.push(self.all_of()?);
        }
        Ok(Expr::any(parts))
    }

    fn all_of(&mut self) -> Result<Expr, QueryError> {
        let mut parts = vec![self.negated()?];
        loop {
            if !self.take_keyword("and") && !self.at_term() {
                return Ok(Expr::all(parts));
            }
            parts.push(self.negated()?);
        }
    }

    /// Whether another term follows without `and`. A token that cannot be read counts as one, so
    /// that its error is reported.
    fn at_term(&mut self) -> bool {
        match self.lexer.look(Mode::Term).map(|t| t.kind) {
            Some(Kind::End | Kind::Close) => false,
            Some(Kind::Word(w)) => !w.eq_ignore_ascii_case("or"),
            _ => true,
        }
    }

    fn take_keyword(&mut self, keyword: &str) -> bool {
        let back = self.lexer.at;
        if matches!(self.lexer.next(Mode::Term), Ok(Token { kind: Kind::Word(w), .. }) if w.eq_ignore_ascii_case(keyword))
        {
            return true;
        }
        self.lexer.at = back;
        false
    }

    /// Runs `f` one level deeper.
    fn deeper(
        &mut self,
        token: &Token,
        f: impl FnOnce(&mut Self) -> Result<Expr, QueryError>,
    ) -> Result<Expr, QueryError> {
        if self.depth >= MAX_DEPTH {
            return fail(token, "nested too deeply");
        }
        self.depth += 1;
        let expr = f(self);
        self.depth -= 1;
        expr
    }

    fn negated(&mut self) -> Result<Expr, QueryError> {
        let back = self.lexer.at;
        let token = self.lexer.next(Mode::Term)?;
        let not = match &token.kind {
            Kind::Negate => true,
            Kind::Word(w) => w.eq_ignore_ascii_case("not"),
            _ => false,
        };
        if !not {
            self.lexer.at = back;
            return self.term();
        }
        self.deeper(&token, |p| Ok(Expr::Not(Box::new(p.negated()?))))
    }

    fn term(&mut self) -> Result<Expr, QueryError> {
        let token = self.lexer.next(Mode::Term)?;
        match &token.kind {
            Kind::Open => self.group(&token),
            Kind::Quoted(text) if text.is_empty() => fail(&token, "an empty text is in every row: write something"),
            Kind::Quoted(text) => Ok(Expr::Text(text.clone())),
            Kind::Regex(pattern) => self.matches(None, &token, pattern),
            Kind::Word(word) if word == "*" => Ok(Expr::All),
            Kind::Word(word) => self.word(&token, word),
            Kind::End => fail(&token, "something is missing here: a field, a text or ("),
            Kind::Close => fail(&token, "something is missing before this )"),
            Kind::Stray(_) => fail(&token, "the field is missing before this operator"),
            Kind::Comma | Kind::Negate => fail(&token, "this does not belong here"),
        }
    }

    fn group(&mut self, open: &Token) -> Result<Expr, QueryError> {
        self.deeper(open, |p| {
            let expr = p.any_of()?;
            match p.lexer.next(Mode::Term)?.kind {
                Kind::Close => Ok(expr),
                _ => fail(open, "this ( is not closed: add )"),
            }
        })
    }

    /// A word: a comparison when an operator follows, a yes-or-no field, or free text.
    fn word(&mut self, token: &Token, word: &str) -> Result<Expr, QueryError> {
        if let Some(keyword) = ["and", "or"].iter().find(|k| k.eq_ignore_ascii_case(word)) {
            return fail(token, format!("something is missing before \"{keyword}\" (the word itself goes in quotes)"));
        }
        let back = self.lexer.at;
        self.lexer.blanks();
        let sign_at = self.lexer.at;
        if self.table.table == Table::Cpes && is_path(word) {
            if let Some(sign) = self.lexer.sign() {
                return self.leaf(word, sign);
            }
            self.lexer.at = back;
            return Ok(Expr::Text(word.to_owned()));
        }
        if let Some(sign) = self.lexer.sign() {
            let field = self.field(token, word)?;
            let sign_token = Token { kind: Kind::Stray(' '), at: sign_at, len: sign.text().len() };
            return self.comparison(field, sign, &sign_token);
        }
        if let Some(negated) = self.list_follows() {
            let field = self.field(token, word)?;
            let list = self.list(field)?;
            return Ok(if negated { Expr::Not(Box::new(list)) } else { list });
        }
        self.lexer.at = back;
        match self.table.field(word) {
            Some(field) if field.kind == FieldKind::Bool => {
                Ok(Expr::Compare { field, op: Op::Eq, value: Literal::Bool(true) })
            }
            _ => Ok(Expr::Text(word.to_owned())),
        }
    }

    /// A raw parameter, its operator read already.
    fn leaf(&mut self, path: &str, sign: Sign) -> Result<Expr, QueryError> {
        let spaced = self.lexer.blanks();
        let back = self.lexer.at;
        let token = self.lexer.next(Mode::Value)?;
        let text = match &token.kind {
            Kind::Word(w) if spaced && ["and", "or"].iter().any(|k| k.eq_ignore_ascii_case(w)) => {
                self.lexer.at = back;
                String::new()
            }
            Kind::Word(text) | Kind::Quoted(text) => text.clone(),
            Kind::Regex(text) if matches!(sign, Sign::Like | Sign::Unlike) => text.clone(),
            Kind::Regex(_) => return fail(&token, format!("a regular expression goes with ~: {path}~/…/")),
            Kind::End | Kind::Close => {
                self.lexer.at = back;
                String::new()
            }
            _ => return fail(&token, format!("a value of {path} is missing here")),
        };
        let op = match sign {
            Sign::Like | Sign::Unlike => {
                if text.is_empty() {
                    return fail(&token, "a regular expression is missing here: /…/");
                }
                let regex = regex(&text).map_err(|message| error(token.at, token.len, message))?;
                let expr = Expr::Leaf { path: path.to_owned(), test: LeafTest::Matches(regex) };
                return Ok(if sign == Sign::Unlike { Expr::Not(Box::new(expr)) } else { expr });
            }
            Sign::Eq => Op::Eq,
            Sign::Ne => Op::Ne,
            Sign::Lt => Op::Lt,
            Sign::Le => Op::Le,
            Sign::Gt => Op::Gt,
            Sign::Ge => Op::Ge,
            Sign::Has => Op::Has,
        };
        if text.is_empty() && !matches!(op, Op::Eq | Op::Ne) {
            return fail(&token, format!("a value of {path} is missing here"));
        }
        Ok(Expr::Leaf { path: path.to_owned(), test: LeafTest::Compare(op, text) })
    }

    /// Takes `in (` or `not in (` and says whether it was negated.
    fn list_follows(&mut self) -> Option<bool> {
        let back = self.lexer.at;
        let negated = self.take_keyword("not");
        if self.take_keyword("in") && self.lexer.look(Mode::Item).is_some_and(|t| t.kind == Kind::Open) {
            let _ = self.lexer.next(Mode::Item);
            return Some(negated);
        }
        self.lexer.at = back;
        None
    }

    fn list(&mut self, field: &'static FieldSpec) -> Result<Expr, QueryError> {
        let mut parts = Vec::new();
        loop {
            let item = self.lexer.next(Mode::Item)?;
            match &item.kind {
                Kind::Word(text) | Kind::Quoted(text) => parts.push(compare(field, Op::Eq, text, &item)?),
                _ => return fail(&item, format!("a value of {} is missing here", field.name)),
            }
            let next = self.lexer.next(Mode::Item)?;
            match next.kind {
                Kind::Comma => {}
                Kind::Close => return Ok(Expr::any(parts)),
                _ => return fail(&next, "the list goes on with , or ends with )"),
            }
        }
    }

    fn field(&self, token: &Token, word: &str) -> Result<&'static FieldSpec, QueryError> {
        self.table.field(word).ok_or_else(|| {
            let names = self.table.fields.iter().flat_map(|f| std::iter::once(f.name).chain(f.aliases.iter().copied()));
            let advice = nearest(word, names).map_or_else(
                || {
                    let some: Vec<_> = self.table.fields.iter().filter(|f| f.sortable).map(|f| f.name).collect();
                    format!("there are {} and others", some.join(", "))
                },
                |near| format!("did you mean {near}?"),
            );
            error(
                token.at,
                token.len,
                format!("no field {word} in {}; {advice} (plain text goes in quotes)", self.table.name),
            )
        })
    }

    fn comparison(&mut self, field: &'static FieldSpec, sign: Sign, at: &Token) -> Result<Expr, QueryError> {
        let op = match sign {
            Sign::Like | Sign::Unlike => return self.like(field, sign, at),
            Sign::Eq => Op::Eq,
            Sign::Ne => Op::Ne,
            Sign::Lt => Op::Lt,
            Sign::Le => Op::Le,
            Sign::Gt => Op::Gt,
            Sign::Ge => Op::Ge,
            Sign::Has => Op::Has,
        };
        check(field, op, at)?;
        let spaced = self.lexer.blanks();
        let back = self.lexer.at;
        let token = self.lexer.next(Mode::Value)?;
        match &token.kind {
            Kind::Word(w) if spaced && ["and", "or"].iter().any(|k| k.eq_ignore_ascii_case(w)) => {
                self.lexer.at = back;
                self.missing(field, op, &token)
            }
            Kind::Word(text) | Kind::Quoted(text) => compare(field, op, text, &token),
            // A slash begins a value as well as any other character: a path, say.
            Kind::Regex(_) => fail(&token, format!("a regular expression goes with ~: {}~/…/", field.name)),
            Kind::End | Kind::Close => {
                self.lexer.at = back;
                self.missing(field, op, &token)
            }
            _ => fail(&token, format!("a value of {} is missing here", field.name)),
        }
    }

    /// Nothing stands behind an operator: "not set" for `=` and `!=`.
    #[allow(clippy::unused_self, reason = "reads as a production of the grammar")]
    fn missing(&self, field: &'static FieldSpec, op: Op, token: &Token) -> Result<Expr, QueryError> {
        if matches!(op, Op::Eq | Op::Ne) {
            return compare(field, op, "", token);
        }
        fail(token, format!("a value of {} is missing here", field.name))
    }

    fn like(&mut self, field: &'static FieldSpec, sign: Sign, at: &Token) -> Result<Expr, QueryError> {
        if !matches!(field.kind, FieldKind::Text | FieldKind::Word(_)) {
            return fail(at, format!("{} works on text; {} takes {}", sign.text(), field.name, operators(field)));
        }
        let token = self.lexer.next(Mode::Value)?;
        let expr = match &token.kind {
            Kind::Regex(p) | Kind::Word(p) | Kind::Quoted(p) => self.matches(Some(field), &token, p)?,
            _ => return fail(&token, "a regular expression is missing here: /…/"),
        };
        Ok(if sign == Sign::Unlike { Expr::Not(Box::new(expr)) } else { expr })
    }

    #[allow(clippy::unused_self, reason = "reads as a production of the grammar")]
    fn matches(&self, field: Option<&'static FieldSpec>, token: &Token, pattern: &str) -> Result<Expr, QueryError> {
        if pattern.is_empty() {
            return fail(token, "an empty regular expression matches every row: write something");
        }
        match regex(pattern) {
            Ok(regex) => Ok(Expr::Matches { field, regex }),
            Err(message) => fail(token, message),
        }
    }
}

/// Whether a word names a raw parameter: parts with dots between them, the first a letter.
fn is_path(word: &str) -> bool {
    word.contains('.') && word.starts_with(|c: char| c.is_ascii_alphabetic()) && !word.ends_with('.')
}

/// The operators a field takes, for messages.
pub(super) const fn operators(field: &FieldSpec) -> &'static str {
    match field.kind {
        FieldKind::Text => "= != : ~ < > and in (…)",
        FieldKind::Word(_) => "= != : ~ and in (…)",
        FieldKind::Bool => "= and !=",
        FieldKind::Int | FieldKind::Float | FieldKind::Time | FieldKind::Severity => "= != < <= > >= and in (…)",
    }
}

fn check(field: &FieldSpec, op: Op, at: &Token) -> Result<(), QueryError> {
    let ordered = matches!(op, Op::Lt | Op::Le | Op::Gt | Op::Ge);
    if ordered && matches!(field.kind, FieldKind::Bool | FieldKind::Word(_)) {
        return fail(at, format!("{} has no order; it takes {}", field.name, operators(field)));
    }
    Ok(())
}

fn compare(field: &'static FieldSpec, op: Op, text: &str, token: &Token) -> Result<Expr, QueryError> {
    if op == Op::Has && text.is_empty() {
        return fail(token, format!("a value of {} is missing here", field.name));
    }
    let read = value::read(field, op, text).map_err(|message| error(token.at, token.len, message))?;
    let textual = matches!(field.kind, FieldKind::Text | FieldKind::Word(_));
    let op = if op == Op::Has && !textual { Op::Eq } else { op };
    Ok(match read {
        Read::One(value) => Expr::Compare { field, op, value },
        Read::Day(start) => {
            let at = |op, t| Expr::Compare { field, op, value: Literal::Time(t) };
            let day = Expr::And(vec![at(Op::Ge, start), at(Op::Lt, start.plus(DAY))]);
            if op == Op::Ne { Expr::Not(Box::new(day)) } else { day }
        }
    })
}

impl Expr {
    /// All of `parts`, flat, and without a box around a single one.
    #[must_use]
    pub fn all(parts: Vec<Self>) -> Self {
        let mut flat = Vec::with_capacity(parts.len());
        for part in parts {
            match part {
                Self::And(inner) => flat.extend(inner),
                other => flat.push(other),
            }
        }
        if flat.len() == 1 { flat.remove(0) } else { Self::And(flat) }
    }

    /// Any of `parts`, flat, and without a box around a single one.
    #[must_use]
    pub fn any(parts: Vec<Self>) -> Self {
        let mut flat = Vec::with_capacity(parts.len());
        for part in parts {
            match part {
                Self::Or(inner) => flat.extend(inner),
                other => flat.push(other),
            }
        }
        if flat.len() == 1 { flat.remove(0) } else { Self::Or(flat) }
    }
}
