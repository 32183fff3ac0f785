//! Operations on machines that failed: remembered over a restart, dismissed, and what policy does with
//! what they left.

use std::path::Path;

use noctule::config::schema::{Config, DeleteAfter, OnFailure, SourceKind};
use noctule::model::command::{Intent, Outcome, Targets};
use noctule::model::page::Table;
use noctule::model::vm::VmRow;
use noctule::model::vm::failure::{Failure, Leftover, Made};
use noctule::sim::libvirt::{RunningVirt, VirtOptions, VirtSim};

use crate::rig::{Console, folder, targets, until};
use crate::vms::HOSTS;

fn config(sim: &RunningVirt, on_failure: &OnFailure) -> Config {
    let mut sources = sim.config();
    for source in &mut sources {
        let SourceKind::Libvirt(libvirt) = &mut source.kind else { panic!("{source:?}") };
        (libvirt.poll_s, libvirt.on_failure) = (1, on_failure.clone());
    }
    Config { sources, ..Config::default() }
}

fn sim() -> RunningVirt {
    // What was left is below a folder of the test's, on this machine.
    let here = rustix::system::uname().nodename().to_string_lossy().into_owned();
    VirtSim::start(VirtOptions { speed: 20.0, hostname: Some(here), ..VirtOptions::default() }).expect("hosts")
}

fn row(console: &Console, vm: &str) -> Option<VmRow> {
    let rows = console.store.reader().unwrap().vms(&targets(Table::Vms, ""), usize::MAX).unwrap();
    rows.into_iter().find(|row| row.vm().is_some_and(|found| found.name == vm))
}

async fn until_trouble(console: &Console, vm: &str, is: impl Fn(&str) -> bool) -> String {
    let trouble = || row(console, vm).and_then(|row| Some(row.vm()?.trouble.clone()));
    until("its trouble", || trouble().filter(|words| is(words))).await
}

async fn run(console: &Console, command: &'static str, args: &[(&str, &str)]) -> Outcome {
    let args = args.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
    let targets = Targets::Names(Table::Vms, vec!["dns-1".to_owned()]);
    console.run(Intent { command, targets, args, actor: "anna".into() }).await
}

/// Rows of the log about what policy did: call, status, error.
fn by_policy(console: &Console) -> Vec<(String, String)> {
    let mut rows = Vec::new();
    let request = crate::commands::page(Table::Log);
    let mut take = |row: &dyn noctule::model::field::Record| {
        let text = |field: &str| row.get(field).to_plain().into_owned();
        if text("actor") == "policy" {
            rows.push((text("what"), format!("{} {}", text("status"), text("text"))));
        }
        std::ops::ControlFlow::Continue(())
    };
    console.store.reader().unwrap().each_row(&request, &mut take).unwrap();
    // The newest come first.
    rows.reverse();
    rows
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_failure_outlives_a_restart_until_it_is_dismissed() {
    let sim = sim();
    let config = config(&sim, &OnFailure::Log);
    let (_folder, path) = folder();
    let console = Console::start(&config, &path);
    let known = until("the machine", || row(&console, "dns-1")).await;
    let made = vec![Made::Checkpoint("noctule-x".into())];
    console.store.remember(&format!("vm.failures {}", HOSTS[2]), &left(&known.vm().unwrap().uuid, made));
    console.stop().await;

    let console = Console::start(&config, &path);
    assert_eq!(until_trouble(&console, "dns-1", |words| !words.is_empty()).await, "it failed");
    console.until_alarms("type=vm.operation cleared=no", 1).await;
    let rows = until("a row", || Some(by_policy(&console)).filter(|rows| !rows.is_empty())).await;
    assert!(rows.len() == 1 && rows[0].1.contains("nothing is done about it"), "{rows:?}");
    console.stop().await;

    let console = Console::start(&config, &path);
    let outcome = run(&console, "vm.dismiss", &[]).await;
    assert_eq!(outcome.done, 1, "{outcome:?}");
    until_trouble(&console, "dns-1", str::is_empty).await;
    console.until_alarms("type=vm.operation cleared=no", 0).await;
    let again = run(&console, "vm.dismiss", &[]).await;
    assert!(again.errors[0].1.contains("no operation on dns-1 failed"), "{again:?}");
    console.stop().await;

    let console = Console::start(&config, &path);
    let at = row(&console, "dns-1").expect("known").host.at;
    until("a new look", || row(&console, "dns-1").filter(|row| row.host.at > at)).await;
    assert_eq!(row(&console, "dns-1").unwrap().vm().unwrap().trouble, "");
    assert_eq!(by_policy(&console).len(), 1);
    console.stop().await;
}

/// Something that a failed operation left two days ago.
fn left(uuid: &str, made: Vec<Made>) -> String {
    let at = noctule::workers::now().plus(-2 * noctule::model::time::DAY).0;
    let made = made.into_iter().map(Leftover::here).collect();
    let operation = "back up".to_owned();
    let failure = Failure { vm: "dns-1".into(), operation, at, words: "it failed".into(), made, ..Failure::default() };
    serde_json::to_string(&std::collections::BTreeMap::from([(uuid, failure)])).unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_left_is_deleted_when_due_and_nothing_else_is() {
    let sim = sim();
    let (folder, path) = folder();
    let console = Console::start(&config(&sim, &OnFailure::Log), &path);
    let known = until("the machine", || row(&console, "dns-1")).await;
    let uuid = known.vm().unwrap().uuid.clone();
    let place = folder.path().join("dns-1");
    let (partial, whole) = (place.join("a.full.partial"), place.join("b.full"));
    for each in [&partial, &whole] {
        std::fs::create_dir_all(each).unwrap();
        std::fs::write(each.join("vda.qcow2"), "x").unwrap();
    }
    // Written after the failure: somebody else's by now.
    let later = folder.path().join("later.qcow2");
    std::fs::write(&later, "x").unwrap();
    let text = |path: &Path| path.display().to_string();
    let backup = |path: &Path| Made::Backup { folder: text(&place), path: text(path) };
    let gone = Made::File(text(&folder.path().join("gone.qcow2")));
    let made = vec![backup(&partial), backup(&whole), Made::File(text(&later)), gone];
    console.store.remember(&format!("vm.failures {}", HOSTS[2]), &left(&uuid, made));
    console.stop().await;

    let console = Console::start(&config(&sim, &OnFailure::Delete(DeleteAfter { days: 1 })), &path);
    until("the unfinished one is gone", || (!partial.exists()).then_some(())).await;
    let rows = until("a row about each", || Some(by_policy(&console)).filter(|rows| rows.len() >= 6)).await;
    assert!(whole.exists() && later.exists(), "what is no leftover stays: {rows:?}");
    assert_eq!((rows[0].0.as_str(), rows[1].0.as_str()), ("on_failure", "on_failure"), "announced first: {rows:?}");
    let told =
        |words: &str| rows.iter().filter(|(call, said)| call == "on_failure delete" && said.contains(words)).count();
    assert_eq!(told("a.full.partial is deleted"), 1, "{rows:?}");
    assert_eq!(
        (told("is no unfinished backup"), told("was written since"), told("gone already")),
        (1, 1, 1),
        "{rows:?}"
    );
    assert_eq!(row(&console, "dns-1").unwrap().vm().unwrap().power, known.vm().unwrap().power, "it runs on");
    console.stop().await;
}
