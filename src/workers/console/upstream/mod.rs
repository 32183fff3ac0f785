//! Where a console comes from: the host itself, perhaps with others who share it, or the noctule of
//! somebody who has it already. A serial line and a screen differ in the way to the host ([`Way`]) and
//! in what they show; who has it, who looks and who types is the same for both, and here.

mod open;

use std::future::pending;
use std::sync::Arc;

use tokio::time::{Instant, sleep, sleep_until};

use crate::app::effect::ConsoleRequest;
use crate::model::console::{ConsoleNews, ConsolePhase, Presence};

use super::share::{Asked, End, Event, Hub, Link, Member, Subject, Told};
use super::{Session, Shared};

/// Why it is over.
#[derive(Debug)]
pub(super) enum Over {
    /// Whoever had the console is gone: it is opened anew.
    Gone,
    /// The guest's end of it.
    Ended(String),
    /// The way to it broke.
    Broken(String),
}

/// How a console is opened on its host.
#[derive(Debug, Clone, Copy)]
pub(super) struct How {
    /// Whoever has it loses it.
    pub(super) force: bool,
    /// Others may come to it and type.
    pub(super) shared: bool,
}

/// Why the host did not open it.
#[derive(Debug)]
pub(super) enum Shut {
    /// Somebody else has it.
    Held(String),
    /// It cannot be had.
    Failed(String),
}

/// The way to a console on its host.
pub(super) trait Way: Sized + Send {
    /// What of it is shared.
    type Subject: Subject<Input = Self::Input>;
    /// What comes over it.
    type News: Send;
    /// What is done to the machine.
    type Input: Send;

    /// Opens it.
    fn open(session: &Session, shared: &Arc<Shared>, how: How) -> impl Future<Output = Result<Self, Shut>> + Send;

    /// The next that comes. May be cancelled: nothing is lost.
    fn next(&mut self) -> impl Future<Output = Result<Self::News, Over>> + Send;

    /// Does something to the machine; words why nothing came of it.
    fn send(&mut self, input: Self::Input) -> impl Future<Output = Result<Option<String>, Over>> + Send;

    /// Somebody else goes on: what the one before holds down is let go of.
    fn let_go(&mut self);

    /// Ends it.
    fn close(self) -> impl Future<Output = ()> + Send;
}

/// A console as it is seen here.
pub(super) trait Console: Send {
    /// The way to it.
    type Way: Way;

    /// What is shared of one that has just been opened.
    fn subject(&self, way: &Self::Way) -> <Self::Way as Way>::Subject;

    /// It has just been opened, or is followed from now on.
    fn opened(&mut self, _: &Upstream<Self::Way>) {}

    /// When the screen is to be told something; `None`: nothing is new.
    fn due(&self) -> Option<Instant>;

    /// Tells the screen what is seen.
    fn tell(&mut self);

    /// Something came.
    fn came(
        &mut self,
        came: Came<<Self::Way as Way>::News>,
        upstream: &mut Upstream<Self::Way>,
    ) -> impl Future<Output = Result<(), Over>> + Send;

    /// Does what the operator asked for.
    fn asked(
        &mut self,
        request: ConsoleRequest,
        view_only: bool,
        upstream: &mut Upstream<Self::Way>,
    ) -> impl Future<Output = Result<(), Over>> + Send;
}

/// Follows a console until it is closed or over.
async fn follow<C: Console>(
    console: &mut C,
    session: &mut Session,
    upstream: &mut Upstream<C::Way>,
) -> Result<(), Over> {
    console.opened(upstream);
    loop {
        let due = console.due();
        tokio::select! {
            biased;
            request = session.requests.recv() => {
                let Some(request) = request else { return Ok(()) };
                console.asked(request, session.view_only, upstream).await?;
            }
            () = async {
                match due {
                    Some(at) => sleep_until(at).await,
                    None => pending().await,
                }
            } => console.tell(),
            came = upstream.next() => console.came(came?, upstream).await?,
        }
    }
}

/// Runs a console until it is closed, ends, or fails. When the noctule that it was followed through
/// goes, it is opened anew.
pub(super) async fn run<C: Console>(mut session: Session, mut console: C) -> Result<(), String> {
    let mut again = false;
    loop {
        let Some(mut upstream) = open::open(&mut session, &console, again).await? else { return Ok(()) };
        let shared = Arc::clone(session.host()?);
        let visit = open::Visit::new(shared, &session);
        session.news.phase(ConsolePhase::Open);
        session.news.tell(ConsoleNews::Presence(upstream.presence().unwrap_or_default()));
        let over = follow(&mut console, &mut session, &mut upstream).await;
        upstream.close(over.as_ref().err()).await;
        drop(visit);
        match over {
            Ok(()) => return Ok(()),
            Err(Over::Ended(why) | Over::Broken(why)) => {
                console.tell();
                return Err(why);
            }
            Err(Over::Gone) => {}
        }
        session.news.phase(ConsolePhase::Opening);
        let words = "the noctule that it was shared through has gone: it is opened from here".to_owned();
        session.news.tell(ConsoleNews::Note(words));
        again = true;
        sleep(open::pause()).await;
    }
}

/// What comes.
#[derive(Debug)]
pub(super) enum Came<N> {
    /// From the host.
    Host(N),
    /// From the noctule that has it.
    Told(Told),
    /// Of those who share ours: [`Upstream::look`] deals with it.
    Event(Event),
}

/// A console that is open.
pub(super) enum Upstream<W: Way> {
    /// Ours.
    Own(Own<W>),
    /// That of another noctule.
    Theirs(Box<Link>),
}

/// A console that is ours.
pub(super) struct Own<W: Way> {
    pub(super) way: W,
    pub(super) hub: Option<Hub<W::Subject>>,
    /// We never type.
    looks_only: bool,
}

impl<W: Way> Upstream<W> {
    /// The next that comes. May be cancelled: nothing is lost.
    pub(super) async fn next(&mut self) -> Result<Came<W::News>, Over> {
        match self {
            Self::Own(Own { way, hub, .. }) => {
                let shared = async {
                    match hub {
                        Some(hub) => hub.next().await,
                        None => pending().await,
                    }
                };
                tokio::select! {
                    news = way.next() => news.map(Came::Host),
                    event = shared => Ok(Came::Event(event)),
                }
            }
            Self::Theirs(link) => Ok(Came::Told(link.next().await?)),
        }
    }

    /// Deals with what those who share ours want; what is left to do.
    pub(super) fn look(&mut self, event: Event, seen: &<W::Subject as Subject>::Now) -> Option<Asked<W::Input>> {
        let Self::Own(own) = self else { return None };
        let asked = own.hub.as_mut()?.look(event, seen);
        own.moved();
        asked
    }

    /// Does to the machine what another one asked for who may; whether it was done.
    pub(super) async fn pass(&mut self, from: Member, input: W::Input) -> Result<bool, Over> {
        let Self::Own(own) = self else { return Ok(false) };
        let refused = own.way.send(input).await?;
        if let (Some(why), Some(hub)) = (&refused, &own.hub) {
            hub.note(from, why);
        }
        Ok(refused.is_none())
    }

    /// The operator does something to the machine; what is to be told because of it.
    pub(super) async fn does(&mut self, input: W::Input) -> Result<Option<ConsoleNews>, Over> {
        let own = match self {
            Self::Theirs(link) => {
                for say in W::Subject::said(input) {
                    link.say(&say).await?;
                }
                return Ok(None);
            }
            Self::Own(own) => own,
        };
        let told = match own.hub.as_mut().map(Hub::types) {
            Some(Err(why)) => return Ok(Some(ConsoleNews::Note(why))),
            Some(Ok(presence)) => presence.map(ConsoleNews::Presence),
            None => None,
        };
        own.moved();
        Ok(own.way.send(input).await?.map(ConsoleNews::Note).or(told))
    }

    /// The operator asks for control, or gives it back.
    pub(super) async fn control(&mut self, wanted: bool) -> Result<Option<ConsoleNews>, Over> {
        match self {
            Self::Theirs(link) => link.control(wanted).await.map(|()| None).map_err(Into::into),
            Self::Own(own) => Ok(own.answer(|hub| hub.control(wanted))),
        }
    }

    /// The operator hands control over.
    pub(super) async fn hand_over(&mut self) -> Result<Option<ConsoleNews>, Over> {
        match self {
            Self::Theirs(link) => link.hand_over().await.map(|()| None).map_err(Into::into),
            Self::Own(own) => Ok(own.answer(Hub::hand_over)),
        }
    }

    /// Who looks and who types, where that is known already.
    fn presence(&self) -> Option<Presence> {
        match self {
            Self::Own(own) => own.hub.as_ref().map(Hub::presence),
            Self::Theirs(_) => None,
        }
    }

    /// Lets go of it. The host first: whoever takes it over must not find it in use.
    async fn close(self, over: Option<&Over>) {
        let Self::Own(Own { way, hub, .. }) = self else { return };
        way.close().await;
        if let (Some(hub), Some(Over::Ended(why))) = (hub, over) {
            hub.end(why).await;
        }
    }
}

impl<W: Way> Own<W> {
    /// One that nobody shares.
    #[cfg(test)]
    pub(super) const fn alone(way: W, looks_only: bool) -> Self {
        Self { way, hub: None, looks_only }
    }

    /// Whether nothing may be sent to the guest: we only look, and there is nobody else who types.
    pub(super) fn is_mute(&self) -> bool {
        self.looks_only && !self.hub.as_ref().is_some_and(Hub::is_held)
    }

    /// Where somebody else has control now, nothing stays held down.
    fn moved(&mut self) {
        if self.hub.as_mut().is_some_and(Hub::moved) {
            self.way.let_go();
        }
    }

    fn answer(
        &mut self,
        ask: impl FnOnce(&mut Hub<W::Subject>) -> Result<Option<Presence>, String>,
    ) -> Option<ConsoleNews> {
        let Some(hub) = &mut self.hub else {
            return Some(ConsoleNews::Note("it is not shared: there is no [source.share] for its host".to_owned()));
        };
        let told = match ask(hub) {
            Ok(presence) => presence.map(ConsoleNews::Presence),
            Err(why) => Some(ConsoleNews::Note(why)),
        };
        self.moved();
        told
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
