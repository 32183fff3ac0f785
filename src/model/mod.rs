//! What noctule talks about, as plain types: no I/O, no clock, nothing of ours below it.
//!
//! Controllers turn wire messages into [`observation::Observation`]s, operators produce
//! [`action::Action`]s, both become [`record::Record`]s of the journal, and every row on a screen
//! (or in a pipe) is one of the row types here, described to lists, filters and exports by its
//! [`field::TableSpec`].

pub mod action;
pub mod alarm;
pub mod alarm_type;
pub mod appliance;
pub mod combination;
pub mod command;
pub mod console;
pub mod cpe;
pub mod diag;
pub mod diff;
pub mod fault;
pub mod field;
pub mod ids;
pub mod job;
pub mod labels;
pub mod log;
pub mod observation;
pub mod order;
pub mod page;
pub mod place;
pub mod query;
pub mod record;
pub mod resource;
pub mod secret;
pub mod severity;
pub mod sight;
pub mod silence;
pub mod source;
pub mod stored;
pub mod stty;
pub mod tables;
pub mod text;
pub mod time;
pub mod topology;
pub mod version;
pub mod vm;
