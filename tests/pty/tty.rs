//! A terminal for the real binary: a pseudo-terminal whose output is fed to a terminal emulator.
//! Nothing sleeps: every wait is for a condition, woken by output, with a time-out that fails.
#![allow(dead_code, unreachable_pub, reason = "the tests and the benchmark of the screen each use a part")]

use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex};
use std::time::{Duration, Instant};

use portable_pty::{Child, CommandBuilder, MasterPty, PtySize, native_pty_system};

/// How long a condition may take on a busy machine.
const PATIENCE: Duration = Duration::from_secs(30);

struct State {
    parser: vt100::Parser,
    raw: Vec<u8>,
    closed: bool,
}

/// The variables that name a folder, and the folder below the home of a test.
pub const FOLDERS: [(&str, &str); 5] = [
    ("XDG_CONFIG_HOME", "config"),
    ("XDG_DATA_HOME", "data"),
    ("XDG_STATE_HOME", "state"),
    ("XDG_CACHE_HOME", "cache"),
    ("TMPDIR", "tmp"),
];

/// A running noctule with its screen.
pub struct Tty {
    child: Box<dyn Child + Send + Sync>,
    master: Box<dyn MasterPty + Send>,
    writer: Box<dyn Write + Send>,
    state: Arc<(Mutex<State>, Condvar)>,
}

/// How to start it.
pub struct Start<'a> {
    pub args: &'a [&'a str],
    pub size: (u16, u16),
    pub term: &'a str,
    pub env: &'a [(&'a str, &'a str)],
}

impl Default for Start<'_> {
    fn default() -> Self {
        Self { args: &["demo", "--scale", "small", "--seed", "7"], size: (200, 50), term: "xterm-256color", env: &[] }
    }
}

impl Tty {
    /// Starts the binary with all its folders below `home`.
    pub fn start(home: &Path, start: &Start<'_>) -> Self {
        Self::program(Path::new(env!("CARGO_BIN_EXE_noctule")), home, start)
    }

    /// Starts any program so.
    pub fn program(program: &Path, home: &Path, start: &Start<'_>) -> Self {
        let (columns, rows) = start.size;
        let pty = native_pty_system()
            .openpty(PtySize { rows, cols: columns, pixel_width: 0, pixel_height: 0 })
            .expect("a pseudo-terminal");
        let mut command = CommandBuilder::new(program);
        command.args(start.args);
        command.env_clear();
        command.env("PATH", std::env::var("PATH").unwrap_or_default());
        command.env("HOME", home);
        for (name, folder) in FOLDERS {
            let path: PathBuf = home.join(folder);
            std::fs::create_dir_all(&path).expect("a folder");
            command.env(name, path);
        }
        command.env("TERM", start.term);
        command.env("LANG", "C.UTF-8");
        for (name, value) in start.env {
            command.env(name, value);
        }
        let child = pty.slave.spawn_command(command).expect("noctule starts");
        drop(pty.slave);
        let state = Arc::new((
            Mutex::new(State {
                parser: vt100::Parser::new(rows.try_into().unwrap(), columns.try_into().unwrap(), 0),
                raw: Vec::new(),
                closed: false,
            }),
            Condvar::new(),
        ));
        let mut reader = pty.master.try_clone_reader().expect("a reader");
        let writer = pty.master.take_writer().expect("a writer");
        let shared = Arc::clone(&state);
        std::thread::spawn(move || {
            let mut buffer = vec![0; 65536];
            loop {
                let n = reader.read(&mut buffer).unwrap_or(0);
                let mut state = shared.0.lock().unwrap();
                if n == 0 {
                    state.closed = true;
                } else {
                    state.parser.process(&buffer[..n]);
                    state.raw.extend_from_slice(&buffer[..n]);
                }
                shared.1.notify_all();
                if n == 0 {
                    return;
                }
            }
        });
        Self { child, master: pty.master, writer, state }
    }

    /// The screen as text.
    pub fn text(&self) -> String {
        self.state.0.lock().unwrap().parser.screen().contents()
    }

    /// Everything written so far.
    pub fn raw(&self) -> Vec<u8> {
        self.state.0.lock().unwrap().raw.clone()
    }

    /// How many bytes have been written so far.
    pub fn raw_len(&self) -> usize {
        self.state.0.lock().unwrap().raw.len()
    }

    /// Waits until the screen shows what `seen` looks for; fails with the screen.
    pub fn wait(&self, what: &str, seen: impl Fn(&str) -> bool) -> String {
        let until = Instant::now() + PATIENCE;
        let mut state = self.state.0.lock().unwrap();
        loop {
            let text = state.parser.screen().contents();
            if seen(&text) {
                return text;
            }
            let left = until.saturating_duration_since(Instant::now());
            assert!(!left.is_zero() && !state.closed, "waited in vain for {what}; the screen:\n{text}");
            state = self.state.1.wait_timeout(state, left).unwrap().0;
        }
    }

    /// Waits for a text on the screen.
    pub fn wait_for(&self, text: &str) -> String {
        self.wait(text, |screen| screen.contains(text))
    }

    /// Waits until the raw output after byte `from` holds `bytes`.
    pub fn wait_raw(&self, from: usize, bytes: &[u8]) {
        let until = Instant::now() + PATIENCE;
        let mut state = self.state.0.lock().unwrap();
        while !state.raw.get(from..).is_some_and(|r| r.windows(bytes.len()).any(|w| w == bytes)) {
            let left = until.saturating_duration_since(Instant::now());
            assert!(
                !left.is_zero() && !state.closed,
                "waited in vain for {:?} in the output",
                String::from_utf8_lossy(bytes)
            );
            state = self.state.1.wait_timeout(state, left).unwrap().0;
        }
    }

    /// Types.
    pub fn send(&mut self, keys: &str) {
        self.writer.write_all(keys.as_bytes()).expect("keys are taken");
        self.writer.flush().expect("keys are taken");
    }

    /// Changes the size of the terminal.
    pub fn resize(&self, columns: u16, rows: u16) {
        self.state
            .0
            .lock()
            .unwrap()
            .parser
            .screen_mut()
            .set_size(rows.try_into().unwrap(), columns.try_into().unwrap());
        self.master.resize(PtySize { rows, cols: columns, pixel_width: 0, pixel_height: 0 }).expect("a new size");
    }

    /// Process id.
    pub fn pid(&self) -> u32 {
        self.child.process_id().expect("it runs")
    }

    /// Sends a signal by name (`TERM`).
    pub fn signal(&self, name: &str) {
        let status = std::process::Command::new("kill").args([&format!("-{name}"), &self.pid().to_string()]).status();
        assert!(status.is_ok_and(|s| s.success()), "kill -{name}");
    }

    /// State letter of the process (`T` stopped).
    pub fn process_state(&self) -> char {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.pid())).unwrap_or_default();
        stat.rsplit(") ").next().and_then(|s| s.chars().next()).unwrap_or('?')
    }

    /// Waits for a condition of the process, looking again whenever 20 ms have passed.
    pub fn wait_process(&self, what: &str, seen: impl Fn(&Self) -> bool) {
        let until = Instant::now() + PATIENCE;
        let mut state = self.state.0.lock().unwrap();
        loop {
            drop(state);
            if seen(self) {
                return;
            }
            assert!(Instant::now() < until, "waited in vain for {what}");
            state = self.state.0.lock().unwrap();
            state = self.state.1.wait_timeout(state, Duration::from_millis(20)).unwrap().0;
        }
    }

    /// Waits for the end and tells the exit code.
    pub fn exit(mut self) -> u32 {
        let until = Instant::now() + PATIENCE;
        let mut state = self.state.0.lock().unwrap();
        while !state.closed && Instant::now() < until {
            state = self.state.1.wait_timeout(state, Duration::from_millis(100)).unwrap().0;
        }
        assert!(state.closed, "it did not end; the screen:\n{}", state.parser.screen().contents());
        drop(state);
        self.child.wait().expect("an exit status").exit_code()
    }
}

impl Drop for Tty {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
