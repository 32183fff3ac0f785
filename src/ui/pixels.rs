//! A picture in half blocks: two pixels a cell, above one another, each the average of what it stands
//! for. Whole, or a part of it larger; in the colours that a terminal has, down to none at all.

use std::sync::{Arc, OnceLock};

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::{Color, Style};

use crate::model::console::Picture;
use crate::model::sight::Sight;
use crate::theme::Depth;
use crate::theme::colour;

/// Which part of a picture is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct View {
    /// Percent: 100 is the whole picture, as large as fits; 400 a quarter of its width and height.
    pub zoom: u16,
    /// The pixel that is in the middle, as far as the edges let it.
    pub centre: (u32, u32),
}

impl Default for View {
    fn default() -> Self {
        Self { zoom: 100, centre: (0, 0) }
    }
}

impl View {
    /// The largest zoom, percent.
    pub const MOST: u16 = 3200;

    /// Larger (or smaller) by a step, around the same pixel.
    #[must_use]
    pub fn zoomed(self, larger: bool) -> Self {
        let zoom = u32::from(self.zoom);
        let zoom = if larger { zoom * 3 / 2 } else { zoom * 2 / 3 };
        Self { zoom: u16::try_from(zoom).unwrap_or(Self::MOST).clamp(100, Self::MOST), ..self }
    }

    /// Moved by so many eighths of what is shown.
    #[must_use]
    pub fn panned(self, picture: &Picture, right: i32, down: i32) -> Self {
        let shown = |side: u32| i64::from(side) * 100 / i64::from(self.zoom.max(100));
        let moved = |at: u32, side: u32, by: i32| {
            let half = shown(side) / 2;
            let to = i64::from(at) + shown(side) * i64::from(by) / 8;
            to.clamp(half, (i64::from(side) - half).max(half)) as u32
        };
        let (x, y) = self.centre;
        Self { centre: (moved(x, picture.width, right), moved(y, picture.height, down)), ..self }
    }
}

/// Where a picture lies in an area: which of its pixels, on which half cells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Placement {
    /// Part of the picture: x, y, width, height in pixels.
    pub part: (u32, u32, u32, u32),
    /// Half cells that it covers: x from the left and y from the top of the area, width, height.
    pub halves: (u32, u32, u32, u32),
    area: Rect,
}

impl Placement {
    /// How a picture is shown in an area; `None` where nothing of it is.
    #[must_use]
    pub fn new(picture: &Picture, area: Rect, view: View) -> Option<Self> {
        let (wide, high) = (u64::from(area.width), u64::from(area.height) * 2);
        let (width, height) = (u64::from(picture.width), u64::from(picture.height));
        if wide == 0 || high == 0 || width == 0 || height == 0 {
            return None;
        }
        // The shape of the whole picture; a part of it has the shape of the area where it can.
        let zoom = u64::from(view.zoom.clamp(100, View::MOST));
        let fits = |limit_w: u64, limit_h: u64| {
            if width * limit_h <= limit_w * height {
                ((width * limit_h / height).max(1), limit_h)
            } else {
                (limit_w, (height * limit_w / width).max(1))
            }
        };
        let (full_w, full_h) = fits(wide, high);
        let (full_w, full_h) = (full_w * zoom / 100, full_h * zoom / 100);
        let (out_w, out_h) = (full_w.min(wide), full_h.min(high));
        let part_w = (width * out_w / full_w).clamp(1, width);
        let part_h = (height * out_h / full_h).clamp(1, height);
        let place = |centre: u32, part: u64, side: u64| u64::from(centre).saturating_sub(part / 2).min(side - part);
        Some(Self {
            part: (
                place(view.centre.0, part_w, width) as u32,
                place(view.centre.1, part_h, height) as u32,
                part_w as u32,
                part_h as u32,
            ),
            halves: (((wide - out_w) / 2) as u32, ((high - out_h) / 2) as u32, out_w as u32, out_h as u32),
            area,
        })
    }

    /// The picture as it lies on the screen, for a terminal that shows pixels: on the same cells.
    #[must_use]
    pub fn sight(&self, picture: &Arc<Picture>) -> Sight {
        // An area has no more than `u16::MAX` columns and rows.
        let (left, top, wide, high) = self.halves;
        let rows = (top + high).div_ceil(2) - top / 2;
        Sight {
            picture: Arc::clone(picture),
            part: self.part,
            at: (self.area.x.saturating_add(left as u16), self.area.y.saturating_add((top / 2) as u16)),
            size: (wide as u16, rows as u16),
            lead: (top % 2) as u16,
            high: u16::try_from(high).unwrap_or(u16::MAX),
            covered: vec![false; rows as usize],
        }
    }

    /// The pixel of the picture under a cell; `None` beside it.
    #[must_use]
    pub fn pixel(&self, column: u16, row: u16) -> Option<(u32, u32)> {
        let x = u32::from(column.checked_sub(self.area.x)?).checked_sub(self.halves.0)?;
        // The middle of the cell.
        let y = (u32::from(row.checked_sub(self.area.y)?) * 2 + 1).checked_sub(self.halves.1)?;
        if x >= self.halves.2 || y > self.halves.3 {
            return None;
        }
        let y = y.min(self.halves.3 - 1);
        let (px, py, width, height) = self.part;
        Some((px + (x * 2 + 1) * width / (self.halves.2 * 2), py + y * height / self.halves.3))
    }
}

/// Samples of a half cell in each direction: the average of more looks no different.
const SAMPLES: u32 = 4;
/// From dark to light, without and with block characters.
const RAMP: [&str; 10] = [" ", ".", ":", "-", "=", "+", "*", "#", "%", "@"];
const BLOCKS: [&str; 5] = [" ", "░", "▒", "▓", "█"];

/// A picture to draw.
#[derive(Debug, Clone, Copy)]
pub struct Pixels<'a> {
    /// The picture.
    pub picture: &'a Picture,
    /// The part of it.
    pub view: View,
    /// Colours that the terminal has.
    pub depth: Depth,
    /// Whether it has ASCII only.
    pub ascii: bool,
    /// What lies beside the picture.
    pub base: Style,
}

type Rgb = [u8; 3];

impl Pixels<'_> {
    /// Draws the picture into an area; returns how it lies there.
    pub fn render(&self, area: Rect, buf: &mut Buffer) -> Option<Placement> {
        let area = area.intersection(buf.area);
        let placement = Placement::new(self.picture, area, self.view);
        let Some(Placement { part, halves: (left, top, wide, high), .. }) = placement else {
            buf.set_style(area, self.base);
            return None;
        };
        let columns = steps(part.0, part.2, wide);
        let rows = steps(part.1, part.3, high);
        let mut upper = vec![[0; 3]; wide as usize];
        let mut lower = upper.clone();
        for y in 0..u32::from(area.height) {
            let half = |y: u32| y.checked_sub(top).and_then(|y| rows.get(y as usize));
            let (above, below) = (half(y * 2), half(y * 2 + 1));
            for (line, out) in [(above, &mut upper), (below, &mut lower)] {
                if let Some(line) = line {
                    self.average(*line, &columns, out);
                }
            }
            for x in 0..u32::from(area.width) {
                let Some(cell) = buf.cell_mut((area.x + x as u16, area.y + y as u16)) else { continue };
                cell.reset();
                let at = x.checked_sub(left).map(|x| x as usize);
                let of = |line: Option<&Step>, out: &[Rgb]| line.and(at).and_then(|at| out.get(at)).copied();
                match (of(above, &upper), of(below, &lower)) {
                    (None, None) => {
                        cell.set_style(self.base);
                    }
                    (first, second) => self.draw(cell, first, second),
                }
            }
        }
        placement
    }

    fn draw(&self, cell: &mut ratatui::buffer::Cell, first: Option<Rgb>, second: Option<Rgb>) {
        let (a, b) = (first.unwrap_or([0; 3]), second.unwrap_or([0; 3]));
        if self.depth == Depth::Mono {
            cell.set_symbol(if self.ascii { shade(&RAMP, a, b) } else { shade(&BLOCKS, a, b) });
            return;
        }
        if self.ascii {
            let mean: Vec<u8> = a.iter().zip(b).map(|(a, b)| a.midpoint(b)).collect();
            if let &[r, g, b] = mean.as_slice() {
                cell.set_bg(self.colour([r, g, b]));
            }
            return;
        }
        let (top, bottom) = (self.colour(a), self.colour(b));
        if top == bottom {
            cell.set_bg(bottom);
        } else {
            cell.set_symbol("▀").set_fg(top).set_bg(bottom);
        }
    }

    fn colour(&self, rgb: Rgb) -> Color {
        match self.depth {
            Depth::True => Color::Rgb(rgb[0], rgb[1], rgb[2]),
            Depth::Ansi256 => looked_up(rgb).0,
            Depth::Ansi16 | Depth::Mono => looked_up(rgb).1,
        }
    }

    /// The averages of a row of half cells.
    fn average(&self, rows: Step, columns: &[Step], out: &mut [Rgb]) {
        let stride = self.picture.width as usize * 3;
        let mut sums = vec![[0_u32; 3]; out.len()];
        let mut count = 0;
        for y in rows.samples() {
            let line = y as usize * stride;
            let Some(line) = self.picture.rgb.get(line..line + stride) else { continue };
            count += 1;
            for (sum, column) in sums.iter_mut().zip(columns) {
                let [r, g, b] = sum;
                for x in column.samples() {
                    if let Some(&[pr, pg, pb]) = line.get(x as usize * 3..x as usize * 3 + 3) {
                        *r += u32::from(pr);
                        *g += u32::from(pg);
                        *b += u32::from(pb);
                    }
                }
            }
        }
        for ((out, sum), column) in out.iter_mut().zip(&sums).zip(columns) {
            let all = (count * column.count).max(1);
            *out = sum.map(|sum| (sum / all) as u8);
        }
    }
}

/// The pixels that a half cell stands for, in one direction.
#[derive(Debug, Clone, Copy)]
struct Step {
    from: u32,
    count: u32,
    by: u32,
}

impl Step {
    fn samples(self) -> impl Iterator<Item = u32> {
        (0..self.count).map(move |n| self.from + n * self.by)
    }
}

fn steps(from: u32, length: u32, halves: u32) -> Vec<Step> {
    let at = |n: u32| (u64::from(n) * u64::from(length) / u64::from(halves.max(1))) as u32;
    (0..halves)
        .map(|n| {
            let (start, end) = (at(n), at(n + 1).max(at(n) + 1));
            let by = (end - start).div_ceil(SAMPLES).max(1);
            Step { from: from + start, count: (end - start).div_ceil(by), by }
        })
        .collect()
}

fn shade(ramp: &[&'static str], a: Rgb, b: Rgb) -> &'static str {
    let light = |c: Rgb| u32::from(c[0]) * 3 + u32::from(c[1]) * 6 + u32::from(c[2]);
    let most = 2 * 10 * 255 + 1;
    let at = (light(a) + light(b)) as usize * ramp.len() / most as usize;
    ramp.get(at).copied().unwrap_or(" ")
}

/// The colours of 256 and of 16 that look most like one.
fn looked_up([r, g, b]: Rgb) -> (Color, Color) {
    static TABLE: OnceLock<Vec<(Color, Color)>> = OnceLock::new();
    let table = TABLE.get_or_init(|| {
        let middle = |n: u16| ((n & 0xf) * 17) as u8;
        (0..4096_u16)
            .map(|n| {
                let rgb = [middle(n >> 8), middle(n >> 4), middle(n)];
                // By its name: a console with 16 colours knows the sequences of those only.
                (Color::Indexed(nearest(rgb, 16..=255)), colour::named(nearest(rgb, 0..=15)))
            })
            .collect()
    });
    // To the nearest of 16 steps.
    let step = |c: u8| (usize::from(c) + 8) / 17;
    table.get(step(r) << 8 | step(g) << 4 | step(b)).copied().unwrap_or((Color::Indexed(16), Color::Black))
}

fn nearest(rgb: Rgb, among: std::ops::RangeInclusive<u8>) -> u8 {
    let far = |n: &u8| {
        let entry = colour::indexed(*n);
        let weighed = rgb.iter().zip([entry.0, entry.1, entry.2]).zip([3, 5, 2]);
        weighed.map(|((a, b), weight)| u32::from(a.abs_diff(b)).pow(2) * weight).sum::<u32>()
    };
    among.min_by_key(far).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn picture(width: u32, height: u32, of: impl Fn(u32, u32) -> Rgb) -> Picture {
        let rgb = (0..height).flat_map(|y| (0..width).map(move |x| (x, y))).flat_map(|(x, y)| of(x, y)).collect();
        Picture { width, height, rgb }
    }

    fn pixels(picture: &Picture) -> Pixels<'_> {
        Pixels { picture, view: View::default(), depth: Depth::True, ascii: false, base: Style::new() }
    }

    fn drawn(pixels: Pixels<'_>, width: u16, height: u16) -> Buffer {
        let area = Rect::new(0, 0, width, height);
        let mut buf = Buffer::empty(area);
        pixels.render(area, &mut buf);
        buf
    }

    #[test]
    fn a_cell_is_two_pixels() {
        let picture = picture(2, 2, |x, y| [x as u8 * 100, y as u8 * 100, 7]);
        let buf = drawn(pixels(&picture), 2, 1);
        let cell = &buf[(1, 0)];
        assert_eq!((cell.symbol(), cell.fg, cell.bg), ("▀", Color::Rgb(100, 0, 7), Color::Rgb(100, 100, 7)));
        let flat = self::picture(8, 8, |_, _| [1, 2, 3]);
        let buf = drawn(pixels(&flat), 4, 2);
        assert!(buf.content.iter().all(|c| c.symbol() == " " && c.bg == Color::Rgb(1, 2, 3)));
    }

    #[test]
    fn pixels_are_averaged_and_the_shape_is_kept() {
        let picture = picture(80, 40, |x, _| [if x % 2 == 0 { 200 } else { 100 }; 3]);
        let buf = drawn(pixels(&picture), 40, 20);
        assert_eq!(buf[(20, 10)].bg, Color::Rgb(150, 150, 150));
        assert_eq!(buf[(0, 0)].bg, Color::Reset, "the picture is twice as wide as high: beside it is nothing");
        assert_eq!(buf[(0, 5)].bg, Color::Rgb(150, 150, 150));
    }

    #[test]
    fn a_part_is_shown_larger_and_moved() {
        let picture = picture(100, 100, |x, y| [x as u8, y as u8, 0]);
        let area = Rect::new(5, 3, 50, 25);
        let view = View { zoom: 200, centre: (75, 75) };
        let placement = Placement::new(&picture, area, view).unwrap();
        assert_eq!((placement.part, placement.halves), ((50, 50, 50, 50), (0, 0, 50, 50)));
        assert_eq!(placement.pixel(5, 3), Some((50, 51)));
        assert_eq!(
            (placement.pixel(54, 27), placement.pixel(55, 27), placement.pixel(4, 3)),
            (Some((99, 99)), None, None)
        );
        let left = view.panned(&picture, -8, 0);
        assert_eq!(left.centre, (25, 75));
        assert_eq!(left.panned(&picture, -8, 0).centre, (25, 75), "no further than the edge");
        assert_eq!(view.zoomed(false).zoomed(false).zoomed(false).zoom, 100);
    }

    #[test]
    fn fewer_colours_and_none() {
        let picture = picture(8, 8, |x, _| if x < 4 { [250, 10, 10] } else { [255, 255, 255] });
        let cell = |depth, ascii, x| {
            let buf = drawn(Pixels { depth, ascii, ..pixels(&picture) }, 8, 4);
            (buf[(x, 1)].symbol().to_owned(), buf[(x, 1)].bg)
        };
        assert_eq!(cell(Depth::Ansi16, false, 0), (" ".into(), Color::LightRed), "by name, as themes do");
        assert_eq!(cell(Depth::Ansi256, false, 0), (" ".into(), Color::Indexed(196)));
        assert_eq!(cell(Depth::Ansi16, true, 7), (" ".into(), Color::White));
        assert_eq!(cell(Depth::Mono, true, 7), ("@".into(), Color::Reset));
        assert_eq!(cell(Depth::Mono, false, 7), ("█".into(), Color::Reset));
        assert_eq!(cell(Depth::Mono, true, 0).0, "-", "red is darker");
    }

    proptest! {
        #[test]
        fn any_picture_fits_any_area(
            size in (0_u32..300, 0_u32..300), area in (0_u16..40, 0_u16..20, 0_u16..60, 0_u16..40),
            zoom: u16, centre: (u32, u32), cell in (0_u16..80, 0_u16..50), right in -9_i32..9, ascii: bool,
        ) {
            let picture = Picture::new(size.0, size.1);
            let view = View { zoom, centre }.panned(&picture, right, -right);
            let area = Rect::new(area.0, area.1, area.2, area.3);
            let mut buf = Buffer::empty(Rect::new(0, 0, 70, 45));
            let pixels = Pixels { picture: &picture, view, depth: Depth::Ansi256, ascii, base: Style::new() };
            if let Some(placement) = pixels.render(area, &mut buf) {
                let (x, y, width, height) = placement.part;
                prop_assert!(width > 0 && x + width <= size.0 && height > 0 && y + height <= size.1);
                if let Some((x, y)) = placement.pixel(cell.0, cell.1) {
                    prop_assert!(x < size.0 && y < size.1);
                }
                // Shown pixel by pixel it lies on the same cells: a click means the same.
                let sight = placement.sight(&std::sync::Arc::new(picture.clone()));
                for row in 0..sight.size.1 {
                    if let Some((x, y)) = placement.pixel(sight.at.0, sight.at.1 + row) {
                        let line = i64::from(y) - i64::from(sight.part.1);
                        prop_assert!(sight.lines(row..row + 1).contains(&line), "{} in {:?}", line, sight.lines(row..row + 1));
                        prop_assert!(x - sight.part.0 <= sight.part.2.div_ceil(u32::from(sight.size.0)));
                    }
                }
                let (right, below) = (sight.at.0 + sight.size.0, sight.at.1 + sight.size.1);
                prop_assert_eq!(placement.pixel(right, sight.at.1), None);
                prop_assert_eq!(placement.pixel(sight.at.0, below), None);
            }
        }
    }
}
