//! The appliances of the demo: each tells its story to the console's own client.

use std::collections::BTreeMap;
use std::net::UdpSocket;

use noctule::config::schema::SourceKind;
use noctule::controllers::raven::client::Client;
use noctule::model::appliance::Poll;
use noctule::model::appliance::poll::{Answer, Version};
use noctule::model::time::Ts;
use noctule::sim::raven::{Fair, RunningFair};

fn now() -> Ts {
    Ts(chrono::Utc::now().timestamp_micros())
}

async fn polls(fair: &RunningFair) -> BTreeMap<String, Poll> {
    let mut all = BTreeMap::new();
    for source in fair.config() {
        let SourceKind::Raven(config) = &source.kind else { panic!("{source:?}") };
        let client = Client::new(&source.name.as_str().into(), config).expect("a client");
        all.insert(source.name.clone(), client.poll_whole(now()).await);
    }
    all
}

#[tokio::test]
async fn every_appliance_has_its_story() {
    let started = std::time::Instant::now();
    let mut fair = Fair::start(1, 1.0).await.expect("a fair");
    assert!(started.elapsed().as_secs() < 5, "{:?}", started.elapsed());
    let polls = polls(&fair).await;
    assert_eq!(polls.len(), 12);
    let pending = |name: &str| polls[name].services.said().expect(name).iter().map(|s| s.pending).sum::<u64>();
    let fill = |name: &str| {
        let stats = polls[name].stats.said().expect(name);
        let bytes: u64 = polls[name].services.said().expect(name).iter().map(|s| s.bytes).sum();
        bytes as f64 / stats.limit_bytes as f64
    };
    for name in ["fair-hall-01", "fair-hall-02", "fair-parking", "fair-press-centre"] {
        assert!((0.1..0.6).contains(&fill(name)), "{name}: {}", fill(name));
        assert!(polls[name].uplink.said().expect(name).connected, "{name}");
    }
    assert!((0.88..0.95).contains(&fill("fair-hall-03")), "{}", fill("fair-hall-03"));
    assert!((1.0..1.05).contains(&fill("fair-open-air")), "{}", fill("fair-open-air"));
    assert!(polls["fair-hall-03"].uplink.said().unwrap().failures > 1000);
    let dead = polls["fair-hall-04"].processes.said().unwrap();
    assert!(dead.iter().any(|p| p.service == "fluent-bit" && p.running == Some(false)));
    assert_eq!(polls["fair-arena"].stats.said().unwrap().records / 10_000, 100);
    assert!(polls["fair-arena"].response_us > 700_000);
    assert!(matches!(polls["fair-south-gate"].stats, Answer::Unreadable(_)));
    assert_eq!(polls["fair-station"].config.said().unwrap().whole()["cleanup_interval_minutes"], 0);
    assert_eq!(polls["fair-press-centre"].version, Some(Version::Old));
    for name in ["fair-congress", "fair-north-gate"] {
        assert!(polls[name].uplink.said().unwrap().connected && pending(name) > 50_000, "{name}: {}", pending(name));
    }
    // The past is in the order of time, ends now, and shows the buffer filling up.
    let past = fair.take_past();
    assert!(fair.take_past().is_empty());
    let hall: Vec<_> = past.iter().filter(|p| p.source == "fair-hall-03").collect();
    assert!(hall.len() > 380 && hall.windows(2).all(|w| w[0].poll.at < w[1].poll.at));
    let used = |n: usize| hall[n].poll.stats.said().unwrap().used_bytes;
    assert!(used(0) == 0 && used(100) < used(200) && used(200) < used(hall.len() - 1));
}

#[tokio::test]
async fn one_replay_runs_and_one_is_stuck() {
    let fair = Fair::start(1, 60.0).await.expect("a fair");
    let (runs, stuck) = (fair.control("fair-congress").unwrap(), fair.control("fair-north-gate").unwrap());
    let (before, held) = (runs.records().1, stuck.records().1);
    super::until("a replay", || async { (runs.records().1 > before + 2000).then_some(()) }).await;
    assert!(stuck.connected());
    assert_eq!(stuck.records().1, held);
}

#[tokio::test]
async fn a_dead_collector_is_behind_a_live_port_until_it_is_restarted() {
    let fair = Fair::start(1, 1.0).await.expect("a fair");
    let source = fair.config().into_iter().find(|s| s.name == "fair-hall-04").expect("the hall");
    let SourceKind::Raven(config) = &source.kind else { panic!("{source:?}") };
    let port = config.services["fluent-bit"].ports.as_ref().expect("ports")[0].clone();
    let taken = |port: u16| UdpSocket::bind(("127.0.0.1", port)).is_err();
    assert!(taken(port.port) && !taken(port.inner.expect("a relay")));
    let client = Client::new(&source.name.as_str().into(), config).expect("a client");
    let told = client.appliance_config().await.expect("a configuration").ports();
    assert!(told.iter().any(|p| p.path == "collection.syslog.port" && p.port == port.port));
    client.restart("fluent-bit").await.expect("restarted");
    assert!(taken(port.inner.expect("a relay")));
}
