//! `noctule menu`: the console of an appliance, on the rack's own screen or a serial line. The
//! dashboard's kernel and panes with a menu before them; this puts the parts together.

use std::io::{IsTerminal as _, Write as _};
use std::sync::Arc;
use std::time::Duration;

use secrecy::SecretString;
use zeroize::Zeroizing;

use super::Start;
use super::args::MenuArgs;
use super::dashboard::First;
use super::exit::{Code, Failure};
use super::live::Live;
use crate::app::console::ConsoleOptions;
use crate::app::message::{HostFacts, Msg};
use crate::app::pane::Pane;
use crate::commands::pin::{Guarded, Lock, Pin};
use crate::config::Loaded;
use crate::config::schema::{Menu, MenuPin, SourceKind};
use crate::config::secret::SecretRef;
use crate::model::order;
use crate::model::time::SECOND;
use crate::panes::menu::MenuPane;
use crate::terminal::{Caps, bytes_a_second, line_pace};

/// How often the machine's own addresses are looked at.
const LOOK: Duration = Duration::from_secs(10);

/// What makes a dashboard the console of an appliance.
#[derive(Debug)]
pub(super) struct Setup {
    /// For the kernel.
    pub(super) options: ConsoleOptions,
    term: String,
    serial: bool,
    pace: Option<u32>,
    blank: Option<u8>,
}

impl Setup {
    /// What the terminal is taken for.
    pub(super) fn caps(&self, caps: Caps) -> Caps {
        let mut caps = caps.for_console(&self.term, self.serial, self.pace);
        if self.term == "linux" {
            caps.blank = self.blank.map(|ours| (ours, kernel_blank()));
        }
        caps
    }

    /// The menu.
    pub(super) fn pane(&self) -> Box<dyn Pane> {
        Box::new(MenuPane::new(self.options.appliance.clone(), self.options.leave, host_facts()))
    }
}

/// Minutes after which the console goes dark by itself, as the kernel was told at its start.
fn kernel_blank() -> u8 {
    let text = std::fs::read_to_string("/sys/module/kernel/parameters/consoleblank").unwrap_or_default();
    text.trim().parse::<u32>().ok().and_then(|s| u8::try_from(s.div_ceil(60)).ok()).unwrap_or(0)
}

/// Runs it.
pub(super) fn run(start: &Start, args: &MenuArgs) -> Result<Code, Failure> {
    if args.hash_pin {
        return hash_pin();
    }
    if start.global.screen.linear {
        return Err(Failure::usage("the menu is a screen: `noctule --linear` is the dashboard in plain lines"));
    }
    let loaded = start.load()?;
    let menu = loaded.config.menu.clone();
    let appliance = appliance_of(&loaded, args, &menu)?;
    let term = start.vars.get("TERM").unwrap_or_default().to_owned();
    let idle_us = i64::try_from(args.idle.unwrap_or(menu.idle_s)).unwrap_or(120).saturating_mul(SECOND);
    // Started by systemd, it is started again when it ends: there is nothing to leave to.
    let leave = start.vars.get("SYSTEMD_EXEC_PID").is_none_or(|pid| pid != std::process::id().to_string());
    let lock = Lock::new(guarded(args, &menu), menu.pin_minutes);
    let setup = Setup {
        options: ConsoleOptions { appliance, idle_us, wall: menu.wall, lock, leave },
        serial: args.serial,
        pace: args.baud.or(menu.baud).and_then(bytes_a_second).or_else(line_pace),
        blank: menu.blank_minutes,
        term,
    };
    super::dashboard::show(start, loaded, First::Menu(&setup))
}

/// The appliance it stands on.
fn appliance_of(loaded: &Loaded, args: &MenuArgs, menu: &Menu) -> Result<String, Failure> {
    let known: Vec<&str> =
        loaded.sources().filter(|s| matches!(s.kind, SourceKind::Raven(_))).map(|s| s.name.as_str()).collect();
    let wanted = args.appliance.as_deref().or(menu.appliance.as_deref());
    match (wanted, known.as_slice()) {
        (Some(name), _) if known.contains(&name) => Ok(name.to_owned()),
        (None, [only]) => Ok((*only).to_owned()),
        (_, []) => Err(Failure::usage(format!(
            "profile `{}` has no telemetry appliance: a [[source]] of kind \"raven\" is one; `noctule config example` shows it",
            loaded.profile_name
        ))),
        (Some(name), all) => {
            Err(Failure::usage(format!("no appliance is called `{name}`; there are: {}", all.join(", "))))
        }
        (None, all) => Err(Failure::usage(format!(
            "which appliance does this console stand on? --appliance NAME, or appliance in [menu]; there are: {}",
            all.join(", ")
        ))),
    }
}

/// What stands before changes. A PIN that cannot be read closes the console, and does not open it.
fn guarded(args: &MenuArgs, menu: &Menu) -> Guarded {
    let at = match (args.pin_file.as_str(), &menu.pin) {
        ("config", Some(MenuPin::None)) => return Guarded::Open,
        ("config", Some(MenuPin::At(reference))) => reference.clone(),
        ("config", None) => {
            return Guarded::Refused(
                "no PIN is set, so nothing can be changed here; pin in [menu] sets one, or \"none\"".into(),
            );
        }
        (path, _) => match format!("file:{path}").parse::<SecretRef>() {
            Ok(reference) => reference,
            Err(error) => {
                return Guarded::Refused(format!("the PIN cannot be read, so nothing can be changed: {error}"));
            }
        },
    };
    let read = at.resolve().map_err(|e| e.to_string()).and_then(|text| Pin::read(&text).map_err(|e| e.to_string()));
    match read {
        Ok(pin) => Guarded::Pin(pin),
        Err(why) => {
            tracing::warn!(why, "PIN of the console");
            Guarded::Refused(format!("the PIN cannot be read, so nothing can be changed here: {why}"))
        }
    }
}

/// Reads a PIN and prints its hash.
fn hash_pin() -> Result<Code, Failure> {
    let stdin = std::io::stdin();
    let mut hidden = None;
    if stdin.is_terminal() {
        write!(std::io::stderr(), "PIN (not shown): ")?;
        let before = rustix::termios::tcgetattr(&stdin).map_err(std::io::Error::from)?;
        let mut quiet = before.clone();
        quiet.local_modes.remove(rustix::termios::LocalModes::ECHO);
        rustix::termios::tcsetattr(&stdin, rustix::termios::OptionalActions::Flush, &quiet)
            .map_err(std::io::Error::from)?;
        hidden = Some(before);
    }
    let mut line = Zeroizing::new(String::new());
    let read = stdin.read_line(&mut line);
    if let Some(before) = hidden {
        rustix::termios::tcsetattr(&stdin, rustix::termios::OptionalActions::Flush, &before)
            .map_err(std::io::Error::from)?;
        writeln!(std::io::stderr())?;
    }
    read?;
    let pin = Pin::hash(&SecretString::from(line.trim_end_matches(['\r', '\n'])));
    let pin = pin.map_err(|e| Failure::usage(e.to_string()))?;
    writeln!(std::io::stdout(), "{}", pin.written())?;
    Ok(Code::Done)
}

/// The machine's name, addresses and gateway, as they are now.
fn host_facts() -> HostFacts {
    let name = rustix::system::uname().nodename().to_string_lossy().into_owned();
    let mut addresses = Vec::new();
    for interface in nix::ifaddrs::getifaddrs().into_iter().flatten() {
        let Some(address) = interface.address else { continue };
        let ip: std::net::IpAddr = match (address.as_sockaddr_in(), address.as_sockaddr_in6()) {
            (Some(v4), _) => v4.ip().into(),
            (_, Some(v6)) if !v6.ip().is_unicast_link_local() => v6.ip().into(),
            _ => continue,
        };
        if !ip.is_loopback() && !addresses.contains(&ip) {
            addresses.push(ip);
        }
    }
    // What one types at the rack is an IPv4 address.
    order::by_key(&mut addresses, std::net::IpAddr::is_ipv6);
    HostFacts { name, addresses: addresses.iter().map(ToString::to_string).collect(), gateway: gateway() }
}

/// The IPv4 gateway of the default route.
fn gateway() -> Option<String> {
    let table = std::fs::read_to_string("/proc/net/route").ok()?;
    gateway_of(&table)
}

/// The gateway of the default route in a table as the kernel prints it: the one of the least metric.
fn gateway_of(table: &str) -> Option<String> {
    let mut found: Option<(u32, u32)> = None;
    for line in table.lines().skip(1) {
        let words: Vec<&str> = line.split_whitespace().collect();
        let [_, "00000000", gateway, _, _, _, metric, "00000000", ..] = words.as_slice() else { continue };
        let (Ok(gateway), Ok(metric)) = (u32::from_str_radix(gateway, 16), metric.parse()) else { continue };
        if gateway != 0 && found.is_none_or(|(least, _)| metric < least) {
            found = Some((metric, gateway));
        }
    }
    // The kernel prints the bytes of the address as they lie in memory.
    found.map(|(_, gateway)| std::net::Ipv4Addr::from(gateway.to_ne_bytes()).to_string())
}

/// Looks at the machine's name and addresses now and then: DHCP may change them under the console.
pub(super) fn follow_host(live: &Live) -> Follow {
    let msgs = live.msgs.clone();
    let task = live.runtime.spawn(async move {
        let mut known = HostFacts::default();
        loop {
            let now = tokio::task::spawn_blocking(host_facts).await.unwrap_or_default();
            if now != known {
                known = now.clone();
                if msgs.send(Msg::Host(Arc::new(now))).is_err() {
                    return;
                }
            }
            // The system tells nobody that an address has changed, short of a netlink socket.
            tokio::time::sleep(LOOK).await;
        }
    });
    Follow(task)
}

/// Ends the looking when it is dropped.
#[derive(Debug)]
pub(super) struct Follow(tokio::task::JoinHandle<()>);

impl Drop for Follow {
    fn drop(&mut self) {
        self.0.abort();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_gateway_of_the_least_metric_is_taken() {
        let table = "Iface\tDestination\tGateway\tFlags\tRefCnt\tUse\tMetric\tMask\tMTU\tWindow\tIRTT\n\
            eth0\t00000000\t0101A8C0\t0003\t0\t0\t200\t00000000\t0\t0\t0\n\
            eth1\t00000000\t010010AC\t0003\t0\t0\t100\t00000000\t0\t0\t0\n\
            eth0\t0001A8C0\t00000000\t0001\t0\t0\t100\t00FFFFFF\t0\t0\t0\n";
        if cfg!(target_endian = "little") {
            assert_eq!(gateway_of(table).as_deref(), Some("172.16.0.1"));
        }
        assert_eq!(gateway_of("Iface\nnonsense"), None);
    }

    #[test]
    fn without_a_pin_nothing_is_changed_and_a_bad_one_does_not_open_the_console() {
        let args = MenuArgs { pin_file: "config".into(), ..MenuArgs::default() };
        let with =
            |pin: Option<&str>| guarded(&args, &Menu { pin: pin.map(|p| p.parse().unwrap()), ..Menu::default() });
        assert!(matches!(with(None), Guarded::Refused(why) if why.contains("no PIN is set")));
        assert!(matches!(with(Some("none")), Guarded::Open));
        assert!(matches!(with(Some("file:/nowhere/pin")), Guarded::Refused(why) if why.contains("/nowhere/pin")));
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("pin");
        std::fs::write(&path, "4711\n").unwrap();
        let file = MenuArgs { pin_file: path.display().to_string(), ..MenuArgs::default() };
        // Others may read it.
        std::fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o644)).unwrap();
        assert!(matches!(guarded(&file, &Menu::default()), Guarded::Refused(why) if why.contains("chmod 600")));
        std::fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
        assert!(matches!(guarded(&file, &Menu::default()), Guarded::Pin(_)));
    }
}
