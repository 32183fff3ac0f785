//! The request for a backup, and the checkpoint that the next one goes on from.

use super::{Result, line, value};

/// What a disk's part of a backup is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BackupMode {
    /// Its image is written to a file.
    Copied,
    /// It is left out.
    LeftOut,
}

/// A disk and where it is backed up to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BackupDisk {
    /// Target (`vda`).
    pub target: String,
    /// Whether it takes part.
    pub mode: BackupMode,
    /// The file that its image is written to, on the host.
    pub file: String,
}

/// Writes a `<domainbackup>` that the host writes itself ("push"), in qcow2. `since` is the checkpoint
/// from which on changes are copied; everything without one.
pub fn backup(disks: &[BackupDisk], since: Option<&str>) -> Result<String> {
    let mut out = String::new();
    line(&mut out, 0, format_args!("<domainbackup mode='push'>"));
    if let Some(since) = since {
        line(&mut out, 1, format_args!("<incremental>{}</incremental>", value("the name of the checkpoint", since)?));
    }
    line(&mut out, 1, format_args!("<disks>"));
    for disk in disks {
        let target = value("the target of a disk", &disk.target)?;
        match disk.mode {
            BackupMode::LeftOut => line(&mut out, 2, format_args!("<disk name='{target}' backup='no'/>")),
            BackupMode::Copied => {
                line(&mut out, 2, format_args!("<disk name='{target}' backup='yes' type='file'>"));
                line(&mut out, 3, format_args!("<driver type='qcow2'/>"));
                line(&mut out, 3, format_args!("<target file='{}'/>", value("the file of the backup", &disk.file)?));
                line(&mut out, 2, format_args!("</disk>"));
            }
        }
    }
    line(&mut out, 1, format_args!("</disks>"));
    line(&mut out, 0, format_args!("</domainbackup>"));
    Ok(out)
}

/// Writes a `<domaincheckpoint>`: `disks` get a bitmap, `without` get none.
pub fn checkpoint(name: &str, disks: &[&str], without: &[&str]) -> Result<String> {
    let mut out = String::new();
    line(&mut out, 0, format_args!("<domaincheckpoint>"));
    line(&mut out, 1, format_args!("<name>{}</name>", value("the name of the checkpoint", name)?));
    line(&mut out, 1, format_args!("<disks>"));
    for (targets, word) in [(disks, "bitmap"), (without, "no")] {
        for target in targets {
            let target = value("the target of a disk", target)?;
            line(&mut out, 2, format_args!("<disk name='{target}' checkpoint='{word}'/>"));
        }
    }
    line(&mut out, 1, format_args!("</disks>"));
    line(&mut out, 0, format_args!("</domaincheckpoint>"));
    Ok(out)
}
