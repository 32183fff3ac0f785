//! What can be done to telemetry appliances and their services: what a command means, its plan with
//! what the appliance says now, and its run.
//!
//! An appliance's configuration is in no cache, so plans ask the appliance. Every way through here
//! sends whole objects only, refuses what would kill the service, and believes nothing that it has
//! not read back.

mod past;
mod plan;
mod run;

use std::sync::Arc;

use crate::model::appliance::config::{Edit, Refusal};
use crate::model::appliance::{ApplianceRow, CollectorRow};
use crate::model::command::{Args, Intent, Targets};
use crate::model::page::Table;
use crate::model::text;
use crate::store::Store;

use super::source::{SourceHandle, Sources};
use super::targets::Tally;
use super::verb::{VerbError, table_of};

pub use past::remember;
pub(super) use plan::add as add_preview;
pub use plan::plan;
pub use run::run;

/// What a plan says about one appliance beside counts and names.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Preview {
    /// The equivalent calls.
    pub calls: Vec<String>,
    /// What changes, as a difference.
    pub diff: Vec<String>,
    /// What cannot be undone.
    pub irreversible: Vec<String>,
    /// What else to know.
    pub notes: Vec<String>,
}

/// A verb with its arguments.
#[derive(Debug, Clone, PartialEq)]
pub enum ApplianceVerb {
    /// Deletes records past their time.
    CleanUp,
    /// Sends buffered records on, now.
    Forward,
    /// Changes the configuration of the buffer service.
    Configure(Vec<Edit>),
    /// Moves ports of collectors, and restarts what has to take them up.
    MovePorts(Vec<(String, u16)>),
    /// Says what moving ports would meet with, and does nothing.
    PlanPorts(Vec<(String, u16)>),
    /// Asks now instead of at its next turn.
    Poll,
    /// Restarts a service.
    Restart {
        /// Also within the pause after the last restart.
        force: bool,
    },
}

/// The commands.
const COMMANDS: [&str; 10] = [
    "buffer.cleanup",
    "buffer.forward",
    "buffer.config",
    "buffer.retention",
    "buffer.compression",
    "buffer.poll",
    "port.plan",
    "port.apply",
    "service.restart",
    "service.restart-force",
];

/// Whether a command is about appliances.
#[must_use]
pub fn is(command: &str) -> bool {
    COMMANDS.contains(&command)
}

impl ApplianceVerb {
    /// Reads a command and its arguments; `None` when it is none of these.
    ///
    /// # Errors
    /// When an argument is missing or wrong.
    pub fn parse(command: &'static str, args: &Args) -> Result<Option<Self>, VerbError> {
        let get = |name: &str| args.get(name).map_or("", |v| v.trim());
        let need = |arg: &'static str, what: &'static str| match get(arg) {
            "" => Err(VerbError::Missing { command, arg, what }),
            value => Ok(value),
        };
        let wrong = |why: String| VerbError::Wrong { command, why };
        let refused = |e: Refusal| wrong(e.to_string());
        Ok(Some(match command {
            "buffer.cleanup" => Self::CleanUp,
            "buffer.forward" => Self::Forward,
            "buffer.config" => {
                let lines = need("set", "what to change: key=value, or services.NAME.key=value, one a line")?;
                let edits = settings(lines).map(|line| match line {
                    "restore-services" => Ok(Edit::RestoreServices),
                    line => Edit::parse(line),
                });
                Self::Configure(edits.collect::<Result<_, _>>().map_err(refused)?)
            }
            "buffer.retention" => {
                let service = need("service", "the service whose records are kept so long")?;
                let hours = need("hours", "how many hours its records are kept")?;
                Self::Configure(vec![
                    Edit::parse(&format!("services.{service}.retention_hours={hours}")).map_err(refused)?,
                ])
            }
            "buffer.compression" => {
                let service = need("service", "the service whose records are compressed so")?;
                let mode = need("mode", "none, gzip or zstd")?;
                Self::Configure(vec![
                    Edit::parse(&format!("services.{service}.compression_mode={mode}")).map_err(refused)?,
                ])
            }
            "buffer.poll" => Self::Poll,
            "port.plan" | "port.apply" => {
                let lines = need("set", "which ports to move: collection.syslog.port=1515, blanks between several")?;
                let ports = settings(lines).flat_map(str::split_whitespace).map(|line| {
                    let (path, port) = line
                        .split_once('=')
                        .ok_or_else(|| wrong(format!("`{}` is not PATH=PORT", text::clean(line))))?;
                    let port = port.trim().parse().ok().filter(|p| *p > 0);
                    let port = port
                        .ok_or_else(|| wrong(format!("`{}`: a port is a number from 1 to 65535", text::clean(line))))?;
                    Ok((path.trim().to_owned(), port))
                });
                let ports = ports.collect::<Result<_, VerbError>>()?;
                if command == "port.plan" { Self::PlanPorts(ports) } else { Self::MovePorts(ports) }
            }
            "service.restart-force" => Self::Restart { force: true },
            "service.restart" => match get("force") {
                "" | "no" | "false" => Self::Restart { force: false },
                "yes" | "true" => Self::Restart { force: true },
                other => return Err(wrong(format!("force is yes or no, not `{}`", text::clean(other)))),
            },
            _ => return Ok(None),
        }))
    }

    /// Table it works on.
    #[must_use]
    pub const fn table(&self) -> Table {
        match self {
            Self::Restart { .. } => Table::Collectors,
            _ => Table::Appliances,
        }
    }

    /// Title of its plan, and what was done, before a count.
    const fn words(&self) -> (&'static str, &'static str) {
        match self {
            Self::CleanUp => ("Clean up", "cleaned up"),
            Self::Forward => ("Forward the buffer of", "forwarding the buffer of"),
            Self::Configure(_) => ("Configure the buffer of", "configured the buffer of"),
            Self::MovePorts(_) => ("Move ports of", "moved ports of"),
            Self::PlanPorts(_) => ("Plan a move of ports of", "looked at ports of"),
            Self::Poll => ("Look at", "looked at"),
            Self::Restart { .. } => ("Restart", "restarted"),
        }
    }
}

/// Settings of an argument: one a line, or with `;` between them.
fn settings(text: &str) -> impl Iterator<Item = &str> {
    text.split(['\n', ';']).map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'))
}

/// One thing that a verb is done to.
#[derive(Debug, Clone)]
enum Target {
    Appliance(Box<ApplianceRow>),
    Service(Box<CollectorRow>),
}

impl Target {
    fn source(&self) -> &str {
        match self {
            Self::Appliance(row) => &row.source,
            Self::Service(row) => &row.source,
        }
    }

    /// The service; `None` for the appliance itself.
    fn service(&self) -> Option<&str> {
        match self {
            Self::Appliance(_) => None,
            Self::Service(row) => Some(&row.state.name),
        }
    }

    /// As it is called in plans and outcomes.
    fn label(&self) -> String {
        match self {
            Self::Appliance(row) => text::clean(&row.source).into_owned(),
            Self::Service(row) => text::clean(&format!("{} of {}", row.state.name, row.source)).into_owned(),
        }
    }

    /// Its canonical name, for the record of the command.
    fn canonical(&self) -> &str {
        match self {
            Self::Appliance(row) => &row.source,
            Self::Service(row) => &row.canonical,
        }
    }
}

/// What a command will be done to.
struct Wish {
    verb: Arc<ApplianceVerb>,
    targets: Vec<(Target, SourceHandle)>,
    tally: Tally,
}

/// Most targets of one command: each is asked before and after.
const MANY: usize = 1_000;

impl Wish {
    /// Looks the targets up. Blocks on the cache.
    async fn of(store: &Store, sources: &Sources, intent: &Intent) -> Result<Self, String> {
        let verb = ApplianceVerb::parse(intent.command, &intent.args).map_err(|e| e.to_string())?;
        let verb = verb.ok_or_else(|| format!("`{}` is no command for appliances", intent.command))?;
        let targets = targets(intent, verb.table())?;
        let (store, wanted, table) = (store.clone(), targets.clone(), verb.table());
        let read = crate::workers::blocking(move || -> Result<Vec<Target>, String> {
            let mut reader = store.reader().map_err(|e| e.to_string())?;
            Ok(if table == Table::Collectors {
                let rows = reader.collectors(&wanted, MANY + 1).map_err(|e| e.to_string())?;
                rows.into_iter().map(|row| Target::Service(Box::new(row))).collect()
            } else {
                let rows = reader.appliances(&wanted, MANY + 1).map_err(|e| e.to_string())?;
                rows.into_iter().map(|row| Target::Appliance(Box::new(row))).collect()
            })
        });
        let found = read.await??;
        if found.len() > MANY {
            return Err(format!("more than {MANY} targets: narrow the filter"));
        }
        let mut wish = Self { verb: Arc::new(verb), targets: Vec::new(), tally: Tally::default() };
        let asked = match &targets {
            Targets::Rows(_, ids) => ids.len(),
            Targets::Names(_, names) => names.len(),
            Targets::None | Targets::Filter { .. } => 0,
        };
        wish.tally.skip_many(super::targets::NOT_CACHED, asked.saturating_sub(found.len()) as u64);
        for target in found {
            match sources.get(target.source()).filter(|s| s.is_appliance()) {
                Some(source) => {
                    wish.tally.take(|| target.label());
                    wish.targets.push((target, source.clone()));
                }
                None => wish.tally.skip("not in this configuration"),
            }
        }
        Ok(wish)
    }
}

/// The targets, of the table that the verb works on. Sources stand for their appliances.
fn targets(intent: &Intent, table: Table) -> Result<Targets, String> {
    match (&intent.targets, table_of(&intent.targets)) {
        (Targets::None, _) => {
            Err(format!("`{}` needs something to work on: a row, a name or a filter", intent.command))
        }
        (Targets::Rows(_, ids), Some(Table::Sources)) if table == Table::Appliances => {
            Ok(Targets::Rows(Table::Appliances, ids.clone()))
        }
        (Targets::Names(_, names), Some(Table::Sources)) if table == Table::Appliances => {
            Ok(Targets::Names(Table::Appliances, names.clone()))
        }
        (targets, Some(given)) if given == table => Ok(targets.clone()),
        (_, _) => {
            let wanted = if table == Table::Collectors { "services of appliances" } else { "appliances" };
            Err(format!("`{}` works on {wanted}", intent.command))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(command: &'static str, args: &[(&str, &str)]) -> Result<Option<ApplianceVerb>, VerbError> {
        ApplianceVerb::parse(command, &args.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect())
    }

    #[test]
    fn commands_are_read_with_their_arguments() {
        assert_eq!(parse("buffer.cleanup", &[]).unwrap(), Some(ApplianceVerb::CleanUp));
        let set =
            "max_buffer_size_mb=2000\n# a remark\nservices.vector.retention_hours=24; overflow_action=drop_oldest";
        let Some(ApplianceVerb::Configure(edits)) = parse("buffer.config", &[("set", set)]).unwrap() else {
            panic!("no edits")
        };
        assert_eq!(edits.len(), 3);
        let one = parse("buffer.retention", &[("service", "vector"), ("hours", "24")]).unwrap();
        assert_eq!(one, Some(ApplianceVerb::Configure(vec![edits[1].clone()])));
        let ports = parse("port.apply", &[("set", "collection.syslog.port=1515")]).unwrap();
        assert_eq!(ports, Some(ApplianceVerb::MovePorts(vec![("collection.syslog.port".into(), 1515)])));
        assert_eq!(parse("alarm.ack", &[]).unwrap(), None);
        for command in COMMANDS {
            assert!(is(command), "{command}");
        }
    }

    #[test]
    fn what_cannot_be_meant_is_told() {
        let told = |command: &'static str, args: &[(&str, &str)]| parse(command, args).unwrap_err().to_string();
        assert!(told("buffer.config", &[]).contains("set"));
        assert!(told("buffer.config", &[("set", "max_buffer_size=1")]).contains("max_buffer_size"));
        assert!(told("buffer.retention", &[("service", "vector"), ("hours", "soon")]).contains("hours"));
        assert!(told("port.apply", &[("set", "collection.syslog.port=0")]).contains("1 to 65535"));
        assert!(told("port.apply", &[("set", "collection.syslog.port")]).contains("PATH=PORT"));
        assert!(told("service.restart", &[("force", "perhaps")]).contains("yes or no"));
    }

    #[test]
    fn sources_stand_for_their_appliances_but_not_for_services() {
        let intent = |command, table| Intent {
            command,
            targets: Targets::Names(table, vec!["raven-1".into()]),
            args: Args::new(),
            actor: String::new(),
        };
        let given = targets(&intent("buffer.cleanup", Table::Sources), Table::Appliances).unwrap();
        assert_eq!(given, Targets::Names(Table::Appliances, vec!["raven-1".into()]));
        assert!(targets(&intent("service.restart", Table::Sources), Table::Collectors).is_err());
    }
}
