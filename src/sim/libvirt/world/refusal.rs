//! What libvirt says when it does not do something: number, where it comes from, words.

/// An error as it goes over the wire. The words are those of libvirt 9.0, measured.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub(crate) struct Refusal {
    /// `virErrorNumber`.
    pub(crate) code: i32,
    /// `virErrorDomain`: the part of libvirt that it comes from.
    pub(crate) domain: i32,
    /// Words, with the prefix that belongs to the number.
    pub(crate) message: String,
}

/// Parts of libvirt.
pub(crate) mod domain {
    pub(crate) const RPC: i32 = 7;
    pub(crate) const QEMU: i32 = 10;
    pub(crate) const STORAGE: i32 = 18;
    pub(crate) const DOMAIN: i32 = 20;
    pub(crate) const STREAMS: i32 = 38;
}

impl Refusal {
    pub(crate) const fn new(code: i32, domain: i32, message: String) -> Self {
        Self { code, domain, message }
    }

    fn qemu(code: i32, message: String) -> Self {
        Self::new(code, domain::QEMU, message)
    }

    pub(crate) fn no_domain(what: &str) -> Self {
        Self::qemu(42, format!("Domain not found: no domain with matching {what}"))
    }

    pub(crate) fn invalid(what: &str) -> Self {
        Self::qemu(55, format!("Requested operation is not valid: {what}"))
    }

    pub(crate) fn not_running() -> Self {
        Self::invalid("domain is not running")
    }

    pub(crate) fn failed(what: &str) -> Self {
        Self::qemu(9, format!("operation failed: {what}"))
    }

    pub(crate) fn internal(what: &str) -> Self {
        Self::qemu(1, format!("internal error: {what}"))
    }

    pub(crate) fn argument(what: &str) -> Self {
        Self::qemu(8, format!("invalid argument: {what}"))
    }

    pub(crate) fn unsupported(what: &str) -> Self {
        Self::qemu(67, format!("unsupported configuration: {what}"))
    }

    pub(crate) fn not_supported(what: &str) -> Self {
        Self::qemu(84, format!("Operation not supported: {what}"))
    }

    pub(crate) fn aborted(what: &str) -> Self {
        Self::qemu(78, format!("operation aborted: {what}"))
    }

    pub(crate) fn no_agent() -> Self {
        Self::qemu(74, "argument unsupported: QEMU guest agent is not configured".to_owned())
    }

    pub(crate) fn no_snapshot(name: &str) -> Self {
        Self::qemu(72, format!("Domain snapshot not found: no domain snapshot with matching name '{name}'"))
    }

    pub(crate) fn no_checkpoint(name: &str) -> Self {
        Self::qemu(103, format!("Domain checkpoint not found: no domain checkpoint with matching name '{name}'"))
    }

    pub(crate) fn no_backup() -> Self {
        Self::qemu(104, "Domain backup job id not found: no domain backup job present".to_owned())
    }

    pub(crate) fn unsafe_migration() -> Self {
        Self::qemu(81, "Unsafe migration: Migration without shared storage is unsafe".to_owned())
    }

    pub(crate) fn no_disk(target: &str) -> Self {
        Self::argument(&format!("disk '{target}' not found in domain"))
    }

    pub(crate) fn no_volume(what: &str) -> Self {
        Self::new(50, domain::STORAGE, format!("Storage volume not found: no storage vol with matching {what}"))
    }

    pub(crate) fn no_pool(what: &str) -> Self {
        Self::new(49, domain::STORAGE, format!("Storage pool not found: no storage pool with matching {what}"))
    }

    pub(crate) fn busy() -> Self {
        let held = "held by monitor=remoteDispatchDomainJob";
        Self::qemu(68, format!("Timed out during operation: cannot acquire state change lock ({held})"))
    }
}
