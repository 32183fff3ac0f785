//! The picture of a session: what a server says is drawn into it, within its bounds, and what changed
//! is kept as a few rectangles.

use std::sync::Arc;

use crate::model::console::Picture;

/// A part of a picture, in pixels.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Area {
    /// From the left.
    pub x: u32,
    /// From the top.
    pub y: u32,
    /// Width.
    pub width: u32,
    /// Height.
    pub height: u32,
}

impl Area {
    /// The smallest that holds both.
    #[must_use]
    pub fn with(self, other: Self) -> Self {
        let (x, y) = (self.x.min(other.x), self.y.min(other.y));
        Self {
            x,
            y,
            width: (self.x + self.width).max(other.x + other.width) - x,
            height: (self.y + self.height).max(other.y + other.height) - y,
        }
    }

    /// Pixels.
    #[must_use]
    pub const fn pixels(self) -> u64 {
        self.width as u64 * self.height as u64
    }
}

/// The shape of the machine's pointer, where the server leaves drawing it to us.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Pointer {
    /// Pixels.
    pub width: u32,
    /// Pixels.
    pub height: u32,
    /// The pixel that points, from the left and the top.
    pub hot: (u32, u32),
    /// Red, green, blue and whether it is there (0 or 255), a pixel.
    pub rgba: Vec<u8>,
}

impl Pointer {
    /// A picture with the pointer on one of its pixels. What would lie outside of it is left out.
    #[must_use]
    pub fn over(&self, picture: &Picture, (x, y): (u32, u32)) -> Picture {
        let mut picture = picture.clone();
        let (width, height) = (picture.width as usize, picture.height as usize);
        let place = |at: u32, hot: u32, step: usize| (at as usize + step).checked_sub(hot as usize);
        for (down, row) in self.rgba.chunks_exact(self.width.max(1) as usize * 4).enumerate() {
            let Some(y) = place(y, self.hot.1, down).filter(|y| *y < height) else { continue };
            for (right, pixel) in row.chunks_exact(4).enumerate() {
                let Some(x) = place(x, self.hot.0, right).filter(|x| *x < width) else { continue };
                let at = (y * width + x) * 3;
                if let (&[r, g, b, 255], Some(to)) = (pixel, picture.rgb.get_mut(at..at + 3)) {
                    to.copy_from_slice(&[r, g, b]);
                }
            }
        }
        picture
    }
}

/// A picture, and what changed in it since the frame before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Frame {
    /// Counts frames of the session, from 1.
    pub number: u64,
    /// The whole picture.
    pub picture: Arc<Picture>,
    /// What changed; all of it after a change of size.
    pub damage: Vec<Area>,
    /// The pointer's shape; `None` while the server draws it into the picture.
    pub pointer: Option<Arc<Pointer>>,
}

/// Rectangles that are kept apart; more become one that holds them all.
const MOST_AREAS: usize = 32;

/// Where a session draws.
#[derive(Debug, Default)]
pub(super) struct Canvas {
    picture: Arc<Picture>,
    damage: Vec<Area>,
    pointer: Option<Arc<Pointer>>,
    changed: bool,
    number: u64,
}

impl Canvas {
    /// Another size: what was there stays as far as it fits.
    pub(super) fn resize(&mut self, width: u32, height: u32) {
        if (width, height) == (self.picture.width, self.picture.height) {
            return;
        }
        let old = std::mem::take(&mut self.picture);
        let mut new = Picture::new(width, height);
        let common = old.width.min(width) as usize * 3;
        if common > 0 {
            let from = old.rgb.chunks_exact(old.width as usize * 3);
            let to = new.rgb.chunks_exact_mut(width as usize * 3);
            for (from, to) in from.zip(to) {
                if let (Some(from), Some(to)) = (from.get(..common), to.get_mut(..common)) {
                    to.copy_from_slice(from);
                }
            }
        }
        self.picture = Arc::new(new);
        self.damage = vec![Area { x: 0, y: 0, width, height }];
        self.changed = true;
    }

    /// Pixels as the server sends them: blue, green, red and one unused, row by row. What lies outside
    /// of the picture is left out.
    pub(super) fn draw(&mut self, area: Area, bgrx: &[u8]) {
        let Some(area) = self.within(area).filter(|a| *a == area) else { return };
        let picture = Arc::make_mut(&mut self.picture);
        let rows = bgrx.chunks_exact(area.width as usize * 4);
        for (y, row) in (area.y..area.y + area.height).zip(rows) {
            let from = (y as usize * picture.width as usize + area.x as usize) * 3;
            let Some(line) = picture.rgb.get_mut(from..from + area.width as usize * 3) else { return };
            for (to, from) in line.chunks_exact_mut(3).zip(row.chunks_exact(4)) {
                if let (&mut [ref mut r, ref mut g, ref mut b], &[blue, green, red, _]) = (to, from) {
                    (*r, *g, *b) = (red, green, blue);
                }
            }
        }
        self.touched(area);
    }

    /// Moves a part of the picture to another place; they may overlap.
    pub(super) fn copy(&mut self, to: Area, from: Area) {
        let fits = |area: Area| self.within(area) == Some(area);
        if !fits(to) || !fits(from) || (to.width, to.height) != (from.width, from.height) {
            return;
        }
        let picture = Arc::make_mut(&mut self.picture);
        let stride = picture.width as usize * 3;
        let length = to.width as usize * 3;
        let row = |n: u32| {
            // Upwards from the top, downwards from the bottom: no row is overwritten before it is read.
            let n = if to.y <= from.y { n } else { to.height - 1 - n };
            let at = |area: Area| (area.y + n) as usize * stride + area.x as usize * 3;
            (at(from), at(to))
        };
        for (source, target) in (0..to.height).map(row) {
            if source + length <= picture.rgb.len() && target + length <= picture.rgb.len() {
                picture.rgb.copy_within(source..source + length, target);
            }
        }
        self.touched(to);
    }

    /// The pointer's shape: blue, green, red and whether it is there.
    pub(super) fn point(&mut self, area: Area, bgra: &[u8]) {
        let rgba = bgra.chunks_exact(4).flat_map(|p| match p {
            &[b, g, r, a] => [r, g, b, a],
            _ => [0; 4],
        });
        let (width, height) = (area.width, area.height);
        self.pointer = Some(Arc::new(Pointer { width, height, hot: (area.x, area.y), rgba: rgba.collect() }));
        self.changed = true;
    }

    /// What is shown, if that is another thing than the last time.
    pub(super) fn frame(&mut self) -> Option<Frame> {
        if !std::mem::take(&mut self.changed) || self.picture.width == 0 {
            return None;
        }
        self.number += 1;
        Some(Frame {
            number: self.number,
            picture: self.picture.clone(),
            damage: std::mem::take(&mut self.damage),
            pointer: self.pointer.clone(),
        })
    }

    /// Adds damage that was not told of.
    pub(super) fn untold(&mut self, add: impl FnOnce(&mut Vec<Area>)) {
        add(&mut self.damage);
        self.changed = true;
    }

    /// Width and height.
    pub(super) fn size(&self) -> (u32, u32) {
        (self.picture.width, self.picture.height)
    }

    fn within(&self, area: Area) -> Option<Area> {
        let (width, height) = (self.picture.width, self.picture.height);
        if area.width == 0 || area.height == 0 || area.x >= width || area.y >= height {
            return None;
        }
        Some(Area { width: area.width.min(width - area.x), height: area.height.min(height - area.y), ..area })
    }

    fn touched(&mut self, area: Area) {
        self.changed = true;
        merge(&mut self.damage, area);
    }
}

/// Adds an area: into one that it extends or lies in, else as one of its own.
pub(super) fn merge(damage: &mut Vec<Area>, area: Area) {
    // One that holds both and is hardly larger than the two is as good as both.
    if let Some(near) = damage.iter_mut().find(|old| old.with(area).pixels() <= old.pixels() + area.pixels()) {
        *near = near.with(area);
    } else if damage.len() < MOST_AREAS {
        damage.push(area);
    } else {
        let all = damage.drain(..).fold(area, Area::with);
        damage.push(all);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn area(x: u32, y: u32, width: u32, height: u32) -> Area {
        Area { x, y, width, height }
    }

    fn canvas(width: u32, height: u32) -> Canvas {
        let mut canvas = Canvas::default();
        canvas.resize(width, height);
        canvas
    }

    #[test]
    fn pixels_land_where_they_belong() {
        let mut canvas = canvas(4, 3);
        canvas.draw(area(1, 1, 2, 1), &[3, 2, 1, 0, 6, 5, 4, 0]);
        let frame = canvas.frame().unwrap();
        assert_eq!((frame.picture.pixel(1, 1), frame.picture.pixel(2, 1)), ([1, 2, 3], [4, 5, 6]));
        canvas.copy(area(2, 1, 2, 1), area(1, 1, 2, 1));
        let frame = canvas.frame().unwrap();
        assert_eq!(frame.damage, [area(2, 1, 2, 1)]);
        assert_eq!((frame.picture.pixel(2, 1), frame.picture.pixel(3, 1)), ([1, 2, 3], [4, 5, 6]));
        assert_eq!(canvas.frame(), None, "nothing happened since");
        canvas.resize(2, 5);
        assert_eq!((canvas.picture.pixel(1, 1), canvas.picture.pixel(1, 4)), ([1, 2, 3], [0; 3]));
        assert_eq!(canvas.frame().unwrap().damage, [area(0, 0, 2, 5)]);
    }

    #[test]
    fn a_pointer_lies_over_the_picture_with_what_points_where_it_is() {
        let mut canvas = canvas(4, 3);
        // Two by two, its lower right pixel points; the upper right one is not there.
        canvas.point(area(1, 1, 2, 2), &[1, 1, 1, 255, 2, 2, 2, 0, 3, 3, 3, 255, 4, 4, 4, 255]);
        let frame = canvas.frame().unwrap();
        let pointer = frame.pointer.unwrap();
        let shown = |at| {
            let picture = pointer.over(&frame.picture, at);
            let red = |y| (0..4).map(|x| picture.pixel(x, y)[0]).collect::<Vec<_>>();
            [red(0), red(1), red(2)]
        };
        assert_eq!(shown((2, 1)), [[0, 1, 0, 0], [0, 3, 4, 0], [0, 0, 0, 0]]);
        assert_eq!(shown((0, 0)), [[4, 0, 0, 0], [0, 0, 0, 0], [0, 0, 0, 0]], "the rest is outside");
        assert_eq!(shown((9, 9)), [[0; 4]; 3]);
        assert_eq!(Pointer::default().over(&frame.picture, (1, 1)), *frame.picture, "one that is hidden");
    }

    #[test]
    fn damage_stays_a_few_rectangles() {
        let mut canvas = canvas(640, 480);
        canvas.frame();
        for line in 0..200 {
            canvas.draw(area(0, line * 2, 1, 1), &[0; 4]);
        }
        assert!(canvas.damage.len() <= MOST_AREAS, "{}", canvas.damage.len());
        let all = canvas.damage.iter().copied().reduce(Area::with);
        assert_eq!(all, Some(area(0, 0, 1, 399)));
        canvas.frame();
        for column in 0..64 {
            canvas.draw(area(column, 7, 1, 1), &[0; 4]);
        }
        assert_eq!(canvas.damage, [area(0, 7, 64, 1)], "what touches is one");
    }

    proptest! {
        #[test]
        fn nothing_a_server_says_leaves_the_picture(
            ops in proptest::collection::vec(
                (0_u8..4, 0_u32..70_000, 0_u32..70_000, 0_u32..40, 0_u32..40, 0_u32..40, 0_u32..40), 0..40),
            bytes in proptest::collection::vec(any::<u8>(), 0..2_000),
        ) {
            let mut canvas = canvas(32, 20);
            for (op, x, y, width, height, fx, fy) in ops {
                let (x, y) = if op == 3 { (x, y) } else { (x % 40, y % 40) };
                match op {
                    0 => canvas.resize(width, height),
                    1 => canvas.copy(area(x, y, width, height), area(fx, fy, width, height)),
                    2 => canvas.point(area(x, y, width, height), &bytes),
                    _ => canvas.draw(area(x, y, width, height), &bytes),
                }
                let (width, height) = canvas.size();
                prop_assert_eq!(canvas.picture.rgb.len(), (width * height * 3) as usize);
                if let Some(pointer) = &canvas.pointer {
                    prop_assert_eq!(pointer.over(&canvas.picture, (fx, fy)).rgb.len(), canvas.picture.rgb.len());
                }
                prop_assert!(canvas.damage.iter().all(|a| a.x + a.width <= width.max(32) && a.y + a.height <= height.max(40)));
            }
        }
    }
}
