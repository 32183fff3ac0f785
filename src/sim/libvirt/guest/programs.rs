//! What goes on for a while at the shell: it prints by itself until it is over or somebody stops it.

use std::fmt::Write as _;

use super::machine::Machine;
use crate::sim::libvirt::world::SECOND;

/// Bytes that a program that floods prints at once.
const LOT: usize = 32 << 10;

/// A program that runs.
#[derive(Debug)]
pub(super) enum Program {
    /// Redraws every two seconds until `q`.
    Top { next: i64, over: bool },
    /// Prints a line a second.
    Ping { to: String, n: u32, count: u32, next: i64, begun: bool, over: bool },
    /// Waits.
    Sleep { until: i64, begun: bool, over: bool },
    /// Prints numbers as fast as they are taken.
    Seq { at: u64, to: u64, over: bool },
    /// Prints the log, a line now and then.
    Follow { next: i64, n: u32, over: bool },
    /// Gives back what is typed.
    Cat { over: bool },
}

impl Program {
    /// When it prints next.
    pub(super) const fn next(&self) -> Option<i64> {
        match self {
            Self::Top { next, .. } | Self::Ping { next, .. } | Self::Follow { next, .. } => Some(*next),
            Self::Sleep { until, .. } => Some(*until),
            Self::Seq { .. } => Some(i64::MIN),
            Self::Cat { .. } => None,
        }
    }

    /// Whether it has ended.
    pub(super) const fn over(&self) -> bool {
        match self {
            Self::Top { over, .. }
            | Self::Ping { over, .. }
            | Self::Sleep { over, .. }
            | Self::Seq { over, .. }
            | Self::Follow { over, .. }
            | Self::Cat { over } => *over,
        }
    }

    fn end(&mut self) {
        let (Self::Top { over, .. }
        | Self::Ping { over, .. }
        | Self::Sleep { over, .. }
        | Self::Seq { over, .. }
        | Self::Follow { over, .. }
        | Self::Cat { over }) = self;
        *over = true;
    }

    /// A key while it runs; what that prints.
    pub(super) fn key(&mut self, byte: u8) -> String {
        match (&mut *self, byte) {
            (Self::Top { .. }, b'q' | 0x03) => {
                self.end();
                "\x1b[?25h\r\n".to_owned()
            }
            (_, 0x03) => {
                self.end();
                "^C\r\n".to_owned()
            }
            (Self::Cat { .. }, 0x04) => {
                self.end();
                String::new()
            }
            (Self::Cat { .. }, b'\r') => "\r\n".to_owned(),
            (Self::Cat { .. }, 0x20..=0x7e) => char::from(byte).to_string(),
            _ => String::new(),
        }
    }

    /// What it prints until now.
    pub(super) fn run(&mut self, m: &Machine, rows: u16, columns: u16) -> String {
        let mut out = String::new();
        match self {
            Self::Top { next, .. } if m.now >= *next => {
                *next = m.now + 2 * SECOND;
                out = top(m, rows, columns);
            }
            Self::Ping { to, n, count, next, begun, over } => {
                if !*begun {
                    *begun = true;
                    *next = m.now;
                    let _ = write!(out, "PING {to} 56(84) bytes of data.\r\n");
                }
                // What was due while nobody looked is not made up for.
                if m.now >= *next && *n < *count {
                    *n += 1;
                    *next = m.now + SECOND;
                    let ms = 0.35_f64.mul_add(f64::from(*n % 7) / 7.0, 0.4);
                    let _ = write!(out, "64 bytes from {to}: icmp_seq={n} ttl=63 time={ms:.2} ms\r\n");
                }
                if *n >= *count && m.now >= *next {
                    *over = true;
                    let _ = write!(out, "--- {to} ping statistics ---\r\n{n} packets transmitted, {n} received\r\n");
                }
            }
            Self::Sleep { until, begun, over } => {
                if !*begun {
                    *begun = true;
                    *until += m.now;
                }
                *over = m.now >= *until;
            }
            Self::Seq { at, to, over } => {
                while out.len() < LOT && *at <= *to {
                    let _ = write!(out, "{at}\r\n");
                    *at += 1;
                }
                *over = *at > *to;
            }
            Self::Follow { next, n, .. } if m.now >= *next => {
                *n += 1;
                *next = m.now + SECOND * i64::from(1 + *n % 4);
                out = logged(m, *n);
            }
            _ => {}
        }
        out
    }
}

/// A line of the log.
fn logged(m: &Machine, n: u32) -> String {
    let said = [
        "systemd[1]: Starting Cleanup of Temporary Directories...",
        "systemd[1]: Finished Cleanup of Temporary Directories.",
        "chronyd[411]: Selected source 10.40.0.1",
        "sshd[2207]: Accepted publickey for root from 10.40.0.9",
        "kernel: perf: interrupt took too long (2512 > 2500)",
    ];
    let text = said.get(n as usize % said.len()).copied().unwrap_or("");
    format!("{} {} {text}\r\n", m.time(), m.hostname)
}

/// What `top` shows.
fn top(m: &Machine, rows: u16, columns: u16) -> String {
    let (one, five, fifteen) = m.loads();
    let mut lines = vec![
        format!("top - {} up {}, 1 user, load average: {one:.2}, {five:.2}, {fifteen:.2}", m.time(), up(m)),
        format!("Tasks: {} total, 1 running, {} sleeping, 0 stopped, 0 zombie", 92 + m.vcpus, 91 + m.vcpus),
    ];
    let busy = (one / f64::from(m.vcpus.max(1)) * 100.0).min(100.0);
    lines.push(format!("%Cpu(s): {:4.1} us, {:4.1} sy, {:4.1} id", busy * 0.7, busy * 0.3, 100.0 - busy));
    let mib = |kib: u64| kib as f64 / 1_024.0;
    let free = m.memory_kib - m.used_kib;
    let memory = (mib(m.memory_kib), mib(free), mib(m.used_kib));
    lines.push(format!("MiB Mem : {:8.1} total, {:8.1} free, {:8.1} used", memory.0, memory.1, memory.2));
    lines.push(String::new());
    lines.push("\x1b[7m  PID USER      PR  NI    VIRT    RES  %CPU  %MEM COMMAND        \x1b[0m".to_owned());
    let work = ["main", "worker", "journald", "sshd", "chronyd", "cron", "agetty", "kworker/0:1", "systemd"];
    for (n, name) in work.into_iter().enumerate() {
        let share = [0.61, 0.22, 0.07, 0.03, 0.02].get(n).copied().unwrap_or(0.0);
        let (cpu, memory) = (busy * share * f64::from(m.vcpus), 40.0 * share);
        let pid = 400 + n * 37;
        lines.push(format!(
            "{pid:5} root      20   0 {:7} {:6} {cpu:5.1} {memory:5.1} {name}",
            90_000 + n * 911,
            9_000 + n * 77
        ));
    }
    let shown = usize::from(rows.saturating_sub(1)).max(1);
    let mut out = String::from("\x1b[?25l\x1b[H");
    for line in lines.iter().take(shown) {
        let plain = line.starts_with('\x1b');
        let text: String = if plain { line.clone() } else { line.chars().take(usize::from(columns)).collect() };
        let _ = write!(out, "{text}\x1b[K\r\n");
    }
    out.push_str("\x1b[J");
    out
}

/// How long it is up, as `uptime` says it.
pub(super) fn up(m: &Machine) -> String {
    let s = m.uptime_s().max(0);
    let (days, hours, minutes) = (s / 86_400, s / 3_600 % 24, s / 60 % 60);
    match (days, hours) {
        (0, 0) => format!("{minutes} min"),
        (0, _) => format!("{hours}:{minutes:02}"),
        (1, _) => format!("1 day, {hours}:{minutes:02}"),
        _ => format!("{days} days, {hours}:{minutes:02}"),
    }
}
