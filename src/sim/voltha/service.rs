//! `VolthaService`: what is read. What changes something is in [`super::calls`].

use std::time::{SystemTime, UNIX_EPOCH};

use tonic::{Request, Response, Status};

use super::{Core, devices, flows, ports};
use crate::controllers::voltha::proto::adapter::{Adapter, Adapters};
use crate::controllers::voltha::proto::common::{IDs, Id};
use crate::controllers::voltha::proto::device::{
    Device, DeviceType, DeviceTypes, Devices, OnuImages, PmConfigs, Port, Ports,
};
use crate::controllers::voltha::proto::logical_device::{LogicalDevice, LogicalDevices, LogicalPortId, LogicalPorts};
use crate::controllers::voltha::proto::openflow_13::{FlowGroups, Flows, Meters};
use crate::controllers::voltha::proto::voltha::Voltha;
use crate::controllers::voltha::proto::voltha::voltha_service_server::VolthaService;
use crate::sim::network::SECOND;
use crate::sim::network::layout::{DeviceRef, Stack};

type Answer<T> = Result<Response<T>, Status>;

const VERSION: &str = r#"{"version":"3.7.13","goversion":"1.25.5","vcsref":"simulated","vcsdirty":"false","buildtime":"unknown-build-time","os":"linux","arch":"amd64"}"#;
/// Ids, vendors, versions and types of the adapters: openolt, openonu.
const ADAPTERS: [[&str; 4]; 2] = [
    ["openolt_1", "VOLTHA OpenOLT", "4.6.21", "openolt"],
    ["brcm_openomci_onu_1", "VOLTHA OpenONUGo", "2.13.23", "brcm_openomci_onu"],
];
/// Seconds between an adapter's signs of life.
const HEARTBEAT: i64 = 5;

pub(super) fn not_found(id: &str) -> Status {
    Status::not_found(id.to_owned())
}

impl Core {
    /// Reads something of this stack.
    fn read<T>(&self, read: impl FnOnce(&Stack) -> T) -> Result<T, Status> {
        let world = self.world();
        world.stacks.get(self.stack).map(read).ok_or_else(|| Status::internal("no such stack"))
    }

    /// Reads something of one device.
    pub(super) fn of_device<T>(&self, id: &str, read: impl FnOnce(&Stack, DeviceRef) -> T) -> Result<T, Status> {
        let world = self.world();
        let which = world.find(self.stack, id).ok_or_else(|| not_found(id))?;
        world.stacks.get(self.stack).map(|s| read(s, which)).ok_or_else(|| not_found(id))
    }

    fn of_switch<T>(&self, id: &str, read: impl FnOnce(&Stack, usize) -> T) -> Result<T, Status> {
        self.read(|s| ports::find_logical(s, id).map(|olt| read(s, olt)))?.ok_or_else(|| not_found(id))
    }

    fn adapters(&self) -> Adapters {
        let world = self.world();
        let wall = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |d| d.as_secs() as i64);
        let states = world.stacks.get(self.stack).map(|s| s.adapters.clone());
        let items = ADAPTERS.iter().zip(devices::ENDPOINTS).zip(states.into_iter().flatten());
        let items = items.map(|(([id, vendor, version, kind], endpoint), state)| Adapter {
            id: (*id).into(),
            vendor: (*vendor).into(),
            version: (*version).into(),
            last_communication: match state.dead_since {
                None => wall - wall.rem_euclid(HEARTBEAT),
                Some(at) => world.wall(at) / SECOND,
            },
            current_replica: 1,
            total_replicas: 1,
            endpoint: endpoint.into(),
            r#type: (*kind).into(),
            ..Adapter::default()
        });
        Adapters { items: items.collect() }
    }
}

fn device_types() -> DeviceTypes {
    let vendors = [
        "OPEN", "ALCL", "BRCM", "TWSH", "ALPH", "ISKT", "SFAA", "BBSM", "SCOM", "ARPX", "DACM", "ERSN", "HWTC", "CIGG",
        "ADTN", "ARCA", "AVMG", "LEOX", "ZYXE",
    ];
    let of = |name: &str, vendor_ids| DeviceType {
        id: name.into(),
        adapter: name.into(),
        accepts_add_remove_flow_updates: true,
        vendor_ids,
        adapter_type: name.into(),
        ..DeviceType::default()
    };
    DeviceTypes {
        items: vec![
            of("brcm_openomci_onu", vendors.iter().map(|v| (*v).to_owned()).collect()),
            of("openolt", Vec::new()),
        ],
    }
}

#[tonic::async_trait]
impl VolthaService for Core {
    async fn get_voltha(&self, _: Request<()>) -> Answer<Voltha> {
        Ok(Response::new(Voltha { version: VERSION.into() }))
    }

    async fn list_adapters(&self, _: Request<()>) -> Answer<Adapters> {
        Ok(Response::new(self.adapters()))
    }

    async fn list_logical_devices(&self, _: Request<()>) -> Answer<LogicalDevices> {
        let items = self.read(|s| s.olts.iter().filter(|o| o.exists).map(ports::logical_device).collect())?;
        Ok(Response::new(LogicalDevices { items }))
    }

    async fn get_logical_device(&self, r: Request<Id>) -> Answer<LogicalDevice> {
        let found = self.of_switch(&r.get_ref().id, |s, at| s.olts.get(at).map(ports::logical_device))?;
        found.map(Response::new).ok_or_else(|| not_found(&r.get_ref().id))
    }

    async fn list_logical_device_ports(&self, r: Request<Id>) -> Answer<LogicalPorts> {
        self.of_switch(&r.get_ref().id, ports::logical_ports).map(Response::new)
    }

    async fn enable_logical_device_port(&self, r: Request<LogicalPortId>) -> Answer<()> {
        self.uni_port(r.get_ref(), true).map(Response::new)
    }

    async fn disable_logical_device_port(&self, r: Request<LogicalPortId>) -> Answer<()> {
        self.uni_port(r.get_ref(), false).map(Response::new)
    }

    async fn list_logical_device_flows(&self, r: Request<Id>) -> Answer<Flows> {
        self.of_switch(&r.get_ref().id, flows::of_switch).map(Response::new)
    }

    async fn list_logical_device_meters(&self, r: Request<Id>) -> Answer<Meters> {
        self.of_switch(&r.get_ref().id, |_, _| flows::meters()).map(Response::new)
    }

    async fn list_logical_device_flow_groups(&self, r: Request<Id>) -> Answer<FlowGroups> {
        self.of_switch(&r.get_ref().id, |_, _| FlowGroups::default()).map(Response::new)
    }

    async fn list_devices(&self, _: Request<()>) -> Answer<Devices> {
        self.read(devices::list_decoded).map(Response::new)
    }

    async fn list_device_ids(&self, _: Request<()>) -> Answer<IDs> {
        let ids = self.read(devices::ids)?;
        Ok(Response::new(IDs { items: ids.into_iter().map(|id| Id { id }).collect() }))
    }

    async fn get_device(&self, r: Request<Id>) -> Answer<Device> {
        let found = self.of_device(&r.get_ref().id, devices::device)?;
        found.map(Response::new).ok_or_else(|| not_found(&r.get_ref().id))
    }

    async fn create_device(&self, r: Request<Device>) -> Answer<Device> {
        self.create(r.get_ref()).map(Response::new)
    }

    async fn enable_device(&self, r: Request<Id>) -> Answer<()> {
        self.enable(&r.get_ref().id).map(Response::new)
    }

    async fn disable_device(&self, r: Request<Id>) -> Answer<()> {
        self.disable(&r.get_ref().id).map(Response::new)
    }

    async fn reboot_device(&self, r: Request<Id>) -> Answer<()> {
        self.reboot(&r.get_ref().id).map(Response::new)
    }

    async fn delete_device(&self, r: Request<Id>) -> Answer<()> {
        self.delete(&r.get_ref().id, false).await.map(Response::new)
    }

    async fn force_delete_device(&self, r: Request<Id>) -> Answer<()> {
        self.delete(&r.get_ref().id, true).await.map(Response::new)
    }

    async fn get_onu_images(&self, r: Request<Id>) -> Answer<OnuImages> {
        match self.of_device(&r.get_ref().id, |_, which| which)? {
            DeviceRef::Onu(_) => Ok(Response::new(devices::images())),
            DeviceRef::Olt(_) => Err(Status::invalid_argument("not an ONU")),
        }
    }

    async fn list_device_ports(&self, r: Request<Id>) -> Answer<Ports> {
        self.of_device(&r.get_ref().id, ports::list).map(Response::new)
    }

    async fn list_device_pm_configs(&self, r: Request<Id>) -> Answer<PmConfigs> {
        let device = self.of_device(&r.get_ref().id, devices::device)?;
        Ok(Response::new(device.and_then(|d| d.pm_configs).unwrap_or_default()))
    }

    async fn update_device_pm_configs(&self, r: Request<PmConfigs>) -> Answer<()> {
        self.update_pm(r.get_ref()).map(Response::new)
    }

    async fn list_device_flows(&self, r: Request<Id>) -> Answer<Flows> {
        self.of_device(&r.get_ref().id, flows::of_device).map(Response::new)
    }

    async fn list_device_flow_groups(&self, r: Request<Id>) -> Answer<FlowGroups> {
        self.of_device(&r.get_ref().id, |_, _| FlowGroups::default()).map(Response::new)
    }

    async fn list_device_types(&self, _: Request<()>) -> Answer<DeviceTypes> {
        Ok(Response::new(device_types()))
    }

    async fn get_device_type(&self, r: Request<Id>) -> Answer<DeviceType> {
        let id = &r.get_ref().id;
        device_types().items.into_iter().find(|t| t.id == *id).map(Response::new).ok_or_else(|| not_found(id))
    }

    async fn enable_port(&self, r: Request<Port>) -> Answer<()> {
        self.pon_port(r.get_ref(), true).map(Response::new)
    }

    async fn disable_port(&self, r: Request<Port>) -> Answer<()> {
        self.pon_port(r.get_ref(), false).map(Response::new)
    }
}
