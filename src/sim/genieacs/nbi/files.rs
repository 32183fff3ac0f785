//! The file server: what CPEs fetch, and what an operator reads back.

use std::sync::Arc;

use bytes::Bytes;
use http::{HeaderValue, Method, Request, Response, StatusCode, header};
use hyper::body::Incoming;

use super::Nbi;
use super::answer::Content;

/// Answers `GET` and `HEAD` of a file, whole or a range of it.
pub(crate) fn answer(nbi: &Arc<Nbi>, request: &Request<Incoming>) -> Response<Content> {
    let name = request.uri().path().trim_start_matches('/');
    let file = nbi.live.world().store.files.get(name).cloned();
    let mut answer = Response::new(Content::Chunk(None));
    if request.method() != Method::GET && request.method() != Method::HEAD {
        *answer.status_mut() = StatusCode::METHOD_NOT_ALLOWED;
        answer.headers_mut().insert(header::ALLOW, HeaderValue::from_static("GET, HEAD"));
        return answer;
    }
    let Some(file) = file else {
        *answer.status_mut() = StatusCode::NOT_FOUND;
        return answer;
    };
    let tag = format!("\"{:x}-{:x}\"", file.uploaded, file.bytes.len());
    let asked = |name: header::HeaderName| request.headers().get(name).and_then(|v| v.to_str().ok());
    if asked(header::IF_NONE_MATCH) == Some(tag.as_str()) {
        *answer.status_mut() = StatusCode::NOT_MODIFIED;
        return answer;
    }
    let mut bytes: Bytes = file.bytes.clone();
    if let Some((from, to)) = asked(header::RANGE).and_then(|r| range(r, bytes.len())) {
        bytes = bytes.slice(from..to);
        *answer.status_mut() = StatusCode::PARTIAL_CONTENT;
        let told = format!("bytes {from}-{}/{}", to - 1, file.bytes.len());
        if let Ok(told) = HeaderValue::from_str(&told) {
            answer.headers_mut().insert(header::CONTENT_RANGE, told);
        }
    }
    let headers = answer.headers_mut();
    headers.insert(header::CONTENT_LENGTH, HeaderValue::from(bytes.len()));
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/octet-stream"));
    if let Ok(tag) = HeaderValue::from_str(&tag) {
        headers.insert(header::ETAG, tag);
    }
    *answer.body_mut() = if request.method() == Method::HEAD { Content::Nothing } else { Content::Chunk(Some(bytes)) };
    answer
}

/// `bytes=a-b`, `bytes=a-`, `bytes=-n` as a half-open range inside the file.
fn range(text: &str, length: usize) -> Option<(usize, usize)> {
    let (from, to) = text.strip_prefix("bytes=")?.split_once('-')?;
    let (from, to) = match (from.parse::<usize>(), to.parse::<usize>()) {
        (Ok(from), Ok(to)) => (from, to.checked_add(1)?.min(length)),
        (Ok(from), Err(_)) => (from, length),
        (Err(_), Ok(last)) => (length.saturating_sub(last), length),
        (Err(_), Err(_)) => return None,
    };
    (from < to).then_some((from, to))
}
