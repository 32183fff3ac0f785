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
use crate::model::vm::{VmRow, VmState};
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

/// The hosts that have to be asked about machines called so: those that canonical names begin with, or
/// all of them.
pub(super) fn hosts_of(loaded: &Loaded, names: &[String]) -> Vec<String> {
    let named: Vec<&str> = names
        .iter()
        .filter_map(|name| {
            let host = name.split_once("/vm/").map_or(name.as_str(), |(host, _)| host);
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
        polled = poll(&live, &hosts_of(loaded, &[wanted.to_owned()]), actor);
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

fn look(store: &Store, loaded: &Loaded, wanted: &str) -> Result<Option<VmRow>, Failure> {
    let all =
        Targets::Filter { table: Table::Vms, scope: Scope::All, filter: None, below: None, except: HashSet::new() };
    let mut rows = store.reader()?.vms(&all, MANY)?;
    // The cache also remembers sources that were configured once.
    rows.retain(|row| hosts(loaded).any(|(name, _)| *name == *row.source));
    pick(&rows, wanted).map_err(Failure::usage)
}

/// The machine that is meant; an error where it could be several.
fn pick(rows: &[VmRow], wanted: &str) -> Result<Option<VmRow>, String> {
    if let Some(row) = rows.iter().find(|row| row.canonical() == wanted) {
        return Ok(Some(row.clone()));
    }
    let called = |of: fn(&VmState) -> &str| {
        let is = |row: &&VmRow| row.vm().is_some_and(|vm| of(vm).eq_ignore_ascii_case(wanted));
        rows.iter().filter(is).collect::<Vec<_>>()
    };
    let by_uuid = called(|vm| &vm.uuid);
    // After a move its old definition may be left where it was: it is where it runs.
    let active: Vec<&VmRow> =
        by_uuid.iter().copied().filter(|row| row.vm().is_some_and(|vm| vm.power.active())).collect();
    if let ([only], _) | (_, [only]) = (by_uuid.as_slice(), active.as_slice()) {
        return Ok(Some((*only).clone()));
    }
    let exact = |row: &&VmRow| row.vm().is_some_and(|vm| vm.name == wanted);
    let by_name: Vec<&VmRow> = rows.iter().filter(exact).collect();
    let several = match (by_uuid.as_slice(), by_name.as_slice()) {
        ([], []) => return Ok(None),
        ([], [only]) => return Ok(Some((*only).clone())),
        ([], several) | (several, _) => several,
    };
    let names: Vec<String> = several.iter().map(|row| clean(&row.canonical()).into_owned()).collect();
    Err(format!("`{}` is on several hosts: say which of {}", clean(wanted), names.join(", ")))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::model::ids::RowId;
    use crate::model::vm::HostState;
    use crate::model::vm::state::Power;

    type Named = (&'static str, &'static str, Power);

    fn rows(hosts: &[(&str, &[Named])]) -> Vec<VmRow> {
        let mut rows = Vec::new();
        for (source, vms) in hosts {
            let vm = |(name, uuid, power): &(&str, &str, Power)| VmState {
                name: (*name).to_owned(),
                uuid: (*uuid).to_owned(),
                power: *power,
                ..VmState::default()
            };
            let host = Arc::new(HostState { vms: vms.iter().map(vm).collect(), ..HostState::default() });
            for nth in 0..vms.len() {
                let id = RowId(i64::try_from(rows.len()).unwrap());
                rows.push(VmRow { id, source: (*source).into(), host: Arc::clone(&host), alarms: 0, nth: Some(nth) });
            }
        }
        rows
    }

    #[test]
    fn a_machine_is_found_by_what_is_unique() {
        let all = rows(&[
            ("a", &[("web", "u1", Power::Running), ("db", "u2", Power::Off)]),
            ("b", &[("web", "u3", Power::Running), ("db-old", "u2", Power::Running)]),
        ]);
        let found = |wanted: &str| pick(&all, wanted).map(|row| row.map(|row| row.canonical()));
        assert_eq!(found("b/vm/web"), Ok(Some("b/vm/web".into())));
        assert_eq!(found("db"), Ok(Some("a/vm/db".into())));
        assert_eq!(found("U3"), Ok(Some("b/vm/web".into())));
        assert_eq!(found("u2"), Ok(Some("b/vm/db-old".into())), "the one that runs");
        assert_eq!(found("nothing"), Ok(None));
        let several = found("web").unwrap_err();
        assert!(several.contains("a/vm/web, b/vm/web"), "{several}");
    }
}
