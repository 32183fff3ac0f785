//! Rows as CSV, JSON and NDJSON, for exports and the headless commands alike.
//!
//! Every text field passes [`text::clean`], so that an escape sequence in a serial number reaches
//! no terminal, however the file is looked at. In CSV a text cell that begins with `=`, `+`, `-`,
//! `@`, tab or carriage return gets a leading apostrophe: a spreadsheet would run it as a formula.
//! Numbers and times are left as they are (`-28.3` dBm stays a number), and so is JSON, which
//! nothing runs.

use std::borrow::Cow;
use std::io::{self, Write};

use serde_json::{Map, Value as Json};

use crate::app::effect::ExportFormat;
use crate::model::field::{FieldSpec, Record, TableSpec, Value};
use crate::model::text;

/// Writes rows in one format.
#[derive(Debug)]
pub struct RowWriter<W: Write> {
    out: W,
    format: ExportFormat,
    fields: Vec<&'static FieldSpec>,
    rows: u64,
}

impl<W: Write> RowWriter<W> {
    /// Begins: the CSV header, the bracket of the JSON array.
    ///
    /// # Errors
    /// Those of the writer.
    pub fn begin(out: W, format: ExportFormat, fields: Vec<&'static FieldSpec>) -> io::Result<Self> {
        let mut writer = Self { out, format, fields, rows: 0 };
        match format {
            ExportFormat::Csv => writer.header()?,
            ExportFormat::Json => writer.out.write_all(b"[")?,
            ExportFormat::Ndjson => {}
        }
        Ok(writer)
    }

    fn header(&mut self) -> io::Result<()> {
        let names: Vec<&str> = self.fields.iter().map(|f| f.name).collect();
        write_record(&mut self.out, &names)
    }

    /// Writes a row.
    ///
    /// # Errors
    /// Those of the writer.
    pub fn row(&mut self, row: &dyn Record) -> io::Result<()> {
        match self.format {
            ExportFormat::Csv => {
                let cells: Vec<String> = self.fields.iter().map(|f| csv_cell(&row.get(f.name))).collect();
                write_record(&mut self.out, &cells)?;
            }
            ExportFormat::Json => {
                self.out.write_all(if self.rows == 0 { b"\n  " } else { b",\n  " })?;
                serde_json::to_writer(&mut self.out, &object(&self.fields, row))?;
            }
            ExportFormat::Ndjson => {
                serde_json::to_writer(&mut self.out, &object(&self.fields, row))?;
                self.out.write_all(b"\n")?;
            }
        }
        self.rows += 1;
        Ok(())
    }

    /// Rows written so far.
    #[must_use]
    pub const fn rows(&self) -> u64 {
        self.rows
    }

    /// Ends: the closing bracket; flushes. Gives the writer back.
    ///
    /// # Errors
    /// Those of the writer.
    pub fn end(mut self) -> io::Result<W> {
        if self.format == ExportFormat::Json {
            self.out.write_all(if self.rows == 0 { b"]\n" } else { b"\n]\n" })?;
        }
        self.out.flush()?;
        Ok(self.out)
    }
}

/// A row as a JSON object, its fields in order.
#[must_use]
pub fn object(fields: &[&'static FieldSpec], row: &dyn Record) -> Map<String, Json> {
    fields.iter().map(|f| (f.name.to_owned(), json(&row.get(f.name)))).collect()
}

/// A value as JSON, its text sanitised.
#[must_use]
pub fn json(value: &Value<'_>) -> Json {
    match value {
        Value::Text(t) => Json::from(text::clean(t).into_owned()),
        other => other.to_json(),
    }
}

fn csv_cell(value: &Value<'_>) -> String {
    match value {
        Value::Text(t) => guarded(text::clean(t)),
        other => other.to_plain().into_owned(),
    }
}

/// Keeps a spreadsheet from running the text as a formula.
pub(super) fn guarded(cell: Cow<'_, str>) -> String {
    if cell.starts_with(['=', '+', '-', '@', '\t', '\r']) { format!("'{cell}") } else { cell.into_owned() }
}

pub(super) fn write_record<T: AsRef<[u8]>>(out: &mut impl Write, cells: &[T]) -> io::Result<()> {
    let mut line = csv::WriterBuilder::new().from_writer(Vec::new());
    line.write_record(cells).map_err(io::Error::other)?;
    out.write_all(&line.into_inner().map_err(|e| io::Error::other(e.to_string()))?)
}

/// A column that does not exist.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{table} has no column `{name}`{hint}")]
pub struct NoSuchColumn {
    /// Table.
    pub table: &'static str,
    /// What was asked for.
    pub name: String,
    /// `; did you mean …`, or nothing.
    pub hint: String,
}

/// The fields called `names` (or an alias), in that order; all of the table when empty.
///
/// # Errors
/// [`NoSuchColumn`] for the first unknown one, with the nearest known name.
pub fn columns<S: AsRef<str>>(table: &'static TableSpec, names: &[S]) -> Result<Vec<&'static FieldSpec>, NoSuchColumn> {
    if names.is_empty() {
        return Ok(table.fields.iter().collect());
    }
    names.iter().map(|name| column(table, name.as_ref())).collect()
}

/// The field called `name`, or an alias of it.
///
/// # Errors
/// [`NoSuchColumn`], with the nearest known name.
pub fn column(table: &'static TableSpec, name: &str) -> Result<&'static FieldSpec, NoSuchColumn> {
    table.field(name).ok_or_else(|| {
        let near = table
            .fields
            .iter()
            .map(|f| (strsim::damerau_levenshtein(f.name, name), f.name))
            .min()
            .filter(|(distance, _)| *distance <= 3);
        NoSuchColumn {
            table: table.name,
            name: text::clean(name).into_owned(),
            hint: near.map_or_else(String::new, |(_, n)| format!("; did you mean `{n}`?")),
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::tables::SOURCES;

    struct Row(&'static str, f64);

    impl Record for Row {
        fn get(&self, field: &str) -> Value<'_> {
            match field {
                "name" => Value::text(self.0),
                "skew_ms" => Value::Float(self.1),
                _ => Value::None,
            }
        }
    }

    fn write(format: ExportFormat, rows: &[Row]) -> String {
        let fields = columns(&SOURCES, &["name", "skew_ms"]).unwrap();
        let mut writer = RowWriter::begin(Vec::new(), format, fields).unwrap();
        for row in rows {
            writer.row(row).unwrap();
        }
        String::from_utf8(writer.end().unwrap()).unwrap()
    }

    #[test]
    fn csv_defuses_formulas_in_text_and_leaves_numbers_alone() {
        let text = write(ExportFormat::Csv, &[Row("=1+1", -28.3), Row("a,\"b\"", 0.0)]);
        assert_eq!(text, "name,skew_ms\n'=1+1,-28.3\n\"a,\"\"b\"\"\",0\n");
    }

    #[test]
    fn json_is_an_array_even_when_empty() {
        assert_eq!(write(ExportFormat::Json, &[]), "[]\n");
        let text = write(ExportFormat::Json, &[Row("a", 1.5), Row("b", 2.0)]);
        let back: Json = serde_json::from_str(&text).unwrap();
        assert_eq!(back, serde_json::json!([{"name": "a", "skew_ms": 1.5}, {"name": "b", "skew_ms": 2.0}]));
    }

    #[test]
    fn escape_sequences_do_not_get_through() {
        for format in [ExportFormat::Csv, ExportFormat::Json, ExportFormat::Ndjson] {
            let text = write(format, &[Row("BBSM\u{1b}[31m\u{202e}1", 0.0)]);
            assert!(!text.contains('\u{1b}') && !text.contains("u001b") && !text.contains('\u{202e}'), "{text:?}");
        }
    }

    #[test]
    fn an_unknown_column_names_the_nearest() {
        let error = column(&SOURCES, "helth").unwrap_err();
        assert!(error.to_string().contains("`health`"), "{error}");
    }
}
