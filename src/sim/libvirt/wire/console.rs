//! Streams: a serial line that is talked to, a picture or an image that is read.

use std::time::Duration;

use bytes::Bytes;
use tokio::sync::mpsc;

use super::{Writer, error, send};
use crate::controllers::libvirt::frame::{Frame, Header, Kind, MOST_DATA, Status};
use crate::sim::libvirt::live::Line;
use crate::sim::libvirt::world::{Refusal, origin};

/// What is at the other end of a stream.
pub(crate) enum Source {
    /// A serial line.
    Line(Line),
    /// Bytes, and their end.
    Bytes(Bytes),
}

/// Serves a stream until either end closes it.
pub(super) async fn stream(call: Header, source: Source, mut typed: mpsc::Receiver<(Status, Bytes)>, writer: Writer) {
    match source {
        Source::Line(line) => {
            // A stream whose client is gone is over.
            let _ = talk(&line, call, &mut typed, &writer).await;
        }
        Source::Bytes(bytes) => {
            let _ = give(call, bytes, &mut typed, &writer).await;
        }
    }
}

/// Confirms that a stream is over.
async fn finish(call: Header, writer: &Writer) -> std::io::Result<()> {
    send(writer, &Frame::piece(call, Status::Ok, Bytes::new())).await
}

/// What is printed now and when there is more; nothing when the machine is gone.
fn printed(at: &Line) -> Option<(Vec<u8>, Option<i64>)> {
    let mut world = at.live.world();
    let now = world.now();
    let (tty, machine) = world.tty(at.host, &at.uuid, at.nth).ok()?;
    tty.advance(&machine);
    let next = tty.next().map(|at| (at - now).max(0));
    Some((tty.take(), next))
}

async fn talk(
    at: &Line,
    call: Header,
    typed: &mut mpsc::Receiver<(Status, Bytes)>,
    writer: &Writer,
) -> std::io::Result<()> {
    let mut changes = at.live.changes();
    // What it said before anybody came is lost.
    let _ = printed(at);
    loop {
        let Some((out, next)) = printed(at) else {
            // Its machine is off: the end, which the client confirms.
            send(writer, &Frame::piece(call, Status::Continue, Bytes::new())).await?;
            while let Some((status, _)) = typed.recv().await {
                if status != Status::Continue {
                    return finish(call, writer).await;
                }
            }
            return Ok(());
        };
        let flooding = !out.is_empty() && next == Some(0);
        let out = Bytes::from(out);
        let mut start = 0;
        while start < out.len() {
            let end = (start + MOST_DATA).min(out.len());
            send(writer, &Frame::piece(call, Status::Continue, out.slice(start..end))).await?;
            start = end;
        }
        let wait = async {
            match next {
                _ if flooding => tokio::task::yield_now().await,
                Some(us) => tokio::time::sleep(at.live.real(us).max(Duration::from_millis(1))).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            () = at.taken.cancelled() => {
                let why = Refusal::new(39, origin::STREAMS, "stream had I/O failure".to_owned());
                return send(writer, &Frame::new(call.with(Kind::Stream, Status::Error), &error(&why))).await;
            }
            piece = typed.recv() => match piece {
                None => return Ok(()),
                Some((Status::Continue, bytes)) => at.live.type_in(at.host, &at.uuid, at.nth, &bytes),
                Some(_) => return finish(call, writer).await,
            },
            _ = changes.changed() => {}
            () = wait => {}
        }
    }
}

/// Sends bytes to their end and waits until that is confirmed.
async fn give(
    call: Header,
    bytes: Bytes,
    typed: &mut mpsc::Receiver<(Status, Bytes)>,
    writer: &Writer,
) -> std::io::Result<()> {
    let mut at = 0;
    while at < bytes.len() {
        let end = (at + MOST_DATA).min(bytes.len());
        send(writer, &Frame::piece(call, Status::Continue, bytes.slice(at..end))).await?;
        at = end;
        if typed.try_recv().is_ok_and(|(status, _)| status != Status::Continue) {
            return finish(call, writer).await;
        }
    }
    send(writer, &Frame::piece(call, Status::Continue, Bytes::new())).await?;
    while let Some((status, _)) = typed.recv().await {
        if status != Status::Continue {
            return finish(call, writer).await;
        }
    }
    Ok(())
}
