//! The listeners of the brokers: frames in, frames out.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

use bytes::Bytes;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;

use super::api::{Cluster, Reply, Session};
use crate::sim::net::{Faults, Severable};

/// Larger requests close the connection before anything is read or allocated (Kafka's own default).
const LARGEST_REQUEST: usize = 100 << 20;
/// Reading grows its buffer by this much at most, so a lying length costs nothing.
const READ_STEP: usize = 64 << 10;

/// How a broker misbehaves on purpose.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Answers {
    /// As it should.
    Right = 0,
    /// Bytes that are no answer.
    Garbage = 1,
    /// An answer whose length claims 2 GiB.
    Oversized = 2,
    /// Half an answer, then the end of the connection.
    Half = 3,
}

/// What the connections of one node share.
#[derive(Debug)]
pub(crate) struct Node {
    pub(crate) cluster: Arc<Cluster>,
    pub(crate) id: i32,
    pub(crate) faults: Arc<Faults>,
    pub(crate) answers: Arc<AtomicU8>,
}

/// Serves one node until `stop`.
pub(crate) async fn serve(listener: TcpListener, node: Arc<Node>, tls: Option<TlsAcceptor>, stop: CancellationToken) {
    loop {
        let accepted = tokio::select! {
            () = stop.cancelled() => return,
            accepted = listener.accept() => accepted,
        };
        let Ok((stream, _)) = accepted else { continue };
        if node.faults.refuses() {
            continue;
        }
        let (node, tls, stop) = (Arc::clone(&node), tls.clone(), stop.clone());
        tokio::spawn(async move {
            tokio::select! {
                () = stop.cancelled() => {}
                // The peer sees the end of the connection; there is nobody else to tell.
                _ = connection(stream, &node, tls) => {}
            }
        });
    }
}

async fn connection(stream: TcpStream, node: &Arc<Node>, tls: Option<TlsAcceptor>) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let stream = Severable::new(stream, &node.faults);
    match tls {
        Some(tls) => frames(tls.accept(stream).await?, node).await,
        None => frames(stream, node).await,
    }
}

async fn frames(mut io: impl AsyncRead + AsyncWrite + Unpin, node: &Arc<Node>) -> io::Result<()> {
    let mut session = Session::new(Arc::clone(&node.cluster), node.id);
    loop {
        let length = io.read_i32().await?;
        let Some(length) = usize::try_from(length).ok().filter(|n| *n <= LARGEST_REQUEST) else {
            return Ok(());
        };
        let mut frame = Vec::new();
        while frame.len() < length {
            let from = frame.len();
            frame.resize(length.min(from + READ_STEP), 0);
            if let Some(room) = frame.get_mut(from..) {
                io.read_exact(room).await?;
            }
        }
        node.faults.answering().await;
        match session.answer(Bytes::from(frame)).await {
            Reply::Send(answer) => send(&mut io, &answer, node.answers.load(Ordering::SeqCst)).await?,
            Reply::Nothing => {}
            Reply::Close => return Ok(()),
        }
    }
}

async fn send(io: &mut (impl AsyncWrite + Unpin), answer: &[u8], how: u8) -> io::Result<()> {
    let length = i32::try_from(answer.len()).unwrap_or(i32::MAX);
    match how {
        n if n == Answers::Garbage as u8 => {
            io.write_i32(32).await?;
            io.write_all(&[0xa5; 32]).await?;
        }
        n if n == Answers::Oversized as u8 => {
            io.write_i32(i32::MAX).await?;
            io.write_all(answer).await?;
        }
        n if n == Answers::Half as u8 => {
            io.write_i32(length).await?;
            io.write_all(answer.get(..answer.len() / 2).unwrap_or_default()).await?;
            io.flush().await?;
            return Err(io::ErrorKind::ConnectionAborted.into());
        }
        _ => {
            io.write_i32(length).await?;
            io.write_all(answer).await?;
        }
    }
    io.flush().await
}
