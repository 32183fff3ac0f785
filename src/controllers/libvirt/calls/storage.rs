//! Storage pools and their volumes.

use bytes::Bytes;

use super::super::client::{CHANGE, Connection, LONG, What};
use super::super::procs;
use super::super::stream::Stream;
use super::super::wire::{Pool, PoolInfo, Volume, VolumeInfo};
use super::Told;

/// Storage.
impl Connection {
    /// All pools; flags 2: that run.
    pub async fn pools(&self, flags: u32) -> Told<Vec<Pool>> {
        let args = (true, flags);
        Ok(self.call(&procs::CONNECT_LIST_ALL_STORAGE_POOLS, &args, What("list pools", ""), self.read).await?.0)
    }

    /// A pool by its name.
    pub async fn pool(&self, name: &str) -> Told<Pool> {
        self.call(&procs::STORAGE_POOL_LOOKUP_BY_NAME, &name.to_owned(), What("find pool", name), self.read).await
    }

    /// The pool of a folder.
    pub async fn pool_by_path(&self, path: &str) -> Told<Pool> {
        let procedure = &procs::STORAGE_POOL_LOOKUP_BY_TARGET_PATH;
        self.call(procedure, &path.to_owned(), What("find the pool of", path), self.read).await
    }

    /// Figures of a pool.
    pub async fn pool_info(&self, pool: &Pool) -> Told<PoolInfo> {
        self.call(&procs::STORAGE_POOL_GET_INFO, pool, What("read pool", &pool.name), self.read).await
    }

    /// Definition of a pool.
    pub async fn pool_xml(&self, pool: &Pool) -> Told<String> {
        let args = (pool.clone(), 0);
        self.call(&procs::STORAGE_POOL_GET_XML_DESC, &args, What("read pool", &pool.name), self.read).await
    }

    /// Makes a pool that is gone with the daemon (a folder, for the time of an operation).
    pub async fn create_pool(&self, xml: &str) -> Told<Pool> {
        let args = (xml.to_owned(), 0);
        self.call(&procs::STORAGE_POOL_CREATE_XML, &args, What("make a pool", ""), CHANGE).await
    }

    /// Ends a pool; its volumes stay.
    pub async fn destroy_pool(&self, pool: &Pool) -> Told<()> {
        self.call(&procs::STORAGE_POOL_DESTROY, pool, What("end pool", &pool.name), CHANGE).await
    }

    /// Looks for the volumes of a pool anew.
    pub async fn refresh_pool(&self, pool: &Pool) -> Told<()> {
        let args = (pool.clone(), 0);
        self.call(&procs::STORAGE_POOL_REFRESH, &args, What("refresh pool", &pool.name), CHANGE).await
    }

    /// All volumes of a pool.
    pub async fn volumes(&self, pool: &Pool) -> Told<Vec<Volume>> {
        let args = (pool.clone(), true, 0);
        let what = What("list volumes of", &pool.name);
        Ok(self.call(&procs::STORAGE_POOL_LIST_ALL_VOLUMES, &args, what, self.read).await?.0)
    }

    /// A volume of a pool by its name.
    pub async fn volume(&self, pool: &Pool, name: &str) -> Told<Volume> {
        let args = (pool.clone(), name.to_owned());
        self.call(&procs::STORAGE_VOL_LOOKUP_BY_NAME, &args, What("find volume", name), self.read).await
    }

    /// A volume by its path: only in pools that run.
    pub async fn volume_by_path(&self, path: &str) -> Told<Volume> {
        self.call(&procs::STORAGE_VOL_LOOKUP_BY_PATH, &path.to_owned(), What("find volume", path), self.read).await
    }

    /// Path of a volume.
    pub async fn volume_path(&self, volume: &Volume) -> Told<String> {
        self.call(&procs::STORAGE_VOL_GET_PATH, volume, What("read volume", &volume.name), self.read).await
    }

    /// Figures of a volume.
    pub async fn volume_info(&self, volume: &Volume) -> Told<VolumeInfo> {
        self.call(&procs::STORAGE_VOL_GET_INFO, volume, What("read volume", &volume.name), self.read).await
    }

    /// Definition of a volume (format, backing file).
    pub async fn volume_xml(&self, volume: &Volume) -> Told<String> {
        let args = (volume.clone(), 0);
        self.call(&procs::STORAGE_VOL_GET_XML_DESC, &args, What("read volume", &volume.name), self.read).await
    }

    /// Makes a volume.
    pub async fn create_volume(&self, pool: &Pool, xml: &str, flags: u32) -> Told<Volume> {
        let args = (pool.clone(), xml.to_owned(), flags);
        self.call(&procs::STORAGE_VOL_CREATE_XML, &args, What("make a volume in", &pool.name), LONG).await
    }

    /// Deletes a volume.
    pub async fn delete_volume(&self, volume: &Volume) -> Told<()> {
        let args = (volume.clone(), 0);
        self.call(&procs::STORAGE_VOL_DELETE, &args, What("delete volume", &volume.name), CHANGE).await
    }

    /// The bytes of a volume: offset, length (0: to its end).
    pub async fn download(&self, volume: &Volume, offset: u64, length: u64) -> Told<Stream> {
        let args = (volume.clone(), offset, length, 0);
        let what = What("read volume", &volume.name);
        Ok(self.open_stream(&procs::STORAGE_VOL_DOWNLOAD, &args, what, CHANGE).await?.1)
    }

    /// Writes the bytes of a volume: offset, length (0: as many as come).
    pub async fn upload(&self, volume: &Volume, offset: u64, length: u64) -> Told<Stream> {
        let args = (volume.clone(), offset, length, 0);
        let what = What("write volume", &volume.name);
        Ok(self.open_stream(&procs::STORAGE_VOL_UPLOAD, &args, what, CHANGE).await?.1)
    }

    /// Writes a small file as a volume, all of it.
    pub async fn upload_all(&self, volume: &Volume, bytes: &[u8]) -> Told<()> {
        let mut stream = self.upload(volume, 0, bytes.len() as u64).await?;
        stream.write(Bytes::copy_from_slice(bytes)).await?;
        stream.finish().await
    }
}
