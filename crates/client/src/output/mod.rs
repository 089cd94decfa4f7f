//! Rows to people and to programs: formats, tables, what a record looks like on one line.

pub(crate) mod record;
pub(crate) mod table;
pub(crate) mod width;

use crate::error::CliError;
use crate::terminal::{Out, Terminal};
use serde_json::{Map, Value};

/// One row of a reply.
pub(crate) type Row = Map<String, Value>;

/// Output formats of `query` and `sql`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Format {
    /// Aligned columns, cut to the terminal's width
    Table,
    /// One JSON object a line
    Ndjson,
    /// One JSON array
    Json,
    /// Comma-separated values with a header
    Csv,
    /// Apache Parquet, binary
    Parquet,
    /// Arrow IPC stream, binary
    Arrow,
}

impl Format {
    /// The format to use: what was asked for, else a table on a terminal and NDJSON in a pipe.
    pub(crate) fn or_default(asked: Option<Format>, terminal: &Terminal) -> Result<Format, CliError> {
        let format = asked.unwrap_or(if terminal.is_tty { Format::Table } else { Format::Ndjson });
        if format.is_binary() && terminal.is_tty {
            return Err(CliError::usage(
                "binary output would disturb the terminal",
                "send it to a file: -o parquet > rows.parquet",
            ));
        }
        Ok(format)
    }

    fn is_binary(self) -> bool {
        matches!(self, Format::Parquet | Format::Arrow)
    }

    /// What the server is asked for.
    pub(crate) fn wire(self) -> &'static str {
        match self {
            Format::Table | Format::Ndjson | Format::Json => "ndjson",
            Format::Csv => "csv",
            Format::Parquet => "parquet",
            Format::Arrow => "arrow",
        }
    }
}

/// Takes NDJSON lines and prints them as a table, as lines or as one array.
pub(crate) struct RowPrinter<'a> {
    format: Format,
    out: &'a mut Out,
    table: table::TablePrinter,
    rows: u64,
}

impl<'a> RowPrinter<'a> {
    /// A printer for one answer.
    pub(crate) fn new(format: Format, terminal: &Terminal, out: &'a mut Out) -> Self {
        RowPrinter { format, out, table: table::TablePrinter::new(terminal.clone()), rows: 0 }
    }

    /// Prints one NDJSON line; blank lines are not rows.
    pub(crate) fn line(&mut self, line: &str) -> Result<(), CliError> {
        if line.is_empty() {
            return Ok(());
        }
        self.rows += 1;
        match self.format {
            Format::Table => self.table.row(record::flatten(parse_row(line)?), self.out),
            Format::Json => {
                self.out.bytes(if self.rows == 1 { b"[\n" } else { b",\n" })?;
                self.out.bytes(line.as_bytes())
            }
            _ => self.out.line(line),
        }
    }

    /// Ends the answer.
    pub(crate) fn finish(mut self) -> Result<u64, CliError> {
        match self.format {
            Format::Table => self.table.finish(self.out)?,
            Format::Json if self.rows == 0 => self.out.line("[]")?,
            Format::Json => self.out.line("\n]")?,
            _ => {}
        }
        self.out.flush()?;
        Ok(self.rows)
    }
}

/// One NDJSON line as a row. A line may carry an error that happened after the first rows were sent.
pub(crate) fn parse_row(line: &str) -> Result<Row, CliError> {
    match serde_json::from_str(line) {
        Ok(Value::Object(row)) => Ok(row),
        Ok(_) => Err(CliError::failed("the server sent a line that is not a JSON object")),
        Err(error) => Err(CliError::failed(format!("the server sent a line that is not JSON: {error}"))),
    }
}
