//! The filter language: no text panics, an error lies inside the text, and what parses prints to
//! a text that parses to the same tree.
#![no_main]

use libfuzzer_sys::fuzz_target;
use noctule::model::field::{Record, Value};
use noctule::model::page::Table;
use noctule::model::query::{Query, complete};
use noctule::model::time::Ts;

/// A row whose every field holds the same text.
struct Same<'a>(&'a str);

impl Record for Same<'_> {
    fn get(&self, _: &str) -> Value<'_> {
        Value::text(self.0)
    }
}

fuzz_target!(|text: &str| {
    let chars = text.chars().count();
    for table in [Table::Alarms, Table::Nodes, Table::Sources, Table::Log] {
        match Query::parse(text, table) {
            Ok(query) => {
                let printed = query.expr.to_string();
                // Printing adds quotes; only the longest texts may outgrow the limit by that.
                if printed.chars().count() < 8192 {
                    assert_eq!(Query::parse(&printed, table).expect(&printed).expr, query.expr);
                }
                let _ = query.matches(&Same(text), Ts(1));
            }
            Err(e) => assert!(e.at <= chars && e.len > 0 && (e.at == chars || e.at + e.len <= chars), "{e:?}"),
        }
        let _ = complete(text, chars / 2, table);
    }
});
