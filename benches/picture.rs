//! What the screen of a machine costs: a picture in half blocks at 200x60, text read out of it (all of
//! it, one line of it, and out of what is no text), and the bytes that a terminal is sent for either.
//! `cargo bench --bench picture`; with `--features graphics` also what pixels cost.
#![allow(
    clippy::expect_used,
    clippy::pedantic,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a bench may fail loudly, and prints"
)]

use std::hint::black_box;
use std::sync::Arc;
use std::time::{Duration, Instant};

use noctule::engine::vga::Reader;
use noctule::engine::vga::render::{CursorShape, Mode, render};
use noctule::model::console::{Cell, Cursor, Ink, Picture, Screen};
use noctule::theme::Depth;
use noctule::ui::pixels::{Pixels, View};
use ratatui::backend::{Backend as _, CrosstermBackend};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::{Color, Style};

const AREA: Rect = Rect { x: 0, y: 0, width: 200, height: 60 };
const RUNS: usize = 200;

/// A screen full of log lines; `first` says which line it begins with.
fn log(columns: u16, rows: u16, first: u32) -> Screen {
    let mut cells = Vec::new();
    for row in 0..u32::from(rows) {
        let n = first + row;
        let line = format!(
            "[{:5}.{:06}] pci 0000:00:{:02x}.0: reg 0x{n:04x}: [mem 0xfebc{n:04x}-0xfebcffff] claimed by driver",
            n / 7,
            n * 977 % 1_000_000,
            n % 32
        );
        let mut chars = line.chars();
        for column in 0..columns {
            let ch = chars.next().unwrap_or(' ');
            let fg = Ink::Index(if column < 16 { 2 } else { 7 });
            cells.push(Cell { ch, fg, bg: Ink::Index(0), ..Cell::default() });
        }
    }
    let cursor = Some(Cursor { row: rows - 1, column: columns / 2 });
    Screen { rows, columns, cells, cursor, ..Screen::default() }
}

fn noise(width: u32, height: u32) -> Picture {
    let mut picture = Picture::new(width, height);
    let mut n = 1_u32;
    for byte in &mut picture.rgb {
        n = n.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        *byte = (n >> 24) as u8;
    }
    picture
}

/// Median and worst of some runs.
fn timed(what: &str, hold_ms: f64, mut run: impl FnMut(usize)) {
    run(0);
    let mut took: Vec<Duration> = (0..RUNS)
        .map(|n| {
            let began = Instant::now();
            run(n);
            began.elapsed()
        })
        .collect();
    took.sort_unstable();
    let ms = |at: usize| took[at].as_secs_f64() * 1000.0;
    println!("{what:52} p50 {:.3} ms, p95 {:.3} ms (hold {hold_ms})", ms(RUNS / 2), ms(RUNS * 95 / 100));
}

fn sent(before: &Buffer, after: &Buffer) -> usize {
    let mut out = Vec::new();
    CrosstermBackend::new(&mut out).draw(before.diff(after).into_iter()).unwrap();
    out.len()
}

fn blocks(picture: &Picture, depth: Depth) -> Buffer {
    let mut buf = Buffer::empty(AREA);
    Pixels { picture, view: View::default(), depth, ascii: false, base: Style::new() }.render(AREA, &mut buf);
    buf
}

/// The same pixel by pixel, with cells of 8x16: what it takes and how many bytes leave, all of it and when
/// a line of text changes.
#[cfg(feature = "graphics")]
fn pixels(name: &str, first: &Arc<Picture>, next: &Arc<Picture>) {
    use noctule::config::schema::{Pictures as Wanted, Ui};
    use noctule::terminal::Caps;
    use noctule::terminal::graphics::Pictures;
    use noctule::ui::pixels::Placement;
    for wanted in [Wanted::Kitty, Wanted::Sixel] {
        let caps = Caps { pictures: wanted, ..Caps::detect(&|_| Some("xterm".to_owned()), true, &Ui::default()) };
        let mut pictures = Pictures::new(&caps, Some((8, 16)));
        // A row less: sixel keeps off the last one.
        let area = Rect { height: AREA.height - 1, ..AREA };
        let of =
            |picture: &Arc<Picture>| Placement::new(picture, area, View::default()).expect("it fits").sight(picture);
        let (first, next) = (of(first), of(next));
        let mut now = Instant::now();
        let mut shown = |pictures: &mut Pictures, sight| {
            now += Duration::from_secs(1);
            pictures.plan(sight, &mut Buffer::empty(AREA), now, Duration::ZERO);
            pictures.take().len()
        };
        let mut sizes = (0, 0);
        timed(&format!("{wanted:?}, {name} to 200x59, all of it").to_lowercase(), 50.0, |_| {
            shown(&mut pictures, None);
            sizes.0 = shown(&mut pictures, Some(&first));
        });
        timed(&format!("{wanted:?}, {name} to 200x59, what changed").to_lowercase(), 50.0, |n| {
            sizes.1 = shown(&mut pictures, Some(if n % 2 == 0 { &next } else { &first }));
        });
        println!("bytes: {} all of it, {} what changed", sizes.0, sizes.1);
    }
}

/// A picture with gradients, windows and text: what a desktop looks like to an encoder.
#[cfg(feature = "graphics")]
fn desktop(width: u32, height: u32) -> Picture {
    let mut picture = Picture::new(width, height);
    let text = render(&log(60, 20, 0), Mode::Eight, CursorShape::Underline);
    for y in 0..height {
        for x in 0..width {
            let window = (x.wrapping_sub(120), y.wrapping_sub(90));
            let rgb = if window.0 < text.width && window.1 < text.height {
                text.pixel(window.0, window.1)
            } else {
                [(x * 255 / width) as u8, (y * 255 / height) as u8, ((x + y) * 128 / (width + height)) as u8 + 60]
            };
            picture.rgb[(y * width + x) as usize * 3..][..3].copy_from_slice(&rgb);
        }
    }
    picture
}

fn text(screen: &Screen) -> Buffer {
    let mut buf = Buffer::empty(AREA);
    let colour = |ink| match ink {
        Ink::Default => Color::Reset,
        Ink::Index(n) => Color::Indexed(n),
        Ink::Rgb(r, g, b) => Color::Rgb(r, g, b),
    };
    for row in 0..screen.rows.min(AREA.height) {
        for (column, cell) in (0..AREA.width).zip(screen.row(row)) {
            buf[(column, row)].set_char(cell.ch).set_fg(colour(cell.fg)).set_bg(colour(cell.bg));
        }
    }
    buf
}

fn main() {
    let frames: Vec<Arc<Picture>> =
        (0..RUNS as u32).map(|n| Arc::new(render(&log(80, 25, n), Mode::Nine, CursorShape::Underline))).collect();
    let large = render(&log(128, 48, 0), Mode::Eight, CursorShape::Underline);
    let (small_noise, large_noise) = (noise(720, 400), noise(1024, 768));

    for (name, depth) in [("24 bits", Depth::True), ("256 colours", Depth::Ansi256), ("16 colours", Depth::Ansi16)] {
        timed(&format!("half blocks, 720x400 to 200x60, {name}"), 2.0, |n| {
            black_box(blocks(&frames[n], depth));
        });
    }
    timed("half blocks, 1024x768 of noise to 200x60", 2.0, |_| {
        black_box(blocks(&large_noise, Depth::True));
    });

    timed("text, all of 80x25 for the first time", 1.0, |n| {
        black_box(Reader::new().feed(&frames[n])).expect("text");
    });
    let mut reader = Reader::new();
    timed("text, all of 80x25 scrolled by a line", 1.0, |n| {
        black_box(reader.feed(&frames[n])).expect("text");
    });
    let mut typed = log(80, 25, 0);
    let lines: Vec<Arc<Picture>> = (0..RUNS)
        .map(|n| {
            typed.cells[24 * 80 + n % 80].ch = '#';
            Arc::new(render(&typed, Mode::Nine, CursorShape::Underline))
        })
        .collect();
    timed("text, one line of 80x25 changed", 1.0, |n| {
        black_box(reader.feed(&lines[n])).expect("text");
    });
    let large = Arc::new(large);
    timed("text, all of 128x48 (1024x768) for the first time", 1.0, |_| {
        black_box(Reader::new().feed(&large)).expect("text");
    });
    let noise = Arc::new(small_noise);
    timed("no text in 720x400 of noise", 1.0, |_| {
        assert!(black_box(Reader::new().feed(&noise)).is_none());
    });

    let read = |picture: &Arc<Picture>| text(&Reader::new().feed(picture).expect("text").screen);
    let empty = Buffer::empty(AREA);
    let (first, next) = (read(&frames[0]), read(&frames[1]));
    println!(
        "bytes of text: {} all of it (hold 4000), {} scrolled, {} one key",
        sent(&empty, &first),
        sent(&first, &next),
        sent(&read(&lines[0]), &read(&lines[1]))
    );
    let (first, next) = (blocks(&frames[0], Depth::True), blocks(&frames[1], Depth::True));
    #[cfg(feature = "graphics")]
    {
        pixels("720x400 of text", &lines[0], &lines[1]);
        let mut typed = log(128, 48, 0);
        let large = |screen: &Screen| Arc::new(render(screen, Mode::Eight, CursorShape::Underline));
        let before = large(&typed);
        typed.cells[47 * 128].ch = '#';
        pixels("1024x768 of text", &before, &large(&typed));
        let before = desktop(1024, 768);
        let mut after = before.clone();
        after.rgb[1024 * 700 * 3..1024 * 716 * 3].fill(7);
        pixels("1024x768 of a desktop", &Arc::new(before), &Arc::new(after));
        pixels("1024x768 of noise", &Arc::new(large_noise.clone()), &Arc::new(self::noise(1024, 767)));
    }
    println!("bytes of half blocks: {} all of it, {} scrolled", sent(&empty, &first), sent(&first, &next));
}
