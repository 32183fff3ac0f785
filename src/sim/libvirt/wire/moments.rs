//! Calls about snapshots, checkpoints, jobs and migration.

use super::{Act, Said, Session, calls, first, undecodable};
use crate::controllers::libvirt::flags::{block_abort, checkpoint_xml, commit, job, snapshot_list};
use crate::controllers::libvirt::frame::Frame;
use crate::controllers::libvirt::procs;
use crate::controllers::libvirt::wire::{BlockJobInfo, Checkpoint, Domain, Param, Snapshot, number, param};
use crate::controllers::libvirt::xdr::{Wire, encode};
use crate::sim::libvirt::world::{Ask, Commit, Refusal, Vm, World, caps, origin};

/// What `virsh` calls and noctule does not.
mod other {
    pub(super) const JOB_INFO: u32 = 163;
    pub(super) const SNAPSHOT_NUM: u32 = 187;
    pub(super) const SNAPSHOT_NAMES: u32 = 188;
    pub(super) const NUM_CHILDREN: u32 = 246;
    pub(super) const CHILDREN_NAMES: u32 = 247;
    pub(super) const IS_CURRENT: u32 = 271;
    pub(super) const HAS_METADATA: u32 = 272;
    pub(super) const ALL_CHILDREN: u32 = 275;
}

fn listed(vm: &Vm, dom: &Domain, flags: u32) -> Vec<Snapshot> {
    let has_children = |name: &str| vm.snapshots.iter().any(|s| s.parent.as_deref() == Some(name));
    let kept = vm.snapshots.iter().filter(|s| flags & snapshot_list::ROOTS == 0 || s.parent.is_none());
    let kept = kept.filter(|s| flags & snapshot_list::LEAVES == 0 || !has_children(&s.name));
    kept.map(|s| Snapshot { name: s.name.clone(), domain: dom.clone() }).collect()
}

/// Snapshots and checkpoints.
pub(super) fn calls(session: &mut Session, frame: &Frame) -> Said {
    let (host, live) = (session.host, &session.live);
    calls! { frame,
        procs::DOMAIN_LIST_ALL_SNAPSHOTS, (dom, wanted, flags) => {
            live.world().vm_by_uuid(host, &dom.uuid).map(|vm| {
                let all = listed(vm, &dom, flags);
                let count = all.len() as i32;
                (if wanted { all } else { Vec::new() }, count)
            })
        };
        procs::DOMAIN_SNAPSHOT_LOOKUP_BY_NAME, (dom, name, _) => {
            live.world().vm_by_uuid(host, &dom.uuid).and_then(|vm| vm.snapshot(&name).map(|_| ()))
                .map(|()| Snapshot { name: name.clone(), domain: dom.clone() })
        };
        procs::DOMAIN_SNAPSHOT_GET_XML_DESC, (snapshot, _) => {
            let world = live.world();
            world.vm_by_uuid(host, &snapshot.domain.uuid).and_then(|vm| vm.snapshot(&snapshot.name).map(caps::snapshot))
        };
        procs::DOMAIN_SNAPSHOT_GET_PARENT, (snapshot, _) => {
            let world = live.world();
            world.vm_by_uuid(host, &snapshot.domain.uuid).and_then(|vm| {
                let parent = vm.snapshot(&snapshot.name)?.parent.clone();
                let none = || {
                    let words = format!("snapshot '{}' does not have a parent", snapshot.name);
                    Refusal::new(72, origin::QEMU, format!("Domain snapshot not found: {words}"))
                };
                Ok(Snapshot { name: parent.ok_or_else(none)?, domain: snapshot.domain.clone() })
            })
        };
        procs::DOMAIN_HAS_CURRENT_SNAPSHOT, (dom, _) => {
            live.world().vm_by_uuid(host, &dom.uuid).map(|vm| vm.current.is_some())
        };
        procs::DOMAIN_SNAPSHOT_CURRENT, (dom, _) => {
            let world = live.world();
            world.vm_by_uuid(host, &dom.uuid).and_then(|vm| {
                let none = || {
                    let words = "the domain does not have a current snapshot";
                    Refusal::new(72, origin::QEMU, format!("Domain snapshot not found: {words}"))
                };
                Ok(Snapshot { name: vm.current.clone().ok_or_else(none)?, domain: dom.clone() })
            })
        };
        procs::DOMAIN_SNAPSHOT_CREATE_XML, (dom, xml, flags) => {
            session.may_write("virDomainSnapshotCreateXML")?;
            let name = live.world().snap(host, &dom.uuid, &xml, flags);
            name.map(|name| Snapshot { name, domain: dom.clone() })
        };
        procs::DOMAIN_REVERT_TO_SNAPSHOT, (snapshot, flags) => {
            session.may_write("virDomainRevertToSnapshot")?;
            live.world().revert(host, &snapshot.domain.uuid, &snapshot.name, flags)
        };
        procs::DOMAIN_SNAPSHOT_DELETE, (snapshot, flags) => {
            session.may_write("virDomainSnapshotDelete")?;
            live.world().unsnap(host, &snapshot.domain.uuid, &snapshot.name, flags)
        };
        procs::DOMAIN_LIST_ALL_CHECKPOINTS, (dom, wanted, _) => {
            live.world().vm_by_uuid(host, &dom.uuid).map(|vm| {
                let all = vm.checkpoints.iter().map(|c| Checkpoint { name: c.name.clone(), domain: dom.clone() });
                let all: Vec<Checkpoint> = all.collect();
                let count = all.len() as i32;
                (if wanted { all } else { Vec::new() }, count)
            })
        };
        procs::DOMAIN_CHECKPOINT_LOOKUP_BY_NAME, (dom, name, _) => {
            live.world().vm_by_uuid(host, &dom.uuid).and_then(|vm| vm.checkpoint(&name).map(|_| ()))
                .map(|()| Checkpoint { name: name.clone(), domain: dom.clone() })
        };
        procs::DOMAIN_CHECKPOINT_GET_XML_DESC, (checkpoint, flags) => {
            let world = live.world();
            world.vm_by_uuid(host, &checkpoint.domain.uuid).and_then(|vm| {
                let found = vm.checkpoint(&checkpoint.name)?;
                let machine = (flags & checkpoint_xml::NO_DOMAIN == 0).then(|| caps::machine(&world, host, vm, false, true));
                Ok(caps::checkpoint(found, machine.as_deref()))
            })
        };
        procs::DOMAIN_CHECKPOINT_DELETE, (checkpoint, flags) => {
            session.may_write("virDomainCheckpointDelete")?;
            live.world().unmark(host, &checkpoint.domain.uuid, &checkpoint.name, flags)
        };
    }
    others(session, frame)
}

/// Calls that noctule does not make.
fn others(session: &Session, frame: &Frame) -> Said {
    if frame.header.program != procs::REMOTE {
        return None;
    }
    let (host, live) = (session.host, &session.live);
    let of = |read: &dyn Fn(&Vm, &str, &Domain) -> Vec<u8>| {
        let said = first::<Snapshot>(frame).and_then(|snapshot| {
            let world = live.world();
            let vm = world.vm_by_uuid(host, &snapshot.domain.uuid)?;
            vm.snapshot(&snapshot.name)?;
            Ok(Act::Answer(read(vm, &snapshot.name, &snapshot.domain)))
        });
        Some(said)
    };
    let children = |vm: &Vm, name: &str| -> Vec<String> {
        let mine = vm.snapshots.iter().filter(|s| s.parent.as_deref() == Some(name));
        mine.map(|s| s.name.clone()).collect()
    };
    match frame.header.procedure {
        other::JOB_INFO => Some(first::<Domain>(frame).and_then(|dom| {
            let world = live.world();
            let vm = world.vm_by_uuid(host, &dom.uuid)?;
            let mut out = Vec::new();
            let (kind, params) = vm.job.as_ref().map_or((0, Vec::new()), |j| (2, j.params(world.now())));
            kind.put(&mut out);
            let names = [
                "time_elapsed",
                "",
                "data_total",
                "data_processed",
                "data_remaining",
                "memory_total",
                "memory_processed",
                "memory_remaining",
                "disk_total",
                "disk_processed",
                "disk_remaining",
            ];
            for name in names {
                number(&params, name).unwrap_or(0).put(&mut out);
            }
            Ok(Act::Answer(out))
        })),
        other::SNAPSHOT_NUM => Some(first::<Domain>(frame).and_then(|dom| {
            Ok(Act::Answer(encode(&(live.world().vm_by_uuid(host, &dom.uuid)?.snapshots.len() as u32))))
        })),
        other::SNAPSHOT_NAMES => Some(first::<Domain>(frame).and_then(|dom| {
            let world = live.world();
            let names: Vec<String> =
                world.vm_by_uuid(host, &dom.uuid)?.snapshots.iter().map(|s| s.name.clone()).collect();
            Ok(Act::Answer(encode(&names)))
        })),
        other::NUM_CHILDREN => of(&|vm, name, _| encode(&(children(vm, name).len() as u32))),
        other::CHILDREN_NAMES => of(&|vm, name, _| encode(&children(vm, name))),
        other::ALL_CHILDREN => of(&|vm, name, dom| {
            let all = children(vm, name).into_iter().map(|name| Snapshot { name, domain: dom.clone() });
            let all: Vec<Snapshot> = all.collect();
            let count = all.len() as i32;
            encode(&(all, count))
        }),
        other::IS_CURRENT => of(&|vm, name, _| encode(&(vm.current.as_deref() == Some(name)))),
        other::HAS_METADATA => of(&|_, _, _| encode(&true)),
        _ => None,
    }
}

/// Jobs: on disks, of whole machines, to another host.
pub(super) fn jobs(session: &mut Session, frame: &Frame) -> Said {
    let (host, live) = (session.host, &session.live);
    if procs::DOMAIN_MIGRATE_PERFORM3_PARAMS.is(&frame.header) {
        return Some((|| {
            session.may_write("virDomainMigratePerform3Params")?;
            let (dom, target, asked, _, flags) =
                procs::DOMAIN_MIGRATE_PERFORM3_PARAMS.args(frame).map_err(undecodable)?;
            let target = target.unwrap_or_default();
            let mut world = live.world();
            let to = reached(session, &world, &target)?;
            world.migrate(host, &dom.uuid, to, ask(&asked, flags)).map(Act::Later)
        })());
    }
    calls! { frame,
        procs::DOMAIN_GET_JOB_STATS, (dom, flags) => {
            let mut world = live.world();
            let now = world.now();
            world.vm_mut(host, &dom.uuid).and_then(|vm| {
                if flags & job::COMPLETED != 0 {
                    let done = if flags & job::KEEP_COMPLETED != 0 { vm.completed.clone() } else { vm.completed.take() };
                    return Ok(done.map_or((0, Vec::new()), |done| (done.kind, done.params)));
                }
                vm.must_run()?;
                Ok(vm.job.as_ref().map_or((0, Vec::new()), |job| (2, job.params(now))))
            })
        };
        procs::DOMAIN_ABORT_JOB, dom => {
            session.may_write("virDomainAbortJob")?;
            live.world().abort(host, &dom.uuid)
        };
        procs::DOMAIN_BACKUP_BEGIN, (dom, xml, checkpoint, _) => {
            session.may_write("virDomainBackupBegin")?;
            live.world().backup(host, &dom.uuid, &xml, checkpoint.as_deref())
        };
        procs::DOMAIN_BACKUP_GET_XML_DESC, (dom, _) => live.world().backup_xml(host, &dom.uuid);
        procs::DOMAIN_BLOCK_COMMIT, (dom, disk, base, top, _, flags) => {
            session.may_write("virDomainBlockCommit")?;
            let mut world = live.world();
            let base = if base.is_none() && flags & commit::SHALLOW != 0 {
                let vm = world.vm_by_uuid(host, &dom.uuid)?;
                let source = vm.disk(&disk).map(|d| d.source.clone()).unwrap_or_default();
                world.chain(host, &source).get(1).cloned()
            } else {
                base
            };
            let ask = Commit { base, top, active: flags & commit::ACTIVE != 0, delete: flags & commit::DELETE != 0 };
            world.commit(host, &dom.uuid, &disk, &ask)
        };
        procs::DOMAIN_BLOCK_JOB_ABORT, (dom, disk, flags) => {
            session.may_write("virDomainBlockJobAbort")?;
            live.world().block_end(host, &dom.uuid, &disk, flags & block_abort::PIVOT != 0)
        };
        procs::DOMAIN_GET_BLOCK_JOB_INFO, (dom, disk, _) => {
            live.world().block_job(host, &dom.uuid, &disk).map(|job| match job {
                Some((kind, cur, end)) => BlockJobInfo { found: true, kind, bandwidth: 0, cur, end },
                None => BlockJobInfo::default(),
            })
        };
    }
    None
}

/// The host that a URI leads to: by the socket that it names, or by its name.
fn reached(session: &Session, world: &World, uri: &str) -> Result<usize, Refusal> {
    let names = |name: &str| {
        let of_socket = uri.contains(&format!("{}/{name}/", world.folder));
        let of_host = uri.split_once("://").is_some_and(|(_, rest)| {
            rest.split(['/', '?'])
                .next()
                .is_some_and(|at| at.rsplit('@').next().is_some_and(|host| host.split(':').next() == Some(name)))
        });
        of_socket || of_host
    };
    let failed = |why: &str| Refusal::failed(&format!("Failed to connect to remote libvirt URI {uri}: {why}"));
    let to = world.hosts.iter().position(|h| names(&h.name));
    let to = to.ok_or_else(|| failed("Cannot recv data: Host key verification failed.: Connection reset by peer"))?;
    if session.live.switches.get(to).is_some_and(|s| s.faults.refuses()) {
        return Err(failed("Failed to connect socket to '/run/libvirt/libvirt-sock': Connection refused"));
    }
    Ok(to)
}

fn ask(asked: &[Param], flags: u32) -> Ask {
    let name = param(asked, "destination_name").and_then(|v| v.text()).map(str::to_owned);
    Ask { flags, bandwidth: number(asked, "bandwidth").unwrap_or(0), name }
}
