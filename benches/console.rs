//! What a guest prints on its serial line, parsed in the pieces it comes in while a snapshot is made
//! for every frame, as the worker of a console does; beside the crate `vt100` in the same run, which
//! makes no snapshots. `cargo bench --bench console`; to hold: 50 MB/s of each kind a guest prints (random
//! bytes are there to see the worst), and no piece longer than a frame of 16 ms, nor a slice of what makes
//! a terminal work. Rates are of the time that the thread ran, so that other work on the machine does not count;
//! those by the clock are beside.
#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::unwrap_used,
    missing_docs,
    unreachable_pub,
    reason = "a program that prints its measurements"
)]

use std::hint::black_box;
use std::time::{Duration, Instant};

use noctule::engine::emulator::{Emulator, Limits, View};
use noctule::theme::{Depth, Glyphs, load};
use noctule::ui::Paint;
use noctule::ui::console::ConsoleView;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

const SIZE: usize = 16 << 20;
/// What a read from a connection gives at most.
const PIECE: usize = 256 << 10;
/// What the worker of a console gives to the emulator of it in one go: the thread is that of all workers.
const SLICE: usize = 2 << 10;
const FRAME: Duration = Duration::from_millis(16);
const HOLD: f64 = 50.0;
const NOISE: &str = "random bytes";
/// Few bytes that make a terminal work. No guest prints so, and each is held to a frame by the slice.
const DEAR: [(&str, &str); 4] = [
    ("repeats", "x\x1b[65535b"),
    ("scrolls", "x\x1b[65535S\x1b[65535L\x1b[65535T"),
    ("fills and scrolls", "\x1b#8\x1b[65535S"),
    ("clears", "x\x1b[41m\x1b[2J"),
];

/// A point in time: by the clock, and of what this thread has run.
#[derive(Clone, Copy)]
struct Point(Instant, Duration);

impl Point {
    fn now() -> Self {
        let text = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
        let nanos = text.split_whitespace().next().and_then(|n| n.parse().ok()).unwrap_or(0);
        Self(Instant::now(), Duration::from_nanos(nanos))
    }

    /// MB/s of the time run, and by the clock.
    fn rates(self, bytes: &[u8]) -> (f64, f64) {
        let (clock, run) = (self.0.elapsed(), Self::now().1.saturating_sub(self.1));
        let rate = |time: Duration| bytes.len() as f64 / 1e6 / time.as_secs_f64();
        (rate(if run.is_zero() { clock } else { run }), rate(clock))
    }
}

/// Text made of lines until it is large enough.
fn fill(mut line: impl FnMut(u64, &mut Vec<u8>)) -> Vec<u8> {
    let mut out = Vec::with_capacity(SIZE + 4096);
    let mut n = 0;
    while out.len() < SIZE {
        line(n, &mut out);
        n += 1;
    }
    out
}

fn kinds() -> Vec<(&'static str, Vec<u8>)> {
    let add = |out: &mut Vec<u8>, text: String| out.extend_from_slice(text.as_bytes());
    let log = fill(|n, out| {
        add(
            out,
            format!(
                "[{:>8}.{:06}] eth0: link {} of session {n} changed its state\r\n",
                n / 7,
                n * 37 % 1_000_000,
                n % 9
            ),
        );
    });
    let ls = fill(|n, out| {
        add(
            out,
            format!(
                "-rwxr-xr-x 1 root root {:>8} Nov 28 12:00 \x1b[0m\x1b[01;32mtool{n}\x1b[0m  \x1b[01;34mdir{n}\x1b[0m  \
                 \x1b[01;36mlink{n}\x1b[0m\r\n",
                n * 31 % 99_999_999
            ),
        );
    });
    let yes = fill(|_, out| out.extend_from_slice(b"y\r\n"));
    let editor = fill(|n, out| {
        out.extend_from_slice(b"\x1b[?25l\x1b[H");
        for row in 1..=24 {
            add(
                out,
                format!(
                    "\x1b[{row};1H\x1b[33m{row:>4} \x1b[m\x1b[1mfn\x1b[m line{n}(x: \x1b[32mu64\x1b[m) -> {}\x1b[K",
                    n * row
                ),
            );
        }
        out.extend_from_slice(b"\x1b[12;5H\x1b[?25h");
    });
    let words = fill(|n, out| add(out, format!("Größe {n} ─ 日本語 текст {n}\r\n")));
    let noise = fill(|n, out| {
        let mut seed = n.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
        for _ in 0..64 {
            seed ^= seed << 13;
            seed ^= seed >> 7;
            seed ^= seed << 17;
            out.extend_from_slice(&seed.to_le_bytes());
        }
    });
    vec![
        ("log of a kernel", log),
        ("coloured ls", ls),
        ("yes", yes),
        ("editor, whole screens", editor),
        ("beyond ASCII", words),
        (NOISE, noise),
    ]
}

/// MB/s run and by the clock, snapshots, and the longest time run for a piece and its snapshot.
fn ours(bytes: &[u8]) -> ((f64, f64), u32, Duration) {
    let (mut emulator, mut view) = (Emulator::default(), View::default());
    let (start, mut shown) = (Point::now(), Instant::now());
    let (mut snapshots, mut longest) = (0, Duration::ZERO);
    for piece in bytes.chunks(PIECE) {
        let before = Point::now();
        for slice in piece.chunks(SLICE) {
            black_box(emulator.feed(slice));
        }
        if shown.elapsed() >= FRAME {
            shown = Instant::now();
            snapshots += u32::from(black_box(view.changed(&emulator)).is_some());
        }
        longest = longest.max(Point::now().1.saturating_sub(before.1));
    }
    (start.rates(bytes), snapshots, longest)
}

fn theirs(bytes: &[u8]) -> f64 {
    let mut parser = vt100::Parser::new(24.try_into().unwrap(), 80.try_into().unwrap(), 10_000);
    let start = Point::now();
    bytes.chunks(PIECE).for_each(|piece| parser.process(piece));
    black_box(parser.screen().size());
    start.rates(bytes).0
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

fn micros(times: u32, mut f: impl FnMut()) -> f64 {
    let start = Point::now();
    (0..times).for_each(|_| f());
    Point::now().1.saturating_sub(start.1).as_secs_f64() * 1e6 / f64::from(times)
}

fn main() {
    let mut missed = 0;
    for (name, bytes) in kinds() {
        let runs: Vec<_> = (0..3).map(|_| (ours(&bytes), theirs(&bytes))).collect();
        let rate = median(runs.iter().map(|(o, _)| o.0.0).collect());
        let clock = median(runs.iter().map(|(o, _)| o.0.1).collect());
        let peer = median(runs.iter().map(|(_, t)| *t).collect());
        let longest = runs.iter().map(|(o, _)| o.2).max().unwrap_or_default();
        let snapshots = runs.first().map_or(0, |(o, _)| o.1);
        let held = longest <= FRAME && (rate >= HOLD || name == NOISE);
        missed += u32::from(!held);
        println!(
            "{name}: {rate:.0} MB/s ({clock:.0} by the clock) with {snapshots} snapshots, a piece at most {:.1} ms; vt100 without \
             any {peer:.0} MB/s: {:.1} times as fast ({})",
            longest.as_secs_f64() * 1e3,
            rate / peer,
            if held { "held" } else { "MISSED" }
        );
    }

    for (name, unit) in DEAR {
        let mut emulator = Emulator::new(Limits { rows: 60, columns: 200, ..Limits::default() });
        let slice = unit.repeat(SLICE / unit.len());
        let longest = micros(50, || drop(black_box(emulator.feed(slice.as_bytes())))) / 1e3;
        let held = longest <= FRAME.as_secs_f64() * 1e3;
        missed += u32::from(!held);
        println!("{name}: {longest:.1} ms a slice at 200x60 ({})", if held { "held" } else { "MISSED" });
    }

    let mut emulator = Emulator::default();
    let all = kinds();
    let [(_, log), ..] = all.as_slice() else { return };
    black_box(emulator.feed(log));
    println!("scrollback: {} lines in {} kB", emulator.above(), emulator.scrollback_bytes() / 1000);
    println!("snapshot of 80x24: {:.0} us", micros(1000, || drop(black_box(emulator.screen(0)))));
    println!("the same, scrolled up: {:.0} us", micros(1000, || drop(black_box(emulator.screen(5000)))));
    let nothing = || assert!(emulator.search("is nowhere", None, true).is_none());
    println!("search of all of it for what is not there: {:.1} ms", micros(10, nothing) / 1e3);
    println!("all of it as text: {:.1} ms", micros(10, || drop(black_box(emulator.contents()))) / 1e3);

    let theme = load::load("default", None, Depth::Ansi16).expect("the shipped theme");
    let paint = Paint::new(&theme, &Glyphs::UNICODE);
    emulator.resize(60, 200);
    black_box(emulator.feed(&log[..PIECE]));
    let screen = emulator.screen(0);
    let area = Rect::new(0, 0, 200, 60);
    let mut buf = Buffer::empty(area);
    let drawn = micros(200, || {
        black_box(ConsoleView::new(&screen).render(&paint, area, &mut buf));
    });
    println!("drawn at 200x60 with 16 colours: {drawn:.0} us");
    if missed > 0 {
        println!("{missed} kinds missed {HOLD} MB/s or a frame of {} ms", FRAME.as_millis());
    }
}
