//! Definitions, hosts and snapshots as libvirt writes them, and any other text.

use proptest::prelude::*;

use super::*;
use crate::model::vm::snapshot::Kept;
use crate::model::vm::state::Power;

/// A running machine with an overlay on an overlay, as libvirt tells it.
const LIVE: &str = r#"<?xml version='1.0'?>
<!-- made by hand -->
<domain type='qemu' id='3' xmlns:qemu="http://libvirt.org/schemas/domain/qemu/1.0">
  <name>web &amp; mail</name>
  <uuid>22222222-2222-4222-8222-00000000000A</uuid>
  <title>Front &lt;1&gt;</title>
  <metadata><x:note xmlns:x="urn:x">keep   me</x:note></metadata>
  <memory unit='MiB'>256</memory>
  <vcpu placement='static' current='1'>2</vcpu>
  <os>
    <type arch='x86_64' machine='pc-i440fx-7.2'>hvm</type>
    <nvram template='/t.fd'>/var/nv.fd</nvram>
  </os>
  <cpu mode='custom' match='exact'><model fallback='allow'>qemu64</model></cpu>
  <devices>
    <emulator>/usr/bin/qemu-system-x86_64</emulator>
    <disk type="file" device='disk'>
      <driver name='qemu' type='qcow2' discard="it's"/>
      <source file='/d/web.s2' index='3'><seclabel model='dac' relabel='no'/></source>
      <backingStore type='file' index='2'>
        <format type='qcow2'/><source file='/d/web.s1'/>
        <backingStore type='file' index='1'>
          <format type='raw'/><source file='/d/web.raw'/><backingStore/>
        </backingStore>
      </backingStore>
      <target dev='vda' bus='virtio'/>
    </disk>
    <disk type='file' device='cdrom'><target dev='hda'/><readonly/></disk>
    <disk type='block'><source dev='/dev/vg/lv'/><target dev='vdb'/><shareable/></disk>
    <disk type='network'><source protocol='rbd' name='p/i'><host name='m'/></source><target dev='vdc'/></disk>
    <interface type='network'>
      <mac address='52:54:00:00:00:01'/>
      <source network='default'/>
      <target dev='vnet0'/>
    </interface>
    <interface type='hostdev'/>
    <serial type='pty'><target port='0'/><alias name='serial0'/></serial>
    <console type='pty'><target type='serial' port='0'/><alias name='serial0'/></console>
    <console type='pty'><target type='virtio'/><alias name='console1'/></console>
    <graphics type='vnc' port='5901' autoport='yes' listen='127.0.0.1' passwdValidTo='x'><listen type='address' address='127.0.0.1'/></graphics>
    <graphics type='vnc' port='-1' socket='/run/v.sock'><listen type='socket' socket='/run/v.sock'/></graphics>
    <hostdev mode='subsystem'/>
  </devices>
  <qemu:commandline><qemu:arg value='-x'/></qemu:commandline>
</domain>
"#;

#[test]
fn a_definition_is_read() {
    let d = definition(LIVE).unwrap();
    assert_eq!((d.name.as_str(), d.title.as_str(), d.virt_type.as_str()), ("web & mail", "Front <1>", "qemu"));
    assert_eq!(d.uuid, "22222222-2222-4222-8222-00000000000a");
    assert_eq!((d.memory_kib, d.vcpus, d.host_devices), (256 << 10, 2, 2));
    assert_eq!((d.arch.as_str(), d.machine.as_str()), ("x86_64", "pc-i440fx-7.2"));
    assert!(d.cpu_xml.starts_with("<cpu mode='custom'") && d.cpu_xml.ends_with("</cpu>"));
    assert_eq!(d.nvram.as_deref(), Some("/var/nv.fd"));
    assert_eq!(d.disks[0].backing, ["/d/web.s1", "/d/web.raw"]);
    assert_eq!((d.disks[0].source.as_str(), d.disks[0].format.as_str()), ("/d/web.s2", "qcow2"));
    assert!(d.disks[1].readonly && d.disks[1].source.is_empty() && d.disks[1].device == "cdrom");
    assert!(d.disks[2].shareable && d.disks[2].device == "disk" && d.disks[2].source == "/dev/vg/lv");
    assert_eq!(d.disks[3].source, "rbd:p/i");
    assert_eq!(d.interfaces[0].source, "default");
    assert_eq!(d.serials, ["serial0", "console1"]);
    assert_eq!((d.graphics[0].port, d.graphics[0].password), (Some(5901), true));
    assert_eq!((d.graphics[1].port, d.graphics[1].socket.as_str()), (None, "/run/v.sock"));
}

#[test]
fn an_edit_changes_only_what_it_means() {
    let changes = [
        Change::Name("copy <1>".into()),
        Change::Uuid("u-1".into()),
        Change::NoAddresses,
        Change::DiskFile { target: "vda".into(), file: "/n/a&b.qcow2".into(), format: Some("qcow2".into()) },
        Change::DiskFile { target: "vdb".into(), file: "/n/b".into(), format: Some("raw".into()) },
    ];
    let new = edit(LIVE, &changes).unwrap();
    let gone_and_come: Vec<String> =
        crate::model::diff::unified(LIVE, &new).into_iter().filter(|l| l.starts_with(['-', '+'])).collect();
    let expected = "\
-  <name>web &amp; mail</name>
-  <uuid>22222222-2222-4222-8222-00000000000A</uuid>
+  <name>copy &lt;1&gt;</name>
+  <uuid>u-1</uuid>
-      <driver name='qemu' type='qcow2' discard=\"it's\"/>
-      <source file='/d/web.s2' index='3'><seclabel model='dac' relabel='no'/></source>
-      <backingStore type='file' index='2'>
-        <format type='qcow2'/><source file='/d/web.s1'/>
-        <backingStore type='file' index='1'>
-          <format type='raw'/><source file='/d/web.raw'/><backingStore/>
-        </backingStore>
-      </backingStore>
+      <driver name='qemu' discard=\"it's\" type='qcow2'/>
+      <source index='3' file='/n/a&amp;b.qcow2'><seclabel model='dac' relabel='no'/></source>
-    <disk type='block'><source dev='/dev/vg/lv'/><target dev='vdb'/><shareable/></disk>
+    <disk type='file'><driver name='qemu' type='raw'/><source file='/n/b'/><target dev='vdb'/><shareable/></disk>
-      <mac address='52:54:00:00:00:01'/>";
    assert_eq!(gone_and_come.join("\n"), expected);
    let d = definition(&new).unwrap();
    assert_eq!((d.name.as_str(), d.disks[0].source.as_str()), ("copy <1>", "/n/a&b.qcow2"));
    assert!(d.disks[0].backing.is_empty());
}

#[test]
fn what_cannot_be_written_or_is_not_there_is_an_error() {
    let wrong = |change: Change| edit(LIVE, &[change]).unwrap_err();
    assert!(matches!(wrong(Change::Name("a\nb".into())), XmlError::Value { .. }));
    let nowhere = Change::DiskFile { target: "vdz".into(), file: "/x".into(), format: None };
    assert!(wrong(nowhere).to_string().contains("disk vdz"));
    assert!(matches!(definition("<capabilities/>").unwrap_err(), XmlError::Other { .. }));
    assert!(matches!(definition("<domain><name>").unwrap_err(), XmlError::Broken { .. }));
    let deep = "<domain>".repeat(100_000);
    assert!(matches!(definition(&deep).unwrap_err(), XmlError::TooLarge { .. }));
    assert!(
        backup(&[BackupDisk { target: "vda".into(), mode: BackupMode::Copied, file: "/a\u{1}".into() }], None).is_err()
    );
}

#[test]
fn a_host_is_read() {
    let caps = "<capabilities><host><uuid>11111111-1111-4111-8111-AAAAAAAAAAAA</uuid><cpu><arch>x86_64</arch>\
        <model>EPYC</model><vendor>AMD</vendor></cpu><migration_features><live/><uri_transports>\
        <uri_transport>tcp</uri_transport><uri_transport>rdma</uri_transport></uri_transports></migration_features></host>\
        <guest><arch name='x86_64'><machine maxCpus='255'>pc-i440fx-7.2</machine>\
        <machine canonical='pc-i440fx-7.2'>pc</machine><domain type='qemu'/><domain type='kvm'>\
        <machine>pc-i440fx-7.2</machine></domain></arch></guest></capabilities>";
    let c = capabilities(caps).unwrap();
    assert_eq!((c.uuid.as_str(), c.cpu_model.as_str()), ("11111111-1111-4111-8111-aaaaaaaaaaaa", "EPYC"));
    assert_eq!(c.migration, ["tcp", "rdma"]);
    let types = machine_types(caps).unwrap();
    assert_eq!(types.len(), 2);
    assert_eq!(types[0].canonical, "pc-i440fx-7.2");
}

#[test]
fn snapshots_and_checkpoints_are_read_and_written() {
    let s = read_snapshot(
        "<domainsnapshot><name>s2</name><state>disk-snapshot</state><parent><name>s1</name></parent>\
         <creationTime>1764000000</creationTime><memory snapshot='no'/><disks>\
         <disk name='vda' snapshot='external' type='file'><driver type='qcow2'/><source file='/d/web.s2'/></disk>\
         <disk name='hda' snapshot='no'/></disks><domain type='qemu'><devices><disk type='file'>\
         <source file='/d/web.s1'/><target dev='vda'/></disk></devices></domain></domainsnapshot>",
    );
    let s = s.unwrap();
    assert!(s.disks_only && s.external() && s.power == Power::Running);
    assert_eq!((s.parent.as_str(), s.created), ("s1", 1_764_000_000));
    assert_eq!((&s.disks[0].kept, s.disks[0].was.as_str()), (&Kept::File("/d/web.s2".into()), "/d/web.s1"));
    let new = NewSnapshot {
        name: "a'b".into(),
        description: "one\ntwo".into(),
        memory: SnapshotPart::File("/m".into()),
        disks: vec![("vda".into(), SnapshotPart::File("/d/<x>".into())), ("hda".into(), SnapshotPart::No)],
    };
    let again = read_snapshot(&snapshot(&new).unwrap()).unwrap();
    assert_eq!((again.name.as_str(), again.description.as_str()), ("a'b", "one\ntwo"));
    assert_eq!((again.memory, again.disks[0].kept.clone()), (Kept::File("/m".into()), Kept::File("/d/<x>".into())));
    let c = read_checkpoint(&checkpoint("cp<1>", &["vda"], &["hda"]).unwrap()).unwrap();
    assert_eq!((c.name.as_str(), c.disks), ("cp<1>", vec!["vda".to_owned()]));
    let disks = [BackupDisk { target: "vda".into(), mode: BackupMode::Copied, file: "/b/x&y".into() }];
    let text = backup(&disks, Some("cp1")).unwrap();
    assert!(text.contains("<incremental>cp1</incremental>") && text.contains("<target file='/b/x&amp;y'/>"));
}

/// Pieces of definitions in any order, whole and broken.
fn pieces() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        Just("<domain>"),
        Just("</domain>"),
        Just("<domain type='kvm'>"),
        Just("<devices>"),
        Just("</devices>"),
        Just("<disk type='file'>"),
        Just("</disk>"),
        Just("<source file='/a'/>"),
        Just("<target dev=\"vda\"/>"),
        Just("<backingStore>"),
        Just("</backingStore>"),
        Just("<name>"),
        Just("</name>"),
        Just("&amp;"),
        Just("&#x41;"),
        Just("&none;"),
        Just("<![CDATA[x]]>"),
        Just("<!-- c -->"),
        Just("ü\u{202e}"),
        Just("<a b=c d='"),
        Just("<"),
        Just("/>"),
    ];
    prop::collection::vec(piece, 0..40).prop_map(|v| v.concat())
}

proptest! {
    #[test]
    fn any_text_is_read_or_refused(text in any::<String>(), pieces in pieces()) {
        for xml in [text, pieces.clone(), format!("<domain>{pieces}</domain>")] {
            let _ = (definition(&xml), capabilities(&xml), machine_types(&xml));
            let _ = (read_snapshot(&xml), read_checkpoint(&xml));
            let changes = [
                Change::Name("n".into()), Change::NoAddresses,
                Change::DiskFile { target: "vda".into(), file: "/f".into(), format: Some("raw".into()) },
            ];
            if let Ok(new) = edit(&xml, &changes) {
                let read = definition(&new).unwrap();
                prop_assert_eq!(read.name, "n");
            }
            let _ = edit(&xml, &[Change::Uuid("u".into())]);
        }
    }

    #[test]
    fn values_come_back_as_they_went(name in "[^\\p{C}]{1,20}", file in "/[^\\p{C}]{1,30}", target in "[a-z]{3}") {
        let named = format!("<domain><name>x</name><devices><disk type='file'><target dev='{target}'/></disk></devices></domain>");
        let changes = [
            Change::Name(name.clone()), Change::Uuid("u".into()),
            Change::DiskFile { target, file: file.clone(), format: None },
        ];
        let d = definition(&edit(&named, &changes).unwrap()).unwrap();
        prop_assert_eq!(d.name.as_str(), name.trim());
        prop_assert_eq!(&d.disks[0].source, &file);
        prop_assert_eq!(d.uuid, "u");
    }
}
