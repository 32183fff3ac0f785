//! Connection requests, and CPEs that go and come.

use super::{SECOND, Step, World};
use crate::sim::genieacs::fleet::{Line, Phase, Poke};

/// How a connection request ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Poked {
    /// The CPE accepted it.
    Accepted,
    /// It did not; the reason phrase.
    Failed(&'static str),
    /// Nobody answered: known only after the time-out.
    Silent,
}

/// Milliseconds from a connection request to the CPE's inform.
const REACTION: i64 = 10;

impl World {
    /// Asks a CPE for a session.
    pub(crate) fn poke(&mut self, at: u32) -> Poked {
        let Some(cpe) = self.fleet.get_mut(at) else { return Poked::Failed("Device is offline") };
        match (cpe.phase, cpe.poke) {
            _ if cpe.line != Line::There => Poked::Silent,
            (Phase::Off, _) | (_, Poke::Silent) => Poked::Silent,
            (Phase::Boots, _) | (_, Poke::Refuses) => Poked::Failed("Device is offline"),
            (_, Poke::WrongPassword) => {
                Poked::Failed("Connection request error: Incorrect connection request credentials")
            }
            (_, Poke::BadUrl) => Poked::Failed("Invalid connection request URL"),
            (_, Poke::Basic) => Poked::Failed("Basic HTTP authentication not allowed"),
            (_, Poke::UnknownAuth) => Poked::Failed("Unrecognized auth method"),
            (_, Poke::Ignores) => Poked::Accepted,
            (Phase::InSession, Poke::Comes) => {
                cpe.again = true;
                Poked::Accepted
            }
            (Phase::Up, Poke::Comes) => {
                self.after(REACTION, Step::Begin(at));
                Poked::Accepted
            }
        }
    }

    /// Switches a CPE off or on.
    pub(crate) fn set_offline(&mut self, at: u32, off: bool) {
        let Some(cpe) = self.fleet.get_mut(at) else { return };
        match (cpe.phase, off) {
            (Phase::InSession, true) => {
                cpe.phase = Phase::Off;
                self.active = self.active.saturating_sub(1);
            }
            (_, true) => cpe.phase = Phase::Off,
            (Phase::Off, false) => {
                cpe.phase = Phase::Boots;
                self.after(5 * SECOND, Step::Boot(at));
            }
            (_, false) => {}
        }
    }
}
