-- Measurements of appliances: no events, so beside the journal, with a retention of their own.
CREATE TABLE m_now (source INTEGER PRIMARY KEY, at INTEGER NOT NULL, state BLOB NOT NULL);
-- Steps of three lengths (`level`); everything of an appliance in one step is one row.
CREATE TABLE m_points (
    level INTEGER NOT NULL,
    source INTEGER NOT NULL,
    at INTEGER NOT NULL,
    body BLOB NOT NULL,
    PRIMARY KEY (level, source, at)
) WITHOUT ROWID;
