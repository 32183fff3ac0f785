//! x
mod data;
mod fleet;
mod query;
mod world;
