//! Fields of the jobs and of their devices.

use super::super::field::{FieldKind, TableSpec};
use super::super::job::{Phase, Priority};
use super::super::page::Table;
use super::field;

/// The jobs.
pub static JOBS: TableSpec = TableSpec {
    table: Table::Jobs,
    name: "jobs",
    fields: &[
        field("id", "Id", FieldKind::Text, "Identity, as the commands take it.").sortable(),
        field("name", "Name", FieldKind::Text, "Name.").sortable().free(),
        field("work", "Work", FieldKind::Text, "What it does: configure, firmware, roll-back, or a verb.").sortable(),
        field("phase", "Phase", FieldKind::Word(&Phase::WORDS), "Where it stands.").sortable().also(&["status"]),
        field("total", "Devices", FieldKind::Int, "Devices of its frozen list.").sortable(),
        field("waiting", "Waiting", FieldKind::Int, "Devices that have not begun."),
        field("active", "Active", FieldKind::Int, "Devices on their way."),
        field("through", "Through", FieldKind::Int, "Devices that are through, whichever way.").sortable(),
        field("failed", "Failed", FieldKind::Int, "Devices that failed, of all kinds of failure.").sortable(),
        field("changed", "Changed", FieldKind::Int, "Devices that did it, with proof."),
        field("unchanged", "Unchanged", FieldKind::Int, "Devices that ran it without a fault and did not change."),
        field("faulted", "Faulted", FieldKind::Int, "Devices that refused, wholly or in part."),
        field("queued", "Queued", FieldKind::Int, "Devices whose task waits for their next inform."),
        field("rolled_back", "Rolled back", FieldKind::Int, "Devices that a later job put back."),
        field("unknown", "Unknown", FieldKind::Int, "Devices of which nobody can tell."),
        field("skipped", "Skipped", FieldKind::Int, "Devices that were left out."),
        field("cancelled", "Cancelled", FieldKind::Int, "Devices that were cancelled."),
        field("timed_out", "Timed out", FieldKind::Int, "Devices of which a stage did not come in time."),
        field("wrong_version", "Wrong version", FieldKind::Int, "Devices that came back with another version."),
        field("would_change", "Would change", FieldKind::Int, "Devices in which a dry run found something to do."),
        field("wave", "Wave", FieldKind::Int, "The portion that may run, from 1."),
        field("waves", "Waves", FieldKind::Int, "How many portions it has."),
        field("progress", "Progress", FieldKind::Int, "The share of its devices that is through, per cent.").sortable(),
        field("rate", "Rate", FieldKind::Float, "Devices a minute, lately.").sortable(),
        field("left_s", "Left", FieldKind::Int, "Seconds left at that rate.").sortable(),
        field("why", "Why", FieldKind::Text, "Why it stands there.").free(),
        field("actor", "By", FieldKind::Text, "Who asked for it.").sortable().free(),
        field("priority", "Priority", FieldKind::Word(&Priority::WORDS), "Its place among the jobs.").sortable(),
        field("dry_run", "Dry run", FieldKind::Bool, "Whether it only finds out what would be done."),
        field("source", "Source", FieldKind::Text, "The controller; empty for the only one.").sortable(),
        field("created_at", "Created", FieldKind::Time, "When it was asked for.").sortable(),
        field("started_at", "Started", FieldKind::Time, "When it began.").sortable(),
        field("ended_at", "Ended", FieldKind::Time, "When it was through.").sortable(),
        field("due_at", "Due", FieldKind::Time, "When it runs next.").sortable(),
        field("owner", "Owner", FieldKind::Text, "The process that runs it."),
        field("lease_until", "Lease", FieldKind::Time, "Until when that process has the lease."),
        field("last_error", "Error", FieldKind::Text, "The newest failure.").free(),
        field("rolls_back", "Rolls back", FieldKind::Text, "The job it rolls back."),
    ],
    default_sort: &[("created_at", true)],
};

/// The devices of jobs.
pub static JOB_DEVICES: TableSpec = TableSpec {
    table: Table::JobDevices,
    name: "job-devices",
    fields: &[
        field("index", "#", FieldKind::Int, "Place in the frozen list, from 0.").sortable(),
        field("job", "Job", FieldKind::Text, "The job."),
        field("device", "Device", FieldKind::Text, "The controller's id of the device.").sortable().free(),
        field("serial", "Serial", FieldKind::Text, "Serial number.").sortable().free().also(&["sn"]),
        field("model", "Model", FieldKind::Text, "Model.").sortable().free(),
        field("wave", "Wave", FieldKind::Int, "Portion, from 1.").sortable(),
        field("state", "State", FieldKind::Text, "Where it stands; its class once it is through.").sortable(),
        field("why", "Why", FieldKind::Text, "Why, or what shows it.").free(),
        field("attempt", "Tries", FieldKind::Int, "Tries.").sortable(),
        field("task", "Task", FieldKind::Text, "Its task at the controller."),
        field("sent_at", "Sent", FieldKind::Time, "When its write was last sent.").sortable(),
        field("changed_at", "Since", FieldKind::Time, "Since when it is in its state.").sortable(),
        field("restorable", "Saved", FieldKind::Int, "Old values that can be put back."),
        field("lost", "Lost", FieldKind::Int, "Old values that cannot be put back."),
    ],
    default_sort: &[("index", false)],
};
