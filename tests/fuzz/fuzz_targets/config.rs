//! Files an operator writes: no text panics, every problem has a place inside the text, and what
//! is no configuration is never taken for one.
#![no_main]

use libfuzzer_sys::fuzz_target;
use noctule::config::{alarm_types, check_text, inventory};

fuzz_target!(|text: &str| {
    let lines = text.split('\n').count() as u32;
    if let Err(e) = check_text("fuzz.toml", text) {
        assert!(!e.problems.is_empty());
        assert!(e.problems.iter().filter_map(|p| p.place).all(|p| p.line >= 1 && p.line <= lines));
    }
    let _ = alarm_types::parse(Some(("fuzz.toml", text)));
    let _ = inventory::parse_csv(text);
    let _ = inventory::parse_toml(text);
});
