//! What requests are read, and what is said of those that cannot be.

use proptest::prelude::*;
use secrecy::ExposeSecret as _;

use super::*;

const MASS: &str = r#"
name = "Guest WiFi"
max_concurrent = 10
dry_run = true
[device_filter]
query = { manufacturer = "Huawei", software_version = "V3*" }
expected_count = 400
[wifi]
ssid = "Guest"
password = "env:GUEST_WIFI"
channel = 6
[custom_parameters]
"InternetGatewayDevice.Time.NTPServer1" = "ntp.example.net"
"Device.ManagementServer.PeriodicInformInterval" = 300
"#;

fn toml(text: &str) -> Result<Parsed, RequestError> {
    read(text, Format::Toml)
}

fn told(text: &str) -> String {
    toml(text).unwrap_err().to_string()
}

#[test]
fn a_mass_configuration_is_read() {
    let Parsed { request, typed } = toml(MASS).unwrap();
    assert_eq!(request.targets, JobTargets::Query(r#"{"manufacturer":"Huawei","software_version":"V3*"}"#.to_owned()));
    assert_eq!((request.expected_count, request.max_concurrent, request.dry_run), (Some(400), Some(10), true));
    let Work::Set(changes) = &request.work else { panic!("{:?}", request.work) };
    let names: Vec<_> = changes.iter().map(|c| (c.setting.name(), c.value.shown())).collect();
    assert_eq!(names[0], ("wifi.ssid", "Guest".to_owned()));
    assert_eq!(names[1], ("wifi.password", "••••••".to_owned()));
    assert_eq!(names[4], ("Device.ManagementServer.PeriodicInformInterval", "300".to_owned()));
    assert!(typed.is_empty(), "a reference is no secret");
}

#[test]
fn the_same_in_json_is_the_same() {
    let json = r#"{"name":"Guest WiFi","max_concurrent":10,"dry_run":true,
        "device_filter":{"query":{"manufacturer":"Huawei","software_version":"V3*"},"expected_count":400},
        "wifi":{"ssid":"Guest","password":"env:GUEST_WIFI","channel":6},
        "custom_parameters":{"InternetGatewayDevice.Time.NTPServer1":"ntp.example.net",
        "Device.ManagementServer.PeriodicInformInterval":300}}"#;
    assert_eq!(read(json, Format::Json).unwrap().request, toml(MASS).unwrap().request);
}

#[test]
fn a_typed_secret_never_enters_the_request() {
    let parsed = toml("name = 'x'\nfilter = '*'\n[wan]\nusername = 'u'\npassword = 'hunter22'\n").unwrap();
    assert!(!format!("{parsed:?}").contains("hunter22"));
    let bytes = minicbor::to_vec(&parsed.request).unwrap();
    assert!(!bytes.windows(8).any(|w| w == b"hunter22"));
    assert_eq!(parsed.typed[0].1.expose_secret(), "hunter22");
    let custom = "name = 'x'\nfilter = '*'\n[custom_parameters]\n'Device.ManagementServer.Password' = 'hunter22'\n";
    assert_eq!(toml(custom).unwrap().typed.len(), 1);
}

#[test]
fn a_firmware_schedule_is_read() {
    let text = "name = 'v8'\nfirmware_file = 'HG_V8.bin'\nscheduled_at = '2026-11-21T02:00'\ntimezone = 'Africa/Lagos'\n\
        window = '3h'\nrepeat = 'every Tuesday'\nversion = 'V8R1'\ndevice_filter = { model = 'HG8245H' }\n";
    let request = toml(text).unwrap().request;
    assert_eq!(request.targets, JobTargets::Query(r#"{"model":"HG8245H"}"#.to_owned()));
    assert_eq!(request.waves, Waves::CAREFUL);
    let schedule = request.schedule.unwrap();
    assert_eq!((schedule.zone.as_str(), schedule.window), ("Africa/Lagos", Window::For(3 * 3600)));
    assert_eq!(schedule.repeat.to_string(), "every Tuesday");
    let Work::Firmware(fw) = request.work else { panic!() };
    assert_eq!((fw.file_type.as_str(), fw.version.as_deref()), (FIRMWARE_IMAGE, Some("V8R1")));
}

#[test]
fn verbs_are_read_with_what_they_need() {
    let verb = |rest: &str| toml(&format!("name = 'x'\nfilter = 'model = A'\n{rest}"));
    assert_eq!(verb("verb = 'reboot'").unwrap().request.work, Work::Verb(CpeVerb::Reboot));
    assert_eq!(verb("verb = 'tag'\ntag = 'pilot'").unwrap().request.work, Work::Verb(CpeVerb::Tag("pilot".to_owned())));
    assert_eq!(verb("verb = 'tag'").unwrap_err().to_string(), "line 3: verb: it needs tag");
    let error = verb("verb = 'rebot'").unwrap_err().to_string();
    assert!(error.contains("reboot") && error.starts_with("line 3"), "{error}");
}

#[test]
fn mistakes_are_told_with_their_place() {
    assert!(told("name = 'x'\nfilter = '*'\n[wifi]\nssid = ''\n").starts_with("line 4: wifi.ssid: "));
    assert!(told("name = 'x'\nfilter = '*'\n\n[wifi]\nsid = 'x'\n").starts_with("line 5: unknown field"));
    assert!(told("name = 'x'\nname = 'y'\n").starts_with("line 2"));
    assert!(
        told("name = 'x'\nfilter = '*'\nmax_concurrent = 101\n[wifi]\nssid='a'").starts_with("line 3: max_concurrent")
    );
    assert!(
        told("name = 'x'\nfilter = '*'\n[lan]\nsubnet_mask = '255.0.255.0'").starts_with("line 4: lan.subnet_mask")
    );
    assert!(told("name = 'x'\nfilter = '*'\n[wan]\nvlan_id = 4095").contains("1 to 4094"));
    assert!(told("name = 'x'\nfilter = '*'\n").contains("say what to do"));
    assert!(told("name = 'x'\nverb = 'reboot'\n").contains("say which devices"));
    assert!(told("name = 'x'\nverb = 'reboot'\ndevices = ['A', 'A']\n").contains("A stands there twice"));
    assert!(told("name = 'x'\nverb = 'reboot'\nfilter = ' '\n").contains("every device"));
    assert!(told("name = 'x'\nverb = 'reboot'\nfilter = '*'\nwindow = '3h'\n").contains("without scheduled_at"));
    let range =
        "name='x'\nfilter='*'\n[lan]\nipv4_address='192.168.1.1'\nsubnet_mask='255.255.255.0'\ndhcp_start='10.0.0.1'";
    assert!(told(range).starts_with("line 6: lan.dhcp_start"), "{}", told(range));
    let json = read("{\"name\": \"x\",\n \"filter\": \"*\",\n \"wifi\": {\"channel\": 20}}", Format::Json);
    assert!(json.unwrap_err().to_string().starts_with("line 3: wifi.channel: 1 to 13"));
    let json = read("{\"name\": \"x\",\n \"wifi\": [}", Format::Json).unwrap_err();
    assert_eq!(json.line, 2);
    let secret = told("name='x'\nfilter='*'\n[wifi]\npassword='short'");
    assert!(!secret.contains("short"), "{secret}");
}

proptest! {
    #[test]
    fn no_text_panics(text in "(name|filter|wifi|\\[|\\]|=|'|\"|\\{|\\}|:|,|\n|\\PC){0,40}") {
        for format in [Format::Toml, Format::Json] {
            if let Err(error) = read(&text, format) {
                prop_assert!(error.line >= 1 && !error.message.is_empty());
            }
        }
    }

    #[test]
    fn a_request_survives_the_journal(ssid in "[a-z]{1,32}", canary in 0..50_u32, n in 1..=100_u16) {
        let text = format!(
            "name='x'\nfilter='*'\nmax_concurrent={n}\nwaves={{canary={canary},percent=10}}\n[wifi]\nssid='{ssid}'\n"
        );
        let request = toml(&text).unwrap().request;
        let bytes = minicbor::to_vec(&request).unwrap();
        prop_assert_eq!(minicbor::decode::<JobRequest>(&bytes).unwrap(), request);
    }
}
