//! The inventory file as it changes: sites, names and subscribers of devices.
//!
//! Read at the start and whenever the file changes; journalled only when it says something new, so
//! that a console that is started a hundred times a day does not fill its journal. Lines that are
//! wrong are told by number, and the good ones count.

use std::path::{Path, PathBuf};
use std::time::Duration;

use tokio::sync::mpsc::{self, UnboundedReceiver, UnboundedSender};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use crate::app::effect::{Level, Toast};
use crate::app::message::Msg;
use crate::config::inventory::{Loaded, load};
use crate::model::log::{InventoryItem, InventoryLoad};
use crate::model::record::{CommandRecord, Record};
use crate::store::Store;

use super::now;
use super::supervisor::Supervisor;
use crate::model::text::counted;

/// Quiet time after a change before the file is read: editors write in several steps.
const QUIET: Duration = Duration::from_millis(200);

/// Starts the worker. Only the instance that owns the cache runs it.
pub fn start(supervisor: &Supervisor, store: &Store, file: PathBuf, msgs: &UnboundedSender<Msg>) {
    let (store, msgs, stop) = (store.clone(), msgs.clone(), supervisor.stopping());
    supervisor.spawn("inventory", move || run(store.clone(), file.clone(), msgs.clone(), stop.clone()));
}

async fn run(store: Store, file: PathBuf, msgs: UnboundedSender<Msg>, stop: CancellationToken) {
    // The watcher comes first: a change between reading and watching would go unseen.
    let (touched, mut touches) = mpsc::unbounded_channel();
    let watcher = watch(&file, touched);
    if let Err(error) = &watcher {
        let text = format!("the inventory {} is not watched for changes: {error}", file.display());
        tracing::warn!("{text}");
        let _ = msgs.send(Msg::Toast(Toast::new(Level::Warn, text)));
    }
    let mut told = Vec::new();
    loop {
        read(&store, &file, &msgs, &mut told).await;
        tokio::select! {
            () = stop.cancelled() => return,
            more = settled(&mut touches) => if !more { return stop.cancelled().await },
        }
    }
}

/// Waits for a change and for the quiet after it; false when nothing watches.
async fn settled(touches: &mut UnboundedReceiver<()>) -> bool {
    if touches.recv().await.is_none() {
        return false;
    }
    while matches!(timeout(QUIET, touches.recv()).await, Ok(Some(()))) {}
    true
}

/// Watches the folder, not the file: editors replace files.
fn watch(file: &Path, touched: UnboundedSender<()>) -> notify::Result<notify::RecommendedWatcher> {
    let name = file.file_name().map(std::ffi::OsStr::to_owned);
    let folder = file.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let ours = move |path: &Path| path.file_name() == name.as_deref();
    super::watch(folder, ours, move || _ = touched.send(()))
}

/// Reads the file, tells what is wrong with it, journals what is new in it.
async fn read(store: &Store, file: &Path, msgs: &UnboundedSender<Msg>, told: &mut Vec<String>) {
    let path = file.to_owned();
    let Ok(loaded) = crate::workers::blocking(move || load(&path)).await else { return };
    let errors: Vec<String> = loaded.errors.iter().map(ToString::to_string).collect();
    if errors != *told {
        tell(store, file, &loaded, &errors, msgs).await;
        *told = errors;
    }
    if loaded.errors.iter().any(|e| e.line == 0) {
        return;
    }
    match journal(store, file, loaded.items).await {
        Ok(Some(devices)) => {
            let text = format!("inventory read: {}", counted(devices, "device", "devices"));
            let _ = msgs.send(Msg::Toast(Toast::new(Level::Good, text)));
        }
        Ok(None) => {}
        Err(error) => {
            let _ = msgs.send(Msg::Toast(Toast::new(Level::Error, format!("inventory not taken over: {error}"))));
        }
    }
}

/// Lines that were left out: a toast with the first, all of them in the log file, ten in the log.
async fn tell(store: &Store, file: &Path, loaded: &Loaded, errors: &[String], msgs: &UnboundedSender<Msg>) {
    let Some(first) = errors.first() else { return };
    for error in errors {
        tracing::warn!(file = %file.display(), %error, "inventory line left out");
    }
    let more = if errors.len() > 1 { format!(" (and {} more, see the log)", errors.len() - 1) } else { String::new() };
    let text = format!("inventory {}: {first}{more}", name(file));
    let _ = msgs.send(Msg::Toast(Toast::new(Level::Warn, text)));
    let record = CommandRecord {
        at: now(),
        actor: "noctule".into(),
        command: "inventory.read".into(),
        targets: vec![file.display().to_string()],
        total: u32::try_from(loaded.items.len() + errors.len()).unwrap_or(u32::MAX),
        done: u32::try_from(loaded.items.len()).unwrap_or(u32::MAX),
        errors: errors.iter().take(10).cloned().collect(),
    };
    if let Err(error) = store.journal().append(vec![Record::Command(record)]).durable().await {
        tracing::warn!(%error, "inventory errors are not in the journal");
    }
}

/// Journals the lines unless the journal holds the same already. How many they are when it does now.
async fn journal(store: &Store, file: &Path, items: Vec<InventoryItem>) -> Result<Option<u64>, crate::store::Error> {
    let hash = fingerprint(&items);
    let key = format!("inventory/{}", file.display());
    if store.recall(&key)?.is_some_and(|kept| kept == hash) {
        return Ok(None);
    }
    let devices = items.len() as u64;
    let load = InventoryLoad { at: now(), file: name(file), items };
    store.journal().append(vec![Record::Inventory(load)]).durable().await?;
    store.remember(&key, &hash);
    Ok(Some(devices))
}

fn fingerprint(items: &[InventoryItem]) -> String {
    let bytes = minicbor::to_vec(items).unwrap_or_default();
    format!("{:032x}", xxhash_rust::xxh3::xxh3_128(&bytes))
}

fn name(file: &Path) -> String {
    let name = file.file_name().map_or_else(|| file.display().to_string(), |n| n.to_string_lossy().into_owned());
    crate::model::text::clean(&name).into_owned()
}
