//! What is on the screen: one folder a pane, over what all lists share.
//!
//! A pane is a pure function of messages: it never does I/O, knows no clock but the one it is
//! told, and asks for things by returning effects.
#![deny(clippy::indexing_slicing)]

mod alarm_pick;
pub mod alarms;
pub mod buffers;
pub mod cpe;
mod detail;
pub mod diag;
mod fields;
mod health;
mod list;
pub mod log;
pub mod menu;
mod pick;
pub mod pon;
pub mod sources;
mod split;
mod verbs;
pub mod vms;

use crate::app::pane::Pane;
use crate::commands::spec::CommandSpec;

/// All panes, in the order of their number keys.
#[must_use]
pub fn all() -> Vec<Box<dyn Pane>> {
    vec![
        Box::new(alarms::AlarmsPane::new()),
        Box::new(pon::PonPane::new()),
        Box::new(cpe::CpePane::new()),
        Box::new(buffers::BuffersPane::new()),
        Box::new(vms::VmsPane::new()),
        Box::new(sources::SourcesPane::new()),
        Box::new(log::LogPane::new()),
        Box::new(diag::DiagPane::new()),
    ]
}

/// The commands of all panes, those that several panes share first.
#[must_use]
pub fn commands() -> Vec<&'static [CommandSpec]> {
    vec![
        list::specs::LIST,
        detail::DETAIL,
        alarms::commands::ALARMS,
        alarms::silences::commands::SILENCES,
        pon::commands::PON,
        cpe::commands::CPE,
        cpe::jobs::commands::JOBS,
        cpe::objects::commands::OBJECTS,
        cpe::params::commands::PARAMS,
        cpe::faults::FAULTS,
        buffers::commands::BUFFERS,
        buffers::services::commands::SERVICES,
        buffers::form::commands::FORM,
        vms::commands::VMS,
        vms::commands::TERMINAL,
        sources::commands::SOURCES,
        log::commands::LOG,
        diag::commands::DIAG,
        menu::commands::MENU,
    ]
}
