//! What is said to the shell, and what it says. Files are a handful of texts; nothing is run.

use std::fmt::Write as _;

use super::boot;
use super::machine::Machine;
use super::programs::{Program, up};
use super::tty::{Request, Tty};

/// What a command comes to.
#[derive(Debug)]
pub(super) enum Does {
    Print(String),
    Start(Box<Program>),
    Leave,
    Ask(Request),
}

/// The most that `seq` counts, and the longest that `sleep` sleeps, s.
const MOST: u64 = 10_000_000;
const LONGEST_S: i64 = 3_600;

const HELP: &str = "\
 ls cd pwd cat echo head        files, as far as there are any
 uname hostname uptime date id  the machine
 free df lsblk nproc lscpu      what it has
 ps top dmesg journalctl        what it does
 ip ss ping                     the network
 stty clear history sleep seq   the terminal
 systemctl                      services
 reboot poweroff exit           the end
";

/// Runs a line.
pub(super) fn run(tty: &mut Tty, m: &Machine, line: &str, history: &[String]) -> Does {
    let line = line.split(['|', ';', '&', '>']).next().unwrap_or("").trim();
    let words: Vec<&str> = line.split_whitespace().collect();
    let Some((name, rest)) = words.split_first() else { return Does::Print(String::new()) };
    let name = name.rsplit('/').next().unwrap_or(name);
    let first = rest.iter().find(|w| !w.starts_with('-')).copied();
    let print = |text: &str| Does::Print(format!("{text}\n"));
    match name {
        "help" => Does::Print(HELP.to_owned()),
        "true" | ":" | "export" | "umask" | "sync" => Does::Print(String::new()),
        "pwd" => print(&tty.folder),
        "cd" => change(tty, first),
        "ls" | "ll" => list(tty, first, name == "ll" || rest.iter().any(|w| w.starts_with('-') && w.contains('l'))),
        "cat" | "head" | "tail" | "less" | "more" => match first {
            None if name == "cat" => Does::Start(Box::new(Program::Cat { over: false })),
            None => Does::Print(String::new()),
            Some(_) if rest.contains(&"-f") => {
                Does::Start(Box::new(Program::Follow { next: m.now, n: 0, over: false }))
            }
            Some(path) => match read(&full(&tty.folder, path), m) {
                Some(text) => Does::Print(text),
                None if folder(&full(&tty.folder, path)).is_some() => print(&format!("{name}: {path}: Is a directory")),
                None => print(&format!("{name}: {path}: No such file or directory")),
            },
        },
        "echo" => print(&expand(line.strip_prefix("echo").unwrap_or("").trim())),
        "uname" if rest.contains(&"-r") => print(m.kernel()),
        "uname" if rest.is_empty() => print("Linux"),
        "uname" => {
            print(&format!("Linux {} {} #1 SMP PREEMPT_DYNAMIC Debian x86_64 GNU/Linux", m.hostname, m.kernel()))
        }
        "hostname" => print(&m.hostname),
        "whoami" => print("root"),
        "id" => print("uid=0(root) gid=0(root) groups=0(root)"),
        "tty" => print(&tty_name(tty)),
        "date" => print(&m.date()),
        "nproc" => print(&m.vcpus.to_string()),
        "uptime" => {
            let (one, five, fifteen) = m.loads();
            print(&format!(" {} up {},  1 user,  load average: {one:.2}, {five:.2}, {fifteen:.2}", m.time(), up(m)))
        }
        "free" => Does::Print(free(m)),
        "df" => Does::Print(df(m)),
        "lsblk" => Does::Print(lsblk(m)),
        "lscpu" => print(&format!("Architecture:   x86_64\nCPU(s):         {}\nHypervisor:     KVM", m.vcpus)),
        "ps" => Does::Print(ps(m)),
        "top" | "htop" => Does::Start(Box::new(Program::Top { next: m.now, over: false })),
        "dmesg" => Does::Print(dmesg(m)),
        "journalctl" => Does::Start(Box::new(Program::Follow { next: m.now, n: 0, over: false })),
        "ip" => Does::Print(ip(m)),
        "ss" | "netstat" => Does::Print(
            "State   Local Address:Port   Peer Address:Port\nLISTEN        0.0.0.0:22          0.0.0.0:*\n".to_owned(),
        ),
        "ping" => Does::Start(Box::new(ping(rest, first))),
        "sleep" => {
            let s: i64 = first.and_then(|t| t.parse().ok()).unwrap_or(1);
            let until = s.clamp(0, LONGEST_S) * crate::sim::libvirt::world::SECOND;
            Does::Start(Box::new(Program::Sleep { until, begun: false, over: false }))
        }
        "seq" => {
            let numbers: Vec<u64> = rest.iter().filter_map(|w| w.parse().ok()).collect();
            let (at, to) = match numbers.as_slice() {
                [to] => (1, *to),
                [at, to, ..] => (*at, *to),
                [] => (1, 0),
            };
            Does::Start(Box::new(Program::Seq { at, to: to.min(at.saturating_add(MOST)), over: at > to }))
        }
        "stty" => stty(tty, rest),
        "clear" | "reset" => Does::Print("\x1b[H\x1b[J".to_owned()),
        "history" => Does::Print(history.iter().enumerate().fold(String::new(), |mut out, (n, line)| {
            let _ = writeln!(out, "{:5}  {line}", n + 1);
            out
        })),
        "env" => print("HOME=/root\nPATH=/usr/sbin:/usr/bin:/sbin:/bin\nTERM=vt220\nUSER=root"),
        "systemctl" => systemctl(rest),
        "exit" | "logout" => Does::Leave,
        "reboot" => Does::Ask(Request::Reboot),
        "poweroff" | "halt" | "shutdown" => {
            Does::Ask(if rest.contains(&"-r") { Request::Reboot } else { Request::PowerOff })
        }
        "vi" | "vim" | "nano" | "emacs" => print(&format!("{name}: not in this image")),
        _ => print(&format!("-sh: {name}: not found")),
    }
}

fn tty_name(tty: &Tty) -> String {
    if tty.vga().is_some() { "/dev/tty1".to_owned() } else { "/dev/ttyS0".to_owned() }
}

/// `$((…))` of two numbers, and no more.
fn expand(text: &str) -> String {
    let text = text.trim_matches(['"', '\'']);
    let (Some(from), Some(to)) = (text.find("$(("), text.find("))")) else { return text.to_owned() };
    let sum = text.get(from + 3..to).unwrap_or("");
    let worked = ['*', '+', '-', '/'].into_iter().find_map(|sign| {
        let (a, b) = sum.split_once(sign)?;
        let (a, b): (i64, i64) = (a.trim().parse().ok()?, b.trim().parse().ok()?);
        match sign {
            '*' => a.checked_mul(b),
            '+' => a.checked_add(b),
            '-' => a.checked_sub(b),
            _ => a.checked_div(b),
        }
    });
    let head = text.get(..from).unwrap_or("");
    let tail = text.get(to + 2..).unwrap_or("");
    worked.map_or_else(|| text.to_owned(), |n| format!("{head}{n}{tail}"))
}

const TREE: [(&str, &[&str]); 8] = [
    ("/", &["bin", "boot", "dev", "etc", "home", "proc", "root", "usr", "var"]),
    ("/etc", &["debian_version", "fstab", "hostname", "issue", "os-release", "resolv.conf", "ssh"]),
    ("/root", &["notes.txt"]),
    ("/home", &[]),
    ("/var", &["lib", "log"]),
    ("/var/log", &["boot.log", "dmesg", "syslog"]),
    ("/proc", &["cpuinfo", "loadavg", "meminfo", "uptime"]),
    ("/boot", &["grub", "initrd.img", "vmlinuz"]),
];

fn folder(path: &str) -> Option<&'static [&'static str]> {
    TREE.iter().find(|(name, _)| *name == path).map(|(_, files)| *files)
}

fn full(folder: &str, path: &str) -> String {
    let whole = if path.starts_with('/') { path.to_owned() } else { format!("{folder}/{path}") };
    let mut parts: Vec<&str> = Vec::new();
    for part in whole.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop();
            }
            "~" => parts = vec!["root"],
            _ => parts.push(part),
        }
    }
    format!("/{}", parts.join("/"))
}

fn change(tty: &mut Tty, to: Option<&str>) -> Does {
    let path = full(&tty.folder, to.unwrap_or("/root"));
    if folder(&path).is_none() {
        return Does::Print(format!("-sh: cd: {}: No such file or directory\n", to.unwrap_or("")));
    }
    tty.folder = path;
    Does::Print(String::new())
}

fn list(tty: &Tty, path: Option<&str>, long: bool) -> Does {
    let at = full(&tty.folder, path.unwrap_or("."));
    let Some(files) = folder(&at) else {
        return Does::Print(format!("ls: {}: No such file or directory\n", path.unwrap_or("")));
    };
    if !long {
        return Does::Print(if files.is_empty() { String::new() } else { format!("{}\n", files.join("  ")) });
    }
    let mut out = format!("total {}\n", files.len() * 4);
    for file in files {
        let inner = if at == "/" { format!("/{file}") } else { format!("{at}/{file}") };
        let mode = if folder(&inner).is_some() { "drwxr-xr-x" } else { "-rw-r--r--" };
        let _ = writeln!(out, "{mode} 1 root root {:6} Jan 14 09:12 {file}", file.len() * 113);
    }
    Does::Print(out)
}

fn read(path: &str, m: &Machine) -> Option<String> {
    Some(match path {
        "/etc/hostname" => format!("{}\n", m.hostname),
        "/etc/issue" => format!("{} \\n \\l\n", m.system()),
        "/etc/debian_version" => (if m.old { "8.11\n" } else { "12.11\n" }).to_owned(),
        "/etc/os-release" => format!("PRETTY_NAME=\"{}\"\nID=debian\n", m.system()),
        "/etc/fstab" => "/dev/vda1 / ext4 errors=remount-ro 0 1\n/dev/vda2 none swap sw 0 0\n".to_owned(),
        "/etc/resolv.conf" => "search noc.example\nnameserver 10.40.0.53\n".to_owned(),
        "/root/notes.txt" => format!("{}\nOwner: network operations\n", m.title),
        "/proc/cpuinfo" => (0..m.vcpus).fold(String::new(), |mut out, n| {
            let _ = write!(out, "processor\t: {n}\nmodel name\t: QEMU Virtual CPU\n\n");
            out
        }),
        "/proc/meminfo" => {
            format!("MemTotal: {:>12} kB\nMemFree:  {:>12} kB\n", m.memory_kib, m.memory_kib - m.used_kib)
        }
        "/proc/loadavg" => {
            let (one, five, fifteen) = m.loads();
            format!("{one:.2} {five:.2} {fifteen:.2} 1/98 2213\n")
        }
        "/proc/uptime" => format!("{}.00 {}.00\n", m.uptime_s(), m.uptime_s() * i64::from(m.vcpus) / 2),
        "/var/log/dmesg" | "/var/log/boot.log" | "/var/log/syslog" => dmesg(m),
        _ => return None,
    })
}

fn dmesg(m: &Machine) -> String {
    boot::kernel(m).into_iter().fold(String::new(), |mut out, (ms, text)| {
        let _ = writeln!(out, "[{:5}.{:06}] {text}", ms / 1_000, ms % 1_000 * 1_000 + boot::spread(ms));
        out
    })
}

fn free(m: &Machine) -> String {
    let rest = m.memory_kib - m.used_kib;
    let head = "               total        used        free      shared  buff/cache   available\n";
    let (free, cache, usable) = (rest / 3, rest / 2, rest / 6 * 5);
    format!(
        "{head}Mem:    {:>12} {:>11} {free:>11} {:>11} {cache:>11} {usable:>11}\nSwap:   {:>12} {:>11} {:>11}\n",
        m.memory_kib, m.used_kib, 1_024, 0, 0, 0
    )
}

fn df(m: &Machine) -> String {
    let mut out = String::from("Filesystem     1K-blocks      Used Available Use% Mounted on\n");
    for (n, (disk, bytes)) in m.disks.iter().enumerate() {
        let (size, used) = (bytes / 1_024, bytes / 1_024 / 100 * 43);
        let at = if n == 0 { "/" } else { "/data" };
        let _ = writeln!(out, "/dev/{disk}1 {size:>14} {used:>9} {:>9}  43% {at}", size - used);
    }
    out
}

fn lsblk(m: &Machine) -> String {
    let mut out = String::from("NAME   MAJ:MIN RM  SIZE RO TYPE MOUNTPOINTS\n");
    for (n, (disk, bytes)) in m.disks.iter().enumerate() {
        let _ = writeln!(out, "{disk}    254:{:<3}  0 {:>4}G  0 disk", n * 16, bytes >> 30);
        let _ = writeln!(
            out,
            "`-{disk}1 254:{:<3}  0 {:>4}G  0 part {}",
            n * 16 + 1,
            bytes >> 30,
            if n == 0 { "/" } else { "/data" }
        );
    }
    out
}

fn ps(m: &Machine) -> String {
    let mut out = String::from("  PID TTY          TIME CMD\n");
    let minutes = m.uptime_s() / 60;
    for (n, name) in ["systemd", "kthreadd", "journald", "chronyd", "sshd", "cron", "sh", "ps"].into_iter().enumerate()
    {
        let spent = if n == 2 { minutes / 90 } else { 0 };
        let _ = writeln!(out, "{:5} ?        {:02}:{:02}:00 {name}", 1 + n * n * 47, spent / 60, spent % 60);
    }
    out
}

fn ip(m: &Machine) -> String {
    let mut out =
        String::from("1: lo: <LOOPBACK,UP,LOWER_UP> mtu 65536 state UNKNOWN\n    inet 127.0.0.1/8 scope host lo\n");
    for (n, (nic, mac, address)) in m.nics.iter().enumerate() {
        let _ = writeln!(out, "{}: {nic}: <BROADCAST,MULTICAST,UP,LOWER_UP> mtu 1500 state UP", n + 2);
        let _ = writeln!(out, "    link/ether {mac} brd ff:ff:ff:ff:ff:ff\n    inet {address}/24 scope global {nic}");
    }
    out
}

fn ping(rest: &[&str], first: Option<&str>) -> Program {
    let at = rest.iter().position(|w| *w == "-c");
    let count = at.and_then(|at| rest.get(at + 1)).and_then(|n| n.parse().ok());
    let named = rest.iter().filter(|w| !w.starts_with('-')).find(|w| w.parse::<u32>().is_err()).copied();
    let to = named.or(first).unwrap_or("127.0.0.1");
    let to: String = to.chars().filter(|c| c.is_ascii_alphanumeric() || ".:-".contains(*c)).take(64).collect();
    Program::Ping { to, n: 0, count: count.unwrap_or(u32::MAX), next: 0, begun: false, over: false }
}

fn stty(tty: &mut Tty, rest: &[&str]) -> Does {
    if rest.first() == Some(&"size") {
        return Does::Print(format!("{} {}\n", tty.rows, tty.columns));
    }
    for pair in rest.chunks(2) {
        if let [what, n] = pair
            && let Ok(n) = n.parse::<u16>()
        {
            match *what {
                "rows" => tty.rows = n.clamp(1, 500),
                "cols" | "columns" => tty.columns = n.clamp(1, 1_000),
                _ => {}
            }
        }
    }
    if rest.is_empty() || rest.first() == Some(&"-a") {
        return Does::Print(format!("speed 115200 baud; rows {}; columns {};\n", tty.rows, tty.columns));
    }
    Does::Print(String::new())
}

fn systemctl(rest: &[&str]) -> Does {
    match rest {
        ["status", unit, ..] => Does::Print(format!("* {unit} - active (running)\n")),
        ["reboot", ..] => Does::Ask(Request::Reboot),
        ["poweroff" | "halt", ..] => Does::Ask(Request::PowerOff),
        ["start" | "stop" | "restart" | "enable" | "disable", ..] => Does::Print(String::new()),
        _ => Does::Print(
            "UNIT            ACTIVE  SUB\nsshd.service    active  running\ncron.service    active  running\n".into(),
        ),
    }
}
