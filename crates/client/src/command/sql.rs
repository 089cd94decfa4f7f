//! `clewline sql`: one statement, a script from standard input, or a prompt.

use super::query::{copy, for_each_line};
use super::sql_prompt;
use crate::error::CliError;
use crate::global::Global;
use crate::http::Server;
use crate::output::{Format, RowPrinter};
use crate::terminal::{Out, Terminal};
use std::io::{BufReader, IsTerminal, Read};

const EXAMPLES: &str = "\
Examples:
  clewline sql \"SELECT service, count(*) AS n FROM logs GROUP BY service ORDER BY n DESC\"
  clewline sql \"SELECT * FROM spans WHERE status = 'error' LIMIT 10\" -o json
  clewline sql \"SELECT * FROM logs\" -o parquet > logs.parquet
  clewline sql < report.sql
  clewline sql                      a prompt: \\d  \\d logs  \\timing  \\x  \\q

Tables: logs, spans, metrics.
Exit codes: 0 answered, 1 refused, 2 usage, 3 no server.";

/// Arguments of `clewline sql`.
#[derive(Debug, Clone, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct SqlArgs {
    /// The statement; without it a prompt opens, or statements are read from standard input
    #[arg(value_name = "STATEMENT")]
    pub statement: Option<String>,
    /// Output format
    #[arg(long, short = 'o', value_enum, value_name = "FORMAT")]
    pub output: Option<Format>,
}

/// Runs the statement, the script or the prompt.
pub(crate) fn run(args: SqlArgs, global: &Global) -> Result<(), CliError> {
    let terminal = Terminal::of_stdout(global);
    let server = Server::of(global)?;
    let text = match args.statement {
        Some(statement) => statement,
        None if std::io::stdin().is_terminal() => return sql_prompt::run(&server, global, args.output),
        None => {
            let mut text = String::new();
            std::io::stdin().lock().read_to_string(&mut text)?;
            text
        }
    };
    let format = Format::or_default(args.output, &terminal)?;
    let statements = split_statements(&text);
    if statements.is_empty() {
        return Err(CliError::usage("there is no statement", "for example: clewline sql 'SELECT count(*) FROM logs'"));
    }
    let mut out = Out::stdout();
    for statement in statements {
        print(&server, &statement, format, &terminal, &mut out)?;
    }
    Ok(())
}

/// Sends one statement and prints its rows; returns how many, 0 for raw formats.
pub(crate) fn print(
    server: &Server,
    statement: &str,
    format: Format,
    terminal: &Terminal,
    out: &mut Out,
) -> Result<u64, CliError> {
    let reply = server.sql(statement, format.wire())?;
    if matches!(format, Format::Csv | Format::Parquet | Format::Arrow) {
        copy(reply.reader(), out)?;
        return Ok(0);
    }
    let mut printer = RowPrinter::new(format, terminal, out);
    for_each_line(&mut BufReader::with_capacity(64 << 10, reply.reader()), &mut |line| printer.line(line))?;
    printer.finish()
}

/// Statements of a text: separated by `;` outside quotes and comments; empty ones left out.
pub(crate) fn split_statements(text: &str) -> Vec<String> {
    let mut statements = Vec::new();
    let mut rest = text;
    while let Some(end) = statement_end(rest) {
        statements.push(rest[..end].trim().to_string());
        rest = &rest[end + 1..];
    }
    statements.push(rest.trim().to_string());
    statements.retain(|statement| !is_blank(statement));
    statements
}

/// Byte offset of the first `;` that ends a statement.
pub(crate) fn statement_end(text: &str) -> Option<usize> {
    let bytes = text.as_bytes();
    let mut at = 0;
    while let Some(byte) = bytes.get(at) {
        at = match byte {
            b';' => return Some(at),
            b'\'' | b'"' => skip_quoted(bytes, at),
            b'-' if bytes.get(at + 1) == Some(&b'-') => skip_to(bytes, at, b"\n"),
            b'/' if bytes.get(at + 1) == Some(&b'*') => skip_to(bytes, at + 2, b"*/"),
            _ => at + 1,
        };
    }
    None
}

/// Behind the closing quote; a doubled quote starts a new quoted stretch, which comes to the same.
fn skip_quoted(bytes: &[u8], open: usize) -> usize {
    let quote = bytes[open];
    let inside = bytes.iter().skip(open + 1).position(|byte| *byte == quote);
    inside.map_or(bytes.len(), |length| open + length + 2)
}

/// Behind the next `mark`.
fn skip_to(bytes: &[u8], from: usize, mark: &[u8]) -> usize {
    let rest = bytes.get(from..).unwrap_or_default();
    rest.windows(mark.len()).position(|window| window == mark).map_or(bytes.len(), |at| from + at + mark.len())
}

/// Nothing but blanks and comments.
fn is_blank(statement: &str) -> bool {
    let bytes = statement.as_bytes();
    let mut at = 0;
    while let Some(byte) = bytes.get(at) {
        at = match byte {
            b'-' if bytes.get(at + 1) == Some(&b'-') => skip_to(bytes, at, b"\n"),
            b'/' if bytes.get(at + 1) == Some(&b'*') => skip_to(bytes, at + 2, b"*/"),
            byte if byte.is_ascii_whitespace() => at + 1,
            _ => return false,
        };
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statements() {
        for (text, expect) in [
            ("SELECT 1", vec!["SELECT 1"]),
            ("SELECT 1; SELECT 2;", vec!["SELECT 1", "SELECT 2"]),
            ("SELECT ';' ; SELECT \"a;b\"", vec!["SELECT ';'", "SELECT \"a;b\""]),
            ("SELECT 'it''s;' ;", vec!["SELECT 'it''s;'"]),
            ("-- a; comment\nSELECT 1 /* ; */;", vec!["-- a; comment\nSELECT 1 /* ; */"]),
            (" ; ;-- only a comment\n", vec![]),
            ("SELECT 'open;", vec!["SELECT 'open;"]),
        ] {
            assert_eq!(split_statements(text), expect, "{text}");
        }
    }
}
