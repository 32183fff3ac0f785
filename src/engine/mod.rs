//! Pure state machines: the lifecycle of alarms and the fold of the journal. No I/O, no clock.
