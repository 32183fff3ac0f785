//! What guests boot: built by `guest.sh` when it is not there yet, and kept where `.ci/run` keeps what is slow
//! to make.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Mutex;

static BUILDING: Mutex<()> = Mutex::new(());

const DAY: std::time::Duration = std::time::Duration::from_secs(86_400);

/// The folder that `.ci/run` keeps things in.
fn cache() -> PathBuf {
    let named = |name: &str| std::env::var_os(name).filter(|v| !v.is_empty()).map(PathBuf::from);
    named("NOCTULE_CACHE").unwrap_or_else(|| {
        let base = named("XDG_CACHE_HOME").or_else(|| named("HOME").map(|home| home.join(".cache")));
        base.unwrap_or_else(std::env::temp_dir).join("noctule-ci")
    })
}

/// Puts `vmlinuz` and `initrd.gz` into a folder. A copy: whatever happens to the cache, its guests boot.
pub(super) fn put(into: &Path) {
    let from = ready();
    for file in ["vmlinuz", "initrd.gz"] {
        std::fs::copy(from.join(file), into.join(file)).expect("copied");
    }
}

/// The folder in the cache with `vmlinuz` and `initrd.gz`.
fn ready() -> PathBuf {
    let _alone = BUILDING.lock();
    let here = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/lab/virt");
    // What it is made of names it: another recipe makes another one.
    let recipe = ["guest.sh", "guest/init", "guest/login", "guest/mark", "guest/churn"].iter().fold(0, |sum, file| {
        let text = std::fs::read(here.join(file)).expect("part of the tree");
        crc32c::crc32c_append(sum, &text)
    });
    let name = format!("guest-{recipe:08x}");
    let cache = cache();
    let folder = cache.join(&name);
    if !folder.join("initrd.gz").exists() {
        std::fs::create_dir_all(&cache).expect("a cache");
        let begun = std::time::Instant::now();
        let out = Command::new("sh").arg(here.join("guest.sh")).arg(&folder).output().expect("sh");
        assert!(
            out.status.success(),
            "no guest was built (.ci/run installs what that needs):\n{}{}",
            String::from_utf8_lossy(&out.stdout),
            String::from_utf8_lossy(&out.stderr)
        );
        eprintln!("a guest was built in {} ms", begun.elapsed().as_millis());
        // Those of older recipes; not what another tree works with today.
        for entry in std::fs::read_dir(&cache).expect("a cache").flatten() {
            let other = entry.file_name().to_string_lossy().into_owned();
            let age = entry.metadata().and_then(|m| m.modified()).ok().and_then(|t| t.elapsed().ok());
            if other.starts_with("guest-") && other != name && age.is_some_and(|age| age > DAY) {
                let _ = std::fs::remove_dir_all(entry.path());
            }
        }
    }
    folder
}
