//! A client of HTTP/1.1 that sees what a library hides: the reason phrase, the chunks, the missing
//! answer.

use std::collections::BTreeMap;
use std::io;
use std::time::Duration;

use serde_json::Value as Json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// What came back.
#[derive(Debug, Clone)]
pub struct Answer {
    pub status: u16,
    pub reason: String,
    /// Names in lower case.
    pub headers: BTreeMap<String, String>,
    pub body: Vec<u8>,
    /// Sizes of the chunks.
    pub chunks: Vec<usize>,
}

impl Answer {
    pub fn text(&self) -> String {
        String::from_utf8(self.body.clone()).expect("UTF-8")
    }

    pub fn json(&self) -> Json {
        serde_json::from_slice(&self.body).unwrap_or_else(|e| panic!("{e} in {}", self.text()))
    }

    pub fn total(&self) -> usize {
        self.headers["total"].parse().expect("a number")
    }

    /// Status and reason phrase.
    pub fn line(&self) -> String {
        format!("{} {}", self.status, self.reason)
    }
}

/// One request on a connection of its own.
pub async fn ask(base: &str, method: &str, target: &str, headers: &[(&str, &str)], body: &[u8]) -> io::Result<Answer> {
    let host = base.strip_prefix("http://").expect("an address");
    let mut stream = TcpStream::connect(host).await?;
    let mut head = format!("{method} {target} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n");
    for (name, value) in headers {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    head.push_str(&format!("Content-Length: {}\r\n\r\n", body.len()));
    stream.write_all(head.as_bytes()).await?;
    stream.write_all(body).await?;
    let mut all = Vec::new();
    stream.read_to_end(&mut all).await?;
    parse(&all).ok_or_else(|| io::Error::new(io::ErrorKind::UnexpectedEof, "no answer"))
}

/// As [`ask`], gives up after a time.
pub async fn ask_for(time: Duration, base: &str, method: &str, target: &str, body: &[u8]) -> io::Result<Answer> {
    tokio::time::timeout(time, ask(base, method, target, &[], body)).await.map_err(io::Error::other)?
}

fn parse(all: &[u8]) -> Option<Answer> {
    let end = all.windows(4).position(|w| w == b"\r\n\r\n")?;
    let head = String::from_utf8(all[..end].to_vec()).ok()?;
    let mut lines = head.split("\r\n");
    let mut first = lines.next()?.splitn(3, ' ');
    let status = first.nth(1)?.parse().ok()?;
    let reason = first.next()?.to_owned();
    let pair = |l: &str| l.split_once(": ").map(|(k, v)| (k.to_ascii_lowercase(), v.to_owned()));
    let headers: BTreeMap<String, String> = lines.filter_map(pair).collect();
    let (mut rest, mut body, mut chunks) = (&all[end + 4..], Vec::new(), Vec::new());
    if headers.get("transfer-encoding").is_none_or(|t| t != "chunked") {
        body = rest.to_vec();
    } else {
        // A body that breaks off is no answer.
        while !rest.is_empty() {
            let at = rest.windows(2).position(|w| w == b"\r\n")?;
            let size = usize::from_str_radix(std::str::from_utf8(&rest[..at]).ok()?, 16).ok()?;
            if size == 0 {
                return Some(Answer { status, reason, headers, body, chunks });
            }
            body.extend_from_slice(rest.get(at + 2..at + 2 + size)?);
            chunks.push(size);
            rest = rest.get(at + 4 + size..)?;
        }
        return None;
    }
    Some(Answer { status, reason, headers, body, chunks })
}

/// Percent encoding of all but the unreserved characters.
pub fn encode(text: &str) -> String {
    let one = |b: u8| match b {
        b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => char::from(b).to_string(),
        _ => format!("%{b:02X}"),
    };
    text.bytes().map(one).collect()
}
