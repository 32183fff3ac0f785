//! Brings a network to life: one gRPC server and one Kafka cluster a stack, and a clock that drives
//! the world.

use std::io::Write;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use prost::Message as _;
use tokio::net::TcpListener;
use tokio::sync::Notify;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tonic::transport::server::ServerTlsConfig;
use tonic::transport::{Certificate, Identity};

use super::control::Control;
use super::genieacs::{Acs, AcsControl, AcsOptions, RunningAcs};
use super::kafka::{Broker, BrokerOptions, Message};
use super::libvirt::{RunningVirt, VirtOptions, VirtSim};
use super::net::Faults;
use super::network::events::Emitted;
use super::network::{Rules, SECOND, World};
use super::prometheus::{AlertsOptions, AlertsSim, RunningAlerts};
use super::raven::{Fair, Past, RunningFair};
use super::{Error, Scale, SimOptions, SimTls, voltha};
use crate::config::schema::{Config, Kafka, Source, SourceKind, Tls, Voltha};
use crate::model::log::InventoryItem;

/// The topic of events.
pub(crate) const TOPIC: &str = "voltha.events";
/// Events are handed on in lots this far apart at most when many are due.
const LOT: Duration = Duration::from_millis(5);
/// Seconds between two informs of the CPEs of all but the largest networks: what happens to the
/// network is seen in the fleet while one looks on.
const SOON: u32 = 60;

/// A world whose clock runs.
#[derive(Debug)]
pub(crate) struct Live {
    world: Mutex<World>,
    started: Instant,
    speed: f64,
    poke: Notify,
}

impl Live {
    fn lock(&self) -> MutexGuard<'_, World> {
        let mut world = self.world.lock().unwrap_or_else(PoisonError::into_inner);
        world.settle((self.started.elapsed().as_micros() as f64 * self.speed) as i64);
        world
    }

    /// The world as of now; what is changed takes effect at once.
    pub(crate) fn world(&self) -> MutexGuard<'_, World> {
        self.poke.notify_one();
        self.lock()
    }
}

/// One stack's servers.
#[derive(Debug)]
pub(crate) struct Served {
    pub(crate) name: String,
    pub(crate) grpc_port: u16,
    pub(crate) grpc: Arc<Faults>,
    pub(crate) kafka: Broker,
}

/// The simulators.
#[derive(Debug, Clone, Copy)]
pub struct Network;

/// A network that runs; it stops when this is dropped.
#[derive(Debug)]
pub struct Running {
    control: Control,
    acs: Option<RunningAcs>,
    fair: Option<RunningFair>,
    vms: Option<RunningVirt>,
    alerts: Option<RunningAlerts>,
    options: SimOptions,
    stop: CancellationToken,
}

impl Network {
    /// Builds the network, binds its ports and starts its clock. Needs a tokio runtime.
    ///
    /// # Errors
    /// No loopback port, a certificate that cannot be used, or an impossible speed.
    pub async fn start(options: SimOptions) -> Result<Running, Error> {
        if !(0.01..=1_000.0).contains(&options.speed) {
            return Err(Error::Speed(options.speed));
        }
        let anchor = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |d| d.as_micros() as i64);
        let rules = Rules {
            scale: options.scale,
            seed: options.seed,
            speed: options.speed,
            script: options.script,
            history: options.history,
            anchor,
        };
        let mut world = World::new(rules);
        if options.acs {
            world.follow();
        }
        let past = world.advance(0);
        let stacks = world.stacks.len();
        let acs = if options.acs { Some(acs(&options, &mut world).await?) } else { None };
        let alerts =
            if options.alerts { Some(AlertsSim::start(AlertsOptions::demo(options.speed)).await?) } else { None };
        let fleet = acs.as_ref().map(RunningAcs::control);
        let fair = if options.fair { Some(Fair::start(options.seed, options.speed).await?) } else { None };
        let hosts =
            VirtOptions { seed: options.seed, speed: options.speed, life: options.script, ..VirtOptions::default() };
        let vms = if options.vms { Some(VirtSim::start(hosts)?) } else { None };
        let live = Arc::new(Live {
            world: Mutex::new(world),
            started: Instant::now(),
            speed: options.speed,
            poke: Notify::new(),
        });
        let stop = CancellationToken::new();
        let mut served = Vec::with_capacity(stacks);
        for stack in 0..stacks {
            served.push(serve(&options, &live, stack, stacks, &stop).await?);
        }
        let served: Arc<[Served]> = served.into();
        publish(&served, options.partitions, past);
        tokio::spawn(drive(Arc::clone(&live), Arc::clone(&served), fleet, options.partitions, stop.clone()));
        Ok(Running { control: Control::new(live, served), acs, fair, vms, alerts, options, stop })
    }
}

/// The ACS of the network's CPEs: they carry the serial numbers of the ONUs they are behind, and
/// those behind ONUs that are dark at the start are as long out of reach.
async fn acs(options: &SimOptions, world: &mut World) -> Result<RunningAcs, Error> {
    let serials: Vec<String> = world
        .stacks
        .iter()
        .flat_map(|stack| {
            let there = stack.onus.iter().enumerate().filter(|(_, onu)| onu.exists);
            there.map(|(at, _)| stack.serial(at))
        })
        .collect();
    let options = AcsOptions {
        scale: options.scale,
        seed: options.seed,
        speed: options.speed,
        onu_serials: serials,
        life: options.script,
        inform_s: (options.scale != Scale::Region).then_some(SOON),
        ..AcsOptions::default()
    };
    let acs = Acs::start(options).await?;
    acs.control().follow(&world.contacts());
    Ok(acs)
}

async fn serve(
    options: &SimOptions,
    live: &Arc<Live>,
    stack: usize,
    of: usize,
    stop: &CancellationToken,
) -> Result<Served, Error> {
    let (grpc_tls, kafka_tls) = match &options.tls {
        Some(tls) => (Some(grpc_tls(tls)), Some(kafka_tls(tls)?)),
        None => (None, None),
    };
    let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
    let grpc_port = listener.local_addr()?.port();
    let grpc = Arc::new(Faults::default());
    let core = voltha::Core { live: Arc::clone(live), stack, faults: Arc::clone(&grpc) };
    tokio::spawn(voltha::serve(listener, core, grpc_tls, stop.clone()));
    let broker = BrokerOptions {
        nodes: options.kafka_nodes,
        keep: options.keep,
        auto_create: false,
        login: options.login.clone(),
        mechanisms: options.mechanisms.clone(),
    };
    let kafka = Broker::start(&broker, kafka_tls).await?;
    kafka.create_topic(TOPIC, options.partitions);
    let name = if of == 1 { "voltha".to_owned() } else { format!("voltha-{:02}", stack + 1) };
    Ok(Served { name, grpc_port, grpc, kafka })
}

fn grpc_tls(tls: &SimTls) -> ServerTlsConfig {
    let config = ServerTlsConfig::new().identity(Identity::from_pem(&tls.cert, &tls.key));
    match &tls.client_ca {
        Some(ca) => config.client_ca_root(Certificate::from_pem(ca)),
        None => config,
    }
}

fn kafka_tls(tls: &SimTls) -> Result<Arc<rustls::ServerConfig>, Error> {
    use rustls::pki_types::pem::PemObject;
    use rustls::pki_types::{CertificateDer, PrivateKeyDer};
    let wrong = |e: &dyn std::fmt::Display| Error::Tls(e.to_string());
    let certs = |pem: &str| {
        CertificateDer::pem_slice_iter(pem.as_bytes()).collect::<Result<Vec<_>, _>>().map_err(|e| wrong(&e))
    };
    let key = PrivateKeyDer::from_pem_slice(tls.key.as_bytes()).map_err(|e| wrong(&e))?;
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .map_err(|e| wrong(&e))?;
    let config = match &tls.client_ca {
        None => config.with_no_client_auth(),
        Some(ca) => {
            let mut roots = rustls::RootCertStore::empty();
            for cert in certs(ca)? {
                roots.add(cert).map_err(|e| wrong(&e))?;
            }
            let verifier = rustls::server::WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider);
            config.with_client_cert_verifier(verifier.build().map_err(|e| wrong(&e))?)
        }
    };
    config.with_single_cert(certs(&tls.cert)?, key).map(Arc::new).map_err(|e| wrong(&e))
}

/// Hands events to the brokers of their stacks, in order.
fn publish(served: &[Served], partitions: usize, events: Vec<Emitted>) {
    let mut lots: Vec<Vec<Message>> = vec![Vec::new(); served.len() * partitions];
    for emitted in events {
        let partition = partition(&emitted.key, partitions);
        if let Some(lot) = lots.get_mut(emitted.stack * partitions + partition) {
            lot.push(Message {
                key: Some(Bytes::from(emitted.key)),
                value: emitted.event.encode_to_vec().into(),
                timestamp_ms: emitted.at / 1_000,
            });
        }
    }
    for (n, lot) in lots.iter().enumerate().filter(|(_, lot)| !lot.is_empty()) {
        if let Some(served) = served.get(n / partitions) {
            served.kafka.append(TOPIC, n % partitions, lot);
        }
    }
}

/// By the key, as a hash partitioner does: FNV-1a.
fn partition(key: &str, partitions: usize) -> usize {
    let hash = key.bytes().fold(0x811c_9dc5_u32, |h, b| (h ^ u32::from(b)).wrapping_mul(0x0100_0193));
    hash as usize % partitions.max(1)
}

async fn drive(
    live: Arc<Live>,
    served: Arc<[Served]>,
    fleet: Option<AcsControl>,
    partitions: usize,
    stop: CancellationToken,
) {
    loop {
        let (events, contacts, wait) = {
            let mut world = live.lock();
            let now = world.now();
            let events = world.advance(now);
            let wait = world.until_next().map_or(Duration::from_secs(1), |us| world.real(us));
            (events, world.contacts(), wait)
        };
        if let Some(fleet) = &fleet {
            fleet.follow(&contacts);
        }
        publish(&served, partitions, events);
        tokio::select! {
            () = stop.cancelled() => return,
            () = live.poke.notified() => {}
            () = tokio::time::sleep(wait.clamp(LOT, Duration::from_secs(1))) => {}
        }
    }
}

impl Running {
    /// What makes things happen.
    #[must_use]
    pub fn control(&self) -> Control {
        self.control.clone()
    }

    /// What makes things happen to the CPEs, when there is an ACS.
    #[must_use]
    pub fn acs(&self) -> Option<AcsControl> {
        self.acs.as_ref().map(RunningAcs::control)
    }

    /// The appliances of the fair, when there is one.
    #[must_use]
    pub const fn fair(&self) -> Option<&RunningFair> {
        self.fair.as_ref()
    }

    /// The hosts of virtual machines, when there are some.
    #[must_use]
    pub const fn vms(&self) -> Option<&RunningVirt> {
        self.vms.as_ref()
    }

    /// The past of the appliances, for a cache that is to know it; see [`RunningFair::take_past`].
    #[must_use]
    pub fn take_past(&mut self) -> Vec<Past> {
        self.fair.as_mut().map(RunningFair::take_past).unwrap_or_default()
    }

    /// The configuration that watches this network: its sources, nothing else. TLS files and the
    /// password are not in it; a test that uses them adds where it put them.
    #[must_use]
    pub fn config(&self) -> Config {
        let tls = self.options.tls.is_some();
        let sources = self.control.served().iter().map(|s| {
            let scheme = if tls { "https" } else { "http" };
            let kind = SourceKind::Voltha(Voltha {
                grpc: format!("{scheme}://127.0.0.1:{}", s.grpc_port),
                tls: Tls::default(),
                kafka: Some(Kafka {
                    brokers: s.kafka.addresses(),
                    topic: TOPIC.into(),
                    tls: tls.then(Tls::default),
                    sasl: None,
                }),
                poll_s: 30,
                timeout_s: 20,
                max_message_mib: 256,
                paused: false,
            });
            Source { name: s.name.clone(), kind }
        });
        let sources = sources
            .chain(self.acs.iter().map(RunningAcs::config))
            .chain(self.fair.iter().flat_map(RunningFair::config))
            .chain(self.vms.iter().flat_map(RunningVirt::config))
            .chain(self.alerts.iter().map(RunningAlerts::config))
            .collect();
        Config { sources, ..Config::default() }
    }

    /// Sites, addresses and subscribers of every OLT and ONU.
    #[must_use]
    pub fn inventory(&self) -> Vec<InventoryItem> {
        let mut items = Vec::new();
        self.each_item(|item| items.push(item));
        items
    }

    fn each_item(&self, mut each: impl FnMut(InventoryItem)) {
        let world = self.control.world();
        for (stack, served) in world.stacks.iter().zip(self.control.served()) {
            stack.inventory(&served.name).for_each(&mut each);
        }
    }

    /// Writes the inventory as the CSV file that noctule reads.
    ///
    /// # Errors
    /// When `out` cannot be written.
    pub fn write_inventory(&self, out: impl Write) -> std::io::Result<()> {
        let mut csv = csv::Writer::from_writer(out);
        let mut result = csv.write_record(["serial", "source", "site", "name", "subscribers"]);
        self.each_item(|i| {
            if result.is_ok() {
                result = csv.write_record([&i.serial, &i.source, &i.site, &i.name, &i.subscribers.to_string()]);
            }
        });
        result?;
        csv.flush()
    }

    /// Virtual seconds since the start.
    #[must_use]
    pub fn seconds(&self) -> i64 {
        self.control.world().now() / SECOND
    }

    /// Stops the servers and the clock; connections are closed.
    pub fn stop(self) {}
}

impl Drop for Running {
    fn drop(&mut self) {
        self.stop.cancel();
        for served in self.control.served() {
            served.grpc.drop_connections();
            served.kafka.stop();
        }
    }
}
