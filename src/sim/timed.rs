//! What is due later in a simulated world, in the order in which it is due.

use std::cmp::Ordering;

/// A step with its instant. Steps of one instant are taken in the order they were planned, so that
/// a seed always gives the same life.
#[derive(Debug)]
pub(crate) struct Timed<S> {
    /// When, in the world's own time.
    pub(crate) at: i64,
    /// Rises with every step planned.
    pub(crate) order: u64,
    /// What.
    pub(crate) step: S,
}

impl<S> PartialEq for Timed<S> {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl<S> Eq for Timed<S> {}

impl<S> PartialOrd for Timed<S> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl<S> Ord for Timed<S> {
    fn cmp(&self, other: &Self) -> Ordering {
        (self.at, self.order).cmp(&(other.at, other.order))
    }
}
