//! Changing the configuration of the buffer service: read whole, edited, judged, sent whole, read
//! back. What would kill the service is refused before anything is sent.

use std::fmt::Write as _;
use std::time::Instant;

use crate::model::appliance::BufferConfig;
use crate::model::appliance::config::{Danger, DangerKind, Edit, spec};
use crate::model::text::clean;
use crate::workers::appliance::Preview;
use crate::workers::now;

use super::shared::Shared;

/// The object now, and as it would be.
async fn edited(shared: &Shared, edits: &[Edit]) -> Result<(BufferConfig, BufferConfig), String> {
    let client = &shared.made().await?.client;
    let old = client.buffer_config().await.map_err(|e| e.to_string())?;
    let new = old.apply(edits).map_err(|e| format!("{}: {e}", shared.name))?;
    Ok((old, new))
}

/// What changes, a line each: `max_buffer_size_mb: 1000 -> 2000`.
fn lines(old: &BufferConfig, new: &BufferConfig) -> Vec<String> {
    let word =
        |value: &Option<serde_json::Value>| value.as_ref().map_or_else(|| "(nothing)".to_owned(), ToString::to_string);
    old.diff(new)
        .iter()
        .flat_map(|(path, before, after)| {
            let path = clean(path);
            [format!("-{path}: {}", clean(&word(before))), format!("+{path}: {}", clean(&word(after)))]
        })
        .collect()
}

/// What is to be known about the keys that change.
fn notes(old: &BufferConfig, new: &BufferConfig) -> Vec<String> {
    let mut out = Vec::new();
    let mut at_start = Vec::new();
    for (path, ..) in old.diff(new) {
        let Some(field) = field_of(&path) else { continue };
        if field.needs_restart {
            at_start.push(path.clone());
        }
        match field.honoured {
            spec::Honoured::Yes => {}
            honoured => out.push(format!("{path}: {} ({})", honoured.word(), field.doc)),
        }
    }
    if !at_start.is_empty() {
        out.push(format!(
            "{} takes effect only when the buffer service starts anew; neither the config service nor noctule restarts it.",
            at_start.join(", ")
        ));
    }
    let changed: Vec<String> = old.diff(new).into_iter().map(|(path, ..)| path).collect();
    let weak = new.validate();
    let about = |d: &&Danger| d.kind == DangerKind::NoEffect && changed.contains(&d.path);
    out.extend(weak.iter().filter(about).map(|d| format!("{}: {}", d.path, d.words)));
    out
}

/// What an edit would do.
pub(super) async fn preview(shared: &Shared, edits: &[Edit]) -> Result<Preview, String> {
    let (old, new) = edited(shared, edits).await?;
    let mut notes = notes(&old, &new);
    let diff = lines(&old, &new);
    if diff.is_empty() {
        notes.insert(0, "It is configured so already: nothing would change.".to_owned());
    }
    notes.push(
        "The whole object is sent, since the service sets what is left out to zero; it is read back afterwards."
            .to_owned(),
    );
    let bytes = serde_json::to_vec(new.whole()).map_or(0, |b| b.len());
    Ok(Preview {
        calls: vec![format!("POST {}/api/buffer/config ({bytes} bytes)", shared.config.buffer)],
        diff,
        irreversible: Vec::new(),
        notes,
    })
}

/// Edits it, and proves that it is so.
pub(super) async fn carry_out(shared: &Shared, edits: &[Edit], actor: &str) -> Result<String, String> {
    let (old, new) = edited(shared, edits).await?;
    let changes = old.diff(&new);
    if changes.is_empty() {
        return Ok("configured so already".to_owned());
    }
    let client = &shared.made().await?.client;
    let began = Instant::now();
    let sent = client.set_buffer_config(&new).await;
    let error = sent.as_ref().err().map(ToString::to_string);
    shared.log(actor, "POST buffer config", &shared.name, began, error.as_deref().map_or(Ok("OK"), Err));
    shared.tracker().config_written(now());
    // Whatever the answer was, what counts is what the service has now.
    let back = client.buffer_config().await.map_err(|e| match &error {
        Some(why) => why.clone(),
        None => format!("it was sent, and cannot be read back: {e}"),
    })?;
    shared.look_anew();
    let other = new.diff(&back);
    if !other.is_empty() {
        let paths: Vec<_> = other.iter().take(5).map(|(path, ..)| clean(path).into_owned()).collect();
        return Err(match error {
            Some(why) => why,
            None => {
                format!("{}: it answered that it is done, but has other values in {}", shared.name, paths.join(", "))
            }
        });
    }
    let mut words = String::from("set and read back:");
    for (n, (path, _, after)) in changes.iter().enumerate() {
        let value = after.as_ref().map_or_else(|| "(nothing)".to_owned(), ToString::to_string);
        let _ = write!(words, "{} {}={}", if n > 0 { "," } else { "" }, clean(path), clean(&value));
    }
    Ok(words)
}

/// The specification of the key at a path of the object.
fn field_of(path: &str) -> Option<&'static spec::FieldSpec> {
    match path.strip_prefix("services.") {
        Some(rest) => spec::service(rest.rsplit_once('.')?.1),
        None => spec::top(path),
    }
}
