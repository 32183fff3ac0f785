//! CPEs behind ONUs: what happens to the network happens to them.

use super::{SECOND, Step, World};
use crate::sim::genieacs::fleet::models::Model;
use crate::sim::genieacs::fleet::{Line, Phase, anew};
use crate::sim::network::contact::{Contact, Told};

/// From the first light of a new ONU to the first inform of the CPE that is plugged in behind it.
const UNPACKED: i64 = 40 * SECOND;

impl World {
    /// An ONU changed; who has none behind it does not notice.
    pub(crate) fn line(&mut self, told: &Told) {
        match (told.what, self.fleet.with_serial(&told.serial)) {
            (Contact::Lost { mains }, Some(at)) => self.lost(at, mains, told.at),
            (Contact::Back, Some(at)) => self.regained(at),
            (Contact::New, None) => self.unpacked(&told.serial),
            (Contact::New, Some(_)) | (Contact::Lost { .. } | Contact::Back, None) => {}
        }
    }

    /// The ONU is gone since `since` (ms since 1970).
    fn lost(&mut self, at: u32, mains: bool, since: i64) {
        // What went before the ACS began was not heard of since; its other times lie before.
        let past = since < self.rules.anchor;
        let Some(cpe) = self.fleet.get_mut(at) else { return };
        let shift = if past { (cpe.last_inform - since).max(0) } else { 0 };
        for time in [&mut cpe.last_inform, &mut cpe.read_at, &mut cpe.names_at, &mut cpe.up_since] {
            *time -= shift;
        }
        cpe.last_boot = (cpe.last_boot - shift).max(0);
        let on = cpe.phase != Phase::Off;
        cpe.line = if mains && on { Line::Dark } else { Line::Cut };
        if mains {
            self.set_offline(at, true);
        } else if cpe.in_session() {
            // It breaks off; nothing of it is done.
            cpe.phase = Phase::Up;
            self.active = self.active.saturating_sub(1);
        }
    }

    fn regained(&mut self, at: u32) {
        let Some(cpe) = self.fleet.get_mut(at) else { return };
        match std::mem::replace(&mut cpe.line, Line::There) {
            // With the mains the CPE boots.
            Line::Dark => self.set_offline(at, false),
            Line::Cut if cpe.phase == Phase::Up => {
                // A CPE that has its address again tells so.
                let wait = self.rng.i64(2 * SECOND..12 * SECOND);
                self.after(wait, Step::Begin(at));
            }
            Line::Cut | Line::There => {}
        }
    }

    fn unpacked(&mut self, serial: &str) {
        let number = self.fleet.places() + 1;
        let model = Model::by_share(self.rng.u32(0..1_000));
        let mut cpe = anew(model, number, serial, self.wall());
        cpe.interval_s = self.rules.inform_s;
        self.after(UNPACKED, Step::Return(Box::new(cpe)));
    }
}
