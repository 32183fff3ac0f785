//! What panes are told about the world.

use std::cell::{Cell, RefCell};
use std::sync::Arc;

use crate::model::alarm::Counts;
use crate::model::alarm_type::AlarmTypes;
use crate::model::page::{Generations, RequestId};
use crate::model::sight::Sight;
use crate::model::source::SourceRow;
use crate::model::time::Ts;
use crate::theme::{Glyphs, Theme};

use super::pane::PaneId;

/// For updating: data, no colours.
#[derive(Debug)]
pub struct Ctx {
    /// The present, our clock.
    pub now: Ts,
    /// Seconds east of UTC, for showing local time.
    pub utc_offset_s: i32,
    /// Name of the profile.
    pub profile: Arc<str>,
    /// Name written into actions.
    pub operator: Arc<str>,
    /// The profile refuses changes.
    pub read_only: bool,
    /// It runs on the console of an appliance.
    pub console: bool,
    /// One console of a machine is all there is: it has the whole screen, and leaving it ends the
    /// program.
    pub solo: bool,
    /// The profile allows to show secrets.
    pub reveal_secrets: bool,
    /// Another noctule owns the cache; its process id. What we want changed is handed to it.
    pub attached: Option<u32>,
    /// Why it cannot be spoken to.
    pub cut_off: Option<Arc<str>>,
    /// Alarm counters.
    pub counts: Counts,
    /// Generations of the tables.
    pub generations: Generations,
    /// Sources and their health.
    pub sources: Arc<[SourceRow]>,
    /// Why the cache cannot be written; the lists stand still meanwhile.
    pub unsaved: Option<Arc<str>>,
    /// Rows and columns of the terminal.
    pub size: (u16, u16),
    /// The pane at the front: the others take news in but ask for nothing.
    pub active: PaneId,
    /// Inventory of alarm types: titles, causes, what to do.
    pub alarm_types: Arc<AlarmTypes>,
    /// Where panes say that a picture lies in the frame that is drawn.
    pub canvas: Canvas,
    next_request: Cell<u64>,
}

/// The picture of a frame; one at most.
#[derive(Debug, Default)]
pub struct Canvas(RefCell<Option<Sight>>);

impl Canvas {
    /// A picture lies in this frame, drawn in half blocks already: a terminal that can shows its pixels
    /// instead.
    pub fn show(&self, sight: Sight) {
        // Without terminals of that kind nobody asks.
        if cfg!(feature = "graphics") {
            self.put(Some(sight));
        }
    }

    pub(super) fn put(&self, sight: Option<Sight>) {
        *self.0.borrow_mut() = sight;
    }

    pub(super) fn take(&self) -> Option<Sight> {
        self.0.borrow_mut().take()
    }
}

impl Ctx {
    /// A context at an instant, with everything else empty.
    #[must_use]
    pub fn new(now: Ts) -> Self {
        Self {
            now,
            utc_offset_s: 0,
            profile: "default".into(),
            operator: "operator".into(),
            read_only: false,
            console: false,
            solo: false,
            reveal_secrets: false,
            attached: None,
            cut_off: None,
            counts: Counts::default(),
            generations: Generations::default(),
            sources: Arc::from([]),
            unsaved: None,
            size: (80, 24),
            active: PaneId::Alarms,
            alarm_types: Arc::default(),
            canvas: Canvas::default(),
            next_request: Cell::new(1),
        }
    }

    /// A request id never used before.
    #[must_use]
    pub fn request_id(&self) -> RequestId {
        let id = self.next_request.get();
        self.next_request.set(id + 1);
        RequestId(id)
    }
}

/// For drawing: the same with colours and glyphs.
#[derive(Debug, Clone, Copy)]
pub struct ViewCtx<'a> {
    /// Data.
    pub ctx: &'a Ctx,
    /// Styles by token.
    pub theme: &'a Theme,
    /// Signs.
    pub glyphs: &'a Glyphs,
    /// Whether the pane has the keyboard (no overlay above it).
    pub focused: bool,
}
