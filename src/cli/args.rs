//! The command line as types: the one description that parsing, `--help`, the manual and the
//! completions are made from.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum, ValueHint};
use clap_complete::Shell;

pub use super::diag::args::DiagCommand;
use crate::model::field::TableSpec;
use crate::model::tables;

/// The network operations centre in one terminal.
///
/// Without a command it shows the dashboard; without a configuration it offers the demo or adding
/// a first source. The keys are listed by ? on the screen, and by `noctule keys`.
#[derive(Debug, Parser)]
#[command(name = "noctule", version, max_term_width = 100, after_help = EXIT_CODES)]
pub struct Cli {
    /// What holds for every command.
    #[command(flatten)]
    pub global: Global,
    /// The command; the dashboard without one.
    #[command(subcommand)]
    pub command: Option<Command>,
}

/// Shown at the end of the help and in the manual.
pub(crate) const EXIT_CODES: &str = "Exit codes: 0 done, 1 failed, 2 wrong usage or configuration, \
    3 partly done, 4 a source could not be reached.";

/// What holds for every command.
#[derive(Debug, Clone, Default, Args)]
pub struct Global {
    /// Profile to use [env: NOCTULE_PROFILE]
    #[arg(long, short = 'p', global = true, value_name = "NAME", help_heading = "Options for every command")]
    pub profile: Option<String>,
    /// Configuration file to read, and no other [env: NOCTULE_CONFIG]
    #[arg(long, short = 'c', global = true, value_name = "FILE", value_hint = ValueHint::FilePath, help_heading = "Options for every command")]
    pub config: Option<PathBuf>,
    /// Refuse everything that changes something, even where the profile allows it
    #[arg(long, global = true, help_heading = "Options for every command")]
    pub read_only: bool,
    /// What to log: error, warn, info, debug, off, or tracing directives [env: NOCTULE_LOG]
    #[arg(long, global = true, value_name = "LEVEL", help_heading = "Options for every command")]
    pub log_level: Option<String>,
    /// What the screen looks like.
    #[command(flatten)]
    pub screen: Screen,
}

/// What the screen looks like.
#[derive(Debug, Clone, Default, Args)]
pub struct Screen {
    /// No full screen: one line per change, for screen readers and dumb terminals
    #[arg(long, global = true, help_heading = "Options for the screen")]
    pub linear: bool,
    /// Theme: default, high-contrast, deuteranopia, tritanopia, tty, or one of your own
    #[arg(long, global = true, value_name = "NAME", help_heading = "Options for the screen")]
    pub theme: Option<String>,
    /// How many colours to use
    #[arg(long, visible_alias = "color", global = true, value_name = "DEPTH", value_parser = ["auto", "true", "256", "16", "none"], help_heading = "Options for the screen")]
    pub colour: Option<String>,
    /// Which signs to draw with
    #[arg(long, global = true, value_name = "SET", value_parser = ["auto", "unicode", "ascii"], help_heading = "Options for the screen")]
    pub glyphs: Option<String>,
}

/// Commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Show the dashboard over simulated networks that speak the real protocols
    Demo(DemoArgs),
    /// Check the network: ping, trace, DNS, bandwidth, ports
    #[command(subcommand, arg_required_else_help = true)]
    Diag(DiagCommand),
    /// Show the console of an appliance: a menu for the rack's own screen or a serial line
    Menu(MenuArgs),
    /// Open one console of a virtual machine, full screen, or take a picture of its screen
    Console(ConsoleArgs),
    /// Check the terminal, the configuration, the cache and every source
    Doctor(DoctorArgs),
    /// Print alarms
    #[command(after_long_help = fields(&tables::ALARMS))]
    Alarms(ListArgs),
    /// Print sites, OLTs, PON ports, ONUs and UNIs
    #[command(after_long_help = fields(&tables::NODES))]
    Pon(ListArgs),
    /// Print the CPEs of the fleet
    #[command(after_long_help = fields(&tables::CPES))]
    Cpe(ListArgs),
    /// Print the faults that servers hold against CPEs
    #[command(after_long_help = fields(&tables::FAULTS))]
    Faults(ListArgs),
    /// Print presets, provisions, virtual parameters and files of auto-configuration servers
    #[command(after_long_help = fields(&tables::STORED))]
    Objects(ListArgs),
    /// Print the sources and how they do
    #[command(after_long_help = fields(&tables::SOURCES))]
    Sources(ListArgs),
    /// Print calls, actions and notices
    #[command(after_long_help = fields(&tables::LOG))]
    Log(ListArgs),
    /// Print jobs over many CPEs, one of them with its progress, or its devices
    #[command(after_long_help = job_fields())]
    Jobs(JobsArgs),
    /// Print telemetry appliances and their buffers, one of them whole, or its past
    #[command(after_long_help = fields(&tables::APPLIANCES))]
    Buffers(BuffersArgs),
    /// Print the collectors and other services of telemetry appliances
    #[command(after_long_help = fields(&tables::COLLECTORS))]
    Services(ListArgs),
    /// Print hosts of virtual machines and their machines
    #[command(after_long_help = fields(&tables::VMS))]
    Vms(ListArgs),
    /// Judge the health of telemetry appliances; exit code 0 well, 3 warnings, 1 critical
    Health(HealthArgs),
    /// Print the silences of Alertmanagers, asked now
    Silences(SilencesArgs),
    /// Ask a Prometheus for the value of an expression, or for its values over a time
    Query(QueryArgs),
    /// Run a command of the dashboard without it
    Run(RunArgs),
    /// Poll, keep and run jobs in the background, without a screen
    Agent(AgentArgs),
    /// Check the configuration, or print an example or its schema
    #[command(subcommand, arg_required_else_help = true)]
    Config(ConfigCommand),
    /// Print completions for a shell
    Completions {
        /// The shell
        shell: Shell,
    },
    /// Print the manual page (view it with: noctule man | man -l -)
    Man,
    /// Print all keys and commands as a document
    Keys,
}

/// Names the fields of a list, for its help.
fn fields(table: &TableSpec) -> String {
    let names: Vec<_> = table.fields.iter().map(|f| f.name).collect();
    format!("Fields: {}.\n\nThe manual (noctule man) explains fields and filters.", names.join(", "))
}

/// The same for jobs and their devices.
fn job_fields() -> String {
    let names = |table: &TableSpec| table.fields.iter().map(|f| f.name).collect::<Vec<_>>().join(", ");
    format!(
        "Fields: {}.\n\nFields with --devices: {}.\n\nThe manual (noctule man) explains fields and filters.",
        names(&tables::JOBS),
        names(&tables::JOB_DEVICES)
    )
}

/// Size of the simulated network.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub enum DemoScale {
    /// 64 ONUs, one VOLTHA stack
    #[default]
    Small,
    /// 10,000 ONUs, 3 stacks
    City,
    /// 200,000 ONUs, 50 stacks
    Region,
}

/// Arguments of `demo`.
#[derive(Debug, Clone, Args)]
pub struct DemoArgs {
    /// Size of the network
    #[arg(long, value_enum, default_value_t)]
    pub scale: DemoScale,
    /// Seed of what happens: the same seed tells the same story
    #[arg(long, default_value_t = 1, value_name = "N")]
    pub seed: u64,
    /// How fast it happens, as a factor
    #[arg(long, default_value_t = 1.0, value_name = "X", value_parser = speed)]
    pub speed: f64,
    /// Only serve the network and print the configuration that connects to it
    #[arg(long)]
    pub headless: bool,
}

impl Default for DemoArgs {
    fn default() -> Self {
        Self { scale: DemoScale::Small, seed: 1, speed: 1.0, headless: false }
    }
}

fn speed(text: &str) -> Result<f64, String> {
    text.parse::<f64>()
        .ok()
        .filter(|x| (0.01..=1000.0).contains(x))
        .ok_or_else(|| "a factor between 0.01 and 1000".to_owned())
}

/// Arguments of `menu`.
#[derive(Debug, Clone, Default, Args)]
pub struct MenuArgs {
    /// The appliance it stands on, by the name of its source [default: menu.appliance, or the only one]
    #[arg(long, value_name = "NAME")]
    pub appliance: Option<String>,
    /// Seconds without a key until the wall view is shown and the console is locked
    #[arg(long, value_name = "SECONDS", value_parser = clap::value_parser!(u64).range(10..=86400))]
    pub idle: Option<u64>,
    /// File with the PIN (mode 0600), in clear or hashed; `config` for what menu.pin says
    #[arg(long, value_name = "FILE", default_value = "config", value_hint = ValueHint::FilePath)]
    pub pin_file: String,
    /// A serial line: only ASCII, sixteen colours, and what a VT220 knows, whatever TERM says
    #[arg(long)]
    pub serial: bool,
    /// Bits a second of the line [default: menu.baud, or what a serial device is set to]
    #[arg(long, value_name = "BAUD", value_parser = clap::value_parser!(u32).range(300..=4_000_000))]
    pub baud: Option<u32>,
    /// Read a PIN from standard input and print it hashed, for the file
    #[arg(long)]
    pub hash_pin: bool,
}

/// Arguments of `console`.
#[derive(Debug, Clone, Args)]
#[command(after_help = "The keys of the console are the guest's, but for ctrl-]: ctrl-] q closes it, ctrl-] ctrl-] \
    sends the key itself, and ctrl-] alone lists the others.")]
pub struct ConsoleArgs {
    /// The machine: its canonical name (host/vm/name), its UUID, or its name where only one host has it
    pub vm: String,
    /// Its serial line [default: the serial line where it has one, else the screen]
    #[arg(long, conflicts_with = "vnc")]
    pub serial: bool,
    /// Its screen, over VNC
    #[arg(long)]
    pub vnc: bool,
    /// Take a picture of its screen instead (PNG; - for standard output)
    #[arg(long, value_name = "FILE", conflicts_with_all = ["serial", "vnc"], value_hint = ValueHint::FilePath)]
    pub screenshot: Option<String>,
    /// Overwrite the file of the picture
    #[arg(long, requires = "screenshot")]
    pub force: bool,
    /// Print the text that its screen shows instead; exit code 1 when it shows no text console
    #[arg(long, conflicts_with_all = ["serial", "vnc"])]
    pub text: bool,
}

/// Arguments of `doctor`.
#[derive(Debug, Clone, Args)]
pub struct DoctorArgs {
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

/// Which rows a list begins with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub enum ListScope {
    /// What there is something to do with
    #[default]
    Open,
    /// Alarms that are shelved, suppressed or out of service
    Hidden,
    /// Everything
    All,
}

/// Output formats; a table when none is asked for.
#[derive(Debug, Clone, Copy, Default, Args)]
#[group(multiple = false)]
pub struct Format {
    /// Print one JSON array
    #[arg(long)]
    pub json: bool,
    /// Print one JSON object a line
    #[arg(long)]
    pub ndjson: bool,
    /// Print comma-separated values with a header
    #[arg(long)]
    pub csv: bool,
}

/// Arguments of the lists.
#[derive(Debug, Clone, Args)]
pub struct ListArgs {
    /// Output format.
    #[command(flatten)]
    pub format: Format,
    /// Print only rows that pass this filter, e.g. 'sev>=major raised>-2h not owner=anna'
    #[arg(long, short = 'f', value_name = "EXPR")]
    pub filter: Option<String>,
    /// Rows to begin with
    #[arg(long, value_enum, default_value_t)]
    pub scope: ListScope,
    /// Fields to sort by, the most important first; - before a field for largest first
    #[arg(long, short = 's', value_name = "[-]FIELD", value_delimiter = ',', allow_hyphen_values = true)]
    pub sort: Vec<String>,
    /// Print at most so many rows
    #[arg(long, short = 'n', value_name = "N")]
    pub limit: Option<u64>,
    /// Fields to print, in this order
    #[arg(long, value_name = "FIELD", value_delimiter = ',')]
    pub columns: Vec<String>,
    /// Go on printing rows as they change (with --json: one object a line)
    #[arg(long, short = 'w')]
    pub watch: bool,
    /// Ask the sources once before printing, instead of trusting the cache
    #[arg(long)]
    pub fresh: bool,
}

/// Arguments of `jobs`.
#[derive(Debug, Clone, Args)]
pub struct JobsArgs {
    /// One job, with its progress: its id, the beginning of it, or its name
    pub job: Option<String>,
    /// Print the devices of the job
    #[arg(long, short = 'd')]
    pub devices: bool,
    /// As with the other lists.
    #[command(flatten)]
    pub list: ListArgs,
}

/// Arguments of `buffers`.
#[derive(Debug, Clone, Args)]
pub struct BuffersArgs {
    /// One appliance, whole
    pub appliance: Option<String>,
    /// Print its past instead: 10m, 1h, 6h, 24h, 7d or 30d
    #[arg(long, value_enum, value_name = "SPAN", requires = "appliance")]
    pub history: Option<HistorySpan>,
    /// The past of one collector of it
    #[arg(long, value_name = "SERVICE", requires = "history")]
    pub collector: Option<String>,
    /// As with the other lists.
    #[command(flatten)]
    pub list: ListArgs,
}

/// How much of the past is printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum HistorySpan {
    /// Ten minutes, in steps of 10 s
    #[value(name = "10m")]
    TenMinutes,
    /// An hour, in steps of 10 s
    #[value(name = "1h")]
    Hour,
    /// Six hours, in steps of 2 min
    #[value(name = "6h")]
    SixHours,
    /// A day, in steps of 2 min
    #[value(name = "24h")]
    Day,
    /// A week, in steps of 30 min
    #[value(name = "7d")]
    Week,
    /// Thirty days, in steps of 30 min
    #[value(name = "30d")]
    Month,
}

/// Arguments of `health`.
#[derive(Debug, Clone, Args)]
pub struct HealthArgs {
    /// Only these appliances
    pub appliances: Vec<String>,
    /// Print JSON
    #[arg(long, group = "health_format")]
    pub json: bool,
    /// Print lines for people (this is what is printed when nothing else is asked for)
    #[arg(long, group = "health_format")]
    pub human: bool,
    /// Print metrics in the text format of Prometheus
    #[arg(long, group = "health_format")]
    pub prometheus: bool,
    /// Ask the appliances once before printing, instead of trusting the cache
    #[arg(long)]
    pub fresh: bool,
}

/// Arguments of `silences`.
#[derive(Debug, Clone, Args)]
pub struct SilencesArgs {
    /// Only this Alertmanager
    #[arg(long, value_name = "NAME")]
    pub source: Option<String>,
    /// Also those that are over
    #[arg(long)]
    pub all: bool,
    /// Print one JSON array
    #[arg(long)]
    pub json: bool,
}

/// Arguments of `query`.
#[derive(Debug, Clone, Args)]
pub struct QueryArgs {
    /// The expression in PromQL, e.g. 'up == 0'
    #[arg(value_name = "EXPR")]
    pub expr: String,
    /// Values from so long ago until now, e.g. 1h; without it the value now
    #[arg(long, value_name = "TIME")]
    pub range: Option<String>,
    /// Distance of the values, e.g. 1m
    #[arg(long, value_name = "TIME", requires = "range")]
    pub step: Option<String>,
    /// Which source to ask, where several can answer
    #[arg(long, value_name = "NAME")]
    pub source: Option<String>,
    /// Print one JSON array
    #[arg(long)]
    pub json: bool,
}

/// Arguments of `agent`.
#[derive(Debug, Clone, Args)]
pub struct AgentArgs {
    /// Print whether an agent or another noctule works on the cache, and what it does
    #[arg(long)]
    pub status: bool,
    /// Print the status as JSON
    #[arg(long, requires = "status")]
    pub json: bool,
    /// Serve metrics for Prometheus here, e.g. 127.0.0.1:9464 (path /metrics): plain HTTP without a login
    #[arg(long, value_name = "ADDR", conflicts_with = "status")]
    pub metrics: Option<std::net::SocketAddr>,
}

/// Arguments of `run`.
#[derive(Debug, Clone, Args)]
pub struct RunArgs {
    /// The command, e.g. alarm.ack or pon.reboot; `noctule keys` lists them
    pub command: String,
    /// What to run it on: alarm keys, canonical names, source names, or jobs; for cpe.job.create the
    /// file of the request (- for standard input)
    pub targets: Vec<String>,
    /// An argument of the command, e.g. note='splice team is on site'
    #[arg(long = "arg", short = 'a', value_name = "NAME=VALUE", value_parser = pair)]
    pub args: Vec<(String, String)>,
    /// Run it on every row that passes this filter
    #[arg(long, short = 'f', value_name = "EXPR", conflicts_with = "targets")]
    pub filter: Option<String>,
    /// Print what would happen, and do nothing; cpe.job.create asks the server about each device
    #[arg(long)]
    pub dry_run: bool,
    /// Do not ask: needed by every command that asks on the screen
    #[arg(long, short = 'y', conflicts_with = "dry_run")]
    pub yes: bool,
    /// Print the plan or the outcome as JSON
    #[arg(long)]
    pub json: bool,
    /// Print the devices of a dry run as CSV
    #[arg(long, conflicts_with = "json", requires = "dry_run")]
    pub csv: bool,
    /// Wait until the job that came of it is over (job.wait JOB waits for one that runs already)
    #[arg(long, short = 'w')]
    pub wait: bool,
    /// Wait, and print the job as JSON, one line whenever it changes
    #[arg(long)]
    pub watch: bool,
}

impl RunArgs {
    /// The format of rows.
    #[must_use]
    pub const fn format(&self) -> Format {
        Format { json: self.json, ndjson: false, csv: self.csv }
    }
}

fn pair(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once('=').ok_or_else(|| "written NAME=VALUE".to_owned())?;
    Ok((name.trim().to_owned(), value.to_owned()))
}

/// Commands of `config`.
#[derive(Debug, Clone, Subcommand)]
pub enum ConfigCommand {
    /// Check the configuration in force, or one file, and say everything that is wrong with it
    Check {
        /// The file; all layers without one
        #[arg(value_hint = ValueHint::FilePath)]
        file: Option<PathBuf>,
    },
    /// Print a commented example
    Example,
    /// Print the JSON schema, for editors
    Schema,
    /// Print where the files are
    Path,
}
