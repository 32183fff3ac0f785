//! The network itself: one seeded world with a virtual clock, in which things happen in steps.
//!
//! The same seed and scale give the same sequence of events. Operators (through the VOLTHA server)
//! and tests (through the control handle) act on the same world; what they cause runs through the
//! same queue.

pub(crate) mod alarm;
pub(crate) mod chains;
pub(crate) mod contact;
pub(crate) mod events;
mod history;
pub(crate) mod layout;
mod script;
pub(crate) mod state;
pub(crate) mod step;

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use crate::controllers::voltha::proto::event::Event;
use crate::sim::Scale;
use events::Emitted;
use layout::{Plan, Stack};
pub(crate) use step::{OltAct, OnuAct, Step};

/// A second of virtual time.
pub(crate) const SECOND: i64 = 1_000_000;
/// A millisecond of virtual time.
pub(crate) const MS: i64 = 1_000;

type Timed = crate::sim::timed::Timed<Step>;

/// What makes a world.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Rules {
    pub(crate) scale: Scale,
    pub(crate) seed: u64,
    /// Virtual seconds a real second.
    pub(crate) speed: f64,
    /// Whether the script runs (otherwise only what is asked for happens).
    pub(crate) script: bool,
    /// Whether there is a past with alarms that still stand.
    pub(crate) history: bool,
    /// Real time of virtual 0, µs since 1970.
    pub(crate) anchor: i64,
}

/// The whole network.
#[derive(Debug)]
pub(crate) struct World {
    pub(crate) stacks: Vec<Stack>,
    pub(crate) plan: Plan,
    pub(crate) rng: fastrand::Rng,
    rules: Rules,
    now: i64,
    order: u64,
    queue: BinaryHeap<Reverse<Timed>>,
    out: Vec<Emitted>,
    script: script::Script,
    /// For the ACS: whether changes are noted, and those not yet told.
    followed: bool,
    contacts: Vec<contact::Told>,
}

impl World {
    /// Builds the network; with a history, virtual time begins in the past and [`Self::advance`]
    /// to 0 gives what happened until now.
    pub(crate) fn new(rules: Rules) -> Self {
        let plan = Plan::of(rules.scale);
        let mut world = Self {
            stacks: (0..plan.stacks).map(|i| Stack::build(plan, rules.seed, i)).collect(),
            plan,
            rng: fastrand::Rng::with_seed(rules.seed),
            rules,
            now: if rules.history { -history::LENGTH } else { 0 },
            order: 0,
            queue: BinaryHeap::new(),
            out: Vec::new(),
            script: script::Script::default(),
            followed: false,
            contacts: Vec::new(),
        };
        if rules.history {
            world.plan_history();
        }
        if rules.script {
            world.plan_script();
        }
        world
    }

    /// Virtual time now, µs; 0 is the start.
    pub(crate) const fn now(&self) -> i64 {
        self.now
    }

    /// Virtual time until the next step.
    pub(crate) fn until_next(&self) -> Option<i64> {
        self.queue.peek().map(|Reverse(t)| (t.at - self.now).max(0))
    }

    /// Real duration of a virtual one.
    pub(crate) fn real(&self, virtual_us: i64) -> std::time::Duration {
        std::time::Duration::from_micros((virtual_us.max(0) as f64 / self.rules.speed) as u64)
    }

    /// Real time of a virtual moment, µs since 1970: what the devices' clocks show. The past ran at
    /// normal speed.
    pub(crate) fn wall(&self, at: i64) -> i64 {
        let since = if at > 0 { (at as f64 / self.rules.speed) as i64 } else { at };
        self.rules.anchor + since
    }

    /// Lets a step happen `delay` µs from now.
    pub(crate) fn after(&mut self, delay: i64, step: Step) {
        self.order += 1;
        let at = self.now + delay.max(0);
        self.queue.push(Reverse(Timed { at, order: self.order, step }));
    }

    /// Performs what is due now; its events wait for the next [`Self::advance`].
    pub(crate) fn settle(&mut self, now: i64) {
        let mut events = self.advance(now);
        std::mem::swap(&mut events, &mut self.out);
    }

    /// Lets time pass until `to` and returns what happened, in order.
    pub(crate) fn advance(&mut self, to: i64) -> Vec<Emitted> {
        while self.queue.peek().is_some_and(|Reverse(t)| t.at <= to) {
            if let Some(Reverse(timed)) = self.queue.pop() {
                self.now = self.now.max(timed.at);
                self.perform(timed.step);
            }
        }
        self.now = self.now.max(to);
        std::mem::take(&mut self.out)
    }

    pub(crate) fn emit(&mut self, stack: usize, key: String, event: Event) {
        let at = self.wall(self.now);
        self.out.push(Emitted { stack, at, key, event });
    }

    pub(crate) fn emit_made(&mut self, stack: usize, made: Option<(String, Event)>) {
        if let Some((key, event)) = made {
            self.emit(stack, key, event);
        }
    }

    /// Real time now, as event stamps show it.
    pub(crate) fn stamp(&self) -> i64 {
        self.wall(self.now)
    }
}

#[cfg(test)]
mod tests;
