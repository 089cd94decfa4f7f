//! Reports of the server: a document for programs, tables for people.

use serde_json::Value;

use crate::error::CliError;
use crate::global::Global;
use crate::output::{Format, Row, RowPrinter};
use crate::terminal::{Out, Style, Terminal};

/// Output formats of reports.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum ReportFormat {
    /// Aligned columns
    Table,
    /// The server's document, on one line
    Json,
}

impl ReportFormat {
    /// What was asked for, else tables on a terminal and the document in a pipe.
    pub(crate) fn or_default(asked: Option<ReportFormat>, terminal: &Terminal) -> ReportFormat {
        asked.unwrap_or(if terminal.is_tty { ReportFormat::Table } else { ReportFormat::Json })
    }
}

/// Prints the document, or what `tables` makes of it.
pub(crate) fn print(
    document: &Value,
    asked: Option<ReportFormat>,
    global: &Global,
    tables: impl FnOnce(&Value, &mut Tables<'_>) -> Result<(), CliError>,
) -> Result<(), CliError> {
    let terminal = Terminal::of_stdout(global);
    let mut out = Out::stdout();
    match ReportFormat::or_default(asked, &terminal) {
        ReportFormat::Json => out.line(&document.to_string())?,
        ReportFormat::Table => tables(document, &mut Tables { terminal: &terminal, out: &mut out })?,
    }
    out.flush()
}

/// Where the tables of a report go.
pub(crate) struct Tables<'a> {
    terminal: &'a Terminal,
    out: &'a mut Out,
}

impl Tables<'_> {
    /// A line of text.
    pub(crate) fn line(&mut self, text: &str) -> Result<(), CliError> {
        self.out.line(&crate::terminal::escape(text))
    }

    /// A table under a title; nothing without rows.
    pub(crate) fn table(&mut self, title: &str, rows: Vec<Row>) -> Result<(), CliError> {
        if rows.is_empty() {
            return Ok(());
        }
        self.out.line(&self.terminal.paint(Style::Strong, &format!("\n{title}")))?;
        let mut printer = RowPrinter::new(Format::Table, self.terminal, self.out);
        for row in rows {
            printer.line(&Value::Object(row).to_string())?;
        }
        printer.finish().map(drop)
    }
}

/// The list at a pointer; empty where there is none.
pub(crate) fn list<'a>(document: &'a Value, pointer: &str) -> &'a [Value] {
    document.pointer(pointer).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

/// The text at a pointer, `-` where there is none.
pub(crate) fn text(document: &Value, pointer: &str) -> String {
    match document.pointer(pointer) {
        Some(Value::String(text)) => text.clone(),
        None | Some(Value::Null) => "-".to_owned(),
        Some(other) => other.to_string(),
    }
}

/// The whole number at a pointer; 0 where there is none.
pub(crate) fn number(document: &Value, pointer: &str) -> u64 {
    document.pointer(pointer).and_then(Value::as_u64).unwrap_or(0)
}

/// The size at a pointer, for people.
pub(crate) fn size(document: &Value, pointer: &str) -> String {
    document.pointer(pointer).and_then(Value::as_u64).map_or_else(|| "-".to_owned(), size_text)
}

/// A row of named cells.
pub(crate) fn row<const N: usize>(cells: [(&str, Value); N]) -> Row {
    cells.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

/// Bytes with three digits and a unit of 1024.
pub(crate) fn size_text(bytes: u64) -> String {
    let mut value = bytes as f64;
    for unit in ["B", "KiB", "MiB", "GiB", "TiB"] {
        if value < 1_000.0 || unit == "TiB" {
            let digits = if unit == "B" || value >= 100.0 { 0 } else { 1 };
            return format!("{value:.digits$} {unit}");
        }
        value /= 1_024.0;
    }
    String::new()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_short() {
        for (bytes, expect) in
            [(0, "0 B"), (999, "999 B"), (1_000, "1.0 KiB"), (300 << 20, "300 MiB"), (5 << 40, "5.0 TiB")]
        {
            assert_eq!(size_text(bytes), expect);
        }
    }
}
