//! `clewline trace ID`: one trace as a tree.

use super::query::copy;
use super::trace_tree;
use crate::error::CliError;
use crate::global::Global;
use crate::http::{Server, path_segment};
use crate::terminal::{Out, Terminal};

const EXAMPLES: &str = "\
Examples:
  clewline trace 4bf92f3577b34da6a3ce929d0e0e4736
  clewline trace 4bf92f3577b34da6a3ce929d0e0e4736 --logs
  clewline trace 4bf92f3577b34da6a3ce929d0e0e4736 -o otlp > trace.json

Exit codes: 0 shown, 1 no such trace, 2 usage, 3 no server.";

/// How `trace` prints.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum TraceFormat {
    /// A readable tree
    Tree,
    /// The tree as one JSON document
    Json,
    /// OTLP JSON, ready for import elsewhere
    Otlp,
}

/// Arguments of `clewline trace`.
#[derive(Debug, Clone, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct TraceArgs {
    /// 32 hexadecimal digits
    #[arg(value_name = "ID")]
    pub id: String,
    /// Show span events and the logs of the trace
    #[arg(long)]
    pub logs: bool,
    /// Show span attributes
    #[arg(long)]
    pub attributes: bool,
    /// Output format [default: tree on a terminal, json in a pipe]
    #[arg(long, short = 'o', value_enum, value_name = "FORMAT")]
    pub output: Option<TraceFormat>,
}

/// Fetches and prints the trace.
pub(crate) fn run(args: TraceArgs, global: &Global) -> Result<(), CliError> {
    let id = normalise(&args.id)?;
    let terminal = Terminal::of_stdout(global);
    let server = Server::of(global)?;
    let default = if terminal.is_tty { TraceFormat::Tree } else { TraceFormat::Json };
    let format = args.output.unwrap_or(default);
    let wire = if format == TraceFormat::Otlp { "otlp" } else { "tree" };
    let path = format!("/api/v1/traces/{}", path_segment(&id));
    let reply = server.get(&path, &[("format", wire.to_string())], None)?;
    let mut out = Out::stdout();
    if format != TraceFormat::Tree {
        copy(reply.reader(), &mut out)?;
        return out.line("").and_then(|()| out.flush());
    }
    let show = trace_tree::Show { logs: args.logs, attributes: args.attributes };
    for line in trace_tree::render(&reply.json()?, show, &terminal) {
        out.line(&line)?;
    }
    out.flush()
}

/// Lower case, without blanks and dashes; refuses what cannot be a trace id (16 digits are padded, as Jaeger does).
fn normalise(id: &str) -> Result<String, CliError> {
    let digits: String = id.chars().filter(|c| !c.is_whitespace() && *c != '-').collect::<String>().to_lowercase();
    let valid = (1..=32).contains(&digits.len()) && digits.chars().all(|c| c.is_ascii_hexdigit());
    if !valid {
        return Err(CliError::usage(format!("{id:?} is not a trace id"), "a trace id has 32 hexadecimal digits"));
    }
    Ok(format!("{digits:0>32}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn trace_ids() {
        assert_eq!(normalise("4BF92F3577B34DA6A3CE929D0E0E4736").unwrap(), "4bf92f3577b34da6a3ce929d0e0e4736");
        assert_eq!(normalise("a3ce929d0e0e4736").unwrap(), "0000000000000000a3ce929d0e0e4736");
        assert_eq!(normalise("4bf92f35-77b3-4da6-a3ce-929d0e0e4736").unwrap(), "4bf92f3577b34da6a3ce929d0e0e4736");
        assert_eq!(normalise("xyz").unwrap_err().exit_code(), 2);
        assert_eq!(normalise("").unwrap_err().exit_code(), 2);
    }
}
