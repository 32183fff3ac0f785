//! Snapshots and checkpoints: made, gone back to where libvirt 9.0 can, deleted where it can.

use super::define::{disks, document, given};
use super::files::Image;
use super::vm::{Checkpoint, Memory, Snapshot, Vm, reason};
use super::{Happened, Refusal, State, World, life, xml};
use crate::controllers::libvirt::flags::{delete, revert, snapshot_create};
use crate::controllers::libvirt::xml::tree::Node;

impl World {
    /// Takes a snapshot; the name that it got.
    ///
    /// # Errors
    /// The XML, or what this machine cannot have.
    pub(crate) fn snap(&mut self, host: usize, uuid: &[u8; 16], text: &str, flags: u32) -> Result<String, Refusal> {
        let root = document(text, "domainsnapshot", "domainsnapshot")?;
        let created = self.clock(self.now);
        let name = given(root.text_at(&["name"])).unwrap_or_else(|| created.to_string());
        let vm = self.vm_by_uuid(host, uuid)?;
        if vm.snapshots.iter().any(|s| s.name == name) {
            return Err(Refusal::failed(&format!("domain moment {name} already exists")));
        }
        if vm.job.is_some() {
            return Err(Refusal::busy());
        }
        let external_memory = root.child("memory").filter(|m| m.attr("snapshot") == "external");
        let file = external_memory.and_then(|m| given(m.attr("file")));
        let disk_only = flags & snapshot_create::DISK_ONLY != 0 || !vm.active() && wants_external(&root);
        let external = disk_only || file.is_some();
        if !external && vm.disks.iter().any(|d| d.device == "disk" && d.format != "qcow2") {
            return Err(Refusal::unsupported("internal snapshot for disk unsupported for storage type raw"));
        }
        let running = vm.active();
        let memory = match (&file, running) {
            (Some(file), true) => Memory::External(file.clone()),
            _ if external || !running => Memory::No,
            _ => Memory::Internal,
        };
        let state = match (disk_only, vm.state) {
            (true, _) => "disk-snapshot",
            (_, State::Running) => "running",
            (_, State::Off) => "shutoff",
            _ => "paused",
        };
        let mut taken = Snapshot {
            name: name.clone(),
            description: root.text_at(&["description"]).to_owned(),
            created,
            parent: vm.current.clone(),
            state,
            memory,
            disks: Vec::new(),
            domain_xml: xml::domain(self, host, vm, true, false),
            sources: vm.disks.iter().map(|d| (d.target.clone(), d.source.clone())).collect(),
        };
        let mut made = Vec::new();
        for disk in vm.disks.iter().filter(|d| d.device == "disk" && !d.source.is_empty()) {
            let asked = asked(&root, &disk.target);
            if asked.as_ref().is_some_and(|a| a.no) {
                continue;
            }
            if !external {
                taken.disks.push((disk.target.clone(), None));
                continue;
            }
            let stem = disk.source.rsplit_once('.').map_or(disk.source.as_str(), |(stem, _)| stem);
            let overlay = asked.and_then(|a| a.file).unwrap_or_else(|| format!("{stem}.{name}"));
            if self.image(host, &overlay).is_some() {
                let words =
                    format!("external snapshot file for disk {} already exists and is not a block device", disk.target);
                return Err(Refusal::unsupported(&format!("{words}: {overlay}")));
            }
            made.push((disk.target.clone(), disk.source.clone(), overlay.clone()));
            taken.disks.push((disk.target.clone(), Some(overlay)));
        }
        for (target, below, overlay) in made {
            let capacity = self.image(host, &below).map_or(0, |i| i.capacity);
            self.put(host, &overlay, Image { backing: Some(below), ..Image::new("qcow2", capacity, 0) });
            if let Some(disk) = self.vm_mut(host, uuid)?.disk_mut(&target) {
                disk.source = overlay;
                disk.format = "qcow2".to_owned();
                disk.index += 1;
            }
        }
        if let Memory::External(file) = &taken.memory {
            let size = self.vm_by_uuid(host, uuid)?.rss_kib(self.now) << 10;
            let file = file.clone();
            self.put(host, &file, Image::new("raw", size, size));
        }
        if flags & snapshot_create::NO_METADATA == 0 {
            let vm = self.vm_mut(host, uuid)?;
            vm.current = Some(name.clone());
            vm.snapshots.push(taken);
        }
        if flags & snapshot_create::HALT != 0 && self.vm_by_uuid(host, uuid)?.active() {
            self.off(host, uuid, reason::OFF_FROM_SNAPSHOT, life::STOPPED_FROM_SNAPSHOT)?;
        }
        Ok(name)
    }

    /// Goes back to a snapshot.
    ///
    /// # Errors
    /// It is an external one, or there is none.
    pub(crate) fn revert(&mut self, host: usize, uuid: &[u8; 16], name: &str, flags: u32) -> Result<(), Refusal> {
        let vm = self.vm_by_uuid(host, uuid)?;
        let snapshot = vm.snapshot(name)?.clone();
        if snapshot.external() {
            return Err(Refusal::unsupported("revert to external snapshot not supported yet"));
        }
        if vm.job.is_some() {
            return Err(Refusal::busy());
        }
        let (running, was) = (snapshot.memory == Memory::Internal, vm.active());
        if !running && was {
            self.off(host, uuid, reason::OFF_FROM_SNAPSHOT, life::STOPPED_FROM_SNAPSHOT)?;
        }
        let now = self.now;
        let started = (running || flags & revert::RUNNING != 0) && !was;
        if started {
            self.disks_free(host, uuid)?;
            self.process(host, uuid)?;
        }
        let vm = self.vm_mut(host, uuid)?;
        for (target, source) in &snapshot.sources {
            if let Some(disk) = vm.disk_mut(target) {
                disk.source.clone_from(source);
            }
        }
        vm.current = Some(name.to_owned());
        vm.ttys.clear();
        if !running && !started {
            return Ok(());
        }
        let paused = snapshot.state == "paused" && flags & revert::RUNNING == 0 || flags & revert::PAUSED != 0;
        if paused {
            vm.stand(now);
            (vm.state, vm.reason) = (State::Paused, reason::PAUSED_FROM_SNAPSHOT);
        } else {
            vm.stand(now);
            vm.run_from(now);
            (vm.state, vm.reason) = (State::Running, reason::RUNNING_FROM_SNAPSHOT);
        }
        if started {
            self.tell(host, uuid, Happened::Lifecycle { event: life::STARTED, detail: life::STARTED_FROM_SNAPSHOT });
        } else {
            self.tell(host, uuid, Happened::Lifecycle { event: life::RESUMED, detail: 2 });
        }
        Ok(())
    }

    /// Deletes a snapshot.
    ///
    /// # Errors
    /// It is an external one and more than what is known of it is to go.
    pub(crate) fn unsnap(&mut self, host: usize, uuid: &[u8; 16], name: &str, flags: u32) -> Result<(), Refusal> {
        let vm = self.vm_mut(host, uuid)?;
        let snapshot = vm.snapshot(name)?;
        let parent = snapshot.parent.clone();
        let mut gone = vec![name.to_owned()];
        if flags & delete::CHILDREN != 0 {
            let mut at = 0;
            while let Some(above) = gone.get(at).cloned() {
                gone.extend(vm.snapshots.iter().filter(|s| s.parent.as_ref() == Some(&above)).map(|s| s.name.clone()));
                at += 1;
            }
        }
        let external = |name: &String| vm.snapshots.iter().any(|s| s.name == *name && s.external());
        if flags & delete::METADATA_ONLY == 0 && gone.iter().any(external) {
            let internal_parent = parent.as_ref().is_some_and(|p| !external(p));
            let words = if internal_parent {
                "deleting external snapshot that has internal snapshot as parent not supported"
            } else {
                "deletion of external disk snapshots not supported"
            };
            return Err(Refusal::not_supported(words));
        }
        for snapshot in &mut vm.snapshots {
            if snapshot.parent.as_deref() == Some(name) {
                snapshot.parent.clone_from(&parent);
            }
        }
        vm.snapshots.retain(|s| !gone.contains(&s.name));
        if vm.current.as_ref().is_some_and(|c| gone.contains(c)) {
            vm.current = parent;
        }
        Ok(())
    }

    /// Makes a checkpoint without a backup; the name that it got.
    ///
    /// # Errors
    /// The XML, or it is off.
    pub(crate) fn mark(&mut self, host: usize, uuid: &[u8; 16], text: &str) -> Result<String, Refusal> {
        let root = document(text, "domaincheckpoint", "domaincheckpoint")?;
        let created = self.clock(self.now);
        let vm = self.vm_mut(host, uuid)?;
        if !vm.active() {
            return Err(Refusal::not_supported("cannot create checkpoint for inactive domain"));
        }
        let name = given(root.text_at(&["name"])).unwrap_or_else(|| created.to_string());
        if vm.checkpoints.iter().any(|c| c.name == name) {
            return Err(Refusal::failed(&format!("domain moment {name} already exists")));
        }
        let asked = disks(&root).filter(|disk| disk.attr("checkpoint") != "no");
        let named: Vec<String> = asked.filter_map(|disk| given(disk.attr("name"))).collect();
        let every = || vm.disks.iter().filter(|d| d.device == "disk").map(|d| d.target.clone()).collect();
        let disks: Vec<String> = if named.is_empty() { every() } else { named };
        for disk in &disks {
            let Some(found) = vm.disk(disk) else { return Err(Refusal::no_disk(disk)) };
            if found.format != "qcow2" {
                let words = format!("checkpoint for disk {disk} unsupported for storage type {}", found.format);
                return Err(Refusal::unsupported(&words));
            }
        }
        let parent = vm.checkpoints.last().map(|c| c.name.clone());
        vm.checkpoints.push(Checkpoint { name: name.clone(), created, parent, disks });
        Ok(name)
    }

    /// Deletes a checkpoint; those after it go on from the one before.
    ///
    /// # Errors
    /// There is none.
    pub(crate) fn unmark(&mut self, host: usize, uuid: &[u8; 16], name: &str, flags: u32) -> Result<(), Refusal> {
        let vm = self.vm_mut(host, uuid)?;
        let parent = vm.checkpoint(name)?.parent.clone();
        let mut gone = vec![name.to_owned()];
        if flags & delete::CHILDREN != 0 {
            let mut at = 0;
            while let Some(above) = gone.get(at).cloned() {
                gone.extend(
                    vm.checkpoints.iter().filter(|c| c.parent.as_ref() == Some(&above)).map(|c| c.name.clone()),
                );
                at += 1;
            }
        }
        vm.checkpoints.retain(|c| !gone.contains(&c.name));
        for checkpoint in &mut vm.checkpoints {
            if checkpoint.parent.as_deref() == Some(name) {
                checkpoint.parent.clone_from(&parent);
            }
        }
        Ok(())
    }
}

/// What was asked for a disk.
struct Asked {
    no: bool,
    file: Option<String>,
}

fn asked(root: &Node, target: &str) -> Option<Asked> {
    let disk = disks(root).find(|disk| disk.attr("name") == target)?;
    Some(Asked { no: disk.attr("snapshot") == "no", file: given(disk.attr_at(&["source"], "file")) })
}

fn wants_external(root: &Node) -> bool {
    disks(root).any(|disk| disk.attr("snapshot") == "external")
}

impl Vm {
    /// A snapshot.
    ///
    /// # Errors
    /// There is none.
    pub(crate) fn snapshot(&self, name: &str) -> Result<&Snapshot, Refusal> {
        self.snapshots.iter().find(|s| s.name == name).ok_or_else(|| Refusal::no_snapshot(name))
    }

    /// A checkpoint.
    ///
    /// # Errors
    /// There is none.
    pub(crate) fn checkpoint(&self, name: &str) -> Result<&Checkpoint, Refusal> {
        self.checkpoints.iter().find(|c| c.name == name).ok_or_else(|| Refusal::no_checkpoint(name))
    }
}
