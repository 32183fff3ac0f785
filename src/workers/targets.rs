//! From targets to rows: which of them a verb can be done to, and why not to the others.
//!
//! Plan and executor resolve the same way, so the numbers a person agreed to are the numbers that
//! are worked through (rows may change in between: the executor checks again and reports).

use std::collections::{BTreeMap, HashMap};

use crate::model::action::Verb;
use crate::model::alarm::AlarmRow;
use crate::model::command::Targets;
use crate::model::cpe::CpeRow;
use crate::model::ids::{AlarmKey, RowId};
use crate::model::job::JobRow;
use crate::model::resource::NodeKind;
use crate::model::source::SourceRow;
use crate::model::text;
use crate::model::topology::NodeRow;

use super::cpe_verb::CpeVerb;
use super::job_verb::JobVerb;
use super::verb::{DeviceVerb, SourceVerb, check_alarm, olt_name};

/// Why a target that is not in the cache is left out.
pub const NOT_CACHED: &str = "not in the cache";
/// Why a job that does not exist is left out.
pub const NO_JOB: &str = "no such job";
/// Why a source that does not exist is left out.
pub const NO_SOURCE: &str = "no such source";

/// How many targets are named in a plan.
pub const NAMED: usize = 10;

/// Counts what was resolved and remembers the first names.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Tally {
    /// Targets it will be done to.
    pub total: u64,
    /// The first [`NAMED`] of them.
    pub first: Vec<String>,
    /// Targets left out, by reason.
    pub skipped: BTreeMap<String, u64>,
}

impl Tally {
    /// Counts one that it will be done to.
    pub fn take(&mut self, name: impl FnOnce() -> String) {
        self.total += 1;
        if self.first.len() < NAMED {
            self.first.push(name());
        }
    }

    /// Counts one that is left out.
    pub fn skip(&mut self, reason: &str) {
        self.skip_many(reason, 1);
    }

    /// Counts several that are left out.
    pub fn skip_many(&mut self, reason: &str, n: u64) {
        if n > 0 {
            *self.skipped.entry(reason.to_owned()).or_default() += n;
        }
    }

    /// How many were left out.
    #[must_use]
    pub fn left_out(&self) -> u64 {
        self.skipped.values().sum()
    }
}

/// Alarms an action will be done to. Only the keys are kept: a bulk may be 100,000 of them.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct AlarmTargets {
    /// Counts and names.
    pub tally: Tally,
    /// Keys, in the order of the list.
    pub keys: Vec<AlarmKey>,
    /// Subscribers behind the alarmed objects.
    pub subscribers: u64,
    /// How many of them are still active.
    pub active: u64,
    /// How many their source never clears by itself.
    pub never_clear: u64,
}

/// CPEs that something will be done to.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct CpeTargets {
    /// Counts and names.
    pub tally: Tally,
    /// Rows, in the order of the list.
    pub rows: Vec<CpeRow>,
    /// Subscribers behind them, from the inventory.
    pub subscribers: u64,
    /// How many of them did not inform in time.
    pub not_online: u64,
}

impl CpeTargets {
    /// Sorts rows in.
    pub fn add(&mut self, verb: &CpeVerb, rows: Vec<CpeRow>) {
        for row in rows {
            if let Err(reason) = verb.check(&row) {
                self.tally.skip(reason);
                continue;
            }
            self.tally.take(|| cpe_label(&row));
            self.subscribers += u64::from(row.subscribers);
            self.not_online += u64::from(row.online != crate::model::cpe::Online::Online);
            self.rows.push(row);
        }
    }
}

/// What to call a CPE in a plan: model, serial number, and its subscriber.
#[must_use]
pub fn cpe_label(row: &CpeRow) -> String {
    let label = format!("CPE {}", text::clean(&row.label()));
    match text::clean(&row.subscriber) {
        name if name.is_empty() => label,
        name => format!("{label} ({name})"),
    }
}

/// Jobs that something will be done to.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct JobTargets {
    /// Counts and names.
    pub tally: Tally,
    /// Rows, in the order they were made.
    pub rows: Vec<JobRow>,
}

impl JobTargets {
    /// Sorts rows in.
    pub fn add(&mut self, verb: &JobVerb, rows: Vec<JobRow>) {
        for row in rows {
            if let Err(reason) = verb.check(&row) {
                self.tally.skip(reason);
                continue;
            }
            self.tally.take(|| job_label(&row));
            self.rows.push(row);
        }
    }
}

/// What to call a job in a plan: its name, and how far it is.
#[must_use]
pub fn job_label(row: &JobRow) -> String {
    let (c, name) = (&row.counts, text::clean(&row.name));
    match c.total {
        0 => format!("job {name} ({})", row.phase.word()),
        total => format!("job {name} ({}, {} of {total} devices through)", row.phase.word(), c.through()),
    }
}

impl AlarmTargets {
    /// Sorts one row in.
    pub fn add(&mut self, verb: &Verb, row: &AlarmRow) {
        if let Err(reason) = check_alarm(verb, row) {
            self.tally.skip(reason);
            return;
        }
        self.tally.take(|| alarm_label(row));
        self.keys.push(row.key);
        self.subscribers += u64::from(row.subscribers);
        self.active += u64::from(!row.cleared);
        self.never_clear += u64::from(!row.will_clear && !row.cleared);
    }
}

/// Devices and ports a call will be made for.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct NodeTargets {
    /// Counts and names.
    pub tally: Tally,
    /// The rows.
    pub rows: Vec<NodeRow>,
    /// The OLTs they hang on, by canonical name.
    pub olts: HashMap<String, NodeRow>,
    /// The OLT's name for each ONU that UNIs hang on.
    onus: HashMap<String, String>,
}

impl NodeTargets {
    /// Sorts rows in. `find` looks an OLT up by its canonical name.
    pub fn add(&mut self, verb: &DeviceVerb, rows: Vec<NodeRow>, mut find: impl FnMut(&str) -> Option<NodeRow>) {
        for row in rows {
            let olt = self.olt_of(&row, &mut find);
            if let Err(reason) = verb.check(&row, olt) {
                self.tally.skip(reason);
                continue;
            }
            self.tally.take(|| node_label(&row));
            self.rows.push(row);
        }
    }

    /// The OLT a target hangs on.
    #[must_use]
    pub fn olt(&self, row: &NodeRow) -> Option<&NodeRow> {
        let name = match row.kind() {
            NodeKind::Uni => self.onus.get(&row.parent_name).map(String::as_str),
            _ => olt_name(row),
        };
        self.olts.get(name?)
    }

    fn olt_of(&mut self, row: &NodeRow, find: &mut impl FnMut(&str) -> Option<NodeRow>) -> Option<&NodeRow> {
        let name = match row.kind() {
            // A UNI's name says nothing of its OLT, but its ONU's place does.
            NodeKind::Uni => {
                if !self.onus.contains_key(&row.parent_name) {
                    let name = olt_name(&find(&row.parent_name)?)?.to_owned();
                    self.onus.insert(row.parent_name.clone(), name);
                }
                self.onus.get(&row.parent_name)?.clone()
            }
            _ => olt_name(row)?.to_owned(),
        };
        if !self.olts.contains_key(&name) {
            self.olts.insert(name.clone(), find(&name)?);
        }
        self.olts.get(&name)
    }

    /// The rows' identities.
    #[must_use]
    pub fn ids(&self) -> Vec<RowId> {
        self.rows.iter().map(|r| r.id).collect()
    }
}

/// Sources a word goes to.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct SourceTargets {
    /// Counts and names.
    pub tally: Tally,
    /// Their names.
    pub names: Vec<String>,
}

impl SourceTargets {
    /// Picks the sources meant out of all there are.
    pub fn pick(verb: SourceVerb, targets: &Targets, all: &[SourceRow]) -> Self {
        let mut out = Self::default();
        for row in all.iter().filter(|row| meant(targets, row)) {
            if let Err(reason) = verb.check(row) {
                out.tally.skip(reason);
                continue;
            }
            out.tally.take(|| text::clean(&row.name).into_owned());
            out.names.push(row.name.to_string());
        }
        if let Targets::Names(_, names) = targets {
            let unknown = names.iter().filter(|n| all.iter().all(|row| *row.name != ***n)).count();
            out.tally.skip_many(NO_SOURCE, unknown as u64);
        }
        out
    }
}

fn meant(targets: &Targets, row: &SourceRow) -> bool {
    match targets {
        Targets::None => false,
        Targets::Rows(_, ids) => ids.contains(&row.id),
        Targets::Names(_, names) => names.iter().any(|n| **n == *row.name),
        Targets::Filter { filter, except, .. } => {
            !except.contains(&row.id) && filter.as_ref().is_none_or(|q| q.matches(row, row.as_of))
        }
    }
}

/// An alarm in one line: what and where.
#[must_use]
pub fn alarm_label(row: &AlarmRow) -> String {
    let what = text::clean(&row.type_id);
    let place = text::clean(&row.canonical);
    let name = text::clean(&row.name);
    if name.is_empty() { format!("{what} on {place}") } else { format!("{what} on {place} ({name})") }
}

/// A device or port in one line: kind, serial or port, its name in the inventory.
#[must_use]
pub fn node_label(row: &NodeRow) -> String {
    let serial = text::clean(&row.resource.name);
    let label = match row.kind() {
        NodeKind::Olt => format!("OLT {serial}"),
        NodeKind::Onu => format!("ONU {serial}"),
        NodeKind::PonPort => format!("PON port {} of OLT {serial}", row.resource.index),
        NodeKind::Uni => format!("UNI {} of ONU {serial}", row.resource.index),
        kind => format!("{} {serial}", kind.word()),
    };
    match text::clean(&row.name) {
        name if name.is_empty() => label,
        name => format!("{label} ({name})"),
    }
}
