//! Deleting what a failed operation made and left behind. Nothing that a machine uses, that was written
//! since, or that looks like anything else is touched.

use super::{Host, words};
use crate::engine::vm::sets;
use crate::model::text::clean;
use crate::model::time::{MINUTE, Ts};
use crate::model::vm::failure::Made;

/// The clocks of two hosts differ by less.
const CLOCKS: i64 = 10 * MINUTE;

/// Deletes it; what was done, in words.
pub(in crate::workers) async fn discard(host: &Host, uuid: &str, what: &Made, failed: Ts) -> Result<String, String> {
    match what {
        Made::Checkpoint(name) => checkpoint(host, uuid, name).await,
        Made::Backup { folder, path } => {
            if !path.ends_with(sets::PARTIAL) {
                return Err(format!("{} is no unfinished backup", clean(path)));
            }
            idle(host, uuid).await?;
            host.remove_backup(folder, path).await.map_err(|fault| fault.why().to_owned())?;
            gone(host, path).await
        }
        Made::File(path) => {
            let Some(written) = host.written(path).await? else { return Ok(format!("{path} was gone already")) };
            if written.since(failed) > CLOCKS {
                return Err(format!("{path} was written since: it is not what was left behind"));
            }
            if let Some(vm) = super::used::used(host).await?.by(path) {
                return Err(format!("{} uses {path}", clean(vm)));
            }
            host.remove(path).await.map_err(|fault| fault.why().to_owned())?;
            gone(host, path).await
        }
    }
}

async fn gone(host: &Host, path: &str) -> Result<String, String> {
    match host.written(path).await? {
        None => Ok(format!("{path} is deleted")),
        Some(_) => Err(format!("{path} is still there")),
    }
}

async fn checkpoint(host: &Host, uuid: &str, name: &str) -> Result<String, String> {
    if !name.starts_with(sets::CHECKPOINT) {
        return Err(format!("{} is none of noctule's checkpoints", clean(name)));
    }
    idle(host, uuid).await?;
    let Some(domain) = host.by_uuid(uuid).await.map_err(words)? else { return Ok("its machine is gone".to_owned()) };
    let connection = host.connection().await.map_err(words)?;
    let all = connection.checkpoints(&domain).await.map_err(words)?;
    let Some(found) = all.into_iter().find(|checkpoint| checkpoint.name == name) else {
        return Ok(format!("the checkpoint {name} was gone already"));
    };
    connection.delete_checkpoint(&found, 0).await.map_err(words)?;
    Ok(format!("the checkpoint {name} is deleted"))
}

/// No job runs in the machine: it could be writing there.
async fn idle(host: &Host, uuid: &str) -> Result<(), String> {
    let Some(domain) = host.by_uuid(uuid).await.map_err(words)? else { return Ok(()) };
    let connection = host.connection().await.map_err(words)?;
    match super::job(&connection, &domain).await.map_err(words)? {
        None => Ok(()),
        Some(job) => Err(format!("a {} runs in {}", clean(&job.operation), clean(&domain.name))),
    }
}
