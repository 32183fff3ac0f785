//! Holds the tree to its rules: who may use whom, how long files are, what every command says of
//! itself. A single crate has no walls of the compiler's; these are ours.
#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::pedantic,
    clippy::string_slice,
    clippy::unwrap_used,
    unreachable_pub,
    reason = "tests may fail loudly and share helpers"
)]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use noctule::app::registry;
use noctule::commands::spec::{Confirm, Context, Mutates};

/// Who may use whom, of our own modules. A path with `::` allows only that part of the module.
const MAY_USE: &[(&str, &[&str])] = &[
    ("model", &[]),
    ("engine", &["model"]),
    ("theme", &["model", "config::schema"]),
    ("keymap", &["model", "commands::spec"]),
    ("config", &["model"]),
    ("telemetry", &["model"]),
    ("terminal", &["theme", "config", "telemetry", "model"]),
    ("store", &["model", "engine", "telemetry"]),
    ("controllers", &["model", "config", "telemetry"]),
    ("commands", &["model", "keymap", "config"]),
    ("ui", &["model", "theme", "keymap", "commands::spec"]),
    ("panes", &["model", "ui", "theme", "commands", "app::message", "app::effect", "app::ctx", "app::pane"]),
    (
        "workers",
        &[
            "model",
            "engine",
            "store",
            "controllers",
            "config",
            "telemetry",
            "app::message",
            "app::effect",
            "app::port",
            "app::pane",
        ],
    ),
    (
        "sim",
        &[
            "model",
            "config::schema",
            "controllers::voltha::proto",
            "controllers::supervisor::xmlrpc",
            // Simulated guests show their screens with the font that recovery reads them by.
            "engine::vga",
            // One codec for both sides of libvirt's wire.
            "controllers::libvirt::xdr",
            "controllers::libvirt::frame",
            "controllers::libvirt::procs",
            "controllers::libvirt::flags",
            "controllers::libvirt::wire",
            // And one reader of what is sent as XML.
            "controllers::libvirt::xml::tree",
            "controllers::libvirt::xml::XmlError",
        ],
    ),
    ("app", &["panes", "ui", "commands", "keymap", "theme", "terminal", "config", "telemetry", "model"]),
];

/// Crates that do I/O and the only modules that may name them.
const IO_CRATES: &[(&str, &[&str])] = &[
    ("rusqlite", &["store"]),
    ("tonic", &["controllers", "sim", "cli"]),
    ("zbus", &["controllers"]),
    ("hyper", &["controllers", "sim", "cli"]),
    ("hyper_util", &["controllers", "sim", "cli"]),
    ("rskafka", &["controllers", "sim", "cli"]),
    ("socket2", &["controllers"]),
    ("nix", &["controllers", "cli"]),
    ("domain", &["controllers"]),
    ("tokio", &["store", "controllers", "workers", "terminal", "sim", "cli", "app", "theme"]),
    ("notify", &["theme", "workers", "cli"]),
];

const MOST_LINES: usize = 600;

fn sources(dir: &Path, out: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(dir).unwrap().flatten() {
        let path = entry.path();
        if path.is_dir() {
            sources(&path, out);
        } else if path.extension().is_some_and(|e| e == "rs") {
            out.push(path);
        }
    }
}

fn tree() -> Vec<(String, String, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    sources(&root, &mut files);
    files.sort();
    files
        .into_iter()
        .map(|path| {
            let name = path.strip_prefix(&root).unwrap().to_string_lossy().into_owned();
            let module = name.split(['/', '.']).next().unwrap().to_owned();
            (name, module, fs::read_to_string(&path).unwrap())
        })
        .collect()
}

/// Code without its unit tests and comments: tests may look further than the code they test.
fn code(text: &str) -> String {
    let text = text.split("#[cfg(test)]\nmod tests").next().unwrap_or(text);
    text.lines().filter(|l| !l.trim_start().starts_with("//")).collect::<Vec<_>>().join("\n")
}

/// Paths named after `crate::`, with braces opened: `crate::app::{ctx, pane}` gives both.
fn uses(code: &str) -> BTreeSet<String> {
    let mut out = BTreeSet::new();
    for (at, _) in code.match_indices("crate::") {
        let preceded = code[..at].chars().next_back().is_some_and(|c| c.is_alphanumeric() || c == '_' || c == ':');
        if preceded {
            continue;
        }
        let path: String = code[at + 7..].chars().take_while(|c| c.is_alphanumeric() || "_:".contains(*c)).collect();
        if let Some(head) = path.strip_suffix("::") {
            let rest = &code[at + 7 + path.len()..];
            if let Some(body) = rest.strip_prefix('{') {
                let mut depth = 1;
                let end = body.find(|c| {
                    depth += i32::from(c == '{') - i32::from(c == '}');
                    depth == 0
                });
                let body = &body[..end.unwrap_or(body.len())];
                let mut level = 0;
                let mut item = String::new();
                for c in body.chars().chain([',']) {
                    match c {
                        '{' => level += 1,
                        '}' => level -= 1,
                        ',' if level == 0 => {
                            out.insert(format!("{head}::{}", item.trim()));
                            item.clear();
                            continue;
                        }
                        _ => {}
                    }
                    if level == 0 && c != '}' {
                        item.push(c);
                    }
                }
                continue;
            }
        }
        out.insert(path);
    }
    out
}

#[test]
fn modules_use_only_what_they_may() {
    let rules: BTreeMap<&str, &[&str]> = MAY_USE.iter().copied().collect();
    let mut wrong = Vec::new();
    for (name, module, text) in tree() {
        let Some(allowed) = rules.get(module.as_str()) else { continue };
        for path in uses(&code(&text)) {
            let ok = path.split("::").next() == Some(module.as_str())
                || allowed.iter().any(|a| path == *a || path.starts_with(&format!("{a}::")));
            if !ok {
                wrong.push(format!("{name} uses crate::{path}"));
            }
        }
    }
    assert!(wrong.is_empty(), "against the import rule:\n{}", wrong.join("\n"));
}

#[test]
fn io_crates_stay_where_io_lives() {
    let mut wrong = Vec::new();
    for (name, module, text) in tree() {
        let code = code(&text);
        for (krate, homes) in IO_CRATES {
            let named = code.lines().any(|l| {
                let l = l.trim_start();
                l.starts_with(&format!("use {krate}"))
                    || l.contains(&format!(" {krate}::"))
                    || l.contains(&format!("({krate}::"))
            });
            if named && !homes.contains(&module.as_str()) && module != "main" {
                wrong.push(format!("{name} names {krate}"));
            }
        }
    }
    assert!(wrong.is_empty(), "I/O outside its home:\n{}", wrong.join("\n"));
}

#[test]
fn files_are_short_and_say_why_they_exist() {
    let mut wrong = Vec::new();
    for (name, _, text) in tree() {
        let lines = text.lines().count();
        if lines > MOST_LINES {
            wrong.push(format!("{name} has {lines} lines, at most {MOST_LINES}"));
        }
        if !text.starts_with("//!") {
            wrong.push(format!("{name} does not open with //!"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_command_is_documented_and_every_change_declared() {
    let mut ids = BTreeSet::new();
    for spec in registry().all() {
        assert!(ids.insert(spec.id), "{} twice", spec.id);
        assert!(spec.id.contains('.'), "{} has no group", spec.id);
        assert!(!spec.title.is_empty(), "{} has no title", spec.id);
        assert!(spec.doc.ends_with('.'), "{}: the description is no sentence", spec.id);
        assert!(spec.args.iter().all(|a| !a.doc.is_empty()), "{}: an argument without description", spec.id);
        if spec.mutates == Mutates::Device {
            assert_ne!(spec.confirm, Confirm::None, "{} changes devices and asks nothing", spec.id);
            assert!(spec.headless, "{} has no headless twin", spec.id);
        }
        // The request of a job names its devices itself.
        let makes_jobs = ["cpe.job.create", "cpe.job.try"].contains(&spec.id);
        if spec.mutates != Mutates::Nothing && spec.context != Context::Global && !makes_jobs {
            assert!(spec.on_rows, "{} changes something and works on no rows", spec.id);
        }
    }
}

#[test]
fn names_typed_after_a_colon_mean_one_command_in_each_context() {
    let mut seen: BTreeMap<(Context, &str), &str> = BTreeMap::new();
    for spec in registry().all() {
        for name in spec.aliases.iter().copied().chain([noctule::commands::registry::short(spec.id)]) {
            if let Some(other) = seen.insert((spec.context, name), spec.id) {
                assert_eq!(other, spec.id, "`{name}` is both {other} and {}", spec.id);
            }
        }
    }
}

#[test]
fn every_pane_has_screens_at_four_sizes() {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/screens/snapshots");
    let names: Vec<String> =
        fs::read_dir(&dir).unwrap().flatten().map(|e| e.file_name().to_string_lossy().into_owned()).collect();
    for pane in ["alarms", "pon", "cpe", "buffers", "sources", "log"] {
        for size in ["200x50", "120x30", "80x24", "60x15"] {
            assert!(
                names.iter().any(|n| n.contains(pane) && n.contains(size)),
                "no screen of {pane} at {size} in tests/screens/snapshots"
            );
        }
    }
}

#[test]
fn no_machine_and_no_registry_host_is_named() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    for file in ["README.md", "Cargo.toml", "deny.toml", ".ci/run", "build.rs"] {
        let text = fs::read_to_string(root.join(file)).unwrap();
        // Put together here, so that this file itself names none.
        let hosts = ["index", "static", "registry", "deb", "proxy"].map(|name| format!("//{name}."));
        let folders = ["root", "farm", "work"].map(|name| format!("/{name}/"));
        let found: Vec<&String> = hosts.iter().chain(&folders).filter(|word| text.contains(word.as_str())).collect();
        assert!(found.is_empty(), "{file} names {found:?}");
    }
}

/// Generated files are committed and current. `NOCTULE_GENERATE=1 cargo test --test architecture`
/// writes them.
#[test]
fn generated_files_are_current() {
    let keymap = noctule::keymap::Keymap::build(registry().specs(), None).unwrap();
    let guide = noctule::commands::docs::markdown(registry(), &|id| keymap.keys_of(id));
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("assets/guide/keys.md");
    if std::env::var_os("NOCTULE_GENERATE").is_some() {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, &guide).unwrap();
    }
    let committed = fs::read_to_string(&path).unwrap_or_default();
    assert!(
        committed == guide,
        "{} is not current: run NOCTULE_GENERATE=1 cargo test --test architecture",
        path.display()
    );
}
