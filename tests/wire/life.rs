//! What happens in the network arrives in the cache, once, whatever happens to noctule.

use std::collections::HashSet;

use noctule::app::message::Msg;
use noctule::model::ids::{AlarmKey, Seq};
use noctule::model::observation::Observation;
use noctule::model::page::Table;
use noctule::model::record::{Record, Timer, TimerKind};
use noctule::store::{Error, Store};

use super::rig::{Console, DARK, folder, options, still, targets, until, watched};

#[tokio::test(flavor = "multi_thread")]
async fn the_tree_fills_and_a_cut_fibre_raises_and_clears() {
    let (_network, control, _folder, console) = watched().await;
    console.until_nodes("kind=olt", 2).await;
    console.cut(&control, 0).await;
    control.repair_fibre(0, 0, 0);
    // The ONUs' own loss of signal is never cleared by the source: the port's clear, or their
    // return to ACTIVE, does it.
    console.until_alarms("cleared=no", 0).await;
    console.until_nodes("kind=onu oper=active", 64).await;
    console.stop().await;
}

/// No alarm of the stream is in the journal twice.
fn assert_nothing_twice(store: &Store) {
    let journal = store.journal();
    let mut seen = HashSet::new();
    let mut after = Seq(0);
    loop {
        let entries = journal.read(after, 1_000).expect("the journal");
        let Some(last) = entries.last() else { break };
        after = last.seq;
        for entry in &entries {
            let Record::Observed(observed) = &entry.record else { continue };
            if let (Some(origin), Observation::Alarm(alarm)) = (observed.origin, &observed.what) {
                assert!(seen.insert((origin, alarm.resource.clone(), alarm.type_id.clone())), "twice: {observed:?}");
            }
        }
    }
    assert!(!seen.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restart_goes_on_at_the_last_offset_without_loss_or_duplicates() {
    let (network, control) = still().await;
    let (_folder, path) = folder();
    let console = Console::start(&network.config(), &path);
    console.until_nodes("kind=onu", 64).await;
    let onus = console.cut(&control, 0).await;
    console.stop().await;

    // While nobody watches, a second PON goes dark.
    let more = control.onus_of(0, 0, 1).len();
    control.cut_fibre(0, 0, 1);

    let console = Console::start(&network.config(), &path);
    assert!(console.opened.owner);
    let rows = console.until_alarms(DARK, onus + more).await;
    for row in &rows {
        assert_eq!((row.occurrences, row.dup_count), (1, 0), "{}", row.canonical);
    }
    assert_nothing_twice(&console.store);
    console.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn after_a_gap_the_list_is_rebuilt_and_says_so() {
    let (network, control) = still().await;
    let (_folder, path) = folder();
    let console = Console::start(&network.config(), &path);
    console.until_nodes("kind=onu", 64).await;
    console.stop().await;

    control.plug_in(0, 0, 0).expect("room for one more");
    let mut console = Console::start(&network.config(), &path);
    let (source, removed) = console
        .until_news("rebuilt", |msg| match msg {
            Msg::Rebuilt { source, removed, .. } => Some((source, removed)),
            _ => None,
        })
        .await;
    assert_eq!((&*source, removed), (network.config().sources[0].name.as_str(), 0));
    console.until_nodes("kind=onu", 65).await;
    console.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_instance_sees_everything_and_writes_nothing() {
    let (network, _control) = still().await;
    let (_folder, path) = folder();
    let first = Console::start(&network.config(), &path);
    first.until_nodes("kind=onu", 64).await;

    let (second, opened) = Store::open(&options(&path)).expect("attached");
    assert!(!opened.owner);
    assert_eq!(opened.owner_pid, Some(std::process::id()));
    until("the same rows", || {
        let mut reader = second.reader().expect("a reader");
        let rows = reader.nodes(&targets(Table::Nodes, "kind=onu"), usize::MAX);
        rows.ok().filter(|rows| rows.len() == 64)
    })
    .await;
    let timer = Timer { at: noctule::workers::now(), key: AlarmKey([0; 16]), what: TimerKind::Purge };
    let refused = second.journal().append(vec![Record::Timer(timer)]).durable().await;
    assert!(matches!(refused, Err(Error::ReadOnly { .. })), "{refused:?}");
    first.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn connections_that_break_heal_and_lose_nothing() {
    let (_network, control, _folder, console) = watched().await;
    let onus = control.onus_of(0, 1, 0).len();
    control.drop_connections(0);
    control.cut_fibre(0, 1, 0);
    control.drop_connections(0);
    control.garbage(0);
    console.until_alarms(DARK, onus).await;
    assert_nothing_twice(&console.store);
    console.stop().await;
}
