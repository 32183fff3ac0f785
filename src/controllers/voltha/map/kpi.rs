//! KPI events: measurements for the detail view, and the optics of the tree (facts: voltha-api
//! §4.4). Values are as good as the device: BBSim's are made up.

use crate::model::observation::{KpiSample, Observation};
use crate::model::resource::{NodeKind, Resource};
use crate::model::time::{SECOND, Ts};
use crate::model::topology::NodePatch;

use super::super::proto::event::{MetricInformation, MetricInformation64, MetricMetaData};
use super::directory::Directory;
use super::list::uni_index;
use super::{Decoded, word};

/// Most metrics kept of one sample.
const METRICS: usize = 128;

/// Measurements of one thing, from either width of numbers.
pub(super) struct Slice {
    meta: MetricMetaData,
    metrics: Vec<(String, f64)>,
}

impl From<MetricInformation> for Slice {
    fn from(info: MetricInformation) -> Self {
        let metrics = info.metrics.into_iter().map(|(name, v)| (name, shortest(v))).collect();
        Self { meta: info.metadata.unwrap_or_default(), metrics }
    }
}

impl From<MetricInformation64> for Slice {
    fn from(info: MetricInformation64) -> Self {
        Self { meta: info.metadata.unwrap_or_default(), metrics: info.metrics.into_iter().collect() }
    }
}

/// The double that prints as the float did: 7.4, not 7.400000095367432.
fn shortest(value: f32) -> f64 {
    value.to_string().parse().unwrap_or_else(|_| f64::from(value))
}

/// Translates the slices of one KPI event. Those without values, and those that cannot be told
/// apart (openolt's ONU and GEM statistics without a serial number), say nothing.
pub(super) fn map(ts: f64, slices: impl Iterator<Item = Slice>, directory: &Directory) -> Decoded {
    let mut out = Decoded::default();
    for slice in slices {
        let Some(resource) = subject(&slice, directory) else { continue };
        let group = word(&slice.meta.title);
        let mut metrics: Vec<_> = slice.metrics.into_iter().filter(|(_, v)| v.is_finite()).collect();
        if metrics.is_empty() {
            continue;
        }
        metrics.sort_by(|a, b| a.0.cmp(&b.0));
        metrics.truncate(METRICS);
        if let Some(patch) = optics(&resource, &group, &metrics) {
            out.what.push(Observation::Node(patch));
        }
        let source_time = seconds(if slice.meta.ts > 0.0 { slice.meta.ts } else { ts });
        out.what.push(Observation::Kpi(KpiSample { resource, group, source_time, metrics }));
    }
    out
}

fn subject(slice: &Slice, directory: &Directory) -> Option<Resource> {
    let meta = &slice.meta;
    let context = |key: &str| meta.context.get(key).map(|v| v.trim()).filter(|v| !v.is_empty());
    if let Some(serial) = context("onu-serial-number").or_else(|| Some(meta.serial_no.trim()).filter(|s| !s.is_empty()))
    {
        let serial = word(serial);
        let port = slice.metrics.iter().find(|(name, _)| name == "uni_port_no").map(|(_, v)| *v as u32);
        return Some(match port {
            Some(port) => Resource::port(NodeKind::Uni, serial, uni_index(port)),
            None => Resource::new(NodeKind::Onu, serial),
        });
    }
    let olt = directory.serial(&meta.device_id).or_else(|| directory.serial(context("oltid")?))?;
    let (kind, index) = context("portlabel")?.rsplit_once('-')?;
    let kind = match kind {
        "pon" => NodeKind::PonPort,
        "nni" => NodeKind::NniPort,
        _ => return None,
    };
    Some(Resource::port(kind, olt, index.parse().ok()?))
}

/// The optics of an ONU for the tree.
fn optics(resource: &Resource, group: &str, metrics: &[(String, f64)]) -> Option<NodePatch> {
    if resource.kind != NodeKind::Onu || group != "PON_Optical" {
        return None;
    }
    let value = |name: &str| metrics.iter().find(|(n, _)| n == name).and_then(|(_, v)| centi_dbm(*v));
    let mut patch = NodePatch::new(resource.clone());
    patch.rx_centi_dbm = value("receive_power_dBm");
    patch.tx_centi_dbm = value("transmit_power_dBm");
    (patch.rx_centi_dbm.is_some() || patch.tx_centi_dbm.is_some()).then_some(patch)
}

/// Hundredths of a dBm; nothing that an optical receiver cannot show.
fn centi_dbm(dbm: f64) -> Option<i32> {
    (dbm.is_finite() && dbm.abs() <= 100.0).then(|| (dbm * 100.0).round() as i32)
}

fn seconds(ts: f64) -> Ts {
    if ts.is_finite() && ts > 0.0 { Ts((ts * SECOND as f64) as i64) } else { Ts::NEVER }
}
