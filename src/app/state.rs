//! All state of the screen, in one place.

use std::collections::{HashMap, VecDeque};
use std::rc::Rc;

use crate::commands::spec::{Confirm, Context, Situation};
use crate::keymap::{Chord, Keymap};
use crate::model::command::{Args, Intent};
use crate::model::ids::{ActionId, SourceName};
use crate::model::page::RequestId;
use crate::model::time::{SECOND, Ts};
use crate::theme::{Glyphs, Theme};

use super::console::{Console, next_minute};
use super::ctx::Ctx;
use super::effect::{Location, Prompt, Toast};
use super::layers::Layer;
use super::line::History;
use super::pane::{Pane, PaneId};
use super::port::Backend;

/// The program as the kernel sees it.
pub struct App {
    /// What panes are told.
    pub ctx: Ctx,
    /// Colours.
    pub theme: Theme,
    /// Signs.
    pub glyphs: Glyphs,
    pub(super) panes: Vec<Box<dyn Pane>>,
    pub(super) layers: Vec<Box<dyn Layer>>,
    pub(super) keymap: Keymap,
    pub(super) backend: Box<dyn Backend>,
    pub(super) settings: Settings,
    /// Keys of a chord pressed so far.
    pub(super) pending: Vec<Chord>,
    /// When the popup with a chord's continuations appears.
    pub(super) which_key_at: Option<Ts>,
    pub(super) toasts: VecDeque<(Ts, Toast)>,
    pub(super) messages: VecDeque<(Ts, Toast)>,
    /// Until when, of which source, and what.
    pub(super) banner: Option<(Ts, SourceName, String)>,
    /// Workers that are down: name, and whether they come back.
    pub(super) workers_down: HashMap<String, bool>,
    pub(super) undo: Vec<Undoable>,
    pub(super) last_verb: Option<(&'static str, Args)>,
    pub(super) history: History,
    pub(super) back: Vec<Location>,
    /// Intents whose plan is being made, with what will be asked.
    pub(super) planning: HashMap<RequestId, (Intent, Confirm)>,
    /// Commands that run: what, done, total.
    pub(super) running: HashMap<RequestId, (String, u64, u64)>,
    /// The theme before a preview.
    pub(super) theme_before: Option<Theme>,
    /// When Ctrl-C was last pressed with nothing open.
    pub(super) interrupted: Option<Ts>,
    pub(super) last_click: Option<(Ts, (u16, u16))>,
    pub(super) acts: Vec<TerminalAct>,
    pub(super) lines: Vec<String>,
    pub(super) dirty: bool,
    /// What it is beyond, on the console of an appliance.
    pub(super) console: Option<Console>,
}

impl std::fmt::Debug for App {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("App").field("active", &self.ctx.active).field("layers", &self.layers).finish_non_exhaustive()
    }
}

/// Loads a theme by name for this terminal; what is wrong with it otherwise.
pub type ThemeLoader = Rc<dyn Fn(&str) -> Result<Theme, String>>;

/// What the kernel is told at its start.
#[derive(Clone)]
pub struct Settings {
    /// Lists the themes to choose from.
    pub themes: Rc<dyn Fn() -> Vec<String>>,
    /// Loads a theme by name for this terminal.
    pub load_theme: ThemeLoader,
    /// Whether the clock is shown.
    pub clock: bool,
    /// µs from a prefix key to the popup.
    pub which_key: i64,
    /// Whether lines for `--linear` are collected.
    pub linear: bool,
    /// Folder of texts that were edited and not sent yet.
    pub drafts: std::path::PathBuf,
}

/// A batch of actions that can be taken back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Undoable {
    pub(super) batch: ActionId,
    pub(super) at: Ts,
    pub(super) what: String,
}

/// What only the event loop can do.
#[derive(Debug, Clone, PartialEq)]
pub enum TerminalAct {
    /// Put text on the clipboard.
    Copy {
        /// The text.
        text: String,
        /// What it is, for the toast.
        what: String,
    },
    /// Draw everything again.
    Redraw,
    /// Stop and give the terminal back.
    Suspend,
    /// Nobody owns the cache any more: take it over.
    TakeOver,
    /// Answer a question in `$EDITOR`; its text is where to begin.
    Editor(Prompt),
    /// Edit a text of many lines in `$EDITOR`.
    EditFile(super::effect::EditFile),
    /// End.
    Quit,
}

/// How long a toast stays, µs.
const TOAST: i64 = 6 * SECOND;
/// How long a banner stays, µs.
pub(super) const BANNER: i64 = 8 * SECOND;
/// How many messages are kept.
const MESSAGES: usize = 500;

impl App {
    /// The kernel over its parts.
    #[must_use]
    pub fn new(
        ctx: Ctx,
        theme: Theme,
        glyphs: Glyphs,
        keymap: Keymap,
        panes: Vec<Box<dyn Pane>>,
        backend: Box<dyn Backend>,
        settings: Settings,
    ) -> Self {
        Self {
            ctx,
            theme,
            glyphs,
            panes,
            layers: Vec::new(),
            keymap,
            backend,
            settings,
            pending: Vec::new(),
            which_key_at: None,
            toasts: VecDeque::new(),
            messages: VecDeque::new(),
            banner: None,
            workers_down: HashMap::new(),
            undo: Vec::new(),
            last_verb: None,
            history: History::default(),
            back: Vec::new(),
            planning: HashMap::new(),
            running: HashMap::new(),
            theme_before: None,
            interrupted: None,
            last_click: None,
            acts: Vec::new(),
            lines: Vec::new(),
            dirty: true,
            console: None,
        }
    }

    /// The kernel with one console of a machine as all there is, in a pane that shows nothing else.
    #[must_use]
    pub fn on_one_console(mut self) -> Self {
        self.ctx.solo = true;
        self.ctx.active = PaneId::Vms;
        self
    }

    /// Whether something changed since the last frame.
    #[must_use]
    pub const fn is_dirty(&self) -> bool {
        self.dirty
    }

    /// Says that the frame is drawn.
    pub const fn drawn(&mut self) {
        self.dirty = false;
    }

    /// Takes what the event loop has to do.
    pub fn take_acts(&mut self) -> Vec<TerminalAct> {
        std::mem::take(&mut self.acts)
    }

    /// Takes the lines collected for `--linear`.
    pub fn take_lines(&mut self) -> Vec<String> {
        std::mem::take(&mut self.lines)
    }

    /// Whether the kernel waits for an answer of the workers; tests wait until it does not.
    #[must_use]
    pub fn is_busy(&self) -> bool {
        !self.planning.is_empty() || !self.running.is_empty()
    }

    /// Whether an overlay is open.
    pub(super) fn has_layer(&self) -> bool {
        !self.layers.is_empty()
    }

    pub(super) fn pane(&self) -> Option<&dyn Pane> {
        self.panes.iter().find(|p| p.id() == self.ctx.active).map(AsRef::as_ref)
    }

    pub(super) fn pane_mut(&mut self) -> Option<(&mut Box<dyn Pane>, &Ctx)> {
        let active = self.ctx.active;
        self.panes.iter_mut().find(|p| p.id() == active).map(|p| (p, &self.ctx))
    }

    /// Key contexts, the innermost first.
    pub(super) fn contexts(&self) -> Vec<Context> {
        let mut out = self.pane().map(Pane::contexts).unwrap_or_default();
        if self.captured() {
            return out;
        }
        if self.console.is_some() {
            out.push(Context::Console);
        }
        out.push(Context::Global);
        out
    }

    pub(super) fn situation(&self) -> Situation {
        let mut s = self.pane().map(|p| p.situation(&self.ctx)).unwrap_or_default();
        s.read_only = self.ctx.read_only;
        s.console = self.console.is_some();
        s.cut_off = self.ctx.cut_off.is_some();
        s.can_undo = !self.undo.is_empty();
        s.can_repeat = self.last_verb.is_some();
        s
    }

    /// Shows a message and keeps it.
    pub fn toast(&mut self, toast: Toast) {
        if self.settings.linear {
            self.lines.push(toast.text.clone());
        }
        // The same again only lasts longer: a failing source must not fill the screen.
        self.toasts.retain(|(_, t)| *t != toast);
        self.toasts.push_back((self.ctx.now.plus(TOAST), toast.clone()));
        while self.toasts.len() > 3 {
            self.toasts.pop_front();
        }
        self.messages.push_front((self.ctx.now, toast));
        self.messages.truncate(MESSAGES);
        self.dirty = true;
    }

    /// The pane shown.
    #[must_use]
    pub const fn active(&self) -> PaneId {
        self.ctx.active
    }

    /// The next instant at which something changes by itself; the event loop sleeps until then.
    #[must_use]
    pub fn next_tick(&self) -> Option<Ts> {
        let now = self.ctx.now;
        let second = || Ts(now.0 - now.0.rem_euclid(SECOND) + SECOND);
        let console = self.console.as_ref();
        let clock = self.settings.clock.then(|| if console.is_some() { next_minute(now) } else { second() });
        let console = console.and_then(|c| c.next_tick(now, self.has_layer()));
        let toast = self.toasts.iter().map(|(until, _)| *until).min();
        [clock, toast, console, self.which_key_at, self.banner.as_ref().map(|(until, ..)| *until)]
            .into_iter()
            .flatten()
            .min()
    }

    /// Time has come to `now`.
    pub(super) fn tick(&mut self, now: Ts) {
        let toasts = self.toasts.len();
        self.toasts.retain(|(until, _)| *until > now);
        self.dirty |= toasts != self.toasts.len() || self.settings.clock;
        self.console_tick(now);
        if self.banner.as_ref().is_some_and(|(until, ..)| *until <= now) {
            self.banner = None;
            self.dirty = true;
        }
        if self.which_key_at.is_some_and(|at| at <= now) {
            self.which_key_at = None;
            self.dirty = true;
        }
    }

    /// Whether the popup with a chord's continuations is shown.
    pub(super) fn shows_which_key(&self) -> bool {
        !self.pending.is_empty() && self.which_key_at.is_none()
    }
}
