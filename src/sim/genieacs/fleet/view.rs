//! A CPE as the document that the ACS keeps of it: looked into by queries, built in full where
//! something was changed on it.

use super::cpe::{Cpe, Download};
use super::source::{Reading, Scalar, Type};
use super::template::{Leaf, Node, Of, Template, is_under};
use crate::sim::genieacs::data::{Document, Value};

/// A CPE and the tree of its model.
#[derive(Debug, Clone, Copy)]
pub(crate) struct View<'a> {
    pub(crate) cpe: &'a Cpe,
    pub(crate) template: &'a Template,
}

impl View<'_> {
    /// Whether a path was deleted with the instance it is in.
    pub(crate) fn gone(&self, path: &str) -> bool {
        self.cpe.extra.as_ref().is_some_and(|e| e.gone.iter().any(|g| is_under(path, g)))
    }

    /// What the ACS knows of a parameter's value, and since when.
    pub(crate) fn seen(&self, at: u16, leaf: &Leaf) -> Option<(Scalar, i64)> {
        if let Some(seen) = self.cpe.extra.as_ref().and_then(|e| e.seen.get(&at)) {
            return Some((seen.value.clone(), seen.at));
        }
        if leaf.deep && self.cpe.shallow {
            return None;
        }
        let when = if leaf.informed { self.cpe.last_inform } else { self.cpe.read_at };
        Some((leaf.source.value(self.cpe, self.read()), when))
    }

    /// The conditions of the last full reading.
    pub(crate) const fn read(&self) -> Reading {
        Reading { at: self.cpe.read_at, rx: self.cpe.rx_seen }
    }

    fn object_time(&self, path: &str) -> i64 {
        let refreshed = self.cpe.extra.as_ref().map(|e| &e.refreshed);
        let times = refreshed.into_iter().flatten().filter(|(p, _)| is_under(path, p)).map(|(_, at)| *at);
        times.max().unwrap_or(0).max(self.cpe.names_at)
    }

    fn leaf(&self, at: u16, leaf: &Leaf) -> Value {
        parameter(leaf.writable, leaf.kind, self.seen(at, leaf))
    }

    fn node(&self, node: &Node) -> Option<Value> {
        if self.gone(&node.path) {
            return None;
        }
        match &node.of {
            Of::Leaf(at) => Some(self.leaf(*at, self.template.leaves.get(usize::from(*at))?)),
            Of::Object { writable, children } => {
                let mut fields: Vec<(String, Value)> =
                    children.iter().filter_map(|c| Some((c.name.clone(), self.node(c)?))).collect();
                fields.push(("_object".into(), Value::Bool(true)));
                if node.path != VIRTUALS {
                    fields.push(("_writable".into(), Value::Bool(*writable)));
                    fields.push(("_timestamp".into(), Value::Date(self.object_time(&node.path))));
                }
                Some(Value::Doc(fields))
            }
        }
    }

    /// The whole document.
    pub(crate) fn document(&self) -> Value {
        let cpe = self.cpe;
        let mut fields = vec![("_id".to_owned(), Value::Text(cpe.id()))];
        for node in &self.template.top {
            if let Some(value) = self.node(node) {
                fields.push((node.name.clone(), value));
            }
        }
        for (name, at) in
            [("_timestamp", cpe.registered), ("_lastInform", cpe.last_inform), ("_registered", cpe.registered)]
        {
            fields.push((name.into(), Value::Date(at)));
        }
        for (name, at) in [("_lastBootstrap", cpe.last_bootstrap), ("_lastBoot", cpe.last_boot)] {
            if at > 0 {
                fields.push((name.into(), Value::Date(at)));
            }
        }
        fields.push(("_deviceId".into(), self.device_id()));
        if !cpe.tags.is_empty() {
            fields.push(("_tags".into(), self.tags()));
        }
        let mut doc = Value::Doc(fields);
        self.extras(&mut doc);
        doc
    }

    fn tags(&self) -> Value {
        Value::List(self.cpe.tags.iter().map(|t| Value::text(t.as_ref())).collect())
    }

    fn device_id(&self) -> Value {
        let model = self.cpe.model();
        Value::doc([
            ("_Manufacturer", Value::text(model.manufacturer)),
            ("_OUI", Value::text(model.oui)),
            ("_ProductClass", Value::text(model.product)),
            ("_SerialNumber", Value::text(self.cpe.serial.as_ref())),
        ])
    }

    fn extras(&self, doc: &mut Value) {
        let Some(extra) = self.cpe.extra.as_deref() else { return };
        for (path, instance) in extra.added.iter().filter(|(path, _)| !self.gone(path)) {
            let Some(fields) = doc.make(path) else { continue };
            fields.push(("_timestamp".into(), Value::Date(instance.at)));
            fields.push(("_object".into(), Value::Bool(true)));
            fields.push(("_writable".into(), Value::Bool(true)));
            for (name, (value, seen)) in &instance.leaves {
                // What was never read is not even known by name.
                if let Some(seen) = seen {
                    let kind = kind_of(value);
                    let leaf = parameter(true, kind, Some((seen.value.clone(), seen.at)));
                    fields.push((name.to_string(), leaf));
                }
            }
        }
        if !extra.virtuals.is_empty()
            && let Some(fields) = doc.make(VIRTUALS)
        {
            for (name, seen) in &extra.virtuals {
                let leaf = parameter(true, kind_of(&seen.value), Some((seen.value.clone(), seen.at)));
                fields.retain(|(k, _)| k != name.as_ref());
                fields.push((name.to_string(), leaf));
            }
            if !fields.iter().any(|(k, _)| k == "_object") {
                fields.push(("_object".into(), Value::Bool(true)));
            }
        }
        let Value::Doc(fields) = doc else { return };
        if !extra.downloads.is_empty() {
            fields.push(("Downloads".into(), downloads(&extra.downloads)));
        }
        for (name, at) in [("Reboot", extra.reboot), ("FactoryReset", extra.factory_reset)] {
            if let Some(at) = at {
                let done = Value::doc([
                    ("_value", Value::Date(at)),
                    ("_type", Value::text("xsd:dateTime")),
                    ("_timestamp", Value::Date(at)),
                    ("_object", Value::Bool(false)),
                ]);
                fields.push((name.into(), done));
            }
        }
    }

    /// Whether anything but the fields of the CPE itself makes up the document.
    pub(crate) const fn is_plain(&self) -> bool {
        self.cpe.extra.is_none()
    }

    fn tree(&self, path: &str, see: &mut dyn FnMut(&Value) -> bool) -> bool {
        let (node, attribute) = match path.rsplit_once('.') {
            Some((node, last)) if last.starts_with('_') => (node, last),
            _ => (path, ""),
        };
        if self.gone(node) {
            return false;
        }
        if let Some((at, leaf)) = self.template.leaf(node) {
            return match attribute {
                "_value" => self.seen(at, leaf).is_some_and(|(value, _)| see(&Value::from(&value))),
                "_writable" => see(&Value::Bool(leaf.writable)),
                "_object" => see(&Value::Bool(false)),
                _ => self.leaf(at, leaf).visit(attribute, see),
            };
        }
        let added = self.cpe.extra.as_ref().is_some_and(|e| !e.added.is_empty() || !e.virtuals.is_empty());
        if added || self.template.has_object(node).is_some() {
            return self.document().visit(path, see);
        }
        false
    }
}

const VIRTUALS: &str = "VirtualParameters";

const fn kind_of(value: &Scalar) -> Type {
    match value {
        Scalar::Text(_) => Type::Text,
        Scalar::Int(_) => Type::Unsigned,
        Scalar::Bool(_) => Type::Bool,
    }
}

fn parameter(writable: bool, kind: Type, seen: Option<(Scalar, i64)>) -> Value {
    let mut fields = vec![("_object".to_owned(), Value::Bool(false)), ("_writable".to_owned(), Value::Bool(writable))];
    if let Some((value, at)) = seen {
        fields.push(("_value".into(), Value::from(&value)));
        fields.push(("_type".into(), Value::text(kind.name())));
        fields.push(("_timestamp".into(), Value::Date(at)));
    }
    Value::Doc(fields)
}

fn downloads(list: &[Download]) -> Value {
    let leaf = |writable: bool, value: Value, at: i64| {
        let kind = if matches!(value, Value::Date(_)) { "xsd:dateTime" } else { "xsd:string" };
        Value::doc([
            ("_object", Value::Bool(false)),
            ("_writable", Value::Bool(writable)),
            ("_value", value),
            ("_type", Value::text(kind)),
            ("_timestamp", Value::Date(at)),
        ])
    };
    let mut fields: Vec<(String, Value)> = Vec::with_capacity(list.len() + 2);
    for d in list {
        let told = d.done.map_or(d.at, |t| t.told);
        let when = |at: Option<i64>| Value::Date(at.unwrap_or(0));
        let last = |text: &str| Value::text(if d.done.is_some() { text } else { "" });
        let instance = Value::doc([
            ("_timestamp", Value::Date(d.at)),
            ("_object", Value::Bool(true)),
            ("_writable", Value::Bool(true)),
            ("FileType", leaf(true, Value::text(&*d.file_type), d.at)),
            ("FileName", leaf(true, Value::text(&*d.file_name), d.at)),
            ("TargetFileName", leaf(true, Value::text(&*d.target), d.at)),
            ("Download", leaf(true, Value::Date(d.at), d.at)),
            ("LastFileType", leaf(false, last(&d.file_type), told)),
            ("LastFileName", leaf(false, last(&d.file_name), told)),
            ("LastTargetFileName", leaf(false, last(&d.target), told)),
            ("LastDownload", leaf(false, when(d.done.map(|_| d.at)), told)),
            ("StartTime", leaf(false, when(d.done.map(|t| t.start)), told)),
            ("CompleteTime", leaf(false, when(d.done.map(|t| t.complete)), told)),
        ]);
        fields.push((d.instance.to_string(), instance));
    }
    fields.push(("_object".into(), Value::Bool(true)));
    fields.push(("_writable".into(), Value::Bool(true)));
    Value::Doc(fields)
}

impl Document for View<'_> {
    fn visit(&self, path: &str, see: &mut dyn FnMut(&Value) -> bool) -> bool {
        let cpe = self.cpe;
        let (head, rest) = path.split_once('.').unwrap_or((path, ""));
        let mut date = |at: i64| rest.is_empty() && at > 0 && see(&Value::Date(at));
        match head {
            "_lastInform" => date(cpe.last_inform),
            "_registered" | "_timestamp" => date(cpe.registered),
            "_lastBoot" => date(cpe.last_boot),
            "_lastBootstrap" => date(cpe.last_bootstrap),
            "_id" => rest.is_empty() && see(&Value::Text(cpe.id())),
            "_deviceId" => {
                let model = cpe.model();
                match rest {
                    "_Manufacturer" => see(&Value::text(model.manufacturer)),
                    "_OUI" => see(&Value::text(model.oui)),
                    "_ProductClass" => see(&Value::text(model.product)),
                    "_SerialNumber" => see(&Value::text(cpe.serial.as_ref())),
                    _ => self.device_id().visit(rest, see),
                }
            }
            "_tags" => !cpe.tags.is_empty() && self.tags().visit(rest, see),
            "Downloads" | "Reboot" | "FactoryReset" => cpe.extra.is_some() && self.document().visit(path, see),
            _ if head == self.template.root || head == VIRTUALS => self.tree(path, see),
            _ => false,
        }
    }
}
