//! What the database behind the ACS would hold: typed values, their order, and how they are written.

pub(crate) mod project;
pub(crate) mod stamp;
mod value;
mod write;

pub(crate) use value::{Document, ObjectId, Value};
pub(crate) use write::{json, text};
