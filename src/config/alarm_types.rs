//! The inventory of alarm types: the shipped `assets/alarm-types.toml` and the user's own file
//! over it, key by key, so that a line or two change a severity.

use std::path::Path;

use serde::Deserialize as _;
use toml::Table;

use super::{Error, Problem};
use crate::model::alarm_type::{AlarmType, AlarmTypes};

/// The shipped inventory.
const SHIPPED: &str = include_str!("../../assets/alarm-types.toml");

/// The shipped inventory with the user's file over it.
///
/// # Errors
/// When the user's file cannot be read or does not fit, with the places.
pub fn load(user: Option<&Path>) -> Result<AlarmTypes, Error> {
    let overlay = match user {
        Some(path) => {
            let origin = super::file_name(path);
            let text = std::fs::read_to_string(path).map_err(|e| Error::one(&*origin, e.to_string()))?;
            Some((origin, text))
        }
        None => None,
    };
    parse(overlay.as_ref().map(|(origin, text)| (origin.as_str(), text.as_str())))
}

/// As [`load`], from `(name, text)`.
///
/// # Errors
/// When the text does not fit, with the places.
pub fn parse(user: Option<(&str, &str)>) -> Result<AlarmTypes, Error> {
    let mut all: Table = SHIPPED.parse().map_err(|e| Error::one("alarm-types.toml", format!("{e}")))?;
    if let Some((origin, text)) = user {
        let own = toml::from_str::<Table>(text).map_err(|e| at(origin, text, e.span(), e.message()))?;
        overlay(&mut all, own);
    }
    let mut types = AlarmTypes::default();
    for (id, entry) in all {
        match AlarmType::deserialize(entry) {
            Ok(entry) => {
                types.by_id.insert(id, entry);
            }
            Err(e) => {
                let (origin, text) = user.unwrap_or(("alarm-types.toml", SHIPPED));
                let place = text.find(&format!("[\"{id}\"]")).map(|p| p..p + 1);
                return Err(at(origin, text, place, &format!("alarm type {id}: {}", e.message())));
            }
        }
    }
    Ok(types)
}

fn overlay(all: &mut Table, own: Table) {
    for (id, entry) in own {
        match (all.get_mut(&id).and_then(toml::Value::as_table_mut), entry) {
            (Some(shipped), toml::Value::Table(entry)) => shipped.extend(entry),
            (_, entry) => {
                all.insert(id, entry);
            }
        }
    }
}

fn at(origin: &str, text: &str, span: Option<std::ops::Range<usize>>, message: &str) -> Error {
    let place = span.map(|s| super::place(text, s.start));
    Error { problems: vec![Problem { origin: origin.to_owned(), place, message: message.to_owned() }] }
}
