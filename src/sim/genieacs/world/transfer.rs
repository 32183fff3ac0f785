//! Downloads: accepted, fetched, told, installed.

use serde_json::json;

use super::apply::fault_text;
use super::session::Refusal;
use super::task::channel;
use super::{Fault, SECOND, Step, World};
use crate::sim::genieacs::data::{ObjectId, Value};
use crate::sim::genieacs::fleet::Phase;
use crate::sim::genieacs::fleet::cpe::{Download, Transferred};

/// An operation that nobody finished is given up at a session after this (`cwmp.downloadTimeout`).
const TIMEOUT: i64 = 3_600 * SECOND;

/// How a transfer ended at the CPE.
#[derive(Debug, Clone)]
pub(crate) enum Fetched {
    /// Fetched; the version in the file, when it names one.
    Well {
        version: Option<String>,
        at: i64,
    },
    Badly(Refusal),
}

/// A download that the ACS has not heard the end of.
#[derive(Debug, Clone)]
pub(crate) struct Operation {
    pub(crate) timestamp: i64,
    /// Virtual time of the same.
    started: i64,
    task: String,
    instance: u32,
    file_type: String,
    name: String,
    target: String,
    /// What the CPE will tell.
    result: Option<Fetched>,
}

impl Operation {
    /// Its document.
    pub(crate) fn doc(&self, device: &str, key: &str) -> Value {
        let args = json!({
            "instance": self.instance.to_string(),
            "fileType": self.file_type,
            "fileName": self.name,
            "targetFileName": self.target,
        });
        Value::doc([
            ("_id", Value::Text(format!("{device}:{key}"))),
            ("name", Value::text("Download")),
            ("timestamp", Value::Date(self.timestamp)),
            ("channels", Value::Text(json!({ &self.task: 1 }).to_string())),
            ("provisions", Value::Text(self.provisions())),
            ("retries", Value::text("{}")),
            ("args", Value::Text(args.to_string())),
        ])
    }

    fn provisions(&self) -> String {
        json!([["download", self.file_type, self.name, self.target]]).to_string()
    }
}

impl World {
    /// A CPE accepts a Download: the task is done, an operation begins.
    pub(super) fn download(&mut self, at: u32, id: ObjectId, file_type: &str, name: &str, target: &str) {
        let wall = self.wall();
        self.ids = self.ids.wrapping_add(1);
        let key = format!("{wall:011x}{:04x}", self.ids & 0xffff);
        let (started, lasts) = (self.now, 20 * SECOND + self.rng.i64(0..40) * SECOND);
        let Some(cpe) = self.fleet.get_mut(at) else { return };
        let downloads = &mut cpe.extra().downloads;
        let instance = downloads
            .iter()
            .find(|d| (d.file_type.as_str(), d.file_name.as_str(), d.target.as_str()) == (file_type, name, target))
            .map_or_else(|| downloads.iter().map(|d| d.instance).max().unwrap_or(0) + 1, |d| d.instance);
        downloads.retain(|d| d.instance != instance);
        downloads.push(Download {
            instance,
            at: wall,
            file_type: file_type.into(),
            file_name: name.into(),
            target: target.into(),
            done: None,
        });
        let operation = Operation {
            timestamp: wall,
            started,
            task: channel(&id),
            instance,
            file_type: file_type.into(),
            name: name.into(),
            target: target.into(),
            result: None,
        };
        self.operations.insert((at, key.clone()), operation);
        self.after(lasts, Step::Fetched { cpe: at, key });
    }

    fn outcome(&mut self, at: u32, name: &str) -> Option<Fetched> {
        let wall = self.wall();
        let failing = self.rng.f64() < self.faulty.downloads;
        let code = [9_010, 9_015, 9_018][self.rng.usize(0..3)];
        let cpe = self.fleet.get(at)?;
        let (model, here) = (cpe.model(), cpe.reachable());
        let badly = |code, text: &str| Some(Fetched::Badly(Refusal::new(code, text)));
        // A CPE without mains tells nothing, ever.
        if !here {
            return None;
        }
        let Some(file) = self.store.files.get(name) else {
            return badly(9_016, if model.plain { "Unexpected response 404" } else { "Unexpected HTTP status 404" });
        };
        let other = |field: &str, mine: &str| file.metadata(field).is_some_and(|v| !v.is_empty() && v != mine);
        if other("productClass", model.product) || other("oui", model.oui) {
            return badly(9_018, fault_text(9_018));
        }
        if failing {
            return badly(code, fault_text(code));
        }
        let version = file.metadata("version").filter(|v| !v.is_empty()).map(str::to_owned).or_else(|| in_name(name));
        Some(Fetched::Well { version, at: wall })
    }

    /// A CPE has fetched the file, or has not.
    pub(super) fn fetched(&mut self, at: u32, key: String) {
        let place = (at, key);
        let Some(name) = self.operations.get(&place).map(|o| o.name.clone()) else { return };
        let Some(result) = self.outcome(at, &name) else { return };
        let well = matches!(result, Fetched::Well { .. });
        if let Some(operation) = self.operations.get_mut(&place) {
            operation.result = Some(result);
        }
        let Some(cpe) = self.fleet.get_mut(at) else { return };
        if cpe.model().plain {
            return;
        }
        match cpe.phase {
            Phase::InSession => cpe.again = true,
            Phase::Up if well => self.go_down(at),
            Phase::Up => self.begin(at),
            Phase::Boots | Phase::Off => {}
        }
    }

    /// After a boot the fetched version runs.
    pub(super) fn install(&mut self, at: u32) {
        let of_device = self.operations.range((at, String::new())..(at + 1, String::new()));
        let mut versions = of_device.rev().filter_map(|(_, o)| match &o.result {
            Some(Fetched::Well { version, .. }) => version.clone(),
            _ => None,
        });
        let Some(version) = versions.next() else { return };
        if self.rng.f64() < self.faulty.upgrades {
            return;
        }
        if let Some(cpe) = self.fleet.get_mut(at) {
            cpe.set_version(&version);
        }
    }

    /// In a session the CPE tells how its transfers ended, and the ACS gives up those it never
    /// heard of again.
    pub(super) fn told(&mut self, at: u32) {
        let (wall, now) = (self.wall(), self.now);
        let of_device = self.operations.range((at, String::new())..(at + 1, String::new()));
        let over: Vec<(u32, String)> = of_device
            .filter(|(_, o)| o.result.is_some() || now - o.started > TIMEOUT)
            .map(|(place, _)| place.clone())
            .collect();
        for place in over {
            let Some(operation) = self.operations.remove(&place) else { continue };
            let refusal = match &operation.result {
                Some(Fetched::Well { at: complete, .. }) => {
                    let done = Transferred { told: wall, start: operation.timestamp + 11, complete: *complete };
                    if let Some(cpe) = self.fleet.get_mut(at) {
                        let mut downloads = cpe.extra().downloads.iter_mut();
                        if let Some(download) = downloads.find(|d| d.instance == operation.instance) {
                            download.done = Some(done);
                        }
                    }
                    continue;
                }
                Some(Fetched::Badly(refusal)) => Some(refusal.clone()),
                None => None,
            };
            let provisions = operation.provisions();
            let (code, message, detail) = match refusal {
                Some(refusal) => (format!("cwmp.{}", refusal.code), refusal.message.clone(), refusal.detail()),
                None => ("timeout".into(), "Download operation timed out".into(), Value::Null),
            };
            let fault = Fault {
                timestamp: operation.timestamp,
                code,
                message,
                detail,
                retries: 0,
                expiry: None,
                provisions,
                retry_at: now + 300 * SECOND,
            };
            self.faults.insert((at, operation.task), fault);
        }
    }
}

/// The version that a file's name ends with: `…_V3.0.10.bin`.
fn in_name(name: &str) -> Option<String> {
    let (_, version) = name.strip_suffix(".bin")?.rsplit_once("_V")?;
    Some(format!("V{version}"))
}
