//! The counters that are always on the screen, kept by adding and taking away single alarms.

use crate::model::alarm::{Counts, OpState, Visibility};
use crate::model::severity::Severity;

use super::lifecycle::Life;

/// What one alarm adds to the counters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tally {
    /// Active and visible.
    Active(Severity, bool),
    /// Cleared, nobody looked.
    Returned,
    /// Hidden in one of three ways.
    Hidden(Visibility),
    /// Nothing: over and dealt with.
    Nothing,
}

/// Base set of a row, as stored: what an operator still has to do with, what is hidden, the rest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// Over and dealt with.
    Done = 0,
    /// Still to do with.
    Open = 1,
    /// Hidden.
    Hidden = 2,
}

impl Tally {
    /// What an alarm adds.
    #[must_use]
    pub fn of(life: &Life) -> Self {
        match (life.operator.visibility, life.cleared, life.operator.state) {
            (Visibility::Visible, false, op) => Self::Active(life.severity, op == OpState::None),
            (Visibility::Visible, true, OpState::None) => Self::Returned,
            // What its source suppressed until it was over asks nobody to look.
            (Visibility::Visible | Visibility::Suppressed, true, _) => Self::Nothing,
            (hidden, ..) => Self::Hidden(hidden),
        }
    }

    /// Its base set.
    #[must_use]
    pub const fn place(self) -> Place {
        match self {
            Self::Active(..) | Self::Returned => Place::Open,
            Self::Hidden(_) => Place::Hidden,
            Self::Nothing => Place::Done,
        }
    }

    /// Severity rank under which it counts on its node and the nodes above, when it does.
    #[must_use]
    pub fn on_node(self) -> Option<usize> {
        match self {
            Self::Active(severity, _) => Some(usize::from(severity.rank())),
            _ => None,
        }
    }

    /// Adds it to the counters (`by` 1) or takes it away (-1).
    pub fn apply(self, counts: &mut Counts, by: i32) {
        let add = |n: &mut u32| *n = n.saturating_add_signed(by);
        match self {
            Self::Active(severity, unack) => {
                let rank = usize::from(severity.rank());
                counts.active.get_mut(rank).map(add);
                if unack {
                    counts.unack.get_mut(rank).map(add);
                }
            }
            Self::Returned => add(&mut counts.returned),
            Self::Hidden(Visibility::Shelved) => add(&mut counts.shelved),
            Self::Hidden(Visibility::Suppressed) => add(&mut counts.suppressed),
            Self::Hidden(_) => add(&mut counts.out_of_service),
            Self::Nothing => {}
        }
    }
}
