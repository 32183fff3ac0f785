//! Where a pane's detail view goes, how it scrolls, and its commands: beside the list on wide
//! screens, below it on high ones, in its place on small ones.

use std::cell::Cell;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::app::ctx::{Ctx, ViewCtx};
use crate::app::effect::Effect;
use crate::commands::spec::{CommandSpec, Context};
use crate::model::page::{DataRequest, RequestId};
use crate::ui::Paint;
use crate::ui::density::Density;
use crate::ui::sections::{Block, Sections};

/// The parts of a pane's area.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Areas {
    /// The list; empty when the detail view has taken its place.
    pub list: Rect,
    /// The detail view.
    pub detail: Option<Rect>,
}

/// Rows of a screen from which a list of few rows has its detail view below it.
const ROOMY: u16 = 22;

/// State of a detail view.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct DetailState {
    /// Opened or closed by the operator; `None`: open where there is room beside the list.
    pub open: Option<bool>,
    /// Where the operator has not said so it is open below the list too, as the lists of few rows
    /// want it.
    pub roomy: bool,
    /// It has the keyboard.
    pub focus: bool,
    /// First line shown.
    pub scroll: u16,
    /// The last line that can be the first shown, as of the last frame.
    most: Cell<u16>,
}

impl DetailState {
    /// Whether a detail view is on the screen.
    pub(crate) fn visible(&self, size: (u16, u16)) -> bool {
        self.focus || self.open.unwrap_or(Density::of(size.0, size.1) == Density::Full || self.below(size))
    }

    /// Whether there is room below a list of few rows.
    const fn below(&self, size: (u16, u16)) -> bool {
        self.roomy && size.1 >= ROOMY
    }

    /// Divides the pane's area.
    pub(crate) fn areas(&self, area: Rect, size: (u16, u16)) -> Areas {
        if !self.visible(size) {
            return Areas { list: area, detail: None };
        }
        match Density::of(size.0, size.1) {
            Density::Full => {
                let width = area.width * 2 / 5;
                let list = Rect { width: area.width - width, ..area };
                Areas { list, detail: Some(Rect { x: list.right(), width, ..area }) }
            }
            Density::Compact if self.below(size) && !self.focus => Self::halves(area),
            Density::Normal => Self::halves(area),
            Density::Compact | Density::TooSmall if self.focus => {
                Areas { list: Rect { height: 0, ..area }, detail: Some(area) }
            }
            Density::Compact | Density::TooSmall => Areas { list: area, detail: None },
        }
    }

    fn halves(area: Rect) -> Areas {
        let height = area.height / 2;
        let list = Rect { height: area.height - height, ..area };
        Areas { list, detail: Some(Rect { y: list.bottom(), height, ..area }) }
    }

    /// Opens the view, or gives it the keyboard.
    pub(crate) fn enter(&mut self, size: (u16, u16)) {
        let beside = Density::of(size.0, size.1) >= Density::Normal;
        if beside && !self.visible(size) {
            self.open = Some(true);
        } else {
            self.focus = true;
        }
        self.scroll = 0;
    }

    /// Draws the view.
    pub(crate) fn draw(&self, buf: &mut Buffer, area: Rect, title: &str, blocks: &[Block<'_>], cx: &ViewCtx<'_>) {
        let focused = self.focus && cx.focused;
        let most = Sections { title, blocks, scroll: self.scroll, focused }.render(
            buf,
            area,
            &Paint::new(cx.theme, cx.glyphs),
        );
        self.most.set(most);
    }

    /// Scrolls by the wheel.
    pub(crate) fn wheel(&mut self, lines: i16) {
        self.scroll = self.scroll.min(self.most.get()).saturating_add_signed(lines).min(self.most.get());
    }

    /// Runs a detail command; tells whether it was one.
    pub(crate) fn command(&mut self, id: &str, size: (u16, u16)) -> bool {
        let page = size.1 / 2;
        self.scroll = self.scroll.min(self.most.get());
        match id {
            "detail.down" => self.scroll = self.scroll.saturating_add(1).min(self.most.get()),
            "detail.up" => self.scroll = self.scroll.saturating_sub(1),
            "detail.page-down" => self.scroll = self.scroll.saturating_add(page).min(self.most.get()),
            "detail.page-up" => self.scroll = self.scroll.saturating_sub(page),
            "detail.home" => self.scroll = 0,
            "detail.close" => {
                if self.focus {
                    self.focus = false;
                } else {
                    self.open = Some(false);
                }
            }
            "detail.toggle" => {
                self.open = Some(!self.visible(size));
                self.focus = false;
            }
            _ => return false,
        }
        true
    }
}

const fn detail(
    id: &'static str,
    title: &'static str,
    doc: &'static str,
    keys: &'static [&'static str],
) -> CommandSpec {
    CommandSpec { keys, ..CommandSpec::view(id, title, doc, Context::Detail) }
}

/// The commands of detail views.
pub(crate) static DETAIL: &[CommandSpec] = &[
    detail("detail.down", "Scroll down", "Scrolls the detail view down.", &["j", "down"]),
    detail("detail.up", "Scroll up", "Scrolls the detail view up.", &["k", "up"]),
    detail(
        "detail.page-down",
        "Half a screen down",
        "Scrolls the detail view half a screen down.",
        &["pagedown", "ctrl-d"],
    ),
    detail("detail.page-up", "Half a screen up", "Scrolls the detail view half a screen up.", &["pageup", "ctrl-u"]),
    detail("detail.home", "Beginning", "Goes to the beginning of the detail view.", &["g g", "home"]),
    detail("detail.next", "Next row", "Shows the detail of the next row.", &["J", "right"]),
    detail("detail.previous", "Previous row", "Shows the detail of the row before.", &["K", "left"]),
    CommandSpec {
        hint: true,
        ..detail("detail.close", "To the list", "Gives the keyboard back to the list.", &["esc", "enter"])
    },
    CommandSpec {
        keys: &["D"],
        ..CommandSpec::view(
            "detail.toggle",
            "Show or hide the detail view",
            "Shows the detail view beside or below the list, or hides it.",
            Context::List,
        )
    },
];

/// What the cache said about the row a detail view shows.
#[derive(Debug)]
pub(crate) struct Fetched<R, T> {
    value: Option<T>,
    /// The row of the list the newest question was about, as it was then.
    row: Option<R>,
    pending: Option<RequestId>,
}

impl<R, T> Default for Fetched<R, T> {
    fn default() -> Self {
        Self { value: None, row: None, pending: None }
    }
}

impl<R: Clone + PartialEq, T> Fetched<R, T> {
    /// What is known.
    pub(crate) const fn get(&self) -> Option<&T> {
        self.value.as_ref()
    }

    /// Asks about a row, unless it is known as it is or a question is under way: its answer shows
    /// whether to ask again.
    pub(crate) fn ask(&mut self, row: &R, request: DataRequest, cx: &Ctx) -> Vec<Effect> {
        if self.pending.is_some() || self.row.as_ref() == Some(row) {
            return Vec::new();
        }
        let id = cx.request_id();
        self.pending = Some(id);
        self.row = Some(row.clone());
        vec![Effect::Query(id, request)]
    }

    /// Whether an answer is the one waited for.
    pub(crate) fn answers(&mut self, id: RequestId) -> bool {
        let mine = self.pending == Some(id);
        if mine {
            self.pending = None;
        }
        mine
    }

    /// Keeps an answer.
    pub(crate) fn keep(&mut self, value: T) {
        self.value = Some(value);
    }
}

/// Rows of a pane's area on a screen of a size.
pub(crate) const fn pane_rows(size: (u16, u16)) -> u16 {
    size.1.saturating_sub(crate::ui::top_bar::TopBar::height(size.0) + 1)
}
