//! What an intent does, with its arguments checked, and to which rows it can be done.
//!
//! Pure: the plan, the executor and `noctule run` all ask here, so that what the plan announces is
//! what happens. The rules for devices are those the controller was seen to apply (facts:
//! voltha-api §1.1, voltha-run §5-§6); knowing them here saves a call that is bound to fail.

use crate::model::action::Verb;
use crate::model::alarm::{AlarmRow, OpState, Visibility};
use crate::model::command::{Args, Intent};
use crate::model::page::Table;
use crate::model::resource::NodeKind;
use crate::model::source::{Breaker, Health, SourceRow};
use crate::model::time::{DAY, Ts, parse_duration};
use crate::model::topology::{AdminState, ConnectStatus, NodeRow, OperStatus};

use super::appliance::ApplianceVerb;
use super::cpe_verb::CpeVerb;
use super::job_verb::JobVerb;
use super::pm::PmChange;
use super::silences::SilenceVerb;
use super::stored::StoredVerb;
use super::vms::VmVerb;

/// The longest a shelf may last, µs. A shelf is a promise to look again, not a way to forget.
pub const MAX_SHELF: i64 = 30 * DAY;

/// Why an intent cannot be carried out at all.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum VerbError {
    /// No executor for the command.
    #[error("`{0}` is no command that changes anything")]
    Unknown(String),
    /// A required argument is not there or empty.
    #[error("`{command}` needs `{arg}`: {what}")]
    Missing {
        /// Command id.
        command: &'static str,
        /// Argument.
        arg: &'static str,
        /// What it is for.
        what: &'static str,
    },
    /// An argument that is no duration.
    #[error("`{arg}={value}` is no duration: write it like 90s, 15m, 2h, 3d or 1h30m")]
    Duration {
        /// Argument.
        arg: &'static str,
        /// What was given.
        value: String,
    },
    /// A duration that is too long or zero.
    #[error("`{arg}={value}` is out of range: at least 1s and at most {max}")]
    Range {
        /// Argument.
        arg: &'static str,
        /// What was given.
        value: String,
        /// The longest, in words.
        max: &'static str,
    },
    /// Arguments that make no sense, in words.
    #[error("`{command}`: {why}")]
    Wrong {
        /// Command id.
        command: &'static str,
        /// What is wrong.
        why: String,
    },
    /// A setting of a parameter that cannot be read.
    #[error("`{line}`: {why}")]
    Setting {
        /// The setting; its value may be cut off.
        line: String,
        /// What is wrong.
        why: &'static str,
    },
    /// Targets of a table the command does not work on.
    #[error("`{command}` works on {wanted}, not on {given}")]
    Table {
        /// Command id.
        command: &'static str,
        /// What it works on.
        wanted: &'static str,
        /// What was given.
        given: &'static str,
    },
}

/// What is to be done.
#[derive(Debug, Clone, PartialEq)]
pub enum Work {
    /// An operator's action on alarms; journalled.
    Alarm(Verb),
    /// A call to the controller of a device.
    Device(DeviceVerb),
    /// Something done to a CPE by way of its server.
    Cpe(CpeVerb),
    /// A word to the worker of a source.
    Source(SourceVerb),
    /// Something about jobs.
    Job(JobVerb),
    /// A change of what a server keeps beside devices.
    Stored(StoredVerb),
    /// A silence at an Alertmanager.
    Silence(SilenceVerb),
    /// Something done to a telemetry appliance or a service of one.
    Appliance(ApplianceVerb),
    /// Something done to a virtual machine.
    Vm(VmVerb),
}

/// What can be asked of a device.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum DeviceVerb {
    /// Put into service.
    Enable,
    /// Take out of service.
    Disable,
    /// Restart.
    Reboot,
    /// Remove from the controller.
    Delete,
    /// Remove from the controller's model without asking the adapter.
    ForceDelete,
    /// Switch a PON port or a UNI on.
    PortEnable,
    /// Switch a PON port or a UNI off.
    PortDisable,
    /// Change what is measured, and how often.
    PmConfig(PmChange),
}

/// What can be asked of the worker of a source.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum SourceVerb {
    /// Stop polling and listening.
    Pause,
    /// Go on.
    Resume,
    /// Close the circuit breaker.
    ResetBreaker,
    /// Poll now.
    Poll,
    /// Poll now and tell how it went.
    Test,
}

impl Work {
    /// Reads an intent. `now` is what durations count from.
    ///
    /// # Errors
    /// [`VerbError`] when the command is unknown, an argument is missing or wrong, or the targets
    /// are of another table.
    pub fn of(intent: &Intent, now: Ts) -> Result<Self, VerbError> {
        let work = Self::parse(intent.command, &intent.args, now)?;
        let wanted = work.table();
        match table_of(&intent.targets) {
            Some(Table::Faults) if matches!(work, Self::Cpe(CpeVerb::DeleteFault(_) | CpeVerb::RetryFault(_))) => {
                Ok(work)
            }
            Some(given) if given != wanted => {
                Err(VerbError::Table { command: intent.command, wanted: plural(wanted), given: plural(given) })
            }
            _ => Ok(work),
        }
    }

    /// Reads command and arguments.
    ///
    /// # Errors
    /// As [`Work::of`].
    pub fn parse(command: &'static str, args: &Args, now: Ts) -> Result<Self, VerbError> {
        let get = |name: &str| args.get(name).map_or("", |v| v.trim()).to_owned();
        let need = |arg: &'static str, what: &'static str| {
            let value = get(arg);
            if value.is_empty() { Err(VerbError::Missing { command, arg, what }) } else { Ok(value) }
        };
        Ok(match command {
            "alarm.ack" => {
                let until = match get("for") {
                    v if v.is_empty() => Ts::NEVER,
                    v => now.plus(span("for", &v, 366 * DAY, "366d")?),
                };
                Self::Alarm(Verb::Ack { text: get("note"), until })
            }
            "alarm.unack" => Self::Alarm(Verb::Unack { text: get("note") }),
            "alarm.assign" => Self::Alarm(Verb::Assign { owner: owner(args)? }),
            "alarm.shelve" => {
                let length = need("for", "how long it stays hidden, at most 30d")?;
                let reason = need("reason", "why it is hidden")?;
                Self::Alarm(Verb::Shelve { until: now.plus(span("for", &length, MAX_SHELF, "30d")?), reason })
            }
            "alarm.unshelve" => Self::Alarm(Verb::Unshelve),
            "alarm.close" => Self::Alarm(Verb::Close { reason: get("reason") }),
            "alarm.note" => Self::Alarm(Verb::Note { text: need("text", "the note")? }),
            "pon.enable" => Self::Device(DeviceVerb::Enable),
            "pon.disable" => Self::Device(DeviceVerb::Disable),
            "pon.reboot" => Self::Device(DeviceVerb::Reboot),
            "pon.delete" => Self::Device(DeviceVerb::Delete),
            "pon.force-delete" => Self::Device(DeviceVerb::ForceDelete),
            "pon.port-enable" => Self::Device(DeviceVerb::PortEnable),
            "pon.port-disable" => Self::Device(DeviceVerb::PortDisable),
            "pon.pm-config" => {
                need("set", "on, off or a period like 60s")?;
                let change = PmChange::parse(args).map_err(|why| VerbError::Wrong { command, why })?;
                Self::Device(DeviceVerb::PmConfig(change))
            }
            "source.pause" => Self::Source(SourceVerb::Pause),
            "source.resume" => Self::Source(SourceVerb::Resume),
            "source.reset-breaker" => Self::Source(SourceVerb::ResetBreaker),
            "source.poll" => Self::Source(SourceVerb::Poll),
            "source.test" => Self::Source(SourceVerb::Test),
            other => match (JobVerb::parse(command, args)?, CpeVerb::parse(command, args)?) {
                (Some(verb), _) => Self::Job(verb),
                (None, Some(verb)) => Self::Cpe(verb),
                (None, None) => match StoredVerb::parse(command, args)? {
                    Some(verb) => Self::Stored(verb),
                    None => match ApplianceVerb::parse(command, args)? {
                        Some(verb) => Self::Appliance(verb),
                        None => match SilenceVerb::parse(command, args, now)? {
                            Some(verb) => Self::Silence(verb),
                            None => match VmVerb::parse(command, args)? {
                                Some(verb) => Self::Vm(verb),
                                None => return Err(VerbError::Unknown(other.to_owned())),
                            },
                        },
                    },
                },
            },
        })
    }

    /// The table it works on.
    #[must_use]
    pub const fn table(&self) -> Table {
        match self {
            Self::Alarm(_) | Self::Silence(_) => Table::Alarms,
            Self::Device(_) => Table::Nodes,
            Self::Cpe(_) | Self::Job(JobVerb::Create(_)) => Table::Cpes,
            Self::Source(_) => Table::Sources,
            Self::Job(_) => Table::Jobs,
            Self::Stored(_) => Table::Stored,
            Self::Appliance(verb) => verb.table(),
            Self::Vm(_) => Table::Vms,
        }
    }
}

/// The owner of `alarm.assign`. The argument has to be there, but may be empty: that takes the
/// owner away.
fn owner(args: &Args) -> Result<String, VerbError> {
    match args.get("owner") {
        Some(owner) => Ok(owner.trim().to_owned()),
        None => Err(VerbError::Missing {
            command: "alarm.assign",
            arg: "owner",
            what: "who takes care of it; empty for nobody",
        }),
    }
}

/// A duration between a second and `max`.
pub(super) fn span(arg: &'static str, value: &str, max: i64, words: &'static str) -> Result<i64, VerbError> {
    let micros = parse_duration(value).ok_or_else(|| VerbError::Duration { arg, value: value.to_owned() })?;
    if (1..=max).contains(&micros) {
        Ok(micros)
    } else {
        Err(VerbError::Range { arg, value: value.to_owned(), max: words })
    }
}

/// The table of targets; `None` for none.
#[must_use]
pub const fn table_of(targets: &crate::model::command::Targets) -> Option<Table> {
    use crate::model::command::Targets;
    match targets {
        Targets::None => None,
        Targets::Rows(table, _) | Targets::Names(table, _) | Targets::Filter { table, .. } => Some(*table),
    }
}

const fn plural(table: Table) -> &'static str {
    match table {
        Table::Alarms => "alarms",
        Table::Nodes => "devices and ports",
        Table::Sources => "sources",
        Table::Log => "log rows",
        Table::Cpes => "CPEs",
        Table::Jobs => "jobs",
        Table::JobDevices => "devices of jobs",
        Table::Faults => "faults",
        Table::Appliances => "appliances",
        Table::Collectors => "collectors",
        Table::Vms => "virtual machines",
        Table::Stored => "presets, provisions, virtual parameters and files",
    }
}

/// Whether an action can be done to an alarm; else why not, as it stands in a plan.
///
/// # Errors
/// The reason, in words that fit after `3 skipped:`.
pub fn check_alarm(verb: &Verb, row: &AlarmRow) -> Result<(), &'static str> {
    match verb {
        Verb::Ack { until, .. } => match row.op_state {
            OpState::Ack if *until == row.ack_until => Err("already acknowledged"),
            OpState::Closed => Err("closed"),
            OpState::Ack | OpState::None => Ok(()),
        },
        Verb::Unack { .. } if row.op_state != OpState::Ack => Err("not acknowledged"),
        Verb::Assign { owner } if *owner == row.owner => {
            Err(if owner.is_empty() { "has no owner" } else { "already theirs" })
        }
        Verb::Shelve { .. } if row.visibility == Visibility::Shelved => Err("already shelved"),
        Verb::Unshelve if row.visibility != Visibility::Shelved => Err("not shelved"),
        Verb::Close { .. } if row.op_state == OpState::Closed => Err("already closed"),
        Verb::Close { reason } if reason.is_empty() && !row.cleared => Err("still active: closing it needs a reason"),
        _ => Ok(()),
    }
}

impl DeviceVerb {
    /// The verb at the head of a title.
    #[must_use]
    pub const fn title(&self) -> &'static str {
        match self {
            Self::Enable => "Enable",
            Self::Disable => "Disable",
            Self::Reboot => "Reboot",
            Self::Delete => "Delete",
            Self::ForceDelete => "Force-delete",
            Self::PortEnable => "Switch on",
            Self::PortDisable => "Switch off",
            Self::PmConfig(_) => "Change what is measured by",
        }
    }

    /// The verb in the past, for the outcome.
    #[must_use]
    pub const fn past(&self) -> &'static str {
        match self {
            Self::Enable => "enabled",
            Self::Disable => "disabled",
            Self::Reboot => "rebooted",
            Self::Delete => "deleted",
            Self::ForceDelete => "force-deleted",
            Self::PortEnable => "switched on",
            Self::PortDisable => "switched off",
            Self::PmConfig(_) => "PM changed on",
        }
    }

    /// The controller's method for a kind of node.
    #[must_use]
    pub const fn method(&self, kind: NodeKind) -> &'static str {
        match (self, kind) {
            (Self::Enable, _) => "EnableDevice",
            (Self::Disable, _) => "DisableDevice",
            (Self::Reboot, _) => "RebootDevice",
            (Self::Delete, _) => "DeleteDevice",
            (Self::ForceDelete, _) => "ForceDeleteDevice",
            (Self::PortEnable, NodeKind::Uni) => "EnableLogicalDevicePort",
            (Self::PortDisable, NodeKind::Uni) => "DisableLogicalDevicePort",
            (Self::PortEnable, _) => "EnablePort",
            (Self::PortDisable, _) => "DisablePort",
            (Self::PmConfig(_), _) => "UpdateDevicePmConfigs",
        }
    }

    /// Whether it works on ports.
    #[must_use]
    pub const fn on_ports(&self) -> bool {
        matches!(self, Self::PortEnable | Self::PortDisable)
    }

    /// Whether whatever is below loses service.
    #[must_use]
    pub const fn interrupts(&self) -> bool {
        !matches!(self, Self::Enable | Self::PortEnable | Self::PmConfig(_))
    }

    /// Whether the name has to be typed for this target whatever the command's own level is: it
    /// cannot be undone, or it takes a whole OLT down.
    #[must_use]
    pub const fn wants_name(&self, kind: NodeKind) -> bool {
        matches!(self, Self::Delete | Self::ForceDelete)
            || (matches!(self, Self::Reboot | Self::Disable) && matches!(kind, NodeKind::Olt))
    }

    /// Whether it can be done to a node; else why not. `olt` is the OLT an ONU hangs on, when known.
    ///
    /// # Errors
    /// The reason, in words that fit after `3 skipped:`.
    pub fn check(&self, row: &NodeRow, olt: Option<&NodeRow>) -> Result<(), &'static str> {
        self.check_kind(row.kind())?;
        if row.device_id.is_empty() && !self.on_ports() {
            return Err("its controller gave it no device id");
        }
        let busy = matches!(row.oper_status, OperStatus::Reconciling);
        match self {
            Self::Enable if row.admin_state == AdminState::Enabled && row.oper_status != OperStatus::Failed => {
                Err("already enabled")
            }
            Self::Disable | Self::PortDisable if row.admin_state == AdminState::Disabled => Err("already disabled"),
            Self::PortEnable if row.admin_state == AdminState::Enabled => Err("already enabled"),
            Self::Disable if row.admin_state == AdminState::Preprovisioned => Err("never enabled"),
            Self::Enable | Self::Disable | Self::Reboot | Self::Delete if busy => Err("being reconciled"),
            Self::Reboot if olt.is_some_and(|o| o.connect_status == ConnectStatus::Unreachable) => {
                Err("its OLT is unreachable")
            }
            _ => Ok(()),
        }
    }

    const fn check_kind(&self, kind: NodeKind) -> Result<(), &'static str> {
        match (self.on_ports(), kind) {
            (false, NodeKind::Olt | NodeKind::Onu) | (true, NodeKind::PonPort | NodeKind::Uni) => Ok(()),
            (false, _) => Err("not an OLT or ONU"),
            // Of an OLT's ports all but those of PONs are answered with UNIMPLEMENTED by the core.
            (true, _) => Err("not a PON port or a UNI"),
        }
    }

    /// The equivalent call, as `grpcurl` would write it. `device_id` is that of the OLT for ports.
    #[must_use]
    pub fn call(&self, row: &NodeRow, olt: Option<&NodeRow>) -> String {
        let method = self.method(row.kind());
        let body = match (self, row.kind()) {
            (Self::PmConfig(change), _) => format!("\"id\": \"{}\", {}", row.device_id, change.body()),
            (_, NodeKind::Uni) => {
                let switch = olt.map_or("", |o| o.logical_id.as_str());
                format!("\"id\": \"{switch}\", \"port_id\": \"{}\"", row.number)
            }
            _ if self.on_ports() => {
                let device = olt.map_or(row.device_id.as_str(), |o| o.device_id.as_str());
                format!("\"device_id\": \"{device}\", \"port_no\": {}", row.number)
            }
            _ => format!("\"id\": \"{}\"", row.device_id),
        };
        format!("/voltha.VolthaService/{method} {{{body}}}")
    }
}

impl SourceVerb {
    /// The verb at the head of a title, and in the past.
    #[must_use]
    pub const fn words(self) -> (&'static str, &'static str) {
        match self {
            Self::Pause => ("Pause", "paused"),
            Self::Resume => ("Resume", "resumed"),
            Self::ResetBreaker => ("Reset the breaker of", "breaker reset"),
            Self::Poll => ("Poll", "polled"),
            Self::Test => ("Test", "tested"),
        }
    }

    /// Whether it can be done to a source; else why not.
    ///
    /// # Errors
    /// The reason, in words that fit after `3 skipped:`.
    pub fn check(self, row: &SourceRow) -> Result<(), &'static str> {
        let paused = row.report.health == Health::Paused;
        match self {
            Self::Pause if paused => Err("already paused"),
            Self::Resume if !paused => Err("not paused"),
            Self::Poll if paused => Err("paused: resume it first"),
            Self::ResetBreaker if row.report.breaker == Breaker::Closed => Err("its breaker is closed"),
            _ => Ok(()),
        }
    }
}

/// The verb of an alarm action at the head of a title, and in the past.
#[must_use]
pub const fn alarm_words(verb: &Verb) -> (&'static str, &'static str) {
    match verb {
        Verb::Ack { .. } => ("Acknowledge", "acknowledged"),
        Verb::Unack { .. } => ("Un-acknowledge", "un-acknowledged"),
        Verb::Assign { .. } => ("Assign", "assigned"),
        Verb::Shelve { .. } => ("Shelve", "shelved"),
        Verb::Unshelve => ("Unshelve", "unshelved"),
        Verb::Close { .. } => ("Close", "closed"),
        Verb::Note { .. } => ("Note on", "noted on"),
        Verb::Undo { .. } => ("Undo", "undone"),
    }
}

/// The canonical name of the OLT that a PON port or ONU hangs on, read from the names themselves:
/// a port's own name or the parent's holds it.
#[must_use]
pub fn olt_name(row: &NodeRow) -> Option<&str> {
    let of = match row.kind() {
        NodeKind::PonPort | NodeKind::NniPort => row.canonical.as_str(),
        NodeKind::Onu => row.parent_name.as_str(),
        _ => return None,
    };
    let (olt, _) = of.rsplit_once("/pon/").or_else(|| of.rsplit_once("/nni/")).or(Some((of, "")))?;
    (!olt.is_empty()).then_some(olt)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::command::Targets;
    use crate::model::time::{HOUR, MINUTE};
    use crate::workers::fixture::{NOW, alarm, olt, onu, pon};

    fn args(pairs: &[(&str, &str)]) -> Args {
        pairs.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect()
    }

    #[test]
    fn a_shelf_needs_a_time_and_a_reason_and_is_short() {
        let parse = |pairs: &[(&str, &str)]| Work::parse("alarm.shelve", &args(pairs), NOW);
        assert!(matches!(parse(&[("reason", "works")]), Err(VerbError::Missing { arg: "for", .. })));
        assert!(matches!(parse(&[("for", "2h"), ("reason", " ")]), Err(VerbError::Missing { arg: "reason", .. })));
        assert!(matches!(parse(&[("for", "31d"), ("reason", "x")]), Err(VerbError::Range { .. })));
        assert!(matches!(parse(&[("for", "0s"), ("reason", "x")]), Err(VerbError::Range { .. })));
        assert!(matches!(parse(&[("for", "soon"), ("reason", "x")]), Err(VerbError::Duration { .. })));
        let good = Work::Alarm(Verb::Shelve { until: NOW.plus(2 * HOUR), reason: "works".into() });
        assert_eq!(parse(&[("for", "2h"), ("reason", "works")]), Ok(good));
    }

    #[test]
    fn an_acknowledgement_may_have_an_end() {
        let forever = Work::parse("alarm.ack", &Args::new(), NOW).unwrap();
        assert_eq!(forever, Work::Alarm(Verb::Ack { text: String::new(), until: Ts::NEVER }));
        let short = Work::parse("alarm.ack", &args(&[("for", "30m"), ("note", "mine")]), NOW).unwrap();
        assert_eq!(short, Work::Alarm(Verb::Ack { text: "mine".into(), until: NOW.plus(30 * MINUTE) }));
    }

    #[test]
    fn an_owner_can_be_taken_away_but_not_forgotten() {
        assert!(Work::parse("alarm.assign", &Args::new(), NOW).is_err());
        let nobody = Work::parse("alarm.assign", &args(&[("owner", "")]), NOW).unwrap();
        assert_eq!(nobody, Work::Alarm(Verb::Assign { owner: String::new() }));
    }

    #[test]
    fn targets_of_another_table_are_refused() {
        let intent = Intent {
            command: "pon.reboot",
            targets: Targets::Names(Table::Alarms, vec!["x".into()]),
            args: Args::new(),
            actor: "anna".into(),
        };
        assert!(matches!(Work::of(&intent, NOW), Err(VerbError::Table { .. })));
        assert!(matches!(Work::parse("app.quit", &Args::new(), NOW), Err(VerbError::Unknown(_))));
    }

    #[test]
    fn closing_what_is_active_needs_a_reason() {
        let bare = Verb::Close { reason: String::new() };
        let mut row = alarm("BBSM00000001");
        assert!(check_alarm(&bare, &row).unwrap_err().contains("reason"));
        assert_eq!(check_alarm(&Verb::Close { reason: "spliced".into() }, &row), Ok(()));
        row.cleared = true;
        assert_eq!(check_alarm(&bare, &row), Ok(()));
    }

    #[test]
    fn what_is_done_already_is_left_out() {
        let mut row = alarm("BBSM00000001");
        assert!(check_alarm(&Verb::Unshelve, &row).is_err());
        row.op_state = OpState::Ack;
        let ack = Verb::Ack { text: String::new(), until: Ts::NEVER };
        assert_eq!(check_alarm(&ack, &row), Err("already acknowledged"));
        let longer = Verb::Ack { text: String::new(), until: NOW.plus(HOUR) };
        assert_eq!(check_alarm(&longer, &row), Ok(()), "an end is something new");
        row.visibility = Visibility::Shelved;
        assert!(check_alarm(&Verb::Shelve { until: NOW, reason: "x".into() }, &row).is_err());
    }

    #[test]
    fn devices_refuse_what_the_controller_would_refuse() {
        assert_eq!(DeviceVerb::Enable.check(&olt("OLT_0"), None), Err("already enabled"));
        let mut failed = olt("OLT_0");
        failed.oper_status = OperStatus::Failed;
        assert_eq!(DeviceVerb::Enable.check(&failed, None), Ok(()), "a failed one may be enabled again");
        let mut busy = olt("OLT_0");
        busy.oper_status = OperStatus::Reconciling;
        assert_eq!(DeviceVerb::Delete.check(&busy, None), Err("being reconciled"));
        assert_eq!(DeviceVerb::ForceDelete.check(&busy, None), Ok(()));
        assert_eq!(DeviceVerb::Reboot.check(&pon("OLT_0", 3), None), Err("not an OLT or ONU"));
        assert_eq!(DeviceVerb::PortDisable.check(&onu("X"), None), Err("not a PON port or a UNI"));
        let mut away = olt("OLT_0");
        away.connect_status = ConnectStatus::Unreachable;
        assert_eq!(DeviceVerb::Reboot.check(&onu("X"), Some(&away)), Err("its OLT is unreachable"));
    }

    #[test]
    fn calls_name_the_device_and_the_port() {
        let call = DeviceVerb::Reboot.call(&olt("OLT_0"), None);
        assert_eq!(call, r#"/voltha.VolthaService/RebootDevice {"id": "id-OLT_0"}"#);
        let call = DeviceVerb::PortDisable.call(&pon("OLT_0", 1), Some(&olt("OLT_0")));
        assert_eq!(call, r#"/voltha.VolthaService/DisablePort {"device_id": "id-OLT_0", "port_no": 536870913}"#);
        assert_eq!(olt_name(&pon("OLT_0", 1)), Some("voltha-1/olt/OLT_0"));
        assert_eq!(olt_name(&onu("X")), Some("voltha-1/olt/OLT_0"));
    }
}
