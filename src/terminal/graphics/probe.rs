//! Asks a terminal what it shows pictures with. Terminals answer where keys come from, so nobody else may
//! read meanwhile; what was typed in between is kept.
//!
//! First what every terminal answers: its attributes (DA1; 4 among them is sixel) and the size of its
//! cells. Only one that has answered is asked for kitty's protocol, whose answer would be a row of keys
//! to whoever reads it too late; and whoever does not wait any longer watches for it ([`Late`]).

use std::io;
use std::os::fd::{AsRawFd as _, OwnedFd};
use std::time::{Duration, Instant};

use crossterm::event::{Event, KeyCode, KeyEvent, KeyModifiers};
use mio::unix::SourceFd;
use mio::{Events, Interest, Poll, Token};

use super::{Ability, SIXEL};
use crate::config::schema::Pictures as Wanted;

/// The size of a cell, and DA1, which ends the answers.
const FIRST: &[u8] = b"\x1b[16t\x1b[c";
/// Whether a picture of one pixel would be taken.
const KITTY: &[u8] = b"\x1b_Gi=31,s=1,v=1,a=q,t=d,f=24;AAAA\x1b\\";
/// How many colours, and how large a picture, sixel may have.
const SIXEL_LIMITS: &[u8] = b"\x1b[?1;1;0S\x1b[?2;1;0S";
const END: &[u8] = b"\x1b[c";

/// How long the first answer may take: a terminal at the other end of a bad line takes a while, and one
/// that says nothing is not waited for.
pub const PATIENCE: Duration = Duration::from_millis(400);
/// The second one at least, whatever the first one took.
const AGAIN: Duration = Duration::from_millis(300);
/// Bytes that are read at most.
const MOST: usize = 4096;
/// Larger cells than this are a slip.
const LARGEST_CELL: u16 = 256;

/// What a terminal answered.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Answers {
    /// How often it told its attributes.
    pub ends: usize,
    /// Sixel is among them.
    pub sixel: bool,
    /// Pixels of a cell: width, height.
    pub cell: Option<(u16, u16)>,
    /// It has kitty's protocol.
    pub kitty: bool,
    /// Colours of a sixel picture.
    pub colours: Option<u16>,
    /// Pixels of a sixel picture: width, height.
    pub most: Option<(u32, u32)>,
    /// Everything that was no answer.
    pub keys: Vec<u8>,
}

impl Answers {
    /// Tells answers and keys apart. What is not whole yet is neither.
    #[must_use]
    pub fn of(bytes: &[u8]) -> Self {
        let mut out = Self::default();
        let mut rest = bytes;
        while let Some((byte, after)) = rest.split_first() {
            rest = match (byte, after.first()) {
                (0x1b, Some(b'[')) => {
                    let Some(end) = after.iter().skip(1).position(|b| (0x40..0x7f).contains(b)) else { break };
                    let (sequence, left) = after.split_at(end + 2);
                    if !out.control(sequence.get(1..).unwrap_or_default()) {
                        out.keys.push(0x1b);
                        out.keys.extend_from_slice(sequence);
                    }
                    left
                }
                (0x1b, Some(b'_')) => {
                    let Some(end) = after.windows(2).position(|w| w == b"\x1b\\") else { break };
                    let (text, left) = after.split_at(end);
                    out.kitty |= text.starts_with(b"_G") && text.ends_with(b";OK");
                    left.get(2..).unwrap_or_default()
                }
                _ => {
                    out.keys.push(*byte);
                    after
                }
            };
        }
        out
    }

    /// A control sequence without what begins it; whether it is an answer.
    fn control(&mut self, sequence: &[u8]) -> bool {
        let Some((end, parameters)) = sequence.split_last() else { return false };
        let Ok(parameters) = std::str::from_utf8(parameters) else { return false };
        let private = parameters.strip_prefix('?');
        let numbers: Vec<u32> =
            private.unwrap_or(parameters).split(';').map(|n| n.parse().unwrap_or(u32::MAX)).collect();
        match (end, private.is_some(), numbers.as_slice()) {
            (b'c', true, attributes) => {
                self.ends += 1;
                self.sixel |= attributes.contains(&4);
            }
            (b't', false, &[6, height, width]) => {
                let side = |n: u32| u16::try_from(n).ok().filter(|n| (1..=LARGEST_CELL).contains(n));
                self.cell = side(width).zip(side(height));
            }
            (b'S', true, &[1, 0, colours]) => self.colours = u16::try_from(colours).ok(),
            (b'S', true, &[2, 0, width, height]) => self.most = Some((width, height)),
            (b'S', true, _) => {}
            _ => return false,
        }
        true
    }

    /// What pictures are shown with.
    #[must_use]
    pub fn ability(&self, wanted: Wanted, cell: Option<(u16, u16)>) -> Ability {
        let known = self.cell.or(cell).is_some();
        let sixel = match SIXEL {
            Ability::Sixel { colours, most } => Ability::Sixel {
                colours: self.colours.map_or(colours, |n| n.min(colours)),
                most: self.most.unwrap_or(most),
            },
            other => other,
        };
        // Of fewer colours a picture looks worse than in half blocks.
        let enough = self.colours.is_none_or(|n| n >= 16);
        match wanted {
            Wanted::Kitty => Ability::Kitty,
            Wanted::Auto if self.kitty => Ability::Kitty,
            Wanted::Auto if self.sixel && known && enough => sixel,
            // Without the size of a cell a sixel lies anywhere.
            Wanted::Sixel if known => sixel,
            _ => Ability::Blocks,
        }
    }

    /// Keys of those that were typed which can be told without a parser of all of them.
    #[must_use]
    pub fn typed(&self) -> Vec<Event> {
        if self.keys.contains(&0x1b) {
            // A mouse moved, or an arrow was pressed: what belongs to which is not guessed.
            return Vec::new();
        }
        let key = |byte: &u8| match byte {
            b' '..=b'~' => Some(KeyCode::Char(char::from(*byte))),
            b'\r' => Some(KeyCode::Enter),
            0x7f => Some(KeyCode::Backspace),
            b'\t' => Some(KeyCode::Tab),
            _ => None,
        };
        self.keys.iter().filter_map(key).map(|code| Event::Key(KeyEvent::new(code, KeyModifiers::NONE))).collect()
    }
}

/// Asks the terminal on `tty`, in raw mode; `say` writes to it. Second: whether an answer of kitty's may
/// still come.
///
/// # Errors
/// The terminal is gone.
pub fn ask(
    tty: &OwnedFd,
    wanted: Wanted,
    patience: Duration,
    mut say: impl FnMut(&[u8]) -> io::Result<()>,
) -> io::Result<(Answers, bool)> {
    let mut listen = Listen { tty, poll: Poll::new()?, heard: Vec::new() };
    listen.poll.registry().register(&mut SourceFd(&tty.as_raw_fd()), Token(0), Interest::READABLE)?;
    let began = Instant::now();
    say(FIRST)?;
    let first = listen.until(1, patience)?;
    if first.ends == 0 || wanted != Wanted::Auto {
        return Ok((first, false));
    }
    let mut more = KITTY.to_vec();
    if first.sixel {
        more.extend_from_slice(SIXEL_LIMITS);
    }
    more.extend_from_slice(END);
    let again = AGAIN.max(began.elapsed() * 4);
    say(&more)?;
    let answers = listen.until(2, again)?;
    let late = answers.ends < 2;
    Ok((answers, late))
}

/// Asks the terminal of this process; nothing else may read it or write to it meanwhile.
///
/// # Errors
/// The terminal is gone, or somebody else writes to it.
pub fn ask_terminal(wanted: Wanted) -> io::Result<(Answers, bool)> {
    ask(&crate::terminal::input::terminal()?, wanted, PATIENCE, crate::terminal::output::say)
}

struct Listen<'a> {
    tty: &'a OwnedFd,
    poll: Poll,
    heard: Vec<u8>,
}

impl Listen<'_> {
    /// Reads until the attributes have been told so often, or nothing comes any more.
    fn until(&mut self, ends: usize, patience: Duration) -> io::Result<Answers> {
        let until = Instant::now() + patience;
        let mut ready = Events::with_capacity(2);
        loop {
            let answers = Answers::of(&self.heard);
            let left = until.saturating_duration_since(Instant::now());
            if answers.ends >= ends || left.is_zero() || self.heard.len() >= MOST {
                return Ok(answers);
            }
            match self.poll.poll(&mut ready, Some(left)) {
                Err(e) if e.kind() == io::ErrorKind::Interrupted => continue,
                other => other?,
            }
            // Woken by an edge: everything that waits is read.
            while rustix::io::ioctl_fionread(self.tty)? > 0 && self.heard.len() < MOST {
                let mut buffer = [0; 512];
                match rustix::io::read(self.tty, &mut buffer) {
                    Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
                    Ok(n) => self.heard.extend_from_slice(buffer.get(..n).unwrap_or_default()),
                    Err(rustix::io::Errno::INTR) => {}
                    Err(e) => return Err(e.into()),
                }
            }
        }
    }
}

/// Keeps an answer that comes when nobody waits any more from being taken for keys: to a reader of keys
/// it is Alt-_, G, some letters, and Alt-\.
#[derive(Debug, Default)]
pub struct Late {
    until: Option<Instant>,
    inside: Option<usize>,
}

/// How long one may still come.
const STILL: Duration = Duration::from_secs(20);
/// The longest answer.
const LONGEST: usize = 128;

impl Late {
    /// One may still come.
    pub fn expect(&mut self, now: Instant) {
        self.until = Some(now + STILL);
    }

    /// Whether an event is a part of it.
    pub fn is_part(&mut self, event: &Event, now: Instant) -> bool {
        if self.until.is_none_or(|until| until < now) {
            return false;
        }
        let Event::Key(key) = event else { return false };
        let alt = key.modifiers.contains(KeyModifiers::ALT);
        match (self.inside, key.code) {
            (None, KeyCode::Char('_')) if alt => self.inside = Some(0),
            (None, _) => return false,
            (Some(_), KeyCode::Char('\\')) if alt => (self.inside, self.until) = (None, None),
            (Some(n), _) if n >= LONGEST => (self.inside, self.until) = (None, None),
            (Some(n), _) => self.inside = Some(n + 1),
        }
        true
    }
}
