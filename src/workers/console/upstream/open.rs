//! How a console is opened: at the place where those who share it meet, through whoever has it there,
//! else from the host.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::mpsc::UnboundedReceiver;
use tokio::time::{sleep, timeout};

use crate::app::effect::ConsoleRequest;
use crate::controllers::libvirt::xml;
use crate::model::console::{ConsoleNews, ConsolePhase, ConsoleTarget};

use super::super::share::{self, Done, End, Entry, Guest, Hub, Link, Place, Seat, Subject};
use super::super::{Session, Shared, Used};
use super::{Console, How, Own, Shut, Upstream, Way};

/// Pause before a console is taken over whose noctule has gone, ms: not all come at once.
const JITTER: std::ops::Range<u64> = 20..300;
/// How long a host may take to notice that the one who had the console is gone.
const LINGER: Duration = Duration::from_secs(5);
/// Between two tries in that time.
const AGAIN: Duration = Duration::from_millis(250);
/// How long the noctule that has a console may take to let us in: it may be opening it.
const WELCOME: Duration = Duration::from_secs(30);

/// How often one that hangs up before it lets us in is asked again.
const MOST_GONE: u32 = 20;

/// How long to wait before a console is taken over.
pub(super) fn pause() -> Duration {
    Duration::from_millis(fastrand::u64(JITTER))
}

/// Opens a console: through the noctule that has it already, else from the host; asks where somebody
/// else holds it. `None`: it was closed meanwhile.
pub(super) async fn open<C: Console>(
    session: &mut Session,
    console: &C,
    again: bool,
) -> Result<Option<Upstream<C::Way>>, String> {
    let shared = Arc::clone(session.host()?);
    let mut place = match place(&shared, &session.target).await {
        Ok(place) => place,
        Err(why) => {
            session.news.tell(ConsoleNews::Note(format!("it is not shared: {why}")));
            None
        }
    };
    let (mut force, mut linger) = (false, again.then(Instant::now));
    let mut gone = 0;
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
                            log(
                                &shared,
                                &session.target,
                                "console.share",
                                &session.operator,
                                "follows it through another noctule",
                            );
                            return Ok(Some(Upstream::Theirs(link)));
                        }
                        Joined::Closed => return Ok(None),
                        Joined::No(End::Gone) if gone < MOST_GONE => {
                            gone += 1;
                            linger = Some(Instant::now());
                            sleep(pause()).await;
                            continue;
                        }
                        Joined::No(End::Gone) => "another noctule here has it and hangs up at once".to_owned(),
                        Joined::No(End::Ended(why)) => why,
                        Joined::Late => "another noctule here has it and does not answer".to_owned(),
                    };
                    if !take_over(session, held).await? {
                        return Ok(None);
                    }
                    (place, force) = (None, true);
                    continue;
                }
                Err(error) => {
                    session.news.tell(ConsoleNews::Note(format!("it is not shared: {error}")));
                    place = None;
                }
            },
        }
        match C::Way::open(session, &shared, How { force, shared: seat.is_some() }).await {
            Ok(way) => {
                let hub = seat.map(|seat| hub(seat, &shared, session, console.subject(&way)));
                return Ok(Some(Upstream::Own(Own { way, hub, looks_only: session.view_only })));
            }
            Err(Shut::Held(words)) => {
                if linger.is_some_and(|since| since.elapsed() < LINGER) {
                    sleep(AGAIN).await;
                    continue;
                }
                // Nobody else waits for us while the operator thinks about it.
                drop(seat);
                if !take_over(session, words).await? {
                    return Ok(None);
                }
                force = true;
            }
            Err(Shut::Failed(why)) => return Err(why),
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

fn hub<S: Subject>(seat: Seat, shared: &Arc<Shared>, session: &Session, subject: S) -> Hub<S> {
    let minutes = shared.config.share.as_ref().map_or(1, |share| share.idle_min);
    let (shared, target) = (Arc::clone(shared), session.target.clone());
    let others = std::sync::Mutex::new(Vec::new());
    let audit: share::Audit = Box::new(move |done| {
        log(&shared, &target, "console.share", done.who(), done.words());
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
    Hub::start(seat, (&session.operator, session.view_only), Duration::from_secs(minutes * 60), subject, audit)
}

/// An operator at a console: the log has who came to which and how long they stayed, also where the
/// program ends under it.
pub(super) struct Visit {
    shared: Arc<Shared>,
    target: ConsoleTarget,
    operator: String,
    began: Instant,
    _used: Used,
}

impl Visit {
    /// Begins with the console open.
    pub(super) fn new(shared: Arc<Shared>, session: &Session) -> Self {
        let (target, operator) = (session.target.clone(), session.operator.clone());
        log(&shared, &target, "console.open", &operator, target.kind.word());
        let used = Used::new(Arc::clone(&shared), &target, &operator);
        Self { shared, target, operator, began: Instant::now(), _used: used }
    }
}

impl Drop for Visit {
    fn drop(&mut self) {
        let words = format!("{}, {} s", self.target.kind.word(), self.began.elapsed().as_secs());
        log(&self.shared, &self.target, "console.close", &self.operator, &words);
    }
}

/// A row of the log, and a line of the log file. What is typed is in neither.
fn log(shared: &Shared, target: &ConsoleTarget, call: &str, who: &str, words: &str) {
    tracing::info!(console = %target.canonical(), kind = target.kind.word(), call, who, "{words}");
    shared.log(who, call, &target.canonical(), Instant::now(), Ok(words));
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
