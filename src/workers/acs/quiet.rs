//! What no inform tells: tags that somebody else set on a device that is silent, and devices that
//! were deleted. Both would wait for the next full read otherwise.

use std::collections::HashSet;
use std::time::Duration;

use futures_util::StreamExt as _;

use crate::controllers::genieacs::client::Client;
use crate::controllers::genieacs::device::DeviceDoc;
use crate::controllers::genieacs::map;
use crate::controllers::genieacs::profile::Profiles;
use crate::controllers::genieacs::wire::{Collection, DeviceId, Filter, Find, Projection};
use crate::model::cpe::id_hash;
use crate::model::time::SECOND;

use super::patch;
use super::poll::{Out, Poller, Stop};

/// Pause between two such looks, unless somebody asks for one.
pub(super) const EVERY: Duration = Duration::from_secs(300);
/// A device that informed within this time was read since.
const HEARD: i64 = 300 * SECOND;
/// Devices read again with one request: their ids stand in its address.
const TOGETHER: usize = 100;

impl Poller {
    /// Looks at the tags of those that are silent (`all`: of all), and whether somebody is gone. A
    /// list of ids and tags alone is a fiftieth of a full one.
    pub(super) async fn quiet(
        &mut self,
        client: &Client,
        profiles: &Profiles,
        all: bool,
        out: &mut Out,
    ) -> Result<(), Stop> {
        let total = if all { 0 } else { client.count(Collection::Devices, &Filter::all()).await? };
        // Whoever is new informed, and is known by now.
        let all = all || total < self.known.len() as u64;
        let filter = if all { Filter::all() } else { Filter::silent_since(self.newest.plus(-HEARD)) };
        let find = Find::new(filter).only(Projection::of(["_id", "_tags"]));
        let (mut seen, mut changed) = (HashSet::new(), Vec::new());
        let mut docs = std::pin::pin!(client.devices(&find));
        while let Some(doc) = docs.next().await {
            let doc: DeviceDoc = doc?;
            let id = id_hash(doc.id().as_str());
            if all {
                seen.insert(id);
            }
            let tags = tags_hash(&map::tags(&doc).join(", "));
            if self.known.get(&id).is_none_or(|known| known.tags != tags) {
                changed.push(doc.id());
            }
        }
        for some in changed.chunks(TOGETHER) {
            self.again(client, profiles, some, out).await?;
        }
        if all {
            self.gone(&seen, out).await.map_err(Stop::Words)?;
        }
        Ok(())
    }

    async fn again(
        &mut self,
        client: &Client,
        profiles: &Profiles,
        ids: &[DeviceId],
        out: &mut Out,
    ) -> Result<(), Stop> {
        let mut mapper = patch::Mapper::new(profiles);
        let find = Find::new(Filter::ids(ids)).only(map::projection(profiles));
        let mut docs = std::pin::pin!(client.devices(&find));
        while let Some(doc) = docs.next().await {
            let patch = mapper.of_device(&doc?);
            self.take(id_hash(&patch.id), patch, out);
        }
        self.flush(out).await.map_err(Stop::Words)
    }
}

/// Tells sets of tags apart.
pub(super) fn tags_hash(tags: &str) -> u64 {
    xxhash_rust::xxh3::xxh3_64(tags.as_bytes())
}
