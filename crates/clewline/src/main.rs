//! The binary: settings, subcommands and wiring. Exit codes: 0 success, 1 failure, 2 wrong usage or settings, 3 the
//! server cannot be reached.

#![cfg_attr(test, allow(clippy::unwrap_used))]

mod serve;
mod settings;

use std::io::{IsTerminal, Write};
use std::path::Path;
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand};
use clewline_client::{ClientCommand, GlobalArgs};
use clewline_env::Env;

use settings::args::SettingArgs;
use settings::load::{Settings, Sources, load};

#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

/// Two arenas, and freed pages go back after half a second: memory that a generation of records has left is wanted by the
/// next one, or by nobody.
// SAFETY: jemalloc reads this symbol once, as a pointer to a text that ends in a zero byte, before `main`; the first word
// of a slice is that pointer, and nothing else of the program defines the name.
#[allow(unsafe_code, reason = "the allocator's options are read from a symbol")]
#[unsafe(export_name = "_rjem_malloc_conf")]
static ALLOCATOR_OPTIONS: &[u8] = b"narenas:2,dirty_decay_ms:500,muzzy_decay_ms:0,background_thread:true\0";

/// The settings file that is read when it is there.
const USUAL_FILE: &str = "clewline.toml";

/// Collects logs, traces and metrics, stores them small and safe, and answers questions about them.
#[derive(Debug, Parser)]
#[command(name = "clewline", version, propagate_version = true, max_term_width = 120)]
struct Cli {
    #[command(flatten)]
    global: GlobalArgs,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run the server
    #[command(after_help = SERVE_HELP)]
    Serve(SettingArgs),
    /// Show or check the settings
    Config(ConfigArgs),
    #[command(flatten)]
    Client(ClientCommand),
}

const SERVE_HELP: &str = "Every setting is also an environment variable and a line of the settings file: docs/configuration.md.\n\n\
Examples:\n  clewline serve\n  clewline serve --data.folder /var/lib/clewline --retention.logs 30d\n  \
clewline serve --listen.raw_udp 0.0.0.0:8080    also receives broadcasts\n\n\
Exit codes: 0 stopped by a signal, 1 it could not start or stop cleanly, 2 wrong usage or settings";

#[derive(Debug, Args)]
struct ConfigArgs {
    #[command(subcommand)]
    command: ConfigCommand,
}

#[derive(Debug, Subcommand)]
enum ConfigCommand {
    /// Print all settings as a settings file
    Print {
        /// Say who set each value
        #[arg(long)]
        origin: bool,
        #[command(flatten)]
        settings: SettingArgs,
    },
    /// Say whether the settings can be used
    Check {
        #[command(flatten)]
        settings: SettingArgs,
    },
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    let env = Env::system();
    let result = match cli.command {
        Command::Client(command) => return clewline_client::run(command, &cli.global.resolve(variable)),
        Command::Serve(args) => settings(&env, args).and_then(|settings| {
            log_to_stderr(&settings.text("log.level"));
            serve::serve(&env, &settings).map_err(Failure::Run)
        }),
        Command::Config(ConfigArgs { command: ConfigCommand::Print { origin, settings: args } }) => {
            settings(&env, args).map(|settings| print(&settings::reference::print(&settings, origin)))
        }
        Command::Config(ConfigArgs { command: ConfigCommand::Check { settings: args } }) => {
            settings(&env, args).map(|_| print("the settings can be used\n"))
        }
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => failure.report(),
    }
}

/// Why the process ends early.
enum Failure {
    /// Settings that cannot be used, one line each.
    Settings(Vec<String>),
    /// Starting or stopping failed.
    Run(String),
}

impl Failure {
    #[allow(clippy::print_stderr, reason = "errors are for the person who started the process")]
    fn report(&self) -> ExitCode {
        match self {
            Failure::Settings(lines) => {
                lines.iter().for_each(|line| eprintln!("error: {line}"));
                ExitCode::from(2)
            }
            Failure::Run(message) => {
                eprintln!("error: {message}");
                ExitCode::from(1)
            }
        }
    }
}

/// Reads the settings from all sources.
fn settings(env: &Env, args: SettingArgs) -> Result<Settings, Failure> {
    let named = args.config.or_else(|| variable("CLEWLINE_CONFIG").filter(|path| !path.is_empty()));
    let path = named.clone().unwrap_or_else(|| USUAL_FILE.to_owned());
    let file = match env.disk.read(Path::new(&path)) {
        Ok(bytes) => {
            let text =
                String::from_utf8(bytes).map_err(|_| Failure::Settings(vec![format!("{path}: this is not UTF-8")]))?;
            Some((path, text))
        }
        Err(error) if named.is_none() && error.kind() == std::io::ErrorKind::NotFound => None,
        Err(error) => {
            return Err(Failure::Settings(vec![format!("the settings file cannot be read: {error} ({path})")]));
        }
    };
    let environment =
        std::env::vars_os().filter_map(|(name, text)| Some((name.into_string().ok()?, text.into_string().ok()?)));
    load(&Sources { flags: args.flags, environment: environment.collect(), file }).map_err(Failure::Settings)
}

#[allow(clippy::disallowed_methods, reason = "the binary is where environment variables are read")]
fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

fn print(text: &str) {
    let _ = std::io::stdout().write_all(text.as_bytes()); // a closed pipe is no fault
}

/// Own events at the chosen level, those of libraries from warnings on.
fn log_to_stderr(level: &str) {
    let filter = tracing_subscriber::EnvFilter::new(format!("warn,clewline={level}"));
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal())
        .init();
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn flags_are_the_names_of_the_table() {
        let cli =
            Cli::try_parse_from(["clewline", "serve", "--listen.http", "a:1", "--wal.fsync=false", "--listen.syslog="]);
        let Command::Serve(args) = cli.unwrap().command else { panic!("serve was asked for") };
        let flag = |name: &'static str, text: &str| (name, text.to_owned());
        assert_eq!(args.flags, [flag("listen.http", "a:1"), flag("listen.syslog", ""), flag("wal.fsync", "false")]);
        let error = Cli::try_parse_from(["clewline", "serve", "--listen.htp", "a:1"]).unwrap_err().to_string();
        assert!(error.contains("--listen.http"), "{error}");
    }
}
