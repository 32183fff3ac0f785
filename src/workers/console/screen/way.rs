//! The way to a machine's screen: through the same as to its host, so that nothing has to listen here.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::timeout;

use crate::config::schema::Libvirt;
use crate::controllers::libvirt::xml;
use crate::controllers::route::{Route, RouteStream};
use crate::controllers::vnc::{self, Input, News, Options};
use crate::model::text::clean;
use crate::model::vm::definition::Graphics;

use super::super::share::Shown;
use super::super::upstream::{How, Over, Shut, Way};
use super::super::{Session, Shared, domain_of};

/// How long the way to the screen may take.
const WAY: Duration = Duration::from_secs(15);

/// A screen of the host's.
pub(in crate::workers::console) struct Vnc {
    session: vnc::Session,
    /// There was no room for letting go of what is held down: nothing is done before that.
    owes: bool,
}

impl Vnc {
    /// What the server calls it.
    pub(super) fn name(&self) -> &str {
        self.session.name()
    }

    async fn reached(session: &Session, shared: &Arc<Shared>, how: How) -> Result<Self, String> {
        let graphics = screen_of(session).await?;
        let stream = timeout(WAY, reach(&shared.config, &graphics));
        let stream = stream.await.map_err(|_| format!("its screen is not reached within {} s", WAY.as_secs()))??;
        let options = Options {
            password: password(&shared.config, &session.target.name).await?,
            // One that is shared may be typed into by others although we only look.
            view_only: session.view_only && !how.shared,
            near: shared.config.ssh.is_none(),
            ..Options::default()
        };
        let session = vnc::connect(stream, options).await.map_err(|e| e.to_string())?;
        Ok(Self { session, owes: false })
    }
}

impl Way for Vnc {
    type Subject = Shown;
    type News = News;
    type Input = Input;

    /// Nobody is in the way of another viewer: `force` makes no difference.
    async fn open(session: &Session, shared: &Arc<Shared>, how: How) -> Result<Self, Shut> {
        Self::reached(session, shared, how).await.map_err(Shut::Failed)
    }

    /// Whether the machine is off or only the way to it broke is not told apart here: who opens it next
    /// finds out.
    async fn next(&mut self) -> Result<News, Over> {
        self.session.next().await.map_err(|e| Over::Broken(e.to_string()))
    }

    async fn send(&mut self, input: Input) -> Result<Option<String>, Over> {
        if self.owes {
            self.let_go();
        }
        let sent = if self.owes { Err(vnc::Refused::Full) } else { self.session.send(input) };
        Ok(sent.err().map(|why| why.to_string()))
    }

    fn let_go(&mut self) {
        self.owes = matches!(self.session.send(Input::LetGo), Err(vnc::Refused::Full));
    }

    async fn close(self) {}
}

/// The first VNC screen of the machine as it runs.
async fn screen_of(session: &Session) -> Result<Graphics, String> {
    let connection = session.host()?.connection().await.map_err(|e| e.to_string())?;
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
