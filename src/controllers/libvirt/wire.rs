//! What calls of libvirt carry: hosts' objects, typed parameters, answers of several fields, and the
//! bodies of events. The order of the fields is the order on the wire.

use super::xdr::{Chars, Fault, Reader, Wire, wire};

/// A value of a typed parameter.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// `int`.
    Int(i32),
    /// `unsigned int`.
    Uint(u32),
    /// `long long`.
    Long(i64),
    /// `unsigned long long`.
    Ulong(u64),
    /// `double`.
    Double(f64),
    /// `boolean`.
    Bool(bool),
    /// `string`.
    Text(String),
}

impl Default for Value {
    fn default() -> Self {
        Self::Int(0)
    }
}

impl Wire for Value {
    fn put(&self, out: &mut Vec<u8>) {
        match self {
            Self::Int(v) => (1_i32, *v).put(out),
            Self::Uint(v) => (2_i32, *v).put(out),
            Self::Long(v) => (3_i32, *v).put(out),
            Self::Ulong(v) => (4_i32, *v).put(out),
            Self::Double(v) => (5_i32, *v).put(out),
            Self::Bool(v) => (6_i32, *v).put(out),
            Self::Text(v) => {
                7_i32.put(out);
                v.put(out);
            }
        }
    }

    fn get(from: &mut Reader<'_>) -> Result<Self, Fault> {
        Ok(match u32::get(from)? {
            1 => Self::Int(Wire::get(from)?),
            2 => Self::Uint(Wire::get(from)?),
            3 => Self::Long(Wire::get(from)?),
            4 => Self::Ulong(Wire::get(from)?),
            5 => Self::Double(Wire::get(from)?),
            6 => Self::Bool(Wire::get(from)?),
            7 => Self::Text(Wire::get(from)?),
            value => return Err(Fault::Unknown { what: "type of a parameter", value }),
        })
    }
}

impl Value {
    /// A number that is not negative, whatever its type.
    #[must_use]
    pub fn unsigned(&self) -> Option<u64> {
        match self {
            Self::Int(v) => u64::try_from(*v).ok(),
            Self::Uint(v) => Some(u64::from(*v)),
            Self::Long(v) => u64::try_from(*v).ok(),
            Self::Ulong(v) => Some(*v),
            Self::Bool(v) => Some(u64::from(*v)),
            Self::Double(_) | Self::Text(_) => None,
        }
    }

    /// A whole number, whatever its type.
    #[must_use]
    pub fn signed(&self) -> Option<i64> {
        match self {
            Self::Int(v) => Some(i64::from(*v)),
            Self::Long(v) => Some(*v),
            _ => self.unsigned().and_then(|v| i64::try_from(v).ok()),
        }
    }

    /// A text.
    #[must_use]
    pub fn text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }
}

/// Typed parameters: a name and a value each.
pub type Params = Vec<Param>;

/// The value of a parameter, by its name.
#[must_use]
pub fn param<'a>(params: &'a [Param], name: &str) -> Option<&'a Value> {
    params.iter().find(|p| p.field == name).map(|p| &p.value)
}

/// A number of a parameter that is not negative, by its name.
#[must_use]
pub fn number(params: &[Param], name: &str) -> Option<u64> {
    param(params, name).and_then(Value::unsigned)
}

impl Param {
    /// A parameter.
    #[must_use]
    pub fn new(field: &str, value: Value) -> Self {
        Self { field: field.to_owned(), value }
    }

    /// A text.
    #[must_use]
    pub fn text(field: &str, value: &str) -> Self {
        Self::new(field, Value::Text(value.to_owned()))
    }
}

impl Domain {
    /// Its UUID with dashes, lower case.
    #[must_use]
    pub fn uuid_text(&self) -> String {
        uuid_text(&self.uuid)
    }
}

/// A UUID with dashes, lower case.
#[must_use]
pub fn uuid_text(uuid: &[u8; 16]) -> String {
    uuid::Uuid::from_bytes(*uuid).to_string()
}

wire! {
    /// A machine ("domain").
    #[derive(Eq)]
    pub struct Domain {
        /// Name.
        name: String,
        /// UUID.
        uuid: [u8; 16],
        /// Number while it runs, else -1.
        id: i32,
    }

    /// A network.
    pub struct Network {
        /// Name.
        name: String,
        /// UUID.
        uuid: [u8; 16],
    }

    /// A storage pool.
    pub struct Pool {
        /// Name.
        name: String,
        /// UUID.
        uuid: [u8; 16],
    }

    /// A volume of a storage pool.
    pub struct Volume {
        /// Its pool.
        pool: String,
        /// Name in it.
        name: String,
        /// Unique key, mostly its path.
        key: String,
    }

    /// A snapshot of a machine.
    pub struct Snapshot {
        /// Name.
        name: String,
        /// The machine.
        domain: Domain,
    }

    /// A checkpoint of a machine.
    pub struct Checkpoint {
        /// Name.
        name: String,
        /// The machine.
        domain: Domain,
    }

    /// An error, as libvirt tells it.
    pub struct RemoteError {
        /// What kind (`VIR_ERR_…`).
        code: i32,
        /// Which part of libvirt (`VIR_FROM_…`).
        domain: i32,
        /// In words.
        message: Option<String>,
        /// 1: a warning, 2: an error.
        level: i32,
        /// The machine it is about.
        dom: Option<Domain>,
        /// More words.
        str1: Option<String>,
        /// More words.
        str2: Option<String>,
        /// More words.
        str3: Option<String>,
        /// A number.
        int1: i32,
        /// A number.
        int2: i32,
        /// The network it is about.
        net: Option<Network>,
    }

    /// A typed parameter.
    pub struct Param {
        /// Name.
        field: String,
        /// Value.
        value: Value,
    }

    /// A figure of a host.
    pub struct NodeStat {
        /// Name.
        field: String,
        /// Value.
        value: u64,
    }

    /// A host's hardware.
    pub struct NodeInfo {
        /// CPU model.
        model: Chars<32>,
        /// Memory, KiB.
        memory_kib: u64,
        /// CPUs that are on.
        cpus: i32,
        /// Their clock, MHz.
        mhz: i32,
        /// NUMA cells.
        nodes: i32,
        /// Sockets a cell.
        sockets: i32,
        /// Cores a socket.
        cores: i32,
        /// Threads a core.
        threads: i32,
    }

    /// A machine's basic figures.
    pub struct DomainInfo {
        /// State (`virDomainState`).
        state: u32,
        /// Most memory, KiB.
        max_memory_kib: u64,
        /// Memory, KiB.
        memory_kib: u64,
        /// Virtual CPUs.
        vcpus: u32,
        /// CPU time used, ns.
        cpu_time_ns: u64,
    }

    /// All figures of a machine.
    pub struct StatsRecord {
        /// The machine.
        domain: Domain,
        /// Its figures.
        params: Vec<Param>,
    }

    /// The size of a disk, bytes.
    pub struct BlockInfo {
        /// Written to.
        allocation: u64,
        /// What the guest sees.
        capacity: u64,
        /// What it takes on the host.
        physical: u64,
    }

    /// A job on a disk.
    pub struct BlockJobInfo {
        /// Whether there is one.
        found: bool,
        /// Kind: 1 pull, 2 copy, 3 commit, 4 active commit, 5 backup.
        kind: i32,
        /// Limit, bytes a second when asked for so; 0: none.
        bandwidth: u64,
        /// How far it is.
        cur: u64,
        /// Where its end is; equal to `cur`: it is ready.
        end: u64,
    }

    /// A volume's figures, bytes.
    pub struct VolumeInfo {
        /// 0: a file, 1: a device.
        kind: i32,
        /// What a guest sees.
        capacity: u64,
        /// What it takes.
        allocation: u64,
    }

    /// An address of a guest.
    pub struct IpAddress {
        /// 0: IPv4, 1: IPv6.
        kind: i32,
        /// Address.
        address: String,
        /// Bits of the network.
        prefix: u32,
    }

    /// A network interface of a guest.
    pub struct GuestInterface {
        /// Name, as whoever was asked calls it.
        name: String,
        /// Hardware address.
        hardware: Option<String>,
        /// Addresses.
        addresses: Vec<IpAddress>,
    }

    /// Keys to press at once, and for how long.
    pub struct SendKey {
        /// The machine.
        domain: Domain,
        /// How the keys are numbered: 0 Linux, 1 XT, 4 AT set 2, 9 QEMU.
        codeset: u32,
        /// How long they are held, ms; 0: the hypervisor's choice.
        hold_ms: u32,
        /// The keys, at most 16.
        keys: Vec<u32>,
        /// 0.
        flags: u32,
    }

    /// An end of a connection to a screen.
    pub struct ScreenAddress {
        /// 0: IPv4, 1: IPv6, 2: a Unix socket.
        family: i32,
        /// Address or path.
        node: String,
        /// Port.
        service: String,
    }

    /// Whom a screen's authentication found.
    pub struct ScreenIdentity {
        /// Kind of the name.
        kind: String,
        /// The name.
        name: String,
    }

    /// Event 0: something happened in a machine's life.
    pub struct LifecycleMsg {
        /// Number of the registration.
        callback: i32,
        /// The machine.
        domain: Domain,
        /// What (`virDomainEventType`).
        event: i32,
        /// More precisely.
        detail: i32,
    }

    /// Events of a machine that say no more than their kind: rebooted.
    pub struct DomainMsg {
        /// Number of the registration.
        callback: i32,
        /// The machine.
        domain: Domain,
    }

    /// Event 5: somebody connected to its screen, or left it.
    pub struct GraphicsMsg {
        /// Number of the registration.
        callback: i32,
        /// The machine.
        domain: Domain,
        /// 0: connected, 1: let in, 2: left.
        phase: i32,
        /// Our end.
        local: ScreenAddress,
        /// The other end.
        remote: ScreenAddress,
        /// How it was let in.
        auth: String,
        /// As whom.
        subject: Vec<ScreenIdentity>,
    }

    /// Event 6: a disk could not be read or written.
    pub struct IoErrorMsg {
        /// Number of the registration.
        callback: i32,
        /// The machine.
        domain: Domain,
        /// File of the disk.
        path: String,
        /// Alias of the device.
        alias: String,
        /// 0: nothing, 1: the machine was paused, 2: the guest was told.
        action: i32,
        /// Why (`enospc` …).
        reason: String,
    }

    /// Events 8 and 16: a job on a disk ended, or is ready.
    pub struct BlockJobMsg {
        /// Number of the registration.
        callback: i32,
        /// The machine.
        domain: Domain,
        /// File of the disk (event 8) or its target (event 16).
        disk: String,
        /// Kind: 1 pull, 2 copy, 3 commit, 4 active commit, 5 backup.
        kind: i32,
        /// 0: completed, 1: failed, 2: canceled, 3: ready.
        status: i32,
    }

    /// Event 18: the guest's agent came or went.
    pub struct AgentMsg {
        /// Number of the registration.
        callback: i32,
        /// The machine.
        domain: Domain,
        /// 1: connected, 2: disconnected.
        state: i32,
        /// Why.
        reason: i32,
    }

    /// Event 20: a migration begins another pass over the memory.
    pub struct IterationMsg {
        /// Number of the registration.
        callback: i32,
        /// The machine.
        domain: Domain,
        /// Which.
        iteration: i32,
    }

    /// Event 21: a job ended; its figures.
    pub struct JobCompletedMsg {
        /// Number of the registration.
        callback: i32,
        /// The machine.
        domain: Domain,
        /// Figures.
        params: Vec<Param>,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::xdr::{decode, encode};
    use super::*;

    fn value() -> impl Strategy<Value = Value> {
        prop_oneof![
            any::<i32>().prop_map(Value::Int),
            any::<u32>().prop_map(Value::Uint),
            any::<i64>().prop_map(Value::Long),
            any::<u64>().prop_map(Value::Ulong),
            (-1e9_f64..1e9).prop_map(Value::Double),
            any::<bool>().prop_map(Value::Bool),
            ".{0,8}".prop_map(Value::Text),
        ]
    }

    #[test]
    fn numbers_of_any_type_are_read() {
        let params = [Param::new("a", Value::Int(-1)), Param::new("b", Value::Uint(7)), Param::text("c", "x")];
        assert_eq!(number(&params, "a"), None);
        assert_eq!(param(&params, "a").and_then(Value::signed), Some(-1));
        assert_eq!(number(&params, "b"), Some(7));
        assert_eq!(param(&params, "c").and_then(Value::text), Some("x"));
        assert_eq!(param(&params, "d"), None);
    }

    #[test]
    fn an_error_is_read_to_its_end() {
        let error = RemoteError {
            code: 42,
            domain: 10,
            message: Some("Domain not found".into()),
            level: 2,
            dom: Some(Domain { name: "a".into(), uuid: [1; 16], id: -1 }),
            ..RemoteError::default()
        };
        assert_eq!(decode(&encode(&error)), Ok(error));
    }

    proptest! {
        #[test]
        fn figures_are_read_back(
            records in prop::collection::vec(
                (".{0,9}", any::<[u8; 16]>(), any::<i32>(), prop::collection::vec((".{0,6}", value()), 0..6)), 0..4,
            ),
        ) {
            let records: Vec<StatsRecord> = records
                .into_iter()
                .map(|(name, uuid, id, params)| StatsRecord {
                    domain: Domain { name, uuid, id },
                    params: params.into_iter().map(|(field, value)| Param { field, value }).collect(),
                })
                .collect();
            prop_assert_eq!(decode::<Vec<StatsRecord>>(&encode(&records)), Ok(records));
        }

        #[test]
        fn any_bytes_are_read_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
            let _ = decode::<Vec<StatsRecord>>(&bytes);
            let _ = decode::<RemoteError>(&bytes);
            let _ = decode::<GraphicsMsg>(&bytes);
            let _ = decode::<Vec<GuestInterface>>(&bytes);
        }
    }
}
