//! What a slow line shows and what it is to show, so that no byte is spent on what is there already
//! and a frame can be sent in pieces: the first of them is on its way at once, and what the next one
//! holds is decided when the line is free again.
//!
//! Only what a VT220 knows is sent: absolute and forward moves, erasing to the end of a line (EL)
//! and some characters (ECH), attributes and the colours it ignores. Nothing beyond ASCII.

use std::fmt::Write as _;

use ratatui::style::{Color, Modifier};

use super::encoder::{PLAIN, Pen};

/// Attributes that can be seen on a blank.
const SEEN: Modifier =
    Modifier::UNDERLINED.union(Modifier::REVERSED).union(Modifier::CROSSED_OUT).union(Modifier::SLOW_BLINK);

/// Unchanged cells between two changed ones that are printed again: shorter than a move over them.
const BRIDGE: usize = 3;

/// Blanks from which erasing is shorter than printing them, with the move behind them.
const ERASE: usize = 9;

/// A cell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Glyph {
    sign: u8,
    pen: Pen,
}

const BLANK: Glyph = Glyph { sign: b' ', pen: PLAIN };

impl Glyph {
    /// Whether nothing can be seen of it but its ground.
    fn is_blank(self) -> bool {
        self.sign == b' ' && !self.pen.modifier.intersects(SEEN)
    }

    /// Whether two look the same: of a blank only the ground is seen.
    fn looks_like(self, other: Self) -> bool {
        self == other || (self.is_blank() && other.is_blank() && self.pen.bg == other.pen.bg)
    }

    /// Whether erasing leaves this.
    fn is_erased(self) -> bool {
        self.is_blank() && self.pen.bg == Color::Reset
    }
}

/// How many bytes a piece may take, and how many are still to come.
#[derive(Debug)]
pub(super) struct Slow {
    width: usize,
    wanted: Vec<Glyph>,
    shown: Vec<Glyph>,
    /// Where a sign of two columns begins: whoever takes its place has to see to the second.
    wide: Vec<bool>,
    /// Something wanted is not shown yet.
    behind: bool,
}

/// Where the pen and the cursor of the terminal are.
pub(super) struct Line<'a> {
    pub(super) pen: &'a mut Option<Pen>,
    pub(super) at: &'a mut Option<(u16, u16)>,
    pub(super) out: &'a mut String,
}

impl Slow {
    /// Nothing on a screen of columns and rows.
    pub(super) fn new(width: u16, height: u16) -> Self {
        let cells = usize::from(width) * usize::from(height);
        Self {
            width: usize::from(width),
            wanted: vec![BLANK; cells],
            shown: vec![BLANK; cells],
            wide: vec![false; cells],
            behind: false,
        }
    }

    /// The terminal was cleared.
    pub(super) fn clear(&mut self, width: u16, height: u16) {
        *self = Self::new(width, height);
    }

    /// Whether something wanted is not shown yet.
    pub(super) const fn behind(&self) -> bool {
        self.behind
    }

    /// A cell is to look so. The ground of the console's theme, light grey on black, is the
    /// terminal's own: naming it at every change would only cost bytes.
    pub(super) fn want(&mut self, x: u16, y: u16, symbol: &str, pen: Pen) {
        let wide = unicode_width::UnicodeWidthStr::width(symbol).clamp(1, 2);
        let sign = match symbol.as_bytes() {
            [sign] if (0x20..0x7f).contains(sign) => *sign,
            _ => b'?',
        };
        let fg = if pen.fg == Color::Gray { Color::Reset } else { pen.fg };
        let bg = if pen.bg == Color::Black { Color::Reset } else { pen.bg };
        let start = usize::from(y) * self.width + usize::from(x);
        let room = self.width.saturating_sub(usize::from(x)).min(wide);
        let was_wide = self.wide.get_mut(start).is_some_and(|w| std::mem::replace(w, wide == 2));
        if was_wide
            && wide == 1
            && let Some(second) = self.wanted.get_mut(start + 1)
        {
            *second = BLANK;
        }
        for cell in self.wanted.iter_mut().skip(start).take(room) {
            *cell = Glyph { sign, pen: Pen { fg, bg, ..pen } };
        }
        self.behind = true;
    }

    /// Writes what is most worth seeing of what is missing, from the top, until `budget` bytes are
    /// used; a little more, so that what is begun is not left in the middle.
    pub(super) fn emit(&mut self, line: &mut Line<'_>, budget: usize) {
        let width = self.width.max(1);
        let rows = self.wanted.len() / width;
        for y in 0..rows {
            let mut x = 0;
            while x < width {
                let Some(run) = self.differs(y, x) else { break };
                if line.out.len() >= budget {
                    return;
                }
                x = self.run(y, run, line);
            }
        }
        self.behind = false;
    }

    fn cell(&self, y: usize, x: usize) -> (Glyph, Glyph) {
        let i = y * self.width + x;
        (self.wanted.get(i).copied().unwrap_or(BLANK), self.shown.get(i).copied().unwrap_or(BLANK))
    }

    fn same(&self, y: usize, x: usize) -> bool {
        let (wanted, shown) = self.cell(y, x);
        wanted.looks_like(shown)
    }

    /// The first column from `x` on that looks different.
    fn differs(&self, y: usize, x: usize) -> Option<usize> {
        (x..self.width).find(|x| !self.same(y, *x))
    }

    fn set_shown(&mut self, y: usize, x: usize) {
        let i = y * self.width + x;
        if let (Some(shown), Some(wanted)) = (self.shown.get_mut(i), self.wanted.get(i)) {
            *shown = *wanted;
        }
    }

    /// Brings a place up to date, as far as one step goes; the column after it.
    fn run(&mut self, y: usize, x: usize, line: &mut Line<'_>) -> usize {
        let width = self.width;
        let blanks = (x..width).take_while(|x| self.cell(y, *x).0.is_erased()).count();
        if x + blanks == width && blanks > 4 {
            go(line, x, y);
            plain_ground(line);
            line.out.push_str("\x1b[K");
            (x..width).for_each(|x| self.set_shown(y, x));
            return width;
        }
        // Of blanks at the end of which something stays, those up to the last that changes.
        let changed = (x..x + blanks).rev().find(|x| !self.same(y, *x)).map_or(0, |last| last + 1 - x);
        if changed >= ERASE {
            go(line, x, y);
            plain_ground(line);
            let _ = write!(line.out, "\x1b[{changed}X");
            (x..x + changed).for_each(|x| self.set_shown(y, x));
            return x + changed;
        }
        self.print(y, x, line);
        let mut next = x + 1;
        // Over a short gap it is printed on, where no pen has to be changed for it.
        if let Some(after) = self.differs(y, next).filter(|after| *after > next && after - next <= BRIDGE) {
            let pen = line.pen.unwrap_or(PLAIN);
            let cheap = (next..after).all(|x| {
                let (cell, _) = self.cell(y, x);
                cell.pen == pen || (cell.is_blank() && cell.pen.bg == pen.bg && !pen.modifier.intersects(SEEN))
            });
            if cheap && line.at.is_some() {
                (next..after).for_each(|x| self.print(y, x, line));
                next = after;
            }
        }
        next
    }

    fn print(&mut self, y: usize, x: usize, line: &mut Line<'_>) {
        let (cell, _) = self.cell(y, x);
        go(line, x, y);
        let pen = line.pen.unwrap_or(PLAIN);
        let unseen = cell.is_blank() && line.pen.is_some() && pen.bg == cell.pen.bg && !pen.modifier.intersects(SEEN);
        if !unseen {
            set_pen(line, cell.pen);
        }
        line.out.push(char::from(cell.sign));
        // In the last column the cursor waits before the margin.
        let at = (u16::try_from(x + 1).unwrap_or(u16::MAX), u16::try_from(y).unwrap_or(u16::MAX));
        *line.at = (x + 1 < self.width).then_some(at);
        self.set_shown(y, x);
    }
}

/// Puts the cursor at a place by the shortest way a VT220 knows.
pub(super) fn go(line: &mut Line<'_>, x: usize, y: usize) {
    let to = (u16::try_from(x).unwrap_or(u16::MAX), u16::try_from(y).unwrap_or(u16::MAX));
    let _ = match *line.at {
        Some(at) if at == to => return,
        Some((ax, ay)) if ay == to.1 && ax < to.0 => match to.0 - ax {
            1 => write!(line.out, "\x1b[C"),
            n => write!(line.out, "\x1b[{n}C"),
        },
        Some((_, ay)) if ay == to.1 && to.0 == 0 => write!(line.out, "\r"),
        // A line end moves down and never scrolls here: there is a line below.
        Some((_, ay)) if ay + 1 == to.1 && to.0 == 0 => write!(line.out, "\r\n"),
        _ if to.0 == 0 => write!(line.out, "\x1b[{}H", to.1 + 1),
        _ => write!(line.out, "\x1b[{};{}H", to.1 + 1, to.0 + 1),
    };
    *line.at = Some(to);
}

/// Erasing leaves the ground of the pen on some terminals.
fn plain_ground(line: &mut Line<'_>) {
    if line.pen.is_none_or(|pen| pen.bg != Color::Reset || pen.modifier.intersects(SEEN)) {
        set_pen(line, PLAIN);
    }
}

fn set_pen(line: &mut Line<'_>, pen: Pen) {
    if *line.pen != Some(pen) {
        super::encoder::write_pen(line.out, *line.pen, pen);
        *line.pen = Some(pen);
    }
}
