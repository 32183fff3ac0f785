//! What a verb would do to a machine as it is now, and doing it. What shows in the host's answers is read
//! back before it is told as done; that a guest was reset or got keys does not.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio_util::sync::CancellationToken;

use crate::controllers::libvirt::client::Connection;
use crate::controllers::libvirt::error::Error;
use crate::controllers::libvirt::flags::{snapshot_create as snapshot_flags, undefine, xml as xml_flags};
use crate::controllers::libvirt::keys::code as key_code;
use crate::controllers::libvirt::wire::Domain;
use crate::controllers::libvirt::xml::{self, NewSnapshot, SnapshotPart};
use crate::engine::vm::snapshot::{self, Way};
use crate::engine::vm::{sets, verbs};
use crate::model::combination;
use crate::model::diff;
use crate::model::text::clean;
use crate::model::time::brief_duration;
use crate::model::vm::definition::Disk;
use crate::model::vm::state::Power;
use crate::model::vm::{Definition, VmRow, VmState};
use crate::workers::appliance::Preview;
use crate::workers::now;

use super::HostHandle;
use super::live::snapshots;
use super::ops::Used;
use super::shared::Shared;
use super::verb::VmVerb;

/// How long a state may take to show after the call that brings it about.
const SHOWS: Duration = Duration::from_secs(30);
/// Pause between looks at a state that no event is waited for.
const LOOK: Duration = Duration::from_millis(200);
/// How long keys are held, ms.
const HELD_MS: u32 = 50;

/// How the word of a state that did not come begins.
const STILL: &str = "it is still";

type Told = Result<String, String>;

#[allow(clippy::needless_pass_by_value, reason = "it is what map_err gives")]
fn words(error: Error) -> String {
    error.to_string()
}

/// The machine of a row on a connection.
pub(super) async fn domain_of(connection: &Connection, vm: &VmState) -> Result<Domain, String> {
    let uuid: uuid::Uuid = vm.uuid.parse().map_err(|_| format!("{}: its UUID cannot be read", clean(&vm.name)))?;
    connection.domain_by_uuid(*uuid.as_bytes()).await.map_err(words)
}

/// Its definition as its host has it now.
async fn definition_of(connection: &Connection, domain: &Domain, flags: u32) -> Result<Definition, String> {
    let text = connection.xml(domain, flags).await.map_err(words)?;
    xml::definition(&text).map_err(|e| e.to_string())
}

/// What a verb would do.
pub(super) async fn preview(
    shared: &Arc<Shared>,
    verb: &VmVerb,
    row: &VmRow,
    others: &[HostHandle],
) -> Result<Preview, String> {
    let mut preview = Preview::default();
    let name = clean(row.name()).into_owned();
    let mut call = |line: String| preview.calls.push(line);
    match verb {
        VmVerb::Poll | VmVerb::Orphans => call(format!("look at {name}")),
        VmVerb::Start => call(format!("virDomainCreate {name}")),
        VmVerb::Shutdown(limit) => {
            call(format!("virDomainShutdown {name}"));
            preview.notes.push(format!(
                "The guest is asked, and waited for {}; one that ignores it stays as it is and can be forced off.",
                brief_duration(i64::try_from(limit.as_micros()).unwrap_or(i64::MAX))
            ));
        }
        VmVerb::Reboot => call(format!("virDomainReboot {name}")),
        VmVerb::Reset => {
            call(format!("virDomainReset {name}"));
            preview.irreversible.push("What the guest has not written to its disks is lost.".into());
        }
        VmVerb::ForceOff => {
            call(format!("virDomainDestroy {name}"));
            preview.irreversible.push("What the guest has not written to its disks is lost.".into());
        }
        VmVerb::Suspend => call(format!("virDomainSuspend {name}")),
        VmVerb::Resume => call(format!("virDomainResume {name}")),
        VmVerb::SendKeys(keys) => {
            let keys = keys.join("-");
            call(format!("virDomainSendKey {name} {keys}"));
            preview.irreversible.extend(combination::named(&keys).filter(|c| c.grave).map(|c| c.label.to_owned()));
        }
        VmVerb::Autostart(on) => call(format!("virDomainSetAutostart {name} {}", u8::from(*on))),
        VmVerb::Cancel => call(format!("virDomainAbortJob {name}")),
        VmVerb::Dismiss => {
            let failure = shared.kept_failure(&machine(row)?.uuid).await;
            let failure = failure.ok_or_else(|| format!("no operation on {name} failed"))?;
            call(format!("forget that {} of {name} failed", failure.operation));
            preview.notes.push(failure.words);
            let left = failure.made.iter().map(|left| format!("{} stays, and is not deleted by policy.", left.what));
            preview.notes.extend(left);
        }
        VmVerb::Define(text) => define_preview(shared, text, &mut preview).await?,
        VmVerb::Undefine(disks) => undefine_preview(shared, row, *disks, &mut preview).await?,
        VmVerb::Snapshot { name: wanted, external, memory } => {
            let connection = shared.connection().await.map_err(words)?;
            let vm = machine(row)?;
            let domain = domain_of(&connection, vm).await?;
            let definition = definition_of(&connection, &domain, 0).await?;
            let all = snapshots(&connection, &domain).await?;
            snapshot::can_take(way(*external, *memory), &definition, vm.power, &all, wanted)?;
            preview.calls.push(format!("virDomainSnapshotCreateXML {name} {wanted}"));
            if *external {
                for disk in sets::disks(&definition) {
                    preview.notes.push(format!("{} goes on in {}", disk.target, snapshot::overlay(disk, wanted)));
                }
                if let Err(why) = can_go_back(row) {
                    preview.notes.push(why);
                }
            } else if *memory && vm.power == Power::Running {
                preview.notes.push("The guest stands still while its memory is written.".into());
            }
        }
        VmVerb::Revert(wanted) | VmVerb::DeleteSnapshot(wanted) => {
            let connection = shared.connection().await.map_err(words)?;
            let domain = domain_of(&connection, machine(row)?).await?;
            let all = snapshots(&connection, &domain).await?;
            let Some(found) = all.iter().find(|s| s.name == *wanted) else {
                let names: Vec<&str> = all.iter().map(|s| s.name.as_str()).collect();
                return Err(format!("{name} has no snapshot `{}`; it has {}", clean(wanted), clean(&names.join(", "))));
            };
            if matches!(verb, VmVerb::Revert(_)) {
                snapshot::can_revert(found, row.host.libvirt)?;
                preview.calls.push(format!("virDomainRevertToSnapshot {name} {wanted}"));
                preview.irreversible.push("Everything the guest has written since is lost.".into());
            } else {
                snapshot::can_delete(&all, wanted, row.host.libvirt)?;
                preview.calls.push(format!("virDomainSnapshotDelete {name} {wanted}"));
                preview.irreversible.push(format!("The machine cannot be put back to {} any more.", clean(wanted)));
            }
        }
        VmVerb::CleanUp | VmVerb::Backup { .. } | VmVerb::Restore { .. } | VmVerb::Migrate { .. } => {
            return super::long::preview(shared, verb, row, others).await;
        }
    }
    Ok(preview)
}

/// Whether this libvirt can go back to an external snapshot at all.
fn can_go_back(row: &VmRow) -> Result<(), String> {
    const REVERTS: u64 = 9_009_000;
    if row.host.libvirt >= REVERTS {
        return Ok(());
    }
    Err(format!(
        "libvirt {} cannot go back to an external snapshot; it can only be cleaned up.",
        snapshot::version(row.host.libvirt)
    ))
}

fn machine(row: &VmRow) -> Result<&VmState, String> {
    row.vm().ok_or_else(|| format!("{} is a host", clean(&row.source)))
}

const fn way(external: bool, memory: bool) -> Way {
    match (external, memory) {
        (false, _) => Way::Inside,
        (true, true) => Way::WithMemory,
        (true, false) => Way::Disks,
    }
}

/// A name of date and time.
pub(super) fn snapshot_name() -> String {
    now().to_utc().map_or_else(|| "snapshot".to_owned(), |t| t.format("%Y%m%d-%H%M%S").to_string())
}

async fn define_preview(shared: &Shared, text: &str, preview: &mut Preview) -> Result<(), String> {
    let wanted = xml::definition(text).map_err(|e| e.to_string())?;
    if wanted.name.is_empty() {
        return Err("the XML names no machine: it needs <domain> with <name>".into());
    }
    let connection = shared.connection().await.map_err(words)?;
    preview.calls.push(format!("virDomainDefineXML {}", clean(&wanted.name)));
    match connection.domain(&wanted.name).await {
        Ok(domain) => {
            let before = connection.xml(&domain, xml_flags::INACTIVE).await.map_err(words)?;
            preview.diff = diff::unified(&before, text);
            if preview.diff.is_empty() {
                preview.notes.push("Nothing differs.".into());
            }
            if domain.id >= 0 {
                preview.notes.push("The machine runs: it has the new definition from its next start on.".into());
            }
        }
        Err(error) if error.no_domain() => {
            preview.notes.push(format!("{} is new on this host.", clean(&wanted.name)));
            preview.diff = diff::unified("", text);
        }
        Err(error) => return Err(words(error)),
    }
    Ok(())
}

async fn undefine_preview(shared: &Shared, row: &VmRow, disks: bool, preview: &mut Preview) -> Result<(), String> {
    let connection = shared.connection().await.map_err(words)?;
    let domain = domain_of(&connection, machine(row)?).await?;
    let definition = definition_of(&connection, &domain, xml_flags::INACTIVE).await?;
    preview.calls.push(format!("virDomainUndefine {}", clean(&domain.name)));
    preview.irreversible.push("Its definition, and what is known of its snapshots and checkpoints, is gone.".into());
    preview.irreversible.push("So is its memory, where it was saved to be started from again.".into());
    preview.irreversible.extend(definition.nvram.iter().map(|path| format!("{} is deleted.", clean(path))));
    for disk in sets::disks(&definition) {
        let path = clean(&disk.source);
        if disks {
            preview.irreversible.push(format!("{path} is deleted."));
        } else {
            preview.notes.push(format!("{path} stays."));
        }
    }
    Ok(())
}

/// Does it.
pub(super) async fn carry_out(
    shared: &Arc<Shared>,
    verb: &VmVerb,
    row: &VmRow,
    actor: &str,
    others: &[HostHandle],
    stop: &CancellationToken,
    progress: &(dyn Fn(u64, u64) + Sync),
) -> Told {
    if matches!(verb, VmVerb::Poll) {
        return shared.poll_now(super::POLL_NOW).await.map(|()| String::new());
    }
    let began = Instant::now();
    let told = Box::pin(run(shared, verb, row, others, stop, progress)).await;
    let outcome = match &told {
        Ok(words) => Ok(if words.is_empty() { "done" } else { words.as_str() }),
        Err(why) => Err(why.as_str()),
    };
    shared.log(actor, verb.words().0, &row.canonical(), began, outcome);
    if let Some(vm) = row.vm() {
        shared.changed(&vm.uuid);
    }
    told
}

async fn run(
    shared: &Arc<Shared>,
    verb: &VmVerb,
    row: &VmRow,
    others: &[HostHandle],
    stop: &CancellationToken,
    progress: &(dyn Fn(u64, u64) + Sync),
) -> Told {
    match verb {
        VmVerb::CleanUp | VmVerb::Orphans | VmVerb::Backup { .. } | VmVerb::Restore { .. } | VmVerb::Migrate { .. } => {
            return super::long::run(shared, verb, row, others, stop, progress).await;
        }
        _ => {}
    }
    if *verb == VmVerb::Dismiss {
        let vm = machine(row)?;
        // What it left on the host it was to move to is kept there.
        let there: Vec<_> = others.iter().filter_map(|other| other.shared.dismiss(&vm.uuid)).collect();
        let was = shared.dismiss(&vm.uuid).or_else(|| there.into_iter().next());
        let was = was.ok_or_else(|| format!("no operation on {} failed", clean(&vm.name)))?;
        return Ok(format!("{} that failed is forgotten", was.operation));
    }
    // What writes a guest's memory to a disk takes long: it does not share a connection with polls.
    let connection = match verb {
        VmVerb::Snapshot { .. } | VmVerb::Revert(_) | VmVerb::DeleteSnapshot(_) => shared.connect().await,
        _ => shared.connection().await,
    };
    let connection = connection.map_err(words)?;
    if let VmVerb::Define(text) = verb {
        let defined = connection.define(text, 0).await.map_err(words)?;
        return Ok(format!("{} is defined", clean(&defined.name)));
    }
    let vm = machine(row)?;
    if let Some(state) = verb.state_verb() {
        verbs::possible(state, vm)?;
        if !verbs::beside_job(state) {
            shared.idle(&vm.uuid)?;
        }
    }
    let domain = domain_of(&connection, vm).await?;
    match verb {
        VmVerb::Start => {
            connection.start_domain(&domain, 0).await.map_err(words)?;
            shows(&connection, &domain, SHOWS, stop, Power::active).await.map(|()| String::new())
        }
        VmVerb::Shutdown(limit) => {
            connection.shutdown(&domain, 0).await.map_err(words)?;
            shows(&connection, &domain, *limit, stop, |p| p == Power::Off).await.map(|()| String::new()).map_err(
                |why| {
                    if why.starts_with(STILL) {
                        format!("{why}: the guest ignores the request; force it off (vm.force-off) if it must stop")
                    } else {
                        why
                    }
                },
            )
        }
        VmVerb::Reboot => done(connection.reboot(&domain, 0).await),
        VmVerb::Reset => done(connection.reset(&domain).await),
        VmVerb::ForceOff => {
            connection.destroy(&domain, 0).await.map_err(words)?;
            shows(&connection, &domain, SHOWS, stop, |p| p == Power::Off).await.map(|()| String::new())
        }
        VmVerb::Suspend => {
            connection.suspend(&domain).await.map_err(words)?;
            shows(&connection, &domain, SHOWS, stop, |p| p == Power::Paused).await.map(|()| String::new())
        }
        VmVerb::Resume => {
            connection.resume(&domain).await.map_err(words)?;
            shows(&connection, &domain, SHOWS, stop, |p| p == Power::Running).await.map(|()| String::new())
        }
        VmVerb::SendKeys(keys) => {
            let codes: Vec<u32> = keys.iter().filter_map(|key| key_code(key)).collect();
            done(connection.send_key(&domain, &codes, HELD_MS).await)
        }
        VmVerb::Autostart(on) => {
            connection.set_autostart(&domain, *on).await.map_err(words)?;
            let told = connection.autostart(&domain).await.map_err(words)?;
            if told == *on { Ok(String::new()) } else { Err("the host took it and tells another setting".into()) }
        }
        VmVerb::Undefine(disks) => undefine_now(shared, &connection, &domain, *disks).await,
        VmVerb::Snapshot { name, external, memory } => take(&connection, &domain, vm, (name, *external, *memory)).await,
        VmVerb::Revert(name) => {
            let wanted = connection.snapshot(&domain, name).await.map_err(words)?;
            connection.revert(&wanted, 0).await.map_err(words)?;
            match connection.current_snapshot(&domain).await.map_err(words)? {
                Some(now) if now.name == *name => Ok(format!("at snapshot {} again", clean(name))),
                Some(now) => Err(format!("the host took it, and tells that it is at {}", clean(&now.name))),
                None => Err("the host took it, and tells that it is at no snapshot".into()),
            }
        }
        VmVerb::DeleteSnapshot(name) => {
            let wanted = connection.snapshot(&domain, name).await.map_err(words)?;
            done(connection.delete_snapshot(&wanted, 0).await)
        }
        VmVerb::Cancel => cancel(&connection, &domain, stop).await,
        _ => Err("that is not done to a machine".into()),
    }
}

fn done(told: Result<(), Error>) -> Told {
    told.map(|()| String::new()).map_err(words)
}

/// Waits until the machine's state is what it was to become.
async fn shows(
    connection: &Connection,
    domain: &Domain,
    limit: Duration,
    stop: &CancellationToken,
    wanted: impl Fn(Power) -> bool,
) -> Result<(), String> {
    let began = Instant::now();
    let mut last;
    loop {
        match connection.state(domain).await {
            Ok((state, _)) => last = Power::from_wire(state),
            // A machine without a definition is gone once it stops.
            Err(error) if error.no_domain() => last = Power::Off,
            Err(error) => return Err(words(error)),
        }
        if wanted(last) {
            return Ok(());
        }
        if stop.is_cancelled() {
            return Err(format!("not waited for any longer; it is {}", last.word()));
        }
        if began.elapsed() >= limit {
            return Err(format!("{STILL} {} after {} s", last.word(), limit.as_secs()));
        }
        tokio::time::sleep(LOOK).await;
    }
}

/// Breaks its job off, and waits until it is gone.
async fn cancel(connection: &Connection, domain: &Domain, stop: &CancellationToken) -> Told {
    connection.abort_job(domain).await.map_err(words)?;
    let began = Instant::now();
    while super::ops::job(connection, domain).await.map_err(words)?.is_some() {
        if stop.is_cancelled() || began.elapsed() >= SHOWS {
            return Err("its job was told to end and has not yet".into());
        }
        tokio::time::sleep(LOOK).await;
    }
    Ok(String::new())
}

async fn undefine_now(shared: &Shared, connection: &Connection, domain: &Domain, disks: bool) -> Told {
    let definition = definition_of(connection, domain, xml_flags::INACTIVE).await?;
    let (state, _) = connection.state(domain).await.map_err(words)?;
    if Power::from_wire(state).active() {
        return Err(format!("{} was started meanwhile: shut it down first", clean(&domain.name)));
    }
    if disks {
        not_shared(shared, domain, &definition).await?;
    }
    let flags =
        undefine::MANAGED_SAVE | undefine::SNAPSHOTS_METADATA | undefine::NVRAM | undefine::CHECKPOINTS_METADATA;
    connection.undefine(domain, flags).await.map_err(words)?;
    match connection.domain_by_uuid(domain.uuid).await {
        Err(error) if error.no_domain() => {}
        Ok(_) => return Err("the host took it, and the machine is still there".into()),
        Err(error) => return Err(format!("whether it is gone is not known: {error}")),
    }
    if !disks {
        return Ok("its disks stay".into());
    }
    let mut failed = Vec::new();
    for disk in sets::disks(&definition) {
        let deleted = async {
            let volume = connection.volume_by_path(&disk.source).await?;
            connection.delete_volume(&volume).await
        };
        if let Err(error) = deleted.await {
            failed.push(format!("{}: {error}", clean(&disk.source)));
        }
    }
    if failed.is_empty() {
        return Ok("its disks are deleted".into());
    }
    Err(format!("it is undefined; these disks are still there: {}", failed.join("; ")))
}

/// Refuses when another machine has one of the disks too, or stands on one as its backing file.
async fn not_shared(shared: &Shared, domain: &Domain, definition: &Definition) -> Result<(), String> {
    let own: Vec<&str> =
        sets::disks(definition).map(|disk| disk.source.as_str()).filter(|disk| !disk.is_empty()).collect();
    let free = |used: &Used| match own.iter().find_map(|disk| Some((disk, used.by(disk)?))) {
        None => Ok(()),
        Some((disk, vm)) => Err(format!(
            "nothing is done: {} is a disk of {} as well; undefine {} and keep the disks",
            clean(disk),
            clean(vm),
            clean(&domain.name)
        )),
    };
    let host = shared.host();
    let used = Used::named(&host, Some(&domain.uuid_text())).await?;
    free(&used)?;
    let used = used.whole(&host).await.map_err(|why| {
        format!("nothing is done: it is not known whether a machine that is off stands on its disks: {why}; undefine it and keep the disks")
    })?;
    free(&used)
}

/// Takes a snapshot.
async fn take(
    connection: &Connection,
    domain: &Domain,
    vm: &VmState,
    (name, external, memory): (&str, bool, bool),
) -> Told {
    let definition = definition_of(connection, domain, 0).await?;
    let name = if name.is_empty() { snapshot_name() } else { name.to_owned() };
    let all = snapshots(connection, domain).await?;
    let memory = memory && vm.power == Power::Running;
    let way = way(external, memory);
    snapshot::can_take(way, &definition, vm.power, &all, &name)?;
    let part = |disk: &Disk| {
        if external { SnapshotPart::File(snapshot::overlay(disk, &name)) } else { SnapshotPart::Inside }
    };
    let disks: Vec<(String, SnapshotPart)> =
        sets::disks(&definition).map(|disk| (disk.target.clone(), part(disk))).collect();
    let memory_part = match (way, disks_folder(&definition)) {
        (Way::WithMemory, Some(folder)) => SnapshotPart::File(format!("{folder}/{}.{name}.memory", definition.name)),
        (Way::Inside, _) if vm.power == Power::Running => SnapshotPart::Inside,
        _ => SnapshotPart::No,
    };
    let wanted = NewSnapshot { name, description: String::new(), memory: memory_part, disks };
    let text = xml::snapshot(&wanted).map_err(|e| e.to_string())?;
    let mut flags = snapshot_flags::ATOMIC;
    if !external {
        flags = 0;
    } else if !memory {
        flags |= snapshot_flags::DISK_ONLY;
    }
    let made = connection.create_snapshot(domain, &text, flags).await.map_err(words)?;
    Ok(format!("snapshot {}", clean(&made.name)))
}

/// The folder of its first disk.
fn disks_folder(definition: &Definition) -> Option<&str> {
    sets::disks(definition).next()?.source.rsplit_once('/').map(|(folder, _)| folder)
}
