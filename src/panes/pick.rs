//! A cursor over rows that a view holds itself: for lists that are read whole from a server.

use std::cell::Cell;

use super::detail::{Areas, DetailState};

/// What the mouse did.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Mouse {
    /// Column and row in the pane.
    pub at: (u16, u16),
    /// Lines that the wheel turned; 0 for a click.
    pub lines: i16,
    /// The second of two clicks.
    pub double: bool,
}

/// The cursor, and the part of the list that is shown.
#[derive(Debug, Default)]
pub(crate) struct Pick {
    at: usize,
    top: Cell<usize>,
    height: Cell<usize>,
}

impl Pick {
    /// The row under the cursor, of `len`.
    pub(crate) fn at(&self, len: usize) -> Option<usize> {
        len.checked_sub(1).map(|last| self.at.min(last))
    }

    /// Goes to a row.
    pub(crate) const fn go(&mut self, at: usize) {
        self.at = at;
    }

    /// The first row shown when `height` fit; called while drawing.
    pub(crate) fn top(&self, len: usize, height: usize) -> usize {
        self.height.set(height);
        let at = self.at(len).unwrap_or(0);
        let least = (at + 1).saturating_sub(height);
        let top = self.top.get().clamp(least, at.max(least)).min(len.saturating_sub(height.min(len)));
        self.top.set(top);
        top
    }

    /// Runs one of the moves that all lists have; tells whether it was one.
    pub(crate) fn command(&mut self, id: &str, len: usize) -> bool {
        let (at, page) = (self.at(len).unwrap_or(0), self.height.get().max(2));
        let last = len.saturating_sub(1);
        self.at = match id {
            "list.down" => (at + 1).min(last),
            "list.up" => at.saturating_sub(1),
            "list.half-down" => (at + page / 2).min(last),
            "list.half-up" => at.saturating_sub(page / 2),
            "list.page-down" => (at + page).min(last),
            "list.page-up" => at.saturating_sub(page),
            "list.home" => 0,
            "list.end" => last,
            _ => return false,
        };
        true
    }

    /// The wheel turned.
    pub(crate) fn wheel(&mut self, lines: i16, len: usize) {
        let at = self.at(len).unwrap_or(0);
        self.at = at.saturating_add_signed(lines.into()).min(len.saturating_sub(1));
    }

    /// A click on the n-th row of the screen that shows the list; whether it was the row already.
    pub(crate) fn click(&mut self, row: usize, len: usize) -> bool {
        let hit = self.top.get() + row;
        let same = self.at == hit;
        if hit < len {
            self.at = hit;
        }
        same
    }

    /// The mouse over a list, below `head` rows of its own, and the detail view that goes with it: the
    /// wheel turns what is under it, a click takes a row, a double one opens it.
    pub(crate) fn mouse(
        &mut self,
        detail: &mut DetailState,
        (areas, head): (Areas, u16),
        len: usize,
        mouse: Mouse,
        size: (u16, u16),
    ) {
        if areas.detail.is_some_and(|d| d.contains(mouse.at.into())) {
            detail.wheel(mouse.lines);
        } else if mouse.lines != 0 {
            self.wheel(mouse.lines, len);
        } else if let Some(row) = mouse.at.1.checked_sub(areas.list.y + head) {
            self.click(usize::from(row), len);
            if mouse.double {
                detail.enter(size);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cursor_stays_in_the_list_and_in_sight() {
        let mut pick = Pick::default();
        assert_eq!((pick.at(0), pick.top(0, 10)), (None, 0));
        pick.command("list.end", 30);
        assert_eq!((pick.at(30), pick.top(30, 10)), (Some(29), 20));
        assert_eq!(pick.at(5), Some(4), "the list became shorter");
        assert_eq!(pick.top(5, 10), 0);
        pick.command("list.home", 30);
        pick.command("list.page-down", 30);
        assert_eq!((pick.at(30), pick.top(30, 10)), (Some(10), 1));
        assert!(!pick.command("list.mark", 30));
    }
}
