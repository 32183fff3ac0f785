//! What a change of an ONU means for the CPE behind it: the demo's ACS follows the network, so that
//! a fibre cut is seen in the fleet too.

use super::World;
use super::alarm::OnuAlarm;
use super::state::State;

/// What became of the way to the CPE behind an ONU.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Contact {
    /// The ONU is gone; with the mains of the house, or without.
    Lost { mains: bool },
    /// It carries traffic again.
    Back,
    /// It is there for the first time, and so is who uses it.
    New,
}

/// Where and when.
#[derive(Debug, Clone)]
pub(crate) struct Told {
    pub(crate) serial: String,
    /// Real time, ms since 1970.
    pub(crate) at: i64,
    pub(crate) what: Contact,
}

impl World {
    /// From now on changes are noted for [`Self::contacts`].
    pub(crate) const fn follow(&mut self) {
        self.followed = true;
    }

    /// What changed since the last call, in order.
    pub(crate) fn contacts(&mut self) -> Vec<Told> {
        std::mem::take(&mut self.contacts)
    }

    /// An ONU goes from one state to another.
    pub(super) fn contact(&mut self, stack: usize, onu: usize, from: State, to: State) {
        let mains = |o: &super::layout::Onu| o.raised & OnuAlarm::DyingGasp.bit() != 0;
        let gasped = self.stacks.get(stack).and_then(|s| s.onus.get(onu)).is_some_and(mains);
        match (from == State::UP, to == State::UP) {
            (true, false) => self.tell(stack, onu, Contact::Lost { mains: gasped }),
            (false, true) => self.tell(stack, onu, Contact::Back),
            _ => {}
        }
    }

    pub(super) fn tell(&mut self, stack: usize, onu: usize, what: Contact) {
        if !self.followed {
            return;
        }
        let at = self.stamp() / 1_000;
        let Some(stack) = self.stacks.get(stack) else { return };
        self.contacts.push(Told { serial: stack.serial(onu), at, what });
    }
}
