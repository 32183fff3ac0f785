//! The store as the workers of sources see it.

use std::sync::Arc;

use crate::model::appliance::{ApplianceState, Point};
use crate::model::command::Targets;
use crate::model::ids::SourceName;
use crate::model::observation::Origin;
use crate::model::page::Table;
use crate::model::record::Record;
use crate::model::topology::NodeRow;
use crate::model::vm::HostState;
use crate::store::{Store, Ticket};

use super::source::{Cache, Durable, Known};

fn durable(ticket: Ticket) -> Durable {
    Box::pin(async move { ticket.durable().await.map(|_| ()).map_err(|e| e.to_string()) })
}

impl Cache for Store {
    fn append(&self, records: Vec<Record>) -> Durable {
        durable(self.journal().append(records))
    }

    fn audit(&self, records: Vec<Record>) -> Durable {
        if self.is_owner() {
            let mut ticket = self.journal().append(records.clone());
            // A journal that takes nothing any more has a successor.
            if !ticket.refused() {
                return durable(ticket);
            }
        }
        let left = self.outbox().put(&records).map_err(|e| format!("a row of the log is not kept: {e}"));
        if let Err(error) = &left {
            tracing::error!(%error, "nothing could be left for the owner of the cache");
        }
        Box::pin(std::future::ready(left))
    }

    fn offsets(&self, source: &str) -> Result<Vec<Origin>, String> {
        self.offsets(source).map_err(|e| e.to_string())
    }

    fn known(&self, source: &str) -> Result<Vec<Known>, String> {
        let nodes = self.reader().and_then(|mut r| r.known_nodes(source)).map_err(|e| e.to_string())?;
        Ok(nodes
            .into_iter()
            .map(|n| Known { resource: n.resource, device_id: n.device_id, patch_hash: n.patch_hash })
            .collect())
    }

    fn node(&self, canonical: &str) -> Result<Option<NodeRow>, String> {
        let targets = Targets::Names(Table::Nodes, vec![canonical.to_owned()]);
        let rows = self.reader().and_then(|mut r| r.nodes(&targets, 1)).map_err(|e| e.to_string())?;
        Ok(rows.into_iter().next())
    }

    fn each_cpe(&self, source: &str, each: &mut dyn FnMut(crate::store::KnownCpe)) -> Result<(), String> {
        self.reader().and_then(|mut r| r.each_known_cpe(source, each)).map_err(|e| e.to_string())
    }

    fn measured(&self, source: &SourceName, state: &ApplianceState) {
        self.measured(source.clone(), state.clone());
    }

    fn known_appliance(&self, source: &str) -> Result<Option<(ApplianceState, Vec<Point>)>, String> {
        self.reader().and_then(|mut r| r.known_appliance(source)).map_err(|e| e.to_string())
    }

    fn measured_host(&self, source: &SourceName, state: &Arc<HostState>) {
        self.measured_host(source.clone(), Arc::clone(state));
    }

    fn known_host(&self, source: &str) -> Result<Option<HostState>, String> {
        self.reader().and_then(|mut r| r.known_host(source)).map_err(|e| e.to_string())
    }

    fn each_standing_alarm(
        &self,
        source: &str,
        each: &mut dyn FnMut(crate::store::StandingAlarm),
    ) -> Result<(), String> {
        self.reader().and_then(|mut r| r.each_standing_alarm(source, each)).map_err(|e| e.to_string())
    }

    fn note(&self, key: &str, value: &str) {
        self.remember(key, value);
    }

    fn noted(&self, key: &str) -> Option<String> {
        self.recall(key).unwrap_or_else(|error| {
            tracing::debug!(%key, %error, "kept value cannot be read");
            None
        })
    }

    fn faults(&self, source: &str) -> Result<Vec<crate::model::cpe::CpeFault>, String> {
        self.reader().and_then(|mut r| r.known_faults(source)).map_err(|e| e.to_string())
    }
}
