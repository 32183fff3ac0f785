//! A picture of a machine's screen, as its host takes it: a PNG file, or the text that it shows.

use std::fs::{File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::Path;
use std::time::Duration;

use tokio::time::timeout;

use crate::cli::args::ConsoleArgs;
use crate::cli::exit::{Code, Failure};
use crate::cli::fresh::say;
use crate::config::schema::Libvirt;
use crate::controllers::libvirt::client::Hypervisor;
use crate::controllers::libvirt::connect::Target;
use crate::controllers::libvirt::error::Error;
use crate::engine::vga::{recover, shot};
use crate::model::console::Picture;
use crate::model::text::clean;
use crate::model::vm::VmState;

/// How long the picture may take to come.
const LONGEST: Duration = Duration::from_secs(60);

/// Stands for standard output.
const STDOUT: &str = "-";

/// Takes it, and writes what was asked for.
pub(super) fn run(host: &Libvirt, vm: &VmState, args: &ConsoleArgs) -> Result<Code, Failure> {
    if args.text && args.screenshot.as_deref() == Some(STDOUT) {
        return Err(Failure::usage("standard output takes the picture or the text: name a file for the picture"));
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let taken = runtime.block_on(take(host, vm));
    runtime.shutdown_timeout(Duration::from_secs(1));
    let picture = taken?;
    if let Some(path) = &args.screenshot {
        let file = shot::png(&picture).map_err(|e| Failure::new(Code::Failed, e.to_string()))?;
        write(path, args.force, &file)?;
        if path != STDOUT {
            say(&format!("wrote {} ({}x{} pixels)", clean(path), picture.width, picture.height));
        }
    }
    if args.text {
        let Some(text) = recover(&picture) else {
            let words = "its screen shows no text console: --screenshot takes the picture";
            return Err(Failure::new(Code::Failed, format!("{}: {words}", clean(&vm.name))));
        };
        writeln!(io::stdout(), "{}", text.screen.text())?;
    }
    Ok(Code::Done)
}

async fn take(host: &Libvirt, vm: &VmState) -> Result<Picture, Failure> {
    let what = Hypervisor { uri: host.uri.clone(), read_only: false };
    let connection = Target::of(host).connect(&what, Duration::from_secs(host.timeout_s)).await.map_err(failure)?;
    let unread = |_| Failure::new(Code::Failed, format!("{}: its UUID cannot be read", clean(&vm.name)));
    let uuid: uuid::Uuid = vm.uuid.parse().map_err(unread)?;
    let domain = connection.domain_by_uuid(*uuid.as_bytes()).await.map_err(failure)?;
    let taken = timeout(LONGEST, connection.screenshot(&domain, 0)).await;
    connection.close().await;
    let late = |_| {
        let words = format!("{}: its picture did not come within {} s", clean(&vm.name), LONGEST.as_secs());
        Failure::new(Code::Failed, words)
    };
    let (_, file) = taken.map_err(late)?.map_err(failure)?;
    shot::read(&file).map_err(|e| Failure::new(Code::Failed, format!("{}: {e}", clean(&vm.name))))
}

#[allow(clippy::needless_pass_by_value, reason = "it is handed to map_err")]
fn failure(error: Error) -> Failure {
    let code = if error.connection_lost() { Code::Unreachable } else { Code::Failed };
    Failure::new(code, error.to_string())
}

/// Refuses a file that is there already, before anything is asked.
pub(super) fn may_write(path: &str, force: bool) -> Result<(), Failure> {
    if path != STDOUT && !force && Path::new(path).symlink_metadata().is_ok() {
        return Err(there(path));
    }
    Ok(())
}

fn there(path: &str) -> Failure {
    Failure::new(Code::Failed, format!("{} exists already: it is not overwritten without --force", clean(path)))
}

/// Writes the picture, for its user only.
fn write(path: &str, force: bool, bytes: &[u8]) -> Result<(), Failure> {
    if path == STDOUT {
        let mut out = io::stdout().lock();
        out.write_all(bytes)?;
        out.flush()?;
        return Ok(());
    }
    let mut file = match (open_new(path), force) {
        (Ok(file), _) => file,
        (Err(e), true) if e.kind() == io::ErrorKind::AlreadyExists => {
            open_old(path).map_err(|e| unwritten(path, &e))?
        }
        (Err(e), false) if e.kind() == io::ErrorKind::AlreadyExists => return Err(there(path)),
        (Err(e), _) => return Err(unwritten(path, &e)),
    };
    file.write_all(bytes).and_then(|()| file.flush()).map_err(|e| unwritten(path, &e))
}

fn open_new(path: &str) -> io::Result<File> {
    OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)
}

/// One that is there, made that of its user only before anything is in it. A device stays what it is.
fn open_old(path: &str) -> io::Result<File> {
    let file = OpenOptions::new().write(true).open(path)?;
    if file.metadata()?.is_file() {
        file.set_permissions(std::fs::Permissions::from_mode(0o600))?;
        file.set_len(0)?;
    }
    Ok(file)
}

fn unwritten(path: &str, error: &io::Error) -> Failure {
    Failure::new(Code::Failed, format!("the picture is not written to {}: {error}", clean(path)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_private_and_only_overwritten_when_told_to() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.png");
        let path = path.to_str().unwrap();
        let mode = || std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
        may_write(path, false).unwrap();
        write(path, false, b"long one").unwrap();
        assert_eq!(mode(), 0o600);
        assert!(may_write(path, false).unwrap_err().message.contains("--force"));
        assert!(write(path, false, b"x").unwrap_err().message.contains("--force"));
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o644)).unwrap();
        may_write(path, true).unwrap();
        write(path, true, b"new").unwrap();
        assert_eq!((std::fs::read(path).unwrap(), mode()), (b"new".to_vec(), 0o600));
        let why = write("/nowhere/x.png", false, b"x").unwrap_err().message;
        assert!(why.contains("/nowhere/x.png"), "{why}");
    }
}
