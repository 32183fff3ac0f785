//! Where somebody looks at in a console. Several may look at one console, each at another place; a
//! view that is scrolled up stays at its lines while output goes on, until they are forgotten.

use std::sync::Arc;

use super::Emulator;
use crate::model::console::{Found, Screen};

/// A look at a console.
#[derive(Debug, Clone, Default)]
pub struct View {
    /// The number of the first line shown; `None` follows the output.
    top: Option<u64>,
    generation: Option<u64>,
    shown: Option<Arc<Screen>>,
}

impl View {
    /// Lines that it is scrolled up.
    #[must_use]
    pub fn scrolled(&self, emulator: &Emulator) -> u32 {
        let lines = self.top.map_or(0, |top| emulator.next().saturating_sub(top));
        u32::try_from(lines).unwrap_or(u32::MAX).min(emulator.above())
    }

    /// Scrolls up by so many lines, down where it is negative. At the bottom it follows the output.
    pub fn scroll(&mut self, emulator: &Emulator, lines: i64) {
        let scrolled = i64::from(self.scrolled(emulator)).saturating_add(lines);
        self.scroll_to(emulator, u32::try_from(scrolled.max(0)).unwrap_or(u32::MAX));
    }

    /// Scrolls so that it is so many lines above the bottom; 0 follows the output.
    pub fn scroll_to(&mut self, emulator: &Emulator, scrolled: u32) {
        let scrolled = scrolled.min(emulator.above());
        self.top = (scrolled > 0).then(|| emulator.next() - u64::from(scrolled));
        self.generation = None;
    }

    /// Scrolls as little as it takes to show a text that was found, a third of the screen above it.
    pub fn show(&mut self, emulator: &Emulator, found: Found) {
        let (rows, _) = emulator.size();
        let top = emulator.next() - u64::from(self.scrolled(emulator));
        let bottom = top + u64::from(rows);
        if (top..bottom).contains(&found.from.line) && (top..bottom).contains(&found.to.line) {
            return;
        }
        let wanted = found.from.line.saturating_sub(u64::from(rows / 3));
        let scrolled = u32::try_from(emulator.next().saturating_sub(wanted)).unwrap_or(u32::MAX);
        self.scroll_to(emulator, scrolled);
    }

    /// What it shows, where that is something else than the last time.
    pub fn changed(&mut self, emulator: &Emulator) -> Option<Arc<Screen>> {
        if self.generation == Some(emulator.generation()) {
            return None;
        }
        self.generation = Some(emulator.generation());
        let screen = emulator.screen(self.scrolled(emulator));
        if self.shown.as_deref() == Some(&screen) {
            return None;
        }
        let screen = Arc::new(screen);
        self.shown = Some(Arc::clone(&screen));
        Some(screen)
    }

    /// What it showed the last time.
    #[must_use]
    pub const fn last(&self) -> Option<&Arc<Screen>> {
        self.shown.as_ref()
    }
}
