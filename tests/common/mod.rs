//! Data for tests: a small network at one fixed instant, and a cache that answers from it.

pub mod appliances;
pub mod cpes;
pub mod jobs;
pub mod rows;
pub mod vms;
pub mod world;
