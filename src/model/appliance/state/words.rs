//! States that are one word: of the contact, the verdict, the uplink, a process, a port.

use minicbor::{Decode, Encode};

/// How the appliance answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Encode, Decode)]
#[cbor(index_only)]
pub enum Contact {
    /// Nobody has asked yet.
    #[n(0)]
    #[default]
    NotAsked,
    /// It answers.
    #[n(1)]
    Answering,
    /// It answers more slowly than it is good for it.
    #[n(2)]
    Slow,
    /// It answers, and what it says cannot be read.
    #[n(3)]
    Unreadable,
    /// Its limit is zero: status calls answer with nothing.
    #[n(4)]
    LimitZero,
    /// It refuses.
    #[n(5)]
    Refusing,
    /// It does not answer.
    #[n(6)]
    Silent,
}

impl Contact {
    /// All words, in the order of the codes.
    pub const WORDS: &'static [&'static str] =
        &["not asked", "answering", "slow", "unreadable", "limit is zero", "refusing", "silent"];

    /// The state in words.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::NotAsked => "not asked",
            Self::Answering => "answering",
            Self::Slow => "slow",
            Self::Unreadable => "unreadable",
            Self::LimitZero => "limit is zero",
            Self::Refusing => "refusing",
            Self::Silent => "silent",
        }
    }
}

/// noctule's own verdict.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Encode, Decode)]
#[cbor(index_only)]
pub enum Verdict {
    /// Too little is known.
    #[n(0)]
    #[default]
    Unknown,
    /// All is well.
    #[n(1)]
    Ok,
    /// Something needs a look; nothing is lost yet.
    #[n(2)]
    Warning,
    /// Data is lost, or will be soon.
    #[n(3)]
    Critical,
}

impl Verdict {
    /// All words, in the order of the codes.
    pub const WORDS: &'static [&'static str] = &["unknown", "ok", "warning", "critical"];

    /// The verdict in a word.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Unknown => "unknown",
            Self::Ok => "ok",
            Self::Warning => "warning",
            Self::Critical => "critical",
        }
    }
}

/// How the uplink stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Encode, Decode)]
#[cbor(index_only)]
pub enum UplinkState {
    /// Not told.
    #[n(0)]
    #[default]
    Unknown,
    /// The appliance has not probed it yet.
    #[n(1)]
    NotChecked,
    /// Its target answers.
    #[n(2)]
    Up,
    /// It does not.
    #[n(3)]
    Down,
}

impl UplinkState {
    /// All words, in the order of the codes.
    pub const WORDS: &'static [&'static str] = &["unknown", "not checked", "up", "down"];

    /// The state in words.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Unknown => "unknown",
            Self::NotChecked => "not checked",
            Self::Up => "up",
            Self::Down => "down",
        }
    }
}

/// Whether buffered records are being sent on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Encode, Decode)]
#[cbor(index_only)]
pub enum ReplayState {
    /// Not known.
    #[n(0)]
    #[default]
    Unknown,
    /// Nothing is waiting, or nothing is being sent.
    #[n(1)]
    Idle,
    /// Forwarded rises.
    #[n(2)]
    Running,
    /// It was started, records are waiting, and forwarded does not rise.
    #[n(3)]
    Stuck,
}

impl ReplayState {
    /// All words, in the order of the codes.
    pub const WORDS: &'static [&'static str] = &["unknown", "idle", "running", "stuck"];

    /// The state in a word.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Unknown => "unknown",
            Self::Idle => "idle",
            Self::Running => "running",
            Self::Stuck => "stuck",
        }
    }
}

/// How far a forecast can be trusted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Encode, Decode)]
#[cbor(index_only)]
pub enum Confidence {
    /// There is no forecast.
    #[n(0)]
    #[default]
    None,
    /// Few points, or they scatter.
    #[n(1)]
    Low,
    /// Some minutes of steady points.
    #[n(2)]
    Medium,
    /// Hours of steady points.
    #[n(3)]
    High,
}

impl Confidence {
    /// The confidence in a word.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
        }
    }
}

/// Whether a process runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Encode, Decode)]
#[cbor(index_only)]
pub enum ProcessState {
    /// Not told.
    #[n(0)]
    #[default]
    Unknown,
    /// It runs.
    #[n(1)]
    Running,
    /// It does not.
    #[n(2)]
    Stopped,
    /// It is being started or stopped.
    #[n(3)]
    Changing,
    /// Whoever starts it has given up.
    #[n(4)]
    Failed,
}

impl ProcessState {
    /// All words, in the order of the codes.
    pub const WORDS: &'static [&'static str] = &["unknown", "running", "stopped", "changing", "failed"];

    /// The state in a word.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Unknown => "unknown",
            Self::Running => "running",
            Self::Stopped => "stopped",
            Self::Changing => "changing",
            Self::Failed => "failed",
        }
    }
}

/// Whether data comes in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Encode, Decode)]
#[cbor(index_only)]
pub enum Flow {
    /// Not known yet.
    #[n(0)]
    #[default]
    Unknown,
    /// Records come in.
    #[n(1)]
    Flowing,
    /// None came for a while, though some were expected.
    #[n(2)]
    Silent,
    /// None comes, and none is expected.
    #[n(3)]
    NotExpected,
}

impl Flow {
    /// All words, in the order of the codes.
    pub const WORDS: &'static [&'static str] = &["unknown", "flowing", "silent", "not expected"];

    /// The state in words.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Unknown => "unknown",
            Self::Flowing => "flowing",
            Self::Silent => "silent",
            Self::NotExpected => "not expected",
        }
    }
}

/// What is known of a port.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Encode, Decode)]
#[cbor(index_only)]
pub enum PortCheck {
    /// Nobody could look.
    #[n(0)]
    #[default]
    NotChecked,
    /// Somebody listens.
    #[n(1)]
    Listening,
    /// Nobody does.
    #[n(2)]
    Closed,
}

impl PortCheck {
    /// The state in words.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::NotChecked => "not checked",
            Self::Listening => "listening",
            Self::Closed => "closed",
        }
    }
}
