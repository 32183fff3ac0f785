//! Network diagnostics for the screen: a few at once, their news as messages, their results to
//! files.
//!
//! A pane starts one with `Effect::Diag(id, request)`, gets `Msg::Diag(id, DiagNews::Event(…))`
//! while it runs and one `Msg::Diag(id, DiagNews::Ended(…))`, always; `Effect::Cancel(id)` ends it
//! early, and the end then holds what is known. The number of news is bounded by the limits of the
//! request.

use std::io::Write as _;
use std::path::PathBuf;
use std::sync::Arc;

use tokio::sync::{Semaphore, mpsc};
use tokio_util::sync::CancellationToken;

use super::export::create;
use crate::app::effect::{DiagExport, DiagFormat};
use crate::app::message::DiagNews;
use crate::controllers::diag;
use crate::model::command::Outcome;
use crate::model::diag::DiagRequest;
use crate::model::text::clean;

/// How many run at once: more would measure each other.
pub const AT_ONCE: usize = 4;

/// Room for diagnostics; clones share it.
#[derive(Debug, Clone)]
pub struct Slots(Arc<Semaphore>);

impl Default for Slots {
    fn default() -> Self {
        Self(Arc::new(Semaphore::new(AT_ONCE)))
    }
}

impl Slots {
    /// Runs a diagnostic until it is over or `stop`; its end is always told.
    pub async fn run(&self, request: DiagRequest, stop: CancellationToken, tell: &(dyn Fn(DiagNews) + Send + Sync)) {
        let Ok(_slot) = self.0.try_acquire() else {
            let why = format!("{AT_ONCE} diagnostics run already: end one of them first");
            return tell(DiagNews::Ended(Err(why)));
        };
        let (kind, target) = (request.kind(), clean(&request.target()).into_owned());
        let (events, mut news) = mpsc::unbounded_channel();
        // A task of its own, so that its end is told even if it dies.
        let work = tokio::spawn(diag::run(request, events, stop));
        while let Some(event) = news.recv().await {
            tell(DiagNews::Event(event));
        }
        let ended = match work.await {
            Ok(Ok(result)) => {
                tracing::info!(kind, target, verdict = result.verdict().word(), "diagnostic");
                Ok(Arc::new(result))
            }
            Ok(Err(error)) => {
                tracing::info!(kind, target, %error, "diagnostic");
                Err(error.to_string())
            }
            Err(error) => {
                tracing::error!(kind, target, %error, "diagnostic died");
                Err(format!("{kind} died, see the log"))
            }
        };
        tell(DiagNews::Ended(ended));
    }
}

/// Writes a result to a new file with mode 0600; what came of it, for the screen.
#[must_use]
pub fn export(request: &DiagExport) -> Outcome {
    let path = PathBuf::from(&request.path);
    let text = match request.format {
        DiagFormat::Text => request.result.lines().join("\n"),
        DiagFormat::Json => format!("{:#}", request.result.json()),
    };
    let written = create(&path).map_err(|e| e.to_string()).and_then(|mut file| {
        let result = writeln!(file, "{text}").and_then(|()| file.sync_all());
        result.map_err(|e| {
            let _ = std::fs::remove_file(&path);
            format!("cannot write {}: {e}", path.display())
        })
    });
    let shown = clean(&request.path).into_owned();
    let command = "export".to_owned();
    match written {
        Ok(()) => {
            let summary = format!("wrote the {} result to {shown}", request.result.request.kind());
            Outcome { command, summary, total: 1, done: 1, ..Outcome::default() }
        }
        Err(why) => {
            Outcome { command, summary: why.clone(), total: 1, errors: vec![(shown, why)], ..Outcome::default() }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;
    use std::time::Duration;

    use super::*;
    use crate::model::diag::{DiagEvent, Host, PortRequest, PortState, Verdict};
    use crate::workers::lock;

    fn silent(port: u16) -> DiagRequest {
        // UDP to a socket of ours that never answers: it lasts until it is cancelled.
        let mut request = PortRequest::new(Host::parse("127.0.0.1").unwrap(), vec![port]);
        request.protocol = crate::model::diag::Protocol::Udp;
        request.timeout = Duration::from_mins(1);
        DiagRequest::Port(request)
    }

    #[tokio::test]
    async fn a_few_run_at_once_and_every_end_is_told() {
        let socket = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
        let port = socket.local_addr().unwrap().port();
        let (slots, stop) = (Slots::default(), CancellationToken::new());
        let mut running = Vec::new();
        let (started, mut starts) = mpsc::unbounded_channel();
        for _ in 0..AT_ONCE {
            let (slots, stop, started) = (slots.clone(), stop.clone(), started.clone());
            running.push(tokio::spawn(async move {
                let news = Mutex::new(Vec::new());
                slots
                    .run(silent(port), stop, &|n| {
                        if matches!(n, DiagNews::Event(DiagEvent::Started { .. })) {
                            let _ = started.send(());
                        }
                        lock(&news).push(n);
                    })
                    .await;
                news.into_inner().unwrap()
            }));
        }
        for _ in 0..AT_ONCE {
            starts.recv().await.unwrap();
        }
        let news = Mutex::new(Vec::new());
        slots.run(silent(port), stop.clone(), &|n| lock(&news).push(n)).await;
        assert!(
            matches!(&lock(&news)[..], [DiagNews::Ended(Err(why))] if why.contains("run already")),
            "{:?}",
            lock(&news)
        );
        stop.cancel();
        for run in running {
            let news = run.await.unwrap();
            let Some(DiagNews::Ended(Ok(result))) = news.last() else { panic!("{news:?}") };
            assert!(result.cancelled && result.verdict() == Verdict::Partly);
        }
        // The room is free again.
        let closed = { std::net::UdpSocket::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port() };
        let last = Mutex::new(None);
        slots.run(silent(closed), CancellationToken::new(), &|n| *lock(&last) = Some(n)).await;
        let last = lock(&last).take();
        let Some(DiagNews::Ended(Ok(result))) = last else { panic!("{last:?}") };
        let crate::model::diag::DiagData::Port(ports) = &result.data else { panic!() };
        assert_eq!(ports[0].state, PortState::Closed);
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("result.json").display().to_string();
        let request = DiagExport { result: Arc::clone(&result), format: DiagFormat::Json, path };
        assert_eq!(export(&request).done, 1);
        let read: serde_json::Value = serde_json::from_slice(&std::fs::read(&request.path).unwrap()).unwrap();
        assert_eq!(read, result.json());
        let again = export(&request);
        assert!(again.done == 0 && again.summary.contains("not overwritten"), "{again:?}");
    }
}
