//! Reading: both services and the metric endpoints.

use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use super::send::{Ask, LARGE};
use super::{Calls, Client};
use crate::controllers::http::{date, segment, skew};
use crate::controllers::raven::appliance::ApplianceConfig;
use crate::controllers::raven::error::{Error, Failure};
use crate::controllers::raven::map::{self, Health, Services, Status, System, Totals, Unreadable};
use crate::controllers::raven::metrics;
use crate::model::appliance::BufferConfig;
use crate::model::appliance::poll::{Answer, Estimate, Meter, ServiceStats, Stats, UplinkStatus, Version};
use crate::model::time::Ts;

/// The services that a status always has.
const FOUR: [&str; 4] = ["fluent-bit", "goflow2", "telegraf", "vector"];
/// Most services beside them that are asked for one by one.
const EXTRA: usize = 16;
/// The pages of made-up numbers.
const PAGES: [&str; 5] = ["flows", "syslog", "snmp", "windows", "buffer"];

/// What an appliance says of itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct About {
    /// Which generation of the software.
    pub version: Version,
    /// Its clock minus ours, µs; it tells whole seconds. Nothing when it tells no time.
    pub skew_us: Option<i64>,
}

impl Client {
    /// Which software it is, and its clock: what is found out at the first contact.
    ///
    /// # Errors
    /// When there is no answer, or it is somebody else's.
    pub async fn about(&self) -> Result<About, Error> {
        self.inner.calls.about().await
    }

    /// The heartbeat: the whole buffer. It never freezes; it takes longer, the more is stored.
    ///
    /// # Errors
    /// See [`Failure`].
    pub async fn stats(&self, at: Ts) -> Result<Stats, Error> {
        self.inner.calls.stats(at).await
    }

    /// Services and uplink. Freezes for up to 5 s while the appliance probes its uplink.
    ///
    /// # Errors
    /// See [`Failure`]; [`Failure::Unreadable`] when its limit is zero.
    pub async fn status(&self, at: Ts) -> Result<Status, Error> {
        self.inner.calls.status(at).await
    }

    /// One service. A name that is not known has zeros.
    ///
    /// # Errors
    /// See [`Failure`].
    pub async fn service_stats(&self, service: &str, at: Ts) -> Result<ServiceStats, Error> {
        self.inner.calls.service_stats(service, at).await
    }

    /// The probe of the uplink. Freezes as [`Client::status`].
    ///
    /// # Errors
    /// See [`Failure`].
    pub async fn uplink(&self, at: Ts) -> Result<UplinkStatus, Error> {
        self.inner.calls.uplink(at).await
    }

    /// The configuration of the buffer service.
    ///
    /// # Errors
    /// See [`Failure`].
    pub async fn buffer_config(&self) -> Result<BufferConfig, Error> {
        self.inner.calls.buffer_config().await
    }

    /// The health of the buffer service, which says "healthy" and answers when its limit is zero.
    /// Freezes as [`Client::status`].
    ///
    /// # Errors
    /// See [`Failure`].
    pub async fn health(&self, at: Ts) -> Result<Health, Error> {
        let calls = &self.inner.calls;
        let ask = Ask::get(&calls.buffer, "/health", calls.freezing());
        calls.read("GET health", ask, |bytes| map::health(bytes, at)).await
    }

    /// The health of the config service, or of the web panel before it; it asks for no key.
    ///
    /// # Errors
    /// See [`Failure`]; [`Failure::Config`] without an address of it.
    pub async fn config_health(&self) -> Result<String, Error> {
        self.inner.calls.config("GET config health", "/health", map::config_health).await
    }

    /// Processes and system, as the config service sees them.
    ///
    /// # Errors
    /// As [`Client::config_health`].
    pub async fn system(&self) -> Result<System, Error> {
        self.inner.calls.config("GET system status", "/api/system/status", map::system).await
    }

    /// Which services can be restarted, and their other names.
    ///
    /// # Errors
    /// As [`Client::config_health`].
    pub async fn services(&self) -> Result<Services, Error> {
        self.inner.calls.config("GET services", "/api/services", map::services).await
    }

    /// The configuration of the appliance. Holds secrets.
    ///
    /// # Errors
    /// As [`Client::config_health`].
    pub async fn appliance_config(&self) -> Result<ApplianceConfig, Error> {
        self.inner.calls.appliance_config().await
    }

    /// Totals of what was collected.
    ///
    /// # Errors
    /// As [`Client::config_health`]; the older software has none and answers 404.
    pub async fn telemetry(&self) -> Result<Totals, Error> {
        self.inner.calls.telemetry().await
    }

    /// Totals and system. Costs the appliance 165 ms of a processor.
    ///
    /// # Errors
    /// As [`Client::config_health`].
    pub async fn metrics(&self) -> Result<Totals, Error> {
        self.inner.calls.metrics_page().await
    }

    /// The numbers that are made up.
    ///
    /// # Errors
    /// As [`Client::config_health`].
    pub async fn estimates(&self) -> Result<Vec<Estimate>, Error> {
        self.inner.calls.estimates().await
    }

    /// Counters of the collectors' own metric endpoints, and those that did not answer, in words.
    pub async fn meters(&self) -> (Vec<Meter>, Vec<Error>) {
        self.inner.calls.meters().await
    }
}

impl Calls {
    /// Asks and decodes.
    pub(super) async fn read<T>(
        &self,
        name: &'static str,
        ask: Ask<'_>,
        decode: impl FnOnce(&[u8]) -> Result<T, Unreadable>,
    ) -> Result<T, Error> {
        let call = self.call(name);
        let told = self.ask(&call, ask).await?;
        decode(&told.body).map_err(|why| call.error(Failure::Unreadable(why)))
    }

    /// The same of the config service, one after the other.
    pub(super) async fn config<T>(
        &self,
        name: &'static str,
        target: &'static str,
        decode: impl FnOnce(&[u8]) -> Result<T, Unreadable>,
    ) -> Result<T, Error> {
        let call = self.call(name);
        let server = self.config_server(&call)?;
        let limit = self.patience.quick;
        let _turn = self.one_by_one.acquire().await;
        self.read(name, Ask { keyed: true, most: LARGE, ..Ask::get(server, target, limit) }, decode).await
    }

    /// How long the last heartbeat took.
    fn beat(&self) -> Duration {
        Duration::from_micros(self.beat_us.load(Ordering::Relaxed))
    }

    /// How long the next heartbeat may take.
    pub(super) fn beat_limit(&self) -> Duration {
        let Self { patience, .. } = self;
        self.beat().saturating_mul(4).clamp(patience.beat, patience.beat_max.max(patience.beat))
    }

    /// How long a call may take that may freeze.
    pub(super) fn freezing(&self) -> Duration {
        self.patience.freezing + self.beat().min(self.patience.beat_max)
    }

    pub(super) async fn stats(&self, at: Ts) -> Result<Stats, Error> {
        let limit = self.beat_limit();
        let asked = Instant::now();
        let told =
            self.read("GET stats", Ask::get(&self.buffer, "/api/buffer/stats", limit), |b| map::stats(b, at)).await;
        let took = match &told {
            // It is given twice the time next.
            Err(Error { what: Failure::Deadline { .. }, .. }) => limit / 2,
            // Nothing was measured: a new connection to a service that was restarted, say.
            Err(Error { what: Failure::Transport { .. }, .. }) => self.beat(),
            _ => asked.elapsed(),
        };
        self.beat_us.store(u64::try_from(took.as_micros()).unwrap_or(u64::MAX), Ordering::Relaxed);
        told
    }

    pub(super) async fn status(&self, at: Ts) -> Result<Status, Error> {
        let ask = Ask::get(&self.buffer, "/api/buffer/status", self.freezing());
        let status = self.read("GET status", ask, |bytes| map::status(bytes, at)).await?;
        self.memory().forwarding = status.uplink.forwarding;
        Ok(status)
    }

    pub(super) async fn service_stats(&self, service: &str, at: Ts) -> Result<ServiceStats, Error> {
        let target = format!("/api/buffer/stats/{}", segment(service));
        let ask = Ask::get(&self.buffer, target, self.beat_limit().max(self.patience.quick));
        self.read("GET service stats", ask, |bytes| map::service(bytes, service, at)).await
    }

    pub(super) async fn uplink(&self, at: Ts) -> Result<UplinkStatus, Error> {
        let ask = Ask::get(&self.buffer, "/api/buffer/vpn/status", self.freezing());
        let uplink = self.read("GET uplink", ask, |bytes| map::uplink(bytes, at)).await?;
        Ok(UplinkStatus { forwarding: self.memory().forwarding, ..uplink })
    }

    /// Services and uplink by whatever way they can be had: the status and, for services that are
    /// configured beside its four, their own call; without a readable status (a limit of zero) every
    /// service by its own call.
    pub(super) async fn parts(&self, at: Ts) -> (Answer<Vec<ServiceStats>>, Answer<UplinkStatus>) {
        let (mut services, uplink) = match self.status(at).await {
            Ok(Status { services, uplink }) => (services, Answer::Said(uplink)),
            Err(error) if matches!(error.what, Failure::Unreadable(_)) => {
                let mut one_by_one = Vec::with_capacity(FOUR.len());
                for name in FOUR {
                    match self.service_stats(name, at).await {
                        Ok(service) => one_by_one.push(service),
                        // They are no better: the first cause is told.
                        Err(_) => return (error.answer(), error.answer()),
                    }
                }
                (one_by_one, answer(self.uplink(at).await))
            }
            Err(error) => return (error.answer(), error.answer()),
        };
        let extra = self.memory().extra.clone();
        let missing = extra.iter().filter(|name| !services.iter().any(|s| &s.service == *name)).take(EXTRA);
        let missing: Vec<&String> = missing.collect();
        for name in missing {
            match self.service_stats(name, at).await {
                Ok(service) => services.push(service),
                Err(error) => tracing::debug!(source = %self.source, %error, "a service beside the four"),
            }
        }
        (Answer::Said(services), uplink)
    }

    pub(super) async fn buffer_config(&self) -> Result<BufferConfig, Error> {
        let ask = Ask::get(&self.buffer, "/api/buffer/config", self.patience.quick);
        let config = self.read("GET buffer config", ask, map::buffer_config).await?;
        let mut memory = self.memory();
        memory.extra = map::configured(&config);
        memory.extra.retain(|name| !FOUR.contains(&name.as_str()));
        memory.forwarding = config.whole().get("forwarding_enabled").and_then(serde_json::Value::as_bool);
        drop(memory);
        Ok(config)
    }

    pub(super) async fn appliance_config(&self) -> Result<ApplianceConfig, Error> {
        self.config("GET appliance config", "/api/config", map::appliance_config).await
    }

    pub(super) async fn telemetry(&self) -> Result<Totals, Error> {
        self.config("GET telemetry stats", "/api/telemetry/stats", map::telemetry).await
    }

    pub(super) async fn metrics_page(&self) -> Result<Totals, Error> {
        self.config("GET metrics", "/api/metrics", map::metrics).await
    }

    pub(super) async fn estimates(&self) -> Result<Vec<Estimate>, Error> {
        let mut out = Vec::new();
        for page in PAGES {
            let target = match page {
                "flows" => "/api/flows",
                "syslog" => "/api/syslog",
                "snmp" => "/api/snmp",
                "windows" => "/api/windows",
                _ => "/api/buffer",
            };
            out.extend(self.config("GET estimates", target, |bytes| map::estimates(bytes, page)).await?);
        }
        Ok(out)
    }

    /// The older software has the buffer's routes only under `/api/buffer`. A 404 proves that only
    /// where the same method finds the older route: a wrong method is a 404 too.
    pub(super) async fn about(&self) -> Result<About, Error> {
        let call = self.call("ask for the version");
        let limit = self.beat_limit();
        let asked = now();
        let newer = self.ask(&call, Ask::get(&self.buffer, "/api/v1/buffer/stats", limit)).await;
        let (told, version) = match newer {
            Ok(told) => (told, Version::New),
            Err(Error { what: Failure::Status { code: 404, .. }, .. }) => {
                (self.ask(&call, Ask::get(&self.buffer, "/api/buffer/stats", limit)).await?, Version::Old)
            }
            Err(error) => return Err(error),
        };
        // A limit of zero makes both say nothing, which is an answer of theirs.
        if !told.body.is_empty() {
            map::stats(&told.body, asked).map_err(|why| call.error(Failure::Unreadable(why)))?;
        }
        self.memory().version = Some(version);
        Ok(About { version, skew_us: date(&told.headers).map(|told| skew(told, asked, now())) })
    }

    pub(super) async fn meters(&self) -> (Vec<Meter>, Vec<Error>) {
        let (mut meters, mut errors) = (Vec::new(), Vec::new());
        for (service, server) in &self.metrics {
            let told = if *service == "fluent-bit" {
                self.fluent_bit(server).await
            } else {
                let ask = Ask { most: LARGE, ..Ask::get(server, "/metrics", self.patience.quick) };
                self.read("GET collector metrics", ask, |bytes| metrics::prometheus(service, bytes)).await
            };
            match told {
                Ok(told) => meters.extend(told),
                Err(error) => errors.push(error),
            }
        }
        (meters, errors)
    }

    async fn fluent_bit(&self, server: &crate::controllers::http::Server) -> Result<Vec<Meter>, Error> {
        let limit = self.patience.quick;
        let older = self.memory().fluent_bit_v2;
        if !older {
            let ask = Ask { most: LARGE, ..Ask::get(server, "/api/v1/metrics", limit) };
            match self.read("GET collector metrics", ask, metrics::fluent_bit).await {
                Err(Error { what: Failure::Status { code: 404, .. }, .. }) => {}
                told => return told,
            }
        }
        let ask = Ask { most: LARGE, ..Ask::get(server, "/api/v2/metrics/prometheus", limit) };
        let told = self.read("GET collector metrics", ask, |b| metrics::prometheus("fluent-bit", b)).await?;
        self.memory().fluent_bit_v2 = true;
        Ok(told)
    }
}

/// What a poll says of an outcome.
pub(super) fn answer<T>(outcome: Result<T, Error>) -> Answer<T> {
    match outcome {
        Ok(said) => Answer::Said(said),
        Err(error) => error.answer(),
    }
}

/// The present, our clock.
fn now() -> Ts {
    Ts(chrono::Utc::now().timestamp_micros())
}
