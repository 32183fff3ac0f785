//! One question to one server: over UDP, and over TCP where that was asked for or the answer was
//! cut short.

use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpStream, UdpSocket};
use tokio::time::timeout;

use super::super::micros;
use super::wire::{Answer, Read, question, read};
use crate::model::diag::{DnsName, DnsType, Protocol};

/// FORMERR: also what servers say that do not know EDNS.
const FORMAT_ERROR: u16 = 1;

/// An answer and how it came.
#[derive(Debug)]
pub(super) struct Reply {
    pub(super) message: Answer,
    pub(super) protocol: Protocol,
    pub(super) rtt_us: u64,
    /// Whether it had been cut short over UDP.
    pub(super) truncated: bool,
}

/// Why there is none.
#[derive(Debug, thiserror::Error)]
pub(super) enum Failure {
    /// Nothing came in time.
    #[error("no answer in time")]
    Silent,
    /// The server cannot be spoken to.
    #[error("{0}")]
    Away(String),
    /// What came is no answer.
    #[error("{0}")]
    Broken(String),
}

impl From<io::Error> for Failure {
    fn from(e: io::Error) -> Self {
        match e.kind() {
            io::ErrorKind::ConnectionRefused => Self::Away("nothing listens on the port of the server".to_owned()),
            io::ErrorKind::UnexpectedEof => Self::Broken("the server closed the connection".to_owned()),
            _ => Self::Away(e.to_string()),
        }
    }
}

/// Asks.
pub(super) async fn ask(
    server: SocketAddr,
    about: &DnsName,
    kind: DnsType,
    tcp: bool,
    limit: Duration,
) -> Result<Reply, Failure> {
    if tcp {
        return over_tcp(server, about, kind, limit, false).await;
    }
    let reply = over_udp(server, about, kind, limit, true).await?;
    let reply = match reply.message.code {
        FORMAT_ERROR => over_udp(server, about, kind, limit, false).await?,
        _ => reply,
    };
    if !reply.message.truncated {
        return Ok(reply);
    }
    // A server that speaks no TCP leaves us what it had room for.
    Ok(over_tcp(server, about, kind, limit, true).await.unwrap_or(Reply { truncated: true, ..reply }))
}

fn new_question(about: &DnsName, kind: DnsType, edns: bool) -> Result<(u16, Vec<u8>), Failure> {
    // Whoever cannot see the question must not be able to guess how to answer it.
    let rng = ring::rand::SystemRandom::new();
    let random = ring::rand::generate::<[u8; 2]>(&rng).map_err(|_| Failure::Away("no random numbers".to_owned()))?;
    let id = u16::from_be_bytes(random.expose());
    let bytes = question(id, about, kind, edns).ok_or_else(|| Failure::Away("the name is too long".to_owned()))?;
    Ok((id, bytes))
}

async fn over_udp(
    server: SocketAddr,
    about: &DnsName,
    kind: DnsType,
    limit: Duration,
    edns: bool,
) -> Result<Reply, Failure> {
    let any: SocketAddr =
        if server.is_ipv4() { (Ipv4Addr::UNSPECIFIED, 0).into() } else { (Ipv6Addr::UNSPECIFIED, 0).into() };
    let socket = UdpSocket::bind(any).await?;
    socket.connect(server).await?;
    let (id, bytes) = new_question(about, kind, edns)?;
    let began = Instant::now();
    socket.send(&bytes).await?;
    let answer = async {
        let mut buffer = vec![0_u8; 4096];
        loop {
            let len = socket.recv(&mut buffer).await?;
            match read(buffer.get(..len).unwrap_or_default(), id, about, kind) {
                Read::NotOurs => {}
                Read::Broken(why) => return Err(Failure::Broken(why)),
                Read::Answer(message) => {
                    return Ok(Reply { message, protocol: Protocol::Udp, rtt_us: micros(began), truncated: false });
                }
            }
        }
    };
    timeout(limit, answer).await.unwrap_or(Err(Failure::Silent))
}

async fn over_tcp(
    server: SocketAddr,
    about: &DnsName,
    kind: DnsType,
    limit: Duration,
    truncated: bool,
) -> Result<Reply, Failure> {
    let (id, bytes) = new_question(about, kind, true)?;
    let began = Instant::now();
    let answer = async {
        let mut stream = TcpStream::connect(server).await?;
        let mut framed = (bytes.len() as u16).to_be_bytes().to_vec();
        framed.extend(bytes);
        stream.write_all(&framed).await?;
        let len = stream.read_u16().await?;
        let mut buffer = vec![0_u8; len.into()];
        stream.read_exact(&mut buffer).await?;
        match read(&buffer, id, about, kind) {
            Read::NotOurs => Err(Failure::Broken("it answered another question".to_owned())),
            Read::Broken(why) => Err(Failure::Broken(why)),
            Read::Answer(message) => Ok(Reply { message, protocol: Protocol::Tcp, rtt_us: micros(began), truncated }),
        }
    };
    timeout(limit, answer).await.unwrap_or(Err(Failure::Silent))
}
