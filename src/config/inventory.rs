//! The inventory file: what controllers do not know of their devices (site, name, subscribers).
//!
//! CSV with a header (columns in any order, `,` or `;` between them), or TOML:
//!
//! ```toml
//! [[item]]
//! serial = "BBSM00000001"
//! name = "Main Street 4"
//! subscribers = 12
//! ```
//!
//! A line that is wrong is told and left out; the good ones count.

use std::collections::HashSet;
use std::fmt;
use std::path::Path;

use serde::Deserialize;

use crate::model::log::InventoryItem;
use crate::model::place::nearest;
use crate::model::text::clean;

/// Columns of the file.
const COLUMNS: [&str; 5] = ["serial", "source", "site", "name", "subscribers"];

/// A line that was left out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LineError {
    /// Line, from 1; 0 when the file as a whole is meant.
    pub line: usize,
    /// What is wrong with it.
    pub message: String,
}

impl fmt::Display for LineError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            0 => f.write_str(&self.message),
            line => write!(f, "line {line}: {}", self.message),
        }
    }
}

/// What a file says.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Loaded {
    /// The good lines.
    pub items: Vec<InventoryItem>,
    /// The others.
    pub errors: Vec<LineError>,
}

/// Reads a file; `.toml` is TOML, everything else CSV. A file that cannot be read at all is one
/// error with line 0 and no items: keep what an earlier read said.
#[must_use]
pub fn load(path: &Path) -> Loaded {
    match std::fs::read(path) {
        Ok(bytes) => {
            let text = String::from_utf8_lossy(&bytes);
            let toml = path.extension().is_some_and(|e| e.eq_ignore_ascii_case("toml"));
            if toml { parse_toml(&text) } else { parse_csv(&text) }
        }
        Err(e) => failed(0, format!("{}: {e}", path.display())),
    }
}

fn failed(line: usize, message: String) -> Loaded {
    Loaded { items: Vec::new(), errors: vec![LineError { line, message }] }
}

/// Collects lines and refuses the second one for the same device.
#[derive(Default)]
struct Collector {
    loaded: Loaded,
    seen: HashSet<(String, String)>,
}

impl Collector {
    fn add(&mut self, line: usize, item: Result<InventoryItem, String>) {
        let item = item.and_then(|item| {
            if item.serial.is_empty() {
                return Err("the serial number is missing".to_owned());
            }
            if !self.seen.insert((item.source.clone(), item.serial.clone())) {
                return Err(format!("{} is in an earlier line already", item.serial));
            }
            Ok(item)
        });
        match item {
            Ok(item) => self.loaded.items.push(item),
            Err(message) => self.loaded.errors.push(LineError { line, message }),
        }
    }
}

/// Reads CSV text.
#[must_use]
pub fn parse_csv(text: &str) -> Loaded {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let header = text.lines().next().unwrap_or_default();
    let delimiter = if header.matches(';').count() > header.matches(',').count() { b';' } else { b',' };
    let mut reader = csv::ReaderBuilder::new()
        .delimiter(delimiter)
        .flexible(true)
        .trim(csv::Trim::All)
        .comment(Some(b'#'))
        .from_reader(text.as_bytes());
    let mut columns = [None; COLUMNS.len()];
    let mut out = Collector::default();
    match reader.headers() {
        Ok(header) => {
            for (i, name) in header.iter().enumerate() {
                match COLUMNS.iter().position(|c| c.eq_ignore_ascii_case(name)) {
                    Some(c) => columns[c] = Some(i),
                    None => out.loaded.errors.push(LineError { line: 1, message: unknown_column(name) }),
                }
            }
        }
        Err(e) => return failed(1, csv_error(&e)),
    }
    if columns[0].is_none() {
        let message = format!("there is no column serial; the first line names the columns: {}", COLUMNS.join(","));
        return failed(1, message);
    }
    // The reader's position is before the blank lines and comments it skips; the record is behind.
    let lines: Vec<&str> = text.lines().map(str::trim).collect();
    let line_of = |position: Option<&csv::Position>| {
        let from = position.map_or(0, |p| p.line() as usize).max(1);
        let skipped = lines.iter().skip(from - 1).take_while(|l| l.is_empty() || l.starts_with('#')).count();
        from + skipped
    };
    for record in reader.records() {
        match record {
            Ok(record) => {
                let line = line_of(record.position());
                let cell = |c: usize| columns[c].and_then(|i| record.get(i)).unwrap_or_default();
                out.add(line, item(cell));
            }
            Err(e) => {
                let line = line_of(e.position());
                out.loaded.errors.push(LineError { line, message: csv_error(&e) });
            }
        }
    }
    out.loaded
}

fn csv_error(e: &csv::Error) -> String {
    match e.kind() {
        csv::ErrorKind::Utf8 { .. } => "it is not UTF-8 text".to_owned(),
        _ => e.to_string(),
    }
}

fn unknown_column(name: &str) -> String {
    let near = nearest(name, COLUMNS.iter().copied());
    let advice = near.map_or_else(|| format!("there are {}", COLUMNS.join(", ")), |n| format!("did you mean {n}?"));
    format!("no column {}; {advice}", clean(name))
}

fn item<'a>(cell: impl Fn(usize) -> &'a str) -> Result<InventoryItem, String> {
    let subscribers = match cell(4) {
        "" => 0,
        n => n.parse().map_err(|_| format!("subscribers is a whole number, not {:?}", clean(n)))?,
    };
    let text = |c| clean(cell(c)).into_owned();
    Ok(InventoryItem { serial: text(0), source: text(1), site: text(2), name: text(3), subscribers })
}

/// One `[[item]]`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    serial: String,
    #[serde(default)]
    source: String,
    #[serde(default)]
    site: String,
    #[serde(default)]
    name: String,
    #[serde(default)]
    subscribers: u32,
}

/// Reads TOML text.
#[must_use]
pub fn parse_toml(text: &str) -> Loaded {
    // An inventory has many lines: their starts are looked up, not counted again for each.
    let breaks: Vec<usize> = text.bytes().enumerate().filter(|(_, b)| *b == b'\n').map(|(i, _)| i).collect();
    let line_of = |at: usize| breaks.partition_point(|b| *b < at) + 1;
    let root = match toml::de::DeTable::parse(text) {
        Ok(root) => root,
        Err(e) => return failed(e.span().map_or(0, |s| line_of(s.start)), e.message().to_owned()),
    };
    let mut out = Collector::default();
    for (key, value) in root.into_inner() {
        if key.get_ref() != "item" {
            let message = format!("no key {}; lines are [[item]] tables", clean(key.get_ref()));
            out.loaded.errors.push(LineError { line: line_of(key.span().start), message });
            continue;
        }
        let at = value.span().start;
        let toml::de::DeValue::Array(items) = value.into_inner() else {
            out.loaded.errors.push(LineError { line: line_of(at), message: "item is a list: [[item]]".to_owned() });
            continue;
        };
        for entry in items {
            let line = line_of(entry.span().start);
            let read = Entry::deserialize(toml::de::ValueDeserializer::from(entry));
            let read = read.map_err(|e| e.message().to_owned()).map(|e| InventoryItem {
                serial: clean(&e.serial).into_owned(),
                source: clean(&e.source).into_owned(),
                site: clean(&e.site).into_owned(),
                name: clean(&e.name).into_owned(),
                subscribers: e.subscribers,
            });
            out.add(line, read);
        }
    }
    out.loaded
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn told(loaded: &Loaded) -> Vec<String> {
        loaded.errors.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn csv_in_any_order_and_with_mistakes() {
        let text = "\u{feff}Name;SERIAL;subscribers;sites\n# a comment\nMain \"St;A1;12;x\n\nB;;1\n;A2\nC;A3;many\nD;A1;1\n\
            E\u{1b}[2J;A4;2\n";
        let loaded = parse_csv(text);
        let items: Vec<_> = loaded.items.iter().map(|i| (i.serial.as_str(), i.name.as_str(), i.subscribers)).collect();
        assert_eq!(items, [("A1", "Main \"St", 12), ("A2", "", 0), ("A4", "E", 2)]);
        assert_eq!(
            told(&loaded),
            [
                "line 1: no column sites; did you mean site?",
                "line 5: the serial number is missing",
                "line 7: subscribers is a whole number, not \"many\"",
                "line 8: A1 is in an earlier line already",
            ]
        );
        assert_eq!(told(&parse_csv("site,name\nx,y\n")).len(), 1);
        assert!(told(&parse_csv(""))[0].contains("no column serial"));
    }

    #[test]
    fn toml_with_mistakes() {
        let text = "[[item]]\nserial = \"A1\"\nsite = \"North\"\n\n[[item]]\nserial = 7\n\n[[item]]\nserial = \"A2\"\n\
            nmae = \"x\"\n\n[[item]]\nserial = \"A1\"\n\n[[item]]\nserial = \"A1\"\nsource = \"v2\"\nsubscribers = 3\n";
        let loaded = parse_toml(text);
        assert_eq!(loaded.items.len(), 2, "the same serial in two sources is two devices");
        assert_eq!(loaded.errors.iter().map(|e| e.line).collect::<Vec<_>>(), [5, 8, 12]);
        assert!(told(&loaded)[1].contains("nmae"), "{:?}", told(&loaded));
        assert_eq!(parse_toml("x = [\n").errors.len(), 1);
        assert_eq!(told(&parse_toml("items = 1\n")), ["line 1: no key items; lines are [[item]] tables"]);
    }

    #[test]
    fn files_by_extension() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("inv.TOML");
        std::fs::write(&path, "[[item]]\nserial = \"A\"\n").unwrap();
        assert_eq!(load(&path).items.len(), 1);
        let missing = load(&folder.path().join("no.csv"));
        assert_eq!((missing.items.len(), missing.errors[0].line), (0, 0));
    }

    proptest! {
        #[test]
        fn no_file_panics(text in "([a-z;,\"\n#\\[\\]= ]|serial){0,60}") {
            for loaded in [parse_csv(&text), parse_toml(&text)] {
                prop_assert!(loaded.items.iter().all(|i| !i.serial.is_empty()));
            }
        }
    }
}
