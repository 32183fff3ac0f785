//! Jobs inside the CPE pane: what can be done to them.

pub(crate) mod commands;
