//! `clewline bench`: measures ingest and queries of a running server and prints them beside the goals; or writes the
//! generated records to files, so that other programs can be measured with the same bytes.

mod classes;
mod ingest;
mod logs;
mod queries;
mod spans;
mod templates;
mod write;

use crate::error::CliError;
use crate::global::Global;
use crate::http::Server;
use crate::import::grouped;
use crate::machine;
use crate::output::Row;
use crate::output::table::TablePrinter;
use crate::terminal::{Out, Style, Terminal, note};
use crate::time;
use ingest::Outcome;
use queries::Timing;
use serde_json::{Value, json};
use std::path::PathBuf;

const EXAMPLES: &str = "\
Examples:
  clewline bench
  clewline bench ingest --logs 2000000 --spans 1000000
  clewline bench ingest --logs 2000000 --spans 0 --protocol otlp --connections 4
  clewline bench query -o json
  clewline bench write --logs 2000000 --spans 1000000 --dir /tmp/records

Bodies are made before the clock starts and kept in memory (about 300 bytes a record).
Use an empty server: the goals hold for 2,000,000 log records and 1,000,000 spans, warm,
on the reference machine of 2 cores. CPU and memory are read from /proc of a server on
this machine (--pid, or found by its port). Queries: median of 5 after one warm-up.
`write` needs no server: it writes request bodies to --dir, each as JSON lines and as OTLP protobuf.
Exit codes: 0 measured, 1 failed, 2 usage, 3 no server.";

/// What to measure.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Phase {
    /// Sending records
    Ingest,
    /// Asking questions about them
    Query,
    /// Writing the records to files of --dir
    Write,
}

/// How log records are sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Protocol {
    /// JSON lines
    Jsonl,
    /// OTLP protobuf
    Otlp,
}

/// How results are printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum BenchFormat {
    /// Aligned columns
    Table,
    /// One JSON document
    Json,
}

/// Arguments of `clewline bench`.
#[derive(Debug, Clone, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct BenchArgs {
    /// What to measure [default: both, ingest first]
    #[arg(value_enum, value_name = "PHASE")]
    pub phase: Option<Phase>,
    /// Log records to send
    #[arg(long, value_name = "N", default_value_t = 200_000)]
    pub logs: u64,
    /// Spans to send, always as OTLP
    #[arg(long, value_name = "N", default_value_t = 100_000)]
    pub spans: u64,
    /// How log records are sent
    #[arg(long, value_enum, default_value = "jsonl")]
    pub protocol: Protocol,
    /// Records a request
    #[arg(long, value_name = "N", default_value_t = 5_000, value_parser = batch)]
    pub batch: usize,
    /// Connections
    #[arg(long, value_name = "N", default_value_t = 2, value_parser = clap::value_parser!(u16).range(1..=256))]
    pub connections: u16,
    /// Seed of the generated records; queries need the one the records were made with
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub seed: u64,
    /// Process of the server, for CPU and memory
    #[arg(long, value_name = "PID")]
    pub pid: Option<u32>,
    /// Folder of the server, for bytes on disk [default: what the server says]
    #[arg(long, value_name = "DIR")]
    pub data_dir: Option<PathBuf>,
    /// Folder for the files of `write`, made where needed; must be empty
    #[arg(long, value_name = "DIR")]
    pub dir: Option<PathBuf>,
    /// Output format
    #[arg(long, short = 'o', value_enum, default_value = "table", value_name = "FORMAT")]
    pub output: BenchFormat,
}

fn batch(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(number @ 1..=100_000) => Ok(number),
        _ => Err("a number from 1 to 100000".into()),
    }
}

/// Measures and prints.
pub(crate) fn run(args: BenchArgs, global: &Global) -> Result<(), CliError> {
    if args.phase == Some(Phase::Write) {
        return write::run(&args);
    }
    let server = Server::of(global)?;
    server.must_answer()?;
    let stderr = Terminal::of_stderr(global);
    let say = |text: &str| note(&stderr.paint(Style::Dim, text));
    let pid = args.pid.or_else(|| machine::process_listening_on(server.host_port().1));
    let mut outcomes = Vec::new();
    if args.phase != Some(Phase::Query) {
        if pid.is_none() {
            say("the server's process is not visible from here: no CPU and memory figures (--pid names it)");
        }
        if args.logs > 0 {
            say(&format!("making {} log records", grouped(args.logs)));
            let load = ingest::log_load(&args);
            say("sending them");
            outcomes.push(ingest::measure(&server, load, &args, pid)?);
        }
        if args.spans > 0 {
            say(&format!("making {} spans", grouped(args.spans)));
            let load = ingest::span_load(&args);
            say("sending them");
            outcomes.push(ingest::measure(&server, load, &args, pid)?);
        }
    }
    let mut timings = Vec::new();
    if args.phase != Some(Phase::Ingest) {
        timings = queries::measure(&server, classes::all(args.seed), |name| say(name))?;
    }
    let mut out = Out::stdout();
    match args.output {
        BenchFormat::Json => out.line(&document(&outcomes, &timings).to_string())?,
        BenchFormat::Table => {
            let terminal = Terminal::of_stdout(global);
            print_table(outcomes.iter().flat_map(outcome_rows).collect(), &terminal, &mut out)?;
            if !outcomes.is_empty() && !timings.is_empty() {
                out.line("")?;
            }
            print_table(timings.iter().map(timing_row).collect(), &terminal, &mut out)?;
        }
    }
    out.flush()?;
    let failed = timings.iter().filter(|timing| timing.median_ms.is_err()).count();
    if failed > 0 {
        return Err(CliError::failed(format!("{failed} questions were refused, see the table")));
    }
    Ok(())
}

fn print_table(rows: Vec<Row>, terminal: &Terminal, out: &mut Out) -> Result<(), CliError> {
    let mut table = TablePrinter::new(terminal.clone());
    for row in rows {
        table.row(row, out)?;
    }
    table.finish(out)
}

fn row(cells: Vec<(&str, Value)>) -> Row {
    cells.into_iter().map(|(name, value)| (name.to_string(), value)).collect()
}

/// Goals of ingest: microseconds of CPU and bytes on disk per record.
fn ingest_goals(data: &str) -> (f64, f64) {
    if data == "logs" { (3.5, 31.0) } else { (7.0, 36.0) }
}

/// Peak memory to stay under while ingesting, in megabytes.
const PEAK_GOAL_MB: f64 = 300.0;

fn verdict(value: f64, goal: f64) -> &'static str {
    if value <= goal { "✓" } else { "✗" }
}

fn outcome_rows(outcome: &Outcome) -> Vec<Row> {
    let (cpu_goal, disk_goal) = ingest_goals(outcome.data);
    let line = |measure: &str, value: String, goal: Option<(f64, f64, &str)>| {
        let (text, mark) = goal.map_or_else(
            || (String::new(), ""),
            |(value, goal, unit)| (format!("≤ {goal} {unit}"), verdict(value, goal)),
        );
        row(vec![
            ("ingest", json!(outcome.name)),
            ("measure", json!(measure)),
            ("value", json!(value)),
            ("goal", json!(text)),
            ("", json!(mark)),
        ])
    };
    let rate = (outcome.records as f64 / outcome.wall_s.max(1e-9)) as u64;
    let mut rows = vec![
        line("records", grouped(outcome.records), None),
        line("bytes sent", time::bytes(outcome.bytes), None),
        line("wall time", time::duration(outcome.wall_s * 1e9), None),
        line("records a second", grouped(rate), None),
    ];
    rows.extend(
        outcome.cpu_us.map(|cpu| line("server CPU per record", format!("{cpu:.2} µs"), Some((cpu, cpu_goal, "µs")))),
    );
    rows.extend(
        outcome
            .disk_bytes_per_record
            .map(|disk| line("bytes on disk per record", format!("{disk:.1} B"), Some((disk, disk_goal, "B")))),
    );
    rows.extend(
        outcome.peak_bytes.map(|peak| {
            line("peak memory since start", time::bytes(peak), Some((peak as f64 / 1e6, PEAK_GOAL_MB, "MB")))
        }),
    );
    rows
}

fn timing_row(timing: &Timing) -> Row {
    let class = &timing.class;
    let (value, mark) = match &timing.median_ms {
        Ok(median) => (format!("{} ms", time::significant(*median)), verdict(*median, class.goal_ms)),
        Err(reason) => (reason.chars().take(60).collect(), "✗"),
    };
    row(vec![
        ("query", json!(format!("{}: {}", class.data, class.name))),
        ("median", json!(value)),
        ("goal", json!(format!("≤ {} ms", class.goal_ms))),
        ("", json!(mark)),
        ("rows", json!(timing.rows)),
    ])
}

fn document(outcomes: &[Outcome], timings: &[Timing]) -> Value {
    let outcomes = outcomes.iter().map(|outcome| {
        let (cpu_goal, disk_goal) = ingest_goals(outcome.data);
        json!({
            "name": outcome.name, "data": outcome.data, "records": outcome.records, "bytes": outcome.bytes,
            "wall_s": outcome.wall_s, "records_per_s": outcome.records as f64 / outcome.wall_s.max(1e-9),
            "server_cpu_s_per_million": outcome.cpu_us, "server_cpu_s_per_million_goal": cpu_goal,
            "disk_bytes_per_record": outcome.disk_bytes_per_record, "disk_bytes_per_record_goal": disk_goal,
            "peak_resident_bytes": outcome.peak_bytes,
        })
    });
    let timings = timings.iter().map(|timing| {
        json!({
            "data": timing.class.data, "name": timing.class.name, "rows": timing.rows, "goal_ms": timing.class.goal_ms,
            "median_ms": timing.median_ms.as_ref().ok(), "error": timing.median_ms.as_ref().err(),
        })
    });
    json!({ "ingest": outcomes.collect::<Vec<_>>(), "query": timings.collect::<Vec<_>>() })
}

#[cfg(test)]
impl BenchArgs {
    /// Small and quick.
    fn small() -> Self {
        BenchArgs {
            phase: None,
            logs: 100,
            spans: 100,
            protocol: Protocol::Jsonl,
            batch: 10,
            connections: 2,
            seed: 1,
            pid: None,
            data_dir: None,
            dir: None,
            output: BenchFormat::Table,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_stand_beside_their_goals() {
        let outcome = Outcome {
            name: "logs".into(),
            data: "logs",
            records: 1_000,
            bytes: 1,
            wall_s: 0.5,
            cpu_us: Some(4.0),
            peak_bytes: Some(100_000_000),
            disk_bytes_per_record: Some(30.0),
        };
        let marks: Vec<String> =
            outcome_rows(&outcome).iter().map(|row| row[""].as_str().unwrap().to_string()).collect();
        assert_eq!(marks, ["", "", "", "", "✗", "✓", "✓"]);
        let document = document(&[outcome], &[]);
        assert_eq!(document["ingest"][0]["records_per_s"], 2_000.0);
    }
}
