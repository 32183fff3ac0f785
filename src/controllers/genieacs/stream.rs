//! Lists of any size in constant memory: the server writes `[`, then one document a line, each but
//! the last followed by a comma, then `]` (facts: genieacs-api §4). Chunks of the connection end
//! anywhere. All of it is pure, so that it can be tested and fuzzed without a connection.

use std::collections::VecDeque;
use std::marker::PhantomData;

use serde::de::DeserializeOwned;

/// The longest line that is read, bytes. A device whose every parameter was refreshed is 500 KB.
pub const MAX_LINE: usize = 32 << 20;

/// Why an answer cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// A line beyond the limit.
    #[error("line {line} is longer than {limit} bytes")]
    TooLong {
        /// Which.
        line: u64,
        /// The limit.
        limit: usize,
    },
    /// It does not begin with `[`.
    #[error("it is no list, but begins with {0:?}")]
    NoList(String),
    /// A line that is no document.
    #[error("line {line} is no document: {why}")]
    Broken {
        /// Which.
        line: u64,
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
    #[error("something follows the end of the list in line {line}")]
    Trailing {
        /// Where.
        line: u64,
    },
}

/// What is done with a line: its number, and its bytes without the end.
pub type Each<'a> = dyn FnMut(u64, &[u8]) -> Result<(), Fault> + 'a;

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
                return Err(Fault::TooLong { line: self.line, limit: self.limit });
            }
            if self.kept.is_empty() {
                each(self.line, head)?;
            } else {
                self.kept.extend_from_slice(head);
                each(self.line, &self.kept)?;
                self.kept.clear();
            }
        }
        if self.kept.len().saturating_add(rest.len()) > self.limit {
            return Err(Fault::TooLong { line: self.line + 1, limit: self.limit });
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
        each(self.line, &last)
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
    lines: Lines,
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
        let list = List { at: At::Before, documents: 0, ready: VecDeque::new(), kind: PhantomData };
        Self { lines: Lines::new(limit), list }
    }

    /// Takes a chunk. Documents that were complete before a fault can still be taken.
    ///
    /// # Errors
    /// See [`Fault`].
    pub fn feed(&mut self, chunk: &[u8]) -> Result<(), Fault> {
        let list = &mut self.list;
        self.lines.feed(chunk, &mut |number, line| list.line(number, line))
    }

    /// The answer is over.
    ///
    /// # Errors
    /// When it was over too early.
    pub fn finish(&mut self) -> Result<(), Fault> {
        let list = &mut self.list;
        self.lines.finish(&mut |number, line| match list.line(number, line) {
            // Half a document at the end is not a broken one.
            Err(Fault::Broken { .. }) => Err(Fault::Truncated { documents: list.documents }),
            other => other,
        })?;
        if self.list.at == At::After { Ok(()) } else { Err(Fault::Truncated { documents: self.list.documents }) }
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
    fn line(&mut self, number: u64, line: &[u8]) -> Result<(), Fault> {
        let mut rest = line.trim_ascii();
        while let Some((first, behind)) = rest.split_first() {
            rest = match (self.at, first) {
                (At::Before, b'[') => self.step(At::First, behind),
                (At::Before, _) => return Err(Fault::NoList(beginning(rest))),
                (At::First | At::Behind | At::Next, b']') => self.step(At::After, behind),
                (At::Behind, b',') => self.step(At::Next, behind),
                (At::First | At::Next, b'{') => self.document(number, rest)?,
                (At::First | At::Next | At::Behind, _) => {
                    let why = format!("{:?} where a document or the end of the list belongs", beginning(rest));
                    return Err(Fault::Broken { line: number, why });
                }
                (At::After, _) => return Err(Fault::Trailing { line: number }),
            };
        }
        Ok(())
    }

    fn step<'a>(&mut self, at: At, rest: &'a [u8]) -> &'a [u8] {
        self.at = at;
        rest.trim_ascii_start()
    }

    fn document<'a>(&mut self, number: u64, text: &'a [u8]) -> Result<&'a [u8], Fault> {
        let mut read = serde_json::Deserializer::from_slice(text).into_iter::<T>();
        match read.next() {
            Some(Ok(document)) => {
                let end = read.byte_offset();
                self.ready.push_back(document);
                self.documents += 1;
                Ok(self.step(At::Behind, text.get(end..).unwrap_or_default()))
            }
            Some(Err(e)) => Err(Fault::Broken { line: number, why: e.to_string() }),
            None => Err(Fault::Broken { line: number, why: "nothing".to_owned() }),
        }
    }
}

/// The first characters of something unexpected, safe to show.
fn beginning(text: &[u8]) -> String {
    let start = text.get(..text.len().min(40)).unwrap_or_default();
    crate::model::text::clean(&String::from_utf8_lossy(start)).into_owned()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Value as Json, json};

    use super::*;

    fn read(text: &[u8], cuts: &[usize]) -> (Vec<Json>, Result<(), Fault>) {
        let mut documents = Documents::<Json>::default();
        let (mut out, mut from) = (Vec::new(), 0);
        let mut ends: Vec<usize> = cuts.iter().map(|c| c % (text.len() + 1)).collect();
        ends.sort_unstable();
        ends.push(text.len());
        let mut result = Ok(());
        for end in ends {
            result = result.and_then(|()| documents.feed(&text[from..end]));
            from = end;
            out.extend(std::iter::from_fn(|| documents.take()));
        }
        let result = result.and_then(|()| documents.finish());
        out.extend(std::iter::from_fn(|| documents.take()));
        (out, result)
    }

    fn written(list: &[Json]) -> String {
        format!("[\n{}\n]", list.iter().map(Json::to_string).collect::<Vec<_>>().join(",\n"))
    }

    fn documents() -> impl Strategy<Value = Vec<Json>> {
        let one = (any::<String>(), any::<String>(), any::<i64>(), any::<bool>())
            .prop_map(|(id, text, n, b)| json!({"_id": id, "t": {"_value": text, "]": [n, "},\n{"]}, "b": b}));
        prop::collection::vec(one, 0..8)
    }

    proptest! {
        #[test]
        fn lists_are_read_wherever_they_are_cut(list in documents(), cuts in prop::collection::vec(0_usize.., 0..20)) {
            let (found, result) = read(written(&list).as_bytes(), &cuts);
            prop_assert_eq!(result, Ok(()));
            prop_assert_eq!(found, list);
        }

        #[test]
        fn a_list_cut_short_is_never_taken_for_a_whole(list in documents(), at in 0_usize.., cuts in prop::collection::vec(0_usize.., 0..5)) {
            let text = written(&list);
            let at = at % text.len();
            let (found, result) = read(&text.as_bytes()[..at], &cuts);
            prop_assert!(matches!(result, Err(Fault::Truncated { .. })), "{result:?}");
            prop_assert!(list.starts_with(&found));
        }

        #[test]
        fn no_bytes_panic(bytes in prop::collection::vec(any::<u8>(), 0..200), cuts in prop::collection::vec(0_usize.., 0..8)) {
            let _ = read(&bytes, &cuts);
        }

        #[test]
        fn lines_are_those_of_the_whole(text in "[ab\n]{0,60}", cuts in prop::collection::vec(0_usize.., 0..8)) {
            let mut lines = Lines::new(100);
            let mut found: Vec<String> = Vec::new();
            let mut each = |_: u64, l: &[u8]| { found.push(String::from_utf8_lossy(l).into_owned()); Ok(()) };
            let mut ends: Vec<usize> = cuts.iter().map(|c| c % (text.len() + 1)).collect();
            ends.sort_unstable();
            ends.push(text.len());
            let mut from = 0;
            for end in ends {
                lines.feed(&text.as_bytes()[from..end], &mut each).unwrap();
                from = end;
            }
            lines.finish(&mut each).unwrap();
            let mut whole: Vec<&str> = text.split('\n').collect();
            if whole.last() == Some(&"") { whole.pop(); }
            prop_assert_eq!(found, whole);
        }
    }

    #[test]
    fn other_layouts_are_lists_as_well() {
        let two = vec![json!({"a": 1}), json!({"b": 2})];
        for text in [
            "[{\"a\":1},{\"b\":2}]",
            "[\n{\"a\":1}\n,{\"b\":2}]\n",
            "[\n{\"a\":1},\n{\"b\":2},\n]",
            "\r\n[\r\n{\"a\":1},\r\n{\"b\":2}\r\n]\r\n\r\n",
        ] {
            assert_eq!(read(text.as_bytes(), &[]), (two.clone(), Ok(())), "{text}");
        }
        for text in ["[]", "[\n\n]", "[\n]\n"] {
            assert_eq!(read(text.as_bytes(), &[]), (vec![], Ok(())), "{text}");
        }
    }

    #[test]
    fn what_is_wrong_is_told() {
        let fault = |text: &str| read(text.as_bytes(), &[]).1.unwrap_err().to_string();
        assert_eq!(fault("404 Not Found\n"), "it is no list, but begins with \"404 Not Found\"");
        assert_eq!(fault("<html>\u{1b}[2J\n"), "it is no list, but begins with \"<html>\"");
        assert!(fault("[\n{\"a\":},\n{}\n]").starts_with("line 2 is no document: expected value"));
        assert_eq!(
            fault("[\n{}\n{}\n]"),
            "line 3 is no document: \"{}\" where a document or the end of the list belongs"
        );
        assert!(fault("[\n1\n]").starts_with("line 2 is no document"));
        assert_eq!(fault("[\n{},\n{\"a\":1},\n"), "it ended after 2 documents, before the end of the list");
        assert_eq!(fault("[\n{},\n{\"a\""), "it ended after 1 documents, before the end of the list");
        assert_eq!(fault(""), "it ended after 0 documents, before the end of the list");
        assert_eq!(fault("[]\n[]\n"), "something follows the end of the list in line 2");
        assert!(fault("[\n{},\n,{}]\n").starts_with("line 3 is no document"));
    }

    #[test]
    fn a_line_beyond_the_limit_is_refused_before_it_is_kept() {
        let mut documents = Documents::<Json>::with_limit(100);
        documents.feed(b"[\n{\"a\":1},\n{\"b\":\"").unwrap();
        assert_eq!(documents.take(), Some(json!({"a": 1})));
        let mut fed = 0;
        let fault = loop {
            if let Err(fault) = documents.feed(&[b'x'; 30]) {
                break fault;
            }
            fed += 1;
        };
        assert_eq!((fault, fed), (Fault::TooLong { line: 3, limit: 100 }, 3));
    }

    #[test]
    fn what_is_kept_does_not_grow_with_the_answer() {
        let line = format!("{},\n", json!({"_id": "x".repeat(300)}));
        let mut documents = Documents::<Json>::default();
        documents.feed(b"[\n").unwrap();
        for _ in 0..20_000 {
            for piece in line.as_bytes().chunks(100) {
                documents.feed(piece).unwrap();
                while documents.take().is_some() {}
            }
        }
        assert_eq!(documents.read(), 20_000);
        assert!(documents.lines.kept.capacity() < 4096 && documents.list.ready.capacity() < 64);
    }
}
