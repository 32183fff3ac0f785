//! What the journal already knows of a source's devices, as hashes: it decides what of a poll is
//! news, and what is gone. A few dozen bytes a device, because a region has 200,000 of them.
//!
//! Rules of agreement between poll and event stream:
//! * A patch that came by event while a poll was under way is newer than the poll's answer: the
//!   poll says nothing about that device.
//! * After an event the next poll is journalled even if it says what the last poll said.
//! * A device that two lists in a row do not have is gone; one that an event announced as deleted
//!   is gone at once, unless the event means an older incarnation of it (another device id).

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::time::Instant;

use crate::model::resource::{NodeKind, Resource};
use crate::model::topology::NodePatch;
use crate::store::patch_hash;

use super::cache::Known;

/// What is kept of a device.
#[derive(Debug, Clone, Copy)]
struct Seen {
    /// Hash of the last journalled poll; 0 when an event came since.
    patch: u64,
    /// Hash of its device id; 0 when not known.
    id: u64,
    /// Number of the last poll that had it.
    poll: u32,
    /// Polls in a row that did not have it.
    missed: u8,
    /// When an event last told of it.
    touched: Option<Instant>,
}

/// The image of one source.
#[derive(Debug, Default)]
pub(super) struct Image {
    seen: HashMap<u64, Seen>,
    ports: HashMap<u64, u64>,
    poll: u32,
}

/// What a poll brought.
#[derive(Debug, Default, PartialEq)]
pub(super) struct News {
    /// Patches to journal.
    pub(super) patches: Vec<NodePatch>,
    /// How many of them are new devices.
    pub(super) added: u32,
    /// How many devices changed.
    pub(super) changed: u32,
    /// Devices that this list and (for `gone`) the one before did not have, as keys.
    pub(super) missing: u32,
    gone: Vec<u64>,
}

/// The key of a resource.
fn key(resource: &Resource) -> u64 {
    hash(resource)
}

fn hash(what: &(impl Hash + ?Sized)) -> u64 {
    let mut hasher = DefaultHasher::new();
    what.hash(&mut hasher);
    hasher.finish().max(1)
}

const fn is_device(kind: NodeKind) -> bool {
    matches!(kind, NodeKind::Olt | NodeKind::Onu | NodeKind::Device)
}

impl Image {
    /// The image of what the cache holds.
    pub(super) fn load(known: &[Known]) -> Self {
        let mut image = Self::default();
        for node in known {
            if is_device(node.resource.kind) {
                let id = if node.device_id.is_empty() { 0 } else { hash(node.device_id.as_str()) };
                let seen = Seen { patch: node.patch_hash, id, poll: 0, missed: 0, touched: None };
                image.seen.insert(key(&node.resource), seen);
            } else {
                image.ports.insert(key(&node.resource), node.patch_hash);
            }
        }
        image
    }

    /// Whether nothing is known yet.
    pub(super) fn is_empty(&self) -> bool {
        self.seen.is_empty()
    }

    /// Takes an event's patch in, before it is journalled. Whether it made a device known that was
    /// not. Measurements say nothing that a poll would tell, so they change nothing here.
    pub(super) fn event(&mut self, patch: &NodePatch, now: Instant) -> bool {
        if patch.measured_only() {
            return false;
        }
        let id = patch.device_id.as_deref().map(hash);
        let poll = self.poll;
        if !is_device(patch.resource.kind) {
            self.ports.remove(&key(&patch.resource));
            return false;
        }
        let mut new = false;
        let seen = self.seen.entry(key(&patch.resource)).or_insert_with(|| {
            new = true;
            Seen { patch: 0, id: 0, poll, missed: 0, touched: None }
        });
        new |= seen.missed == u8::MAX;
        seen.patch = 0;
        seen.id = id.unwrap_or(seen.id);
        seen.touched = Some(now);
        new
    }

    /// Whether a deletion means the device as it is known now; if so it is forgotten.
    pub(super) fn deleted(&mut self, resource: &Resource, id: Option<&str>, now: Instant) -> bool {
        let (key, id) = (key(resource), id.map(hash));
        if let Some(seen) = self.seen.get(&key)
            && seen.id != 0
            && id.is_some_and(|id| id != seen.id)
        {
            return false;
        }
        self.forget(resource);
        // A poll that is under way may still list it.
        let ghost = Seen { patch: 0, id: id.unwrap_or(0), poll: self.poll, missed: u8::MAX, touched: Some(now) };
        self.seen.insert(key, ghost);
        true
    }

    /// A node is gone: when it comes back everything about it is news.
    pub(super) fn forget(&mut self, resource: &Resource) {
        self.seen.remove(&key(resource));
        if resource.kind == NodeKind::Olt {
            // Everything below it went along, and what that was is not kept.
            self.ports.clear();
            for seen in self.seen.values_mut() {
                seen.patch = 0;
            }
        } else {
            for uni in 0..16 {
                self.ports.remove(&key(&Resource::port(NodeKind::Uni, resource.name.clone(), uni)));
            }
        }
    }

    /// Compares a full list, asked for at `asked`, with the image.
    pub(super) fn compare(&mut self, list: Vec<NodePatch>, asked: Instant) -> News {
        self.poll = self.poll.wrapping_add(1);
        let (poll, mut news) = (self.poll, News::default());
        for patch in list {
            let hash_now = patch_hash(&patch);
            let id = patch.device_id.as_deref().map_or(0, hash);
            match self.seen.get_mut(&key(&patch.resource)) {
                Some(seen) if seen.touched.is_some_and(|at| at >= asked) => seen.poll = poll,
                Some(seen) => {
                    (seen.poll, seen.touched) = (poll, None);
                    let ghost = seen.missed == u8::MAX;
                    seen.missed = 0;
                    if seen.patch != hash_now {
                        (seen.patch, seen.id) = (hash_now, id);
                        *(if ghost { &mut news.added } else { &mut news.changed }) += 1;
                        news.patches.push(patch);
                    }
                }
                None => {
                    self.seen
                        .insert(key(&patch.resource), Seen { patch: hash_now, id, poll, missed: 0, touched: None });
                    news.added += 1;
                    news.patches.push(patch);
                }
            }
        }
        self.sweep(asked, &mut news);
        news
    }

    /// Counts what the list did not have.
    fn sweep(&mut self, asked: Instant, news: &mut News) {
        let poll = self.poll;
        self.seen.retain(|key, seen| {
            if seen.poll == poll || seen.touched.is_some_and(|at| at >= asked) {
                return true;
            }
            if seen.missed == u8::MAX {
                return false; // deleted by an event, and no list has it any more
            }
            seen.missed += 1;
            news.missing += 1;
            if seen.missed >= 2 {
                news.gone.push(*key);
                return false;
            }
            true
        });
    }

    /// Compares ports with the image; what is news.
    pub(super) fn ports(&mut self, list: Vec<NodePatch>) -> Vec<NodePatch> {
        let mut news = Vec::new();
        for patch in list {
            let hash_now = patch_hash(&patch);
            if self.ports.insert(key(&patch.resource), hash_now) != Some(hash_now) {
                news.push(patch);
            }
        }
        news
    }

    /// How many devices the last list had.
    pub(super) fn devices(&self) -> u32 {
        let n = self.seen.values().filter(|seen| seen.missed == 0).count();
        u32::try_from(n).unwrap_or(u32::MAX)
    }
}

impl News {
    /// Whether anything is gone, so that names have to be looked up.
    pub(super) fn anything_gone(&self) -> bool {
        !self.gone.is_empty()
    }

    /// The nodes of the cache that are gone.
    pub(super) fn gone<'a>(&self, known: &'a [Known]) -> Vec<&'a Resource> {
        let gone: std::collections::HashSet<_> = self.gone.iter().copied().collect();
        known.iter().map(|k| &k.resource).filter(|r| is_device(r.kind) && gone.contains(&key(r))).collect()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use crate::model::topology::OperStatus;

    use super::*;

    fn onu(serial: &str, id: &str, oper: OperStatus) -> NodePatch {
        let mut patch = NodePatch::new(Resource::new(NodeKind::Onu, serial));
        patch.device_id = Some(id.into());
        patch.oper_status = Some(oper);
        patch.polled = true;
        patch
    }

    fn known(serials: &[&str]) -> Vec<Known> {
        serials
            .iter()
            .map(|s| Known { resource: Resource::new(NodeKind::Onu, *s), device_id: String::new(), patch_hash: 0 })
            .collect()
    }

    const S: Duration = Duration::from_secs(1);

    #[test]
    fn only_changes_are_news() {
        let (mut image, t) = (Image::default(), Instant::now());
        let list = || vec![onu("A", "1", OperStatus::Active), onu("B", "2", OperStatus::Active)];
        let news = image.compare(list(), t);
        assert_eq!((news.patches.len(), news.added, news.changed), (2, 2, 0));
        let news = image.compare(list(), t + S);
        assert_eq!(news, News::default());
        let news = image.compare(vec![onu("A", "1", OperStatus::Failed), onu("B", "2", OperStatus::Active)], t + 2 * S);
        assert_eq!((news.patches.len(), news.added, news.changed), (1, 0, 1));
    }

    #[test]
    fn an_event_during_the_polls_flight_is_newer_than_its_answer() {
        let (mut image, t) = (Image::default(), Instant::now());
        image.compare(vec![onu("A", "1", OperStatus::Active)], t);
        // The poll is asked, the event comes, the poll's older answer comes.
        image.event(&onu("A", "1", OperStatus::Discovered), t + 2 * S);
        let news = image.compare(vec![onu("A", "1", OperStatus::Failed)], t + S);
        assert_eq!(news.patches, []);
        // The next poll is the newer one, and tells even what the poll before the event told.
        let news = image.compare(vec![onu("A", "1", OperStatus::Active)], t + 3 * S);
        assert_eq!(news.patches.len(), 1);
    }

    #[test]
    fn two_lists_without_it_make_it_gone() {
        let (mut image, t) = (Image::default(), Instant::now());
        image.compare(vec![onu("A", "1", OperStatus::Active), onu("B", "2", OperStatus::Active)], t);
        let news = image.compare(vec![onu("A", "1", OperStatus::Active)], t + S);
        assert_eq!((news.missing, news.anything_gone()), (1, false));
        let news = image.compare(vec![onu("A", "1", OperStatus::Active)], t + 2 * S);
        let all = known(&["A", "B"]);
        assert_eq!(news.gone(&all), [&Resource::new(NodeKind::Onu, "B")]);
        assert_eq!(image.devices(), 1);
    }

    #[test]
    fn a_device_that_comes_back_after_one_list_was_never_gone() {
        let (mut image, t) = (Image::default(), Instant::now());
        let list = || vec![onu("A", "1", OperStatus::Active)];
        image.compare(list(), t);
        image.compare(Vec::new(), t + S);
        assert_eq!(image.compare(list(), t + 2 * S), News::default());
        assert_eq!(image.compare(Vec::new(), t + 3 * S).missing, 1, "counted anew");
    }

    #[test]
    fn a_deletion_of_an_older_incarnation_is_not_meant() {
        let (mut image, t) = (Image::default(), Instant::now());
        let olt_rebooted = Resource::new(NodeKind::Onu, "A");
        image.compare(vec![onu("A", "old", OperStatus::Active)], t);
        image.event(&onu("A", "new", OperStatus::Discovered), t + S);
        assert!(!image.deleted(&olt_rebooted, Some("old"), t + 2 * S), "the new one lives");
        assert!(image.deleted(&olt_rebooted, Some("new"), t + 3 * S));
    }

    #[test]
    fn a_poll_under_way_does_not_bring_a_deleted_device_back() {
        let (mut image, t) = (Image::default(), Instant::now());
        let a = Resource::new(NodeKind::Onu, "A");
        image.compare(vec![onu("A", "1", OperStatus::Active)], t);
        assert!(image.deleted(&a, Some("1"), t + 2 * S));
        assert_eq!(image.compare(vec![onu("A", "1", OperStatus::Active)], t + S).patches, []);
        // Nor is it reported missing; but a later list that has it makes it new.
        assert_eq!(image.compare(Vec::new(), t + 3 * S), News::default());
        assert_eq!(image.compare(vec![onu("A", "2", OperStatus::Active)], t + 4 * S).added, 1);
    }

    #[test]
    fn measurements_are_no_news_for_the_poll() {
        let (mut image, t) = (Image::default(), Instant::now());
        let list = || vec![onu("A", "1", OperStatus::Active)];
        image.compare(list(), t);
        let mut optics = NodePatch::new(Resource::new(NodeKind::Onu, "A"));
        optics.rx_centi_dbm = Some(-1720);
        assert!(!image.event(&optics, t + S));
        assert_eq!(image.compare(list(), t + 2 * S), News::default());
    }

    #[test]
    fn an_event_tells_of_a_device_that_was_not_there() {
        let (mut image, t) = (Image::default(), Instant::now());
        let a = onu("A", "1", OperStatus::Active);
        assert!(image.event(&a, t));
        assert!(!image.event(&a, t));
        assert!(image.deleted(&a.resource, Some("1"), t));
        assert!(image.event(&a, t), "it is back");
    }

    #[test]
    fn what_the_cache_holds_is_not_news_after_a_restart() {
        let patch = onu("A", "1", OperStatus::Active);
        let node = Known { resource: patch.resource.clone(), device_id: "1".into(), patch_hash: patch_hash(&patch) };
        let mut image = Image::load(&[node]);
        assert_eq!(image.compare(vec![patch], Instant::now()), News::default());
    }

    #[test]
    fn ports_are_compared_like_devices() {
        let mut image = Image::default();
        let port = || {
            let mut patch = NodePatch::new(Resource::port(NodeKind::PonPort, "O", 1));
            patch.oper_status = Some(OperStatus::Active);
            patch
        };
        assert_eq!(image.ports(vec![port()]).len(), 1);
        assert_eq!(image.ports(vec![port()]).len(), 0);
        image.forget(&Resource::new(NodeKind::Olt, "O"));
        assert_eq!(image.ports(vec![port()]).len(), 1);
    }
}
