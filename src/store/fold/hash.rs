//! Hashes of the fold: names of nodes and device ids as stored, and a hasher for keys that are
//! hashes or dense numbers already.

use std::hash::{BuildHasherDefault, Hasher};

use crate::model::resource::Resource;

/// Stored hash of a resource without its source, so that a serial number can be found in all.
pub(crate) fn resource_hash(resource: &Resource) -> i64 {
    let seed = u64::from(resource.kind.code()) << 32 | u64::from(resource.index);
    xxhash_rust::xxh3::xxh3_64_with_seed(resource.name.as_bytes(), seed) as i64
}

/// Stored hash of a device id.
pub(crate) fn device_hash(device_id: &str) -> i64 {
    xxhash_rust::xxh3::xxh3_64(device_id.as_bytes()) as i64
}

/// Mixes integers; for maps whose keys come from ourselves.
#[derive(Debug, Default, Clone, Copy)]
pub(crate) struct Mix(u64);

impl Hasher for Mix {
    fn finish(&self) -> u64 {
        self.0 ^ (self.0 >> 32)
    }

    fn write(&mut self, bytes: &[u8]) {
        for b in bytes {
            self.write_u64(u64::from(*b));
        }
    }

    fn write_u32(&mut self, n: u32) {
        self.write_u64(u64::from(n));
    }

    fn write_i64(&mut self, n: i64) {
        self.write_u64(n as u64);
    }

    fn write_u64(&mut self, n: u64) {
        self.0 = (self.0.rotate_left(26) ^ n).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    }

    fn write_u128(&mut self, n: u128) {
        self.write_u64(n as u64);
    }
}

/// A map with [`Mix`].
pub(crate) type Map<K, V> = std::collections::HashMap<K, V, BuildHasherDefault<Mix>>;
/// A set with [`Mix`].
pub(crate) type Set<K> = std::collections::HashSet<K, BuildHasherDefault<Mix>>;
