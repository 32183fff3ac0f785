//! Columns of hosts and machines: on a narrow screen what a tired person needs first.

use std::fmt::Write as _;

use crate::app::ctx::Ctx;
use crate::model::ids::RowId;
use crate::model::page::{Rows, Sort, Table};
use crate::model::text::{clean, iec};
use crate::model::time::{SECOND, brief_duration};
use crate::model::vm::state::{HostContact, Power, UptimeFrom, VmJob};
use crate::model::vm::{VmRow, VmState};
use crate::panes::buffers::words::{brief, percent};
use crate::panes::health::silent;
use crate::panes::list::columns::age;
use crate::panes::list::{CellCx, ColumnDef, Row};
use crate::theme::Token;
use crate::ui::Piece;

impl Row for VmRow {
    const TABLE: Table = Table::Vms;
    const MEASURED: bool = true;

    fn rows(rows: &Rows) -> &[Self] {
        if let Rows::Vms(rows) = rows { rows } else { &[] }
    }

    fn id(&self) -> RowId {
        self.id
    }

    fn stale(&self, cx: &Ctx) -> bool {
        matches!(self.host.contact, HostContact::Down | HostContact::Refused) || silent(cx, &self.source)
    }

    fn nested(sort: &[Sort]) -> bool {
        sort.first().is_none_or(|sort| sort.field == "host")
    }
}

/// The columns, in their order.
pub(super) static COLUMNS: &[ColumnDef<VmRow>] = &[
    ColumnDef::left("name", "Name", (18, 32), 0, name),
    ColumnDef::left("host", "Host", (8, 14), 6, |row, _| vec![Piece::dim(&*row.source)]),
    ColumnDef::left("state", "State", (9, 20), 0, state),
    ColumnDef::right("cpu_pct", "CPU", (5, 5), 1, |row, _| {
        per_cent(row.vm().map_or(row.host.cpu_permille, |vm| vm.cpu_permille))
    }),
    ColumnDef::right("memory_bytes", "Memory", (9, 9), 2, memory),
    ColumnDef::right("memory_max_bytes", "of", (8, 9), 3, |row, _| {
        size(Some(row.vm().map_or(row.host.memory_kib, |vm| vm.memory_max_kib) * 1024))
    }),
    ColumnDef::right("disk_physical_bytes", "Disk", (8, 9), 3, |row, _| disk(row)),
    ColumnDef::right("uptime_s", "Uptime", (6, 7), 2, uptime),
    ColumnDef::left("trouble", "Job or trouble", (20, 50), 1, trouble),
    ColumnDef::right("read_bytes_per_s", "Read/s", (8, 9), 4, |row, _| rate(row, |vm| vm.read_rate)),
    ColumnDef::right("write_bytes_per_s", "Write/s", (8, 9), 4, |row, _| rate(row, |vm| vm.write_rate)),
    ColumnDef::right("receive_bytes_per_s", "Recv/s", (8, 9), 5, |row, _| rate(row, |vm| vm.receive_rate)),
    ColumnDef::right("send_bytes_per_s", "Send/s", (8, 9), 5, |row, _| rate(row, |vm| vm.send_rate)),
    ColumnDef::right("snapshots", "Snap", (4, 4), 4, |row, _| match row.vm().and_then(|vm| vm.snapshots) {
        Some(0) | None => Vec::new(),
        Some(n) => vec![Piece::plain(n.to_string())],
    }),
    ColumnDef::right("last_backup", "Backup", (6, 7), 5, |row, cx| match row.vm() {
        Some(vm) => match vm.last_backup {
            Some(at) => vec![Piece::plain(age(at, cx.now))],
            None => vec![Piece::dim("none")],
        },
        None => Vec::new(),
    }),
    ColumnDef::left("autostart", "Auto", (4, 4), 7, |row, _| match row.vm().and_then(|vm| vm.autostart) {
        Some(true) => vec![Piece::plain("yes")],
        _ => Vec::new(),
    }),
    ColumnDef::left("consoles", "In use", (8, 24), 7, |row, _| {
        vec![Piece::plain(row.vm().map_or_else(String::new, |vm| clean(&vm.in_use.join(", ")).into_owned()))]
    }),
    ColumnDef::<VmRow>::right("alarms", "Alm", (3, 4), 8, |row, _| match row.alarms {
        0 => Vec::new(),
        n => vec![Piece::new(n.to_string(), Token::Bad)],
    })
    .hidden(),
];

/// The colour of a state.
pub(super) const fn power_token(power: Power) -> Token {
    match power {
        Power::Running => Token::Good,
        Power::Paused | Power::Stopping | Power::Suspended | Power::Unknown => Token::Busy,
        Power::Off => Token::Off,
        Power::Crashed => Token::Bad,
    }
}

/// The colour of how a host answers.
pub(super) const fn contact_token(contact: HostContact) -> Token {
    match contact {
        HostContact::Up => Token::Good,
        HostContact::Starting => Token::Busy,
        HostContact::Down | HostContact::Refused => Token::Bad,
    }
}

fn name<'a>(row: &'a VmRow, cx: &CellCx<'a>) -> Vec<Piece<'a>> {
    match row.vm() {
        Some(vm) if cx.tree => vec![Piece::plain("  "), Piece::plain(vm.name.as_str())],
        Some(vm) => vec![Piece::plain(vm.name.as_str())],
        None => vec![Piece::new(&*row.source, Token::Strong)],
    }
}

fn state<'a>(row: &'a VmRow, _: &CellCx<'a>) -> Vec<Piece<'a>> {
    let Some(vm) = row.vm() else {
        let running = row.host.vms.iter().filter(|vm| vm.power == Power::Running).count();
        let contact = row.host.contact;
        return vec![
            Piece::new(contact.word(), contact_token(contact)),
            Piece::dim(format!(" {running}/{}", row.host.vms.len())),
        ];
    };
    // What the host said last is not what is.
    let token = if row.host.contact == HostContact::Up { power_token(vm.power) } else { Token::Text };
    let mut words = vec![Piece::new(vm.power.word(), token)];
    if !matches!(vm.power, Power::Running | Power::Off) && !vm.reason.is_empty() {
        words.push(Piece::dim(format!(" {}", clean(&vm.reason))));
    }
    words
}

fn per_cent(permille: Option<u32>) -> Vec<Piece<'static>> {
    match permille {
        Some(permille @ 900..) => vec![Piece::new(percent(permille.into()), Token::Busy)],
        Some(permille) => vec![Piece::plain(percent(permille.into()))],
        None => Vec::new(),
    }
}

fn size(bytes: Option<u64>) -> Vec<Piece<'static>> {
    bytes.map_or_else(Vec::new, |bytes| vec![Piece::plain(iec(bytes))])
}

fn memory<'a>(row: &'a VmRow, _: &CellCx<'a>) -> Vec<Piece<'a>> {
    let used = match row.vm() {
        Some(vm) => vm.memory_kib,
        None => row.host.free_kib.map(|free| row.host.memory_kib.saturating_sub(free)),
    };
    size(used.map(|kib| kib * 1024))
}

/// Bytes that its disks take on the host.
pub(super) fn physical(vm: &VmState) -> Option<u64> {
    let told: Vec<u64> = vm.disks.iter().filter_map(|disk| disk.physical.or(disk.allocation)).collect();
    (!told.is_empty()).then(|| told.iter().sum())
}

fn disk(row: &VmRow) -> Vec<Piece<'static>> {
    size(row.vm().and_then(physical))
}

fn uptime<'a>(row: &'a VmRow, cx: &CellCx<'a>) -> Vec<Piece<'a>> {
    let Some((vm, since)) = row.vm().and_then(|vm| Some((vm, vm.since?))) else { return Vec::new() };
    // What it runs at least is no uptime: it says so.
    let sign = if vm.since_from == UptimeFrom::Seen { ">" } else { "" };
    vec![Piece::plain(format!("{sign}{}", brief(cx.now.since(since))))]
}

fn rate(row: &VmRow, of: impl Fn(&VmState) -> Option<u64>) -> Vec<Piece<'static>> {
    match row.vm().and_then(of) {
        Some(0) => vec![Piece::dim("0")],
        Some(bytes) => vec![Piece::plain(iec(bytes))],
        None => Vec::new(),
    }
}

/// A job in few words: `backup 43% 12.0 MiB/s 8s left`.
pub(super) fn job_words(job: &VmJob) -> String {
    let mut words = clean(&job.operation).into_owned();
    if job.total > 0 {
        let _ = write!(words, " {}%", (job.done as f64 * 100.0 / job.total as f64).min(100.0).floor());
    }
    if let Some(rate) = job.rate.filter(|rate| *rate > 0) {
        let _ = write!(words, " {}/s", iec(rate));
        let left = i64::try_from(job.remaining / rate).unwrap_or(i64::MAX / SECOND);
        let _ = write!(words, " {} left", brief_duration(left.saturating_mul(SECOND)));
    }
    words
}

fn trouble<'a>(row: &'a VmRow, _: &CellCx<'a>) -> Vec<Piece<'a>> {
    let Some(vm) = row.vm() else {
        return vec![Piece::new(clean(&row.host.trouble), Token::Bad)];
    };
    match &vm.job {
        Some(job) => vec![Piece::new(job_words(job), Token::Busy)],
        None => vec![Piece::new(clean(&vm.trouble), Token::Bad)],
    }
}
