//! Reads a screen, and the next one from what changed. Holds what keeps the text from flickering:
//! where the cursor is while it blinks, and whether this is a text console at all.

use std::collections::HashMap;
use std::sync::Arc;

use super::cut::{Cut, Grid, Rgb};
use super::font::{Meaning, Shape};
use super::{Recovered, palette};
use crate::model::console::{Attrs, Cell, Cursor, Ink, Picture, Screen, Width};

/// Pixels that a shape may be off and still be taken for the nearest one.
const NEAR: u32 = 4;
/// Shapes that are compared with all others, a frame.
const MOST_NEAR: usize = 128;
/// Results of that which are remembered.
const MOST_REMEMBERED: usize = 1024;
/// Share of the cells that are not blank which have to be known for a screen to become text, and to
/// stay it.
const ENTER: f32 = 0.85;
const STAY: f32 = 0.55;
/// Colours that a text console has at most: 16, and some to spare.
const MOST_COLOURS: usize = 24;
/// Cells that are looked at to tell text from graphics.
const SAMPLE: usize = 300;
/// Frames without a visible cursor after which it is taken for switched off.
const BLINKS: u8 = 4;
/// What stands for a cell that cannot be read.
const UNREADABLE: char = '\u{fffd}';

/// What is known of a cell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// One colour.
    Blank,
    /// Its shape is in the font.
    Exact,
    /// Its shape is close to one.
    Near,
    /// The rest is in the font; these rows are a cursor's.
    Covered,
    /// Neither.
    Unknown,
}

#[derive(Debug, Clone, Copy)]
struct Read {
    kind: Kind,
    ch: char,
    fg: Rgb,
    bg: Rgb,
}

impl Read {
    const NONE: Self = Self { kind: Kind::Blank, ch: ' ', fg: [0; 3], bg: [0; 3] };
}

/// Reads the pictures of one screen.
#[derive(Debug, Default)]
pub struct Reader {
    last: Option<(Grid, Arc<Picture>)>,
    cells: Vec<Read>,
    ground: Rgb,
    near: HashMap<Shape, Option<Meaning>>,
    compared: usize,
    cursor: Option<(Cursor, u8)>,
    /// The character under a cursor that hides it, seen while it was dark.
    under: Option<(Cursor, char)>,
}

impl Reader {
    /// One that has seen nothing.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The text of the next picture; `None` while it shows no text console.
    pub fn feed(&mut self, picture: &Arc<Picture>) -> Option<Recovered> {
        if picture.rgb.len() != picture.width as usize * picture.height as usize * 3 {
            return None;
        }
        self.compared = 0;
        let same = self.last.take().filter(|(_, old)| (old.width, old.height) == (picture.width, picture.height));
        let read = match same {
            Some((grid, old)) => self.again(grid, &old, picture).then_some(grid),
            None => None,
        };
        let grid = match read {
            Some(grid) => grid,
            None => Grid::of(picture.width, picture.height).find(|grid| self.whole(*grid, picture))?,
        };
        self.last = Some((grid, picture.clone()));
        Some(self.recovered(grid))
    }

    /// Reads all cells of a picture; whether it is text.
    fn whole(&mut self, grid: Grid, picture: &Picture) -> bool {
        self.ground = ground(grid, picture);
        self.cells.clear();
        self.cursor = None;
        self.under = None;
        if self.sample(grid, picture).is_some_and(|share| share < ENTER) {
            return false;
        }
        self.cells.resize(grid.cells(), Read::NONE);
        for row in 0..grid.rows {
            self.row(grid, picture, row);
        }
        self.share().map_or_else(|| grid.is_card(), |share| share >= ENTER)
    }

    /// Reads the rows of cells that changed; whether it is still text.
    fn again(&mut self, grid: Grid, old: &Picture, picture: &Picture) -> bool {
        let changed: Vec<u16> = (0..grid.rows)
            .filter(|row| {
                let band = grid.band(*row, picture);
                old.rgb.get(band.clone()) != picture.rgb.get(band)
            })
            .collect();
        if changed.len() * 2 > usize::from(grid.rows) {
            let ground = ground(grid, picture);
            if self.sample(grid, picture).is_some_and(|share| share < STAY) {
                return false;
            }
            if std::mem::replace(&mut self.ground, ground) != ground {
                (0..grid.rows).for_each(|row| self.row(grid, picture, row));
                return self.share().is_none_or(|share| share >= STAY);
            }
        }
        for row in changed {
            self.row(grid, picture, row);
        }
        self.share().is_none_or(|share| share >= STAY)
    }

    fn row(&mut self, grid: Grid, picture: &Picture, row: u16) {
        let from = usize::from(row) * usize::from(grid.columns);
        for column in 0..grid.columns {
            let read = self.cell(grid, picture, column, row);
            if let Some(cell) = self.cells.get_mut(from + usize::from(column)) {
                *cell = read;
            }
        }
    }

    fn cell(&mut self, grid: Grid, picture: &Picture, column: u16, row: u16) -> Read {
        let Some(cut) = Cut::of(grid, picture, column, row) else {
            return Read { kind: Kind::Unknown, ch: UNREADABLE, ..Read::NONE };
        };
        if cut.is_flat() || cut.shape == 0 {
            return Read { kind: Kind::Blank, ch: ' ', fg: cut.first, bg: cut.first };
        }
        let font = grid.font();
        let told = |kind, meaning, covered| {
            let told = cut.told(grid, meaning, covered, self.ground)?;
            Some((Read { kind, ch: told.ch, fg: told.fg, bg: told.bg }, told.sure))
        };
        let exact = font.exact(cut.shape).and_then(|meaning| told(Kind::Exact, meaning, 0));
        if let Some((read, true)) = exact {
            return read;
        }
        let full = cut.full(grid);
        if full != 0 {
            // What is under it is blank, or a character that is the same in all other rows.
            let blank = cut.shape & !full == 0;
            let here = usize::from(row) * usize::from(grid.columns) + usize::from(column);
            let before = self.cells.get(here).map(|cell| cell.ch);
            let meaning = if blank { None } else { font.outside(cut.shape, full, before) };
            if blank && cut.ninth.count_ones() * 8 <= full.count_ones() {
                return Read { kind: Kind::Covered, ch: ' ', fg: cut.other, bg: cut.first };
            }
            if let Some((read, true)) = meaning.and_then(|meaning| told(Kind::Covered, meaning, full)) {
                return read;
            }
        }
        if let Some((read, _)) = exact {
            return Read { kind: Kind::Near, ..read };
        }
        let near = self.nearest(grid, cut.shape).and_then(|meaning| cut.told(grid, meaning, 0, self.ground));
        // Under a cursor, a character that stood there before still does.
        let here = usize::from(row) * usize::from(grid.columns) + usize::from(column);
        let before = self.cells.get(here).filter(|cell| full != 0 && !matches!(cell.kind, Kind::Blank | Kind::Unknown));
        match near {
            None if before.is_some() => {
                Read { kind: Kind::Covered, ch: before.map_or(' ', |cell| cell.ch), fg: cut.other, bg: cut.first }
            }
            Some(told) => Read { kind: Kind::Near, ch: told.ch, fg: told.fg, bg: told.bg },
            None => Read { kind: Kind::Unknown, ch: UNREADABLE, fg: cut.other, bg: cut.first },
        }
    }

    fn nearest(&mut self, grid: Grid, shape: Shape) -> Option<Meaning> {
        if let Some(known) = self.near.get(&shape) {
            return *known;
        }
        self.compared += 1;
        if self.compared > MOST_NEAR {
            return None;
        }
        if self.near.len() >= MOST_REMEMBERED {
            self.near.clear();
        }
        let found = grid.font().near(shape, NEAR);
        self.near.insert(shape, found);
        found
    }

    /// The share of known cells among some that are spread over the picture; `None` where all of them
    /// are blank.
    fn sample(&mut self, grid: Grid, picture: &Picture) -> Option<f32> {
        // A step that shares no factor with the columns walks through all of them.
        let step = (grid.cells() / SAMPLE).max(1) | 1;
        let reads: Vec<Read> = (0..grid.cells())
            .step_by(step)
            .filter_map(|at| {
                let column = u16::try_from(at % usize::from(grid.columns)).ok()?;
                let row = u16::try_from(at / usize::from(grid.columns)).ok()?;
                Some(self.cell(grid, picture, column, row))
            })
            .collect();
        share(&reads)
    }

    fn share(&self) -> Option<f32> {
        share(&self.cells)
    }

    fn recovered(&mut self, grid: Grid) -> Recovered {
        let mut out = Recovered { mode: grid.mode, ..Recovered::default() };
        for cell in &self.cells {
            match cell.kind {
                Kind::Blank => {}
                Kind::Exact | Kind::Covered => out.exact += 1,
                Kind::Near => out.near += 1,
                Kind::Unknown => out.unknown += 1,
            }
        }
        let seen = self.find_cursor(grid);
        // Blank cells keep the colour of the text before them: a terminal is told of no change then.
        let mut ink = Ink::Default;
        let mut cells: Vec<Cell> = self
            .cells
            .iter()
            .map(|read| {
                if read.ch != ' ' {
                    ink = palette::ink(read.fg);
                }
                let bg = palette::ink(read.bg);
                Cell { ch: read.ch, marks: None, fg: ink, bg, attrs: Attrs::default(), width: Width::One }
            })
            .collect();
        if let Some((at, hides)) = seen {
            let place = usize::from(at.row) * usize::from(grid.columns) + usize::from(at.column);
            let below = self.under.filter(|(cursor, _)| *cursor == at).map(|(_, ch)| ch);
            if let (Some(cell), Some(read)) = (cells.get_mut(place), self.cells.get(place)) {
                cell.bg = palette::ink(self.ground);
                if hides {
                    cell.ch = if read.kind == Kind::Blank { below.unwrap_or(' ') } else { read.ch };
                    if cell.ch != ' ' {
                        cell.fg = palette::ink(read.bg);
                    }
                } else {
                    cell.bg = palette::ink(read.bg);
                }
            }
        }
        self.follow(grid, seen.map(|(at, _)| at));
        out.screen = Screen {
            rows: grid.rows,
            columns: grid.columns,
            cells,
            cursor: self.cursor.map(|(at, _)| at),
            ..Screen::default()
        };
        out
    }

    /// Where the cursor is, and whether it hides the character. Two cells that look like it are none.
    fn find_cursor(&self, grid: Grid) -> Option<(Cursor, bool)> {
        let mut covered =
            self.cells.iter().enumerate().filter(|(_, cell)| cell.kind == Kind::Covered || cell.ch == '▁');
        let place = |at: usize| {
            let columns = usize::from(grid.columns);
            Some(Cursor { row: u16::try_from(at / columns).ok()?, column: u16::try_from(at % columns).ok()? })
        };
        match (covered.next(), covered.next()) {
            (Some((at, _)), None) => return Some((place(at)?, false)),
            (Some(_), Some(_)) => return None,
            (None, _) => {}
        }
        // A block: the only cell with another ground, and none of its neighbours has one.
        let columns = usize::from(grid.columns);
        let ground = |at: Option<usize>| at.and_then(|at| self.cells.get(at)).is_none_or(|cell| cell.bg == self.ground);
        let mut blocks = self.cells.iter().enumerate().filter(|(_, cell)| cell.bg != self.ground);
        let (at, _) = blocks.next()?;
        let alone = ground(at.checked_sub(1)) && ground(Some(at + 1)) && ground(at.checked_sub(columns));
        (blocks.next().is_none() && alone).then_some((place(at)?, true))
    }

    /// Keeps the place of a cursor that is dark for a moment.
    fn follow(&mut self, grid: Grid, seen: Option<Cursor>) {
        match (seen, self.cursor) {
            (Some(at), held) => {
                if held.is_none_or(|(cursor, _)| cursor != at) {
                    self.under = None;
                }
                self.cursor = Some((at, 0));
            }
            (None, Some((at, dark))) if dark < BLINKS => {
                self.cursor = Some((at, dark + 1));
                let place = usize::from(at.row) * usize::from(grid.columns) + usize::from(at.column);
                self.under = self.cells.get(place).map(|cell| (at, cell.ch));
            }
            (None, _) => {
                self.cursor = None;
                self.under = None;
            }
        }
    }
}

fn share(cells: &[Read]) -> Option<f32> {
    let (mut known, mut all) = (0.0, 0.0);
    for cell in cells {
        let weight = match cell.kind {
            Kind::Blank => continue,
            Kind::Exact | Kind::Covered => 1.0,
            Kind::Near => 0.7,
            Kind::Unknown => 0.0,
        };
        known += weight;
        all += 1.0_f32;
    }
    (all > 0.0).then(|| if few_colours(cells) { known / all } else { 0.0 })
}

/// Whether there are no more colours than a text console has: areas and gradients can look like block
/// characters.
fn few_colours(cells: &[Read]) -> bool {
    let mut seen: Vec<Rgb> = Vec::with_capacity(MOST_COLOURS + 1);
    for cell in cells.iter().filter(|cell| cell.kind != Kind::Unknown) {
        for rgb in [cell.bg, cell.fg] {
            if seen.last() != Some(&rgb) && !seen.contains(&rgb) {
                seen.push(rgb);
            }
        }
        if seen.len() > MOST_COLOURS {
            return false;
        }
    }
    true
}

/// The colour that most cells begin with.
fn ground(grid: Grid, picture: &Picture) -> Rgb {
    let (wide, high) = grid.mode.cell();
    let mut counts: Vec<(Rgb, u32)> = Vec::new();
    for row in 0..u32::from(grid.rows) {
        for column in (row % 3..u32::from(grid.columns)).step_by(3) {
            let rgb = picture.pixel(column * wide, row * high);
            if let Some((_, count)) = counts.iter_mut().find(|(known, _)| *known == rgb) {
                *count += 1;
            } else if counts.len() < 32 {
                counts.push((rgb, 1));
            }
        }
    }
    counts.into_iter().max_by_key(|(_, count)| *count).map(|(rgb, _)| rgb).unwrap_or_default()
}
