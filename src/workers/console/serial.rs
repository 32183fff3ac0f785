//! A serial console: a line into the emulator, keys back into the line.
//!
//! A connection to the host is for the console alone: while the emulator works, the stream is not read,
//! and the host holds the guest's output back; nothing is queued without end.

use std::sync::Arc;
use std::time::Duration;

use tokio::task::yield_now;
use tokio::time::{Instant, sleep, sleep_until};

use crate::app::effect::{ConsoleRequest, RecordIn};
use crate::engine::emulator::{Emulator, Event, Limits, View, keys};
use crate::model::console::{ConsoleNews, ConsolePhase, ConsoleTarget, Found, Image, Place, Screen};
use crate::model::stty;

use super::record::Recording;
use super::upstream::{self, Came, Over, Upstream};
use super::{News, Session, Used};

/// The least time between two looks of the screen: a frame.
const FRAME: Duration = Duration::from_millis(16);

/// Bytes that the emulator takes in one go. A host sends 256 KiB at once, the thread is that of all
/// workers, and there is output that takes a terminal long: these are at most a few milliseconds of it.
const SLICE: usize = 2 << 10;

/// Runs one until it is closed, ends, or fails. When the noctule that it was followed through goes, it is
/// opened anew.
pub(super) async fn run(mut session: Session) -> Result<(), String> {
    let mut line = Line::new(session.news.clone(), session.target.clone());
    let mut again = false;
    loop {
        let Some(mut upstream) = upstream::open(&mut session, &line.emulator, again).await? else { return Ok(()) };
        let shared = Arc::clone(session.host()?);
        let used = Used::new(shared, &session.target, &session.operator);
        session.news.phase(ConsolePhase::Open);
        session.news.tell(ConsoleNews::Presence(upstream.presence().unwrap_or_default()));
        let over = line.follow(&mut session, &mut upstream).await;
        upstream.close(over.as_ref().err()).await;
        drop(used);
        match over {
            Ok(()) => return Ok(()),
            Err(Over::Ended(why) | Over::Broken(why)) => {
                line.tell();
                return Err(why);
            }
            Err(Over::Gone) => {}
        }
        session.news.phase(ConsolePhase::Opening);
        let words = "the noctule that it was shared through has gone: it is opened from here".to_owned();
        session.news.tell(ConsoleNews::Note(words));
        again = true;
        sleep(upstream::pause()).await;
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
    /// What was looked for, while it is picked out.
    wanted: Option<String>,
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
            wanted: None,
            told: None,
            dirty: true,
        }
    }

    /// Reads and writes until it is closed.
    async fn follow(&mut self, session: &mut Session, upstream: &mut Upstream) -> Result<(), Over> {
        loop {
            let frame = self.dirty.then(|| self.told.map_or_else(Instant::now, |told| told + FRAME));
            tokio::select! {
                biased;
                request = session.requests.recv() => {
                    let Some(request) = request else { return Ok(()) };
                    self.asked(request, session.view_only, upstream).await?;
                }
                () = async {
                    match frame {
                        Some(at) => sleep_until(at).await,
                        None => std::future::pending().await,
                    }
                } => self.tell(),
                came = upstream.next() => match came? {
                    Came::Event(event) => {
                        if let Some(came) = upstream.look(event, &self.emulator).await? {
                            self.came(came, upstream).await?;
                        }
                    }
                    came => self.came(came, upstream).await?,
                },
            }
        }
    }

    /// Something came over the line.
    async fn came(&mut self, came: Came, upstream: &mut Upstream) -> Result<(), Over> {
        match came {
            Came::Output(bytes) => {
                let answer = self.output(&bytes, true).await;
                upstream.read(&bytes, answer, &self.emulator).await?;
            }
            // Who has the line has answered it.
            Came::Past(bytes) => drop(self.output(&bytes, false).await),
            Came::Size(rows, columns) => self.resize(rows, columns, upstream),
            Came::Presence(presence) => self.news.tell(ConsoleNews::Presence(presence)),
            Came::Note(words) => self.news.tell(ConsoleNews::Note(words)),
            // Dealt with before it comes here.
            Came::Event(_) => {}
        }
        Ok(())
    }

    /// Output of the guest; what it is answered. That of before (not `live`) rings no bell.
    async fn output(&mut self, bytes: &[u8], live: bool) -> Vec<u8> {
        let mut answer = Vec::new();
        for (n, slice) in bytes.chunks(SLICE).enumerate() {
            if n > 0 {
                yield_now().await;
            }
            answer.extend(self.emulator.feed(slice));
        }
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
                Event::Bell if !live => {}
                Event::Bell => self.news.tell(ConsoleNews::Bell),
                Event::Title(title) => self.news.tell(ConsoleNews::Title(title)),
            }
        }
        answer
    }

    /// Tells the screen what is to be seen, where that is something else.
    fn tell(&mut self) {
        self.dirty = false;
        self.told = Some(Instant::now());
        if let Some(screen) = self.view.changed(&self.emulator) {
            self.hits(&screen);
            self.news.tell(ConsoleNews::Image(Image::Screen(screen)));
        }
    }

    fn resize(&mut self, rows: u16, columns: u16, upstream: &mut Upstream) {
        self.emulator.resize(rows, columns);
        self.dirty = true;
        if let Some(recording) = &mut self.recording {
            recording.resized(rows, columns);
        }
        upstream.resized(&self.emulator);
    }

    /// Does what was asked.
    async fn asked(&mut self, request: ConsoleRequest, view_only: bool, upstream: &mut Upstream) -> Result<(), Over> {
        let modes = self.emulator.modes();
        let told = match request {
            ConsoleRequest::Key(_) | ConsoleRequest::Paste(_) if view_only => None,
            ConsoleRequest::Key(stroke) => {
                self.bottom();
                upstream.types(keys::encode(stroke, modes)).await?
            }
            ConsoleRequest::Paste(text) => {
                self.bottom();
                upstream.types(keys::paste(&text, modes)).await?
            }
            ConsoleRequest::Resize(columns, rows) => match upstream.wants_size((rows, columns)).await? {
                Err(why) => Some(Came::Note(why)),
                Ok(now) => {
                    if now {
                        self.resize(rows, columns, upstream);
                    }
                    if view_only { None } else { upstream.types(stty::keystrokes(rows, columns)).await? }
                }
            },
            ConsoleRequest::Control(wanted) => upstream.control(wanted).await?,
            ConsoleRequest::HandOver => upstream.hand_over().await?,
            request => {
                self.asked_here(request);
                None
            }
        };
        match told {
            Some(came) => self.came(came, upstream).await,
            None => Ok(()),
        }
    }

    /// Does what does not concern the guest.
    fn asked_here(&mut self, request: ConsoleRequest) {
        match request {
            ConsoleRequest::Combination(name) => {
                self.news.tell(ConsoleNews::Note(format!("a serial line has no {name}: open its screen instead")));
            }
            ConsoleRequest::Scroll(0) => self.bottom(),
            ConsoleRequest::Scroll(lines) => {
                self.view.scroll(&self.emulator, lines.into());
                self.dirty = true;
            }
            ConsoleRequest::Search { text, backwards } => self.search(&text, backwards),
            ConsoleRequest::Record(wanted) => self.record(wanted),
            ConsoleRequest::Copy(selection) => self.news.tell(ConsoleNews::Copied(self.emulator.copy(&selection))),
            ConsoleRequest::Reset => {
                self.emulator.reset();
                self.bottom();
            }
            ConsoleRequest::Open { .. }
            | ConsoleRequest::Close
            | ConsoleRequest::TakeOver
            | ConsoleRequest::Pointer { .. }
            | ConsoleRequest::Picture(_)
            | ConsoleRequest::Key(_)
            | ConsoleRequest::Paste(_)
            | ConsoleRequest::Resize(..)
            | ConsoleRequest::Control(_)
            | ConsoleRequest::HandOver => {}
        }
    }

    /// Tells where in what is shown that is which was looked for.
    fn hits(&self, screen: &Screen) {
        if let Some(wanted) = &self.wanted {
            self.news.tell(ConsoleNews::Hits(self.emulator.found_on(screen, wanted)));
        }
    }

    fn bottom(&mut self) {
        self.view.scroll_to(&self.emulator, 0);
        (self.found, self.wanted) = (None, None);
        self.dirty = true;
    }

    fn search(&mut self, text: &str, backwards: bool) {
        let from = self.found.map(|found| if backwards { found.from } else { found.to });
        let top = self.view.last().map(|screen| Place { line: screen.top + u64::from(screen.rows), column: 0 });
        self.found = self.emulator.search(text, from.or(top), backwards);
        self.wanted = self.found.map(|_| text.to_owned());
        if let Some(found) = self.found {
            self.view.show(&self.emulator, found);
            self.hits(&self.emulator.screen(self.view.scrolled(&self.emulator)));
            self.dirty = true;
        }
        self.news.tell(ConsoleNews::Found(self.found));
    }

    fn record(&mut self, wanted: Option<RecordIn>) {
        if let Some(recording) = self.recording.take()
            && let Err(why) = recording.finish()
        {
            self.news.tell(ConsoleNews::Note(why));
        }
        if let Some(wanted) = wanted {
            let (rows, columns) = self.emulator.size();
            match Recording::begin(&wanted, &self.target.canonical(), (columns, rows)) {
                Ok(recording) => self.recording = Some(recording),
                Err(why) => self.news.tell(ConsoleNews::Note(why)),
            }
        }
        let path = self.recording.as_ref().map(|r| r.path().to_owned());
        self.news.tell(ConsoleNews::Recording(path));
    }
}
