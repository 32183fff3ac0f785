//! A picture as it lies on the screen. A pane says where one lies, the kernel what lies over it, and a
//! terminal that shows pixels shows it there: cells alone cannot carry it, and nothing above the terminal
//! has to know which terminal that is.

use std::sync::Arc;

use super::console::Picture;

/// A picture on the screen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sight {
    /// The picture.
    pub picture: Arc<Picture>,
    /// The part of it that is shown: x, y, width, height in pixels.
    pub part: (u32, u32, u32, u32),
    /// First column and row of the screen that it covers.
    pub at: (u16, u16),
    /// Columns and rows.
    pub size: (u16, u16),
    /// Half rows of the first row that lie above it: 0 or 1.
    pub lead: u16,
    /// Half rows that it is high.
    pub high: u16,
    /// Of each row, whether something else lies over it.
    pub covered: Vec<bool>,
}

impl Sight {
    /// The rows of the picture that lie on a span of its rows of cells, the one after the last beside the
    /// first. Negative, or beyond the part, where its first or last row is only half full.
    #[must_use]
    pub fn lines(&self, rows: std::ops::Range<u16>) -> std::ops::Range<i64> {
        let (height, high) = (i64::from(self.part.3), i64::from(self.high.max(1)));
        let halves = |row: u16| i64::from(row) * 2 - i64::from(self.lead);
        (halves(rows.start) * height).div_euclid(high)..-(-halves(rows.end) * height).div_euclid(high)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_of_cells_are_rows_of_pixels() {
        let picture = Arc::new(Picture::new(80, 100));
        let part = (0, 0, 80, 100);
        let whole = Sight { picture, part, at: (0, 0), size: (40, 25), lead: 0, high: 50, covered: vec![false; 25] };
        assert_eq!((whole.lines(0..25), whole.lines(1..2)), (0..100, 4..8));
        // Half a row is free above and below.
        let between = Sight { lead: 1, high: 40, size: (40, 21), ..whole };
        assert_eq!((between.lines(0..21), between.lines(0..1)), (-3..103, -3..3));
    }
}
