//! Calls about pools and volumes.

use super::{Act, Said, Session, calls, first};
use crate::controllers::libvirt::frame::Frame;
use crate::controllers::libvirt::procs;
use crate::controllers::libvirt::wire::{Pool as WirePool, Volume, VolumeInfo};
use crate::controllers::libvirt::xdr::encode;
use crate::sim::libvirt::world::{Image, Pool, Refusal, World};

/// Whether a pool is active, and persistent: all are. `virsh` asks.
const ACTIVE: u32 = 154;
const PERSISTENT: u32 = 155;

fn wire(pool: &Pool) -> WirePool {
    WirePool { name: pool.name.to_owned(), uuid: pool.uuid() }
}

fn volume(pool: &Pool, path: &str) -> Volume {
    let name = path.get(pool.folder.len() + 1..).unwrap_or(path).to_owned();
    Volume { pool: pool.name.to_owned(), name, key: path.to_owned() }
}

fn pool(host: usize, name: &str) -> Result<Pool, Refusal> {
    World::pools(host).find(|p| p.name == name).ok_or_else(|| Refusal::no_pool(&format!("name '{name}'")))
}

fn image<T>(world: &World, host: usize, key: &str, read: impl FnOnce(&Image) -> T) -> Result<T, Refusal> {
    world.image(host, key).map(read).ok_or_else(|| Refusal::no_volume(&format!("path '{key}'")))
}

fn info(image: &Image) -> VolumeInfo {
    VolumeInfo { kind: 0, capacity: image.capacity, allocation: image.physical() }
}

pub(super) fn calls(session: &mut Session, frame: &Frame) -> Said {
    let (host, live) = (session.host, &session.live);
    calls! { frame,
        procs::STORAGE_POOL_LOOKUP_BY_NAME, name => pool(host, &name).map(|p| wire(&p));
        procs::STORAGE_VOL_LOOKUP_BY_NAME, (asked, name) => pool(host, &asked.name).and_then(|p| {
            let path = format!("{}/{name}", p.folder);
            let none = |_| Refusal::no_volume(&format!("name '{name}'"));
            image(&live.world(), host, &path, |_| volume(&p, &path)).map_err(none)
        });
        procs::STORAGE_VOL_LOOKUP_BY_PATH, path => {
            let none = || Refusal::no_volume(&format!("path '{path}'"));
            let p = World::pool_of(host, &path).ok_or_else(none)?;
            image(&live.world(), host, &path, |_| volume(&p, &path))
        };
        procs::STORAGE_VOL_GET_INFO, asked => image(&live.world(), host, &asked.key, info);
        procs::STORAGE_VOL_DELETE, (asked, _) => {
            session.may_write("virStorageVolDelete")?;
            live.world().unlink(host, &asked.key).map(|_| ())
        };
    }
    if frame.header.program != procs::REMOTE || !matches!(frame.header.procedure, ACTIVE | PERSISTENT) {
        return None;
    }
    let asked = first::<WirePool>(frame).and_then(|asked| pool(host, &asked.name));
    Some(asked.map(|_| Act::Answer(encode(&true))))
}
