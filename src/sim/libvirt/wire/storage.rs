//! Calls about pools and volumes.

use super::{Act, Said, Session, answer, calls, console, undecodable};
use crate::controllers::libvirt::frame::Frame;
use crate::controllers::libvirt::procs;
use crate::controllers::libvirt::wire::{Pool as WirePool, PoolInfo, Volume, VolumeInfo};
use crate::controllers::libvirt::xdr::encode;
use crate::sim::libvirt::world::{Image, Pool, Refusal, World, caps, domain};

/// The most of an image that is read through a stream: nobody copies a simulated disk of 500 GiB.
const MOST_READ: u64 = 4 << 20;

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

fn held(world: &World, host: usize, pool: &Pool) -> u64 {
    world.volumes(host, pool).iter().filter_map(|path| world.image(host, path)).map(Image::physical).sum()
}

fn image<T>(world: &World, host: usize, key: &str, read: impl FnOnce(&Image) -> T) -> Result<T, Refusal> {
    world.image(host, key).map(read).ok_or_else(|| Refusal::no_volume(&format!("path '{key}'")))
}

fn info(image: &Image) -> VolumeInfo {
    VolumeInfo { kind: 0, capacity: image.capacity, allocation: image.physical() }
}

pub(super) fn calls(session: &mut Session, frame: &Frame) -> Said {
    let (host, live) = (session.host, &session.live);
    if procs::STORAGE_VOL_DOWNLOAD.is(&frame.header) {
        return Some((|| {
            session.may_write("virStorageVolDownload")?;
            let (volume, offset, length, _) = procs::STORAGE_VOL_DOWNLOAD.args(frame).map_err(undecodable)?;
            let size = image(&live.world(), host, &volume.key, Image::physical)?;
            let length = if length == 0 { size.saturating_sub(offset) } else { length };
            // The beginning of an image, then nothing: enough for whoever looks at what it is.
            let mut bytes = vec![0; length.min(MOST_READ) as usize];
            for (to, from) in bytes.iter_mut().zip(b"QFI\xfb\0\0\0\x03".iter().skip(offset.min(8) as usize)) {
                *to = *from;
            }
            Ok(Act::Stream(Vec::new(), console::Source::Bytes(bytes.into())))
        })());
    }
    if procs::STORAGE_VOL_UPLOAD.is(&frame.header) {
        return Some((|| {
            session.may_write("virStorageVolUpload")?;
            let (volume, _, _, _) = procs::STORAGE_VOL_UPLOAD.args(frame).map_err(undecodable)?;
            image(&live.world(), host, &volume.key, |_| ())?;
            Ok(Act::Stream(Vec::new(), console::Source::Sink))
        })());
    }
    calls! { frame,
        procs::CONNECT_LIST_ALL_STORAGE_POOLS, (wanted, _) => {
            let all: Vec<WirePool> = World::pools(host).map(|p| wire(&p)).collect();
            let count = all.len() as u32;
            Ok::<_, Refusal>((if wanted { all } else { Vec::new() }, count))
        };
        procs::STORAGE_POOL_LOOKUP_BY_NAME, name => pool(host, &name).map(|p| wire(&p));
        procs::STORAGE_POOL_LOOKUP_BY_VOLUME, volume => pool(host, &volume.pool).map(|p| wire(&p));
        procs::STORAGE_POOL_LOOKUP_BY_TARGET_PATH, path => {
            let found = World::pools(host).find(|p| p.folder == path);
            found.map(|p| wire(&p)).ok_or_else(|| Refusal::no_pool(&format!("target path '{path}'")))
        };
        procs::STORAGE_POOL_REFRESH, (asked, _) => pool(host, &asked.name).map(|_| ());
        procs::STORAGE_POOL_GET_INFO, asked => pool(host, &asked.name).map(|p| {
            let allocation = held(&live.world(), host, &p);
            let available = p.capacity.saturating_sub(allocation);
            PoolInfo { state: 2, capacity: p.capacity, allocation, available }
        });
        procs::STORAGE_POOL_GET_XML_DESC, (asked, _) => {
            pool(host, &asked.name).map(|p| caps::pool(&p, held(&live.world(), host, &p)))
        };
        procs::STORAGE_POOL_CREATE_XML, _ => {
            Err::<WirePool, _>(Refusal::not_supported("pools cannot be made here"))
        };
        procs::STORAGE_POOL_DESTROY, _ => Err::<(), _>(Refusal::not_supported("pools stay here"));
        procs::STORAGE_POOL_LIST_ALL_VOLUMES, (asked, wanted, _) => pool(host, &asked.name).map(|p| {
            let all: Vec<Volume> = live.world().volumes(host, &p).iter().map(|path| volume(&p, path)).collect();
            let count = all.len() as u32;
            (if wanted { all } else { Vec::new() }, count)
        });
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
        procs::STORAGE_VOL_GET_INFO_FLAGS, (asked, _) => image(&live.world(), host, &asked.key, info);
        procs::STORAGE_VOL_GET_PATH, asked => image(&live.world(), host, &asked.key, |_| asked.key.clone());
        procs::STORAGE_VOL_GET_XML_DESC, (asked, _) => {
            image(&live.world(), host, &asked.key, |image| caps::volume(&asked.key, image))
        };
        procs::STORAGE_VOL_DELETE, (asked, _) => {
            session.may_write("virStorageVolDelete")?;
            live.world().unlink(host, &asked.key).map(|_| ())
        };
        procs::STORAGE_VOL_CREATE_XML, (asked, xml, _) => {
            session.may_write("virStorageVolCreateXML")?;
            let p = pool(host, &asked.name)?;
            let (name, image) = World::read_volume(&xml)?;
            let path = format!("{}/{name}", p.folder);
            let mut world = live.world();
            if world.image(host, &path).is_some() {
                let words = format!("storage volume name '{name}' already in use.");
                return Err(Refusal::new(90, domain::STORAGE, format!("storage volume '{name}' exists already: {words}")));
            }
            world.put(host, &path, image);
            Ok::<_, Refusal>(volume(&p, &path))
        };
    }
    clone(session, frame)
}

/// A volume that is made as another is: what it holds is copied.
fn clone(session: &Session, frame: &Frame) -> Said {
    /// `STORAGE_VOL_CREATE_XML_FROM`: pool, XML, the other volume, flags.
    const FROM: u32 = 125;
    /// Whether a pool is active, and persistent: all are. `virsh` asks.
    const ACTIVE: u32 = 154;
    const PERSISTENT: u32 = 155;
    if frame.header.program == procs::REMOTE && matches!(frame.header.procedure, ACTIVE | PERSISTENT) {
        let asked = super::first::<WirePool>(frame).and_then(|asked| pool(session.host, &asked.name));
        return Some(asked.map(|_| Act::Answer(encode(&true))));
    }
    if frame.header.program != procs::REMOTE || frame.header.procedure != FROM {
        return None;
    }
    Some((|| {
        session.may_write("virStorageVolCreateXMLFrom")?;
        let (asked, xml, from, _): (WirePool, String, Volume, u32) = frame.value().map_err(undecodable)?;
        let p = pool(session.host, &asked.name)?;
        let (name, image) = World::read_volume(&xml)?;
        let path = format!("{}/{name}", p.folder);
        let mut world = session.live.world();
        let held = self::image(&world, session.host, &from.key, Image::clone)?;
        let capacity = image.capacity.max(held.capacity);
        world.put(session.host, &path, Image { capacity, allocation: held.allocation, ..image });
        Ok(answer(&procs::STORAGE_VOL_CREATE_XML, &volume(&p, &path)))
    })())
}
