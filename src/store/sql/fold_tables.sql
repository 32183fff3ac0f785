-- The fold of the journal. `@` is the prefix: c_ for the cache, b_ for the base at the horizon.
CREATE TABLE @state (key TEXT PRIMARY KEY, value NOT NULL) WITHOUT ROWID;
CREATE TABLE @sources (
    id INTEGER PRIMARY KEY,
    report BLOB,
    health INTEGER NOT NULL,
    last_ok INTEGER NOT NULL,
    as_of INTEGER NOT NULL,
    alarms INTEGER NOT NULL
);
CREATE TABLE @nodes (
    id INTEGER PRIMARY KEY,
    nh INTEGER NOT NULL,
    source INTEGER NOT NULL,
    kind INTEGER NOT NULL,
    idx INTEGER NOT NULL,
    serial TEXT NOT NULL,
    canonical TEXT NOT NULL,
    parent INTEGER NOT NULL,
    grp INTEGER,
    path BLOB,
    depth INTEGER NOT NULL,
    loc INTEGER NOT NULL,
    children INTEGER NOT NULL,
    onus INTEGER NOT NULL,
    onus_active INTEGER NOT NULL,
    subs INTEGER NOT NULL,
    a0 INTEGER NOT NULL,
    a1 INTEGER NOT NULL,
    a2 INTEGER NOT NULL,
    a3 INTEGER NOT NULL,
    a4 INTEGER NOT NULL,
    refs INTEGER NOT NULL,
    own_subs INTEGER NOT NULL,
    admin INTEGER NOT NULL,
    oper INTEGER NOT NULL,
    connect INTEGER NOT NULL,
    number INTEGER NOT NULL,
    flows INTEGER NOT NULL,
    rx INTEGER,
    tx INTEGER,
    changed_at INTEGER NOT NULL,
    as_of INTEGER NOT NULL,
    patch_hash INTEGER NOT NULL,
    label TEXT NOT NULL,
    reason TEXT NOT NULL,
    vendor TEXT NOT NULL,
    model TEXT NOT NULL,
    firmware TEXT NOT NULL,
    address TEXT NOT NULL,
    logical_id TEXT NOT NULL,
    device_id TEXT NOT NULL,
    dh INTEGER
);
CREATE INDEX @nodes_name ON @nodes (nh);
CREATE INDEX @nodes_tree ON @nodes (grp, path) WHERE grp IS NOT NULL;
CREATE INDEX @nodes_device ON @nodes (dh) WHERE dh IS NOT NULL;
-- Device ids a node had before: an OLT's reboot gives all its ONUs new ones.
CREATE TABLE @former (node INTEGER NOT NULL, seq INTEGER NOT NULL, device_id TEXT NOT NULL, PRIMARY KEY (node, seq)) WITHOUT ROWID;
-- Where things are, in words, for sites, OLTs and their ports.
CREATE TABLE @places (id INTEGER PRIMARY KEY, owner INTEGER NOT NULL, text TEXT NOT NULL);
CREATE INDEX @places_owner ON @places (owner);
CREATE TABLE @inventory (
    serial TEXT NOT NULL,
    source INTEGER NOT NULL,
    site TEXT NOT NULL,
    name TEXT NOT NULL,
    subs INTEGER NOT NULL,
    PRIMARY KEY (serial, source)
) WITHOUT ROWID;
CREATE TABLE @kpi (node INTEGER NOT NULL, grp TEXT NOT NULL, payload BLOB NOT NULL, PRIMARY KEY (node, grp)) WITHOUT ROWID;
CREATE TABLE @alarms (
    id INTEGER PRIMARY KEY,
    kh INTEGER NOT NULL,
    key BLOB NOT NULL,
    scope INTEGER NOT NULL,
    severity INTEGER NOT NULL,
    raised_at INTEGER NOT NULL,
    last_changed INTEGER NOT NULL,
    born INTEGER NOT NULL,
    due INTEGER,
    source INTEGER NOT NULL,
    type INTEGER NOT NULL,
    node INTEGER NOT NULL,
    loc INTEGER NOT NULL,
    kind INTEGER NOT NULL,
    idx INTEGER NOT NULL,
    trend INTEGER NOT NULL,
    cleared INTEGER NOT NULL,
    clear_reason INTEGER NOT NULL,
    will_clear INTEGER NOT NULL,
    by_active INTEGER NOT NULL,
    op INTEGER NOT NULL,
    vis INTEGER NOT NULL,
    own_query INTEGER NOT NULL,
    occurrences INTEGER NOT NULL,
    dups INTEGER NOT NULL,
    serial TEXT NOT NULL,
    canonical TEXT NOT NULL,
    text TEXT NOT NULL,
    label TEXT NOT NULL,
    qualifier TEXT NOT NULL,
    owner TEXT NOT NULL,
    received_at INTEGER NOT NULL,
    first_seen INTEGER NOT NULL,
    last_seen INTEGER NOT NULL,
    cleared_at INTEGER NOT NULL,
    op_user TEXT NOT NULL,
    op_time INTEGER NOT NULL,
    op_text TEXT NOT NULL,
    ack_until INTEGER NOT NULL,
    shelf_until INTEGER NOT NULL,
    operator BLOB,
    dropped INTEGER NOT NULL,
    history BLOB NOT NULL,
    -- Within a severity, what is active weighs more than what has returned.
    weight INTEGER AS (severity * 2 + (NOT cleared)) VIRTUAL
);
CREATE INDEX @alarms_key ON @alarms (kh);
CREATE INDEX @alarms_node ON @alarms (node);
CREATE TABLE @ops (
    seq INTEGER PRIMARY KEY,
    alarm INTEGER NOT NULL,
    action BLOB NOT NULL,
    batch BLOB NOT NULL,
    at INTEGER NOT NULL,
    actor TEXT NOT NULL,
    verb TEXT NOT NULL,
    text TEXT NOT NULL,
    withdrawn INTEGER NOT NULL,
    before BLOB NOT NULL
);
CREATE INDEX @ops_alarm ON @ops (alarm);
CREATE TABLE @cpes (
    id INTEGER PRIMARY KEY,
    ch INTEGER NOT NULL,
    source INTEGER NOT NULL,
    device TEXT NOT NULL,
    manufacturer TEXT NOT NULL,
    oui TEXT NOT NULL,
    product_class TEXT NOT NULL,
    model TEXT NOT NULL,
    firmware TEXT NOT NULL,
    hardware TEXT NOT NULL,
    last_inform INTEGER NOT NULL,
    last_boot INTEGER NOT NULL,
    registered INTEGER NOT NULL,
    tags TEXT NOT NULL,
    rx INTEGER,
    tx INTEGER,
    ip TEXT NOT NULL,
    ssid TEXT NOT NULL,
    pppoe_user TEXT NOT NULL,
    uptime INTEGER,
    faults INTEGER NOT NULL,
    as_of INTEGER NOT NULL,
    patch_hash INTEGER NOT NULL,
    serial TEXT NOT NULL,
    -- The serial number as ONUs write it, in letters and in hex.
    sk TEXT NOT NULL,
    sh TEXT NOT NULL
);
CREATE INDEX @cpes_device ON @cpes (ch, source);
-- Parameters that device profiles keep, packed; beside the rows, so that passes over those stay narrow.
CREATE TABLE @cpe_leaves (id INTEGER PRIMARY KEY, leaves BLOB NOT NULL);
CREATE TABLE @cpe_paths (id INTEGER PRIMARY KEY, path TEXT NOT NULL UNIQUE);
CREATE TABLE @cpe_faults (source INTEGER NOT NULL, ch INTEGER NOT NULL, channel TEXT NOT NULL, fault BLOB NOT NULL, PRIMARY KEY (source, ch, channel)) WITHOUT ROWID;
-- When a device of a source counts as online: two thresholds, s, in one number.
CREATE TABLE @cpe_rules (source INTEGER PRIMARY KEY, rule INTEGER NOT NULL);
-- Jobs: everything but their devices in one piece, and each device in one.
CREATE TABLE @jobs (id INTEGER PRIMARY KEY, job BLOB NOT NULL UNIQUE, header BLOB NOT NULL);
-- The id is that of the job times 2^32, plus the place in its list.
CREATE TABLE @job_devices (id INTEGER PRIMARY KEY, frozen BLOB NOT NULL, state BLOB NOT NULL);
