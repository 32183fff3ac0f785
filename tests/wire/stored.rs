//! Presets, scripts and files of a simulated GenieACS: planned with a difference, written and read
//! back, never over somebody else's change, deleted with a word about who uses them.

use std::path::Path;

use noctule::config::schema::Config;
use noctule::model::command::{Args, Intent, Targets};
use noctule::model::page::Table;
use noctule::model::stored::{Stored, StoredKind};
use noctule::sim::genieacs::{Acs, AcsOptions, RunningAcs};
use noctule::workers::stored::plan;

use super::rig::{Console, folder, until};

async fn start() -> (RunningAcs, tempfile::TempDir, Console) {
    let acs = Acs::start(AcsOptions::still()).await.expect("an ACS");
    let (folder, path) = folder();
    let config = Config { sources: vec![acs.config()], ..Config::default() };
    (acs, folder, Console::start(&config, &path))
}

fn wish(command: &'static str, name: &str, args: &[(&str, &str)]) -> Intent {
    let args: Args = args.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
    Intent { command, targets: Targets::Names(Table::Stored, vec![name.to_owned()]), args, actor: "anna".into() }
}

async fn one(console: &Console, kind: StoredKind, name: &str) -> Option<Stored> {
    let source = console.sources.iter().next().expect("a source");
    source.stored().await.expect("a list").into_iter().find(|s| s.kind == kind && s.name == name)
}

const SCRIPT: &str = "const now = Date.now();\ndeclare(\"Device.A\", {value: now});";
const CALLS: &str = r#"{"weight":3,"channel":"x","precondition":"","events":{"2 PERIODIC":true},
    "configurations":[{"type":"provision","name":"night","args":null},
    {"type":"value","name":"Device.PPP.Interface.1.Password","value":"hunter22"}]}"#;

#[tokio::test(flavor = "multi_thread")]
async fn what_is_stored_is_planned_as_a_difference_and_read_back() {
    let (_acs, _folder, console) = start().await;
    let new = wish("cpe.provision.put", "night", &[("text", SCRIPT)]);
    let plan_of = plan(&console.sources, &new).await.expect("a plan");
    assert!(plan_of.title.starts_with("Create provision night") && plan_of.diff.len() == 3, "{plan_of:?}");
    let outcome = console.run(new).await;
    assert_eq!(outcome.done, 1, "{outcome:?}");
    assert!(outcome.summary.contains("read back the same"), "{}", outcome.summary);

    let changed = wish("cpe.provision.put", "night", &[("text", &SCRIPT.replace("Device.A", "Device.B"))]);
    let plan_of = plan(&console.sources, &changed).await.expect("a plan");
    let signs: String = plan_of.diff.iter().filter_map(|l| l.chars().next()).collect();
    assert_eq!(signs, "@ -+", "{:?}", plan_of.diff);
    let same = plan(&console.sources, &wish("cpe.provision.put", "night", &[("text", SCRIPT)])).await.expect("a plan");
    assert_eq!(same.total, 0, "nothing would change");
    console.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn secrets_of_a_preset_are_masked_everywhere_and_survive_an_edit() {
    let (_acs, _folder, console) = start().await;
    assert_eq!(console.run(wish("cpe.preset.put", "night", &[("text", CALLS)])).await.done, 1);
    let stored = one(&console, StoredKind::Preset, "night").await.expect("stored");
    assert!(!stored.text.contains("hunter22"), "{}", stored.text);
    let edited = stored.text.replace("\"weight\": 3", "\"weight\": 4");
    let base = format!("{:x}", stored.hash);
    let wish_of = wish("cpe.preset.put", "night", &[("text", &edited), ("base", &base)]);
    let plan_of = plan(&console.sources, &wish_of).await.expect("a plan");
    assert!(!format!("{plan_of:?}").contains("hunter22") && plan_of.diff.len() > 2, "{plan_of:?}");
    let outcome = console.run(wish_of).await;
    assert_eq!(outcome.done, 1, "{outcome:?}");
    // The secret is still the server's: the text it had before is "the same" as with it written out.
    let whole = edited.replace(noctule::model::secret::MASK, "hunter22");
    let outcome = console.run(wish("cpe.preset.put", "night", &[("text", &whole)])).await;
    assert_eq!(outcome.done, 1, "{outcome:?}");
    let after = one(&console, StoredKind::Preset, "night").await.expect("stored");
    assert_eq!(after.text, edited);
    console.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_written_over_what_somebody_else_changed() {
    let (_acs, folder, console) = start().await;
    assert_eq!(console.run(wish("cpe.provision.put", "night", &[("text", SCRIPT)])).await.done, 1);
    let seen = one(&console, StoredKind::Provision, "night").await.expect("stored");
    assert_eq!(console.run(wish("cpe.provision.put", "night", &[("text", "log('theirs');")])).await.done, 1);
    let draft = folder.path().join("mine.js");
    std::fs::write(&draft, "log('mine');").expect("a draft");
    let (base, path) = (format!("{:x}", seen.hash), draft.display().to_string());
    let mine = wish("cpe.provision.put", "night", &[("text", "log('mine');"), ("base", &base), ("draft", &path)]);
    let refused = plan(&console.sources, &mine).await.expect_err("refused");
    assert!(refused.contains("changed it meanwhile") && refused.contains("mine.js"), "{refused}");
    let outcome = console.run(mine).await;
    assert_eq!(outcome.done, 0, "{outcome:?}");
    assert!(outcome.errors[0].1.contains("mine.js") && Path::new(&path).exists(), "{outcome:?}");
    let theirs = one(&console, StoredKind::Provision, "night").await.expect("stored");
    assert_eq!(theirs.text, "log('theirs');");
    // Looked at again, it goes through, and the draft with it.
    let base = format!("{:x}", theirs.hash);
    let again = wish("cpe.provision.put", "night", &[("text", "log('mine');"), ("base", &base), ("draft", &path)]);
    assert_eq!(console.run(again).await.done, 1);
    assert!(!Path::new(&path).exists());
    console.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deletion_tells_who_uses_it() {
    let (_acs, _folder, console) = start().await;
    assert_eq!(console.run(wish("cpe.provision.put", "night", &[("text", SCRIPT)])).await.done, 1);
    assert_eq!(console.run(wish("cpe.preset.put", "calls-it", &[("text", CALLS)])).await.done, 1);
    let delete = wish("cpe.provision.delete", "night", &[]);
    let plan_of = plan(&console.sources, &delete).await.expect("a plan");
    assert!(plan_of.irreversible.iter().any(|t| t.contains("calls-it")), "{plan_of:?}");
    assert_eq!((plan_of.type_name, plan_of.phrase.as_str()), (true, "night"));
    assert_eq!(console.run(delete.clone()).await.done, 1);
    assert!(one(&console, StoredKind::Provision, "night").await.is_none());
    let outcome = console.run(delete).await;
    assert!(outcome.errors[0].1.contains("any more"), "{outcome:?}");
    console.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upload_is_proven_by_its_checksum_which_the_list_then_shows() {
    let (acs, folder, console) = start().await;
    let file = folder.path().join("fw.bin");
    std::fs::write(&file, vec![7_u8; 150_000]).expect("a file");
    let path = file.display().to_string();
    let send = wish("cpe.file.upload", "fw.bin", &[("file", &path), ("class", "HG8245H"), ("version", "V9")]);
    let plan_of = plan(&console.sources, &send).await.expect("a plan");
    let sum = plan_of.notes.iter().find_map(|n| n.strip_prefix("SHA-256 ")).expect("a checksum").to_owned();
    let outcome = console.run(send.clone()).await;
    assert_eq!(outcome.done, 1, "{outcome:?}");
    assert!(outcome.summary.contains(&sum) && outcome.summary.contains("file server"), "{}", outcome.summary);
    let noted = until("the checksum is noted", || {
        let store = &console.store;
        store.recall(&format!("acs/{}/file/fw.bin", acs.config().name)).ok().flatten()
    })
    .await;
    assert!(noted.starts_with(&sum), "{noted}");
    let facts = one(&console, StoredKind::File, "fw.bin").await.expect("stored").file.expect("a file");
    assert_eq!((facts.sha256, facts.length, facts.version.as_str()), (sum, 150_000, "V9"));
    let again = plan(&console.sources, &send).await.expect("a plan");
    assert!(again.irreversible.iter().any(|t| t.contains("replaces")), "{again:?}");
    assert_eq!(console.run(wish("cpe.file.delete", "fw.bin", &[])).await.done, 1);
    console.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_would_harm_the_server_is_not_sent() {
    let (acs, _folder, console) = start().await;
    for (command, name, args) in [
        ("cpe.preset.put", "x", [("text", "{\"hello\": 1}")]),
        ("cpe.preset.put", "..", [("text", CALLS)]),
        ("cpe.vparam.put", "a.b", [("text", SCRIPT)]),
        ("cpe.provision.put", "x", [("text", "  ")]),
        ("cpe.provision.put", "x", [("text", "let = ;(")]),
        ("cpe.file.upload", "x", [("file", "/nowhere/fw.bin")]),
    ] {
        let outcome = console.run(wish(command, name, &args)).await;
        assert_eq!((outcome.done, outcome.errors.len()), (0, 1), "{command} {name}: {outcome:?}");
    }
    assert_eq!(console.run(wish("cpe.file.delete", "gone.bin", &[])).await.done, 0);
    assert!(console.sources.iter().next().expect("a source").test().await.is_ok(), "the worker lives");
    drop(acs);
    console.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_is_away_is_an_alarm_of_its_own() {
    let acs = Acs::start(AcsOptions::still()).await.expect("an ACS");
    let (_folder, path) = folder();
    let mut source = acs.config();
    if let noctule::config::schema::SourceKind::Genieacs(config) = &mut source.kind {
        config.poll_s = 1;
    }
    let config = Config { sources: vec![source], ..Config::default() };
    let console = Console::start(&config, &path);
    until("it is polled", || {
        let mut reader = console.store.reader().ok()?;
        let mut known = 0;
        reader.each_known_cpe(&config.sources[0].name, &mut |_| known += 1).ok()?;
        (known > 0).then_some(())
    })
    .await;
    assert!(console.alarms("type=source.unreachable cleared=no").is_empty());
    acs.stop();
    let alarms = console.until_alarms("type=source.unreachable cleared=no", 1).await;
    assert!(!alarms[0].text.is_empty());
    console.stop().await;
}
