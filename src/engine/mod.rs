//! Pure state machines: the lifecycle of alarms and the counters that follow from it, and jobs. No
//! I/O, no clock: every instant comes from a journal record, so folding a record twice gives the same.

pub mod job;
pub mod lifecycle;
pub mod operator;
pub mod ports;
pub mod restart;
pub mod tally;
