//! A source's worker against the simulated network, with a journal in memory.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use noctule::app::message::Msg;
use noctule::config::schema::{SourceKind, Voltha};
use noctule::model::ids::RowId;
use noctule::model::observation::{AlarmEvent, Observation, Observed, Origin};
use noctule::model::record::Record;
use noctule::model::resource::NodeKind;
use noctule::model::source::SourceReport;
use noctule::model::time::Ts;
use noctule::model::topology::{NodePatch, NodeRow};
use noctule::sim::{Control, Network, Running, SimOptions};
use noctule::store::patch_hash;
use noctule::workers::source::{Cache, Durable, Known, SourceHandle, Sources};
use noctule::workers::supervisor::Supervisor;
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

/// Nobody waits longer than this for anything.
pub(crate) const PATIENCE: Duration = Duration::from_secs(40);

/// A journal in memory, with as much of a fold as a worker asks for.
#[derive(Clone, Default)]
pub(crate) struct Memory {
    inner: Arc<Mutex<Inner>>,
}

#[derive(Default)]
struct Inner {
    journal: Vec<Observed>,
    nodes: BTreeMap<String, (NodePatch, u64)>,
}

impl Cache for Memory {
    fn append(&self, records: Vec<Record>) -> Durable {
        let mut inner = self.inner.lock().expect("no panic");
        for record in records {
            let Record::Observed(observed) = record else { panic!("a source only observes") };
            inner.fold(&observed);
            inner.journal.push(observed);
        }
        Box::pin(std::future::ready(Ok(())))
    }

    fn offsets(&self, source: &str) -> Result<Vec<Origin>, String> {
        let inner = self.inner.lock().expect("no panic");
        let mut last = BTreeMap::new();
        for origin in inner.journal.iter().filter(|o| &*o.source == source).filter_map(|o| o.origin) {
            last.insert(origin.partition, origin.offset);
        }
        Ok(last.into_iter().map(|(partition, offset)| Origin { partition, offset }).collect())
    }

    fn known(&self, _: &str) -> Result<Vec<Known>, String> {
        let inner = self.inner.lock().expect("no panic");
        let known = |(patch, hash): &(NodePatch, u64)| Known {
            resource: patch.resource.clone(),
            device_id: patch.device_id.clone().unwrap_or_default(),
            patch_hash: *hash,
        };
        Ok(inner.nodes.values().map(known).collect())
    }

    fn node(&self, canonical: &str) -> Result<Option<NodeRow>, String> {
        Ok(self.inner.lock().expect("no panic").nodes.get(canonical).map(|(patch, _)| row(canonical, patch)))
    }
}

impl Inner {
    fn fold(&mut self, observed: &Observed) {
        match &observed.what {
            Observation::Node(patch) => {
                let key = patch.resource.canonical(&observed.source);
                let (node, hash) = self.nodes.entry(key).or_insert((NodePatch::new(patch.resource.clone()), 0));
                *hash = if patch.polled { patch_hash(patch) } else { 0 };
                macro_rules! over {
                    ($($f:ident),*) => { $(if patch.$f.is_some() { node.$f = patch.$f.clone(); })* };
                }
                over!(parent, device_id, admin_state, oper_status, connect_status, reason, number, logical_id, flows);
            }
            Observation::NodeGone(resource, _) => {
                let key = resource.canonical(&observed.source);
                self.nodes.retain(|name, (patch, _)| {
                    *name != key
                        && !name.starts_with(&format!("{key}/"))
                        && !(resource.kind == NodeKind::Olt
                            && patch.parent.as_ref().is_some_and(|p| p.name == resource.name))
                });
            }
            _ => {}
        }
    }
}

fn row(canonical: &str, patch: &NodePatch) -> NodeRow {
    let source = canonical.split('/').next().unwrap_or_default();
    NodeRow {
        id: RowId(1),
        parent: None,
        parent_name: patch.parent.as_ref().map(|p| p.canonical(source)).unwrap_or_default(),
        canonical: canonical.to_owned(),
        resource: patch.resource.clone(),
        source: source.into(),
        depth: 0,
        children: 1,
        onus: 0,
        onus_active: 0,
        subscribers: 0,
        name: String::new(),
        serial: patch.resource.name.clone(),
        device_id: patch.device_id.clone().unwrap_or_default(),
        admin_state: patch.admin_state.unwrap_or_default(),
        oper_status: patch.oper_status.unwrap_or_default(),
        connect_status: patch.connect_status.unwrap_or_default(),
        reason: patch.reason.clone().unwrap_or_default(),
        vendor: String::new(),
        model: String::new(),
        firmware: String::new(),
        address: String::new(),
        number: patch.number.unwrap_or(0),
        logical_id: patch.logical_id.clone().unwrap_or_default(),
        flows: patch.flows.unwrap_or(0),
        rx_centi_dbm: None,
        tx_centi_dbm: None,
        alarms: [0; 5],
        changed_at: Ts(1),
        as_of: Ts(1),
        expanded: false,
    }
}

impl Memory {
    /// Everything journalled so far.
    pub(crate) fn journal(&self) -> Vec<Observed> {
        self.inner.lock().expect("no panic").journal.clone()
    }

    pub(crate) fn nodes(&self, kind: NodeKind) -> Vec<NodePatch> {
        let inner = self.inner.lock().expect("no panic");
        inner.nodes.values().map(|(p, _)| p).filter(|p| p.resource.kind == kind).cloned().collect()
    }

    pub(crate) fn row(&self, canonical: &str) -> NodeRow {
        self.node(canonical).expect("readable").unwrap_or_else(|| panic!("{canonical} is not there"))
    }

    pub(crate) fn alarms(&self) -> Vec<AlarmEvent> {
        let alarm = |o: Observed| match o.what {
            Observation::Alarm(alarm) => Some(alarm),
            _ => None,
        };
        self.journal().into_iter().filter_map(alarm).collect()
    }

    /// Raised and not cleared, by type.
    pub(crate) fn standing(&self, type_id: &str) -> usize {
        let mut standing = BTreeMap::new();
        for alarm in self.alarms().into_iter().filter(|a| a.type_id == type_id) {
            standing.insert(alarm.resource.to_string(), alarm.raise.is_some());
        }
        standing.values().filter(|raised| **raised).count()
    }

    pub(crate) fn report(&self) -> SourceReport {
        let report = |o: Observed| match o.what {
            Observation::Source(report) => Some(report),
            _ => None,
        };
        self.journal().into_iter().rev().find_map(report).unwrap_or_default()
    }
}

/// A network, a worker on it, and its journal.
pub(crate) struct Lab {
    pub(crate) network: Running,
    pub(crate) control: Control,
    pub(crate) memory: Memory,
    pub(crate) sources: Sources,
    pub(crate) msgs: UnboundedReceiver<Msg>,
    supervisor: Supervisor,
}

impl Lab {
    /// A still network and one worker that polls every second.
    pub(crate) async fn start(options: SimOptions) -> Self {
        Self::with(options, |_| {}).await
    }

    pub(crate) async fn with(options: SimOptions, change: impl Fn(&mut Voltha)) -> Self {
        let network = Network::start(options).await.expect("loopback");
        Self::on(network, Memory::default(), change)
    }

    /// A worker with a journal that may hold something already.
    pub(crate) fn on(network: Running, memory: Memory, change: impl Fn(&mut Voltha)) -> Self {
        let mut config = network.config();
        for source in &mut config.sources {
            let SourceKind::Voltha(voltha) = &mut source.kind else { panic!("another kind") };
            voltha.poll_s = 1;
            voltha.timeout_s = 3;
            change(voltha);
        }
        let (tell, msgs) = unbounded_channel();
        let types = noctule::config::alarm_types::load(None).expect("the shipped inventory");
        let supervisor = Supervisor::new(tokio::runtime::Handle::current(), tell.clone());
        let sources = Sources::start(&config, memory.clone(), Arc::new(types), &supervisor, &tell);
        Self { control: network.control(), network, memory, sources, msgs, supervisor }
    }

    /// The first source.
    pub(crate) fn source(&self) -> &SourceHandle {
        self.sources.iter().next().expect("a source")
    }

    /// Waits until something holds.
    pub(crate) async fn until(&self, what: &str, holds: impl Fn(&Memory) -> bool) {
        let wait = async {
            while !holds(&self.memory) {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        if tokio::time::timeout(PATIENCE, wait).await.is_err() {
            let tail: Vec<_> = self.memory.journal().into_iter().rev().take(8).map(|o| o.what).collect();
            panic!("waited in vain until {what}; newest first: {tail:#?}");
        }
    }

    /// Waits until poll and stream work and the tree is there.
    pub(crate) async fn settled(&self) {
        self.until("poll and stream work", |m| {
            let report = m.report();
            report.health == noctule::model::source::Health::Up && report.devices == 66
        })
        .await;
    }

    /// Stops the worker; the network and the journal stay.
    pub(crate) async fn stop(self) -> (Running, Memory) {
        assert!(self.supervisor.stop(Duration::from_secs(5)).await, "a task did not end");
        (self.network, self.memory)
    }
}
