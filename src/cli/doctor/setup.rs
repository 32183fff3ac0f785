//! Configuration and cache: everything that can be wrong before a source is asked.

use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use super::super::dashboard::keymap_of;
use super::report::Check;
use crate::config::{self, Error, Loaded};
use crate::model::ids::Seq;
use crate::model::text::{counted, grouped, iec};
use crate::model::time::Ts;
use crate::store::{self, Outbox};
use crate::theme::load;

/// Less free space than this is worth a word, bytes.
const LOW: u64 = 512 << 20;

/// A configuration that cannot be used, one check for each thing that is wrong.
pub(super) fn broken(error: &Error) -> Vec<Check> {
    error
        .problems
        .iter()
        .map(|p| Check::fail("file", p.to_string(), "correct it; `noctule config check` tells the same"))
        .collect()
}

pub(super) fn configuration(loaded: &Loaded) -> Vec<Check> {
    let mut out = vec![files(loaded), profile(loaded), sources(loaded)];
    out.extend(loaded.notes.iter().map(|note| Check::warn("note", note, "")));
    out.push(match keymap_of(loaded) {
        Ok(_) => Check::ok("keys", "read"),
        Err(e) => Check::fail("keys", e.message, "correct the keymap; the dashboard refuses to start with it"),
    });
    let theme = &loaded.config.ui.theme;
    out.push(match load::load(theme, Some(&loaded.dirs.themes()), crate::theme::Depth::True) {
        Ok(_) => Check::ok("theme", theme),
        Err(e) => Check::fail("theme", e.to_string(), "choose another theme, or correct the file"),
    });
    let types = loaded.config.alarm_types.as_ref().map(PathBuf::from);
    out.push(match config::alarm_types::load(types.as_deref()) {
        Ok(types) => Check::ok("alarm types", counted(types.by_id.len() as u64, "type", "types")),
        Err(e) => Check::fail("alarm types", e.to_string(), "correct the file named by alarm_types"),
    });
    out.extend(loaded.config.inventory.file.as_ref().map(|file| inventory(Path::new(file))));
    out
}

fn files(loaded: &Loaded) -> Check {
    if loaded.files.is_empty() {
        let advice =
            "`noctule demo` shows it with a simulated network; `noctule config example` prints a file to begin with";
        return Check::warn("files", "none read", advice);
    }
    let names: Vec<String> = loaded.files.iter().map(|f| f.display().to_string()).collect();
    Check::ok("files", names.join(", "))
}

fn profile(loaded: &Loaded) -> Check {
    let rights = if loaded.profile.read_only { "read-only" } else { "may change things" };
    Check::ok("profile", format!("{} ({rights})", loaded.profile_name))
}

fn sources(loaded: &Loaded) -> Check {
    match loaded.sources().count() as u64 {
        0 => Check::warn("sources", "none", "add a [[source]] to the configuration"),
        n => Check::ok("sources", counted(n, "source", "sources")),
    }
}

fn inventory(file: &Path) -> Check {
    let read = config::inventory::load(file);
    let devices = counted(read.items.len() as u64, "device", "devices");
    match read.errors.first() {
        None => Check::ok("inventory", devices),
        Some(first) if first.line == 0 => Check::fail("inventory", first.to_string(), "check inventory.file"),
        Some(first) => {
            let left = counted(read.errors.len() as u64, "line", "lines");
            Check::warn("inventory", format!("{devices}; {left} left out, the first: {first}"), "correct these lines")
        }
    }
}

pub(super) fn cache(loaded: &Loaded) -> Vec<Check> {
    let path = loaded.cache_path();
    let mut out = vec![Check::ok("file", path.display().to_string())];
    out.push(folder(&path));
    match fs::metadata(&path) {
        Ok(meta) => {
            out.push(mode(&meta));
            out.push(size(&path, &meta));
            out.extend(contents(&path));
            out.push(outbox(&path));
        }
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => {
            out.push(Check::ok("contents", "none yet: it is made at the first start"));
        }
        Err(e) => out.push(Check::fail("contents", e.to_string(), "check owner and permissions of the file")),
    }
    out
}

/// Whether the file can be written, or made, and how much room there is.
fn folder(path: &Path) -> Check {
    let mut folder = path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new(".")).to_path_buf();
    while !folder.exists() && folder.pop() {}
    if let Err(e) = rustix::fs::access(&folder, rustix::fs::Access::WRITE_OK | rustix::fs::Access::EXEC_OK) {
        let advice = "choose another place with cache.path, or correct owner and permissions";
        return Check::fail("folder", format!("{} cannot be written: {e}", folder.display()), advice);
    }
    match rustix::fs::statvfs(&folder) {
        Ok(fs) => {
            let free = fs.f_bavail.saturating_mul(fs.f_frsize);
            let found = format!("{} free", iec(free));
            if free < LOW {
                Check::warn("folder", found, "free some space, or lower cache.max_size")
            } else {
                Check::ok("folder", found)
            }
        }
        Err(e) => Check::warn("folder", format!("free space not known: {e}"), ""),
    }
}

fn mode(meta: &fs::Metadata) -> Check {
    let mode = meta.permissions().mode() & 0o777;
    let found = format!("{mode:04o}, owner {}", meta.uid());
    if meta.uid() != rustix::process::geteuid().as_raw() {
        Check::warn("mode", found, "the file belongs to someone else")
    } else if mode & 0o077 != 0 {
        Check::warn("mode", found, "others can read names of subscribers: chmod 600")
    } else {
        Check::ok("mode", found)
    }
}

fn size(path: &Path, meta: &fs::Metadata) -> Check {
    let mut wal = path.as_os_str().to_owned();
    wal.push("-wal");
    let wal = fs::metadata(PathBuf::from(wal)).map_or(0, |m| m.len());
    Check::ok("size", format!("{}, and {} not yet merged", iec(meta.len()), iec(wal)))
}

fn contents(path: &Path) -> Vec<Check> {
    let began = std::time::Instant::now();
    let found = match store::examine(path) {
        Ok(found) => found,
        Err(e) => return vec![Check::fail("contents", e.to_string(), "")],
    };
    let sound = match found.problems.first() {
        None => Check::ok("integrity", "sound"),
        Some(first) => Check::fail(
            "integrity",
            first,
            "start noctule: it sets the file aside and begins a new one; nothing is deleted",
        ),
    };
    vec![sound.took(began.elapsed()), journal(found.first, found.last)]
}

/// What waits for the owner of the cache, and what was no piece of a journal.
fn outbox(path: &Path) -> Check {
    let outbox = Outbox::of(path);
    match outbox.waiting().and_then(|waiting| Ok((waiting.len(), outbox.refused()?.len()))) {
        Ok((0, 0)) => Check::ok("outbox", "nothing waits for the journal"),
        Ok((0, refused)) => {
            let files = counted(refused as u64, "file was", "files were");
            let found = format!("{files} put aside as no rows of the log: *.refused in {}", outbox.folder().display());
            Check::warn("outbox", found, "the log says why; remove them when you have looked at them")
        }
        Ok((waiting, _)) => {
            let found = format!("{} for the journal", counted(waiting as u64, "row waits", "rows wait"));
            let advice = match store::owner(path) {
                Ok(Some(_)) => "the log of the noctule that owns the cache says why it does not take them up",
                _ => "start noctule or `noctule agent`: whoever owns the cache takes them up",
            };
            Check::warn("outbox", found, advice)
        }
        Err(e) => {
            let advice = "check owner and permissions: rows of consoles cannot be kept there";
            Check::fail("outbox", format!("{}: {e}", outbox.folder().display()), advice)
        }
    }
}

fn journal(first: Option<(Seq, Ts)>, last: Option<(Seq, Ts)>) -> Check {
    let (Some((from, since)), Some((to, until))) = (first, last) else {
        return Check::ok("journal", "empty");
    };
    let records = grouped(u64::try_from(to.0 - from.0 + 1).unwrap_or(0));
    Check::ok("journal", format!("{records} records, {} to {}", since.to_rfc3339(), until.to_rfc3339()))
}
