//! Clicks and the wheel on a list.

use ratatui::layout::Rect;

use crate::app::ctx::Ctx;
use crate::app::effect::Effect;
use crate::model::command::Args;

use super::view::HEAD;
use super::{Landing, ListState, Row};

impl<R: Row> ListState<R> {
    /// A click or the wheel at a cell; `area` is the list's. Tells whether a row was opened.
    pub(crate) fn mouse(
        &mut self,
        at: (u16, u16),
        area: Rect,
        lines: i16,
        double: bool,
        cx: &Ctx,
    ) -> (bool, Vec<Effect>) {
        if lines != 0 {
            return (false, self.step(lines.into(), false, cx));
        }
        if !area.contains(at.into()) {
            return (false, Vec::new());
        }
        let line = at.1 - area.y;
        if line + 1 == HEAD {
            return (false, self.click_header(at.0 - area.x, area.width, cx));
        }
        let Some(body) = line.checked_sub(HEAD) else { return (false, Vec::new()) };
        let extent = self.window.extent().filter(|e| e.total > u64::from(area.height - HEAD));
        if let Some(extent) = extent.filter(|_| at.0 + 1 == area.right()) {
            let place = extent.total * u64::from(body) / u64::from(area.height - HEAD).max(1);
            self.window.land(Landing::Offset(place));
            return (false, self.ask(true, cx));
        }
        let (hit, effects) = self.click(usize::from(body), cx);
        (hit && double, effects)
    }

    fn click_header(&mut self, x: u16, width: u16, cx: &Ctx) -> Vec<Effect> {
        let Some(field) = self.header_at(x, width) else { return Vec::new() };
        if !Self::spec().field(field).is_some_and(|f| f.sortable) || self.is_tree() {
            return Vec::new();
        }
        let args = Args::from([("field".to_owned(), field.to_owned())]);
        self.command("list.sort", &args, cx).unwrap_or_default()
    }
}
