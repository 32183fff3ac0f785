//! Programs, procedures and events of libvirt's RPC, each procedure with what it takes and what it
//! answers: one table for the client and for the simulator. Numbers are never given anew.

use std::marker::PhantomData;

use super::frame::{Frame, Header, Kind, Status};
use super::wire::{
    BlockInfo, BlockJobInfo, Checkpoint, Domain, DomainInfo, GuestInterface, NodeInfo, NodeStat, Params, Pool,
    RemoteError, SendKey, Snapshot, StatsRecord, Volume, VolumeInfo,
};
use super::xdr::{Fault, Opaque, Wire, decode};

/// The program of nearly everything.
pub const REMOTE: u32 = 0x2000_8086;

/// The program of what only QEMU can.
pub const QEMU: u32 = 0x2000_8087;

/// The program of signs of life.
pub const KEEPALIVE: u32 = 0x6b65_6570;

/// The version of each of them.
pub const VERSION: u32 = 1;

/// Of [`KEEPALIVE`], a message: are you there?
pub const PING: u32 = 1;

/// Of [`KEEPALIVE`], a message: I am.
pub const PONG: u32 = 2;

/// A way to log in: none is needed.
pub const AUTH_NONE: u32 = 0;

/// A way to log in: SASL.
pub const AUTH_SASL: u32 = 1;

/// A way to log in: polkit decides by who asks.
pub const AUTH_POLKIT_TYPE: u32 = 2;

/// A procedure that takes `A` and answers `R`.
#[derive(Debug)]
pub struct Proc<A, R> {
    /// Its program.
    pub program: u32,
    /// Its number there.
    pub number: u32,
    /// Its name.
    pub name: &'static str,
    types: PhantomData<fn(A) -> R>,
}

impl<A: Wire, R: Wire> Proc<A, R> {
    const fn new(program: u32, number: u32, name: &'static str) -> Self {
        Self { program, number, name, types: PhantomData }
    }

    /// Whether a packet belongs to it.
    #[must_use]
    pub const fn is(&self, header: &Header) -> bool {
        header.program == self.program && header.procedure == self.number
    }

    /// A call of it.
    #[must_use]
    pub fn call(&self, serial: u32, args: &A) -> Frame {
        Frame::new(Header::of(self, Kind::Call, serial, Status::Ok), args)
    }

    /// What a call of it carries.
    ///
    /// # Errors
    /// When it carries something else.
    pub fn args(&self, call: &Frame) -> Result<A, Fault> {
        decode(&call.payload)
    }

    /// The answer to a call of it.
    #[must_use]
    pub fn reply(&self, serial: u32, answer: &R) -> Frame {
        Frame::new(Header::of(self, Kind::Reply, serial, Status::Ok), answer)
    }
}

/// The refusal of a call.
#[must_use]
pub fn refusal(call: Header, error: &RemoteError) -> Frame {
    Frame::new(call.with(Kind::Reply, Status::Error), error)
}

/// An event.
#[must_use]
pub fn message(procedure: u32, body: &impl Wire) -> Frame {
    let header =
        Header { program: REMOTE, version: VERSION, procedure, kind: Kind::Message, serial: 0, status: Status::Ok };
    Frame::new(header, body)
}

macro_rules! procedures {
    ($program:ident: $($(#[$meta:meta])* $name:ident = $number:literal: $args:ty => $answer:ty;)*) => {
        $($(#[$meta])* pub const $name: Proc<$args, $answer> = Proc::new($program, $number, stringify!($name));)*
    };
}

/// A text that may be missing.
type Text = Option<String>;
/// A machine and flags.
type Dom = (Domain, u32);
/// Whether the list itself is wanted, and flags.
type List = (bool, u32);

procedures! { QEMU:
    /// A command to the monitor of a machine: command, flags (1: in the human's language).
    QEMU_MONITOR_COMMAND = 1: (Domain, String, u32) => String;
}

procedures! { REMOTE:
    /// Opens the hypervisor: URI, flags (1: read only).
    CONNECT_OPEN = 1: (Text, u32) => ();
    /// Ends the connection.
    CONNECT_CLOSE = 2: () => ();
    /// Version of the hypervisor: major * 1,000,000 + minor * 1,000 + release.
    CONNECT_GET_VERSION = 4: () => u64;
    /// Hardware of the host.
    NODE_GET_INFO = 6: () => NodeInfo;
    /// Capabilities, as XML.
    CONNECT_GET_CAPABILITIES = 7: () => String;
    /// Starts a machine.
    DOMAIN_CREATE = 9: Domain => ();
    /// Definition: flags.
    DOMAIN_GET_XML_DESC = 14: Dom => String;
    /// Whether it is started with its host.
    DOMAIN_GET_AUTOSTART = 15: Domain => bool;
    /// Basic figures.
    DOMAIN_GET_INFO = 16: Domain => DomainInfo;
    /// A machine by its name.
    DOMAIN_LOOKUP_BY_NAME = 23: String => Domain;
    /// A machine by its UUID.
    DOMAIN_LOOKUP_BY_UUID = 24: [u8; 16] => Domain;
    /// Asks the guest to boot again: flags.
    DOMAIN_REBOOT = 27: Dom => ();
    /// Runs on after a pause.
    DOMAIN_RESUME = 28: Domain => ();
    /// Whether it is to be started with its host.
    DOMAIN_SET_AUTOSTART = 29: (Domain, bool) => ();
    /// Pauses.
    DOMAIN_SUSPEND = 34: Domain => ();
    /// The host's own name.
    CONNECT_GET_HOSTNAME = 59: () => String;
    /// Whether the driver can something: number of the feature.
    CONNECT_SUPPORTS_FEATURE = 60: i32 => bool;
    /// Ways to log in: 0 none, 1 SASL, 2 polkit.
    AUTH_LIST = 66: () => Vec<u32>;
    /// Asks polkit.
    AUTH_POLKIT = 70: () => bool;
    /// A pool by its name.
    STORAGE_POOL_LOOKUP_BY_NAME = 84: String => Pool;
    /// Deletes a volume: flags.
    STORAGE_VOL_DELETE = 94: (Volume, u32) => ();
    /// A volume of a pool by its name.
    STORAGE_VOL_LOOKUP_BY_NAME = 95: (Pool, String) => Volume;
    /// A volume by its path.
    STORAGE_VOL_LOOKUP_BY_PATH = 97: String => Volume;
    /// Figures of a volume.
    STORAGE_VOL_GET_INFO = 98: Volume => VolumeInfo;
    /// Whether it runs.
    DOMAIN_IS_ACTIVE = 150: Domain => bool;
    /// Whether its definition outlives it.
    DOMAIN_IS_PERSISTENT = 151: Domain => bool;
    /// Version of libvirt, in the form of [`CONNECT_GET_VERSION`].
    CONNECT_GET_LIB_VERSION = 157: () => u64;
    /// Breaks a job off.
    DOMAIN_ABORT_JOB = 164: Domain => ();
    /// Whether its memory lies on disk: flags.
    DOMAIN_HAS_MANAGED_SAVE_IMAGE = 183: Dom => bool;
    /// Makes a snapshot: XML, flags.
    DOMAIN_SNAPSHOT_CREATE_XML = 185: (Domain, String, u32) => Snapshot;
    /// Definition of a snapshot: flags.
    DOMAIN_SNAPSHOT_GET_XML_DESC = 186: (Snapshot, u32) => String;
    /// A snapshot by its name: flags.
    DOMAIN_SNAPSHOT_LOOKUP_BY_NAME = 189: (Domain, String, u32) => Snapshot;
    /// Whether one of its snapshots is the current one: flags.
    DOMAIN_HAS_CURRENT_SNAPSHOT = 190: Dom => bool;
    /// The current snapshot: flags.
    DOMAIN_SNAPSHOT_CURRENT = 191: Dom => Snapshot;
    /// Goes back to a snapshot: flags.
    DOMAIN_REVERT_TO_SNAPSHOT = 192: (Snapshot, u32) => ();
    /// Deletes a snapshot: flags.
    DOMAIN_SNAPSHOT_DELETE = 193: (Snapshot, u32) => ();
    /// Size of a disk: target or path, flags.
    DOMAIN_GET_BLOCK_INFO = 194: (Domain, String, u32) => BlockInfo;
    /// Starts a machine: flags.
    DOMAIN_CREATE_WITH_FLAGS = 196: Dom => Domain;
    /// Opens a console, as a stream: alias of the device, flags.
    DOMAIN_OPEN_CONSOLE = 201: (Domain, Text, u32) => ();
    /// Writes a volume, as a stream: offset, length (0: no limit), flags.
    STORAGE_VOL_UPLOAD = 208: (Volume, u64, u64, u32) => ();
    /// A picture of a screen, as a stream: number of the screen, flags; its media type.
    DOMAIN_SCREENSHOT = 211: (Domain, u32, u32) => Text;
    /// State and reason: flags.
    DOMAIN_GET_STATE = 212: Dom => (i32, i32);
    /// Presses keys.
    DOMAIN_SEND_KEY = 226: SendKey => ();
    /// CPU figures of the host: number of the CPU (-1: all), how many figures (0: tell how many), flags.
    NODE_GET_CPU_STATS = 227: (i32, i32, u32) => (Vec<NodeStat>, i32);
    /// Memory figures of the host, KiB: how many (0: tell how many), cell (-1: all), flags.
    NODE_GET_MEMORY_STATS = 228: (i32, i32, u32) => (Vec<NodeStat>, i32);
    /// Forgets a machine: flags.
    DOMAIN_UNDEFINE_FLAGS = 231: Dom => ();
    /// Ends a machine at once: flags.
    DOMAIN_DESTROY_FLAGS = 234: Dom => ();
    /// Ends a job on a disk: target, flags (1 do not wait, 2 use the copy).
    DOMAIN_BLOCK_JOB_ABORT = 237: (Domain, String, u32) => ();
    /// A job on a disk: target, flags (1: bytes a second).
    DOMAIN_GET_BLOCK_JOB_INFO = 238: (Domain, String, u32) => BlockJobInfo;
    /// The snapshot before a snapshot: flags.
    DOMAIN_SNAPSHOT_GET_PARENT = 244: (Snapshot, u32) => Snapshot;
    /// Presses the reset button: flags.
    DOMAIN_RESET = 245: Dom => ();
    /// Asks the guest to end: flags.
    DOMAIN_SHUTDOWN_FLAGS = 258: Dom => ();
    /// Reads a piece of the definition: kind, namespace, flags.
    DOMAIN_GET_METADATA = 265: (Domain, i32, Text, u32) => String;
    /// All machines, and how many: flags.
    CONNECT_LIST_ALL_DOMAINS = 273: List => (Vec<Domain>, u32);
    /// All snapshots of a machine, and how many: whether the list is wanted, flags.
    DOMAIN_LIST_ALL_SNAPSHOTS = 274: (Domain, bool, u32) => (Vec<Snapshot>, i32);
    /// Merges an overlay into what is below: target, base, top, limit, flags.
    DOMAIN_BLOCK_COMMIT = 290: (Domain, String, Text, Text, u64, u32) => ();
    /// The job of a machine: flags (1: the last one that ended, 2: and keep it); its kind and figures.
    DOMAIN_GET_JOB_STATS = 298: Dom => (i32, Params);
    /// Migration, 3, on the source: URI of the target when it does all of it, parameters, cookie, flags.
    DOMAIN_MIGRATE_PERFORM3_PARAMS = 305: (Domain, Text, Params, Opaque, u32) => Opaque;
    /// Asks for events: number of the event, machine; number of the registration.
    CONNECT_DOMAIN_EVENT_CALLBACK_REGISTER_ANY = 316: (i32, Option<Domain>) => i32;
    /// Asks for no more events: number of the registration.
    CONNECT_DOMAIN_EVENT_CALLBACK_DEREGISTER_ANY = 317: i32 => ();
    /// Freezes the guest's file systems: mount points (none: all), flags; how many.
    DOMAIN_FSFREEZE = 335: (Domain, Vec<String>, u32) => i32;
    /// Thaws the guest's file systems: mount points (none: all), flags; how many.
    DOMAIN_FSTHAW = 336: (Domain, Vec<String>, u32) => i32;
    /// All figures: of which machines (none: all), which figures, flags.
    CONNECT_GET_ALL_DOMAIN_STATS = 344: (Vec<Domain>, u32, u32) => Vec<StatsRecord>;
    /// Defines a machine: XML, flags (1: check it against the schema).
    DOMAIN_DEFINE_XML_FLAGS = 350: (String, u32) => Domain;
    /// Addresses of a guest: whom to ask (0 leases, 1 agent, 2 ARP), flags.
    DOMAIN_INTERFACE_ADDRESSES = 353: (Domain, u32, u32) => Vec<GuestInterface>;
    /// Gives a machine that is off another name: name, flags.
    DOMAIN_RENAME = 358: (Domain, Text, u32) => i32;
    /// Compares a CPU with what the hypervisor can: emulator, architecture, machine, kind of
    /// virtualisation, XML, flags. 0 incompatible, 1 identical, 2 superset.
    CONNECT_COMPARE_HYPERVISOR_CPU = 393: (Text, Text, Text, Text, String, u32) => i32;
    /// Definition of a checkpoint: flags.
    DOMAIN_CHECKPOINT_GET_XML_DESC = 412: (Checkpoint, u32) => String;
    /// All checkpoints of a machine, and how many: whether the list is wanted, flags.
    DOMAIN_LIST_ALL_CHECKPOINTS = 413: (Domain, bool, u32) => (Vec<Checkpoint>, i32);
    /// A checkpoint by its name: flags.
    DOMAIN_CHECKPOINT_LOOKUP_BY_NAME = 415: (Domain, String, u32) => Checkpoint;
    /// Deletes a checkpoint: flags.
    DOMAIN_CHECKPOINT_DELETE = 417: (Checkpoint, u32) => ();
    /// Begins a backup: XML, XML of a checkpoint, flags.
    DOMAIN_BACKUP_BEGIN = 421: (Domain, String, Text, u32) => ();
    /// The backup that runs, as XML: flags.
    DOMAIN_BACKUP_GET_XML_DESC = 422: Dom => String;
    /// What libvirt has to say of a machine (tainted …): flags.
    DOMAIN_GET_MESSAGES = 426: Dom => Vec<String>;
}

/// Events of machines: what is asked for, and the procedure that they come as.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum EventKind {
    /// Started, stopped, paused … ([`super::wire::LifecycleMsg`]).
    Lifecycle,
    /// The guest booted again ([`super::wire::DomainMsg`]).
    Reboot,
    /// Somebody came to a screen or left ([`super::wire::GraphicsMsg`]).
    Graphics,
    /// A disk failed ([`super::wire::IoErrorMsg`]).
    IoError,
    /// A job on a disk ended or is ready, told by target ([`super::wire::BlockJobMsg`]).
    BlockJob,
    /// The guest's agent came or went ([`super::wire::AgentMsg`]).
    Agent,
    /// A migration's next pass ([`super::wire::IterationMsg`]).
    MigrationIteration,
    /// A job ended ([`super::wire::JobCompletedMsg`]).
    JobCompleted,
}

impl EventKind {
    /// All of them.
    pub const ALL: [Self; 8] = [
        Self::Lifecycle,
        Self::Reboot,
        Self::Graphics,
        Self::IoError,
        Self::BlockJob,
        Self::Agent,
        Self::MigrationIteration,
        Self::JobCompleted,
    ];

    /// As a word.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Lifecycle => "lifecycle",
            Self::Reboot => "reboots",
            Self::Graphics => "screens",
            Self::IoError => "disk errors",
            Self::BlockJob => "block jobs",
            Self::Agent => "agents",
            Self::MigrationIteration => "migrations",
            Self::JobCompleted => "jobs",
        }
    }

    /// The number that it is asked for by.
    #[must_use]
    pub const fn id(self) -> i32 {
        self.numbers().0
    }

    /// The procedure that it comes as.
    #[must_use]
    pub const fn procedure(self) -> u32 {
        self.numbers().1
    }

    const fn numbers(self) -> (i32, u32) {
        match self {
            Self::Lifecycle => (0, 318),
            Self::Reboot => (1, 319),
            Self::Graphics => (5, 323),
            Self::IoError => (6, 324),
            Self::BlockJob => (16, 339),
            Self::Agent => (18, 348),
            Self::MigrationIteration => (20, 359),
            Self::JobCompleted => (21, 363),
        }
    }

    /// The event that comes as a procedure.
    #[must_use]
    pub fn of_procedure(procedure: u32) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.procedure() == procedure)
    }
}
