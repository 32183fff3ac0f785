//! Finds the machine that a command line means: by canonical name, UUID, or its name where only one
//! host has it. The cache is looked at first; hosts are asked when it is not in there.

use std::collections::HashSet;

use super::exit::{Code, Failure};
use super::fresh::poll;
use super::live::{Live, Role, store_options};
use crate::config::Loaded;
use crate::config::schema::{Libvirt, SourceKind};
use crate::model::command::Targets;
use crate::model::page::{Scope, Table};
use crate::model::text::clean;
use crate::model::vm::{VmRow, named};
use crate::store::Store;

/// Machines that are looked through at most.
const MANY: usize = 100_000;

/// The hosts of virtual machines of the profile.
pub(super) fn hosts(loaded: &Loaded) -> impl Iterator<Item = (&str, &Libvirt)> {
    loaded.sources().filter_map(|source| match &source.kind {
        SourceKind::Libvirt(host) => Some((source.name.as_str(), &**host)),
        _ => None,
    })
}

/// The hosts that have to be asked about machines called so: those that canonical names begin with, those on
/// which the cache knows the only machine of a name, or all of them.
pub(super) fn hosts_of(loaded: &Loaded, store: &Store, names: &[String]) -> Vec<String> {
    let short = names.iter().any(|name| !name.contains("/vm/"));
    let rows = if short { every(store, loaded).unwrap_or_default() } else { Vec::new() };
    let named: Vec<&str> = names
        .iter()
        .filter_map(|name| {
            let known = named(&rows, name).ok().flatten();
            let host = known
                .map_or_else(|| name.split_once("/vm/").map_or(name.as_str(), |(host, _)| host), |row| &row.source);
            hosts(loaded).map(|(known, _)| known).find(|known| *known == host)
        })
        .collect();
    let all = hosts(loaded).map(|(name, _)| name);
    if named.len() == names.len() && !named.is_empty() {
        all.filter(|name| named.contains(name)).map(str::to_owned).collect()
    } else {
        all.map(str::to_owned).collect()
    }
}

/// The machine called `wanted`, and the settings of its host.
pub(super) fn find<'a>(loaded: &'a Loaded, wanted: &str, actor: &str) -> Result<(VmRow, &'a Libvirt), Failure> {
    if hosts(loaded).next().is_none() {
        return Err(Failure::usage(format!(
            "profile `{}` has no host of virtual machines: a [[source]] of kind \"libvirt\" is one; `noctule config \
             example` shows it",
            loaded.profile_name
        )));
    }
    let mut found = None;
    if loaded.cache_path().exists() {
        let (store, _) = Store::open(&store_options(loaded, true))?;
        found = look(&store, loaded, wanted)?;
    }
    let mut polled = Code::Done;
    if found.is_none() {
        let live = Live::start(loaded, Role::List)?;
        polled = poll(&live, &hosts_of(loaded, &live.store, &[wanted.to_owned()]), actor);
        found = if polled == Code::Failed { None } else { look(&live.store, loaded, wanted)? };
        live.stop();
    }
    let Some(row) = found else {
        let shown = clean(wanted);
        return Err(match polled {
            Code::Done => Failure::new(
                Code::Failed,
                format!("no machine is called `{shown}`: `noctule vms --columns id,uuid` lists them"),
            ),
            Code::Unreachable => Failure::new(
                Code::Unreachable,
                format!("no machine is known as `{shown}`, and not every host could be asked"),
            ),
            code => Failure::new(code, format!("no machine is known as `{shown}`")),
        });
    };
    let host = hosts(loaded).find(|(name, _)| **name == *row.source).map(|(_, host)| host);
    let host = host.ok_or_else(|| Failure::usage(format!("{} is not in this configuration", clean(&row.source))))?;
    Ok((row, host))
}

/// All that the cache knows of hosts that are configured.
fn every(store: &Store, loaded: &Loaded) -> Result<Vec<VmRow>, Failure> {
    let all =
        Targets::Filter { table: Table::Vms, scope: Scope::All, filter: None, below: None, except: HashSet::new() };
    let mut rows = store.reader()?.vms(&all, MANY)?;
    // The cache also remembers sources that were configured once.
    rows.retain(|row| hosts(loaded).any(|(name, _)| *name == *row.source));
    Ok(rows)
}

fn look(store: &Store, loaded: &Loaded, wanted: &str) -> Result<Option<VmRow>, Failure> {
    named(&every(store, loaded)?, wanted).map(Option::<&VmRow>::cloned).map_err(Failure::usage)
}
