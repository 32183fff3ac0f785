//! From the arguments of a list to the question for the cache, every mistake named.

use std::sync::Arc;

use super::super::args::{Format, ListArgs, ListScope};
use super::super::exit::Failure;
use crate::model::field::{FieldSpec, TableSpec};
use crate::model::page::{PageRequest, Scope, Sort, Table};
use crate::model::query::{Query, QueryError};
use crate::model::tables;
use crate::model::text;
use crate::model::time::Ts;
use crate::workers::rows::{column, columns};

/// What is printed, and how.
pub(crate) struct Ask {
    /// The rows.
    pub(crate) request: PageRequest,
    /// The fields, in order.
    pub(crate) fields: Vec<&'static FieldSpec>,
    /// At most so many rows.
    pub(crate) limit: u64,
    /// The format.
    pub(crate) format: Output,
}

/// Formats of the headless commands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Output {
    Text,
    Json,
    Ndjson,
    Csv,
}

/// Fields of the text table when none are named: what fits a line.
const fn usual(table: Table) -> &'static [&'static str] {
    match table {
        Table::Alarms => &["severity", "state", "raised_at", "resource", "type", "text", "owner"],
        Table::Nodes => {
            &["id", "kind", "name", "admin_state", "oper_status", "connect_status", "reason", "rx_dbm", "alarms"]
        }
        Table::Sources => {
            &["name", "kind", "health", "breaker", "latency_ms", "last_ok", "devices", "alarms", "last_error"]
        }
        Table::Cpes => {
            &["serial", "model", "firmware", "online", "last_inform", "rx_dbm", "ip", "faults", "tags", "subscriber"]
        }
        Table::Jobs => {
            &["id", "name", "work", "dry_run", "phase", "through", "total", "failed", "actor", "created_at", "why"]
        }
        Table::JobDevices => &["serial", "model", "wave", "state", "attempt", "changed_at", "why"],
        Table::Faults => &["at", "code", "message", "parameter", "why", "serial", "model", "channel", "retries"],
        Table::Stored => &["kind", "name", "what", "when", "bytes", "version", "source"],
        Table::Appliances => &[
            "name",
            "verdict",
            "contact",
            "fill_pct",
            "records",
            "pending",
            "in_per_s",
            "out_per_s",
            "coverage_s",
            "full_in_s",
            "loss_in_s",
            "lost_day",
            "replay",
            "uplink",
            "response_ms",
            "why",
        ],
        Table::Vms => &[
            "host",
            "name",
            "state",
            "reason",
            "cpu_pct",
            "memory_bytes",
            "memory_max_bytes",
            "disk_physical_bytes",
            "uptime_s",
            "snapshots",
            "last_backup",
            "job",
            "trouble",
        ],
        Table::Collectors => &[
            "appliance",
            "name",
            "process",
            "flow",
            "ports",
            "records",
            "pending",
            "in_per_s",
            "out_per_s",
            "last_data",
            "restarts",
        ],
        Table::Log => &["at", "kind", "source", "what", "target", "status", "duration_ms", "actor", "text"],
    }
}

/// Reads the arguments.
pub(crate) fn ask(table: Table, args: &ListArgs, now: Ts) -> Result<Ask, Failure> {
    let spec = tables::spec(table);
    let format = format(args.format);
    if args.watch && format == Output::Csv {
        return Err(Failure::usage("--watch has no --csv: rows that go away have no line there; use --ndjson"));
    }
    let fields = if args.columns.is_empty() && format == Output::Text {
        columns(spec, usual(table))
    } else {
        columns(spec, &args.columns)
    };
    Ok(Ask {
        request: PageRequest {
            scope: scope(args.scope),
            sort: args.sort.iter().map(|text| sort(spec, text)).collect::<Result<_, _>>()?,
            ..rows(table, args.filter.as_deref(), now)?
        },
        fields: fields.map_err(|e| Failure::usage(format!("--columns: {e}")))?,
        limit: args.limit.unwrap_or(u64::MAX),
        format,
    })
}

/// The format asked for.
pub(crate) const fn format(format: Format) -> Output {
    match format {
        Format { json: true, .. } => Output::Json,
        Format { ndjson: true, .. } => Output::Ndjson,
        Format { csv: true, .. } => Output::Csv,
        Format { .. } => Output::Text,
    }
}

/// The rows of a filter, in the table's own order.
pub(crate) fn rows(table: Table, text: Option<&str>, now: Ts) -> Result<PageRequest, Failure> {
    let filter = text.map(|text| filter(text, table)).transpose()?.flatten();
    Ok(PageRequest::all(table, Scope::Open, filter, now))
}

const fn scope(scope: ListScope) -> Scope {
    match scope {
        ListScope::Open => Scope::Open,
        ListScope::Hidden => Scope::Hidden,
        ListScope::All => Scope::All,
    }
}

/// Parses a filter; an empty one is none. A mistake is pointed at.
pub(crate) fn filter(text: &str, table: Table) -> Result<Option<Arc<Query>>, Failure> {
    if text.trim().is_empty() {
        return Ok(None);
    }
    Query::parse(text, table).map(|q| Some(Arc::new(q))).map_err(|error| Failure::usage(pointed(text, &error)))
}

fn pointed(filter: &str, error: &QueryError) -> String {
    let shown: String = filter.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    let lead: String = shown.chars().take(error.at).collect();
    let meant: String = shown.chars().skip(error.at).take(error.len.max(1)).collect();
    let marks = text::width(&meant).max(1);
    format!("--filter: {error}\n  {}\n  {}{}", text::clean(&shown), " ".repeat(text::width(&lead)), "^".repeat(marks))
}

fn sort(spec: &'static TableSpec, text: &str) -> Result<Sort, Failure> {
    let (name, desc) = text.strip_prefix('-').map_or((text, false), |rest| (rest, true));
    let field = column(spec, name.trim()).map_err(|e| Failure::usage(format!("--sort: {e}")))?;
    if !field.sortable {
        let known: Vec<&str> = spec.fields.iter().filter(|f| f.sortable).map(|f| f.name).collect();
        return Err(Failure::usage(format!(
            "--sort: {} cannot be sorted by `{}`: use {}",
            spec.name,
            field.name,
            known.join(", ")
        )));
    }
    Ok(Sort { field: field.name, desc })
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;

    use super::*;
    use crate::cli::args::{Cli, Command};

    fn asked(args: &[&str]) -> Result<Ask, Failure> {
        let line = ["noctule", "alarms"].iter().chain(args);
        let Some(Command::Alarms(args)) = Cli::try_parse_from(line).unwrap().command else { panic!("alarms") };
        ask(Table::Alarms, &args, Ts(1))
    }

    fn refused(args: &[&str]) -> String {
        asked(args).err().expect("refused").message
    }

    #[test]
    fn json_has_all_fields_and_text_the_usual_ones() {
        let json = asked(&["--json"]).unwrap();
        assert_eq!(json.fields.len(), tables::ALARMS.fields.len());
        assert_eq!(asked(&[]).unwrap().fields.len(), usual(Table::Alarms).len());
        let some = asked(&["--columns", "key,sev"]).unwrap();
        assert_eq!(some.fields.iter().map(|f| f.name).collect::<Vec<_>>(), ["key", "severity"]);
    }

    #[test]
    fn the_usual_fields_exist() {
        for table in
            [Table::Alarms, Table::Nodes, Table::Cpes, Table::Jobs, Table::JobDevices, Table::Sources, Table::Log]
        {
            columns(tables::spec(table), usual(table)).unwrap();
        }
    }

    #[test]
    fn sorting_takes_a_minus_and_names_what_can_be_sorted() {
        let sort = asked(&["--sort", "-severity,raised"]).unwrap().request.sort;
        assert_eq!(sort, [Sort { field: "severity", desc: true }, Sort { field: "raised_at", desc: false }]);
        assert!(refused(&["--sort", "text"]).contains("severity"));
        assert!(refused(&["--sort", "sevrity"]).contains("did you mean `severity`"));
    }

    #[test]
    fn a_mistake_in_the_filter_is_pointed_at() {
        let message = refused(&["--filter", "sev>=major and and"]);
        assert!(message.contains("sev>=major and and") && message.contains('^'), "{message}");
    }

    #[test]
    fn watching_has_no_csv() {
        assert!(refused(&["--watch", "--csv"]).contains("--ndjson"));
    }
}
