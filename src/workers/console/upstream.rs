//! Where a line comes from: the host itself, perhaps with others who share it, or the noctule of
//! somebody who has it already.

use std::future::pending;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use tokio::sync::mpsc::UnboundedReceiver;
use tokio::time::{sleep, timeout};

use crate::app::effect::ConsoleRequest;
use crate::controllers::libvirt::client::Connection;
use crate::controllers::libvirt::flags::console;
use crate::controllers::libvirt::stream::{Stream, StreamWriter};
use crate::controllers::libvirt::xml;
use crate::engine::emulator::Emulator;
use crate::model::console::{ConsoleNews, ConsolePhase, ConsoleTarget, Presence};

use super::share::{self, Asked, Done, End, Entry, Event, Guest, Hub, Link, Place, Seat, Told};
use super::{Session, Shared, Used, domain_of};

/// Pause before a console is taken over whose noctule has gone, ms: not all come at once.
const JITTER: std::ops::Range<u64> = 20..300;
/// How long a host may take to notice that the one who had the console is gone.
const LINGER: Duration = Duration::from_secs(5);
/// Between two tries in that time.
const AGAIN: Duration = Duration::from_millis(250);
/// How long the noctule that has a console may take to let us in: it may be opening it.
const WELCOME: Duration = Duration::from_secs(30);

/// What comes over it.
#[derive(Debug)]
pub(super) enum Came {
    /// Output of the guest.
    Output(Bytes),
    /// Output from before.
    Past(Vec<u8>),
    /// The terminal has so many rows and columns.
    Size(u16, u16),
    /// Who looks and who types.
    Presence(Presence),
    /// Words for the operator.
    Note(String),
    /// Something of those who share ours: [`Upstream::look`] deals with it.
    Event(Event),
}

/// Why it is over.
#[derive(Debug)]
pub(super) enum Over {
    /// Whoever had the console is gone: it is opened anew.
    Gone,
    /// The guest's end of the line.
    Ended(String),
    /// The way to it broke.
    Broken(String),
}

/// A line that is open.
pub(super) enum Upstream {
    /// Ours.
    Own(Box<Own>),
    /// That of another noctule.
    Theirs(Box<Link>),
}

/// A line that is ours.
pub(super) struct Own {
    connection: Connection,
    stream: Stream,
    writer: StreamWriter,
    hub: Option<Hub>,
    /// The name of the machine.
    name: String,
}

impl Upstream {
    /// The next that comes. May be cancelled: nothing is lost.
    pub(super) async fn next(&mut self) -> Result<Came, Over> {
        match self {
            Self::Own(own) => {
                let shared = async {
                    match &mut own.hub {
                        Some(hub) => hub.next().await,
                        None => pending().await,
                    }
                };
                tokio::select! {
                    read = own.stream.read() => match read {
                        Ok(Some(bytes)) => Ok(Came::Output(bytes)),
                        Ok(None) => Err(Over::Ended(format!(
                            "{} closed the line: it was shut down or its console taken over", own.name
                        ))),
                        Err(error) => Err(Over::Broken(error.to_string())),
                    },
                    event = shared => Ok(Came::Event(event)),
                }
            }
            Self::Theirs(link) => Ok(match link.next().await? {
                Told::Past(bytes) => Came::Past(bytes),
                Told::Output(bytes) => Came::Output(bytes.into()),
                Told::Size(rows, columns) => Came::Size(rows, columns),
                Told::Presence(presence) => Came::Presence(presence),
                Told::Note(words) => Came::Note(words),
            }),
        }
    }

    /// Deals with what those who share ours want.
    pub(super) async fn look(&mut self, event: Event, emulator: &Emulator) -> Result<Option<Came>, Over> {
        let Self::Own(own) = self else { return Ok(None) };
        Ok(match own.hub.as_mut().and_then(|hub| hub.look(event, emulator)) {
            None => None,
            Some(Asked::Input(bytes)) => {
                own.send(bytes).await?;
                None
            }
            Some(Asked::Size(rows, columns)) => Some(Came::Size(rows, columns)),
            Some(Asked::Presence(presence)) => Some(Came::Presence(presence)),
        })
    }

    /// The emulator has read output: others see it, and the guest gets its answer. One emulator answers
    /// for all.
    pub(super) async fn read(&mut self, bytes: &[u8], answer: Vec<u8>, emulator: &Emulator) -> Result<(), Over> {
        let Self::Own(own) = self else { return Ok(()) };
        if let Some(hub) = &mut own.hub {
            hub.output(bytes, emulator);
        }
        own.send(answer.into()).await
    }

    /// The operator types; what is to be told because of it.
    pub(super) async fn types(&mut self, bytes: Vec<u8>) -> Result<Option<Came>, Over> {
        if bytes.is_empty() {
            return Ok(None);
        }
        let own = match self {
            Self::Theirs(link) => {
                link.input(&bytes).await?;
                return Ok(None);
            }
            Self::Own(own) => own,
        };
        let told = match own.hub.as_mut().map(Hub::types) {
            Some(Err(why)) => return Ok(Some(Came::Note(why))),
            Some(Ok(presence)) => presence.map(Came::Presence),
            None => None,
        };
        own.send(bytes.into()).await?;
        Ok(told)
    }

    /// The operator wants another size. Whether it is for us to set it, now.
    pub(super) async fn wants_size(&mut self, (rows, columns): (u16, u16)) -> Result<Result<bool, String>, Over> {
        match self {
            // It comes back, in its place among the output.
            Self::Theirs(link) => {
                link.size(rows, columns).await?;
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
        if let Self::Own(own) = self
            && let Some(hub) = &mut own.hub
        {
            hub.resized(emulator);
        }
    }

    /// The operator asks for control, or gives it back.
    pub(super) async fn control(&mut self, wanted: bool) -> Result<Option<Came>, Over> {
        match self {
            Self::Theirs(link) => link.control(wanted).await.map(|()| None).map_err(Into::into),
            Self::Own(own) => Ok(own.answer(|hub| hub.control(wanted))),
        }
    }

    /// The operator hands control over.
    pub(super) async fn hand_over(&mut self) -> Result<Option<Came>, Over> {
        match self {
            Self::Theirs(link) => link.hand_over().await.map(|()| None).map_err(Into::into),
            Self::Own(own) => Ok(own.answer(Hub::hand_over)),
        }
    }

    /// Who looks and who types, where that is known already.
    pub(super) fn presence(&self) -> Option<Presence> {
        match self {
            Self::Own(own) => own.hub.as_ref().map(Hub::presence),
            Self::Theirs(_) => None,
        }
    }

    /// Lets go of it. The host first: whoever takes it over must not find it in use.
    pub(super) async fn close(self, over: Option<&Over>) {
        let Self::Own(own) = self else { return };
        let Own { connection, stream, hub, .. } = *own;
        drop(stream);
        connection.close().await;
        if let (Some(hub), Some(Over::Ended(why))) = (hub, over) {
            hub.end(why).await;
        }
    }
}

impl Own {
    async fn send(&self, bytes: Bytes) -> Result<(), Over> {
        if bytes.is_empty() {
            return Ok(());
        }
        self.writer.write(bytes).await.map_err(|e| Over::Broken(e.to_string()))
    }

    fn answer(&mut self, ask: impl FnOnce(&mut Hub) -> Result<Option<Presence>, String>) -> Option<Came> {
        let Some(hub) = &mut self.hub else {
            return Some(Came::Note("it is not shared: there is no [source.share] for its host".to_owned()));
        };
        match ask(hub) {
            Ok(presence) => presence.map(Came::Presence),
            Err(why) => Some(Came::Note(why)),
        }
    }
}

impl From<End> for Over {
    fn from(end: End) -> Self {
        match end {
            End::Gone => Self::Gone,
            End::Ended(why) => Self::Ended(why),
        }
    }
}

/// How long to wait before a console is taken over.
pub(super) fn pause() -> Duration {
    Duration::from_millis(fastrand::u64(JITTER))
}

/// Opens a line: through the noctule that has it already, else from the host; asks where somebody else
/// holds it. `None`: the console was closed meanwhile.
pub(super) async fn open(session: &mut Session, emulator: &Emulator, again: bool) -> Result<Option<Upstream>, String> {
    let shared = Arc::clone(session.host()?);
    let mut place = match place(&shared, &session.target).await {
        Ok(place) => place,
        Err(why) => {
            session.news.tell(ConsoleNews::Note(format!("it is not shared: {why}")));
            None
        }
    };
    let (mut flags, mut linger) = (0, again.then(Instant::now));
    loop {
        let mut seat = None;
        match &place {
            None => {}
            Some(at) => match at.enter().await {
                Ok(Entry::Seat(ours)) => seat = Some(ours),
                Ok(Entry::Stream(stream)) => {
                    let guest = Guest {
                        name: session.operator.clone(),
                        console: at.console().to_owned(),
                        looks_only: session.view_only,
                        knows: again,
                    };
                    let held = match joined(session, Link::join(stream, guest)).await {
                        Joined::In(link) => {
                            note(&shared, session, "looks at it through another noctule");
                            return Ok(Some(Upstream::Theirs(link)));
                        }
                        Joined::Closed => return Ok(None),
                        Joined::No(End::Gone) => {
                            linger = Some(Instant::now());
                            sleep(pause()).await;
                            continue;
                        }
                        Joined::No(End::Ended(why)) => why,
                        Joined::Late => "another noctule here has it and does not answer".to_owned(),
                    };
                    if !take_over(session, held).await? {
                        return Ok(None);
                    }
                    (place, flags) = (None, console::FORCE);
                    continue;
                }
                Err(error) => {
                    session.news.tell(ConsoleNews::Note(format!("it is not shared: {error}")));
                    place = None;
                }
            },
        }
        let connection = shared.connect().await.map_err(|e| e.to_string())?;
        let domain = domain_of(&connection, &session.target).await?;
        let device = Some(session.target.device.as_str()).filter(|d| !d.is_empty());
        match connection.console(&domain, device, flags).await {
            Ok(stream) => {
                let hub = seat.map(|seat| hub(seat, &shared, session, emulator));
                let (writer, name) = (stream.writer(), session.target.name.clone());
                return Ok(Some(Upstream::Own(Box::new(Own { connection, stream, writer, hub, name }))));
            }
            Err(error) if error.console_in_use() => {
                connection.close().await;
                if linger.is_some_and(|since| since.elapsed() < LINGER) {
                    sleep(AGAIN).await;
                    continue;
                }
                // Nobody else waits for us while the operator thinks about it.
                drop(seat);
                if !take_over(session, error.to_string()).await? {
                    return Ok(None);
                }
                flags = console::FORCE;
            }
            Err(error) => {
                connection.close().await;
                return Err(error.to_string());
            }
        }
    }
}

/// Where the users of this machine meet over a console, when they do.
async fn place(shared: &Shared, target: &ConsoleTarget) -> Result<Option<Place>, String> {
    let Some(share) = &shared.config.share else { return Ok(None) };
    let connection = shared.connection().await.map_err(|e| e.to_string())?;
    let text = connection.capabilities().await.map_err(|e| e.to_string())?;
    let host = xml::capabilities(&text).map_err(|e| e.to_string())?.uuid;
    Place::new(share, &host, target).map(Some).map_err(|e| e.to_string())
}

fn hub(seat: Seat, shared: &Arc<Shared>, session: &Session, emulator: &Emulator) -> Hub {
    let minutes = shared.config.share.as_ref().map_or(1, |share| share.idle_min);
    let (shared, target) = (Arc::clone(shared), session.target.clone());
    let others = std::sync::Mutex::new(Vec::new());
    let audit: share::Audit = Box::new(move |done| {
        log(&shared, &target, done.who(), &done.words());
        let mut others = crate::workers::lock(&others);
        match done {
            Done::Joined(who) => others.push((who.clone(), Used::new(Arc::clone(&shared), &target, who))),
            Done::Left(who) => {
                if let Some(at) = others.iter().position(|(name, _)| name == who) {
                    others.remove(at);
                }
            }
            Done::Asks(_) | Done::Took(_) | Done::Freed(_) => {}
        }
    });
    Hub::start(seat, (&session.operator, session.view_only), Duration::from_secs(minutes * 60), emulator, audit)
}

fn note(shared: &Shared, session: &Session, words: &str) {
    log(shared, &session.target, &session.operator, words);
}

/// A row of the log. What is typed is in none.
fn log(shared: &Shared, target: &ConsoleTarget, who: &str, words: &str) {
    shared.log(who, "console.share", &target.canonical(), Instant::now(), Ok(words));
}

/// What came of asking to be let in.
enum Joined {
    In(Box<Link>),
    No(End),
    Late,
    /// The console was closed meanwhile.
    Closed,
}

async fn joined(session: &mut Session, join: impl Future<Output = Result<Link, End>>) -> Joined {
    let closed = async { while session.requests.recv().await.is_some() {} };
    tokio::select! {
        () = closed => Joined::Closed,
        joined = timeout(WELCOME, join) => match joined {
            Ok(Ok(link)) => Joined::In(Box::new(link)),
            Ok(Err(end)) => Joined::No(end),
            Err(_) => Joined::Late,
        },
    }
}

/// Says who has it and waits for the word; `false`: the console was closed. Taking over throws somebody
/// out, which is none of looking on.
async fn take_over(session: &mut Session, held: String) -> Result<bool, String> {
    if session.view_only {
        return Err(format!("{held}; a read-only profile takes no console over"));
    }
    session.news.phase(ConsolePhase::Held(held));
    if !wanted(&mut session.requests).await {
        return Ok(false);
    }
    session.news.phase(ConsolePhase::Opening);
    Ok(true)
}

async fn wanted(requests: &mut UnboundedReceiver<ConsoleRequest>) -> bool {
    loop {
        match requests.recv().await {
            None => return false,
            Some(ConsoleRequest::TakeOver) => return true,
            Some(_) => {}
        }
    }
}
