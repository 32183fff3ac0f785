//! Pure state machines: the lifecycle of alarms and the counters that follow from it, jobs, lists of
//! alerts compared with what stands, the buffers of appliances with their health, operations on virtual
//! machines, and the terminals of their serial lines. No I/O, no clock: every instant comes from a journal
//! record or a poll, so folding a record twice gives the same.

pub mod alerts;
pub mod buffer;
pub mod emulator;
pub mod health;
pub mod job;
pub mod lifecycle;
pub mod operator;
pub mod ports;
pub mod restart;
pub mod tally;
pub mod vga;
pub mod vm;
