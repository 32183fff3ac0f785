//! A dry run: documents streamed in bulk, judged as they come.

use std::collections::HashMap;
use std::sync::Arc;

use futures_util::stream::{self, StreamExt as _};

use crate::controllers::genieacs::device::DeviceDoc;
use crate::controllers::genieacs::map::FaultDoc;
use crate::controllers::genieacs::wire::Filter;
use crate::model::job::DeviceEvent;
use crate::workers::now;

use super::device::{Line, Turn, within};
use super::news::News;
use super::{bulk, judge};

/// Questions at a time.
const AT_ONCE: usize = 4;

/// Judges all devices.
pub(super) async fn run(line: Line, turns: Vec<Turn>) {
    let context = Arc::clone(&line.context);
    let give_up = |turns: &[Turn]| {
        let _ = line.news.send(News::Many(line.job(), Vec::new(), turns.iter().map(|t| t.index).collect()));
    };
    let Some(faults) = within(&line, context.client.faults(&Filter::all())).await else { return give_up(&turns) };
    let faults = Arc::new(bulk::by_device(faults));
    let ids: Vec<&str> = turns.iter().map(|t| t.device.as_str()).collect();
    let sizes: Vec<usize> = bulk::chunks(&ids).iter().map(Vec::len).collect();
    let mut turns = turns.into_iter();
    let parts: Vec<Vec<Turn>> = sizes.into_iter().map(|n| turns.by_ref().take(n).collect()).collect();
    let mut answers =
        stream::iter(parts).map(|part| chunk(line.clone(), part, Arc::clone(&faults))).buffer_unordered(AT_ONCE);
    while answers.next().await.is_some() {}
}

/// Judges the devices of one question.
async fn chunk(line: Line, turns: Vec<Turn>, faults: Arc<HashMap<String, Vec<FaultDoc>>>) {
    let context = &line.context;
    let ids: Vec<&str> = turns.iter().map(|t| t.device.as_str()).collect();
    let docs = within(&line, bulk::documents(&context.client, &ids, &context.projection)).await;
    let at = now().plus(context.skew());
    let judged = |turn: &Turn, docs: &HashMap<String, DeviceDoc>| -> (u32, DeviceEvent) {
        let known = faults.get(&turn.device).map_or(&[][..], Vec::as_slice);
        let (verdict, _) = judge::judge(context, &turn.device, docs.get(&turn.device), known, turn.busy.as_deref(), at);
        (turn.index, judge::found(verdict))
    };
    let events = docs.iter().flat_map(|docs| turns.iter().map(|turn| judged(turn, docs))).collect();
    let _ = line.news.send(News::Many(line.job(), events, turns.iter().map(|t| t.index).collect()));
}
