//! Which machine a person means who gives a name.

use super::{VmRow, VmState};
use crate::model::text::clean;

/// The machine called so: by its canonical name, its UUID (where it runs, if several hosts have it defined), or
/// its name where only one host has one. A host goes by its own name.
///
/// # Errors
/// In words where it could be several.
pub fn named<'a>(rows: &'a [VmRow], wanted: &str) -> Result<Option<&'a VmRow>, String> {
    if let Some(row) = rows.iter().find(|row| row.canonical() == wanted) {
        return Ok(Some(row));
    }
    let called = |is: &dyn Fn(&VmState) -> bool| rows.iter().filter(|row| row.vm().is_some_and(is)).collect::<Vec<_>>();
    let by_uuid = called(&|vm| vm.uuid.eq_ignore_ascii_case(wanted));
    // After a move its old definition may be left where it was: it is where it runs.
    let active: Vec<&VmRow> =
        by_uuid.iter().copied().filter(|row| row.vm().is_some_and(|vm| vm.power.active())).collect();
    if let ([only], _) | (_, [only]) = (by_uuid.as_slice(), active.as_slice()) {
        return Ok(Some(only));
    }
    let by_name = called(&|vm| vm.name == wanted);
    let several = match (by_uuid.as_slice(), by_name.as_slice()) {
        ([], []) => return Ok(None),
        ([], [only]) => return Ok(Some(only)),
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
    use crate::model::vm::state::Power;
    use crate::model::vm::{HostState, VmState};

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
        let found = |wanted: &str| named(&all, wanted).map(|row| row.map(VmRow::canonical));
        assert_eq!(found("b/vm/web"), Ok(Some("b/vm/web".into())));
        assert_eq!(found("db"), Ok(Some("a/vm/db".into())));
        assert_eq!(found("U3"), Ok(Some("b/vm/web".into())));
        assert_eq!(found("u2"), Ok(Some("b/vm/db-old".into())), "the one that runs");
        assert_eq!(found("nothing"), Ok(None));
        let several = found("web").unwrap_err();
        assert!(several.contains("a/vm/web, b/vm/web"), "{several}");
    }
}
