//! What a machine of the lab is like, and its definition.

use super::Lab;

/// Where its screen is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Vnc {
    /// A TCP port of loopback that libvirt chooses.
    Tcp,
    /// A Unix socket, `vnc/NAME` in the folder of the lab. Such a machine cannot move: both hosts would use it.
    Socket,
}

/// A machine to be made.
#[derive(Debug, Clone)]
pub struct Guest {
    pub(super) name: String,
    pub(super) memory_mib: u32,
    pub(super) disk_mib: u32,
    pub(super) local: bool,
    pub(super) off: bool,
    deaf: bool,
    vnc: Vnc,
    password: Option<String>,
}

impl Guest {
    /// 96 MiB of memory, a qcow2 disk of 64 MiB that both hosts see, VNC over TCP without a password.
    pub fn named(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            memory_mib: 96,
            disk_mib: 64,
            local: false,
            off: false,
            deaf: false,
            vnc: Vnc::Tcp,
            password: None,
        }
    }

    /// It is defined and not started.
    #[must_use]
    pub fn off(mut self) -> Self {
        self.off = true;
        self
    }

    /// It does not hear the power button: a shutdown is asked for, and nothing happens.
    #[must_use]
    pub fn deaf(mut self) -> Self {
        self.deaf = true;
        self
    }

    /// Its disk is a file that the other host has not, under a path that it could have.
    #[must_use]
    pub fn local_disk(mut self) -> Self {
        self.local = true;
        self
    }

    /// So large is its disk.
    #[must_use]
    pub fn disk_mib(mut self, mib: u32) -> Self {
        self.disk_mib = mib;
        self
    }

    /// So much memory.
    #[must_use]
    pub fn memory_mib(mut self, mib: u32) -> Self {
        self.memory_mib = mib;
        self
    }

    /// Where its screen is, and the password that opens it (VNC uses eight characters).
    #[must_use]
    pub fn vnc(mut self, vnc: Vnc, password: Option<&str>) -> Self {
        self.vnc = vnc;
        self.password = password.map(str::to_owned);
        self
    }

    /// Its disk, under the path that the hosts know it by.
    pub(super) fn disk(&self, lab: &Lab) -> String {
        if self.local {
            format!("/var/lib/libvirt/images/{}.qcow2", self.name)
        } else {
            lab.path("disks").join(format!("{}.qcow2", self.name)).display().to_string()
        }
    }

    /// Its definition.
    pub(super) fn xml(&self, lab: &Lab, uuid: &str) -> String {
        let Self { name, memory_mib, .. } = self;
        let (image, disk) = (lab.path("image").display().to_string(), self.disk(lab));
        let deaf = if self.deaf { " lab.deaf" } else { "" };
        let log = lab.path("serial").join(name);
        let password = self.password.as_ref().map(|p| format!(" passwd='{p}'")).unwrap_or_default();
        let vnc = match self.vnc {
            Vnc::Tcp => format!("port='-1' autoport='yes' listen='127.0.0.1'{password}"),
            Vnc::Socket => format!("socket='{}'{password}", lab.path("vnc").join(name).display()),
        };
        format!(
            "<domain type='qemu'>
  <name>{name}</name>
  <uuid>{uuid}</uuid>
  <title>Lab machine {name}</title>
  <memory unit='MiB'>{memory_mib}</memory>
  <vcpu>1</vcpu>
  <os>
    <type arch='x86_64' machine='pc'>hvm</type>
    <kernel>{image}/vmlinuz</kernel>
    <initrd>{image}/initrd.gz</initrd>
    <cmdline>console=tty0 console=ttyS0 panic=-1 lab.name={name}{deaf}</cmdline>
  </os>
  <features><acpi/></features>
  <cpu mode='custom' match='exact'><model fallback='allow'>qemu64</model></cpu>
  <on_poweroff>destroy</on_poweroff>
  <on_reboot>restart</on_reboot>
  <on_crash>destroy</on_crash>
  <devices>
    <emulator>/usr/bin/qemu-system-x86_64</emulator>
    <disk type='file' device='disk'>
      <driver name='qemu' type='qcow2'/>
      <source file='{disk}'/>
      <target dev='vda' bus='virtio'/>
    </disk>
    <serial type='pty'><log file='{}' append='on'/><target port='0'/></serial>
    <console type='pty'><target type='serial' port='0'/></console>
    <graphics type='vnc' {vnc}/>
    <video><model type='vga' vram='16384'/></video>
    <memballoon model='virtio'><stats period='5'/></memballoon>
  </devices>
</domain>
",
            log.display()
        )
    }
}
