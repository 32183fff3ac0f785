//! `noctule alarms|pon|sources|log`: the rows of a pane without the screen.

use super::Start;
use super::args::ListArgs;
use super::exit::{Code, Failure};
use crate::model::page::Table;

/// Not part of this build yet; its owner replaces the body.
pub(super) fn run(_start: &Start, _table: Table, _args: &ListArgs) -> Result<Code, Failure> {
    Err(Failure::new(Code::Failed, "not built in yet"))
}
