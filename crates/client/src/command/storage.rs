//! `clewline storage`: what is stored where, and pausing of merges.

use serde_json::Value;

use super::report::{self, ReportFormat, Tables, list, number, row, size, text};
use crate::error::CliError;
use crate::global::Global;
use crate::http::Server;

const EXAMPLES: &str = "\
Examples:
  clewline storage
  clewline storage --days
  clewline storage -o json | jq .written.amplification
  clewline storage pause
  clewline storage resume

A pause of merging lasts until it is resumed or the server restarts; deletion goes on.
Exit codes: 0 answered, 1 refused, 2 usage, 3 no server.";

/// Arguments of `clewline storage`.
#[derive(Debug, Clone, clap::Args)]
#[command(after_help = EXAMPLES, args_conflicts_with_subcommands = true)]
pub struct StorageArgs {
    /// Pause or resume merging.
    #[command(subcommand)]
    pub action: Option<StorageAction>,
    /// One line for each day, too
    #[arg(long)]
    pub days: bool,
    /// Output format [default: table on a terminal, json in a pipe]
    #[arg(long, short = 'o', value_enum, value_name = "FORMAT")]
    pub output: Option<ReportFormat>,
}

/// What is done to merging.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::Subcommand)]
pub enum StorageAction {
    /// Pause the merging of segments
    Pause,
    /// Resume it
    Resume,
}

/// Shows the storage, or pauses and resumes merging.
pub(crate) fn run(args: StorageArgs, global: &Global) -> Result<(), CliError> {
    let server = Server::of(global)?;
    if let Some(action) = args.action {
        let action = match action {
            StorageAction::Pause => "pause",
            StorageAction::Resume => "resume",
        };
        let document = server.post_json("/api/v1/storage/compaction", &[("action", action.to_owned())], None)?;
        return report::print(&document, args.output, global, |document, tables| {
            tables.line(&format!("merging is {}", text(document, "/compaction")))
        });
    }
    let document = server.get_json("/api/v1/storage", &[])?;
    report::print(&document, args.output, global, |document, tables| print(document, args.days, tables))
}

fn print(document: &Value, days: bool, tables: &mut Tables<'_>) -> Result<(), CliError> {
    tables.line(&format!(
        "merging is {}, {} pending, {} done, {} failed",
        text(document, "/compaction/state"),
        number(document, "/compaction/pending"),
        number(document, "/compaction/done"),
        number(document, "/compaction/failed")
    ))?;
    tables.line(&format!(
        "written since the start: {} flushed, {} merged, {} without deleted records; {:.2} bytes for each byte flushed",
        size(document, "/written/flushed_bytes"),
        size(document, "/written/merged_bytes"),
        size(document, "/written/erased_bytes"),
        document.pointer("/written/amplification").and_then(Value::as_f64).unwrap_or(1.0)
    ))?;
    let stored = list(document, "/tables");
    tables.table("Tables", stored.iter().map(table_row).collect())?;
    if days {
        let of_table = |table: &Value| {
            let rows = list(table, "/partitions").iter().map(|day| day_row(table, day));
            rows.collect::<Vec<_>>()
        };
        tables.table("Days", stored.iter().flat_map(of_table).collect())?;
    }
    let open = list(document, "/delete_jobs").iter().filter(|job| text(job, "/state") != "done");
    tables.table("Delete jobs", open.map(super::delete::job_row).collect())
}

fn table_row(table: &Value) -> crate::output::Row {
    let age = table.pointer("/retention/age_s").and_then(Value::as_u64);
    let age = age.map_or_else(|| "-".to_owned(), |seconds| format!("{} h", seconds / 3_600));
    row([
        ("tenant", text(table, "/tenant").into()),
        ("signal", text(table, "/signal").into()),
        ("segments", number(table, "/segments").into()),
        ("rows", (number(table, "/rows") + number(table, "/memory_rows")).into()),
        ("size", size(table, "/bytes").into()),
        ("index", size(table, "/index_bytes").into()),
        ("oldest", text(table, "/oldest").into()),
        ("newest", text(table, "/newest").into()),
        ("pending", number(table, "/pending").into()),
        ("keep", age.into()),
        ("at most", size(table, "/retention/bytes_max").into()),
    ])
}

fn day_row(table: &Value, day: &Value) -> crate::output::Row {
    let levels: Vec<String> = list(day, "/levels").iter().map(ToString::to_string).collect();
    row([
        ("tenant", text(table, "/tenant").into()),
        ("signal", text(table, "/signal").into()),
        ("day", text(day, "/day").into()),
        ("segments", number(day, "/segments").into()),
        ("by level", levels.join(" ").into()),
        ("rows", number(day, "/rows").into()),
        ("size", size(day, "/bytes").into()),
    ])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stub::Stub;

    #[test]
    fn pausing_is_a_post_and_the_state_is_told() {
        let stub = Stub::start(|_| (200, vec![], br#"{"compaction":"paused"}"#.to_vec()));
        let global = Global { server: Some(stub.address.clone()), ..Global::default() };
        let args = StorageArgs { action: Some(StorageAction::Pause), days: false, output: None };
        run(args, &global).unwrap();
        let request = &stub.requests()[0];
        assert_eq!((request.method.as_str(), request.target.as_str()), ("POST", "/api/v1/storage/compaction"));
        assert_eq!(String::from_utf8_lossy(&request.body), "{\"action\":\"pause\"}");
    }

    #[test]
    fn a_report_without_tables_is_printed_too() {
        let stub = Stub::start(|_| (200, vec![], b"{}".to_vec()));
        let global = Global { server: Some(stub.address.clone()), ..Global::default() };
        run(StorageArgs { action: None, days: true, output: Some(ReportFormat::Table) }, &global).unwrap();
    }
}
