//! The broker against librdkafka, through `kcat` (Debian package `kcat`).

use std::process::Stdio;

use noctule::sim::kafka::{Broker, BrokerOptions};
use tokio::io::AsyncWriteExt;
use tokio::process::Command;

async fn kcat(broker: &Broker, args: &[&str], input: &str) -> String {
    let mut child = Command::new("kcat")
        .arg("-b")
        .arg(broker.addresses().join(","))
        .args(args)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .expect("kcat is installed (Debian package kcat)");
    let mut stdin = child.stdin.take().expect("stdin");
    stdin.write_all(input.as_bytes()).await.expect("written");
    drop(stdin);
    let done = tokio::time::timeout(std::time::Duration::from_secs(30), child.wait_with_output()).await;
    let done = done.expect("kcat ends").expect("kcat runs");
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    String::from_utf8(done.stdout).expect("text")
}

#[tokio::test]
async fn librdkafka_lists_produces_and_consumes() {
    let broker = Broker::start(&BrokerOptions::default(), None).await.expect("a broker");
    broker.create_topic("voltha.events", 2);
    let listing = kcat(&broker, &["-L"], "").await;
    assert!(listing.contains("topic \"voltha.events\" with 2 partitions"), "{listing}");

    kcat(&broker, &["-P", "-t", "voltha.events", "-p", "1", "-K", ":"], "k1:one\nk2:two\nk3:three\n").await;
    assert_eq!(broker.offsets("voltha.events", 1), Some((0, 3)));
    for compression in ["gzip", "lz4", "snappy"] {
        kcat(&broker, &["-P", "-t", "voltha.events", "-p", "0", "-z", compression], &"long line\n".repeat(500)).await;
    }
    assert_eq!(broker.offsets("voltha.events", 0), Some((0, 1_500)));

    let read =
        kcat(&broker, &["-C", "-t", "voltha.events", "-p", "1", "-o", "1", "-e", "-q", "-f", "%o %k %s\n"], "").await;
    assert_eq!(read, "1 k2 two\n2 k3 three\n");
    let all = kcat(&broker, &["-C", "-t", "voltha.events", "-o", "beginning", "-e", "-q"], "").await;
    assert_eq!(all.lines().count(), 1_503);
}

#[tokio::test]
async fn librdkafka_reads_what_this_process_appends() {
    let network = noctule::sim::Network::start(noctule::sim::SimOptions::default()).await.expect("a network");
    let control = network.control();
    let broker = control.kafka(0).expect("a broker");
    let end = broker.offsets("voltha.events", 0).expect("the topic").1;
    assert!(end > 20, "the past is in the log");
    let read =
        kcat(broker, &["-C", "-t", "voltha.events", "-o", "beginning", "-c", "20", "-e", "-q", "-f", "%o\n"], "");
    assert_eq!(read.await.lines().count(), 20);
}
