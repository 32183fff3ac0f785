//! A screen that is shared, both ends over pipes in one process: what is seen, who is heard, and what a
//! peer that is slow or means no good can do.

use std::sync::{Arc, Mutex};

use tokio::io::{AsyncWriteExt as _, DuplexStream, duplex};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

use super::super::keys::Key;
use super::super::link::{End, Guest, Link, Told};
use super::super::screen::Shown;
use super::tests::visitor;
use super::*;
use crate::controllers::vnc::{Area, Input};
use crate::model::console::{ConsoleKey, Picture, Stroke};
use crate::workers::relay::wire::pack;

const CONSOLE: &str = "host/vm/vnc/";

/// What happens at the end that has the screen.
enum Act {
    Draw(Arc<Picture>, Area),
    Ring,
    Copy(String),
    HandOver,
}

struct Rig {
    events: mpsc::Sender<Event>,
    acts: UnboundedSender<Act>,
    /// What was done to the machine; `LetGo` where control has moved.
    done: UnboundedReceiver<Input>,
    /// What was for the owner to hear.
    ours: Arc<Mutex<Vec<&'static str>>>,
    last: u64,
}

impl Rig {
    fn start() -> Self {
        let (events, heard) = mpsc::channel(WAITING);
        let (acts, mut todo) = unbounded_channel();
        let (machine, done) = unbounded_channel();
        let ours: Arc<Mutex<Vec<&'static str>>> = Arc::default();
        let heard_here = Arc::clone(&ours);
        let subject = Shown::new("QEMU (dns-1)\u{1b}[2J");
        let mut hub = Hub::quiet(("anna", false), Duration::from_secs(600), subject, Box::new(|_| {}), heard);
        tokio::spawn(async move {
            loop {
                tokio::select! {
                    act = todo.recv() => match act {
                        None => return,
                        Some(Act::Draw(picture, area)) => hub.drawn(&picture, &[area]),
                        Some(Act::Ring) => if hub.rang() { heard_here.lock().unwrap().push("bell") },
                        Some(Act::Copy(text)) => if hub.copied(&text) { heard_here.lock().unwrap().push("copy") },
                        Some(Act::HandOver) => drop(hub.hand_over()),
                    },
                    event = hub.next() => {
                        if let Some(Asked::Input(_, input)) = hub.look(event, &()) {
                            let _ = machine.send(input);
                        }
                    }
                }
                if hub.moved() {
                    let _ = machine.send(Input::LetGo);
                }
            }
        });
        Self { events, acts, done, ours, last: 0 }
    }

    fn act(&self, act: Act) {
        self.acts.send(act).unwrap_or_else(|_| panic!("it has ended"));
    }

    /// All of a picture in one colour, but for one row.
    fn draw(&self, (width, height): (u32, u32), colour: u8, row: u32) -> Arc<Picture> {
        let mut picture = Picture::new(width, height);
        picture.rgb.fill(colour);
        picture.rgb[(row * width * 3) as usize..][..(width * 3) as usize].fill(!colour);
        let picture = Arc::new(picture);
        self.act(Act::Draw(Arc::clone(&picture), Area { x: 0, y: 0, width, height }));
        picture
    }

    fn raw(&mut self) -> DuplexStream {
        visitor(CONSOLE, &self.events, &mut self.last)
    }

    async fn join(&mut self, name: &str, looks_only: bool) -> Look {
        let guest = Guest { name: name.into(), console: CONSOLE.into(), looks_only, knows: false };
        let link = Link::join(self.raw(), guest).await.expect("welcome");
        Look { link, picture: None, pictures: 0, presence: Presence::default(), told: Vec::new() }
    }
}

/// Somebody who looks.
struct Look {
    link: Link,
    picture: Option<Arc<Picture>>,
    /// How often it was shown something.
    pictures: usize,
    presence: Presence,
    told: Vec<String>,
}

impl Look {
    async fn until(&mut self, so: impl Fn(&Self) -> bool) {
        while !so(self) {
            match self.link.next().await.unwrap_or_else(|end| panic!("{end:?} before it was so")) {
                Told::Picture(picture) => {
                    self.picture = Some(picture);
                    self.pictures += 1;
                }
                Told::Presence(presence) => self.presence = presence,
                Told::Bell => self.told.push("bell".into()),
                Told::Note(words) | Told::Title(words) | Told::Clipboard(words) => self.told.push(words),
                other => panic!("{other:?} on a screen"),
            }
        }
    }

    async fn sees(&mut self, picture: &Arc<Picture>) {
        self.until(|look| look.picture.as_ref() == Some(picture)).await;
    }

    async fn hears(&mut self, words: &str) {
        self.until(|look| look.told.iter().any(|told| told.contains(words))).await;
    }

    async fn strikes(&mut self, c: char) {
        self.link.say(&Say::Stroke { key: Key::Char(c), held: 0 }).await.unwrap();
    }
}

fn stroke(c: char) -> Input {
    Input::Stroke(Stroke::plain(ConsoleKey::Char(c)))
}

#[tokio::test(start_paused = true)]
async fn who_comes_sees_the_whole_and_then_what_changes_in_any_size() {
    let mut rig = Rig::start();
    let first = rig.draw((720, 400), 9, 3);
    let mut ben = rig.join("ben", false).await;
    ben.sees(&first).await;
    ben.hears("QEMU (dns-1)").await;
    assert!(!ben.told.concat().contains('\u{1b}'));
    let second = rig.draw((720, 400), 9, 377);
    ben.sees(&second).await;
    let third = rig.draw((1023, 769), 200, 768);
    ben.sees(&third).await;
    // Who comes before there is a picture sees the first one.
    let mut empty = Rig::start();
    let mut carla = empty.join("carla", true).await;
    carla.hears("QEMU").await;
    let picture = empty.draw((1, 1), 1, 0);
    carla.sees(&picture).await;
}

#[tokio::test(start_paused = true)]
async fn a_slow_one_sees_fewer_states_and_the_newest_one() {
    let mut rig = Rig::start();
    // One whole picture of it is more than fits between two ends.
    let mut noise = Picture::new(160, 120);
    noise.rgb.iter_mut().for_each(|byte| *byte = fastrand::u8(..));
    let draw = |rig: &Rig, n: u32| {
        let mut picture = noise.clone();
        picture.rgb[..480].fill((n % 250) as u8);
        let picture = Arc::new(picture);
        rig.act(Act::Draw(Arc::clone(&picture), Area { x: 0, y: 0, width: 160, height: 120 }));
        picture
    };
    let mut last = Some(draw(&rig, 0));
    let mut slow = rig.join("slow", false).await;
    let mut quick = rig.join("quick", false).await;
    for n in 1..=200 {
        let picture = draw(&rig, n);
        tokio::time::sleep(Duration::from_millis(10)).await;
        if n % 20 == 0 {
            quick.sees(&picture).await;
        }
        last = Some(picture);
    }
    let last = last.unwrap();
    quick.sees(&last).await;
    assert!((10..=30).contains(&quick.pictures), "ten a second at most: {} in two seconds", quick.pictures);
    slow.sees(&last).await;
    assert!(slow.pictures <= 3, "nothing waited for it: {}", slow.pictures);
}

#[tokio::test(start_paused = true)]
async fn one_that_takes_nothing_is_dropped_and_slows_nobody() {
    let mut rig = Rig::start();
    let mut noise = Picture::new(640, 480);
    noise.rgb.iter_mut().for_each(|byte| *byte = fastrand::u8(..));
    let noise = Arc::new(noise);
    rig.act(Act::Draw(Arc::clone(&noise), Area { x: 0, y: 0, width: 640, height: 480 }));
    let stalled = rig.join("stalled", false).await;
    let mut ben = rig.join("ben", false).await;
    ben.sees(&noise).await;
    ben.until(|look| look.presence.viewers.len() == 3).await;
    let began = Instant::now();
    ben.until(|look| look.presence.viewers.len() == 2).await;
    assert!(began.elapsed() <= Duration::from_secs(6));
    drop(stalled);
}

#[tokio::test(start_paused = true)]
async fn one_works_at_it_and_what_it_held_is_let_go_of() {
    let mut rig = Rig::start();
    let mut ben = rig.join("ben", false).await;
    let mut carla = rig.join("carla", true).await;
    ben.strikes('x').await;
    ben.hears("anna has control: what you typed was not sent").await;
    rig.act(Act::Ring);
    rig.act(Act::Copy("of anna's".into()));
    ben.link.control(true).await.unwrap();
    ben.until(|look| look.presence.wants.is_some()).await;
    assert_eq!(*rig.ours.lock().unwrap(), ["bell", "copy"], "she had control then");
    rig.act(Act::HandOver);
    ben.until(|look| look.presence.ours).await;
    ben.strikes('y').await;
    ben.link.say(&Say::Text("z".repeat(5000))).await.unwrap();
    ben.link.say(&Say::Input(b"no line".to_vec())).await.unwrap();
    ben.link.say(&Say::Pointer { x: 3, y: 4, buttons: 1 }).await.unwrap();
    assert_eq!(rig.done.recv().await, Some(Input::LetGo), "before anything of his");
    assert_eq!(rig.done.recv().await, Some(stroke('y')));
    assert!(matches!(rig.done.recv().await, Some(Input::Pointer { x: 3, y: 4, .. })), "what is no input is none");
    rig.act(Act::Ring);
    rig.act(Act::Copy("of ben's".into()));
    ben.hears("of ben's").await;
    ben.hears("bell").await;
    rig.act(Act::Copy("long".repeat(20_000)));
    ben.hears("not passed on").await;
    assert_eq!(rig.ours.lock().unwrap().len(), 2, "they are not for who only looks now");
    drop(ben);
    assert_eq!(rig.done.recv().await, Some(Input::LetGo), "who leaves holds nothing down");
    carla.until(|look| look.presence.control.is_none() && look.presence.viewers.len() == 2).await;
    assert!(carla.told.iter().all(|told| told.contains("QEMU")), "{:?}", carla.told);
}

/// Somebody who shares a screen and means no good: what a link makes of it.
async fn told(says: &[Tell]) -> End {
    let (ours, theirs) = duplex(1 << 20);
    let (_keep, mut write) = tokio::io::split(theirs);
    let welcome = Tell::Welcome { protocol: PROTOCOL };
    for tell in std::iter::once(&welcome).chain(says) {
        let body = pack(tell).unwrap();
        write.write_u32(u32::try_from(body.len()).unwrap()).await.unwrap();
        write.write_all(&body).await.unwrap();
    }
    // A variant that there is not, for those that take all before it.
    write.write_all(&[0, 0, 0, 4, 0x82, 0x18, 0x63, 0x80]).await.unwrap();
    let guest = Guest { name: "ben".into(), console: CONSOLE.into(), looks_only: false, knows: false };
    let mut link = Link::join(ours, guest).await.expect("welcome");
    loop {
        if let Err(end) = link.next().await {
            return end;
        }
    }
}

#[tokio::test]
async fn a_malicious_owner_is_left_in_words() {
    let part = |x, width, zlib| Tell::Part { x, y: 0, width, height: 1, zlib };
    let size = |width, height| Tell::Picture { width, height };
    for says in [
        vec![],
        vec![Tell::Shown],
        vec![size(u16::MAX, u16::MAX)],
        vec![size(0, 5)],
        vec![size(9, 9), part(0, 1, vec![1, 2, 3])],
        vec![size(9, 9), part(9, 1, Vec::new())],
        vec![size(9, 9), part(u16::MAX, u16::MAX, Vec::new())],
        vec![size(9, 9), Tell::Shown, Tell::Bell, Tell::Title("t".into())],
    ] {
        let End::Ended(why) = told(&says).await else { panic!("it is not gone") };
        assert!(why.contains("no message"), "{why}");
    }
}
