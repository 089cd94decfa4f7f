//! `clewline query`: a search, page after page until the limit.

use super::Signal;
use super::period::PeriodArgs;
use crate::error::CliError;
use crate::global::Global;
use crate::http::{Reply, Server};
use crate::limits::PAGE_ROWS;
use crate::output::{Format, RowPrinter};
use crate::terminal::{Out, Style, Terminal, note};
use std::io::{BufRead, BufReader, Read};

const EXAMPLES: &str = "\
Examples:
  clewline query error --since 1h
  clewline query 'level:error service:checkout' --limit 20
  clewline query 'timeout | stats count() by (service)' --since 24h
  clewline query --signal spans 'status:error duration_ns:>500000000'
  clewline query 'service:payment' -o csv > payment.csv
  clewline query 'node:node_1' | jq -r .body

Output is a table on a terminal and one JSON object a line in a pipe.
Exit codes: 0 answered (also with no rows), 1 refused, 2 usage, 3 no server.";

/// Arguments of `clewline query`.
#[derive(Debug, Clone, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct QueryArgs {
    /// Words, field:value, and pipes; everything when left out
    #[arg(value_name = "QUERY", default_value = "")]
    pub query: Vec<String>,
    /// What to search
    #[arg(long, value_enum, default_value_t)]
    pub signal: Signal,
    /// The period.
    #[command(flatten)]
    pub period: PeriodArgs,
    /// Most rows to print; 0 prints all
    #[arg(long, short = 'n', default_value_t = 100, value_name = "N")]
    pub limit: u64,
    /// Oldest first
    #[arg(long)]
    pub asc: bool,
    /// Output format
    #[arg(long, short = 'o', value_enum, value_name = "FORMAT")]
    pub output: Option<Format>,
}

/// Runs the search and prints the rows.
pub(crate) fn run(args: QueryArgs, global: &Global) -> Result<(), CliError> {
    let terminal = Terminal::of_stdout(global);
    let format = Format::or_default(args.output, &terminal)?;
    let server = Server::of(global)?;
    let mut out = Out::stdout();
    let search = Search::new(&args, format)?;
    match format {
        Format::Parquet | Format::Arrow => copy(search.page(&server, args.limit, None)?.reader(), &mut out)?,
        Format::Csv => search.csv(&server, args.limit, &mut out)?,
        Format::Table | Format::Ndjson | Format::Json => {
            let mut printer = RowPrinter::new(format, &terminal, &mut out);
            let more = search.rows(&server, args.limit, &mut |line| printer.line(line))?;
            let rows = printer.finish()?;
            if terminal.is_tty && format == Format::Table {
                let more = if more { "; there are more, raise --limit" } else { "" };
                let stderr = Terminal::of_stderr(global);
                note(&stderr.paint(Style::Dim, &format!("{rows} {}{more}", if rows == 1 { "row" } else { "rows" })));
            }
        }
    }
    out.flush()
}

/// One search with everything but the page.
struct Search {
    text: String,
    params: Vec<(&'static str, String)>,
}

impl Search {
    fn new(args: &QueryArgs, format: Format) -> Result<Self, CliError> {
        let text = args.query.join(" ").trim().to_string();
        let mut params = vec![("q", text.clone()), ("signal", args.signal.name().to_string())];
        params.extend(args.period.params()?);
        params.push(("format", format.wire().to_string()));
        if args.asc {
            params.push(("order", "asc".to_string()));
        }
        Ok(Search { text, params })
    }

    fn page(&self, server: &Server, limit: u64, cursor: Option<&str>) -> Result<Reply, CliError> {
        let mut params = self.params.clone();
        params.push(("limit", if limit == 0 { u32::MAX.to_string() } else { limit.to_string() }));
        params.extend(cursor.map(|cursor| ("cursor", cursor.to_string())));
        server.search("/api/v1/search", &params, &self.text)
    }

    /// Follows cursors until `limit` rows (0: all); says whether there would have been more.
    fn rows(
        &self,
        server: &Server,
        limit: u64,
        row: &mut dyn FnMut(&str) -> Result<(), CliError>,
    ) -> Result<bool, CliError> {
        let mut left = if limit == 0 { u64::MAX } else { limit };
        let mut cursor: Option<String> = None;
        loop {
            let reply = self.page(server, left.min(PAGE_ROWS), cursor.as_deref())?;
            let next = reply.header("x-clewline-cursor").filter(|value| !value.is_empty()).map(String::from);
            let mut got = 0;
            let mut reader = BufReader::with_capacity(64 << 10, reply.reader());
            for_each_line(&mut reader, &mut |line| {
                got += u64::from(!line.is_empty());
                row(line)
            })?;
            left = left.saturating_sub(got);
            match next {
                None => return Ok(false),
                Some(_) if left == 0 => return Ok(true),
                Some(_) if got == 0 => return Ok(false),
                Some(next) => cursor = Some(next),
            }
        }
    }

    /// CSV pages under one header; records are counted outside quotes.
    fn csv(&self, server: &Server, limit: u64, out: &mut Out) -> Result<(), CliError> {
        let mut left = if limit == 0 { u64::MAX } else { limit };
        let mut cursor: Option<String> = None;
        let mut first = true;
        loop {
            let reply = self.page(server, left.min(PAGE_ROWS), cursor.as_deref())?;
            let next = reply.header("x-clewline-cursor").filter(|value| !value.is_empty()).map(String::from);
            let body = reply.text()?;
            let records = csv_records(&body).saturating_sub(1);
            let rows = if first { body.as_str() } else { body.split_once('\n').map_or("", |(_, rows)| rows) };
            out.bytes(rows.as_bytes())?;
            first = false;
            left = left.saturating_sub(records);
            match next {
                Some(next) if left > 0 && records > 0 => cursor = Some(next),
                _ => return Ok(()),
            }
        }
    }
}

/// Calls `take` with every line, without line ending; lossy UTF-8.
pub(crate) fn for_each_line(
    reader: &mut impl BufRead,
    take: &mut dyn FnMut(&str) -> Result<(), CliError>,
) -> Result<(), CliError> {
    let mut line = Vec::new();
    loop {
        line.clear();
        let read = reader.read_until(b'\n', &mut line);
        if read.map_err(|error| CliError::failed(format!("the answer broke off: {error}")))? == 0 {
            return Ok(());
        }
        take(String::from_utf8_lossy(&line).trim_end_matches(['\n', '\r']))?;
    }
}

/// Copies bytes of the server to standard output.
pub(crate) fn copy(mut reader: impl Read, out: &mut Out) -> Result<(), CliError> {
    let mut buffer = vec![0; 64 << 10];
    loop {
        let read =
            reader.read(&mut buffer).map_err(|error| CliError::failed(format!("the answer broke off: {error}")))?;
        if read == 0 {
            return out.flush();
        }
        out.bytes(buffer.get(..read).unwrap_or_default())?;
    }
}

/// Lines of a CSV text, not counting line ends inside quotes.
fn csv_records(text: &str) -> u64 {
    let mut quoted = false;
    let mut records = 0;
    for byte in text.bytes() {
        match byte {
            b'"' => quoted = !quoted,
            b'\n' if !quoted => records += 1,
            _ => {}
        }
    }
    records + u64::from(!text.is_empty() && !text.ends_with('\n'))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stub::Stub;

    fn search(stub: &Stub, limit: u64) -> (Vec<String>, bool) {
        let args = QueryArgs {
            query: vec!["error".into()],
            signal: Signal::Logs,
            period: PeriodArgs::default(),
            limit,
            asc: false,
            output: None,
        };
        let server = Server::at(&stub.address, None, None).unwrap();
        let mut lines = Vec::new();
        let more = Search::new(&args, Format::Ndjson)
            .unwrap()
            .rows(&server, limit, &mut |line| {
                lines.push(line.to_string());
                Ok(())
            })
            .unwrap();
        (lines, more)
    }

    fn three_pages() -> Stub {
        Stub::start(|request| {
            let page = request.target.split("cursor=c").nth(1).and_then(|text| text.parse::<u32>().ok()).unwrap_or(0);
            let headers = if page < 2 { vec![("X-Clewline-Cursor", format!("c{}", page + 1))] } else { vec![] };
            (200, headers, format!("{{\"page\":{page}}}\n{{\"page\":{page}}}\n").into_bytes())
        })
    }

    #[test]
    fn follows_cursors_to_the_end() {
        let (lines, more) = search(&three_pages(), 0);
        assert_eq!(lines.len(), 6);
        assert_eq!(lines[5], "{\"page\":2}");
        assert!(!more);
    }

    #[test]
    fn stops_at_the_limit_and_says_there_is_more() {
        let stub = three_pages();
        let (lines, more) = search(&stub, 4);
        assert_eq!(lines.len(), 4);
        assert!(more);
        assert!(stub.requests()[1].target.contains("limit=2&cursor=c1"), "{}", stub.requests()[1].target);
    }

    #[test]
    fn csv_counts_records_not_lines() {
        assert_eq!(csv_records("a,b\n1,\"x\ny\"\n"), 2);
        assert_eq!(csv_records("a\n1"), 2);
        assert_eq!(csv_records(""), 0);
    }
}
