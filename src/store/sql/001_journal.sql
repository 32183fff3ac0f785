-- What is kept: the journal, what was interned for it, stream positions, the user interface's notes.
CREATE TABLE meta (key TEXT PRIMARY KEY, value NOT NULL) WITHOUT ROWID;
CREATE TABLE names (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE);
CREATE TABLE journal (
    seq INTEGER PRIMARY KEY,
    at INTEGER NOT NULL,
    kind INTEGER NOT NULL,
    source INTEGER NOT NULL,
    payload BLOB NOT NULL
);
-- Kinds from 16 on are what the Log pane shows: see kind.rs.
CREATE INDEX journal_log ON journal (seq) WHERE kind >= 16;
CREATE TABLE offsets (
    source INTEGER NOT NULL,
    partition INTEGER NOT NULL,
    offset INTEGER NOT NULL,
    PRIMARY KEY (source, partition)
) WITHOUT ROWID;
CREATE TABLE notes (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
INSERT INTO meta VALUES ('payload_format', 1);
INSERT INTO names VALUES (0, '');
