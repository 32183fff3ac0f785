//! Presets, provisions, virtual parameters and files at the server: read, written with a look
//! before and a proof after, deleted, uploaded with their checksum.

use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use serde_json::Value as Json;

use crate::controllers::genieacs::client::{Client, Upload};
use crate::controllers::genieacs::error::Error;
use crate::controllers::genieacs::map::FileDoc;
use crate::controllers::genieacs::wire::{Collection, FileMeta, Filter};
use crate::model::ids::SourceName;
use crate::model::stored::{FileFacts, Stored, StoredKind, hash, preset_text, unmask};
use crate::model::text::{clean, grouped};

use super::shared::Shared;
use super::verbs::Why;

/// Everything the server keeps beside devices.
pub(super) async fn all(shared: &Arc<Shared>) -> Result<Vec<Stored>, String> {
    shared.admit()?;
    let client = shared.client().await?;
    let read = read(shared, &client).await;
    shared.judge(read.as_ref().map(drop));
    read.map_err(|error| error.to_string())
}

async fn read(shared: &Arc<Shared>, client: &Client) -> Result<Vec<Stored>, Error> {
    let source = || SourceName::clone(&shared.name);
    let mut out: Vec<Stored> = client.presets().await?.iter().map(|doc| Stored::preset(source(), doc)).collect();
    let script = |kind, docs: Vec<Json>| docs.into_iter().map(move |doc| Stored::script(source(), kind, &doc));
    out.extend(script(StoredKind::Provision, client.provisions().await?));
    out.extend(script(StoredKind::VirtualParameter, client.virtual_parameters().await?));
    out.extend(client.files(&Filter::all()).await?.iter().map(|doc| file(shared, doc)));
    // A preset that is no object has no name either: nothing can be done with it.
    out.retain(|s| !s.name.is_empty());
    Ok(out)
}

fn file(shared: &Shared, doc: &FileDoc) -> Stored {
    let facts = FileFacts {
        file_type: doc.file_type().to_owned(),
        oui: doc.oui().to_owned(),
        product_class: doc.product_class().to_owned(),
        version: doc.version().to_owned(),
        length: doc.length,
        uploaded: doc.uploaded,
        sha256: noted(shared, doc),
    };
    Stored {
        source: SourceName::clone(&shared.name),
        kind: StoredKind::File,
        name: doc.name.clone(),
        text: String::new(),
        hash: hash(&format!("{}\0{}", doc.uploaded.0, doc.length)),
        file: Some(facts),
    }
}

/// Where the checksum of an upload is noted: the server keeps none.
fn key(shared: &Shared, name: &str) -> String {
    format!("acs/{}/file/{name}", shared.name)
}

/// The checksum that was noted at the upload, if the file is still that one.
fn noted(shared: &Shared, doc: &FileDoc) -> String {
    let noted = shared.cache.noted(&key(shared, &doc.name)).unwrap_or_default();
    let mut parts = noted.split(' ');
    let (sum, length, at) = (parts.next(), parts.next(), parts.next());
    let same = length == Some(&doc.length.to_string()) && at == Some(&doc.uploaded.0.to_string());
    sum.filter(|_| same).unwrap_or_default().to_owned()
}

/// Calls and log of one change.
async fn logged(
    shared: &Arc<Shared>,
    (call, target, actor): (&str, &str, &str),
    work: impl Future<Output = Result<(String, String), Why>>,
) -> Result<String, String> {
    let began = Instant::now();
    let outcome = match shared.admit() {
        Ok(()) => work.await,
        Err(held) => Err(Why::Words(held)),
    };
    if let Err(Why::Call(error)) = &outcome {
        shared.judge(Err(error));
    }
    let outcome = outcome.map_err(Why::words);
    let status = outcome.as_ref().map(|(status, _)| status.as_str()).map_err(String::as_str);
    shared.log(actor, call, &format!("{}/{target}", shared.name), began, status);
    outcome.map(|(_, words)| words)
}

async fn one(client: &Client, kind: StoredKind, name: &str) -> Result<Option<Json>, Error> {
    let collection = match kind {
        StoredKind::Preset => Collection::Presets,
        StoredKind::Provision => Collection::Provisions,
        StoredKind::VirtualParameter => Collection::VirtualParameters,
        StoredKind::File => Collection::Files,
    };
    Ok(client.all::<Json>(collection, &Filter::id(name)).await?.into_iter().next())
}

/// The text of a document as it is compared.
fn text_of(kind: StoredKind, doc: &Json) -> String {
    match kind {
        StoredKind::Preset => preset_text(doc),
        _ => doc.get("script").and_then(Json::as_str).unwrap_or_default().to_owned(),
    }
}

/// Writes a text when the server still has the one it was compared with, and reads it back.
pub(super) async fn put(
    shared: &Arc<Shared>,
    kind: StoredKind,
    (name, text): (&str, &str),
    seen: Option<u64>,
    actor: &str,
) -> Result<String, String> {
    let work = async {
        let client = shared.client().await?;
        let old = one(&client, kind, name).await?;
        if old.as_ref().map(|doc| hash(&text_of(kind, doc))) != seen {
            return Err(Why::Words("somebody changed it at this very moment: nothing was sent".to_owned()));
        }
        let text = match kind {
            StoredKind::Preset => unmask(text, old.as_ref().unwrap_or(&Json::Null))?,
            _ => text.to_owned(),
        };
        match kind {
            StoredKind::Preset => client.put_preset(name, &text).await?,
            StoredKind::Provision => client.put_provision(name, &text).await?,
            StoredKind::VirtualParameter => client.put_virtual_parameter(name, &text).await?,
            StoredKind::File => return Err(Why::Words("files are uploaded".to_owned())),
        }
        let told = one(&client, kind, name)
            .await
            .map_err(|e| Why::Words(format!("sent, but not proven, since reading it back failed: {e}")))?;
        let same = told.as_ref().is_some_and(|doc| match kind {
            StoredKind::Preset => serde_json::from_str::<Json>(&text).is_ok_and(|new| bare(new) == bare(doc.clone())),
            _ => text_of(kind, doc) == text,
        });
        if !same {
            return Err(Why::Words("sent, but the server tells another text when it is read back".to_owned()));
        }
        let words = format!(
            "{} {name} stored on {} and read back the same ({} bytes)",
            kind.noun(),
            shared.name,
            grouped(text.len() as u64)
        );
        Ok(("OK, read back".to_owned(), words))
    };
    logged(shared, (&format!("PUT {}", kind.noun()), name, actor), work).await
}

fn bare(mut doc: Json) -> Json {
    if let Some(map) = doc.as_object_mut() {
        map.remove("_id");
    }
    doc
}

/// Removes a thing and looks that it is gone.
pub(super) async fn delete(shared: &Arc<Shared>, kind: StoredKind, name: &str, actor: &str) -> Result<String, String> {
    let work = async {
        let client = shared.client().await?;
        if one(&client, kind, name).await?.is_none() {
            return Err(Why::Words(format!("there is no {} of that name any more", kind.noun())));
        }
        match kind {
            StoredKind::Preset => client.delete_preset(name).await?,
            StoredKind::Provision => client.delete_provision(name).await?,
            StoredKind::VirtualParameter => client.delete_virtual_parameter(name).await?,
            StoredKind::File => client.delete_file(name).await?,
        }
        if one(&client, kind, name).await?.is_some() {
            return Err(Why::Words("the server said yes, and still has it".to_owned()));
        }
        Ok(("OK, gone".to_owned(), format!("{} {name} deleted from {}", kind.noun(), shared.name)))
    };
    logged(shared, (&format!("DELETE {}", kind.noun()), name, actor), work).await
}

/// Sends a file, notes its checksum, and looks that the server has all of it; where its file server
/// is configured, the bytes are read back and compared.
pub(super) async fn upload(shared: &Arc<Shared>, path: &Path, meta: &FileMeta, actor: &str) -> Result<String, String> {
    let name = &meta.name;
    let work = async {
        let client = shared.client().await?;
        let words = |e: std::io::Error| Why::Words(format!("{}: {e}", path.display()));
        let file = tokio::fs::File::open(path).await.map_err(words)?;
        let length = file.metadata().await.map_err(words)?.len();
        let sent = client.put_file(meta, file, length).await?;
        let told = client.files(&Filter::id(name)).await?.into_iter().next();
        let told = told.filter(|doc| doc.length == sent.bytes);
        let Some(told) = told else {
            return Err(Why::Words("sent, but the server does not tell a file of that name and length".to_owned()));
        };
        shared.cache.note(&key(shared, name), &format!("{} {} {}", sent.sha256, told.length, told.uploaded.0));
        let proof = proof(shared, &client, name, &sent).await?;
        let words = format!(
            "{name} uploaded to {}: {} bytes, SHA-256 {}, {proof}",
            shared.name,
            grouped(sent.bytes),
            sent.sha256
        );
        Ok((format!("201, SHA-256 {}", sent.sha256), words))
    };
    logged(shared, ("PUT file", &clean(name), actor), work).await
}

async fn proof(shared: &Shared, client: &Client, name: &str, sent: &Upload) -> Result<&'static str, Why> {
    if shared.config.fs.is_none() {
        return Ok("of which the server tells the same length (fs is not set: the bytes cannot be read back)");
    }
    match client.read_file(name, &mut tokio::io::sink()).await {
        Ok(read) if read.sha256 == sent.sha256 => Ok("read back the same from its file server"),
        Ok(read) => Err(Why::Words(format!("sent, but its file server gives other bytes: SHA-256 {}", read.sha256))),
        // The file server may lie behind another network: the length is proof enough then.
        Err(error) => {
            tracing::debug!(source = %shared.name, %error, "a file could not be read back");
            Ok("of which the server tells the same length (its file server did not answer)")
        }
    }
}
