//! `clewline doctor`: does a server work from here, and if not, what to do.

mod checks;
mod round_trip;

use crate::error::CliError;
use crate::global::Global;
use crate::http::Server;
use crate::terminal::{Out, Style, Terminal, escape};
use serde_json::json;
use std::path::PathBuf;

const EXAMPLES: &str = "\
Examples:
  clewline doctor
  clewline doctor --server http://logs.internal:4300
  clewline doctor --data-dir /var/lib/clewline

Sends one log record and one span of service clewline-doctor and looks for them.
Exit codes: 0 all well, 1 something failed, 2 usage, 3 no server.";

/// Arguments of `clewline doctor`.
#[derive(Debug, Clone, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct DoctorArgs {
    /// OTLP/HTTP address [default: the server's host, port 4318]
    #[arg(long, value_name = "URL")]
    pub otlp: Option<String>,
    /// Folder of a local server, to check the disk space
    #[arg(long, value_name = "DIR")]
    pub data_dir: Option<PathBuf>,
    /// Send nothing
    #[arg(long)]
    pub read_only: bool,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

/// What one check found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// All well.
    Good,
    /// Works, but worth knowing.
    Odd(String),
    /// Does not work: what to do.
    Bad(String),
    /// Could not be looked at: why.
    Skipped(String),
}

/// One line of the report.
#[derive(Debug, Clone)]
pub(crate) struct Finding {
    /// What was looked at, and what was seen.
    pub(crate) what: String,
    /// The verdict.
    pub(crate) verdict: Verdict,
}

impl Finding {
    /// A finding.
    pub(crate) fn new(what: impl Into<String>, verdict: Verdict) -> Self {
        Finding { what: what.into(), verdict }
    }

    fn mark(&self) -> (&'static str, Style, &'static str, &str) {
        match &self.verdict {
            Verdict::Good => ("✓", Style::Good, "good", ""),
            Verdict::Odd(advice) => ("!", Style::Warn, "odd", advice),
            Verdict::Bad(advice) => ("✗", Style::Error, "bad", advice),
            Verdict::Skipped(reason) => ("-", Style::Dim, "skipped", reason),
        }
    }
}

/// Looks at everything and prints a line each.
pub(crate) fn run(args: DoctorArgs, global: &Global) -> Result<(), CliError> {
    let server = Server::of(global)?;
    let terminal = Terminal::of_stdout(global);
    let mut report = Report { out: Out::stdout(), terminal, json: args.json, findings: Vec::new() };
    let reached = checks::reachable(&server);
    let unreachable = matches!(reached.verdict, Verdict::Bad(_));
    report.add(reached)?;
    if unreachable {
        for finding in checks::without_server(&server) {
            report.add(finding)?;
        }
        report.end()?;
        return Err(CliError::Unreachable { server: server.base().into(), reason: "see above".into() });
    }
    report.add(checks::ready(&server))?;
    report.add(checks::version(&server))?;
    report.add(checks::clock(&server))?;
    for finding in checks::listeners(&server) {
        report.add(finding)?;
    }
    if let Some(finding) = checks::disk(&server, args.data_dir.as_deref()) {
        report.add(finding)?;
    }
    if !args.read_only {
        for finding in round_trip::run(&server, args.otlp.as_deref(), global)? {
            report.add(finding)?;
        }
    }
    report.end()?;
    let bad = report.findings.iter().filter(|finding| matches!(finding.verdict, Verdict::Bad(_))).count();
    if bad > 0 {
        return Err(CliError::failed(format!("{bad} {} failed", if bad == 1 { "check" } else { "checks" })));
    }
    Ok(())
}

struct Report {
    out: Out,
    terminal: Terminal,
    json: bool,
    findings: Vec<Finding>,
}

impl Report {
    fn add(&mut self, finding: Finding) -> Result<(), CliError> {
        if !self.json {
            let (mark, style, _, advice) = finding.mark();
            self.out.line(&format!("{} {}", self.terminal.paint(style, mark), escape(&finding.what)))?;
            for line in advice.lines() {
                self.out.line(&format!("    {}", self.terminal.paint(Style::Dim, &escape(line))))?;
            }
            self.out.flush()?;
        }
        self.findings.push(finding);
        Ok(())
    }

    fn end(&mut self) -> Result<(), CliError> {
        if self.json {
            let findings = self.findings.iter().map(|finding| {
                let (_, _, verdict, advice) = finding.mark();
                json!({ "check": finding.what, "verdict": verdict, "advice": advice })
            });
            let text = json!(findings.collect::<Vec<_>>()).to_string();
            self.out.line(&text)?;
        }
        self.out.flush()
    }
}
