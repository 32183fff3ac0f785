//! Lean readings of two big answers. A device is 2.1 kB on the wire, nearly all of it PM
//! configuration that the tree does not show (facts: voltha-run §4), and flows are polled only to
//! be counted. Fields that are not declared are skipped without being kept, so a list of 2,048
//! ONUs costs what is used of it. Field numbers: facts, voltha-api §2.

use prost::Message;
use prost::bytes::Bytes;

/// `device.Devices`, as far as the tree needs it.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct Devices {
    #[prost(message, repeated, tag = "1")]
    pub(crate) items: Vec<Device>,
}

/// `device.Device`, as far as the tree needs it. States are plain numbers: values we do not know
/// are data.
#[derive(Clone, PartialEq, Eq, Message)]
pub(crate) struct Device {
    #[prost(string, tag = "1")]
    pub(crate) id: String,
    #[prost(string, tag = "2")]
    pub(crate) kind: String,
    #[prost(bool, tag = "3")]
    pub(crate) root: bool,
    #[prost(string, tag = "4")]
    pub(crate) parent_id: String,
    #[prost(string, tag = "5")]
    pub(crate) vendor: String,
    #[prost(string, tag = "6")]
    pub(crate) model: String,
    #[prost(string, tag = "8")]
    pub(crate) firmware_version: String,
    #[prost(string, tag = "10")]
    pub(crate) serial_number: String,
    #[prost(string, tag = "13")]
    pub(crate) mac_address: String,
    #[prost(string, tag = "14")]
    pub(crate) ipv4_address: String,
    #[prost(string, tag = "15")]
    pub(crate) ipv6_address: String,
    #[prost(int32, tag = "16")]
    pub(crate) admin_state: i32,
    #[prost(int32, tag = "17")]
    pub(crate) oper_status: i32,
    #[prost(int32, tag = "18")]
    pub(crate) connect_status: i32,
    #[prost(message, optional, tag = "19")]
    pub(crate) proxy_address: Option<ProxyAddress>,
    #[prost(uint32, tag = "20")]
    pub(crate) parent_port_no: u32,
    #[prost(string, tag = "21")]
    pub(crate) host_and_port: String,
    #[prost(string, tag = "22")]
    pub(crate) reason: String,
}

/// `device.Device.ProxyAddress`, as far as the tree needs it.
#[derive(Clone, Copy, PartialEq, Eq, Message)]
pub(crate) struct ProxyAddress {
    #[prost(uint32, tag = "3")]
    pub(crate) channel_id: u32,
    #[prost(uint32, tag = "6")]
    pub(crate) onu_id: u32,
}

/// Any answer of the form `repeated X items = 1`, only to be counted.
#[derive(Clone, PartialEq, Eq, Message)]
pub(crate) struct Counted {
    #[prost(bytes = "bytes", repeated, tag = "1")]
    pub(crate) items: Vec<Bytes>,
}
