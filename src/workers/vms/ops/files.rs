//! Files and images on a host, through fixed texts of its shell.

use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::{Host, Told, of_program};
use crate::controllers::libvirt::programs::{Program, ProgramError};
use crate::engine::vm::Fault;
use crate::engine::vm::pace::{Pace, percent};
use crate::engine::vm::sets::safe_name;
use crate::model::time::{SECOND, Ts};
use crate::model::vm::{BackupSet, Manifest};
use crate::workers::now;

/// How long a step that moves no data may take: `sync` may write much.
const SOON: Duration = Duration::from_secs(120);
/// How long an image may be copied or read.
const LONG: Duration = Duration::from_secs(24 * 3600);
/// The least time between two words about progress, µs.
const QUIET: i64 = 200_000;

/// Folders may be passed through and not listed: the emulator runs as another user.
const MAKE_FOLDER: &str = r#"umask 066; mkdir -p -- "$1" && mkdir -- "$2""#;
const WRITE: &str = r#"umask 077; set -C; cat >"$1" && { sync -- "$1" 2>/dev/null || sync; }"#;
const READ: &str = r#"cat -- "$1""#;
const RENAME: &str = r#"if [ -e "$2" ] || [ -L "$2" ]; then echo "$2 is there already"; exit 17; fi
mv -nT -- "$1" "$2" || exit
if [ -e "$1" ] || [ -L "$1" ]; then echo "$2 is there already"; exit 17; fi
d=$(dirname -- "$2"); sync -- "$d" 2>/dev/null || sync"#;
const LOOK: &str = r#"if [ -e "$1" ] || [ -L "$1" ]; then echo yes; else echo no; fi"#;
const WRITTEN: &str = r#"if [ -e "$1" ] || [ -L "$1" ]; then stat -c %Y -- "$1"; else echo gone; fi"#;
const REMOVE: &str = r#"rm -f -- "$1""#;
/// With the one it is in, where nothing else is in that.
const REMOVE_FOLDER: &str = r#"rm -rf -- "$1" && { rmdir -- "$2" 2>/dev/null || true; }"#;
const LIST: &str = r#"cd -- "$1" 2>/dev/null || exit 0
for d in *; do [ -d "$d" ] || continue; printf '\n==set %s\n' "$d"; cat -- "$d/manifest.json" 2>/dev/null; done
exit 0"#;
/// Of the folder, or of the nearest one above it that is there.
const FREE: &str = r#"d=$1; while [ ! -d "$d" ] && [ "$d" != / ]; do d=$(dirname -- "$d"); done; df -Pk -- "$d""#;
const CONVERT: &str = r#"umask 077; exec qemu-img convert -p -f "$3" -O "$4" -- "$1" "$2""#;
const COMPARE: &str = r#"exec qemu-img compare -p -f "$3" -F "$4" -- "$1" "$2""#;
/// Clusters that are lost to it (status 3) do no harm.
const CHECK: &str = r#"qemu-img check -q -f qcow2 -- "$1"; s=$?; [ "$s" = 3 ] && s=0; exit "$s""#;
const SIZE: &str = r#"stat -c %s -- "$1""#;
const SUM: &str = r#"stat -c %s -- "$1" && exec sha256sum <"$1""#;
const BASE: &str = r#"exec qemu-img rebase -u -f qcow2 -F qcow2 -b "$2" -- "$1""#;
const COMMIT: &str = r#"exec qemu-img commit -p -d -f qcow2 -b "$2" -- "$1""#;
const MAKE_IMAGE: &str = r#"umask 077; t=$1.migrating
if [ -e "$t" ]; then echo "$t is there already"; exit 17; fi
qemu-img create -q -f "$2" -- "$t" "$3" && ln -T -- "$t" "$1"; s=$?; rm -f -- "$t"; exit "$s""#;
const INFO: &str = r#"if [ -e "$1" ]; then
echo there; stat -L -c '%d %i' -- "$1"; stat -L -f -c %T -- "$1"; cat /proc/sys/kernel/random/boot_id
exec qemu-img info -U --output=json -- "$1"
fi
echo missing; d=$(dirname -- "$1"); if [ -d "$d" ] && [ -w "$d" ]; then df -Pk -- "$d"; fi; exit 0"#;
/// What cannot be read ends it, with the reason: what it builds on would be told as used by nothing.
const IMAGES: &str = r#"[ -d "$1" ] || exit 0
exec find "$1" -maxdepth 1 -type f -size +0 -exec sh -c 'for f; do qemu-img info -U --output=json -- "$f" 2>/dev/null ||
{ qemu-img info -U -- "$f" >/dev/null; echo "$f cannot be read"; exit 1; }; done' sh {} +"#;
/// One list for each image, of it and all that it builds on; one that is not there builds on nothing.
const CHAINS: &str = r#"for f; do [ -e "$f" ] || continue
qemu-img info -U --backing-chain --output=json -- "$f" 2>/dev/null ||
{ qemu-img info -U --backing-chain -- "$f" >/dev/null; echo "$f cannot be read"; exit 1; }; done"#;
/// Images asked about at once.
const AT_ONCE: usize = 100;

/// Something long that can be cancelled and tells how far it is.
#[derive(Clone, Copy)]
pub(super) struct Watch<'a> {
    pub(super) stop: &'a CancellationToken,
    pub(super) told: Told<'a>,
}

/// Where a file is and what it is, as the host tells.
pub(super) enum Place {
    /// It is there: device, inode, kind of file system, boot, and what `qemu-img info` says.
    There { device: u64, inode: u64, filesystem: String, boot: String, info: serde_json::Value },
    /// It is not: bytes free where it would be.
    Missing(Option<u64>),
}

impl Host {
    async fn soon(&self, text: &'static str, args: &[&str]) -> Result<String, Fault> {
        of_program(self.programs().await?.ask(&Program { text, args, input: None, limit: SOON }).await)
    }

    /// Something that prints a percentage while it copies or reads an image of that size.
    async fn long(
        &self,
        text: &'static str,
        args: &[&str],
        (doing, bytes): (&str, u64),
        watch: Watch<'_>,
    ) -> Result<String, Fault> {
        let mut pace = Pace::default();
        let mut tail = String::new();
        let mut last: Option<(Ts, bool)> = None;
        let mut heard = |text: &str| {
            tail.push_str(text);
            let Some(hundredths) = percent(&tail) else { return };
            if tail.len() > 256 {
                let keep = tail.char_indices().rev().nth(64).map_or(0, |(at, _)| at);
                tail.drain(..keep);
            }
            let at = now();
            let whole = hundredths == 10_000;
            if last.is_none_or(|(before, was)| !was && (whole || at.since(before) >= QUIET)) {
                last = Some((at, whole));
                let total = bytes.max(10_000);
                let done = u128::from(total) * u128::from(hundredths) / 10_000;
                (watch.told)(pace.at(doing, at, u64::try_from(done).unwrap_or(total), total));
            }
        };
        let program = Program { text, args, input: None, limit: LONG };
        of_program(self.programs().await?.run(&program, watch.stop, &mut heard).await)
    }

    pub(super) async fn make_folder(&self, path: &str) -> Result<(), Fault> {
        let above = path.rsplit_once('/').map_or("/", |(above, _)| above);
        self.soon(MAKE_FOLDER, &[above, path]).await.map(drop)
    }

    pub(super) async fn write(&self, path: &str, text: &str) -> Result<(), Fault> {
        let program = Program { text: WRITE, args: &[path], input: Some(text.as_bytes()), limit: SOON };
        of_program(self.programs().await?.ask(&program).await).map(drop)
    }

    pub(super) async fn read(&self, path: &str) -> Result<String, Fault> {
        self.soon(READ, &[path]).await
    }

    pub(super) async fn rename(&self, from: &str, to: &str) -> Result<(), Fault> {
        self.soon(RENAME, &[from, to]).await.map(drop)
    }

    pub(super) async fn is_there(&self, path: &str) -> Result<bool, Fault> {
        let said = self.soon(LOOK, &[path]).await?;
        match said.trim() {
            "yes" => Ok(true),
            "no" => Ok(false),
            other => Err(Fault::Lost(format!("the host's answer cannot be read ({other})"))),
        }
    }

    /// When a file was written last; `None`: it is not there.
    pub(super) async fn written(&self, path: &str) -> Result<Option<Ts>, String> {
        let said = self.soon(WRITTEN, &[path]).await.map_err(|fault| fault.why().to_owned())?;
        match said.trim() {
            "gone" => Ok(None),
            text => {
                let seconds: i64 = text.parse().map_err(|_| format!("the host's answer cannot be read ({text})"))?;
                Ok(Some(Ts(seconds.saturating_mul(SECOND))))
            }
        }
    }

    pub(super) async fn remove(&self, path: &str) -> Result<(), Fault> {
        self.soon(REMOVE, &[path]).await.map(drop)
    }

    /// Removes a backup: only a folder of a plain name in that of a machine.
    pub(super) async fn remove_backup(&self, folder: &str, path: &str) -> Result<(), Fault> {
        let name = path.strip_prefix(folder).and_then(|rest| rest.strip_prefix('/'));
        if folder.len() < 2 || name.and_then(safe_name).is_none() {
            return Err(Fault::Failed(format!("{path} is no backup in {folder}; it is not removed")));
        }
        self.soon(REMOVE_FOLDER, &[path, folder]).await.map(drop)
    }

    /// The backups in a folder, finished or not; those that are not have no manifest to be trusted.
    pub(super) async fn sets(&self, folder: &str) -> Result<Vec<BackupSet>, String> {
        let said = self.soon(LIST, &[folder]).await.map_err(|fault| fault.why().to_owned())?;
        let mut out = Vec::new();
        for piece in said.split("\n==set ").skip(1) {
            let (name, text) = piece.split_once('\n').unwrap_or((piece, ""));
            let Some(name) = safe_name(name) else { continue };
            let partial = name.ends_with(crate::engine::vm::sets::PARTIAL);
            let manifest = match serde_json::from_str::<Manifest>(text.trim()) {
                _ if partial => Err("it is not finished: it runs, or was cut off".to_owned()),
                Ok(manifest) if manifest.manifest > crate::model::vm::backup::MANIFEST => {
                    Err("it was written by a newer noctule".to_owned())
                }
                Ok(manifest) => Ok(manifest),
                Err(e) => Err(format!("its manifest.json cannot be read ({e})")),
            };
            out.push(BackupSet { name: name.to_owned(), manifest });
        }
        Ok(out)
    }

    pub(super) async fn free(&self, folder: &str) -> Option<u64> {
        free_of(&self.soon(FREE, &[folder]).await.ok()?)
    }

    pub(super) async fn convert(
        &self,
        [from, to]: [&str; 2],
        [from_format, to_format]: [&str; 2],
        doing: (&str, u64),
        watch: Watch<'_>,
    ) -> Result<(), Fault> {
        self.long(CONVERT, &[from, to, from_format, to_format], doing, watch).await.map(drop)
    }

    pub(super) async fn compare(
        &self,
        [from, to]: [&str; 2],
        [from_format, to_format]: [&str; 2],
        doing: (&str, u64),
        watch: Watch<'_>,
    ) -> Result<(), Fault> {
        self.long(COMPARE, &[from, to, from_format, to_format], doing, watch).await.map(drop)
    }

    /// Checks an image and reads it once: bytes and SHA-256.
    pub(super) async fn verify(&self, path: &str, watch: Watch<'_>) -> Result<(u64, String), Fault> {
        // All that describes a large image is read by this, too.
        self.long(CHECK, &[path], ("checking it", 0), watch).await?;
        let said = self.long(SUM, &[path], ("reading it back", 0), watch).await?;
        let mut words = said.split_whitespace();
        let bytes = words.next().and_then(|n| n.parse().ok());
        let sum = words.next().filter(|sum| sum.len() == 64 && sum.bytes().all(|b| b.is_ascii_hexdigit()));
        match (bytes, sum) {
            (Some(bytes), Some(sum)) => Ok((bytes, sum.to_owned())),
            _ => Err(Fault::Failed("its checksum could not be read".to_owned())),
        }
    }

    /// Bytes of a file.
    pub(super) async fn size(&self, path: &str) -> Result<u64, Fault> {
        let said = self.soon(SIZE, &[path]).await?;
        said.trim().parse().map_err(|_| Fault::Failed(format!("the size of {path} could not be read")))
    }

    pub(super) async fn base(&self, file: &str, on: &str) -> Result<(), Fault> {
        self.soon(BASE, &[file, on]).await.map(drop)
    }

    pub(super) async fn commit_off(&self, top: &str, base: &str, watch: Watch<'_>) -> Result<(), Fault> {
        self.long(COMMIT, &[top, base], ("merging the overlay", 0), watch).await.map(drop)
    }

    pub(super) async fn make_image(&self, path: &str, format: &str, bytes: u64) -> Result<(), Fault> {
        self.soon(MAKE_IMAGE, &[path, format, &bytes.to_string()]).await.map(drop)
    }

    pub(super) async fn place(&self, path: &str) -> Result<Place, String> {
        let said = self.soon(INFO, &[path]).await.map_err(|fault| fault.why().to_owned())?;
        let mut lines = said.splitn(5, '\n');
        if lines.next() != Some("there") {
            return Ok(Place::Missing(free_of(&said)));
        }
        let unreadable = || format!("what the host says of {path} cannot be read");
        let (device, inode) = lines.next().and_then(|line| line.split_once(' ')).ok_or_else(unreadable)?;
        let (device, inode) = (device.parse().ok(), inode.parse().ok());
        let filesystem = lines.next().unwrap_or_default().to_owned();
        let boot = lines.next().unwrap_or_default().to_owned();
        let info = serde_json::from_str(lines.next().unwrap_or_default()).map_err(|_| unreadable())?;
        let (Some(device), Some(inode)) = (device, inode) else { return Err(unreadable()) };
        Ok(Place::There { device, inode, filesystem, boot, info })
    }

    /// What `qemu-img info` says of the images in a folder.
    pub(super) async fn images(&self, folder: &str) -> Result<Vec<serde_json::Value>, String> {
        let said = self.soon(IMAGES, &[folder]).await.map_err(|fault| fault.why().to_owned())?;
        json(&said)
    }

    /// Files of images and of all that they build on, each image first. Those that are not there are left out.
    pub(super) async fn chains(&self, images: &[&str]) -> Result<Vec<Vec<String>>, String> {
        let mut out = Vec::new();
        for some in images.chunks(AT_ONCE) {
            let said = self.soon(CHAINS, some).await.map_err(|fault| fault.why().to_owned())?;
            for chain in json(&said)? {
                let links = chain.as_array().map_or(&[][..], Vec::as_slice);
                let name = |link: &serde_json::Value| link.get("filename").and_then(|f| f.as_str().map(str::to_owned));
                out.push(links.iter().filter_map(name).collect());
            }
        }
        Ok(out)
    }

    /// Whether a program on this host reaches another libvirt; `None` when it has no `virsh` to try with.
    pub(super) async fn reaches(&self, uri: &str) -> Option<Result<(), String>> {
        const REACH: &str = r#"exec virsh -c "$1" -k 5 -K 2 hostname"#;
        let program = Program { text: REACH, args: &[uri], input: None, limit: Duration::from_secs(20) };
        let programs = match self.programs().await {
            Ok(programs) => programs,
            Err(fault) => return Some(Err(fault.why().to_owned())),
        };
        match programs.ask(&program).await {
            Ok(_) => Some(Ok(())),
            Err(ProgramError::Failed { status: 127, .. }) => None,
            Err(e) => Some(Err(e.to_string())),
        }
    }
}

/// One value of JSON after another.
fn json(said: &str) -> Result<Vec<serde_json::Value>, String> {
    let all: Result<Vec<serde_json::Value>, _> = serde_json::Deserializer::from_str(said).into_iter().collect();
    all.map_err(|e| format!("what qemu-img says on the host cannot be read: {e}"))
}

/// The bytes that are free, of what `df -Pk` says.
fn free_of(said: &str) -> Option<u64> {
    let line = said.lines().rfind(|line| line.contains('%'))?;
    line.split_whitespace().nth(3)?.parse::<u64>().ok()?.checked_mul(1024)
}
