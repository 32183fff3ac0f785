//! The console's own client against a simulated appliance: what is right, and every way to be wrong.

use std::time::{Duration, Instant};

use noctule::config::schema::{ApiKey, ApiKeyHeader, Raven, SourceKind};
use noctule::controllers::raven::appliance::ApplianceConfig;
use noctule::controllers::raven::client::{Client, Patience};
use noctule::controllers::raven::error::{Error, Failure};
use noctule::controllers::raven::rhythm::What;
use noctule::model::appliance::BufferConfig;
use noctule::model::appliance::poll::{Answer, MeterKind, Poll, Version};
use noctule::model::time::Ts;
use noctule::sim::raven::{RavenControl, RavenOptions, RavenSim, RunningRaven, Target};
use serde_json::json;

use super::until;

fn settings(raven: &RunningRaven) -> Raven {
    let source = raven.config();
    let SourceKind::Raven(config) = source.kind else { panic!("{source:?}") };
    *config
}

fn client(raven: &RunningRaven) -> Client {
    Client::new(&"hall".into(), &settings(raven)).expect("a client")
}

async fn start() -> (RunningRaven, RavenControl, Client) {
    started(RavenOptions::still()).await
}

async fn started(options: RavenOptions) -> (RunningRaven, RavenControl, Client) {
    let raven = RavenSim::start(options).await.expect("an appliance");
    let (control, client) = (raven.control(), client(&raven));
    (raven, control, client)
}

fn now() -> Ts {
    Ts(chrono::Utc::now().timestamp_micros())
}

fn records(poll: &Poll) -> u64 {
    poll.stats.said().expect("a heartbeat").records
}

#[tokio::test]
async fn one_poll_tells_everything() {
    let (_raven, control, client) = started(RavenOptions { ports: true, ..RavenOptions::still() }).await;
    control.store("fluent-bit", 300, 212);
    control.store("goflow2", 100, 303);
    control.load("vector", 2.0, 200);
    control.advance(10.0);
    control.collector("telegraf", false);
    let poll = client.poll_whole(now()).await;
    assert_eq!(records(&poll), 420);
    assert!(poll.response_us > 0 && poll.version == Some(Version::New));
    let services = poll.services.said().expect("services");
    assert_eq!(services.iter().map(|s| s.records).sum::<u64>(), 420);
    assert!(services.iter().all(|s| s.pending == s.records && !s.absurd_time));
    let uplink = poll.uplink.said().expect("an uplink");
    assert!(uplink.not_checked && uplink.forwarding == Some(false));
    assert_eq!(poll.config.said().expect("a configuration").whole()["max_buffer_size_mb"], 1000);
    let processes = poll.processes.said().expect("processes");
    let running = |name: &str| processes.iter().find(|p| p.service == name).and_then(|p| p.running);
    assert_eq!((running("vector"), running("telegraf"), running("nginx")), (Some(true), Some(false), Some(true)));
    let ports = poll.port_plan.said().expect("ports");
    assert!(ports.iter().any(|p| p.path == "collection.syslog.port" && p.service == "fluent-bit"));
    let totals = poll.totals.said().expect("totals");
    assert!(totals.iter().any(|(s, n)| s == "vector" && *n == 20));
    let host = poll.host.said().expect("a host");
    assert!(host.memory_pct.is_some() && host.load_milli.is_some() && host.cpus.is_none() && host.disks.len() == 1);
    let meter =
        |service: &str, what| poll.meters.iter().find(|m| m.service == service && m.what == what).map(|m| m.value);
    assert_eq!(meter("vector", MeterKind::Received), Some(20.0));
    assert_eq!(meter("fluent-bit", MeterKind::Sent), Some(0.0));
    assert_eq!(meter("telegraf", MeterKind::Received), None);
    assert!(poll.estimates.iter().any(|e| e.name == "buffer.utilization_percent" && e.value == "18" && !e.stub));
    assert!(poll.estimates.iter().any(|e| e.name.starts_with("windows.") && e.stub));
}

#[tokio::test]
async fn a_probe_that_hangs_does_not_delay_the_heartbeat() {
    let options = RavenOptions { speed: 10.0, uplink: Target::Hangs, ..RavenOptions::default() };
    let (_raven, control, client) = started(options).await;
    control.store("fluent-bit", 10, 200);
    // 30 s of theirs after the start the probe begins; it takes 5 s, half a second of ours.
    let frozen = until("a frozen status", || async {
        let asked = Instant::now();
        let poll = client.poll(What { services: true, ..What::HEARTBEAT }, now()).await;
        assert!(asked.elapsed() < Duration::from_millis(400), "{:?}", asked.elapsed());
        assert_eq!(records(&poll), 10);
        matches!(poll.services, Answer::NotAsked).then_some(poll)
    })
    .await;
    assert!(matches!(frozen.uplink, Answer::NotAsked));
    // The same call is not made again while it is in flight, whatever is due.
    let again = client.poll(What { services: true, ..What::HEARTBEAT }, now()).await;
    assert_eq!(records(&again), 10);
    let late = match again.services {
        Answer::NotAsked => client.late(now()).await.expect("a late answer"),
        _ => again,
    };
    assert_eq!(late.services.said().expect("services").len(), 4);
    let uplink = late.uplink.said().expect("an uplink");
    assert!(!uplink.connected && uplink.failures >= 1 && uplink.last_error.contains("deadline exceeded"));
}

#[tokio::test]
async fn nothing_comes_late_when_nothing_is_in_flight() {
    let (_raven, _control, client) = start().await;
    assert!(client.late(now()).await.is_none());
    let _ = client.poll_whole(now()).await;
    assert!(client.late(now()).await.is_none());
}

#[tokio::test]
async fn a_limit_of_zero_is_unreadable_and_services_are_told_all_the_same() {
    let (_raven, control, client) = start().await;
    control.store("goflow2", 50, 300);
    let mut whole = client.buffer_config().await.expect("a configuration").whole().clone();
    whole.insert("max_buffer_size_mb".into(), json!(0));
    client.set_buffer_config(&BufferConfig::new(whole)).await.expect("done");
    let poll = client.poll_whole(now()).await;
    assert_eq!(poll.stats, Answer::Unreadable("it answered with nothing".into()));
    let services = poll.services.said().expect("services one by one");
    assert_eq!(services.iter().find(|s| s.service == "goflow2").map(|s| s.records), Some(50));
    assert!(poll.uplink.said().is_some());
    assert_eq!(poll.config.said().expect("a configuration").whole()["max_buffer_size_mb"], 0);
    assert_eq!(poll.version, Some(Version::New));
    assert_eq!(client.health(now()).await.expect("health").word, "healthy");
}

#[tokio::test]
async fn what_cannot_be_read_is_told_with_its_first_words() {
    let (_raven, control, client) = start().await;
    control.answer_nothing(true);
    let poll = client.poll(What::HEARTBEAT, now()).await;
    assert!(matches!(poll.stats, Answer::Unreadable(_)), "{:?}", poll.stats);
    control.answer_nothing(false);
    for text in ["{\"total_records\": NaN}", "<html>\u{1b}[31mgateway", "[1,2]", "{\"health_score\":85}"] {
        control.answer(Some(text));
        let poll = client.poll(What { services: true, ..What::HEARTBEAT }, now()).await;
        let Answer::Unreadable(why) = &poll.stats else { panic!("{text}: {:?}", poll.stats) };
        assert!(!why.contains('\u{1b}') && why.len() < 400, "{why}");
    }
    control.answer(None);
    assert_eq!(records(&client.poll(What::HEARTBEAT, now()).await), 0);
}

#[tokio::test]
async fn services_that_are_down_are_silent() {
    let (_raven, control, client) = start().await;
    assert_eq!(records(&client.poll(What::ALL, now()).await), 0);
    control.buffer_down(true);
    let poll = client.poll_whole(now()).await;
    assert!(matches!(poll.stats, Answer::Silent(_)), "{:?}", poll.stats);
    assert!(matches!(poll.services, Answer::Silent(_)) && matches!(poll.uplink, Answer::Silent(_)));
    assert!(poll.processes.said().is_some() && poll.version.is_none());
    control.buffer_down(false);
    control.config_down(true);
    let poll = client.poll_whole(now()).await;
    assert!(poll.stats.said().is_some() && matches!(poll.processes, Answer::Silent(_)), "{poll:?}");
    assert_eq!(poll.version, Some(Version::New));
}

#[tokio::test]
async fn a_frozen_service_is_given_up_and_then_given_more_time() {
    let (raven, control, _) = start().await;
    let config = settings(&raven);
    let patience =
        Patience { beat: Duration::from_millis(100), beat_max: Duration::from_millis(400), ..Patience::of(&config) };
    let client = Client::with_patience(&"hall".into(), &config, patience).expect("a client");
    control.freeze(true);
    let mut took = Vec::new();
    for _ in 0..3 {
        let poll = client.poll(What::HEARTBEAT, now()).await;
        let Answer::Silent(why) = &poll.stats else { panic!("{:?}", poll.stats) };
        assert!(why.starts_with("no answer in 0."), "{why}");
        took.push(poll.response_us / 1000);
    }
    assert!(took[0] < took[1] && took[1] < took[2] && took[2] < 700, "{took:?}");
    control.freeze(false);
    assert!(client.poll(What::HEARTBEAT, now()).await.stats.said().is_some());
}

#[tokio::test]
async fn the_older_software_is_told_apart() {
    let (_raven, control, client) = start().await;
    control.old(true);
    control.load("fluent-bit", 3.0, 200);
    control.advance(10.0);
    assert_eq!(client.about().await.expect("an answer").version, Version::Old);
    let first = client.poll_whole(now()).await;
    assert_eq!(first.version, Some(Version::Old));
    // Its totals are in the metrics alone, which is known from the second time on.
    let poll = client.poll_whole(now()).await;
    assert!(
        poll.totals.said().expect("totals").iter().any(|(s, n)| s == "fluent-bit" && *n == 30),
        "{:?}",
        poll.totals
    );
    // An update is seen after the silence of its restart.
    control.buffer_down(true);
    assert_eq!(client.poll(What::HEARTBEAT, now()).await.version, None);
    control.buffer_down(false);
    control.old(false);
    assert_eq!(client.poll_whole(now()).await.version, Some(Version::New));
}

#[tokio::test]
async fn all_three_forms_of_the_key_pass() {
    let (raven, control, without) = start().await;
    control.ask_for_key(Some("k3y"));
    assert_eq!(without.services().await.unwrap_err().what, Failure::Login(401));
    assert!(matches!(without.poll_whole(now()).await.processes, Answer::Refused(_)));
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("key");
    std::fs::write(&file, "k3y").expect("a file");
    std::os::unix::fs::PermissionsExt::set_mode(&mut std::fs::metadata(&file).expect("a file").permissions(), 0o600);
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o600);
    std::fs::set_permissions(&file, mode).expect("permissions");
    for header in [ApiKeyHeader::XApiKey, ApiKeyHeader::Bearer, ApiKeyHeader::ApiKey] {
        let key = format!("file:{}", file.display()).parse().expect("a reference");
        let config = Raven { api_key: Some(ApiKey { key, header }), ..settings(&raven) };
        let client = Client::new(&"hall".into(), &config).expect("a client");
        assert_eq!(client.services().await.expect("services").services.len(), 5, "{header:?}");
        assert!(!format!("{client:?}").contains("k3y"));
    }
}

#[tokio::test]
async fn restarts_say_what_was_restarted_or_why_not() {
    let (_raven, control, client) = start().await;
    control.collector("fluent-bit", false);
    let done = client.restart("syslog").await.expect("done");
    assert_eq!(done.words, "Service fluent-bit restarted");
    assert!(control.lives("fluent-bit"));
    for name in ["buffer", "buffer-service", "BUFFER_SERVICE", "", "../x", "a b"] {
        let refused = client.restart(name).await.unwrap_err();
        assert!(matches!(refused.what, Failure::Invalid(_)) && refused.certainly_not_done(), "{name}: {refused}");
    }
    control.fail_restarts(true);
    let Error { what: Failure::Status { code: 500, words }, .. } = client.restart("vector").await.unwrap_err() else {
        panic!("no refusal")
    };
    let expect = "restart failed: service restart failed for vector: exec: \"supervisorctl\": executable file not found in $PATH";
    assert_eq!(words, expect);
}

#[tokio::test]
async fn configurations_go_out_whole_or_not_at_all() {
    let (_raven, control, client) = start().await;
    let partial = json!({"max_buffer_size_mb": 500});
    let refused = client.set_buffer_config(&BufferConfig::new(partial.as_object().unwrap().clone())).await.unwrap_err();
    assert!(matches!(&refused.what, Failure::Invalid(why) if why.contains("enabled is missing")), "{refused}");
    let config = client.appliance_config().await.expect("a configuration");
    let mut whole = config.whole().clone();
    whole["collection"]["syslog"]["port"] = json!(5514);
    client.set_appliance_config(&ApplianceConfig::new(whole)).await.expect("saved");
    let ports = client.appliance_config().await.expect("a configuration").ports();
    assert!(ports.iter().any(|p| p.path == "collection.syslog.port" && p.port == 5514));
    let none = client.set_appliance_config(&ApplianceConfig::default()).await.unwrap_err();
    assert!(matches!(none.what, Failure::Invalid(_)));
    control.break_saved();
    let Error { what: Failure::Status { code: 500, words }, .. } = client.appliance_config().await.unwrap_err() else {
        panic!("it was read")
    };
    assert!(words.starts_with("read error: invalid character"), "{words}");
}

#[tokio::test]
async fn a_replay_runs_without_compression_and_is_stuck_with_it() {
    let (_raven, control, client) = start().await;
    assert!(matches!(client.forward().await.unwrap_err().what, Failure::Status { code: 503, .. }));
    control.uplink(Target::Answers(2));
    control.advance(31.0);
    control.store("fluent-bit", 40, 200);
    control.advance(1.0);
    control.store("goflow2", 40, 300);
    client.forward().await.expect("started");
    assert_eq!(control.records(), (80, 40));
    client.forward().await.expect("started");
    assert_eq!(control.records(), (80, 40));
    let mut whole = client.buffer_config().await.expect("a configuration").whole().clone();
    whole.insert("compression_enabled".into(), json!(false));
    client.set_buffer_config(&BufferConfig::new(whole)).await.expect("done");
    let (_other, control, client) = started(RavenOptions { uplink: Target::Answers(2), ..RavenOptions::still() }).await;
    client
        .set_buffer_config(&BufferConfig::new({
            let mut whole = client.buffer_config().await.expect("a configuration").whole().clone();
            whole.insert("compression_enabled".into(), json!(false));
            whole
        }))
        .await
        .expect("done");
    control.advance(31.0);
    control.store("goflow2", 1500, 300);
    client.forward().await.expect("started");
    assert_eq!(control.records(), (1500, 1000));
    client.forward().await.expect("started");
    let services = client.status(now()).await.expect("a status").services;
    let flows = services.iter().find(|s| s.service == "goflow2").expect("flows");
    assert_eq!((flows.forwarded, flows.pending), (1500, 0));
}

#[tokio::test]
async fn times_and_names_from_outside_are_brought_into_the_plausible() {
    let (_raven, control, client) = start().await;
    control.store_claiming("vector", 1_795_186_300_123);
    control.store_claiming("goflow2", -5);
    control.store("evil\u{202e}name", 3, 100);
    let mut whole = client.buffer_config().await.expect("a configuration").whole().clone();
    whole["services"]["evil\u{202e}name"] = whole["services"]["vector"].clone();
    client.set_buffer_config(&BufferConfig::new(whole)).await.expect("done");
    let _ = client.buffer_config().await.expect("a configuration");
    let at = now();
    let poll = client.poll_whole(at).await;
    let stats = poll.stats.said().expect("a heartbeat");
    assert!(stats.absurd_time && stats.newest <= at && stats.oldest.is_set());
    let services = poll.services.said().expect("services");
    let extra = services.iter().find(|s| s.service == "evilname").expect("the fifth service");
    assert_eq!((extra.records, services.len()), (3, 5));
}

#[tokio::test]
async fn a_slow_appliance_is_waited_for() {
    let (_raven, control, client) = started(RavenOptions::default()).await;
    for service in ["fluent-bit", "goflow2", "telegraf", "vector"] {
        control.store(service, 50_000, 200);
    }
    control.slow(true);
    let poll = client.poll(What { services: true, ..What::HEARTBEAT }, now()).await;
    assert_eq!(records(&poll), 200_000);
    assert!(poll.response_us >= 180_000, "{}", poll.response_us);
    // A status takes about as long as a heartbeat, and is part of the same poll.
    assert!(poll.services.said().is_some());
}

#[tokio::test]
async fn calls_in_flight_end_with_the_client() {
    let (_raven, control, client) = start().await;
    control.freeze(true);
    let waiting = client.clone();
    let poll = tokio::spawn(async move { waiting.poll(What { services: true, ..What::HEARTBEAT }, now()).await });
    until("a call in flight", || async {
        (tokio::runtime::Handle::current().metrics().num_alive_tasks() > 4).then_some(())
    })
    .await;
    poll.abort();
    drop(client);
    let _ = poll.await;
    control.freeze(false);
}
