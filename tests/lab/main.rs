//! The lab: noctule against programs that others wrote. Needs Debian's `kcat`; run with
//! `cargo test --features lab --test lab`. Ends only the processes it started.

mod kcat;
mod mock;
mod recorded;
mod stack;
