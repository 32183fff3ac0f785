//! Fields of the appliances and of their collectors.

use std::fmt::Write as _;

use super::super::appliance::state::{Contact, Flow, PortCheck, ProcessState, ReplayState, UplinkState, Verdict};
use super::super::appliance::{ApplianceRow, CollectorRow, CollectorState};
use super::super::field::{FieldKind, Record, TableSpec, Value};
use super::super::ids::RowId;
use super::super::page::Table;
use super::super::time::{SECOND, Ts};
use super::field;

/// The appliances.
pub static APPLIANCES: TableSpec = TableSpec {
    table: Table::Appliances,
    name: "buffers",
    fields: &[
        field("name", "Appliance", FieldKind::Text, "Name of the appliance: that of its source.")
            .sortable()
            .free()
            .also(&["source", "src", "appliance"]),
        field(
            "verdict",
            "Verdict",
            FieldKind::Word(Verdict::WORDS),
            "noctule's own verdict, from critical services, ports, data flow, disk and load.",
        )
        .sortable(),
        field("why", "Why", FieldKind::Text, "The reasons of the verdict, the worst first.").free(),
        field("contact", "Contact", FieldKind::Word(Contact::WORDS), "How it answers.").sortable(),
        field("fill_pct", "Fill %", FieldKind::Float, "Fill against its limit, %.").sortable().also(&["fill"]),
        field(
            "fill_hour",
            "Last hour",
            FieldKind::Text,
            "Fill of the last hour in steps, %, oldest first; - where nothing is known.",
        ),
        field("used_bytes", "Used", FieldKind::Int, "Bytes in the buffer, after compression.").sortable(),
        field("limit_bytes", "Limit", FieldKind::Int, "Its limit, bytes; empty when zero or not told.").sortable(),
        field("records", "Records", FieldKind::Int, "Records in the buffer: calls of ingest, not messages.").sortable(),
        field("pending", "Pending", FieldKind::Int, "Records not yet forwarded.").sortable(),
        field("forwarded", "Forwarded", FieldKind::Int, "Buffered records that were forwarded since.").sortable(),
        field("in_per_s", "In/s", FieldKind::Float, "Records coming in, a second.").sortable().also(&["in"]),
        field("out_per_s", "Out/s", FieldKind::Float, "Buffered records forwarded, a second.")
            .sortable()
            .also(&["out"]),
        field("growth_bytes_per_s", "Growth", FieldKind::Int, "Bytes by which the buffer grows, a second.").sortable(),
        field("coverage_s", "Covers", FieldKind::Int, "Age of the oldest record, s.").sortable().also(&["coverage"]),
        field("coverage_goal_s", "Goal", FieldKind::Int, "How far back it is to reach, s."),
        field(
            "full_in_s",
            "Full in",
            FieldKind::Int,
            "Time until it is full, s; empty when it will not be, or unknown.",
        )
        .sortable()
        .also(&["full"]),
        field("full_confidence", "Conf.", FieldKind::Text, "How far to trust that: none, low, medium, high."),
        field("full_method", "Method", FieldKind::Text, "How it was worked out, or why it was not."),
        field("loss_in_s", "Loss in", FieldKind::Int, "Time until the first record is lost, s.")
            .sortable()
            .also(&["loss"]),
        field("loss_confidence", "Conf.", FieldKind::Text, "How far to trust that."),
        field("loss_method", "Method", FieldKind::Text, "How it was worked out, or why it was not."),
        field("lost_day", "Lost 24h", FieldKind::Int, "Records lost in the last day, at least.")
            .sortable()
            .also(&["lost"]),
        field("replay", "Replay", FieldKind::Word(ReplayState::WORDS), "Whether buffered records are being sent on.")
            .sortable(),
        field("uplink", "Uplink", FieldKind::Word(UplinkState::WORDS), "Whether its forwarding target answers it.")
            .sortable(),
        field("uplink_since", "Since", FieldKind::Time, "Since when the uplink stands so."),
        field("uplink_error", "Uplink error", FieldKind::Text, "Why the uplink fails.").free(),
        field("response_ms", "Resp ms", FieldKind::Float, "How long its heartbeat took, ms.").sortable(),
        field("poll_s", "Poll s", FieldKind::Float, "Seconds between polls, as adapted to its speed."),
        field("disk_pct", "Disk %", FieldKind::Int, "Fullest disk, %.").sortable().also(&["disk"]),
        field("wal_bytes", "WAL", FieldKind::Int, "Bytes of the database's write-ahead log, where the host tells."),
        field("load_1m", "Load", FieldKind::Float, "Load average of one minute."),
        field("memory_pct", "Mem %", FieldKind::Int, "Memory used, %."),
        field("dangers", "Dangers", FieldKind::Text, "What in its configuration would kill it or lose records.").free(),
        field("alarms", "Alarms", FieldKind::Int, "Its active alarms.").sortable(),
        field("version", "Version", FieldKind::Text, "Its software: old or new."),
        field("answered", "Answered", FieldKind::Time, "When it last answered.").sortable(),
        field("as_of", "As of", FieldKind::Time, "When it was last polled."),
    ],
    default_sort: &[("verdict", true), ("fill_pct", true)],
};

/// The collectors.
pub static COLLECTORS: TableSpec = TableSpec {
    table: Table::Collectors,
    name: "services",
    fields: &[
        field("id", "Id", FieldKind::Text, "Canonical name: appliance, `collector`, service.").sortable(),
        field("appliance", "Appliance", FieldKind::Text, "Appliance that it belongs to.")
            .sortable()
            .free()
            .also(&["source", "src"]),
        field("name", "Service", FieldKind::Text, "Service.").sortable().free().also(&["service", "collector"]),
        field("collects", "Collects", FieldKind::Text, "What it collects.").free(),
        field("critical", "Critical", FieldKind::Bool, "Whether the appliance is in trouble without it."),
        field("process", "Process", FieldKind::Word(ProcessState::WORDS), "Whether its process runs.").sortable(),
        field("process_since", "Since", FieldKind::Time, "Since when the process is in this state."),
        field("restarts", "Restarts", FieldKind::Int, "Restarts that were counted.").sortable(),
        field("flow", "Data", FieldKind::Word(Flow::WORDS), "Whether data comes in.").sortable(),
        field("last_data", "Last data", FieldKind::Time, "When the last record came in.").sortable(),
        field("ports", "Ports", FieldKind::Text, "Public and inner ports with what was found there.").free(),
        field(
            "relay_without_collector",
            "Dead relay",
            FieldKind::Bool,
            "A relay accepts for a collector that is not there.",
        ),
        field("records", "Records", FieldKind::Int, "Records in the buffer.").sortable(),
        field("bytes", "Bytes", FieldKind::Int, "Bytes in the buffer.").sortable(),
        field("pending", "Pending", FieldKind::Int, "Records not yet forwarded.").sortable(),
        field("forwarded", "Forwarded", FieldKind::Int, "Buffered records that were forwarded.").sortable(),
        field("oldest", "Oldest", FieldKind::Time, "Its oldest record.").sortable(),
        field("newest", "Newest", FieldKind::Time, "Its newest record."),
        field("in_per_s", "In/s", FieldKind::Float, "Records coming in, a second.").sortable().also(&["in"]),
        field("out_per_s", "Out/s", FieldKind::Float, "Records forwarded, a second.").sortable().also(&["out"]),
        field(
            "in_hour",
            "Last hour",
            FieldKind::Text,
            "Records a second coming in over the last hour in steps, oldest first; - where nothing is known.",
        ),
        field("quota_records", "Quota", FieldKind::Int, "Configured most records; the appliance does not enforce it."),
        field("quota_pct", "Quota %", FieldKind::Float, "Records against that quota, %.").sortable(),
        field("quota_in_s", "Quota in", FieldKind::Int, "Time until the quota is reached, s."),
        field("retention_h", "Keep h", FieldKind::Int, "Hours that its records are kept."),
        field("compression", "Compr.", FieldKind::Text, "Compression as configured."),
        field("lost_day", "Lost 24h", FieldKind::Int, "Records lost in the last day, at least.").sortable(),
        field("disabled", "Off", FieldKind::Bool, "Switched off in the appliance's configuration."),
        field("as_of", "As of", FieldKind::Time, "When its appliance was last polled."),
    ],
    default_sort: &[("appliance", false), ("name", false)],
};

fn int(n: Option<impl TryInto<i64>>) -> Value<'static> {
    n.map_or(Value::None, |n| Value::Int(n.try_into().unwrap_or(i64::MAX)))
}

fn seconds(us: Option<i64>) -> Value<'static> {
    int(us.map(|us| us / SECOND))
}

fn milli(n: Option<u64>) -> Value<'static> {
    n.map_or(Value::None, |n| Value::Float(n as f64 / 1000.0))
}

fn percent(permille: Option<u64>) -> Value<'static> {
    permille.map_or(Value::None, |n| Value::Float(n as f64 / 10.0))
}

/// The steps of a curve with blanks between; nothing where the row came without one.
fn curve<T>(steps: &[Option<T>], words: impl Fn(&T) -> String) -> Value<'static> {
    if steps.is_empty() {
        return Value::None;
    }
    let steps = steps.iter().map(|step| step.as_ref().map_or_else(|| "-".to_owned(), &words));
    Value::Text(steps.collect::<Vec<_>>().join(" ").into())
}

impl Record for ApplianceRow {
    fn row_id(&self) -> Option<RowId> {
        Some(self.id)
    }

    fn get(&self, field: &str) -> Value<'_> {
        let s = &*self.state;
        match field {
            "name" => Value::text(&self.source),
            "verdict" => Value::text(s.verdict.word()),
            "why" => Value::Text(s.reasons.join("; ").into()),
            "contact" => Value::text(s.contact.word()),
            "fill_pct" => percent(s.fill_permille),
            "fill_hour" => curve(&self.fill_hour, |permille| format!("{:.1}", f64::from(*permille) / 10.0)),
            "used_bytes" => int(s.used_bytes),
            "limit_bytes" => int(s.limit_bytes),
            "records" => int(s.records),
            "pending" => int(s.pending),
            "forwarded" => int(s.forwarded),
            "in_per_s" => milli(s.in_milli),
            "out_per_s" => milli(s.out_milli),
            "growth_bytes_per_s" => int(s.growth),
            "coverage_s" => seconds(s.coverage_us),
            "coverage_goal_s" => seconds(Some(s.coverage_goal_us)),
            "full_in_s" => seconds(s.full.in_us),
            "full_confidence" => Value::text(s.full.confidence.word()),
            "full_method" => Value::text(&s.full.method),
            "loss_in_s" => seconds(s.first_loss.in_us),
            "loss_confidence" => Value::text(s.first_loss.confidence.word()),
            "loss_method" => Value::text(&s.first_loss.method),
            "lost_day" => int(Some(s.lost_day)),
            "replay" => Value::text(s.replay.state.word()),
            "uplink" => Value::text(s.uplink.state.word()),
            "uplink_since" => Value::Time(s.uplink.since),
            "uplink_error" => Value::text(&s.uplink.last_error),
            "response_ms" => match s.contact {
                Contact::Answering | Contact::Slow => Value::Float(s.response_us as f64 / 1000.0),
                _ => Value::None,
            },
            "poll_s" => Value::Float(s.poll_ms as f64 / 1000.0),
            "disk_pct" => int(s.disks.iter().map(|d| d.used_pct).max()),
            "wal_bytes" => int(s.wal_bytes),
            "load_1m" => milli(s.load_milli.map(|[one, ..]| one)),
            "memory_pct" => int(s.memory_pct),
            "dangers" => Value::Text(s.dangers.join("; ").into()),
            "alarms" => Value::Int(self.alarms.into()),
            "version" => Value::text(s.version.word()),
            "answered" => Value::Time(s.answered),
            "as_of" => Value::Time(s.at),
            _ => Value::None,
        }
    }
}

impl CollectorState {
    /// Its ports on one line: `udp 2055 listening (socat), inner 12055 closed`.
    #[must_use]
    pub fn ports_line(&self) -> String {
        let one = |p: &super::super::appliance::state::PortState| {
            let mut line = format!("{} {} {}", if p.tcp { "tcp" } else { "udp" }, p.public, p.public_state.word());
            if p.public_state == PortCheck::Listening && !p.holder.is_empty() {
                let _ = write!(line, " ({})", p.holder);
            }
            if let Some(inner) = p.inner {
                let _ = write!(line, ", inner {inner} {}", p.inner_state.word());
            }
            line
        };
        self.ports.iter().map(one).collect::<Vec<_>>().join("; ")
    }
}

impl Record for CollectorRow {
    fn row_id(&self) -> Option<RowId> {
        Some(self.id)
    }

    fn get(&self, field: &str) -> Value<'_> {
        let s = &self.state;
        let time = |t: Ts| if t.is_set() { Value::Time(t) } else { Value::None };
        match field {
            "id" => Value::text(&self.canonical),
            "appliance" => Value::text(&self.source),
            "name" => Value::text(&s.name),
            "collects" => Value::text(&s.collects),
            "critical" => Value::Bool(s.critical),
            "process" => Value::text(s.process.word()),
            "process_since" => time(s.process_since),
            "restarts" => int(s.restarts),
            "flow" => Value::text(s.flow.word()),
            "last_data" => time(s.last_data),
            "ports" => Value::Text(s.ports_line().into()),
            "relay_without_collector" => {
                Value::Bool(s.ports.iter().any(super::super::appliance::state::PortState::relay_without_collector))
            }
            "records" => int(s.records),
            "bytes" => int(s.bytes),
            "pending" => int(s.pending),
            "forwarded" => int(s.forwarded),
            "oldest" => time(s.oldest),
            "newest" => time(s.newest),
            "in_per_s" => milli(s.in_milli),
            "out_per_s" => milli(s.out_milli),
            "in_hour" => curve(&self.in_hour, |milli| format!("{:.3}", *milli as f64 / 1000.0)),
            "quota_records" => int(s.quota_records),
            "quota_pct" => percent(s.quota_permille),
            "quota_in_s" => seconds(s.quota_full.in_us),
            "retention_h" => int(s.retention_hours),
            "compression" => Value::text(&s.compression),
            "lost_day" => int(Some(s.lost_day)),
            "disabled" => Value::Bool(s.disabled),
            "as_of" => time(self.at),
            _ => Value::None,
        }
    }
}
