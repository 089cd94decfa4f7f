//! Chores of the house, as one program: `cargo xtask tidy`, `cargo xtask torture`.
#![allow(clippy::print_stdout, clippy::print_stderr, clippy::disallowed_methods, reason = "a development tool")]

mod graph;
mod tidy;

use std::path::PathBuf;
use std::process::{Command, ExitCode};

fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    match arguments.next().as_deref() {
        Some("tidy") => tidy::run(&root()),
        Some("torture") => torture(&arguments.collect::<Vec<_>>()),
        _ => {
            eprintln!("usage: cargo xtask tidy             check the rules of the house");
            eprintln!("       cargo xtask torture [KILLS]  kill -9 the server again and again (default 200)");
            eprintln!("       cargo xtask torture --maintenance [KILLS]");
            eprintln!("                                    the same while segments are merged and delete jobs run");
            ExitCode::from(2)
        }
    }
}

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// The kill -9 loops of the end-to-end suite, at full length.
fn torture(arguments: &[String]) -> ExitCode {
    let maintenance = arguments.iter().any(|argument| argument == "--maintenance");
    let kills = arguments.iter().find(|argument| *argument != "--maintenance").map_or("200", String::as_str);
    if kills.parse::<u32>().is_err() {
        eprintln!("torture: `{kills}` is no number of kills");
        return ExitCode::from(2);
    }
    let chosen = if maintenance { "kill and maintenance" } else { "kill and not maintenance" };
    let status = Command::new(root().join("e2e/run")).args(["-k", chosen]).env("CLEWLINE_E2E_KILLS", kills).status();
    match status {
        Ok(status) if status.success() => ExitCode::SUCCESS,
        Ok(_) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("e2e/run could not be started: {error}");
            ExitCode::FAILURE
        }
    }
}
