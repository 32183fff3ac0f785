//! What the network consists of: stacks, OLTs, PON ports, ONUs, their ids, serials and names.
//!
//! Everything that can be computed from the seed and an index is computed, not stored: 200,000
//! ONUs take some 40 bytes each.

use std::collections::HashMap;

use xxhash_rust::xxh3::{xxh3_64_with_seed, xxh3_128_with_seed};

use super::state::{Reason, State};
use crate::controllers::voltha::proto::device::PmConfigs;
use crate::model::log::InventoryItem;
use crate::sim::Scale;

static SITES: &str = include_str!("../../../assets/demo/sites.txt");
static STREETS: &str = include_str!("../../../assets/demo/streets.txt");

/// Vendor ids as the ONU adapter lists them; the first letters of a serial number.
const VENDORS: [&str; 6] = ["ALPH", "TWSH", "ISKT", "SCOM", "ZYXE", "ADTN"];

/// How large a network of a scale is.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Plan {
    pub(crate) stacks: usize,
    pub(crate) onus: usize,
    pub(crate) pons: usize,
    pub(crate) per_pon: usize,
}

impl Plan {
    pub(crate) const fn of(scale: Scale) -> Self {
        match scale {
            Scale::Small => Self { stacks: 1, onus: 64, pons: 4, per_pon: 8 },
            Scale::City => Self { stacks: 3, onus: 10_000, pons: 16, per_pon: 64 },
            Scale::Region => Self { stacks: 50, onus: 200_000, pons: 16, per_pon: 64 },
        }
    }

    /// ONUs that share a street's power.
    pub(crate) const fn street(self) -> usize {
        if self.per_pon < 32 { 4 } else { 16 }
    }
}

/// One ONU.
#[derive(Debug, Clone)]
pub(crate) struct Onu {
    pub(crate) id: u128,
    pub(crate) olt: u16,
    pub(crate) pon: u8,
    /// Number on its PON, from 1.
    pub(crate) number: u8,
    /// VOLTHA holds a device for it.
    pub(crate) exists: bool,
    /// It is physically there (a deleted device is found again).
    pub(crate) plugged: bool,
    /// A service is (to be) provisioned.
    pub(crate) service: bool,
    /// The flows of the service are in the devices.
    pub(crate) flows: bool,
    pub(crate) state: State,
    pub(crate) reason: Reason,
    /// Counts re-creations: each gives a new id.
    pub(crate) generation: u16,
    /// Raised alarms, a bit a kind.
    pub(crate) raised: u32,
    /// Received power, hundredths of a dBm.
    pub(crate) rx: i16,
    /// The UNI's administrative state.
    pub(crate) uni_enabled: bool,
}

/// A PON port of an OLT.
#[derive(Debug, Clone)]
pub(crate) struct Pon {
    /// Its ONUs are `onus[first .. first + count]` of the stack.
    pub(crate) first: u32,
    pub(crate) count: u32,
    pub(crate) enabled: bool,
    pub(crate) los: bool,
}

/// One OLT.
#[derive(Debug, Clone)]
pub(crate) struct Olt {
    pub(crate) id: u128,
    pub(crate) logical: u128,
    /// Number in the whole network.
    pub(crate) number: u32,
    pub(crate) serial: String,
    pub(crate) host: String,
    pub(crate) exists: bool,
    pub(crate) state: State,
    pub(crate) reason: Reason,
    pub(crate) generation: u16,
    pub(crate) pons: Vec<Pon>,
    pub(crate) default_freq: u32,
    /// The logical switch holds its flows (a restart of the core forgets them).
    pub(crate) logical_flows: bool,
}

/// A process of the stack that speaks to devices.
#[derive(Debug, Clone)]
pub(crate) struct Adapter {
    /// Virtual time of its last sign of life while it is dead; `None` = alive.
    pub(crate) dead_since: Option<i64>,
}

/// Which device an id names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum DeviceRef {
    Olt(usize),
    Onu(usize),
}

/// One VOLTHA stack and what it manages.
#[derive(Debug)]
pub(crate) struct Stack {
    pub(crate) olts: Vec<Olt>,
    pub(crate) onus: Vec<Onu>,
    pub(crate) by_id: HashMap<u128, DeviceRef>,
    /// PM configurations of ONUs that were changed, by index.
    pub(crate) pm: HashMap<usize, PmConfigs>,
    /// openolt, openonu.
    pub(crate) adapters: [Adapter; 2],
    seed: u64,
    index: usize,
    first_onu: usize,
    street: usize,
}

impl Stack {
    /// Builds stack `index` of a network.
    pub(crate) fn build(plan: Plan, seed: u64, index: usize) -> Self {
        let share = |n: usize| plan.onus * n / plan.stacks;
        let (first_onu, onus) = (share(index), share(index + 1) - share(index));
        let olts = onus.div_ceil(plan.pons * plan.per_pon).max(1);
        let ports = olts * plan.pons;
        let per_stack = plan.onus.div_ceil(plan.stacks).div_ceil(plan.pons * plan.per_pon).max(1);
        let mut stack = Self {
            olts: Vec::with_capacity(olts),
            onus: Vec::with_capacity(onus + ports),
            by_id: HashMap::with_capacity(onus + olts),
            pm: HashMap::new(),
            adapters: [Adapter { dead_since: None }, Adapter { dead_since: None }],
            seed,
            index,
            first_onu,
            street: plan.street(),
        };
        for n in 0..olts {
            let number = (index * per_stack + n) as u32;
            let mut pons = Vec::with_capacity(plan.pons);
            for p in 0..plan.pons {
                let port = n * plan.pons + p;
                let count = onus * (port + 1) / ports - onus * port / ports;
                pons.push(Pon {
                    first: stack.onus.len() as u32,
                    // One place more than ONUs: where the operator will plug in a new one.
                    count: count as u32 + 1,
                    enabled: true,
                    los: false,
                });
                for k in 0..=count {
                    stack.push_onu(n, p, k, k < count);
                }
            }
            stack.push_olt(number, pons);
        }
        stack
    }

    fn push_onu(&mut self, olt: usize, pon: usize, k: usize, exists: bool) {
        let at = self.onus.len();
        let dice = self.dice(at as u64, 1);
        self.onus.push(Onu {
            id: 0,
            olt: olt as u16,
            pon: pon as u8,
            number: (k + 1) as u8,
            exists,
            plugged: exists,
            service: dice % 100 < 92,
            flows: exists && dice % 100 < 92,
            state: if exists { State::UP } else { State::NONE },
            reason: if dice % 100 < 92 { Reason::FlowsPushed } else { Reason::MibDownloaded },
            generation: 0,
            raised: 0,
            rx: -1_450 - (dice >> 8 & 0x3ff) as i16,
            uni_enabled: true,
        });
        self.renew_onu(at, 0);
    }

    fn push_olt(&mut self, number: u32, pons: Vec<Pon>) {
        let at = self.olts.len();
        let dice = self.dice(u64::from(number), 2);
        self.olts.push(Olt {
            id: 0,
            logical: 0,
            number,
            serial: format!("EC21{:02}{:06}", dice % 52 + 1, u64::from(number) * 37 % 1_000_000),
            host: format!("10.{}.{}.{}:9191", 20 + self.index / 200, self.index % 200, at + 10),
            exists: true,
            state: State::UP,
            reason: Reason::None,
            generation: 0,
            pons,
            default_freq: 150,
            logical_flows: true,
        });
        self.renew_olt(at, 0);
    }

    /// An OLT at an address where none answers; returns its index.
    pub(crate) fn unknown_olt(&mut self, host: String) -> usize {
        let at = self.olts.len();
        self.push_olt(u32::MAX - at as u32, Vec::new());
        if let Some(olt) = self.olts.get_mut(at) {
            self.by_id.remove(&olt.id);
            olt.host = host;
            olt.exists = false;
            olt.serial = String::new();
        }
        at
    }

    fn dice(&self, index: u64, salt: u64) -> u64 {
        let place = (self.index as u64) << 40 | index;
        xxh3_64_with_seed(&place.to_le_bytes(), self.seed ^ salt << 56)
    }

    fn fresh_id(&self, kind: u8, index: usize, generation: u16) -> u128 {
        let text = format!("{kind}/{}/{index}/{generation}", self.index);
        let bits = xxh3_128_with_seed(text.as_bytes(), self.seed);
        uuid::Builder::from_random_bytes(bits.to_be_bytes()).into_uuid().as_u128()
    }

    /// Gives an ONU the id of a generation; an id that exists is found by it.
    pub(crate) fn renew_onu(&mut self, at: usize, generation: u16) {
        let id = self.fresh_id(1, at, generation);
        if let Some(onu) = self.onus.get_mut(at) {
            self.by_id.remove(&onu.id);
            onu.generation = generation;
            onu.id = id;
            if onu.exists {
                self.by_id.insert(id, DeviceRef::Onu(at));
            }
        }
    }

    /// As [`Self::renew_onu`], for an OLT and its logical switch.
    pub(crate) fn renew_olt(&mut self, at: usize, generation: u16) {
        let (id, logical) = (self.fresh_id(2, at, generation), self.fresh_id(3, at, generation));
        if let Some(olt) = self.olts.get_mut(at) {
            self.by_id.remove(&olt.id);
            olt.generation = generation;
            olt.id = id;
            olt.logical = logical;
            if olt.exists {
                self.by_id.insert(id, DeviceRef::Olt(at));
            }
        }
    }

    /// Vendor id of an ONU.
    pub(crate) fn vendor(&self, at: usize) -> &'static str {
        let dice = self.dice(at as u64, 3) as usize;
        VENDORS.get(dice % VENDORS.len()).copied().unwrap_or("ALPH")
    }

    /// Serial number of an ONU: its only name that outlives a re-creation.
    pub(crate) fn serial(&self, at: usize) -> String {
        // Odd factor: each index gives another number.
        let number = ((self.first_onu + at) as u32 ^ (self.index as u32) << 24).wrapping_mul(0x9e37_79b1);
        format!("{}{number:08X}", self.vendor(at))
    }

    /// UNI port number of an ONU, the one that OMCI alarms carry as `onu-intf-id`.
    pub(crate) fn uni_port(onu: &Onu) -> u32 {
        u32::from(onu.pon) << 16 | u32::from(onu.number) << 8
    }

    /// Site of an OLT.
    pub(crate) fn site(number: u32) -> String {
        let count = SITES.lines().count().max(1);
        let n = number as usize;
        let name = SITES.lines().nth(n * 29 % count).unwrap_or("Exchange");
        if n < count { name.to_owned() } else { format!("{name} {}", n / count + 1) }
    }

    /// Which street an ONU is in: neighbours on two adjacent PONs of one OLT share one.
    pub(crate) fn street(&self, at: usize) -> Option<(u16, usize)> {
        let onu = self.onus.get(at)?;
        Some((onu.olt, usize::from(onu.pon / 2) * 64 + usize::from(onu.number - 1) / (self.street / 2).max(1)))
    }

    /// ONUs that share a street with one, by index.
    pub(crate) fn neighbours(&self, at: usize) -> Vec<usize> {
        let street = self.street(at);
        let there = |i: &usize| self.street(*i) == street && self.onus.get(*i).is_some_and(|o| o.exists);
        (0..self.onus.len()).filter(there).collect()
    }

    fn address(&self, at: usize) -> String {
        let Some((olt, street)) = self.street(at) else { return String::new() };
        let count = STREETS.lines().count().max(1);
        let name = STREETS.lines().nth(self.dice(street as u64 + (u64::from(olt) << 20), 4) as usize % count);
        let house = self.onus.get(at).map_or(1, |o| {
            let half = (self.street / 2).max(1);
            (usize::from(o.number - 1) % half) * 4 + usize::from(o.pon % 2) * 2 + 1
        });
        format!("{house} {}", name.unwrap_or("High Street"))
    }

    /// The inventory of this stack: sites of OLTs, addresses and subscribers of ONUs.
    pub(crate) fn inventory<'a>(&'a self, source: &'a str) -> impl Iterator<Item = InventoryItem> + 'a {
        let olts = self.olts.iter().map(move |olt| InventoryItem {
            serial: olt.serial.clone(),
            source: source.to_owned(),
            site: Self::site(olt.number),
            name: format!("{} OLT", Self::site(olt.number)),
            subscribers: 0,
        });
        let onus = (0..self.onus.len()).map(move |at| InventoryItem {
            serial: self.serial(at),
            source: source.to_owned(),
            site: String::new(),
            name: self.address(at),
            subscribers: if self.dice(at as u64, 5).is_multiple_of(40) { 4 } else { 1 },
        });
        olts.chain(onus)
    }

    /// ONUs of one PON port, by index.
    pub(crate) fn pon_onus(&self, olt: usize, pon: usize) -> std::ops::Range<usize> {
        self.olts.get(olt).and_then(|o| o.pons.get(pon)).map_or(0..0, |p| {
            let first = p.first as usize;
            first..first + p.count as usize
        })
    }

    /// ONUs of one OLT, by index.
    pub(crate) fn olt_onus(&self, olt: usize) -> std::ops::Range<usize> {
        let pons = self.olts.get(olt).map_or(0, |o| o.pons.len());
        self.pon_onus(olt, 0).start..self.pon_onus(olt, pons.saturating_sub(1)).end
    }
}

/// An id as it is written.
pub(crate) fn uuid(id: u128) -> String {
    uuid::Uuid::from_u128(id).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn scales_have_the_stated_number_of_onus_with_distinct_serials() {
        for scale in [Scale::Small, Scale::City] {
            let plan = Plan::of(scale);
            let stacks: Vec<Stack> = (0..plan.stacks).map(|i| Stack::build(plan, 7, i)).collect();
            let existing: usize = stacks.iter().map(|s| s.onus.iter().filter(|o| o.exists).count()).sum();
            assert_eq!(existing, plan.onus);
            let mut serials = HashSet::new();
            let mut ids = HashSet::new();
            for s in &stacks {
                for (at, onu) in s.onus.iter().enumerate() {
                    assert!(serials.insert(s.serial(at)), "serial twice");
                    assert!(ids.insert(onu.id), "id twice");
                }
            }
        }
    }

    #[test]
    fn a_street_spans_two_pons() {
        let stack = Stack::build(Plan::of(Scale::City), 7, 0);
        let there = stack.neighbours(0);
        assert_eq!(there.len(), 16);
        let pons: HashSet<u8> = there.iter().map(|i| stack.onus[*i].pon).collect();
        assert_eq!(pons.len(), 2);
    }
}
