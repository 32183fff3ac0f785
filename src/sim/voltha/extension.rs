//! `Extension.GetExtValue`: what a device tells when asked, arm by arm, with what real ones refuse.

use std::time::Duration;

use tonic::{Request, Response, Status};

use super::{Core, ports};
use crate::controllers::voltha::proto::extension::extension_server::Extension;
use crate::controllers::voltha::proto::extension::get_omci_ethernet_frame_extended_pm_response::Format;
use crate::controllers::voltha::proto::extension::get_onu_uni_info_response::{
    AdministrativeState, ConfigurationInd, OperationalState,
};
use crate::controllers::voltha::proto::extension::get_value_request::Request as Asked;
use crate::controllers::voltha::proto::extension::get_value_response::{ErrorReason, Response as Told, Status as Done};
use crate::controllers::voltha::proto::extension::{
    AlarmData, GetOffloadedAppsStatisticsResponse, GetOltPortCountersResponse, GetOltRxPowerResponse,
    GetOmciEthernetFrameExtendedPmResponse, GetOnuAllocGemHistoryResponse, GetOnuCountersResponse,
    GetOnuOmciActiveAlarmsResponse, GetOnuOmciTxRxStatsResponse, GetOnuPonOpticalInfoResponse,
    GetOnuStatsFromOltResponse, GetOnuUniInfoResponse, GetRxPowerResponse, GetValueResponse,
    OmciEthernetFrameExtendedPm, OnuAllocGemHistoryData, OnuAllocGemStatsFromOltResponse, OnuAllocHistoryData,
    OnuAllocIdInfoFromOlt, OnuGemPortInfoFromOlt, RxPower, SetValueResponse, SingleGetValueRequest,
    SingleGetValueResponse, SingleSetValueRequest, SingleSetValueResponse, get_onu_counters_response,
    set_value_response,
};
use crate::sim::network::SECOND;
use crate::sim::network::alarm::{Emitter, OnuAlarm};
use crate::sim::network::layout::{DeviceRef, Onu, Stack};
use crate::sim::network::state::State;
use crate::sim::network::step::transmit;

/// How long an adapter that crashed is gone before it is started again, seconds.
const CRASHED_FOR: i64 = 30;

fn ok(told: Told) -> GetValueResponse {
    GetValueResponse { status: Done::Ok.into(), err_reason: 0, response: Some(told) }
}

fn error(reason: ErrorReason) -> GetValueResponse {
    GetValueResponse { status: Done::Error.into(), err_reason: reason.into(), response: None }
}

/// Traffic so far, invented but growing.
fn traffic(at: usize, seconds: i64) -> u64 {
    (seconds.unsigned_abs() + 7_200) * (at as u64 % 37 + 11)
}

fn frames(n: u64) -> OmciEthernetFrameExtendedPm {
    OmciEthernetFrameExtendedPm {
        octets: n * 700,
        frames: n,
        broadcast_frames: n / 200,
        multicast_frames: n / 90,
        frames_64_octets: n / 4,
        frames_65_to_127_octets: n / 6,
        frames_128_to_255_octets: n / 10,
        frames_256_to_511_octets: n / 12,
        frames_512_to_1023_octets: n / 8,
        frames_1024_to_1518_octets: n / 3,
        ..OmciEthernetFrameExtendedPm::default()
    }
}

fn active_alarms(onu: &Onu) -> Vec<AlarmData> {
    let raised = OnuAlarm::ALL.into_iter().filter(|a| onu.raised & a.bit() != 0);
    let listed = raised.filter_map(|alarm| match alarm.spec().emitter {
        Emitter::OpenOlt => None,
        Emitter::OpenOnu { text, class, instance } => Some(AlarmData {
            class_id: class,
            instance_id: instance,
            name: alarm.spec().base.to_owned(),
            description: text.to_owned(),
        }),
    });
    listed.collect()
}

fn received(stack: &Stack, at: usize, onu: &Onu) -> RxPower {
    RxPower {
        onu_sn: stack.serial(at),
        status: "success".into(),
        fail_reason: "FAIL_REASON_NONE".into(),
        // What the OLT receives of the ONU's laser: the path is about as lossy both ways.
        rx_power: f64::from(onu.rx) / 100.0 + f64::from(transmit(at)) - 7.0,
    }
}

/// What an ONU answers; `None` = not a question for ONUs.
fn of_onu(stack: &Stack, at: usize, asked: &Asked, seconds: i64) -> Option<GetValueResponse> {
    let onu = stack.onus.get(at)?;
    let up = onu.state == State::UP;
    let n = traffic(at, seconds);
    Some(match asked {
        Asked::UniInfo(_) => ok(Told::UniInfo(GetOnuUniInfoResponse {
            adm_state: if onu.uni_enabled { AdministrativeState::Unlocked } else { AdministrativeState::Locked }.into(),
            oper_state: OperationalState::Enabled.into(),
            config_ind: ConfigurationInd::GigabitEthernetFdx.into(),
        })),
        _ if !up => error(ErrorReason::InternalError),
        Asked::OnuOpticalInfo(_) => ok(Told::OnuOpticalInfo(GetOnuPonOpticalInfoResponse {
            power_feed_voltage: 3.26,
            received_optical_power: f32::from(onu.rx) / 100.0,
            mean_optical_launch_power: transmit(at),
            laser_bias_current: 11.2 + (at % 9) as f32 / 4.0,
            temperature: 41.0 + (at % 23) as f32 / 2.0,
        })),
        Asked::OnuInfo(_) => ok(Told::OnuCounters(GetOmciEthernetFrameExtendedPmResponse {
            upstream: Some(frames(n)),
            downstream: Some(frames(n * 6)),
            omci_ethernet_frame_extended_pm_format: Format::SixtyFourBit.into(),
        })),
        Asked::OnuOmciStats(_) => ok(Told::OnuOmciStats(GetOnuOmciTxRxStatsResponse {
            base_tx_ar_frames: 82,
            base_rx_ak_frames: 81,
            base_rx_no_ak_frames: 1,
            tx_omci_counter_retries: 2,
            tx_omci_counter_timeouts: 1,
            ..GetOnuOmciTxRxStatsResponse::default()
        })),
        Asked::OnuActiveAlarms(_) => {
            ok(Told::OnuActiveAlarms(GetOnuOmciActiveAlarmsResponse { active_alarms: active_alarms(onu) }))
        }
        Asked::OnuAllocGemStats(_) => ok(Told::OnuAllocGemStatsResponse(GetOnuAllocGemHistoryResponse {
            onu_alloc_gem_history_data: vec![OnuAllocGemHistoryData {
                onu_alloc_id_info: Some(OnuAllocHistoryData { alloc_id: 1_024, rx_bytes: 0 }),
                gem_port_info: Vec::new(),
            }],
        })),
        Asked::OnuStatsFromOlt(_) => ok(Told::OnuStatsFromOltResponse(GetOnuStatsFromOltResponse {
            alloc_gem_stats_info: vec![OnuAllocGemStatsFromOltResponse {
                alloc_id_info: Some(OnuAllocIdInfoFromOlt { alloc_id: 1_024, rx_bytes: n * 700 }),
                gem_port_info: vec![OnuGemPortInfoFromOlt {
                    gem_id: 1_024,
                    rx_packets: n,
                    rx_bytes: n * 700,
                    tx_packets: n * 6,
                    tx_bytes: n * 4_200,
                }],
            }],
        })),
        _ => return None,
    })
}

fn pon_of(label: &str) -> Option<usize> {
    label.strip_prefix("pon-")?.parse().ok()
}

/// What an OLT answers; `None` = not a question for OLTs.
fn of_olt(stack: &Stack, at: usize, asked: &Asked, seconds: i64) -> Option<GetValueResponse> {
    let on_pon = |pon: usize| {
        let all = stack.pon_onus(at, pon).filter_map(|i| stack.onus.get(i).map(|o| (i, o)));
        all.filter(|(_, o)| o.state == State::UP)
    };
    Some(match asked {
        Asked::OltPortInfo(port) if port.port_no == ports::NNI => error(ErrorReason::Timeout),
        Asked::OltPortInfo(port) => {
            let n = traffic(at + port.port_no as usize, seconds) * 40;
            ok(Told::PortCoutners(GetOltPortCountersResponse {
                tx_bytes: n * 5_000,
                rx_bytes: n * 700,
                tx_packets: n * 6,
                rx_packets: n,
                tx_bcast_packets: n / 300,
                rx_bcast_packets: n / 300,
                rx_ucast_packets: n - n / 300,
                tx_mcast_packets: n / 100,
                rx_mcast_packets: n / 900,
                ..GetOltPortCountersResponse::default()
            }))
        }
        Asked::OltRxPower(wanted) => {
            let Some(pon) = pon_of(&wanted.port_label) else { return Some(error(ErrorReason::InvalidPortType)) };
            let all = on_pon(pon).map(|(i, onu)| received(stack, i, onu));
            let rx_power = all.filter(|p| wanted.onu_sn.is_empty() || p.onu_sn == wanted.onu_sn).collect();
            ok(Told::OltRxPower(GetOltRxPowerResponse { port_label: String::new(), rx_power }))
        }
        Asked::RxPower(wanted) => {
            let found = on_pon(wanted.intf_id as usize).find(|(_, o)| u32::from(o.number) == wanted.onu_id);
            match found.map(|(i, onu)| received(stack, i, onu)) {
                Some(power) => ok(Told::RxPower(GetRxPowerResponse {
                    intf_id: wanted.intf_id,
                    onu_id: wanted.onu_id,
                    status: power.status,
                    fail_reason: power.fail_reason,
                    rx_power: power.rx_power,
                })),
                None => error(ErrorReason::InvalidDeviceId),
            }
        }
        Asked::OnuPonInfo(wanted) => ok(Told::OnuPonCounters(GetOnuCountersResponse {
            is_intf_id: Some(get_onu_counters_response::IsIntfId::IntfId(wanted.intf_id)),
            is_onu_id: Some(get_onu_counters_response::IsOnuId::OnuId(wanted.onu_id)),
            is_bip_errors: Some(get_onu_counters_response::IsBipErrors::BipErrors(0)),
            ..GetOnuCountersResponse::default()
        })),
        Asked::OffloadedAppsStats(_) => ok(Told::OffloadedAppsStats(GetOffloadedAppsStatisticsResponse::default())),
        _ => return None,
    })
}

#[tonic::async_trait]
impl Extension for Core {
    async fn get_ext_value(
        &self,
        r: Request<SingleGetValueRequest>,
    ) -> Result<Response<SingleGetValueResponse>, Status> {
        let request = r.into_inner();
        let id = request.target_id;
        let Some(asked) = request.request.and_then(|q| q.request) else {
            return Ok(answer(error(ErrorReason::InvalidReqType)));
        };
        // A real OLT collects for a second, an uplink never answers, these two block for half a minute.
        let wait = match &asked {
            Asked::OltPortInfo(port) if port.port_no == ports::NNI => Duration::from_secs(3),
            Asked::OltPortInfo(_) | Asked::OnuOpticalInfo(_) => Duration::from_secs(1),
            Asked::FecHistory(_) => Duration::from_secs(31),
            _ => Duration::from_millis(3),
        };
        tokio::time::sleep(wait).await;
        let mut world = self.world();
        let missing = || Status::not_found(format!("target-id {id}"));
        let which = world.find(self.stack, &id).ok_or_else(missing)?;
        let seconds = world.now() / SECOND;
        let stack = world.stacks.get(self.stack).ok_or_else(missing)?;
        if stack.adapters.first().is_some_and(|a| a.dead_since.is_some()) {
            return Err(Status::unavailable(format!("no connection to {}", super::devices::ENDPOINTS[0])));
        }
        let without_flows = match which {
            DeviceRef::Onu(at) => stack.onus.get(at).is_some_and(|o| !o.flows),
            DeviceRef::Olt(_) => false,
        };
        if matches!(asked, Asked::OnuStatsFromOlt(_)) && without_flows {
            // A nil pointer in the adapter: it is gone, and with it every call to its OLTs.
            world.adapter_dies(self.stack, 0, CRASHED_FOR * SECOND);
            return Err(Status::unavailable("error reading from server: EOF"));
        }
        let told = match which {
            DeviceRef::Olt(at) => of_olt(stack, at, &asked, seconds),
            DeviceRef::Onu(at) => of_onu(stack, at, &asked, seconds),
        };
        Ok(answer(told.unwrap_or_else(|| error(ErrorReason::Unsupported))))
    }

    async fn set_ext_value(
        &self,
        r: Request<SingleSetValueRequest>,
    ) -> Result<Response<SingleSetValueResponse>, Status> {
        self.of_device(&r.get_ref().target_id, |_, _| ())?;
        let response = SetValueResponse {
            status: set_value_response::Status::Error.into(),
            err_reason: set_value_response::ErrorReason::Unsupported.into(),
        };
        Ok(Response::new(SingleSetValueResponse { response: Some(response) }))
    }
}

fn answer(response: GetValueResponse) -> Response<SingleGetValueResponse> {
    Response::new(SingleGetValueResponse { response: Some(response) })
}
