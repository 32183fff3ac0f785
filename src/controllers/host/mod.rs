//! The system of an appliance, looked at: listening sockets with who holds them, load, memory,
//! disks, the size of the buffer's database. On this machine by `/proc`, on another by one fixed script
//! that only reads; both are read by the same parsers ([`parse`]), and nothing on the appliance has to
//! be installed for it.

pub mod parse;
mod reach;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use super::ssh::{self, Master};
use crate::model::appliance::poll::{HostStatus, Socket};

pub use reach::{Reach, check_port};

/// How long the script on the other side may take.
const LIMIT: Duration = Duration::from_secs(15);

/// The most bytes of one file of `/proc`.
const MOST_FILE: u64 = 8 << 20;

/// The script of the other side. It only reads; paths come as arguments: the database, then mount
/// points. `df` and `stat` exist in busybox, too.
const SCRIPT: &str = r#"LC_ALL=C; export LC_ALL
s() { echo "==noctule $1"; }
db=$1; shift
for f in net/tcp net/tcp6 net/udp net/udp6 loadavg meminfo uptime; do s "$f"; cat "/proc/$f"; done 2>/dev/null
s stat; grep '^cpu' /proc/stat
s fd; ls -l /proc/[0-9]*/fd 2>/dev/null | grep -e '^/proc' -e 'socket:\['
s comm; for p in /proc/[0-9]*; do c=; read -r c <"$p/comm" && echo "$p $c"; done 2>/dev/null
s db; stat -L -c %s -- "$db" 2>/dev/null
s wal; stat -L -c %s -- "$db-wal" 2>/dev/null
i=0; for m; do s "df $i"; df -Pk -- "$m" 2>/dev/null; i=$((i+1)); done
s end"#;

/// Where an appliance's system is looked at.
#[derive(Debug, Clone)]
pub enum Place {
    /// This machine.
    Local,
    /// A host behind SSH.
    Ssh(Arc<Master>),
}

/// What is looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Look {
    /// Mount points (or any paths on them).
    pub mounts: Vec<String>,
    /// The appliance's `DATA_PATH`.
    pub data_path: String,
}

impl Look {
    /// The root and the data of an appliance.
    #[must_use]
    pub fn at(data_path: &str) -> Self {
        Self { mounts: vec!["/".to_owned(), data_path.to_owned()], data_path: data_path.to_owned() }
    }

    /// The buffer's database (facts: source-systems §1.3).
    #[must_use]
    pub fn database(&self) -> String {
        format!("{}/buffer/db/telemetry.db", self.data_path.trim_end_matches('/'))
    }
}

/// Why nothing was seen.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The way there.
    #[error(transparent)]
    Ssh(#[from] ssh::Error),
    /// What came back is not what the script says.
    #[error("ssh {host}: the host's answer cannot be read ({words}): is its shell a POSIX shell, and /proc there?")]
    Answer {
        /// The host.
        host: String,
        /// Its first words.
        words: String,
    },
    /// This machine has no `/proc`.
    #[error("/proc cannot be read on this machine ({0})")]
    Proc(String),
}

/// Looks at an appliance's system.
///
/// # Errors
/// When nothing could be seen; single figures that cannot be read are left out.
pub async fn probe(place: &Place, look: &Look) -> Result<HostStatus, Error> {
    match place {
        Place::Local => {
            let look = look.clone();
            let told = tokio::task::spawn_blocking(move || local(&look)).await;
            told.unwrap_or_else(|e| Err(Error::Proc(e.to_string())))
        }
        Place::Ssh(master) => remote(master, look).await,
    }
}

fn local(look: &Look) -> Result<HostStatus, Error> {
    let read = |name: &str| bounded(&Path::new("/proc").join(name)).unwrap_or_default();
    let first = bounded(Path::new("/proc/net/tcp")).map_err(|e| Error::Proc(e.to_string()))?;
    let mut sockets = parse::sockets(&first, true);
    sockets.extend(parse::sockets(&read("net/tcp6"), true));
    sockets.extend(parse::sockets(&read("net/udp"), false));
    sockets.extend(parse::sockets(&read("net/udp6"), false));
    let disks = look.mounts.iter().filter_map(|mount| {
        let told = rustix::fs::statvfs(mount.as_str()).ok()?;
        let bytes = |blocks: u64| blocks.saturating_mul(told.f_frsize);
        let used = told.f_blocks.saturating_sub(told.f_bfree);
        Some(parse::disk(mount, bytes(told.f_blocks), bytes(used), bytes(told.f_bavail)))
    });
    let size = |path: String| std::fs::metadata(path).ok().map(|m| m.len());
    Ok(HostStatus {
        disks: disks.collect(),
        load_milli: parse::load_milli(&read("loadavg")),
        cpus: parse::cpus(&read("stat")),
        memory_pct: parse::memory_pct(&read("meminfo")),
        uptime_s: parse::uptime_s(&read("uptime")),
        database_bytes: size(look.database()),
        wal_bytes: size(format!("{}-wal", look.database())),
        listening: Some(parse::named(sockets, &owners())),
        told_by: "this machine".to_owned(),
    })
}

fn bounded(path: &Path) -> std::io::Result<String> {
    use std::io::Read as _;
    let mut bytes = Vec::new();
    std::fs::File::open(path)?.take(MOST_FILE).read_to_end(&mut bytes)?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// Who holds the sockets of this machine, as far as we may see.
fn owners() -> parse::Owners {
    let mut owners = parse::Owners::new();
    let Ok(entries) = std::fs::read_dir("/proc") else { return owners };
    let mut pids: Vec<u32> = entries.flatten().filter_map(|e| e.file_name().to_str()?.parse().ok()).collect();
    pids.sort_unstable();
    for pid in pids {
        let folder = Path::new("/proc").join(pid.to_string());
        let Ok(files) = std::fs::read_dir(folder.join("fd")) else { continue };
        let mut name = None;
        for file in files.flatten() {
            let Ok(link) = std::fs::read_link(file.path()) else { continue };
            let Some(inode) = link.to_str().and_then(parse::socket_inode) else { continue };
            let name =
                name.get_or_insert_with(|| bounded(&folder.join("comm")).unwrap_or_default().trim_end().to_owned());
            owners.entry(inode).or_insert_with(|| (pid, name.clone()));
        }
    }
    owners
}

async fn remote(master: &Master, look: &Look) -> Result<HostStatus, Error> {
    let database = look.database();
    let mut argv = vec!["sh", "-c", SCRIPT, "sh", database.as_str()];
    argv.extend(look.mounts.iter().map(String::as_str));
    let out = master.run(&argv, LIMIT).await?;
    let text = String::from_utf8_lossy(&out.stdout);
    let parts = parse::sections(&text);
    if !parts.contains_key("end") || parts.get("loadavg").is_none_or(|t| t.is_empty()) {
        let words = if out.stderr.is_empty() { text.into_owned() } else { out.words() };
        let words = super::voltha::error::bounded(&words);
        return Err(Error::Answer { host: master.ssh().host.clone(), words });
    }
    let part = |name: &str| parts.get(name).copied().unwrap_or_default();
    let mut sockets: Vec<(u64, Socket)> = Vec::new();
    for (name, tcp) in [("net/tcp", true), ("net/tcp6", true), ("net/udp", false), ("net/udp6", false)] {
        sockets.extend(parse::sockets(part(name), tcp));
    }
    let disks = look.mounts.iter().enumerate().filter_map(|(i, mount)| parse::df(mount, part(&format!("df {i}"))));
    Ok(HostStatus {
        disks: disks.collect(),
        load_milli: parse::load_milli(part("loadavg")),
        cpus: parse::cpus(part("stat")),
        memory_pct: parse::memory_pct(part("meminfo")),
        uptime_s: parse::uptime_s(part("uptime")),
        database_bytes: part("db").trim().parse().ok(),
        wal_bytes: part("wal").trim().parse().ok(),
        listening: Some(parse::named(sockets, &parse::owners(part("fd"), part("comm")))),
        told_by: format!("ssh {}", master.ssh().host),
    })
}
