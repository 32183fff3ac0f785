//! Volumes of storage pools.

use bytes::Bytes;

use super::super::client::{CHANGE, Connection, What};
use super::super::procs;
use super::super::stream::Stream;
use super::super::wire::Volume;
use super::Told;

/// Storage.
impl Connection {
    /// A volume by its path: only in pools that run.
    pub async fn volume_by_path(&self, path: &str) -> Told<Volume> {
        self.call(&procs::STORAGE_VOL_LOOKUP_BY_PATH, &path.to_owned(), What("find volume", path), self.read).await
    }

    /// Deletes a volume.
    pub async fn delete_volume(&self, volume: &Volume) -> Told<()> {
        let args = (volume.clone(), 0);
        self.call(&procs::STORAGE_VOL_DELETE, &args, What("delete volume", &volume.name), CHANGE).await
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
