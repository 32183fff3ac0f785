//! `noctule demo`: a living network inside this process, and the dashboard over it.
//!
//! The dashboard connects to the simulated stacks over loopback with the client code it uses for
//! real ones. What it keeps goes into a private folder that is removed at the end.

use std::fmt::Write as _;
use std::io::Write as _;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};

use tokio::runtime::Runtime;
use tokio::signal::unix::{SignalKind, signal};

use super::Start;
use super::args::{DemoArgs, DemoScale};
use super::exit::{Code, Failure};
use super::live::store_options;
use crate::config::Loaded;
use crate::config::schema::{CollectorMetrics, Config, Probe, Protocol, Raven, SourceKind};
use crate::sim::raven::Past;
use crate::sim::{Network, Running, Scale, SimOptions};
use crate::store::Store;
use crate::workers::appliance::remember;

/// Name of the demo's profile.
const PROFILE: &str = "demo";

impl From<DemoScale> for Scale {
    fn from(scale: DemoScale) -> Self {
        match scale {
            DemoScale::Small => Self::Small,
            DemoScale::City => Self::City,
            DemoScale::Region => Self::Region,
        }
    }
}

/// Runs the demo.
pub(super) fn run(start: &Start, args: &DemoArgs) -> Result<Code, Failure> {
    let options = SimOptions {
        scale: args.scale.into(),
        seed: args.seed,
        speed: args.speed,
        acs: true,
        fair: true,
        vms: true,
        alerts: true,
        ..SimOptions::default()
    };
    let folder = Folder::create()?;
    let runtime = runtime()?;
    let mut network =
        runtime.block_on(Network::start(options)).map_err(|e| Failure::new(Code::Failed, e.to_string()))?;
    let past = network.take_past();
    let inventory = folder.0.join("inventory.csv");
    let file = std::fs::File::create(&inventory)?;
    network.write_inventory(std::io::BufWriter::new(file))?;
    let code = if args.headless {
        runtime.block_on(serve(&network, &inventory, args))
    } else {
        dashboard(start, &network, past, &inventory, &folder.0)
    };
    network.stop();
    // Connections of the network may still be closing; nobody waits for them.
    runtime.shutdown_background();
    code
}

fn runtime() -> Result<Runtime, Failure> {
    let mut builder = tokio::runtime::Builder::new_multi_thread();
    Ok(builder.worker_threads(2).thread_name("demo network").enable_all().build()?)
}

/// The user's screen settings, the simulated sources, and the right to write.
fn dashboard(
    start: &Start,
    network: &Running,
    past: Vec<Past>,
    inventory: &Path,
    folder: &Path,
) -> Result<Code, Failure> {
    let own = start.load()?;
    let mut config = Config { ui: own.config.ui.clone(), ..network.config() };
    config.inventory.file = Some(inventory.to_string_lossy().into_owned());
    let mut dirs = own.dirs.clone();
    dirs.data = folder.join("data");
    dirs.state = folder.join("state");
    for made in [&dirs.data, &dirs.state] {
        std::fs::DirBuilder::new().mode(0o700).create(made)?;
    }
    let mut loaded = Loaded::of(config, PROFILE, dirs);
    loaded.profile.read_only = start.global.read_only;
    // The appliances have been watched for days, as far as the cache knows.
    let (store, _) = Store::open(&store_options(&loaded, false))?;
    let past = past.into_iter().map(|p| (p.source, p.poll));
    remember(&store, &loaded.config, past).map_err(|e| Failure::new(Code::Failed, e))?;
    store.close();
    super::dashboard::show(start, loaded, super::dashboard::First::Panes)
}

/// Prints the configuration and serves until told to end.
async fn serve(network: &Running, inventory: &Path, args: &DemoArgs) -> Result<Code, Failure> {
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    let mut hang_up = signal(SignalKind::hangup())?;
    let text = configuration(&network.config(), inventory, args);
    let mut out = std::io::stdout().lock();
    out.write_all(text.as_bytes())?;
    out.flush()?;
    drop(out);
    tokio::select! {
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
        _ = hang_up.recv() => {}
    }
    Ok(Code::Done)
}

/// The configuration that watches the network, as a file.
fn configuration(config: &Config, inventory: &Path, args: &DemoArgs) -> String {
    let string = |text: &str| toml::Value::String(text.to_owned()).to_string();
    let mut text = format!(
        "# A simulated network (seed {}), served until the process that printed this ends.\n\n\
         default_profile = \"{PROFILE}\"\n\n[inventory]\nfile = {}\n\n[profile.{PROFILE}]\nread_only = false\n",
        args.seed,
        string(&inventory.to_string_lossy()),
    );
    for source in &config.sources {
        let _ = writeln!(text, "\n[[source]]\nname = {}", string(&source.name));
        match &source.kind {
            SourceKind::Voltha(voltha) => {
                let _ = writeln!(text, "kind = \"voltha\"\ngrpc = {}", string(&voltha.grpc));
                if let Some(kafka) = &voltha.kafka {
                    let brokers: Vec<String> = kafka.brokers.iter().map(|b| string(b)).collect();
                    let _ = writeln!(text, "[source.kafka]\nbrokers = [{}]", brokers.join(", "));
                }
            }
            SourceKind::Genieacs(acs) => {
                let _ = writeln!(text, "kind = \"genieacs\"\nnbi = {}", string(&acs.nbi));
                if let Some(fs) = &acs.fs {
                    let _ = writeln!(text, "fs = {}", string(fs));
                }
                let _ = writeln!(text, "poll_s = {}\nonline_s = {}", acs.poll_s, acs.online_s);
            }
            SourceKind::Raven(raven) => {
                let _ = writeln!(text, "kind = \"raven\"\nbuffer = {}", string(&raven.buffer));
                if let Some(config) = &raven.config {
                    let _ = writeln!(text, "config = {}", string(config));
                }
                let _ = writeln!(text, "poll_s = {}", raven.poll_s);
                appliance(&mut text, raven);
            }
            SourceKind::Prometheus(p) => {
                let _ = writeln!(text, "kind = \"prometheus\"\nurl = {}\npoll_s = {}", string(&p.url), p.poll_s);
            }
            SourceKind::Libvirt(host) => {
                let _ = writeln!(text, "kind = \"libvirt\"\npoll_s = {}", host.poll_s);
                if let Some(socket) = &host.socket {
                    let _ = writeln!(text, "socket = {}", string(socket));
                }
                if let Some(connect) = &host.migration.connect {
                    let _ = writeln!(text, "[source.migration]\nconnect = {}", string(connect));
                }
                if !host.vnc_passwords.is_empty() {
                    text.push_str("[source.vnc_passwords]\n");
                }
                for (machine, password) in &host.vnc_passwords {
                    let _ = writeln!(text, "{} = {}", string(machine), string(&password.reference()));
                }
            }
            SourceKind::Alertmanager(a) => {
                let _ = writeln!(text, "kind = \"alertmanager\"\nurl = {}\npoll_s = {}", string(&a.url), a.poll_s);
                if let Some(prometheus) = &a.prometheus {
                    let _ = writeln!(text, "prometheus = {}", string(prometheus));
                }
            }
        }
    }
    text
}

/// What an appliance has whose ports are on this machine.
fn appliance(text: &mut String, raven: &Raven) {
    let string = |text: &str| toml::Value::String(text.to_owned()).to_string();
    if raven.probe == Probe::Local {
        text.push_str("probe = \"local\"\n");
    }
    let CollectorMetrics { telegraf, fluent_bit, goflow2, vector } = &raven.metrics;
    let endpoints = [("telegraf", telegraf), ("fluent_bit", fluent_bit), ("goflow2", goflow2), ("vector", vector)];
    if endpoints.iter().any(|(_, url)| url.is_some()) {
        text.push_str("[source.metrics]\n");
    }
    for (service, url) in endpoints {
        if let Some(url) = url {
            let _ = writeln!(text, "{service} = {}", string(url));
        }
    }
    for (service, settings) in &raven.services {
        let _ = writeln!(text, "[source.services.{service}]");
        for port in settings.ports.iter().flatten() {
            let _ = writeln!(text, "[[source.services.{service}.ports]]\nport = {}", port.port);
            if let Some(inner) = port.inner {
                let _ = writeln!(text, "inner = {inner}");
            }
            if port.protocol == Protocol::Tcp {
                text.push_str("protocol = \"tcp\"\n");
            }
        }
    }
}

/// A folder of this run that only its user may read.
struct Folder(PathBuf);

impl Folder {
    fn create() -> Result<Self, Failure> {
        let path = std::env::temp_dir().join(format!("noctule-demo-{}", uuid::Uuid::new_v4()));
        let made = std::fs::DirBuilder::new().mode(0o700).create(&path);
        made.map_err(|e| Failure::new(Code::Failed, format!("{}: {e}", path.display())))?;
        Ok(Self(path))
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        // What cannot be removed is left to the system's own cleaning of temporary files.
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_printed_configuration_is_one() {
        let rt = runtime().unwrap();
        let options =
            SimOptions { scale: Scale::City, acs: true, fair: true, vms: true, alerts: true, ..SimOptions::still() };
        let network = rt.block_on(Network::start(options)).unwrap();
        let args = DemoArgs { scale: DemoScale::City, seed: 1, speed: 1.0, headless: true };
        let text = configuration(&network.config(), Path::new("/tmp/a \"b\".csv"), &args);
        let read = crate::config::check_text("demo", &text).unwrap();
        assert_eq!(format!("{:?}", read.sources), format!("{:?}", network.config().sources));
        assert_eq!(read.inventory.file.as_deref(), Some("/tmp/a \"b\".csv"));
        assert!(!read.profile["demo"].read_only);
    }

    #[test]
    fn the_folder_is_private_and_goes() {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = Folder::create().unwrap();
        let path = folder.0.clone();
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o700);
        drop(folder);
        assert!(!path.exists());
    }
}
