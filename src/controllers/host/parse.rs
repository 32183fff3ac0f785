//! The texts of `/proc` and of a few small programs, read into what they mean. Pure: the same parsers
//! read this machine and one behind SSH, and any text gives something or nothing, never a panic.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use crate::model::appliance::poll::{Disk, Socket};
use crate::model::order;
use crate::model::text::clean;

/// The most sockets that are told of.
const MOST_SOCKETS: usize = 4096;

/// Who holds a socket: process id and name.
pub type Owners = BTreeMap<u64, (u32, String)>;

/// Listening TCP sockets, or bound UDP sockets that are not connected, of a `/proc/net/{tcp,udp}*`:
/// sockets with their inodes. (The addresses are in the byte order of the machine: little endian.)
#[must_use]
pub fn sockets(text: &str, tcp: bool) -> Vec<(u64, Socket)> {
    let wanted = if tcp { "0A" } else { "07" };
    let line = |line: &str| {
        let fields: Vec<&str> = line.split_ascii_whitespace().collect();
        let [_, local, remote, state, _, _, _, _, _, inode, ..] = fields.as_slice() else { return None };
        if *state != wanted || !remote.ends_with(":0000") {
            return None;
        }
        let (address, port) = local.split_once(':')?;
        let port = u16::from_str_radix(port, 16).ok()?;
        let address = self::address(address)?.to_string();
        (port > 0).then_some(())?;
        Some((inode.parse().ok()?, Socket { tcp, address, port, process: String::new(), pid: 0 }))
    };
    text.lines().skip(1).filter_map(line).take(MOST_SOCKETS).collect()
}

/// An address as the kernel writes it: 32-bit words in hexadecimal, each in the machine's order.
fn address(hex: &str) -> Option<IpAddr> {
    let word = |at: usize| u32::from_str_radix(hex.get(at * 8..at * 8 + 8)?, 16).ok().map(u32::swap_bytes);
    match hex.len() {
        8 => Some(IpAddr::V4(Ipv4Addr::from_bits(word(0)?))),
        32 => {
            let bits = (0..4).try_fold(0u128, |bits, at| Some(bits << 32 | u128::from(word(at)?)))?;
            Some(IpAddr::V6(Ipv6Addr::from_bits(bits)))
        }
        _ => None,
    }
}

/// Puts names to sockets; in the order of protocol, port and address, each once.
#[must_use]
pub fn named(sockets: Vec<(u64, Socket)>, owners: &Owners) -> Vec<Socket> {
    let mut named: Vec<Socket> = sockets
        .into_iter()
        .map(|(inode, mut socket)| {
            if let Some((pid, name)) = owners.get(&inode) {
                socket.pid = *pid;
                socket.process = clean(name).into_owned();
            }
            socket
        })
        .collect();
    order::by(&mut named, |a, b| (a.tcp, a.port, &a.address, a.pid).cmp(&(b.tcp, b.port, &b.address, b.pid)));
    named.dedup();
    named
}

/// The inode of a link of `/proc/PID/fd` (`socket:[123]`).
#[must_use]
pub fn socket_inode(link: &str) -> Option<u64> {
    link.strip_prefix("socket:[")?.strip_suffix(']')?.parse().ok()
}

/// Owners by `ls -l /proc/[0-9]*/fd` and lines of `/proc/PID NAME`.
#[must_use]
pub fn owners(listing: &str, names: &str) -> Owners {
    let pid = |path: &str| path.strip_prefix("/proc/")?.split('/').next()?.parse::<u32>().ok();
    let names: BTreeMap<u32, &str> =
        names.lines().filter_map(|l| l.split_once(' ')).filter_map(|(path, name)| Some((pid(path)?, name))).collect();
    let mut owners = Owners::new();
    let mut current = None;
    for line in listing.lines() {
        if line.starts_with("/proc/") {
            current = pid(line.trim_end_matches(':'));
        } else if let Some(inode) = line.rsplit_once(" -> ").and_then(|(_, link)| socket_inode(link.trim()))
            && let Some(pid) = current
        {
            // The first is the lowest id: mostly the parent that handed it on.
            let name = names.get(&pid).copied().unwrap_or_default();
            let known = owners.entry(inode).or_insert_with(|| (pid, name.to_owned()));
            if pid < known.0 {
                *known = (pid, name.to_owned());
            }
        }
    }
    owners
}

/// Load averages, thousandths, of `/proc/loadavg`.
#[must_use]
pub fn load_milli(text: &str) -> Option<[u64; 3]> {
    let mut words = text.split_ascii_whitespace().map(|w| {
        let load = w.parse::<f64>().ok().filter(|l| l.is_finite() && (0.0..1e9).contains(l))?;
        Some((load * 1000.0).round() as u64)
    });
    Some([words.next()??, words.next()??, words.next()??])
}

/// Processors, of `/proc/stat`.
#[must_use]
pub fn cpus(text: &str) -> Option<u32> {
    let is_cpu = |l: &&str| l.strip_prefix("cpu").is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()));
    let count = text.lines().filter(is_cpu).count();
    u32::try_from(count).ok().filter(|n| *n > 0)
}

/// Memory that is neither free nor could be freed, %, of `/proc/meminfo`.
#[must_use]
pub fn memory_pct(text: &str) -> Option<u32> {
    let field = |name: &str| {
        let line = text.lines().find_map(|l| l.strip_prefix(name)?.strip_prefix(':'))?;
        line.split_ascii_whitespace().next()?.parse::<u64>().ok()
    };
    let total = field("MemTotal").filter(|t| *t > 0)?;
    let free = field("MemAvailable").or_else(|| field("MemFree"))?.min(total);
    u32::try_from(u128::from(total - free) * 100 / u128::from(total)).ok()
}

/// Seconds since the start, of `/proc/uptime`.
#[must_use]
pub fn uptime_s(text: &str) -> Option<u64> {
    text.split_ascii_whitespace().next()?.split('.').next()?.parse().ok()
}

/// A disk by its sizes in bytes: used % as `df` has it (of what users may use, rounded up).
#[must_use]
pub fn disk(mount: &str, size: u64, used: u64, free: u64) -> Disk {
    let usable = u128::from(used) + u128::from(free);
    let used_pct = if usable == 0 { 0 } else { (u128::from(used) * 100).div_ceil(usable) };
    Disk {
        mount: mount.to_owned(),
        used_pct: u32::try_from(used_pct).unwrap_or(100),
        free_bytes: Some(free),
        size_bytes: Some(size),
    }
}

/// A disk, of `df -Pk`.
#[must_use]
pub fn df(mount: &str, text: &str) -> Option<Disk> {
    let fields: Vec<&str> = text.lines().nth(1)?.split_ascii_whitespace().collect();
    // A device's name may hold blanks: the numbers are the three before the one with the per cent sign.
    let at = fields.iter().position(|f| f.strip_suffix('%').is_some_and(|n| n.parse::<u32>().is_ok()))?;
    let kib = |back: usize| fields.get(at.checked_sub(back)?)?.parse::<u64>().ok()?.checked_mul(1024);
    Some(disk(mount, kib(3)?, kib(2)?, kib(1)?))
}

/// The parts of a text with lines `==noctule NAME` between them.
#[must_use]
pub fn sections(text: &str) -> BTreeMap<&str, &str> {
    let mut parts = BTreeMap::new();
    for part in text.split("==noctule ").skip(1) {
        let (name, body) = part.split_once('\n').unwrap_or((part, ""));
        parts.insert(name.trim(), body);
    }
    parts
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const TCP: &str = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n   0: 0100007F:2329 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 4711 1 0000000000000000 100 0 0 10 0\n   1: 0100007F:9C40 0100007F:2329 01 00000000:00000000 00:00000000 00000000     0        0 4712 1 0000000000000000 20 4 30 10 -1\n";
    const UDP6: &str = "  sl  local_address                         remote_address                        st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode ref pointer drops\n 2270: 00000000000000000000000001000000:05EA 00000000000000000000000000000000:0000 07 00000000:00000000 00:00000000 00000000     0        0 99 2 0000000000000000 0\n";

    #[test]
    fn listening_sockets_are_found_with_their_owners() {
        let listing = "/proc/7/fd:\nlrwx------ 1 root root 64 Nov 28 12:00 3 -> socket:[4711]\n\n/proc/9/fd:\nlrwx------ 1 root root 64 Nov 28 12:00 5 -> socket:[4711]\nlrwx------ 1 root root 64 Nov 28 12:00 6 -> socket:[99]\n";
        let owners = owners(listing, "/proc/7 supervisord\n/proc/9 a b\n");
        let mut all = sockets(TCP, true);
        all.extend(sockets(UDP6, false));
        let told = named(all, &owners);
        let socket = |tcp, address: &str, port, process: &str, pid| Socket {
            tcp,
            address: address.into(),
            port,
            process: process.into(),
            pid,
        };
        assert_eq!(told, [socket(false, "::1", 1514, "a b", 9), socket(true, "127.0.0.1", 9001, "supervisord", 7)]);
    }

    #[test]
    fn figures_are_read() {
        assert_eq!(load_milli("0.52 1.20 12.03 1/234 5678\n"), Some([520, 1200, 12_030]));
        assert_eq!(cpus("cpu  1 2\ncpu0 1\ncpu1 1\nintr 5\n"), Some(2));
        assert_eq!(memory_pct("MemTotal: 1000 kB\nMemFree: 100 kB\nMemAvailable:   750 kB\n"), Some(25));
        assert_eq!(uptime_s("12345.67 999.9\n"), Some(12_345));
        let told = df(
            "/data",
            "Filesystem 1024-blocks Used Available Capacity Mounted on\n//nas/a b 1000 300 600 34% /data\n",
        );
        assert_eq!(told, Some(disk("/data", 1_024_000, 307_200, 614_400)));
        assert_eq!(told.map(|d| d.used_pct), Some(34));
        let parts = sections("noise\n==noctule a\n1\n2\n==noctule b\n==noctule c");
        assert_eq!(parts, BTreeMap::from([("a", "1\n2\n"), ("b", ""), ("c", "")]));
    }

    proptest! {
        #[test]
        fn any_text_is_survived(text in "\\PC*", lines in prop::collection::vec("[ 0-9A-F:a-z%./\\[\\]>-]{0,80}", 0..8)) {
            let joined = format!("head\n{}", lines.join("\n"));
            for text in [&text, &joined] {
                for tcp in [true, false] {
                    let _ = named(sockets(text, tcp), &owners(text, text));
                }
                let _ = (load_milli(text), cpus(text), memory_pct(text), uptime_s(text), df("/", text));
                let _ = sections(text);
            }
        }

        #[test]
        fn addresses_are_read_back(v4 in any::<u32>(), v6 in any::<u128>(), port in 1u16..) {
            let four = format!("{:08X}", v4.swap_bytes());
            prop_assert_eq!(address(&four), Some(IpAddr::V4(Ipv4Addr::from_bits(v4))));
            let word = |w: u32| ((v6 >> (96 - 32 * w)) as u32).swap_bytes();
            let six = format!("{:08X}{:08X}{:08X}{:08X}", word(0), word(1), word(2), word(3));
            prop_assert_eq!(address(&six), Some(IpAddr::V6(Ipv6Addr::from_bits(v6))));
            let line = format!("head\n 0: {four}:{port:04X} 00000000:0000 0A 0:0 00:0 0 0 0 5 1");
            let told = sockets(&line, true);
            prop_assert_eq!(told.first().map(|(i, s)| (*i, s.port)), Some((5, port)));
        }
    }
}
