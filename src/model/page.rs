//! Windows onto tables: what a list asks for and what it gets. Nobody ever holds all rows.

use std::collections::HashSet;
use std::sync::Arc;

use super::alarm::{AlarmDetail, AlarmRow};
use super::appliance::{ApplianceRow, CollectorRow, HistoryRequest, Point};
use super::command::Targets;
use super::cpe::{CpeDetail, CpeRow, FleetStats};
use super::fault::FaultRow;
use super::ids::{RowId, Seq};
use super::job::{JobDetail, JobDeviceDetail, JobDeviceRow, JobRow};
use super::log::LogRow;
use super::query::Query;
use super::source::SourceRow;
use super::time::Ts;
use super::topology::NodeRow;
use super::vm::VmRow;

/// The tables of the cache.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Table {
    /// Alarms that are not over and dealt with (and, on request, those that are).
    Alarms,
    /// Devices and ports.
    Nodes,
    /// Sources.
    Sources,
    /// Calls, actions, notices.
    Log,
    /// CPEs.
    Cpes,
    /// Jobs.
    Jobs,
    /// Devices of a job: [`PageRequest::below`] says which.
    JobDevices,
    /// Faults that servers hold against CPEs.
    Faults,
    /// Presets, provisions, virtual parameters and files; read from their servers, never cached.
    Stored,
    /// Telemetry appliances.
    Appliances,
    /// Collectors and other services of appliances.
    Collectors,
    /// Hosts of virtual machines and their machines.
    Vms,
}

impl Table {
    /// All of them, in the order in which they came to be: appended to, never reordered, since the
    /// numbers of tables between processes are their places here.
    pub const ALL: [Self; 12] = [
        Self::Alarms,
        Self::Nodes,
        Self::Sources,
        Self::Log,
        Self::Cpes,
        Self::Jobs,
        Self::JobDevices,
        Self::Faults,
        Self::Stored,
        Self::Appliances,
        Self::Collectors,
        Self::Vms,
    ];
}

/// Matches answers to questions; a list drops answers to questions it no longer asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct RequestId(pub u64);

/// Sort by one field.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Sort {
    /// A [`super::field::FieldSpec::name`] that is sortable.
    pub field: &'static str,
    /// Largest first.
    pub desc: bool,
}

/// Which rows of the table are in question before any filter.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Scope {
    /// Alarms: what an operator still has to do with (everything visible but NORMAL). Other tables: all.
    #[default]
    Open,
    /// Alarms: shelved, suppressed, out of service.
    Hidden,
    /// Everything.
    All,
}

/// Where the window lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Anchor {
    /// At the first row.
    #[default]
    Start,
    /// At the last row.
    End,
    /// Around a row: `before` rows above it. A row that is gone is replaced by the row that has
    /// taken its place in the order, as far as can be told, else the start.
    Row {
        /// The row.
        id: RowId,
        /// Rows wanted above it.
        before: u16,
    },
    /// At the n-th row, for jumps by scroll bar or percentage.
    Offset(u64),
}

/// Asks for a window.
#[derive(Debug, Clone, PartialEq)]
pub struct PageRequest {
    /// Table.
    pub table: Table,
    /// Base set.
    pub scope: Scope,
    /// Filter; `None` for all.
    pub filter: Option<Arc<Query>>,
    /// Only what lies on or below this node (alarms and nodes).
    pub below: Option<RowId>,
    /// Order; empty for the table's own. The row id is always the last key.
    pub sort: Vec<Sort>,
    /// Where.
    pub anchor: Anchor,
    /// Rows wanted.
    pub limit: u16,
    /// Count rows above the window that arrived after this journal record (`▲ 37 new`).
    pub new_since: Option<Seq>,
    /// "Now" for relative times in the filter.
    pub now: Ts,
}

impl PageRequest {
    /// The rows of a base set from their beginning, as many as there are, in the table's own order.
    #[must_use]
    pub const fn all(table: Table, scope: Scope, filter: Option<Arc<Query>>, now: Ts) -> Self {
        Self {
            table,
            scope,
            filter,
            below: None,
            sort: Vec::new(),
            anchor: Anchor::Start,
            limit: u16::MAX,
            new_since: None,
            now,
        }
    }
}

/// Which rows of a tree are unfolded.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Unfolded {
    /// Nodes above this depth are unfolded unless toggled (0: everything folded).
    pub depth: u8,
    /// Nodes that differ from the rule of `depth`.
    pub toggled: HashSet<RowId>,
}

impl Unfolded {
    /// Whether a node is unfolded.
    #[must_use]
    pub fn has(&self, id: RowId, depth: u8) -> bool {
        (depth < self.depth) != self.toggled.contains(&id)
    }
}

/// Asks for a window onto the flattened tree.
#[derive(Debug, Clone, PartialEq)]
pub struct TreeRequest {
    /// What is unfolded.
    pub unfolded: Arc<Unfolded>,
    /// Where: `Start`, `End` and `Row` (a hidden row stands for its lowest visible ancestor).
    pub anchor: Anchor,
    /// Rows wanted.
    pub limit: u16,
}

/// Asks for data of the cache.
#[derive(Debug, Clone, PartialEq)]
pub enum DataRequest {
    /// A window.
    Page(PageRequest),
    /// A window onto the tree.
    Tree(TreeRequest),
    /// Everything about an alarm.
    Alarm(RowId),
    /// Everything the cache has about a node.
    Node(RowId),
    /// The row of a node by canonical name.
    FindNode(String),
    /// Counts the rows of a filter (bulk): stops at `limit`.
    Count(PageRequest, u64),
    /// Everything the cache has about a CPE.
    Cpe(RowId),
    /// A job with its progress.
    Job(RowId),
    /// Everything the cache has about a device of a job.
    JobDevice(RowId),
    /// The controllers and ids of the CPEs that targets mean, at most so many.
    CpeIds(Targets, usize),
    /// The fleet in numbers, of the CPEs of a filter.
    Fleet(PageRequest),
    /// Everything the cache has about an appliance.
    Appliance(RowId),
    /// The past of an appliance or of one of its collectors.
    History(HistoryRequest),
}

/// How many rows there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Total {
    /// Counted.
    Exact(u64),
    /// At least so many; counting was cut short.
    AtLeast(u64),
}

impl Default for Total {
    fn default() -> Self {
        Self::Exact(0)
    }
}

/// Rows of one table.
#[derive(Debug, Clone, PartialEq)]
pub enum Rows {
    /// Alarms.
    Alarms(Vec<AlarmRow>),
    /// Nodes.
    Nodes(Vec<NodeRow>),
    /// Sources.
    Sources(Vec<SourceRow>),
    /// Log rows.
    Log(Vec<LogRow>),
    /// CPEs.
    Cpes(Vec<CpeRow>),
    /// Jobs.
    Jobs(Vec<JobRow>),
    /// Devices of a job.
    JobDevices(Vec<JobDeviceRow>),
    /// Faults of CPEs.
    Faults(Vec<FaultRow>),
    /// Appliances.
    Appliances(Vec<ApplianceRow>),
    /// Collectors.
    Collectors(Vec<CollectorRow>),
    /// Hosts and machines.
    Vms(Vec<VmRow>),
}

impl Rows {
    /// How many there are.
    #[must_use]
    pub const fn len(&self) -> usize {
        match self {
            Self::Alarms(v) => v.len(),
            Self::Nodes(v) => v.len(),
            Self::Sources(v) => v.len(),
            Self::Log(v) => v.len(),
            Self::Cpes(v) => v.len(),
            Self::Jobs(v) => v.len(),
            Self::JobDevices(v) => v.len(),
            Self::Faults(v) => v.len(),
            Self::Appliances(v) => v.len(),
            Self::Collectors(v) => v.len(),
            Self::Vms(v) => v.len(),
        }
    }

    /// Whether there is none.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Identity of the i-th row.
    #[must_use]
    pub fn id(&self, i: usize) -> Option<RowId> {
        match self {
            Self::Alarms(v) => v.get(i).map(|r| r.id),
            Self::Nodes(v) => v.get(i).map(|r| r.id),
            Self::Sources(v) => v.get(i).map(|r| r.id),
            Self::Log(v) => v.get(i).map(|r| r.id),
            Self::Cpes(v) => v.get(i).map(|r| r.id),
            Self::Jobs(v) => v.get(i).map(|r| r.id),
            Self::JobDevices(v) => v.get(i).map(|r| r.id),
            Self::Faults(v) => v.get(i).map(|r| r.id),
            Self::Appliances(v) => v.get(i).map(|r| r.id),
            Self::Collectors(v) => v.get(i).map(|r| r.id),
            Self::Vms(v) => v.get(i).map(|r| r.id),
        }
    }

    /// The i-th row by its fields.
    #[must_use]
    pub fn record(&self, i: usize) -> Option<&dyn super::field::Record> {
        match self {
            Self::Alarms(v) => v.get(i).map(|r| r as _),
            Self::Nodes(v) => v.get(i).map(|r| r as _),
            Self::Sources(v) => v.get(i).map(|r| r as _),
            Self::Log(v) => v.get(i).map(|r| r as _),
            Self::Cpes(v) => v.get(i).map(|r| r as _),
            Self::Jobs(v) => v.get(i).map(|r| r as _),
            Self::JobDevices(v) => v.get(i).map(|r| r as _),
            Self::Faults(v) => v.get(i).map(|r| r as _),
            Self::Appliances(v) => v.get(i).map(|r| r as _),
            Self::Collectors(v) => v.get(i).map(|r| r as _),
            Self::Vms(v) => v.get(i).map(|r| r as _),
        }
    }
}

/// A window.
#[derive(Debug, Clone, PartialEq)]
pub struct Page {
    /// The rows, in order.
    pub rows: Rows,
    /// Whether the first row is the first of all.
    pub at_start: bool,
    /// Whether the last row is the last of all.
    pub at_end: bool,
    /// Place of the first row, when it is cheap to know.
    pub first: Option<u64>,
    /// Rows in all.
    pub total: Total,
    /// Rows above the window newer than [`PageRequest::new_since`].
    pub new_above: u32,
    /// Newest journal record the window includes.
    pub seq: Seq,
}

/// What the cache has about a node beyond its row.
#[derive(Debug, Clone, PartialEq)]
pub struct NodeDetail {
    /// The row.
    pub row: NodeRow,
    /// Rows from the top down to its parent.
    pub ancestors: Vec<NodeRow>,
    /// Its open alarms and those of its ancestors that explain it, at most 50.
    pub alarms: Vec<AlarmRow>,
    /// Newest measurements, one a group.
    pub kpis: Vec<super::observation::KpiSample>,
    /// Other device ids it had, newest first.
    pub former_ids: Vec<String>,
}

/// An answer of the cache.
#[derive(Debug, Clone, PartialEq)]
pub enum Data {
    /// A window (also of the tree).
    Page(Page),
    /// An alarm; `None` when it is gone.
    Alarm(Option<Box<AlarmDetail>>),
    /// A node; `None` when it is gone.
    Node(Option<Box<NodeDetail>>),
    /// A count.
    Count(Total),
    /// A CPE; `None` when it is gone.
    Cpe(Option<Box<CpeDetail>>),
    /// A job; `None` when there is none.
    Job(Option<Box<JobDetail>>),
    /// A device of a job; `None` when there is none.
    JobDevice(Option<Box<JobDeviceDetail>>),
    /// Controllers and ids of CPEs.
    CpeIds(Vec<(super::ids::SourceName, String)>),
    /// The fleet in numbers.
    Fleet(Box<FleetStats>),
    /// An appliance; `None` when there is none.
    Appliance(Option<Box<ApplianceRow>>),
    /// Its past, oldest first, without gaps.
    History(Vec<Point>),
    /// The cache could not answer, in words.
    Failed(String),
}

/// What changed in the cache; each number rises with every change of its table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Generations {
    /// Alarms.
    pub alarms: u64,
    /// Nodes.
    pub nodes: u64,
    /// Sources.
    pub sources: u64,
    /// Log.
    pub log: u64,
    /// CPEs.
    pub cpes: u64,
    /// Jobs and their devices.
    pub jobs: u64,
    /// Telemetry appliances and their collectors.
    pub appliances: u64,
    /// Hosts and their machines.
    pub vms: u64,
    /// Newest journal record folded.
    pub seq: Seq,
}

impl Generations {
    /// The generation of one table.
    #[must_use]
    pub const fn of(&self, table: Table) -> u64 {
        match table {
            Table::Alarms => self.alarms,
            Table::Nodes => self.nodes,
            Table::Sources => self.sources,
            Table::Log => self.log,
            Table::Cpes | Table::Faults => self.cpes,
            Table::Jobs | Table::JobDevices => self.jobs,
            Table::Stored => 0,
            Table::Appliances | Table::Collectors => self.appliances,
            Table::Vms => self.vms,
        }
    }
}
