//! `noctule run`.

use super::Start;
use super::args::RunArgs;
use super::exit::{Code, Failure};

/// Not part of this build yet; its owner replaces the body.
pub(super) fn run(_start: &Start, _args: &RunArgs) -> Result<Code, Failure> {
    Err(Failure::new(Code::Failed, "not built in yet"))
}
