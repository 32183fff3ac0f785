//! What a host says when it is asked: snapshots, addresses and the definition of a machine.

use std::time::Instant;

use crate::controllers::libvirt::client::Connection;
use crate::controllers::libvirt::flags::xml as xml_flags;
use crate::controllers::libvirt::wire::Domain;
use crate::controllers::libvirt::xml;
use crate::engine::vm::snapshot;
use crate::model::command::{LiveRequest, LiveSection};
use crate::model::tables::libvirt_version;
use crate::model::text::{clean, iec};
use crate::model::time::{SECOND, Ts};
use crate::model::vm::{BackupSet, Snapshot};

use super::ops;
use super::shared::Shared;

/// Addresses are those of libvirt's own leases.
const LEASES: u32 = 0;
/// Lines of a definition that are shown.
const LINES: usize = 2_000;

/// Answers.
pub(super) async fn answer(shared: &Shared, request: LiveRequest) -> Result<Vec<LiveSection>, String> {
    let LiveRequest::Detail(node) = request else {
        return Err(format!("{}: a host has no values that are asked for one by one", shared.name));
    };
    let connection = shared.connection().await.map_err(|e| e.to_string())?;
    let Some((_, name)) = node.split_once("/vm/") else {
        let capabilities = connection.capabilities().await.map_err(|e| e.to_string())?;
        return Ok(vec![lines("Capabilities", &capabilities)]);
    };
    let domain = connection.domain(name).await.map_err(|e| e.to_string())?;
    let host = ops::Host::new(&shared.name, &shared.config);
    let (snapshots, backups, addresses, definition) = tokio::join!(
        snapshots(&connection, &domain),
        ops::backups(&host, name, None),
        connection.addresses(&domain, LEASES),
        connection.xml(&domain, xml_flags::INACTIVE),
    );
    let mut sections =
        vec![section("Snapshots", &["Name", "Parent", "Taken", "Kind", "State"], snapshots.map(|all| tree(&all)))];
    let told = addresses.map_err(|e| e.to_string()).map(|interfaces| {
        let line = |i: &crate::controllers::libvirt::wire::GuestInterface| {
            let addresses: Vec<String> = i.addresses.iter().map(|a| format!("{}/{}", a.address, a.prefix)).collect();
            vec![i.name.clone(), i.hardware.clone().unwrap_or_default(), addresses.join(", ")]
        };
        interfaces.iter().map(line).collect()
    });
    let kept = backups.map(|(_, sets)| sets.iter().map(backup).collect());
    sections.push(section("Backups", &["Name", "Taken", "Kind", "Size"], kept));
    sections.push(section("Addresses", &["Interface", "Hardware", "Addresses"], told));
    sections.push(match definition {
        Ok(text) => lines("Definition", &text),
        Err(error) => section("Definition", &["XML"], Err(error.to_string())),
    });
    Ok(sections)
}

/// All snapshots of a machine, as far as they can be read.
pub(super) async fn snapshots(connection: &Connection, domain: &Domain) -> Result<Vec<Snapshot>, String> {
    let mut all = Vec::new();
    for one in connection.snapshots(domain, 0).await.map_err(|e| e.to_string())? {
        let text = connection.snapshot_xml(&one).await.map_err(|e| e.to_string())?;
        all.push(xml::read_snapshot(&text).map_err(|e| format!("snapshot {}: {e}", clean(&one.name)))?);
    }
    Ok(all)
}

/// A backup as a line.
fn backup(set: &BackupSet) -> Vec<String> {
    match &set.manifest {
        Ok(manifest) => {
            let bytes = manifest.disks.iter().map(|disk| disk.bytes).sum();
            let taken = Ts(manifest.at.saturating_mul(SECOND)).to_rfc3339();
            vec![set.name.clone(), taken, manifest.kind.word().to_owned(), iec(bytes)]
        }
        Err(why) => vec![set.name.clone(), why.clone()],
    }
}

/// Snapshots as lines, children below their parents.
fn tree(all: &[Snapshot]) -> Vec<Vec<String>> {
    snapshot::tree(all)
        .into_iter()
        .map(|branch| {
            let s = branch.snapshot;
            let name = format!("{}{}", "  ".repeat(branch.depth), s.name);
            let taken = Ts(s.created.saturating_mul(SECOND)).to_rfc3339();
            let kind = if s.external() { "external" } else { "internal" };
            vec![name, s.parent.clone(), taken, kind.to_owned(), s.power.word().to_owned()]
        })
        .collect()
}

fn section(title: &str, headers: &[&str], told: Result<Vec<Vec<String>>, String>) -> LiveSection {
    let (rows, note) = match told {
        Ok(rows) => (rows, String::new()),
        Err(why) => (Vec::new(), why),
    };
    let rows = rows.into_iter().map(|row| row.iter().map(|cell| clean(cell).into_owned()).collect()).collect();
    LiveSection {
        title: title.to_owned(),
        headers: headers.iter().map(|h| (*h).to_owned()).collect(),
        rows,
        note: clean(&note).into_owned(),
    }
}

fn lines(title: &str, text: &str) -> LiveSection {
    section(title, &[""], Ok(text.lines().take(LINES).map(|line| vec![line.to_owned()]).collect()))
}

/// Tries to reach the host.
pub(super) async fn test(shared: &Shared) -> Result<String, String> {
    let began = Instant::now();
    let connection = shared.connect().await.map_err(|e| e.to_string())?;
    let opened = began.elapsed();
    let (version, hostname, domains) =
        tokio::join!(connection.lib_version(), connection.hostname(), connection.domains(0));
    let domains = domains.map_err(|e| e.to_string())?;
    let words = format!(
        "libvirt {} on {}, {} ms to open, {} machines",
        libvirt_version(version.map_err(|e| e.to_string())?),
        clean(&hostname.unwrap_or_default()),
        opened.as_millis(),
        domains.len()
    );
    connection.close().await;
    Ok(words)
}
