//! The seeded fleet: both ways to write a document agree, queries see what is written, and the same
//! seed gives the same fleet.

use serde_json::Value as Json;

use super::models::MODELS;
use super::render::Program;
use super::*;
use crate::sim::Scale;
use crate::sim::genieacs::data::{Document, json, project::Projection};
use crate::sim::genieacs::query::{Flavour, parse};

const NOW: i64 = 1_795_185_000_000;

fn small() -> Fleet {
    seeded(Plan::of(Scale::Small), 1, NOW, &["TWSH9E3779B1".into()])
}

fn written(fleet: &Fleet, at: u32, projection: &Projection) -> (Json, Json) {
    let view = fleet.view(at).unwrap();
    let program = Program::new(view.template, projection, view.cpe.model());
    let (mut fast, mut slow) = (Vec::new(), Vec::new());
    program.write(&mut fast, view, projection);
    json(&mut slow, &projection.apply(view.document()));
    (serde_json::from_slice(&fast).unwrap(), serde_json::from_slice(&slow).unwrap())
}

#[test]
fn both_ways_to_write_a_document_agree() {
    let fleet = small();
    for list in [
        "",
        "_id",
        "_id,_lastInform,_deviceId,_tags",
        "_deviceId._OUI,_lastBoot,Nothing.There",
        "InternetGatewayDevice.DeviceInfo,Device.DeviceInfo.SoftwareVersion",
        "InternetGatewayDevice.DeviceInfo.SoftwareVersion._value,InternetGatewayDevice.DeviceInfo.Missing",
        "InternetGatewayDevice.DeviceInfo.ProcessStatus.CPUUsage._value,VirtualParameters.RXPower",
        "InternetGatewayDevice.LANDevice.1.WLANConfiguration.1.SSID._timestamp,VirtualParameters",
    ] {
        let projection = Projection::parse(list);
        for at in 0..fleet.places() {
            let (fast, slow) = written(&fleet, at, &projection);
            // Objects compare without regard to order.
            assert_eq!(fast, slow, "{list}");
        }
    }
}

#[test]
fn a_query_sees_what_is_written() {
    let fleet = small();
    for (_, view) in fleet.each() {
        let doc = view.document();
        for leaf in &view.template.leaves {
            for attribute in ["_value", "_writable", "_type", "_timestamp"] {
                let path = format!("{}.{attribute}", leaf.path);
                let (mut fast, mut slow) = (Vec::new(), Vec::new());
                view.visit(&path, &mut |v| {
                    fast.push(v.clone());
                    false
                });
                doc.visit(&path, &mut |v| {
                    slow.push(v.clone());
                    false
                });
                assert_eq!(fast, slow, "{path}");
            }
        }
    }
}

#[test]
fn a_small_fleet_shows_all_that_matters() {
    let fleet = small();
    assert_eq!(fleet.each().count(), 40);
    let ids: Vec<String> = fleet.each().map(|(_, v)| v.cpe.id()).collect();
    assert!(ids.iter().any(|id| id.contains("%2D")));
    assert!(ids[0].ends_with("-TWSH9E3779B1"));
    let tr181 = fleet.each().filter(|(_, v)| v.cpe.model().tr181).count();
    assert!((10..=17).contains(&tr181), "{tr181}");
    let models: std::collections::HashSet<u8> = fleet.each().map(|(_, v)| v.cpe.model).collect();
    assert!(models.len() >= 7);
}

#[test]
fn a_city_spreads() {
    let fleet = seeded(Plan::of(Scale::City), 7, NOW, &[]);
    assert_eq!(fleet.each().count(), 5_000);
    let rx: Vec<i16> = fleet.each().map(|(_, v)| v.cpe.rx).collect();
    assert!(rx.iter().all(|r| (-2_800..=-1_500).contains(r)));
    assert!(rx.iter().any(|r| *r < -2_650) && rx.iter().any(|r| *r > -1_650));
    let off = fleet.each().filter(|(_, v)| v.cpe.phase == Phase::Off).count();
    assert!((200..=400).contains(&off), "{off}");
    let old = fleet.each().filter(|(_, v)| v.cpe.version() != v.cpe.model().newest()).count();
    assert!((2_000..=4_000).contains(&old), "{old}");
    let query = parse(&serde_json::json!({"_deviceId._Manufacturer": "Huawei*"}), Flavour::Devices).unwrap();
    let share = fleet.each().filter(|(_, v)| query.matches(v)).count();
    assert!((1_500..=2_200).contains(&share), "{share}");
    assert!(MODELS.iter().all(|m| fleet.each().any(|(_, v)| v.cpe.model().product == m.product)));
}

#[test]
fn the_same_seed_gives_the_same_fleet() {
    let text = |seed| {
        let fleet = seeded(Plan::of(Scale::Small), seed, NOW, &[]);
        let mut out = Vec::new();
        fleet.each().for_each(|(_, v)| json(&mut out, &v.document()));
        out
    };
    assert_eq!(text(3), text(3));
    assert_ne!(text(3), text(4));
}
