//! Device commands: one call each, always logged, never repeated by itself.

use std::sync::Arc;
use std::time::Duration;

use crate::controllers::voltha::client::{Method, methods};
use crate::controllers::voltha::proto::common::Id;
use crate::controllers::voltha::proto::device::{Port, port::PortType};
use crate::controllers::voltha::proto::logical_device::LogicalPortId;
use crate::model::command::Intent;
use crate::model::resource::NodeKind;
use crate::model::topology::NodeRow;
use crate::workers::pm::PmChange;

use super::shared::{Actor, Shared};

/// Deleting an OLT whose change events nobody reads took 92 s (facts: voltha-run §5, pitfall 9).
const DELETE: Duration = Duration::from_secs(120);
/// When the tree looks after a command; reasons and flows send no event.
const LOOK: Duration = Duration::from_secs(1);

/// Runs an operator's command on a node.
pub(super) async fn run(shared: &Arc<Shared>, intent: &Intent, node: &NodeRow) -> Result<(), String> {
    let actor = Actor::Operator(intent.actor.clone());
    let uni = node.kind() == NodeKind::Uni;
    let (method, deadline) = match intent.command {
        "pon.enable" => (&methods::ENABLE_DEVICE, None),
        "pon.disable" => (&methods::DISABLE_DEVICE, None),
        "pon.reboot" => (&methods::REBOOT_DEVICE, None),
        "pon.delete" => (&methods::DELETE_DEVICE, Some(DELETE)),
        "pon.force-delete" => (&methods::FORCE_DELETE_DEVICE, Some(DELETE)),
        "pon.port-enable" if uni => return uni_port(shared, &methods::ENABLE_LOGICAL_PORT, node, &actor).await,
        "pon.port-disable" if uni => return uni_port(shared, &methods::DISABLE_LOGICAL_PORT, node, &actor).await,
        "pon.port-enable" => return port(shared, &methods::ENABLE_PORT, node, &actor).await,
        "pon.port-disable" => return port(shared, &methods::DISABLE_PORT, node, &actor).await,
        "pon.pm-config" => return pm_config(shared, intent, node, &actor).await,
        other => return Err(format!("{}: `{other}` is no command of a VOLTHA source", shared.name)),
    };
    device(shared, method, node, deadline, &actor).await
}

async fn device(
    shared: &Arc<Shared>,
    method: &Method<Id, ()>,
    node: &NodeRow,
    deadline: Option<Duration>,
    actor: &Actor,
) -> Result<(), String> {
    let request = device_id(method.name(), node)?;
    let outcome = shared.call(actor, method, &node.canonical, request, deadline).await;
    shared.poll_within(LOOK);
    outcome.map(|_| ()).map_err(|e| e.to_string())
}

/// The id of a device, for a call.
fn device_id(call: &str, node: &NodeRow) -> Result<Id, String> {
    if !matches!(node.kind(), NodeKind::Olt | NodeKind::Onu | NodeKind::Device) {
        return Err(format!("{call}: {} is a {}, not an OLT or ONU", node.canonical, node.kind().word()));
    }
    if node.device_id.is_empty() {
        return Err(format!("{call}: the device id of {} is not known yet", node.canonical));
    }
    Ok(Id { id: node.device_id.clone() })
}

/// The call replaces the whole configuration, so what there is is read first.
async fn pm_config(shared: &Arc<Shared>, intent: &Intent, node: &NodeRow, actor: &Actor) -> Result<(), String> {
    let change = PmChange::parse(&intent.args)?;
    let method = &methods::UPDATE_DEVICE_PM_CONFIGS;
    let id = device_id(method.name(), node)?;
    let read = shared.call(&Actor::Detail, &methods::LIST_DEVICE_PM_CONFIGS, &node.canonical, id.clone(), None);
    let mut config = read.await.map_err(|e| e.to_string())?.value;
    config.id = id.id;
    if !change.apply(&mut config)? {
        // It is so already: that is what was wished.
        return Ok(());
    }
    let outcome = shared.call(actor, method, &node.canonical, config, None).await;
    outcome.map(|_| ()).map_err(|e| e.to_string())
}

/// A UNI is a port of the switch that its OLT is shown as.
async fn uni_port(
    shared: &Arc<Shared>,
    method: &Method<LogicalPortId, ()>,
    node: &NodeRow,
    actor: &Actor,
) -> Result<(), String> {
    let onu = super::live::node(shared, format!("{}/onu/{}", shared.name, node.resource.name)).await?;
    let olt = super::live::olt_of(shared, &onu).await?;
    if olt.logical_id.is_empty() {
        return Err(format!("{}: the switch of {} is not known yet", method.name(), olt.canonical));
    }
    if node.number == 0 {
        return Err(format!("{}: the port number of {} is not known yet", method.name(), node.canonical));
    }
    let request = LogicalPortId { id: olt.logical_id.clone(), port_id: node.number.to_string() };
    let outcome = shared.call(actor, method, &node.canonical, request, None).await;
    // No event tells of it.
    shared.known().unis_due.insert(olt.resource.name);
    shared.poll_within(LOOK);
    outcome.map(|_| ()).map_err(|e| e.to_string())
}

/// The core does this for PON ports of OLTs only; others it answers with UNIMPLEMENTED.
async fn port(shared: &Arc<Shared>, method: &Method<Port, ()>, node: &NodeRow, actor: &Actor) -> Result<(), String> {
    if node.kind() != NodeKind::PonPort {
        let what = format!("{} is a {}", node.canonical, node.kind().word());
        return Err(format!("{}: {what}: the controller switches PON ports and UNIs only", method.name()));
    }
    let device_id = if node.device_id.is_empty() { olt_id(shared, node).await? } else { node.device_id.clone() };
    let request = Port {
        port_no: if node.number == 0 { (2 << 28) + node.resource.index } else { node.number },
        device_id: device_id.clone(),
        r#type: PortType::PonOlt.into(),
        ..Port::default()
    };
    let outcome = shared.call(actor, method, &node.canonical, request, None).await;
    // The event that follows does not say which port it means.
    shared.known().ports_due.insert(device_id);
    shared.poll_within(LOOK);
    outcome.map(|_| ()).map_err(|e| e.to_string())
}

/// The id of the OLT that a port belongs to.
async fn olt_id(shared: &Arc<Shared>, port: &NodeRow) -> Result<String, String> {
    let olt = super::live::node(shared, format!("{}/olt/{}", shared.name, port.resource.name)).await?;
    if olt.device_id.is_empty() {
        return Err(format!("the device id of {} is not known yet", olt.canonical));
    }
    Ok(olt.device_id)
}
