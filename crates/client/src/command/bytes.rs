//! `clewline bytes`: where the bytes go.

use serde_json::Value;

use super::Signal;
use super::report::{self, ReportFormat, Tables, list, number, row, size, text};
use crate::error::CliError;
use crate::global::Global;
use crate::http::Server;

const EXAMPLES: &str = "\
Examples:
  clewline bytes
  clewline bytes --signal logs --top 50
  clewline bytes -o json | jq '.signals[].columns[] | {name, stored_bytes, efficiency}'

Raw bytes are the values alone; the floor is what the column would need if all of it compressed as a sample does at the
highest effort; floor by stored is the efficiency.
Exit codes: 0 answered, 1 refused, 2 usage, 3 no server.";

/// Arguments of `clewline bytes`.
#[derive(Debug, Clone, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct BytesArgs {
    /// Of which signal; all when left out
    #[arg(long, value_enum)]
    pub signal: Option<Signal>,
    /// Most entries of each list
    #[arg(long, default_value_t = 20, value_name = "N")]
    pub top: u64,
    /// Output format [default: table on a terminal, json in a pipe]
    #[arg(long, short = 'o', value_enum, value_name = "FORMAT")]
    pub output: Option<ReportFormat>,
}

/// Shows where the bytes go.
pub(crate) fn run(args: BytesArgs, global: &Global) -> Result<(), CliError> {
    let server = Server::of(global)?;
    let mut params = vec![("top", args.top.to_string())];
    params.extend(args.signal.map(|signal| ("signal", signal.name().to_owned())));
    let document = server.get_json("/api/v1/bytes", &params)?;
    report::print(&document, args.output, global, |document, tables| {
        list(document, "/signals").iter().try_for_each(|signal| print(signal, tables))
    })
}

fn print(signal: &Value, tables: &mut Tables<'_>) -> Result<(), CliError> {
    let (raw, stored) = (number(signal, "/raw_bytes"), number(signal, "/stored_bytes"));
    let times = if stored == 0 { String::new() } else { format!(" ({:.1} times)", raw as f64 / stored as f64) };
    tables.line(&format!(
        "{}: {} rows in {} segments, {} raw in {} stored{times}, {} of it no column's; index {}; {} rows in memory",
        text(signal, "/signal"),
        number(signal, "/rows"),
        number(signal, "/segments"),
        size(signal, "/raw_bytes"),
        size(signal, "/stored_bytes"),
        size(signal, "/overhead_bytes"),
        size(signal, "/index_bytes"),
        number(signal, "/memory_rows"),
    ))?;
    tables.table("Columns", list(signal, "/columns").iter().map(column_row).collect())?;
    tables.table("Attributes", list(signal, "/attributes").iter().map(attribute_row).collect())?;
    tables.table("Templates", list(signal, "/templates").iter().map(template_row).collect())?;
    tables.line("")
}

fn column_row(column: &Value) -> crate::output::Row {
    let efficiency = column.pointer("/efficiency").and_then(Value::as_f64);
    row([
        ("column", text(column, "/name").into()),
        ("values", number(column, "/values").into()),
        ("raw", size(column, "/raw_bytes").into()),
        ("encoded", size(column, "/encoded_bytes").into()),
        ("stored", size(column, "/stored_bytes").into()),
        ("floor", size(column, "/floor_bytes").into()),
        ("efficiency", efficiency.map_or_else(|| "-".to_owned(), |share| format!("{:.0} %", share * 100.0)).into()),
    ])
}

fn attribute_row(attribute: &Value) -> crate::output::Row {
    let column = attribute.pointer("/column").and_then(Value::as_bool).unwrap_or(false);
    row([
        ("attribute", text(attribute, "/name").into()),
        ("in", if column { "column" } else { "residual" }.into()),
        ("raw", size(attribute, "/raw_bytes").into()),
        ("stored", size(attribute, "/stored_bytes").into()),
    ])
}

fn template_row(template: &Value) -> crate::output::Row {
    let share = template.pointer("/share").and_then(Value::as_f64).unwrap_or(0.0);
    row([
        ("template", text(template, "/template_id").into()),
        ("rows", number(template, "/rows").into()),
        ("bodies", size(template, "/body_bytes").into()),
        ("share", format!("{:.1} %", share * 100.0).into()),
        ("text", text(template, "/text").into()),
    ])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stub::Stub;

    #[test]
    fn one_signal_may_be_asked_for() {
        let document = br#"{"signals":[{"signal":"logs","rows":2,"raw_bytes":100,"stored_bytes":10,
            "columns":[{"name":"body","efficiency":0.5}],"attributes":[{"name":"x"}],"templates":[{"share":0.1}]}]}"#;
        let stub = Stub::start(|_| (200, vec![], document.to_vec()));
        let global = Global { server: Some(stub.address.clone()), ..Global::default() };
        let args = BytesArgs { signal: Some(Signal::Logs), top: 3, output: Some(ReportFormat::Table) };
        run(args, &global).unwrap();
        assert_eq!(stub.requests()[0].target, "/api/v1/bytes?top=3&signal=logs");
    }
}
