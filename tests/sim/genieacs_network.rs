//! The network and its ACS tell one story: who loses the light or the mains informs no more, and
//! tells of it when he is back.

use noctule::config::schema::SourceKind;
use noctule::controllers::genieacs::client::Client;
use noctule::controllers::genieacs::device::DeviceDoc;
use noctule::controllers::genieacs::wire::{DeviceId, Projection};
use noctule::model::time::Ts;
use noctule::sim::{Control, Network, Running, SimOptions};

use super::until;

/// A hundred seconds of the network in one.
const SPEED: f64 = 100.0;

async fn start() -> (Running, Control, Client) {
    let options = SimOptions { speed: SPEED, acs: true, ..SimOptions::still() };
    let network = Network::start(options).await.expect("a network");
    let config = network.config();
    let found = config.sources.iter().find_map(|s| match &s.kind {
        SourceKind::Genieacs(acs) => Some(Client::new(&"acs".into(), acs).expect("a client")),
        SourceKind::Voltha(_)
        | SourceKind::Raven(_)
        | SourceKind::Prometheus(_)
        | SourceKind::Alertmanager(_)
        | SourceKind::Libvirt(_) => None,
    });
    let control = network.control();
    (network, control, found.expect("an ACS"))
}

/// A CPE that comes when it is called, behind one of these ONUs.
async fn behind(client: &Client, control: &Control, network: &Running, onus: &[usize]) -> DeviceId {
    let serials: Vec<String> = onus.iter().filter_map(|onu| control.onu_serial(0, *onu)).collect();
    for id in network.acs().expect("an ACS").ids() {
        let id = DeviceId::new(id);
        if serials.iter().any(|s| id.as_str().ends_with(s)) && client.poke(&id).await.is_ok() {
            return id;
        }
    }
    panic!("none answers behind {serials:?}");
}

async fn read(client: &Client, id: &DeviceId) -> DeviceDoc {
    let doc = client.device(id, Projection::of(["_id".to_owned(), "_lastInform".to_owned(), "_lastBoot".to_owned()]));
    doc.await.expect("an answer").expect("the device")
}

async fn until_informed(client: &Client, id: &DeviceId, after: Ts) -> DeviceDoc {
    until("an inform", || async { Some(read(client, id).await).filter(|d| d.last_inform > after) }).await
}

#[tokio::test]
async fn behind_a_cut_fibre_nobody_informs_and_nobody_has_rebooted_afterwards() {
    let (network, control, client) = start().await;
    let onus = control.onus_of(0, 0, 0);
    let id = behind(&client, &control, &network, &onus).await;
    let before = read(&client, &id).await;
    control.cut_fibre(0, 0, 0);
    let refused = until("no answer", || async { client.poke(&id).await.err() }).await;
    assert!(refused.to_string().contains("offline"), "{refused}");
    let silent = read(&client, &id).await.last_inform;
    // Three of its intervals pass.
    let from = network.seconds();
    until("three minutes", || async { (network.seconds() > from + 180).then_some(()) }).await;
    assert_eq!(read(&client, &id).await.last_inform, silent);
    control.repair_fibre(0, 0, 0);
    let after = until_informed(&client, &id, silent).await;
    assert_eq!(after.last_boot, before.last_boot);
    until("an answer", || async { client.poke(&id).await.ok() }).await;
}

#[tokio::test]
async fn after_a_power_failure_the_cpes_of_the_street_boot() {
    let (network, control, client) = start().await;
    let id = behind(&client, &control, &network, &control.onus_of(0, 0, 0)).await;
    let before = read(&client, &id).await;
    let onu = control.onus_of(0, 0, 0).into_iter().find(|onu| {
        let serial = control.onu_serial(0, *onu);
        serial.is_some_and(|serial| id.as_str().ends_with(&serial))
    });
    let street = control.street_power_off(0, onu.expect("its ONU"));
    until("no answer", || async { client.poke(&id).await.err() }).await;
    let silent = read(&client, &id).await.last_inform;
    control.power_on(0, &street);
    let after = until_informed(&client, &id, silent).await;
    assert!(after.last_boot > before.last_boot, "{:?} {:?}", before.last_boot, after.last_boot);
}

#[tokio::test]
async fn a_new_onu_brings_a_new_cpe() {
    let (network, control, client) = start().await;
    let acs = network.acs().expect("an ACS");
    let before = acs.ids();
    let onu = control.plug_in(0, 0, 0).expect("room");
    let serial = control.onu_serial(0, onu).expect("a serial");
    let id = until("a first inform", || async {
        acs.ids().into_iter().find(|id| !before.contains(id) && id.ends_with(&serial))
    })
    .await;
    assert!(read(&client, &DeviceId::new(id)).await.last_inform.is_set());
}

#[tokio::test]
async fn what_is_dark_from_the_start_was_not_heard_since() {
    let options = SimOptions { speed: 1.0, acs: true, history: true, ..SimOptions::still() };
    let network = Network::start(options).await.expect("a network");
    let config = network.config();
    let acs = config.sources.iter().find_map(|s| match &s.kind {
        SourceKind::Genieacs(acs) => Some(acs),
        SourceKind::Voltha(_)
        | SourceKind::Raven(_)
        | SourceKind::Prometheus(_)
        | SourceKind::Alertmanager(_)
        | SourceKind::Libvirt(_) => None,
    });
    let client = Client::new(&"acs".into(), acs.expect("an ACS")).expect("a client");
    let (mut fresh, mut old) = (0, 0);
    for id in network.acs().expect("an ACS").ids() {
        let age = noctule::workers::now().since(read(&client, &DeviceId::new(id)).await.last_inform);
        if age < 90 * noctule::model::time::SECOND { fresh += 1 } else { old += 1 }
    }
    assert!(fresh >= 30 && old >= 2, "{fresh} online, {old} not");
}
