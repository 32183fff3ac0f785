//! Edits of a definition. Pieces of the text are replaced; all others stay byte for byte what they
//! were, elements that noctule does not know included.

use std::fmt::Write as _;
use std::ops::Range;

use quick_xml::events::BytesStart;

use super::tree::{self, Node};
use super::{Result, XmlError, value};
use crate::model::order;

/// A change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// Another name.
    Name(String),
    /// Another UUID.
    Uuid(String),
    /// A disk, by its target, in another file. Its chain of backing files is taken out of the
    /// definition (the host reads it from the image again), its format set when one is given.
    DiskFile {
        /// Target (`vda`).
        target: String,
        /// The file.
        file: String,
        /// Format, when it is another one.
        format: Option<String>,
    },
    /// Without hardware addresses: the host gives new ones. Two machines with one address in a
    /// network cut each other off.
    NoAddresses,
}

/// Applies changes to a `<domain>`.
pub fn edit(xml: &str, changes: &[Change]) -> Result<String> {
    let root = tree::read(xml, "domain")?;
    let mut cuts: Vec<(Range<usize>, String)> = Vec::new();
    for change in changes {
        match change {
            Change::Name(name) => {
                let node = need(&root, &["name"])?;
                cuts.push((node.whole.clone(), format!("<name>{}</name>", value("the name of the machine", name)?)));
            }
            Change::Uuid(uuid) => {
                let uuid = format!("<uuid>{}</uuid>", value("the UUID", uuid)?);
                if let Some(node) = root.child("uuid") {
                    cuts.push((node.whole.clone(), uuid));
                } else {
                    let name = need(&root, &["name"])?;
                    cuts.push((name.whole.end..name.whole.end, uuid));
                }
            }
            Change::DiskFile { target, file, format } => disk(xml, &root, target, file, format.as_deref(), &mut cuts)?,
            Change::NoAddresses => {
                for node in root.child("devices").into_iter().flat_map(|devices| devices.all("interface")) {
                    cuts.extend(node.child("mac").map(|mac| (with_blanks(xml, mac), String::new())));
                }
            }
        }
    }
    Ok(splice(xml, cuts))
}

fn need<'a>(root: &'a Node, path: &[&str]) -> Result<&'a Node> {
    root.at(path).ok_or_else(|| XmlError::Missing { what: format!("<{}>", path.join("><")) })
}

fn disk(
    xml: &str,
    root: &Node,
    target: &str,
    file: &str,
    format: Option<&str>,
    cuts: &mut Vec<(Range<usize>, String)>,
) -> Result<()> {
    let found = root
        .child("devices")
        .into_iter()
        .flat_map(|devices| devices.all("disk"))
        .find(|node| node.attr_at(&["target"], "dev") == target)
        .ok_or_else(|| XmlError::Missing { what: format!("disk {target}") })?;
    let file = value("the file of a disk", file)?;
    if found.attr("type") == "file" {
        match found.child("source") {
            Some(source) => cuts.push((source.open.clone(), retag(xml, source, &[("file", &file)]))),
            None => cuts.push((found.open.end..found.open.end, format!("<source file='{file}'/>"))),
        }
    } else {
        // Another kind of source has other attributes and elements: it is replaced whole.
        cuts.push((found.open.clone(), retag(xml, found, &[("type", "file")])));
        let source = format!("<source file='{file}'/>");
        match found.child("source") {
            Some(old) => cuts.push((old.whole.clone(), source)),
            None => cuts.push((found.open.end..found.open.end, source)),
        }
    }
    if let Some(format) = format {
        let format = value("the format of a disk", format)?;
        match found.child("driver") {
            Some(driver) => cuts.push((driver.open.clone(), retag(xml, driver, &[("type", &format)]))),
            None => {
                cuts.push((found.open.end..found.open.end, format!("<driver name='qemu' type='{format}'/>")));
            }
        }
    }
    cuts.extend(found.child("backingStore").map(|node| (with_blanks(xml, node), String::new())));
    Ok(())
}

/// The start tag of an element with some attributes set; values are escaped already. All others stay
/// as they are written.
fn retag(xml: &str, node: &Node, set: &[(&str, &str)]) -> String {
    let old = xml.get(node.open.clone()).unwrap_or_default();
    let closed = old.ends_with("/>");
    let content = old.trim_start_matches('<').trim_end_matches('>').trim_end_matches('/');
    let mut out = format!("<{}", node.name);
    for attr in BytesStart::from_content(content, node.name.len()).attributes().with_checks(false).flatten() {
        let key: &str = attr.key.as_ref();
        if set.iter().all(|(name, _)| *name != key) {
            let quote = if attr.value.contains('\'') { '"' } else { '\'' };
            let _ = write!(out, " {key}={quote}{}{quote}", attr.value);
        }
    }
    for (key, value) in set {
        let _ = write!(out, " {key}='{value}'");
    }
    out.push_str(if closed { "/>" } else { ">" });
    out
}

/// An element with the blanks before it, so that no empty line stays behind.
fn with_blanks(xml: &str, node: &Node) -> Range<usize> {
    let before = xml.get(..node.whole.start).unwrap_or_default();
    before.trim_end_matches([' ', '\t', '\n', '\r']).len()..node.whole.end
}

/// Replaces pieces of a text. They do not overlap except where one lies in another: then the outer
/// one is what counts.
fn splice(xml: &str, mut cuts: Vec<(Range<usize>, String)>) -> String {
    // What is only put in goes before what is replaced at the same place.
    order::by_key(&mut cuts, |(range, _)| (range.start, !range.is_empty(), std::cmp::Reverse(range.end)));
    let mut out = String::with_capacity(xml.len() + 256);
    let mut at = 0;
    for (range, new) in cuts {
        if range.start < at {
            continue;
        }
        out.push_str(xml.get(at..range.start).unwrap_or_default());
        out.push_str(&new);
        at = range.end;
    }
    out.push_str(xml.get(at..).unwrap_or_default());
    out
}
