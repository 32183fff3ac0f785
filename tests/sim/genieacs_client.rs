//! The console's own client against a simulated GenieACS.

use futures_util::TryStreamExt;
use noctule::config::schema::SourceKind;
use noctule::controllers::genieacs::client::Client;
use noctule::controllers::genieacs::map;
use noctule::controllers::genieacs::profile::Profiles;
use noctule::controllers::genieacs::task::{ConnectionRequest, Outcome, Setting, Task, TaskKind};
use noctule::controllers::genieacs::wire::{Collection, DeviceId, Filter, Find, Scalar};
use noctule::sim::genieacs::{Acs, AcsOptions, Answers, RunningAcs};

async fn start() -> (RunningAcs, Client) {
    let acs = Acs::start(AcsOptions::still()).await.expect("an ACS");
    let source = acs.config();
    let SourceKind::Genieacs(config) = &source.kind else { panic!("{source:?}") };
    let client = Client::new(&source.name.as_str().into(), config).expect("a client");
    (acs, client)
}

#[tokio::test]
async fn every_cpe_of_every_maker_is_understood() {
    let (acs, client) = start().await;
    assert!(client.version().await.expect("a version").starts_with("1.2.16"));
    assert_eq!(client.count(Collection::Devices, &Filter::all()).await.expect("a total"), 40);
    let profiles = Profiles::load(None).expect("the shipped profiles");
    let find = Find::default().only(map::projection(&profiles));
    let docs: Vec<_> = client.devices(&find).try_collect().await.expect("a list");
    let ids = acs.control().ids();
    assert_eq!(docs.len(), ids.len());
    for doc in &docs {
        let cpe = map::cpe(doc, &profiles);
        assert!(ids.contains(&cpe.id), "{}", cpe.id);
        for text in [&cpe.serial, &cpe.manufacturer, &cpe.firmware, &cpe.hardware, &cpe.ip, &cpe.ssid] {
            assert!(!text.is_empty(), "{cpe:?}");
        }
        // The old WiMAX router is the one without optics.
        if cpe.product_class != "BM632w" {
            let rx = cpe.rx_centi_dbm.expect("a power");
            assert!((-2_850..=-1_450).contains(&rx), "{cpe:?}");
            assert!(cpe.pppoe_user.ends_with("@isp"), "{cpe:?}");
        }
    }
}

#[tokio::test]
async fn a_task_ends_as_the_reason_says() {
    let (acs, client) = start().await;
    let control = acs.control();
    let id = control.plug_in("G-1425G-A", "ALCL00000003").expect("a model");
    let device = DeviceId::new(id.as_str());
    let set = |value: &str| {
        let setting = Setting::new("Device.WiFi.SSID.1.SSID", Scalar::Text(value.into()));
        Task::new(TaskKind::SetParameterValues(vec![setting])).keyed("job")
    };
    let done = client.post_task(&device, &set("One"), ConnectionRequest::Yes).await.expect("an answer");
    assert_eq!(done.outcome, Outcome::Done);
    control.refuse_parameter("Device.WiFi.SSID.1.SSID", 9_001);
    let refused = client.post_task(&device, &set("Two"), ConnectionRequest::Yes).await.expect("an answer");
    assert_eq!(refused.outcome, Outcome::Faulted);
    let faults = client.faults(&Filter::all()).await.expect("faults");
    assert_eq!(faults.len(), 1);
    assert_eq!(faults[0].parameters().len(), 1);
    client.retry_task(&refused.task_id.expect("its id")).await.expect("retried");
    control.answers(&id, Answers::Refuses);
    let offline = client.post_task(&device, &set("Three"), ConnectionRequest::Yes).await.expect("an answer");
    assert!(matches!(offline.outcome, Outcome::Offline(_)), "{offline:?}");
    assert_eq!(client.tasks_of_key("job").await.expect("tasks").len(), 1, "the key replaced the older one");
    control.answers(&id, Answers::WrongPassword);
    let wrong = client.post_task(&device, &set("Four"), ConnectionRequest::Yes).await.expect("an answer");
    assert!(matches!(wrong.outcome, Outcome::Error(_)), "{wrong:?}");
}
