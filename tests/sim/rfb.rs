//! A VNC session against the simulated server, and against servers that mean no good.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use proptest::prelude::*;
use secrecy::SecretString;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, DuplexStream};

use noctule::controllers::vnc::{Buttons, Error, Frame, Input, KeyEvent, News, Options, Refused, Session, connect};
use noctule::model::console::{ConsoleKey, Picture, Stroke};
use noctule::sim::rfb::{Display, Guest, RfbOptions, serve};

/// What reached the guest, in words.
#[derive(Debug, Default)]
struct Seen(Mutex<Vec<String>>, tokio::sync::Notify);

impl Seen {
    fn add(&self, what: String) {
        self.0.lock().unwrap().push(what);
        self.1.notify_one();
    }

    async fn wait(&self, last: &str) -> Vec<String> {
        let all = async {
            loop {
                let seen = self.0.lock().unwrap().clone();
                if seen.last().is_some_and(|s| s == last) {
                    return seen;
                }
                self.1.notified().await;
            }
        };
        tokio::time::timeout(Duration::from_secs(20), all).await.unwrap_or_else(|_| panic!("{:?}", self.0.lock()))
    }
}

impl Guest for Seen {
    fn key(&self, _: &Display, keysym: u32, down: bool) {
        self.add(format!("{}{keysym:x}", if down { '+' } else { '-' }));
    }

    fn pointer(&self, _: &Display, x: u16, y: u16, buttons: u8) {
        self.add(format!("@{x},{y}:{buttons}"));
    }

    fn cut_text(&self, _: &Display, text: &str) {
        self.add(format!("cut {text}"));
    }

    fn resize(&self, screen: &Display, width: u16, height: u16) -> bool {
        if width > 1000 {
            return false;
        }
        screen.show(Picture::new(width.into(), height.into()));
        true
    }
}

fn server(options: RfbOptions, display: &Display) -> (DuplexStream, Arc<Seen>) {
    let (ours, theirs) = tokio::io::duplex(1 << 16);
    let seen = Arc::new(Seen::default());
    let (guest, display) = (seen.clone(), display.clone());
    tokio::spawn(async move { serve(theirs, &options, &display, &*guest).await });
    (ours, seen)
}

fn password(text: &str) -> Options {
    Options { password: Some(SecretString::from(text)), ..Options::default() }
}

async fn open(options: RfbOptions, ours: Options) -> Result<Session, Error> {
    let (stream, _) = server(options, &Display::new(Picture::new(32, 16)));
    connect(stream, ours).await
}

async fn news(session: &mut Session) -> News {
    tokio::time::timeout(Duration::from_secs(20), session.next()).await.expect("news").expect("a session")
}

/// Waits for a picture.
async fn picture(session: &mut Session, is: impl Fn(&Picture) -> bool) -> Frame {
    loop {
        if let Some(frame) = news(session).await.frame
            && is(&frame.picture)
        {
            return frame;
        }
    }
}

fn dotted(width: u32, height: u32, x: u32, y: u32) -> Picture {
    let mut picture = Picture::new(width, height);
    let at = (y * width + x) as usize * 3;
    picture.rgb[at..at + 3].copy_from_slice(&[1, 2, 3]);
    picture
}

#[tokio::test]
async fn pictures_follow_the_machine() {
    for near in [true, false] {
        let display = Display::new(dotted(64, 48, 5, 6));
        let (stream, _) = server(RfbOptions { name: "vm \x1b[31m1".into(), ..RfbOptions::default() }, &display);
        let mut session = connect(stream, Options { near, ..Options::default() }).await.unwrap();
        assert!(session.name().starts_with("vm ") && !session.name().contains('\x1b'), "{}", session.name());
        let frame = picture(&mut session, |p| p.pixel(5, 6) == [1, 2, 3]).await;
        assert_eq!((frame.picture.width, frame.picture.height), (64, 48));
        display.show(dotted(64, 48, 60, 20));
        let frame = picture(&mut session, |p| p.pixel(60, 20) == [1, 2, 3]).await;
        assert_eq!(frame.picture.pixel(5, 6), [0; 3]);
        assert!(frame.damage.iter().all(|a| a.y + a.height <= 32), "{:?}: only what changed", frame.damage);
        display.show(dotted(80, 20, 79, 19));
        let frame = picture(&mut session, |p| p.pixel(79, 19) == [1, 2, 3]).await;
        assert_eq!((frame.picture.width, frame.picture.height), (80, 20));
    }
}

#[tokio::test]
async fn a_size_is_asked_for_and_may_be_declined() {
    let display = Display::new(Picture::new(64, 48));
    let (stream, _) = server(RfbOptions::default(), &display);
    let mut session = connect(stream, Options::default()).await.unwrap();
    picture(&mut session, |p| p.width == 64).await;
    session.send(Input::Size { width: 100, height: 50 }).unwrap();
    picture(&mut session, |p| (p.width, p.height) == (100, 50)).await;
    session.send(Input::Size { width: 2000, height: 50 }).unwrap();
    loop {
        if news(&mut session).await.declined.is_some() {
            break;
        }
    }
    assert_eq!(display.picture().width, 100);
}

#[tokio::test]
async fn keys_pointer_and_clipboards_arrive() {
    let display = Display::new(Picture::new(64, 48));
    let (stream, seen) = server(RfbOptions::default(), &display);
    let mut session = connect(stream, Options::default()).await.unwrap();
    picture(&mut session, |p| p.width == 64).await;
    session.send(Input::Stroke(Stroke { ctrl: true, ..Stroke::plain(ConsoleKey::Char('c')) })).unwrap();
    session.send(Input::Type("A\n".into())).unwrap();
    assert_eq!(
        seen.wait("-ff0d").await,
        ["+ffe3", "+63", "-63", "-ffe3", "+ffe1", "+41", "-41", "-ffe1", "+ff0d", "-ff0d"]
    );
    session.send(Input::Combination("ctrl-alt-f2".into())).unwrap();
    assert!(seen.wait("-ffe3").await.ends_with(&["+ffbf", "-ffbf", "-ffe9", "-ffe3"].map(String::from)));
    assert!(matches!(session.send(Input::Combination("ctrl-nothing".into())), Err(Refused::NoKey(_))));
    session.send(Input::Pointer { x: 3, y: 900, buttons: Buttons(Buttons::LEFT | Buttons::WHEEL_UP) }).unwrap();
    seen.wait("@3,47:9").await;
    session.send(Input::Clipboard("h\u{e9}\u{20ac}".into())).unwrap();
    seen.wait("cut h\u{e9}?").await;
    display.copy("from the guest");
    display.bell();
    let (mut clip, mut bells) = (None, 0);
    while clip.is_none() || bells == 0 {
        let news = news(&mut session).await;
        clip = clip.or(news.clipboard);
        bells += news.bells;
    }
    assert_eq!((clip.as_deref(), bells), (Some("from the guest"), 1));
}

#[tokio::test]
async fn what_is_held_down_is_let_go_of_and_what_waits_is_dropped() {
    let display = Display::new(Picture::new(64, 48));
    let (stream, seen) = server(RfbOptions::default(), &display);
    let mut session = connect(stream, Options::default()).await.unwrap();
    picture(&mut session, |p| p.width == 64).await;
    session.send(Input::Key(KeyEvent { keysym: 0xffe3, down: true })).unwrap();
    session.send(Input::Pointer { x: 3, y: 4, buttons: Buttons(Buttons::LEFT) }).unwrap();
    session.send(Input::Type("A".repeat(3000))).unwrap();
    session.send(Input::LetGo).unwrap();
    session.send(Input::Type("z".into())).unwrap();
    let all = seen.wait("-7a").await;
    let count = |what: &str| all.iter().filter(|seen| *seen == what).count();
    assert!(count("+41") < 300, "the rest was not typed: {}", count("+41"));
    for key in ["ffe3", "ffe1", "41", "7a"] {
        assert_eq!(count(&format!("+{key}")), count(&format!("-{key}")), "{key} is down");
    }
    assert_eq!((count("@3,4:1"), count("@3,4:0")), (1, 1));
}

#[tokio::test]
async fn whoever_only_looks_sends_nothing() {
    let display = Display::new(Picture::new(64, 48));
    let (stream, seen) = server(RfbOptions::default(), &display);
    let mut session = connect(stream, Options { view_only: true, ..Options::default() }).await.unwrap();
    picture(&mut session, |p| p.width == 64).await;
    for input in [
        Input::Type("x".into()),
        Input::Stroke(Stroke::plain(ConsoleKey::Enter)),
        Input::Clipboard("x".into()),
        Input::Pointer { x: 1, y: 1, buttons: Buttons(1) },
        Input::Size { width: 80, height: 80 },
    ] {
        assert_eq!(session.send(input), Err(Refused::ViewOnly));
    }
    session.set_view_only(false);
    session.send(Input::Stroke(Stroke::plain(ConsoleKey::Enter))).unwrap();
    assert_eq!(seen.wait("-ff0d").await, ["+ff0d", "-ff0d"]);
}

#[tokio::test]
async fn passwords_are_asked_for_and_checked() {
    let guarded = || RfbOptions { password: Some("s3cret-and-longer".into()), ..RfbOptions::default() };
    open(guarded(), password("s3cret-and-longer")).await.unwrap();
    open(guarded(), password("s3cret-a")).await.expect("eight characters count");
    assert_eq!(open(guarded(), password("guess")).await.unwrap_err(), Error::WrongPassword);
    assert_eq!(open(guarded(), Options::default()).await.unwrap_err(), Error::NoPassword);
    open(RfbOptions::default(), password("not needed")).await.unwrap();
}

#[tokio::test]
async fn a_login_that_is_not_there_is_named() {
    let wants = |offered: &[u8]| RfbOptions { offered: Some(offered.to_vec()), ..RfbOptions::default() };
    for (offered, name) in [(&[19_u8][..], "VeNCrypt"), (&[20, 18], "SASL or TLS"), (&[77], "security type 77")] {
        let error = open(wants(offered), Options::default()).await.unwrap_err();
        assert!(matches!(&error, Error::Security(names) if names.contains(name)), "{error}");
        assert!(error.to_string().contains("SSH host"), "{error}");
    }
}

/// A server that says these bytes and then closes, or stays.
fn says(bytes: &[u8], stays: bool) -> DuplexStream {
    let (ours, mut theirs) = tokio::io::duplex(1 << 16);
    let bytes = bytes.to_vec();
    tokio::spawn(async move {
        let _ = theirs.write_all(&bytes).await;
        if stays {
            let _ = tokio::io::copy(&mut theirs, &mut tokio::io::sink()).await;
        }
    });
    ours
}

#[tokio::test]
async fn what_is_no_server_is_told_apart() {
    let tried = async |bytes: &[u8]| connect(says(bytes, false), Options::default()).await.unwrap_err();
    assert_eq!(tried(b"").await, Error::Nothing);
    assert_eq!(tried(b"SSH-2.0-OpenSSH_9.2\r\n").await, Error::NotVnc("SSH-2.0-Open".into()));
    assert!(matches!(tried(b"RFB 003").await, Error::NotVnc(_)));
    assert_eq!(tried(b"RFB 003.008\n").await, Error::Closed);
    let refused = tried(b"RFB 003.008\n\0\0\0\0\x09too many\x1b").await;
    assert!(
        matches!(&refused, Error::Refused(why) if why.starts_with("too many") && !why.contains('\x1b')),
        "{refused}"
    );
    // One that says nothing, and one that has begun to.
    for said in [&b""[..], b"RFB 003.008\n"] {
        let patience = Duration::from_millis(50);
        let late = connect(says(said, true), Options { patience, ..Options::default() }).await.unwrap_err();
        assert_eq!(late, Error::Silent(patience));
        assert!(late.to_string().contains("did not let us in within 50ms"), "{late}");
    }
}

#[tokio::test]
async fn a_server_that_goes_away_ends_the_session() {
    let (mut theirs, ours) = tokio::io::duplex(1 << 16);
    let end = tokio::spawn(async move {
        let mut session = connect(ours, Options::default()).await.unwrap();
        loop {
            if let Err(e) = session.next().await {
                return (e, session.send(Input::Type("x".into())));
            }
        }
    });
    theirs.write_all(&opening(32, 16)).await.unwrap();
    let mut byte = [0; 14];
    theirs.read_exact(&mut byte).await.unwrap();
    drop(theirs);
    assert_eq!(end.await.unwrap(), (Error::Closed, Err(Refused::Closed)));
}

/// All that a server says until it sends updates.
fn opening(width: u16, height: u16) -> Vec<u8> {
    let mut out = b"RFB 003.008\n\x01\x01\0\0\0\0".to_vec();
    out.extend(width.to_be_bytes());
    out.extend(height.to_be_bytes());
    out.extend([32, 24, 0, 1, 0, 255, 0, 255, 0, 255, 16, 8, 0, 0, 0, 0]);
    out.extend(b"\0\0\0\x02vm");
    out
}

/// Messages that look like a server's, with any numbers in them.
fn message() -> impl Strategy<Value = Vec<u8>> {
    let rect = (any::<[u8; 8]>(), prop::sample::select(vec![0_i32, 1, 16, -239, -223, -308, -224, 5, 7]));
    let rect = (rect, prop::collection::vec(any::<u8>(), 0..80)).prop_map(|((mut at, encoding), data)| {
        // Small ones are within the screen now and then.
        for high in at.iter_mut().step_by(2) {
            *high = u8::from(*high > 250);
        }
        let mut out = at.to_vec();
        out.extend(encoding.to_be_bytes());
        out.extend(data);
        out
    });
    prop_oneof![
        (any::<u16>(), prop::collection::vec(rect, 0..4)).prop_map(|(count, rects)| {
            let mut out = vec![0, 0];
            out.extend(count.to_be_bytes());
            out.extend(rects.concat());
            out
        }),
        (any::<u32>(), prop::collection::vec(any::<u8>(), 0..40)).prop_map(|(length, text)| {
            let mut out = vec![3, 0, 0, 0];
            out.extend((length % 64).to_be_bytes());
            out.extend(text);
            out
        }),
        prop::collection::vec(any::<u8>(), 0..60),
    ]
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap()
}

/// Plays a server; the session has to end by itself, and may not have grown.
fn survives(bytes: &[u8]) {
    runtime().block_on(async {
        let stream = says(bytes, false);
        let ends = async {
            let Ok(mut session) = connect(stream, Options::default()).await else { return };
            while let Ok(news) = session.next().await {
                if let Some(frame) = news.frame {
                    assert!(frame.picture.rgb.len() <= 8_294_400 * 3);
                    assert!(frame.damage.len() <= 33);
                }
            }
        };
        tokio::time::timeout(Duration::from_secs(30), ends).await.expect("it ends when the server does");
    });
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn any_server_is_survived(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        survives(&bytes);
        survives(&[b"RFB 003.008\n".as_slice(), &bytes].concat());
        survives(&[b"RFB 003.003\n".as_slice(), &bytes].concat());
    }

    #[test]
    fn any_update_is_survived(messages in prop::collection::vec(message(), 0..6)) {
        survives(&[opening(200, 120), messages.concat()].concat());
    }
}
