//! `noctule keys`.

use std::io::Write as _;

use super::Start;
use super::exit::{Code, Failure};
use crate::app::registry;
use crate::commands::docs;

/// Prints every command and its keys, with the user's own bindings.
pub(super) fn run(start: &Start) -> Result<Code, Failure> {
    let keymap = super::dashboard::keymap_of(&start.load()?)?;
    let text = docs::markdown(registry(), &|id| keymap.keys_of(id));
    std::io::stdout().write_all(text.as_bytes())?;
    Ok(Code::Done)
}
