//! Which backups are kept. A full one stays as long as anything that is kept builds on it.

use std::collections::{BTreeMap, BTreeSet};

use crate::model::order;
use crate::model::vm::{BackupSet, Manifest};

use super::sets::PARTIAL;

/// The backups of a machine that can be used, oldest first.
pub fn whole<'a>(sets: &'a [BackupSet], uuid: &str) -> Vec<(&'a str, &'a Manifest)> {
    let mut out: Vec<(&str, &Manifest)> = sets
        .iter()
        .filter_map(|set| Some((set.name.as_str(), set.manifest.as_ref().ok()?)))
        .filter(|(_, manifest)| manifest.uuid == uuid)
        .collect();
    order::by_key(&mut out, |(name, manifest)| (manifest.at, *name));
    out
}

/// A backup and all that it builds on, the full one first; why it cannot be restored.
pub fn chain<'a>(sets: &'a [BackupSet], name: &str) -> Result<Vec<(&'a str, &'a Manifest)>, String> {
    let by_name: BTreeMap<&str, &BackupSet> = sets.iter().map(|set| (set.name.as_str(), set)).collect();
    let mut out: Vec<(&str, &Manifest)> = Vec::new();
    let mut at = name.to_owned();
    loop {
        let Some(set) = by_name.get(at.as_str()) else {
            let needs = out.last().map_or(String::new(), |(child, _)| format!(", which {child} builds on"));
            return Err(format!("there is no backup {at}{needs}"));
        };
        let manifest = set.manifest.as_ref().map_err(|why| format!("{at}: {why}"))?;
        if out.iter().any(|(seen, _)| *seen == set.name) {
            return Err(format!("the backups build on each other in a circle at {at}"));
        }
        out.push((&set.name, manifest));
        match &manifest.parent {
            Some(parent) => at.clone_from(parent),
            None => break,
        }
    }
    out.reverse();
    Ok(out)
}

/// A finished backup whose manifest cannot be read. One that was cut off, or runs, builds on the newest chain,
/// which always stays.
#[must_use]
pub fn unreadable(sets: &[BackupSet]) -> Option<&BackupSet> {
    sets.iter().find(|set| set.manifest.is_err() && !set.name.ends_with(PARTIAL))
}

/// What a backup builds on.
fn parent_of<'a>(all: &[(&'a str, &'a Manifest)], name: &str) -> Option<&'a str> {
    all.iter().find(|(known, _)| *known == name).and_then(|(_, manifest)| manifest.parent.as_deref())
}

/// The backups of a machine to be removed now, in the order in which they are: what builds on another goes
/// before it, so that an end in the middle breaks no chain. The newest chains stay (a full one and what builds
/// on it), so many, and at least one. Nothing is removed while a manifest cannot be read: its backup may build
/// on any of the others.
#[must_use]
pub fn surplus(sets: &[BackupSet], uuid: &str, newest: u32) -> Vec<String> {
    if unreadable(sets).is_some() {
        return Vec::new();
    }
    let all = whole(sets, uuid);
    let newest = newest.max(1) as usize;
    let root = |name: &str| -> String {
        let mut at = name;
        let mut seen = BTreeSet::new();
        while let Some(parent) = parent_of(&all, at).filter(|_| seen.insert(at.to_owned())) {
            at = parent;
        }
        at.to_owned()
    };
    let mut chains: Vec<String> = Vec::new();
    let mut needed: BTreeSet<&str> = BTreeSet::new();
    for (name, _) in all.iter().rev() {
        let root = root(name);
        if !chains.contains(&root) && chains.len() < newest {
            chains.push(root.clone());
        }
        if !chains.contains(&root) {
            continue;
        }
        let mut at = *name;
        while needed.insert(at) {
            match parent_of(&all, at) {
                Some(parent) => at = parent,
                None => break,
            }
        }
    }
    // What another machine's manifest says it builds on stays as well.
    let wanted: BTreeSet<&str> = sets
        .iter()
        .filter(|set| set.manifest.as_ref().is_ok_and(|manifest| manifest.uuid != uuid))
        .filter_map(|set| set.manifest.as_ref().ok()?.parent.as_deref())
        .collect();
    let mut out: Vec<String> = Vec::new();
    let mut held: BTreeSet<&str> = needed;
    held.extend(wanted);
    let mut rest: Vec<(&str, &Manifest)> = all.into_iter().filter(|(name, _)| !held.contains(name)).collect();
    // Children first, whatever their clocks say.
    while !rest.is_empty() {
        let parents: BTreeSet<&str> = rest.iter().filter_map(|(_, manifest)| manifest.parent.as_deref()).collect();
        let (stay, go): (Vec<_>, Vec<_>) = rest.iter().partition(|(name, _)| parents.contains(name));
        if go.is_empty() {
            break;
        }
        out.extend(go.into_iter().rev().map(|(name, _)| name.to_owned()));
        rest = stay;
    }
    out
}
