//! Documents of unchanged CPEs, fast: a model's tree under a projection is laid out once as pieces
//! of text with places to fill in, and each CPE fills them in.

use super::cpe::Cpe;
use super::source::Source;
use super::template::{Node, Of, Template};
use super::view::View;
use crate::sim::genieacs::data::project::{Part, Projection};
use crate::sim::genieacs::data::{json, stamp, text};

/// A time of a CPE.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Time {
    Registered,
    Inform,
    Boot,
    Bootstrap,
    Names,
    Values,
}

/// A part of a document.
#[derive(Debug)]
enum Piece {
    Text(Vec<u8>),
    Id,
    Serial,
    Tags,
    Time(Time),
    /// `,"name":` and the time, when it ever happened.
    Maybe(&'static str, Time),
    Value(u16),
}

/// How the documents of one model look under one projection.
#[derive(Debug)]
pub(crate) struct Program {
    /// For CPEs that were refreshed in full, and for those that were not.
    full: Vec<Piece>,
    shallow: Vec<Piece>,
}

struct Layout<'a> {
    template: &'a Template,
    projection: &'a Projection,
    shallow: bool,
    pieces: Vec<Piece>,
}

impl Program {
    pub(crate) fn new(template: &Template, projection: &Projection, model: &super::models::Model) -> Self {
        let lay = |shallow| {
            let mut layout = Layout { template, projection, shallow, pieces: Vec::new() };
            layout.document(model);
            layout.pieces
        };
        Self { full: lay(false), shallow: lay(true) }
    }

    /// Appends the document of a CPE.
    pub(crate) fn write(&self, out: &mut Vec<u8>, view: View<'_>, projection: &Projection) {
        if !view.is_plain() {
            return json(out, &projection.apply(view.document()));
        }
        let cpe = view.cpe;
        let times = Times::of(cpe);
        for piece in if cpe.shallow { &self.shallow } else { &self.full } {
            match piece {
                Piece::Text(bytes) => out.extend_from_slice(bytes),
                Piece::Id => text(out, &cpe.id()),
                Piece::Serial => text(out, &cpe.serial),
                Piece::Time(time) => out.extend_from_slice(times.get(*time)),
                Piece::Maybe(name, time) => {
                    if Times::ms(cpe, *time) > 0 {
                        out.push(b',');
                        text(out, name);
                        out.push(b':');
                        out.extend_from_slice(times.get(*time));
                    }
                }
                Piece::Tags => {
                    for (n, tag) in cpe.tags.iter().enumerate() {
                        out.extend_from_slice(if n == 0 { b",\"_tags\":[" } else { b"," });
                        text(out, tag);
                    }
                    if !cpe.tags.is_empty() {
                        out.push(b']');
                    }
                }
                Piece::Value(at) => {
                    if let Some(leaf) = view.template.leaves.get(usize::from(*at)) {
                        leaf.source.value(cpe, view.read()).write(out);
                    }
                }
            }
        }
    }
}

/// The times of a CPE as text: they occur a hundred times in its document.
struct Times([Vec<u8>; 6]);

impl Times {
    const ALL: [Time; 6] = [Time::Registered, Time::Inform, Time::Boot, Time::Bootstrap, Time::Names, Time::Values];

    const fn ms(cpe: &Cpe, time: Time) -> i64 {
        match time {
            Time::Registered => cpe.registered,
            Time::Inform => cpe.last_inform,
            Time::Boot => cpe.last_boot,
            Time::Bootstrap => cpe.last_bootstrap,
            Time::Names => cpe.names_at,
            Time::Values => cpe.read_at,
        }
    }

    fn of(cpe: &Cpe) -> Self {
        Self(Self::ALL.map(|time| {
            let mut out = Vec::with_capacity(26);
            stamp::write(&mut out, Self::ms(cpe, time));
            out
        }))
    }

    fn get(&self, time: Time) -> &[u8] {
        self.0.get(time as usize).map_or(&[], Vec::as_slice)
    }
}

impl Layout<'_> {
    fn put(&mut self, bytes: &[u8]) {
        match self.pieces.last_mut() {
            Some(Piece::Text(text)) => text.extend_from_slice(bytes),
            _ => self.pieces.push(Piece::Text(bytes.to_vec())),
        }
    }

    fn key(&mut self, name: &str) {
        let mut out = Vec::with_capacity(name.len() + 3);
        text(&mut out, name);
        out.push(b':');
        self.put(&out);
    }

    fn document(&mut self, model: &super::models::Model) {
        self.put(b"{\"_id\":");
        self.pieces.push(Piece::Id);
        let template = self.template;
        for node in &template.top {
            if self.projection.part(&node.name) != Part::Out {
                self.put(b",");
                self.node(node);
            }
        }
        for (name, time) in
            [("_timestamp", Time::Registered), ("_lastInform", Time::Inform), ("_registered", Time::Registered)]
        {
            if self.projection.part(name) == Part::Whole {
                self.put(b",");
                self.key(name);
                self.pieces.push(Piece::Time(time));
            }
        }
        for (name, time) in [("_lastBootstrap", Time::Bootstrap), ("_lastBoot", Time::Boot)] {
            if self.projection.part(name) == Part::Whole {
                self.pieces.push(Piece::Maybe(name, time));
            }
        }
        self.device_id(model);
        if self.projection.part("_tags") == Part::Whole {
            self.pieces.push(Piece::Tags);
        }
        self.put(b"}");
    }

    fn device_id(&mut self, model: &super::models::Model) {
        if self.projection.part("_deviceId") == Part::Out {
            return;
        }
        self.put(b",");
        self.key("_deviceId");
        let fields = [
            ("_Manufacturer", Some(model.manufacturer)),
            ("_OUI", Some(model.oui)),
            ("_ProductClass", Some(model.product)),
            ("_SerialNumber", None),
        ];
        let mut sign: &[u8] = b"{";
        for (name, fixed) in fields {
            if self.projection.part(&format!("_deviceId.{name}")) != Part::Whole {
                continue;
            }
            self.put(sign);
            sign = b",";
            self.key(name);
            match fixed {
                Some(fixed) => {
                    let mut out = Vec::new();
                    text(&mut out, fixed);
                    self.put(&out);
                }
                None => self.pieces.push(Piece::Serial),
            }
        }
        self.put(if sign == b"{" { b"{}" } else { b"}" });
    }

    /// A node that is at least on the way to something.
    fn node(&mut self, node: &Node) {
        self.key(&node.name);
        match &node.of {
            Of::Leaf(at) => self.leaf(&node.path, *at),
            Of::Object { writable, children } => {
                let mut sign: &[u8] = b"{";
                for child in children {
                    // A leaf that is only on the way holds attributes, and one of them is asked for.
                    if self.projection.part(&child.path) != Part::Out {
                        self.put(sign);
                        sign = b",";
                        self.node(child);
                    }
                }
                let known = if node.path == "VirtualParameters" { 1 } else { 3 };
                for attribute in ["_object", "_writable", "_timestamp"].iter().take(known) {
                    if self.projection.part(&format!("{}.{attribute}", node.path)) != Part::Whole {
                        continue;
                    }
                    self.put(sign);
                    sign = b",";
                    self.key(attribute);
                    match *attribute {
                        "_object" => self.put(b"true"),
                        "_writable" => self.put(if *writable { b"true" } else { b"false" }),
                        _ => self.pieces.push(Piece::Time(Time::Names)),
                    }
                }
                self.put(if sign == b"{" { b"{}" } else { b"}" });
            }
        }
    }

    fn leaf(&mut self, path: &str, at: u16) {
        let template = self.template;
        let Some(leaf) = template.leaves.get(usize::from(at)) else { return self.put(b"{}") };
        let known = if leaf.deep && self.shallow { 2 } else { 5 };
        let mut sign: &[u8] = b"{";
        for attribute in ["_object", "_writable", "_value", "_type", "_timestamp"].iter().take(known) {
            if self.projection.part(&format!("{path}.{attribute}")) != Part::Whole {
                continue;
            }
            self.put(sign);
            sign = b",";
            self.key(attribute);
            match *attribute {
                "_object" => self.put(b"false"),
                "_writable" => self.put(if leaf.writable { b"true" } else { b"false" }),
                "_type" => self.put(format!("\"{}\"", leaf.kind.name()).as_bytes()),
                "_timestamp" => {
                    self.pieces.push(Piece::Time(if leaf.informed { Time::Inform } else { Time::Values }));
                }
                _ => match &leaf.source {
                    Source::Fixed(value) => {
                        let mut out = Vec::new();
                        value.write(&mut out);
                        self.put(&out);
                    }
                    _ => self.pieces.push(Piece::Value(at)),
                },
            }
        }
        self.put(if sign == b"{" { b"{}" } else { b"}" });
    }
}
