//! From the name of a VOLTHA event to an entry of the alarm type inventory.

use std::collections::HashMap;

use crate::model::alarm_type::AlarmTypes;
use crate::model::severity::Severity;
use crate::model::text;

/// What a name says: raise, clear, or neither ("bare").
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Edge {
    Raise,
    Clear,
    Bare,
}

/// Splits `ONU_LOSS_OF_SIGNAL_RAISE_EVENT` into base name and edge. Adapters before the split of
/// the events' names sent no `_EVENT`.
pub(crate) fn split(name: &str) -> (&str, Edge) {
    for (suffix, edge) in
        [("_RAISE_EVENT", Edge::Raise), ("_CLEAR_EVENT", Edge::Clear), ("_RAISE", Edge::Raise), ("_CLEAR", Edge::Clear)]
    {
        if let Some(base) = name.strip_suffix(suffix) {
            return (base, edge);
        }
    }
    (name.strip_suffix("_EVENT").unwrap_or(name), Edge::Bare)
}

/// An alarm type as the mapping needs it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Profile {
    pub(crate) type_id: String,
    pub(crate) title: String,
    pub(crate) severity: Severity,
    pub(crate) will_clear: bool,
    pub(crate) cleared_by_active: bool,
    pub(crate) hold_down_s: u32,
    /// Whether the inventory has it.
    pub(crate) known: bool,
}

/// The inventory by event name, letter case ignored.
#[derive(Debug, Default)]
pub struct TypeIndex {
    by_event: HashMap<String, Profile>,
    by_id: HashMap<String, Profile>,
}

impl TypeIndex {
    /// An index of this inventory.
    #[must_use]
    pub fn new(types: &AlarmTypes) -> Self {
        let mut index = Self::default();
        for (id, entry) in &types.by_id {
            let profile = Profile {
                type_id: id.clone(),
                title: entry.title.clone(),
                severity: entry.severity,
                will_clear: entry.will_clear,
                cleared_by_active: entry.cleared_by_active,
                hold_down_s: entry.hold_down_s,
                known: true,
            };
            for event in &entry.events {
                let (base, _) = split(event);
                index.by_event.insert(base.to_ascii_uppercase(), profile.clone());
            }
            index.by_id.insert(id.clone(), profile);
        }
        index
    }

    /// The type of an event. Names that the inventory does not have are still alarms when they
    /// raise or clear; their severity cannot be told.
    pub(crate) fn of_event(&self, base: &str, edge: Edge) -> Profile {
        let found = self.by_event.get(base).or_else(|| self.by_event.get(&base.to_ascii_uppercase()));
        found.cloned().unwrap_or_else(|| Profile {
            type_id: format!("voltha.{}", slug(base)),
            title: words(base),
            severity: Severity::Indeterminate,
            will_clear: edge != Edge::Bare,
            cleared_by_active: false,
            hold_down_s: 30,
            known: false,
        })
    }

    /// The type of a condition that noctule watches itself.
    pub(crate) fn own(&self, type_id: &str, severity: Severity, title: &str) -> Profile {
        self.by_id.get(type_id).cloned().unwrap_or_else(|| Profile {
            type_id: type_id.to_owned(),
            title: title.to_owned(),
            severity,
            will_clear: true,
            cleared_by_active: false,
            hold_down_s: 30,
            known: true,
        })
    }
}

/// A type id's tail: what is no letter, digit or underscore becomes an underscore.
fn slug(base: &str) -> String {
    base.chars().take(64).map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '_' }).collect()
}

/// `ONU_LOSS_OF_BURST` in words: `ONU loss of burst`.
pub(crate) fn words(base: &str) -> String {
    let short: String = base.chars().take(100).collect();
    let clean = text::clean(&short).into_owned();
    let mut out = String::with_capacity(clean.len());
    for word in clean.split(['_', ' ']).filter(|w| !w.is_empty()) {
        if !out.is_empty() {
            out.push(' ');
        }
        if matches!(word, "ONU" | "OLT" | "PON" | "OMCI" | "RX" | "TX" | "UNI" | "NNI" | "DB" | "MIB" | "GEM" | "PLOAM")
        {
            out.push_str(word);
        } else {
            out.push_str(&word.to_lowercase());
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_split_in_old_and_new_form() {
        assert_eq!(split("ONU_DYING_GASP_RAISE_EVENT"), ("ONU_DYING_GASP", Edge::Raise));
        assert_eq!(split("OLT_DOWN_INDICATION_CLEAR_EVENT"), ("OLT_DOWN_INDICATION", Edge::Clear));
        assert_eq!(split("ONU_DYING_GASP_RAISE"), ("ONU_DYING_GASP", Edge::Raise));
        assert_eq!(split("ONU_DISABLE"), ("ONU_DISABLE", Edge::Bare));
        assert_eq!(split(""), ("", Edge::Bare));
    }

    #[test]
    fn unknown_names_are_alarms_of_unknown_severity() {
        let index = TypeIndex::default();
        let p = index.of_event("ONU_Strange \u{1b}[2J Thing", Edge::Raise);
        assert_eq!(p.type_id, "voltha.onu_strange___2j_thing");
        assert_eq!((p.severity, p.will_clear, p.known), (Severity::Indeterminate, true, false));
        assert_eq!(p.title, "ONU strange thing");
        assert!(!index.of_event("X", Edge::Bare).will_clear);
    }
}
