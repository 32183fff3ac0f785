//! What panes and overlays want done. Only the kernel does it.

use std::sync::Arc;

use ratatui::layout::Rect;

use crate::model::command::{Intent, LiveRequest};
use crate::model::console::{ConsoleId, ConsoleTarget, Selection, Stroke};
use crate::model::diag::{DiagRequest, DiagResult};
use crate::model::ids::{ActionId, RowId};
use crate::model::job::JobId;
use crate::model::page::{DataRequest, PageRequest, RequestId};

use super::pane::PaneId;

/// A wish.
#[derive(Debug, Clone, PartialEq)]
pub enum Effect {
    /// Ask the cache; the answer is [`super::message::Msg::Data`] with the same id.
    Query(RequestId, DataRequest),
    /// The answer is no longer wanted: interrupt the query if it still runs.
    Cancel(RequestId),
    /// Run a mutating command: goes through the gate.
    Intent(Intent),
    /// Take a batch of actions back.
    Undo(ActionId),
    /// Ask a controller for details; the answer is [`super::message::Msg::Live`].
    Live(RequestId, LiveRequest),
    /// Ask every auto-configuration server for what it keeps beside devices; the answer is
    /// [`super::message::Msg::Stored`].
    Stored(RequestId),
    /// Ask every Alertmanager for its silences; the answer is [`super::message::Msg::Silences`].
    Silences(RequestId),
    /// Run a network diagnostic; its news are [`super::message::Msg::Diag`] with the same id, the
    /// last of them its end. [`Effect::Cancel`] ends it early, with what is known by then.
    Diag(RequestId, DiagRequest),
    /// Something about a console; its news are [`super::message::Msg::Console`] with the same id.
    Console(ConsoleId, ConsoleRequest),
    /// Write the result of a diagnostic to a file.
    DiagExport(DiagExport),
    /// Put text on the clipboard (OSC 52).
    Copy {
        /// The text.
        text: String,
        /// What it is, for the toast.
        what: String,
    },
    /// Write the rows of a list to a file.
    Export(ExportRequest),
    /// Write a report of a job to a file.
    Report(ReportRequest),
    /// Tell the operator something.
    Toast(Toast),
    /// Ask for one line of text, then run the command with it as the argument `arg`.
    Prompt(Prompt),
    /// The same in the place where the answer then stands: the cells of the screen that it takes.
    Inline(Prompt, Rect),
    /// Ask for one line that nobody may see: it is masked, and kept nowhere.
    Secret(Prompt),
    /// Ask for a text in `$EDITOR`, then run the command with it as the argument `arg`.
    Edit(Prompt),
    /// Let the operator edit a text of many lines in `$EDITOR`, then run the command with it.
    EditFile(EditFile),
    /// Ask to choose one of several, then run the command with it as the argument `arg`.
    Choose(Choose),
    /// Show a pane, at a thing.
    Goto(Location),
    /// Save the named view of a list.
    SaveView(SavedView),
    /// Drop the named view of a list.
    DropView(SavedView),
    /// Run a command by id, as if its key had been pressed.
    Run(&'static str, crate::model::command::Args),
    /// Leave the program.
    Quit,
}

/// What can be asked of a console.
#[derive(Debug, Clone, PartialEq)]
pub enum ConsoleRequest {
    /// Open it.
    Open {
        /// Which.
        target: ConsoleTarget,
        /// Nothing is ever typed into it: the profile is read-only.
        view_only: bool,
    },
    /// Take it away from whoever has it.
    TakeOver,
    /// Close it.
    Close,
    /// A key for the guest.
    Key(Stroke),
    /// A combination by its name (`ctrl-alt-delete`) that no terminal can send.
    Combination(String),
    /// Text for the guest, as if it was typed.
    Paste(String),
    /// The mouse on a picture: pixel, buttons (1 left, 2 middle, 4 right), wheel.
    Pointer {
        /// Pixel from the left.
        x: u16,
        /// Pixel from the top.
        y: u16,
        /// Buttons that are down, as bits.
        buttons: u8,
    },
    /// Scroll so many lines up (down when negative); 0: to the bottom.
    Scroll(i32),
    /// Look for a text above (or below) what is shown.
    Search {
        /// The text.
        text: String,
        /// Upwards.
        backwards: bool,
    },
    /// Show the picture as a picture although it could be read as text, or not any longer.
    Picture(bool),
    /// Tell the guest of another size: a screen of so many pixels, or the emulator's columns and rows.
    Resize(u16, u16),
    /// Record what it shows, or no longer.
    Record(Option<RecordIn>),
    /// Tell the text from one place to another, of what scrolled away too.
    Copy(Selection),
    /// Everything of its terminal as at the start, for a guest that has left it in a mess.
    Reset,
    /// Ask for control of a shared console, or give it back.
    Control(bool),
    /// Hand control to whoever asks for it.
    HandOver,
}

/// How a console is recorded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecordIn {
    /// The file (asciicast).
    pub file: String,
    /// What looks like a secret is hidden.
    pub redact: bool,
}

/// A question for one line.
#[derive(Debug, Clone, PartialEq)]
pub struct Prompt {
    /// Title of the dialog.
    pub title: String,
    /// Text to begin with.
    pub initial: String,
    /// Command that runs with the answer.
    pub command: &'static str,
    /// Argument the answer becomes.
    pub arg: &'static str,
    /// Arguments known already.
    pub args: crate::model::command::Args,
}

/// A text of many lines to edit.
#[derive(Debug, Clone, PartialEq)]
pub struct EditFile {
    /// Text to begin with.
    pub initial: String,
    /// Name of its file, without a folder; its ending tells editors what it is.
    pub file: String,
    /// Command that runs with the answer.
    pub command: &'static str,
    /// Argument the answer becomes.
    pub arg: &'static str,
    /// Argument that names the file in which the answer is kept.
    pub draft: &'static str,
    /// Arguments known already.
    pub args: crate::model::command::Args,
}

/// A question with a fixed set of answers.
#[derive(Debug, Clone, PartialEq)]
pub struct Choose {
    /// Title of the dialog.
    pub title: String,
    /// Answers: value and what it says.
    pub items: Vec<(String, String)>,
    /// The answer the cursor stands on at first.
    pub selected: usize,
    /// Command that runs with the answer.
    pub command: &'static str,
    /// Argument the answer becomes.
    pub arg: &'static str,
    /// Arguments known already.
    pub args: crate::model::command::Args,
}

/// Where to go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Location {
    /// Pane.
    pub pane: PaneId,
    /// Row to put the cursor on.
    pub row: Option<RowId>,
    /// Canonical name to look for when the row is not known.
    pub canonical: Option<String>,
    /// Filter text to set.
    pub filter: Option<String>,
    /// Show only what lies on or below this node; its row and its name for the breadcrumb.
    pub below: Option<(RowId, String)>,
}

/// How loud a message is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Level {
    /// Went well.
    Good,
    /// Worth knowing.
    Info,
    /// Worth a look.
    Warn,
    /// Failed.
    Error,
}

/// A short message that goes away by itself; kept in `:messages`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Toast {
    /// How loud.
    pub level: Level,
    /// What.
    pub text: String,
}

impl Toast {
    /// A toast.
    pub fn new(level: Level, text: impl Into<String>) -> Self {
        Self { level, text: text.into() }
    }
}

/// File formats of exports.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ExportFormat {
    /// Comma-separated values with a header.
    Csv,
    /// One JSON array.
    Json,
    /// One JSON object a line.
    Ndjson,
}

/// Writes the filtered rows of a list to a file.
#[derive(Debug, Clone, PartialEq)]
pub struct ExportRequest {
    /// The rows: filter, scope and sort count; anchor and limit do not.
    pub rows: PageRequest,
    /// Only these rows of them; all when empty.
    pub only: Vec<RowId>,
    /// All of them but these.
    pub except: Vec<RowId>,
    /// Format.
    pub format: ExportFormat,
    /// File; `~` is not expanded; an existing file is not overwritten.
    pub path: String,
    /// Field names, in order; all of the table when empty.
    pub fields: Vec<&'static str>,
}

/// Forms of the result of a diagnostic.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum DiagFormat {
    /// Lines for people.
    Text,
    /// One JSON object.
    Json,
}

/// Writes the result of a diagnostic to a file.
#[derive(Debug, Clone, PartialEq)]
pub struct DiagExport {
    /// The result.
    pub result: Arc<DiagResult>,
    /// Form.
    pub format: DiagFormat,
    /// File; an existing one is not overwritten.
    pub path: String,
}

/// Forms of the report of a job.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ReportFormat {
    /// For people: Markdown.
    Markdown,
    /// A line a device.
    Csv,
    /// All of it.
    Json,
}

impl ReportFormat {
    /// The words for it, which file names end in too.
    pub const WORDS: [&'static str; 3] = ["md", "csv", "json"];

    /// As a word.
    #[must_use]
    pub const fn word(self) -> &'static str {
        Self::WORDS[self as usize]
    }

    /// From a word.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        [Self::Markdown, Self::Csv, Self::Json].into_iter().find(|f| f.word().eq_ignore_ascii_case(word.trim()))
    }
}

/// Writes a report of a job to a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReportRequest {
    /// The job.
    pub job: JobId,
    /// Form.
    pub format: ReportFormat,
    /// File; an existing one is not overwritten.
    pub path: String,
    /// Seconds east of UTC, for local times.
    pub utc_offset_s: i32,
}

/// A named view of a list.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct SavedView {
    /// Name.
    pub name: String,
    /// Pane it belongs to.
    pub pane: PaneId,
    /// Filter text.
    pub filter: String,
    /// Sort fields with "largest first".
    pub sort: Vec<(String, bool)>,
    /// Field names of the columns, in order.
    pub columns: Vec<String>,
    /// `open`, `hidden`, `all`.
    pub scope: String,
    /// Table of the list, where the pane has several; empty for its first one.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub list: String,
}
