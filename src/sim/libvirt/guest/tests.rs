//! What a guest says to whom types at it, and that it only ever says text.

use super::*;
use crate::sim::libvirt::world::{SECOND, Vm};

fn machine(now: i64) -> Machine {
    let mut vm = Vm::new("box", [7; 16]);
    vm.vcpus = 2;
    Machine { disks: vec![("vda".into(), 8 << 30)], ..Machine::of(&vm, now) }
}

fn said(tty: &mut Tty) -> String {
    String::from_utf8(tty.take()).unwrap()
}

fn type_in(tty: &mut Tty, at: i64, text: &str) -> String {
    assert!(tty.input(&machine(at), text.as_bytes()).is_none());
    said(tty)
}

fn shell() -> Tty {
    let mut tty = Tty::new(1, &machine(100 * SECOND), 100 * SECOND);
    type_in(&mut tty, 100 * SECOND, "\rroot\rany\r");
    tty
}

#[test]
fn a_serial_line_is_silent_until_somebody_types() {
    let mut tty = Tty::new(1, &machine(100 * SECOND), 100 * SECOND);
    assert_eq!(said(&mut tty), "");
    assert_eq!(type_in(&mut tty, 100 * SECOND, "\r"), "\r\nbox login: ");
    assert_eq!(type_in(&mut tty, 100 * SECOND, "eve\r"), "eve\r\nPassword: ");
    assert!(type_in(&mut tty, 100 * SECOND, "secret\r").contains("Login incorrect"));
    type_in(&mut tty, 100 * SECOND, "root\r");
    let told = type_in(&mut tty, 100 * SECOND, "secret\r");
    assert!(told.ends_with("root@box:~# \x1b[6n") && !told.contains("secret"), "{told:?}");
}

#[test]
fn commands_answer() {
    let mut tty = shell();
    let at = 100 * SECOND;
    assert!(type_in(&mut tty, at, "uname -r\r").contains("\r\n6.1.0-28-amd64\r\n"));
    assert!(type_in(&mut tty, at, "\x1b[12;40Rstty size\r").contains("\r\n24 80\r\n"));
    type_in(&mut tty, at, "stty rows 50 cols 132\r");
    assert!(type_in(&mut tty, at, "stty size\r").contains("\r\n50 132\r\n"));
    assert!(type_in(&mut tty, at, "cd /etc\r").contains("root@box:/etc# "));
    assert!(type_in(&mut tty, at, "ls\r").contains("hostname"));
    assert!(type_in(&mut tty, at, "cat hostname\r").contains("\r\nbox\r\n"));
    assert!(type_in(&mut tty, at, "echo $((6*7));\r").contains("\r\n42\r\n"));
    assert!(type_in(&mut tty, at, "rm -rf /\r").contains("not found"));
    assert!(type_in(&mut tty, at, "vi x\r").contains("not in this image"));
    assert!(type_in(&mut tty, at, "pwdx\x08\r").contains("\r\n/etc\r\n"));
    assert!(type_in(&mut tty, at, "\x1b[A\r").contains("\r\n/etc\r\n"), "the line before");
}

#[test]
fn top_goes_on_until_it_is_told_to_stop() {
    let mut tty = shell();
    let first = type_in(&mut tty, 100 * SECOND, "top\r");
    assert!(first.contains("load average"));
    let next = tty.next().unwrap();
    tty.advance(&machine(next - 1));
    assert_eq!(said(&mut tty), "");
    tty.advance(&machine(next));
    assert!(said(&mut tty).contains("load average"));
    assert!(type_in(&mut tty, next, "q").ends_with("# \x1b[6n"));
    assert_eq!(tty.next(), None);
}

#[test]
fn a_flood_comes_in_lots_and_ends() {
    let mut tty = shell();
    let mut out = type_in(&mut tty, 100 * SECOND, "seq 1 40000\r");
    let mut lots = 1;
    while tty.next().is_some() {
        tty.advance(&machine(100 * SECOND));
        out.push_str(&said(&mut tty));
        lots += 1;
    }
    assert!(lots > 3 && out.contains("\r\n40000\r\n") && out.ends_with("\x1b[6n"));
}

#[test]
fn a_boot_is_seen_line_by_line_and_ends_at_the_login() {
    let mut tty = Tty::new(1, &machine(0), 0);
    let mut out = String::new();
    while let Some(at) = tty.next() {
        tty.advance(&machine(at));
        let text = said(&mut tty);
        assert!(!text.is_empty());
        out.push_str(&text);
    }
    assert!(out.contains("Linux version") && out.ends_with("box login: "), "{out}");
    let mut screen = Tty::new(0, &machine(0), 0);
    while let Some(at) = screen.next() {
        screen.advance(&machine(at));
    }
    let vga = screen.vga().unwrap();
    assert!((0..vga::ROWS).any(|row| vga.line(row) == "box login:"));
}

#[test]
fn reboot_is_asked_for_at_the_shell() {
    let mut tty = shell();
    assert_eq!(tty.input(&machine(100 * SECOND), b"reboot\r"), Some(Request::Reboot));
    tty.stop(&machine(100 * SECOND), 100 * SECOND, true);
    tty.advance(&machine(102 * SECOND));
    assert!(said(&mut tty).contains("reboot: Restarting system"));
}

#[test]
fn a_paused_guest_answers_when_it_runs_on() {
    let mut tty = shell();
    tty.pause(true);
    assert_eq!(type_in(&mut tty, 100 * SECOND, "hostname\r"), "");
    tty.pause(false);
    assert!(type_in(&mut tty, 100 * SECOND, "").contains("box"));
}

#[test]
fn keys_become_bytes() {
    assert_eq!(keycodes(&[29, 46]), Some(keys::Key::Bytes(vec![3])));
    assert_eq!(keycodes(&[29, 56, 111]), Some(keys::Key::Restart));
    assert_eq!(keycodes(&[42, 30]), Some(keys::Key::Bytes(b"A".to_vec())));
    assert_eq!(keycodes(&[28]), Some(keys::Key::Bytes(b"\r".to_vec())));
    let mut held = keys::Held::default();
    assert_eq!(keysym(&mut held, 0xffe3, true), None);
    assert_eq!(keysym(&mut held, u32::from('c'), true), Some(keys::Key::Bytes(vec![3])));
    assert_eq!(keysym(&mut held, 0xffe3, false), None);
    assert_eq!(keysym(&mut held, u32::from('c'), true), Some(keys::Key::Bytes(b"c".to_vec())));
}

proptest::proptest! {
    #[test]
    fn any_bytes_at_any_line(bytes in proptest::collection::vec(0_u8..=255, 0..600), line in 0_usize..2) {
        let mut tty = Tty::new(line, &machine(100 * SECOND), 100 * SECOND);
        tty.input(&machine(100 * SECOND), b"\rroot\rx\r");
        tty.input(&machine(101 * SECOND), &bytes);
        tty.advance(&machine(105 * SECOND));
        // What it prints is text, whatever was typed.
        proptest::prop_assert!(String::from_utf8(tty.take()).is_ok());
    }

    #[test]
    fn any_bytes_on_a_screen(bytes in proptest::collection::vec(0_u8..=255, 0..3_000)) {
        let mut vga = vga::Vga::default();
        vga.feed(&bytes);
        proptest::prop_assert_eq!(vga.cells.len(), vga::COLUMNS * vga::ROWS);
        proptest::prop_assert!(vga.row < vga::ROWS && vga.column <= vga::COLUMNS);
    }
}
