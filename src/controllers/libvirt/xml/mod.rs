//! The XML that libvirt speaks: what a host and its machines are, read into plain types; what noctule
//! asks for, written; and edits of a definition that leave everything they do not mean as it is.
//!
//! Reading is lenient (an element that is missing is an empty field, one that is unknown is passed
//! over): a definition of a newer libvirt must still be listed. Writing is strict: a value that XML
//! cannot hold is refused, never dropped.

mod backup;
mod domain;
mod edit;
mod host;
mod snapshot;
#[cfg(test)]
mod tests;
pub(crate) mod tree;

use std::fmt::Write as _;

use thiserror::Error;

pub use backup::{BackupDisk, BackupMode, backup, checkpoint};
pub use domain::{definition, mirrors};
pub use edit::{Change, edit};
pub use host::{capabilities, machine_types};
pub use snapshot::{NewSnapshot, SnapshotPart, read_checkpoint, read_snapshot, snapshot};

/// What is wrong with an XML text.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum XmlError {
    /// It is no well-formed XML.
    #[error("the <{what}> that the host sent cannot be read at byte {at}: {why}; compare with `virsh dumpxml`")]
    Broken {
        /// Root that was expected.
        what: String,
        /// Where.
        at: usize,
        /// Why.
        why: String,
    },
    /// It is about something else.
    #[error("a <{wanted}> was expected and a <{is}> came; is this the right kind of file?")]
    Other {
        /// Root that was expected.
        wanted: String,
        /// Root that it has.
        is: String,
    },
    /// It is too large to be true.
    #[error("the <{what}> is larger or more deeply nested than any that libvirt writes; it is not read")]
    TooLarge {
        /// Root that was expected.
        what: String,
    },
    /// A value cannot be written.
    #[error("{what} holds a control character, which XML cannot carry; choose another")]
    Value {
        /// What it is the value of.
        what: String,
    },
    /// What was to be changed is not there.
    #[error("the definition has no {what} to change; nothing was changed")]
    Missing {
        /// What.
        what: String,
    },
}

/// What reading or writing gives.
pub type Result<T> = std::result::Result<T, XmlError>;

/// A value for an attribute or for text on one line: escaped; refused with control characters.
fn value(what: &str, text: &str) -> Result<String> {
    if text.chars().any(|c| c.is_control() || matches!(c, '\u{fffe}' | '\u{ffff}')) {
        return Err(XmlError::Value { what: what.to_owned() });
    }
    Ok(quick_xml::escape::escape(text).into_owned())
}

/// Text that may have several lines.
fn prose(what: &str, text: &str) -> Result<String> {
    let lines: Result<Vec<String>> = text.lines().map(|line| value(what, &line.replace('\t', " "))).collect();
    Ok(lines?.join("\n"))
}

/// One line of an XML text under construction.
fn line(out: &mut String, depth: usize, text: std::fmt::Arguments<'_>) {
    // Writing to a string cannot fail.
    let _ = writeln!(out, "{:width$}{text}", "", width = depth * 2);
}
