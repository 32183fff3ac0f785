//! What a job is asked to do. Field numbers are the disk format: append, never renumber.

use minicbor::{Decode, Encode};

use super::JobId;
use super::repeat::Repeat;
use super::setting::Change;

/// A job as it was asked for, checked.
#[derive(Debug, Clone, PartialEq, Encode, Decode)]
pub struct JobRequest {
    /// Name, for people.
    #[n(0)]
    pub name: String,
    /// More words.
    #[n(1)]
    pub description: String,
    /// The controller; empty for the only one there is.
    #[n(2)]
    pub source: String,
    /// On which devices.
    #[n(3)]
    pub targets: JobTargets,
    /// How many devices the filter has to give; anything else stops the job before it begins.
    #[n(4)]
    pub expected_count: Option<u64>,
    /// What to do.
    #[n(5)]
    pub work: Work,
    /// Devices at a time; the controller's own default when not given.
    #[n(6)]
    pub max_concurrent: Option<u16>,
    /// In which portions.
    #[n(7)]
    pub waves: Waves,
    /// When to stop by itself.
    #[n(8)]
    pub stop: StopRule,
    /// When; at once when not given.
    #[n(9)]
    pub schedule: Option<Schedule>,
    /// Before which other jobs.
    #[n(10)]
    pub priority: Priority,
    /// Only find out what would be done.
    #[n(11)]
    pub dry_run: bool,
    /// A value read longer ago than this is stale, seconds; 0 takes any age.
    #[n(12)]
    pub stale_s: u32,
    /// The job this one rolls back.
    #[n(13)]
    pub rolls_back: Option<JobId>,
}

/// Which devices.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub enum JobTargets {
    /// The query of the source documents: JSON, Mongo style, friendly field names allowed.
    #[n(0)]
    Query(#[n(0)] String),
    /// Our own filter language over the fleet.
    #[n(1)]
    Filter(#[n(0)] String),
    /// These, by device id.
    #[n(2)]
    Devices(#[n(0)] Vec<String>),
}

/// What to do to each device.
#[derive(Debug, Clone, PartialEq, Encode, Decode)]
pub enum Work {
    /// Set parameters, with proof by reading back.
    #[n(0)]
    Set(#[n(0)] Vec<Change>),
    /// Load firmware, with proof by version.
    #[n(1)]
    Firmware(#[n(0)] Firmware),
    /// Anything else.
    #[n(2)]
    Verb(#[n(0)] CpeVerb),
    /// Put back what a job changed; the values are in that job's devices.
    #[n(3)]
    RollBack,
}

impl Work {
    /// As one word, for lists.
    #[must_use]
    pub const fn word(&self) -> &'static str {
        match self {
            Self::Set(_) => "configure",
            Self::Firmware(_) => "firmware",
            Self::Verb(verb) => verb.word(),
            Self::RollBack => "roll-back",
        }
    }

    /// Whether doing it twice does more than doing it once, so that it may only be sent again on
    /// proof that it has not been done.
    #[must_use]
    pub const fn once_only(&self) -> bool {
        match self {
            Self::Set(_) | Self::RollBack => false,
            Self::Firmware(_) => true,
            Self::Verb(verb) => verb.once_only(),
        }
    }
}

/// Firmware to load.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct Firmware {
    /// File on the controller.
    #[n(0)]
    pub file: String,
    /// TR-069 file type.
    #[n(1)]
    pub file_type: String,
    /// Name the device is to give it; mostly empty.
    #[n(2)]
    pub target_file_name: String,
    /// Version the devices then run; the file's own version when not given.
    #[n(3)]
    pub version: Option<String>,
}

/// TR-069's type of a firmware image.
pub const FIRMWARE_IMAGE: &str = "1 Firmware Upgrade Image";

/// The other verbs.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub enum CpeVerb {
    /// Read a subtree anew; empty for everything.
    #[n(0)]
    Refresh(#[n(0)] String),
    /// Restart.
    #[n(1)]
    Reboot,
    /// Back to factory settings.
    #[n(2)]
    FactoryReset,
    /// Ask it to call.
    #[n(3)]
    Connect,
    /// Give a tag.
    #[n(4)]
    Tag(#[n(0)] String),
    /// Take a tag.
    #[n(5)]
    Untag(#[n(0)] String),
    /// Push a file that is no firmware.
    #[n(6)]
    Push(#[n(0)] Firmware),
    /// Forget it on the controller.
    #[n(7)]
    Delete,
    /// Add an instance of an object.
    #[n(8)]
    AddObject(#[n(0)] String),
    /// Delete an instance.
    #[n(9)]
    DeleteObject(#[n(0)] String),
}

impl CpeVerb {
    /// As one word.
    #[must_use]
    pub const fn word(&self) -> &'static str {
        match self {
            Self::Refresh(_) => "refresh",
            Self::Reboot => "reboot",
            Self::FactoryReset => "factory-reset",
            Self::Connect => "connect",
            Self::Tag(_) => "tag",
            Self::Untag(_) => "untag",
            Self::Push(_) => "push",
            Self::Delete => "delete",
            Self::AddObject(_) => "add",
            Self::DeleteObject(_) => "del-instance",
        }
    }

    /// See [`Work::once_only`].
    #[must_use]
    pub const fn once_only(&self) -> bool {
        matches!(self, Self::Reboot | Self::FactoryReset | Self::Push(_) | Self::AddObject(_))
    }

    /// Whether the controller does it by itself, without a task for the device.
    #[must_use]
    pub const fn at_controller(&self) -> bool {
        matches!(self, Self::Tag(_) | Self::Untag(_) | Self::Delete | Self::Connect)
    }
}

/// Portions: first a few, then a share, then the rest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Encode, Decode)]
pub struct Waves {
    /// Devices of the first wave; 0 for none.
    #[n(0)]
    pub canary: u32,
    /// Share of all devices in the second wave, per cent; 0 for none.
    #[n(1)]
    pub percent: u8,
}

impl Waves {
    /// First 5, then a tenth, then the rest.
    pub const CAREFUL: Self = Self { canary: 5, percent: 10 };
}

/// Stops a job that does harm.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
pub struct StopRule {
    /// Stop when more than this share of the devices that are through with it failed, per cent;
    /// 100 never stops.
    #[n(0)]
    pub percent: u8,
    /// But not before so many of a wave are through (a whole smaller wave counts too).
    #[n(1)]
    pub after: u32,
}

impl Default for StopRule {
    fn default() -> Self {
        Self { percent: 20, after: 5 }
    }
}

/// When.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct Schedule {
    /// Date and time on the wall of the zone (`2026-11-21T02:00`); only the time counts for the
    /// runs after the first.
    #[n(0)]
    pub at: String,
    /// IANA name of the zone (`Africa/Lagos`).
    #[n(1)]
    pub zone: String,
    /// How long it may go on.
    #[n(2)]
    pub window: Window,
    /// Whether it comes again.
    #[n(3)]
    pub repeat: Repeat,
}

/// How long a scheduled job may begin new devices.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Encode, Decode)]
pub enum Window {
    /// Until it is done.
    #[n(0)]
    #[default]
    Open,
    /// So many seconds.
    #[n(1)]
    For(#[n(0)] u32),
    /// Until this time of day, in the schedule's zone.
    #[n(2)]
    Until {
        /// Hour.
        #[n(0)]
        hour: u8,
        /// Minute.
        #[n(1)]
        minute: u8,
    },
}

/// Order between jobs that want the same controller.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Encode, Decode)]
#[cbor(index_only)]
pub enum Priority {
    /// After all others.
    #[n(0)]
    Low,
    /// As they come.
    #[n(1)]
    #[default]
    Normal,
    /// Before all others.
    #[n(2)]
    High,
}

impl Priority {
    /// All of them, by name.
    pub const WORDS: [&'static str; 3] = ["low", "normal", "high"];

    /// As a word.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Low => "low",
            Self::Normal => "normal",
            Self::High => "high",
        }
    }

    /// From a word.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        [Self::Low, Self::Normal, Self::High].into_iter().find(|p| p.word().eq_ignore_ascii_case(word.trim()))
    }
}
