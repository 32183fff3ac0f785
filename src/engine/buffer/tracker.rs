//! One appliance, poll by poll.

use std::time::Duration;

use super::alarms::{AlarmChange, Board};
use super::settings::Settings;
use crate::model::appliance::state::Contact;
use crate::model::appliance::{ApplianceState, Point, Poll};
use crate::model::time::Ts;

/// Something that happened and has no state: journalled as a notice.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Happening {
    /// The collector or service it is about; `None`: the appliance.
    pub collector: Option<String>,
    /// Name of the event (`BUFFER_LOSS`).
    pub event: &'static str,
    /// One line.
    pub text: String,
    /// Whether it tells of a failure.
    pub failure: bool,
}

/// What a poll has changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// What is known after it.
    pub state: ApplianceState,
    /// Alarms that were raised, changed or cleared by it.
    pub alarms: Vec<AlarmChange>,
    /// What happened.
    pub notices: Vec<Happening>,
}

/// Everything that has to be remembered of one appliance between two polls.
#[derive(Debug, Clone)]
pub struct Tracker {
    settings: Settings,
    state: ApplianceState,
    board: Board,
}

impl Tracker {
    /// A tracker that knows nothing yet.
    #[must_use]
    pub fn new(settings: Settings) -> Self {
        Self { settings, state: ApplianceState::default(), board: Board::default() }
    }

    /// Goes on after a restart of noctule: from the last state (with the alarms that stood) and the
    /// past in points, oldest first.
    pub fn resume(&mut self, last: &ApplianceState, _past: &[Point]) {
        self.state = last.clone();
        self.board.resume(&last.standing);
    }

    /// Takes a poll, answered or not.
    pub fn step(&mut self, poll: &Poll) -> Step {
        self.state.at = poll.at;
        if let Some(stats) = poll.stats.said() {
            self.state.contact = Contact::Answering;
            self.state.answered = poll.at;
            self.state.records = Some(stats.records);
            self.state.used_bytes = Some(stats.used_bytes);
        }
        Step { state: self.state.clone(), alarms: Vec::new(), notices: Vec::new() }
    }

    /// What stands, worst first: to be told again when somebody asks anew.
    #[must_use]
    pub fn standing(&self) -> Vec<AlarmChange> {
        self.board.standing()
    }

    /// When the next poll is due, counted from the last one.
    #[must_use]
    pub fn next_poll(&self) -> Duration {
        Duration::from_micros(self.settings.poll_us.max(0).unsigned_abs())
    }

    /// An operator has ordered "forward now", and the appliance has accepted it.
    pub fn forward_ordered(&mut self, _at: Ts) {}

    /// An operator has ordered a clean-up: records that vanish now are no loss.
    pub fn cleanup_ordered(&mut self, _at: Ts) {}

    /// A configuration has been written by us: records that vanish now are no loss.
    pub fn config_written(&mut self, _at: Ts) {}
}
