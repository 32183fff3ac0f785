//! Recorded answers of the northbound gRPC, decoded, against what another protobuf implementation
//! read in them (the `.json` beside each `.bin`).

use noctule::controllers::voltha::proto::{adapter, device, extension, logical_device, openflow_13, voltha};
use prost::Message;
use serde_json::Value;

fn read<M: Message + Default>(name: &str) -> (M, Value) {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/voltha/grpc");
    let bytes = std::fs::read(format!("{folder}/{name}.bin")).expect("a recorded answer");
    let text = std::fs::read_to_string(format!("{folder}/{name}.json")).expect("its reading");
    let json: Value = serde_json::from_str(&text).expect("JSON");
    assert_eq!(json["response_bytes"].as_u64(), Some(bytes.len() as u64), "{name}");
    (M::decode(bytes.as_slice()).expect(name), json["response"].clone())
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

fn number(value: &Value) -> u64 {
    value.as_u64().or_else(|| value.as_str().and_then(|s| s.parse().ok())).unwrap_or_default()
}

fn items(value: &Value) -> &[Value] {
    value["items"].as_array().map_or(&[], Vec::as_slice)
}

#[test]
fn every_recorded_answer_decodes() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/voltha/grpc");
    let mut read = 0;
    for entry in std::fs::read_dir(folder).expect("the folder") {
        let path = entry.expect("an entry").path();
        if path.extension().is_none_or(|e| e != "bin") {
            continue;
        }
        let name = path.file_stem().and_then(|s| s.to_str()).expect("a name").to_owned();
        let bytes = std::fs::read(&path).expect("readable");
        let ok = match name.split('_').next().unwrap_or_default() {
            "ChangeEvent" => openflow_13::ChangeEvent::decode(&*bytes).is_ok(),
            "GetDeviceType" => device::DeviceType::decode(&*bytes).is_ok(),
            "GetDevice" => device::Device::decode(&*bytes).is_ok(),
            "GetExtValue" if name.contains("_old_") => extension::ReturnValues::decode(&*bytes).is_ok(),
            "GetExtValue" => extension::SingleGetValueResponse::decode(&*bytes).is_ok(),
            "GetImages" => device::Images::decode(&*bytes).is_ok(),
            "GetLogicalDevice" => logical_device::LogicalDevice::decode(&*bytes).is_ok(),
            "GetOnuImages" => device::OnuImages::decode(&*bytes).is_ok(),
            "GetVoltha" => voltha::Voltha::decode(&*bytes).is_ok(),
            "ListAdapters" => adapter::Adapters::decode(&*bytes).is_ok(),
            "ListDeviceFlowGroups" | "ListLogicalDeviceFlowGroups" => openflow_13::FlowGroups::decode(&*bytes).is_ok(),
            "ListDeviceFlows" | "ListLogicalDeviceFlows" => openflow_13::Flows::decode(&*bytes).is_ok(),
            "ListDevicePmConfigs" => device::PmConfigs::decode(&*bytes).is_ok(),
            "ListDevicePorts" => device::Ports::decode(&*bytes).is_ok(),
            "ListDeviceTypes" => device::DeviceTypes::decode(&*bytes).is_ok(),
            "ListDevices" => device::Devices::decode(&*bytes).is_ok(),
            "ListLogicalDeviceMeters" => openflow_13::Meters::decode(&*bytes).is_ok(),
            "ListLogicalDevicePorts" => logical_device::LogicalPorts::decode(&*bytes).is_ok(),
            "ListLogicalDevices" => logical_device::LogicalDevices::decode(&*bytes).is_ok(),
            "ListDeviceIds" | "SimulateAlarm" => true,
            other => panic!("{other}: an answer that no test knows"),
        };
        assert!(ok, "{name}");
        read += 1;
    }
    assert!(read >= 40, "{read} answers");
}

#[test]
fn devices_agree() {
    let (list, json) = read::<device::Devices>("ListDevices");
    assert_eq!(list.items.len(), 33);
    for (device, json) in list.items.iter().zip(items(&json)) {
        assert_eq!(device.id, text(&json["id"]));
        assert_eq!(device.serial_number, text(&json["serial_number"]));
        assert_eq!(device.parent_id, text(&json["parent_id"]));
        assert_eq!(device.root, json["root"].as_bool().unwrap_or_default());
        assert_eq!(device.reason, text(&json["reason"]));
        assert_eq!(u64::from(device.parent_port_no), number(&json["parent_port_no"]));
        assert_eq!(device.oper_status().as_str_name(), json["oper_status"].as_str().unwrap_or("UNKNOWN"));
        assert_eq!(device.connect_status().as_str_name(), json["connect_status"].as_str().unwrap_or("UNKNOWN"));
        let groups = device.pm_configs.as_ref().map_or(0, |p| p.groups.len());
        assert_eq!(groups, json["pm_configs"]["groups"].as_array().map_or(0, Vec::len));
    }
}

#[test]
fn ports_agree() {
    let (ports, json) = read::<device::Ports>("ListDevicePorts_olt");
    assert_eq!(ports.items.len(), 5);
    for (port, json) in ports.items.iter().zip(items(&json)) {
        assert_eq!(u64::from(port.port_no), number(&json["port_no"]));
        assert_eq!(port.label, text(&json["label"]));
        assert_eq!(port.r#type().as_str_name(), text(&json["type"]));
        assert_eq!(port.peers.len(), json["peers"].as_array().map_or(0, Vec::len));
    }
    let (ports, json) = read::<logical_device::LogicalPorts>("ListLogicalDevicePorts");
    assert_eq!(ports.items.len(), 33, "32 UNIs and the NNI");
    for (port, json) in ports.items.iter().zip(items(&json)) {
        assert_eq!(port.id, text(&json["id"]));
        assert_eq!(port.device_id, text(&json["device_id"]));
        assert_eq!(port.ofp_port.as_ref().map(|p| p.name.as_str()), json["ofp_port"]["name"].as_str());
    }
}

#[test]
fn flows_and_meters_agree() {
    let (flows, json) = read::<openflow_13::Flows>("ListLogicalDeviceFlows");
    assert_eq!(flows.items.len(), 12, "three subscribers");
    for (flow, json) in flows.items.iter().zip(items(&json)) {
        assert_eq!(flow.id, number(&json["id"]));
        assert_eq!(flow.cookie, number(&json["cookie"]));
        assert_eq!(u64::from(flow.priority), number(&json["priority"]));
        assert_eq!(flow.instructions.len(), json["instructions"].as_array().map_or(0, Vec::len));
    }
    let (meters, json) = read::<openflow_13::Meters>("ListLogicalDeviceMeters");
    for (meter, json) in meters.items.iter().zip(items(&json)) {
        let config = meter.config.as_ref().expect("a configuration");
        assert_eq!(u64::from(config.meter_id), number(&json["config"]["meter_id"]));
        let rates: Vec<_> = config.bands.iter().map(|b| u64::from(b.rate)).collect();
        let told: Vec<_> =
            json["config"]["bands"].as_array().expect("bands").iter().map(|b| number(&b["rate"])).collect();
        assert_eq!(rates, told);
    }
}

#[test]
fn adapters_and_images_agree() {
    let (adapters, json) = read::<adapter::Adapters>("ListAdapters");
    for (adapter, json) in adapters.items.iter().zip(items(&json)) {
        assert_eq!(adapter.id, text(&json["id"]));
        assert_eq!(adapter.version, text(&json["version"]));
        assert_eq!(adapter.last_communication, number(&json["last_communication"]) as i64);
    }
    let (images, json) = read::<device::OnuImages>("GetOnuImages");
    for (image, json) in images.items.iter().zip(items(&json)) {
        assert_eq!(image.version, text(&json["version"]));
        assert_eq!(image.is_active, json["isActive"].as_bool().unwrap_or_default());
    }
}

#[test]
fn fixed_width_counters_are_read_as_such() {
    let (answer, json) = read::<extension::SingleGetValueResponse>("GetExtValue_onuInfo_onu");
    assert!(answer.response.is_some());
    let shown = format!("{answer:?}");
    assert!(!shown.is_empty() && json["response"].is_object());
}
