//! The configuration: every sample is a test, generated files are current, and mistakes are told
//! by place.

use std::fs;
use std::path::Path;

use super::{fixtures, noctule};

/// Samples of a folder by file name.
fn samples(kind: &str) -> Vec<(String, String)> {
    let mut all: Vec<_> = fs::read_dir(fixtures("config").join(kind))
        .unwrap()
        .map(|e| e.unwrap().path())
        .filter(|p| p.extension().is_some_and(|e| e == "toml"))
        .map(|p| (p.file_name().unwrap().to_string_lossy().into_owned(), fs::read_to_string(&p).unwrap()))
        .collect();
    all.sort();
    assert!(!all.is_empty());
    all
}

#[test]
fn every_valid_sample_is_good() {
    for (name, text) in samples("valid") {
        noctule::config::check_text(&name, &text).unwrap_or_else(|e| panic!("{e}"));
    }
}

/// The expected message stands beside each sample; to renew them: NOCTULE_BLESS=1.
#[test]
fn every_invalid_sample_is_told_by_place() {
    for (name, text) in samples("invalid") {
        let told = noctule::config::check_text(&name, &text).expect_err(&name).to_string() + "\n";
        let beside = fixtures("config/invalid").join(&name).with_extension("txt");
        if std::env::var_os("NOCTULE_BLESS").is_some() {
            fs::write(&beside, &told).unwrap();
        }
        assert_eq!(told, fs::read_to_string(&beside).unwrap_or_default(), "{name}");
        assert!(!told.contains("battery staple"), "a secret is never repeated");
    }
}

#[test]
fn the_committed_schema_and_example_are_current() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let home = tempfile::tempdir().unwrap();
    let schema = noctule(home.path()).args(["config", "schema"]).output().unwrap().stdout;
    if std::env::var_os("NOCTULE_BLESS").is_some() {
        fs::write(root.join("config/schema.json"), &schema).unwrap();
    }
    assert_eq!(String::from_utf8(schema).unwrap(), fs::read_to_string(root.join("config/schema.json")).unwrap());
    let example = noctule(home.path()).args(["config", "example"]).output().unwrap().stdout;
    let example = String::from_utf8(example).unwrap();
    assert_eq!(example, fs::read_to_string(root.join("config/noctule.example.toml")).unwrap());
    noctule::config::check_text("example", &example).unwrap_or_else(|e| panic!("{e}"));
}

/// Every key of the schema is in the example, and what the example says is the default where it
/// does not have to choose a value.
#[test]
fn the_example_shows_every_setting() {
    let example =
        fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("config/noctule.example.toml")).unwrap();
    let schema: serde_json::Value = serde_json::from_str(&noctule::config::schema_json()).unwrap();
    let mut keys = std::collections::BTreeSet::new();
    names(&schema, &mut keys);
    for key in keys {
        let shown = example.lines().any(|l| {
            let l = l.trim_start_matches("# ");
            l.starts_with(&format!("{key} =")) || (l.starts_with('[') && l.contains(&key))
        });
        assert!(shown, "{key} is not in the example");
    }
    let defaults = serde_json::to_value(noctule::config::schema::Config::default()).unwrap();
    let shown = serde_json::to_value(noctule::config::check_text("example", &example).unwrap()).unwrap();
    for table in ["ui", "cache"] {
        assert_eq!(defaults[table], shown[table], "{table}");
    }
}

fn names(schema: &serde_json::Value, out: &mut std::collections::BTreeSet<String>) {
    match schema {
        serde_json::Value::Object(map) => {
            for (key, sub) in map {
                if key == "properties" {
                    out.extend(sub.as_object().unwrap().keys().cloned());
                }
                if key != "default" {
                    names(sub, out);
                }
            }
        }
        serde_json::Value::Array(all) => all.iter().for_each(|s| names(s, out)),
        _ => {}
    }
}

#[test]
fn check_names_files_and_ends_with_2() {
    let home = tempfile::tempdir().unwrap();
    let file = home.path().join(".config/noctule/noctule.toml");
    let check = |args: &[&str]| {
        let out = noctule(home.path()).args(["config", "check"]).args(args).output().unwrap();
        let text = |b: Vec<u8>| String::from_utf8(b).unwrap().replace(&*home.path().to_string_lossy(), "~");
        (out.status.code().unwrap(), text(out.stdout), text(out.stderr))
    };
    let (code, out, _) = check(&[]);
    assert_eq!(
        (code, out.starts_with("no configuration file; ~/.config/noctule/noctule.toml would be read\n")),
        (0, true),
        "{out}"
    );

    fs::create_dir_all(file.parent().unwrap()).unwrap();
    fs::write(&file, "[inventory]\nfile = \"inv.csv\"\n").unwrap();
    fs::write(file.with_file_name("inv.csv"), "serial,name\nA,one\n,two\nA,three\n").unwrap();
    let (code, out, err) = check(&[]);
    assert_eq!((code, out.as_str()), (2, ""));
    let inv = "noctule: ~/.config/noctule/inv.csv";
    assert_eq!(
        err,
        format!("{inv}: line 3: the serial number is missing\n{inv}: line 4: A is in an earlier line already\n")
    );

    fs::write(&file, "[ui]\nclok = true\n").unwrap();
    let told = "noctule: ~/.config/noctule/noctule.toml:2:1: unknown key clok; did you mean clock?\n";
    assert_eq!(check(&[]), (2, String::new(), told.to_owned()));
    let named = file.to_string_lossy().into_owned();
    assert_eq!(check(&[&named]), (2, String::new(), told.to_owned()));
    assert_eq!(check(&["nowhere.toml"]).0, 2);
    let (code, _, err) = check(&["--config", "nowhere.toml"]);
    assert_eq!(code, 2);
    assert!(err.starts_with("noctule: nowhere.toml: cannot be read"), "{err}");
}

#[test]
fn paths_follow_the_environment() {
    let home = tempfile::tempdir().unwrap();
    let show = |vars: &[(&str, &str)]| {
        let mut command = noctule(home.path());
        command.envs(vars.iter().copied()).args(["config", "path"]);
        String::from_utf8(command.output().unwrap().stdout).unwrap().replace(&*home.path().to_string_lossy(), "~")
    };
    let lines = |config: &str, themes: &str, data: &str, state: &str| {
        let rows = [
            ("configuration", config.to_owned()),
            ("themes", themes.to_owned()),
            ("data", data.to_owned()),
            ("log", format!("{state}/noctule.log")),
            ("crash files", format!("{state}/crashes")),
        ];
        rows.map(|(what, path)| format!("{what:<14} {path}")).join("\n") + "\n"
    };
    let (config, data, state) = ("~/.config/noctule", "~/.local/share/noctule", "~/.local/state/noctule");
    assert_eq!(show(&[]), lines(&format!("{config}/noctule.toml"), &format!("{config}/themes"), data, state));
    assert_eq!(
        show(&[("XDG_CONFIG_HOME", "/c"), ("XDG_STATE_HOME", "relative"), ("NOCTULE_DATA_DIR", "/d")]),
        lines("/c/noctule/noctule.toml", "/c/noctule/themes", "/d", "/d/state"),
    );
    assert_eq!(show(&[("NOCTULE_CONFIG", "/etc/n/x.toml")]), lines("/etc/n/x.toml", "/etc/n/themes", data, state));
}

/// What the configuration names is read too: a theme and a keymap that would stop the dashboard
/// are told together, by place.
#[test]
fn theme_and_keymap_are_checked_with_the_configuration() {
    let home = tempfile::tempdir().unwrap();
    let folder = home.path().join(".config/noctule");
    fs::create_dir_all(&folder).unwrap();
    fs::write(folder.join("noctule.toml"), "[ui]\ntheme = \"defualt\"\n").unwrap();
    fs::write(folder.join("keymap.toml"), "[alarms]\n\"a\" = \"alarm.akc\"\n").unwrap();
    let out = noctule(home.path()).args(["config", "check"]).output().unwrap();
    let told = String::from_utf8(out.stderr).unwrap();
    assert_eq!(out.status.code(), Some(2), "{told}");
    assert!(told.contains("ui.theme") && told.contains("defualt"), "{told}");
    assert!(told.contains("keymap.toml:2:7") && told.contains("alarm.ack"), "{told}");
}
