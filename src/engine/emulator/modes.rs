//! What a guest has asked its terminal to do differently: what keys send, what the mouse tells, how a
//! paste is marked.

/// What the mouse tells a guest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Mouse {
    /// Nothing.
    #[default]
    Off,
    /// Buttons going down.
    Press,
    /// Buttons going down and up.
    Click,
    /// Also the way of the mouse while a button is down.
    Drag,
    /// Every move.
    Motion,
}

/// Modes of the terminal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Modes {
    /// Arrow keys send `ESC O A` instead of `ESC [ A`.
    pub application_cursor: bool,
    /// The keypad sends sequences instead of digits.
    pub application_keypad: bool,
    /// A paste is put between `ESC [ 200 ~` and `ESC [ 201 ~`.
    pub bracketed_paste: bool,
    /// What the mouse tells.
    pub mouse: Mouse,
    /// In decimal numbers, so that columns beyond 223 can be told.
    pub mouse_sgr: bool,
    /// The cursor is not shown.
    pub cursor_hidden: bool,
    /// The screen without scrollback, of editors and pagers.
    pub alternate: bool,
    /// Foreground and background of the whole screen change places.
    pub reverse: bool,
    /// Enter sends CR and LF.
    pub newline: bool,
    /// Written characters push what stands there to the right.
    pub(super) insert: bool,
    /// Rows are counted from the top of the region.
    pub(super) origin: bool,
    /// Text that is too long goes on in the next row.
    pub(super) wraps: bool,
}

impl Default for Modes {
    fn default() -> Self {
        Self {
            application_cursor: false,
            application_keypad: false,
            bracketed_paste: false,
            mouse: Mouse::Off,
            mouse_sgr: false,
            cursor_hidden: false,
            alternate: false,
            reverse: false,
            newline: false,
            insert: false,
            origin: false,
            wraps: true,
        }
    }
}

impl Modes {
    /// The answer to a guest that asks for a mode: 1 set, 2 not set, 0 not known.
    pub(super) fn asked(self, private: bool, number: u16) -> u8 {
        let on = match (private, number) {
            (true, 1) => self.application_cursor,
            (true, 5) => self.reverse,
            (true, 6) => self.origin,
            (true, 7) => self.wraps,
            (true, 9) => self.mouse == Mouse::Press,
            (true, 25) => !self.cursor_hidden,
            (true, 47 | 1047 | 1049) => self.alternate,
            (true, 66) => self.application_keypad,
            (true, 1000) => self.mouse == Mouse::Click,
            (true, 1002) => self.mouse == Mouse::Drag,
            (true, 1003) => self.mouse == Mouse::Motion,
            (true, 1006) => self.mouse_sgr,
            (true, 2004) => self.bracketed_paste,
            (false, 4) => self.insert,
            (false, 20) => self.newline,
            _ => return 0,
        };
        if on { 1 } else { 2 }
    }
}
