//! Backing up a machine, so that the folder of its backups never holds half of one.
//!
//! Everything goes into a folder that is called `….partial`; when all of it is written and has been
//! read back, the folder gets its name. Whatever happens before that, a full disk included, the job
//! is ended, the checkpoint that was made is merged back into the one before (so that the next
//! incremental backup misses nothing), and the folder is removed. What could not be undone is named.

use super::{End, Fault, Report, Turn};
use crate::model::vm::backup::{BackedUp, MANIFEST, Manifest};
use crate::model::vm::failure::{Leftover, Made};
use crate::model::vm::{BackupKind, Definition};

/// How often a step that only takes back is tried when no answer comes.
const TRIES: u32 = 3;

/// A disk and what is known of it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Source {
    /// Target (`vda`).
    pub target: String,
    /// Where it is.
    pub path: String,
    /// Format.
    pub format: String,
    /// Bytes that the guest sees.
    pub virtual_size: u64,
    /// Bytes that it takes: what a full backup may need.
    pub allocation: u64,
}

/// What a backup does.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Plan {
    /// The machine.
    pub vm: String,
    /// Its UUID.
    pub uuid: String,
    /// Name of its host.
    pub host: String,
    /// Whether it runs; one that is off is copied by `qemu-img`.
    pub running: bool,
    /// The folder of its backups.
    pub folder: String,
    /// Name of the new one.
    pub name: String,
    /// When, seconds since 1970.
    pub at: i64,
    /// Kind.
    pub kind: BackupKind,
    /// Folder of the backup that it builds on, and its checkpoint.
    pub parent: Option<(String, String)>,
    /// The checkpoint to be made; `None` where none can be.
    pub checkpoint: Option<String>,
    /// Disks.
    pub disks: Vec<Source>,
    /// Compare the copy of one that is off, check and read back every image.
    pub verify: bool,
    /// Its definition, to be kept beside the images.
    pub xml: String,
    /// Bytes free in the folder; `None` when that is not known.
    pub free: Option<u64>,
    /// Backups to be removed afterwards, in this order.
    pub surplus: Vec<String>,
    /// A backup whose manifest cannot be read, so that none is removed.
    pub unsure: Option<String>,
    /// Checkpoints that nothing builds on once this one is there.
    pub stale: Vec<String>,
    /// Why it is a full one though an incremental one was asked for.
    pub because: Option<String>,
}

impl Plan {
    /// The folder while it is not finished.
    #[must_use]
    pub fn partial(&self) -> String {
        format!("{}/{}{}", self.folder, self.name, super::sets::PARTIAL)
    }

    /// The folder.
    #[must_use]
    pub fn done(&self) -> String {
        format!("{}/{}", self.folder, self.name)
    }

    fn file(disk: &Source) -> String {
        format!("{}.qcow2", disk.target)
    }
}

/// Why a backup of this machine would make no sense, before anything is done.
pub fn refused(plan: &Plan, vm: &Definition) -> Option<String> {
    if plan.disks.is_empty() {
        return Some(format!("{} has no disk that could be backed up", vm.name));
    }
    if let Some(disk) = plan.disks.iter().find(|disk| super::sets::safe_name(&disk.target).is_none()) {
        return Some(format!("the target {:?} of a disk cannot be the name of a file", disk.target));
    }
    if let Some(disk) = super::sets::disks(vm).find(|disk| disk.kind != "file" && disk.kind != "block") {
        return Some(format!("{} is a {} disk; back it up where it is stored", disk.target, disk.kind));
    }
    let need: u64 = plan.disks.iter().map(|disk| disk.allocation).fold(0, u64::saturating_add);
    match plan.free {
        Some(free) if plan.kind == BackupKind::Full && free < need => Some(format!(
            "{} has {} MiB free and up to {} MiB are needed; make room, or choose another folder",
            plan.folder,
            free >> 20,
            need >> 20
        )),
        _ => None,
    }
}

/// Something to do on the host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Act {
    /// Make this folder; one that is there is a failure.
    MakeFolder(String),
    /// Begin the backup: target and file of each disk. A job that runs already is a failure.
    Begin {
        /// Targets and files.
        disks: Vec<(String, String)>,
        /// Since which checkpoint.
        since: Option<String>,
        /// The checkpoint to be made.
        checkpoint: Option<String>,
    },
    /// Wait until the job has ended, well or not. Takes long; [`Backup::abort`] says what to do when
    /// it is cancelled.
    Await,
    /// Copy the image of a machine that is off. Takes long.
    Copy {
        /// From.
        from: String,
        /// Its format.
        format: String,
        /// To.
        to: String,
    },
    /// Compare an image with the copy. Takes long.
    Compare {
        /// The one.
        from: String,
        /// Its format.
        format: String,
        /// The copy.
        to: String,
    },
    /// Let an image build on that of another backup (a path relative to its folder).
    Base {
        /// Image.
        file: String,
        /// What it builds on.
        on: String,
    },
    /// Check an image, read it once and tell [`Told::Sound`]. Takes long. Where nothing is to be verified,
    /// only its size is told, without a sum.
    Verify {
        /// Image.
        file: String,
        /// Whether to read it.
        read: bool,
    },
    /// Write this text to a file, onto the disk.
    Write {
        /// File.
        file: String,
        /// Text.
        text: String,
    },
    /// Give a folder its name; onto the disk.
    Rename {
        /// From.
        from: String,
        /// To.
        to: String,
    },
    /// Is that there? Answer [`Told::Present`].
    Look(String),
    /// Does a job run in it? Answer [`Told::Present`].
    Busy,
    /// End the job (also that of a copy).
    Abort,
    /// Remove a checkpoint, its changes merged into the one before; one that is not there is removed.
    DropCheckpoint(String),
    /// Remove a folder of backups with all in it; one that is not there is removed.
    RemoveFolder(String),
}

/// What came of an act.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Told {
    /// It was done.
    Done,
    /// Whether it is there.
    Present(bool),
    /// The image is sound.
    Sound {
        /// Bytes of the file.
        bytes: u64,
        /// SHA-256, in hex; empty where it was not read.
        sha256: String,
    },
    /// It was not done, or that is not known.
    Fault(Fault),
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Stage {
    Folder,
    Begin,
    Await,
    Copy(usize),
    Compare(usize),
    Base(usize),
    Verify(usize),
    Definition,
    Manifest,
    Rename,
    Renamed,
    Stale(usize),
    Surplus(usize),
    // Back again.
    Busy,
    Abort,
    Drop,
    Remove,
    Over,
}

/// A backup.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Backup {
    plan: Plan,
    stage: Stage,
    sums: Vec<(u64, String)>,
    cancelled: bool,
    /// Why it does not come to a good end.
    why: Option<String>,
    done: bool,
    unknown: bool,
    folder: bool,
    job: bool,
    checkpoint: bool,
    tries: u32,
    notes: Vec<String>,
    left: Vec<String>,
    /// Of that, what may be deleted later.
    leftovers: Vec<Leftover>,
}

impl Backup {
    /// One that begins.
    #[must_use]
    pub fn new(plan: Plan) -> Self {
        let because = plan.because.iter().map(|why| format!("a full backup: {why}"));
        let unsure = plan.unsure.iter();
        let unsure = unsure.map(|name| format!("no old backup is removed: the manifest of {name} cannot be read"));
        let notes = because.chain(unsure).collect();
        Self {
            plan,
            stage: Stage::Folder,
            sums: Vec::new(),
            cancelled: false,
            why: None,
            done: false,
            unknown: false,
            folder: false,
            job: false,
            checkpoint: false,
            tries: 0,
            notes,
            left: Vec::new(),
            leftovers: Vec::new(),
        }
    }

    /// What is to be done now.
    #[must_use]
    pub fn turn(&self) -> Turn<Act> {
        let plan = &self.plan;
        let partial = plan.partial();
        let inside = |disk: &Source| format!("{partial}/{}", Plan::file(disk));
        let disk = |n: usize| plan.disks.get(n);
        let act = match &self.stage {
            Stage::Folder => Some(Act::MakeFolder(partial.clone())),
            Stage::Begin => Some(Act::Begin {
                disks: plan.disks.iter().map(|disk| (disk.target.clone(), inside(disk))).collect(),
                since: plan.parent.as_ref().map(|(_, checkpoint)| checkpoint.clone()),
                checkpoint: plan.checkpoint.clone(),
            }),
            Stage::Await => Some(Act::Await),
            Stage::Copy(n) => {
                disk(*n).map(|d| Act::Copy { from: d.path.clone(), format: d.format.clone(), to: inside(d) })
            }
            Stage::Compare(n) => {
                disk(*n).map(|d| Act::Compare { from: d.path.clone(), format: d.format.clone(), to: inside(d) })
            }
            Stage::Base(n) => disk(*n)
                .zip(plan.parent.as_ref())
                .map(|(d, (parent, _))| Act::Base { file: inside(d), on: format!("../{parent}/{}", Plan::file(d)) }),
            Stage::Verify(n) => disk(*n).map(|d| Act::Verify { file: inside(d), read: plan.verify }),
            Stage::Definition => Some(Act::Write { file: format!("{partial}/domain.xml"), text: plan.xml.clone() }),
            Stage::Manifest => Some(Act::Write { file: format!("{partial}/manifest.json"), text: self.manifest() }),
            Stage::Rename => Some(Act::Rename { from: partial.clone(), to: plan.done() }),
            Stage::Renamed => Some(Act::Look(plan.done())),
            Stage::Stale(n) => plan.stale.get(*n).map(|name| Act::DropCheckpoint(name.clone())),
            Stage::Surplus(n) => plan.surplus.get(*n).map(|name| Act::RemoveFolder(format!("{}/{name}", plan.folder))),
            Stage::Busy => Some(Act::Busy),
            Stage::Abort => Some(Act::Abort),
            Stage::Drop => plan.checkpoint.clone().map(Act::DropCheckpoint),
            Stage::Remove => Some(Act::RemoveFolder(partial.clone())),
            Stage::Over => None,
        };
        act.map_or_else(|| Turn::Over(self.report()), Turn::Do)
    }

    /// It is to be cancelled. Gives what to do at once while the act that was handed out still runs;
    /// its outcome is told all the same.
    pub fn abort(&mut self) -> Option<Act> {
        if self.done {
            return None;
        }
        self.cancelled = true;
        matches!(self.stage, Stage::Await | Stage::Copy(_) | Stage::Compare(_) | Stage::Verify(_)).then_some(Act::Abort)
    }

    /// The outcome of what [`Self::turn`] gave.
    pub fn told(&mut self, told: Told) {
        let stage = self.stage.clone();
        match (stage, told) {
            // What takes back.
            (Stage::Busy | Stage::Abort | Stage::Drop | Stage::Remove, told) => self.undo(&told),
            (Stage::Stale(n), told) => {
                if let (Told::Fault(fault), Some(name)) = (told, self.plan.stale.get(n)) {
                    self.notes.push(format!("the checkpoint {name} is not needed any more and stays: {}", fault.why()));
                }
                self.after_stale(n + 1);
            }
            (Stage::Surplus(n), told) => {
                let name = self.plan.surplus.get(n).cloned().unwrap_or_default();
                if let Told::Fault(fault) = told {
                    // What it builds on must not go while it may be there.
                    self.notes.push(format!("{name} should have been removed and may stay: {}", fault.why()));
                    self.stage = Stage::Over;
                } else {
                    self.notes.push(format!("{name} was removed: it is older than what is kept"));
                    self.stage = if n + 1 < self.plan.surplus.len() { Stage::Surplus(n + 1) } else { Stage::Over };
                }
            }
            (Stage::Renamed, Told::Present(true)) => self.finished(),
            (Stage::Renamed, Told::Present(false)) => self.give_up("it could not be given its name"),
            (Stage::Renamed, _) => {
                self.tries += 1;
                if self.tries >= TRIES {
                    self.unknown = true;
                    let (done, partial) = (self.plan.done(), self.plan.partial());
                    self.left.push(format!("{done}, complete, or {partial}: look which of them is there"));
                    if let Some(name) = &self.plan.checkpoint {
                        self.left.push(format!("the checkpoint {name}, which belongs to it"));
                    }
                    self.stage = Stage::Over;
                }
            }
            (Stage::Rename, Told::Fault(Fault::Lost(_))) => {
                self.tries = 0;
                self.stage = Stage::Renamed;
            }
            (stage, Told::Fault(fault)) => {
                let lost = matches!(fault, Fault::Lost(_));
                match stage {
                    Stage::Folder => self.folder = lost,
                    // One that was refused has made nothing, and a job that runs then is somebody else's.
                    Stage::Begin => (self.job, self.checkpoint) = (lost, lost && self.plan.checkpoint.is_some()),
                    // Its file is written to as long as it is not known to have ended.
                    Stage::Copy(_) | Stage::Compare(_) | Stage::Verify(_) => self.job = lost,
                    Stage::Await => self.job = true,
                    _ => {}
                }
                self.give_up(fault.why());
            }
            (stage, told) => self.went_well(&stage, told),
        }
        let taking_back = matches!(self.stage, Stage::Busy | Stage::Abort | Stage::Drop | Stage::Remove | Stage::Over);
        if self.cancelled && !self.done && !taking_back && self.stage != Stage::Renamed {
            self.give_up("cancelled");
        }
    }

    fn went_well(&mut self, stage: &Stage, told: Told) {
        let more = |n: usize| n + 1 < self.plan.disks.len();
        let incremental = self.plan.parent.is_some();
        self.stage = match stage {
            Stage::Folder => {
                self.folder = true;
                if self.plan.running { Stage::Begin } else { Stage::Copy(0) }
            }
            Stage::Begin => {
                (self.job, self.checkpoint) = (true, self.plan.checkpoint.is_some());
                Stage::Await
            }
            Stage::Await => {
                self.job = false;
                if incremental { Stage::Base(0) } else { Stage::Verify(0) }
            }
            Stage::Copy(n) if self.plan.verify => Stage::Compare(*n),
            Stage::Copy(n) | Stage::Compare(n) if more(*n) => Stage::Copy(n + 1),
            Stage::Base(n) if more(*n) => Stage::Base(n + 1),
            Stage::Copy(_) | Stage::Compare(_) | Stage::Base(_) => Stage::Verify(0),
            Stage::Verify(n) => {
                let next = if more(*n) { Stage::Verify(n + 1) } else { Stage::Definition };
                if let Told::Sound { bytes, sha256 } = told {
                    self.sums.push((bytes, sha256));
                    next
                } else {
                    return self.give_up("its image was not told to be sound");
                }
            }
            Stage::Definition => Stage::Manifest,
            Stage::Manifest => Stage::Rename,
            Stage::Rename => return self.finished(),
            other => other.clone(),
        };
    }

    fn finished(&mut self) {
        self.done = true;
        (self.folder, self.checkpoint, self.job) = (false, false, false);
        self.after_stale(0);
    }

    fn after_stale(&mut self, n: usize) {
        self.stage = if n < self.plan.stale.len() {
            Stage::Stale(n)
        } else if self.plan.surplus.is_empty() {
            Stage::Over
        } else {
            Stage::Surplus(0)
        };
    }

    /// Its unfinished folder.
    fn leftover(&self, path: String) -> Leftover {
        Leftover::here(Made::Backup { folder: self.plan.folder.clone(), path })
    }

    fn give_up(&mut self, why: &str) {
        self.why.get_or_insert_with(|| why.to_owned());
        self.tries = 0;
        self.stage = Stage::Busy;
        self.skip();
    }

    /// Goes on to the first step that has something to take back.
    fn skip(&mut self) {
        if self.stage == Stage::Busy && !self.job {
            self.stage = Stage::Drop;
        }
        if self.stage == Stage::Drop && !(self.checkpoint && self.plan.checkpoint.is_some()) {
            self.stage = Stage::Remove;
        }
        if self.stage == Stage::Remove && !self.folder {
            self.stage = Stage::Over;
        }
    }

    fn undo(&mut self, told: &Told) {
        let partial = self.plan.partial();
        if let Told::Fault(fault) = told {
            self.tries += 1;
            if self.tries < TRIES {
                // That there is nothing to end is an answer, too.
                if self.stage == Stage::Abort {
                    self.stage = Stage::Busy;
                }
                return;
            }
            self.tries = 0;
            let why = fault.why().to_owned();
            let checkpoint = self.plan.checkpoint.clone().unwrap_or_default();
            match self.stage {
                Stage::Busy | Stage::Abort => {
                    // As long as the job may write there, nothing of it is touched.
                    self.unknown = true;
                    self.left
                        .push(format!("the backup job of {}, which may still run: {why}; end it there", self.plan.vm));
                    if self.checkpoint {
                        self.left.push(format!("the checkpoint {checkpoint}: delete it once the job is over"));
                        self.leftovers.push(Leftover::here(Made::Checkpoint(checkpoint)));
                    }
                    if self.folder {
                        self.left.push(format!("{partial}: remove it once the job is over"));
                        self.leftovers.push(self.leftover(partial));
                    }
                    self.stage = Stage::Over;
                    return;
                }
                Stage::Drop => {
                    self.left.push(format!("the checkpoint {checkpoint}: {why}; delete it"));
                    self.leftovers.push(Leftover::here(Made::Checkpoint(checkpoint)));
                    self.stage = Stage::Remove;
                }
                _ => {
                    self.left.push(format!("{partial}: {why}; remove it"));
                    self.leftovers.push(self.leftover(partial));
                    self.stage = Stage::Over;
                }
            }
            self.skip();
            return;
        }
        match (&self.stage, told) {
            (Stage::Busy, Told::Present(true)) => {
                // It was told to end that often already.
                self.tries += 1;
                if self.tries > TRIES {
                    self.tries = TRIES - 1;
                    return self.undo(&Told::Fault(Fault::Failed("it does not end".to_owned())));
                }
                self.stage = Stage::Abort;
            }
            (Stage::Abort, _) => self.stage = Stage::Busy,
            (Stage::Busy, _) => {
                (self.job, self.tries, self.stage) = (false, 0, Stage::Drop);
            }
            (Stage::Drop, _) => (self.tries, self.stage) = (0, Stage::Remove),
            _ => self.stage = Stage::Over,
        }
        self.skip();
    }

    fn manifest(&self) -> String {
        let plan = &self.plan;
        let disks = plan.disks.iter().zip(&self.sums).map(|(disk, (bytes, sha256))| BackedUp {
            target: disk.target.clone(),
            file: Plan::file(disk),
            source: disk.path.clone(),
            format: disk.format.clone(),
            virtual_size: disk.virtual_size,
            bytes: *bytes,
            sha256: sha256.clone(),
        });
        let manifest = Manifest {
            manifest: MANIFEST,
            vm: plan.vm.clone(),
            uuid: plan.uuid.clone(),
            host: plan.host.clone(),
            at: plan.at,
            kind: plan.kind,
            parent: plan.parent.as_ref().map(|(name, _)| name.clone()),
            checkpoint: plan.checkpoint.clone(),
            disks: disks.collect(),
        };
        // Plain text and numbers: this cannot fail.
        serde_json::to_string_pretty(&manifest).unwrap_or_default()
    }

    fn report(&self) -> Report {
        let plan = &self.plan;
        let why = self.why.as_deref().unwrap_or("no answer");
        let bytes: u64 = self.sums.iter().map(|(bytes, _)| bytes).sum();
        let (end, said) = if self.done {
            let (kind, size) = (plan.kind.word(), size(bytes));
            let proof = if plan.verify { "verified" } else { "not verified" };
            let said = format!("{kind} backup of {} in {}, {size}, {proof}", plan.vm, plan.done());
            (End::Done, said)
        } else if self.unknown {
            (End::Unknown, format!("how the backup of {} ended is not known: {why}", plan.vm))
        } else if self.cancelled {
            (End::Cancelled, format!("the backup of {} was cancelled", plan.vm))
        } else if self.left.is_empty() {
            (End::Failed, format!("{} was not backed up, nothing is left of it: {why}", plan.vm))
        } else {
            (End::Failed, format!("{} was not backed up: {why}", plan.vm))
        };
        Report { end, said, notes: self.notes.clone(), left: self.left.clone(), made: self.leftovers.clone() }
    }
}

/// An amount of bytes in words.
fn size(bytes: u64) -> String {
    match bytes {
        0..1_048_576 => format!("{} KiB", bytes.div_ceil(1024)),
        _ => format!("{} MiB", bytes.div_ceil(1 << 20)),
    }
}
