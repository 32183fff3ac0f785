//! Two noctules of one machine at one console: through one connection to its host, with one who types,
//! and with somebody there when the one who had it leaves.

use std::ops::ControlFlow;

use noctule::app::effect::ConsoleRequest;
use noctule::model::console::{ConsoleKind, ConsoleNews, ConsolePhase, Presence};
use noctule::model::page::Table;

use crate::commands::page;
use crate::consoles::Desk;
use crate::rig::until;
use crate::vms::Rig;

/// What is looked at of a row of the log.
const FIELDS: [&str; 5] = ["what", "target", "status", "actor", "text"];
/// Where `dns-1` runs.
const HOST: usize = 2;

async fn two() -> (Desk, Desk) {
    let (first, second) = Rig::two().await;
    (Desk::at(first, "anna"), Desk::at(second, "ben"))
}

impl Desk {
    async fn until_presence(&mut self, what: &str, is: impl Fn(&Presence) -> bool) -> Presence {
        self.until(1, what, |news| match news {
            ConsoleNews::Presence(presence) => Some(presence).filter(&is),
            _ => None,
        })
        .await
    }

    async fn until_note(&mut self, words: &str) {
        self.until(1, words, |news| match news {
            ConsoleNews::Note(note) => note.contains(words).then_some(()),
            _ => None,
        })
        .await;
    }

    /// What the log says of consoles.
    fn log(&self) -> Vec<String> {
        let mut reader = self.rig.console.store.reader().unwrap();
        let mut rows = Vec::new();
        reader
            .each_row(&page(Table::Log), &mut |row| {
                let text = FIELDS.map(|name| row.get(name).to_plain().into_owned()).join(" ");
                if text.contains("console.") {
                    rows.push(text);
                }
                ControlFlow::Continue(())
            })
            .unwrap();
        rows
    }
}

/// One types, the other asks, gets it and types; the first leaves, and the other goes on.
async fn shared(kind: ConsoleKind, connections: impl Fn(&Desk) -> usize) {
    let (mut anna, mut ben) = two().await;
    anna.open(1, "dns-1", kind);
    anna.until_open(1).await;
    if kind == ConsoleKind::Serial {
        anna.type_in(1, "\r");
    }
    anna.until_shows(1, "dns-1 login:").await;
    ben.open(1, "dns-1", kind);
    ben.until_open(1).await;
    ben.until_shows(1, "dns-1 login:").await;
    anna.until_presence("both look", |here| here.viewers.len() == 2 && here.ours).await;
    assert_eq!(connections(&anna), 1, "there is one connection to the host");

    anna.type_in(1, "root");
    ben.until_shows(1, "login: root").await;
    ben.type_in(1, "x");
    ben.until_note("anna has control: what you typed was not sent").await;
    ben.ask(1, ConsoleRequest::Control(true));
    anna.until_presence("ben asks", |here| here.wants.as_deref().is_some_and(|who| who.starts_with("ben"))).await;
    anna.ask(1, ConsoleRequest::HandOver);
    ben.until_presence("ben has control", |here| here.ours).await;
    ben.type_in(1, "\r");
    ben.until_shows(1, "Password:").await;
    anna.until_shows(1, "Password:").await;
    anna.type_in(1, "x");
    anna.until_note("has control: what you typed was not sent").await;
    let uses = |desk: &Desk| desk.rig.row("dns-1").and_then(|row| Some(row.vm()?.in_use.len()));
    until("both are said to use it", || (uses(&anna) == Some(2)).then_some(())).await;

    anna.ask(1, ConsoleRequest::Close);
    ben.until_note("has gone: it is opened from here").await;
    ben.until_open(1).await;
    ben.type_in(1, "secret\r");
    ben.until_shows(1, "root@dns-1:~#").await;
    assert_eq!(connections(&ben), 1);

    // Now she is the one who comes, and with her profile as it is today she only looks.
    anna.open_to(2, "dns-1", kind, true);
    anna.until_open(2).await;
    anna.until_shows(2, "root@dns-1:~#").await;
    anna.ask(2, ConsoleRequest::Control(true));
    anna.until(2, "why not", |news| match news {
        ConsoleNews::Note(note) => note.contains("read-only").then_some(()),
        _ => None,
    })
    .await;
    ben.type_in(1, "uname\r");
    anna.until_shows(2, "uname\nLinux").await;
    assert_eq!(connections(&ben), 1);

    let log = anna.log().join("\n");
    for words in ["ben", "looks at it", "asks for control", "has control", "console.open", "console.close"] {
        assert!(log.contains(words), "{words} is not in the log:\n{log}");
    }
    assert!(!log.contains("secret") && !log.contains("uname"), "what is typed is in no log:\n{log}");

    // The machine goes off: both hear that it is over.
    assert!(anna.rig.control.kill(HOST, "dns-1"));
    assert!(!ben.until_ended(1).await.is_empty());
    assert!(!anna.until_ended(2).await.is_empty());
    ben.stop().await;
    anna.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_screen_is_shared_through_one_connection_and_taken_up() {
    shared(ConsoleKind::Vnc, |desk| desk.rig.control.viewers(HOST, "dns-1")).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_line_is_shared_through_one_connection_and_taken_up() {
    shared(ConsoleKind::Serial, |desk| desk.rig.control.consoles()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_only_looks_serves_a_screen_to_who_types() {
    let (mut anna, mut ben) = two().await;
    anna.open_to(1, "dns-1", ConsoleKind::Vnc, true);
    anna.until_open(1).await;
    anna.until_shows(1, "dns-1 login:").await;
    anna.type_in(1, "x");
    anna.until_note("view-only").await;
    ben.open(1, "dns-1", ConsoleKind::Vnc);
    ben.until_open(1).await;
    ben.ask(1, ConsoleRequest::Control(true));
    ben.until_presence("nobody else can have it", |here| here.ours).await;
    ben.type_in(1, "root\r");
    let screen = anna.until_shows(1, "Password:").await;
    assert!(screen.contains("login: root"), "nothing of who only looks is in it:\n{screen}");
    assert_eq!(anna.rig.control.viewers(HOST, "dns-1"), 1);
    // Its bridge ends, and with it the console: the other one opens it.
    let rig = anna.leave().await;
    ben.until(1, "it is open again", |news| matches!(news, ConsoleNews::Phase(ConsolePhase::Open)).then_some(())).await;
    ben.until_shows(1, "Password:").await;
    ben.stop().await;
    rig.console.stop().await;
}
