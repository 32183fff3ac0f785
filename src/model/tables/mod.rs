//! The tables' descriptions: one list of fields each, used by columns, filters, sorting, exports
//! and the headless commands alike.

mod alarms;
mod appliances;
mod cpes;
mod faults;
mod jobs;
mod log;
mod nodes;
mod sources;
mod stored;
mod vms;

pub use alarms::ALARMS;
pub use appliances::{APPLIANCES, COLLECTORS};
pub use cpes::CPES;
pub use faults::FAULTS;
pub use jobs::{JOB_DEVICES, JOBS};
pub use log::LOG;
pub use nodes::NODES;
pub use sources::SOURCES;
pub use stored::STORED;
pub use vms::{VMS, version as libvirt_version};

use super::field::{FieldKind, FieldSpec, TableSpec};
use super::page::Table;

/// The description of a table.
#[must_use]
pub const fn spec(table: Table) -> &'static TableSpec {
    match table {
        Table::Alarms => &ALARMS,
        Table::Nodes => &NODES,
        Table::Sources => &SOURCES,
        Table::Log => &LOG,
        Table::Cpes => &CPES,
        Table::Jobs => &JOBS,
        Table::JobDevices => &JOB_DEVICES,
        Table::Faults => &FAULTS,
        Table::Stored => &STORED,
        Table::Appliances => &APPLIANCES,
        Table::Collectors => &COLLECTORS,
        Table::Vms => &VMS,
    }
}

const fn field(name: &'static str, header: &'static str, kind: FieldKind, doc: &'static str) -> FieldSpec {
    FieldSpec {
        name,
        aliases: &[],
        header,
        kind,
        sortable: false,
        free_text: false,
        versions: false,
        listed: false,
        doc,
    }
}

impl FieldSpec {
    const fn sortable(self) -> Self {
        Self { sortable: true, ..self }
    }

    const fn versions(self) -> Self {
        Self { versions: true, ..self }
    }

    const fn listed(self) -> Self {
        Self { listed: true, ..self }
    }

    const fn free(self) -> Self {
        Self { free_text: true, ..self }
    }

    const fn also(self, aliases: &'static [&'static str]) -> Self {
        Self { aliases, ..self }
    }
}

/// An optional hundredth of a dBm as dBm.
fn dbm(centi: Option<i32>) -> super::field::Value<'static> {
    centi.map_or(super::field::Value::None, |c| super::field::Value::Float(f64::from(c) / 100.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_unique_and_snake_case() {
        for table in Table::ALL {
            let spec = spec(table);
            let mut seen = std::collections::HashSet::new();
            for f in spec.fields {
                for name in std::iter::once(&f.name).chain(f.aliases) {
                    assert!(seen.insert(*name), "{} twice in {}", name, spec.name);
                }
                assert!(f.name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_'), "{}", f.name);
                assert!(!f.doc.is_empty());
            }
            for (name, _) in spec.default_sort {
                assert!(spec.field(name).is_some_and(|f| f.sortable), "{name}");
            }
        }
    }
}
