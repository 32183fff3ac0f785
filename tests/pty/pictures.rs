//! A terminal that shows pictures, as far as the program can tell: it answers what kitty answers.

use super::console::Rack;
use super::tty::Tty;

/// The screen of a machine as a picture.
fn pictured(rack: &Rack) -> (Tty, usize) {
    let mut tty = rack.start(&["dns-1", "--vnc"]);
    tty.wait_for("dns-1 login:");
    let from = tty.raw_len();
    assert!(!holds(&tty, 0, b"\x1b[16t"), "nothing is asked before there is a picture");
    tty.send("\x1dg");
    tty.wait_raw(from, b"\x1b[16t\x1b[c");
    (tty, from)
}

fn holds(tty: &Tty, from: usize, bytes: &[u8]) -> bool {
    tty.raw()[from..].windows(bytes.len()).any(|w| w == bytes)
}

fn count(bytes: &[u8], what: &[u8]) -> usize {
    bytes.windows(what.len()).filter(|w| *w == what).count()
}

/// What was written in one frame with a picture.
fn frames(tty: &Tty, from: usize) -> Vec<Vec<u8>> {
    let raw = tty.raw()[from..].to_vec();
    let text = String::from_utf8_lossy(&raw).into_owned();
    let frames = text.split("\x1b[?2026h").skip(1).filter_map(|f| f.split_once("\x1b[?2026l"));
    frames.map(|(frame, _)| frame.as_bytes().to_vec()).filter(|f| count(f, b"a=T") > 0).collect()
}

#[test]
fn a_terminal_that_has_kittys_protocol_gets_pictures_and_loses_them_again() {
    let rack = Rack::new();
    let (mut tty, from) = pictured(&rack);
    tty.send("\x1b[6;16;8t\x1b[?62;22c");
    tty.wait_raw(from, b"a=q");
    tty.send("ro\x1b_Gi=31;OK\x1b\\ot\x1b[?62;22c");
    tty.wait_process("a frame with a picture", |t| !frames(t, from).is_empty());
    let bands = count(&frames(&tty, from)[0], b"a=T");
    assert_eq!(bands, 8, "24 rows, three a band, in one synchronized update");
    // What was typed between the answers is the guest's, and no answer is.
    tty.wait_process("the keys in the guest", |_| rack.sim.control().screen(2, "dns-1").ends_with("login: root"));
    let typed = tty.raw_len();
    tty.send("x");
    tty.wait_process("another picture", |t| !frames(t, typed).is_empty());
    assert!(count(&frames(&tty, typed)[0], b"a=T") < bands, "only what changed");
    let resized = tty.raw_len();
    tty.resize(100, 31);
    // More pixels than a frame encodes: in two of them.
    let sent = |t: &Tty| frames(t, resized).iter().map(|f| count(f, b"a=T")).sum::<usize>();
    tty.wait_process("all of it again", |t| sent(t) >= bands);
    let closed = tty.raw_len();
    tty.send("\x1dk");
    tty.wait_for("Send which keys?");
    tty.wait_raw(closed, b"\x1b_Ga=d,d=I,q=2,i=");
    let closed = tty.raw_len();
    tty.send("\x1b");
    tty.wait_process("the picture back", |t| !frames(t, closed).is_empty());
    let left = tty.raw_len();
    tty.send("\x1dq");
    tty.wait_raw(left, b"\x1b[?1049l");
    let raw = tty.raw()[left..].to_vec();
    let end = raw.windows(8).position(|w| w == b"\x1b[?1049l").unwrap();
    assert!(count(&raw[..end], b"a=d,d=I") >= bands, "all of them, before the screen is left");
    assert_eq!(tty.exit(), 0);
}

#[test]
fn a_terminal_that_says_nothing_gets_half_blocks_and_loses_no_key() {
    let rack = Rack::new();
    let (mut tty, from) = pictured(&rack);
    tty.send("root");
    tty.wait_process("the keys in the guest", |_| rack.sim.control().screen(2, "dns-1").ends_with("login: root"));
    tty.wait_for("\u{2580}");
    for graphics in [&b"\x1b_G"[..], b"\x1bP"] {
        assert!(!holds(&tty, from, graphics));
    }
    tty.send("\x1dq");
    assert_eq!(tty.exit(), 0);
}
