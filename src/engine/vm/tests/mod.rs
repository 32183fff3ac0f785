//! Worlds in which the machines run: small hosts that do what they are told, fail at any step, lose an
//! answer before or after the deed, or fall silent. What has to hold at the end is checked against
//! what is so in the world, not against what was reported.

mod backup;
mod cleanup;
mod migrate;
mod restore;
mod small;

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::Fault;

/// How a step goes wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Wrong {
    /// Refused.
    Fails,
    /// The question is lost.
    LostBefore,
    /// It is done, the answer is lost.
    LostAfter,
}

impl Wrong {
    pub(super) fn fault(self) -> Fault {
        match self {
            Self::Fails => Fault::Failed("no".into()),
            Self::LostBefore | Self::LostAfter => Fault::Lost("silence".into()),
        }
    }
}

/// Which steps go wrong, and from when to when nothing answers.
#[derive(Debug, Clone, Default)]
pub(super) struct Script {
    pub steps: BTreeMap<usize, Wrong>,
    pub silent: Option<(usize, usize)>,
    pub cancel: Option<usize>,
}

impl Script {
    pub(super) fn at(&self, step: usize) -> Option<Wrong> {
        match self.silent {
            Some((from, to)) if (from..to).contains(&step) => Some(Wrong::LostBefore),
            _ => self.steps.get(&step).copied(),
        }
    }
}

pub(super) fn wrong() -> impl Strategy<Value = Wrong> {
    prop_oneof![Just(Wrong::Fails), Just(Wrong::LostBefore), Just(Wrong::LostAfter)]
}

pub(super) fn script(steps: usize) -> impl Strategy<Value = Script> {
    let faults = prop::collection::btree_map(0..steps, wrong(), 0..4);
    let silent = prop::option::weighted(0.3, (0..steps, prop_oneof![Just(usize::MAX), 1..steps]));
    (faults, silent, prop::option::weighted(0.3, 0..steps)).prop_map(|(steps, silent, cancel)| Script {
        steps,
        silent: silent.map(|(from, long)| (from, from.saturating_add(long))),
        cancel,
    })
}

/// Every single fault at every single step, and a cancel at every step.
pub(super) fn each(steps: usize) -> impl Iterator<Item = Script> {
    let wrongs = [Wrong::Fails, Wrong::LostBefore, Wrong::LostAfter];
    let one = (0..steps).flat_map(move |step| {
        wrongs.map(|wrong| Script { steps: BTreeMap::from([(step, wrong)]), ..Script::default() })
    });
    let dead = (0..steps).map(|step| Script { silent: Some((step, usize::MAX)), ..Script::default() });
    let cancel = (0..steps).map(|step| Script { cancel: Some(step), ..Script::default() });
    one.chain(dead).chain(cancel)
}
