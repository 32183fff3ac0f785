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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const LONG: Duration = Duration::from_secs(20);

    #[test]
    fn answers_and_keys_are_told_apart() {
        let kitty = Answers::of(b"r\x1b[6;20;10to\x1b[?62;22co\x1b_Gi=31;OK\x1b\\t\x1b[?62;22c");
        assert_eq!((kitty.ends, kitty.sixel, kitty.kitty, kitty.cell), (2, false, true, Some((10, 20))));
        assert_eq!(kitty.keys, b"root");
        let code = |e: Event| if let Event::Key(key) = e { key.code } else { panic!("{e:?}") };
        let typed: Vec<KeyCode> = kitty.typed().into_iter().map(code).collect();
        assert_eq!(typed, "root".chars().map(KeyCode::Char).collect::<Vec<_>>());
        let xterm = Answers::of(b"\x1b[?64;1;2;4;9c\x1b[?1;0;1024S\x1b[?2;0;1000;900S\x1b[A\x1b[?64;4c");
        assert_eq!((xterm.colours, xterm.most, xterm.sixel), (Some(1024), Some((1000, 900)), true));
        assert_eq!((xterm.keys.as_slice(), xterm.typed().len()), (&b"\x1b[A"[..], 0));
        assert!(!Answers::of(b"\x1b_Gi=31;EBADF:no\x1b\\").kitty);
        assert!(!Answers::of(b"\x1b[?64;14;40c").sixel, "4, not 14");
        assert_eq!(Answers::of(b"\x1b[6;0;10t\x1b[6;9999;10t").cell, None);
        assert_eq!(Answers::of(b"\x1b[?6"), Answers::default(), "not whole yet");
    }

    #[test]
    fn the_best_that_is_there_is_taken() {
        let all = Answers { kitty: true, sixel: true, cell: Some((9, 18)), ..Answers::default() };
        assert_eq!(all.ability(Wanted::Auto, None), Ability::Kitty);
        let sixel = Answers { kitty: false, colours: Some(1024), most: Some((800, 600)), ..all.clone() };
        assert_eq!(sixel.ability(Wanted::Auto, None), Ability::Sixel { colours: 256, most: (800, 600) });
        assert_eq!(Answers { colours: Some(4), ..sixel.clone() }.ability(Wanted::Auto, None), Ability::Blocks);
        let unknown = Answers { cell: None, ..sixel };
        assert_eq!(unknown.ability(Wanted::Auto, None), Ability::Blocks, "a sixel of unknown size lies anywhere");
        assert_ne!(unknown.ability(Wanted::Auto, Some((8, 16))), Ability::Blocks);
        assert_eq!(Answers::default().ability(Wanted::Auto, Some((8, 16))), Ability::Blocks);
        assert_eq!(Answers::default().ability(Wanted::Sixel, Some((8, 16))), SIXEL);
    }

    proptest! {
        #[test]
        fn any_bytes_are_read(bytes in proptest::collection::vec(
            prop_oneof![any::<u8>(), proptest::sample::select(b"\x1b[_?;G\\cStP0123456789".to_vec())], 0..300)
        ) {
            let answers = Answers::of(&bytes);
            prop_assert!(answers.keys.len() <= bytes.len());
            let _ = (answers.typed(), answers.ability(Wanted::Auto, None));
        }
    }

    /// A terminal that answers what it is asked: pairs of a question and an answer.
    fn asked(answers: &'static [(&'static [u8], &'static [u8])], patience: Duration) -> (Answers, bool) {
        use std::io::{Read as _, Write as _};
        let pty = portable_pty::native_pty_system().openpty(portable_pty::PtySize::default()).unwrap();
        let tty: OwnedFd =
            std::fs::File::options().read(true).write(true).open(pty.master.tty_name().unwrap()).unwrap().into();
        let mut modes = rustix::termios::tcgetattr(&tty).unwrap();
        modes.make_raw();
        rustix::termios::tcsetattr(&tty, rustix::termios::OptionalActions::Now, &modes).unwrap();
        let (mut reader, mut writer) = (pty.master.try_clone_reader().unwrap(), pty.master.take_writer().unwrap());
        let terminal = std::thread::spawn(move || {
            let (mut heard, mut answers) = (Vec::new(), answers.iter());
            let mut next = answers.next();
            let mut byte = [0];
            while reader.read(&mut byte).is_ok_and(|n| n > 0) {
                heard.push(byte[0]);
                if let Some((question, answer)) = next
                    && heard.ends_with(question)
                {
                    writer.write_all(answer).unwrap();
                    next = answers.next();
                }
            }
            drop(writer);
        });
        let out = ask(&tty, Wanted::Auto, patience, |bytes| {
            assert_eq!(rustix::io::write(&tty, bytes)?, bytes.len());
            Ok(())
        });
        drop((tty, pty));
        terminal.join().unwrap();
        out.unwrap()
    }

    #[test]
    fn a_terminal_is_asked() {
        let (answers, late) = asked(&[(b"\x1b[c", b"\x1b[6;20;10t\x1b[?62;4c"), (b"\x1b[2;1;0S\x1b[c", b"")], LONG);
        assert!(answers.sixel && late, "it never answered the second question: {answers:?}");
        let (answers, late) =
            asked(&[(b"\x1b[c", b"l\x1b[6;20;10t\x1b[?62c"), (b"\x1b[c", b"s\x1b_Gi=31;OK\x1b\\\x1b[?62c\r")], LONG);
        assert_eq!((answers.kitty, answers.cell, late), (true, Some((10, 20)), false));
        assert!(answers.keys.starts_with(b"ls"));
        let (answers, late) =
            asked(&[(b"\x1b[c", b"\x1b[?64;4c"), (b"\x1b[?2;1;0S\x1b[c", b"\x1b[?1;0;256S\x1b[?64;4c")], LONG);
        assert_eq!((answers.kitty, answers.colours, late), (false, Some(256), false));
    }

    #[test]
    fn a_terminal_that_says_nothing_is_not_waited_for_and_not_asked_again() {
        let began = Instant::now();
        let (answers, late) = asked(&[(b"\x1b[c", b"x")], Duration::from_millis(60));
        assert_eq!((answers.ends, answers.keys.as_slice(), late), (0, &b"x"[..], false));
        assert!(began.elapsed() < Duration::from_secs(5));
    }

    #[test]
    fn an_answer_that_comes_too_late_is_no_key() {
        let now = Instant::now();
        let key = |c, m| Event::Key(KeyEvent::new(KeyCode::Char(c), m));
        let (plain, alt) = (KeyModifiers::NONE, KeyModifiers::ALT);
        let answer = [('_', alt), ('G', plain), ('i', plain), (';', plain), ('O', plain), ('\\', alt)];
        let parts = |late: &mut Late, now| answer.map(|(c, m)| late.is_part(&key(c, m), now));
        assert_eq!(parts(&mut Late::default(), now), [false; 6], "nothing is expected");
        let mut late = Late::default();
        late.expect(now);
        assert!(!late.is_part(&key('q', plain), now));
        assert_eq!(parts(&mut late, now), [true; 6]);
        assert!(!late.is_part(&key('q', plain), now) && !late.is_part(&key('_', alt), now), "one answer comes");
        late.expect(now);
        assert_eq!(parts(&mut late, now + Duration::from_secs(60)), [false; 6]);
        // What begins like one and does not end is not waited for for ever.
        late.expect(now);
        assert!(late.is_part(&key('_', alt), now));
        assert_eq!((0..500).filter(|_| late.is_part(&key('x', plain), now)).count(), LONGEST + 1);
    }
}
