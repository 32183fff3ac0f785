//! Alertmanager's API v2. It has no paging and no "since": every look at its alerts reads all of
//! them, so they are taken off the wire one by one.

use http::Method;
use serde::Deserialize;

use super::call::{Alerts, Answered2, Ask, Peer};
use super::error::{Error, Failure};
use super::wire::{AmAlert, AmServer, NewSilence, Silence};
use crate::config::schema::Alertmanager;
use crate::controllers::http::segment;
use crate::controllers::stream::Documents;
use crate::model::ids::SourceName;
use crate::model::labels::Matcher;
use crate::model::time::Ts;

/// The longest alert that is read, bytes.
const MAX_ALERT: usize = 4 << 20;

/// The way to one Alertmanager. Cheap to clone.
#[derive(Debug, Clone)]
pub struct AmClient {
    peer: Peer,
    filter: Vec<Matcher>,
}

/// What it tells of itself.
#[derive(Debug, Clone)]
pub struct About {
    /// Its version.
    pub version: String,
    /// When it was started, its clock.
    pub started: Option<Ts>,
    /// Its clock now.
    pub now: Option<Ts>,
    /// Its clock minus ours, µs.
    pub skew_us: Option<i64>,
    /// State of its cluster: `ready`, `settling`, `disabled`.
    pub cluster: String,
}

#[derive(Deserialize)]
struct Made {
    #[serde(rename = "silenceID")]
    id: String,
}

impl AmClient {
    /// A client for this source. Reads certificates and secrets.
    ///
    /// # Errors
    /// What of the configuration cannot be used.
    pub fn new(source: &SourceName, config: &Alertmanager) -> Result<Self, Error> {
        let peer = Peer::new(source, &config.url, (&config.tls, &config.auth, config.ssh.as_ref()), config.timeout_s)?;
        let filter = config.filter.iter().map(|text| Matcher::parse(text)).collect::<Result<_, _>>();
        let filter = filter.map_err(|why| peer.call("filter").error(Failure::Config(why)))?;
        Ok(Self { peer, filter })
    }

    /// Its base URL.
    #[must_use]
    pub fn base(&self) -> &str {
        self.peer.base()
    }

    /// Version, start, clock.
    ///
    /// # Errors
    /// When it does not tell.
    pub async fn about(&self) -> Result<About, Error> {
        let call = self.peer.call("GET status");
        let (server, Answered2 { date, skew_us }): (AmServer, _) =
            self.peer.json(&call, &Ask::get("/api/v2/status")).await?;
        let clean = |text: &str| crate::model::text::clean(text).into_owned();
        Ok(About {
            version: clean(&server.version_info.version),
            started: Ts::parse_rfc3339(&server.uptime),
            now: date,
            skew_us,
            cluster: clean(&server.cluster.status),
        })
    }

    /// All alerts of the configured filter and of `more`, suppressed ones included, as they come.
    ///
    /// # Errors
    /// When the list does not begin.
    pub async fn alerts(&self, more: &[Matcher]) -> Result<Alerts<AmAlert>, Error> {
        let call = self.peer.call("GET alerts");
        let filters: Vec<String> =
            self.filter.iter().chain(more).map(|m| format!("filter={}", segment(&m.to_string()))).collect();
        let query = if filters.is_empty() { String::new() } else { format!("?{}", filters.join("&")) };
        let answered = self.peer.send(&call, &Ask::get(format!("/api/v2/alerts{query}"))).await?;
        Ok(Alerts::new(call, answered, Documents::elements(MAX_ALERT), self.peer.limit()))
    }

    /// All silences, those that are over for up to their retention included.
    ///
    /// # Errors
    /// When it does not tell.
    pub async fn silences(&self) -> Result<Vec<Silence>, Error> {
        let call = self.peer.call("GET silences");
        Ok(self.peer.json(&call, &Ask::get("/api/v2/silences")).await?.0)
    }

    /// One silence.
    ///
    /// # Errors
    /// [`Failure::NotFound`] when there is none of that id, and when it does not tell.
    pub async fn silence(&self, id: &str) -> Result<Silence, Error> {
        let call = self.peer.call(format!("GET silence {id}"));
        Ok(self.peer.json(&call, &Ask::get(format!("/api/v2/silence/{}", segment(id)))).await?.0)
    }

    /// Makes a silence; its id.
    ///
    /// # Errors
    /// What it refuses, in its words.
    pub async fn create(&self, new: &NewSilence) -> Result<String, Error> {
        let call = self.peer.call("POST silences");
        let body = serde_json::to_vec(new).map_err(|e| call.error(Failure::Invalid(e.to_string())))?;
        let ask = Ask { method: Method::POST, target: "/api/v2/silences".into(), body: Some(body.into()), form: false };
        let (made, _): (Made, _) = self.peer.json(&call, &ask).await?;
        Ok(made.id)
    }

    /// Ends a silence.
    ///
    /// # Errors
    /// [`Failure::NotFound`] when there is none of that id.
    pub async fn expire(&self, id: &str) -> Result<(), Error> {
        let call = self.peer.call(format!("DELETE silence {id}"));
        let ask = Ask { method: Method::DELETE, ..Ask::get(format!("/api/v2/silence/{}", segment(id))) };
        self.peer.once(&call, &ask).await.map(drop)
    }
}
