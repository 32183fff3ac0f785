//! A Kafka broker in this process, on loopback, that speaks the real protocol.
//!
//! It does what a consumer and a producer use (`ApiVersions`, `Metadata`, `ListOffsets`, `Fetch`
//! with long poll, `Produce`, `CreateTopics`, SASL PLAIN and SCRAM, TLS) and keeps a bounded log in memory.
//! A cluster may have several nodes, so that a change of leader can be seen by a client.

mod api;
mod batch;
mod log;
mod sasl;
mod server;
mod wire;

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;

pub use batch::Message;
pub use sasl::Mechanism;
pub use server::Answers;

use super::net::Faults;
use api::Cluster;
use log::Topics;
use server::Node;

/// How a cluster is set up.
#[derive(Debug, Clone)]
pub struct BrokerOptions {
    /// Nodes, each with a port of its own.
    pub nodes: usize,
    /// Bytes kept a partition; older batches are dropped.
    pub keep: usize,
    /// Whether asking for an unknown topic creates it.
    pub auto_create: bool,
    /// User and password for SASL; `None` = no login.
    pub login: Option<(String, String)>,
    /// Ways to log in that are offered.
    pub mechanisms: Vec<Mechanism>,
}

impl Default for BrokerOptions {
    fn default() -> Self {
        Self { nodes: 1, keep: 32 << 20, auto_create: false, login: None, mechanisms: Mechanism::ALL.to_vec() }
    }
}

/// A running cluster; it ends when dropped.
#[derive(Debug)]
pub struct Broker {
    cluster: Arc<Cluster>,
    faults: Arc<Faults>,
    answers: Arc<AtomicU8>,
    stop: CancellationToken,
}

impl Broker {
    /// Binds and serves.
    ///
    /// # Errors
    /// When no loopback port can be bound.
    pub async fn start(options: &BrokerOptions, tls: Option<Arc<rustls::ServerConfig>>) -> std::io::Result<Self> {
        let mut listeners = Vec::new();
        let mut ports = Vec::new();
        for _ in 0..options.nodes.max(1) {
            let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
            ports.push(listener.local_addr()?.port());
            listeners.push(listener);
        }
        let cluster = Arc::new(Cluster {
            topics: Topics::new(options.keep),
            ports,
            auto_create: options.auto_create,
            login: options.login.clone(),
            mechanisms: options.mechanisms.clone(),
        });
        let (faults, answers, stop) = (Arc::new(Faults::default()), Arc::default(), CancellationToken::new());
        for (id, listener) in listeners.into_iter().enumerate() {
            let node = Node {
                cluster: Arc::clone(&cluster),
                id: id as i32,
                faults: Arc::clone(&faults),
                answers: Arc::clone(&answers),
            };
            let tls = tls.clone().map(TlsAcceptor::from);
            tokio::spawn(server::serve(listener, Arc::new(node), tls, stop.clone()));
        }
        Ok(Self { cluster, faults, answers, stop })
    }

    /// `host:port` of each node.
    #[must_use]
    pub fn addresses(&self) -> Vec<String> {
        self.cluster.ports.iter().map(|p| format!("127.0.0.1:{p}")).collect()
    }

    /// Creates a topic; false when it exists.
    pub fn create_topic(&self, topic: &str, partitions: usize) -> bool {
        self.cluster.topics.create(topic, partitions)
    }

    /// Drops a topic, as a broker that kept its log in memory does at a restart.
    pub fn remove_topic(&self, topic: &str) -> bool {
        self.cluster.topics.remove(topic)
    }

    /// Appends messages; returns the offset of the first, `None` without such a partition.
    pub fn append(&self, topic: &str, partition: usize, messages: &[Message]) -> Option<i64> {
        self.cluster.topics.append(topic, partition, messages)
    }

    /// First kept and next offset of a partition.
    #[must_use]
    pub fn offsets(&self, topic: &str, partition: usize) -> Option<(i64, i64)> {
        self.cluster.topics.range(topic, partition)
    }

    /// Makes a node the leader of a partition.
    pub fn move_leader(&self, topic: &str, partition: usize, node: i32) {
        self.cluster.topics.lead(topic, partition, node);
    }

    /// Cuts the open connections.
    pub fn drop_connections(&self) {
        self.faults.drop_connections();
    }

    /// Accepts requests without answering them while on.
    pub fn hang(&self, on: bool) {
        self.faults.set_hang(on);
    }

    /// Closes new connections at once while on (open ones are cut now).
    pub fn refuse(&self, on: bool) {
        self.faults.set_refuse(on);
        if on {
            self.faults.drop_connections();
        }
    }

    /// Stops listening and closes every connection.
    pub fn stop(&self) {
        self.stop.cancel();
    }

    /// What the answers look like from now on.
    pub fn answer(&self, how: Answers) {
        self.answers.store(how as u8, Ordering::SeqCst);
    }
}

impl Drop for Broker {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}
