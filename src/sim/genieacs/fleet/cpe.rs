//! One CPE, in as few bytes as it takes: what can be computed from its number is, and only what
//! somebody changed is kept beside.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::sync::Arc;

use super::models::{MODELS, Model};
use super::source::Scalar;

/// How a CPE answers a connection request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Poke {
    /// It comes.
    Comes,
    /// It refuses (a NAT before it, a firewall).
    Refuses,
    /// Nothing answers; the ACS waits two seconds.
    Silent,
    /// Its password is not the one the ACS knows.
    WrongPassword,
    /// Its connection request URL cannot be used.
    BadUrl,
    /// It asks for Basic authentication.
    Basic,
    /// It asks for something unknown.
    UnknownAuth,
    /// It accepts, and then there is no session.
    Ignores,
}

/// Where a CPE is in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Phase {
    /// On.
    Up,
    /// On, in a session with the ACS.
    InSession,
    /// Boots.
    Boots,
    /// No mains, no fibre, or gone.
    Off,
}

/// Its way to the ACS, over the ONU before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Line {
    There,
    /// The ONU is gone.
    Cut,
    /// The ONU is gone, and the house is dark.
    Dark,
}

/// A value as the ACS last saw it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Seen {
    pub(crate) value: Scalar,
    /// Milliseconds since 1970.
    pub(crate) at: i64,
}

/// An instance that was added: parameter name, what the CPE holds, what the ACS saw.
#[derive(Debug, Clone, Default)]
pub(crate) struct Instance {
    pub(crate) at: i64,
    pub(crate) leaves: BTreeMap<Box<str>, (Scalar, Option<Seen>)>,
}

/// A download as the `Downloads` tree shows it.
#[derive(Debug, Clone)]
pub(crate) struct Download {
    pub(crate) instance: u32,
    pub(crate) at: i64,
    pub(crate) file_type: String,
    pub(crate) file_name: String,
    pub(crate) target: String,
    pub(crate) done: Option<Transferred>,
}

/// What a TransferComplete told.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Transferred {
    pub(crate) told: i64,
    pub(crate) start: i64,
    pub(crate) complete: i64,
}

/// What differs from a CPE as it left the factory and was read in full.
#[derive(Debug, Clone, Default)]
pub(crate) struct Extra {
    /// What the CPE holds, by leaf.
    pub(crate) own: BTreeMap<u16, Scalar>,
    /// What the ACS saw since it last read everything, by leaf.
    pub(crate) seen: BTreeMap<u16, Seen>,
    /// Objects that were refreshed since, and when.
    pub(crate) refreshed: BTreeMap<Box<str>, i64>,
    pub(crate) added: BTreeMap<Box<str>, Instance>,
    pub(crate) gone: BTreeSet<Box<str>>,
    pub(crate) virtuals: BTreeMap<Box<str>, Seen>,
    pub(crate) downloads: Vec<Download>,
    pub(crate) reboot: Option<i64>,
    pub(crate) factory_reset: Option<i64>,
    /// A version that is in no list of ours.
    pub(crate) version: Option<Box<str>>,
}

/// One CPE. Times are milliseconds since 1970 as the ACS writes them; 0 = never.
#[derive(Debug)]
pub(crate) struct Cpe {
    pub(crate) serial: Box<str>,
    pub(crate) tags: Vec<Arc<str>>,
    pub(crate) extra: Option<Box<Extra>>,
    pub(crate) registered: i64,
    pub(crate) last_inform: i64,
    pub(crate) last_boot: i64,
    pub(crate) last_bootstrap: i64,
    pub(crate) up_since: i64,
    /// When its names were last discovered and its values read.
    pub(crate) names_at: i64,
    pub(crate) read_at: i64,
    pub(crate) number: u32,
    pub(crate) interval_s: u32,
    /// Counts its sessions: a periodic inform that another session made needless is dropped.
    pub(crate) sessions: u32,
    /// Sessions that ended.
    pub(crate) ended: u32,
    /// Hundredths of a dBm, now and as the ACS saw it.
    pub(crate) rx: i16,
    pub(crate) rx_seen: i16,
    pub(crate) model: u8,
    pub(crate) version: u8,
    pub(crate) poke: Poke,
    pub(crate) phase: Phase,
    /// Never refreshed in full: deep parameters are names only.
    pub(crate) shallow: bool,
    /// What its next inform tells: that it booted, that it left the factory anew.
    pub(crate) booted: bool,
    pub(crate) bootstrapped: bool,
    /// Somebody asked for a session while one ran.
    pub(crate) again: bool,
    pub(crate) line: Line,
}

impl Cpe {
    pub(crate) fn model(&self) -> &'static Model {
        MODELS.get(usize::from(self.model)).unwrap_or(&MODELS[0])
    }

    /// Id as the ACS writes it.
    pub(crate) fn id(&self) -> String {
        let model = self.model();
        device_id(model.oui, model.product, &self.serial)
    }

    pub(crate) fn version(&self) -> &str {
        if let Some(version) = self.extra.as_ref().and_then(|e| e.version.as_deref()) {
            return version;
        }
        self.model().versions.get(usize::from(self.version)).copied().unwrap_or_default()
    }

    /// Runs this version from now on.
    pub(crate) fn set_version(&mut self, version: &str) {
        let known = self.model().versions.iter().position(|v| *v == version);
        if let Some(extra) = &mut self.extra {
            extra.version = None;
        }
        match known {
            Some(n) => self.version = n as u8,
            None => self.extra().version = Some(version.into()),
        }
    }

    pub(crate) fn address(&self) -> String {
        let [_, a, b, c] = self.number.to_be_bytes();
        format!("100.{}.{b}.{c}", 64 + a)
    }

    pub(crate) fn extra(&mut self) -> &mut Extra {
        self.extra.get_or_insert_default()
    }

    /// Whether anything reaches it.
    pub(crate) const fn reachable(&self) -> bool {
        matches!((self.phase, self.line), (Phase::Up | Phase::InSession | Phase::Boots, Line::There))
    }

    pub(crate) const fn in_session(&self) -> bool {
        matches!(self.phase, Phase::InSession)
    }
}

/// OUI, product class and serial number, with what is not a letter, a digit or an underscore in
/// percent encoding.
pub(crate) fn device_id(oui: &str, product: &str, serial: &str) -> String {
    let mut id = String::with_capacity(oui.len() + product.len() + serial.len() + 2);
    for (n, part) in [oui, product, serial].into_iter().enumerate() {
        if n > 0 {
            id.push('-');
        }
        for byte in part.bytes() {
            if byte.is_ascii_alphanumeric() || byte == b'_' {
                id.push(char::from(byte));
            } else {
                // Writing to a string cannot fail.
                let _ = write!(id, "%{byte:02X}");
            }
        }
    }
    id
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dashes_inside_a_part_are_encoded() {
        assert_eq!(device_id("F8345A", "G-1425G-A", "ALCL00000003"), "F8345A-G%2D1425G%2DA-ALCL00000003");
    }

    #[test]
    fn a_cpe_is_small() {
        assert!(size_of::<Cpe>() <= 160, "{}", size_of::<Cpe>());
    }
}
