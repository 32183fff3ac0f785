//! What a kernel and its services print while they start and stop.

use super::machine::Machine;

/// A line and when it is printed: ms after the start.
pub(super) type Line = (i64, String);

/// From power on to the login, on the screen (with the firmware) or on a serial line.
pub(super) fn start(m: &Machine, screen: bool) -> Vec<Line> {
    let mut lines: Vec<Line> = Vec::new();
    if screen {
        lines.push((40, "SeaBIOS (version 1.16.2-debian-1.16.2-1)".into()));
        lines.push((120, "Machine UUID and boot order read".into()));
        lines.push((400, "iPXE (http://ipxe.org) 00:03.0 C000 PCI2.10 PnP PMM".into()));
        lines.push((620, "Booting from Hard Disk...".into()));
        lines.push((800, "GRUB loading.".into()));
        lines.push((980, "\x1b[2J\x1b[HLoading Linux ...".into()));
        lines.push((1_080, "Loading initial ramdisk ...".into()));
    }
    let from = 1_200;
    lines.extend(kernel(m).into_iter().map(|(ms, text)| (from + ms, stamped(ms, &text))));
    let services = from + 2_600;
    let green = "\x1b[0;32m  OK  \x1b[0m";
    for (n, unit) in services_of(m).into_iter().enumerate() {
        let verb = if unit.ends_with("Target") { "Reached target" } else { "Started" };
        let name = unit.trim_end_matches(" Target");
        lines.push((services + n as i64 * 130, format!("[{green}] {verb} \x1b[1;39m{name}\x1b[0m.")));
    }
    lines
}

/// When the login is there, ms after the start.
pub(super) fn ready(m: &Machine) -> i64 {
    start(m, true).last().map_or(0, |(ms, _)| *ms) + 400
}

/// Microseconds between two milliseconds: a kernel's clock is never round.
pub(super) const fn spread(ms: i64) -> i64 {
    (ms * 7_919 + 137) % 1_000
}

fn stamped(ms: i64, text: &str) -> String {
    format!("[{:5}.{:06}] {text}", ms / 1_000, ms % 1_000 * 1_000 + spread(ms))
}

/// What the kernel says, ms after it was started.
pub(super) fn kernel(m: &Machine) -> Vec<Line> {
    let mut lines: Vec<(i64, String)> = vec![
        (0, format!("Linux version {} (debian-kernel@lists.debian.org) #1 SMP Debian", m.kernel())),
        (
            0,
            format!(
                "Command line: BOOT_IMAGE=/vmlinuz-{} root=/dev/vda1 ro console=tty0 console=ttyS0,115200",
                m.kernel()
            ),
        ),
        (0, "BIOS-provided physical RAM map:".into()),
        (0, format!("BIOS-e820: [mem 0x0000000000100000-0x{:016x}] usable", m.memory_kib << 10)),
        (0, "NX (Execute Disable) protection: active".into()),
        (0, "DMI: QEMU Standard PC (i440FX + PIIX, 1996), BIOS 1.16.2-debian 04/01/2014".into()),
        (0, "Hypervisor detected: KVM".into()),
        (8, "tsc: Detected 2400.000 MHz processor".into()),
        (21, format!("Memory: {}K/{}K available", m.memory_kib / 100 * 96, m.memory_kib)),
        (40, format!("smpboot: Allowing {} CPUs, 0 hotplug CPUs", m.vcpus)),
        (160, "ACPI: Added _OSI(Module Device)".into()),
        (240, "pci_bus 0000:00: root bus resource [bus 00-ff]".into()),
        (420, "Serial: 8250/16550 driver, 4 ports, IRQ sharing enabled".into()),
        (430, "00:03: ttyS0 at I/O 0x3f8 (irq = 4, base_baud = 115200) is a 16550A".into()),
        (600, "virtio_blk virtio1: 1/0/0 default/read/poll queues".into()),
    ];
    for (n, (disk, bytes)) in m.disks.iter().enumerate() {
        let sectors = bytes / 512;
        lines.push((640 + n as i64, format!("virtio_blk virtio{}: [{disk}] {sectors} 512-byte logical blocks", n + 1)));
        lines.push((660 + n as i64, format!(" {disk}: {disk}1 {disk}2")));
    }
    for (n, (nic, mac, _)) in m.nics.iter().enumerate() {
        lines.push((800 + n as i64 * 7, format!("virtio_net virtio{n} {nic}: renamed from eth{n}")));
        lines.push((804 + n as i64 * 7, format!("{nic}: link becomes ready, {mac}")));
    }
    lines.push((1_100, "EXT4-fs (vda1): mounted filesystem with ordered data mode. Quota mode: none.".into()));
    lines.push((1_500, "systemd[1]: Detected virtualization kvm.".into()));
    lines.push((1_510, format!("systemd[1]: Hostname set to <{}>.", m.hostname)));
    lines.push((2_100, "EXT4-fs (vda1): re-mounted. Quota mode: none.".into()));
    lines
}

fn services_of(m: &Machine) -> Vec<String> {
    let service = |text: &str| text.to_owned();
    let mut units = vec![
        service("Journal Service"),
        service("Local File Systems Target"),
        service("Network Time Synchronization"),
        service("D-Bus System Message Bus"),
        service("OpenBSD Secure Shell server"),
    ];
    if !m.title.is_empty() {
        units.push(m.title.clone());
    }
    units.push(service("Multi-User System Target"));
    units
}

/// What is printed while it goes down: ms after it was told to.
pub(super) fn stop(m: &Machine, again: bool) -> Vec<Line> {
    let green = "\x1b[0;32m  OK  \x1b[0m";
    let mut lines: Vec<Line> = Vec::new();
    for (n, unit) in services_of(m).into_iter().filter(|u| !u.ends_with("Target")).rev().enumerate() {
        lines.push((100 + n as i64 * 220, format!("[{green}] Stopped \x1b[1;39m{unit}\x1b[0m.")));
    }
    let uptime = m.uptime_s().max(1) * 1_000;
    lines.push((1_500, format!("[{green}] Unmounted \x1b[1;39m/boot\x1b[0m.")));
    let last = if again { "reboot: Restarting system" } else { "reboot: Power down" };
    lines.push((1_800, stamped(uptime, last)));
    lines
}

/// The last words of a kernel.
pub(super) fn panic(m: &Machine) -> Vec<String> {
    let at = m.uptime_s().max(1) * 1_000;
    let lines = [
        "BUG: unable to handle page fault for address: ffffb8e3c0a51000".to_owned(),
        "#PF: supervisor write access in kernel mode".to_owned(),
        "Oops: 0002 [#1] PREEMPT SMP NOPTI".to_owned(),
        format!("CPU: 0 PID: 612 Comm: postfix-cleanup Not tainted {} #1", m.kernel()),
        "Hardware name: QEMU Standard PC (i440FX + PIIX, 1996)".to_owned(),
        "RIP: 0010:ext4_mb_new_blocks+0x2b1/0x1050 [ext4]".to_owned(),
        "Call Trace:".to_owned(),
        " ? __die_body.cold+0x1a/0x1f".to_owned(),
        " ext4_ext_map_blocks+0x8d3/0x1870 [ext4]".to_owned(),
        " ext4_map_blocks+0x1bb/0x5c0 [ext4]".to_owned(),
        "Kernel panic - not syncing: Fatal exception".to_owned(),
        "Kernel Offset: 0x1c000000 from 0xffffffff81000000".to_owned(),
        "---[ end Kernel panic - not syncing: Fatal exception ]---".to_owned(),
    ];
    lines.iter().map(|text| stamped(at, text)).collect()
}
