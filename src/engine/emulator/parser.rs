//! Cuts what a guest sends into characters, controls and escape sequences, after the state machine of
//! DEC's terminals. It remembers only what it must, whatever is sent: parameters and strings are
//! bounded, and what a terminal has no business doing for a guest (strings for printers, graphics,
//! clipboards) ends here. Bytes of eight bits are UTF-8; what is none becomes U+FFFD.

/// Most parameters of a sequence; more are left out.
const MOST_PARAMS: usize = 32;
/// Most bytes of a command for the operating system (a title) that are kept.
const MOST_OSC: usize = 1024;

/// What becomes of the pieces.
pub(super) trait Act {
    /// Printable ASCII, at least one byte.
    fn ascii(&mut self, run: &[u8]);
    /// A character beyond ASCII.
    fn print(&mut self, c: char);
    /// A control of the first 32, except ESC.
    fn control(&mut self, byte: u8);
    /// An escape sequence: at most one intermediate (0 for none) and its final byte.
    fn escape(&mut self, intermediate: u8, last: u8);
    /// A control sequence.
    fn sequence(&mut self, csi: &Csi, last: u8);
    /// A command for the operating system, cut off after a bound.
    fn command(&mut self, text: &[u8]);
}

/// Parameters of a control sequence.
#[derive(Debug, Clone)]
pub(super) struct Csi {
    /// `?`, `>`, `=` or `<` before the parameters; 0 for none.
    pub(super) private: u8,
    /// The byte before the last one; 0 for none.
    pub(super) intermediate: u8,
    values: [u16; MOST_PARAMS],
    /// Bit n: parameter n was joined to the one before it by a colon.
    joined: u32,
    len: usize,
}

impl Csi {
    const EMPTY: Self = Self { private: 0, intermediate: 0, values: [0; MOST_PARAMS], joined: 0, len: 0 };

    /// The parameters; a missing one is 0.
    pub(super) fn values(&self) -> &[u16] {
        self.values.get(..self.len.min(MOST_PARAMS)).unwrap_or(&[])
    }

    /// Parameter `at`, or `default` where it is missing or 0.
    pub(super) fn get(&self, at: usize, default: u16) -> u16 {
        match self.values().get(at) {
            Some(0) | None => default,
            Some(value) => *value,
        }
    }

    /// Whether parameter `at` belongs to the one before it.
    pub(super) const fn is_joined(&self, at: usize) -> bool {
        at < MOST_PARAMS && self.joined & (1 << at) != 0
    }

    fn digit(&mut self, digit: u8) {
        self.len = self.len.max(1);
        if let Some(value) = self.values.get_mut(self.len - 1) {
            *value = value.saturating_mul(10).saturating_add(u16::from(digit));
        }
    }

    fn next(&mut self, joined: bool) {
        self.len = self.len.max(1);
        if self.len < MOST_PARAMS {
            self.joined |= u32::from(joined) << self.len;
            if let Some(value) = self.values.get_mut(self.len) {
                *value = 0;
            }
            self.len += 1;
        } else {
            // What follows belongs to no parameter.
            self.len = MOST_PARAMS + 1;
        }
    }

    fn clear(&mut self) {
        (self.private, self.intermediate, self.joined, self.len) = (0, 0, 0, 0);
        if let Some(first) = self.values.first_mut() {
            *first = 0;
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Ground,
    Escape,
    Csi,
    /// A sequence that is no good: ends with its last byte, does nothing.
    CsiIgnore,
    Osc,
    /// `ESC ] P`: the Linux console's palette, seven digits and no end.
    Palette(u8),
    /// DCS, SOS, PM, APC: up to ST, dropped.
    Drop,
}

/// The state machine.
#[derive(Debug, Clone)]
pub(super) struct Parser {
    state: State,
    csi: Csi,
    intermediate: u8,
    osc: Vec<u8>,
    partial: [u8; 4],
    partial_len: usize,
}

impl Parser {
    /// At the start of a stream.
    pub(super) const fn new() -> Self {
        Self {
            state: State::Ground,
            csi: Csi::EMPTY,
            intermediate: 0,
            osc: Vec::new(),
            partial: [0; 4],
            partial_len: 0,
        }
    }

    /// Whether what has come so far is whole: no sequence and no character is cut.
    pub(super) fn at_rest(&self) -> bool {
        self.state == State::Ground && self.partial_len == 0
    }

    /// Takes bytes.
    pub(super) fn feed(&mut self, mut bytes: &[u8], act: &mut impl Act) {
        while let Some((&byte, rest)) = bytes.split_first() {
            if self.partial_len > 0 {
                bytes = self.finish_partial(bytes, act);
            } else if self.state == State::Ground {
                bytes = self.ground(bytes, act);
            } else {
                self.step(byte, act);
                bytes = rest;
            }
        }
    }

    /// Text and controls from the front, up to an escape or a character beyond ASCII; returns what is
    /// left, which is always less.
    fn ground<'b>(&mut self, mut bytes: &'b [u8], act: &mut impl Act) -> &'b [u8] {
        loop {
            let (run, rest) = bytes.split_at_checked(printable(bytes)).unwrap_or((bytes, &[]));
            if !run.is_empty() {
                act.ascii(run);
            }
            let Some((&byte, after)) = rest.split_first() else { return rest };
            match byte {
                0x1b => {
                    self.state = State::Escape;
                    self.intermediate = 0;
                    return after;
                }
                0x00..0x20 => act.control(byte),
                0x7f => {}
                _ => return self.wide(rest, act),
            }
            bytes = after;
        }
    }

    /// Characters beyond ASCII from the front.
    fn wide<'b>(&mut self, bytes: &'b [u8], act: &mut impl Act) -> &'b [u8] {
        let high = bytes.iter().position(|b| *b < 0x80).unwrap_or(bytes.len());
        let (run, rest) = bytes.split_at_checked(high).unwrap_or((bytes, &[]));
        let mut chunks = run.utf8_chunks().peekable();
        while let Some(chunk) = chunks.next() {
            chunk.valid().chars().for_each(|c| act.print(c));
            let bad = chunk.invalid();
            if bad.is_empty() {
                break;
            }
            // Cut off at the end of what has come so far: the rest may be on its way.
            let last = rest.is_empty() && chunks.peek().is_none();
            let begun = std::str::from_utf8(bad).is_err_and(|why| why.error_len().is_none());
            if let (true, Some(partial)) = (last && begun, self.partial.get_mut(..bad.len())) {
                partial.copy_from_slice(bad);
                self.partial_len = bad.len();
                return rest;
            }
            act.print('\u{fffd}');
        }
        rest
    }

    /// Completes a character that the bytes before were cut in.
    fn finish_partial<'b>(&mut self, mut bytes: &'b [u8], act: &mut impl Act) -> &'b [u8] {
        while let Some((&byte, rest)) = bytes.split_first() {
            let len = self.partial_len;
            let Some(slot) = self.partial.get_mut(len) else { break };
            *slot = byte;
            match std::str::from_utf8(self.partial.get(..=len).unwrap_or(&[])) {
                Ok(text) => {
                    text.chars().for_each(|c| act.print(c));
                    self.partial_len = 0;
                    return rest;
                }
                Err(why) if why.error_len().is_none() => {
                    self.partial_len += 1;
                    bytes = rest;
                }
                Err(_) => break,
            }
        }
        if !bytes.is_empty() {
            self.partial_len = 0;
            act.print('\u{fffd}');
        }
        bytes
    }

    fn step(&mut self, byte: u8, act: &mut impl Act) {
        match (self.state, byte) {
            // Anywhere: cancel, and the start of the next sequence.
            (_, 0x18 | 0x1a) => self.state = State::Ground,
            (state, 0x1b) => {
                if state == State::Osc {
                    act.command(&self.osc);
                }
                self.state = State::Escape;
                self.intermediate = 0;
            }
            (State::Osc, _) => self.osc(byte, act),
            (State::Palette(left), _) => {
                if byte.is_ascii_hexdigit() {
                    self.state = if left <= 1 { State::Ground } else { State::Palette(left - 1) };
                } else {
                    self.state = State::Ground;
                    self.ground(&[byte], act);
                }
            }
            // Nobody reads it; nor has a sequence a DEL in it.
            (State::Drop, _) | (_, 0x7f) => {}
            (_, 0x00..0x20) => act.control(byte),
            // Nor a byte of eight bits, which begins a character.
            (_, 0x80..) => {
                self.state = State::Ground;
                self.ground(&[byte], act);
            }
            (State::Escape, _) => self.escape(byte, act),
            (State::Csi, _) => self.csi(byte, act),
            (State::CsiIgnore, 0x40..) => self.state = State::Ground,
            (State::CsiIgnore | State::Ground, _) => {}
        }
    }

    fn escape(&mut self, byte: u8, act: &mut impl Act) {
        match byte {
            0x20..0x30 => self.intermediate = byte,
            b'[' if self.intermediate == 0 => {
                self.csi.clear();
                self.state = State::Csi;
            }
            b']' if self.intermediate == 0 => {
                self.osc.clear();
                self.state = State::Osc;
            }
            b'P' | b'X' | b'^' | b'_' if self.intermediate == 0 => self.state = State::Drop,
            _ => {
                self.state = State::Ground;
                act.escape(self.intermediate, byte);
            }
        }
    }

    fn csi(&mut self, byte: u8, act: &mut impl Act) {
        let csi = &mut self.csi;
        match byte {
            b'0'..=b'9' if csi.intermediate == 0 => csi.digit(byte - b'0'),
            b';' | b':' if csi.intermediate == 0 => csi.next(byte == b':'),
            0x3c..0x40 if csi.len == 0 && csi.private == 0 && csi.intermediate == 0 => csi.private = byte,
            0x20..0x30 if csi.intermediate == 0 => csi.intermediate = byte,
            0x20..0x40 => self.state = State::CsiIgnore,
            _ => {
                self.state = State::Ground;
                act.sequence(&self.csi, byte);
            }
        }
    }

    fn osc(&mut self, byte: u8, act: &mut impl Act) {
        match byte {
            0x07 => {
                act.command(&self.osc);
                self.state = State::Ground;
            }
            b'P' if self.osc.is_empty() => self.state = State::Palette(7),
            b'R' if self.osc.is_empty() => self.state = State::Ground,
            0x20.. if self.osc.len() < MOST_OSC => self.osc.push(byte),
            _ => {}
        }
    }
}

/// How many bytes from the front are printable ASCII; eight at a time, as most text is.
fn printable(bytes: &[u8]) -> usize {
    const ONES: u64 = 0x0101_0101_0101_0101;
    let mut at = 0;
    while let Some(eight) = bytes.get(at..).and_then(<[u8]>::first_chunk::<8>) {
        let word = u64::from_le_bytes(*eight);
        // The high bit of a byte is set where it is below a blank, from DEL on, or above a byte that is.
        if (word.wrapping_sub(ONES * 0x20) | word | word.wrapping_add(ONES)) & (ONES * 0x80) != 0 {
            break;
        }
        at += 8;
    }
    let rest = bytes.get(at..).unwrap_or(&[]);
    at + rest.iter().position(|b| !(0x20..0x7f).contains(b)).unwrap_or(rest.len())
}
