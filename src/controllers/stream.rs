//! Lists of any size in constant memory. Two cutters find the documents in them: [`Lines`] for a
//! server that writes `[`, then one document a line, each but the last followed by a comma, then
//! `]` (facts: genieacs-api §4), and [`Elements`] for one that writes all of it on one line, be it
//! the whole answer or a member of an object. Chunks of the connection end anywhere. All of it is
//! pure, so that it can be tested and fuzzed without a connection.

use std::collections::VecDeque;
use std::marker::PhantomData;

use serde::de::DeserializeOwned;

/// The longest line that is read, bytes. A device whose every parameter was refreshed is 500 KB.
pub const MAX_LINE: usize = 32 << 20;

/// Where in an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Spot {
    /// A line of it, from 1.
    Line(u64),
    /// An element of its list, from 1.
    Element(u64),
}

impl std::fmt::Display for Spot {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Line(n) => write!(f, "line {n}"),
            Self::Element(n) => write!(f, "element {n}"),
        }
    }
}

/// Why an answer cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// A line or an element beyond the limit.
    #[error("{at} is longer than {limit} bytes")]
    TooLong {
        /// Which.
        at: Spot,
        /// The limit.
        limit: usize,
    },
    /// It does not begin with `[`.
    #[error("it is no list, but begins with {0:?}")]
    NoList(String),
    /// A line that is no document.
    #[error("{at} is no document: {why}")]
    Broken {
        /// Which.
        at: Spot,
        /// What is wrong with it.
        why: String,
    },
    /// It ended before its `]`.
    #[error("it ended after {documents} documents, before the end of the list")]
    Truncated {
        /// How many were read.
        documents: u64,
    },
    /// Something follows the `]`.
    #[error("something follows the end of the list in {at}")]
    Trailing {
        /// Where.
        at: Spot,
    },
}

/// What is done with a line, or an element with what stands before it: where it is, and its bytes
/// without the end.
pub type Each<'a> = dyn FnMut(Spot, &[u8]) -> Result<(), Fault> + 'a;

/// Cuts bytes into lines, wherever the chunks end.
#[derive(Debug)]
pub struct Lines {
    /// The beginning of a line whose end has not come yet.
    kept: Vec<u8>,
    limit: usize,
    line: u64,
}

impl Lines {
    /// Lines of at most `limit` bytes.
    #[must_use]
    pub const fn new(limit: usize) -> Self {
        Self { kept: Vec::new(), limit, line: 0 }
    }

    /// Takes a chunk and hands out every line that it completes, with its number, without its end.
    ///
    /// # Errors
    /// When a line is too long, and those of `each`. Nothing of use comes afterwards.
    pub fn feed(&mut self, chunk: &[u8], each: &mut Each<'_>) -> Result<(), Fault> {
        let mut rest = chunk;
        while let Some(at) = memchr::memchr(b'\n', rest) {
            let (head, tail) = rest.split_at(at);
            rest = tail.get(1..).unwrap_or_default();
            self.line += 1;
            if self.kept.len().saturating_add(head.len()) > self.limit {
                return Err(Fault::TooLong { at: Spot::Line(self.line), limit: self.limit });
            }
            if self.kept.is_empty() {
                each(Spot::Line(self.line), head)?;
            } else {
                self.kept.extend_from_slice(head);
                each(Spot::Line(self.line), &self.kept)?;
                self.kept.clear();
            }
        }
        if self.kept.len().saturating_add(rest.len()) > self.limit {
            return Err(Fault::TooLong { at: Spot::Line(self.line + 1), limit: self.limit });
        }
        self.kept.extend_from_slice(rest);
        Ok(())
    }

    /// Hands out what stands behind the last line end.
    ///
    /// # Errors
    /// Those of `each`.
    pub fn finish(&mut self, each: &mut Each<'_>) -> Result<(), Fault> {
        let last = std::mem::take(&mut self.kept);
        if last.is_empty() {
            return Ok(());
        }
        self.line += 1;
        each(Spot::Line(self.line), &last)
    }
}

/// Cuts a list into its elements, each with the bracket or comma before it, wherever the chunks end.
#[derive(Debug)]
pub struct Elements {
    /// The beginning of an element whose end has not come yet.
    kept: Vec<u8>,
    limit: usize,
    element: u64,
    /// Brackets that are open.
    depth: u32,
    in_string: bool,
    escaped: bool,
    whence: Whence,
}

/// Where the list stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Whence {
    /// It is the answer, or its bracket was found at this depth.
    Here(u32),
    /// It is the first list in an object and has not begun; so many bytes stand before it.
    Ahead(usize),
    /// It was in an object, and is over.
    Behind,
}

/// The most that stands before a list inside an object, bytes.
const PREFIX: usize = 64 << 10;

impl Elements {
    /// Elements of at most `limit` bytes of a list that is the whole answer.
    #[must_use]
    pub const fn new(limit: usize) -> Self {
        Self::at(limit, Whence::Here(0))
    }

    const fn at(limit: usize, whence: Whence) -> Self {
        Self { kept: Vec::new(), limit, element: 0, depth: 0, in_string: false, escaped: false, whence }
    }

    /// The same of the first list in an object, such as `{"data":{"alerts":[…]}}`. What else is in the
    /// object is passed over.
    #[must_use]
    pub const fn inside(limit: usize) -> Self {
        Self::at(limit, Whence::Ahead(0))
    }

    /// Takes a chunk and hands out every element that it completes.
    ///
    /// # Errors
    /// When an element is too long, and those of `each`. Nothing of use comes afterwards.
    pub fn feed(&mut self, chunk: &[u8], each: &mut Each<'_>) -> Result<(), Fault> {
        let mut rest = chunk;
        if let Whence::Ahead(before) = self.whence {
            let Some(at) = self.find_list(rest, before)? else { return Ok(()) };
            rest = rest.get(at..).unwrap_or_default();
        }
        while let Whence::Here(base) = self.whence {
            let Some(end) = self.scan(rest, base) else {
                self.fits(rest.len())?;
                self.kept.extend_from_slice(rest);
                return Ok(());
            };
            let (head, tail) = rest.split_at(end.min(rest.len()));
            rest = tail;
            self.fits(head.len())?;
            self.element += 1;
            let at = Spot::Element(self.element);
            if self.kept.is_empty() {
                each(at, head)?;
            } else {
                self.kept.extend_from_slice(head);
                each(at, &self.kept)?;
                self.kept.clear();
            }
            if base > 0 && self.depth <= base {
                self.whence = Whence::Behind;
            }
        }
        // What else is in the object is only passed over.
        while let Some(end) = self.scan(rest, 0) {
            rest = rest.get(end..).unwrap_or_default();
        }
        Ok(())
    }

    fn fits(&self, more: usize) -> Result<(), Fault> {
        if self.kept.len().saturating_add(more) > self.limit {
            return Err(Fault::TooLong { at: Spot::Element(self.element + 1), limit: self.limit });
        }
        Ok(())
    }

    /// Looks for the bracket of the list in the object around it.
    fn find_list(&mut self, bytes: &[u8], before: usize) -> Result<Option<usize>, Fault> {
        let mut at = 0;
        while let Some(byte) = bytes.get(at) {
            if before + at > PREFIX {
                return Err(Fault::NoList(beginning(bytes)));
            }
            match byte {
                _ if self.in_string => self.text(*byte),
                b'"' => self.in_string = true,
                b'[' if self.depth > 0 => {
                    self.whence = Whence::Here(self.depth);
                    return Ok(Some(at));
                }
                b'{' => self.depth += 1,
                b'}' => self.depth = self.depth.saturating_sub(1),
                _ if self.depth == 0 && !byte.is_ascii_whitespace() => {
                    return Err(Fault::NoList(beginning(bytes.get(at..).unwrap_or_default())));
                }
                _ => {}
            }
            at += 1;
        }
        self.whence = Whence::Ahead(before + at);
        Ok(None)
    }

    fn text(&mut self, byte: u8) {
        if self.escaped {
            self.escaped = false;
        } else if byte == b'\\' {
            self.escaped = true;
        } else if byte == b'"' {
            self.in_string = false;
        }
    }

    /// Passes over bytes up to the end of an element of the list at this depth, or of the list itself:
    /// how many. Nothing, all of them being passed over, when there is no such end.
    fn scan(&mut self, bytes: &[u8], base: u32) -> Option<usize> {
        let mut at = 0;
        while let Some(rest) = bytes.get(at..) {
            if self.in_string {
                if self.escaped {
                    if rest.is_empty() {
                        return None;
                    }
                    self.escaped = false;
                    at += 1;
                    continue;
                }
                let found = memchr::memchr2(b'"', b'\\', rest)?;
                self.escaped = rest.get(found) == Some(&b'\\');
                self.in_string = self.escaped;
                at += found + 1;
                continue;
            }
            let found = rest.iter().position(|b| matches!(b, b'"' | b'{' | b'[' | b'}' | b']'))?;
            at += found + 1;
            match rest.get(found) {
                Some(b'"') => self.in_string = true,
                Some(b'{' | b'[') => self.depth = self.depth.saturating_add(1),
                _ => {
                    self.depth = self.depth.saturating_sub(1);
                    if self.depth <= base.saturating_add(1) {
                        return Some(at);
                    }
                }
            }
        }
        None
    }

    /// Hands out what stands behind the last element.
    ///
    /// # Errors
    /// Those of `each`.
    pub fn finish(&mut self, each: &mut Each<'_>) -> Result<(), Fault> {
        let last = std::mem::take(&mut self.kept);
        if last.is_empty() {
            return Ok(());
        }
        self.element += 1;
        each(Spot::Element(self.element), &last)
    }

    /// Whether every bracket was closed.
    const fn is_whole(&self) -> bool {
        self.depth == 0 && !self.in_string
    }
}

/// How documents are found.
#[derive(Debug)]
enum Cut {
    Lines(Lines),
    Elements(Elements),
}

impl Cut {
    fn feed(&mut self, chunk: &[u8], each: &mut Each<'_>) -> Result<(), Fault> {
        match self {
            Self::Lines(lines) => lines.feed(chunk, each),
            Self::Elements(elements) => elements.feed(chunk, each),
        }
    }

    fn finish(&mut self, each: &mut Each<'_>) -> Result<(), Fault> {
        match self {
            Self::Lines(lines) => lines.finish(each),
            Self::Elements(elements) => elements.finish(each),
        }
    }

    const fn is_whole(&self) -> bool {
        match self {
            Self::Lines(_) => true,
            Self::Elements(elements) => elements.is_whole(),
        }
    }
}

/// Where in the list the reader is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum At {
    /// Before `[`.
    Before,
    /// After `[`: a document or `]`.
    First,
    /// After a document: `,` or `]`.
    Behind,
    /// After a comma: a document, or, by leave, the end.
    Next,
    /// After `]`.
    After,
}

/// Reads a list of documents, as they come.
#[derive(Debug)]
pub struct Documents<T> {
    cut: Cut,
    list: List<T>,
}

#[derive(Debug)]
struct List<T> {
    at: At,
    documents: u64,
    ready: VecDeque<T>,
    kind: PhantomData<T>,
}

impl<T: DeserializeOwned> Default for Documents<T> {
    fn default() -> Self {
        Self::with_limit(MAX_LINE)
    }
}

impl<T: DeserializeOwned> Documents<T> {
    /// A reader of lines of at most `limit` bytes.
    #[must_use]
    pub const fn with_limit(limit: usize) -> Self {
        Self::cut_by(Cut::Lines(Lines::new(limit)))
    }

    /// A reader of a list with elements of at most `limit` bytes and no lines to go by.
    #[must_use]
    pub const fn elements(limit: usize) -> Self {
        Self::cut_by(Cut::Elements(Elements::new(limit)))
    }

    /// The same of the first list in an object.
    #[must_use]
    pub const fn inside(limit: usize) -> Self {
        Self::cut_by(Cut::Elements(Elements::inside(limit)))
    }

    const fn cut_by(cut: Cut) -> Self {
        Self { cut, list: List { at: At::Before, documents: 0, ready: VecDeque::new(), kind: PhantomData } }
    }

    /// Takes a chunk. Documents that were complete before a fault can still be taken.
    ///
    /// # Errors
    /// See [`Fault`].
    pub fn feed(&mut self, chunk: &[u8]) -> Result<(), Fault> {
        let list = &mut self.list;
        self.cut.feed(chunk, &mut |at, line| list.line(at, line))
    }

    /// The answer is over.
    ///
    /// # Errors
    /// When it was over too early.
    pub fn finish(&mut self) -> Result<(), Fault> {
        let list = &mut self.list;
        self.cut.finish(&mut |at, line| match list.line(at, line) {
            // Half a document at the end is not a broken one.
            Err(Fault::Broken { .. }) => Err(Fault::Truncated { documents: list.documents }),
            other => other,
        })?;
        if self.list.at == At::After && self.cut.is_whole() {
            Ok(())
        } else {
            Err(Fault::Truncated { documents: self.list.documents })
        }
    }

    /// The next document that is complete.
    pub fn take(&mut self) -> Option<T> {
        self.list.ready.pop_front()
    }

    /// How many documents were read so far.
    #[must_use]
    pub const fn read(&self) -> u64 {
        self.list.documents
    }
}

impl<T: DeserializeOwned> List<T> {
    /// One line: usually one document, but a list on one line is a list as well.
    fn line(&mut self, at: Spot, line: &[u8]) -> Result<(), Fault> {
        let mut rest = line.trim_ascii();
        while let Some((first, behind)) = rest.split_first() {
            rest = match (self.at, first) {
                (At::Before, b'[') => self.step(At::First, behind),
                (At::Before, _) => return Err(Fault::NoList(beginning(rest))),
                (At::First | At::Behind | At::Next, b']') => self.step(At::After, behind),
                (At::Behind, b',') => self.step(At::Next, behind),
                (At::First | At::Next, b'{') => self.document(at, rest)?,
                (At::First | At::Next | At::Behind, _) => {
                    let why = format!("{:?} where a document or the end of the list belongs", beginning(rest));
                    return Err(Fault::Broken { at, why });
                }
                (At::After, _) => return Err(Fault::Trailing { at }),
            };
        }
        Ok(())
    }

    fn step<'a>(&mut self, at: At, rest: &'a [u8]) -> &'a [u8] {
        self.at = at;
        rest.trim_ascii_start()
    }

    fn document<'a>(&mut self, at: Spot, text: &'a [u8]) -> Result<&'a [u8], Fault> {
        let mut read = serde_json::Deserializer::from_slice(text).into_iter::<T>();
        match read.next() {
            Some(Ok(document)) => {
                let end = read.byte_offset();
                self.ready.push_back(document);
                self.documents += 1;
                Ok(self.step(At::Behind, text.get(end..).unwrap_or_default()))
            }
            Some(Err(e)) => Err(Fault::Broken { at, why: e.to_string() }),
            None => Err(Fault::Broken { at, why: "nothing".to_owned() }),
        }
    }
}

/// The first characters of something unexpected, safe to show.
fn beginning(text: &[u8]) -> String {
    let start = text.get(..text.len().min(40)).unwrap_or_default();
    crate::model::text::clean(&String::from_utf8_lossy(start)).into_owned()
}

#[cfg(test)]
#[path = "stream_tests.rs"]
mod tests;
