//! One appliance, poll by poll: the order in which everything else of this module is done.

use std::time::Duration;

use super::alarms::{AlarmChange, Board};
use super::collectors::{Part, Traffic, shipped};
use super::conditions::{self, Told};
use super::contact::Line;
use super::losses::{Cause, Change, Day, Setting, Sight};
use super::pool::Pool;
use super::replay::Watch;
use super::settings::Settings;
use super::timeline::{GAP, Tick, Timeline};
use super::uplink::Way;
use super::{ports, verdict};
use crate::model::appliance::config::DangerKind;
use crate::model::appliance::poll::{Answer, Estimate, PortSetting, Stats};
use crate::model::appliance::state::{Contact, Loss, ProcessState};
use crate::model::appliance::{ApplianceState, BufferConfig, Point, Poll};
use crate::model::text::{clean, grouped};
use crate::model::time::{DAY, HOUR, MINUTE, Ts};

/// Losses that are kept.
const LOSSES: usize = 8;
/// Most services of one appliance; a hostile answer cannot make more.
const PARTS: usize = 32;
/// Made-up numbers of one appliance that are kept.
const ESTIMATES: usize = 64;
/// What vanishes so soon after an order of ours was our doing.
const OURS: i64 = 2 * MINUTE;
/// A loss is an alarm for so long.
const FRESH: i64 = HOUR;
/// The same loss is told again in the journal only after this.
const AGAIN: i64 = 10 * MINUTE;
/// Processes that nobody has told for so long, though asked, are no longer known.
const UNTOLD: i64 = MINUTE / 2;
/// Names that the buffer service itself goes by.
const BUFFER_SERVICE: [&str; 3] = ["buffer-manager", "buffer-service", "buffer"];

/// Something that happened and has no state: journalled as a notice.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Happening {
    /// The collector or service it is about; `None`: the appliance.
    pub collector: Option<String>,
    /// Name of the event (`BUFFER_LOSS`).
    pub event: &'static str,
    /// One line.
    pub text: String,
    /// Whether it tells of a failure.
    pub failure: bool,
}

/// What a poll has changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// What is known after it.
    pub state: ApplianceState,
    /// Alarms that were raised, changed or cleared by it.
    pub alarms: Vec<AlarmChange>,
    /// What happened.
    pub notices: Vec<Happening>,
}

/// Everything that has to be remembered of one appliance between two polls.
#[derive(Debug, Clone)]
pub struct Tracker {
    settings: Settings,
    state: ApplianceState,
    board: Board,
    time: Timeline,
    line: Line,
    pool: Pool,
    way: Way,
    watch: Watch,
    parts: Vec<Part>,
    plan: Vec<PortSetting>,
    kills: Vec<String>,
    limit_is_zero: bool,
    day: Day,
    /// Steady times.
    ours: Option<i64>,
    emptied: Option<i64>,
    lost: Option<i64>,
    told_loss: Option<(Cause, i64)>,
    heard: Option<i64>,
    /// Since when nobody has told its processes, though asked.
    untold: Option<i64>,
}

impl Tracker {
    /// A tracker that knows nothing yet.
    #[must_use]
    pub fn new(settings: Settings) -> Self {
        let parts = shipped(&settings);
        Self {
            settings,
            state: ApplianceState::default(),
            board: Board::default(),
            time: Timeline::default(),
            line: Line::default(),
            pool: Pool::default(),
            way: Way::default(),
            watch: Watch::default(),
            parts,
            plan: Vec::new(),
            kills: Vec::new(),
            limit_is_zero: false,
            day: Day::default(),
            ours: None,
            emptied: None,
            lost: None,
            told_loss: None,
            heard: None,
            untold: None,
        }
    }

    /// Goes on after a restart of noctule: from the last state (with the alarms that stood) and the
    /// past in points, oldest first.
    pub fn resume(&mut self, last: &ApplianceState, past: &[Point]) {
        let at = if last.answered.is_set() { last.answered } else { last.at };
        self.time = Timeline::default();
        let now = self.time.tick(last.at.max(at), self.settings.poll_us).now;
        self.heard = last.answered.is_set().then(|| self.time.of(at));
        self.board = Board::default();
        self.board.resume(&last.standing);
        self.line.resume(last.contact, last.response_us);
        self.way.resume(&last.uplink, now);
        self.watch.resume(&last.replay, last.forwarded);
        self.pool.resume(last, past, &self.time);
        let time = self.time.clone();
        for c in &last.collectors {
            if let Some(part) = self.part(&c.name, now) {
                part.resume(c, at, &time);
            }
        }
        self.day = Day::default();
        // A day's losses by their hours where the past has them; what it does not have is counted as
        // of the last state.
        let mut known = 0_u64;
        for p in past.iter().filter(|p| p.lost > 0 && last.at.since(p.at) < DAY) {
            self.day.add(p.at, p.lost);
            known = known.saturating_add(p.lost);
        }
        if last.lost_day > known {
            self.day.add(last.at, last.lost_day - known);
        }
        let latest = |emptied: bool| {
            let hit = |l: &&Loss| l.records > 0 && (!emptied || l.cause == Cause::Emptied.words());
            last.losses.iter().find(hit).map(|l| self.time.of(l.at))
        };
        self.lost = latest(false);
        self.emptied = latest(true);
        self.state = last.clone();
    }

    /// Takes a poll, answered or not.
    pub fn step(&mut self, poll: &Poll) -> Step {
        let tick = self.time.tick(poll.at, self.settings.poll_us);
        let mut notices = Vec::new();
        self.state.at = poll.at;
        if tick.back {
            self.pool.skip();
            self.parts.iter_mut().for_each(Part::skip);
        }
        self.configured(poll);
        let answered = self.contact(poll, tick);
        let anew = self.way.take(&poll.uplink, tick.at, tick.now);
        self.system(poll, tick, anew, &mut notices);
        self.counters(poll, tick, &mut notices);
        self.settle(tick);
        let alarms = self.alarms(poll, tick, answered);
        let standing = self.board.standing();
        (self.state.verdict, self.state.reasons) = verdict::judge(&self.state, &standing);
        self.state.standing = self.board.carried();
        self.state.poll_ms = u64::try_from(self.next_poll().as_millis()).unwrap_or(u64::MAX);
        Step { state: self.state.clone(), alarms, notices }
    }

    /// What stands, worst first: to be told again when somebody asks anew.
    #[must_use]
    pub fn standing(&self) -> Vec<AlarmChange> {
        self.board.standing()
    }

    /// What is known after the last poll.
    #[must_use]
    pub const fn state(&self) -> &ApplianceState {
        &self.state
    }

    /// When the next poll is due, counted from the end of the last one: as configured, at least ten
    /// times as long as an answer takes, at most five minutes.
    #[must_use]
    pub fn next_poll(&self) -> Duration {
        self.line.interval(&self.settings)
    }

    /// An operator has ordered "forward now", and the appliance has accepted it: the counter of what
    /// was forwarded has to move within two readings.
    pub fn forward_ordered(&mut self, at: Ts) {
        self.watch.order(at);
    }

    /// An operator has ordered a clean-up: records that vanish now are no loss.
    pub fn cleanup_ordered(&mut self, at: Ts) {
        self.ours = Some(self.time.of(at));
    }

    /// A configuration has been written by us: records that vanish now are no loss.
    pub fn config_written(&mut self, at: Ts) {
        self.ours = Some(self.time.of(at));
    }

    /// Bytes that it holds, about.
    #[must_use]
    pub fn memory(&self) -> usize {
        let words = self.state.reasons.iter().chain(&self.state.dangers).map(String::len).sum::<usize>()
            + self.state.losses.iter().map(|l| size_of::<Loss>() + l.cause.len()).sum::<usize>()
            + self.state.full.method.len()
            + self.state.first_loss.method.len();
        size_of::<Self>()
            + self.pool.heap()
            + self.board.heap()
            + self.parts.capacity() * size_of::<Part>()
            + self.parts.iter().map(Part::heap).sum::<usize>()
            // The state carries a copy of every collector.
            + self.state.collectors.capacity() * size_of::<crate::model::appliance::CollectorState>()
            + self.parts.len() * 200
            + words
    }

    fn part(&mut self, name: &str, now: i64) -> Option<&mut Part> {
        let name = clean(name);
        let at = match self.parts.iter().position(|p| p.state.name == name) {
            Some(at) => at,
            None if self.parts.len() < PARTS && !name.is_empty() => {
                // A part takes a kilobyte, and there are hundreds of trackers.
                self.parts.reserve_exact(1);
                self.parts.push(Part::new(&name, None, now));
                self.parts.len() - 1
            }
            None => return None,
        };
        self.parts.get_mut(at)
    }

    fn contact(&mut self, poll: &Poll, tick: Tick) -> bool {
        let Some((contact, trouble)) = self.line.take(poll, self.limit_is_zero) else { return false };
        self.state.contact = contact;
        self.state.trouble = trouble;
        let answered = matches!(contact, Contact::Answering | Contact::Slow | Contact::LimitZero | Contact::Unreadable);
        if answered {
            self.state.answered = tick.at;
            self.heard = Some(tick.now);
        }
        if poll.stats.said().is_some() {
            self.state.response_us = poll.response_us.max(0);
        }
        if let Some(version) = poll.version {
            self.state.version = version;
        }
        answered
    }

    fn configured(&mut self, poll: &Poll) {
        let Some(config) = poll.config.said() else { return };
        self.limit_is_zero = config.limit_bytes().is_some_and(|n| n <= 0);
        let dangers = config.validate();
        let of = |kind: DangerKind| dangers.iter().filter(move |d| d.kind == kind).map(|d| d.words.clone());
        self.kills = of(DangerKind::Kills).take(8).collect();
        self.state.dangers = self.kills.iter().cloned().chain(of(DangerKind::Loses).take(8)).collect();
        self.state.enabled = config.switch("enabled");
        self.state.compression = config.switch("compression_enabled");
        self.state.retention_days = config.number("max_retention_days").or(self.state.retention_days);
        if let Some(action) = config.overflow_action() {
            self.state.overflow_action = clean(action).into_owned();
        }
        if let Some(on) = config.forwarding() {
            self.way.state.forwarding = Some(on);
        }
        self.each_configured(config);
    }

    fn each_configured(&mut self, config: &BufferConfig) {
        for part in &mut self.parts {
            part.configure(config);
        }
    }

    /// Processes, ports, the system; and whether the buffer service has been restarted.
    fn system(&mut self, poll: &Poll, tick: Tick, anew: bool, notices: &mut Vec<Happening>) {
        let mut restarted = anew;
        self.processes_told(poll, tick.now);
        for told in poll.processes.said().into_iter().flatten() {
            let Some(part) = self.part(&told.service, tick.now) else { continue };
            let was = part.process.state;
            let again = part.process.read(told, tick.at);
            let name = part.state.name.clone();
            if again {
                restarted |= BUFFER_SERVICE.contains(&name.as_str());
                notices.push(happened(Some(&name), "SERVICE_RESTARTED", format!("{name} was restarted"), true));
            } else if was != ProcessState::Unknown && was != part.process.state {
                let state = part.process.state;
                let failure = part.process.down();
                notices.push(happened(Some(&name), "SERVICE_STATE", format!("{name} is {}", state.word()), failure));
            }
        }
        if let Some(plan) = poll.port_plan.said() {
            self.plan = plan.iter().take(64).cloned().collect();
        }
        if let Some(host) = poll.host.said() {
            self.host(host);
        }
        let listening = poll.host.said().and_then(|h| h.listening.as_deref());
        for part in &mut self.parts {
            let Some(service) = &part.service else { continue };
            part.state.disabled = ports::disabled(&service.name, &self.plan);
            if listening.is_some() || part.state.ports.is_empty() || poll.port_plan.said().is_some() {
                let planned = ports::planned(service, &self.plan, self.state.version);
                let same = |s: &crate::model::appliance::state::PortState, p: &super::settings::Port| {
                    s.public == p.public && s.inner == p.inner && s.tcp == p.tcp
                };
                let known = part.state.ports.len() == planned.len()
                    && part.state.ports.iter().zip(&planned).all(|(s, p)| same(s, p));
                if listening.is_some() || !known {
                    part.state.ports = ports::check(&service.name, &planned, listening);
                }
            }
        }
        if restarted {
            let busy = self.state.in_milli.is_some_and(|n| n > 0);
            let text = "the buffer service was restarted; up to 1000 records that it had acknowledged and not stored may be lost";
            notices.push(happened(None, "BUFFER_RESTARTED", text.to_owned(), true));
            if busy {
                self.keep(Loss {
                    at: tick.at,
                    records: 0,
                    pending: None,
                    cause: text.to_owned(),
                    collector: String::new(),
                });
            }
        }
    }

    /// Who tells the processes may fall silent, or want another key, while the buffer answers: after a
    /// while nothing is known of them any more, and the row says why.
    fn processes_told(&mut self, poll: &Poll, now: i64) {
        match (&poll.processes, poll.processes.trouble()) {
            (Answer::NotAsked, _) => {}
            (_, None) => {
                self.untold = None;
                self.state.services_trouble = String::new();
            }
            (_, Some(why)) => {
                let since = *self.untold.get_or_insert(now);
                let never = self.parts.iter().all(|p| p.process.state == ProcessState::Unknown);
                if never || now.saturating_sub(since) >= UNTOLD {
                    self.state.services_trouble = clean(why).into_owned();
                    for part in &mut self.parts {
                        part.process.state = ProcessState::Unknown;
                    }
                }
            }
        }
    }

    fn host(&mut self, host: &crate::model::appliance::poll::HostStatus) {
        let s = &mut self.state;
        s.disks = host.disks.iter().take(16).cloned().collect();
        for disk in &mut s.disks {
            disk.mount = clean(&disk.mount).into_owned();
        }
        s.load_milli = host.load_milli;
        s.cpus = host.cpus;
        s.memory_pct = host.memory_pct;
        s.uptime_s = host.uptime_s;
        s.database_bytes = host.database_bytes;
        s.wal_bytes = host.wal_bytes;
        s.host_told_by = clean(&host.told_by).into_owned();
    }

    /// The counters of the buffer and its collectors, and what left them.
    fn counters(&mut self, poll: &Poll, tick: Tick, notices: &mut Vec<Happening>) {
        let how = self.setting(tick);
        let services = poll.services.said().map(Vec::as_slice);
        let mut parts: Vec<(String, Change)> = Vec::new();
        for told in services.into_iter().flatten() {
            if let Some(part) = self.part(&told.service, tick.now) {
                let change = part.read(tick, told, &how);
                parts.push((part.state.name.clone(), change));
            }
        }
        let stats = poll.stats.said();
        for (name, records) in stats.into_iter().flat_map(|s| &s.by_service) {
            let told = services.is_some_and(|s| s.iter().any(|t| t.service == *name));
            if told {
                continue;
            }
            if let Some(part) = self.part(name, tick.now) {
                let change = part.read_records(tick, *records, &how);
                parts.push((part.state.name.clone(), change));
            }
        }
        for meter in &poll.meters {
            if let Some(part) = self.part(&meter.service, tick.now) {
                part.meter(tick, meter.what, meter.value);
            }
        }
        for (name, total) in poll.totals.said().into_iter().flatten() {
            if let Some(part) = self.part(name, tick.now) {
                part.total(tick, *total);
            }
        }
        if !poll.estimates.is_empty() {
            let known = &mut self.state.estimates;
            Estimate::renew(known, poll.estimates.iter().take(ESTIMATES).cloned());
            known.truncate(ESTIMATES);
            known.shrink_to_fit();
        }
        if let Some(stats) = stats {
            self.told(stats);
            let sight = Sight::whole(stats, services);
            let change = self.pool.read(tick, stats, services, &sight, &how);
            self.lose(tick, change, &parts, notices);
            if let (Some(pending), Some(forwarded)) = (sight.pending, sight.forwarded) {
                self.state.pending = Some(pending);
                self.state.forwarded = Some(forwarded);
                self.watch.read(tick, pending, forwarded, self.pool.out_milli(tick.now));
            }
        }
    }

    fn told(&mut self, stats: &Stats) {
        let s = &mut self.state;
        s.records = Some(stats.records);
        s.oldest = stats.oldest;
        s.newest = stats.newest;
        s.absurd_time = stats.absurd_time;
        s.retention_days = Some(stats.retention_days);
        s.overflow_action = clean(&stats.overflow_action).into_owned();
        s.limit_bytes = u64::try_from(stats.limit_bytes).ok().filter(|n| *n > 0);
        self.limit_is_zero = stats.limit_is_zero();
    }

    fn setting(&self, tick: Tick) -> Setting {
        let days = self.state.retention_days.map(|d| d.saturating_mul(DAY));
        // Of the whole buffer some records may leave when the shortest retention of a service is over.
        let hours = self.state.collectors.iter().filter_map(|c| c.retention_hours).min();
        let shortest = hours.map(|h| h.saturating_mul(HOUR));
        Setting {
            at: tick.at,
            passed: tick.since.unwrap_or(GAP),
            overflows: self.pool.overflows(&self.state),
            retention: shortest.into_iter().chain(days).min(),
            stays: self.state.uplink.forwarding == Some(false),
            ours: self.ours.is_some_and(|then| tick.now.saturating_sub(then) <= OURS.max(self.settings.poll_us * 2)),
            may_send: self.way.may_send() || self.watch.active(),
            rate: self.pool.in_milli(tick.now),
        }
    }

    /// Keeps what was lost.
    fn lose(&mut self, tick: Tick, change: Change, parts: &[(String, Change)], notices: &mut Vec<Happening>) {
        let of_parts = parts.iter().filter_map(|(_, c)| Some((c.lost?.0, c.cause?)));
        let sum = of_parts.clone().map(|(n, _)| n).fold(0, u64::saturating_add);
        let whole = change.lost.unwrap_or((0, None));
        let records = whole.0.max(sum);
        let Some(cause) = change.cause.or_else(|| of_parts.clone().next().map(|(_, c)| c)) else { return };
        // The cause of the whole explains its parts, which see less.
        if cause == Cause::Ours {
            notices.push(happened(None, "BUFFER_CLEANED", cause.words().to_owned(), false));
            return;
        }
        if records == 0 {
            return;
        }
        for (name, part) in parts {
            let Some((lost, pending)) = part.lost else { continue };
            let cause = if change.cause.is_some() { cause } else { part.cause.unwrap_or(cause) };
            let loss =
                Loss { at: tick.at, records: lost, pending, cause: cause.words().to_owned(), collector: name.clone() };
            if let Some(part) = self.part(name, tick.now) {
                part.day.add(tick.at, lost);
            }
            self.keep(loss);
        }
        let pending = whole.1.filter(|_| records == whole.0);
        self.keep(Loss { at: tick.at, records, pending, cause: cause.words().to_owned(), collector: String::new() });
        self.day.add(tick.at, records);
        self.lost = Some(tick.now);
        if cause == Cause::Emptied {
            self.emptied = Some(tick.now);
        }
        let again = self.told_loss.is_some_and(|(c, then)| c == cause && tick.now.saturating_sub(then) < AGAIN);
        if !again {
            self.told_loss = Some((cause, tick.now));
            let text = format!("at least {} records lost: {}", grouped(records), cause.words());
            notices.push(happened(None, "BUFFER_LOSS", text, true));
        }
    }

    fn keep(&mut self, loss: Loss) {
        self.state.losses.insert(0, loss);
        self.state.losses.truncate(LOSSES);
    }

    /// What follows from all counters.
    fn settle(&mut self, tick: Tick) {
        let traffic = Traffic { direct: self.way.direct(), silent_us: self.settings.silent_us };
        for part in &mut self.parts {
            part.settle(tick, traffic);
        }
        self.state.collectors = self.parts.iter().map(|p| p.state.clone()).collect();
        self.state.uplink = self.way.state.clone();
        self.state.replay = self.watch.state().clone();
        self.state.lost_day = self.day.sum(tick.at);
        self.state.coverage_goal_us = self.settings.coverage_us;
        let stale = self.heard.is_none_or(|then| tick.now.saturating_sub(then) > GAP);
        self.pool.settle(tick, &mut self.state, traffic.direct, stale);
    }

    fn alarms(&mut self, poll: &Poll, tick: Tick, answered: bool) -> Vec<AlarmChange> {
        let recent = |then: Option<i64>| then.is_some_and(|t| tick.now.saturating_sub(t) < FRESH);
        let told = Told {
            stats: poll.stats.said().is_some(),
            answered,
            config: matches!(poll.config, Answer::Said(_)),
            uplink: poll.uplink.said().is_some(),
            processes: poll.processes.said().is_some(),
            sockets: poll.host.said().is_some_and(|h| h.listening.is_some()),
            disks: poll.host.said().is_some(),
            kills: &self.kills,
            emptied: recent(self.emptied),
            lost: recent(self.lost),
        };
        conditions::all(&self.settings, &self.state, &self.board, told)
            .into_iter()
            .filter_map(|(id, collector, qualifier, seen)| self.board.see(id, collector.as_deref(), &qualifier, seen))
            .collect()
    }
}

fn happened(collector: Option<&str>, event: &'static str, text: String, failure: bool) -> Happening {
    Happening { collector: collector.map(str::to_owned), event, text, failure }
}
