//! A small tree of an XML text. Every element knows where it stands in the text, so that an edit can
//! replace a piece of it and leave all others byte for byte as they were.
//!
//! The text comes from a host and may be anything: size, depth and number of elements are bounded,
//! entities are not expanded beyond the five of XML itself and numbers, and nothing is fetched.

use std::ops::Range;

use quick_xml::Reader;
use quick_xml::events::{BytesRef, BytesStart, Event};

use super::{Result, XmlError};

/// Longest text that is read, bytes: twice the longest message of libvirt's.
const MOST_BYTES: usize = 64 << 20;
/// Deepest nesting. A chain of backing files nests one level a file; libvirt itself stops at 200.
const MOST_DEEP: usize = 256;
/// Most elements.
const MOST_NODES: usize = 400_000;

/// An element.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Node {
    /// Name as it is written, prefix included.
    pub name: String,
    /// Attributes, entities resolved.
    pub attrs: Vec<(String, String)>,
    /// Its own text, entities resolved, blanks at both ends taken off.
    pub text: String,
    /// Elements in it.
    pub children: Vec<Node>,
    /// Where its start tag stands in the text.
    pub open: Range<usize>,
    /// Where all of it stands.
    pub whole: Range<usize>,
}

impl Node {
    /// The first element of that name in it.
    pub(crate) fn child(&self, name: &str) -> Option<&Self> {
        self.children.iter().find(|node| node.name == name)
    }

    /// The elements of that name in it.
    pub(crate) fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a Self> {
        self.children.iter().filter(move |node| node.name == name)
    }

    /// The element at the end of a path.
    pub(crate) fn at(&self, path: &[&str]) -> Option<&Self> {
        path.iter().try_fold(self, |node, name| node.child(name))
    }

    /// The text at the end of a path; empty without one.
    pub(crate) fn text_at(&self, path: &[&str]) -> &str {
        self.at(path).map_or("", |node| &node.text)
    }

    /// An attribute; empty without it.
    pub(crate) fn attr(&self, name: &str) -> &str {
        self.attrs.iter().find(|(key, _)| key == name).map_or("", |(_, value)| value)
    }

    /// An attribute of the element at the end of a path; empty without one.
    pub(crate) fn attr_at(&self, path: &[&str], name: &str) -> &str {
        self.at(path).map_or("", |node| node.attr(name))
    }
}

/// Reads a text; `root` is the element that it has to be.
pub(crate) fn read(xml: &str, root: &str) -> Result<Node> {
    if xml.len() > MOST_BYTES {
        return Err(XmlError::TooLarge { what: root.to_owned() });
    }
    let mut reader = Reader::from_str(xml);
    reader.config_mut().check_end_names = true;
    let mut open: Vec<Node> = Vec::new();
    let mut nodes = 0_usize;
    loop {
        let from = position(&reader);
        let event = reader.read_event().map_err(|e| broken(root, from, &e.to_string()))?;
        let to = position(&reader);
        let done = match event {
            Event::Start(tag) => {
                nodes += 1;
                if open.len() >= MOST_DEEP || nodes > MOST_NODES {
                    return Err(XmlError::TooLarge { what: root.to_owned() });
                }
                open.push(node(&tag, from..to));
                None
            }
            Event::Empty(tag) => {
                nodes += 1;
                if nodes > MOST_NODES {
                    return Err(XmlError::TooLarge { what: root.to_owned() });
                }
                close(&mut open, node(&tag, from..to))
            }
            Event::End(_) => match open.pop() {
                Some(mut node) => {
                    node.whole.end = to;
                    close(&mut open, node)
                }
                None => return Err(broken(root, from, "an end without a beginning")),
            },
            Event::Text(text) => {
                push(&mut open, &text.into_inner());
                None
            }
            Event::CData(text) => {
                push(&mut open, &text.into_inner());
                None
            }
            Event::GeneralRef(entity) => {
                push(&mut open, &resolve(&entity));
                None
            }
            Event::Eof => return Err(broken(root, from, "it ends before its last element does")),
            Event::Comment(_) | Event::Decl(_) | Event::PI(_) | Event::DocType(_) => None,
        };
        if let Some(node) = done {
            if node.name != root {
                return Err(XmlError::Other { wanted: root.to_owned(), is: node.name });
            }
            return Ok(node);
        }
    }
}

fn position(reader: &Reader<&[u8]>) -> usize {
    usize::try_from(reader.buffer_position()).unwrap_or(usize::MAX)
}

fn broken(what: &str, at: usize, why: &str) -> XmlError {
    XmlError::Broken { what: what.to_owned(), at, why: why.to_owned() }
}

/// Puts a finished element into the one around it; gives it back when there is none.
fn close(open: &mut [Node], mut node: Node) -> Option<Node> {
    let text = node.text.trim();
    if text.len() != node.text.len() {
        node.text = text.to_owned();
    }
    match open.last_mut() {
        Some(parent) => {
            parent.children.push(node);
            None
        }
        None => Some(node),
    }
}

fn push(open: &mut [Node], text: &str) {
    if let Some(node) = open.last_mut() {
        node.text.push_str(text);
    }
}

fn node(tag: &BytesStart<'_>, open: Range<usize>) -> Node {
    let attrs = tag
        .attributes()
        .with_checks(false)
        .flatten()
        .map(|a| (a.key.as_ref().to_owned(), unescape(&a.value)))
        .collect();
    Node { name: tag.name().as_ref().to_owned(), attrs, whole: open.clone(), open, ..Node::default() }
}

/// The value of an attribute; what is no entity of XML's stays as it is written.
pub(super) fn unescape(raw: &str) -> String {
    quick_xml::escape::unescape(raw).map_or_else(|_| raw.to_owned(), std::borrow::Cow::into_owned)
}

fn resolve(entity: &BytesRef<'_>) -> String {
    if let Ok(Some(c)) = entity.resolve_char_ref() {
        return c.to_string();
    }
    let name = entity.borrow().into_inner();
    match &*name {
        "lt" => "<".to_owned(),
        "gt" => ">".to_owned(),
        "amp" => "&".to_owned(),
        "quot" => "\"".to_owned(),
        "apos" => "'".to_owned(),
        other => format!("&{other};"),
    }
}
