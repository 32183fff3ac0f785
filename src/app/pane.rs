//! What a pane is.

use crossterm::event::KeyEvent;
use ratatui::Frame;
use ratatui::layout::Rect;
use serde::{Deserialize, Serialize};

use crate::commands::spec::{CommandSpec, Context, Situation};
use crate::model::command::Args;

use super::ctx::{Ctx, ViewCtx};
use super::effect::{Effect, Location};
use super::message::{HostFacts, Msg};
use crate::model::time::Ts;
use crate::ui::Piece;

/// The panes, by the number key that shows them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum PaneId {
    /// 1
    Alarms,
    /// 2
    Pon,
    /// 3
    Cpe,
    /// 4
    Buffers,
    /// 5
    Vms,
    /// 6
    Sources,
    /// 7
    Log,
    /// Network diagnostics: a tool without a number of its own.
    Diag,
    /// The menu of an appliance's console.
    Menu,
}

impl PaneId {
    /// The panes that have a number key, in order.
    pub const ALL: [Self; 7] = [Self::Alarms, Self::Pon, Self::Cpe, Self::Buffers, Self::Vms, Self::Sources, Self::Log];

    /// Title.
    #[must_use]
    pub const fn title(self) -> &'static str {
        match self {
            Self::Alarms => "Alarms",
            Self::Pon => "PON",
            Self::Cpe => "CPE",
            Self::Buffers => "Buffers",
            Self::Vms => "VMs",
            Self::Sources => "Sources",
            Self::Log => "Log",
            Self::Diag => "Network",
            Self::Menu => "Menu",
        }
    }

    /// Number key; a blank for panes that have none.
    #[must_use]
    pub const fn digit(self) -> char {
        match self {
            Self::Alarms => '1',
            Self::Pon => '2',
            Self::Cpe => '3',
            Self::Buffers => '4',
            Self::Vms => '5',
            Self::Sources => '6',
            Self::Log => '7',
            Self::Diag | Self::Menu => ' ',
        }
    }

    /// Key context.
    #[must_use]
    pub const fn context(self) -> Context {
        match self {
            Self::Alarms => Context::Alarms,
            Self::Pon => Context::Pon,
            Self::Cpe => Context::Cpe,
            Self::Buffers => Context::Buffers,
            Self::Vms => Context::Vms,
            Self::Sources => Context::Sources,
            Self::Log => Context::Log,
            Self::Diag => Context::Diag,
            Self::Menu => Context::Menu,
        }
    }
}

/// A pane: a pure function of messages. No I/O, no clock but [`Ctx::now`].
pub trait Pane {
    /// Which one.
    fn id(&self) -> PaneId;

    /// Takes a message in; all panes get answers and news, the visible one also
    /// [`Pane::shown`]. Input never comes here: keys arrive as [`Pane::command`].
    fn update(&mut self, msg: &Msg, cx: &Ctx) -> Vec<Effect>;

    /// The pane comes to the front, or its area changed: asks for what it needs.
    fn shown(&mut self, rows: u16, cx: &Ctx) -> Vec<Effect>;

    /// Runs a command of [`Pane::commands`] or of the list commands. The kernel has checked
    /// [`CommandSpec::enabled`]; commands that mutate answer with [`Effect::Intent`].
    fn command(&mut self, id: &'static str, args: &Args, cx: &Ctx) -> Vec<Effect>;

    /// Whether it has taken the keyboard for a console: keys that begin no command of
    /// [`Pane::contexts`] go to [`Pane::key`] then, and no command of the kernel has a key.
    fn captures(&self) -> bool {
        false
    }

    /// A key for the console.
    fn key(&mut self, _key: &KeyEvent, _cx: &Ctx) -> Vec<Effect> {
        Vec::new()
    }

    /// Text for the console.
    fn paste(&mut self, _text: &str, _cx: &Ctx) -> Vec<Effect> {
        Vec::new()
    }

    /// Goes to a thing.
    fn goto(&mut self, to: &Location, cx: &Ctx) -> Vec<Effect>;

    /// A click (`double` for the second of two) or wheel (`lines` ≠ 0) at a cell of the pane's area.
    fn mouse(&mut self, at: (u16, u16), lines: i16, double: bool, cx: &Ctx) -> Vec<Effect>;

    /// What the commands need to know to say whether they can run.
    fn situation(&self, cx: &Ctx) -> Situation;

    /// Key contexts, the innermost first.
    fn contexts(&self) -> Vec<Context>;

    /// Draws the window it holds.
    fn view(&self, frame: &mut Frame<'_>, area: Rect, cx: &ViewCtx<'_>);

    /// What it shows on the wall when nobody has touched the console for long; only the menu of a
    /// console does.
    fn wall(&self, _frame: &mut Frame<'_>, _area: Rect, _cx: &ViewCtx<'_>) {}

    /// How what it watches stands, for the console's header: a word, and how bad it is.
    fn badge(&self, _now: Ts) -> Option<Piece<'static>> {
        None
    }

    /// The machine it runs on, for the console's header.
    fn host(&self) -> Option<&HostFacts> {
        None
    }

    /// Words for the breadcrumb after the pane's title (filter, place).
    fn crumbs(&self) -> Vec<String>;

    /// Its commands.
    fn commands(&self) -> &'static [CommandSpec];

    /// The lines `--linear` prints for what changed since the last call: whole sentences, no
    /// cursor moves.
    fn linear(&mut self, msg: &Msg, cx: &Ctx) -> Vec<String>;

    /// What is restored at the next start.
    fn session(&self) -> serde_json::Value;

    /// Restores it; what does not fit is ignored.
    fn restore(&mut self, state: &serde_json::Value);
}
