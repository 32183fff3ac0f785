//! The commands of the PON pane: moving in the tree, reading from devices, and the device verbs.

use crate::commands::spec::{ArgKind, ArgSpec, CommandSpec, Confirm, Context, Mutates, Reason, Situation};

const fn device(
    id: &'static str,
    title: &'static str,
    doc: &'static str,
    keys: &'static [&'static str],
    enabled: fn(&Situation) -> Result<(), Reason>,
) -> CommandSpec {
    CommandSpec {
        keys,
        mutates: Mutates::Device,
        confirm: Confirm::YesNo,
        on_rows: true,
        headless: true,
        enabled,
        ..CommandSpec::view(id, title, doc, Context::Pon)
    }
}

const fn tree(id: &'static str, title: &'static str, doc: &'static str, keys: &'static [&'static str]) -> CommandSpec {
    CommandSpec { keys, ..CommandSpec::view(id, title, doc, Context::Pon) }
}

/// The commands.
pub(crate) static PON: &[CommandSpec] = &[
    CommandSpec {
        enabled: on_node,
        hint: true,
        ..tree(
            "pon.unfold",
            "Unfold",
            "Shows what hangs on the node; then goes to the first of it. From a filtered list it shows the row in the tree.",
            &["right", "l"],
        )
    },
    CommandSpec {
        enabled: on_node,
        ..tree("pon.fold", "Fold", "Hides what hangs on the node; then goes to the node above.", &["left", "h"])
    },
    CommandSpec {
        enabled: on_node,
        ..tree("pon.parent", "Node above", "Goes to the node this one hangs on.", &["backspace", "g p"])
    },
    tree("pon.unfold-level", "Unfold one level", "Unfolds one level more everywhere.", &["E"]),
    tree("pon.fold-all", "Fold all", "Folds everything.", &["F"]),
    CommandSpec {
        enabled: on_node,
        hint: true,
        ..tree("pon.alarms", "Alarms below", "Shows the alarms on and below the node.", &["a"])
    },
    CommandSpec {
        enabled: on_node,
        ..tree("pon.cpe", "Its CPE", "Goes to the CPE with the serial number of the ONU.", &["c"])
    },
    CommandSpec {
        enabled: readable,
        hint: true,
        ..tree(
            "pon.live",
            "Read the device",
            "Reads ports, flows, meters and PM configuration from the controller now.",
            &["r"],
        )
    },
    CommandSpec {
        args: &[ArgSpec { name: "value", doc: "which value", required: false, kind: ArgKind::Text }],
        enabled: readable,
        ..tree(
            "pon.value",
            "Read a value",
            "Reads one value of the device on demand: optics, counters, alarms.",
            &["V"],
        )
    },
    device("pon.enable", "Enable", "Puts the device into service.", &["x e"], on_device),
    device(
        "pon.disable",
        "Disable",
        "Takes the device out of service: everybody below it loses service.",
        &["x d"],
        on_device,
    ),
    CommandSpec {
        hint: true,
        ..device("pon.reboot", "Reboot", "Restarts the device. An OLT gives all its ONUs new ids.", &["x r"], on_device)
    },
    CommandSpec {
        confirm: Confirm::TypeName,
        ..device(
            "pon.delete",
            "Delete",
            "Removes the device from its controller; an OLT with all its ONUs.",
            &["x D"],
            on_device,
        )
    },
    CommandSpec {
        confirm: Confirm::TypeName,
        ..device(
            "pon.force-delete",
            "Force delete",
            "Removes the device from its controller whatever state it is in and without asking the device.",
            &["x F"],
            on_device,
        )
    },
    device("pon.port-enable", "Enable the port", "Switches a PON port or a UNI on.", &["x p"], on_port),
    device(
        "pon.port-disable",
        "Disable the port",
        "Switches a PON port or a UNI off: what hangs on it loses service.",
        &["x P"],
        on_port,
    ),
    CommandSpec {
        args: &[
            ArgSpec { name: "group", doc: "group of an ONU's measurements", required: false, kind: ArgKind::Text },
            ArgSpec { name: "set", doc: "on, off, or a period like 60s", required: true, kind: ArgKind::Text },
        ],
        ..device(
            "pon.pm-config",
            "Change what is measured",
            "Switches a group of measurements of the device on or off, or sets how often it measures.",
            &["x m"],
            on_device,
        )
    },
];

/// Groups of measurements that ONUs have.
pub(super) const PM_GROUPS: &[(&str, &str)] = &[
    ("PON_Optical", "optical power"),
    ("UNI_Status", "states of the subscriber ports"),
    ("Ethernet_Bridge_Port_History", "frames over the bridge ports, by quarter hours"),
    ("Ethernet_UNI_History", "errors of the subscriber ports, by quarter hours"),
    ("FEC_History", "forward error correction, by quarter hours"),
    ("GEM_Port_History", "GEM ports, by quarter hours"),
    ("", "everything without a period of its own"),
];

/// Periods, and for groups the switch.
const PM_SETTINGS: &[(&str, &str)] = &[
    ("30s", "every 30 s"),
    ("60s", "every minute"),
    ("5m", "every 5 minutes"),
    ("15m", "every 15 minutes"),
    ("on", "measure"),
    ("off", "do not measure"),
];

/// What can be set of a group of measurements, or of all that have no period of their own (no
/// group): those cannot be switched, and groups that measure by quarter hours only can.
pub(super) fn pm_settings(group: &str) -> Vec<(&'static str, &'static str)> {
    let fits = |set: &str| match set {
        "on" | "off" => !group.is_empty(),
        _ => !group.ends_with("_History"),
    };
    PM_SETTINGS.iter().copied().filter(|(set, _)| fits(set)).collect()
}

fn on_node(s: &Situation) -> Result<(), Reason> {
    if s.has_cursor { Ok(()) } else { Err("there is no node under the cursor") }
}

fn on_device(s: &Situation) -> Result<(), Reason> {
    match s.node_kind {
        _ if s.marked > 0 => Ok(()),
        Some("olt" | "onu" | "device") => Ok(()),
        Some(_) => Err("only an OLT or an ONU has this"),
        None => Err("there is no device under the cursor"),
    }
}

fn readable(s: &Situation) -> Result<(), Reason> {
    match s.node_kind {
        Some("olt" | "onu" | "device" | "pon" | "nni" | "uni") => Ok(()),
        Some(_) => Err("its controller holds nothing more about it"),
        None => Err("there is no node under the cursor"),
    }
}

fn on_port(s: &Situation) -> Result<(), Reason> {
    match s.node_kind {
        _ if s.marked > 0 => Ok(()),
        Some("pon" | "uni") => Ok(()),
        Some(_) => Err("only a PON port or a UNI has this"),
        None => Err("there is no port under the cursor"),
    }
}

/// Values that can be read of a kind of node: name, and what it is.
pub(super) const fn values(kind: &str) -> &'static [(&'static str, &'static str)] {
    match kind.as_bytes() {
        b"onu" => &[
            ("optical", "optical power, voltage, temperature of the ONU (its self test)"),
            ("rx_power", "power the OLT receives from it"),
            ("distance", "distance from the OLT"),
            ("uni", "state of the subscriber ports"),
            ("omci_stats", "counters of the management channel"),
            ("active_alarms", "alarms the ONU itself holds"),
            ("ethernet", "Ethernet frame counters"),
            ("gem", "GEM port and allocation counters (slow, may raise a false alarm)"),
            ("fec", "forward error correction (slow, may raise a false alarm)"),
            ("olt_stats", "counters of the OLT about the ONU (needs flows)"),
        ],
        b"olt" => &[
            ("rx_power", "received power on its PON ports"),
            ("ports", "port statistics"),
            ("pon_stats", "PON statistics"),
            ("nni_stats", "NNI statistics"),
        ],
        b"pon" => &[("rx_power", "received power on the port")],
        b"uni" => &[("uni", "state of the port")],
        _ => &[],
    }
}
