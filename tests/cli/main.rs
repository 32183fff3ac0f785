//! The command line as its users meet it: help, manual, completions, configuration, exit codes.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "helpers of tests fail as tests do")]

mod agent;
mod config;
mod diag;
mod headless;
mod help;
mod jobs;
mod vms;

use std::path::{Path, PathBuf};

/// The binary under test, with an environment of its own: nothing of the developer's is read.
fn noctule(home: &Path) -> assert_cmd::Command {
    let mut command = assert_cmd::Command::new(assert_cmd::cargo::cargo_bin!("noctule"));
    command.env_clear().env("HOME", home).env("COLUMNS", "100");
    command
}

fn fixtures(below: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(below)
}
