//! What each kind of task does to a CPE, and to what the ACS knows of it.

use serde_json::Value as Json;

use super::World;
use super::session::{Afterwards, Outcome, Refusal};
use super::task::Kind;
use crate::sim::genieacs::data::ObjectId;
use crate::sim::genieacs::fleet::Cpe;
use crate::sim::genieacs::fleet::cpe::{Instance, Seen};
use crate::sim::genieacs::fleet::source::{Reading, Scalar, Source, Type};
use crate::sim::genieacs::fleet::template::{Leaf, is_under};
use crate::sim::genieacs::fleet::view::View;

/// Highest WLAN channel; a CPE refuses more.
const HIGHEST_CHANNEL: i64 = 196;
const VIRTUAL: &str = "VirtualParameters.";
/// What was read or set less than so many seconds ago is not asked for again.
const FRESH_S: f64 = 1.0;

impl World {
    pub(super) fn apply(&mut self, at: u32, id: ObjectId, kind: &Kind) -> Outcome {
        match kind {
            Kind::Get(paths) => {
                for path in paths {
                    self.read(at, path, FRESH_S);
                }
                Outcome::Done
            }
            Kind::Set(values) => self.set(at, values).map_or_else(Outcome::Fault, |()| Outcome::Done),
            Kind::Refresh(object) => {
                self.refresh(at, object, FRESH_S);
                Outcome::Done
            }
            Kind::Add { object, values } => {
                self.add(at, object, values);
                Outcome::Done
            }
            Kind::Delete(object) => {
                self.delete(at, object);
                Outcome::Done
            }
            Kind::Reboot | Kind::FactoryReset => self.restart(at, *kind == Kind::FactoryReset),
            Kind::Download { file, file_type, name, target } => {
                // By id, the type and the name are those of the file.
                let (file_type, name) = match file {
                    Some(file) => (self.store.file_type(file), file.clone()),
                    None => (file_type.clone(), name.clone()),
                };
                self.download(at, id, &file_type, &name, target);
                Outcome::Done
            }
            Kind::Provisions(list) => self.provisions(at, id, list),
        }
    }

    fn restart(&self, at: u32, reset: bool) -> Outcome {
        match self.fleet.get(at) {
            Some(cpe) if cpe.model().plain => Outcome::Fault(Refusal::new(9_000, "Method not supported")),
            _ => Outcome::Then(if reset { Afterwards::Reset } else { Afterwards::Reboot }),
        }
    }

    /// The built-in provisions do what they say; a script is not run, and an unknown name does
    /// nothing, as with the real one.
    fn provisions(&mut self, at: u32, id: ObjectId, list: &[Vec<Json>]) -> Outcome {
        let mut then = Afterwards::Nothing;
        for args in list {
            let text = |n: usize| args.get(n).and_then(Json::as_str).unwrap_or_default();
            match text(0) {
                "refresh" => {
                    let every = args.get(2).and_then(Json::as_f64).filter(|s| *s > 0.0).unwrap_or(FRESH_S);
                    self.refresh(at, text(1), every);
                }
                "value" => {
                    let value = args.get(2).cloned().unwrap_or(Json::Null);
                    if let Err(refusal) = self.set(at, &[(text(1).to_owned(), value)]) {
                        return Outcome::Fault(refusal);
                    }
                }
                "tag" => {
                    let on = args.get(2).is_none_or(|v| v.as_bool().unwrap_or(true));
                    self.tag(at, text(1), on);
                }
                "reboot" | "reset" => match self.restart(at, text(0) == "reset") {
                    Outcome::Then(more) => then = then.max(more),
                    other => return other,
                },
                "download" => self.download(at, id, text(1), text(2), text(3)),
                "instances" => self.add(at, text(1).trim_end_matches(".*"), &[]),
                _ => {}
            }
        }
        Outcome::Then(then)
    }

    pub(crate) fn tag(&mut self, at: u32, tag: &str, on: bool) {
        let Some(cpe) = self.fleet.get_mut(at) else { return };
        if !on {
            cpe.tags.retain(|t| t.as_ref() != tag);
        } else if !cpe.tags.iter().any(|t| t.as_ref() == tag) {
            cpe.tags.push(tag.into());
        }
    }

    /// The instant from which on a reading counts as fresh: the last multiple of `every` seconds, moved
    /// by something of the device's own so that not all fall due at once.
    fn due(&self, at: u32, every: f64) -> i64 {
        let every = ((every * 1_000.0 / self.rules.speed) as i64).max(1);
        let offset = i64::from(at) * 379 % every;
        (self.wall() + offset) / every * every - offset
    }

    /// Reads a parameter, or all parameters of an object, unless what is known is fresh.
    fn read(&mut self, at: u32, path: &str, every: f64) {
        if let Some(name) = path.strip_prefix(VIRTUAL) {
            self.read_virtual(at, name);
        }
        let (wall, due) = (self.wall(), self.due(at, every));
        let path = path.trim_end_matches('.');
        let Some((cpe, template)) = self.fleet.both(at) else { return };
        let fresh = |n: u16| cpe.extra.as_ref().and_then(|e| e.seen.get(&n)).is_some_and(|seen| seen.at >= due);
        let found: Vec<(u16, Scalar)> = template
            .under(path)
            .filter(|(n, leaf)| !fresh(*n) && !View { cpe, template }.gone(&leaf.path))
            .map(|(n, leaf)| (n, truth(cpe, n, leaf, wall)))
            .collect();
        for (n, value) in found {
            cpe.extra().seen.insert(n, Seen { value, at: wall });
        }
        read_added(cpe, path, wall);
    }

    /// A virtual parameter is whatever its script declares first; scripts are not run.
    fn read_virtual(&mut self, at: u32, name: &str) {
        let Some(path) = self.store.virtual_path(name) else { return };
        let wall = self.wall();
        let Some((cpe, template)) = self.fleet.both(at) else { return };
        if template.leaf(&format!("{VIRTUAL}{name}")).is_some() {
            return;
        }
        let value = match template.leaf(&path) {
            Some((n, leaf)) => truth(cpe, n, leaf, wall),
            None => Scalar::Text("".into()),
        };
        cpe.extra().virtuals.insert(name.into(), Seen { value, at: wall });
    }

    fn refresh(&mut self, at: u32, object: &str, every: f64) {
        let wall = self.wall();
        let object = object.trim_end_matches('.');
        let Some((cpe, template)) = self.fleet.both(at) else { return };
        if !object.is_empty() && object != template.root {
            let known = template.has_object(object).is_some();
            self.read(at, object, every);
            if let Some(cpe) = self.fleet.get_mut(at).filter(|_| known) {
                cpe.extra().refreshed.insert(object.into(), wall);
            }
            return;
        }
        cpe.names_at = wall;
        cpe.read_at = wall + 2;
        cpe.rx_seen = cpe.rx;
        cpe.shallow = false;
        let hides = !cpe.model().plain;
        if let Some(extra) = cpe.extra.as_deref_mut() {
            extra.refreshed.clear();
            extra.seen.clear();
            for (n, value) in &extra.own {
                let Some(leaf) = template.leaves.get(usize::from(*n)) else { continue };
                let value = if hides && is_secret(&leaf.path) { Scalar::Text("".into()) } else { value.clone() };
                extra.seen.insert(*n, Seen { value, at: wall });
            }
        }
        read_added(cpe, "", wall);
        cpe.tidy();
    }

    /// Declares values: what the CPE lacks, what is read-only and what is known to be so already
    /// is passed over without a word; the rest is sent in one go, and all of it or nothing is taken.
    fn set(&mut self, at: u32, values: &[(String, Json)]) -> Result<(), Refusal> {
        let wall = self.wall();
        let Some((cpe, template)) = self.fleet.both(at) else { return Ok(()) };
        let mut send: Vec<(u16, Scalar)> = Vec::new();
        let mut bad = Vec::new();
        for (path, json) in values {
            if set_added(cpe, path, json, wall) {
                continue;
            }
            let Some((n, leaf)) = template.leaf(path) else { continue };
            let view = View { cpe, template };
            if !leaf.writable || view.gone(path) {
                continue;
            }
            let Some(value) = leaf.kind.read(json) else {
                bad.push((path.clone(), 9_007, "Invalid parameter value"));
                continue;
            };
            let known = if let Some((known, _)) = view.seen(n, leaf) {
                known
            } else {
                // Never read: the ACS reads it before it compares.
                let value = truth(cpe, n, leaf, wall);
                cpe.extra().seen.insert(n, Seen { value: value.clone(), at: wall });
                value
            };
            if known == value {
                continue;
            }
            if let Some((_, code)) = self.faulty.parameters.iter().find(|(p, _)| p == path) {
                bad.push((path.clone(), *code, fault_text(*code)));
            } else if path.ends_with(".Channel") && matches!(value, Scalar::Int(c) if c > HIGHEST_CHANNEL) {
                bad.push((path.clone(), 9_007, "Invalid parameter value"));
            }
            send.push((n, value));
        }
        if !bad.is_empty() {
            return Err(Refusal { parameters: Some(bad), ..Refusal::new(9_003, "Invalid arguments") });
        }
        if !send.is_empty() && self.rng.f64() < self.faulty.sets {
            return Err(Refusal::new(9_002, "Internal error"));
        }
        for (n, value) in send {
            if let (Some(Source::Interval), Scalar::Int(s)) =
                (template.leaves.get(usize::from(n)).map(|l| &l.source), &value)
            {
                cpe.interval_s = (*s).clamp(10, 86_400) as u32;
            }
            let extra = cpe.extra();
            extra.own.insert(n, value.clone());
            extra.seen.insert(n, Seen { value, at: wall });
        }
        Ok(())
    }

    fn add(&mut self, at: u32, object: &str, values: &[(String, Json)]) {
        let wall = self.wall();
        let object = object.trim_end_matches('.');
        let Some((cpe, template)) = self.fleet.both(at) else { return };
        if template.has_object(object) != Some(true) {
            return;
        }
        let taken = |n: u32| {
            let path = format!("{object}.{n}");
            template.has_object(&path).is_some()
                || cpe.extra.as_ref().is_some_and(|e| e.added.contains_key(path.as_str()))
        };
        let Some(n) = (1..1_000).find(|n| !taken(*n)) else { return };
        let mut instance = Instance { at: wall, ..Instance::default() };
        for (name, _, source) in template.prototype(object) {
            let value = source.value(cpe, Reading { at: wall, rx: cpe.rx });
            instance.leaves.insert(name.as_str().into(), (value, None));
        }
        for (name, json) in values {
            let kind = template.prototype(object).iter().find(|(n, ..)| n == name).map_or(Type::Text, |(_, k, _)| *k);
            if let (Some(value), Some(place)) = (kind.read(json), instance.leaves.get_mut(name.as_str())) {
                *place = (value.clone(), Some(Seen { value, at: wall }));
            }
        }
        let extra = cpe.extra();
        extra.added.insert(format!("{object}.{n}").into(), instance);
        extra.refreshed.insert(object.into(), wall);
    }

    fn delete(&mut self, at: u32, object: &str) {
        let object = object.trim_end_matches('.');
        let Some((cpe, template)) = self.fleet.both(at) else { return };
        if cpe.extra.as_mut().is_some_and(|e| e.added.remove(object).is_some()) {
            return;
        }
        let parent = object.rsplit_once('.').map(|(parent, _)| parent);
        if template.has_object(object).is_some() && parent.and_then(|p| template.has_object(p)) == Some(true) {
            cpe.extra().gone.insert(object.into());
        }
    }
}

impl Cpe {
    /// Gives back what is no longer needed.
    fn tidy(&mut self) {
        let idle = self.extra.as_ref().is_some_and(|e| {
            e.own.is_empty()
                && e.seen.is_empty()
                && e.refreshed.is_empty()
                && e.added.is_empty()
                && e.gone.is_empty()
                && e.virtuals.is_empty()
                && e.downloads.is_empty()
                && e.reboot.is_none()
                && e.factory_reset.is_none()
                && e.version.is_none()
        });
        if idle {
            self.extra = None;
        }
    }
}

/// What the CPE answers when a parameter is read now.
fn truth(cpe: &Cpe, n: u16, leaf: &Leaf, wall: i64) -> Scalar {
    if let Some(own) = cpe.extra.as_ref().and_then(|e| e.own.get(&n)) {
        // Most CPEs hide what was written into a secret.
        return if is_secret(&leaf.path) && !cpe.model().plain { Scalar::Text("".into()) } else { own.clone() };
    }
    leaf.source.value(cpe, Reading { at: wall, rx: cpe.rx })
}

fn is_secret(path: &str) -> bool {
    ["KeyPassphrase", "PreSharedKey", "Password"].iter().any(|s| path.ends_with(s))
        && !path.ends_with("ConnectionRequestPassword")
}

fn read_added(cpe: &mut Cpe, object: &str, wall: i64) {
    let Some(extra) = cpe.extra.as_deref_mut() else { return };
    for (path, instance) in &mut extra.added {
        for (name, (value, seen)) in &mut instance.leaves {
            let whole = is_under(path, object);
            if whole || object.strip_prefix(path.as_ref()).and_then(|r| r.strip_prefix('.')) == Some(name.as_ref()) {
                *seen = Some(Seen { value: value.clone(), at: wall });
            }
        }
    }
}

/// Sets a parameter of an instance that was added; whether there is one.
fn set_added(cpe: &mut Cpe, path: &str, json: &Json, wall: i64) -> bool {
    let Some(extra) = cpe.extra.as_deref_mut() else { return false };
    let Some((object, name)) = path.rsplit_once('.') else { return false };
    let Some((value, seen)) = extra.added.get_mut(object).and_then(|i| i.leaves.get_mut(name)) else { return false };
    let kind = match value {
        Scalar::Text(_) => Type::Text,
        Scalar::Int(_) => Type::Int,
        Scalar::Bool(_) => Type::Bool,
    };
    if let Some(new) = kind.read(json) {
        *value = new.clone();
        *seen = Some(Seen { value: new, at: wall });
    }
    true
}

/// Texts of the fault codes of TR-069.
pub(super) const fn fault_text(code: u32) -> &'static str {
    match code {
        9_000 => "Method not supported",
        9_001 => "Request denied",
        9_002 => "Internal error",
        9_003 => "Invalid arguments",
        9_004 => "Resources exceeded",
        9_005 => "Invalid parameter name",
        9_006 => "Invalid parameter type",
        9_007 => "Invalid parameter value",
        9_008 => "Attempt to set a non-writable parameter",
        9_010 => "Download failure",
        9_015 => "File transfer failure: unable to contact file server",
        9_016 => "File transfer failure: unable to access file",
        9_018 => "File transfer failure: file authentication failure",
        _ => "Vendor defined fault",
    }
}
