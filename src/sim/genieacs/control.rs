//! The handle by which tests (and nobody else) make things happen to a simulated ACS.

use std::sync::Arc;

use super::fleet::models::{MODELS, Model};
use super::fleet::{Poke, anew};
use super::nbi::Nbi;
use super::world::Step;
use crate::sim::network::contact::Told;

/// Makes things happen to an ACS and its CPEs, which are named by their ids.
#[derive(Debug, Clone)]
pub struct AcsControl {
    nbi: Arc<Nbi>,
}

/// How a CPE answers connection requests.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answers {
    /// With a session.
    Comes,
    /// With a reset: "Device is offline".
    Refuses,
    /// Not at all.
    Silent,
    /// The ACS does not know its password.
    WrongPassword,
    /// It accepts and then does not inform.
    Ignores,
}

impl AcsControl {
    pub(super) const fn new(nbi: Arc<Nbi>) -> Self {
        Self { nbi }
    }

    /// Ids of all CPEs.
    #[must_use]
    pub fn ids(&self) -> Vec<String> {
        self.nbi.live.world().fleet.each().map(|(_, v)| v.cpe.id()).collect()
    }

    /// A new CPE of a model (its product class) informs for the first time; its id, or `None` when
    /// there is no such model.
    #[must_use]
    pub fn plug_in(&self, product: &str, serial: &str) -> Option<String> {
        let model = Model::by_product(product)?;
        let mut world = self.nbi.live.world();
        let number = world.fleet.places() + 1;
        let cpe = anew(model, number, serial, world.wall());
        let id = cpe.id();
        world.plug_in(cpe);
        Some(id)
    }

    /// Product classes of the models there are.
    #[must_use]
    pub fn products() -> Vec<&'static str> {
        MODELS.iter().map(|m| m.product).collect()
    }

    /// Takes mains or fibre from CPEs, or gives it back.
    pub fn offline(&self, ids: &[&str], off: bool) {
        let mut world = self.nbi.live.world();
        for id in ids {
            if let Some(at) = world.fleet.find(id) {
                world.set_offline(at, off);
            }
        }
    }

    /// The ONUs of the network changed, and so did what reaches the CPEs behind them.
    pub(in crate::sim) fn follow(&self, told: &[Told]) {
        if told.is_empty() {
            return;
        }
        let mut world = self.nbi.live.world();
        for told in told {
            world.line(told);
        }
    }

    /// How a CPE answers connection requests from now on.
    pub fn answers(&self, id: &str, how: Answers) {
        let mut world = self.nbi.live.world();
        let at = world.fleet.find(id);
        if let Some(cpe) = at.and_then(|at| world.fleet.get_mut(at)) {
            cpe.poke = match how {
                Answers::Comes => Poke::Comes,
                Answers::Refuses => Poke::Refuses,
                Answers::Silent => Poke::Silent,
                Answers::WrongPassword => Poke::WrongPassword,
                Answers::Ignores => Poke::Ignores,
            };
        }
    }

    /// Share of downloads that fail (0 to 1).
    pub fn fail_downloads(&self, share: f64) {
        self.nbi.live.world().faulty.downloads = share;
    }

    /// Share of upgrades after which the old version runs on (0 to 1).
    pub fn botch_upgrades(&self, share: f64) {
        self.nbi.live.world().faulty.upgrades = share;
    }

    /// Share of settings that fail with 9002 (0 to 1).
    pub fn fail_sets(&self, share: f64) {
        self.nbi.live.world().faulty.sets = share;
    }

    /// Every CPE refuses to set this parameter, with this code of TR-069.
    pub fn refuse_parameter(&self, path: &str, code: u32) {
        let mut world = self.nbi.live.world();
        world.faulty.parameters.retain(|(p, _)| p != path);
        world.faulty.parameters.push((path.to_owned(), code));
    }

    /// Somebody changes a parameter at the device; the ACS sees it when it reads it again. False
    /// when the CPE has no such parameter.
    #[must_use]
    pub fn change_at_device(&self, id: &str, path: &str, value: &serde_json::Value) -> bool {
        self.nbi.live.world().change_at_device(id, path, value)
    }

    /// How many tasks that change something a CPE was given in its sessions.
    #[must_use]
    pub fn changes(&self, id: &str) -> u32 {
        let world = self.nbi.live.world();
        world.fleet.find(id).and_then(|at| world.changes.get(&at).copied()).unwrap_or(0)
    }

    /// Tasks that wait for their CPEs.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.nbi.live.world().tasks.each().count()
    }

    /// The NBI worker throws.
    pub fn crash_worker(&self) {
        self.nbi.throw("asked for");
    }

    /// While on, requests are taken and not answered.
    pub fn freeze(&self, on: bool) {
        self.nbi.faults.set_hang(on);
    }

    /// While on, nothing listens: open connections are cut, new ones closed at once.
    pub fn refuse_connections(&self, on: bool) {
        self.nbi.faults.set_refuse(on);
        if on {
            self.nbi.faults.drop_connections();
        }
    }

    /// Cuts every open connection.
    pub fn drop_connections(&self) {
        self.nbi.faults.drop_connections();
    }

    /// A CPE informs now.
    pub fn session_now(&self, id: &str) {
        let mut world = self.nbi.live.world();
        if let Some(at) = world.fleet.find(id) {
            world.after(0, Step::Begin(at));
            let now = world.now();
            world.advance(now);
        }
    }

    /// Lets virtual time pass at once. Meant for a stepped clock.
    pub fn advance(&self, seconds: f64) {
        self.nbi.live.advance((seconds * 1_000.0) as i64);
    }

    /// Virtual seconds since the start.
    #[must_use]
    pub fn seconds(&self) -> i64 {
        self.nbi.live.world().now() / 1_000
    }
}
