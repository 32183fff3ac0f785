//! Which OLT is meant: events of OLTs and logical devices carry ids that change with every
//! re-creation, identity is the serial number. Only OLTs are kept (a stack has few); events of
//! ONUs bring their serial along.

use std::collections::{HashMap, HashSet};

/// Ids kept at most; a stack has some dozens of OLTs.
const LIMIT: usize = 10_000;

/// Ids of OLTs and of their logical devices, with the serial numbers behind them.
#[derive(Debug, Default)]
pub struct Directory {
    serials: HashMap<String, String>,
    /// Ids of OLTs that were listed before they told a serial number.
    anonymous: HashSet<String>,
}

impl Directory {
    /// Learns that `id` (of an OLT or of its logical device) means the OLT `serial`. Whether the
    /// device had been listed without a serial number before: that row has to go.
    pub(crate) fn learn(&mut self, id: &str, serial: &str) -> bool {
        if id.is_empty() || serial.is_empty() {
            return false;
        }
        if self.serials.get(id).is_none_or(|known| known != serial) && self.serials.len() < LIMIT {
            self.serials.insert(id.to_owned(), serial.to_owned());
        }
        self.anonymous.remove(id)
    }

    /// Notes that an OLT is listed by its id, having no serial number yet.
    pub(crate) fn listed_without_serial(&mut self, id: &str) {
        if self.anonymous.len() < LIMIT {
            self.anonymous.insert(id.to_owned());
        }
    }

    /// The serial number of the OLT that this id means.
    pub(crate) fn serial(&self, id: &str) -> Option<&str> {
        self.serials.get(id).map(String::as_str)
    }

    /// Forgets a deleted OLT.
    pub(crate) fn forget(&mut self, id: &str) {
        self.serials.remove(id);
        self.anonymous.remove(id);
    }
}
