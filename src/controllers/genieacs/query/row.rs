//! A document as a row of the fleet, for what the server cannot decide.

use std::borrow::Cow;
use std::cmp::Ordering;

use super::is_path;
use crate::controllers::genieacs::device::DeviceDoc;
use crate::controllers::genieacs::map::Cpe;
use crate::controllers::genieacs::version;
use crate::controllers::genieacs::wire::Scalar;
use crate::model::field::{Record, Value};
use crate::model::page::Table;
use crate::model::query::{Expr, Literal, Op, Query};
use crate::model::time::{SECOND, Ts};

/// A device: its fleet fields and its parameters.
#[derive(Debug, Clone, Copy)]
pub struct Document<'a> {
    /// The fields.
    pub cpe: &'a Cpe,
    /// The parameters.
    pub doc: &'a DeviceDoc,
    /// Its state (`online`, `late`, `offline`).
    pub online: &'static str,
    /// The source it belongs to.
    pub source: &'a str,
}

impl<'a> Document<'a> {
    /// A device as it stands now.
    #[must_use]
    pub fn new(cpe: &'a Cpe, doc: &'a DeviceDoc, context: &super::Context<'a>) -> Self {
        let since = |s: u64| context.now.plus(i64::try_from(s).unwrap_or(i64::MAX).saturating_mul(-SECOND));
        let heard = cpe.last_inform;
        let online = if !heard.is_set() || heard < since(context.offline_s) {
            "offline"
        } else if heard < since(context.online_s) {
            "late"
        } else {
            "online"
        };
        Self { cpe, doc, online, source: context.source }
    }
}

/// Fields that free text searches.
const FREE: &[&str] = &["serial", "model", "firmware", "tags", "ip", "ssid", "pppoe_user"];

/// Fields that a document tells; the others of the fleet (faults, the ONU of the same serial number,
/// its subscriber) only the console's own list knows.
const TOLD: &[&str] = &[
    "id",
    "manufacturer",
    "oui",
    "product_class",
    "serial",
    "model",
    "firmware",
    "hardware",
    "last_inform",
    "last_boot",
    "registered",
    "tags",
    "rx_dbm",
    "tx_dbm",
    "ip",
    "ssid",
    "pppoe_user",
    "uptime_s",
    "online",
    "source",
];

/// Fields of a filter that no document tells: with any of them the filter has to be resolved over
/// the console's own list instead.
#[must_use]
pub fn foreign(expr: &Expr) -> Vec<&'static str> {
    match expr {
        Expr::And(parts) | Expr::Or(parts) => parts.iter().flat_map(foreign).collect(),
        Expr::Not(inner) => foreign(inner),
        Expr::Compare { field, .. } | Expr::Matches { field: Some(field), .. }
            if !TOLD.contains(&field.name) && !is_path(field.name) =>
        {
            vec![field.name]
        }
        _ => Vec::new(),
    }
}

impl Record for Document<'_> {
    fn get(&self, field: &str) -> Value<'_> {
        let dbm = |centi: Option<i32>| centi.map_or(Value::None, |c| Value::Float(f64::from(c) / 100.0));
        match field {
            "id" => Value::Text(format!("{}/cpe/{}", self.source, self.cpe.id).into()),
            "manufacturer" => Value::text(&self.cpe.manufacturer),
            "oui" => Value::text(&self.cpe.oui),
            "product_class" => Value::text(&self.cpe.product_class),
            "serial" => Value::text(&self.cpe.serial),
            "model" => Value::text(&self.cpe.model),
            "firmware" => Value::text(&self.cpe.firmware),
            "hardware" => Value::text(&self.cpe.hardware),
            "last_inform" => Value::Time(self.cpe.last_inform),
            "last_boot" => Value::Time(self.cpe.last_boot),
            "registered" => Value::Time(self.cpe.registered),
            "tags" => Value::Text(self.cpe.tags.join(", ").into()),
            "rx_dbm" => dbm(self.cpe.rx_centi_dbm),
            "tx_dbm" => dbm(self.cpe.tx_centi_dbm),
            "ip" => Value::text(&self.cpe.ip),
            "ssid" => Value::text(&self.cpe.ssid),
            "pppoe_user" => Value::text(&self.cpe.pppoe_user),
            "uptime_s" => self.cpe.uptime_s.map_or(Value::None, Value::Int),
            "online" => Value::text(self.online),
            "source" => Value::text(self.source),
            path if is_path(path) => match self.doc.value(path) {
                None => Value::None,
                Some(Scalar::Text(text)) => Value::text(text),
                Some(other) => Value::Text(other.to_string().into()),
            },
            _ => Value::None,
        }
    }
}

/// Whether a device passes a filter. As [`Query::matches`], except that parameters, whose types
/// nobody declared, are compared as numbers where both sides are some.
#[must_use]
pub fn matches(expr: &Expr, row: &Document<'_>, now: Ts) -> bool {
    match expr {
        Expr::All => true,
        Expr::And(parts) => parts.iter().all(|p| matches(p, row, now)),
        Expr::Or(parts) => parts.iter().any(|p| matches(p, row, now)),
        Expr::Not(inner) => !matches(inner, row, now),
        Expr::Compare { field, op, value: Literal::Text(want) } if is_path(field.name) => {
            parameter(*op, &row.get(field.name).to_plain(), want)
        }
        Expr::Matches { field: None, regex } => FREE.iter().any(|f| regex.is_match(&row.get(f).to_plain())),
        Expr::Text(text) => {
            let needle = text.to_ascii_lowercase();
            FREE.iter().any(|f| row.get(f).to_plain().to_ascii_lowercase().contains(&needle))
        }
        one => {
            // The table only decides about free text, which is dealt with above.
            let query = Query { text: String::new(), table: Table::Nodes, expr: one.clone() };
            query.matches(row, now)
        }
    }
}

const fn ordered(op: Op) -> bool {
    matches!(op, Op::Lt | Op::Le | Op::Gt | Op::Ge)
}

fn parameter(op: Op, have: &str, want: &str) -> bool {
    let number = |t: &str| t.trim().parse::<f64>().ok().filter(|x| x.is_finite());
    if op == Op::Has {
        return have.to_ascii_lowercase().contains(&want.to_ascii_lowercase());
    }
    if let (Some(a), Some(b)) = (number(have), number(want)) {
        return a.partial_cmp(&b).is_some_and(|o| holds(op, o));
    }
    if ordered(op) {
        return !have.is_empty() && holds(op, version::compare(have, want));
    }
    let fold = |t: &str| Cow::<str>::Owned(t.to_ascii_lowercase());
    holds(op, fold(have).cmp(&fold(want)))
}

const fn holds(op: Op, order: Ordering) -> bool {
    match op {
        Op::Eq | Op::Has => order.is_eq(),
        Op::Ne => order.is_ne(),
        Op::Lt => order.is_lt(),
        Op::Le => order.is_le(),
        Op::Gt => order.is_gt(),
        Op::Ge => order.is_ge(),
    }
}
