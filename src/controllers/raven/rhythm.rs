//! Which call of an appliance is due when. The heartbeat is always due; the rest costs the appliance
//! more, the more it holds, so that a slow one is asked less.

use crate::model::time::{MINUTE, SECOND, Ts};

/// Which calls a poll makes beside its heartbeat.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct What {
    /// Services of the buffer, with the uplink in the same answer (may freeze for 5 s).
    pub services: bool,
    /// The uplink alone (may freeze for 5 s; cheap otherwise).
    pub uplink: bool,
    /// The configuration of the buffer service.
    pub config: bool,
    /// Processes, memory, disk (30 ms of the appliance).
    pub processes: bool,
    /// Ports of the appliance's configuration.
    pub ports: bool,
    /// Totals of what was collected.
    pub totals: bool,
    /// Load and disk space (165 ms of the appliance).
    pub host: bool,
    /// Metric endpoints of the collectors.
    pub meters: bool,
    /// The numbers that are made up.
    pub estimates: bool,
}

impl What {
    /// Nothing but the heartbeat.
    pub const HEARTBEAT: Self = Self {
        services: false,
        uplink: false,
        config: false,
        processes: false,
        ports: false,
        totals: false,
        host: false,
        meters: false,
        estimates: false,
    };

    /// Everything: at the first contact, and when an operator asks.
    pub const ALL: Self = Self {
        services: true,
        uplink: false,
        config: true,
        processes: true,
        ports: true,
        totals: true,
        host: true,
        meters: true,
        estimates: true,
    };

    /// What either asks for.
    #[must_use]
    pub const fn and(self, other: Self) -> Self {
        Self {
            services: self.services || other.services,
            uplink: self.uplink || other.uplink,
            config: self.config || other.config,
            processes: self.processes || other.processes,
            ports: self.ports || other.ports,
            totals: self.totals || other.totals,
            host: self.host || other.host,
            meters: self.meters || other.meters,
            estimates: self.estimates || other.estimates,
        }
    }
}

/// When each call was last due. One an appliance.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Rhythm {
    services: Ts,
    uplink: Ts,
    config: Ts,
    processes: Ts,
    ports: Ts,
    totals: Ts,
    host: Ts,
    meters: Ts,
    estimates: Ts,
}

impl Rhythm {
    /// What is due at `at`, given how long the last heartbeat took, µs. What is due is taken as done.
    pub fn next(&mut self, at: Ts, response_us: i64) -> What {
        let slow = response_us >= SECOND / 4;
        let services = match response_us {
            // A status costs the appliance what a heartbeat costs it.
            ..150_000 => 0,
            150_000..1_000_000 => 20 * SECOND,
            _ => MINUTE,
        };
        let due = |last: &mut Ts, every: i64| {
            // Polls come a little early or late.
            let due = !last.is_set() || at.since(*last) >= every - SECOND / 2 || at < *last;
            if due {
                *last = at;
            }
            due
        };
        let stretch = if slow { 4 } else { 1 };
        let services = due(&mut self.services, services);
        if services {
            self.uplink = at;
        }
        What {
            services,
            uplink: due(&mut self.uplink, 15 * SECOND) && !services,
            config: due(&mut self.config, MINUTE),
            processes: due(&mut self.processes, 10 * SECOND * stretch),
            ports: due(&mut self.ports, 5 * MINUTE),
            totals: due(&mut self.totals, MINUTE * stretch),
            host: due(&mut self.host, 2 * MINUTE * stretch),
            meters: due(&mut self.meters, 15 * SECOND * stretch),
            estimates: due(&mut self.estimates, 5 * MINUTE),
        }
    }

    /// The configuration is due next time: it seems to be another.
    pub fn config_due(&mut self) {
        self.config = Ts::NEVER;
    }

    /// Everything is due next time: after a silence, or a change.
    pub fn reset(&mut self) {
        *self = Self::default();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn count(response_us: i64) -> [usize; 4] {
        let mut rhythm = Rhythm::default();
        let mut counts = [0; 4];
        for n in 0..120 {
            let what = rhythm.next(Ts(1_000 * MINUTE).plus(n * 5 * SECOND), response_us);
            assert!(!(what.services && what.uplink));
            for (count, due) in
                counts.iter_mut().zip([what.services, what.services || what.uplink, what.host, what.config])
            {
                *count += usize::from(due);
            }
        }
        counts
    }

    #[test]
    fn a_fast_appliance_is_asked_everything_a_slow_one_less() {
        assert_eq!(count(2_000), [120, 120, 5, 10]);
        let [status, uplink, host, _] = count(900_000);
        assert_eq!((status, host), (30, 2));
        assert!((40..=60).contains(&uplink), "{uplink}");
        assert_eq!(count(4_000_000)[0], 10);
    }

    #[test]
    fn after_a_silence_all_is_due() {
        let mut rhythm = Rhythm::default();
        let at = Ts(1_000 * MINUTE);
        assert_eq!(rhythm.next(at, 0), What::ALL);
        assert_eq!(rhythm.next(at.plus(5 * SECOND), 0), What { services: true, ..What::HEARTBEAT });
        rhythm.config_due();
        let config = What { services: true, config: true, ..What::HEARTBEAT };
        assert_eq!(rhythm.next(at.plus(7 * SECOND), 0), config);
        rhythm.reset();
        assert_eq!(rhythm.next(at.plus(10 * SECOND), 0), What::ALL);
    }
}
