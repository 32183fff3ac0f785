//! A server of bare TCP that answers as a test tells it, down to the reason phrase, the borders of
//! chunks, and the moment at which it hangs up.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use noctule::config::schema::Genieacs;
use noctule::controllers::genieacs::client::{Client, Patience};
use rustls::ServerConfig;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

/// A request as it arrived.
#[derive(Debug, Clone)]
pub struct Asked {
    pub method: String,
    pub target: String,
    pub head: String,
    pub body: Vec<u8>,
    /// The connection it came by.
    pub connection: usize,
}

impl Asked {
    pub fn line(&self) -> String {
        format!("{} {}", self.method, self.target)
    }

    pub fn has_header(&self, line: &str) -> bool {
        self.head.lines().any(|l| l.eq_ignore_ascii_case(line))
    }

    pub fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).expect("JSON")
    }
}

/// What the server does.
pub enum Does {
    /// Answers.
    Says(Vec<u8>),
    /// Sends these pieces one by one, then hangs up.
    Breaks(Vec<Vec<u8>>),
    /// Hangs up without a word.
    Dies,
    /// Says nothing, for ever.
    Hangs,
}

/// An answer with its reason phrase.
pub fn says(status: &str, body: &str) -> Does {
    let length = body.len();
    Does::Says(
        format!("HTTP/1.1 {status}\r\nGenieACS-Version: 1.2.16+x\r\nContent-Length: {length}\r\n\r\n{body}")
            .into_bytes(),
    )
}

/// A list as the server writes it, in chunks of this many bytes.
pub fn list(documents: &[serde_json::Value], chunk: usize) -> Does {
    let lines: Vec<String> = documents.iter().map(ToString::to_string).collect();
    let mut out = head(documents.len());
    for piece in format!("[\n{}\n]", lines.join(",\n")).as_bytes().chunks(chunk) {
        out.extend(chunked(piece));
    }
    out.extend(b"0\r\n\r\n");
    Does::Says(out)
}

pub fn head(total: usize) -> Vec<u8> {
    format!(
        "HTTP/1.1 200 OK\r\nGenieACS-Version: 1.2.16+x\r\ntotal: {total}\r\nContent-Type: application/json\r\n\
         Transfer-Encoding: chunked\r\n\r\n"
    )
    .into_bytes()
}

pub fn chunked(piece: &[u8]) -> Vec<u8> {
    [format!("{:x}\r\n", piece.len()).as_bytes(), piece, b"\r\n"].concat()
}

type Answer = Arc<dyn Fn(&Asked) -> Does + Send + Sync>;

/// The server.
pub struct Rig {
    pub address: SocketAddr,
    asked: Arc<Mutex<Vec<Asked>>>,
    answer: Answer,
    task: Option<tokio::task::JoinHandle<()>>,
}

impl Drop for Rig {
    fn drop(&mut self) {
        self.stop();
    }
}

impl Rig {
    pub async fn start(answer: impl Fn(&Asked) -> Does + Send + Sync + 'static) -> Self {
        Self::secure(None, answer).await
    }

    pub async fn secure(
        tls: Option<Arc<ServerConfig>>,
        answer: impl Fn(&Asked) -> Does + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("bound");
        let mut rig = Self { address, asked: Arc::default(), answer: Arc::new(answer), task: None };
        rig.serve(listener, tls);
        rig
    }

    fn serve(&mut self, listener: TcpListener, tls: Option<Arc<ServerConfig>>) {
        let (asked, answer) = (Arc::clone(&self.asked), Arc::clone(&self.answer));
        self.task = Some(tokio::spawn(async move {
            let mut open = tokio::task::JoinSet::new();
            for connection in 0.. {
                let Ok((tcp, _)) = listener.accept().await else { return };
                let (asked, answer, tls) = (Arc::clone(&asked), Arc::clone(&answer), tls.clone());
                open.spawn(async move {
                    match tls {
                        None => talk(tcp, connection, &asked, &answer).await,
                        Some(tls) => {
                            if let Ok(stream) = TlsAcceptor::from(tls).accept(tcp).await {
                                talk(stream, connection, &asked, &answer).await;
                            }
                        }
                    }
                });
            }
        }));
    }

    /// Closes everything: connections end, new ones are refused.
    pub fn stop(&mut self) {
        if let Some(task) = self.task.take() {
            task.abort();
        }
    }

    /// Listens again where it listened before.
    pub async fn again(&mut self) {
        let listener = TcpListener::bind(self.address).await.expect("the same port");
        self.serve(listener, None);
    }

    pub fn asked(&self) -> Vec<Asked> {
        self.asked.lock().expect("unpoisoned").clone()
    }

    /// Methods and paths of what was asked, the questions decoded.
    pub fn lines(&self) -> Vec<String> {
        self.asked().iter().map(|a| decoded(&a.line())).collect()
    }

    pub fn config(&self) -> Genieacs {
        Genieacs::new(format!("http://{}", self.address))
    }

    pub fn client(&self) -> Client {
        self.client_with(|_| {})
    }

    pub fn client_with(&self, change: impl FnOnce(&mut Patience)) -> Client {
        let mut patience = quick(&self.config());
        change(&mut patience);
        Client::with_patience(&"acs-1".into(), &self.config(), patience).expect("a client")
    }
}

/// Short pauses, long limits.
pub fn quick(config: &Genieacs) -> Patience {
    Patience { restart: vec![Duration::from_millis(10); 3], ..Patience::of(config) }
}

/// Takes one layer of percent-encoding off.
pub fn decoded(text: &str) -> String {
    let mut out = Vec::new();
    let mut bytes = text.bytes();
    while let Some(b) = bytes.next() {
        if b == b'%' {
            let hex = [bytes.next().expect("a digit"), bytes.next().expect("a digit")];
            out.push(u8::from_str_radix(std::str::from_utf8(&hex).expect("ASCII"), 16).expect("hexadecimal"));
        } else {
            out.push(b);
        }
    }
    String::from_utf8(out).expect("UTF-8")
}

async fn talk(
    mut io: impl AsyncRead + AsyncWrite + Unpin,
    connection: usize,
    asked: &Mutex<Vec<Asked>>,
    answer: &Answer,
) {
    let mut buffer = Vec::new();
    while let Some(one) = request(&mut io, &mut buffer, connection).await {
        asked.lock().expect("unpoisoned").push(one.clone());
        match answer(&one) {
            Does::Says(bytes) => {
                let bytes = if one.method == "HEAD" { only_head(bytes) } else { bytes };
                if io.write_all(&bytes).await.is_err() || io.flush().await.is_err() {
                    return;
                }
            }
            Does::Breaks(pieces) => {
                for piece in pieces {
                    let _ = io.write_all(&piece).await;
                    let _ = io.flush().await;
                }
                return;
            }
            Does::Dies => return,
            Does::Hangs => std::future::pending().await,
        }
    }
}

fn only_head(mut bytes: Vec<u8>) -> Vec<u8> {
    if let Some(end) = bytes.windows(4).position(|w| w == b"\r\n\r\n") {
        bytes.truncate(end + 4);
    }
    bytes
}

async fn request(io: &mut (impl AsyncRead + Unpin), buffer: &mut Vec<u8>, connection: usize) -> Option<Asked> {
    let end = loop {
        if let Some(end) = buffer.windows(4).position(|w| w == b"\r\n\r\n") {
            break end + 4;
        }
        if io.read_buf(buffer).await.ok()? == 0 {
            return None;
        }
    };
    let head = String::from_utf8(buffer.drain(..end).collect()).ok()?;
    let length = head
        .lines()
        .find_map(|l| l.to_ascii_lowercase().strip_prefix("content-length: ").map(str::to_owned))
        .map_or(0, |l| l.parse::<usize>().expect("a length"));
    while buffer.len() < length {
        if io.read_buf(buffer).await.ok()? == 0 {
            return None;
        }
    }
    let body = buffer.drain(..length).collect();
    let mut words = head.split_whitespace();
    let (method, target) = (words.next()?.to_owned(), words.next()?.to_owned());
    Some(Asked { method, target, head, body, connection })
}
