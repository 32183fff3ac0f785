//! Pictures of pixels on a screen of cells, by kitty's graphics protocol or by sixel.
//!
//! Why our own: a picture has to fit the way frames are drawn here. It leaves in the same write as its
//! frame, inside the same synchronized update; the cells below it are left out of the difference of two
//! frames, so that what lies over it (a popup, a message) is drawn as ever; and it is sent in bands, of
//! which only those that changed leave again. ratatui-image draws each picture as a widget that is
//! encoded whole (measured: 227 ms and 712 kB of sixel for a text console at 200x60) and brings a second
//! set of image crates. What is hard in either protocol is not the protocol: pixels are packed by flate2
//! and written as base64, or as rows of six.
//!
//! **Bands.** A picture is cut into at most [`BANDS`] strips of whole rows of cells. A strip that
//! something lies over, however little of it, is shown in half blocks for that while. kitty has a picture
//! a band, with an id of its own that is deleted when the band goes; sixel has no ids, and goes when
//! something is written where it was. At a seam a row of pixels is off by less than one.
//!
//! **Pace.** What the guest changes is shown four times a second at most, and takes no more than a
//! quarter of what the way to the terminal can carry. A frame encodes only so many pixels, since keys
//! wait for it; the bands after them follow in the next frames, and are half blocks, or as they were,
//! until then.
//!
//! Pixels are data: they leave as base64, or as characters made from bits; nothing of a guest's is ever
//! written as it came.

mod kitty;
mod palette;
pub mod probe;
mod raster;
mod sixel;
#[cfg(test)]
mod tests;

use std::io::Write as _;
use std::ops::Range;
use std::time::{Duration, Instant};

use ratatui::buffer::{Buffer, CellDiffOption};
use xxhash_rust::xxh3::Xxh3Default;

use super::caps::Caps;
use crate::config::schema::Pictures as Wanted;
use crate::model::sight::Sight;

/// Strips of a picture at most. xterm holds sixteen pictures and forgets the oldest.
const BANDS: u16 = 12;
/// Rows of a strip at least.
const LEAST_ROWS: u16 = 3;
/// The least time between two pictures of the same place.
const PACE: Duration = Duration::from_millis(250);
/// Pixels that a frame encodes at most, but for a single band: what takes 8 ms where every pixel is another
/// colour (measured: 29 a microsecond for kitty, 7 for sixel).
const MOST_KITTY: u64 = 232_000;
const MOST_SIXEL: u64 = 56_000;
/// Pixels of a cell of a terminal that does not say: only a bound for what is sent.
const USUAL_CELL: (u16, u16) = (10, 20);

/// What the terminal shows pictures with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ability {
    /// It has not been asked yet.
    Unknown,
    /// Half blocks only.
    Blocks,
    /// kitty's protocol.
    Kitty,
    /// Sixel.
    Sixel {
        /// Colours of a picture at most.
        colours: u16,
        /// Pixels of a picture at most: width and height.
        most: (u32, u32),
    },
}

/// Sixel of a terminal that says no more than that it has it.
pub(super) const SIXEL: Ability = Ability::Sixel { colours: 256, most: (4096, 4096) };

/// Where a picture lies, and which part of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Layout {
    at: (u16, u16),
    size: (u16, u16),
    part: (u32, u32, u32, u32),
    lead: u16,
    high: u16,
}

impl Layout {
    fn of(sight: &Sight) -> Self {
        Self { at: sight.at, size: sight.size, part: sight.part, lead: sight.lead, high: sight.high }
    }

    /// The rows of each band.
    fn bands(self) -> impl Iterator<Item = Range<u16>> {
        let rows = self.size.1;
        let each = rows.div_ceil(BANDS).max(LEAST_ROWS);
        (0..rows.div_ceil(each)).map(move |n| n * each..((n + 1) * each).min(rows))
    }
}

/// The pictures of a screen: what the terminal shows, and what it has to be sent.
#[derive(Debug)]
pub struct Pictures {
    wanted: Wanted,
    ability: Ability,
    /// Pixels of a cell.
    cell: Option<(u16, u16)>,
    layout: Option<Layout>,
    /// What each band shows: a sum over its pixels.
    shown: Vec<Option<u64>>,
    /// Somebody else has written on the screen since.
    stale: bool,
    last: Option<Instant>,
    due: Option<Instant>,
    /// The first band that the frame before had no time for: a round goes on until all have been sent.
    rest: Option<usize>,
    /// Whether something of a round was in the frame before, and how long the terminal took for all of it.
    sent: bool,
    round: Duration,
    curious: bool,
    out: Vec<u8>,
}

impl Pictures {
    /// Those of a terminal with cells of so many pixels, where it says so.
    #[must_use]
    pub fn new(caps: &Caps, cell: Option<(u16, u16)>) -> Self {
        let ability = match caps.pictures {
            Wanted::Blocks => Ability::Blocks,
            Wanted::Kitty => Ability::Kitty,
            Wanted::Sixel if cell.is_some() => SIXEL,
            Wanted::Auto | Wanted::Sixel => Ability::Unknown,
        };
        Self {
            wanted: caps.pictures,
            ability,
            cell,
            layout: None,
            shown: Vec::new(),
            stale: false,
            last: None,
            due: None,
            rest: None,
            sent: false,
            round: Duration::ZERO,
            curious: false,
            out: Vec::new(),
        }
    }

    /// What the configuration asks for.
    #[must_use]
    pub const fn wanted(&self) -> Wanted {
        self.wanted
    }

    /// Pixels of a cell, where they are known.
    #[must_use]
    pub const fn cell(&self) -> Option<(u16, u16)> {
        self.cell
    }

    /// What the terminal shows pictures with.
    #[must_use]
    pub const fn ability(&self) -> Ability {
        self.ability
    }

    /// Whether a picture was to be shown and the terminal has not been asked yet.
    #[must_use]
    pub const fn curious(&self) -> bool {
        self.curious && matches!(self.ability, Ability::Unknown)
    }

    /// The terminal has been asked.
    pub const fn learned(&mut self, ability: Ability, cell: Option<(u16, u16)>) {
        self.ability = ability;
        if cell.is_some() {
            self.cell = cell;
        }
    }

    /// Its cells have another size.
    pub(super) const fn measured(&mut self, cell: Option<(u16, u16)>) {
        if cell.is_some() {
            self.cell = cell;
        }
    }

    /// Somebody else has written on the screen: everything is sent again.
    pub(super) const fn forget(&mut self) {
        self.stale = true;
    }

    /// When a newer picture may be sent that is held back now.
    #[must_use]
    pub const fn due(&self) -> Option<Instant> {
        self.due
    }

    /// What takes all of it from the screen, whatever is on it; nothing where cells do.
    #[must_use]
    pub fn leave(&self) -> String {
        if self.ability != Ability::Kitty {
            return String::new();
        }
        let mut out = Vec::new();
        for band in 0..BANDS {
            kitty::delete(&mut out, band);
        }
        String::from_utf8(out).unwrap_or_default()
    }

    /// Decides what of a picture is shown in pixels in this frame, and leaves the cells below out of the
    /// frame. `took` is how long the terminal took for the last write.
    pub fn plan(&mut self, sight: Option<&Sight>, frame: &mut Buffer, now: Instant, took: Duration) {
        self.due = None;
        self.curious |= sight.is_some();
        let Some(sight) = sight.filter(|sight| self.fits(sight)) else { return self.remove_from(0) };
        let layout = Layout::of(sight);
        let moved = std::mem::take(&mut self.stale) || self.layout != Some(layout);
        self.layout = Some(layout);
        if std::mem::take(&mut self.sent) {
            self.round += took;
        }
        let next = self.last.map(|last| last + PACE.max(self.round * 4)).filter(|next| *next > now);
        let rest = self.rest.take().filter(|_| !moved);
        let (mut bands, mut spent) = (0, 0);
        for (n, rows) in layout.bands().enumerate() {
            bands = n + 1;
            if self.shown.len() < bands {
                self.shown.push(None);
            }
            if !self.is_open(sight, &rows, frame) {
                self.remove(n);
                continue;
            }
            let before = self.shown.get(n).copied().flatten();
            let sum = sum(sight, &rows);
            // What was sent in this round waits for the next one, however long this one takes.
            let held = match rest {
                Some(rest) if n >= rest => None,
                Some(_) => Some(next.unwrap_or(now)),
                None => next,
            };
            let cost = self.cost(sight, &rows);
            match (before, held) {
                (Some(old), _) if old == sum && !moved => {}
                // What it shows is old, and for a moment longer.
                (Some(_), Some(next)) if !moved => self.due = self.due.or(Some(next)),
                _ if spent > 0 && spent + cost > self.most() => {
                    self.rest.get_or_insert(n);
                    self.due = Some(now);
                    if moved || before.is_none() {
                        self.remove(n);
                        continue;
                    }
                }
                _ => {
                    spent += cost;
                    if self.send(sight, n, &rows).is_err() {
                        self.remove(n);
                        continue;
                    }
                    if rest.is_none() && !self.sent {
                        (self.last, self.round) = (Some(now), Duration::ZERO);
                    }
                    self.sent = true;
                    if let Some(band) = self.shown.get_mut(n) {
                        *band = Some(sum);
                    }
                }
            }
            leave_out(sight, rows, frame);
        }
        self.remove_from(bands);
    }

    /// What belongs to the frame that was planned.
    pub fn take(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.out)
    }

    fn fits(&self, sight: &Sight) -> bool {
        let some = sight.size.0 > 0 && sight.size.1 > 0 && sight.part.2 > 0 && sight.part.3 > 0;
        some && match (self.ability, self.cell) {
            (Ability::Kitty, _) => true,
            (Ability::Sixel { most, .. }, Some(cell)) => {
                let rows = Layout::of(sight).bands().map(|rows| rows.len()).max().unwrap_or(0);
                u32::from(sight.size.0) * u32::from(cell.0) <= most.0
                    && rows as u64 * u64::from(cell.1) <= u64::from(most.1)
            }
            _ => false,
        }
    }

    fn is_open(&self, sight: &Sight, rows: &Range<u16>, frame: &Buffer) -> bool {
        let covered = sight.covered.get(usize::from(rows.start)..usize::from(rows.end));
        // After a sixel in its last row a terminal may scroll.
        let ends = u32::from(sight.at.1) + u32::from(rows.end);
        let last = matches!(self.ability, Ability::Sixel { .. }) && ends >= u32::from(frame.area.bottom());
        covered.is_some_and(|rows| !rows.contains(&true)) && !last
    }

    fn remove(&mut self, band: usize) {
        let Some(shown) = self.shown.get_mut(band) else { return };
        if shown.take().is_some()
            && self.ability == Ability::Kitty
            && let Ok(band) = u16::try_from(band)
        {
            kitty::delete(&mut self.out, band);
        }
    }

    fn remove_from(&mut self, first: usize) {
        for band in first..self.shown.len() {
            self.remove(band);
        }
        self.shown.truncate(first);
        if first == 0 {
            self.layout = None;
        }
    }

    /// Pixels that a frame encodes at most.
    const fn most(&self) -> u64 {
        if matches!(self.ability, Ability::Kitty) { MOST_KITTY } else { MOST_SIXEL }
    }

    /// Pixels that a band is encoded in.
    fn cost(&self, sight: &Sight, rows: &Range<u16>) -> u64 {
        let (width, height) = self.raster(sight, rows);
        u64::from(width) * u64::from(height)
    }

    /// Width and height that a band is encoded in.
    fn raster(&self, sight: &Sight, rows: &Range<u16>) -> (u32, u32) {
        let cell = self.cell.unwrap_or(USUAL_CELL);
        let cells = (sight.size.0, rows.end - rows.start);
        let pixels = (u32::from(cells.0) * u32::from(cell.0), u32::from(cells.1) * u32::from(cell.1));
        if self.ability != Ability::Kitty {
            return pixels;
        }
        // It makes a picture larger itself, and of one that is too large it shows no more.
        let lines = sight.lines(rows.clone());
        let high = u32::try_from(lines.end - lines.start).unwrap_or(pixels.1);
        (sight.part.2.min(pixels.0), high.min(pixels.1))
    }

    /// Encodes a band.
    fn send(&mut self, sight: &Sight, band: usize, rows: &Range<u16>) -> std::io::Result<()> {
        let (x, y, width, _) = sight.part;
        let lines = sight.lines(rows.clone());
        let lines = lines.start + i64::from(y)..lines.end + i64::from(y);
        let cells = (sight.size.0, rows.end - rows.start);
        let size = self.raster(sight, rows);
        let begin = self.out.len();
        write!(self.out, "\x1b7\x1b[{};{}H", sight.at.1 + rows.start + 1, sight.at.0 + 1)?;
        let raster = raster::Raster::of(&sight.picture, x..x + width, lines, size);
        let done = match self.ability {
            Ability::Kitty => kitty::show(&mut self.out, u16::try_from(band).unwrap_or(BANDS), &raster, cells),
            Ability::Sixel { colours, .. } => {
                sixel::show(&mut self.out, &raster, colours);
                Ok(())
            }
            Ability::Unknown | Ability::Blocks => Ok(()),
        };
        if done.is_err() {
            self.out.truncate(begin);
        } else {
            self.out.extend_from_slice(b"\x1b8");
        }
        done
    }
}

/// A sum over what a band shows.
fn sum(sight: &Sight, rows: &Range<u16>) -> u64 {
    let mut sum = Xxh3Default::new();
    let (x, y, width, height) = sight.part;
    let lines = sight.lines(rows.clone());
    let stride = sight.picture.width as usize * 3;
    let columns = x as usize * 3..(x as usize + width as usize) * 3;
    for line in lines.start.max(0)..lines.end.min(i64::from(height)) {
        let from = (u64::from(y) + line.unsigned_abs()) as usize * stride;
        let line = sight.picture.rgb.get(from..from + stride).and_then(|line| line.get(columns.clone()));
        sum.update(line.unwrap_or_default());
    }
    sum.digest()
}

/// Leaves the cells of a band out of a frame.
fn leave_out(sight: &Sight, rows: Range<u16>, frame: &mut Buffer) {
    for row in rows {
        for column in 0..sight.size.0 {
            let at = (sight.at.0.saturating_add(column), sight.at.1.saturating_add(row));
            if let Some(cell) = frame.cell_mut(at) {
                cell.reset();
                cell.set_diff_option(CellDiffOption::Skip);
            }
        }
    }
}
