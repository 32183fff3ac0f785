//! The handle by which tests (and nobody else) make things happen to a simulated appliance.

use std::sync::Arc;

use super::http::Live;
use super::world::buffer::Kind;
use super::world::settings::Settings;
use super::world::uplink::Target;
use super::world::{Collector, SECOND, Saved};

/// The services that collect.
const SERVICES: [&str; 4] = ["fluent-bit", "goflow2", "telegraf", "vector"];

/// Makes things happen to an appliance.
#[derive(Debug, Clone)]
pub struct RavenControl {
    live: Arc<Live>,
}

impl RavenControl {
    pub(super) const fn new(live: Arc<Live>) -> Self {
        Self { live }
    }

    /// What the forwarding target does when the appliance probes it. One that hangs freezes half of
    /// the buffer service's calls for 5 s of every interval.
    pub fn uplink(&self, target: Target) {
        self.live.appliance().monitor.target = target;
    }

    /// Whether the appliance believes its uplink to be up.
    #[must_use]
    pub fn connected(&self) -> bool {
        self.live.appliance().monitor.connected
    }

    /// Stores records of a service, `size` bytes each before compression.
    pub fn store(&self, service: &str, records: u64, size: u32) {
        let kind = if service == "goflow2" { Kind::Flow } else { Kind::Other };
        self.live.appliance().store(service, kind, None, records, f64::from(size));
    }

    /// Stores a record that claims a time, Unix seconds: of another unit, negative, far away.
    pub fn store_claiming(&self, service: &str, claimed: i64) {
        self.live.appliance().store(service, Kind::Other, Some(claimed), 1, 200.0);
    }

    /// Deletes the oldest records, as an overflow does: counters fall.
    pub fn drop_records(&self, records: u64) {
        self.live.appliance().buffer.drop_oldest(records);
    }

    /// Records in the buffer, and of them forwarded.
    #[must_use]
    pub fn records(&self) -> (u64, u64) {
        let appliance = self.live.appliance();
        let forwarded = SERVICES.iter().map(|s| appliance.buffer.sums(s).forwarded).sum();
        (appliance.buffer.records(), forwarded)
    }

    /// A collector takes in so many records a second, `size` bytes each. False for a name that is no
    /// collector's.
    pub fn load(&self, service: &str, rate: f64, size: u32) -> bool {
        let Some(service) = SERVICES.into_iter().find(|s| *s == service) else { return false };
        let mut appliance = self.live.appliance();
        let new = Collector::new(service, rate, f64::from(size));
        match appliance.collector(service) {
            Some(collector) => {
                collector.rate = new.rate;
                collector.size = new.size;
            }
            None => appliance.collectors.push(new),
        }
        true
    }

    /// A collector dies, behind a port that goes on accepting, or lives again.
    pub fn collector(&self, service: &str, alive: bool) {
        if let Some(collector) = self.live.appliance().collector(service) {
            collector.alive = alive;
        }
        self.live.follow();
    }

    /// Whether a collector lives.
    #[must_use]
    pub fn lives(&self, service: &str) -> bool {
        self.live.appliance().collector(service).is_some_and(|c| c.alive)
    }

    /// Status and stats answer 200 with nothing.
    pub fn answer_nothing(&self, on: bool) {
        self.live.appliance().wrongs.empty = on;
    }

    /// Status and stats answer 200 with this text.
    pub fn answer(&self, text: Option<&str>) {
        self.live.appliance().wrongs.garbage = text.map(str::to_owned);
    }

    /// Every restart through the config service fails.
    pub fn fail_restarts(&self, on: bool) {
        self.live.appliance().wrongs.restarts_fail = on;
    }

    /// A collector that is to listen on this port cannot, since somebody else holds it or it is not
    /// allowed to: its restart fails, and it is dead.
    pub fn deny_port(&self, port: Option<u16>) {
        self.live.appliance().wrongs.denied_port = port;
    }

    /// A collector that is restarted comes up on the ports that it had: its own configuration file was
    /// not written.
    pub fn keep_ports(&self, on: bool) {
        self.live.appliance().wrongs.keeps_ports = on;
    }

    /// The appliance's configuration can be saved so often still; then its disk is full.
    pub fn saves_left(&self, saves: Option<u32>) {
        self.live.appliance().wrongs.saves_left = saves;
    }

    /// A port of this machine that nobody holds now, and that no simulated appliance will be given.
    ///
    /// # Errors
    /// There is none.
    pub fn free_port(tcp: bool) -> std::io::Result<u16> {
        super::ports::free(tcp)
    }

    /// A restart takes so long, milliseconds.
    pub fn restart_takes(&self, ms: u32) {
        self.live.appliance().wrongs.restart_ms = i64::from(ms);
    }

    /// The key that the config service asks for.
    pub fn ask_for_key(&self, key: Option<&str>) {
        self.live.appliance().wrongs.key = key.map(str::to_owned);
    }

    /// The older software, or the newer.
    pub fn old(&self, on: bool) {
        self.live.appliance().wrongs.old = on;
    }

    /// Calls take as long as those of a real appliance with as many records.
    pub fn slow(&self, on: bool) {
        self.live.appliance().wrongs.slow = on;
    }

    /// Every call of the buffer service takes so much longer, milliseconds.
    pub fn delay(&self, ms: u32) {
        self.live.appliance().wrongs.delay_ms = i64::from(ms);
    }

    /// Clients that write at the same time: a full buffer drops 1000 records for each.
    pub fn writers(&self, n: u32) {
        self.live.appliance().writers = u64::from(n.max(1));
    }

    /// Something on the appliance asks for a replay every so many seconds.
    pub fn replay_every(&self, seconds: Option<u32>) {
        self.live.appliance().replay_every_s = seconds.map(i64::from);
    }

    /// The file of the appliance's configuration: this, or none.
    pub fn saved(&self, config: Option<serde_json::Value>) {
        self.live.appliance().saved = config.map_or(Saved::Missing, Saved::Told);
    }

    /// What the file of the appliance's configuration says; `None`: there is none, or it is broken.
    #[must_use]
    pub fn configuration(&self) -> Option<serde_json::Value> {
        if let Saved::Told(config) = &self.live.appliance().saved { Some(config.clone()) } else { None }
    }

    /// The file of the appliance's configuration is broken.
    pub fn break_saved(&self) {
        self.live.appliance().saved = Saved::Broken;
    }

    /// The buffer service is restarted: it reads its configuration, and lives on if that lets it.
    pub fn restart_buffer(&self) -> bool {
        self.live.buffer.drop_connections();
        let mut appliance = self.live.appliance();
        appliance.start();
        appliance.alive
    }

    /// Somebody mends the configuration file of the buffer service by hand: it is the shipped one.
    pub fn mend(&self) {
        let mut appliance = self.live.appliance();
        appliance.settings = Settings::shipped();
        appliance.start();
    }

    /// While on, the buffer service is down: open connections are cut, new ones closed at once.
    pub fn buffer_down(&self, on: bool) {
        self.live.buffer.set_refuse(on);
        if on {
            self.live.buffer.drop_connections();
        }
    }

    /// The same of the config service.
    pub fn config_down(&self, on: bool) {
        self.live.config.set_refuse(on);
        if on {
            self.live.config.drop_connections();
        }
    }

    /// While on, the buffer service takes calls and answers none.
    pub fn freeze(&self, on: bool) {
        self.live.buffer.set_hang(on);
    }

    /// Lets virtual time pass at once. Meant for a stepped clock.
    pub fn advance(&self, seconds: f64) {
        self.live.advance((seconds * SECOND as f64) as i64);
    }

    /// Virtual Unix seconds.
    #[must_use]
    pub fn clock(&self) -> i64 {
        self.live.appliance().clock()
    }
}
