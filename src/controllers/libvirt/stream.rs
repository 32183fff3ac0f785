//! Streams: a console, a picture of a screen, the bytes of a volume. What comes is queued in a few
//! pieces and no more; what is sent waits for the connection, and not for ever.

use std::time::Duration;

use bytes::Bytes;
use tokio::sync::mpsc;
use tokio::time::timeout;

use super::client::{CHANGE, Connection};
use super::error::{Error, Failure};
use super::frame::{Header, MOST_DATA, Status};
use super::task::{Order, Piece};

/// Pieces of at most 256 KiB that wait for the reader.
pub(super) const PIECES: usize = 16;
/// How long the connection may take to make room for one piece: a host that writes to a slow disk takes
/// its time, one that hangs takes nothing at all.
pub(super) const TAKE: Duration = Duration::from_secs(20);

/// A stream that is open. Dropping it breaks it off.
#[derive(Debug)]
pub struct Stream {
    writer: StreamWriter,
    pieces: mpsc::Receiver<Piece>,
    /// A piece that a writer came across.
    early: Option<Piece>,
    over: bool,
}

/// The way into a stream, for who writes while another reads. It does not keep the stream open.
#[derive(Debug, Clone)]
pub struct StreamWriter {
    connection: Connection,
    call: Header,
    what: String,
}

impl StreamWriter {
    /// Sends bytes; returns when the connection has taken them. What comes after the stream's end is
    /// lost, and the reader is told why it ended.
    ///
    /// # Errors
    /// The connection ended, or takes nothing more ([`Failure::Stuck`]).
    pub async fn write(&self, mut bytes: Bytes) -> Result<(), Error> {
        while !bytes.is_empty() {
            let piece = bytes.split_to(bytes.len().min(MOST_DATA));
            self.send(Status::Continue, piece).await?;
        }
        Ok(())
    }

    async fn send(&self, status: Status, piece: Bytes) -> Result<(), Error> {
        let sent = timeout(TAKE, self.connection.order(Order::Piece(self.call, status, piece))).await;
        sent.unwrap_or(Err(Failure::Stuck(TAKE))).map_err(|failure| self.connection.error(&self.what, failure))
    }
}

impl Stream {
    pub(super) const fn new(connection: Connection, call: Header, what: String, pieces: mpsc::Receiver<Piece>) -> Self {
        Self { writer: StreamWriter { connection, call, what }, pieces, early: None, over: false }
    }

    /// Another way into it.
    #[must_use]
    pub fn writer(&self) -> StreamWriter {
        self.writer.clone()
    }

    /// The next bytes; `None` at its end. May be cancelled: nothing is lost.
    ///
    /// # Errors
    /// libvirt broke it off, or the connection ended.
    pub async fn read(&mut self) -> Result<Option<Bytes>, Error> {
        if self.over {
            return Ok(None);
        }
        let piece = match self.early.take() {
            None => self.pieces.recv().await,
            early => early,
        };
        if !matches!(piece, Some(Piece::Data(_))) {
            self.over = true;
        }
        match piece {
            Some(Piece::Data(bytes)) => Ok(Some(bytes)),
            Some(Piece::End | Piece::Finished) => Ok(None),
            Some(Piece::Failed(remote)) => Err(self.writer.connection.refusal(&self.writer.what, remote)),
            None => Err(self.writer.connection.error(&self.writer.what, self.writer.connection.ended_early())),
        }
    }

    /// Reads it to its end, at most so many bytes.
    ///
    /// # Errors
    /// It broke off, or it is longer than that.
    pub async fn read_all(mut self, most: usize) -> Result<Vec<u8>, Error> {
        let mut all = Vec::new();
        while let Some(bytes) = self.read().await? {
            if all.len() + bytes.len() > most {
                let failure = Failure::Stream(format!("it is longer than {most} bytes"));
                return Err(self.writer.connection.error(&self.writer.what, failure));
            }
            all.extend_from_slice(&bytes);
        }
        Ok(all)
    }

    /// Sends bytes, and notices when libvirt broke the stream off.
    ///
    /// # Errors
    /// libvirt broke it off (the disk is full), the connection ended, or it takes nothing more.
    pub async fn write(&mut self, bytes: Bytes) -> Result<(), Error> {
        if self.early.is_none() {
            self.early = self.pieces.try_recv().ok();
        }
        if let Some(Piece::Failed(remote)) = &self.early {
            let error = self.writer.connection.refusal(&self.writer.what, remote.clone());
            self.early = None;
            self.over = true;
            return Err(error);
        }
        self.writer.write(bytes).await
    }

    /// Tells libvirt that all has been sent, and waits until it has dealt with it.
    ///
    /// # Errors
    /// It could not, or the connection ended.
    pub async fn finish(mut self) -> Result<(), Error> {
        if self.over {
            return Ok(());
        }
        self.writer.send(Status::Ok, Bytes::new()).await?;
        let drained = async {
            while self.read().await?.is_some() {}
            Ok(())
        };
        let told = tokio::time::timeout(CHANGE, drained).await;
        told.unwrap_or_else(|_| Err(self.writer.connection.error(&self.writer.what, Failure::TimedOut(CHANGE))))
    }
}

impl Drop for Stream {
    fn drop(&mut self) {
        // After its end the task knows of no such stream, and nothing happens.
        self.writer.connection.give_up(self.writer.call);
    }
}
