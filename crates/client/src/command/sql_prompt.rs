//! The interactive prompt of `clewline sql`, after psql: statements end with `;`, commands begin with a backslash.
//!
//! Line editing is the terminal's own; `rlwrap clewline sql` adds history.

use super::sql::{print, statement_end};
use crate::error::CliError;
use crate::global::Global;
use crate::http::Server;
use crate::machine;
use crate::output::{Format, parse_row, record};
use crate::terminal::{Out, Style, Terminal, escape, note};
use crate::time;
use std::io::{BufRead, BufReader};

const HELP: &str = "\
  \\d            tables and how many rows they hold
  \\d TABLE      columns of a table
  \\timing       show how long each statement takes, on or off
  \\x            one line per value instead of one per row, on or off
  \\q            leave
  STATEMENT;    run it (it may span lines)";

struct Prompt<'a> {
    server: &'a Server,
    terminal: Terminal,
    stderr: Terminal,
    format: Format,
    timing: bool,
    expanded: bool,
}

/// Reads statements until `\q` or the end of input. Failed statements are shown and the prompt goes on.
pub(crate) fn run(server: &Server, global: &Global, format: Option<Format>) -> Result<(), CliError> {
    server.must_answer()?;
    let terminal = Terminal::of_stdout(global);
    let format = Format::or_default(format, &terminal)?;
    let stderr = Terminal::of_stderr(global);
    let mut prompt = Prompt { server, terminal, stderr, format, timing: false, expanded: false };
    note(&prompt.stderr.paint(Style::Dim, &format!("connected to {}; \\? for help, \\q to leave", server.base())));
    let mut text = String::new();
    let mut input = std::io::stdin().lock();
    loop {
        ask(if text.trim().is_empty() { "clewline> " } else { "       -> " })?;
        let mut line = String::new();
        if input.read_line(&mut line)? == 0 {
            return Ok(());
        }
        if text.trim().is_empty() && line.trim_start().starts_with('\\') {
            match prompt.command(line.trim()) {
                Ok(true) => return Ok(()),
                Ok(false) => {}
                Err(error) => prompt.complain(error)?,
            }
            text.clear();
            continue;
        }
        text.push_str(&line);
        while let Some(end) = statement_end(&text) {
            let statement = text[..end].trim().to_string();
            text = text[end + 1..].to_string();
            if !statement.is_empty()
                && let Err(error) = prompt.statement(&statement)
            {
                prompt.complain(error)?;
            }
        }
    }
}

fn ask(text: &str) -> Result<(), CliError> {
    let mut out = Out::stdout();
    out.bytes(text.as_bytes())?;
    out.flush()
}

impl Prompt<'_> {
    /// Shows an error; a lost terminal ends the prompt.
    fn complain(&self, error: CliError) -> Result<(), CliError> {
        match error.render(&self.stderr) {
            Some(text) => {
                note(&text);
                Ok(())
            }
            None => Err(error),
        }
    }

    /// A backslash command; true means leave.
    fn command(&mut self, line: &str) -> Result<bool, CliError> {
        let mut words = line.trim_end_matches(';').split_whitespace();
        match (words.next().unwrap_or_default(), words.next()) {
            ("\\q" | "\\quit", _) => return Ok(true),
            ("\\timing", _) => {
                self.timing = !self.timing;
                note(if self.timing { "timing is on" } else { "timing is off" });
            }
            ("\\x", _) => {
                self.expanded = !self.expanded;
                note(if self.expanded { "expanded output is on" } else { "expanded output is off" });
            }
            ("\\d", None) => self.tables()?,
            ("\\d", Some(table)) => self.columns(table)?,
            ("\\?" | "\\h" | "\\help", _) => note(HELP),
            (other, _) => note(&format!("unknown command {}; \\? lists them", escape(other))),
        }
        Ok(false)
    }

    fn statement(&self, statement: &str) -> Result<(), CliError> {
        let started = machine::monotonic();
        let mut out = Out::stdout();
        let rows = if self.expanded {
            self.print_expanded(statement, &mut out)?
        } else {
            print(self.server, statement, self.format, &self.terminal, &mut out)?
        };
        out.flush()?;
        let mut summary = format!("({rows} {})", if rows == 1 { "row" } else { "rows" });
        if self.timing {
            summary.push_str(&format!(" {}", time::duration(started.elapsed().as_nanos() as f64)));
        }
        note(&self.stderr.paint(Style::Dim, &summary));
        Ok(())
    }

    /// One line per value, rows separated by rules.
    fn print_expanded(&self, statement: &str, out: &mut Out) -> Result<u64, CliError> {
        let reply = self.server.sql(statement, Format::Ndjson.wire())?;
        let mut number = 0;
        super::query::for_each_line(&mut BufReader::new(reply.reader()), &mut |line| {
            if line.is_empty() {
                return Ok(());
            }
            number += 1;
            out.line(&self.terminal.paint(Style::Dim, &format!("-[ row {number} ]{}", "-".repeat(30))))?;
            let row = parse_row(line)?;
            let width = row.keys().map(|name| name.chars().count()).max().unwrap_or(0);
            for (name, value) in &row {
                out.line(&format!("{:width$} | {}", escape(name), escape(&record::text_of(value))))?;
            }
            Ok(())
        })?;
        Ok(number)
    }

    fn tables(&self) -> Result<(), CliError> {
        let status = self.server.get_json("/api/v1/status", &[])?;
        let mut out = Out::stdout();
        for table in ["logs", "spans", "metrics"] {
            let rows = status.pointer(&format!("/storage/rows/{table}")).map(record::text_of).unwrap_or_default();
            out.line(&format!("{table:8} {rows:>14} rows"))?;
        }
        out.flush()
    }

    fn columns(&self, table: &str) -> Result<(), CliError> {
        if !["logs", "spans", "metrics"].contains(&table) {
            return Err(CliError::failed_hint(format!("there is no table {table}"), "tables: logs, spans, metrics"));
        }
        let mut out = Out::stdout();
        let described = print(self.server, &format!("DESCRIBE {table}"), Format::Table, &self.terminal, &mut out);
        if described.is_ok() {
            return out.flush();
        }
        let fields = self.server.get_json("/api/v1/fields", &[("signal", table.to_string())])?;
        for field in fields.get("fields").and_then(|fields| fields.as_array()).into_iter().flatten() {
            let member = |name: &str| field.get(name).map(record::text_of).unwrap_or_default();
            out.line(&format!("{:40} {:10} {}", escape(&member("name")), member("scope"), escape(&member("types"))))?;
        }
        out.flush()
    }
}
