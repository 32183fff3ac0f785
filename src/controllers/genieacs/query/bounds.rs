//! The two queries that hold a filter between them.

use serde_json::{Value as Json, json};

use super::{Context, is_path};
use crate::controllers::genieacs::profile::Purpose;
use crate::model::query::{Expr, LeafTest, Literal, Op};
use crate::model::time::{SECOND, Ts};

/// A query of the server, before it is JSON.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Ask {
    Everything,
    Nothing,
    And(Vec<Ask>),
    Or(Vec<Ask>),
    Not(Box<Ask>),
    /// A field and its condition.
    Is(String, Json),
}

impl Ask {
    fn and(parts: Vec<Self>) -> Self {
        let mut kept: Vec<_> = parts.into_iter().filter(|p| *p != Self::Everything).collect();
        if kept.contains(&Self::Nothing) {
            return Self::Nothing;
        }
        match (kept.len(), kept.pop()) {
            (1, Some(one)) => one,
            (_, Some(last)) => {
                kept.push(last);
                Self::And(kept)
            }
            (_, None) => Self::Everything,
        }
    }

    fn or(parts: Vec<Self>) -> Self {
        let mut kept: Vec<_> = parts.into_iter().filter(|p| *p != Self::Nothing).collect();
        if kept.contains(&Self::Everything) {
            return Self::Everything;
        }
        match (kept.len(), kept.pop()) {
            (1, Some(one)) => one,
            (_, Some(last)) => {
                kept.push(last);
                Self::Or(kept)
            }
            (_, None) => Self::Nothing,
        }
    }

    fn not(self) -> Self {
        match self {
            Self::Everything => Self::Nothing,
            Self::Nothing => Self::Everything,
            Self::Not(inner) => *inner,
            other => Self::Not(Box::new(other)),
        }
    }

    pub(super) fn json(&self) -> Json {
        let all = |parts: &[Self]| Json::Array(parts.iter().map(Self::json).collect());
        match self {
            Self::Everything => json!({}),
            // Every document has an id.
            Self::Nothing => json!({ "_id": { "$exists": false } }),
            Self::And(parts) => json!({ "$and": all(parts) }),
            Self::Or(parts) => json!({ "$or": all(parts) }),
            Self::Not(inner) => json!({ "$nor": [inner.json()] }),
            Self::Is(field, condition) => json!({ field.as_str(): condition }),
        }
    }
}

/// At least what passes, and at most.
pub(super) struct Bounds {
    pub(super) over: Ask,
    pub(super) under: Ask,
}

impl Bounds {
    /// The server can tell nothing.
    const UNKNOWN: Self = Self { over: Ask::Everything, under: Ask::Nothing };

    fn exact(ask: Ask) -> Self {
        Self { over: ask.clone(), under: ask }
    }

    fn not(self) -> Self {
        Self { over: self.under.not(), under: self.over.not() }
    }

    fn at_least(over: Ask) -> Self {
        Self { over, under: Ask::Nothing }
    }
}

pub(super) fn bounds(expr: &Expr, context: &Context<'_>) -> Bounds {
    let each = |parts: &[Expr]| -> (Vec<Ask>, Vec<Ask>) {
        parts.iter().map(|p| bounds(p, context)).map(|b| (b.over, b.under)).unzip()
    };
    match expr {
        Expr::All => Bounds::exact(Ask::Everything),
        Expr::And(parts) => {
            let (over, under) = each(parts);
            Bounds { over: Ask::and(over), under: Ask::and(under) }
        }
        Expr::Or(parts) => {
            let (over, under) = each(parts);
            Bounds { over: Ask::or(over), under: Ask::or(under) }
        }
        Expr::Not(inner) => bounds(inner, context).not(),
        Expr::Compare { field, op: Op::Ne, value } => compare(field.name, Op::Eq, value, context).not(),
        Expr::Compare { field, op, value } => compare(field.name, *op, value, context),
        Expr::Leaf { path, test: LeafTest::Compare(Op::Ne, want) } => {
            compare(path, Op::Eq, &Literal::Text(want.clone()), context).not()
        }
        Expr::Leaf { path, test: LeafTest::Compare(op @ (Op::Lt | Op::Le | Op::Gt | Op::Ge), want) } => {
            ordered(path, *op, want)
        }
        Expr::Leaf { path, test: LeafTest::Compare(op, want) } => {
            compare(path, *op, &Literal::Text(want.clone()), context)
        }
        // Expressions of two engines never mean quite the same; free text has no field.
        _ => Bounds::UNKNOWN,
    }
}

fn compare(field: &str, op: Op, value: &Literal, context: &Context<'_>) -> Bounds {
    if is_path(field) {
        return parameter(&[field], op, value);
    }
    let purpose = match field {
        "id" => return canonical(op, value, context),
        "manufacturer" => return text("_deviceId._Manufacturer", op, value),
        "oui" => return text("_deviceId._OUI", op, value),
        "product_class" => return text("_deviceId._ProductClass", op, value),
        "serial" => return text("_deviceId._SerialNumber", op, value),
        "last_inform" => return time("_lastInform", op, value, context.now),
        "last_boot" => return time("_lastBoot", op, value, context.now),
        "registered" => return time("_registered", op, value, context.now),
        "tags" => return tags(op, value),
        "online" => return state(op, value, context),
        "firmware" => Purpose::SoftwareVersion,
        "hardware" => Purpose::HardwareVersion,
        "ip" => Purpose::Ip,
        "ssid" => Purpose::Ssid,
        "pppoe_user" => Purpose::PppoeUser,
        // The model falls back on the product class; powers have units.
        _ => return Bounds::UNKNOWN,
    };
    let paths = context.profiles.paths(purpose);
    if paths.iter().any(|p| p.contains('*')) {
        return Bounds::UNKNOWN;
    }
    // Which of the paths counts depends on the model: some of them holding it is a must, none of
    // them alone is proof.
    Bounds::at_least(parameter(&paths, op, value).over)
}

/// The whole text, or a part of it, as an expression that takes no character for a special one.
fn expression(op: Op, words: &str) -> Option<String> {
    let escaped = regex::escape(words);
    match op {
        Op::Eq => Some(format!("^{escaped}$")),
        Op::Has => Some(escaped),
        _ => None,
    }
}

/// Texts that mean the same to both sides: no control characters (expressions treat line ends in
/// their own way), no letters whose case differs from engine to engine.
fn plain(words: &str) -> bool {
    !words.is_empty() && words.len() <= 200 && words.bytes().all(|b| (b' '..=b'~').contains(&b))
}

/// A text field that is always a text when it is there at all.
fn text(field: &str, op: Op, value: &Literal) -> Bounds {
    let Literal::Text(words) = value else { return Bounds::UNKNOWN };
    let Some(pattern) = expression(op, words).filter(|_| plain(words)) else { return Bounds::UNKNOWN };
    Bounds {
        over: Ask::Is(field.to_owned(), json!({ "$regex": pattern, "$options": "i" })),
        // Letters of other alphabets can fold into ASCII ones there and not here: in the very case
        // that is written there is no doubt.
        under: Ask::Is(field.to_owned(), json!({ "$regex": pattern })),
    }
}

/// The console's name of a device holds the source's (`acs-1/cpe/…`).
fn canonical(op: Op, value: &Literal, context: &Context<'_>) -> Bounds {
    let (Op::Eq, Literal::Text(words)) = (op, value) else { return Bounds::UNKNOWN };
    let (source, id) = words.split_once("/cpe/").unwrap_or((words, ""));
    if !source.eq_ignore_ascii_case(context.source) || id.is_empty() {
        return Bounds::exact(Ask::Nothing);
    }
    text("_id", op, &Literal::Text(id.to_owned()))
}

/// Parameters, whose values are texts, numbers, dates or yes and no.
fn parameter(paths: &[&str], op: Op, value: &Literal) -> Bounds {
    let Literal::Text(words) = value else { return Bounds::UNKNOWN };
    if !plain(words) {
        return Bounds::UNKNOWN;
    }
    let Some(pattern) = expression(op, words) else { return Bounds::UNKNOWN };
    let mut over = Vec::new();
    for path in paths {
        let field = format!("{path}._value");
        over.push(Ask::Is(field.clone(), json!({ "$regex": pattern, "$options": "i" })));
        // Numbers are compared as such (`6` is `6.0`), whether they are stored as number or as text.
        let number = words.trim().parse::<f64>().ok().filter(|x| x.is_finite());
        if op == Op::Eq && number.is_some() {
            over.push(Ask::Is(field.clone(), json!({ "$type": ["number", "string"] })));
        }
        if op == Op::Has {
            over.push(Ask::Is(field.clone(), json!({ "$type": "number" })));
        }
        over.push(Ask::Is(field, json!({ "$type": ["bool", "date"] })));
    }
    Bounds::at_least(Ask::or(over))
}

/// A raw parameter beside a number. Only numbers are left to the server: texts, yes and no, and dates
/// come along, and so does, below a number, what is not known. Equal ones always do: the smallest
/// differences (`-0`) are no matter of the server's.
fn ordered(path: &str, op: Op, want: &str) -> Bounds {
    /// Beyond it the two sides round differently.
    const EXACT: f64 = 9_007_199_254_740_992.0;
    let number = want.trim().parse::<f64>().ok().filter(|x| x.abs() < EXACT);
    let (Some(number), true) = (number, is_path(path)) else { return Bounds::UNKNOWN };
    let below = matches!(op, Op::Lt | Op::Le);
    let field = format!("{path}._value");
    let operator = if below { "$lte" } else { "$gte" };
    let mut over = vec![
        Ask::Is(field.clone(), json!({ operator: number })),
        Ask::Is(field.clone(), json!({ "$type": ["string", "bool", "date"] })),
    ];
    if below {
        over.push(Ask::Is(field, json!({ "$exists": false })));
    }
    Bounds::at_least(Ask::or(over))
}

/// Tags are a list: the console joins them with ", ".
fn tags(op: Op, value: &Literal) -> Bounds {
    let Literal::Text(words) = value else { return Bounds::UNKNOWN };
    if !plain(words) || words.contains([',', ' ']) || !matches!(op, Op::Eq | Op::Has) {
        return Bounds::UNKNOWN;
    }
    let escaped = regex::escape(words);
    let over = Ask::Is("_tags".to_owned(), json!({ "$regex": escaped, "$options": "i" }));
    match op {
        Op::Has => Bounds { over, under: Ask::Is("_tags".to_owned(), json!({ "$regex": escaped })) },
        // One of the tags. A tag that holds a comma itself counts as several, hence no more above.
        _ => Bounds { over, under: Ask::Is("_tags".to_owned(), json!({ "$regex": format!("^{escaped}$") })) },
    }
}

/// Instants, which the server keeps in milliseconds.
fn time(field: &str, op: Op, value: &Literal, now: Ts) -> Bounds {
    let at = match value {
        Literal::Time(at) => *at,
        Literal::Ago(ago) => now.plus(ago.saturating_neg()),
        _ => return Bounds::UNKNOWN,
    };
    let (floor, rest) = (at.0.div_euclid(1000) * 1000, at.0.rem_euclid(1000));
    let ceiling = if rest == 0 { floor } else { floor + 1000 };
    // Beyond these years the written form is another one.
    let written =
        |us: i64| (us > 0).then(|| Ts(us).to_rfc3339()).filter(|t| t.len() == "2026-11-20T14:00:00.000Z".len());
    let (Some(floor), Some(ceiling)) = (written(floor), written(ceiling)) else { return Bounds::UNKNOWN };
    let is = |operator: &str, at: &str| Ask::Is(field.to_owned(), json!({ operator: at }));
    Bounds::exact(match op {
        Op::Gt => is("$gt", &floor),
        Op::Ge => is("$gte", &ceiling),
        Op::Lt => is("$lt", &ceiling),
        Op::Le => is("$lte", &floor),
        Op::Eq | Op::Has if rest == 0 => Ask::And(vec![is("$gte", &floor), is("$lte", &floor)]),
        Op::Eq | Op::Has => Ask::Nothing,
        Op::Ne => return Bounds::UNKNOWN,
    })
}

/// Online, late, offline: by the last inform.
fn state(op: Op, value: &Literal, context: &Context<'_>) -> Bounds {
    let Literal::Text(word) = value else { return Bounds::UNKNOWN };
    if !matches!(op, Op::Eq) {
        return Bounds::UNKNOWN;
    }
    let ago = |s: u64| Literal::Ago(i64::try_from(s).unwrap_or(i64::MAX).saturating_mul(SECOND));
    let within = |s| time("_lastInform", Op::Ge, &ago(s), context.now);
    let (online, known) = (within(context.online_s), within(context.offline_s));
    match word.as_str() {
        "online" => online,
        "late" => {
            let not = online.not();
            Bounds { over: Ask::and(vec![known.over, not.over]), under: Ask::and(vec![known.under, not.under]) }
        }
        "offline" => known.not(),
        _ => Bounds::exact(Ask::Nothing),
    }
}
