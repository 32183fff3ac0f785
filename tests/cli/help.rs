//! Help of every command, manual and completions, as snapshots: the words are part of the product.

use std::path::Path;

use clap::CommandFactory as _;
use noctule::cli::args::Cli;

use super::noctule;

fn stdout(args: &[&str]) -> String {
    let home = tempfile::tempdir().unwrap();
    let out = noctule(home.path()).args(args).output().unwrap();
    assert_eq!(out.status.code(), Some(0), "{args:?}: {}", String::from_utf8_lossy(&out.stderr));
    assert!(out.stderr.is_empty(), "{args:?}");
    String::from_utf8(out.stdout).unwrap()
}

/// Every path of subcommands, the root first.
fn paths(command: &clap::Command, above: &[String], all: &mut Vec<Vec<String>>) {
    all.push(above.to_vec());
    for sub in command.get_subcommands() {
        let mut path = above.to_vec();
        path.push(sub.get_name().to_owned());
        paths(sub, &path, all);
    }
}

#[test]
fn help_of_every_command() {
    Cli::command().debug_assert();
    let mut all = Vec::new();
    paths(&Cli::command(), &[], &mut all);
    for path in all {
        let mut args: Vec<&str> = path.iter().map(String::as_str).collect();
        args.push("--help");
        let name = if path.is_empty() { "help".to_owned() } else { format!("help_{}", path.join("_")) };
        insta::assert_snapshot!(name, stdout(&args));
    }
}

#[test]
fn the_manual() {
    let version = concat!("noctule ", env!("CARGO_PKG_VERSION"));
    insta::assert_snapshot!("man", stdout(&["man"]).replace(version, "noctule VERSION"));
}

#[test]
fn completions_know_every_command() {
    for shell in ["bash", "elvish", "fish", "powershell", "zsh"] {
        let script = stdout(&["completions", shell]);
        for word in ["alarms", "doctor", "--filter", "--dry-run", "completions", "schema"] {
            assert!(script.contains(word.trim_start_matches('-')), "{shell}: {word}");
        }
    }
    insta::assert_snapshot!("completions_fish", stdout(&["completions", "fish"]));
}

#[test]
fn wrong_usage_is_told_and_ends_with_2() {
    let cases: &[&[&str]] = &[
        &["alrams"],
        &["alarms", "--json", "--csv"],
        &["alarms", "--limit", "many"],
        &["run"],
        &["run", "alarm.ack", "--arg", "note"],
        &["run", "alarm.ack", "x", "--filter", "y"],
        &["demo", "--speed", "0"],
        &["demo", "--scale", "galaxy"],
        &["--colour", "maroon"],
        &["config"],
    ];
    let home = tempfile::tempdir().unwrap();
    for args in cases {
        let out = noctule(home.path()).args(*args).output().unwrap();
        assert_eq!(out.status.code(), Some(2), "{args:?}");
        assert!(out.stdout.is_empty() && !out.stderr.is_empty(), "{args:?}");
    }
}

#[test]
fn a_reader_that_goes_away_is_no_failure() {
    let home = tempfile::tempdir().unwrap();
    let mut child = std::process::Command::new(assert_cmd::cargo::cargo_bin!("noctule"))
        .args(["config", "schema"])
        .env("HOME", home.path())
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let out = child.wait_with_output().unwrap();
    assert_eq!((out.status.code(), out.stderr.len()), (Some(0), 0));
}

#[test]
fn nothing_of_the_machine_is_in_the_snapshots() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cli/snapshots");
    for file in std::fs::read_dir(folder).unwrap() {
        let text = std::fs::read_to_string(file.unwrap().path()).unwrap();
        assert!(!text.contains(env!("CARGO_MANIFEST_DIR")) && !text.contains("/root"));
    }
}
