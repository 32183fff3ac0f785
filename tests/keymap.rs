//! The keys of the real registry: without conflicts, in the committed `config/keymap.toml`, and
//! where they can be pressed.
#![allow(clippy::panic, clippy::unwrap_used, clippy::expect_used, reason = "a test may fail loudly")]

use std::fs;
use std::path::Path;

use noctule::app::registry;
use noctule::commands::spec::Context;
use noctule::keymap::{Keymap, Lookup, document, parse_sequence};

fn map() -> Keymap {
    Keymap::build(registry().specs(), None).unwrap_or_else(|e| panic!("{e}"))
}

/// After a change of keys: `NOCTULE_BLESS=1 cargo test --test keymap`.
#[test]
fn the_committed_keymap_is_current_and_says_what_the_defaults_say() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("config/keymap.toml");
    let text = document(registry().specs());
    if std::env::var_os("NOCTULE_BLESS").is_some() {
        fs::write(&path, &text).unwrap();
    }
    assert_eq!(text, fs::read_to_string(&path).unwrap_or_default(), "see above how to write it anew");
    let read = Keymap::build(registry().specs(), Some((&path, &text))).unwrap_or_else(|e| panic!("{e}"));
    assert_eq!(read, map());
}

#[test]
fn every_default_key_can_be_pressed_on_every_terminal() {
    for (context, keys, command) in map().bindings() {
        for chord in parse_sequence(&keys).unwrap() {
            let text = chord.to_string();
            // Only newer terminals tell these apart from the same key without control or shift; four signs
            // have a control character of their own.
            let own = ["ctrl-\\", "ctrl-]", "ctrl-^", "ctrl-_"].contains(&text.as_str());
            let special = text.starts_with("ctrl-")
                && text
                    .strip_prefix("ctrl-")
                    .is_some_and(|k| k.chars().count() == 1 && !k.starts_with(|c: char| c.is_ascii_lowercase()));
            assert!(!special || own, "[{}] {keys} = {command}", context.word());
        }
    }
}

#[test]
fn a_pane_hides_a_global_key_only_on_purpose() {
    // What ends the program, opens help and commands must work in every pane.
    let map = map();
    let always: Vec<(Context, String, &str)> =
        map.bindings().into_iter().filter(|(context, ..)| *context == Context::Global).collect();
    for pane in
        [Context::Alarms, Context::Pon, Context::Cpe, Context::Buffers, Context::Vms, Context::Sources, Context::Log]
    {
        for (_, keys, command) in &always {
            let found = map.lookup(&[pane, Context::List, Context::Global], &parse_sequence(keys).unwrap());
            assert_eq!(found, Lookup::Command(command), "`{keys}` in [{}]", pane.word());
        }
    }
}
