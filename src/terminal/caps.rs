//! What the terminal can do, read from the environment before anything is written to it.
//!
//! No terminal is asked: an answer may never come (yazi waited 20 s in tmux), and the first frame
//! waits for nothing. TERM, COLORTERM, the locale, `NO_COLOR`, TMUX and STY say enough. Only whether
//! it shows pictures is asked, later and where it matters (`graphics`).

use crate::config::schema::{Colour, Glyphs as GlyphChoice, Pictures, Ui};
use crate::theme::{Depth, Glyphs};

/// Something between us and the terminal that has to be told to pass sequences on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Multiplexer {
    /// Nothing.
    None,
    /// tmux.
    Tmux,
    /// GNU screen.
    Screen,
}

/// Why the full screen cannot be used. The words point to what can.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// Input or output is a pipe or a file.
    #[error(
        "input and output are not both a terminal; use `--linear` for plain lines, or a command with `--json`, such as `noctule alarms --json`"
    )]
    NotATerminal,
    /// TERM says that the terminal cannot move its cursor.
    #[error(
        "TERM is `dumb` or not set, so the cursor cannot be moved; use `--linear` for plain lines, or a command with `--json`, such as `noctule alarms --json`"
    )]
    Dumb,
}

/// What the terminal can do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Caps {
    /// The dashboard can be shown full screen; otherwise [`Caps::refusal`] says why not.
    pub full_screen: bool,
    /// Why not.
    pub refusal: Option<Refusal>,
    /// Colours.
    pub colour: Depth,
    /// Signs beyond ASCII are drawn.
    pub unicode: bool,
    /// The terminal reads UTF-8, so names from outside can be shown as they are even where our own
    /// signs are ASCII.
    pub utf8: bool,
    /// The mouse is used.
    pub mouse: bool,
    /// There is an alternate screen to go to. The Linux console has none.
    pub alternate_screen: bool,
    /// Frames are bracketed as synchronized updates (DEC private mode 2026).
    pub synchronized: bool,
    /// Pastes and changes of focus are reported.
    pub reports: bool,
    /// What is in between.
    pub multiplexer: Multiplexer,
    /// Bytes are dear: only what a VT220 knows is sent, nothing beyond ASCII, and nothing that is on
    /// the screen already.
    pub frugal: bool,
    /// What the line takes, in bytes a second, where it is slow and known.
    pub pace: Option<u32>,
    /// What the picture of a screen is drawn with; `Auto` where the terminal is to be asked first.
    pub pictures: Pictures,
    /// Minutes after which the Linux console goes dark, while we hold it and afterwards.
    pub blank: Option<(u8, u8)>,
}

impl Caps {
    /// Reads the capabilities. `env` gives environment variables, `is_tty` says that both input
    /// and output are a terminal. What the configuration says explicitly wins over what the
    /// environment suggests.
    #[must_use]
    pub fn detect(env: &dyn Fn(&str) -> Option<String>, is_tty: bool, ui: &Ui) -> Self {
        let get = |name: &str| env(name).filter(|v| !v.is_empty());
        let term = get("TERM").unwrap_or_default();
        let console = term == "linux";
        let refusal = match (is_tty, term.as_str()) {
            (false, _) => Some(Refusal::NotATerminal),
            (true, "" | "dumb" | "unknown") => Some(Refusal::Dumb),
            (true, _) => None,
        };
        let utf8 = locale_is_utf8(&get);
        let unicode = match ui.glyphs {
            GlyphChoice::Auto => utf8 && !console,
            GlyphChoice::Unicode => true,
            GlyphChoice::Ascii => false,
        };
        Self {
            full_screen: refusal.is_none(),
            refusal,
            colour: depth(&get, &term, ui.colour),
            unicode,
            utf8: utf8 || unicode,
            mouse: ui.mouse && !console,
            alternate_screen: !console,
            synchronized: !console,
            reports: !console,
            multiplexer: multiplexer(&get, &term),
            frugal: false,
            pace: None,
            pictures: pictures(&get, &term, ui.pictures, refusal.is_none()),
            blank: None,
        }
    }

    /// The same for the console of an appliance, whose lines and terminals are the simplest: never a
    /// mouse; where TERM is a console's or an old terminal's, or `serial` says so, nothing but ASCII,
    /// sixteen colours and what a VT220 knows. A terminal called `dumb` is taken for one: serial
    /// lines are often called so.
    #[must_use]
    pub fn for_console(self, term: &str, serial: bool, pace: Option<u32>) -> Self {
        let pace = pace.filter(|bytes| *bytes > 0);
        let simple = ["linux", "dumb", "vt", "ansi", "con"].iter().any(|kind| term.starts_with(kind));
        if !simple && !serial && pace.is_none() {
            return Self { mouse: false, ..self };
        }
        let refusal = self.refusal.filter(|refusal| *refusal != Refusal::Dumb);
        Self {
            full_screen: refusal.is_none(),
            refusal,
            colour: self.colour.min(Depth::Ansi16),
            unicode: false,
            utf8: false,
            mouse: false,
            alternate_screen: false,
            synchronized: false,
            reports: false,
            multiplexer: self.multiplexer,
            frugal: true,
            pace,
            pictures: Pictures::Blocks,
            blank: None,
        }
    }

    /// The capabilities of the terminal this process runs in.
    #[must_use]
    pub fn of_process(ui: &Ui) -> Self {
        use std::io::IsTerminal as _;
        let is_tty = std::io::stdin().is_terminal() && std::io::stdout().is_terminal();
        Self::detect(&|name| std::env::var(name).ok(), is_tty, ui)
    }

    /// The signs to draw with.
    #[must_use]
    pub const fn glyphs(&self) -> &'static Glyphs {
        if self.unicode { &Glyphs::UNICODE } else { &Glyphs::ASCII }
    }
}

/// The locale of characters: the first of these that is set decides (POSIX).
fn locale_is_utf8(get: &dyn Fn(&str) -> Option<String>) -> bool {
    let locale = ["LC_ALL", "LC_CTYPE", "LANG"].iter().find_map(|name| get(name)).unwrap_or_default();
    let locale = locale.to_ascii_lowercase();
    locale.contains("utf-8") || locale.contains("utf8")
}

fn depth(get: &dyn Fn(&str) -> Option<String>, term: &str, choice: Colour) -> Depth {
    match choice {
        Colour::True => return Depth::True,
        Colour::Ansi256 => return Depth::Ansi256,
        Colour::Ansi16 => return Depth::Ansi16,
        Colour::None => return Depth::Mono,
        Colour::Auto => {}
    }
    if get("NO_COLOR").is_some() {
        return Depth::Mono;
    }
    // The console and GNU screen inherit COLORTERM from elsewhere and do not live up to it.
    let truthful = term != "linux" && get("STY").is_none();
    let colorterm = get("COLORTERM").unwrap_or_default();
    if truthful && matches!(colorterm.as_str(), "truecolor" | "24bit") {
        return Depth::True;
    }
    depth_of_term(term)
}

fn depth_of_term(term: &str) -> Depth {
    const TRUE: [&str; 7] = ["xterm-kitty", "alacritty", "foot", "wezterm", "xterm-ghostty", "contour", "rio"];
    if term.ends_with("-direct") || TRUE.contains(&term) {
        Depth::True
    } else if term.contains("256color") {
        Depth::Ansi256
    } else if term.ends_with("-m") || term.ends_with("-mono") {
        Depth::Mono
    } else {
        Depth::Ansi16
    }
}

/// What pictures are drawn with, before the terminal has said anything.
fn pictures(get: &dyn Fn(&str) -> Option<String>, term: &str, choice: Pictures, full_screen: bool) -> Pictures {
    // What a multiplexer answers for itself says nothing of the terminal behind it, and without colours
    // a picture in colours is not wanted either.
    let asked = multiplexer(get, term) == Multiplexer::None && get("NO_COLOR").is_none();
    match choice {
        _ if !cfg!(feature = "graphics") || term == "linux" || !full_screen => Pictures::Blocks,
        Pictures::Auto if !asked => Pictures::Blocks,
        choice => choice,
    }
}

fn multiplexer(get: &dyn Fn(&str) -> Option<String>, term: &str) -> Multiplexer {
    if get("TMUX").is_some() || term.starts_with("tmux") {
        Multiplexer::Tmux
    } else if get("STY").is_some() || term.starts_with("screen") {
        Multiplexer::Screen
    } else {
        Multiplexer::None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn caps_with(env: &[(&str, &str)], ui: &Ui) -> Caps {
        let get = |name: &str| env.iter().find(|(n, _)| *n == name).map(|(_, v)| (*v).to_owned());
        Caps::detect(&get, true, ui)
    }

    fn caps(env: &[(&str, &str)]) -> Caps {
        caps_with(env, &Ui::default())
    }

    #[test]
    fn colours_follow_the_environment() {
        for (env, expected) in [
            (&[("TERM", "xterm-256color"), ("COLORTERM", "truecolor")][..], Depth::True),
            (&[("TERM", "xterm"), ("COLORTERM", "24bit")], Depth::True),
            (&[("TERM", "xterm-direct")], Depth::True),
            (&[("TERM", "alacritty")], Depth::True),
            (&[("TERM", "xterm-256color")], Depth::Ansi256),
            (&[("TERM", "tmux-256color")], Depth::Ansi256),
            (&[("TERM", "xterm")], Depth::Ansi16),
            (&[("TERM", "vt220")], Depth::Ansi16),
            (&[("TERM", "linux"), ("COLORTERM", "truecolor")], Depth::Ansi16),
            (&[("TERM", "screen-256color"), ("COLORTERM", "truecolor"), ("STY", "1.x")], Depth::Ansi256),
            (&[("TERM", "xterm-mono")], Depth::Mono),
            (&[("TERM", "xterm-256color"), ("NO_COLOR", "1"), ("COLORTERM", "truecolor")], Depth::Mono),
            (&[("TERM", "xterm-256color"), ("NO_COLOR", "")], Depth::Ansi256),
        ] {
            assert_eq!(caps(env).colour, expected, "{env:?}");
        }
    }

    #[test]
    fn the_configuration_wins() {
        let env = [("TERM", "linux"), ("LANG", "C"), ("NO_COLOR", "1")];
        let ui = Ui { colour: Colour::True, glyphs: GlyphChoice::Unicode, ..Ui::default() };
        let caps = caps_with(&env, &ui);
        assert_eq!((caps.colour, caps.unicode, caps.utf8), (Depth::True, true, true));
        let ui = Ui { colour: Colour::None, glyphs: GlyphChoice::Ascii, mouse: false, ..Ui::default() };
        let caps = caps_with(&[("TERM", "xterm-kitty"), ("LANG", "de_DE.UTF-8")], &ui);
        assert_eq!((caps.colour, caps.unicode, caps.mouse), (Depth::Mono, false, false));
        assert!(caps.utf8, "names may still be shown as they are");
    }

    #[test]
    fn the_linux_console_is_known() {
        let caps = caps(&[("TERM", "linux"), ("LANG", "en_GB.UTF-8")]);
        assert!(caps.full_screen && caps.utf8);
        assert!(!caps.unicode && !caps.mouse && !caps.alternate_screen && !caps.synchronized && !caps.reports);
        assert_eq!(caps.colour, Depth::Ansi16);
        assert!(caps.glyphs().ascii);
    }

    #[test]
    fn the_first_locale_variable_that_is_set_decides() {
        let term = ("TERM", "xterm");
        assert!(caps(&[term, ("LANG", "en_GB.UTF-8")]).unicode);
        assert!(caps(&[term, ("LC_ALL", "C.utf8"), ("LANG", "C")]).unicode);
        assert!(!caps(&[term, ("LC_ALL", "C"), ("LANG", "en_GB.UTF-8")]).unicode);
        assert!(caps(&[term, ("LC_ALL", ""), ("LC_CTYPE", "UTF-8")]).unicode);
        assert!(!caps(&[term]).unicode);
    }

    #[test]
    fn dumb_terminals_and_pipes_are_told_what_to_use() {
        for term in ["dumb", ""] {
            let caps = caps(&[("TERM", term)]);
            assert!(!caps.full_screen);
            assert_eq!(caps.refusal, Some(Refusal::Dumb));
        }
        let piped = Caps::detect(&|_| Some("xterm".into()), false, &Ui::default());
        let words = piped.refusal.unwrap().to_string();
        assert!(words.contains("--linear") && words.contains("--json"), "{words}");
    }

    #[test]
    fn pictures_are_asked_for_only_where_an_answer_means_something() {
        let of = |env: &[(&str, &str)], pictures| caps_with(env, &Ui { pictures, ..Ui::default() }).pictures;
        let have = |pictures| if cfg!(feature = "graphics") { pictures } else { Pictures::Blocks };
        assert_eq!(of(&[("TERM", "xterm")], Pictures::Auto), have(Pictures::Auto));
        for env in [("TERM", "tmux-256color"), ("STY", "1.pts"), ("NO_COLOR", "1"), ("TERM", "linux"), ("TERM", "dumb")]
        {
            assert_eq!(of(&[env, ("TERM", "xterm")], Pictures::Auto), Pictures::Blocks, "{env:?}");
        }
        assert_eq!(of(&[("TERM", "tmux-256color")], Pictures::Kitty), have(Pictures::Kitty), "asked for by name");
        assert_eq!(of(&[("TERM", "linux")], Pictures::Kitty), Pictures::Blocks, "which has none, whoever asks");
        let line = caps(&[("TERM", "xterm")]).for_console("vt220", true, None);
        assert_eq!(line.pictures, Pictures::Blocks);
    }

    #[test]
    fn multiplexers_are_seen() {
        assert_eq!(caps(&[("TERM", "screen-256color"), ("TMUX", "/x,1,0")]).multiplexer, Multiplexer::Tmux);
        assert_eq!(caps(&[("TERM", "screen"), ("STY", "1.pts")]).multiplexer, Multiplexer::Screen);
        assert_eq!(caps(&[("TERM", "xterm")]).multiplexer, Multiplexer::None);
    }
}
