-- What is known of each host of virtual machines and of its machines now: no events, so beside the journal.
CREATE TABLE m_hosts (source INTEGER PRIMARY KEY, at INTEGER NOT NULL, state BLOB NOT NULL);
