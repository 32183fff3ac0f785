//! The calls that noctule makes, each with its request and answer types (facts: voltha-api §1).
//! `ReceiveChangeEvents` is left out on purpose: it has one reader at a time, so opening it takes
//! the stream away from the SDN controller, and a reader that goes away floods the event topic
//! (facts: voltha-run §6.3).

use std::marker::PhantomData;

use super::super::lite;
use super::super::proto::{adapter, common, device, extension, logical_device, openflow_13, voltha};

/// A call: its path, its request `Q` and its answer `A`.
#[derive(Debug)]
pub struct Method<Q, A> {
    /// `/package.Service/Method`.
    pub path: &'static str,
    types: PhantomData<fn(Q) -> A>,
}

impl<Q, A> Method<Q, A> {
    const fn new(path: &'static str) -> Self {
        Self { path, types: PhantomData }
    }

    /// The method's bare name.
    #[must_use]
    pub fn name(&self) -> &'static str {
        self.path.rsplit('/').next().unwrap_or(self.path)
    }
}

macro_rules! methods {
    ($($(#[$doc:meta])* $vis:vis $name:ident: $path:literal, $q:ty => $a:ty;)*) => {
        $($(#[$doc])* $vis const $name: Method<$q, $a> = Method::new($path);)*
    };
}

methods! {
    /// Version of the core.
    pub GET_VOLTHA: "/voltha.VolthaService/GetVoltha", () => voltha::Voltha;
    /// Adapter processes and when they were last heard.
    pub LIST_ADAPTERS: "/voltha.VolthaService/ListAdapters", () => adapter::Adapters;
    /// Device types and the adapters that serve them.
    pub LIST_DEVICE_TYPES: "/voltha.VolthaService/ListDeviceTypes", () => device::DeviceTypes;
    /// All devices, only the fields of the tree.
    pub(crate) LIST_DEVICES: "/voltha.VolthaService/ListDevices", () => lite::Devices;
    /// One device, whole.
    pub GET_DEVICE: "/voltha.VolthaService/GetDevice", common::Id => device::Device;
    /// Ports of a device.
    pub LIST_DEVICE_PORTS: "/voltha.VolthaService/ListDevicePorts", common::Id => device::Ports;
    /// Flows of a device.
    pub LIST_DEVICE_FLOWS: "/voltha.VolthaService/ListDeviceFlows", common::Id => openflow_13::Flows;
    /// PM configuration of a device.
    pub LIST_DEVICE_PM_CONFIGS: "/voltha.VolthaService/ListDevicePmConfigs", common::Id => device::PmConfigs;
    /// Changes the PM configuration of a device.
    pub UPDATE_DEVICE_PM_CONFIGS: "/voltha.VolthaService/UpdateDevicePmConfigs", device::PmConfigs => ();
    /// Software images of an ONU.
    pub GET_ONU_IMAGES: "/voltha.VolthaService/GetOnuImages", common::Id => device::OnuImages;
    /// The switches that OLTs are shown as.
    pub LIST_LOGICAL_DEVICES: "/voltha.VolthaService/ListLogicalDevices", () => logical_device::LogicalDevices;
    /// Ports of a switch: NNI and every UNI of an OLT.
    pub LIST_LOGICAL_DEVICE_PORTS: "/voltha.VolthaService/ListLogicalDevicePorts", common::Id => logical_device::LogicalPorts;
    /// Flows of a switch.
    pub LIST_LOGICAL_DEVICE_FLOWS: "/voltha.VolthaService/ListLogicalDeviceFlows", common::Id => openflow_13::Flows;
    /// The same call, the answer only to be counted.
    pub(crate) COUNT_LOGICAL_DEVICE_FLOWS: "/voltha.VolthaService/ListLogicalDeviceFlows", common::Id => lite::Counted;
    /// Meters of a switch.
    pub LIST_LOGICAL_DEVICE_METERS: "/voltha.VolthaService/ListLogicalDeviceMeters", common::Id => openflow_13::Meters;
    /// Puts a device into service; it comes up by and by.
    pub ENABLE_DEVICE: "/voltha.VolthaService/EnableDevice", common::Id => ();
    /// Takes a device out of service; an OLT takes its ONUs along.
    pub DISABLE_DEVICE: "/voltha.VolthaService/DisableDevice", common::Id => ();
    /// Reboots a device; an OLT loses its ONUs, which come back under new ids.
    pub REBOOT_DEVICE: "/voltha.VolthaService/RebootDevice", common::Id => ();
    /// Deletes a device.
    pub DELETE_DEVICE: "/voltha.VolthaService/DeleteDevice", common::Id => ();
    /// Deletes a device from the model whatever its adapter says.
    pub FORCE_DELETE_DEVICE: "/voltha.VolthaService/ForceDeleteDevice", common::Id => ();
    /// Enables a PON port of an OLT.
    pub ENABLE_PORT: "/voltha.VolthaService/EnablePort", device::Port => ();
    /// Disables a PON port of an OLT.
    pub DISABLE_PORT: "/voltha.VolthaService/DisablePort", device::Port => ();
    /// Enables a UNI of the switch.
    pub ENABLE_LOGICAL_PORT: "/voltha.VolthaService/EnableLogicalDevicePort", logical_device::LogicalPortId => ();
    /// Disables a UNI of the switch.
    pub DISABLE_LOGICAL_PORT: "/voltha.VolthaService/DisableLogicalDevicePort", logical_device::LogicalPortId => ();
    /// The old form of on-demand values, still the only one that knows the distance.
    pub GET_OLD_VALUE: "/voltha.VolthaService/GetExtValue", extension::ValueSpecifier => extension::ReturnValues;
    /// On-demand values.
    pub GET_VALUE: "/extension.Extension/GetExtValue", extension::SingleGetValueRequest => extension::SingleGetValueResponse;
}
