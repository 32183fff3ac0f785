//! Commands with their targets, the plan shown before they run, and what came of them.
//!
//! An [`Intent`] is all that a key, the palette, `:` or `noctule run` produce. One gate
//! (`commands::gate`) decides about it; one executor (`workers::actions`) plans and runs it.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

use super::ids::{ActionId, RowId};
use super::job::JobId;
use super::page::{Scope, Table};
use super::query::Query;

/// Arguments of a command by name.
pub type Args = BTreeMap<String, String>;

/// What the name of an argument begins with whose value is a secret; behind it what it is for.
pub const SECRET: &str = "secret.";

/// The argument that the answer to a masked question comes in.
pub const ANSWER: &str = "answer";

/// Whether the value of an argument may be told to nobody: a secret, or a text that may hold one.
#[must_use]
pub fn is_private(arg: &str) -> bool {
    arg.starts_with(SECRET) || arg == "request" || arg == ANSWER
}

/// A wish to run a mutating command.
#[derive(Clone, PartialEq)]
pub struct Intent {
    /// Command id (`alarm.ack`).
    pub command: &'static str,
    /// On what.
    pub targets: Targets,
    /// With which arguments.
    pub args: Args,
    /// On whose behalf.
    pub actor: String,
}

impl std::fmt::Debug for Intent {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let shown = |(name, value): (&String, &String)| {
            (name.clone(), if is_private(name) { "…".to_owned() } else { value.clone() })
        };
        let args: Args = self.args.iter().map(shown).collect();
        f.debug_struct("Intent")
            .field("command", &self.command)
            .field("targets", &self.targets)
            .field("args", &args)
            .field("actor", &self.actor)
            .finish()
    }
}

/// On what a command works.
#[derive(Debug, Clone, PartialEq, Default)]
pub enum Targets {
    /// On nothing in particular.
    #[default]
    None,
    /// Rows of one table.
    Rows(Table, Vec<RowId>),
    /// Things by their names: alarm keys, canonical node names, source names.
    Names(Table, Vec<String>),
    /// All rows of a filter but some.
    Filter {
        /// Table.
        table: Table,
        /// Base set.
        scope: Scope,
        /// The filter; `None` for all.
        filter: Option<Arc<Query>>,
        /// Only on or below this node.
        below: Option<RowId>,
        /// Rows left out.
        except: HashSet<RowId>,
    },
}

/// What will happen, shown before it does.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Plan {
    /// Title, e.g. `Reboot OLT BBSIM_OLT_0`.
    pub title: String,
    /// How many targets.
    pub total: u64,
    /// The first ten, by name.
    pub first: Vec<String>,
    /// Targets that are left out, with the reason: `(reason, count)`.
    pub skipped: Vec<(String, u64)>,
    /// ONUs that lose service.
    pub onus: u64,
    /// Subscribers that lose service, from the inventory.
    pub subscribers: u64,
    /// The equivalent calls, at most ten lines.
    pub calls: Vec<String>,
    /// What cannot be undone.
    pub irreversible: Vec<String>,
    /// What else to know.
    pub notes: Vec<String>,
    /// Lines of a text that come and go, as `diff -u` shows them.
    pub diff: Vec<String>,
    /// What has to be typed when the confirm level asks for a name or a count.
    pub phrase: String,
    /// The rows it was made for, where they were looked up by a filter: whoever says yes has seen
    /// these, so only these are touched, whatever comes to match meanwhile.
    pub rows: Option<Vec<RowId>>,
    /// The arguments it was made for, where those of the intent name a file: what was agreed to is what
    /// was read, whatever the file holds by then.
    pub args: Option<Args>,
    /// The phrase has to be typed even when the command's own level is lower: a target is worse
    /// than the command's usual one (a whole OLT).
    pub type_name: bool,
}

/// What came of a command.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Outcome {
    /// Command id.
    pub command: String,
    /// One line: `acknowledged 12 alarms`.
    pub summary: String,
    /// Targets.
    pub total: u64,
    /// Targets that went well.
    pub done: u64,
    /// `(target, why not)`, at most 100.
    pub errors: Vec<(String, String)>,
    /// The batch that undo takes back, when it can be undone.
    pub undo: Option<ActionId>,
    /// The job that was made of it.
    pub job: Option<JobId>,
}

/// Values read from a device at the operator's wish.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum LiveRequest {
    /// Ports, flows, meters, PM configuration and images of a node.
    Detail(String),
    /// One on-demand value (`optical`, `omci_stats`, `rx_power` …) of a node.
    Value {
        /// Canonical name of the node.
        node: String,
        /// Name of the value.
        value: String,
    },
    /// The alert behind an alarm as its server has it now, what suppresses it, its rule and values.
    Alarm {
        /// Canonical name of the alarmed object.
        node: String,
        /// The alarm's type.
        type_id: String,
        /// Its qualifier.
        qualifier: String,
    },
    /// The value of a parameter of a CPE that is a secret; that it was shown is logged.
    Secret {
        /// Canonical name of the device.
        node: String,
        /// Path of the parameter.
        path: String,
        /// Who wants to see it.
        actor: String,
    },
    /// The configuration of an appliance's buffer service. The answer is one section titled
    /// [`CONFIGURATION`] with one row of one cell: the whole object as JSON text, as it was told.
    BufferConfig {
        /// The appliance's source.
        source: String,
    },
}

impl LiveRequest {
    /// The name of a source or of a thing of one, by which its source is found.
    #[must_use]
    pub fn about(&self) -> &str {
        match self {
            Self::Detail(node) | Self::Value { node, .. } | Self::Alarm { node, .. } | Self::Secret { node, .. } => {
                node
            }
            Self::BufferConfig { source } => source,
        }
    }
}

/// Title of the section that answers [`LiveRequest::BufferConfig`].
pub const CONFIGURATION: &str = "Configuration";

/// A titled table of a live answer, ready for a detail view or JSON.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct LiveSection {
    /// Title (`Ports`).
    pub title: String,
    /// Headers.
    pub headers: Vec<String>,
    /// Cells, row by row.
    pub rows: Vec<Vec<String>>,
    /// Why the section is empty, or a warning about it.
    pub note: String,
}
