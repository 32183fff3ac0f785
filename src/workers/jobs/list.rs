//! Which devices a job gets: its filter, resolved over the cache. What a plan shows and what is
//! frozen come from here alike.

use std::collections::BTreeSet;
use std::ops::ControlFlow;
use std::sync::Arc;

use crate::model::cpe::{CpeRow, Online, canonical, id_of};
use crate::model::job::{JobRequest, JobTargets};
use crate::model::page::{PageRequest, Scope, Table};
use crate::model::query::Query;
use crate::model::text::{clean, counted};
use crate::model::time::Ts;
use crate::store::Reader;

use super::mongo;

/// A device that was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// The server's id of it.
    pub device: String,
    /// Serial number.
    pub serial: String,
    /// Model.
    pub model: String,
}

/// What a request means now.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct List {
    /// The server they belong to; empty when there are none.
    pub source: String,
    /// The devices, in order.
    pub found: Vec<Found>,
    /// How many did not inform in time.
    pub not_online: u64,
    /// How many of them have a subscriber in the inventory.
    pub subscribers: u64,
    /// Devices of the request that the cache does not know.
    pub unknown: u64,
}

/// Resolves a request. `sources` are the GenieACS servers there are.
///
/// # Errors
/// Why it gives no list, in words: these are also the words with which a job is refused.
pub fn list(reader: &mut Reader, request: &JobRequest, sources: &[String], now: Ts) -> Result<List, String> {
    let named = match request.source.as_str() {
        "" => None,
        name if sources.iter().any(|s| s == name) => Some(name),
        name => return Err(format!("there is no GenieACS source {}; there are: {}", clean(name), sources.join(", "))),
    };
    let (text, all_meant) = match &request.targets {
        JobTargets::Devices(ids) => return devices(reader, ids, named, sources),
        JobTargets::Filter(text) => (text.clone(), text.trim() == "*"),
        JobTargets::Query(json) => {
            let filter = mongo::filter_of(json)?;
            let all = filter == "*";
            (filter, all)
        }
    };
    let query = Query::parse(&text, Table::Cpes).map_err(|e| format!("the filter {}: {e}", clean(&text)))?;
    let list = filtered(reader, &query, named, now)?;
    let everything = !all_meant && list.found.len() > 1 && request.expected_count.is_none();
    if everything && list.found.len() as u64 == fleet(reader, &list.source)? {
        return Err(format!(
            "the filter gives every device of {} ({}): write `*`, or expected_count, if that is meant",
            clean(&list.source),
            list.found.len()
        ));
    }
    checked(list, request, &text)
}

/// Whether a list is what the request expects.
///
/// # Errors
/// That it gives nothing, or another number, in words.
pub fn checked(list: List, request: &JobRequest, text: &str) -> Result<List, String> {
    if list.found.is_empty() {
        return Err(format!("the filter {} gives no device", clean(text)));
    }
    match request.expected_count {
        Some(expected) if expected != list.found.len() as u64 => {
            let found = counted(list.found.len() as u64, "device", "devices");
            Err(format!("expected {expected} devices, the filter gives {found}"))
        }
        _ => Ok(list),
    }
}

fn filtered(reader: &mut Reader, query: &Query, named: Option<&str>, now: Ts) -> Result<List, String> {
    let mut list = List::default();
    let mut sources = BTreeSet::new();
    let request = PageRequest::all(Table::Cpes, Scope::All, Some(Arc::new(query.clone())), now);
    let read = reader.each_row(&request, &mut |row| {
        let id = row.get("id").to_plain().into_owned();
        let Some((source, device)) = id_of(&id) else { return ControlFlow::Continue(()) };
        if named.is_some_and(|n| n != source) {
            return ControlFlow::Continue(());
        }
        if !sources.contains(source) {
            sources.insert(source.to_owned());
        }
        let text = |field| row.get(field).to_plain().into_owned();
        list.not_online += u64::from(text("online") != Online::Online.word());
        list.subscribers += u64::from(!text("subscriber").is_empty());
        list.found.push(Found { device: device.to_owned(), serial: text("serial"), model: text("model") });
        ControlFlow::Continue(())
    });
    read.map_err(|e| e.to_string())?;
    one_source(&mut list, sources)?;
    Ok(list)
}

fn one_source(list: &mut List, sources: BTreeSet<String>) -> Result<(), String> {
    let names: Vec<String> = sources.into_iter().collect();
    match names.as_slice() {
        [] => Ok(()),
        [one] => {
            list.source.clone_from(one);
            Ok(())
        }
        several => Err(format!("the devices belong to {}: say which one with `source`", several.join(" and "))),
    }
}

fn fleet(reader: &mut Reader, source: &str) -> Result<u64, String> {
    let mut n = 0;
    reader.each_known_cpe(source, &mut |_| n += 1).map_err(|e| e.to_string())?;
    Ok(n)
}

/// Devices by their ids; those that the cache does not know come along: the server is asked when
/// their turn comes.
fn devices(reader: &mut Reader, ids: &[String], named: Option<&str>, sources: &[String]) -> Result<List, String> {
    let mut list = List::default();
    let mut of = BTreeSet::new();
    let only = match (named, sources) {
        (Some(name), _) => Some(name),
        (None, [only]) => Some(only.as_str()),
        _ => None,
    };
    let mut names = Vec::with_capacity(ids.len());
    for id in ids {
        let (source, device) = match (id_of(id), only) {
            (Some((source, device)), _) => (source, device),
            (None, Some(only)) => (only, id.as_str()),
            (None, None) => {
                return Err(format!(
                    "there are several GenieACS sources ({}): say which one with `source`",
                    sources.join(", ")
                ));
            }
        };
        of.insert(source.to_owned());
        names.push(canonical(source, device));
    }
    let targets = crate::model::command::Targets::Names(Table::Cpes, names.clone());
    let rows = reader.cpes(&targets, usize::MAX).map_err(|e| e.to_string())?;
    let rows: std::collections::HashMap<&str, &CpeRow> = rows.iter().map(|r| (r.canonical.as_str(), r)).collect();
    for name in &names {
        let device = id_of(name).map(|(_, device)| device.to_owned()).unwrap_or_default();
        let row = rows.get(name.as_str());
        if let Some(row) = row {
            list.not_online += u64::from(row.online != Online::Online);
            list.subscribers += u64::from(!row.subscriber.is_empty());
        }
        list.unknown += u64::from(row.is_none());
        let text = |pick: fn(&CpeRow) -> &String| row.map(|row| pick(row).clone()).unwrap_or_default();
        list.found.push(Found { device, serial: text(|r| &r.serial), model: text(|r| &r.model) });
    }
    one_source(&mut list, of)?;
    Ok(list)
}
