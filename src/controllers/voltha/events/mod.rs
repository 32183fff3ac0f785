//! The event stream: a consumer of every partition of one Kafka topic, without a consumer group,
//! because where to go on is in our own journal.
//!
//! **Why rskafka.** It is pure Rust (plain `cargo build` links no librdkafka), speaks SASL PLAIN
//! and SCRAM and TLS by rustls with ring, reads all compressions, follows a partition's leader
//! (a fetch answered with "not leader" or a broken connection drops the cached connection and
//! asks for metadata again), and gives the plain fetch by partition and offset that is needed
//! here. krafka 0.28 does all that and consumer groups too, but is young, changes its interface
//! with every release, and demands Rust 1.95 where this package promises 1.89.
//!
//! What rskafka lacks is added here: a time limit on every request (a broker that hangs would
//! hang the reader), a limit on its own retries (else an operator sees nothing for minutes), the
//! expected server name, a way past a batch that cannot be read, and words for what went wrong.

mod partition;
mod words;

use std::sync::Arc;
use std::time::Duration;

use rskafka::BackoffConfig;
use rskafka::client::partition::UnknownTopicHandling;
use rskafka::client::{Client, ClientBuilder, Credentials, SaslConfig};
use secrecy::ExposeSecret;

use crate::config::schema::{Kafka, SaslMechanism};
use crate::model::ids::SourceName;

use super::error::{Call, Error, ErrorKind};
use crate::controllers::tls;
pub use partition::{Fetched, Message, Reader};

/// How long rskafka may retry inside one request.
const RETRIES: Duration = Duration::from_secs(4);
/// How long connecting may take, all brokers together.
const CONNECT: Duration = Duration::from_secs(12);
/// The largest answer of a broker that is read.
const LARGEST: usize = 64 << 20;

/// A connection to the brokers of one source.
#[derive(Debug, Clone)]
pub struct Stream {
    source: SourceName,
    topic: Arc<str>,
    client: Arc<Client>,
}

impl Stream {
    /// Connects and logs in. Reads secrets and certificates first, on a blocking thread.
    ///
    /// # Errors
    /// See [`ErrorKind`].
    pub async fn connect(source: &SourceName, config: &Kafka) -> Result<Self, Error> {
        let brokers = config.brokers.join(",");
        let call = Call { source, name: "Kafka connect", target: &brokers };
        let settings = config.clone();
        let builder = tokio::task::spawn_blocking(move || builder(&settings))
            .await
            .map_err(|e| call.error(ErrorKind::Config, "-", e.to_string()))?
            .map_err(|words| call.error(ErrorKind::Config, "-", words))?;
        let client = tokio::time::timeout(CONNECT, builder.build())
            .await
            .map_err(|_| call.error(ErrorKind::Deadline, "-", format!("waited {} s", CONNECT.as_secs())))?
            .map_err(|e| words::error(&call, &e))?;
        Ok(Self { source: source.clone(), topic: config.topic.as_str().into(), client: Arc::new(client) })
    }

    /// The partitions of the topic, in order.
    ///
    /// # Errors
    /// [`ErrorKind::NoTopic`] when there is no such topic; else see [`ErrorKind`].
    pub async fn partitions(&self) -> Result<Vec<i32>, Error> {
        let call = Call { source: &self.source, name: "Kafka metadata", target: &self.topic };
        let topics = tokio::time::timeout(CONNECT, self.client.list_topics())
            .await
            .map_err(|_| call.error(ErrorKind::Deadline, "-", format!("waited {} s", CONNECT.as_secs())))?
            .map_err(|e| words::error(&call, &e))?;
        let topic = topics.into_iter().find(|t| *t.name == *self.topic);
        match topic.map(|t| t.partitions.into_iter().collect::<Vec<_>>()) {
            Some(mut partitions) if !partitions.is_empty() => {
                partitions.sort_unstable();
                Ok(partitions)
            }
            _ => Err(call.error(ErrorKind::NoTopic, "UNKNOWN_TOPIC_OR_PARTITION", "")),
        }
    }

    /// A reader of one partition that goes on after the journalled offset `after`, or begins with
    /// the earliest message that is kept.
    ///
    /// # Errors
    /// See [`ErrorKind`].
    pub async fn reader(&self, partition: i32, after: Option<i64>) -> Result<Reader, Error> {
        let target = format!("{}[{partition}]", self.topic);
        let call = Call { source: &self.source, name: "Kafka leader", target: &target };
        let client = self.client.partition_client(self.topic.to_string(), partition, UnknownTopicHandling::Error);
        let client = tokio::time::timeout(CONNECT, client)
            .await
            .map_err(|_| call.error(ErrorKind::Deadline, "-", format!("waited {} s", CONNECT.as_secs())))?
            .map_err(|e| words::error(&call, &e))?;
        Reader::start(self.source.clone(), target, client, after).await
    }
}

/// Settings as rskafka takes them; blocks on secrets and files.
fn builder(config: &Kafka) -> Result<ClientBuilder, String> {
    if config.brokers.is_empty() {
        return Err("kafka.brokers is empty".to_owned());
    }
    let mut builder = ClientBuilder::new(config.brokers.clone())
        .client_id("noctule")
        .max_message_size(LARGEST)
        .backoff_config(BackoffConfig {
            init_backoff: Duration::from_millis(100),
            max_backoff: Duration::from_secs(1),
            base: 2.0,
            deadline: Some(RETRIES),
        });
    if let Some(tls) = &config.tls {
        builder = builder.tls_config(Arc::new(tls::for_stream(tls)?));
    }
    if let Some(sasl) = &config.sasl {
        let password = sasl.password.resolve().map_err(|e| format!("kafka.sasl.password: {e}"))?;
        let credentials = Credentials::new(sasl.username.clone(), password.expose_secret().to_owned());
        builder = builder.sasl_config(match sasl.mechanism {
            SaslMechanism::Plain => SaslConfig::Plain(credentials),
            SaslMechanism::ScramSha256 => SaslConfig::ScramSha256(credentials),
            SaslMechanism::ScramSha512 => SaslConfig::ScramSha512(credentials),
        });
    }
    Ok(builder)
}
