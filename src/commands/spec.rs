//! What a command is.

use std::fmt;

use crate::model::job::Phase;
use crate::model::page::Table;

/// Where a command can be used. Keys are looked up from the innermost context outwards.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Context {
    /// Everywhere.
    Global,
    /// In every pane that is a list (also the tree).
    List,
    /// In the alarms pane.
    Alarms,
    /// In the list of silences.
    Silences,
    /// In the PON pane.
    Pon,
    /// In the sources pane.
    Sources,
    /// In the CPE pane.
    Cpe,
    /// In the list of jobs.
    Jobs,
    /// In the detail view of a job.
    Job,
    /// In the list of a job's devices.
    JobDevices,
    /// In the list of presets, provisions, virtual parameters and files.
    Objects,
    /// In the browser of a CPE's parameters.
    Params,
    /// In the list of the fleet's faults.
    Faults,
    /// In the pane of telemetry appliances.
    Buffers,
    /// In the list of the services of appliances.
    Services,
    /// In the form of an appliance's configuration or of a silence.
    Form,
    /// In the pane of virtual machines.
    Vms,
    /// In an open console of a machine: all other keys are the guest's.
    Terminal,
    /// In every view inside a pane.
    Inner,
    /// In the log pane.
    Log,
    /// In an open detail view.
    Detail,
    /// In the network diagnostics.
    Diag,
    /// In the menu of an appliance's console.
    Menu,
    /// In a page of the menu.
    MenuPage,
    /// Everywhere on the console of an appliance.
    Console,
    /// In an overlay (help, palette, dialog …).
    Overlay,
}

impl Context {
    /// All contexts, in the order of the documentation.
    pub const ALL: [Self; 26] = [
        Self::Global,
        Self::List,
        Self::Alarms,
        Self::Silences,
        Self::Pon,
        Self::Cpe,
        Self::Jobs,
        Self::Job,
        Self::JobDevices,
        Self::Objects,
        Self::Params,
        Self::Faults,
        Self::Buffers,
        Self::Services,
        Self::Vms,
        Self::Terminal,
        Self::Form,
        Self::Inner,
        Self::Sources,
        Self::Log,
        Self::Detail,
        Self::Diag,
        Self::Menu,
        Self::MenuPage,
        Self::Console,
        Self::Overlay,
    ];

    /// Name in `keymap.toml` and the docs.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Global => "global",
            Self::List => "list",
            Self::Alarms => "alarms",
            Self::Silences => "silences",
            Self::Pon => "pon",
            Self::Cpe => "cpe",
            Self::Jobs => "jobs",
            Self::Job => "job",
            Self::JobDevices => "job-devices",
            Self::Objects => "objects",
            Self::Params => "params",
            Self::Faults => "faults",
            Self::Buffers => "buffers",
            Self::Services => "services",
            Self::Vms => "vms",
            Self::Terminal => "terminal",
            Self::Form => "form",
            Self::Inner => "inner",
            Self::Sources => "sources",
            Self::Log => "log",
            Self::Detail => "detail",
            Self::Diag => "diag",
            Self::Menu => "menu",
            Self::MenuPage => "menu-page",
            Self::Console => "console",
            Self::Overlay => "overlay",
        }
    }
}

/// What a command changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Mutates {
    /// Nothing but the screen.
    Nothing,
    /// Alarm state and other data of noctule's own; journalled.
    Journal,
    /// A device, through its controller.
    Device,
}

/// What is asked before a command runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Confirm {
    /// Nothing.
    None,
    /// y or n, with the plan on the screen.
    YesNo,
    /// The name of the target has to be typed (the count, for several).
    TypeName,
}

/// Another answer to the question before a command: it runs another command with the same arguments.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Choice {
    /// The key; with Ctrl where the question is answered by typing.
    pub key: char,
    /// What it does, beside the key.
    pub words: &'static str,
    /// The command.
    pub command: &'static str,
    /// Offered only with this argument.
    pub needs: &'static str,
}

/// An argument of a command.
#[derive(Debug, Clone, Copy)]
pub struct ArgSpec {
    /// Name, as in `--name value` and `name=value`.
    pub name: &'static str,
    /// What it is, for prompts and help.
    pub doc: &'static str,
    /// Whether the command refuses to run without it.
    pub required: bool,
    /// How it is read.
    pub kind: ArgKind,
}

/// How an argument is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ArgKind {
    /// Free text.
    Text,
    /// A duration such as `2h`.
    Duration,
    /// One of these words.
    Word(&'static [&'static str]),
}

/// What a command is told about the place it would run in, to say whether it can.
#[derive(Debug, Clone, Default)]
pub struct Situation {
    /// The profile is read-only.
    pub read_only: bool,
    /// It runs on the console of an appliance.
    pub console: bool,
    /// The cache belongs to another noctule that cannot be spoken to: ours only shows it.
    pub cut_off: bool,
    /// Table of the pane.
    pub table: Option<Table>,
    /// Rows marked (or all of a filter).
    pub marked: u64,
    /// There is a row under the cursor.
    pub has_cursor: bool,
    /// Kind word of the node under the cursor (`olt`, `onu` …); for alarms of the alarmed object.
    pub node_kind: Option<&'static str>,
    /// The alarm under the cursor is acknowledged / shelved / closed / cleared.
    pub acked: bool,
    /// See [`Situation::acked`].
    pub shelved: bool,
    /// See [`Situation::acked`].
    pub closed: bool,
    /// See [`Situation::acked`].
    pub cleared: bool,
    /// Administrative state word of the node under the cursor.
    pub admin_state: Option<String>,
    /// The source under the cursor is paused.
    pub paused: bool,
    /// There is an action that can be undone.
    pub can_undo: bool,
    /// There is a verb that can be repeated.
    pub can_repeat: bool,
    /// A filter is set.
    pub filtered: bool,
    /// Something runs that Esc ends.
    pub busy: bool,
    /// The job that a verb would be for, where it is a single one.
    pub job: Option<JobFacts>,
}

/// What the verbs of jobs ask about a job.
#[derive(Debug, Clone, Copy)]
pub struct JobFacts {
    /// Where it stands.
    pub phase: Phase,
    /// Devices that failed.
    pub failed: u32,
    /// Devices whose task waits for their next inform.
    pub queued: u32,
    /// Devices that did it.
    pub changed: u32,
    /// Only a dry run.
    pub dry_run: bool,
    /// It can be put back: it sets values.
    pub sets: bool,
}

/// Why a command cannot run now, in words.
pub type Reason = &'static str;

/// A command.
#[derive(Clone, Copy)]
pub struct CommandSpec {
    /// Identity: `alarm.ack`.
    pub id: &'static str,
    /// Title in the palette: `Acknowledge`.
    pub title: &'static str,
    /// One or two sentences.
    pub doc: &'static str,
    /// Other names that `:` takes.
    pub aliases: &'static [&'static str],
    /// Default keys, in the notation of `keymap.toml` (`a`, `ctrl-p`, `g g`).
    pub keys: &'static [&'static str],
    /// Where.
    pub context: Context,
    /// Arguments.
    pub args: &'static [ArgSpec],
    /// What it changes.
    pub mutates: Mutates,
    /// What is asked.
    pub confirm: Confirm,
    /// Other answers that the question before it takes.
    pub choices: &'static [Choice],
    /// Whether it works on rows (cursor, marks, filter).
    pub on_rows: bool,
    /// Whether `noctule run` has it.
    pub headless: bool,
    /// Whether the hint line offers it.
    pub hint: bool,
    /// Whether it can run here and now.
    pub enabled: fn(&Situation) -> Result<(), Reason>,
}

impl fmt::Debug for CommandSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CommandSpec").field("id", &self.id).field("context", &self.context).finish_non_exhaustive()
    }
}

impl CommandSpec {
    /// A command that only changes the screen; the other fields are set with struct update syntax.
    #[must_use]
    pub const fn view(id: &'static str, title: &'static str, doc: &'static str, context: Context) -> Self {
        Self {
            id,
            title,
            doc,
            aliases: &[],
            keys: &[],
            context,
            args: &[],
            mutates: Mutates::Nothing,
            confirm: Confirm::None,
            choices: &[],
            on_rows: false,
            headless: false,
            hint: false,
            enabled: always,
        }
    }
}

/// Enabled everywhere.
///
/// # Errors
/// Never.
pub const fn always(_: &Situation) -> Result<(), Reason> {
    Ok(())
}
