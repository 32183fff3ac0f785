//! Whether a source can be used with some settings, step by step: for `doctor`, for the form that
//! adds a source (nothing is saved that does not work), and for `source.test`.

use std::time::{Duration, Instant};

use crate::config::schema::Voltha;
use crate::controllers::voltha::client::{Client, methods};
use crate::controllers::voltha::events::Stream;
use crate::model::ids::SourceName;

/// How long one step may take.
const STEP: Duration = Duration::from_secs(10);

/// What one step found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// `gRPC`, `adapters`, `Kafka`.
    pub name: &'static str,
    /// Whether it went well.
    pub ok: bool,
    /// What was found, or what went wrong and what to do about it.
    pub words: String,
    /// How long it took.
    pub took: Duration,
}

/// Tries a VOLTHA source: version, adapters, event stream. The first step that fails on the gRPC
/// side ends that side; the stream is tried all the same.
pub async fn probe(name: SourceName, config: &Voltha) -> Vec<Step> {
    let mut steps = Vec::new();
    let began = Instant::now();
    let outcome = version(name.clone(), config).await;
    let client = outcome.as_ref().ok().map(|(client, _)| client.clone());
    steps.push(step("gRPC", began, outcome.map(|(_, words)| words)));
    if let Some(client) = client {
        let began = Instant::now();
        steps.push(step("adapters", began, adapters(&client).await));
    }
    if let Some(kafka) = &config.kafka {
        let began = Instant::now();
        let outcome = async {
            let stream = Stream::connect(&name, kafka).await?;
            let partitions = stream.partitions().await?.len();
            Ok::<_, crate::controllers::voltha::error::Error>(format!("{} has {partitions} partition(s)", kafka.topic))
        };
        steps.push(step("Kafka", began, outcome.await.map_err(|e| e.to_string())));
    }
    steps
}

async fn version(name: SourceName, config: &Voltha) -> Result<(Client, String), String> {
    let (runtime, settings) = (tokio::runtime::Handle::current(), config.clone());
    let made = crate::workers::blocking(move || {
        let _guard = runtime.enter();
        Client::new(name, &settings)
    });
    let client = made.await?.map_err(|e| e.to_string())?;
    let answer = client.call_within(&methods::GET_VOLTHA, "", (), Some(STEP)).await.map_err(|e| e.to_string())?;
    let words = format!("VOLTHA {}, {} ms", super::poll::version(&answer.value.version), answer.took.as_millis());
    Ok((client, words))
}

async fn adapters(client: &Client) -> Result<String, String> {
    let answer = client.call_within(&methods::LIST_ADAPTERS, "", (), Some(STEP)).await.map_err(|e| e.to_string())?;
    let adapters = answer.value.items;
    if adapters.is_empty() {
        return Err("no adapter is registered: no device can be reached through this core".to_owned());
    }
    let name = crate::controllers::voltha::map::name;
    let words: Vec<_> = adapters.iter().map(|a| format!("{} {}", name(&a.id), name(&a.version))).collect();
    Ok(words.join(", "))
}

fn step(name: &'static str, began: Instant, outcome: Result<String, String>) -> Step {
    let took = began.elapsed();
    match outcome {
        Ok(words) => Step { name, ok: true, words, took },
        Err(words) => Step { name, ok: false, words, took },
    }
}
