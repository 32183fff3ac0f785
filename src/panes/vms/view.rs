//! Draws all that is known about one host or machine.

use std::fmt::Write as _;

use crate::app::ctx::ViewCtx;
use crate::model::tables::libvirt_version;
use crate::model::text::{clean, counted, iec};
use crate::model::time::brief_duration;
use crate::model::vm::state::{HostContact, Power, VmJob};
use crate::model::vm::{HostState, VmRow, VmState};
use crate::panes::buffers::words::percent;
use crate::panes::list::columns::moment;
use crate::theme::Token;
use crate::ui::Piece;
use crate::ui::gauge::bar;
use crate::ui::sections::Block;

use super::columns::{contact_token, job_words, physical, power_token};
use super::inside::Inside;

/// Columns of the bar of a job.
const BAR: u16 = 20;

/// Why the list is empty and what to do about it.
pub(super) fn empty(filtered: bool) -> Vec<String> {
    let lines: &[&str] = if filtered {
        &["No machine matches.", "\\ clears the filter."]
    } else {
        &[
            "No host of virtual machines is configured: there is nothing to watch here.",
            "Hosts are sources of the kind `libvirt`; 6 shows how those do,",
            "`noctule config example` how one is configured, `noctule demo` how it looks.",
        ]
    };
    lines.iter().map(|l| (*l).to_owned()).collect()
}

/// Everything about a row.
pub(super) fn blocks<'a>(row: &'a VmRow, inside: &'a Inside, cx: &ViewCtx<'a>) -> Vec<Block<'a>> {
    let mut blocks = match row.vm() {
        Some(vm) => machine(row, vm, cx),
        None => host(row, cx),
    };
    blocks.extend(inside.blocks(&row.canonical()));
    blocks
}

/// How a host answers, and since when what is shown is old.
fn contact<'a>(row: &'a VmRow, cx: &ViewCtx<'a>) -> Vec<Block<'a>> {
    let host = &*row.host;
    let mut line = vec![Piece::new(host.contact.word(), contact_token(host.contact))];
    match host.contact {
        HostContact::Up => {
            line.push(Piece::dim(format!("   {:.0} ms", host.response_us as f64 / 1000.0)));
        }
        _ if host.answered.is_set() => {
            let age = brief_duration(cx.ctx.now.since(host.answered).max(0));
            line.push(Piece::new(format!("   what is shown is {age} old"), Token::Stale));
        }
        _ => {}
    }
    let mut blocks = vec![Block::Fact("host".into(), line)];
    if !host.trouble.is_empty() {
        blocks.push(Block::Fact("trouble".into(), vec![Piece::new(clean(&host.trouble), Token::Bad)]));
    }
    blocks
}

fn host<'a>(row: &'a VmRow, cx: &ViewCtx<'a>) -> Vec<Block<'a>> {
    let host = &*row.host;
    let mut blocks = contact(row, cx);
    if row.alarms > 0 {
        blocks.push(Block::fact("alarms", counted(row.alarms.into(), "active alarm", "active alarms")));
    }
    blocks.push(Block::fact("name", clean(&host.hostname)));
    blocks.push(Block::fact("UUID", clean(&host.uuid)));
    blocks.push(Block::fact(
        "versions",
        format!("libvirt {}, hypervisor {}", libvirt_version(host.libvirt), libvirt_version(host.hypervisor)),
    ));
    let used = host.free_kib.map(|free| host.memory_kib.saturating_sub(free));
    blocks.push(Block::fact("CPU", cpu(host.cpu_permille, host.cpus)));
    blocks.push(Block::fact("memory", part(used, host.memory_kib)));
    blocks.extend(machines(host));
    blocks.extend([
        Block::Gap,
        Block::Words("a its alarms, o its source, l its log, t flat list, f hosts only.".into(), Token::Dim),
    ]);
    blocks
}

fn machines(host: &HostState) -> Vec<Block<'_>> {
    let mut blocks = vec![Block::Gap, Block::Title("Machines".into())];
    let rows: Vec<Vec<String>> = host
        .vms
        .iter()
        .map(|vm| {
            let cpu = vm.cpu_permille.map_or_else(String::new, |cpu| percent(cpu.into()));
            vec![clean(&vm.name).into_owned(), vm.power.word().to_owned(), cpu, iec(vm.memory_max_kib * 1024)]
        })
        .collect();
    if rows.is_empty() {
        blocks.push(Block::Words("None is defined.".into(), Token::Dim));
    } else {
        blocks.push(Block::Table(["Name", "State", "CPU", "Memory"].map(str::to_owned).to_vec(), rows));
    }
    blocks
}

fn cpu(permille: Option<u32>, of: u32) -> String {
    let cpus = counted(of.into(), "CPU", "CPUs");
    permille.map_or_else(|| format!("of {cpus}"), |permille| format!("{} of {cpus}", percent(permille.into())))
}

/// Memory used of the most, KiB.
fn part(used: Option<u64>, most: u64) -> String {
    match used {
        Some(used) => format!("{} of {}", iec(used * 1024), iec(most * 1024)),
        None => format!("up to {}", iec(most * 1024)),
    }
}

fn machine<'a>(row: &'a VmRow, vm: &'a VmState, cx: &ViewCtx<'a>) -> Vec<Block<'a>> {
    let mut blocks = Vec::new();
    // What the host said last is not what is.
    let token = if row.host.contact == HostContact::Up { power_token(vm.power) } else { Token::Stale };
    let mut state = vec![Piece::new(vm.power.word(), token)];
    if !vm.reason.is_empty() {
        state.push(Piece::plain(format!("   {}", clean(&vm.reason))));
    }
    blocks.push(Block::Fact("state".into(), state));
    if vm.power == Power::Unknown {
        let words = "Its state is not known: the host was lost in the middle of something. It is asked again.";
        blocks.push(Block::Words(words.into(), Token::Bad));
    }
    if !vm.trouble.is_empty() {
        blocks.push(Block::Fact("trouble".into(), vec![Piece::new(clean(&vm.trouble), Token::Bad)]));
    }
    if row.host.contact != HostContact::Up {
        blocks.extend(contact(row, cx));
    }
    if let Some(job) = &vm.job {
        blocks.extend(job_blocks(job, cx));
    }
    if !vm.title.is_empty() {
        blocks.push(Block::fact("title", clean(&vm.title)));
    }
    blocks.push(Block::fact("UUID", clean(&vm.uuid)));
    if let Some(since) = vm.since {
        let from = match vm.since_from.word() {
            "process" => "by the age of its process on the host",
            "event" => "by the event of its start",
            _ => "at least: it was found running",
        };
        blocks.push(Block::Fact(
            "runs since".into(),
            vec![Piece::plain(moment(since, cx.ctx.now, cx.ctx.utc_offset_s)), Piece::dim(format!("   {from}"))],
        ));
    }
    blocks.push(Block::fact("CPU", cpu(vm.cpu_permille, vm.vcpus)));
    blocks.push(Block::fact("memory", part(vm.memory_kib, vm.memory_max_kib)));
    if let (Some(read), Some(write)) = (vm.read_rate, vm.write_rate) {
        blocks.push(Block::fact("disk rates", format!("read {}/s   written {}/s", iec(read), iec(write))));
    }
    if let (Some(receive), Some(send)) = (vm.receive_rate, vm.send_rate) {
        blocks.push(Block::fact("network", format!("received {}/s   sent {}/s", iec(receive), iec(send))));
    }
    blocks.extend(kept(vm, cx));
    blocks.extend(consoles(vm));
    blocks.extend(disks(vm));
    blocks.extend([
        Block::Gap,
        Block::Words(
            "c serial console, v screen, x what can be done, i snapshots, backups and definition.".into(),
            Token::Dim,
        ),
    ]);
    blocks
}

/// A job that runs: how far it is, part by part.
fn job_blocks<'a>(job: &'a VmJob, cx: &ViewCtx<'a>) -> Vec<Block<'a>> {
    let mut line = Vec::new();
    if job.total > 0 {
        line.push(Piece::new(bar(BAR, job.done.min(job.total), job.total, cx.glyphs), Token::Busy));
        line.push(Piece::plain(" "));
    }
    line.push(Piece::plain(job_words(job)));
    let mut blocks = vec![Block::Fact("job".into(), line)];
    let parts = [("memory", job.memory), ("files", job.disk)];
    for (name, (total, done, remaining)) in parts {
        if total > 0 {
            let words = format!("{} of {} sent, {} remain", iec(done), iec(total), iec(remaining));
            blocks.push(Block::fact(format!("  {name}"), words));
        }
    }
    let mut more = vec![format!("runs for {}", brief_duration(job.elapsed_us))];
    if let Some(passes) = job.iteration {
        more.push(counted(passes, "pass over the memory", "passes over the memory"));
    }
    if let Some(downtime) = job.downtime_ms {
        more.push(format!("stands still for {downtime} ms"));
    }
    blocks.push(Block::fact("", more.join(", ")));
    blocks
}

/// Snapshots and backups.
fn kept<'a>(vm: &'a VmState, cx: &ViewCtx<'a>) -> Vec<Block<'a>> {
    let mut blocks = Vec::new();
    if let Some(snapshots) = vm.snapshots {
        let overlays = vm.disks.iter().filter(|disk| disk.backing > 0).count();
        let mut words = counted(snapshots.into(), "snapshot", "snapshots");
        if overlays > 0 {
            let _ = write!(words, ", {} on overlays", counted(overlays as u64, "disk", "disks"));
        }
        blocks.push(Block::fact("snapshots", words));
    }
    let backup = match vm.last_backup {
        Some(at) => Piece::plain(moment(at, cx.ctx.now, cx.ctx.utc_offset_s)),
        None => Piece::dim("none known"),
    };
    blocks.push(Block::Fact("last backup".into(), vec![backup]));
    if let Some(autostart) = vm.autostart {
        let words = if autostart { "with its host" } else { "by hand" };
        let words = if vm.persistent { words } else { "not defined: it is gone once it stops" };
        blocks.push(Block::fact("starts", words));
    }
    blocks
}

fn consoles(vm: &VmState) -> Vec<Block<'_>> {
    let mut ways = Vec::new();
    if vm.serial {
        ways.push("serial line".to_owned());
    }
    ways.extend(vm.screens.iter().map(|screen| clean(screen).into_owned()));
    if ways.is_empty() {
        ways.push("none".to_owned());
    }
    let mut blocks = vec![Block::fact("consoles", ways.join(", "))];
    if !vm.in_use.is_empty() {
        blocks.push(Block::fact("in use", clean(&vm.in_use.join(", ")).into_owned()));
    }
    blocks
}

fn disks(vm: &VmState) -> Vec<Block<'_>> {
    if vm.disks.is_empty() {
        return Vec::new();
    }
    let mut blocks = vec![Block::Gap, Block::Title("Disks".into())];
    if let Some(bytes) = physical(vm) {
        blocks.push(Block::fact("on the host", iec(bytes)));
    }
    let size = |bytes: Option<u64>| bytes.map_or_else(|| "-".to_owned(), iec);
    let rows = vm.disks.iter().map(|disk| {
        let layers = if disk.backing > 0 { format!("{} below", disk.backing) } else { String::new() };
        vec![
            clean(&disk.target).into_owned(),
            size(disk.capacity),
            size(disk.allocation),
            size(disk.physical),
            layers,
            clean(&disk.path).into_owned(),
        ]
    });
    let headers = ["Disk", "Virtual", "Written", "Physical", "Layers", "File"].map(str::to_owned).to_vec();
    blocks.push(Block::Table(headers, rows.collect()));
    blocks
}
