//! A serial console: a line into the emulator, keys back into the line.
//!
//! A connection to the host is for the console alone: while the emulator works, the stream is not read,
//! and the host holds the guest's output back; nothing is queued without end.

mod way;

use std::time::Duration;

use bytes::Bytes;
use tokio::task::yield_now;
use tokio::time::Instant;

use crate::app::effect::{ConsoleRequest, RecordIn};
use crate::engine::emulator::{Emulator, Event, Limits, View, keys};
use crate::model::console::{ConsoleNews, ConsoleTarget, Found, Image, Place, Screen};
use crate::model::stty;

use super::record::Recording;
use super::share::{Asked, Past, Told, Typed, garbled};
use super::upstream::{self, Came, Console, Over, Upstream, Way};
use super::{News, Session};
use way::Wire;

/// The least time between two looks of the screen: a frame.
const FRAME: Duration = Duration::from_millis(16);

/// Bytes that the emulator takes in one go. A host sends 256 KiB at once, the thread is that of all
/// workers, and there is output that takes a terminal long: these are at most a few milliseconds of it.
const SLICE: usize = 2 << 10;

/// Bytes of a text that is typed at most: the guest has to take it before anything else is done.
const MOST_PASTED: usize = 64 << 10;

/// Runs one until it is closed, ends, or fails.
pub(super) async fn run(session: Session) -> Result<(), String> {
    let line = Line::new(session.news.clone(), session.target.clone());
    upstream::run(session, line).await
}

impl Console for Line {
    type Way = Wire;

    fn subject(&self, _: &Wire) -> Past {
        Past::new(&self.emulator)
    }

    fn due(&self) -> Option<Instant> {
        self.dirty.then(|| self.told.map_or_else(Instant::now, |told| told + FRAME))
    }

    fn tell(&mut self) {
        self.recorded(Recording::flush);
        self.dirty = false;
        self.told = Some(Instant::now());
        if let Some(screen) = self.view.changed(&self.emulator) {
            self.hits(&screen);
            self.news.tell(ConsoleNews::Image(Image::Screen(screen)));
        }
    }

    async fn came(&mut self, came: Came<Bytes>, upstream: &mut Upstream<Wire>) -> Result<(), Over> {
        self.heard(came, upstream).await
    }

    async fn asked(
        &mut self,
        request: ConsoleRequest,
        view_only: bool,
        upstream: &mut Upstream<Wire>,
    ) -> Result<(), Over> {
        let modes = self.emulator.modes();
        let told = match request {
            ConsoleRequest::Key(_) | ConsoleRequest::Paste(_) if view_only => None,
            ConsoleRequest::Key(stroke) => {
                self.bottom();
                upstream.types(keys::encode(stroke, modes)).await?
            }
            ConsoleRequest::Paste(text) if text.len() > MOST_PASTED => Some(ConsoleNews::Note(format!(
                "a text of more than {MOST_PASTED} bytes is not typed into a line: nothing was sent"
            ))),
            ConsoleRequest::Paste(text) => {
                self.bottom();
                upstream.types(keys::paste(&text, modes)).await?
            }
            ConsoleRequest::Resize(columns, rows) => match upstream.wants_size((rows, columns)).await? {
                Err(why) => Some(ConsoleNews::Note(why)),
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
        if let Some(told) = told {
            self.news.tell(told);
        }
        Ok(())
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

    /// Something came, whatever way the line has.
    async fn heard<W>(&mut self, came: Came<Bytes>, upstream: &mut Upstream<W>) -> Result<(), Over>
    where
        W: Way<Subject = Past, Input = Typed>,
    {
        match came {
            Came::Host(bytes) => {
                let answer = self.output(&bytes, true).await;
                upstream.read(&bytes, answer, &self.emulator).await?;
            }
            Came::Event(event) => match upstream.look(event, &self.emulator) {
                None => {}
                Some(Asked::Presence(presence)) => self.news.tell(ConsoleNews::Presence(presence)),
                Some(Asked::Input(_, Typed::Size(rows, columns))) => self.resize(rows, columns, upstream),
                Some(Asked::Input(from, input)) => _ = upstream.pass(from, input).await?,
            },
            // Who has the line has answered it.
            Came::Told(Told::Output(bytes)) => drop(self.output(&bytes, true).await),
            Came::Told(Told::Past(bytes)) => drop(self.output(&bytes, false).await),
            Came::Told(Told::Size(rows, columns)) => self.resize(rows, columns, upstream),
            Came::Told(Told::Presence(presence)) => self.news.tell(ConsoleNews::Presence(presence)),
            Came::Told(Told::Note(words)) => self.news.tell(ConsoleNews::Note(words)),
            Came::Told(Told::Picture(_) | Told::Title(_) | Told::Bell | Told::Clipboard(_)) => {
                return Err(garbled().into());
            }
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
        self.recorded(|recording| recording.output(bytes));
        for event in self.emulator.take_events() {
            match event {
                Event::Bell if !live => {}
                Event::Bell => self.news.tell(ConsoleNews::Bell),
                Event::Title(title) => self.news.tell(ConsoleNews::Title(title)),
            }
        }
        answer
    }

    /// Does something to the recording, where there is one; ends it when it cannot be written.
    fn recorded(&mut self, what: impl FnOnce(&mut Recording) -> Result<(), String>) {
        if let Some(Err(why)) = self.recording.as_mut().map(what) {
            self.recording = None;
            self.news.tell(ConsoleNews::Recording(None));
            self.news.tell(ConsoleNews::Note(why));
        }
    }

    fn resize<W>(&mut self, rows: u16, columns: u16, upstream: &mut Upstream<W>)
    where
        W: Way<Subject = Past, Input = Typed>,
    {
        self.emulator.resize(rows, columns);
        self.dirty = true;
        if let Some(recording) = &mut self.recording {
            recording.resized(rows, columns);
        }
        upstream.resized(&self.emulator);
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
        // What is played back begins with what is seen now.
        if let Some(screen) = self.emulator.redraw() {
            self.recorded(|recording| recording.output(&screen).and_then(|()| recording.flush()));
        }
        let path = self.recording.as_ref().map(|r| r.path().to_owned());
        self.news.tell(ConsoleNews::Recording(path));
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use tokio::sync::mpsc::unbounded_channel;

    use super::super::upstream::{How, Own, Shut};
    use super::super::{Session, Shared};
    use super::*;
    use crate::model::console::{ConsoleId, ConsoleKind};

    /// A line that only keeps what it was sent.
    #[derive(Default)]
    struct Kept(Vec<Typed>);

    impl Way for Kept {
        type Subject = Past;
        type News = Bytes;
        type Input = Typed;

        async fn open(_: &Session, _: &Arc<Shared>, _: How) -> Result<Self, Shut> {
            Ok(Self::default())
        }

        async fn next(&mut self) -> Result<Bytes, Over> {
            std::future::pending().await
        }

        async fn send(&mut self, input: Typed) -> Result<Option<String>, Over> {
            self.0.push(input);
            Ok(None)
        }

        fn let_go(&mut self) {}

        async fn close(self) {}
    }

    #[tokio::test]
    async fn a_line_that_is_only_looked_at_answers_no_question() {
        for looks_only in [true, false] {
            let (msgs, _told) = unbounded_channel();
            let target = ConsoleTarget {
                source: "kvm-1".into(),
                uuid: "6f3c".into(),
                name: "web".into(),
                kind: ConsoleKind::Serial,
                device: String::new(),
            };
            let mut line = Line::new(News { id: ConsoleId(1), msgs }, target);
            let mut upstream = Upstream::Own(Own::alone(Kept::default(), looks_only));
            // Where the cursor is, and what kind of terminal this is.
            line.heard(Came::Host("# \x1b[6n\x1b[c".into()), &mut upstream).await.unwrap();
            let Upstream::Own(own) = upstream else { panic!("it is ours") };
            let sent = own.way.0.iter().any(|typed| matches!(typed, Typed::Bytes(bytes) if !bytes.is_empty()));
            assert_eq!(sent, !looks_only, "{:?}", own.way.0);
            assert!(line.emulator.screen(0).text().starts_with('#'), "it is shown all the same");
        }
    }
}
