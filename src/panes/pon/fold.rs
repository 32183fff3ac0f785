//! Which nodes of the tree are unfolded: all above a depth, but for the exceptions the operator
//! made. That is small whatever the tree holds.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::model::ids::RowId;
use crate::model::page::Unfolded;

/// Deepest level of the tree: UNIs hang on ONUs on PON ports on OLTs in sites.
const DEEPEST: u8 = 5;
/// Most exceptions kept; the oldest rule (the depth) covers the rest.
const MOST: usize = 20_000;

/// What is unfolded.
#[derive(Debug, Clone)]
pub(super) struct Folds {
    depth: u8,
    /// Nodes that differ from the rule, with their depth.
    exceptions: HashMap<RowId, u8>,
}

/// As it is kept for the next start.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Kept {
    depth: u8,
    exceptions: BTreeMap<i64, u8>,
}

impl Default for Folds {
    fn default() -> Self {
        Self { depth: 1, exceptions: HashMap::new() }
    }
}

impl Folds {
    /// Everything folded.
    pub(super) fn closed() -> Self {
        Self { depth: 0, exceptions: HashMap::new() }
    }

    /// Folds or unfolds a node.
    pub(super) fn set(&mut self, id: RowId, depth: u8, unfold: bool) {
        if (depth < self.depth) == unfold {
            self.exceptions.remove(&id);
        } else if self.exceptions.len() < MOST {
            self.exceptions.insert(id, depth);
        }
    }

    /// Unfolds one level more everywhere; what was folded above it stays folded.
    pub(super) fn deeper(&mut self) {
        if self.depth < DEEPEST {
            let level = self.depth;
            self.exceptions.retain(|_, depth| *depth != level);
            self.depth += 1;
        }
    }

    /// As the cache takes it.
    pub(super) fn unfolded(&self) -> Arc<Unfolded> {
        Arc::new(Unfolded { depth: self.depth, toggled: self.exceptions.keys().copied().collect() })
    }

    /// What the next start restores.
    pub(super) fn session(&self) -> Kept {
        Kept { depth: self.depth, exceptions: self.exceptions.iter().map(|(id, depth)| (id.0, *depth)).collect() }
    }

    /// Restores it.
    pub(super) fn restored(kept: Kept) -> Self {
        let exceptions = kept.exceptions.into_iter().take(MOST).map(|(id, depth)| (RowId(id), depth)).collect();
        Self { depth: kept.depth.min(DEEPEST), exceptions }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_level_more_keeps_what_the_operator_folded() {
        let mut folds = Folds::default();
        folds.set(RowId(1), 0, false);
        folds.set(RowId(2), 1, true);
        folds.deeper();
        let unfolded = folds.unfolded();
        assert!(!unfolded.has(RowId(1), 0), "folded by hand");
        assert!(unfolded.has(RowId(2), 1) && unfolded.has(RowId(3), 1), "the new level");
        assert!(!unfolded.has(RowId(4), 2));
    }

    #[test]
    fn folding_back_leaves_no_exception() {
        let mut folds = Folds::default();
        folds.set(RowId(1), 2, true);
        folds.set(RowId(1), 2, false);
        assert!(folds.unfolded().toggled.is_empty());
        let kept = serde_json::to_value(folds.session()).unwrap();
        assert_eq!(Folds::restored(serde_json::from_value(kept).unwrap()).depth, 1);
    }
}
