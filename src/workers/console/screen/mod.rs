//! The screen of a machine, over VNC: shown as text where the picture is one of a text console, else as
//! the picture, whether it comes from the host or from the noctule of somebody who has it.

mod way;

use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use crate::app::effect::ConsoleRequest;
use crate::controllers::vnc::{Buttons, Input, News as Drawn, Refused};
use crate::engine::vga::Reader;
use crate::model::console::{ConsoleNews, Found, Image, Picture, Place, Screen};

use super::share::{Asked, Hub, MOST_TYPED, Shown, Told, garbled};
use super::upstream::{self, Came, Console, Over, Own, Upstream};
use super::{News, Session};
use way::Vnc;

/// The least time between two looks of the screen: a frame of a VNC session.
const FRAME: Duration = Duration::from_millis(33);

/// Runs one until it is closed, ends, or fails.
pub(super) async fn run(session: Session) -> Result<(), String> {
    let show = Show::new(session.news.clone());
    upstream::run(session, show).await
}

/// What is known of an open screen.
struct Show {
    news: News,
    picture: Option<Arc<Picture>>,
    /// The picture is wanted although it could be read.
    as_picture: bool,
    reader: Reader,
    /// The text that was told last, and what was found in it.
    told: Option<Arc<Screen>>,
    found: Option<Found>,
    /// What the next frame tells, and when the last one was.
    due: Due,
    last: Option<Instant>,
}

/// What waits for the next frame: however much comes, no more is told.
#[derive(Debug, Default)]
struct Due {
    picture: bool,
    bell: bool,
    clipboard: Option<String>,
}

impl Due {
    const fn is_any(&self) -> bool {
        self.picture || self.bell || self.clipboard.is_some()
    }
}

impl Console for Show {
    type Way = Vnc;

    fn subject(&self, way: &Vnc) -> Shown {
        Shown::new(way.name())
    }

    fn opened(&mut self, upstream: &Upstream<Vnc>) {
        if let Upstream::Own(own) = upstream {
            self.news.tell(ConsoleNews::Title(own.way.name().to_owned()));
        }
    }

    fn due(&self) -> Option<Instant> {
        self.due.is_any().then(|| self.last.map_or_else(Instant::now, |last| last + FRAME))
    }

    fn tell(&mut self) {
        self.last = Some(Instant::now());
        let due = std::mem::take(&mut self.due);
        if due.picture {
            self.tell_picture();
        }
        if let Some(text) = due.clipboard {
            self.news.tell(ConsoleNews::Clipboard(text));
        }
        if due.bell {
            self.news.tell(ConsoleNews::Bell);
        }
    }

    async fn came(&mut self, came: Came<Drawn>, upstream: &mut Upstream<Vnc>) -> Result<(), Over> {
        match came {
            Came::Host(drawn) => self.drawn(drawn, upstream),
            Came::Event(event) => match upstream.look(event, &()) {
                None => {}
                Some(Asked::Presence(presence)) => self.news.tell(ConsoleNews::Presence(presence)),
                Some(Asked::Input(from, input)) => upstream.pass(from, input).await?,
            },
            Came::Told(Told::Picture(picture)) => self.show(picture),
            Came::Told(Told::Title(title)) => self.news.tell(ConsoleNews::Title(title)),
            Came::Told(Told::Bell) => self.due.bell = true,
            Came::Told(Told::Clipboard(text)) => self.due.clipboard = Some(text),
            Came::Told(Told::Presence(presence)) => self.news.tell(ConsoleNews::Presence(presence)),
            Came::Told(Told::Note(words)) => self.news.tell(ConsoleNews::Note(words)),
            Came::Told(Told::Past(_) | Told::Output(_) | Told::Size(..)) => return Err(garbled().into()),
        }
        Ok(())
    }

    async fn asked(
        &mut self,
        request: ConsoleRequest,
        view_only: bool,
        upstream: &mut Upstream<Vnc>,
    ) -> Result<(), Over> {
        let note = |words: String| Some(ConsoleNews::Note(words));
        let told = match input(request) {
            Ok(Input::Type(text)) if text.len() > MOST_TYPED => {
                note(format!("a text of more than {MOST_TYPED} bytes is not typed into a screen"))
            }
            Ok(_) if view_only => note(Refused::ViewOnly.to_string()),
            Ok(input) => upstream.does(input).await?,
            Err(ConsoleRequest::Control(wanted)) => upstream.control(wanted).await?,
            Err(ConsoleRequest::HandOver) => upstream.hand_over().await?,
            Err(ConsoleRequest::Record(Some(_))) => note("only serial consoles are recorded".to_owned()),
            Err(ConsoleRequest::Picture(wanted)) => {
                self.as_picture = wanted;
                self.told = None;
                self.tell_picture();
                None
            }
            Err(ConsoleRequest::Search { text, backwards }) => {
                self.search(&text, backwards);
                None
            }
            Err(_) => None,
        };
        if let Some(told) = told {
            self.news.tell(told);
        }
        Ok(())
    }
}

impl Show {
    fn new(news: News) -> Self {
        let (reader, due) = (Reader::new(), Due::default());
        Self { news, picture: None, as_picture: false, reader, told: None, found: None, due, last: None }
    }

    /// News of the host's: of what it tells who works at the machine, others have their part.
    fn drawn(&mut self, drawn: Drawn, upstream: &mut Upstream<Vnc>) {
        let Upstream::Own(Own { hub, .. }) = upstream else { return };
        if let Some(frame) = drawn.frame {
            if let Some(hub) = hub {
                hub.drawn(&frame.picture, &frame.damage);
            }
            self.show(frame.picture);
        }
        let ours = |aside: &dyn Fn(&Hub<Shown>) -> bool| hub.as_ref().is_none_or(aside);
        if let Some(text) = drawn.clipboard
            && ours(&|hub| hub.copied(&text))
        {
            self.due.clipboard = Some(text);
        }
        if drawn.bells > 0 && ours(&Hub::rang) {
            self.due.bell = true;
        }
        if let Some(why) = drawn.declined
            && ours(&|hub| hub.told(&why))
        {
            self.news.tell(ConsoleNews::Note(why));
        }
    }

    fn show(&mut self, picture: Arc<Picture>) {
        self.picture = Some(picture);
        self.due.picture = true;
    }

    fn tell_picture(&mut self) {
        let Some(picture) = &self.picture else { return };
        let text = if self.as_picture { None } else { self.reader.feed(picture) };
        let Some(text) = text else {
            self.told = None;
            return self.news.tell(ConsoleNews::Image(Image::Picture(Arc::clone(picture))));
        };
        if self.told.as_deref() != Some(&text.screen) {
            let screen = Arc::new(text.screen);
            self.told = Some(Arc::clone(&screen));
            self.news.tell(ConsoleNews::Image(Image::Screen(screen)));
        }
    }

    /// Looks for a text in what is read of the picture: on from what was found last, and round.
    fn search(&mut self, text: &str, backwards: bool) {
        let all = self.told.as_deref().map(|screen| hits(screen, text)).unwrap_or_default();
        let at = |found: &Found| (found.from.line, found.from.column);
        let last = self.found.as_ref().map(at);
        self.found = if backwards {
            all.iter().rfind(|found| last.is_none_or(|last| at(found) < last)).or_else(|| all.last()).copied()
        } else {
            all.iter().find(|found| last.is_none_or(|last| at(found) > last)).or_else(|| all.first()).copied()
        };
        self.news.tell(ConsoleNews::Found(self.found));
    }
}

/// Where a text is on a screen, from the top; upper and lower case are the same.
fn hits(screen: &Screen, text: &str) -> Vec<Found> {
    let wanted: Vec<char> = text.to_lowercase().chars().collect();
    let mut all = Vec::new();
    for row in 0..screen.rows {
        let line: Vec<char> = screen.line(row).to_lowercase().chars().collect();
        for (at, _) in line.windows(wanted.len().max(1)).enumerate().filter(|(_, piece)| *piece == wanted) {
            let column = |at: usize| u16::try_from(at).unwrap_or(u16::MAX);
            let from = Place { line: screen.top + u64::from(row), column: column(at) };
            all.push(Found { from, to: Place { column: column(at + wanted.len() - 1), ..from } });
        }
    }
    all
}

/// What a request does to the machine; the request again where it does nothing to it.
fn input(request: ConsoleRequest) -> Result<Input, ConsoleRequest> {
    Ok(match request {
        ConsoleRequest::Key(stroke) => Input::Stroke(stroke),
        ConsoleRequest::Combination(name) => Input::Combination(name),
        ConsoleRequest::Paste(text) => Input::Type(text),
        ConsoleRequest::Pointer { x, y, buttons } => Input::Pointer { x, y, buttons: Buttons(buttons) },
        ConsoleRequest::Resize(width, height) => Input::Size { width, height },
        other => return Err(other),
    })
}
