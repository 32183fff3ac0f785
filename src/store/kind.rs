//! Kinds of journal records as they are stored: small numbers, never reused.

use crate::model::job::JobEvent;
use crate::model::log::LogKind;
use crate::model::observation::Observation;
use crate::model::record::Record;

/// Kinds from here on are shown by the Log pane.
pub(crate) const FIRST_LOGGED: u8 = 16;

/// The stored kind of a record.
pub(crate) const fn of(record: &Record) -> u8 {
    match record {
        Record::Observed(o) => match &o.what {
            Observation::Alarm(_) => 0,
            Observation::Node(_) => 1,
            Observation::NodeGone(..) => 2,
            Observation::Kpi(_) => 3,
            Observation::Skipped => 4,
            Observation::Cpe(_) => 6,
            Observation::Informs(_) => 7,
            Observation::CpeGone(..) => 8,
            Observation::CpeFault(_) => 9,
            Observation::CpeFaultGone(..) => 10,
            Observation::Suppressed(_) => 12,
            Observation::Call(_) => 16,
            Observation::Notice(_) => 19,
            Observation::Source(_) => 20,
            Observation::Resync(_) => 21,
            Observation::Unreadable(_) => 22,
        },
        Record::Timer(_) => 5,
        Record::Action(_) => 17,
        Record::Command(_) => 18,
        Record::Inventory(_) => 23,
        Record::Job(job) => match &job.what {
            JobEvent::Created(_)
            | JobEvent::Refused(_)
            | JobEvent::Control(_)
            | JobEvent::Held(_)
            | JobEvent::Ended => 24,
            _ => 11,
        },
    }
}

/// What the Log pane calls a stored kind.
pub(crate) const fn logged(kind: u8) -> Option<LogKind> {
    Some(match kind {
        16 => LogKind::Call,
        17 => LogKind::Action,
        18 | 24 => LogKind::Command,
        19 | 23 => LogKind::Notice,
        20 | 21 => LogKind::Source,
        22 => LogKind::Unreadable,
        _ => return None,
    })
}
