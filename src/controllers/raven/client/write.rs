//! Changing: configurations, clean-up, replay, restarts. Nothing here is sent twice.

use super::send::Ask;
use super::{Calls, Client};
use crate::controllers::http::segment;
use crate::controllers::raven::appliance::ApplianceConfig;
use crate::controllers::raven::error::{Error, Failure};
use crate::controllers::raven::map;
use crate::model::appliance::BufferConfig;
use crate::model::text::clean;

/// The largest configuration that the config service takes.
const MOST: usize = 5 << 20;

/// A restart that was done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Restarted {
    /// What the appliance says (`Service vector restarted`): it names the service that it really
    /// restarted.
    pub words: String,
}

impl Client {
    /// Replaces the configuration of the buffer service. Only a whole one is sent: what is left out
    /// becomes zero, and some zeros kill the service at its next start. What stands in it is not
    /// judged here.
    ///
    /// # Errors
    /// See [`Failure`]; [`Failure::Invalid`] when a key is missing that every configuration has.
    pub async fn set_buffer_config(&self, config: &BufferConfig) -> Result<(), Error> {
        const KEYS: [&str; 13] = [
            "enabled",
            "max_retention_days",
            "max_db_size_gb",
            "max_file_size_gb",
            "cleanup_interval_minutes",
            "compression_enabled",
            "vpn_failover_enabled",
            "vpn_check_interval_seconds",
            "forwarding_enabled",
            "forwarding_url",
            "max_buffer_size_mb",
            "overflow_action",
            "services",
        ];
        let calls = &self.inner.calls;
        let call = calls.call("POST buffer config");
        if let Some(missing) = KEYS.iter().find(|key| !config.whole().contains_key(**key)) {
            let why = format!("{missing} is missing: the service would take it for zero");
            return Err(call.error(Failure::Invalid(why)));
        }
        let body = serde_json::to_vec(config.whole()).map_err(|e| call.error(Failure::Invalid(e.to_string())))?;
        let ask = Ask { body: Some(body), ..Ask::post(&calls.buffer, "/api/buffer/config", calls.patience.change) };
        calls.read("POST buffer config", ask, map::said).await.map(|_| ())
    }

    /// Deletes records past their time; how many is not told.
    ///
    /// # Errors
    /// See [`Failure`].
    pub async fn clean_up(&self) -> Result<(), Error> {
        let calls = &self.inner.calls;
        let ask = Ask::post(&calls.buffer, "/api/buffer/cleanup", calls.patience.change);
        calls.read("POST cleanup", ask, map::said).await.map(|_| ())
    }

    /// Starts a replay of the 1000 oldest records that were not forwarded, whether forwarding is on or
    /// not. It goes on by itself, or is stuck at the first flow record when records are compressed:
    /// only the counters tell.
    ///
    /// # Errors
    /// See [`Failure`]; [`Failure::Status`] 503 while its uplink is down.
    pub async fn forward(&self) -> Result<(), Error> {
        let calls = &self.inner.calls;
        // It takes the lock that a probe of the uplink holds.
        let limit = calls.freezing().max(calls.patience.change);
        calls.read("POST forward", Ask::post(&calls.buffer, "/api/buffer/forward", limit), map::said).await.map(|_| ())
    }

    /// Replaces the configuration of the appliance. It restarts nothing, whatever its answer says.
    ///
    /// # Errors
    /// See [`Failure`]; [`Failure::Invalid`] when it is empty or larger than 5 MB.
    pub async fn set_appliance_config(&self, config: &ApplianceConfig) -> Result<(), Error> {
        let calls = &self.inner.calls;
        let call = calls.call("POST appliance config");
        let server = calls.config_server(&call)?;
        if !config.collects() {
            let why = "collection is missing: saving replaces everything, and no collector would have a port";
            return Err(call.error(Failure::Invalid(why.to_owned())));
        }
        let body = serde_json::to_vec(config.whole()).map_err(|e| call.error(Failure::Invalid(e.to_string())))?;
        if body.len() > MOST {
            return Err(call.error(Failure::Invalid("it is larger than the 5 MB that the service takes".to_owned())));
        }
        let limit = calls.patience.change;
        let ask = Ask { body: Some(body), keyed: true, ..Ask::post(server, "/api/config", limit) };
        calls.read("POST appliance config", ask, map::done).await.map(|_| ())
    }

    /// Restarts a service through the config service, which answers when it is done. The buffer
    /// service cannot be restarted this way: its names stand for `vector` there, so they are refused.
    ///
    /// # Errors
    /// See [`Failure`]; [`Failure::Status`] 500 with its words when every way to restart failed.
    pub async fn restart(&self, service: &str) -> Result<Restarted, Error> {
        self.inner.calls.restart(service).await
    }
}

impl Calls {
    async fn restart(&self, service: &str) -> Result<Restarted, Error> {
        let call = self.call(format!("POST restart {}", clean(service)));
        let server = self.config_server(&call)?;
        let lower = service.to_ascii_lowercase().replace('_', "-");
        if lower == "buffer" || lower.starts_with("buffer-") {
            let why = "the config service would restart vector instead of the buffer service";
            return Err(call.error(Failure::Invalid(why.to_owned())));
        }
        let named = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | '@' | ':');
        if service.is_empty() || service.len() > 64 || !service.chars().all(named) {
            return Err(call.error(Failure::Invalid("that is no name of a service".to_owned())));
        }
        let target = format!("/api/services/{}/restart", segment(service));
        let ask = Ask { keyed: true, ..Ask::post(server, target, self.patience.restart) };
        let told = self.ask(&call, ask).await?;
        map::done(&told.body).map(|words| Restarted { words }).map_err(|why| call.error(Failure::Unreadable(why)))
    }
}
