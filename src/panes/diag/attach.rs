//! Adding a result to the history of an alarm: of the one that the test is about, of one picked from
//! those that are open, or of one by its key.

use crate::app::ctx::Ctx;
use crate::app::effect::Effect;
use crate::app::message::Msg;
use crate::model::command::{Args, Targets};
use crate::model::page::Table;
use crate::panes::alarm_pick::note;

use super::DiagPane;

/// The command that an alarm is picked for.
const COMMAND: &str = "diag.attach-to";

impl DiagPane {
    /// To the alarm that the test is about; without one, to one that is picked.
    pub(super) fn attach(&mut self, cx: &Ctx) -> Vec<Effect> {
        match (&self.about, self.words()) {
            (Some(about), Some(words)) => note(Targets::Rows(Table::Alarms, vec![about.row]), &words, cx),
            _ => self.attach_to(&Args::new(), cx),
        }
    }

    /// To an alarm that was picked or named; asks which where neither.
    pub(super) fn attach_to(&mut self, args: &Args, cx: &Ctx) -> Vec<Effect> {
        match self.words() {
            Some(words) => self.picking.note(COMMAND, args, &words, cx),
            None => Vec::new(),
        }
    }

    /// The result in one line.
    fn words(&self) -> Option<String> {
        let result = self.result.as_ref()?;
        Some(format!("{}: {}", result.request.kind(), result.summary()))
    }

    /// The open alarms are there: one is picked.
    pub(super) fn picked(&mut self, msg: &Msg) -> Vec<Effect> {
        self.picking.picked(msg, COMMAND, "the result")
    }
}
