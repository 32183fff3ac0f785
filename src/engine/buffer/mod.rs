//! The heart of the Buffers pane: what is known of a telemetry appliance, worked out of polls.
//!
//! An appliance tells counters and little else, and some of what it tells is made up (facts:
//! raven-run). A [`Tracker`] turns the polls of one appliance into its state: rates, forecasts,
//! losses, replay, flow, ports, alarms and a verdict. Nothing here does I/O or asks a clock: every
//! instant is the poll's. What is not known stays unknown; nothing is shown as zero that was not
//! measured.

mod alarms;
mod collectors;
mod conditions;
mod contact;
mod forecast;
mod losses;
mod pool;
mod ports;
mod rates;
mod replay;
mod settings;
#[cfg(test)]
mod tests;
mod timeline;
mod tracker;
mod trend;
mod uplink;
mod verdict;
mod words;

pub use alarms::{AlarmChange, TYPES};
pub use settings::{Port, Service, Settings};
pub use tracker::{Happening, Step, Tracker};
