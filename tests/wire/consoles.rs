//! Consoles through the bridge: simulated hosts, the real client, emulator and VNC session; what arrives
//! is what a pane would draw.

use std::time::Duration;

use noctule::app::effect::{ConsoleRequest, RecordIn};
use noctule::app::message::Msg;
use noctule::app::port::{Backend as _, Request};
use noctule::model::console::{
    ConsoleId, ConsoleKey, ConsoleKind, ConsoleNews, ConsolePhase, ConsoleTarget, Image, Place, Selection, Stroke,
};
use noctule::workers::bridge::{Bridge, Options};
use noctule::workers::relay::Hands;
use tokio::runtime::Handle;

use crate::rig::until;
use crate::vms::Rig;

/// A rig with a bridge, as the dashboard has it.
pub(crate) struct Desk {
    pub(crate) rig: Rig,
    bridge: Bridge,
}

impl Desk {
    async fn start() -> Self {
        Self::at(Rig::known(1).await, "anna")
    }

    pub(crate) fn at(rig: Rig, operator: &str) -> Self {
        let options = Options {
            profile: "noc".into(),
            operator: operator.into(),
            reveal_secrets: false,
            runtime: Handle::current(),
        };
        let console = &rig.console;
        let hands = Hands::Own(console.executor());
        let bridge =
            Bridge::start(console.store.clone(), console.sources.clone(), hands, console.msgs.clone(), options);
        Self { rig, bridge }
    }

    pub(crate) fn ask(&mut self, id: u64, request: ConsoleRequest) {
        self.bridge.send(Request::Console(ConsoleId(id), request));
    }

    pub(crate) fn open(&mut self, id: u64, vm: &str, kind: ConsoleKind) {
        self.open_to(id, vm, kind, false);
    }

    /// Only to look at it, or to type, too.
    pub(crate) fn open_to(&mut self, id: u64, vm: &str, kind: ConsoleKind, view_only: bool) {
        let row = self.rig.row(vm).expect("a machine");
        let uuid = row.vm().expect("a machine").uuid.clone();
        let target = ConsoleTarget { source: row.source, uuid, name: vm.to_owned(), kind, device: String::new() };
        self.ask(id, ConsoleRequest::Open { target, view_only });
    }

    pub(crate) fn type_in(&mut self, id: u64, text: &str) {
        for c in text.chars() {
            let key = if c == '\r' { ConsoleKey::Enter } else { ConsoleKey::Char(c) };
            self.ask(id, ConsoleRequest::Key(Stroke::plain(key)));
        }
    }

    /// Waits for news of a console.
    pub(crate) async fn until<T>(&mut self, id: u64, what: &str, mut pick: impl FnMut(ConsoleNews) -> Option<T>) -> T {
        let told = self.rig.console.until_news(what, |msg| match msg {
            Msg::Console(of, news) if of == ConsoleId(id) => pick(news),
            _ => None,
        });
        told.await
    }

    pub(crate) async fn until_open(&mut self, id: u64) {
        self.until(id, "it is open", |news| match news {
            ConsoleNews::Phase(ConsolePhase::Open) => Some(()),
            ConsoleNews::Phase(ConsolePhase::Opening) => None,
            ConsoleNews::Phase(other) => panic!("{other:?}"),
            _ => None,
        })
        .await;
    }

    pub(crate) async fn until_ended(&mut self, id: u64) -> String {
        self.until(id, "its end", |news| match news {
            ConsoleNews::Phase(ConsolePhase::Ended(why)) => Some(why),
            _ => None,
        })
        .await
    }

    /// Waits until it shows a text.
    pub(crate) async fn until_shows(&mut self, id: u64, text: &str) -> String {
        self.until(id, text, |news| match news {
            ConsoleNews::Image(Image::Screen(screen)) => Some(screen.text()).filter(|all| all.contains(text)),
            _ => None,
        })
        .await
    }

    /// Its consoles end; the rig is left.
    pub(crate) async fn leave(self) -> Rig {
        assert!(self.bridge.stop(Duration::from_secs(5)).await, "consoles end with the bridge");
        self.rig
    }

    pub(crate) async fn stop(self) {
        self.leave().await.console.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_command_is_typed_into_a_serial_line_and_its_answer_seen() {
    let mut desk = Desk::start().await;
    desk.open(1, "dhcp-1", ConsoleKind::Serial);
    desk.until_open(1).await;
    desk.rig.until("who uses it", "dhcp-1", |row| row.vm().is_some_and(|vm| vm.in_use == ["serial by anna"])).await;
    desk.type_in(1, "\r");
    desk.until_shows(1, "dhcp-1 login:").await;
    desk.type_in(1, "root\r");
    desk.until_shows(1, "Password:").await;
    desk.type_in(1, "secret\r");
    let screen = desk.until_shows(1, "root@dhcp-1:~#").await;
    assert!(!screen.contains("secret"), "a password is not shown:\n{screen}");
    desk.ask(1, ConsoleRequest::Paste("uname -r\r".into()));
    desk.until_shows(1, "uname -r").await;
    // Its size is offered to the guest, which believes it.
    desk.ask(1, ConsoleRequest::Resize(100, 30));
    desk.type_in(1, "stty size\r");
    desk.until_shows(1, "30 100").await;
    desk.type_in(1, "seq 200\r");
    desk.until_shows(1, "200\nroot@dhcp-1").await;
    desk.ask(1, ConsoleRequest::Search { text: "uname".into(), backwards: true });
    let found = desk.until(1, "a hit above", |news| match news {
        ConsoleNews::Found(found) => Some(found),
        _ => None,
    });
    assert!(found.await.is_some());
    desk.ask(1, ConsoleRequest::Close);
    let control = desk.rig.control.clone();
    until("the line is free", || (control.consoles() == 0).then_some(())).await;
    desk.rig.until("nobody uses it", "dhcp-1", |row| row.vm().is_some_and(|vm| vm.in_use.is_empty())).await;
    desk.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_second_one_is_held_and_can_be_taken_over() {
    let mut desk = Desk::start().await;
    desk.open(1, "dns-1", ConsoleKind::Serial);
    desk.until_open(1).await;
    desk.open(2, "dns-1", ConsoleKind::Serial);
    let held = desk.until(2, "it is held", |news| match news {
        ConsoleNews::Phase(ConsolePhase::Held(words)) => Some(words),
        ConsoleNews::Phase(ConsolePhase::Open) => panic!("two have one line"),
        _ => None,
    });
    assert!(held.await.contains("console"), "in the host's words");
    desk.type_in(2, "x");
    desk.ask(2, ConsoleRequest::TakeOver);
    desk.until_open(2).await;
    desk.type_in(2, "\r");
    desk.until_shows(2, "dns-1 login:").await;
    desk.ask(2, ConsoleRequest::Close);
    let control = desk.rig.control.clone();
    until("the line is free", || (control.consoles() == 0).then_some(())).await;
    desk.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_loses_a_line_is_told() {
    let mut desk = Desk::start().await;
    desk.open(1, "dns-1", ConsoleKind::Serial);
    desk.until_open(1).await;
    desk.open(2, "dns-1", ConsoleKind::Serial);
    desk.until(2, "it is held", |news| matches!(news, ConsoleNews::Phase(ConsolePhase::Held(_))).then_some(())).await;
    desk.ask(2, ConsoleRequest::TakeOver);
    let why = desk.until_ended(1).await;
    assert!(!why.is_empty());
    // What is asked of it after its end is not swallowed.
    desk.type_in(1, "x");
    let note = desk.until(1, "a note", |news| match news {
        ConsoleNews::Note(words) => Some(words),
        ConsoleNews::Phase(phase) => panic!("why it ended is told once, and stays: {phase:?}"),
        _ => None,
    });
    let note = note.await;
    assert!(note.contains("has ended") && note.contains("enter opens it again"), "{note}");
    // A machine that goes off ends its console, with words.
    assert!(desk.rig.control.kill(2, "dns-1"));
    assert!(!desk.until_ended(2).await.is_empty());
    // And of one that is off nothing is opened.
    desk.open(3, "build-1", ConsoleKind::Serial);
    let why = desk.until_ended(3).await;
    assert!(why.contains("not running"), "{why}");
    desk.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_screen_is_read_as_text_and_typed_into() {
    let mut desk = Desk::start().await;
    // One with a password in the configuration, and one on a port.
    for (id, vm) in [(1, "portal"), (2, "dns-1")] {
        desk.open(id, vm, ConsoleKind::Vnc);
        desk.until_open(id).await;
        desk.until_shows(id, &format!("{vm} login:")).await;
        desk.type_in(id, "root\r");
        desk.until_shows(id, "Password:").await;
        desk.ask(id, ConsoleRequest::Picture(true));
        desk.until(id, "the picture itself", |news| {
            matches!(news, ConsoleNews::Image(Image::Picture(_))).then_some(())
        })
        .await;
    }
    desk.ask(1, ConsoleRequest::Close);
    desk.ask(2, ConsoleRequest::Close);
    desk.open(3, "jump-win", ConsoleKind::Vnc);
    let why = desk.until_ended(3).await;
    assert!(why.contains("spice") && why.contains("VNC"), "{why}");
    desk.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_daemon_that_restarts_ends_its_consoles_and_they_are_opened_again() {
    let mut desk = Desk::start().await;
    desk.open(1, "dhcp-1", ConsoleKind::Serial);
    desk.until_open(1).await;
    desk.type_in(1, "\r");
    desk.until_shows(1, "dhcp-1 login:").await;
    desk.rig.control.restart(0);
    assert!(!desk.until_ended(1).await.is_empty());
    desk.open(2, "dhcp-1", ConsoleKind::Serial);
    desk.until_open(2).await;
    desk.type_in(2, "\r");
    desk.until_shows(2, "dhcp-1 login:").await;
    desk.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_on_a_line_is_picked_out_copied_and_recorded_without_its_secrets() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("dhcp-1.cast");
    let mut desk = Desk::start().await;
    desk.open(1, "dhcp-1", ConsoleKind::Serial);
    desk.until_open(1).await;
    let wanted = RecordIn { file: file.to_string_lossy().into_owned(), redact: true };
    desk.ask(1, ConsoleRequest::Record(Some(wanted)));
    desk.type_in(1, "\r");
    desk.until_shows(1, "dhcp-1 login:").await;
    desk.type_in(1, "root\rsecret\r");
    desk.until_shows(1, "root@dhcp-1:~#").await;
    desk.type_in(1, "echo token=hunter2 needle needle\r");
    desk.until_shows(1, "\ntoken=hunter2 needle needle\n").await;
    desk.type_in(1, "seq 200\r");
    desk.until_shows(1, "200\nroot@dhcp-1").await;
    // Far above: what is shown then has all places of it.
    desk.ask(1, ConsoleRequest::Search { text: "needle".into(), backwards: true });
    let hits = desk.until(1, "all places of it", |news| match news {
        ConsoleNews::Hits(hits) if !hits.is_empty() => Some(hits),
        _ => None,
    });
    let hits = hits.await;
    assert_eq!(hits.len(), 4, "typed and printed: {hits:?}");
    let from = Place { line: hits[3].from.line, column: 0 };
    let selection = Selection { from, to: Place { line: from.line + 2, column: 79 } };
    desk.ask(1, ConsoleRequest::Copy(selection));
    let copied = desk.until(1, "the lines", |news| match news {
        ConsoleNews::Copied(text) => Some(text),
        _ => None,
    });
    let copied = copied.await;
    assert!(copied.starts_with("token=hunter2 needle needle\nroot@dhcp-1"), "{copied}");
    // A reset shows a blank screen; what stood there can be scrolled to.
    desk.ask(1, ConsoleRequest::Reset);
    let above = desk.until(1, "a blank screen", |news| match news {
        ConsoleNews::Image(Image::Screen(screen)) if screen.text().is_empty() => Some(screen.above),
        _ => None,
    });
    assert!(above.await > 200);
    desk.ask(1, ConsoleRequest::Record(None));
    desk.until(1, "its end", |news| matches!(news, ConsoleNews::Recording(None)).then_some(())).await;
    let text = std::fs::read_to_string(&file).expect("the recording");
    assert!(text.lines().next().is_some_and(|header| header.contains(r#""redaction":"on""#)), "{text}");
    assert!(text.contains("token=*") && !text.contains("hunter2"), "{text}");
    desk.ask(1, ConsoleRequest::Close);
    desk.stop().await;
}
