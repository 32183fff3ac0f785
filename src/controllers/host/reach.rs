//! Whether a port answers from here. UDP has no handshake: a port that nobody holds mostly says so,
//! and one that says nothing may be held or filtered.

use std::io::ErrorKind;
use std::time::Duration;

use tokio::net::{TcpStream, UdpSocket};

use crate::config::schema::Protocol;

/// How long a TCP connection may take.
const CONNECT: Duration = Duration::from_secs(3);

/// How long a closed UDP port may take to say so.
const SILENCE: Duration = Duration::from_millis(500);

/// What a port does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reach {
    /// It accepts connections (TCP).
    Open,
    /// Nobody listens there.
    Closed,
    /// Nothing comes back. TCP: filtered, or the host is down. UDP: held, or filtered.
    Silent,
    /// There is no way there, and why.
    NoWay(String),
}

/// Tries a port from this machine. Over UDP one empty datagram is sent.
pub async fn check_port(protocol: Protocol, host: &str, port: u16) -> Reach {
    let told = match protocol {
        Protocol::Tcp => match tokio::time::timeout(CONNECT, TcpStream::connect((host, port))).await {
            Ok(told) => told.map(|_| Reach::Open),
            Err(_) => Ok(Reach::Silent),
        },
        Protocol::Udp => udp(host, port).await,
    };
    told.unwrap_or_else(|e| match e.kind() {
        ErrorKind::ConnectionRefused => Reach::Closed,
        ErrorKind::TimedOut => Reach::Silent,
        _ => Reach::NoWay(e.to_string()),
    })
}

async fn udp(host: &str, port: u16) -> std::io::Result<Reach> {
    let lookup = tokio::time::timeout(CONNECT, tokio::net::lookup_host((host, port))).await;
    let mut addresses = lookup.map_err(|_| std::io::Error::from(ErrorKind::TimedOut))??;
    let Some(address) = addresses.next() else { return Ok(Reach::NoWay("the name has no address".to_owned())) };
    let socket = UdpSocket::bind(if address.is_ipv4() { "0.0.0.0:0" } else { "[::]:0" }).await?;
    socket.connect(address).await?;
    socket.send(&[]).await?;
    match tokio::time::timeout(SILENCE, socket.recv(&mut [0; 16])).await {
        Ok(Ok(_)) => Ok(Reach::Open),
        Ok(Err(e)) => Err(e),
        Err(_) => Ok(Reach::Silent),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn ports_are_told_apart() {
        let tcp = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = tcp.local_addr().unwrap().port();
        assert_eq!(check_port(Protocol::Tcp, "127.0.0.1", port).await, Reach::Open);
        drop(tcp);
        assert_eq!(check_port(Protocol::Tcp, "127.0.0.1", port).await, Reach::Closed);
        let udp = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        let port = udp.local_addr().unwrap().port();
        assert_eq!(check_port(Protocol::Udp, "127.0.0.1", port).await, Reach::Silent);
        drop(udp);
        assert_eq!(check_port(Protocol::Udp, "127.0.0.1", port).await, Reach::Closed);
        assert!(matches!(check_port(Protocol::Tcp, "nowhere.invalid", 1).await, Reach::NoWay(_)));
    }
}
