//! What a console shows: characters of a terminal, or a picture. Who made it (an emulator fed by a
//! serial line, text recovered from a VGA screen, a VNC server) makes no difference to who draws it,
//! searches it or copies from it.

use std::sync::Arc;

use super::ids::SourceName;

/// A console that is open in this program.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ConsoleId(pub u64);

/// Kinds of consoles.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ConsoleKind {
    /// A serial line, shown by a terminal emulator.
    Serial,
    /// The screen of a graphics card, over VNC.
    Vnc,
}

impl ConsoleKind {
    /// As a word.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Serial => "serial",
            Self::Vnc => "vnc",
        }
    }
}

/// A colour of a cell.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Ink {
    /// That of the terminal.
    #[default]
    Default,
    /// Of the palette: 0 to 7 the ANSI colours, 8 to 15 the bright ones, then xterm's 240.
    Index(u8),
    /// Red, green, blue.
    Rgb(u8, u8, u8),
}

/// Attributes of a cell, as bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Attrs(pub u8);

impl Attrs {
    /// Bold.
    pub const BOLD: u8 = 1;
    /// Dim.
    pub const DIM: u8 = 2;
    /// Italic.
    pub const ITALIC: u8 = 4;
    /// Underlined.
    pub const UNDERLINE: u8 = 8;
    /// Foreground and background change places.
    pub const INVERSE: u8 = 16;

    /// Whether it has one of them.
    #[must_use]
    pub const fn has(self, bit: u8) -> bool {
        self.0 & bit != 0
    }
}

/// How many columns a cell takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Width {
    /// One.
    #[default]
    One,
    /// Two: the next cell is its second half.
    Two,
    /// The second half of the cell before.
    Rest,
}

/// One cell: printable text only. Whoever makes a cell has left out control characters, escape
/// sequences and bidirectional overrides: what a guest prints never reaches a terminal raw.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct Cell {
    /// The character; `'\0'` and `' '` are blank.
    pub ch: char,
    /// Marks that combine with it; nearly always none.
    pub marks: Option<Box<str>>,
    /// Foreground.
    pub fg: Ink,
    /// Background.
    pub bg: Ink,
    /// Attributes.
    pub attrs: Attrs,
    /// Columns.
    pub width: Width,
}

/// How a cursor looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Cursor {
    /// Row from the top, from 0.
    pub row: u16,
    /// Column from the left, from 0.
    pub column: u16,
}

/// A screenful of characters.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Screen {
    /// Rows.
    pub rows: u16,
    /// Columns.
    pub columns: u16,
    /// Row by row, `rows * columns` of them.
    pub cells: Vec<Cell>,
    /// Where the cursor stands; `None` while it is hidden or scrolled out of sight.
    pub cursor: Option<Cursor>,
    /// Lines above what is shown that can be scrolled to.
    pub above: u32,
    /// Lines that this is scrolled up.
    pub scrolled: u32,
    /// The number of the first row shown, counted from the first line that the console ever had, so
    /// that a [`Place`] keeps its line while output moves on. 0 where there is no scrollback.
    pub top: u64,
}

impl Screen {
    /// The cells of a row; nothing beyond the last row.
    #[must_use]
    pub fn row(&self, row: u16) -> &[Cell] {
        let columns = usize::from(self.columns);
        let from = usize::from(row) * columns;
        self.cells.get(from..from + columns).unwrap_or(&[])
    }

    /// The text of a row without blanks at its end.
    #[must_use]
    pub fn line(&self, row: u16) -> String {
        let mut out = String::new();
        for cell in self.row(row) {
            match cell.width {
                Width::Rest => {}
                _ if cell.ch == '\0' => out.push(' '),
                _ => {
                    out.push(cell.ch);
                    out.push_str(cell.marks.as_deref().unwrap_or(""));
                }
            }
        }
        out.truncate(out.trim_end().len());
        out
    }

    /// The text of all rows, a line each, without blank lines at the end.
    #[must_use]
    pub fn text(&self) -> String {
        let lines: Vec<String> = (0..self.rows).map(|row| self.line(row)).collect();
        let used = lines.iter().rposition(|line| !line.is_empty()).map_or(0, |last| last + 1);
        lines.get(..used).unwrap_or(&[]).join("\n")
    }
}

/// A cell of a console, by a line number that stays the same while output moves on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Place {
    /// The line, counted from the first one that the console ever had.
    pub line: u64,
    /// Column from the left, from 0.
    pub column: u16,
}

/// Cells from one place to another as text is read, both of them in it, in any order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Selection {
    /// Where it was begun.
    pub from: Place,
    /// Where it ends.
    pub to: Place,
}

impl Selection {
    /// The columns of a line that are in it, first and last; `None` where there is none.
    #[must_use]
    pub fn columns(&self, line: u64, columns: u16) -> Option<(u16, u16)> {
        let last = columns.checked_sub(1)?;
        let (from, to) = (self.from.min(self.to), self.from.max(self.to));
        if !(from.line..=to.line).contains(&line) {
            return None;
        }
        let first = if line == from.line { from.column } else { 0 };
        let end = if line == to.line { to.column } else { last };
        (first <= last && first <= end).then_some((first, end.min(last)))
    }
}

/// A text that was found: the cells from the first to the last, both of them in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Found {
    /// First cell.
    pub from: Place,
    /// Last cell.
    pub to: Place,
}

impl Found {
    /// The same as a selection.
    #[must_use]
    pub const fn selection(self) -> Selection {
        Selection { from: self.from, to: self.to }
    }
}

/// A key for a console, whatever it becomes there: bytes on a serial line, key symbols over VNC.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ConsoleKey {
    /// A character as it was typed, shift already in it.
    Char(char),
    /// F1 to F24.
    F(u8),
    /// Enter.
    Enter,
    /// Escape.
    Esc,
    /// Tab.
    Tab,
    /// Backspace.
    Backspace,
    /// Delete.
    Delete,
    /// Insert.
    Insert,
    /// Home.
    Home,
    /// End.
    End,
    /// Page up.
    PageUp,
    /// Page down.
    PageDown,
    /// Up.
    Up,
    /// Down.
    Down,
    /// Left.
    Left,
    /// Right.
    Right,
    /// Print screen, which is also the magic `SysRq` key.
    Print,
    /// Pause.
    Pause,
    /// Menu.
    Menu,
    /// The 5 of a keypad without num lock.
    Begin,
}

/// A key with its modifiers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Stroke {
    /// The key.
    pub key: ConsoleKey,
    /// Shift; of a character it is already in the character.
    pub shift: bool,
    /// Alt.
    pub alt: bool,
    /// Control.
    pub ctrl: bool,
    /// The logo key.
    pub logo: bool,
}

impl Stroke {
    /// A key without modifiers.
    #[must_use]
    pub const fn plain(key: ConsoleKey) -> Self {
        Self { key, shift: false, alt: false, ctrl: false, logo: false }
    }
}

/// A picture, three bytes a pixel (red, green, blue), row by row.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Picture {
    /// Pixels a row.
    pub width: u32,
    /// Rows.
    pub height: u32,
    /// `width * height * 3` bytes.
    pub rgb: Vec<u8>,
}

impl Picture {
    /// A black picture.
    #[must_use]
    pub fn new(width: u32, height: u32) -> Self {
        Self { width, height, rgb: vec![0; width as usize * height as usize * 3] }
    }

    /// A pixel; black beyond the edges.
    #[must_use]
    pub fn pixel(&self, x: u32, y: u32) -> [u8; 3] {
        if x >= self.width || y >= self.height {
            return [0; 3];
        }
        let at = (y as usize * self.width as usize + x as usize) * 3;
        match self.rgb.get(at..at + 3) {
            Some(&[r, g, b]) => [r, g, b],
            _ => [0; 3],
        }
    }
}

/// What a console shows now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Image {
    /// Characters.
    Screen(Arc<Screen>),
    /// A picture.
    Picture(Arc<Picture>),
}

/// Which console of which machine.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct ConsoleTarget {
    /// Source that the host is.
    pub source: SourceName,
    /// UUID of the machine.
    pub uuid: String,
    /// Its name, for people.
    pub name: String,
    /// Serial line or screen.
    pub kind: ConsoleKind,
    /// Alias of the serial device; empty for the first one.
    pub device: String,
}

impl ConsoleTarget {
    /// Canonical name of the machine.
    #[must_use]
    pub fn canonical(&self) -> String {
        format!("{}/vm/{}", self.source, self.name)
    }
}

/// How a console stands.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum ConsolePhase {
    /// It is being opened.
    #[default]
    Opening,
    /// It is open.
    Open,
    /// Somebody else has it, outside of noctule; it can be taken over. In the host's words.
    Held(String),
    /// It has ended, and why. What it showed stays.
    Ended(String),
}

/// Who looks at a console that is shared.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Presence {
    /// Those who look, ourselves included, in the order they came.
    pub viewers: Vec<String>,
    /// Who may type; nobody while `None`.
    pub control: Option<String>,
    /// Whether that is us.
    pub ours: bool,
    /// Who asks for control.
    pub wants: Option<String>,
}

/// News of a console.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ConsoleNews {
    /// It stands otherwise.
    Phase(ConsolePhase),
    /// It shows something else.
    Image(Image),
    /// What a search found, and shows now; `None`: nothing.
    Found(Option<Found>),
    /// All places of what was looked for in what is shown.
    Hits(Vec<Found>),
    /// The text that was asked for.
    Copied(String),
    /// The guest rang.
    Bell,
    /// What the guest calls it.
    Title(String),
    /// Text that the guest put on its clipboard.
    Clipboard(String),
    /// Who looks at it.
    Presence(Presence),
    /// The file that what it shows is recorded in; `None`: in none.
    Recording(Option<String>),
    /// Something to tell.
    Note(String),
}
