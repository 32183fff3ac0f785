//! One writer for all formats.

use std::io::{self, IsTerminal as _, Write};

use super::ask::Output;
use super::table::{Look, TextTable};
use crate::app::effect::ExportFormat;
use crate::config::Vars;
use crate::model::field::{FieldSpec, Record};
use crate::workers::rows::RowWriter;

/// Rows in the format asked for.
pub(crate) enum Printer<W: Write> {
    Text(TextTable<W>),
    Rows(RowWriter<W>),
}

impl<W: Write> Printer<W> {
    pub(crate) fn begin(out: W, format: Output, fields: Vec<&'static FieldSpec>, look: Look) -> io::Result<Self> {
        let format = match format {
            Output::Text => return Ok(Self::Text(TextTable::new(out, look, fields))),
            Output::Json => ExportFormat::Json,
            Output::Ndjson => ExportFormat::Ndjson,
            Output::Csv => ExportFormat::Csv,
        };
        RowWriter::begin(out, format, fields).map(Self::Rows)
    }

    pub(crate) fn row(&mut self, row: &dyn Record) -> io::Result<()> {
        match self {
            Self::Text(table) => table.row(row),
            Self::Rows(rows) => rows.row(row),
        }
    }

    pub(crate) fn end(self) -> io::Result<W> {
        match self {
            Self::Text(table) => table.end(),
            Self::Rows(rows) => rows.end(),
        }
    }
}

/// How tables look on this standard output.
pub(crate) fn look(vars: &Vars) -> Look {
    let out = io::stdout();
    let width = if out.is_terminal() {
        rustix::termios::tcgetwinsize(&out).ok().map(|size| usize::from(size.ws_col)).filter(|columns| *columns > 0)
    } else {
        None
    };
    let locale = ["LC_ALL", "LC_CTYPE", "LANG"].into_iter().find_map(|name| vars.get(name)).unwrap_or_default();
    let unicode = locale.to_ascii_uppercase().replace('-', "").contains("UTF8");
    Look { width, ellipsis: if unicode { "…" } else { "~" }, header: true }
}
