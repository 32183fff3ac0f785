//! The recorded events of a real stack.

use base64::Engine as _;
use chrono::DateTime;
use rskafka::client::ClientBuilder;
use rskafka::client::partition::{Compression, UnknownTopicHandling};
use rskafka::record::Record;
use serde_json::Value;

/// The topic of events.
pub(crate) const TOPIC: &str = "voltha.events";

/// Key, time and bytes of every recorded message, in order.
pub(crate) fn messages() -> Vec<Record> {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/voltha/events.jsonl");
    let text = std::fs::read_to_string(path).expect("the recorded events");
    let record = |line: &str| {
        let json: Value = serde_json::from_str(line).expect("JSON");
        let value = json["value_b64"].as_str().expect("a value");
        Record {
            key: json["key"].as_str().map(|k| k.as_bytes().to_vec()),
            value: Some(base64::engine::general_purpose::STANDARD.decode(value).expect("base64")),
            headers: std::collections::BTreeMap::new(),
            timestamp: DateTime::from_timestamp_millis(json["timestamp_ms"].as_i64().expect("a time")).expect("a time"),
        }
    };
    text.lines().map(record).collect()
}

/// Writes messages into partition 0 of the topic, which is made when it is not there.
pub(crate) async fn produce(brokers: &[String], messages: Vec<Record>) {
    let client = ClientBuilder::new(brokers.to_vec()).build().await.expect("a client");
    let partition =
        client.partition_client(TOPIC, 0, UnknownTopicHandling::Retry).await.expect("the topic is made by asking");
    for lot in messages.chunks(100) {
        partition.produce(lot.to_vec(), Compression::NoCompression).await.expect("produced");
    }
}
