//! Answers: a status, often with a reason of its own, and a body that comes in chunks.

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::{HeaderValue, Response, StatusCode, header};
use hyper::body::{Body, Frame};
use hyper::ext::ReasonPhrase;

use super::VERSION;
use super::list::Rows;

/// What is sent after the header.
#[derive(Debug)]
pub(crate) enum Content {
    /// Nothing at all (HEAD).
    Nothing,
    /// One chunk, or none: chunked all the same, as Node sends what has no length.
    Chunk(Option<Bytes>),
    /// A whole collection, a line a document.
    Rows(Box<Rows>),
}

impl Body for Content {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Frame<Self::Data>, Self::Error>>> {
        let next = match self.get_mut() {
            Self::Nothing => None,
            Self::Chunk(chunk) => chunk.take(),
            Self::Rows(rows) => rows.next_chunk(),
        };
        Poll::Ready(next.map(|bytes| Ok(Frame::data(bytes))))
    }

    fn is_end_stream(&self) -> bool {
        matches!(self, Self::Nothing)
    }
}

/// An answer.
pub(crate) type Answer = Response<Content>;

fn plain(status: StatusCode, content: Content) -> Answer {
    let mut answer = Response::new(content);
    *answer.status_mut() = status;
    answer.headers_mut().insert("GenieACS-Version", HeaderValue::from_static(VERSION));
    answer
}

/// A status without a body.
pub(crate) fn empty(status: StatusCode) -> Answer {
    plain(status, Content::Chunk(None))
}

/// A status with a text.
pub(crate) fn text(status: StatusCode, text: impl Into<String>) -> Answer {
    plain(status, Content::Chunk(Some(Bytes::from(text.into()))))
}

/// JSON.
pub(crate) fn json(status: StatusCode, body: Vec<u8>) -> Answer {
    let mut answer = plain(status, Content::Chunk(Some(Bytes::from(body))));
    answer.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    answer
}

/// A collection.
pub(crate) fn rows(total: usize, rows: Option<Rows>) -> Answer {
    let mut answer = plain(StatusCode::OK, rows.map_or(Content::Nothing, |r| Content::Rows(Box::new(r))));
    let headers = answer.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert("total", HeaderValue::from(total));
    answer
}

/// The answer with another reason phrase: it tells why a task has not run.
pub(crate) fn because(mut answer: Answer, reason: &'static str) -> Answer {
    answer.extensions_mut().insert(ReasonPhrase::from_static(reason.as_bytes()));
    answer
}

/// `405`, with what would be allowed.
pub(crate) fn not_allowed(allow: &'static str) -> Answer {
    let mut answer = text(StatusCode::METHOD_NOT_ALLOWED, "405 Method Not Allowed");
    answer.headers_mut().insert(header::ALLOW, HeaderValue::from_static(allow));
    answer
}

/// `404` of an unknown route.
pub(crate) fn not_found() -> Answer {
    text(StatusCode::NOT_FOUND, "404 Not Found")
}

/// `503` while a session holds the device.
pub(crate) fn in_session() -> Answer {
    text(StatusCode::SERVICE_UNAVAILABLE, "Device is in session")
}

/// `400` for a body or parameter that is no JSON, in the words of Node.
pub(crate) fn bad_json(given: &str, error: &serde_json::Error) -> Answer {
    text(StatusCode::BAD_REQUEST, format!("SyntaxError: {}", json_error(given, error)))
}

fn json_error(given: &str, error: &serde_json::Error) -> String {
    if error.is_eof() {
        return "Unexpected end of JSON input".into();
    }
    // serde counts columns from 1, in a text of one line; Node counts from 0.
    let before: usize = given.split_inclusive('\n').take(error.line().saturating_sub(1)).map(str::len).sum();
    let at = before + error.column().saturating_sub(1);
    let previous = given.get(..at).unwrap_or_default().trim_end().chars().next_back();
    if previous == Some('{') {
        return format!("Expected property name or '}}' in JSON at position {at}");
    }
    match given.get(at..).and_then(|rest| rest.chars().next()) {
        Some(c) => format!("Unexpected token '{c}', \"{given}\" is not valid JSON"),
        None => "Unexpected end of JSON input".into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_of_json_read_as_those_of_node() {
        let said =
            |given: &str| json_error(given, &serde_json::from_str::<serde_json::Value>(given).expect_err("no JSON"));
        assert_eq!(said("{bad"), "Expected property name or '}' in JSON at position 1");
        assert_eq!(said("{\"weight\":"), "Unexpected end of JSON input");
        assert_eq!(said("notjson"), "Unexpected token 'o', \"notjson\" is not valid JSON");
    }
}
