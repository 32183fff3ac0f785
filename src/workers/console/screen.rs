//! The screen of a machine, over VNC: through the same way as its host (nothing listens here), shown as
//! text where the picture is one of a text console, else as the picture.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::timeout;

use crate::app::effect::ConsoleRequest;
use crate::config::schema::Libvirt;
use crate::controllers::libvirt::xml;
use crate::controllers::route::{Route, RouteStream};
use crate::controllers::vnc::{self, Buttons, Input, News as Told, Options};
use crate::engine::vga::Reader;
use crate::model::console::{ConsoleNews, ConsolePhase, Found, Image, Picture, Place, Screen};
use crate::model::text::clean;
use crate::model::vm::definition::Graphics;

use super::{News, Session, Used, domain_of};

/// How long the way to the screen may take.
const WAY: Duration = Duration::from_secs(15);
/// Bytes of a text that is typed into a guest at most: every character is a key.
const MOST_TYPED: usize = 4096;

/// Runs one until it is closed, ends, or fails.
pub(super) async fn run(mut session: Session) -> Result<(), String> {
    let shared = Arc::clone(session.host()?);
    let graphics = screen_of(&session).await?;
    let stream = timeout(WAY, reach(&shared.config, &graphics));
    let stream = stream.await.map_err(|_| format!("its screen is not reached within {} s", WAY.as_secs()))??;
    let options = Options {
        password: password(&shared.config, &session.target.name).await?,
        view_only: session.view_only,
        near: shared.config.ssh.is_none(),
        ..Options::default()
    };
    let screen = vnc::connect(stream, options).await.map_err(|e| e.to_string())?;
    let _used = Used::new(shared, &session.target, &session.operator);
    session.news.phase(ConsolePhase::Open);
    session.news.tell(ConsoleNews::Title(screen.name().to_owned()));
    let news = session.news.clone();
    Show { news, picture: None, as_picture: false, reader: Reader::new(), told: None }
        .follow(&mut session, screen)
        .await
}

/// The first VNC screen of the machine as it runs.
async fn screen_of(session: &Session) -> Result<Graphics, String> {
    let (connection, _) = session.host()?.connection().await.map_err(|e| e.to_string())?;
    let domain = domain_of(&connection, &session.target).await?;
    if domain.id < 0 {
        return Err(format!("{} is off: start it first", clean(&domain.name)));
    }
    let text = connection.xml(&domain, 0).await.map_err(|e| e.to_string())?;
    let definition = xml::definition(&text).map_err(|e| e.to_string())?;
    let kinds: Vec<&str> = definition.graphics.iter().map(|g| g.kind.as_str()).collect();
    let words = match kinds.as_slice() {
        [] => format!("{} has no screen: use its serial console", clean(&domain.name)),
        kinds => format!("{} has only {}: VNC is what is shown here", clean(&domain.name), clean(&kinds.join(", "))),
    };
    definition.graphics.into_iter().find(|g| g.kind == "vnc").ok_or(words)
}

/// A connection to the screen, by the way of its host.
async fn reach(config: &Libvirt, graphics: &Graphics) -> Result<RouteStream, String> {
    let route = Route::of(config.ssh.as_ref());
    let reached = if graphics.socket.is_empty() {
        let port = graphics.port.ok_or("its screen has neither a port nor a socket")?;
        // What listens everywhere is reached on the host itself.
        let address = match graphics.address.as_str() {
            "" | "0.0.0.0" | "::" => "127.0.0.1",
            address => address,
        };
        route.connect(address, port).await
    } else {
        route.connect_unix(Path::new(&graphics.socket)).await
    };
    reached.map_err(|e| format!("its screen is not reached from {}: {e}", route.word()))
}

/// The password of its screen, where one is configured.
async fn password(config: &Libvirt, name: &str) -> Result<Option<secrecy::SecretString>, String> {
    let Some(reference) = config.vnc_passwords.get(name).or_else(|| config.vnc_passwords.get("*")).cloned() else {
        return Ok(None);
    };
    let read = crate::workers::blocking(move || reference.resolve());
    let secret = read.await?.map_err(|e| e.to_string())?;
    Ok(Some(secret))
}

/// What is known of an open screen.
struct Show {
    news: News,
    picture: Option<Arc<Picture>>,
    /// The picture is wanted although it could be read.
    as_picture: bool,
    reader: Reader,
    /// The text that was told last.
    told: Option<Arc<Screen>>,
}

impl Show {
    async fn follow(mut self, session: &mut Session, mut screen: vnc::Session) -> Result<(), String> {
        loop {
            tokio::select! {
                biased;
                request = session.requests.recv() => {
                    let Some(request) = request else { return Ok(()) };
                    self.asked(request, &screen);
                }
                told = screen.next() => self.told(told.map_err(|e| e.to_string())?),
            }
        }
    }

    fn told(&mut self, told: Told) {
        if let Some(frame) = told.frame {
            self.picture = Some(frame.picture);
            self.tell();
        }
        if let Some(text) = told.clipboard {
            self.news.tell(ConsoleNews::Clipboard(text));
        }
        if told.bells > 0 {
            self.news.tell(ConsoleNews::Bell);
        }
    }

    fn tell(&mut self) {
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

    /// Looks for a text in what is read of the picture.
    fn search(&self, text: &str) {
        let found = self.told.as_ref().and_then(|screen| {
            let line = |row: u16| screen.line(row).to_lowercase();
            (0..screen.rows).find_map(|row| {
                let at = line(row).find(&text.to_lowercase())?;
                let column = u16::try_from(line(row).get(..at)?.chars().count()).ok()?;
                let width = u16::try_from(text.chars().count()).ok()?.max(1);
                let from = Place { line: screen.top + u64::from(row), column };
                Some(Found { from, to: Place { column: column + width - 1, ..from } })
            })
        });
        self.news.tell(ConsoleNews::Found(found));
    }

    fn asked(&mut self, request: ConsoleRequest, screen: &vnc::Session) {
        let input = match request {
            ConsoleRequest::Key(stroke) => Input::Stroke(stroke),
            ConsoleRequest::Combination(name) => Input::Combination(name),
            ConsoleRequest::Paste(text) if text.len() > MOST_TYPED => {
                let words = format!("a text of more than {MOST_TYPED} bytes is not typed into a screen");
                return self.news.tell(ConsoleNews::Note(words));
            }
            ConsoleRequest::Paste(text) => Input::Type(text),
            ConsoleRequest::Pointer { x, y, buttons } => Input::Pointer { x, y, buttons: Buttons(buttons) },
            ConsoleRequest::Resize(width, height) => Input::Size { width, height },
            ConsoleRequest::Picture(wanted) => {
                self.as_picture = wanted;
                self.told = None;
                return self.tell();
            }
            ConsoleRequest::Search { text, .. } => return self.search(&text),
            ConsoleRequest::Record(Some(_)) => {
                return self.news.tell(ConsoleNews::Note("only serial consoles are recorded".to_owned()));
            }
            ConsoleRequest::Open { .. }
            | ConsoleRequest::Close
            | ConsoleRequest::TakeOver
            | ConsoleRequest::Scroll(_)
            | ConsoleRequest::Record(None)
            | ConsoleRequest::Copy(_)
            | ConsoleRequest::Reset
            | ConsoleRequest::Control(_)
            | ConsoleRequest::HandOver => return,
        };
        if let Err(why) = screen.send(input) {
            self.news.tell(ConsoleNews::Note(why.to_string()));
        }
    }
}
