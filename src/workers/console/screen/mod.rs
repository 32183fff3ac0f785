//! The screen of a machine, over VNC: shown as text where the picture is one of a text console, else as
//! the picture, whether it comes from the host or from the noctule of somebody who has it.

mod way;

use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use crate::app::effect::ConsoleRequest;
use crate::controllers::vnc::{Buttons, Input, News as Drawn, Pointer, Refused};
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
    /// The shape of the machine's pointer where drawing it is left to us, and where it was put last. Who
    /// follows another noctule has none.
    pointer: Option<Arc<Pointer>>,
    pointed: Option<(u32, u32)>,
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
                Some(Asked::Input(from, input)) => {
                    let at = place_of(&input);
                    if upstream.pass(from, input).await? {
                        self.points(at);
                    }
                }
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
            Ok(input) => {
                let at = place_of(&input);
                let told = upstream.does(input).await?;
                if !matches!(told, Some(ConsoleNews::Note(_))) {
                    self.points(at);
                }
                told
            }
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
        Self {
            news,
            picture: None,
            pointer: None,
            pointed: None,
            as_picture: false,
            reader,
            told: None,
            found: None,
            due,
            last: None,
        }
    }

    /// Follows the pointer: a machine that leaves its shape to us does not say where it is.
    fn points(&mut self, at: Option<(u32, u32)>) {
        if at.is_some() {
            self.pointed = at;
            self.due.picture |= self.pointer.is_some() && self.told.is_none();
        }
    }

    /// The picture as it is to be seen.
    fn pointed_at(&self, picture: &Arc<Picture>) -> Arc<Picture> {
        match (&self.pointer, self.pointed) {
            (Some(pointer), Some(at)) if !pointer.rgba.is_empty() => Arc::new(pointer.over(picture, at)),
            _ => Arc::clone(picture),
        }
    }

    /// News of the host's: of what it tells who works at the machine, others have their part.
    fn drawn(&mut self, drawn: Drawn, upstream: &mut Upstream<Vnc>) {
        let Upstream::Own(Own { hub, .. }) = upstream else { return };
        if let Some(frame) = drawn.frame {
            if let Some(hub) = hub {
                hub.drawn(&frame.picture, &frame.damage);
            }
            self.pointer = frame.pointer;
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
            return self.news.tell(ConsoleNews::Image(Image::Picture(self.pointed_at(picture))));
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

/// Where an input puts the pointer.
fn place_of(input: &Input) -> Option<(u32, u32)> {
    match input {
        Input::Pointer { x, y, .. } => Some((u32::from(*x), u32::from(*y))),
        _ => None,
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

#[cfg(test)]
mod tests {
    use tokio::sync::mpsc::unbounded_channel;

    use super::*;
    use crate::app::message::Msg;
    use crate::model::console::ConsoleId;

    #[test]
    fn a_pointer_that_is_ours_to_draw_follows_ours_and_lies_over_no_text() {
        let (msgs, mut told) = unbounded_channel();
        let mut show = Show::new(News { id: ConsoleId(1), msgs });
        show.pointer = Some(Arc::new(Pointer { width: 1, height: 1, hot: (0, 0), rgba: vec![9, 8, 7, 255] }));
        show.show(Arc::new(Picture::new(8, 4)));
        let mut seen = |show: &mut Show| {
            show.tell();
            match told.try_recv() {
                Ok(Msg::Console(_, ConsoleNews::Image(Image::Picture(picture)))) => Some(picture.pixel(3, 2)),
                _ => None,
            }
        };
        assert_eq!(seen(&mut show), Some([0; 3]), "nobody knows yet where it is");
        show.points(place_of(&Input::Pointer { x: 3, y: 2, buttons: Buttons(0) }));
        assert!(show.due().is_some());
        assert_eq!(seen(&mut show), Some([9, 8, 7]));
        show.points(place_of(&Input::LetGo));
        assert!(show.due().is_none());
        show.told = Some(Arc::default());
        show.points(place_of(&Input::Pointer { x: 0, y: 0, buttons: Buttons(0) }));
        assert!(show.due().is_none(), "what is read has no pointer");
    }
}
