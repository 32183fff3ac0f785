//! The way out of the kernel: everything slow is asked for here and answered by a message.

use crate::model::command::{Intent, LiveRequest};
use crate::model::console::ConsoleId;
use crate::model::diag::DiagRequest;
use crate::model::ids::ActionId;
use crate::model::page::{DataRequest, RequestId};
use crate::model::record::CommandRecord;

use super::effect::{ConsoleRequest, DiagExport, ExportRequest, ReportRequest, SavedView};

/// A request to the workers.
#[derive(Debug, Clone, PartialEq)]
pub enum Request {
    /// Ask the cache.
    Data(RequestId, DataRequest),
    /// Interrupt.
    Cancel(RequestId),
    /// Make the plan of an intent.
    Plan(RequestId, Intent),
    /// Run an intent that the gate has let through.
    Execute(RequestId, Intent),
    /// Take a batch back.
    Undo(RequestId, ActionId),
    /// Ask a controller.
    Live(RequestId, LiveRequest),
    /// Ask every auto-configuration server for presets, provisions, virtual parameters and files.
    Stored(RequestId),
    /// Ask every Alertmanager for its silences.
    Silences(RequestId),
    /// Run a network diagnostic.
    Diag(RequestId, DiagRequest),
    /// Something about a console.
    Console(ConsoleId, ConsoleRequest),
    /// Write the result of one.
    DiagExport(RequestId, DiagExport),
    /// Write a file.
    Export(RequestId, ExportRequest),
    /// Write a report of a job.
    Report(RequestId, ReportRequest),
    /// Journal something that was done at this console, and no controller knows of.
    Journal(CommandRecord),
    /// Keep a value of the user interface (`session`, `history`), per profile.
    Remember {
        /// Name.
        key: String,
        /// JSON text.
        value: String,
    },
    /// Keep or (with an empty column list and no filter) replace a named view.
    SaveView(SavedView),
    /// Drop a named view.
    DropView(SavedView),
}

/// Takes requests; never blocks.
pub trait Backend {
    /// Hands a request over. Answers come as messages.
    fn send(&mut self, request: Request);
}
