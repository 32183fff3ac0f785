//! What an appliance says when it is asked: its configurations, and whether it can be reached.

use std::fmt::Write as _;

use crate::model::command::{CONFIGURATION, LiveRequest, LiveSection};
use crate::model::text::clean;
use crate::workers::now;

use super::shared::Shared;

/// Answers.
pub(super) async fn answer(shared: &Shared, request: LiveRequest) -> Result<Vec<LiveSection>, String> {
    match request {
        LiveRequest::Detail(_) => detail(shared).await,
        LiveRequest::BufferConfig { .. } => {
            let config = shared.made().await?.client.buffer_config().await.map_err(|e| e.to_string())?;
            let text = serde_json::Value::Object(config.whole().clone()).to_string();
            let (title, headers) = (CONFIGURATION.to_owned(), vec!["JSON".to_owned()]);
            Ok(vec![LiveSection { title, headers, rows: vec![vec![text]], note: String::new() }])
        }
        LiveRequest::Value { .. } | LiveRequest::Alarm { .. } | LiveRequest::Secret { .. } => {
            Err(format!("{}: an appliance has no values that are asked for one by one", shared.name))
        }
    }
}

/// Both configurations, as tables.
async fn detail(shared: &Shared) -> Result<Vec<LiveSection>, String> {
    let client = &shared.made().await?.client;
    let (buffer, appliance) = tokio::join!(client.buffer_config(), async {
        match shared.config.config {
            Some(_) => Some(client.appliance_config().await),
            None => None,
        }
    });
    let headers = || ["Key", "Value"].map(str::to_owned).to_vec();
    let mut sections = Vec::new();
    let (rows, note) = match buffer {
        Ok(config) => (flat(&serde_json::Value::Object(config.whole().clone())), String::new()),
        Err(error) => (Vec::new(), error.to_string()),
    };
    sections.push(LiveSection { title: "Buffer configuration".into(), headers: headers(), rows, note });
    if let Some(told) = appliance {
        let (rows, note) = match told {
            Ok(config) => (flat(&config.masked()), String::new()),
            Err(error) => (Vec::new(), error.to_string()),
        };
        sections.push(LiveSection { title: "Appliance configuration".into(), headers: headers(), rows, note });
    }
    Ok(sections)
}

/// Leaves of an object with their paths.
fn flat(value: &serde_json::Value) -> Vec<Vec<String>> {
    fn walk(value: &serde_json::Value, path: &str, out: &mut Vec<Vec<String>>) {
        match value {
            serde_json::Value::Object(map) => {
                for (key, value) in map {
                    let path = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
                    walk(value, &path, out);
                }
            }
            serde_json::Value::String(text) => out.push(vec![clean(path).into_owned(), clean(text).into_owned()]),
            other => out.push(vec![clean(path).into_owned(), clean(&other.to_string()).into_owned()]),
        }
    }
    let mut out = Vec::new();
    walk(value, "", &mut out);
    out
}

/// Tries both services.
pub(super) async fn test(shared: &Shared) -> Result<String, String> {
    let client = &shared.made().await?.client;
    let began = std::time::Instant::now();
    let stats = client.stats(now()).await.map_err(|e| e.to_string())?;
    let mut words = format!(
        "buffer service: {} records, {} ms",
        crate::model::text::grouped(stats.records),
        began.elapsed().as_millis()
    );
    if shared.config.config.is_some() {
        let began = std::time::Instant::now();
        let status = client.config_health().await.map_err(|e| format!("{words}; {e}"))?;
        let _ = write!(words, "; config service: {}, {} ms", clean(&status), began.elapsed().as_millis());
    }
    Ok(words)
}
