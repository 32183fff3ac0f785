//! Both ends over pipes in one process: who sees what, whose typing arrives, and what a peer that is
//! slow, silent or malicious can do, which is nothing.

use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, DuplexStream, duplex};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

use super::super::line::Typed;
use super::super::link::{End, Guest, Link, Told};
use super::super::past::Past;
use super::super::wire::MAX_FRAME;
use super::peer::{MOST_QUEUED, serve, shown};
use super::*;
use crate::engine::emulator::{Emulator, Limits, MOST_COLUMNS};
use crate::workers::relay::wire::pack;

const IDLE: Duration = Duration::from_secs(600);
const CONSOLE: &str = "host/vm/serial/";

/// What happens at the end that has the console.
enum Act {
    Print(Vec<u8>),
    Control(bool),
    HandOver,
    Resize(u16, u16),
    End(&'static str),
}

/// Another process that comes to the console, before its first word.
pub(super) fn visitor(console: &str, events: &mpsc::Sender<Event>, last: &mut u64) -> DuplexStream {
    let (ours, theirs) = duplex(32 << 10);
    *last += 1;
    tokio::spawn(serve(theirs, *last, 1_000_000, console.into(), events.clone()));
    ours
}

struct Rig {
    events: mpsc::Sender<Event>,
    acts: UnboundedSender<Act>,
    /// What the guest got.
    typed: UnboundedReceiver<Vec<u8>>,
    log: Arc<Mutex<Vec<String>>>,
    last: u64,
}

impl Rig {
    fn start(looks_only: bool) -> Self {
        let (events, heard) = mpsc::channel(WAITING);
        let (acts, mut todo) = unbounded_channel();
        let (guest, typed) = unbounded_channel();
        let log: Arc<Mutex<Vec<String>>> = Arc::default();
        let rows = Arc::clone(&log);
        let mut emulator = Emulator::new(Limits { rows: 5, columns: 20, ..Limits::default() });
        let audit: Audit = Box::new(move |done| rows.lock().unwrap().push(format!("{} {}", done.who(), done.words())));
        let mut hub = Hub::quiet(("anna", looks_only), IDLE, Past::new(&emulator), audit, heard);
        tokio::spawn(async move {
            loop {
                tokio::select! {
                    act = todo.recv() => match act {
                        None => return,
                        Some(Act::Print(bytes)) => {
                            let _ = emulator.feed(&bytes);
                            hub.output(&bytes, &emulator);
                        }
                        Some(Act::Control(wanted)) => drop(hub.control(wanted)),
                        Some(Act::HandOver) => drop(hub.hand_over()),
                        Some(Act::Resize(rows, columns)) => {
                            emulator.resize(rows, columns);
                            hub.resized(&emulator);
                        }
                        Some(Act::End(why)) => return hub.end(why).await,
                    },
                    event = hub.next() => match hub.look(event, &emulator) {
                        Some(Asked::Input(_, Typed::Bytes(bytes))) => drop(guest.send(bytes.to_vec())),
                        Some(Asked::Input(_, Typed::Size(rows, columns))) => {
                            emulator.resize(rows, columns);
                            hub.resized(&emulator);
                        }
                        Some(Asked::Presence(_)) | None => {}
                    },
                }
            }
        });
        Self { events, acts, typed, log, last: 0 }
    }

    fn act(&self, act: Act) {
        self.acts.send(act).unwrap_or_else(|_| panic!("it has ended"));
    }

    fn print(&self, text: &str) {
        self.act(Act::Print(text.into()));
    }

    /// Another process, before its first word.
    fn raw(&mut self) -> DuplexStream {
        visitor(CONSOLE, &self.events, &mut self.last)
    }

    async fn join(&mut self, name: &str, looks_only: bool) -> Look {
        let guest = Guest { name: name.into(), console: CONSOLE.into(), looks_only, knows: false };
        let pipe = self.raw();
        Look::new(Link::join(pipe, guest).await.expect("welcome"))
    }
}

/// Somebody who looks.
struct Look {
    link: Link,
    emulator: Emulator,
    presence: Presence,
    notes: Vec<String>,
    bells: usize,
}

impl Look {
    fn new(link: Link) -> Self {
        Self { link, emulator: Emulator::default(), presence: Presence::default(), notes: Vec::new(), bells: 0 }
    }

    fn take(&mut self, told: Told) {
        match told {
            Told::Past(bytes) => {
                let _ = self.emulator.feed(&bytes);
                let _ = self.emulator.take_events();
            }
            Told::Output(bytes) => {
                let _ = self.emulator.feed(&bytes);
                self.bells += self.emulator.take_events().len();
            }
            Told::Size(rows, columns) => self.emulator.resize(rows, columns),
            Told::Presence(presence) => self.presence = presence,
            Told::Note(words) => self.notes.push(words),
            other => panic!("{other:?} on a line"),
        }
    }

    /// Types, whether it may or not.
    async fn types(&mut self, bytes: &[u8]) {
        self.link.say(&Say::Input(bytes.to_vec())).await.unwrap();
    }

    async fn size(&mut self, rows: u16, columns: u16) {
        self.link.say(&Say::Size { rows, columns }).await.unwrap();
    }

    /// Looks until something is so.
    async fn until(&mut self, so: impl Fn(&Self) -> bool) {
        while !so(self) {
            let told = self.link.next().await.unwrap_or_else(|end| panic!("{end:?} before it was so"));
            self.take(told);
        }
    }

    async fn shows(&mut self, text: &str) {
        self.until(|look| look.emulator.screen(0).text().contains(text)).await;
    }

    /// Takes the next that is there, if there is one.
    async fn some(&mut self) {
        tokio::select! {
            biased;
            told = self.link.next() => self.take(told.expect("it goes on")),
            () = tokio::task::yield_now() => {}
        }
    }

    /// Looks until there is no more.
    async fn end(&mut self) -> End {
        loop {
            match self.link.next().await {
                Ok(told) => self.take(told),
                Err(end) => return end,
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn who_comes_later_sees_the_same_and_hears_no_old_bells() {
    let mut rig = Rig::start(false);
    rig.print("\x1b[31mlogin:\x1b[m root\x07\r\n# \x1b[?1h");
    let mut ben = rig.join("ben", false).await;
    ben.shows("login: root").await;
    assert_eq!((ben.emulator.size(), ben.bells), ((5, 20), 0));
    assert!(ben.emulator.modes().application_cursor, "keys are sent as the guest wants them");
    rig.print("uptime\x07");
    ben.until(|look| look.bells == 1).await;
    ben.shows("# uptime").await;
    rig.act(Act::Resize(7, 30));
    ben.until(|look| look.emulator.size() == (7, 30)).await;
}

#[tokio::test(start_paused = true)]
async fn one_types_and_the_others_are_not_heard() {
    let mut rig = Rig::start(false);
    let mut ben = rig.join("ben", false).await;
    let mut carla = rig.join("carla", true).await;
    ben.until(|look| look.presence.viewers.len() == 3).await;
    assert_eq!(ben.presence.control.as_deref(), Some("anna"));
    // What its own end thinks makes no difference.
    ben.types(b"rm -rf /\r").await;
    ben.until(|look| look.notes == ["anna has control: what you typed was not sent"]).await;
    ben.link.hand_over().await.unwrap();
    ben.until(|look| look.notes.len() == 2).await;
    ben.link.control(true).await.unwrap();
    carla.until(|look| look.presence.wants.as_deref() == Some("ben (user 1000000)")).await;
    rig.act(Act::HandOver);
    ben.until(|look| look.presence.ours).await;
    ben.types(b"ls\r").await;
    assert_eq!(rig.typed.recv().await.unwrap(), b"ls\r", "and nothing before it");
    // A profile that is read-only never gets it.
    carla.link.control(true).await.unwrap();
    carla.until(|look| look.notes.iter().any(|n| n.contains("read-only"))).await;
    // Its holder leaves: nobody has it, and who asks gets it at once.
    drop(ben);
    carla.until(|look| look.presence.viewers.len() == 2 && look.presence.control.is_none()).await;
    rig.act(Act::Control(true));
    carla.until(|look| look.presence.control.as_deref() == Some("anna")).await;
    let log = rig.log.lock().unwrap().join("\n");
    assert!(log.contains("ben (user 1000000) has control") && log.contains("ben (user 1000000) left"), "{log}");
    assert!(!log.contains("ls") && !log.contains("rm"), "what is typed is in no log: {log}");
}

#[tokio::test(start_paused = true)]
async fn who_does_not_type_loses_control_to_who_asks() {
    let mut rig = Rig::start(false);
    let mut ben = rig.join("ben", false).await;
    let began = Instant::now();
    ben.link.control(true).await.unwrap();
    ben.until(|look| look.presence.ours).await;
    assert!(began.elapsed() >= IDLE - Duration::from_secs(1), "not before");
}

#[tokio::test(start_paused = true)]
async fn the_size_is_set_by_who_types() {
    let mut rig = Rig::start(true);
    let mut ben = rig.join("ben", false).await;
    ben.size(10, 40).await;
    ben.until(|look| look.notes.iter().any(|n| n.contains("nobody has control"))).await;
    assert_eq!(ben.emulator.size(), (5, 20));
    ben.link.control(true).await.unwrap();
    ben.size(10, 40).await;
    ben.until(|look| look.emulator.size() == (10, 40)).await;
    ben.size(0, u16::MAX).await;
    ben.until(|look| look.emulator.size() == (1, MOST_COLUMNS)).await;
}

#[tokio::test(start_paused = true)]
async fn a_peer_that_takes_nothing_is_dropped_and_slows_nobody() {
    let mut rig = Rig::start(false);
    let mut ben = rig.join("ben", false).await;
    // It looks, and then reads no more.
    let stalled = rig.join("dora", false).await;
    ben.until(|look| look.presence.viewers.len() == 3).await;
    // More than may wait for it; each piece is with the other before the next comes.
    let line = "x".repeat(63 << 10);
    for n in 0..(2 * MOST_QUEUED / line.len()) {
        rig.print(&format!("{line}\r\nline {n}\r\n"));
        ben.shows(&format!("line {n}")).await;
    }
    ben.until(|look| look.presence.viewers.len() == 2).await;
    drop(stalled);
}

#[tokio::test(start_paused = true)]
async fn a_peer_that_fell_behind_sees_the_newest_screen() {
    let mut rig = Rig::start(false);
    let mut ben = rig.join("ben", false).await;
    ben.until(|look| look.presence.viewers.len() == 2).await;
    // All at once: there is no room for it.
    let mut seen = Emulator::new(Limits { rows: 5, columns: 20, ..Limits::default() });
    let mut print = |text: String| {
        let _ = seen.feed(text.as_bytes());
        rig.print(&text);
    };
    for n in 0..200 {
        print(format!("{}\r\nline {n}\r\n", "y".repeat(60 << 10)));
    }
    // Some of these come just when it has taken what waited for it.
    for n in 0..300 {
        print(format!("{n};"));
        ben.some().await;
    }
    print("the end".to_owned());
    ben.shows("the end").await;
    assert_eq!(ben.emulator.screen(0).text(), seen.screen(0).text(), "nothing twice, and nothing left out");
    assert!(ben.presence.viewers.len() == 2, "it was not dropped for it");
}

#[tokio::test(start_paused = true)]
async fn an_end_is_told_and_a_death_is_noticed() {
    let mut rig = Rig::start(false);
    let mut ben = rig.join("ben", false).await;
    rig.print("bye\r\n");
    rig.act(Act::End("it was shut down"));
    assert_eq!(ben.end().await, End::Ended("it was shut down".into()));
    assert!(ben.emulator.screen(0).text().contains("bye"), "what was printed last arrives");
    let mut rig = Rig::start(false);
    let mut ben = rig.join("ben", false).await;
    drop(rig);
    assert_eq!(ben.end().await, End::Gone);
}

#[tokio::test(start_paused = true)]
async fn strangers_learn_nothing() {
    let mut rig = Rig::start(false);
    rig.print("secret");
    let guest = Guest { name: "eve".into(), console: "another".into(), looks_only: false, knows: false };
    let Err(End::Ended(why)) = Link::join(rig.raw(), guest).await else { panic!("let in") };
    assert!(why.contains("another console"), "{why}");
    let frame = |body: &[u8]| [&u32::try_from(body.len()).unwrap().to_be_bytes()[..], body].concat();
    let hello = |protocol| {
        let hello =
            Say::Hello { protocol, name: "eve".into(), console: CONSOLE.into(), looks_only: false, knows: false };
        frame(&pack(&hello).unwrap())
    };
    let long = u32::try_from(MAX_FRAME + 1).unwrap().to_be_bytes().to_vec();
    for (first, answers) in [
        (frame(b"\xff\xff"), false),
        (long, false),
        (frame(&pack(&Say::Input(b"x".to_vec())).unwrap()), false),
        (hello(PROTOCOL + 1), true),
        (Vec::new(), false),
    ] {
        let mut eve = rig.raw();
        eve.write_all(&first).await.unwrap();
        let mut got = Vec::new();
        // It ends without more of them, silent ones, too.
        let _ = eve.read_to_end(&mut got).await;
        assert!(!String::from_utf8_lossy(&got).contains("secret"));
        assert_eq!(!got.is_empty(), answers, "{first:?}");
    }
    // One that is let in and then talks nonsense goes.
    let mut eve = rig.raw();
    eve.write_all(&[hello(PROTOCOL), frame(b"\x00\x01")].concat()).await.unwrap();
    eve.read_to_end(&mut Vec::new()).await.unwrap();
    assert!(rig.log.lock().unwrap().iter().any(|row| row == "eve (user 1000000) left"));
}

#[test]
fn a_name_is_what_the_kernel_says() {
    assert_eq!(shown("anna", "anna"), "anna");
    assert_eq!(shown("root (root)\x1b[2J", "eve"), "root root (eve)");
    assert_eq!(shown("", "eve"), "eve");
    assert!(shown(&"x".repeat(500), "eve").len() < 60);
}
