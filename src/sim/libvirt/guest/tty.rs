//! A terminal of a guest: its screen, or a serial line. It prints what is due and answers what is typed;
//! nothing moves while nobody looks.

use std::collections::VecDeque;

use super::boot;
use super::edit::{Editor, Typed};
use super::machine::Machine;
use super::programs::Program;
use super::shell::{self, Does};
use super::vga::Vga;

/// What somebody at the shell asks of the machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Request {
    Reboot,
    PowerOff,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    Booting,
    Login,
    Password,
    Shell,
    /// It goes down, or is down for good.
    Gone,
}

/// Bytes that wait for whoever reads a serial line; what is older is lost.
const HELD: usize = 256 << 10;

/// A screen (line 0) or a serial line.
#[derive(Debug)]
pub(crate) struct Tty {
    line: usize,
    phase: Phase,
    out: Vec<u8>,
    vga: Option<Box<Vga>>,
    due: VecDeque<(i64, String)>,
    /// When the login is there, while it boots.
    ready: i64,
    editor: Editor,
    program: Option<Program>,
    paused: bool,
    pub(super) rows: u16,
    pub(super) columns: u16,
    pub(super) user: String,
    pub(super) folder: String,
    /// What was typed while the machine was paused.
    waiting: Vec<u8>,
}

impl Tty {
    /// The line of a machine that may have run for long.
    pub(crate) fn new(line: usize, machine: &Machine, now: i64) -> Self {
        let mut tty = Self {
            line,
            phase: Phase::Gone,
            out: Vec::new(),
            vga: (line == 0).then(Box::default),
            due: VecDeque::new(),
            ready: 0,
            editor: Editor::default(),
            program: None,
            paused: false,
            rows: if line == 0 { 25 } else { 24 },
            columns: 80,
            user: String::new(),
            folder: "/root".to_owned(),
            waiting: Vec::new(),
        };
        if machine.crashed {
            tty.panic(machine, now);
            return tty;
        }
        tty.boot(machine);
        let booted = now >= tty.ready;
        tty.advance(machine);
        if booted {
            tty.out.clear();
        }
        tty
    }

    /// The kernel starts.
    pub(crate) fn boot(&mut self, machine: &Machine) {
        self.phase = Phase::Booting;
        self.editor.clear();
        self.program = None;
        self.user.clear();
        if let Some(vga) = &mut self.vga {
            vga.reset();
        }
        let at = |ms: i64| machine.booted + ms * 1_000;
        self.due = boot::start(machine, self.line == 0).into_iter().map(|(ms, text)| (at(ms), text)).collect();
        self.ready = at(boot::ready(machine));
    }

    /// It goes down, for good or to come again.
    pub(crate) fn stop(&mut self, machine: &Machine, now: i64, again: bool) {
        self.advance(machine);
        self.phase = Phase::Gone;
        self.program = None;
        self.print("\r\n");
        self.due = boot::stop(machine, again).into_iter().map(|(ms, text)| (now + ms * 1_000, text)).collect();
    }

    /// It panics.
    pub(crate) fn panic(&mut self, machine: &Machine, now: i64) {
        let _ = now;
        self.phase = Phase::Gone;
        self.program = None;
        self.due.clear();
        for text in boot::panic(machine) {
            self.print(&text);
            self.print("\r\n");
        }
    }

    /// Whether the machine stands still.
    pub(crate) const fn pause(&mut self, paused: bool) {
        self.paused = paused;
    }

    /// Prints what is due.
    pub(crate) fn advance(&mut self, machine: &Machine) {
        if self.paused {
            return;
        }
        while self.due.front().is_some_and(|(at, _)| *at <= machine.now) {
            if let Some((_, text)) = self.due.pop_front() {
                self.print(&text);
                self.print("\r\n");
            }
        }
        if self.phase == Phase::Booting && self.due.is_empty() && machine.now >= self.ready {
            self.greet(machine);
        }
        let Some(mut program) = self.program.take() else { return };
        let text = program.run(machine, self.rows, self.columns);
        self.print(&text);
        if program.over() {
            self.prompt(machine);
        } else {
            self.program = Some(program);
        }
    }

    /// When something is due next, in the world's time.
    pub(crate) fn next(&self) -> Option<i64> {
        if self.paused {
            return None;
        }
        let line = self.due.front().map(|(at, _)| *at);
        let ready = (self.phase == Phase::Booting).then_some(self.ready);
        let program = self.program.as_ref().and_then(Program::next);
        [line.or(ready), program].into_iter().flatten().min()
    }

    /// What was printed on a serial line since it was last taken.
    pub(crate) fn take(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.out)
    }

    /// What the screen shows.
    pub(crate) fn vga(&self) -> Option<&Vga> {
        self.vga.as_deref()
    }

    /// What is typed.
    pub(crate) fn input(&mut self, machine: &Machine, bytes: &[u8]) -> Option<Request> {
        if self.paused {
            // The guest reads it when it runs on, as far as its line holds it.
            if self.waiting.len() < 4_096 {
                self.waiting.extend_from_slice(bytes);
            }
            return None;
        }
        self.advance(machine);
        let mut asked = None;
        let waiting = std::mem::take(&mut self.waiting);
        for byte in waiting.into_iter().chain(bytes.iter().copied()) {
            asked = self.byte(machine, byte).or(asked);
        }
        asked
    }

    fn byte(&mut self, machine: &Machine, byte: u8) -> Option<Request> {
        match self.phase {
            Phase::Booting | Phase::Gone => return None,
            Phase::Login | Phase::Password | Phase::Shell => {}
        }
        if let Some(program) = &mut self.program {
            let text = program.key(byte);
            self.print(&text);
            if self.program.as_ref().is_some_and(Program::over) {
                self.program = None;
                self.prompt(machine);
            }
            return None;
        }
        let echo = self.phase != Phase::Password;
        match self.editor.byte(byte, echo)? {
            Typed::Echo(text) => self.print(&text),
            Typed::Interrupt => {
                self.print("^C\r\n");
                self.again(machine);
            }
            Typed::Clear => {
                let typed = self.editor.text();
                self.print("\x1b[H\x1b[J");
                self.again(machine);
                self.print(&typed);
            }
            Typed::End if self.phase == Phase::Shell => {
                self.print("logout\r\n\r\n");
                self.greet(machine);
            }
            Typed::End => {}
            Typed::Line(line) => {
                self.print("\r\n");
                return self.line(machine, &line);
            }
        }
        None
    }

    fn line(&mut self, machine: &Machine, line: &str) -> Option<Request> {
        match self.phase {
            Phase::Login => {
                let user: String = line.trim().chars().filter(char::is_ascii_graphic).take(32).collect();
                if user.is_empty() {
                    self.login(machine);
                } else {
                    self.user = user;
                    self.phase = Phase::Password;
                    self.print("Password: ");
                }
                None
            }
            Phase::Password => {
                if self.user == "root" {
                    self.phase = Phase::Shell;
                    self.folder = "/root".to_owned();
                    let told = format!(
                        "Linux {} {} x86_64\r\n{}. Nothing here is real: `help` lists what there is.\r\n",
                        machine.hostname,
                        machine.kernel(),
                        if machine.title.is_empty() { machine.system() } else { &machine.title },
                    );
                    self.print(&told);
                    self.prompt(machine);
                } else {
                    self.print("\r\nLogin incorrect\r\n");
                    self.login(machine);
                }
                None
            }
            _ => self.command(machine, line),
        }
    }

    fn command(&mut self, machine: &Machine, line: &str) -> Option<Request> {
        let history = self.editor.history().to_vec();
        match shell::run(self, machine, line, &history) {
            Does::Print(text) => self.print(&text.replace('\n', "\r\n")),
            Does::Start(program) => {
                self.program = Some(*program);
                self.advance(machine);
                return None;
            }
            Does::Leave => {
                self.print("logout\r\n\r\n");
                self.greet(machine);
                return None;
            }
            Does::Ask(request) => return Some(request),
        }
        self.prompt(machine);
        None
    }

    /// The prompt again, of whatever is asked for.
    fn again(&mut self, machine: &Machine) {
        match self.phase {
            Phase::Shell => self.prompt(machine),
            Phase::Login | Phase::Password => self.login(machine),
            Phase::Booting | Phase::Gone => {}
        }
    }

    fn greet(&mut self, machine: &Machine) {
        let name = if self.line == 0 { "tty1".to_owned() } else { format!("ttyS{}", self.line - 1) };
        self.print(&format!("\r\n{} {} {name}\r\n", machine.system(), machine.hostname));
        self.print("A simulated guest: log in as root with any password\r\n\r\n");
        self.login(machine);
    }

    fn login(&mut self, machine: &Machine) {
        self.phase = Phase::Login;
        self.editor.clear();
        self.print(&format!("{} login: ", machine.hostname));
    }

    /// The shell's prompt. On a serial line it then asks the terminal where the cursor is, as busybox does.
    fn prompt(&mut self, machine: &Machine) {
        let folder = if self.folder == "/root" { "~" } else { self.folder.as_str() };
        let text = format!("root@{}:{folder}# ", machine.hostname);
        self.print(&text);
        if self.line > 0 {
            self.print("\x1b[6n");
        }
    }

    fn print(&mut self, text: &str) {
        if let Some(vga) = &mut self.vga {
            vga.feed(text.as_bytes());
            return;
        }
        self.out.extend_from_slice(text.as_bytes());
        if self.out.len() > HELD {
            let over = self.out.len() - HELD;
            self.out.drain(..over);
        }
    }
}
