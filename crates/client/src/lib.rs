//! A slimmer artefact needs it alone: everything that talks to a running server over HTTP and knows nothing of the engine.
//!
//! The subcommands `query`, `sql`, `trace`, `tail`, `import`, `demo`, `storage`, `bytes`, `delete`, `doctor` and `bench`. Each has a clap `Args`
//! struct and a `run`; the binary flattens [`GlobalArgs`] and [`ClientCommand`] into its own command line and calls
//! [`run`]. Exit codes: 0 success, 1 the question failed or what was demanded was not found, 2 usage error,
//! 3 the server is not reachable.
//!
//! The crate reads no environment variable: the binary looks them up and hands them over through
//! [`GlobalArgs::resolve`]. Clock, threads and processes are touched in `machine.rs` alone.

#![cfg_attr(test, allow(clippy::unwrap_used))]
#![allow(
    clippy::disallowed_methods,
    reason = "a program on a user's terminal: files are his, the clock is in `machine`"
)]

mod bench;
mod command;
mod demo;
mod doctor;
mod error;
mod global;
mod http;
mod import;
mod limits;
mod load;
mod machine;
mod otlp;
mod output;
mod retry;
mod sse;
#[cfg(test)]
mod stub;
mod terminal;
mod time;

pub use error::CliError;
pub use global::{ColorChoice, DEFAULT_SERVER, Global, GlobalArgs};

pub use bench::BenchArgs;
pub use command::bytes::BytesArgs;
pub use command::delete::DeleteArgs;
pub use command::query::QueryArgs;
pub use command::sql::SqlArgs;
pub use command::storage::StorageArgs;
pub use command::tail::TailArgs;
pub use command::trace::TraceArgs;
pub use demo::DemoArgs;
pub use doctor::DoctorArgs;
pub use import::ImportArgs;

use std::process::ExitCode;

/// The subcommands of this crate, for `#[command(flatten)]` in the binary's own command enum.
#[derive(Debug, clap::Subcommand)]
pub enum ClientCommand {
    /// Search logs, spans or metrics
    Query(QueryArgs),
    /// Ask in SQL, once or at a prompt
    Sql(SqlArgs),
    /// Show one trace as a tree
    Trace(TraceArgs),
    /// Follow records as they arrive
    Tail(TailArgs),
    /// Send files to the server, resumable and without duplicates
    Import(ImportArgs),
    /// Send the telemetry of a small invented shop, faults included
    Demo(DemoArgs),
    /// Show what is stored where; pause and resume merging
    Storage(StorageArgs),
    /// Show where the bytes go: by column, attribute and template
    Bytes(BytesArgs),
    /// Delete records by a query, for good
    Delete(DeleteArgs),
    /// Check that a server works from here, and say what to do if not
    Doctor(DoctorArgs),
    /// Measure ingest and queries against the published goals
    Bench(BenchArgs),
}

/// Runs one subcommand to its end, prints its error on stderr, and returns the exit code.
pub fn run(command: ClientCommand, global: &Global) -> ExitCode {
    let result = match command {
        ClientCommand::Query(args) => command::query::run(args, global),
        ClientCommand::Sql(args) => command::sql::run(args, global),
        ClientCommand::Trace(args) => command::trace::run(args, global),
        ClientCommand::Tail(args) => command::tail::run(args, global),
        ClientCommand::Import(args) => import::run(args, global),
        ClientCommand::Demo(args) => demo::run(args, global),
        ClientCommand::Storage(args) => command::storage::run(args, global),
        ClientCommand::Bytes(args) => command::bytes::run(args, global),
        ClientCommand::Delete(args) => command::delete::run(args, global),
        ClientCommand::Doctor(args) => doctor::run(args, global),
        ClientCommand::Bench(args) => bench::run(args, global),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            if let Some(text) = error.render(&terminal::Terminal::of_stderr(global)) {
                terminal::note(&text);
            }
            ExitCode::from(error.exit_code())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::{CommandFactory, Parser};

    /// The binary's command line in small.
    #[derive(Debug, Parser)]
    #[command(name = "clewline")]
    struct Cli {
        #[command(flatten)]
        global: GlobalArgs,
        #[command(subcommand)]
        command: ClientCommand,
    }

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn every_example_of_the_help_parses() {
        let mut command = Cli::command();
        let mut parsed = 0;
        for subcommand in command.get_subcommands_mut() {
            let help = subcommand.get_after_help().map(ToString::to_string).unwrap_or_default();
            assert!(help.contains("Exit codes:"), "{} tells its exit codes", subcommand.get_name());
            for line in help.lines().filter_map(|line| line.strip_prefix("  clewline ")) {
                let words = words(
                    line.split(" > ").next().unwrap().split(" | jq").next().unwrap().split(" < ").next().unwrap(),
                );
                let result = Cli::try_parse_from(std::iter::once("clewline".to_string()).chain(words));
                assert!(result.is_ok(), "{line}: {:?}", result.err());
                parsed += 1;
            }
        }
        assert!(parsed > 25, "{parsed}");
    }

    /// Words of a shell line with simple quotes; words after two blanks are a remark.
    fn words(line: &str) -> Vec<String> {
        let line = line.split("    ").next().unwrap_or_default();
        let (mut words, mut word, mut quote) = (Vec::new(), String::new(), None);
        for c in line.chars() {
            match (c, quote) {
                (c, Some(open)) if c == open => quote = None,
                ('\'' | '"', None) => quote = Some(c),
                (' ', None) => words.push(std::mem::take(&mut word)),
                (c, _) => word.push(c),
            }
        }
        words.push(word);
        words.retain(|word| !word.is_empty());
        words
    }
}
