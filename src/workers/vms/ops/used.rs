//! Which files the machines of a host stand on: what is removed or deleted must be none of them.

use std::collections::{BTreeMap, BTreeSet};

use super::{Host, words};
use crate::controllers::libvirt::flags::xml as xml_flags;
use crate::controllers::libvirt::xml;
use crate::engine::vm::sets;
use crate::model::text::clean;

/// Files in use. What cannot be read is an error, never a file that nothing uses.
#[derive(Debug, Default)]
pub(in crate::workers::vms) struct Used {
    /// Name of a machine, by file.
    by: BTreeMap<String, String>,
    /// Images of which it is not known yet what they build on, each with its machine.
    open: BTreeMap<String, String>,
}

impl Used {
    /// What the machines name, as they run and from their next start on; of those that run also what their
    /// disks build on. `except` is the UUID of one that does not count.
    pub(in crate::workers::vms) async fn named(host: &Host, except: Option<&str>) -> Result<Self, String> {
        let connection = host.connection().await.map_err(words)?;
        let mut used = Self::default();
        for domain in connection.domains(0).await.map_err(words)? {
            if except.is_some_and(|uuid| domain.uuid_text() == uuid) {
                continue;
            }
            let mut followed = BTreeSet::new();
            for flags in [0, xml_flags::INACTIVE] {
                let text = match connection.xml(&domain, flags).await {
                    Ok(text) => text,
                    // It has gone meanwhile, or goes away with its stop and has no other definition.
                    Err(error) if error.no_domain() => break,
                    Err(error) if flags != 0 && error.remote().is_some() => break,
                    Err(error) => return Err(format!("{}: {error}", clean(&domain.name))),
                };
                let definition = xml::definition(&text).map_err(|e| format!("{}: {e}", clean(&domain.name)))?;
                for disk in sets::disks(&definition) {
                    // Only of one that runs the host tells what its disks build on.
                    if domain.id >= 0 && flags == 0 {
                        followed.insert(disk.source.clone());
                    } else if !followed.contains(&disk.source) && !disk.source.is_empty() {
                        used.open.insert(disk.source.clone(), domain.name.clone());
                    }
                }
                let files = definition.disks.into_iter().flat_map(|disk| [disk.source].into_iter().chain(disk.backing));
                for file in files.chain(definition.nvram).filter(|file| !file.is_empty()) {
                    used.by.insert(file, domain.name.clone());
                }
            }
        }
        Ok(used)
    }

    /// And all that images of machines that are off build on: programs on the host read it.
    pub(in crate::workers::vms) async fn whole(mut self, host: &Host) -> Result<Self, String> {
        let images: Vec<&str> = self.open.keys().map(String::as_str).collect();
        let mut found = Vec::new();
        for chain in host.chains(&images).await? {
            let Some(vm) = chain.first().and_then(|image| self.open.get(image)).cloned() else { continue };
            found.extend(chain.into_iter().map(|file| (file, vm.clone())));
        }
        self.open.clear();
        for (file, vm) in found {
            self.by.entry(file).or_insert(vm);
        }
        Ok(self)
    }

    /// A machine that uses a file.
    pub(in crate::workers::vms) fn by(&self, file: &str) -> Option<&str> {
        self.by.get(file).map(String::as_str)
    }

    /// All files.
    pub(super) fn files(&self) -> Vec<String> {
        self.by.keys().cloned().collect()
    }
}

/// All that the machines of a host stand on.
pub(super) async fn used(host: &Host) -> Result<Used, String> {
    Used::named(host, None).await?.whole(host).await
}
