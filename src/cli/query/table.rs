//! Rows as a table of text: aligned, sanitised, and on a terminal no wider than it is.
//!
//! Widths are taken from the first rows only, so that a million rows stream through without being
//! kept; a later cell that is wider is clipped on a terminal and sticks out in a pipe.

use std::borrow::Cow;
use std::io::{self, Write};

use crate::model::field::{FieldKind, FieldSpec, Record, Value};
use crate::model::text;

/// How many rows the widths are taken from.
const SAMPLE: usize = 500;
/// No column is squeezed below this.
const NARROW: usize = 6;
/// Between columns.
const GAP: &str = "  ";

/// How a table looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Look {
    /// Columns of the terminal; `None` in a pipe, where nothing is clipped.
    pub(crate) width: Option<usize>,
    /// What stands for clipped text.
    pub(crate) ellipsis: &'static str,
    /// Whether to print the header.
    pub(crate) header: bool,
}

/// Writes a table.
pub(crate) struct TextTable<W: Write> {
    out: W,
    look: Look,
    fields: Vec<&'static FieldSpec>,
    /// Rows kept until the widths are settled, with what stands before them.
    sample: Vec<(String, Vec<String>)>,
    /// What stands before the next rows.
    lead: String,
    widths: Option<Vec<usize>>,
}

impl<W: Write> TextTable<W> {
    pub(crate) const fn new(out: W, look: Look, fields: Vec<&'static FieldSpec>) -> Self {
        Self { out, look, fields, sample: Vec::new(), lead: String::new(), widths: None }
    }

    /// Adds a row.
    pub(crate) fn row(&mut self, row: &dyn Record) -> io::Result<()> {
        let cells: Vec<String> = self.fields.iter().map(|f| cell(&row.get(f.name)).into_owned()).collect();
        if self.widths.is_some() {
            return self.print(&self.lead.clone(), &cells);
        }
        self.sample.push((self.lead.clone(), cells));
        if self.sample.len() >= SAMPLE { self.settle() } else { Ok(()) }
    }

    /// Sets what stands before the rows that follow. All leads are of one width.
    pub(crate) fn begin_with(&mut self, lead: String) {
        self.lead = lead;
    }

    /// Prints a line that is no row.
    pub(crate) fn line(&mut self, line: &str) -> io::Result<()> {
        self.settle()?;
        writeln!(self.out, "{}", text::clean(line))
    }

    /// Prints what is kept and hands it on.
    pub(crate) fn flush(&mut self) -> io::Result<()> {
        self.settle()?;
        self.out.flush()
    }

    /// Prints what is left.
    pub(crate) fn end(mut self) -> io::Result<W> {
        self.flush()?;
        Ok(self.out)
    }

    /// Settles the widths, prints the header and the rows kept so far.
    fn settle(&mut self) -> io::Result<()> {
        if self.widths.is_some() {
            return Ok(());
        }
        let sample = std::mem::take(&mut self.sample);
        self.widths = Some(self.measure(&sample));
        if self.look.header {
            let header: Vec<String> = self.fields.iter().map(|f| f.header.to_owned()).collect();
            self.print(&" ".repeat(text::width(&self.lead)), &header)?;
        }
        sample.iter().try_for_each(|(lead, cells)| self.print(lead, cells))
    }

    fn measure(&self, sample: &[(String, Vec<String>)]) -> Vec<usize> {
        let mut widths: Vec<usize> = self.fields.iter().map(|f| text::width(f.header)).collect();
        for (_, cells) in sample {
            for (width, cell) in widths.iter_mut().zip(cells) {
                *width = (*width).max(text::width(cell));
            }
        }
        if let Some(room) = self.look.width {
            squeeze(&mut widths, room.saturating_sub(text::width(&self.lead)));
        }
        widths
    }

    fn print(&mut self, lead: &str, cells: &[String]) -> io::Result<()> {
        let Some(widths) = &self.widths else { return Ok(()) };
        let mut line = lead.to_owned();
        for (i, (cell, width)) in cells.iter().zip(widths).enumerate() {
            if i > 0 {
                line.push_str(GAP);
            }
            let cell = if self.look.width.is_some() {
                text::clip(cell, *width, self.look.ellipsis)
            } else {
                Cow::Borrowed(cell.as_str())
            };
            let pad = " ".repeat(width.saturating_sub(text::width(&cell)));
            let number = self.fields.get(i).is_some_and(|f| matches!(f.kind, FieldKind::Int | FieldKind::Float));
            if number {
                line.push_str(&pad);
                line.push_str(&cell);
            } else {
                line.push_str(&cell);
                line.push_str(&pad);
            }
        }
        writeln!(self.out, "{}", line.trim_end())
    }
}

/// Takes from the widest column until all fit.
fn squeeze(widths: &mut [usize], room: usize) {
    let gaps = GAP.len() * widths.len().saturating_sub(1);
    loop {
        let sum: usize = widths.iter().sum::<usize>() + gaps;
        let over = sum.saturating_sub(room);
        let mut sorted: Vec<usize> = widths.to_vec();
        sorted.sort_unstable_by(|a, b| b.cmp(a));
        let (Some(&widest), second) = (sorted.first(), sorted.get(1).copied().unwrap_or(0)) else { return };
        if over == 0 || widest <= NARROW {
            return;
        }
        let target = widest.saturating_sub(over).max(second.min(widest - 1)).max(NARROW);
        if let Some(width) = widths.iter_mut().find(|w| **w == widest) {
            *width = target;
        }
    }
}

/// A value as a cell: one line, sanitised, times to the second.
fn cell<'a>(value: &'a Value<'a>) -> Cow<'a, str> {
    match value {
        Value::Text(t) => text::clean(t),
        Value::Time(t) => {
            t.to_utc().map_or_else(String::new, |t| t.to_rfc3339_opts(chrono::SecondsFormat::Secs, true)).into()
        }
        Value::Float(x) => format!("{x:.1}").into(),
        Value::Bool(b) => if *b { "yes" } else { "no" }.into(),
        other => Cow::Owned(other.to_plain().into_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::tables::SOURCES;
    use crate::workers::rows::columns;

    struct Row(&'static str, i64);

    impl Record for Row {
        fn get(&self, field: &str) -> Value<'_> {
            match field {
                "name" => Value::text(self.0),
                "queue" => Value::Int(self.1),
                _ => Value::None,
            }
        }
    }

    fn render(width: Option<usize>, rows: &[Row]) -> String {
        let fields = columns(&SOURCES, &["name", "queue"]).unwrap();
        let look = Look { width, ellipsis: "…", header: true };
        let mut table = TextTable::new(Vec::new(), look, fields);
        for row in rows {
            table.row(row).unwrap();
        }
        String::from_utf8(table.end().unwrap()).unwrap()
    }

    #[test]
    fn columns_line_up_and_numbers_stand_right() {
        let text = render(None, &[Row("voltha-1", 7), Row("v2", 1234)]);
        assert_eq!(text, "Source    Queue\nvoltha-1      7\nv2         1234\n");
    }

    #[test]
    fn a_terminal_is_never_overrun() {
        let text = render(Some(16), &[Row("a-very-long-name-of-a-source", 7), Row("日本語日本語日本語", 1)]);
        for line in text.lines() {
            assert!(text::width(line) <= 16, "{line:?}");
        }
        assert!(text.contains('…'));
    }

    #[test]
    fn a_pipe_gets_whole_cells_without_escapes() {
        let text = render(None, &[Row("a-very-long-name-of-a-source\u{1b}[2J", 7)]);
        assert!(text.contains("a-very-long-name-of-a-source") && !text.contains('\u{1b}'));
    }

    #[test]
    fn squeezing_ends() {
        for room in 0..60 {
            let mut widths = vec![40, 3, 17, 17, 9];
            squeeze(&mut widths, room);
            assert!(widths.iter().all(|w| *w >= 3));
        }
    }
}
