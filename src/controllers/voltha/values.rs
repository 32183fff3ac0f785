//! On-demand values: which of them goes to which target (facts: voltha-api §1.2), and their
//! answers as tables. What a device says is shown as it says it.

use std::time::Duration;

use crate::model::command::LiveSection;

use super::map::name;
use super::proto::extension::get_value_request::Request;
use super::proto::extension::get_value_response::{ErrorReason, Response, Status};
use super::proto::extension::{self as ext, GetValueResponse};

/// Deadline of a value.
pub const DEADLINE: Duration = Duration::from_secs(5);
/// Deadline of the values that an ONU is asked for counter by counter: 31 s were seen.
pub const LONG_DEADLINE: Duration = Duration::from_secs(35);

/// A value that can be asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Value {
    /// ANI-G self test of an ONU.
    Optical,
    /// Distance of an ONU; only the old call knows it.
    Distance,
    /// State of an ONU's UNIs.
    Uni,
    /// Counters of the OMCI channel of an ONU.
    OmciStats,
    /// Alarms an ONU holds.
    ActiveAlarms,
    /// Ethernet frame counters of an ONU.
    Ethernet,
    /// GEM and allocation counters of an ONU; slow.
    Gem,
    /// Forward error correction of an ONU; slow.
    Fec,
    /// Counters of the OLT about an ONU: crashes the OLT's adapter when the ONU has no flows.
    OltStats,
    /// Power an OLT receives on its PONs.
    RxPower,
    /// Port counters of an OLT.
    Ports,
    /// PON counters of an OLT.
    PonStats,
    /// NNI counters of an OLT.
    NniStats,
}

impl Value {
    /// By the name an operator uses.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Some(match name {
            "optical" => Self::Optical,
            "distance" => Self::Distance,
            "uni" => Self::Uni,
            "omci_stats" => Self::OmciStats,
            "active_alarms" => Self::ActiveAlarms,
            "ethernet" => Self::Ethernet,
            "gem" => Self::Gem,
            "fec" => Self::Fec,
            "olt_stats" => Self::OltStats,
            "rx_power" => Self::RxPower,
            "ports" => Self::Ports,
            "pon_stats" => Self::PonStats,
            "nni_stats" => Self::NniStats,
            _ => return None,
        })
    }

    /// All names, for the error about a name that is none.
    pub const NAMES: &'static str = "optical distance uni omci_stats active_alarms ethernet gem fec olt_stats (ONU), \
                                     rx_power ports pon_stats nni_stats (OLT), rx_power (ONU, PON port)";

    /// Whether ONUs have it; else OLTs do.
    #[must_use]
    pub const fn of_onu(self) -> bool {
        !matches!(self, Self::RxPower | Self::Ports | Self::PonStats | Self::NniStats)
    }

    /// How long the answer may take. Slow ones may make the adapter believe that the ONU does not
    /// answer, and raise an alarm that never clears (facts: voltha-run §6.14).
    #[must_use]
    pub const fn deadline(self) -> Duration {
        if self.provokes_alarm() { LONG_DEADLINE } else { DEADLINE }
    }

    /// Whether asking for it may make the ONU's adapter raise a false alarm.
    #[must_use]
    pub const fn provokes_alarm(self) -> bool {
        matches!(self, Self::Gem | Self::Fec)
    }

    /// The request about one ONU; `None` for values of other shape.
    pub(crate) fn onu_request(self, device_id: &str, uni: u32) -> Option<Request> {
        Some(match self {
            Self::Optical => Request::OnuOpticalInfo(ext::GetOnuPonOpticalInfo::default()),
            Self::Uni => Request::UniInfo(ext::GetOnuUniInfoRequest { uni_index: uni }),
            Self::OmciStats => Request::OnuOmciStats(ext::GetOnuOmciTxRxStatsRequest::default()),
            Self::ActiveAlarms => Request::OnuActiveAlarms(ext::GetOnuOmciActiveAlarmsRequest::default()),
            Self::Ethernet => Request::OnuInfo(ext::GetOmciEthernetFrameExtendedPmRequest {
                onu_device_id: device_id.to_owned(),
                ..Default::default()
            }),
            Self::Gem => Request::OnuAllocGemStats(ext::GetOnuAllocGemHistoryRequest::default()),
            Self::Fec => Request::FecHistory(ext::GetOnuFecHistory::default()),
            _ => return None,
        })
    }
}

/// The answer as tables; the reason in words when the device has none.
pub(crate) fn sections(title: &str, answer: Option<GetValueResponse>) -> Vec<LiveSection> {
    let Some(answer) = answer else { return vec![empty(title, "the answer is empty")] };
    if answer.status() != Status::Ok {
        return vec![empty(title, reason(answer.err_reason()))];
    }
    match answer.response {
        Some(response) => tables(title, response),
        None => vec![empty(title, "the device answered without a value")],
    }
}

/// A section without rows, saying why.
pub(crate) fn empty(title: &str, note: &str) -> LiveSection {
    LiveSection { title: title.to_owned(), note: note.to_owned(), ..LiveSection::default() }
}

const fn reason(reason: ErrorReason) -> &'static str {
    match reason {
        ErrorReason::Unsupported => "the device does not support this",
        ErrorReason::InvalidDeviceId | ErrorReason::InvalidDevice => "the controller does not know this device",
        ErrorReason::InvalidPortType => "not for ports of this kind",
        ErrorReason::Timeout => "the device did not answer in time",
        ErrorReason::InvalidReqType => "the controller does not know this request",
        ErrorReason::InternalError => "the adapter failed inside",
        ErrorReason::ReasonUndefined => "the controller gives no reason",
    }
}

/// Names and values of some fields.
macro_rules! fields {
    ($from:expr; $($field:ident),* $(,)?) => {
        vec![$(vec![stringify!($field).to_owned(), $from.$field.to_string()]),*]
    };
}

fn tables(title: &str, response: Response) -> Vec<LiveSection> {
    let pairs = |title: &str, rows: Vec<Vec<String>>| LiveSection {
        title: title.to_owned(),
        headers: vec!["value".to_owned(), "reading".to_owned()],
        rows,
        note: String::new(),
    };
    let one = |rows| vec![pairs(title, rows)];
    match response {
        Response::Distance(d) => one(vec![vec!["distance_m".to_owned(), d.distance.to_string()]]),
        Response::UniInfo(u) => one(vec![
            vec!["admin_state".to_owned(), u.adm_state().as_str_name().to_lowercase()],
            vec!["oper_state".to_owned(), u.oper_state().as_str_name().to_lowercase()],
            vec!["configuration".to_owned(), u.config_ind().as_str_name().to_lowercase()],
        ]),
        Response::PortCoutners(c) => one(fields!(c; tx_bytes, rx_bytes, tx_packets, rx_packets, tx_error_packets,
            rx_error_packets, tx_bcast_packets, rx_bcast_packets, tx_ucast_packets, rx_ucast_packets,
            tx_mcast_packets, rx_mcast_packets)),
        Response::OnuOpticalInfo(o) => one(vec![
            vec!["rx_dbm".to_owned(), format!("{:.2}", o.received_optical_power)],
            vec!["tx_dbm".to_owned(), format!("{:.2}", o.mean_optical_launch_power)],
            vec!["laser_bias_ma".to_owned(), format!("{:.2}", o.laser_bias_current)],
            vec!["supply_v".to_owned(), format!("{:.2}", o.power_feed_voltage)],
            vec!["temperature_c".to_owned(), format!("{:.1}", o.temperature)],
        ]),
        Response::FecHistory(f) => one(fields!(f; fec_seconds, fec_corrected_bytes_64, fec_corrected_code_words_64,
            total_code_words_64, uncorrectable_code_words_64)),
        Response::OnuCounters(c) => [("upstream", c.upstream), ("downstream", c.downstream)]
            .into_iter()
            .filter_map(|(way, pm)| Some((way, pm?)))
            .map(|(way, pm)| {
                pairs(
                    &format!("{title}, {way}"),
                    fields!(pm; octets, frames, broadcast_frames, multicast_frames, drop_events, crc_errored_frames,
                        undersize_frames, oversize_frames, frames_64_octets, frames_65_to_127_octets,
                        frames_128_to_255_octets, frames_256_to_511_octets, frames_512_to_1023_octets,
                        frames_1024_to_1518_octets),
                )
            })
            .collect(),
        Response::OnuOmciStats(s) => one(fields!(s; base_tx_ar_frames, base_rx_ak_frames, base_tx_no_ar_frames,
            base_rx_no_ak_frames, ext_tx_ar_frames, ext_rx_ak_frames, ext_tx_no_ar_frames, ext_rx_no_ak_frames,
            tx_omci_counter_retries, tx_omci_counter_timeouts)),
        Response::OltRxPower(p) => {
            let mut rows: Vec<_> = p
                .rx_power
                .iter()
                .map(|r| vec![name(&r.onu_sn), format!("{:.2}", r.rx_power), name(&r.status), name(&r.fail_reason)])
                .collect();
            rows.sort();
            vec![LiveSection {
                title: title.to_owned(),
                headers: ["onu", "rx_dbm", "status", "reason"].map(str::to_owned).to_vec(),
                rows,
                note: String::new(),
            }]
        }
        Response::OnuActiveAlarms(a) => {
            let rows: Vec<_> = a
                .active_alarms
                .iter()
                .map(|a| vec![name(&a.name), name(&a.description), a.class_id.to_string(), a.instance_id.to_string()])
                .collect();
            let note = if rows.is_empty() { "the ONU holds no alarm" } else { "" };
            vec![LiveSection {
                title: title.to_owned(),
                headers: ["alarm", "description", "class", "instance"].map(str::to_owned).to_vec(),
                rows,
                note: note.to_owned(),
            }]
        }
        Response::OnuAllocGemStatsResponse(g) => vec![gem_table(title, &g)],
        Response::OnuStatsFromOltResponse(s) => vec![olt_table(title, &s)],
        Response::OltPonStatsResponse(s) => port_table(title, s.port_statistics.as_ref()),
        Response::OltNniStatsResponse(s) => port_table(title, s.port_statistics.as_ref()),
        _ => vec![empty(title, "an answer of another kind than was asked for")],
    }
}

fn gem_table(title: &str, stats: &ext::GetOnuAllocGemHistoryResponse) -> LiveSection {
    let mut rows = Vec::new();
    for data in &stats.onu_alloc_gem_history_data {
        let alloc = data.onu_alloc_id_info.map_or(0, |a| a.alloc_id);
        if data.gem_port_info.is_empty() {
            rows.push(vec![alloc.to_string()]);
        }
        for gem in &data.gem_port_info {
            rows.push(vec![
                alloc.to_string(),
                gem.gem_id.to_string(),
                gem.transmitted_gem_frames.to_string(),
                gem.received_gem_frames.to_string(),
                gem.transmitted_payload_bytes_64.to_string(),
                gem.received_payload_bytes_64.to_string(),
                gem.encryption_key_errors.to_string(),
            ]);
        }
    }
    let headers = ["alloc", "gem", "tx_frames", "rx_frames", "tx_bytes", "rx_bytes", "key_errors"];
    table(title, &headers, rows)
}

fn olt_table(title: &str, stats: &ext::GetOnuStatsFromOltResponse) -> LiveSection {
    let mut rows = Vec::new();
    for data in &stats.alloc_gem_stats_info {
        let alloc = data.alloc_id_info.map_or(0, |a| a.alloc_id);
        for gem in &data.gem_port_info {
            let counters =
                [u64::from(alloc), u64::from(gem.gem_id), gem.tx_packets, gem.rx_packets, gem.tx_bytes, gem.rx_bytes];
            rows.push(counters.map(|c| c.to_string()).to_vec());
        }
    }
    table(title, &["alloc", "gem", "tx_packets", "rx_packets", "tx_bytes", "rx_bytes"], rows)
}

fn port_table(title: &str, stats: Option<&super::proto::common::PortStatistics>) -> Vec<LiveSection> {
    let Some(s) = stats else { return vec![empty(title, "no counters in the answer")] };
    let rows = fields!(s; rx_bytes, rx_frames, rx_ucast_frames, rx_mcast_frames, rx_bcast_frames, rx_error_frames,
        rx_crc_errors, rx_packets_dropped, tx_bytes, tx_frames, tx_ucast_frames, tx_mcast_frames, tx_bcast_frames,
        tx_error_frames, tx_dropped_total, bip_errors);
    vec![table(title, &["value", "reading"], rows)]
}

/// A table; says so when it has no rows.
pub(crate) fn table(title: &str, headers: &[&str], rows: Vec<Vec<String>>) -> LiveSection {
    LiveSection {
        title: title.to_owned(),
        headers: headers.iter().map(|h| (*h).to_owned()).collect(),
        note: if rows.is_empty() { "none".to_owned() } else { String::new() },
        rows,
    }
}
