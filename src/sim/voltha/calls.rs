//! What an operator can change, with the refusals of the core.

use tonic::Status;

use super::service::not_found;
use super::{Core, devices, ports};
use crate::controllers::voltha::proto::device::device::Address;
use crate::controllers::voltha::proto::device::{Device, PmConfigs, Port};
use crate::controllers::voltha::proto::logical_device::LogicalPortId;
use crate::sim::network::layout::{DeviceRef, Stack};
use crate::sim::network::state::State;
use crate::sim::network::{OltAct, OnuAct, World};

impl Core {
    /// Changes something about one device; the adapter of the OLT must live.
    fn change<T>(
        &self,
        id: &str,
        change: impl FnOnce(&mut World, usize, DeviceRef) -> Result<T, Status>,
    ) -> Result<T, Status> {
        let mut world = self.world();
        let which = world.find(self.stack, id).ok_or_else(|| not_found(id))?;
        let adapters = world.stacks.get(self.stack).map(|s| s.adapters.clone());
        for (adapter, endpoint) in adapters.iter().flatten().zip(devices::ENDPOINTS) {
            if adapter.dead_since.is_some() {
                return Err(Status::unavailable(format!("no connection to {endpoint}")));
            }
        }
        change(&mut world, self.stack, which)
    }

    fn state(world: &World, stack: usize, which: DeviceRef) -> State {
        let stack = world.stacks.get(stack);
        match which {
            DeviceRef::Olt(at) => stack.and_then(|s| s.olts.get(at)).map(|o| o.state),
            DeviceRef::Onu(at) => stack.and_then(|s| s.onus.get(at)).map(|o| o.state),
        }
        .unwrap_or(State::NONE)
    }

    pub(super) fn create(&self, wanted: &Device) -> Result<Device, Status> {
        let host = match &wanted.address {
            Some(Address::HostAndPort(host)) if !host.is_empty() => host.clone(),
            _ if !wanted.mac_address.is_empty() => wanted.mac_address.clone(),
            _ => return Err(Status::unknown("no-device-info-present; MAC or HOSTIP&PORT")),
        };
        let mut world = self.world();
        let Some(stack) = world.stacks.get_mut(self.stack) else { return Err(Status::internal("no such stack")) };
        let known = stack.olts.iter().position(|o| o.host == host);
        if known.and_then(|at| stack.olts.get(at)).is_some_and(|o| o.exists) {
            return Err(Status::unknown("device is already pre-provisioned"));
        }
        let at = known.unwrap_or_else(|| stack.unknown_olt(host));
        world.olt_after(0, self.stack, at, OltAct::Create);
        let now = world.now();
        world.settle(now);
        let made = world.stacks.get(self.stack).and_then(|s| devices::device(s, DeviceRef::Olt(at)));
        made.ok_or_else(|| Status::internal("the device was not created"))
    }

    pub(super) fn enable(&self, id: &str) -> Result<(), Status> {
        self.change(id, |world, stack, which| {
            let state = Self::state(world, stack, which);
            if state.enabled() {
                let text = format!("cannot-enable-an-already-enabled-device: {id}");
                return Err(Status::failed_precondition(text));
            }
            match which {
                DeviceRef::Olt(at) => world.enable_olt(stack, at, state == State::CREATED),
                DeviceRef::Onu(at) => world.enable_onu(stack, at),
            }
            Ok(())
        })
    }

    pub(super) fn disable(&self, id: &str) -> Result<(), Status> {
        self.change(id, |world, stack, which| {
            let state = Self::state(world, stack, which);
            if state == State::CREATED {
                let text = format!("deviceId:{id}, invalid-admin-state:PREPROVISIONED");
                return Err(Status::failed_precondition(text));
            }
            match which {
                _ if state == State::DISABLED => {}
                DeviceRef::Olt(at) => {
                    world.disable_olt(stack, at);
                }
                DeviceRef::Onu(at) => world.disable_onu(stack, at),
            }
            Ok(())
        })
    }

    pub(super) fn reboot(&self, id: &str) -> Result<(), Status> {
        self.change(id, |world, stack, which| {
            match which {
                DeviceRef::Olt(at) => world.reboot_olt(stack, at),
                DeviceRef::Onu(at) => world.reboot_onu(stack, at),
            }
            Ok(())
        })
    }

    /// Answers when the device is gone, as the core does.
    pub(super) async fn delete(&self, id: &str, force: bool) -> Result<(), Status> {
        let wait = self.change(id, |world, stack, which| {
            let done = match which {
                DeviceRef::Olt(at) => world.delete_olt_device(stack, at, force),
                DeviceRef::Onu(at) => world.delete_onu_device(stack, at, force),
            };
            Ok(world.real(done))
        })?;
        tokio::time::sleep(wait).await;
        Ok(())
    }

    pub(super) fn pon_port(&self, port: &Port, on: bool) -> Result<(), Status> {
        self.change(&port.device_id, |world, stack, which| {
            let DeviceRef::Olt(at) = which else {
                return Err(Status::unimplemented("only PON ports of an OLT"));
            };
            let pons = world.stacks.get(stack).and_then(|s| s.olts.get(at)).map_or(0, |o| o.pons.len());
            let pon = port.port_no.checked_sub(ports::PON).map(|n| n as usize).filter(|n| *n < pons);
            let Some(pon) = pon else {
                return Err(Status::unimplemented("only PON ports of an OLT"));
            };
            world.pon_port(stack, at, pon, on);
            Ok(())
        })
    }

    /// The logical port's number comes as decimal text.
    pub(super) fn uni_port(&self, port: &LogicalPortId, on: bool) -> Result<(), Status> {
        let mut world = self.world();
        let found = world.stacks.get(self.stack).and_then(|s| {
            let olt = ports::find_logical(s, &port.id)?;
            let number: u32 = port.port_id.parse().ok()?;
            s.olt_onus(olt).find(|i| s.onus.get(*i).is_some_and(|o| o.exists && Stack::uni_port(o) == number))
        });
        let Some(onu) = found else { return Err(not_found(&format!("{}/{}", port.id, port.port_id))) };
        world.onu_after(0, self.stack, onu, OnuAct::Uni(on));
        Ok(())
    }

    pub(super) fn update_pm(&self, wanted: &PmConfigs) -> Result<(), Status> {
        self.change(&wanted.id, |world, stack, which| {
            let Some(stack) = world.stacks.get_mut(stack) else { return Ok(()) };
            match which {
                DeviceRef::Olt(at) => {
                    if let Some(olt) = stack.olts.get_mut(at) {
                        olt.default_freq = wanted.default_freq;
                    }
                }
                DeviceRef::Onu(at) => {
                    if let Some(odd) = wanted.groups.iter().map(|g| g.group_freq).find(|f| f % 5 != 0) {
                        return Err(Status::unknown(format!(
                            "errors-handling-one-or-more-pm-config, errors:[frequency-{odd}-should-be-a-multiple-of-5]"
                        )));
                    }
                    stack.pm.insert(at, wanted.clone());
                }
            }
            Ok(())
        })
    }
}
