//! `noctule keys`.

use super::Start;
use super::exit::{Code, Failure};

/// Not part of this build yet; its owner replaces the body.
pub(super) fn run(_start: &Start) -> Result<Code, Failure> {
    Err(Failure::new(Code::Failed, "not built in yet"))
}
