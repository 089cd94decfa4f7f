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
        Some("torture") => torture(arguments.next()),
        _ => {
            eprintln!("usage: cargo xtask tidy             check the rules of the house");
            eprintln!("       cargo xtask torture [KILLS]  kill -9 the server again and again (default 200)");
            ExitCode::from(2)
        }
    }
}

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// The kill -9 loop of the end-to-end suite, at full length.
fn torture(kills: Option<String>) -> ExitCode {
    let kills = kills.unwrap_or_else(|| "200".into());
    let status = Command::new(root().join("e2e/run")).args(["-k", "kill"]).env("CLEWLINE_E2E_KILLS", kills).status();
    match status {
        Ok(status) if status.success() => ExitCode::SUCCESS,
        Ok(_) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("e2e/run could not be started: {error}");
            ExitCode::FAILURE
        }
    }
}
