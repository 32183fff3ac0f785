//! What a server says of one device when it is asked: all parameters with their ages, faults with
//! the parameter that failed, what waits, what is being fetched, and the files there are for it.

use std::sync::Arc;

use crate::controllers::genieacs::map::{self, Leaf};
use crate::controllers::genieacs::validate;
use crate::controllers::genieacs::wire::{DeviceId, Filter, Projection};
use crate::model::command::{LiveRequest, LiveSection};
use crate::model::cpe::id_of;
use crate::model::secret::MASK;
use crate::model::text;
use crate::model::time::Ts;

use super::shared::Shared;

/// Title of the section with all parameters; the browser of the CPE pane looks for it.
const PARAMETERS: &str = "Parameters";

/// Answers.
pub(super) async fn answer(shared: &Arc<Shared>, request: LiveRequest) -> Result<Vec<LiveSection>, String> {
    if let LiveRequest::Secret { node, path, actor } = &request {
        return secret(shared, node, path, actor).await;
    }
    if let LiveRequest::BufferConfig { .. } = &request {
        return Err(format!("{} is no appliance with a buffer", shared.name));
    }
    let canonical = request.about();
    let (_, id) = id_of(canonical).ok_or_else(|| format!("{}: not the name of a CPE", text::clean(canonical)))?;
    shared.admit()?;
    let sections = read(shared, &DeviceId::new(id)).await;
    sections.map_err(|error| {
        shared.judge(Err(&error));
        error.to_string()
    })?
}

/// One secret as the server has it. That it was shown, and to whom, is in the log; the value is not.
async fn secret(shared: &Arc<Shared>, canonical: &str, path: &str, actor: &str) -> Result<Vec<LiveSection>, String> {
    let (_, id) = id_of(canonical).ok_or_else(|| format!("{}: not the name of a CPE", text::clean(canonical)))?;
    let began = std::time::Instant::now();
    let read = async {
        shared.admit()?;
        let client = shared.client().await?;
        validate::path(path).map_err(|refusal| refusal.to_string())?;
        let projection = Projection::of(["_id", path]);
        let doc = client.device(&DeviceId::new(id), projection).await.map_err(|error| {
            shared.judge(Err(&error));
            error.to_string()
        })?;
        let doc = doc.ok_or_else(|| "the server does not know the device any more".to_owned())?;
        Ok::<_, String>(doc.value(path).map(ToString::to_string).unwrap_or_default())
    };
    let told = read.await;
    let words = told.as_ref().map(|_| "shown").map_err(String::as_str);
    shared.log(actor, "Show a secret of", &format!("{canonical} {path}"), began, words);
    let value = text::clean(&told?).into_owned();
    let headers = ["Path", "Value"].map(str::to_owned).to_vec();
    let rows = vec![vec![path.to_owned(), value]];
    Ok(vec![LiveSection { title: "Secret".to_owned(), headers, rows, note: String::new() }])
}

type Sections = Result<Vec<LiveSection>, String>;

async fn read(shared: &Arc<Shared>, id: &DeviceId) -> Result<Sections, crate::controllers::genieacs::error::Error> {
    let (client, profiles) = match (shared.client().await, shared.profiles().await) {
        (Ok(client), Ok(profiles)) => (client, profiles),
        (Err(why), _) | (_, Err(why)) => return Ok(Err(why)),
    };
    let Some(doc) = client.device(id, Projection::default()).await? else {
        return Ok(Err("the server does not know the device any more".to_owned()));
    };
    let of_device = Filter::equal("device", id.as_str());
    let faults = client.faults(&of_device).await?;
    let tasks = client.tasks(&of_device).await?;
    let operations = client.operations(&Filter::all()).await?;
    let files = client.files(&Filter::all()).await?;
    shared.judge(Ok(()));

    let leaves = map::leaves(&doc, profiles.of_doc(&doc));
    let mut sections = Vec::new();
    let rows = faults.iter().flat_map(|fault| {
        let line = |on: String, why: String| {
            vec![
                fault.channel.clone(),
                on,
                why,
                fault.retries.to_string(),
                time(fault.timestamp),
                time(fault.next_try()),
            ]
        };
        let parameters = fault.parameters();
        if parameters.is_empty() {
            return vec![line(String::new(), format!("{} {}", fault.code, fault.message))];
        }
        parameters.into_iter().map(|p| line(p.path, format!("{} {}", p.code, p.words))).collect()
    });
    push(&mut sections, "Faults", &["Channel", "Parameter", "Why", "Tries", "At", "Next try"], rows);
    let rows = tasks.iter().map(|task| {
        let ours = task.unique_key.clone().unwrap_or_default();
        vec![task.name.clone(), time(task.timestamp), time(task.expiry), ours]
    });
    push(&mut sections, "Tasks that wait", &["Task", "Since", "Until", "Key"], rows);
    let own = operations.iter().filter(|o| o.device().as_ref() == Some(id));
    let rows = own.map(|o| vec![o.file_name().to_owned(), o.name.clone(), time(o.timestamp)]);
    push(&mut sections, "Downloads under way", &["File", "What", "Since"], rows);
    let fit = |wanted: &str, has: &str| wanted.is_empty() || wanted == has;
    let rows = files
        .iter()
        .filter(|f| fit(f.product_class(), &doc.product_class) && fit(f.oui(), &doc.oui))
        .map(|f| vec![f.name.clone(), f.file_type().to_owned(), f.version().to_owned(), f.length.to_string()]);
    push(&mut sections, "Files for it", &["File", "Type", "Version", "Bytes"], rows);
    sections.push(LiveSection {
        title: PARAMETERS.to_owned(),
        headers: ["Path", "Value", "Read", "W", "Type"].map(str::to_owned).to_vec(),
        rows: leaves.iter().map(parameter).collect(),
        note: String::new(),
    });
    Ok(Ok(sections))
}

fn parameter(leaf: &Leaf) -> Vec<String> {
    let value = match (&leaf.value, leaf.secret) {
        (Some(_), true) => MASK.to_owned(),
        (Some(value), false) => text::clean(&value.to_string()).into_owned(),
        (None, _) => String::new(),
    };
    let writable = match leaf.writable {
        Some(true) => "w",
        Some(false) => "",
        None => "?",
    };
    vec![text::clean(&leaf.path).into_owned(), value, time(leaf.read_at), writable.to_owned(), leaf.xsd.clone()]
}

fn time(at: Ts) -> String {
    if at.is_set() { at.to_rfc3339() } else { String::new() }
}

fn push(sections: &mut Vec<LiveSection>, title: &str, headers: &[&str], rows: impl Iterator<Item = Vec<String>>) {
    let rows: Vec<Vec<String>> =
        rows.map(|row| row.into_iter().map(|cell| text::clean(&cell).into_owned()).collect()).collect();
    if rows.is_empty() {
        return;
    }
    let headers = headers.iter().map(|h| (*h).to_owned()).collect();
    sections.push(LiveSection { title: title.to_owned(), headers, rows, note: String::new() });
}
