//! A cache that answers from rows held in memory: what the reader of the store does, over a list.

use std::cmp::Ordering;

use noctule::model::alarm::{AlarmDetail, AlarmRow, OpChange, RawEvent, StatusChange};
use noctule::model::appliance::state::Verdict;
use noctule::model::appliance::{ApplianceRow, CollectorRow, Point};
use noctule::model::command::Targets;
use noctule::model::cpe::{CpeDetail, CpeRow, FleetStats, Online};
use noctule::model::fault::FaultRow;
use noctule::model::field::{Record, Value};
use noctule::model::ids::{ActionId, RowId, Seq, SourceName};
use noctule::model::job::{JobDeviceRow, JobRow};
use noctule::model::log::LogRow;
use noctule::model::page::{
    Anchor, Data, DataRequest, NodeDetail, Page, PageRequest, Rows, Scope, Sort, Table, Total, TreeRequest,
};
use noctule::model::severity::Severity;
use noctule::model::source::SourceRow;
use noctule::model::tables;
use noctule::model::time::{MINUTE, Ts};
use noctule::model::topology::NodeRow;
use noctule::model::vm::VmRow;

/// The rows.
pub struct World {
    pub alarms: Vec<AlarmRow>,
    pub nodes: Vec<NodeRow>,
    pub sources: Vec<SourceRow>,
    pub log: Vec<LogRow>,
    pub cpes: Vec<CpeRow>,
    pub jobs: Vec<JobRow>,
    pub job_devices: Vec<JobDeviceRow>,
    pub appliances: Vec<ApplianceRow>,
    pub collectors: Vec<CollectorRow>,
    pub history: Vec<Point>,
    pub vms: Vec<VmRow>,
    /// Newest journal record.
    pub seq: Seq,
    /// Rows with this id or a higher one arrived after the list was first looked at.
    pub new_from: i64,
}

impl World {
    /// The small network of [`super::rows`].
    pub fn small() -> Self {
        let (alarms, nodes) = (super::rows::alarms(), super::rows::nodes());
        Self {
            alarms,
            nodes,
            sources: super::rows::sources(),
            log: super::rows::log(),
            cpes: super::cpes::cpes(),
            jobs: super::jobs::jobs(),
            job_devices: super::jobs::devices(),
            appliances: super::appliances::appliances(),
            collectors: super::appliances::collectors(),
            history: Vec::new(),
            vms: super::vms::vms(),
            seq: Seq(1000),
            new_from: i64::MAX,
        }
    }

    /// Nothing at all.
    pub fn empty() -> Self {
        Self {
            alarms: Vec::new(),
            nodes: Vec::new(),
            sources: Vec::new(),
            log: Vec::new(),
            cpes: Vec::new(),
            jobs: Vec::new(),
            job_devices: Vec::new(),
            appliances: Vec::new(),
            collectors: Vec::new(),
            history: Vec::new(),
            vms: Vec::new(),
            seq: Seq(1),
            new_from: i64::MAX,
        }
    }

    /// Answers a question.
    pub fn answer(&self, request: &DataRequest) -> Data {
        match request {
            DataRequest::Page(page) => Data::Page(self.page(page)),
            DataRequest::Tree(tree) => Data::Page(self.tree(tree)),
            DataRequest::Alarm(id) => {
                Data::Alarm(self.alarms.iter().find(|r| r.id == *id).map(|r| Box::new(alarm_detail(r))))
            }
            DataRequest::Node(id) => {
                Data::Node(self.nodes.iter().find(|r| r.id == *id).map(|r| Box::new(self.node_detail(r))))
            }
            DataRequest::FindNode(name) => {
                Data::Node(self.nodes.iter().find(|r| r.canonical == *name).map(|r| Box::new(self.node_detail(r))))
            }
            DataRequest::Cpe(id) => {
                Data::Cpe(self.cpes.iter().find(|r| r.id == *id).map(|r| Box::new(self.cpe_detail(r))))
            }
            DataRequest::Job(id) => {
                Data::Job(self.jobs.iter().find(|r| r.id == *id).map(|r| Box::new(super::jobs::detail(r))))
            }
            DataRequest::JobDevice(id) => {
                let found = self.job_devices.iter().find(|r| r.id == *id);
                Data::JobDevice(found.map(|r| Box::new(super::jobs::device_detail(r, &self.cpes))))
            }
            DataRequest::CpeIds(targets, limit) => Data::CpeIds(self.cpe_ids(targets, *limit)),
            DataRequest::Appliance(id) => {
                Data::Appliance(self.appliances.iter().find(|r| r.id == *id).map(|r| Box::new(r.clone())))
            }
            DataRequest::History(_) if !self.history.is_empty() => Data::History(self.history.clone()),
            DataRequest::History(wanted) => Data::History(super::appliances::history(wanted)),
            DataRequest::Fleet(page) => Data::Fleet(Box::new(self.fleet(page))),
            DataRequest::Count(page, _) => {
                Data::Count(self.page(&PageRequest { limit: u16::MAX, ..page.clone() }).total)
            }
        }
    }

    fn page(&self, request: &PageRequest) -> Page {
        let now = request.now;
        match request.table {
            Table::Alarms => {
                let shown = |r: &&AlarmRow| match request.scope {
                    Scope::Open => r.visibility == noctule::model::alarm::Visibility::Visible,
                    Scope::Hidden => r.visibility != noctule::model::alarm::Visibility::Visible,
                    Scope::All => true,
                };
                self.cut(select(self.alarms.iter().filter(shown), request, now), request, Rows::Alarms, |r| r.id)
            }
            Table::Nodes => self.cut(select(self.nodes.iter(), request, now), request, Rows::Nodes, |r| r.id),
            Table::Sources => self.cut(select(self.sources.iter(), request, now), request, Rows::Sources, |r| r.id),
            Table::Log => self.cut(select(self.log.iter(), request, now), request, Rows::Log, |r| r.id),
            Table::Cpes => self.cut(select(self.cpes.iter(), request, now), request, Rows::Cpes, |r| r.id),
            Table::Jobs => self.cut(select(self.jobs.iter(), request, now), request, Rows::Jobs, |r| r.id),
            Table::JobDevices => {
                let of = |r: &&JobDeviceRow| request.below.is_none_or(|job| r.id.0 >> 32 == job.0);
                self.cut(select(self.job_devices.iter().filter(of), request, now), request, Rows::JobDevices, |r| r.id)
            }
            Table::Faults => {
                let faults = self.faults();
                self.cut(select(faults.iter(), request, now), request, Rows::Faults, |r| r.id)
            }
            Table::Appliances => {
                self.cut(select(self.appliances.iter(), request, now), request, Rows::Appliances, |r| r.id)
            }
            Table::Collectors => {
                let of = |r: &&CollectorRow| request.below.is_none_or(|id| r.appliance() == id);
                self.cut(select(self.collectors.iter().filter(of), request, now), request, Rows::Collectors, |r| r.id)
            }
            Table::Vms => self.cut(self.machines(request), request, Rows::Vms, |r| r.id),
            Table::Stored => self.cut(Vec::new(), request, Rows::Faults, |r| r.id),
        }
    }

    /// As the cache has it: hosts above their machines in the tree, machines alone in a flat list, hosts
    /// alone where they are asked for.
    fn machines(&self, request: &PageRequest) -> Vec<VmRow> {
        let tree = request.sort.first().is_none_or(|sort| sort.field == "host");
        let hosts = request.scope == Scope::Hidden;
        let shown = |r: &&VmRow| if hosts { r.nth.is_none() } else { tree || r.nth.is_some() };
        let found = select(self.vms.iter().filter(shown), request, request.now);
        if !tree || hosts || request.filter.is_none() {
            return found;
        }
        let kept = |r: &&VmRow| found.iter().any(|f| f.id == r.id || (r.nth.is_none() && f.source == r.source));
        self.vms.iter().filter(kept).cloned().collect()
    }

    fn cpe_ids(&self, targets: &Targets, limit: usize) -> Vec<(SourceName, String)> {
        let meant = |row: &&CpeRow| match targets {
            Targets::Rows(_, ids) => ids.contains(&row.id),
            Targets::Filter { filter, except, .. } => {
                filter.as_ref().is_none_or(|q| q.matches(*row, super::rows::NOW)) && !except.contains(&row.id)
            }
            Targets::None | Targets::Names(..) => false,
        };
        self.cpes.iter().filter(meant).take(limit).map(|r| (r.source.clone(), r.device_id.clone())).collect()
    }

    fn faults(&self) -> Vec<FaultRow> {
        let of = |row: &CpeRow| {
            let faults = super::cpes::faults(row).into_iter();
            let row = row.clone();
            faults.map(move |fault| FaultRow {
                id: FaultRow::id_of(&row.source, &fault.device, &fault.channel),
                source: row.source.clone(),
                cpe: Some(row.id),
                canonical: row.canonical.clone(),
                serial: row.serial.clone(),
                model: row.model.clone(),
                fault,
            })
        };
        self.cpes.iter().flat_map(of).collect()
    }

    fn cpe_detail(&self, row: &CpeRow) -> CpeDetail {
        let onu = self.nodes.iter().find(|n| n.canonical == row.onu).cloned();
        let alarms = self.alarms.iter().filter(|a| a.canonical == row.onu).cloned().collect();
        CpeDetail {
            row: row.clone(),
            faults: super::cpes::faults(row),
            onu,
            alarms,
            history: super::cpes::history(row),
            jobs: super::jobs::of_cpe(row),
        }
    }

    fn fleet(&self, page: &PageRequest) -> FleetStats {
        let rows = select(self.cpes.iter(), page, page.now);
        let mut stats = FleetStats { total: rows.len() as u64, ..FleetStats::default() };
        for row in &rows {
            stats.online[row.online_at(page.now) as usize] += 1;
            stats.faulted += u64::from(row.faults > 0);
            match stats.firmware.iter_mut().find(|(m, v, _)| *m == row.model && *v == row.firmware) {
                Some((_, _, n)) => *n += 1,
                None => stats.firmware.push((row.model.clone(), row.firmware.clone(), 1)),
            }
        }
        stats.firmware.sort_by_key(|(_, _, n)| std::cmp::Reverse(*n));
        debug_assert_eq!(stats.online.iter().sum::<u64>(), stats.total, "{:?}", Online::ALL);
        stats
    }

    fn cut<R: Clone>(&self, all: Vec<R>, request: &PageRequest, wrap: fn(Vec<R>) -> Rows, id: fn(&R) -> RowId) -> Page {
        self.window(all, request.anchor, request.limit, wrap, id)
    }

    fn window<R: Clone>(
        &self,
        all: Vec<R>,
        anchor: Anchor,
        limit: u16,
        wrap: fn(Vec<R>) -> Rows,
        id: fn(&R) -> RowId,
    ) -> Page {
        let (len, limit) = (all.len(), usize::from(limit));
        let first = match anchor {
            Anchor::Start => 0,
            Anchor::End => len.saturating_sub(limit),
            Anchor::Offset(n) => (n as usize).min(len.saturating_sub(1)),
            Anchor::Row { id: row, before } => {
                all.iter().position(|r| id(r) == row).unwrap_or(0).saturating_sub(usize::from(before))
            }
        };
        let rows: Vec<R> = all[first..(first + limit).min(len)].to_vec();
        Page {
            at_start: first == 0,
            at_end: first + rows.len() == len,
            rows: wrap(rows),
            first: Some(first as u64),
            total: Total::Exact(len as u64),
            new_above: all[..first].iter().filter(|r| id(r).0 >= self.new_from).count() as u32,
            seq: self.seq,
        }
    }

    fn tree(&self, request: &TreeRequest) -> Page {
        let mut rows: Vec<NodeRow> = Vec::new();
        let mut open: Vec<RowId> = Vec::new();
        for row in &self.nodes {
            if row.parent.is_some_and(|p| !open.contains(&p)) {
                continue;
            }
            let expanded = row.children > 0 && request.unfolded.has(row.id, row.depth);
            if expanded {
                open.push(row.id);
            }
            rows.push(NodeRow { expanded, ..row.clone() });
        }
        self.window(rows, request.anchor, request.limit, Rows::Nodes, |r| r.id)
    }

    fn node_detail(&self, row: &NodeRow) -> NodeDetail {
        let mut ancestors = Vec::new();
        let mut parent = row.parent;
        while let Some(up) = parent.and_then(|id| self.nodes.iter().find(|r| r.id == id)) {
            ancestors.insert(0, up.clone());
            parent = up.parent;
        }
        let alarms = self.alarms.iter().filter(|a| a.canonical == row.canonical).cloned().collect();
        NodeDetail { row: row.clone(), ancestors, alarms, kpis: Vec::new(), former_ids: vec!["old-id".into()] }
    }
}

fn select<'a, R: Record + Clone + 'a>(rows: impl Iterator<Item = &'a R>, request: &PageRequest, now: Ts) -> Vec<R> {
    let matching = |r: &&R| request.filter.as_ref().is_none_or(|q| q.matches(*r, now));
    let mut rows: Vec<R> = rows.filter(matching).cloned().collect();
    let default = tables::spec(request.table).default_sort;
    let order: Vec<Sort> = if request.sort.is_empty() {
        default.iter().map(|(field, desc)| Sort { field, desc: *desc }).collect()
    } else {
        request.sort.clone()
    };
    rows.sort_by(|a, b| {
        order.iter().fold(Ordering::Equal, |so_far, sort| {
            so_far.then_with(|| {
                let found = compare(&a.get(sort.field), &b.get(sort.field));
                if sort.desc { found.reverse() } else { found }
            })
        })
    });
    rows
}

fn compare(a: &Value<'_>, b: &Value<'_>) -> Ordering {
    match (a, b) {
        (Value::Int(a), Value::Int(b)) => a.cmp(b),
        (Value::Float(a), Value::Float(b)) => a.total_cmp(b),
        (Value::Time(a), Value::Time(b)) => a.cmp(b),
        (Value::Text(a), Value::Text(b)) if [a, b].iter().all(|v| Verdict::WORDS.contains(&v.as_ref())) => {
            let place = |v: &str| Verdict::WORDS.iter().position(|w| *w == v);
            place(a).cmp(&place(b))
        }
        (Value::Text(a), Value::Text(b)) => match (Severity::parse(a), Severity::parse(b)) {
            (Some(a), Some(b)) => a.cmp(&b),
            _ => a.cmp(b),
        },
        (Value::None, Value::None) => Ordering::Equal,
        (Value::None, _) => Ordering::Less,
        (_, Value::None) => Ordering::Greater,
        _ => Ordering::Equal,
    }
}

fn alarm_detail(row: &AlarmRow) -> AlarmDetail {
    let change = |minutes: i64, cleared, seq| StatusChange {
        at: row.last_changed.plus(-minutes * MINUTE),
        severity: row.severity,
        cleared,
        seq: Seq(seq),
    };
    AlarmDetail {
        row: row.clone(),
        history: vec![change(0, false, 812), change(9, true, 640), change(21, false, 377)],
        history_dropped: 4,
        op_history: vec![OpChange {
            id: ActionId([7; 16]),
            at: row.last_changed.plus(MINUTE),
            actor: "anna".into(),
            verb: "ack".into(),
            text: "splicer is on the way".into(),
            withdrawn: false,
        }],
        raw: vec![RawEvent {
            seq: Seq(812),
            at: row.received_at,
            source_time: row.raised_at,
            origin: Some((0, 1820)),
            event: "ONU_LOSS_OF_SIGNAL_RAISE_EVENT".into(),
            context: vec![("onu-id".into(), "1".into()), ("serial-number".into(), super::rows::HOSTILE.into())],
        }],
    }
}
