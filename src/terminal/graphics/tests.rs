//! What a terminal makes of what is sent: two small decoders, written after the protocols' descriptions
//! and not after the encoders.

use std::collections::BTreeMap;
use std::io::Read as _;
use std::sync::Arc;
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use proptest::prelude::*;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::*;
use crate::config::schema::Ui;
use crate::model::console::Picture;

const AREA: Rect = Rect { x: 0, y: 0, width: 60, height: 30 };

fn pictures(wanted: Wanted, cell: (u16, u16)) -> Pictures {
    let env = |name: &str| (name == "TERM").then(|| "xterm-256color".to_owned());
    Pictures::new(&Caps::detect(&env, true, &Ui { pictures: wanted, ..Ui::default() }), Some(cell))
}

fn picture(width: u32, height: u32, of: impl Fn(u32, u32) -> [u8; 3]) -> Arc<Picture> {
    let rgb = (0..height).flat_map(|y| (0..width).map(move |x| (x, y))).flat_map(|(x, y)| of(x, y)).collect();
    Arc::new(Picture { width, height, rgb })
}

/// All of a picture over 40 columns and 20 rows, from column 5 and row 3 on.
fn sight(picture: &Arc<Picture>) -> Sight {
    Sight {
        picture: Arc::clone(picture),
        part: (0, 0, picture.width, picture.height),
        at: (5, 3),
        size: (40, 20),
        lead: 0,
        high: 40,
        covered: vec![false; 20],
    }
}

struct Clock(Instant);

impl Clock {
    /// The bytes for a frame with this picture, and for those that follow at once until it is whole; the
    /// clock goes on by a second.
    fn sent(&mut self, pictures: &mut Pictures, sight: Option<&Sight>) -> (Vec<u8>, Buffer) {
        let mut bytes = Vec::new();
        let buf = loop {
            let mut buf = Buffer::empty(AREA);
            buf.set_style(AREA, ratatui::style::Color::Blue);
            pictures.plan(sight, &mut buf, self.0, Duration::ZERO);
            bytes.extend(pictures.take());
            if pictures.due() != Some(self.0) {
                break buf;
            }
        };
        self.0 += Duration::from_secs(1);
        (bytes, buf)
    }
}

fn clock() -> Clock {
    Clock(Instant::now())
}

/// A sequence as a terminal reads it: where the cursor was, and what stands between its ends.
#[derive(Debug)]
enum Seen {
    Apc((u16, u16), String),
    Dcs((u16, u16), String),
}

/// Reads what was sent; anything but cursor moves, graphics commands and sixels fails.
fn read(bytes: &[u8]) -> Vec<Seen> {
    let text = std::str::from_utf8(bytes).expect("nothing beyond ASCII");
    let (mut at, mut out) = ((0, 0), Vec::new());
    let mut rest = text;
    while !rest.is_empty() {
        rest = rest.strip_prefix('\x1b').expect("only sequences are sent");
        let kind = rest.chars().next().unwrap();
        rest = rest.strip_prefix(kind).unwrap();
        match kind {
            '7' | '8' => {}
            '[' => {
                let (place, after) = rest.split_once('H').unwrap();
                let (row, column) = place.split_once(';').unwrap();
                at = (column.parse::<u16>().unwrap() - 1, row.parse::<u16>().unwrap() - 1);
                rest = after;
            }
            '_' | 'P' => {
                let (body, after) = rest.split_once("\x1b\\").unwrap();
                assert!(body.bytes().all(|b| (b' '..=b'~').contains(&b)), "nothing that acts within a sequence");
                out.push(if kind == '_' { Seen::Apc(at, body.to_owned()) } else { Seen::Dcs(at, body.to_owned()) });
                rest = after;
            }
            other => panic!("{other:?} was sent"),
        }
    }
    out
}

/// Place, cells, size and pixels.
type Held = ((u16, u16), (u16, u16), (u32, u32), Vec<u8>);
/// What a command of kitty's says.
type Keys = BTreeMap<String, String>;

/// What a terminal with kitty's protocol holds, by id.
#[derive(Debug, Default)]
struct Kitty {
    shown: BTreeMap<u32, Held>,
    half: Option<(Keys, (u16, u16), String)>,
    sent: usize,
}

impl Kitty {
    fn take(&mut self, bytes: &[u8]) {
        self.sent = 0;
        for seen in read(bytes) {
            let Seen::Apc(at, body) = seen else { panic!("no sixel for kitty") };
            let body = body.strip_prefix('G').unwrap();
            let (keys, data) = body.split_once(';').unwrap_or((body, ""));
            let keys: Keys = keys
                .split(',')
                .map(|k| k.split_once('=').unwrap())
                .map(|(k, v)| (k.to_owned(), v.to_owned()))
                .collect();
            assert_eq!(keys.get("q").unwrap(), "2", "no answer is wanted");
            assert!(data.len() <= 4096);
            if keys.get("a").is_some_and(|a| a == "d") {
                assert_eq!(keys["d"], "I");
                assert!(self.shown.remove(&keys["i"].parse().unwrap()).is_some(), "deletes what is there");
                continue;
            }
            let (keys, at, data) = match self.half.take() {
                Some((first, at, so_far)) => {
                    assert!(keys.keys().all(|k| k == "m" || k == "q"));
                    let more = keys["m"].clone();
                    let mut first = first;
                    first.insert("m".into(), more);
                    (first, at, so_far + data)
                }
                None => (keys, at, data.to_owned()),
            };
            if keys["m"] == "1" {
                self.half = Some((keys, at, data));
                continue;
            }
            let mut rgb = Vec::new();
            flate2::read::ZlibDecoder::new(&STANDARD.decode(data).unwrap()[..]).read_to_end(&mut rgb).unwrap();
            let n = |key: &str| keys[key].parse::<u32>().unwrap();
            assert_eq!((keys["a"].as_str(), n("f"), keys["o"].as_str(), n("C")), ("T", 24, "z", 1));
            assert_eq!(rgb.len() as u32, n("s") * n("v") * 3);
            self.shown.insert(n("i"), (at, (n("c") as u16, n("r") as u16), (n("s"), n("v")), rgb));
            self.sent += 1;
        }
        assert!(self.half.is_none(), "a picture is sent whole");
    }

    /// All bands below one another.
    fn whole(&self) -> Vec<u8> {
        self.shown.values().flat_map(|(.., rgb)| rgb.clone()).collect()
    }
}

/// Decodes one sixel: width, height, pixels; `None` where nothing was painted.
fn unsixel(body: &str) -> (usize, usize, Vec<Option<[u8; 3]>>) {
    let (_, body) = body.split_once('q').unwrap();
    let mut numbers = Vec::new();
    let (mut colours, mut colour) = (BTreeMap::new(), 0_u32);
    let (mut x, mut y) = (0, 0);
    let (mut width, mut height) = (0, 0);
    let mut out: Vec<Option<[u8; 3]>> = Vec::new();
    let bytes = body.as_bytes();
    let mut i = 0;
    while i < bytes.len() {
        let kind = bytes[i];
        i += 1;
        numbers.clear();
        if matches!(kind, b'"' | b'#' | b'!') {
            let end = bytes[i..].iter().position(|b| !b.is_ascii_digit() && *b != b';').unwrap() + i;
            numbers.extend(body.get(i..end).unwrap().split(';').map(|n| n.parse::<u32>().unwrap()));
            i = end;
        }
        let mut paint = |sign: u8, times: u32, x: &mut usize| {
            for _ in 0..times {
                for bit in 0..6 {
                    if (sign - b'?') >> bit & 1 == 1 {
                        out[(y + bit) * width + *x] = Some(colours[&colour]);
                    }
                }
                *x += 1;
            }
        };
        match (kind, numbers.as_slice()) {
            (b'"', &[1, 1, w, h]) => {
                (width, height) = (w as usize, h as usize);
                out = vec![None; width * height.next_multiple_of(6)];
            }
            (b'#', &[n, 2, r, g, b]) => {
                colours.insert(n, [r, g, b].map(|p| (p * 255 / 100) as u8));
            }
            (b'#', &[n]) => colour = n,
            (b'!', &[times]) => {
                paint(bytes[i], times, &mut x);
                i += 1;
            }
            (b'$', _) => x = 0,
            (b'-', _) => (x, y) = (0, y + 6),
            (b'?'..=b'~', _) => paint(kind, 1, &mut x),
            other => panic!("{other:?} in a sixel"),
        }
    }
    out.truncate(width * height);
    (width, height, out)
}

fn worst(decoded: &[Option<[u8; 3]>], rgb: &[u8]) -> u8 {
    assert_eq!(decoded.len() * 3, rgb.len());
    let parts = decoded.iter().flat_map(|p| p.expect("every pixel is painted"));
    parts.zip(rgb).map(|(a, b)| a.abs_diff(*b)).max().unwrap()
}

#[test]
fn kitty_shows_every_pixel_as_it_was() {
    let mut pictures = pictures(Wanted::Kitty, (10, 20));
    let picture = picture(320, 200, |x, y| [x as u8, y as u8, (x * y) as u8]);
    let (bytes, buf) = clock().sent(&mut pictures, Some(&sight(&picture)));
    let mut kitty = Kitty::default();
    kitty.take(&bytes);
    assert!(kitty.whole() == picture.rgb, "pixel for pixel");
    let rows: u16 = kitty
        .shown
        .values()
        .map(|(_, (columns, rows), ..)| {
            assert_eq!(*columns, 40);
            rows
        })
        .sum();
    assert_eq!((rows, kitty.shown.values().next().unwrap().0), (20, (5, 3)));
    let skipped = |x, y| buf[(x, y)].diff_option == CellDiffOption::Skip;
    assert!(skipped(5, 3) && skipped(44, 22) && !skipped(4, 3) && !skipped(45, 22) && !skipped(5, 23));
}

#[test]
fn a_picture_larger_than_its_cells_is_sent_no_larger_than_they_are() {
    let mut pictures = pictures(Wanted::Kitty, (4, 8));
    let picture = picture(1600, 1600, |x, _| [if x % 2 == 0 { 200 } else { 100 }; 3]);
    let mut kitty = Kitty::default();
    kitty.take(&clock().sent(&mut pictures, Some(&sight(&picture))).0);
    assert!(kitty.shown.values().all(|(_, (_, rows), size, _)| *size == (160, u32::from(*rows) * 8)));
    assert!(kitty.whole().iter().all(|part| *part == 150), "pixels are averaged");
}

#[test]
fn sixel_shows_the_pixels_as_near_as_percents_are() {
    let mut pictures = pictures(Wanted::Sixel, (8, 16));
    // As many pixels as cells have, in 12 colours.
    let picture = picture(320, 320, |x, y| [(x / 80 * 60) as u8, (y / 120 * 90) as u8, 255]);
    let (bytes, _) = clock().sent(&mut pictures, Some(&sight(&picture)));
    let mut rows = 3;
    let mut shown = Vec::new();
    for seen in read(&bytes) {
        let Seen::Dcs(at, body) = seen else { panic!("only sixels") };
        let (width, height, pixels) = unsixel(&body);
        assert_eq!((at, width), ((5, rows), 320));
        rows += height as u16 / 16;
        shown.extend(pixels);
    }
    assert_eq!(rows, 23);
    assert!(worst(&shown, &picture.rgb) <= 3, "{}", worst(&shown, &picture.rgb));
}

#[test]
fn sixel_with_more_colours_than_it_may_have_stays_near() {
    let raster = |of: &dyn Fn(u32, u32) -> [u8; 3]| {
        let picture = picture(200, 50, of);
        raster::Raster::of(&picture, 0..200, 0..50, (200, 50))
    };
    let decoded = |raster: &raster::Raster, colours| {
        let mut out = Vec::new();
        sixel::show(&mut out, raster, colours);
        let seen = read(&out);
        let [Seen::Dcs(_, body)] = seen.as_slice() else { panic!("one sixel") };
        let numbers = body.matches('#').count();
        (unsixel(body).2, numbers)
    };
    let smooth = raster(&|x, y| [(x * 255 / 199) as u8, (y * 5) as u8, 90]);
    let (pixels, _) = decoded(&smooth, 256);
    assert!(worst(&pixels, &smooth.rgb) <= 16, "{}", worst(&pixels, &smooth.rgb));
    // Sixteen colours, and one pixel of a colour of its own is still seen.
    let dotted = raster(&|x, y| if (x, y) == (100, 25) { [255, 0, 0] } else { [0, (x / 2) as u8, (y * 5) as u8] });
    let (pixels, _) = decoded(&dotted, 16);
    let dot = pixels[25 * 200 + 100].unwrap();
    assert!(dot[0] > 200 && dot[1] < 60, "{dot:?}");
}

#[test]
fn only_what_changed_is_sent_again() {
    let mut pictures = pictures(Wanted::Kitty, (10, 20));
    let (mut clock, mut kitty) = (clock(), Kitty::default());
    let first = picture(320, 200, |x, _| [x as u8; 3]);
    kitty.take(&clock.sent(&mut pictures, Some(&sight(&first))).0);
    let all = kitty.sent;
    assert!(clock.sent(&mut pictures, Some(&sight(&first))).0.is_empty());
    let next = picture(320, 200, |x, y| [if y == 60 { 1 } else { x as u8 }; 3]);
    kitty.take(&clock.sent(&mut pictures, Some(&sight(&next))).0);
    assert_eq!((kitty.sent, all > 4), (1, true), "one band of them");
    assert!(kitty.whole() == next.rgb);
    // Another part of it: all of them, in the same places.
    let closer = Sight { part: (0, 0, 160, 100), ..sight(&next) };
    kitty.take(&clock.sent(&mut pictures, Some(&closer)).0);
    assert_eq!((kitty.sent, kitty.shown.len()), (all, all));
}

#[test]
fn what_the_guest_changes_is_shown_four_times_a_second_and_what_the_operator_does_at_once() {
    let mut pictures = pictures(Wanted::Kitty, (10, 20));
    let now = Instant::now();
    let mut kitty = Kitty::default();
    let mut at = |pictures: &mut Pictures, ms: u64, sight: &Sight, took: u64| {
        let mut buf = Buffer::empty(AREA);
        pictures.plan(Some(sight), &mut buf, now + Duration::from_millis(ms), Duration::from_millis(took));
        kitty.take(&pictures.take());
        assert_eq!(buf[(5, 3)].diff_option, CellDiffOption::Skip, "the picture stays where it is");
        (kitty.sent > 0, pictures.due().map(|due| due.duration_since(now).as_millis()))
    };
    let shade = |shade: u8| sight(&picture(32, 20, |_, _| [shade; 3]));
    assert_eq!(at(&mut pictures, 0, &shade(1), 0), (true, None));
    assert_eq!(at(&mut pictures, 10, &shade(2), 0), (false, Some(250)));
    assert_eq!(at(&mut pictures, 249, &shade(3), 0), (false, Some(250)));
    assert_eq!(at(&mut pictures, 250, &shade(3), 0), (true, None));
    let closer = Sight { part: (0, 0, 16, 10), ..shade(4) };
    assert_eq!(at(&mut pictures, 260, &closer, 0), (true, None));
    // A line on which a picture takes long has fewer.
    assert_eq!(at(&mut pictures, 600, &Sight { part: closer.part, ..shade(5) }, 300), (false, Some(1460)));
}

#[test]
fn a_frame_encodes_so_much_and_the_next_ones_the_rest() {
    let mut pictures = pictures(Wanted::Sixel, (10, 20));
    let start = Instant::now();
    let frame = |pictures: &mut Pictures, ms: u64, shade: u8| {
        let now = start + Duration::from_millis(ms);
        let mut buf = Buffer::empty(AREA);
        pictures.plan(Some(&sight(&picture(32, 20, |_, _| [shade; 3]))), &mut buf, now, Duration::ZERO);
        let rows = (3..23).filter(|y| buf[(5, *y)].diff_option == CellDiffOption::Skip).count();
        (read(&pictures.take()).len(), rows, pictures.due() == Some(now))
    };
    // Seven bands, six of three rows and one of two: 400 x 60 pixels each, of which two are within a frame.
    assert_eq!(frame(&mut pictures, 0, 1), (2, 6, true), "the others are half blocks for now");
    assert_eq!(frame(&mut pictures, 16, 1), (2, 12, true));
    assert_eq!(frame(&mut pictures, 32, 1), (2, 18, true));
    assert_eq!(frame(&mut pictures, 48, 1), (1, 20, false));
    assert_eq!(frame(&mut pictures, 64, 1), (0, 20, false));
    // Another picture each time: none of its bands is forgotten over the first ones.
    assert_eq!(frame(&mut pictures, 300, 2), (2, 20, true), "the others stay as they were");
    assert_eq!(frame(&mut pictures, 316, 3), (2, 20, true));
    assert_eq!(frame(&mut pictures, 332, 4), (2, 20, true));
    assert_eq!(frame(&mut pictures, 348, 5), (1, 20, false));
    assert_eq!(frame(&mut pictures, 364, 6), (0, 20, false), "four times a second");
    pictures.forget();
    assert_eq!(frame(&mut pictures, 380, 6), (2, 6, true), "what the operator does is shown at once");
}

#[test]
fn no_band_is_forgotten_however_long_the_terminal_takes() {
    let mut pictures = pictures(Wanted::Sixel, (10, 20));
    let (start, mut rows) = (Instant::now(), std::collections::BTreeSet::new());
    let mut at = |pictures: &mut Pictures, ms: u64, took: u64| {
        let mut buf = Buffer::empty(AREA);
        let sight = sight(&picture(32, 20, |_, _| [(ms / 100) as u8; 3]));
        let now = start + Duration::from_millis(ms);
        pictures.plan(Some(&sight), &mut buf, now, Duration::from_millis(took));
        let seen = read(&pictures.take());
        rows.extend(seen.iter().map(|seen| if let Seen::Dcs((_, row), _) = seen { *row } else { 0 }));
        let rows = std::mem::take(&mut rows);
        (rows.into_iter().collect::<Vec<_>>(), pictures.due().map(|due| due.duration_since(start).as_millis()))
    };
    assert_eq!(at(&mut pictures, 0, 0), (vec![3, 6], Some(0)));
    // Another picture in every frame, and a round that lasts longer than the pace.
    assert_eq!(at(&mut pictures, 100, 100), (vec![9, 12], Some(100)));
    assert_eq!(at(&mut pictures, 200, 100), (vec![15, 18], Some(200)));
    assert_eq!(at(&mut pictures, 300, 100), (vec![21], Some(1200)), "a quarter of the way, over all frames of it");
    assert_eq!(at(&mut pictures, 400, 100), (vec![], Some(1600)));
    assert_eq!(at(&mut pictures, 1600, 0), (vec![3, 6], Some(1600)));
    assert_eq!(at(&mut pictures, 2000, 0), (vec![9, 12], Some(2000)));
}

#[test]
fn a_band_that_something_lies_over_goes_and_comes_back() {
    for wanted in [Wanted::Kitty, Wanted::Sixel] {
        let mut pictures = pictures(wanted, (10, 20));
        let mut clock = clock();
        let picture = picture(320, 200, |x, y| [x as u8, y as u8, 0]);
        let free = sight(&picture);
        let (first, _) = clock.sent(&mut pictures, Some(&free));
        let mut below = free.clone();
        below.covered[9] = true;
        let (bytes, buf) = clock.sent(&mut pictures, Some(&below));
        // Bands of three rows: rows 9 to 11 of the picture.
        let skipped: Vec<bool> = (3..23).map(|y| buf[(20, y)].diff_option == CellDiffOption::Skip).collect();
        let expected: Vec<bool> = (0..20).map(|row| !(9..12).contains(&row)).collect();
        assert_eq!(skipped, expected);
        assert_eq!(buf[(20, 12)].fg, ratatui::style::Color::Blue, "its cells are as they were drawn");
        let (back, _) = clock.sent(&mut pictures, Some(&free));
        if wanted == Wanted::Kitty {
            let mut kitty = Kitty::default();
            kitty.take(&first);
            kitty.take(&bytes);
            assert_eq!(kitty.shown.len(), 6);
            kitty.take(&back);
            assert_eq!(kitty.shown.len(), 7);
        } else {
            assert!(bytes.is_empty(), "the cells that are written take it away");
            assert_eq!(read(&back).len(), 1);
        }
    }
}

#[test]
fn nothing_is_left_behind() {
    let picture = picture(320, 200, |x, y| [x as u8, y as u8, 0]);
    let (mut clock, mut kitty) = (clock(), Kitty::default());
    let mut pictures = pictures(Wanted::Kitty, (10, 20));
    let mut send = |pictures: &mut Pictures, sight: Option<&Sight>| {
        kitty.take(&clock.sent(pictures, sight).0);
        (kitty.shown.len(), kitty.sent)
    };
    // The tab is left.
    assert_eq!(send(&mut pictures, Some(&sight(&picture))), (7, 7));
    assert_eq!(send(&mut pictures, None), (0, 0));
    // A smaller one has fewer bands.
    send(&mut pictures, Some(&sight(&picture)));
    let small = Sight { size: (40, 10), high: 20, covered: vec![false; 10], ..sight(&picture) };
    assert_eq!(send(&mut pictures, Some(&small)), (4, 4));
    // Somebody else has written on the screen: all of it again.
    pictures.forget();
    assert_eq!(send(&mut pictures, Some(&small)), (4, 4));
    // Leaving takes whatever there may be.
    let left = pictures.leave();
    for id in kitty.shown.keys() {
        assert!(left.contains(&format!("\x1b_Ga=d,d=I,q=2,i={id}\x1b\\")), "{id}");
    }
    assert_eq!(super::tests::pictures(Wanted::Sixel, (10, 20)).leave(), "");
}

#[test]
fn sixel_keeps_off_the_last_row_and_out_of_what_the_terminal_cannot_show() {
    let picture = picture(320, 200, |x, y| [x as u8, y as u8, 0]);
    let low = Sight { at: (5, 10), ..sight(&picture) };
    let mut pictures = pictures(Wanted::Sixel, (10, 20));
    let (bytes, buf) = clock().sent(&mut pictures, Some(&low));
    assert_eq!(read(&bytes).len(), 6, "the band in the last row is drawn in blocks");
    assert_ne!(buf[(20, 29)].diff_option, CellDiffOption::Skip);
    pictures.learned(Ability::Sixel { colours: 256, most: (399, 1000) }, None);
    pictures.forget();
    assert!(clock().sent(&mut pictures, Some(&low)).0.is_empty());
}

#[test]
fn a_terminal_that_has_not_been_asked_gets_nothing() {
    let picture = picture(32, 20, |_, _| [7; 3]);
    for (wanted, curious) in [(Wanted::Auto, true), (Wanted::Blocks, false)] {
        let mut pictures = pictures(wanted, (10, 20));
        assert!(!pictures.curious(), "not before there is a picture");
        let (bytes, buf) = clock().sent(&mut pictures, Some(&sight(&picture)));
        assert!(bytes.is_empty() && buf[(5, 3)].diff_option == CellDiffOption::None);
        assert_eq!(pictures.curious(), curious);
        pictures.learned(Ability::Blocks, None);
        assert!(!pictures.curious() && clock().sent(&mut pictures, Some(&sight(&picture))).0.is_empty());
        assert_eq!(pictures.leave(), "");
    }
}

proptest! {
    /// Whatever a guest shows, wherever it lies: only graphics commands leave, `read` sees to that.
    #[test]
    fn no_picture_can_say_anything(
        (width, height) in (1_u32..50, 1_u32..50), bytes in proptest::collection::vec(any::<u8>(), 1..64),
        part in (0_u32..60, 0_u32..60, 0_u32..60, 0_u32..60),
        (at, size) in ((0_u16..70, 0_u16..40), (0_u16..60, 0_u16..40)), lead in 0_u16..2, high in 0_u16..90,
        sixel: bool, cell in (1_u16..12, 1_u16..24),
    ) {
        let rgb = bytes.iter().copied().cycle().take((width * height * 3) as usize).collect();
        let picture = Arc::new(Picture { width, height, rgb });
        let covered = vec![false; usize::from(size.1)];
        let sight = Sight { picture, part, at, size, lead, high, covered };
        let mut pictures = pictures(if sixel { Wanted::Sixel } else { Wanted::Kitty }, cell);
        let (bytes, _) = clock().sent(&mut pictures, Some(&sight));
        for seen in read(&bytes) {
            match seen {
                Seen::Apc(_, body) => prop_assert!(!sixel && body.starts_with('G')),
                Seen::Dcs(_, body) => {
                    prop_assert!(sixel);
                    unsixel(&body);
                }
            }
        }
    }
}
