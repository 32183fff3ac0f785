//! Simulators of the controllers, on the real wire protocols, deterministic from one seed.
//!
//! `noctule demo` and the tests run on them: the console connects with the same client code as to
//! real systems. [`Network::start`] binds loopback ports, plays the network's past and lets its time
//! run; [`Control`] makes things happen.

mod control;
pub mod genieacs;
pub mod kafka;
pub mod libvirt;
mod net;
mod network;
pub mod prometheus;
pub mod raven;
pub mod rfb;
mod run;
pub mod supervisor;
mod timed;
mod voltha;

pub use control::Control;
pub use network::alarm::OnuAlarm;
pub use run::{Network, Running};

/// How large the network is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Scale {
    /// 1 stack, 2 OLTs, 64 ONUs.
    #[default]
    Small,
    /// 3 stacks, 10,000 ONUs.
    City,
    /// 50 stacks, 200,000 ONUs.
    Region,
}

impl std::str::FromStr for Scale {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "small" => Ok(Self::Small),
            "city" => Ok(Self::City),
            "region" => Ok(Self::Region),
            _ => Err(format!("no scale {text:?}: small, city or region")),
        }
    }
}

/// Certificate and key of the simulated servers, PEM.
#[derive(Debug, Clone)]
pub struct SimTls {
    /// Certificate chain.
    pub cert: String,
    /// Private key.
    pub key: String,
    /// Authority of client certificates; when set, clients must show one.
    pub client_ca: Option<String>,
}

/// What is simulated, and how.
#[derive(Debug, Clone)]
pub struct SimOptions {
    /// Size.
    pub scale: Scale,
    /// The same seed gives the same network and the same events.
    pub seed: u64,
    /// Virtual seconds a real second.
    pub speed: f64,
    /// Whether things happen by themselves.
    pub script: bool,
    /// Whether there is a past, with alarms that still stand.
    pub history: bool,
    /// Partitions of `voltha.events`.
    pub partitions: usize,
    /// Nodes of each Kafka cluster.
    pub kafka_nodes: usize,
    /// Bytes of events kept a partition.
    pub keep: usize,
    /// TLS on both servers.
    pub tls: Option<SimTls>,
    /// User and password for SASL at the brokers.
    pub login: Option<(String, String)>,
    /// Ways to log in that the brokers offer.
    pub mechanisms: Vec<kafka::Mechanism>,
    /// Whether there is an ACS too, whose CPEs are behind the ONUs.
    pub acs: bool,
    /// Whether there are the telemetry appliances of a fair too.
    pub fair: bool,
    /// Whether there are hosts of virtual machines too.
    pub vms: bool,
    /// Whether there is an Alertmanager with a Prometheus too, which watch what is around the network.
    pub alerts: bool,
}

impl Default for SimOptions {
    fn default() -> Self {
        Self {
            scale: Scale::Small,
            seed: 1,
            speed: 1.0,
            script: true,
            history: true,
            partitions: 1,
            kafka_nodes: 1,
            keep: 8 << 20,
            tls: None,
            login: None,
            mechanisms: kafka::Mechanism::ALL.to_vec(),
            acs: false,
            fair: false,
            vms: false,
            alerts: false,
        }
    }
}

impl SimOptions {
    /// A network in which nothing happens but what a test asks for.
    #[must_use]
    pub fn still() -> Self {
        Self { script: false, history: false, ..Self::default() }
    }
}

/// Why the simulators did not start.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// No loopback port.
    #[error("the simulator cannot listen on 127.0.0.1: {0}")]
    Listen(#[from] std::io::Error),
    /// The certificate cannot be used.
    #[error("the simulator cannot use its certificate: {0}")]
    Tls(String),
    /// Time cannot run at that speed.
    #[error("speed {0} is not between 0.01 and 1000")]
    Speed(f64),
}
