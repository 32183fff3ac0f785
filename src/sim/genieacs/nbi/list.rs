//! `GET` and `HEAD` of collections: count, then stream.

use std::collections::HashMap;
use std::sync::Arc;

use bytes::Bytes;
use serde_json::Value as Json;

use super::Nbi;
use super::answer::{self, Answer, bad_json};
use super::route::Parameters;
use crate::sim::genieacs::data::project::Projection;
use crate::sim::genieacs::data::{Value, json};
use crate::sim::genieacs::fleet::render::Program;
use crate::sim::genieacs::query::{Crash, Flavour, Query, Sort, Test, parse};
use crate::sim::genieacs::world::{Fault, World};

/// A chunk is sent when it has grown to this.
const CHUNK: usize = 64 << 10;

/// What can be listed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Collection {
    Devices,
    Tasks,
    Faults,
    Operations,
    Files,
    Presets,
    Provisions,
    Virtuals,
    Objects,
    Config,
    Users,
    Permissions,
    Cache,
    Locks,
}

impl Collection {
    pub(crate) fn parse(name: &str) -> Option<Self> {
        Some(match name {
            "devices" => Self::Devices,
            "tasks" => Self::Tasks,
            "faults" => Self::Faults,
            "operations" => Self::Operations,
            "files" => Self::Files,
            "presets" => Self::Presets,
            "provisions" => Self::Provisions,
            "virtual_parameters" | "virtualParameters" => Self::Virtuals,
            "objects" => Self::Objects,
            "config" => Self::Config,
            "users" => Self::Users,
            "permissions" => Self::Permissions,
            "cache" => Self::Cache,
            "locks" => Self::Locks,
            _ => return None,
        })
    }

    const fn flavour(self) -> Flavour {
        match self {
            Self::Devices => Flavour::Devices,
            Self::Tasks => Flavour::Tasks,
            Self::Faults => Flavour::Faults,
            _ => Flavour::Plain,
        }
    }

    /// Its documents; those of devices are rendered elsewhere.
    fn documents(self, world: &World) -> Vec<Value> {
        let id = |at: u32| world.fleet.get(at).map(crate::sim::genieacs::fleet::Cpe::id).unwrap_or_default();
        let shelf = match self {
            Self::Devices => return Vec::new(),
            Self::Tasks => return world.tasks.each().map(|t| t.doc.clone()).collect(),
            Self::Faults => {
                return world.faults.iter().map(|((at, channel), f)| fault(&id(*at), channel, f)).collect();
            }
            Self::Operations => {
                return world.operations.iter().map(|((at, key), o)| o.doc(&id(*at), key)).collect();
            }
            Self::Files => return world.store.files.iter().map(|(name, f)| f.doc(name)).collect(),
            Self::Locks => {
                let held = world.fleet.each().filter(|(_, v)| v.cpe.in_session());
                let lock = |id: String| {
                    Value::doc([
                        ("_id", Value::Text(format!("cwmp_session_{id}"))),
                        ("value", Value::text("session")),
                        ("expire", Value::Date(world.wall() + 60_000)),
                    ])
                };
                return held.map(|(_, v)| lock(v.cpe.id())).collect();
            }
            Self::Presets => &world.store.presets,
            Self::Provisions => &world.store.provisions,
            Self::Virtuals => &world.store.virtuals,
            Self::Objects => &world.store.objects,
            Self::Config => &world.store.config,
            Self::Users => &world.store.users,
            Self::Permissions => &world.store.permissions,
            Self::Cache => &world.store.cache,
        };
        shelf.values().cloned().collect()
    }
}

fn fault(device: &str, channel: &str, fault: &Fault) -> Value {
    let mut fields = vec![
        ("_id".to_owned(), Value::Text(format!("{device}:{channel}"))),
        ("device".to_owned(), Value::text(device)),
        ("channel".to_owned(), Value::text(channel)),
        ("timestamp".to_owned(), Value::Date(fault.timestamp)),
        ("code".to_owned(), Value::text(&*fault.code)),
        ("message".to_owned(), Value::text(&*fault.message)),
        ("detail".to_owned(), fault.detail.clone()),
        ("retries".to_owned(), Value::Number(f64::from(fault.retries))),
    ];
    if let Some(expiry) = fault.expiry {
        fields.push(("expiry".to_owned(), Value::Date(expiry)));
    }
    fields.push(("provisions".to_owned(), Value::text(&*fault.provisions)));
    Value::Doc(fields)
}

/// What is sent of a collection.
#[derive(Debug)]
enum Source {
    /// Rendered while they are sent.
    Devices {
        nbi: Arc<Nbi>,
        places: Vec<u32>,
        programs: HashMap<u8, Program>,
    },
    Documents(Vec<Value>),
}

/// A collection on its way out.
#[derive(Debug)]
pub(crate) struct Rows {
    source: Source,
    projection: Projection,
    next: usize,
    begun: bool,
    ended: bool,
}

impl Rows {
    fn new(source: Source, projection: Projection) -> Self {
        Self { source, projection, next: 0, begun: false, ended: false }
    }

    /// The next part: `[`, a document a line, `]`.
    pub(crate) fn next_chunk(&mut self) -> Option<Bytes> {
        if self.ended {
            return None;
        }
        let mut out = Vec::with_capacity(CHUNK + (16 << 10));
        if !std::mem::replace(&mut self.begun, true) {
            out.extend_from_slice(b"[\n");
        }
        self.ended = match &mut self.source {
            Source::Devices { nbi, places, programs } => {
                let world = nbi.live.world();
                fill(&mut out, &mut self.next, places.len(), |out, n| {
                    let Some(view) = places.get(n).and_then(|at| world.fleet.view(*at)) else { return false };
                    let program = programs
                        .entry(view.cpe.model)
                        .or_insert_with(|| Program::new(view.template, &self.projection, view.cpe.model()));
                    program.write(out, view, &self.projection);
                    true
                })
            }
            Source::Documents(docs) => fill(&mut out, &mut self.next, docs.len(), |out, n| {
                if let Some(doc) = docs.get_mut(n) {
                    json(out, &self.projection.apply(std::mem::replace(doc, Value::Null)));
                }
                true
            }),
        };
        if self.ended {
            out.extend_from_slice(b"\n]");
        }
        Some(Bytes::from(out))
    }
}

/// Writes lines until the chunk is full; true when all are written. What has gone meanwhile is left
/// out with its line.
fn fill(out: &mut Vec<u8>, next: &mut usize, all: usize, mut write: impl FnMut(&mut Vec<u8>, usize) -> bool) -> bool {
    while *next < all {
        if out.len() >= CHUNK {
            return false;
        }
        let from = out.len();
        if *next > 0 {
            out.extend_from_slice(b",\n");
        }
        if !write(out, *next) {
            out.truncate(from);
        }
        *next += 1;
    }
    true
}

fn given<T>(
    parameters: &Parameters,
    name: &str,
    read: impl FnOnce(&Json) -> Result<T, Crash>,
) -> Result<Result<Option<T>, Answer>, Crash> {
    match parameters.get(name).filter(|t| !t.is_empty()) {
        None => Ok(Ok(None)),
        Some(text) => match serde_json::from_str::<Json>(text) {
            Ok(json) => Ok(Ok(Some(read(&json)?))),
            Err(e) => Ok(Err(bad_json(text, &e))),
        },
    }
}

fn whole(parameters: &Parameters, name: &str) -> Option<usize> {
    let text = parameters.get(name)?.trim();
    let digits = text.find(|c: char| !c.is_ascii_digit()).map_or(Some(text), |end| text.get(..end))?;
    digits.parse().ok()
}

/// Answers a listing.
pub(crate) fn answer(
    nbi: &Arc<Nbi>,
    collection: Collection,
    parameters: &Parameters,
    head: bool,
) -> Result<Answer, Crash> {
    let flavour = collection.flavour();
    let query = match given(parameters, "query", |json| parse(json, flavour))? {
        Ok(query) => query.unwrap_or_else(Query::all),
        Err(refusal) => return Ok(refusal),
    };
    let sort = match given(parameters, "sort", |json| Sort::parse(json, flavour))? {
        Ok(sort) => sort.unwrap_or_default(),
        Err(refusal) => return Ok(refusal),
    };
    let skip = whole(parameters, "skip").unwrap_or(0);
    let limit = whole(parameters, "limit").filter(|n| *n > 0).unwrap_or(usize::MAX);
    let projection = Projection::parse(parameters.get("projection").unwrap_or_default());
    let world = nbi.live.world();
    let (total, source) = if collection == Collection::Devices {
        let mut places = matching(&world, &query);
        let total = places.len();
        if head {
            return Ok(answer::rows(total, None));
        }
        order(&mut places, &sort, |at| world.fleet.view(*at).map(|v| sort.key(&v)).unwrap_or_default());
        let places = places.into_iter().skip(skip).take(limit).collect();
        (total, Source::Devices { nbi: Arc::clone(nbi), places, programs: HashMap::new() })
    } else {
        let mut docs = collection.documents(&world);
        docs.retain(|doc| query.matches(doc));
        let total = docs.len();
        if head {
            return Ok(answer::rows(total, None));
        }
        order(&mut docs, &sort, |doc| sort.key(doc));
        (total, Source::Documents(docs.into_iter().skip(skip).take(limit).collect()))
    };
    Ok(answer::rows(total, Some(Rows::new(source, projection))))
}

fn order<T>(items: &mut Vec<T>, sort: &Sort, key: impl Fn(&T) -> Vec<Value>) {
    if sort.is_natural() {
        return;
    }
    let mut keyed: Vec<(Vec<Value>, T)> = items.drain(..).map(|item| (key(&item), item)).collect();
    keyed.sort_by(|(a, _), (b, _)| sort.compare(a, b));
    items.extend(keyed.into_iter().map(|(_, item)| item));
}

fn matching(world: &World, query: &Query) -> Vec<u32> {
    if let Some(ids) = ids(query) {
        let mut places: Vec<u32> = ids.iter().filter_map(|id| world.fleet.find(id)).collect();
        places.sort_unstable();
        places.dedup();
        places.retain(|at| world.fleet.view(*at).is_some_and(|v| query.matches(&v)));
        return places;
    }
    world.fleet.each().filter(|(_, view)| query.matches(view)).map(|(at, _)| at).collect()
}

/// The ids that a query names, when it asks for nothing but some of them: `_id` has an index.
fn ids(query: &Query) -> Option<Vec<&str>> {
    fn named<'a>(test: &'a Test, out: &mut Vec<&'a str>) -> bool {
        match test {
            Test::Equal(Value::Text(id)) => out.push(id),
            Test::Equal(_) => {}
            Test::Any(tests) => return tests.iter().all(|t| named(t, out)),
            _ => return false,
        }
        true
    }
    let Query::All(parts) = query else { return None };
    parts.iter().find_map(|part| match part {
        Query::Field(path, test) if path == "_id" => {
            let mut out = Vec::new();
            named(test, &mut out).then_some(out)
        }
        _ => None,
    })
}
