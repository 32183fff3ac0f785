//! A simulated core over gRPC: it answers and refuses as the recorded one.

use std::collections::HashSet;

use noctule::config::schema::SourceKind;
use noctule::controllers::voltha::proto::common::{Id, admin_state, oper_status};
use noctule::controllers::voltha::proto::device::{Device, Port, device::Address};
use noctule::controllers::voltha::proto::event::{Event, event::EventType};
use noctule::controllers::voltha::proto::extension::extension_client::ExtensionClient;
use noctule::controllers::voltha::proto::extension::get_value_request::Request as Ask;
use noctule::controllers::voltha::proto::extension::get_value_response::Response as Told;
use noctule::controllers::voltha::proto::extension::{
    GetDistanceRequest, GetOltRxPowerRequest, GetOnuPonOpticalInfo, GetOnuStatsFromOltRequest, GetValueRequest,
    SingleGetValueRequest,
};
use noctule::controllers::voltha::proto::logical_device::LogicalPortId;
use noctule::controllers::voltha::proto::voltha::voltha_service_client::VolthaServiceClient;
use noctule::sim::{Control, Network, OnuAlarm, Running, Scale, SimOptions};
use prost::Message as _;
use rskafka::client::ClientBuilder;
use rskafka::client::partition::UnknownTopicHandling;
use tonic::Code;
use tonic::transport::Channel;

use super::until;

type Service = VolthaServiceClient<Channel>;

async fn still(scale: Scale, speed: f64) -> (Running, Control) {
    let network = Network::start(SimOptions { scale, speed, ..SimOptions::still() }).await.expect("a network");
    let control = network.control();
    (network, control)
}

async fn channel(network: &Running) -> Channel {
    let SourceKind::Voltha(voltha) = &network.config().sources[0].kind else { panic!("another kind") };
    Channel::from_shared(voltha.grpc.clone()).expect("an address").connect().await.expect("connected")
}

async fn service(network: &Running) -> Service {
    VolthaServiceClient::new(channel(network).await).max_decoding_message_size(64 << 20)
}

fn id(id: &str) -> Id {
    Id { id: id.to_owned() }
}

/// Names of the events in the log so far, from an offset on.
async fn events(control: &Control, from: i64) -> Vec<String> {
    let broker = control.kafka(0).expect("a broker");
    let end = broker.offsets("voltha.events", 0).expect("the topic").1;
    let client = ClientBuilder::new(broker.addresses()).build().await.expect("a client");
    let p = client.partition_client("voltha.events", 0, UnknownTopicHandling::Error).await.expect("a partition");
    let mut names = Vec::new();
    let mut next = from;
    while next < end {
        let (records, _) = p.fetch_records(next, 1..50_000_000, 100).await.expect("records");
        for r in records {
            next = r.offset + 1;
            let event = Event::decode(r.record.value.expect("a value").as_slice()).expect("an event");
            names.push(match event.event_type.expect("a kind") {
                EventType::DeviceEvent(d) => d.device_event_name,
                EventType::RpcEvent(r) => r.rpc,
                _ => "KPI".into(),
            });
        }
    }
    names
}

#[tokio::test]
async fn two_thousand_onus_are_a_list_that_breaks_the_usual_limit() {
    let (network, _) = still(Scale::City, 1.0).await;
    let mut usual = VolthaServiceClient::new(channel(&network).await);
    let refused = usual.list_devices(()).await.expect_err("more than 4 MiB");
    assert_eq!(refused.code(), Code::OutOfRange, "{refused:?}");
    let mut service = service(&network).await;
    let first: Vec<String> =
        service.list_devices(()).await.expect("devices").into_inner().items.into_iter().map(|d| d.id).collect();
    let second: Vec<String> =
        service.list_devices(()).await.expect("devices").into_inner().items.into_iter().map(|d| d.id).collect();
    assert_eq!(first.len(), 3_333 + 4);
    assert_ne!(first, second, "another order each time");
    assert_eq!(first.into_iter().collect::<HashSet<_>>(), second.into_iter().collect());
}

#[tokio::test]
async fn refusals_have_the_codes_and_texts_of_the_core() {
    let (network, control) = still(Scale::Small, 1.0).await;
    let mut service = service(&network).await;
    let olt = control.olt_id(0, 0).expect("an OLT");
    let e = service.get_device(id("no-such-id")).await.expect_err("unknown");
    assert_eq!((e.code(), e.message()), (Code::NotFound, "no-such-id"));
    let e = service.enable_device(id(&olt)).await.expect_err("twice");
    let text = format!("cannot-enable-an-already-enabled-device: {olt}");
    assert_eq!((e.code(), e.message()), (Code::FailedPrecondition, text.as_str()));
    let known = service.get_device(id(&olt)).await.expect("the OLT").into_inner();
    let e = service.create_device(Device { address: known.address, ..Device::default() }).await.expect_err("twice");
    assert_eq!((e.code(), e.message()), (Code::Unknown, "device is already pre-provisioned"));
    let mut raw = tonic::client::Grpc::new(channel(&network).await);
    for (method, code, text) in [
        ("SelfTest", Code::Unknown, "unimplemented"),
        ("ListEventFilters", Code::Unknown, "unimplemented"),
        ("PutVoipSystemProfile", Code::Unimplemented, "put-voip-system-profile-not-implemented"),
        ("NoSuch", Code::Unimplemented, "unknown method NoSuch for service voltha.VolthaService"),
    ] {
        raw.ready().await.expect("ready");
        let path = format!("/voltha.VolthaService/{method}").parse().expect("a path");
        let codec = tonic_prost::ProstCodec::<Id, Id>::default();
        let e = raw.unary(tonic::Request::new(id("x")), path, codec).await.expect_err(method);
        assert_eq!((e.code(), e.message()), (code, text));
    }
}

#[tokio::test]
async fn adapters_age_when_they_are_dead_and_nothing_else_shows_it() {
    let (network, control) = still(Scale::Small, 20.0).await;
    let mut service = service(&network).await;
    let alive = service.list_adapters(()).await.expect("adapters").into_inner().items;
    assert_eq!(alive.len(), 2);
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).expect("a clock").as_secs() as i64;
    assert!(alive.iter().all(|a| (0..=6).contains(&(now - a.last_communication))));
    control.adapter(0, 0, false);
    let observer = service.clone();
    let seen = || {
        let mut service = observer.clone();
        async move {
            let list = service.list_adapters(()).await.expect("adapters").into_inner().items;
            list.into_iter().find(|a| a.r#type == "openolt").map(|a| a.last_communication)
        }
    };
    let last = seen().await.expect("openolt");
    let olt = control.olt_id(0, 0).expect("an OLT");
    let device = service.get_device(id(&olt)).await.expect("the OLT").into_inner();
    assert_eq!(device.oper_status, i32::from(oper_status::Types::Active));
    assert_eq!(service.disable_device(id(&olt)).await.expect_err("nobody there").code(), Code::Unavailable);
    assert_eq!(seen().await, Some(last));
    control.adapter(0, 0, true);
    until("the OLT is reconciled", || {
        let (mut service, olt) = (service.clone(), olt.clone());
        async move {
            let d = service.get_device(id(&olt)).await.expect("the OLT").into_inner();
            (d.oper_status == i32::from(oper_status::Types::Active)).then_some(())
        }
    })
    .await;
}

#[tokio::test]
async fn a_deleted_onu_returns_under_a_new_id() {
    let (network, control) = still(Scale::Small, 20.0).await;
    let mut service = service(&network).await;
    let (old, serial) = (control.onu_id(0, 3).expect("an ONU"), control.onu_serial(0, 3).expect("a serial"));
    service.delete_device(id(&old)).await.expect("deleted");
    assert_eq!(service.get_device(id(&old)).await.expect_err("gone").code(), Code::NotFound);
    let new = until("the ONU is found again", || {
        let control = control.clone();
        async move { control.onu_id(0, 3) }
    })
    .await;
    assert_ne!(new, old);
    assert_eq!(service.get_device(id(&new)).await.expect("there").into_inner().serial_number, serial);
    until("it is active and told so", || async {
        let names = events(&control, 0).await;
        names.contains(&"ONU_ACTIVATED_RAISE_EVENT".to_owned()).then_some(())
    })
    .await;
    let names = events(&control, 0).await;
    assert!(names.contains(&"ONU_DELETED_RAISE_EVENT".to_owned()));
    assert!(names.contains(&"ONU_DISCOVERY_RAISE_EVENT".to_owned()));
}

#[tokio::test]
async fn an_olt_goes_through_disable_delete_create_enable() {
    let (network, control) = still(Scale::Small, 50.0).await;
    let mut service = service(&network).await;
    let olt = control.olt_id(0, 1).expect("an OLT");
    let serial = control.olt_serial(0, 1).expect("a serial");
    service.disable_device(id(&olt)).await.expect("disabled");
    let host = service.get_device(id(&olt)).await.expect("the OLT").into_inner().address;
    service.delete_device(id(&olt)).await.expect("deleted");
    let left = service.list_devices(()).await.expect("devices").into_inner().items;
    assert_eq!(left.len(), 33);
    assert_eq!(service.list_logical_devices(()).await.expect("switches").into_inner().items.len(), 1);
    let made =
        service.create_device(Device { address: host, ..Device::default() }).await.expect("created").into_inner();
    assert_eq!(made.admin_state, i32::from(admin_state::Types::Preprovisioned));
    assert_ne!(made.id, olt);
    service.enable_device(id(&made.id)).await.expect("enabled");
    until("all ONUs are back", || {
        let mut service = service.clone();
        async move {
            let items = service.list_devices(()).await.expect("devices").into_inner().items;
            let active = items.iter().filter(|d| d.oper_status == i32::from(oper_status::Types::Active)).count();
            (active == 66).then_some(())
        }
    })
    .await;
    assert_eq!(control.olt_serial(0, 1), Some(serial));
}

#[tokio::test]
async fn nobody_answers_at_an_unknown_address() {
    let (network, _) = still(Scale::Small, 50.0).await;
    let mut service = service(&network).await;
    let address = Some(Address::HostAndPort("192.0.2.1:9191".into()));
    let made = service.create_device(Device { address, ..Device::default() }).await.expect("created").into_inner();
    service.enable_device(id(&made.id)).await.expect("accepted");
    until("it activates and gets nowhere", || {
        let (mut service, id) = (service.clone(), id(&made.id));
        async move {
            let d = service.get_device(id).await.expect("the OLT").into_inner();
            (d.oper_status == i32::from(oper_status::Types::Activating)).then_some(())
        }
    })
    .await;
    let e = service.create_device(Device::default()).await.expect_err("no address");
    assert_eq!(e.code(), Code::Unknown);
}

#[tokio::test]
async fn ports_flows_and_meters_hang_together() {
    let (network, control) = still(Scale::Small, 10.0).await;
    let mut service = service(&network).await;
    let olt = control.olt_id(0, 0).expect("an OLT");
    let ports = service.list_device_ports(id(&olt)).await.expect("ports").into_inner().items;
    assert_eq!(ports.len(), 5);
    let pon = ports.iter().find(|p| p.label == "pon-1").expect("a PON port");
    assert_eq!((pon.port_no, pon.peers.len()), (536_870_913, 8));
    let switch = service.list_logical_devices(()).await.expect("switches").into_inner().items;
    let switch = switch.into_iter().find(|s| s.root_device_id == olt).expect("its switch");
    let logical = service.list_logical_device_ports(id(&switch.id)).await.expect("ports").into_inner().items;
    assert_eq!(logical.len(), 33);
    let serial = control.onu_serial(0, 0).expect("a serial");
    let uni = logical.iter().find(|p| p.device_id == control.onu_id(0, 0).unwrap_or_default()).expect("its UNI");
    assert_eq!(uni.ofp_port.as_ref().expect("a port").name, format!("{serial}-1"));

    let in_switch = service.list_logical_device_flows(id(&switch.id)).await.expect("flows").into_inner().items;
    let in_olt = service.list_device_flows(id(&olt)).await.expect("flows").into_inner().items;
    assert!(in_olt.len() > 40);
    assert_eq!(in_switch.len(), in_olt.len() * 2);
    assert_eq!(in_switch.iter().map(|f| f.id).collect::<HashSet<_>>().len(), in_switch.len());
    assert_eq!(service.list_logical_device_meters(id(&switch.id)).await.expect("meters").into_inner().items.len(), 2);
    control.core_restart(0, 3_600);
    let mut service = self::service(&network).await;
    assert!(service.list_logical_device_flows(id(&switch.id)).await.expect("flows").into_inner().items.is_empty());
    assert_eq!(service.list_device_flows(id(&olt)).await.expect("flows").into_inner().items.len(), in_olt.len());

    let port_id = LogicalPortId { id: switch.id, port_id: uni.device_port_no.to_string() };
    service.disable_logical_device_port(port_id).await.expect("disabled");
    let of_onu = service.list_device_ports(id(&uni.device_id)).await.expect("ports").into_inner().items;
    let off = of_onu.iter().find(|p| p.port_no == uni.device_port_no).expect("the UNI");
    assert_eq!(off.admin_state, i32::from(admin_state::Types::Disabled));
    let wrong = Port { device_id: olt, port_no: 16_777_216, ..Port::default() };
    assert_eq!(service.disable_port(wrong).await.expect_err("the uplink").code(), Code::Unimplemented);
}

async fn value(network: &Running, target: &str, ask: Ask) -> Result<(i32, i32, Option<Told>), tonic::Status> {
    let mut extension = ExtensionClient::new(channel(network).await);
    let request = Some(GetValueRequest { request: Some(ask) });
    let told = extension.get_ext_value(SingleGetValueRequest { target_id: target.into(), request }).await?.into_inner();
    let told = told.response.expect("a response");
    Ok((told.status, told.err_reason, told.response))
}

#[tokio::test]
async fn values_on_demand_and_the_one_that_kills_the_adapter() {
    let (network, control) = still(Scale::Small, 10.0).await;
    let (onu, olt) = (control.onu_id(0, 0).expect("an ONU"), control.olt_id(0, 0).expect("an OLT"));
    let (status, _, told) =
        value(&network, &onu, Ask::OnuOpticalInfo(GetOnuPonOpticalInfo::default())).await.expect("optics");
    let Some(Told::OnuOpticalInfo(optics)) = told else { panic!("{told:?}") };
    assert_eq!(status, 1);
    assert!((-30.0..-10.0).contains(&optics.received_optical_power));
    let distance = value(&network, &onu, Ask::Distance(GetDistanceRequest::default())).await.expect("an answer");
    assert_eq!((distance.0, distance.1), (2, 1), "ERROR, UNSUPPORTED");
    let ask = GetOltRxPowerRequest { port_label: "pon-0".into(), onu_sn: String::new() };
    let (_, _, told) = value(&network, &olt, Ask::OltRxPower(ask)).await.expect("powers");
    let Some(Told::OltRxPower(powers)) = told else { panic!("{told:?}") };
    assert_eq!(powers.rx_power.len(), 8);
    let e = value(&network, "no-such", Ask::Distance(GetDistanceRequest::default())).await.expect_err("unknown");
    assert_eq!((e.code(), e.message()), (Code::NotFound, "target-id no-such"));

    let ask = || Ask::OnuStatsFromOlt(GetOnuStatsFromOltRequest { intf_id: 0, onu_id: 1 });
    control.flows(0, 0, true);
    assert_eq!(value(&network, &onu, ask()).await.expect("with flows").0, 1);
    control.flows(0, 0, false);
    assert_eq!(value(&network, &onu, ask()).await.expect_err("a crash").code(), Code::Unavailable);
    let e = value(&network, &olt, Ask::Distance(GetDistanceRequest::default())).await.expect_err("still down");
    assert_eq!(e.code(), Code::Unavailable);
}

#[tokio::test]
async fn a_hanging_core_and_a_cut_one() {
    let (network, control) = still(Scale::Small, 1.0).await;
    let mut service = service(&network).await;
    control.hang(0, true);
    let waiting = tokio::time::timeout(std::time::Duration::from_millis(300), service.list_device_ids(())).await;
    assert!(waiting.is_err(), "answered while hanging");
    control.hang(0, false);
    assert_eq!(service.list_device_ids(()).await.expect("ids").into_inner().items.len(), 66);
    control.grpc_down(0, true);
    until("calls fail", || {
        let mut service = service.clone();
        async move { service.get_voltha(()).await.err() }
    })
    .await;
    control.grpc_down(0, false);
    until("calls work again", || {
        let mut service = service.clone();
        async move { service.get_voltha(()).await.ok() }
    })
    .await;
}

#[tokio::test]
async fn what_a_test_asks_for_is_in_the_topic() {
    let (network, control) = still(Scale::Small, 1.0).await;
    control.raise(0, 5, OnuAlarm::SignalDegrade);
    control.omci_failure(0, 5);
    until("both are there", || async {
        let names = events(&control, 0).await;
        (names == ["ONU_SIGNAL_DEGRADE_RAISE_EVENT", "ONU_OMCI_COMMUNICATION_FAILURE_CONFIG"]).then_some(())
    })
    .await;
    let at = control.garbage(0).expect("an offset");
    let next = control.huge(0, 2).expect("an offset");
    assert_eq!((at, next), (2, 3));
    assert_eq!(control.kafka(0).expect("a broker").offsets("voltha.events", 0), Some((0, 4)));
    control.storm(5_000, 1);
    until("a storm of thousands", || {
        let control = control.clone();
        async move { control.kafka(0)?.offsets("voltha.events", 0).filter(|(_, end)| *end > 4_000) }
    })
    .await;
    drop(network);
}

#[tokio::test]
async fn the_inventory_names_every_device() {
    let (network, control) = still(Scale::Small, 1.0).await;
    let items = network.inventory();
    assert!(items.len() >= 66);
    let olt = items.iter().find(|i| Some(&i.serial) == control.olt_serial(0, 0).as_ref()).expect("the OLT");
    assert!(!olt.site.is_empty());
    let mut csv = Vec::new();
    network.write_inventory(&mut csv).expect("written");
    let file = tempfile::NamedTempFile::with_suffix(".csv").expect("a file");
    std::fs::write(file.path(), &csv).expect("written");
    let read = noctule::config::inventory::load(file.path());
    assert!(read.errors.is_empty(), "{:?}", read.errors);
    assert_eq!(read.items, items);
}
