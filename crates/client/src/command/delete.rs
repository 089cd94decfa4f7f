//! `clewline delete`: deletion by query, rehearsed, confirmed, followed.

use std::io::{BufRead, IsTerminal};
use std::time::Duration;

use serde_json::Value;

use super::Signal;
use super::period::PeriodArgs;
use super::report::{self, ReportFormat, Tables, list, number, row, text};
use crate::error::CliError;
use crate::global::Global;
use crate::http::Server;
use crate::machine::sleep;
use crate::terminal::note;

const EXAMPLES: &str = "\
Examples:
  clewline delete --signal logs 'user.id:=42' --dry-run
  clewline delete --signal logs 'user.id:=42' --yes --wait
  clewline delete --signal spans 'service:checkout' --end 2026-11-01T00:00:00Z
  clewline delete --jobs

Every matching record acknowledged before the request goes for good: from memory, log files and segments.
Exit codes: 0 done or begun, 1 refused, not confirmed or failed, 2 usage, 3 no server.";

/// Pause between two looks at a job.
const POLL: Duration = Duration::from_millis(300);

/// Arguments of `clewline delete`.
#[derive(Debug, Clone, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct DeleteArgs {
    /// Which records: a filter without pipes; `*` is every record of the period
    #[arg(value_name = "QUERY", required_unless_present = "jobs")]
    pub query: Vec<String>,
    /// Of which signal
    #[arg(long, value_enum, required_unless_present = "jobs")]
    pub signal: Option<Signal>,
    /// The period.
    #[command(flatten)]
    pub period: PeriodArgs,
    /// Only say how many records match
    #[arg(long)]
    pub dry_run: bool,
    /// Do not ask
    #[arg(long, short = 'y')]
    pub yes: bool,
    /// Return when the job is done
    #[arg(long)]
    pub wait: bool,
    /// Show the jobs and their progress
    #[arg(long, conflicts_with_all = ["query", "signal", "dry_run", "yes", "wait"])]
    pub jobs: bool,
    /// Output format [default: table on a terminal, json in a pipe]
    #[arg(long, short = 'o', value_enum, value_name = "FORMAT")]
    pub output: Option<ReportFormat>,
}

/// Counts, asks, begins and follows a job, or shows all of them.
pub(crate) fn run(args: DeleteArgs, global: &Global) -> Result<(), CliError> {
    let server = Server::of(global)?;
    if args.jobs {
        let document = server.get_json("/api/v1/delete", &[])?;
        return report::print(&document, args.output, global, |document, tables| {
            tables.table("Delete jobs", list(document, "/jobs").iter().map(job_row).collect())
        });
    }
    let query = args.query.join(" ");
    let mut params = vec![("query", query.clone()), ("signal", args.signal.unwrap_or_default().name().to_owned())];
    params.extend(args.period.params()?);
    let rehearsal = || {
        let dry = params.iter().cloned().chain([("dry_run", "true".to_owned())]);
        server.post_json("/api/v1/delete", &dry.collect::<Vec<_>>(), Some(&query))
    };
    if args.dry_run {
        return report::print(&rehearsal()?, args.output, global, |document, tables| {
            tables.line(&format!("{} records match; nothing was deleted", number(document, "/matched")))
        });
    }
    if !args.yes {
        confirm(number(&rehearsal()?, "/matched"))?;
    }
    let mut document = server.post_json("/api/v1/delete", &params, Some(&query))?;
    if args.wait {
        document = follow(&server, &document)?;
    }
    report::print(&document, args.output, global, told)
}

fn told(document: &Value, tables: &mut Tables<'_>) -> Result<(), CliError> {
    let job = document.pointer("/job").unwrap_or(document);
    let (id, matched, deleted) = (number(job, "/id"), number(job, "/matched"), number(job, "/deleted"));
    tables.line(&match text(job, "/state").as_str() {
        "done" => format!("job {id} is done: {deleted} records deleted"),
        _ => format!("job {id} has begun: {matched} records match; `clewline delete --jobs` shows its progress"),
    })
}

/// Asks the person at the terminal; without one, `--yes` is needed.
fn confirm(matched: u64) -> Result<(), CliError> {
    if !std::io::stdin().is_terminal() {
        return Err(CliError::usage(
            "nobody can be asked whether to delete",
            "add --yes, or --dry-run to see how many records match",
        ));
    }
    note(&format!("{matched} records match and will be deleted for good. Type `delete` to go on:"));
    let mut answer = String::new();
    std::io::stdin().lock().read_line(&mut answer)?;
    if answer.trim() == "delete" { Ok(()) } else { Err(CliError::failed("nothing was deleted")) }
}

/// Waits until a job is done; the list with its last state.
fn follow(server: &Server, begun: &Value) -> Result<Value, CliError> {
    let id = number(begun, "/job/id");
    loop {
        let jobs = server.get_json("/api/v1/delete", &[])?;
        let job = list(&jobs, "/jobs").iter().find(|job| number(job, "/id") == id);
        let Some(job) = job else { return Err(CliError::failed(format!("the server knows no job {id} any more"))) };
        match text(job, "/state").as_str() {
            "done" => {
                return Ok(serde_json::json!({ "dry_run": false, "matched": number(job, "/matched"), "job": job }));
            }
            "failing" => {
                let hint = "the server tries again; `clewline delete --jobs` shows whether it succeeds";
                return Err(CliError::failed_hint(format!("job {id}: {}", text(job, "/error")), hint));
            }
            _ => sleep(POLL),
        }
    }
}

/// A job as a row of a table.
pub(super) fn job_row(job: &Value) -> crate::output::Row {
    row([
        ("job", number(job, "/id").into()),
        ("state", text(job, "/state").into()),
        ("signal", text(job, "/signal").into()),
        ("query", text(job, "/query").into()),
        ("matched", number(job, "/matched").into()),
        ("deleted", number(job, "/deleted").into()),
        ("left", number(job, "/segments_left").into()),
        ("requested", text(job, "/requested").into()),
        ("finished", text(job, "/finished").into()),
        ("error", text(job, "/error").into()),
    ])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stub::Stub;

    fn args() -> DeleteArgs {
        DeleteArgs {
            query: vec!["user.id:=42".to_owned()],
            signal: Some(Signal::Spans),
            period: PeriodArgs::default(),
            dry_run: false,
            yes: true,
            wait: true,
            jobs: false,
            output: None,
        }
    }

    #[test]
    fn a_job_is_begun_and_followed_to_its_end() {
        let looks = std::sync::atomic::AtomicU32::new(0);
        let stub = Stub::start(move |request| {
            let body: &[u8] = match request.method.as_str() {
                "POST" => br#"{"dry_run":false,"matched":3,"job":{"id":7,"state":"running"}}"#,
                _ if looks.fetch_add(1, std::sync::atomic::Ordering::Relaxed) == 0 => {
                    br#"{"jobs":[{"id":7,"state":"running"}]}"#
                }
                _ => br#"{"jobs":[{"id":8,"state":"running"},{"id":7,"state":"done","deleted":3}]}"#,
            };
            (200, vec![], body.to_vec())
        });
        let global = Global { server: Some(stub.address.clone()), ..Global::default() };
        run(args(), &global).unwrap();
        let requests = stub.requests();
        assert_eq!(requests.len(), 3);
        assert_eq!(String::from_utf8_lossy(&requests[0].body), r#"{"query":"user.id:=42","signal":"spans"}"#);
    }

    #[test]
    fn a_job_that_fails_is_an_error_and_a_rehearsal_begins_none() {
        let stub = Stub::start(|request| match request.method.as_str() {
            "POST" => (200, vec![], br#"{"matched":3,"job":{"id":7}}"#.to_vec()),
            _ => (200, vec![], br#"{"jobs":[{"id":7,"state":"failing","error":"a file is damaged"}]}"#.to_vec()),
        });
        let global = Global { server: Some(stub.address.clone()), ..Global::default() };
        let error = run(args(), &global).unwrap_err();
        assert!(error.to_string().contains("a file is damaged"), "{error}");
        run(DeleteArgs { dry_run: true, ..args() }, &global).unwrap();
        let last = stub.requests().pop().unwrap();
        assert!(String::from_utf8_lossy(&last.body).contains(r#""dry_run":"true""#));
    }
}
