//! The list of a job: its filter resolved once, its file looked up, and all of it journalled in one
//! piece, so that no crash leaves half a list.

use std::sync::Arc;

use crate::controllers::genieacs::wire::Find;
use crate::engine::job::waves;
use crate::model::job::{Frozen, JobEvent, JobId, JobRequest, JobTargets, Work};
use crate::model::text::clean;
use crate::workers::now;

use super::context::{self, Stop};
use super::list::{List, list};
use super::mongo;
use super::runner::Shared;

/// Devices in one record.
const PART: usize = 1_000;

/// Resolves a job.
pub(super) async fn freeze(shared: Arc<Shared>, job: JobId, mut request: JobRequest) -> Result<Vec<JobEvent>, Stop> {
    let sources: Vec<String> =
        shared.sources.iter().filter_map(|s| s.genieacs()).map(|acs| acs.name().to_string()).collect();
    if sources.is_empty() {
        return Err(Stop::Refuse("there is no GenieACS source in this configuration".to_owned()));
    }
    let (store, wish, names) = (shared.store.clone(), request.clone(), sources.clone());
    let read = crate::workers::blocking(move || {
        let mut reader = store.reader().map_err(|e| e.to_string())?;
        list(&mut reader, &wish, &names, now())
    });
    let resolved = match read.await.map_err(Stop::Refuse)? {
        Err(why) if asks_for_what_is_not_kept(&request, &why) => {
            asked(&shared, &request).await?.ok_or(Stop::Refuse(why))?
        }
        other => other.map_err(Stop::Refuse)?,
    };
    if request.source.is_empty() {
        request.source.clone_from(&resolved.source);
    }
    let rolls_back = request.rolls_back.is_some();
    // A wrong file is told before anything begins.
    let made = context::make(Arc::clone(&shared), job, request.clone(), std::collections::HashMap::new(), true).await;
    match made {
        Ok(context) => fits(&request, &context, &resolved)?,
        // A secret that is not at hand holds the job once it has its list.
        Err(Stop::Hold(_)) => {}
        Err(stop) => return Err(stop),
    }
    let total = u32::try_from(resolved.found.len()).unwrap_or(u32::MAX);
    let frozen: Vec<Frozen> = (0..total)
        .zip(resolved.found)
        .map(|(i, found)| Frozen {
            wave: if rolls_back { 0 } else { waves::of(request.waves, total, i) },
            device: found.device,
            serial: found.serial,
            model: found.model,
        })
        .collect();
    let mut events = vec![JobEvent::On(request.source)];
    events.extend(frozen.chunks(PART).map(|part| JobEvent::Frozen(part.to_vec())));
    events.push(JobEvent::FrozenAll);
    Ok(events)
}

/// Whether any of the devices is one that the file is for, as far as the cache tells.
fn fits(request: &JobRequest, context: &context::Context, list: &List) -> Result<(), Stop> {
    let (Work::Firmware(wanted), Some(file)) = (&request.work, &context.file) else { return Ok(()) };
    let class = file.product_class();
    if class.is_empty() {
        return Ok(());
    }
    // An id is OUI, product class and serial number, each encoded.
    let encoded = class.replace('-', "%2D");
    let one = |device: &str| device.split('-').nth(1).is_none_or(|c| c.eq_ignore_ascii_case(&encoded));
    if list.found.iter().any(|f| one(&f.device)) {
        return Ok(());
    }
    let why = format!("the file {} is for {}, and none of the devices is one", clean(&wanted.file), clean(class));
    Err(Stop::Refuse(why))
}

/// Whether the cache lacks a parameter that the controller can be asked for.
fn asks_for_what_is_not_kept(request: &JobRequest, why: &str) -> bool {
    matches!(request.targets, JobTargets::Query(_)) && why.contains("no device has")
}

/// A query of parameters that the cache does not keep, answered by the controller.
async fn asked(shared: &Shared, request: &JobRequest) -> Result<Option<List>, Stop> {
    use futures_util::StreamExt as _;
    let JobTargets::Query(text) = &request.targets else { return Ok(None) };
    let acs = context::source(shared, &request.source).map_err(Stop::Refuse)?;
    let filter = mongo::filter_of(text).map_err(Stop::Refuse)?;
    let query = crate::model::query::Query::parse(&filter, crate::model::page::Table::Cpes)
        .map_err(|e| Stop::Refuse(e.to_string()))?;
    let (client, profiles) = acs.tools().await.map_err(Stop::Down)?;
    let name = acs.name().to_string();
    let config = acs.config();
    let context = crate::controllers::genieacs::query::Context {
        source: &name,
        profiles: &profiles,
        now: now(),
        online_s: config.online_s,
        offline_s: config.offline_s,
    };
    let translated = crate::controllers::genieacs::query::translate(&query.expr, &context);
    let mut projection = crate::controllers::genieacs::map::projection(&profiles);
    projection.0.extend(query.leaf_paths().into_iter().map(str::to_owned));
    let mut docs = Box::pin(client.devices(&Find::new(translated.nbi).only(projection)));
    let mut found = List { source: name.clone(), ..List::default() };
    while let Some(doc) = docs.next().await {
        let doc = doc.map_err(|e| Stop::call(&e))?;
        let cpe = crate::controllers::genieacs::map::cpe(&doc, &profiles);
        let row = crate::controllers::genieacs::query::Document::new(&cpe, &doc, &context);
        let passes = |rest| crate::controllers::genieacs::query::matches(rest, &row, context.now);
        if translated.rest.as_ref().is_none_or(passes) {
            found.found.push(super::list::Found { device: cpe.id.clone(), serial: cpe.serial, model: cpe.model });
        }
    }
    super::list::checked(found, request, &filter).map(Some).map_err(Stop::Refuse)
}
