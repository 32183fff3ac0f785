//! Images of disks: which there are on a host, what is below an overlay, how much they hold.

use std::collections::BTreeMap;

use super::{Refusal, World};

/// A pool of files.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Pool {
    pub(crate) name: &'static str,
    pub(crate) folder: &'static str,
    /// On storage that the first two hosts share.
    pub(crate) shared: bool,
}

/// The pools of every host.
pub(crate) const POOLS: [Pool; 3] = [
    Pool { name: "images", folder: "/var/lib/libvirt/images", shared: false },
    Pool { name: "backups", folder: "/var/lib/libvirt/backups", shared: false },
    Pool { name: "shared", folder: "/srv/vm-shared", shared: true },
];

/// How many hosts have the shared pool, from the first.
const SHARING: usize = 2;

/// An image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Image {
    /// `qcow2` or `raw`.
    pub(crate) format: String,
    pub(crate) capacity: u64,
    pub(crate) allocation: u64,
    pub(crate) backing: Option<String>,
}

impl Image {
    pub(crate) fn new(format: &str, capacity: u64, allocation: u64) -> Self {
        Self { format: format.to_owned(), capacity, allocation, backing: None }
    }

    /// Bytes that it takes: what is allocated, and the tables of it.
    pub(crate) const fn physical(&self) -> u64 {
        self.allocation + self.allocation / 2_048 + 196_608
    }
}

/// Images by their paths.
#[derive(Debug, Clone, Default)]
pub(crate) struct Files(pub(crate) BTreeMap<String, Image>);

impl World {
    /// The pools that a host has.
    pub(crate) fn pools(host: usize) -> impl Iterator<Item = Pool> {
        POOLS.into_iter().filter(move |pool| !pool.shared || host < SHARING)
    }

    /// The pool whose folder a path is in.
    pub(crate) fn pool_of(host: usize, path: &str) -> Option<Pool> {
        Self::pools(host).find(|pool| path.strip_prefix(pool.folder).is_some_and(|rest| rest.starts_with('/')))
    }

    /// Where a path is kept: on the host, or with those who share it.
    fn files_mut(&mut self, host: usize, path: &str) -> Option<&mut Files> {
        if Self::pool_of(host, path).is_some_and(|pool| pool.shared) {
            Some(&mut self.shared)
        } else {
            self.hosts.get_mut(host).map(|h| &mut h.files)
        }
    }

    /// An image on a host.
    pub(crate) fn image(&self, host: usize, path: &str) -> Option<&Image> {
        if Self::pool_of(host, path).is_some_and(|pool| pool.shared) {
            self.shared.0.get(path)
        } else {
            self.hosts.get(host)?.files.0.get(path)
        }
    }

    /// The same, to change it.
    pub(crate) fn image_mut(&mut self, host: usize, path: &str) -> Option<&mut Image> {
        self.files_mut(host, path)?.0.get_mut(path)
    }

    /// Writes an image.
    pub(crate) fn put(&mut self, host: usize, path: &str, image: Image) {
        if let Some(files) = self.files_mut(host, path) {
            files.0.insert(path.to_owned(), image);
        }
    }

    /// Deletes an image.
    ///
    /// # Errors
    /// There is none.
    pub(crate) fn unlink(&mut self, host: usize, path: &str) -> Result<Image, Refusal> {
        let gone = self.files_mut(host, path).and_then(|files| files.0.remove(path));
        gone.ok_or_else(|| Refusal::no_volume(&format!("path '{path}'")))
    }

    /// An image and what is below it, the topmost first.
    pub(crate) fn chain(&self, host: usize, path: &str) -> Vec<String> {
        let mut chain = vec![path.to_owned()];
        let mut at = path.to_owned();
        while let Some(below) = self.image(host, &at).and_then(|image| image.backing.clone()) {
            if chain.contains(&below) {
                break;
            }
            chain.push(below.clone());
            at = below;
        }
        chain
    }

    /// Whether both hosts see the same file under a path.
    pub(crate) fn sees_same(from: usize, to: usize, path: &str) -> bool {
        let shared = |host| Self::pool_of(host, path).is_some_and(|pool| pool.shared);
        shared(from) && shared(to)
    }
}

impl World {}
