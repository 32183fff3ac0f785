//! A serial console: the stream of the host into the emulator, keys back into the stream.
//!
//! The connection is for the console alone: while the emulator works, the stream is not read, and the
//! host holds the guest's output back; nothing is queued without end.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use tokio::time::{Instant, sleep_until};

use crate::app::effect::ConsoleRequest;
use crate::controllers::libvirt::client::Connection;
use crate::controllers::libvirt::flags::console;
use crate::controllers::libvirt::stream::Stream;
use crate::engine::emulator::{Emulator, Event, Limits, View, keys, stty};
use crate::model::console::{ConsoleNews, ConsolePhase, ConsoleTarget, Found, Image, Place};

use super::record::Recording;
use super::{News, Session, Used, domain_of};

/// The least time between two looks of the screen: a frame.
const FRAME: Duration = Duration::from_millis(16);

/// Runs one until it is closed, ends, or fails.
pub(super) async fn run(mut session: Session) -> Result<(), String> {
    let shared = Arc::clone(session.host()?);
    let connection = shared.connect().await.map_err(|e| e.to_string())?;
    let ended = run_on(&mut session, &connection).await;
    connection.close().await;
    ended
}

async fn run_on(session: &mut Session, connection: &Connection) -> Result<(), String> {
    let Some(stream) = open(session, connection).await? else { return Ok(()) };
    let shared = Arc::clone(session.host()?);
    let _used = Used::new(shared, &session.target, &session.operator);
    session.news.phase(ConsolePhase::Open);
    Line::new(session.news.clone(), session.target.clone()).follow(session, stream).await
}

/// Opens the stream; asks where somebody else holds it. `None`: the console was closed meanwhile.
async fn open(session: &mut Session, connection: &Connection) -> Result<Option<Stream>, String> {
    let domain = domain_of(connection, &session.target).await?;
    let device = Some(session.target.device.as_str()).filter(|d| !d.is_empty());
    let mut flags = 0;
    loop {
        match connection.console(&domain, device, flags).await {
            Ok(stream) => return Ok(Some(stream)),
            Err(error) if error.console_in_use() => {
                session.news.phase(ConsolePhase::Held(error.to_string()));
                loop {
                    match session.requests.recv().await {
                        None => return Ok(None),
                        Some(ConsoleRequest::TakeOver) => break,
                        Some(_) => {}
                    }
                }
                session.news.phase(ConsolePhase::Opening);
                flags = console::FORCE;
            }
            Err(error) => return Err(error.to_string()),
        }
    }
}

/// What is known of an open line.
struct Line {
    emulator: Emulator,
    view: View,
    news: News,
    target: ConsoleTarget,
    recording: Option<Recording>,
    found: Option<Found>,
    /// When the screen was told last; something new waits for the next frame.
    told: Option<Instant>,
    dirty: bool,
}

impl Line {
    fn new(news: News, target: ConsoleTarget) -> Self {
        Self {
            emulator: Emulator::new(Limits::default()),
            view: View::default(),
            news,
            target,
            recording: None,
            found: None,
            told: None,
            dirty: true,
        }
    }

    /// Reads and writes until the end.
    async fn follow(mut self, session: &mut Session, mut stream: Stream) -> Result<(), String> {
        let writer = stream.writer();
        loop {
            let frame = self.dirty.then(|| self.told.map_or_else(Instant::now, |told| told + FRAME));
            let answer = tokio::select! {
                biased;
                request = session.requests.recv() => {
                    let Some(request) = request else { return Ok(()) };
                    self.asked(request, session.view_only)
                }
                () = async {
                    match frame {
                        Some(at) => sleep_until(at).await,
                        None => std::future::pending().await,
                    }
                } => {
                    self.tell();
                    Vec::new()
                }
                read = stream.read() => match read {
                    Ok(Some(bytes)) => self.output(&bytes),
                    Ok(None) => {
                        self.tell();
                        return Err(format!("{} closed the line: it was shut down or its console taken over", self.target.name));
                    }
                    Err(error) => {
                        self.tell();
                        return Err(error.to_string());
                    }
                },
            };
            if !answer.is_empty() {
                writer.write(Bytes::from(answer)).await.map_err(|e| e.to_string())?;
            }
        }
    }

    /// Output of the guest; what it is answered.
    fn output(&mut self, bytes: &[u8]) -> Vec<u8> {
        let answer = self.emulator.feed(bytes);
        self.dirty = true;
        if let Some(recording) = &mut self.recording
            && let Err(why) = recording.output(bytes)
        {
            self.recording = None;
            self.news.tell(ConsoleNews::Recording(None));
            self.news.tell(ConsoleNews::Note(why));
        }
        for event in self.emulator.take_events() {
            match event {
                Event::Bell => self.news.tell(ConsoleNews::Bell),
                Event::Title(title) => self.news.tell(ConsoleNews::Title(title)),
                // The guest may want any size: it is the operator who sets it.
                Event::SizeAsked { .. } => {}
            }
        }
        answer
    }

    /// Tells the screen what is to be seen, where that is something else.
    fn tell(&mut self) {
        self.dirty = false;
        self.told = Some(Instant::now());
        if let Some(screen) = self.view.changed(&self.emulator) {
            self.news.tell(ConsoleNews::Image(Image::Screen(screen)));
        }
    }

    /// Does what was asked; what the guest gets.
    fn asked(&mut self, request: ConsoleRequest, view_only: bool) -> Vec<u8> {
        let modes = self.emulator.modes();
        match request {
            ConsoleRequest::Key(_) | ConsoleRequest::Paste(_) if view_only => Vec::new(),
            ConsoleRequest::Key(stroke) => {
                self.bottom();
                keys::encode(stroke, modes)
            }
            ConsoleRequest::Paste(text) => {
                self.bottom();
                keys::paste(&text, modes)
            }
            ConsoleRequest::Combination(name) => {
                self.news.tell(ConsoleNews::Note(format!("a serial line has no {name}: open its screen instead")));
                Vec::new()
            }
            ConsoleRequest::Scroll(0) => {
                self.bottom();
                Vec::new()
            }
            ConsoleRequest::Scroll(lines) => {
                self.view.scroll(&self.emulator, lines.into());
                self.dirty = true;
                Vec::new()
            }
            ConsoleRequest::Search { text, backwards } => {
                self.search(&text, backwards);
                Vec::new()
            }
            ConsoleRequest::Resize(columns, rows) => {
                self.emulator.resize(rows, columns);
                self.dirty = true;
                if let Some(recording) = &mut self.recording {
                    recording.resized(rows, columns);
                }
                if view_only { Vec::new() } else { stty::keystrokes(rows, columns) }
            }
            ConsoleRequest::Record(file) => {
                self.record(file);
                Vec::new()
            }
            ConsoleRequest::Open { .. }
            | ConsoleRequest::Close
            | ConsoleRequest::TakeOver
            | ConsoleRequest::Pointer { .. }
            | ConsoleRequest::Picture(_)
            | ConsoleRequest::Control(_)
            | ConsoleRequest::HandOver => Vec::new(),
        }
    }

    fn bottom(&mut self) {
        self.view.scroll_to(&self.emulator, 0);
        self.found = None;
        self.dirty = true;
    }

    fn search(&mut self, text: &str, backwards: bool) {
        let from = self.found.map(|found| if backwards { found.from } else { found.to });
        let top = self.view.last().map(|screen| Place { line: screen.top + u64::from(screen.rows), column: 0 });
        self.found = self.emulator.search(text, from.or(top), backwards);
        if let Some(found) = self.found {
            self.view.show(&self.emulator, found);
            self.dirty = true;
        }
        self.news.tell(ConsoleNews::Found(self.found));
    }

    fn record(&mut self, file: Option<String>) {
        if let Some(recording) = self.recording.take()
            && let Err(why) = recording.finish()
        {
            self.news.tell(ConsoleNews::Note(why));
        }
        if let Some(file) = file {
            let (rows, columns) = self.emulator.size();
            match Recording::begin(&file, &self.target.canonical(), (columns, rows)) {
                Ok(recording) => self.recording = Some(recording),
                Err(why) => self.news.tell(ConsoleNews::Note(why)),
            }
        }
        let path = self.recording.as_ref().map(|r| r.path().to_owned());
        self.news.tell(ConsoleNews::Recording(path));
    }
}
