//! NoC Raven appliances in this process: buffer service and config service on loopback, with what the
//! real ones were seen to do, including what is surprising: a probe of the uplink that freezes half of
//! the calls, a replay that is stuck at the first flow, an answer with nothing in it when the limit is
//! zero, a configuration that is accepted and kills the service at its next start.

mod control;
mod fair;
mod http;
mod ports;
mod world;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

pub use control::RavenControl;
pub use fair::{Fair, Past, RunningFair};
pub use world::uplink::Target;

use super::Error;
use crate::config::schema::{CollectorMetrics, Probe, Raven, ServiceSettings, Source, SourceKind};
use http::{Live, Which};
use world::settings::Settings;
use world::{Appliance, SECOND, Saved};

/// What is simulated, and how.
#[derive(Debug, Clone)]
pub struct RavenOptions {
    /// What the source is called.
    pub name: String,
    /// The same seed gives the same loads.
    pub seed: u64,
    /// Virtual seconds a real second.
    pub speed: f64,
    /// Time stands still but for calls that wait and for [`RavenControl::advance`]: no test waits.
    pub stepped: bool,
    /// Real time at the start, Unix seconds, when it is not to be now.
    pub anchor_s: Option<i64>,
    /// What the forwarding target does.
    pub uplink: Target,
    /// Whether the collectors have ports on loopback, and metric endpoints.
    pub ports: bool,
}

impl Default for RavenOptions {
    fn default() -> Self {
        Self {
            name: "raven".to_owned(),
            seed: 1,
            speed: 1.0,
            stepped: false,
            anchor_s: None,
            uplink: Target::Refuses,
            ports: false,
        }
    }
}

impl RavenOptions {
    /// An appliance in which nothing happens but what a test asks for, and time moves only with it.
    #[must_use]
    pub fn still() -> Self {
        Self { stepped: true, ..Self::default() }
    }
}

/// The simulator of one appliance.
#[derive(Debug, Clone, Copy)]
pub struct RavenSim;

/// An appliance that runs; it stops when this is dropped.
#[derive(Debug)]
pub struct RunningRaven {
    name: String,
    live: Arc<Live>,
    buffer_port: u16,
    config_port: u16,
    metrics_port: Option<u16>,
    stop: CancellationToken,
}

impl RavenSim {
    /// A shipped appliance with an empty buffer, its collectors alive and idle. Binds its ports; needs
    /// a tokio runtime.
    ///
    /// # Errors
    /// No loopback port, or an impossible speed.
    pub async fn start(options: RavenOptions) -> Result<RunningRaven, Error> {
        if !(0.01..=1_000.0).contains(&options.speed) {
            return Err(Error::Speed(options.speed));
        }
        let anchor = options.anchor_s.map_or_else(present, |s| s.saturating_mul(SECOND));
        let mut appliance = Appliance::new(anchor, options.seed, Settings::shipped(), options.uplink, 1);
        appliance.collectors = ["fluent-bit", "goflow2", "telegraf", "vector"]
            .map(|service| world::Collector::new(service, 0.0, 200.0))
            .to_vec();
        appliance.saved = Saved::Told(shipped());
        serve(&options.name, appliance, options.speed, options.stepped, options.ports).await
    }
}

/// The present, µs since 1970.
fn present() -> i64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |d| d.as_micros() as i64)
}

/// Binds the ports of an appliance and serves it.
async fn serve(
    name: &str,
    mut appliance: Appliance,
    speed: f64,
    stepped: bool,
    with_ports: bool,
) -> Result<RunningRaven, Error> {
    let mut pairs = Vec::new();
    if with_ports {
        pairs = ports::open()?;
        if let Saved::Told(config) = &mut appliance.saved {
            ports::write(&pairs, config);
        }
    }
    let live = Arc::new(Live::new(appliance, speed, stepped, Mutex::new(pairs)));
    live.follow();
    let stop = CancellationToken::new();
    let listen = async |which| {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let port = listener.local_addr()?.port();
        tokio::spawn(http::serve(listener, Arc::clone(&live), which, stop.clone()));
        Ok::<_, std::io::Error>(port)
    };
    let (buffer_port, config_port) = (listen(Which::Buffer).await?, listen(Which::Config).await?);
    let metrics_port = if with_ports { Some(listen(Which::Collectors).await?) } else { None };
    Ok(RunningRaven { name: name.to_owned(), live, buffer_port, config_port, metrics_port, stop })
}

impl RunningRaven {
    /// Base URL of the buffer service.
    #[must_use]
    pub fn buffer_url(&self) -> String {
        format!("http://127.0.0.1:{}", self.buffer_port)
    }

    /// Base URL of the config service.
    #[must_use]
    pub fn config_url(&self) -> String {
        format!("http://127.0.0.1:{}", self.config_port)
    }

    /// The source that watches this appliance. Where it has ports, they are on this machine.
    #[must_use]
    pub fn config(&self) -> Source {
        let mut raven = Raven { config: Some(self.config_url()), ..Raven::new(self.buffer_url()) };
        if let Some(port) = self.metrics_port {
            let at = |service: &str| Some(format!("http://127.0.0.1:{port}/{service}"));
            raven.metrics = CollectorMetrics {
                telegraf: at("telegraf"),
                fluent_bit: at("fluent-bit"),
                goflow2: at("goflow2"),
                vector: at("vector"),
            };
            raven.probe = Probe::Local;
            let mut services: BTreeMap<String, ServiceSettings> = BTreeMap::new();
            for (service, port) in self.live.ports() {
                services.entry(service.to_owned()).or_default().ports.get_or_insert_default().push(port);
            }
            raven.services = services;
        }
        Source { name: self.name.clone(), kind: SourceKind::Raven(Box::new(raven)) }
    }

    /// What makes things happen.
    #[must_use]
    pub fn control(&self) -> RavenControl {
        RavenControl::new(Arc::clone(&self.live))
    }

    /// Stops the servers; connections are closed.
    pub fn stop(self) {}
}

impl Drop for RunningRaven {
    fn drop(&mut self) {
        self.stop.cancel();
        self.live.buffer.drop_connections();
        self.live.config.drop_connections();
    }
}

/// The configuration that the web panel comes with.
fn shipped() -> Value {
    let collects = |port: u16| json!({"bindAddress": "0.0.0.0", "enabled": true, "port": port, "protocol": "UDP"});
    let with = |mut base: Value, more: Value| {
        if let (Some(base), Value::Object(more)) = (base.as_object_mut(), more) {
            base.extend(more);
        }
        base
    };
    json!({
        "alerts": {
            "cpuThreshold": 85, "diskThreshold": 80, "emailEnabled": false, "emailPassword": "", "emailPort": 587,
            "emailRecipients": "", "emailServer": "", "emailUsername": "", "memoryThreshold": 90, "networkThreshold": 95,
        },
        "collection": {
            "netflow": with(collects(2055), json!({"ports": {"ipfix": 4740, "netflow_v5": 2056, "sflow": 6344}})),
            "sflow": with(
                collects(6343),
                json!({"agent_address": "0.0.0.0", "max_packet_size": 1500, "sample_rate": 1000}),
            ),
            "snmp": with(collects(161), json!({"pollInterval": 300, "trap_port": 1162})),
            "syslog": collects(1514),
            "telegraf": collects(8125),
            "windows": with(collects(8084), json!({"bufferSize": 10, "format": "json", "protocol": "HTTP"})),
        },
        "forwarding": {
            "metrics": {
                "enabled": false, "endpoint": "/api/v1/write", "protocol": "HTTP", "targetHost": "", "targetPort": 9090,
            },
            "netflow": {"enabled": false, "protocol": "UDP", "targetHost": "", "targetPort": 2055, "version": "v9"},
            "sflow": {
                "agentAddress": "", "enabled": true, "sampleRate": 1000, "targetHost": "", "targetPort": 6343, "version": "5",
            },
            "snmp": {
                "authPassword": "", "authProtocol": "SHA", "community": "n0crav3n", "enabled": false, "targetHost": "",
                "targetPort": 162, "username": "", "version": "v2c",
            },
            "syslog": {
                "enabled": false, "format": "RFC3164", "protocol": "UDP", "targetHost": "", "targetPort": 1514,
            },
            "windows": {
                "bufferSize": 10, "channels": "System,Security,Application", "enabled": true, "format": "http",
                "targetHost": "", "targetPort": 8084,
            },
        },
        "performance": {
            "bufferSize": "64MB", "compressionEnabled": true, "indexingEnabled": true, "maxConcurrentFlows": 10000,
        },
        "retention": {"metricsDays": 365, "netflowDays": 30, "snmpDays": 180, "syslogDays": 90},
        "timestamp": "2025-09-05T16:01:25.622595+00:00",
    })
}
