//! Windows cut out of rows in memory: for tables that are small or read in one direction.

use crate::model::page::Anchor;

/// A window and what is known of its place.
pub(crate) struct Slice<T> {
    pub rows: Vec<T>,
    pub at_start: bool,
    pub at_end: bool,
    pub first: Option<u64>,
}

impl<T> Slice<T> {
    /// From the n-th row on; `rows` holds one more than fits when there are more.
    pub(crate) fn at(mut rows: Vec<T>, first: u64, limit: usize) -> Self {
        let at_end = rows.len() <= limit;
        rows.truncate(limit);
        Self { rows, at_start: first == 0, at_end, first: Some(first) }
    }

    /// At the end; `rows` come last first.
    pub(crate) fn at_end(mut rows: Vec<T>, limit: usize) -> Self {
        let at_start = rows.len() <= limit;
        rows.truncate(limit);
        rows.reverse();
        Self { rows, at_start, at_end: true, first: at_start.then_some(0) }
    }

    /// Around a row: `above` comes nearest first, `below` begins with the row itself.
    pub(crate) fn around(mut above: Vec<T>, mut below: Vec<T>, before: usize, limit: usize) -> Self {
        let below_count = below.len().min(limit - before.min(above.len()).min(limit));
        let above_count = above.len().min(limit - below_count);
        let (at_start, at_end) = (above.len() <= above_count, below.len() <= below_count);
        above.truncate(above_count);
        above.reverse();
        below.truncate(below_count);
        above.extend(below);
        Self { rows: above, at_start, at_end, first: at_start.then_some(0) }
    }

    /// Out of all rows; `at` finds the row of an anchor.
    pub(crate) fn of_all(rows: Vec<T>, anchor: Anchor, limit: usize, at: impl Fn(&T, i64) -> bool) -> Self {
        let last_start = rows.len().saturating_sub(limit);
        let start = match anchor {
            Anchor::Start => 0,
            Anchor::End => last_start,
            Anchor::Offset(n) => usize::try_from(n).unwrap_or(usize::MAX).min(rows.len()),
            Anchor::Row { id, before } => {
                let place = rows.iter().position(|row| at(row, id.0)).unwrap_or(0);
                place.saturating_sub(usize::from(before)).min(last_start)
            }
        };
        let total = rows.len();
        let rows: Vec<T> = rows.into_iter().skip(start).take(limit).collect();
        let at_end = start + rows.len() >= total;
        Self { rows, at_start: start == 0, at_end, first: Some(start as u64) }
    }
}
