//! Device commands: one call each, always logged, never repeated by itself.

use std::sync::Arc;
use std::time::Duration;

use crate::controllers::voltha::client::{Method, methods};
use crate::controllers::voltha::proto::common::Id;
use crate::controllers::voltha::proto::device::{Port, port::PortType};
use crate::model::resource::NodeKind;
use crate::model::topology::NodeRow;

use super::shared::{Actor, Shared};

/// Deleting an OLT whose change events nobody reads took 92 s (facts: voltha-run §5, pitfall 9).
const DELETE: Duration = Duration::from_secs(120);
/// When the tree looks after a command; reasons and flows send no event.
const LOOK: Duration = Duration::from_secs(1);

/// Runs a command of the operator `actor` on a node.
pub(super) async fn run(shared: &Arc<Shared>, command: &str, node: &NodeRow, actor: &str) -> Result<(), String> {
    let actor = Actor::Operator(actor.to_owned());
    let (method, deadline) = match command {
        "pon.enable" => (&methods::ENABLE_DEVICE, None),
        "pon.disable" => (&methods::DISABLE_DEVICE, None),
        "pon.reboot" => (&methods::REBOOT_DEVICE, None),
        "pon.delete" => (&methods::DELETE_DEVICE, Some(DELETE)),
        "pon.force-delete" => (&methods::FORCE_DELETE_DEVICE, Some(DELETE)),
        "pon.port-enable" => return port(shared, &methods::ENABLE_PORT, node, &actor).await,
        "pon.port-disable" => return port(shared, &methods::DISABLE_PORT, node, &actor).await,
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
    if !matches!(node.kind(), NodeKind::Olt | NodeKind::Onu | NodeKind::Device) {
        return Err(format!("{}: {} is a {}, not an OLT or ONU", method.name(), node.canonical, node.kind().word()));
    }
    if node.device_id.is_empty() {
        return Err(format!("{}: the device id of {} is not known yet", method.name(), node.canonical));
    }
    let request = Id { id: node.device_id.clone() };
    let outcome = shared.call(actor, method, &node.canonical, request, deadline).await;
    shared.poll_within(LOOK);
    outcome.map(|_| ()).map_err(|e| e.to_string())
}

/// The core does this for PON ports of OLTs only; others it answers with UNIMPLEMENTED.
async fn port(shared: &Arc<Shared>, method: &Method<Port, ()>, node: &NodeRow, actor: &Actor) -> Result<(), String> {
    if node.kind() != NodeKind::PonPort {
        let what = format!("{} is a {}", node.canonical, node.kind().word());
        return Err(format!("{}: {what}: the controller switches PON ports of OLTs only", method.name()));
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
