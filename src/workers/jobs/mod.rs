//! Jobs and the controller: what a device's document, faults, operations and answers mean to the
//! engine, and what the engine wants as requests. Nothing here decides; [`crate::engine::job`] does.

pub mod evidence;
pub mod request;
