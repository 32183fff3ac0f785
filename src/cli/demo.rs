//! `noctule demo`.

use super::Start;
use super::args::DemoArgs;
use super::exit::{Code, Failure};

/// Not part of this build yet; its owner replaces the body.
pub(super) fn run(_start: &Start, _args: &DemoArgs) -> Result<Code, Failure> {
    Err(Failure::new(Code::Failed, "not built in yet"))
}
