//! Configuration: layered TOML, secrets by reference, the inventory file.

pub mod schema;
pub mod secret;
