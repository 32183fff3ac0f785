//! The keymap as a whole: defaults, overlay, lookup, and what wrong files are told.

use std::collections::BTreeMap;
use std::path::Path;

use proptest::prelude::*;

use super::map::Node;
use super::{Chord, Error, Keymap, Lookup, document, parse_sequence, print_sequence};
use crate::commands::spec::{CommandSpec, Context};

const fn spec(id: &'static str, context: Context, keys: &'static [&'static str]) -> CommandSpec {
    CommandSpec { keys, ..CommandSpec::view(id, id, "", context) }
}

static SPECS: [CommandSpec; 9] = [
    spec("app.quit", Context::Global, &["q", "ctrl-c"]),
    spec("app.help", Context::Global, &["?", "f1"]),
    spec("app.quote", Context::Global, &["\"", "\\"]),
    spec("app.later", Context::Global, &[]),
    spec("list.top", Context::List, &["g g", "home"]),
    spec("list.end", Context::List, &["G"]),
    spec("alarm.ack", Context::Alarms, &["a"]),
    spec("alarm.goto", Context::Alarms, &["g d"]),
    spec("pon.reboot", Context::Pon, &["R"]),
];

fn specs() -> Vec<&'static CommandSpec> {
    SPECS.iter().collect()
}

fn with(text: &str) -> Result<Keymap, Error> {
    Keymap::build(&specs(), Some((Path::new("keymap.toml"), text)))
}

const STACK: [Context; 3] = [Context::Alarms, Context::List, Context::Global];

fn look(map: &Keymap, keys: &str) -> Lookup {
    map.lookup(&STACK, &parse_sequence(keys).unwrap())
}

#[test]
fn the_innermost_context_that_knows_the_keys_decides() {
    let map = with("[alarms]\n\"q\" = \"alarm.ack\"\n").unwrap();
    assert_eq!(look(&map, "q"), Lookup::Command("alarm.ack"));
    assert_eq!(look(&map, "?"), Lookup::Command("app.help"));
    assert_eq!(look(&map, "R"), Lookup::None, "another pane's key");
    assert_eq!(map.lookup(&[Context::Global], &parse_sequence("q").unwrap()), Lookup::Command("app.quit"));
    assert_eq!(map.lookup(&STACK, &[]), Lookup::None);
}

#[test]
fn prefixes_of_all_contexts_are_offered_together() {
    let map = Keymap::build(&specs(), None).unwrap();
    let Lookup::Prefix(next) = look(&map, "g") else { panic!("g is a prefix") };
    let offered: Vec<(String, Option<&str>)> = next.iter().map(|c| (c.chord.to_string(), c.command)).collect();
    assert_eq!(offered, [("d".to_owned(), Some("alarm.goto")), ("g".to_owned(), Some("list.top"))]);
    assert_eq!(next[0].title, "alarm.goto");
    assert_eq!(look(&map, "g g"), Lookup::Command("list.top"));
    assert_eq!(look(&map, "g d"), Lookup::Command("alarm.goto"));
    assert_eq!(look(&map, "g x"), Lookup::None);
    assert_eq!(map.which_key(&[Context::Pon], &[]).len(), 1);
    let all = map.which_key(&[Context::List], &[]);
    assert_eq!(all.iter().find(|c| c.chord.to_string() == "g").unwrap().title, "1 more");
}

#[test]
fn a_file_binds_replaces_and_frees() {
    let map = with(
        "[global]\n\"ctrl-q\" = \"app.quit\"\n\"q\" = false\n\"f1\" = \"app.later\"\n[list]\n\"g g\" = false\n\"g\" = \"list.top\"\n",
    )
    .unwrap();
    assert_eq!(map.keys_of("app.quit"), ["ctrl-c", "ctrl-q"]);
    assert_eq!(map.keys_of("app.help"), ["?"], "f1 was given away");
    assert_eq!(map.keys_of("app.later"), ["f1"]);
    assert_eq!(map.keys_of("list.top"), ["g", "home"]);
    assert_eq!(map.keys_of("no.such"), Vec::<String>::new());
}

#[test]
fn mistakes_are_told_with_their_place_and_what_was_meant() {
    let cases = [
        ("[alrams]\n", "keymap.toml:1:2: unknown context `alrams` (did you mean `alarms`?)"),
        (
            "[alarms]\n\"a\" = \"alarm.akc\"\n",
            "keymap.toml:2:7: unknown command `alarm.akc` (did you mean `alarm.ack`?)",
        ),
        ("[alarms]\n\"entre\" = \"alarm.ack\"\n", "keymap.toml:2:1: `entre` is no key (did you mean `enter`?)"),
        ("[alarms]\n\"a\" = true\n", "keymap.toml:2:7: keys take the id of a command"),
        (
            "[alarms]\n\"g\" = \"alarm.ack\"\n",
            "keymap.toml:2:1: `g` for `alarm.ack` would cut off `g d` in [alarms], which runs `alarm.goto`",
        ),
        (
            "[alarms]\n\"a b\" = \"alarm.goto\"\n",
            "keymap.toml:2:1: `a b` for `alarm.goto` can never be reached in [alarms]: `a` already runs `alarm.ack`",
        ),
        (
            "[alarms]\n\"x\" = \"alarm.ack\"\n\"X\" = \"alarm.ack\"\n\"shift-x\" = \"alarm.goto\"\n",
            "keymap.toml:4:1: `shift-x` is the same key as `X` in line 3",
        ),
        (
            "[alarms]\n\"x\" = \"pon.reboot\"\n",
            "keymap.toml:2:7: `pon.reboot` works in [pon], its keys cannot be in [alarms]",
        ),
        ("[list]\n\"x\" = \"alarm.ack\"\n", "keymap.toml:2:7: `alarm.ack` works in [alarms]"),
        ("[alarms]\n\"x\" = \"app.quit\"\n\"x\" = \"alarm.ack\"\n", "keymap.toml:3:1: duplicate key"),
        ("alarms = 1\n", "keymap.toml:1:10: `alarms` is a table: write [alarms]"),
        ("[alarms\n", "keymap.toml:1:8:"),
    ];
    for (text, expected) in cases {
        let error = with(text).unwrap_err().to_string();
        assert!(error.contains(expected), "{text:?}\n got {error}\nwant {expected}");
    }
}

#[test]
fn clashing_defaults_are_refused() {
    let (a, b) = (spec("a", Context::Global, &["x"]), spec("b", Context::Global, &["x"]));
    let error = Keymap::build(&[&a, &b], None).unwrap_err().to_string();
    assert!(
        error.contains("built-in keys") && error.contains("`x` cannot run `b` in [global]: it runs `a`"),
        "{error}"
    );
    let long = spec("c", Context::Global, &["x y"]);
    assert!(Keymap::build(&[&a, &long], None).is_err());
    let elsewhere = spec("d", Context::List, &["x y"]);
    assert!(Keymap::build(&[&a, &elsewhere], None).is_ok(), "other contexts are other tries");
}

#[test]
fn the_generated_file_says_what_the_defaults_say() {
    let text = document(&specs());
    assert_eq!(with(&text).unwrap(), Keymap::build(&specs(), None).unwrap(), "{text}");
    assert!(text.contains("# \"\" = \"app.later\""), "{text}");
    let uncommented = text.replace("# \"\" =", "\"f9\" =");
    assert!(with(&uncommented).is_ok(), "{uncommented}");
}

fn keys() -> impl Strategy<Value = Vec<Chord>> {
    proptest::collection::vec(proptest::sample::select(vec!["a", "b", "ctrl-c", "d"]), 1..4)
        .prop_map(|words| parse_sequence(&words.join(" ")).unwrap())
}

const IDS: [&str; 4] = ["one", "two", "three", "four"];

proptest! {
    /// The trie against a plain map: the same bindings survive, and no kept binding is a prefix
    /// of another.
    #[test]
    fn the_trie_is_a_prefix_free_map(ops in proptest::collection::vec((keys(), 0_usize..5), 0..40)) {
        let mut trie = Node::default();
        let mut model: BTreeMap<Vec<Chord>, &'static str> = BTreeMap::new();
        for (keys, what) in ops {
            let Some(id) = IDS.get(what) else {
                prop_assert_eq!(trie.unbind(&keys), model.remove(&keys).is_some());
                continue;
            };
            let free = model.keys().all(|k| !k.starts_with(&keys) && !keys.starts_with(k));
            prop_assert_eq!(trie.bind(&keys, id).is_ok(), free, "{}", print_sequence(&keys));
            if free {
                model.insert(keys, id);
            }
        }
        let mut map = Keymap::unbound(&[]);
        *map.trie(Context::Global) = trie;
        let kept: Vec<(String, &str)> = model.iter().map(|(k, id)| (print_sequence(k), *id)).collect();
        let mut bound: Vec<(String, &str)> = map.bindings().into_iter().map(|(_, k, id)| (k, id)).collect();
        let mut expected = kept;
        expected.sort();
        bound.sort();
        prop_assert_eq!(bound, expected);
        for (keys, id) in &model {
            prop_assert_eq!(map.lookup(&[Context::Global], keys), Lookup::Command(id));
            for upto in 1..keys.len() {
                prop_assert!(matches!(map.lookup(&[Context::Global], &keys[..upto]), Lookup::Prefix(_)));
            }
        }
        if model.is_empty() {
            prop_assert_eq!(map.trie(Context::Global), &Node::default(), "no dead branches");
        }
    }

    #[test]
    fn no_file_makes_it_fall_over(text in "\\PC{0,60}") {
        drop(with(&text));
        drop(with(&format!("[alarms]\n{text}")));
    }
}
