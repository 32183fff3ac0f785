//! One host of virtual machines: the way to it, its libvirt, the programs beside it, the folder of its
//! backups, and its clock.

use std::time::{Duration, Instant};

use tokio::time::timeout;

use super::report::Check;
use crate::config::schema::Libvirt;
use crate::controllers::libvirt::client::{Connection, Hypervisor};
use crate::controllers::libvirt::connect::{Target, virsh_uri};
use crate::controllers::libvirt::error::{Error, Failure};
use crate::controllers::libvirt::programs::{Apart, Program, ProgramError, Programs};
use crate::controllers::ssh;
use crate::model::tables::libvirt_version;
use crate::model::text::{clean, counted, iec};
use crate::model::time::SECOND;
use crate::workers::now;

/// How long a login or an answer may take: an SSH login may wait for slow names.
const ANSWER: Duration = Duration::from_secs(20);
/// How long a program on the host may take.
const PROGRAM: Duration = Duration::from_secs(15);
/// A libvirt older than this has no backups that are made while the machine runs.
const BACKUPS: u64 = 6_000_000;
/// A clock this far from ours is worth a word, s.
const SKEW: i64 = 2;
/// Less room than this for backups is worth a word, bytes.
const ROOM: u64 = 1 << 30;

/// The folder (or the nearest one above it that is there), whether it is the folder itself, whether it
/// may be written to, and the KiB free.
const FOLDER: &str = r#"d=$1; is=it; while [ ! -d "$d" ] && [ "$d" != / ]; do is=above; d=$(dirname -- "$d"); done
may=no; if [ -w "$d" ] && [ -x "$d" ]; then may=yes; fi
printf '%s %s %s\n' "$is" "$may" "$(df -Pk -- "$d" 2>/dev/null | awk 'NR == 2 { print $4 }')"
printf '%s\n' "$d""#;

/// All checks of one host.
pub(super) async fn checks(config: &Libvirt) -> Vec<Check> {
    let mut out = Vec::new();
    if !way(config, &mut out).await {
        return out;
    }
    let programs = Programs::on(Target::of(config));
    // Where it is that a socket leads to, only what is behind it can tell.
    let mut beside = config.ssh.is_some() || config.socket.is_none();
    if let Some(connection) = open(config, &mut out).await {
        answers(&connection, &mut out).await;
        let apart = programs.beside(&connection).await.err();
        beside = apart.is_none();
        out.extend(apart.as_ref().map(elsewhere));
        connection.close().await;
    }
    if !beside {
        return out;
    }
    let uri = virsh_uri(config);
    out.push(program(&programs, &QEMU_IMG, &[]).await);
    out.push(program(&programs, &VIRSH, &[&uri]).await);
    out.push(folder(&programs, config).await);
    out.push(clock(&programs, config).await);
    out
}

/// Programs for a host that they would not run on: nothing of it can be looked at.
fn elsewhere(apart: &Apart) -> Check {
    let advice = match apart {
        Apart::Elsewhere { .. } => {
            "no backups, restores and checks are made; name the host as [source.ssh] instead of a socket that leads to it"
        }
        Apart::Call(_) | Apart::Program(_) => "without programs there are no backups, restores and checks",
    };
    Check::warn("programs", apart.to_string(), advice)
}

/// The way there: the SSH login, or the socket.
async fn way(config: &Libvirt, out: &mut Vec<Check>) -> bool {
    let Some(host) = &config.ssh else {
        if let Some(path) = &config.socket {
            let there = tokio::fs::metadata(path).await;
            let good = there.is_ok();
            out.push(match there {
                Ok(_) => Check::ok("socket", path),
                Err(e) => {
                    let advice = "check the socket's path in the configuration, and that libvirt runs";
                    Check::fail("socket", format!("{path}: {e}"), advice).unreachable()
                }
            });
            return good;
        }
        return true;
    };
    let began = Instant::now();
    let master = ssh::master(host);
    let advice = format!("try it by hand: ssh {}", clean(&host.host));
    match timeout(ANSWER, master.ensure()).await {
        Ok(Ok(())) => {
            out.push(Check::ok("ssh", format!("logged in to {}", clean(&host.host))).took(began.elapsed()));
            true
        }
        Ok(Err(e)) => {
            out.push(Check::fail("ssh", e.to_string(), advice).unreachable());
            false
        }
        Err(_) => {
            let found = format!("no login in {} s", ANSWER.as_secs());
            out.push(Check::fail("ssh", found, advice).unreachable());
            false
        }
    }
}

async fn open(config: &Libvirt, out: &mut Vec<Check>) -> Option<Connection> {
    let what = Hypervisor { uri: config.uri.clone(), read_only: false };
    let began = Instant::now();
    match Target::of(config).connect(&what, Duration::from_secs(config.timeout_s)).await {
        Ok(connection) => {
            // A login that is not spoken would have ended it.
            out.push(Check::ok("libvirt login", format!("{} is open for changes", what.uri)).took(began.elapsed()));
            Some(connection)
        }
        Err(error) => {
            out.push(failed("libvirt login", &error));
            None
        }
    }
}

async fn answers(connection: &Connection, out: &mut Vec<Check>) {
    let began = Instant::now();
    let (libvirt, hypervisor, name, machines) =
        tokio::join!(connection.lib_version(), connection.version(), connection.hostname(), connection.domains(0));
    let took = began.elapsed();
    out.push(match (libvirt, hypervisor) {
        (Ok(libvirt), Ok(hypervisor)) => version(libvirt, hypervisor).took(took),
        (Err(e), _) | (_, Err(e)) => failed("libvirt version", &e),
    });
    out.push(match (name, machines) {
        (Ok(name), Ok(machines)) => {
            let count = counted(machines.len() as u64, "machine", "machines");
            Check::ok("machines", format!("{count} on {}", clean(&name))).took(took)
        }
        (Err(e), _) | (_, Err(e)) => failed("machines", &e),
    });
}

fn version(libvirt: u64, hypervisor: u64) -> Check {
    let found = format!("libvirt {}, hypervisor {}", libvirt_version(libvirt), libvirt_version(hypervisor));
    if libvirt < BACKUPS {
        let advice = "backups of running machines need libvirt 6.0: only those that are off can be backed up here";
        return Check::warn("libvirt version", found, advice);
    }
    Check::ok("libvirt version", found)
}

/// A program that a host should have.
struct Wanted {
    name: &'static str,
    /// How it tells its version.
    text: &'static str,
    package: &'static str,
    /// What is not possible without it.
    without: &'static str,
}

const QEMU_IMG: Wanted = Wanted {
    name: "qemu-img",
    text: "exec qemu-img --version",
    package: "qemu-utils",
    without: "without it there are no backups, restores and checks",
};
const VIRSH: Wanted = Wanted {
    name: "virsh",
    text: r#"exec virsh -q -c "$1" version"#,
    package: "libvirt-clients",
    without: "without it some operations are not possible",
};

/// Asks a program that moves nothing.
async fn ask(programs: &Programs, text: &'static str, args: &[&str]) -> Result<String, ProgramError> {
    programs.ask(&Program { text, args, input: None, limit: PROGRAM }).await
}

/// A program on the host: the line with its version, or that it is missing.
async fn program(programs: &Programs, wanted: &Wanted, args: &[&str]) -> Check {
    let began = Instant::now();
    match ask(programs, wanted.text, args).await {
        Ok(said) => {
            let lines = || said.lines().map(str::trim).filter(|line| !line.is_empty());
            let line = lines().find(|line| line.starts_with("Running hypervisor")).or_else(|| lines().next());
            Check::ok(wanted.name, line.unwrap_or_default()).took(began.elapsed())
        }
        Err(ProgramError::Failed { status: 127, .. }) => {
            let advice = format!("install the package {} there: {}", wanted.package, wanted.without);
            Check::warn(wanted.name, "the host has no such program", advice)
        }
        Err(error) => Check::warn(wanted.name, error.to_string(), wanted.without),
    }
}

/// The folder of backups, as the user of the login may use it.
async fn folder(programs: &Programs, config: &Libvirt) -> Check {
    let path = &config.backup.folder;
    match ask(programs, FOLDER, &[path]).await {
        Ok(said) => of_folder(path, &said),
        Err(error) => Check::warn("backups", error.to_string(), "backups go to a folder on the host"),
    }
}

fn of_folder(path: &str, said: &str) -> Check {
    let mut lines = said.lines();
    let words: Vec<&str> = lines.next().unwrap_or_default().split_whitespace().collect();
    let place = lines.next().unwrap_or_default();
    let free = words.get(2).and_then(|kib| kib.parse::<u64>().ok()).map(|kib| kib.saturating_mul(1024));
    let room = free.map_or_else(String::new, |free| format!(", {} free", iec(free)));
    match (words.first().copied(), words.get(1).copied()) {
        (Some("it" | "above"), Some("yes")) if free.is_some_and(|free| free < ROOM) => {
            Check::warn("backups", format!("{path}{room}"), "make room, or let backups go elsewhere: [source.backup]")
        }
        (Some("it"), Some("yes")) => Check::ok("backups", format!("{path} may be written to{room}")),
        (Some("above"), Some("yes")) => {
            Check::ok("backups", format!("{path} is made with the first backup, below {place}{room}"))
        }
        (Some(_), Some("no")) => {
            let advice = "let the user of this login write there, or name another folder: [source.backup]";
            Check::warn("backups", format!("{path}: {place} may not be written to"), advice)
        }
        _ => Check::warn("backups", format!("{path}: what the host said of it cannot be read"), "look at it by hand"),
    }
}

/// The host's clock beside ours.
async fn clock(programs: &Programs, config: &Libvirt) -> Check {
    if config.ssh.is_none() {
        return Check::ok("clock", "the host is this machine");
    }
    let began = Instant::now();
    let said = ask(programs, "exec date +%s", &[]).await;
    let took = began.elapsed();
    match said.map(|said| said.trim().parse::<i64>()) {
        // Its answer was on its way for about half of the time.
        Ok(Ok(theirs)) => skew(theirs, now().0 / SECOND, i64::try_from(took.as_secs()).unwrap_or(0)),
        Ok(Err(_)) => Check::warn("clock", "its `date` cannot be read", "look at it by hand"),
        Err(error) => Check::warn("clock", error.to_string(), "look at it by hand"),
    }
}

/// Seconds of the Unix clock there and here, and how long the question took: so much nobody can tell.
fn skew(theirs: i64, ours: i64, took: i64) -> Check {
    let apart = theirs.saturating_sub(ours);
    if apart.abs() <= SKEW + took {
        return Check::ok("clock", "agrees with ours");
    }
    let found = match apart {
        apart if apart > 0 => format!("its clock is {apart} s ahead of ours"),
        apart => format!("its clock is {} s behind ours", apart.saturating_neg()),
    };
    Check::warn("clock", found, "let both sides take the time from the same place (NTP)")
}

/// A failed call as a check. What to do stands in the words of most failures already.
fn failed(name: &str, error: &Error) -> Check {
    let advice = match &error.what {
        Failure::NotReached(_) => "check that libvirtd (or virtqemud) runs there, and the path of its socket",
        Failure::Ssh(_) => "try the same SSH host by hand",
        Failure::Config(_) => "correct the configuration of the source",
        Failure::Answer(_) => "check that the socket is that of libvirt",
        Failure::TimedOut(_) | Failure::Broken(_) | Failure::Closed(_) => "look at libvirt's log on the host",
        _ => "",
    };
    let check = Check::fail(name, error.what.to_string(), advice);
    // Whoever refuses has been reached.
    if error.connection_lost() && !error.refused() { check.unreachable() } else { check }
}

#[cfg(test)]
mod tests {
    use super::super::report::Verdict;
    use super::*;

    #[test]
    fn clocks_that_are_apart_and_old_libvirts_are_told() {
        assert_eq!(skew(1_000, 1_002, 0).verdict, Verdict::Ok);
        assert_eq!(skew(1_000, 1_005, 4).verdict, Verdict::Ok, "the answer may have been on its way");
        assert!(skew(1_000, 1_090, 1).found.contains("90 s behind"));
        assert!(skew(1_090, 1_000, 1).found.contains("90 s ahead"));
        assert_eq!(version(9_000_000, 7_002_015).found, "libvirt 9.0.0, hypervisor 7.2.15");
        let old = version(4_005_000, 2_012_000);
        assert!(old.verdict == Verdict::Warn && old.advice.contains("6.0"), "{old:?}");
    }

    #[tokio::test]
    async fn the_folder_of_backups_is_judged_by_what_the_host_says() {
        let home = tempfile::tempdir().unwrap();
        let here = Programs::on(Target::Local(None));
        let mut config = Libvirt::default();
        config.backup.folder = home.path().display().to_string();
        let check = folder(&here, &config).await;
        assert!(check.found.contains("free"), "{check:?}");
        assert!(check.verdict == Verdict::Ok || check.advice.contains("make room"), "{check:?}");
        config.backup.folder = home.path().join("a b/not there").display().to_string();
        let check = folder(&here, &config).await;
        assert!(check.found.contains("first backup") || check.advice.contains("make room"), "{check:?}");
        let refused = of_folder("/b/x", "above no 99999999\n/b\n");
        assert!(refused.verdict == Verdict::Warn && refused.found.contains("/b may not be written to"), "{refused:?}");
        assert!(of_folder("/b", "it yes 1024\n/b\n").advice.contains("make room"));
        assert_eq!(of_folder("/b", "").verdict, Verdict::Warn);
    }

    #[tokio::test]
    async fn a_program_that_is_missing_is_named_with_its_package() {
        let here = Programs::on(Target::Local(None));
        let wanted = Wanted { text: "exec no-such-program-here", ..QEMU_IMG };
        let check = program(&here, &wanted, &[]).await;
        assert!(check.found.contains("no such program") && check.advice.contains("qemu-utils"), "{check:?}");
    }

    #[tokio::test]
    async fn a_socket_that_is_not_there_is_unreachable() {
        let config = Libvirt { socket: Some("/nowhere/libvirt-sock".into()), ..Libvirt::default() };
        let checks = checks(&config).await;
        assert!(checks.len() == 1 && checks[0].unreachable, "{checks:?}");
    }
}
