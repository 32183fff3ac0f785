//! `--watch`: the rows, and then every row that changes, until the reader goes away or SIGINT.
//!
//! As NDJSON each line is `{"op": "upsert", …fields}` or `{"op": "remove", KEY: …}` with the
//! table's key (`key`, `id`, `name`, `seq`); the first lines are the rows as they are. As text each
//! line begins with the time and `+` or `-`. The log only ever grows, so it is followed like a file.

use std::collections::HashMap;
use std::hash::{Hash as _, Hasher as _};
use std::io::{self, Write};
use std::ops::ControlFlow;
use std::time::{Duration, Instant};

use tokio::signal::unix::{SignalKind, signal};

use super::super::Start;
use super::super::exit::Failure;
use super::super::fresh::say;
use super::super::live::Live;
use super::ask::{Ask, Output};
use super::print::look;
use super::table::TextTable;
use crate::app::effect::Level;
use crate::app::message::Msg;
use crate::model::field::{FieldSpec, Record};
use crate::model::ids::RowId;
use crate::model::page::Table;
use crate::model::tables;
use crate::store::Reader;
use crate::workers::now;
use crate::workers::rows::{json, object};

/// Least time between two looks.
const PACE: Duration = Duration::from_millis(100);
/// Rows of the log shown at first when no limit is given.
const TAIL: u64 = 10;

/// Prints until the end.
pub(super) fn run(start: &Start, live: &mut Live, ask: &Ask) -> Result<(), Failure> {
    let Live { store, runtime, news, .. } = live;
    let mut reader = store.reader()?;
    let mut watch = Watch::new(ask, Lines::new(start, ask));
    runtime.block_on(async {
        let mut interrupt = signal(SignalKind::interrupt())?;
        let mut terminate = signal(SignalKind::terminate())?;
        let mut snapshots = store.snapshots();
        loop {
            let seen = snapshots.borrow_and_update().generations.of(ask.request.table);
            let began = Instant::now();
            watch.look(&mut reader)?;
            // Changes of this span are looked at in one go. A look that takes long is made less often: it
            // may have a million rows to compare.
            let pace = PACE.max(began.elapsed() * 4);
            let next = async {
                tokio::time::sleep(pace).await;
                while snapshots.borrow_and_update().generations.of(ask.request.table) == seen {
                    tokio::select! {
                        changed = snapshots.changed() => changed.ok()?,
                        msg = news.recv() => tell(&msg?),
                    }
                }
                Some(())
            };
            tokio::select! {
                _ = interrupt.recv() => return Ok(()),
                _ = terminate.recv() => return Ok(()),
                more = next => if more.is_none() { return Ok(()) },
            }
        }
    })
}

/// Says beside the data what an operator at the screen would be told.
fn tell(msg: &Msg) {
    match msg {
        Msg::Toast(toast) if matches!(toast.level, Level::Warn | Level::Error) => say(&toast.text),
        Msg::Rebuilt { source, added, removed } => say(&format!("{source}: list rebuilt +{added} -{removed}")),
        Msg::WorkerDown { name, reason, .. } => say(&format!("{name} died: {reason}")),
        _ => {}
    }
}

/// The name of the field that identifies a row.
const fn key_field(table: Table) -> &'static str {
    match table {
        Table::Alarms => "key",
        Table::Nodes | Table::Cpes | Table::Jobs | Table::Collectors | Table::Vms => "id",
        Table::JobDevices | Table::Faults => "device",
        Table::Sources | Table::Stored | Table::Appliances => "name",
        Table::Log => "seq",
    }
}

/// What has been printed of a row.
struct Shown {
    hash: u64,
    key: serde_json::Value,
    round: u64,
}

struct Watch<'a, W: Write> {
    ask: &'a Ask,
    lines: Lines<W>,
    shown: HashMap<RowId, Shown>,
    round: u64,
    newest: Option<RowId>,
}

impl<'a, W: Write> Watch<'a, W> {
    fn new(ask: &'a Ask, lines: Lines<W>) -> Self {
        Self { ask, lines, shown: HashMap::new(), round: 0, newest: None }
    }

    /// Reads the rows and prints what differs from the last time.
    fn look(&mut self, reader: &mut Reader) -> Result<(), Failure> {
        self.round += 1;
        if self.ask.request.table == Table::Log {
            self.follow(reader)?;
        } else {
            self.compare(reader)?;
        }
        self.lines.flush()?;
        Ok(())
    }

    fn compare(&mut self, reader: &mut Reader) -> Result<(), Failure> {
        let mut request = self.ask.request.clone();
        request.now = now();
        let (mut left, mut failed) = (self.ask.limit, None);
        reader.each_row(&request, &mut |row| {
            if left == 0 {
                return ControlFlow::Break(());
            }
            left -= 1;
            failed = self.upsert(row).err();
            if failed.is_some() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        })?;
        if let Some(error) = failed {
            return Err(error.into());
        }
        let round = self.round;
        let gone: Vec<RowId> = self.shown.iter().filter(|(_, s)| s.round != round).map(|(id, _)| *id).collect();
        for id in gone {
            if let Some(shown) = self.shown.remove(&id) {
                self.lines.remove(key_field(self.ask.request.table), &shown.key)?;
            }
        }
        Ok(())
    }

    fn upsert(&mut self, row: &dyn Record) -> io::Result<()> {
        let Some(id) = row.row_id() else { return Ok(()) };
        let hash = fingerprint(&self.ask.fields, row);
        let round = self.round;
        if let Some(shown) = self.shown.get_mut(&id) {
            shown.round = round;
            if shown.hash == hash {
                return Ok(());
            }
        }
        let key = json(&row.get(key_field(self.ask.request.table)));
        self.shown.insert(id, Shown { hash, key, round });
        self.lines.upsert(row)
    }

    /// The log: rows above the newest seen, printed oldest first.
    fn follow(&mut self, reader: &mut Reader) -> Result<(), Failure> {
        let mut request = self.ask.request.clone();
        request.now = now();
        request.sort = Vec::new();
        let newest = self.newest;
        let mut left = match (self.round, self.ask.limit) {
            (1, u64::MAX) => TAIL,
            (1, limit) => limit,
            _ => u64::MAX,
        };
        let mut fresh = Vec::new();
        reader.each_row(&request, &mut |row| {
            if left == 0 || row.row_id() <= newest {
                return ControlFlow::Break(());
            }
            left -= 1;
            self.newest = self.newest.max(row.row_id());
            fresh.push(Kept::of(row));
            ControlFlow::Continue(())
        })?;
        for row in fresh.iter().rev() {
            self.lines.upsert(row)?;
        }
        Ok(())
    }
}

fn fingerprint(fields: &[&'static FieldSpec], row: &dyn Record) -> u64 {
    let mut hasher = xxhash_rust::xxh3::Xxh3::new();
    for field in fields {
        row.get(field.name).to_plain().hash(&mut hasher);
    }
    hasher.finish()
}

/// A log row kept until those before it are printed.
struct Kept(Vec<(&'static str, crate::model::field::Value<'static>)>);

impl Kept {
    fn of(row: &dyn Record) -> Self {
        use crate::model::field::Value;
        let owned = |value: Value<'_>| match value {
            Value::Text(t) => Value::Text(t.into_owned().into()),
            Value::Int(n) => Value::Int(n),
            Value::Float(x) => Value::Float(x),
            Value::Bool(b) => Value::Bool(b),
            Value::Time(t) => Value::Time(t),
            Value::None => Value::None,
        };
        Self(tables::LOG.fields.iter().map(|f| (f.name, owned(row.get(f.name)))).collect())
    }
}

impl Record for Kept {
    fn get(&self, field: &str) -> crate::model::field::Value<'_> {
        self.0.iter().find(|(name, _)| *name == field).map_or(crate::model::field::Value::None, |(_, v)| v.clone())
    }
}

/// Where changes are written.
enum Lines<W: Write> {
    Text(TextTable<W>),
    Ndjson { out: W, fields: Vec<&'static FieldSpec> },
}

impl Lines<io::Stdout> {
    fn new(start: &Start, ask: &Ask) -> Self {
        match ask.format {
            Output::Text => Self::Text(TextTable::new(io::stdout(), look(&start.vars), ask.fields.clone())),
            _ => Self::Ndjson { out: io::stdout(), fields: ask.fields.clone() },
        }
    }
}

impl<W: Write> Lines<W> {
    fn upsert(&mut self, row: &dyn Record) -> io::Result<()> {
        match self {
            Self::Text(table) => {
                table.begin_with(format!("{} + ", clock()));
                table.row(row)
            }
            Self::Ndjson { out, fields } => {
                let mut line = serde_json::Map::new();
                line.insert("op".into(), "upsert".into());
                line.extend(object(fields, row));
                write_line(out, &line)
            }
        }
    }

    fn remove(&mut self, field: &str, key: &serde_json::Value) -> io::Result<()> {
        match self {
            Self::Text(table) => {
                let key = key.as_str().map_or_else(|| key.to_string(), str::to_owned);
                table.line(&format!("{} - {key}", clock()))
            }
            Self::Ndjson { out, .. } => {
                let mut line = serde_json::Map::new();
                line.insert("op".into(), "remove".into());
                line.insert(field.into(), key.clone());
                write_line(out, &line)
            }
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::Text(table) => table.flush(),
            Self::Ndjson { out, .. } => out.flush(),
        }
    }
}

fn write_line(out: &mut impl Write, line: &serde_json::Map<String, serde_json::Value>) -> io::Result<()> {
    // One write a line: a reader never sees half of one.
    let mut bytes = serde_json::to_vec(line)?;
    bytes.push(b'\n');
    out.write_all(&bytes)
}

/// The time of day, UTC.
fn clock() -> String {
    now().to_utc().map_or_else(String::new, |t| t.format("%H:%M:%S").to_string())
}
