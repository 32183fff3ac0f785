//! The rows a list holds, about three screens of them, and where the cursor and the screen lie
//! on them.
//!
//! The cursor is an identity, not a number: when rows come and go, the window is asked for again
//! around the cursor's row, and that row keeps its line on the screen. So what an operator looks
//! at is what the next key works on.

use std::collections::HashMap;

use crate::model::ids::{RowId, Seq};
use crate::model::page::{Anchor, Page, RequestId, Rows, Total};
use crate::model::time::Ts;
use crate::ui::table::Extent;

/// Rows asked for at least; a small screen may grow at once.
const LEAST: usize = 60;
/// Rows asked for at most.
const MOST: usize = 900;

/// Where the cursor goes when the rows asked for are there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Landing {
    /// It stays on its row.
    #[default]
    Keep,
    /// The first row.
    First,
    /// The last row.
    Last,
    /// The n-th row.
    Offset(u64),
    /// This row.
    Row(RowId),
}

/// The window.
#[derive(Debug, Default)]
pub(crate) struct Window {
    page: Option<Page>,
    /// Index of the row under the cursor.
    cursor: usize,
    /// Index of the first row on the screen.
    top: usize,
    /// Rows on the screen.
    height: usize,
    landing: Landing,
    pending: Option<RequestId>,
    /// Rows the cursor has still to go once the next window is there.
    debt: i64,
    /// The operator has moved: from now on the screen stands still.
    touched: bool,
    seen: (Seq, Ts),
}

impl Window {
    /// The rows.
    pub(crate) fn rows(&self) -> Option<&Rows> {
        self.page.as_ref().map(|p| &p.rows)
    }

    /// The page as it came.
    pub(crate) const fn page(&self) -> Option<&Page> {
        self.page.as_ref()
    }

    /// How many rows it holds.
    pub(crate) fn len(&self) -> usize {
        self.rows().map_or(0, Rows::len)
    }

    /// Index of the row under the cursor.
    pub(crate) const fn cursor(&self) -> usize {
        self.cursor
    }

    /// Index of the first row on the screen.
    pub(crate) const fn top(&self) -> usize {
        self.top
    }

    /// Rows on the screen.
    pub(crate) const fn height(&self) -> usize {
        self.height
    }

    /// The request that is under way.
    pub(crate) const fn pending(&self) -> Option<RequestId> {
        self.pending
    }

    /// Where the cursor will go with the next answer.
    pub(crate) const fn landing(&self) -> Landing {
        self.landing
    }

    /// Journal place and instant at which the operator last saw the first row.
    pub(crate) const fn seen(&self) -> (Seq, Ts) {
        self.seen
    }

    /// The row under the cursor.
    pub(crate) fn cursor_id(&self) -> Option<RowId> {
        self.rows()?.id(self.cursor)
    }

    /// Whether the first row of all is the first on the screen.
    pub(crate) fn at_top(&self) -> bool {
        self.top == 0 && self.page.as_ref().is_none_or(|p| p.at_start)
    }

    /// Rows in all, as far as they have been counted.
    pub(crate) fn total(&self) -> Total {
        self.page.as_ref().map_or(Total::default(), |p| p.total)
    }

    /// Where the rows on the screen lie among all, when that is known.
    pub(crate) fn extent(&self) -> Option<Extent> {
        let page = self.page.as_ref()?;
        let first = page.first? + self.top as u64;
        let (Total::Exact(total) | Total::AtLeast(total)) = page.total;
        Some(Extent { first, total: total.max(first + (self.len() - self.top.min(self.len())) as u64) })
    }

    /// Place of the row under the cursor among all, from 1, when that is known.
    pub(crate) fn place(&self) -> Option<u64> {
        let page = self.page.as_ref()?;
        page.rows.id(self.cursor)?;
        Some(page.first? + self.cursor as u64 + 1)
    }

    /// Sets the rows on the screen; tells whether more rows have to be asked for.
    pub(crate) fn resize(&mut self, height: usize) -> bool {
        let grew = height > self.height;
        self.height = height;
        self.settle();
        self.page.is_none() || (grew && self.short())
    }

    /// Rows to ask for.
    pub(crate) fn limit(&self) -> u16 {
        u16::try_from((self.height * 3).clamp(LEAST, MOST)).unwrap_or(u16::MAX)
    }

    /// Where to ask for them.
    pub(crate) fn anchor(&self) -> Anchor {
        let half = self.limit() / 2;
        match self.landing {
            Landing::First => Anchor::Start,
            Landing::Last => Anchor::End,
            Landing::Offset(n) => Anchor::Offset(n.saturating_sub(half.into())),
            Landing::Row(id) => Anchor::Row { id, before: half },
            Landing::Keep => self.cursor_id().map_or(Anchor::Start, |id| Anchor::Row { id, before: half }),
        }
    }

    /// A request goes out.
    pub(crate) const fn asked(&mut self, id: RequestId) {
        self.pending = Some(id);
    }

    /// The request that is under way is not wanted any more.
    pub(crate) const fn forget(&mut self) -> Option<RequestId> {
        self.pending.take()
    }

    /// The next answer puts the cursor somewhere else.
    pub(crate) const fn land(&mut self, landing: Landing) {
        self.landing = landing;
        self.debt = 0;
        if !matches!(landing, Landing::Keep) {
            self.touched = true;
        }
    }

    /// Takes an answer in. `None`: it answers another question. `Some(true)`: more rows have to be
    /// asked for.
    pub(crate) fn accept(&mut self, id: RequestId, page: Page, now: Ts) -> Option<bool> {
        if self.pending != Some(id) {
            return None;
        }
        self.pending = None;
        let landing = if self.page.is_none() && self.landing == Landing::Keep { Landing::First } else { self.landing };
        self.landing = Landing::Keep;
        let line = self.cursor.saturating_sub(self.top);
        let middle = self.height / 2;
        let at_top = self.at_top();
        let (cursor, line) = match landing {
            Landing::First => (0, 0),
            Landing::Last => (page.rows.len().saturating_sub(1), self.height),
            Landing::Offset(n) => (usize::try_from(n.saturating_sub(page.first.unwrap_or(n))).unwrap_or(0), middle),
            Landing::Row(row) => (find(&page.rows, row).unwrap_or(0), middle),
            Landing::Keep => {
                let cursor = self.kept(&page.rows);
                // Nobody has moved yet: the list fills from the top as long as the cursor's row
                // stays on the screen.
                (cursor, if !self.touched && at_top { cursor.min(self.height.saturating_sub(1)) } else { line })
            }
        };
        self.page = Some(page);
        self.cursor = cursor;
        self.top = cursor.saturating_sub(line);
        self.settle();
        let debt = std::mem::take(&mut self.debt);
        let more = debt != 0 && self.step(debt, false);
        self.look(now);
        Some(more)
    }

    /// Where the cursor's row is among new rows; when it has gone, the row that has taken its place.
    fn kept(&self, rows: &Rows) -> usize {
        let Some(old) = self.rows() else { return 0 };
        let places: HashMap<RowId, usize> = (0..rows.len()).filter_map(|i| Some((rows.id(i)?, i))).collect();
        let at = |i: usize| old.id(i).and_then(|id| places.get(&id).copied());
        at(self.cursor)
            .or_else(|| (self.cursor + 1..old.len()).find_map(at))
            .or_else(|| (0..self.cursor).rev().find_map(at))
            .unwrap_or(0)
    }

    /// Moves the cursor by rows; with `page`, the screen moves along. Tells whether more rows have
    /// to be asked for; what could not be gone yet is gone when they are there.
    pub(crate) fn step(&mut self, rows: i64, page: bool) -> bool {
        self.touched = true;
        if self.landing != Landing::Keep {
            self.debt += rows;
            return false;
        }
        let Some(last) = self.len().checked_sub(1) else { return false };
        let target = self.cursor as i64 + rows;
        let reached = target.clamp(0, last as i64);
        let moved = reached - self.cursor as i64;
        self.cursor = reached as usize;
        if page {
            self.top = usize::try_from(self.top as i64 + moved).unwrap_or(0);
        }
        self.settle();
        let ends = self.page.as_ref().map_or((true, true), |p| (p.at_start, p.at_end));
        let left = target - reached;
        if (left < 0 && !ends.0) || (left > 0 && !ends.1) {
            self.debt = left;
        }
        self.debt != 0 || self.short()
    }

    /// Puts the cursor on a row of the window.
    pub(crate) fn put(&mut self, index: usize) -> bool {
        if index < self.len() {
            self.touched = true;
            self.cursor = index;
            self.settle();
        }
        self.short()
    }

    /// Puts the cursor on a row if the window holds it.
    pub(crate) fn put_id(&mut self, id: RowId) -> bool {
        let Some(index) = self.rows().and_then(|rows| find(rows, id)) else { return false };
        self.put(index);
        true
    }

    /// Notes what has been seen, when the first row is on the screen.
    pub(crate) fn look(&mut self, now: Ts) {
        if self.at_top()
            && let Some(page) = &self.page
        {
            self.seen = (page.seq, now);
        }
    }

    /// Whether the rows end within a screen of what is shown although there are more.
    fn short(&self) -> bool {
        let Some(page) = &self.page else { return true };
        let below = page.rows.len().saturating_sub(self.top + self.height);
        let least = (self.height / 2).max(1);
        (!page.at_start && self.top < least) || (!page.at_end && below < least)
    }

    /// Keeps the cursor among the rows and on the screen, and the screen full.
    fn settle(&mut self) {
        let len = self.len();
        self.cursor = self.cursor.min(len.saturating_sub(1));
        let height = self.height.max(1);
        self.top =
            self.top.min(len.saturating_sub(height)).min(self.cursor).max((self.cursor + 1).saturating_sub(height));
    }
}

/// Index of a row.
pub(crate) fn find(rows: &Rows, id: RowId) -> Option<usize> {
    (0..rows.len()).find(|i| rows.id(*i) == Some(id))
}

#[cfg(test)]
#[allow(clippy::indexing_slicing, reason = "a panic is a failed test")]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::model::log::{LogKind, LogRow};

    fn row(id: i64) -> LogRow {
        LogRow {
            id: RowId(id),
            at: Ts(id),
            kind: LogKind::Call,
            source: String::new(),
            what: String::new(),
            target: String::new(),
            status: String::new(),
            duration_us: 0,
            tries: 0,
            actor: String::new(),
            text: String::new(),
            failed: false,
        }
    }

    /// What the store answers, over ids in order.
    fn answer(table: &[i64], window: &Window) -> Page {
        let limit = usize::from(window.limit());
        let first = match window.anchor() {
            Anchor::Start => 0,
            Anchor::End => table.len().saturating_sub(limit),
            Anchor::Offset(n) => (n as usize).min(table.len()),
            Anchor::Row { id, before } => {
                table.partition_point(|row| *row < id.0).min(table.len()).saturating_sub(usize::from(before))
            }
        };
        let end = (first + limit).min(table.len());
        Page {
            rows: Rows::Log(table[first..end].iter().map(|id| row(*id)).collect()),
            at_start: first == 0,
            at_end: end == table.len(),
            first: Some(first as u64),
            total: Total::Exact(table.len() as u64),
            new_above: 0,
            seq: Seq(1),
        }
    }

    fn load(window: &mut Window, table: &[i64], id: &mut u64) {
        loop {
            *id += 1;
            window.asked(RequestId(*id));
            if window.accept(RequestId(*id), answer(table, window), Ts(1)) != Some(true) {
                return;
            }
        }
    }

    #[derive(Debug, Clone)]
    enum Step {
        Move(i64),
        Insert(usize),
        Remove(usize),
        Resize(usize),
        End,
    }

    fn steps() -> impl Strategy<Value = Vec<Step>> {
        let step = prop_oneof![
            (-200_i64..200).prop_map(Step::Move),
            (0_usize..2000).prop_map(Step::Insert),
            (0_usize..2000).prop_map(Step::Remove),
            (1_usize..60).prop_map(Step::Resize),
            Just(Step::End),
        ];
        proptest::collection::vec(step, 0..60)
    }

    proptest! {
        #[test]
        fn the_cursor_stays_on_its_row_and_on_the_screen(steps in steps()) {
            let mut table: Vec<i64> = (0..600).map(|i| i * 10_000).collect();
            let mut window = Window::default();
            let mut id = 0;
            window.resize(20);
            load(&mut window, &table, &mut id);
            for step in steps {
                let before = window.cursor_id();
                match step {
                    Step::Move(n) => {
                        let at = table.iter().position(|r| Some(RowId(*r)) == before).unwrap_or(0) as i64;
                        if window.step(n, false) {
                            load(&mut window, &table, &mut id);
                        }
                        let want = (at + n).clamp(0, table.len() as i64 - 1) as usize;
                        prop_assert_eq!(window.cursor_id(), Some(RowId(table[want])));
                    }
                    Step::Insert(at) => {
                        let at = at % table.len();
                        table.insert(at + 1, table[at] + 1);
                        table.sort_unstable();
                        table.dedup();
                        load(&mut window, &table, &mut id);
                        prop_assert_eq!(window.cursor_id(), before);
                    }
                    Step::Remove(at) => {
                        if table.len() < 2 {
                            continue;
                        }
                        let gone = table.remove(at % table.len());
                        load(&mut window, &table, &mut id);
                        if before != Some(RowId(gone)) {
                            prop_assert_eq!(window.cursor_id(), before);
                        }
                    }
                    Step::Resize(height) => {
                        window.resize(height);
                        load(&mut window, &table, &mut id);
                        prop_assert_eq!(window.cursor_id(), before);
                    }
                    Step::End => {
                        window.land(Landing::Last);
                        load(&mut window, &table, &mut id);
                        prop_assert_eq!(window.cursor_id(), table.last().map(|r| RowId(*r)));
                    }
                }
                prop_assert!(window.top() <= window.cursor() && window.cursor() < window.top() + window.height());
                prop_assert!(window.len() <= usize::from(window.limit()).max(LEAST));
                prop_assert!(window.len() - window.top() >= window.height().min(window.len()), "the screen is full");
            }
        }
    }

    #[test]
    fn an_answer_to_an_older_question_is_dropped() {
        let mut window = Window::default();
        window.resize(10);
        window.asked(RequestId(2));
        let page = answer(&[1, 2, 3], &window);
        assert_eq!(window.accept(RequestId(1), page.clone(), Ts(1)), None);
        assert_eq!(window.accept(RequestId(2), page, Ts(1)), Some(false));
    }
}
