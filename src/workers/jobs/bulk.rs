//! Documents, faults and tasks of many devices with few questions.

use std::collections::HashMap;

use futures_util::StreamExt as _;

use crate::controllers::genieacs::client::Client;
use crate::controllers::genieacs::device::DeviceDoc;
use crate::controllers::genieacs::error::Error;
use crate::controllers::genieacs::map::FaultDoc;
use crate::controllers::genieacs::wire::{DeviceId, Filter, Find, Projection};

/// Bytes of ids in one question: the server reads 16 KB of an address, and what has to be encoded
/// takes three places.
const IDS: usize = 6_000;
/// Ids in one question.
const MOST: usize = 150;

/// Cuts ids into questions that fit.
pub(super) fn chunks<'a>(ids: &[&'a str]) -> Vec<Vec<&'a str>> {
    let mut out: Vec<Vec<&str>> = Vec::new();
    let mut bytes = 0;
    for id in ids {
        let needs = id.bytes().map(|b| if b.is_ascii_alphanumeric() || b == b'-' { 1 } else { 3 }).sum::<usize>() + 7;
        match out.last_mut() {
            Some(last) if bytes + needs <= IDS && last.len() < MOST => last.push(id),
            _ => {
                out.push(vec![id]);
                bytes = 0;
            }
        }
        bytes += needs;
    }
    out
}

/// The documents of a chunk, by id.
pub(super) async fn documents(
    client: &Client,
    ids: &[&str],
    projection: &Projection,
) -> Result<HashMap<String, DeviceDoc>, Error> {
    let filter = Filter::from_json(serde_json::json!({ "_id": { "$in": ids } }));
    let mut docs = Box::pin(client.devices(&Find::new(filter).only(projection.clone())));
    let mut found = HashMap::with_capacity(ids.len());
    while let Some(doc) = docs.next().await {
        let doc = doc?;
        found.insert(doc.id().as_str().to_owned(), doc);
    }
    Ok(found)
}

/// The faults of a chunk, by device.
pub(super) async fn faults(client: &Client, ids: &[&str]) -> Result<HashMap<String, Vec<FaultDoc>>, Error> {
    let ids: Vec<DeviceId> = ids.iter().map(|id| DeviceId::from(*id)).collect();
    Ok(by_device(client.faults(&Filter::devices(&ids)).await?))
}

/// Faults by device.
pub(super) fn by_device(faults: Vec<FaultDoc>) -> HashMap<String, Vec<FaultDoc>> {
    let mut found: HashMap<String, Vec<FaultDoc>> = HashMap::new();
    for fault in faults {
        found.entry(fault.device.clone()).or_default().push(fault);
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn questions_stay_short_and_leave_nobody_out() {
        let ids: Vec<String> = (0..1_000).map(|i| format!("F8345A-G%2D1425G%2DA-ALCL{i:08}")).collect();
        let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
        let chunks = chunks(&ids);
        assert_eq!(chunks.concat(), ids);
        assert!(chunks.iter().all(|c| c.len() <= MOST), "{}", chunks.len());
        assert!(super::chunks(&[]).is_empty());
    }
}
