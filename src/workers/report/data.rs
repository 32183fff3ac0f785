//! The devices of a job as CSV and JSON.

use std::io::{self, Write};

use serde_json::{Map, Value, json};

use crate::engine::job::{Device, stage_word};
use crate::model::field::Record;
use crate::model::job::{Class, Frozen, Old, Setting};
use crate::model::tables;
use crate::model::text::clean;
use crate::model::time::Ts;
use crate::workers::rows::{guarded, json as json_of, write_record};

use super::Report;

/// What stands for a secret.
const MASK: &str = "••••••";

/// What a report tells of a device.
pub(super) struct Told {
    pub(super) device: String,
    pub(super) serial: String,
    pub(super) model: String,
    pub(super) wave: u8,
    pub(super) state: &'static str,
    pub(super) class: Option<Class>,
    pub(super) cause: String,
    pub(super) why: String,
    pub(super) tries: u32,
    pub(super) sent_at: Ts,
    pub(super) changed_at: Ts,
    pub(super) task: String,
    pub(super) stuck: bool,
    pub(super) values: Vec<Change>,
    pub(super) stages: Vec<(Ts, &'static str, String)>,
}

/// A parameter before and after.
pub(super) struct Change {
    pub(super) path: String,
    pub(super) old: String,
    pub(super) new: String,
    pub(super) lost: bool,
}

impl Told {
    pub(super) fn new(frozen: &Frozen, device: &Device) -> Self {
        let safe = |text: &str| clean(text).into_owned();
        let class = Class::ALL.into_iter().find(|c| c.word() == device.state.word());
        let value = |b: &crate::model::job::Before| {
            let hidden = Setting::Path(b.path.clone()).is_secret();
            let old = match &b.old {
                Old::Known(value) if !hidden => safe(&value.to_string()),
                Old::Known(_) | Old::SecretHeld => MASK.to_owned(),
                Old::Lost => String::new(),
            };
            let new = b.new.as_deref().unwrap_or_default();
            Change {
                path: safe(&b.path),
                old,
                new: if hidden && !new.is_empty() { MASK.to_owned() } else { safe(new) },
                lost: matches!(b.old, Old::Lost),
            }
        };
        Self {
            device: safe(&frozen.device),
            serial: safe(&frozen.serial),
            model: safe(&frozen.model),
            wave: frozen.wave + 1,
            state: device.state.word(),
            class,
            cause: safe(&device.cause),
            why: safe(&device.told()),
            tries: device.retries + u32::from(device.sent_at.is_set()),
            sent_at: device.sent_at,
            changed_at: device.changed_at,
            task: safe(device.task.as_deref().unwrap_or_default()),
            stuck: device.stuck,
            values: device.before.iter().map(value).collect(),
            stages: device.evidence.iter().map(|e| (e.at, stage_word(e.stage), safe(&e.text))).collect(),
        }
    }
}

const COLUMNS: [&str; 13] = [
    "serial",
    "model",
    "device",
    "wave",
    "state",
    "cause",
    "why",
    "tries",
    "sent_at",
    "changed_at",
    "values",
    "stages",
    "lost",
];

/// A line a device.
pub(super) fn csv(report: &Report, out: &mut dyn Write) -> io::Result<()> {
    let mut out = out;
    write_record(&mut out, &COLUMNS)?;
    for told in &report.devices {
        let values: Vec<String> = told.values.iter().map(|v| format!("{}: {} -> {}", v.path, v.old, v.new)).collect();
        let stages: Vec<String> =
            told.stages.iter().map(|(at, s, text)| format!("{} {s} {text}", at.to_rfc3339())).collect();
        let lost = told.values.iter().filter(|v| v.lost).count();
        let text = |t: &str| guarded(t.into());
        let cells = [
            text(&told.serial),
            text(&told.model),
            text(&told.device),
            told.wave.to_string(),
            told.state.to_owned(),
            text(&told.cause),
            text(&told.why),
            told.tries.to_string(),
            told.sent_at.to_rfc3339(),
            told.changed_at.to_rfc3339(),
            text(&values.join("; ")),
            text(&stages.join("; ")),
            lost.to_string(),
        ];
        write_record(&mut out, &cells)?;
    }
    Ok(())
}

/// All of it.
pub(super) fn json(report: &Report, out: &mut dyn Write) -> io::Result<()> {
    let detail = &report.detail;
    let fields = tables::spec(crate::model::page::Table::Jobs).fields;
    let job: Map<String, Value> =
        fields.iter().map(|f| (f.name.to_owned(), json_of(&detail.row.get(f.name)))).collect();
    let classes: Map<String, Value> = Class::ALL
        .into_iter()
        .filter(|c| detail.row.counts.of(*c) > 0)
        .map(|c| (c.word().to_owned(), detail.row.counts.of(c).into()))
        .collect();
    let safe = |text: &str| Value::from(clean(text).into_owned());
    let time = |t: Ts| if t.is_set() { Value::from(t.to_rfc3339()) } else { Value::Null };
    let device = |told: &Told| {
        json!({
            "serial": told.serial,
            "model": told.model,
            "device": told.device,
            "wave": told.wave,
            "state": told.state,
            "cause": told.cause,
            "why": told.why,
            "tries": told.tries,
            "sent_at": time(told.sent_at),
            "changed_at": time(told.changed_at),
            "task": told.task,
            "task_not_removed": told.stuck,
            "values": told.values.iter().map(|v| json!({
                "path": v.path, "old": v.old, "new": v.new, "can_be_put_back": !v.lost,
            })).collect::<Vec<_>>(),
            "stages": told.stages.iter().map(|(at, stage, text)| json!({
                "at": time(*at), "stage": stage, "evidence": text,
            })).collect::<Vec<_>>(),
        })
    };
    let whole = json!({
        "report_at": report.now.to_rfc3339(),
        "job": job,
        "does": detail.words.iter().map(|w| safe(w)).collect::<Vec<_>>(),
        "schedule": safe(&detail.schedule),
        "request": detail.request.as_ref().and_then(crate::model::job::write::to_toml),
        "rolls_back": safe(&detail.rolls_back),
        "rolled_back_by": detail.rolled_back_by.as_ref().map(|(id, name)| json!({
            "id": id.to_string(), "name": safe(name),
        })),
        "classes": classes,
        "waves": detail.waves.iter().map(|w| json!({
            "devices": w.total, "through": w.through, "failed": w.failed,
        })).collect::<Vec<_>>(),
        "causes": detail.causes.iter().map(|c| json!({
            "cause": safe(&c.cause), "devices": c.devices, "example": safe(&c.example),
        })).collect::<Vec<_>>(),
        "devices": report.devices.iter().map(device).collect::<Vec<_>>(),
    });
    serde_json::to_writer_pretty(&mut *out, &whole)?;
    out.write_all(b"\n")
}
