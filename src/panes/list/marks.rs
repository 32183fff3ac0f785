//! Which rows are marked: a set of identities, or all rows of the filter but some. Never row
//! numbers, which change between looking and pressing. And never a row that came later than the
//! mark, where the table tells when rows came: nobody has seen it.

use std::collections::{BTreeSet, HashSet};

use crate::model::ids::RowId;
use crate::model::page::Total;
use crate::model::time::Ts;

/// The marks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Marks {
    /// These rows.
    Rows(BTreeSet<RowId>),
    /// Every row of the filter but these.
    AllBut {
        /// Rows whose mark was taken away again.
        rows: HashSet<RowId>,
        /// When all were marked: what arrived later is not.
        until: Ts,
    },
}

impl Default for Marks {
    fn default() -> Self {
        Self::Rows(BTreeSet::new())
    }
}

impl Marks {
    /// Whether a row that arrived at an instant is marked.
    pub(crate) fn has(&self, id: RowId, arrived: Ts) -> bool {
        match self {
            Self::Rows(rows) => rows.contains(&id),
            Self::AllBut { rows, until } => arrived <= *until && !rows.contains(&id),
        }
    }

    /// Marks or unmarks a row.
    pub(crate) fn set(&mut self, id: RowId, on: bool) {
        match (self, on) {
            (Self::Rows(rows), true) => {
                rows.insert(id);
            }
            (Self::Rows(rows), false) => {
                rows.remove(&id);
            }
            (Self::AllBut { rows, .. }, true) => {
                rows.remove(&id);
            }
            (Self::AllBut { rows, .. }, false) => {
                rows.insert(id);
            }
        }
    }

    /// Whether nothing is marked.
    pub(crate) fn is_empty(&self) -> bool {
        matches!(self, Self::Rows(rows) if rows.is_empty())
    }

    /// How many rows are marked, when the filter has `total`.
    pub(crate) fn count(&self, total: Total) -> Total {
        match self {
            Self::Rows(rows) => Total::Exact(rows.len() as u64),
            Self::AllBut { rows, .. } => match total {
                Total::Exact(n) => Total::Exact(n.saturating_sub(rows.len() as u64)),
                Total::AtLeast(n) => Total::AtLeast(n.saturating_sub(rows.len() as u64)),
            },
        }
    }
}

/// A range being marked: the rows passed since it began, in the order they were passed.
#[derive(Debug, Clone, Default)]
pub(crate) struct Range {
    passed: Vec<RowId>,
    /// Rows that were marked before the range reached them.
    before: HashSet<RowId>,
}

impl Range {
    /// A range that begins at a row.
    pub(crate) fn begin(id: RowId, arrived: Ts, marks: &mut Marks) -> Self {
        let mut range = Self::default();
        range.reach(id, arrived, marks);
        range
    }

    /// The cursor has come to a row next to the last one: away from the beginning it is marked,
    /// on the way back the one left is unmarked.
    pub(crate) fn reach(&mut self, id: RowId, arrived: Ts, marks: &mut Marks) {
        if let [.., previous, last] = self.passed.as_slice()
            && *previous == id
        {
            if !self.before.remove(last) {
                marks.set(*last, false);
            }
            self.passed.pop();
            return;
        }
        if self.passed.last() == Some(&id) {
            return;
        }
        if marks.has(id, arrived) {
            self.before.insert(id);
        }
        marks.set(id, true);
        self.passed.push(id);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_shrinks_as_it_grew() {
        let mut marks = Marks::default();
        marks.set(RowId(3), true);
        let mut range = Range::begin(RowId(1), Ts(0), &mut marks);
        for id in [2, 3, 4, 3, 2] {
            range.reach(RowId(id), Ts(0), &mut marks);
        }
        let marked: Vec<i64> = (1..=4).filter(|id| marks.has(RowId(*id), Ts(0))).collect();
        assert_eq!(marked, [1, 2, 3], "3 was marked before and stays so");
    }

    #[test]
    fn all_but_some_counts() {
        let mut marks = Marks::AllBut { rows: HashSet::new(), until: Ts(10) };
        marks.set(RowId(5), false);
        assert!(!marks.has(RowId(5), Ts(10)) && marks.has(RowId(6), Ts(10)));
        assert!(!marks.has(RowId(7), Ts(11)), "it came after the mark");
        assert_eq!(marks.count(Total::Exact(100)), Total::Exact(99));
        assert_eq!(marks.count(Total::AtLeast(100)), Total::AtLeast(99));
    }
}
