//! The broker against rskafka, the client noctule uses, and against bytes that are no Kafka.

use std::time::Duration;

use bytes::Bytes;
use noctule::sim::kafka::{Answers, Broker, BrokerOptions, Message};
use rskafka::client::error::{Error, ProtocolError};
use rskafka::client::partition::{Compression, OffsetAt, PartitionClient, UnknownTopicHandling};
use rskafka::client::{Client, ClientBuilder};
use rskafka::record::Record;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

const TOPIC: &str = "voltha.events";

async fn broker(options: BrokerOptions) -> Broker {
    let broker = Broker::start(&options, None).await.expect("a broker");
    broker.create_topic(TOPIC, 2);
    broker
}

async fn client(broker: &Broker) -> Client {
    ClientBuilder::new(broker.addresses()).build().await.expect("a client")
}

async fn partition(client: &Client, n: i32) -> PartitionClient {
    client.partition_client(TOPIC, n, UnknownTopicHandling::Error).await.expect("a partition client")
}

fn message(value: &str) -> Message {
    Message { key: Some(Bytes::new()), value: Bytes::from(value.to_owned()), timestamp_ms: 1_795_000_000_000 }
}

fn record(value: &str) -> Record {
    Record {
        key: Some(b"k".to_vec()),
        value: Some(value.as_bytes().to_vec()),
        headers: std::collections::BTreeMap::new(),
        timestamp: chrono::DateTime::from_timestamp(1_795_000_000, 0).expect("a time"),
    }
}

async fn values(p: &PartitionClient, from: i64) -> Vec<(i64, String)> {
    let (records, _) = p.fetch_records(from, 1..10_000_000, 200).await.expect("records");
    let text = |r: Record| String::from_utf8(r.value.expect("a value")).expect("text");
    records.into_iter().map(|r| (r.offset, text(r.record))).collect()
}

#[tokio::test]
async fn a_topic_is_described_and_read_from_any_offset() {
    let broker = broker(BrokerOptions::default()).await;
    broker.append(TOPIC, 1, &[message("a"), message("b"), message("c")]);
    broker.append(TOPIC, 1, &[message("d")]);
    let client = client(&broker).await;
    let topics = client.list_topics().await.expect("topics");
    assert_eq!(topics.len(), 1);
    assert_eq!(topics[0].partitions.len(), 2);
    let p = partition(&client, 1).await;
    assert_eq!(p.get_offset(OffsetAt::Earliest).await.expect("earliest"), 0);
    assert_eq!(p.get_offset(OffsetAt::Latest).await.expect("latest"), 4);
    assert_eq!(values(&p, 1).await, [(1, "b".into()), (2, "c".into()), (3, "d".into())]);
    let (records, end) = p.fetch_records(0, 1..1_000_000, 100).await.expect("records");
    assert_eq!((records[0].record.key.clone(), end), (Some(Vec::new()), 4), "an empty key is not a null one");
}

#[tokio::test]
async fn what_is_produced_is_read_back_compressed_or_not() {
    let broker = broker(BrokerOptions::default()).await;
    let client = client(&broker).await;
    let p = partition(&client, 0).await;
    let ways =
        [Compression::NoCompression, Compression::Gzip, Compression::Lz4, Compression::Snappy, Compression::Zstd];
    for (n, how) in ways.into_iter().enumerate() {
        let offsets = p.produce(vec![record("x"), record("y")], how).await.expect("produced");
        assert_eq!(offsets, [n as i64 * 2, n as i64 * 2 + 1]);
    }
    let read = values(&p, 0).await;
    assert_eq!(read.len(), ways.len() * 2);
    assert!(read.iter().all(|(offset, v)| v == if offset % 2 == 0 { "x" } else { "y" }));
}

#[tokio::test]
async fn a_fetch_waits_for_what_comes_and_no_longer() {
    let broker = std::sync::Arc::new(broker(BrokerOptions::default()).await);
    let client = client(&broker).await;
    let p = partition(&client, 0).await;
    let (records, end) = p.fetch_records(0, 1..1_000_000, 50).await.expect("an empty answer");
    assert!(records.is_empty());
    assert_eq!(end, 0);
    let waiting = tokio::spawn(async move { p.fetch_records(0, 1..1_000_000, 20_000).await });
    tokio::task::yield_now().await;
    broker.append(TOPIC, 0, &[message("now")]);
    let answer = tokio::time::timeout(Duration::from_secs(10), waiting).await.expect("woken").expect("task");
    assert_eq!(answer.expect("records").0.len(), 1);
}

#[tokio::test]
async fn records_that_are_gone_are_an_error_that_says_so() {
    let broker = broker(BrokerOptions { keep: 2_000, ..BrokerOptions::default() }).await;
    for _ in 0..50 {
        broker.append(TOPIC, 0, &[message(&"z".repeat(200))]);
    }
    let client = client(&broker).await;
    let p = partition(&client, 0).await;
    let earliest = p.get_offset(OffsetAt::Earliest).await.expect("earliest");
    assert!(earliest > 40);
    match p.fetch_records(0, 1..1_000_000, 50).await {
        Err(Error::ServerError { protocol_error: ProtocolError::OffsetOutOfRange, .. }) => {}
        other => panic!("{other:?}"),
    }
    assert_eq!(values(&p, earliest).await[0].0, earliest);
}

#[tokio::test]
async fn a_client_follows_the_leader_to_another_node() {
    let broker = broker(BrokerOptions { nodes: 2, ..BrokerOptions::default() }).await;
    broker.append(TOPIC, 0, &[message("before")]);
    let client = client(&broker).await;
    let p = partition(&client, 0).await;
    assert_eq!(values(&p, 0).await.len(), 1);
    broker.move_leader(TOPIC, 0, 1);
    broker.append(TOPIC, 0, &[message("after")]);
    let read = tokio::time::timeout(Duration::from_secs(20), values(&p, 1)).await.expect("in time");
    assert_eq!(read, [(1, "after".to_owned())]);
}

#[tokio::test]
async fn an_unknown_topic_is_not_made_up() {
    let broker = broker(BrokerOptions::default()).await;
    let client = client(&broker).await;
    let none = client.partition_client("nothing", 0, UnknownTopicHandling::Error).await;
    assert!(none.is_err());
    let controller = client.controller_client().expect("a controller");
    controller.create_topic("made", 3, 1, 5_000).await.expect("created");
    assert!(client.list_topics().await.expect("topics").iter().any(|t| t.name == "made" && t.partitions.len() == 3));
}

#[tokio::test]
async fn a_cut_connection_is_opened_again() {
    let broker = broker(BrokerOptions::default()).await;
    broker.append(TOPIC, 0, &[message("a")]);
    let client = client(&broker).await;
    let p = partition(&client, 0).await;
    for _ in 0..3 {
        broker.drop_connections();
        assert_eq!(values(&p, 0).await.len(), 1);
    }
}

#[tokio::test]
async fn a_hanging_broker_answers_nothing_until_it_does() {
    let broker = broker(BrokerOptions::default()).await;
    broker.append(TOPIC, 0, &[message("a")]);
    let client = client(&broker).await;
    let p = partition(&client, 0).await;
    broker.hang(true);
    let waiting = tokio::time::timeout(Duration::from_millis(300), values(&p, 0)).await;
    assert!(waiting.is_err(), "answered while hanging");
    broker.hang(false);
    assert_eq!(values(&p, 0).await.len(), 1);
}

#[tokio::test]
async fn huge_messages_pass_whole() {
    let broker = broker(BrokerOptions::default()).await;
    broker.append(TOPIC, 0, &[message(&"h".repeat(9 << 20)), message("small")]);
    let client = client(&broker).await;
    let p = partition(&client, 0).await;
    let read = values(&p, 0).await;
    assert_eq!((read.len(), read[0].1.len(), read[1].1.as_str()), (2, 9 << 20, "small"));
}

fn port(broker: &Broker) -> String {
    broker.addresses()[0].clone()
}

async fn closes(address: &str, bytes: &[u8]) {
    let mut peer = TcpStream::connect(address).await.expect("connected");
    peer.write_all(bytes).await.expect("written");
    let mut answer = Vec::new();
    let read = tokio::time::timeout(Duration::from_secs(10), peer.read_to_end(&mut answer)).await;
    // An end or a reset; both close the connection.
    let _ = read.expect("the broker closes the connection");
    assert!(answer.is_empty(), "{answer:?}");
}

#[tokio::test]
async fn bytes_that_are_no_kafka_close_the_connection_and_nothing_else() {
    let broker = broker(BrokerOptions::default()).await;
    let address = port(&broker);
    closes(&address, b"GET / HTTP/1.1\r\nHost: x\r\n\r\n").await;
    closes(&address, &(-1_i32).to_be_bytes()).await;
    closes(&address, &i32::MAX.to_be_bytes()).await;
    // A fetch of version 0, which nobody serves any more, and one cut inside a field.
    closes(&address, &[0, 0, 0, 10, 0, 1, 0, 0, 0, 0, 0, 1, 0xff, 0xff]).await;
    closes(&address, &[0, 0, 0, 12, 0, 1, 0, 4, 0, 0, 0, 1, 0xff, 0xff, 0, 0]).await;
    // A peer that promises a request and goes away.
    let mut half = TcpStream::connect(&address).await.expect("connected");
    half.write_all(&[0, 0, 1, 0, 0, 1]).await.expect("written");
    drop(half);
    let client = client(&broker).await;
    assert_eq!(client.list_topics().await.expect("still there").len(), 1);
}

#[tokio::test]
async fn answers_can_be_made_bad_for_tests_of_clients() {
    let broker = broker(BrokerOptions::default()).await;
    let ask = [0, 0, 0, 10, 0, 18, 0, 0, 0, 0, 0, 7, 0xff, 0xff];
    for (how, first) in [(Answers::Garbage, 32_i32), (Answers::Oversized, i32::MAX)] {
        broker.answer(how);
        let mut peer = TcpStream::connect(port(&broker)).await.expect("connected");
        peer.write_all(&ask).await.expect("written");
        assert_eq!(peer.read_i32().await.expect("a length"), first);
    }
    broker.answer(Answers::Half);
    let mut peer = TcpStream::connect(port(&broker)).await.expect("connected");
    peer.write_all(&ask).await.expect("written");
    let promised = peer.read_i32().await.expect("a length") as usize;
    let mut rest = Vec::new();
    let _ = peer.read_to_end(&mut rest).await;
    assert_eq!(rest.len(), promised / 2);
}
