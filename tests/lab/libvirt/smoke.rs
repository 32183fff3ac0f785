//! The lab itself, with libvirt's own client: what the tests of noctule's rely on holds here.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::os::unix::net::UnixStream;
use std::process::Stdio;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use portable_pty::{CommandBuilder, PtySize, native_pty_system};

use crate::process::processes_with;
use crate::virt::{Guest, Lab, PATIENCE, Serial, Vm, Vnc, answer};

/// `virsh console` in a terminal.
struct Console {
    said: Arc<Mutex<Vec<u8>>>,
    keys: Box<dyn std::io::Write + Send>,
    child: Box<dyn portable_pty::Child + Send + Sync>,
    _pty: Box<dyn portable_pty::MasterPty + Send>,
}

impl Console {
    fn open(vm: &Vm<'_>, lab: &Lab) -> Self {
        let pair = native_pty_system().openpty(PtySize::default()).expect("a terminal");
        let mut command = CommandBuilder::new("virsh");
        command.args(["-c", &lab.host_a().uri(), "console", vm.name()]);
        let child = pair.slave.spawn_command(command).expect("virsh");
        let keys = pair.master.take_writer().expect("a writer");
        let mut reader = pair.master.try_clone_reader().expect("a reader");
        let said = Arc::new(Mutex::new(Vec::new()));
        let into = Arc::clone(&said);
        std::thread::spawn(move || {
            let mut chunk = [0; 4096];
            while let Ok(n @ 1..) = reader.read(&mut chunk) {
                into.lock().expect("no panic").extend_from_slice(&chunk[..n]);
            }
        });
        Self { said, keys, child, _pty: pair.master }
    }

    fn text(&self) -> String {
        String::from_utf8_lossy(&self.said.lock().expect("no panic")).into_owned()
    }

    fn type_in(&mut self, text: &str) {
        self.keys.write_all(text.as_bytes()).expect("typed");
        self.keys.flush().expect("typed");
    }

    async fn until(&self, text: &str) {
        let begun = Instant::now();
        while !self.text().contains(text) {
            assert!(begun.elapsed() < PATIENCE, "never {text:?}: {}", self.text());
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}

impl Drop for Console {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[tokio::test]
async fn hosts_are_two_a_machine_boots_and_its_login_works() {
    let Some(lab) = Lab::shared().await else { return };
    let vm = lab.guest(Guest::named("smoke-login").vnc(Vnc::Socket, Some("secret12"))).await;
    for (host, other) in [(lab.host_a(), lab.host_b()), (lab.host_b(), lab.host_a())] {
        assert_eq!(host.virsh(&["hostname"]).await.good(), host.name());
        let capabilities = host.virsh(&["capabilities"]).await.good();
        assert!(capabilities.contains(host.uuid()) && !capabilities.contains(other.uuid()));
    }
    assert!(lab.host_a().machines().await.contains(&"smoke-login".to_owned()));
    assert!(!lab.host_b().machines().await.contains(&"smoke-login".to_owned()));
    let pid = lab.host_a().emulator("smoke-login").expect("it runs").to_string();
    assert!(lab.host_a().run(&["cat", &format!("/proc/{pid}/cmdline")]).await.good().contains("guest=smoke-login"));
    // Both kinds of screens greet, and both machines are what was asked for.
    let tcp = lab.guest(Guest::named("smoke-tcp").memory_mib(80).disk_mib(16)).await;
    let mut greetings = [[0; 12]; 2];
    UnixStream::connect(vm.vnc_socket()).unwrap().read_exact(&mut greetings[0]).unwrap();
    let port = tcp.vnc_port(lab.host_a()).await;
    TcpStream::connect(("127.0.0.1", port)).unwrap().read_exact(&mut greetings[1]).unwrap();
    assert_eq!(greetings, [*b"RFB 003.008\n"; 2]);
    let shown = lab.host_a().virsh(&["dominfo", tcp.uuid()]).await.good();
    assert!(shown.contains("81920 KiB") && shown.contains("smoke-tcp"), "{shown}");
    assert_eq!(
        lab.host_a().virsh(&["domblkinfo", "smoke-tcp", "vda"]).await.good().lines().next(),
        Some("Capacity:       16777216")
    );
    drop(tcp);
    let off = lab.guest(Guest::named("smoke-tcp").off()).await;
    assert_eq!((lab.host_a().state(off.name()).await.as_str(), off.serial_log().len()), ("shut off", 0));

    let mut console = Console::open(&vm, lab);
    console.until("Escape character").await;
    console.type_in("\r");
    console.until("smoke-login login: ").await;
    console.type_in("root\r");
    console.until("Password: ").await;
    console.type_in("noctule\r");
    console.until("root@smoke-login:~# \x1b[6n").await;
    console.type_in("\x1b[1;21R");
    console.type_in("echo answer $((6*7))\r");
    console.until("answer 42").await;
    // A second one is refused while the first holds it.
    let second = Console::open(&vm, lab);
    second.until("Active console session exists").await;
}

#[tokio::test]
async fn through_ssh_one_is_on_the_host() {
    let Some(lab) = Lab::shared().await else { return };
    let _vm = lab.vm("smoke-ssh").await;
    let b = lab.host_b();
    for host in [lab.host_a(), b] {
        let sshd = host.sshd().await;
        let ssh = |words: &[&str]| {
            let mut command = std::process::Command::new("timeout");
            command.args(["20", "ssh", "-F"]).arg(sshd.path("config")).args(["-o", "ClearAllForwardings=yes", "lab"]);
            command.args(words);
            command
        };
        let said = |words: &[&str]| answer(ssh(words));
        assert_eq!(said(&["hostname"]).await.good(), host.name());
        let names = said(&["virsh", "-q", "-c", "qemu:///system", "list", "--name"]).await.good();
        assert_eq!(names.lines().any(|name| name == "smoke-ssh"), host.name() != b.name());
        let age = "ps -o etimes= -p $(cat /run/libvirt/qemu/smoke-ssh.pid)";
        assert_eq!(said(&[age]).await.done, host.name() != b.name());

        // Libvirt's helper carries its protocol: which logins are there (procedure 66)? None is needed (one, 0).
        let mut helper = ssh(&["virt-ssh-helper", "qemu:///system"]);
        let mut helper = helper.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let words = |all: &[u32]| all.iter().flat_map(|word| word.to_be_bytes()).collect::<Vec<u8>>();
        helper.stdin.as_mut().unwrap().write_all(&words(&[28, 0x2000_8086, 1, 66, 0, 7, 0])).unwrap();
        let mut reply = [0; 36];
        helper.stdout.as_mut().unwrap().read_exact(&mut reply).unwrap();
        assert_eq!(reply[..], words(&[36, 0x2000_8086, 1, 66, 1, 7, 0, 1, 0])[..]);
        drop(helper.stdin.take());
        helper.wait().unwrap();
    }
}

#[tokio::test]
async fn a_shutdown_is_heard_and_a_deaf_machine_does_not_hear_it() {
    let Some(lab) = Lab::shared().await else { return };
    let vm = lab.vm("smoke-off").await;
    lab.host_a().virsh(&["shutdown", "smoke-off"]).await.good();
    vm.until_state(lab.host_a(), "shut off").await;
    assert!(vm.serial_log().contains("The system is going down NOW!"), "{}", vm.serial_log());
    let deaf = lab.guest(Guest::named("smoke-deaf").deaf()).await;
    let mut line = Serial::open(&lab.host_a().connect().await, "smoke-deaf", 0).await.unwrap();
    line.log_in("smoke-deaf").await;
    lab.host_a().virsh(&["shutdown", "smoke-deaf"]).await.good();
    // Three seconds of the guest's own time: the other one takes less to be off.
    line.run("sleep 3").await;
    assert!(!deaf.serial_log().contains("button: Power Button"), "{}", deaf.serial_log());
    assert_eq!(lab.host_a().state("smoke-deaf").await, "running");
}

#[tokio::test]
async fn machines_move_over_a_socket_and_tcp_also_with_their_disks() {
    let Some(lab) = Lab::shared().await else { return };
    let vm = lab.vm("smoke-move").await;
    let (a, b) = (lab.host_a(), lab.host_b());
    let socket = format!("unix://{}", lab.shared_folder("vnc").join("move").display());
    let ways = [("--migrateuri", socket.as_str(), a, b), ("--migrateuri", "tcp://127.0.0.1", b, a)];
    for (option, uri, from, to) in ways {
        let words = ["migrate", "--live", "--p2p", "--unsafe", "--persistent", "--undefinesource", option, uri];
        from.virsh(&[&words[..], &["smoke-move", &to.uri()]].concat()).await.good();
        assert_eq!((from.state("smoke-move").await, to.state("smoke-move").await), (String::new(), "running".into()));
    }
    drop(vm);

    let vm = lab.guest(Guest::named("smoke-copy").local_disk()).await;
    let words = ["migrate", "--live", "--p2p", "--copy-storage-all", "--migrateuri", "tcp://127.0.0.1"];
    let target = b.uri();
    let words = [&words[..], &["smoke-copy", &target]].concat();
    let refused = a.virsh(&words).await.bad();
    assert!(refused.contains("Storage pool not found") || refused.contains("No such file"), "{refused}");
    b.run(&["qemu-img", "create", "-q", "-f", "qcow2", &vm.disk(), "64M"]).await.good();
    a.virsh(&words).await.good();
    assert_eq!((a.state("smoke-copy").await, b.state("smoke-copy").await), ("shut off".into(), "running".into()));
}

#[tokio::test]
async fn backups_and_snapshots_are_made() {
    let Some(lab) = Lab::shared().await else { return };
    let vm = lab.vm("smoke-disk").await;
    let a = lab.host_a();
    let folder = lab.shared_folder("smoke-backups");
    let write = |name: &str, text: &str| {
        std::fs::write(folder.join(name), text).expect("written");
        folder.join(name).display().to_string()
    };
    let full = folder.join("full.qcow2").display().to_string();
    let backup = write(
        "backup.xml",
        &format!(
            "<domainbackup mode='push'><disks><disk name='vda' backup='yes' type='file'><driver type='qcow2'/><target file='{full}'/></disk></disks></domainbackup>"
        ),
    );
    let checkpoint = write(
        "checkpoint.xml",
        "<domaincheckpoint><name>cp1</name><disks><disk name='vda' checkpoint='bitmap'/></disks></domaincheckpoint>",
    );
    a.virsh(&["backup-begin", "smoke-disk", &backup, &checkpoint]).await.good();
    let begun = Instant::now();
    while !a.virsh(&["domjobinfo", "smoke-disk"]).await.good().contains("None") {
        assert!(begun.elapsed() < PATIENCE, "the backup never ended");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    a.run(&["qemu-img", "compare", "-U", &full, &vm.disk()]).await.good();
    assert_eq!(a.virsh(&["checkpoint-list", "smoke-disk", "--name"]).await.good(), "cp1");

    a.virsh(&["checkpoint-delete", "smoke-disk", "cp1"]).await.good();
    a.virsh(&["snapshot-create-as", "smoke-disk", "inside"]).await.good();
    a.virsh(&["snapshot-revert", "smoke-disk", "inside"]).await.good();
    a.virsh(&["snapshot-delete", "smoke-disk", "inside"]).await.good();
    a.virsh(&["snapshot-create-as", "smoke-disk", "outside", "--disk-only", "--atomic"]).await.good();
    assert!(a.virsh(&["domblklist", "smoke-disk"]).await.good().contains("smoke-disk.outside"));
    a.virsh(&["blockcommit", "smoke-disk", "vda", "--active", "--pivot", "--wait"]).await.good();
    a.virsh(&["snapshot-delete", "smoke-disk", "outside", "--metadata"]).await.good();
    assert!(a.virsh(&["domblklist", "smoke-disk"]).await.good().contains(&vm.disk()));
}

#[tokio::test]
async fn libvirtd_comes_back_and_finds_its_machines_and_nothing_is_left_of_a_lab() {
    let Some(lab) = Lab::start().await else { return };
    let vm = lab.vm("smoke-left").await;
    let a = lab.host_a();
    let pid = a.emulator("smoke-left");
    a.kill_libvirtd().await;
    assert!(!a.virsh(&["list"]).await.done);
    a.start_libvirtd().await;
    assert_eq!((a.state("smoke-left").await.as_str(), a.emulator("smoke-left")), ("running", pid));
    a.stop_libvirtd().await;
    a.start_libvirtd().await;
    assert_eq!((a.state("smoke-left").await.as_str(), a.emulator("smoke-left")), ("running", pid));
    a.kill_emulator("smoke-left").await;
    vm.until_state(a, "shut off").await;
    vm.start().await;
    // As after a panic that nothing catches: the machine is still there when the lab goes.
    std::mem::forget(vm);
    let folder = lab.folder().display().to_string();
    let namespace = std::fs::read_link(format!("/proc/{}/ns/pid", a.id())).unwrap();
    drop(lab);
    assert!(!std::path::Path::new(&folder).exists());
    assert_eq!(processes_with(&folder), []);
    let left = std::fs::read_dir("/proc").unwrap().flatten();
    let left = left.filter(|e| std::fs::read_link(e.path().join("ns/pid")).is_ok_and(|n| n == namespace)).count();
    assert_eq!(left, 0);
}
