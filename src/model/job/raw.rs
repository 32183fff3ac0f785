//! A request as it is written: the fields of the source documents (mass configuration, firmware
//! schedule) and what noctule adds to them. Checked and turned into a [`super::JobRequest`] by `read`.

use serde::Deserialize;
use serde_json::{Map, Value};

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawJob {
    pub name: String,
    #[serde(default)]
    pub description: String,
    #[serde(default)]
    pub source: String,
    pub device_filter: Option<Value>,
    pub filter: Option<String>,
    pub devices: Option<Vec<String>>,
    pub expected_count: Option<u64>,
    pub max_concurrent: Option<i64>,
    #[serde(default)]
    pub dry_run: bool,
    pub priority: Option<String>,
    pub stale: Option<String>,
    pub waves: Option<RawWaves>,
    pub stop: Option<RawStop>,
    // Mass configuration.
    pub wifi: Option<RawWifi>,
    pub lan: Option<RawLan>,
    pub wan: Option<RawWan>,
    pub custom_parameters: Option<Map<String, Value>>,
    // Firmware.
    pub firmware_file: Option<String>,
    pub file_type: Option<String>,
    pub target_file_name: Option<String>,
    pub version: Option<String>,
    // When.
    pub scheduled_at: Option<String>,
    pub timezone: Option<String>,
    pub window: Option<String>,
    pub repeat: Option<String>,
    // Any other verb.
    pub verb: Option<String>,
    pub path: Option<String>,
    pub tag: Option<String>,
    pub file: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawWaves {
    #[serde(default)]
    pub canary: u32,
    #[serde(default)]
    pub percent: u8,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawStop {
    pub percent: Option<u8>,
    pub after: Option<u32>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawWifi {
    pub ssid: Option<String>,
    pub password: Option<String>,
    pub security_mode: Option<String>,
    pub channel: Option<i64>,
    pub enabled: Option<bool>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawLan {
    pub ipv4_address: Option<String>,
    pub ip_address: Option<String>,
    pub subnet_mask: Option<String>,
    pub ipv6_address: Option<String>,
    pub ipv6_prefix_length: Option<i64>,
    pub dhcp_enabled: Option<bool>,
    pub dhcp_start: Option<String>,
    pub dhcp_end: Option<String>,
    pub dhcpv6_enabled: Option<bool>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawWan {
    pub connection_type: Option<String>,
    pub username: Option<String>,
    pub password: Option<String>,
    pub vlan_id: Option<i64>,
    pub static_ipv4_address: Option<String>,
    pub static_ipv4_netmask: Option<String>,
    pub static_ipv4_gateway: Option<String>,
    pub static_ipv6_address: Option<String>,
    pub ipv6_pd_enabled: Option<bool>,
    pub delegated_ipv6_prefix: Option<String>,
}
