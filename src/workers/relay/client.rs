//! The end of everybody else: hands intents to the process that owns the cache.

use std::path::{Path, PathBuf};
use std::time::Duration;

use futures_util::{SinkExt as _, StreamExt as _};
use tokio::net::UnixStream;
use tokio::sync::mpsc::UnboundedSender;
use tokio::time::{Instant, sleep, timeout};
use tokio_util::codec::{Framed, LengthDelimitedCodec};
use tokio_util::sync::CancellationToken;

use crate::app::message::{Msg, OwnerNews};
use crate::model::command::{Intent, Outcome};
use crate::model::ids::ActionId;
use crate::model::text;
use crate::store;
use crate::workers::actions::Progress;

use super::server::ALIVE;
use super::socket::{Error, address, ours};
use super::wire::{About, Ask, PROTOCOL, Status, Tell, Wish, codec, pack, unpack};

/// How long the owner has to answer before anything has begun.
const PATIENCE: Duration = Duration::from_secs(5);
/// Without a sign of life for so long, the owner hangs.
const HANGS: Duration = Duration::from_secs(ALIVE.as_secs() * 6);
/// An owner that has not been reached for so long is called silent: it may be starting, or ending.
const SILENT: Duration = Duration::from_secs(1);
/// An owner that ended is told again so often while nobody has taken the cache over.
const AGAIN: Duration = Duration::from_secs(5);
/// Between two looks for an owner: at first, and at most.
const LOOK: (Duration, Duration) = (Duration::from_millis(50), Duration::from_secs(1));

/// The way to the process that owns a cache. Cheap to clone; a connection is made for each call.
#[derive(Debug, Clone)]
pub struct Client {
    cache: PathBuf,
}

impl Client {
    /// To the owner of the cache at this path.
    #[must_use]
    pub fn new(cache: &Path) -> Self {
        Self { cache: cache.to_owned() }
    }

    /// Connects, and learns who the owner is.
    ///
    /// # Errors
    /// Why it cannot be reached.
    pub async fn greet(&self) -> Result<Link, Error> {
        let path = address(&self.cache)?;
        let absent = |why: String| Error::Absent { path: path.clone(), why };
        let stream = timeout(PATIENCE, UnixStream::connect(&path)).await.map_err(|_| Error::Silent)?;
        let stream = stream.map_err(|e| absent(e.to_string()))?;
        ours(&stream, &path)?;
        let mut wire = Framed::new(stream, codec());
        say(&mut wire, &Ask::Hello { protocol: PROTOCOL, pid: std::process::id() }).await?;
        match hear(&mut wire).await? {
            Tell::Hello(about) if about.protocol == PROTOCOL => Ok(Link { about, wire }),
            Tell::Hello(about) => Err(Error::Version { theirs: about.protocol }),
            Tell::Refused(why) => Err(Error::Refused(text::clean(&why).into_owned())),
            _ => Err(Error::Garbled),
        }
    }

    /// How the owner does.
    ///
    /// # Errors
    /// Why it does not say.
    pub async fn status(&self) -> Result<Status, Error> {
        let Link { mut wire, .. } = self.greet().await?;
        say(&mut wire, &Ask::Status).await?;
        match hear(&mut wire).await? {
            Tell::Status(status) => Ok(status),
            _ => Err(Error::Garbled),
        }
    }

    /// Has the owner run an intent that our own gate has let through, to its end or until `stop`.
    ///
    /// # Errors
    /// Only when nothing has begun; whatever happens later is told in the outcome.
    pub async fn run(
        &self,
        intent: &Intent,
        stop: &CancellationToken,
        progress: &dyn Progress,
    ) -> Result<Outcome, Error> {
        self.ask(&Ask::Run(Wish::from(intent)), intent.command, stop, progress).await
    }

    /// Has the owner take a batch of actions back. As [`Client::run`].
    ///
    /// # Errors
    /// As [`Client::run`].
    pub async fn undo(
        &self,
        batch: ActionId,
        actor: &str,
        stop: &CancellationToken,
        progress: &dyn Progress,
    ) -> Result<Outcome, Error> {
        self.ask(&Ask::Undo { batch, actor: actor.to_owned() }, "undo", stop, progress).await
    }

    async fn ask(
        &self,
        ask: &Ask,
        command: &str,
        stop: &CancellationToken,
        progress: &dyn Progress,
    ) -> Result<Outcome, Error> {
        let Link { mut wire, .. } = self.greet().await?;
        say(&mut wire, ask).await?;
        match hear(&mut wire).await? {
            Tell::Taken => Ok(outcome(&mut wire, command, stop, progress).await),
            Tell::Refused(why) => Err(Error::Refused(text::clean(&why).into_owned())),
            _ => Err(Error::Garbled),
        }
    }

    /// Waits until nobody owns the cache any more.
    pub async fn gone(&self) {
        let mut pause = LOOK.0;
        loop {
            if let Ok(link) = self.greet().await {
                link.closed().await;
                pause = LOOK.0;
            }
            if !self.owned().await {
                return;
            }
            sleep(pause).await;
            pause = (pause * 2).min(LOOK.1);
        }
    }

    async fn owned(&self) -> bool {
        let cache = self.cache.clone();
        let owner = crate::workers::blocking(move || store::owner(&cache)).await;
        // What cannot be found out is not taken for an end.
        !matches!(owner, Ok(Ok(None)))
    }

    /// Follows the owner for a screen: whether it can be reached, and its end.
    pub async fn follow(self, msgs: UnboundedSender<Msg>, stop: CancellationToken) {
        let watch = async {
            let (mut pause, mut heard, mut told) = (LOOK.0, Instant::now(), None);
            loop {
                match self.greet().await {
                    Ok(link) => {
                        tell(&msgs, &mut told, OwnerNews::Answers(link.about.pid));
                        link.closed().await;
                        (pause, heard) = (LOOK.0, Instant::now());
                    }
                    Err(error) if heard.elapsed() >= SILENT => {
                        tell(&msgs, &mut told, OwnerNews::Silent(error.to_string().into()));
                    }
                    Err(_) => {}
                }
                if !self.owned().await {
                    let _ = msgs.send(Msg::Owner(OwnerNews::Gone));
                    told = None;
                    pause = AGAIN;
                }
                sleep(pause).await;
                pause = (pause * 2).min(LOOK.1);
            }
        };
        tokio::select! {
            () = stop.cancelled() => {}
            () = watch => {}
        }
    }
}

fn tell(msgs: &UnboundedSender<Msg>, told: &mut Option<OwnerNews>, news: OwnerNews) {
    if told.as_ref() != Some(&news) {
        let _ = msgs.send(Msg::Owner(news.clone()));
        *told = Some(news);
    }
}

type Wire = Framed<UnixStream, LengthDelimitedCodec>;

/// A connection to the owner.
#[derive(Debug)]
pub struct Link {
    /// Who it is.
    pub about: About,
    wire: Wire,
}

impl Link {
    /// Waits until the owner hangs up.
    pub async fn closed(mut self) {
        while let Some(Ok(_)) = self.wire.next().await {}
    }
}

async fn say(wire: &mut Wire, what: &Ask) -> Result<(), Error> {
    let frame = pack(what).ok_or(Error::TooMuch)?;
    match timeout(PATIENCE, wire.send(frame)).await {
        Ok(Ok(())) => Ok(()),
        Ok(Err(error)) => Err(Error::HungUp(error.to_string())),
        Err(_) => Err(Error::Silent),
    }
}

async fn hear(wire: &mut Wire) -> Result<Tell, Error> {
    match timeout(PATIENCE, wire.next()).await {
        Ok(Some(Ok(frame))) => unpack(&frame).ok_or(Error::Garbled),
        Ok(Some(Err(error))) => Err(Error::HungUp(error.to_string())),
        Ok(None) => Err(Error::HungUp("it may be ending".to_owned())),
        Err(_) => Err(Error::Silent),
    }
}

/// Hears the end of what has begun.
async fn outcome(wire: &mut Wire, command: &str, stop: &CancellationToken, progress: &dyn Progress) -> Outcome {
    let mut asked = false;
    loop {
        tokio::select! {
            () = stop.cancelled(), if !asked => {
                asked = true;
                if say(wire, &Ask::Cancel).await.is_err() {
                    return lost(command, "it went away when it was asked to stop");
                }
            }
            heard = timeout(HANGS, wire.next()) => match heard {
                Err(_) => return lost(command, "it gives no sign of life any more"),
                Ok(None | Some(Err(_))) => return lost(command, "it ended before it told the outcome"),
                Ok(Some(Ok(frame))) => match unpack(&frame) {
                    Some(Tell::Progress { done, total }) => progress(done, total),
                    Some(Tell::Outcome(ended)) => return ended.into(),
                    _ => return lost(command, "it says what is no message"),
                },
            },
        }
    }
}

/// The outcome of what began and of which the end is not known.
fn lost(command: &str, why: &str) -> Outcome {
    let words = format!(
        "the noctule that ran it cannot tell what came of it: {why}; what was done is in the log (noctule log)"
    );
    Outcome {
        command: command.to_owned(),
        summary: words.clone(),
        errors: vec![(command.to_owned(), words)],
        ..Outcome::default()
    }
}
