//! The way to a serial line: a stream of the host's, and what is particular to one when it is shared.

use std::sync::Arc;

use bytes::Bytes;

use crate::controllers::libvirt::client::Connection;
use crate::controllers::libvirt::flags::console;
use crate::controllers::libvirt::stream::{Stream, StreamWriter};
use crate::engine::emulator::Emulator;
use crate::model::console::ConsoleNews;

use super::super::share::{Past, Typed};
use super::super::upstream::{How, Over, Own, Shut, Upstream, Way};
use super::super::{Session, Shared, domain_of};

/// A line of the host's.
pub(in crate::workers::console) struct Wire {
    connection: Connection,
    stream: Stream,
    writer: StreamWriter,
    /// The name of the machine.
    name: String,
}

impl Way for Wire {
    type Subject = Past;
    type News = Bytes;
    type Input = Typed;

    async fn open(session: &Session, shared: &Arc<Shared>, how: How) -> Result<Self, Shut> {
        let connection = shared.connect().await.map_err(|e| Shut::Failed(e.to_string()))?;
        let domain = domain_of(&connection, &session.target).await.map_err(Shut::Failed)?;
        let device = Some(session.target.device.as_str()).filter(|d| !d.is_empty());
        let flags = if how.force { console::FORCE } else { 0 };
        match connection.console(&domain, device, flags).await {
            Ok(stream) => {
                let (writer, name) = (stream.writer(), session.target.name.clone());
                Ok(Self { connection, stream, writer, name })
            }
            Err(error) => {
                connection.close().await;
                let words = error.to_string();
                Err(if error.console_in_use() { Shut::Held(words) } else { Shut::Failed(words) })
            }
        }
    }

    async fn next(&mut self) -> Result<Bytes, Over> {
        match self.stream.read().await {
            Ok(Some(bytes)) => Ok(bytes),
            Ok(None) => {
                let words = format!("{} closed the line: it was shut down or its console taken over", self.name);
                Err(Over::Ended(words))
            }
            Err(error) => Err(Over::Broken(error.to_string())),
        }
    }

    async fn send(&mut self, input: Typed) -> Result<Option<String>, Over> {
        // The size is the emulator's: a line has none.
        let Typed::Bytes(bytes) = input else { return Ok(None) };
        if !bytes.is_empty() {
            self.writer.write(bytes).await.map_err(|e| Over::Broken(e.to_string()))?;
        }
        Ok(None)
    }

    /// Bytes are not held down.
    fn let_go(&mut self) {}

    async fn close(self) {
        drop(self.stream);
        self.connection.close().await;
    }
}

impl<W: Way<Subject = Past, Input = Typed>> Upstream<W> {
    /// The emulator has read output: others see it, and the guest gets its answer. One emulator answers
    /// for all; who only looks sends nothing at all.
    pub(super) async fn read(&mut self, bytes: &[u8], answer: Vec<u8>, emulator: &Emulator) -> Result<(), Over> {
        let Self::Own(own) = self else { return Ok(()) };
        if let Some(hub) = &mut own.hub {
            hub.output(bytes, emulator);
        }
        if !own.is_mute() {
            own.way.send(Typed::Bytes(answer.into())).await?;
        }
        Ok(())
    }

    /// The operator types.
    pub(super) async fn types(&mut self, bytes: Vec<u8>) -> Result<Option<ConsoleNews>, Over> {
        if bytes.is_empty() { Ok(None) } else { self.does(Typed::Bytes(bytes.into())).await }
    }

    /// The operator wants another size. Whether it is for us to set it, now.
    pub(super) async fn wants_size(&mut self, (rows, columns): (u16, u16)) -> Result<Result<bool, String>, Over> {
        match self {
            // It comes back, in its place among the output.
            Self::Theirs(_) => {
                self.does(Typed::Size(rows, columns)).await?;
                Ok(Ok(false))
            }
            Self::Own(own) => Ok(match &mut own.hub {
                Some(hub) if !hub.is_alone() => hub.types().map(|_| true),
                _ => Ok(true),
            }),
        }
    }

    /// The terminal has another size.
    pub(super) fn resized(&mut self, emulator: &Emulator) {
        if let Self::Own(Own { hub: Some(hub), .. }) = self {
            hub.resized(emulator);
        }
    }
}
